/*
 * The writer keeps a window of free bytes, so that most calls only copy.
 */
#include "base/json.h"

#include <assert.h>
#include <string.h>

#include "base/decimal.h"
#include "base/json_plain.h"
#include "base/utf8.h"

/* What is asked of a buffer at once where its bound allows. */
#define WINDOW 512

void msim_json_write_bytes(struct msim_json_writer *writer, struct msim_bytes *bytes)
{
    *writer = (struct msim_json_writer){.bytes = bytes, .before = msim_bytes_length(bytes)};
}

void msim_json_write_buffer(struct msim_json_writer *writer, void *buffer, size_t size)
{
    unsigned char *window = buffer;

    *writer = (struct msim_json_writer){.window = window, .at = window, .limit = window + size};
}

static void claim_written(struct msim_json_writer *writer)
{
    if (writer->at > writer->window)
        msim_bytes_commit(writer->bytes, (size_t)(writer->at - writer->window));
    writer->window = writer->at;
}

int msim_json_write_end(struct msim_json_writer *writer, size_t *length)
{
    assert(writer->failure < 0 || writer->depth == 0);

    if (writer->bytes)
        claim_written(writer);
    if (writer->failure < 0) {
        if (writer->bytes)
            msim_bytes_drop(writer->bytes, msim_bytes_length(writer->bytes) - writer->before);
        return writer->failure;
    }
    if (length)
        *length = writer->bytes ? msim_bytes_length(writer->bytes) - writer->before
                                : (size_t)(writer->at - writer->window);
    return MSIM_OK;
}

static bool widen(struct msim_json_writer *writer, size_t length)
{
    unsigned char *room;

    if (writer->failure < 0)
        return false;
    if (!writer->bytes) {
        writer->limit = writer->at;
        writer->failure = MSIM_ERR_LIMIT;
        return false;
    }
    claim_written(writer);

    size_t wanted = length > WINDOW ? length : WINDOW;
    int r = msim_bytes_reserve(writer->bytes, wanted, &room);
    if (r == MSIM_ERR_LIMIT && wanted > length) {
        wanted = length;
        r = msim_bytes_reserve(writer->bytes, wanted, &room);
    }
    if (r < 0) {
        /* An empty window: whatever follows comes by here. */
        writer->window = writer->at = writer->limit = NULL;
        writer->failure = r;
        return false;
    }
    writer->window = writer->at = room;
    writer->limit = room + wanted;
    return true;
}

/* Room for `length` bytes at `writer->at`; false after a failure. */
static inline bool make_room(struct msim_json_writer *writer, size_t length)
{
    return (size_t)(writer->limit - writer->at) >= length || widen(writer, length);
}

static inline void put(struct msim_json_writer *writer, const void *bytes, size_t length)
{
    if (length == 0 || !make_room(writer, length))
        return;
    memcpy(writer->at, bytes, length);
    writer->at += length;
}

static inline void put_byte(struct msim_json_writer *writer, char c)
{
    if (make_room(writer, 1))
        *writer->at++ = (unsigned char)c;
}

/* The comma before a value or key, where one is due. */
static inline void separate(struct msim_json_writer *writer)
{
    if (writer->comma)
        put_byte(writer, ',');
    writer->comma = true;
}

static void open_level(struct msim_json_writer *writer, char bracket)
{
    separate(writer);
    put_byte(writer, bracket);
    writer->comma = false;
    writer->depth++;
}

static void close_level(struct msim_json_writer *writer, char bracket)
{
    assert(writer->depth > 0);
    put_byte(writer, bracket);
    writer->comma = true;
    writer->depth--;
}

void msim_json_write_object(struct msim_json_writer *writer)
{
    open_level(writer, '{');
}

void msim_json_write_object_end(struct msim_json_writer *writer)
{
    close_level(writer, '}');
}

void msim_json_write_array(struct msim_json_writer *writer)
{
    open_level(writer, '[');
}

void msim_json_write_array_end(struct msim_json_writer *writer)
{
    close_level(writer, ']');
}

/* The bytes at the front that need no escape and are valid UTF-8. */
static size_t plain_span(const char *text, size_t length)
{
    size_t at = 0;

    while (at < length) {
        uint64_t eight;
        if (length - at >= sizeof eight) {
            memcpy(&eight, text + at, sizeof eight);
            if (!msim_json_has_special(eight)) {
                at += sizeof eight;
                continue;
            }
        }
        unsigned char c = (unsigned char)text[at];
        if (c < 0x20 || c == '"' || c == '\\')
            break;
        size_t size = c < 0x80 ? 1 : msim_utf8_character(text + at, length - at);
        if (size == 0)
            break;
        at += size;
    }
    return at;
}

static void put_escaped(struct msim_json_writer *writer, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    static const char shorts[32] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};

    if (c >= 0x80) {
        put(writer, "\xEF\xBF\xBD", 3);
    } else if (c == '"' || c == '\\') {
        put(writer, (char[]){'\\', (char)c}, 2);
    } else if (shorts[c] != 0) {
        put(writer, (char[]){'\\', shorts[c]}, 2);
    } else {
        put(writer, (char[]){'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]}, 6);
    }
}

static void put_quoted(struct msim_json_writer *writer, const char *text, size_t length)
{
    put_byte(writer, '"');
    for (size_t at = 0; at < length;) {
        size_t plain = plain_span(text + at, length - at);
        put(writer, text + at, plain);
        at += plain;
        if (at < length)
            put_escaped(writer, (unsigned char)text[at++]);
    }
    put_byte(writer, '"');
}

void msim_json_write_key_bytes(struct msim_json_writer *writer, const char *key, size_t length)
{
    separate(writer);
    put_quoted(writer, key, length);
    put_byte(writer, ':');
    writer->comma = false;
}

void msim_json_write_key(struct msim_json_writer *writer, const char *key)
{
    msim_json_write_key_bytes(writer, key, strlen(key));
}

void msim_json_write_string(struct msim_json_writer *writer, const char *text, size_t length)
{
    separate(writer);
    put_quoted(writer, text, length);
}

void msim_json_write_text(struct msim_json_writer *writer, const char *text)
{
    msim_json_write_string(writer, text, strlen(text));
}

void msim_json_write_raw(struct msim_json_writer *writer, const char *json, size_t length)
{
    separate(writer);
    put(writer, json, length);
}

void msim_json_write_null(struct msim_json_writer *writer)
{
    msim_json_write_raw(writer, "null", 4);
}

void msim_json_write_bool(struct msim_json_writer *writer, bool value)
{
    if (value)
        msim_json_write_raw(writer, "true", 4);
    else
        msim_json_write_raw(writer, "false", 5);
}

void msim_json_write_unsigned(struct msim_json_writer *writer, uint64_t value)
{
    char digits[20];

    msim_json_write_raw(writer, digits, msim_decimal_digits(value, digits));
}

void msim_json_write_integer(struct msim_json_writer *writer, int64_t value)
{
    msim_json_write_decimal(writer, value, 0);
}

void msim_json_write_decimal(struct msim_json_writer *writer, int64_t mantissa, int exponent)
{
    char digits[MSIM_DECIMAL_SIZE];

    msim_json_write_raw(writer, digits, msim_decimal_print_short(mantissa, exponent, digits));
}

void msim_json_write_decimal_text(struct msim_json_writer *writer, int64_t mantissa, int exponent)
{
    char digits[MSIM_DECIMAL_SIZE];
    size_t length = msim_decimal_print_short(mantissa, exponent, digits);

    separate(writer);
    put_byte(writer, '"');
    put(writer, digits, length);
    put_byte(writer, '"');
}
