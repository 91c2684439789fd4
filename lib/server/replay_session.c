#include "server/replay_session.h"

#include <marketsim/codec.h>
#include <stdio.h>
#include <string.h>

#include "base/detail.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"

/* Records are pulled this many at a time. */
#define BATCH 256

/* A run of frames goes to the connection when it is this long, or at the end of a bundle. */
#define RUN_BYTES ((size_t)64 << 10)

/* At full speed this much is queued, then the session waits until it has left: enough to keep the
 * system busy, little enough to stay in the cache. */
#define FILL_BYTES ((size_t)256 << 10)

/* A source that has nothing now is asked again after this. */
#define POLL_NS MSIM_NS_PER_MS
/* A pull without a record that takes so long has done something. */
#define WORKED_NS (100 * MSIM_NS_PER_US)

/* Records are fetched ahead where the next bundle is due no sooner than this. */
#define AHEAD_NS (2 * MSIM_NS_PER_MS)

enum phase {
    PHASE_REPLAYING,
    PHASE_FINISHING, /* everything was sent but the last words */
    PHASE_OVER,      /* the connection is closing */
};

struct msim_replay_session {
    struct msim_replay_shared *shared;
    struct msim_connection *connection;
    struct msim_source source;
    struct msim_replay_encoder *encoder;
    struct msim_pacer pacer;
    enum phase phase;
    bool waiting; /* until what is queued has left */

    struct msim_record batch[BATCH];
    size_t at;
    size_t count;

    bool is_ahead_over; /* nothing more is to be fetched ahead */
    msim_time ahead_at; /* when to ask on a source that had nothing then; 0: not before the need */
    bool in_bundle;
    msim_time bundle_time;
    msim_time due;         /* of the bundle; on the wall's clock */
    msim_time poll_at;     /* when to ask a source again that had nothing; 0 where it had */
    size_t queued_bundles; /* since the queue was last seen empty */
    size_t run_length;     /* bytes in shared->frames that are not queued yet */

    uint64_t trades;
    bool is_started; /* the pacer has its first trade */
    struct msim_histogram lateness;
};

int msim_replay_shared_init(struct msim_replay_shared *shared)
{
    shared->frames_size = 2 * RUN_BYTES;
    shared->frames = msim_mem_take(&shared->allocator, shared->frames_size);
    return shared->frames ? MSIM_OK : MSIM_ERR_NOMEM;
}

void msim_replay_shared_finish(struct msim_replay_shared *shared)
{
    msim_mem_free(&shared->allocator, shared->frames, shared->frames_size);
    shared->frames = NULL;
}

int msim_replay_session_create(struct msim_replay_session **out, struct msim_replay_shared *shared,
                               struct msim_connection *connection)
{
    struct msim_replay_session *session = msim_mem_zero(&shared->allocator, sizeof *session);
    if (!session)
        return MSIM_ERR_NOMEM;

    struct msim_pacer_params pacing = MSIM_PACER_PARAMS_INIT;
    pacing.speed = shared->params->speed;
    pacing.max_gap = shared->params->max_gap;
    int r = msim_pacer_init(&session->pacer, &pacing);
    if (r < 0) {
        msim_mem_free(&shared->allocator, session, sizeof *session);
        return r;
    }
    session->shared = shared;
    session->connection = connection;
    *out = session;
    return MSIM_OK;
}

void msim_replay_session_destroy(struct msim_replay_session **session)
{
    struct msim_replay_session *old = session ? *session : NULL;
    if (!old)
        return;
    struct msim_allocator allocator = old->shared->allocator;

    const struct msim_replay_server_params *params = old->shared->params;

    msim_replay_encoder_destroy(&old->encoder);
    if (old->source.ops && params->ended)
        params->ended(params->context, &old->source);
    msim_source_release(&old->source);
    msim_mem_free(&allocator, old, sizeof *old);
    *session = NULL;
}

static void end(struct msim_replay_session *session, int code, const char *reason)
{
    session->phase = PHASE_OVER;
    msim_connection_close(session->connection, code, reason);
}

/* `{"error": "..."}`, in the feed's own spacing. */
static size_t error_message(const char *words, char *out, size_t size)
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

static void fail(struct msim_replay_session *session, int result, const struct msim_detail *detail)
{
    const char *words = detail->text[0] ? detail->text : msim_result_text(result);
    char text[6 * MSIM_DETAIL_SIZE + 32]; /* a byte takes at most six when it is escaped */

    msim_log(&session->shared->logger, MSIM_LOG_ERROR, "replay", "%s: %s",
             msim_connection_peer(session->connection), words);
    size_t length = error_message(words, text, sizeof text);
    /* A full backlog has no room for the words; the close code says it then. */
    int r = msim_connection_send(session->connection, MSIM_MESSAGE_TEXT, text, length);
    end(session, MSIM_CLOSE_INTERNAL, r < 0 ? "the replay failed" : "see the last message");
}

static int say(struct msim_replay_session *session, const char *text)
{
    return msim_connection_send(session->connection, MSIM_MESSAGE_TEXT, text, strlen(text));
}

void msim_replay_session_start(struct msim_replay_session *session, msim_time now)
{
    struct msim_replay_shared *shared = session->shared;
    struct msim_detail detail = {{0}};

    int r = shared->params->open(shared->params->context, &session->source, &detail);
    if (r >= 0)
        r = msim_replay_encoder_create(&session->encoder, &session->source, &shared->allocator);
    if (r >= 0)
        r = say(session, "{\"status\": \"Data loaded. Starting replay.\"}");
    if (r < 0) {
        fail(session, r, &detail);
        return;
    }
    msim_replay_session_run(session, now);
}

/* ---- the way of a trade ---- */

static int queue_run(struct msim_replay_session *session)
{
    if (session->run_length == 0)
        return MSIM_OK;
    int r = msim_connection_send_frames(session->connection, session->shared->frames,
                                        session->run_length);
    session->run_length = 0;
    return r;
}

/* One trade as a finished frame at the end of the run. */
static int add_frame(struct msim_replay_session *session, const struct msim_record *record)
{
    struct msim_replay_shared *shared = session->shared;
    unsigned char *frame = shared->frames + session->run_length;
    size_t room = shared->frames_size - session->run_length;
    size_t length;

    /* Most messages are 126 bytes or longer and have a head of four. */
    const size_t guess = 4;
    int r =
        msim_replay_encode(session->encoder, record, (char *)frame + guess, room - guess, &length);
    if (r < 0)
        return r;
    unsigned char head[MSIM_FRAME_HEAD_SIZE];
    size_t head_length = msim_frame_head(head, MSIM_MESSAGE_TEXT, length);
    if (head_length != guess)
        memmove(frame + head_length, frame + guess, length);
    memcpy(frame, head, head_length);
    session->run_length += head_length + length;
    return MSIM_OK;
}

static int add_trade(struct msim_replay_session *session, const struct msim_record *record,
                     struct msim_detail *detail)
{
    int r = add_frame(session, record);
    if (r == MSIM_ERR_LIMIT && session->run_length > 0) {
        r = queue_run(session);
        if (r >= 0)
            r = add_frame(session, record);
    }
    if (r == MSIM_ERR_LIMIT)
        return msim_detail_set(detail, r, "a trade is too long for a message of %zu bytes",
                               session->shared->frames_size);
    if (r < 0)
        return r;
    session->trades++;
    session->shared->trades++;
    session->shared->position = record->time;
    return session->run_length >= RUN_BYTES ? queue_run(session) : MSIM_OK;
}

/* What is queued and what is about to be. */
static size_t outstanding(const struct msim_replay_session *session)
{
    return msim_connection_backlog(session->connection) + session->run_length;
}

/* A bundle may use the whole backlog; between bundles the queue's own bounds hold. */
static bool has_room(const struct msim_replay_session *session)
{
    const struct msim_replay_server_params *params = session->shared->params;
    size_t waiting = outstanding(session);

    if (session->in_bundle)
        return waiting + session->shared->frames_size <= params->max_backlog_bytes || waiting == 0;
    if (params->max_queue_bundles > 0 && waiting > 0 &&
        session->queued_bundles >= params->max_queue_bundles)
        return false;
    size_t fill =
        FILL_BYTES < params->max_backlog_bytes / 2 ? FILL_BYTES : params->max_backlog_bytes / 2;
    return waiting < fill;
}

/*
 * Fetches records behind those that are left; an outcome of msim_source_pull.  The first trade is
 * due when it is there: what it took to read it is nobody's lateness.
 */
static int refill(struct msim_replay_session *session, struct msim_detail *detail)
{
    size_t left = session->count - session->at;
    size_t count = 0;

    memmove(session->batch, session->batch + session->at, left * sizeof session->batch[0]);
    session->at = 0;
    session->count = left;
    int r = msim_source_pull(&session->source, session->batch + left, BATCH - left, &count, detail);
    if (r != MSIM_PULL_RECORD)
        return r;
    session->count += count;
    if (!session->is_started) {
        session->is_started = true;
        msim_pacer_start(&session->pacer, session->shared->read_clock(), session->batch[0].time);
    }
    return r;
}

/*
 * While there is time: what a pull takes (a page, a row group) must not stand between a bundle
 * and its moment.  A failure or the end is met again when the records are used up.
 */
static void refill_ahead(struct msim_replay_session *session, msim_time now)
{
    session->ahead_at = 0;
    if (session->due - now < AHEAD_NS || session->count - session->at > BATCH / 2 ||
        session->is_ahead_over)
        return;
    int r = refill(session, NULL);
    session->is_ahead_over = r < 0 || r == MSIM_PULL_END;
    if (r == MSIM_PULL_EMPTY)
        session->ahead_at = session->shared->read_clock() + POLL_NS;
}

static void note_lateness(struct msim_replay_session *session)
{
    if (session->due == INT64_MIN)
        return;
    msim_time late = session->shared->read_clock() - session->due;

    msim_histogram_add(&session->lateness, late);
    msim_histogram_add(&session->shared->lateness, late);
}

static void close_bundle(struct msim_replay_session *session)
{
    if (!session->in_bundle)
        return;
    session->in_bundle = false;
    session->queued_bundles++;
    session->shared->bundles++;
    note_lateness(session);
}

static void report(const struct msim_replay_session *session)
{
    const struct msim_histogram *lateness = &session->lateness;
    char words[96] = "";

    if (lateness->count > 0)
        snprintf(words, sizeof words, ", lateness p50 %lld us, p99 %lld us, max %lld us",
                 (long long)(msim_histogram_at(lateness, 500000) / 1000),
                 (long long)(msim_histogram_at(lateness, 990000) / 1000),
                 (long long)(lateness->max / 1000));
    msim_log(&session->shared->logger, MSIM_LOG_INFO, "replay",
             "%s: replay finished, %llu trades%s", msim_connection_peer(session->connection),
             (unsigned long long)session->trades, words);
}

static void finish(struct msim_replay_session *session)
{
    struct msim_detail detail = {{0}};
    int r = say(session, "{\"status\": \"Replay finished.\"}");

    if (r == MSIM_ERR_LIMIT) {
        session->phase = PHASE_FINISHING;
        session->waiting = true;
        return;
    }
    if (r < 0) {
        fail(session, r, &detail);
        return;
    }
    report(session);
    session->shared->finished++;
    end(session, MSIM_CLOSE_NORMAL, "");
}

/*
 * When to ask a source again that had nothing.  One that has worked for a while has more to do;
 * one that answers at once has nothing, and must not keep the loop busy.
 */
static msim_time poll_after(struct msim_replay_session *session, msim_time start)
{
    msim_time now = session->shared->read_clock();
    bool works = now - start >= WORKED_NS && msim_source_next_due(&session->source) == INT64_MIN;

    return works ? now : now + POLL_NS;
}

enum step {
    STEP_WAIT, /* for the time, or for room */
    STEP_SENT,
    STEP_END,
};

/* One trade further; negative: a failure, with words. */
static int step(struct msim_replay_session *session, msim_time now, struct msim_detail *detail)
{
    if (session->at == session->count) {
        msim_time start = session->shared->read_clock();
        int r = refill(session, detail);
        if (r < 0)
            return r;
        session->poll_at = r == MSIM_PULL_EMPTY ? poll_after(session, start) : 0;
        if (r == MSIM_PULL_EMPTY)
            return STEP_WAIT;
        if (r == MSIM_PULL_END) {
            close_bundle(session);
            return STEP_END;
        }
        /* Reading took its time. */
        now = session->shared->read_clock();
    }

    const struct msim_record *record = &session->batch[session->at];
    if (session->in_bundle && record->time != session->bundle_time)
        close_bundle(session);
    if (!has_room(session)) {
        session->waiting = true;
        return STEP_WAIT;
    }
    if (!session->in_bundle) {
        session->due = msim_pacer_due(&session->pacer, record->time);
        if (session->due > now) {
            refill_ahead(session, now);
            return STEP_WAIT;
        }
        session->in_bundle = true;
        session->bundle_time = record->time;
    }
    int r = add_trade(session, record, detail);
    if (r < 0)
        return r;
    session->at++;
    return STEP_SENT;
}

msim_time msim_replay_session_run(struct msim_replay_session *session, msim_time now)
{
    struct msim_detail detail = {{0}};
    int r;

    if (session->phase != PHASE_REPLAYING || session->waiting)
        return MSIM_TIME_NEVER;
    do
        r = step(session, now, &detail);
    while (r == STEP_SENT);

    int queued = queue_run(session);
    if (r >= 0 && queued < 0)
        r = queued;
    if (r == MSIM_ERR_CLOSED)
        session->phase = PHASE_OVER; /* the client left in the middle of it; `closed` follows */
    else if (r < 0)
        fail(session, r, &detail);
    else if (r == STEP_END)
        finish(session);
    if (session->phase != PHASE_REPLAYING || session->waiting)
        return MSIM_TIME_NEVER;
    if (session->poll_at != 0)
        return session->poll_at;
    bool ahead = session->ahead_at != 0 && session->ahead_at < session->due;
    return ahead ? session->ahead_at : session->due;
}

void msim_replay_session_drained(struct msim_replay_session *session, msim_time now)
{
    session->waiting = false;
    session->queued_bundles = 0;
    if (session->phase == PHASE_FINISHING)
        finish(session);
    else
        msim_replay_session_run(session, now);
}

void msim_replay_session_stop(struct msim_replay_session *session)
{
    if (session->phase != PHASE_OVER)
        end(session, MSIM_CLOSE_GOING_AWAY, "the server is stopping");
}
