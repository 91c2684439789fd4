/*
 * A second thread that decodes ahead of whoever takes the trades: one for a data set, which serves
 * those of its sources that have room, in turn.
 *
 * A data set and its cursors are no more than one thread's at a time: whoever works on them takes
 * the turn, for a bounded amount of work.  Callers come before the thread, and do the work
 * themselves where it has not got ahead of them: nobody waits for more than what is under way.
 * The trades, their order and the place of a failure are the cursor's own, whoever pulls it.
 */
#ifndef MSIM_PARQUET_AHEAD_H
#define MSIM_PARQUET_AHEAD_H

#include <marketsim/base.h>
#include <marketsim/source.h>

#include "parquet/cursor.h"

/* What a source may be ahead of its caller: so many batches of so many trades. */
#define MSIM_AHEAD_BATCHES 8
#define MSIM_AHEAD_ROWS 512

struct msim_parquet;
struct msim_worker;

/* Its thread begins with the first trades that are wanted.  MSIM_ERR_NOMEM. */
int msim_worker_create(struct msim_worker **out, const struct msim_allocator *allocator);

/* No source is left; NULL inside is left alone. */
void msim_worker_destroy(struct msim_worker **worker, const struct msim_allocator *allocator);

/* NULL: the data set has no second thread, and there is nothing to take. */
void msim_turn_take(struct msim_worker *worker);
void msim_turn_give(struct msim_worker *worker);

enum ahead_kind {
    AHEAD_READS, /* ahead of its caller, where there is memory for it */
    AHEAD_WAITS, /* to be asked: the source keeps things of the trades that it gave last */
};

/* Wraps a source of the data set, whose turn the caller has.  MSIM_ERR_NOMEM. */
int msim_ahead_add(struct msim_source *source, struct msim_parquet *parquet, enum ahead_kind kind,
                   struct msim_detail *detail);

/* The source inside, or the source itself. */
const struct msim_source *msim_ahead_inside(const struct msim_source *source);

/* Of a wrapped source: how many rows were left out among the trades that were given. */
bool msim_ahead_bad_rows(const struct msim_source *source, uint64_t *rows);

bool msim_ahead_is(const struct msim_source *source);

/* Moves a wrapped source, as if its cursor had given what was taken from here and no more. */
int msim_ahead_move(struct msim_source *source, msim_time to, struct msim_detail *detail);

#endif
