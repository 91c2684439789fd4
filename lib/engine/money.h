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

/* So many cells count as one. */
static inline size_t sheet_unit(const struct sheet *sheet)
{
    return sheet->blocks ? SHEET_BLOCK : 1;
}

static inline size_t sheet_columns(const struct sheet *sheet)
{
    return sheet->stride * sheet_unit(sheet);
}

static inline bool sheet_has(const struct sheet *sheet, size_t row, size_t column)
{
    if (row >= sheet->rows || column >= sheet_columns(sheet))
        return false;
    return !sheet->blocks || sheet->blocks[row * sheet->stride + column / SHEET_BLOCK] != 0;
}

static inline size_t sheet_cell(const struct sheet *sheet, size_t row, size_t column)
{
    if (!sheet->blocks)
        return row * sheet->stride + column;
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

static inline struct upper *upper_of(const struct msim_engine *engine, uint32_t account,
                                     uint32_t instrument)
{
    const struct sheet *sheet = &engine->uppers;
    return &((struct upper *)sheet->cells)[sheet_cell(sheet, account, instrument)];
}

/* The same where the sheets are dense. */
static inline struct balance *balance_in_row(const struct msim_engine *engine, uint32_t account,
                                             uint32_t asset)
{
    const struct sheet *sheet = &engine->balances;
    return (struct balance *)sheet->cells + account * sheet->stride + asset;
}

static inline struct position *position_in_row(const struct msim_engine *engine, uint32_t account,
                                               uint32_t instrument)
{
    const struct sheet *sheet = &engine->positions;
    return (struct position *)sheet->cells + account * sheet->stride + instrument;
}

/* Asks for what a fill of the account will touch. */
HOT void account_prefetch(const struct msim_engine *engine, const struct instrument *instrument,
                          uint32_t number, uint32_t account)
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

/* Nothing, and false, where there is none yet. */
bool msim_holding_find(const struct msim_engine *engine, uint32_t account, uint32_t instrument,
                       struct holding *holding);

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

static inline int64_t fee_of_small(int64_t amount, uint32_t rate)
{
    return (int64_t)(((uint64_t)amount * rate + MSIM_FEE_SCALE - 1) / MSIM_FEE_SCALE);
}

/* The fee on an amount, rounded up.  Split where it must be: rate <= MSIM_FEE_SCALE. */
static inline int64_t fee_of(int64_t amount, uint32_t rate)
{
    if (amount < FEE_SMALL)
        return fee_of_small(amount, rate);
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

static inline struct holding position_load(const struct position *position,
                                           const struct upper *upper)
{
    if (!position->wide)
        return (struct holding){position->quantity, position->cost, position->realised};
    return (struct holding){two_halves(upper->quantity, position->quantity),
                            two_halves(upper->cost, position->cost),
                            two_halves(upper->realised, position->realised)};
}

void msim_position_store(struct position *position, struct upper *upper,
                         const struct holding *holding);

/* Books a buy (or a sell, of negative quantity) into a position, in 128 bits. */
void msim_position_book_wide(struct position *position, struct upper *upper, int64_t quantity,
                             int64_t notional);

/* A holding that fits in 64 bits, as nearly every one does. */
struct narrow {
    int64_t quantity;
    int64_t cost;
    int64_t realised;
};

/*
 * What a holding becomes by a buy, or by a sell where `sells` has all bits set; false, with the
 * holding as it was, where that might take more than 64 bits.
 *
 * What is closed takes its share of the cost with it, and what goes beyond opens the other way
 * with its share of the worth: both are one division, rounded toward zero.  Which it is cannot be
 * foreseen of a maker, so both are computed, and neither is branched to.
 */
static inline bool narrow_book(struct narrow *holding, uint64_t sells, int64_t quantity,
                               int64_t notional)
{
    const int64_t cost = holding->cost;
    const int64_t value = (int64_t)(((uint64_t)notional ^ sells) - sells);
    /* Below zero where this goes against what is open; the closing half of it then. */
    const uint64_t along = ((uint64_t)holding->quantity ^ sells) - sells;
    const int64_t closes = -(int64_t)(along >> 63);
    const uint64_t stock = -along & (uint64_t)closes;
    const uint64_t size = (uint64_t)quantity;
    const int64_t beyond = -(int64_t)(size > stock);
    const int64_t shared = cost ^ ((cost ^ value) & beyond);
    const int64_t part = (int64_t)(size < stock ? size : stock);
    const int64_t whole = (int64_t)(size < stock ? stock : size);
    int64_t product;
    int64_t profit;
    int64_t realised;
    int64_t sum;
    int64_t total;

    if (whole <= 0)
        return false;
    if (!msim_mul_check(shared, part, &product))
        return false;
    if (!msim_add_check((int64_t)along, quantity, &sum))
        return false;
    if (!msim_add_check(cost, value, &total))
        return false;
    const int64_t share = product / whole;
    /* The whole cost and the whole worth, less what of either stays. */
    const int64_t rest = shared - share;
    if (!msim_sub_check(total, rest, &profit))
        return false;
    if (!msim_sub_check(holding->realised, profit & closes, &realised))
        return false;
    holding->quantity = (int64_t)(((uint64_t)sum ^ sells) - sells);
    holding->cost = total ^ ((total ^ rest) & closes);
    holding->realised = realised;
    return true;
}

/* Books a buy into a position, or a sell where `sells` has all bits set; false, with nothing done,
 * where 64 bits might not do. */
static inline bool position_book_narrow(struct position *position, uint64_t sells,
                                        msim_qty quantity, int64_t notional)
{
    struct narrow next = {position->quantity, position->cost, position->realised};

    if (position->wide || !narrow_book(&next, sells, quantity, notional))
        return false;
    position->quantity = next.quantity;
    position->cost = next.cost;
    position->realised = next.realised;
    return true;
}

/* Books a buy (or a sell, of negative quantity) into a position. */
static inline void position_book(struct position *position, struct upper *upper, int64_t quantity,
                                 int64_t notional)
{
    const uint64_t sells = -((uint64_t)quantity >> 63);

    if (!position_book_narrow(position, sells, (int64_t)(((uint64_t)quantity ^ sells) - sells),
                              notional))
        msim_position_book_wide(position, upper, quantity, notional);
}

/* booking.c */

void msim_trades_book(struct msim_engine *engine);

/* At most so many trades wait to be booked. */
#define UNBOOKED_MOST 64

/* Before anybody looks at balances or positions; a question changes nothing by it that shows. */
static inline void trades_booked(const struct msim_engine *engine)
{
    if (engine->unbooked)
        msim_trades_book((struct msim_engine *)engine);
}

/* What of a quantity a reduce-only order of that side may still trade. */
msim_qty msim_position_reducible(const struct msim_engine *engine, const struct order *order,
                                 msim_qty quantity);

#endif
