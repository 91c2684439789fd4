#include "base/nearest.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

size_t msim_nearest_bytes_apart(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t row[MSIM_NEAREST_MOST + 1];

    if (a_length > MSIM_NEAREST_MOST || b_length > MSIM_NEAREST_MOST)
        return SIZE_MAX;
    for (size_t j = 0; j <= b_length; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        size_t corner = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t least = corner + (a[i - 1] != b[j - 1]);
            corner = row[j];
            if (row[j] + 1 < least)
                least = row[j] + 1;
            if (row[j - 1] + 1 < least)
                least = row[j - 1] + 1;
            row[j] = least;
        }
    }
    return row[b_length];
}

size_t msim_nearest_apart(const char *a, const char *b)
{
    return msim_nearest_bytes_apart(a, strlen(a), b, strlen(b));
}

void msim_nearest_see(struct msim_nearest *nearest, const char *known)
{
    size_t apart = msim_nearest_apart(nearest->word, known);

    if (apart > strlen(nearest->word) / 3 || (nearest->found && apart >= nearest->apart))
        return;
    nearest->found = known;
    nearest->apart = apart;
}

void msim_nearest_path_words(const struct msim_nearest *nearest, const char *root, char *out,
                             size_t size)
{
    if (nearest->found)
        snprintf(out, size, "there is nothing at this path; the nearest one is %s%s", root,
                 nearest->found);
    else
        snprintf(out, size, "there is nothing at this path");
}
