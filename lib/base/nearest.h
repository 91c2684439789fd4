/*
 * Of words that there are, the one that somebody may have meant.
 */
#ifndef MSIM_BASE_NEAREST_H
#define MSIM_BASE_NEAREST_H

#include <stddef.h>

#define MSIM_NEAREST_MOST 64 /* bytes; longer words are near to nothing */

struct msim_nearest {
    const char *word;  /* what was said; set by the caller, all else is zero at first */
    const char *found; /* borrowed from the caller; NULL: nothing is near */
    size_t apart;
};

/* Levenshtein's distance; SIZE_MAX where either is too long. */
size_t msim_nearest_apart(const char *a, const char *b);
/* The same of words that do not end by themselves. */
size_t msim_nearest_bytes_apart(const char *a, size_t a_length, const char *b, size_t b_length);

/* One of the words that there are: near where no more than a third of the letters has to change. */
void msim_nearest_see(struct msim_nearest *nearest, const char *known);

/* Of paths: that there is nothing at this one, and the nearest, which is below `root`. */
void msim_nearest_path_words(const struct msim_nearest *nearest, const char *root, char *out,
                             size_t size);

#endif
