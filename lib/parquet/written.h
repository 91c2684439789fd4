/*
 * Numbers and moments as programs write them into text files.
 */
#ifndef MSIM_PARQUET_WRITTEN_H
#define MSIM_PARQUET_WRITTEN_H

#include <marketsim/base.h>

/* The day that was read last: a file stays in one for long. */
struct written_day {
    char text[10];
    msim_time start; /* its first nanosecond; the text is empty before the first one */
};

/*
 * A number with the exponent that it was written with: 1.50 is 150 at -2, and 2e3 2000 at 0.
 * MSIM_ERR_FORMAT: none.  MSIM_ERR_OVERFLOW: more digits than int64 holds.
 */
int msim_written_number(const char *text, size_t length, int64_t *mantissa, int8_t *exponent);

/*
 * A moment such as 2022-07-01T00:00:29.338Z, or a number that counts `unit` nanoseconds since
 * 1970.  MSIM_ERR_UNSUPPORTED: a number, and `unit` is 0.  MSIM_ERR_FORMAT: neither.
 * MSIM_ERR_OVERFLOW: nanoseconds do not hold it.
 */
int msim_written_moment(const char *text, size_t length, int64_t unit, struct written_day *day,
                        msim_time *time);

#endif
