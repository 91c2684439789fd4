/*
 * Draws without libm: tables with linear interpolation between their entries.
 *
 * -ln and 2^x are looked up in 256 steps of an octave; the normal quantile in 64
 * steps of each of 32 octaves of the tail.  The errors (2e-6 absolute, 1e-6
 * relative, 1.3e-5 of a deviation) are below what any test of a sample sees.
 */
#include "faults/distribution.h"

#include <assert.h>

#include "base/number.h"
#include "base/random.h"
#include "faults/tables.h"

#define Q32 32
#define LN2_Q32 INT64_C(2977044472)
#define LOG2E_Q32 INT64_C(6196328019)

/* Between a and b, `fraction` of 2^64 on the way. */
static int64_t between(int64_t a, int64_t b, uint64_t fraction)
{
    if (b >= a)
        return a + (int64_t)msim_mul_high((uint64_t)(b - a), fraction);
    return a - (int64_t)msim_mul_high((uint64_t)(a - b), fraction);
}

int64_t msim_fault_draw_neg_ln(uint64_t u)
{
    if (u == UINT64_MAX)
        return 0;

    int zeros = __builtin_clzll(u + 1);
    uint64_t mantissa = (u + 1) << zeros; /* 2^63 .. 2^64: 0.5 .. 1 */
    unsigned step = (unsigned)(mantissa >> 55) & 255;
    int64_t value = between(msim_fault_neg_ln[step], msim_fault_neg_ln[step + 1], mantissa << 9);

    return value + zeros * LN2_Q32;
}

int64_t msim_fault_draw_normal(uint64_t u)
{
    uint64_t tail = u >> 63 ? ~u : u; /* P = (tail + 1/2) / 2^64 < 1/2 */
    int64_t z;
    int octave = tail == 0 ? 63 : __builtin_clzll(tail) - 1;

    if (octave > 31) {
        z = msim_fault_quantile[31][0];
    } else {
        uint64_t mantissa = tail << (octave + 1); /* 2^63 .. 2^64 within the octave */
        unsigned step = (unsigned)(mantissa >> 57) & 63;
        z = between(msim_fault_quantile[octave][step], msim_fault_quantile[octave][step + 1],
                    mantissa << 7);
    }
    return u >> 63 ? z : -z;
}

int64_t msim_fault_scale_exp2(int64_t value, int64_t exponent)
{
    assert(value >= 0);

    int64_t whole = exponent >> Q32; /* rounds down, also below zero */
    uint64_t fraction = (uint64_t)exponent << Q32;
    unsigned step = (unsigned)(fraction >> 56);
    int64_t factor = between(msim_fault_exp2[step], msim_fault_exp2[step + 1], fraction << 8);
    msim_uint128 product = (msim_uint128)(uint64_t)value * (uint64_t)factor; /* Q32 */

    if (value == 0 || whole < -95)
        return 0;
    if (whole >= 64)
        return INT64_MAX;
    int64_t shift = Q32 - whole;
    if (shift > 0) {
        product += (msim_uint128)1 << (shift - 1);
        product >>= shift;
    } else if (product >> (127 + shift)) {
        return INT64_MAX;
    } else {
        product <<= -shift;
    }
    return product > INT64_MAX ? INT64_MAX : (int64_t)product;
}

/* a * b / 2^32 rounded to nearest, cut to what int64 holds. */
static int64_t times_q32(int64_t a, int64_t b)
{
    msim_int128 product = ((msim_int128)a * b + ((msim_int128)1 << 31)) >> Q32;

    if (product > INT64_MAX)
        return INT64_MAX;
    return product < INT64_MIN ? INT64_MIN : (int64_t)product;
}

/* The same for a share in parts per 10^9. */
static int64_t times_ppb(int64_t a, int64_t ppb)
{
    msim_int128 product = (msim_int128)a * ppb / PPB;

    if (product > INT64_MAX)
        return INT64_MAX;
    return product < INT64_MIN ? INT64_MIN : (int64_t)product;
}

static int64_t add_clamped(int64_t a, int64_t b)
{
    int64_t sum;

    if (msim_add_check(a, b, &sum))
        return sum;
    return a > 0 ? INT64_MAX : INT64_MIN;
}

msim_time msim_fault_draw_exp(int64_t mean, uint64_t u)
{
    return times_q32(mean, msim_fault_draw_neg_ln(u));
}

static int64_t draw_pareto(const struct part *part, uint64_t u)
{
    int64_t powers = times_q32(msim_fault_draw_neg_ln(u), LOG2E_Q32);
    msim_int128 exponent = (msim_int128)powers * PPB / part->b;

    if (exponent >= (msim_int128)64 << Q32)
        return INT64_MAX;
    return msim_fault_scale_exp2(part->a, (int64_t)exponent);
}

static int64_t draw_lognormal(const struct part *part, uint64_t u)
{
    int64_t deviations = times_q32(msim_fault_draw_normal(u), LOG2E_Q32);

    return msim_fault_scale_exp2(part->a, times_ppb(deviations, part->b));
}

static int64_t draw_part(const struct part *part, uint64_t u)
{
    switch (part->shape) {
    case SHAPE_CONST:
        return part->a;
    case SHAPE_UNIFORM:
        return msim_random_range(u, part->a, part->b);
    case SHAPE_EXP:
        return add_clamped(part->b, msim_fault_draw_exp(part->a, u));
    case SHAPE_NORMAL:
        return add_clamped(part->a, times_q32(part->b, msim_fault_draw_normal(u)));
    case SHAPE_LOGNORMAL:
        return draw_lognormal(part, u);
    case SHAPE_PARETO:
        return draw_pareto(part, u);
    }
    return 0;
}

msim_time msim_fault_draw(const struct distribution *distribution, uint64_t u, uint64_t pick)
{
    size_t i = 0;

    if (distribution->count > 1) {
        uint64_t place = msim_mul_high(pick, distribution->weights[distribution->count - 1]);
        while (place >= distribution->weights[i])
            i++;
    }
    int64_t drawn = draw_part(&distribution->parts[i], u);
    return drawn > 0 ? drawn : 0;
}
