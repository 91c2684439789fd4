/*
 * The replay server: each client has a replay of its own, from the start, or all share one.
 *
 * Here clients come and go; what they are given, a session (replay_session.c) or the broadcast
 * (replay_broadcast.c) says.  Where there is a failure layer, it stands between that and the
 * connections.
 */
#define _POSIX_C_SOURCE 200809L /* clock_gettime */

#include "server/replay.h"

#include <marketsim/codec.h>
#include <marketsim/hub.h>
#include <string.h>
#include <time.h>

#include "base/detail.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/link_faults.h"
#include "server/replay_broadcast.h"
#include "server/replay_output.h"
#include "server/replay_player.h"
#include "server/replay_session.h"

#define DEFAULT_MAX_CLIENTS 64
#define DEFAULT_MAX_CLIENTS_BROADCAST 1024
#define DEFAULT_MAX_BACKLOG ((size_t)8 << 20)

/* A backlog holds at least a few messages, or nothing would ever leave. */
#define LEAST_BACKLOG ((size_t)256 << 10)

msim_time msim_replay_clock(void *context)
{
    struct timespec now;

    (void)context;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (msim_time)now.tv_sec * MSIM_NS_PER_S + now.tv_nsec;
}

/* `{"error": "..."}`, in the feed's own spacing. */
size_t msim_replay_error_message(const char *words, char *out, size_t size)
{
    static const char head[] = "{\"error\": ";
    struct msim_json_writer writer;
    size_t length = 0;

    memcpy(out, head, sizeof head - 1);
    msim_json_write_buffer(&writer, out + sizeof head - 1, size - sizeof head);
    msim_json_write_text(&writer, words);
    if (msim_json_write_end(&writer, &length) < 0)
        return 0;
    length += sizeof head - 1;
    out[length] = '}';
    return length + 1;
}

const char *msim_replay_words(int result, const struct msim_detail *detail)
{
    return detail->text[0] ? detail->text : msim_result_text(result);
}

int msim_replay_encoder_renew(struct msim_replay_encoder **encoder,
                              struct msim_replay_player *player, uint32_t timestamps,
                              const struct msim_allocator *allocator)
{
    struct msim_replay_encoder *fresh = NULL;

    int r = msim_replay_encoder_create(&fresh, &player->source, allocator);
    if (r < 0)
        return r;
    msim_replay_encoder_set_timestamps(fresh, (enum msim_replay_timestamps)timestamps);
    msim_replay_encoder_destroy(encoder);
    *encoder = fresh;
    return MSIM_OK;
}

/* ---- the failure layer ---- */

msim_time msim_replay_faults_now(const struct msim_replay_server *server)
{
    return msim_replay_clock(NULL) - server->began;
}

bool msim_replay_faults_are_done(const struct msim_replay_client *client)
{
    struct msim_fault_balance balance =
        msim_fault_link_balance(msim_fault_session_link(client->faults, MSIM_FAULT_OUT));

    return balance.pending == 0;
}

/* What it lets go may come faster than its client reads, since it had been kept. */
static void note_sent(struct msim_replay_server *server, struct msim_replay_client *client, int r)
{
    if (r >= 0 || r == MSIM_ERR_CLOSED)
        return;
    server->totals.slow++;
    msim_log(&server->logger, MSIM_LOG_WARNING, "replay", "%s reads too slowly: closed",
             msim_connection_peer(client->connection));
    msim_connection_close(client->connection, MSIM_CLOSE_TRY_LATER, "reading too slowly");
}

int msim_replay_faults_send(struct msim_replay_server *server, struct msim_replay_client *client,
                            const char *symbol, const char *text, size_t length)
{
    int r = msim_link_faults_submit(server->params.faults, msim_replay_faults_now(server),
                                    client->faults, MSIM_FAULT_MD_TRADE, symbol, text, length);

    if (r == MSIM_FAULT_PASS)
        note_sent(server, client,
                  msim_connection_send(client->connection, MSIM_MESSAGE_TEXT, text, length));
    return r < 0 && r != MSIM_ERR_CLOSED ? r : MSIM_OK;
}

/* What has become due leaves; when the next thing is due, on the wall's clock. */
static int run_faults(struct msim_replay_server *server, msim_time *next)
{
    struct msim_faults *faults = server->params.faults;
    struct msim_fault_output output;
    int r;

    while ((r = msim_faults_pull(faults, msim_replay_faults_now(server), &output)) ==
           MSIM_PULL_RECORD) {
        struct msim_replay_client *client = msim_fault_session_user(output.session);
        if (output.kind == MSIM_FAULT_OUTPUT_MESSAGE)
            note_sent(server, client,
                      msim_link_faults_deliver(client->connection, &output, output.slice.pause));
        else
            msim_link_faults_act(client->connection, &output, &server->logger, "replay");
    }
    msim_time due = msim_faults_next_due(faults);
    *next = due == MSIM_TIME_NEVER ? due : server->began + due;
    return r < 0 ? r : MSIM_OK;
}

/* ---- clients ---- */

static void client_free(struct msim_replay_server *server, struct msim_replay_client *client)
{
    msim_replay_session_destroy(&client->session);
    if (client->faults)
        msim_faults_session_close(server->params.faults, msim_replay_faults_now(server),
                                  &client->faults);
    msim_replay_query_finish(&client->query, &server->allocator);
    msim_mem_free(&server->allocator, client, sizeof *client);
}

/* What a query has wrong is said when the connection is open: a browser sees no status. */
static int read_query(struct msim_replay_server *server, struct msim_replay_client *client,
                      const char *text)
{
    int r = msim_replay_query_read(&client->query, text, &server->allocator, &client->refusal);

    if (r >= 0 && server->broadcast)
        r = msim_replay_query_check_broadcast(&client->query, &server->params, &client->refusal);
    return r == MSIM_ERR_NOMEM ? r : MSIM_OK;
}

static int refuse_or_accept(void *context, struct msim_connection *connection,
                            const struct msim_request *request)
{
    struct msim_replay_server *server = context;

    if (server->is_stopping)
        return 503;
    if (server->client_count >= server->params.max_clients) {
        msim_log(&server->logger, MSIM_LOG_WARNING, "replay",
                 "%s refused: clients connected: %zu, as many as may be",
                 msim_connection_peer(connection), server->client_count);
        return msim_detail_set(
            request->words, 503,
            "%zu clients are connected, as many as may be (max_clients, --max-clients)",
            server->client_count);
    }
    struct msim_replay_client *client = msim_mem_zero(&server->allocator, sizeof *client);
    if (!client)
        return 503;
    client->connection = connection;
    int r = read_query(server, client, request->query) < 0 ? 503 : MSIM_ADMIT;
    if (r == MSIM_ADMIT && server->params.faults)
        r = msim_link_faults_admit(server->params.faults, msim_replay_faults_now(server), request,
                                   client, &client->faults);
    if (r == MSIM_ADMIT)
        msim_connection_set_user(connection, client);
    else
        client_free(server, client);
    return r;
}

static int arrived(void *context, struct msim_connection *connection)
{
    struct msim_replay_server *server = context;

    (void)connection;
    if (!server->params.faults)
        return MSIM_ADMIT;
    return msim_link_faults_arrived(server->params.faults, msim_replay_faults_now(server));
}

static void start_session(struct msim_replay_server *server, struct msim_replay_client *client)
{
    int r = msim_replay_session_create(&client->session, server, client);

    if (r < 0)
        msim_connection_close(client->connection, MSIM_CLOSE_INTERNAL, msim_result_text(r));
    else
        msim_replay_session_start(client->session, msim_net_now(server->net));
}

static void opened(void *context, struct msim_connection *connection)
{
    struct msim_replay_server *server = context;
    struct msim_replay_client *client = msim_connection_user(connection);

    client->place = server->client_count;
    server->clients[server->client_count++] = client;
    server->totals.clients++;
    msim_log(&server->logger, MSIM_LOG_INFO, "replay", "%s connected, %zu now",
             msim_connection_peer(connection), server->client_count);
    if (client->refusal.text[0])
        msim_connection_close(connection, MSIM_CLOSE_POLICY, client->refusal.text);
    else if (server->broadcast)
        msim_replay_broadcast_join(server->broadcast, client);
    else
        start_session(server, client);
}

static void take_message(void *context, struct msim_connection *connection,
                         enum msim_message_kind kind, const unsigned char *bytes, size_t length)
{
    struct msim_replay_server *server = context;
    struct msim_replay_client *client = msim_connection_user(connection);

    if (server->broadcast)
        msim_replay_broadcast_message(server->broadcast, client, kind, (const char *)bytes, length);
    else if (client->session)
        msim_replay_session_message(client->session, kind, (const char *)bytes, length,
                                    msim_replay_clock(NULL));
}

static void drained(void *context, struct msim_connection *connection)
{
    struct msim_replay_client *client = msim_connection_user(connection);

    (void)context;
    if (client->session)
        msim_replay_session_drained(client->session, msim_replay_clock(NULL));
}

static void closed(void *context, struct msim_connection *connection,
                   const struct msim_closing *closing)
{
    struct msim_replay_server *server = context;
    struct msim_replay_client *client = msim_connection_user(connection);

    struct msim_replay_client *last = server->clients[--server->client_count];
    server->clients[client->place] = last;
    last->place = client->place;
    msim_log(&server->logger, MSIM_LOG_INFO, "replay", "%s left (%d%s%s), %zu now",
             msim_connection_peer(connection), closing->code, closing->reason[0] ? " " : "",
             closing->reason, server->client_count);
    client_free(server, client);
}

/* Everything that is due; tells when the next thing is. */
static msim_time turn(void *context, msim_time now)
{
    struct msim_replay_server *server = context;
    msim_time next = MSIM_TIME_NEVER;

    (void)now;
    if (server->failure < 0)
        return MSIM_TIME_NEVER;
    if (server->params.faults)
        server->failure = run_faults(server, &next);
    if (server->broadcast && !server->is_stopping) {
        msim_time due = msim_replay_broadcast_run(server->broadcast, msim_replay_clock(NULL));
        next = due < next ? due : next;
    }
    for (size_t i = 0; i < server->client_count; i++) {
        if (!server->clients[i]->session)
            continue;
        msim_time due =
            msim_replay_session_run(server->clients[i]->session, msim_replay_clock(NULL));
        next = due < next ? due : next;
    }
    if (server->params.faults && server->failure == MSIM_OK) {
        msim_time due = MSIM_TIME_NEVER;
        server->failure = run_faults(server, &due);
        next = due < next ? due : next;
    }
    return next;
}

static const char *missing(void *context)
{
    const struct msim_replay_server *server = context;

    if (server->is_stopping)
        return "the server is stopping";
    const char *failure = server->broadcast ? msim_replay_broadcast_failure(server->broadcast) : "";
    return failure[0] ? failure : NULL;
}

/* ---- life ---- */

static int make_net(struct msim_replay_server *server, struct msim_detail *detail)
{
    struct msim_net_params params = MSIM_NET_PARAMS_INIT;

    params.allocator = &server->allocator;
    params.logger = &server->logger;
    /* Beside the replays there may be those that are being refused or are still shaking hands. */
    params.max_connections = server->params.max_clients + 256;
    params.turn = turn;
    params.context = server;
    return msim_net_create(&server->net, &params, detail);
}

static int listen_on(struct msim_replay_server *server, struct msim_detail *detail)
{
    struct msim_listen_params params = MSIM_LISTEN_PARAMS_INIT;
    struct msim_route routes[MSIM_REPLAY_ROUTES];

    params.host = server->params.host;
    params.port = server->params.port;
    params.access = server->params.access;
    params.tls = server->params.tls;
    params.deflate = server->params.deflate;
    params.limits.max_backlog_bytes = server->params.max_backlog_bytes;
    /* Told when everything has left: what the system holds bridges the moment until more comes. */
    params.limits.low_water_bytes = 1;
    params.handler.arrived = arrived;
    params.handler.request = refuse_or_accept;
    params.handler.opened = opened;
    params.handler.message = take_message;
    params.handler.drained = drained;
    params.handler.closed = closed;
    params.context = server;
    server->health = (struct msim_health){
        .allocator = server->allocator,
        .net = server->net,
        .missing = missing,
        .metrics = msim_replay_metrics,
        .context = server,
    };
    msim_health_routes(&server->health, routes);
    routes[MSIM_HEALTH_ROUTES] = msim_replay_stats_route(server);
    params.routes = routes;
    params.route_count = MSIM_REPLAY_ROUTES;
    int r = msim_net_listen(server->net, &server->listener, &params, detail);
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
    if (params->mode > MSIM_REPLAY_BROADCAST || params->format > MSIM_REPLAY_FORMAT_BUNDLE ||
        params->timestamps > MSIM_REPLAY_MS || params->slow_client > MSIM_SLOW_WAIT)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "mode, format, timestamps or slow_client is none that there is");
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

static void set_defaults(struct msim_replay_server_params *params)
{
    bool is_broadcast = params->mode == MSIM_REPLAY_BROADCAST;

    if (params->speed.num == 0)
        params->speed = (struct msim_speed){1, 1};
    if (params->max_clients == 0)
        params->max_clients = is_broadcast ? DEFAULT_MAX_CLIENTS_BROADCAST : DEFAULT_MAX_CLIENTS;
    if (params->max_backlog_bytes == 0)
        params->max_backlog_bytes = DEFAULT_MAX_BACKLOG;
    /* At full speed it would be over before anybody could come. */
    if (params->wait_clients == 0 && params->speed.den == 0)
        params->wait_clients = 1;
}

static int set_up(struct msim_replay_server *server, struct msim_detail *detail)
{
    server->clients = msim_mem_zero_array(&server->allocator, server->params.max_clients,
                                          sizeof(struct msim_replay_client *));
    server->buffer = msim_mem_take(&server->allocator, MSIM_REPLAY_BUFFER_BYTES);
    if (!server->clients || !server->buffer)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "%s", msim_result_text(MSIM_ERR_NOMEM));
    int r = make_net(server, detail);
    if (r >= 0 && server->params.mode == MSIM_REPLAY_BROADCAST)
        r = msim_replay_broadcast_create(&server->broadcast, server, detail);
    return r < 0 ? r : listen_on(server, detail);
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
    set_defaults(&server->params);
    server->allocator = allocator;
    server->logger = msim_log_logger(params->logger);
    server->totals.position = MSIM_TIME_NEVER;
    server->began = msim_replay_clock(NULL);
    r = set_up(server, detail);
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
    struct msim_allocator allocator = old->allocator;

    /* The connections that are open are told to their handler, which frees their clients. */
    msim_listener_close(&old->listener);
    msim_replay_broadcast_destroy(&old->broadcast);
    msim_net_destroy(&old->net);
    msim_mem_free(&allocator, old->clients,
                  old->params.max_clients * sizeof(struct msim_replay_client *));
    msim_mem_free(&allocator, old->buffer, MSIM_REPLAY_BUFFER_BYTES);
    msim_mem_free(&allocator, old, sizeof *old);
    *server = NULL;
}

int msim_replay_server_fd(const struct msim_replay_server *server)
{
    return server ? msim_net_fd(server->net) : MSIM_ERR_INVALID;
}

int msim_replay_server_dispatch(struct msim_replay_server *server, int timeout_ms)
{
    if (!server)
        return MSIM_ERR_INVALID;
    int r = msim_net_dispatch(server->net, timeout_ms);
    return server->failure < 0 ? server->failure : r;
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
    server->is_stopping = true;
    msim_listener_close(&server->listener);
    /* A close may end a connection at once, which takes its client out of the list. */
    for (size_t i = server->client_count; i-- > 0;) {
        struct msim_replay_client *client = server->clients[i];
        if (client->session)
            msim_replay_session_stop(client->session);
        else
            msim_connection_close(client->connection, MSIM_CLOSE_GOING_AWAY,
                                  "the server is stopping");
    }
}

int msim_replay_server_check_faults(const char *json, size_t length, struct msim_detail *detail)
{
    return msim_link_faults_check(json, length, "a replay server", detail);
}
