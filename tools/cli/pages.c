#include "cli/pages.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE ((size_t)2 << 20)
#define LARGE (2 * PAGE) /* from here on; what is smaller is malloc's */

static size_t rounded(size_t size)
{
    return (size + PAGE - 1) & ~(PAGE - 1);
}

/* Addresses from the beginning of a large page on, with nothing behind them. */
static char *reserve(size_t size)
{
    char *at =
        mmap(NULL, size + PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (at == MAP_FAILED)
        return NULL;
    const size_t before = (PAGE - ((uintptr_t)at & (PAGE - 1))) & (PAGE - 1);
    if (before > 0)
        munmap(at, before);
    munmap(at + before + size, PAGE - before);
    return at + before;
}

static void *take_large(size_t size)
{
    char *at = reserve(rounded(size));

    if (!at)
        return NULL;
    if (mprotect(at, rounded(size), PROT_READ | PROT_WRITE) < 0) {
        munmap(at, rounded(size));
        return NULL;
    }
    /* Where there are none, small ones do the same. */
    (void)madvise(at, rounded(size), MADV_HUGEPAGE);
    return at;
}

/* Its pages move, and not a byte of them. */
static void *move_large(void *pointer, size_t old_size, size_t new_size)
{
    const size_t old_room = rounded(old_size);
    const size_t new_room = rounded(new_size);

    if (old_room == new_room)
        return pointer;
    char *at = reserve(new_room);
    if (!at)
        return NULL;
    if (mremap(pointer, old_room, new_room, MREMAP_MAYMOVE | MREMAP_FIXED, at) == MAP_FAILED) {
        munmap(at, new_room);
        return NULL;
    }
    return at;
}

static void *take(size_t size)
{
    return size < LARGE ? malloc(size) : take_large(size);
}

static void give(void *pointer, size_t size)
{
    if (size < LARGE)
        free(pointer);
    else
        munmap(pointer, rounded(size));
}

static void *resize(void *context, void *pointer, size_t old_size, size_t new_size)
{
    (void)context;
    if (new_size > SIZE_MAX / 2)
        return NULL;
    if (new_size == 0) {
        if (pointer)
            give(pointer, old_size);
        return NULL;
    }
    if (!pointer)
        return take(new_size);
    if (old_size < LARGE && new_size < LARGE)
        return realloc(pointer, new_size);
    if (old_size >= LARGE && new_size >= LARGE)
        return move_large(pointer, old_size, new_size);
    void *moved = take(new_size);
    if (!moved)
        return NULL;
    memcpy(moved, pointer, old_size < new_size ? old_size : new_size);
    give(pointer, old_size);
    return moved;
}

struct msim_allocator pages_allocator(void)
{
    return (struct msim_allocator){.resize = resize};
}
