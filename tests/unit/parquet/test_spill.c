#include "disk.h"
#include "made.h"

#include <math.h>
#include <stdio.h>

#include "base/random.h"
#include "parquet/block.h"
#include "parquet/tree.h"

#define ROWS 40000
#define FILES 2

/* ---- rows in no order ---- */

struct placed {
    struct row row;
    uint64_t place;
};

struct bench {
    struct disk disk;
    struct made files[FILES];
    struct msim_parquet_bytes bytes[FILES];
    struct placed *sorted;
    size_t count;
};

static int by_time_and_place(const void *a, const void *b)
{
    const struct placed *x = a;
    const struct placed *y = b;

    if (x->row.time != y->row.time)
        return x->row.time < y->row.time ? -1 : 1;
    return x->place < y->place ? -1 : 1;
}

static struct bench *make(size_t count)
{
    static const char *const tickers[] = {"BTC", "ETH", "SOL", NULL};
    struct bench *bench = calloc(1, sizeof *bench);
    struct row *rows = calloc(count, sizeof *rows);

    assert_non_null(bench);
    assert_non_null(rows);
    bench->sorted = calloc(FILES * count, sizeof *bench->sorted);
    assert_non_null(bench->sorted);
    for (size_t file = 0; file < FILES; file++) {
        for (size_t i = 0; i < count; i++) {
            uint64_t dice = msim_mix64(file << 32 | i);
            rows[i] = (struct row){.time = (int64_t)(dice % (count / 2)) - 1000,
                                   .price = (int64_t)(dice >> (dice % 64)) - 7,
                                   .volume = (int64_t)i,
                                   .ticker = tickers[dice >> 60 & 3]};
            bench->sorted[bench->count] = (struct placed){rows[i], bench->count};
            bench->count++;
        }
        bench->files[file] = made_trades(rows, count, 10000, MSIM_PARQUET_CODEC_NONE);
        bench->bytes[file] = (struct msim_parquet_bytes){.bytes = bench->files[file].bytes,
                                                         .length = bench->files[file].length};
    }
    free(rows);
    qsort(bench->sorted, bench->count, sizeof *bench->sorted, by_time_and_place);
    return bench;
}

static int set_up(void **state)
{
    *state = make(ROWS);
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;

    for (size_t i = 0; i < FILES; i++)
        made_free(&bench->files[i]);
    free(bench->sorted);
    free(bench);
    return 0;
}

static int open_with(struct msim_parquet **out, struct bench *bench, uint64_t memory,
                     struct msim_detail *detail)
{
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;
    const struct temporary temporary = {.ops = &disk_ops, .self = &bench->disk};

    assert_int_equal(bench->disk.open, 0);
    params.memory_bytes = memory;
    return msim_parquet_open_spilling(out, &params, bench->bytes, FILES, temporary, detail);
}

static struct msim_parquet *must_open(struct bench *bench, uint64_t memory)
{
    struct msim_parquet *parquet = NULL;

    bench->disk = (struct disk){0};
    assert_int_equal(open_with(&parquet, bench, memory, NULL), MSIM_OK);
    return parquet;
}

static void assert_is_row(struct msim_source *source, const struct msim_record *record,
                          const struct placed *placed)
{
    assert_true(record->time == placed->row.time);
    assert_true(record->as.trade.row == placed->place);
    assert_true(record->as.trade.price == placed->row.price);
    assert_true(record->as.trade.quantity == placed->row.volume);
    assert_int_equal(record->flags, placed->row.ticker ? 0 : MSIM_RECORD_NO_SYMBOL);
    if (placed->row.ticker)
        assert_string_equal(msim_source_symbol(source, record->symbol, NULL), placed->row.ticker);
}

/* From row `at` of the order to the end. */
static void assert_gives_the_rest(struct bench *bench, struct msim_source *source, size_t at)
{
    struct msim_record records[700];
    size_t given = 0;
    int r;

    while ((r = made_pull(source, records, COUNT(records), &given, NULL)) == MSIM_PULL_RECORD) {
        assert_true(at + given <= bench->count);
        for (size_t i = 0; i < given; i++, at++)
            assert_is_row(source, &records[i], &bench->sorted[at]);
    }
    assert_int_equal(r, MSIM_PULL_END);
    assert_int_equal(at, bench->count);
}

/* ---- the order ---- */

static void any_memory_gives_the_same_order(void **state)
{
    struct bench *bench = *state;
    const uint64_t memories[] = {64 << 20, 3 << 20, 2 << 20, 1400 << 10};
    uint64_t created = 0;

    for (size_t i = 0; i < COUNT(memories); i++) {
        struct msim_parquet *parquet = must_open(bench, memories[i]);
        struct msim_parquet_info info;
        struct msim_source source;
        msim_parquet_info(parquet, &info);
        assert_int_equal(info.spilled_rows, i == 0 ? 0 : bench->count);
        assert_int_equal(msim_parquet_source(&source, parquet, NULL, NULL), MSIM_OK);
        assert_gives_the_rest(bench, &source, 0);
        uint64_t most = info.spilled_bytes;
        msim_parquet_info(parquet, &info);
        assert_true(i == 0 || (info.spilled_bytes > 0 && info.spilled_bytes <= most));
        assert_true(bench->disk.created >= created);
        created = bench->disk.created;
        msim_source_release(&source);
        msim_parquet_close(&parquet);
        assert_int_equal(bench->disk.open, 0);
    }
    /* The least of it does not suffice to merge all runs at once. */
    assert_true(created >= 3);
}

/* Each of the files is one row group, with larger pages than the one before it. */
static void pages_that_grow_from_group_to_group_leave_room_to_sort(void **state)
{
    enum { GROUPS = 24, STEP = 400 };
    struct made files[GROUPS];
    struct msim_parquet_bytes bytes[GROUPS];
    struct row *rows = calloc(GROUPS * STEP, sizeof *rows);
    size_t total = 0;

    (void)state;
    assert_non_null(rows);
    for (size_t group = 0; group < GROUPS; group++) {
        size_t count = (group + 1) * STEP;
        for (size_t i = 0; i < count; i++)
            rows[i] = (struct row){.time = (int64_t)(msim_mix64(group << 32 | i) % 100000),
                                   .ticker = "A"};
        files[group] = made_trades(rows, count, 0, MSIM_PARQUET_CODEC_NONE);
        bytes[group] =
            (struct msim_parquet_bytes){.bytes = files[group].bytes, .length = files[group].length};
        total += count;
    }
    for (uint64_t memory = 1536 << 10; memory < 4096 << 10; memory += 64 << 10) {
        struct disk disk = {0};
        const struct temporary temporary = {.ops = &disk_ops, .self = &disk};
        struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;
        struct msim_parquet *parquet = NULL;
        struct msim_detail detail = {{0}};
        params.memory_bytes = memory;
        int r = msim_parquet_open_spilling(&parquet, &params, bytes, GROUPS, temporary, &detail);
        if (r >= 0)
            r = msim_parquet_prepare(parquet, 0, &detail);
        if (r < 0)
            fail_msg("%zu rows in %llu bytes: %s", total, (unsigned long long)memory, detail.text);
        msim_parquet_close(&parquet);
    }
    for (size_t group = 0; group < GROUPS; group++)
        made_free(&files[group]);
    free(rows);
}

static void what_is_sorted_once_serves_all_sources(void **state)
{
    enum { SOURCES = 20 };
    struct bench *bench = *state;
    struct msim_parquet *parquet = must_open(bench, 3 << 20);
    struct msim_source sources[SOURCES];
    struct msim_record record;
    size_t given = 0;

    for (size_t i = 0; i < SOURCES; i++) {
        assert_int_equal(msim_parquet_source(&sources[i], parquet, NULL, NULL), MSIM_OK);
        for (size_t at = 0; at < 10 + i; at++) {
            assert_int_equal(made_pull(&sources[i], &record, 1, &given, NULL), MSIM_PULL_RECORD);
            assert_is_row(&sources[i], &record, &bench->sorted[at]);
        }
    }
    assert_int_equal(bench->disk.created, 2);
    assert_int_equal(bench->disk.open, 1);
    assert_gives_the_rest(bench, &sources[7], 17);
    for (size_t i = 0; i < SOURCES; i++)
        msim_source_release(&sources[i]);
    msim_parquet_close(&parquet);
    assert_int_equal(bench->disk.open, 0);
}

static void a_source_is_moved_within_what_was_sorted(void **state)
{
    struct bench *bench = *state;
    struct msim_parquet *parquet = must_open(bench, 2 << 20);
    struct msim_source source;
    struct msim_record record;
    size_t given = 0;

    assert_int_equal(msim_parquet_source(&source, parquet, NULL, NULL), MSIM_OK);
    for (uint64_t move = 0; move < 200; move++) {
        size_t at = msim_mix64(move) % bench->count;
        msim_time to = bench->sorted[at].row.time;
        while (at > 0 && bench->sorted[at - 1].row.time == to)
            at--;
        assert_int_equal(msim_parquet_source_seek(&source, to, NULL), MSIM_OK);
        for (size_t i = 0; i < 3 && at < bench->count; i++, at++) {
            assert_int_equal(made_pull(&source, &record, 1, &given, NULL), MSIM_PULL_RECORD);
            assert_is_row(&source, &record, &bench->sorted[at]);
        }
    }
    assert_int_equal(msim_parquet_source_seek(&source, ROWS, NULL), MSIM_OK);
    assert_int_equal(made_pull(&source, &record, 1, &given, NULL), MSIM_PULL_END);
    msim_source_release(&source);
    msim_parquet_close(&parquet);
}

static void preparing_is_done_in_pieces(void **state)
{
    struct bench *bench = *state;
    struct msim_parquet *parquet = must_open(bench, 2 << 20);
    struct msim_source source;
    size_t pieces = 1;

    for (; msim_parquet_prepare(parquet, 1000, NULL) == 0; pieces++)
        ;
    assert_true(pieces > bench->count / 2048);
    assert_int_equal(msim_parquet_prepare(parquet, 0, NULL), 1);
    size_t created = bench->disk.created;
    assert_int_equal(msim_parquet_source(&source, parquet, NULL, NULL), MSIM_OK);
    assert_gives_the_rest(bench, &source, 0);
    assert_int_equal(bench->disk.created, created);
    msim_source_release(&source);
    msim_parquet_close(&parquet);
    assert_int_equal(msim_parquet_prepare(NULL, 0, NULL), MSIM_ERR_INVALID);
}

static void an_end_in_the_middle_leaves_nothing_behind(void **state)
{
    struct bench *bench = *state;

    for (uint64_t pieces = 1; pieces < 40; pieces += 3) {
        struct msim_parquet *parquet = must_open(bench, 2 << 20);
        for (uint64_t i = 0; i < pieces; i++)
            assert_true(msim_parquet_prepare(parquet, 9000, NULL) >= 0);
        msim_parquet_close(&parquet);
        assert_int_equal(bench->disk.open, 0);
    }
}

/* ---- what goes wrong ---- */

static int prepare(struct bench *bench, struct disk disk, struct msim_detail *detail)
{
    struct msim_parquet *parquet = NULL;
    struct msim_detail again = {{0}};
    struct msim_source source;
    struct msim_record record;
    size_t given = 0;

    bench->disk = disk;
    assert_int_equal(open_with(&parquet, bench, 1600 << 10, detail), MSIM_OK);
    int r = msim_parquet_prepare(parquet, 0, detail);
    if (r < 0) {
        /* Whoever comes later is told the same. */
        assert_int_equal(msim_parquet_source(&source, parquet, NULL, NULL), MSIM_OK);
        assert_int_equal(made_pull(&source, &record, 1, &given, &again), r);
        assert_string_equal(again.text, detail->text);
        msim_source_release(&source);
    }
    msim_parquet_close(&parquet);
    assert_int_equal(bench->disk.open, 0);
    return r;
}

static void a_full_disk_at_any_write_is_told_and_cleared_up(void **state)
{
    struct bench *bench = *state;
    struct msim_detail detail = {{0}};

    assert_int_equal(prepare(bench, (struct disk){0}, &detail), 1);
    size_t writes = bench->disk.writes;
    assert_true(writes > 80);
    for (size_t i = 1; i <= writes; i += i < 3 || i + 2 > writes ? 1 : 53) {
        assert_int_equal(prepare(bench, (struct disk){.failing_write = i}, &detail), MSIM_ERR_IO);
        assert_string_equal(detail.text, "no space left");
    }
}

static void a_failing_read_at_any_place_is_told_and_cleared_up(void **state)
{
    struct bench *bench = *state;
    struct msim_detail detail = {{0}};

    assert_int_equal(prepare(bench, (struct disk){0}, &detail), 1);
    size_t reads = bench->disk.reads;
    assert_true(reads > 20);
    for (size_t i = 1; i <= reads; i += i < 3 || i + 2 > reads ? 1 : 43) {
        assert_int_equal(prepare(bench, (struct disk){.failing_read = i}, &detail), MSIM_ERR_IO);
        assert_string_equal(detail.text, "cannot be read");
        assert_int_equal(prepare(bench, (struct disk){.spoilt_read = i}, &detail), MSIM_ERR_IO);
        assert_non_null(strstr(detail.text, "the folder for temporary files: "));
        assert_non_null(strstr(detail.text, "came back changed"));
        assert_non_null(strstr(detail.text, "name another folder"));
    }
}

static void a_source_tells_what_it_cannot_read_of_the_sorted_run(void **state)
{
    struct bench *bench = *state;
    struct msim_parquet *parquet = must_open(bench, 2 << 20);
    struct msim_record records[512];
    struct msim_detail detail = {{0}};
    struct msim_source source;
    size_t given = 0, count = 0;
    int r;

    assert_int_equal(msim_parquet_prepare(parquet, 0, NULL), 1);
    bench->disk.failing_read = bench->disk.reads + 10;
    assert_int_equal(msim_parquet_source(&source, parquet, NULL, NULL), MSIM_OK);
    while ((r = made_pull(&source, records, 512, &given, &detail)) == MSIM_PULL_RECORD) {
        for (size_t i = 0; i < given; i++, count++)
            assert_is_row(&source, &records[i], &bench->sorted[count]);
    }
    assert_int_equal(r, MSIM_ERR_IO);
    assert_true(count > 0 && count < bench->count);
    msim_source_release(&source);
    msim_parquet_close(&parquet);
}

static void too_little_memory_is_refused_with_what_it_takes(void **state)
{
    struct bench *bench = *state;
    struct msim_parquet *parquet = NULL;
    struct msim_detail detail = {{0}};

    bench->disk = (struct disk){0};
    int r = open_with(&parquet, bench, 600 << 10, &detail);
    if (r >= 0)
        r = msim_parquet_prepare(parquet, 0, &detail);
    msim_parquet_close(&parquet);
    assert_int_equal(r, MSIM_ERR_LIMIT);
    assert_non_null(strstr(detail.text, "raise memory (--memory)"));
    assert_non_null(strstr(detail.text, "needs 2 MiB at least, and 0 MiB"));
    /* Where the largest page stands. */
    assert_non_null(strstr(detail.text, "memory-"));
    assert_non_null(strstr(detail.text, "row group "));
    assert_non_null(strstr(detail.text, "page "));
}

/* Rows in no order, two of whose prices are no numbers. */
static struct made make_bad(size_t count)
{
    const struct msim_parquet_column columns[COLUMNS] = {
        [TIMESTAMP] = {.name = "timestamp", .type = MSIM_PARQUET_TIMESTAMP_NS},
        [PRICE] = {.name = "price", .type = MSIM_PARQUET_DOUBLE},
        [VOLUME] = {.name = "volume", .type = MSIM_PARQUET_INT64},
        [TICKER] = {.name = "ticker", .type = MSIM_PARQUET_STRING},
    };
    struct made made = {0};
    struct msim_parquet_writer *writer =
        made_begin(&made, columns, COLUMNS, count / 3, MSIM_PARQUET_CODEC_NONE);

    for (size_t i = 0; i < count; i++) {
        const struct msim_parquet_value values[COLUMNS] = {
            [TIMESTAMP] = {.integer = (int64_t)(msim_mix64(i) % 5000)},
            [PRICE] = {.number = i % (count / 2) == 77 ? (double)NAN : 1.5},
            [TICKER] = {.text = "A", .text_length = 1},
        };
        assert_int_equal(msim_parquet_writer_row(writer, values, NULL), MSIM_OK);
    }
    made_end(writer);
    return made;
}

static void a_bad_row_is_refused_or_left_out_as_in_memory(void **state)
{
    enum { COUNT_ALL = 60000 };
    struct disk disk = {0};
    const struct temporary temporary = {.ops = &disk_ops, .self = &disk};
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;
    struct msim_detail detail = {{0}};

    (void)state;
    struct made made = make_bad(COUNT_ALL);
    const struct msim_parquet_bytes bytes = {.bytes = made.bytes, .length = made.length};
    params.memory_bytes = 3 << 20;
    for (int lenient = 0; lenient < 2; lenient++) {
        struct msim_parquet *parquet = NULL;
        struct msim_source source;
        struct msim_record records[256];
        size_t given = 0, count = 0;
        int r;
        params.skip_bad_rows = lenient;
        assert_int_equal(
            msim_parquet_open_spilling(&parquet, &params, &bytes, 1, temporary, &detail), MSIM_OK);
        assert_int_equal(msim_parquet_source(&source, parquet, NULL, NULL), MSIM_OK);
        while ((r = made_pull(&source, records, 256, &given, &detail)) == MSIM_PULL_RECORD)
            count += given;
        assert_int_equal(r, lenient ? (int)MSIM_PULL_END : (int)MSIM_ERR_OVERFLOW);
        assert_int_equal(count, lenient ? COUNT_ALL - 2 : 0);
        assert_int_equal(msim_parquet_bad_rows(&source), lenient ? 2 : 0);
        assert_true(lenient || strstr(detail.text, "row 77 (77 of the file): the value is NaN"));
        msim_source_release(&source);
        msim_parquet_close(&parquet);
        assert_int_equal(disk.open, 0);
    }
    made_free(&made);
}

static void only_what_overlaps_is_sorted_on_disk(void **state)
{
    enum { EACH = 30000 };
    struct row *rows = calloc(3 * EACH, sizeof *rows);
    struct disk disk = {0};
    const struct temporary temporary = {.ops = &disk_ops, .self = &disk};
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;
    struct msim_parquet_planned planned;
    struct msim_parquet *parquet = NULL;
    struct msim_source source;
    struct msim_record record;
    struct msim_detail detail = {{0}};
    size_t given = 0, count = 0;
    msim_time last = INT64_MIN;

    (void)state;
    assert_non_null(rows);
    for (size_t i = 0; i < 3 * EACH; i++) {
        bool middle = i / EACH == 1;
        int64_t time = middle ? EACH + (int64_t)(msim_mix64(i) % EACH) : (int64_t)i;
        rows[i] = (struct row){.time = time, .volume = (int64_t)i, .ticker = "A"};
    }
    struct made made = made_trades(rows, 3 * EACH, EACH / 3, MSIM_PARQUET_CODEC_NONE);
    const struct msim_parquet_bytes bytes = {.bytes = made.bytes, .length = made.length};
    params.memory_bytes = 2200 << 10;
    assert_int_equal(msim_parquet_open_spilling(&parquet, &params, &bytes, 1, temporary, &detail),
                     MSIM_OK);
    for (size_t i = 0; i < 9; i++) {
        assert_int_equal(msim_parquet_planned(parquet, i, &planned), MSIM_OK);
        assert_int_equal(planned.is_spilled, i / 3 == 1);
    }
    assert_int_equal(msim_parquet_source(&source, parquet, NULL, NULL), MSIM_OK);
    for (; made_pull(&source, &record, 1, &given, NULL) == MSIM_PULL_RECORD; count++) {
        assert_true(record.time >= last);
        last = record.time;
    }
    assert_int_equal(count, 3 * EACH);
    msim_source_release(&source);
    msim_parquet_close(&parquet);
    made_free(&made);
    free(rows);
}

/* ---- blocks and the tournament ---- */

/* ---- sources in many places ---- */

#define PLACES 8
#define PLACE_ROWS 20000

static int64_t time_at(size_t place, size_t at)
{
    return (int64_t)(place * PLACE_ROWS + at) * 1000;
}

/* Row groups behind one another, each backwards. */
static struct made make_backwards(void)
{
    struct row *rows = calloc(PLACES * PLACE_ROWS, sizeof *rows);

    assert_non_null(rows);
    for (size_t place = 0; place < PLACES; place++)
        for (size_t i = 0; i < PLACE_ROWS; i++)
            rows[place * PLACE_ROWS + i] = (struct row){.time = time_at(place, PLACE_ROWS - 1 - i),
                                                        .price = (int64_t)i,
                                                        .volume = 1,
                                                        .ticker = "A"};
    struct made made = made_trades(rows, PLACES * PLACE_ROWS, PLACE_ROWS, MSIM_PARQUET_CODEC_NONE);
    free(rows);
    return made;
}

static void pull_of_place(struct msim_source *source, size_t place, size_t *at)
{
    struct msim_record records[500];
    struct msim_detail detail = {{0}};
    size_t count = 0;

    int r = made_pull(source, records, COUNT(records), &count, &detail);
    if (r != MSIM_PULL_RECORD)
        fail_msg("place %zu, trade %zu: %s", place, *at, detail.text);
    for (size_t i = 0; i < count; i++, ++*at)
        assert_true(records[i].time == time_at(place, *at));
}

/* One of them fits in memory, and so the plan sorts nothing on disk; all together do not. */
static void sources_in_many_places_stay_within_the_memory_of_few(void **state)
{
    struct disk disk = {0};
    struct made made = make_backwards();
    const struct msim_parquet_bytes bytes = {.bytes = made.bytes, .length = made.length};
    const struct temporary temporary = {.ops = &disk_ops, .self = &disk};
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;
    struct msim_parquet *parquet = NULL;
    struct msim_source sources[2 * PLACES] = {{0}};
    size_t at[2 * PLACES] = {0};

    (void)state;
    params.memory_bytes = 26 << 20;
    params.sources = 2 * PLACES;
    assert_int_equal(msim_parquet_open_spilling(&parquet, &params, &bytes, 1, temporary, NULL),
                     MSIM_OK);
    assert_int_equal(parquet->spill_count, 0);
    parquet->budget.limit = 6 << 20;
    for (size_t i = 0; i < COUNT(sources); i++) {
        struct msim_parquet_source_params part = MSIM_PARQUET_SOURCE_PARAMS_INIT;
        part.has_from = part.has_to = true;
        part.from = time_at(i / 2, 0);
        part.to = time_at(i / 2 + 1, 0);
        assert_int_equal(msim_parquet_source(&sources[i], parquet, &part, NULL), MSIM_OK);
    }
    for (size_t round = 0; round < PLACE_ROWS / 500; round++)
        for (size_t i = 0; i < COUNT(sources); i++)
            if (at[i] < PLACE_ROWS)
                pull_of_place(&sources[i], i / 2, &at[i]);
    for (size_t i = 0; i < COUNT(sources); i++)
        while (at[i] < PLACE_ROWS)
            pull_of_place(&sources[i], i / 2, &at[i]);
    /* Some were held, and each of the others was sorted once for both that are there. */
    assert_in_range(disk.created, 1, 2 * PLACES);
    for (size_t i = 0; i < COUNT(sources); i++)
        msim_source_release(&sources[i]);
    msim_parquet_close(&parquet);
    assert_int_equal(disk.open, 0);
    made_free(&made);
}

static void a_block_gives_back_every_trade(void **state)
{
    static unsigned char bytes[MSIM_BLOCK_ROOM];
    static struct trade trades[MSIM_BLOCK_TRADES], back[MSIM_BLOCK_TRADES];

    (void)state;
    for (uint64_t seed = 0; seed < 300; seed++) {
        size_t count = 1 + msim_mix64(seed) % (seed % 3 ? 20 : MSIM_BLOCK_TRADES);
        unsigned narrow = (unsigned)(msim_mix64(seed + 1000) % 64);
        for (size_t i = 0; i < count; i++) {
            uint64_t dice = msim_mix64(seed << 32 | i);
            trades[i] = (struct trade){.time = (int64_t)(dice >> narrow) - (int64_t)seed,
                                       .price = (int64_t)msim_mix64(dice) >> narrow,
                                       .quantity = (int64_t)(dice >> narrow),
                                       .row = msim_mix64(dice + 1) >> narrow,
                                       .name = (uint32_t)(dice >> narrow),
                                       .flags = (uint8_t)(dice >> 7 & 0x0F),
                                       .price_exponent = (int8_t) - (int)(dice % 19),
                                       .quantity_exponent = (int8_t)(seed % 2 ? -3 : 0)};
        }
        if (seed % 7 == 0) {
            trades[0].time = INT64_MIN + 1;
            trades[count - 1].price = INT64_MAX;
            trades[count / 2].price = INT64_MIN;
            trades[count / 2].row = UINT64_MAX;
        }
        size_t length = msim_block_encode(trades, count, bytes);
        assert_true(length <= MSIM_BLOCK_BYTES);
        assert_int_equal(msim_block_length(bytes), length);
        assert_int_equal(msim_block_decode(bytes, back), count);
        assert_memory_equal(back, trades, count * sizeof *trades);
        size_t bit = msim_mix64(seed + 5) % (length * 8);
        bytes[bit / 8] ^= (unsigned char)(1U << bit % 8);
        assert_int_equal(msim_block_decode(bytes, back), 0);
    }
}

static void a_tournament_gives_the_keys_in_order(void **state)
{
    (void)state;
    for (uint32_t inputs = 1; inputs <= 40; inputs++) {
        struct tree_key keys[64];
        uint32_t losers[128];
        int64_t at[64] = {0};
        struct tree tree = {.keys = keys, .losers = losers, .leaves = msim_tree_leaves(inputs)};
        struct tree_key last = {INT64_MIN, 0};
        size_t given = 0;
        for (uint32_t i = 0; i < tree.leaves; i++)
            keys[i] =
                i < inputs ? (struct tree_key){(int64_t)(msim_mix64(i) % 5), i} : MSIM_TREE_ENDED;
        msim_tree_build(&tree);
        for (;; given++) {
            uint32_t first = msim_tree_first(&tree);
            if (keys[first].row == UINT64_MAX)
                break;
            assert_true(given == 0 || msim_tree_before(last, keys[first]));
            last = keys[first];
            if (++at[first] == 20)
                keys[first] = MSIM_TREE_ENDED;
            else
                keys[first] = (struct tree_key){last.time + (int64_t)(msim_mix64(given) % 3),
                                                (uint64_t)at[first] * 64 + first};
            msim_tree_replay(&tree);
        }
        assert_int_equal(given, inputs * 20);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_memory_gives_the_same_order),
        cmocka_unit_test(pages_that_grow_from_group_to_group_leave_room_to_sort),
        cmocka_unit_test(what_is_sorted_once_serves_all_sources),
        cmocka_unit_test(a_source_is_moved_within_what_was_sorted),
        cmocka_unit_test(preparing_is_done_in_pieces),
        cmocka_unit_test(an_end_in_the_middle_leaves_nothing_behind),
        cmocka_unit_test(a_full_disk_at_any_write_is_told_and_cleared_up),
        cmocka_unit_test(a_failing_read_at_any_place_is_told_and_cleared_up),
        cmocka_unit_test(a_source_tells_what_it_cannot_read_of_the_sorted_run),
        cmocka_unit_test(too_little_memory_is_refused_with_what_it_takes),
        cmocka_unit_test(a_bad_row_is_refused_or_left_out_as_in_memory),
        cmocka_unit_test(only_what_overlaps_is_sorted_on_disk),
        cmocka_unit_test(sources_in_many_places_stay_within_the_memory_of_few),
        cmocka_unit_test(a_block_gives_back_every_trade),
        cmocka_unit_test(a_tournament_gives_the_keys_in_order),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
