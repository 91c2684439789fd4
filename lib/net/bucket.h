/*
 * A token bucket in one number: the moment at which it will be full again.
 *
 * (The generic cell rate algorithm.)  A bucket that is full is worth nothing to remember: it may
 * be forgotten and begun anew.
 */
#ifndef MSIM_NET_BUCKET_H
#define MSIM_NET_BUCKET_H

#include <marketsim/base.h>

struct msim_bucket {
    msim_time full_at; /* zero: it is */
};

struct msim_rate {
    msim_time interval; /* in which one token comes; 0: no bound */
    msim_time span;     /* in which an empty bucket fills */
};

/* `burst` 0: as many as come in a second.  A rate is at most a billion. */
static inline struct msim_rate msim_rate_of(uint64_t per_second, uint64_t burst)
{
    struct msim_rate rate = {0, 0};

    if (per_second == 0)
        return rate;
    if (burst == 0)
        burst = per_second;
    rate.interval = MSIM_NS_PER_S / (msim_time)per_second;
    if (rate.interval == 0)
        rate.interval = 1;
    if (__builtin_mul_overflow(rate.interval, (msim_time)(burst & INT64_MAX), &rate.span))
        rate.span = MSIM_TIME_NEVER / 4;
    return rate;
}

/* Takes `cost` tokens and returns 0; or takes none and returns how long to wait for them. */
static inline msim_time msim_bucket_take(struct msim_bucket *bucket, const struct msim_rate *rate,
                                         uint64_t cost, msim_time now)
{
    msim_time length;
    msim_time from = bucket->full_at > now ? bucket->full_at : now;

    if (rate->interval == 0)
        return 0;
    if (cost > INT64_MAX || __builtin_mul_overflow(rate->interval, (msim_time)cost, &length) ||
        length > MSIM_TIME_NEVER - from)
        return MSIM_TIME_NEVER;
    if (from - now > rate->span - length)
        return from - now + length - rate->span;
    bucket->full_at = from + length;
    return 0;
}

#endif
