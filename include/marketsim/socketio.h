/*
 * Socket.IO, version 5 of its protocol, on sessions of Engine.IO: namespaces, events with
 * arguments and acknowledgements, binary attachments, rooms.
 *
 * Arguments are JSON as it travels: values joined by commas, "" for none.  What comes in has been
 * checked; what goes out is the caller's to get right.  An attachment stands in the arguments as
 * {"_placeholder":true,"num":N}.
 */
#ifndef MARKETSIM_SOCKETIO_H
#define MARKETSIM_SOCKETIO_H

#include <marketsim/engineio.h>

#ifdef __cplusplus
extern "C" {
#endif

struct msim_socketio;
struct msim_socketio_client; /* a session's place in one namespace */
struct msim_socketio_room;

struct msim_socketio_bytes {
    const unsigned char *bytes;
    size_t length;
};

/* All borrowed for the call. */
struct msim_socketio_event {
    const char *name; /* terminated; a U+0000 in it is part of its length */
    size_t name_length;
    const char *arguments; /* UTF-8 */
    size_t arguments_length;
    const struct msim_socketio_bytes *attachments;
    size_t attachment_count;
    const char *ack; /* the digits to acknowledge with, terminated; NULL: nobody waits */
};

struct msim_socketio_handler {
    /*
     * A client asks to join, with the JSON object it gives for that ("" for none).  Negative
     * refuses it, with the words of `refusal`; it may ask again.  NULL lets everybody in.
     */
    int (*connect)(void *context, struct msim_socketio_client *client, const char *auth,
                   size_t auth_length, struct msim_detail *refusal);
    /* It has joined: what is emitted here comes first.  May be NULL. */
    void (*connected)(void *context, struct msim_socketio_client *client);
    void (*event)(void *context, struct msim_socketio_client *client,
                  const struct msim_socketio_event *event);
    /* A room's message found no place in its queue.  May be NULL. */
    void (*missed)(void *context, struct msim_socketio_client *client);
    /* After that, or a refused emit: what waited has left.  May be NULL. */
    void (*drained)(void *context, struct msim_socketio_client *client);
    /* The last call for one that has joined; it is in no room any more.  May be NULL. */
    void (*disconnected)(void *context, struct msim_socketio_client *client, const char *reason);
};

struct msim_socketio_namespace {
    const char *name; /* "/", "/custom" */
    struct msim_socketio_handler handler;
    void *context;
};

#define MSIM_SOCKETIO_NAMESPACES_MAX 16
#define MSIM_SOCKETIO_ATTACHMENTS_MAX 64
/* A client is in no more rooms. */
#define MSIM_SOCKETIO_ROOMS_MAX 8

struct msim_socketio_params {
    size_t size;
    struct msim_engineio_params engine; /* of its handler, `request` and its context are used */
    const struct msim_socketio_namespace *namespaces; /* copied */
    size_t namespace_count;
    msim_time connect_timeout; /* 45 s to join a namespace; then the session ends */
    msim_time binary_timeout;  /* ping_timeout from an event to its last attachment */
    size_t max_attachments;    /* 10 */
    size_t max_json_depth;     /* 32 */
};
#define MSIM_SOCKETIO_PARAMS_INIT                                                        \
    {                                                                                    \
        sizeof(struct msim_socketio_params), MSIM_ENGINEIO_PARAMS_INIT, 0, 0, 0, 0, 0, 0 \
    }

MSIM_API int msim_socketio_create(struct msim_socketio **out,
                                  const struct msim_socketio_params *params,
                                  struct msim_detail *detail);

/* `disconnected` is called for each client.  Before the net is destroyed. */
MSIM_API void msim_socketio_destroy(struct msim_socketio **socketio);

/* The Engine.IO below, for its routes, limits and stats.  Borrowed: valid as long as this. */
MSIM_API struct msim_engineio *msim_socketio_engine(struct msim_socketio *socketio);

/* In place of msim_engineio_turn and msim_engineio_stop, which these call. */
MSIM_API msim_time msim_socketio_turn(struct msim_socketio *socketio, msim_time now);
MSIM_API void msim_socketio_stop(struct msim_socketio *socketio);

/* MSIM_ERR_LIMIT where its queue has no room, MSIM_ERR_CLOSED where it has left. */
MSIM_API int msim_socketio_emit(struct msim_socketio_client *client, const char *name,
                                const char *arguments, size_t length,
                                const struct msim_socketio_bytes *attachments, size_t count);

/* The answer to an event, once; nothing happens where nobody waits for it. */
MSIM_API int msim_socketio_acknowledge(struct msim_socketio_client *client,
                                       const struct msim_socketio_event *event,
                                       const char *arguments, size_t length,
                                       const struct msim_socketio_bytes *attachments, size_t count);

/* Takes it out of the namespace; the session stays. */
MSIM_API void msim_socketio_disconnect(struct msim_socketio_client *client);

/* "io server disconnect" keeps JavaScript clients away; the end of a session lets them come back.
 */
MSIM_API struct msim_engineio_session *msim_socketio_session(
    const struct msim_socketio_client *client);

/* Its own, not the session's.  Borrowed: valid as long as the client. */
MSIM_API const char *msim_socketio_id(const struct msim_socketio_client *client);

/* A pointer of the owner's, NULL at first. */
MSIM_API void msim_socketio_set_user(struct msim_socketio_client *client, void *user);
MSIM_API void *msim_socketio_user(const struct msim_socketio_client *client);

/* A room of one namespace.  It goes with this Socket.IO, or before. */
MSIM_API int msim_socketio_room_create(struct msim_socketio *socketio,
                                       struct msim_socketio_room **out, const char *name_space);
MSIM_API void msim_socketio_room_destroy(struct msim_socketio_room **room);

/* MSIM_ERR_EXISTS, MSIM_ERR_LIMIT at MSIM_SOCKETIO_ROOMS_MAX, MSIM_ERR_NOMEM, MSIM_ERR_CLOSED. */
MSIM_API int msim_socketio_join(struct msim_socketio_client *client,
                                struct msim_socketio_room *room);
/* MSIM_ERR_NOT_FOUND. */
MSIM_API int msim_socketio_leave(struct msim_socketio_client *client,
                                 struct msim_socketio_room *room);
MSIM_API bool msim_socketio_is_in(const struct msim_socketio_client *client,
                                  const struct msim_socketio_room *room);
MSIM_API size_t msim_socketio_room_size(const struct msim_socketio_room *room);

/*
 * To all who are in the room: encoded once.  Returns how many got it; `missed` is called for
 * those whose queue has no room.  MSIM_ERR_NOMEM: nobody got it.
 */
MSIM_API int msim_socketio_room_emit(struct msim_socketio_room *room, const char *name,
                                     const char *arguments, size_t length);

struct msim_socketio_stats {
    size_t clients;
    uint64_t joined;  /* since the start */
    uint64_t refused; /* that asked to join */
    uint64_t events_in;
    uint64_t events_out;
    uint64_t missed;   /* a room's messages that a client's queue had no room for */
    uint64_t breaches; /* sessions that ended because of what they said */
};
MSIM_API void msim_socketio_stats(const struct msim_socketio *socketio,
                                  struct msim_socketio_stats *out);

#ifdef __cplusplus
}
#endif

#endif
