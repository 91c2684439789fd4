/*
 * Rows into the order of their times, rows of the same time as they stand.
 */
#ifndef MSIM_PARQUET_ORDER_H
#define MSIM_PARQUET_ORDER_H

#include <marketsim/base.h>

/*
 * Writes the places of the rows that have no ROW_BAD in `flags` into `order`
 * (room for `count`, at most UINT32_MAX), sorted.  `unit` divides the difference
 * of any two times.  MSIM_ERR_NOMEM.
 */
int msim_order_rows(const msim_time *times, const uint8_t *flags, size_t count, int64_t unit,
                    uint32_t *order, size_t *kept, const struct msim_allocator *allocator);

#endif
