/*
 * The model itself: what it tells, the book counted anew, money, and who does what.
 */
#include "parts.h"

struct model *model_create(const struct model_setup *setup)
{
    struct model *m = calloc(1, sizeof *m);
    assert(m);
    m->setup = *setup;
    m->next_id = m->next_trade = 1;
    m->used_slots = 1;
    m->time = INT64_MIN;
    return m;
}

void model_destroy(struct model *m)
{
    for (size_t i = 0; i < m->live_count; i++)
        free(m->live[i]);
    free(m->events);
    free(m);
}

void model_asset(struct model *m, int exponent)
{
    m->exponents[m->asset_count++] = exponent;
}

static int64_t power(int digits)
{
    int64_t value = 1;
    while (digits-- > 0)
        value *= 10;
    return value;
}

void model_instrument(struct model *m, const struct msim_instrument_params *params)
{
    struct market *k = &m->markets[m->market_count++];
    k->p = *params;
    k->p.tick = k->p.tick ? k->p.tick : 1;
    k->p.lot = k->p.lot ? k->p.lot : 1;
    k->p.min_price = k->p.min_price ? k->p.min_price : 1;
    k->p.max_price = k->p.max_price ? k->p.max_price : INT64_MAX / 4;
    k->p.min_quantity = k->p.min_quantity ? k->p.min_quantity : 1;
    k->p.max_quantity = k->p.max_quantity ? k->p.max_quantity : INT64_MAX;
    k->quote_factor =
        power(k->p.price_exponent + k->p.quantity_exponent - m->exponents[k->p.quote_asset]);
    k->base_factor = power(k->p.quantity_exponent - m->exponents[k->p.base_asset]);
}

/* Telling. */

struct msim_event *model_tell(struct model *m, uint8_t kind)
{
    if (m->event_count == m->event_capacity) {
        m->event_capacity = m->event_capacity ? 2 * m->event_capacity : 256;
        m->events = realloc(m->events, m->event_capacity * sizeof *m->events);
        assert(m->events);
    }
    struct msim_event *e = &m->events[m->event_count++];
    memset(e, 0, sizeof *e);
    e->sequence = ++m->event_sequence;
    e->command = m->sequence;
    e->time = m->time;
    e->kind = kind;
    return e;
}

struct msim_event *model_tell_order(struct model *m, uint8_t kind, const struct order *o,
                                    uint8_t code, uint8_t status)
{
    struct msim_event *e = model_tell(m, kind);
    e->order = o->id;
    e->client_id = o->asked.client_id;
    e->instrument = o->asked.instrument;
    e->account = o->asked.account;
    e->slot = o->slot;
    e->owner = o->asked.owner;
    e->side = o->asked.side;
    e->type = o->asked.type;
    e->time_in_force = o->asked.time_in_force;
    e->code = code;
    e->status = status;
    e->as.order.price = o->asked.price;
    e->as.order.quantity = o->asked.quantity;
    e->as.order.leaves = o->shown + o->hidden;
    e->as.order.filled = o->filled;
    e->as.order.stop_price = o->asked.stop_price;
    e->as.order.display_quantity = o->asked.display_quantity;
    e->as.order.expires_at = o->asked.expires_at;
    return e;
}

void model_refuse(struct model *m, const struct msim_command *c, uint8_t code)
{
    struct msim_event *e = model_tell(m, MSIM_EVENT_REJECTED);
    e->order = c->order;
    e->client_id = c->client_id;
    e->instrument = c->instrument;
    e->account = c->account;
    e->owner = c->owner;
    e->side = c->side;
    e->type = c->type;
    e->time_in_force = c->time_in_force;
    e->code = code;
    e->status = c->kind == MSIM_COMMAND_NEW ? MSIM_STATUS_REJECTED : MSIM_STATUS_NONE;
    e->command_kind = c->kind;
    e->as.order.price = c->price;
    e->as.order.quantity = c->quantity;
    e->as.order.stop_price = c->stop_price;
    e->as.order.display_quantity = c->display_quantity;
    e->as.order.amount = c->amount;
    e->as.order.expires_at = c->expires_at;
}

void model_tell_balance(struct model *m, uint32_t account, uint32_t asset)
{
    if (m->setup.accounts_off)
        return;
    struct msim_event *e = model_tell(m, MSIM_EVENT_BALANCE);
    e->account = account;
    e->instrument = MSIM_ALL_INSTRUMENTS;
    e->as.balance.free = m->free[account][asset];
    e->as.balance.held = m->held[account][asset];
    e->as.balance.asset = asset;
}

wide model_size_of(wide value)
{
    return value < 0 ? -value : value;
}

static int64_t narrow(wide value)
{
    return value > INT64_MAX ? INT64_MAX : value < INT64_MIN ? INT64_MIN : (int64_t)value;
}

void model_tell_position(struct model *m, uint32_t account, uint32_t instrument)
{
    if (m->setup.accounts_off)
        return;
    const struct position *p = &m->positions[account][instrument];
    struct msim_event *e = model_tell(m, MSIM_EVENT_POSITION);
    e->account = account;
    e->instrument = instrument;
    e->as.position.quantity = narrow(p->quantity);
    e->as.position.cost = narrow(p->cost);
    e->as.position.realised = narrow(p->realised);
    if (p->quantity != 0) {
        const wide units = model_size_of(p->cost) / m->markets[instrument].quote_factor;
        const wide quantity = model_size_of(p->quantity);
        e->as.position.average_price = narrow((2 * units + quantity) / (2 * quantity));
    }
}

/* The book, counted anew from all that rests. */

bool model_rests(const struct order *o, uint32_t instrument, uint8_t side)
{
    return o->where == BOOK && o->asked.instrument == instrument && o->asked.side == side;
}

wide model_level_total(const struct model *m, uint32_t instrument, uint8_t side, msim_price price,
                       uint64_t *count)
{
    wide total = 0;
    *count = 0;
    for (size_t i = 0; i < m->live_count; i++) {
        const struct order *o = m->live[i];
        if (!model_rests(o, instrument, side) || o->asked.price != price)
            continue;
        total += o->shown;
        (*count)++;
    }
    return total;
}

void model_tell_level(struct model *m, uint32_t instrument, uint8_t side, msim_price price)
{
    uint64_t count;
    const wide total = model_level_total(m, instrument, side, price, &count);
    struct msim_event *e = model_tell(m, MSIM_EVENT_LEVEL);
    e->instrument = instrument;
    e->side = side;
    e->as.level.price = price;
    e->as.level.quantity = (msim_qty)total;
    e->as.level.order_count = count;
}

void model_tell_l3(struct model *m, const struct order *o, uint8_t action, msim_qty shown)
{
    struct msim_event *e = model_tell(m, MSIM_EVENT_BOOK_ORDER);
    e->order = o->id;
    e->instrument = o->asked.instrument;
    e->side = o->asked.side;
    e->as.book_order.price = o->asked.price;
    e->as.book_order.quantity = shown;
    e->as.book_order.action = action;
}

static bool better(uint8_t side, msim_price a, msim_price b)
{
    return side == MSIM_SIDE_BUY ? a > b : a < b;
}

/* Of the side's resting orders the one that trades first among those behind `after`. */
struct order *model_next_in_line(const struct model *m, uint32_t instrument, uint8_t side,
                                 const struct order *after)
{
    struct order *found = NULL;
    for (size_t i = 0; i < m->live_count; i++) {
        struct order *o = m->live[i];
        if (!model_rests(o, instrument, side))
            continue;
        if (after && (better(side, o->asked.price, after->asked.price) ||
                      (o->asked.price == after->asked.price && o->rank <= after->rank)))
            continue;
        if (!found || better(side, o->asked.price, found->asked.price) ||
            (o->asked.price == found->asked.price && o->rank < found->rank))
            found = o;
    }
    return found;
}

uint8_t model_opposite(uint8_t side)
{
    return side == MSIM_SIDE_BUY ? MSIM_SIDE_SELL : MSIM_SIDE_BUY;
}

/* Whether a taker with that limit (0: none) may trade at the price. */
bool model_reaches(uint8_t side, msim_price limit, msim_price price)
{
    return limit == 0 || (side == MSIM_SIDE_BUY ? price <= limit : price >= limit);
}

/* Money. */

wide model_notional(const struct market *k, msim_price price, msim_qty quantity)
{
    const wide product = (wide)price * quantity;
    const wide most = (wide)INT64_MAX + 1;
    return product >= most || product * k->quote_factor >= most ? most : product * k->quote_factor;
}

wide model_fee(wide amount, uint32_t rate)
{
    return (amount * rate + MSIM_FEE_SCALE - 1) / MSIM_FEE_SCALE;
}

static uint32_t most_fee(const struct market *k)
{
    return k->p.maker_fee > k->p.taker_fee ? k->p.maker_fee : k->p.taker_fee;
}

/* What all fees of an order come to: of everything that it traded, rounded up once. */
static wide fees_in_all(wide exact)
{
    return (exact + MSIM_FEE_SCALE - 1) / MSIM_FEE_SCALE;
}

/* The fee of one more fill: what is missing to that. */
wide model_count_fee(struct order *o, wide value, uint32_t rate)
{
    o->exact += value * rate;
    const wide paid = fees_in_all(o->exact) - o->charged;
    o->charged += paid;
    return paid;
}

/* The worth of what is open, and the most that can still be asked in fees for it. */
wide model_hold_for(const struct market *k, const struct order *o, msim_price price, msim_qty open)
{
    if (o->asked.side == MSIM_SIDE_SELL)
        return (wide)open * k->base_factor;
    const wide value = model_notional(k, price, open);
    if (k->p.fee_mode == MSIM_FEE_RECEIVED)
        return value;
    return value + fees_in_all(o->exact + value * most_fee(k)) - o->charged;
}

wide model_hold_now(const struct model *m, const struct order *o)
{
    return model_hold_for(&m->markets[o->asked.instrument], o,
                          o->asked.price ? o->asked.price : o->asked.stop_price,
                          o->shown + o->hidden);
}

uint32_t model_paying(const struct market *k, uint8_t side)
{
    return side == MSIM_SIDE_SELL ? k->p.base_asset : k->p.quote_asset;
}

/* Makes what an order holds be `now`, where it was `before`. */
void model_rehold(struct model *m, const struct order *o, wide before, wide now)
{
    if (m->setup.accounts_off)
        return;
    const uint32_t asset = model_paying(&m->markets[o->asked.instrument], o->asked.side);
    m->held[o->asked.account][asset] += (int64_t)(now - before);
    m->free[o->asked.account][asset] -= (int64_t)(now - before);
}

void model_book_position(struct position *p, wide quantity, wide value)
{
    if (p->quantity * quantity >= 0) {
        p->quantity += quantity;
        p->cost += quantity < 0 ? -value : value;
        return;
    }
    const wide open = model_size_of(p->quantity);
    const wide size = model_size_of(quantity);
    const wide closed = size < open ? size : open;
    const wide cost = p->cost * closed / open;
    const wide part = value * closed / size;
    p->realised += quantity < 0 ? part - cost : -part - cost;
    p->cost -= cost;
    p->quantity += quantity < 0 ? -closed : closed;
    if (size > closed)
        model_book_position(p, quantity < 0 ? closed - size : size - closed, value - part);
}

msim_qty model_reducible(const struct model *m, const struct order *o, msim_qty quantity)
{
    const wide position = m->positions[o->asked.account][o->asked.instrument].quantity;
    const wide open = o->asked.side == MSIM_SIDE_SELL ? position : -position;
    return open <= 0 ? 0 : open < quantity ? (msim_qty)open : quantity;
}

const struct msim_event *model_apply(struct model *m, const struct msim_command *c, size_t *count)
{
    m->event_count = 0;
    m->sequence++;
    if (c->time == MSIM_TIME_NEVER) {
        model_refuse(m, c, MSIM_REJECT_OUT_OF_RANGE);
        *count = m->event_count;
        return m->events;
    }
    if (c->time > m->time)
        model_expire(m, c->time);
    switch (c->kind) {
    case MSIM_COMMAND_TIME:
        break;
    case MSIM_COMMAND_NEW:
        model_new_order(m, c);
        break;
    case MSIM_COMMAND_CANCEL:
        model_cancel(m, c);
        break;
    case MSIM_COMMAND_REPLACE:
        model_replace(m, c);
        break;
    case MSIM_COMMAND_CANCEL_ALL:
    case MSIM_COMMAND_MASS_CANCEL:
        model_cancel_many(m, c);
        break;
    case MSIM_COMMAND_DEPOSIT:
    case MSIM_COMMAND_WITHDRAW:
        model_money(m, c);
        break;
    case MSIM_COMMAND_SET_STATE:
    case MSIM_COMMAND_SET_TICK:
    case MSIM_COMMAND_SET_LOT:
    case MSIM_COMMAND_SET_MIN_NOTIONAL:
        model_venue(m, c);
        break;
    case MSIM_COMMAND_BUST:
    case MSIM_COMMAND_CORRECT:
        model_undo(m, c);
        break;
    default:
        model_refuse(m, c, MSIM_REJECT_INVALID_FIELD);
    }
    model_run_triggered(m);
    *count = m->event_count;
    return m->events;
}

int64_t model_free(const struct model *m, uint32_t account, uint32_t asset)
{
    return m->free[account][asset];
}

int64_t model_held(const struct model *m, uint32_t account, uint32_t asset)
{
    return m->held[account][asset];
}

int64_t model_fees(const struct model *m, uint32_t asset)
{
    return m->fees[asset];
}

uint64_t model_pick(const struct model *m, uint64_t dice, uint32_t *account, uint64_t *client_id,
                    uint32_t *slot, msim_qty *leaves, msim_price *price)
{
    if (m->live_count == 0)
        return 0;
    const struct order *o = m->live[dice % m->live_count];
    *account = o->asked.account;
    *client_id = o->asked.client_id;
    *slot = o->slot;
    *leaves = o->shown + o->hidden;
    *price = o->asked.price;
    return o->id;
}

uint64_t model_orders(const struct model *model)
{
    return model->next_id - 1;
}

size_t model_live(const struct model *m)
{
    return m->live_count;
}

msim_price model_last_price(const struct model *m, uint32_t instrument)
{
    return m->markets[instrument].last;
}

uint64_t model_last_trade(const struct model *m)
{
    return m->next_trade - 1;
}
