/*
 * What a link does wrong on purpose, for those who test robots: it falls silent, ends without a
 * word, or gives its messages in pieces.
 *
 * The failure layer (marketsim/faults.h) says what befalls a connection and when; this does it.
 */
#ifndef MARKETSIM_IMPAIR_H
#define MARKETSIM_IMPAIR_H

#include <marketsim/net.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Each takes one thing away from an open connection; they are joined by `|`. */
enum msim_impairment {
    /* Nothing is read: what the peer sends waits in its own system, in the end. */
    MSIM_IMPAIR_READ = 1,
    /* Messages are read and let go; pings and the closing handshake are answered. */
    MSIM_IMPAIR_TAKE = 2,
    /* Bytes are read and let go, whatever they are.  The connection does not go on after this. */
    MSIM_IMPAIR_HEAR = 4,
    /*
     * Nothing is written: what is sent waits here, up to max_backlog_bytes.  What was sent before
     * leaves as far as the system takes it.
     */
    MSIM_IMPAIR_WRITE = 8,
    /* Pings are not answered, and none is sent. */
    MSIM_IMPAIR_PING = 16,
};

/*
 * From now on the connection lacks what `impairments` says, and nothing else; 0 makes it whole.
 * While anything is lacking nobody is held to be gone for not answering.
 */
MSIM_API void msim_connection_impair(struct msim_connection *connection, unsigned impairments);

/* What becomes of that which waits to be sent. */
enum msim_leaving {
    MSIM_LEAVE_DROPPED, /* it is let go, and a frame may be cut */
    MSIM_LEAVE_SENT,    /* it leaves first */
};

/*
 * Ends the connection without a close frame: the peer sees the end of the stream (FIN), and 1006.
 * `closed` follows when the peer has ended its side, or after close_timeout.
 */
MSIM_API void msim_connection_hang_up(struct msim_connection *connection,
                                      enum msim_leaving leaving);

/* How a message is cut. */
struct msim_slicing {
    /* The size of piece `index`, at least 1; the last one is what is left. */
    size_t (*piece)(const void *context, uint32_t index);
    const void *context; /* borrowed for the call */
    msim_time pause;     /* between one piece and the next, from when the system has taken it */
    bool fragments;      /* each piece of the payload a frame of its own (RFC 6455 section 5.4) */
};

/* A connection has no more cuts before it than this: what lies beyond leaves in one piece. */
#define MSIM_CUTS_MAX 16384

/*
 * Queues one message whose bytes, the frame's head included, leave in pieces, each by a write of
 * its own; what is sent after it leaves after it.  The results of msim_connection_send;
 * MSIM_ERR_INVALID on a client's side.
 */
MSIM_API int msim_connection_send_sliced(struct msim_connection *connection,
                                         enum msim_message_kind kind, const void *bytes,
                                         size_t length, const struct msim_slicing *slicing);

#ifdef __cplusplus
}
#endif

#endif
