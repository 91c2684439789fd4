/*
 * Sessions: their table, their queues, their heartbeats and their ends.
 *
 * A session is a queue and a heartbeat; what carries it, polls or a WebSocket, comes to fetch.
 * Nothing is freed and no `closed` called but in a turn, so inside a handler every session may
 * be used, over or not.
 */
#include "server/engineio/inside.h"

#include <stdio.h>
#include <string.h>

#include "base/detail.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "server/identity.h"

#define DEFAULT_SESSIONS 16384
#define DEFAULT_QUEUE_BYTES ((size_t)64 << 20)
#define DEFAULT_QUEUE_PACKETS 65536
#define DEFAULT_PAYLOAD 1000000
#define MOST_SESSIONS ((size_t)1 << 24)
#define MOST_PAYLOAD ((size_t)1 << 30)

/* ---- the table ---- */

static size_t slot_of(const struct msim_engineio *engine, const char *text, size_t length)
{
    return (size_t)msim_fnv(text, length) & engine->table_mask;
}

struct msim_engineio_session *msim_eio_find(const struct msim_engineio *engine, const char *id)
{
    size_t length = strlen(id);

    if (length != MSIM_IDENTITY_LENGTH)
        return NULL;
    struct msim_engineio_session *session = engine->table[slot_of(engine, id, length)];
    while (session && strcmp(session->id, id) != 0)
        session = session->next_same;
    return session;
}

static void table_remove(struct msim_engineio_session *session)
{
    struct msim_engineio *engine = session->engine;
    struct msim_engineio_session **link =
        &engine->table[slot_of(engine, session->id, MSIM_IDENTITY_LENGTH)];

    while (*link != session)
        link = &(*link)->next_same;
    *link = session->next_same;
}

/* The host's part of "127.0.0.1:4711", "[::1]:4711". */
static size_t host_length(const char *peer)
{
    const char *colon = strrchr(peer, ':');

    return colon ? (size_t)(colon - peer) : strlen(peer);
}

static int address_take(struct msim_engineio *engine, const char *peer,
                        struct msim_eio_address **out)
{
    size_t length = host_length(peer);
    struct msim_eio_address **slot = &engine->addresses[slot_of(engine, peer, length)];
    struct msim_eio_address *address = *slot;

    while (address && (strlen(address->text) != length || memcmp(address->text, peer, length) != 0))
        address = address->next;
    if (!address) {
        size_t size = sizeof *address + length + 1;
        address = msim_mem_zero(&engine->allocator, size);
        if (!address)
            return MSIM_ERR_NOMEM;
        address->size = size;
        memcpy(address->text, peer, length);
        address->next = *slot;
        *slot = address;
    }
    if (address->sessions >= engine->params.max_sessions_per_address)
        return MSIM_ERR_LIMIT;
    address->sessions++;
    *out = address;
    return MSIM_OK;
}

static void address_give(struct msim_engineio *engine, struct msim_eio_address *address)
{
    if (--address->sessions > 0)
        return;
    struct msim_eio_address **link =
        &engine->addresses[slot_of(engine, address->text, strlen(address->text))];
    while (*link != address)
        link = &(*link)->next;
    *link = address->next;
    msim_mem_free(&engine->allocator, address, address->size);
}

/* ---- a session's beginning ---- */

int msim_eio_create(struct msim_engineio *engine, struct msim_engineio_session **out,
                    const char *peer, const struct msim_caller *caller)
{
    struct msim_eio_address *address;

    if (engine->is_stopping || engine->stats.sessions >= engine->params.max_sessions)
        return MSIM_ERR_LIMIT;
    int r = address_take(engine, peer, &address);
    if (r < 0)
        return r;
    struct msim_engineio_session *session = msim_mem_zero(&engine->allocator, sizeof *session);
    if (!session || !msim_identity(session->id)) {
        r = session ? MSIM_ERR_IO : MSIM_ERR_NOMEM;
        msim_mem_free(&engine->allocator, session, sizeof *session);
        address_give(engine, address);
        return r;
    }
    session->engine = engine;
    session->address = address;
    session->role = caller ? caller->role : MSIM_ROLE_ADMIN;
    snprintf(session->peer, sizeof session->peer, "%s", peer);
    msim_bytes_init(&session->body, engine->params.max_payload_bytes, &engine->allocator);

    size_t slot = slot_of(engine, session->id, MSIM_IDENTITY_LENGTH);
    session->next_same = engine->table[slot];
    engine->table[slot] = session;
    session->next = engine->sessions;
    session->link = &engine->sessions;
    if (session->next)
        session->next->link = &session->next;
    engine->sessions = session;
    engine->stats.sessions++;
    engine->stats.opened++;
    msim_eio_rest(session);
    *out = session;
    return MSIM_OK;
}

void msim_eio_begin(struct msim_engineio_session *session)
{
    struct msim_engineio *engine = session->engine;

    session->is_counted = true;
    msim_log(&engine->logger, MSIM_LOG_DEBUG, "engineio", "%s: session %.6s... opened by %s",
             session->peer, session->id, session->websocket ? "websocket" : "polling");
    if (engine->handler.opened)
        engine->handler.opened(engine->context, session);
}

int msim_eio_greeting(const struct msim_engineio_session *session, bool offers_upgrade, char *out,
                      size_t size)
{
    const struct msim_engineio_params *params = &session->engine->params;

    return snprintf(out, size,
                    "{\"sid\":\"%s\",\"upgrades\":[%s],\"pingInterval\":%lld,"
                    "\"pingTimeout\":%lld,\"maxPayload\":%zu}",
                    session->id, offers_upgrade && !params->no_websocket ? "\"websocket\"" : "",
                    (long long)(params->ping_interval / MSIM_NS_PER_MS),
                    (long long)(params->ping_timeout / MSIM_NS_PER_MS), params->max_payload_bytes);
}

void msim_eio_rest(struct msim_engineio_session *session)
{
    struct msim_engineio *engine = session->engine;

    session->awaits_pong = session->is_extended = false;
    msim_wait_begin(&engine->to_ping, &session->heartbeat, session, msim_net_now(engine->net));
}

/* ---- its queue ---- */

struct msim_engineio_packet *msim_eio_first(const struct msim_engineio_session *session)
{
    return session->queue_count > 0 ? session->queue[session->queue_first] : NULL;
}

void msim_eio_drop_first(struct msim_engineio_session *session)
{
    struct msim_engineio_packet **first = &session->queue[session->queue_first];

    session->queue_bytes -= (*first)->size;
    session->queue_first = (session->queue_first + 1) % session->queue_capacity;
    session->queue_count--;
    session->handed = 0;
    msim_engineio_packet_release(first);
}

/* Twice as large, with its first one at the front. */
static int grow(struct msim_engineio_session *session)
{
    const struct msim_allocator *allocator = &session->engine->allocator;
    size_t capacity = session->queue_capacity > 0 ? 2 * session->queue_capacity : 4;
    struct msim_engineio_packet **queue =
        msim_mem_zero_array(allocator, capacity, sizeof(struct msim_engineio_packet *));

    if (!queue)
        return MSIM_ERR_NOMEM;
    for (size_t i = 0; i < session->queue_count; i++)
        queue[i] = session->queue[(session->queue_first + i) % session->queue_capacity];
    msim_mem_free(allocator, session->queue, session->queue_capacity * sizeof(void *));
    session->queue = queue;
    session->queue_capacity = capacity;
    session->queue_first = 0;
    return MSIM_OK;
}

int msim_eio_enqueue(struct msim_engineio_session *session, struct msim_engineio_packet *packet)
{
    if (session->queue_count == session->queue_capacity) {
        int r = grow(session);
        if (r < 0)
            return r;
    }
    size_t place = (session->queue_first + session->queue_count) % session->queue_capacity;
    session->queue[place] = msim_eio_packet_share(packet);
    session->queue_count++;
    session->queue_bytes += packet->size;
    msim_eio_touch(session);
    return MSIM_OK;
}

void msim_eio_touch(struct msim_engineio_session *session)
{
    struct msim_engineio *engine = session->engine;

    if (session->is_dirty)
        return;
    session->is_dirty = true;
    session->next_dirty = NULL;
    *engine->dirty_end = session;
    engine->dirty_end = &session->next_dirty;
    msim_net_wake(engine->net);
}

int msim_engineio_send_packet(struct msim_engineio_session *session,
                              struct msim_engineio_packet *packet)
{
    if (!session || !packet)
        return MSIM_ERR_INVALID;
    struct msim_engineio *engine = session->engine;
    const struct msim_engineio_params *params = &engine->params;

    if (session->state != MSIM_SESSION_OPEN)
        return MSIM_ERR_CLOSED;
    if (session->queue_count >= params->max_queue_packets ||
        packet->size > params->max_queue_bytes ||
        session->queue_bytes > params->max_queue_bytes - packet->size) {
        session->was_refused = true;
        engine->stats.messages_full++;
        return MSIM_ERR_LIMIT;
    }
    int r = msim_eio_enqueue(session, packet);
    if (r == MSIM_OK)
        engine->stats.messages_out++;
    return r;
}

int msim_engineio_packet_create(struct msim_engineio *engine, struct msim_engineio_packet **out,
                                enum msim_message_kind kind, const void *bytes, size_t length)
{
    if (!engine || !out || (!bytes && length > 0) ||
        (kind != MSIM_MESSAGE_TEXT && kind != MSIM_MESSAGE_BINARY))
        return MSIM_ERR_INVALID;
    struct msim_engineio_packet *packet =
        msim_eio_packet_create(&engine->allocator, '4', kind, bytes, length);
    if (!packet)
        return MSIM_ERR_NOMEM;
    *out = packet;
    return MSIM_OK;
}

int msim_engineio_send(struct msim_engineio_session *session, enum msim_message_kind kind,
                       const void *bytes, size_t length)
{
    struct msim_engineio_packet *packet = NULL;

    if (!session)
        return MSIM_ERR_INVALID;
    int r = msim_engineio_packet_create(session->engine, &packet, kind, bytes, length);
    if (r < 0)
        return r;
    r = msim_engineio_send_packet(session, packet);
    msim_engineio_packet_release(&packet);
    return r;
}

/* ---- what comes in ---- */

static void take_pong(struct msim_engineio_session *session)
{
    if (session->awaits_pong)
        msim_eio_rest(session);
}

/* A long upload keeps the pong from coming: some more time, once for each ping. */
static void show_life(struct msim_engineio_session *session)
{
    struct msim_engineio *engine = session->engine;

    if (!session->awaits_pong || session->is_extended)
        return;
    session->is_extended = true;
    msim_wait_begin(&engine->to_pong, &session->heartbeat, session, msim_net_now(engine->net));
}

static void take_message(struct msim_engineio_session *session, enum msim_message_kind kind,
                         const unsigned char *bytes, size_t length)
{
    struct msim_engineio *engine = session->engine;

    show_life(session);
    engine->stats.messages_in++;
    if (engine->handler.message)
        engine->handler.message(engine->context, session, kind, bytes, length);
}

/* The peer says goodbye: its held poll, or the next one for a moment, gets an answer still. */
static void part(struct msim_engineio_session *session)
{
    struct msim_engineio *engine = session->engine;

    if (session->websocket || session->get) {
        msim_eio_polling_farewell(session, engine->noop);
        msim_eio_end(session, "client disconnect");
        return;
    }
    session->state = MSIM_SESSION_PARTED;
    session->reason = "client disconnect";
    msim_wait_stop(&session->heartbeat);
    msim_wait_begin(&engine->to_part, &session->closing, session, msim_net_now(engine->net));
}

bool msim_eio_packet(struct msim_engineio_session *session, enum msim_message_kind kind,
                     const unsigned char *bytes, size_t length)
{
    if (session->state != MSIM_SESSION_OPEN)
        return true;
    if (kind == MSIM_MESSAGE_BINARY) {
        take_message(session, kind, bytes, length);
        return true;
    }
    if (length == 0) {
        msim_eio_end(session, "parse error");
        return false;
    }
    switch (bytes[0]) {
    case '4':
        take_message(session, kind, bytes + 1, length - 1);
        return true;
    case '3':
        take_pong(session);
        return true;
    case '1':
        part(session);
        return true;
    case '0':
    case '5':
    case '6':
        return true;
    default:
        /* A ping is the server's to send. */
        msim_eio_end(session, "parse error");
        return false;
    }
}

/* ---- its end ---- */

void msim_eio_end(struct msim_engineio_session *session, const char *reason)
{
    struct msim_engineio *engine = session->engine;

    if (session->state == MSIM_SESSION_DEAD)
        return;
    session->state = MSIM_SESSION_DEAD;
    if (!session->reason)
        session->reason = reason;
    msim_log(&engine->logger, MSIM_LOG_DEBUG, "engineio", "%s: session %.6s... ended: %s",
             session->peer, session->id, session->reason);
    table_remove(session);
    *session->link = session->next;
    if (session->next)
        session->next->link = session->link;
    engine->stats.sessions--;
    msim_wait_stop(&session->heartbeat);
    msim_wait_stop(&session->upgrade);
    msim_wait_stop(&session->closing);
    msim_eio_polling_farewell(session, engine->close);
    msim_eio_polling_forget(session);
    msim_eio_websocket_drop_probe(session);
    if (session->websocket) {
        struct msim_connection *websocket = session->websocket;
        session->websocket = NULL;
        engine->stats.websockets--;
        msim_connection_set_user(websocket, NULL);
        msim_connection_close(websocket,
                              engine->is_stopping ? MSIM_CLOSE_GOING_AWAY : MSIM_CLOSE_NORMAL,
                              session->reason);
    }
    session->next_dead = NULL;
    *engine->dead_end = session;
    engine->dead_end = &session->next_dead;
    msim_net_wake(engine->net);
}

static void session_free(struct msim_engineio_session *session)
{
    struct msim_engineio *engine = session->engine;

    while (session->queue_count > 0)
        msim_eio_drop_first(session);
    msim_mem_free(&engine->allocator, session->queue, session->queue_capacity * sizeof(void *));
    msim_bytes_finish(&session->body);
    address_give(engine, session->address);
    msim_mem_free(&engine->allocator, session, sizeof *session);
}

void msim_engineio_close(struct msim_engineio_session *session, const char *reason)
{
    if (!session || session->state != MSIM_SESSION_OPEN)
        return;
    struct msim_engineio *engine = session->engine;

    session->reason = reason ? reason : "server disconnect";
    if (!session->websocket && msim_eio_enqueue(session, engine->close) < 0) {
        msim_eio_end(session, session->reason);
        return;
    }
    session->state = MSIM_SESSION_CLOSING;
    msim_wait_stop(&session->heartbeat);
    msim_eio_websocket_drop_probe(session);
    msim_wait_begin(&engine->to_close, &session->closing, session, msim_net_now(engine->net));
    msim_eio_touch(session);
}

void msim_engineio_fail(struct msim_engineio_session *session, const char *reason)
{
    if (session)
        msim_eio_end(session, reason ? reason : "parse error");
}

/* ---- the turn ---- */

static void ping(struct msim_engineio_session *session)
{
    struct msim_engineio *engine = session->engine;

    if (msim_eio_enqueue(session, engine->ping) < 0) {
        msim_eio_end(session, "out of memory");
        return;
    }
    session->awaits_pong = true;
    session->is_extended = false;
    /* Counted from when it was due: a poll that never comes does not make it later. */
    msim_wait_begin(&engine->to_pong, &session->heartbeat, session, session->heartbeat.due);
}

void msim_eio_expire(struct msim_engineio *engine, msim_time now)
{
    struct msim_engineio_session *session;

    while ((session = msim_patience_pop(&engine->to_ping, now)))
        ping(session);
    while ((session = msim_patience_pop(&engine->to_pong, now))) {
        engine->stats.timed_out++;
        msim_eio_end(session, "ping timeout");
    }
    while ((session = msim_patience_pop(&engine->to_upgrade, now)))
        msim_eio_websocket_drop_probe(session);
    while ((session = msim_patience_pop(&engine->to_close, now)))
        msim_eio_end(session, session->reason);
    while ((session = msim_patience_pop(&engine->to_part, now)))
        msim_eio_end(session, session->reason);
}

static void flush(struct msim_engineio_session *session)
{
    struct msim_engineio *engine = session->engine;

    if (session->is_new) {
        session->is_new = false;
        msim_eio_touch(session);
        return;
    }
    if (session->websocket)
        msim_eio_websocket_pump(session);
    else
        msim_eio_polling_flush(session);
    if (session->state == MSIM_SESSION_CLOSING && session->queue_count == 0)
        msim_eio_end(session, session->reason);
    if (session->state == MSIM_SESSION_OPEN && session->was_refused && session->queue_count == 0) {
        session->was_refused = false;
        if (engine->handler.drained)
            engine->handler.drained(engine->context, session);
    }
}

/* Those that are touched while this goes on wait for the next turn. */
static void flush_all(struct msim_engineio *engine)
{
    struct msim_engineio_session *next = engine->dirty;

    engine->dirty = NULL;
    engine->dirty_end = &engine->dirty;
    while (next) {
        struct msim_engineio_session *session = next;
        next = session->next_dirty;
        session->is_dirty = false;
        if (session->state != MSIM_SESSION_DEAD)
            flush(session);
    }
}

static void bury(struct msim_engineio *engine)
{
    struct msim_engineio_session *next = engine->dead;
    struct msim_engineio_session *kept = NULL;

    engine->dead = NULL;
    engine->dead_end = &engine->dead;
    while (next) {
        struct msim_engineio_session *session = next;
        next = session->next_dead;
        if (session->is_counted && engine->handler.closed) {
            session->is_counted = false;
            engine->handler.closed(engine->context, session, session->reason);
        }
        if (session->is_dirty) { /* it stands in that list still */
            session->next_dead = kept;
            kept = session;
            continue;
        }
        session_free(session);
    }
    while (kept) {
        struct msim_engineio_session *session = kept;
        kept = session->next_dead;
        session->next_dead = NULL;
        *engine->dead_end = session;
        engine->dead_end = &session->next_dead;
    }
}

static msim_time sooner(msim_time a, msim_time b)
{
    return a < b ? a : b;
}

msim_time msim_engineio_turn(struct msim_engineio *engine, msim_time now)
{
    if (!engine)
        return MSIM_TIME_NEVER;
    msim_eio_expire(engine, now);
    flush_all(engine);
    bury(engine);
    if (engine->dirty || engine->dead)
        return now;
    msim_time next =
        sooner(msim_patience_next(&engine->to_ping), msim_patience_next(&engine->to_pong));
    next = sooner(next, msim_patience_next(&engine->to_upgrade));
    next = sooner(next, msim_patience_next(&engine->to_close));
    return sooner(next, msim_patience_next(&engine->to_part));
}

void msim_engineio_stop(struct msim_engineio *engine)
{
    if (!engine)
        return;
    engine->is_stopping = true;
    while (engine->sessions)
        msim_eio_end(engine->sessions, "server shutdown");
}

/* ---- life ---- */

static void set_defaults(struct msim_engineio_params *params)
{
    if (params->ping_interval == 0)
        params->ping_interval = 25 * MSIM_NS_PER_S;
    if (params->ping_timeout == 0)
        params->ping_timeout = 20 * MSIM_NS_PER_S;
    if (params->upgrade_timeout == 0)
        params->upgrade_timeout = 10 * MSIM_NS_PER_S;
    if (params->closing_timeout == 0)
        params->closing_timeout = 30 * MSIM_NS_PER_S;
    if (params->max_payload_bytes == 0)
        params->max_payload_bytes = DEFAULT_PAYLOAD;
    if (params->max_sessions == 0)
        params->max_sessions = DEFAULT_SESSIONS;
    if (params->max_sessions_per_address == 0)
        params->max_sessions_per_address = DEFAULT_SESSIONS;
    if (params->max_queue_bytes == 0)
        params->max_queue_bytes = DEFAULT_QUEUE_BYTES;
    if (params->max_queue_packets == 0)
        params->max_queue_packets = DEFAULT_QUEUE_PACKETS;
}

static int check(const struct msim_engineio_params *params, struct msim_detail *detail)
{
    if (!params || params->size != sizeof *params || !params->net)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "params must come from MSIM_ENGINEIO_PARAMS_INIT and have a net");
    if (params->ping_interval < 0 || params->ping_timeout < 0 || params->upgrade_timeout < 0 ||
        params->closing_timeout < 0)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "a time of Engine.IO is negative");
    if (params->max_sessions > MOST_SESSIONS || params->max_payload_bytes > MOST_PAYLOAD)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "no more than %zu sessions and payloads of %zu bytes", MOST_SESSIONS,
                               MOST_PAYLOAD);
    return MSIM_OK;
}

static int take_memory(struct msim_engineio *engine)
{
    size_t slots = 16;

    while (slots < engine->params.max_sessions && slots < 65536)
        slots *= 2;
    engine->table_mask = slots - 1;
    engine->table = msim_mem_zero_array(&engine->allocator, slots, sizeof(void *));
    engine->addresses = msim_mem_zero_array(&engine->allocator, slots, sizeof(void *));
    engine->ping = msim_eio_packet_create(&engine->allocator, '2', MSIM_MESSAGE_TEXT, "", 0);
    engine->close = msim_eio_packet_create(&engine->allocator, '1', MSIM_MESSAGE_TEXT, "", 0);
    engine->noop = msim_eio_packet_create(&engine->allocator, '6', MSIM_MESSAGE_TEXT, "", 0);
    return engine->table && engine->addresses && engine->ping && engine->close && engine->noop
               ? MSIM_OK
               : MSIM_ERR_NOMEM;
}

int msim_engineio_create(struct msim_engineio **out, const struct msim_engineio_params *params,
                         struct msim_detail *detail)
{
    if (!out)
        return MSIM_ERR_INVALID;
    int r = check(params, detail);
    if (r < 0)
        return r;
    struct msim_allocator allocator = msim_mem_allocator(params->allocator);
    struct msim_engineio *engine = msim_mem_zero(&allocator, sizeof *engine);
    if (!engine)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "%s", msim_result_text(MSIM_ERR_NOMEM));
    engine->allocator = allocator;
    engine->logger = msim_log_logger(params->logger);
    engine->net = params->net;
    engine->handler = params->handler;
    engine->context = params->context;
    engine->params = *params;
    engine->params.allocator = NULL;
    engine->params.logger = NULL;
    set_defaults(&engine->params);
    engine->dirty_end = &engine->dirty;
    engine->dead_end = &engine->dead;
    msim_patience_init(&engine->to_ping, engine->params.ping_interval);
    msim_patience_init(&engine->to_pong, engine->params.ping_timeout);
    msim_patience_init(&engine->to_upgrade, engine->params.upgrade_timeout);
    msim_patience_init(&engine->to_close, engine->params.closing_timeout);
    msim_patience_init(&engine->to_part, MSIM_PARTING_NS);
    msim_bytes_init(&engine->scratch, SIZE_MAX / 4, &engine->allocator);
    if (take_memory(engine) < 0) {
        msim_engineio_destroy(&engine);
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "%s", msim_result_text(MSIM_ERR_NOMEM));
    }
    *out = engine;
    return MSIM_OK;
}

void msim_engineio_destroy(struct msim_engineio **handle)
{
    struct msim_engineio *engine = handle ? *handle : NULL;
    if (!engine)
        return;

    msim_engineio_stop(engine);
    for (struct msim_engineio_session *next = engine->dirty; next; next = next->next_dirty)
        next->is_dirty = false;
    bury(engine);
    if (engine->table) {
        size_t slots = engine->table_mask + 1;
        msim_mem_free(&engine->allocator, engine->table, slots * sizeof(void *));
        msim_mem_free(&engine->allocator, engine->addresses, slots * sizeof(void *));
    }
    msim_engineio_packet_release(&engine->ping);
    msim_engineio_packet_release(&engine->close);
    msim_engineio_packet_release(&engine->noop);
    msim_bytes_finish(&engine->scratch);
    struct msim_allocator allocator = engine->allocator;
    msim_mem_free(&allocator, engine, sizeof *engine);
    *handle = NULL;
}

int msim_engineio_routes(struct msim_engineio *engine, const char *path,
                         struct msim_route routes[MSIM_ENGINEIO_ROUTES])
{
    if (!engine || !path || !routes)
        return MSIM_ERR_INVALID;
    /* Bodies are bounded by max_payload_bytes; a session whose client exceeds it is to end. */
    routes[0] = (struct msim_route){
        .path = path,
        .http = &msim_eio_polling_handler,
        .context = engine,
        .max_body_bytes = SIZE_MAX / 2,
    };
    routes[1] = (struct msim_route){
        .method = "GET",
        .path = path,
        .websocket = &msim_eio_websocket_handler,
        .context = engine,
    };
    return MSIM_OK;
}

void msim_engineio_limits(const struct msim_engineio *engine, struct msim_connection_limits *limits)
{
    if (!engine || !limits)
        return;
    if (limits->max_message_bytes == 0)
        limits->max_message_bytes = engine->params.max_payload_bytes;
    /* A binary message is longer in a poll, and others may stand before it. */
    if (limits->max_backlog_bytes == 0)
        limits->max_backlog_bytes = engine->params.max_queue_bytes / 3 * 4 + 2 * MSIM_POLL_BYTES;
    if (limits->low_water_bytes == 0)
        limits->low_water_bytes = MSIM_HANDED_BYTES / 2;
}

/* ---- what an owner asks ---- */

const char *msim_engineio_id(const struct msim_engineio_session *session)
{
    return session ? session->id : "";
}

const char *msim_engineio_peer(const struct msim_engineio_session *session)
{
    return session ? session->peer : "";
}

bool msim_engineio_is_websocket(const struct msim_engineio_session *session)
{
    return session && session->websocket;
}

enum msim_role msim_engineio_role(const struct msim_engineio_session *session)
{
    return session ? session->role : MSIM_ROLE_NONE;
}

size_t msim_engineio_backlog(const struct msim_engineio_session *session)
{
    return session ? session->queue_bytes : 0;
}

void msim_engineio_set_user(struct msim_engineio_session *session, void *user)
{
    if (session)
        session->user = user;
}

void *msim_engineio_user(const struct msim_engineio_session *session)
{
    return session ? session->user : NULL;
}

void msim_engineio_stats(const struct msim_engineio *engine, struct msim_engineio_stats *out)
{
    if (engine && out)
        *out = engine->stats;
}
