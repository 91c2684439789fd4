/*
 * Patterns with `*` (any bytes, also none) and `?` (one character of UTF-8).
 */
#ifndef MSIM_BASE_GLOB_H
#define MSIM_BASE_GLOB_H

#include <stdbool.h>
#include <stddef.h>

/* The whole text against the whole pattern; in time proportional to the product at worst. */
bool msim_glob_match(const char *pattern, size_t pattern_length, const char *text, size_t length);

#endif
