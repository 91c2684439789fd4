#include "parquet/delta.h"

#include "parquet/bits.h"

/* More than any writer makes; keeps products small. */
#define BLOCK_LIMIT (UINT32_C(1) << 24)

static int read_varint(const unsigned char **at, const unsigned char *end, uint64_t *out)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (*at == end)
            return MSIM_ERR_FORMAT;
        unsigned char byte = *(*at)++;
        if (shift == 63 && byte > 1)
            return MSIM_ERR_FORMAT;
        value |= (uint64_t)(byte & 0x7F) << shift;
        if (!(byte & 0x80)) {
            *out = value;
            return MSIM_OK;
        }
    }
    return MSIM_ERR_FORMAT;
}

/* Zigzag: 0, -1, 1, -2, ... as two's complement. */
static int read_signed(const unsigned char **at, const unsigned char *end, uint64_t *out)
{
    uint64_t value = 0;

    int r = read_varint(at, end, &value);
    *out = value >> 1 ^ (0 - (value & 1));
    return r;
}

int msim_delta_init(struct msim_delta *delta, const unsigned char *bytes, size_t length)
{
    uint64_t block = 0;
    uint64_t parts = 0;

    *delta = (struct msim_delta){.at = bytes, .end = bytes + length};
    if (read_varint(&delta->at, delta->end, &block) < 0 ||
        read_varint(&delta->at, delta->end, &parts) < 0 ||
        read_varint(&delta->at, delta->end, &delta->left) < 0 ||
        read_signed(&delta->at, delta->end, &delta->last) < 0)
        return MSIM_ERR_FORMAT;
    if (block == 0 || block > BLOCK_LIMIT || parts == 0 || parts > block || block % parts != 0 ||
        block / parts % 8 != 0 || delta->left > INT32_MAX)
        return MSIM_ERR_FORMAT;
    delta->parts = (uint32_t)parts;
    delta->part_size = (uint32_t)(block / parts);
    return MSIM_OK;
}

/* The next part's width is known and its numbers are there; `numbers` are still wanted of all. */
static int next_part(struct msim_delta *delta, uint64_t numbers)
{
    if (delta->parts_left == 0) {
        if (read_signed(&delta->at, delta->end, &delta->least) < 0 ||
            delta->parts > (size_t)(delta->end - delta->at))
            return MSIM_ERR_FORMAT;
        delta->widths = delta->at;
        delta->at += delta->parts;
        delta->parts_left = delta->parts;
    }
    delta->width = delta->widths[delta->parts - delta->parts_left--];
    if (delta->width > 64)
        return MSIM_ERR_FORMAT;

    /* The last part of all may be cut behind its last number. */
    uint64_t wanted = numbers < delta->part_size ? numbers : delta->part_size;
    if ((wanted * delta->width + 7) / 8 > (size_t)(delta->end - delta->at))
        return MSIM_ERR_FORMAT;
    delta->part_left = delta->part_size;
    delta->bit = 0;
    return MSIM_OK;
}

static void leave_part(struct msim_delta *delta)
{
    size_t bytes = (size_t)delta->part_size / 8 * delta->width;
    size_t left = (size_t)(delta->end - delta->at);

    delta->at += bytes < left ? bytes : left;
}

/* `count` numbers of the part at hand. */
static void unpack(struct msim_delta *delta, int64_t *out, size_t count)
{
    const unsigned char *at = delta->at;
    unsigned width = delta->width;
    uint64_t bit = delta->bit;
    uint64_t last = delta->last;
    uint64_t least = delta->least;

    if (width == 0) {
        for (size_t i = 0; i < count; i++)
            out[i] = (int64_t)(last += least);
    } else if (width <= 56) {
        uint64_t mask = (UINT64_C(1) << width) - 1;
        for (size_t i = 0; i < count; i++, bit += width)
            out[i] = (int64_t)(last += least + (msim_load64(at + bit / 8) >> bit % 8 & mask));
    } else {
        uint64_t mask = UINT64_MAX >> (64 - width);
        for (size_t i = 0; i < count; i++, bit += width) {
            uint64_t low = msim_load64(at + bit / 8) >> bit % 8;
            uint64_t high = bit % 8 > 0 ? (uint64_t)at[bit / 8 + 8] << (64 - bit % 8) : 0;
            out[i] = (int64_t)(last += least + ((low | high) & mask));
        }
    }
    delta->bit = bit;
    delta->last = last;
}

int msim_delta_read(struct msim_delta *delta, int64_t *out, size_t count)
{
    if (count > delta->left)
        return MSIM_ERR_FORMAT;
    if (count > 0 && !delta->begun) {
        delta->begun = true;
        *out++ = (int64_t)delta->last;
        count--;
        delta->left--;
    }
    while (count > 0) {
        if (delta->part_left == 0) {
            int r = next_part(delta, delta->left);
            if (r < 0)
                return r;
        }
        size_t given = count < delta->part_left ? count : delta->part_left;
        unpack(delta, out, given);
        out += given;
        count -= given;
        delta->left -= given;
        delta->part_left -= (uint32_t)given;
        if (delta->part_left == 0)
            leave_part(delta);
    }
    return MSIM_OK;
}

int msim_delta_end(const struct msim_delta *delta, const unsigned char **end)
{
    struct msim_delta walk = *delta;
    uint64_t left = walk.left > 0 ? walk.left - 1 : 0;

    while (left > 0) {
        int r = next_part(&walk, left);
        if (r < 0)
            return r;
        leave_part(&walk);
        left -= left < walk.part_size ? left : walk.part_size;
    }
    *end = walk.at;
    return MSIM_OK;
}
