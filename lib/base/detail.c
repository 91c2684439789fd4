#include "base/detail.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

void msim_detail_clean(char *text)
{
    size_t length = strlen(text);

    for (size_t at = 0; at < length;) {
        size_t size = msim_utf8_character(text + at, length - at);
        unsigned char c = (unsigned char)text[at];
        bool control = c < 0x20 || c == 0x7F || (c == 0xC2 && (unsigned char)text[at + 1] < 0xA0);
        if (size == 0 || control) {
            text[at] = '?';
            size = 1;
        }
        at += size;
    }
}

/* Where a text was cut to its room, the cut may stand in a character: its first bytes go too. */
static void trim_to_character(char *text)
{
    size_t length = strlen(text);
    size_t lead = length;

    while (lead > 0 && length - lead < 4 && ((unsigned char)text[lead - 1] & 0xC0) == 0x80)
        lead--;
    if (lead == 0)
        return;
    unsigned char first = (unsigned char)text[lead - 1];
    size_t expected = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 1;
    if (expected > 1 && length - (lead - 1) < expected)
        text[lead - 1] = '\0';
}

void msim_detail_print(char *out, size_t size, const char *format, va_list arguments)
{
    int length = vsnprintf(out, size, format, arguments);

    if (length < 0)
        out[0] = '\0';
    else if ((size_t)length >= size)
        trim_to_character(out);
    msim_detail_clean(out);
}

int msim_detail_set(struct msim_detail *detail, int result, const char *format, ...)
{
    if (!detail)
        return result;

    va_list arguments;
    va_start(arguments, format);
    msim_detail_print(detail->text, sizeof detail->text, format, arguments);
    va_end(arguments);
    return result;
}

int msim_detail_prefix(struct msim_detail *detail, int result, const char *format, ...)
{
    if (!detail)
        return result;

    struct msim_detail prefix;
    struct msim_detail old = *detail;
    va_list arguments;
    va_start(arguments, format);
    msim_detail_print(prefix.text, sizeof prefix.text, format, arguments);
    va_end(arguments);
    return msim_detail_set(detail, result, "%s: %s", prefix.text, old.text);
}
