/*
 * Matching: the best price first, the oldest order first at it, at its own price.
 * This is the way of every order at a level; sweep.c has the short one of nearly all.
 */
#include "engine/fill.h"

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

/*
 * Where the taker cancels makers of its own, or a maker may be reduce-only, what a level shows is
 * not what it gives: the taker may go deeper than its quantity says, so all that it may reach
 * counts.
 */
uint64_t msim_sweep_fills(const struct msim_engine *engine, const struct instrument *instrument,
                          unsigned taker_side, int64_t limit, msim_qty quantity,
                          unsigned self_trade)
{
    const struct side *side = &instrument->sides[taker_side ^ 1];
    const bool certain =
        self_trade != MSIM_SELF_TRADE_CANCEL_MAKER && engine->reduce_only_orders == 0;
    uint64_t fills = 0;

    for (int64_t key = side->best; key <= limit && key != KEY_NONE && quantity > 0;
         key = msim_side_after(engine, side, key)) {
        const struct level *level = msim_side_level(engine, side, key);
        fills += level_fills(engine, level) + 1;
        if (certain)
            quantity -= level->shown + level->hidden;
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
 * Orders of its own do not fill it where self-trades are prevented or nothing would be
 * reduced by them, and a reduce-only order may shrink before its turn comes: neither is
 * counted on.
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
            const bool own = maker->account == taker->account;
            const bool stops = mode == MSIM_SELF_TRADE_NONE ? taker->bits & BITS_REDUCE_ONLY
                                                            : mode != MSIM_SELF_TRADE_CANCEL_MAKER;
            if (own && stops)
                return false;
            if ((own && mode != MSIM_SELF_TRADE_NONE) || maker->bits & BITS_REDUCE_ONLY)
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
    const uint32_t excess = order_excess(engine, order);
    struct balance *balance = balance_of(engine, order->account, held_asset(instrument, side));
    const int64_t released = hold_of(instrument, side, price, from, excess) -
                             hold_of(instrument, side, price, to, excess);

    balance->held -= released;
    balance->free += released;
}

static void forget(struct msim_engine *engine, uint32_t slot, uint8_t status)
{
    const struct order *order = &engine->orders[slot];

    if (order->bits & BITS_CLIENT)
        msim_client_finish(engine, slot,
                           order->quantity - order->leaves - order_hidden(engine, order), status);
    order_give(engine, slot, LANE_ANY);
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

/*
 * A fee in the quote asset, counted by order: of all that it traded, rounded up once.  What the
 * earlier fills' rounding took too much is set against this one.
 */
static int64_t counted_fee(struct msim_engine *engine, const struct order *order, uint32_t rate,
                           int64_t notional)
{
    uint32_t *excess = &engine->excess[order_slot(engine, order)];
    const int64_t fee = fee_with(notional, rate, *excess);

    *excess =
        (uint32_t)((msim_int128)fee * MSIM_FEE_SCALE - ((msim_int128)notional * rate - *excess));
    return fee;
}

/* The buyer's fee: in what it receives, or in what it pays. */
static int64_t buyer_fee(struct msim_engine *engine, const struct instrument *instrument,
                         const struct order *order, uint32_t rate, int64_t received,
                         int64_t notional, struct balance *base, struct balance *quote)
{
    int64_t fee;

    base->free += received;
    if (instrument->fee_mode == MSIM_FEE_RECEIVED) {
        fee = fee_of(received, rate);
        base->free -= fee;
        engine->assets[instrument->base].fees += fee;
        return fee;
    }
    fee = counted_fee(engine, order, rate, notional);
    quote->free -= fee;
    engine->assets[instrument->quote].fees += fee;
    return fee;
}

static int64_t seller_fee(struct msim_engine *engine, const struct instrument *instrument,
                          const struct order *order, uint32_t rate, int64_t notional,
                          struct balance *quote)
{
    const int64_t fee = instrument->fee_mode == MSIM_FEE_RECEIVED
                            ? fee_of(notional, rate)
                            : counted_fee(engine, order, rate, notional);

    quote->free += notional - fee;
    engine->assets[instrument->quote].fees += fee;
    return fee;
}

/*
 * A buyer's side of a fill: its hold gives what it held for the quantity, the trade and its fee are
 * paid, and the rest is free.  Its open quantity is still what it was.
 */
static int64_t buy_settle(struct msim_engine *engine, const struct instrument *it,
                          const struct order *order, bool holds, uint32_t rate, msim_qty quantity,
                          int64_t notional, struct balance *base, struct balance *quote)
{
    const msim_qty open = order_open(engine, order);
    int64_t released = 0;

    if (holds)
        released = hold_of(it, BUY, order->price, open, order_excess(engine, order));
    const int64_t fee =
        buyer_fee(engine, it, order, rate, quantity * it->base_factor, notional, base, quote);
    if (holds)
        released -= hold_of(it, BUY, order->price, open - quantity, order_excess(engine, order));
    quote->held -= released;
    quote->free += released - notional;
    return fee;
}

/* Money and positions of both; open quantities are still what they were. */
static void settle(struct msim_engine *engine, const struct taker *taker, const struct order *t,
                   const struct order *m, struct fill *fill)
{
    const struct instrument *it = taker->instrument;
    const msim_qty quantity = fill->quantity;
    const int64_t notional = fill->notional;
    const int64_t given = quantity * it->base_factor;
    struct balance *base = balance_of(engine, m->account, it->base);
    struct balance *quote = balance_of(engine, m->account, it->quote);
    struct position *position = position_of(engine, m->account, taker->number);
    struct upper *upper = upper_of(engine, m->account, taker->number);
    struct upper *own = upper_of(engine, t->account, taker->number);

    if (taker->side == BUY) {
        fill->taker_fee = buy_settle(engine, it, t, !taker->market, it->taker_fee, quantity,
                                     notional, taker->in, taker->out);
        base->held -= given;
        fill->maker_fee = seller_fee(engine, it, m, it->maker_fee, notional, quote);
        position_book(taker->position, own, quantity, notional);
        position_book(position, upper, -quantity, notional);
        return;
    }
    fill->maker_fee =
        buy_settle(engine, it, m, true, it->maker_fee, quantity, notional, base, quote);
    if (taker->market)
        taker->out->free -= given;
    else
        taker->out->held -= given;
    fill->taker_fee = seller_fee(engine, it, t, it->taker_fee, notional, taker->in);
    position_book(position, upper, quantity, notional);
    position_book(taker->position, own, -quantity, notional);
}

/* What a side's fee is taken in. */
static uint32_t fee_asset(const struct instrument *it, unsigned side)
{
    return side == BUY && it->fee_mode == MSIM_FEE_RECEIVED ? it->base : it->quote;
}

static void tell_party(struct msim_engine *engine, const struct fill *fill,
                       const struct order *order, uint8_t flags, msim_qty open, int64_t fee,
                       uint32_t fee_asset)
{
    const struct party party = party_of(engine, order, order_slot(engine, order), flags);
    event_word *words = event_words(engine, order->id);

    words[4] = party.client_id;
    words[5] = word_of(fill->instrument, order->account);
    words[6] = word_of(party.slot, party.owner);
    fill_numbers(words, fill, party_kind(&party), open, order->quantity - open, fee, fee_asset);
}

static void tell(struct msim_engine *engine, struct taker *taker, const struct order *t,
                 const struct order *m, const struct fill *fill)
{
    if (engine->events_wanted & MSIM_EVENTS_TRADE) {
        event_word *words = event_words(engine, t->id);
        words[4] = 0;
        words[5] = word_of(fill->instrument, fill->taker_account);
        words[6] = 0;
        words[7] = trade_kind(fill->side);
        trade_numbers(words, fill);
    }
    if (!(engine->events_wanted & MSIM_EVENTS_FILL))
        return;
    tell_party(engine, fill, m, MSIM_EVENT_MAKER, order_open(engine, m), fill->maker_fee,
               fee_asset(taker->instrument, taker->side ^ 1));
    tell_party(engine, fill, t, 0, t->leaves, fill->taker_fee,
               fee_asset(taker->instrument, taker->side));
    taker->last_fill = engine->event_count;
    if (taker->amount >= 0)
        engine->events[engine->event_count - 1].as.fill.leaves = 0;
}

/* Both sides pay, receive, and are told; queues and levels are the caller's. */
static void fill_one(struct msim_engine *engine, struct taker *taker, uint32_t maker_slot,
                     msim_price price, msim_qty quantity)
{
    struct instrument *it = taker->instrument;
    struct order *t = &engine->orders[taker->slot];
    struct order *m = &engine->orders[maker_slot];
    struct fill fill = {
        .trade = engine->next_trade,
        .price = price,
        .quantity = quantity,
        .notional = notional_of(it, price, quantity),
        .maker_order = m->id,
        .taker_order = t->id,
        .maker_account = m->account,
        .taker_account = t->account,
        .instrument = taker->number,
        .side = taker->side,
    };

    if (!engine->accounts_off)
        settle(engine, taker, t, m, &fill);
    t->leaves -= quantity;
    m->leaves -= quantity;
    if (taker->amount >= 0)
        taker->amount -= fill.notional;
    fill_keep(trade_place(engine, fill.trade), &fill);
    tell(engine, taker, t, m, &fill);
    if (!engine->accounts_off) {
        event_balance(engine, m->account, it->base);
        event_balance(engine, m->account, it->quote);
        msim_event_position(engine, m->account, taker->number);
    }
    engine->next_trade = fill.trade + 1;
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

static uint8_t open_status(const struct msim_engine *engine, const struct order *order)
{
    return order_open(engine, order) < order->quantity ? MSIM_STATUS_PARTIALLY_FILLED
                                                       : MSIM_STATUS_OPEN;
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
        msim_event_order(engine, MSIM_EVENT_REPLACED, taker->slot, 0, open_status(engine, t));
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
    msim_event_order(engine, MSIM_EVENT_REPLACED, slot, 0, open_status(engine, m));
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
    const int64_t fee = fee_with(needed, instrument->taker_fee, order_excess(engine, t));
    return msim_add_check(needed, fee, &needed) && needed <= free;
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
    /* A trade with oneself reduces nothing, and one that did not would never come to an end. */
    const bool own = m->account == t->account;
    if (m->bits & BITS_REDUCE_ONLY) {
        *quantity = own ? 0 : msim_position_reducible(engine, m, *quantity);
        if (*quantity == 0) {
            drop_maker(engine, side, level, slot, MSIM_CANCEL_REDUCE_ONLY);
            return STEP_AGAIN;
        }
    }
    if (t->bits & BITS_REDUCE_ONLY) {
        *quantity = own ? 0 : msim_position_reducible(engine, t, *quantity);
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

bool msim_match_level(struct msim_engine *engine, struct taker *taker, struct side *side,
                      struct level *level, msim_price price, bool checked)
{
    struct order *t = &engine->orders[taker->slot];

    while (t->leaves > 0 && level->head) {
        const uint32_t slot = level->head;
        struct order *m = &engine->orders[slot];
        msim_qty quantity = m->leaves < t->leaves ? m->leaves : t->leaves;

        if (checked || m->bits & BITS_REDUCE_ONLY) {
            const enum step step = before_fill(engine, taker, side, level, slot, price, &quantity);
            if (step == STEP_STOP)
                return false;
            if (step == STEP_AGAIN)
                continue;
        }
        fill_one(engine, taker, slot, price, quantity);
        level->shown -= quantity;
        side->total -= quantity;
        if (m->leaves == 0)
            used_up(engine, side, level, slot);
        else
            event_book_order(engine, slot, MSIM_BOOK_CHANGE, m->leaves);
    }
    return t->leaves > 0;
}
