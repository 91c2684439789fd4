/*
 * A replay between its player, which says what is due, and its connection, which says how much
 * there is room for.  Where that has enough, the player is not asked until it has left: the replay
 * of a slow client falls behind, and nothing grows.
 */
#include "server/replay_session.h"

#include <marketsim/codec.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/detail.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/replay_command.h"
#include "server/replay_output.h"
#include "server/replay_player.h"

/* At full speed this much is queued, then the session waits until it has left: enough to keep the
 * system busy, little enough to stay in the cache. */
#define FILL_BYTES ((size_t)256 << 10)

/* Trades leave this much of the backlog for the answers to control messages. */
#define ANSWER_ROOM ((size_t)32 << 10)

/* Control messages that wait for the end of a bundle; beyond it the client is closed. */
#define PENDING_MAX ((size_t)64 << 10)

/* No run gives more than this, so that clients are heard where nothing else bounds it. */
#define RUN_STEPS 65536

enum phase {
    PHASE_REPLAYING,
    PHASE_FINISHING, /* everything was sent but the last words */
    PHASE_OVER,      /* the connection is closing */
};

struct msim_replay_session {
    struct msim_replay_server *server;
    struct msim_replay_client *client;
    struct msim_replay_player player;
    struct msim_replay_output output;
    unsigned char *own_buffer; /* where messages are judged; else the server's is used */
    uint64_t encoded_source;   /* which of the player's sources the encoder is for */
    uint32_t timestamps;
    enum phase phase;
    bool waiting;              /* until what is queued has left */
    struct msim_bytes pending; /* control messages, the length before each */
    size_t queued_bundles;     /* since the queue was last seen empty */
    uint64_t trades;
    uint64_t bundles;
    uint64_t counted; /* of the output's messages */
    struct msim_histogram lateness;
};

/* ---- where messages go ---- */

static int send_frames(void *context, const void *frames, size_t length)
{
    struct msim_replay_session *session = context;

    return msim_connection_send_frames(session->client->connection, frames, length);
}

/* Compressed, message by message. */
static int send_message(void *context, const struct msim_record *record, const char *text,
                        size_t length)
{
    struct msim_replay_session *session = context;

    (void)record;
    return msim_connection_send(session->client->connection, MSIM_MESSAGE_TEXT, text, length);
}

static int submit_message(void *context, const struct msim_record *record, const char *text,
                          size_t length)
{
    struct msim_replay_session *session = context;
    const char *symbol = NULL;

    if (!session->output.is_bundled && !(record->flags & MSIM_RECORD_NO_SYMBOL))
        symbol = msim_source_symbol(&session->player.source, record->symbol, NULL);
    return msim_replay_faults_send(session->server, session->client, symbol, text, length);
}

static int set_output(struct msim_replay_session *session)
{
    struct msim_replay_server *server = session->server;
    struct msim_replay_output *output = &session->output;
    const struct msim_replay_query *query = &session->client->query;
    uint32_t format =
        query->asked & MSIM_REPLAY_ASKED_FORMAT ? query->format : server->params.format;

    output->is_bundled = format == MSIM_REPLAY_FORMAT_BUNDLE;
    output->context = session;
    output->buffer = server->buffer;
    output->size = MSIM_REPLAY_BUFFER_BYTES;
    if (session->client->faults) {
        session->own_buffer = msim_mem_take(&server->allocator, MSIM_REPLAY_BUFFER_BYTES);
        if (!session->own_buffer)
            return MSIM_ERR_NOMEM;
        output->buffer = session->own_buffer;
        output->message = submit_message;
        return MSIM_OK;
    }
    output->frames = send_frames;
    if (msim_connection_is_deflated(session->client->connection))
        output->message = send_message;
    return MSIM_OK;
}

/* ---- life ---- */

int msim_replay_session_create(struct msim_replay_session **out, struct msim_replay_server *server,
                               struct msim_replay_client *client)
{
    struct msim_replay_session *session = msim_mem_zero(&server->allocator, sizeof *session);
    if (!session)
        return MSIM_ERR_NOMEM;
    const struct msim_replay_query *query = &client->query;

    session->server = server;
    session->client = client;
    session->timestamps =
        query->asked & MSIM_REPLAY_ASKED_TIMESTAMPS ? query->timestamps : server->params.timestamps;
    msim_bytes_init(&session->pending, PENDING_MAX, &server->allocator);
    int r = set_output(session);
    if (r < 0) {
        msim_replay_session_destroy(&session);
        return r;
    }
    *out = session;
    return MSIM_OK;
}

void msim_replay_session_destroy(struct msim_replay_session **session)
{
    struct msim_replay_session *old = session ? *session : NULL;
    if (!old)
        return;
    struct msim_allocator allocator = old->server->allocator;

    msim_replay_encoder_destroy(&old->output.encoder);
    msim_replay_player_finish(&old->player);
    msim_bytes_finish(&old->pending);
    msim_mem_free(&allocator, old->own_buffer, MSIM_REPLAY_BUFFER_BYTES);
    msim_mem_free(&allocator, old, sizeof *old);
    *session = NULL;
}

static void end(struct msim_replay_session *session, int code, const char *reason)
{
    session->phase = PHASE_OVER;
    msim_connection_close(session->client->connection, code, reason);
}

static void fail(struct msim_replay_session *session, int result, const struct msim_detail *detail)
{
    struct msim_connection *connection = session->client->connection;
    const char *words = msim_replay_words(result, detail);
    char text[MSIM_REPLAY_ERROR_MAX];

    msim_log(&session->server->logger, MSIM_LOG_ERROR, "replay", "%s: %s",
             msim_connection_peer(connection), words);
    size_t length = msim_replay_error_message(words, text, sizeof text);
    /* A full backlog has no room for the words; the close code says it then. */
    int r = msim_connection_send(connection, MSIM_MESSAGE_TEXT, text, length);
    end(session, MSIM_CLOSE_INTERNAL, r < 0 ? "the replay failed" : "see the last message");
}

static int say(struct msim_replay_session *session, const char *text)
{
    return msim_connection_send(session->client->connection, MSIM_MESSAGE_TEXT, text, strlen(text));
}

static int renew_encoder(struct msim_replay_session *session)
{
    if (session->encoded_source == session->player.opened)
        return MSIM_OK;
    int r = msim_replay_encoder_renew(&session->output.encoder, &session->player,
                                      session->timestamps, &session->server->allocator);
    if (r >= 0)
        session->encoded_source = session->player.opened;
    return r;
}

static int start_player(struct msim_replay_session *session, struct msim_detail *detail)
{
    const struct msim_replay_server_params *params = &session->server->params;
    const struct msim_replay_query *query = &session->client->query;
    const struct msim_replay_player_params player_params = {
        .open = params->open,
        .ended = params->ended,
        .context = params->context,
        .read_clock = msim_replay_clock,
        .speed = query->asked & MSIM_REPLAY_ASKED_SPEED ? query->speed : params->speed,
        .max_gap = params->max_gap,
        .loop = query->asked & MSIM_REPLAY_ASKED_LOOP ? query->loop : params->loop,
        .selection = query->selection,
        .tickers = (const char *const *)query->tickers.items,
        .ticker_count = query->tickers.count,
        .allocator = &session->server->allocator,
    };

    return msim_replay_player_init(&session->player, &player_params, detail);
}

/* The client's mistake, where the file has no such column: else the tool had said so itself. */
static void refuse_extra(struct msim_replay_session *session, const struct msim_detail *detail)
{
    char words[MSIM_DETAIL_SIZE + sizeof "extra: "];

    snprintf(words, sizeof words, "extra: %s", detail->text);
    end(session, MSIM_CLOSE_POLICY, words);
}

void msim_replay_session_start(struct msim_replay_session *session, msim_time now)
{
    struct msim_detail detail = {{0}};

    int r = start_player(session, &detail);
    if (session->client->query.extra.count > 0 &&
        (r == MSIM_ERR_NOT_FOUND || r == MSIM_ERR_UNSUPPORTED)) {
        refuse_extra(session, &detail);
        return;
    }
    if (r >= 0)
        r = renew_encoder(session);
    if (r >= 0)
        r = say(session, "{\"status\": \"Data loaded. Starting replay.\"}");
    if (r < 0) {
        fail(session, r, &detail);
        return;
    }
    msim_replay_session_run(session, now);
}

/* ---- the remote control ---- */

static void answer(struct msim_replay_session *session, const char *text, size_t length)
{
    struct msim_connection *connection = session->client->connection;

    /* What was given before it leaves before it. */
    int r = msim_replay_output_flush(&session->output);
    if (r >= 0)
        r = msim_connection_send(connection, MSIM_MESSAGE_TEXT, text, length);
    if (r == MSIM_ERR_LIMIT)
        end(session, MSIM_CLOSE_POLICY, "control messages: read their answers before sending more");
    else if (r == MSIM_ERR_CLOSED)
        session->phase = PHASE_OVER; /* the client has left; `closed` follows */
    else if (r < 0)
        end(session, MSIM_CLOSE_INTERNAL, msim_result_text(r));
}

static void answer_error(struct msim_replay_session *session, const char *words)
{
    char text[MSIM_REPLAY_ANSWER_MAX];

    answer(session, text, msim_replay_answer_error(words, text));
}

static size_t write_stats(const struct msim_replay_session *session, char *text)
{
    const struct msim_replay_player *player = &session->player;
    const struct msim_replay_progress progress = {
        .position = player->position,
        .is_paused = msim_replay_player_is_paused(player),
        .speed = player->pacer.speed,
        .trades = session->trades,
        .bundles = session->bundles,
        .backlog_bytes = msim_connection_backlog(session->client->connection),
        .lateness = &session->lateness,
    };

    return msim_replay_answer_stats(&progress, text);
}

static int seek(struct msim_replay_session *session, msim_time to, struct msim_detail *detail)
{
    struct msim_detail words = {{0}};

    int r = msim_replay_player_seek(&session->player, to, &words);
    if (r < 0)
        msim_detail_set(detail, r, "seek: %.400s", msim_replay_words(r, &words));
    return r;
}

/* Does what a command says; a failure has words. */
static int obey(struct msim_replay_session *session, const struct msim_replay_command *command,
                msim_time now, struct msim_detail *detail)
{
    struct msim_replay_player *player = &session->player;

    switch (command->op) {
    case MSIM_REPLAY_PAUSE:
        msim_replay_player_pause(player, now);
        return MSIM_OK;
    case MSIM_REPLAY_RESUME:
        msim_replay_player_resume(player, now);
        return MSIM_OK;
    case MSIM_REPLAY_SPEED:
        return msim_replay_player_set_speed(player, now, command->speed);
    case MSIM_REPLAY_SEEK:
        return seek(session, command->to, detail);
    case MSIM_REPLAY_STEP:
        if (msim_replay_player_step(player, command->count) < 0)
            return msim_detail_set(detail, MSIM_ERR_STATE,
                                   "step: the replay is running; send {\"op\":\"pause\"} first");
        return MSIM_OK;
    default:
        return MSIM_OK;
    }
}

/* What a moment counts where the client gives it as a number: what it is sent. */
static msim_time unit_of(uint32_t timestamps)
{
    switch (timestamps) {
    case MSIM_REPLAY_US:
        return MSIM_NS_PER_US;
    case MSIM_REPLAY_MS:
        return MSIM_NS_PER_MS;
    default:
        return 1;
    }
}

static void take_command(struct msim_replay_session *session, const char *text, size_t length,
                         msim_time now)
{
    struct msim_replay_command command;
    struct msim_detail detail = {{0}};
    char out[MSIM_REPLAY_ANSWER_MAX];

    int r = msim_replay_command_read(&command, text, length, unit_of(session->timestamps), &detail);
    if (r >= 0)
        r = obey(session, &command, now, &detail);
    if (r < 0) {
        answer_error(session, msim_replay_words(r, &detail));
        return;
    }
    length = command.op == MSIM_REPLAY_STATS ? write_stats(session, out)
                                             : msim_replay_answer_ok(command.op, out);
    answer(session, out, length);
}

/* In the middle of a bundle it has to wait: what is said of equal timestamps stays together.  So
 * has what comes behind steps. */
static void keep_command(struct msim_replay_session *session, const char *text, size_t length)
{
    uint32_t size =
        length > MSIM_REPLAY_COMMAND_MAX ? MSIM_REPLAY_COMMAND_MAX + 1 : (uint32_t)length;
    unsigned char *room;

    int r = msim_bytes_reserve(&session->pending, sizeof size + size, &room);
    if (r < 0) {
        end(session, MSIM_CLOSE_POLICY,
            "control messages: more than are kept within a bundle or a step");
        return;
    }
    memcpy(room, &size, sizeof size);
    memcpy(room + sizeof size, text, size);
    msim_bytes_commit(&session->pending, sizeof size + size);
}

/* Steps are given first to one who then asks where it stands, or sends it on. */
static bool waits_for_steps(const struct msim_replay_session *session, const char *text,
                            size_t length)
{
    struct msim_replay_command command;

    return session->player.steps > 0 &&
           msim_replay_command_read(&command, text, length, unit_of(session->timestamps), NULL) >=
               0 &&
           (command.op == MSIM_REPLAY_STATS || command.op == MSIM_REPLAY_SEEK ||
            command.op == MSIM_REPLAY_RESUME);
}

static void take_kept_commands(struct msim_replay_session *session, msim_time now)
{
    char text[MSIM_REPLAY_COMMAND_MAX + 1];
    uint32_t size;

    while (session->phase == PHASE_REPLAYING && msim_bytes_length(&session->pending) > 0) {
        memcpy(&size, msim_bytes_front(&session->pending), sizeof size);
        memcpy(text, msim_bytes_front(&session->pending) + sizeof size, size);
        if (waits_for_steps(session, text, size))
            return;
        msim_bytes_take(&session->pending, sizeof size + size);
        take_command(session, text, size, now);
    }
}

/* Behind the last trade nothing is left to wait for.  False where a seek has led elsewhere. */
static bool take_last_commands(struct msim_replay_session *session, msim_time now)
{
    const uint64_t opened = session->player.opened;

    while (session->phase == PHASE_REPLAYING && msim_bytes_length(&session->pending) > 0 &&
           session->player.opened == opened) {
        session->player.steps = 0;
        take_kept_commands(session, now);
    }
    return session->player.opened == opened;
}

/* What is still to be stepped is not, where nothing that was asked for before waits for it. */
static void cut_steps(struct msim_replay_session *session, const char *text, size_t length)
{
    struct msim_replay_command command;

    if (session->player.steps > 0 && msim_bytes_length(&session->pending) == 0 &&
        msim_replay_command_read(&command, text, length, unit_of(session->timestamps), NULL) >= 0 &&
        command.op == MSIM_REPLAY_PAUSE)
        session->player.steps = 0;
}

void msim_replay_session_message(struct msim_replay_session *session, enum msim_message_kind kind,
                                 const char *text, size_t length, msim_time now)
{
    if (session->phase != PHASE_REPLAYING)
        return;
    if (kind != MSIM_MESSAGE_TEXT) {
        text = "";
        length = 0;
    }
    cut_steps(session, text, length);
    if (session->player.in_bundle || msim_bytes_length(&session->pending) > 0 ||
        waits_for_steps(session, text, length))
        keep_command(session, text, length);
    else
        take_command(session, text, length, now);
}

/* ---- the way of a trade ---- */

/* What is queued and what is about to be. */
static size_t outstanding(const struct msim_replay_session *session)
{
    const struct msim_replay_output *output = &session->output;
    size_t about = output->frames ? output->run + output->length : 0;

    return msim_connection_backlog(session->client->connection) + about;
}

/* A bundle may use the whole backlog, or half of it where the failure layer has messages as well;
 * between bundles the queue's own bounds hold. */
static bool has_room(const struct msim_replay_session *session)
{
    const struct msim_replay_server_params *params = &session->server->params;
    size_t most = params->max_backlog_bytes - ANSWER_ROOM;
    size_t waiting = outstanding(session);

    if (session->client->faults)
        most = params->max_backlog_bytes / 2;
    if (session->player.in_bundle)
        return waiting + MSIM_REPLAY_BUFFER_BYTES <= most || waiting == 0;
    if (params->max_queue_bundles > 0 && waiting > 0 &&
        session->queued_bundles >= params->max_queue_bundles)
        return false;
    size_t fill =
        FILL_BYTES < params->max_backlog_bytes / 2 ? FILL_BYTES : params->max_backlog_bytes / 2;
    return waiting < fill;
}

static int add_trade(struct msim_replay_session *session, const struct msim_record *record,
                     struct msim_detail *detail)
{
    int r = msim_replay_output_trade(&session->output, record, detail);
    if (r < 0)
        return r;
    session->trades++;
    session->server->totals.trades++;
    session->server->totals.position = record->time;
    return MSIM_OK;
}

static int close_bundle(struct msim_replay_session *session, msim_time now)
{
    struct msim_replay_totals *totals = &session->server->totals;

    session->queued_bundles++;
    session->bundles++;
    totals->bundles++;
    int r = msim_replay_output_end_bundle(&session->output);
    if (session->player.due != INT64_MIN) {
        msim_time late = msim_replay_clock(NULL) - session->player.due;
        msim_histogram_add(&session->lateness, late);
        msim_histogram_add(&totals->lateness, late);
    }
    if (r >= 0 && msim_bytes_length(&session->pending) > 0)
        take_kept_commands(session, now);
    return r;
}

static int begin_again(struct msim_replay_session *session)
{
    session->server->totals.finished++;
    int r = msim_replay_output_flush(&session->output);
    return r < 0 ? r : say(session, "{\"status\": \"Replay restarting.\"}");
}

/* An enum msim_play that ends the run, or a failure. */
static int play(struct msim_replay_session *session, msim_time now, struct msim_detail *detail)
{
    const struct msim_record *record = NULL;

    for (size_t i = 0; i < RUN_STEPS && session->phase == PHASE_REPLAYING; i++) {
        if (!has_room(session)) {
            session->waiting = true;
            return MSIM_PLAY_WAIT;
        }
        int r = msim_replay_player_next(&session->player, now, &record, detail);
        if (r == MSIM_PLAY_TRADE) {
            r = renew_encoder(session);
            if (r >= 0)
                r = add_trade(session, record, detail);
        } else if (r == MSIM_PLAY_BUNDLE_END) {
            r = close_bundle(session, now);
        } else if (r == MSIM_PLAY_AGAIN) {
            r = begin_again(session);
        } else if (r == MSIM_PLAY_END && !take_last_commands(session, now)) {
            r = MSIM_OK;
        } else {
            return r;
        }
        if (r < 0)
            return r;
    }
    session->player.wake = now;
    return MSIM_PLAY_WAIT;
}

/* ---- the end ---- */

static void report(const struct msim_replay_session *session)
{
    const struct msim_histogram *lateness = &session->lateness;
    char words[96] = "";

    if (lateness->count > 0)
        snprintf(words, sizeof words, ", lateness p50 %lld us, p99 %lld us, max %lld us",
                 (long long)(msim_histogram_at(lateness, 500000) / 1000),
                 (long long)(msim_histogram_at(lateness, 990000) / 1000),
                 (long long)(lateness->max / 1000));
    msim_log(&session->server->logger, MSIM_LOG_INFO, "replay",
             "%s: replay finished, %llu trades%s",
             msim_connection_peer(session->client->connection), (unsigned long long)session->trades,
             words);
}

/* The last words to one whose query chose no trade: why, and what there is. */
static int say_nothing_matched(struct msim_replay_session *session)
{
    const struct msim_replay_server_params *params = &session->server->params;
    struct msim_replay_history history = {.first = MSIM_TIME_NEVER, .last = MSIM_TIME_NEVER};
    char text[MSIM_REPLAY_NOTHING_SIZE];

    if (params->history)
        params->history(params->context, &history);
    msim_replay_query_nothing(&session->client->query, &history, text);
    return say(session, text);
}

/* When nothing is late any more, and there is room for the last words. */
static void finish(struct msim_replay_session *session)
{
    struct msim_detail detail = {{0}};

    session->phase = PHASE_FINISHING;
    if (session->client->faults && !msim_replay_faults_are_done(session->client))
        return;
    bool is_empty = session->trades == 0 && msim_replay_query_selects(&session->client->query);
    int r = is_empty ? say_nothing_matched(session)
                     : say(session, "{\"status\": \"Replay finished.\"}");
    if (r == MSIM_ERR_LIMIT)
        return;
    if (r < 0) {
        fail(session, r, &detail);
        return;
    }
    report(session);
    session->server->totals.finished++;
    end(session, MSIM_CLOSE_NORMAL, is_empty ? "no trade matches the query" : "");
}

/* What was encoded left for one client. */
static void count_messages(struct msim_replay_session *session)
{
    uint64_t fresh = session->output.messages - session->counted;

    session->counted += fresh;
    session->server->totals.encoded += fresh;
    session->server->totals.delivered += fresh;
}

msim_time msim_replay_session_run(struct msim_replay_session *session, msim_time now)
{
    struct msim_detail detail = {{0}};

    if (session->phase == PHASE_FINISHING)
        finish(session);
    if (session->phase != PHASE_REPLAYING || session->waiting)
        return MSIM_TIME_NEVER;
    int r = play(session, now, &detail);
    /* The good trades before a failure are a whole message. */
    int sent = r < 0 ? msim_replay_output_end_bundle(&session->output) : MSIM_OK;
    if (sent >= 0)
        sent = msim_replay_output_flush(&session->output);
    if (r >= 0 && sent < 0)
        r = sent;
    count_messages(session);
    if (session->phase != PHASE_REPLAYING)
        return MSIM_TIME_NEVER;
    if (r == MSIM_ERR_CLOSED)
        session->phase = PHASE_OVER; /* the client left in the middle of it; `closed` follows */
    else if (r < 0)
        fail(session, r, &detail);
    else if (r == MSIM_PLAY_END)
        finish(session);
    bool stands = session->phase != PHASE_REPLAYING || session->waiting;
    return stands ? MSIM_TIME_NEVER : session->player.wake;
}

void msim_replay_session_drained(struct msim_replay_session *session, msim_time now)
{
    session->waiting = false;
    session->queued_bundles = 0;
    msim_replay_session_run(session, now);
}

void msim_replay_session_stop(struct msim_replay_session *session)
{
    if (session->phase != PHASE_OVER)
        end(session, MSIM_CLOSE_GOING_AWAY, "the server is stopping");
}
