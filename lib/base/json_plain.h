/*
 * Eight bytes of a JSON string at a time: shared by the reader and the writer.
 */
#ifndef MSIM_BASE_JSON_PLAIN_H
#define MSIM_BASE_JSON_PLAIN_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The highest bit of each byte that is not plain: a quote, a backslash, a control or not ASCII.
 * Bytes above such a one may have theirs as well.
 */
static inline uint64_t msim_json_special(uint64_t eight)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    const uint64_t highs = UINT64_C(0x8080808080808080);
    uint64_t quote = eight ^ (ones * '"');
    uint64_t slash = eight ^ (ones * '\\');

    return (eight | (eight - ones * 0x20) | (quote - ones) | (slash - ones)) & highs;
}

static inline bool msim_json_has_special(uint64_t eight)
{
    return msim_json_special(eight) != 0;
}

/* How many plain bytes stand before the first of these in memory; it may be less. */
static inline unsigned msim_json_first_special(uint64_t special)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return (unsigned)__builtin_ctzll(special) / 8;
#else
    (void)special;
    return 0;
#endif
}

#endif
