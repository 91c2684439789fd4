/*
 * Balances, positions, holds and fees: what every order and every fill counts with.
 */
#ifndef MSIM_ENGINE_MONEY_H
#define MSIM_ENGINE_MONEY_H

#include "engine/events.h"

/* accounts.c */

void msim_sheet_init(struct sheet *sheet, size_t cell_size);
void msim_sheet_finish(struct sheet *sheet, const struct msim_allocator *allocator);
/* Makes sure that the cell is there. */
int msim_sheet_reserve(struct sheet *sheet, size_t row, size_t column, size_t columns,
                       size_t max_rows, const struct msim_allocator *allocator);

static inline bool sheet_has(const struct sheet *sheet, size_t row, size_t column)
{
    if (row >= sheet->rows || column / SHEET_BLOCK >= sheet->stride)
        return false;
    return !sheet->blocks || sheet->blocks[row * sheet->stride + column / SHEET_BLOCK] != 0;
}

static inline size_t sheet_cell(const struct sheet *sheet, size_t row, size_t column)
{
    if (!sheet->blocks)
        return row * (sheet->stride * SHEET_BLOCK) + column;
    const size_t block = sheet->blocks[row * sheet->stride + column / SHEET_BLOCK];
    return block * SHEET_BLOCK + column % SHEET_BLOCK;
}

/* The cells that msim_sheet_reserve was called for. */
static inline struct balance *balance_of(const struct msim_engine *engine, uint32_t account,
                                         uint32_t asset)
{
    const struct sheet *sheet = &engine->balances;
    return &((struct balance *)sheet->cells)[sheet_cell(sheet, account, asset)];
}

static inline struct position *position_of(const struct msim_engine *engine, uint32_t account,
                                           uint32_t instrument)
{
    const struct sheet *sheet = &engine->positions;
    return &((struct position *)sheet->cells)[sheet_cell(sheet, account, instrument)];
}

/* Asks for what a fill of the account will touch. */
static inline void account_prefetch(const struct msim_engine *engine,
                                    const struct instrument *instrument, uint32_t number,
                                    uint32_t account)
{
    if (engine->accounts_off)
        return;
    __builtin_prefetch(balance_of(engine, account, instrument->base), 1);
    __builtin_prefetch(balance_of(engine, account, instrument->quote), 1);
    __builtin_prefetch(position_of(engine, account, number), 1);
}

/* NULL where there is none yet. */
struct balance *msim_balance_find(const struct msim_engine *engine, uint32_t account,
                                  uint32_t asset);
struct position *msim_position_find(const struct msim_engine *engine, uint32_t account,
                                    uint32_t instrument);

/* Every cell that an order of the account in the instrument will touch. */
int msim_accounts_reserve(struct msim_engine *engine, uint32_t account, uint32_t instrument);
void msim_accounts_refresh(struct msim_engine *engine);
int msim_balance_reserve(struct msim_engine *engine, uint32_t account, uint32_t asset);

static inline bool accounts_ready(const struct msim_engine *engine, uint32_t account,
                                  uint32_t instrument)
{
    if (account < engine->dense_accounts)
        return true;
    return account < engine->ready_rows && instrument / 64 < engine->ready_stride &&
           engine->ready[account * engine->ready_stride + instrument / 64] >> (instrument % 64) & 1;
}

/* Units of the quote asset; false where they do not fit. */
static inline bool notional_check(const struct instrument *instrument, msim_price price,
                                  msim_qty quantity, int64_t *notional)
{
    int64_t product;
    return msim_mul_check(price, quantity, &product) &&
           msim_mul_check(product, instrument->quote_factor, notional);
}

/* The same where it is known to fit. */
static inline int64_t notional_of(const struct instrument *instrument, msim_price price,
                                  msim_qty quantity)
{
    return price * quantity * instrument->quote_factor;
}

/* Below this an amount times MSIM_FEE_SCALE, and as much again, fits in 64 bits. */
#define FEE_SMALL (INT64_C(1) << 43)

/* The fee on an amount, rounded up.  Split where it must be: rate <= MSIM_FEE_SCALE. */
static inline int64_t fee_of(int64_t amount, uint32_t rate)
{
    if (amount < FEE_SMALL)
        return (int64_t)(((uint64_t)amount * rate + MSIM_FEE_SCALE - 1) / MSIM_FEE_SCALE);
    const uint64_t whole = (uint64_t)amount / MSIM_FEE_SCALE;
    const uint64_t rest = (uint64_t)amount % MSIM_FEE_SCALE;
    return (int64_t)(whole * rate + (rest * rate + MSIM_FEE_SCALE - 1) / MSIM_FEE_SCALE);
}

/*
 * The fee on an amount for an order that was charged `excess` millionths too much before, by
 * rounding; less than one unit.
 */
static inline int64_t fee_with(int64_t amount, uint32_t rate, uint32_t excess)
{
    const msim_int128 exact = (msim_int128)amount * rate - excess;
    return exact <= 0 ? 0 : (int64_t)((exact + MSIM_FEE_SCALE - 1) / MSIM_FEE_SCALE);
}

static inline uint32_t order_excess(const struct msim_engine *engine, const struct order *order)
{
    return engine->excess ? engine->excess[order_slot(engine, order)] : 0;
}

/*
 * What an open quantity holds: of the base asset for a sell, of the quote asset for a buy; the
 * latter with the most that can still be asked in fees, where these come on top.
 */
static inline bool hold_check(const struct instrument *instrument, unsigned side, msim_price price,
                              msim_qty quantity, uint32_t excess, int64_t *hold)
{
    int64_t notional;
    if (side == SELL)
        return msim_mul_check(quantity, instrument->base_factor, hold);
    if (!notional_check(instrument, price, quantity, &notional))
        return false;
    *hold = notional;
    if (instrument->fee_mode == MSIM_FEE_RECEIVED)
        return true;
    return msim_add_check(notional, fee_with(notional, instrument->most_fee, excess), hold);
}

static inline int64_t hold_of(const struct instrument *instrument, unsigned side, msim_price price,
                              msim_qty quantity, uint32_t excess)
{
    if (side == SELL)
        return quantity * instrument->base_factor;
    const int64_t notional = notional_of(instrument, price, quantity);
    if (instrument->fee_mode == MSIM_FEE_RECEIVED)
        return notional;
    return notional + fee_with(notional, instrument->most_fee, excess);
}

/* The price that an order's hold stands on: a market order's stop price while it waits. */
static inline msim_price hold_price(const struct msim_engine *engine, const struct order *order)
{
    return order->price ? order->price : engine->extras[order->extra].stop_price;
}

static inline msim_int128 two_halves(int64_t high, int64_t low)
{
    return (msim_int128)((msim_uint128)(uint64_t)high << 64 | (uint64_t)low);
}

static inline struct holding position_load(const struct position *position)
{
    if (!position->wide)
        return (struct holding){position->quantity, position->cost, position->realised};
    return (struct holding){two_halves(position->high[0], position->quantity),
                            two_halves(position->high[1], position->cost),
                            two_halves(position->high[2], position->realised)};
}

void msim_position_store(struct position *position, const struct holding *holding);

/* Books a buy (or a sell, of negative quantity) into a position. */
void msim_position_book_wide(struct position *position, int64_t quantity, int64_t notional);

/* The same where everything fits in 64 bits, as it nearly always does. */
static inline void position_book(struct position *position, int64_t quantity, int64_t notional)
{
    const int64_t open = position->quantity;
    const int64_t value = quantity < 0 ? -notional : notional;
    int64_t sum;
    int64_t cost;
    int64_t product;

    if (position->wide || !msim_add_check(open, quantity, &sum)) {
        msim_position_book_wide(position, quantity, notional);
        return;
    }
    if (open == 0 || (open ^ quantity) >= 0) {
        if (!msim_add_check(position->cost, value, &cost)) {
            msim_position_book_wide(position, quantity, notional);
            return;
        }
        position->quantity = sum;
        position->cost = cost;
        return;
    }
    /* A part of what is open is closed: its share of the cost goes with it.  Toward zero: the
     * product of unlike signs is negative, and -product / open has the cost's sign. */
    if (sum == 0 || (sum ^ open) < 0 || !msim_mul_check(position->cost, quantity, &product) ||
        product == INT64_MIN) {
        msim_position_book_wide(position, quantity, notional);
        return;
    }
    const int64_t part = -product / open;
    int64_t profit;
    if (!msim_add_check(part, value, &profit) ||
        !msim_sub_check(position->realised, profit, &profit)) {
        msim_position_book_wide(position, quantity, notional);
        return;
    }
    position->realised = profit;
    position->cost -= part;
    position->quantity = sum;
}

/* What of a quantity a reduce-only order of that side may still trade. */
msim_qty msim_position_reducible(const struct msim_engine *engine, const struct order *order,
                                 msim_qty quantity);

#endif
