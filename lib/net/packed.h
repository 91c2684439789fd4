/*
 * What a topic's messages are packed to, for those who keep no context: the same bytes for everyone
 * who agreed to the same window, so each is packed once and not for each of them.
 *
 * Only the latest are remembered, and none that is long: whatever is not here is packed anew.
 */
#ifndef MSIM_NET_PACKED_H
#define MSIM_NET_PACKED_H

#include "net/connection.h"

/* At most so many frames of so many bytes. */
#define MSIM_PACKED_SLOTS 128
#define MSIM_PACKED_BYTES (8 * 1024)

struct msim_packed_slot {
    uint64_t at; /* in the run */
    uint8_t window_bits;
    uint8_t level; /* 0: nothing is here */
    size_t size;
    size_t capacity;
    unsigned char *frame;
};

/* Zeroed at first. */
struct msim_packed {
    struct msim_packed_slot *slots; /* NULL: nobody asked yet */
};

void msim_packed_finish(struct msim_packed *packed, const struct msim_allocator *allocator);

/* The frame that stands at `at` goes into `out`, as msim_channel_pack has it. */
int msim_packed_append(struct msim_packed *packed, uint64_t at, struct msim_connection *connection,
                       const unsigned char *frame, size_t size);

#endif
