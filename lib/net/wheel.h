/*
 * A timing wheel: thousands of patient timers that are set, moved and cancelled
 * all the time and seldom expire.
 *
 * All three cost a few pointers; time goes in ticks of some 8 ms, so a timer
 * expires at most one tick late and never early.  A timer further away than one
 * round of the wheel stays in its slot until its round has come.
 */
#ifndef MSIM_NET_WHEEL_H
#define MSIM_NET_WHEEL_H

#include <marketsim/base.h>

#define MSIM_WHEEL_TICK_NS (INT64_C(1) << 23)
#define MSIM_WHEEL_SLOTS 1024

/* Stands in its owner; zeroed is "not set". */
struct msim_timer {
    struct msim_timer *next;
    struct msim_timer **link; /* what points at this one; NULL: not set */
    int64_t tick;
};

struct msim_wheel {
    struct msim_timer *slots[MSIM_WHEEL_SLOTS];
    uint64_t occupied[MSIM_WHEEL_SLOTS / 64];
    struct msim_timer **cursor; /* inside the slot of `tick`; NULL: not begun */
    int64_t tick;               /* the first one that is not wholly done */
    size_t count;
};

void msim_wheel_init(struct msim_wheel *wheel, msim_time now);

/* Sets a timer, or moves one that is set. */
void msim_wheel_set(struct msim_wheel *wheel, struct msim_timer *timer, msim_time due);

/* One that is not set is left alone. */
void msim_wheel_cancel(struct msim_wheel *wheel, struct msim_timer *timer);

/* Takes an expired timer off; NULL where there is none (any more). */
struct msim_timer *msim_wheel_pop(struct msim_wheel *wheel, msim_time now);

/* When to pop again at the latest; MSIM_TIME_NEVER where no timer is set. */
msim_time msim_wheel_next(const struct msim_wheel *wheel);

#endif
