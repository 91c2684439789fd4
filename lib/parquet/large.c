/* For madvise. */
#define _DEFAULT_SOURCE

#include "parquet/large.h"

#include <stdint.h>
#include <sys/mman.h>

#include "base/mem.h"

/* A smaller block has not one large page of its own. */
#define LARGE_BLOCK ((size_t)2 << 20)
#define SMALL_PAGE ((uintptr_t)4 << 10)

#ifdef MADV_HUGEPAGE
/*
 * From the page that it begins in to the one that it ends in, so that blocks that lie side by
 * side share large pages.  Where there are none, small ones do the same: nothing to tell.
 */
static void ask_for_large_pages(void *pointer, size_t size)
{
    uintptr_t begin = (uintptr_t)pointer & ~(SMALL_PAGE - 1);
    uintptr_t end = ((uintptr_t)pointer + size + SMALL_PAGE - 1) & ~(SMALL_PAGE - 1);

    (void)madvise((char *)pointer - ((uintptr_t)pointer - begin), end - begin, MADV_HUGEPAGE);
}
#else
static void ask_for_large_pages(void *pointer, size_t size)
{
    (void)pointer;
    (void)size;
}
#endif

static void *resize(void *context, void *pointer, size_t old_size, size_t new_size)
{
    const struct msim_allocator system = msim_mem_allocator(NULL);
    void *moved = system.resize(system.context, pointer, old_size, new_size);

    (void)context;
    if (moved && new_size >= LARGE_BLOCK)
        ask_for_large_pages(moved, new_size);
    return moved;
}

struct msim_allocator msim_large_allocator(const struct msim_allocator *chosen)
{
    if (chosen && chosen->resize)
        return *chosen;
    return (struct msim_allocator){.resize = resize};
}
