#include "parquet/snappy.h"

#include "parquet/bits.h"

/* The length that stands at the head: a varint of at most 32 bits. */
static const unsigned char *read_length(const unsigned char *in, const unsigned char *end,
                                        uint64_t *length)
{
    *length = 0;
    for (unsigned shift = 0; shift < 35 && in < end; shift += 7) {
        unsigned char byte = *in++;
        *length |= (uint64_t)(byte & 0x7F) << shift;
        if (!(byte & 0x80))
            return *length <= UINT32_MAX ? in : NULL;
    }
    return NULL;
}

/* A length of up to 4 bytes behind a literal's tag. */
static inline uint32_t long_length(const unsigned char *in, unsigned bytes)
{
    uint32_t length = 0;

    for (unsigned i = 0; i < bytes; i++)
        length |= (uint32_t)in[i] << (8 * i);
    return length;
}

/* Copies what lies `offset` back; source and target may overlap, which repeats a pattern. */
static inline unsigned char *copy_back(unsigned char *out, const unsigned char *out_end,
                                       size_t offset, size_t length)
{
    const unsigned char *from = out - offset;
    unsigned char *to = out;

    /* A copy is at most 64 bytes: whole blocks where there is room to write too much. */
    if (offset >= 16 && (size_t)(out_end - out) >= 80) {
        for (size_t i = 0; i < length; i += 16)
            memcpy(to + i, from + i, 16);
    } else if (offset >= 8 && (size_t)(out_end - out) >= 72) {
        for (size_t i = 0; i < length; i += 8)
            memcpy(to + i, from + i, 8);
    } else {
        for (size_t i = 0; i < length; i++)
            to[i] = from[i];
    }
    return out + length;
}

int msim_snappy_decode(const unsigned char *in, size_t in_length, unsigned char *out,
                       size_t out_length)
{
    const unsigned char *in_end = in + in_length;
    unsigned char *start = out;
    unsigned char *out_end = out + out_length;
    uint64_t promised;

    in = read_length(in, in_end, &promised);
    if (!in || promised != out_length)
        return MSIM_ERR_FORMAT;

    while (in < in_end) {
        unsigned tag = *in++;
        size_t in_left = (size_t)(in_end - in);
        size_t length, offset;
        if ((tag & 3) == 0) {
            length = (tag >> 2) + 1;
            if (length <= 16 && in_left >= 16 && (size_t)(out_end - out) >= 16) {
                memcpy(out, in, 16);
                in += length;
                out += length;
                continue;
            }
            if (length > 60) {
                unsigned bytes = (unsigned)length - 60;
                if (in_left < bytes)
                    return MSIM_ERR_FORMAT;
                length = (size_t)long_length(in, bytes) + 1;
                in += bytes;
                in_left -= bytes;
            }
            if (length > in_left || length > (size_t)(out_end - out))
                return MSIM_ERR_FORMAT;
            memcpy(out, in, length);
            in += length;
            out += length;
            continue;
        }
        unsigned more = (tag & 3) == 3 ? 4 : tag & 3;
        if (in_left < more)
            return MSIM_ERR_FORMAT;
        if (more == 1) {
            length = (tag >> 2 & 7) + 4;
            offset = (size_t)(tag >> 5) << 8 | in[0];
        } else {
            length = (tag >> 2) + 1;
            offset = long_length(in, more);
        }
        in += more;
        if (offset == 0 || offset > (size_t)(out - start) || length > (size_t)(out_end - out))
            return MSIM_ERR_FORMAT;
        out = copy_back(out, out_end, offset, length);
    }
    return out == out_end ? MSIM_OK : MSIM_ERR_FORMAT;
}
