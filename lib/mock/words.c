#include "mock/words.h"

#include <string.h>

#include "base/decimal.h"
#include "base/nearest.h"
#include "base/number.h"

/* Words longer than this are compared by their first bytes. */
#define COMPARED 32

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

struct msim_mock_word msim_mock_word_until(struct msim_mock_text *text, const char *stops)
{
    while (text->at < text->end && is_space(text->whole[text->at]))
        text->at++;
    size_t begin = text->at;
    /* strchr finds the terminator too: a zero byte within the text is no stop. */
    while (text->at < text->end &&
           (text->whole[text->at] == '\0' || !strchr(stops, text->whole[text->at])))
        text->at++;
    size_t end = text->at;
    while (end > begin && is_space(text->whole[end - 1]))
        end--;
    return (struct msim_mock_word){text->whole + begin, end - begin, begin + 1};
}

bool msim_mock_word_take(struct msim_mock_text *text, char byte)
{
    if (text->at >= text->end || text->whole[text->at] != byte)
        return false;
    text->at++;
    return true;
}

bool msim_mock_word_is(struct msim_mock_word word, const char *name)
{
    return strlen(name) == word.length && memcmp(name, word.text, word.length) == 0;
}

int msim_mock_word_number(struct msim_mock_word word, double *number)
{
    int64_t mantissa;
    int exponent;
    int r = msim_decimal_parse_any(word.text, word.length, &mantissa, &exponent);

    if (r < 0)
        return r;
    *number = (double)mantissa / (double)msim_pow10[-exponent];
    return MSIM_OK;
}

static size_t compared(size_t length)
{
    return length < COMPARED ? length : COMPARED;
}

const char *msim_mock_word_nearest(struct msim_mock_word word, const char *const *names)
{
    const char *nearest = names[0];
    size_t least = SIZE_MAX;

    for (size_t i = 0; names[i]; i++) {
        size_t changes = msim_nearest_bytes_apart(word.text, compared(word.length), names[i],
                                                  compared(strlen(names[i])));
        if (changes < least) {
            least = changes;
            nearest = names[i];
        }
    }
    return nearest;
}
