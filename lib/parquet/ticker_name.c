#include "parquet/ticker_name.h"

#include <string.h>

#include "base/detail.h"
#include "base/utf8.h"

/* How partitioned trees call the folder of rows whose column is null. */
static const char null_folder[] = "__HIVE_DEFAULT_PARTITION__";

int msim_ticker_name_set(struct ticker_name *name, const char *text, struct msim_detail *detail)
{
    size_t length = strlen(text);

    if (length == 0 || length > MSIM_TICKER_NAME_MAX || !msim_utf8_valid(text, length))
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "a ticker's name is UTF-8 of 1 to %d bytes: give another one",
                               MSIM_TICKER_NAME_MAX);
    memcpy(name->text, text, length);
    name->length = length;
    return MSIM_OK;
}

static int hexadecimal(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    digit = (char)(digit | 0x20);
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* The byte at the front of `text`, and how many characters stand for it. */
static size_t take_byte(const char *text, size_t length, char *out)
{
    int high = text[0] == '%' && length > 2 ? hexadecimal(text[1]) : -1;
    int low = high >= 0 ? hexadecimal(text[2]) : -1;

    *out = low >= 0 ? (char)(high * 16 + low) : text[0];
    return low >= 0 ? 3 : 1;
}

static bool unescape(struct ticker_name *name, const char *text, size_t length)
{
    name->length = 0;
    if (length == sizeof null_folder - 1 && memcmp(text, null_folder, length) == 0)
        return true;
    for (size_t at = 0; at < length;) {
        if (name->length == MSIM_TICKER_NAME_MAX)
            return false;
        at += take_byte(text + at, length - at, &name->text[name->length++]);
    }
    return name->length > 0 && msim_utf8_valid(name->text, name->length);
}

int msim_ticker_name_of_path(struct ticker_name *name, const char *path, const char *column,
                             struct msim_detail *detail)
{
    size_t column_length = strlen(column);
    const char *value = NULL;
    size_t length = 0;

    for (const char *part = path, *end; (end = strchr(part, '/')); part = end + 1) {
        if ((size_t)(end - part) <= column_length || part[column_length] != '=' ||
            memcmp(part, column, column_length) != 0)
            continue;
        value = part + column_length + 1;
        length = (size_t)(end - value);
    }
    if (!value)
        return 0;
    if (unescape(name, value, length))
        return 1;
    return msim_detail_set(detail, MSIM_ERR_FORMAT,
                           "%.200s: the folder %.40s=%.*s names no ticker, which is UTF-8 of 1 to "
                           "%d bytes: give it one (ticker_name, or --columns ticker==NAME)",
                           path, column, (int)(length < 100 ? length : 100), value,
                           MSIM_TICKER_NAME_MAX);
}
