/*
 * Engine.IO, version 4 of its protocol: sessions over HTTP long polling and WebSocket, and the
 * way from the one to the other, as the clients of Socket.IO speak them.
 *
 * It stands on a listener: put its routes among the listener's, call its turn from the net's
 * turn (net.h), and everything else follows.  What a session carries is messages, text or
 * binary; their order is kept in both directions.  A message for many is a packet: encoded once,
 * shared by all who get it.
 */
#ifndef MARKETSIM_ENGINEIO_H
#define MARKETSIM_ENGINEIO_H

#include <marketsim/access.h>
#include <marketsim/http.h>

#ifdef __cplusplus
extern "C" {
#endif

struct msim_engineio;
struct msim_engineio_session;
struct msim_engineio_packet;

struct msim_engineio_handler {
    /*
     * Somebody wants a session.  0 lets them in; 401..599 is the status to refuse with.  Given
     * for sessions that are there as well, since a WebSocket is not held to an origin by the
     * browser.  May be NULL.
     */
    int (*request)(void *context, const struct msim_request *request);
    void (*opened)(void *context, struct msim_engineio_session *session);
    /* Borrowed for the call. */
    void (*message)(void *context, struct msim_engineio_session *session,
                    enum msim_message_kind kind, const unsigned char *bytes, size_t length);
    /* A send was refused with MSIM_ERR_LIMIT, and what waited has left.  May be NULL. */
    void (*drained)(void *context, struct msim_engineio_session *session);
    /*
     * The last call: the session is gone when it returns.  From a turn, never inside another
     * call.  The reason is one of a few words, such as "ping timeout".
     */
    void (*closed)(void *context, struct msim_engineio_session *session, const char *reason);
};

struct msim_engineio_params {
    size_t size;
    struct msim_net *net;                   /* borrowed: outlives this */
    const struct msim_allocator *allocator; /* copied */
    const struct msim_logger *logger;       /* copied */
    struct msim_engineio_handler handler;
    void *context;
    msim_time ping_interval;   /* 25 s */
    msim_time ping_timeout;    /* 20 s */
    msim_time upgrade_timeout; /* 10 s from the WebSocket's opening to the end of the upgrade */
    msim_time closing_timeout; /* 30 s for a closed session's last poll */
    size_t max_payload_bytes;  /* 1,000,000: a message, or a POST; beyond: the session ends */
    size_t max_sessions;       /* 16,384; more are refused with 503 */
    /* Those of one host (an address without its port), 16,384; more are refused with 503. */
    size_t max_sessions_per_address;
    size_t max_queue_bytes;   /* 64 MiB wait for one session; beyond it: MSIM_ERR_LIMIT */
    size_t max_queue_packets; /* 65,536, likewise */
    bool no_websocket;        /* polling is all there is */
};
#define MSIM_ENGINEIO_PARAMS_INIT                                                                 \
    {                                                                                             \
        sizeof(struct msim_engineio_params), 0, 0, 0, {0, 0, 0, 0, 0}, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
            0, 0                                                                                  \
    }

MSIM_API int msim_engineio_create(struct msim_engineio **out,
                                  const struct msim_engineio_params *params,
                                  struct msim_detail *detail);

/* `closed` is called for each session.  Before the net is destroyed. */
MSIM_API void msim_engineio_destroy(struct msim_engineio **engine);

/*
 * What goes into the listener's routes for a path such as "/engine.io/", with the slash at its
 * end.  The path is borrowed until the listener has been made.
 */
#define MSIM_ENGINEIO_ROUTES 2
MSIM_API int msim_engineio_routes(struct msim_engineio *engine, const char *path,
                                  struct msim_route routes[MSIM_ENGINEIO_ROUTES]);

/*
 * What this needs of the listener's limits, where they are zero: messages up to max_payload_bytes,
 * a backlog that takes the largest message, and a low water below what is handed over at once.
 */
MSIM_API void msim_engineio_limits(const struct msim_engineio *engine,
                                   struct msim_connection_limits *limits);

/* For the net's turn: timers, polls to be answered, farewells.  When it wants the next one. */
MSIM_API msim_time msim_engineio_turn(struct msim_engineio *engine, msim_time now);

/*
 * Ends all sessions, each with what its transport has for a farewell, and lets no more in.
 * `sessions` of the stats falls to 0.
 */
MSIM_API void msim_engineio_stop(struct msim_engineio *engine);

/*
 * Queues a message; that a text is UTF-8 is the caller's to see to.  MSIM_ERR_LIMIT where
 * max_queue_bytes or max_queue_packets has no room: nothing is queued, and `drained` follows.
 * MSIM_ERR_CLOSED where the session is ending.
 */
MSIM_API int msim_engineio_send(struct msim_engineio_session *session, enum msim_message_kind kind,
                                const void *bytes, size_t length);

/* A message to be sent to many, with one reference that is the caller's to release. */
MSIM_API int msim_engineio_packet_create(struct msim_engineio *engine,
                                         struct msim_engineio_packet **out,
                                         enum msim_message_kind kind, const void *bytes,
                                         size_t length);
MSIM_API void msim_engineio_packet_release(struct msim_engineio_packet **packet);
MSIM_API int msim_engineio_send_packet(struct msim_engineio_session *session,
                                       struct msim_engineio_packet *packet);

/* Sends what waits, then ends the session.  A second call changes nothing. */
MSIM_API void msim_engineio_close(struct msim_engineio_session *session, const char *reason);

/* Ends it now, as one that broke the protocol; what waits is lost. */
MSIM_API void msim_engineio_fail(struct msim_engineio_session *session, const char *reason);

/* 20 characters, not to be guessed.  Borrowed: valid as long as the session. */
MSIM_API const char *msim_engineio_id(const struct msim_engineio_session *session);

/* "127.0.0.1:4711", of the request that opened it.  Borrowed: valid as long as the session. */
MSIM_API const char *msim_engineio_peer(const struct msim_engineio_session *session);
MSIM_API bool msim_engineio_is_websocket(const struct msim_engineio_session *session);
/* What the key of the request that opened it may; MSIM_ROLE_ADMIN without a guard. */
MSIM_API enum msim_role msim_engineio_role(const struct msim_engineio_session *session);
/* Bytes that wait in its queue. */
MSIM_API size_t msim_engineio_backlog(const struct msim_engineio_session *session);

/* A pointer of the owner's, NULL at first. */
MSIM_API void msim_engineio_set_user(struct msim_engineio_session *session, void *user);
MSIM_API void *msim_engineio_user(const struct msim_engineio_session *session);

struct msim_engineio_stats {
    size_t sessions;        /* now */
    size_t websockets;      /* of those */
    uint64_t opened;        /* since the start */
    uint64_t upgraded;      /* from polling to a WebSocket */
    uint64_t refused;       /* requests that were answered with an error */
    uint64_t timed_out;     /* sessions that did not answer a ping */
    uint64_t messages_in;   /* all since the start */
    uint64_t messages_out;  /* handed to a transport's queue */
    uint64_t messages_full; /* refused with MSIM_ERR_LIMIT */
};
MSIM_API void msim_engineio_stats(const struct msim_engineio *engine,
                                  struct msim_engineio_stats *out);

#ifdef __cplusplus
}
#endif

#endif
