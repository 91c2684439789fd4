/*
 * The files that a user's paths stand for: files, folders with all that is in them,
 * and globs.
 */
#ifndef MSIM_PARQUET_PATHS_H
#define MSIM_PARQUET_PATHS_H

#include <marketsim/base.h>

struct msim_parquet_paths {
    char **items;
    size_t count;
    size_t capacity;
    struct msim_allocator allocator;
};

void msim_parquet_paths_init(struct msim_parquet_paths *paths,
                             const struct msim_allocator *allocator);
void msim_parquet_paths_finish(struct msim_parquet_paths *paths);

/*
 * Adds one file, a folder's *.parquet files and those of the folders in it (date=2022-07-01/...)
 * by their paths, or what a glob matches, by path.  Names that begin with '.' or '_' are passed
 * over, as writers use them for what is no data.  MSIM_ERR_NOT_FOUND where there is nothing.
 */
int msim_parquet_paths_add(struct msim_parquet_paths *paths, const char *path,
                           struct msim_detail *detail);

#endif
