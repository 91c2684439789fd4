#include "parquet/run.h"

#include <string.h>

#include "base/mem.h"
#include "parquet/order.h"
#include "parquet/scan.h"

/* Up to so many rows all times of a group are kept from the first pass; above, there are two. */
#define KEPT_ROWS ((uint64_t)1 << 20)

static const struct trade_file *file_of(const struct run *run)
{
    const struct msim_parquet *parquet = run->context->parquet;

    return &parquet->files[parquet->zones[run->rank].file];
}

static size_t group_of(const struct run *run)
{
    return run->context->parquet->zones[run->rank].group;
}

static uint64_t first_row_of(const struct run *run)
{
    const struct trade_file *trades = file_of(run);

    return trades->first_row + (uint64_t)trades->footer.groups[group_of(run)].first_row;
}

static int out_of_memory(const struct run *run, struct msim_detail *detail)
{
    struct place place = {
        .file = file_of(run)->file.path, .group = (int64_t)group_of(run), .page = -1};

    return msim_place_fail(&place, detail, MSIM_ERR_NOMEM, "no memory for its rows");
}

/* ---- room ---- */

static int make_room(struct run *run, size_t places)
{
    const struct msim_allocator *allocator = &run->context->reader.allocator;

    run->places = places;
    run->prices = msim_mem_take_array(allocator, places, sizeof *run->prices);
    run->volumes = msim_mem_take_array(allocator, places, sizeof *run->volumes);
    run->names = msim_mem_take_array(allocator, places, sizeof *run->names);
    run->flags = msim_mem_take(allocator, places);
    run->places_in_order = msim_mem_take_array(allocator, places, sizeof *run->places_in_order);
    if (run->price.varies)
        run->price_exponents = msim_mem_take(allocator, places);
    if (run->volume.varies)
        run->volume_exponents = msim_mem_take(allocator, places);
    bool all = run->prices && run->volumes && run->names && run->flags && run->places_in_order &&
               (run->price_exponents || !run->price.varies) &&
               (run->volume_exponents || !run->volume.varies);
    return all ? MSIM_OK : MSIM_ERR_NOMEM;
}

static int keep_times(struct run *run, size_t count)
{
    run->kept = msim_mem_take_array(&run->context->reader.allocator, count, sizeof *run->kept);
    if (!run->kept)
        return MSIM_ERR_NOMEM;
    run->kept_count = count;
    return MSIM_OK;
}

static void drop_times(struct run *run)
{
    msim_mem_free(&run->context->reader.allocator, run->kept, run->kept_count * sizeof *run->kept);
    run->kept = NULL;
    run->kept_count = 0;
}

/* ---- columns ---- */

static void close_columns(struct run *run)
{
    msim_column_close(&run->time_column);
    msim_numbers_close(&run->price);
    msim_numbers_close(&run->volume);
    msim_name_column_close(&run->ticker);
}

static int open_columns(struct run *run, struct msim_detail *detail)
{
    const struct trade_file *trades = file_of(run);
    struct msim_reader *reader = &run->context->reader;
    size_t group = group_of(run);

    int r = msim_numbers_open(&run->price, reader, &trades->file, &trades->footer, group,
                              trades->leaves[FIELD_PRICE], MSIM_RECORD_NO_PRICE, detail);
    if (r < 0)
        return r;
    r = msim_numbers_open(&run->volume, reader, &trades->file, &trades->footer, group,
                          trades->leaves[FIELD_VOLUME], MSIM_RECORD_NO_QUANTITY, detail);
    if (r < 0)
        return r;
    r = msim_name_column_open(&run->ticker, &run->context->names, reader, &trades->file,
                              &trades->footer, group, trades->leaves[FIELD_TICKER], detail);
    if (r < 0)
        return r;
    run->price_exponent = run->price.exponent;
    run->volume_exponent = run->volume.exponent;
    return MSIM_OK;
}

/* Prices, volumes and names of `count` rows from run->row on, to the places from `to` on. */
static int read_rows(struct run *run, size_t to, size_t count, struct bad_row *bad,
                     struct msim_detail *detail)
{
    uint8_t *flags = run->flags + to;

    int r = msim_numbers_read(&run->price, count, run->row, run->prices + to,
                              run->price_exponents ? run->price_exponents + to : NULL, flags, bad,
                              detail);
    if (r < 0)
        return r;
    r = msim_numbers_read(&run->volume, count, run->row, run->volumes + to,
                          run->volume_exponents ? run->volume_exponents + to : NULL, flags, bad,
                          detail);
    if (r < 0)
        return r;
    r = msim_name_column_read(&run->ticker, count, run->row, run->names + to, flags, bad, detail);
    if (r < 0)
        return r;
    run->row += count;
    return MSIM_OK;
}

static int refuse(const struct run *run, const struct bad_row *bad, struct msim_detail *detail)
{
    const struct zone *zone = &run->context->parquet->zones[run->rank];

    return msim_scan_refuse(run->context->parquet, zone->file, zone->group, bad, detail);
}

/* ---- a group that is held whole ---- */

static size_t first_from(const struct run *run)
{
    size_t low = 0, high = run->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (run->kept[run->places_in_order[middle]] < run->context->from)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int hold_rows(struct run *run, struct msim_detail *detail)
{
    struct bad_row bad = {0};

    while (run->row < run->rows) {
        uint64_t left = run->rows - run->row;
        size_t count = left < MSIM_COLUMN_BATCH ? (size_t)left : MSIM_COLUMN_BATCH;
        int r = read_rows(run, (size_t)run->row, count, &bad, detail);
        if (r < 0)
            return r;
        if (bad.column && !run->context->parquet->skip_bad_rows)
            return refuse(run, &bad, detail);
    }
    return MSIM_OK;
}

static int hold(struct run *run, struct msim_detail *detail)
{
    const struct zone *zone = &run->context->parquet->zones[run->rank];
    const struct trade_file *trades = file_of(run);
    struct place place = {.file = trades->file.path, .group = zone->group, .page = -1};
    struct scan scan;

    if (run->rows > UINT32_MAX)
        return msim_place_fail(&place, detail, MSIM_ERR_LIMIT,
                               "more than 4294967295 rows that are not in order of time: write "
                               "the file with smaller row groups");
    drop_times(run);
    int r = make_room(run, (size_t)run->rows);
    if (r >= 0)
        r = keep_times(run, (size_t)run->rows);
    if (r < 0)
        return out_of_memory(run, detail);
    r = msim_scan(&scan, run->context->parquet, &run->context->reader, zone->file, zone->group,
                  run->context->from, run->kept, run->flags, detail);
    if (r < 0)
        return r;
    r = hold_rows(run, detail);
    if (r < 0)
        return r;
    close_columns(run);

    int64_t unit = trades->footer.leaves[trades->leaves[FIELD_TIMESTAMP]].nanoseconds;
    r = msim_order_rows(run->kept, run->flags, (size_t)run->rows, unit, run->places_in_order,
                        &run->count, &run->context->reader.allocator);
    if (r < 0)
        return out_of_memory(run, detail);
    run->context->bad_rows += run->rows - run->count;
    run->held = true;
    run->times = run->kept;
    run->order = run->places_in_order;
    run->first_row = first_row_of(run);
    run->at = first_from(run);
    return MSIM_OK;
}

/* ---- a group that streams ---- */

static int begin_stream(struct run *run, const struct scan *scan, struct msim_detail *detail)
{
    const struct trade_file *trades = file_of(run);

    if (make_room(run, MSIM_COLUMN_BATCH) < 0)
        return out_of_memory(run, detail);
    uint64_t pass = scan->early;
    int r = MSIM_OK;
    if (!run->kept_all) {
        if (keep_times(run, MSIM_COLUMN_BATCH) < 0)
            return out_of_memory(run, detail);
        r = msim_column_open(&run->time_column, &run->context->reader, &trades->file,
                             &trades->footer, group_of(run), trades->leaves[FIELD_TIMESTAMP],
                             detail);
        if (r >= 0)
            r = msim_column_pass(&run->time_column, pass, detail);
    }
    if (r >= 0)
        r = msim_column_pass(&run->price.column, pass, detail);
    if (r >= 0)
        r = msim_column_pass(&run->volume.column, pass, detail);
    if (r >= 0)
        r = msim_column_pass(&run->ticker.column, pass, detail);
    if (r < 0)
        return r;
    run->row = pass;
    return msim_run_fill(run, detail);
}

/* The times of the next batch: all were good in the first pass. */
static int stream_times(struct run *run, size_t *count, struct msim_detail *detail)
{
    uint64_t left = run->rows - run->row;
    struct bad_row bad = {0};

    *count = left < MSIM_COLUMN_BATCH ? (size_t)left : MSIM_COLUMN_BATCH;
    if (run->kept_all) {
        memset(run->flags, 0, *count);
        run->times = run->kept + run->row;
        return MSIM_OK;
    }
    int r = msim_times_read(&run->time_column, *count, run->row, run->kept, run->flags, count, &bad,
                            detail);
    if (r < 0)
        return r;
    if (bad.column)
        return refuse(run, &bad, detail);
    run->times = run->kept;
    return MSIM_OK;
}

/* Leaves out the bad rows of the batch. */
static void skip_bad(struct run *run, size_t count)
{
    size_t good = 0;

    for (size_t i = 0; i < count; i++) {
        run->places_in_order[good] = (uint32_t)i;
        good += !(run->flags[i] & ROW_BAD);
    }
    run->context->bad_rows += count - good;
    run->order = run->places_in_order;
    run->count = good;
}

static int next_batch(struct run *run, struct msim_detail *detail)
{
    struct bad_row bad = {0};
    size_t count;

    int r = stream_times(run, &count, detail);
    if (r < 0)
        return r;
    run->first_row = first_row_of(run) + run->row;
    r = read_rows(run, 0, count, &bad, detail);
    if (r < 0)
        return r;
    run->at = 0;
    run->count = count;
    run->order = NULL;
    if (!bad.column)
        return MSIM_OK;
    if (!run->context->parquet->skip_bad_rows)
        return refuse(run, &bad, detail);
    skip_bad(run, count);
    return MSIM_OK;
}

int msim_run_fill(struct run *run, struct msim_detail *detail)
{
    while (run->at == run->count) {
        if (run->held || run->row == run->rows)
            return 0;
        int r = next_batch(run, detail);
        if (r < 0)
            return r;
    }
    return 1;
}

/* ---- opening ---- */

static int prepare(struct run *run, struct msim_detail *detail)
{
    const struct zone *zone = &run->context->parquet->zones[run->rank];
    struct scan scan;

    run->rows = zone->rows;
    run->kept_all = run->rows <= KEPT_ROWS;
    if (run->kept_all && keep_times(run, (size_t)run->rows) < 0)
        return out_of_memory(run, detail);
    int r = msim_scan(&scan, run->context->parquet, &run->context->reader, zone->file, zone->group,
                      run->context->from, run->kept, NULL, detail);
    if (r < 0)
        return r;
    r = open_columns(run, detail);
    if (r < 0)
        return r;
    if (scan.sorted && scan.good == run->rows)
        return begin_stream(run, &scan, detail);
    return hold(run, detail);
}

int msim_run_open(struct run **out, struct run_context *context, uint32_t rank,
                  struct msim_detail *detail)
{
    struct run *run = msim_mem_zero(&context->reader.allocator, sizeof *run);
    if (!run)
        return MSIM_ERR_NOMEM;
    run->context = context;
    run->rank = rank;
    int r = prepare(run, detail);
    if (r < 0) {
        msim_run_close(&run);
        return r;
    }
    *out = run;
    return MSIM_OK;
}

void msim_run_close(struct run **pointer)
{
    struct run *run = *pointer;
    if (!run)
        return;
    const struct msim_allocator *allocator = &run->context->reader.allocator;
    close_columns(run);
    drop_times(run);
    msim_mem_free(allocator, run->prices, run->places * sizeof *run->prices);
    msim_mem_free(allocator, run->volumes, run->places * sizeof *run->volumes);
    msim_mem_free(allocator, run->names, run->places * sizeof *run->names);
    msim_mem_free(allocator, run->flags, run->places);
    msim_mem_free(allocator, run->places_in_order, run->places * sizeof *run->places_in_order);
    msim_mem_free(allocator, run->price_exponents, run->places);
    msim_mem_free(allocator, run->volume_exponents, run->places);
    msim_mem_free(allocator, run, sizeof *run);
    *pointer = NULL;
}
