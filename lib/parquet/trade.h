/*
 * A trade in one piece: what is sorted in memory and written to sorted runs.
 */
#ifndef MSIM_PARQUET_TRADE_H
#define MSIM_PARQUET_TRADE_H

#include <marketsim/base.h>

struct trade {
    msim_time time;
    int64_t price;
    int64_t quantity;
    uint64_t row;  /* among the rows of all files: decides between equal times */
    uint32_t name; /* of the data set's names */
    uint8_t flags;
    int8_t price_exponent;
    int8_t quantity_exponent;
    uint8_t unused; /* zero */
};
_Static_assert(sizeof(struct trade) == 40, "five words");

#endif
