/*
 * dashboard-server: scripts push trades and market data, browsers watch them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <marketsim/marketsim.h>

#include "cli/network.h"
#include "cli/options.h"
#include "cli/service.h"
#include "dashboard/upstreams.h"

struct settings {
    struct network network;
    const char *assets;
    const char *data;
    uint64_t max_payload;
    uint64_t max_upload;
    uint64_t max_rows;
    uint64_t snapshot;
    uint64_t max_sessions_per_address;
    struct upstreams upstreams;
    enum msim_log_level level;
};

struct dashboard {
    struct settings settings;
    struct service service;
    struct msim_dashboard_server *server;
};

static int read_settings(struct settings *settings, int argument_count, char **arguments)
{
    const struct option options[] = {
        {"data", 'd', OPTION_TEXT, &settings->data, "FILE",
         "keeps what was pushed over a restart; memory alone by default"},
        {"assets", 0, OPTION_TEXT, &settings->assets, "DIR",
         "serve the page from this folder, for development"},
        {"max-payload", 0, OPTION_BYTES, &settings->max_payload, "BYTES",
         "of one push by Socket.IO (2M)"},
        {"max-upload", 0, OPTION_BYTES, &settings->max_upload, "BYTES",
         "of one push by HTTP (16M)"},
        {"max-rows", 0, OPTION_LIMIT, &settings->max_rows, "N",
         "of each table that are kept (100000)"},
        {"snapshot", 0, OPTION_LIMIT, &settings->snapshot, "N",
         "rows of each table for a page that is opened late (1000)"},
        {"max-clients", 0, OPTION_LIMIT, &settings->network.max_clients, "N", "at once (4096)"},
        {"max-sessions-per-address", 0, OPTION_LIMIT, &settings->max_sessions_per_address, "N",
         "clients of one address (16384); more are refused with 503"},
        {"max-backlog", 0, OPTION_BYTES, &settings->network.max_backlog, "BYTES",
         "queued for a client that reads slowly (64M); then it\nmisses updates"},
        UPSTREAM_OPTIONS(&settings->upstreams),
        NETWORK_OPTIONS(&settings->network, "5000"),
        {"log-level", 0, OPTION_LEVEL, &settings->level, "LEVEL",
         "error, warning, info (default) or debug"},
    };
    const struct command_line line = {
        .program = "dashboard-server",
        .usage = "[OPTIONS]",
        .summary = "Takes trades and market data that scripts push, by Socket.IO or HTTP, and "
                   "shows them in the browser.",
        .examples = "  dashboard-server\n"
                    "  dashboard-server --port 8080\n"
                    "  dashboard-server --connect ws://localhost:8765\n"
                    "  curl http://localhost:5000/api/trading-data \\\n"
                    "      -F trades_csv=@trades.csv -F market_data_csv=@market_data.csv\n",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
    };
    char **rest;
    size_t rest_count;

    *settings = (struct settings){.network.port = 5000, .level = MSIM_LOG_INFO};
    int code = options_read(&line, argument_count, arguments, &rest, &rest_count);
    if (code >= 0)
        return code;
    if (rest_count > 0) {
        fprintf(stderr, "dashboard-server: '%s' is no option; see dashboard-server --help\n",
                rest[0]);
        return EXIT_USAGE;
    }
    return -1;
}

static void stop(void *context)
{
    struct dashboard *dashboard = context;

    msim_dashboard_server_stop(dashboard->server);
}

static int start(struct dashboard *dashboard)
{
    struct settings *settings = &dashboard->settings;
    struct msim_dashboard_server_params params = MSIM_DASHBOARD_SERVER_PARAMS_INIT;
    struct msim_detail detail = {""};

    params.host = settings->network.host;
    params.port = settings->network.port;
    params.access = settings->network.access;
    params.tls = settings->network.tls;
    params.deflate.is_on = settings->network.deflate;
    params.origins = (const char *const *)settings->network.origins.items;
    params.origin_count = settings->network.origins.count;
    params.assets = settings->assets;
    params.data = settings->data;
    params.max_payload_bytes = (size_t)settings->max_payload;
    params.max_upload_bytes = (size_t)settings->max_upload;
    params.max_clients = (size_t)settings->network.max_clients;
    params.max_backlog_bytes = (size_t)settings->network.max_backlog;
    params.max_sessions_per_address = (size_t)settings->max_sessions_per_address;
    params.max_rows = (size_t)settings->max_rows;
    params.snapshot_rows = (size_t)settings->snapshot;
    params.logger = &dashboard->service.logger;
    int code =
        upstreams_open(&dashboard->settings.upstreams, &params, &dashboard->service.terminal);
    if (code >= 0)
        return code;
    int r = msim_dashboard_server_create(&dashboard->server, &params, &detail);
    if (r < 0) {
        terminal_fail(&dashboard->service.terminal, "%s", detail.text);
        return exit_code_of(r);
    }
    struct msim_net *net = msim_dashboard_server_net(dashboard->server);
    code = network_watch(&dashboard->settings.network, net);
    return code >= 0 ? code : service_watch(&dashboard->service, net, stop, dashboard);
}

static struct msim_dashboard_stats stats_of(const struct dashboard *dashboard)
{
    struct msim_dashboard_stats stats;

    msim_dashboard_server_stats(dashboard->server, &stats);
    return stats;
}

static void announce(const struct dashboard *dashboard)
{
    const char *host =
        dashboard->settings.network.host ? dashboard->settings.network.host : "localhost";
    bool bare_ipv6 = strchr(host, ':') && host[0] != '[';

    fprintf(stderr, "Dashboard on http%s://%s%s%s:%u/ (Ctrl+C ends it)\n",
            dashboard->settings.network.tls ? "s" : "", bare_ipv6 ? "[" : "", host,
            bare_ipv6 ? "]" : "", (unsigned)msim_dashboard_server_port(dashboard->server));
}

static int run(struct dashboard *dashboard)
{
    struct service *service = &dashboard->service;
    struct msim_dashboard_stats stats = stats_of(dashboard);

    announce(dashboard);
    while (!service_is_over(service, stats.clients)) {
        if (msim_dashboard_server_dispatch(dashboard->server, service_timeout(service)) < 0)
            return terminal_fail(&service->terminal, "the event loop is broken");
        stats = stats_of(dashboard);
        if (service_shows_progress(service))
            terminal_progress(&service->terminal,
                              "%" PRIu64 " client%s, %" PRIu64 " watching, %" PRIu64
                              " pushes, %" PRIu64 " trades, %" PRIu64 " rows of market data",
                              stats.clients, stats.clients == 1 ? "" : "s", stats.frontends,
                              stats.pushes, stats.trades, stats.market_data);
    }
    return EXIT_SUCCESS;
}

static void summarise(struct dashboard *dashboard)
{
    struct msim_dashboard_stats stats = stats_of(dashboard);

    terminal_settle(&dashboard->service.terminal);
    fprintf(stderr,
            "%" PRIu64 " pushes taken, %" PRIu64 " refused; %" PRIu64 " trades, %" PRIu64
            " rows of market data; %" PRIu64 " updates sent, %" PRIu64 " missed\n",
            stats.pushes, stats.refused, stats.trades, stats.market_data, stats.updates,
            stats.missed);
}

static void finish(struct dashboard *dashboard)
{
    msim_dashboard_server_destroy(&dashboard->server);
    upstreams_finish(&dashboard->settings.upstreams);
    network_finish(&dashboard->settings.network);
}

int main(int argument_count, char **arguments)
{
    struct dashboard dashboard = {0};

    service_init(&dashboard.service, "dashboard-server");
    int code = read_settings(&dashboard.settings, argument_count, arguments);
    if (code >= 0) {
        finish(&dashboard);
        return code;
    }
    service_log_level(&dashboard.service, dashboard.settings.level);
    dashboard.settings.network.rules =
        msim_dashboard_server_rules(&dashboard.settings.network.rule_count);
    code = network_open(&dashboard.settings.network, &dashboard.service);
    if (code < 0)
        code = start(&dashboard);
    if (code == EXIT_SUCCESS) {
        code = run(&dashboard);
        summarise(&dashboard);
    }
    finish(&dashboard);
    return code;
}
