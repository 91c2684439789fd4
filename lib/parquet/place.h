/*
 * Where in a file something is wrong, in words.
 */
#ifndef MSIM_PARQUET_PLACE_H
#define MSIM_PARQUET_PLACE_H

#include <marketsim/base.h>

struct place {
    const char *file;
    const char *column; /* NULL: the file or row group as a whole */
    int64_t group;      /* row group, from 0; negative: the file as a whole */
    int64_t page;       /* page of the column's chunk, from 0; negative: the chunk as a whole */
};

/* "FILE, row group 3, column price, page 0: words"; returns `result`. */
int msim_place_fail(const struct place *place, struct msim_detail *detail, int result,
                    const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
