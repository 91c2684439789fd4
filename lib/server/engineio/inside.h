/*
 * The inside of Engine.IO, for its own files.
 *
 *     engineio.c   sessions: their table, queues, timers, ends
 *     polling.c    what comes and goes by HTTP
 *     websocket.c  what comes and goes by a WebSocket, and the way there
 */
#ifndef MSIM_SERVER_ENGINEIO_INSIDE_H
#define MSIM_SERVER_ENGINEIO_INSIDE_H

#include <marketsim/engineio.h>

#include "base/bytes.h"
#include "server/engineio/packet.h"
#include "server/identity.h"
#include "server/patience.h"

#define MSIM_SESSION_PEER 64

/* python-engineio takes no more packets in one payload, and goes dead without a word. */
#define MSIM_POLL_PACKETS 16

/* No more packets join a poll's answer that is larger; what waits comes with the next one. */
#define MSIM_POLL_BYTES ((size_t)1 << 20)

/* A connection is handed no more than this at a time; the rest waits here, shared. */
#define MSIM_HANDED_BYTES ((size_t)256 * 1024)

/* How long one who said goodbye without a poll held may fetch the last answer. */
#define MSIM_PARTING_NS (50 * MSIM_NS_PER_MS)

enum msim_eio_state {
    MSIM_SESSION_OPEN,
    MSIM_SESSION_CLOSING, /* by us: what waits is sent, then it ends */
    MSIM_SESSION_PARTED,  /* by the peer, by polling: one more poll is answered */
    MSIM_SESSION_DEAD,    /* unknown to everybody but the turn that frees it */
};

struct msim_eio_address {
    struct msim_eio_address *next;
    size_t sessions;
    size_t size; /* of this */
    char text[];
};

struct msim_engineio_session {
    struct msim_engineio *engine;
    struct msim_engineio_session *next_same; /* of one slot of the table */
    struct msim_engineio_session *next;      /* of all */
    struct msim_engineio_session **link;
    struct msim_engineio_session *next_dirty;
    struct msim_engineio_session *next_dead;
    struct msim_eio_address *address;
    void *user;
    char id[MSIM_IDENTITY_LENGTH + 1];
    char peer[MSIM_SESSION_PEER];
    enum msim_eio_state state;
    const char *reason;
    enum msim_role role;

    struct msim_connection *websocket; /* carries the session; NULL: it polls */
    struct msim_connection *probe;     /* a WebSocket that would like to */
    struct msim_exchange *get;         /* held until there is something to say */
    struct msim_exchange *post;        /* on its way in, with its body */
    struct msim_bytes body;

    /* A ring of what waits. */
    struct msim_engineio_packet **queue;
    size_t queue_capacity;
    size_t queue_first;
    size_t queue_count;
    size_t queue_bytes;
    size_t handed; /* bytes of the first one's frames that its connection has already */

    struct msim_wait heartbeat; /* to ping, or for the pong */
    struct msim_wait upgrade;
    struct msim_wait closing; /* its last poll */
    /* Its first packet leaves a turn after the handshake's answer: there are clients that take
     * notice of one thing at a time, and would lose what comes in one piece with it. */
    bool is_new;
    bool is_probed;
    bool is_dirty;
    bool is_counted; /* it has told `opened` */
    bool awaits_pong;
    bool is_extended; /* the pong has been given more time, for once */
    bool was_refused; /* `drained` is owed */
};

struct msim_engineio {
    struct msim_allocator allocator;
    struct msim_logger logger;
    struct msim_net *net;
    struct msim_engineio_handler handler;
    void *context;
    struct msim_engineio_params params;
    struct msim_engineio_stats stats;
    bool is_stopping;

    struct msim_engineio_session **table;
    size_t table_mask;
    struct msim_eio_address **addresses; /* as large as the table */
    struct msim_engineio_session *sessions;
    struct msim_engineio_session *dirty;
    struct msim_engineio_session **dirty_end;
    struct msim_engineio_session *dead;
    struct msim_engineio_session **dead_end;

    struct msim_patience to_ping;
    struct msim_patience to_pong;
    struct msim_patience to_upgrade;
    struct msim_patience to_close;
    struct msim_patience to_part;

    struct msim_engineio_packet *ping;
    struct msim_engineio_packet *close;
    struct msim_engineio_packet *noop;
    struct msim_bytes scratch; /* a poll's answer; a binary packet's bytes */
};

/* ---- engineio.c ---- */

/* A live session, or one that was closed and has its last poll to come. */
struct msim_engineio_session *msim_eio_find(const struct msim_engineio *engine, const char *id);

/* MSIM_ERR_LIMIT, MSIM_ERR_NOMEM, MSIM_ERR_IO (no random numbers). */
int msim_eio_create(struct msim_engineio *engine, struct msim_engineio_session **out,
                    const char *peer, const struct msim_caller *caller);

/* Its owner hears of it. */
void msim_eio_begin(struct msim_engineio_session *session);

/* {"sid":...}; behind the digit 0. */
int msim_eio_greeting(const struct msim_engineio_session *session, bool offers_upgrade, char *out,
                      size_t size);

/* One packet from the peer; false where it breaks the protocol: the session is over then. */
bool msim_eio_packet(struct msim_engineio_session *session, enum msim_message_kind kind,
                     const unsigned char *bytes, size_t length);

/* A message without a digit. */
void msim_eio_binary(struct msim_engineio_session *session, const unsigned char *bytes,
                     size_t length);

/* The session is over: nobody finds it any more. */
void msim_eio_end(struct msim_engineio_session *session, const char *reason);

/* Puts it behind all that waits.  Control packets are few, and have room beside the bounds. */
int msim_eio_enqueue(struct msim_engineio_session *session, struct msim_engineio_packet *packet);

/* Something waits: it leaves at the end of the turn. */
void msim_eio_touch(struct msim_engineio_session *session);

struct msim_engineio_packet *msim_eio_first(const struct msim_engineio_session *session);
void msim_eio_drop_first(struct msim_engineio_session *session);

/* Begins to count for the next ping anew. */
void msim_eio_rest(struct msim_engineio_session *session);

/* Those whose time is over, before somebody asks for them. */
void msim_eio_expire(struct msim_engineio *engine, msim_time now);

/* ---- polling.c ---- */

extern const struct msim_http_handler msim_eio_polling_handler;

/* Answers the held poll where there is something to say. */
void msim_eio_polling_flush(struct msim_engineio_session *session);

/* Answers the held poll with this packet alone. */
void msim_eio_polling_farewell(struct msim_engineio_session *session,
                               const struct msim_engineio_packet *packet);

/*
 * All packets of a payload, in order, up to the first bad one or to a farewell; false where one is
 * bad.
 */
bool msim_eio_polling_payload(struct msim_engineio_session *session, const unsigned char *bytes,
                              size_t length);

/* The session is over: its exchanges know of no session any more. */
void msim_eio_polling_forget(struct msim_engineio_session *session);

/* ---- websocket.c ---- */

extern const struct msim_connection_handler msim_eio_websocket_handler;

/* Hands over what waits, as far as its connection has room. */
void msim_eio_websocket_pump(struct msim_engineio_session *session);

/* The upgrade takes too long, or is not wanted any more. */
void msim_eio_websocket_drop_probe(struct msim_engineio_session *session);

/* What a request asks for, and what is wrong with it. */
enum msim_engineio_error {
    MSIM_EIO_TRANSPORT = 0,
    MSIM_EIO_SESSION = 1,
    MSIM_EIO_METHOD = 2,
    MSIM_EIO_REQUEST = 3,
    MSIM_EIO_FORBIDDEN = 4,
    MSIM_EIO_VERSION = 5,
};

struct msim_engineio_wish {
    bool is_good;
    enum msim_engineio_error error;
    struct msim_engineio_session *session; /* NULL: a new one */
};

struct msim_engineio_wish msim_engineio_judge(struct msim_engineio *engine, const char *method,
                                              const char *query, bool is_websocket);

#endif
