/*
 * The replay server: each client has a replay of its own, from the start.
 *
 * A session pulls records in batches, asks the pacer when the next bundle of
 * equal timestamps is due, and hands it to the connection as finished frames.
 * Where the connection has enough, the session waits until that has left: the
 * replay of a slow client falls behind, and nothing grows.
 */
#define _POSIX_C_SOURCE 200809L /* clock_gettime */

#include <marketsim/server.h>

#include <marketsim/codec.h>
#include <string.h>
#include <time.h>

#include "base/detail.h"
#include "base/histogram.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/health.h"
#include "server/replay_session.h"

#define DEFAULT_MAX_CLIENTS 64
#define DEFAULT_MAX_BACKLOG ((size_t)8 << 20)

/* A backlog holds at least a few messages, or nothing would ever leave. */
#define LEAST_BACKLOG ((size_t)256 << 10)

struct msim_replay_server {
    struct msim_replay_server_params params;
    struct msim_net *net;
    struct msim_listener *listener;
    struct msim_replay_session **sessions; /* the open ones, in no order */
    size_t session_count;
    struct msim_replay_shared shared;
    struct msim_health health;
    uint16_t port;
    uint64_t clients_total;
    bool stopping;
};

static msim_time read_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (msim_time)now.tv_sec * MSIM_NS_PER_S + now.tv_nsec;
}

static int refuse_or_accept(void *context, struct msim_connection *connection,
                            const struct msim_request *request)
{
    struct msim_replay_server *server = context;

    (void)request;
    if (server->stopping)
        return 503;
    if (server->session_count < server->params.max_clients)
        return 0;
    msim_log(&server->shared.logger, MSIM_LOG_WARNING, "replay",
             "%s refused: clients connected: %zu, as many as may be",
             msim_connection_peer(connection), server->session_count);
    return 503;
}

static void opened(void *context, struct msim_connection *connection)
{
    struct msim_replay_server *server = context;
    struct msim_replay_session *session = NULL;

    /* Several may have been accepted before the first of them opened. */
    if (server->session_count >= server->params.max_clients || server->stopping) {
        msim_connection_close(connection, MSIM_CLOSE_TRY_LATER, "no room for another client");
        return;
    }
    int r = msim_replay_session_create(&session, &server->shared, connection);
    if (r < 0) {
        msim_connection_close(connection, MSIM_CLOSE_INTERNAL, msim_result_text(r));
        return;
    }
    msim_connection_set_user(connection, session);
    server->sessions[server->session_count++] = session;
    server->clients_total++;
    msim_log(&server->shared.logger, MSIM_LOG_INFO, "replay", "%s connected, %zu now",
             msim_connection_peer(connection), server->session_count);
    msim_replay_session_start(session, msim_net_now(server->net));
}

static void drained(void *context, struct msim_connection *connection)
{
    struct msim_replay_session *session = msim_connection_user(connection);

    (void)context;
    if (session)
        msim_replay_session_drained(session, read_clock());
}

static void closed(void *context, struct msim_connection *connection,
                   const struct msim_closing *closing)
{
    struct msim_replay_server *server = context;
    struct msim_replay_session *session = msim_connection_user(connection);

    if (!session)
        return;
    for (size_t i = 0; i < server->session_count; i++) {
        if (server->sessions[i] != session)
            continue;
        server->sessions[i] = server->sessions[--server->session_count];
        break;
    }
    msim_log(&server->shared.logger, MSIM_LOG_INFO, "replay", "%s left (%d%s%s), %zu now",
             msim_connection_peer(connection), closing->code, closing->reason[0] ? " " : "",
             closing->reason, server->session_count);
    msim_replay_session_destroy(&session);
}

/* Every session whose bundle is due; tells when the next one is. */
static msim_time turn(void *context, msim_time now)
{
    struct msim_replay_server *server = context;
    msim_time next = MSIM_TIME_NEVER;

    (void)now;
    for (size_t i = 0; i < server->session_count; i++) {
        msim_time due = msim_replay_session_run(server->sessions[i], read_clock());
        if (due < next)
            next = due;
    }
    return next;
}

/* ---- what it says about itself ---- */

static const char *missing(void *context)
{
    const struct msim_replay_server *server = context;

    return server->stopping ? "the server is stopping" : NULL;
}

static void write_metrics(void *context, struct msim_metrics *metrics)
{
    const struct msim_replay_server *server = context;
    const struct msim_replay_shared *shared = &server->shared;

    msim_metrics_gauge(metrics, "marketsim_replay_clients", "Replays under way.",
                       server->session_count);
    msim_metrics_counter(metrics, "marketsim_replay_clients_total", "Clients that connected.",
                         server->clients_total);
    msim_metrics_counter(metrics, "marketsim_replay_finished_total",
                         "Replays that came to their end.", shared->finished);
    msim_metrics_counter(metrics, "marketsim_replay_trades_total", "Trades handed to connections.",
                         shared->trades);
    msim_metrics_counter(metrics, "marketsim_replay_bundles_total",
                         "Bundles of trades with equal timestamps.", shared->bundles);
    msim_metrics_histogram(metrics, "marketsim_replay_lateness_seconds",
                           "How late bundles were handed over.", &shared->lateness);
}

static int listen_on(struct msim_replay_server *server, struct msim_detail *detail)
{
    struct msim_net_params net_params = MSIM_NET_PARAMS_INIT;
    net_params.allocator = &server->shared.allocator;
    net_params.logger = &server->shared.logger;
    /* Beside the replays there may be those that are being refused or are still shaking hands. */
    net_params.max_connections = server->params.max_clients + 256;
    net_params.turn = turn;
    net_params.context = server;
    int r = msim_net_create(&server->net, &net_params, detail);
    if (r < 0)
        return r;

    struct msim_listen_params params = MSIM_LISTEN_PARAMS_INIT;
    params.host = server->params.host;
    params.port = server->params.port;
    params.access = server->params.access;
    params.tls = server->params.tls;
    params.deflate = server->params.deflate;
    params.limits.max_backlog_bytes = server->params.max_backlog_bytes;
    /* Told when everything has left: what the system holds bridges the moment until more comes. */
    params.limits.low_water_bytes = 1;
    params.handler.request = refuse_or_accept;
    params.handler.opened = opened;
    params.handler.drained = drained;
    params.handler.closed = closed;
    params.context = server;
    server->health = (struct msim_health){
        .allocator = server->shared.allocator,
        .net = server->net,
        .missing = missing,
        .metrics = write_metrics,
        .context = server,
    };
    struct msim_route routes[MSIM_HEALTH_ROUTES];
    msim_health_routes(&server->health, routes);
    params.routes = routes;
    params.route_count = MSIM_HEALTH_ROUTES;
    r = msim_net_listen(server->net, &server->listener, &params, detail);
    if (r >= 0)
        server->port = msim_listener_port(server->listener);
    return r;
}

static int check(const struct msim_replay_server_params *params, struct msim_detail *detail)
{
    if (!params || params->size != sizeof *params || !params->open)
        return msim_detail_set(
            detail, MSIM_ERR_INVALID,
            "params must come from MSIM_REPLAY_SERVER_PARAMS_INIT and have an `open`");
    if (params->max_backlog_bytes > 0 && params->max_backlog_bytes < LEAST_BACKLOG)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "a backlog of %zu bytes is too small: give at least %zu",
                               params->max_backlog_bytes, LEAST_BACKLOG);
    struct msim_pacer pacer;
    struct msim_pacer_params pacing = MSIM_PACER_PARAMS_INIT;
    pacing.speed = params->speed;
    pacing.max_gap = params->max_gap;
    if (msim_pacer_init(&pacer, &pacing) < 0)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "the speed must be above zero and the gap not below zero");
    return MSIM_OK;
}

int msim_replay_server_create(struct msim_replay_server **out,
                              const struct msim_replay_server_params *params,
                              struct msim_detail *detail)
{
    if (!out)
        return MSIM_ERR_INVALID;
    int r = check(params, detail);
    if (r < 0)
        return r;

    struct msim_allocator allocator = msim_mem_allocator(params->allocator);
    struct msim_replay_server *server = msim_mem_zero(&allocator, sizeof *server);
    if (!server)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "%s", msim_result_text(MSIM_ERR_NOMEM));
    server->params = *params;
    if (server->params.max_clients == 0)
        server->params.max_clients = DEFAULT_MAX_CLIENTS;
    if (server->params.max_backlog_bytes == 0)
        server->params.max_backlog_bytes = DEFAULT_MAX_BACKLOG;
    server->shared = (struct msim_replay_shared){
        .params = &server->params,
        .allocator = allocator,
        .logger = msim_log_logger(params->logger),
        .read_clock = read_clock,
        .position = MSIM_TIME_NEVER,
    };

    r = msim_replay_shared_init(&server->shared);
    if (r >= 0) {
        server->sessions =
            msim_mem_zero_array(&allocator, server->params.max_clients, sizeof *server->sessions);
        r = server->sessions ? MSIM_OK : MSIM_ERR_NOMEM;
    }
    if (r < 0)
        msim_detail_set(detail, r, "%s", msim_result_text(r));
    else
        r = listen_on(server, detail);
    if (r < 0) {
        msim_replay_server_destroy(&server);
        return r;
    }
    /* The caller's own: borrowed for the create alone. */
    server->params.host = NULL;
    server->params.access = NULL;
    server->params.tls = NULL;
    server->params.allocator = NULL;
    server->params.logger = NULL;
    *out = server;
    return MSIM_OK;
}

void msim_replay_server_destroy(struct msim_replay_server **server)
{
    struct msim_replay_server *old = server ? *server : NULL;
    if (!old)
        return;
    struct msim_allocator allocator = old->shared.allocator;

    /* The connections that are open are told to their handler, which frees their sessions. */
    msim_listener_close(&old->listener);
    msim_net_destroy(&old->net);
    msim_mem_free(&allocator, old->sessions, old->params.max_clients * sizeof *old->sessions);
    msim_replay_shared_finish(&old->shared);
    msim_mem_free(&allocator, old, sizeof *old);
    *server = NULL;
}

int msim_replay_server_fd(const struct msim_replay_server *server)
{
    return server ? msim_net_fd(server->net) : MSIM_ERR_INVALID;
}

int msim_replay_server_dispatch(struct msim_replay_server *server, int timeout_ms)
{
    return server ? msim_net_dispatch(server->net, timeout_ms) : MSIM_ERR_INVALID;
}

uint16_t msim_replay_server_port(const struct msim_replay_server *server)
{
    return server ? server->port : 0;
}

struct msim_net *msim_replay_server_net(struct msim_replay_server *server)
{
    return server ? server->net : NULL;
}

void msim_replay_server_stop(struct msim_replay_server *server)
{
    if (!server)
        return;
    server->stopping = true;
    msim_listener_close(&server->listener);
    /* A close may end a connection at once, which takes its session out of the list. */
    for (size_t i = server->session_count; i-- > 0;)
        msim_replay_session_stop(server->sessions[i]);
}

void msim_replay_server_stats(const struct msim_replay_server *server,
                              struct msim_replay_stats *out)
{
    if (!server || !out)
        return;
    const struct msim_replay_shared *shared = &server->shared;

    *out = (struct msim_replay_stats){
        .clients = server->session_count,
        .clients_total = server->clients_total,
        .finished = shared->finished,
        .trades = shared->trades,
        .bundles = shared->bundles,
        .position = shared->position,
        .lateness_p50 = msim_histogram_at(&shared->lateness, 500000),
        .lateness_p99 = msim_histogram_at(&shared->lateness, 990000),
        .lateness_max = shared->lateness.max,
    };
}
