#include "base/detail.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A cut may have split a UTF-8 character: take its first bytes away too. */
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

int msim_detail_set(struct msim_detail *detail, int result, const char *format, ...)
{
    if (!detail)
        return result;

    va_list arguments;
    va_start(arguments, format);
    vsnprintf(detail->text, sizeof detail->text, format, arguments);
    va_end(arguments);
    trim_to_character(detail->text);
    return result;
}

int msim_detail_prefix(struct msim_detail *detail, int result, const char *format, ...)
{
    if (!detail)
        return result;

    struct msim_detail old = *detail;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(detail->text, sizeof detail->text, format, arguments);
    va_end(arguments);
    size_t at = length > 0 ? strlen(detail->text) : 0;
    size_t room = sizeof detail->text - at;
    if (room > 3) {
        memcpy(detail->text + at, ": ", 2);
        size_t taken = strlen(old.text);
        if (taken > room - 3)
            taken = room - 3;
        memcpy(detail->text + at + 2, old.text, taken);
        detail->text[at + 2 + taken] = '\0';
    }
    trim_to_character(detail->text);
    return result;
}
