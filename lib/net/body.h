/*
 * Where a request's body ends: by its length, or in chunks (RFC 9112 sections 6 and 7).
 */
#ifndef MSIM_NET_BODY_H
#define MSIM_NET_BODY_H

#include <marketsim/base.h>

/* The longest line that tells a chunk's size, extensions and all. */
#define MSIM_CHUNK_LINE_MAX 256

/* All lines behind the last chunk together; they are read and left aside. */
#define MSIM_TRAILER_MAX 4096

enum msim_body_state {
    MSIM_BODY_PLAIN,
    MSIM_BODY_SIZE,      /* in the line that tells a chunk's size */
    MSIM_BODY_EXTENSION, /* behind the size, in the same line */
    MSIM_BODY_SIZE_LF,
    MSIM_BODY_CHUNK,
    MSIM_BODY_CHUNK_CR,
    MSIM_BODY_CHUNK_LF,
    MSIM_BODY_TRAILER, /* at the beginning of a line */
    MSIM_BODY_TRAILER_LINE,
    MSIM_BODY_TRAILER_LF,
    MSIM_BODY_LAST_LF,
    MSIM_BODY_END,
};

struct msim_body {
    uint64_t left; /* of the body or of the chunk */
    uint16_t line; /* bytes of a size line, or of the trailer */
    uint8_t digits;
    uint8_t state; /* enum msim_body_state */
};

void msim_body_by_length(struct msim_body *body, uint64_t length);
void msim_body_in_chunks(struct msim_body *body);

static inline bool msim_body_ended(const struct msim_body *body)
{
    return body->state == MSIM_BODY_END;
}

/*
 * Goes over the bytes until a piece of the body is found or they end.  Returns how many were
 * taken, the piece's with them, or MSIM_ERR_FORMAT; `*piece` is NULL where none was found.
 */
int64_t msim_body_next(struct msim_body *body, const unsigned char *bytes, size_t length,
                       const unsigned char **piece, size_t *piece_length);

#endif
