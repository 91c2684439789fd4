#include "parquet/place.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/detail.h"

/* A name of at most this many bytes is shown whole: the words behind it must have room too. */
#define NAME_SHOWN 80
#define FILE_SHOWN 200

static void append(char *text, size_t size, size_t *at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void append(char *text, size_t size, size_t *at, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(text + *at, size - *at, format, arguments);
    va_end(arguments);
    if (length > 0)
        *at += (size_t)length < size - *at ? (size_t)length : size - *at - 1;
}

int msim_place_fail(const struct place *place, struct msim_detail *detail, int result,
                    const char *format, ...)
{
    if (!detail)
        return result;

    char text[MSIM_DETAIL_SIZE];
    size_t at = 0;
    append(text, sizeof text, &at, "%.*s", FILE_SHOWN, place->file);
    if (place->group >= 0)
        append(text, sizeof text, &at, ", row group %" PRId64, place->group);
    if (place->column)
        append(text, sizeof text, &at, ", column %.*s", NAME_SHOWN, place->column);
    if (place->page >= 0)
        append(text, sizeof text, &at, ", page %" PRId64, place->page);
    append(text, sizeof text, &at, ": ");

    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + at, sizeof text - at, format, arguments);
    va_end(arguments);
    return msim_detail_set(detail, result, "%s", text);
}
