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

#include <string.h>

#include "engine/clients.h"
#include "engine/fill.h"

/* For the events of an order that does not trade. */
static inline bool hot_events(const struct msim_engine *engine)
{
    return engine->event_count < engine->event_stop;
}

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

/* What an event says of an order beside its numbers. */
struct hot_told {
    uint64_t client_id;
    uint32_t owner;
    uint8_t kind;
    uint8_t code;
    uint8_t status;
};

static inline bool hot_aside(const struct msim_engine *engine, enum lane lane)
{
    return lane == LANE_ANY && engine->events_wanted & EVENTS_ASIDE;
}

static inline bool hot_accounts(const struct msim_engine *engine, enum lane lane)
{
    return lane == LANE_USUAL || !engine->accounts_off;
}

HOT struct balance *hot_balance(const struct msim_engine *engine, uint32_t account, uint32_t asset,
                                enum lane lane)
{
    return lane == LANE_USUAL ? balance_in_row(engine, account, asset)
                              : balance_of(engine, account, asset);
}

/* Out of what is free into what is held; false where there is less. */
HOT bool hot_hold(const struct msim_engine *engine, uint32_t account, uint32_t asset, int64_t hold,
                  enum lane lane)
{
    if (!hot_accounts(engine, lane))
        return true;
    struct balance *balance = hot_balance(engine, account, asset, lane);
    if (hold > balance->free)
        return false;
    balance->free -= hold;
    balance->held += hold;
    return true;
}

/* The event of a limit or market order that has nothing special; its values stand in registers:
 * just written memory is not read again. */
HOT void hot_tell(struct msim_engine *engine, struct hot_told told, uint64_t id, uint64_t parties,
                  uint32_t slot, unsigned bits, msim_price price, msim_qty quantity,
                  msim_qty leaves, enum lane lane)
{
    if (lane == LANE_ANY && !(engine->events_wanted & MSIM_EVENTS_ORDER))
        return;
    event_word *words = event_words(engine, id);
    words[4] = told.client_id;
    words[5] = parties;
    words[6] = word_of(slot, told.owner);
    words[7] = word_of(half_of(told.kind, (bits & BITS_SIDE) + MSIM_SIDE_BUY,
                               bits >> BITS_TYPE_AT & 7, bits >> BITS_TIF_AT & 7),
                       half_of(told.code, 0, told.status, 0));
    words[8] = (uint64_t)price;
    words[9] = (uint64_t)quantity;
    words[10] = (uint64_t)leaves;
    words[11] = (uint64_t)(quantity - leaves);
    words[12] = 0;
    words[13] = 0;
    words[14] = 0;
    words[15] = 0;
}

/* Its client id is new, and there is room for it. */
HOT bool hot_client_ready(struct msim_engine *engine, const struct msim_command *c)
{
    uint32_t at;

    return engine->client_live < engine->client_most &&
           client_look(engine, c->account, c->client_id, &at) == MSIM_OK && !at;
}

/* The account and the client id are known to the tables, and there is room for what is new. */
HOT bool hot_ready(struct msim_engine *engine, const struct msim_command *c)
{
    if ((!engine->free_order && engine->order_used >= engine->order_room) ||
        (c->account >= engine->known_accounts &&
         (engine->accounts_off || c->account >= engine->account_capacity ||
          !accounts_ready(engine, c->account, c->instrument))))
        return false;
    return (c->client_id | c->owner) == 0 ||
           ((!c->owner || engine->owned) && (!c->client_id || hot_client_ready(engine, c)));
}

/* Type, time in force, self-trade prevention and flags, as one. */
static inline uint32_t hot_kind(const struct msim_command *c)
{
    uint32_t kind;

    static_assert(offsetof(struct msim_command, flags) == offsetof(struct msim_command, type) + 3,
                  "four bytes in a row");
    memcpy(&kind, (const char *)c + offsetof(struct msim_command, type), sizeof kind);
    return kind;
}

static inline bool hot_is_plain(const struct msim_command *c)
{
    return (c->stop_price | c->display_quantity | c->amount | c->expires_at) == 0;
}

/* The order in the pool, under its names; by its client id it is not found yet. */
HOT uint32_t hot_take(struct msim_engine *engine, const struct msim_command *c, unsigned bits,
                      enum lane lane)
{
    const uint32_t slot = order_take(engine, c, bits, lane);

    if (c->client_id | c->owner) {
        if (c->owner)
            msim_owner_add(engine, slot, c->owner);
        if (c->client_id)
            client_note(engine, c->client_id, client_content_plain(c), slot);
    }
    return slot;
}

/* The last one that was taken. */
HOT void hot_accept(struct msim_engine *engine, const struct msim_command *c, uint32_t slot,
                    unsigned bits, enum lane lane)
{
    const struct hot_told told = {
        .client_id = c->client_id,
        .owner = c->owner,
        .kind = MSIM_EVENT_ACCEPTED,
        .status = MSIM_STATUS_OPEN,
    };

    hot_tell(engine, told, engine->next_order - 1, word_of(c->instrument, c->account), slot, bits,
             c->price, c->quantity, c->quantity, lane);
}

/* Behind all others of its level, whose memory was made sure of. */
HOT void hot_append(struct msim_engine *engine, struct side *side, struct level *level,
                    uint32_t slot, msim_qty leaves)
{
    queue_append(engine, level, slot);
    level->shown += leaves;
    level->count++;
    side->total += leaves;
    side->order_count++;
}

/* What its account and the public are told beside. */
HOT void hot_append_aside(struct msim_engine *engine, const struct level *level, uint32_t number,
                          unsigned at, uint32_t slot, msim_price price, msim_qty leaves,
                          enum lane lane)
{
    if (!hot_aside(engine, lane))
        return;
    event_book_order(engine, slot, MSIM_BOOK_ADD, leaves);
    event_level(engine, number, at, price, level->shown, level->count);
    if (!engine->accounts_off)
        event_balance(engine, engine->orders[slot].account, engine->instruments[number].pays[at]);
}

#define HOT_RESTS ((unsigned)MSIM_ORDER_LIMIT << BITS_TYPE_AT | ORDER_RESTING << BITS_STATE_AT)
#define HOT_TAKES(type) ((unsigned)(type) << BITS_TYPE_AT | ORDER_MATCHING << BITS_STATE_AT)

/* Into the book at a level that is there: told when all is written, as what tells is taken to
 * change anything. */
HOT void hot_rest(struct msim_engine *engine, const struct msim_command *c, uint32_t hash,
                  struct side *own, struct level *level, unsigned side, enum lane lane)
{
    const unsigned bits = side | HOT_RESTS;
    const uint32_t slot = hot_take(engine, c, bits, lane);

    if (c->client_id)
        client_join(engine, slot, hash);
    hot_append(engine, own, level, slot, c->quantity);
    hot_accept(engine, c, slot, bits, lane);
    hot_append_aside(engine, level, c->instrument, side, slot, c->price, c->quantity, lane);
}

/* An upper bound on the fills of a taker that the best level may have enough for. */
static inline uint64_t hot_fills(const struct msim_engine *engine, const struct instrument *it,
                                 unsigned taker_side, int64_t limit, msim_qty quantity)
{
    const struct side *side = &it->sides[taker_side ^ 1];
    const struct level *level = side_near(side, side->best);

    if (level->shown >= quantity && level->hidden == 0 && engine->reduce_only_orders == 0)
        return (uint64_t)level->count + 1;
    return msim_sweep_fills(engine, it, taker_side, limit, quantity, MSIM_SELF_TRADE_NONE);
}

/* Asks for what the first fill will touch: it takes about as long to come as to get there. */
static inline void hot_prefetch(const struct msim_engine *engine, const struct instrument *it,
                                unsigned taker_side, uint32_t number)
{
    const struct side *other = &it->sides[taker_side ^ 1];
    const uint32_t slot = side_near(other, other->best)->head;

    account_prefetch(engine, it, number, engine->orders[slot].account);
}

/* With the orders that it triggers; what these lack memory for waits for the next command. */
static inline void hot_execute(struct msim_engine *engine, struct taker *taker)
{
    msim_take(engine, taker);
    if (engine->queued_first)
        msim_entry_queued(engine);
    if (engine->batching)
        trades_booked(engine);
}

/* It trades on arrival; its level is prepared. */
HOT bool hot_cross(struct msim_engine *engine, const struct msim_command *c, struct instrument *it,
                   unsigned side, int64_t key)
{
    const unsigned bits = side | HOT_TAKES(MSIM_ORDER_LIMIT);
    struct taker taker = {
        .instrument = it,
        .slot = hot_take(engine, c, bits, LANE_ANY),
        .number = c->instrument,
        .limit = -key,
        .amount = -1,
    };

    hot_accept(engine, c, taker.slot, bits, LANE_ANY);
    hot_execute(engine, &taker);
    return true;
}

/* A limit order that its side does not hold: better than the best, so that it may trade, or far
 * behind. */
RARE bool hot_limit_beyond(struct msim_engine *engine, const struct msim_command *c, uint32_t hash,
                           struct instrument *it, unsigned side, int64_t key, int64_t hold)
{
    struct side *own = &it->sides[side];
    const bool crosses = it->sides[side ^ 1].best <= -key;

    if (crosses)
        hot_prefetch(engine, it, side, c->instrument);
    if (msim_side_prepare_slow(engine, own, key) < 0 ||
        (crosses && !hot_room(engine, hot_fills(engine, it, side, -key, c->quantity))) ||
        !hot_hold(engine, c->account, it->pays[side], hold, LANE_ANY))
        return false;
    if (crosses)
        return hot_cross(engine, c, it, side, key);
    hot_rest(engine, c, hash, own, side_level_make(engine, own, key), side, LANE_ANY);
    return true;
}

HOT bool hot_limit(struct msim_engine *engine, const struct msim_command *c, uint32_t hash,
                   struct instrument *it, unsigned side, enum lane lane)
{
    struct side *own = &it->sides[side];
    const uint64_t ticks = grid_quotient(&it->tick, c->price);
    int64_t notional;
    int64_t total;

    if (!range_holds(it->ticks, ticks) || !notional_check(it, c->price, c->quantity, &notional) ||
        notional < it->min_notional || !msim_add_check(own->total, c->quantity, &total))
        return false;
    const int64_t key = mirrored(side, (int64_t)ticks * it->tick_steps);
    const int64_t hold = by_side(side, notional, c->quantity * it->base_factor);
    /* Whatever is not better than its own side's best does not reach the other side's. */
    if (!side_holds(own, key))
        return hot_limit_beyond(engine, c, hash, it, side, key, hold);
    if (!hot_hold(engine, c->account, it->pays[side], hold, lane))
        return false;
    hot_rest(engine, c, hash, own, side_near_make(own, key), side, lane);
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

RARE bool hot_market(struct msim_engine *engine, const struct msim_command *c,
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
    const unsigned bits = side | HOT_TAKES(MSIM_ORDER_MARKET);
    struct taker taker = {
        .instrument = it,
        .slot = hot_take(engine, c, bits, LANE_ANY),
        .number = c->instrument,
        .limit = KEY_NONE - 1,
        .amount = -1,
        .market = true,
        .covered = true,
    };
    hot_accept(engine, c, taker.slot, bits, LANE_ANY);
    hot_execute(engine, &taker);
    return true;
}

HOT bool hot_new(struct msim_engine *engine, const struct msim_command *c, uint32_t hash,
                 enum lane lane)
{
    const unsigned side = (unsigned)c->side - MSIM_SIDE_BUY;

    if (c->instrument >= engine->instrument_count || side > SELL || !hot_is_plain(c) ||
        !hot_events(engine))
        return false;
    struct instrument *it = &engine->instruments[c->instrument];
    if (!it->plain || !range_holds(it->lots, grid_quotient(&it->lot, c->quantity)) ||
        !hot_ready(engine, c))
        return false;
    const uint32_t kind = hot_kind(c);
    if (kind == half_of(MSIM_ORDER_LIMIT, 0, 0, 0))
        return hot_limit(engine, c, hash, it, side, lane);
    return kind == half_of(MSIM_ORDER_MARKET, 0, 0, 0) && hot_market(engine, c, it, side);
}

/* By its number, where a table is there that says so: the general way makes the index, with which
 * the lane ends. */
HOT uint32_t hot_numbered(const struct msim_engine *engine, uint64_t order)
{
    const uint32_t recent = engine->recent[order % RECENT_ORDERS];

    if (engine->orders[recent].id == order)
        return recent;
    return engine->indexed ? msim_order_find(engine, order, 0) : 0;
}

/* The order that the command names by handle or by client id; 0 for none, or for any other way.
 * Where it is by client id, the link that leads to it comes too. */
HOT uint32_t hot_named(const struct msim_engine *engine, const struct msim_command *c,
                       uint32_t hash, uint32_t **link)
{
    const uint32_t slot = (uint32_t)c->handle;

    if (slot) {
        /* The number says which is meant; what else the handle says of it does not matter. */
        return c->order && slot < engine->order_used && engine->orders[slot].id == c->order ? slot
                                                                                            : 0;
    }
    if (c->order)
        return c->handle ? 0 : hot_numbered(engine, c->order);
    if (c->handle || !c->client_id)
        return 0;
    *link = client_link(engine, c->account, c->client_id, hash);
    return **link;
}

/* The same where it rests, is the account's, and has nothing special. */
HOT uint32_t hot_find(const struct msim_engine *engine, const struct msim_command *c, uint32_t hash,
                      uint32_t **link)
{
    const uint32_t slot = hot_named(engine, c, hash, link);
    const struct order *order = &engine->orders[slot];

    if (slot == 0 || order->account != c->account || order->extra != 0 ||
        (order->bits & 3u << BITS_STATE_AT) != (unsigned)ORDER_RESTING << BITS_STATE_AT)
        return 0;
    return slot;
}

/* Out of its level, which goes where nothing is left of it; what was left is told in numbers: the
 * level may not be there any more. */
HOT struct level hot_leave(struct msim_engine *engine, struct side *side, int64_t key,
                           uint32_t slot, msim_qty leaves)
{
    struct level *level = side_level_find(engine, side, key);

    queue_unlink(engine, level, slot);
    level->shown -= leaves;
    level->count--;
    side->total -= leaves;
    side->order_count--;
    const struct level left = *level;
    if (left.count == 0)
        side_level_remove(engine, side, key);
    return left;
}

/* What the public is told of it. */
HOT void hot_leave_aside(struct msim_engine *engine, const struct level *left, unsigned at,
                         uint32_t slot, enum lane lane)
{
    if (!hot_aside(engine, lane))
        return;
    const struct order *order = &engine->orders[slot];
    event_book_order(engine, slot, MSIM_BOOK_DELETE, 0);
    event_level(engine, order->instrument, at, order->price, left->shown, left->count);
}

/* What only some have that are cancelled or replaced; the rest of it is the caller's. */
static inline struct hot_told hot_names(const struct msim_engine *engine, const struct order *order)
{
    struct hot_told told = {0};

    if (order->bits & (BITS_CLIENT | BITS_OWNED)) {
        told.client_id = order_client_id(order);
        told.owner = order_owner(engine, order);
    }
    return told;
}

HOT bool hot_cancel(struct msim_engine *engine, const struct msim_command *c, uint32_t hash,
                    enum lane lane)
{
    uint32_t *link = NULL;
    const uint32_t slot = hot_find(engine, c, hash, &link);

    if (!slot || !hot_events(engine))
        return false;
    struct order *order = &engine->orders[slot];
    struct instrument *it = &engine->instruments[order->instrument];
    const unsigned bits = order->bits;
    if (!it->plain || (bits & BITS_CLIENT && !finished_ready(engine, 1)))
        return false;

    const unsigned at = bits & BITS_SIDE;
    const struct level left =
        hot_leave(engine, &it->sides[at], price_key(it, at, order->price), slot, order->leaves);
    if (hot_accounts(engine, lane)) {
        struct balance *balance = hot_balance(engine, order->account, it->pays[at], lane);
        const int64_t hold = by_side(at, notional_of(it, order->price, order->leaves),
                                     order->leaves * it->base_factor);
        balance->held -= hold;
        balance->free += hold;
    }
    struct hot_told told = hot_names(engine, order);
    told.kind = MSIM_EVENT_CANCELLED;
    told.code = MSIM_CANCEL_REQUESTED;
    told.status = MSIM_STATUS_CANCELLED;
    hot_tell(engine, told, order->id, word_of(order->instrument, order->account), slot, bits,
             order->price, order->quantity, order->leaves, lane);
    hot_leave_aside(engine, &left, at, slot, lane);
    if (lane == LANE_ANY && !engine->accounts_off)
        event_balance(engine, order->account, it->pays[at]);
    if ((bits & (BITS_CLIENT | BITS_OWNED | BITS_REDUCE_ONLY)) == 0) {
        order_free(engine, slot, lane);
        return true;
    }
    if (bits & BITS_CLIENT) {
        if (!link)
            link = client_link(engine, order->account, told.client_id,
                               client_hash(engine, order->account, told.client_id));
        client_end(engine, slot, link, order->quantity - order->leaves, MSIM_STATUS_CANCELLED);
    }
    order_give(engine, slot, lane);
    return true;
}

/* To another price, where it rests again. */
RARE bool hot_replace(struct msim_engine *engine, const struct msim_command *c, uint32_t hash)
{
    uint32_t *link = NULL;
    const uint32_t slot = hot_find(engine, c, hash, &link);

    if (!slot || !hot_events(engine) || c->price <= 0 || c->quantity <= 0 || c->stop_price != 0 ||
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
    const int64_t more = by_side(at, notional - notional_of(it, order->price, order->leaves),
                                 (open - order->leaves) * it->base_factor);
    if (!hot_hold(engine, order->account, it->pays[at], more, LANE_ANY))
        return false;

    struct hot_told told = hot_names(engine, order);
    told.kind = MSIM_EVENT_REPLACED;
    told.status = filled > 0 ? MSIM_STATUS_PARTIALLY_FILLED : MSIM_STATUS_OPEN;
    hot_tell(engine, told, order->id, word_of(order->instrument, order->account), slot, order->bits,
             c->price, quantity, open, LANE_ANY);
    engine->replacing = true;
    const struct level left =
        hot_leave(engine, own, price_key(it, at, order->price), slot, order->leaves);
    engine->replacing = false;
    hot_leave_aside(engine, &left, at, slot, LANE_ANY);
    order->price = c->price;
    order->quantity = quantity;
    order->leaves = open;
    struct level *level = side_level_make(engine, own, key);
    hot_append(engine, own, level, slot, open);
    hot_append_aside(engine, level, order->instrument, at, slot, c->price, open, LANE_ANY);
    return true;
}

/*
 * The command, where it is one of these and nothing comes before it: no order waits for its turn,
 * and none can expire.  The hash is that of its client id, if it has one.
 */
HOT bool hot_apply(struct msim_engine *engine, const struct msim_command *c, uint32_t hash,
                   enum lane lane)
{
    const uint64_t sequence = engine->sequence;
    const msim_time time = engine->time;
    bool done = false;

    if ((c->sequence != 0 && c->sequence != sequence + 1) || engine->queued_first)
        return false;
    if (c->time > time) {
        if (engine->heap_count > 0 || c->time >= MSIM_TIME_NEVER)
            return false;
        engine->time = c->time;
    }
    engine->sequence = sequence + 1;
    /* These two by themselves: a jump by table is foreseen less often. */
    if (c->kind == MSIM_COMMAND_NEW)
        done = hot_new(engine, c, hash, lane);
    else if (c->kind == MSIM_COMMAND_CANCEL)
        done = hot_cancel(engine, c, hash, lane);
    else if (c->kind == MSIM_COMMAND_REPLACE)
        done = hot_replace(engine, c, hash);
    if (!done) {
        engine->sequence = sequence;
        engine->time = time;
    }
    return done;
}

#endif
