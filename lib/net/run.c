#include "net/run.h"

#include <assert.h>
#include <sys/uio.h>

#include "base/mem.h"
#include "net/frame.h"

/* The first block; the next ones are twice as large each, up to the run's own size. */
#define FIRST_BLOCK_BYTES ((size_t)4 << 10)

static struct msim_block *add_block(struct msim_run *run, size_t capacity)
{
    size_t size;
    if (__builtin_add_overflow(sizeof(struct msim_block), capacity, &size))
        return NULL;
    struct msim_block *block = msim_mem_take(run->allocator, size);
    if (!block)
        return NULL;
    *block = (struct msim_block){.base = run->end, .capacity = capacity};
    if (run->tail)
        run->tail->next = block;
    else
        run->head = block;
    run->tail = block;
    return block;
}

static void free_head(struct msim_run *run)
{
    struct msim_block *block = run->head;

    run->head = block->next;
    msim_mem_free(run->allocator, block, sizeof *block + block->capacity);
}

static void trim(struct msim_run *run)
{
    while (run->head != run->tail && run->head->holders == 0)
        free_head(run);
}

int msim_run_init(struct msim_run *run, size_t block_bytes, const struct msim_allocator *allocator)
{
    *run = (struct msim_run){.allocator = allocator, .block_bytes = block_bytes};
    return add_block(run, block_bytes < FIRST_BLOCK_BYTES ? block_bytes : FIRST_BLOCK_BYTES)
               ? MSIM_OK
               : MSIM_ERR_NOMEM;
}

void msim_run_finish(struct msim_run *run)
{
    while (run->head)
        free_head(run);
    run->tail = NULL;
}

unsigned char *msim_run_reserve(struct msim_run *run, size_t size)
{
    struct msim_block *block = run->tail;

    if (block->capacity - block->length < size) {
        size_t capacity =
            block->capacity < run->block_bytes / 2 ? block->capacity * 2 : run->block_bytes;
        block = add_block(run, capacity > size ? capacity : size);
        if (!block)
            return NULL;
        trim(run);
    }
    return block->bytes + block->length;
}

void msim_run_commit(struct msim_run *run, size_t size)
{
    assert(size <= run->tail->capacity - run->tail->length);
    run->tail->length += size;
    run->end += size;
}

void msim_run_rewind(struct msim_run *run)
{
    if (run->head != run->tail)
        return;
    run->tail->base = run->end;
    run->tail->length = 0;
}

/* ---- positions ---- */

void msim_position_enter(struct msim_position *position, struct msim_run *run)
{
    *position = (struct msim_position){run->tail, run->end};
    run->tail->holders++;
}

void msim_position_leave(struct msim_position *position, struct msim_run *run)
{
    position->block->holders--;
    position->block = NULL;
    trim(run);
}

static void settle(struct msim_position *position, struct msim_run *run)
{
    struct msim_block *block = position->block;

    while (block->next && position->at >= block->base + block->length)
        block = block->next;
    if (block == position->block)
        return;
    position->block->holders--;
    block->holders++;
    position->block = block;
    trim(run);
}

void msim_position_advance(struct msim_position *position, struct msim_run *run, size_t size)
{
    assert(size <= msim_position_behind(position, run));
    position->at += size;
    settle(position, run);
}

size_t msim_position_parts(const struct msim_position *position, struct iovec *parts, size_t room)
{
    const struct msim_block *block = position->block;
    size_t offset = (size_t)(position->at - block->base);
    size_t count = 0;

    for (; block && count < room; block = block->next, offset = 0)
        if (offset < block->length)
            parts[count++] =
                (struct iovec){(void *)(uintptr_t)(block->bytes + offset), block->length - offset};
    return count;
}

size_t msim_position_frame(struct msim_position *position, struct msim_run *run,
                           const unsigned char **bytes)
{
    struct msim_frame frame;

    settle(position, run);
    const struct msim_block *block = position->block;
    size_t offset = (size_t)(position->at - block->base);
    int head = msim_frame_read_head(&frame, block->bytes + offset, block->length - offset);
    assert(head > 0);
    *bytes = block->bytes + offset;
    return (size_t)head + (size_t)frame.length;
}
