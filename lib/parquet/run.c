#include "parquet/run.h"

#include <string.h>

#include "base/detail.h"
#include "base/mem.h"
#include "parquet/late.h"

static const struct msim_allocator *allocator_of(const struct run *run)
{
    return &run->context->reader.allocator;
}

static int out_of_memory(const struct run *run, struct msim_detail *detail)
{
    struct place place = msim_zone_place(run->context->parquet, run->rank);

    return msim_place_fail(&place, detail, MSIM_ERR_NOMEM, "no memory for its rows");
}

static int refuse(const struct run *run, const struct bad_row *bad, struct msim_detail *detail)
{
    const struct zone *zone = &run->context->parquet->zones[run->rank];

    return msim_scan_refuse(run->context->parquet, zone->file, zone->group, bad, detail);
}

static int keep_times(struct run *run, size_t count)
{
    if (count > SIZE_MAX / sizeof *run->kept)
        return MSIM_ERR_NOMEM;
    run->kept =
        msim_reader_take(&run->context->reader, count * sizeof *run->kept, &run->kept_bytes);
    return run->kept ? MSIM_OK : MSIM_ERR_NOMEM;
}

static void drop_times(struct run *run)
{
    msim_reader_give(&run->context->reader, run->kept, run->kept_bytes);
    run->kept = NULL;
    run->kept_bytes = 0;
}

/* ---- a group that is held whole ---- */

/* The first that is not earlier. */
static size_t first_from(const struct run *run, msim_time from)
{
    size_t low = 0, high = run->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (msim_run_time_at(run, middle) < from)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int begin_load(struct run *run, struct msim_detail *detail)
{
    struct msim_parquet *parquet = run->context->parquet;
    msim_time *times = NULL;
    size_t bytes = 0;

    parquet->zones[run->rank].is_unsorted = true;
    run->stage = RUN_LOADING;
    msim_scanner_close(&run->scanner);
    if (run->kept_all && run->scanner.found.good == run->row_count) {
        times = run->kept;
        bytes = run->kept_bytes;
        run->kept = NULL;
        run->kept_bytes = 0;
    }
    drop_times(run);
    if (msim_late_is_due(parquet, run->rank)) {
        msim_mem_free(allocator_of(run), times, bytes);
        run->stage = RUN_SPILLING;
        int r = msim_late_join(&run->late, parquet, run->rank, detail);
        run->spill = run->late;
        return r;
    }
    return msim_held_join(&run->held, parquet, run->rank, times, bytes, detail);
}

static int go_on_loading(struct run *run, int64_t *work, struct msim_detail *detail)
{
    int r = msim_held_work(run->held, run->context->parquet, run->rank, work, detail);
    if (r <= 0)
        return r;
    run->stage = RUN_HELD;
    run->trades = run->held->trades;
    run->columns = run->held->columns;
    run->times = run->held->times;
    run->order = run->held->order;
    run->first_row = msim_zone_first_row(run->context->parquet, run->rank);
    run->count = run->held->count;
    run->at = first_from(run, run->context->from);
    run->context->bad_rows += run->row_count - run->count;
    return 1;
}

/* ---- a group that streams ---- */

static int pass_early(struct run *run, struct msim_detail *detail)
{
    const struct scan *found = &run->scanner.found;
    int r = MSIM_OK;

    run->context->bad_rows += found->begin - found->early;
    if (!run->kept_all)
        r = msim_column_pass(&run->time_column, found->begin, detail);
    return r < 0 ? r : msim_group_pass(&run->group, found->begin, detail);
}

/* The first batch: 0 where there is more to do. */
static int go_on_streaming(struct run *run, int64_t *work, struct msim_detail *detail)
{
    int r = msim_run_fill(run, work, detail);
    if (r < 0)
        return r;
    return r != MSIM_RUN_AGAIN;
}

static int begin_stream(struct run *run, int64_t *work, struct msim_detail *detail)
{
    struct msim_parquet *parquet = run->context->parquet;
    const struct trade_file *trades = msim_zone_file(parquet, run->rank);

    msim_scanner_close(&run->scanner);
    run->stage = RUN_STREAMING;
    /* Which rows have no moment is not kept beside the times, and they are read again. */
    if (run->scanner.found.good < run->row_count) {
        drop_times(run);
        run->kept_all = false;
    }
    run->batch = msim_mem_take(allocator_of(run), sizeof *run->batch);
    run->good = msim_mem_take_array(allocator_of(run), MSIM_COLUMN_BATCH, sizeof *run->good);
    if (!run->batch || !run->good)
        return out_of_memory(run, detail);
    int r = msim_group_open(&run->group, parquet, &run->context->reader, run->rank, detail);
    if (r >= 0 && !run->kept_all) {
        if (keep_times(run, MSIM_COLUMN_BATCH) < 0)
            return out_of_memory(run, detail);
        r = msim_column_open(&run->time_column, &run->context->reader, &trades->file,
                             &trades->footer, parquet->zones[run->rank].group,
                             trades->leaves[FIELD_TIMESTAMP], detail);
    }
    run->columns = msim_group_columns(&run->group, run->batch);
    if (r >= 0)
        r = pass_early(run, detail);
    return r < 0 ? r : go_on_streaming(run, work, detail);
}

/* The times of the next batch: those that are kept were all good in the first pass. */
static int stream_times(struct run *run, size_t *count, struct bad_row *bad,
                        struct msim_detail *detail)
{
    uint64_t left = run->row_count - run->group.row;
    uint8_t *flags = run->batch->flags;

    *count = left < MSIM_COLUMN_BATCH ? (size_t)left : MSIM_COLUMN_BATCH;
    if (run->kept_all) {
        memset(flags, 0, *count);
        run->times = run->kept + run->group.row;
        return MSIM_OK;
    }
    run->times = run->kept;
    return msim_times_read(&run->time_column, *count, run->group.row, run->kept, flags, count, bad,
                           detail);
}

/* Leaves out the bad rows of the batch. */
static void skip_bad(struct run *run, size_t count)
{
    size_t good = 0;

    for (size_t i = 0; i < count; i++) {
        run->good[good] = (uint32_t)i;
        good += !(run->batch->flags[i] & ROW_BAD);
    }
    run->context->bad_rows += count - good;
    run->order = run->good;
    run->count = good;
}

static int next_batch(struct run *run, struct msim_detail *detail)
{
    struct msim_parquet *parquet = run->context->parquet;
    struct bad_row bad = {0};
    size_t count;

    int r = stream_times(run, &count, &bad, detail);
    if (r < 0)
        return r;
    run->first_row = msim_zone_first_row(parquet, run->rank) + run->group.row;
    r = msim_group_read(&run->group, count, &run->columns, 0, &bad, detail);
    if (r < 0)
        return r;
    run->at = 0;
    run->count = count;
    run->order = NULL;
    if (!bad.column)
        return MSIM_OK;
    if (!parquet->skip_bad_rows)
        return refuse(run, &bad, detail);
    skip_bad(run, count);
    return MSIM_OK;
}

/* ---- a sorted run ---- */

static int go_on_spilling(struct run *run, int64_t *work, struct msim_detail *detail)
{
    struct msim_parquet *parquet = run->context->parquet;

    int r = run->late ? msim_late_work(run->late, parquet, work, detail)
                      : msim_spill_work(run->spill, parquet, work, detail);
    if (r <= 0)
        return r;
    run->stage = RUN_SPILLED;
    run->context->bad_rows += msim_spill_bad_rows(run->spill);
    r = msim_spill_read(&run->spilled, run->spill, parquet, run->context->from, detail);
    if (r < 0)
        return r;
    run->trades = msim_spill_trades(run->spilled, &run->at, &run->count);
    return 1;
}

int msim_run_fill(struct run *run, int64_t *work, struct msim_detail *detail)
{
    while (run->at == run->count) {
        int r;
        if (run->stage == RUN_SPILLED) {
            r = msim_spill_next(run->spilled, detail);
            if (r <= 0)
                return r;
            run->trades = msim_spill_trades(run->spilled, &run->at, &run->count);
            continue;
        }
        if (run->stage == RUN_HELD || run->group.row == run->row_count)
            return 0;
        if (*work <= 0)
            return MSIM_RUN_AGAIN;
        uint64_t row = run->group.row;
        r = next_batch(run, detail);
        if (r < 0)
            return r;
        if (run->count == 0)
            *work -= (int64_t)(run->group.row - row);
    }
    return 1;
}

/* ---- giving ---- */

size_t msim_run_reached(const struct run *run, msim_time until, size_t most)
{
    size_t low = run->at;
    size_t high = run->count - low < most ? run->count : low + most;

    /* All of it, or few: look at both ends first. */
    if (msim_run_column_time(run, high - 1) <= until)
        return high - low;
    for (size_t step = 1; step < high - low; step *= 2) {
        if (msim_run_column_time(run, low + step) > until) {
            high = low + step;
            break;
        }
        low += step;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (msim_run_column_time(run, middle) <= until)
            low = middle + 1;
        else
            high = middle;
    }
    return low - run->at;
}

static void gather_exponents(int8_t *to, const int8_t **exponents, const uint32_t *order,
                             size_t count)
{
    const int8_t *from = *exponents;

    if (!from)
        return;
    for (size_t i = 0; i < count; i++)
        to[i] = from[order[i]];
    *exponents = to;
}

static void gather(struct run_rows *to, struct msim_rows *rows, const struct columns *columns,
                   const uint32_t *order, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t row = order[i];
        to->times[i] = rows->times[row];
        to->prices[i] = columns->prices[row];
        to->volumes[i] = columns->volumes[row];
        to->names[i] = columns->names[row];
        to->flags[i] = columns->flags[row];
    }
    rows->times = to->times;
    rows->prices = to->prices;
    rows->quantities = to->volumes;
    rows->flags = to->flags;
    rows->places = order;
    gather_exponents(to->price_exponents, &rows->price_exponents, order, count);
    gather_exponents(to->volume_exponents, &rows->quantity_exponents, order, count);
}

const uint32_t *msim_run_rows(const struct run *run, size_t count, struct run_rows *room,
                              struct msim_rows *rows)
{
    const struct columns *columns = &run->columns;
    size_t at = run->order ? 0 : run->at;

    *rows = (struct msim_rows){
        .times = run->times + at,
        .prices = columns->prices + at,
        .quantities = columns->volumes + at,
        .flags = columns->flags + at,
        .first_row = run->first_row + at,
        .price_exponents = columns->price_exponents ? columns->price_exponents + at : NULL,
        .quantity_exponents = columns->volume_exponents ? columns->volume_exponents + at : NULL,
        .price_exponent = columns->price_exponent,
        .quantity_exponent = columns->volume_exponent,
    };
    if (!run->order)
        return columns->names + at;
    gather(room, rows, columns, run->order + run->at, count);
    return room->names;
}

/* ---- opening ---- */

static int begin_scan(struct run *run, struct msim_detail *detail)
{
    struct msim_parquet *parquet = run->context->parquet;
    const struct zone *zone = &parquet->zones[run->rank];

    run->row_count = zone->rows;
    if (zone->is_unsorted)
        return begin_load(run, detail);
    run->kept_all = run->row_count <= MSIM_RUN_KEPT_ROWS;
    if (run->kept_all && keep_times(run, (size_t)run->row_count) < 0)
        return out_of_memory(run, detail);
    return msim_scanner_open(&run->scanner, parquet, &run->context->reader, zone->file, zone->group,
                             run->context->from, run->kept, NULL, detail);
}

int msim_run_work(struct run *run, int64_t *work, struct msim_detail *detail)
{
    for (;;) {
        int r = 1;
        switch (run->stage) {
        case RUN_SCANNING:
            r = msim_scanner_step(&run->scanner, work, detail);
            if (r <= 0)
                return r;
            /* Rows without a moment are passed over on the way. */
            if (run->scanner.found.sorted && run->scanner.found.good > 0)
                return begin_stream(run, work, detail);
            r = begin_load(run, detail);
            break;
        case RUN_LOADING:
            return go_on_loading(run, work, detail);
        case RUN_SPILLING:
            return go_on_spilling(run, work, detail);
        case RUN_STREAMING:
            return go_on_streaming(run, work, detail);
        case RUN_HELD:
        case RUN_SPILLED:
            return 1;
        }
        if (r < 0)
            return r;
    }
}

static struct run *make(struct run_context *context, uint32_t rank, struct msim_detail *detail)
{
    struct run *run = msim_mem_zero(&context->reader.allocator, sizeof *run);

    if (run) {
        run->context = context;
        run->rank = rank;
    } else {
        msim_detail_set(detail, MSIM_ERR_NOMEM, "%s", msim_result_text(MSIM_ERR_NOMEM));
    }
    return run;
}

int msim_run_open(struct run **out, struct run_context *context, uint32_t rank,
                  struct msim_detail *detail)
{
    struct run *run = make(context, rank, detail);
    if (!run)
        return MSIM_ERR_NOMEM;
    int r = begin_scan(run, detail);
    if (r < 0) {
        msim_run_close(&run);
        return r;
    }
    *out = run;
    return MSIM_OK;
}

int msim_run_open_spill(struct run **out, struct run_context *context, struct spill *spill,
                        struct msim_detail *detail)
{
    struct run *run = make(context, msim_spill_rank(spill), detail);
    if (!run)
        return MSIM_ERR_NOMEM;
    run->stage = RUN_SPILLING;
    run->spill = spill;
    *out = run;
    return MSIM_OK;
}

void msim_run_close(struct run **pointer)
{
    struct run *run = *pointer;
    if (!run)
        return;
    const struct msim_allocator *allocator = allocator_of(run);
    msim_scanner_close(&run->scanner);
    msim_column_close(&run->time_column);
    msim_group_close(&run->group);
    drop_times(run);
    msim_held_leave(&run->held, run->context->parquet, run->rank);
    msim_spill_leave(&run->spilled);
    msim_late_leave(&run->late, run->context->parquet);
    msim_mem_free(allocator, run->batch, sizeof *run->batch);
    msim_mem_free(allocator, run->good, MSIM_COLUMN_BATCH * sizeof *run->good);
    msim_mem_free(allocator, run, sizeof *run);
    *pointer = NULL;
}
