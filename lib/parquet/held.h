/*
 * A row group that is not in order of time: decoded whole and sorted, once for all cursors that
 * are in it at the time.  Whichever of them is asked does the next piece of the work.
 *
 * Where other groups take turns with it, its trades lie in order, each in one piece.  Where it is
 * alone for most of its time, its columns stay as they are and the order stands beside them: the
 * rows of a file that is nearly in order are near their places, and need not be moved.
 */
#ifndef MSIM_PARQUET_HELD_H
#define MSIM_PARQUET_HELD_H

#include <marketsim/base.h>

#include "parquet/dataset.h"
#include "parquet/group.h"
#include "parquet/trade.h"

/*
 * What loading takes at most for each row, the trade itself too: time, flags, place, trade. Columns
 * take less than trades.
 */
#define MSIM_HELD_ROW_BYTES \
    (sizeof(msim_time) + sizeof(uint8_t) + sizeof(uint32_t) + sizeof(struct trade))

/* What is there once there is no loader: trades, or columns and their order. */
struct held {
    size_t users;
    size_t rows;  /* of the group */
    size_t count; /* of those the good ones */
    struct trade *trades;
    size_t places; /* that were taken for them */
    struct columns columns;
    msim_time *times;
    size_t time_bytes;
    uint32_t *order; /* of the good rows; NULL: there are trades */
    struct held_loader *loader;
};

/*
 * Joins those who load the group of this rank or have it, or begins.  `times` (may be NULL) are
 * those of all its rows, none of which is bad: they are taken over with the `bytes` of their
 * room, also on failure.
 */
int msim_held_join(struct held **out, struct msim_parquet *parquet, uint32_t rank, msim_time *times,
                   size_t bytes, struct msim_detail *detail);

/* 1 where it is whole, 0 where `*work` has been done and there is more to do. */
int msim_held_work(struct held *held, struct msim_parquet *parquet, uint32_t rank, int64_t *work,
                   struct msim_detail *detail);

/* NULL is left alone. */
void msim_held_leave(struct held **held, struct msim_parquet *parquet, uint32_t rank);

#endif
