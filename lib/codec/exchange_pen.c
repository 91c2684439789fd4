/*
 * What all messages are written with: texts, moments, ids, stamps.
 */
#include "codec/exchange.h"

#include "base/calendar.h"
#include "base/utf8.h"

static bool is_plain(char c)
{
    return c >= ' ' && c != '"' && c != '\\' && !((unsigned char)c & 0x80);
}

void msim_native_put_string(struct pen *pen, const char *text, size_t length)
{
    static const char hex[] = "0123456789abcdef";
    size_t at = 0;

    *pen->at++ = '"';
    while (at < length && is_plain(text[at]))
        *pen->at++ = text[at++];
    while (at < length) {
        unsigned char c = (unsigned char)text[at];
        size_t size = msim_utf8_character(text + at, length - at);
        if (size == 0) {
            PUT(pen, "\xEF\xBF\xBD");
            at++;
        } else if (c == '"' || c == '\\') {
            *pen->at++ = '\\';
            *pen->at++ = text[at++];
        } else if (c < 0x20) {
            PUT(pen, "\\u00");
            *pen->at++ = hex[c >> 4];
            *pen->at++ = hex[c & 15];
            at++;
        } else {
            put(pen, text + at, size);
            at += size;
        }
    }
    *pen->at++ = '"';
}

void msim_native_put_time(struct msim_native_codec *codec, struct pen *pen, msim_time time)
{
    char text[MSIM_CALENDAR_SIZE];
    int64_t second = time / MSIM_NS_PER_S - (time % MSIM_NS_PER_S < 0);
    int64_t micros = (time - second * MSIM_NS_PER_S) / MSIM_NS_PER_US;

    if (second != codec->second) {
        msim_calendar_print(second * MSIM_NS_PER_S, MSIM_CALENDAR_ISO, text);
        memcpy(codec->second_text, text, sizeof codec->second_text);
        codec->second = second;
    }
    *pen->at++ = '"';
    put(pen, codec->second_text, sizeof codec->second_text);
    for (int i = 5; i >= 0; i--) {
        pen->at[i] = (char)('0' + micros % 10);
        micros /= 10;
    }
    pen->at += 6;
    PUT(pen, "Z\"");
}

void msim_native_put_id(const struct msim_native_codec *codec, struct pen *pen, int kind,
                        uint64_t number)
{
    *pen->at++ = '"';
    msim_native_id_print(codec, kind, number, pen->at);
    pen->at += MSIM_NATIVE_ID_LENGTH;
    *pen->at++ = '"';
}

void msim_native_put_stamp(struct msim_native_codec *codec, struct pen *pen,
                           const struct msim_native_stamp *stamp)
{
    PUT(pen, ",\"timestamp\":");
    msim_native_put_time(codec, pen, stamp->time);
    if (stamp->sequence != 0) {
        PUT(pen, ",\"sequence\":");
        put_number(pen, stamp->sequence);
    }
    if (stamp->request_id.length > 0) {
        PUT(pen, ",\"request_id\":");
        put(pen, stamp->request_id.text, stamp->request_id.length);
    }
    *pen->at++ = '}';
}
