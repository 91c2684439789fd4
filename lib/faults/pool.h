/*
 * Memory that is taken again and again: items of one size, and payloads; and what only grows.
 */
#ifndef MSIM_FAULTS_POOL_H
#define MSIM_FAULTS_POOL_H

#include "faults/strategy.h"

#define NOTHING UINT32_MAX /* no item: no node, no lane, no slot */

/* ---- pools: items that never move, found by number ---- */

struct pool {
    void **chunks;
    size_t chunk_count;
    size_t chunk_capacity;
    size_t item_size;
    uint32_t free;  /* the first of the freed ones, NOTHING */
    uint32_t fresh; /* the first never used */
    size_t used;
    const struct msim_allocator *allocator;
};

#define POOL_CHUNK 256

void msim_fault_pool_init(struct pool *pool, size_t item_size,
                          const struct msim_allocator *allocator);
void msim_fault_pool_finish(struct pool *pool);
/* Makes sure that `count` takes will succeed; MSIM_ERR_NOMEM. */
int msim_fault_pool_reserve(struct pool *pool, size_t count);
/* Not zeroed; room was reserved. */
uint32_t msim_fault_pool_take(struct pool *pool);
void msim_fault_pool_give(struct pool *pool, uint32_t index);

static inline void *pool_at(const struct pool *pool, uint32_t index)
{
    return (char *)pool->chunks[index / POOL_CHUNK] + (index % POOL_CHUNK) * pool->item_size;
}

/* ---- rows: items that are added at the end and never move, found by place ---- */

/* Each piece has twice the room of the one before it, so that nothing is copied and half is used.
 */
#define ROWS_FIRST_BITS 3 /* of the first piece's items */
#define ROWS_PIECES (32 - ROWS_FIRST_BITS)

struct rows {
    size_t count;
    size_t capacity;
    void *pieces[ROWS_PIECES];
};

/* Room for one more, of at most `limit`: MSIM_ERR_LIMIT, MSIM_ERR_NOMEM. */
int msim_fault_rows_widen(struct rows *rows, size_t item_size, size_t limit,
                          const struct msim_allocator *allocator);
void msim_fault_rows_finish(struct rows *rows, size_t item_size,
                            const struct msim_allocator *allocator);

static inline int msim_fault_rows_reserve(struct rows *rows, size_t item_size, size_t limit,
                                          const struct msim_allocator *allocator)
{
    return rows->count < rows->capacity ? MSIM_OK
                                        : msim_fault_rows_widen(rows, item_size, limit, allocator);
}

static inline void *rows_at(const struct rows *rows, size_t place, size_t item_size)
{
    const size_t from_first = place + (1U << ROWS_FIRST_BITS);
    const unsigned bits = 63 - (unsigned)__builtin_clzll(from_first);

    return (char *)rows->pieces[bits - ROWS_FIRST_BITS] +
           (from_first - ((size_t)1 << bits)) * item_size;
}

/* ---- payload memory: size classes in slabs ---- */

#define PAYLOAD_CLASSES 24
#define PAYLOAD_LARGE 255 /* beyond the classes: from the allocator itself */

struct payloads {
    void *free[PAYLOAD_CLASSES];
    unsigned char *slab; /* the rest of the newest one */
    size_t slab_left;
    void *slabs;                              /* a list, for the end */
    unsigned char *reserved[COPIES_MOST + 1]; /* for the message under judgement and its copies */
    size_t reserved_count;
    size_t reserved_length;
    uint8_t reserved_class;
    const struct msim_allocator *allocator;
};

void msim_fault_payloads_init(struct payloads *payloads, const struct msim_allocator *allocator);
void msim_fault_payloads_finish(struct payloads *payloads);
/* Sets aside room for a message and its copies, at most COPIES_MOST + 1; MSIM_ERR_NOMEM. */
int msim_fault_payloads_reserve(struct payloads *payloads, size_t length, size_t count);
/* What of it was not needed goes back. */
void msim_fault_payloads_unreserve(struct payloads *payloads);
/* At least one byte; NULL without memory.  `class` is what giving it back asks for. */
unsigned char *msim_fault_payload_take(struct payloads *payloads, size_t length, uint8_t *class);
void msim_fault_payload_give(struct payloads *payloads, unsigned char *bytes, size_t length,
                             uint8_t class);

#endif
