/*
 * malloc's memory, with large blocks in large pages where the system has them.
 *
 * Rows that are sorted in memory are written once, all over, and read once: with pages of 4 KiB
 * a fourth of the time goes into being given them, one by one.
 */
#ifndef MSIM_PARQUET_LARGE_H
#define MSIM_PARQUET_LARGE_H

#include <marketsim/base.h>

/* The caller's allocator if there is one. */
struct msim_allocator msim_large_allocator(const struct msim_allocator *chosen);

#endif
