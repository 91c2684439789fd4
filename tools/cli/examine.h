/*
 * What is known of trade files without a replay: the plan of their order, and a check of
 * everything in them, on standard output.
 */
#ifndef CLI_EXAMINE_H
#define CLI_EXAMINE_H

#include <marketsim/parquet.h>

void examine_print_plan(const struct msim_parquet *parquet);

/* 1 where there are defects, which are among what was printed; 0; or a failure with its words. */
int examine_print_check(struct msim_parquet *parquet, struct msim_detail *detail);

#endif
