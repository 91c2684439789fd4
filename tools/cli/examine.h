/*
 * What is known of trade files without a replay: the plan of their order, and a check of
 * everything in them, on standard output.
 */
#ifndef CLI_EXAMINE_H
#define CLI_EXAMINE_H

#include <marketsim/parquet.h>

/* The most tickers that a check lists, those with the most rows; it counts all. */
#define EXAMINE_TICKERS_LISTED 1000

enum examine_form {
    EXAMINE_TEXT,
    EXAMINE_JSON, /* a line for each defect and ticker, and one for the whole */
};

enum examine_columns {
    EXAMINE_TRADES,       /* the four alone */
    EXAMINE_FURTHER_ONES, /* others beside them */
};

void examine_print_plan(const struct msim_parquet *parquet, enum examine_columns columns);

/* What was found, besides, is in `*out`.  A failure has its words. */
int examine_print_check(struct msim_parquet *parquet, enum examine_form form,
                        struct msim_parquet_check *out, struct msim_detail *detail);

#endif
