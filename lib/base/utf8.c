#include "base/utf8.h"

#include <assert.h>
#include <string.h>

/*
 * What may follow a first byte (Unicode 15, table 3-7): no overlong forms, no
 * surrogates, nothing above U+10FFFF.
 */
static bool lead(struct msim_utf8 *state, unsigned char first)
{
    state->low = 0x80;
    state->high = 0xBF;
    if (first >= 0xC2 && first <= 0xDF) {
        state->missing = 1;
    } else if (first >= 0xE0 && first <= 0xEF) {
        state->missing = 2;
        if (first == 0xE0)
            state->low = 0xA0;
        else if (first == 0xED)
            state->high = 0x9F;
    } else if (first >= 0xF0 && first <= 0xF4) {
        state->missing = 3;
        if (first == 0xF0)
            state->low = 0x90;
        else if (first == 0xF4)
            state->high = 0x8F;
    } else {
        return false;
    }
    return true;
}

/* Most texts are ASCII: sixteen bytes at a time. */
static size_t skip_ascii(const unsigned char *bytes, size_t length)
{
    size_t i = 0;

    for (; length - i >= 16; i += 16) {
        uint64_t words[2];
        memcpy(words, bytes + i, sizeof words);
        if ((words[0] | words[1]) & UINT64_C(0x8080808080808080))
            break;
    }
    if (length >= 16 && length - i < 16) { /* the last sixteen, some of them once more */
        uint64_t words[2];
        memcpy(words, bytes + length - 16, sizeof words);
        if (!((words[0] | words[1]) & UINT64_C(0x8080808080808080)))
            return length;
    }
    while (i < length && bytes[i] < 0x80)
        i++;
    return i;
}

size_t msim_utf8_character(const void *bytes, size_t length)
{
    const unsigned char *p = bytes;
    struct msim_utf8 state;

    if (length == 0)
        return 0;
    if (p[0] < 0x80)
        return 1;
    if (!lead(&state, p[0]))
        return 0;

    size_t size = 1 + (size_t)state.missing;
    if (length < size || p[1] < state.low || p[1] > state.high)
        return 0;
    for (size_t i = 2; i < size; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    return size;
}

size_t msim_utf8_span(const void *bytes, size_t length)
{
    const unsigned char *p = bytes;
    size_t at = 0;

    while (at < length) {
        at += skip_ascii(p + at, length - at);
        if (at == length)
            break;
        size_t size = msim_utf8_character(p + at, length - at);
        if (size == 0)
            break;
        at += size;
    }
    return at;
}

bool msim_utf8_check(struct msim_utf8 *state, const unsigned char *bytes, size_t length)
{
    size_t i = 0;

    while (i < length) {
        if (state->missing > 0) {
            if (bytes[i] < state->low || bytes[i] > state->high)
                return false;
            state->low = 0x80;
            state->high = 0xBF;
            state->missing--;
            i++;
        } else {
            i += skip_ascii(bytes + i, length - i);
            if (i < length && !lead(state, bytes[i++]))
                return false;
        }
    }
    return true;
}

bool msim_utf8_valid(const void *text, size_t length)
{
    struct msim_utf8 state = {0};

    return msim_utf8_check(&state, text, length) && msim_utf8_ended(&state);
}

size_t msim_utf8_put(uint32_t code, char out[4])
{
    assert(code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF));

    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t size = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char leads[] = {0, 0, 0xC0, 0xE0, 0xF0};

    for (size_t i = size - 1; i > 0; i--, code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3F));
    out[0] = (char)(leads[size] | code);
    return size;
}
