/*
 * Lengths of time and sizes as people write them: "250ms", "8M".
 */
#ifndef MSIM_BASE_UNITS_H
#define MSIM_BASE_UNITS_H

#include <marketsim/base.h>

/*
 * A decimal number and a unit, nothing between them: ns us ms s m h d ("1.5s", "250us").
 * MSIM_ERR_INVALID for anything else and for a number below zero, MSIM_ERR_OVERFLOW where the
 * result is no whole number of nanoseconds or does not fit.
 */
int msim_duration_parse(const char *text, size_t length, msim_time *duration);

/* A whole number, then nothing, K, M or G (powers of 1024, also as KiB, MiB, GiB). */
int msim_size_parse(const char *text, size_t length, uint64_t *bytes);

#endif
