/*
 * Eight bytes of a JSON string at a time: shared by the reader and the writer.
 */
#ifndef MSIM_BASE_JSON_PLAIN_H
#define MSIM_BASE_JSON_PLAIN_H

#include <stdbool.h>
#include <stdint.h>

/* Some byte of the eight is not plain: a quote, a backslash, a control or not ASCII. */
static inline bool msim_json_has_special(uint64_t eight)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    const uint64_t highs = UINT64_C(0x8080808080808080);
    uint64_t quote = eight ^ (ones * '"');
    uint64_t slash = eight ^ (ones * '\\');

    return ((eight | (eight - ones * 0x20) | (quote - ones) | (slash - ones)) & highs) != 0;
}

#endif
