/*
 * CSV against a model that is too plain to be wrong, and the words about what is wrong.
 */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/mem.h"
#include "base/random.h"
#include "server/dashboard/table.h"

#define HEAD "timestamp,symbol,side,quantity,price,profit_loss,strategy\n"
#define TEXT_SIZE 65536

static struct msim_table *table_of(const char *text, size_t length, size_t piece, int *result)
{
    struct msim_allocator allocator = msim_mem_allocator(NULL);
    struct msim_table *table = msim_table_create(MSIM_TABLE_TRADES, &allocator);

    assert_non_null(table);
    *result = MSIM_OK;
    for (size_t at = 0; at < length && *result >= 0; at += piece)
        *result = msim_table_feed(table, text + at, length - at < piece ? length - at : piece);
    if (*result >= 0)
        *result = msim_table_end(table);
    return table;
}

static void assert_json(const char *text, const char *expected)
{
    for (size_t piece = 1; piece < 20; piece++) {
        int r;
        struct msim_table *table = table_of(text, strlen(text), piece, &r);
        assert_int_equal(r, MSIM_OK);
        assert_int_equal(msim_bytes_length(&table->json), strlen(expected));
        assert_memory_equal(msim_bytes_front(&table->json), expected, strlen(expected));
        msim_table_destroy(&table);
    }
}

static void assert_refused(const char *text, size_t length, const char *expected)
{
    for (size_t piece = 1; piece <= length; piece += 13) {
        struct msim_detail detail = {""};
        int r;
        struct msim_table *table = table_of(text, length, piece, &r);
        assert_true(r < 0);
        msim_table_explain(table, r, &detail);
        assert_string_equal(detail.text, expected);
        msim_table_destroy(&table);
    }
}

#define ASSERT_REFUSED(text, expected) assert_refused(text, sizeof(text) - 1, expected)

#define ROW \
    "{\"timestamp\":\"t\",\"symbol\":\"A\",\"side\":\"BUY\",\"quantity\":1,\"price\":142.50,"

static void a_row_becomes_an_object_with_its_numbers_as_they_stand(void **state)
{
    (void)state;
    assert_json(HEAD "t,A,BUY,1,142.50,-0.5,s\n", ROW "\"profit_loss\":-0.5,\"strategy\":\"s\"}");
}

static void a_mark_crlf_empty_lines_and_a_missing_last_end_are_fine(void **state)
{
    const char *expected = ROW "\"profit_loss\":null,\"strategy\":null}";

    (void)state;
    assert_json("\xEF\xBB\xBFtimestamp,symbol,side,quantity,price,profit_loss,strategy\r\n\r\n"
                "t,A,BUY,1,142.50,NaN,\r\n\r\n",
                expected);
    assert_json(HEAD "\nt,A,BUY,1,142.50,,", expected);
}

static void quotes_hold_commas_line_ends_and_doubled_quotes(void **state)
{
    (void)state;
    assert_json(HEAD "t,A,BUY,1,142.50,2,\"a, \"\"b\"\"\nc\"\n",
                ROW "\"profit_loss\":2,\"strategy\":\"a, \\\"b\\\"\\nc\"}");
}

static void loose_numbers_are_written_as_json_has_them(void **state)
{
    (void)state;
    assert_json(HEAD "t,A,BUY,+001, 142.50 ,.5,s\n", ROW "\"profit_loss\":0.5,\"strategy\":\"s\"}");
    assert_json(HEAD "t,A,BUY,1.,142.50,-00.5e+1,s\n",
                ROW "\"profit_loss\":-0.5e+1,\"strategy\":\"s\"}");
}

static void further_columns_are_passed_on_in_any_order(void **state)
{
    (void)state;
    assert_json("note,strategy,price,profit_loss,quantity,side,symbol,timestamp,id\n"
                "x,s,1,2,3,BUY,A,t,007\n",
                "{\"note\":\"x\",\"strategy\":\"s\",\"price\":1,\"profit_loss\":2,\"quantity\":3,"
                "\"side\":\"BUY\",\"symbol\":\"A\",\"timestamp\":\"t\",\"id\":\"007\"}");
}

static void what_is_wrong_is_told_with_line_column_and_reason(void **state)
{
    (void)state;
    ASSERT_REFUSED(HEAD "t,A,BUY,1,1,1,s\nt,A,BUY,1,abc,1,s\n",
                   "trades_csv, line 3, column price: 'abc' is not a number");
    ASSERT_REFUSED("timestamp,symbol\n",
                   "trades_csv, line 1, column side: this column is missing in the header");
    ASSERT_REFUSED(HEAD "x,y\n", "trades_csv, line 2: 2 cells where the header has 7 columns");
    ASSERT_REFUSED("\n\n", "trades_csv: there is no header line");
    ASSERT_REFUSED("a,b,a\n",
                   "trades_csv, line 1, column a: this column stands twice in the header");
    ASSERT_REFUSED(HEAD "t,\"A,BUY,1,1,1,s\n",
                   "trades_csv, line 2: a quote that is opened and not closed");
    ASSERT_REFUSED(HEAD "t,A\"B,BUY,1,1,1,s\n",
                   "trades_csv, line 2: a quote within cell 2, which does not begin with one");
    ASSERT_REFUSED(HEAD "t,\"A\"B,BUY,1,1,1,s\n",
                   "trades_csv, line 2: text behind the closing quote of cell 2");
    ASSERT_REFUSED(HEAD "t,\xff,BUY,1,1,1,s\n", "trades_csv, line 2: bytes that are not UTF-8");
    ASSERT_REFUSED(HEAD "t,A\0B,BUY,1,1,1,s\n", "trades_csv, line 2: a NUL byte");
    ASSERT_REFUSED(HEAD "t,A\rB,BUY,1,1,1,s\n",
                   "trades_csv, line 2: a carriage return in the middle of the line");
    ASSERT_REFUSED(HEAD "t,A,BUY,1e99,1,1,s\n",
                   "trades_csv, line 2, column quantity: '1e99' has more than 45 digits before or "
                   "behind the point");
    ASSERT_REFUSED(HEAD "\"t\n\nu\",A,BUY,1,1,1,s\nv,A,BUY,1,1,1,s\nt,A,BUY,x,1,1,s\n",
                   "trades_csv, line 6, column quantity: 'x' is not a number");
}

static void a_line_without_end_is_refused_at_its_bound(void **state)
{
    size_t size = 2 * MSIM_CSV_MAX_ROW_BYTES;
    char *text = malloc(size);
    int r;

    (void)state;
    assert_non_null(text);
    memset(text, 'x', size);
    struct msim_table *table = table_of(text, size, 1000, &r);
    assert_int_equal(r, MSIM_ERR_LIMIT);
    /* Little more than the bound was held. */
    assert_true(msim_bytes_length(&table->csv.waiting) < MSIM_CSV_MAX_ROW_BYTES + 2000);
    msim_table_destroy(&table);
    free(text);
}

/* ---- the model: one character after the other, whole cells in memory ---- */

struct model {
    char cells[64][256];
    size_t count;
    bool good;
};

/* The cells of the row at `*at`, as RFC 4180 has them; false at the end. */
static bool model_row(struct model *model, const char **at, const char *end)
{
    size_t length = 0;
    bool quoted = false;
    bool was_quoted = false;

    if (*at == end)
        return false;
    model->count = 0;
    model->good = true;
    for (;; ++*at) {
        char c = *at < end ? **at : '\n';
        if (quoted && *at == end) {
            model->good = false;
            return true;
        }
        if (quoted && c == '"' && *at + 1 < end && (*at)[1] == '"') {
            model->cells[model->count][length++] = '"';
            ++*at;
        } else if (quoted && c == '"') {
            quoted = false;
            was_quoted = true;
        } else if (quoted) {
            model->cells[model->count][length++] = c;
        } else if (c == ',' || c == '\n') {
            model->cells[model->count++][length] = '\0';
            length = 0;
            was_quoted = false;
            if (c == '\n')
                break;
        } else if (c == '"' && length == 0 && !was_quoted) {
            quoted = true;
        } else if (c == '"' || was_quoted) {
            model->good = false;
        } else {
            model->cells[model->count][length++] = c;
        }
    }
    if (*at < end)
        ++*at;
    return true;
}

struct comparison {
    const char *at;
    const char *end;
    size_t rows;
};

static int compare_row(void *context, const struct msim_csv *csv, const struct msim_csv_cell *cells)
{
    struct comparison *comparison = context;
    struct model model;

    do
        assert_true(model_row(&model, &comparison->at, comparison->end));
    while (model.count == 1 && model.cells[0][0] == '\0');
    assert_true(model.good);
    assert_int_equal(model.count, csv->column_count);
    for (size_t i = 0; i < model.count; i++) {
        assert_int_equal(cells[i].length, strlen(model.cells[i]));
        assert_memory_equal(cells[i].text, model.cells[i], cells[i].length);
    }
    comparison->rows++;
    return MSIM_OK;
}

static size_t random_text(char *out, uint64_t seed)
{
    static const char *const parts[] = {"a", ",",  "\n",       "\"",  "\"\"",
                                        "1", ",x", "\"q,\n\"", "\n\n"};
    size_t at = (size_t)snprintf(out, TEXT_SIZE, "a,b\n");

    for (uint64_t i = 0; i < 12; i++) {
        uint64_t draw = msim_random_at(seed, i, 0, 0);
        const char *part = parts[draw % (sizeof parts / sizeof parts[0])];
        at += (size_t)snprintf(out + at, TEXT_SIZE - at, "%s", part);
    }
    return at;
}

/* How many rows the model takes before it finds one that is wrong; `*good` where it finds none. */
static size_t model_rows(const char *text, size_t length, bool *good)
{
    const char *at = text;
    const char *end = text + length;
    struct model model;
    size_t rows = 0;

    *good = true;
    while (model_row(&model, &at, end)) {
        if (model.good && model.count == 1 && model.cells[0][0] == '\0' && at[-1] == '\n' &&
            (at - 2 < text || at[-2] == '\n'))
            continue;
        if (!model.good || model.count != 2) {
            *good = false;
            return rows;
        }
        rows++;
    }
    return rows;
}

struct lenient {
    char lines[64]; /* of the bad rows */
    size_t good;
    int answer;
};

static int count_good(void *context, const struct msim_csv *csv, const struct msim_csv_cell *cells)
{
    struct lenient *lenient = context;

    (void)csv;
    (void)cells;
    lenient->good++;
    return MSIM_OK;
}

static int note_bad(void *context, const struct msim_csv *csv)
{
    struct lenient *lenient = context;
    size_t length = strlen(lenient->lines);

    snprintf(lenient->lines + length, sizeof lenient->lines - length, "%zu ", csv->error.line);
    return lenient->answer;
}

static void bad_rows_are_left_out_where_the_sink_says_so(void **state)
{
    static const struct msim_csv_field fields[] = {{"a", MSIM_CSV_TEXT}, {"b", MSIM_CSV_NUMBER}};
    static const struct msim_csv_schema schema = {.file = "t", .fields = fields, .field_count = 2};
    static const char text[] = "a,b\nx,1\nx\n\"m\nn\",2\nx,y\n\xff,1\nx,3\nx,\"1\"2\n";
    struct msim_allocator allocator = msim_mem_allocator(NULL);
    struct lenient lenient = {.answer = MSIM_OK};
    const struct msim_csv_sink sink = {.row = count_good, .bad = note_bad, .context = &lenient};
    struct msim_csv *csv = malloc(sizeof *csv);

    (void)state;
    assert_non_null(csv);
    msim_csv_init(csv, &schema, &sink, &allocator);
    assert_int_equal(msim_csv_feed(csv, text, sizeof text - 1), MSIM_OK);
    assert_int_equal(msim_csv_end(csv), MSIM_OK);
    assert_string_equal(lenient.lines, "3 6 7 9 ");
    assert_int_equal(lenient.good, 3);
    msim_csv_finish(csv);

    lenient = (struct lenient){.answer = MSIM_ERR_LIMIT};
    msim_csv_init(csv, &schema, &sink, &allocator);
    assert_int_equal(msim_csv_feed(csv, text, sizeof text - 1), MSIM_ERR_LIMIT);
    assert_string_equal(lenient.lines, "3 ");
    msim_csv_finish(csv);

    lenient = (struct lenient){.answer = MSIM_OK};
    msim_csv_init(csv, &schema, &sink, &allocator);
    assert_int_equal(msim_csv_feed(csv, "a,c\n1,2\n", 8), MSIM_ERR_FORMAT);
    assert_string_equal(lenient.lines, "");
    assert_string_equal(csv->missing->name, "b");
    msim_csv_finish(csv);
    free(csv);
}

static void random_texts_are_read_as_the_model_reads_them(void **state)
{
    static const struct msim_csv_field fields[] = {{"a", MSIM_CSV_TEXT}, {"b", MSIM_CSV_TEXT}};
    static const struct msim_csv_schema schema = {.file = "t", .fields = fields, .field_count = 2};
    struct msim_allocator allocator = msim_mem_allocator(NULL);
    struct msim_csv *csv = malloc(sizeof *csv);
    static char text[TEXT_SIZE];
    size_t whole = 0;

    (void)state;
    assert_non_null(csv);
    for (uint64_t seed = 0; seed < 20000; seed++) {
        size_t length = random_text(text, seed);
        struct comparison comparison = {text + 4, text + length, 0};
        const struct msim_csv_sink sink = {.row = compare_row, .context = &comparison};
        bool good;
        size_t rows = model_rows(text + 4, length - 4, &good);

        msim_csv_init(csv, &schema, &sink, &allocator);
        int r = MSIM_OK;
        size_t piece = 1 + seed % 7;
        for (size_t at = 0; at < length; at += piece)
            r = msim_csv_feed(csv, text + at, length - at < piece ? length - at : piece);
        r = msim_csv_end(csv);
        assert_int_equal(r, good ? MSIM_OK : MSIM_ERR_FORMAT);
        assert_int_equal(comparison.rows, rows);
        whole += good;
        msim_csv_finish(csv);
    }
    assert_true(whole > 100);
    free(csv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_becomes_an_object_with_its_numbers_as_they_stand),
        cmocka_unit_test(a_mark_crlf_empty_lines_and_a_missing_last_end_are_fine),
        cmocka_unit_test(quotes_hold_commas_line_ends_and_doubled_quotes),
        cmocka_unit_test(loose_numbers_are_written_as_json_has_them),
        cmocka_unit_test(further_columns_are_passed_on_in_any_order),
        cmocka_unit_test(what_is_wrong_is_told_with_line_column_and_reason),
        cmocka_unit_test(a_line_without_end_is_refused_at_its_bound),
        cmocka_unit_test(bad_rows_are_left_out_where_the_sink_says_so),
        cmocka_unit_test(random_texts_are_read_as_the_model_reads_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
