/*
 * The taker's way through the book.
 *
 * Nearly every taker is a plain one: nothing can come between it and its fills.
 * What changes with each fill of such a one and is seen by nobody before its last
 * (its own balances and position, the fees of the house, where events and trades
 * go on) is carried along in a sweep and written once.  What is out of the
 * ordinary about a maker ends the sweep before it, with nothing of that fill
 * done; msim_match_level goes on from there.
 */
#include "engine/fill.h"

/* Known where the code is made: whoever has accounts pays for no question after them. */
enum accounts {
    ACCOUNTS_ON,
    ACCOUNTS_OFF,
};

struct sweep_state {
    const struct instrument *instrument;
    uint32_t number;
    uint32_t account;
    unsigned side;
    uint32_t events_wanted;
    bool dense;  /* cells are found by multiplication */
    bool closes; /* the taker's position: it is closed by this, not opened further */
    bool wide;
    /* Of its account, by the assets that it receives and pays: each maker's the other way. */
    uint32_t receives;
    uint32_t pays;
    uint32_t maker_rate;
    uint32_t taker_rate;
    int64_t base_factor;
    struct balance *ins; /* of makers: by account */
    struct balance *outs;
    struct position *positions;
    size_t balance_row;
    size_t position_row;
    int64_t received;
    int64_t paid;
    int64_t fee;
    int64_t maker_fees;
    struct narrow position;
    msim_qty quantity; /* the order's */
    msim_qty leaves;
    uint64_t order;
    /* What is the same in each event: words 1 and 2, then 3 to 6 of a trade and of its own fills,
     * and their seventh. */
    event_pair stamp;
    event_pair trade_names[2];
    event_pair fill_names[2];
    uint64_t kind;
    /* Where events and trades go on. */
    event_word *words;
    uint64_t event_sequence; /* of the last one */
    uint64_t trade;
    uint64_t trade_mask;
    struct trade *trades;
    /* Slots given back. */
    uint32_t free_order;
    uint32_t ended;
};

/* Events go on where the engine's end, */
HOT void sweep_join_events(const struct msim_engine *engine, struct sweep_state *sweep)
{
    sweep->words = (event_word *)&engine->events[engine->event_count];
    sweep->event_sequence = engine->event_sequence + engine->event_count;
}

/* and the engine's end where the sweep's do. */
HOT void sweep_leave_events(struct msim_engine *engine, const struct sweep_state *sweep)
{
    engine->event_count = (size_t)(sweep->event_sequence - engine->event_sequence);
}

HOT void sweep_names(const struct msim_engine *engine, const struct taker *taker,
                     const struct order *t, struct sweep_state *sweep)
{
    const struct party self = party_of(engine, t, taker->slot, 0);
    const uint64_t parties = word_of(taker->number, t->account);

    sweep->stamp = (event_pair){engine->sequence, (uint64_t)engine->time};
    sweep->trade_names[0] = (event_pair){t->id, 0};
    sweep->trade_names[1] = (event_pair){parties, 0};
    sweep->fill_names[0] = (event_pair){t->id, self.client_id};
    sweep->fill_names[1] = (event_pair){parties, word_of(self.slot, self.owner)};
    sweep->kind = party_kind(&self);
}

HOT void sweep_accounts(const struct msim_engine *engine, const struct taker *taker,
                        struct sweep_state *sweep)
{
    const struct instrument *it = taker->instrument;
    const struct sheet *balances = &engine->balances;
    const struct sheet *positions = &engine->positions;
    const struct position *position = taker->position;

    sweep->maker_rate = it->maker_fee;
    sweep->taker_rate = it->taker_fee;
    sweep->base_factor = it->base_factor;
    sweep->received = 0;
    sweep->paid = 0;
    sweep->fee = 0;
    sweep->maker_fees = 0;
    sweep->dense = !balances->blocks && !positions->blocks;
    sweep->ins = (struct balance *)balances->cells + sweep->pays;
    sweep->outs = (struct balance *)balances->cells + sweep->receives;
    sweep->positions = (struct position *)positions->cells + taker->number;
    sweep->balance_row = balances->stride;
    sweep->position_row = positions->stride;
    sweep->wide = position->wide != 0;
    sweep->position = (struct narrow){position->quantity, position->cost, position->realised};
    sweep->closes = closing(position->quantity, -mirrored(taker->side, 1)) != 0;
}

HOT void sweep_begin(const struct msim_engine *engine, const struct taker *taker,
                     enum accounts accounts, struct sweep_state *sweep)
{
    const struct instrument *it = taker->instrument;
    const struct order *t = &engine->orders[taker->slot];

    sweep->instrument = it;
    sweep->number = taker->number;
    sweep->account = t->account;
    sweep->side = taker->side;
    sweep->events_wanted = engine->events_wanted;
    sweep->receives = it->pays[taker->side ^ 1];
    sweep->pays = it->pays[taker->side];
    sweep->order = t->id;
    sweep->quantity = t->quantity;
    sweep->leaves = t->leaves;
    sweep->trade = engine->next_trade;
    sweep->trade_mask = engine->trade_mask;
    sweep->trades = engine->trades;
    sweep->free_order = engine->free_order;
    sweep->ended = 0;
    sweep_join_events(engine, sweep);
    sweep_names(engine, taker, t, sweep);
    if (accounts == ACCOUNTS_ON)
        sweep_accounts(engine, taker, sweep);
}

/* What was carried along is written. */
HOT void sweep_end(struct msim_engine *engine, struct taker *taker, enum accounts accounts,
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
    if (accounts == ACCOUNTS_OFF)
        return;
    struct balance *in = sweep->side == BUY ? taker->base : taker->quote;
    struct balance *out = sweep->side == BUY ? taker->quote : taker->base;
    const int64_t held =
        by_side(sweep->side, notional_of(it, t->price, traded), traded * it->base_factor);
    const int64_t released = taker->market ? 0 : held;
    in->free += sweep->received - sweep->fee;
    out->held -= released;
    out->free += released - sweep->paid;
    taker->position->quantity = sweep->position.quantity;
    taker->position->cost = sweep->position.cost;
    taker->position->realised = sweep->position.realised;
    engine->assets[sweep->receives].fees += sweep->fee;
    engine->assets[sweep->pays].fees += sweep->maker_fees;
}

/* The taker's side of a position: that it goes on as before is foreseen. */
HOT bool sweep_book(struct sweep_state *sweep, struct narrow *own, int64_t bought, int64_t value)
{
    if (sweep->closes)
        return narrow_book(own, bought, value);
    return msim_add_check(own->quantity, bought, &own->quantity) &&
           msim_add_check(own->cost, value, &own->cost);
}

struct cells {
    struct balance *in;
    struct balance *out;
    struct position *position;
};

HOT struct cells sweep_cells(const struct msim_engine *engine, const struct sweep_state *sweep,
                             uint32_t account)
{
    if (!sweep->dense)
        return (struct cells){balance_of(engine, account, sweep->pays),
                              balance_of(engine, account, sweep->receives),
                              position_of(engine, account, sweep->number)};
    return (struct cells){sweep->ins + account * sweep->balance_row,
                          sweep->outs + account * sweep->balance_row,
                          sweep->positions + account * sweep->position_row};
}

/* Money and positions of both; false, with nothing done, where 64 bits might not do. */
HOT bool sweep_settle(const struct msim_engine *engine, struct sweep_state *sweep,
                      struct fill *fill)
{
    const struct cells cells = sweep_cells(engine, sweep, fill->maker_account);
    const int64_t given = fill->quantity * sweep->base_factor;
    const int64_t received = by_side(sweep->side, given, fill->notional);
    const int64_t paid = by_side(sweep->side, fill->notional, given);
    const int64_t bought = -mirrored(sweep->side, fill->quantity);
    const int64_t value = -mirrored(sweep->side, fill->notional);
    struct position *position = cells.position;
    struct narrow theirs = {position->quantity, position->cost, position->realised};
    struct narrow own = sweep->position;

    if (!narrow_book(&theirs, -bought, -value) || (position->wide | sweep->wide) ||
        !sweep_book(sweep, &own, bought, value))
        return false;
    if ((received | paid) < FEE_SMALL) {
        fill->taker_fee = fee_of_small(received, sweep->taker_rate);
        fill->maker_fee = fee_of_small(paid, sweep->maker_rate);
    } else {
        fill->taker_fee = fee_of(received, sweep->taker_rate);
        fill->maker_fee = fee_of(paid, sweep->maker_rate);
    }
    cells.in->free += paid - fill->maker_fee;
    cells.out->held -= received;
    position->quantity = theirs.quantity;
    position->cost = theirs.cost;
    position->realised = theirs.realised;
    if (sweep->closes)
        sweep->closes = closing(own.quantity, bought) != 0;
    sweep->position = own;
    sweep->received += received;
    sweep->paid += paid;
    sweep->fee += fill->taker_fee;
    sweep->maker_fees += fill->maker_fee;
    return true;
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

HOT void sweep_stamp(const struct sweep_state *sweep, event_word *words, uint64_t sequence)
{
    words[0] = sequence;
    *(event_pair *)(words + 1) = sweep->stamp;
}

HOT void sweep_tell(struct sweep_state *sweep, const struct fill *fill, const struct party *maker,
                    msim_qty open, msim_qty filled)
{
    event_word *words = sweep->words;
    uint64_t sequence = sweep->event_sequence;

    if (sweep->events_wanted & MSIM_EVENTS_TRADE) {
        sweep_stamp(sweep, words, ++sequence);
        *(event_pair *)(words + 3) = sweep->trade_names[0];
        *(event_pair *)(words + 5) = sweep->trade_names[1];
        trade_numbers(words, fill);
        words += EVENT_WORDS;
    }
    if (sweep->events_wanted & MSIM_EVENTS_FILL) {
        sweep_stamp(sweep, words, ++sequence);
        words[3] = fill->maker_order;
        words[4] = maker->client_id;
        words[5] = word_of(fill->instrument, fill->maker_account);
        words[6] = word_of(maker->slot, maker->owner);
        fill_numbers(words, fill, party_kind(maker), open, filled, fill->maker_fee, sweep->pays);
        words += EVENT_WORDS;
        sweep_stamp(sweep, words, ++sequence);
        *(event_pair *)(words + 3) = sweep->fill_names[0];
        *(event_pair *)(words + 5) = sweep->fill_names[1];
        fill_numbers(words, fill, sweep->kind, sweep->leaves, sweep->quantity - sweep->leaves,
                     fill->taker_fee, sweep->receives);
        words += EVENT_WORDS;
    }
    sweep->words = words;
    sweep->event_sequence = sequence;
}

/* A maker that is used up and has nothing special: out of the pool; queue and level are the
 * caller's. */
HOT void sweep_free(struct msim_engine *engine, struct sweep_state *sweep, uint32_t slot,
                    unsigned bits)
{
    struct order *maker = &engine->orders[slot];

    if (bits & (BITS_CLIENT | BITS_OWNED)) {
        if (bits & BITS_CLIENT)
            msim_client_finish(engine, maker, maker->quantity, MSIM_STATUS_FILLED);
        if (bits & BITS_OWNED)
            msim_owner_remove(engine, slot);
    }
    order_unlist(engine, slot);
    maker->next = sweep->free_order;
    sweep->free_order = slot;
}

/* Trades that are kept next, asked for in advance: their ring is too large for the near caches. */
#define TRADES_AHEAD 4

/* Asks for what the fill after this one will touch. */
HOT void sweep_prefetch(const struct msim_engine *engine, const struct sweep_state *sweep,
                        enum accounts accounts, uint32_t slot)
{
    const struct order *next = &engine->orders[slot];

    __builtin_prefetch(&sweep->trades[(sweep->trade + TRADES_AHEAD) & sweep->trade_mask], 1);
    __builtin_prefetch(&engine->orders[next->next], 1);
    if (engine->indexed)
        __builtin_prefetch(&engine->id_index[next->id & engine->id_mask], 1);
    if (next->bits & BITS_CLIENT) {
        __builtin_prefetch(&engine->clients[slot], 1);
        __builtin_prefetch(&engine->accounts[next->account], 1);
    }
    if (accounts == ACCOUNTS_OFF)
        return;
    const struct cells cells = sweep_cells(engine, sweep, next->account);
    __builtin_prefetch(cells.in, 1);
    __builtin_prefetch(cells.out, 1);
    __builtin_prefetch(cells.position, 1);
}

/* One maker after the other; stops before one that is out of the ordinary. */
HOT void sweep_level(struct msim_engine *engine, struct sweep_state *sweep, enum accounts accounts,
                     struct side *side, struct level *level, msim_price price)
{
    struct order *const orders = engine->orders;
    const int64_t worth = notional_of(sweep->instrument, price, 1);
    uint32_t slot = level->head;
    uint32_t ended = 0;
    msim_qty gone = 0;

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
        sweep_prefetch(engine, sweep, accounts, next);
        if (accounts == ACCOUNTS_ON && !sweep_settle(engine, sweep, &fill))
            break;
        const struct party maker = party_of(engine, m, slot, MSIM_EVENT_MAKER);
        sweep->leaves -= quantity;
        sweep->trade++;
        gone += quantity;
        fill_keep(&sweep->trades[fill.trade & sweep->trade_mask], &fill);
        sweep_tell(sweep, &fill, &maker, there - quantity, filled);
        if (sweep->events_wanted & SWEEP_ASIDE) {
            sweep_leave_events(engine, sweep);
            tell_aside(engine, slot, there - quantity);
            sweep_join_events(engine, sweep);
        }
        if (there > quantity) {
            m->leaves = there - quantity;
            break;
        }
        sweep_free(engine, sweep, slot, bits);
        ended++;
        slot = next;
    }
    level->head = slot;
    level->tail &= -(uint32_t)(slot != 0);
    orders[slot].prev = 0;
    level->shown -= gone;
    level->count -= ended;
    side->total -= gone;
    side->order_count -= ended;
    sweep->ended += ended;
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

HOT void sweep_match(struct msim_engine *engine, struct taker *taker, struct side *side,
                     enum accounts accounts)
{
    const unsigned at = taker->side ^ 1;
    struct sweep_state sweep;

    sweep_begin(engine, taker, accounts, &sweep);
    while (sweep.leaves > 0 && side->best <= taker->limit) {
        const int64_t key = side->best;
        const msim_price price = key_price(taker->instrument, at, key);
        struct level *level = side_near(side, key);
        const struct level before = *level;
        const uint64_t first = sweep.trade;

        sweep_level(engine, &sweep, accounts, side, level, price);
        if (sweep.leaves > 0 && level->head) {
            sweep_end(engine, taker, accounts, &sweep);
            msim_match_level(engine, taker, side, level, price, false);
            sweep_begin(engine, taker, accounts, &sweep);
        }
        level_traded(taker, price, first, sweep.trade);
        if (sweep.events_wanted & MSIM_EVENTS_LEVEL && level_changed(level, &before)) {
            sweep_leave_events(engine, &sweep);
            tell_level(engine, taker, price, level);
            sweep_join_events(engine, &sweep);
        }
        if (level->count == 0)
            side_level_remove(engine, side, key);
    }
    sweep_end(engine, taker, accounts, &sweep);
}

/* The same for whoever is not plain. */
static void general_match(struct msim_engine *engine, struct taker *taker, struct side *side,
                          bool checked)
{
    const unsigned at = taker->side ^ 1;
    bool more = true;

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
    if (!engine->accounts_off) {
        taker->base = balance_of(engine, t->account, it->base);
        taker->quote = balance_of(engine, t->account, it->quote);
        taker->position = position_of(engine, t->account, taker->number);
    }
    struct side *side = &taker->instrument->sides[taker->side ^ 1];
    if (checked || taker->amount >= 0 || !received)
        general_match(engine, taker, side, checked);
    else if (engine->accounts_off)
        sweep_match(engine, taker, side, ACCOUNTS_OFF);
    else
        sweep_match(engine, taker, side, ACCOUNTS_ON);
}
