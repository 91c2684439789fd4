/*
 * What a connection needs until it is open, and no longer.
 */
#ifndef MSIM_NET_OPENING_H
#define MSIM_NET_OPENING_H

#include "net/connection.h"
#include "net/handshake.h"
#include "net/socket.h"

/* A client's part. */
struct msim_attempt {
    char key[MSIM_KEY_SIZE + 1];
    char name[MSIM_URL_HOST_MAX + 16]; /* "host:port", for words */
    struct msim_addresses addresses;
    size_t next_address;
    bool is_resolving; /* the descriptor is the resolver's */
    msim_time deadline;
    struct msim_detail tried; /* what became of each address */
};

struct msim_opening {
    struct msim_http_scan scan;
    struct msim_bytes head;         /* what came so far, where it was not all of it */
    struct msim_bytes lines;        /* of the head of each answer to the request under way */
    struct msim_attempt *attempt;   /* NULL for a server's */
    struct msim_exchange *exchange; /* a request that is being read or answered */
};

/* A client that cannot open, and why. */
void msim_client_fail(struct msim_connection *connection, int failure, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
