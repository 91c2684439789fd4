#include "base/bytes.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

void msim_bytes_init(struct msim_bytes *bytes, size_t limit, const struct msim_allocator *allocator)
{
    *bytes = (struct msim_bytes){.limit = limit, .allocator = msim_mem_allocator(allocator)};
}

void msim_bytes_finish(struct msim_bytes *bytes)
{
    msim_mem_free(&bytes->allocator, bytes->memory, bytes->capacity);
    bytes->memory = NULL;
    bytes->capacity = bytes->start = bytes->end = 0;
}

static void close_gap(struct msim_bytes *bytes)
{
    size_t length = msim_bytes_length(bytes);
    if (bytes->start > 0 && length > 0)
        memmove(bytes->memory, bytes->memory + bytes->start, length);
    bytes->start = 0;
    bytes->end = length;
}

int msim_bytes_make_room(struct msim_bytes *bytes, size_t length, unsigned char **room)
{
    size_t waiting = msim_bytes_length(bytes);

    if (length > bytes->limit - waiting)
        return MSIM_ERR_LIMIT;
    if (length > bytes->capacity - bytes->end) {
        /* Where the bound keeps the buffer from doubling, every append would move all of it:
         * the gap must be worth the move, unless there is no other room. */
        bool gap_pays = bytes->start >= waiting || bytes->capacity == bytes->limit;
        bool fits = length <= bytes->capacity - waiting;
        close_gap(bytes);
        if (!fits || !gap_pays) {
            void *memory = bytes->memory;
            int r = msim_mem_grow(&bytes->allocator, &memory, &bytes->capacity, 1,
                                  fits ? bytes->capacity + 1 : waiting + length, bytes->limit);
            if (r < 0 && !fits)
                return r;
            bytes->memory = memory;
        }
    }
    *room = bytes->memory ? bytes->memory + bytes->end : NULL;
    return MSIM_OK;
}

int msim_bytes_append(struct msim_bytes *bytes, const void *data, size_t length)
{
    unsigned char *room;

    if (length == 0)
        return MSIM_OK;
    int r = msim_bytes_reserve(bytes, length, &room);
    if (r < 0)
        return r;
    memcpy(room, data, length);
    msim_bytes_commit(bytes, length);
    return MSIM_OK;
}

void msim_bytes_take(struct msim_bytes *bytes, size_t length)
{
    assert(length <= msim_bytes_length(bytes));
    bytes->start += length;
    if (bytes->start == bytes->end)
        bytes->start = bytes->end = 0;
}

void msim_bytes_drop(struct msim_bytes *bytes, size_t length)
{
    assert(length <= msim_bytes_length(bytes));
    bytes->end -= length;
}

void msim_bytes_shrink(struct msim_bytes *bytes, size_t keep)
{
    if (msim_bytes_length(bytes) > 0 || bytes->capacity <= keep)
        return;
    msim_bytes_finish(bytes);
}
