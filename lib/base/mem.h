/*
 * Memory through an object's allocator, with sizes that cannot wrap.
 */
#ifndef MSIM_BASE_MEM_H
#define MSIM_BASE_MEM_H

#include <marketsim/base.h>

/* The allocator to copy into an object: the caller's, or malloc's. */
struct msim_allocator msim_mem_allocator(const struct msim_allocator *chosen);

/* NULL where there is none left; `size` is at least 1. */
void *msim_mem_take(const struct msim_allocator *allocator, size_t size);
void *msim_mem_zero(const struct msim_allocator *allocator, size_t size);

/* The same for `count` things of `size` bytes; NULL where the product does not fit. */
void *msim_mem_take_array(const struct msim_allocator *allocator, size_t count, size_t size);
void *msim_mem_zero_array(const struct msim_allocator *allocator, size_t count, size_t size);

/* NULL leaves the old block as it was. */
void *msim_mem_resize(const struct msim_allocator *allocator, void *pointer, size_t old_size,
                      size_t new_size);

/* NULL is left alone. */
void msim_mem_free(const struct msim_allocator *allocator, void *pointer, size_t size);

/* A copy of `length` bytes with a terminator behind them: length + 1 bytes to free. */
char *msim_mem_text(const struct msim_allocator *allocator, const char *text, size_t length);

/*
 * Grows an array by doubling until it holds `wanted` items, at most `limit`.
 * MSIM_ERR_LIMIT above it, MSIM_ERR_NOMEM without memory; then nothing changed.
 * It nearly always holds them: that is seen without a call.
 */
int msim_mem_widen(const struct msim_allocator *allocator, void **items, size_t *capacity,
                   size_t item_size, size_t wanted, size_t limit);

static inline int msim_mem_grow(const struct msim_allocator *allocator, void **items,
                                size_t *capacity, size_t item_size, size_t wanted, size_t limit)
{
    return wanted <= *capacity
               ? MSIM_OK
               : msim_mem_widen(allocator, items, capacity, item_size, wanted, limit);
}

#endif
