/*
 * The inside of Socket.IO, for its own files.
 *
 *     packet.c     packets as text
 *     socketio.c   sessions, and what their packets do
 *     client.c     a client's side: emits, acknowledgements, its end
 *     room.c       rooms
 */
#ifndef MSIM_SERVER_SOCKETIO_INSIDE_H
#define MSIM_SERVER_SOCKETIO_INSIDE_H

#include <marketsim/socketio.h>

#include "server/identity.h"
#include "server/patience.h"
#include "server/socketio/packet.h"

struct scope {
    struct msim_socketio_namespace given;
    char *name;
};

/* A binary event on its way: its packet is here, attachments are due. */
struct msim_socketio_pending {
    char *text;
    size_t text_length;
    struct msim_bytes bytes; /* of all attachments that came, one behind the other */
    size_t wanted;
    size_t count;
    size_t lengths[MSIM_SOCKETIO_ATTACHMENTS_MAX];
};

/* What an Engine.IO session is here. */
struct msim_socketio_seat {
    struct msim_socketio *socketio;
    struct msim_engineio_session *session;
    struct msim_socketio_client *clients[MSIM_SOCKETIO_NAMESPACES_MAX]; /* by namespace */
    struct msim_socketio_pending *pending;
    struct msim_wait joining; /* the first namespace */
    struct msim_wait binary;  /* the last attachment */
};

struct msim_socketio_membership {
    struct msim_socketio_room *room;
    size_t place;
};

struct msim_socketio_client {
    struct msim_socketio_seat *seat; /* NULL: it has left */
    struct msim_socketio *socketio;
    const struct scope *name_space;
    struct msim_socketio_client *next_dead;
    void *user;
    bool has_joined;
    size_t room_count;
    struct msim_socketio_membership rooms[MSIM_SOCKETIO_ROOMS_MAX];
    char id[MSIM_IDENTITY_LENGTH + 1];
};

struct msim_socketio_room {
    struct msim_socketio *socketio;
    const struct scope *name_space;
    struct msim_socketio_room *next;
    struct msim_socketio_room **link;
    struct msim_socketio_client **members;
    size_t member_capacity;
    size_t member_count;
};

struct msim_socketio {
    struct msim_allocator allocator;
    struct msim_logger logger;
    struct msim_net *net;
    struct msim_engineio *engine;
    int (*request)(void *context, const struct msim_request *request);
    void *request_context;
    struct scope namespaces[MSIM_SOCKETIO_NAMESPACES_MAX];
    size_t namespace_count;
    struct msim_socketio_limits limits;
    size_t max_payload_bytes;
    struct msim_socketio_stats stats;
    struct msim_patience to_join;
    struct msim_patience to_attach;
    struct msim_socketio_client *dead;
    struct msim_socketio_room *rooms;
    struct msim_bytes out;  /* a packet that is written */
    struct msim_bytes name; /* of the event that is told */
};

/* ---- client.c ---- */

int msim_socketio_client_create(struct msim_socketio_seat *seat, size_t name_space,
                                struct msim_socketio_client **out);

/* Its place is free again; its owner hears of it.  Freed in the next turn. */
void msim_socketio_client_leave(struct msim_socketio_client *client, const char *reason);
void msim_socketio_clients_bury(struct msim_socketio *socketio);

/* A packet without an event's name, such as {"sid":...}. */
int msim_socketio_send(struct msim_socketio_seat *seat, enum msim_socketio_type type,
                       const char *name_space, const char *json, size_t length);

/* An event's packet into `socketio->out`: everything but the attachments. */
int msim_socketio_write_event(struct msim_socketio *socketio, const char *name_space,
                              const char *name, const char *arguments, size_t length,
                              size_t attachments);

/* ---- room.c ---- */

void msim_socketio_leave_all(struct msim_socketio_client *client);

#endif
