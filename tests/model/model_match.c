/*
 * The model: orders end, meet each other, and are triggered.
 */
#include "parts.h"

/* Orders come to be and end. */

static void forget(struct model *m, struct order *o, uint8_t status)
{
    const uint32_t account = o->asked.account;
    size_t at = 0;
    while (m->live[at] != o)
        at++;
    memmove(&m->live[at], &m->live[at + 1], (m->live_count - at - 1) * sizeof m->live[0]);
    m->live_count--;
    if (o->asked.client_id) {
        struct done *list = m->done[account];
        if (m->done_count[account] == m->setup.finished_ids) {
            memmove(&list[0], &list[1], (m->done_count[account] - 1) * sizeof list[0]);
            m->done_count[account]--;
        }
        list[m->done_count[account]++] = (struct done){o->content, o->id, o->filled, status};
    }
    m->free_slots[m->free_count++] = o->slot;
    free(o);
}

void model_leave_queue(struct model *m, struct order *o)
{
    size_t at = 0;
    while (m->queue[at] != o)
        at++;
    memmove(&m->queue[at], &m->queue[at + 1], (m->queue_count - at - 1) * sizeof m->queue[0]);
    m->queue_count--;
    o->where = NOWHERE;
}

void model_leave_book(struct model *m, struct order *o)
{
    o->where = NOWHERE;
    model_tell_l3(m, o, MSIM_BOOK_DELETE, 0);
    model_tell_level(m, o->asked.instrument, o->asked.side, o->asked.price);
}

void model_end(struct model *m, struct order *o, uint8_t kind, uint8_t code)
{
    const uint8_t status = kind == MSIM_EVENT_EXPIRED ? MSIM_STATUS_EXPIRED : MSIM_STATUS_CANCELLED;
    model_tell_order(m, kind, o, code, status);
    if (o->where == BOOK)
        model_leave_book(m, o);
    model_rehold(m, o, model_hold_now(m, o), 0);
    model_tell_balance(m, o->asked.account,
                       model_paying(&m->markets[o->asked.instrument], o->asked.side));
    forget(m, o, status);
}

/* Matching. */

msim_qty model_for_amount(const struct market *k, msim_price price, int64_t amount)
{
    const msim_qty quantity = (msim_qty)((wide)amount / ((wide)price * k->quote_factor));
    return quantity / k->p.lot * k->p.lot;
}

static void tell_fill(struct model *m, const struct market *k, const struct order *o, bool maker,
                      msim_price price, msim_qty quantity, int64_t paid)
{
    const msim_qty open = o->shown + o->hidden;
    struct msim_event *e = model_tell(m, MSIM_EVENT_FILL);
    e->order = o->id;
    e->client_id = o->asked.client_id;
    e->instrument = o->asked.instrument;
    e->account = o->asked.account;
    e->slot = o->slot;
    e->owner = o->asked.owner;
    e->side = o->asked.side;
    e->type = o->asked.type;
    e->time_in_force = o->asked.time_in_force;
    e->flags = maker ? MSIM_EVENT_MAKER : 0;
    e->status = open ? MSIM_STATUS_PARTIALLY_FILLED : MSIM_STATUS_FILLED;
    e->as.fill.trade = m->next_trade;
    e->as.fill.price = price;
    e->as.fill.quantity = quantity;
    e->as.fill.leaves = open;
    e->as.fill.filled = o->filled;
    e->as.fill.notional = (int64_t)model_notional(k, price, quantity);
    e->as.fill.fee = paid;
    e->as.fill.fee_asset = o->asked.side == MSIM_SIDE_BUY && k->p.fee_mode == MSIM_FEE_RECEIVED
                               ? k->p.base_asset
                               : k->p.quote_asset;
}

/* One side's money for a fill; its open quantity is still what it was.  The fee it paid. */
static int64_t settle(struct model *m, const struct market *k, struct order *o, bool market,
                      uint32_t rate, msim_price price, msim_qty quantity)
{
    int64_t *quote = &m->free[o->asked.account][k->p.quote_asset];
    int64_t *base = &m->free[o->asked.account][k->p.base_asset];
    const wide value = model_notional(k, price, quantity);
    const wide given = (wide)quantity * k->base_factor;
    const msim_qty open = o->shown + o->hidden;
    wide paid;

    if (m->setup.accounts_off)
        return 0;
    const wide before = model_hold_for(k, o, o->asked.price, open);
    if (k->p.fee_mode == MSIM_FEE_QUOTE)
        paid = model_count_fee(o, value, rate);
    else
        paid = model_fee(o->asked.side == MSIM_SIDE_SELL ? value : given, rate);
    if (!market)
        model_rehold(m, o, before, model_hold_for(k, o, o->asked.price, open - quantity));
    if (o->asked.side == MSIM_SIDE_SELL) {
        *base -= (int64_t)given;
        *quote += (int64_t)(value - paid);
        m->fees[k->p.quote_asset] += (int64_t)paid;
        return (int64_t)paid;
    }
    *quote -= (int64_t)value;
    if (k->p.fee_mode == MSIM_FEE_RECEIVED) {
        *base += (int64_t)(given - paid);
        m->fees[k->p.base_asset] += (int64_t)paid;
        return (int64_t)paid;
    }
    *quote -= (int64_t)paid;
    *base += (int64_t)given;
    m->fees[k->p.quote_asset] += (int64_t)paid;
    return (int64_t)paid;
}

static void trade(struct model *m, struct taking *t, struct order *maker, msim_qty quantity)
{
    const struct market *k = t->k;
    struct order *o = t->o;
    const msim_price price = maker->asked.price;
    const uint32_t number = o->asked.instrument;
    const wide value = model_notional(k, price, quantity);
    const bool buys = o->asked.side == MSIM_SIDE_BUY;
    int64_t paid[2]; /* maker, taker */

    if (buys) {
        paid[1] = settle(m, k, o, t->market, k->p.taker_fee, price, quantity);
        paid[0] = settle(m, k, maker, false, k->p.maker_fee, price, quantity);
    } else {
        paid[0] = settle(m, k, maker, false, k->p.maker_fee, price, quantity);
        paid[1] = settle(m, k, o, t->market, k->p.taker_fee, price, quantity);
    }
    if (!m->setup.accounts_off) {
        const uint32_t buyer = buys ? o->asked.account : maker->asked.account;
        const uint32_t seller = buys ? maker->asked.account : o->asked.account;
        model_book_position(&m->positions[buyer][number], quantity, value);
        model_book_position(&m->positions[seller][number], -(wide)quantity, value);
    }
    o->shown -= quantity;
    o->filled += quantity;
    maker->shown -= quantity;
    maker->filled += quantity;
    if (t->amount >= 0)
        t->amount -= (int64_t)value;
    t->k->last = price;
    t->k->last_trade = m->next_trade;
    t->low = !t->traded || price < t->low ? price : t->low;
    t->high = !t->traded || price > t->high ? price : t->high;
    t->traded = true;

    if (m->deal_count == m->setup.trade_history) {
        memmove(&m->deals[0], &m->deals[1], (m->deal_count - 1) * sizeof m->deals[0]);
        m->deal_count--;
    }
    m->deals[m->deal_count++] = (struct deal){m->next_trade,
                                              price,
                                              quantity,
                                              maker->id,
                                              o->id,
                                              paid[0],
                                              paid[1],
                                              maker->asked.account,
                                              o->asked.account,
                                              number,
                                              o->asked.side,
                                              false};

    struct msim_event *e = model_tell(m, MSIM_EVENT_TRADE);
    e->order = o->id;
    e->instrument = number;
    e->account = o->asked.account;
    e->side = o->asked.side;
    e->as.trade.trade = m->next_trade;
    e->as.trade.price = price;
    e->as.trade.quantity = quantity;
    e->as.trade.notional = (int64_t)value;
    e->as.trade.maker_order = maker->id;
    e->as.trade.taker_order = o->id;
    e->as.trade.maker_account = maker->asked.account;
    e->as.trade.taker_account = o->asked.account;
    tell_fill(m, k, maker, true, price, quantity, paid[0]);
    tell_fill(m, k, o, false, price, quantity, paid[1]);
    t->last_fill = m->event_count;
    if (t->amount >= 0) {
        m->events[m->event_count - 1].as.fill.leaves = 0;
        m->events[m->event_count - 1].status = MSIM_STATUS_PARTIALLY_FILLED;
    }
    model_tell_balance(m, maker->asked.account, k->p.base_asset);
    model_tell_balance(m, maker->asked.account, k->p.quote_asset);
    model_tell_position(m, maker->asked.account, number);
    m->next_trade++;
}

/* A maker whose shown part is gone: the next part, at the end of the line. */
static void show_next_part(struct model *m, struct order *maker)
{
    const msim_qty display = maker->asked.display_quantity;
    model_tell_l3(m, maker, MSIM_BOOK_DELETE, 0);
    maker->shown = display < maker->hidden ? display : maker->hidden;
    maker->hidden -= maker->shown;
    maker->rank = m->next_rank++;
    model_tell_l3(m, maker, MSIM_BOOK_ADD, maker->shown);
}

static void drop(struct model *m, struct order *maker, uint8_t code)
{
    model_tell_order(m, MSIM_EVENT_CANCELLED, maker, code, MSIM_STATUS_CANCELLED);
    maker->where = NOWHERE;
    model_tell_l3(m, maker, MSIM_BOOK_DELETE, 0);
    model_rehold(m, maker, model_hold_now(m, maker), 0);
    model_tell_balance(m, maker->asked.account,
                       model_paying(&m->markets[maker->asked.instrument], maker->asked.side));
    forget(m, maker, MSIM_STATUS_CANCELLED);
}

static void lose(struct model *m, struct order *o, msim_qty quantity, bool holds)
{
    const wide before = model_hold_now(m, o);
    o->shown -= quantity;
    o->asked.quantity -= quantity;
    if (holds)
        model_rehold(m, o, before, model_hold_now(m, o));
}

static uint8_t open_status(const struct order *o)
{
    return o->filled > 0 ? MSIM_STATUS_PARTIALLY_FILLED : MSIM_STATUS_OPEN;
}

static void decrement(struct model *m, struct taking *t, struct order *maker, msim_qty quantity)
{
    lose(m, t->o, quantity, !t->market);
    if (t->amount >= 0)
        t->amount -= (int64_t)model_notional(t->k, maker->asked.price, quantity);
    else if (t->o->shown > 0)
        model_tell_order(m, MSIM_EVENT_REPLACED, t->o, 0, open_status(t->o));
    else
        t->stopped = MSIM_CANCEL_SELF_TRADE;
    lose(m, maker, quantity, true);
    if (maker->shown + maker->hidden == 0) {
        drop(m, maker, MSIM_CANCEL_SELF_TRADE);
        return;
    }
    if (maker->shown > 0)
        model_tell_l3(m, maker, MSIM_BOOK_CHANGE, maker->shown);
    else
        show_next_part(m, maker);
    model_tell_order(m, MSIM_EVENT_REPLACED, maker, 0, open_status(maker));
    model_tell_balance(m, maker->asked.account, model_paying(t->k, maker->asked.side));
}

static bool can_pay(const struct model *m, const struct taking *t, msim_price price,
                    msim_qty quantity)
{
    const struct order *o = t->o;
    const wide value = model_notional(t->k, price, quantity);
    struct order after = *o;
    wide needed = o->asked.side == MSIM_SIDE_SELL ? (wide)quantity * t->k->base_factor : value;
    if (o->asked.side == MSIM_SIDE_BUY && t->k->p.fee_mode == MSIM_FEE_QUOTE)
        needed += model_count_fee(&after, value, t->k->p.taker_fee);
    return needed <= m->free[o->asked.account][model_paying(t->k, o->asked.side)];
}

/* One step with one maker; false where the taker is to stop. */
static bool meet(struct model *m, struct taking *t, struct order *maker)
{
    struct order *o = t->o;
    const uint8_t mode = o->asked.self_trade;
    msim_qty quantity = maker->shown < o->shown ? maker->shown : o->shown;

    if (t->amount >= 0) {
        const msim_qty most = model_for_amount(t->k, maker->asked.price, t->amount);
        if (most == 0)
            return false;
        quantity = most < quantity ? most : quantity;
    }
    if (mode != MSIM_SELF_TRADE_NONE && maker->asked.account == o->asked.account) {
        if (mode == MSIM_SELF_TRADE_DECREMENT) {
            decrement(m, t, maker, quantity);
            return !t->stopped;
        }
        if (mode != MSIM_SELF_TRADE_CANCEL_MAKER)
            t->stopped = MSIM_CANCEL_SELF_TRADE;
        if (mode != MSIM_SELF_TRADE_CANCEL_TAKER)
            drop(m, maker, MSIM_CANCEL_SELF_TRADE);
        return !t->stopped;
    }
    /* Who trades with himself has afterwards what he had: nothing is reduced. */
    const bool himself = maker->asked.account == o->asked.account;
    if (maker->asked.flags & MSIM_COMMAND_REDUCE_ONLY) {
        quantity = himself ? 0 : model_reducible(m, maker, quantity);
        if (quantity == 0) {
            drop(m, maker, MSIM_CANCEL_REDUCE_ONLY);
            return true;
        }
    }
    if (o->asked.flags & MSIM_COMMAND_REDUCE_ONLY) {
        quantity = himself ? 0 : model_reducible(m, o, quantity);
        if (quantity == 0) {
            t->stopped = MSIM_CANCEL_REDUCE_ONLY;
            return false;
        }
    }
    if (t->market && !m->setup.accounts_off && !can_pay(m, t, maker->asked.price, quantity)) {
        t->stopped = MSIM_CANCEL_INSUFFICIENT_BALANCE;
        return false;
    }
    trade(m, t, maker, quantity);
    if (maker->shown > 0) {
        model_tell_l3(m, maker, MSIM_BOOK_CHANGE, maker->shown);
    } else if (maker->hidden > 0) {
        show_next_part(m, maker);
    } else {
        maker->where = NOWHERE;
        model_tell_l3(m, maker, MSIM_BOOK_DELETE, 0);
        forget(m, maker, MSIM_STATUS_FILLED);
    }
    return true;
}

static void match(struct model *m, struct taking *t)
{
    const uint32_t number = t->o->asked.instrument;
    const uint8_t side = model_opposite(t->o->asked.side);
    struct order *maker = model_next_in_line(m, number, side, NULL);
    bool more = true;

    while (more && maker && model_reaches(t->o->asked.side, t->limit, maker->asked.price)) {
        const msim_price price = maker->asked.price;
        uint64_t count_before;
        uint64_t count;
        const wide before = model_level_total(m, number, side, price, &count_before);
        while (more && maker && maker->asked.price == price) {
            more = meet(m, t, maker) && t->o->shown > 0;
            maker = model_next_in_line(m, number, side, NULL);
        }
        if (model_level_total(m, number, side, price, &count) != before || count != count_before)
            model_tell_level(m, number, side, price);
    }
}

static uint8_t starved(const struct model *m, const struct order *o)
{
    return model_next_in_line(m, o->asked.instrument, model_opposite(o->asked.side), NULL)
               ? MSIM_CANCEL_PRICE_BAND
               : MSIM_CANCEL_NO_LIQUIDITY;
}

static void cancel_in_hand(struct model *m, struct order *o, uint8_t code)
{
    model_tell_order(m, MSIM_EVENT_CANCELLED, o, code, MSIM_STATUS_CANCELLED);
    forget(m, o, MSIM_STATUS_CANCELLED);
}

static void finish(struct model *m, struct taking *t)
{
    struct order *o = t->o;
    const uint8_t tif = o->asked.time_in_force;
    uint8_t code = t->stopped;

    if (t->amount >= 0) {
        const struct order *maker =
            model_next_in_line(m, o->asked.instrument, model_opposite(o->asked.side), NULL);
        const bool out = !maker || !model_reaches(o->asked.side, t->limit, maker->asked.price);
        o->shown = 0;
        o->asked.quantity = o->filled;
        if (!code && (out || !t->traded))
            code = out ? starved(m, o) : MSIM_CANCEL_NO_LIQUIDITY;
        if (code) {
            cancel_in_hand(m, o, code);
            return;
        }
        m->events[t->last_fill - 1].status = MSIM_STATUS_FILLED;
        forget(m, o, MSIM_STATUS_FILLED);
        return;
    }
    if (o->shown == 0 && !code) {
        forget(m, o, MSIM_STATUS_FILLED);
        return;
    }
    if (!code && t->market)
        code = starved(m, o);
    else if (!code && tif == MSIM_TIF_IOC)
        code = MSIM_CANCEL_IOC;
    else if (!code && tif == MSIM_TIF_FOK)
        code = MSIM_CANCEL_FOK;
    if (code) {
        if (!t->market)
            model_rehold(m, o, model_hold_now(m, o), 0);
        cancel_in_hand(m, o, code);
        return;
    }
    if (o->asked.display_quantity && o->shown > o->asked.display_quantity) {
        o->hidden = o->shown - o->asked.display_quantity;
        o->shown = o->asked.display_quantity;
    }
    o->where = BOOK;
    o->rank = m->next_rank++;
    model_tell_l3(m, o, MSIM_BOOK_ADD, o->shown);
    model_tell_level(m, o->asked.instrument, o->asked.side, o->asked.price);
}

bool model_rising(const struct order *o)
{
    const bool stop = o->asked.type == MSIM_ORDER_STOP || o->asked.type == MSIM_ORDER_STOP_LIMIT;
    return (o->asked.side == MSIM_SIDE_BUY) == stop;
}

void model_enqueue(struct model *m, struct order *o)
{
    o->where = QUEUE;
    m->queue[m->queue_count++] = o;
}

/* Rising ones by rising price, then falling ones by falling price; at one price the oldest first.
 */
static void fire(struct model *m, uint32_t instrument, msim_price low, msim_price high)
{
    for (int falling = 0; falling < 2; falling++) {
        for (;;) {
            struct order *found = NULL;
            for (size_t i = 0; i < m->live_count; i++) {
                struct order *o = m->live[i];
                if (o->where != TRIGGER || o->asked.instrument != instrument ||
                    model_rising(o) == falling)
                    continue;
                const msim_price stop = o->asked.stop_price;
                if (falling ? stop < low : stop > high)
                    continue;
                if (!found ||
                    (falling ? stop > found->asked.stop_price : stop < found->asked.stop_price) ||
                    (stop == found->asked.stop_price && o->rank < found->rank))
                    found = o;
            }
            if (!found)
                break;
            model_enqueue(m, found);
        }
    }
}

void model_execute(struct model *m, struct taking *t)
{
    const uint32_t account = t->o->asked.account;
    const uint32_t number = t->o->asked.instrument;
    const uint8_t side = t->o->asked.side;

    if (!t->stopped)
        match(m, t);
    finish(m, t);
    model_tell_balance(m, account, model_paying(t->k, side));
    if (!t->traded)
        return;
    model_tell_balance(m, account, model_paying(t->k, model_opposite(side)));
    model_tell_position(m, account, number);
    fire(m, number, t->low, t->high);
}
