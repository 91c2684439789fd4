/*
 * What engine-flow and engine-turns share: how they are told to run a flow, and what they make of
 * times.
 */
#ifndef TESTS_BENCH_FLOW_RUN_H
#define TESTS_BENCH_FLOW_RUN_H

#include "flow_engine.h"

#define FLOW_WAYS_OPTIONS \
    "[--ids handles|client] [--accounts on|off] [--events LIST] [--batch 1..4096]"
#define FLOW_WAYS_HELP \
    "LIST: all, or some of order,trade,fill,level,book,balance,position with commas.\n"

/* Handles, accounts, the events of orders, trades and fills, batches of 64. */
struct flow_ways flow_ways_usual(void);

/* Takes the value of one of these options; false where it is another one, or not such a value. */
bool flow_ways_option(struct flow_ways *ways, const char *option, const char *value);

/* Ends the program where the file holds no flow. */
void flow_load_or_die(struct flow *flow, const char *path);

/* Below which a share of the values lies; sorts them. */
double flow_quantile(double *values, size_t count, double share);

/* p50, p99 and p99.9; sorts. */
#define FLOW_PERCENTILES 3
void flow_percentiles(uint32_t *taken, size_t count, double percentile[FLOW_PERCENTILES]);

#endif
