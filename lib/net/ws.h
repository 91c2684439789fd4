/*
 * The receiving side of a WebSocket (RFC 6455 sections 5 to 7), for both roles:
 * bytes in, whole messages and control frames out.
 *
 * A frame that lies whole in the bytes is judged, unmasked and handed on where
 * it lies.  Only one that is still in flight at their end borrows a wslay frame
 * context (over 4 KiB) until its last byte has come; only a message of several
 * pieces borrows a buffer.  A connection at rest holds neither.
 */
#ifndef MSIM_NET_WS_H
#define MSIM_NET_WS_H

#include <wslay/wslay.h>

#include <marketsim/net.h>

#include "base/bytes.h"
#include "base/utf8.h"
#include "net/deflate.h"
#include "net/frame.h"

enum msim_ws_role {
    MSIM_WS_SERVER, /* what comes in must be masked */
    MSIM_WS_CLIENT, /* ... must not be */
};

/* One wslay context and where its callbacks read and write. */
struct msim_framer {
    struct msim_framer *next; /* in the pool */
    struct msim_framer_pool *pool;
    wslay_frame_context_ptr context;
    /* Receiving: the head, then the bytes of the payload that are there. */
    struct msim_frame frame;
    unsigned char head[MSIM_FRAME_HEAD_MAX];
    size_t head_left;
    const unsigned char *bytes;
    size_t bytes_left;
    uint64_t payload_left; /* that wslay has not read yet */
    uint64_t delivered;    /* of the payload, to us */
    unsigned char control[MSIM_FRAME_CONTROL_MAX];
    uint8_t control_length;
    /* Sending. */
    unsigned char *out;
    const uint8_t *key;
};

/* Contexts that nobody needs just now; at most MSIM_FRAMERS_SPARE are kept. */
#define MSIM_FRAMERS_SPARE 16
struct msim_framer_pool {
    struct msim_allocator allocator;
    struct msim_framer *spare;
    size_t spare_count;
};

void msim_framer_pool_init(struct msim_framer_pool *pool, const struct msim_allocator *allocator);
void msim_framer_pool_finish(struct msim_framer_pool *pool);

/*
 * Writes a masked frame to `out`, which has room for MSIM_FRAME_HEAD_MAX + length bytes;
 * returns its size, or MSIM_ERR_NOMEM.
 */
int64_t msim_framer_mask(struct msim_framer_pool *pool, unsigned char *out, enum msim_opcode opcode,
                         const void *bytes, size_t length, const uint8_t key[4]);

/* A message of which not all pieces are there. */
struct msim_ws_message {
    struct msim_bytes bytes;
    struct msim_utf8 utf8;
    uint8_t opcode;
    struct msim_inflater *inflater; /* NULL: it is not compressed */
    size_t packed;                  /* bytes of it that came compressed */
};

/* Zeroed but for pool and role at first. */
struct msim_ws {
    struct msim_framer_pool *pool;
    struct msim_framer *framer;        /* while a frame is in flight */
    struct msim_ws_message *message;   /* while a message is */
    struct msim_deflate_link *deflate; /* NULL: nothing is compressed */
    uint8_t role;                      /* enum msim_ws_role */
    uint8_t head_length;               /* bytes of a head that is not whole yet */
    unsigned char head[MSIM_FRAME_HEAD_MAX];
};

/*
 * Where it goes.  They return false to have the feeding stop there: the connection has
 * ended.
 */
struct msim_ws_sink {
    bool (*message)(void *context, enum msim_message_kind kind, const unsigned char *bytes,
                    size_t length);
    bool (*control)(void *context, enum msim_opcode opcode, const unsigned char *bytes,
                    size_t length);
    void *context;
    size_t max_message_bytes;
};

/* What a mistake of the peer's is answered with. */
struct msim_ws_fault {
    int code; /* enum msim_close_code */
    const char *words;
};

enum msim_ws_outcome {
    MSIM_WS_MORE = 0,    /* all of it was taken */
    MSIM_WS_STOPPED = 1, /* the sink said so */
    MSIM_WS_FAULT = 2,   /* `fault` says what to close with; feed no more */
};

/* Takes the bytes, which it may change where they lie. */
enum msim_ws_outcome msim_ws_feed(struct msim_ws *ws, const struct msim_ws_sink *sink,
                                  unsigned char *bytes, size_t length, struct msim_ws_fault *fault);

/* Has a frame or message begun that has not ended? */
static inline bool msim_ws_is_amid(const struct msim_ws *ws)
{
    return ws->framer || ws->message || ws->head_length > 0;
}

/* Gives back what is borrowed. */
void msim_ws_finish(struct msim_ws *ws);

/* Reads a close frame's payload: MSIM_OK, or the fault that it is. */
struct msim_ws_close {
    int code; /* MSIM_CLOSE_NONE where it has none */
    const unsigned char *reason;
    size_t reason_length;
};
int msim_ws_read_close(struct msim_ws_close *close, const unsigned char *bytes, size_t length,
                       struct msim_ws_fault *fault);

/* May a close frame bear this code? */
bool msim_ws_code_travels(int code);

#endif
