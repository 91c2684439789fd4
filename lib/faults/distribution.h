/*
 * Distributions of lengths of time, in integers.
 */
#ifndef MSIM_FAULTS_DISTRIBUTION_H
#define MSIM_FAULTS_DISTRIBUTION_H

#include <marketsim/base.h>

/* Purposes of draws (protocol, section 8.1). */
enum purpose {
    PURPOSE_HIT = 1,
    PURPOSE_GE_TRANSITION = 2,
    PURPOSE_GE_HIT = 3,
    PURPOSE_DELAY = 4,
    PURPOSE_COPIES = 5,
    PURPOSE_GAP = 6,
    PURPOSE_CORRUPT_MODE = 7,
    PURPOSE_CORRUPT_PLACE = 8,
    PURPOSE_REORDER_HIT = 9,
    PURPOSE_REORDER_K = 10,
    PURPOSE_STICK = 11,
    PURPOSE_PERMUTATION = 12,
    PURPOSE_TARGET = 13,
    PURPOSE_PRICE = 14,
    PURPOSE_QUANTITY = 15,
    PURPOSE_POISSON = 16,
    PURPOSE_MIXTURE = 17,
};

#define PPB INT64_C(1000000000) /* probabilities, shapes and weights are parts of it */

#define MIXTURE_MOST 16

enum shape {
    SHAPE_CONST,
    SHAPE_UNIFORM,
    SHAPE_EXP,
    SHAPE_NORMAL,
    SHAPE_LOGNORMAL,
    SHAPE_PARETO,
};

struct part {
    enum shape shape;
    int64_t a; /* value, min, mean, mean, median, scale */
    int64_t b; /* -, max, shift, deviation, sigma in ppb, alpha in ppb */
};

/* One part, or several with the running sums of their weights. */
struct distribution {
    size_t count;
    struct part parts[MIXTURE_MOST];
    uint64_t weights[MIXTURE_MOST];
};

/* -ln((u+1) / 2^64) in Q32: 0 .. 44.4. */
int64_t msim_fault_draw_neg_ln(uint64_t u);

/* The normal quantile of u in Q32, clamped near 6.4. */
int64_t msim_fault_draw_normal(uint64_t u);

/* value * 2^(exponent in Q32) for value >= 0, at most INT64_MAX. */
int64_t msim_fault_scale_exp2(int64_t value, int64_t exponent);

/* The length of time that `u` draws, at least 0; `pick` chooses among the parts. */
msim_time msim_fault_draw(const struct distribution *distribution, uint64_t u, uint64_t pick);

/* An exponential length of time with this mean. */
msim_time msim_fault_draw_exp(int64_t mean, uint64_t u);

#endif
