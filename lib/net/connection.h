/*
 * A connection's life: a socket, what waits to be written, patience, and the end.
 *
 * Nothing of it is freed, and no `closed` called, before the end of a turn: inside a
 * handler every connection may be used, ended or not.
 */
#ifndef MSIM_NET_CONNECTION_H
#define MSIM_NET_CONNECTION_H

#include "base/bytes.h"
#include "net/endpoint.h"
#include "net/loop.h"
#include "net/ws.h"

enum msim_connection_state {
    MSIM_CONNECTING, /* a client's, no address has answered yet */
    MSIM_OPENING,    /* the handshake is under way */
    MSIM_OPEN,
    MSIM_CLOSING,   /* our close frame is queued or sent, the peer's has not come */
    MSIM_LINGERING, /* nothing counts any more but that the peer gets our last words */
    MSIM_ENDED,     /* the socket is closed; the end of the turn frees it */
};

struct msim_subscription; /* hub.c */
struct msim_cuts;         /* impair.c */
struct msim_opening;      /* opening.c: what is needed until the connection is open */

/* How it ended, where there are words about it. */
struct msim_ending {
    char text[MSIM_DETAIL_SIZE];
};

struct msim_connection {
    struct msim_ready ready;
    struct msim_net *net;
    struct msim_connection *next; /* of all */
    struct msim_connection **link;
    struct msim_connection *next_dirty;
    struct msim_connection *next_ended;
    struct msim_connection *next_resumed;
    struct msim_timer timer;
    struct msim_endpoint *endpoint;
    struct msim_guest *guest; /* NULL: nobody guards its listener */
    void *user;
    struct msim_bytes out;
    struct msim_subscription *subscriptions; /* while it is open */
    uint32_t conflated;                      /* of them: those that have left their run */
    struct msim_ws ws;
    struct msim_session *session; /* TLS; NULL: plain */
    struct msim_opening *opening;
    struct msim_ending *ending; /* NULL: no words */
    struct msim_cuts *cuts;     /* NULL: what waits may leave as it likes */
    uint64_t queued;
    uint64_t queued_before;  /* at the last look for life */
    msim_time heard;         /* the last sign of life */
    msim_time since;         /* began to connect, to open, to close; or the ping that waits */
    msim_time message_since; /* when the message that is under way began; 0: none is */
    uint32_t interest;       /* what epoll looks for */
    uint32_t pong_bytes;
    uint16_t code;     /* how it ends */
    uint16_t intended; /* what our close frame says; it is so once the peer has answered */
    int8_t failure;
    uint8_t state; /* enum msim_connection_state */
    uint8_t peer_room;
    uint8_t impairments; /* enum msim_impairment */
    uint8_t delays;      /* of its end, for somebody who still takes what was sent */
    bool is_dirty;
    bool is_resumed;     /* it stands in the list of those who go on by themselves */
    bool is_blocked;     /* the system takes nothing more until it says so */
    bool is_pinged;      /* and has not answered */
    bool is_above;       /* the low-water mark: `drained` is owed */
    bool by_peer;        /* the peer closed first */
    bool is_read_closed; /* the peer sends nothing more */
    bool is_stalled;     /* it is never answered */
    bool is_told;        /* the owner knows of it and must hear of its end */
    char peer[];         /* sized for its text; a client's for any address */
};

/* Beside the backlog's bound: pongs and the close frame. */
#define MSIM_CONTROL_ROOM (16 * 1024)

/* ---- connection.c ---- */

/* Among the net's, without a descriptor; NULL without memory.  Shares the endpoint. */
struct msim_connection *msim_connection_create(struct msim_endpoint *endpoint,
                                               enum msim_ws_role role, const char *peer,
                                               size_t peer_room);

/* For one that nobody knows yet. */
void msim_connection_discard(struct msim_connection *connection);

/* Hands over the descriptor; false, with errno, where epoll has no room: it is not taken. */
bool msim_connection_attach(struct msim_connection *connection, int fd, uint32_t events);
void msim_connection_detach(struct msim_connection *connection);

void msim_connection_ready(struct msim_connection *connection, uint32_t events);
void msim_connection_expired(struct msim_connection *connection);
struct msim_connection *msim_connection_of_timer(struct msim_timer *timer);

/* `out` has something, or the state has changed: look at it at the end of the turn. */
void msim_connection_touch(struct msim_connection *connection);

/* What epoll looks for follows from the state. */
void msim_connection_look(struct msim_connection *connection);

/* It is not admitted: never answered, or reset. */
void msim_connection_keep_out(struct msim_connection *connection, int admission);

/* Bytes that wait here, its own and those of its topics. */
size_t msim_connection_waiting(const struct msim_connection *connection);

/* One write of what waits, if the system takes any. */
void msim_connection_flush(struct msim_connection *connection);

/* The end, now.  `code` and `failure` stand already. */
void msim_connection_end(struct msim_connection *connection);

/* Our last words are queued: what still comes is not read any more. */
void msim_connection_linger(struct msim_connection *connection);

/* Words about the end, UTF-8; cut to what fits, and left out where memory is short. */
void msim_connection_explain(struct msim_connection *connection, const char *text, size_t length);

/* It goes on with what is there already: an exchange has ended, or input waits. */
void msim_connection_resume(struct msim_connection *connection);
void msim_connections_resume(struct msim_net *net);

/* The end of the turn. */
void msim_connections_flush(struct msim_net *net);
void msim_connections_farewell(struct msim_net *net);

/* Ends all, at the net's own end. */
void msim_connections_finish(struct msim_net *net);

/* ---- channel.c: an open WebSocket ---- */

void msim_channel_open(struct msim_connection *connection);
void msim_channel_receive(struct msim_connection *connection, unsigned char *bytes, size_t length);

/*
 * Room for so many bytes more behind all that waits: MSIM_ERR_LIMIT where there is none now,
 * MSIM_ERR_INVALID where there can be none ever, MSIM_ERR_STATE or MSIM_ERR_CLOSED where it is not
 * open.
 */
int msim_channel_make_room(struct msim_connection *connection, size_t size);

/* A finished frame that is not packed yet goes into `out`, packed where that makes it shorter. */
int msim_channel_pack(struct msim_connection *connection, const unsigned char *bytes,
                      size_t length);

/* The message that is under way takes too long. */
void msim_channel_hurry(struct msim_connection *connection);

/* False without memory for it. */
bool msim_channel_ping(struct msim_connection *connection);

/* ---- opening.c ---- */

/* The server's side, or the client's once a link stands. */
struct msim_opening *msim_opening_create(struct msim_connection *connection);
void msim_opening_free(struct msim_connection *connection);
void msim_opening_receive(struct msim_connection *connection, unsigned char *bytes, size_t length);
void msim_opening_expired(struct msim_connection *connection);
void msim_opening_resume(struct msim_connection *connection);

/* A refusal of ours; the connection ends with it. */
void msim_opening_refuse(struct msim_connection *connection, int status, const char *words);

/* Nothing is read before the answer to the last request is whole. */
bool msim_opening_pauses(const struct msim_connection *connection);

/* An answer is under way in pieces: there is more to come. */
bool msim_opening_is_answering(const struct msim_connection *connection);

/* The backlog is low again. */
void msim_opening_drained(struct msim_connection *connection);

/* Tells the owner of an exchange that it has ended. */
void msim_opening_farewell(struct msim_connection *connection);

/* The peer sends nothing more and the handshake is not done. */
void msim_opening_cut(struct msim_connection *connection);

/* ---- client.c ---- */

/* The attempt at one address has ended, well or not. */
void msim_client_ready(struct msim_connection *connection);
void msim_client_expired(struct msim_connection *connection);

#endif
