/*
 * The buckets of what leaves late (heap.c).
 */
#ifndef MSIM_FAULTS_FAR_H
#define MSIM_FAULTS_FAR_H

#include <marketsim/base.h>

/*
 * What leaves late, where very many wait (heap.c): buckets by the highest byte in which a moment
 * differs from the base.
 */
#define FAR_LEVELS 8
#define FAR_DIGITS 256
#define FAR_CHUNK 42 /* of them fill 512 bytes */

struct far_chunk {
    uint32_t next;
    uint32_t count;
    msim_time dues[FAR_CHUNK];
    uint32_t nodes[FAR_CHUNK];
};

struct far_bucket {
    uint32_t head; /* NOTHING where `count` is 0 */
    uint32_t count;
    msim_time least;
};

#endif
