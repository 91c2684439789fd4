/*
 * Files without a column of tickers, as exchanges publish them: one symbol in each.
 */
#define _POSIX_C_SOURCE 200809L

#include "made.h"

#include <stdio.h>
#include <unistd.h>

#include "parquet/ticker_name.h"

static const char two_trades[] = "timestamp,price,volume\n2022-07-01,1,2\n2022-07-03,3,4\n";
static const char one_trade[] = "timestamp,price,volume\n2022-07-02,5,6\n";

/* Times, prices and volumes alone, or with a column `symbol`. */
static struct made made_without(const int64_t *times, size_t count, const char *symbol)
{
    const struct msim_parquet_column columns[] = {
        {.name = "timestamp", .type = MSIM_PARQUET_TIMESTAMP_NS},
        {.name = "price", .type = MSIM_PARQUET_INT64},
        {.name = "volume", .type = MSIM_PARQUET_INT64},
        {.name = "symbol", .type = MSIM_PARQUET_STRING},
    };
    struct made made = {0};
    struct msim_parquet_writer *writer =
        made_begin(&made, columns, symbol ? 4 : 3, 4, MSIM_PARQUET_CODEC_NONE);

    for (size_t i = 0; i < count; i++) {
        const struct msim_parquet_value values[] = {
            {.integer = times[i]},
            {.integer = times[i] * 10},
            {.integer = 1},
            {.text = symbol, .text_length = symbol ? strlen(symbol) : 0},
        };
        assert_int_equal(msim_parquet_writer_row(writer, values, NULL), MSIM_OK);
    }
    made_end(writer);
    return made;
}

/* "1:A 2:-": when, and whose. */
static void print_trades(struct msim_parquet *parquet, char *out, size_t size)
{
    struct msim_source source;
    struct msim_record record;
    size_t count = 0, at = 0;

    out[0] = '\0';
    assert_int_equal(msim_parquet_source(&source, parquet, NULL, NULL), MSIM_OK);
    while (made_pull(&source, &record, 1, &count, NULL) == MSIM_PULL_RECORD) {
        bool named = !(record.flags & MSIM_RECORD_NO_SYMBOL);
        at += (size_t)snprintf(out + at, size - at, "%s%lld:%s", at > 0 ? " " : "",
                               (long long)record.time,
                               named ? msim_source_symbol(&source, record.symbol, NULL) : "-");
    }
    msim_source_release(&source);
}

static void assert_trades(const struct msim_parquet_params *params,
                          const struct msim_parquet_bytes *files, size_t count,
                          const char *expected)
{
    const struct msim_parquet_params defaults = MSIM_PARQUET_PARAMS_INIT;
    struct msim_parquet *parquet = NULL;
    struct msim_detail detail = {{0}};
    char lines[512];

    if (msim_parquet_open_memory(&parquet, params ? params : &defaults, files, count, &detail) < 0)
        fail_msg("%s", detail.text);
    print_trades(parquet, lines, sizeof lines);
    assert_string_equal(lines, expected);
    msim_parquet_close(&parquet);
}

static void assert_refused(const struct msim_parquet_params *params,
                           const struct msim_parquet_bytes *file, int result, const char *words)
{
    struct msim_parquet *parquet = NULL;
    struct msim_detail detail = {{0}};

    assert_int_equal(msim_parquet_open_memory(&parquet, params, file, 1, &detail), result);
    assert_non_null(strstr(detail.text, words));
}

static struct msim_parquet_bytes called(const struct made *made, const char *name)
{
    return (struct msim_parquet_bytes){.bytes = made->bytes, .length = made->length, .name = name};
}

static void all_rows_have_the_ticker_that_is_given(void **state)
{
    static const int64_t times[] = {5, 1, 3, 2, 4, 6, 8, 7, 9};
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;

    (void)state;
    struct made made = made_without(times, COUNT(times), NULL);
    const struct msim_parquet_bytes file = called(&made, "a.parquet");
    params.ticker_name = "BTC";
    assert_trades(&params, &file, 1, "1:BTC 2:BTC 3:BTC 4:BTC 5:BTC 6:BTC 7:BTC 8:BTC 9:BTC");
    made_free(&made);
}

static void the_ticker_that_is_given_stands_before_a_column(void **state)
{
    const struct row rows[] = {{1, 1, 1, "A"}, {2, 1, 1, NULL}};
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;

    (void)state;
    struct made made = made_trades(rows, COUNT(rows), 0, MSIM_PARQUET_CODEC_NONE);
    const struct msim_parquet_bytes file = called(&made, "a.parquet");
    params.ticker_name = "B";
    assert_trades(&params, &file, 1, "1:B 2:B");
    made_free(&made);
}

static void a_folder_names_the_ticker_where_there_is_no_column(void **state)
{
    static const int64_t times[] = {1, 4}, later[] = {2, 3};
    const struct row rows[] = {{5, 1, 1, "own"}};

    (void)state;
    struct made first = made_without(times, 2, NULL);
    struct made second = made_without(later, 2, NULL);
    struct made third = made_trades(rows, 1, 0, MSIM_PARQUET_CODEC_NONE);
    const struct msim_parquet_bytes files[] = {
        called(&first, "t/ticker=BTC%2FUSD/date=1/a.parquet"),
        called(&second, "ticker=x/t/ticker=__HIVE_DEFAULT_PARTITION__/b.parquet"),
        called(&third, "t/ticker=other/c.parquet"),
    };
    assert_trades(NULL, files, COUNT(files), "1:BTC/USD 2:- 3:- 4:BTC/USD 5:own");
    made_free(&first);
    made_free(&second);
    made_free(&third);
}

static void the_folder_bears_the_name_of_the_column(void **state)
{
    static const int64_t times[] = {1};
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;

    (void)state;
    struct made made = made_without(times, 1, NULL);
    const struct msim_parquet_bytes file = called(&made, "t/symbol=ETH/ticker=BTC/a.parquet");
    params.ticker_column = "symbol";
    assert_trades(&params, &file, 1, "1:ETH");
    made_free(&made);
    made = made_without(times, 1, "SOL");
    const struct msim_parquet_bytes with_column = called(&made, "t/symbol=ETH/a.parquet");
    assert_trades(&params, &with_column, 1, "1:SOL");
    made_free(&made);
}

static void a_csv_file_takes_its_ticker_in_the_same_ways(void **state)
{
    const struct msim_parquet_bytes named = {two_trades, sizeof two_trades - 1, "a.csv"};
    const struct msim_parquet_bytes placed = {one_trade, sizeof one_trade - 1,
                                              "t/ticker=A%42%zz%/b.csv"};
    const struct msim_parquet_bytes nameless = {one_trade, sizeof one_trade - 1,
                                                "ticker=__HIVE_DEFAULT_PARTITION__/b.csv"};
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;

    (void)state;
    assert_trades(NULL, &placed, 1, "1656720000000000000:AB%zz%");
    assert_trades(NULL, &nameless, 1, "1656720000000000000:-");
    params.ticker_name = "BTC";
    assert_trades(&params, &named, 1, "1656633600000000000:BTC 1656806400000000000:BTC");
    assert_trades(&params, &placed, 1, "1656720000000000000:BTC");
}

static void a_file_without_tickers_is_refused_with_what_helps(void **state)
{
    static const int64_t times[] = {1};
    static const char remedy[] =
        "name the one that holds the ticker (ticker_column, or --columns ticker=NAME), or the "
        "ticker of all its rows (ticker_name, or --columns ticker==NAME, NAME==FILE, or a folder "
        "ticker=NAME)";
    const struct msim_parquet_bytes text = {one_trade, sizeof one_trade - 1, "ticker=/b.csv"};
    const struct msim_parquet_bytes flat = {one_trade, sizeof one_trade - 1, "b.csv"};
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;

    (void)state;
    struct made made = made_without(times, 1, NULL);
    struct msim_parquet_bytes file = called(&made, "ticker=A");
    assert_refused(&params, &file, MSIM_ERR_NOT_FOUND, remedy);
    assert_refused(&params, &flat, MSIM_ERR_NOT_FOUND, remedy);
    file.name = "ticker=\xFF/a.parquet";
    assert_refused(&params, &file, MSIM_ERR_FORMAT, "names no ticker, which is UTF-8 of 1 to 256");
    assert_refused(&params, &text, MSIM_ERR_FORMAT, "the folder ticker= names no ticker");
    made_free(&made);
}

static void a_name_that_is_none_is_refused(void **state)
{
    const struct msim_parquet_bytes text = {one_trade, sizeof one_trade - 1, "b.csv"};
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;
    char name[MSIM_TICKER_NAME_MAX + 2];

    (void)state;
    params.ticker_name = "";
    assert_refused(&params, &text, MSIM_ERR_INVALID, "a ticker's name is UTF-8 of 1 to 256 bytes");
    params.ticker_name = "\xFF";
    assert_refused(&params, &text, MSIM_ERR_INVALID, "a ticker's name is UTF-8");
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = '\0';
    params.ticker_name = name;
    assert_refused(&params, &text, MSIM_ERR_INVALID, "a ticker's name is UTF-8");
    name[MSIM_TICKER_NAME_MAX] = '\0';
    struct msim_parquet *parquet = NULL;
    assert_int_equal(msim_parquet_open_memory(&parquet, &params, &text, 1, NULL), MSIM_OK);
    msim_parquet_close(&parquet);
}

static void put_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

static void files_of_several_symbols_are_merged_each_with_its_own(void **state)
{
    char folder[] = "/tmp/msim-ticker-XXXXXX";
    char paths[3][64];
    const char *given[] = {paths[0], paths[1], paths[2]};
    const char *const tickers[] = {"BTC", "ETH", NULL};
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;
    struct msim_parquet *parquet = NULL;
    char lines[256];

    (void)state;
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < COUNT(paths); i++) {
        snprintf(paths[i], sizeof paths[i], "%s/%zu.csv", folder, i);
        put_text(paths[i], i == 0 ? two_trades : one_trade);
    }
    params.paths = given;
    params.path_count = COUNT(given);
    params.path_ticker_names = tickers;
    params.ticker_name = "SOL";
    assert_int_equal(msim_parquet_open(&parquet, &params, NULL), MSIM_OK);
    print_trades(parquet, lines, sizeof lines);
    assert_string_equal(lines, "1656633600000000000:BTC 1656720000000000000:ETH "
                               "1656720000000000000:SOL 1656806400000000000:BTC");
    msim_parquet_close(&parquet);
    for (size_t i = 0; i < COUNT(paths); i++)
        assert_int_equal(unlink(paths[i]), 0);
    assert_int_equal(rmdir(folder), 0);
}

/* Its rows would be refused, had they been read. */
static void a_pattern_that_nothing_matches_is_told_before_any_file_is_read(void **state)
{
    char folder[] = "/tmp/msim-ticker-XXXXXX";
    char paths[2][64];
    const char *given[] = {paths[0], paths[1]};
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;
    struct msim_parquet *parquet = NULL;
    struct msim_detail detail = {{0}};

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(paths[0], sizeof paths[0], "%s/0.csv", folder);
    snprintf(paths[1], sizeof paths[1], "%s/nowhere*", folder);
    put_text(paths[0], "timestamp,price,volume,ticker\n2022-07-01,x,2,A\n");
    params.paths = given;
    params.path_count = COUNT(given);
    assert_int_equal(msim_parquet_open(&parquet, &params, &detail), MSIM_ERR_NOT_FOUND);
    assert_non_null(strstr(detail.text, "nowhere*: no file has such a name"));
    params.path_count = 1;
    assert_int_equal(msim_parquet_open(&parquet, &params, &detail), MSIM_ERR_FORMAT);
    assert_int_equal(unlink(paths[0]), 0);
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_rows_have_the_ticker_that_is_given),
        cmocka_unit_test(the_ticker_that_is_given_stands_before_a_column),
        cmocka_unit_test(a_folder_names_the_ticker_where_there_is_no_column),
        cmocka_unit_test(the_folder_bears_the_name_of_the_column),
        cmocka_unit_test(a_csv_file_takes_its_ticker_in_the_same_ways),
        cmocka_unit_test(a_file_without_tickers_is_refused_with_what_helps),
        cmocka_unit_test(a_name_that_is_none_is_refused),
        cmocka_unit_test(files_of_several_symbols_are_merged_each_with_its_own),
        cmocka_unit_test(a_pattern_that_nothing_matches_is_told_before_any_file_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
