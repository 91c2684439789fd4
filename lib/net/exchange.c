#include "net/exchange.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "net/date.h"
#include "net/opening.h"
#include "net/problem.h"

/* ---- the request ---- */

static char *put_text(char *at, const char *text, size_t length)
{
    if (length > 0)
        memcpy(at, text, length);
    at[length] = '\0';
    return at + length + 1;
}

/* Copies what the owner may look at: the head's bytes go away with the next ones that come. */
static bool copy_texts(struct msim_exchange *exchange, const struct msim_http_head *head,
                       const char *path)
{
    const struct msim_allocator *allocator = &exchange->connection->net->allocator;
    size_t size =
        strlen(path) + head->method.length + head->query.length + head->authority.length + 4;

    for (size_t i = 0; i < head->field_count; i++)
        size += head->fields[i].name.length + head->fields[i].value.length + 2;
    exchange->texts = msim_mem_take(allocator, size);
    if (!exchange->texts)
        return false;
    exchange->texts_size = size;

    char *at = exchange->texts;
    exchange->request.path = at;
    at = put_text(at, path, strlen(path));
    exchange->request.method = at;
    at = put_text(at, head->method.at, head->method.length);
    exchange->request.query = at;
    at = put_text(at, head->query.at, head->query.length);
    exchange->request.host = at;
    at = put_text(at, head->authority.at, head->authority.length);
    exchange->request.peer = exchange->connection->peer;
    exchange->headers = at;
    exchange->header_count = head->field_count;
    for (size_t i = 0; i < head->field_count; i++) {
        at = put_text(at, head->fields[i].name.at, head->fields[i].name.length);
        at = put_text(at, head->fields[i].value.at, head->fields[i].value.length);
    }
    return true;
}

static void exchange_free(struct msim_exchange *exchange)
{
    const struct msim_allocator *allocator = &exchange->connection->net->allocator;

    msim_bytes_finish(&exchange->collected);
    if (exchange->texts)
        msim_mem_free(allocator, exchange->texts, exchange->texts_size);
    msim_mem_free(allocator, exchange, sizeof *exchange);
}

static void tell_request(struct msim_exchange *exchange)
{
    exchange->is_told = true;
    exchange->request.body_length = msim_bytes_length(&exchange->collected);
    exchange->request.body = exchange->request.body_length > 0
                                 ? msim_bytes_front(&exchange->collected)
                                 : (const unsigned char *)"";
    exchange->route->http.request(exchange->route->context, exchange);
}

static bool may_go_on(const struct msim_exchange *exchange)
{
    return exchange->connection->state == MSIM_OPENING && !exchange->is_answered;
}

static void stop(struct msim_exchange *exchange, int status, const char *words)
{
    struct msim_connection *connection = exchange->connection;

    /* With half an answer under way, another one would only lie. */
    if (exchange->is_begun)
        msim_connection_end(connection);
    else
        msim_opening_refuse(connection, status, words);
}

/* Was the body the one that its signature is for?  Ended where it was not. */
static bool is_signed(struct msim_exchange *exchange)
{
    struct msim_verdict verdict = {0};

    if (exchange->connection->guest)
        msim_guest_body_end(exchange->connection->guest, &verdict);
    if (verdict.status > 0)
        stop(exchange, verdict.status, verdict.words);
    return verdict.status == 0;
}

/* The body is whole. */
static void body_end(struct msim_exchange *exchange)
{
    const struct msim_http_handler *handler = &exchange->route->http;
    struct msim_connection *connection = exchange->connection;

    msim_wheel_cancel(&connection->net->wheel, &connection->timer);
    if (!is_signed(exchange))
        return;
    if (!handler->body)
        tell_request(exchange);
    else if (may_go_on(exchange))
        handler->body(exchange->route->context, exchange, NULL, 0);
    msim_connection_look(connection);
}

static bool take_piece(struct msim_exchange *exchange, const unsigned char *piece, size_t length)
{
    const struct msim_route_entry *route = exchange->route;
    char words[MSIM_ROUTE_WORDS_SIZE];

    if (length > route->max_body_bytes - exchange->body_bytes) {
        stop(exchange, 413, msim_route_body_words(route, words));
        return false;
    }
    exchange->body_bytes += length;
    if (exchange->connection->guest)
        msim_guest_body(exchange->connection->guest, piece, length);
    if (route->http.body) {
        if (may_go_on(exchange))
            route->http.body(route->context, exchange, piece, length);
        return exchange->connection->state == MSIM_OPENING;
    }
    if (msim_bytes_append(&exchange->collected, piece, length) < 0) {
        msim_connection_end(exchange->connection);
        return false;
    }
    return true;
}

size_t msim_exchange_receive(struct msim_exchange *exchange, const unsigned char *bytes,
                             size_t length)
{
    size_t at = 0;

    while (at < length && !msim_body_ended(&exchange->body)) {
        const unsigned char *piece;
        size_t piece_length;
        int64_t taken =
            msim_body_next(&exchange->body, bytes + at, length - at, &piece, &piece_length);
        if (taken < 0) {
            stop(exchange, 400, "the body's chunks are not well formed");
            return length;
        }
        at += (size_t)taken;
        if (piece && !take_piece(exchange, piece, piece_length))
            return length;
        if (msim_body_ended(&exchange->body)) {
            body_end(exchange); /* which may have been the exchange's own end */
            break;
        }
    }
    return at;
}

static void nobody(void *context, struct msim_exchange *exchange)
{
    (void)context;
    (void)exchange;
}

static void nobody_reads(void *context, struct msim_exchange *exchange, const unsigned char *bytes,
                         size_t length)
{
    (void)context;
    (void)exchange;
    (void)bytes;
    (void)length;
}

/* A request that no owner sees: it is answered before its body, where it has one. */
static const struct msim_route_entry unrouted = {
    .http = {.request = nobody, .body = nobody_reads},
    .max_body_bytes = SIZE_MAX,
};

static bool wants_to_continue(const struct msim_http_head *head)
{
    const struct msim_http_field *expect = msim_http_field(head, "Expect", NULL);

    return expect && head->minor > 0 && msim_http_is_loosely(expect->value, "100-continue");
}

static bool keeps_alive(const struct msim_http_head *head)
{
    return head->minor > 0 && !msim_http_lists(head, "Connection", "close");
}

void msim_exchange_start(struct msim_connection *connection, const struct msim_http_head *head,
                         const char *path, const struct msim_route_entry *route)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct msim_net *net = connection->net;
    char words[MSIM_ROUTE_WORDS_SIZE];

    if (head->body_length > route->max_body_bytes) {
        msim_opening_refuse(connection, 413, msim_route_body_words(route, words));
        return;
    }
    struct msim_exchange *exchange = msim_mem_zero(&net->allocator, sizeof *exchange);
    if (!exchange) {
        msim_connection_end(connection);
        return;
    }
    exchange->connection = connection;
    exchange->route = route;
    exchange->minor = head->minor;
    exchange->is_head = msim_http_is(head->method, "HEAD");
    exchange->keeps_alive = keeps_alive(head);
    msim_bytes_init(&exchange->collected, route->max_body_bytes, &net->allocator);
    if (!copy_texts(exchange, head, path) ||
        (head->has_body && route != &unrouted && wants_to_continue(head) &&
         msim_bytes_append(&connection->out, go_on, sizeof go_on - 1) < 0)) {
        exchange_free(exchange);
        msim_connection_end(connection);
        return;
    }
    connection->opening->exchange = exchange;
    if (head->is_chunked)
        msim_body_in_chunks(&exchange->body);
    else
        msim_body_by_length(&exchange->body, head->body_length);
    msim_connection_touch(connection);
    msim_wheel_set(&net->wheel, &connection->timer,
                   msim_time_after(net->now, connection->endpoint->limits.message_timeout));
    if (route->http.body)
        tell_request(exchange);
    if (connection->state == MSIM_OPENING && msim_body_ended(&exchange->body))
        body_end(exchange);
}

void msim_exchange_drop(struct msim_connection *connection)
{
    struct msim_exchange *exchange = connection->opening ? connection->opening->exchange : NULL;

    if (!exchange)
        return;
    connection->opening->exchange = NULL;
    exchange->is_answered = true;
    if (exchange->is_told && exchange->route->http.ended) {
        exchange->route->http.ended(exchange->route->context, exchange);
        msim_net_wake(connection->net);
    }
    exchange_free(exchange);
}

void msim_exchange_drained(struct msim_exchange *exchange)
{
    const struct msim_http_handler *handler = &exchange->route->http;

    if (!exchange->wants_drained || !may_go_on(exchange))
        return;
    exchange->wants_drained = false;
    if (handler->drained) {
        handler->drained(exchange->route->context, exchange);
        msim_net_wake(exchange->connection->net);
    }
}

/* ---- what the owner sees ---- */

const struct msim_http_request *msim_exchange_request(const struct msim_exchange *exchange)
{
    return exchange ? &exchange->request : NULL;
}

/* Names and values follow each other, each with its terminator. */
static const char *find_header(const char *at, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        const char *value = at + strlen(at) + 1;
        if (msim_http_is_loosely((struct msim_http_text){at, strlen(at)}, name))
            return value;
        at = value + strlen(value) + 1;
    }
    return NULL;
}

const char *msim_exchange_header(const struct msim_exchange *exchange, const char *name)
{
    return exchange && name ? find_header(exchange->headers, exchange->header_count, name) : NULL;
}

const char *msim_request_header(const struct msim_request *request, const char *name)
{
    return request && name ? find_header(request->headers, request->header_count, name) : NULL;
}

void msim_exchange_set_user(struct msim_exchange *exchange, void *user)
{
    if (exchange)
        exchange->user = user;
}

void *msim_exchange_user(const struct msim_exchange *exchange)
{
    return exchange ? exchange->user : NULL;
}

/* ---- the answer ---- */

static int check_answering(const struct msim_exchange *exchange, bool has_begun)
{
    if (exchange->connection->state != MSIM_OPENING)
        return MSIM_ERR_CLOSED;
    if (exchange->is_answered || exchange->is_begun != has_begun)
        return MSIM_ERR_STATE;
    return MSIM_OK;
}

static bool answer_valid(const struct msim_http_answer *answer)
{
    if (answer->status < 200 || answer->status > 599 ||
        (!answer->body && answer->body_length > 0) ||
        (!answer->headers && answer->header_count > 0) ||
        (answer->content_type && !msim_http_value_valid(answer->content_type)))
        return false;
    for (size_t i = 0; i < answer->header_count; i++)
        if (!msim_http_header_valid(answer->headers[i].name, answer->headers[i].value))
            return false;
    return true;
}

static bool status_has_body(int status)
{
    return status != 204 && status != 304;
}

/* Upper bound of what the head needs. */
static size_t head_room(const struct msim_exchange *exchange, const struct msim_http_answer *answer)
{
    size_t room = 320 + (answer->content_type ? strlen(answer->content_type) : 0) +
                  msim_bytes_length(&exchange->connection->opening->lines);

    for (size_t i = 0; i < answer->header_count; i++)
        room += strlen(answer->headers[i].name) + strlen(answer->headers[i].value) + 4;
    return room;
}

enum framing {
    FRAMED_BY_LENGTH,
    FRAMED_BY_CHUNKS,
    FRAMED_BY_CLOSE,
    FRAMED_BY_STATUS, /* no body, and nothing said about it */
};

static size_t write_head(char *out, size_t size, const struct msim_exchange *exchange,
                         const struct msim_http_answer *answer, enum framing framing)
{
    const struct msim_bytes *lines = &exchange->connection->opening->lines;
    char date[MSIM_DATE_SIZE];

    msim_date_now(date);
    size_t at = (size_t)snprintf(out, size, "HTTP/1.1 %d %s\r\nDate: %s\r\n", answer->status,
                                 msim_http_phrase(answer->status), date);

    if (answer->content_type)
        at += (size_t)snprintf(out + at, size - at, "Content-Type: %s\r\n", answer->content_type);
    if (framing == FRAMED_BY_LENGTH)
        at += (size_t)snprintf(out + at, size - at, "Content-Length: %zu\r\n", answer->body_length);
    if (framing == FRAMED_BY_CHUNKS)
        at += (size_t)snprintf(out + at, size - at, "Transfer-Encoding: chunked\r\n");
    if (!exchange->keeps_alive)
        at += (size_t)snprintf(out + at, size - at, "Connection: close\r\n");
    for (size_t i = 0; i < answer->header_count; i++)
        at += (size_t)snprintf(out + at, size - at, "%s: %s\r\n", answer->headers[i].name,
                               answer->headers[i].value);
    memcpy(out + at, msim_bytes_front(lines), msim_bytes_length(lines));
    at += msim_bytes_length(lines);
    at += (size_t)snprintf(out + at, size - at, "\r\n");
    assert(at < size);
    return at;
}

/* Head and body in one, or neither. */
static int queue_answer(struct msim_exchange *exchange, const struct msim_http_answer *answer,
                        enum framing framing, size_t body_length)
{
    struct msim_bytes *out = &exchange->connection->out;
    size_t bound = exchange->connection->endpoint->limits.max_backlog_bytes;
    size_t room = head_room(exchange, answer) + body_length;
    unsigned char *bytes;

    /* A body that comes after its answer has nobody left who would take it. */
    if (!msim_body_ended(&exchange->body))
        exchange->keeps_alive = false;
    if (room > bound)
        return MSIM_ERR_INVALID;
    if (msim_bytes_length(out) > bound - room)
        return MSIM_ERR_LIMIT;
    int r = msim_bytes_reserve(out, room, &bytes);
    if (r < 0)
        return r;
    size_t length = write_head((char *)bytes, room, exchange, answer, framing);
    if (body_length > 0)
        memcpy(bytes + length, answer->body, body_length);
    msim_bytes_commit(out, length + body_length);
    msim_connection_touch(exchange->connection);
    return MSIM_OK;
}

static void answered(struct msim_exchange *exchange)
{
    exchange->is_answered = true;
    msim_connection_resume(exchange->connection);
}

int msim_exchange_answer(struct msim_exchange *exchange, const struct msim_http_answer *answer)
{
    if (!exchange || !answer || !answer_valid(answer))
        return MSIM_ERR_INVALID;
    int r = check_answering(exchange, false);
    if (r < 0)
        return r;
    bool has_body = status_has_body(answer->status);
    r = queue_answer(exchange, answer, has_body ? FRAMED_BY_LENGTH : FRAMED_BY_STATUS,
                     has_body && !exchange->is_head ? answer->body_length : 0);
    if (r < 0)
        return r;
    exchange->is_begun = true;
    answered(exchange);
    return MSIM_OK;
}

static int refuse_with(struct msim_exchange *exchange, int status, const char *words,
                       const struct msim_http_header *header)
{
    char body[MSIM_PROBLEM_SIZE];

    int length = msim_http_problem(body, status, words);
    if (length < 0)
        return length;
    const struct msim_http_answer answer = {
        .status = status,
        .content_type = "application/problem+json",
        .headers = header,
        .header_count = header ? 1 : 0,
        .body = body,
        .body_length = (size_t)length,
    };
    return msim_exchange_answer(exchange, &answer);
}

int msim_exchange_refuse(struct msim_exchange *exchange, int status, const char *words)
{
    if (!exchange || !words || status < 400 || status > 599)
        return MSIM_ERR_INVALID;
    return refuse_with(exchange, status, words, NULL);
}

/* ---- the transport's own answers ---- */

static struct msim_exchange *start_unrouted(struct msim_connection *connection,
                                            const struct msim_http_head *head, const char *path)
{
    msim_exchange_start(connection, head, path, &unrouted);
    return connection->state == MSIM_OPENING && connection->opening ? connection->opening->exchange
                                                                    : NULL;
}

void msim_exchange_refuse_head(struct msim_connection *connection,
                               const struct msim_http_head *head, const char *path,
                               const struct msim_http_refusal *refusal)
{
    const struct msim_http_header allow = {"Allow", refusal->allow};
    struct msim_exchange *exchange = start_unrouted(connection, head, path);

    if (exchange &&
        refuse_with(exchange, refusal->status, refusal->words, refusal->allow ? &allow : NULL) < 0)
        msim_connection_end(connection);
}

void msim_exchange_answer_head(struct msim_connection *connection,
                               const struct msim_http_head *head, const char *path, int status)
{
    const struct msim_http_answer answer = {.status = status};
    struct msim_exchange *exchange = start_unrouted(connection, head, path);

    if (exchange && msim_exchange_answer(exchange, &answer) < 0)
        msim_connection_end(connection);
}

int msim_exchange_begin(struct msim_exchange *exchange, const struct msim_http_answer *answer)
{
    if (!exchange || !answer || !answer_valid(answer))
        return MSIM_ERR_INVALID;
    int r = check_answering(exchange, false);
    if (r < 0)
        return r;
    enum framing framing = FRAMED_BY_CHUNKS;
    if (!status_has_body(answer->status))
        framing = FRAMED_BY_STATUS;
    else if (exchange->minor == 0)
        framing = FRAMED_BY_CLOSE;
    r = queue_answer(exchange, answer, framing, 0);
    if (r < 0)
        return r;
    exchange->is_begun = true;
    exchange->is_chunked = framing == FRAMED_BY_CHUNKS && !exchange->is_head;
    /* What has no body to carry them takes the pieces and leaves them aside. */
    if (framing == FRAMED_BY_STATUS)
        exchange->is_head = true;
    return MSIM_OK;
}

/* "1a2b\r\n", the piece, "\r\n" */
static int queue_chunk(struct msim_exchange *exchange, const void *bytes, size_t length)
{
    struct msim_bytes *out = &exchange->connection->out;
    unsigned char *room;

    int r = msim_bytes_reserve(out, length + 32, &room);
    if (r < 0)
        return r;
    size_t at = (size_t)snprintf((char *)room, 32, "%zx\r\n", length);
    if (length > 0)
        memcpy(room + at, bytes, length);
    memcpy(room + at + length, "\r\n", 2);
    msim_bytes_commit(out, at + length + 2);
    return MSIM_OK;
}

int msim_exchange_write(struct msim_exchange *exchange, const void *bytes, size_t length)
{
    if (!exchange || (!bytes && length > 0))
        return MSIM_ERR_INVALID;
    int r = check_answering(exchange, true);
    if (r < 0)
        return r;
    /* A chunk of no bytes would be the end. */
    if (length == 0 || exchange->is_head)
        return MSIM_OK;
    size_t bound = exchange->connection->endpoint->limits.max_backlog_bytes;
    if (length > bound - 32)
        return MSIM_ERR_INVALID;
    if (msim_bytes_length(&exchange->connection->out) > bound - 32 - length) {
        exchange->wants_drained = true;
        exchange->connection->is_above = true;
        return MSIM_ERR_LIMIT;
    }
    r = exchange->is_chunked ? queue_chunk(exchange, bytes, length)
                             : msim_bytes_append(&exchange->connection->out, bytes, length);
    if (r == MSIM_OK)
        msim_connection_touch(exchange->connection);
    return r;
}

int msim_exchange_finish(struct msim_exchange *exchange)
{
    if (!exchange)
        return MSIM_ERR_INVALID;
    int r = check_answering(exchange, true);
    if (r == MSIM_OK && exchange->is_chunked)
        r = queue_chunk(exchange, NULL, 0);
    if (r < 0)
        return r;
    msim_connection_touch(exchange->connection);
    answered(exchange);
    return MSIM_OK;
}

void msim_exchange_abort(struct msim_exchange *exchange)
{
    if (exchange)
        msim_connection_abort(exchange->connection);
}
