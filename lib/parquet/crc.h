/*
 * CRC-32 as in gzip (IEEE 802.3, reflected): what pages may bear.
 */
#ifndef MSIM_PARQUET_CRC_H
#define MSIM_PARQUET_CRC_H

#include <marketsim/base.h>

struct msim_crc {
    uint32_t table[8][256];
};

/* Fills in the tables: once for each data set. */
void msim_crc_init(struct msim_crc *crc);

/* The sum of what had the sum `before` (0: nothing) and these bytes behind it. */
uint32_t msim_crc_more(const struct msim_crc *crc, uint32_t before, const unsigned char *bytes,
                       size_t length);

static inline uint32_t msim_crc_of(const struct msim_crc *crc, const unsigned char *bytes,
                                   size_t length)
{
    return msim_crc_more(crc, 0, bytes, length);
}

#endif
