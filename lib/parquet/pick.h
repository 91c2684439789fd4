/*
 * What a dictionary's indexes stand for, eight at a time.
 *
 * One look-up is so short that a loop of single ones costs its branch as well, and twice as much
 * where that branch happens to cross a cache line.
 */
#ifndef MSIM_PARQUET_PICK_H
#define MSIM_PARQUET_PICK_H

#include <stddef.h>
#include <stdint.h>

#define MSIM_PICK_ROWS 8

static inline void msim_pick64(int64_t *restrict to, const int64_t *restrict entries,
                               const uint32_t *restrict indexes, size_t count)
{
    size_t i = 0;

    for (; i + MSIM_PICK_ROWS <= count; i += MSIM_PICK_ROWS)
        for (size_t k = 0; k < MSIM_PICK_ROWS; k++)
            to[i + k] = entries[indexes[i + k]];
    for (; i < count; i++)
        to[i] = entries[indexes[i]];
}

static inline void msim_pick32(uint32_t *restrict to, const uint32_t *restrict entries,
                               const uint32_t *restrict indexes, size_t count)
{
    size_t i = 0;

    for (; i + MSIM_PICK_ROWS <= count; i += MSIM_PICK_ROWS)
        for (size_t k = 0; k < MSIM_PICK_ROWS; k++)
            to[i + k] = entries[indexes[i + k]];
    for (; i < count; i++)
        to[i] = entries[indexes[i]];
}

#endif
