/*
 * What the replay server tells of itself: /metrics for Prometheus, /stats for people and scripts.
 */
#include "server/replay.h"

#include <marketsim/http.h>
#include <marketsim/hub.h>

#include "base/json.h"
#include "server/fault_metrics.h"
#include "server/replay_broadcast.h"
#include "server/replay_command.h"

/* More does not come together: texts are bounded, and there is one line for each number. */
#define STATS_MAX 4096

static struct msim_replay_history history_of(const struct msim_replay_server *server)
{
    struct msim_replay_history history = {.first = MSIM_TIME_NEVER, .last = MSIM_TIME_NEVER};

    if (server->params.history)
        server->params.history(server->params.context, &history);
    return history;
}

void msim_replay_server_stats(const struct msim_replay_server *server,
                              struct msim_replay_stats *out)
{
    struct msim_net_stats net;

    if (!server || !out)
        return;
    const struct msim_replay_totals *totals = &server->totals;
    msim_net_stats(server->net, &net);
    *out = (struct msim_replay_stats){
        .clients = server->client_count,
        .clients_total = totals->clients,
        .finished = totals->finished,
        .trades = totals->trades,
        .bundles = totals->bundles,
        .encoded = totals->encoded,
        .delivered = totals->delivered,
        .dropped = net.dropped,
        .slow = totals->slow + net.slow,
        .ended = server->broadcast && msim_replay_broadcast_is_over(server->broadcast),
        .position = totals->position,
        .lateness_p50 = msim_histogram_at(&totals->lateness, 500000),
        .lateness_p99 = msim_histogram_at(&totals->lateness, 990000),
        .lateness_max = totals->lateness.max,
    };
    for (size_t i = 0; i < server->client_count; i++)
        out->backlog_bytes += msim_connection_backlog(server->clients[i]->connection);
}

void msim_replay_metrics(void *context, struct msim_metrics *metrics)
{
    const struct msim_replay_server *server = context;
    struct msim_replay_history history = history_of(server);
    struct msim_replay_stats stats;

    msim_replay_server_stats(server, &stats);
    msim_metrics_gauge(metrics, "marketsim_replay_clients", "Clients that are connected.",
                       stats.clients);
    msim_metrics_counter(metrics, "marketsim_replay_clients_total", "Clients that connected.",
                         stats.clients_total);
    msim_metrics_counter(metrics, "marketsim_replay_finished_total",
                         "Replays that came to their end, rounds of a loop each.", stats.finished);
    msim_metrics_counter(metrics, "marketsim_replay_trades_total",
                         "Trades handed to connections; those of a broadcast count once.",
                         stats.trades);
    msim_metrics_counter(metrics, "marketsim_replay_bundles_total",
                         "Bundles of trades with equal timestamps.", stats.bundles);
    msim_metrics_counter(metrics, "marketsim_replay_messages_encoded_total", "Messages encoded.",
                         stats.encoded);
    msim_metrics_counter(metrics, "marketsim_replay_messages_delivered_total",
                         "Messages handed to clients, each counted for each of them.",
                         stats.delivered);
    msim_metrics_counter(metrics, "marketsim_replay_messages_dropped_total",
                         "Messages that slow clients of a broadcast did not get.", stats.dropped);
    msim_metrics_counter(metrics, "marketsim_replay_slow_clients_total",
                         "Clients closed because they read too slowly.", stats.slow);
    msim_metrics_gauge(metrics, "marketsim_replay_backlog_bytes",
                       "Bytes that wait for all clients together.", stats.backlog_bytes);
    msim_metrics_gauge(metrics, "marketsim_replay_history_trades", "Trades in the files.",
                       history.rows);
    msim_metrics_gauge(metrics, "marketsim_replay_preparation_microseconds",
                       "How long it took until the order of all trades was known.",
                       (uint64_t)(history.preparation / MSIM_NS_PER_US));
    msim_metrics_histogram(metrics, "marketsim_replay_lateness_seconds",
                           "How late bundles were handed over.", &server->totals.lateness);
    msim_fault_metrics(server->params.faults, &server->allocator, metrics);
}

/* ---- /stats ---- */

static void write_number(struct msim_json_writer *writer, const char *key, uint64_t value)
{
    msim_json_write_key(writer, key);
    msim_json_write_unsigned(writer, value);
}

static void write_history(struct msim_json_writer *writer, const struct msim_replay_server *server)
{
    struct msim_replay_history history = history_of(server);

    msim_json_write_key(writer, "history");
    msim_json_write_object(writer);
    write_number(writer, "trades", history.rows);
    write_number(writer, "files", history.files);
    msim_json_write_key(writer, "first");
    msim_replay_write_moment(writer, history.first);
    msim_json_write_key(writer, "last");
    msim_replay_write_moment(writer, history.last);
    write_number(writer, "preparation_us", (uint64_t)(history.preparation / MSIM_NS_PER_US));
    msim_json_write_object_end(writer);
}

static int write_stats(const struct msim_replay_server *server, char *text, size_t *length)
{
    struct msim_json_writer writer;
    struct msim_replay_stats stats;

    msim_replay_server_stats(server, &stats);
    msim_json_write_buffer(&writer, text, STATS_MAX);
    msim_json_write_object(&writer);
    msim_json_write_key(&writer, "mode");
    msim_json_write_text(&writer, server->broadcast ? "broadcast" : "per-client");
    msim_json_write_key(&writer, "speed");
    msim_replay_write_speed(&writer, server->params.speed);
    write_number(&writer, "clients", stats.clients);
    write_number(&writer, "clients_total", stats.clients_total);
    write_number(&writer, "finished", stats.finished);
    write_number(&writer, "trades", stats.trades);
    write_number(&writer, "bundles", stats.bundles);
    write_number(&writer, "messages_encoded", stats.encoded);
    write_number(&writer, "messages_delivered", stats.delivered);
    write_number(&writer, "messages_dropped", stats.dropped);
    write_number(&writer, "slow_clients", stats.slow);
    write_number(&writer, "backlog_bytes", stats.backlog_bytes);
    msim_json_write_key(&writer, "position");
    msim_replay_write_moment(&writer, stats.position);
    msim_replay_write_lateness(&writer, &server->totals.lateness);
    write_history(&writer, server);
    msim_json_write_object_end(&writer);
    return msim_json_write_end(&writer, length);
}

static void answer_stats(void *context, struct msim_exchange *exchange)
{
    const struct msim_replay_server *server = context;
    static const struct msim_http_header fresh = {"Cache-Control", "no-store"};
    char text[STATS_MAX];
    size_t length = 0;

    if (write_stats(server, text, &length) < 0) {
        if (msim_exchange_refuse(exchange, 503, "the numbers do not fit") < 0)
            msim_exchange_abort(exchange);
        return;
    }
    const struct msim_http_answer answer = {
        .status = 200,
        .content_type = "application/json",
        .headers = &fresh,
        .header_count = 1,
        .body = text,
        .body_length = length,
    };
    if (msim_exchange_answer(exchange, &answer) < 0)
        msim_exchange_abort(exchange);
}

struct msim_route msim_replay_stats_route(struct msim_replay_server *server)
{
    static const struct msim_http_handler handler = {.request = answer_stats};

    return (struct msim_route){
        .method = "GET", .path = "/stats", .http = &handler, .context = server};
}
