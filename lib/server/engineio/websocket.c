/*
 * Engine.IO by WebSocket: sessions that begin there, and those that come over from polling.
 *
 * The way over: the client's `2probe` is answered with `3probe`, its held poll with a packet that
 * says nothing, and with its `5` the WebSocket carries the session.  Until then nothing of the
 * session goes there.
 */
#include <stdio.h>
#include <string.h>

#include "server/engineio/inside.h"

/* ---- out ---- */

void msim_eio_websocket_pump(struct msim_engineio_session *session)
{
    struct msim_engineio_packet *packet;

    while ((packet = msim_eio_first(session))) {
        const unsigned char *frame;
        if (msim_connection_backlog(session->websocket) >= MSIM_HANDED_BYTES)
            return;
        size_t size = msim_eio_packet_frame(packet, session->handed, &frame);
        int r = msim_connection_send_frames(session->websocket, frame, size);
        if (r == MSIM_ERR_LIMIT)
            return;
        if (r < 0) {
            msim_eio_end(session, "transport error");
            return;
        }
        session->handed += size;
        if (session->handed == packet->size)
            msim_eio_drop_first(session);
    }
}

static void drained(void *context, struct msim_connection *connection)
{
    struct msim_engineio_session *session = msim_connection_user(connection);

    (void)context;
    if (session && session->websocket == connection)
        msim_eio_touch(session);
}

/* ---- the way over ---- */

void msim_eio_websocket_drop_probe(struct msim_engineio_session *session)
{
    struct msim_connection *probe = session->probe;

    msim_wait_stop(&session->upgrade);
    session->is_probed = false;
    if (!probe)
        return;
    session->probe = NULL;
    msim_connection_set_user(probe, NULL);
    msim_connection_close(probe, MSIM_CLOSE_NORMAL, "no upgrade");
}

static bool is_text(enum msim_message_kind kind, const unsigned char *bytes, size_t length,
                    const char *text)
{
    return kind == MSIM_MESSAGE_TEXT && length == strlen(text) && memcmp(bytes, text, length) == 0;
}

static void come_over(struct msim_engineio_session *session)
{
    struct msim_engineio *engine = session->engine;
    struct msim_connection *probe = session->probe;

    msim_wait_stop(&session->upgrade);
    session->is_probed = false;
    session->probe = NULL;
    msim_eio_polling_farewell(session, engine->noop);
    session->websocket = probe;
    engine->stats.websockets++;
    engine->stats.upgraded++;
    /* A ping that was asked for is to be answered here, in the time that it takes from here. */
    if (session->awaits_pong)
        msim_wait_begin(&engine->to_pong, &session->heartbeat, session, msim_net_now(engine->net));
    else
        msim_eio_rest(session);
    msim_eio_touch(session);
}

static void probe_message(struct msim_engineio_session *session, enum msim_message_kind kind,
                          const unsigned char *bytes, size_t length)
{
    if (!session->is_probed && is_text(kind, bytes, length, "2probe") &&
        msim_connection_send(session->probe, MSIM_MESSAGE_TEXT, "3probe", 6) == MSIM_OK) {
        session->is_probed = true;
        msim_eio_touch(session);
    } else if (session->is_probed && is_text(kind, bytes, length, "5")) {
        come_over(session);
    } else {
        msim_eio_websocket_drop_probe(session);
    }
}

/* ---- in ---- */

static int request(void *context, struct msim_connection *connection,
                   const struct msim_request *wanted)
{
    struct msim_engineio *engine = context;

    struct msim_engineio_wish wish = msim_engineio_judge(engine, "GET", wanted->query, true);
    if (!wish.is_good || engine->is_stopping) {
        engine->stats.refused++;
        return wish.is_good ? 503 : 400;
    }
    int status = engine->handler.request ? engine->handler.request(engine->context, wanted) : 0;
    if (status != 0) {
        engine->stats.refused++;
        return status;
    }
    /* `opened` follows before anything else can happen to the session; a new one is marked by
     * what can be no session. */
    msim_connection_set_user(connection, wish.session ? (void *)wish.session : (void *)engine);
    return 0;
}

static void open_new(struct msim_engineio *engine, struct msim_connection *connection)
{
    struct msim_engineio_session *session = NULL;
    char greeting[256];

    msim_connection_set_user(connection, NULL);
    int r = msim_eio_create(engine, &session, msim_connection_peer(connection),
                            msim_connection_caller(connection));
    if (r < 0) {
        engine->stats.refused++;
        msim_connection_close(connection, MSIM_CLOSE_TRY_LATER, "no room for another session");
        return;
    }
    session->websocket = connection;
    engine->stats.websockets++;
    msim_connection_set_user(connection, session);
    int length = msim_eio_greeting(session, false, greeting, sizeof greeting);
    struct msim_engineio_packet *packet = msim_eio_packet_create(
        &engine->allocator, '0', MSIM_MESSAGE_TEXT, greeting, (size_t)length);
    session->is_new = true;
    if (packet && msim_eio_enqueue(session, packet) >= 0)
        msim_eio_begin(session);
    else
        msim_eio_end(session, "out of memory");
    msim_engineio_packet_release(&packet);
}

static void opened(void *context, struct msim_connection *connection)
{
    struct msim_engineio *engine = context;
    void *user = msim_connection_user(connection);
    struct msim_engineio_session *session = user;

    if (user == (void *)engine) {
        open_new(engine, connection);
        return;
    }
    if (session->websocket || session->probe || session->state != MSIM_SESSION_OPEN) {
        msim_connection_set_user(connection, NULL);
        msim_connection_close(connection, MSIM_CLOSE_NORMAL, "the session is taken");
        return;
    }
    session->probe = connection;
    msim_wait_begin(&engine->to_upgrade, &session->upgrade, session, msim_net_now(engine->net));
}

static void message(void *context, struct msim_connection *connection, enum msim_message_kind kind,
                    const unsigned char *bytes, size_t length)
{
    struct msim_engineio *engine = context;
    struct msim_engineio_session *session = msim_connection_user(connection);

    if (!session)
        return;
    if (session->probe == connection) {
        probe_message(session, kind, bytes, length);
        return;
    }
    if (length > engine->params.max_payload_bytes) {
        struct msim_connection *websocket = session->websocket;
        msim_connection_close(websocket, MSIM_CLOSE_TOO_LARGE, "larger than maxPayload");
        msim_eio_end(session, "payload too large");
        return;
    }
    msim_eio_packet(session, kind, bytes, length);
}

static void closed(void *context, struct msim_connection *connection,
                   const struct msim_closing *closing)
{
    struct msim_engineio *engine = context;
    struct msim_engineio_session *session = msim_connection_user(connection);

    (void)closing;
    if (!session)
        return;
    if (session->probe == connection) {
        session->probe = NULL;
        msim_eio_websocket_drop_probe(session);
        return;
    }
    session->websocket = NULL;
    engine->stats.websockets--;
    msim_eio_end(session, "transport close");
}

const struct msim_connection_handler msim_eio_websocket_handler = {
    .request = request,
    .opened = opened,
    .message = message,
    .drained = drained,
    .closed = closed,
};
