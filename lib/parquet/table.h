/*
 * A table over bytes in memory, which are borrowed until the close.
 */
#ifndef MSIM_PARQUET_TABLE_H
#define MSIM_PARQUET_TABLE_H

#include <marketsim/parquet.h>

int msim_parquet_table_open_memory(struct msim_parquet_table **out, const void *bytes,
                                   size_t length, const struct msim_allocator *allocator,
                                   struct msim_detail *detail);

#endif
