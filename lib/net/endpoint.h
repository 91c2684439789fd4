/*
 * What the connections of one listener have in common, and what a client's has
 * alone: whom to tell, and the bounds.
 */
#ifndef MSIM_NET_ENDPOINT_H
#define MSIM_NET_ENDPOINT_H

#include "net/access.h"
#include "net/cors.h"
#include "net/loop.h"
#include "net/route.h"

struct msim_endpoint {
    struct msim_net *net;
    size_t references;
    struct msim_connection_limits limits; /* without zeros */
    struct msim_connection_handler handler;
    void *context;
    struct msim_tls *tls; /* NULL: plain */
    struct msim_deflate deflate;
    struct msim_route_entry *routes; /* NULL: only WebSockets are served */
    size_t route_count;
    struct msim_cors_entry *cors;
    size_t cors_count;
    struct msim_access *access; /* NULL: everybody may come in */
    char *host;                 /* that a listener was asked to listen at; NULL: none */
    bool is_loopback;           /* listened at on this machine alone */
};

/* One reference, the caller's.  MSIM_ERR_INVALID for bad limits, MSIM_ERR_NOMEM. */
int msim_endpoint_create(struct msim_endpoint **out, struct msim_net *net,
                         const struct msim_connection_limits *limits,
                         const struct msim_connection_handler *handler, void *context,
                         struct msim_detail *detail);

/* Before the routes, which share it.  MSIM_ERR_INVALID, or MSIM_ERR_UNSUPPORTED without zlib. */
int msim_endpoint_set_deflate(struct msim_endpoint *endpoint, const struct msim_deflate *deflate,
                              struct msim_detail *detail);

/* Copies the routes; MSIM_ERR_INVALID or MSIM_ERR_NOMEM, then it has none. */
int msim_endpoint_add_routes(struct msim_endpoint *endpoint, const struct msim_route *routes,
                             size_t count, struct msim_detail *detail);

/* The same for the rules of CORS. */
int msim_endpoint_add_cors(struct msim_endpoint *endpoint, const struct msim_cors *rules,
                           size_t count, struct msim_detail *detail);

static inline struct msim_endpoint *msim_endpoint_share(struct msim_endpoint *endpoint)
{
    endpoint->references++;
    return endpoint;
}

void msim_endpoint_drop(struct msim_endpoint *endpoint);

#endif
