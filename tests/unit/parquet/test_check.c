/*
 * A check of everything: against files whose order and defects are known.
 */
#include "eight_rows.h"

#include <stdio.h>

struct told {
    size_t count;
    char words[4][MSIM_DETAIL_SIZE];
    char tickers[128]; /* "A 5, B 2, " */
};

static void note(void *context, const char *words)
{
    struct told *told = context;

    if (told->count < COUNT(told->words))
        snprintf(told->words[told->count], sizeof told->words[0], "%s", words);
    told->count++;
}

static void note_ticker(void *context, const char *name, size_t length, uint64_t rows)
{
    struct told *told = context;
    size_t at = strlen(told->tickers);

    assert_int_equal(strlen(name), length);
    snprintf(told->tickers + at, sizeof told->tickers - at, "%s %u, ", name, (unsigned)rows);
}

static struct msim_parquet_check check(const struct made *files, size_t count, struct told *told)
{
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;
    struct msim_parquet_bytes bytes[2];
    struct msim_parquet *parquet = NULL;
    struct msim_parquet_check found;
    struct msim_detail detail = {{0}};

    for (size_t i = 0; i < count; i++)
        bytes[i] = (struct msim_parquet_bytes){.bytes = files[i].bytes, .length = files[i].length};
    const struct msim_parquet_check_sink sink = {
        .defect = note, .ticker = note_ticker, .context = told};
    *told = (struct told){0};
    params.skip_bad_rows = true;
    assert_int_equal(msim_parquet_open_memory(&parquet, &params, bytes, count, &detail), MSIM_OK);
    assert_int_equal(msim_parquet_check(parquet, &sink, &found, &detail), MSIM_OK);
    assert_int_equal(found.defects, told->count);
    msim_parquet_close(&parquet);
    return found;
}

static void lateness_is_what_a_row_is_behind_the_latest_before_it(void **state)
{
    const struct row rows[] = {{10, 1, 1, "A"}, {50, 1, 1, "B"}, {20, 1, 1, "A"}, {50, 1, 1, "C"},
                               {30, 1, 1, "A"}, {60, 1, 1, "A"}, {55, 1, 1, "B"}, {70, 1, 1, "A"}};
    struct told told;

    (void)state;
    struct made made = made_trades(rows, COUNT(rows), 4, MSIM_PARQUET_CODEC_NONE);
    struct msim_parquet_check found = check(&made, 1, &told);
    assert_int_equal(found.rows, 8);
    assert_int_equal(found.late_rows, 3);
    assert_int_equal(found.worst_lateness, 30);
    assert_int_equal(found.first, 10);
    assert_int_equal(found.last, 70);
    assert_int_equal(found.tickers, 3);
    assert_int_equal(found.groups, 2);
    assert_int_equal(found.unsorted_groups, 2);
    assert_int_equal(found.groups_at_once, 2); /* 10..50 and 30..70 */
    assert_true(found.bytes_at_once > 0);
    assert_int_equal(found.defects, 0);
    made_free(&made);
}

static void tickers_are_told_with_their_rows_the_most_first(void **state)
{
    const struct row rows[] = {{1, 1, 1, "B"}, {2, 1, 1, "A"},  {3, 1, 1, "CC"}, {4, 1, 1, NULL},
                               {5, 1, 1, "C"}, {6, 1, 1, "CC"}, {7, 1, 1, "CC"}};
    const struct row more[] = {{1, 1, 1, "C"}, {3, 1, 1, NULL}};
    struct told told;

    (void)state;
    struct made files[] = {made_trades(rows, COUNT(rows), 3, MSIM_PARQUET_CODEC_NONE),
                           made_trades(more, COUNT(more), 0, MSIM_PARQUET_CODEC_NONE)};
    struct msim_parquet_check found = check(files, 2, &told);
    assert_string_equal(told.tickers, "CC 3, C 2, A 1, B 1, ");
    assert_int_equal(found.tickers, 4);
    assert_int_equal(found.nameless_rows, 2);
    assert_int_equal(found.defects, 0);
    made_free(&files[0]);
    made_free(&files[1]);
}

static void files_are_not_late_for_each_other(void **state)
{
    const struct row early[] = {{10, 1, 1, "A"}, {20, 1, 1, "B"}};
    const struct row late[] = {{15, 1, 1, "A"}, {40, 1, 1, "B"}};
    struct told told;

    (void)state;
    struct made files[] = {made_trades(late, 2, 0, MSIM_PARQUET_CODEC_NONE),
                           made_trades(early, 2, 0, MSIM_PARQUET_CODEC_NONE)};
    struct msim_parquet_check found = check(files, 2, &told);
    assert_int_equal(found.rows, 4);
    assert_int_equal(found.late_rows, 0);
    assert_int_equal(found.unsorted_groups, 0);
    assert_int_equal(found.groups_at_once, 2);
    assert_int_equal(found.bytes_at_once, 0);
    made_free(&files[0]);
    made_free(&files[1]);
}

static void a_damaged_column_is_told_and_the_others_are_read(void **state)
{
    struct bench bench = good();
    struct made_page cut = number_page;
    struct told told;

    (void)state;
    cut.length = 60;
    bench.chunks[PRICE].pages = &cut;
    struct made made = made_by_hand(bench.chunks, COLUMNS, 8);
    struct msim_parquet_check found = check(&made, 1, &told);
    assert_int_equal(found.rows, 8);
    assert_int_equal(found.tickers, 8);
    assert_int_equal(told.count, 1);
    assert_non_null(strstr(told.words[0], "row group 0, column price, page 0: damaged"));
    made_free(&made);
}

static void rows_that_are_no_trades_are_told_together(void **state)
{
    struct bench bench = good();
    unsigned char doubles[64];
    struct told told;

    (void)state;
    for (size_t i = 0; i < 8; i++)
        msim_store64(doubles + i * 8, i % 4 == 3 ? UINT64_C(0x7FF8000000000000) : 0);
    const struct made_page page = {.type = PAGE_DATA, .values = 8, .bytes = doubles, .length = 64};
    bench.chunks[VOLUME].physical = PHYSICAL_DOUBLE;
    bench.chunks[VOLUME].pages = &page;
    struct made made = made_by_hand(bench.chunks, COLUMNS, 8);
    struct msim_parquet_check found = check(&made, 1, &told);
    assert_int_equal(found.bad_rows, 2);
    assert_int_equal(told.count, 1);
    assert_non_null(strstr(told.words[0], "column volume: row 3 (3 of the file)"));
    assert_non_null(strstr(told.words[0], "(and 1 more like it nearby)"));
    made_free(&made);
}

static void statistics_that_are_wrong_are_told(void **state)
{
    struct bench bench = good();
    struct told told;

    (void)state;
    /* 1 s and 2 s, and the trades go on to 8 s. */
    bench.chunks[TIMESTAMP].min = "\xE8\x03\0\0\0\0\0\0";
    bench.chunks[TIMESTAMP].max = "\xD0\x07\0\0\0\0\0\0";
    struct made made = made_by_hand(bench.chunks, COLUMNS, 8);
    check(&made, 1, &told);
    assert_int_equal(told.count, 1);
    assert_non_null(strstr(told.words[0], "its statistics say 1970-01-01T00:00:01.000000Z"));
    made_free(&made);
}

static void the_plan_is_by_the_first_moments(void **state)
{
    const struct row rows[] = {{30, 1, 1, "A"}, {40, 1, 1, "A"}, {10, 1, 1, "A"}, {20, 1, 1, "A"}};
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;
    struct msim_parquet *parquet = NULL;
    struct msim_parquet_planned planned;

    (void)state;
    struct made made = made_trades(rows, COUNT(rows), 2, MSIM_PARQUET_CODEC_NONE);
    const struct msim_parquet_bytes bytes = {.bytes = made.bytes, .length = made.length};
    assert_int_equal(msim_parquet_open_memory(&parquet, &params, &bytes, 1, NULL), MSIM_OK);
    assert_int_equal(msim_parquet_planned(parquet, 0, &planned), MSIM_OK);
    assert_int_equal(planned.group, 1);
    assert_int_equal(planned.first, 10);
    assert_int_equal(planned.last, 20);
    assert_true(planned.by_statistics);
    assert_int_equal(msim_parquet_planned(parquet, 1, &planned), MSIM_OK);
    assert_int_equal(planned.group, 0);
    assert_int_equal(msim_parquet_planned(parquet, 2, &planned), MSIM_ERR_NOT_FOUND);
    msim_parquet_close(&parquet);
    made_free(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lateness_is_what_a_row_is_behind_the_latest_before_it),
        cmocka_unit_test(tickers_are_told_with_their_rows_the_most_first),
        cmocka_unit_test(files_are_not_late_for_each_other),
        cmocka_unit_test(a_damaged_column_is_told_and_the_others_are_read),
        cmocka_unit_test(rows_that_are_no_trades_are_told_together),
        cmocka_unit_test(statistics_that_are_wrong_are_told),
        cmocka_unit_test(the_plan_is_by_the_first_moments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
