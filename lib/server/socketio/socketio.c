/*
 * Socket.IO: what the packets of a session do.
 *
 * Whoever breaks the protocol loses the session; whoever asks for what is not there is told so
 * and may ask again.
 */
#include <stdio.h>
#include <string.h>

#include "base/detail.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/socketio/inside.h"

#define DEFAULT_CONNECT_TIMEOUT (45 * MSIM_NS_PER_S)
#define DEFAULT_ATTACHMENTS 10
#define DEFAULT_DEPTH 32

static void breach(struct msim_socketio_seat *seat, const char *reason)
{
    seat->socketio->stats.breaches++;
    msim_engineio_fail(seat->session, reason);
}

/* ---- joining ---- */

static const struct scope *namespace_find(const struct msim_socketio *socketio, const char *name,
                                          size_t length, size_t *place)
{
    for (size_t i = 0; i < socketio->namespace_count; i++) {
        const char *known = socketio->namespaces[i].name;
        if (strlen(known) == length && memcmp(known, name, length) == 0) {
            *place = i;
            return &socketio->namespaces[i];
        }
    }
    return NULL;
}

static void refuse_join(struct msim_socketio_seat *seat, const char *name_space, const char *words)
{
    char json[2 * MSIM_DETAIL_SIZE];
    struct msim_json_writer writer;
    size_t length = 0;

    seat->socketio->stats.refused++;
    msim_json_write_buffer(&writer, json, sizeof json);
    msim_json_write_object(&writer);
    msim_json_write_key(&writer, "message");
    msim_json_write_text(&writer, words);
    msim_json_write_object_end(&writer);
    if (msim_json_write_end(&writer, &length) < 0 ||
        msim_socketio_send(seat, MSIM_SIO_CONNECT_ERROR, name_space, json, length) < 0)
        breach(seat, "no room for a refusal");
}

/* A namespace's name as the client has it: it goes back as it came. */
static void refuse_namespace(struct msim_socketio_seat *seat,
                             const struct msim_socketio_packet *packet)
{
    const struct msim_allocator *allocator = &seat->socketio->allocator;
    char *name = msim_mem_text(allocator, packet->name_space, packet->name_space_length);

    if (!name) {
        breach(seat, "out of memory");
        return;
    }
    refuse_join(seat, name, "Invalid namespace");
    msim_mem_free(allocator, name, packet->name_space_length + 1);
}

/* Negative with words where its owner does not let it in. */
static int ask_owner(struct msim_socketio_client *client, const struct msim_socketio_packet *packet,
                     struct msim_detail *words)
{
    const struct msim_socketio_namespace *given = &client->name_space->given;

    if (!given->handler.connect)
        return MSIM_OK;
    return given->handler.connect(given->context, client, packet->json, packet->json_length, words);
}

static void welcome(struct msim_socketio_client *client)
{
    struct msim_socketio *socketio = client->socketio;
    const struct msim_socketio_namespace *given = &client->name_space->given;
    struct msim_socketio_seat *seat = client->seat;
    char json[48];

    int length = snprintf(json, sizeof json, "{\"sid\":\"%s\"}", client->id);
    if (msim_socketio_send(seat, MSIM_SIO_CONNECT, client->name_space->name, json, (size_t)length) <
        0) {
        breach(seat, "no room for a welcome");
        return;
    }
    msim_wait_stop(&seat->joining);
    client->has_joined = true;
    socketio->stats.clients++;
    socketio->stats.joined++;
    if (given->handler.connected)
        given->handler.connected(given->context, client);
}

static void join(struct msim_socketio_seat *seat, const struct msim_socketio_packet *packet)
{
    struct msim_socketio_client *client = NULL;
    struct msim_detail words = {"refused"};
    size_t place;

    const struct scope *name_space =
        namespace_find(seat->socketio, packet->name_space, packet->name_space_length, &place);
    if (!name_space) {
        refuse_namespace(seat, packet);
        return;
    }
    if (seat->clients[place]) {
        breach(seat, "joined twice");
        return;
    }
    if (msim_socketio_client_create(seat, place, &client) < 0) {
        breach(seat, "out of memory");
        return;
    }
    if (ask_owner(client, packet, &words) >= 0) {
        welcome(client);
    } else {
        msim_socketio_client_leave(client, "refused");
        refuse_join(seat, name_space->name, words.text);
    }
}

/* ---- events ---- */

/* The name without its quotes and escapes, terminated. */
static int read_name(struct msim_socketio *socketio, const struct msim_socketio_packet *packet,
                     size_t *length)
{
    struct msim_bytes *name = &socketio->name;
    size_t size = packet->name_end - packet->name_start + 1;
    unsigned char *room;

    msim_bytes_take(name, msim_bytes_length(name));
    msim_bytes_shrink(name, 4096);
    int r = msim_bytes_reserve(name, size, &room);
    if (r < 0)
        return r;
    if (packet->json[packet->name_start] == '"') {
        r = msim_json_string(packet->json, packet->name_start, packet->name_end, (char *)room, size,
                             length);
    } else {
        *length = size - 1;
        memcpy(room, packet->json + packet->name_start, *length);
        room[*length] = '\0';
    }
    msim_bytes_commit(name, size);
    return r;
}

static void tell_event(struct msim_socketio_client *client,
                       const struct msim_socketio_packet *packet,
                       const struct msim_socketio_bytes *attachments)
{
    struct msim_socketio *socketio = client->socketio;
    const struct msim_socketio_namespace *given = &client->name_space->given;
    size_t length = 0;

    if (read_name(socketio, packet, &length) < 0) {
        breach(client->seat, "out of memory");
        return;
    }
    const struct msim_socketio_event event = {
        .name = (const char *)msim_bytes_front(&socketio->name),
        .name_length = length,
        .arguments = packet->arguments,
        .arguments_length = packet->arguments_length,
        .attachments = attachments,
        .attachment_count = packet->attachments,
        .ack = packet->ack[0] != '\0' ? packet->ack : NULL,
    };
    socketio->stats.events_in++;
    if (given->handler.event)
        given->handler.event(given->context, client, &event);
}

/* ---- attachments ---- */

static void pending_free(struct msim_socketio_seat *seat)
{
    const struct msim_allocator *allocator = &seat->socketio->allocator;
    struct msim_socketio_pending *pending = seat->pending;

    msim_wait_stop(&seat->binary);
    if (!pending)
        return;
    seat->pending = NULL;
    msim_mem_free(allocator, pending->text, pending->text_length + 1);
    msim_bytes_finish(&pending->bytes);
    msim_mem_free(allocator, pending, sizeof *pending);
}

static void wait_for_attachments(struct msim_socketio_seat *seat, const char *text, size_t length,
                                 size_t wanted)
{
    struct msim_socketio *socketio = seat->socketio;
    const struct msim_allocator *allocator = &socketio->allocator;
    struct msim_socketio_pending *pending = msim_mem_zero(allocator, sizeof *pending);

    if (pending)
        pending->text = msim_mem_text(allocator, text, length);
    if (!pending || !pending->text) {
        msim_mem_free(allocator, pending, sizeof *pending);
        breach(seat, "out of memory");
        return;
    }
    pending->text_length = length;
    pending->wanted = wanted;
    msim_bytes_init(&pending->bytes, socketio->max_payload_bytes, allocator);
    seat->pending = pending;
    msim_wait_begin(&socketio->to_attach, &seat->binary, seat, msim_net_now(socketio->net));
}

static struct msim_socketio_client *client_of(const struct msim_socketio_seat *seat,
                                              const struct msim_socketio_packet *packet)
{
    size_t place;

    if (!namespace_find(seat->socketio, packet->name_space, packet->name_space_length, &place))
        return NULL;
    return seat->clients[place];
}

/* All are there.  The pending event is taken off first: its owner may end the session. */
static void finish_pending(struct msim_socketio_seat *seat)
{
    struct msim_socketio_pending *pending = seat->pending;
    struct msim_socketio_bytes attachments[MSIM_SOCKETIO_ATTACHMENTS_MAX];
    const unsigned char *at = msim_bytes_front(&pending->bytes);
    struct msim_socketio_packet packet;

    for (size_t i = 0; i < pending->count; i++) {
        attachments[i] = (struct msim_socketio_bytes){at, pending->lengths[i]};
        at += pending->lengths[i];
    }
    bool good = msim_socketio_packet_read(&packet, pending->text, pending->text_length,
                                          &seat->socketio->limits);
    struct msim_socketio_client *client = client_of(seat, &packet);
    if (good && client && packet.type == MSIM_SIO_BINARY_EVENT)
        tell_event(client, &packet, attachments);
    pending_free(seat);
}

static void take_binary(struct msim_socketio_seat *seat, const unsigned char *bytes, size_t length)
{
    struct msim_socketio_pending *pending = seat->pending;

    if (!pending) {
        breach(seat, "bytes that nobody waits for");
    } else if (msim_bytes_append(&pending->bytes, bytes, length) < 0) {
        breach(seat, "attachments are too large");
    } else {
        pending->lengths[pending->count++] = length;
        if (pending->count == pending->wanted)
            finish_pending(seat);
    }
}

/* ---- packets ---- */

static void take_text(struct msim_socketio_seat *seat, const char *text, size_t length)
{
    struct msim_socketio_packet packet;

    if (seat->pending ||
        !msim_socketio_packet_read(&packet, text, length, &seat->socketio->limits)) {
        breach(seat, "parse error");
        return;
    }
    if (packet.type == MSIM_SIO_CONNECT) {
        join(seat, &packet);
        return;
    }
    struct msim_socketio_client *client = client_of(seat, &packet);
    if (!client) {
        breach(seat, "not joined");
        return;
    }
    switch (packet.type) {
    case MSIM_SIO_DISCONNECT:
        msim_socketio_client_leave(client, "client namespace disconnect");
        break;
    case MSIM_SIO_EVENT:
        tell_event(client, &packet, NULL);
        break;
    case MSIM_SIO_BINARY_EVENT:
    case MSIM_SIO_BINARY_ACK:
        wait_for_attachments(seat, text, length, packet.attachments);
        break;
    case MSIM_SIO_CONNECT:
    case MSIM_SIO_CONNECT_ERROR:
    case MSIM_SIO_ACK:
        break;
    }
}

/* ---- the session below ---- */

static int request(void *context, const struct msim_request *wanted)
{
    struct msim_socketio *socketio = context;

    return socketio->request ? socketio->request(socketio->request_context, wanted) : 0;
}

static void opened(void *context, struct msim_engineio_session *session)
{
    struct msim_socketio *socketio = context;
    struct msim_socketio_seat *seat = msim_mem_zero(&socketio->allocator, sizeof *seat);

    if (!seat) {
        msim_engineio_fail(session, "out of memory");
        return;
    }
    seat->socketio = socketio;
    seat->session = session;
    msim_engineio_set_user(session, seat);
    msim_wait_begin(&socketio->to_join, &seat->joining, seat, msim_net_now(socketio->net));
}

static void message(void *context, struct msim_engineio_session *session,
                    enum msim_message_kind kind, const unsigned char *bytes, size_t length)
{
    struct msim_socketio_seat *seat = msim_engineio_user(session);

    (void)context;
    if (kind == MSIM_MESSAGE_BINARY)
        take_binary(seat, bytes, length);
    else
        take_text(seat, (const char *)bytes, length);
}

static void drained(void *context, struct msim_engineio_session *session)
{
    struct msim_socketio_seat *seat = msim_engineio_user(session);

    (void)context;
    for (size_t i = 0; i < seat->socketio->namespace_count; i++) {
        const struct msim_socketio_namespace *given = &seat->socketio->namespaces[i].given;
        if (seat->clients[i] && given->handler.drained)
            given->handler.drained(given->context, seat->clients[i]);
    }
}

static void closed(void *context, struct msim_engineio_session *session, const char *reason)
{
    struct msim_socketio *socketio = context;
    struct msim_socketio_seat *seat = msim_engineio_user(session);

    if (!seat)
        return;
    for (size_t i = 0; i < socketio->namespace_count; i++)
        if (seat->clients[i])
            msim_socketio_client_leave(seat->clients[i], reason);
    pending_free(seat);
    msim_wait_stop(&seat->joining);
    msim_mem_free(&socketio->allocator, seat, sizeof *seat);
}

msim_time msim_socketio_turn(struct msim_socketio *socketio, msim_time now)
{
    struct msim_socketio_seat *seat;

    if (!socketio)
        return MSIM_TIME_NEVER;
    while ((seat = msim_patience_pop(&socketio->to_join, now)))
        msim_engineio_close(seat->session, "nothing joined");
    while ((seat = msim_patience_pop(&socketio->to_attach, now)))
        breach(seat, "attachments are missing");
    msim_time next = msim_engineio_turn(socketio->engine, now);
    msim_socketio_clients_bury(socketio);
    msim_time join_due = msim_patience_next(&socketio->to_join);
    msim_time attach_due = msim_patience_next(&socketio->to_attach);
    if (join_due < next)
        next = join_due;
    return attach_due < next ? attach_due : next;
}

void msim_socketio_stop(struct msim_socketio *socketio)
{
    if (socketio)
        msim_engineio_stop(socketio->engine);
}

/* ---- life ---- */

static int check(const struct msim_socketio_params *params, struct msim_detail *detail)
{
    if (!params || params->size != sizeof *params || !params->namespaces ||
        params->namespace_count == 0)
        return msim_detail_set(
            detail, MSIM_ERR_INVALID,
            "params must come from MSIM_SOCKETIO_PARAMS_INIT and have a namespace");
    if (params->namespace_count > MSIM_SOCKETIO_NAMESPACES_MAX ||
        params->max_attachments > MSIM_SOCKETIO_ATTACHMENTS_MAX ||
        params->max_json_depth > MSIM_JSON_DEPTH_MOST)
        return msim_detail_set(
            detail, MSIM_ERR_INVALID, "at most %d namespaces, %d attachments, JSON %d deep",
            MSIM_SOCKETIO_NAMESPACES_MAX, MSIM_SOCKETIO_ATTACHMENTS_MAX, MSIM_JSON_DEPTH_MOST);
    for (size_t i = 0; i < params->namespace_count; i++)
        if (!params->namespaces[i].name || params->namespaces[i].name[0] != '/' ||
            strchr(params->namespaces[i].name, ','))
            return msim_detail_set(detail, MSIM_ERR_INVALID,
                                   "a namespace's name begins with / and has no comma");
    return MSIM_OK;
}

static int copy_namespaces(struct msim_socketio *socketio,
                           const struct msim_socketio_params *params)
{
    for (size_t i = 0; i < params->namespace_count; i++) {
        const struct msim_socketio_namespace *given = &params->namespaces[i];
        struct scope *own = &socketio->namespaces[i];
        own->given = *given;
        own->name = msim_mem_text(&socketio->allocator, given->name, strlen(given->name));
        if (!own->name)
            return MSIM_ERR_NOMEM;
        own->given.name = own->name;
        socketio->namespace_count++;
    }
    return MSIM_OK;
}

static int create_engine(struct msim_socketio *socketio, const struct msim_socketio_params *params,
                         struct msim_detail *detail)
{
    struct msim_engineio_params engine = params->engine;

    engine.handler = (struct msim_engineio_handler){
        .request = request,
        .opened = opened,
        .message = message,
        .drained = drained,
        .closed = closed,
    };
    engine.context = socketio;
    return msim_engineio_create(&socketio->engine, &engine, detail);
}

static void init(struct msim_socketio *socketio, const struct msim_socketio_params *params)
{
    msim_time pong =
        params->engine.ping_timeout > 0 ? params->engine.ping_timeout : 20 * MSIM_NS_PER_S;

    socketio->logger = msim_log_logger(params->engine.logger);
    socketio->net = params->engine.net;
    socketio->request = params->engine.handler.request;
    socketio->request_context = params->engine.context;
    socketio->limits.max_attachments =
        params->max_attachments > 0 ? params->max_attachments : DEFAULT_ATTACHMENTS;
    socketio->limits.max_depth =
        params->max_json_depth > 0 ? params->max_json_depth : DEFAULT_DEPTH;
    socketio->max_payload_bytes =
        params->engine.max_payload_bytes > 0 ? params->engine.max_payload_bytes : 1000000;
    msim_patience_init(&socketio->to_join, params->connect_timeout > 0 ? params->connect_timeout
                                                                       : DEFAULT_CONNECT_TIMEOUT);
    msim_patience_init(&socketio->to_attach,
                       params->binary_timeout > 0 ? params->binary_timeout : pong);
    msim_bytes_init(&socketio->out, SIZE_MAX / 4, &socketio->allocator);
    msim_bytes_init(&socketio->name, SIZE_MAX / 4, &socketio->allocator);
}

int msim_socketio_create(struct msim_socketio **out, const struct msim_socketio_params *params,
                         struct msim_detail *detail)
{
    if (!out)
        return MSIM_ERR_INVALID;
    int r = check(params, detail);
    if (r < 0)
        return r;
    struct msim_allocator allocator = msim_mem_allocator(params->engine.allocator);
    struct msim_socketio *socketio = msim_mem_zero(&allocator, sizeof *socketio);
    if (!socketio)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "%s", msim_result_text(MSIM_ERR_NOMEM));
    socketio->allocator = allocator;
    init(socketio, params);
    r = copy_namespaces(socketio, params);
    if (r < 0)
        msim_detail_set(detail, r, "%s", msim_result_text(r));
    else
        r = create_engine(socketio, params, detail);
    if (r < 0) {
        msim_socketio_destroy(&socketio);
        return r;
    }
    *out = socketio;
    return MSIM_OK;
}

void msim_socketio_destroy(struct msim_socketio **handle)
{
    struct msim_socketio *socketio = handle ? *handle : NULL;
    if (!socketio)
        return;

    msim_engineio_destroy(&socketio->engine);
    msim_socketio_clients_bury(socketio);
    while (socketio->rooms) {
        struct msim_socketio_room *room = socketio->rooms;
        msim_socketio_room_destroy(&room);
    }
    for (size_t i = 0; i < socketio->namespace_count; i++)
        msim_mem_free(&socketio->allocator, socketio->namespaces[i].name,
                      strlen(socketio->namespaces[i].name) + 1);
    msim_bytes_finish(&socketio->out);
    msim_bytes_finish(&socketio->name);
    struct msim_allocator allocator = socketio->allocator;
    msim_mem_free(&allocator, socketio, sizeof *socketio);
    *handle = NULL;
}

struct msim_engineio *msim_socketio_engine(struct msim_socketio *socketio)
{
    return socketio ? socketio->engine : NULL;
}

void msim_socketio_stats(const struct msim_socketio *socketio, struct msim_socketio_stats *out)
{
    if (socketio && out)
        *out = socketio->stats;
}
