#include "check.h"

#include <stdlib.h>
#include <string.h>

#include <marketsim/source.h>

#include "base/detail.h"
#include "base/random.h"

/*
 * A source of the test's own: given records with marks between them.  A mark is a
 * record of kind PAUSE (one pull gives nothing) or FAIL (the pull fails).
 */
enum { PAUSE = 250, FAIL = 251 };

struct script {
    const struct msim_record *steps;
    size_t count;
    size_t at;
    size_t at_most; /* records in one pull */
    const char *const *names;
    size_t name_count;
    int released;
    bool mute; /* fails without words */
};

static int script_pull(void *self, struct msim_record *records, size_t capacity, size_t *count,
                       struct msim_detail *detail)
{
    struct script *script = self;
    size_t given = 0;

    if (script->at == script->count)
        return MSIM_PULL_END;
    if (script->steps[script->at].kind == PAUSE) {
        script->at++;
        return MSIM_PULL_EMPTY;
    }
    if (script->steps[script->at].kind == FAIL)
        return script->mute ? MSIM_ERR_IO : msim_detail_set(detail, MSIM_ERR_IO, "the disk died");
    while (given < capacity && given < script->at_most && script->at < script->count &&
           script->steps[script->at].kind < PAUSE)
        records[given++] = script->steps[script->at++];
    *count = given;
    return MSIM_PULL_RECORD;
}

static msim_time script_next_due(void *self)
{
    struct script *script = self;

    for (size_t i = script->at; i < script->count; i++)
        if (script->steps[i].kind < PAUSE)
            return script->steps[i].time;
    return MSIM_TIME_NEVER;
}

static const char *script_symbol(void *self, uint32_t id, size_t *length)
{
    struct script *script = self;

    if (id >= script->name_count)
        return NULL;
    *length = strlen(script->names[id]);
    return script->names[id];
}

static void script_release(void *self)
{
    struct script *script = self;

    script->released++;
}

static const struct msim_source_ops script_ops = {
    .pull = script_pull,
    .next_due = script_next_due,
    .symbol = script_symbol,
    .release = script_release,
};

static struct msim_source open_script(struct script *script)
{
    return (struct msim_source){.ops = &script_ops, .self = script};
}

static struct msim_record at(msim_time time, uint32_t symbol)
{
    return (struct msim_record){.time = time, .symbol = symbol, .kind = MSIM_RECORD_TRADE};
}

static struct msim_record mark(uint8_t kind)
{
    return (struct msim_record){.kind = kind};
}

/* "time symbol-name ..." of what a source gives until it gives something else; that result. */
static int pull_text(struct msim_source *source, size_t capacity, char *out)
{
    struct msim_record records[64];
    size_t count;
    int r;

    out[0] = '\0';
    while ((r = msim_source_pull(source, records, capacity, &count, NULL)) == MSIM_PULL_RECORD) {
        for (size_t i = 0; i < count; i++) {
            size_t length = 0;
            const char *name = records[i].flags & MSIM_RECORD_NO_SYMBOL
                                   ? "-"
                                   : msim_source_symbol(source, records[i].symbol, &length);
            assert_non_null(name);
            char *end = out + strlen(out);
            *end++ = (char)('0' + records[i].time);
            *end++ = name[0];
            *end++ = ' ';
            *end = '\0';
        }
    }
    return r;
}

static const char *const abc[] = {"a", "b", "c"};
static const char *const cb[] = {"c", "b"};

static void records_of_equal_times_come_in_the_order_of_the_inputs(void **state)
{
    const struct msim_record left[] = {at(1, 0), at(1, 1), at(3, 2)};
    const struct msim_record right[] = {at(0, 1), at(1, 0), at(3, 0)};
    char out[256];

    (void)state;
    for (size_t capacity = 1; capacity < 8; capacity++) {
        struct script scripts[] = {{left, 3, 0, capacity, abc, 3, 0, false},
                                   {right, 3, 0, 2, cb, 2, 0, false}};
        struct msim_source inputs[] = {open_script(&scripts[0]), open_script(&scripts[1])};
        struct msim_source merge;

        assert_int_equal(msim_source_merge(&merge, inputs, 2, NULL), MSIM_OK);
        assert_null(inputs[0].ops);
        assert_null(inputs[1].ops);
        assert_int_equal(pull_text(&merge, capacity, out), MSIM_PULL_END);
        assert_string_equal(out, "0b 1a 1b 1c 3c 3c ");
        msim_source_release(&merge);
        assert_int_equal(scripts[0].released, 1);
        assert_int_equal(scripts[1].released, 1);
    }
}

static void symbols_of_one_name_become_one_in_order_of_appearance(void **state)
{
    const struct msim_record left[] = {at(1, 2), at(3, 0)};
    const struct msim_record right[] = {at(0, 1), at(2, 0)};
    struct script scripts[] = {{left, 2, 0, 9, abc, 3, 0, false},
                               {right, 2, 0, 9, cb, 2, 0, false}};
    struct msim_source inputs[] = {open_script(&scripts[0]), open_script(&scripts[1])};
    struct msim_source merge;
    struct msim_record records[8];
    size_t count;
    size_t length;

    (void)state;
    assert_int_equal(msim_source_merge(&merge, inputs, 2, NULL), MSIM_OK);
    assert_int_equal(msim_source_pull(&merge, records, 8, &count, NULL), MSIM_PULL_RECORD);
    assert_int_equal(count, 4);
    assert_int_equal(records[0].symbol, 0);
    assert_int_equal(records[1].symbol, 1);
    assert_int_equal(records[2].symbol, 1);
    assert_int_equal(records[3].symbol, 2);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(records[i].sequence, i);
    assert_string_equal(msim_source_symbol(&merge, 0, &length), "b");
    assert_string_equal(msim_source_symbol(&merge, 1, &length), "c");
    assert_string_equal(msim_source_symbol(&merge, 2, &length), "a");
    assert_null(msim_source_symbol(&merge, 3, &length));
    msim_source_release(&merge);
}

static void inputs_without_records_are_no_obstacle(void **state)
{
    const struct msim_record one[] = {at(5, 0)};
    struct script scripts[] = {{NULL, 0, 0, 1, NULL, 0, 0, false},
                               {one, 1, 0, 1, abc, 3, 0, false},
                               {NULL, 0, 0, 1, NULL, 0, 0, false}};
    struct msim_source inputs[3];
    struct msim_source merge;
    char out[64];

    (void)state;
    for (size_t i = 0; i < 3; i++)
        inputs[i] = open_script(&scripts[i]);
    assert_int_equal(msim_source_merge(&merge, inputs, 3, NULL), MSIM_OK);
    assert_true(msim_source_next_due(&merge) == 5);
    assert_int_equal(pull_text(&merge, 4, out), MSIM_PULL_END);
    assert_string_equal(out, "5a ");
    assert_true(msim_source_next_due(&merge) == MSIM_TIME_NEVER);
    assert_int_equal(pull_text(&merge, 4, out), MSIM_PULL_END);
    msim_source_release(&merge);
}

static void a_live_input_that_has_nothing_yet_holds_the_others(void **state)
{
    const struct msim_record live[] = {mark(PAUSE), at(2, 0), mark(PAUSE), mark(PAUSE), at(4, 1)};
    const struct msim_record ready[] = {at(1, 0), at(3, 0), at(5, 0)};
    struct script scripts[] = {{live, 5, 0, 9, abc, 3, 0, false},
                               {ready, 3, 0, 9, cb, 2, 0, false}};
    struct msim_source inputs[] = {open_script(&scripts[0]), open_script(&scripts[1])};
    struct msim_source merge;
    char out[64];

    (void)state;
    assert_int_equal(msim_source_merge(&merge, inputs, 2, NULL), MSIM_OK);
    assert_int_equal(pull_text(&merge, 8, out), MSIM_PULL_EMPTY);
    assert_string_equal(out, "");
    assert_true(msim_source_next_due(&merge) == 1);
    assert_int_equal(pull_text(&merge, 8, out), MSIM_PULL_EMPTY);
    assert_string_equal(out, "1c 2a ");
    assert_int_equal(pull_text(&merge, 8, out), MSIM_PULL_END);
    assert_string_equal(out, "3c 4b 5c ");
    msim_source_release(&merge);
}

static void the_good_records_before_a_failure_are_given_first(void **state)
{
    const struct msim_record bad[] = {at(1, 0), at(2, 0), mark(FAIL)};
    const struct msim_record good[] = {at(1, 0), at(2, 1), at(9, 0)};

    (void)state;
    for (int mute = 0; mute < 2; mute++) {
        struct script scripts[] = {{bad, 3, 0, 9, abc, 3, 0, mute},
                                   {good, 3, 0, 9, cb, 2, 0, false}};
        struct msim_source inputs[] = {open_script(&scripts[0]), open_script(&scripts[1])};
        struct msim_source merge;
        struct msim_record record;
        struct msim_detail detail = {{0}};
        size_t count;
        char out[64];

        assert_int_equal(msim_source_merge(&merge, inputs, 2, NULL), MSIM_OK);
        assert_int_equal(pull_text(&merge, 8, out), MSIM_ERR_IO);
        assert_string_equal(out, "1a 1c 2a ");
        for (int i = 0; i < 2; i++) {
            assert_int_equal(msim_source_pull(&merge, &record, 1, &count, &detail), MSIM_ERR_IO);
            assert_string_equal(detail.text, mute ? "input or output failed" : "the disk died");
        }
        msim_source_release(&merge);
        assert_int_equal(scripts[0].released, 1);
        assert_int_equal(scripts[1].released, 1);
    }
}

static void an_input_out_of_order_is_refused_where_it_turns_back(void **state)
{
    const struct msim_record back[] = {at(1, 0), at(3, 0), at(2, 0)};
    const struct msim_record good[] = {at(2, 0), at(9, 0)};
    struct msim_detail detail;

    (void)state;
    for (size_t at_most = 1; at_most <= 3; at_most++) {
        struct script scripts[] = {{good, 2, 0, 9, cb, 2, 0, false},
                                   {back, 3, 0, at_most, abc, 3, 0, false}};
        struct msim_source inputs[] = {open_script(&scripts[0]), open_script(&scripts[1])};
        struct msim_source merge;
        struct msim_record record;
        size_t count;
        char out[64];

        assert_int_equal(msim_source_merge(&merge, inputs, 2, NULL), MSIM_OK);
        assert_int_equal(pull_text(&merge, 8, out), MSIM_ERR_INVALID);
        assert_string_equal(out, "1a 2c 3a ");
        assert_int_equal(msim_source_pull(&merge, &record, 1, &count, &detail), MSIM_ERR_INVALID);
        assert_string_equal(detail.text, "input 1 of the merge gave a record that is earlier than "
                                         "the one before it");
        msim_source_release(&merge);
    }
}

static void a_symbol_that_has_no_name_is_refused(void **state)
{
    const struct msim_record records[] = {at(1, 1), at(2, UINT32_MAX - 7)};
    struct script script = {records, 2, 0, 9, abc, 3, 0, false};
    struct msim_source input = open_script(&script);
    struct msim_source merge;
    struct msim_record record;
    struct msim_detail detail;
    size_t count;
    char out[64];

    (void)state;
    assert_int_equal(msim_source_merge(&merge, &input, 1, NULL), MSIM_OK);
    assert_int_equal(pull_text(&merge, 8, out), MSIM_ERR_INVALID);
    assert_string_equal(out, "1b ");
    assert_int_equal(msim_source_pull(&merge, &record, 1, &count, &detail), MSIM_ERR_INVALID);
    assert_string_equal(detail.text, "an input of the merge gave symbol 4294967288 without a name");
    msim_source_release(&merge);
}

static void a_record_without_symbol_stays_without(void **state)
{
    struct msim_record records[] = {at(1, 77), at(2, 0)};
    struct script script = {records, 2, 0, 9, abc, 3, 0, false};
    struct msim_source input = open_script(&script);
    struct msim_source merge;
    char out[64];

    (void)state;
    records[0].flags = MSIM_RECORD_NO_SYMBOL;
    assert_int_equal(msim_source_merge(&merge, &input, 1, NULL), MSIM_OK);
    assert_int_equal(pull_text(&merge, 8, out), MSIM_PULL_END);
    assert_string_equal(out, "1- 2a ");
    msim_source_release(&merge);
}

static void bad_arguments_leave_the_inputs_where_they_are(void **state)
{
    struct script script = {NULL, 0, 0, 1, NULL, 0, 0, false};
    struct msim_source inputs[] = {open_script(&script), {0}};
    struct msim_source merge = {0};

    (void)state;
    assert_int_equal(msim_source_merge(&merge, inputs, 2, NULL), MSIM_ERR_INVALID);
    assert_int_equal(msim_source_merge(&merge, inputs, 0, NULL), MSIM_ERR_INVALID);
    assert_int_equal(msim_source_merge(NULL, inputs, 1, NULL), MSIM_ERR_INVALID);
    assert_int_equal(msim_source_merge(&merge, NULL, 1, NULL), MSIM_ERR_INVALID);
    assert_non_null(inputs[0].ops);
    assert_null(merge.ops);
    msim_source_release(&inputs[0]);
    assert_int_equal(script.released, 1);
}

/* ---- against a stable sort of everything ---- */

#define MOST_INPUTS 9
#define MOST_RECORDS 300

static const struct msim_record *by_time_and_place(const struct msim_record *a,
                                                   const struct msim_record *b)
{
    return a->time < b->time || (a->time == b->time && a->sequence < b->sequence) ? a : b;
}

/* `as.trade.row` remembers where a record came from. */
static size_t make_input(struct msim_record *records, uint64_t seed, uint64_t input)
{
    uint64_t dice = msim_mix64(seed * 100 + input);
    size_t count = dice % 5 == 0 ? 0 : (size_t)(dice >> 8) % MOST_RECORDS;
    msim_time time = (msim_time)(dice >> 20) % 10 - 5;

    for (size_t i = 0; i < count; i++) {
        dice = msim_mix64((seed << 32 | input << 16) + i);
        time += dice % 3 == 0 ? (msim_time)(dice >> 8) % 4 : 0;
        records[i] = at(time, (uint32_t)(dice >> 16) % 3);
        if (dice % 11 == 0)
            records[i] = mark(PAUSE);
        records[i].as.trade.row = input << 32 | i;
    }
    return count;
}

static void a_merge_is_the_stable_sort_of_its_inputs(void **state)
{
    static struct msim_record records[MOST_INPUTS][MOST_RECORDS];
    static struct msim_record all[MOST_INPUTS * MOST_RECORDS];

    (void)state;
    for (uint64_t seed = 0; seed < 60; seed++) {
        size_t inputs_count = 1 + (size_t)(seed % MOST_INPUTS);
        struct script scripts[MOST_INPUTS];
        struct msim_source inputs[MOST_INPUTS];
        struct msim_source merge;
        size_t total = 0;

        for (size_t i = 0; i < inputs_count; i++) {
            size_t count = make_input(records[i], seed, i);
            scripts[i] =
                (struct script){records[i], count, 0, 1 + (size_t)(seed % 100), abc, 3, 0, false};
            inputs[i] = open_script(&scripts[i]);
            for (size_t k = 0; k < count; k++) {
                if (records[i][k].kind == PAUSE)
                    continue;
                all[total] = records[i][k];
                all[total].sequence = total;
                total++;
            }
        }
        assert_int_equal(msim_source_merge(&merge, inputs, inputs_count, NULL), MSIM_OK);
        for (size_t given = 0; given < total;) {
            struct msim_record out[50];
            size_t count = 0;
            size_t capacity = 1 + (size_t)(msim_mix64(seed + given) % COUNT(out));
            int r = msim_source_pull(&merge, out, capacity, &count, NULL);
            assert_true(r == MSIM_PULL_RECORD || r == MSIM_PULL_EMPTY);
            for (size_t i = 0; r == MSIM_PULL_RECORD && i < count; i++, given++) {
                /* Selection: the smallest of what is left goes to the front of it. */
                const struct msim_record *first = &all[given];
                for (size_t k = given + 1; k < total; k++)
                    first = by_time_and_place(first, &all[k]);
                assert_true(out[i].time == first->time);
                assert_true(out[i].as.trade.row == first->as.trade.row);
                assert_int_equal(out[i].sequence, given);
                size_t length;
                assert_string_equal(msim_source_symbol(&merge, out[i].symbol, &length),
                                    abc[first->symbol]);
                all[first - all] = all[given];
            }
        }
        struct msim_record record;
        size_t count;
        int r;
        while ((r = msim_source_pull(&merge, &record, 1, &count, NULL)) == MSIM_PULL_EMPTY)
            continue;
        assert_int_equal(r, MSIM_PULL_END);
        msim_source_release(&merge);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_of_equal_times_come_in_the_order_of_the_inputs),
        cmocka_unit_test(symbols_of_one_name_become_one_in_order_of_appearance),
        cmocka_unit_test(inputs_without_records_are_no_obstacle),
        cmocka_unit_test(a_live_input_that_has_nothing_yet_holds_the_others),
        cmocka_unit_test(the_good_records_before_a_failure_are_given_first),
        cmocka_unit_test(an_input_out_of_order_is_refused_where_it_turns_back),
        cmocka_unit_test(a_symbol_that_has_no_name_is_refused),
        cmocka_unit_test(a_record_without_symbol_stays_without),
        cmocka_unit_test(bad_arguments_leave_the_inputs_where_they_are),
        cmocka_unit_test(a_merge_is_the_stable_sort_of_its_inputs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
