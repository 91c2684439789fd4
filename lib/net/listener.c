#include "net/loop.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/detail.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/connection.h"
#include "net/socket.h"
#include "net/tls.h"

/* Accepted at one door in one turn; the others wait for the next. */
#define ACCEPT_AT_ONCE 64

/* Where there is no descriptor left, and none of ours is closed: look again then. */
#define ACCEPT_PAUSE_NS (100 * MSIM_NS_PER_MS)

/* Attempts to find one port that is free at each of the host's addresses. */
#define PORT_ATTEMPTS 32

/* One address that is listened at. */
struct door {
    struct msim_ready ready;
    struct msim_listener *listener;
};

struct msim_listener {
    struct msim_net *net;
    struct msim_endpoint *endpoint;
    struct msim_listener *next;
    uint16_t port;
    bool is_closed;
    size_t door_count;
    struct door doors[MSIM_ADDRESSES_MAX];
};

/* ---- opening and closing ---- */

static void close_doors(struct msim_listener *listener)
{
    for (size_t i = 0; i < listener->door_count; i++) {
        struct msim_ready *ready = &listener->doors[i].ready;
        if (ready->fd < 0)
            continue;
        /* A process that the host forked may hold it as well: closing alone would not do. */
        msim_net_poll(listener->net, EPOLL_CTL_DEL, ready, 0);
        close(ready->fd);
        ready->fd = -1;
    }
}

static void listener_free(struct msim_listener *listener)
{
    struct msim_net *net = listener->net;

    close_doors(listener);
    msim_endpoint_drop(listener->endpoint);
    msim_mem_free(&net->allocator, listener, sizeof *listener);
}

static const char *remedy(int error)
{
    switch (error) {
    case EADDRINUSE:
        return "another program listens there; choose another with --port";
    case EACCES:
        return "ports below 1024 need privileges; choose another with --port";
    case EADDRNOTAVAIL:
        return "this machine does not have that address; choose another with --host";
    case EMFILE:
    case ENFILE:
        return "too many files are open; raise the limit (ulimit -n)";
    default:
        return "check --host and --port";
    }
}

static int cannot_listen(struct msim_detail *detail, const struct msim_address *address, int error)
{
    char where[MSIM_ADDRESS_TEXT];
    char words[MSIM_ERROR_TEXT];

    msim_address_print(where, address);
    return msim_detail_set(detail, MSIM_ERR_IO, "cannot listen on %s: %s: %s", where,
                           msim_error_text(words, error), remedy(error));
}

/* "localhost" is what there is of its two addresses. */
static bool is_missing(int error)
{
    return error == EADDRNOTAVAIL || error == EAFNOSUPPORT;
}

/*
 * One socket for each address.  With port 0 the first chooses for all; where that one is
 * taken at another address, MSIM_ERR_EXISTS says to begin anew.
 */
static int open_doors(struct msim_listener *listener, struct msim_addresses *addresses,
                      uint16_t port, struct msim_detail *detail)
{
    size_t send_bytes = listener->endpoint->limits.kernel_send_bytes;
    int missing = 0;

    listener->port = port;
    for (size_t i = 0; i < addresses->count; i++) {
        struct msim_address *address = &addresses->items[i];
        msim_address_set_port(address, listener->port);
        int fd = msim_socket_listen(address, send_bytes);
        if (fd < 0 && is_missing(errno) && addresses->count > 1) {
            missing = errno;
            continue;
        }
        if (fd < 0 && errno == EADDRINUSE && port == 0 && listener->port != 0)
            return MSIM_ERR_EXISTS;
        if (fd < 0)
            return cannot_listen(detail, address, errno);
        listener->port = msim_address_port(address);
        struct door *door = &listener->doors[listener->door_count++];
        *door = (struct door){{MSIM_READY_DOOR, fd}, listener};
    }
    if (listener->door_count == 0)
        return cannot_listen(detail, &addresses->items[0], missing);
    return MSIM_OK;
}

static const char *host_of(const struct msim_listen_params *params)
{
    return params->host ? params->host : "localhost";
}

/* Whoever listens beyond this machine is to say whom it lets in. */
static int check_reach(struct msim_listener *listener, const struct msim_addresses *addresses,
                       const struct msim_listen_params *params, struct msim_detail *detail)
{
    const char *host = host_of(params);
    struct msim_endpoint *endpoint = listener->endpoint;

    endpoint->host = msim_mem_text(&listener->net->allocator, host, strlen(host));
    if (!endpoint->host)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "out of memory");
    endpoint->is_loopback = true;
    for (size_t i = 0; i < addresses->count; i++)
        endpoint->is_loopback =
            endpoint->is_loopback && msim_address_is_loopback(&addresses->items[i]);
    if (!endpoint->access || endpoint->is_loopback || endpoint->access->is_open ||
        endpoint->access->keys.count > 0)
        return MSIM_OK;
    return msim_detail_set(
        detail, MSIM_ERR_INVALID, "'%.200s' is reached from other machines: %.200s", host,
        params->keys_advice ? params->keys_advice
                            : "say who may come in with --keys, or that everybody may with "
                              "--allow-open");
}

static int listener_open(struct msim_listener *listener, const struct msim_listen_params *params,
                         struct msim_detail *detail)
{
    const char *host = host_of(params);
    struct msim_net *net = listener->net;
    struct msim_addresses addresses;

    int r = msim_resolve(&addresses, host, params->port, MSIM_RESOLVE_LISTEN, detail);
    if (r == MSIM_OK)
        r = check_reach(listener, &addresses, params, detail);
    if (r < 0)
        return r;
    for (int attempt = 0; attempt < PORT_ATTEMPTS; attempt++) {
        r = open_doors(listener, &addresses, params->port, detail);
        if (r != MSIM_ERR_EXISTS)
            break;
        close_doors(listener);
        listener->door_count = 0;
    }
    if (r == MSIM_ERR_EXISTS)
        return msim_detail_set(detail, MSIM_ERR_IO,
                               "no port is free at every address of '%.200s'; choose one with "
                               "--port",
                               host);
    for (size_t i = 0; r == MSIM_OK && i < listener->door_count; i++) {
        char words[MSIM_ERROR_TEXT];
        if (msim_net_poll(net, EPOLL_CTL_ADD, &listener->doors[i].ready, EPOLLIN) < 0)
            r = msim_detail_set(detail, MSIM_ERR_IO, "cannot wait for connections: %s",
                                msim_error_text(words, errno));
    }
    return r;
}

int msim_net_listen(struct msim_net *net, struct msim_listener **out,
                    const struct msim_listen_params *params, struct msim_detail *detail)
{
    if (!net || !out || !params || params->size != sizeof *params ||
        (!params->routes && params->route_count > 0) || (!params->cors && params->cors_count > 0))
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "the parameters are not from MSIM_LISTEN_PARAMS_INIT");
    if (net->is_ending)
        return msim_detail_set(detail, MSIM_ERR_STATE, "the net is being destroyed");
    if (params->tls && !msim_tls_may_serve(params->tls))
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "TLS without a certificate to show: name its file");

    struct msim_endpoint *endpoint;
    int r = msim_endpoint_create(&endpoint, net, &params->limits, &params->handler, params->context,
                                 detail);
    if (r < 0)
        return r;
    r = msim_endpoint_set_deflate(endpoint, &params->deflate, detail);
    if (r == MSIM_OK)
        r = msim_endpoint_add_routes(endpoint, params->routes, params->route_count, detail);
    if (r == MSIM_OK)
        r = msim_endpoint_add_cors(endpoint, params->cors, params->cors_count, detail);
    if (r < 0) {
        msim_endpoint_drop(endpoint);
        return r;
    }
    endpoint->access = msim_access_share(params->access);
    if (params->tls)
        endpoint->tls = msim_tls_share(params->tls);
    struct msim_listener *listener = msim_mem_zero(&net->allocator, sizeof *listener);
    if (!listener) {
        msim_endpoint_drop(endpoint);
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "out of memory");
    }
    listener->net = net;
    listener->endpoint = endpoint;
    r = listener_open(listener, params, detail);
    if (r < 0) {
        listener_free(listener);
        return r;
    }
    listener->next = net->listeners;
    net->listeners = listener;
    *out = listener;
    return MSIM_OK;
}

uint16_t msim_listener_port(const struct msim_listener *listener)
{
    return listener ? listener->port : 0;
}

void msim_listener_close(struct msim_listener **handle)
{
    struct msim_listener *listener = handle ? *handle : NULL;
    if (!listener)
        return;

    *handle = NULL;
    close_doors(listener);
    listener->is_closed = true;
    listener->net->has_dead = true;
    if (!listener->net->in_turn)
        msim_listeners_sweep(listener->net);
}

void msim_listeners_sweep(struct msim_net *net)
{
    struct msim_listener **link = &net->listeners;

    while (*link) {
        struct msim_listener *listener = *link;
        if (!listener->is_closed) {
            link = &listener->next;
            continue;
        }
        *link = listener->next;
        listener_free(listener);
    }
}

void msim_listeners_finish(struct msim_net *net)
{
    while (net->listeners) {
        struct msim_listener *listener = net->listeners;
        net->listeners = listener->next;
        listener_free(listener);
    }
}

/* ---- who comes in ---- */

static void doors_look_for(struct msim_net *net, uint32_t events)
{
    for (struct msim_listener *at = net->listeners; at; at = at->next)
        for (size_t i = 0; i < at->door_count; i++)
            if (at->doors[i].ready.fd >= 0)
                msim_net_poll(net, EPOLL_CTL_MOD, &at->doors[i].ready, events);
}

/* Thousands who come in vain make one line, not thousands. */
static void complain(struct msim_net *net, const char *text)
{
    if (!net->has_complained)
        msim_log(&net->logger, MSIM_LOG_WARNING, "net", "%s", text);
    net->has_complained = true;
}

/*
 * The process or the machine has no descriptor left.  A door that stays readable would
 * keep the loop busy: all are left alone until a connection ends, or for a moment.
 */
static void pause_accepting(struct msim_net *net, int error)
{
    char words[MSIM_ERROR_TEXT];
    char text[MSIM_ERROR_TEXT + 64];

    snprintf(text, sizeof text,
             "cannot accept connections just now: %s; raise the limit (ulimit -n)",
             msim_error_text(words, error));
    complain(net, text);
    net->accept_again = msim_time_after(net->now, ACCEPT_PAUSE_NS);
    doors_look_for(net, 0);
}

void msim_listeners_resume(struct msim_net *net)
{
    net->accept_again = MSIM_TIME_NEVER;
    doors_look_for(net, EPOLLIN);
}

void msim_listeners_room(struct msim_net *net)
{
    if (net->accept_again != MSIM_TIME_NEVER && !net->is_ending)
        msim_listeners_resume(net);
}

/* False without memory. */
static bool secure(struct msim_connection *connection)
{
    struct msim_tls *tls = connection->endpoint->tls;

    return !tls || msim_session_create(&connection->session, connection->net, tls,
                                       MSIM_SESSION_SERVER, NULL, &connection->ready) == MSIM_OK;
}

/* Whether the guard, where there is one, lets one more of this address in. */
static bool let_in(const struct msim_listener *listener, const struct msim_address *address,
                   const char *peer, struct msim_guest **guest)
{
    struct msim_access *access = listener->endpoint->access;
    char text[160];

    if (!access)
        return true;
    int r = msim_guest_create(guest, access, address);
    if (r < 0) {
        snprintf(text, sizeof text, "%s and maybe others turned away: %s", peer,
                 r == MSIM_ERR_LIMIT ? "its address has max_connections_per_address open"
                                     : "out of memory");
        complain(listener->net, text);
    }
    return r == MSIM_OK;
}

static void welcome(struct msim_listener *listener, int fd, const struct msim_address *address)
{
    struct msim_net *net = listener->net;
    struct msim_connection *connection = NULL;
    char peer[MSIM_ADDRESS_TEXT];

    msim_address_print(peer, address);
    if (net->connection_count >= net->max_connections) {
        char text[128];
        snprintf(text, sizeof text,
                 "%s and maybe others turned away: %zu connections are open, which is the most",
                 peer, net->connection_count);
        complain(net, text);
        net->stats.turned_away++;
        close(fd);
        return;
    }
    struct msim_guest *guest = NULL;
    if (!let_in(listener, address, peer, &guest)) {
        net->stats.turned_away++;
        close(fd);
        return;
    }
    connection = msim_connection_create(listener->endpoint, MSIM_WS_SERVER, peer, strlen(peer) + 1);
    if (connection)
        connection->guest = guest;
    else
        msim_guest_free(guest);
    if (!connection || !msim_opening_create(connection) || !secure(connection) ||
        !msim_connection_attach(connection, fd, EPOLLIN)) {
        complain(net, "connections are turned away: out of memory");
        net->stats.turned_away++;
        close(fd);
        if (connection)
            msim_connection_discard(connection);
        return;
    }
    net->has_complained = false;
    net->stats.accepted++;
    connection->state = MSIM_OPENING;
    msim_wheel_set(&net->wheel, &connection->timer,
                   msim_time_after(net->now, listener->endpoint->limits.handshake_timeout));
    const struct msim_connection_handler *handler = &listener->endpoint->handler;
    int admission =
        handler->arrived ? handler->arrived(listener->endpoint->context, connection) : MSIM_ADMIT;
    if (admission != MSIM_ADMIT)
        msim_connection_keep_out(connection, admission);
}

void msim_listener_ready(struct msim_net *net, struct msim_ready *ready)
{
    struct msim_listener *listener = ((struct door *)ready)->listener;

    for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
        struct msim_address address;
        int fd = msim_socket_accept(ready->fd, &address);
        if (fd >= 0) {
            welcome(listener, fd, &address);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            pause_accepting(net, errno);
            return;
        } else if (errno == EAGAIN) {
            return;
        }
        /* Anything else befell the one who came: the next one may be well. */
    }
}
