/*
 * One ticker for all rows of a file that has no column of them: by its user's word, or by a folder
 * such as ticker=AAPL above it, as partitioned trees have them.
 */
#ifndef MSIM_PARQUET_TICKER_NAME_H
#define MSIM_PARQUET_TICKER_NAME_H

#include <marketsim/parquet.h>

struct ticker_name {
    size_t length; /* 0: its rows have none */
    char text[MSIM_TICKER_NAME_MAX];
};

/* A user's: MSIM_ERR_INVALID where it is no name. */
int msim_ticker_name_set(struct ticker_name *name, const char *text, struct msim_detail *detail);

/*
 * That of the innermost folder `column`=NAME of the path, with %41 for A in it: 1; 0 where there is
 * no such folder.  MSIM_ERR_FORMAT where it holds no name.
 */
int msim_ticker_name_of_path(struct ticker_name *name, const char *path, const char *column,
                             struct msim_detail *detail);

#endif
