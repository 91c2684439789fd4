/*
 * Row groups that do not fit in memory together: sorted in pieces, which are written as runs of
 * blocks, and merged until there is one run.  It is made once and shared: every cursor reads it
 * through a block of its own.
 *
 * Whichever cursor is asked does the next piece of the work.
 */
#ifndef MSIM_PARQUET_SPILL_H
#define MSIM_PARQUET_SPILL_H

#include <marketsim/base.h>

#include "parquet/trade.h"

/* The most trades that are sorted at once: what one piece of the work takes at most. */
#define MSIM_SPILL_PIECE ((size_t)1 << 19)
/* Fewer are not worth a run: with less memory than they take, nothing is begun. */
#define MSIM_SPILL_PIECE_MIN ((size_t)1 << 12)
/* The most runs that are merged at once. */
#define MSIM_SPILL_FAN_IN 256

struct msim_parquet;
struct spill_work;
struct spill_reader;

/* A part of a file that holds sorted blocks. */
struct spill_run {
    uint64_t offset;
    uint64_t length;
};

/* The first trade of a block and where it stands: one of several blocks has a mark. */
struct spill_mark {
    msim_time time;
    uint64_t offset;
};

struct spill {
    size_t first; /* the entries of the plan that it stands for */
    size_t end;
    uint32_t *ranks; /* of its row groups, in their order */
    size_t rank_count;
    uint64_t rows;
    size_t users; /* of one that does not stand in the plan (late.h) */
    /* How it comes about, and the failure that ended that. */
    struct spill_work *work;
    bool is_ready;
    int failure;
    struct msim_detail detail;
    /* What has come of it. */
    uint64_t bad_rows;
    uint64_t written; /* bytes that were there at once, at most */
    void *file;
    struct spill_run run;
    struct spill_mark *marks;
    size_t mark_count;
    size_t mark_capacity;
};

void msim_spill_finish(struct spill *spill, struct msim_parquet *parquet);

/* 1 where it is sorted, 0 where `*work`, which counts down rows, is done and there is more. */
int msim_spill_work(struct spill *spill, struct msim_parquet *parquet, int64_t *work,
                    struct msim_detail *detail);

/* Of the sorted run: how many rows were left out. */
static inline uint64_t msim_spill_bad_rows(const struct spill *spill)
{
    return spill->bad_rows;
}

static inline uint32_t msim_spill_rank(const struct spill *spill)
{
    return spill->ranks[0];
}

/* The bytes that it may take on disk, before they are known: two passes are there together. */
uint64_t msim_spill_most(const struct spill *spill);

/* Opens the sorted run at the first trade at or after `from`. */
int msim_spill_read(struct spill_reader **out, const struct spill *spill,
                    struct msim_parquet *parquet, msim_time from, struct msim_detail *detail);

/* The next block: 1, or 0 at the end. */
int msim_spill_next(struct spill_reader *reader, struct msim_detail *detail);

/* The block at hand: trades at..count are to be given.  Borrowed until the next one. */
const struct trade *msim_spill_trades(const struct spill_reader *reader, size_t *at, size_t *count);

/* NULL is left alone. */
void msim_spill_leave(struct spill_reader **reader);

#endif
