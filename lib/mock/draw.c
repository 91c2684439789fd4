/*
 * Philox4x32-10 (base/random.h) of several counters at once: the inner loops are what compilers
 * make vector instructions of.  tests/unit/mock holds it to the plain function.
 */
#include "mock/draw.h"

#define N MSIM_MOCK_DRAWS

struct counters {
    uint32_t c0[N];
    uint32_t c1[N];
    uint32_t c2[N];
    uint32_t c3[N];
};

static void turn(struct counters *c, uint32_t key0, uint32_t key1)
{
    for (int i = 0; i < N; i++) {
        uint64_t product0 = (uint64_t)0xD2511F53 * c->c0[i];
        uint64_t product1 = (uint64_t)0xCD9E8D57 * c->c2[i];
        uint32_t c0 = (uint32_t)(product1 >> 32) ^ c->c1[i] ^ key0;
        uint32_t c2 = (uint32_t)(product0 >> 32) ^ c->c3[i] ^ key1;

        c->c0[i] = c0;
        c->c1[i] = (uint32_t)product1;
        c->c2[i] = c2;
        c->c3[i] = (uint32_t)product0;
    }
}

void msim_mock_draws(uint64_t key, uint64_t first, uint32_t purpose, uint64_t one[MSIM_MOCK_DRAWS],
                     uint64_t two[MSIM_MOCK_DRAWS])
{
    struct counters c;
    uint32_t key0 = (uint32_t)key;
    uint32_t key1 = (uint32_t)(key >> 32);

    for (uint32_t i = 0; i < N; i++) {
        c.c0[i] = (uint32_t)(first + i);
        c.c1[i] = (uint32_t)((first + i) >> 32);
        c.c2[i] = purpose;
        c.c3[i] = 0;
    }
    for (int round = 0; round < 10; round++) {
        turn(&c, key0, key1);
        key0 += 0x9E3779B9;
        key1 += 0xBB67AE85;
    }
    for (int i = 0; i < N; i++) {
        one[i] = c.c0[i] | (uint64_t)c.c1[i] << 32;
        two[i] = c.c2[i] | (uint64_t)c.c3[i] << 32;
    }
}
