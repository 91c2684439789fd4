/*
 * Sums, moments and bands for the tests of laws, and how a program of them reports:
 * one line for each figure with the band that it must lie in.
 *
 * A band is theory +- BAND standard errors.  Seeds are fixed, so a figure is the same
 * in every run: a band only says how far from theory chance may have put it.
 */
#ifndef TESTS_LAW_LAW_H
#define TESTS_LAW_LAW_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BAND 4.5

static int law_failures;

static inline void law_within(const char *subject, const char *figure, double value, double theory,
                              double error)
{
    bool good = fabs(value - theory) <= error;

    printf("%-4s %-34s %-26s %14.6g in %.6g +- %.2g\n", good ? "ok" : "FAIL", subject, figure,
           value, theory, error);
    if (!good)
        law_failures++;
}

static inline void law_between(const char *subject, const char *figure, double value, double low,
                               double high)
{
    bool good = value >= low && value <= high;

    printf("%-4s %-34s %-26s %14.6g in %.6g .. %.6g\n", good ? "ok" : "FAIL", subject, figure,
           value, low, high);
    if (!good)
        law_failures++;
}

/* "--steps N" or the usual number. */
static inline size_t law_steps(int argument_count, char **arguments, size_t usual)
{
    if (argument_count == 3 && strcmp(arguments[1], "--steps") == 0)
        return (size_t)strtoull(arguments[2], NULL, 10);
    if (argument_count != 1) {
        fprintf(stderr, "usage: %s [--steps N]\n", arguments[0]);
        exit(2);
    }
    return usual;
}

static inline double *law_array(size_t count)
{
    double *array = calloc(count, sizeof *array);

    if (!array)
        abort();
    return array;
}

/* Central moments. */
struct moments {
    double mean;
    double variance;
    double skewness;
    double kurtosis;
    double eighth; /* of the standardised variable */
};

static inline struct moments moments_of(const double *x, size_t count)
{
    struct moments m = {0};
    double n = (double)count;

    for (size_t i = 0; i < count; i++)
        m.mean += x[i];
    m.mean /= n;
    for (size_t i = 0; i < count; i++)
        m.variance += (x[i] - m.mean) * (x[i] - m.mean);
    m.variance /= n;
    for (size_t i = 0; i < count; i++) {
        double z = (x[i] - m.mean) / sqrt(m.variance);
        double zz = z * z;
        m.skewness += zz * z;
        m.kurtosis += zz * zz;
        m.eighth += zz * zz * zz * zz;
    }
    m.skewness /= n;
    m.kurtosis /= n;
    m.eighth /= n;
    return m;
}

/* Autocorrelation at a lag. */
static inline double correlation_at(const double *x, size_t count, size_t lag)
{
    struct moments m = moments_of(x, count);
    double sum = 0;

    for (size_t i = lag; i < count; i++)
        sum += (x[i] - m.mean) * (x[i - lag] - m.mean);
    return sum / (double)count / m.variance;
}

static inline double correlation_of(const double *x, const double *y, size_t count)
{
    struct moments a = moments_of(x, count);
    struct moments b = moments_of(y, count);
    double sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += (x[i] - a.mean) * (y[i] - b.mean);
    return sum / (double)count / sqrt(a.variance * b.variance);
}

static inline int law_compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return x < y ? -1 : x > y;
}

/* Kolmogorov's distance times the root of n; sorts x.  Above 1.95 in one of 1000 samples. */
static inline double kolmogorov(double *x, size_t count, double (*distribution)(double))
{
    double worst = 0;
    double n = (double)count;

    qsort(x, count, sizeof *x, law_compare);
    for (size_t i = 0; i < count; i++) {
        double f = distribution(x[i]);
        worst = fmax(worst, fmax(f - (double)i / n, (double)(i + 1) / n - f));
    }
    return worst * sqrt(n);
}

#endif
