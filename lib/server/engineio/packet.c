#include "server/engineio/packet.h"

#include <string.h>

#include <nettle/base64.h>

#include "base/mem.h"

#define FINAL 0x80
#define CONTINUATION 0x00

/* ---- frames ---- */

static size_t pieces_of(size_t length)
{
    return length == 0 ? 1 : (length + MSIM_PACKET_PIECE - 1) / MSIM_PACKET_PIECE;
}

/* The head of one of several frames of a message. */
static size_t write_head(unsigned char *out, enum msim_message_kind kind, size_t length,
                         bool is_first, bool is_last)
{
    size_t size = msim_frame_head(out, kind, length);

    out[0] =
        (unsigned char)((is_last ? FINAL : 0) | (is_first ? (unsigned char)kind : CONTINUATION));
    return size;
}

struct msim_engineio_packet *msim_eio_packet_create(const struct msim_allocator *allocator,
                                                    char digit, enum msim_message_kind kind,
                                                    const void *bytes, size_t length)
{
    size_t prefix = kind == MSIM_MESSAGE_TEXT ? 1 : 0;
    const unsigned char *from = bytes;
    size_t whole;
    size_t room;

    if (__builtin_add_overflow(length, prefix, &whole) ||
        __builtin_add_overflow(
            whole, pieces_of(whole) * MSIM_FRAME_HEAD_SIZE + sizeof(struct msim_engineio_packet),
            &room))
        return NULL;
    struct msim_engineio_packet *packet = msim_mem_take(allocator, room);
    if (!packet)
        return NULL;
    *packet = (struct msim_engineio_packet){
        .allocator = *allocator, .references = 1, .kind = kind, .length = whole};

    unsigned char *at = packet->frames;
    for (size_t left = whole, first = 1; first || left > 0; first = 0) {
        size_t piece = left < MSIM_PACKET_PIECE ? left : MSIM_PACKET_PIECE;
        at += write_head(at, kind, piece, first, piece == left);
        left -= piece;
        if (first && prefix) {
            *at++ = (unsigned char)digit;
            piece--;
        }
        if (piece > 0)
            memcpy(at, from, piece);
        at += piece;
        from += piece;
    }
    packet->size = (size_t)(at - packet->frames);
    return packet;
}

static size_t allocated(const struct msim_engineio_packet *packet)
{
    return sizeof *packet + packet->length + pieces_of(packet->length) * MSIM_FRAME_HEAD_SIZE;
}

struct msim_engineio_packet *msim_eio_packet_share(struct msim_engineio_packet *packet)
{
    packet->references++;
    return packet;
}

void msim_engineio_packet_release(struct msim_engineio_packet **packet)
{
    struct msim_engineio_packet *old = packet ? *packet : NULL;

    if (!old)
        return;
    *packet = NULL;
    if (--old->references > 0)
        return;
    struct msim_allocator allocator = old->allocator;
    msim_mem_free(&allocator, old, allocated(old));
}

/* The head of a frame of ours: its size, and how much it carries. */
static size_t read_head(const unsigned char *frame, size_t *length)
{
    size_t size = 2;

    *length = frame[1];
    if (frame[1] == 126)
        size = 4;
    else if (frame[1] == 127)
        size = 10;
    if (size > 2)
        *length = 0;
    for (size_t i = 2; i < size; i++)
        *length = *length << 8 | frame[i];
    return size;
}

size_t msim_eio_packet_frame(const struct msim_engineio_packet *packet, size_t offset,
                             const unsigned char **frame)
{
    size_t length;

    if (offset >= packet->size)
        return 0;
    *frame = packet->frames + offset;
    size_t head = read_head(*frame, &length);
    return head + length;
}

/* ---- polls ---- */

size_t msim_eio_packet_polled_size(const struct msim_engineio_packet *packet)
{
    if (packet->kind == MSIM_MESSAGE_TEXT)
        return packet->length;
    return 1 + BASE64_ENCODE_RAW_LENGTH(packet->length);
}

/* What the frames carry, in one piece. */
static void join(const struct msim_engineio_packet *packet, unsigned char *out)
{
    const unsigned char *frame;
    size_t size;

    for (size_t at = 0; (size = msim_eio_packet_frame(packet, at, &frame)) > 0; at += size) {
        size_t length;
        size_t head = read_head(frame, &length);
        memcpy(out, frame + head, length);
        out += length;
    }
}

int msim_eio_packet_poll(const struct msim_engineio_packet *packet, struct msim_bytes *out)
{
    size_t size = msim_eio_packet_polled_size(packet);
    size_t spare = packet->kind == MSIM_MESSAGE_TEXT ? 0 : packet->length;
    unsigned char *room;

    int r = msim_bytes_reserve(out, size + spare, &room);
    if (r < 0)
        return r;
    if (packet->kind == MSIM_MESSAGE_TEXT) {
        join(packet, room);
    } else {
        unsigned char *raw = room + size;
        join(packet, raw);
        room[0] = 'b';
        base64_encode_raw((char *)room + 1, packet->length, raw);
    }
    msim_bytes_commit(out, size);
    return MSIM_OK;
}

static int digit_value(unsigned char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+')
        return 62;
    return c == '/' ? 63 : -1;
}

int64_t msim_eio_packet_decode_base64(const unsigned char *text, size_t length, unsigned char *out)
{
    size_t padding = 0;
    size_t at = 0;

    if (length % 4 != 0)
        return -1;
    while (padding < 2 && padding < length && text[length - 1 - padding] == '=')
        padding++;
    for (size_t i = 0; i < length; i += 4) {
        size_t digits = i + 4 == length ? 4 - padding : 4;
        uint32_t bits = 0;
        for (size_t j = 0; j < 4; j++) {
            int value = j < digits ? digit_value(text[i + j]) : 0;
            if (value < 0)
                return -1;
            bits = bits << 6 | (uint32_t)value;
        }
        /* What a padded group has beyond its bytes is nothing, or two texts say the same. */
        if (digits < 4 && bits << 8 * digits != 0)
            return -1;
        for (size_t j = 0; j + 1 < digits; j++)
            out[at++] = (unsigned char)(bits >> (16 - 8 * j));
    }
    return (int64_t)at;
}
