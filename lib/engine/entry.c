/*
 * Orders come in: what is checked, in which order, and what follows.
 *
 * First everything that may refuse, then everything that may need memory, then
 * the change, which can do neither.
 */
#include "engine/fill.h"

#define DAY_NS (INT64_C(86400) * MSIM_NS_PER_S)

/* A new order, read. */
struct request {
    const struct msim_command *command;
    struct instrument *instrument;
    uint32_t number;
    unsigned side; /* BUY or SELL */
    bool limit;    /* has a price */
    bool waits;    /* for a trigger */
    bool rests;    /* may stand in the book */
    bool crosses;  /* meets an order of the other side at once */
    int64_t reach; /* the worst key of the other side that it takes */
    int64_t hold;
    msim_time expires_at;
    struct sweep sweep;
};

static bool has_price(unsigned type)
{
    return type == MSIM_ORDER_LIMIT || type == MSIM_ORDER_STOP_LIMIT ||
           type == MSIM_ORDER_TAKE_PROFIT_LIMIT;
}

static bool has_trigger(unsigned type)
{
    return type >= MSIM_ORDER_STOP;
}

/* The first moment of the next UTC day; NEVER where the calendar ends. */
static msim_time day_end(msim_time time)
{
    const int64_t day = time / DAY_NS - (time % DAY_NS < 0);
    return day >= INT64_MAX / DAY_NS ? MSIM_TIME_NEVER : (day + 1) * DAY_NS;
}

/* Fields that contradict each other, whatever the market is like. */
static uint8_t check_fields(const struct msim_engine *engine, const struct msim_command *c)
{
    const bool limit = has_price(c->type);
    const bool at_once = c->time_in_force == MSIM_TIF_IOC || c->time_in_force == MSIM_TIF_FOK;

    if (c->side < MSIM_SIDE_BUY || c->side > MSIM_SIDE_SELL || c->type < MSIM_ORDER_LIMIT ||
        c->type > MSIM_ORDER_TAKE_PROFIT_LIMIT || c->time_in_force > MSIM_TIF_DAY ||
        c->self_trade > MSIM_SELF_TRADE_DECREMENT ||
        c->flags & ~(MSIM_COMMAND_POST_ONLY | MSIM_COMMAND_REDUCE_ONLY))
        return MSIM_REJECT_INVALID_FIELD;
    if (c->type == MSIM_ORDER_LIMIT && c->flags == 0 && c->time_in_force == MSIM_TIF_GTC)
        return c->stop_price || c->amount || c->expires_at ? MSIM_REJECT_INVALID_FIELD
                                                           : MSIM_REJECT_NONE;
    if ((c->time_in_force == MSIM_TIF_GTD) != (c->expires_at != 0) ||
        has_trigger(c->type) != (c->stop_price != 0))
        return MSIM_REJECT_INVALID_FIELD;
    if (!limit && (c->price || c->display_quantity || c->flags & MSIM_COMMAND_POST_ONLY ||
                   c->time_in_force == MSIM_TIF_FOK))
        return MSIM_REJECT_INVALID_FIELD;
    if (c->type == MSIM_ORDER_MARKET &&
        (c->time_in_force > MSIM_TIF_IOC || (c->amount != 0) == (c->quantity != 0)))
        return MSIM_REJECT_INVALID_FIELD;
    if (c->type != MSIM_ORDER_MARKET && c->amount)
        return MSIM_REJECT_INVALID_FIELD;
    if (at_once && (c->display_quantity || c->flags & MSIM_COMMAND_POST_ONLY))
        return MSIM_REJECT_INVALID_FIELD;
    if (c->flags & MSIM_COMMAND_REDUCE_ONLY && (engine->accounts_off || c->amount))
        return MSIM_REJECT_INVALID_FIELD;
    return MSIM_REJECT_NONE;
}

uint8_t msim_check_quantity(const struct instrument *instrument, msim_qty quantity)
{
    if (quantity < instrument->min_quantity || quantity > instrument->max_quantity)
        return MSIM_REJECT_OUT_OF_RANGE;
    if (!grid_holds(&instrument->lot, quantity))
        return MSIM_REJECT_OFF_LOT;
    return quantity > instrument->fit_quantity ? MSIM_REJECT_OVERFLOW : MSIM_REJECT_NONE;
}

uint8_t msim_check_price(const struct instrument *instrument, msim_price price)
{
    if (price < instrument->min_price || price > instrument->max_price)
        return MSIM_REJECT_OUT_OF_RANGE;
    return grid_holds(&instrument->tick, price) ? MSIM_REJECT_NONE : MSIM_REJECT_OFF_TICK;
}

static uint8_t check_display(const struct instrument *instrument, msim_qty display,
                             msim_qty quantity)
{
    if (display < 0 || display > quantity)
        return MSIM_REJECT_OUT_OF_RANGE;
    if (!grid_holds(&instrument->lot, display))
        return MSIM_REJECT_OFF_LOT;
    return quantity / display > MSIM_MAX_ICEBERG_PARTS ? MSIM_REJECT_LIMIT : MSIM_REJECT_NONE;
}

/* What an order of a price is worth, and what it holds. */
uint8_t msim_check_worth(const struct instrument *instrument, unsigned side, msim_price price,
                         msim_qty quantity, int64_t *hold)
{
    int64_t notional;

    if (!notional_check(instrument, price, quantity, &notional) ||
        !hold_check(instrument, side, price, quantity, 0, hold))
        return MSIM_REJECT_OVERFLOW;
    return notional < instrument->min_notional ? MSIM_REJECT_MIN_NOTIONAL : MSIM_REJECT_NONE;
}

int64_t msim_free_balance(const struct msim_engine *engine, uint32_t account, uint32_t asset)
{
    const struct balance *balance = msim_balance_find(engine, account, asset);
    return balance ? balance->free : 0;
}

/* A market order: what the book holds for it now, and whether the account can pay that. */
static uint8_t check_market(const struct msim_engine *engine, struct request *request)
{
    const struct msim_command *c = request->command;
    const struct instrument *it = request->instrument;
    const struct side *other = &it->sides[request->side ^ 1];
    const msim_qty quantity = c->amount ? INT64_MAX : c->quantity;

    if (other->best == KEY_NONE)
        return MSIM_REJECT_NO_LIQUIDITY;
    if (other->best > request->reach)
        return MSIM_REJECT_PRICE_BAND;
    request->sweep =
        msim_sweep(engine, it, request->side, request->reach, quantity, c->amount ? c->amount : -1);
    const msim_price best = key_price(it, request->side ^ 1, other->best);
    const msim_int128 worth =
        c->amount ? c->amount : (msim_int128)best * quantity * it->quote_factor;
    if (worth < it->min_notional || request->sweep.quantity == 0)
        return MSIM_REJECT_MIN_NOTIONAL;
    if (engine->accounts_off)
        return MSIM_REJECT_NONE;

    msim_int128 needed = request->sweep.cost;
    if (request->side == SELL)
        needed = (msim_int128)(c->amount ? request->sweep.quantity : quantity) * it->base_factor;
    else if (c->amount)
        needed = c->amount;
    if (needed > INT64_MAX)
        return MSIM_REJECT_INSUFFICIENT_BALANCE;
    if (request->side == BUY && it->fee_mode == MSIM_FEE_QUOTE)
        needed += fee_of((int64_t)needed, it->taker_fee);
    return needed > msim_free_balance(engine, c->account, held_asset(it, request->side))
               ? MSIM_REJECT_INSUFFICIENT_BALANCE
               : MSIM_REJECT_NONE;
}

static uint8_t check_state(const struct request *request)
{
    const struct msim_command *c = request->command;
    const uint8_t state = request->instrument->state;

    if (state == MSIM_STATE_TRADING)
        return MSIM_REJECT_NONE;
    if (state != MSIM_STATE_POST_ONLY || c->type == MSIM_ORDER_MARKET ||
        (c->type == MSIM_ORDER_LIMIT &&
         (c->time_in_force == MSIM_TIF_IOC || c->time_in_force == MSIM_TIF_FOK)))
        return MSIM_REJECT_NOT_TRADING;
    if (request->waits &&
        msim_trigger_met(request->instrument, request->side, c->type, c->stop_price))
        return MSIM_REJECT_NOT_TRADING;
    return MSIM_REJECT_NONE;
}

/* Everything else, in the order that docs/engine.md names. */
static uint8_t check_terms(const struct msim_engine *engine, struct request *request)
{
    const struct msim_command *c = request->command;
    const struct instrument *it = request->instrument;
    const struct side *own = &it->sides[request->side];
    const struct side *other = &it->sides[request->side ^ 1];
    uint8_t code;
    int64_t sum;

    if ((code = check_state(request)))
        return code;
    if (c->time_in_force == MSIM_TIF_GTD && c->expires_at <= engine->time)
        return MSIM_REJECT_OUT_OF_RANGE;
    if (c->amount < 0)
        return MSIM_REJECT_OUT_OF_RANGE;
    if (!c->amount && (code = msim_check_quantity(it, c->quantity)))
        return code;
    if (c->display_quantity && (code = check_display(it, c->display_quantity, c->quantity)))
        return code;
    if (request->limit && (code = msim_check_price(it, c->price)))
        return code;
    if (request->waits && (code = msim_check_price(it, c->stop_price)))
        return code;
    if ((request->limit || request->waits) &&
        (code = msim_check_worth(it, request->side, request->limit ? c->price : c->stop_price,
                                 c->quantity, &request->hold)))
        return code;
    if (c->type == MSIM_ORDER_LIMIT && !msim_band_holds(it, c->price))
        return MSIM_REJECT_PRICE_BAND;
    if (c->flags & MSIM_COMMAND_REDUCE_ONLY) {
        const struct order asks = {
            .account = c->account,
            .instrument = (uint16_t)request->number,
            .bits = (uint16_t)request->side,
        };
        if (msim_position_reducible(engine, &asks, c->quantity) < c->quantity)
            return MSIM_REJECT_REDUCE_ONLY;
    }
    if (c->type == MSIM_ORDER_MARKET) {
        request->reach = msim_market_limit(it, request->side);
        request->crosses = true;
        return check_market(engine, request);
    }
    if (c->type == MSIM_ORDER_LIMIT) {
        request->reach = price_key(it, request->side ^ 1, c->price);
        request->crosses = other->best <= request->reach;
        if (request->crosses &&
            (c->flags & MSIM_COMMAND_POST_ONLY || it->state == MSIM_STATE_POST_ONLY))
            return MSIM_REJECT_WOULD_TAKE;
    }
    if (request->rests && !msim_add_check(own->total, c->quantity, &sum))
        return MSIM_REJECT_OVERFLOW;
    if (!engine->accounts_off &&
        request->hold > msim_free_balance(engine, c->account, held_asset(it, request->side)))
        return MSIM_REJECT_INSUFFICIENT_BALANCE;
    return MSIM_REJECT_NONE;
}

/* Memory for all that may follow; changes nothing that shows. */
static int prepare_new(struct msim_engine *engine, struct request *request)
{
    const struct msim_command *c = request->command;
    struct instrument *it = request->instrument;
    int r = MSIM_OK;

    /* A market order's sweep has counted already, as far as its levels give what they show. */
    if (request->crosses &&
        (!request->sweep.fills || c->self_trade == MSIM_SELF_TRADE_CANCEL_MAKER ||
         engine->reduce_only_orders > 0))
        request->sweep.fills = msim_sweep_fills(engine, it, request->side, request->reach,
                                                c->amount ? INT64_MAX : c->quantity, c->self_trade);
    if (engine->event_capacity - engine->event_count < EVENTS_PER_ORDER || request->sweep.fills)
        r = events_reserve(engine, request->sweep.fills * EVENTS_PER_FILL + EVENTS_PER_ORDER);
    if (r < 0)
        return r;
    if (!engine->accounts_off && !accounts_ready(engine, c->account, request->number) &&
        (r = msim_accounts_reserve(engine, c->account, request->number)) < 0)
        return r;
    if (request->waits &&
        (r = msim_trigger_prepare(engine, it, request->side, c->type, c->stop_price)) < 0)
        return r;
    if ((c->stop_price || c->display_quantity || c->time_in_force >= MSIM_TIF_GTD) &&
        (r = msim_extras_reserve(engine)) < 0)
        return r;
    if (c->client_id && (r = msim_clients_reserve(engine)) < 0)
        return r;
    if ((r = finished_reserve(engine, request->sweep.fills + 1)) < 0)
        return r;
    if (c->owner && (r = msim_owners_reserve(engine)) < 0)
        return r;
    if (c->type == MSIM_ORDER_LIMIT && c->time_in_force != MSIM_TIF_IOC &&
        c->time_in_force != MSIM_TIF_FOK)
        r = side_prepare(engine, &it->sides[request->side], price_key(it, request->side, c->price));
    return r;
}

/* The order in the pool, its hold taken, and told. */
static uint32_t accept(struct msim_engine *engine, const struct request *request)
{
    const struct msim_command *c = request->command;
    const unsigned bits = request->side | (unsigned)c->type << BITS_TYPE_AT |
                          (unsigned)c->time_in_force << BITS_TIF_AT |
                          (unsigned)c->self_trade << BITS_STP_AT |
                          (c->flags & MSIM_COMMAND_POST_ONLY ? BITS_POST_ONLY : 0) |
                          (c->flags & MSIM_COMMAND_REDUCE_ONLY ? BITS_REDUCE_ONLY : 0);
    const uint32_t slot = order_take(engine, c, bits, LANE_ANY);
    struct order *order = &engine->orders[slot];

    if (engine->excess)
        engine->excess[slot] = 0;
    engine->reduce_only_orders += (bits & BITS_REDUCE_ONLY) != 0;
    if (c->owner)
        msim_owner_add(engine, slot, c->owner);
    if (c->stop_price || c->display_quantity || c->time_in_force >= MSIM_TIF_GTD) {
        msim_extra_make(engine, slot);
        struct extra *extra = &engine->extras[order->extra];
        extra->stop_price = c->stop_price;
        extra->display = c->display_quantity;
        if (c->time_in_force >= MSIM_TIF_GTD) {
            extra->expires_at =
                c->time_in_force == MSIM_TIF_GTD ? c->expires_at : day_end(engine->time);
            msim_expiry_add(engine, slot);
        }
    }
    if (c->client_id)
        msim_client_add(engine, c->account, c->client_id, client_content(c), slot);
    msim_event_order(engine, MSIM_EVENT_ACCEPTED, slot, 0,
                     request->waits ? MSIM_STATUS_WAITING : MSIM_STATUS_OPEN);
    if (c->amount) {
        if (engine->events_wanted & MSIM_EVENTS_ORDER)
            engine->events[engine->event_count - 1].as.order.amount = c->amount;
        order->quantity = INT64_MAX;
        order->leaves = INT64_MAX;
    }
    return slot;
}

static void hold_take(struct msim_engine *engine, const struct request *request)
{
    if (engine->accounts_off)
        return;
    struct balance *balance = balance_of(engine, request->command->account,
                                         held_asset(request->instrument, request->side));
    balance->free -= request->hold;
    balance->held += request->hold;
}

/* The order in hand goes into the book; an iceberg hides what it does not show. */
static void rest(struct msim_engine *engine, struct taker *taker)
{
    struct order *order = &engine->orders[taker->slot];

    if (order->extra) {
        struct extra *extra = &engine->extras[order->extra];
        if (extra->display > 0 && order->leaves > extra->display) {
            extra->hidden = order->leaves - extra->display;
            order->leaves = extra->display;
        }
    }
    book_add(engine, taker->instrument, taker->number, taker->slot);
}

/* Why a market order that still wants more gets none. */
static uint8_t starved(const struct taker *taker, unsigned side)
{
    return taker->instrument->sides[side ^ 1].best == KEY_NONE ? MSIM_CANCEL_NO_LIQUIDITY
                                                               : MSIM_CANCEL_PRICE_BAND;
}

/* By amount: done when what is left buys no lot more. */
static void finish_amount(struct msim_engine *engine, struct taker *taker, unsigned side)
{
    struct order *order = &engine->orders[taker->slot];
    const bool more = taker->instrument->sides[side ^ 1].best > taker->limit;
    uint8_t code = taker->stopped;

    /* What it traded is its quantity now. */
    order->quantity -= order->leaves;
    order->leaves = 0;
    if (!code && (more || taker->first_price == 0))
        code = more ? starved(taker, side) : MSIM_CANCEL_NO_LIQUIDITY;
    if (code) {
        msim_order_end_in_hand(engine, taker->slot, MSIM_EVENT_CANCELLED, code);
        return;
    }
    if (taker->last_fill)
        engine->events[taker->last_fill - 1].as.fill.leaves = 0;
    if (taker->last_fill)
        engine->events[taker->last_fill - 1].status = MSIM_STATUS_FILLED;
    msim_order_filled(engine, taker->slot);
}

/* What becomes of the order in hand after it matched. */
void msim_taker_finish(struct msim_engine *engine, struct taker *taker)
{
    struct order *order = &engine->orders[taker->slot];
    const unsigned side = order_side(order);
    const unsigned tif = order_tif(order);
    uint8_t code = taker->stopped;

    if (taker->amount >= 0) {
        finish_amount(engine, taker, side);
        return;
    }
    if (order->leaves == 0 && !code) {
        msim_order_filled(engine, taker->slot);
        return;
    }
    if (!code && taker->market)
        code = starved(taker, side);
    else if (!code && (tif == MSIM_TIF_IOC || tif == MSIM_TIF_FOK))
        code = tif == MSIM_TIF_IOC ? MSIM_CANCEL_IOC : MSIM_CANCEL_FOK;
    if (!code) {
        rest(engine, taker);
        return;
    }
    if (!taker->market)
        msim_hold_release(engine, order, order->leaves, 0);
    msim_order_end_in_hand(engine, taker->slot, MSIM_EVENT_CANCELLED, code);
}

/* Matches the order in hand, lets it rest or end, tells its account, and queues what it triggered.
 */
void msim_execute(struct msim_engine *engine, struct taker *taker)
{
    struct instrument *it = taker->instrument;
    const struct order *order = &engine->orders[taker->slot];
    const unsigned side = order_side(order);
    const uint32_t account = order->account;

    if (it->sides[side ^ 1].best <= taker->limit && !taker->stopped)
        msim_match(engine, taker);
    msim_taker_finish(engine, taker);
    if (!engine->accounts_off) {
        event_balance(engine, account, held_asset(it, side));
        if (taker->first_price) {
            event_balance(engine, account, held_asset(it, side ^ 1));
            msim_event_position(engine, account, taker->number);
        }
    }
    taker_fire(engine, taker);
}

/* The same id again: the first one's answer where it asks for the same, else a refusal. */
static int repeat(struct msim_engine *engine, const struct msim_command *c, uint32_t at)
{
    const bool live = !(at & CLIENT_FINISHED);
    const struct finished *finished = &engine->finished[live ? 0 : at & ~CLIENT_FINISHED];
    const uint64_t content = live ? engine->clients[at].content : finished->content;
    int r = events_reserve(engine, EVENTS_PER_ORDER);

    if (r < 0)
        return r;
    if (content != client_content(c)) {
        msim_event_reject(engine, c, MSIM_REJECT_DUPLICATE_CLIENT_ID);
        return MSIM_OK;
    }
    if (!(engine->events_wanted & MSIM_EVENTS_ORDER))
        return MSIM_OK;
    if (live) {
        const struct order *order = &engine->orders[at];
        uint8_t status = MSIM_STATUS_OPEN;
        if (order_state(order) == ORDER_WAITING)
            status = MSIM_STATUS_WAITING;
        else if (order_open(engine, order) < order->quantity)
            status = MSIM_STATUS_PARTIALLY_FILLED;
        msim_event_order(engine, MSIM_EVENT_ACCEPTED, at, 0, status);
        engine->events[engine->event_count - 1].flags = MSIM_EVENT_REPEATED;
        return MSIM_OK;
    }
    struct msim_event *event = event_make(engine, MSIM_EVENT_ACCEPTED);
    event->order = finished->order;
    event->client_id = c->client_id;
    event->instrument = c->instrument;
    event->account = c->account;
    event->owner = c->owner;
    event->side = c->side;
    event->type = c->type;
    event->time_in_force = c->time_in_force;
    event->flags = MSIM_EVENT_REPEATED;
    event->status = (uint8_t)(finished->end >> FINISHED_STATUS_AT);
    event->as.order.price = c->price;
    event->as.order.quantity = c->quantity;
    event->as.order.filled = finished->filled;
    event->as.order.stop_price = c->stop_price;
    event->as.order.display_quantity = c->display_quantity;
    event->as.order.amount = c->amount;
    event->as.order.expires_at = c->expires_at;
    return MSIM_OK;
}

int msim_refuse(struct msim_engine *engine, const struct msim_command *c, uint8_t code)
{
    int r = events_reserve(engine, 1);
    if (r == MSIM_OK)
        msim_event_reject(engine, c, code);
    return r;
}

static uint8_t check_names(const struct msim_engine *engine, const struct msim_command *c)
{
    if (c->instrument >= engine->instrument_count)
        return MSIM_REJECT_UNKNOWN_SYMBOL;
    return c->account >= engine->max_accounts ? MSIM_REJECT_UNKNOWN_ACCOUNT : MSIM_REJECT_NONE;
}

int msim_entry_new(struct msim_engine *engine, const struct msim_command *c)
{
    uint8_t code = check_names(engine, c);
    if (!code)
        code = check_fields(engine, c);
    if (code)
        return msim_refuse(engine, c, code);
    if (c->client_id) {
        uint32_t at;
        int looked = client_look(engine, c->account, c->client_id, &at);
        if (looked < 0)
            return looked;
        if (at)
            return repeat(engine, c, at);
    }

    struct request request = {
        .command = c,
        .instrument = &engine->instruments[c->instrument],
        .number = c->instrument,
        .side = c->side - MSIM_SIDE_BUY,
        .limit = has_price(c->type),
        .waits = has_trigger(c->type),
        .rests = has_price(c->type),
    };
    if ((code = check_terms(engine, &request)))
        return msim_refuse(engine, c, code);
    int r = msim_orders_reserve(engine, c->account);
    if (r == MSIM_ERR_LIMIT)
        return msim_refuse(engine, c, MSIM_REJECT_LIMIT);
    if (r == MSIM_OK)
        r = prepare_new(engine, &request);
    if (r == MSIM_ERR_LIMIT)
        return msim_refuse(engine, c, MSIM_REJECT_LIMIT);
    if (r < 0)
        return r;

    const uint32_t slot = accept(engine, &request);
    hold_take(engine, &request);
    if (request.waits) {
        if (msim_trigger_met(request.instrument, request.side, c->type, c->stop_price))
            msim_queue_add(engine, slot);
        else
            msim_trigger_add(engine, slot);
        if (!engine->accounts_off)
            event_balance(engine, c->account, held_asset(request.instrument, request.side));
        return MSIM_OK;
    }

    struct taker taker = {
        .instrument = request.instrument,
        .slot = slot,
        .number = request.number,
        .limit = request.reach,
        .amount = c->amount ? c->amount : -1,
        .market = c->type == MSIM_ORDER_MARKET,
    };
    if (c->time_in_force == MSIM_TIF_FOK &&
        !msim_fillable(engine, request.instrument, &engine->orders[slot], request.reach))
        taker.stopped = MSIM_CANCEL_FOK;
    msim_execute(engine, &taker);
    return MSIM_OK;
}

/* Why a triggered order may not go on as what it is now; 0 where it may. */
static uint8_t check_triggered(const struct msim_engine *engine, const struct instrument *it,
                               const struct order *order, int64_t reach)
{
    const struct side *other = &it->sides[order_side(order) ^ 1];

    if (order->bits & BITS_REDUCE_ONLY &&
        msim_position_reducible(engine, order, order->leaves) == 0)
        return MSIM_CANCEL_REDUCE_ONLY;
    if (!order->price)
        return 0;
    if (!msim_band_holds(it, order->price))
        return MSIM_CANCEL_PRICE_BAND;
    if (order->bits & BITS_POST_ONLY && other->best <= reach)
        return MSIM_CANCEL_WOULD_TAKE;
    if (order_tif(order) == MSIM_TIF_FOK && !msim_fillable(engine, it, order, reach))
        return MSIM_CANCEL_FOK;
    return 0;
}

static int run_queued(struct msim_engine *engine, uint32_t slot)
{
    struct order *order = &engine->orders[slot];
    struct instrument *it = &engine->instruments[order->instrument];
    const unsigned side = order_side(order);
    const bool market = order->price == 0;
    struct taker taker = {
        .instrument = it,
        .slot = slot,
        .number = order->instrument,
        .limit = market ? msim_market_limit(it, side) : price_key(it, side ^ 1, order->price),
        .amount = -1,
        .market = market,
    };
    uint64_t fills = 0;
    int64_t sum;

    if (it->sides[side ^ 1].best <= taker.limit)
        fills =
            msim_sweep_fills(engine, it, side, taker.limit, order->leaves, order_self_trade(order));
    const bool rests =
        !market && order_tif(order) != MSIM_TIF_IOC && order_tif(order) != MSIM_TIF_FOK;
    int r = events_reserve(engine, fills * EVENTS_PER_FILL + EVENTS_PER_ORDER);
    if (r == MSIM_OK)
        r = finished_reserve(engine, fills + 1);
    if (r == MSIM_OK && rests)
        r = side_prepare(engine, &it->sides[side], price_key(it, side, order->price));
    if (r < 0)
        return r;

    msim_queue_remove(engine, slot);
    msim_event_order(engine, MSIM_EVENT_TRIGGERED, slot, 0, MSIM_STATUS_OPEN);
    if (market)
        msim_hold_release(engine, order, order->leaves, 0);
    taker.stopped = check_triggered(engine, it, order, taker.limit);
    if (!taker.stopped && rests && !msim_add_check(it->sides[side].total, order->leaves, &sum))
        taker.stopped = MSIM_CANCEL_OVERFLOW;
    msim_execute(engine, &taker);
    return MSIM_OK;
}

int msim_entry_queued(struct msim_engine *engine)
{
    while (engine->queued_first) {
        trades_booked(engine);
        int r = run_queued(engine, engine->queued_first);
        if (r < 0)
            return r;
    }
    return MSIM_OK;
}
