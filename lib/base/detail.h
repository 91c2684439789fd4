/*
 * Filling in the words about a failure.
 */
#ifndef MSIM_BASE_DETAIL_H
#define MSIM_BASE_DETAIL_H

#include <stdarg.h>

#include <marketsim/base.h>

/*
 * Writes the words (cut to what fits, at a character's boundary; control bytes and bytes
 * that are no UTF-8 become '?', since names of files and peers stand in them) and returns
 * `result`, so that a failure reads `return msim_detail_set(detail, MSIM_ERR_..., "...")`.
 */
int msim_detail_set(struct msim_detail *detail, int result, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "prefix: " before the words that are there, and returns `result`. */
int msim_detail_prefix(struct msim_detail *detail, int result, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for a text of another kind: at most `size` (not 0) bytes with the terminator. */
void msim_detail_print(char *out, size_t size, const char *format, va_list arguments);

/* Puts '?' for control bytes and for bytes that are no UTF-8. */
void msim_detail_clean(char *text);

#endif
