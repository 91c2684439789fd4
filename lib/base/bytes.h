/*
 * A byte buffer: bytes are appended at its end and taken from its front.
 *
 * What is taken leaves a gap that is closed only when room is needed, so that
 * taking costs nothing and the bytes that wait are always in one piece.
 */
#ifndef MSIM_BASE_BYTES_H
#define MSIM_BASE_BYTES_H

#include <assert.h>

#include <marketsim/base.h>

struct msim_bytes {
    unsigned char *memory;
    size_t capacity;
    size_t start; /* the bytes that wait are memory[start .. end) */
    size_t end;
    size_t limit; /* the bound on the bytes that wait */
    struct msim_allocator allocator;
};

/* Takes no memory until the first append. */
void msim_bytes_init(struct msim_bytes *bytes, size_t limit,
                     const struct msim_allocator *allocator);
void msim_bytes_finish(struct msim_bytes *bytes);

static inline size_t msim_bytes_length(const struct msim_bytes *bytes)
{
    return bytes->end - bytes->start;
}

/* Never NULL.  Borrowed: valid until the next append, reserve, shrink or finish. */
static inline const unsigned char *msim_bytes_front(const struct msim_bytes *bytes)
{
    return bytes->memory ? bytes->memory + bytes->start : (const unsigned char *)"";
}

/*
 * Room for `length` more bytes in one piece, to be written there and then
 * claimed with `msim_bytes_commit`.  MSIM_ERR_LIMIT beyond the bound,
 * MSIM_ERR_NOMEM without memory; then nothing changed.
 */
int msim_bytes_make_room(struct msim_bytes *bytes, size_t length, unsigned char **room);

static inline int msim_bytes_reserve(struct msim_bytes *bytes, size_t length, unsigned char **room)
{
    if (!bytes->memory || length > bytes->capacity - bytes->end ||
        length > bytes->limit - msim_bytes_length(bytes))
        return msim_bytes_make_room(bytes, length, room);
    *room = bytes->memory + bytes->end;
    return MSIM_OK;
}

static inline void msim_bytes_commit(struct msim_bytes *bytes, size_t length)
{
    assert(length <= bytes->capacity - bytes->end);
    bytes->end += length;
}

/* All of it or nothing. */
int msim_bytes_append(struct msim_bytes *bytes, const void *data, size_t length);

/* Takes `length` (at most what waits) from the front. */
void msim_bytes_take(struct msim_bytes *bytes, size_t length);

/* Takes back the last `length` (at most what waits) that were appended. */
void msim_bytes_drop(struct msim_bytes *bytes, size_t length);

/* Gives memory back when nothing waits and more than `keep` bytes are held. */
void msim_bytes_shrink(struct msim_bytes *bytes, size_t keep);

#endif
