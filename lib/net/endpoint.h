/*
 * What the connections of one listener have in common, and what a client's has
 * alone: whom to tell, and the bounds.
 */
#ifndef MSIM_NET_ENDPOINT_H
#define MSIM_NET_ENDPOINT_H

#include "net/loop.h"

struct msim_endpoint {
    struct msim_net *net;
    size_t references;
    struct msim_connection_limits limits; /* without zeros */
    struct msim_connection_handler handler;
    void *context;
};

/* One reference, the caller's.  MSIM_ERR_INVALID for bad limits, MSIM_ERR_NOMEM. */
int msim_endpoint_create(struct msim_endpoint **out, struct msim_net *net,
                         const struct msim_connection_limits *limits,
                         const struct msim_connection_handler *handler, void *context,
                         struct msim_detail *detail);

static inline struct msim_endpoint *msim_endpoint_share(struct msim_endpoint *endpoint)
{
    endpoint->references++;
    return endpoint;
}

void msim_endpoint_drop(struct msim_endpoint *endpoint);

#endif
