#include "net/opening.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "net/deflate.h"
#include "net/exchange.h"
#include "net/fetch.h"
#include "net/route.h"

/* Of the lines that answers to one request bear beside their own; the request's bound is its
 * head's.
 */
#define LINES_ROOM (64 * 1024)

/* Requests that were sent ahead and are served in one turn; the rest waits for the next. */
#define AHEAD_AT_ONCE 16

struct msim_opening *msim_opening_create(struct msim_connection *connection)
{
    const struct msim_connection_limits *limits = &connection->endpoint->limits;
    const struct msim_allocator *allocator = &connection->net->allocator;
    struct msim_opening *opening = msim_mem_zero(allocator, sizeof *opening);

    if (!opening)
        return NULL;
    msim_bytes_init(&opening->head, limits->max_head_bytes + MSIM_NET_INPUT_BYTES, allocator);
    msim_bytes_init(&opening->lines, limits->max_head_bytes + LINES_ROOM, allocator);
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
    msim_bytes_finish(&opening->lines);
    msim_mem_free(allocator, opening, sizeof *opening);
}

/* Messages may be compressed from now on, where the terms say so; an earlier request's are not. */
static int use_deflate(struct msim_connection *connection, const struct msim_deflate *wanted,
                       const struct msim_deflate_terms *terms)
{
    msim_deflate_link_free(connection->ws.deflate);
    connection->ws.deflate = NULL;
    if (!terms->is_on)
        return MSIM_OK;
    connection->ws.deflate = msim_deflate_link_create(&connection->net->deflate, wanted, terms);
    return connection->ws.deflate ? MSIM_OK : MSIM_ERR_NOMEM;
}

/* ---- the server's side ---- */

static void refuse(struct msim_connection *connection, const struct msim_http_refusal *words)
{
    const struct msim_bytes *lines = &connection->opening->lines;
    struct msim_http_refusal refused = *words;
    const struct msim_http_refusal *refusal = &refused;

    connection->net->stats.refused++;
    refused.lines = (const char *)msim_bytes_front(lines);
    refused.lines_length = msim_bytes_length(lines);
    msim_log(&connection->net->logger, MSIM_LOG_INFO, "net", "%s: refused with %d: %s",
             connection->peer, refusal->status, refusal->words);
    if (msim_handshake_write_refusal(&connection->out, refusal) < 0)
        msim_connection_end(connection);
    else
        msim_connection_linger(connection);
}

void msim_opening_refuse(struct msim_connection *connection, int status, const char *words)
{
    refuse(connection, &(struct msim_http_refusal){.status = status, .words = words});
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

static size_t texts_size(const struct msim_http_head *head)
{
    size_t size = head->query.length + head->authority.length + 2;

    for (size_t i = 0; i < head->field_count; i++)
        size += head->fields[i].name.length + head->fields[i].value.length + 2;
    return size;
}

/* Asks the owner: 0, or the status to refuse with, and its words if it has any; MSIM_ERR_NOMEM. */
static int ask(struct msim_connection *connection, const struct msim_http_head *head,
               const char *path, const struct msim_http_field *origin, struct msim_detail *words)
{
    const struct msim_endpoint *endpoint = connection->endpoint;
    const struct msim_allocator *allocator = &connection->net->allocator;
    size_t size = texts_size(head);

    if (!endpoint->handler.request)
        return 0;
    char *texts = msim_mem_take(allocator, size);
    if (!texts)
        return MSIM_ERR_NOMEM;
    char *at = texts;
    struct msim_request request = {
        .path = path,
        .query = copy_text(&at, head->query),
        .host = copy_text(&at, head->authority),
        .peer = connection->peer,
        .headers = at,
        .header_count = head->field_count,
        .words = words,
    };
    for (size_t i = 0; i < head->field_count; i++) {
        copy_text(&at, head->fields[i].name);
        const char *value = copy_text(&at, head->fields[i].value);
        if (&head->fields[i] == origin)
            request.origin = value;
    }
    int r = endpoint->handler.request(endpoint->context, connection, &request);
    msim_mem_free(allocator, texts, size);
    return r == MSIM_ADMIT || r == MSIM_ADMIT_NEVER || r == MSIM_ADMIT_RESET ||
                   (r >= 400 && r <= 599)
               ? r
               : 500;
}

/* MSIM_ERR_FORMAT, MSIM_ERR_NOMEM. */
static int choose_extensions(struct msim_connection *connection, const struct msim_http_head *head,
                             char answer[MSIM_EXTENSION_TEXT])
{
    const struct msim_deflate *wanted = &connection->endpoint->deflate;
    struct msim_deflate_terms terms;

    int r = msim_extension_choose(&terms, answer, wanted, head);
    if (r < 0)
        return r;
    return use_deflate(connection, wanted, &terms);
}

/* Where any path is a WebSocket's, who wants none may have meant one of the others. */
static void refuse_handshake(struct msim_connection *connection, const char *path,
                             struct msim_http_refusal refusal)
{
    const struct msim_endpoint *endpoint = connection->endpoint;
    const struct msim_route_wish wish = {.path = path};
    const char *near = msim_route_nearest(endpoint->routes, endpoint->route_count, &wish);
    char words[MSIM_ROUTE_WORDS_SIZE];

    if (refusal.status == 426 && near) {
        snprintf(words, sizeof words, "%s; the nearest path with another answer is %s",
                 refusal.words, near);
        refusal.words = words;
    }
    refuse(connection, &refusal);
}

/* From HTTP to a WebSocket. */
static void upgrade(struct msim_connection *connection, const struct msim_http_head *head,
                    const char *path)
{
    struct msim_http_refusal refusal;
    struct msim_detail words = {{0}};
    struct msim_http_text key;
    unsigned char *room;
    size_t origins;
    const struct msim_http_field *origin = msim_http_field(head, "Origin", &origins);
    char extensions[MSIM_EXTENSION_TEXT];

    if (msim_handshake_check(head, &key, &refusal) < 0) {
        refuse_handshake(connection, path, refusal);
        return;
    }
    if (origins > 1) {
        msim_opening_refuse(connection, 400, "more than one Origin");
        return;
    }
    /* Taken before the owner is asked: once it has agreed, nothing can fail. */
    int r = msim_bytes_reserve(&connection->out, MSIM_ACCEPT_ROOM, &room);
    if (r == MSIM_OK)
        r = choose_extensions(connection, head, extensions);
    if (r == MSIM_ERR_FORMAT) {
        msim_opening_refuse(connection, 400, MSIM_EXTENSION_HEADER " cannot be read");
        return;
    }
    if (r == MSIM_OK)
        r = ask(connection, head, path, origin, &words);
    if (connection->state == MSIM_ENDED)
        return;
    if (r < 0) {
        msim_connection_end(connection);
    } else if (r == MSIM_ADMIT_NEVER || r == MSIM_ADMIT_RESET) {
        msim_connection_keep_out(connection, r);
    } else if (r > 0) {
        msim_opening_refuse(connection, r, words.text[0] ? words.text : msim_http_phrase(r));
    } else {
        r = msim_handshake_write_accept(&connection->out, key, extensions);
        assert(r == MSIM_OK);
        (void)r;
        msim_connection_touch(connection);
        msim_channel_open(connection);
    }
}

static bool serves_websockets(const struct msim_endpoint *endpoint)
{
    const struct msim_connection_handler *handler = &endpoint->handler;

    return endpoint->route_count == 0 || handler->request || handler->opened || handler->message ||
           handler->closed;
}

static void refuse_head(struct msim_connection *connection, const struct msim_http_head *head,
                        const char *path, const struct msim_http_refusal *refusal)
{
    msim_log(&connection->net->logger, MSIM_LOG_INFO, "net", "%s: refused with %d: %s",
             connection->peer, refusal->status, refusal->words);
    connection->net->stats.refused++;
    msim_exchange_refuse_head(connection, head, path, refusal);
}

/* A browser asks beforehand whether a page of another origin may ask (CORS). */
static void answer_question(struct msim_connection *connection, const struct msim_http_head *head,
                            const char *path, const struct msim_cors_entry *cors)
{
    static const struct msim_http_refusal foreign = {
        .status = 403, .words = "this origin may not read here; see --allow-origin"};
    static const struct msim_http_refusal nothing = {.status = 404,
                                                     .words = "there is nothing at this path"};
    const struct msim_endpoint *endpoint = connection->endpoint;
    const struct msim_http_field *origin = msim_http_field(head, "Origin", NULL);
    const struct msim_http_field *method =
        msim_http_field(head, "Access-Control-Request-Method", NULL);
    const struct msim_route_wish wish = {
        .method = method->value.at,
        .method_length = method->value.length,
        .path = path,
    };
    struct msim_route_match match;

    msim_route_find(&match, endpoint->routes, endpoint->route_count, &wish);
    if (!msim_cors_allows(cors, origin->value))
        refuse_head(connection, head, path, &foreign);
    else if (!match.entry && match.allow[0] == '\0')
        refuse_head(connection, head, path, &nothing);
    else if (msim_cors_write_answer(&connection->opening->lines, cors, head,
                                    match.entry && !match.entry->method ? "" : match.allow) < 0)
        msim_connection_end(connection);
    else
        msim_exchange_answer_head(connection, head, path, 204);
}

/* "Retry-After: 3\r\n" and the like. */
static int add_verdict_lines(struct msim_bytes *lines, const struct msim_verdict *verdict)
{
    char text[96];
    int length = 0;

    if (verdict->status == 401)
        length = snprintf(text, sizeof text, "WWW-Authenticate: Bearer realm=\"marketsim\"\r\n");
    else if (verdict->retry_after > 0)
        length = snprintf(text, sizeof text, "Retry-After: %lld\r\n",
                          (long long)((verdict->retry_after - 1) / MSIM_NS_PER_S + 1));
    return msim_bytes_append(lines, text, (size_t)length);
}

/* What the guard says; false where that was the end of it. */
static bool may_come_in(struct msim_connection *connection, const struct msim_http_head *head,
                        const char *path, const struct msim_cors_entry *cors)
{
    const struct msim_http_field *origin = msim_http_field(head, "Origin", NULL);
    const struct msim_wish wish = {
        .head = head,
        .path = path,
        .wants_websocket = msim_http_lists(head, "Upgrade", "websocket"),
        .is_question = cors && msim_cors_is_question(head),
        .origin_is_known = cors && origin &&
                           (msim_cors_is_question(head) || msim_cors_allows(cors, origin->value)),
        .is_loopback = connection->endpoint->is_loopback,
        .own_host = connection->endpoint->host,
    };
    struct msim_verdict verdict;

    if (!connection->guest)
        return true;
    msim_guest_judge(connection->guest, &wish, connection->net->now, &verdict);
    if (verdict.status == 0)
        return true;
    if (add_verdict_lines(&connection->opening->lines, &verdict) < 0)
        msim_connection_end(connection);
    else if (wish.wants_websocket)
        msim_opening_refuse(connection, verdict.status, verdict.words);
    else
        refuse_head(connection, head, path,
                    &(struct msim_http_refusal){.status = verdict.status, .words = verdict.words});
    return false;
}

static void route(struct msim_connection *connection, const struct msim_http_head *head,
                  const char *path)
{
    char words[MSIM_ROUTE_WORDS_SIZE];
    struct msim_endpoint *endpoint = connection->endpoint;
    const struct msim_cors_entry *cors = msim_cors_find(endpoint->cors, endpoint->cors_count, path);
    struct msim_route_match match;
    const struct msim_route_wish wish = {
        .method = head->method.at,
        .method_length = head->method.length,
        .path = path,
        .wants_websocket = msim_http_lists(head, "Upgrade", "websocket"),
    };

    if (cors && msim_cors_write(&connection->opening->lines, cors, head) < 0) {
        msim_connection_end(connection);
        return;
    }
    if (!may_come_in(connection, head, path, cors))
        return;
    msim_route_find(&match, endpoint->routes, endpoint->route_count, &wish);
    /* Only a route that names OPTIONS answers for itself. */
    if (cors && (!match.entry || !match.entry->method) && msim_cors_is_question(head)) {
        answer_question(connection, head, path, cors);
    } else if (match.entry && match.entry->websocket) {
        connection->endpoint = msim_endpoint_share(match.entry->websocket);
        upgrade(connection, head, path);
        /* One that goes on with HTTP may ask for another path next. */
        if (connection->state == MSIM_OPENING) {
            msim_endpoint_drop(connection->endpoint);
            connection->endpoint = endpoint;
        } else {
            msim_endpoint_drop(endpoint);
        }
    } else if (match.entry) {
        msim_exchange_start(connection, head, path, match.entry);
    } else if (match.allow[0] != '\0') {
        snprintf(words, sizeof words, "this path takes %s", match.allow);
        refuse_head(
            connection, head, path,
            &(struct msim_http_refusal){.status = 405, .words = words, .allow = match.allow});
    } else if (serves_websockets(endpoint)) {
        upgrade(connection, head, path);
    } else {
        msim_route_path_words(endpoint->routes, endpoint->route_count, &wish, words);
        refuse_head(connection, head, path,
                    &(struct msim_http_refusal){.status = 404, .words = words});
    }
}

static void serve(struct msim_connection *connection, const struct msim_http_head *head)
{
    const struct msim_allocator *allocator = &connection->net->allocator;
    size_t size = head->path.length + 1;

    connection->net->stats.requests++;
    char *path = msim_mem_take(allocator, size);
    msim_bytes_take(&connection->opening->lines, msim_bytes_length(&connection->opening->lines));
    if (!path)
        msim_connection_end(connection);
    else if (msim_http_decode(path, head->path) < 0)
        msim_opening_refuse(connection, 400, "the path is not UTF-8 text");
    else
        route(connection, head, path);
    if (path)
        msim_mem_free(allocator, path, size);
}

/* ---- the client's side ---- */

static void hear_answer(struct msim_connection *connection, const struct msim_http_head *head,
                        struct msim_http_text body)
{
    struct msim_detail detail;

    const struct msim_deflate *wanted = &connection->endpoint->deflate;
    struct msim_deflate_terms terms;
    int r = msim_handshake_check_answer(head, connection->opening->attempt->key, body, &detail);
    if (r == MSIM_OK)
        r = msim_extension_agree(&terms, wanted, head, &detail);
    if (r == MSIM_OK && use_deflate(connection, wanted, &terms) < 0)
        msim_client_fail(connection, MSIM_ERR_NOMEM, "%s: out of memory",
                         connection->opening->attempt->name);
    else if (r < 0)
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
        msim_client_fail(connection, MSIM_ERR_FORMAT, "%s does not speak HTTP%s: %s",
                         connection->opening->attempt->name,
                         connection->opening->attempt->fetch ? "" : " as a WebSocket server must",
                         refusal->words);
}

/* The head is whole: `bytes` of `length`; `behind` it is what came with it. */
static void read_head(struct msim_connection *connection, const char *bytes, size_t length,
                      struct msim_http_text behind)
{
    struct msim_http_head head;
    struct msim_http_refusal refusal;
    bool is_server = connection->ws.role == MSIM_WS_SERVER;

    int r = is_server ? msim_http_read_request(&head, bytes, length, &refusal)
                      : msim_http_read_response(&head, bytes, length, &refusal);
    if (r < 0)
        wrong_head(connection, &refusal);
    else if (is_server)
        serve(connection, &head);
    else if (connection->opening->attempt->fetch)
        msim_fetch_hear(connection, &head);
    else
        hear_answer(connection, &head, behind);
}

/*
 * Goes over what is there: heads, and bodies behind them.  Returns how many bytes were
 * taken; the connection may be something else by then.
 */
static size_t take_input(struct msim_connection *connection, unsigned char *bytes, size_t length)
{
    struct msim_opening *opening = connection->opening;
    size_t max_head = connection->endpoint->limits.max_head_bytes;
    size_t at = 0;

    for (int heads = 0;
         at < length && connection->state == MSIM_OPENING && !connection->is_stalled;) {
        struct msim_http_refusal refusal;
        if (opening->exchange) {
            if (msim_exchange_waits(opening->exchange))
                break;
            at += msim_exchange_receive(opening->exchange, bytes + at, length - at);
            continue;
        }
        if (opening->attempt && msim_fetch_is_answered(opening->attempt->fetch)) {
            at += msim_fetch_receive(connection, bytes + at, length - at);
            continue;
        }
        if (heads++ == AHEAD_AT_ONCE) {
            msim_connection_resume(connection);
            break;
        }
        enum msim_http_progress progress = msim_http_scan(&opening->scan, (const char *)bytes + at,
                                                          length - at, max_head, &refusal);
        if (progress == MSIM_HTTP_MORE)
            break;
        if (progress == MSIM_HTTP_REFUSED) {
            wrong_head(connection, &refusal);
            break;
        }
        size_t head_length = opening->scan.line;
        opening->scan = (struct msim_http_scan){0};
        const struct msim_http_text behind = {(const char *)bytes + at + head_length,
                                              length - at - head_length};
        read_head(connection, (const char *)bytes + at, head_length, behind);
        at += head_length;
    }
    if (connection->state == MSIM_OPEN || connection->state == MSIM_CLOSING) {
        if (at < length)
            msim_channel_receive(connection, bytes + at, length - at);
        at = length;
    }
    return at;
}

/*
 * What was not taken is kept for the next time; without `bytes` it is of those that were
 * kept already.  What an open connection does not need any more goes.
 */
static void keep_rest(struct msim_connection *connection, const unsigned char *bytes, size_t length,
                      size_t taken)
{
    struct msim_opening *opening = connection->opening;

    if (!opening || connection->state == MSIM_ENDED)
        return;
    if (connection->state != MSIM_OPENING) {
        msim_opening_free(connection);
        return;
    }
    if (!bytes)
        msim_bytes_take(&opening->head, taken);
    else if (msim_bytes_append(&opening->head, bytes + taken, length - taken) < 0)
        msim_connection_end(connection);
}

static void take_kept(struct msim_connection *connection)
{
    struct msim_bytes *kept = &connection->opening->head;

    if (msim_bytes_length(kept) > 0)
        keep_rest(connection, NULL, 0,
                  take_input(connection, kept->memory + kept->start, msim_bytes_length(kept)));
}

/* With bytes that were kept, the new ones are put behind them. */
void msim_opening_receive(struct msim_connection *connection, unsigned char *bytes, size_t length)
{
    struct msim_bytes *kept = &connection->opening->head;

    if (msim_bytes_length(kept) == 0) {
        keep_rest(connection, bytes, length, take_input(connection, bytes, length));
    } else if (msim_bytes_append(kept, bytes, length) < 0) {
        msim_connection_end(connection);
    } else {
        take_kept(connection);
    }
}

static bool goes_on(const struct msim_connection *connection, const struct msim_exchange *exchange)
{
    return exchange->keeps_alive && msim_body_ended(&exchange->body) && !connection->is_read_closed;
}

void msim_opening_resume(struct msim_connection *connection)
{
    struct msim_exchange *exchange = connection->opening->exchange;

    if (exchange && exchange->is_answered) {
        bool more = goes_on(connection, exchange);
        msim_exchange_drop(connection);
        if (connection->state != MSIM_OPENING)
            return;
        if (!more) {
            msim_connection_linger(connection);
            return;
        }
        msim_wheel_set(
            &connection->net->wheel, &connection->timer,
            msim_time_after(connection->net->now, connection->endpoint->limits.handshake_timeout));
        msim_connection_look(connection);
    }
    if (connection->state == MSIM_OPENING)
        take_kept(connection);
}

bool msim_opening_pauses(const struct msim_connection *connection)
{
    return connection->state == MSIM_OPENING && connection->opening &&
           msim_exchange_waits(connection->opening->exchange);
}

bool msim_opening_is_answering(const struct msim_connection *connection)
{
    const struct msim_exchange *exchange = connection->state == MSIM_OPENING && connection->opening
                                               ? connection->opening->exchange
                                               : NULL;
    return exchange && exchange->is_begun && !exchange->is_answered;
}

void msim_opening_drained(struct msim_connection *connection)
{
    if (connection->opening && connection->opening->exchange)
        msim_exchange_drained(connection->opening->exchange);
}

void msim_opening_farewell(struct msim_connection *connection)
{
    msim_exchange_drop(connection);
}

/* An answer that is on its way may take as long as its peer goes on taking it. */
static bool is_sending(struct msim_connection *connection)
{
    msim_time due = msim_time_after(connection->since, connection->endpoint->limits.close_timeout);

    if (msim_bytes_length(&connection->out) == 0 || due <= connection->net->now)
        return false;
    msim_wheel_set(&connection->net->wheel, &connection->timer, due);
    return true;
}

void msim_opening_expired(struct msim_connection *connection)
{
    const struct msim_opening *opening = connection->opening;

    if (connection->ws.role == MSIM_WS_CLIENT)
        msim_client_fail(connection, MSIM_ERR_TIMEOUT,
                         "%s took the connection, but did not answer the %s",
                         opening->attempt->name, opening->attempt->fetch ? "request" : "handshake");
    else if (opening->exchange && opening->exchange->is_begun)
        msim_connection_end(connection);
    else if (opening->exchange || opening->scan.seen > 0)
        msim_opening_refuse(connection, 408, "the request took too long");
    else if (!is_sending(connection))
        msim_connection_end(connection);
}

static void server_cut(struct msim_connection *connection)
{
    const struct msim_exchange *exchange = connection->opening->exchange;

    if (exchange && exchange->is_answered)
        return; /* the answer leaves, then the connection ends */
    if (exchange)
        msim_connection_end(connection);
    else if (connection->opening->scan.seen > 0)
        msim_opening_refuse(connection, 400, "the request ends within its head");
    else if (msim_bytes_length(&connection->out) > 0)
        msim_connection_linger(connection);
    else
        msim_connection_end(connection);
}

void msim_opening_cut(struct msim_connection *connection)
{
    if (connection->ws.role == MSIM_WS_SERVER)
        server_cut(connection);
    else if (connection->opening->attempt->fetch)
        msim_fetch_cut(connection);
    else
        msim_client_fail(connection, MSIM_ERR_FORMAT,
                         "%s closed the connection instead of opening a WebSocket",
                         connection->opening->attempt->name);
}
