#include "net/utf8.h"

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

/* Most of what is sent is ASCII: sixteen bytes at a time. */
static size_t skip_ascii(const unsigned char *bytes, size_t length)
{
    size_t i = 0;

    for (; length - i >= 16; i += 16) {
        uint64_t words[2];
        memcpy(words, bytes + i, sizeof words);
        if ((words[0] | words[1]) & UINT64_C(0x8080808080808080))
            break;
    }
    while (i < length && bytes[i] < 0x80)
        i++;
    return i;
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
