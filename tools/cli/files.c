#include "cli/files.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *refuse(struct msim_detail *detail, const char *path, const char *words)
{
    snprintf(detail->text, sizeof detail->text, "%.200s: %s", path, words);
    return NULL;
}

char *file_read(const char *path, size_t most, size_t *length, struct msim_detail *detail)
{
    char words[48];
    FILE *file = fopen(path, "rbe");

    if (!file)
        return refuse(detail, path, strerror(errno));
    char *text = malloc(most + 2);
    size_t read = text ? fread(text, 1, most + 1, file) : 0;
    bool failed = ferror(file) != 0;
    int reason = errno;
    fclose(file);
    if (text && !failed && read <= most) {
        text[read] = '\0';
        *length = read;
        return text;
    }
    snprintf(words, sizeof words, "is larger than %zu MiB", most >> 20);
    free(text);
    return refuse(detail, path, !text ? "out of memory" : failed ? strerror(reason) : words);
}
