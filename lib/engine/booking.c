/*
 * What a sweep leaves to be booked: what its makers receive and pay, and all positions.
 *
 * A taker waits for its fills, and nobody looks at its makers' money before the next
 * command or question comes.  So a sweep keeps its trades, which say all that is to be
 * booked, and whoever comes next has them booked first; that they lag shows to nobody.
 * In a batch nobody waits, and they are booked with their command.
 */
#include "engine/money.h"

static inline void book_position(const struct msim_engine *engine, uint32_t account,
                                 uint32_t instrument, struct position *position, uint64_t sells,
                                 msim_qty quantity, int64_t notional)
{
    if (!position_book_narrow(position, sells, quantity, notional))
        msim_position_book_wide(position, upper_of(engine, account, instrument),
                                (int64_t)(((uint64_t)quantity ^ sells) - sells), notional);
}

/* Those of one taker; `dense` is known where the code is made. */
HOT void book(const struct msim_engine *engine, bool dense)
{
    const uint64_t end = engine->next_trade;
    uint64_t id = end - engine->unbooked;
    const struct trade *trade = trade_place(engine, id);
    const uint32_t number = trade->instrument;
    const struct instrument *it = &engine->instruments[number];
    const unsigned side = trade->taker_side;
    const uint64_t makers_sell = (uint64_t)side - 1;
    const uint32_t received = it->pays[side];
    const uint32_t paid = it->pays[side ^ 1];
    struct position *taker = position_of(engine, trade->taker_account, number);

    do {
        const uint32_t account = trade->maker_account;
        const msim_qty quantity = trade->quantity;
        const int64_t notional = notional_of(it, trade->price, quantity);
        const int64_t given = quantity * it->base_factor;
        struct balance *in = dense ? balance_in_row(engine, account, received)
                                   : balance_of(engine, account, received);
        struct balance *out =
            dense ? balance_in_row(engine, account, paid) : balance_of(engine, account, paid);
        struct position *position =
            dense ? position_in_row(engine, account, number) : position_of(engine, account, number);

        in->free += by_side(side, notional, given) - trade->maker_fee;
        out->held -= by_side(side, given, notional);
        book_position(engine, account, number, position, makers_sell, quantity, notional);
        book_position(engine, trade->taker_account, number, taker, ~makers_sell, quantity,
                      notional);
        trade = trade_place(engine, ++id);
    } while (id < end);
}

void msim_trades_book(struct msim_engine *engine)
{
    if (engine->balances.blocks || engine->positions.blocks)
        book(engine, false);
    else
        book(engine, true);
    engine->unbooked = 0;
}
