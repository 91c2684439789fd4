/*
 * exchange-server: an exchange with live prices, over WebSocket and HTTP.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <marketsim/marketsim.h>

#include "cli/files.h"
#include "cli/network.h"
#include "cli/options.h"
#include "cli/pages.h"
#include "cli/service.h"
#include "exchange/session.h"

#define MOST_FILE_BYTES ((size_t)4 << 20)

struct settings {
    const char *config;
    struct option_list assignments;
    struct network network;
    const char *host;
    const char *port;
    const char *seed;
    struct msim_speed speed;
    const char *admin_host;
    const char *admin_port; /* NULL: no admin API */
    const char *scenario;
    msim_time scenario_time;
    const char *session;
    enum msim_log_level level;
};

struct exchange {
    struct settings settings;
    struct service service;
    struct msim_exchange_config *config;
    struct msim_exchange_server *server;
    char *scenario; /* the file's text */
    size_t scenario_length;
    struct session_file session;
};

static int read_settings(struct settings *settings, int argument_count, char **arguments)
{
    const struct option options[] = {
        {"config", 'c', OPTION_TEXT, &settings->config, "FILE",
         "settings as JSON; the Python simulator's config.json is one"},
        {"set", 0, OPTION_PATHS, &settings->assignments, "KEY=VALUE",
         "one of them, after the file; may be given again:\n"
         "exchange.tick_interval=0.025; options for a key, such as\n--port, win over both"},
        {"host", 0, OPTION_TEXT, &settings->host, "HOST",
         "server.host: where to listen (localhost: 127.0.0.1 and ::1)"},
        {"port", 'p', OPTION_TEXT, &settings->port, "PORT",
         "server.port (8765); 0 takes a free one"},
        {"seed", 's', OPTION_TEXT, &settings->seed, "N",
         "exchange.seed: of prices, ids and faults (1)"},
        {"speed", 0, OPTION_PACE, &settings->speed, "FACTOR",
         "market seconds in a second (1): 10, 0.5"},
        {"max-clients", 0, OPTION_LIMIT, &settings->network.max_clients, "N",
         "WebSockets at a time (1024)"},
        {"max-backlog", 0, OPTION_BYTES, &settings->network.max_backlog, "BYTES",
         "queued for a client that reads slowly (4M); then it is\nclosed with 1013"},
        NETWORK_GUARD_OPTIONS(&settings->network),
        {"admin-port", 0, OPTION_TEXT, &settings->admin_port, "PORT",
         "the admin API (faults, accounts, prices) on a port of its\nown; 0 takes a free one; "
         "without this there is none"},
        {"admin-host", 0, OPTION_TEXT, &settings->admin_host, "HOST",
         "where it listens (localhost); beyond this machine it needs\n--admin-keys"},
        {"admin-keys", 0, OPTION_TEXT, &settings->network.admin_keys_path, "FILE",
         "keys for it, with role=admin (docs/network.md); read anew on\nSIGHUP"},
        {"scenario", 0, OPTION_TEXT, &settings->scenario, "FILE",
         "runs it (docs/faults.md), prints its report as JSON and ends:\n0 where all it expects "
         "came true, else 1"},
        {"scenario-time", 0, OPTION_DURATION, &settings->scenario_time, "LENGTH",
         "how long it lasts (until its last step with a time)"},
        {"record-session", 0, OPTION_TEXT, &settings->session, "FILE",
         "records whatever comes, for exchange-server replay FILE"},
        {"log-level", 0, OPTION_LEVEL, &settings->level, "LEVEL",
         "error, warning, info (default) or debug"},
    };
    const struct command_line line = {
        .program = "exchange-server",
        .usage = "[OPTIONS]\n       exchange-server replay FILE",
        .summary = "Runs an exchange with live prices: a book to trade against, WebSocket and REST "
                   "on one port,\nand faults.",
        .examples = "  exchange-server\n"
                    "  exchange-server --config config.json\n"
                    "  exchange-server --set 'exchange.symbols=[\"BTC/USD\",\"SOL/USD\"]'\n"
                    "  exchange-server --set failures.modes.drop_messages.probability=0.05\n"
                    "  curl 'http://localhost:8765/api/v1/ticker?symbol=BTC/USD'\n",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
    };
    char **rest;
    size_t rest_count;

    *settings = (struct settings){.level = MSIM_LOG_INFO};
    int code = options_read(&line, argument_count, arguments, &rest, &rest_count);
    if (code >= 0)
        return code;
    if (rest_count > 0) {
        fprintf(stderr, "exchange-server: '%s' is no option; see exchange-server --help\n",
                rest[0]);
        return EXIT_USAGE;
    }
    return -1;
}

/* A whole small file; NULL with words said. */
static char *read_file(struct exchange *exchange, const char *option, const char *path,
                       size_t *length)
{
    struct msim_detail detail = {{0}};
    char *text = file_read(path, MOST_FILE_BYTES, length, &detail);

    if (!text)
        terminal_fail(&exchange->service.terminal, "%s: %s", option, detail.text);
    return text;
}

static int read_config_file(struct exchange *exchange)
{
    const char *path = exchange->settings.config;
    struct msim_detail detail = {{0}};
    size_t length;

    if (!path)
        return EXIT_SUCCESS;
    char *text = read_file(exchange, "--config", path, &length);
    if (!text)
        return EXIT_USAGE;
    int r = msim_exchange_config_read(exchange->config, text, length, &detail);
    free(text);
    if (r >= 0)
        return EXIT_SUCCESS;
    terminal_fail(&exchange->service.terminal, "%s: %s", path,
                  detail.text[0] ? detail.text : msim_result_text(r));
    return EXIT_USAGE;
}

static int set(struct exchange *exchange, const char *assignment)
{
    struct msim_detail detail = {{0}};
    int r = msim_exchange_config_set(exchange->config, assignment, &detail);

    if (r >= 0)
        return EXIT_SUCCESS;
    terminal_fail(&exchange->service.terminal, "--set %s: %s", assignment,
                  detail.text[0] ? detail.text : msim_result_text(r));
    return EXIT_USAGE;
}

/* An option that is short for a key. */
static int set_key(struct exchange *exchange, const char *key, const char *value)
{
    char assignment[512];

    if (!value)
        return EXIT_SUCCESS;
    snprintf(assignment, sizeof assignment, "%s=%s", key, value);
    return set(exchange, assignment);
}

static int read_config(struct exchange *exchange)
{
    const struct settings *settings = &exchange->settings;

    if (msim_exchange_config_create(&exchange->config, NULL) < 0)
        return terminal_fail(&exchange->service.terminal, "out of memory");
    int code = read_config_file(exchange);
    for (size_t i = 0; i < settings->assignments.count && code == EXIT_SUCCESS; i++)
        code = set(exchange, settings->assignments.items[i]);
    if (code == EXIT_SUCCESS)
        code = set_key(exchange, "server.host", settings->host);
    if (code == EXIT_SUCCESS)
        code = set_key(exchange, "server.port", settings->port);
    if (code == EXIT_SUCCESS)
        code = set_key(exchange, "exchange.seed", settings->seed);
    return code;
}

/* ---- the admin API ---- */

static int read_admin_keys(struct exchange *exchange)
{
    /* Whoever has a key may look; to change something it has to be an admin's. */
    static const struct msim_access_rule rules[] = {{NULL, "/admin/*", MSIM_ROLE_ADMIN}};
    struct msim_access_params params = MSIM_ACCESS_PARAMS_INIT;
    const char *path = exchange->settings.network.admin_keys_path;
    struct msim_detail detail = {{0}};
    size_t length;

    if (!path)
        return EXIT_SUCCESS;
    char *text = read_file(exchange, "--admin-keys", path, &length);
    if (!text)
        return EXIT_USAGE;
    params.logger = &exchange->service.logger;
    params.keys = text;
    params.keys_length = length;
    params.rules = rules;
    params.rule_count = sizeof rules / sizeof rules[0];
    int r = msim_access_create(&exchange->settings.network.admin_access, &params, &detail);
    free(text);
    if (r >= 0)
        return EXIT_SUCCESS;
    terminal_fail(&exchange->service.terminal, "--admin-keys: %s: %s", path,
                  detail.text[0] ? detail.text : msim_result_text(r));
    return r == MSIM_ERR_NOMEM ? EXIT_FAILED : EXIT_USAGE;
}

static int set_admin(struct exchange *exchange, struct msim_exchange_server_params *params)
{
    const struct settings *settings = &exchange->settings;
    char *end = NULL;

    if (!settings->admin_port) {
        if (!settings->admin_host && !settings->network.admin_keys_path)
            return EXIT_SUCCESS;
        terminal_fail(&exchange->service.terminal,
                      "--admin-host and --admin-keys go with --admin-port");
        return EXIT_USAGE;
    }
    unsigned long port = strtoul(settings->admin_port, &end, 10);
    if (end == settings->admin_port || *end != '\0' || port > UINT16_MAX ||
        settings->admin_port[0] == '-') {
        terminal_fail(&exchange->service.terminal,
                      "--admin-port: '%s' is not a port: 0 to 65535 is wanted",
                      settings->admin_port);
        return EXIT_USAGE;
    }
    params->admin = true;
    params->admin_host = settings->admin_host;
    params->admin_port = (uint16_t)port;
    int code = read_admin_keys(exchange);
    params->admin_access = exchange->settings.network.admin_access;
    return code;
}

/* ---- the scenario ---- */

static int read_scenario(struct exchange *exchange, struct msim_exchange_server_params *params)
{
    const char *path = exchange->settings.scenario;

    if (!path && exchange->settings.scenario_time == 0)
        return EXIT_SUCCESS;
    if (!path) {
        terminal_fail(&exchange->service.terminal, "--scenario-time goes with --scenario");
        return EXIT_USAGE;
    }
    exchange->scenario = read_file(exchange, "--scenario", path, &exchange->scenario_length);
    params->scenario = exchange->scenario;
    params->scenario_name = path;
    params->scenario_length = exchange->scenario_length;
    params->scenario_lasts = exchange->settings.scenario_time;
    return exchange->scenario ? EXIT_SUCCESS : EXIT_USAGE;
}

/* The report on stdout; 0 or 1. */
static int judge(struct exchange *exchange)
{
    size_t length = 0;

    msim_exchange_server_verdict(exchange->server, NULL, 0, &length);
    char *text = malloc(length + 1);
    int r = text ? msim_exchange_server_verdict(exchange->server, text, length + 1, &length)
                 : MSIM_ERR_NOMEM;
    if (r >= 0)
        printf("%s\n", text);
    else
        terminal_fail(&exchange->service.terminal, "--scenario: %s", msim_result_text(r));
    free(text);
    return r > 0 ? EXIT_SUCCESS : EXIT_FAILED;
}

static void stop(void *context)
{
    struct exchange *exchange = context;

    msim_exchange_server_stop(exchange->server);
}

/* Whether the words are about a key, or one inside it; `key` may end with =VALUE. */
static bool is_about(const char *words, const char *key)
{
    size_t length = strcspn(key, "=");

    return strncmp(words, key, length) == 0 && words[length] != '\0' &&
           strchr(" :.", words[length]);
}

/* Whether the file has the value that was refused: it is of no option. */
static bool is_of_file(const struct settings *settings, const char *words)
{
    if (!settings->config ||
        !(is_about(words, "server") || is_about(words, "exchange") || is_about(words, "failures")))
        return false;
    for (size_t i = 0; i < settings->assignments.count; i++)
        if (is_about(words, settings->assignments.items[i]))
            return false;
    return !(settings->host && is_about(words, "server.host")) &&
           !(settings->port && is_about(words, "server.port")) &&
           !(settings->seed && is_about(words, "exchange.seed"));
}

static int refuse_start(struct exchange *exchange, int r, const struct msim_detail *detail)
{
    const struct settings *settings = &exchange->settings;
    bool of_file = r == MSIM_ERR_INVALID && is_of_file(settings, detail->text);

    terminal_fail(&exchange->service.terminal, "%s%s%s", of_file ? settings->config : "",
                  of_file ? ": " : "", detail->text);
    return r == MSIM_ERR_FORMAT ? EXIT_USAGE : exit_code_of(r);
}

static int start(struct exchange *exchange)
{
    const struct settings *settings = &exchange->settings;
    struct msim_exchange_server_params params = MSIM_EXCHANGE_SERVER_PARAMS_INIT;
    const struct msim_allocator allocator = pages_allocator();
    struct msim_detail detail = {{0}};

    params.allocator = &allocator;
    params.config = exchange->config;
    params.speed = settings->speed;
    params.access = settings->network.access;
    params.tls = settings->network.tls;
    params.deflate.is_on = settings->network.deflate;
    params.max_clients = (size_t)settings->network.max_clients;
    params.max_backlog_bytes = (size_t)settings->network.max_backlog;
    params.logger = &exchange->service.logger;
    int code = set_admin(exchange, &params);
    if (code == EXIT_SUCCESS)
        code = read_scenario(exchange, &params);
    if (code != EXIT_SUCCESS)
        return code;
    if (!session_record(&exchange->session, settings->session, &params)) {
        terminal_fail(&exchange->service.terminal, "--record-session: %s: %s", settings->session,
                      strerror(errno));
        return EXIT_USAGE;
    }
    int r = msim_exchange_server_create(&exchange->server, &params, &detail);
    if (r < 0)
        return refuse_start(exchange, r, &detail);
    struct msim_net *net = msim_exchange_server_net(exchange->server);
    code = network_watch(&exchange->settings.network, net);
    return code >= 0 ? code : service_watch(&exchange->service, net, stop, exchange);
}

static struct msim_exchange_stats stats_of(const struct exchange *exchange)
{
    struct msim_exchange_stats stats;

    msim_exchange_server_stats(exchange->server, &stats);
    return stats;
}

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

static int run(struct exchange *exchange)
{
    struct service *service = &exchange->service;
    struct msim_exchange_stats stats = stats_of(exchange);

    if (exchange->settings.admin_port)
        fprintf(stderr, "Admin API on http://%s:%u/admin/v1\n",
                exchange->settings.admin_host ? exchange->settings.admin_host : "localhost",
                msim_exchange_server_admin_port(exchange->server));
    network_announce(&exchange->settings.network, msim_exchange_server_port(exchange->server));
    while (!service_is_over(service, stats.clients)) {
        if (msim_exchange_server_dispatch(exchange->server, service_timeout(service)) < 0)
            return terminal_fail(&service->terminal, "%s",
                                 msim_exchange_server_detail(exchange->server));
        if (msim_exchange_server_scenario_is_over(exchange->server))
            return EXIT_SUCCESS;
        stats = stats_of(exchange);
        if (service_shows_progress(service))
            terminal_progress(&service->terminal,
                              "%" PRIu64 " client%s, %" PRIu64 " request%s, %" PRIu64
                              " message%s sent, %" PRIu64 " command%s",
                              stats.clients, plural(stats.clients), stats.received,
                              plural(stats.received), stats.sent, plural(stats.sent),
                              stats.commands, plural(stats.commands));
    }
    return EXIT_SUCCESS;
}

static void summarise(struct exchange *exchange)
{
    struct msim_exchange_stats stats = stats_of(exchange);

    terminal_settle(&exchange->service.terminal);
    fprintf(stderr,
            "%" PRIu64 " client%s, %" PRIu64 " request%s (%" PRIu64 " refused), %" PRIu64
            " message%s sent, %" PRIu64 " command%s\n",
            stats.clients_total, plural(stats.clients_total), stats.received,
            plural(stats.received), stats.errors, stats.sent, plural(stats.sent), stats.commands,
            plural(stats.commands));
}

static msim_time wall_clock(void *context)
{
    const struct exchange *exchange = context;

    return msim_exchange_server_wall_clock(exchange->server);
}

int main(int argument_count, char **arguments)
{
    struct exchange exchange = {0};

    if (argument_count > 1 && strcmp(arguments[1], "replay") == 0)
        return session_replay(argument_count - 1, arguments + 1);
    service_init(&exchange.service, "exchange-server");
    int code = read_settings(&exchange.settings, argument_count, arguments);
    if (code >= 0)
        return code;
    service_log_level(&exchange.service, exchange.settings.level);
    exchange.settings.network.rules =
        msim_exchange_server_rules(&exchange.settings.network.rule_count);
    exchange.settings.network.host = exchange.settings.host;
    exchange.settings.network.wall_clock = wall_clock;
    exchange.settings.network.clock_context = &exchange;
    code = read_config(&exchange);
    int guarded =
        code == EXIT_SUCCESS ? network_open(&exchange.settings.network, &exchange.service) : -1;
    if (guarded >= 0)
        code = guarded;
    if (code == EXIT_SUCCESS)
        code = start(&exchange);
    if (code == EXIT_SUCCESS) {
        code = run(&exchange);
        if (code == EXIT_SUCCESS && exchange.scenario)
            code = terminal_printed(&exchange.service.terminal, judge(&exchange));
        summarise(&exchange);
    }
    msim_exchange_server_destroy(&exchange.server);
    if (!session_close(&exchange.session))
        code = terminal_fail(&exchange.service.terminal,
                             "--record-session: %s: not all was written: %s", exchange.session.path,
                             strerror(errno));
    network_finish(&exchange.settings.network);
    free(exchange.scenario);
    msim_exchange_config_destroy(&exchange.config);
    option_list_finish(&exchange.settings.assignments);
    return code;
}
