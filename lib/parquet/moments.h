/*
 * Many timestamps at a time: made into nanoseconds, and looked at for their order.
 *
 * Each has one way in plain C, and one with AVX2, which is taken where the machine that it runs
 * on has it.  Both give the same (tests/unit/parquet/test_moments.c).
 */
#ifndef MSIM_PARQUET_MOMENTS_H
#define MSIM_PARQUET_MOMENTS_H

#include <marketsim/base.h>

/* The largest unit: a second. */
#define MSIM_MOMENTS_UNIT_MAX MSIM_NS_PER_S

/*
 * `count` times of 64 bits as they are stored, in `unit` nanoseconds, into nanoseconds; false
 * where one of them lies at MSIM_TIME_NEVER or beyond, on either side.
 */
bool msim_moments_convert(const unsigned char *from, size_t count, int64_t unit, msim_time *times);

/* What times one after another are like. */
struct msim_moments {
    msim_time min;
    msim_time max;
    size_t early; /* before `from` */
    bool rising;  /* none is earlier than the one before it */
};

/* Of `count` times, at least one. */
struct msim_moments msim_moments_look(const msim_time *times, size_t count, msim_time from);

/* The two ways, for the test; the vector ones only where msim_unpack_has_vector. */
bool msim_moments_convert_plain(const unsigned char *from, size_t count, int64_t unit,
                                msim_time *times);
bool msim_moments_convert_vector(const unsigned char *from, size_t count, int64_t unit,
                                 msim_time *times);
struct msim_moments msim_moments_look_plain(const msim_time *times, size_t count, msim_time from);
struct msim_moments msim_moments_look_vector(const msim_time *times, size_t count, msim_time from);

#endif
