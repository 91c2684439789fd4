/*
 * A client: a session's place in one namespace.
 */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "server/socketio/inside.h"

/* ---- life ---- */

int msim_socketio_client_create(struct msim_socketio_seat *seat, size_t name_space,
                                struct msim_socketio_client **out)
{
    struct msim_socketio *socketio = seat->socketio;
    struct msim_socketio_client *client = msim_mem_zero(&socketio->allocator, sizeof *client);

    if (!client)
        return MSIM_ERR_NOMEM;
    if (!msim_identity(client->id)) {
        msim_mem_free(&socketio->allocator, client, sizeof *client);
        return MSIM_ERR_IO;
    }
    client->seat = seat;
    client->socketio = socketio;
    client->name_space = &socketio->namespaces[name_space];
    seat->clients[name_space] = client;
    *out = client;
    return MSIM_OK;
}

void msim_socketio_client_leave(struct msim_socketio_client *client, const char *reason)
{
    struct msim_socketio *socketio = client->socketio;
    const struct scope *name_space = client->name_space;
    size_t place = (size_t)(name_space - socketio->namespaces);

    if (!client->seat)
        return;
    client->seat->clients[place] = NULL;
    client->seat = NULL;
    msim_socketio_leave_all(client);
    client->next_dead = socketio->dead;
    socketio->dead = client;
    msim_net_wake(socketio->net);
    if (!client->has_joined)
        return;
    socketio->stats.clients--;
    if (name_space->given.handler.disconnected)
        name_space->given.handler.disconnected(name_space->given.context, client, reason);
}

void msim_socketio_clients_bury(struct msim_socketio *socketio)
{
    while (socketio->dead) {
        struct msim_socketio_client *client = socketio->dead;
        socketio->dead = client->next_dead;
        msim_mem_free(&socketio->allocator, client, sizeof *client);
    }
}

void msim_socketio_disconnect(struct msim_socketio_client *client)
{
    if (!client || !client->seat)
        return;
    msim_socketio_send(client->seat, MSIM_SIO_DISCONNECT, client->name_space->name, "", 0);
    msim_socketio_client_leave(client, "server namespace disconnect");
}

/* ---- what it is sent ---- */

/* `socketio->out` anew, with a packet's head. */
static int begin(struct msim_socketio *socketio, enum msim_socketio_type type, size_t attachments,
                 const char *name_space, const char *ack)
{
    struct msim_bytes *out = &socketio->out;

    msim_bytes_take(out, msim_bytes_length(out));
    msim_bytes_shrink(out, socketio->max_payload_bytes);
    return msim_socketio_packet_head(out, type, attachments, name_space, ack);
}

int msim_socketio_send(struct msim_socketio_seat *seat, enum msim_socketio_type type,
                       const char *name_space, const char *json, size_t length)
{
    struct msim_bytes *out = &seat->socketio->out;

    int r = begin(seat->socketio, type, 0, name_space, NULL);
    if (r >= 0)
        r = msim_bytes_append(out, json, length);
    if (r < 0)
        return r;
    return msim_engineio_send(seat->session, MSIM_MESSAGE_TEXT, msim_bytes_front(out),
                              msim_bytes_length(out));
}

int msim_socketio_write_event(struct msim_socketio *socketio, const char *name_space,
                              const char *name, const char *arguments, size_t length,
                              size_t attachments)
{
    struct msim_bytes *out = &socketio->out;
    struct msim_json_writer writer;

    int r = begin(socketio, attachments > 0 ? MSIM_SIO_BINARY_EVENT : MSIM_SIO_EVENT, attachments,
                  name_space, NULL);
    if (r < 0)
        return r;
    msim_json_write_bytes(&writer, out);
    msim_json_write_array(&writer);
    msim_json_write_text(&writer, name);
    if (length > 0)
        msim_json_write_raw(&writer, arguments, length);
    msim_json_write_array_end(&writer);
    return msim_json_write_end(&writer, NULL);
}

/* What `socketio->out` holds, then the attachments: all of them, or the session ends. */
static int send_out(struct msim_socketio_client *client,
                    const struct msim_socketio_bytes *attachments, size_t count)
{
    struct msim_socketio *socketio = client->socketio;
    struct msim_engineio_session *session = client->seat->session;
    const struct msim_bytes *out = &socketio->out;

    int r = msim_engineio_send(session, MSIM_MESSAGE_TEXT, msim_bytes_front(out),
                               msim_bytes_length(out));
    if (r < 0)
        return r;
    for (size_t i = 0; i < count; i++) {
        r = msim_engineio_send(session, MSIM_MESSAGE_BINARY, attachments[i].bytes,
                               attachments[i].length);
        if (r < 0) {
            msim_engineio_fail(session, "an event without its attachments");
            return r;
        }
    }
    socketio->stats.events_out++;
    return MSIM_OK;
}

static bool arguments_valid(const char *arguments, size_t length,
                            const struct msim_socketio_bytes *attachments, size_t count)
{
    return (arguments || length == 0) && (attachments || count == 0) &&
           count <= MSIM_SOCKETIO_ATTACHMENTS_MAX;
}

int msim_socketio_emit(struct msim_socketio_client *client, const char *name, const char *arguments,
                       size_t length, const struct msim_socketio_bytes *attachments, size_t count)
{
    if (!client || !name || !arguments_valid(arguments, length, attachments, count))
        return MSIM_ERR_INVALID;
    if (!client->seat)
        return MSIM_ERR_CLOSED;
    int r = msim_socketio_write_event(client->socketio, client->name_space->name, name, arguments,
                                      length, count);
    return r < 0 ? r : send_out(client, attachments, count);
}

int msim_socketio_acknowledge(struct msim_socketio_client *client,
                              const struct msim_socketio_event *event, const char *arguments,
                              size_t length, const struct msim_socketio_bytes *attachments,
                              size_t count)
{
    if (!client || !event || !arguments_valid(arguments, length, attachments, count))
        return MSIM_ERR_INVALID;
    if (!event->ack)
        return MSIM_OK;
    if (!client->seat)
        return MSIM_ERR_CLOSED;
    struct msim_bytes *out = &client->socketio->out;
    int r = begin(client->socketio, count > 0 ? MSIM_SIO_BINARY_ACK : MSIM_SIO_ACK, count,
                  client->name_space->name, event->ack);
    if (r >= 0)
        r = msim_bytes_append(out, "[", 1);
    if (r >= 0)
        r = msim_bytes_append(out, arguments, length);
    if (r >= 0)
        r = msim_bytes_append(out, "]", 1);
    return r < 0 ? r : send_out(client, attachments, count);
}

/* ---- what an owner asks ---- */

struct msim_engineio_session *msim_socketio_session(const struct msim_socketio_client *client)
{
    return client && client->seat ? client->seat->session : NULL;
}

const char *msim_socketio_id(const struct msim_socketio_client *client)
{
    return client ? client->id : "";
}

void msim_socketio_set_user(struct msim_socketio_client *client, void *user)
{
    if (client)
        client->user = user;
}

void *msim_socketio_user(const struct msim_socketio_client *client)
{
    return client ? client->user : NULL;
}
