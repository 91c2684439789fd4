/*
 * What is remembered of each address: how many connections it has, and its rate.
 *
 * An address with connections stays; of the others the one that was idle longest makes room for
 * a new one.  An IPv6 address counts by its first 64 bits, which one household has.
 */
#ifndef MSIM_NET_VISITORS_H
#define MSIM_NET_VISITORS_H

#include "net/bucket.h"
#include "net/socket.h"

#define MSIM_VISITOR_KEY 17

struct msim_visitor {
    struct msim_visitor *next;  /* of the same slot */
    struct msim_visitor *newer; /* among the idle ones */
    struct msim_visitor *older;
    size_t connections;
    struct msim_bucket bucket;
    unsigned char key[MSIM_VISITOR_KEY];
};

struct msim_visitors {
    struct msim_allocator allocator;
    struct msim_visitor **slots;
    size_t slot_count; /* a power of two */
    size_t count;
    size_t limit;
    uint64_t seed; /* so that nobody can choose addresses of one slot */
    struct msim_visitor *newest;
    struct msim_visitor *oldest;
};

/* MSIM_ERR_NOMEM. */
int msim_visitors_init(struct msim_visitors *visitors, size_t limit, uint64_t seed,
                       const struct msim_allocator *allocator);
void msim_visitors_finish(struct msim_visitors *visitors);

/*
 * One more connection of this address.  MSIM_ERR_LIMIT where it has `most` already (0: no bound)
 * or where nobody can make room, MSIM_ERR_NOMEM.
 */
int msim_visitors_enter(struct msim_visitors *visitors, const struct msim_address *address,
                        size_t most, struct msim_visitor **out);
void msim_visitors_leave(struct msim_visitors *visitors, struct msim_visitor *visitor);

/* 127.0.0.0/8 and ::1. */
bool msim_address_is_loopback(const struct msim_address *address);

#endif
