#include "base/glob.h"

#include "base/utf8.h"

bool msim_glob_match(const char *pattern, size_t pattern_length, const char *text, size_t length)
{
    size_t p = 0, t = 0;
    /* The last star and what it has taken: the only place to come back to. */
    size_t star = pattern_length, taken = 0;

    while (t < length) {
        if (p < pattern_length && pattern[p] == '*') {
            star = p++;
            taken = t;
            continue;
        }
        size_t step = 1;
        if (p < pattern_length && pattern[p] == '?') {
            step = msim_utf8_character(text + t, length - t);
            /* A stray byte counts as a character. */
            step += step == 0;
        }
        if (p < pattern_length && (pattern[p] == '?' || pattern[p] == text[t])) {
            p++;
            t += step;
            continue;
        }
        if (star == pattern_length)
            return false;
        p = star + 1;
        t = ++taken;
    }
    while (p < pattern_length && pattern[p] == '*')
        p++;
    return p == pattern_length;
}
