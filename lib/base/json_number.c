/*
 * Numbers, exactly: the digits that count as one integer and a power of ten.
 */
#include "base/json.h"

#include <assert.h>

#include "base/decimal.h"
#include "base/number.h"

/* Far beyond every exponent that could matter, far below what int64 overflows at. */
#define EXPONENT_END INT64_C(100000000000000000)

struct scientific {
    uint64_t magnitude; /* without trailing zeros */
    bool negative;
    bool overflow;    /* the digits that count are more than uint64 holds */
    int64_t exponent; /* the number is magnitude * 10^exponent */
    int64_t natural;  /* the exponent with all the digits that were written */
};

static void push_digit(struct scientific *number, int64_t *zeros, unsigned digit)
{
    if (digit == 0) {
        ++*zeros;
        return;
    }
    /* Leading zeros are as free as trailing ones. */
    for (; *zeros > 0 && number->magnitude != 0 && !number->overflow; --*zeros)
        if (__builtin_mul_overflow(number->magnitude, (uint64_t)10, &number->magnitude))
            number->overflow = true;
    *zeros = 0;
    if (__builtin_mul_overflow(number->magnitude, (uint64_t)10, &number->magnitude) ||
        __builtin_add_overflow(number->magnitude, (uint64_t)digit, &number->magnitude))
        number->overflow = true;
}

static int64_t read_exponent(const char *p, const char *end)
{
    bool negative = *p == '-';
    int64_t value = 0;

    if (*p == '-' || *p == '+')
        p++;
    for (; p < end; p++)
        if (value < EXPONENT_END)
            value = value * 10 + (*p - '0');
    return negative ? -value : value;
}

/* The text has been through the reader: its form is right. */
static struct scientific read_number(const char *text, size_t start, size_t end)
{
    struct scientific number = {0};
    const char *p = text + start;
    const char *stop = text + end;
    bool fraction = false;
    int64_t zeros = 0;
    int64_t below = 0;

    if (*p == '-') {
        number.negative = true;
        p++;
    }
    for (; p < stop && *p != 'e' && *p != 'E'; p++) {
        if (*p == '.') {
            fraction = true;
            continue;
        }
        push_digit(&number, &zeros, (unsigned)(*p - '0'));
        below += fraction;
    }
    int64_t written = p < stop ? read_exponent(p + 1, stop) : 0;
    number.natural = written - below;
    number.exponent = number.natural + zeros;
    return number;
}

static int at_exponent(const struct scientific *number, int exponent, int64_t *mantissa)
{
    if (number->magnitude == 0 && !number->overflow) {
        *mantissa = 0;
        return MSIM_OK;
    }
    int64_t shift = number->exponent - exponent;
    uint64_t magnitude = number->magnitude;

    if (number->overflow || shift < 0 || shift > 18 ||
        __builtin_mul_overflow(magnitude, (uint64_t)msim_pow10[shift], &magnitude) ||
        magnitude > (uint64_t)INT64_MAX + number->negative)
        return MSIM_ERR_OVERFLOW;
    *mantissa = (int64_t)(number->negative ? 0 - magnitude : magnitude);
    return MSIM_OK;
}

int msim_json_decimal(const char *text, size_t start, size_t end, int exponent, int64_t *mantissa)
{
    assert(exponent >= MSIM_DECIMAL_EXPONENT_MIN && exponent <= 0);

    struct scientific number = read_number(text, start, end);
    return at_exponent(&number, exponent, mantissa);
}

int msim_json_integer(const char *text, size_t start, size_t end, int64_t *value)
{
    return msim_json_decimal(text, start, end, 0, value);
}

int msim_json_decimal_any(const char *text, size_t start, size_t end, int64_t *mantissa,
                          int *exponent)
{
    struct scientific number = read_number(text, start, end);
    int chosen = number.natural > 0                           ? 0
                 : number.natural < MSIM_DECIMAL_EXPONENT_MIN ? MSIM_DECIMAL_EXPONENT_MIN
                                                              : (int)number.natural;
    int r = at_exponent(&number, chosen, mantissa);

    if (r < 0)
        return r;
    *exponent = chosen;
    return MSIM_OK;
}
