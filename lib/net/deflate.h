/*
 * Compressed messages (RFC 7692) with zlib.
 *
 * Where a side keeps no context from one message to the next, its compressor is the net's: a
 * connection at rest holds none.  Where it does, the connection has one of its own from its first
 * message on.
 */
#ifndef MSIM_NET_DEFLATE_H
#define MSIM_NET_DEFLATE_H

#include "base/bytes.h"
#include "net/extension.h"

struct msim_deflater;
struct msim_inflater;

/* What is inflated at once, and a window's bytes. */
#define MSIM_INFLATE_BYTES (32 * 1024)

/* Inflaters that nobody needs just now; at most so many are kept. */
#define MSIM_INFLATERS_SPARE 4

/* A net's. */
struct msim_deflate_pool {
    struct msim_allocator allocator;
    struct msim_deflater
        *deflaters[MSIM_WINDOW_BITS_MAX + 1]; /* by their window; made when needed */
    struct msim_inflater *spare;
    size_t spare_count;
    struct msim_bytes packed; /* the message that is being sent */
    unsigned char *scratch;   /* MSIM_INFLATE_BYTES */
};

void msim_deflate_pool_init(struct msim_deflate_pool *pool, const struct msim_allocator *allocator);
void msim_deflate_pool_finish(struct msim_deflate_pool *pool);

/* A connection's. */
struct msim_deflate_link {
    struct msim_deflate_pool *pool;
    struct msim_deflate_terms terms;
    size_t min_bytes;
    int level;
    struct msim_deflater *deflater; /* NULL: none yet, or the net's */
    struct msim_inflater *inflater;
};

/* Is it in this build? */
bool msim_deflate_is_built(void);

/* NULL without memory. */
struct msim_deflate_link *msim_deflate_link_create(struct msim_deflate_pool *pool,
                                                   const struct msim_deflate *wanted,
                                                   const struct msim_deflate_terms *terms);
/* NULL is left alone. */
void msim_deflate_link_free(struct msim_deflate_link *link);

/*
 * Packs a message; what stands in `pool->packed` is its payload.  1 where it is packed, 0 where it
 * is better sent as it is, MSIM_ERR_NOMEM.
 */
int msim_deflate_pack(struct msim_deflate_link *link, const void *bytes, size_t length);

/* What was packed does not leave after all: the peer's window must not miss it. */
void msim_deflate_forget(struct msim_deflate_link *link);

/* ---- a message that comes ---- */

/* NULL without memory. */
struct msim_inflater *msim_inflate_begin(struct msim_deflate_link *link);

/* Takes a piece of the payload into an inflater; `take` is called for what comes out. */
struct msim_inflate_sink {
    int (*take)(void *context, const unsigned char *bytes, size_t length);
    void *context;
};

/*
 * `is_last` with the message's last piece.  MSIM_ERR_FORMAT for bytes that are no such data,
 * MSIM_ERR_NOMEM, or what the sink said below zero.
 */
int msim_inflate_piece(struct msim_deflate_link *link, struct msim_inflater *inflater,
                       const unsigned char *bytes, size_t length, bool is_last,
                       const struct msim_inflate_sink *sink);

/* Compressed bytes of a message of `most` bytes: packed badly, it is a little longer. */
static inline size_t msim_inflate_bound(size_t most)
{
    return most + most / 8 + 1024;
}

/* The message is over, or will never be. */
void msim_inflate_end(struct msim_deflate_link *link, struct msim_inflater *inflater);

#endif
