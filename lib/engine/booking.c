/*
 * What a sweep leaves to be booked: what its makers receive and pay, and all positions.
 *
 * A taker waits for its fills, and nobody looks at its makers' money before the next
 * command or question comes.  So a sweep keeps its trades, which say all that is to be
 * booked, and whoever comes next has them booked first; that they lag shows to nobody.
 */
#include "engine/money.h"

/* The trades of one taker in one instrument, and where its makers stand. */
struct run {
    const struct instrument *instrument;
    uint32_t number;
    uint32_t received; /* the assets that makers receive and pay */
    uint32_t paid;
    bool dense;
    struct balance *in;
    struct balance *out;
    struct position *positions;
    size_t balance_row;
    size_t position_row;
};

struct cells {
    struct balance *in;
    struct balance *out;
    struct position *position;
};

static inline struct cells cells_of(const struct msim_engine *engine, const struct run *run,
                                    size_t account)
{
    if (!run->dense)
        return (struct cells){balance_of(engine, (uint32_t)account, run->received),
                              balance_of(engine, (uint32_t)account, run->paid),
                              position_of(engine, (uint32_t)account, run->number)};
    return (struct cells){run->in + account * run->balance_row,
                          run->out + account * run->balance_row,
                          run->positions + account * run->position_row};
}

static struct run run_of(const struct msim_engine *engine, const struct trade *trade)
{
    const struct instrument *it = &engine->instruments[trade->instrument];
    const struct sheet *balances = &engine->balances;
    const struct sheet *positions = &engine->positions;
    const uint32_t received = it->pays[trade->taker_side];
    const uint32_t paid = it->pays[trade->taker_side ^ 1];

    return (struct run){
        .instrument = it,
        .number = trade->instrument,
        .received = received,
        .paid = paid,
        .dense = !balances->blocks && !positions->blocks,
        .in = (struct balance *)balances->cells + received,
        .out = (struct balance *)balances->cells + paid,
        .positions = (struct position *)positions->cells + trade->instrument,
        .balance_row = balances->stride,
        .position_row = positions->stride,
    };
}

static inline void book_position(const struct msim_engine *engine, const struct run *run,
                                 uint32_t account, struct position *position, uint64_t sells,
                                 msim_qty quantity, int64_t notional)
{
    if (!position_book_narrow(position, sells, quantity, notional))
        msim_position_book_wide(position, upper_of(engine, account, run->number),
                                (int64_t)(((uint64_t)quantity ^ sells) - sells), notional);
}

void msim_trades_book(struct msim_engine *engine)
{
    const uint64_t end = engine->next_trade;
    uint64_t id = end - engine->unbooked;
    const struct trade *trade = trade_place(engine, id);
    const struct run run = run_of(engine, trade);
    const struct instrument *it = run.instrument;
    const unsigned side = trade->taker_side;
    const uint64_t makers_sell = (uint64_t)side - 1;
    struct position *taker = cells_of(engine, &run, trade->taker_account).position;

    for (; id < end; id++) {
        trade = trade_place(engine, id);
        const struct cells maker = cells_of(engine, &run, trade->maker_account);
        const int64_t notional = notional_of(it, trade->price, trade->quantity);
        const int64_t given = trade->quantity * it->base_factor;
        maker.in->free += by_side(side, notional, given) - trade->maker_fee;
        maker.out->held -= by_side(side, given, notional);
        book_position(engine, &run, trade->maker_account, maker.position, makers_sell,
                      trade->quantity, notional);
        book_position(engine, &run, trade->taker_account, taker, ~makers_sell, trade->quantity,
                      notional);
    }
    engine->unbooked = 0;
}
