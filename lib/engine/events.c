/*
 * What the engine tells: one array, filled by an apply and lent to the caller.
 */
#include "engine/money.h"

/* The bound on one apply's events: every order may end in it, with all that this entails. */
static size_t events_limit(const struct msim_engine *engine)
{
    return (size_t)EVENTS_PER_FILL * 2 * engine->max_orders + MSIM_BATCH_EVENTS;
}

int msim_events_grow(struct msim_engine *engine, size_t more)
{
    if (more > events_limit(engine))
        return MSIM_ERR_LIMIT;
    int r = msim_mem_grow(&engine->allocator, (void **)&engine->events, &engine->event_capacity,
                          sizeof *engine->events, engine->event_count + more,
                          events_limit(engine) + MSIM_BATCH_EVENTS);
    const size_t used =
        engine->event_capacity < MSIM_BATCH_EVENTS ? engine->event_capacity : MSIM_BATCH_EVENTS;
    engine->event_stop = used >= EVENTS_PER_ORDER ? used - EVENTS_PER_ORDER + 1 : 0;
    return r;
}

void msim_event_order(struct msim_engine *engine, uint8_t kind, uint32_t slot, uint8_t code,
                      uint8_t status)
{
    if (!(engine->events_wanted & MSIM_EVENTS_ORDER))
        return;
    const struct order *order = &engine->orders[slot];
    struct msim_event *event = event_make(engine, kind);

    event->order = order->id;
    event->client_id = order_client_id(order);
    event->instrument = order->instrument;
    event->account = order->account;
    event->slot = slot;
    event->owner = order_owner(engine, order);
    event->side = side_told(order_side(order));
    event->type = (uint8_t)order_type(order);
    event->time_in_force = (uint8_t)order_tif(order);
    event->code = code;
    event->status = status;
    event->as.order.price = order->price;
    event->as.order.quantity = order->quantity;
    event->as.order.leaves = order->leaves;
    event->as.order.filled = order->quantity - order->leaves;
    if (order->extra) {
        const struct extra *extra = &engine->extras[order->extra];
        event->as.order.leaves += extra->hidden;
        event->as.order.filled -= extra->hidden;
        event->as.order.stop_price = extra->stop_price;
        event->as.order.display_quantity = extra->display;
        if (extra->expires_at != MSIM_TIME_NEVER)
            event->as.order.expires_at = extra->expires_at;
    }
}

void msim_event_reject(struct msim_engine *engine, const struct msim_command *command, uint8_t code)
{
    struct msim_event *event = event_make(engine, MSIM_EVENT_REJECTED);

    event->order = command->order;
    event->client_id = command->client_id;
    event->instrument = command->instrument;
    event->account = command->account;
    event->owner = command->owner;
    event->side = command->side;
    event->type = command->type;
    event->time_in_force = command->time_in_force;
    event->code = code;
    event->status = command->kind == MSIM_COMMAND_NEW ? MSIM_STATUS_REJECTED : MSIM_STATUS_NONE;
    event->command_kind = command->kind;
    event->as.order.price = command->price;
    event->as.order.quantity = command->quantity;
    event->as.order.stop_price = command->stop_price;
    event->as.order.display_quantity = command->display_quantity;
    event->as.order.amount = command->amount;
    event->as.order.expires_at = command->expires_at;
}

void msim_event_balance(struct msim_engine *engine, uint32_t account, uint32_t asset)
{
    const struct balance *balance = balance_of(engine, account, asset);
    struct msim_event *event = event_make(engine, MSIM_EVENT_BALANCE);

    event->account = account;
    event->instrument = MSIM_ALL_INSTRUMENTS;
    event->as.balance.free = balance->free;
    event->as.balance.held = balance->held;
    event->as.balance.asset = asset;
}

static int64_t narrow(msim_int128 value)
{
    if (value > INT64_MAX)
        return INT64_MAX;
    return value < INT64_MIN ? INT64_MIN : (int64_t)value;
}

/* Cost per quantity, back at the price's exponent. */
static int64_t average_price(const struct instrument *instrument, const struct holding *position)
{
    const msim_int128 quantity = position->quantity < 0 ? -position->quantity : position->quantity;
    const msim_int128 cost = position->cost < 0 ? -position->cost : position->cost;

    if (quantity == 0)
        return 0;
    const msim_int128 units = cost / instrument->quote_factor;
    return narrow(units / quantity + (units % quantity * 2 >= quantity));
}

void msim_position_show(const struct msim_engine *engine, uint32_t instrument,
                        const struct holding *position, struct msim_position_view *view)
{
    const struct instrument *it = &engine->instruments[instrument];
    const msim_int128 bound = (msim_int128)1 << 64;
    msim_int128 value = 0;

    /* Beyond this the product might not fit, and the answer is the largest number anyway. */
    if (position->quantity > -bound && position->quantity < bound &&
        !__builtin_mul_overflow(position->quantity * it->last_price, it->quote_factor, &value) &&
        it->last_price > 0)
        value -= position->cost;
    else
        value = 0;
    *view = (struct msim_position_view){
        .quantity = narrow(position->quantity),
        .cost = narrow(position->cost),
        .realised = narrow(position->realised),
        .unrealised = narrow(value),
        .average_price = average_price(it, position),
    };
}

void msim_event_position(struct msim_engine *engine, uint32_t account, uint32_t instrument)
{
    if (!(engine->events_wanted & MSIM_EVENTS_POSITION))
        return;
    const struct holding now = position_load(position_of(engine, account, instrument),
                                             upper_of(engine, account, instrument));
    struct msim_event *event = event_make(engine, MSIM_EVENT_POSITION);

    event->account = account;
    event->instrument = instrument;
    event->as.position.quantity = narrow(now.quantity);
    event->as.position.cost = narrow(now.cost);
    event->as.position.realised = narrow(now.realised);
    event->as.position.average_price = average_price(&engine->instruments[instrument], &now);
}

void msim_event_instrument(struct msim_engine *engine, uint32_t instrument)
{
    const struct instrument *it = &engine->instruments[instrument];
    struct msim_event *event = event_make(engine, MSIM_EVENT_INSTRUMENT);

    event->instrument = instrument;
    event->as.instrument.tick = it->tick.unit;
    event->as.instrument.lot = it->lot.unit;
    event->as.instrument.min_notional = it->min_notional;
    event->as.instrument.state = it->state;
}

void msim_event_mass(struct msim_engine *engine, const struct msim_command *command, uint64_t count)
{
    if (!(engine->events_wanted & MSIM_EVENTS_ORDER))
        return;
    struct msim_event *event = event_make(engine, MSIM_EVENT_MASS_CANCELLED);

    event->instrument = command->instrument;
    event->account = command->account;
    event->owner = command->owner;
    event->side = command->side;
    event->command_kind = command->kind;
    event->as.mass.count = count;
}

void msim_event_book_order_slow(struct msim_engine *engine, uint32_t slot, uint8_t action,
                                msim_qty shown)
{
    const struct order *order = &engine->orders[slot];
    struct msim_event *event = event_make(engine, MSIM_EVENT_BOOK_ORDER);

    event->order = order->id;
    event->instrument = order->instrument;
    event->side = side_told(order_side(order));
    event->as.book_order.price = order->price;
    event->as.book_order.quantity = shown;
    event->as.book_order.action = action;
}
