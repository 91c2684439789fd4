/*
 * Is it UTF-8?  In pieces that may be cut anywhere.
 */
#ifndef MSIM_NET_UTF8_H
#define MSIM_NET_UTF8_H

#include <marketsim/base.h>

/* Where in a character the last piece ended.  Zeroed at the start of a text. */
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

/* A whole text in one piece. */
bool msim_utf8_valid(const void *text, size_t length);

#endif
