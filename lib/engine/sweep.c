/*
 * The taker's way through the book.
 *
 * Nearly every taker is a plain one: nothing can come between it and its fills.
 * What changes with each fill of such a one and is seen by nobody before its last
 * (its own balances, the fees of the house, where events and trades go on) is
 * carried along in a sweep and written once.  What can wait till the taker has its
 * answer is not done at all, but left to booking.c.  What is out of the ordinary about a
 * maker ends the sweep before it, with nothing of that fill done;
 * msim_match_level goes on from there.
 */
#include "engine/clients.h"
#include "engine/fill.h"

/*
 * What is known of a sweep where its code is made: whoever has accounts pays for no question after
 * them, and whoever is told what most are for none after the rest.
 */
enum way {
    ACCOUNTS = 1, /* money and positions are kept */
    USUAL = 2,    /* see sweep_is_usual */
};

/* An account's, where it is a maker's: what it receives is what the taker pays. */
struct cells {
    struct balance *in;
    struct balance *out;
    struct position *position;
};

struct sweep_state {
    const struct instrument *instrument;
    uint32_t number;
    uint32_t account;
    unsigned side;
    /* Of the taker's account, the assets that it receives and pays: each maker's the other way. */
    uint32_t receives;
    uint32_t pays;
    uint32_t maker_rate;
    uint32_t taker_rate;
    /* Of makers, where sheets are dense: their first cells, and how far apart two accounts' are, in
     * bytes. */
    unsigned char *ins;
    unsigned char *outs;
    unsigned char *positions;
    size_t balance_row;
    size_t position_row;
    int64_t received;
    int64_t paid;
    int64_t fee;
    int64_t maker_fees;
    struct cells own;
    msim_qty quantity; /* the order's */
    msim_qty leaves;
    uint64_t order;
    /* Pairs of words of its events.  The first one is the last event's, and counts. */
    event_pair stamp;
    event_pair trade_names[3];
    event_pair fill_names[3];
    uint64_t maker_kind; /* of a limit order till cancelled */
    unsigned maker_bits; /* of such a one */
    uint64_t kind;
    /* Where events and trades go on. */
    event_word *words;
    uint64_t trade;
    uint64_t booked; /* before this one */
    uint64_t trade_mask;
    struct trade *trades;
    /* Slots given back. */
    uint32_t free_order;
    uint32_t ended;
    bool found; /* orders are in an index or in lists */
};

/* Bits of a maker that may be anything: nothing of a fill depends on them. */
#define MAKER_ANY (7u << BITS_STP_AT | BITS_POST_ONLY | BITS_CLIENT)

/* Sheets are small, and who listens is told of trades, each with both of its fills, and of no more
 * that comes with them. */
HOT bool sweep_is_usual(const struct msim_engine *engine)
{
    const uint32_t telling = engine->events_wanted & ~(uint32_t)MSIM_EVENTS_ORDER;

    return telling == (MSIM_EVENTS_TRADE | MSIM_EVENTS_FILL) && !engine->balances.blocks &&
           !engine->positions.blocks;
}

/* Events go on where the engine's end, */
HOT void sweep_join_events(const struct msim_engine *engine, struct sweep_state *sweep)
{
    sweep->words = (event_word *)&engine->events[engine->event_count];
    sweep->stamp = (event_pair){engine->event_sequence + engine->event_count, engine->sequence};
}

/* and the engine's end where the sweep's do. */
HOT void sweep_leave_events(struct msim_engine *engine, const struct sweep_state *sweep)
{
    engine->event_count = (size_t)((struct msim_event *)(void *)sweep->words - engine->events);
}

HOT void sweep_names(const struct msim_engine *engine, const struct taker *taker,
                     const struct order *t, struct sweep_state *sweep)
{
    const struct party self = party_of(engine, t, taker->slot, 0);
    const uint64_t parties = word_of(taker->number, t->account);
    const struct party maker = {
        .bits = (sweep->side ^ 1) | MSIM_ORDER_LIMIT << BITS_TYPE_AT,
        .flags = MSIM_EVENT_MAKER,
    };

    sweep->trade_names[0] = (event_pair){(uint64_t)engine->time, t->id};
    sweep->trade_names[1] = (event_pair){0, parties};
    sweep->trade_names[2] = (event_pair){0, trade_kind(sweep->side)};
    sweep->kind = party_kind(&self);
    sweep->fill_names[1] = (event_pair){self.client_id, parties};
    sweep->fill_names[2] = (event_pair){word_of(self.slot, self.owner), sweep->kind};
    sweep->maker_kind = party_kind(&maker);
    sweep->maker_bits = maker.bits | ORDER_RESTING << BITS_STATE_AT;
}

HOT struct cells sweep_cells(const struct msim_engine *engine, const struct sweep_state *sweep,
                             enum way way, uint32_t account)
{
    if (!(way & USUAL))
        return (struct cells){balance_of(engine, account, sweep->pays),
                              balance_of(engine, account, sweep->receives),
                              position_of(engine, account, sweep->number)};
    const size_t balances = account * sweep->balance_row;
    return (struct cells){(void *)(sweep->ins + balances), (void *)(sweep->outs + balances),
                          (void *)(sweep->positions + account * sweep->position_row)};
}

HOT void sweep_accounts(const struct msim_engine *engine, const struct taker *taker, enum way way,
                        struct sweep_state *sweep)
{
    const struct instrument *it = taker->instrument;
    const struct sheet *balances = &engine->balances;
    const struct sheet *positions = &engine->positions;

    sweep->maker_rate = it->maker_fee;
    sweep->taker_rate = it->taker_fee;
    sweep->received = 0;
    sweep->paid = 0;
    sweep->fee = 0;
    sweep->maker_fees = 0;
    if (way & USUAL) {
        sweep->ins = (unsigned char *)((struct balance *)balances->cells + sweep->pays);
        sweep->outs = (unsigned char *)((struct balance *)balances->cells + sweep->receives);
        sweep->positions = (unsigned char *)((struct position *)positions->cells + taker->number);
        sweep->balance_row = balances->stride * sizeof(struct balance);
        sweep->position_row = positions->stride * sizeof(struct position);
    }
    sweep->own = sweep_cells(engine, sweep, way, sweep->account);
}

HOT void sweep_begin(const struct msim_engine *engine, const struct taker *taker, enum way way,
                     struct sweep_state *sweep)
{
    const struct instrument *it = taker->instrument;
    const struct order *t = &engine->orders[taker->slot];

    assert(engine->unbooked == 0);
    sweep->instrument = it;
    sweep->number = taker->number;
    sweep->account = t->account;
    sweep->side = taker->side;
    sweep->receives = it->pays[taker->side ^ 1];
    sweep->pays = it->pays[taker->side];
    sweep->order = t->id;
    sweep->quantity = t->quantity;
    sweep->leaves = t->leaves;
    sweep->trade = engine->next_trade;
    sweep->booked = engine->next_trade;
    sweep->trade_mask = engine->trade_mask;
    sweep->trades = engine->trades;
    sweep->free_order = engine->free_order;
    sweep->ended = 0;
    sweep->found = engine->indexed || engine->listed;
    sweep_join_events(engine, sweep);
    sweep_names(engine, taker, t, sweep);
    if (way & ACCOUNTS)
        sweep_accounts(engine, taker, way, sweep);
}

/* What was carried along is written. */
HOT void sweep_end(struct msim_engine *engine, struct taker *taker, enum way way,
                   const struct sweep_state *sweep)
{
    struct order *t = &engine->orders[taker->slot];
    const struct instrument *it = sweep->instrument;
    const msim_qty traded = t->leaves - sweep->leaves;

    sweep_leave_events(engine, sweep);
    engine->next_trade = sweep->trade;
    engine->free_order = sweep->free_order;
    engine->live_orders -= sweep->ended;
    t->leaves = sweep->leaves;
    if (!(way & ACCOUNTS))
        return;
    engine->unbooked = (uint32_t)(sweep->trade - sweep->booked);
    const int64_t held =
        by_side(sweep->side, notional_of(it, t->price, traded), traded * it->base_factor);
    const int64_t released = taker->market ? 0 : held;
    sweep->own.out->free += sweep->received - sweep->fee;
    sweep->own.in->held -= released;
    sweep->own.in->free += released - sweep->paid;
    engine->assets[sweep->receives].fees += sweep->fee;
    engine->assets[sweep->pays].fees += sweep->maker_fees;
}

/* What the taker receives and pays for one unit at a level. */
struct rates {
    int64_t received;
    int64_t paid;
};

/* The fees of both. */
HOT void sweep_fees(struct sweep_state *sweep, const struct rates *rates, struct fill *fill)
{
    const int64_t received = fill->quantity * rates->received;
    const int64_t paid = fill->quantity * rates->paid;

    if ((received | paid) < FEE_SMALL) {
        fill->taker_fee = fee_of_small(received, sweep->taker_rate);
        fill->maker_fee = fee_of_small(paid, sweep->maker_rate);
    } else {
        fill->taker_fee = fee_of(received, sweep->taker_rate);
        fill->maker_fee = fee_of(paid, sweep->maker_rate);
    }
    sweep->fee += fill->taker_fee;
    sweep->maker_fees += fill->maker_fee;
}

/* All its trades so far. */
RARE void sweep_book(struct msim_engine *engine, struct sweep_state *sweep)
{
    engine->next_trade = sweep->trade;
    engine->unbooked = (uint32_t)(sweep->trade - sweep->booked);
    trades_booked(engine);
    sweep->booked = sweep->trade;
}

/* What few ask for: events beside those of the trade itself, which read what is in the engine. */
RARE void tell_aside(struct msim_engine *engine, uint32_t slot, msim_qty open)
{
    const struct order *maker = &engine->orders[slot];
    const struct instrument *it = &engine->instruments[maker->instrument];

    if (!engine->accounts_off) {
        event_balance(engine, maker->account, it->base);
        event_balance(engine, maker->account, it->quote);
        msim_event_position(engine, maker->account, maker->instrument);
    }
    event_book_order(engine, slot, open > 0 ? MSIM_BOOK_CHANGE : MSIM_BOOK_DELETE, open);
}

RARE void tell_level(struct msim_engine *engine, const struct taker *taker, msim_price price,
                     const struct level *level)
{
    event_level(engine, taker->number, taker->side ^ 1, price, level->shown, level->count);
}

#define SWEEP_ASIDE (MSIM_EVENTS_BALANCE | MSIM_EVENTS_POSITION | MSIM_EVENTS_BOOK_ORDER)

/* The next event's first words. */
HOT event_word *sweep_words(struct sweep_state *sweep)
{
    event_word *words = sweep->words;

    sweep->words += EVENT_WORDS;
    sweep->stamp += (event_pair){1, 0};
    *(event_pair *)words = sweep->stamp;
    return words;
}

HOT void sweep_tell_trade(struct sweep_state *sweep, const struct fill *fill)
{
    event_word *words = sweep_words(sweep);

    *(event_pair *)(words + 2) = sweep->trade_names[0];
    *(event_pair *)(words + 4) = sweep->trade_names[1];
    *(event_pair *)(words + 6) = sweep->trade_names[2];
    trade_numbers(words, fill);
}

HOT void sweep_tell_fills(const struct msim_engine *engine, struct sweep_state *sweep,
                          const struct fill *fill, uint32_t slot, unsigned bits, msim_qty open,
                          msim_qty filled)
{
    event_word *words = sweep_words(sweep);

    words[2] = sweep->trade_names[0][0];
    words[3] = fill->maker_order;
    words[4] = order_client_id(&engine->orders[slot]);
    words[5] = word_of(fill->instrument, fill->maker_account);
    words[6] = word_of(slot, 0);
    fill_numbers(words, fill, sweep->maker_kind, open, filled, fill->maker_fee, sweep->pays);
    /* Nearly every maker is a limit order without an owner, as was told. */
    if ((bits & ~MAKER_ANY) != sweep->maker_bits) {
        const struct party maker = party_of(engine, &engine->orders[slot], slot, MSIM_EVENT_MAKER);
        words[6] = word_of(slot, maker.owner);
        words[7] += party_kind(&maker) - sweep->maker_kind;
    }
    words = sweep_words(sweep);
    *(event_pair *)(words + 2) = sweep->trade_names[0];
    *(event_pair *)(words + 4) = sweep->fill_names[1];
    *(event_pair *)(words + 6) = sweep->fill_names[2];
    fill_numbers(words, fill, sweep->kind, sweep->leaves, sweep->quantity - sweep->leaves,
                 fill->taker_fee, sweep->receives);
}

HOT void sweep_tell(struct msim_engine *engine, struct sweep_state *sweep, enum way way,
                    const struct fill *fill, uint32_t slot, unsigned bits, msim_qty open,
                    msim_qty filled)
{
    const uint32_t wanted = engine->events_wanted;

    if (way & USUAL || wanted & MSIM_EVENTS_TRADE)
        sweep_tell_trade(sweep, fill);
    if (way & USUAL || wanted & MSIM_EVENTS_FILL)
        sweep_tell_fills(engine, sweep, fill, slot, bits, open, filled);
    if (!(way & USUAL) && wanted & SWEEP_ASIDE) {
        sweep_leave_events(engine, sweep);
        if (way & ACCOUNTS)
            sweep_book(engine, sweep);
        tell_aside(engine, slot, open);
        sweep_join_events(engine, sweep);
    }
}

/* A maker that is used up and has nothing special: out of the pool; queue and level are the
 * caller's. */
HOT void sweep_free(struct msim_engine *engine, struct sweep_state *sweep, uint32_t slot,
                    unsigned bits)
{
    struct order *maker = &engine->orders[slot];

    if (bits & (BITS_CLIENT | BITS_OWNED)) {
        if (bits & BITS_CLIENT)
            client_finish(engine, slot, maker->quantity, MSIM_STATUS_FILLED);
        if (bits & BITS_OWNED)
            msim_owner_remove(engine, slot);
    }
    if (sweep->found)
        order_unlist(engine, slot);
    maker->id = 0;
    maker->next = sweep->free_order;
    sweep->free_order = slot;
    sweep->ended++;
}

/* Trades that are kept next, asked for in advance: their ring is too large for the near caches. */
#define TRADES_AHEAD 4

/* Asks for what the fill after this one will touch. */
HOT void sweep_prefetch(const struct msim_engine *engine, const struct sweep_state *sweep,
                        enum way way, uint32_t slot)
{
    const struct order *next = &engine->orders[slot];

    __builtin_prefetch(&sweep->trades[(sweep->trade + TRADES_AHEAD) & sweep->trade_mask], 1);
    __builtin_prefetch(&engine->orders[next->next], 1);
    if (sweep->found && engine->indexed)
        __builtin_prefetch(&engine->id_index[next->id & engine->id_mask], 1);
    if (next->bits & BITS_CLIENT) {
        __builtin_prefetch(&engine->clients[slot], 1);
        __builtin_prefetch(&engine->accounts[next->account], 1);
    }
    if (!(way & ACCOUNTS))
        return;
    /* For whoever books. */
    const struct cells cells = sweep_cells(engine, sweep, way, next->account);
    __builtin_prefetch(cells.in, 1);
    __builtin_prefetch(cells.out, 1);
    __builtin_prefetch(cells.position, 1);
}

/* One maker after the other; stops before one that is out of the ordinary. */
HOT void sweep_level(struct msim_engine *engine, struct sweep_state *sweep, enum way way,
                     struct side *side, struct level *level, msim_price price)
{
    struct order *const orders = engine->orders;
    const int64_t worth = notional_of(sweep->instrument, price, 1);
    const struct rates rates = {
        .received = by_side(sweep->side, sweep->instrument->base_factor, worth),
        .paid = by_side(sweep->side, worth, sweep->instrument->base_factor),
    };
    const msim_qty leaves = sweep->leaves;
    const uint32_t ended = sweep->ended;
    uint32_t slot = level->head;

    while (slot && sweep->leaves > 0) {
        struct order *m = &orders[slot];
        const unsigned bits = m->bits;
        const uint32_t next = m->next;
        const msim_qty there = m->leaves;
        const msim_qty quantity = there < sweep->leaves ? there : sweep->leaves;
        const msim_qty filled = m->quantity - there + quantity;
        struct fill fill = {
            .trade = sweep->trade,
            .price = price,
            .quantity = quantity,
            .notional = quantity * worth,
            .maker_order = m->id,
            .taker_order = sweep->order,
            .maker_account = m->account,
            .taker_account = sweep->account,
            .instrument = sweep->number,
            .side = sweep->side,
        };
        if (m->extra || bits & BITS_REDUCE_ONLY || fill.maker_account == sweep->account)
            break;
        sweep_prefetch(engine, sweep, way, next);
        if (way & ACCOUNTS)
            sweep_fees(sweep, &rates, &fill);
        sweep->leaves -= quantity;
        sweep->trade++;
        fill_keep(&sweep->trades[fill.trade & sweep->trade_mask], &fill);
        if (way & ACCOUNTS && sweep->trade - sweep->booked >= engine->unbooked_most)
            sweep_book(engine, sweep);
        sweep_tell(engine, sweep, way, &fill, slot, bits, there - quantity, filled);
        if (there > quantity) {
            m->leaves = there - quantity;
            break;
        }
        sweep_free(engine, sweep, slot, bits);
        slot = next;
    }
    const msim_qty gone = leaves - sweep->leaves;
    /* Without accounts nothing bounds the sums, and nobody has them. */
    if (way & ACCOUNTS) {
        sweep->received += gone * rates.received;
        sweep->paid += gone * rates.paid;
    }
    level->head = slot;
    level->tail &= -(uint32_t)(slot != 0);
    orders[slot].prev = 0;
    level->shown -= gone;
    level->count -= sweep->ended - ended;
    side->total -= gone;
    side->order_count -= sweep->ended - ended;
}

/* The prices of the trades that a level brought about, as far as it did. */
HOT void level_traded(struct taker *taker, msim_price price, uint64_t first, uint64_t next)
{
    if (first == next)
        return;
    taker->instrument->last_price = price;
    taker->instrument->last_trade = next - 1;
    taker->last_price = price;
    taker->first_price = taker->first_price ? taker->first_price : price;
}

HOT bool level_changed(const struct level *level, const struct level *before)
{
    return level->shown != before->shown || level->count != before->count;
}

/* Where the taker's account stands. */
HOT void taker_cells(const struct msim_engine *engine, struct taker *taker)
{
    const uint32_t *pays = taker->instrument->pays;
    const uint32_t account = engine->orders[taker->slot].account;

    if (engine->accounts_off)
        return;
    taker->in = balance_of(engine, account, pays[taker->side ^ 1]);
    taker->out = balance_of(engine, account, pays[taker->side]);
    taker->position = position_of(engine, account, taker->number);
}

/* The rest of the best level, from a maker on that is out of the ordinary; `before` is the level
 * as it was, for whoever is told of levels. */
RARE void sweep_odd(struct msim_engine *engine, struct taker *taker, struct side *side,
                    const struct level *before)
{
    const int64_t key = side->best;
    const msim_price price = key_price(taker->instrument, taker->side ^ 1, key);
    struct level *level = side_near(side, key);
    const uint64_t first = engine->next_trade;

    trades_booked(engine);
    taker_cells(engine, taker);
    msim_match_level(engine, taker, side, level, price, false);
    level_traded(taker, price, first, engine->next_trade);
    if (engine->events_wanted & MSIM_EVENTS_LEVEL && level_changed(level, before))
        tell_level(engine, taker, price, level);
    if (level->count == 0)
        side_level_remove(engine, side, key);
}

/* As far as every maker is an ordinary one; false where it ended before another. */
HOT bool sweep_on(struct msim_engine *engine, struct sweep_state *sweep, struct taker *taker,
                  struct side *side, enum way way, struct level *before)
{
    while (sweep->leaves > 0 && side->best <= taker->limit) {
        const int64_t key = side->best;
        const msim_price price = key_price(taker->instrument, taker->side ^ 1, key);
        struct level *level = side_near(side, key);
        const uint64_t first = sweep->trade;

        if (!(way & USUAL))
            *before = *level;
        sweep_level(engine, sweep, way, side, level, price);
        level_traded(taker, price, first, sweep->trade);
        if (sweep->leaves > 0 && level->head)
            return false;
        if (!(way & USUAL) && engine->events_wanted & MSIM_EVENTS_LEVEL &&
            level_changed(level, before)) {
            sweep_leave_events(engine, sweep);
            tell_level(engine, taker, price, level);
            sweep_join_events(engine, sweep);
        }
        if (level->count == 0)
            side_level_remove(engine, side, key);
    }
    return true;
}

HOT void sweep_match(struct msim_engine *engine, struct taker *taker, struct side *side,
                     enum way way)
{
    bool done = false;

    while (!done) {
        struct sweep_state sweep;
        struct level before = {0};
        sweep_begin(engine, taker, way, &sweep);
        done = sweep_on(engine, &sweep, taker, side, way, &before);
        sweep_end(engine, taker, way, &sweep);
        if (!done)
            sweep_odd(engine, taker, side, &before);
    }
}

/* Each by itself: what one keeps in registers is no concern of the others. */
RARE void sweep_usual(struct msim_engine *engine, struct taker *taker, struct side *side)
{
    sweep_match(engine, taker, side, ACCOUNTS | USUAL);
}

RARE void sweep_usual_off(struct msim_engine *engine, struct taker *taker, struct side *side)
{
    sweep_match(engine, taker, side, USUAL);
}

RARE void sweep_any(struct msim_engine *engine, struct taker *taker, struct side *side)
{
    if (engine->accounts_off)
        sweep_match(engine, taker, side, 0);
    else
        sweep_match(engine, taker, side, ACCOUNTS);
}

/* The same for whoever is not plain. */
static void general_match(struct msim_engine *engine, struct taker *taker, struct side *side,
                          bool checked)
{
    const unsigned at = taker->side ^ 1;
    bool more = true;

    assert(engine->unbooked == 0);
    taker_cells(engine, taker);
    while (more && side->best <= taker->limit) {
        const int64_t key = side->best;
        const msim_price price = key_price(taker->instrument, at, key);
        struct level *level = side_near(side, key);
        const struct level before = *level;
        const uint64_t first = engine->next_trade;

        more = msim_match_level(engine, taker, side, level, price, checked);
        level_traded(taker, price, first, engine->next_trade);
        if (level_changed(level, &before))
            event_level(engine, taker->number, at, price, level->shown, level->count);
        if (level->count == 0)
            side_level_remove(engine, side, key);
    }
}

void msim_match(struct msim_engine *engine, struct taker *taker)
{
    const struct order *t = &engine->orders[taker->slot];
    const struct instrument *it = taker->instrument;
    const bool received = it->fee_mode == MSIM_FEE_RECEIVED;
    const bool checked = (taker->market && !taker->covered) || t->bits & BITS_REDUCE_ONLY ||
                         order_self_trade(t) != MSIM_SELF_TRADE_NONE;

    taker->side = order_side(t);
    struct side *side = &taker->instrument->sides[taker->side ^ 1];
    if (checked || taker->amount >= 0 || !received)
        general_match(engine, taker, side, checked);
    else if (!sweep_is_usual(engine))
        sweep_any(engine, taker, side);
    else if (engine->accounts_off)
        sweep_usual_off(engine, taker, side);
    else
        sweep_usual(engine, taker, side);
}

/* By its client id, if it has one, the order is found from now on. */
HOT void taker_join(struct msim_engine *engine, uint32_t slot)
{
    const struct order *order = &engine->orders[slot];

    if (order->bits & BITS_CLIENT)
        client_join(engine, slot, client_hash(engine, order->account, order->client_id));
}

/* Nearly every one is used up by the book, and nothing waits for the prices that it brought about.
 */
void msim_take(struct msim_engine *engine, struct taker *taker)
{
    struct instrument *it = taker->instrument;
    const struct order *t = &engine->orders[taker->slot];

    if (!engine->usual || !sweep_is_usual(engine)) {
        taker_join(engine, taker->slot);
        msim_execute(engine, taker);
        return;
    }
    taker->side = order_side(t);
    sweep_usual(engine, taker, &it->sides[taker->side ^ 1]);
    if (t->leaves > 0) {
        taker_join(engine, taker->slot);
        msim_taker_finish(engine, taker);
    } else {
        if (t->bits & BITS_CLIENT)
            client_remember(engine, taker->slot, t->quantity, MSIM_STATUS_FILLED);
        order_give(engine, taker->slot, LANE_USUAL);
    }
    taker_fire(engine, taker);
}
