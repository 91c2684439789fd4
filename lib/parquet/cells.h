/*
 * A flat column's values one by one, as they are stored.
 *
 * It has a reader of its own, so that the values at hand of several columns are
 * valid together.
 */
#ifndef MSIM_PARQUET_CELLS_H
#define MSIM_PARQUET_CELLS_H

#include "parquet/column.h"

struct msim_cells {
    size_t leaf;
    struct msim_reader reader;
    struct msim_column column;
    struct msim_span span;
    size_t row;   /* of the span */
    size_t value; /* of the span's values */
};

void msim_cells_init(struct msim_cells *cells, size_t leaf, const struct msim_crc *crc,
                     const struct msim_allocator *allocator);
void msim_cells_finish(struct msim_cells *cells);

/* At the first row of the group.  What was open is closed. */
int msim_cells_open(struct msim_cells *cells, const struct msim_parquet_file *file,
                    const struct footer *footer, size_t group, struct msim_detail *detail);

/* Harmless on one that is not open. */
void msim_cells_close(struct msim_cells *cells);

/*
 * The next row, which the column must have: 1, or 0 where it has no value.  At most `ahead`
 * rows are looked at, so that behind them rows can be passed.  The value is borrowed until the
 * next one.
 */
int msim_cells_next(struct msim_cells *cells, size_t ahead, struct msim_text *value,
                    struct msim_detail *detail);

#endif
