/*
 * The two commands that nearly all are: a plain limit order that rests, and the
 * cancel of one that does.
 *
 * Each of these does exactly what the general way does for such a command, or
 * nothing: it returns false where anything is out of the ordinary, a refusal
 * included, and the general way looks at it from the start.
 */
#ifndef MSIM_ENGINE_HOT_H
#define MSIM_ENGINE_HOT_H

#include "engine/book.h"

/* The events of a plain order or a cancel, with everything told. */
#define HOT_EVENTS 8

static inline bool hot_room(const struct msim_engine *engine)
{
    return engine->event_capacity - engine->event_count >= HOT_EVENTS;
}

static inline bool hot_is_plain(const struct msim_command *c)
{
    return ((c->type ^ MSIM_ORDER_LIMIT) | c->time_in_force | c->self_trade | c->flags) == 0 &&
           (c->stop_price | c->display_quantity | c->amount | c->expires_at) == 0;
}

/* What an event says of an order, in registers: just written memory is not read again. */
struct hot_order {
    uint64_t id;
    uint64_t client_id;
    uint32_t instrument;
    uint32_t account;
    uint32_t slot;
    uint32_t owner;
    unsigned side;
    unsigned time_in_force;
    unsigned type;
    msim_price price;
    msim_qty quantity;
    msim_qty leaves;
};

static inline void hot_tell(struct msim_engine *engine, const struct hot_order *order, uint8_t kind,
                            uint8_t code, uint8_t status)
{
    if (!(engine->events_wanted & MSIM_EVENTS_ORDER))
        return;
    struct msim_event *event = &engine->events[engine->event_count++];
    event->sequence = ++engine->event_sequence;
    event->command = engine->sequence;
    event->time = engine->time;
    event->order = order->id;
    event->client_id = order->client_id;
    event->instrument = order->instrument;
    event->account = order->account;
    event->slot = order->slot;
    event->owner = order->owner;
    event->kind = kind;
    event->side = side_told(order->side);
    event->type = (uint8_t)order->type;
    event->time_in_force = (uint8_t)order->time_in_force;
    event->code = code;
    event->flags = 0;
    event->status = status;
    event->command_kind = 0;
    event->as.order.price = order->price;
    event->as.order.quantity = order->quantity;
    event->as.order.leaves = order->leaves;
    event->as.order.filled = order->quantity - order->leaves;
    event->as.order.stop_price = 0;
    event->as.order.display_quantity = 0;
    event->as.order.amount = 0;
    event->as.order.expires_at = 0;
}

/* Its client id is new, and there is room for it. */
static inline bool hot_client_ready(const struct msim_engine *engine, const struct msim_command *c)
{
    return c->account < engine->account_capacity &&
           (engine->free_client || engine->client_used < engine->client_capacity) &&
           engine->finished_count + engine->client_live + 2 <= engine->finished_capacity &&
           engine->client_mask + 1 >= engine->client_capacity &&
           !msim_client_find(engine, c->account, c->client_id);
}

static inline bool hot_new(struct msim_engine *engine, const struct msim_command *c)
{
    const unsigned side = (unsigned)c->side - MSIM_SIDE_BUY;

    if (c->instrument >= engine->instrument_count || c->account >= engine->max_accounts ||
        side > SELL || !hot_is_plain(c) || !hot_room(engine))
        return false;

    struct instrument *it = &engine->instruments[c->instrument];
    struct side *own = &it->sides[side];
    const struct side *other = &it->sides[side ^ 1];
    const msim_price price = c->price;
    const msim_qty quantity = c->quantity;
    const uint64_t ticks = grid_quotient(&it->tick, price);
    if (price < it->min_price || price > it->max_price || ticks > it->tick.limit ||
        quantity < it->min_quantity || quantity > it->max_quantity || quantity > it->fit_quantity ||
        !grid_holds(&it->lot, quantity) || (it->state | it->band) != 0 ||
        it->step.unit != it->tick.unit)
        return false;

    const int64_t key = side == SELL ? (int64_t)ticks : -(int64_t)ticks;
    int64_t notional;
    int64_t total;
    if (!notional_check(it, price, quantity, &notional) || notional < it->min_notional ||
        !msim_add_check(own->total, quantity, &total))
        return false;
    const bool crosses = other->best <= -key;
    if (crosses &&
        engine->event_capacity - engine->event_count <
            EVENTS_PER_ORDER + EVENTS_PER_FILL * msim_sweep_fills(engine, it, side, -key, quantity,
                                                                  MSIM_SELF_TRADE_NONE))
        return false;
    if ((!engine->free_order && (engine->order_used >= engine->order_capacity ||
                                 engine->order_used > engine->max_orders)) ||
        (c->client_id && !hot_client_ready(engine, c)) || side_prepare(engine, own, key) < 0)
        return false;

    struct balance *balance = NULL;
    int64_t hold = 0;
    if (!engine->accounts_off) {
        hold = side == SELL ? quantity * it->base_factor : notional;
        if (side == BUY && it->fee_mode != MSIM_FEE_RECEIVED)
            return false;
        if (!accounts_ready(engine, it, c->account, c->instrument))
            return false;
        balance = balance_of(engine, c->account, held_asset(it, side));
        if (hold > balance->free)
            return false;
        balance->free -= hold;
        balance->held += hold;
    }

    const uint64_t id = engine->next_order++;
    const uint32_t slot = order_take(engine, id);
    struct order *order = &engine->orders[slot];
    order->leaves = quantity;
    order->price = price;
    order->quantity = quantity;
    order->extra = 0;
    order->client = 0;
    order->account = c->account;
    order->owner = c->owner;
    order->instrument = (uint16_t)c->instrument;
    order->bits =
        (uint16_t)(side | MSIM_ORDER_LIMIT << BITS_TYPE_AT | ORDER_MATCHING << BITS_STATE_AT);
    if (c->client_id)
        order->client =
            msim_client_add(engine, c->account, c->client_id, msim_client_content(c), slot);
    const struct hot_order told = {
        .id = id,
        .client_id = c->client_id,
        .instrument = c->instrument,
        .account = c->account,
        .slot = slot,
        .owner = c->owner,
        .side = side,
        .type = MSIM_ORDER_LIMIT,
        .price = price,
        .quantity = quantity,
        .leaves = quantity,
    };
    hot_tell(engine, &told, MSIM_EVENT_ACCEPTED, 0, MSIM_STATUS_OPEN);
    if (crosses) {
        struct taker taker = {
            .instrument = it,
            .slot = slot,
            .number = c->instrument,
            .limit = -key,
            .amount = -1,
        };
        msim_execute(engine, &taker);
        return true;
    }
    struct level *level = side_level_make(engine, own, key);
    order->bits |= ORDER_RESTING << BITS_STATE_AT;
    queue_append(engine, level, slot);
    level->shown += quantity;
    level->count++;
    own->total = total;
    own->order_count++;
    event_book_order(engine, slot, MSIM_BOOK_ADD, quantity);
    event_level(engine, c->instrument, side, price, level->shown, level->count);
    if (balance)
        event_balance(engine, c->account, held_asset(it, side));
    return true;
}

static inline bool hot_cancel(struct msim_engine *engine, const struct msim_command *c)
{
    const uint32_t slot = (uint32_t)c->handle;

    if (slot == 0 || slot >= engine->order_used || !hot_room(engine))
        return false;
    struct order *order = &engine->orders[slot];
    if (order->id != c->order || order->id == 0 || order->account != c->account ||
        (uint32_t)order->id != c->handle >> 32 || order->extra != 0 ||
        order_state(order) != ORDER_RESTING)
        return false;
    struct instrument *it = &engine->instruments[order->instrument];
    if (it->state == MSIM_STATE_HALTED)
        return false;

    const unsigned at = order_side(order);
    struct side *side = &it->sides[at];
    const int64_t key = price_key(it, at, order->price);
    struct level *level = side_level_find(engine, side, key);
    const msim_qty leaves = order->leaves;

    const struct hot_order told = {
        .id = order->id,
        .client_id = order->client ? engine->clients[order->client].client_id : 0,
        .instrument = order->instrument,
        .account = order->account,
        .slot = slot,
        .owner = order->owner,
        .side = at,
        .time_in_force = order_tif(order),
        .type = order_type(order),
        .price = order->price,
        .quantity = order->quantity,
        .leaves = leaves,
    };
    hot_tell(engine, &told, MSIM_EVENT_CANCELLED, MSIM_CANCEL_REQUESTED, MSIM_STATUS_CANCELLED);
    queue_unlink(engine, level, slot);
    level->shown -= leaves;
    level->count--;
    side->total -= leaves;
    side->order_count--;
    event_book_order(engine, slot, MSIM_BOOK_DELETE, 0);
    event_level(engine, order->instrument, at, order->price, level->shown, level->count);
    if (level->count == 0)
        side_level_remove(engine, side, key);
    if (!engine->accounts_off) {
        const uint32_t asset = held_asset(it, at);
        const int64_t hold = hold_of(it, at, order->price, leaves);
        struct balance *balance = balance_of(engine, order->account, asset);
        balance->held -= hold;
        balance->free += hold;
        event_balance(engine, order->account, asset);
    }
    if (order->client)
        msim_client_finish(engine, order, order->quantity - leaves, MSIM_STATUS_CANCELLED);
    order_give(engine, slot);
    return true;
}

#endif
