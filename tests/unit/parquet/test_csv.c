#include "made.h"

#include <stdio.h>

#ifdef MSIM_HAVE_ZLIB
#include <zlib.h>
#endif

#include "base/calendar.h"
#include "base/random.h"
#include "parquet/written.h"

static int open_text(struct msim_parquet **parquet, const void *bytes, size_t length,
                     const struct msim_parquet_params *params, struct msim_detail *detail)
{
    const struct msim_parquet_params defaults = MSIM_PARQUET_PARAMS_INIT;
    const struct msim_parquet_bytes file = {.bytes = bytes, .length = length, .name = "a.csv"};

    return msim_parquet_open_memory(parquet, params ? params : &defaults, &file, 1, detail);
}

/* All trades as lines of text, with what stands in further columns. */
static void print_all(struct msim_parquet *parquet, char *out, size_t size)
{
    static const char *const kinds[] = {"null", "bare", "text", "time"};
    struct msim_parquet_source_params params = MSIM_PARQUET_SOURCE_PARAMS_INIT;
    struct msim_source source;
    struct msim_record record;
    struct msim_extra values[8];
    size_t count = 0, columns = 0, at = 0;

    params.all_extra_columns = true;
    assert_int_equal(msim_parquet_source(&source, parquet, &params, NULL), MSIM_OK);
    msim_source_extra_names(&source, &columns);
    out[0] = '\0';
    while (made_pull(&source, &record, 1, &count, NULL) == MSIM_PULL_RECORD) {
        bool named = !(record.flags & MSIM_RECORD_NO_SYMBOL);
        const char *symbol = named ? msim_source_symbol(&source, record.symbol, NULL) : "-";
        at += msim_record_print(&record, symbol, out + at, size - at);
        if (columns > 0)
            assert_int_equal(msim_source_extras(&source, &record, values), MSIM_OK);
        for (size_t i = 0; i < columns; i++)
            at += (size_t)snprintf(out + at, size - at, " %s:%.*s", kinds[values[i].kind],
                                   (int)values[i].length, values[i].text);
        at += (size_t)snprintf(out + at, size - at, "\n");
    }
    msim_source_release(&source);
}

static void assert_reads_with(const struct msim_parquet_params *params, const char *text,
                              const char *expected)
{
    struct msim_parquet *parquet = NULL;
    struct msim_detail detail = {{0}};
    char lines[4096];

    if (open_text(&parquet, text, strlen(text), params, &detail) < 0)
        fail_msg("%s", detail.text);
    print_all(parquet, lines, sizeof lines);
    assert_string_equal(lines, expected);
    msim_parquet_close(&parquet);
}

static void assert_reads(const char *text, const char *expected)
{
    assert_reads_with(NULL, text, expected);
}

static void assert_refused(const struct msim_parquet_params *params, const char *text, int result,
                           const char *words)
{
    struct msim_parquet *parquet = NULL;
    struct msim_detail detail = {{0}};

    assert_int_equal(open_text(&parquet, text, strlen(text), params, &detail), result);
    assert_string_equal(detail.text, words);
    assert_null(parquet);
}

static void rows_come_in_order_of_time_with_numbers_as_written(void **state)
{
    (void)state;
    assert_reads("price,ticker,timestamp,volume\n"
                 "6035.50,BTC,2022-07-01 00:00:02,1\n"
                 "-0.10,ETH,2022-07-01T00:00:01.338Z,25e-2\n"
                 "1e3,BTC,2022-07-01 00:00:01.338000001,007\n"
                 "+.5,SOL,2022-07-01,1.\n",
                 "2022-07-01 00:00:00 trade SOL 0.5 x 1\n"
                 "2022-07-01 00:00:01.338000 trade ETH -0.10 x 0.25\n"
                 "2022-07-01 00:00:01.338000001 trade BTC 1000 x 7\n"
                 "2022-07-01 00:00:02 trade BTC 6035.50 x 1\n");
}

static void a_mark_crlf_quotes_and_empty_lines_are_fine(void **state)
{
    (void)state;
    assert_reads("\xEF\xBB\xBF\"timestamp\",price,volume,ticker\r\n"
                 "\r\n"
                 "2022-07-01 00:00:00,\"1.5\",2,\"a \"\"b\"\",\nc\"\r\n"
                 "2022-07-01 00:00:01,1,2,d",
                 "2022-07-01 00:00:00 trade a \"b\",\nc 1.5 x 2\n"
                 "2022-07-01 00:00:01 trade d 1 x 2\n");
}

static void what_is_empty_is_null(void **state)
{
    struct msim_parquet *parquet = NULL;
    struct msim_source source;
    struct msim_record records[2];
    const char text[] = "timestamp,price,volume,ticker\n2022-07-01,,NaN,\n2022-07-02,1,2,x\n";
    size_t count = 0;

    (void)state;
    assert_int_equal(open_text(&parquet, text, strlen(text), NULL, NULL), MSIM_OK);
    assert_int_equal(msim_parquet_source(&source, parquet, NULL, NULL), MSIM_OK);
    assert_int_equal(made_pull(&source, records, 2, &count, NULL), MSIM_PULL_RECORD);
    assert_int_equal(count, 2);
    assert_int_equal(records[0].flags,
                     MSIM_RECORD_NO_PRICE | MSIM_RECORD_NO_QUANTITY | MSIM_RECORD_NO_SYMBOL);
    assert_int_equal(records[1].flags, 0);
    msim_source_release(&source);
    msim_parquet_close(&parquet);
}

static void further_columns_are_what_they_look_like(void **state)
{
    (void)state;
    assert_reads("timestamp,price,volume,ticker,id,note\n"
                 "2022-07-01,1,2,A,17,true\n"
                 "2022-07-02,1,2,A,007,\n"
                 "2022-07-03,1,2,A,-1.50e3,\"x,y\"\n",
                 "2022-07-01 00:00:00 trade A 1 x 2 bare:17 bare:true\n"
                 "2022-07-02 00:00:00 trade A 1 x 2 text:007 null:\n"
                 "2022-07-03 00:00:00 trade A 1 x 2 bare:-1.50e3 text:x,y\n");
}

static void epochs_count_in_the_unit_that_is_named(void **state)
{
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;

    (void)state;
    params.timestamp_unit = MSIM_NS_PER_S;
    params.timestamp_column = "ts";
    params.price_column = "px";
    assert_reads_with(&params,
                      "ts,px,volume,ticker\n1656633629.338,1,2,A\n1656633629,1,2,B\n"
                      "1.656633630e9,3,2,B\n",
                      "2022-07-01 00:00:29 trade B 1 x 2\n"
                      "2022-07-01 00:00:29.338000 trade A 1 x 2\n"
                      "2022-07-01 00:00:30 trade B 3 x 2\n");
    params.timestamp_unit = 0;
    assert_refused(&params, "ts,px,volume,ticker\n1656633629,1,2,A\n", MSIM_ERR_UNSUPPORTED,
                   "a.csv, line 2, column ts: '1656633629' does not say its unit: name it "
                   "(timestamp_unit, or --timestamp-unit s, ms, us or ns)");
}

static void a_bad_row_is_refused_with_file_line_column_and_remedy(void **state)
{
    static const struct {
        const char *row;
        const char *words;
    } cases[] = {
        {"2022-07-01,x1,2,A", "column price: 'x1' is not a number: correct it, or skip bad rows "
                              "(skip_bad_rows, --skip-bad-rows)"},
        {"2022-07-01,1,99999999999999999999,A",
         "column volume: '99999999999999999999' has more digits than int64 holds at 10^-18..1: "
         "round it, or skip bad rows (skip_bad_rows, --skip-bad-rows)"},
        {",1,2,A", "column timestamp: '' is no timestamp, so the trade has no place in the replay: "
                   "fill it in, or skip bad rows (skip_bad_rows, --skip-bad-rows)"},
        {"2022-13-01,1,2,A",
         "column timestamp: '2022-13-01' is no moment such as "
         "2022-07-01T00:00:29.338Z: correct it, or skip bad rows (skip_bad_rows, --skip-bad-rows)"},
        {"2300-01-01,1,2,A",
         "column timestamp: '2300-01-01' is no whole number of nanoseconds in "
         "1677..2262: correct it, or skip bad rows (skip_bad_rows, --skip-bad-rows)"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[256], words[512];
        snprintf(text, sizeof text, "timestamp,price,volume,ticker\n2022-07-01,1,2,A\n%s\n",
                 cases[i].row);
        snprintf(words, sizeof words, "a.csv, line 3, %s", cases[i].words);
        assert_refused(NULL, text, MSIM_ERR_FORMAT, words);
    }
    assert_refused(NULL, "timestamp,price,volume,ticker\n2022-07-01,1,2\n", MSIM_ERR_FORMAT,
                   "a.csv, line 2: 3 cells where the header has 4 columns");
    assert_refused(NULL, "timestamp,price,volume,ticker\n2022-07-01,1,2,\"A\n", MSIM_ERR_FORMAT,
                   "a.csv, line 2: a quote that is opened and not closed");
    assert_refused(NULL, "", MSIM_ERR_FORMAT, "a.csv: there is no header line");
    assert_refused(NULL, "time,price,volume,ticker\n", MSIM_ERR_NOT_FOUND,
                   "a.csv, line 1: no column \"timestamp\"; it has \"time\", \"price\", "
                   "\"volume\", \"ticker\": name the one that holds the timestamp "
                   "(timestamp_column, or --columns timestamp=NAME)");
}

struct told {
    char text[1024];
};

static void note_defect(void *context, const char *words)
{
    struct told *told = context;
    size_t length = strlen(told->text);

    snprintf(told->text + length, sizeof told->text - length, "%s\n", words);
}

static void bad_rows_are_left_out_counted_and_told_by_a_check(void **state)
{
    const char text[] = "timestamp,price,volume,ticker\n"
                        "2022-07-02,1,2,A\n"
                        "2022-07-01,x,2,A\n"
                        "2022-07-01,1,2\n"
                        "2022-07-01,3,2,B\n";
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;
    struct msim_parquet *parquet = NULL;
    struct msim_parquet_check check;
    struct told told = {{0}};
    struct msim_source source;
    char lines[256];

    (void)state;
    params.skip_bad_rows = true;
    assert_int_equal(open_text(&parquet, text, strlen(text), &params, NULL), MSIM_OK);
    print_all(parquet, lines, sizeof lines);
    assert_string_equal(lines, "2022-07-01 00:00:00 trade B 3 x 2\n"
                               "2022-07-02 00:00:00 trade A 1 x 2\n");
    assert_int_equal(msim_parquet_source(&source, parquet, NULL, NULL), MSIM_OK);
    assert_int_equal(msim_parquet_bad_rows(&source), 2);
    msim_source_release(&source);
    const struct msim_parquet_check_sink sink = {.defect = note_defect, .context = &told};
    assert_int_equal(msim_parquet_check(parquet, &sink, &check, NULL), MSIM_OK);
    assert_int_equal(check.rows, 4);
    assert_int_equal(check.bad_rows, 2);
    assert_int_equal(check.bad_row_defects, 2);
    assert_int_equal(check.late_rows, 1);
    assert_int_equal(check.tickers, 2);
    assert_string_equal(told.text, "a.csv, line 3, column price: 'x' is not a number: correct it, "
                                   "or skip bad rows (skip_bad_rows, --skip-bad-rows)\n"
                                   "a.csv, line 4: 3 cells where the header has 4 columns\n");
    msim_parquet_close(&parquet);
}

static void a_quote_that_went_astray_spoils_no_other_row(void **state)
{
    const char text[] = "timestamp,price,volume,ticker\n"
                        "2022-07-01,1,2,5\"A\n"
                        "2022-07-02,1,2,B\n"
                        "2022-07-03,1,2,C\"\n"
                        "2022-07-04,1,2,\"D\"\"\"\n"
                        "2022-07-05,1,2,\"E\"E\"\n"
                        "2022-07-06,1,2,\"\"F\"\n"
                        "2022-07-07,1,2,\"\"\"G\"\n";
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;
    struct msim_parquet *parquet = NULL;
    struct msim_source source;

    (void)state;
    params.skip_bad_rows = true;
    assert_reads_with(&params, text,
                      "2022-07-02 00:00:00 trade B 1 x 2\n"
                      "2022-07-04 00:00:00 trade D\" 1 x 2\n"
                      "2022-07-07 00:00:00 trade \"G 1 x 2\n");
    assert_int_equal(open_text(&parquet, text, strlen(text), &params, NULL), MSIM_OK);
    assert_int_equal(msim_parquet_source(&source, parquet, NULL, NULL), MSIM_OK);
    assert_int_equal(msim_parquet_bad_rows(&source), 4);
    msim_source_release(&source);
    msim_parquet_close(&parquet);
}

static void another_separator_is_named(void **state)
{
    (void)state;
    assert_refused(NULL, "timestamp;price;volume;ticker\n2022-07-01;1;2;A\n", MSIM_ERR_NOT_FOUND,
                   "a.csv, line 1: no column \"timestamp\"; it has "
                   "\"timestamp;price;volume;ticker\": name the one that holds the timestamp "
                   "(timestamp_column, or --columns timestamp=NAME); columns are separated by "
                   "commas, and not by semicolons");
}

/* Rows of several row groups, late by chance, with what a stable sort makes of them. */
#define MANY 150000

static size_t write_many(char *text, size_t size)
{
    size_t at = (size_t)snprintf(text, size, "timestamp,price,volume,ticker,i\n");

    for (size_t i = 0; i < MANY; i++)
        at += (size_t)snprintf(text + at, size - at, "%zu,%zu.%zu,1,%c,%zu\n",
                               i / 3 + (size_t)(msim_mix64(i) % 5000), i, i % 10,
                               (char)('A' + i % 7), i);
    return at;
}

static void many_late_rows_come_as_a_stable_sort_has_them(void **state)
{
    size_t size = (size_t)MANY * 40;
    char *text = malloc(size);
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;
    struct msim_parquet_source_params all = MSIM_PARQUET_SOURCE_PARAMS_INIT;
    struct msim_parquet *parquet = NULL;
    struct msim_parquet_info info;
    struct msim_source source;
    struct msim_record records[100];
    struct msim_extra extra;
    msim_time last_time = INT64_MIN;
    uint64_t last_row = 0;
    size_t count, total = 0;

    (void)state;
    assert_non_null(text);
    params.timestamp_unit = 1;
    all.all_extra_columns = true;
    assert_int_equal(open_text(&parquet, text, write_many(text, size), &params, NULL), MSIM_OK);
    msim_parquet_info(parquet, &info);
    assert_int_equal(info.rows, MANY);
    assert_int_equal(info.row_groups, 3);
    assert_int_equal(msim_parquet_source(&source, parquet, &all, NULL), MSIM_OK);
    while (made_pull(&source, records, COUNT(records), &count, NULL) == MSIM_PULL_RECORD) {
        for (size_t i = 0; i < count; i++, total++) {
            uint64_t row = records[i].as.trade.row;
            char number[24];
            assert_true(records[i].time == (msim_time)(row / 3 + msim_mix64(row) % 5000));
            assert_true(records[i].time > last_time ||
                        (records[i].time == last_time && row > last_row));
            assert_true(records[i].as.trade.price == (int64_t)(row * 10 + row % 10));
            assert_int_equal(records[i].price_exponent, -1);
            assert_int_equal(msim_source_symbol(&source, records[i].symbol, NULL)[0],
                             (char)('A' + row % 7));
            assert_int_equal(msim_source_extras(&source, &records[i], &extra), MSIM_OK);
            snprintf(number, sizeof number, "%llu", (unsigned long long)row);
            assert_int_equal(extra.length, strlen(number));
            assert_memory_equal(extra.text, number, extra.length);
            last_time = records[i].time;
            last_row = row;
        }
    }
    assert_int_equal(total, MANY);
    msim_source_release(&source);
    msim_parquet_close(&parquet);
    free(text);
}

static void moments_agree_with_the_calendar_whatever_came_before(void **state)
{
    static const char *const texts[] = {
        "2022-07-01 00:00:29.338000",
        "2022-07-01T23:59:59.999999999Z",
        "2022-07-01",
        "2022-07-02 12:00:00",
        "2022-07-02 12:00",
        "2022-07-02 12:00:00+02:00",
        "2022-07-02T12:00:00.5-0230",
        "1969-12-31 23:59:59.5",
        "1677-09-22 00:00:00",
        "2262-04-11 12:00:00",
        "2022-07-01 24:00:00",
        "2022-07-01 00:00:60",
        "2022-07-01 00:00:00.",
        "2022-07-01 00:00:00.1234567891",
        "2022-07-01x00:00:00",
        "2022-07-01 00:00:0",
        "2022-07-01Z",
    };
    struct written_day day = {.start = 0};

    (void)state;
    for (uint64_t seed = 0; seed < 3000; seed++) {
        const char *text = texts[msim_mix64(seed) % COUNT(texts)];
        msim_time expected = 0, time = 0;
        int wanted = msim_calendar_parse(text, strlen(text), &expected);
        int r = msim_written_moment(text, strlen(text), 0, &day, &time);
        assert_int_equal(r < 0, wanted < 0);
        assert_true(r < 0 || time == expected);
    }
}

#ifdef MSIM_HAVE_ZLIB
static size_t pack(const char *text, unsigned char *out, size_t size)
{
    z_stream stream = {0};

    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = (unsigned char *)(uintptr_t)text;
    stream.avail_in = (uInt)strlen(text);
    stream.next_out = out;
    stream.avail_out = (uInt)size;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    size_t length = size - stream.avail_out;
    deflateEnd(&stream);
    return length;
}

static void a_compressed_file_of_several_members_is_read(void **state)
{
    unsigned char bytes[512];
    struct msim_parquet *parquet = NULL;
    struct msim_detail detail = {{0}};
    char lines[256];

    (void)state;
    size_t length = pack("timestamp,price,volume,ticker\n2022-07-02,1,2,A\n2022-0", bytes, 256);
    length += pack("7-01,1.50,2,B\n", bytes + length, 256);
    assert_int_equal(open_text(&parquet, bytes, length, NULL, NULL), MSIM_OK);
    print_all(parquet, lines, sizeof lines);
    assert_string_equal(lines, "2022-07-01 00:00:00 trade B 1.50 x 2\n"
                               "2022-07-02 00:00:00 trade A 1 x 2\n");
    msim_parquet_close(&parquet);

    assert_int_equal(open_text(&parquet, bytes, length - 3, NULL, &detail), MSIM_ERR_FORMAT);
    assert_non_null(strstr(detail.text, "a.csv: damaged gzip near byte"));
    assert_non_null(strstr(detail.text, "it is cut off: fetch the file again"));
    bytes[20] ^= 0x55;
    assert_int_equal(open_text(&parquet, bytes, length, NULL, &detail), MSIM_ERR_FORMAT);
    assert_non_null(strstr(detail.text, "damaged gzip"));
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_in_order_of_time_with_numbers_as_written),
        cmocka_unit_test(a_mark_crlf_quotes_and_empty_lines_are_fine),
        cmocka_unit_test(what_is_empty_is_null),
        cmocka_unit_test(further_columns_are_what_they_look_like),
        cmocka_unit_test(epochs_count_in_the_unit_that_is_named),
        cmocka_unit_test(a_bad_row_is_refused_with_file_line_column_and_remedy),
        cmocka_unit_test(bad_rows_are_left_out_counted_and_told_by_a_check),
        cmocka_unit_test(a_quote_that_went_astray_spoils_no_other_row),
        cmocka_unit_test(another_separator_is_named),
        cmocka_unit_test(many_late_rows_come_as_a_stable_sort_has_them),
        cmocka_unit_test(moments_agree_with_the_calendar_whatever_came_before),
#ifdef MSIM_HAVE_ZLIB
        cmocka_unit_test(a_compressed_file_of_several_members_is_read),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
