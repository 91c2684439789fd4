#include "parquet/held.h"

#include <string.h>

#include "base/detail.h"
#include "base/mem.h"
#include "parquet/group.h"
#include "parquet/order.h"
#include "parquet/scan.h"

/* Works on rows that several runs wait for, with columns and buffers of its own. */
struct held_loader {
    size_t promised; /* bytes that it may take, counted in the data set */
    struct msim_reader reader;
    struct msim_scanner scanner;
    bool is_scanning;
    bool is_placed;
    uint8_t *flags; /* NULL: all moments are good */
    uint32_t *places;
    bool has_bad;
    struct group group;
    struct batch batch;
    int failure;
    struct msim_detail detail;
};

static int out_of_memory(const struct msim_parquet *parquet, uint32_t rank,
                         struct msim_detail *detail)
{
    struct place place = msim_zone_place(parquet, rank);

    return msim_place_fail(&place, detail, MSIM_ERR_NOMEM, "no memory for its rows");
}

/* ---- the beginning ---- */

static int check_room(const struct msim_parquet *parquet, uint32_t rank, size_t taken,
                      struct msim_detail *detail)
{
    const struct msim_budget *budget = &parquet->budget;
    struct place place = msim_zone_place(parquet, rank);
    uint64_t rows = parquet->zones[rank].rows;

    if (rows >= UINT32_MAX)
        return msim_place_fail(&place, detail, MSIM_ERR_LIMIT,
                               "more than %u rows that are not in order of time: write the file "
                               "with smaller row groups",
                               UINT32_MAX - 1);
    size_t most = (size_t)rows * MSIM_HELD_ROW_BYTES + sizeof(struct held_loader) - taken;
    size_t left = msim_budget_left(budget);
    if (most <= left)
        return MSIM_OK;
    return msim_place_fail(&place, detail, MSIM_ERR_LIMIT,
                           "its rows are not in order of time, and sorting them takes %zu MiB "
                           "more than the %zu MiB of memory that may be used: raise memory "
                           "(--memory), name a folder for what does not fit (temp_directory, "
                           "--temp-dir), or write the file in order of time",
                           (most - left + 1048575) / 1048576, budget->limit / 1048576);
}

/* A loader with the times, or with a scanner that finds them. */
static int begin(struct held *held, struct msim_parquet *parquet, uint32_t rank,
                 struct msim_detail *detail)
{
    const struct zone *zone = &parquet->zones[rank];
    struct held_loader *loader = held->loader;
    const struct msim_allocator *allocator = &parquet->allocator;

    if (held->times)
        return MSIM_OK;
    loader->is_scanning = true;
    held->time_bytes = held->rows * sizeof *held->times;
    held->times = msim_mem_take(allocator, held->time_bytes);
    loader->flags = msim_mem_take(allocator, held->rows);
    if (!held->times || !loader->flags)
        return out_of_memory(parquet, rank, detail);
    return msim_scanner_open(&loader->scanner, parquet, &loader->reader, zone->file, zone->group,
                             INT64_MIN, held->times, loader->flags, detail);
}

static void free_loader(struct held *held, struct msim_parquet *parquet)
{
    const struct msim_allocator *allocator = &parquet->allocator;
    struct held_loader *loader = held->loader;

    if (!loader)
        return;
    held->loader = NULL;
    parquet->held_promised -= loader->promised;
    msim_scanner_close(&loader->scanner);
    msim_group_close(&loader->group);
    msim_reader_finish(&loader->reader);
    msim_mem_free(allocator, loader->flags, held->rows);
    msim_mem_free(allocator, loader->places, held->rows * sizeof *loader->places);
    msim_mem_free(allocator, loader, sizeof *loader);
}

int msim_held_join(struct held **out, struct msim_parquet *parquet, uint32_t rank, msim_time *times,
                   size_t bytes, struct msim_detail *detail)
{
    struct held **shared = &parquet->held[rank];
    size_t rows = (size_t)parquet->zones[rank].rows;
    const struct msim_allocator *allocator = &parquet->allocator;

    if (*shared) {
        msim_mem_free(allocator, times, bytes);
        (*shared)->users++;
        *out = *shared;
        return MSIM_OK;
    }
    int r = check_room(parquet, rank, times ? rows * sizeof *times : 0, detail);
    struct held *held = r < 0 ? NULL : msim_mem_zero(allocator, sizeof *held);
    struct held_loader *loader = held ? msim_mem_zero(allocator, sizeof *loader) : NULL;
    if (!loader) {
        msim_mem_free(allocator, times, bytes);
        msim_mem_free(allocator, held, sizeof *held);
        return r < 0 ? r : out_of_memory(parquet, rank, detail);
    }
    held->users = 1;
    held->loader = loader;
    held->rows = rows;
    held->times = times;
    held->time_bytes = bytes;
    loader->promised = rows * (MSIM_HELD_ROW_BYTES + MSIM_ORDER_ROW_BYTES);
    parquet->held_promised += loader->promised;
    msim_reader_init(&loader->reader, &parquet->crc, allocator);
    *out = held;
    *shared = held;
    r = begin(held, parquet, rank, detail);
    if (r < 0)
        msim_held_leave(out, parquet, rank);
    return r;
}

/* Nobody else is to find it. */
static void withdraw(const struct held *held, struct msim_parquet *parquet, uint32_t rank)
{
    if (parquet->held[rank] == held)
        parquet->held[rank] = NULL;
}

static void free_times(struct held *held, const struct msim_allocator *allocator)
{
    msim_mem_free(allocator, held->times, held->time_bytes);
    held->times = NULL;
    held->time_bytes = 0;
}

static void free_columns(struct held *held, const struct msim_allocator *allocator)
{
    struct columns *columns = &held->columns;
    size_t rows = held->rows;

    msim_mem_free(allocator, columns->prices, rows * sizeof *columns->prices);
    msim_mem_free(allocator, columns->volumes, rows * sizeof *columns->volumes);
    msim_mem_free(allocator, columns->names, rows * sizeof *columns->names);
    msim_mem_free(allocator, columns->flags, rows);
    msim_mem_free(allocator, columns->price_exponents, rows);
    msim_mem_free(allocator, columns->volume_exponents, rows);
    msim_mem_free(allocator, held->order, rows * sizeof *held->order);
}

void msim_held_leave(struct held **pointer, struct msim_parquet *parquet, uint32_t rank)
{
    struct held *held = *pointer;
    const struct msim_allocator *allocator = &parquet->allocator;

    *pointer = NULL;
    if (!held || --held->users > 0)
        return;
    withdraw(held, parquet, rank);
    free_loader(held, parquet);
    free_times(held, allocator);
    free_columns(held, allocator);
    msim_mem_free(allocator, held->trades, held->places * sizeof *held->trades);
    msim_mem_free(allocator, held, sizeof *held);
}

/* ---- trades in their order ---- */

/* The order of the rows is known by their times alone; the trades go straight to their places. */
static int place_trades(struct held *held, struct msim_parquet *parquet, uint32_t rank)
{
    struct held_loader *loader = held->loader;
    const struct msim_allocator *allocator = &parquet->allocator;
    size_t kept = 0;

    loader->places = msim_mem_take_array(allocator, held->rows, sizeof *loader->places);
    if (!loader->places)
        return MSIM_ERR_NOMEM;
    int r = msim_order_places(held->times, loader->flags, held->rows, msim_zone_unit(parquet, rank),
                              loader->places, &kept, allocator);
    if (r < 0)
        return r;
    if (kept > 0) {
        held->trades = msim_mem_take_array(allocator, kept, sizeof *held->trades);
        if (!held->trades)
            return MSIM_ERR_NOMEM;
    }
    held->places = held->count = kept;
    return MSIM_OK;
}

/* Each row of the batch goes to its place in the order. */
static inline __attribute__((always_inline)) void scatter(const struct held *held,
                                                          const struct columns *columns,
                                                          struct column_rows rows, size_t first,
                                                          size_t count, bool vary)
{
    const uint32_t *places = held->loader->places + first;

    for (size_t i = 0; i < count; i++) {
        if (places[i] != MSIM_ORDER_NONE)
            msim_columns_trade(columns, rows, i, vary, &held->trades[places[i]]);
    }
}

static void scatter_batch(const struct held *held, const struct columns *columns, size_t first,
                          size_t count)
{
    const struct group *group = &held->loader->group;
    const struct column_rows rows = {
        .times = held->times + first,
        .first_row = msim_zone_first_row(group->parquet, group->rank) + first,
    };

    if (msim_columns_vary(columns))
        scatter(held, columns, rows, first, count, true);
    else
        scatter(held, columns, rows, first, count, false);
}

static void leave_out_bad_trades(struct held *held)
{
    size_t good = 0;

    for (size_t i = 0; i < held->count; i++) {
        held->trades[good] = held->trades[i];
        good += !(held->trades[i].flags & ROW_BAD);
    }
    held->count = good;
}

/* ---- columns, and the order beside them ---- */

static int make_columns(struct held *held, const struct msim_allocator *allocator)
{
    struct held_loader *loader = held->loader;
    struct columns *columns = &held->columns;
    size_t rows = held->rows;

    columns->flags = loader->flags;
    loader->flags = NULL;
    if (!columns->flags)
        columns->flags = msim_mem_zero(allocator, rows);
    columns->prices = msim_mem_take_array(allocator, rows, sizeof *columns->prices);
    columns->volumes = msim_mem_take_array(allocator, rows, sizeof *columns->volumes);
    columns->names = msim_mem_take_array(allocator, rows, sizeof *columns->names);
    columns->price_exponent = loader->group.price.exponent;
    columns->volume_exponent = loader->group.volume.exponent;
    if (loader->group.price.varies)
        columns->price_exponents = msim_mem_take(allocator, rows);
    if (loader->group.volume.varies)
        columns->volume_exponents = msim_mem_take(allocator, rows);
    bool is_whole = columns->prices && columns->volumes && columns->names && columns->flags &&
                    (columns->price_exponents || !loader->group.price.varies) &&
                    (columns->volume_exponents || !loader->group.volume.varies);
    return is_whole ? MSIM_OK : MSIM_ERR_NOMEM;
}

static int order_columns(struct held *held, struct msim_parquet *parquet, uint32_t rank)
{
    const struct msim_allocator *allocator = &parquet->allocator;
    const struct order_times times = {.first = held->times, .stride = sizeof *held->times};

    held->order = msim_mem_take_array(allocator, held->rows, sizeof *held->order);
    if (!held->order)
        return MSIM_ERR_NOMEM;
    held->count = held->rows;
    int r = msim_order(&times, held->rows, msim_zone_unit(parquet, rank), held->order, allocator);
    return r < 0 ? r : make_columns(held, allocator);
}

/* Rows without a moment are among them. */
static void leave_out_bad_places(struct held *held)
{
    size_t good = 0;

    for (size_t i = 0; i < held->count; i++) {
        held->order[good] = held->order[i];
        good += !(held->columns.flags[held->order[i]] & ROW_BAD);
    }
    held->count = good;
}

/* ---- the work ---- */

static int place_rows(struct held *held, struct msim_parquet *parquet, uint32_t rank,
                      struct msim_detail *detail)
{
    struct held_loader *loader = held->loader;

    int r = msim_group_open(&loader->group, parquet, &loader->reader, rank, detail);
    if (r < 0)
        return r;
    r = parquet->zones[rank].is_alone ? order_columns(held, parquet, rank)
                                      : place_trades(held, parquet, rank);
    if (r < 0)
        return out_of_memory(parquet, rank, detail);
    loader->is_placed = true;
    return MSIM_OK;
}

/* The rows from `first` on, into the batch of the loader or to where they stay. */
static int load_batch(struct held *held, struct msim_parquet *parquet, size_t first, size_t count,
                      struct msim_detail *detail)
{
    struct held_loader *loader = held->loader;
    struct group *group = &loader->group;
    const struct columns *columns = &held->columns;
    struct columns batch;
    struct bad_row bad = {0};
    size_t at = first;

    if (!held->order) {
        batch = msim_group_columns(group, &loader->batch);
        columns = &batch;
        at = 0;
        if (loader->flags)
            memcpy(batch.flags, loader->flags + first, count);
        else
            memset(batch.flags, 0, count);
    }
    int r = msim_group_read(group, count, columns, at, &bad, detail);
    if (r < 0)
        return r;
    if (bad.column && !parquet->skip_bad_rows)
        return msim_scan_refuse(parquet, parquet->zones[group->rank].file,
                                parquet->zones[group->rank].group, &bad, detail);
    loader->has_bad |= bad.column != NULL;
    if (!held->order)
        scatter_batch(held, columns, first, count);
    return MSIM_OK;
}

/* What is not needed for giving the trades. */
static void finish(struct held *held, const struct msim_parquet *parquet)
{
    struct held_loader *loader = held->loader;

    if (!held->order)
        free_times(held, &parquet->allocator);
    if (!loader->has_bad)
        return;
    if (held->order)
        leave_out_bad_places(held);
    else
        leave_out_bad_trades(held);
}

static int load(struct held *held, struct msim_parquet *parquet, uint32_t rank, int64_t *work,
                struct msim_detail *detail)
{
    struct held_loader *loader = held->loader;

    if (loader->is_scanning) {
        int r = msim_scanner_step(&loader->scanner, work, detail);
        if (r <= 0)
            return r;
        loader->has_bad = loader->scanner.found.good < held->rows;
        msim_scanner_close(&loader->scanner);
        loader->is_scanning = false;
    }
    if (!loader->is_placed) {
        int r = place_rows(held, parquet, rank, detail);
        if (r < 0)
            return r;
    }
    while (loader->group.row < held->rows) {
        if (*work <= 0)
            return 0;
        size_t left = held->rows - (size_t)loader->group.row;
        size_t count = left < MSIM_COLUMN_BATCH ? left : MSIM_COLUMN_BATCH;
        int r = load_batch(held, parquet, (size_t)loader->group.row, count, detail);
        if (r < 0)
            return r;
        *work -= (int64_t)count;
    }
    finish(held, parquet);
    return 1;
}

int msim_held_work(struct held *held, struct msim_parquet *parquet, uint32_t rank, int64_t *work,
                   struct msim_detail *detail)
{
    struct held_loader *loader = held->loader;

    if (!loader)
        return 1;
    int r = loader->failure;
    if (r >= 0)
        r = load(held, parquet, rank, work, &loader->detail);
    if (r == 0)
        return 0;
    if (r < 0) {
        /* What fails for one fails for all who wait for it. */
        loader->failure = r;
        withdraw(held, parquet, rank);
        return msim_detail_set(detail, r, "%s", loader->detail.text);
    }
    free_loader(held, parquet);
    return 1;
}
