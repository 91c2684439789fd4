/*
 * Further columns of trades, beside a cursor over the data set.
 *
 * Nothing of them travels with the trades: a trade bears its row, and the columns are
 * read from where that row stands.  Pieces of row groups (windows) are kept, those that
 * were used last, so that rows near each other are decoded once.  Whatever way the
 * trades took into their order, their columns are found the same way, and a cursor
 * without further columns knows nothing of all this.  Where windows would be read again and
 * again, the columns are sorted on disk once for all cursors (extra_store.h).
 */
#ifndef MSIM_PARQUET_EXTRAS_H
#define MSIM_PARQUET_EXTRAS_H

#include "base/bytes.h"
#include "parquet/cells.h"
#include "parquet/dataset.h"

/* Rows of a window. */
#define EXTRA_WINDOW_ROWS 2048

struct extra_cell {
    int64_t at; /* of its text; or the moment */
    uint32_t length;
    uint8_t kind; /* enum msim_extra_kind */
};

/* A piece of a row group. */
struct extra_window {
    struct extra_window *newer;
    struct extra_window *older;
    struct extra_window **place; /* where it is found */
    struct extra_cell *cells;    /* rows x columns */
    size_t cell_count;
    struct msim_bytes texts;
};

struct extra_store;
struct extra_reader;

/* Where a row group begins, and its windows once one of them was read. */
struct extra_group {
    uint64_t first_row; /* of the data set */
    uint32_t file;
    uint32_t group;
    struct extra_window **windows;
    size_t window_count;
    size_t leader; /* the first of those that are sorted on disk together; else itself */
    /* Of a leader, for all that it leads. */
    uint64_t rows;
    uint64_t decoded; /* rows that were read or passed since the cursor was moved */
    bool is_declined; /* nothing is kept on disk: there is no room to */
    struct extra_store *store;
    struct extra_reader *reader;
};

struct extra_windows {
    struct msim_parquet *parquet;
    size_t column_count;
    size_t *leaves; /* files x columns; SIZE_MAX: the file lacks it */
    size_t leaf_count;
    struct extra_group *groups;
    size_t group_count;
    size_t group; /* of the last row */
    struct extra_window *newest;
    struct extra_window *oldest;
    size_t held; /* bytes of windows */
    bool has_dropped;
    bool is_making; /* for a store: the rows come as they stand, none of them again */
    /* The columns of the group that was read last, at its row `row`. */
    struct msim_cells *columns;
    bool is_open;
    size_t open_group;
    uint64_t row;
};

/* `leaves` stand.  MSIM_ERR_NOMEM. */
int msim_extra_windows_init(struct extra_windows *windows);
void msim_extra_windows_finish(struct extra_windows *windows);

/*
 * The cells of a trade of the data set: 1; 0 where `*work`, which counts down values, is used up.
 * Borrowed until the next one.
 */
int msim_extra_windows_find(struct extra_windows *windows, msim_time time, uint64_t row,
                            const struct extra_cell **cells, const unsigned char **texts,
                            int64_t *work, struct msim_detail *detail);

/* The next trade may be any; else they come in the order of (time, row). */
void msim_extra_windows_moved(struct extra_windows *windows);

/* Puts the columns beside the cursor: `source` is the new source when it succeeds. */
int msim_extras_add(struct msim_source *source, struct msim_parquet *parquet,
                    const struct msim_parquet_source_params *params, struct msim_detail *detail);

/* The cursor inside, or the source itself. */
const struct msim_source *msim_extras_inside(const struct msim_source *source);

/* The cursor inside is about to be moved: trades that were taken from it are forgotten. */
int msim_extras_moved(struct msim_source *source, struct msim_detail *detail);

/* extra_names.c: which columns, by name and in every file; the strings are to be freed. */
int msim_extra_names(struct extra_windows *windows, char ***names,
                     const struct msim_parquet_source_params *params, struct msim_detail *detail);
void msim_extra_names_free(const struct extra_windows *windows, char **names);

#endif
