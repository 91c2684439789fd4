/*
 * exp, log and the normal quantile in plain IEEE arithmetic: + - * / and sqrt only, so that
 * the same seed gives the same bytes on every machine.
 */
#ifndef MSIM_MOCK_MATH_H
#define MSIM_MOCK_MATH_H

#include <stdint.h>

/* Within 1.02 ulp; 0 below -708, 2^1023 above 709. */
double msim_mock_exp(double x);

/* Within 1 ulp; x is positive and a normal number. */
double msim_mock_log(double x);

/* The quantile of the standard normal law at 1/2 + q, |q| < 1/2; relative error below 1e-15. */
double msim_mock_quantile(double q);

/* Correctly rounded, and inline: -fno-math-errno leaves no call to libm. */
static inline double msim_mock_sqrt(double x)
{
    return __builtin_sqrt(x);
}

/* The middle of one of 2^52 equal parts of (-1/2, 1/2): exact, never an end. */
static inline double msim_mock_centred(uint64_t bits)
{
    return ((double)(int64_t)(bits >> 12) + 0.5) * 0x1p-52 - 0.5;
}

/* The same of (0, 1). */
static inline double msim_mock_uniform(uint64_t bits)
{
    return ((double)(int64_t)(bits >> 12) + 0.5) * 0x1p-52;
}

/* The middle of one of 2^32 equal parts of (0, 1). */
static inline double msim_mock_uniform32(uint32_t bits)
{
    return ((double)bits + 0.5) * 0x1p-32;
}

static inline double msim_mock_normal(uint64_t bits)
{
    return msim_mock_quantile(msim_mock_centred(bits));
}

/* The same numbers as msim_mock_normal's, so many at once. */
#define MSIM_MOCK_NORMALS 8
void msim_mock_normals(const uint64_t bits[MSIM_MOCK_NORMALS], double out[MSIM_MOCK_NORMALS]);

#endif
