/*
 * Memory that is taken again and again: items of one size, and payloads; and what only grows.
 *
 * Items come in chunks that stay where they are; what was given back is used
 * first.  Payloads of up to 4 KiB come from slabs in classes of near sizes;
 * larger ones go to the allocator.  Slabs are kept until the end: their number
 * is bounded by the most that ever waited at once.
 */
#include "faults/pool.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

/* ---- items ---- */

void msim_fault_pool_init(struct pool *pool, size_t item_size,
                          const struct msim_allocator *allocator)
{
    assert(item_size >= sizeof(uint32_t));
    *pool = (struct pool){.item_size = item_size, .free = NOTHING, .allocator = allocator};
}

void msim_fault_pool_finish(struct pool *pool)
{
    for (size_t i = 0; i < pool->chunk_count; i++)
        msim_mem_free(pool->allocator, pool->chunks[i], POOL_CHUNK * pool->item_size);
    msim_mem_free(pool->allocator, pool->chunks, pool->chunk_capacity * sizeof *pool->chunks);
    *pool = (struct pool){.free = NOTHING};
}

int msim_fault_pool_reserve(struct pool *pool, size_t count)
{
    while (pool->chunk_count * POOL_CHUNK - pool->used < count) {
        void *chunks = pool->chunks;
        int r = msim_mem_grow(pool->allocator, &chunks, &pool->chunk_capacity, sizeof *pool->chunks,
                              pool->chunk_count + 1, UINT32_MAX / POOL_CHUNK - 1);
        if (r < 0)
            return r;
        pool->chunks = chunks;
        void *chunk = msim_mem_take_array(pool->allocator, POOL_CHUNK, pool->item_size);
        if (!chunk)
            return MSIM_ERR_NOMEM;
        pool->chunks[pool->chunk_count++] = chunk;
    }
    return MSIM_OK;
}

uint32_t msim_fault_pool_take(struct pool *pool)
{
    uint32_t index = pool->free;

    if (index != NOTHING) {
        memcpy(&pool->free, pool_at(pool, index), sizeof pool->free);
        /* What was given back lies anywhere: the next one is on its way when it is asked for. */
        if (pool->free != NOTHING)
            __builtin_prefetch(pool_at(pool, pool->free), 1);
    } else {
        assert(pool->fresh < pool->chunk_count * POOL_CHUNK);
        index = pool->fresh++;
    }
    pool->used++;
    return index;
}

void msim_fault_pool_give(struct pool *pool, uint32_t index)
{
    memcpy(pool_at(pool, index), &pool->free, sizeof pool->free);
    pool->free = index;
    pool->used--;
}

/* ---- rows ---- */

/* The items of a piece that begins at `place`. */
static size_t piece_room(size_t place, size_t limit)
{
    const size_t room = place + (1U << ROWS_FIRST_BITS);

    return room < limit - place ? room : limit - place;
}

int msim_fault_rows_widen(struct rows *rows, size_t item_size, size_t limit,
                          const struct msim_allocator *allocator)
{
    size_t piece = 0;

    if (rows->capacity >= limit)
        return MSIM_ERR_LIMIT;
    while (piece < ROWS_PIECES && rows->pieces[piece])
        piece++;
    if (piece == ROWS_PIECES)
        return MSIM_ERR_LIMIT;
    const size_t room = piece_room(rows->capacity, limit);
    rows->pieces[piece] = msim_mem_take_array(allocator, room, item_size);
    if (!rows->pieces[piece])
        return MSIM_ERR_NOMEM;
    rows->capacity += room;
    return MSIM_OK;
}

void msim_fault_rows_finish(struct rows *rows, size_t item_size,
                            const struct msim_allocator *allocator)
{
    size_t place = 0;

    for (size_t piece = 0; place < rows->capacity; piece++) {
        const size_t room = piece_room(place, rows->capacity);
        msim_mem_free(allocator, rows->pieces[piece], room * item_size);
        place += room;
    }
    *rows = (struct rows){0};
}

/* ---- payloads ---- */

#define SLAB_SIZE ((size_t)64 << 10)
#define SLAB_HEAD 16 /* the next slab, and alignment */

/* 16, 32, ..., 256, then 384, 512, 768, ..., 4096. */
static size_t class_size(unsigned class)
{
    if (class < 16)
        return (class + 1) * (size_t)16;
    size_t half = (size_t)256 << ((class - 16) / 2);
    return class % 2 == 0 ? half + half / 2 : 2 * half;
}

static uint8_t class_of(size_t length)
{
    if (length <= 256)
        return (uint8_t)(length > 0 ? (length - 1) / 16 : 0);
    for (unsigned class = 16; class < PAYLOAD_CLASSES; class ++)
        if (length <= class_size(class))
            return (uint8_t) class;
    return PAYLOAD_LARGE;
}

void msim_fault_payloads_init(struct payloads *payloads, const struct msim_allocator *allocator)
{
    *payloads = (struct payloads){.allocator = allocator};
}

void msim_fault_payloads_finish(struct payloads *payloads)
{
    while (payloads->slabs) {
        void *next;
        memcpy(&next, payloads->slabs, sizeof next);
        msim_mem_free(payloads->allocator, payloads->slabs, SLAB_SIZE);
        payloads->slabs = next;
    }
}

static unsigned char *from_slab(struct payloads *payloads, size_t size)
{
    if (payloads->slab_left < size) {
        unsigned char *slab = msim_mem_take(payloads->allocator, SLAB_SIZE);
        if (!slab)
            return NULL;
        memcpy(slab, &payloads->slabs, sizeof payloads->slabs);
        payloads->slabs = slab;
        payloads->slab = slab + SLAB_HEAD;
        payloads->slab_left = SLAB_SIZE - SLAB_HEAD;
    }
    unsigned char *bytes = payloads->slab;
    payloads->slab += size;
    payloads->slab_left -= size;
    return bytes;
}

unsigned char *msim_fault_payload_take(struct payloads *payloads, size_t length, uint8_t *class)
{
    *class = class_of(length);
    if (*class == PAYLOAD_LARGE)
        return msim_mem_take(payloads->allocator, length);
    unsigned char *bytes = payloads->free[*class];
    if (!bytes)
        return from_slab(payloads, class_size(*class));
    memcpy(&payloads->free[*class], bytes, sizeof(void *));
    if (payloads->free[*class])
        __builtin_prefetch(payloads->free[*class], 1);
    return bytes;
}

void msim_fault_payload_give(struct payloads *payloads, unsigned char *bytes, size_t length,
                             uint8_t class)
{
    if (!bytes)
        return;
    if (class == PAYLOAD_LARGE) {
        msim_mem_free(payloads->allocator, bytes, length);
        return;
    }
    memcpy(bytes, &payloads->free[class], sizeof(void *));
    payloads->free[class] = bytes;
}

int msim_fault_payloads_reserve(struct payloads *payloads, size_t length, size_t count)
{
    assert(payloads->reserved_count == 0 && count <= COPIES_MOST + 1);
    payloads->reserved_length = length;
    while (payloads->reserved_count < count) {
        unsigned char *bytes = msim_fault_payload_take(payloads, length, &payloads->reserved_class);
        if (!bytes) {
            msim_fault_payloads_unreserve(payloads);
            return MSIM_ERR_NOMEM;
        }
        payloads->reserved[payloads->reserved_count++] = bytes;
    }
    return MSIM_OK;
}

void msim_fault_payloads_unreserve(struct payloads *payloads)
{
    while (payloads->reserved_count > 0)
        msim_fault_payload_give(payloads, payloads->reserved[--payloads->reserved_count],
                                payloads->reserved_length, payloads->reserved_class);
}
