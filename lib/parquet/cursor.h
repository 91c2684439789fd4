/*
 * What a thread that reads ahead of a cursor's caller needs of the cursor: where it stands, and
 * how to take it back to there.
 */
#ifndef MSIM_PARQUET_CURSOR_H
#define MSIM_PARQUET_CURSOR_H

#include <marketsim/base.h>
#include <marketsim/source.h>

struct cursor_state {
    uint64_t sequence; /* of the next trade */
    uint64_t bad_rows;
    size_t symbols; /* that were given a number */
};

/* False where the source is no cursor. */
bool msim_cursor_state(const struct msim_source *source, struct cursor_state *out);

/*
 * Moves a cursor to the first trade at or after `to`.  With `back` it counts on from there, as if
 * it had given no more, and what it met behind that (a failure too) is forgotten.
 */
int msim_cursor_move(struct msim_source *source, msim_time to, const struct cursor_state *back,
                     struct msim_detail *detail);

#endif
