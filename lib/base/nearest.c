#include "base/nearest.h"

#include <string.h>

/* Levenshtein's distance, row by row. */
static size_t distance(const char *a, size_t rows, const char *b, size_t columns)
{
    size_t row[MSIM_NEAREST_MOST + 1];

    for (size_t j = 0; j <= columns; j++)
        row[j] = j;
    for (size_t i = 1; i <= rows; i++) {
        size_t corner = row[0];
        row[0] = i;
        for (size_t j = 1; j <= columns; j++) {
            size_t least = corner + (a[i - 1] != b[j - 1]);
            corner = row[j];
            if (row[j] + 1 < least)
                least = row[j] + 1;
            if (row[j - 1] + 1 < least)
                least = row[j - 1] + 1;
            row[j] = least;
        }
    }
    return row[columns];
}

void msim_nearest_see(struct msim_nearest *nearest, const char *known)
{
    size_t length = strlen(nearest->word);
    size_t known_length = strlen(known);

    if (length > MSIM_NEAREST_MOST || known_length > MSIM_NEAREST_MOST)
        return;
    size_t apart = distance(nearest->word, length, known, known_length);
    if (apart > length / 3 || (nearest->found && apart >= nearest->apart))
        return;
    nearest->found = known;
    nearest->apart = apart;
}
