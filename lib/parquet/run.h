/*
 * A row group while it is replayed: its trades in the order of (time, row), a
 * batch at a time.
 *
 * Whether its rows are in order is found by a pass over its timestamps when it is
 * opened, not believed.  If they are, the other columns stream along in batches;
 * if not, the group is decoded whole and sorted.
 */
#ifndef MSIM_PARQUET_RUN_H
#define MSIM_PARQUET_RUN_H

#include <marketsim/base.h>

#include "parquet/dataset.h"
#include "parquet/values.h"

/* What the runs of one cursor share. */
struct run_context {
    const struct msim_parquet *parquet;
    struct msim_reader reader;
    struct msim_names names;
    msim_time from; /* earlier rows are left out */
    uint64_t bad_rows;
};

struct run {
    struct run_context *context;
    uint32_t rank;
    /* The batch: trade i of at..count stands at order[i], or at i where there is no order. */
    size_t at;
    size_t count;
    const uint32_t *order;
    const msim_time *times;
    uint64_t first_row; /* of the data set: the row at place 0 */
    int64_t *prices;
    int64_t *volumes;
    int8_t *price_exponents; /* where they vary, else NULL */
    int8_t *volume_exponents;
    int8_t price_exponent;
    int8_t volume_exponent;
    uint32_t *names;
    uint8_t *flags;
    /* How it comes about. */
    bool held;     /* all rows are here, sorted */
    uint64_t row;  /* the next to be decoded */
    uint64_t rows; /* of the group */
    size_t places; /* room in the arrays */
    size_t kept_count;
    msim_time *kept; /* all times of the group, or a batch's */
    bool kept_all;
    uint32_t *places_in_order;
    struct msim_column time_column; /* open where not all times are kept */
    struct msim_numbers price;
    struct msim_numbers volume;
    struct msim_name_column ticker;
};

/* Opens the row group and brings its first batch; it may have no trade at all. */
int msim_run_open(struct run **out, struct run_context *context, uint32_t rank,
                  struct msim_detail *detail);
void msim_run_close(struct run **run);

/* The next batch, once `at` has come to `count`: 1, or 0 where the group is drained. */
int msim_run_fill(struct run *run, struct msim_detail *detail);

static inline msim_time msim_run_time(const struct run *run)
{
    return run->times[run->order ? run->order[run->at] : run->at];
}

#endif
