/*
 * Orders that wait for a price, and the queue of those whose price came.
 *
 * Two ladders for each instrument: one fires upwards (a buy stop, a sell that
 * takes profit), the other downwards, with negated keys, so that both fire from
 * their first level on.
 */
#include "engine/state.h"

enum {
    RISING = 0,
    FALLING = 1,
};

static bool is_stop(unsigned type)
{
    return type == MSIM_ORDER_STOP || type == MSIM_ORDER_STOP_LIMIT;
}

static unsigned direction(unsigned side, unsigned type)
{
    return (side == BUY) == is_stop(type) ? RISING : FALLING;
}

bool msim_trigger_rises(const struct order *order)
{
    return direction(order_side(order), order_type(order)) == RISING;
}

static int64_t trigger_key(unsigned direction, msim_price stop_price)
{
    return direction == RISING ? stop_price : -stop_price;
}

int msim_trigger_prepare(struct msim_engine *engine, struct instrument *instrument, unsigned side,
                         unsigned type, msim_price stop_price)
{
    const unsigned at = direction(side, type);

    if (msim_ladder_find(&instrument->triggers[at], &engine->ladder_pool,
                         trigger_key(at, stop_price)))
        return MSIM_OK;
    return msim_ladder_reserve(&instrument->triggers[at], &engine->ladder_pool, 1,
                               &engine->allocator);
}

static void list_append(struct msim_engine *engine, uint32_t *first, uint32_t *last, uint32_t slot)
{
    struct order *order = &engine->orders[slot];

    order->next = 0;
    order->prev = *last;
    if (*last)
        engine->orders[*last].next = slot;
    else
        *first = slot;
    *last = slot;
}

static void list_remove(struct msim_engine *engine, uint32_t *first, uint32_t *last, uint32_t slot)
{
    const struct order *order = &engine->orders[slot];

    if (order->prev)
        engine->orders[order->prev].next = order->next;
    else
        *first = order->next;
    if (order->next)
        engine->orders[order->next].prev = order->prev;
    else
        *last = order->prev;
}

void msim_trigger_add(struct msim_engine *engine, uint32_t slot)
{
    struct order *order = &engine->orders[slot];
    struct instrument *instrument = &engine->instruments[order->instrument];
    const unsigned at = direction(order_side(order), order_type(order));
    struct level *level =
        msim_ladder_insert(&instrument->triggers[at], &engine->ladder_pool,
                           trigger_key(at, engine->extras[order->extra].stop_price));

    list_append(engine, &level->head, &level->tail, slot);
    level->count++;
    instrument->waiting_count++;
    order_set_state(order, ORDER_WAITING);
}

void msim_trigger_remove(struct msim_engine *engine, uint32_t slot)
{
    struct order *order = &engine->orders[slot];
    struct instrument *instrument = &engine->instruments[order->instrument];
    const unsigned at = direction(order_side(order), order_type(order));
    const int64_t key = trigger_key(at, engine->extras[order->extra].stop_price);
    struct level *level = msim_ladder_find(&instrument->triggers[at], &engine->ladder_pool, key);

    list_remove(engine, &level->head, &level->tail, slot);
    instrument->waiting_count--;
    order_set_state(order, ORDER_MATCHING);
    if (--level->count == 0)
        msim_ladder_remove(&instrument->triggers[at], &engine->ladder_pool, key);
}

bool msim_trigger_met(const struct instrument *instrument, unsigned side, unsigned type,
                      msim_price stop_price)
{
    if (instrument->last_price == 0)
        return false;
    return direction(side, type) == RISING ? instrument->last_price >= stop_price
                                           : instrument->last_price <= stop_price;
}

void msim_queue_add(struct msim_engine *engine, uint32_t slot)
{
    list_append(engine, &engine->queued_first, &engine->queued_last, slot);
    order_set_state(&engine->orders[slot], ORDER_QUEUED);
}

void msim_queue_remove(struct msim_engine *engine, uint32_t slot)
{
    list_remove(engine, &engine->queued_first, &engine->queued_last, slot);
    order_set_state(&engine->orders[slot], ORDER_MATCHING);
}

static void fire(struct msim_engine *engine, struct instrument *instrument, unsigned at,
                 int64_t reached)
{
    struct ladder *ladder = &instrument->triggers[at];

    for (int64_t key; (key = ladder_first(ladder)) <= reached && key != KEY_NONE;) {
        uint32_t slot = msim_ladder_find(ladder, &engine->ladder_pool, key)->head;
        msim_ladder_remove(ladder, &engine->ladder_pool, key);
        while (slot) {
            const uint32_t next = engine->orders[slot].next;
            instrument->waiting_count--;
            msim_queue_add(engine, slot);
            slot = next;
        }
    }
}

void msim_trigger_fire(struct msim_engine *engine, struct instrument *instrument, msim_price low,
                       msim_price high)
{
    fire(engine, instrument, RISING, high);
    fire(engine, instrument, FALLING, -low);
}
