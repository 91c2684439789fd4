/*
 * Trades of several runs that take turns, brought into one order a window at a time.
 *
 * A tournament asks for each trade which run is next, and guesses wrong as often as not.  Here
 * every run gives all that it has up to a moment in one piece, and what came together is sorted
 * where it lies near the processor: by time alone, since the runs' rows follow one another as
 * the runs do.
 */
#ifndef MSIM_PARQUET_WINDOW_H
#define MSIM_PARQUET_WINDOW_H

#include <marketsim/base.h>

#include "base/due.h"
#include "parquet/dataset.h"
#include "parquet/order.h"
#include "parquet/run.h"
#include "parquet/trade.h"

/* The most trades of a window, and the bits of a place in it. */
#define MSIM_WINDOW_PLACE_BITS 12
#define MSIM_WINDOW_ROWS ((size_t)1 << MSIM_WINDOW_PLACE_BITS)
_Static_assert(MSIM_WINDOW_ROWS == MSIM_ORDER_PIECE, "sorted in one piece");

struct window_room {
    struct trade trades[MSIM_WINDOW_ROWS]; /* as the runs gave them */
    uint64_t words[MSIM_WINDOW_ROWS];      /* in their order: time, and the place among them */
    uint64_t unsorted[MSIM_WINDOW_ROWS];
    uint16_t buckets[MSIM_ORDER_BUCKETS];
};

struct window {
    struct window_room *room; /* NULL: none was needed yet, or there is no memory for it */
    bool has_no_room;
    size_t at; /* the next that is given */
    size_t count;
    msim_time blocked; /* up to here the runs have to be asked one by one */
    uint64_t span;     /* the nanoseconds that are likely to fill it; 0: not known */
    /* All that are open, by rank. */
    struct run **runs;
    size_t run_count;
    size_t run_capacity;
};

/* A run has been opened, MSIM_ERR_NOMEM; or is closed by somebody else. */
int msim_window_add(struct window *window, struct run *run, const struct msim_allocator *allocator);
void msim_window_remove(struct window *window, const struct run *run);

/* All runs are closed. */
void msim_window_clear(struct window *window);
void msim_window_finish(struct window *window, struct msim_parquet *parquet);

/*
 * Fills the window, which is empty, with trades of the open runs, of which there are several,
 * none later than `last`: false where that cannot be done here, and nothing has changed.  The
 * list has the runs' next trades then; those that are drained are closed.
 */
bool msim_window_fill(struct window *window, struct msim_parquet *parquet, struct msim_due *open,
                      msim_time last);

static inline bool msim_window_has(const struct window *window)
{
    return window->at < window->count;
}

/* The trade that is given as the one of this number. */
static inline const struct trade *msim_window_trade(const struct window *window, size_t at)
{
    const struct window_room *room = window->room;

    return &room->trades[room->words[at] & (MSIM_WINDOW_ROWS - 1)];
}

#endif
