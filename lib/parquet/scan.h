/*
 * One pass over the timestamp column of a row group, alone, in steps of any size.
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
    uint64_t begin; /* of rows in order: the one behind the last of those, bad ones counted */
    bool sorted;    /* the good rows' times do not fall */
};

struct msim_scanner {
    const struct msim_parquet *parquet;
    size_t file;
    size_t group;
    msim_time from;
    msim_time *times; /* one for each row, or NULL */
    uint8_t *flags;
    struct msim_column column;
    uint64_t row;
    msim_time last; /* of the good rows so far */
    struct scan found;
};

/* `times` and `flags` take one value for each row, or are NULL. */
int msim_scanner_open(struct msim_scanner *scanner, const struct msim_parquet *parquet,
                      struct msim_reader *reader, size_t file, size_t group, msim_time from,
                      msim_time *times, uint8_t *flags, struct msim_detail *detail);

/*
 * Reads on while `*work`, which counts down rows, is above zero: 1 where the column
 * is through, 0 where there is more.  A bad row is a failure that names it unless
 * the data set skips them.
 */
int msim_scanner_step(struct msim_scanner *scanner, int64_t *work, struct msim_detail *detail);

/* Harmless on one that is zero or closed; `found` stays. */
void msim_scanner_close(struct msim_scanner *scanner);

/* All in one go. */
int msim_scan(struct scan *scan, const struct msim_parquet *parquet, struct msim_reader *reader,
              size_t file, size_t group, struct msim_detail *detail);

/* What a bad row says when it is not skipped: its file, row group, column and row. */
int msim_scan_refuse(const struct msim_parquet *parquet, size_t file, size_t group,
                     const struct bad_row *bad, struct msim_detail *detail);

#endif
