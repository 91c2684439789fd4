/*
 * CRC-32C (Castagnoli, reflected): what a batch bears.
 */
#ifndef MSIM_JOURNAL_CRC32C_H
#define MSIM_JOURNAL_CRC32C_H

#include <stddef.h>
#include <stdint.h>

struct msim_crc32c {
    uint32_t table[8][256];
};

/* Fills in the tables. */
void msim_crc32c_init(struct msim_crc32c *crc);

uint32_t msim_crc32c_of(const struct msim_crc32c *crc, const unsigned char *bytes, size_t length);

/* The same without tables, for whoever checks one batch now and then. */
uint32_t msim_crc32c_plain(const unsigned char *bytes, size_t length);

#endif
