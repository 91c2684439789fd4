/*
 * A row group while it is replayed: its trades in the order of (time, row), a
 * batch at a time.
 *
 * Whether its rows are in order is found by a pass over its timestamps when it is
 * opened, not believed.  If they are, the other columns stream along in batches;
 * if not, the group is decoded whole and sorted, once for all cursors that are in
 * it at the time: whichever of them is asked does the next piece of the work.
 */
#ifndef MSIM_PARQUET_RUN_H
#define MSIM_PARQUET_RUN_H

#include <marketsim/base.h>

#include "parquet/dataset.h"
#include "parquet/scan.h"
#include "parquet/values.h"

/* What the runs of one cursor share. */
struct run_context {
    struct msim_parquet *parquet;
    struct msim_reader reader;
    msim_time from; /* earlier rows are left out */
    uint64_t bad_rows;
};

/* Columns of trades as arrays: a batch, or a whole group with its order. */
struct run_rows {
    size_t users; /* runs that read from it */
    size_t places;
    msim_time *times; /* of a whole group */
    int64_t *prices;
    int64_t *volumes;
    int8_t *price_exponents; /* where they vary, else NULL */
    int8_t *volume_exponents;
    uint32_t *names;
    uint8_t *flags;
    uint32_t *order;
    size_t count;              /* of the order */
    struct run_loader *loader; /* until they are whole */
};

enum run_stage {
    RUN_SCANNING,
    RUN_LOADING, /* with others perhaps */
    RUN_HELD,
    RUN_STREAMING,
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
    struct run_rows *rows;
    int8_t price_exponent;
    int8_t volume_exponent;
    /* How it comes about. */
    enum run_stage stage;
    struct msim_scanner scanner;
    uint64_t row;       /* the next to be decoded */
    uint64_t row_count; /* of the group */
    msim_time *kept;    /* all times of the group, or a batch's */
    size_t kept_count;
    bool kept_all;
    struct msim_column time_column; /* open where not all times are kept */
    struct msim_numbers price;
    struct msim_numbers volume;
    struct msim_name_column ticker;
};

/* Begins with the row group; msim_run_work goes on. */
int msim_run_open(struct run **out, struct run_context *context, uint32_t rank,
                  struct msim_detail *detail);
void msim_run_close(struct run **run);

/*
 * Works while `*work`, which counts down rows, is above zero: 1 where the first batch
 * is there (it may have no trade at all), 0 where there is more to do.
 */
int msim_run_work(struct run *run, int64_t *work, struct msim_detail *detail);

/* The next batch, once `at` has come to `count`: 1, or 0 where the group is drained. */
int msim_run_fill(struct run *run, struct msim_detail *detail);

static inline msim_time msim_run_time(const struct run *run)
{
    return run->times[run->order ? run->order[run->at] : run->at];
}

#endif
