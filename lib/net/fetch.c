#include "net/fetch.h"

#include <stdio.h>
#include <string.h>

#include <marketsim/http.h>

#include "base/detail.h"
#include "base/mem.h"
#include "net/body.h"
#include "net/claims.h"
#include "net/date.h"
#include "net/opening.h"
#include "net/tls.h"

#define DEFAULT_ANSWER ((size_t)1 << 20)
#define DEFAULT_TIMEOUT (10 * MSIM_NS_PER_S)
#define MOST_TIMEOUT (3600 * MSIM_NS_PER_S)
#define TYPE_SIZE 128

/* Of the request beside its body: the URL, the headers and what we say ourselves. */
#define REQUEST_ROOM ((size_t)64 * 1024)

struct msim_fetch {
    struct msim_allocator allocator;
    struct msim_connection *connection;
    void (*done)(void *context, const struct msim_fetch_answer *answer); /* NULL: cancelled */
    void *context;
    bool is_head; /* answers to HEAD have no body */
    bool is_answered;
    bool is_whole;
    bool ends_with_link; /* neither a length nor chunks tell where the body ends */
    int status;
    char content_type[TYPE_SIZE];
    struct msim_body body;
    struct msim_bytes answer;
};

/* ---- the answer ---- */

bool msim_fetch_is_answered(const struct msim_fetch *fetch)
{
    return fetch && fetch->is_answered;
}

static void finish(struct msim_connection *connection)
{
    connection->opening->attempt->fetch->is_whole = true;
    msim_connection_end(connection);
}

void msim_fetch_hear(struct msim_connection *connection, const struct msim_http_head *head)
{
    struct msim_fetch *fetch = connection->opening->attempt->fetch;
    const struct msim_http_field *type = msim_http_field(head, "Content-Type", NULL);

    if (head->status == 101) {
        msim_client_fail(connection, MSIM_ERR_FORMAT, "%s changed to a protocol nobody asked for",
                         connection->opening->attempt->name);
        return;
    }
    if (head->status < 200)
        return;
    fetch->is_answered = true;
    fetch->status = head->status;
    if (type && type->value.length < sizeof fetch->content_type) {
        memcpy(fetch->content_type, type->value.at, type->value.length);
        fetch->content_type[type->value.length] = '\0';
    }
    bool has_none = fetch->is_head || head->status == 204 || head->status == 304;
    bool has_length = msim_http_field(head, "Content-Length", NULL) != NULL;
    if (!has_none && head->is_chunked)
        msim_body_in_chunks(&fetch->body);
    else
        msim_body_by_length(&fetch->body, has_none ? 0 : head->body_length);
    fetch->ends_with_link = !has_none && !head->is_chunked && !has_length;
    if (!fetch->ends_with_link && msim_body_ended(&fetch->body))
        finish(connection);
}

/* False where that was the end of it. */
static bool keep(struct msim_connection *connection, const unsigned char *bytes, size_t length)
{
    struct msim_attempt *attempt = connection->opening->attempt;

    int r = msim_bytes_append(&attempt->fetch->answer, bytes, length);
    if (r < 0)
        msim_client_fail(connection, r,
                         r == MSIM_ERR_LIMIT ? "%s: the answer is too long" : "%s: out of memory",
                         attempt->name);
    return r >= 0;
}

size_t msim_fetch_receive(struct msim_connection *connection, const unsigned char *bytes,
                          size_t length)
{
    struct msim_attempt *attempt = connection->opening->attempt;
    struct msim_fetch *fetch = attempt->fetch;
    const unsigned char *piece;
    size_t piece_length;

    if (fetch->ends_with_link) {
        keep(connection, bytes, length);
        return length;
    }
    int64_t taken = msim_body_next(&fetch->body, bytes, length, &piece, &piece_length);
    if (taken < 0) {
        msim_client_fail(connection, MSIM_ERR_FORMAT, "%s: the answer's chunks cannot be read",
                         attempt->name);
        return length;
    }
    if (piece && !keep(connection, piece, piece_length))
        return length;
    if (msim_body_ended(&fetch->body))
        finish(connection);
    return (size_t)taken;
}

void msim_fetch_cut(struct msim_connection *connection)
{
    struct msim_attempt *attempt = connection->opening->attempt;
    /* Over TLS the link's end alone proves nothing (RFC 9112 section 9.8). */
    bool is_meant = !connection->session || msim_session_heard_bye(connection->session);

    if (attempt->fetch->is_answered && attempt->fetch->ends_with_link && is_meant)
        finish(connection);
    else
        msim_client_fail(connection, MSIM_ERR_FORMAT, "%s closed the connection %s", attempt->name,
                         attempt->fetch->is_answered ? "within its answer" : "without an answer");
}

/* ---- the request ---- */

static int put_text(struct msim_bytes *out, const char *text)
{
    return msim_bytes_append(out, text, strlen(text));
}

static int put_body_lines(struct msim_bytes *out, const struct msim_fetch_params *params)
{
    char length[64];

    if (params->content_type) {
        int r = put_text(out, "Content-Type: ");
        if (r >= 0)
            r = put_text(out, params->content_type);
        if (r >= 0)
            r = put_text(out, "\r\n");
        if (r < 0)
            return r;
    }
    /* A request that could have a body says that it has none. */
    if (params->body_length == 0 &&
        (strcmp(params->method, "GET") == 0 || strcmp(params->method, "HEAD") == 0))
        return MSIM_OK;
    snprintf(length, sizeof length, "Content-Length: %zu\r\n", params->body_length);
    return put_text(out, length);
}

static int put_line(struct msim_bytes *out, const struct msim_client_wish *wish)
{
    const struct msim_fetch_params *params = wish->params;
    const struct msim_url *url = wish->url;

    int r = put_text(out, params->method);
    if (r >= 0)
        r = put_text(out, url->target_length == 0 || url->target[0] != '/' ? " /" : " ");
    if (r >= 0)
        r = msim_bytes_append(out, url->target, url->target_length);
    if (r >= 0)
        r = put_text(out, " HTTP/1.1\r\nHost: ");
    if (r >= 0)
        r = msim_bytes_append(out, url->authority, url->authority_length);
    if (r >= 0)
        r = put_text(out, "\r\nConnection: close\r\nAccept: */*\r\n");
    return r;
}

/* The claims' part of the params. */
static struct msim_connect_params claims_of(const struct msim_fetch_params *params)
{
    struct msim_connect_params claims = MSIM_CONNECT_PARAMS_INIT;

    claims.headers = params->headers;
    claims.header_count = params->header_count;
    claims.api_key = params->api_key;
    claims.api_secret = params->api_secret;
    return claims;
}

static int write_request(struct msim_connection *connection, const struct msim_client_wish *wish)
{
    const struct msim_fetch_params *params = wish->params;
    const struct msim_connect_params claims = claims_of(params);
    const struct msim_claims_subject subject = {.url = wish->url,
                                                .method = params->method,
                                                .body = params->body,
                                                .body_length = params->body_length};
    struct msim_bytes *out = &connection->out;

    int r = put_line(out, wish);
    if (r >= 0)
        r = put_body_lines(out, params);
    if (r >= 0)
        r = msim_claims_write(out, &claims, &subject, msim_date_clock());
    if (r >= 0)
        r = put_text(out, "\r\n");
    if (r >= 0 && params->body_length > 0)
        r = msim_bytes_append(out, params->body, params->body_length);
    return r;
}

/* ---- life ---- */

static void fetch_free(struct msim_fetch *fetch)
{
    struct msim_allocator allocator = fetch->allocator;

    msim_bytes_finish(&fetch->answer);
    msim_mem_free(&allocator, fetch, sizeof *fetch);
}

static void closed(void *context, struct msim_connection *connection,
                   const struct msim_closing *closing)
{
    struct msim_fetch *fetch = context;
    bool is_over = connection->net->is_ending;
    const struct msim_fetch_answer answer = {
        .result = fetch->is_whole        ? MSIM_OK
                  : closing->failure < 0 ? closing->failure
                  : is_over              ? MSIM_ERR_CLOSED
                                         : MSIM_ERR_IO,
        .reason = fetch->is_whole              ? ""
                  : closing->reason[0] != '\0' ? closing->reason
                  : is_over                    ? "the net has gone"
                                               : "the connection broke",
        .status = fetch->status,
        .content_type = fetch->content_type,
        .body = msim_bytes_front(&fetch->answer),
        .body_length = fetch->is_whole ? msim_bytes_length(&fetch->answer) : 0,
    };

    fetch->connection = NULL;
    if (fetch->done)
        fetch->done(fetch->context, &answer);
    fetch_free(fetch);
}

static bool is_method(const char *text)
{
    size_t length = strlen(text);

    return length > 0 && length < 32 && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == length &&
           strcmp(text, "CONNECT") != 0; /* a proxy's: its answer is no answer, but a tunnel */
}

static int check(struct msim_fetch_params *params, struct msim_detail *detail)
{
    if (!params->method)
        params->method = "GET";
    if (params->max_answer_bytes == 0)
        params->max_answer_bytes = DEFAULT_ANSWER;
    if (params->timeout == 0)
        params->timeout = DEFAULT_TIMEOUT;
    if (!params->url || !params->done)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "a request needs a URL, and a `done`");
    if (!is_method(params->method))
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "the method is a word of capital letters, and not CONNECT");
    if (params->content_type && !msim_http_value_valid(params->content_type))
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "the content type has bytes that no header can have");
    if (!params->body && params->body_length > 0)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "a body is counted, but not there");
    if (params->timeout < 0 || params->timeout > MOST_TIMEOUT ||
        params->max_answer_bytes > SIZE_MAX / 4 || params->body_length > SIZE_MAX / 4)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "a bound is out of range");
    const struct msim_connect_params claims = claims_of(params);
    return msim_claims_check(&claims, detail);
}

static int start(struct msim_net *net, struct msim_fetch *fetch, const struct msim_url *url,
                 const struct msim_fetch_params *params, struct msim_detail *detail)
{
    static const struct msim_connection_handler handler = {.closed = closed};
    static const struct msim_deflate none = MSIM_DEFLATE_INIT;
    const struct msim_connection_limits limits = {
        .handshake_timeout = params->timeout,
        .max_backlog_bytes = REQUEST_ROOM + params->body_length,
    };
    const struct msim_client_wish wish = {
        .url = url,
        .limits = &limits,
        .handler = &handler,
        .context = fetch,
        .deflate = &none,
        .tls = params->tls,
        .fetch = fetch,
        .write = write_request,
        .params = params,
    };

    return msim_client_start(net, &fetch->connection, &wish, detail);
}

int msim_net_fetch(struct msim_net *net, struct msim_fetch **out,
                   const struct msim_fetch_params *given, struct msim_detail *detail)
{
    struct msim_url url;

    if (!net || !given || given->size != sizeof *given)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "the parameters are not from MSIM_FETCH_PARAMS_INIT");
    struct msim_fetch_params params = *given;
    int r = check(&params, detail);
    if (r >= 0)
        r = msim_url_read_http(&url, params.url, detail);
    if (r < 0)
        return r;
    struct msim_fetch *fetch = msim_mem_zero(&net->allocator, sizeof *fetch);
    if (!fetch)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "out of memory");
    fetch->allocator = net->allocator;
    fetch->done = params.done;
    fetch->context = params.context;
    fetch->is_head = strcmp(params.method, "HEAD") == 0;
    msim_bytes_init(&fetch->answer, params.max_answer_bytes, &net->allocator);
    r = start(net, fetch, &url, &params, detail);
    if (r < 0) {
        fetch_free(fetch);
        return r;
    }
    if (out)
        *out = fetch;
    return MSIM_OK;
}

void msim_fetch_cancel(struct msim_fetch **handle)
{
    struct msim_fetch *fetch = handle ? *handle : NULL;

    if (!fetch)
        return;
    *handle = NULL;
    fetch->done = NULL;
    msim_connection_abort(fetch->connection); /* its `closed` frees this */
}
