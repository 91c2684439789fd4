/*
 * The tokens.  A state says what may come next; a bit for each open level says
 * whether it is an object.  A failure is kept, with its place and why.
 */
#include "base/json.h"

#include <assert.h>
#include <string.h>

#include "base/detail.h"
#include "base/json_plain.h"
#include "base/utf8.h"

enum state {
    STATE_START,       /* the outermost value */
    STATE_FIRST_KEY,   /* behind '{': a key or '}' */
    STATE_FIRST_VALUE, /* behind '[': a value or ']' */
    STATE_AFTER,       /* behind a value inside of something: ',' or its end */
    STATE_DONE,
};

const char *msim_json_kind_text(enum msim_json_kind kind)
{
    switch (kind) {
    case MSIM_JSON_END:
        return "the end";
    case MSIM_JSON_NULL:
        return "null";
    case MSIM_JSON_FALSE:
        return "false";
    case MSIM_JSON_TRUE:
        return "true";
    case MSIM_JSON_NUMBER:
        return "a number";
    case MSIM_JSON_STRING:
        return "a string";
    case MSIM_JSON_OBJECT:
    case MSIM_JSON_OBJECT_END:
        return "an object";
    case MSIM_JSON_ARRAY:
    case MSIM_JSON_ARRAY_END:
        return "an array";
    }
    return "unknown";
}

void msim_json_place(const char *text, size_t length, size_t at, size_t *line, size_t *column)
{
    size_t begin = 0;

    *line = 1;
    if (at > length)
        at = length;
    for (const char *end; (end = memchr(text + begin, '\n', at - begin)); ++*line)
        begin = (size_t)(end - text) + 1;
    *column = 1;
    for (size_t i = begin; i < at; i++)
        *column += ((unsigned char)text[i] & 0xC0) != 0x80;
}

static int fail(struct msim_json_reader *reader, int failure, size_t at, const char *why)
{
    reader->failure = failure;
    reader->failed_at = at;
    reader->why = why;
    return failure;
}

int msim_json_explain(const struct msim_json_reader *reader, struct msim_detail *detail)
{
    size_t line;
    size_t column;

    if (reader->failure == MSIM_OK)
        return MSIM_OK;
    msim_json_place(reader->text, reader->length, reader->failed_at, &line, &column);
    return msim_detail_set(detail, reader->failure, "line %zu, column %zu (byte %zu): %s", line,
                           column, reader->failed_at, reader->why);
}

void msim_json_init(struct msim_json_reader *reader, const char *text, size_t length,
                    const struct msim_json_limits *limits)
{
    size_t max_bytes = limits && limits->max_bytes ? limits->max_bytes : MSIM_JSON_MAX_BYTES;
    size_t max_depth = limits && limits->max_depth ? limits->max_depth : MSIM_JSON_MAX_DEPTH;

    /* The bits need no zeros: a level's bit is written when it opens. */
    reader->text = length > 0 ? text : "";
    reader->length = length;
    reader->at = 0;
    reader->depth = 0;
    reader->max_depth = max_depth < MSIM_JSON_DEPTH_MOST ? max_depth : MSIM_JSON_DEPTH_MOST;
    reader->state = STATE_START;
    reader->failure = MSIM_OK;
    reader->failed_at = 0;
    reader->why = "";
    if (length > max_bytes)
        fail(reader, MSIM_ERR_LIMIT, max_bytes, "the text is larger than its limit");
    else if (length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
        fail(reader, MSIM_ERR_FORMAT, 0, "a byte order mark must not stand before JSON");
}

static unsigned char look(const struct msim_json_reader *reader)
{
    return reader->at < reader->length ? (unsigned char)reader->text[reader->at] : 0;
}

static void skip_space(struct msim_json_reader *reader)
{
    for (; reader->at < reader->length; reader->at++) {
        char c = reader->text[reader->at];
        if (c != ' ' && c != '\n' && c != '\t' && c != '\r')
            break;
    }
}

/* ---- strings ---- */

static size_t skip_plain(const char *text, size_t at, size_t length)
{
    uint64_t eight;

    for (; length - at >= sizeof eight; at += sizeof eight) {
        memcpy(&eight, text + at, sizeof eight);
        if (msim_json_has_special(eight))
            break;
    }
    while (at < length) {
        unsigned char c = (unsigned char)text[at];
        if (c == '"' || c == '\\' || c < 0x20 || c >= 0x80)
            break;
        at++;
    }
    return at;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The number of a "\uXXXX" at the front of the text; -1 where there is none. */
static int32_t read_unit(const char *text, size_t length)
{
    int32_t unit = 0;

    if (length < 6 || text[0] != '\\' || text[1] != 'u')
        return -1;
    for (size_t i = 2; i < 6; i++) {
        int digit = hex_digit(text[i]);
        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

/*
 * The code point of an escape at the front of the text, and its size in bytes; size 0
 * where it is none, with why.
 */
struct escape {
    uint32_t code;
    size_t size;
    const char *why;
};

static struct escape read_unicode_escape(const char *text, size_t length)
{
    int32_t unit = read_unit(text, length);

    if (unit < 0)
        return (struct escape){0, 0, "four hexadecimal digits must follow \\u"};
    if (unit < 0xD800 || unit > 0xDFFF)
        return (struct escape){(uint32_t)unit, 6, NULL};
    int32_t low = unit < 0xDC00 ? read_unit(text + 6, length - 6) : -1;
    if (low < 0xDC00 || low > 0xDFFF)
        return (struct escape){0, 0, "half of a surrogate pair stands alone"};
    uint32_t code = 0x10000 + (((uint32_t)unit - 0xD800) << 10) + ((uint32_t)low - 0xDC00);
    return (struct escape){code, 12, NULL};
}

static struct escape read_escape(const char *text, size_t length)
{
    switch (length > 1 ? text[1] : 0) {
    case '"':
    case '\\':
    case '/':
        return (struct escape){(unsigned char)text[1], 2, NULL};
    case 'b':
        return (struct escape){'\b', 2, NULL};
    case 'f':
        return (struct escape){'\f', 2, NULL};
    case 'n':
        return (struct escape){'\n', 2, NULL};
    case 'r':
        return (struct escape){'\r', 2, NULL};
    case 't':
        return (struct escape){'\t', 2, NULL};
    case 'u':
        return read_unicode_escape(text, length);
    default:
        return (struct escape){0, 0,
                               "no such escape: one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u"};
    }
}

/* Goes behind the string whose quote is at hand. */
static int scan_string(struct msim_json_reader *reader)
{
    size_t start = reader->at;
    size_t at = start + 1;

    for (;;) {
        at = skip_plain(reader->text, at, reader->length);
        if (at == reader->length)
            return fail(reader, MSIM_ERR_FORMAT, start, "the string that begins here has no end");
        unsigned char c = (unsigned char)reader->text[at];
        if (c == '"') {
            reader->at = at + 1;
            return MSIM_OK;
        }
        if (c == '\\') {
            struct escape escape = read_escape(reader->text + at, reader->length - at);
            if (escape.size == 0)
                return fail(reader, MSIM_ERR_FORMAT, at, escape.why);
            at += escape.size;
        } else if (c < 0x20) {
            return fail(reader, MSIM_ERR_FORMAT, at, "a control character needs an escape");
        } else {
            size_t size = msim_utf8_character(reader->text + at, reader->length - at);
            if (size == 0)
                return fail(reader, MSIM_ERR_FORMAT, at, "not valid UTF-8");
            at += size;
        }
    }
}

void msim_json_pieces_init(struct msim_json_pieces *pieces, const char *text, size_t start,
                           size_t end)
{
    assert(end - start >= 2);

    pieces->text = text;
    pieces->at = start + 1;
    pieces->end = end - 1;
}

bool msim_json_piece(struct msim_json_pieces *pieces, const char **bytes, size_t *length)
{
    const char *front = pieces->text + pieces->at;
    size_t left = pieces->end - pieces->at;

    if (left == 0)
        return false;
    if (*front == '\\') {
        struct escape escape = read_escape(front, left);
        assert(escape.size > 0);
        pieces->at += escape.size;
        *bytes = pieces->character;
        *length = msim_utf8_put(escape.code, pieces->character);
        return true;
    }
    const char *slash = memchr(front, '\\', left);
    *bytes = front;
    *length = slash ? (size_t)(slash - front) : left;
    pieces->at += *length;
    return true;
}

int msim_json_string(const char *text, size_t start, size_t end, char *out, size_t size,
                     size_t *length)
{
    struct msim_json_pieces pieces;
    const char *piece;
    size_t piece_length;
    size_t total = 0;

    msim_json_pieces_init(&pieces, text, start, end);
    while (msim_json_piece(&pieces, &piece, &piece_length))
        total += piece_length;
    if (total >= size)
        return MSIM_ERR_LIMIT;

    msim_json_pieces_init(&pieces, text, start, end);
    for (char *p = out; msim_json_piece(&pieces, &piece, &piece_length); p += piece_length)
        memcpy(p, piece, piece_length);
    out[total] = '\0';
    if (length)
        *length = total;
    return MSIM_OK;
}

bool msim_json_is_bytes(const char *text, size_t start, size_t end, const char *bytes,
                        size_t length)
{
    struct msim_json_pieces pieces;
    const char *piece;
    size_t piece_length;
    size_t matched = 0;

    msim_json_pieces_init(&pieces, text, start, end);
    while (msim_json_piece(&pieces, &piece, &piece_length)) {
        if (piece_length > length - matched || memcmp(bytes + matched, piece, piece_length) != 0)
            return false;
        matched += piece_length;
    }
    return matched == length;
}

bool msim_json_is(const char *text, size_t start, size_t end, const char *word)
{
    return msim_json_is_bytes(text, start, end, word, strlen(word));
}

/* ---- everything else ---- */

static size_t skip_digits(const struct msim_json_reader *reader, size_t at)
{
    while (at < reader->length && reader->text[at] >= '0' && reader->text[at] <= '9')
        at++;
    return at;
}

static int scan_number(struct msim_json_reader *reader)
{
    const char *text = reader->text;
    size_t length = reader->length;
    size_t at = reader->at;

    if (text[at] == '-')
        at++;
    size_t first = at;
    at = skip_digits(reader, at);
    if (at == first)
        return fail(reader, MSIM_ERR_FORMAT, at, "a digit must follow the minus sign");
    if (text[first] == '0' && at > first + 1)
        return fail(reader, MSIM_ERR_FORMAT, first, "a number must not begin with a zero");
    if (at < length && text[at] == '.') {
        first = ++at;
        at = skip_digits(reader, at);
        if (at == first)
            return fail(reader, MSIM_ERR_FORMAT, at, "a digit must follow the point");
    }
    if (at < length && (text[at] == 'e' || text[at] == 'E')) {
        at++;
        if (at < length && (text[at] == '+' || text[at] == '-'))
            at++;
        first = at;
        at = skip_digits(reader, at);
        if (at == first)
            return fail(reader, MSIM_ERR_FORMAT, at, "a digit must follow the exponent's sign");
    }
    reader->at = at;
    return MSIM_OK;
}

static int scan_word(struct msim_json_reader *reader, const char *word, size_t length)
{
    if (reader->length - reader->at < length ||
        memcmp(reader->text + reader->at, word, length) != 0)
        return fail(reader, MSIM_ERR_FORMAT, reader->at,
                    "no such word: a value is true, false, null, or begins with one of \" [ { - "
                    "or a digit");
    reader->at += length;
    return MSIM_OK;
}

static bool in_object(const struct msim_json_reader *reader)
{
    size_t level = reader->depth - 1;

    return reader->objects[level / 64] >> (level % 64) & 1;
}

static int open_level(struct msim_json_reader *reader, enum msim_json_kind kind)
{
    if (reader->depth == reader->max_depth)
        return fail(reader, MSIM_ERR_LIMIT, reader->at, "too many levels inside each other");
    size_t level = reader->depth++;
    uint64_t bit = UINT64_C(1) << (level % 64);

    if (kind == MSIM_JSON_OBJECT) {
        reader->objects[level / 64] |= bit;
        reader->state = STATE_FIRST_KEY;
    } else {
        reader->objects[level / 64] &= ~bit;
        reader->state = STATE_FIRST_VALUE;
    }
    reader->at++;
    return MSIM_OK;
}

static int close_level(struct msim_json_reader *reader, struct msim_json_token *token)
{
    token->kind = in_object(reader) ? MSIM_JSON_OBJECT_END : MSIM_JSON_ARRAY_END;
    token->start = reader->at++;
    token->end = reader->at;
    token->depth = --reader->depth;
    reader->state = reader->depth > 0 ? STATE_AFTER : STATE_DONE;
    return (int)token->kind;
}

static int scan_scalar(struct msim_json_reader *reader, enum msim_json_kind *kind)
{
    switch (look(reader)) {
    case '"':
        *kind = MSIM_JSON_STRING;
        return scan_string(reader);
    case 't':
        *kind = MSIM_JSON_TRUE;
        return scan_word(reader, "true", 4);
    case 'f':
        *kind = MSIM_JSON_FALSE;
        return scan_word(reader, "false", 5);
    case 'n':
        *kind = MSIM_JSON_NULL;
        return scan_word(reader, "null", 4);
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9':
        *kind = MSIM_JSON_NUMBER;
        return scan_number(reader);
    default:
        return fail(reader, MSIM_ERR_FORMAT, reader->at,
                    reader->at == reader->length ? "the text ends where a value must stand"
                                                 : "a value must stand here");
    }
}

static int read_value(struct msim_json_reader *reader, struct msim_json_token *token)
{
    unsigned char c = look(reader);
    int r;

    token->depth = reader->depth;
    token->start = reader->at;
    if (c == '{' || c == '[') {
        token->kind = c == '{' ? MSIM_JSON_OBJECT : MSIM_JSON_ARRAY;
        r = open_level(reader, token->kind);
    } else {
        r = scan_scalar(reader, &token->kind);
        reader->state = reader->depth > 0 ? STATE_AFTER : STATE_DONE;
    }
    token->end = reader->at;
    return r < 0 ? r : (int)token->kind;
}

static int read_member(struct msim_json_reader *reader, struct msim_json_token *token)
{
    if (look(reader) != '"')
        return fail(reader, MSIM_ERR_FORMAT, reader->at, "a key in quotes must stand here");
    token->key_start = reader->at;
    int r = scan_string(reader);
    if (r < 0)
        return r;
    token->key_end = reader->at;
    skip_space(reader);
    if (look(reader) != ':')
        return fail(reader, MSIM_ERR_FORMAT, reader->at, "a colon must follow the key");
    reader->at++;
    skip_space(reader);
    return read_value(reader, token);
}

static int read_after(struct msim_json_reader *reader, struct msim_json_token *token)
{
    bool object = in_object(reader);
    unsigned char c = look(reader);

    if (c == (object ? '}' : ']'))
        return close_level(reader, token);
    if (c != ',')
        return fail(reader, MSIM_ERR_FORMAT, reader->at,
                    object ? "a comma or } must stand here" : "a comma or ] must stand here");
    reader->at++;
    skip_space(reader);
    return object ? read_member(reader, token) : read_value(reader, token);
}

int msim_json_next(struct msim_json_reader *reader, struct msim_json_token *token)
{
    if (reader->failure < 0)
        return reader->failure;

    struct msim_json_token made = {.kind = MSIM_JSON_END};
    int r = MSIM_JSON_END;

    skip_space(reader);
    switch ((enum state)reader->state) {
    case STATE_START:
        r = read_value(reader, &made);
        break;
    case STATE_FIRST_KEY:
        r = look(reader) == '}' ? close_level(reader, &made) : read_member(reader, &made);
        break;
    case STATE_FIRST_VALUE:
        r = look(reader) == ']' ? close_level(reader, &made) : read_value(reader, &made);
        break;
    case STATE_AFTER:
        r = read_after(reader, &made);
        break;
    case STATE_DONE:
        if (reader->at < reader->length)
            return fail(reader, MSIM_ERR_FORMAT, reader->at, "nothing may follow the value");
        made.start = made.end = reader->at;
        break;
    }
    if (r >= 0)
        *token = made;
    return r;
}

int msim_json_skip(struct msim_json_reader *reader, const struct msim_json_token *token)
{
    struct msim_json_token inner;

    if (token->kind != MSIM_JSON_OBJECT && token->kind != MSIM_JSON_ARRAY)
        return MSIM_OK;
    do {
        int r = msim_json_next(reader, &inner);
        if (r < 0)
            return r;
    } while (inner.depth > token->depth);
    return MSIM_OK;
}
