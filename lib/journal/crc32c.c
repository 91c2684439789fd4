/*
 * CRC-32C, eight bytes at a time through eight tables.
 */
#include "journal/crc32c.h"

#define POLYNOMIAL UINT32_C(0x82F63B78)

static uint32_t step(uint32_t value)
{
    return value >> 1 ^ (POLYNOMIAL & (0 - (value & 1)));
}

void msim_crc32c_init(struct msim_crc32c *crc)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t value = i;
        for (int bit = 0; bit < 8; bit++)
            value = step(value);
        crc->table[0][i] = value;
    }
    for (int t = 1; t < 8; t++)
        for (uint32_t i = 0; i < 256; i++) {
            const uint32_t before = crc->table[t - 1][i];
            crc->table[t][i] = before >> 8 ^ crc->table[0][before & 255];
        }
}

static uint32_t load(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

uint32_t msim_crc32c_of(const struct msim_crc32c *crc, const unsigned char *bytes, size_t length)
{
    const uint32_t(*table)[256] = crc->table;
    uint32_t value = UINT32_MAX;

    for (; length >= 8; length -= 8, bytes += 8) {
        const uint32_t low = value ^ load(bytes);
        const uint32_t high = load(bytes + 4);
        value = table[7][low & 255] ^ table[6][low >> 8 & 255] ^ table[5][low >> 16 & 255] ^
                table[4][low >> 24] ^ table[3][high & 255] ^ table[2][high >> 8 & 255] ^
                table[1][high >> 16 & 255] ^ table[0][high >> 24];
    }
    for (; length > 0; length--, bytes++)
        value = value >> 8 ^ table[0][(value ^ *bytes) & 255];
    return ~value;
}

uint32_t msim_crc32c_plain(const unsigned char *bytes, size_t length)
{
    uint32_t value = UINT32_MAX;

    for (size_t i = 0; i < length; i++) {
        value ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            value = step(value);
    }
    return ~value;
}
