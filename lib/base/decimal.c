/*
 * Digits are made two at a time from a table; everything else is counting.
 */
#include "base/decimal.h"

#include <assert.h>
#include <string.h>

#include "base/number.h"

const int64_t msim_pow10[19] = {
    INT64_C(1),
    INT64_C(10),
    INT64_C(100),
    INT64_C(1000),
    INT64_C(10000),
    INT64_C(100000),
    INT64_C(1000000),
    INT64_C(10000000),
    INT64_C(100000000),
    INT64_C(1000000000),
    INT64_C(10000000000),
    INT64_C(100000000000),
    INT64_C(1000000000000),
    INT64_C(10000000000000),
    INT64_C(100000000000000),
    INT64_C(1000000000000000),
    INT64_C(10000000000000000),
    INT64_C(100000000000000000),
    INT64_C(1000000000000000000),
};

static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                            "25262728293031323334353637383940414243444546474849"
                            "50515253545556575859606162636465666768697071727374"
                            "75767778798081828384858687888990919293949596979899";

static size_t digit_count(uint64_t value)
{
    const size_t bits = (size_t)(64 - __builtin_clzll(value | 1));
    const size_t least = bits * 1233 >> 12; /* bits * log10(2): one below, or right */

    if (least == 19)
        return value >= UINT64_C(10000000000000000000) ? 20 : 19;
    return least + ((value | 1) >= (uint64_t)msim_pow10[least]);
}

size_t msim_decimal_digits(uint64_t value, char *out)
{
    size_t length = digit_count(value);
    char *p = out + length;

    while (value >= 100) {
        p -= 2;
        memcpy(p, pairs + 2 * (value % 100), 2);
        value /= 100;
    }
    if (value >= 10)
        memcpy(p - 2, pairs + 2 * value, 2);
    else
        p[-1] = (char)('0' + value);
    return length;
}

size_t msim_decimal_print(int64_t mantissa, int exponent, char out[MSIM_DECIMAL_SIZE])
{
    assert(exponent >= MSIM_DECIMAL_EXPONENT_MIN && exponent <= 0);

    size_t scale = (size_t)-exponent;
    char digits[20];
    uint64_t magnitude = mantissa < 0 ? 0 - (uint64_t)mantissa : (uint64_t)mantissa;
    size_t count = msim_decimal_digits(magnitude, digits);
    char *p = out;

    if (mantissa < 0)
        *p++ = '-';
    if (count > scale) {
        memcpy(p, digits, count - scale);
        p += count - scale;
    } else {
        *p++ = '0';
    }
    if (scale > 0) {
        *p++ = '.';
        for (size_t i = count; i < scale; i++)
            *p++ = '0';
        size_t below = count < scale ? count : scale;
        memcpy(p, digits + count - below, below);
        p += below;
    }
    *p = '\0';
    return (size_t)(p - out);
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define EIGHT_DIGITS UINT64_C(100000000)

/* The eight digits of a number below 10^8, a byte each, the first one lowest. */
static uint64_t eight_digits(uint64_t value)
{
    const uint64_t fours = value / 10000 | (value % 10000) << 32;
    const uint64_t hundreds = (fours * 10486 >> 20) & UINT64_C(0x0000007f0000007f);
    const uint64_t twos = hundreds | (fours - 100 * hundreds) << 16;
    const uint64_t tens = (twos * 103 >> 10) & UINT64_C(0x000f000f000f000f);

    return tens | (twos - 10 * tens) << 8;
}

#define ZEROS UINT64_C(0x3030303030303030) /* eight characters */

/* A number below 10^8 without zeros before it; eight characters are written. */
static char *put_whole(uint64_t whole, char *p)
{
    if (whole < 10) {
        *p = (char)('0' + whole);
        return p + 1;
    }
    const uint64_t digits = eight_digits(whole);
    const unsigned leading = (unsigned)__builtin_ctzll(digits) / 8;
    const uint64_t text = (digits + ZEROS) >> 8 * leading;
    memcpy(p, &text, sizeof text);
    return p + 8 - leading;
}

/* Eight digits of a fraction that is not zero, without the zeros at their end. */
static char *put_fraction(uint64_t fraction, char *p)
{
    const uint64_t digits = eight_digits(fraction);
    const uint64_t text = digits + ZEROS;

    memcpy(p, &text, sizeof text);
    return p + 8 - (unsigned)__builtin_clzll(digits) / 8;
}
#endif

/* The digits of a fraction that is not zero, without the zeros at its end. */
static size_t fraction_digits(uint64_t fraction, size_t scale, char *out)
{
    char *p = out + scale;

    while (p - out >= 2) {
        p -= 2;
        memcpy(p, pairs + 2 * (fraction % 100), 2);
        fraction /= 100;
    }
    if (p > out)
        *out = (char)('0' + fraction);
    while (out[scale - 1] == '0')
        scale--;
    return scale;
}

/* Its parts, where they are as long as numbers can be. */
static char *put_long(uint64_t whole, uint64_t fraction, size_t scale, char *p)
{
    p += msim_decimal_digits(whole, p);
    if (fraction > 0) {
        *p++ = '.';
        p += fraction_digits(fraction, scale, p);
    }
    return p;
}

size_t msim_decimal_print_short(int64_t mantissa, int exponent, char out[MSIM_DECIMAL_SIZE])
{
    assert(exponent >= MSIM_DECIMAL_EXPONENT_MIN && exponent <= 0);

    const size_t scale = (size_t)-exponent;
    const uint64_t unit = (uint64_t)msim_pow10[scale];
    const uint64_t magnitude = mantissa < 0 ? 0 - (uint64_t)mantissa : (uint64_t)mantissa;
    const uint64_t whole = magnitude / unit;
    const uint64_t fraction = magnitude - whole * unit;
    char *p = out;

    if (mantissa < 0)
        *p++ = '-';
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (whole < EIGHT_DIGITS && scale <= 8) {
        p = put_whole(whole, p);
        if (fraction > 0) {
            *p++ = '.';
            p = put_fraction(fraction * (uint64_t)msim_pow10[8 - scale], p);
        }
    } else
#endif
        p = put_long(whole, fraction, scale, p);
    *p = '\0';
    return (size_t)(p - out);
}

/* The digits of a text as one number, with the places of its point. */
struct digits {
    uint64_t magnitude;
    bool negative;
    bool overflow;   /* more than uint64 holds */
    size_t fraction; /* digits behind the point that are in the magnitude */
    size_t zeros;    /* zeros behind those, not in the magnitude */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void push_digit(struct digits *d, unsigned digit)
{
    if (__builtin_mul_overflow(d->magnitude, (uint64_t)10, &d->magnitude) ||
        __builtin_add_overflow(d->magnitude, (uint64_t)digit, &d->magnitude))
        d->overflow = true;
}

static bool read_digits(const char *text, size_t length, struct digits *d)
{
    size_t i = 0;

    *d = (struct digits){0};
    if (i < length && text[i] == '-') {
        d->negative = true;
        i++;
    }
    size_t first = i;
    for (; i < length && is_digit(text[i]); i++)
        push_digit(d, (unsigned)(text[i] - '0'));
    if (i == first)
        return false;
    if (i == length)
        return true;
    if (text[i] != '.' || i + 1 == length)
        return false;
    for (i++; i < length; i++) {
        if (!is_digit(text[i]))
            return false;
        if (text[i] == '0') {
            d->zeros++;
            continue;
        }
        for (; d->zeros > 0; d->zeros--, d->fraction++)
            push_digit(d, 0);
        push_digit(d, (unsigned)(text[i] - '0'));
        d->fraction++;
    }
    return true;
}

static int sign(const struct digits *d, uint64_t magnitude, int64_t *mantissa)
{
    if (d->negative) {
        if (magnitude > (uint64_t)INT64_MAX + 1)
            return MSIM_ERR_OVERFLOW;
        *mantissa = (int64_t)(0 - magnitude);
        return MSIM_OK;
    }
    if (magnitude > (uint64_t)INT64_MAX)
        return MSIM_ERR_OVERFLOW;
    *mantissa = (int64_t)magnitude;
    return MSIM_OK;
}

/* Appends zeros until the magnitude stands at `fraction` digits behind the point. */
static int finish_at(const struct digits *d, size_t fraction, int64_t *mantissa)
{
    if (d->overflow || d->fraction > fraction)
        return MSIM_ERR_OVERFLOW;
    uint64_t magnitude = d->magnitude;
    if (magnitude != 0 &&
        __builtin_mul_overflow(magnitude, (uint64_t)msim_pow10[fraction - d->fraction], &magnitude))
        return MSIM_ERR_OVERFLOW;
    return sign(d, magnitude, mantissa);
}

/*
 * So few digits that they fit whatever they are, with a point among them or none: what nearly every
 * number is.  False says nothing of it: then it is read with all care.
 */
static bool read_short(const char *text, size_t length, size_t scale, int64_t *mantissa)
{
    int64_t value = 0;
    size_t fraction = 0;
    size_t i = 0;

    for (; i < length && is_digit(text[i]); i++)
        value = value * 10 + (text[i] - '0');
    if (i == 0)
        return false;
    if (i < length) {
        fraction = length - i - 1;
        if (text[i] != '.' || fraction == 0 || fraction > scale)
            return false;
        for (i++; i < length && is_digit(text[i]); i++)
            value = value * 10 + (text[i] - '0');
    }
    if (i < length || !msim_mul_check(value, msim_pow10[scale - fraction], &value))
        return false;
    *mantissa = value;
    return true;
}

#define SHORT_MOST 18

int msim_decimal_parse(const char *text, size_t length, int exponent, int64_t *mantissa)
{
    assert(exponent >= MSIM_DECIMAL_EXPONENT_MIN && exponent <= 0);

    struct digits d;
    if (length <= SHORT_MOST && read_short(text, length, (size_t)-exponent, mantissa))
        return MSIM_OK;
    if (!read_digits(text, length, &d))
        return MSIM_ERR_INVALID;
    return finish_at(&d, (size_t)-exponent, mantissa);
}

int msim_decimal_parse_any(const char *text, size_t length, int64_t *mantissa, int *exponent)
{
    struct digits d;
    if (!read_digits(text, length, &d))
        return MSIM_ERR_INVALID;

    size_t fraction = d.fraction + d.zeros;
    if (fraction > (size_t)-MSIM_DECIMAL_EXPONENT_MIN)
        fraction = d.fraction > (size_t)-MSIM_DECIMAL_EXPONENT_MIN
                       ? d.fraction
                       : (size_t)-MSIM_DECIMAL_EXPONENT_MIN;
    if (fraction > (size_t)-MSIM_DECIMAL_EXPONENT_MIN)
        return MSIM_ERR_OVERFLOW;
    int r = finish_at(&d, fraction, mantissa);
    if (r < 0)
        return r;
    *exponent = -(int)fraction;
    return MSIM_OK;
}

int msim_decimal_rescale(int64_t mantissa, int from, int to, int64_t *out)
{
    assert(from >= MSIM_DECIMAL_EXPONENT_MIN && from <= 0);
    assert(to >= MSIM_DECIMAL_EXPONENT_MIN && to <= 0);

    if (to <= from)
        return msim_mul_check(mantissa, msim_pow10[from - to], out) ? MSIM_OK : MSIM_ERR_OVERFLOW;

    int shift = to - from;
    if (mantissa % msim_pow10[shift] != 0)
        return MSIM_ERR_OVERFLOW;
    *out = mantissa / msim_pow10[shift];
    return MSIM_OK;
}
