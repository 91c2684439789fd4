#include "check.h"

#include <string.h>

#include <marketsim/arrow.h>

#include "oom/failing.h"
#include "unit/parquet/disk.h"
#include "unit/parquet/made.h"

/* Bytes that take no memory: what is tested is the writer's own. */
static int drop(void *context, const void *bytes, size_t length)
{
    (void)context;
    (void)bytes;
    (void)length;
    return MSIM_OK;
}

static int write_once(const struct msim_allocator *allocator, void *context)
{
    const struct msim_parquet_column columns[] = {
        {.name = "timestamp", .type = MSIM_PARQUET_TIMESTAMP_MS},
        {.name = "ticker", .type = MSIM_PARQUET_STRING, .nullable = true},
    };
    struct msim_parquet_writer_params params = MSIM_PARQUET_WRITER_PARAMS_INIT;
    struct msim_parquet_writer *writer = NULL;

    (void)context;
    params.write = drop;
    params.columns = columns;
    params.column_count = COUNT(columns);
    params.row_group_rows = 20;
    params.allocator = allocator;
    int r = msim_parquet_writer_create(&writer, &params, NULL);
    for (int64_t i = 0; i < 50 && r >= 0; i++) {
        struct msim_parquet_value values[] = {
            {.integer = i * MSIM_NS_PER_MS},
            {.is_null = i % 5 == 0, .text = i % 2 ? "A" : "B", .text_length = 1},
        };
        r = msim_parquet_writer_row(writer, values, NULL);
    }
    if (r >= 0)
        r = msim_parquet_writer_finish(writer, NULL);
    msim_parquet_writer_destroy(&writer);
    return r;
}

static int read_once(const struct msim_allocator *allocator, void *context)
{
    const struct made *made = context;
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;
    struct msim_record records[200];
    struct msim_detail detail = {{0}};
    size_t count;

    params.allocator = allocator;
    int r = made_read(made, &params, records, COUNT(records), &count, &detail);
    if (r == MSIM_ERR_NOMEM)
        assert_true(strlen(detail.text) > 0);
    return r;
}

/* The allocator is called from the second thread too, in turns that the reader sees to. */
static int read_ahead_once(const struct msim_allocator *allocator, void *context)
{
    const struct made *made = context;
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;
    struct msim_record records[200];
    size_t count;

    params.allocator = allocator;
    params.decode_thread = true;
    return made_read(made, &params, records, COUNT(records), &count, NULL);
}

static void each_failing_allocation_of_a_reader_is_survived(void **state)
{
    struct row rows[100];

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        rows[i] = (struct row){.time = (int64_t)(i * 37 % 50),
                               .price = (int64_t)i,
                               .volume = 1,
                               .ticker = i % 7 ? i % 2 ? "A" : "B" : NULL};
    struct made made = made_trades(rows, COUNT(rows), 30, MSIM_PARQUET_CODEC_NONE);
    FAIL_EACH_ALLOCATION(read_once, &made);
    FAIL_EACH_ALLOCATION(read_ahead_once, &made);
    made_free(&made);
}

/* With a ticker for all rows in place of the column, and a CSV file beside it that has none. */
static int named_once(const struct msim_allocator *allocator, void *context)
{
    static const char text[] = "timestamp,price,volume\n2022-07-01,1,2\n";
    const struct made *made = context;
    const struct msim_parquet_bytes bytes[] = {
        {.bytes = made->bytes, .length = made->length, .name = "a.parquet"},
        {.bytes = text, .length = sizeof text - 1, .name = "ticker=A/b.csv"},
    };
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;
    struct msim_parquet *parquet = NULL;
    struct msim_source source = {0};
    struct msim_record records[4];
    size_t count;

    params.allocator = allocator;
    params.ticker_name = "B";
    int r = msim_parquet_open_memory(&parquet, &params, bytes, 1, NULL);
    msim_parquet_close(&parquet);
    params.ticker_name = NULL;
    if (r >= 0)
        r = msim_parquet_open_memory(&parquet, &params, bytes, COUNT(bytes), NULL);
    if (r >= 0)
        r = msim_parquet_source(&source, parquet, NULL, NULL);
    do
        r = r < 0 ? r : made_pull(&source, records, COUNT(records), &count, NULL);
    while (r == MSIM_PULL_RECORD);
    msim_source_release(&source);
    msim_parquet_close(&parquet);
    return r;
}

static void each_failing_allocation_of_a_ticker_by_name_is_survived(void **state)
{
    const struct row rows[] = {{1, 1, 1, "A"}, {3, 1, 1, "B"}, {2, 1, 1, NULL}};
    struct made made = made_trades(rows, COUNT(rows), 0, MSIM_PARQUET_CODEC_NONE);

    (void)state;
    FAIL_EACH_ALLOCATION(named_once, &made);
    made_free(&made);
}

static int part_once(const struct msim_allocator *allocator, void *context)
{
    const struct made *made = context;
    const struct msim_parquet_bytes bytes = {.bytes = made->bytes, .length = made->length};
    const char *const tickers[] = {"A*", "B"};
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;
    struct msim_parquet_source_params part = MSIM_PARQUET_SOURCE_PARAMS_INIT;
    struct msim_parquet *parquet = NULL;
    struct msim_source source = {0};
    struct msim_record record;
    size_t count;

    params.allocator = allocator;
    params.ignore_statistics = true;
    part.tickers = tickers;
    part.ticker_count = COUNT(tickers);
    int r = msim_parquet_open_memory(&parquet, &params, &bytes, 1, NULL);
    if (r >= 0)
        r = msim_parquet_source(&source, parquet, &part, NULL);
    if (r >= 0)
        r = made_pull(&source, &record, 1, &count, NULL);
    msim_source_release(&source);
    msim_parquet_close(&parquet);
    return r;
}

static void each_failing_allocation_of_a_part_is_survived(void **state)
{
    const struct row rows[] = {{5, 1, 1, "A"}, {4, 1, 1, "C"}, {6, 1, 1, "B"}};

    (void)state;
    struct made made = made_trades(rows, COUNT(rows), 2, MSIM_PARQUET_CODEC_NONE);
    FAIL_EACH_ALLOCATION(part_once, &made);
    made_free(&made);
}

static struct made make_noted(int64_t rows, uint64_t group_rows)
{
    const struct msim_parquet_column columns[COLUMNS + 1] = {
        [TIMESTAMP] = {.name = "timestamp", .type = MSIM_PARQUET_TIMESTAMP_NS},
        [PRICE] = {.name = "price", .type = MSIM_PARQUET_INT64},
        [VOLUME] = {.name = "volume", .type = MSIM_PARQUET_INT64},
        [TICKER] = {.name = "ticker", .type = MSIM_PARQUET_STRING},
        [COLUMNS] = {.name = "note", .type = MSIM_PARQUET_STRING, .nullable = true},
    };
    struct made made = {0};
    struct msim_parquet_writer *writer =
        made_begin(&made, columns, COUNT(columns), group_rows, MSIM_PARQUET_CODEC_NONE);

    for (int64_t i = 0; i < rows; i++) {
        const struct msim_parquet_value values[COLUMNS + 1] = {
            [TIMESTAMP] = {.integer = (rows - i) * 7919 % rows},
            [TICKER] = {.text = "A", .text_length = 1},
            [COLUMNS] = {.text = "a note", .text_length = 6, .is_null = i % 4 == 0},
        };
        assert_int_equal(msim_parquet_writer_row(writer, values, NULL), MSIM_OK);
    }
    made_end(writer);
    return made;
}

static int extras_once(const struct msim_allocator *allocator, void *context)
{
    const struct made *made = context;
    const struct msim_parquet_bytes bytes = {.bytes = made->bytes, .length = made->length};
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;
    struct msim_parquet_source_params all = MSIM_PARQUET_SOURCE_PARAMS_INIT;
    struct msim_parquet *parquet = NULL;
    struct msim_source source = {0};
    struct msim_record records[20];
    size_t count;

    params.allocator = allocator;
    all.all_extra_columns = true;
    int r = msim_parquet_open_memory(&parquet, &params, &bytes, 1, NULL);
    if (r >= 0)
        r = msim_parquet_source(&source, parquet, &all, NULL);
    while (r >= 0 && r != MSIM_PULL_END)
        r = made_pull(&source, records, COUNT(records), &count, NULL);
    msim_source_release(&source);
    msim_parquet_close(&parquet);
    return r < 0 ? r : MSIM_OK;
}

static void each_failing_allocation_of_further_columns_is_survived(void **state)
{
    struct made made = make_noted(20, 7);

    (void)state;
    FAIL_EACH_ALLOCATION(extras_once, &made);
    made_free(&made);
}

/* What a row group's columns take is far more than what is left of memory: they go to a disk. */
static int stored_extras_once(const struct msim_allocator *allocator, void *context)
{
    const struct made *made = context;
    const struct msim_parquet_bytes bytes = {.bytes = made->bytes, .length = made->length};
    struct disk disk = {0};
    const struct temporary temporary = {.ops = &disk_ops, .self = &disk};
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;
    struct msim_parquet_source_params all = MSIM_PARQUET_SOURCE_PARAMS_INIT;
    struct msim_parquet *parquet = NULL;
    struct msim_source source = {0};
    struct msim_record records[200];
    size_t count;

    params.allocator = allocator;
    params.memory_bytes = (uint64_t)4 << 20;
    all.all_extra_columns = true;
    int r = msim_parquet_open_spilling(&parquet, &params, &bytes, 1, temporary, NULL);
    if (r >= 0)
        r = msim_parquet_source(&source, parquet, &all, NULL);
    while (r >= 0 && r != MSIM_PULL_END)
        r = made_pull(&source, records, COUNT(records), &count, NULL);
    assert_true(r < 0 || disk.created > 0);
    msim_source_release(&source);
    msim_parquet_close(&parquet);
    assert_int_equal(disk.open, 0);
    return r < 0 ? r : MSIM_OK;
}

static void each_failing_allocation_of_further_columns_on_a_disk_is_survived(void **state)
{
    struct made made = make_noted(40000, 40000);

    (void)state;
    bool is_whole = false;
    for (size_t fail_at = 0; !is_whole; fail_at++) {
        struct failing failing = {.fail_at = fail_at};
        struct msim_allocator allocator = failing_allocator(&failing);
        int result = stored_extras_once(&allocator, &made);
        /* A buffer of texts that would be faster if it grew does without. */
        assert_true(result == MSIM_ERR_NOMEM || (result == MSIM_OK && fail_at > 100));
        assert_int_equal(failing.blocks, 0);
        assert_int_equal(failing.bytes, 0);
        is_whole = failing.calls <= fail_at;
        assert_true(!is_whole || (result == MSIM_OK && fail_at > 200));
    }
    made_free(&made);
}

static int csv_once(const struct msim_allocator *allocator, void *context)
{
    static const char text[] = "timestamp,price,volume,ticker,note\n2022-07-02,1,2,A,x\n"
                               "2022-07-01,1,,B,y\n2022-07-01,x,2,B,\n";
    const struct msim_parquet_bytes bytes = {
        .bytes = text, .length = sizeof text - 1, .name = "a.csv"};
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;
    struct msim_parquet *parquet = NULL;
    struct msim_source source = {0};
    struct msim_record records[4];
    struct msim_detail detail = {{0}};
    size_t count;

    (void)context;
    params.allocator = allocator;
    params.skip_bad_rows = true;
    int r = msim_parquet_open_memory(&parquet, &params, &bytes, 1, &detail);
    if (r >= 0)
        r = msim_parquet_source(&source, parquet, NULL, &detail);
    if (r >= 0)
        r = made_pull(&source, records, COUNT(records), &count, &detail);
    assert_true(r >= 0 || strlen(detail.text) > 0);
    msim_source_release(&source);
    msim_parquet_close(&parquet);
    return r;
}

static void each_failing_allocation_of_a_csv_file_is_survived(void **state)
{
    (void)state;
    FAIL_EACH_ALLOCATION(csv_once, NULL);
}

/* ---- an Arrow stream of one batch, none of whose memory is the source's ---- */

struct one_batch {
    struct ArrowSchema schemas[4];
    struct ArrowSchema *schema_pointers[4];
    struct ArrowArray arrays[4];
    struct ArrowArray *array_pointers[4];
    bool given;
};

static void release_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

static void release_array(struct ArrowArray *array)
{
    array->release = NULL;
}

static void release_stream(struct ArrowArrayStream *stream)
{
    stream->release = NULL;
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    struct one_batch *batch = stream->private_data;

    *out = (struct ArrowSchema){.format = "+s",
                                .n_children = 4,
                                .children = batch->schema_pointers,
                                .release = release_schema};
    return 0;
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    struct one_batch *batch = stream->private_data;

    *out = (struct ArrowArray){0};
    if (batch->given)
        return 0;
    batch->given = true;
    *out = (struct ArrowArray){
        .length = 3, .n_children = 4, .children = batch->array_pointers, .release = release_array};
    return 0;
}

static int arrow_once(const struct msim_allocator *allocator, void *context)
{
    static const int64_t times[] = {1, 2, 3};
    static const int32_t ends[] = {0, 1, 2, 3};
    static const void *const numbers[] = {NULL, times};
    static const void *const texts[] = {NULL, ends, "ABA"};
    static const char *const names[] = {"timestamp", "price", "volume", "ticker"};
    struct msim_source_arrow_params params = MSIM_SOURCE_ARROW_PARAMS_INIT;
    struct one_batch batch = {.given = false};
    struct ArrowArrayStream stream = {.get_schema = get_schema,
                                      .get_next = get_next,
                                      .release = release_stream,
                                      .private_data = &batch};
    struct msim_source source = {0};
    struct msim_record records[4];
    size_t count = 0;

    for (size_t i = 0; i < 4; i++) {
        batch.schemas[i] = (struct ArrowSchema){.format = i == 0   ? "tsn:"
                                                          : i == 3 ? "u"
                                                                   : "l",
                                                .name = names[i]};
        batch.arrays[i] = (struct ArrowArray){.length = 3, .n_buffers = i == 3 ? 3 : 2};
        batch.arrays[i].buffers = (const void **)(uintptr_t)(i == 3 ? texts : numbers);
        batch.schema_pointers[i] = &batch.schemas[i];
        batch.array_pointers[i] = &batch.arrays[i];
    }
    params.allocator = allocator;
    params.sort = context != NULL;
    int r = msim_source_from_arrow(&source, &stream, &params, NULL);
    assert_true((stream.release == NULL) == (r >= 0));
    if (r >= 0)
        r = made_pull(&source, records, COUNT(records), &count, NULL);
    msim_source_release(&source);
    return r;
}

static void each_failing_allocation_of_an_arrow_stream_is_survived(void **state)
{
    int sorted = 1;

    (void)state;
    FAIL_EACH_ALLOCATION(arrow_once, NULL);
    FAIL_EACH_ALLOCATION(arrow_once, &sorted);
}

static void each_failing_allocation_of_a_writer_is_survived(void **state)
{
    (void)state;
    FAIL_EACH_ALLOCATION(write_once, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_failing_allocation_of_a_reader_is_survived),
        cmocka_unit_test(each_failing_allocation_of_a_part_is_survived),
        cmocka_unit_test(each_failing_allocation_of_a_ticker_by_name_is_survived),
        cmocka_unit_test(each_failing_allocation_of_further_columns_is_survived),
        cmocka_unit_test(each_failing_allocation_of_further_columns_on_a_disk_is_survived),
        cmocka_unit_test(each_failing_allocation_of_a_csv_file_is_survived),
        cmocka_unit_test(each_failing_allocation_of_an_arrow_stream_is_survived),
        cmocka_unit_test(each_failing_allocation_of_a_writer_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
