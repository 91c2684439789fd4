#include "server/dashboard/exact.h"

#include <stdbool.h>
#include <string.h>

#include <marketsim/base.h>

#define BASE INT64_C(1000000000)
#define DIGITS 9
/* A limb takes as many additions of one digit each. */
#define MOST_PENDING 1000000

static const int64_t powers[DIGITS] = {1,      10,      100,      1000,     10000,
                                       100000, 1000000, 10000000, 100000000};

/* The parts of a number's text. */
struct notation {
    bool is_negative;
    const char *whole;
    size_t whole_length;
    const char *fraction;
    size_t fraction_length;
    long exponent;
};

static size_t digits(const char *text, size_t at, size_t length)
{
    size_t start = at;

    while (at < length && text[at] >= '0' && text[at] <= '9')
        at++;
    return at - start;
}

static bool read_exponent(struct notation *out, const char *text, size_t at, size_t length)
{
    bool is_negative = at < length && text[at] == '-';

    if (at < length && (text[at] == '-' || text[at] == '+'))
        at++;
    size_t count = digits(text, at, length);
    if (count == 0 || at + count != length)
        return false;
    for (size_t i = 0; i < count; i++)
        if (out->exponent < 100000)
            out->exponent = out->exponent * 10 + (text[at + i] - '0');
    if (is_negative)
        out->exponent = -out->exponent;
    return true;
}

static bool read_notation(struct notation *out, const char *text, size_t length)
{
    size_t at = length > 0 && (text[0] == '-' || text[0] == '+') ? 1 : 0;

    *out = (struct notation){.is_negative = at == 1 && text[0] == '-', .fraction = text};
    out->whole = text + at;
    out->whole_length = digits(text, at, length);
    at += out->whole_length;
    if (at < length && text[at] == '.') {
        out->fraction = text + at + 1;
        out->fraction_length = digits(text, at + 1, length);
        at += 1 + out->fraction_length;
    }
    if (out->whole_length + out->fraction_length == 0)
        return false;
    if (at < length && (text[at] == 'e' || text[at] == 'E'))
        return read_exponent(out, text, at + 1, length);
    return at == length;
}

/* The digits of one part, whose first stands for 10^`place`; `sum` may be NULL. */
static bool add_digits(struct msim_exact *sum, const char *text, size_t length, long place,
                       bool is_negative)
{
    for (size_t i = 0; i < length; i++, place--) {
        int64_t digit = text[i] - '0';
        if (digit == 0)
            continue;
        if (place < -MSIM_EXACT_SIDE || place >= MSIM_EXACT_SIDE)
            return false;
        if (!sum)
            continue;
        long shifted = place + MSIM_EXACT_SIDE;
        int64_t part = digit * powers[shifted % DIGITS];
        sum->limbs[shifted / DIGITS] += is_negative ? -part : part;
    }
    return true;
}

static bool add_parts(struct msim_exact *sum, const struct notation *number)
{
    return add_digits(sum, number->whole, number->whole_length,
                      (long)number->whole_length - 1 + number->exponent, number->is_negative) &&
           add_digits(sum, number->fraction, number->fraction_length, -1 + number->exponent,
                      number->is_negative);
}

/* All limbs but the highest between -BASE and BASE. */
static void settle(struct msim_exact *sum)
{
    for (size_t i = 0; i + 1 < MSIM_EXACT_LIMBS; i++) {
        sum->limbs[i + 1] += sum->limbs[i] / BASE;
        sum->limbs[i] %= BASE;
    }
    sum->pending = 0;
}

int msim_exact_check(const char *text, size_t length)
{
    struct notation number;

    if (!read_notation(&number, text, length))
        return MSIM_ERR_INVALID;
    return add_parts(NULL, &number) ? MSIM_OK : MSIM_ERR_OVERFLOW;
}

int msim_exact_add(struct msim_exact *sum, const char *text, size_t length)
{
    struct notation number;

    if (!read_notation(&number, text, length))
        return MSIM_ERR_INVALID;
    if (!add_parts(NULL, &number))
        return MSIM_ERR_OVERFLOW;
    add_parts(sum, &number);
    if (++sum->pending >= MOST_PENDING)
        settle(sum);
    return MSIM_OK;
}

void msim_exact_join(struct msim_exact *sum, const struct msim_exact *other)
{
    struct msim_exact settled = *other;

    settle(&settled);
    settle(sum);
    for (size_t i = 0; i < MSIM_EXACT_LIMBS; i++)
        sum->limbs[i] += settled.limbs[i];
    settle(sum);
}

/* All limbs of one sign, none negative; returns whether the sum was. */
static bool make_positive(struct msim_exact *sum)
{
    size_t highest = MSIM_EXACT_LIMBS;

    settle(sum);
    while (highest > 0 && sum->limbs[highest - 1] == 0)
        highest--;
    bool is_negative = highest > 0 && sum->limbs[highest - 1] < 0;
    for (size_t i = 0; is_negative && i < highest; i++)
        sum->limbs[i] = -sum->limbs[i];
    for (size_t i = 0; i + 1 < highest; i++)
        if (sum->limbs[i] < 0) {
            sum->limbs[i] += BASE;
            sum->limbs[i + 1]--;
        }
    return is_negative;
}

size_t msim_exact_print(const struct msim_exact *sum, char out[MSIM_EXACT_SIZE])
{
    struct msim_exact copy = *sum;
    char all[MSIM_EXACT_LIMBS * DIGITS];
    size_t at = 0;
    size_t first = 0;
    size_t point = sizeof all - MSIM_EXACT_SIDE;
    size_t end = sizeof all;

    bool is_negative = make_positive(&copy);
    for (size_t i = 0; i < sizeof all; i++)
        all[sizeof all - 1 - i] = (char)('0' + copy.limbs[i / DIGITS] / powers[i % DIGITS] % 10);
    while (first + 1 < point && all[first] == '0')
        first++;
    while (end > point && all[end - 1] == '0')
        end--;
    if (is_negative)
        out[at++] = '-';
    memcpy(out + at, all + first, point - first);
    at += point - first;
    if (end > point) {
        out[at++] = '.';
        memcpy(out + at, all + point, end - point);
        at += end - point;
    }
    out[at] = '\0';
    return at;
}
