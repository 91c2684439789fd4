/*
 * The system's sockets, non-blocking, never raising SIGPIPE.
 */
#ifndef MSIM_NET_SOCKET_H
#define MSIM_NET_SOCKET_H

#include <sys/socket.h>

#include <marketsim/base.h>

struct msim_address {
    struct sockaddr_storage storage;
    socklen_t length;
};

/* More addresses of one host than this are not tried. */
#define MSIM_ADDRESSES_MAX 16

struct msim_addresses {
    struct msim_address items[MSIM_ADDRESSES_MAX];
    size_t count;
};

enum msim_resolve_use {
    MSIM_RESOLVE_LISTEN,
    MSIM_RESOLVE_CONNECT,
};

/*
 * "localhost" is 127.0.0.1 and ::1 without asking anybody; an address is itself; any
 * other name is looked up, which waits for the system's resolver.  MSIM_ERR_IO with words.  False
 * of the first for a name that has to be.
 */
bool msim_resolve_at_once(struct msim_addresses *out, const char *host, uint16_t port);
int msim_resolve(struct msim_addresses *out, const char *host, uint16_t port,
                 enum msim_resolve_use use, struct msim_detail *detail);

/* "127.0.0.1:80", "[::1]:80" */
#define MSIM_ADDRESS_TEXT 56
void msim_address_print(char out[MSIM_ADDRESS_TEXT], const struct msim_address *address);
uint16_t msim_address_port(const struct msim_address *address);
void msim_address_set_port(struct msim_address *address, uint16_t port);

/* "Connection refused"; safe with threads. */
#define MSIM_ERROR_TEXT 96
const char *msim_error_text(char out[MSIM_ERROR_TEXT], int error);

/*
 * A listening socket, whose connections inherit `send_bytes` and TCP_NODELAY.  Returns
 * the descriptor, or -1 with errno; `address` gets the port that was chosen.
 */
int msim_socket_listen(struct msim_address *address, size_t send_bytes);

/* Returns the descriptor, or -1 with errno; `address` is the peer's. */
int msim_socket_accept(int listener, struct msim_address *address);

/* Starts to connect.  Returns the descriptor, or -1 with errno. */
int msim_socket_connect(const struct msim_address *address, size_t send_bytes);

/* Are both ends of the link the same address and port? */
bool msim_socket_is_own_peer(int fd);

/* How the connect ended: 0 or an errno. */
int msim_socket_error(int fd);

/* Bytes that were sent and that the peer's system has not acknowledged. */
size_t msim_socket_untaken(int fd);

/*
 * False where the peer's system has left several retransmissions or probes in a row unanswered
 * and nothing came from it for `patience`: it is gone, or the way to it is.
 */
bool msim_socket_answers(int fd, msim_time patience);

#endif
