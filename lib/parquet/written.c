#include "parquet/written.h"

#include <string.h>

#include "base/calendar.h"
#include "base/csv.h"
#include "base/decimal.h"
#include "base/json.h"
#include "base/number.h"

/* Longer numbers are none that int64 holds, but for zeros that nobody writes. */
#define NUMBER_SIZE 400

/* ---- numbers ---- */

/* Another notation (+1, .5, 1., 007) as JSON has it; false where it is too long. */
static bool tighten(const char *text, size_t length, char out[NUMBER_SIZE], size_t *made)
{
    const char *at = text;
    const char *end = text + length;
    char *to = out;

    if (length + 2 > NUMBER_SIZE)
        return false;
    if (*at == '-')
        *to++ = '-';
    at += *at == '-' || *at == '+';
    while (end - at > 1 && at[0] == '0' && at[1] >= '0' && at[1] <= '9')
        at++;
    if (at < end && *at == '.')
        *to++ = '0';
    while (at < end) {
        bool bare_point = *at == '.' && (at + 1 == end || at[1] < '0' || at[1] > '9');
        if (bare_point)
            at++;
        else
            *to++ = *at++;
    }
    *made = (size_t)(to - out);
    return true;
}

int msim_written_number(const char *text, size_t length, int64_t *mantissa, int8_t *exponent)
{
    char tight[NUMBER_SIZE];
    int own = 0;

    int r = msim_decimal_parse_any(text, length, mantissa, &own);
    if (r >= 0 || r == MSIM_ERR_OVERFLOW) {
        *exponent = (int8_t)own;
        return r;
    }
    enum msim_csv_kind kind = msim_csv_number(text, length);
    if (kind != MSIM_CSV_PLAIN && kind != MSIM_CSV_LOOSE)
        return MSIM_ERR_FORMAT;
    if (!tighten(text, length, tight, &length))
        return MSIM_ERR_OVERFLOW;
    r = msim_json_decimal_any(tight, 0, length, mantissa, &own);
    *exponent = (int8_t)own;
    return r;
}

/* ---- moments ---- */

static int from_number(const char *text, size_t length, int64_t unit, msim_time *time)
{
    int64_t mantissa;
    int8_t exponent;

    int r = msim_written_number(text, length, &mantissa, &exponent);
    if (r < 0)
        return r;
    if (unit == 0)
        return MSIM_ERR_UNSUPPORTED;
    msim_int128 total = (msim_int128)mantissa * unit;
    for (; exponent < 0; exponent++) {
        if (total % 10 != 0)
            return MSIM_ERR_OVERFLOW;
        total /= 10;
    }
    if (total >= MSIM_TIME_NEVER || total <= -MSIM_TIME_NEVER)
        return MSIM_ERR_OVERFLOW;
    *time = (msim_time)total;
    return MSIM_OK;
}

static bool two_digits(const char *text, int limit, int *value)
{
    unsigned tens = (unsigned)(text[0] - '0');
    unsigned ones = (unsigned)(text[1] - '0');

    *value = (int)(tens * 10 + ones);
    return tens <= 9 && ones <= 9 && *value < limit;
}

/* The time of a day that is known: " 00:00:29.338000" and a Z perhaps; false for anything else. */
static bool read_clock(const char *text, size_t length, int64_t *of_day)
{
    int hours, minutes, seconds;

    if (length > 0 && text[length - 1] == 'Z')
        length--;
    if (length < 9 || (text[0] != ' ' && text[0] != 'T') || text[3] != ':' || text[6] != ':' ||
        !two_digits(text + 1, 24, &hours) || !two_digits(text + 4, 60, &minutes) ||
        !two_digits(text + 7, 60, &seconds))
        return false;
    int64_t fraction = 0;
    if (length > 9) {
        if (text[9] != '.' || length == 10 || length > 19)
            return false;
        for (size_t i = 10; i < 19; i++) {
            unsigned digit = i < length ? (unsigned)(text[i] - '0') : 0;
            if (digit > 9)
                return false;
            fraction = fraction * 10 + digit;
        }
    }
    *of_day = ((int64_t)hours * 3600 + minutes * 60 + seconds) * MSIM_NS_PER_S + fraction;
    return true;
}

/* Days near the ends of what nanoseconds hold go the long way. */
static void keep_day(const char *text, msim_time time, struct written_day *day)
{
    const int64_t length = INT64_C(86400) * MSIM_NS_PER_S;
    int64_t rest = time % length;

    if (time < INT64_MIN + 2 * length || time > INT64_MAX - 2 * length)
        return;
    memcpy(day->text, text, sizeof day->text);
    day->start = time - rest - (rest < 0 ? length : 0);
}

int msim_written_moment(const char *text, size_t length, int64_t unit, struct written_day *day,
                        msim_time *time)
{
    bool has_date = length >= sizeof day->text && text[4] == '-' && text[7] == '-';
    int64_t of_day;

    if (!has_date)
        return from_number(text, length, unit, time);
    const char *clock = text + sizeof day->text;
    if (memcmp(text, day->text, sizeof day->text) == 0 &&
        read_clock(clock, length - sizeof day->text, &of_day)) {
        *time = day->start + of_day;
        return MSIM_OK;
    }
    int r = msim_calendar_parse(text, length, time);
    if (r >= 0 && (*time >= MSIM_TIME_NEVER || *time <= -MSIM_TIME_NEVER))
        r = MSIM_ERR_OVERFLOW;
    if (r < 0)
        return r == MSIM_ERR_OVERFLOW ? r : MSIM_ERR_FORMAT;
    /* What has an offset may lie in another day. */
    if (read_clock(clock, length - sizeof day->text, &of_day) || length == sizeof day->text)
        keep_day(text, *time, day);
    return MSIM_OK;
}
