/*
 * What benchmark programs share: clocks, a processor of their own, an end with words.
 */
#ifndef TESTS_BENCH_MEASURE_H
#define TESTS_BENCH_MEASURE_H

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static inline _Noreturn void measure_die(const char *what, const char *words)
{
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, words);
    exit(1);
}

static inline double measure_clock(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Seconds of the wall. */
static inline double measure_wall(void)
{
    return measure_clock(CLOCK_MONOTONIC);
}

static inline double measure_of(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

/* Seconds that the process took of processors so far, and the part of them in the kernel. */
static inline double measure_processor(double *kernel)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    if (kernel)
        *kernel = measure_of(usage.ru_stime);
    return measure_of(usage.ru_utime) + measure_of(usage.ru_stime);
}

/* The most memory that the process had, in megabytes. */
static inline double measure_peak(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss / 1024;
}

static inline void measure_pin(size_t processor)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    if (sched_setaffinity(0, sizeof set, &set) < 0)
        fprintf(stderr, "%s: not pinned: %s\n", program_invocation_short_name, strerror(errno));
}

#endif
