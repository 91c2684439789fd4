/*
 * HTTP/1.1 on a listener's port, beside its WebSockets: routes, requests with bodies,
 * answers at once, later, or in pieces.
 *
 * A connection has one exchange at a time, a request and its answer; what a client sends
 * ahead waits.  An exchange lives until `ended` has returned, which follows from the loop
 * when the answer is whole or the peer has gone, never inside one of these calls.
 *
 * Every answer bears a Date.  Those that the transport gives by itself (an unknown path, a body
 * that is too large) are problems as msim_exchange_refuse writes them.
 */
#ifndef MARKETSIM_HTTP_H
#define MARKETSIM_HTTP_H

#include <marketsim/net.h>

#ifdef __cplusplus
extern "C" {
#endif

struct msim_exchange;

/* All texts are terminated and borrowed: valid as long as the exchange. */
struct msim_http_request {
    const char *method;
    const char *path;  /* percent-decoded, without the query */
    const char *query; /* raw; "" where there is none */
    const char *host;  /* of an absolute target, else the Host header; "" in HTTP/1.0 */
    const char *peer;
    const unsigned char *body; /* whole, unless the handler takes it in pieces */
    size_t body_length;
};

struct msim_http_handler {
    /*
     * A request: with its whole body, or, where there is a `body` function, as soon as its
     * head is there.  It is answered now or later.
     */
    void (*request)(void *context, struct msim_exchange *exchange);
    /* May be NULL.  The next bytes of the body; none at its end.  Borrowed for the call. */
    void (*body)(void *context, struct msim_exchange *exchange, const unsigned char *bytes,
                 size_t length);
    /* May be NULL.  An answer in pieces has room again after MSIM_ERR_LIMIT. */
    void (*drained)(void *context, struct msim_exchange *exchange);
    /* May be NULL.  The last call for an exchange that `request` was called for. */
    void (*ended)(void *context, struct msim_exchange *exchange);
};

/*
 * What a listener does with a path, beside its own handler.  The most exact path wins; a
 * path that is known for other methods only is answered with 405.  Where a path has both, HTTP
 * and a WebSocket, those who name `Upgrade: websocket` get the WebSocket.
 */
struct msim_route {
    const char *method;                   /* "GET" is for HEAD as well; NULL: every method */
    const char *path;                     /* "/healthz"; "/files/" and a star: everything below */
    const struct msim_http_handler *http; /* one of these two: copied */
    const struct msim_connection_handler *websocket; /* its `request` may still refuse */
    void *context;
    size_t max_body_bytes; /* 1 MiB; beyond: 413 */
    /* What sets that bound, as the words of the 413 name it: "max_rows, --max-rows"; NULL: nothing.
     */
    const char *max_body_name;
};

/*
 * Which pages of other origins may read the answers of a path (CORS): those that are named get
 * the header lines that a browser asks for, on errors as well, and an OPTIONS request that asks
 * beforehand is answered with 204.  Of several rules for a path the most exact one counts.
 */
struct msim_cors {
    const char *path;           /* as a route's; NULL: every path */
    const char *const *origins; /* "https://robot.example:8080"; "*": everybody */
    size_t origin_count;
    const char *headers;         /* "X-API-Key, X-Session-ID": may be sent; NULL: any */
    const char *exposed_headers; /* that a page may read beyond the usual; NULL: none */
    uint32_t max_age_s;          /* how long the answer holds beforehand; default 600 */
    bool credentials;            /* cookies and the like; not together with "*" */
};

MSIM_API const struct msim_http_request *msim_exchange_request(
    const struct msim_exchange *exchange);

/* The first header of this name (a == A), NULL where there is none. */
MSIM_API const char *msim_exchange_header(const struct msim_exchange *exchange, const char *name);

struct msim_http_answer {
    int status;               /* 200..599 */
    const char *content_type; /* NULL: none is named */
    const struct msim_http_header *headers;
    size_t header_count;
    const void *body;
    size_t body_length;
};

/*
 * The whole answer; all is copied.  MSIM_ERR_INVALID for a header that would break the head,
 * MSIM_ERR_STATE where the exchange is answered already, MSIM_ERR_LIMIT where it does not fit
 * into the connection's backlog, MSIM_ERR_CLOSED where the peer has gone.
 */
MSIM_API int msim_exchange_answer(struct msim_exchange *exchange,
                                  const struct msim_http_answer *answer);

/* An error as application/problem+json (RFC 9457), with words for a person. */
MSIM_API int msim_exchange_refuse(struct msim_exchange *exchange, int status, const char *words);

/* The same answer in pieces: its head (`body` is left aside), any number of pieces, an end. */
MSIM_API int msim_exchange_begin(struct msim_exchange *exchange,
                                 const struct msim_http_answer *answer);
MSIM_API int msim_exchange_write(struct msim_exchange *exchange, const void *bytes, size_t length);
MSIM_API int msim_exchange_finish(struct msim_exchange *exchange);

/* No answer at all, or no more of it: the connection is reset. */
MSIM_API void msim_exchange_abort(struct msim_exchange *exchange);

/* A pointer of the owner's, NULL at first. */
MSIM_API void msim_exchange_set_user(struct msim_exchange *exchange, void *user);
MSIM_API void *msim_exchange_user(const struct msim_exchange *exchange);

#ifdef __cplusplus
}
#endif

#endif
