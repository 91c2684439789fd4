/*
 * Integer arithmetic that says when a result does not fit, and 128-bit helpers.
 */
#ifndef MSIM_BASE_NUMBER_H
#define MSIM_BASE_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

__extension__ typedef __int128 msim_int128;
__extension__ typedef unsigned __int128 msim_uint128;

static inline bool msim_add_check(int64_t a, int64_t b, int64_t *sum)
{
    return !__builtin_add_overflow(a, b, sum);
}

static inline bool msim_sub_check(int64_t a, int64_t b, int64_t *difference)
{
    return !__builtin_sub_overflow(a, b, difference);
}

static inline bool msim_mul_check(int64_t a, int64_t b, int64_t *product)
{
    return !__builtin_mul_overflow(a, b, product);
}

/* The upper half of a 128-bit product: floor(a * b / 2^64). */
static inline uint64_t msim_mul_high(uint64_t a, uint64_t b)
{
    return (uint64_t)(((msim_uint128)a * b) >> 64);
}

/* 10^power for 0..18. */
extern const int64_t msim_pow10[19];

#endif
