/*
 * Spoiled numbers: a decimal number's text in, another text out.
 */
#include "faults/corrupt.h"

#include <string.h>

#include "base/decimal.h"

/* A number as its digits and the place of the point behind the first of them. */
struct number {
    bool negative;
    char digits[NUMBER_TEXT_MOST];
    size_t count;
    int64_t point; /* 0.d1d2d3 * 10^point */
};

static bool read_number(const char *text, size_t length, struct number *out)
{
    size_t i = 0;
    bool fraction = false;

    *out = (struct number){0};
    if (i < length && text[i] == '-') {
        out->negative = true;
        i++;
    }
    for (; i < length && text[i] != 'e' && text[i] != 'E'; i++) {
        if (text[i] == '.') {
            fraction = true;
            continue;
        }
        if (out->count == NUMBER_TEXT_MOST / 2)
            return false;
        if (!fraction && (out->count > 0 || text[i] != '0'))
            out->point++;
        if (out->count > 0 || text[i] != '0')
            out->digits[out->count++] = text[i];
        else if (fraction)
            out->point--;
    }
    if (i == length)
        return true;
    int64_t exponent = 0;
    bool down = i + 1 < length && text[i + 1] == '-';
    for (i += 1; i < length; i++)
        if (text[i] >= '0' && text[i] <= '9' && exponent < 1000)
            exponent = exponent * 10 + (text[i] - '0');
    out->point += down ? -exponent : exponent;
    return true;
}

/* In plain notation; false where that is too long. */
static bool write_plain(const struct number *number, char *out, size_t *length)
{
    size_t at = 0;
    int64_t count = (int64_t)number->count;
    int64_t whole = number->point > 0 ? number->point : 0;
    int64_t zeros = number->point < 0 ? -number->point : 0;

    while (count > whole && number->digits[count - 1] == '0')
        count--;
    if (whole + zeros + count > NUMBER_TEXT_MOST - 8)
        return false;
    if (number->negative)
        out[at++] = '-';
    if (whole == 0)
        out[at++] = '0';
    for (int64_t i = 0; i < whole; i++)
        out[at++] = i < count ? number->digits[i] : '0';
    if (count > whole) {
        out[at++] = '.';
        for (int64_t i = 0; i < zeros; i++)
            out[at++] = '0';
        for (int64_t i = whole; i < count; i++)
            out[at++] = number->digits[i];
    }
    *length = at;
    return true;
}

/* 7100 as 7.1E+3. */
static bool write_scientific(const struct number *number, char *out, size_t *length)
{
    size_t at = 0;
    size_t count = number->count;
    int64_t exponent = count > 0 ? number->point - 1 : 0;

    while (count > 1 && number->digits[count - 1] == '0')
        count--;
    if (number->negative)
        out[at++] = '-';
    out[at++] = count > 0 ? number->digits[0] : '0';
    out[at++] = '.';
    for (size_t i = 1; i < count; i++)
        out[at++] = number->digits[i];
    if (count <= 1)
        out[at++] = '0';
    out[at++] = 'E';
    out[at++] = exponent < 0 ? '-' : '+';
    at += msim_decimal_digits((uint64_t)(exponent < 0 ? -exponent : exponent), out + at);
    *length = at;
    return true;
}

static bool add_digits(struct mutating *mutating, struct number *number)
{
    int64_t wanted = mutating->mutation->digits;

    /* Behind a point: 7100 becomes 7100.381, 0.5 becomes 0.5381. */
    while ((int64_t)number->count < number->point) {
        if (number->count == NUMBER_TEXT_MOST / 2)
            return false;
        number->digits[number->count++] = '0';
    }
    if (number->count == 0)
        number->point = 0;
    for (int64_t i = 0; i < wanted; i++) {
        if (number->count >= NUMBER_TEXT_MOST - 16)
            return false;
        /* None is 0: not at the end, where it would say nothing, nor at the front. */
        number->digits[number->count++] = (char)('1' + msim_fault_mutate_draw(mutating, 9));
    }
    return true;
}

static bool spoil(struct mutating *mutating, const char *text, size_t length,
                  char out[NUMBER_TEXT_MOST], size_t *out_length)
{
    struct number number;

    if (!read_number(text, length, &number))
        return false;
    switch (mutating->mutation->mode) {
    case CORRUPT_NUM_SCALE:
        number.point += mutating->mutation->pow10;
        return number.count > 0 && write_plain(&number, out, out_length);
    case CORRUPT_NUM_SIGN:
        if (length + 1 > NUMBER_TEXT_MOST)
            return false;
        *out_length = length + (number.negative ? (size_t)-1 : 1);
        out[0] = '-';
        memcpy(out + !number.negative, text + number.negative, length - number.negative);
        return true;
    case CORRUPT_NUM_ZERO:
        out[0] = '0';
        *out_length = 1;
        return number.count > 0;
    case CORRUPT_NUM_DIGITS:
        return add_digits(mutating, &number) && write_plain(&number, out, out_length);
    case CORRUPT_NUM_EXP:
        return write_scientific(&number, out, out_length);
    case CORRUPT_NUM_HUGE:
        memcpy(out, "9007199254740993", 16); /* 2^53 + 1: no double holds it */
        *out_length = 16;
        return true;
    default:
        return false;
    }
}

bool msim_fault_mutate_number(struct mutating *mutating, const char *text, size_t length,
                              char out[NUMBER_TEXT_MOST], size_t *out_length)
{
    return spoil(mutating, text, length, out, out_length) &&
           (*out_length != length || memcmp(out, text, length) != 0);
}
