/*
 * What all messages are written with: texts, moments, ids, stamps.
 */
#include "codec/exchange.h"

#include "base/calendar.h"
#include "base/json_plain.h"
#include "base/utf8.h"

static bool is_plain(char c)
{
    return c >= ' ' && c != '"' && c != '\\' && !((unsigned char)c & 0x80);
}

/* What needs no escape, up to the first character that does; returns its length. */
static size_t plain_at(char *at, const char *text, size_t length)
{
    size_t i = 0;
    uint64_t eight;

    for (; length - i >= sizeof eight; i += sizeof eight) {
        memcpy(&eight, text + i, sizeof eight);
        if (msim_json_has_special(eight))
            break;
        memcpy(at + i, &eight, sizeof eight);
    }
    for (; i < length && is_plain(text[i]); i++)
        at[i] = text[i];
    return i;
}

char *msim_native_string_at(char *out, const char *text, size_t length)
{
    static const char hex[] = "0123456789abcdef";
    struct pen pen = {out};

    *pen.at++ = '"';
    size_t at = plain_at(pen.at, text, length);
    pen.at += at;
    while (at < length) {
        unsigned char c = (unsigned char)text[at];
        size_t size = msim_utf8_character(text + at, length - at);
        if (size == 0) {
            PUT(&pen, "\xEF\xBF\xBD");
            at++;
        } else if (c == '"' || c == '\\') {
            *pen.at++ = '\\';
            *pen.at++ = text[at++];
        } else if (c < 0x20) {
            PUT(&pen, "\\u00");
            *pen.at++ = hex[c >> 4];
            *pen.at++ = hex[c & 15];
            at++;
        } else {
            put(&pen, text + at, size);
            at += size;
        }
    }
    *pen.at++ = '"';
    return pen.at;
}

static void print_moment(struct msim_native_codec *codec, msim_time time)
{
    char text[MSIM_CALENDAR_SIZE];
    int64_t second = time / MSIM_NS_PER_S - (time % MSIM_NS_PER_S < 0);
    int64_t micros = (time - second * MSIM_NS_PER_S) / MSIM_NS_PER_US;
    struct pen pen = {codec->moment_text};

    if (second != codec->second) {
        msim_calendar_print(second * MSIM_NS_PER_S, MSIM_CALENDAR_ISO, text);
        memcpy(codec->second_text, text, sizeof codec->second_text);
        codec->second = second;
    }
    *pen.at++ = '"';
    put(&pen, codec->second_text, sizeof codec->second_text);
    for (int i = 5; i >= 0; i--) {
        pen.at[i] = (char)('0' + micros % 10);
        micros /= 10;
    }
    pen.at += 6;
    PUT(&pen, "Z\"");
    codec->moment = time;
}

char *msim_native_time_at(struct msim_native_codec *codec, char *at, msim_time time)
{
    if (time != codec->moment)
        print_moment(codec, time);
    memcpy(at, codec->moment_text, sizeof codec->moment_text);
    return at + sizeof codec->moment_text;
}

char *msim_native_id_at(const struct msim_native_codec *codec, char *at, int kind, uint64_t number)
{
    *at++ = '"';
    msim_id_print(codec->keys[kind & 7], number, at); /* its terminator gives way to a quote */
    at += MSIM_NATIVE_ID_LENGTH;
    *at++ = '"';
    return at;
}

char *msim_native_recent_id_at(struct msim_native_codec *codec, char *at, int kind, uint64_t number)
{
    struct msim_native_recent *recent =
        &codec->recent[(number + (uint64_t)kind * (MSIM_NATIVE_RECENT / 8)) &
                       (MSIM_NATIVE_RECENT - 1)];

    if (recent->number != number || recent->kind != (uint32_t)kind) {
        char *end = msim_native_id_at(codec, at, kind, number);
        memcpy(recent->text, at + 1, sizeof recent->text);
        recent->number = number;
        recent->kind = (uint32_t)kind;
        return end;
    }
    *at++ = '"';
    memcpy(at, recent->text, sizeof recent->text);
    at += sizeof recent->text;
    *at++ = '"';
    return at;
}

char *msim_native_figure_at(struct msim_native_figure *figure, char *at, int64_t mantissa,
                            int exponent)
{
    struct pen pen = {at};

    put_decimal(&pen, mantissa, exponent);
    const size_t length = (size_t)(pen.at - at);
    if (length <= sizeof figure->quoted) {
        *figure = (struct msim_native_figure){
            .mantissa = mantissa, .exponent = (int16_t)exponent, .length = (uint8_t)length};
        memcpy(figure->quoted, at, length);
    }
    return pen.at;
}

char *msim_native_stamp_at(struct msim_native_codec *codec, char *at,
                           const struct msim_native_stamp *stamp)
{
    struct pen pen = {at};

    PUT(&pen, ",\"timestamp\":");
    msim_native_put_time(codec, &pen, stamp->time);
    if (stamp->sequence != 0 || stamp->has_sequence) {
        PUT(&pen, ",\"sequence\":");
        put_number(&pen, stamp->sequence);
    }
    if (stamp->request_id.length > 0) {
        PUT(&pen, ",\"request_id\":");
        put(&pen, stamp->request_id.text, stamp->request_id.length);
    }
    *pen.at++ = '}';
    return pen.at;
}
