/*
 * Little-endian numbers out of bytes, on any machine and at any alignment.
 */
#ifndef MSIM_PARQUET_BITS_H
#define MSIM_PARQUET_BITS_H

#include <stdint.h>
#include <string.h>

/*
 * Every buffer that decoders read from has this many bytes behind its end that
 * may be read (and mean nothing), so that a whole word can be loaded at the last
 * value.
 */
#define MSIM_PARQUET_PADDING 64

static inline uint32_t msim_load32(const unsigned char *bytes)
{
    uint32_t value;
    memcpy(&value, bytes, sizeof value);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap32(value);
#endif
    return value;
}

static inline uint64_t msim_load64(const unsigned char *bytes)
{
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap64(value);
#endif
    return value;
}

static inline void msim_store32(unsigned char *bytes, uint32_t value)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap32(value);
#endif
    memcpy(bytes, &value, sizeof value);
}

static inline void msim_store64(unsigned char *bytes, uint64_t value)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap64(value);
#endif
    memcpy(bytes, &value, sizeof value);
}

#endif
