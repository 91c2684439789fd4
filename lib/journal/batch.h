/*
 * A batch as bytes, all numbers little-endian:
 *
 *     0  magic "MSB1"     4  CRC-32C of all behind it    8  length of all
 *    12  commands        16  writer    24  epoch        32  n
 *    40  the CRC of that writer's batch before          44  bytes of texts
 *    48  commands, 128 bytes each
 *        texts: the command's place (4), the length (1), so many bytes; by place
 */
#ifndef MSIM_JOURNAL_BATCH_H
#define MSIM_JOURNAL_BATCH_H

#include <marketsim/journal.h>

#include "journal/crc32c.h"

#define BATCH_MAGIC UINT32_C(0x3142534d)
#define BATCH_HEADER 48
#define BATCH_COMMAND 128
#define BATCH_TEXT 5

static inline uint32_t load_u32(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

static inline uint64_t load_u64(const unsigned char *bytes)
{
    return load_u32(bytes) | (uint64_t)load_u32(bytes + 4) << 32;
}

static inline void store_u32(unsigned char *bytes, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        bytes[i] = (unsigned char)(value >> (8 * i));
}

static inline void store_u64(unsigned char *bytes, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(value >> (8 * i));
}

/* msim_batch_read with tables at hand. */
int msim_batch_open(struct msim_batch *batch, const struct msim_crc32c *crc, const void *bytes,
                    size_t length, struct msim_detail *detail);

#endif
