/*
 * UTF-8, as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.
 */
#ifndef MSIM_BASE_UTF8_H
#define MSIM_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The size (1..4) of the character at the front of `bytes`; 0 where there is none:
 * bad bytes, an end in its middle, or `length` 0.
 */
size_t msim_utf8_character(const void *bytes, size_t length);

/* How many bytes at the front are whole good characters: `length` where all is valid. */
size_t msim_utf8_span(const void *bytes, size_t length);

/* A whole text in one piece. */
bool msim_utf8_valid(const void *text, size_t length);

/*
 * The same for a text in pieces that may be cut anywhere: where in a character the last one ended.
 * Zeroed at the start of a text.
 */
struct msim_utf8 {
    uint8_t missing; /* bytes of the character that is under way */
    uint8_t low;     /* what its next byte must lie between */
    uint8_t high;
};

/* False at the first byte that no valid text has there. */
bool msim_utf8_check(struct msim_utf8 *state, const unsigned char *bytes, size_t length);

/* Did the text end with a character? */
static inline bool msim_utf8_ended(const struct msim_utf8 *state)
{
    return state->missing == 0;
}

/* Writes a code point that is no surrogate and at most U+10FFFF; returns 1..4. */
size_t msim_utf8_put(uint32_t code, char out[4]);

#endif
