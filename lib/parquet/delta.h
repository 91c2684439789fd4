/*
 * DELTA_BINARY_PACKED: a first number, then the differences, in blocks that each
 * have a least difference and small numbers packed above it.
 *
 * Sums wrap as the format says, so that 32-bit numbers are the low halves of what
 * comes out.  The bytes must have MSIM_PARQUET_PADDING readable ones behind them.
 */
#ifndef MSIM_PARQUET_DELTA_H
#define MSIM_PARQUET_DELTA_H

#include <marketsim/base.h>

struct msim_delta {
    const unsigned char *at;
    const unsigned char *end;
    uint64_t left; /* numbers not yet given */
    uint64_t last; /* the number before the next one; at first the next one itself */
    bool begun;
    uint64_t least; /* difference of the block */
    const unsigned char *widths;
    uint32_t parts;      /* of a block */
    uint32_t part_size;  /* numbers in one */
    uint32_t parts_left; /* of the block at hand */
    uint32_t part_left;  /* numbers of the part at hand */
    unsigned width;      /* of them */
    uint64_t bit;        /* behind `at`, of the next of them */
};

/* MSIM_ERR_FORMAT for a head that cannot be. */
int msim_delta_init(struct msim_delta *delta, const unsigned char *bytes, size_t length);

/* Exactly `count` numbers; MSIM_ERR_FORMAT where there are fewer or a block is damaged. */
int msim_delta_read(struct msim_delta *delta, int64_t *out, size_t count);

/* Where the bytes behind all numbers begin; nothing may have been read. */
int msim_delta_end(const struct msim_delta *delta, const unsigned char **end);

#endif
