#define _POSIX_C_SOURCE 200809L /* clock_gettime */
#include "net/date.h"

#include <stdio.h>
#include <time.h>

#include "base/calendar.h"

#define DAY_SECONDS 86400

void msim_date_print(char out[MSIM_DATE_SIZE], int64_t seconds)
{
    static const char days[][4] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    int64_t day = seconds / DAY_SECONDS;
    int rest = (int)(seconds % DAY_SECONDS);

    /* A clock before 1970 is one that was not set. */
    if (seconds < 0)
        day = rest = 0;
    struct msim_calendar_date date = msim_calendar_from_days(day);
    snprintf(out, MSIM_DATE_SIZE, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[day % 7], date.day,
             months[date.month - 1], (int)date.year, rest / 3600, rest / 60 % 60, rest % 60);
}

msim_time msim_date_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (msim_time)now.tv_sec * MSIM_NS_PER_S + now.tv_nsec;
}

void msim_date_now(char out[MSIM_DATE_SIZE])
{
    msim_date_print(out, msim_date_clock() / MSIM_NS_PER_S);
}
