/*
 * Decimal numbers: an int64 mantissa and an exponent, to text and back, exactly.
 */
#ifndef MSIM_BASE_DECIMAL_H
#define MSIM_BASE_DECIMAL_H

#include <marketsim/base.h>

#define MSIM_DECIMAL_EXPONENT_MIN (-18)

/* The longest text: a sign, 19 digits, a point and a leading zero, and the terminator. */
#define MSIM_DECIMAL_SIZE 24

/*
 * Writes mantissa * 10^exponent in plain notation with every digit that the
 * exponent asks for ("1.500" for 1500 at -3, "-0.07", "12"), a terminator
 * behind it, and returns the length.  The exponent is in -18..0.
 */
size_t msim_decimal_print(int64_t mantissa, int exponent, char out[MSIM_DECIMAL_SIZE]);

/* The same without trailing zeros of the fraction: "1.5". */
size_t msim_decimal_print_short(int64_t mantissa, int exponent, char out[MSIM_DECIMAL_SIZE]);

/*
 * Reads plain decimal notation: an optional '-', digits, optionally a point and
 * digits; all of `text`, nothing around it, no exponent.
 *
 * msim_decimal_parse gives the mantissa at `exponent`; trailing zeros beyond it
 * are allowed.  MSIM_ERR_INVALID: not a number.  MSIM_ERR_OVERFLOW: a number
 * that int64 at this exponent does not hold, because it is too large or has a
 * digit other than zero below the exponent.
 */
int msim_decimal_parse(const char *text, size_t length, int exponent, int64_t *mantissa);

/* The same with the exponent that the text itself has: "1.50" is 150 at -2. */
int msim_decimal_parse_any(const char *text, size_t length, int64_t *mantissa, int *exponent);

/* From one exponent to another; MSIM_ERR_OVERFLOW where that is not exact or does not fit. */
int msim_decimal_rescale(int64_t mantissa, int from, int to, int64_t *out);

/* The digits of an unsigned number without terminator; at most 20; returns their count. */
size_t msim_decimal_digits(uint64_t value, char *out);

#endif
