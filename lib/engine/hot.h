/*
 * The commands that nearly all are: plain orders by quantity, the cancel and the
 * replacement of one that rests.
 *
 * Each of these does exactly what the general way does for such a command, or
 * nothing: it returns false where anything is out of the ordinary, a refusal
 * included, and the general way looks at it from the start.  The differential
 * test holds both to the same model.
 */
#ifndef MSIM_ENGINE_HOT_H
#define MSIM_ENGINE_HOT_H

#include "engine/book.h"

/* What the public and the account are told beside the order's own event. */
#define HOT_ASIDE (MSIM_EVENTS_BOOK_ORDER | MSIM_EVENTS_LEVEL | MSIM_EVENTS_BALANCE)

/* For the events of an order and so many fills, and for the client ids of all that may end. */
static inline bool hot_room(const struct msim_engine *engine, uint64_t fills)
{
    return engine->event_capacity - engine->event_count >=
               EVENTS_PER_ORDER + EVENTS_PER_FILL * fills &&
           finished_ready(engine, fills + 1);
}

static inline bool range_holds(struct range range, uint64_t quotient)
{
    return quotient - range.first <= range.span;
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
    msim_qty filled;
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
    event->as.order.filled = order->filled;
    event->as.order.stop_price = 0;
    event->as.order.display_quantity = 0;
    event->as.order.amount = 0;
    event->as.order.expires_at = 0;
}

/* Its client id is new, and there is room for it. */
static inline bool hot_client_ready(struct msim_engine *engine, const struct msim_command *c)
{
    uint32_t at;

    return engine->clients &&
           CLIENT_PLACES_PER_ID * (engine->client_live + 1) <= engine->live_ids.places &&
           client_look(engine, c->account, c->client_id, &at) == MSIM_OK && !at;
}

/* A slot is free, and the account and its client id are known to the tables. */
static inline bool hot_ready(struct msim_engine *engine, const struct msim_command *c)
{
    if ((!engine->free_order && engine->order_used >= engine->order_room) ||
        c->account >= engine->account_capacity || (c->owner && !engine->owned))
        return false;
    if (!engine->accounts_off && !accounts_ready(engine, c->account, c->instrument))
        return false;
    return !c->client_id || hot_client_ready(engine, c);
}

static inline bool hot_is_plain(const struct msim_command *c)
{
    return (c->time_in_force | c->self_trade | c->flags) == 0 &&
           (c->stop_price | c->display_quantity | c->amount | c->expires_at) == 0;
}

/* The order in the pool, and told. */
static inline uint32_t hot_accept(struct msim_engine *engine, const struct msim_command *c,
                                  unsigned side, unsigned type, enum order_state state)
{
    const uint64_t id = engine->next_order++;
    const uint32_t slot = order_take(engine, id);
    struct order *order = &engine->orders[slot];
    const struct hot_order told = {
        .id = id,
        .client_id = c->client_id,
        .instrument = c->instrument,
        .account = c->account,
        .slot = slot,
        .owner = c->owner,
        .side = side,
        .type = type,
        .price = c->price,
        .quantity = c->quantity,
        .leaves = c->quantity,
    };

    order->leaves = told.quantity;
    order->price = told.price;
    order->quantity = told.quantity;
    order->extra = 0;
    order->account = told.account;
    order->instrument = (uint16_t)told.instrument;
    order->bits = (uint16_t)(side | type << BITS_TYPE_AT | (unsigned)state << BITS_STATE_AT);
    order_join(engine, slot);
    if (told.owner)
        msim_owner_add(engine, slot, told.owner);
    if (told.client_id)
        msim_client_add(engine, told.account, told.client_id, msim_client_content(c), slot);
    hot_tell(engine, &told, MSIM_EVENT_ACCEPTED, 0, MSIM_STATUS_OPEN);
    return slot;
}

/* Behind all others of its level, whose memory was made sure of. */
static inline void hot_rest(struct msim_engine *engine, struct side *side, uint32_t number,
                            unsigned at, int64_t key, uint32_t slot, msim_price price,
                            msim_qty leaves)
{
    struct level *level = side_level_make(engine, side, key);

    queue_append(engine, level, slot);
    level->shown += leaves;
    level->count++;
    side->total += leaves;
    side->order_count++;
    if (engine->events_wanted & HOT_ASIDE) {
        event_book_order(engine, slot, MSIM_BOOK_ADD, leaves);
        event_level(engine, number, at, price, level->shown, level->count);
    }
}

static inline bool hot_limit(struct msim_engine *engine, const struct msim_command *c,
                             struct instrument *it, unsigned side)
{
    struct side *own = &it->sides[side];
    const uint64_t ticks = grid_quotient(&it->tick, c->price);
    int64_t notional;
    int64_t total;

    if (!range_holds(it->ticks, ticks) || !notional_check(it, c->price, c->quantity, &notional) ||
        notional < it->min_notional || !msim_add_check(own->total, c->quantity, &total))
        return false;
    const int64_t key = mirrored(side, (int64_t)ticks * it->tick_steps);
    const bool crosses = it->sides[side ^ 1].best <= -key;
    if (side_prepare(engine, own, key) < 0)
        return false;
    if (crosses && !hot_room(engine, msim_sweep_fills(engine, it, side, -key, c->quantity,
                                                      MSIM_SELF_TRADE_NONE)))
        return false;
    if (!engine->accounts_off) {
        struct balance *balance = balance_of(engine, c->account, it->pays[side]);
        const int64_t hold = by_side(side, notional, c->quantity * it->base_factor);
        if (hold > balance->free)
            return false;
        balance->free -= hold;
        balance->held += hold;
    }

    const uint32_t slot =
        hot_accept(engine, c, side, MSIM_ORDER_LIMIT, crosses ? ORDER_MATCHING : ORDER_RESTING);
    if (crosses) {
        struct taker taker = {
            .instrument = it, .slot = slot, .number = c->instrument, .limit = -key, .amount = -1};
        msim_execute(engine, &taker);
        return true;
    }
    hot_rest(engine, own, c->instrument, side, key, slot, c->price, c->quantity);
    if (!engine->accounts_off)
        event_balance(engine, c->account, it->pays[side]);
    return true;
}

/* What a market order would meet, where that is simple: its fills and its cost. */
static inline bool hot_sweep(const struct msim_engine *engine, const struct instrument *it,
                             unsigned side, msim_qty quantity, uint64_t *fills, int64_t *cost)
{
    const struct side *other = &it->sides[side ^ 1];

    *fills = 0;
    *cost = 0;
    for (int64_t key = other->best; key != KEY_NONE && quantity > 0;
         key = msim_side_after(engine, other, key)) {
        const struct level *level = side_near(other, key);
        if (key >= other->near_end)
            return false;
        const msim_qty taken = level->shown < quantity ? level->shown : quantity;
        int64_t notional;
        if (level->hidden > 0 ||
            !notional_check(it, key_price(it, side ^ 1, key), taken, &notional) ||
            !msim_add_check(*cost, notional, cost))
            return false;
        *fills += level->count + 1;
        quantity -= taken;
    }
    return true;
}

static inline bool hot_market(struct msim_engine *engine, const struct msim_command *c,
                              struct instrument *it, unsigned side)
{
    uint64_t fills;
    int64_t cost;
    int64_t worth;

    if (c->price != 0 || it->sides[side ^ 1].best == KEY_NONE || engine->reduce_only_orders ||
        !notional_check(it, key_price(it, side ^ 1, it->sides[side ^ 1].best), c->quantity,
                        &worth) ||
        worth < it->min_notional || !hot_sweep(engine, it, side, c->quantity, &fills, &cost) ||
        !hot_room(engine, fills))
        return false;
    if (!engine->accounts_off) {
        const int64_t needed = side == SELL ? c->quantity * it->base_factor : cost;
        if (needed > balance_of(engine, c->account, it->pays[side])->free)
            return false;
    }
    struct taker taker = {
        .instrument = it,
        .slot = hot_accept(engine, c, side, MSIM_ORDER_MARKET, ORDER_MATCHING),
        .number = c->instrument,
        .limit = KEY_NONE - 1,
        .amount = -1,
        .market = true,
        .covered = true,
    };
    msim_execute(engine, &taker);
    return true;
}

static inline bool hot_new(struct msim_engine *engine, const struct msim_command *c)
{
    const unsigned side = (unsigned)c->side - MSIM_SIDE_BUY;

    if (c->instrument >= engine->instrument_count || c->account >= engine->max_accounts ||
        side > SELL || !hot_is_plain(c) || !hot_room(engine, 0))
        return false;
    struct instrument *it = &engine->instruments[c->instrument];
    if (!it->plain || !range_holds(it->lots, grid_quotient(&it->lot, c->quantity)) ||
        !hot_ready(engine, c))
        return false;
    if (c->type == MSIM_ORDER_LIMIT)
        return hot_limit(engine, c, it, side);
    return c->type == MSIM_ORDER_MARKET && hot_market(engine, c, it, side);
}

/* The order that the command names by handle or by client id; 0 for none, or for any other way. */
static inline uint32_t hot_named(const struct msim_engine *engine, const struct msim_command *c)
{
    const uint32_t slot = (uint32_t)c->handle;

    if (slot) {
        if (slot >= engine->order_used || engine->orders[slot].id != c->order ||
            (uint32_t)c->order != c->handle >> 32)
            return 0;
        return slot;
    }
    if (c->order)
        return c->handle ? 0 : msim_order_find(engine, c->order, 0);
    if (c->handle || !c->client_id)
        return 0;
    return msim_client_slot(engine, c->account, c->client_id);
}

/* The same where it rests, is the account's, and has nothing special. */
static inline uint32_t hot_find(const struct msim_engine *engine, const struct msim_command *c)
{
    const uint32_t slot = hot_named(engine, c);
    const struct order *order = &engine->orders[slot];

    if (slot == 0 || order->account != c->account || order->extra != 0 ||
        order_state(order) != ORDER_RESTING)
        return 0;
    return slot;
}

/* Out of its level, which goes where nothing is left of it. */
static inline void hot_leave(struct msim_engine *engine, struct instrument *it, unsigned at,
                             uint32_t slot, msim_price price, msim_qty leaves)
{
    struct side *side = &it->sides[at];
    const int64_t key = price_key(it, at, price);
    struct level *level = side_level_find(engine, side, key);

    queue_unlink(engine, level, slot);
    level->shown -= leaves;
    level->count--;
    side->total -= leaves;
    side->order_count--;
    if (engine->events_wanted & HOT_ASIDE) {
        event_book_order(engine, slot, MSIM_BOOK_DELETE, 0);
        event_level(engine, engine->orders[slot].instrument, at, price, level->shown, level->count);
    }
    if (level->count == 0)
        side_level_remove(engine, side, key);
}

static inline bool hot_cancel(struct msim_engine *engine, const struct msim_command *c)
{
    const uint32_t slot = hot_find(engine, c);

    if (!slot || !hot_room(engine, 0))
        return false;
    struct order *order = &engine->orders[slot];
    struct instrument *it = &engine->instruments[order->instrument];
    if (!it->plain)
        return false;

    const unsigned at = order_side(order);
    const struct hot_order told = {
        .id = order->id,
        .client_id = order_client_id(engine, order),
        .instrument = order->instrument,
        .account = order->account,
        .slot = slot,
        .owner = order_owner(engine, order),
        .side = at,
        .time_in_force = order_tif(order),
        .type = order_type(order),
        .price = order->price,
        .quantity = order->quantity,
        .leaves = order->leaves,
        .filled = order->quantity - order->leaves,
    };
    hot_tell(engine, &told, MSIM_EVENT_CANCELLED, MSIM_CANCEL_REQUESTED, MSIM_STATUS_CANCELLED);
    hot_leave(engine, it, at, slot, told.price, told.leaves);
    if (!engine->accounts_off) {
        struct balance *balance = balance_of(engine, told.account, it->pays[at]);
        const int64_t hold =
            at == SELL ? told.leaves * it->base_factor : notional_of(it, told.price, told.leaves);
        balance->held -= hold;
        balance->free += hold;
        event_balance(engine, told.account, it->pays[at]);
    }
    if (order->bits & BITS_CLIENT)
        msim_client_finish(engine, order, told.filled, MSIM_STATUS_CANCELLED);
    order_give(engine, slot);
    return true;
}

/* To another price, where it rests again. */
static inline bool hot_replace(struct msim_engine *engine, const struct msim_command *c)
{
    const uint32_t slot = hot_find(engine, c);

    if (!slot || !hot_room(engine, 0) || c->price <= 0 || c->quantity <= 0 || c->stop_price != 0 ||
        c->flags & ~MSIM_COMMAND_OPEN_QUANTITY)
        return false;
    struct order *order = &engine->orders[slot];
    struct instrument *it = &engine->instruments[order->instrument];
    const unsigned at = order_side(order);
    struct side *own = &it->sides[at];
    const uint64_t ticks = grid_quotient(&it->tick, c->price);
    const msim_qty filled = order->quantity - order->leaves;
    msim_qty quantity = c->quantity;
    int64_t notional;
    int64_t total;

    if (c->flags && !msim_add_check(filled, c->quantity, &quantity))
        return false;
    const msim_qty open = quantity - filled;
    if (!it->plain || c->price == order->price || open <= 0 || quantity > it->max_quantity ||
        order->bits & BITS_REDUCE_ONLY || !range_holds(it->ticks, ticks) ||
        !range_holds(it->lots, grid_quotient(&it->lot, c->quantity)) ||
        !notional_check(it, c->price, open, &notional) || notional < it->min_notional ||
        !msim_add_check(own->total, open, &total))
        return false;
    const int64_t key = mirrored(at, (int64_t)ticks * it->tick_steps);
    if (it->sides[at ^ 1].best <= -key || side_prepare(engine, own, key) < 0)
        return false;
    if (!engine->accounts_off) {
        struct balance *balance = balance_of(engine, order->account, it->pays[at]);
        const int64_t more = by_side(at, notional - notional_of(it, order->price, order->leaves),
                                     (open - order->leaves) * it->base_factor);
        if (more > balance->free)
            return false;
        balance->free -= more;
        balance->held += more;
    }

    const struct hot_order told = {
        .id = order->id,
        .client_id = order_client_id(engine, order),
        .instrument = order->instrument,
        .account = order->account,
        .slot = slot,
        .owner = order_owner(engine, order),
        .side = at,
        .time_in_force = order_tif(order),
        .type = order_type(order),
        .price = c->price,
        .quantity = quantity,
        .leaves = open,
        .filled = filled,
    };
    hot_tell(engine, &told, MSIM_EVENT_REPLACED, 0,
             filled > 0 ? MSIM_STATUS_PARTIALLY_FILLED : MSIM_STATUS_OPEN);
    engine->replacing = true;
    hot_leave(engine, it, at, slot, order->price, order->leaves);
    engine->replacing = false;
    order->price = told.price;
    order->quantity = told.quantity;
    order->leaves = told.leaves;
    hot_rest(engine, own, told.instrument, at, key, slot, told.price, told.leaves);
    if (!engine->accounts_off)
        event_balance(engine, told.account, it->pays[at]);
    return true;
}

#endif
