/*
 * The dashboard's server: scripts push tables, and everybody who looks sees them.
 *
 * A push is read as a whole or refused as a whole; what was taken in becomes one message, encoded
 * once, for all front ends.  One that reads too slowly misses updates; the others do not wait.
 */
#include <string.h>

#include "base/detail.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/dashboard/inside.h"
#include "server/dashboard/page.h"

#define DEFAULT_PAYLOAD ((size_t)2 << 20)
#define DEFAULT_UPLOAD ((size_t)16 << 20)
#define DEFAULT_CLIENTS 4096
#define DEFAULT_BACKLOG ((size_t)64 << 20)
#define DEFAULT_ROWS 100000
#define DEFAULT_SNAPSHOT 1000

static msim_time turn(void *context, msim_time now)
{
    struct msim_dashboard_server *server = context;

    msim_time next = server->relay ? msim_relay_turn(server->relay, now) : MSIM_TIME_NEVER;
    msim_time socketio = msim_socketio_turn(server->socketio, now);
    return socketio < next ? socketio : next;
}

/* ---- life ---- */

static int create_socketio(struct msim_dashboard_server *server, struct msim_detail *detail)
{
    const struct msim_socketio_namespace main_namespace = {"/", msim_dashboard_events, server};
    struct msim_socketio_params params = MSIM_SOCKETIO_PARAMS_INIT;

    params.engine.net = server->net;
    params.engine.allocator = &server->allocator;
    params.engine.logger = &server->logger;
    params.engine.max_payload_bytes = server->params.max_payload_bytes;
    params.engine.max_sessions = server->params.max_clients;
    params.engine.max_sessions_per_address = server->params.max_sessions_per_address;
    params.engine.max_queue_bytes = server->params.max_backlog_bytes;
    params.namespaces = &main_namespace;
    params.namespace_count = 1;
    int r = msim_socketio_create(&server->socketio, &params, detail);
    if (r < 0)
        return r;
    r = msim_socketio_room_create(server->socketio, &server->frontend, "/");
    return r < 0 ? msim_detail_set(detail, r, "%s", msim_result_text(r)) : r;
}

static int create_assets(struct msim_dashboard_server *server, struct msim_detail *detail)
{
    static const struct msim_http_header headers[] = {
        {"Content-Security-Policy",
         "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
         "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
         "frame-ancestors 'none'"},
        {"X-Content-Type-Options", "nosniff"},
        {"Referrer-Policy", "no-referrer"},
    };
    struct msim_assets_params params = MSIM_ASSETS_PARAMS_INIT;

    params.allocator = &server->allocator;
    params.folder = server->params.assets;
    if (!params.folder)
        params.assets = msim_page_files(&params.asset_count);
    if (!params.folder && params.asset_count == 0) {
        msim_log(&server->logger, MSIM_LOG_WARNING, "dashboard",
                 "this library was built without the page: build it where npm is, or give a "
                 "folder with the page (--assets)");
        return MSIM_OK;
    }
    params.headers = headers;
    params.header_count = sizeof headers / sizeof headers[0];
    return msim_assets_create(&server->assets, &params, detail);
}

static const char *missing(void *context)
{
    const struct msim_dashboard_server *server = context;

    return server->is_stopping ? "the server is stopping" : NULL;
}

static void write_metrics(void *context, struct msim_metrics *metrics)
{
    const struct msim_dashboard_server *server = context;
    struct msim_dashboard_stats stats;

    msim_dashboard_server_stats(server, &stats);
    msim_metrics_gauge(metrics, "marketsim_dashboard_clients", "Sessions of Socket.IO.",
                       stats.clients);
    msim_metrics_gauge(metrics, "marketsim_dashboard_frontends", "Sessions that see updates.",
                       stats.frontends);
    msim_metrics_counter(metrics, "marketsim_dashboard_pushes_total", "Pushes that were taken in.",
                         stats.pushes);
    msim_metrics_counter(metrics, "marketsim_dashboard_refused_total", "Pushes that were refused.",
                         stats.refused);
    msim_metrics_counter(metrics, "marketsim_dashboard_trades_total", "Trades that were pushed.",
                         stats.trades);
    msim_metrics_counter(metrics, "marketsim_dashboard_market_data_total",
                         "Rows of market data that were pushed.", stats.market_data);
    msim_metrics_counter(metrics, "marketsim_dashboard_updates_total",
                         "Updates that clients were sent.", stats.updates);
    msim_metrics_counter(metrics, "marketsim_dashboard_missed_total",
                         "Updates that slow clients did not get.", stats.missed);
}

#define MOST_ROUTES (2 * MSIM_ENGINEIO_ROUTES + MSIM_HEALTH_ROUTES + 8)

static int listen_on(struct msim_dashboard_server *server, struct msim_detail *detail)
{
    struct msim_engineio *engine = msim_socketio_engine(server->socketio);
    struct msim_listen_params params = MSIM_LISTEN_PARAMS_INIT;
    struct msim_route routes[MOST_ROUTES];
    size_t count = 0;

    msim_engineio_routes(engine, "/socket.io/", routes + count);
    count += MSIM_ENGINEIO_ROUTES;
    msim_engineio_routes(engine, "/socket.io", routes + count);
    count += MSIM_ENGINEIO_ROUTES;
    msim_health_routes(&server->health, routes + count);
    count += MSIM_HEALTH_ROUTES;
    routes[count++] = (struct msim_route){
        .method = "POST",
        .path = "/api/trading-data",
        .http = &msim_upload_handler,
        .context = server,
        .max_body_bytes = server->params.max_upload_bytes,
        .max_body_name = "max_upload_bytes, --max-upload",
    };
    static const struct {
        const char *path;
        const struct msim_http_handler *handler;
    } gets[] = {
        {"/api/trades", &msim_trades_handler},
        {"/api/market-data", &msim_market_handler},
        {"/api/summary", &msim_summary_handler},
        {"/api/openapi.json", &msim_openapi_handler},
    };
    for (size_t i = 0; i < sizeof gets / sizeof gets[0]; i++)
        routes[count++] = (struct msim_route){
            .method = "GET", .path = gets[i].path, .http = gets[i].handler, .context = server};
    if (server->assets)
        routes[count++] = msim_assets_route(server->assets);
    const struct msim_cors cors[] = {
        {.path = "/socket.io/",
         .origins = server->params.origins,
         .origin_count = server->params.origin_count},
        {.path = "/api/*",
         .origins = server->params.origins,
         .origin_count = server->params.origin_count},
    };
    if (server->params.origin_count > 0) {
        params.cors = cors;
        params.cors_count = sizeof cors / sizeof cors[0];
    }
    params.access = server->params.access;
    params.tls = server->params.tls;
    params.deflate = server->params.deflate;
    params.host = server->params.host;
    params.port = server->params.port;
    params.routes = routes;
    params.route_count = count;
    msim_engineio_limits(engine, &params.limits);
    int r = msim_net_listen(server->net, &server->listener, &params, detail);
    if (r >= 0)
        server->port = msim_listener_port(server->listener);
    return r;
}

static int set_up(struct msim_dashboard_server *server, struct msim_detail *detail)
{
    struct msim_net_params params = MSIM_NET_PARAMS_INIT;

    params.allocator = &server->allocator;
    params.logger = &server->logger;
    /* A session that polls has two links, and a page has some for its files. */
    params.max_connections = 2 * server->params.max_clients + 256;
    params.turn = turn;
    params.context = server;
    int r = msim_net_create(&server->net, &params, detail);
    if (r >= 0)
        r = create_socketio(server, detail);
    if (r >= 0)
        r = create_assets(server, detail);
    if (r < 0)
        return r;
    server->health = (struct msim_health){
        .allocator = server->allocator,
        .net = server->net,
        .missing = missing,
        .metrics = write_metrics,
        .context = server,
    };
    r = msim_push_init(&server->push, &server->allocator);
    if (r >= 0)
        r = msim_store_init(&server->store, server->params.max_rows, &server->allocator);
    if (r < 0)
        return msim_detail_set(detail, r, "%s", msim_result_text(r));
    if (server->params.data)
        r = msim_archive_open(&server->archive, server->params.data, &server->store, detail);
    if (r < 0)
        return r;
    r = listen_on(server, detail);
    if (r >= 0 && (server->params.upstream_count > 0 || server->params.admin_url))
        r = msim_relay_create(&server->relay, server, &server->params, detail);
    return r;
}

const struct msim_access_rule *msim_dashboard_server_rules(size_t *count)
{
    static const struct msim_access_rule rules[] = {
        {"GET", "/*", MSIM_ROLE_NONE},          {NULL, "/socket.io/", MSIM_ROLE_VIEWER},
        {NULL, "/socket.io", MSIM_ROLE_VIEWER}, {"GET", "/api/*", MSIM_ROLE_VIEWER},
        {"POST", "/api/*", MSIM_ROLE_TRADER},   {"GET", "/metrics", MSIM_ROLE_VIEWER},
    };

    if (count)
        *count = sizeof rules / sizeof rules[0];
    return rules;
}

static void set_defaults(struct msim_dashboard_server_params *params)
{
    if (params->max_payload_bytes == 0)
        params->max_payload_bytes = DEFAULT_PAYLOAD;
    if (params->max_upload_bytes == 0)
        params->max_upload_bytes = DEFAULT_UPLOAD;
    if (params->max_clients == 0)
        params->max_clients = DEFAULT_CLIENTS;
    if (params->max_backlog_bytes == 0)
        params->max_backlog_bytes = DEFAULT_BACKLOG;
    if (params->max_rows == 0)
        params->max_rows = DEFAULT_ROWS;
    if (params->snapshot_rows == 0)
        params->snapshot_rows = DEFAULT_SNAPSHOT;
}

int msim_dashboard_server_create(struct msim_dashboard_server **out,
                                 const struct msim_dashboard_server_params *params,
                                 struct msim_detail *detail)
{
    if (!out || !params || params->size != sizeof *params)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "params must come from MSIM_DASHBOARD_SERVER_PARAMS_INIT");
    struct msim_allocator allocator = msim_mem_allocator(params->allocator);
    struct msim_dashboard_server *server = msim_mem_zero(&allocator, sizeof *server);
    if (!server)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "%s", msim_result_text(MSIM_ERR_NOMEM));
    server->allocator = allocator;
    server->logger = msim_log_logger(params->logger);
    server->params = *params;
    set_defaults(&server->params);
    msim_bytes_init(&server->scratch, SIZE_MAX / 4, &server->allocator);
    msim_bytes_init(&server->out, SIZE_MAX / 4, &server->allocator);
    int r = set_up(server, detail);
    if (r < 0) {
        msim_dashboard_server_destroy(&server);
        return r;
    }
    /* The caller's own: borrowed for the create alone. */
    server->params.host = server->params.assets = NULL;
    server->params.access = NULL;
    server->params.tls = NULL;
    server->params.data = NULL;
    server->params.origins = NULL;
    server->params.upstreams = NULL;
    server->params.upstream_symbols = NULL;
    server->params.upstream_tls = NULL;
    server->params.admin_url = server->params.admin_key = server->params.admin_secret = NULL;
    server->params.allocator = NULL;
    server->params.logger = NULL;
    *out = server;
    return MSIM_OK;
}

void msim_dashboard_server_destroy(struct msim_dashboard_server **handle)
{
    struct msim_dashboard_server *server = handle ? *handle : NULL;
    if (!server)
        return;

    msim_listener_close(&server->listener);
    msim_relay_stop(server->relay);
    msim_socketio_destroy(&server->socketio);
    msim_net_destroy(&server->net);
    msim_relay_destroy(&server->relay);
    msim_assets_destroy(&server->assets);
    msim_push_finish(&server->push);
    msim_archive_close(&server->archive);
    msim_store_finish(&server->store);
    msim_bytes_finish(&server->scratch);
    msim_bytes_finish(&server->out);
    struct msim_allocator allocator = server->allocator;
    msim_mem_free(&allocator, server, sizeof *server);
    *handle = NULL;
}

int msim_dashboard_server_fd(const struct msim_dashboard_server *server)
{
    return server ? msim_net_fd(server->net) : MSIM_ERR_INVALID;
}

int msim_dashboard_server_dispatch(struct msim_dashboard_server *server, int timeout_ms)
{
    return server ? msim_net_dispatch(server->net, timeout_ms) : MSIM_ERR_INVALID;
}

uint16_t msim_dashboard_server_port(const struct msim_dashboard_server *server)
{
    return server ? server->port : 0;
}

struct msim_net *msim_dashboard_server_net(struct msim_dashboard_server *server)
{
    return server ? server->net : NULL;
}

void msim_dashboard_server_stop(struct msim_dashboard_server *server)
{
    if (!server)
        return;
    server->is_stopping = true;
    msim_listener_close(&server->listener);
    msim_relay_stop(server->relay);
    msim_socketio_stop(server->socketio);
}

void msim_dashboard_server_stats(const struct msim_dashboard_server *server,
                                 struct msim_dashboard_stats *out)
{
    struct msim_engineio_stats engine = {0};

    if (!server || !out)
        return;
    *out = server->stats;
    msim_engineio_stats(msim_socketio_engine(server->socketio), &engine);
    out->clients = engine.sessions;
    out->frontends = msim_socketio_room_size(server->frontend);
}
