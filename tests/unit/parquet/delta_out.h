/*
 * DELTA_BINARY_PACKED as the format's page writes it, bit by bit: the naive half of
 * the decoder's tests.
 */
#ifndef TESTS_PARQUET_DELTA_OUT_H
#define TESTS_PARQUET_DELTA_OUT_H

#include "made.h"

static inline void put_varint(struct made *out, uint64_t value)
{
    do {
        unsigned char byte = (unsigned char)(value & 0x7F);
        value >>= 7;
        byte |= value > 0 ? 0x80 : 0;
        made_put(out, &byte, 1);
    } while (value > 0);
}

static inline void put_zigzag(struct made *out, uint64_t value)
{
    put_varint(out, value << 1 ^ (0 - (value >> 63)));
}

static inline unsigned bits_of(uint64_t value)
{
    unsigned bits = 0;

    for (; value > 0; value >>= 1)
        bits++;
    return bits;
}

static inline void put_bits(struct made *out, const uint64_t *numbers, size_t count, unsigned width)
{
    unsigned char byte = 0;
    unsigned filled = 0;

    for (size_t i = 0; i < count; i++) {
        for (unsigned bit = 0; bit < width; bit++) {
            byte |= (unsigned char)((numbers[i] >> bit & 1) << filled);
            if (++filled == 8) {
                made_put(out, &byte, 1);
                byte = 0;
                filled = 0;
            }
        }
    }
}

/* `count` numbers in blocks of `block`, each of `parts` parts; 64-bit arithmetic that wraps. */
static inline void put_delta(struct made *out, const int64_t *numbers, size_t count, size_t block,
                             size_t parts)
{
    size_t size = block / parts;
    uint64_t above[1024];

    assert_true(block <= COUNT(above));
    put_varint(out, block);
    put_varint(out, parts);
    put_varint(out, count);
    put_zigzag(out, count > 0 ? (uint64_t)numbers[0] : 0);
    for (size_t at = 1; at < count; at += block) {
        size_t given = count - at < block ? count - at : block;
        int64_t least = INT64_MAX;
        for (size_t i = 0; i < given; i++) {
            int64_t difference =
                (int64_t)((uint64_t)numbers[at + i] - (uint64_t)numbers[at + i - 1]);
            least = difference < least ? difference : least;
        }
        memset(above, 0, sizeof above);
        for (size_t i = 0; i < given; i++)
            above[i] = (uint64_t)numbers[at + i] - (uint64_t)numbers[at + i - 1] - (uint64_t)least;
        put_zigzag(out, (uint64_t)least);
        unsigned char widths[64] = {0};
        for (size_t part = 0; part < parts; part++)
            for (size_t i = 0; i < size; i++)
                if (bits_of(above[part * size + i]) > widths[part])
                    widths[part] = (unsigned char)bits_of(above[part * size + i]);
        made_put(out, widths, parts);
        for (size_t part = 0; part * size < given; part++)
            put_bits(out, above + part * size, size, widths[part]);
    }
}

#endif
