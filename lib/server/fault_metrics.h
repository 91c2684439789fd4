/*
 * What a failure layer has done so far, by strategy, for /metrics.
 */
#ifndef MSIM_SERVER_FAULT_METRICS_H
#define MSIM_SERVER_FAULT_METRICS_H

#include <marketsim/faults.h>

#include "server/metrics.h"

/* `faults` may be NULL: nothing is written then.  A failure stands in `metrics`. */
void msim_fault_metrics(const struct msim_faults *faults, const struct msim_allocator *allocator,
                        struct msim_metrics *metrics);

#endif
