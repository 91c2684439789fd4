/*
 * Signatures that were used: none is good for a second time as long as its timestamp is.
 *
 * They leave in the order in which they came, some time after they are of no use any more.
 */
#ifndef MSIM_NET_SIGNATURES_H
#define MSIM_NET_SIGNATURES_H

#include <marketsim/base.h>

#define MSIM_SIGNATURE_TAG 16 /* bytes of a signature that tell it from all others */

struct msim_used {
    uint8_t tag[MSIM_SIGNATURE_TAG];
    msim_time until;
    uint32_t next; /* of the same slot: its place + 1; 0: none */
};

struct msim_signatures {
    struct msim_allocator allocator;
    struct msim_used *ring;
    uint32_t *slots; /* the latest of each: its place + 1 */
    size_t capacity; /* of both, a power of two */
    size_t first;
    size_t count;
    size_t limit;
};

/* Takes no memory until the first one.  `limit` is at most 2^30. */
void msim_signatures_init(struct msim_signatures *signatures, size_t limit,
                          const struct msim_allocator *allocator);
void msim_signatures_finish(struct msim_signatures *signatures);

/*
 * Remembers one until then.  MSIM_ERR_EXISTS for one that was used, MSIM_ERR_LIMIT where as many
 * as may be are remembered, MSIM_ERR_NOMEM.
 */
int msim_signatures_use(struct msim_signatures *signatures, const uint8_t tag[MSIM_SIGNATURE_TAG],
                        msim_time now, msim_time until);

#endif
