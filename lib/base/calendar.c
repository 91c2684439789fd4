/*
 * The day count is Howard Hinnant's ("chrono-Compatible Low-Level Date
 * Algorithms"): years begin in March, so that the leap day is the last one.
 */
#include "base/calendar.h"

#include "base/number.h"

#define NS_PER_DAY (INT64_C(86400) * MSIM_NS_PER_S)

struct msim_calendar_date msim_calendar_from_days(int64_t days)
{
    int64_t shifted = days + 719468;
    int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t march_month = (5 * day_of_year + 2) / 153;

    struct msim_calendar_date date;
    date.day = (uint8_t)(day_of_year - (153 * march_month + 2) / 5 + 1);
    date.month = (uint8_t)(march_month < 10 ? march_month + 3 : march_month - 9);
    date.year = (int32_t)(year_of_era + era * 400 + (date.month <= 2));
    return date;
}

int64_t msim_calendar_to_days(struct msim_calendar_date date)
{
    int64_t year = (int64_t)date.year - (date.month <= 2);
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t march_month = date.month > 2 ? date.month - 3 : date.month + 9;
    int64_t day_of_year = (153 * march_month + 2) / 5 + date.day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * 146097 + day_of_era - 719468;
}

static char *put_number(char *p, uint32_t value, int width)
{
    for (int i = width - 1; i >= 0; i--, value /= 10)
        p[i] = (char)('0' + value % 10);
    return p + width;
}

size_t msim_calendar_print(msim_time time, enum msim_calendar_style style,
                           char out[MSIM_CALENDAR_SIZE])
{
    int64_t days = time / NS_PER_DAY;
    int64_t rest = time % NS_PER_DAY;
    if (rest < 0) {
        rest += NS_PER_DAY;
        days--;
    }
    struct msim_calendar_date date = msim_calendar_from_days(days);
    uint32_t seconds = (uint32_t)(rest / MSIM_NS_PER_S);
    uint32_t fraction = (uint32_t)(rest % MSIM_NS_PER_S);
    char *p = out;

    p = put_number(p, (uint32_t)date.year, 4);
    *p++ = '-';
    p = put_number(p, date.month, 2);
    *p++ = '-';
    p = put_number(p, date.day, 2);
    *p++ = style == MSIM_CALENDAR_ISO ? 'T' : ' ';
    p = put_number(p, seconds / 3600, 2);
    *p++ = ':';
    p = put_number(p, seconds / 60 % 60, 2);
    *p++ = ':';
    p = put_number(p, seconds % 60, 2);
    if (fraction % 1000 != 0) {
        *p++ = '.';
        p = put_number(p, fraction, 9);
    } else if (fraction != 0 || style == MSIM_CALENDAR_ISO) {
        *p++ = '.';
        p = put_number(p, fraction / 1000, 6);
    }
    if (style == MSIM_CALENDAR_ISO)
        *p++ = 'Z';
    *p = '\0';
    return (size_t)(p - out);
}

/* A reader over the text; a step that does not fit makes it fail for good. */
struct reader {
    const char *at;
    const char *end;
    bool failed;
};

static uint32_t read_number(struct reader *reader, int width, uint32_t most)
{
    uint32_t value = 0;

    if (reader->end - reader->at < width) {
        reader->failed = true;
        return 0;
    }
    for (int i = 0; i < width; i++) {
        char c = *reader->at++;
        if (c < '0' || c > '9') {
            reader->failed = true;
            return 0;
        }
        value = value * 10 + (uint32_t)(c - '0');
    }
    if (value > most)
        reader->failed = true;
    return value;
}

static bool take(struct reader *reader, char c)
{
    if (reader->failed || reader->at == reader->end || *reader->at != c)
        return false;
    reader->at++;
    return true;
}

static void expect(struct reader *reader, char c)
{
    if (!take(reader, c))
        reader->failed = true;
}

static uint32_t read_fraction(struct reader *reader)
{
    uint32_t value = 0;
    int digits = 0;

    while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9') {
        if (++digits > 9) {
            reader->failed = true;
            return 0;
        }
        value = value * 10 + (uint32_t)(*reader->at++ - '0');
    }
    if (digits == 0)
        reader->failed = true;
    for (; digits < 9; digits++)
        value *= 10;
    return value;
}

/* Seconds east of UTC. */
static int64_t read_offset(struct reader *reader)
{
    bool east = take(reader, '+');
    if (!east && !take(reader, '-')) {
        take(reader, 'Z');
        return 0;
    }
    int64_t hours = read_number(reader, 2, 23);
    take(reader, ':');
    int64_t minutes = read_number(reader, 2, 59);
    int64_t offset = hours * 3600 + minutes * 60;
    return east ? offset : -offset;
}

static uint32_t days_of_month(int32_t year, uint32_t month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return month == 2 && leap ? 29 : days[month - 1];
}

int msim_calendar_parse(const char *text, size_t length, msim_time *time)
{
    struct reader reader = {.at = text, .end = text + length};
    struct msim_calendar_date date;
    int64_t seconds = 0;
    int64_t fraction = 0;

    date.year = (int32_t)read_number(&reader, 4, 9999);
    expect(&reader, '-');
    date.month = (uint8_t)read_number(&reader, 2, 12);
    expect(&reader, '-');
    date.day = (uint8_t)read_number(&reader, 2, 31);
    if (reader.failed || date.month == 0 || date.day == 0 ||
        date.day > days_of_month(date.year, date.month))
        return MSIM_ERR_INVALID;

    if (take(&reader, 'T') || take(&reader, ' ')) {
        seconds = read_number(&reader, 2, 23) * 3600;
        expect(&reader, ':');
        seconds += read_number(&reader, 2, 59) * 60;
        if (take(&reader, ':')) {
            seconds += read_number(&reader, 2, 59);
            if (take(&reader, '.'))
                fraction = read_fraction(&reader);
        }
        seconds -= read_offset(&reader);
    }
    if (reader.failed || reader.at != reader.end)
        return MSIM_ERR_INVALID;

    seconds += msim_calendar_to_days(date) * 86400;
    /* Before 1970 the fraction counts up from a second that alone may not fit. */
    msim_int128 total = (msim_int128)seconds * MSIM_NS_PER_S + fraction;
    if (total < INT64_MIN || total > INT64_MAX)
        return MSIM_ERR_OVERFLOW;
    *time = (msim_time)total;
    return MSIM_OK;
}

int msim_calendar_from_count(int64_t count, int64_t coarsest, msim_time *time)
{
    static const struct {
        int64_t least;
        int64_t unit;
    } units[] = {
        {INT64_C(100000000000000000), 1},
        {INT64_C(100000000000000), MSIM_NS_PER_US},
        {INT64_C(100000000000), MSIM_NS_PER_MS},
        {1, MSIM_NS_PER_S},
    };

    for (size_t i = 0; i < sizeof units / sizeof units[0] && units[i].unit <= coarsest; i++)
        if (count >= units[i].least)
            return __builtin_mul_overflow(count, units[i].unit, time) ? MSIM_ERR_OVERFLOW : MSIM_OK;
    return MSIM_ERR_INVALID;
}
