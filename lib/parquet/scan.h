/*
 * One pass over the timestamp column of a row group, alone.
 */
#ifndef MSIM_PARQUET_SCAN_H
#define MSIM_PARQUET_SCAN_H

#include <marketsim/base.h>

#include "parquet/dataset.h"
#include "parquet/values.h"

struct scan {
    msim_time min; /* of the good rows; where there is none: INT64_MAX and INT64_MIN */
    msim_time max;
    uint64_t good;
    uint64_t early; /* good rows before `from` */
    bool sorted;    /* the good rows' times do not fall */
};

/*
 * `times` and `flags` take one value for each row, or may be NULL.  A bad row is a
 * failure that names it unless the data set skips them.
 */
int msim_scan(struct scan *scan, const struct msim_parquet *parquet, struct msim_reader *reader,
              size_t file, size_t group, msim_time from, msim_time *times, uint8_t *flags,
              struct msim_detail *detail);

/* What a bad row says when it is not skipped: its file, row group, column and row. */
int msim_scan_refuse(const struct msim_parquet *parquet, size_t file, size_t group,
                     const struct bad_row *bad, struct msim_detail *detail);

#endif
