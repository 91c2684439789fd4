#define _GNU_SOURCE /* accept4 */
#include "net/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/detail.h"

/* A link over which nothing goes is probed: after 20 s, every 5 s, and given up after 4 in vain.
 * WebSockets have their pings; this finds those who wait for an answer and are gone. */
#define KEEPALIVE_IDLE_S 20
#define KEEPALIVE_INTERVAL_S 5
#define KEEPALIVE_PROBES 4

/* So many retransmissions or probes in a row without an answer are no accident any more. */
#define UNANSWERED_MANY 4

/* How many connections may wait to be accepted; the system has a bound of its own. */
#define LISTEN_QUEUE 4096

/* ---- addresses ---- */

static void add_ipv4(struct msim_addresses *out, struct in_addr ip, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = ip};
    struct msim_address *item = &out->items[out->count++];

    memcpy(&item->storage, &address, sizeof address);
    item->length = sizeof address;
}

static void add_ipv6(struct msim_addresses *out, struct in6_addr ip, uint16_t port)
{
    struct sockaddr_in6 address = {
        .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = ip};
    struct msim_address *item = &out->items[out->count++];

    memcpy(&item->storage, &address, sizeof address);
    item->length = sizeof address;
}

static int look_up(struct msim_addresses *out, const char *host, uint16_t port,
                   enum msim_resolve_use use, struct msim_detail *detail)
{
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = use == MSIM_RESOLVE_LISTEN ? AI_PASSIVE : AI_ADDRCONFIG,
    };
    struct addrinfo *found = NULL;

    int r = getaddrinfo(host, NULL, &hints, &found);
    if (r != 0)
        return msim_detail_set(detail, MSIM_ERR_IO,
                               "no address is known for the host '%.200s': %s; is the name right?",
                               host, gai_strerror(r));
    for (const struct addrinfo *at = found; at && out->count < MSIM_ADDRESSES_MAX;
         at = at->ai_next) {
        struct msim_address *item = &out->items[out->count];
        if ((at->ai_family != AF_INET && at->ai_family != AF_INET6) ||
            at->ai_addrlen > sizeof item->storage)
            continue;
        memcpy(&item->storage, at->ai_addr, at->ai_addrlen);
        item->length = at->ai_addrlen;
        msim_address_set_port(item, port);
        out->count++;
    }
    freeaddrinfo(found);
    if (out->count == 0)
        return msim_detail_set(detail, MSIM_ERR_IO,
                               "the host '%.200s' has no address of IPv4 or IPv6", host);
    return MSIM_OK;
}

bool msim_resolve_at_once(struct msim_addresses *out, const char *host, uint16_t port)
{
    struct in_addr ipv4;
    struct in6_addr ipv6;

    out->count = 0;
    if (strcasecmp(host, "localhost") == 0) {
        add_ipv4(out, (struct in_addr){htonl(INADDR_LOOPBACK)}, port);
        add_ipv6(out, in6addr_loopback, port);
    } else if (inet_pton(AF_INET, host, &ipv4) == 1) {
        add_ipv4(out, ipv4, port);
    } else if (inet_pton(AF_INET6, host, &ipv6) == 1) {
        add_ipv6(out, ipv6, port);
    }
    return out->count > 0;
}

int msim_resolve(struct msim_addresses *out, const char *host, uint16_t port,
                 enum msim_resolve_use use, struct msim_detail *detail)
{
    if (msim_resolve_at_once(out, host, port))
        return MSIM_OK;
    return look_up(out, host, port, use, detail);
}

uint16_t msim_address_port(const struct msim_address *address)
{
    if (address->storage.ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)&address->storage)->sin6_port);
    return ntohs(((const struct sockaddr_in *)&address->storage)->sin_port);
}

void msim_address_set_port(struct msim_address *address, uint16_t port)
{
    if (address->storage.ss_family == AF_INET6)
        ((struct sockaddr_in6 *)&address->storage)->sin6_port = htons(port);
    else
        ((struct sockaddr_in *)&address->storage)->sin_port = htons(port);
}

void msim_address_print(char out[MSIM_ADDRESS_TEXT], const struct msim_address *address)
{
    char ip[INET6_ADDRSTRLEN] = "?";
    unsigned port = msim_address_port(address);

    if (address->storage.ss_family == AF_INET6) {
        const struct in6_addr *in6 = &((const struct sockaddr_in6 *)&address->storage)->sin6_addr;
        inet_ntop(AF_INET6, in6, ip, sizeof ip);
        snprintf(out, MSIM_ADDRESS_TEXT, "[%s]:%u", ip, port);
    } else {
        const struct in_addr *in = &((const struct sockaddr_in *)&address->storage)->sin_addr;
        inet_ntop(AF_INET, in, ip, sizeof ip);
        snprintf(out, MSIM_ADDRESS_TEXT, "%s:%u", ip, port);
    }
}

/* ---- sockets ---- */

static int close_keeping_errno(int fd)
{
    int error = errno;

    close(fd);
    errno = error;
    return -1;
}

static int set_option(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value);
}

static int open_tcp(const struct msim_address *address, size_t send_bytes)
{
    int fd = socket(address->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;

    /* A listener's are inherited by its connections. */
    if (set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1) < 0 ||
        set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S) < 0 ||
        set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S) < 0 ||
        set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES) < 0)
        return close_keeping_errno(fd);
    int bytes = send_bytes > INT_MAX / 2 ? INT_MAX / 2 : (int)send_bytes;
    if (set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1) < 0 ||
        set_option(fd, SOL_SOCKET, SO_SNDBUF, bytes) < 0)
        return close_keeping_errno(fd);
    return fd;
}

int msim_socket_listen(struct msim_address *address, size_t send_bytes)
{
    int fd = open_tcp(address, send_bytes);
    if (fd < 0)
        return -1;

    /* A server that is started again need not wait for its old connections' last minute. */
    if (set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) < 0)
        return close_keeping_errno(fd);
    if (address->storage.ss_family == AF_INET6 && set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) < 0)
        return close_keeping_errno(fd);
    if (bind(fd, (const struct sockaddr *)&address->storage, address->length) < 0 ||
        listen(fd, LISTEN_QUEUE) < 0)
        return close_keeping_errno(fd);

    socklen_t length = sizeof address->storage;
    if (getsockname(fd, (struct sockaddr *)&address->storage, &length) < 0)
        return close_keeping_errno(fd);
    address->length = length;
    return fd;
}

int msim_socket_accept(int listener, struct msim_address *address)
{
    address->length = sizeof address->storage;
    return accept4(listener, (struct sockaddr *)&address->storage, &address->length,
                   SOCK_NONBLOCK | SOCK_CLOEXEC);
}

int msim_socket_connect(const struct msim_address *address, size_t send_bytes)
{
    int fd = open_tcp(address, send_bytes);
    if (fd < 0)
        return -1;
    if (connect(fd, (const struct sockaddr *)&address->storage, address->length) < 0 &&
        errno != EINPROGRESS && errno != EINTR)
        return close_keeping_errno(fd);
    return fd;
}

int msim_socket_error(int fd)
{
    int error = 0;
    socklen_t length = sizeof error;

    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
        return errno;
    return error;
}

bool msim_socket_is_own_peer(int fd)
{
    struct msim_address own = {.length = sizeof own.storage};
    struct msim_address peer = {.length = sizeof peer.storage};
    char own_text[MSIM_ADDRESS_TEXT];
    char peer_text[MSIM_ADDRESS_TEXT];

    if (getsockname(fd, (struct sockaddr *)&own.storage, &own.length) < 0 ||
        getpeername(fd, (struct sockaddr *)&peer.storage, &peer.length) < 0)
        return false;
    msim_address_print(own_text, &own);
    msim_address_print(peer_text, &peer);
    return strcmp(own_text, peer_text) == 0;
}

size_t msim_socket_untaken(int fd)
{
    int bytes = 0;

    if (ioctl(fd, SIOCOUTQ, &bytes) < 0 || bytes < 0)
        return 0;
    return (size_t)bytes;
}

/*
 * Not TCP_USER_TIMEOUT: it counts a window that stays closed as no answer, and so would end
 * a peer that merely does not read.  A closed window's probes are acknowledged, which sets
 * their count back.
 */
bool msim_socket_answers(int fd, msim_time patience)
{
    struct tcp_info info = {0};
    socklen_t length = sizeof info;

    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) < 0)
        return true;
    return info.tcpi_retransmits + info.tcpi_probes < UNANSWERED_MANY ||
           info.tcpi_last_ack_recv < patience / MSIM_NS_PER_MS;
}
