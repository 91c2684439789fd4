/*
 * A histogram of lengths of time, with bounded memory and a bounded error.
 *
 * Sixteen buckets for each power of two, as in HdrHistogram: a percentile is at
 * most 1/16 above the true one, from 1 ns to centuries, in 8 KiB.
 */
#ifndef MSIM_BASE_HISTOGRAM_H
#define MSIM_BASE_HISTOGRAM_H

#include <marketsim/base.h>

#define MSIM_HISTOGRAM_BUCKETS (16 * 61)

struct msim_histogram {
    uint64_t counts[MSIM_HISTOGRAM_BUCKETS];
    uint64_t count;
    uint64_t sum; /* of all values; of nanoseconds it holds five centuries */
    int64_t max;
};

/* A value below zero counts as zero. */
void msim_histogram_add(struct msim_histogram *histogram, int64_t value);

/* How many values are below 2^power (4..62). */
uint64_t msim_histogram_below(const struct msim_histogram *histogram, unsigned power);

/*
 * The upper end of the bucket that holds the value of this rank, at most `max`; 0
 * where there is none.  500000 is the median, 990000 the 99th percentile.
 */
int64_t msim_histogram_at(const struct msim_histogram *histogram, uint32_t per_million);

#endif
