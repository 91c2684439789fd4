/*
 * TLS under a connection: bytes of the link in, bytes of the protocol out, and back.
 *
 * GnuTLS never sees the socket.  What was received is given to it from one buffer of the net's,
 * and all of it is taken out again as far as its records are whole; what it wants to send is
 * staged in another, leaves with one send, and what the system does not take is held by the
 * session.  So nothing that epoll does not know of ever waits but `held`.
 */
#ifndef MSIM_NET_TLS_H
#define MSIM_NET_TLS_H

#include <sys/types.h>

#include <marketsim/tls.h>

#include "net/loop.h"

struct iovec;
struct msim_session;

/* Read from the link at once: with what a session keeps of a record (16 KiB and its trimmings)
 * no more comes out of it than `input` takes. */
#define MSIM_TLS_INPUT_BYTES (32 * 1024)

/* Staged for one send; a session holds at most that, beside the handshake's last words. */
#define MSIM_TLS_STAGE_BYTES (36 * 1024)

/* What the sessions of a net share. */
struct msim_tls_buffers {
    size_t staged;
    unsigned char input[MSIM_TLS_INPUT_BYTES];
    unsigned char stage[MSIM_TLS_STAGE_BYTES];
};

struct msim_tls *msim_tls_share(struct msim_tls *tls);

/* Has it a certificate to show? */
bool msim_tls_may_serve(const struct msim_tls *tls);

enum msim_session_role {
    MSIM_SESSION_SERVER,
    MSIM_SESSION_CLIENT,
};

/*
 * `ready` is where the descriptor stands.  `host` is a client's: whom the certificate must name.
 * MSIM_ERR_NOMEM.
 */
int msim_session_create(struct msim_session **out, struct msim_net *net, struct msim_tls *tls,
                        enum msim_session_role role, const char *host,
                        const struct msim_ready *ready);
void msim_session_destroy(struct msim_session **session);

enum msim_session_state {
    MSIM_SESSION_SHAKING, /* the handshake is under way */
    MSIM_SESSION_OPEN,
    MSIM_SESSION_ENDED,  /* the peer says no more; it may still be spoken to */
    MSIM_SESSION_PLAIN,  /* the peer does not speak TLS at all, but text */
    MSIM_SESSION_BROKEN, /* `words` say how */
};
enum msim_session_state msim_session_state(const struct msim_session *session);
const char *msim_session_words(const struct msim_session *session);

/* Did the peer say itself that nothing more comes?  Without it, anybody may have cut the link. */
bool msim_session_heard_bye(const struct msim_session *session);

/* Begins a client's handshake. */
void msim_session_begin(struct msim_session *session);

/*
 * As recv and sendmsg do: 0 where the link has ended, -1 with errno.  EAGAIN also where bytes
 * came and none of them are for us; look at the state after each.  `size` is at least
 * MSIM_NET_INPUT_BYTES.
 */
ssize_t msim_session_read(struct msim_session *session, unsigned char *out, size_t size);
ssize_t msim_session_write(struct msim_session *session, const struct iovec *parts, size_t count);

/* Sends what is held: 0 where nothing is any more, else -1 with errno. */
int msim_session_flush(struct msim_session *session);
size_t msim_session_held(const struct msim_session *session);

/* "We say no more": once, and only where the session was open. */
void msim_session_bye(struct msim_session *session);

#endif
