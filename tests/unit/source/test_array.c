#include "check.h"

#include <string.h>

#include <marketsim/source.h>

static const char *const names[] = {"A", "B"};

static struct msim_record at(msim_time time, uint32_t symbol)
{
    return (struct msim_record){.time = time, .symbol = symbol, .kind = MSIM_RECORD_TRADE};
}

static int open_array(struct msim_source *source, const struct msim_record *records, size_t count,
                      struct msim_detail *detail)
{
    struct msim_source_array_params params = MSIM_SOURCE_ARRAY_PARAMS_INIT;

    params.records = records;
    params.count = count;
    params.symbols = names;
    params.symbol_count = COUNT(names);
    return msim_source_array(source, &params, detail);
}

static void records_come_in_order_with_dense_numbers(void **state)
{
    struct msim_record records[10];
    struct msim_source source;

    (void)state;
    for (size_t i = 0; i < COUNT(records); i++) {
        records[i] = at((msim_time)(i / 3), (uint32_t)(i % 2));
        records[i].sequence = 99;
    }
    for (size_t capacity = 1; capacity <= 12; capacity++) {
        struct msim_record out[12];
        size_t count = 0;
        size_t seen = 0;

        assert_int_equal(open_array(&source, records, COUNT(records), NULL), MSIM_OK);
        while (msim_source_pull(&source, out, capacity, &count, NULL) == MSIM_PULL_RECORD) {
            assert_true(count >= 1 && count <= capacity);
            for (size_t i = 0; i < count; i++, seen++) {
                assert_int_equal(out[i].sequence, seen);
                assert_true(out[i].time == records[seen].time);
                assert_int_equal(out[i].symbol, records[seen].symbol);
            }
            assert_true(msim_source_next_due(&source) ==
                        (seen < COUNT(records) ? records[seen].time : MSIM_TIME_NEVER));
        }
        assert_int_equal(seen, COUNT(records));
        assert_int_equal(msim_source_pull(&source, out, capacity, &count, NULL), MSIM_PULL_END);
        msim_source_release(&source);
    }
}

static void no_records_are_an_end_at_once(void **state)
{
    struct msim_source source;
    struct msim_record record;
    size_t count = 77;

    (void)state;
    assert_int_equal(open_array(&source, NULL, 0, NULL), MSIM_OK);
    assert_true(msim_source_next_due(&source) == MSIM_TIME_NEVER);
    assert_int_equal(msim_source_pull(&source, &record, 1, &count, NULL), MSIM_PULL_END);
    assert_int_equal(count, 77);
    msim_source_release(&source);
}

static void symbols_have_their_names(void **state)
{
    struct msim_source source;
    size_t length = 0;

    (void)state;
    assert_int_equal(open_array(&source, NULL, 0, NULL), MSIM_OK);
    assert_string_equal(msim_source_symbol(&source, 1, &length), "B");
    assert_int_equal(length, 1);
    assert_string_equal(msim_source_symbol(&source, 0, NULL), "A");
    assert_null(msim_source_symbol(&source, 2, &length));
    msim_source_release(&source);
}

static void assert_refused(const struct msim_record *records, size_t count, const char *words)
{
    struct msim_source source = {0};
    struct msim_detail detail;

    assert_int_equal(open_array(&source, records, count, &detail), MSIM_ERR_INVALID);
    assert_string_equal(detail.text, words);
    assert_null(source.ops);
    assert_int_equal(open_array(&source, records, count, NULL), MSIM_ERR_INVALID);
}

static void what_is_no_source_is_refused_in_words(void **state)
{
    struct msim_record records[2] = {at(2, 0), at(1, 0)};

    (void)state;
    assert_refused(records, 2, "record 1 is earlier than the one before it: sort by time");
    records[1] = at(2, 2);
    assert_refused(records, 2, "record 1 bears symbol 2, and the 2 symbols have no name for it");
    records[1].flags = MSIM_RECORD_NO_SYMBOL;
    records[1].quantity_exponent = 1;
    assert_refused(records, 2, "record 1 has exponents 0 and 1: they must be in -18..0");
    records[1].quantity_exponent = -18;
    records[1].price_exponent = -19;
    assert_refused(records, 2, "record 1 has exponents -19 and -18: they must be in -18..0");
    assert_refused(NULL, 1, "params must come from MSIM_SOURCE_ARRAY_PARAMS_INIT");
}

static void a_symbol_without_a_text_has_no_name(void **state)
{
    static const char *const holes[] = {"A", NULL};
    struct msim_source_array_params params = MSIM_SOURCE_ARRAY_PARAMS_INIT;
    struct msim_record record = at(1, 1);
    struct msim_source source = {0};

    (void)state;
    params.records = &record;
    params.count = 1;
    params.symbols = holes;
    params.symbol_count = 2;
    assert_int_equal(msim_source_array(&source, &params, NULL), MSIM_ERR_INVALID);
    record.symbol = 0;
    assert_int_equal(msim_source_array(&source, &params, NULL), MSIM_OK);
    assert_null(msim_source_symbol(&source, 1, NULL));
    msim_source_release(&source);
}

static void params_of_another_size_are_refused(void **state)
{
    struct msim_source_array_params params = {0};
    struct msim_source source = {0};

    (void)state;
    assert_int_equal(msim_source_array(&source, &params, NULL), MSIM_ERR_INVALID);
    assert_int_equal(msim_source_array(&source, NULL, NULL), MSIM_ERR_INVALID);
    params.size = sizeof params;
    assert_int_equal(msim_source_array(NULL, &params, NULL), MSIM_ERR_INVALID);
}

static void a_released_source_answers_every_call(void **state)
{
    struct msim_source source;
    struct msim_record record;
    struct msim_detail detail;
    size_t count;

    (void)state;
    assert_int_equal(open_array(&source, NULL, 0, NULL), MSIM_OK);
    msim_source_release(&source);
    assert_null(source.ops);
    msim_source_release(&source);
    msim_source_release(NULL);
    assert_int_equal(msim_source_pull(&source, &record, 1, &count, &detail), MSIM_ERR_INVALID);
    assert_string_equal(detail.text, "a pull needs a source that is open, and room for a record");
    assert_true(msim_source_next_due(&source) == MSIM_TIME_NEVER);
    assert_null(msim_source_symbol(&source, 0, NULL));
}

/* A source of a stranger's that says one thing and does another. */
struct liar {
    int result;
    size_t count;
};

static int liar_pull(void *self, struct msim_record *records, size_t capacity, size_t *count,
                     struct msim_detail *detail)
{
    struct liar *liar = self;

    (void)records;
    (void)capacity;
    (void)detail;
    *count = liar->count;
    return liar->result;
}

static void a_pull_that_breaks_the_contract_is_refused(void **state)
{
    static const struct liar liars[] = {{MSIM_PULL_RECORD, 0}, {MSIM_PULL_RECORD, 3}, {3, 1}};
    static const struct msim_source_ops ops = {.pull = liar_pull};
    struct msim_record records[2];

    (void)state;
    for (size_t i = 0; i < COUNT(liars); i++) {
        struct liar liar = liars[i];
        struct msim_source source = {.ops = &ops, .self = &liar};
        struct msim_detail detail;
        size_t count = 77;

        assert_int_equal(msim_source_pull(&source, records, 2, &count, &detail), MSIM_ERR_INVALID);
        assert_int_equal(count, 77);
        assert_memory_equal(detail.text, "the source broke its contract", 29);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_come_in_order_with_dense_numbers),
        cmocka_unit_test(no_records_are_an_end_at_once),
        cmocka_unit_test(symbols_have_their_names),
        cmocka_unit_test(what_is_no_source_is_refused_in_words),
        cmocka_unit_test(a_symbol_without_a_text_has_no_name),
        cmocka_unit_test(params_of_another_size_are_refused),
        cmocka_unit_test(a_released_source_answers_every_call),
        cmocka_unit_test(a_pull_that_breaks_the_contract_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
