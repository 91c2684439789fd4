/*
 * The same trades by every way in: as Parquet, as CSV in memory and on a disk, and as an Arrow
 * stream that is sorted.  What they have to be is what a naive sort makes of them.
 */
#include "disk.h"
#include "made.h"

#include <stdio.h>

#include <marketsim/arrow.h>

#include "base/calendar.h"
#include "base/random.h"

#define ROWS 70000
#define SEEDS 3

struct placed {
    struct row row;
    uint64_t place;
};

struct table {
    struct row *rows;
    struct placed *sorted;
    struct made parquet;
    struct made csv;
};

static int by_time_and_place(const void *a, const void *b)
{
    const struct placed *x = a;
    const struct placed *y = b;

    if (x->row.time != y->row.time)
        return x->row.time < y->row.time ? -1 : 1;
    return x->place < y->place ? -1 : 1;
}

/* Moments as text or as a number, bare or in quotes; tickers that need quotes. */
static void put_csv_row(struct made *csv, const struct row *row, uint64_t dice)
{
    char moment[MSIM_CALENDAR_SIZE], line[200], ticker[40] = "";

    msim_calendar_print(row->time, dice & 1 ? MSIM_CALENDAR_PLAIN : MSIM_CALENDAR_ISO, moment);
    if (dice & 2)
        snprintf(moment, sizeof moment, "%lld", (long long)row->time);
    if (row->ticker)
        snprintf(ticker, sizeof ticker, dice & 4 || strchr(row->ticker, ',') ? "\"%s\"" : "%s",
                 row->ticker);
    int length =
        snprintf(line, sizeof line, dice & 8 ? "%s,\"%lld\",x,%lld,%s\r\n" : "%s,%lld,x,%lld,%s\n",
                 ticker, (long long)row->volume, (long long)row->price, moment);
    made_put(csv, line, (size_t)length);
}

static struct table make(uint64_t seed)
{
    static const char *const tickers[] = {"BTC", "E,TH", "S\nOL", NULL};
    static const char header[] = "ticker,volume,further,price,timestamp\n";
    struct table table = {.rows = calloc(ROWS, sizeof *table.rows),
                          .sorted = calloc(ROWS, sizeof *table.sorted)};
    uint64_t spread = seed == 0 ? 1 : seed == 1 ? 900 : ROWS;

    assert_non_null(table.rows);
    assert_non_null(table.sorted);
    made_put(&table.csv, header, strlen(header));
    for (size_t i = 0; i < ROWS; i++) {
        uint64_t dice = msim_mix64(seed << 32 | i);
        table.rows[i] = (struct row){.time = (int64_t)(i / 3 + dice % spread) - 1000,
                                     .price = (int64_t)(dice >> (dice % 64)) - 7,
                                     .volume = (int64_t)i,
                                     .ticker = tickers[dice >> 60 & 3]};
        /* A line feed wants quotes. */
        bool wants = table.rows[i].ticker && strchr(table.rows[i].ticker, '\n');
        put_csv_row(&table.csv, &table.rows[i], dice >> 30 | (wants ? 4 : 0));
        table.sorted[i] = (struct placed){table.rows[i], i};
    }
    table.parquet = made_trades(table.rows, ROWS, 9000, MSIM_PARQUET_CODEC_NONE);
    qsort(table.sorted, ROWS, sizeof *table.sorted, by_time_and_place);
    return table;
}

static void clear(struct table *table)
{
    free(table->rows);
    free(table->sorted);
    made_free(&table->parquet);
    made_free(&table->csv);
}

static void assert_gives(const struct table *table, struct msim_source *source)
{
    struct msim_record records[300];
    size_t given = 0, at = 0;
    int r;

    while ((r = made_pull(source, records, COUNT(records), &given, NULL)) == MSIM_PULL_RECORD) {
        assert_true(at + given <= ROWS);
        for (size_t i = 0; i < given; i++, at++) {
            const struct placed *placed = &table->sorted[at];
            assert_true(records[i].time == placed->row.time);
            assert_true(records[i].as.trade.row == placed->place);
            assert_true(records[i].as.trade.price == placed->row.price);
            assert_true(records[i].as.trade.quantity == placed->row.volume);
            assert_int_equal(records[i].price_exponent, 0);
            assert_int_equal(records[i].flags, placed->row.ticker ? 0 : MSIM_RECORD_NO_SYMBOL);
            if (placed->row.ticker)
                assert_string_equal(msim_source_symbol(source, records[i].symbol, NULL),
                                    placed->row.ticker);
        }
    }
    assert_int_equal(r, MSIM_PULL_END);
    assert_int_equal(at, ROWS);
    msim_source_release(source);
}

static int open_as(struct msim_parquet **parquet, const struct made *made, const char *name,
                   uint64_t memory, struct disk *disk, struct msim_detail *detail)
{
    const struct msim_parquet_bytes bytes = {
        .bytes = made->bytes, .length = made->length, .name = name};
    const struct temporary temporary = {.ops = disk ? &disk_ops : NULL, .self = disk};
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;

    params.memory_bytes = memory;
    params.timestamp_unit = 1;
    return msim_parquet_open_spilling(parquet, &params, &bytes, 1, temporary, detail);
}

static void assert_reads(const struct table *table, const struct made *made, const char *name,
                         uint64_t memory, struct disk *disk)
{
    struct msim_parquet *parquet = NULL;
    struct msim_detail detail = {{0}};
    struct msim_source source;

    if (open_as(&parquet, made, name, memory, disk, &detail) < 0)
        fail_msg("%s", detail.text);
    assert_int_equal(msim_parquet_source(&source, parquet, NULL, NULL), MSIM_OK);
    assert_gives(table, &source);
    msim_parquet_close(&parquet);
}

static void csv_gives_what_parquet_gives(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct table table = make(seed);
        assert_reads(&table, &table.parquet, "a.parquet", 64 << 20, NULL);
        assert_reads(&table, &table.csv, "a.csv", 64 << 20, NULL);
        clear(&table);
    }
}

static void csv_that_does_not_fit_in_memory_is_kept_on_the_disk(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct table table = make(seed);
        struct disk disk = {0};
        assert_reads(&table, &table.csv, "a.csv", 5 << 20, &disk);
        assert_true(disk.created > 0);
        assert_int_equal(disk.open, 0);
        clear(&table);
    }
}

static void without_a_disk_csv_is_refused_with_the_remedy(void **state)
{
    struct table table = make(2);
    struct msim_parquet *parquet = NULL;
    struct msim_detail detail = {{0}};

    (void)state;
    assert_int_equal(open_as(&parquet, &table.csv, "a.csv", 3 << 20, NULL, &detail),
                     MSIM_ERR_LIMIT);
    assert_non_null(strstr(detail.text, "raise memory (--memory)"));
    clear(&table);
}

/* Opens it and reads it to its end. */
static int read_with(const struct table *table, struct disk *disk, struct msim_detail *detail)
{
    struct msim_parquet *parquet = NULL;
    struct msim_source source;
    struct msim_record records[300];
    size_t given = 0;

    int r = open_as(&parquet, &table->csv, "a.csv", 5 << 20, disk, detail);
    if (r < 0)
        return r;
    assert_int_equal(msim_parquet_source(&source, parquet, NULL, NULL), MSIM_OK);
    while ((r = made_pull(&source, records, COUNT(records), &given, detail)) == MSIM_PULL_RECORD)
        ;
    msim_source_release(&source);
    msim_parquet_close(&parquet);
    return r;
}

static void a_disk_that_fails_under_csv_is_told_and_cleared_up(void **state)
{
    struct table table = make(0);
    struct disk disk = {0};
    struct msim_detail detail = {{0}};

    (void)state;
    assert_int_equal(read_with(&table, &disk, &detail), MSIM_PULL_END);
    assert_true(disk.writes > 3 && disk.reads > 30);
    const struct disk counted = disk;
    for (size_t i = 1; i <= counted.writes; i++) {
        disk = (struct disk){.failing_write = i};
        detail = (struct msim_detail){{0}};
        assert_int_equal(read_with(&table, &disk, &detail), MSIM_ERR_IO);
        assert_non_null(strstr(detail.text, "no space left"));
        assert_int_equal(disk.open, 0);
    }
    for (size_t i = 1; i <= counted.reads; i += 7) {
        disk = (struct disk){.failing_read = i};
        assert_int_equal(read_with(&table, &disk, &detail), MSIM_ERR_IO);
        assert_int_equal(disk.open, 0);
        disk = (struct disk){.spoilt_read = i};
        assert_true(read_with(&table, &disk, &detail) < 0);
        assert_int_equal(disk.open, 0);
    }
    clear(&table);
}

/* ---- as an Arrow stream ---- */

#define BATCH_ROWS 6999

struct batch {
    struct ArrowArray arrays[COLUMNS];
    struct ArrowArray *children[COLUMNS];
    const void *buffers[COLUMNS][3];
    const void *none[1];
    int64_t numbers[3][BATCH_ROWS];
    uint8_t present[BATCH_ROWS / 8 + 1];
    int32_t offsets[BATCH_ROWS + 1];
    char texts[BATCH_ROWS * 8];
};

struct stream {
    const struct table *table;
    size_t next;
};

static const char *const formats[COLUMNS] = {
    [TIMESTAMP] = "tsn:UTC", [PRICE] = "l", [VOLUME] = "l", [TICKER] = "u"};
static const char *const names[COLUMNS] = {
    [TIMESTAMP] = "timestamp", [PRICE] = "price", [VOLUME] = "volume", [TICKER] = "ticker"};

static void release_schema(struct ArrowSchema *schema)
{
    free(schema->children[0]);
    free(schema->children);
    schema->release = NULL;
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    struct ArrowSchema *columns = calloc(COLUMNS, sizeof *columns);

    (void)stream;
    assert_non_null(columns);
    *out = (struct ArrowSchema){.format = "+s", .n_children = COLUMNS, .release = release_schema};
    out->children = calloc(COLUMNS, sizeof *out->children);
    assert_non_null(out->children);
    for (size_t i = 0; i < COLUMNS; i++) {
        columns[i] = (struct ArrowSchema){.format = formats[i], .name = names[i]};
        out->children[i] = &columns[i];
    }
    return 0;
}

static void release_batch(struct ArrowArray *array)
{
    free(array->private_data);
    array->release = NULL;
}

static void fill(struct batch *batch, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *ticker = rows[i].ticker ? rows[i].ticker : "";
        size_t length = strlen(ticker);
        batch->numbers[TIMESTAMP][i] = rows[i].time;
        batch->numbers[PRICE][i] = rows[i].price;
        batch->numbers[VOLUME][i] = rows[i].volume;
        if (rows[i].ticker)
            batch->present[i / 8] |= (uint8_t)(1U << i % 8);
        memcpy(batch->texts + batch->offsets[i], ticker, length);
        batch->offsets[i + 1] = batch->offsets[i] + (int32_t)length;
    }
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    struct stream *own = stream->private_data;
    size_t count = ROWS - own->next < BATCH_ROWS ? ROWS - own->next : BATCH_ROWS;

    *out = (struct ArrowArray){0};
    if (count == 0)
        return 0;
    struct batch *batch = calloc(1, sizeof *batch);
    assert_non_null(batch);
    fill(batch, own->table->rows + own->next, count);
    own->next += count;
    for (size_t i = 0; i < COLUMNS; i++) {
        bool text = i == TICKER;
        batch->buffers[i][0] = text ? batch->present : NULL;
        batch->buffers[i][1] = text ? (const void *)batch->offsets : batch->numbers[i];
        batch->buffers[i][2] = batch->texts;
        batch->arrays[i] = (struct ArrowArray){.length = (int64_t)count,
                                               .null_count = text ? -1 : 0,
                                               .n_buffers = text ? 3 : 2,
                                               .buffers = batch->buffers[i]};
        batch->children[i] = &batch->arrays[i];
    }
    *out = (struct ArrowArray){.length = (int64_t)count,
                               .n_buffers = 1,
                               .n_children = COLUMNS,
                               .buffers = batch->none,
                               .children = batch->children,
                               .release = release_batch,
                               .private_data = batch};
    return 0;
}

static void release_stream(struct ArrowArrayStream *stream)
{
    stream->release = NULL;
}

static void an_arrow_stream_gives_what_parquet_gives(void **state)
{
    struct msim_source_arrow_params params = MSIM_SOURCE_ARROW_PARAMS_INIT;

    (void)state;
    params.sort = true;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct table table = make(seed);
        struct stream own = {.table = &table};
        struct ArrowArrayStream stream = {.get_schema = get_schema,
                                          .get_next = get_next,
                                          .release = release_stream,
                                          .private_data = &own};
        struct msim_source source;
        params.sort = seed > 0; /* the first one is in order */
        assert_int_equal(msim_source_from_arrow(&source, &stream, &params, NULL), MSIM_OK);
        assert_null(stream.release);
        assert_gives(&table, &source);
        clear(&table);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_gives_what_parquet_gives),
        cmocka_unit_test(csv_that_does_not_fit_in_memory_is_kept_on_the_disk),
        cmocka_unit_test(without_a_disk_csv_is_refused_with_the_remedy),
        cmocka_unit_test(a_disk_that_fails_under_csv_is_told_and_cleared_up),
        cmocka_unit_test(an_arrow_stream_gives_what_parquet_gives),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
