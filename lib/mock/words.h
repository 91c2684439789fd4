/*
 * Pieces of the specs' text: a cursor that knows its place, and advice.
 */
#ifndef MSIM_MOCK_WORDS_H
#define MSIM_MOCK_WORDS_H

#include <marketsim/base.h>

/* A part of a whole text; places in errors are counted in the whole, from 1. */
struct msim_mock_text {
    const char *whole;
    size_t at;
    size_t end;
};

struct msim_mock_word {
    const char *text;
    size_t length;
    size_t place; /* in the whole, from 1 */
};

/* A word as printf's "%.*s" wants it, cut to what a message bears. */
#define MSIM_MOCK_SHOW(word) (int)((word).length < 48 ? (word).length : 48), (word).text

/* Up to a byte of `stops` or the end, without spaces around; moves on to the stop. */
struct msim_mock_word msim_mock_word_until(struct msim_mock_text *text, const char *stops);

/* Takes `byte` if it comes next. */
bool msim_mock_word_take(struct msim_mock_text *text, char byte);

bool msim_mock_word_is(struct msim_mock_word word, const char *name);

/* A plain decimal number, correctly rounded up to 15 digits; MSIM_ERR_INVALID, MSIM_ERR_OVERFLOW.
 */
int msim_mock_word_number(struct msim_mock_word word, double *number);

/* The one of `names` (ended by NULL) that takes the fewest changes. */
const char *msim_mock_word_nearest(struct msim_mock_word word, const char *const *names);

#endif
