#include "base/random.h"

#include <assert.h>

#include "base/number.h"

struct msim_philox_block msim_philox(struct msim_philox_block counter, uint32_t key0, uint32_t key1)
{
    uint32_t c0 = counter.word[0];
    uint32_t c1 = counter.word[1];
    uint32_t c2 = counter.word[2];
    uint32_t c3 = counter.word[3];

    for (int round = 0; round < 10; round++) {
        uint64_t product0 = (uint64_t)0xD2511F53 * c0;
        uint64_t product1 = (uint64_t)0xCD9E8D57 * c2;

        c0 = (uint32_t)(product1 >> 32) ^ c1 ^ key0;
        c1 = (uint32_t)product1;
        c2 = (uint32_t)(product0 >> 32) ^ c3 ^ key1;
        c3 = (uint32_t)product0;
        key0 += 0x9E3779B9;
        key1 += 0xBB67AE85;
    }
    return (struct msim_philox_block){{c0, c1, c2, c3}};
}

uint64_t msim_fnv_more(uint64_t hash, const void *bytes, size_t length)
{
    const unsigned char *p = bytes;

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
    return hash;
}

uint64_t msim_fnv(const void *bytes, size_t length)
{
    return msim_fnv_more(MSIM_FNV_START, bytes, length);
}

uint64_t msim_random_key(uint64_t seed, const char *name, size_t length)
{
    return msim_mix64(msim_fnv(name, length) ^ msim_mix64(seed + UINT64_C(0x9E3779B97F4A7C15)));
}

uint64_t msim_random_at(uint64_t key, uint64_t n, uint32_t purpose, uint32_t sub)
{
    struct msim_philox_block counter = {{(uint32_t)n, (uint32_t)(n >> 32), purpose, sub}};
    struct msim_philox_block block = msim_philox(counter, (uint32_t)key, (uint32_t)(key >> 32));

    return block.word[0] | (uint64_t)block.word[1] << 32;
}

int64_t msim_random_range(uint64_t u, int64_t lo, int64_t hi)
{
    assert(lo <= hi);

    /* The whole range of int64 has 2^64 numbers, one more than uint64 holds. */
    msim_uint128 count = (msim_uint128)((uint64_t)hi - (uint64_t)lo) + 1;
    uint64_t step = (uint64_t)((count * u) >> 64);

    return (int64_t)((uint64_t)lo + step);
}
