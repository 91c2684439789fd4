/*
 * Moments as text and back: UTC in the proleptic Gregorian calendar, no leap
 * seconds, no locale, no time zone of the machine.
 */
#ifndef MSIM_BASE_CALENDAR_H
#define MSIM_BASE_CALENDAR_H

#include <marketsim/base.h>

#define MSIM_CALENDAR_SIZE 40

enum msim_calendar_style {
    /* "2022-07-01 00:00:29.338000": what Python's str(datetime) gives.  Six digits, none for a
     * whole second, nine where there are nanoseconds below a microsecond. */
    MSIM_CALENDAR_PLAIN,
    /* "2022-07-01T00:00:29.338000Z": ISO 8601, always six digits, nine where needed. */
    MSIM_CALENDAR_ISO,
};

struct msim_calendar_date {
    int32_t year;  /* 1677..2262 in nanoseconds */
    uint8_t month; /* 1..12 */
    uint8_t day;   /* 1..31 */
};

/* Days since 1970-01-01 to a date, and back. */
struct msim_calendar_date msim_calendar_from_days(int64_t days);
int64_t msim_calendar_to_days(struct msim_calendar_date date);

/* Writes the text and a terminator; returns the length. */
size_t msim_calendar_print(msim_time time, enum msim_calendar_style style,
                           char out[MSIM_CALENDAR_SIZE]);

/*
 * Reads "YYYY-MM-DD", or with "T" or a space "HH:MM", "HH:MM:SS" and up to nine
 * digits of fraction, then nothing, "Z", "+HH:MM" or "+HHMM"; no offset means UTC.
 * MSIM_ERR_INVALID where the text is not of this form or no such day exists,
 * MSIM_ERR_OVERFLOW outside of what int64 nanoseconds hold.
 */
int msim_calendar_parse(const char *text, size_t length, msim_time *time);

/*
 * Nano-, micro-, milliseconds or seconds since 1970: which of them is told by the count's size,
 * for of the moments from 1973 to 5138 no two units share one.  MSIM_ERR_INVALID below 1 and for
 * units coarser than `coarsest` (MSIM_NS_PER_MS, say), MSIM_ERR_OVERFLOW as above.
 */
int msim_calendar_from_count(int64_t count, int64_t coarsest, msim_time *time);

#endif
