/*
 * What accounts have: balances by asset, positions by instrument.
 */
#include <string.h>

#include "engine/money.h"

#define SHEET_BLOCKS_LIMIT UINT32_MAX

/* A sheet whose cells would take more than this has those alone that were asked for. */
#define DENSE_BYTES ((size_t)16 << 20)

void msim_sheet_init(struct sheet *sheet, size_t cell_size)
{
    *sheet = (struct sheet){.cell_size = cell_size};
}

void msim_sheet_finish(struct sheet *sheet, const struct msim_allocator *allocator)
{
    msim_mem_free(allocator, sheet->cells, sheet->capacity * sheet_unit(sheet) * sheet->cell_size);
    msim_mem_free(allocator, sheet->blocks, sheet->rows * sheet->stride * sizeof *sheet->blocks);
    *sheet = (struct sheet){0};
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t doubled(size_t now, size_t wanted, size_t limit)
{
    size_t grown = now > 0 ? now : 8;
    while (grown < wanted)
        grown *= 2;
    return grown < limit ? grown : limit;
}

static size_t blocks_for(size_t columns)
{
    return (columns + SHEET_BLOCK - 1) / SHEET_BLOCK;
}

/* A dense row's cells: few as they are, or else whole blocks, for it is laid out anew each time. */
static size_t dense_stride(size_t columns)
{
    return columns <= 2 ? columns : blocks_for(columns) * SHEET_BLOCK;
}

static bool dense_fits(const struct sheet *sheet, size_t rows, size_t stride, size_t *count)
{
    size_t bytes;
    return !__builtin_mul_overflow(rows, stride, count) &&
           !__builtin_mul_overflow(*count, sheet->cell_size, &bytes) && bytes <= DENSE_BYTES;
}

/* More rows, or wider ones: the cells are laid out anew. */
static int dense_grow(struct sheet *sheet, size_t rows, size_t stride, size_t count,
                      const struct msim_allocator *allocator)
{
    const size_t size = sheet->cell_size;
    char *cells = msim_mem_zero_array(allocator, count, size);
    if (!cells)
        return MSIM_ERR_NOMEM;
    for (size_t row = 0; row < sheet->rows; row++)
        memcpy(cells + row * stride * size, (char *)sheet->cells + row * sheet->stride * size,
               sheet->stride * size);
    msim_mem_free(allocator, sheet->cells, sheet->capacity * size);
    sheet->cells = cells;
    sheet->capacity = count;
    sheet->used = count;
    sheet->rows = rows;
    sheet->stride = stride;
    return MSIM_OK;
}

/* A table for what was dense: every block is there, behind the unused one. */
static int table_make(struct sheet *sheet, const struct msim_allocator *allocator)
{
    const size_t block_size = SHEET_BLOCK * sheet->cell_size;
    const size_t row_size = sheet->stride * sheet->cell_size;
    const size_t stride = blocks_for(sheet->stride);
    const size_t count = sheet->rows * stride;
    if (count == 0) {
        sheet->used = 1;
        return MSIM_OK;
    }
    uint32_t *blocks = msim_mem_zero_array(allocator, count, sizeof *blocks);
    char *cells = msim_mem_zero_array(allocator, count + 1, block_size);
    if (!blocks || !cells) {
        msim_mem_free(allocator, blocks, count * sizeof *blocks);
        msim_mem_free(allocator, cells, (count + 1) * block_size);
        return MSIM_ERR_NOMEM;
    }
    for (size_t i = 0; i < count; i++)
        blocks[i] = (uint32_t)(i + 1);
    for (size_t row = 0; row < sheet->rows; row++)
        memcpy(cells + (1 + row * stride) * block_size, (char *)sheet->cells + row * row_size,
               row_size);
    msim_mem_free(allocator, sheet->cells, sheet->capacity * sheet->cell_size);
    sheet->blocks = blocks;
    sheet->stride = stride;
    sheet->cells = cells;
    sheet->capacity = count + 1;
    sheet->used = count + 1;
    return MSIM_OK;
}

/* More rows, or wider ones: the table of blocks is made anew. */
static int table_grow(struct sheet *sheet, size_t rows, size_t stride,
                      const struct msim_allocator *allocator)
{
    size_t count;
    if (__builtin_mul_overflow(rows, stride, &count))
        return MSIM_ERR_NOMEM;
    uint32_t *blocks = msim_mem_zero_array(allocator, count, sizeof *blocks);
    if (!blocks)
        return MSIM_ERR_NOMEM;
    for (size_t row = 0; row < sheet->rows; row++)
        memcpy(&blocks[row * stride], &sheet->blocks[row * sheet->stride],
               sheet->stride * sizeof *blocks);
    msim_mem_free(allocator, sheet->blocks, sheet->rows * sheet->stride * sizeof *blocks);
    sheet->blocks = blocks;
    sheet->rows = rows;
    sheet->stride = stride;
    return MSIM_OK;
}

/* A block for a place of the table. */
static int block_make(struct sheet *sheet, size_t place, const struct msim_allocator *allocator)
{
    const size_t block_size = SHEET_BLOCK * sheet->cell_size;

    if (sheet->used >= sheet->capacity) {
        const size_t before = sheet->capacity;
        int r = msim_mem_grow(allocator, &sheet->cells, &sheet->capacity, block_size,
                              sheet->used + 1, SHEET_BLOCKS_LIMIT);
        if (r < 0)
            return r;
        memset((char *)sheet->cells + before * block_size, 0,
               (sheet->capacity - before) * block_size);
    }
    sheet->blocks[place] = (uint32_t)sheet->used++;
    return MSIM_OK;
}

int msim_sheet_reserve(struct sheet *sheet, size_t row, size_t column, size_t columns,
                       size_t max_rows, const struct msim_allocator *allocator)
{
    int r = MSIM_OK;
    if (sheet_has(sheet, row, column))
        return MSIM_OK;

    const size_t rows = row < sheet->rows ? sheet->rows : doubled(sheet->rows, row + 1, max_rows);
    size_t count;

    if (!sheet->blocks) {
        const size_t wide = larger(sheet->stride, dense_stride(columns));
        if (dense_fits(sheet, rows, wide, &count))
            return dense_grow(sheet, rows, wide, count, allocator);
        if ((r = table_make(sheet, allocator)) < 0)
            return r;
    }
    const size_t stride = larger(sheet->stride, blocks_for(columns));
    if ((rows != sheet->rows || stride != sheet->stride) &&
        (r = table_grow(sheet, rows, stride, allocator)) < 0)
        return r;
    /* A short dense row became a whole block. */
    if (sheet_has(sheet, row, column))
        return MSIM_OK;
    return block_make(sheet, row * stride + column / SHEET_BLOCK, allocator);
}

/* After cells or accounts were made, or an asset or instrument added. */
void msim_accounts_refresh(struct msim_engine *engine)
{
    const struct sheet *balances = &engine->balances;
    const struct sheet *positions = &engine->positions;
    const struct sheet *uppers = &engine->uppers;
    const bool dense = !balances->blocks && !positions->blocks && !uppers->blocks &&
                       engine->asset_names.count <= sheet_columns(balances) &&
                       engine->instrument_count <= sheet_columns(positions) &&
                       engine->instrument_count <= sheet_columns(uppers);

    engine->dense_accounts = 0;
    if (dense)
        engine->dense_accounts =
            (uint32_t)smaller(balances->rows, smaller(positions->rows, uppers->rows));
    engine->known_accounts = (uint32_t)engine->account_capacity;
    if (!engine->accounts_off && engine->dense_accounts < engine->account_capacity)
        engine->known_accounts = engine->dense_accounts;
    engine->usual =
        !engine->accounts_off && !balances->blocks && !positions->blocks && !engine->indexed &&
        !engine->listed &&
        (engine->events_wanted & (MSIM_EVENTS_ORDER | EVENTS_ASIDE)) == MSIM_EVENTS_ORDER;
}

struct balance *msim_balance_find(const struct msim_engine *engine, uint32_t account,
                                  uint32_t asset)
{
    return sheet_has(&engine->balances, account, asset) ? balance_of(engine, account, asset) : NULL;
}

struct position *msim_position_find(const struct msim_engine *engine, uint32_t account,
                                    uint32_t instrument)
{
    return sheet_has(&engine->positions, account, instrument)
               ? position_of(engine, account, instrument)
               : NULL;
}

bool msim_holding_find(const struct msim_engine *engine, uint32_t account, uint32_t instrument,
                       struct holding *holding)
{
    const struct position *position = msim_position_find(engine, account, instrument);

    *holding = (struct holding){0, 0, 0};
    if (!position)
        return false;
    /* A cell beside one that was asked for is there without its upper halves. */
    *holding =
        position_load(position, position->wide ? upper_of(engine, account, instrument) : NULL);
    return true;
}

int msim_balance_reserve(struct msim_engine *engine, uint32_t account, uint32_t asset)
{
    const int r = msim_sheet_reserve(&engine->balances, account, asset, engine->asset_names.count,
                                     engine->max_accounts, &engine->allocator);
    msim_accounts_refresh(engine);
    return r;
}

static int ready_grow(struct msim_engine *engine, uint32_t account)
{
    const size_t words = (engine->instrument_count + 63) / 64;
    const size_t stride = words > engine->ready_stride ? words : engine->ready_stride;
    const size_t rows =
        account < engine->ready_rows
            ? engine->ready_rows
            : doubled(engine->ready_rows, (size_t)account + 1, engine->max_accounts);
    size_t count;

    if (rows == engine->ready_rows && stride == engine->ready_stride)
        return MSIM_OK;
    if (__builtin_mul_overflow(rows, stride, &count))
        return MSIM_ERR_NOMEM;
    uint64_t *ready = msim_mem_zero_array(&engine->allocator, count, sizeof *ready);
    if (!ready)
        return MSIM_ERR_NOMEM;
    for (size_t row = 0; row < engine->ready_rows; row++)
        memcpy(&ready[row * stride], &engine->ready[row * engine->ready_stride],
               engine->ready_stride * sizeof *ready);
    msim_mem_free(&engine->allocator, engine->ready,
                  engine->ready_rows * engine->ready_stride * sizeof *ready);
    engine->ready = ready;
    engine->ready_rows = rows;
    engine->ready_stride = stride;
    return MSIM_OK;
}

int msim_accounts_reserve(struct msim_engine *engine, uint32_t account, uint32_t instrument)
{
    const struct instrument *it = &engine->instruments[instrument];

    int r = msim_balance_reserve(engine, account, it->base);
    if (r == MSIM_OK)
        r = msim_balance_reserve(engine, account, it->quote);
    if (r == MSIM_OK)
        r = msim_sheet_reserve(&engine->uppers, account, instrument, engine->instrument_count,
                               engine->max_accounts, &engine->allocator);
    /* Last: where there is a position, there is all of it. */
    if (r == MSIM_OK)
        r = msim_sheet_reserve(&engine->positions, account, instrument, engine->instrument_count,
                               engine->max_accounts, &engine->allocator);
    msim_accounts_refresh(engine);
    if (r < 0 || account < engine->dense_accounts)
        return r;
    r = ready_grow(engine, account);
    if (r == MSIM_OK)
        engine->ready[account * engine->ready_stride + instrument / 64] |= UINT64_C(1)
                                                                           << (instrument % 64);
    return r;
}

static msim_int128 magnitude(msim_int128 value)
{
    return value < 0 ? -value : value;
}

/*
 * What of a cost belongs to `part` of `whole`, rounded toward zero: cost * part / whole without
 * the product, which 128 bits might not hold.
 */
static msim_int128 share(msim_int128 cost, msim_int128 part, msim_int128 whole)
{
    const msim_int128 bound = (msim_int128)1 << 62;
    const msim_int128 size = magnitude(cost);
    msim_int128 taken;

    if (part == whole)
        return cost;
    if (size < bound && part < bound)
        taken = size * part / whole;
    else {
        /* By binary digits of `part`: remainders stay below `whole`. */
        const msim_int128 quotient = size / whole;
        const msim_int128 rest = size % whole;
        msim_int128 digits = 0;
        msim_int128 remainder = 0;
        for (int bit = 63; bit >= 0; bit--) {
            digits *= 2;
            remainder *= 2;
            if (part >> bit & 1)
                remainder += rest;
            while (remainder >= whole) {
                remainder -= whole;
                digits++;
            }
        }
        taken = quotient * part + digits;
    }
    return cost < 0 ? -taken : taken;
}

void msim_position_store(struct position *position, struct upper *upper,
                         const struct holding *holding)
{
    position->quantity = (int64_t)holding->quantity;
    position->cost = (int64_t)holding->cost;
    position->realised = (int64_t)holding->realised;
    position->wide = holding->quantity != position->quantity || holding->cost != position->cost ||
                     holding->realised != position->realised;
    upper->quantity = (int64_t)(holding->quantity >> 64);
    upper->cost = (int64_t)(holding->cost >> 64);
    upper->realised = (int64_t)(holding->realised >> 64);
}

void msim_position_book_wide(struct position *position, struct upper *upper, int64_t quantity,
                             int64_t notional)
{
    struct holding now = position_load(position, upper);
    const msim_int128 size = magnitude(quantity);
    const msim_int128 value = quantity < 0 ? -(msim_int128)notional : notional;

    if (now.quantity == 0 || (now.quantity < 0) == (quantity < 0)) {
        now.quantity += quantity;
        now.cost += value;
        msim_position_store(position, upper, &now);
        return;
    }

    const msim_int128 open = magnitude(now.quantity);
    const msim_int128 closed = size < open ? size : open;
    /* The closed part's share of what was paid and of what is received for it. */
    const msim_int128 cost = share(now.cost, closed, open);
    const msim_int128 proceeds = share(value, closed, size);
    now.realised -= cost + proceeds;
    now.cost -= cost;
    now.quantity += quantity < 0 ? -closed : closed;
    if (closed < size) {
        now.quantity += quantity < 0 ? -(size - closed) : size - closed;
        now.cost += value - proceeds;
    }
    msim_position_store(position, upper, &now);
}

msim_qty msim_position_reducible(const struct msim_engine *engine, const struct order *order,
                                 msim_qty quantity)
{
    struct holding now;
    if (!msim_holding_find(engine, order->account, order->instrument, &now))
        return 0;
    const msim_int128 open = order_side(order) == SELL ? now.quantity : -now.quantity;
    if (open <= 0)
        return 0;
    return open < quantity ? (msim_qty)open : quantity;
}
