/*
 * Numbers for Prometheus, in its text format 0.0.4.
 *
 * Nothing is kept here: whoever has numbers writes them onto the page when it is asked for, so
 * that counting costs what a counter costs.
 */
#ifndef MSIM_SERVER_METRICS_H
#define MSIM_SERVER_METRICS_H

#include <marketsim/net.h>

#include "base/bytes.h"
#include "base/histogram.h"

#define MSIM_METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* A page grows to this size at most; what does not fit makes the request fail with 503. */
#define MSIM_METRICS_MAX_BYTES ((size_t)8 << 20)

struct msim_metrics {
    struct msim_bytes *out;
    const char *name; /* of the family under way */
    int failure;      /* sticks */
};

enum msim_metric_kind {
    MSIM_METRIC_COUNTER, /* only grows; its name ends with _total */
    MSIM_METRIC_GAUGE,
};

struct msim_metric_label {
    const char *name;
    const char *value; /* any text */
};

/* Begins a family; its samples follow.  Names are letters, digits and underscores. */
void msim_metrics_family(struct msim_metrics *metrics, enum msim_metric_kind kind, const char *name,
                         const char *help);
void msim_metrics_sample(struct msim_metrics *metrics, const struct msim_metric_label *labels,
                         size_t count, uint64_t value);

/* A family of one sample without labels. */
void msim_metrics_counter(struct msim_metrics *metrics, const char *name, const char *help,
                          uint64_t value);
void msim_metrics_gauge(struct msim_metrics *metrics, const char *name, const char *help,
                        uint64_t value);

/* Lengths of time in nanoseconds as a histogram of seconds, with buckets of powers of two. */
void msim_metrics_histogram(struct msim_metrics *metrics, const char *name, const char *help,
                            const struct msim_histogram *histogram);

/* What every server has: its version, its process, its transport. */
void msim_metrics_common(struct msim_metrics *metrics, const struct msim_net *net);

#endif
