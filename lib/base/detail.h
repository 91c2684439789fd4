/*
 * Filling in the words about a failure.
 */
#ifndef MSIM_BASE_DETAIL_H
#define MSIM_BASE_DETAIL_H

#include <marketsim/base.h>

/*
 * Writes the words (cut to what fits, at a character's boundary) and returns
 * `result`, so that a failure reads `return msim_detail_set(detail, MSIM_ERR_..., "...")`.
 */
int msim_detail_set(struct msim_detail *detail, int result, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "prefix: " before the words that are there, and returns `result`. */
int msim_detail_prefix(struct msim_detail *detail, int result, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
