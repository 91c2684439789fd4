/*
 * The head of a frame (RFC 6455 section 5.2) and its mask.
 */
#ifndef MSIM_NET_FRAME_H
#define MSIM_NET_FRAME_H

#include <marketsim/base.h>

enum msim_opcode {
    MSIM_OPCODE_CONTINUATION = 0,
    MSIM_OPCODE_TEXT = 1,
    MSIM_OPCODE_BINARY = 2,
    MSIM_OPCODE_CLOSE = 8,
    MSIM_OPCODE_PING = 9,
    MSIM_OPCODE_PONG = 10,
};

#define MSIM_FRAME_RSV1 4          /* in `reserved`: the message is compressed (RFC 7692) */
#define MSIM_FRAME_HEAD_MAX 14     /* of a masked frame */
#define MSIM_FRAME_CONTROL_MAX 125 /* payload of a control frame */

struct msim_frame {
    uint64_t length; /* of the payload */
    uint8_t opcode;
    uint8_t reserved; /* the three bits, RSV1 the highest */
    bool final;
    bool masked;
    uint8_t key[4];
    uint8_t head_size;
};

static inline bool msim_frame_is_control(const struct msim_frame *frame)
{
    return frame->opcode & 8;
}

/*
 * Reads a head; `length` bytes of it are there so far.  Returns its size; 0 where more
 * bytes are needed; MSIM_ERR_FORMAT for a length that is not in its shortest form.
 */
int msim_frame_read_head(struct msim_frame *frame, const unsigned char *bytes, size_t length);

/* Writes a head without a mask; returns its size. */
size_t msim_frame_write_head(unsigned char *out, enum msim_opcode opcode, size_t length);

/* Masks or unmasks a whole payload where it lies. */
void msim_frame_mask(unsigned char *bytes, size_t length, const uint8_t key[4]);

#endif
