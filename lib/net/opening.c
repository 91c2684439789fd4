#include "net/opening.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

/* The longest "101 Switching Protocols" of ours. */
#define ACCEPT_ROOM 192

struct msim_opening *msim_opening_create(struct msim_connection *connection)
{
    const struct msim_connection_limits *limits = &connection->endpoint->limits;
    const struct msim_allocator *allocator = &connection->net->allocator;
    struct msim_opening *opening = msim_mem_zero(allocator, sizeof *opening);

    if (!opening)
        return NULL;
    msim_bytes_init(&opening->head, limits->max_head_bytes + MSIM_NET_INPUT_BYTES, allocator);
    connection->opening = opening;
    return opening;
}

void msim_opening_free(struct msim_connection *connection)
{
    const struct msim_allocator *allocator = &connection->net->allocator;
    struct msim_opening *opening = connection->opening;

    if (!opening)
        return;
    connection->opening = NULL;
    if (opening->attempt)
        msim_mem_free(allocator, opening->attempt, sizeof *opening->attempt);
    msim_bytes_finish(&opening->head);
    msim_mem_free(allocator, opening, sizeof *opening);
}

/* ---- the server's side ---- */

static void refuse(struct msim_connection *connection, const struct msim_http_refusal *refusal)
{
    msim_log(&connection->net->logger, MSIM_LOG_INFO, "net", "%s: refused with %d: %s",
             connection->peer, refusal->status, refusal->words);
    if (msim_handshake_write_refusal(&connection->out, refusal) < 0)
        msim_connection_end(connection);
    else
        msim_connection_linger(connection);
}

/* A copy of a raw text with its terminator; `*at` moves behind it. */
static const char *copy_text(char **at, struct msim_http_text text)
{
    char *start = *at;

    if (text.length > 0)
        memcpy(start, text.at, text.length);
    start[text.length] = '\0';
    *at = start + text.length + 1;
    return start;
}

/* Asks the owner: 0 or a status; MSIM_ERR_NOMEM, MSIM_ERR_FORMAT for a bad path. */
static int ask(struct msim_connection *connection, const struct msim_http_head *head,
               const struct msim_http_field *origin)
{
    const struct msim_endpoint *endpoint = connection->endpoint;
    const struct msim_allocator *allocator = &connection->net->allocator;
    size_t size = head->path.length + head->query.length + head->authority.length +
                  (origin ? origin->value.length : 0) + 4;

    char *texts = msim_mem_take(allocator, size);
    if (!texts)
        return MSIM_ERR_NOMEM;
    char *at = texts + head->path.length + 1;
    struct msim_request request = {
        .path = texts,
        .query = copy_text(&at, head->query),
        .host = copy_text(&at, head->authority),
        .origin = origin ? copy_text(&at, origin->value) : NULL,
        .peer = connection->peer,
    };
    int r = msim_http_decode(texts, head->path);
    if (r == MSIM_OK && endpoint->handler.request) {
        r = endpoint->handler.request(endpoint->context, connection, &request);
        if (r != 0 && (r < 400 || r > 599))
            r = 500;
    }
    msim_mem_free(allocator, texts, size);
    return r;
}

static void answer(struct msim_connection *connection, const struct msim_http_head *head)
{
    struct msim_http_refusal refusal;
    struct msim_http_text key;
    unsigned char *room;
    size_t origins;
    const struct msim_http_field *origin = msim_http_field(head, "Origin", &origins);

    if (msim_handshake_check(head, &key, &refusal) < 0) {
        refuse(connection, &refusal);
        return;
    }
    if (origins > 1) {
        refuse(connection, &(struct msim_http_refusal){400, "more than one Origin"});
        return;
    }
    /* Taken before the owner is asked: once it has agreed, nothing can fail. */
    int r = msim_bytes_reserve(&connection->out, ACCEPT_ROOM, &room);
    if (r == MSIM_OK)
        r = ask(connection, head, origin);
    if (connection->state == MSIM_ENDED)
        return;
    if (r == MSIM_ERR_FORMAT) {
        refuse(connection, &(struct msim_http_refusal){400, "the path is not UTF-8 text"});
    } else if (r < 0) {
        msim_connection_end(connection);
    } else if (r > 0) {
        refuse(connection, &(struct msim_http_refusal){r, msim_http_phrase(r)});
    } else {
        r = msim_handshake_write_accept(&connection->out, key);
        assert(r == MSIM_OK);
        (void)r;
        msim_connection_touch(connection);
        msim_channel_open(connection);
    }
}

/* ---- the client's side ---- */

static void hear_answer(struct msim_connection *connection, const struct msim_http_head *head)
{
    struct msim_detail detail;

    if (msim_handshake_check_answer(head, connection->opening->attempt->key, &detail) < 0)
        msim_client_fail(connection, MSIM_ERR_FORMAT, "%s: %s", connection->opening->attempt->name,
                         detail.text);
    else
        msim_channel_open(connection);
}

/* ---- both ---- */

static void wrong_head(struct msim_connection *connection, const struct msim_http_refusal *refusal)
{
    if (connection->ws.role == MSIM_WS_SERVER)
        refuse(connection, refusal);
    else
        msim_client_fail(connection, MSIM_ERR_FORMAT,
                         "%s does not speak HTTP as a WebSocket server must: %s",
                         connection->opening->attempt->name, refusal->words);
}

/* The head is whole: `bytes` of `length`. */
static void read_head(struct msim_connection *connection, const char *bytes, size_t length)
{
    struct msim_http_head head;
    struct msim_http_refusal refusal;
    bool is_server = connection->ws.role == MSIM_WS_SERVER;

    int r = is_server ? msim_http_read_request(&head, bytes, length, &refusal)
                      : msim_http_read_response(&head, bytes, length, &refusal);
    if (r < 0)
        wrong_head(connection, &refusal);
    else if (is_server)
        answer(connection, &head);
    else
        hear_answer(connection, &head);
}

void msim_opening_receive(struct msim_connection *connection, unsigned char *bytes, size_t length)
{
    struct msim_opening *opening = connection->opening;
    struct msim_http_refusal refusal;
    const unsigned char *head = bytes;
    size_t head_length = length;
    bool is_first = msim_bytes_length(&opening->head) == 0;

    if (!is_first) {
        if (msim_bytes_append(&opening->head, bytes, length) < 0) {
            msim_connection_end(connection);
            return;
        }
        head = msim_bytes_front(&opening->head);
        head_length = msim_bytes_length(&opening->head);
    }
    enum msim_http_progress progress =
        msim_http_scan(&opening->scan, (const char *)head, head_length,
                       connection->endpoint->limits.max_head_bytes, &refusal);
    if (progress == MSIM_HTTP_REFUSED) {
        wrong_head(connection, &refusal);
    } else if (progress == MSIM_HTTP_MORE) {
        if (is_first && msim_bytes_append(&opening->head, bytes, length) < 0)
            msim_connection_end(connection);
    } else {
        /* What lies behind the head came last: it ends where these bytes end. */
        size_t rest = head_length - opening->scan.line;
        read_head(connection, (const char *)head, opening->scan.line);
        if (connection->state == MSIM_OPEN || connection->state == MSIM_CLOSING) {
            msim_opening_free(connection);
            if (rest > 0)
                msim_channel_receive(connection, bytes + length - rest, rest);
        }
    }
}

void msim_opening_expired(struct msim_connection *connection)
{
    if (connection->ws.role == MSIM_WS_CLIENT)
        msim_client_fail(connection, MSIM_ERR_TIMEOUT,
                         "%s took the connection, but did not answer the handshake",
                         connection->opening->attempt->name);
    else if (connection->opening->scan.seen > 0)
        refuse(connection, &(struct msim_http_refusal){408, "the request took too long"});
    else
        msim_connection_end(connection);
}

void msim_opening_cut(struct msim_connection *connection)
{
    if (connection->ws.role == MSIM_WS_CLIENT)
        msim_client_fail(connection, MSIM_ERR_FORMAT,
                         "%s closed the connection instead of opening a WebSocket",
                         connection->opening->attempt->name);
    else if (connection->opening->scan.seen > 0)
        refuse(connection, &(struct msim_http_refusal){400, "the request ends within its head"});
    else
        msim_connection_end(connection);
}
