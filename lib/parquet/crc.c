#include "parquet/crc.h"

#include "parquet/bits.h"

#define POLYNOMIAL 0xEDB88320U

void msim_crc_init(struct msim_crc *crc)
{
    uint32_t value = 1;

    /* Each bit on its own, and with it all that have lower bits of those known already. */
    crc->table[0][0] = 0;
    for (uint32_t bit = 128; bit > 0; bit /= 2) {
        value = value >> 1 ^ (value & 1 ? POLYNOMIAL : 0);
        for (uint32_t i = 0; i < 256; i += 2 * bit)
            crc->table[0][i + bit] = value ^ crc->table[0][i];
    }
    /* table[k][b]: the byte b with k zero bytes behind it. */
    for (int k = 1; k < 8; k++) {
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t before = crc->table[k - 1][i];
            crc->table[k][i] = before >> 8 ^ crc->table[0][before & 0xFF];
        }
    }
}

uint32_t msim_crc_more(const struct msim_crc *crc, uint32_t before, const unsigned char *bytes,
                       size_t length)
{
    uint32_t value = ~before;

    for (; length >= 8; bytes += 8, length -= 8) {
        uint32_t low = msim_load32(bytes) ^ value;
        uint32_t high = msim_load32(bytes + 4);
        value = crc->table[7][low & 0xFF] ^ crc->table[6][low >> 8 & 0xFF] ^
                crc->table[5][low >> 16 & 0xFF] ^ crc->table[4][low >> 24] ^
                crc->table[3][high & 0xFF] ^ crc->table[2][high >> 8 & 0xFF] ^
                crc->table[1][high >> 16 & 0xFF] ^ crc->table[0][high >> 24];
    }
    for (; length > 0; bytes++, length--)
        value = value >> 8 ^ crc->table[0][(value ^ *bytes) & 0xFF];
    return ~value;
}
