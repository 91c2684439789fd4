/*
 * Sums of decimal numbers, exact: a fixed point with 45 digits on each side.
 *
 * Limbs of nine digits, each with a sign of its own until somebody looks, so that adding costs
 * as much as the number has digits and carries wait.
 */
#ifndef MSIM_SERVER_DASHBOARD_EXACT_H
#define MSIM_SERVER_DASHBOARD_EXACT_H

#include <stddef.h>
#include <stdint.h>

#define MSIM_EXACT_SIDE 45 /* digits on each side of the point */
#define MSIM_EXACT_LIMBS 12
#define MSIM_EXACT_SIZE 112 /* of the longest text, with its terminator */

/* Zeroed is 0. */
struct msim_exact {
    int64_t limbs[MSIM_EXACT_LIMBS]; /* the lowest first */
    uint32_t pending;                /* additions since the carries were settled */
};

/*
 * Adds a number in decimal notation, with or without an exponent.  MSIM_ERR_INVALID for what is
 * none, MSIM_ERR_OVERFLOW for one with digits beyond the 45 on either side: nothing is added.
 */
int msim_exact_add(struct msim_exact *sum, const char *text, size_t length);

/* The same without adding it anywhere. */
int msim_exact_check(const char *text, size_t length);

void msim_exact_join(struct msim_exact *sum, const struct msim_exact *other);

/* Without zeros at the end: "-12.5"; returns the length. */
size_t msim_exact_print(const struct msim_exact *sum, char out[MSIM_EXACT_SIZE]);

#endif
