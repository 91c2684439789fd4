/*
 * Looking up a name without holding up the loop: a thread for as long as that takes.
 *
 * The thread knows nothing of the net.  It writes what it found into a pipe, in one piece, and is
 * gone; whoever does not want to wait any longer closes the pipe's other end.  A child that the
 * host forks meanwhile has no such thread, and no use for the net either.
 */
#ifndef MSIM_NET_RESOLVE_H
#define MSIM_NET_RESOLVE_H

#include "net/socket.h"

struct msim_resolved {
    int result; /* of msim_resolve, with its words */
    struct msim_addresses addresses;
    struct msim_detail detail;
};

/* A descriptor that becomes readable with the result, or -1 with errno. */
int msim_resolve_start(const char *host, uint16_t port);

/* Reads it; false where it is not there (the thread could not say it). */
bool msim_resolve_read(int fd, struct msim_resolved *out);

#endif
