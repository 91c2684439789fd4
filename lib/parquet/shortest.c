/*
 * Two ways.  The quick one: at the right scale the number times 10^k is a whole
 * number m below 10^15, and m / 10^k, of two exact doubles, is rounded correctly
 * by the processor; where that gives the number back, m is the only such whole
 * number of its length, so it is the shortest once its trailing zeros are gone.
 *
 * The exact one, for the rest: the numbers that read back to f * 2^e are those of
 * the interval half way to its neighbours.  Times 10^k its ends are whole numbers
 * of less than 2^115 over a power of two, so 128 bits decide for each k whether a
 * whole number lies inside.
 */
#include "parquet/shortest.h"

#include <string.h>

#include "base/number.h"

#define SCALE_MAX 18
/* A fraction of a float has 24 bits, and 63 bits are all that fits. */
#define WHOLE_POWER_MAX 40
/* Whole numbers up to here are the only ones of their length that can read back. */
#define QUICK_LIMIT 1000000000000000.0
/* 10^22 is the last power of ten that a double holds exactly. */
static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8, 1e9,
                                1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};

/* ---- the quick way ---- */

/* A whole number at -scale, made as short as it goes. */
static void shorten(int64_t whole, int scale, int64_t *mantissa, int8_t *exponent)
{
    while (scale > 0 && whole % 10 == 0) {
        whole /= 10;
        scale--;
    }
    *mantissa = whole;
    *exponent = (int8_t)-scale;
}

static bool quick(double size, int hint, int64_t *mantissa, int8_t *exponent)
{
    int scale = hint < 0 && hint >= -SCALE_MAX ? -hint : 0;

    while (scale > 0 && size * powers[scale] >= QUICK_LIMIT)
        scale--;
    for (; scale <= SCALE_MAX; scale++) {
        double scaled = size * powers[scale];
        if (!(scaled < QUICK_LIMIT))
            return false;
        int64_t whole = (int64_t)(scaled + 0.5);
        if ((double)whole / powers[scale] == size) {
            shorten(whole, scale, mantissa, exponent);
            return true;
        }
    }
    return false;
}

/* ---- the exact way ---- */

/* What reads back to the number: low..high over 2^shift, the number itself at `middle`. */
struct interval {
    msim_uint128 low;
    msim_uint128 middle;
    msim_uint128 high;
    unsigned shift; /* at most 127 */
    bool closed;    /* the ends read back too: the fraction is even */
};

/* The whole number nearest to the middle that lies inside, in steps of `step`; false for none. */
static bool inside(const struct interval *interval, msim_uint128 step, msim_uint128 *whole)
{
    msim_uint128 floor = (interval->middle >> interval->shift) / step * step;
    msim_uint128 below = floor << interval->shift;
    msim_uint128 above = (floor + step) << interval->shift;
    bool below_in = below > interval->low || (interval->closed && below == interval->low);
    bool above_in = above < interval->high || (interval->closed && above == interval->high);

    if (below_in && above_in) {
        msim_uint128 down = interval->middle - below;
        msim_uint128 up = above - interval->middle;
        above_in = up < down || (up == down && (floor / step) % 2 == 1);
        below_in = !above_in;
    }
    if (!below_in && !above_in)
        return false;
    *whole = above_in ? floor + step : floor;
    return true;
}

/* Whole numbers may end in zeros: the longest row of them that still reads back. */
static bool whole_number(const struct interval *interval, msim_uint128 *whole)
{
    if (!inside(interval, 1, whole))
        return false;
    for (msim_uint128 step = 10; step <= (msim_uint128)msim_pow10[18]; step *= 10) {
        msim_uint128 shorter;
        if (!inside(interval, step, &shorter) || shorter == 0)
            break;
        *whole = shorter;
    }
    return true;
}

/* The number is fraction * 2^power, fraction below 2^53; `edge`: its lower neighbour is nearer. */
static enum shortest exact(uint64_t fraction, int power, bool edge, int64_t *mantissa,
                           int8_t *exponent)
{
    /* In quarters, so that the way to a nearer neighbour can be halved. */
    struct interval unit = {.low = (msim_uint128)fraction * 4 - (edge ? 1 : 2),
                            .middle = (msim_uint128)fraction * 4,
                            .high = (msim_uint128)fraction * 4 + 2,
                            .closed = fraction % 2 == 0};
    power -= 2;
    if (power > WHOLE_POWER_MAX)
        return SHORTEST_TOO_LONG;
    if (power > 0) {
        unit.low <<= power;
        unit.middle <<= power;
        unit.high <<= power;
        power = 0;
    }
    if (power < -120)
        return SHORTEST_TOO_LONG;
    unit.shift = (unsigned)-power;

    for (int scale = 0; scale <= SCALE_MAX; scale++) {
        msim_uint128 ten = (msim_uint128)msim_pow10[scale];
        struct interval scaled = unit;
        scaled.low *= ten;
        scaled.middle *= ten;
        scaled.high *= ten;
        msim_uint128 whole;
        if (scale == 0 ? !whole_number(&scaled, &whole) : !inside(&scaled, 1, &whole))
            continue;
        /* A zero would read back as zero, which the number is not. */
        if (whole == 0)
            continue;
        if (whole > INT64_MAX)
            return SHORTEST_TOO_LONG;
        *mantissa = (int64_t)whole;
        *exponent = (int8_t)-scale;
        return SHORTEST_OK;
    }
    return SHORTEST_TOO_LONG;
}

enum shortest msim_shortest_double(double number, int hint, int64_t *mantissa, int8_t *exponent)
{
    uint64_t bits;

    memcpy(&bits, &number, sizeof bits);
    bool negative = bits >> 63 != 0;
    int power = (int)(bits >> 52 & 0x7FF);
    uint64_t fraction = bits & ((UINT64_C(1) << 52) - 1);
    if (power == 0x7FF)
        return SHORTEST_NOT_FINITE;
    if (power == 0 && fraction == 0) {
        *mantissa = 0;
        *exponent = 0;
        return SHORTEST_OK;
    }
    if (!quick(negative ? -number : number, hint, mantissa, exponent)) {
        bool edge = fraction == 0 && power > 1;
        if (power > 0)
            fraction |= UINT64_C(1) << 52;
        enum shortest r = exact(fraction, (power > 0 ? power : 1) - 1075, edge, mantissa, exponent);
        if (r != SHORTEST_OK)
            return r;
    }
    if (negative)
        *mantissa = -*mantissa;
    return SHORTEST_OK;
}

enum shortest msim_shortest_float(float number, int64_t *mantissa, int8_t *exponent)
{
    uint32_t bits;

    memcpy(&bits, &number, sizeof bits);
    bool negative = bits >> 31 != 0;
    int power = (int)(bits >> 23 & 0xFF);
    uint32_t fraction = bits & ((1U << 23) - 1);
    if (power == 0xFF)
        return SHORTEST_NOT_FINITE;
    if (power == 0 && fraction == 0) {
        *mantissa = 0;
        *exponent = 0;
        return SHORTEST_OK;
    }
    bool edge = fraction == 0 && power > 1;
    if (power > 0)
        fraction |= 1U << 23;
    enum shortest r = exact(fraction, (power > 0 ? power : 1) - 150, edge, mantissa, exponent);
    if (r == SHORTEST_OK && negative)
        *mantissa = -*mantissa;
    return r;
}
