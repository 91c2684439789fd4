/*
 * The latest messages of a channel, for those who missed some.
 *
 * A ring of bytes: each message with its sequence and length before it.  The oldest make room.
 */
#ifndef MSIM_SERVER_EXCHANGE_HISTORY_H
#define MSIM_SERVER_EXCHANGE_HISTORY_H

#include <marketsim/base.h>

struct msim_exchange_history {
    unsigned char *bytes; /* NULL until the first message */
    size_t size;
    size_t start; /* of the oldest */
    size_t used;
    uint64_t first; /* sequences first .. next - 1 are there */
    uint64_t next;
};

/* Keeps a message; sequences follow each other, or the history begins anew.  One that is longer
 * than all of it leaves an empty history behind.  Without memory nothing is kept. */
void msim_exchange_history_add(struct msim_exchange_history *history, size_t size,
                               uint64_t sequence, int type, const void *bytes, size_t length,
                               const struct msim_allocator *allocator);

/* Is all from `sequence` on there? */
bool msim_exchange_history_has(const struct msim_exchange_history *history, uint64_t sequence);

struct msim_exchange_past {
    size_t at; /* 0 at first */
    uint64_t sequence;
    int type;
};

/* The next message from `from` on, copied to `out`; its length, 0 behind the last. */
size_t msim_exchange_history_next(const struct msim_exchange_history *history, uint64_t from,
                                  struct msim_exchange_past *past, char *out, size_t size);

void msim_exchange_history_finish(struct msim_exchange_history *history,
                                  const struct msim_allocator *allocator);

#endif
