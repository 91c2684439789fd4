/*
 * The transport: an event loop with WebSocket listeners and clients on it.
 *
 * Everything happens inside `msim_net_dispatch`, on the caller's thread.  A host
 * with a loop of its own waits for `msim_net_fd` to become readable and then
 * dispatches with a timeout of 0 (examples/foreign-loop.c).
 *
 * A turn: the monotonic clock is read once; what arrived is read, within bounds,
 * and handed to the handlers; the `turn` function of the params says when it
 * wants to run next; what was sent leaves with one write for each connection.
 */
#ifndef MARKETSIM_NET_H
#define MARKETSIM_NET_H

#include <marketsim/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct msim_net;
struct msim_listener;
struct msim_connection;

struct msim_net_params {
    size_t size;
    const struct msim_allocator *allocator; /* copied */
    const struct msim_logger *logger;       /* copied */
    size_t max_connections;                 /* default 1024; more are closed at once */
    /*
     * Called once in each turn, after everything that arrived was handled.  Returns the
     * monotonic moment at which it wants the next turn, MSIM_TIME_NEVER for none.  Where a
     * handler was called after it (`drained`, `closed`), another turn follows at once.  May be
     * NULL.
     */
    msim_time (*turn)(void *context, msim_time now);
    void *context;
};
#define MSIM_NET_PARAMS_INIT                          \
    {                                                 \
        sizeof(struct msim_net_params), 0, 0, 0, 0, 0 \
    }

/* MSIM_ERR_INVALID, MSIM_ERR_NOMEM, MSIM_ERR_IO. */
MSIM_API int msim_net_create(struct msim_net **out, const struct msim_net_params *params,
                             struct msim_detail *detail);

/* Closes everything without a farewell; `closed` is called for each open connection. */
MSIM_API void msim_net_destroy(struct msim_net **net);

/* A descriptor that is readable when a dispatch has something to do. */
MSIM_API int msim_net_fd(const struct msim_net *net);

/*
 * One turn; waits at most `timeout_ms` for something to do (-1: without end, 0:
 * not at all).  Returns the number of things that were handled, 0 where nothing
 * came or a signal interrupted the wait, or MSIM_ERR_IO where the loop itself is broken.
 */
MSIM_API int msim_net_dispatch(struct msim_net *net, int timeout_ms);

/* What `turn` would answer has changed outside a dispatch: the next one does not wait. */
MSIM_API void msim_net_wake(struct msim_net *net);

struct msim_net_stats {
    uint64_t connections; /* now */
    uint64_t accepted;    /* since the start, as all that follows */
    uint64_t turned_away; /* closed at once: no room, or too many from one address */
    uint64_t requests;    /* heads that were read, those of WebSockets with them */
    uint64_t refused;     /* requests that the transport refused by itself */
    uint64_t websockets;  /* opened, of both sides */
    uint64_t bytes_received;
    uint64_t bytes_sent;        /* that the system took */
    uint64_t messages_received; /* of WebSockets */
    uint64_t messages_sent;     /* queued for one connection; those of topics are counted there */
    uint64_t dropped;           /* messages that topics let go for those who were slow */
    uint64_t slow;              /* clients that topics closed for being slow */
};
MSIM_API void msim_net_stats(const struct msim_net *net, struct msim_net_stats *out);

/* The monotonic clock: as read at the start of this turn, or now where no turn is under way. */
MSIM_API msim_time msim_net_now(const struct msim_net *net);

/*
 * Further descriptors of the host's in the same loop, such as a signalfd or stdin: `ready` is
 * called in a turn in which it is readable.  One watch for a descriptor (MSIM_ERR_EXISTS);
 * unwatch before closing it.  MSIM_ERR_UNSUPPORTED for one that cannot be waited for, such as a
 * regular file.
 */
MSIM_API int msim_net_watch(struct msim_net *net, int fd, void (*ready)(void *context, int fd),
                            void *context);
MSIM_API void msim_net_unwatch(struct msim_net *net, int fd);

/* ---- connections ---- */

enum msim_message_kind {
    MSIM_MESSAGE_TEXT = 1,
    MSIM_MESSAGE_BINARY = 2,
};

/* RFC 6455 section 7.4.1, and what never travels in a close frame. */
enum msim_close_code {
    MSIM_CLOSE_NORMAL = 1000,
    MSIM_CLOSE_GOING_AWAY = 1001,
    MSIM_CLOSE_PROTOCOL = 1002,
    MSIM_CLOSE_UNACCEPTABLE = 1003,
    MSIM_CLOSE_NONE = 1005,     /* the peer's close frame had no code */
    MSIM_CLOSE_ABNORMAL = 1006, /* the link ended without a close frame */
    MSIM_CLOSE_BAD_DATA = 1007,
    MSIM_CLOSE_POLICY = 1008,
    MSIM_CLOSE_TOO_LARGE = 1009,
    MSIM_CLOSE_INTERNAL = 1011,
    MSIM_CLOSE_TRY_LATER = 1013,
};

/* The request that opened a connection.  All texts are borrowed for the call, terminated. */
struct msim_request {
    const char *path;  /* "/": percent-decoded, without the query */
    const char *query; /* behind the '?', raw; "" where there is none */
    const char *host;
    const char *origin;  /* NULL where there is none */
    const char *peer;    /* "127.0.0.1:4711", "[::1]:4711" */
    const char *headers; /* see msim_request_header */
    size_t header_count;
    /* Of a handshake: words for whoever is refused, beside the status.  "" where nobody sets them;
     * NULL over HTTP, where the answer has them. */
    struct msim_detail *words;
};

/* The first header of this name (a == A), NULL where there is none.  Borrowed like the request. */
MSIM_API const char *msim_request_header(const struct msim_request *request, const char *name);

/* How a connection ended. */
struct msim_closing {
    int code; /* enum msim_close_code or the peer's own */
    /*
     * The reason in the close frame, or words of our own: why a client did not open, what
     * rule the peer broke.  Borrowed for the call, may be "".
     */
    const char *reason;
    bool by_peer; /* the peer said so first */
    /*
     * A client that never opened: what kept it from doing so.  MSIM_ERR_IO (refused, or a
     * host that nobody knows),
     * MSIM_ERR_TIMEOUT, MSIM_ERR_FORMAT (the peer does not speak WebSocket, or answered
     * with another status, or TLS does not trust it), MSIM_ERR_CLOSED (closed by its owner before
     * it opened); MSIM_OK for a connection that was open.
     */
    int failure;
};

/* What `arrived` and `request` may answer beside a status. */
enum msim_admission {
    MSIM_ADMIT = 0,
    MSIM_ADMIT_NEVER = 1, /* the link stays, silent, until the peer ends it */
    MSIM_ADMIT_RESET = 2, /* the peer sees a reset */
};

/*
 * What a connection's owner wants to be told.  NULL members are skipped.  Inside
 * them everything but msim_net_destroy and msim_net_dispatch may be called.
 */
struct msim_connection_handler {
    /*
     * A peer asks for a WebSocket (server side only).  Returns 0 to accept, an HTTP status
     * (400..599) to refuse with, or an enum msim_admission.  NULL accepts every path.
     */
    int (*request)(void *context, struct msim_connection *connection,
                   const struct msim_request *request);
    void (*opened)(void *context, struct msim_connection *connection);
    /* A whole message, valid UTF-8 if text.  Borrowed for the call. */
    void (*message)(void *context, struct msim_connection *connection, enum msim_message_kind kind,
                    const unsigned char *bytes, size_t length);
    /* The backlog fell to or below `low_water_bytes` after it had stood above, or a send failed. */
    void (*drained)(void *context, struct msim_connection *connection);
    /*
     * The last call: the connection is gone when it returns.  Follows `opened`; a client's
     * comes in any case.  Never called inside send, close or abort, but at the end of a turn.
     */
    void (*closed)(void *context, struct msim_connection *connection,
                   const struct msim_closing *closing);
    /*
     * A link has come, of which nothing was read yet (a listener's own handler only).  Returns an
     * enum msim_admission; what is not admitted is not heard of again.
     */
    int (*arrived)(void *context, struct msim_connection *connection);
};
#define MSIM_CONNECTION_HANDLER_INIT \
    {                                \
        0, 0, 0, 0, 0, 0             \
    }

/* Bounds and patience of a connection; zero means the default. */
struct msim_connection_limits {
    size_t max_head_bytes;    /* 16 KiB: request line and headers; beyond: 431 */
    size_t max_message_bytes; /* 1 MiB: a message of all its fragments; beyond: close 1009 */
    size_t max_backlog_bytes; /* 8 MiB, >= 256: waits to be sent; beyond it: MSIM_ERR_LIMIT */
    size_t low_water_bytes;   /* a quarter of max_backlog_bytes */
    /*
     * SO_SNDBUF: what the system holds beside the backlog.  As much as max_backlog_bytes, from 16
     * to 256 KiB; the system takes up to twice as much memory for it.
     */
    size_t kernel_send_bytes;
    msim_time handshake_timeout; /* 10 s from accept or connect to the open connection */
    msim_time message_timeout;   /* 30 s from a message's first byte to its last: close 1008 */
    msim_time ping_interval;     /* 20 s of silence, then a ping */
    /* 20 s without an answer, then close 1006; counted once the peer's system took all before */
    msim_time ping_timeout;
    /* 5 s for the peer's close frame, from its last byte taken; 60 times that in all */
    msim_time close_timeout;
};
#define MSIM_CONNECTION_LIMITS_INIT  \
    {                                \
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0 \
    }

/*
 * Compressed messages: permessage-deflate (RFC 7692).  All zero: neither offered nor accepted.
 * What a message inflates to is bounded by max_message_bytes, and beyond 1 MiB by 300 times its
 * compressed bytes: close 1009.  A build without zlib answers MSIM_ERR_UNSUPPORTED.
 */
struct msim_deflate {
    bool is_on;
    /*
     * A message may refer to those before it.  It packs small messages of a kind far better, but
     * each connection then holds a compressor (up to 150 KiB) of its own from the first message
     * that is sent, or a window (up to 42 KiB) from the first that comes.  And what a topic
     * publishes is then compressed for each of them by itself: for many clients of one feed, leave
     * it off.
     */
    bool keeps_context;       /* of what is sent */
    bool peer_keeps_context;  /* of what comes */
    uint8_t window_bits;      /* 8..15 of what is sent; 0: 15, or what the peer allows */
    uint8_t peer_window_bits; /* 8..15 asked of the peer; 0: 15 */
    uint8_t level;            /* 1 (default, quick) .. 9 (small) */
    size_t min_bytes;         /* 64: shorter messages are sent as they are */
};
#define MSIM_DEFLATE_INIT   \
    {                       \
        0, 0, 0, 0, 0, 0, 0 \
    }

struct msim_route; /* marketsim/http.h */
struct msim_cors;
struct msim_access; /* marketsim/access.h */
struct msim_tls;    /* marketsim/tls.h */

struct msim_listen_params {
    size_t size;
    const char *host; /* default "localhost": 127.0.0.1 and ::1, what there is of them */
    uint16_t port;    /* 0: any free one, see msim_listener_port */
    struct msim_connection_limits limits;
    struct msim_connection_handler handler;
    void *context; /* given to the handler */
    /* HTTP, and WebSockets with handlers of their own; other paths go to `handler`.  Copied. */
    const struct msim_route *routes;
    size_t route_count;
    const struct msim_cors *cors; /* marketsim/http.h; copied */
    size_t cors_count;
    /*
     * Who may come in; shared.  NULL: everybody.  With one, listening beyond this machine needs
     * keys or its `is_open`: MSIM_ERR_INVALID.
     */
    struct msim_access *access;
    struct msim_tls *tls; /* NULL: plain; shared (marketsim/tls.h) */
    struct msim_deflate deflate;
    /* What to say to whoever lacks those keys; default: to use --keys or --allow-open. */
    const char *keys_advice;
};
#define MSIM_LISTEN_PARAMS_INIT                                                     \
    {                                                                               \
        sizeof(struct msim_listen_params), 0, 0, MSIM_CONNECTION_LIMITS_INIT,       \
            MSIM_CONNECTION_HANDLER_INIT, 0, 0, 0, 0, 0, 0, 0, MSIM_DEFLATE_INIT, 0 \
    }

/*
 * MSIM_ERR_IO with words that name the address and the remedy: the port is in use, the
 * host is unknown, no permission.
 */
MSIM_API int msim_net_listen(struct msim_net *net, struct msim_listener **out,
                             const struct msim_listen_params *params, struct msim_detail *detail);

/* The port it listens on. */
MSIM_API uint16_t msim_listener_port(const struct msim_listener *listener);

/* Takes no more connections; those that are open stay. */
MSIM_API void msim_listener_close(struct msim_listener **listener);

/* A line of a head. */
struct msim_http_header {
    const char *name;
    const char *value;
};

/* Bounds of what a client's request says beside the handshake; beyond: MSIM_ERR_LIMIT. */
#define MSIM_CONNECT_MAX_HEADERS 64
#define MSIM_CONNECT_MAX_HEADER_BYTES 8192

struct msim_connect_params {
    size_t size;
    const char *url; /* ws://host[:port][/path][?query], or wss:// with TLS */
    struct msim_connection_limits limits;
    struct msim_connection_handler handler;
    void *context;
    /* For wss://, shared (marketsim/tls.h); NULL: the system's authorities are trusted. */
    struct msim_tls *tls;
    struct msim_deflate deflate;
    /*
     * Further lines of the request, such as Authorization; borrowed for the call.  MSIM_ERR_INVALID
     * for what would break a head, and for lines that are the handshake's own (Host, Upgrade,
     * Sec-WebSocket-Key, ...).
     */
    const struct msim_http_header *headers;
    size_t header_count;
    const char *api_key; /* said as X-API-Key (marketsim/access.h); NULL: none */
    /* Of the key: the request is signed as of the moment of the call.  NULL: it is not. */
    const char *api_secret;
};
#define MSIM_CONNECT_PARAMS_INIT                                              \
    {                                                                         \
        sizeof(struct msim_connect_params), 0, MSIM_CONNECTION_LIMITS_INIT,   \
            MSIM_CONNECTION_HANDLER_INIT, 0, 0, MSIM_DEFLATE_INIT, 0, 0, 0, 0 \
    }

/*
 * Starts to connect; `opened` or `closed` follows in a later turn.  Every address of the host is
 * tried in turn; a name is looked up by a thread that lives only so long (it handles no signal, and
 * touches nothing of the host's).  MSIM_ERR_INVALID for a URL that is none, MSIM_ERR_UNSUPPORTED
 * for wss:// in a build without TLS, MSIM_ERR_LIMIT at max_connections, MSIM_ERR_IO where the
 * system has no thread or pipe left.  `out` may be NULL.
 */
MSIM_API int msim_net_connect(struct msim_net *net, struct msim_connection **out,
                              const struct msim_connect_params *params, struct msim_detail *detail);

/*
 * Queues one message; it leaves at the end of the turn (or of the next one).  That a text
 * is UTF-8 is the caller's to see to.
 *
 * MSIM_ERR_LIMIT where the backlog has no room for it now: nothing is queued, and `drained`
 * tells when to go on.  MSIM_ERR_INVALID where max_backlog_bytes is too small for it ever,
 * MSIM_ERR_STATE before the connection is open, MSIM_ERR_CLOSED when it is ending.
 */
MSIM_API int msim_connection_send(struct msim_connection *connection, enum msim_message_kind kind,
                                  const void *bytes, size_t length);

/*
 * The same for finished unmasked frames (a server's side of a connection), as many as
 * there are in `bytes`: encode once, send to many.
 */
MSIM_API int msim_connection_send_frames(struct msim_connection *connection, const void *bytes,
                                         size_t length);

/* The head of an unmasked whole message of `length` bytes, 2..10 bytes; returns its size. */
#define MSIM_FRAME_HEAD_SIZE 10
MSIM_API size_t msim_frame_head(unsigned char out[MSIM_FRAME_HEAD_SIZE],
                                enum msim_message_kind kind, size_t length);

/* Bytes of frames that wait here, not counting what the system has taken already. */
MSIM_API size_t msim_connection_backlog(const struct msim_connection *connection);

/* Bytes of frames queued since the connection opened; minus the backlog: what the system took. */
MSIM_API uint64_t msim_connection_queued(const struct msim_connection *connection);

/*
 * Sends what waits, then a close frame, then waits for the peer's; `closed` is
 * called at the end.  A second call changes nothing.  A reason is cut to 123 bytes.
 */
MSIM_API void msim_connection_close(struct msim_connection *connection, int code,
                                    const char *reason);

/* Ends the connection now: what waits is lost, the peer sees a reset. */
MSIM_API void msim_connection_abort(struct msim_connection *connection);

/* Are messages compressed on it, in both directions where one likes? */
MSIM_API bool msim_connection_is_deflated(const struct msim_connection *connection);

/* Is it TLS? */
MSIM_API bool msim_connection_is_secure(const struct msim_connection *connection);

/* A pointer of the owner's, NULL at first. */
MSIM_API void msim_connection_set_user(struct msim_connection *connection, void *user);
MSIM_API void *msim_connection_user(const struct msim_connection *connection);

/* "127.0.0.1:4711".  Borrowed: valid as long as the connection. */
MSIM_API const char *msim_connection_peer(const struct msim_connection *connection);

#ifdef __cplusplus
}
#endif

#endif
