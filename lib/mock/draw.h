/*
 * Random bits by name: block (number, purpose, sub) of a symbol's own key.
 */
#ifndef MSIM_MOCK_DRAW_H
#define MSIM_MOCK_DRAW_H

#include "base/random.h"

/* Written down once and for all: another number is another market. */
enum msim_mock_purpose {
    MSIM_MOCK_DRAW_EVENT = 1,   /* by event */
    MSIM_MOCK_DRAW_ARRIVAL = 2, /* by event */
    MSIM_MOCK_DRAW_CELL = 3,    /* by cell of the correlation's grid */
    MSIM_MOCK_DRAW_JUMP = 4,    /* by event; sub: part of the step */
    MSIM_MOCK_DRAW_GARCH = 5,   /* by step of the recursion */
    MSIM_MOCK_DRAW_TURN = 6,    /* by turn of the trend */
    MSIM_MOCK_DRAW_USER = 7,    /* by event */
    MSIM_MOCK_DRAW_START = 8,
};

struct msim_mock_bits {
    uint64_t first;
    uint64_t second;
};

static inline struct msim_mock_bits msim_mock_draw(uint64_t key, uint64_t number, uint32_t purpose,
                                                   uint32_t sub)
{
    struct msim_philox_block counter = {{(uint32_t)number, (uint32_t)(number >> 32), purpose, sub}};
    struct msim_philox_block block = msim_philox(counter, (uint32_t)key, (uint32_t)(key >> 32));

    return (struct msim_mock_bits){
        block.word[0] | (uint64_t)block.word[1] << 32,
        block.word[2] | (uint64_t)block.word[3] << 32,
    };
}

/* The blocks of `first` and the numbers behind it, so many at once, with sub 0. */
#define MSIM_MOCK_DRAWS 8
void msim_mock_draws(uint64_t key, uint64_t first, uint32_t purpose, uint64_t one[MSIM_MOCK_DRAWS],
                     uint64_t two[MSIM_MOCK_DRAWS]);

#endif
