/*
 * An open WebSocket: messages in, messages out, pings, and the closing handshake.
 */
#include "net/connection.h"

#include <string.h>

#include "base/log.h"
#include "net/hub.h"
#include "net/impair.h"

#define REASON_MAX (MSIM_FRAME_CONTROL_MAX - 2)

/* ---- out ---- */

/* One frame into `out`, all of it or nothing.  `reserved` are the head's three bits. */
static int append_reserved(struct msim_connection *connection, enum msim_opcode opcode,
                           unsigned reserved, const void *bytes, size_t length)
{
    struct msim_bytes *out = &connection->out;
    unsigned char *room;

    msim_net_borrow(connection->net, out);
    int r = msim_bytes_reserve(out, MSIM_FRAME_HEAD_MAX + length, &room);
    if (r < 0)
        return r;

    size_t size;
    if (connection->ws.role == MSIM_WS_SERVER) {
        size = msim_frame_write_head(room, opcode, length);
        if (length > 0)
            memcpy(room + size, bytes, length);
        size += length;
    } else {
        unsigned char key[4];
        if (!msim_net_random(connection->net, key, sizeof key))
            return MSIM_ERR_IO;
        int64_t framed = msim_framer_mask(connection->ws.pool, room, opcode, bytes, length, key);
        if (framed < 0)
            return (int)framed;
        size = (size_t)framed;
    }
    room[0] = (unsigned char)(room[0] | reserved << 4);
    msim_bytes_commit(out, size);
    connection->queued += size;
    return MSIM_OK;
}

static int append_frame(struct msim_connection *connection, enum msim_opcode opcode,
                        const void *bytes, size_t length)
{
    return append_reserved(connection, opcode, 0, bytes, length);
}

/* A message in one frame, packed where that was agreed upon and makes it shorter. */
static int append_message(struct msim_connection *connection, enum msim_opcode opcode,
                          const void *bytes, size_t length)
{
    struct msim_deflate_link *link = connection->ws.deflate;

    int r = link ? msim_deflate_pack(link, bytes, length) : 0;
    if (r < 0)
        return r;
    if (r == 0)
        return append_frame(connection, opcode, bytes, length);
    r = append_reserved(connection, opcode, MSIM_FRAME_RSV1, msim_bytes_front(&link->pool->packed),
                        msim_bytes_length(&link->pool->packed));
    if (r < 0)
        msim_deflate_forget(link);
    return r;
}

int msim_channel_pack(struct msim_connection *connection, const unsigned char *bytes, size_t length)
{
    struct msim_frame frame;

    int head = msim_frame_read_head(&frame, bytes, length);
    if (head <= 0 || frame.length != length - (size_t)head || frame.reserved != 0)
        return MSIM_ERR_INVALID;
    return append_message(connection, (enum msim_opcode)frame.opcode, bytes + head,
                          (size_t)frame.length);
}

/* Does the bound leave room for so many bytes more, behind all that waits? */
static int check_room(struct msim_connection *connection, size_t size)
{
    size_t bound = connection->endpoint->limits.max_backlog_bytes;

    if (size > bound)
        return MSIM_ERR_INVALID;
    int r = msim_hub_settle(connection, size);
    if (r < 0)
        return r;
    if (msim_bytes_length(&connection->out) <= bound - size)
        return MSIM_OK;
    connection->is_above = true;
    return MSIM_ERR_LIMIT;
}

static int check_open(const struct msim_connection *connection)
{
    if (connection->state == MSIM_OPEN)
        return MSIM_OK;
    return connection->state < MSIM_OPEN ? MSIM_ERR_STATE : MSIM_ERR_CLOSED;
}

int msim_channel_make_room(struct msim_connection *connection, size_t size)
{
    int r = check_open(connection);

    return r < 0 ? r : check_room(connection, size);
}

int msim_connection_send(struct msim_connection *connection, enum msim_message_kind kind,
                         const void *bytes, size_t length)
{
    if (!connection || (!bytes && length > 0) || length > SIZE_MAX / 4 ||
        (kind != MSIM_MESSAGE_TEXT && kind != MSIM_MESSAGE_BINARY))
        return MSIM_ERR_INVALID;
    int r = check_open(connection);
    if (r < 0)
        return r;
    r = check_room(connection, length + MSIM_FRAME_HEAD_MAX);
    if (r < 0)
        return r;
    r = append_message(connection, (enum msim_opcode)kind, bytes, length);
    if (r < 0)
        return r;
    connection->net->stats.messages_sent++;
    msim_connection_touch(connection);
    return MSIM_OK;
}

int msim_connection_send_frames(struct msim_connection *connection, const void *bytes,
                                size_t length)
{
    if (!connection || (!bytes && length > 0) || connection->ws.role != MSIM_WS_SERVER)
        return MSIM_ERR_INVALID;
    int r = check_open(connection);
    if (r < 0)
        return r;
    r = check_room(connection, length);
    if (r < 0)
        return r;
    r = msim_bytes_append(&connection->out, bytes, length);
    if (r < 0)
        return r;
    connection->queued += length;
    msim_connection_touch(connection);
    return MSIM_OK;
}

bool msim_channel_ping(struct msim_connection *connection)
{
    if (append_frame(connection, MSIM_OPCODE_PING, NULL, 0) < 0)
        return false;
    msim_connection_touch(connection);
    return true;
}

/*
 * Every ping is answered, but not without end: one who asks and never reads gets no more
 * than half of the control frames' room (RFC 6455 section 5.5.3 allows to answer the
 * latest only).
 */
static void pong(struct msim_connection *connection, const unsigned char *bytes, size_t length)
{
    uint32_t size = (uint32_t)(length + MSIM_FRAME_HEAD_MAX);

    if (connection->impairments & MSIM_IMPAIR_PING)
        return;
    if (connection->pong_bytes + size > MSIM_CONTROL_ROOM / 2)
        return;
    if (append_frame(connection, MSIM_OPCODE_PONG, bytes, length) < 0)
        return;
    connection->pong_bytes += size;
    msim_connection_touch(connection);
}

/* Queues a close frame; false where it cannot be: the end is the answer then. */
static bool append_close(struct msim_connection *connection, int code, const void *reason,
                         size_t length)
{
    unsigned char payload[MSIM_FRAME_CONTROL_MAX];
    size_t size = 0;

    msim_hub_leave(connection);
    if (code != MSIM_CLOSE_NONE) {
        payload[0] = (unsigned char)(code >> 8);
        payload[1] = (unsigned char)code;
        if (length > 0)
            memcpy(payload + 2, reason, length);
        size = length + 2;
    }
    return append_frame(connection, MSIM_OPCODE_CLOSE, payload, size) == MSIM_OK;
}

/* Nothing of its topics comes behind a close frame.  Below zero where it has ended meanwhile. */
static int settle(struct msim_connection *connection)
{
    int r = msim_hub_settle(connection, 0);

    if (r == MSIM_ERR_NOMEM)
        msim_connection_end(connection);
    return connection->state == MSIM_OPEN ? MSIM_OK : MSIM_ERR_CLOSED;
}

/* A reason's length, cut to what a close frame holds at a character's boundary. */
static size_t reason_length(const char *reason)
{
    size_t length = strlen(reason);

    if (length <= REASON_MAX)
        return length;
    length = REASON_MAX;
    while (length > 0 && ((unsigned char)reason[length] & 0xC0) == 0x80)
        length--;
    return length;
}

void msim_connection_close(struct msim_connection *connection, int code, const char *reason)
{
    if (!connection)
        return;
    if (connection->state < MSIM_OPEN) {
        msim_connection_abort(connection);
        return;
    }
    if (connection->state != MSIM_OPEN || settle(connection) < 0)
        return;
    if (!reason)
        reason = "";
    size_t length = reason_length(reason);
    if (!msim_ws_code_travels(code))
        code = MSIM_CLOSE_NONE;
    if (!msim_utf8_valid(reason, length) || code == MSIM_CLOSE_NONE)
        length = 0;
    if (!append_close(connection, code, reason, length)) {
        msim_connection_end(connection);
        return;
    }
    msim_connection_explain(connection, reason, length);
    connection->intended = (uint16_t)code;
    connection->state = MSIM_CLOSING;
    connection->since = msim_net_now(connection->net);
    msim_wheel_set(&connection->net->wheel, &connection->timer,
                   msim_time_after(connection->since, connection->endpoint->limits.close_timeout));
    msim_connection_touch(connection);
}

/* ---- in ---- */

/* The peer broke the rules: say so, and read nothing more. */
static void fail(struct msim_connection *connection, const struct msim_ws_fault *fault)
{
    msim_log(&connection->net->logger, MSIM_LOG_INFO, "net", "%s: closed with %d: %s",
             connection->peer, fault->code, fault->words);
    connection->code = (uint16_t)fault->code;
    if (connection->state == MSIM_OPEN && settle(connection) == MSIM_OK) {
        msim_connection_explain(connection, fault->words, strlen(fault->words));
        if (!append_close(connection, fault->code, fault->words, strlen(fault->words))) {
            msim_connection_end(connection);
            return;
        }
    }
    msim_connection_linger(connection);
}

/* Is it within the rate of whoever sent it? */
static bool may_say(struct msim_connection *connection)
{
    if (connection->state != MSIM_OPEN || !connection->guest ||
        msim_guest_says(connection->guest, connection->net->now))
        return true;
    fail(connection,
         &(struct msim_ws_fault){MSIM_CLOSE_POLICY, "more messages than the rate of them allows"});
    return false;
}

static bool take_message(void *context, enum msim_message_kind kind, const unsigned char *bytes,
                         size_t length)
{
    struct msim_connection *connection = context;
    const struct msim_endpoint *endpoint = connection->endpoint;

    connection->message_since = 0;
    connection->net->stats.messages_received++;
    if (!may_say(connection))
        return false;
    if (connection->state == MSIM_OPEN && endpoint->handler.message &&
        !(connection->impairments & MSIM_IMPAIR_TAKE))
        endpoint->handler.message(endpoint->context, connection, kind, bytes, length);
    return connection->state < MSIM_LINGERING;
}

static void take_close(struct msim_connection *connection, const unsigned char *bytes,
                       size_t length)
{
    struct msim_ws_fault fault;
    struct msim_ws_close close;

    if (msim_ws_read_close(&close, bytes, length, &fault) < 0) {
        fail(connection, &fault);
        return;
    }
    if (connection->state == MSIM_CLOSING || settle(connection) < 0) {
        if (connection->state == MSIM_CLOSING)
            connection->code = connection->intended;
    } else {
        connection->by_peer = true;
        connection->code = (uint16_t)close.code;
        msim_connection_explain(connection, (const char *)close.reason, close.reason_length);
        if (!append_close(connection, close.code, NULL, 0)) {
            msim_connection_end(connection);
            return;
        }
    }
    msim_connection_linger(connection);
}

static bool take_control(void *context, enum msim_opcode opcode, const unsigned char *bytes,
                         size_t length)
{
    struct msim_connection *connection = context;

    if (!connection->ws.message)
        connection->message_since = 0;
    if (opcode == MSIM_OPCODE_CLOSE) {
        take_close(connection, bytes, length);
        return false;
    }
    if (opcode == MSIM_OPCODE_PING && !may_say(connection))
        return false;
    if (opcode == MSIM_OPCODE_PING && connection->state == MSIM_OPEN)
        pong(connection, bytes, length);
    return connection->state < MSIM_LINGERING;
}

/* A message has begun and not ended: who sends it byte by byte must not hold its memory for ever.
 */
static void begin_to_wait(struct msim_connection *connection)
{
    const struct msim_connection_limits *limits = &connection->endpoint->limits;
    msim_time patience = limits->message_timeout < limits->ping_interval ? limits->message_timeout
                                                                         : limits->ping_interval;

    connection->message_since = connection->net->now;
    msim_wheel_set(&connection->net->wheel, &connection->timer,
                   msim_time_after(connection->net->now, patience));
}

void msim_channel_receive(struct msim_connection *connection, unsigned char *bytes, size_t length)
{
    const struct msim_ws_sink sink = {
        .message = take_message,
        .control = take_control,
        .context = connection,
        .max_message_bytes = connection->endpoint->limits.max_message_bytes,
    };
    struct msim_ws_fault fault;

    if (msim_ws_feed(&connection->ws, &sink, bytes, length, &fault) == MSIM_WS_FAULT)
        fail(connection, &fault);
    else if (connection->state == MSIM_OPEN && connection->message_since == 0 &&
             msim_ws_is_amid(&connection->ws))
        begin_to_wait(connection);
}

void msim_channel_hurry(struct msim_connection *connection)
{
    fail(connection, &(struct msim_ws_fault){MSIM_CLOSE_POLICY, "the message takes too long"});
}

void msim_channel_open(struct msim_connection *connection)
{
    const struct msim_endpoint *endpoint = connection->endpoint;

    connection->state = MSIM_OPEN;
    connection->is_told = true;
    connection->net->stats.websockets++;
    connection->heard = msim_net_now(connection->net);
    msim_wheel_set(&connection->net->wheel, &connection->timer,
                   msim_time_after(connection->heard, endpoint->limits.ping_interval));
    if (endpoint->handler.opened)
        endpoint->handler.opened(endpoint->context, connection);
}
