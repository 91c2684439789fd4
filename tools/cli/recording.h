/*
 * Trades and quotes into Parquet files: trades with the columns that replay-server reads.
 */
#ifndef TOOLS_CLI_RECORDING_H
#define TOOLS_CLI_RECORDING_H

#include <marketsim/parquet.h>
#include <marketsim/record.h>

struct recording {
    struct msim_parquet_writer *trades; /* NULL: not recorded */
    struct msim_parquet_writer *quotes;
};

/* Either path may be NULL.  Failures come with words. */
int recording_open(struct recording *recording, const char *trades_path, const char *quotes_path,
                   struct msim_detail *detail);
int recording_add(struct recording *recording, const struct msim_record *record, const char *symbol,
                  size_t symbol_length, struct msim_detail *detail);

/* Finishes the files; without it recording_close leaves none behind. */
int recording_finish(struct recording *recording, struct msim_detail *detail);
void recording_close(struct recording *recording);

#endif
