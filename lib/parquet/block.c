#include "parquet/block.h"

#include <assert.h>
#include <stddef.h>

/* Where the head's fields stand: checksum, length, count, and each column's base and width. */
#define AT_CHECKSUM 0
#define AT_LENGTH 8
#define AT_COUNT 12
#define AT_BASES 16
#define AT_WIDTHS 64

#define COLUMNS 6
#define FACTOR UINT64_C(0x9E3779B97F4A7C15)

/* Four lanes, so that a product need not wait for the one before it. */
static uint64_t checksum(const unsigned char *bytes, size_t length)
{
    uint64_t lanes[4] = {length, FACTOR, ~FACTOR, ~(uint64_t)length};
    uint64_t sum = 0;

    for (; length >= 32; bytes += 32, length -= 32) {
        for (size_t i = 0; i < 4; i++) {
            uint64_t mixed = (lanes[i] ^ msim_load64(bytes + i * 8)) * FACTOR;
            lanes[i] = mixed ^ mixed >> 29;
        }
    }
    for (; length > 0; bytes++, length--)
        lanes[0] = (lanes[0] ^ *bytes) * FACTOR;
    for (size_t i = 0; i < 4; i++) {
        sum = (sum ^ lanes[i]) * FACTOR;
        sum ^= sum >> 32;
    }
    return sum;
}

static inline uint64_t meta_of(const struct trade *trade)
{
    return (uint64_t)trade->flags | (uint64_t)(uint8_t)trade->price_exponent << 8 |
           (uint64_t)(uint8_t)trade->quantity_exponent << 16;
}

/* Column `column` of a trade, so that smaller numbers are smaller as unsigned ones too. */
static inline __attribute__((always_inline)) uint64_t number_of(const struct trade *trade,
                                                                int column)
{
    const uint64_t turn = UINT64_C(1) << 63;

    switch (column) {
    case 0:
        return (uint64_t)trade->time ^ turn;
    case 1:
        return trade->row;
    case 2:
        return (uint64_t)trade->price ^ turn;
    case 3:
        return (uint64_t)trade->quantity ^ turn;
    case 4:
        return trade->name;
    default:
        return meta_of(trade);
    }
}

static inline __attribute__((always_inline)) void set_number(struct trade *trade, int column,
                                                             uint64_t number)
{
    const uint64_t turn = UINT64_C(1) << 63;

    switch (column) {
    case 0:
        trade->time = (int64_t)(number ^ turn);
        break;
    case 1:
        trade->row = number;
        break;
    case 2:
        trade->price = (int64_t)(number ^ turn);
        break;
    case 3:
        trade->quantity = (int64_t)(number ^ turn);
        break;
    case 4:
        trade->name = (uint32_t)number;
        break;
    default:
        trade->flags = (uint8_t)number;
        trade->price_exponent = (int8_t)(uint8_t)(number >> 8);
        trade->quantity_exponent = (int8_t)(uint8_t)(number >> 16);
        trade->unused = 0;
    }
}

static inline __attribute__((always_inline)) unsigned char *put_column(
    const struct trade *trades, size_t count, unsigned char *head, unsigned char *out, int column)
{
    uint64_t least = UINT64_MAX;
    uint64_t most = 0;

    for (size_t i = 0; i < count; i++) {
        uint64_t number = number_of(&trades[i], column);
        least = number < least ? number : least;
        most = number > most ? number : most;
    }
    unsigned bits = most > least ? 64 - (unsigned)__builtin_clzll(most - least) : 0;
    unsigned width = (bits + 7) / 8;
    msim_store64(head + AT_BASES + column * 8, least);
    head[AT_WIDTHS + column] = (unsigned char)width;
    if (width == 0)
        return out;
    /* Each number's upper bytes are written over by the next one. */
    for (size_t i = 0; i < count; i++, out += width)
        msim_store64(out, number_of(&trades[i], column) - least);
    return out;
}

static inline __attribute__((always_inline)) const unsigned char *take_column(
    struct trade *trades, size_t count, const unsigned char *head, const unsigned char *in,
    int column)
{
    uint64_t least = msim_load64(head + AT_BASES + column * 8);
    unsigned width = head[AT_WIDTHS + column];

    if (width == 0) {
        for (size_t i = 0; i < count; i++)
            set_number(&trades[i], column, least);
        return in;
    }
    uint64_t mask = UINT64_MAX >> (64 - width * 8);
    for (size_t i = 0; i < count; i++, in += width)
        set_number(&trades[i], column, least + (msim_load64(in) & mask));
    return in;
}

size_t msim_block_encode(const struct trade *trades, size_t count, unsigned char *out)
{
    unsigned char *at = out + MSIM_BLOCK_HEAD;

    assert(count > 0 && count <= MSIM_BLOCK_TRADES);
    msim_store64(out + AT_WIDTHS, 0);
    at = put_column(trades, count, out, at, 0);
    at = put_column(trades, count, out, at, 1);
    at = put_column(trades, count, out, at, 2);
    at = put_column(trades, count, out, at, 3);
    at = put_column(trades, count, out, at, 4);
    at = put_column(trades, count, out, at, 5);
    size_t length = (size_t)(at - out);
    msim_store32(out + AT_LENGTH, (uint32_t)length);
    msim_store32(out + AT_COUNT, (uint32_t)count);
    msim_store64(out + AT_CHECKSUM, checksum(out + AT_LENGTH, length - AT_LENGTH));
    return length;
}

size_t msim_block_length(const unsigned char *head)
{
    size_t count = msim_load32(head + AT_COUNT);
    size_t each = 0;

    if (count == 0 || count > MSIM_BLOCK_TRADES)
        return 0;
    for (size_t i = 0; i < COLUMNS; i++) {
        if (head[AT_WIDTHS + i] > 8)
            return 0;
        each += head[AT_WIDTHS + i];
    }
    size_t length = MSIM_BLOCK_HEAD + count * each;
    return length == msim_load32(head + AT_LENGTH) && length <= MSIM_BLOCK_BYTES ? length : 0;
}

size_t msim_block_decode(const unsigned char *block, struct trade *trades)
{
    size_t length = msim_block_length(block);
    size_t count = msim_load32(block + AT_COUNT);
    const unsigned char *at = block + MSIM_BLOCK_HEAD;

    if (length == 0 ||
        msim_load64(block + AT_CHECKSUM) != checksum(block + AT_LENGTH, length - AT_LENGTH))
        return 0;
    at = take_column(trades, count, block, at, 0);
    at = take_column(trades, count, block, at, 1);
    at = take_column(trades, count, block, at, 2);
    at = take_column(trades, count, block, at, 3);
    at = take_column(trades, count, block, at, 4);
    take_column(trades, count, block, at, 5);
    return count;
}
