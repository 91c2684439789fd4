/*
 * A row group while it is replayed, or a sorted run of several: its trades in the order of
 * (time, row), a batch at a time.
 *
 * Whether a group's rows are in order is found by a pass over its timestamps when it is
 * opened, not believed.  If they are, the other columns stream along in batches; if not, the
 * group is decoded whole and sorted, once for all cursors (held.h).
 */
#ifndef MSIM_PARQUET_RUN_H
#define MSIM_PARQUET_RUN_H

#include <marketsim/base.h>

#include "parquet/dataset.h"
#include "parquet/group.h"
#include "parquet/held.h"
#include "parquet/rows.h"
#include "parquet/scan.h"
#include "parquet/spill.h"
#include "parquet/values.h"

/* Up to so many rows all times of a group are kept from the first pass; above, there are two. */
#define MSIM_RUN_KEPT_ROWS ((uint64_t)1 << 18)

/* What the runs of one cursor share. */
struct run_context {
    struct msim_parquet *parquet;
    struct msim_reader reader;
    msim_time from; /* earlier rows are left out */
    uint64_t bad_rows;
};

enum run_stage {
    RUN_SCANNING,
    RUN_LOADING,   /* with others perhaps */
    RUN_HELD,      /* trades or columns, all of them */
    RUN_STREAMING, /* columns, a batch at a time */
    RUN_SPILLING,  /* with others perhaps */
    RUN_SPILLED,   /* trades, a block at a time */
};

struct run {
    struct run_context *context;
    uint32_t rank;
    enum run_stage stage;
    /* What is at hand: at..count of the trades, or of the columns' rows. */
    size_t at;
    size_t count;
    const struct trade *trades; /* NULL: columns */
    struct columns columns;
    const msim_time *times; /* beside the columns, for each row */
    const uint32_t *order;  /* the rows that are given, in their order; NULL: all as they stand */
    uint64_t first_row;     /* of the data set: the columns' row 0 */
    size_t turn;            /* how many of them the window takes (window.h) */
    /* How it comes about. */
    struct msim_scanner scanner;
    struct held *held;
    struct spill *spill;
    struct spill *late; /* the same, where the plan has none for the group */
    struct spill_reader *spilled;
    struct group group;
    struct batch *batch;
    uint64_t row_count; /* of the group */
    msim_time *kept;    /* all times of the group, or a batch's */
    size_t kept_bytes;  /* its room */
    bool kept_all;
    struct msim_column time_column; /* open where not all times are kept */
    uint32_t *good;                 /* room for `order` */
};

/* Begins with the row group of this rank; msim_run_work goes on. */
int msim_run_open(struct run **out, struct run_context *context, uint32_t rank,
                  struct msim_detail *detail);

/* Begins with what is sorted in a spill. */
int msim_run_open_spill(struct run **out, struct run_context *context, struct spill *spill,
                        struct msim_detail *detail);
void msim_run_close(struct run **run);

/*
 * Works while `*work`, which counts down rows, is above zero: 1 where the first batch
 * is there (it may have no trade at all), 0 where there is more to do.
 */
int msim_run_work(struct run *run, int64_t *work, struct msim_detail *detail);

/*
 * The next batch, once `at` has come to `count`: 1, or 0 where the run is drained.  Batches whose
 * rows are all bad count down `*work`: MSIM_RUN_AGAIN where it is used up by them.
 */
#define MSIM_RUN_AGAIN 2
int msim_run_fill(struct run *run, int64_t *work, struct msim_detail *detail);

/* ---- what is at hand, where it lies in columns ---- */

/* The rows that are made into records in one go. */
#define MSIM_RUN_ROWS 256

/* Columns of rows that do not stand one after another, brought together. */
struct run_rows {
    msim_time times[MSIM_RUN_ROWS];
    int64_t prices[MSIM_RUN_ROWS];
    int64_t volumes[MSIM_RUN_ROWS];
    uint32_t names[MSIM_RUN_ROWS];
    uint8_t flags[MSIM_RUN_ROWS];
    int8_t price_exponents[MSIM_RUN_ROWS];
    int8_t volume_exponents[MSIM_RUN_ROWS];
};

/* How many of the next `most`, which is above zero, are not later than `until`. */
size_t msim_run_reached(const struct run *run, msim_time until, size_t most);

/*
 * The next `count` of them, at most MSIM_RUN_ROWS, but for their symbols and sequence; returns
 * their names.  They lie in the run or in `room`.
 */
const uint32_t *msim_run_rows(const struct run *run, size_t count, struct run_rows *room,
                              struct msim_rows *rows);

/* The time of the columns' row that is given as the one of this number. */
static inline msim_time msim_run_column_time(const struct run *run, size_t at)
{
    return run->times[run->order ? run->order[at] : at];
}

static inline msim_time msim_run_time_at(const struct run *run, size_t at)
{
    return run->trades ? run->trades[at].time : msim_run_column_time(run, at);
}

static inline msim_time msim_run_time(const struct run *run)
{
    return msim_run_time_at(run, run->at);
}

/* Whether there is nothing behind what is at hand. */
static inline bool msim_run_is_last(const struct run *run)
{
    return run->stage == RUN_HELD ||
           (run->stage == RUN_STREAMING && run->group.row == run->row_count);
}

/* The next trade's row among all. */
static inline uint64_t msim_run_row(const struct run *run)
{
    if (run->trades)
        return run->trades[run->at].row;
    return run->first_row + (run->order ? run->order[run->at] : run->at);
}

#endif
