/*
 * Held messages as nodes: taken, changed, and given back.
 */
#include "faults/stages.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

#define LANE_INDEX_LEAST 64

/* The index of keyed lanes keeps fewer lanes than it has places. */
static int reserve_lane_index(struct msim_faults *faults, size_t count)
{
    size_t size = faults->lane_index_size > 0 ? faults->lane_index_size : LANE_INDEX_LEAST;

    while (size < faults->lane_index_count + count)
        size *= 2;
    if (size == faults->lane_index_size)
        return MSIM_OK;
    uint32_t *index = msim_mem_take_array(&faults->allocator, size, sizeof *index);
    if (!index)
        return MSIM_ERR_NOMEM;
    for (size_t i = 0; i < size; i++)
        index[i] = NOTHING;
    for (size_t i = 0; i < faults->lane_index_size; i++) {
        for (uint32_t at = faults->lane_index[i]; at != NOTHING;) {
            struct lane *lane = lane_at(faults, at);
            uint32_t next = lane->chain;
            lane->chain = index[lane->key & (size - 1)];
            index[lane->key & (size - 1)] = at;
            at = next;
        }
    }
    msim_mem_free(&faults->allocator, faults->lane_index,
                  faults->lane_index_size * sizeof *faults->lane_index);
    faults->lane_index = index;
    faults->lane_index_size = size;
    return MSIM_OK;
}

static int reserve_heaps(struct msim_faults *faults, size_t count)
{
    /* As many places as nodes: whatever happens to them, a push finds room. */
    int r = msim_fault_heap_reserve(faults, heap_places(faults) + count);
    if (r < 0)
        return r;

    void *items = faults->timers.items;
    r = msim_mem_grow(&faults->allocator, &items, &faults->timers.capacity,
                      sizeof *faults->timers.items, faults->timers.count + count,
                      faults->timers.limit);
    if (r < 0)
        return MSIM_ERR_NOMEM;
    faults->timers.items = items;
    return MSIM_OK;
}

static bool has_room(const struct pool *pool, size_t count)
{
    return pool->chunk_count * POOL_CHUNK - pool->used >= count;
}

/* What nearly every message finds. */
static bool all_there(const struct msim_faults *faults, size_t count)
{
    return has_room(&faults->nodes, count) && has_room(&faults->extras, count) &&
           has_room(&faults->lanes, count) && has_room(&faults->outgoings, count) &&
           has_room(&faults->timer_items, count) && has_room(&faults->far_chunks, count) &&
           faults->heap_capacity >= heap_places(faults) + count &&
           faults->heap_due_capacity >= heap_places(faults) + count &&
           faults->timers.capacity >= faults->timers.count + count &&
           faults->lane_index_size >= faults->lane_index_count + count;
}

int msim_fault_reserve(struct msim_faults *faults, size_t count)
{
    if (faults->heap_count >= faults->spread_at && faults->far_base == FAR_NOWHERE)
        msim_fault_heap_spread(faults);
    if (all_there(faults, count))
        return MSIM_OK;

    struct pool *const pools[] = {&faults->nodes,     &faults->extras,      &faults->lanes,
                                  &faults->outgoings, &faults->timer_items, &faults->far_chunks};

    for (size_t i = 0; i < sizeof pools / sizeof *pools; i++) {
        int r = msim_fault_pool_reserve(pools[i], count);
        if (r < 0)
            return r;
    }
    int r = reserve_heaps(faults, count);
    return r < 0 ? r : reserve_lane_index(faults, count);
}

/* `copy` is room for the bytes, and becomes the node's. */
static uint32_t make_node(struct msim_faults *faults, struct msim_fault_link *link,
                          unsigned char *copy, const unsigned char *bytes, size_t length,
                          uint8_t class)
{
    if (length > 0)
        memcpy(copy, bytes, length);

    uint32_t index = msim_fault_pool_take(&faults->nodes);
    struct node *node = node_at(faults, index);
    *node = (struct node){
        .bytes = copy,
        .length = (uint32_t)length,
        .link = link->index,
        .next = NOTHING,
        .extra = NOTHING,
        .lane = NOTHING,
        .class = class,
        .flags = NODE_USED,
    };
    link->traffic->balance.pending++;
    link->watch = UINT64_MAX;
    link->traffic->balance.pending_bytes += length;
    return index;
}

uint32_t msim_fault_node_take(struct msim_faults *faults, struct msim_fault_link *link,
                              const unsigned char *bytes, size_t length)
{
    uint8_t class;
    unsigned char *copy = msim_fault_payload_take(&faults->payloads, length, &class);

    return copy ? make_node(faults, link, copy, bytes, length, class) : NOTHING;
}

uint32_t msim_fault_node_take_reserved(struct msim_faults *faults, struct msim_fault_link *link,
                                       const unsigned char *bytes)
{
    struct payloads *payloads = &faults->payloads;

    assert(payloads->reserved_count > 0);
    unsigned char *copy = payloads->reserved[--payloads->reserved_count];
    return make_node(faults, link, copy, bytes, payloads->reserved_length,
                     payloads->reserved_class);
}

void msim_fault_node_bytes(struct msim_faults *faults, struct node *node, unsigned char *bytes,
                           size_t length, uint8_t class)
{
    struct msim_fault_link *link = link_at(faults, node->link);

    msim_fault_payload_give(&faults->payloads, node->bytes, node->length, node->class);
    link->traffic->balance.pending_bytes += length;
    link->traffic->balance.pending_bytes -= node->length;
    node->bytes = bytes;
    node->length = (uint32_t)length;
    node->class = class;
    node->flags |= NODE_ALTERED;
}

struct extra *msim_fault_node_extra(struct msim_faults *faults, struct node *node)
{
    if (node->extra == NOTHING) {
        node->extra = msim_fault_pool_take(&faults->extras);
        struct extra *extra = extra_at(faults, node->extra);
        memset(extra, 0, sizeof *extra);
        extra->reorder = extra->session = extra->slice = STRATEGIES_MOST;
        extra->order = ORDER_LINK;
        extra->born = faults->created;
    }
    return extra_at(faults, node->extra);
}

/* A strategy that was fired and was still to act on a message that is gone. */
static void note_in_vain(struct msim_faults *faults, uint32_t index, uint64_t generation)
{
    const struct slot *slot = index < STRATEGIES_MOST ? &faults->slots[index] : NULL;

    if (!slot || !slot->strategy || slot->generation != generation || !slot->strategy->one_shot ||
        slot->strategy->acting)
        return;
    faults->vain[index / 64] |= UINT64_C(1) << index % 64;
    faults->fired_in_vain = true;
}

void msim_fault_node_settle(struct msim_faults *faults, struct node *node)
{
    struct msim_fault_link *link = link_at(faults, node->link);

    if (faults->one_shots > 0 && node->extra != NOTHING) {
        const struct extra *extra = extra_at(faults, node->extra);
        note_in_vain(faults, extra->session, extra->session_generation);
        note_in_vain(faults, extra->reorder, extra->reorder_generation);
    }

    link->traffic->balance.pending--;
    link->traffic->balance.pending_bytes -= node->length;
    if (link->traffic->balance.pending == 0)
        msim_fault_link_watch(link);
}

void msim_fault_node_free(struct msim_faults *faults, uint32_t index)
{
    struct node *node = node_at(faults, index);

    msim_fault_payload_give(&faults->payloads, node->bytes, node->length, node->class);
    if (node->extra != NOTHING)
        msim_fault_pool_give(node->flags & NODE_ACTION ? &faults->outgoings : &faults->extras,
                             node->extra);
    node->flags = 0;
    msim_fault_pool_give(&faults->nodes, index);
}

void msim_fault_node_drop(struct msim_faults *faults, uint32_t index)
{
    struct node *node = node_at(faults, index);
    bool named = node->extra != NOTHING && extra_at(faults, node->extra)->buckets > 0;

    msim_fault_node_settle(faults, node);
    if (node->lane == NOTHING && !named) {
        msim_fault_node_free(faults, index);
        return;
    }
    msim_fault_payload_give(&faults->payloads, node->bytes, node->length, node->class);
    node->bytes = NULL;
    node->length = 0;
    node->flags |= NODE_DEAD;
}
