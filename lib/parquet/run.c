#include "parquet/run.h"

#include <string.h>

#include "base/detail.h"
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

static size_t bytes_of(const struct run *run, size_t places)
{
    size_t each = 2 * sizeof(int64_t) + 2 * sizeof(uint32_t) + sizeof(uint8_t);

    return places * (each + (size_t)run->price.varies + (size_t)run->volume.varies);
}

static void free_rows(struct run_rows **pointer, const struct msim_allocator *allocator)
{
    struct run_rows *rows = *pointer;
    size_t places = rows->places;

    msim_mem_free(allocator, rows->times, places * sizeof *rows->times);
    msim_mem_free(allocator, rows->prices, places * sizeof *rows->prices);
    msim_mem_free(allocator, rows->volumes, places * sizeof *rows->volumes);
    msim_mem_free(allocator, rows->names, places * sizeof *rows->names);
    msim_mem_free(allocator, rows->flags, places);
    msim_mem_free(allocator, rows->order, places * sizeof *rows->order);
    msim_mem_free(allocator, rows->price_exponents, places);
    msim_mem_free(allocator, rows->volume_exponents, places);
    msim_mem_free(allocator, rows, sizeof *rows);
    *pointer = NULL;
}

static int make_rows(struct run *run, size_t places, bool with_times)
{
    const struct msim_allocator *allocator = &run->context->reader.allocator;
    struct run_rows *rows = msim_mem_zero(allocator, sizeof *rows);

    if (!rows)
        return MSIM_ERR_NOMEM;
    run->rows = rows;
    rows->users = 1;
    rows->places = places;
    rows->prices = msim_mem_take_array(allocator, places, sizeof *rows->prices);
    rows->volumes = msim_mem_take_array(allocator, places, sizeof *rows->volumes);
    rows->names = msim_mem_take_array(allocator, places, sizeof *rows->names);
    rows->flags = msim_mem_take(allocator, places);
    rows->order = msim_mem_take_array(allocator, places, sizeof *rows->order);
    bool all = rows->prices && rows->volumes && rows->names && rows->flags && rows->order;
    if (with_times) {
        rows->times = msim_mem_take_array(allocator, places, sizeof *rows->times);
        all = all && rows->times;
    }
    if (run->price.varies) {
        rows->price_exponents = msim_mem_take(allocator, places);
        all = all && rows->price_exponents;
    }
    if (run->volume.varies) {
        rows->volume_exponents = msim_mem_take(allocator, places);
        all = all && rows->volume_exponents;
    }
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
    msim_scanner_close(&run->scanner);
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
    r = msim_name_column_open(&run->ticker, &run->context->parquet->names, reader, &trades->file,
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
    struct run_rows *rows = run->rows;
    uint8_t *flags = rows->flags + to;

    int r = msim_numbers_read(&run->price, count, run->row, rows->prices + to,
                              rows->price_exponents ? rows->price_exponents + to : NULL, flags, bad,
                              detail);
    if (r < 0)
        return r;
    r = msim_numbers_read(&run->volume, count, run->row, rows->volumes + to,
                          rows->volume_exponents ? rows->volume_exponents + to : NULL, flags, bad,
                          detail);
    if (r < 0)
        return r;
    r = msim_name_column_read(&run->ticker, count, run->row, rows->names + to, flags, bad, detail);
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
    const struct run_rows *rows = run->rows;
    size_t low = 0, high = rows->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (rows->times[rows->order[middle]] < run->context->from)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* What another cursor holds of this group, or this one has come to hold. */
static void use_held(struct run *run)
{
    close_columns(run);
    drop_times(run);
    run->stage = RUN_HELD;
    run->count = run->rows->count;
    run->times = run->rows->times;
    run->order = run->rows->order;
    run->first_row = first_row_of(run);
    run->at = first_from(run);
    run->context->bad_rows += run->row_count - run->rows->count;
}

/* ---- loading such a group ---- */

/* Works on rows that several runs wait for, with columns and buffers of its own. */
struct run_loader {
    struct run_context context;
    struct run run;
    bool has_times;
    int failure;
    struct msim_detail detail;
};

static void free_loader(struct run_rows *rows)
{
    struct run_loader *loader = rows->loader;

    if (!loader)
        return;
    rows->loader = NULL;
    const struct msim_allocator allocator = loader->context.reader.allocator;
    close_columns(&loader->run);
    msim_reader_finish(&loader->context.reader);
    msim_mem_free(&allocator, loader, sizeof *loader);
}

/* Nobody else is to find them. */
static void withdraw(const struct run *run)
{
    struct run_rows **shared = &run->context->parquet->held[run->rank];

    if (*shared == run->rows)
        *shared = NULL;
}

static void leave_rows(struct run *run)
{
    if (!run->rows || --run->rows->users > 0)
        return;
    withdraw(run);
    free_loader(run->rows);
    free_rows(&run->rows, &run->context->parquet->allocator);
}

static int check_room(const struct run *run, struct msim_detail *detail)
{
    const struct msim_budget *budget = &run->context->parquet->budget;
    struct place place = {
        .file = file_of(run)->file.path, .group = (int64_t)group_of(run), .page = -1};

    if (run->row_count > UINT32_MAX)
        return msim_place_fail(&place, detail, MSIM_ERR_LIMIT,
                               "more than %u rows that are not in order of time: write the file "
                               "with smaller row groups",
                               UINT32_MAX);
    size_t count = (size_t)run->row_count;
    /* Sorting takes two words for each row beside the rows and their times. */
    size_t most = bytes_of(run, count) + count * (sizeof(msim_time) + 2 * sizeof(uint64_t));
    size_t left = msim_budget_left(budget);
    if (most <= left)
        return MSIM_OK;
    return msim_place_fail(&place, detail, MSIM_ERR_LIMIT,
                           "its rows are not in order of time, and sorting them takes %zu MiB "
                           "more than the %zu MiB of memory that may be used: raise memory "
                           "(--memory), or write the file in order of time",
                           (most - left + 1048575) / 1048576, budget->limit / 1048576);
}

static int make_loader(struct run *run, struct msim_detail *detail)
{
    struct msim_parquet *parquet = run->context->parquet;
    struct run_rows *rows = run->rows;
    const struct zone *zone = &parquet->zones[run->rank];

    rows->loader = msim_mem_zero(&parquet->allocator, sizeof *rows->loader);
    if (!rows->loader)
        return out_of_memory(run, detail);
    struct run_loader *loader = rows->loader;
    loader->context.parquet = parquet;
    msim_reader_init(&loader->context.reader, &parquet->crc, &parquet->allocator);
    loader->run = (struct run){
        .context = &loader->context, .rank = run->rank, .row_count = run->row_count, .rows = rows};
    int r = open_columns(&loader->run, detail);
    if (r < 0)
        return r;
    return msim_scanner_open(&loader->run.scanner, parquet, &loader->context.reader, zone->file,
                             zone->group, INT64_MIN, rows->times, rows->flags, detail);
}

/* Joins those who load the group, or is the first of them. */
static int begin_load(struct run *run, struct msim_detail *detail)
{
    struct run_rows **shared = &run->context->parquet->held[run->rank];

    drop_times(run);
    run->context->parquet->zones[run->rank].is_unsorted = true;
    run->stage = RUN_LOADING;
    if (*shared) {
        run->rows = *shared;
        run->rows->users++;
        close_columns(run);
        return MSIM_OK;
    }
    int r = check_room(run, detail);
    if (r < 0)
        return r;
    r = make_rows(run, (size_t)run->row_count, true);
    close_columns(run);
    if (r < 0)
        return out_of_memory(run, detail);
    r = make_loader(run, detail);
    if (r >= 0)
        *shared = run->rows;
    return r;
}

static int load_rows(struct run *run, int64_t *work, struct msim_detail *detail)
{
    struct bad_row bad = {0};

    while (run->row < run->row_count) {
        if (*work <= 0)
            return 0;
        uint64_t left = run->row_count - run->row;
        size_t count = left < MSIM_COLUMN_BATCH ? (size_t)left : MSIM_COLUMN_BATCH;
        int r = read_rows(run, (size_t)run->row, count, &bad, detail);
        if (r < 0)
            return r;
        if (bad.column && !run->context->parquet->skip_bad_rows)
            return refuse(run, &bad, detail);
        *work -= (int64_t)count;
    }
    return 1;
}

static int sort_rows(struct run *run, struct msim_detail *detail)
{
    const struct trade_file *trades = file_of(run);
    struct run_rows *rows = run->rows;

    int64_t unit = trades->footer.leaves[trades->leaves[FIELD_TIMESTAMP]].nanoseconds;
    int r = msim_order_rows(rows->times, rows->flags, (size_t)run->row_count, unit, rows->order,
                            &rows->count, &run->context->reader.allocator);
    return r < 0 ? out_of_memory(run, detail) : 1;
}

static int load(struct run_loader *loader, int64_t *work, struct msim_detail *detail)
{
    struct run *run = &loader->run;

    if (!loader->has_times) {
        int r = msim_scanner_step(&run->scanner, work, detail);
        if (r <= 0)
            return r;
        msim_scanner_close(&run->scanner);
        loader->has_times = true;
    }
    int r = load_rows(run, work, detail);
    return r <= 0 ? r : sort_rows(run, detail);
}

/* The next piece of the work; what fails for one fails for all who wait for it. */
static int go_on_loading(struct run *run, int64_t *work, struct msim_detail *detail)
{
    struct run_loader *loader = run->rows->loader;

    if (loader) {
        int r = loader->failure;
        if (r >= 0)
            r = load(loader, work, &loader->detail);
        if (r == 0)
            return 0;
        if (r < 0) {
            loader->failure = r;
            withdraw(run);
            return msim_detail_set(detail, r, "%s", loader->detail.text);
        }
        free_loader(run->rows);
    }
    use_held(run);
    return 1;
}

/* ---- a group that streams ---- */

static int pass_early(struct run *run, uint64_t pass, struct msim_detail *detail)
{
    int r = MSIM_OK;

    if (!run->kept_all)
        r = msim_column_pass(&run->time_column, pass, detail);
    if (r >= 0)
        r = msim_column_pass(&run->price.column, pass, detail);
    if (r >= 0)
        r = msim_column_pass(&run->volume.column, pass, detail);
    if (r >= 0)
        r = msim_column_pass(&run->ticker.column, pass, detail);
    run->row = pass;
    return r;
}

static int begin_stream(struct run *run, struct msim_detail *detail)
{
    const struct trade_file *trades = file_of(run);

    msim_scanner_close(&run->scanner);
    if (make_rows(run, MSIM_COLUMN_BATCH, false) < 0)
        return out_of_memory(run, detail);
    run->stage = RUN_STREAMING;
    int r = MSIM_OK;
    if (!run->kept_all) {
        if (keep_times(run, MSIM_COLUMN_BATCH) < 0)
            return out_of_memory(run, detail);
        r = msim_column_open(&run->time_column, &run->context->reader, &trades->file,
                             &trades->footer, group_of(run), trades->leaves[FIELD_TIMESTAMP],
                             detail);
    }
    if (r >= 0)
        r = pass_early(run, run->scanner.found.early, detail);
    if (r >= 0)
        r = msim_run_fill(run, detail);
    return r < 0 ? r : 1;
}

/* The times of the next batch: all were good in the first pass. */
static int stream_times(struct run *run, size_t *count, struct msim_detail *detail)
{
    uint64_t left = run->row_count - run->row;
    struct bad_row bad = {0};

    *count = left < MSIM_COLUMN_BATCH ? (size_t)left : MSIM_COLUMN_BATCH;
    if (run->kept_all) {
        memset(run->rows->flags, 0, *count);
        run->times = run->kept + run->row;
        return MSIM_OK;
    }
    int r = msim_times_read(&run->time_column, *count, run->row, run->kept, run->rows->flags, count,
                            &bad, detail);
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
        run->rows->order[good] = (uint32_t)i;
        good += !(run->rows->flags[i] & ROW_BAD);
    }
    run->context->bad_rows += count - good;
    run->order = run->rows->order;
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
        if (run->stage == RUN_HELD || run->row == run->row_count)
            return 0;
        int r = next_batch(run, detail);
        if (r < 0)
            return r;
    }
    return 1;
}

/* ---- opening ---- */

static int begin_scan(struct run *run, struct msim_detail *detail)
{
    struct msim_parquet *parquet = run->context->parquet;
    const struct zone *zone = &parquet->zones[run->rank];

    run->row_count = zone->rows;
    if (zone->is_unsorted) {
        int r = open_columns(run, detail);
        return r < 0 ? r : begin_load(run, detail);
    }
    run->kept_all = run->row_count <= KEPT_ROWS;
    if (run->kept_all && keep_times(run, (size_t)run->row_count) < 0)
        return out_of_memory(run, detail);
    int r = msim_scanner_open(&run->scanner, parquet, &run->context->reader, zone->file,
                              zone->group, run->context->from, run->kept, NULL, detail);
    return r < 0 ? r : open_columns(run, detail);
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
            if (run->scanner.found.sorted && run->scanner.found.good == run->row_count)
                return begin_stream(run, detail);
            r = begin_load(run, detail);
            break;
        case RUN_LOADING:
            return go_on_loading(run, work, detail);
        case RUN_HELD:
        case RUN_STREAMING:
            return 1;
        }
        if (r < 0)
            return r;
    }
}

int msim_run_open(struct run **out, struct run_context *context, uint32_t rank,
                  struct msim_detail *detail)
{
    struct run *run = msim_mem_zero(&context->reader.allocator, sizeof *run);
    if (!run)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "%s", msim_result_text(MSIM_ERR_NOMEM));
    run->context = context;
    run->rank = rank;
    int r = begin_scan(run, detail);
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
    leave_rows(run);
    msim_mem_free(allocator, run, sizeof *run);
    *pointer = NULL;
}
