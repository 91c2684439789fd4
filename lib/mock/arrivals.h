/*
 * When a symbol's next event comes, in business time.
 */
#ifndef MSIM_MOCK_ARRIVALS_H
#define MSIM_MOCK_ARRIVALS_H

#include <marketsim/mock.h>

struct msim_mock_arrival {
    uint32_t kind;  /* MSIM_MOCK_POISSON or MSIM_MOCK_HAWKES */
    double base;    /* events per second that come by themselves */
    double jump;    /* Hawkes: what an event adds to the intensity */
    double decay;   /* Hawkes: per second */
    double excited; /* Hawkes: intensity above the base, just behind the last event */
    double part;    /* of a nanosecond, left over from the waits before */
};

/* One event for each `interval` in the mean; Hawkes starts at its mean intensity. */
void msim_mock_arrival_init(struct msim_mock_arrival *arrival,
                            const struct msim_mock_params *params);

/* Nanoseconds of business time from event number - 1 to event `number`. */
int64_t msim_mock_arrival_wait(struct msim_mock_arrival *arrival, uint64_t key, uint64_t number);

#endif
