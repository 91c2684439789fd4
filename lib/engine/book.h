/*
 * Slots, levels and queues: what every order passes through, in line.
 */
#ifndef MSIM_ENGINE_BOOK_H
#define MSIM_ENGINE_BOOK_H

#include "engine/money.h"

/* Takes a slot for an order, which gets the next number and what the command asks for. */
HOT uint32_t order_take(struct msim_engine *engine, const struct msim_command *command,
                        unsigned bits, enum lane lane)
{
    const uint32_t slot = engine->free_order ? engine->free_order : engine->order_used++;
    const uint64_t id = engine->next_order++;
    struct order *order = &engine->orders[slot];

    if (slot == engine->free_order)
        engine->free_order = order->next;
    engine->live_orders++;
    order->id = id;
    engine->recent[id % RECENT_ORDERS] = slot;
    order->leaves = command->quantity;
    order->price = command->price;
    order->quantity = command->quantity;
    order->extra = 0;
    order->account = command->account;
    order->instrument = (uint16_t)command->instrument;
    order->bits = (uint16_t)bits;
    if (lane == LANE_USUAL)
        return slot;
    if (engine->indexed)
        index_join(engine, slot);
    order_join(engine, slot);
    return slot;
}

static inline bool bit_test(const uint64_t *words, uint64_t place)
{
    return words[place >> 6] >> (place & 63) & 1;
}

static inline void side_mark(struct side *side, uint64_t place)
{
    side->words[place >> 6] |= UINT64_C(1) << (place & 63);
    side->middle[place >> 12] |= UINT64_C(1) << (place >> 6 & 63);
    side->top |= UINT64_C(1) << (place >> 12);
    side->near_count++;
}

static inline void side_unmark(struct side *side, uint64_t place)
{
    side->near_count--;
    if ((side->words[place >> 6] &= ~(UINT64_C(1) << (place & 63))) != 0)
        return;
    if ((side->middle[place >> 12] &= ~(UINT64_C(1) << (place >> 6 & 63))) != 0)
        return;
    side->top &= ~(UINT64_C(1) << (place >> 12));
}

/* The first marked place from `place` on, around the end; one is marked. */
static inline uint64_t side_next_place(const struct side *side, uint64_t place)
{
    uint64_t word = place >> 6;
    uint64_t bits = side->words[word] >> (place & 63);
    if (bits)
        return place + (uint64_t)__builtin_ctzll(bits);

    uint64_t group = place >> 12;
    /* Two shifts: one by 64 would mean nothing. */
    bits = side->middle[group] >> (word & 63) >> 1;
    if (bits) {
        word += 1 + (uint64_t)__builtin_ctzll(bits);
    } else {
        bits = side->top >> group >> 1;
        group = bits ? group + 1 + (uint64_t)__builtin_ctzll(bits)
                     : (uint64_t)__builtin_ctzll(side->top);
        word = group << 6 | (uint64_t)__builtin_ctzll(side->middle[group]);
    }
    return word << 6 | (uint64_t)__builtin_ctzll(side->words[word]);
}

static inline struct level *side_near(const struct side *side, int64_t key)
{
    return &side->levels[(uint64_t)key & side->mask];
}

/* The key is not before the best, and lies in the window. */
static inline bool side_holds(const struct side *side, int64_t key)
{
    return key >= side->best && key < side->near_end;
}

/* Makes sure that an order at the key can be added without fail; changes nothing that shows. */
static inline int side_prepare(struct msim_engine *engine, struct side *side, int64_t key)
{
    return side_holds(side, key) ? MSIM_OK : msim_side_prepare_slow(engine, side, key);
}

/* The level of a key that the side holds, made empty if there was none. */
HOT struct level *side_near_make(struct side *side, int64_t key)
{
    const uint64_t place = (uint64_t)key & side->mask;
    struct level *level = &side->levels[place];
    if (!bit_test(side->words, place)) {
        *level = (struct level){0};
        side_mark(side, place);
    }
    return level;
}

/* The level of the key, made empty if there was none; side_prepare was called. */
HOT struct level *side_level_make(struct msim_engine *engine, struct side *side, int64_t key)
{
    return side_holds(side, key) ? side_near_make(side, key)
                                 : msim_side_level_make_slow(engine, side, key);
}

/* The level is there. */
static inline struct level *side_level_find(struct msim_engine *engine, struct side *side,
                                            int64_t key)
{
    if (key >= side->near_end)
        return msim_ladder_find(&side->far, &engine->ladder_pool, key);
    return side_near(side, key);
}

/* An empty level goes. */
static inline void side_level_remove(struct msim_engine *engine, struct side *side, int64_t key)
{
    if (key >= side->near_end) {
        msim_side_far_remove(engine, side, key);
        return;
    }
    side_unmark(side, (uint64_t)key & side->mask);
    if (key == side->best)
        msim_side_advance(engine, side);
}

/* `slot`, or the other where it is none. */
static inline uint32_t slot_or(uint32_t slot, uint32_t otherwise)
{
    return slot | (otherwise & -(uint32_t)(slot == 0));
}

/*
 * Whether an order has neighbours cannot be foreseen either: slot 0, which no order
 * has, takes what would be written to the neighbour that is not there.
 */
static inline void queue_append(struct msim_engine *engine, struct level *level, uint32_t slot)
{
    struct order *order = &engine->orders[slot];
    const uint32_t tail = level->tail;

    order->next = 0;
    order->prev = tail;
    engine->orders[tail].next = slot;
    level->head = slot_or(level->head, slot);
    level->tail = slot;
}

/* An end of a queue after an order left: `other` where that one had no neighbour on this side. */
static inline uint32_t end_after(uint32_t end, uint32_t neighbour, uint32_t other)
{
    return end ^ ((end ^ other) & -(uint32_t)(neighbour == 0));
}

static inline void queue_unlink(struct msim_engine *engine, struct level *level, uint32_t slot)
{
    const uint32_t next = engine->orders[slot].next;
    const uint32_t prev = engine->orders[slot].prev;

    engine->orders[prev].next = next;
    engine->orders[next].prev = prev;
    level->head = end_after(level->head, prev, next);
    level->tail = end_after(level->tail, next, prev);
}

/* Puts the order in hand into the book, behind all at its price. */
static inline void book_add(struct msim_engine *engine, struct instrument *instrument,
                            uint32_t number, uint32_t slot)
{
    struct order *order = &engine->orders[slot];
    const unsigned at = order_side(order);
    struct side *side = &instrument->sides[at];
    struct level *level = side_level_make(engine, side, price_key(instrument, at, order->price));
    const msim_qty hidden = order_hidden(engine, order);

    queue_append(engine, level, slot);
    level->shown += order->leaves;
    level->hidden += hidden;
    level->count++;
    side->total += order->leaves + hidden;
    side->order_count++;
    order_set_state(order, ORDER_RESTING);
    event_book_order(engine, slot, MSIM_BOOK_ADD, order->leaves);
    event_level(engine, number, at, order->price, level->shown, level->count);
}

/* Takes a resting order out of the book. */
static inline void book_remove(struct msim_engine *engine, uint32_t slot)
{
    struct order *order = &engine->orders[slot];
    struct instrument *instrument = &engine->instruments[order->instrument];
    const unsigned at = order_side(order);
    struct side *side = &instrument->sides[at];
    const int64_t key = price_key(instrument, at, order->price);
    struct level *level = side_level_find(engine, side, key);
    const msim_qty hidden = order_hidden(engine, order);

    queue_unlink(engine, level, slot);
    level->shown -= order->leaves;
    level->hidden -= hidden;
    level->count--;
    side->total -= order->leaves + hidden;
    side->order_count--;
    order_set_state(order, ORDER_MATCHING);
    event_book_order(engine, slot, MSIM_BOOK_DELETE, 0);
    event_level(engine, order->instrument, at, order->price, level->shown, level->count);
    if (level->count == 0)
        side_level_remove(engine, side, key);
}

#endif
