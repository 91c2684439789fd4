/*
 * Ids on the wire.
 *
 * A Feistel network of four rounds over the 122 bits that a UUID of version 4 leaves free.  A
 * number fills 64 of them; the others are zero before the rounds, so that a text that no
 * number has is known for one.
 */
#include <string.h>

#include <marketsim/record.h>

#include "base/random.h"

#define HALF_BITS 61
#define HALF ((UINT64_C(1) << HALF_BITS) - 1)
#define ROUNDS 4

static uint64_t round_of(uint64_t key, unsigned round, uint64_t half)
{
    return msim_mix64(half + key + (round + 1) * UINT64_C(0x9E3779B97F4A7C15)) >> (64 - HALF_BITS);
}

uint64_t msim_id_key(uint64_t seed, const char *kind)
{
    return msim_random_key(seed, kind, strlen(kind));
}

/* Eight digits, a byte for each four bits: the highest stands lowest. */
static uint64_t hex_of(uint64_t value)
{
    uint64_t x = (value & 0xffff) << 32 | (value >> 16 & 0xffff);

    x = (x & UINT64_C(0x000000ff000000ff)) << 16 | (x & UINT64_C(0x0000ff000000ff00)) >> 8;
    x = (x & UINT64_C(0x000f000f000f000f)) << 8 | (x & UINT64_C(0x00f000f000f000f0)) >> 4;
    const uint64_t letters = (x + UINT64_C(0x0606060606060606)) >> 4 & UINT64_C(0x0101010101010101);
    return x + UINT64_C(0x3030303030303030) + letters * ('a' - '0' - 10);
}

/* The first four of eight digits. */
static void put_four(char *out, uint32_t digits)
{
    for (int i = 0; i < 4; i++)
        out[i] = (char)(digits >> 8 * i & 0xff);
}

static void put_eight(char *out, uint64_t digits)
{
    put_four(out, (uint32_t)digits);
    put_four(out + 4, (uint32_t)(digits >> 32));
}

void msim_id_print(uint64_t key, uint64_t number, char out[MSIM_ID_SIZE])
{
    uint64_t left = number >> HALF_BITS;
    uint64_t right = number & HALF;

    for (unsigned i = 0; i < ROUNDS; i++) {
        const uint64_t next = left ^ round_of(key, i, right);
        left = right;
        right = next;
    }
    const uint64_t high = left >> 1; /* 60 bits: 48, and 12 behind the version */
    const uint64_t low = (left & 1) << HALF_BITS | right; /* 62 bits behind the variant */
    const uint64_t middle = hex_of((high >> 12 & 0xffff) << 16 | 4 << 12 | (high & 0xfff));
    const uint64_t end = hex_of(UINT64_C(2) << 30 | low >> 32);

    put_eight(out, hex_of(high >> 28));
    out[8] = '-';
    put_four(out + 9, (uint32_t)middle);
    out[13] = '-';
    put_four(out + 14, (uint32_t)(middle >> 32));
    out[18] = '-';
    put_four(out + 19, (uint32_t)end);
    out[23] = '-';
    put_four(out + 24, (uint32_t)(end >> 32));
    put_eight(out + 28, hex_of(low));
    out[36] = '\0';
}

/* 0..15, or 16 for no digit. */
static unsigned digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (unsigned)(c - 'a') + 10;
    return c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10 : 16;
}

/* The 128 bits of the text. */
static int read_hex(const char *text, size_t length, uint64_t half[2])
{
    unsigned digits = 0;

    if (length != MSIM_ID_SIZE - 1)
        return MSIM_ERR_INVALID;
    for (size_t i = 0; i < length; i++) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (text[i] != '-')
                return MSIM_ERR_INVALID;
            continue;
        }
        const unsigned digit = digit_of(text[i]);
        if (digit > 15)
            return MSIM_ERR_INVALID;
        half[digits / 16] = half[digits / 16] << 4 | digit;
        digits++;
    }
    return MSIM_OK;
}

int msim_id_parse(uint64_t key, const char *text, size_t length, uint64_t *number)
{
    uint64_t half[2] = {0, 0};

    if (!text || !number || read_hex(text, length, half) < 0)
        return MSIM_ERR_INVALID;
    if ((half[0] >> 12 & 15) != 4 || half[1] >> 62 != 2)
        return MSIM_ERR_INVALID;
    const uint64_t high = half[0] >> 16 << 12 | (half[0] & 0xfff);
    const uint64_t low = half[1] & (HALF << 1 | 1);
    uint64_t left = high << 1 | low >> HALF_BITS;
    uint64_t right = low & HALF;
    for (unsigned i = ROUNDS; i > 0; i--) {
        const uint64_t before = right ^ round_of(key, i - 1, left);
        right = left;
        left = before;
    }
    if (left >> (64 - HALF_BITS))
        return MSIM_ERR_NOT_FOUND;
    *number = left << HALF_BITS | right;
    return MSIM_OK;
}
