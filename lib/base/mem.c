#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void *system_resize(void *context, void *pointer, size_t old_size, size_t new_size)
{
    (void)context;
    (void)old_size;
    if (new_size == 0) {
        free(pointer);
        return NULL;
    }
    return realloc(pointer, new_size);
}

struct msim_allocator msim_mem_allocator(const struct msim_allocator *chosen)
{
    if (chosen && chosen->resize)
        return *chosen;
    return (struct msim_allocator){.resize = system_resize};
}

void *msim_mem_take(const struct msim_allocator *allocator, size_t size)
{
    assert(size > 0);
    return allocator->resize(allocator->context, NULL, 0, size);
}

void *msim_mem_zero(const struct msim_allocator *allocator, size_t size)
{
    void *pointer = msim_mem_take(allocator, size);
    if (pointer)
        memset(pointer, 0, size);
    return pointer;
}

void *msim_mem_take_array(const struct msim_allocator *allocator, size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        return NULL;
    return msim_mem_take(allocator, total);
}

void *msim_mem_zero_array(const struct msim_allocator *allocator, size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        return NULL;
    return msim_mem_zero(allocator, total);
}

void *msim_mem_resize(const struct msim_allocator *allocator, void *pointer, size_t old_size,
                      size_t new_size)
{
    assert(new_size > 0);
    return allocator->resize(allocator->context, pointer, old_size, new_size);
}

void msim_mem_free(const struct msim_allocator *allocator, void *pointer, size_t size)
{
    if (pointer)
        allocator->resize(allocator->context, pointer, size, 0);
}

char *msim_mem_text(const struct msim_allocator *allocator, const char *text, size_t length)
{
    if (length == SIZE_MAX)
        return NULL;
    char *copy = msim_mem_take(allocator, length + 1);
    if (!copy)
        return NULL;
    if (length > 0)
        memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

int msim_mem_widen(const struct msim_allocator *allocator, void **items, size_t *capacity,
                   size_t item_size, size_t wanted, size_t limit)
{
    assert(wanted > *capacity);
    if (wanted > limit)
        return MSIM_ERR_LIMIT;

    size_t grown = *capacity > 0 ? *capacity : 8;
    while (grown < wanted)
        grown = grown > limit / 2 ? limit : grown * 2;
    if (grown > limit)
        grown = limit;

    size_t size;
    if (__builtin_mul_overflow(grown, item_size, &size))
        return MSIM_ERR_NOMEM;
    void *moved = msim_mem_resize(allocator, *items, *capacity * item_size, size);
    if (!moved)
        return MSIM_ERR_NOMEM;
    *items = moved;
    *capacity = grown;
    return MSIM_OK;
}
