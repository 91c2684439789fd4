/*
 * Waits of one length: who began first is due first, so a queue is all that it takes.
 *
 * To begin, to begin anew and to stop cost a few pointers, whatever the number that waits.
 */
#ifndef MSIM_SERVER_PATIENCE_H
#define MSIM_SERVER_PATIENCE_H

#include <marketsim/base.h>

/* Stands in its owner; zeroed is "does not wait". */
struct msim_wait {
    struct msim_wait *next;
    struct msim_wait **link; /* what points at this one; NULL: does not wait */
    struct msim_patience *patience;
    void *owner;
    msim_time due;
};

struct msim_patience {
    msim_time length;
    struct msim_wait *first;
    struct msim_wait **end;
};

void msim_patience_init(struct msim_patience *patience, msim_time length);

/* From now on; one that waits already, here or elsewhere, begins anew. */
void msim_wait_begin(struct msim_patience *patience, struct msim_wait *wait, void *owner,
                     msim_time now);
void msim_wait_stop(struct msim_wait *wait);

/* Takes the first that is due; NULL where there is none (any more). */
void *msim_patience_pop(struct msim_patience *patience, msim_time now);

/* When to pop again; MSIM_TIME_NEVER where nobody waits. */
msim_time msim_patience_next(const struct msim_patience *patience);

#endif
