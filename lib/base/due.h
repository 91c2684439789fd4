/*
 * A due list: items that wait for a moment.
 *
 * A binary heap on (due, arrival).  The arrival number breaks ties, so that two
 * items due at the same nanosecond leave in the order in which they came:
 * without it a replay would depend on the heap's shape.
 */
#ifndef MSIM_BASE_DUE_H
#define MSIM_BASE_DUE_H

#include <marketsim/base.h>

struct msim_due_item {
    msim_time due;
    uint64_t arrival; /* given by the list, or by the caller where it has an order of its own */
    uint64_t value;   /* the caller's: an index, a handle */
};

struct msim_due {
    struct msim_due_item *items;
    size_t count;
    size_t capacity;
    size_t limit; /* the bound: a push beyond it is MSIM_ERR_LIMIT */
    uint64_t arrivals;
    struct msim_allocator allocator;
};

/* Room for `capacity` items at once, growing by doubling up to `limit`. */
int msim_due_init(struct msim_due *due, size_t capacity, size_t limit,
                  const struct msim_allocator *allocator);
void msim_due_finish(struct msim_due *due);

/* MSIM_ERR_LIMIT or MSIM_ERR_NOMEM leave the list as it was. */
int msim_due_push(struct msim_due *due, msim_time when, uint64_t value);

/* The same with a tie-break of the caller's. */
int msim_due_push_ranked(struct msim_due *due, msim_time when, uint64_t rank, uint64_t value);

/* The earliest item; NULL where none waits.  Borrowed until the next change. */
static inline const struct msim_due_item *msim_due_peek(const struct msim_due *due)
{
    return due->count > 0 ? &due->items[0] : NULL;
}

/* When the earliest is due; MSIM_TIME_NEVER where none waits. */
static inline msim_time msim_due_next(const struct msim_due *due)
{
    return due->count > 0 ? due->items[0].due : MSIM_TIME_NEVER;
}

/* Takes the earliest away; the list is not empty. */
struct msim_due_item msim_due_pop(struct msim_due *due);

/* Gives the earliest a new moment and rank in one step: cheaper than pop and push. */
void msim_due_replace(struct msim_due *due, msim_time when, uint64_t rank, uint64_t value);

/* After the caller has written `items`, in any order, up to `count`. */
void msim_due_settle(struct msim_due *due);

#endif
