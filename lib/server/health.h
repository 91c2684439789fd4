/*
 * What every server answers about itself: /healthz, /readyz, /metrics.
 */
#ifndef MSIM_SERVER_HEALTH_H
#define MSIM_SERVER_HEALTH_H

#include <marketsim/http.h>

#include "server/metrics.h"

struct msim_health {
    struct msim_allocator allocator;
    const struct msim_net *net;
    /* NULL where it is ready to serve, else what is missing.  NULL: ready as long as it runs. */
    const char *(*missing)(void *context);
    /* The server's own numbers, beside msim_metrics_common.  May be NULL. */
    void (*metrics)(void *context, struct msim_metrics *metrics);
    void *context;
};

#define MSIM_HEALTH_ROUTES 3

/* Fills in routes for a listener; `health` lives as long as its connections. */
void msim_health_routes(struct msim_health *health, struct msim_route routes[MSIM_HEALTH_ROUTES]);

#endif
