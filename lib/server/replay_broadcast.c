#include "server/replay_broadcast.h"

#include <marketsim/codec.h>
#include <marketsim/hub.h>
#include <stdio.h>
#include <string.h>

#include "base/detail.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/replay_command.h"
#include "server/replay_output.h"
#include "server/replay_player.h"

/* After so many bytes the clients' connections get a turn to write them, however much is due. */
#define RUN_BYTES ((size_t)128 << 10)
/* The same for what is due without being published. */
#define RUN_STEPS 65536

/* A bundle that is longer comes in several messages; the run holds twice as much (hub.h). */
#define MESSAGE_MAX ((size_t)1 << 20)

enum phase {
    PHASE_HOLDING, /* until enough clients are there */
    PHASE_PLAYING,
    PHASE_OVER, /* who is still there, or comes, is told so */
};

struct msim_replay_broadcast {
    struct msim_replay_server *server;
    struct msim_topic *topic;
    struct msim_replay_player player;
    struct msim_replay_output output;
    unsigned char *buffer;
    size_t buffer_size;
    uint64_t encoded_source; /* which of the player's sources the encoder is for */
    enum phase phase;
    bool owes_restart; /* the word that it begins anew has not been published */
    size_t published;  /* bytes, in this run */
    uint64_t counted;  /* of the output's messages */
    int failure;       /* why it is over; MSIM_OK: it came to its end */
    struct msim_detail detail;
};

/* ---- where messages go ---- */

/* Each client for itself: what befalls one does not touch another. */
static int send_to_each(struct msim_replay_server *server, const char *symbol, const char *text,
                        size_t length)
{
    for (size_t i = 0; i < server->client_count; i++) {
        int r = msim_replay_faults_send(server, server->clients[i], symbol, text, length);
        if (r < 0)
            return r;
        server->totals.delivered++;
    }
    return MSIM_OK;
}

static int publish(struct msim_replay_broadcast *broadcast, const char *text, size_t length)
{
    struct msim_topic_stats stats;

    msim_topic_stats(broadcast->topic, &stats);
    int r = msim_topic_publish(broadcast->topic, MSIM_MESSAGE_TEXT, text, length);
    if (r >= 0)
        broadcast->server->totals.delivered += stats.subscribers;
    return r;
}

static int give_message(void *context, const struct msim_record *record, const char *text,
                        size_t length)
{
    struct msim_replay_broadcast *broadcast = context;
    struct msim_replay_server *server = broadcast->server;
    const char *symbol = NULL;

    broadcast->published += length;
    if (!server->params.faults)
        return publish(broadcast, text, length);
    if (!broadcast->output.is_bundled && !(record->flags & MSIM_RECORD_NO_SYMBOL))
        symbol = msim_source_symbol(&broadcast->player.source, record->symbol, NULL);
    return send_to_each(server, symbol, text, length);
}

/* ---- life ---- */

/* Whoever was waited for has room again. */
static void wake(void *context, struct msim_topic *topic)
{
    struct msim_replay_broadcast *broadcast = context;

    (void)topic;
    broadcast->player.wake = INT64_MIN;
    msim_net_wake(broadcast->server->net);
}

static int make_topic(struct msim_replay_broadcast *broadcast)
{
    const struct msim_replay_server_params *params = &broadcast->server->params;
    struct msim_topic_params topic = MSIM_TOPIC_PARAMS_INIT;

    /* A client's own bound is reached before the run's. */
    topic.policy = (enum msim_slow_policy)params->slow_client;
    topic.max_run_bytes = params->max_backlog_bytes * 2;
    topic.drained = wake;
    topic.context = broadcast;
    return msim_topic_create(broadcast->server->net, &broadcast->topic, &topic);
}

/* A message must fit into the bound of a client that is waited for, and into half of the run. */
static int make_output(struct msim_replay_broadcast *broadcast)
{
    const struct msim_replay_server_params *params = &broadcast->server->params;
    size_t size = params->max_backlog_bytes / 2;

    broadcast->buffer_size = size < MESSAGE_MAX ? size : MESSAGE_MAX;
    broadcast->buffer = msim_mem_take(&broadcast->server->allocator, broadcast->buffer_size);
    if (!broadcast->buffer)
        return MSIM_ERR_NOMEM;
    broadcast->output = (struct msim_replay_output){
        .buffer = broadcast->buffer,
        .size = broadcast->buffer_size,
        .is_bundled = params->format == MSIM_REPLAY_FORMAT_BUNDLE,
        .message = give_message,
        .context = broadcast,
    };
    return MSIM_OK;
}

static int make_player(struct msim_replay_broadcast *broadcast, struct msim_detail *detail)
{
    const struct msim_replay_server_params *params = &broadcast->server->params;
    const struct msim_replay_player_params player = {
        .open = params->open,
        .ended = params->ended,
        .context = params->context,
        .read_clock = msim_replay_clock,
        .speed = params->speed,
        .max_gap = params->max_gap,
        .loop = params->loop,
        .allocator = &broadcast->server->allocator,
    };

    return msim_replay_player_init(&broadcast->player, &player, detail);
}

int msim_replay_broadcast_create(struct msim_replay_broadcast **out,
                                 struct msim_replay_server *server, struct msim_detail *detail)
{
    struct msim_replay_broadcast *broadcast = msim_mem_zero(&server->allocator, sizeof *broadcast);
    struct msim_detail words = {{0}};

    if (!broadcast)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "%s", msim_result_text(MSIM_ERR_NOMEM));
    broadcast->server = server;
    int r = make_topic(broadcast);
    if (r >= 0)
        r = make_output(broadcast);
    if (r >= 0)
        r = make_player(broadcast, &words);
    if (r < 0) {
        msim_replay_broadcast_destroy(&broadcast);
        return msim_detail_set(detail, r, "%s", msim_replay_words(r, &words));
    }
    *out = broadcast;
    return MSIM_OK;
}

void msim_replay_broadcast_destroy(struct msim_replay_broadcast **broadcast)
{
    struct msim_replay_broadcast *old = broadcast ? *broadcast : NULL;
    if (!old)
        return;
    struct msim_allocator allocator = old->server->allocator;

    msim_replay_encoder_destroy(&old->output.encoder);
    msim_replay_player_finish(&old->player);
    msim_topic_destroy(&old->topic);
    msim_mem_free(&allocator, old->buffer, old->buffer_size);
    msim_mem_free(&allocator, old, sizeof *old);
    *broadcast = NULL;
}

/* ---- clients ---- */

/* The last words, for one; they wait until nothing of its is late any more, and there is room. */
static void tell_end(struct msim_replay_broadcast *broadcast, struct msim_replay_client *client)
{
    char text[MSIM_REPLAY_ERROR_MAX] = "{\"status\": \"Replay finished.\"}";
    size_t length = strlen(text);
    bool has_failed = broadcast->failure < 0;

    if (client->is_told || (client->faults && !msim_replay_faults_are_done(client)))
        return;
    if (has_failed)
        length = msim_replay_error_message(broadcast->detail.text, text, sizeof text);
    if (msim_connection_send(client->connection, MSIM_MESSAGE_TEXT, text, length) == MSIM_ERR_LIMIT)
        return;
    client->is_told = true;
    msim_connection_close(client->connection, has_failed ? MSIM_CLOSE_INTERNAL : MSIM_CLOSE_NORMAL,
                          has_failed ? "see the last message" : "");
}

void msim_replay_broadcast_join(struct msim_replay_broadcast *broadcast,
                                struct msim_replay_client *client)
{
    static const char greeting[] = "{\"status\": \"Data loaded. Starting replay.\"}";

    int r =
        msim_connection_send(client->connection, MSIM_MESSAGE_TEXT, greeting, sizeof greeting - 1);
    if (r >= 0 && !broadcast->server->params.faults)
        r = msim_topic_subscribe(broadcast->topic, client->connection);
    if (r < 0)
        msim_connection_close(client->connection, MSIM_CLOSE_TRY_LATER,
                              "no room for another client");
    else if (broadcast->phase == PHASE_OVER)
        tell_end(broadcast, client);
}

static size_t write_stats(const struct msim_replay_broadcast *broadcast,
                          const struct msim_replay_client *client, char *text)
{
    const struct msim_replay_totals *totals = &broadcast->server->totals;
    const struct msim_replay_progress progress = {
        .position = broadcast->player.position,
        .is_paused = false,
        .speed = broadcast->player.pacer.speed,
        .trades = totals->trades,
        .bundles = totals->bundles,
        .backlog_bytes = msim_connection_backlog(client->connection),
        .lateness = &totals->lateness,
    };

    return msim_replay_answer_stats(&progress, text);
}

void msim_replay_broadcast_message(struct msim_replay_broadcast *broadcast,
                                   struct msim_replay_client *client, enum msim_message_kind kind,
                                   const char *text, size_t length)
{
    struct msim_replay_command command;
    struct msim_detail detail = {{0}};
    char out[MSIM_REPLAY_ANSWER_MAX];

    int r = msim_replay_command_read(&command, text, kind == MSIM_MESSAGE_TEXT ? length : 0, 1,
                                     &detail);
    if (r >= 0 && command.op == MSIM_REPLAY_STATS) {
        length = write_stats(broadcast, client, out);
    } else {
        if (r >= 0)
            snprintf(detail.text, sizeof detail.text,
                     "%s: all clients share this broadcast; a server in --mode per-client has a "
                     "remote control for each",
                     msim_replay_op_name(command.op));
        length = msim_replay_answer_error(detail.text, out);
    }
    if (msim_connection_send(client->connection, MSIM_MESSAGE_TEXT, out, length) == MSIM_ERR_LIMIT)
        msim_connection_close(client->connection, MSIM_CLOSE_POLICY,
                              "control messages: read their answers before sending more");
}

/* ---- playing ---- */

static int add_trade(struct msim_replay_broadcast *broadcast, const struct msim_record *record)
{
    struct msim_replay_server *server = broadcast->server;

    if (broadcast->encoded_source != broadcast->player.opened) {
        int r = msim_replay_encoder_renew(&broadcast->output.encoder, &broadcast->player,
                                          server->params.timestamps, &server->allocator);
        if (r < 0)
            return r;
        broadcast->encoded_source = broadcast->player.opened;
    }
    int r = msim_replay_output_trade(&broadcast->output, record, &broadcast->detail);
    if (r < 0 && !broadcast->output.is_held)
        return r;
    server->totals.trades++;
    server->totals.position = record->time;
    return r;
}

static int close_bundle(struct msim_replay_broadcast *broadcast)
{
    struct msim_replay_totals *totals = &broadcast->server->totals;

    totals->bundles++;
    if (broadcast->player.due != INT64_MIN)
        msim_histogram_add(&totals->lateness, msim_replay_clock(NULL) - broadcast->player.due);
    return msim_replay_output_end_bundle(&broadcast->output);
}

static int say_restart(struct msim_replay_broadcast *broadcast)
{
    static const char text[] = "{\"status\": \"Replay restarting.\"}";
    struct msim_replay_server *server = broadcast->server;

    broadcast->owes_restart = true;
    if (!server->params.faults) {
        int r = msim_topic_publish(broadcast->topic, MSIM_MESSAGE_TEXT, text, sizeof text - 1);
        if (r < 0)
            return r;
    }
    for (size_t i = 0; server->params.faults && i < server->client_count; i++)
        msim_connection_send(server->clients[i]->connection, MSIM_MESSAGE_TEXT, text,
                             sizeof text - 1);
    broadcast->owes_restart = false;
    return MSIM_OK;
}

/* What was refused before, when somebody had to be waited for. */
static int catch_up(struct msim_replay_broadcast *broadcast)
{
    int r = msim_replay_output_flush(&broadcast->output);

    return r >= 0 && broadcast->owes_restart ? say_restart(broadcast) : r;
}

/* One thing more: an enum msim_play, or a failure. */
static int step(struct msim_replay_broadcast *broadcast, msim_time now)
{
    const struct msim_record *record = NULL;

    int r = msim_replay_player_next(&broadcast->player, now, &record, &broadcast->detail);
    int given = MSIM_OK;
    if (r == MSIM_PLAY_TRADE) {
        given = add_trade(broadcast, record);
    } else if (r == MSIM_PLAY_BUNDLE_END) {
        given = close_bundle(broadcast);
    } else if (r == MSIM_PLAY_AGAIN) {
        broadcast->server->totals.finished++;
        given = say_restart(broadcast);
    }
    return given < 0 ? given : r;
}

/* Whether a failure only means that somebody has to be waited for. */
static bool waits(const struct msim_replay_broadcast *broadcast, int result)
{
    return result == MSIM_ERR_LIMIT && (broadcast->output.is_held || broadcast->owes_restart);
}

static int play(struct msim_replay_broadcast *broadcast, msim_time now)
{
    broadcast->published = 0;
    int r = catch_up(broadcast);
    for (size_t i = 0; r >= 0; i++) {
        if (broadcast->published >= RUN_BYTES || i == RUN_STEPS) {
            broadcast->player.wake = now;
            return MSIM_PLAY_WAIT;
        }
        r = step(broadcast, now);
        if (r == MSIM_PLAY_WAIT || r == MSIM_PLAY_END)
            return r;
    }
    if (!waits(broadcast, r))
        return r;
    /* The topic says when to go on. */
    broadcast->player.wake = MSIM_TIME_NEVER;
    return MSIM_PLAY_WAIT;
}

static void end(struct msim_replay_broadcast *broadcast, int result)
{
    struct msim_replay_server *server = broadcast->server;

    broadcast->phase = PHASE_OVER;
    broadcast->failure = result < 0 ? result : MSIM_OK;
    if (result >= 0) {
        server->totals.finished++;
        msim_log(&server->logger, MSIM_LOG_INFO, "replay",
                 "the broadcast has finished, %llu trades",
                 (unsigned long long)server->totals.trades);
        return;
    }
    /* The good trades before it are a whole message. */
    msim_replay_output_end_bundle(&broadcast->output);
    if (broadcast->detail.text[0] == '\0')
        msim_detail_set(&broadcast->detail, result, "%s", msim_result_text(result));
    msim_log(&server->logger, MSIM_LOG_ERROR, "replay", "the broadcast has failed: %s",
             broadcast->detail.text);
}

msim_time msim_replay_broadcast_run(struct msim_replay_broadcast *broadcast, msim_time now)
{
    struct msim_replay_server *server = broadcast->server;
    int r = MSIM_PLAY_WAIT;

    if (broadcast->phase == PHASE_HOLDING && server->client_count >= server->params.wait_clients)
        broadcast->phase = PHASE_PLAYING;
    if (broadcast->phase == PHASE_HOLDING)
        return MSIM_TIME_NEVER;
    if (broadcast->phase == PHASE_PLAYING) {
        r = play(broadcast, now);
        server->totals.encoded += broadcast->output.messages - broadcast->counted;
        broadcast->counted = broadcast->output.messages;
    }
    if (r < 0 || r == MSIM_PLAY_END)
        end(broadcast, r);
    if (broadcast->phase == PHASE_PLAYING)
        return broadcast->player.wake;
    for (size_t i = server->client_count; i-- > 0;)
        tell_end(broadcast, server->clients[i]);
    return MSIM_TIME_NEVER;
}

void msim_replay_broadcast_stats(const struct msim_replay_broadcast *broadcast,
                                 struct msim_topic_stats *out)
{
    msim_topic_stats(broadcast->topic, out);
}

bool msim_replay_broadcast_is_over(const struct msim_replay_broadcast *broadcast)
{
    return broadcast->phase == PHASE_OVER;
}

const char *msim_replay_broadcast_failure(const struct msim_replay_broadcast *broadcast)
{
    return broadcast->failure < 0 ? broadcast->detail.text : "";
}
