/*
 * What a connection needs until it is open, and no longer.
 */
#ifndef MSIM_NET_OPENING_H
#define MSIM_NET_OPENING_H

#include "net/connection.h"
#include "net/handshake.h"
#include "net/socket.h"

struct msim_fetch;
struct msim_client_wish;

/* A client's part. */
struct msim_attempt {
    struct msim_fetch *fetch; /* NULL: a WebSocket is wanted */
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

/* What a client wants of a server, once there is a link. */
struct msim_client_wish {
    const struct msim_url *url;
    const struct msim_connection_limits *limits;
    const struct msim_connection_handler *handler;
    void *context;
    const struct msim_deflate *deflate;
    struct msim_tls *tls;     /* NULL: the system's authorities */
    struct msim_fetch *fetch; /* NULL: a WebSocket */
    /* Puts the request into what is sent. */
    int (*write)(struct msim_connection *connection, const struct msim_client_wish *wish);
    const void *params; /* for it */
};

/* As msim_net_connect, for a URL that was read and claims that were checked. */
int msim_client_start(struct msim_net *net, struct msim_connection **out,
                      const struct msim_client_wish *wish, struct msim_detail *detail);

/* A client that cannot open, and why. */
void msim_client_fail(struct msim_connection *connection, int failure, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
