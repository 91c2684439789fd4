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

uint32_t msim_crc_of(const struct msim_crc *crc, const unsigned char *bytes, size_t length);

#endif
