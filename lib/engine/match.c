/*
 * Matching: the best price first, the oldest order first at it, at its own price.
 */
#include "engine/book.h"

bool msim_band_holds(const struct instrument *instrument, msim_price price)
{
    const msim_price middle =
        instrument->last_price ? instrument->last_price : instrument->reference_price;
    const int64_t away = price > middle ? price - middle : middle - price;

    if (instrument->band == 0 || middle == 0)
        return true;
    return (msim_int128)away * MSIM_FEE_SCALE <= (msim_int128)middle * instrument->band;
}

int64_t msim_market_limit(const struct instrument *instrument, unsigned side)
{
    const msim_price middle =
        instrument->last_price ? instrument->last_price : instrument->reference_price;

    if (instrument->band == 0 || middle == 0)
        return KEY_NONE - 1;
    const msim_int128 room = (msim_int128)middle * instrument->band / MSIM_FEE_SCALE;
    if (side == BUY) {
        const msim_int128 highest = middle + room;
        const int64_t price = highest > INT64_MAX ? INT64_MAX : (int64_t)highest;
        return price / instrument->step.unit;
    }
    const msim_int128 lowest = middle - room;
    /* The least key is the highest bid: down to the first price that is not below. */
    const int64_t price = lowest < 1 ? 1 : (int64_t)lowest;
    return -((price - 1) / instrument->step.unit + 1);
}

/* What of an amount of the quote asset a price buys, in whole lots. */
static msim_qty affordable(const struct instrument *instrument, msim_price price, int64_t amount)
{
    int64_t unit;
    if (!msim_mul_check(price, instrument->quote_factor, &unit))
        return 0;
    const int64_t quantity = amount / unit;
    return quantity - quantity % instrument->lot.unit;
}

/* How often at most the orders of a level trade: icebergs once for each part they show. */
static uint64_t level_fills(const struct msim_engine *engine, const struct level *level)
{
    uint64_t fills = level->count;

    if (level->hidden == 0)
        return fills;
    for (uint32_t slot = level->head; slot; slot = engine->orders[slot].next) {
        const struct order *order = &engine->orders[slot];
        if (order->extra && engine->extras[order->extra].hidden > 0)
            fills += (uint64_t)(engine->extras[order->extra].hidden /
                                engine->extras[order->extra].display) +
                     1;
    }
    return fills;
}

struct sweep msim_sweep(const struct msim_engine *engine, const struct instrument *instrument,
                        unsigned taker_side, int64_t limit, msim_qty quantity, int64_t amount)
{
    const unsigned at = taker_side ^ 1;
    const struct side *side = &instrument->sides[at];
    struct sweep sweep = {0};

    for (int64_t key = side->best; key <= limit && key != KEY_NONE;
         key = msim_side_after(engine, side, key)) {
        const struct level *level = msim_side_level(engine, side, key);
        const msim_price price = key_price(instrument, at, key);
        const msim_qty there = level->shown + level->hidden;
        msim_qty wanted = quantity - sweep.quantity;

        if (amount >= 0) {
            const msim_qty most = affordable(instrument, price, (int64_t)(amount - sweep.cost));
            wanted = most < wanted ? most : wanted;
        }
        const msim_qty taken = wanted < there ? wanted : there;
        sweep.fills += level_fills(engine, level) + 1;
        sweep.quantity += taken;
        sweep.cost += (msim_int128)price * taken * instrument->quote_factor;
        if (taken == wanted && taken < there)
            break;
        if (sweep.quantity == quantity)
            break;
    }
    return sweep;
}

/*
 * Orders of its own do not fill it where self-trades are prevented, and a reduce-only
 * order may shrink before its turn comes: neither is counted on.
 */
bool msim_fillable(const struct msim_engine *engine, const struct instrument *instrument,
                   const struct order *taker, int64_t limit)
{
    const unsigned at = order_side(taker) ^ 1;
    const unsigned mode = order_self_trade(taker);
    const struct side *side = &instrument->sides[at];
    msim_qty missing = taker->leaves;

    for (int64_t key = side->best; key <= limit && key != KEY_NONE;
         key = msim_side_after(engine, side, key)) {
        const struct level *level = msim_side_level(engine, side, key);
        msim_qty hidden = 0;

        for (uint32_t slot = level->head; slot; slot = engine->orders[slot].next) {
            const struct order *maker = &engine->orders[slot];
            const bool own = mode != MSIM_SELF_TRADE_NONE && maker->account == taker->account;
            if (own && mode != MSIM_SELF_TRADE_CANCEL_MAKER)
                return false;
            if (own || maker->bits & BITS_REDUCE_ONLY)
                continue;
            missing -= maker->leaves;
            hidden += order_hidden(engine, maker);
            if (missing <= 0)
                return true;
        }
        /* What icebergs keep back comes after all that is shown at the price. */
        missing -= hidden;
        if (missing <= 0)
            return true;
    }
    return false;
}

void msim_hold_release(struct msim_engine *engine, const struct order *order, msim_qty from,
                       msim_qty to)
{
    if (engine->accounts_off)
        return;
    const struct instrument *instrument = &engine->instruments[order->instrument];
    const unsigned side = order_side(order);
    const msim_price price = hold_price(engine, order);
    struct balance *balance = balance_of(engine, order->account, held_asset(instrument, side));
    const int64_t released =
        hold_of(instrument, side, price, from) - hold_of(instrument, side, price, to);

    balance->held -= released;
    balance->free += released;
}

static void forget(struct msim_engine *engine, uint32_t slot, uint8_t status)
{
    const struct order *order = &engine->orders[slot];

    if (order->client)
        msim_client_finish(engine, order,
                           order->quantity - order->leaves - order_hidden(engine, order), status);
    msim_order_give(engine, slot);
}

static uint8_t ended_status(uint8_t kind)
{
    return kind == MSIM_EVENT_EXPIRED ? MSIM_STATUS_EXPIRED : MSIM_STATUS_CANCELLED;
}

void msim_order_end(struct msim_engine *engine, uint32_t slot, uint8_t kind, uint8_t code)
{
    const struct order *order = &engine->orders[slot];
    const uint8_t status = ended_status(kind);

    msim_event_order(engine, kind, slot, code, status);
    switch (order_state(order)) {
    case ORDER_RESTING:
        book_remove(engine, slot);
        break;
    case ORDER_WAITING:
        msim_trigger_remove(engine, slot);
        break;
    case ORDER_QUEUED:
        msim_queue_remove(engine, slot);
        break;
    case ORDER_MATCHING:
        break;
    }
    if (!engine->accounts_off) {
        msim_hold_release(engine, order, order_open(engine, order), 0);
        event_balance(engine, order->account,
                      held_asset(&engine->instruments[order->instrument], order_side(order)));
    }
    forget(engine, slot, status);
}

void msim_order_end_in_hand(struct msim_engine *engine, uint32_t slot, uint8_t kind, uint8_t code)
{
    msim_event_order(engine, kind, slot, code, ended_status(kind));
    forget(engine, slot, ended_status(kind));
}

void msim_order_filled(struct msim_engine *engine, uint32_t slot)
{
    forget(engine, slot, MSIM_STATUS_FILLED);
}

/* One side of a fill: what it pays comes from its hold, or for a market order from what is free. */
struct party {
    struct order *order;
    msim_qty open; /* before the fill */
    uint32_t rate;
    bool market;
    int64_t fee;
};

static void settle_buyer(struct msim_engine *engine, const struct instrument *instrument,
                         struct party *party, msim_qty quantity, int64_t notional)
{
    const struct order *order = party->order;
    struct balance *quote = balance_of(engine, order->account, instrument->quote);
    struct balance *base = balance_of(engine, order->account, instrument->base);
    const int64_t received = quantity * instrument->base_factor;
    int64_t released = 0;

    if (!party->market)
        released = hold_of(instrument, BUY, order->price, party->open) -
                   hold_of(instrument, BUY, order->price, party->open - quantity);
    quote->held -= released;
    quote->free += released - notional;
    if (instrument->fee_mode == MSIM_FEE_RECEIVED) {
        party->fee = fee_of(received, party->rate);
        base->free += received - party->fee;
        engine->assets[instrument->base].fees += party->fee;
        return;
    }
    /* Several fills round up more often than their hold did: never below zero for that. */
    party->fee = fee_of(notional, party->rate);
    if (party->fee > quote->free)
        party->fee = quote->free > 0 ? quote->free : 0;
    quote->free -= party->fee;
    base->free += received;
    engine->assets[instrument->quote].fees += party->fee;
}

static void settle_seller(struct msim_engine *engine, const struct instrument *instrument,
                          struct party *party, msim_qty quantity, int64_t notional)
{
    struct balance *quote = balance_of(engine, party->order->account, instrument->quote);
    struct balance *base = balance_of(engine, party->order->account, instrument->base);
    const int64_t given = quantity * instrument->base_factor;

    if (party->market)
        base->free -= given;
    else
        base->held -= given;
    party->fee = fee_of(notional, party->rate);
    quote->free += notional - party->fee;
    engine->assets[instrument->quote].fees += party->fee;
}

static void remember(struct msim_engine *engine, const struct taker *taker, const struct party *t,
                     const struct party *m, msim_price price, msim_qty quantity)
{
    if (engine->trade_history == 0)
        return;
    engine->trades[engine->next_trade % engine->trade_history] = (struct trade){
        .id = engine->next_trade,
        .price = price,
        .quantity = quantity,
        .maker_order = m->order->id,
        .taker_order = t->order->id,
        .maker_fee = m->fee,
        .taker_fee = t->fee,
        .maker_account = m->order->account,
        .taker_account = t->order->account,
        .instrument = taker->number,
        .taker_side = (uint8_t)order_side(t->order),
    };
}

static void tell_trade(struct msim_engine *engine, const struct taker *taker, const struct order *t,
                       const struct order *m, msim_price price, msim_qty quantity, int64_t notional)
{
    if (!(engine->events_wanted & MSIM_EVENTS_TRADE))
        return;
    struct msim_event *event = event_make(engine, MSIM_EVENT_TRADE);
    event->order = t->id;
    event->instrument = taker->number;
    event->account = t->account;
    event->side = side_told(order_side(t));
    event->as.trade.trade = engine->next_trade;
    event->as.trade.price = price;
    event->as.trade.quantity = quantity;
    event->as.trade.notional = notional;
    event->as.trade.maker_order = m->id;
    event->as.trade.taker_order = t->id;
    event->as.trade.maker_account = m->account;
    event->as.trade.taker_account = t->account;
}

static void tell_fill(struct msim_engine *engine, uint32_t slot,
                      const struct instrument *instrument, const struct party *party,
                      msim_price price, msim_qty quantity, int64_t notional, uint8_t flags)
{
    const struct order *order = party->order;
    const msim_qty open = order_open(engine, order);
    const unsigned side = order_side(order);
    struct msim_event *event = event_make(engine, MSIM_EVENT_FILL);

    event->order = order->id;
    event->client_id = order->client ? engine->clients[order->client].client_id : 0;
    event->instrument = order->instrument;
    event->account = order->account;
    event->slot = slot;
    event->owner = order->owner;
    event->side = side_told(side);
    event->type = (uint8_t)order_type(order);
    event->time_in_force = (uint8_t)order_tif(order);
    event->flags = flags;
    event->status = open > 0 ? MSIM_STATUS_PARTIALLY_FILLED : MSIM_STATUS_FILLED;
    event->as.fill.trade = engine->next_trade;
    event->as.fill.price = price;
    event->as.fill.quantity = quantity;
    event->as.fill.leaves = open;
    event->as.fill.filled = order->quantity - open;
    event->as.fill.notional = notional;
    event->as.fill.fee = party->fee;
    event->as.fill.fee_asset = side == BUY && instrument->fee_mode == MSIM_FEE_RECEIVED
                                   ? instrument->base
                                   : instrument->quote;
}

/* Both sides pay, receive, and are told; queues and levels are the caller's. */
static void fill(struct msim_engine *engine, struct taker *taker, uint32_t maker_slot,
                 msim_price price, msim_qty quantity)
{
    struct instrument *instrument = taker->instrument;
    struct order *t = &engine->orders[taker->slot];
    struct order *m = &engine->orders[maker_slot];
    const int64_t notional = notional_of(instrument, price, quantity);
    struct party taking = {t, t->leaves, instrument->taker_fee, taker->market, 0};
    struct party making = {m, order_open(engine, m), instrument->maker_fee, false, 0};

    if (!engine->accounts_off) {
        struct party *buyer = order_side(t) == BUY ? &taking : &making;
        struct party *seller = order_side(t) == BUY ? &making : &taking;
        settle_buyer(engine, instrument, buyer, quantity, notional);
        settle_seller(engine, instrument, seller, quantity, notional);
        msim_position_book(position_of(engine, buyer->order->account, taker->number), quantity,
                           notional);
        msim_position_book(position_of(engine, seller->order->account, taker->number), -quantity,
                           notional);
    }
    t->leaves -= quantity;
    m->leaves -= quantity;
    if (taker->amount >= 0)
        taker->amount -= notional;
    instrument->last_price = price;
    instrument->last_trade = engine->next_trade;
    taker->last_price = price;
    if (taker->first_price == 0)
        taker->first_price = price;
    remember(engine, taker, &taking, &making, price, quantity);
    tell_trade(engine, taker, t, m, price, quantity, notional);
    if (engine->events_wanted & MSIM_EVENTS_FILL) {
        tell_fill(engine, maker_slot, instrument, &making, price, quantity, notional,
                  MSIM_EVENT_MAKER);
        tell_fill(engine, taker->slot, instrument, &taking, price, quantity, notional, 0);
        taker->last_fill = engine->event_count;
        if (taker->amount >= 0)
            engine->events[engine->event_count - 1].as.fill.leaves = 0;
    }
    if (!engine->accounts_off) {
        event_balance(engine, m->account, instrument->base);
        event_balance(engine, m->account, instrument->quote);
        msim_event_position(engine, m->account, taker->number);
    }
    engine->next_trade++;
}

/* A maker's shown part is used up: the next part goes to the end of the queue, or the order ends.
 */
static void used_up(struct msim_engine *engine, struct side *side, struct level *level,
                    uint32_t slot)
{
    struct order *maker = &engine->orders[slot];

    queue_unlink(engine, level, slot);
    if (order_hidden(engine, maker) > 0) {
        struct extra *extra = &engine->extras[maker->extra];
        const msim_qty part = extra->display < extra->hidden ? extra->display : extra->hidden;
        extra->hidden -= part;
        maker->leaves = part;
        level->hidden -= part;
        level->shown += part;
        event_book_order(engine, slot, MSIM_BOOK_DELETE, 0);
        queue_append(engine, level, slot);
        event_book_order(engine, slot, MSIM_BOOK_ADD, part);
        return;
    }
    level->count--;
    side->order_count--;
    event_book_order(engine, slot, MSIM_BOOK_DELETE, 0);
    forget(engine, slot, MSIM_STATUS_FILLED);
}

/* Ends a maker in the middle of its level's matching; the level's event comes with the level. */
static void drop_maker(struct msim_engine *engine, struct side *side, struct level *level,
                       uint32_t slot, uint8_t code)
{
    struct order *maker = &engine->orders[slot];
    const msim_qty hidden = order_hidden(engine, maker);

    msim_event_order(engine, MSIM_EVENT_CANCELLED, slot, code, MSIM_STATUS_CANCELLED);
    queue_unlink(engine, level, slot);
    level->shown -= maker->leaves;
    level->hidden -= hidden;
    level->count--;
    side->total -= maker->leaves + hidden;
    side->order_count--;
    event_book_order(engine, slot, MSIM_BOOK_DELETE, 0);
    if (!engine->accounts_off) {
        msim_hold_release(engine, maker, maker->leaves + hidden, 0);
        event_balance(engine, maker->account,
                      held_asset(&engine->instruments[maker->instrument], order_side(maker)));
    }
    forget(engine, slot, MSIM_STATUS_CANCELLED);
}

/* Both lose the same quantity without a trade. */
static void decrement(struct msim_engine *engine, struct taker *taker, struct side *side,
                      struct level *level, uint32_t slot, msim_qty quantity, msim_price price)
{
    struct order *t = &engine->orders[taker->slot];
    struct order *m = &engine->orders[slot];
    const msim_qty open = order_open(engine, m);

    if (!taker->market)
        msim_hold_release(engine, t, t->leaves, t->leaves - quantity);
    t->leaves -= quantity;
    t->quantity -= quantity;
    if (taker->amount >= 0)
        taker->amount -= notional_of(taker->instrument, price, quantity);
    else if (t->leaves > 0)
        msim_event_order(engine, MSIM_EVENT_REPLACED, taker->slot, 0, MSIM_STATUS_OPEN);
    else
        taker->stopped = MSIM_CANCEL_SELF_TRADE;

    if (open == quantity) {
        msim_hold_release(engine, m, quantity, 0);
        m->quantity -= quantity;
        m->leaves -= quantity;
        level->shown -= quantity;
        side->total -= quantity;
        drop_maker(engine, side, level, slot, MSIM_CANCEL_SELF_TRADE);
        return;
    }
    msim_hold_release(engine, m, open, open - quantity);
    m->quantity -= quantity;
    m->leaves -= quantity;
    level->shown -= quantity;
    side->total -= quantity;
    if (m->leaves > 0)
        event_book_order(engine, slot, MSIM_BOOK_CHANGE, m->leaves);
    else
        used_up(engine, side, level, slot);
    msim_event_order(engine, MSIM_EVENT_REPLACED, slot, 0, MSIM_STATUS_OPEN);
    if (!engine->accounts_off)
        event_balance(engine, m->account,
                      held_asset(&engine->instruments[m->instrument], order_side(m)));
}

/* Whether a market order has what the fill takes; a limit order's hold covers it. */
static bool can_pay(const struct msim_engine *engine, const struct taker *taker, msim_price price,
                    msim_qty quantity)
{
    const struct instrument *instrument = taker->instrument;
    const struct order *t = &engine->orders[taker->slot];
    const unsigned side = order_side(t);
    const int64_t free = balance_of(engine, t->account, held_asset(instrument, side))->free;
    int64_t needed;

    if (side == SELL)
        return msim_mul_check(quantity, instrument->base_factor, &needed) && needed <= free;
    needed = notional_of(instrument, price, quantity);
    if (instrument->fee_mode == MSIM_FEE_RECEIVED)
        return needed <= free;
    return msim_add_check(needed, fee_of(needed, instrument->taker_fee), &needed) && needed <= free;
}

enum step {
    STEP_FILL,
    STEP_AGAIN, /* the maker is gone, or both shrank */
    STEP_STOP,
};

/* Everything that may come between an order and its fill. */
static enum step before_fill(struct msim_engine *engine, struct taker *taker, struct side *side,
                             struct level *level, uint32_t slot, msim_price price,
                             msim_qty *quantity)
{
    struct order *t = &engine->orders[taker->slot];
    struct order *m = &engine->orders[slot];
    const unsigned mode = order_self_trade(t);

    if (taker->amount >= 0) {
        const msim_qty most = affordable(taker->instrument, price, taker->amount);
        if (most == 0)
            return STEP_STOP;
        *quantity = most < *quantity ? most : *quantity;
    }
    if (mode != MSIM_SELF_TRADE_NONE && m->account == t->account) {
        if (mode == MSIM_SELF_TRADE_DECREMENT) {
            decrement(engine, taker, side, level, slot, *quantity, price);
            return taker->stopped ? STEP_STOP : STEP_AGAIN;
        }
        if (mode != MSIM_SELF_TRADE_CANCEL_MAKER)
            taker->stopped = MSIM_CANCEL_SELF_TRADE;
        if (mode != MSIM_SELF_TRADE_CANCEL_TAKER)
            drop_maker(engine, side, level, slot, MSIM_CANCEL_SELF_TRADE);
        return taker->stopped ? STEP_STOP : STEP_AGAIN;
    }
    if (m->bits & BITS_REDUCE_ONLY) {
        *quantity = msim_position_reducible(engine, m, *quantity);
        if (*quantity == 0) {
            drop_maker(engine, side, level, slot, MSIM_CANCEL_REDUCE_ONLY);
            return STEP_AGAIN;
        }
    }
    if (t->bits & BITS_REDUCE_ONLY) {
        *quantity = msim_position_reducible(engine, t, *quantity);
        if (*quantity == 0) {
            taker->stopped = MSIM_CANCEL_REDUCE_ONLY;
            return STEP_STOP;
        }
    }
    if (taker->market && !engine->accounts_off && !can_pay(engine, taker, price, *quantity)) {
        taker->stopped = MSIM_CANCEL_INSUFFICIENT_BALANCE;
        return STEP_STOP;
    }
    return STEP_FILL;
}

/* Returns whether the taker goes on to the next level. */
static bool match_level(struct msim_engine *engine, struct taker *taker, struct side *side,
                        struct level *level, msim_price price)
{
    struct order *t = &engine->orders[taker->slot];
    const bool plain = !taker->market && !(t->bits & BITS_REDUCE_ONLY) &&
                       order_self_trade(t) == MSIM_SELF_TRADE_NONE;

    while (t->leaves > 0 && level->head) {
        const uint32_t slot = level->head;
        struct order *m = &engine->orders[slot];
        msim_qty quantity = m->leaves < t->leaves ? m->leaves : t->leaves;

        if (!plain || m->bits & BITS_REDUCE_ONLY) {
            const enum step step = before_fill(engine, taker, side, level, slot, price, &quantity);
            if (step == STEP_STOP)
                return false;
            if (step == STEP_AGAIN)
                continue;
        }
        fill(engine, taker, slot, price, quantity);
        level->shown -= quantity;
        side->total -= quantity;
        if (m->leaves == 0)
            used_up(engine, side, level, slot);
        else
            event_book_order(engine, slot, MSIM_BOOK_CHANGE, m->leaves);
    }
    return t->leaves > 0;
}

void msim_match(struct msim_engine *engine, struct taker *taker)
{
    const unsigned at = order_side(&engine->orders[taker->slot]) ^ 1;
    struct side *side = &taker->instrument->sides[at];
    bool more = true;

    while (more && side->best <= taker->limit) {
        const int64_t key = side->best;
        const msim_price price = key_price(taker->instrument, at, key);
        struct level *level = side_near(engine, side, key);

        more = match_level(engine, taker, side, level, price);
        event_level(engine, taker->number, at, price, level->shown, level->count);
        if (level->count == 0)
            side_level_remove(engine, side, key);
    }
}
