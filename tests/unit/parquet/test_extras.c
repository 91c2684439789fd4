#include "made.h"

#include <stdio.h>

#include "base/random.h"

/* Files with columns beside the four, and what each trade must show of them. */
struct file_plan {
    size_t rows;
    uint64_t group_rows;
    int64_t spread; /* how far times are out of order */
    bool has_note;
};

enum { NUMBER = COLUMNS, RATIO, SENT, NOTE, ALL };

#define NOTES_SIZE 32

static void note_of(uint64_t dice, char out[NOTES_SIZE])
{
    snprintf(out, NOTES_SIZE, "%s\"%llu", dice % 3 ? "n" : "\xC3\xA9", (unsigned long long)dice);
}

static int64_t time_of(const struct file_plan *plan, size_t i)
{
    int64_t late = plan->spread > 0 ? (int64_t)(msim_mix64(i) % (uint64_t)plan->spread) : 0;

    return (int64_t)i + late;
}

static struct made make(const struct file_plan *plan)
{
    const struct msim_parquet_column columns[ALL] = {
        [TIMESTAMP] = {.name = "timestamp", .type = MSIM_PARQUET_TIMESTAMP_NS},
        [PRICE] = {.name = "price", .type = MSIM_PARQUET_INT64},
        [VOLUME] = {.name = "volume", .type = MSIM_PARQUET_INT64},
        [TICKER] = {.name = "ticker", .type = MSIM_PARQUET_STRING},
        [NUMBER] = {.name = "number", .type = MSIM_PARQUET_INT32, .nullable = true},
        [RATIO] = {.name = "ratio", .type = MSIM_PARQUET_DOUBLE},
        [SENT] = {.name = "sent", .type = MSIM_PARQUET_TIMESTAMP_US},
        [NOTE] = {.name = "note", .type = MSIM_PARQUET_STRING, .nullable = true},
    };
    struct msim_parquet_writer_params params = MSIM_PARQUET_WRITER_PARAMS_INIT;
    struct msim_parquet_writer *writer = NULL;
    struct made made = {0};

    params.write = made_put;
    params.context = &made;
    params.columns = columns;
    params.column_count = plan->has_note ? ALL : NOTE;
    params.row_group_rows = plan->group_rows;
    assert_int_equal(msim_parquet_writer_create(&writer, &params, NULL), MSIM_OK);
    for (size_t i = 0; i < plan->rows; i++) {
        char note[NOTES_SIZE];
        note_of(msim_mix64(i), note);
        const struct msim_parquet_value values[ALL] = {
            [TIMESTAMP] = {.integer = time_of(plan, i)},
            [PRICE] = {.integer = (int64_t)i},
            [VOLUME] = {.integer = 1},
            [TICKER] = {.text = i % 2 ? "A" : "B", .text_length = 1},
            [NUMBER] = {.integer = -(int64_t)i, .is_null = i % 7 == 0},
            [RATIO] = {.number = (double)i / 4},
            [SENT] = {.integer = (int64_t)i * 1000},
            [NOTE] = {.text = note, .text_length = strlen(note), .is_null = i % 5 == 0},
        };
        assert_int_equal(msim_parquet_writer_row(writer, values, NULL), MSIM_OK);
    }
    assert_int_equal(msim_parquet_writer_finish(writer, NULL), MSIM_OK);
    msim_parquet_writer_destroy(&writer);
    return made;
}

static struct msim_parquet *open_files(const struct made *files, size_t count, uint64_t memory)
{
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;
    struct msim_parquet_bytes bytes[4];
    struct msim_parquet *parquet = NULL;

    for (size_t i = 0; i < count; i++)
        bytes[i] = (struct msim_parquet_bytes){.bytes = files[i].bytes, .length = files[i].length};
    params.memory_bytes = memory;
    assert_int_equal(msim_parquet_open_memory(&parquet, &params, bytes, count, NULL), MSIM_OK);
    return parquet;
}

static void assert_text(const struct msim_extra *value, enum msim_extra_kind kind, const char *text)
{
    assert_int_equal(value->kind, kind);
    assert_int_equal(value->length, strlen(text));
    assert_memory_equal(value->text, text, value->length);
}

/* The price says which row of its file the trade was. */
static void assert_extras(struct msim_source *source, const struct msim_record *record,
                          bool has_note)
{
    struct msim_extra values[4];
    size_t i = (size_t)record->as.trade.price;
    char text[NOTES_SIZE];

    assert_int_equal(msim_source_extras(source, record, values), MSIM_OK);
    if (i % 7 == 0) {
        assert_int_equal(values[0].kind, MSIM_EXTRA_NULL);
    } else {
        snprintf(text, sizeof text, "%lld", -(long long)i);
        assert_text(&values[0], MSIM_EXTRA_BARE, text);
    }
    static const char *const quarters[] = {"0", "25", "5", "75"};
    snprintf(text, sizeof text, "%zu.%s", i / 4, quarters[i % 4]);
    assert_text(&values[1], MSIM_EXTRA_BARE, text);
    assert_int_equal(values[2].kind, MSIM_EXTRA_TIME);
    assert_true(values[2].time == (msim_time)i * 1000);
    note_of(msim_mix64(i), text);
    if (!has_note || i % 5 == 0)
        assert_int_equal(values[3].kind, MSIM_EXTRA_NULL);
    else
        assert_text(&values[3], MSIM_EXTRA_TEXT, text);
}

static size_t read_all(struct msim_source *source, uint64_t first_rows, size_t piece)
{
    struct msim_record records[MSIM_SOURCE_EXTRAS_KEPT];
    msim_time last = INT64_MIN;
    size_t total = 0, count = 0;
    int r;

    while ((r = made_pull(source, records, piece, &count, NULL)) == MSIM_PULL_RECORD) {
        for (size_t i = 0; i < count; i++) {
            assert_true(records[i].time >= last);
            assert_int_equal(records[i].sequence, total + i);
            last = records[i].time;
            assert_extras(source, &records[i], records[i].as.trade.row < first_rows);
        }
        total += count;
    }
    assert_int_equal(r, MSIM_PULL_END);
    return total;
}

static void each_trade_has_its_own_further_columns_whatever_the_order(void **state)
{
    const struct file_plan plans[] = {
        {.rows = 9000, .group_rows = 9000, .has_note = true},
        {.rows = 9000, .group_rows = 3000, .spread = 200, .has_note = true},
        {.rows = 20000, .group_rows = 20000, .spread = 20000, .has_note = true},
        {.rows = 5000, .group_rows = 700, .spread = 5000, .has_note = true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(plans); i++) {
        struct msim_parquet_source_params params = MSIM_PARQUET_SOURCE_PARAMS_INIT;
        struct msim_source source;
        struct made made = make(&plans[i]);
        struct msim_parquet *parquet = open_files(&made, 1, 0);
        params.all_extra_columns = true;
        assert_int_equal(msim_parquet_source(&source, parquet, &params, NULL), MSIM_OK);
        assert_int_equal(read_all(&source, plans[i].rows, 1 + 333 * i), plans[i].rows);
        msim_source_release(&source);
        msim_parquet_close(&parquet);
        made_free(&made);
    }
}

static void little_memory_makes_it_slower_and_not_wrong(void **state)
{
    const struct file_plan plan = {.rows = 9000, .group_rows = 0, .spread = 9000, .has_note = true};
    struct msim_parquet_source_params params = MSIM_PARQUET_SOURCE_PARAMS_INIT;
    struct msim_source source;

    (void)state;
    struct made made = make(&plan);
    struct msim_parquet *parquet = open_files(&made, 1, 3 << 20);
    params.all_extra_columns = true;
    assert_int_equal(msim_parquet_source(&source, parquet, &params, NULL), MSIM_OK);
    assert_int_equal(read_all(&source, plan.rows, 100), plan.rows);
    msim_source_release(&source);
    msim_parquet_close(&parquet);
    made_free(&made);
}

static void what_a_file_lacks_is_null_where_all_columns_are_asked_for(void **state)
{
    const struct file_plan plans[] = {{.rows = 500, .has_note = true}, {.rows = 700}};
    struct msim_parquet_source_params params = MSIM_PARQUET_SOURCE_PARAMS_INIT;
    struct made files[] = {make(&plans[0]), make(&plans[1])};
    struct msim_parquet *parquet = open_files(files, 2, 0);
    const char *const names[] = {"note"};
    struct msim_detail detail = {{0}};
    struct msim_source source;

    (void)state;
    params.all_extra_columns = true;
    assert_int_equal(msim_parquet_source(&source, parquet, &params, NULL), MSIM_OK);
    assert_int_equal(read_all(&source, 500, 64), 1200);
    msim_source_release(&source);

    params.all_extra_columns = false;
    params.extra_columns = names;
    params.extra_column_count = 1;
    assert_int_equal(msim_parquet_source(&source, parquet, &params, &detail), MSIM_ERR_NOT_FOUND);
    assert_string_equal(detail.text, "memory-1: no column \"note\": name others, or all");
    msim_parquet_close(&parquet);
    made_free(&files[0]);
    made_free(&files[1]);
}

static void chosen_columns_come_in_the_order_of_their_names(void **state)
{
    const struct file_plan plan = {.rows = 10, .has_note = true};
    struct msim_parquet_source_params params = MSIM_PARQUET_SOURCE_PARAMS_INIT;
    struct made made = make(&plan);
    struct msim_parquet *parquet = open_files(&made, 1, 0);
    const char *const names[] = {"note", "number"};
    struct msim_source source;
    struct msim_record record;
    struct msim_extra values[2];
    size_t count = 0;

    (void)state;
    params.extra_columns = names;
    params.extra_column_count = 2;
    assert_int_equal(msim_parquet_source(&source, parquet, &params, NULL), MSIM_OK);
    const char *const *given = msim_source_extra_names(&source, &count);
    assert_int_equal(count, 2);
    assert_string_equal(given[0], "note");
    assert_string_equal(given[1], "number");
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(made_pull(&source, &record, 1, &count, NULL), MSIM_PULL_RECORD);
    assert_int_equal(msim_source_extras(&source, &record, values), MSIM_OK);
    assert_text(&values[1], MSIM_EXTRA_BARE, "-2");
    msim_source_release(&source);
    msim_parquet_close(&parquet);
    made_free(&made);
}

static void names_that_cannot_be_are_refused_with_the_reason(void **state)
{
    static const struct {
        const char *names[2];
        size_t count;
        bool all;
        int result;
        const char *words;
    } cases[] = {
        {{"price"}, 1, false, MSIM_ERR_INVALID, "has a member of that name already"},
        {{"note", "note"}, 2, false, MSIM_ERR_INVALID, "\"note\" is named twice"},
        {{"number", "absent"}, 2, false, MSIM_ERR_NOT_FOUND, "memory-0: no column \"absent\""},
        {{"number"}, 1, true, MSIM_ERR_INVALID, "either named or all of them"},
        {{NULL}, 1, false, MSIM_ERR_INVALID, "further column 0 is NULL"},
    };
    const struct file_plan plan = {.rows = 10, .has_note = true};
    struct made made = make(&plan);
    struct msim_parquet *parquet = open_files(&made, 1, 0);

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct msim_parquet_source_params params = MSIM_PARQUET_SOURCE_PARAMS_INIT;
        struct msim_detail detail = {{0}};
        struct msim_source source = {0};
        params.extra_columns = cases[i].names;
        params.extra_column_count = cases[i].count;
        params.all_extra_columns = cases[i].all;
        assert_int_equal(msim_parquet_source(&source, parquet, &params, &detail), cases[i].result);
        assert_non_null(strstr(detail.text, cases[i].words));
        assert_null(source.ops);
    }
    msim_parquet_close(&parquet);
    made_free(&made);
}

static void only_the_last_trades_are_kept(void **state)
{
    const struct file_plan plan = {.rows = MSIM_SOURCE_EXTRAS_KEPT + 1, .has_note = true};
    struct msim_parquet_source_params params = MSIM_PARQUET_SOURCE_PARAMS_INIT;
    struct made made = make(&plan);
    struct msim_parquet *parquet = open_files(&made, 1, 0);
    struct msim_record records[MSIM_SOURCE_EXTRAS_KEPT + 1];
    struct msim_extra values[4];
    struct msim_source source;
    size_t count = 0, total = 0;

    (void)state;
    params.all_extra_columns = true;
    assert_int_equal(msim_parquet_source(&source, parquet, &params, NULL), MSIM_OK);
    while (total < COUNT(records)) {
        assert_int_equal(made_pull(&source, records + total, COUNT(records) - total, &count, NULL),
                         MSIM_PULL_RECORD);
        total += count;
    }
    assert_int_equal(msim_source_extras(&source, &records[0], values), MSIM_ERR_NOT_FOUND);
    assert_extras(&source, &records[1], true);
    assert_extras(&source, &records[total - 1], true);
    records[0].sequence = total;
    assert_int_equal(msim_source_extras(&source, &records[0], values), MSIM_ERR_NOT_FOUND);
    msim_source_release(&source);
    msim_parquet_close(&parquet);
    made_free(&made);
}

static void a_source_that_was_moved_goes_on_with_the_right_ones(void **state)
{
    const struct file_plan plan = {.rows = 6000, .spread = 300, .has_note = true};
    struct msim_parquet_source_params params = MSIM_PARQUET_SOURCE_PARAMS_INIT;
    struct made made = make(&plan);
    struct msim_parquet *parquet = open_files(&made, 1, 0);
    struct msim_record records[100];
    struct msim_source source;
    size_t count = 0;
    uint64_t next = 0;

    (void)state;
    params.all_extra_columns = true;
    assert_int_equal(msim_parquet_source(&source, parquet, &params, NULL), MSIM_OK);
    for (msim_time to = 5000; to >= 0; to -= 1250) {
        assert_int_equal(msim_parquet_source_seek(&source, to, NULL), MSIM_OK);
        for (int pulls = 0; pulls < 3; pulls++) {
            assert_int_equal(made_pull(&source, records, COUNT(records), &count, NULL),
                             MSIM_PULL_RECORD);
            for (size_t i = 0; i < count; i++) {
                assert_true(records[i].time >= to);
                assert_int_equal(records[i].sequence, next++);
                assert_extras(&source, &records[i], true);
            }
        }
    }
    msim_source_release(&source);
    msim_parquet_close(&parquet);
    made_free(&made);
}

static void a_source_without_them_has_none(void **state)
{
    const struct file_plan plan = {.rows = 3, .has_note = true};
    struct made made = make(&plan);
    struct msim_parquet *parquet = open_files(&made, 1, 0);
    struct msim_source source;
    struct msim_record record;
    struct msim_extra value;
    size_t count = 7;

    (void)state;
    assert_int_equal(msim_parquet_source(&source, parquet, NULL, NULL), MSIM_OK);
    assert_null(msim_source_extra_names(&source, &count));
    assert_int_equal(count, 0);
    assert_int_equal(made_pull(&source, &record, 1, &count, NULL), MSIM_PULL_RECORD);
    assert_int_equal(msim_source_extras(&source, &record, &value), MSIM_ERR_INVALID);
    msim_source_release(&source);
    msim_parquet_close(&parquet);
    made_free(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_trade_has_its_own_further_columns_whatever_the_order),
        cmocka_unit_test(little_memory_makes_it_slower_and_not_wrong),
        cmocka_unit_test(what_a_file_lacks_is_null_where_all_columns_are_asked_for),
        cmocka_unit_test(chosen_columns_come_in_the_order_of_their_names),
        cmocka_unit_test(names_that_cannot_be_are_refused_with_the_reason),
        cmocka_unit_test(only_the_last_trades_are_kept),
        cmocka_unit_test(a_source_that_was_moved_goes_on_with_the_right_ones),
        cmocka_unit_test(a_source_without_them_has_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
