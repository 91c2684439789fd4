/*
 * A run of finished frames in blocks, and positions in it.
 *
 * A frame lies whole in one block, and a position stands at the beginning of a frame or at the
 * end of the run.  A block is kept as long as a position stands in it or in one before it.
 */
#ifndef MSIM_NET_RUN_H
#define MSIM_NET_RUN_H

#include <marketsim/base.h>

struct iovec;

struct msim_block {
    struct msim_block *next;
    uint64_t base; /* of its first byte, in the run */
    size_t length;
    size_t capacity;
    size_t holders; /* positions in it */
    unsigned char bytes[];
};

struct msim_run {
    const struct msim_allocator *allocator;
    struct msim_block *head;
    struct msim_block *tail;
    uint64_t end;
    size_t block_bytes; /* of a block, but for a frame that is larger */
};

struct msim_position {
    struct msim_block *block;
    uint64_t at;
};

/* MSIM_ERR_NOMEM.  The allocator is borrowed. */
int msim_run_init(struct msim_run *run, size_t block_bytes, const struct msim_allocator *allocator);
void msim_run_finish(struct msim_run *run);

/* Room for one frame; NULL without memory. */
unsigned char *msim_run_reserve(struct msim_run *run, size_t size);
void msim_run_commit(struct msim_run *run, size_t size);

/* Nobody has anything left to read in it: its memory is used again. */
void msim_run_rewind(struct msim_run *run);

/* Bytes that are kept. */
static inline size_t msim_run_kept(const struct msim_run *run)
{
    return (size_t)(run->end - run->head->base);
}

void msim_position_enter(struct msim_position *position, struct msim_run *run);
void msim_position_leave(struct msim_position *position, struct msim_run *run);

static inline size_t msim_position_behind(const struct msim_position *position,
                                          const struct msim_run *run)
{
    return (size_t)(run->end - position->at);
}

/* Moves on by `size` bytes, to the beginning of a frame or the end. */
void msim_position_advance(struct msim_position *position, struct msim_run *run, size_t size);

/* What lies before it, a part for each block; returns how many. */
size_t msim_position_parts(const struct msim_position *position, struct iovec *parts, size_t room);

/* The frame at the position, which is not at the end.  Returns its size. */
size_t msim_position_frame(struct msim_position *position, struct msim_run *run,
                           const unsigned char **bytes);

#endif
