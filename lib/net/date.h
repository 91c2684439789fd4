/*
 * The Date of an answer (RFC 9110 section 6.6.1), without the locale.
 */
#ifndef MSIM_NET_DATE_H
#define MSIM_NET_DATE_H

#include <marketsim/base.h>

#define MSIM_DATE_LENGTH 29
#define MSIM_DATE_SIZE 64

/* "Sun, 06 Nov 1994 08:49:37 GMT" from seconds since 1970. */
void msim_date_print(char out[MSIM_DATE_SIZE], int64_t seconds);

/* The same of the present moment, by the system's clock. */
void msim_date_now(char out[MSIM_DATE_SIZE]);

/* The present moment itself: nanoseconds since 1970. */
msim_time msim_date_clock(void);

#endif
