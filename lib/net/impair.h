/*
 * Cuts in what a connection writes, and whether it may write at all.
 */
#ifndef MSIM_NET_IMPAIR_H
#define MSIM_NET_IMPAIR_H

#include <marketsim/impair.h>

#include "net/connection.h"
#include "net/hub.h"

/* A place in the stream of what was queued, and the pause there. */
struct msim_cut {
    uint64_t at;
    msim_time pause;
};

struct msim_cuts {
    struct msim_connection *connection;
    struct msim_cuts *next; /* of the net's */
    struct msim_cuts **link;
    msim_time until; /* nothing leaves before */
    struct msim_cut *items;
    size_t first;
    size_t count;
    size_t capacity;
};

/* Nothing may leave now, though the system would take it. */
static inline bool msim_connection_is_held(const struct msim_connection *connection)
{
    return connection->impairments & MSIM_IMPAIR_WRITE ||
           (connection->cuts && connection->cuts->until > msim_net_now(connection->net));
}

/*
 * Writes the connection's own bytes up to the next cut at which there is a pause. MSIM_WRITTEN_ALL:
 * no cut is left, and what else waits may follow.
 */
enum msim_written msim_cuts_write(struct msim_connection *connection, size_t *sent);

void msim_cuts_free(struct msim_connection *connection);

/* Those whose pause is over go on; when the next one's is. */
void msim_cuts_release(struct msim_net *net);
msim_time msim_cuts_next(const struct msim_net *net);

#endif
