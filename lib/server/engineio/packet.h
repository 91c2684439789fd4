/*
 * A message encoded once for all who get it: finished WebSocket frames, from which the text of
 * a poll is made as well.
 *
 * A long message is several frames, so that a connection takes it piece by piece: what waits for
 * slow clients is this one copy, and not one for each of them.
 */
#ifndef MSIM_SERVER_ENGINEIO_PACKET_H
#define MSIM_SERVER_ENGINEIO_PACKET_H

#include <marketsim/engineio.h>

#include "base/bytes.h"

/* No frame carries more. */
#define MSIM_PACKET_PIECE ((size_t)64 * 1024)

struct msim_engineio_packet {
    struct msim_allocator allocator;
    size_t references;
    enum msim_message_kind kind;
    size_t length; /* of what the frames carry: the digit of a text, and the message */
    size_t size;   /* of the frames */
    unsigned char frames[];
};

/* `digit` goes before a text; a binary message is its bare bytes.  NULL without memory. */
struct msim_engineio_packet *msim_eio_packet_create(const struct msim_allocator *allocator,
                                                    char digit, enum msim_message_kind kind,
                                                    const void *bytes, size_t length);

struct msim_engineio_packet *msim_eio_packet_share(struct msim_engineio_packet *packet);

/* The frame at `offset` of the frames; returns its size, 0 at the end. */
size_t msim_eio_packet_frame(const struct msim_engineio_packet *packet, size_t offset,
                             const unsigned char **frame);

/* How many bytes it takes in a poll, and those bytes. */
size_t msim_eio_packet_polled_size(const struct msim_engineio_packet *packet);
int msim_eio_packet_poll(const struct msim_engineio_packet *packet, struct msim_bytes *out);

/* Strict base64 with padding; -1 for anything else.  `out` has room for 3 of every 4 bytes. */
int64_t msim_eio_packet_decode_base64(const unsigned char *text, size_t length, unsigned char *out);

#endif
