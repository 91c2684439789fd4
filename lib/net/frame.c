#include "net/frame.h"

#include <string.h>

#include <marketsim/net.h>

static uint64_t read_big_endian(const unsigned char *bytes, size_t count)
{
    uint64_t value = 0;

    for (size_t i = 0; i < count; i++)
        value = value << 8 | bytes[i];
    return value;
}

int msim_frame_read_head(struct msim_frame *frame, const unsigned char *bytes, size_t length)
{
    if (length < 2)
        return 0;

    size_t short_length = bytes[1] & 0x7F;
    size_t extra = short_length == 127 ? 8 : short_length == 126 ? 2 : 0;
    bool masked = bytes[1] & 0x80;
    size_t size = 2 + extra + (masked ? 4 : 0);
    if (length < size)
        return 0;

    uint64_t payload = extra > 0 ? read_big_endian(bytes + 2, extra) : short_length;
    if ((extra == 2 && payload < 126) || (extra == 8 && (payload <= 0xFFFF || payload >> 63)))
        return MSIM_ERR_FORMAT;

    *frame = (struct msim_frame){
        .length = payload,
        .opcode = bytes[0] & 0x0F,
        .reserved = bytes[0] >> 4 & 7,
        .final = bytes[0] >> 7,
        .masked = masked,
        .head_size = (uint8_t)size,
    };
    if (masked)
        memcpy(frame->key, bytes + 2 + extra, sizeof frame->key);
    return (int)size;
}

size_t msim_frame_write_head(unsigned char *out, enum msim_opcode opcode, size_t length)
{
    out[0] = (unsigned char)(0x80 | opcode);
    if (length < 126) {
        out[1] = (unsigned char)length;
        return 2;
    }
    size_t extra = length <= 0xFFFF ? 2 : 8;
    out[1] = extra == 2 ? 126 : 127;
    for (size_t i = 0; i < extra; i++)
        out[2 + i] = (unsigned char)((uint64_t)length >> 8 * (extra - 1 - i));
    return 2 + extra;
}

size_t msim_frame_head(unsigned char out[MSIM_FRAME_HEAD_SIZE], enum msim_message_kind kind,
                       size_t length)
{
    if (!out)
        return 0;
    return msim_frame_write_head(
        out, kind == MSIM_MESSAGE_BINARY ? MSIM_OPCODE_BINARY : MSIM_OPCODE_TEXT, length);
}

void msim_frame_mask(unsigned char *bytes, size_t length, const uint8_t key[4])
{
    uint64_t wide;
    size_t i = 0;

    memcpy(&wide, key, 4);
    memcpy((unsigned char *)&wide + 4, key, 4);
    for (; length - i >= 8; i += 8) {
        uint64_t word;
        memcpy(&word, bytes + i, 8);
        word ^= wide;
        memcpy(bytes + i, &word, 8);
    }
    for (; i < length; i++)
        bytes[i] ^= key[i % 4];
}
