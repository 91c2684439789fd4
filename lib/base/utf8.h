/*
 * UTF-8, as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.
 */
#ifndef MSIM_BASE_UTF8_H
#define MSIM_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/*
 * The size (1..4) of the character at the front of `bytes`; 0 where there is none:
 * bad bytes, an end in its middle, or `length` 0.
 */
size_t msim_utf8_character(const void *bytes, size_t length);

/* How many bytes at the front are whole good characters: `length` where all is valid. */
size_t msim_utf8_span(const void *bytes, size_t length);

/* Writes a code point that is no surrogate and at most U+10FFFF; returns 1..4. */
size_t msim_utf8_put(uint32_t code, char out[4]);

#endif
