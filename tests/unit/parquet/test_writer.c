#include "made.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/random.h"
#include "parquet/column.h"

#define ROWS 5000

/* Every type, nullable and not, as rows that a seed gives. */
enum { ALL_TYPES = MSIM_PARQUET_INT32, ALL_COLUMNS = 2 * ALL_TYPES };

struct all {
    struct msim_parquet_column columns[ALL_COLUMNS];
    char names[ALL_COLUMNS][16];
    struct made made;
};

static struct msim_parquet_value value_of(enum msim_parquet_type type, bool nullable, uint64_t dice,
                                          size_t row, char text[32])
{
    struct msim_parquet_value value = {.is_null = nullable && dice % 5 == 0};
    /* The upper half of the rows has many distinct values, the lower half few. */
    uint64_t distinct = row > ROWS / 2 ? dice >> 8 : dice >> 8 & 15;

    switch (type) {
    case MSIM_PARQUET_TIMESTAMP_MS:
        value.integer = (int64_t)(distinct & 0xFFFFFFFFFF) * MSIM_NS_PER_MS;
        break;
    case MSIM_PARQUET_TIMESTAMP_US:
        value.integer = -(int64_t)(distinct & 0xFFFFFFFFFF) * MSIM_NS_PER_US;
        break;
    case MSIM_PARQUET_INT32:
        value.integer = (int32_t)distinct;
        break;
    case MSIM_PARQUET_DOUBLE:
        value.number = (double)distinct / 8 - 3;
        break;
    case MSIM_PARQUET_STRING:
        value.text = text;
        value.text_length = (size_t)snprintf(text, 32, "%" PRIu64, distinct % 100000);
        value.text_length = distinct % 7 == 0 ? 0 : value.text_length;
        break;
    default:
        value.integer = (int64_t)distinct;
    }
    return value;
}

static void fill_row(const struct all *all, size_t row, struct msim_parquet_value *values,
                     char texts[ALL_COLUMNS][32])
{
    for (size_t i = 0; i < ALL_COLUMNS; i++)
        values[i] = value_of(all->columns[i].type, all->columns[i].nullable,
                             msim_mix64(row * ALL_COLUMNS + i), row, texts[i]);
}

static struct all write_all(enum msim_parquet_codec codec, uint64_t group_rows, size_t rows)
{
    struct msim_parquet_writer_params params = MSIM_PARQUET_WRITER_PARAMS_INIT;
    struct msim_parquet_writer *writer = NULL;
    struct all all = {.made = {0}};
    struct msim_parquet_value values[ALL_COLUMNS];
    char texts[ALL_COLUMNS][32];

    for (int i = 0; i < ALL_COLUMNS; i++) {
        snprintf(all.names[i], sizeof all.names[i], "c%d", i);
        all.columns[i] = (struct msim_parquet_column){
            .name = all.names[i],
            .type = (enum msim_parquet_type)(i / 2 + 1),
            .nullable = i % 2,
        };
    }
    params.write = made_put;
    params.context = &all.made;
    params.columns = all.columns;
    params.column_count = ALL_COLUMNS;
    params.codec = codec;
    params.row_group_rows = group_rows;
    assert_int_equal(msim_parquet_writer_create(&writer, &params, NULL), MSIM_OK);
    for (size_t row = 0; row < rows; row++) {
        fill_row(&all, row, values, texts);
        assert_int_equal(msim_parquet_writer_row(writer, values, NULL), MSIM_OK);
    }
    assert_int_equal(msim_parquet_writer_finish(writer, NULL), MSIM_OK);
    msim_parquet_writer_destroy(&writer);
    return all;
}

/* ---- reading back ---- */

static int64_t unit_of(enum msim_parquet_type type)
{
    return type == MSIM_PARQUET_TIMESTAMP_MS   ? MSIM_NS_PER_MS
           : type == MSIM_PARQUET_TIMESTAMP_US ? MSIM_NS_PER_US
                                               : 1;
}

static void assert_same(const struct msim_column *column, const struct msim_span *span,
                        size_t value, const struct msim_parquet_value *wanted,
                        enum msim_parquet_type type)
{
    if (type == MSIM_PARQUET_STRING) {
        const struct msim_text *text = span->form == SPAN_INDEX
                                           ? &column->dictionary.texts[span->indexes[value]]
                                           : &span->texts[value];
        assert_int_equal(text->length, wanted->text_length);
        assert_memory_equal(text->bytes, wanted->text, text->length);
        return;
    }
    const unsigned char *bytes =
        span->form == SPAN_INDEX ? column->dictionary.bytes + span->indexes[value] * column->width
                                 : span->fixed + value * column->width;
    if (type == MSIM_PARQUET_DOUBLE) {
        uint64_t bits = msim_load64(bytes);
        assert_memory_equal(&bits, &wanted->number, sizeof bits);
    } else if (type == MSIM_PARQUET_INT32) {
        assert_int_equal((int32_t)msim_load32(bytes), wanted->integer);
    } else {
        assert_true((int64_t)msim_load64(bytes) * unit_of(type) == wanted->integer);
    }
}

static void check_column(const struct all *all, struct msim_reader *reader,
                         const struct msim_parquet_file *file, const struct footer *footer,
                         size_t leaf)
{
    enum msim_parquet_type type = all->columns[leaf].type;
    struct msim_detail detail = {{0}};
    size_t row = 0;

    for (size_t group = 0; group < footer->group_count; group++) {
        struct msim_column column;
        struct msim_span span;
        assert_int_equal(msim_column_open(&column, reader, file, footer, group, leaf, &detail),
                         MSIM_OK);
        for (;;) {
            assert_int_equal(msim_column_read(&column, 777, &span, &detail), MSIM_OK);
            if (span.rows == 0)
                break;
            for (size_t i = 0, value = 0; i < span.rows; i++, row++) {
                char text[32];
                struct msim_parquet_value wanted =
                    value_of(type, all->columns[leaf].nullable,
                             msim_mix64(row * ALL_COLUMNS + leaf), row, text);
                bool present = !span.present || span.present[i];
                assert_int_equal(present, !wanted.is_null);
                if (present)
                    assert_same(&column, &span, value++, &wanted, type);
            }
        }
        msim_column_close(&column);
    }
    assert_int_equal(row, footer->row_count);
}

static void check_all(const struct all *all, size_t rows)
{
    struct msim_allocator system = msim_mem_allocator(NULL);
    struct msim_parquet_file file;
    struct msim_reader reader;
    struct footer footer;
    struct msim_crc crc;

    msim_crc_init(&crc);
    assert_int_equal(
        msim_parquet_file_memory(&file, "made", all->made.bytes, all->made.length, &system),
        MSIM_OK);
    assert_int_equal(msim_footer_read(&footer, &file, &system, NULL), MSIM_OK);
    assert_int_equal(footer.row_count, rows);
    assert_int_equal(footer.leaf_count, ALL_COLUMNS);
    msim_reader_init(&reader, &crc, &system);
    for (size_t leaf = 0; leaf < ALL_COLUMNS; leaf++)
        check_column(all, &reader, &file, &footer, leaf);
    msim_reader_finish(&reader);
    msim_footer_finish(&footer);
    msim_parquet_file_close(&file);
}

static void every_type_comes_back_as_it_was_written(void **state)
{
    const uint64_t group_rows[] = {0, 1, 100, 2501};

    (void)state;
    for (size_t i = 0; i < COUNT(group_rows); i++) {
        size_t rows = group_rows[i] == 1 ? 50 : ROWS;
        struct all all = write_all(MSIM_PARQUET_CODEC_NONE, group_rows[i], rows);
        check_all(&all, rows);
        made_free(&all.made);
    }
}

#ifdef MSIM_HAVE_ZSTD
static void every_type_comes_back_out_of_zstd(void **state)
{
    (void)state;
    struct all all = write_all(MSIM_PARQUET_CODEC_ZSTD, 1234, ROWS);
    check_all(&all, ROWS);
    made_free(&all.made);
}
#endif

static void a_file_without_rows_is_a_file(void **state)
{
    (void)state;
    struct all all = write_all(MSIM_PARQUET_CODEC_NONE, 0, 0);
    check_all(&all, 0);
    made_free(&all.made);
}

static void the_same_rows_give_the_same_bytes(void **state)
{
    (void)state;
    struct all first = write_all(MSIM_PARQUET_CODEC_NONE, 999, ROWS);
    struct all second = write_all(MSIM_PARQUET_CODEC_NONE, 999, ROWS);
    assert_int_equal(first.made.length, second.made.length);
    assert_memory_equal(first.made.bytes, second.made.bytes, first.made.length);
    /* The same on every machine, by every compiler. */
    uint64_t hash = msim_fnv(first.made.bytes, first.made.length);
    if (hash != UINT64_C(0x1fd6a8d860dcd6df))
        print_error("%016" PRIx64 "\n", hash);
    assert_true(hash == UINT64_C(0x1fd6a8d860dcd6df));
    made_free(&first.made);
    made_free(&second.made);
}

static void pages_of_many_rows_are_several(void **state)
{
    const size_t count = 100000;
    struct row *rows = calloc(count, sizeof *rows);
    struct msim_record *records = calloc(count, sizeof *records);
    size_t read = 0;

    (void)state;
    assert_non_null(rows);
    assert_non_null(records);
    for (size_t i = 0; i < count; i++)
        rows[i] = (struct row){.time = (int64_t)i,
                               .price = (int64_t)msim_mix64(i),
                               .volume = (int64_t)(i % 3),
                               .ticker = i % 3 ? "X" : NULL};
    struct made made = made_trades(rows, count, 0, MSIM_PARQUET_CODEC_NONE);
    assert_int_equal(made_read(&made, NULL, records, count, &read, NULL), MSIM_PULL_END);
    assert_int_equal(read, count);
    for (size_t i = 0; i < count; i++) {
        assert_true(records[i].as.trade.price == rows[i].price);
        assert_int_equal(records[i].as.trade.quantity, rows[i].volume);
        assert_int_equal(records[i].flags, rows[i].ticker ? 0 : MSIM_RECORD_NO_SYMBOL);
    }
    made_free(&made);
    free(records);
    free(rows);
}

/* ---- what is refused ---- */

struct refusing {
    struct msim_parquet_writer_params params;
    struct msim_parquet_column columns[COLUMNS];
    struct made made;
    struct msim_parquet_writer *writer;
    struct msim_detail detail;
};

static void set_up(struct refusing *refusing)
{
    *refusing = (struct refusing){
        .params = MSIM_PARQUET_WRITER_PARAMS_INIT,
        .columns = {[TIMESTAMP] = {.name = "t", .type = MSIM_PARQUET_TIMESTAMP_MS},
                    [PRICE] = {.name = "p", .type = MSIM_PARQUET_INT32},
                    [VOLUME] = {.name = "v", .type = MSIM_PARQUET_DOUBLE, .nullable = true},
                    [TICKER] = {.name = "s", .type = MSIM_PARQUET_STRING}}};
    refusing->params.write = made_put;
    refusing->params.context = &refusing->made;
    refusing->params.columns = refusing->columns;
    refusing->params.column_count = COLUMNS;
}

static void assert_not_created(struct refusing *refusing, const char *words)
{
    assert_int_equal(
        msim_parquet_writer_create(&refusing->writer, &refusing->params, &refusing->detail),
        MSIM_ERR_INVALID);
    assert_null(refusing->writer);
    assert_non_null(strstr(refusing->detail.text, words));
}

static void params_that_make_no_file_are_refused(void **state)
{
    struct refusing refusing;

    (void)state;
    set_up(&refusing);
    refusing.params.column_count = 0;
    assert_not_created(&refusing, "1 to 10000 columns");
    set_up(&refusing);
    refusing.columns[1].name = "t";
    assert_not_created(&refusing, "two columns are called t");
    set_up(&refusing);
    refusing.columns[1].name = "\xff";
    assert_not_created(&refusing, "not UTF-8");
    set_up(&refusing);
    refusing.columns[1].type = (enum msim_parquet_type)99;
    assert_not_created(&refusing, "column p has no known type");
    set_up(&refusing);
    refusing.params.write = NULL;
    assert_not_created(&refusing, "either a path or a function");
    set_up(&refusing);
    refusing.params.size = 1;
    assert_not_created(&refusing, "MSIM_PARQUET_WRITER_PARAMS_INIT");
    set_up(&refusing);
    refusing.params.row_group_rows = UINT64_MAX;
    assert_not_created(&refusing, "row group");
    made_free(&refusing.made);
}

static void a_value_that_its_column_does_not_hold_changes_nothing(void **state)
{
    struct refusing refusing;
    struct msim_parquet_value good[COLUMNS] = {[TICKER] = {.text = "A", .text_length = 1}};
    struct msim_parquet_value bad[COLUMNS];
    struct made alone = {0};

    (void)state;
    set_up(&refusing);
    assert_int_equal(msim_parquet_writer_create(&refusing.writer, &refusing.params, NULL), MSIM_OK);
    assert_int_equal(msim_parquet_writer_row(refusing.writer, good, NULL), MSIM_OK);
#define REFUSES(field, words)                                                             \
    do {                                                                                  \
        assert_int_equal(msim_parquet_writer_row(refusing.writer, bad, &refusing.detail), \
                         MSIM_ERR_INVALID);                                               \
        assert_non_null(strstr(refusing.detail.text, words));                             \
    } while (0)
#define CHANGE(column, ...)        \
    memcpy(bad, good, sizeof bad); \
    bad[column] = (struct msim_parquet_value){__VA_ARGS__}
    CHANGE(TIMESTAMP, .integer = 1);
    REFUSES(TIMESTAMP, "column t has a unit of 1000000 ns");
    CHANGE(PRICE, .integer = INT64_C(1) << 31);
    REFUSES(PRICE, "column p holds 32 bits");
    CHANGE(PRICE, .is_null = true);
    REFUSES(PRICE, "column p holds no null");
    CHANGE(TICKER, .text = "\xc3", .text_length = 1);
    REFUSES(TICKER, "column s holds UTF-8 alone");
    assert_int_equal(msim_parquet_writer_finish(refusing.writer, NULL), MSIM_OK);
    assert_int_equal(msim_parquet_writer_row(refusing.writer, good, &refusing.detail),
                     MSIM_ERR_STATE);
    msim_parquet_writer_destroy(&refusing.writer);

    /* As if the bad rows had never been there. */
    refusing.params.context = &alone;
    assert_int_equal(msim_parquet_writer_create(&refusing.writer, &refusing.params, NULL), MSIM_OK);
    assert_int_equal(msim_parquet_writer_row(refusing.writer, good, NULL), MSIM_OK);
    assert_int_equal(msim_parquet_writer_finish(refusing.writer, NULL), MSIM_OK);
    msim_parquet_writer_destroy(&refusing.writer);
    assert_int_equal(alone.length, refusing.made.length);
    assert_memory_equal(alone.bytes, refusing.made.bytes, alone.length);
    made_free(&alone);
    made_free(&refusing.made);
}

static int refuse_after(void *context, const void *bytes, size_t length)
{
    size_t *left = context;

    (void)bytes;
    if (*left < length)
        return MSIM_ERR_LIMIT;
    *left -= length;
    return MSIM_OK;
}

static void a_receiver_that_refuses_ends_the_writing_for_good(void **state)
{
    struct msim_parquet_value row[COLUMNS] = {[TICKER] = {.text = "A", .text_length = 1}};
    struct refusing refusing;
    size_t failures = 0;

    (void)state;
    for (size_t room = 0;; room += 7) {
        size_t left = room;
        set_up(&refusing);
        refusing.params.write = refuse_after;
        refusing.params.context = &left;
        int r = msim_parquet_writer_create(&refusing.writer, &refusing.params, &refusing.detail);
        if (r >= 0)
            r = msim_parquet_writer_row(refusing.writer, row, &refusing.detail);
        if (r >= 0)
            r = msim_parquet_writer_finish(refusing.writer, &refusing.detail);
        if (r >= 0)
            break;
        failures++;
        assert_int_equal(r, MSIM_ERR_LIMIT);
        assert_non_null(strstr(refusing.detail.text, "the receiver of the file's bytes refused"));
        if (refusing.writer)
            assert_int_equal(msim_parquet_writer_finish(refusing.writer, NULL), MSIM_ERR_LIMIT);
        msim_parquet_writer_destroy(&refusing.writer);
    }
    assert_true(failures > 20);
    msim_parquet_writer_destroy(&refusing.writer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_comes_back_as_it_was_written),
#ifdef MSIM_HAVE_ZSTD
        cmocka_unit_test(every_type_comes_back_out_of_zstd),
#endif
        cmocka_unit_test(a_file_without_rows_is_a_file),
        cmocka_unit_test(the_same_rows_give_the_same_bytes),
        cmocka_unit_test(pages_of_many_rows_are_several),
        cmocka_unit_test(params_that_make_no_file_are_refused),
        cmocka_unit_test(a_value_that_its_column_does_not_hold_changes_nothing),
        cmocka_unit_test(a_receiver_that_refuses_ends_the_writing_for_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
