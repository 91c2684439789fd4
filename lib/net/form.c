/*
 * Pairs of a query or a form.
 */
#include <marketsim/form.h>

#include <limits.h>
#include <string.h>

#include "base/utf8.h"
#include "net/http.h"

bool msim_form_next(const char **text, size_t *length, struct msim_form_pair *pair)
{
    if (!text || !length || !pair)
        return false;
    /* Nothing stands between "&&". */
    while (*length > 0 && **text == '&') {
        (*text)++;
        (*length)--;
    }
    if (*length == 0)
        return false;
    const char *start = *text;
    const char *end = memchr(start, '&', *length);
    size_t size = end ? (size_t)(end - start) : *length;
    const char *equals = memchr(start, '=', size);

    pair->key = start;
    pair->key_length = equals ? (size_t)(equals - start) : size;
    pair->value = equals ? equals + 1 : start + size;
    pair->value_length = equals ? size - pair->key_length - 1 : 0;
    *text += size;
    *length -= size;
    return true;
}

/* The byte at `*at`, or that its escape stands for; -1 for a bad one.  `*at` moves behind it. */
static int next_byte(const char *raw, size_t length, size_t *at)
{
    int byte = raw[*at] == '+' ? ' ' : (unsigned char)raw[*at];

    if (byte == '%') {
        byte = msim_http_escaped_byte((struct msim_http_text){raw, length}, *at);
        *at += 2;
    }
    ++*at;
    return byte;
}

int msim_form_decode(char *out, size_t size, const char *raw, size_t length)
{
    size_t written = 0;

    if (!out || size == 0 || (!raw && length > 0))
        return MSIM_ERR_INVALID;
    for (size_t at = 0; at < length;) {
        int byte = next_byte(raw, length, &at);
        if (byte <= 0)
            return MSIM_ERR_FORMAT;
        if (written + 1 >= size || written >= INT_MAX)
            return MSIM_ERR_LIMIT;
        out[written++] = (char)byte;
    }
    out[written] = '\0';
    return msim_utf8_valid(out, written) ? (int)written : MSIM_ERR_FORMAT;
}

/* Is the raw key this one?  1, 0, or MSIM_ERR_FORMAT. */
static int key_is(const struct msim_form_pair *pair, const char *key)
{
    size_t matched = 0;
    bool same = true;

    for (size_t at = 0; at < pair->key_length;) {
        int byte = next_byte(pair->key, pair->key_length, &at);
        if (byte <= 0)
            return MSIM_ERR_FORMAT;
        same = same && key[matched] != '\0' && (char)byte == key[matched];
        if (same)
            matched++;
    }
    return same && key[matched] == '\0';
}

int msim_form_value(const char *text, size_t length, const char *key, char *out, size_t size)
{
    struct msim_form_pair pair;

    if ((!text && length > 0) || !key || !out || size == 0)
        return MSIM_ERR_INVALID;
    while (msim_form_next(&text, &length, &pair)) {
        int is = key_is(&pair, key);
        if (is < 0)
            return is;
        if (is > 0)
            return msim_form_decode(out, size, pair.value, pair.value_length);
    }
    return MSIM_ERR_NOT_FOUND;
}
