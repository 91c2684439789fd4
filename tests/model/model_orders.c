/*
 * The model: orders come in and change.
 */
#include "parts.h"

/* New orders. */

static bool priced(uint8_t type)
{
    return type == MSIM_ORDER_LIMIT || type == MSIM_ORDER_STOP_LIMIT ||
           type == MSIM_ORDER_TAKE_PROFIT_LIMIT;
}

static bool in_band(const struct market *k, msim_price price)
{
    const wide middle = k->last ? k->last : k->p.reference_price;
    return !k->p.band || !middle ||
           model_size_of((wide)price - middle) * MSIM_FEE_SCALE <= middle * k->p.band;
}

/* The worst price that a market order takes; 0 for any. */
static msim_price band_end(const struct market *k, uint8_t side)
{
    const wide middle = k->last ? k->last : k->p.reference_price;
    if (!k->p.band || !middle)
        return 0;
    const wide room = middle * k->p.band / MSIM_FEE_SCALE;
    const wide end = side == MSIM_SIDE_BUY ? middle + room : middle - room;
    return end > INT64_MAX ? INT64_MAX : end < 1 ? 1 : (msim_price)end;
}

/* What the book would give a market order: by level, as if every order there could trade. */
static void sweep(const struct model *m, const struct market *k, const struct msim_command *c,
                  msim_price limit, wide *quantity, wide *cost)
{
    const struct order *o = NULL;
    *quantity = *cost = 0;
    while ((o = model_next_in_line(m, c->instrument, model_opposite(c->side), o)) &&
           model_reaches(c->side, limit, o->asked.price)) {
        const msim_price price = o->asked.price;
        wide there = 0;
        wide wanted = c->amount ? model_for_amount(k, price, (int64_t)(c->amount - *cost))
                                : c->quantity - *quantity;
        const struct order *last = o;
        for (; o && o->asked.price == price;
             o = model_next_in_line(m, c->instrument, model_opposite(c->side), o)) {
            there += o->shown + o->hidden;
            last = o;
        }
        o = last;
        const wide taken = wanted < there ? wanted : there;
        *quantity += taken;
        *cost += taken * price * k->quote_factor;
        if (wanted < there || (!c->amount && *quantity == c->quantity))
            return;
    }
}

static uint8_t check_fields(const struct model *m, const struct msim_command *c)
{
    const bool at_once = c->time_in_force == MSIM_TIF_IOC || c->time_in_force == MSIM_TIF_FOK;
    const bool trigger = c->type >= MSIM_ORDER_STOP;

    if (c->instrument >= m->market_count)
        return MSIM_REJECT_UNKNOWN_SYMBOL;
    if (c->account >= m->setup.max_accounts)
        return MSIM_REJECT_UNKNOWN_ACCOUNT;
    if (c->side != MSIM_SIDE_BUY && c->side != MSIM_SIDE_SELL)
        return MSIM_REJECT_INVALID_FIELD;
    if (c->type < MSIM_ORDER_LIMIT || c->type > MSIM_ORDER_TAKE_PROFIT_LIMIT ||
        c->time_in_force > MSIM_TIF_DAY || c->self_trade > MSIM_SELF_TRADE_DECREMENT ||
        c->flags > (MSIM_COMMAND_POST_ONLY | MSIM_COMMAND_REDUCE_ONLY))
        return MSIM_REJECT_INVALID_FIELD;
    if (trigger != (c->stop_price != 0) ||
        (c->time_in_force == MSIM_TIF_GTD) != (c->expires_at != 0))
        return MSIM_REJECT_INVALID_FIELD;
    if (!priced(c->type) && (c->price || c->display_quantity || c->time_in_force == MSIM_TIF_FOK ||
                             c->flags & MSIM_COMMAND_POST_ONLY))
        return MSIM_REJECT_INVALID_FIELD;
    if (c->type == MSIM_ORDER_MARKET ? c->time_in_force > MSIM_TIF_IOC || !c->amount == !c->quantity
                                     : c->amount != 0)
        return MSIM_REJECT_INVALID_FIELD;
    if (at_once && (c->display_quantity || c->flags & MSIM_COMMAND_POST_ONLY))
        return MSIM_REJECT_INVALID_FIELD;
    if (c->flags & MSIM_COMMAND_REDUCE_ONLY && (m->setup.accounts_off || c->amount))
        return MSIM_REJECT_INVALID_FIELD;
    return 0;
}

static uint8_t check_quantity(const struct market *k, msim_qty quantity)
{
    if (quantity < k->p.min_quantity || quantity > k->p.max_quantity)
        return MSIM_REJECT_OUT_OF_RANGE;
    if (quantity % k->p.lot != 0)
        return MSIM_REJECT_OFF_LOT;
    return (wide)quantity * k->base_factor > INT64_MAX ? MSIM_REJECT_OVERFLOW : 0;
}

static uint8_t check_price(const struct market *k, msim_price price)
{
    if (price < k->p.min_price || price > k->p.max_price)
        return MSIM_REJECT_OUT_OF_RANGE;
    return price % k->p.tick != 0 ? MSIM_REJECT_OFF_TICK : 0;
}

/* `open` must be able to hold; `quantity`, the order's in all, be worth something. */
static uint8_t check_worth(const struct market *k, const struct order *o, msim_price price,
                           msim_qty open, msim_qty quantity)
{
    if (model_notional(k, price, open) > INT64_MAX || model_hold_for(k, o, price, open) > INT64_MAX)
        return MSIM_REJECT_OVERFLOW;
    return model_notional(k, price, quantity) < k->p.min_notional ? MSIM_REJECT_MIN_NOTIONAL : 0;
}

/* Whether all that is open on a side would still fit with so much more. */
static bool side_holds(const struct model *m, uint32_t instrument, uint8_t side, wide more)
{
    for (size_t i = 0; i < m->live_count; i++)
        if (model_rests(m->live[i], instrument, side))
            more += m->live[i]->shown + m->live[i]->hidden;
    return more <= INT64_MAX;
}

static bool met(const struct market *k, const struct order *o)
{
    return k->last &&
           (model_rising(o) ? k->last >= o->asked.stop_price : k->last <= o->asked.stop_price);
}

static uint8_t check_market(const struct model *m, const struct market *k,
                            const struct msim_command *c)
{
    const struct order *best = model_next_in_line(m, c->instrument, model_opposite(c->side), NULL);
    const msim_price limit = band_end(k, c->side);
    wide quantity;
    wide cost;

    if (!best)
        return MSIM_REJECT_NO_LIQUIDITY;
    if (!model_reaches(c->side, limit, best->asked.price))
        return MSIM_REJECT_PRICE_BAND;
    sweep(m, k, c, limit, &quantity, &cost);
    const wide worth =
        c->amount ? c->amount : (wide)best->asked.price * c->quantity * k->quote_factor;
    if (worth < k->p.min_notional || quantity == 0)
        return MSIM_REJECT_MIN_NOTIONAL;
    if (m->setup.accounts_off)
        return 0;
    wide needed = c->side == MSIM_SIDE_SELL ? (c->amount ? quantity : c->quantity) * k->base_factor
                  : c->amount               ? c->amount
                                            : cost;
    if (needed <= INT64_MAX && c->side == MSIM_SIDE_BUY && k->p.fee_mode == MSIM_FEE_QUOTE)
        needed += model_fee(needed, k->p.taker_fee);
    return needed > m->free[c->account][model_paying(k, c->side)] ? MSIM_REJECT_INSUFFICIENT_BALANCE
                                                                  : 0;
}

static bool meets_other_side(const struct model *m, uint32_t instrument, uint8_t side,
                             msim_price price)
{
    const struct order *best = model_next_in_line(m, instrument, model_opposite(side), NULL);
    return best && model_reaches(side, price, best->asked.price);
}

static uint8_t check_terms(const struct model *m, const struct msim_command *c)
{
    const struct market *k = &m->markets[c->instrument];
    const struct order as_order = {.asked = *c};
    const bool trigger = c->type >= MSIM_ORDER_STOP;
    uint8_t code;

    if (k->p.state == MSIM_STATE_HALTED || k->p.state == MSIM_STATE_CANCEL_ONLY)
        return MSIM_REJECT_NOT_TRADING;
    if (k->p.state == MSIM_STATE_POST_ONLY &&
        (c->type == MSIM_ORDER_MARKET ||
         (c->type == MSIM_ORDER_LIMIT &&
          (c->time_in_force == MSIM_TIF_IOC || c->time_in_force == MSIM_TIF_FOK)) ||
         (trigger && met(k, &as_order))))
        return MSIM_REJECT_NOT_TRADING;
    if ((c->time_in_force == MSIM_TIF_GTD && c->expires_at <= m->time) || c->amount < 0)
        return MSIM_REJECT_OUT_OF_RANGE;
    if (!c->amount && (code = check_quantity(k, c->quantity)))
        return code;
    if (c->display_quantity) {
        if (c->display_quantity < 0 || c->display_quantity > c->quantity)
            return MSIM_REJECT_OUT_OF_RANGE;
        if (c->display_quantity % k->p.lot != 0)
            return MSIM_REJECT_OFF_LOT;
        if (c->quantity / c->display_quantity > MSIM_MAX_ICEBERG_PARTS)
            return MSIM_REJECT_LIMIT;
    }
    if (priced(c->type) && (code = check_price(k, c->price)))
        return code;
    if (trigger && (code = check_price(k, c->stop_price)))
        return code;
    if (c->type != MSIM_ORDER_MARKET &&
        (code = check_worth(k, &as_order, c->price ? c->price : c->stop_price, c->quantity,
                            c->quantity)))
        return code;
    if (c->type == MSIM_ORDER_LIMIT && !in_band(k, c->price))
        return MSIM_REJECT_PRICE_BAND;
    if (c->flags & MSIM_COMMAND_REDUCE_ONLY &&
        model_reducible(m, &as_order, c->quantity) < c->quantity)
        return MSIM_REJECT_REDUCE_ONLY;
    if (c->type == MSIM_ORDER_MARKET)
        return check_market(m, k, c);
    if (c->type == MSIM_ORDER_LIMIT &&
        (c->flags & MSIM_COMMAND_POST_ONLY || k->p.state == MSIM_STATE_POST_ONLY) &&
        meets_other_side(m, c->instrument, c->side, c->price))
        return MSIM_REJECT_WOULD_TAKE;
    if (priced(c->type) && !side_holds(m, c->instrument, c->side, c->quantity))
        return MSIM_REJECT_OVERFLOW;
    if (!m->setup.accounts_off &&
        model_hold_for(k, &as_order, c->price ? c->price : c->stop_price, c->quantity) >
            m->free[c->account][model_paying(k, c->side)])
        return MSIM_REJECT_INSUFFICIENT_BALANCE;
    return 0;
}

/* Whether others fill it wholly: own orders are skipped or stop it, reduce-only ones do not count.
 */
static bool fillable(const struct model *m, const struct order *taker)
{
    const uint8_t side = model_opposite(taker->asked.side);
    const uint8_t mode = taker->asked.self_trade;
    const uint32_t number = taker->asked.instrument;
    msim_qty missing = taker->shown;
    const struct order *o = model_next_in_line(m, number, side, NULL);

    while (o && model_reaches(taker->asked.side, taker->asked.price, o->asked.price)) {
        const msim_price price = o->asked.price;
        msim_qty later = 0;
        for (; o && o->asked.price == price; o = model_next_in_line(m, number, side, o)) {
            const bool own = mode && o->asked.account == taker->asked.account;
            if (own && mode != MSIM_SELF_TRADE_CANCEL_MAKER)
                return false;
            if (taker->asked.flags & MSIM_COMMAND_REDUCE_ONLY && !mode &&
                o->asked.account == taker->asked.account)
                return false;
            if (own || o->asked.flags & MSIM_COMMAND_REDUCE_ONLY)
                continue;
            missing -= o->shown;
            later += o->hidden;
            if (missing <= 0)
                return true;
        }
        missing -= later;
        if (missing <= 0)
            return true;
    }
    return false;
}

/* What makes two orders the same to a client: everything but who sends it, when and with what hint.
 */
static struct msim_command content(const struct msim_command *c)
{
    return (struct msim_command){
        .side = c->side,
        .type = c->type,
        .time_in_force = c->time_in_force,
        .self_trade = c->self_trade,
        .flags = c->flags,
        .instrument = c->instrument,
        .price = c->price,
        .quantity = c->quantity,
        .client_id = c->client_id,
        .stop_price = c->stop_price,
        .display_quantity = c->display_quantity,
        .amount = c->amount,
        .expires_at = c->expires_at,
    };
}

static bool same(const struct msim_command *a, const struct msim_command *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static bool repeated(struct model *m, const struct msim_command *c)
{
    const struct msim_command wanted = content(c);
    for (size_t i = 0; i < m->live_count && c->client_id; i++) {
        const struct order *o = m->live[i];
        if (o->asked.account != c->account || o->asked.client_id != c->client_id)
            continue;
        if (!same(&o->content, &wanted)) {
            model_refuse(m, c, MSIM_REJECT_DUPLICATE_CLIENT_ID);
            return true;
        }
        const uint8_t status = o->where == TRIGGER ? MSIM_STATUS_WAITING
                               : o->shown + o->hidden < o->asked.quantity
                                   ? MSIM_STATUS_PARTIALLY_FILLED
                                   : MSIM_STATUS_OPEN;
        model_tell_order(m, MSIM_EVENT_ACCEPTED, o, 0, status)->flags = MSIM_EVENT_REPEATED;
        return true;
    }
    for (size_t i = 0; i < m->done_count[c->account] && c->client_id; i++) {
        const struct done *d = &m->done[c->account][i];
        if (d->content.client_id != c->client_id)
            continue;
        if (!same(&d->content, &wanted)) {
            model_refuse(m, c, MSIM_REJECT_DUPLICATE_CLIENT_ID);
            return true;
        }
        struct msim_event *e = model_tell(m, MSIM_EVENT_ACCEPTED);
        e->order = d->id;
        e->client_id = c->client_id;
        e->instrument = c->instrument;
        e->account = c->account;
        e->owner = c->owner;
        e->side = c->side;
        e->type = c->type;
        e->time_in_force = c->time_in_force;
        e->flags = MSIM_EVENT_REPEATED;
        e->status = d->status;
        e->as.order.price = c->price;
        e->as.order.quantity = c->quantity;
        e->as.order.filled = d->filled;
        e->as.order.stop_price = c->stop_price;
        e->as.order.display_quantity = c->display_quantity;
        e->as.order.amount = c->amount;
        e->as.order.expires_at = c->expires_at;
        return true;
    }
    return false;
}

static struct order *make(struct model *m, const struct msim_command *c)
{
    struct order *o = calloc(1, sizeof *o);
    assert(o);
    o->id = m->next_id++;
    o->slot = m->free_count ? m->free_slots[--m->free_count] : m->used_slots++;
    o->asked = *c;
    o->content = content(c);
    o->shown = c->quantity;
    if (c->time_in_force == MSIM_TIF_DAY) {
        const int64_t day = INT64_C(86400000000000);
        o->asked.expires_at = (m->time - ((m->time % day) + day) % day) + day;
    }
    m->live[m->live_count++] = o;
    return o;
}

void model_new_order(struct model *m, const struct msim_command *c)
{
    uint8_t code = check_fields(m, c);
    if (code) {
        model_refuse(m, c, code);
        return;
    }
    if (repeated(m, c))
        return;
    code = check_terms(m, c);
    if (!code && m->live_count >= m->setup.max_orders)
        code = MSIM_REJECT_LIMIT;
    if (code) {
        model_refuse(m, c, code);
        return;
    }
    struct order *o = make(m, c);
    struct market *k = &m->markets[c->instrument];
    const bool trigger = c->type >= MSIM_ORDER_STOP;
    struct msim_event *e = model_tell_order(m, MSIM_EVENT_ACCEPTED, o, 0,
                                            trigger ? MSIM_STATUS_WAITING : MSIM_STATUS_OPEN);
    e->as.order.amount = c->amount;
    if (c->type != MSIM_ORDER_MARKET)
        model_rehold(m, o, 0, model_hold_now(m, o));
    if (trigger) {
        o->where = TRIGGER;
        o->rank = m->next_rank++;
        if (met(k, o))
            model_enqueue(m, o);
        model_tell_balance(m, c->account, model_paying(k, c->side));
        return;
    }
    struct taking t = {.o = o,
                       .k = k,
                       .market = c->type == MSIM_ORDER_MARKET,
                       .limit = c->price,
                       .amount = c->amount ? c->amount : -1};
    if (t.market)
        t.limit = band_end(k, c->side);
    if (c->amount)
        o->shown = o->asked.quantity = INT64_MAX;
    if (c->time_in_force == MSIM_TIF_FOK && !fillable(m, o))
        t.stopped = MSIM_CANCEL_FOK;
    model_execute(m, &t);
}

void model_run_triggered(struct model *m)
{
    while (m->queue_count > 0) {
        struct order *o = m->queue[0];
        struct market *k = &m->markets[o->asked.instrument];
        const bool market = !priced(o->asked.type);
        struct taking t = {.o = o, .k = k, .market = market, .amount = -1, .limit = o->asked.price};

        model_leave_queue(m, o);
        model_tell_order(m, MSIM_EVENT_TRIGGERED, o, 0, MSIM_STATUS_OPEN);
        if (market) {
            model_rehold(m, o, model_hold_now(m, o), 0);
            t.limit = band_end(k, o->asked.side);
        }
        if (o->asked.flags & MSIM_COMMAND_REDUCE_ONLY && model_reducible(m, o, o->shown) == 0)
            t.stopped = MSIM_CANCEL_REDUCE_ONLY;
        else if (!market && !in_band(k, o->asked.price))
            t.stopped = MSIM_CANCEL_PRICE_BAND;
        else if (o->asked.flags & MSIM_COMMAND_POST_ONLY &&
                 meets_other_side(m, o->asked.instrument, o->asked.side, o->asked.price))
            t.stopped = MSIM_CANCEL_WOULD_TAKE;
        else if (o->asked.time_in_force == MSIM_TIF_FOK && !fillable(m, o))
            t.stopped = MSIM_CANCEL_FOK;
        else if (!market && o->asked.time_in_force != MSIM_TIF_IOC &&
                 o->asked.time_in_force != MSIM_TIF_FOK &&
                 !side_holds(m, o->asked.instrument, o->asked.side, o->shown))
            t.stopped = MSIM_CANCEL_OVERFLOW;
        model_execute(m, &t);
    }
}

/* Orders that are there. */

static struct order *find(const struct model *m, const struct msim_command *c)
{
    for (size_t i = 0; i < m->live_count; i++) {
        struct order *o = m->live[i];
        if (o->asked.account != c->account)
            continue;
        if (c->order    ? o->id == c->order
            : c->handle ? o->slot == (uint32_t)c->handle && (uint32_t)o->id == c->handle >> 32
                        : c->client_id && o->asked.client_id == c->client_id)
            return o;
    }
    return NULL;
}

static uint8_t check_change(const struct model *m, const struct msim_command *c,
                            const struct order *o, struct order *after)
{
    const struct market *k = &m->markets[o->asked.instrument];
    const msim_qty open_before = o->shown + o->hidden;
    const msim_qty filled = o->asked.quantity - open_before;
    wide quantity = o->asked.quantity;
    uint8_t code;

    if (c->flags & ~MSIM_COMMAND_OPEN_QUANTITY || (!c->price && !c->quantity && !c->stop_price) ||
        (c->stop_price && o->where != TRIGGER) || (c->price && !priced(o->asked.type)))
        return MSIM_REJECT_INVALID_FIELD;
    if (c->quantity)
        quantity = (wide)c->quantity + (c->flags & MSIM_COMMAND_OPEN_QUANTITY ? filled : 0);
    if (quantity > INT64_MAX)
        return MSIM_REJECT_OVERFLOW;
    if (c->quantity < 0 || quantity <= filled)
        return MSIM_REJECT_OUT_OF_RANGE;
    *after = *o;
    after->asked.quantity = (msim_qty)quantity;
    after->shown = (msim_qty)(quantity - filled);
    after->hidden = 0;
    after->asked.price = c->price ? c->price : o->asked.price;
    after->asked.stop_price = c->stop_price ? c->stop_price : o->asked.stop_price;

    if (c->quantity && (code = check_quantity(k, c->quantity)))
        return code;
    if (quantity > k->p.max_quantity || (c->quantity && quantity < o->asked.display_quantity))
        return MSIM_REJECT_OUT_OF_RANGE;
    if (o->asked.display_quantity && quantity / o->asked.display_quantity > MSIM_MAX_ICEBERG_PARTS)
        return MSIM_REJECT_LIMIT;
    if (c->price && (code = check_price(k, c->price)))
        return code;
    if (c->stop_price && (code = check_price(k, c->stop_price)))
        return code;
    const msim_price worth_at = after->asked.price ? after->asked.price : after->asked.stop_price;
    if ((code = check_worth(k, o, worth_at, after->shown, after->asked.quantity)))
        return code;
    if (o->where == BOOK && c->price && !in_band(k, c->price))
        return MSIM_REJECT_PRICE_BAND;
    if (o->asked.flags & MSIM_COMMAND_REDUCE_ONLY &&
        model_reducible(m, o, after->shown) < after->shown)
        return MSIM_REJECT_REDUCE_ONLY;
    if (o->where == BOOK &&
        (o->asked.flags & MSIM_COMMAND_POST_ONLY || k->p.state == MSIM_STATE_POST_ONLY) &&
        meets_other_side(m, o->asked.instrument, o->asked.side, after->asked.price))
        return MSIM_REJECT_WOULD_TAKE;
    if (o->where == TRIGGER && k->p.state == MSIM_STATE_POST_ONLY && met(k, after))
        return MSIM_REJECT_NOT_TRADING;
    /* What of it stands in the book leaves it first. */
    if (after->asked.price &&
        !side_holds(m, o->asked.instrument, o->asked.side,
                    (wide)after->shown - (o->where == BOOK ? o->shown + o->hidden : 0)))
        return MSIM_REJECT_OVERFLOW;
    if (!m->setup.accounts_off && model_hold_now(m, after) - model_hold_now(m, o) >
                                      m->free[o->asked.account][model_paying(k, o->asked.side)])
        return MSIM_REJECT_INSUFFICIENT_BALANCE;
    return 0;
}

static void shrink(struct model *m, struct order *o, const struct order *after)
{
    const msim_qty less = o->shown + o->hidden - after->shown;
    const msim_qty unseen = less < o->hidden ? less : o->hidden;

    o->hidden -= unseen;
    o->shown -= less - unseen;
    o->asked.quantity = after->asked.quantity;
    if (less > unseen) {
        model_tell_l3(m, o, MSIM_BOOK_CHANGE, o->shown);
        model_tell_level(m, o->asked.instrument, o->asked.side, o->asked.price);
    }
    model_tell_balance(m, o->asked.account,
                       model_paying(&m->markets[o->asked.instrument], o->asked.side));
}

void model_replace(struct model *m, const struct msim_command *c)
{
    struct order *o = find(m, c);
    struct order after;
    if (!o) {
        model_refuse(m, c, MSIM_REJECT_ORDER_NOT_FOUND);
        return;
    }
    struct market *k = &m->markets[o->asked.instrument];
    if (k->p.state == MSIM_STATE_HALTED || k->p.state == MSIM_STATE_CANCEL_ONLY) {
        model_refuse(m, c, MSIM_REJECT_NOT_TRADING);
        return;
    }
    const uint8_t code = check_change(m, c, o, &after);
    if (code) {
        model_refuse(m, c, code);
        return;
    }
    const bool partial = o->shown + o->hidden < o->asked.quantity;
    model_tell_order(m, MSIM_EVENT_REPLACED, &after, 0,
                     partial               ? MSIM_STATUS_PARTIALLY_FILLED
                     : o->where == TRIGGER ? MSIM_STATUS_WAITING
                                           : MSIM_STATUS_OPEN);
    model_rehold(m, o, model_hold_now(m, o), model_hold_now(m, &after));
    if (o->where == TRIGGER) {
        after.rank = m->next_rank++;
        *o = after;
        if (met(k, o))
            model_enqueue(m, o);
        model_tell_balance(m, o->asked.account, model_paying(k, o->asked.side));
        return;
    }
    if (after.asked.price == o->asked.price && after.asked.quantity < o->asked.quantity) {
        shrink(m, o, &after);
        return;
    }
    model_leave_book(m, o);
    after.where = NOWHERE;
    *o = after;
    struct taking t = {.o = o, .k = k, .limit = o->asked.price, .amount = -1};
    model_execute(m, &t);
}

void model_cancel(struct model *m, const struct msim_command *c)
{
    struct order *o = find(m, c);
    if (!o)
        model_refuse(m, c, MSIM_REJECT_ORDER_NOT_FOUND);
    else if (m->markets[o->asked.instrument].p.state == MSIM_STATE_HALTED)
        model_refuse(m, c, MSIM_REJECT_NOT_TRADING);
    else
        model_end(m, o, MSIM_EVENT_CANCELLED, MSIM_CANCEL_REQUESTED);
}

/* Live orders stand in the order of their numbers, so the oldest is ended first. */
uint64_t model_end_many(struct model *m, const struct msim_command *c, uint8_t kind, uint8_t code)
{
    uint64_t count = 0;
    for (size_t i = 0; i < m->live_count;) {
        struct order *o = m->live[i];
        const bool venue = c->kind == MSIM_COMMAND_SET_STATE;
        const bool whose =
            venue || (c->kind == MSIM_COMMAND_CANCEL_ALL ? o->asked.account == c->account
                                                         : o->asked.owner == c->owner);
        const bool where =
            c->instrument == MSIM_ALL_INSTRUMENTS || o->asked.instrument == c->instrument;
        const bool may = venue || ((!c->side || c->side == o->asked.side) &&
                                   m->markets[o->asked.instrument].p.state != MSIM_STATE_HALTED);
        if (whose && where && may) {
            model_end(m, o, kind, code);
            count++;
        } else {
            i++;
        }
    }
    return count;
}

void model_cancel_many(struct model *m, const struct msim_command *c)
{
    const bool all = c->kind == MSIM_COMMAND_CANCEL_ALL;
    if (c->instrument != MSIM_ALL_INSTRUMENTS && c->instrument >= m->market_count) {
        model_refuse(m, c, MSIM_REJECT_UNKNOWN_SYMBOL);
    } else if (all && c->account >= m->setup.max_accounts) {
        model_refuse(m, c, MSIM_REJECT_UNKNOWN_ACCOUNT);
    } else if (c->side > MSIM_SIDE_SELL || (!all && !c->owner)) {
        model_refuse(m, c, MSIM_REJECT_INVALID_FIELD);
    } else if (c->instrument != MSIM_ALL_INSTRUMENTS &&
               m->markets[c->instrument].p.state == MSIM_STATE_HALTED) {
        model_refuse(m, c, MSIM_REJECT_NOT_TRADING);
    } else {
        const uint64_t count =
            model_end_many(m, c, MSIM_EVENT_CANCELLED, all ? MSIM_CANCEL_ALL : MSIM_CANCEL_MASS);
        struct msim_event *e = model_tell(m, MSIM_EVENT_MASS_CANCELLED);
        e->instrument = c->instrument;
        e->account = c->account;
        e->owner = c->owner;
        e->side = c->side;
        e->command_kind = c->kind;
        e->as.mass.count = count;
    }
}

void model_expire(struct model *m, msim_time time)
{
    m->time = time;
    for (;;) {
        struct order *found = NULL;
        for (size_t i = 0; i < m->live_count; i++) {
            struct order *o = m->live[i];
            if (o->asked.expires_at && o->asked.expires_at <= time &&
                (!found || o->asked.expires_at < found->asked.expires_at))
                found = o;
        }
        if (!found)
            return;
        model_end(m, found, MSIM_EVENT_EXPIRED,
                  found->asked.time_in_force == MSIM_TIF_DAY ? MSIM_CANCEL_DAY : MSIM_CANCEL_GTD);
    }
}
