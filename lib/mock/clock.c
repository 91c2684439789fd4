/*
 * Sessions are numbered from a Monday long ago, so that both directions are
 * divisions: nothing is searched and nothing depends on what was asked before.
 */
#include "mock/clock.h"

#include "base/detail.h"
#include "mock/math.h"

#define DAY (INT64_C(86400) * MSIM_NS_PER_S)
#define WORKDAYS 0x1f
#define ALL_DAYS 0x7f
/* 1970-01-01 was a Thursday: three days behind a Monday. */
#define THURSDAY 3

static int64_t floor_div(int64_t a, int64_t b)
{
    int64_t quotient = a / b;

    return a % b < 0 ? quotient - 1 : quotient;
}

/* The part of a session's activity that lies before part x of it: the integral of the season. */
static double done_before(const struct msim_mock_clock *clock, double x)
{
    double u = 2 * x - 1;

    return clock->flat * x + clock->bend * (u * u * u + 1) / 6;
}

/*
 * The inverse: with u = 2x - 1 it is the odd cubic bend u^3 / 6 + flat u / 2 = y - 1/2.
 * From u = 1 Newton's steps fall towards the root of the positive half, which is convex.
 */
static double part_at(const struct msim_mock_clock *clock, double y)
{
    double goal = y < 0.5 ? 0.5 - y : y - 0.5;
    double u = 1;

    for (int i = 0; i < 64; i++) {
        double value = u * (clock->bend * u * u / 6 + clock->flat / 2) - goal;
        double next = u - value / (clock->bend * u * u / 2 + clock->flat / 2);
        if (!(next < u))
            break;
        u = next;
    }
    return y < 0.5 ? (1 - u) / 2 : (1 + u) / 2;
}

static void count_sessions(struct msim_mock_clock *clock)
{
    uint8_t count = 0;

    for (int day = 0; day < 7; day++) {
        clock->before[day] = count;
        count = (uint8_t)(count + (clock->weekdays >> day & 1));
    }
    clock->before[7] = count;
    clock->per_week = count;
}

int msim_mock_clock_init(struct msim_mock_clock *clock, const struct msim_mock_params *params,
                         struct msim_detail *detail)
{
    const struct msim_mock_calendar *calendar = &params->calendar;
    double ratio = params->season > 0 ? params->season : 1;

    if (!(params->season >= 0 && params->season <= 100))
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "season: open by middle of the day, 0 (flat) or 1 to 100");
    if (params->season > 0 && params->season < 1)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "season: a market calmer at its open than at noon is not modelled; "
                               "give 1 to 100");
    *clock = (struct msim_mock_clock){.start = params->start, .length = DAY, .weekdays = ALL_DAYS};
    clock->plain = !calendar->enabled && ratio == 1;
    clock->flat = 3 / (ratio + 2);
    clock->bend = clock->flat * (ratio - 1);
    if (calendar->enabled) {
        clock->weekdays = calendar->weekdays ? calendar->weekdays : WORKDAYS;
        clock->open = calendar->open;
        clock->length = calendar->close - calendar->open;
        if (calendar->open == 0 && calendar->close == 0) {
            clock->open = (INT64_C(14) * 60 + 30) * 60 * MSIM_NS_PER_S;
            clock->length = (INT64_C(6) * 60 + 30) * 60 * MSIM_NS_PER_S;
        }
        if (clock->open < 0 || clock->open >= DAY || clock->length <= 0 ||
            clock->length > DAY - clock->open || clock->weekdays > ALL_DAYS)
            return msim_detail_set(detail, MSIM_ERR_INVALID,
                                   "calendar: open must be before close within one day of UTC, and "
                                   "weekdays of seven bits");
        if (calendar->overnight < 0 || calendar->overnight > DAY - clock->length)
            return msim_detail_set(
                detail, MSIM_ERR_INVALID,
                "calendar: overnight is model time of 0 to what a session leaves "
                "of 24 h");
    } else if (calendar->overnight != 0) {
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "calendar: overnight needs a calendar with `enabled`");
    }
    count_sessions(clock);
    clock->origin = 0;
    if (!clock->plain)
        clock->origin = msim_mock_clock_business(clock, params->start).business;
    return MSIM_OK;
}

/* The number of sessions before a day, and whether it has one itself. */
static int64_t sessions_before(const struct msim_mock_clock *clock, int64_t day, bool *open_day)
{
    int64_t week = floor_div(day + THURSDAY, 7);
    int64_t weekday = day + THURSDAY - week * 7;

    *open_day = clock->weekdays >> weekday & 1;
    return week * clock->per_week + clock->before[weekday];
}

struct msim_mock_moment msim_mock_clock_business(const struct msim_mock_clock *clock,
                                                 msim_time time)
{
    if (clock->plain)
        return (struct msim_mock_moment){.business = time - clock->start};

    int64_t day = floor_div(time, DAY);
    bool open_day;
    int64_t session = sessions_before(clock, day, &open_day);
    msim_time within = time - day * DAY - clock->open;

    if (!open_day || within < 0)
        return (struct msim_mock_moment){session * clock->length - clock->origin, session - 1};
    if (within >= clock->length)
        return (struct msim_mock_moment){(session + 1) * clock->length - clock->origin, session};
    double length = (double)clock->length;
    int64_t done = within;
    if (clock->bend > 0)
        done = (int64_t)(done_before(clock, (double)within / length) * length);
    return (struct msim_mock_moment){session * clock->length + done - clock->origin, session};
}

msim_time msim_mock_clock_time(const struct msim_mock_clock *clock, int64_t business)
{
    if (clock->plain) {
        msim_time time;
        return __builtin_add_overflow(business, clock->start, &time) ? MSIM_TIME_NEVER : time;
    }
    int64_t counted;
    if (__builtin_add_overflow(business, clock->origin, &counted))
        return MSIM_TIME_NEVER;

    int64_t session = floor_div(counted, clock->length);
    int64_t week = floor_div(session, clock->per_week);
    int64_t left = session - week * clock->per_week;
    int64_t weekday = 0;
    while (clock->before[weekday + 1] <= left)
        weekday++;
    int64_t day = week * 7 + weekday - THURSDAY;
    int64_t within = counted - session * clock->length;
    if (clock->bend > 0) {
        double length = (double)clock->length;
        within = (int64_t)(part_at(clock, (double)within / length) * length);
        if (within >= clock->length)
            within = clock->length - 1;
    }
    msim_time midnight;
    msim_time time;
    if (__builtin_mul_overflow(day, DAY, &midnight) ||
        __builtin_add_overflow(midnight, clock->open + within, &time))
        return MSIM_TIME_NEVER;
    return time;
}

msim_time msim_mock_clock_next_open(const struct msim_mock_clock *clock, msim_time time)
{
    if (clock->plain)
        return time;

    int64_t day = floor_div(time, DAY);
    msim_time within = time - day * DAY;
    bool open_day;
    sessions_before(clock, day, &open_day);
    if (open_day && within >= clock->open && within - clock->open < clock->length)
        return time;
    if (!open_day || within >= clock->open) {
        do {
            day++;
            sessions_before(clock, day, &open_day);
        } while (!open_day);
    }
    msim_time open;
    if (__builtin_mul_overflow(day, DAY, &open) || __builtin_add_overflow(open, clock->open, &open))
        return MSIM_TIME_NEVER;
    return open;
}
