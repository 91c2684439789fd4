/*
 * Engine.IO by HTTP: what a request wants, polls that are held, payloads that come in.
 */
#include <stdio.h>
#include <string.h>

#include <marketsim/form.h>

#include "base/utf8.h"
#include "server/engineio/inside.h"

#define SEPARATOR 0x1e
#define TEXT_TYPE "text/plain; charset=UTF-8"

/* ---- what a request wants ---- */

static struct msim_engineio_wish bad(enum msim_engineio_error error)
{
    return (struct msim_engineio_wish){.error = error};
}

/* Whether it is there; one that cannot be a good value is "". */
static bool parameter(const char *query, const char *name, char *out, size_t size)
{
    int r = msim_form_value(query, strlen(query), name, out, size);

    if (r < 0)
        out[0] = '\0';
    return r != MSIM_ERR_NOT_FOUND;
}

struct msim_engineio_wish msim_engineio_judge(struct msim_engineio *engine, const char *method,
                                              const char *query, bool is_websocket)
{
    char transport[16];
    char version[8];
    char id[MSIM_IDENTITY_LENGTH + 2];

    msim_eio_expire(engine, msim_net_now(engine->net));
    parameter(query, "transport", transport, sizeof transport);
    parameter(query, "EIO", version, sizeof version);
    bool wants_websocket = strcmp(transport, "websocket") == 0 && !engine->params.no_websocket;
    bool speaks_version = strcmp(version, "4") == 0;

    if (!wants_websocket && strcmp(transport, "polling") != 0)
        return bad(MSIM_EIO_TRANSPORT);
    if (parameter(query, "sid", id, sizeof id)) {
        struct msim_engineio_session *session = msim_eio_find(engine, id);
        if (!session)
            return bad(MSIM_EIO_SESSION);
        if (wants_websocket != is_websocket || (!is_websocket && session->websocket) ||
            !speaks_version)
            return bad(MSIM_EIO_REQUEST);
        return (struct msim_engineio_wish){.is_good = true, .session = session};
    }
    if (strcmp(method, "GET") != 0)
        return bad(MSIM_EIO_METHOD);
    if (wants_websocket != is_websocket)
        return bad(MSIM_EIO_REQUEST);
    if (!speaks_version)
        return bad(MSIM_EIO_VERSION);
    return (struct msim_engineio_wish){.is_good = true};
}

/* ---- answers ---- */

static void answer(struct msim_exchange *exchange, int status, const char *type, const void *body,
                   size_t length)
{
    static const struct msim_http_header no_store = {"Cache-Control", "no-store"};
    const struct msim_http_answer whole = {
        .status = status,
        .content_type = type,
        .headers = &no_store,
        .header_count = 1,
        .body = body,
        .body_length = length,
    };

    msim_exchange_set_user(exchange, NULL);
    if (msim_exchange_answer(exchange, &whole) < 0)
        msim_exchange_abort(exchange);
}

static void answer_error(struct msim_engineio *engine, struct msim_exchange *exchange, int status,
                         enum msim_engineio_error error)
{
    static const char *const messages[] = {
        "Transport unknown", "Session ID unknown", "Bad handshake method",
        "Bad request",       "Forbidden",          "Unsupported protocol version",
    };
    char body[96];

    engine->stats.refused++;
    int length = snprintf(body, sizeof body, "{\"code\":%d,\"message\":\"%s\"}", (int)error,
                          messages[error]);
    answer(exchange, status, "application/json", body, (size_t)length);
}

void msim_eio_polling_farewell(struct msim_engineio_session *session,
                               const struct msim_engineio_packet *packet)
{
    struct msim_exchange *get = session->get;
    const unsigned char *frame;

    if (!get)
        return;
    session->get = NULL;
    /* A frame of one digit: its last byte. */
    size_t size = msim_eio_packet_frame(packet, 0, &frame);
    answer(get, 200, TEXT_TYPE, frame + size - 1, 1);
}

void msim_eio_polling_forget(struct msim_engineio_session *session)
{
    if (session->post)
        msim_exchange_set_user(session->post, NULL);
    session->post = NULL;
}

/* As many packets as one answer may have; false without memory. */
static bool fill(struct msim_engineio_session *session, struct msim_bytes *out)
{
    static const unsigned char separator = SEPARATOR;
    struct msim_engineio_packet *packet;

    msim_bytes_take(out, msim_bytes_length(out));
    for (size_t i = 0; i < MSIM_POLL_PACKETS && (packet = msim_eio_first(session)); i++) {
        size_t length = msim_bytes_length(out);
        if (i > 0 && length + msim_eio_packet_polled_size(packet) > MSIM_POLL_BYTES)
            break;
        if ((i > 0 && msim_bytes_append(out, &separator, 1) < 0) ||
            msim_eio_packet_poll(packet, out) < 0)
            return false;
        msim_eio_drop_first(session);
    }
    return true;
}

void msim_eio_polling_flush(struct msim_engineio_session *session)
{
    struct msim_engineio *engine = session->engine;
    struct msim_bytes *out = &engine->scratch;
    struct msim_exchange *get = session->get;

    if (!get)
        return;
    if (session->queue_count == 0) {
        /* Whoever goes over to a WebSocket waits for its last poll to end. */
        if (session->is_probed)
            msim_eio_polling_farewell(session, engine->noop);
        return;
    }
    if (!fill(session, out)) {
        msim_eio_end(session, "out of memory");
        return;
    }
    session->get = NULL;
    answer(get, 200, TEXT_TYPE, msim_bytes_front(out), msim_bytes_length(out));
    msim_bytes_take(out, msim_bytes_length(out));
    msim_bytes_shrink(out, MSIM_POLL_BYTES);
    if (session->queue_count > 0 || session->was_refused || session->state == MSIM_SESSION_CLOSING)
        msim_eio_touch(session);
}

/* ---- requests ---- */

static int ask(struct msim_engineio *engine, struct msim_exchange *exchange)
{
    const struct msim_http_request *request = msim_exchange_request(exchange);
    const struct msim_request asked = {
        .path = request->path,
        .query = request->query,
        .host = request->host,
        .origin = msim_exchange_header(exchange, "Origin"),
        .peer = request->peer,
    };

    return engine->handler.request ? engine->handler.request(engine->context, &asked) : 0;
}

static void open_session(struct msim_engineio *engine, struct msim_exchange *exchange)
{
    struct msim_engineio_session *session = NULL;
    char greeting[256] = "0";

    int r = msim_eio_create(engine, &session, msim_exchange_request(exchange)->peer,
                            msim_exchange_caller(exchange));
    if (r < 0) {
        answer_error(engine, exchange, 503, MSIM_EIO_FORBIDDEN);
        return;
    }
    int length = msim_eio_greeting(session, true, greeting + 1, sizeof greeting - 1);
    answer(exchange, 200, TEXT_TYPE, greeting, (size_t)length + 1);
    msim_eio_begin(session);
}

static void take_get(struct msim_engineio_session *session, struct msim_exchange *exchange)
{
    struct msim_engineio *engine = session->engine;

    if (session->state == MSIM_SESSION_PARTED) {
        session->get = exchange;
        msim_eio_polling_farewell(session, engine->noop);
        msim_eio_end(session, session->reason);
    } else if (session->get) {
        answer_error(engine, exchange, 400, MSIM_EIO_REQUEST);
        msim_eio_end(session, "two polls at once");
    } else {
        session->get = exchange;
        msim_exchange_set_user(exchange, session);
        msim_eio_touch(session);
    }
}

/* A body that says beforehand how large it is. */
static bool is_too_large(const struct msim_engineio *engine, const char *length)
{
    size_t value = 0;

    for (; length && *length >= '0' && *length <= '9'; length++) {
        value = value * 10 + (size_t)(*length - '0');
        if (value > engine->params.max_payload_bytes)
            return true;
    }
    return false;
}

/* The session that asks for more than it may have ends. */
static void refuse_payload(struct msim_engineio_session *session, struct msim_exchange *exchange)
{
    char body[160];

    session->engine->stats.refused++;
    int length = snprintf(body, sizeof body,
                          "{\"code\":%d,\"message\":\"The payload is larger than %zu bytes "
                          "(max_payload_bytes, --max-payload)\"}",
                          MSIM_EIO_REQUEST, session->engine->params.max_payload_bytes);
    answer(exchange, 413, "application/json", body, (size_t)length);
    msim_eio_end(session, "payload too large");
}

static void refuse_post(struct msim_engineio_session *session, struct msim_exchange *exchange,
                        const char *reason)
{
    answer_error(session->engine, exchange, 400, MSIM_EIO_REQUEST);
    msim_eio_end(session, reason);
}

static void take_post(struct msim_engineio_session *session, struct msim_exchange *exchange)
{
    const char *type = msim_exchange_header(exchange, "Content-Type");
    static const char binary[] = "application/octet-stream";

    if (session->state != MSIM_SESSION_OPEN) {
        answer_error(session->engine, exchange, 400, MSIM_EIO_SESSION);
    } else if (session->post) {
        refuse_post(session, exchange, "two posts at once");
    } else if (type && strncmp(type, binary, sizeof binary - 1) == 0) {
        refuse_post(session, exchange, "parse error");
    } else if (is_too_large(session->engine, msim_exchange_header(exchange, "Content-Length"))) {
        refuse_payload(session, exchange);
    } else {
        session->post = exchange;
        msim_exchange_set_user(exchange, session);
    }
}

static void answer_method(struct msim_engineio *engine, struct msim_exchange *exchange)
{
    static const struct msim_http_header headers[] = {
        {"Allow", "GET, POST"},
        {"Cache-Control", "no-store"},
    };
    const struct msim_http_answer whole = {
        .status = 405,
        .content_type = "application/json",
        .headers = headers,
        .header_count = 2,
        .body = "{\"code\":3,\"message\":\"Bad request\"}",
        .body_length = 34,
    };

    engine->stats.refused++;
    if (msim_exchange_answer(exchange, &whole) < 0)
        msim_exchange_abort(exchange);
}

static void request(void *context, struct msim_exchange *exchange)
{
    struct msim_engineio *engine = context;
    const struct msim_http_request *wanted = msim_exchange_request(exchange);

    struct msim_engineio_wish wish =
        msim_engineio_judge(engine, wanted->method, wanted->query, false);
    if (!wish.is_good) {
        answer_error(engine, exchange, 400, wish.error);
        return;
    }
    int status = ask(engine, exchange);
    if (status != 0)
        answer_error(engine, exchange, status >= 400 && status <= 599 ? status : 403,
                     MSIM_EIO_FORBIDDEN);
    else if (!wish.session)
        open_session(engine, exchange);
    else if (strcmp(wanted->method, "GET") == 0)
        take_get(wish.session, exchange);
    else if (strcmp(wanted->method, "POST") == 0)
        take_post(wish.session, exchange);
    else
        answer_method(engine, exchange);
}

/* ---- payloads ---- */

static bool take_binary(struct msim_engineio_session *session, const unsigned char *text,
                        size_t length)
{
    struct msim_bytes *scratch = &session->engine->scratch;
    unsigned char *room;

    msim_bytes_take(scratch, msim_bytes_length(scratch));
    if (msim_bytes_reserve(scratch, length / 4 * 3 + 3, &room) < 0)
        return false;
    int64_t size = msim_eio_packet_decode_base64(text, length, room);
    return size >= 0 && msim_eio_packet(session, MSIM_MESSAGE_BINARY, room, (size_t)size);
}

bool msim_eio_polling_payload(struct msim_engineio_session *session, const unsigned char *bytes,
                              size_t length)
{
    const unsigned char *at = bytes;
    const unsigned char *end = at + length;

    if (!msim_utf8_valid(at, (size_t)(end - at)))
        return false;
    for (bool more = true; more && session->state == MSIM_SESSION_OPEN;) {
        const unsigned char *next = at < end ? memchr(at, SEPARATOR, (size_t)(end - at)) : NULL;
        size_t size = (size_t)((next ? next : end) - at);
        bool good = size > 0 && at[0] == 'b'
                        ? take_binary(session, at + 1, size - 1)
                        : msim_eio_packet(session, MSIM_MESSAGE_TEXT, at, size);
        if (!good)
            return false;
        more = next != NULL;
        at += size + 1;
    }
    return true;
}

static void post_ended(struct msim_engineio_session *session, struct msim_exchange *exchange)
{
    struct msim_engineio *engine = session->engine;

    session->post = NULL;
    msim_exchange_set_user(exchange, NULL);
    bool good = msim_eio_polling_payload(session, msim_bytes_front(&session->body),
                                         msim_bytes_length(&session->body));
    msim_bytes_take(&session->body, msim_bytes_length(&session->body));
    msim_bytes_shrink(&session->body, 0);
    if (good) {
        answer(exchange, 200, TEXT_TYPE, "ok", 2);
        return;
    }
    answer_error(engine, exchange, 400, MSIM_EIO_REQUEST);
    msim_eio_end(session, "parse error");
}

static void body(void *context, struct msim_exchange *exchange, const unsigned char *bytes,
                 size_t length)
{
    struct msim_engineio_session *session = msim_exchange_user(exchange);

    (void)context;
    if (!session || session->post != exchange)
        return;
    if (length == 0)
        post_ended(session, exchange);
    else if (msim_bytes_append(&session->body, bytes, length) < 0)
        refuse_payload(session, exchange);
}

/* One that is ours still was not answered: the client has gone. */
static void ended(void *context, struct msim_exchange *exchange)
{
    struct msim_engineio_session *session = msim_exchange_user(exchange);

    (void)context;
    if (!session)
        return;
    if (session->get == exchange)
        session->get = NULL;
    if (session->post == exchange)
        session->post = NULL;
    msim_eio_end(session, "transport close");
}

const struct msim_http_handler msim_eio_polling_handler = {
    .request = request,
    .body = body,
    .ended = ended,
};
