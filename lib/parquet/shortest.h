/*
 * Binary floating point as decimal: the fewest digits that read back to the same
 * number, and of those the nearest, exactly and without libm, printf or a locale.
 */
#ifndef MSIM_PARQUET_SHORTEST_H
#define MSIM_PARQUET_SHORTEST_H

#include <marketsim/base.h>

enum shortest {
    SHORTEST_OK = 0,
    SHORTEST_NOT_FINITE, /* NaN or infinite */
    SHORTEST_TOO_LONG,   /* needs more than int64 with an exponent in -18..0 holds */
};

/*
 * `hint` is the exponent that was right for the number before: columns have few
 * of them.  A zero is 0 at 0, whatever its sign.
 */
enum shortest msim_shortest_double(double number, int hint, int64_t *mantissa, int8_t *exponent);
enum shortest msim_shortest_float(float number, int64_t *mantissa, int8_t *exponent);

#endif
