/*
 * A CSV file of trades, as it is or compressed by gzip, as a file of the data set.
 *
 * It is read once, from its start to its end, when the data set is opened: its rows go into a
 * spool, and from then on it is a file like any other.
 */
#ifndef MSIM_PARQUET_CSV_FILE_H
#define MSIM_PARQUET_CSV_FILE_H

#include "parquet/dataset.h"

/* Whether a name is that of a CSV file. */
bool msim_csv_file_named(const char *path);

/* Whether the file is to be read as CSV: by its first bytes, and where they do not say by name. */
int msim_csv_file_is(const struct msim_parquet_file *file, bool *is, struct msim_detail *detail);

/* Reads all of `file`, which stays the caller's; `place` outlives what is read. */
int msim_csv_file_read(struct trade_file *trades, const struct msim_parquet_file *file,
                       const struct msim_parquet_params *params, struct spool_place *place,
                       const struct msim_allocator *allocator, struct msim_detail *detail);

#endif
