/*
 * A connection's link, plain or with TLS: what stands between the queues and the socket.
 */
#ifndef MSIM_NET_LINK_H
#define MSIM_NET_LINK_H

#include <sys/uio.h>

#include "net/connection.h"
#include "net/tls.h"

/* As sendmsg does: bytes of the parts that were taken, or -1 with errno. */
static inline ssize_t msim_link_write(struct msim_connection *connection, struct iovec *parts,
                                      size_t count)
{
    if (connection->session)
        return msim_session_write(connection->session, parts, count);
    if (count == 1)
        return send(connection->ready.fd, parts[0].iov_base, parts[0].iov_len, MSG_NOSIGNAL);
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = count};
    return sendmsg(connection->ready.fd, &message, MSG_NOSIGNAL);
}

/* Bytes that TLS has made of what was written and that the system has not taken. */
static inline size_t msim_link_held(const struct msim_connection *connection)
{
    return connection->session ? msim_session_held(connection->session) : 0;
}

#endif
