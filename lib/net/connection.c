#define _GNU_SOURCE /* epoll */
#include "net/connection.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "net/hub.h"
#include "net/impair.h"
#include "net/link.h"
#include "net/opening.h"
#include "net/socket.h"

/* Who queues more than this between two looks for life keeps the buffer, whatever its size. */
#define KEEP_BYTES (16 * 1024)

/* Who has queued no more than a ping since then has no use for one. */
#define PING_BYTES 16

/* So many answers to one read are written at once. */
#define EARLY_BYTES (16 * 1024)

/* One who closes gets so many times close_timeout, as long as its system takes what waits. */
#define CLOSE_DELAYS_MAX 60

/* Read at once from a link whose messages are compressed. */
#define DEFLATED_INPUT_BYTES (16 * 1024)

static void nothing_waits(struct msim_connection *connection);

/* ---- life ---- */

struct msim_connection *msim_connection_of_timer(struct msim_timer *timer)
{
    return (struct msim_connection *)((char *)timer - offsetof(struct msim_connection, timer));
}

static size_t size_for(size_t peer_room)
{
    return offsetof(struct msim_connection, peer) + peer_room;
}

struct msim_connection *msim_connection_create(struct msim_endpoint *endpoint,
                                               enum msim_ws_role role, const char *peer,
                                               size_t peer_room)
{
    struct msim_net *net = endpoint->net;
    size_t length = strlen(peer);

    assert(length < peer_room && peer_room <= UINT8_MAX);
    struct msim_connection *connection = msim_mem_zero(&net->allocator, size_for(peer_room));
    if (!connection)
        return NULL;
    connection->ready = (struct msim_ready){MSIM_READY_CONNECTION, -1};
    connection->net = net;
    connection->endpoint = msim_endpoint_share(endpoint);
    connection->ws.pool = &net->framers;
    connection->ws.role = (uint8_t)role;
    connection->code = MSIM_CLOSE_ABNORMAL;
    connection->since = connection->heard = msim_net_now(net);
    connection->peer_room = (uint8_t)peer_room;
    memcpy(connection->peer, peer, length + 1);
    msim_bytes_init(&connection->out, endpoint->limits.max_backlog_bytes + MSIM_CONTROL_ROOM,
                    &net->allocator);

    connection->next = net->connections;
    connection->link = &net->connections;
    if (connection->next)
        connection->next->link = &connection->next;
    net->connections = connection;
    net->connection_count++;
    return connection;
}

void msim_connection_discard(struct msim_connection *connection)
{
    struct msim_net *net = connection->net;

    msim_connection_detach(connection);
    msim_wheel_cancel(&net->wheel, &connection->timer);
    msim_opening_free(connection);
    msim_session_destroy(&connection->session);
    msim_ws_finish(&connection->ws);
    msim_deflate_link_free(connection->ws.deflate);
    msim_bytes_finish(&connection->out);
    if (connection->ending)
        msim_mem_free(&net->allocator, connection->ending, sizeof *connection->ending);
    msim_guest_free(connection->guest);
    msim_endpoint_drop(connection->endpoint);

    *connection->link = connection->next;
    if (connection->next)
        connection->next->link = connection->link;
    net->connection_count--;
    msim_mem_free(&net->allocator, connection, size_for(connection->peer_room));
}

bool msim_connection_attach(struct msim_connection *connection, int fd, uint32_t events)
{
    connection->ready.fd = fd;
    if (msim_net_poll(connection->net, EPOLL_CTL_ADD, &connection->ready, events) < 0) {
        connection->ready.fd = -1;
        return false;
    }
    connection->interest = events;
    return true;
}

void msim_connection_detach(struct msim_connection *connection)
{
    if (connection->ready.fd < 0)
        return;
    /* Closing alone does not take it out of epoll where a process that the host forked holds
     * the socket as well: its events would still point here. */
    msim_net_poll(connection->net, EPOLL_CTL_DEL, &connection->ready, 0);
    close(connection->ready.fd);
    connection->ready.fd = -1;
    connection->is_blocked = false;
    msim_listeners_room(connection->net);
}

void msim_connection_end(struct msim_connection *connection)
{
    struct msim_net *net = connection->net;

    if (connection->state == MSIM_ENDED)
        return;
    connection->state = MSIM_ENDED;
    msim_hub_leave(connection);
    msim_cuts_free(connection);
    msim_connection_detach(connection);
    msim_wheel_cancel(&net->wheel, &connection->timer);

    connection->next_ended = NULL;
    *net->ended_end = connection;
    net->ended_end = &connection->next_ended;
    msim_net_poke(net);
}

void msim_connection_explain(struct msim_connection *connection, const char *text, size_t length)
{
    const struct msim_allocator *allocator = &connection->net->allocator;

    if (length == 0 || connection->ending)
        return;
    connection->ending = msim_mem_take(allocator, sizeof *connection->ending);
    if (!connection->ending)
        return;
    size_t room = sizeof connection->ending->text - 1;
    if (length > room)
        length = room;
    memcpy(connection->ending->text, text, length);
    connection->ending->text[length] = '\0';
}

/* The link is of no use any more. */
static void lose(struct msim_connection *connection, const char *words)
{
    msim_connection_explain(connection, words, strlen(words));
    msim_connection_end(connection);
}

static void farewell(struct msim_connection *connection)
{
    const struct msim_endpoint *endpoint = connection->endpoint;
    struct msim_closing closing = {
        .code = connection->code,
        .reason = connection->ending ? connection->ending->text : "",
        .by_peer = connection->by_peer,
        .failure = connection->failure,
    };

    msim_opening_farewell(connection);
    if (connection->is_told && endpoint->handler.closed) {
        endpoint->handler.closed(endpoint->context, connection, &closing);
        msim_net_wake(connection->net);
    }
    msim_connection_discard(connection);
}

/* Those that end while these are told wait for the next turn: a handler that connects anew and
 * fails at once would keep this one from ending. */
void msim_connections_farewell(struct msim_net *net)
{
    struct msim_connection *next = net->ended;

    net->ended = NULL;
    net->ended_end = &net->ended;
    while (next) {
        struct msim_connection *connection = next;
        next = connection->next_ended;
        if (connection->is_dirty || connection->is_resumed) {
            /* It stands in another list as well, which drops it in the next turn. */
            connection->next_ended = NULL;
            *net->ended_end = connection;
            net->ended_end = &connection->next_ended;
        } else {
            farewell(connection);
        }
    }
}

void msim_connections_finish(struct msim_net *net)
{
    for (struct msim_connection *at = net->connections; at; at = at->next)
        msim_connection_end(at);
    for (struct msim_connection *at = net->dirty; at; at = at->next_dirty)
        at->is_dirty = false;
    for (struct msim_connection *at = net->resumed; at; at = at->next_resumed)
        at->is_resumed = false;
    net->dirty = net->resumed = NULL;
    net->dirty_end = &net->dirty;
    net->resumed_end = &net->resumed;
    while (net->ended)
        msim_connections_farewell(net);
    assert(!net->connections);
}

/* ---- writing ---- */

void msim_connection_look(struct msim_connection *connection)
{
    uint32_t events = connection->is_blocked ? (uint32_t)EPOLLOUT : 0;

    if (connection->is_stalled)
        events = EPOLLRDHUP;
    else if (!connection->is_read_closed && !(connection->impairments & MSIM_IMPAIR_READ))
        events |= (uint32_t)(msim_opening_pauses(connection) ? EPOLLRDHUP : EPOLLIN);

    if (events == connection->interest || connection->ready.fd < 0)
        return;
    if (msim_net_poll(connection->net, EPOLL_CTL_MOD, &connection->ready, events) == 0)
        connection->interest = events;
    else
        msim_connection_end(connection);
}

void msim_connection_touch(struct msim_connection *connection)
{
    struct msim_net *net = connection->net;

    if (connection->is_dirty || connection->is_blocked || connection->state == MSIM_ENDED)
        return;
    connection->is_dirty = true;
    connection->next_dirty = NULL;
    *net->dirty_end = connection;
    net->dirty_end = &connection->next_dirty;
    msim_net_poke(net);
}

/* Bytes that left show that the peer takes them: it is alive, and its time to close begins anew. */
static void note_progress(struct msim_connection *connection)
{
    msim_time now = msim_net_now(connection->net);

    if (connection->interest & EPOLLOUT)
        connection->heard = now;
    if (connection->state != MSIM_OPEN) /* there it is the ping's */
        connection->since = now;
}

static void check_low_water(struct msim_connection *connection)
{
    const struct msim_endpoint *endpoint = connection->endpoint;

    if (!connection->is_above ||
        msim_connection_waiting(connection) > endpoint->limits.low_water_bytes)
        return;
    connection->is_above = false;
    if (connection->state == MSIM_OPENING)
        msim_opening_drained(connection);
    if (connection->state == MSIM_OPEN && endpoint->handler.drained) {
        endpoint->handler.drained(endpoint->context, connection);
        msim_net_wake(connection->net);
    }
}

size_t msim_connection_waiting(const struct msim_connection *connection)
{
    return msim_bytes_length(&connection->out) + msim_hub_pending(connection);
}

static void flush_waiting(struct msim_connection *connection)
{
    size_t sent;

    enum msim_written written = msim_hub_write(connection, &sent);
    if (written == MSIM_WRITTEN_BROKEN) {
        msim_connection_end(connection);
        return;
    }
    connection->net->stats.bytes_sent += sent;
    if (sent > 0)
        note_progress(connection);
    connection->is_blocked = written == MSIM_WRITTEN_PART || msim_link_held(connection) > 0;
    if (connection->is_blocked || written != MSIM_WRITTEN_ALL)
        msim_hub_judge(connection);
}

/* TLS has failed: words for whoever hears of it. */
static void session_broken(struct msim_connection *connection)
{
    const char *words = msim_session_words(connection->session);

    if (connection->state == MSIM_OPENING && connection->ws.role == MSIM_WS_CLIENT) {
        msim_client_fail(connection, MSIM_ERR_FORMAT, "%s: %s", connection->opening->attempt->name,
                         words);
        return;
    }
    msim_log(&connection->net->logger, MSIM_LOG_INFO, "net", "%s: %s", connection->peer, words);
    lose(connection, words);
}

/* The handshake of TLS is done, and nothing of what it had to say is held any more. */
static bool session_takes(struct msim_connection *connection)
{
    struct msim_session *session = connection->session;

    msim_session_begin(session);
    if (msim_session_state(session) == MSIM_SESSION_BROKEN) {
        session_broken(connection);
        return false;
    }
    if (msim_session_flush(session) < 0 && errno != EAGAIN && errno != EINTR && errno != ENOBUFS) {
        msim_connection_end(connection);
        return false;
    }
    connection->is_blocked = msim_session_held(session) > 0;
    msim_connection_look(connection);
    return !connection->is_blocked && msim_session_state(session) != MSIM_SESSION_SHAKING;
}

/* One write: what the system does not take now waits until it says that it would. */
void msim_connection_flush(struct msim_connection *connection)
{
    if (connection->state == MSIM_ENDED || connection->state == MSIM_CONNECTING)
        return;
    if (connection->is_blocked || msim_connection_is_held(connection)) {
        msim_hub_judge(connection);
        /* The system may have room: one that is held must not ask for it. */
        msim_connection_look(connection);
        return;
    }
    if (connection->session && !session_takes(connection))
        return;
    size_t waiting = msim_connection_waiting(connection);
    if (waiting > connection->endpoint->limits.low_water_bytes)
        connection->is_above = true;
    if (waiting > 0 || connection->conflated > 0)
        flush_waiting(connection);
    if (connection->state == MSIM_ENDED)
        return;
    if (!connection->is_blocked && !msim_connection_is_held(connection))
        nothing_waits(connection);
    msim_connection_look(connection);
    check_low_water(connection);
}

void msim_connections_flush(struct msim_net *net)
{
    struct msim_connection *next = net->dirty;

    net->dirty = NULL;
    net->dirty_end = &net->dirty;
    while (next) {
        struct msim_connection *connection = next;
        next = connection->next_dirty;
        connection->is_dirty = false;
        msim_connection_flush(connection);
    }
}

/* ---- going on ---- */

void msim_connection_resume(struct msim_connection *connection)
{
    struct msim_net *net = connection->net;

    if (connection->is_resumed || connection->state == MSIM_ENDED)
        return;
    connection->is_resumed = true;
    connection->next_resumed = NULL;
    *net->resumed_end = connection;
    net->resumed_end = &connection->next_resumed;
    msim_net_poke(net);
}

void msim_connections_resume(struct msim_net *net)
{
    struct msim_connection *next = net->resumed;

    net->resumed = NULL;
    net->resumed_end = &net->resumed;
    while (next) {
        struct msim_connection *connection = next;
        next = connection->next_resumed;
        connection->is_resumed = false;
        if (connection->state == MSIM_OPENING)
            msim_opening_resume(connection);
    }
}

/* ---- ending ---- */

/* Since the last look for life. */
static uint64_t queued_lately(const struct msim_connection *connection)
{
    return connection->queued - connection->queued_before;
}

static void nothing_waits(struct msim_connection *connection)
{
    connection->pong_bytes = 0;
    /* While it is busy, the buffer stays as large as it has come to be, here or with the next who
     * writes: to give it back with each write would mean to grow it anew for each turn's
     * messages. */
    bool is_busy = connection->state == MSIM_OPEN ? queued_lately(connection) > PING_BYTES
                                                  : msim_opening_is_answering(connection);
    if (!is_busy)
        msim_bytes_shrink(&connection->out, 0);
    else if (connection->state == MSIM_OPEN)
        msim_net_lend(connection->net, &connection->out);
    if (connection->state != MSIM_LINGERING)
        return;
    if (connection->is_read_closed) {
        msim_connection_end(connection);
        return;
    }
    if (connection->session) {
        msim_session_bye(connection->session);
        connection->is_blocked = msim_session_held(connection->session) > 0;
        if (connection->is_blocked)
            return;
    }
    /* The server ends the link first (RFC 6455 section 7.1.1).  Half of it: were bytes of the
     * peer's unread, a full close would reset the link and could take our last words away. */
    if (connection->ws.role == MSIM_WS_SERVER)
        shutdown(connection->ready.fd, SHUT_WR);
}

void msim_connection_linger(struct msim_connection *connection)
{
    /* To say something may have shown that the link is broken: the end is the end. */
    if (connection->state == MSIM_ENDED)
        return;
    bool was_open = connection->state != MSIM_OPENING;
    connection->state = MSIM_LINGERING;
    connection->since = msim_net_now(connection->net);
    msim_opening_farewell(connection);
    if (connection->state == MSIM_ENDED)
        return;
    /* One that was open has it only while what came with the handshake is read out of it. */
    if (!was_open)
        msim_opening_free(connection);
    msim_ws_finish(&connection->ws);
    msim_wheel_set(&connection->net->wheel, &connection->timer,
                   msim_time_after(connection->since, connection->endpoint->limits.close_timeout));
    msim_connection_touch(connection);
}

void msim_connection_keep_out(struct msim_connection *connection, int admission)
{
    if (admission == MSIM_ADMIT_RESET) {
        msim_connection_abort(connection);
        return;
    }
    connection->is_stalled = true;
    msim_wheel_cancel(&connection->net->wheel, &connection->timer);
    msim_connection_look(connection);
}

/* ---- reading ---- */

/* The peer sends nothing more. */
static void read_end(struct msim_connection *connection)
{
    connection->is_read_closed = true;
    if (connection->state == MSIM_OPENING)
        msim_opening_cut(connection);
    else if (connection->state != MSIM_LINGERING)
        msim_connection_end(connection);
    if (connection->state == MSIM_LINGERING && msim_bytes_length(&connection->out) == 0)
        msim_connection_end(connection);
    msim_connection_look(connection);
}

static void take(struct msim_connection *connection, size_t length)
{
    struct msim_net *net = connection->net;

    net->stats.bytes_received += length;
    connection->heard = net->now;
    if (connection->impairments & MSIM_IMPAIR_HEAR)
        return;
    switch ((enum msim_connection_state)connection->state) {
    case MSIM_OPENING:
        msim_opening_receive(connection, net->input, length);
        break;
    case MSIM_OPEN:
    case MSIM_CLOSING:
        msim_channel_receive(connection, net->input, length);
        break;
    case MSIM_CONNECTING:
    case MSIM_LINGERING:
    case MSIM_ENDED:
        break;
    }
}

/* Somebody speaks HTTP where TLS is spoken, and can be told so. */
static void speak_plainly(struct msim_connection *connection)
{
    msim_session_destroy(&connection->session);
    msim_opening_refuse(connection, 400, "TLS is spoken here: use https:// or wss://");
}

static void receive_secured(struct msim_connection *connection)
{
    struct msim_net *net = connection->net;
    struct msim_session *session = connection->session;
    bool was_shaking = msim_session_state(session) == MSIM_SESSION_SHAKING;

    ssize_t length = msim_session_read(session, net->input, sizeof net->input);
    int error = errno;
    if (length > 0)
        take(connection, (size_t)length);
    if (connection->state == MSIM_ENDED)
        return;
    enum msim_session_state state = msim_session_state(session);
    if (state == MSIM_SESSION_PLAIN)
        speak_plainly(connection);
    else if (state == MSIM_SESSION_BROKEN)
        session_broken(connection);
    else if (state == MSIM_SESSION_ENDED || length == 0)
        read_end(connection);
    else if (length < 0 && error != EAGAIN && error != EINTR)
        msim_connection_end(connection);
    else if (was_shaking || msim_session_held(session) > 0)
        msim_connection_touch(connection);
}

/*
 * Many answers to what was read are written at once, and not at the turn's end: they are near yet,
 * and what others are told need not push them out of the caches.
 */
static void answer_now(struct msim_connection *connection)
{
    if (connection->state == MSIM_OPEN && connection->is_dirty && connection->conflated == 0 &&
        msim_hub_pending(connection) == 0)
        msim_connection_flush(connection);
}

static void receive(struct msim_connection *connection)
{
    struct msim_net *net = connection->net;

    if (connection->session) {
        receive_secured(connection);
        return;
    }
    /* What little may become much is taken in smaller bites. */
    size_t size = connection->ws.deflate ? DEFLATED_INPUT_BYTES : sizeof net->input;
    ssize_t length = recv(connection->ready.fd, net->input, size, 0);
    if (length > 0) {
        take(connection, (size_t)length);
        if (msim_bytes_length(&connection->out) >= EARLY_BYTES)
            answer_now(connection);
    } else if (length == 0)
        read_end(connection);
    else if (errno != EAGAIN && errno != EINTR)
        msim_connection_end(connection);
}

void msim_connection_ready(struct msim_connection *connection, uint32_t events)
{
    if (connection->state == MSIM_CONNECTING) {
        msim_client_ready(connection);
        return;
    }
    if (connection->is_stalled) {
        msim_connection_end(connection);
        return;
    }
    if (events & EPOLLOUT) {
        connection->is_blocked = false;
        msim_connection_touch(connection);
    }
    bool reads = !(connection->impairments & MSIM_IMPAIR_READ);
    if (events & EPOLLIN && reads)
        receive(connection);
    else if (events & EPOLLRDHUP && reads)
        read_end(connection);
    else if (events & (EPOLLERR | EPOLLHUP))
        msim_connection_end(connection);
}

/* ---- patience ---- */

static void wait_until(struct msim_connection *connection, msim_time due)
{
    msim_wheel_set(&connection->net->wheel, &connection->timer, due);
}

/* Until when the message that is under way may take. */
static msim_time message_due(const struct msim_connection *connection)
{
    if (connection->message_since == 0)
        return MSIM_TIME_NEVER;
    return msim_time_after(connection->message_since, connection->endpoint->limits.message_timeout);
}

/*
 * While the peer's system has not taken all that was sent, a ping would wait behind it for as
 * long as the peer cares to read: one that reads slowly, or stands in a debugger, is none the
 * less there.  Then its system's word is enough, which acknowledges what comes, if only to say
 * that there is no room.
 */
static bool is_behind(const struct msim_connection *connection)
{
    return msim_connection_waiting(connection) > 0 || msim_link_held(connection) > 0 ||
           msim_socket_untaken(connection->ready.fd) > 0;
}

static bool host_answers(const struct msim_connection *connection)
{
    const struct msim_connection_limits *limits = &connection->endpoint->limits;

    return msim_socket_answers(connection->ready.fd,
                               msim_time_after(limits->ping_interval, limits->ping_timeout));
}

/* A buffer larger than all that was queued since the last look is of no use: it goes. */
static void tidy(struct msim_connection *connection)
{
    if (queued_lately(connection) <= KEEP_BYTES)
        msim_bytes_shrink(&connection->out, (size_t)queued_lately(connection));
    connection->queued_before = connection->queued;
}

/* Silence is answered with a ping, and silence after that with the end. */
static void check_life(struct msim_connection *connection)
{
    const struct msim_connection_limits *limits = &connection->endpoint->limits;
    msim_time now = connection->net->now;

    tidy(connection);
    if (connection->impairments != 0) {
        wait_until(connection, msim_time_after(now, limits->ping_interval));
        return;
    }
    if (connection->is_pinged && connection->heard > connection->since)
        connection->is_pinged = false;

    msim_time message = message_due(connection);
    msim_time due = connection->is_pinged
                        ? msim_time_after(connection->since, limits->ping_timeout)
                        : msim_time_after(connection->heard, limits->ping_interval);
    if (message <= now) {
        msim_channel_hurry(connection);
        return;
    }
    bool behind = due <= now && is_behind(connection);
    if (behind && !host_answers(connection)) {
        lose(connection, "the peer's host does not answer any more");
        return;
    }
    if (due <= now && connection->is_pinged && !behind) {
        lose(connection, "the peer did not answer a ping");
        return;
    }
    if (behind) {
        /* The time to answer a ping begins when it is taken. */
        if (connection->is_pinged)
            connection->since = now;
        due = msim_time_after(now, limits->ping_timeout);
    } else if (due <= now) {
        if (!msim_channel_ping(connection)) {
            msim_connection_end(connection);
            return;
        }
        connection->is_pinged = true;
        connection->since = now;
        /* An answer is looked for as often as pings are due, so that they keep their beat. */
        due = msim_time_after(now, limits->ping_timeout < limits->ping_interval
                                       ? limits->ping_timeout
                                       : limits->ping_interval);
    }
    wait_until(connection, due < message ? due : message);
}

void msim_connection_expired(struct msim_connection *connection)
{
    const struct msim_connection_limits *limits = &connection->endpoint->limits;
    msim_time due;

    switch ((enum msim_connection_state)connection->state) {
    case MSIM_CONNECTING:
        msim_client_expired(connection);
        break;
    case MSIM_OPENING:
        msim_opening_expired(connection);
        break;
    case MSIM_OPEN:
        check_life(connection);
        break;
    case MSIM_CLOSING:
    case MSIM_LINGERING:
        due = msim_time_after(connection->since, limits->close_timeout);
        if (due > connection->net->now && connection->delays++ < CLOSE_DELAYS_MAX)
            wait_until(connection, due);
        else
            msim_connection_end(connection);
        break;
    case MSIM_ENDED:
        break;
    }
}

/* ---- what an owner asks ---- */

size_t msim_connection_backlog(const struct msim_connection *connection)
{
    return connection ? msim_connection_waiting(connection) : 0;
}

uint64_t msim_connection_queued(const struct msim_connection *connection)
{
    return connection ? connection->queued + msim_hub_pending(connection) : 0;
}

void msim_connection_set_user(struct msim_connection *connection, void *user)
{
    if (connection)
        connection->user = user;
}

void *msim_connection_user(const struct msim_connection *connection)
{
    return connection ? connection->user : NULL;
}

const char *msim_connection_peer(const struct msim_connection *connection)
{
    return connection ? connection->peer : "";
}

bool msim_connection_is_deflated(const struct msim_connection *connection)
{
    return connection && connection->ws.deflate;
}

bool msim_connection_is_secure(const struct msim_connection *connection)
{
    return connection && connection->session;
}

void msim_connection_abort(struct msim_connection *connection)
{
    struct linger none = {.l_onoff = 1, .l_linger = 0};

    if (!connection || connection->state == MSIM_ENDED)
        return;
    connection->code = MSIM_CLOSE_ABNORMAL;
    if (connection->state < MSIM_OPEN)
        connection->failure = MSIM_ERR_CLOSED;
    if (connection->ready.fd >= 0)
        setsockopt(connection->ready.fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    msim_connection_end(connection);
}
