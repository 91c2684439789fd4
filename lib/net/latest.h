/*
 * The latest frame of each key, in the order in which they were published.
 *
 * Who conflates is a number: that of the first message which it has not got.  What it has still to
 * get is those frames here that bear this number or a later one, the oldest first.  A frame that
 * is replaced moves to the end, so that nothing is sent twice and nothing is left out.
 */
#ifndef MSIM_NET_LATEST_H
#define MSIM_NET_LATEST_H

#include <marketsim/base.h>

struct msim_latest_item {
    struct msim_latest_item *older;
    struct msim_latest_item *newer;
    struct msim_latest_item *next; /* of its slot's */
    uint64_t key;
    uint64_t number; /* among all messages of its topic */
    unsigned char *frame;
    size_t size;
    size_t capacity;
};

struct msim_latest {
    const struct msim_allocator *allocator;
    struct msim_latest_item **slots; /* a power of two */
    size_t slot_count;
    struct msim_latest_item *oldest;
    struct msim_latest_item *newest;
    size_t count;
    size_t bytes; /* of the frames */
    size_t max_keys;
    size_t max_bytes;
};

/* The allocator is borrowed. */
void msim_latest_init(struct msim_latest *latest, size_t max_keys, size_t max_bytes,
                      const struct msim_allocator *allocator);
void msim_latest_finish(struct msim_latest *latest);

/*
 * The frame of a message later than all that were put before replaces its key's.
 * MSIM_ERR_LIMIT beyond max_keys or max_bytes, MSIM_ERR_NOMEM; then nothing changed.
 */
int msim_latest_put(struct msim_latest *latest, uint64_t key, uint64_t number,
                    const unsigned char *frame, size_t size);

/* The oldest from this number on; NULL where there is none. */
const struct msim_latest_item *msim_latest_from(const struct msim_latest *latest, uint64_t number);

#endif
