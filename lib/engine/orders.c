/*
 * The pool of orders: slots, the index by number, what few orders have, who sent
 * them, and who expires when.
 *
 * Free slots are taken last in, first out: the one that was just used lies in
 * the cache.  Numbers are dense, so the index is a table of chains with the
 * number itself as its hash: new orders follow each other in it.  Its memory is
 * there from the start, so that a question cannot fail; whoever names orders by
 * handle or client id alone never needs more of it, nor does who names one by number
 * before its handle came back: the slots of the last orders stand in a table of their own.
 */
#include <assert.h>
#include <string.h>

#include "engine/money.h"

#define EXTRAS_LIMIT UINT32_MAX

/* All live orders into the index. */
static void index_fill(struct msim_engine *engine)
{
    memset(engine->id_index, 0, ((size_t)engine->id_mask + 1) * sizeof *engine->id_index);
    for (uint32_t slot = 1; slot < engine->order_used; slot++) {
        if (engine->orders[slot].id != 0)
            index_join(engine, slot);
    }
}

static int index_make(struct msim_engine *engine, size_t capacity)
{
    size_t size = 1;
    while (size < capacity)
        size *= 2;
    int r = msim_mem_grow(&engine->allocator, (void **)&engine->id_next, &engine->id_capacity,
                          sizeof *engine->id_next, capacity, capacity);
    if (r < 0 || (engine->id_index && size == (size_t)engine->id_mask + 1))
        return r;
    uint32_t *index = msim_mem_take_array(&engine->allocator, size, sizeof *index);
    if (!index)
        return MSIM_ERR_NOMEM;

    if (engine->id_index)
        msim_mem_free(&engine->allocator, engine->id_index,
                      ((size_t)engine->id_mask + 1) * sizeof *index);
    engine->id_index = index;
    engine->id_mask = (uint32_t)(size - 1);
    if (engine->indexed)
        index_fill(engine);
    return MSIM_OK;
}

/* What has a place for each slot, as far as there is any, follows the pool. */
static int side_grow(struct msim_engine *engine, void **array, size_t *capacity, size_t size)
{
    if (!*array || *capacity >= engine->order_capacity)
        return MSIM_OK;
    return msim_mem_grow(&engine->allocator, array, capacity, size, engine->order_capacity,
                         engine->order_capacity);
}

static int sides_grow(struct msim_engine *engine)
{
    int r = side_grow(engine, (void **)&engine->clients, &engine->client_capacity,
                      sizeof *engine->clients);
    if (r == MSIM_OK)
        r = side_grow(engine, (void **)&engine->owned, &engine->owned_capacity,
                      sizeof *engine->owned);
    if (r == MSIM_OK)
        r = side_grow(engine, (void **)&engine->excess, &engine->excess_capacity,
                      sizeof *engine->excess);
    return r;
}

int msim_orders_grow(struct msim_engine *engine, size_t wanted)
{
    const size_t limit = (size_t)engine->max_orders + 1;
    int r = msim_mem_grow(&engine->allocator, (void **)&engine->orders, &engine->order_capacity,
                          sizeof *engine->orders, wanted, limit);
    if (r == MSIM_OK)
        r = index_make(engine, engine->order_capacity);
    if (r == MSIM_OK)
        r = sides_grow(engine);
    if (r == MSIM_OK)
        engine->order_room = (uint32_t)engine->order_capacity;
    return r;
}

int msim_orders_create(struct msim_engine *engine, uint32_t orders)
{
    engine->order_used = 1;
    engine->extra_used = 1;
    engine->next_order = 1;
    int r = msim_orders_grow(engine, (size_t)orders + 1);
    /* Slot 0 is written to where there is no neighbour. */
    if (r == MSIM_OK)
        engine->orders[0] = (struct order){0};
    return r;
}

void msim_orders_destroy(struct msim_engine *engine)
{
    const struct msim_allocator *allocator = &engine->allocator;

    msim_mem_free(allocator, engine->orders, engine->order_capacity * sizeof *engine->orders);
    if (engine->id_index)
        msim_mem_free(allocator, engine->id_index,
                      ((size_t)engine->id_mask + 1) * sizeof *engine->id_index);
    msim_mem_free(allocator, engine->id_next, engine->id_capacity * sizeof *engine->id_next);
    msim_mem_free(allocator, engine->extras, engine->extra_capacity * sizeof *engine->extras);
    msim_mem_free(allocator, engine->owned, engine->owned_capacity * sizeof *engine->owned);
    msim_mem_free(allocator, engine->owner_heads, OWNER_BUCKETS * sizeof *engine->owner_heads);
    msim_mem_free(allocator, engine->excess, engine->excess_capacity * sizeof *engine->excess);
    msim_mem_free(allocator, engine->accounts, engine->account_capacity * sizeof *engine->accounts);
    msim_mem_free(allocator, engine->account_orders,
                  engine->account_order_capacity * sizeof *engine->account_orders);
    msim_mem_free(allocator, engine->heap, engine->heap_capacity * sizeof *engine->heap);
}

uint32_t msim_account_first(const struct msim_engine *engine, uint32_t account)
{
    /* What was derived from the orders is no part of what the caller holds constant. */
    struct msim_engine *lists = (struct msim_engine *)engine;

    if (!engine->listed) {
        lists->listed = true;
        lists->usual = false;
        for (uint32_t slot = 1; slot < engine->order_used; slot++) {
            if (engine->orders[slot].id != 0)
                order_join(lists, slot);
        }
    }
    return account < engine->account_capacity ? engine->account_orders[account] : 0;
}

int msim_account_reserve(struct msim_engine *engine, uint32_t account)
{
    const size_t heads = engine->account_order_capacity;
    const size_t before = engine->account_capacity;

    if (account < before)
        return MSIM_OK;
    int r = msim_mem_grow(&engine->allocator, (void **)&engine->account_orders,
                          &engine->account_order_capacity, sizeof *engine->account_orders,
                          (size_t)account + 1, engine->max_accounts);
    if (r < 0)
        return r;
    memset(&engine->account_orders[heads], 0,
           (engine->account_order_capacity - heads) * sizeof *engine->account_orders);
    r = msim_mem_grow(&engine->allocator, (void **)&engine->accounts, &engine->account_capacity,
                      sizeof *engine->accounts, (size_t)account + 1, engine->max_accounts);
    if (r < 0)
        return r;
    memset(&engine->accounts[before], 0,
           (engine->account_capacity - before) * sizeof *engine->accounts);
    msim_accounts_refresh(engine);
    return MSIM_OK;
}

int msim_orders_reserve(struct msim_engine *engine, uint32_t account)
{
    int r = msim_account_reserve(engine, account);
    if (r < 0 || engine->free_order || engine->order_used < engine->order_room)
        return r;
    if (engine->order_used > engine->max_orders)
        return MSIM_ERR_LIMIT;
    return msim_orders_grow(engine, (size_t)engine->order_used + 1);
}

int msim_excess_reserve(struct msim_engine *engine)
{
    if (engine->excess)
        return MSIM_OK;
    engine->excess =
        msim_mem_zero_array(&engine->allocator, engine->order_capacity, sizeof *engine->excess);
    if (!engine->excess)
        return MSIM_ERR_NOMEM;
    engine->excess_capacity = engine->order_capacity;
    return MSIM_OK;
}

/* Chains of buckets: whoever sent nothing else shares one at most. */
static uint32_t owner_bucket(const struct msim_engine *engine, uint32_t owner)
{
    return keyed_hash(engine, owner, 0) % OWNER_BUCKETS;
}

int msim_owners_reserve(struct msim_engine *engine)
{
    if (!engine->owner_heads)
        engine->owner_heads =
            msim_mem_zero_array(&engine->allocator, OWNER_BUCKETS, sizeof *engine->owner_heads);
    if (!engine->owner_heads)
        return MSIM_ERR_NOMEM;
    if (engine->owned)
        return MSIM_OK;
    return msim_mem_grow(&engine->allocator, (void **)&engine->owned, &engine->owned_capacity,
                         sizeof *engine->owned, engine->order_capacity, engine->order_capacity);
}

void msim_owner_add(struct msim_engine *engine, uint32_t slot, uint32_t owner)
{
    uint32_t *head = &engine->owner_heads[owner_bucket(engine, owner)];

    engine->owned[slot] = (struct owned){.owner = owner, .next = *head};
    if (*head)
        engine->owned[*head].prev = slot;
    *head = slot;
    engine->orders[slot].bits |= BITS_OWNED;
}

void msim_owner_remove(struct msim_engine *engine, uint32_t slot)
{
    const struct owned *owned = &engine->owned[slot];

    if (owned->prev)
        engine->owned[owned->prev].next = owned->next;
    else
        engine->owner_heads[owner_bucket(engine, owned->owner)] = owned->next;
    if (owned->next)
        engine->owned[owned->next].prev = owned->prev;
}

uint32_t msim_owner_first(const struct msim_engine *engine, uint32_t owner)
{
    return engine->owner_heads ? engine->owner_heads[owner_bucket(engine, owner)] : 0;
}

int msim_extras_reserve(struct msim_engine *engine)
{
    int r = MSIM_OK;
    if (!engine->free_extra && engine->extra_used >= engine->extra_capacity)
        r = msim_mem_grow(&engine->allocator, (void **)&engine->extras, &engine->extra_capacity,
                          sizeof *engine->extras, engine->extra_used + 1, EXTRAS_LIMIT);
    if (r == MSIM_OK && engine->heap_count >= engine->heap_capacity)
        r = msim_mem_grow(&engine->allocator, (void **)&engine->heap, &engine->heap_capacity,
                          sizeof *engine->heap, engine->heap_count + 1, EXTRAS_LIMIT);
    return r;
}

uint32_t msim_order_find(const struct msim_engine *engine, uint64_t id, uint64_t handle)
{
    const uint32_t hint = (uint32_t)handle;

    if (hint && hint < engine->order_used && engine->orders[hint].id != 0 &&
        (uint32_t)engine->orders[hint].id == handle >> 32 &&
        (id == 0 || engine->orders[hint].id == id))
        return hint;
    if (id == 0)
        return 0;
    const uint32_t recent = engine->recent[id % RECENT_ORDERS];
    if (engine->orders[recent].id == id)
        return recent;
    if (!engine->indexed) {
        /* What was derived from the orders is no part of what the caller holds constant. */
        struct msim_engine *derived = (struct msim_engine *)engine;
        derived->indexed = true;
        derived->usual = false;
        index_fill(derived);
    }
    uint32_t slot = engine->id_index[id & engine->id_mask];
    while (slot && engine->orders[slot].id != id)
        slot = engine->id_next[slot];
    return slot;
}

void msim_extra_make(struct msim_engine *engine, uint32_t slot)
{
    uint32_t extra = engine->free_extra;
    if (extra)
        engine->free_extra = engine->extras[extra].next;
    else
        extra = (uint32_t)engine->extra_used++;
    assert(extra < engine->extra_capacity);
    engine->extras[extra] = (struct extra){.expires_at = MSIM_TIME_NEVER};
    engine->orders[slot].extra = extra;
}

void msim_extra_give(struct msim_engine *engine, uint32_t slot)
{
    struct order *order = &engine->orders[slot];
    struct extra *extra = &engine->extras[order->extra];

    if (extra->heap_place)
        msim_expiry_remove(engine, slot);
    extra->next = engine->free_extra;
    engine->free_extra = order->extra;
    order->extra = 0;
}

/* Earlier first; at the same moment the older order. */
static bool expires_before(const struct msim_engine *engine, uint32_t a, uint32_t b)
{
    const struct order *left = &engine->orders[a];
    const struct order *right = &engine->orders[b];
    const msim_time left_time = engine->extras[left->extra].expires_at;
    const msim_time right_time = engine->extras[right->extra].expires_at;

    return left_time != right_time ? left_time < right_time : left->id < right->id;
}

static void heap_put(struct msim_engine *engine, size_t place, uint32_t slot)
{
    engine->heap[place] = slot;
    engine->extras[engine->orders[slot].extra].heap_place = (uint32_t)(place + 1);
}

static void heap_rise(struct msim_engine *engine, size_t place, uint32_t slot)
{
    while (place > 0 && expires_before(engine, slot, engine->heap[(place - 1) / 2])) {
        heap_put(engine, place, engine->heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    heap_put(engine, place, slot);
}

static void heap_sink(struct msim_engine *engine, size_t place, uint32_t slot)
{
    for (size_t child; (child = 2 * place + 1) < engine->heap_count; place = child) {
        if (child + 1 < engine->heap_count &&
            expires_before(engine, engine->heap[child + 1], engine->heap[child]))
            child++;
        if (!expires_before(engine, engine->heap[child], slot))
            break;
        heap_put(engine, place, engine->heap[child]);
    }
    heap_put(engine, place, slot);
}

void msim_expiry_add(struct msim_engine *engine, uint32_t slot)
{
    assert(engine->heap_count < engine->heap_capacity);
    heap_rise(engine, engine->heap_count++, slot);
}

void msim_expiry_remove(struct msim_engine *engine, uint32_t slot)
{
    struct extra *extra = &engine->extras[engine->orders[slot].extra];
    const size_t place = extra->heap_place - 1;
    const uint32_t last = engine->heap[--engine->heap_count];

    extra->heap_place = 0;
    if (last == slot)
        return;
    if (place > 0 && expires_before(engine, last, engine->heap[(place - 1) / 2]))
        heap_rise(engine, place, last);
    else
        heap_sink(engine, place, last);
}

size_t msim_expiry_count(const struct msim_engine *engine, msim_time time)
{
    size_t count = 0;
    size_t place = 0;

    /* Down to the left as long as orders are due, then on to the next subtree: no stack.  The last
     * order may be a left one without a right one beside it: there the way goes on as behind it. */
    for (;;) {
        if (place < engine->heap_count &&
            engine->extras[engine->orders[engine->heap[place]].extra].expires_at <= time) {
            count++;
            if (2 * place + 1 < engine->heap_count) {
                place = 2 * place + 1;
                continue;
            }
        }
        while (place > 0 && place % 2 == 0)
            place = (place - 1) / 2;
        if (place == 0)
            return count;
        place++;
    }
}
