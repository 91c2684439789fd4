/*
 * A request and its answer, on a connection that is still HTTP.
 */
#ifndef MSIM_NET_EXCHANGE_H
#define MSIM_NET_EXCHANGE_H

#include <marketsim/http.h>

#include "base/bytes.h"
#include "net/body.h"
#include "net/connection.h"
#include "net/http.h"
#include "net/route.h"

struct msim_exchange {
    struct msim_http_request request;
    struct msim_connection *connection;
    const struct msim_route_entry *route;
    void *user;
    struct msim_body body;
    struct msim_bytes collected; /* the body, where it is not taken in pieces */
    size_t body_bytes;           /* that came so far */
    char *texts;                 /* all of the request's, then the headers: name, value, name ... */
    size_t texts_size;
    const char *headers;
    size_t header_count;
    int minor;          /* HTTP/1.minor */
    bool is_head;       /* the answer has no body */
    bool keeps_alive;   /* another request may follow */
    bool is_told;       /* the owner knows of it */
    bool is_begun;      /* the head of the answer is queued */
    bool is_chunked;    /* its body goes in chunks */
    bool is_answered;   /* all of it is queued */
    bool wants_drained; /* a piece was refused */
};

/*
 * A whole head for this route: its exchange begins, or the connection is refused or ended.
 * `path` is the decoded one.
 */
void msim_exchange_start(struct msim_connection *connection, const struct msim_http_head *head,
                         const char *path, const struct msim_route_entry *route);

/* The same for a head that the transport answers by itself: with a refusal, or without a body. */
void msim_exchange_refuse_head(struct msim_connection *connection,
                               const struct msim_http_head *head, const char *path,
                               const struct msim_http_refusal *refusal);
void msim_exchange_answer_head(struct msim_connection *connection,
                               const struct msim_http_head *head, const char *path, int status);

/* Bytes of the body; returns how many were taken. */
size_t msim_exchange_receive(struct msim_exchange *exchange, const unsigned char *bytes,
                             size_t length);

/* Nothing more is read from the peer until the answer is whole. */
static inline bool msim_exchange_waits(const struct msim_exchange *exchange)
{
    return exchange && msim_body_ended(&exchange->body);
}

/* Tells the owner of the end and frees it. */
void msim_exchange_drop(struct msim_connection *connection);

/* The connection's backlog is low again. */
void msim_exchange_drained(struct msim_exchange *exchange);

#endif
