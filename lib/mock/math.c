/*
 * Each function is a range reduction that is exact, or nearly so, and a short
 * series.  No table or rounding depends on the machine: what is needed is IEEE
 * double arithmetic without contraction.
 */
#include "mock/math.h"

#include <assert.h>
#include <string.h>

/* 2^(i/64), rounded. */
static const double roots[64] = {
    0x1.0000000000000p+0, 0x1.02c9a3e778061p+0, 0x1.059b0d3158574p+0, 0x1.0874518759bc8p+0,
    0x1.0b5586cf9890fp+0, 0x1.0e3ec32d3d1a2p+0, 0x1.11301d0125b51p+0, 0x1.1429aaea92de0p+0,
    0x1.172b83c7d517bp+0, 0x1.1a35beb6fcb75p+0, 0x1.1d4873168b9aap+0, 0x1.2063b88628cd6p+0,
    0x1.2387a6e756238p+0, 0x1.26b4565e27cddp+0, 0x1.29e9df51fdee1p+0, 0x1.2d285a6e4030bp+0,
    0x1.306fe0a31b715p+0, 0x1.33c08b26416ffp+0, 0x1.371a7373aa9cbp+0, 0x1.3a7db34e59ff7p+0,
    0x1.3dea64c123422p+0, 0x1.4160a21f72e2ap+0, 0x1.44e086061892dp+0, 0x1.486a2b5c13cd0p+0,
    0x1.4bfdad5362a27p+0, 0x1.4f9b2769d2ca7p+0, 0x1.5342b569d4f82p+0, 0x1.56f4736b527dap+0,
    0x1.5ab07dd485429p+0, 0x1.5e76f15ad2148p+0, 0x1.6247eb03a5585p+0, 0x1.6623882552225p+0,
    0x1.6a09e667f3bcdp+0, 0x1.6dfb23c651a2fp+0, 0x1.71f75e8ec5f74p+0, 0x1.75feb564267c9p+0,
    0x1.7a11473eb0187p+0, 0x1.7e2f336cf4e62p+0, 0x1.82589994cce13p+0, 0x1.868d99b4492edp+0,
    0x1.8ace5422aa0dbp+0, 0x1.8f1ae99157736p+0, 0x1.93737b0cdc5e5p+0, 0x1.97d829fde4e50p+0,
    0x1.9c49182a3f090p+0, 0x1.a0c667b5de565p+0, 0x1.a5503b23e255dp+0, 0x1.a9e6b5579fdbfp+0,
    0x1.ae89f995ad3adp+0, 0x1.b33a2b84f15fbp+0, 0x1.b7f76f2fb5e47p+0, 0x1.bcc1e904bc1d2p+0,
    0x1.c199bdd85529cp+0, 0x1.c67f12e57d14bp+0, 0x1.cb720dcef9069p+0, 0x1.d072d4a07897cp+0,
    0x1.d5818dcfba487p+0, 0x1.da9e603db3285p+0, 0x1.dfc97337b9b5fp+0, 0x1.e502ee78b3ff6p+0,
    0x1.ea4afa2a490dap+0, 0x1.efa1bee615a27p+0, 0x1.f50765b6e4540p+0, 0x1.fa7c1819e90d8p+0,
};

/* ln 2 in two parts; the first has 21 bits, so that its multiples below 2^32 are exact. */
#define LN2_HIGH 0x1.62e4200000000p-1
#define LN2_LOW 0x1.fdf473de6af28p-22

static uint64_t bits_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static double double_of(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* x = k ln2/64 + r with |r| <= ln2/128; exp x = 2^(k/64) (1 + (exp r - 1)). */
double msim_mock_exp(double x)
{
    if (x < -708)
        return 0;
    if (x > 709)
        return 0x1p1023;

    /* Adding and taking 1.5 * 2^52 rounds to the nearest whole number. */
    double whole = (x * 0x1.71547652b82fep+6 + 0x1.8p52) - 0x1.8p52;
    int64_t k = (int64_t)whole;
    double r = (x - whole * (LN2_HIGH / 64)) - whole * (LN2_LOW / 64);
    double rr = r * r;
    double tail = (1.0 / 6 + r * (1.0 / 24)) + rr * (1.0 / 120 + r * (1.0 / 720));
    double rest = r + rr * (0.5 + r * tail);
    double root = roots[k & 63];

    return (root + root * rest) * double_of((uint64_t)((k >> 6) + 1023) << 52);
}

/*
 * x = 2^k (1 + f) with 1 + f in sqrt(1/2)..sqrt(2).  With s = f / (2 + f),
 * log(1 + f) = 2 atanh(s) = f - f^2/2 + s (f^2/2 + R), R = 2/3 s^2 + 2/5 s^4 + ...;
 * summed so that the large terms come last.
 */
double msim_mock_log(double x)
{
    assert(x >= 0x1p-1022);

    uint64_t bits = bits_of(x);
    /* Adding this carries into the exponent just from sqrt(2) on. */
    uint64_t moved = bits + (UINT64_C(0x3ff0000000000000) - UINT64_C(0x3fe6a09e667f3bcd));
    int64_t k = (int64_t)(moved >> 52) - 1023;
    double f = double_of(bits - ((uint64_t)k << 52)) - 1.0;
    double s = f / (2.0 + f);
    double z = s * s;
    double w = z * z;
    double odd = z * (2.0 / 3 + w * (2.0 / 7 + w * (2.0 / 11 + w * (2.0 / 15 + w * (2.0 / 19)))));
    double even = w * (2.0 / 5 + w * (2.0 / 9 + w * (2.0 / 13 + w * (2.0 / 17 + w * (2.0 / 21)))));
    double half = 0.5 * f * f;
    double scale = (double)k;

    return scale * LN2_HIGH - ((half - (s * (half + (odd + even)) + scale * LN2_LOW)) - f);
}

static double seventh(const double c[8], double r)
{
    return ((((((c[7] * r + c[6]) * r + c[5]) * r + c[4]) * r + c[3]) * r + c[2]) * r + c[1]) * r +
           c[0];
}

/* The ratio within QUANTILE_CENTRE of the middle. */
#define QUANTILE_CENTRE 0.425
static const double centre[8] = {
    3.3871328727963666080e0,  1.3314166789178437745e+2, 1.9715909503065514427e+3,
    1.3731693765509461125e+4, 4.5921953931549871457e+4, 6.7265770927008700853e+4,
    3.3430575583588128105e+4, 2.5090809287301226727e+3,
};
static const double centre_below[8] = {
    1.0,
    4.2313330701600911252e+1,
    6.8718700749205790830e+2,
    5.3941960214247511077e+3,
    2.1213794301586595867e+4,
    3.9307895800092710610e+4,
    2.8729085735721942674e+4,
    5.2264952788528545610e+3,
};

static double central(double q)
{
    double r = 0.180625 - q * q;

    return q * seventh(centre, r) / seventh(centre_below, r);
}

/*
 * Wichura, "Algorithm AS 241: The Percentage Points of the Normal Distribution",
 * Applied Statistics 37 (1988): three ratios of polynomials of degree 7.
 */
double msim_mock_quantile(double q)
{
    static const double near[8] = {
        1.42343711074968357734e0,  4.63033784615654529590e0,  5.76949722146069140550e0,
        3.64784832476320460504e0,  1.27045825245236838258e0,  2.41780725177450611770e-1,
        2.27238449892691845833e-2, 7.74545014278341407640e-4,
    };
    static const double near_below[8] = {
        1.0,
        2.05319162663775882187e0,
        1.67638483018380384940e0,
        6.89767334985100004550e-1,
        1.48103976427480074590e-1,
        1.51986665636164571966e-2,
        5.47593808499534494600e-4,
        1.05075007164441684324e-9,
    };
    static const double far[8] = {
        6.65790464350110377720e0,  5.46378491116411436990e0,  1.78482653991729133580e0,
        2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
        2.71155556874348757815e-5, 2.01033439929228813265e-7,
    };
    static const double far_below[8] = {
        1.0,
        5.99832206555887937690e-1,
        1.36929880922735805310e-1,
        1.48753612908506148525e-2,
        7.86869131145613259100e-4,
        1.84631831751005468180e-5,
        1.42151175831644588870e-7,
        2.04426310338993978564e-15,
    };
    double size = q < 0 ? -q : q;

    assert(size < 0.5);
    if (size <= QUANTILE_CENTRE)
        return central(q);
    double r = msim_mock_sqrt(-msim_mock_log(0.5 - size));
    double x = r <= 5.0 ? seventh(near, r - 1.6) / seventh(near_below, r - 1.6)
                        : seventh(far, r - 5.0) / seventh(far_below, r - 5.0);
    return q < 0 ? -x : x;
}

/* The centre's ratio for all, several at a time, and then the tails one by one. */
void msim_mock_normals(const uint64_t bits[MSIM_MOCK_NORMALS], double out[MSIM_MOCK_NORMALS])
{
    double q[MSIM_MOCK_NORMALS];

    for (int i = 0; i < MSIM_MOCK_NORMALS; i++)
        q[i] = msim_mock_centred(bits[i]);
    for (int i = 0; i < MSIM_MOCK_NORMALS; i++)
        out[i] = central(q[i]);
    for (int i = 0; i < MSIM_MOCK_NORMALS; i++)
        if (q[i] > QUANTILE_CENTRE || q[i] < -QUANTILE_CENTRE)
            out[i] = msim_mock_quantile(q[i]);
}
