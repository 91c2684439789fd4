/*
 * What reorder keeps of a link: messages that others are to overtake, and windows to be shuffled.
 */
#ifndef MSIM_FAULTS_KEPT_H
#define MSIM_FAULTS_KEPT_H

#include <marketsim/faults.h>

struct hold {
    uint32_t node;
    uint32_t slot;
    uint64_t generation;
    uint64_t lane; /* hash of the lane's value */
    uint8_t lane_by;
    int64_t remaining;
    msim_time deadline;
};

struct shuffle {
    uint32_t slot;
    uint32_t count;
    uint64_t generation;
    uint64_t lane;
    uint8_t lane_by;
    int64_t window;
    msim_time deadline;
    uint64_t key;
    uint64_t ordinal; /* of its first message */
    uint32_t head;
    uint32_t tail;
};

/* What reorder keeps of a link. */
struct kept {
    struct hold *holds;
    size_t hold_count;
    size_t hold_capacity;
    struct shuffle *shuffles;
    size_t shuffle_count;
    size_t shuffle_capacity;
    size_t shuffled; /* messages in them */
};

#endif
