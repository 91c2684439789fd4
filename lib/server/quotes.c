/*
 * The quotes server: one market, and everybody who is there hears it.
 *
 * In each turn all records that are due are taken from the source and published once; each client
 * gets what is new in one piece.  Who reads too slowly is closed: a live feed does not wait.  At
 * full speed nothing is live, and everybody is waited for.
 */
#define _POSIX_C_SOURCE 200809L /* clock_gettime */

#include "server/quotes.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/detail.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/fault_metrics.h"

#define DEFAULT_MAX_CLIENTS 1024
#define DEFAULT_MAX_BACKLOG ((size_t)1 << 20)
#define LEAST_BACKLOG ((size_t)128 << 10)

/* No turn takes more records than this, so that clients are heard in a flood as well. */
#define TURN_RECORDS 65536

/*
 * Where events come faster than this, those of one stretch leave together: the writes cost the
 * most, and nobody sees a quote that is replaced within it.
 */
#define GATHER_NS (200 * MSIM_NS_PER_US)

/* A source that has nothing now is asked again after this. */
#define POLL_NS MSIM_NS_PER_MS

/* At full speed nothing is due: the clients' reading paces the market. */
static bool is_unpaced(const struct msim_quotes_server *server)
{
    return server->params.speed.num > 0 && server->params.speed.den == 0;
}

static msim_time read_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (msim_time)now.tv_sec * MSIM_NS_PER_S + now.tv_nsec;
}

/* ---- symbols ---- */

static int learn(struct msim_quotes_server *server, struct msim_quotes_symbol *symbol, uint32_t id)
{
    size_t length = 0;
    const char *name = msim_source_symbol(&server->source, id, &length);

    if (!name)
        return msim_detail_set(&server->detail, MSIM_ERR_INVALID,
                               "the source gave symbol %u without a name", id);
    int r = msim_symbols_intern(&server->names, name, length, &symbol->name);
    if (r >= 0)
        r = msim_listing_init(&symbol->listing, server->params.seed, name, length);
    if (r >= 0)
        symbol->is_known = true;
    return r;
}

int msim_quotes_symbol_of(struct msim_quotes_server *server, uint32_t id,
                          struct msim_quotes_symbol **out)
{
    if (id >= server->symbol_count) {
        size_t old = server->symbol_count;
        void *symbols = server->symbols;
        int r = msim_mem_grow(&server->allocator, &symbols, &server->symbol_count,
                              sizeof *server->symbols, (size_t)id + 1, MSIM_SYMBOLS_LIMIT);
        if (r < 0)
            return r;
        server->symbols = symbols;
        memset(server->symbols + old, 0, (server->symbol_count - old) * sizeof *server->symbols);
    }
    *out = &server->symbols[id];
    return (*out)->is_known ? MSIM_OK : learn(server, *out, id);
}

/* ---- clients ---- */

void msim_quotes_given(struct msim_quotes_server *server, struct msim_quotes_client *client,
                       int result)
{
    if (result == MSIM_OK) {
        server->stats.messages++;
        return;
    }
    if (result == MSIM_ERR_CLOSED)
        return;
    server->stats.dropped++;
    msim_log(&server->logger, MSIM_LOG_WARNING, "quotes", "%s reads too slowly: closed",
             msim_connection_peer(client->connection));
    msim_connection_close(client->connection, MSIM_CLOSE_TRY_LATER, "reading too slowly");
}

void msim_quotes_give(struct msim_quotes_server *server, struct msim_quotes_client *client,
                      const void *frames, size_t length)
{
    msim_quotes_given(server, client,
                      msim_connection_send_frames(client->connection, frames, length));
}

msim_time msim_quotes_now(const struct msim_quotes_server *server)
{
    return server->is_open ? msim_pacer_now(&server->pacer, read_clock()) : server->params.start;
}

static struct msim_quotes_client *client_create(struct msim_quotes_server *server)
{
    struct msim_quotes_client *client = msim_mem_zero(&server->allocator, sizeof *client);

    if (!client)
        return NULL;
    client->key = SIZE_MAX;
    client->auth_deadline = MSIM_TIME_NEVER;
    return client;
}

static int refuse_or_accept(void *context, struct msim_connection *connection,
                            const struct msim_request *request)
{
    struct msim_quotes_server *server = context;

    if (server->is_stopping || server->client_count >= server->params.max_clients) {
        msim_log(&server->logger, MSIM_LOG_WARNING, "quotes",
                 "%s refused: %zu clients are connected", msim_connection_peer(connection),
                 server->client_count);
        return msim_detail_set(
            request->words, 503,
            "%zu clients are connected, as many as may be (max_clients, --max-clients)",
            server->client_count);
    }
    struct msim_quotes_client *client = client_create(server);
    if (!client)
        return 503;
    client->connection = connection;
    int r = server->params.faults ? msim_quotes_faults_admit(server, client, request) : MSIM_ADMIT;
    if (r == MSIM_ADMIT)
        msim_connection_set_user(connection, client);
    else
        msim_quotes_client_free(client, &server->allocator);
    return r;
}

static int arrived(void *context, struct msim_connection *connection)
{
    struct msim_quotes_server *server = context;

    (void)connection;
    return server->params.faults ? msim_quotes_faults_arrived(server) : MSIM_ADMIT;
}

static void opened(void *context, struct msim_connection *connection)
{
    struct msim_quotes_server *server = context;
    struct msim_quotes_client *client = msim_connection_user(connection);

    client->place = server->client_count;
    client->number = server->arrivals++;
    server->clients[server->client_count++] = client;
    server->stats.clients_total++;
    msim_log(&server->logger, MSIM_LOG_INFO, "quotes", "%s connected, %zu now",
             msim_connection_peer(connection), server->client_count);
    if (server->params.protocol == MSIM_QUOTES_POLYGON)
        msim_quotes_polygon_greet(server, client);
    else if (!server->params.faults && msim_topic_subscribe(server->topic, connection) < 0)
        msim_connection_close(connection, MSIM_CLOSE_TRY_LATER, "no room for another client");
}

static void take_message(void *context, struct msim_connection *connection,
                         enum msim_message_kind kind, const unsigned char *bytes, size_t length)
{
    struct msim_quotes_server *server = context;
    struct msim_quotes_client *client = msim_connection_user(connection);

    /* The plain feed has nothing to answer: what a client says there is passed over. */
    if (client && kind == MSIM_MESSAGE_TEXT && server->params.protocol == MSIM_QUOTES_POLYGON)
        msim_quotes_polygon_message(server, client, (const char *)bytes, length);
}

static void closed(void *context, struct msim_connection *connection,
                   const struct msim_closing *closing)
{
    struct msim_quotes_server *server = context;
    struct msim_quotes_client *client = msim_connection_user(connection);

    if (!client)
        return;
    struct msim_quotes_client *last = server->clients[--server->client_count];
    server->clients[client->place] = last;
    last->place = client->place;
    if (client->auth_deadline != MSIM_TIME_NEVER)
        server->unauthorized--;
    msim_log(&server->logger, MSIM_LOG_INFO, "quotes", "%s left (%d%s%s), %zu now",
             msim_connection_peer(connection), closing->code, closing->reason[0] ? " " : "",
             closing->reason, server->client_count);
    msim_quotes_faults_close(server, client);
    msim_quotes_client_free(client, &server->allocator);
}

/* ---- the market's way out ---- */

/* Each client for itself: what befalls one does not touch another. */
static int send_faulty(struct msim_quotes_server *server, const struct msim_record *record,
                       const char *text, size_t length)
{
    const char *symbol = msim_source_symbol(&server->source, record->symbol, NULL);

    server->stats.events++;
    for (size_t i = 0; i < server->client_count; i++) {
        int r = msim_quotes_faults_send(server, server->clients[i], MSIM_FAULT_MD_TICKER, symbol,
                                        text, length);
        if (r < 0)
            return r;
    }
    return MSIM_OK;
}

/* An outcome beside MSIM_OK: the slowest client has no room yet, and the record was not sent. */
#define MUST_WAIT 1

/* One event of the plain feed, for everybody. */
static int plain_record(struct msim_quotes_server *server, struct msim_quotes_symbol *symbol,
                        const struct msim_record *record)
{
    char text[MSIM_QUOTES_EVENT_MAX];
    size_t length;

    if (record->kind == MSIM_RECORD_QUOTE) {
        symbol->quote = *record;
        symbol->has_quote = true;
        return MSIM_OK;
    }
    if (record->kind != MSIM_RECORD_TRADE || !symbol->has_quote)
        return MSIM_OK;
    int r =
        msim_quotes_encode(&symbol->listing, &symbol->quote, record, text, sizeof text, &length);
    if (r < 0)
        return r;
    if (server->params.faults)
        return send_faulty(server, record, text, length);
    struct msim_topic_stats topic;
    msim_topic_stats(server->topic, &topic);
    r = msim_topic_publish(server->topic, MSIM_MESSAGE_TEXT, text, length);
    if (r < 0)
        return r == MSIM_ERR_LIMIT && is_unpaced(server) ? MUST_WAIT : r;
    server->stats.messages += topic.subscribers;
    server->stats.events++;
    return MSIM_OK;
}

/* MSIM_OK, MUST_WAIT, or a failure. */
static int send_record(struct msim_quotes_server *server, const struct msim_record *record)
{
    struct msim_quotes_symbol *symbol;

    int r = msim_quotes_symbol_of(server, record->symbol, &symbol);
    if (r < 0)
        return r;
    server->sent = record->time;
    server->is_sending = true;
    if (server->params.faults)
        r = msim_quotes_faults_release(server);
    if (r >= 0)
        r = server->params.protocol == MSIM_QUOTES_POLYGON
                ? msim_quotes_polygon_record(server, symbol, record)
                : plain_record(server, symbol, record);
    server->is_sending = false;
    if (r == MSIM_OK && server->params.record)
        r = server->params.record(server->params.context, record);
    return r;
}

/* An outcome of msim_source_pull. */
static int refill(struct msim_quotes_server *server)
{
    server->at = server->count = 0;
    return msim_source_pull(&server->source, server->batch, MSIM_QUOTES_BATCH, &server->count,
                            &server->detail);
}

/* Sends what is due; the wall's moment of what comes next, or a failure. */
static int send_due(struct msim_quotes_server *server, msim_time *next)
{
    msim_time now = read_clock();
    msim_time due = MSIM_TIME_NEVER;

    if (now < server->gathering_until) {
        *next = server->gathering_until;
        return MSIM_OK;
    }
    for (size_t taken = 0; taken < TURN_RECORDS; taken++) {
        if (server->at == server->count) {
            int r = refill(server);
            if (r < 0)
                return r;
            if (r == MSIM_PULL_END) {
                server->stats.ended = true;
                break;
            }
            if (r == MSIM_PULL_EMPTY) {
                due = now + POLL_NS;
                break;
            }
        }
        const struct msim_record *record = &server->batch[server->at];
        due = msim_pacer_due(&server->pacer, record->time);
        if (due > now)
            break;
        int r = send_record(server, record);
        if (r == MUST_WAIT) {
            due = MSIM_TIME_NEVER; /* the topic wakes the loop where there is room again */
            break;
        }
        if (r < 0)
            return r;
        server->at++;
        if (!is_unpaced(server)) {
            msim_histogram_add(&server->lateness, now - due);
            server->gathering_until = now + GATHER_NS;
        }
        due = now;
    }
    server->first = server->client_count > 0 ? (server->first + 1) % server->client_count : 0;
    if (server->stats.ended)
        *next = MSIM_TIME_NEVER;
    else
        *next = due > server->gathering_until ? due : server->gathering_until;
    return MSIM_OK;
}

static msim_time turn(void *context, msim_time now)
{
    struct msim_quotes_server *server = context;
    msim_time next = MSIM_TIME_NEVER;
    msim_time expiry = MSIM_TIME_NEVER;

    if (server->failure < 0 || server->is_stopping)
        return MSIM_TIME_NEVER;
    if (!server->is_open && server->client_count >= server->params.wait_clients) {
        server->is_open = true;
        msim_pacer_start(&server->pacer, now, server->params.start);
    }
    msim_time release = MSIM_TIME_NEVER;
    bool had_ended = server->stats.ended;
    if (server->is_open && !had_ended)
        server->failure = send_due(server, &next);
    server->is_ending = server->stats.ended && !had_ended;
    if (server->params.faults && server->failure == MSIM_OK)
        server->failure = msim_quotes_faults_run(server, &release);
    if (server->unauthorized > 0)
        expiry = msim_quotes_polygon_expire(server, now);
    if (release < next)
        next = release;
    return expiry < next ? expiry : next;
}

/* ---- life ---- */

static int copy_keys(struct msim_quotes_server *server,
                     const struct msim_quotes_server_params *params)
{
    if (params->api_key_count == 0)
        return MSIM_OK;
    server->keys =
        msim_mem_zero_array(&server->allocator, params->api_key_count, sizeof *server->keys);
    if (!server->keys)
        return MSIM_ERR_NOMEM;
    server->key_count = params->api_key_count;
    for (size_t i = 0; i < server->key_count; i++) {
        server->keys[i] =
            msim_mem_text(&server->allocator, params->api_keys[i], strlen(params->api_keys[i]));
        if (!server->keys[i])
            return MSIM_ERR_NOMEM;
    }
    return MSIM_OK;
}

/* ---- what it says about itself ---- */

static const char *missing(void *context)
{
    const struct msim_quotes_server *server = context;

    if (server->is_stopping)
        return "the server is stopping";
    return server->failure < 0 ? "the market has failed" : NULL;
}

static void write_metrics(void *context, struct msim_metrics *metrics)
{
    const struct msim_quotes_server *server = context;
    const struct msim_quotes_stats *stats = &server->stats;

    msim_metrics_gauge(metrics, "marketsim_quotes_clients", "Clients that are connected.",
                       server->client_count);
    msim_metrics_counter(metrics, "marketsim_quotes_clients_total", "Clients that connected.",
                         stats->clients_total);
    msim_metrics_counter(metrics, "marketsim_quotes_slow_clients_total",
                         "Clients closed because they read too slowly.", stats->dropped);
    msim_metrics_counter(metrics, "marketsim_quotes_events_total", "Events of the market.",
                         stats->events);
    msim_metrics_counter(metrics, "marketsim_quotes_messages_total",
                         "Messages handed to connections.", stats->messages);
    msim_metrics_histogram(metrics, "marketsim_quotes_lateness_seconds",
                           "How late events were sent.", &server->lateness);
    msim_fault_metrics(server->params.faults, &server->allocator, metrics);
}

static int listen_on(struct msim_quotes_server *server, struct msim_detail *detail)
{
    struct msim_net_params net_params = MSIM_NET_PARAMS_INIT;
    net_params.allocator = &server->allocator;
    net_params.logger = &server->logger;
    net_params.max_connections = server->params.max_clients + 256;
    net_params.turn = turn;
    net_params.context = server;
    int r = msim_net_create(&server->net, &net_params, detail);
    if (r < 0)
        return r;

    /* A client's own bound is reached before the run's. */
    struct msim_topic_params topic = MSIM_TOPIC_PARAMS_INIT;
    topic.policy = is_unpaced(server) ? MSIM_SLOW_WAIT : MSIM_SLOW_DISCONNECT;
    topic.max_run_bytes = server->params.max_backlog_bytes * 2;
    r = msim_topic_create(server->net, &server->topic, &topic);
    if (r < 0)
        return msim_detail_set(detail, r, "%s", msim_result_text(r));

    struct msim_listen_params params = MSIM_LISTEN_PARAMS_INIT;
    params.host = server->params.host;
    params.port = server->params.port;
    params.access = server->params.access;
    params.tls = server->params.tls;
    params.deflate = server->params.deflate;
    params.limits.max_backlog_bytes = server->params.max_backlog_bytes;
    params.handler.arrived = arrived;
    params.handler.request = refuse_or_accept;
    params.handler.opened = opened;
    params.handler.message = take_message;
    params.handler.closed = closed;
    params.context = server;
    server->health = (struct msim_health){
        .allocator = server->allocator,
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

static int check(const struct msim_quotes_server_params *params, struct msim_detail *detail)
{
    if (!params || params->size != sizeof *params || !params->source.ops ||
        params->protocol > MSIM_QUOTES_POLYGON || params->cluster > MSIM_POLYGON_CRYPTO ||
        (params->api_key_count > 0 && !params->api_keys))
        return msim_detail_set(
            detail, MSIM_ERR_INVALID,
            "params must come from MSIM_QUOTES_SERVER_PARAMS_INIT and have a source");
    if (params->max_backlog_bytes > 0 && params->max_backlog_bytes < LEAST_BACKLOG)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "a backlog of %zu bytes is too small: give at least %zu",
                               params->max_backlog_bytes, LEAST_BACKLOG);
    if (params->speed.num > 0 && params->speed.den == 0 &&
        (params->protocol != MSIM_QUOTES_PLAIN || params->faults))
        return msim_detail_set(detail, MSIM_ERR_UNSUPPORTED,
                               "full speed is for the plain feed without faults: what is said to "
                               "one client alone cannot wait for it");
    for (size_t i = 0; i < params->api_key_count; i++)
        if (!params->api_keys[i])
            return msim_detail_set(detail, MSIM_ERR_INVALID, "API key %zu is NULL", i);
    return MSIM_OK;
}

static int set_up(struct msim_quotes_server *server, const struct msim_quotes_server_params *params,
                  struct msim_detail *detail)
{
    struct msim_pacer_params pacing = MSIM_PACER_PARAMS_INIT;
    pacing.speed = params->speed;
    int r = msim_pacer_init(&server->pacer, &pacing);
    if (r < 0)
        return msim_detail_set(detail, r, "the speed must be above zero");

    r = copy_keys(server, params);
    server->clients = msim_mem_zero_array(&server->allocator, server->params.max_clients,
                                          sizeof *server->clients);
    if (r < 0 || !server->clients)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "%s", msim_result_text(MSIM_ERR_NOMEM));
    return listen_on(server, detail);
}

int msim_quotes_server_create(struct msim_quotes_server **out,
                              struct msim_quotes_server_params *params, struct msim_detail *detail)
{
    if (!out)
        return MSIM_ERR_INVALID;
    int r = check(params, detail);
    if (r < 0)
        return r;

    struct msim_allocator allocator = msim_mem_allocator(params->allocator);
    struct msim_quotes_server *server = msim_mem_zero(&allocator, sizeof *server);
    if (!server)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "%s", msim_result_text(MSIM_ERR_NOMEM));
    server->allocator = allocator;
    server->logger = msim_log_logger(params->logger);
    server->params = *params;
    server->sent = params->start;
    if (server->params.max_clients == 0)
        server->params.max_clients = DEFAULT_MAX_CLIENTS;
    if (server->params.max_backlog_bytes == 0)
        server->params.max_backlog_bytes = DEFAULT_MAX_BACKLOG;
    if (server->params.connections_per_key == 0)
        server->params.connections_per_key = 1;
    /* What clients wish for takes no room from the source's own. */
    msim_symbols_init(&server->names, MSIM_QUOTES_NAMES + MSIM_SYMBOLS_LIMIT, &allocator);

    r = set_up(server, params, detail);
    if (r < 0) {
        msim_quotes_server_destroy(&server);
        return r;
    }
    server->source = params->source;
    params->source = (struct msim_source){0};
    /* The caller's own: borrowed for the create alone. */
    server->params.host = NULL;
    server->params.access = NULL;
    server->params.tls = NULL;
    server->params.allocator = NULL;
    server->params.logger = NULL;
    server->params.api_keys = NULL;
    *out = server;
    return MSIM_OK;
}

void msim_quotes_server_destroy(struct msim_quotes_server **server)
{
    struct msim_quotes_server *old = server ? *server : NULL;
    if (!old)
        return;
    struct msim_allocator allocator = old->allocator;

    msim_listener_close(&old->listener);
    msim_net_destroy(&old->net);
    msim_source_release(&old->source);
    msim_symbols_finish(&old->names);
    for (size_t i = 0; i < old->key_count; i++)
        if (old->keys[i])
            msim_mem_free(&allocator, old->keys[i], strlen(old->keys[i]) + 1);
    msim_mem_free(&allocator, old->keys, old->key_count * sizeof *old->keys);
    msim_mem_free(&allocator, old->clients, old->params.max_clients * sizeof *old->clients);
    msim_mem_free(&allocator, old->symbols, old->symbol_count * sizeof *old->symbols);
    msim_mem_free(&allocator, old->scratch, old->scratch_size);
    msim_mem_free(&allocator, old, sizeof *old);
    *server = NULL;
}

int msim_quotes_server_fd(const struct msim_quotes_server *server)
{
    return server ? msim_net_fd(server->net) : MSIM_ERR_INVALID;
}

int msim_quotes_server_dispatch(struct msim_quotes_server *server, int timeout_ms)
{
    if (!server)
        return MSIM_ERR_INVALID;
    int r = msim_net_dispatch(server->net, timeout_ms);
    if (server->failure == MSIM_OK)
        return r;
    int failure = server->failure;
    if (server->detail.text[0] == '\0')
        msim_detail_set(&server->detail, failure, "%s", msim_result_text(failure));
    server->failure = MSIM_OK;
    server->stats.ended = true;
    return failure;
}

const char *msim_quotes_server_detail(const struct msim_quotes_server *server)
{
    return server ? server->detail.text : "";
}

uint16_t msim_quotes_server_port(const struct msim_quotes_server *server)
{
    return server ? server->port : 0;
}

struct msim_net *msim_quotes_server_net(struct msim_quotes_server *server)
{
    return server ? server->net : NULL;
}

void msim_quotes_server_stop(struct msim_quotes_server *server)
{
    if (!server)
        return;
    server->is_stopping = true;
    msim_listener_close(&server->listener);
    for (size_t i = server->client_count; i-- > 0;)
        msim_connection_close(server->clients[i]->connection, MSIM_CLOSE_GOING_AWAY,
                              "the server is stopping");
}

void msim_quotes_server_stats(const struct msim_quotes_server *server,
                              struct msim_quotes_stats *out)
{
    if (!server || !out)
        return;
    struct msim_topic_stats topic;
    msim_topic_stats(server->topic, &topic);
    *out = server->stats;
    out->clients = server->client_count;
    out->dropped += topic.disconnected;
    out->lateness_p50 = msim_histogram_at(&server->lateness, 500000);
    out->lateness_p99 = msim_histogram_at(&server->lateness, 990000);
    out->lateness_max = server->lateness.max;
}
