/*
 * Random numbers that are a function of (seed, name, number), not of a sequence.
 *
 * Philox4x32-10 (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3",
 * SC 2011) as a pure function of a counter and a key.  Each user of randomness
 * keys a stream with its own name, so that one more user shifts nobody else.
 */
#ifndef MSIM_BASE_RANDOM_H
#define MSIM_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct msim_philox_block {
    uint32_t word[4];
};

struct msim_philox_block msim_philox(struct msim_philox_block counter, uint32_t key0,
                                     uint32_t key1);

/* The finaliser of SplitMix64. */
static inline uint64_t msim_mix64(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* What msim_mix64 made the number of: its steps backwards, the multipliers inverted modulo 2^64. */
static inline uint64_t msim_unmix64(uint64_t z)
{
    z = (z ^ (z >> 31) ^ (z >> 62)) * UINT64_C(0x319642b2d24d8ec3);
    z = (z ^ (z >> 27) ^ (z >> 54)) * UINT64_C(0x96de1b173f119089);
    return z ^ (z >> 30) ^ (z >> 60);
}

/* FNV-1a of 64 bits; `msim_fnv_more` goes on from an earlier hash. */
#define MSIM_FNV_START UINT64_C(0xcbf29ce484222325)
uint64_t msim_fnv(const void *bytes, size_t length);
uint64_t msim_fnv_more(uint64_t hash, const void *bytes, size_t length);

/* A stream's key: mix64(fnv(name) ^ mix64(seed + 0x9E3779B97F4A7C15)). */
uint64_t msim_random_key(uint64_t seed, const char *name, size_t length);

/* The first 64 bits of block (n, purpose, sub) of a stream. */
uint64_t msim_random_at(uint64_t key, uint64_t n, uint32_t purpose, uint32_t sub);

/* lo + floor(u * (hi - lo + 1) / 2^64): a number of lo..hi, both included. */
int64_t msim_random_range(uint64_t u, int64_t lo, int64_t hi);

#endif
