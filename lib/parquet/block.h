/*
 * Trades as the bytes of a sorted run: blocks, each with a checksum.
 *
 * In a block every column is as many bytes wide as its largest distance from its smallest number.
 * The bytes are read by the process that wrote them, and by no other.
 */
#ifndef MSIM_PARQUET_BLOCK_H
#define MSIM_PARQUET_BLOCK_H

#include <marketsim/base.h>

#include "parquet/bits.h"
#include "parquet/trade.h"

/* The most trades of a block. */
#define MSIM_BLOCK_TRADES 1024
#define MSIM_BLOCK_HEAD 72
/* The most bytes of a block, and what may be written behind its end. */
#define MSIM_BLOCK_BYTES (MSIM_BLOCK_HEAD + MSIM_BLOCK_TRADES * sizeof(struct trade))
#define MSIM_BLOCK_ROOM (MSIM_BLOCK_BYTES + MSIM_PARQUET_PADDING)

/* 1..MSIM_BLOCK_TRADES trades into `out`, which has MSIM_BLOCK_ROOM; their length. */
size_t msim_block_encode(const struct trade *trades, size_t count, unsigned char *out);

/* The length of the block whose first MSIM_BLOCK_HEAD bytes are `head`; 0: damaged. */
size_t msim_block_length(const unsigned char *head);

/*
 * A whole block, with MSIM_PARQUET_PADDING readable bytes behind it, into room for
 * MSIM_BLOCK_TRADES: their number; 0: damaged.
 */
size_t msim_block_decode(const unsigned char *block, struct trade *trades);

#endif
