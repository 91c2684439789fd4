/*
 * The calendar's map between simulated time and business time.
 *
 * Business time passes while the market is open, faster at its open and close if
 * there is a season; models and random arrivals live in it alone, so that
 * volatility and activity share one U-shape and nights do not exist for them.
 */
#ifndef MSIM_MOCK_CLOCK_H
#define MSIM_MOCK_CLOCK_H

#include <marketsim/mock.h>

struct msim_mock_clock {
    bool plain;        /* always open, flat: business time is the time since the start */
    uint8_t weekdays;  /* bit 0 is Monday */
    uint8_t per_week;  /* sessions */
    uint8_t before[8]; /* sessions of a week before a weekday */
    msim_time start;   /* business time 0, or the open behind it */
    msim_time open;    /* since midnight */
    msim_time length;  /* of a session */
    msim_time origin;  /* business time of `start` counted from the calendar's own zero */
    double flat, bend; /* the season's intensity: flat + bend * (2x - 1)^2 at part x */
};

/* A moment in business time, and the number of the session that it belongs to. */
struct msim_mock_moment {
    int64_t business;
    int64_t session;
};

int msim_mock_clock_init(struct msim_mock_clock *clock, const struct msim_mock_params *params,
                         struct msim_detail *detail);

/* Of a time when the market is closed: of the close before it. */
struct msim_mock_moment msim_mock_clock_business(const struct msim_mock_clock *clock,
                                                 msim_time time);

/* The time at which business time reaches a value; MSIM_TIME_NEVER beyond what int64 holds. */
msim_time msim_mock_clock_time(const struct msim_mock_clock *clock, int64_t business);

/* `time` itself where the market is open, else the next open. */
msim_time msim_mock_clock_next_open(const struct msim_mock_clock *clock, msim_time time);

#endif
