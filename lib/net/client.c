/*
 * Connecting: each address of the host in turn, then the handshake.
 */
#define _GNU_SOURCE /* epoll */
#include "net/opening.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/detail.h"
#include "base/mem.h"
#include "net/claims.h"
#include "net/date.h"
#include "net/resolve.h"
#include "net/tls.h"

/* What the owner's header lines take at most, with their ends and a signature's. */
#define LINES_MOST (MSIM_CONNECT_MAX_HEADER_BYTES + MSIM_CONNECT_MAX_HEADERS * 4 + 256)

void msim_client_fail(struct msim_connection *connection, int failure, const char *format, ...)
{
    char words[MSIM_DETAIL_SIZE];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    connection->failure = (int8_t)failure;
    msim_connection_explain(connection, words, strlen(words));
    msim_connection_end(connection);
}

/* ---- addresses ---- */

static void note_failure(struct msim_connection *connection, const char *why)
{
    struct msim_detail *tried = &connection->opening->attempt->tried;
    size_t length = strlen(tried->text);

    snprintf(tried->text + length, sizeof tried->text - length, "%s%s: %s", length > 0 ? "; " : "",
             connection->peer, why);
}

static void note_error(struct msim_connection *connection, int error)
{
    char words[MSIM_ERROR_TEXT];

    note_failure(connection, msim_error_text(words, error));
}

/* Each address gets its share of the time that is left. */
static void be_patient(struct msim_connection *connection)
{
    const struct msim_attempt *attempt = connection->opening->attempt;
    msim_time now = msim_net_now(connection->net);
    msim_time left = attempt->deadline > now ? attempt->deadline - now : 0;
    size_t addresses = attempt->addresses.count - attempt->next_address + 1;

    msim_wheel_set(&connection->net->wheel, &connection->timer,
                   msim_time_after(now, left / (msim_time)addresses));
}

/* Starts on the next address that lets itself be started on. */
static void try_next(struct msim_connection *connection, int failure)
{
    struct msim_attempt *attempt = connection->opening->attempt;
    size_t send_bytes = connection->endpoint->limits.kernel_send_bytes;

    while (attempt->next_address < attempt->addresses.count) {
        const struct msim_address *address = &attempt->addresses.items[attempt->next_address++];
        msim_address_print(connection->peer, address);
        int fd = msim_socket_connect(address, send_bytes);
        if (fd >= 0 && msim_connection_attach(connection, fd, EPOLLOUT)) {
            be_patient(connection);
            return;
        }
        note_error(connection, errno);
        failure = MSIM_ERR_IO;
        if (fd >= 0)
            close(fd);
    }
    msim_client_fail(connection, failure, "cannot connect to %s (%s); is a server running there?",
                     attempt->name, attempt->tried.text);
}

static void linked(struct msim_connection *connection)
{
    connection->state = MSIM_OPENING;
    connection->interest = 0;
    if (msim_net_poll(connection->net, EPOLL_CTL_MOD, &connection->ready, EPOLLIN) < 0) {
        msim_client_fail(connection, MSIM_ERR_IO, "%s: the event loop has no room",
                         connection->opening->attempt->name);
        return;
    }
    connection->interest = EPOLLIN;
    msim_wheel_set(&connection->net->wheel, &connection->timer,
                   connection->opening->attempt->deadline);
    msim_connection_touch(connection);
}

/* The host's addresses are known, or why they are not. */
static void resolved(struct msim_connection *connection)
{
    struct msim_attempt *attempt = connection->opening->attempt;
    struct msim_resolved found;

    bool is_read = msim_resolve_read(connection->ready.fd, &found);
    msim_connection_detach(connection);
    attempt->is_resolving = false;
    if (!is_read) {
        msim_client_fail(connection, MSIM_ERR_IO, "the address of %s cannot be looked up",
                         attempt->name);
    } else if (found.result < 0) {
        msim_client_fail(connection, found.result, "%s", found.detail.text);
    } else {
        attempt->addresses = found.addresses;
        try_next(connection, MSIM_ERR_IO);
    }
}

/* A name is asked for by a thread of its own: the loop goes on meanwhile. */
static int resolve(struct msim_connection *connection, const struct msim_url *url,
                   struct msim_detail *detail)
{
    struct msim_attempt *attempt = connection->opening->attempt;
    char words[MSIM_ERROR_TEXT];

    if (msim_resolve_at_once(&attempt->addresses, url->host, url->port)) {
        try_next(connection, MSIM_ERR_IO);
        return MSIM_OK;
    }
    int fd = msim_resolve_start(url->host, url->port);
    if (fd < 0 || !msim_connection_attach(connection, fd, EPOLLIN)) {
        int error = errno;
        if (fd >= 0)
            close(fd);
        return msim_detail_set(detail, MSIM_ERR_IO, "the host '%.200s' cannot be looked up: %s",
                               url->host, msim_error_text(words, error));
    }
    attempt->is_resolving = true;
    msim_wheel_set(&connection->net->wheel, &connection->timer, attempt->deadline);
    return MSIM_OK;
}

void msim_client_ready(struct msim_connection *connection)
{
    if (connection->opening->attempt->is_resolving) {
        resolved(connection);
        return;
    }
    int error = msim_socket_error(connection->ready.fd);

    /* Without a listener a free port may, by chance, connect to itself. */
    if (error == 0 && msim_socket_is_own_peer(connection->ready.fd))
        error = ECONNREFUSED;
    if (error == 0) {
        linked(connection);
        return;
    }
    note_error(connection, error);
    msim_connection_detach(connection);
    try_next(connection, MSIM_ERR_IO);
}

void msim_client_expired(struct msim_connection *connection)
{
    if (connection->opening->attempt->is_resolving) {
        msim_client_fail(connection, MSIM_ERR_TIMEOUT,
                         "the address of %s was not found in time: is the name server there?",
                         connection->opening->attempt->name);
        return;
    }
    note_failure(connection, "no answer");
    msim_connection_detach(connection);
    try_next(connection, MSIM_ERR_TIMEOUT);
}

/* ---- the request ---- */

/* The lines have a buffer of their own: they are bounded otherwise than what is sent. */
static int write_request(struct msim_connection *connection, const struct msim_client_wish *wish)
{
    const struct msim_claims_subject subject = {.url = wish->url, .method = "GET"};
    struct msim_attempt *attempt = connection->opening->attempt;
    unsigned char nonce[MSIM_NONCE_SIZE];
    char offer[MSIM_EXTENSION_TEXT] = "";
    struct msim_bytes lines;

    if (!msim_net_random(connection->net, nonce, sizeof nonce))
        return MSIM_ERR_IO;
    msim_handshake_key(attempt->key, nonce);
    if (wish->deflate->is_on)
        msim_extension_offer(offer, wish->deflate);
    msim_bytes_init(&lines, LINES_MOST, &connection->net->allocator);
    int r = msim_claims_write(&lines, wish->params, &subject, msim_date_clock());
    if (r >= 0)
        r = msim_handshake_write_request(&connection->out, wish->url, attempt->key, offer,
                                         (struct msim_http_text){
                                             (const char *)msim_bytes_front(&lines),
                                             msim_bytes_length(&lines),
                                         });
    msim_bytes_finish(&lines);
    return r;
}

static int prepare(struct msim_connection *connection, const struct msim_client_wish *wish)
{
    const struct msim_url *url = wish->url;
    struct msim_net *net = connection->net;
    struct msim_opening *opening = msim_opening_create(connection);

    if (!opening)
        return MSIM_ERR_NOMEM;
    struct msim_attempt *attempt = msim_mem_zero(&net->allocator, sizeof *attempt);
    if (!attempt)
        return MSIM_ERR_NOMEM;
    opening->attempt = attempt;
    attempt->fetch = wish->fetch;
    snprintf(attempt->name, sizeof attempt->name, strchr(url->host, ':') ? "[%s]:%u" : "%s:%u",
             url->host, (unsigned)url->port);
    attempt->deadline =
        msim_time_after(msim_net_now(net), connection->endpoint->limits.handshake_timeout);
    return wish->write(connection, wish);
}

/* Whom to trust where nobody said it: the system's authorities, read once. */
static int share_trust(struct msim_net *net, struct msim_tls **out, struct msim_detail *detail)
{
    struct msim_tls_params params = MSIM_TLS_PARAMS_INIT;

    if (!net->trust) {
        params.allocator = &net->allocator;
        int r = msim_tls_create(&net->trust, &params, detail);
        if (r < 0)
            return r;
    }
    *out = net->trust;
    return MSIM_OK;
}

static int secure(struct msim_connection *connection, const struct msim_url *url,
                  struct msim_tls *tls, struct msim_detail *detail)
{
    if (!tls) {
        int r = share_trust(connection->net, &tls, detail);
        if (r < 0)
            return r;
    }
    if (msim_session_create(&connection->session, connection->net, tls, MSIM_SESSION_CLIENT,
                            url->host, &connection->ready) < 0)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "out of memory");
    return MSIM_OK;
}

static int begin(struct msim_connection *connection, const struct msim_client_wish *wish,
                 struct msim_detail *detail)
{
    const struct msim_url *url = wish->url;

    int r = prepare(connection, wish);
    if (r < 0)
        return msim_detail_set(detail, r, "cannot connect to %s: %s", url->host,
                               msim_result_text(r));
    if (url->is_secure)
        r = secure(connection, url, wish->tls, detail);
    if (r < 0)
        return r;
    connection->is_told = true;
    return resolve(connection, url, detail);
}

int msim_client_start(struct msim_net *net, struct msim_connection **out,
                      const struct msim_client_wish *wish, struct msim_detail *detail)
{
    if (net->is_ending)
        return msim_detail_set(detail, MSIM_ERR_STATE, "the net is being destroyed");
    if (net->connection_count >= net->max_connections)
        return msim_detail_set(detail, MSIM_ERR_LIMIT, "%zu connections are open already",
                               net->connection_count);

    struct msim_endpoint *endpoint;
    int r =
        msim_endpoint_create(&endpoint, net, wish->limits, wish->handler, wish->context, detail);
    if (r < 0)
        return r;
    r = msim_endpoint_set_deflate(endpoint, wish->deflate, detail);
    if (r < 0) {
        msim_endpoint_drop(endpoint);
        return r;
    }
    struct msim_connection *connection =
        msim_connection_create(endpoint, MSIM_WS_CLIENT, "", MSIM_ADDRESS_TEXT);
    msim_endpoint_drop(endpoint);
    if (!connection)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "out of memory");
    r = begin(connection, wish, detail);
    if (r < 0) {
        msim_connection_discard(connection);
        return r;
    }
    if (out)
        *out = connection;
    return MSIM_OK;
}

int msim_net_connect(struct msim_net *net, struct msim_connection **out,
                     const struct msim_connect_params *params, struct msim_detail *detail)
{
    struct msim_url url;

    if (!net || !params || params->size != sizeof *params || !params->url)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "the parameters are not from MSIM_CONNECT_PARAMS_INIT");
    int r = msim_url_read(&url, params->url, detail);
    if (r >= 0)
        r = msim_claims_check(params, detail);
    if (r < 0)
        return r;
    const struct msim_client_wish wish = {
        .url = &url,
        .limits = &params->limits,
        .handler = &params->handler,
        .context = params->context,
        .deflate = &params->deflate,
        .tls = params->tls,
        .write = write_request,
        .params = params,
    };
    return msim_client_start(net, out, &wish, detail);
}
