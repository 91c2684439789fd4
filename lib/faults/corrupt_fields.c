/*
 * Spoiling one JSON token: found by its place in bytes, so that not a byte beside
 * it changes.
 *
 * The text is read twice: once to count the tokens that the mode can work on, and
 * once up to the one that was drawn.
 */
#include "faults/corrupt.h"

#include <string.h>

#include "base/calendar.h"
#include "base/decimal.h"
#include "base/json.h"
#include "base/utf8.h"

#define PATH_MOST 512

/* ---- walking with a pointer ---- */

struct walk {
    struct mutating *mutating;
    struct msim_json_reader reader;
    struct msim_json_token token;
    size_t end; /* of the value: of containers too */
    char path[PATH_MOST];
    size_t path_length; /* of the token; PATH_MOST where it is too long to be matched */
    size_t lengths[MSIM_JSON_MAX_DEPTH + 1];
    size_t items[MSIM_JSON_MAX_DEPTH + 1];
};

static void walk_start(struct walk *walk, struct mutating *mutating)
{
    walk->mutating = mutating;
    msim_json_init(&walk->reader, (const char *)mutating->bytes, mutating->length, NULL);
    walk->path_length = 0;
    walk->lengths[0] = 0;
    walk->items[0] = 0;
}

static void put_path(struct walk *walk, char c)
{
    if (walk->path_length < PATH_MOST)
        walk->path[walk->path_length++] = c;
}

/* The key as a pointer has it (RFC 6901): its characters, with ~ as ~0 and / as ~1. */
static void put_key(struct walk *walk)
{
    struct msim_json_pieces pieces;
    const char *bytes;
    size_t length;

    msim_json_pieces_init(&pieces, (const char *)walk->mutating->bytes, walk->token.key_start,
                          walk->token.key_end);
    while (msim_json_piece(&pieces, &bytes, &length)) {
        for (size_t i = 0; i < length; i++) {
            bool is_special = bytes[i] == '~' || bytes[i] == '/';
            put_path(walk, is_special ? '~' : bytes[i]);
            if (is_special)
                put_path(walk, bytes[i] == '~' ? '0' : '1');
        }
    }
}

/* The pointer of a token whose container has the pointer path[0 .. base). */
static void note_path(struct walk *walk)
{
    const struct msim_json_token *token = &walk->token;
    size_t depth = token->depth;
    char number[24];

    if (depth == 0) {
        walk->path_length = 0;
        return;
    }
    walk->path_length = walk->lengths[depth];
    put_path(walk, '/');
    if (token->key_end > 0) {
        put_key(walk);
    } else {
        size_t digits = msim_decimal_digits(walk->items[depth], number);
        for (size_t i = 0; i < digits; i++)
            put_path(walk, number[i]);
    }
    walk->items[depth]++;
}

/* The next value; false at the end, or where the text is no JSON. */
static bool walk_next(struct walk *walk)
{
    for (;;) {
        int kind = msim_json_next(&walk->reader, &walk->token);
        if (kind <= MSIM_JSON_END)
            return false;
        if (kind == MSIM_JSON_OBJECT_END || kind == MSIM_JSON_ARRAY_END)
            continue;
        note_path(walk);
        if (kind == MSIM_JSON_OBJECT || kind == MSIM_JSON_ARRAY) {
            walk->lengths[walk->token.depth + 1] = walk->path_length;
            walk->items[walk->token.depth + 1] = 0;
        }
        return true;
    }
}

bool msim_fault_is_json(const unsigned char *bytes, size_t length)
{
    struct msim_json_reader reader;
    struct msim_json_token token;
    int kind;

    msim_json_init(&reader, (const char *)bytes, length, NULL);
    do
        kind = msim_json_next(&reader, &token);
    while (kind > MSIM_JSON_END);
    return kind == MSIM_JSON_END;
}

/* Where the value ends, its content included. */
static size_t value_end(const struct walk *walk)
{
    if (walk->token.kind != MSIM_JSON_OBJECT && walk->token.kind != MSIM_JSON_ARRAY)
        return walk->token.end;
    struct msim_json_reader reader = walk->reader;
    if (msim_json_skip(&reader, &walk->token) < 0)
        return walk->token.end;
    return reader.at;
}

/* ---- which tokens a mode can work on ---- */

static const char *text_of(const struct walk *walk)
{
    return (const char *)walk->mutating->bytes + walk->token.start;
}

static size_t length_of(const struct walk *walk)
{
    return walk->token.end - walk->token.start;
}

static bool is_member(const struct walk *walk)
{
    return walk->token.key_end > 0;
}

/* The notation of a JSON number, all of it. */
static bool is_number_text(const char *text, size_t length)
{
    struct msim_json_reader reader;
    struct msim_json_token token;

    if (length == 0 || length > NUMBER_TEXT_MOST / 2)
        return false;
    msim_json_init(&reader, text, length, NULL);
    return msim_json_next(&reader, &token) == MSIM_JSON_NUMBER && token.start == 0 &&
           token.end == length;
}

/* The number in the token, a string that is one wholly included. */
static bool number_in(const struct walk *walk, const char **text, size_t *length)
{
    *text = text_of(walk);
    *length = length_of(walk);
    if (walk->token.kind == MSIM_JSON_NUMBER)
        return *length <= NUMBER_TEXT_MOST / 2;
    if (walk->token.kind != MSIM_JSON_STRING)
        return false;
    *text += 1;
    *length -= 2;
    return is_number_text(*text, *length);
}

static bool key_has(const struct walk *walk, const char *const *words)
{
    char key[64];
    size_t length = walk->token.key_end - walk->token.key_start;

    if (!is_member(walk) || length < 2 || length - 2 >= sizeof key)
        return false;
    length -= 2;
    for (size_t i = 0; i < length; i++) {
        char c = (char)walk->mutating->bytes[walk->token.key_start + 1 + i];
        key[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    key[length] = '\0';
    for (size_t i = 0; words[i]; i++)
        if (strstr(key, words[i]))
            return true;
    return false;
}

static bool is_enum(const struct walk *walk)
{
    static const char *const words[] = {"status", "type", "side", "state", "time_in_force", NULL};

    return walk->token.kind == MSIM_JSON_STRING &&
           (walk->mutating->mutation->path.text || key_has(walk, words));
}

static bool is_moment(const struct walk *walk)
{
    static const char *const words[] = {"time", "_at", NULL};
    static const char *const exact[] = {"ts", "t", "e", NULL};
    msim_time time;

    if (walk->token.kind == MSIM_JSON_STRING)
        return length_of(walk) >= 2 &&
               msim_calendar_parse(text_of(walk) + 1, length_of(walk) - 2, &time) == MSIM_OK;
    if (walk->token.kind != MSIM_JSON_NUMBER || memchr(text_of(walk), '.', length_of(walk)) ||
        length_of(walk) < 9 || length_of(walk) > 19)
        return false;
    if (walk->mutating->mutation->path.text || key_has(walk, words))
        return true;
    return walk->token.key_end - walk->token.key_start <= 4 && key_has(walk, exact);
}

/* Which of the message's names the token is, -1 for none. */
static int live_kind(const struct walk *walk)
{
    const struct msim_fault_message *message = walk->mutating->message;
    const struct msim_fault_text texts[] = {message->client_order_id, message->order_id,
                                            message->symbol};
    bool quoted = walk->token.kind == MSIM_JSON_STRING;

    if (!quoted && walk->token.kind != MSIM_JSON_NUMBER)
        return -1;
    for (int i = 0; i < LIVE_KINDS; i++)
        if (texts[i].length > 0 && texts[i].length + 2 * (size_t)quoted == length_of(walk) &&
            memcmp(text_of(walk) + quoted, texts[i].text, texts[i].length) == 0)
            return i;
    return -1;
}

/* Stands between quotes for itself. */
static bool is_plain_text(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == '"' || text[i] == '\\')
            return false;
    return msim_utf8_span(text, length) == length;
}

/* Whether the live value is another one, and leaves JSON in the token's place. */
static bool can_stand(const struct walk *walk, const struct live_values *values, size_t i)
{
    bool quoted = walk->token.kind == MSIM_JSON_STRING;
    size_t length = values->length[i];

    if (length == length_of(walk) - 2 * (size_t)quoted &&
        memcmp(values->text[i], text_of(walk) + quoted, length) == 0)
        return false;
    return quoted ? is_plain_text(values->text[i], length)
                  : is_number_text(values->text[i], length);
}

static size_t others(const struct walk *walk, const struct live_values *values)
{
    size_t filled = values->count < LIVE_VALUES ? values->count : LIVE_VALUES;
    size_t count = 0;

    for (size_t i = 0; i < filled; i++)
        count += can_stand(walk, values, i);
    return count;
}

static bool can_swap_id(const struct walk *walk)
{
    int kind = live_kind(walk);

    return kind >= 0 && others(walk, &walk->mutating->faults->live[kind]) > 0;
}

/* The token is this text in quotes. */
static bool is_text(const struct walk *walk, const char *text)
{
    return walk->token.kind == MSIM_JSON_STRING && length_of(walk) == strlen(text) + 2 &&
           memcmp(text_of(walk) + 1, text, strlen(text)) == 0;
}

static const char *unknown_value(const struct mutation *mutation)
{
    return mutation->value ? mutation->value : "__UNKNOWN__";
}

static bool can_rename(const struct walk *walk)
{
    const char *name = walk->mutating->mutation->name;
    size_t length = walk->token.key_end - walk->token.key_start;

    return is_member(walk) &&
           (!name || strlen(name) + 2 != length ||
            memcmp(walk->mutating->bytes + walk->token.key_start + 1, name, length - 2) != 0);
}

/* What the number would become; its draws are made again when it does. */
static bool can_spoil_number(const struct walk *walk)
{
    struct mutating trial = *walk->mutating;
    char spoiled[NUMBER_TEXT_MOST];
    const char *text;
    size_t length;
    size_t spoiled_length;

    return number_in(walk, &text, &length) &&
           msim_fault_mutate_number(&trial, text, length, spoiled, &spoiled_length);
}

/* Numbers are seconds, or thousandths, millionths, ... of one, by their size. */
static bool shift_number(const struct walk *walk, char out[MSIM_DECIMAL_SIZE], size_t *length)
{
    static const int64_t units[] = {MSIM_NS_PER_S, MSIM_NS_PER_MS, MSIM_NS_PER_US, 1};
    int64_t value = 0;

    if (msim_decimal_parse(text_of(walk), length_of(walk), 0, &value) < 0)
        return false;
    int64_t size = value < 0 ? -value : value;
    int unit = size < 100000000000         ? 0
               : size < 100000000000000    ? 1
               : size < 100000000000000000 ? 2
                                           : 3;
    int64_t by = walk->mutating->mutation->by / units[unit];
    if (by == 0 || !msim_add_check(value, by, &value))
        return false;
    *length = msim_decimal_print(value, 0, out);
    return true;
}

static bool shift_text(const struct walk *walk, char out[MSIM_CALENDAR_SIZE], size_t *length)
{
    char before[MSIM_CALENDAR_SIZE];
    msim_time time = 0;
    msim_time shifted;

    if (msim_calendar_parse(text_of(walk) + 1, length_of(walk) - 2, &time) < 0 ||
        !msim_add_check(time, walk->mutating->mutation->by, &shifted))
        return false;
    bool iso = memchr(text_of(walk), 'T', length_of(walk)) != NULL;
    enum msim_calendar_style form = iso ? MSIM_CALENDAR_ISO : MSIM_CALENDAR_PLAIN;
    size_t length_before = msim_calendar_print(time, form, before);
    *length = msim_calendar_print(shifted, form, out);
    return *length != length_before || memcmp(out, before, *length) != 0;
}

/* A moment that the shift moves: by less than a digit of it there is none. */
static bool can_shift(const struct walk *walk)
{
    char number[MSIM_DECIMAL_SIZE];
    char text[MSIM_CALENDAR_SIZE];
    size_t length;

    if (!is_moment(walk))
        return false;
    return walk->token.kind == MSIM_JSON_NUMBER ? shift_number(walk, number, &length)
                                                : shift_text(walk, text, &length);
}

/* A token that the mode can make another one of. */
static bool fits_mode(const struct walk *walk)
{
    const struct mutation *mutation = walk->mutating->mutation;
    const char *text;
    size_t length;

    switch (mutation->mode) {
    case CORRUPT_BAD_UTF8:
        return walk->token.kind == MSIM_JSON_STRING && length_of(walk) > 2;
    case CORRUPT_FIELD_DROP:
        return is_member(walk);
    case CORRUPT_FIELD_RENAME:
        return can_rename(walk);
    case CORRUPT_FIELD_NULL:
        return is_member(walk) && walk->token.kind != MSIM_JSON_NULL;
    case CORRUPT_FIELD_EXTRA:
        return walk->token.kind == MSIM_JSON_OBJECT;
    case CORRUPT_TYPE_SWAP:
        return number_in(walk, &text, &length);
    case CORRUPT_NUM_NAN:
        return number_in(walk, &text, &length) &&
               (!mutation->value || !is_text(walk, mutation->value));
    case CORRUPT_NUM_SCALE:
    case CORRUPT_NUM_SIGN:
    case CORRUPT_NUM_ZERO:
    case CORRUPT_NUM_DIGITS:
    case CORRUPT_NUM_EXP:
    case CORRUPT_NUM_HUGE:
        return can_spoil_number(walk);
    case CORRUPT_ENUM_UNKNOWN:
        return is_enum(walk) && !is_text(walk, unknown_value(mutation));
    case CORRUPT_ID_SWAP:
        return can_swap_id(walk);
    case CORRUPT_TS_SHIFT:
        return can_shift(walk);
    default:
        return false;
    }
}

static bool fits(const struct walk *walk)
{
    const struct pattern *path = &walk->mutating->mutation->path;

    if (path->text &&
        (walk->path_length >= PATH_MOST || !msim_fault_glob(path, walk->path, walk->path_length)))
        return false;
    return fits_mode(walk);
}

/* ---- spoiling ---- */

static int replace_token(struct walk *walk, const char *text, size_t length)
{
    return msim_fault_mutate_replace(walk->mutating, walk->token.start, value_end(walk), text,
                                     length);
}

static bool is_space(unsigned char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The member goes with one comma: the one before it, or else the one behind it. */
static int drop_field(struct walk *walk)
{
    const unsigned char *bytes = walk->mutating->bytes;
    size_t start = walk->token.key_start;
    size_t end = value_end(walk);
    size_t before = start;
    size_t behind = end;

    while (before > 0 && is_space(bytes[before - 1]))
        before--;
    while (behind < walk->mutating->length && is_space(bytes[behind]))
        behind++;
    if (before > 0 && bytes[before - 1] == ',')
        start = before - 1;
    else if (behind < walk->mutating->length && bytes[behind] == ',')
        end = behind + 1;
    return msim_fault_mutate_replace(walk->mutating, start, end, "", 0);
}

static int rename_field(struct walk *walk)
{
    const struct mutation *mutation = walk->mutating->mutation;
    size_t start = walk->token.key_start + 1;

    if (mutation->name)
        return msim_fault_mutate_replace(walk->mutating, start, walk->token.key_end - 1,
                                         mutation->name, strlen(mutation->name));
    return msim_fault_mutate_replace(walk->mutating, start, start, "x_", 2);
}

static int add_field(struct walk *walk)
{
    const struct mutation *mutation = walk->mutating->mutation;
    const char *name = mutation->name ? mutation->name : "x_extra";
    const char *value = mutation->value ? mutation->value : "1";
    char text[PATH_MOST];
    size_t at = walk->token.start + 1;
    size_t next = at;
    size_t used = 0;

    if (strlen(name) + strlen(value) + 8 > sizeof text)
        return MSIM_OK;
    while (next < walk->mutating->length && is_space(walk->mutating->bytes[next]))
        next++;
    text[used++] = '"';
    memcpy(text + used, name, strlen(name));
    used += strlen(name);
    memcpy(text + used, "\":\"", 3);
    used += 3;
    memcpy(text + used, value, strlen(value));
    used += strlen(value);
    text[used++] = '"';
    if (next < walk->mutating->length && walk->mutating->bytes[next] != '}')
        text[used++] = ',';
    return msim_fault_mutate_replace(walk->mutating, at, at, text, used);
}

static int spoil_byte(struct walk *walk)
{
    static const char bad[] = "\xff";
    size_t at = walk->token.start + 1 + msim_fault_mutate_draw(walk->mutating, length_of(walk) - 2);

    return msim_fault_mutate_replace(walk->mutating, at, at + 1, bad, 1);
}

static int swap_type(struct walk *walk)
{
    char text[NUMBER_TEXT_MOST];
    size_t length = length_of(walk);

    if (walk->token.kind == MSIM_JSON_STRING)
        return replace_token(walk, text_of(walk) + 1, length - 2);
    text[0] = '"';
    memcpy(text + 1, text_of(walk), length);
    text[length + 1] = '"';
    return replace_token(walk, text, length + 2);
}

/* A text in quotes in the token's place. */
static int replace_with_text(struct walk *walk, const char *value)
{
    char text[PATH_MOST];
    size_t length = strlen(value);

    if (length + 2 > sizeof text)
        return MSIM_OK;
    text[0] = '"';
    memcpy(text + 1, value, length);
    text[length + 1] = '"';
    return replace_token(walk, text, length + 2);
}

static int spoil_number(struct walk *walk)
{
    const struct mutation *mutation = walk->mutating->mutation;
    char text[NUMBER_TEXT_MOST];
    size_t length = 0;
    const char *number;
    size_t number_length;

    if (mutation->mode == CORRUPT_NUM_NAN)
        return mutation->value ? replace_with_text(walk, mutation->value)
                               : replace_token(walk, "null", 4);
    if (!number_in(walk, &number, &number_length) ||
        !msim_fault_mutate_number(walk->mutating, number, number_length, text, &length))
        return MSIM_OK;
    size_t start = (size_t)(number - (const char *)walk->mutating->bytes);
    return msim_fault_mutate_replace(walk->mutating, start, start + number_length, text, length);
}

static int swap_id(struct walk *walk)
{
    int kind = live_kind(walk);
    const struct live_values *values = &walk->mutating->faults->live[kind];
    size_t filled = values->count < LIVE_VALUES ? values->count : LIVE_VALUES;
    bool quoted = walk->token.kind == MSIM_JSON_STRING;
    size_t chosen = msim_fault_mutate_draw(walk->mutating, others(walk, values));

    for (size_t i = 0; i < filled; i++)
        if (can_stand(walk, values, i) && chosen-- == 0)
            return msim_fault_mutate_replace(walk->mutating, walk->token.start + quoted,
                                             walk->token.end - quoted, values->text[i],
                                             values->length[i]);
    return MSIM_OK;
}

static int shift_moment(struct walk *walk)
{
    char number[MSIM_DECIMAL_SIZE];
    char text[MSIM_CALENDAR_SIZE];
    size_t length = 0;

    if (walk->token.kind == MSIM_JSON_NUMBER)
        return shift_number(walk, number, &length) ? replace_token(walk, number, length) : MSIM_OK;
    if (!shift_text(walk, text, &length))
        return MSIM_OK;
    return msim_fault_mutate_replace(walk->mutating, walk->token.start + 1, walk->token.end - 1,
                                     text, length);
}

static int spoil(struct walk *walk)
{
    const struct mutation *mutation = walk->mutating->mutation;

    switch (mutation->mode) {
    case CORRUPT_BAD_UTF8:
        return spoil_byte(walk);
    case CORRUPT_FIELD_DROP:
        return drop_field(walk);
    case CORRUPT_FIELD_NULL:
        return replace_token(walk, "null", 4);
    case CORRUPT_FIELD_RENAME:
        return rename_field(walk);
    case CORRUPT_FIELD_EXTRA:
        return add_field(walk);
    case CORRUPT_TYPE_SWAP:
        return swap_type(walk);
    case CORRUPT_ENUM_UNKNOWN:
        return replace_with_text(walk, unknown_value(mutation));
    case CORRUPT_ID_SWAP:
        return swap_id(walk);
    case CORRUPT_TS_SHIFT:
        return shift_moment(walk);
    default:
        return spoil_number(walk);
    }
}

int msim_fault_mutate_token(struct mutating *mutating)
{
    struct walk walk;
    size_t count = 0;

    if (!msim_fault_is_json(mutating->bytes, mutating->length))
        return MSIM_OK;
    walk_start(&walk, mutating);
    while (walk_next(&walk))
        count += fits(&walk);
    if (count == 0)
        return MSIM_OK;
    size_t chosen = msim_fault_mutate_draw(mutating, count);
    walk_start(&walk, mutating);
    while (walk_next(&walk))
        if (fits(&walk) && chosen-- == 0)
            return spoil(&walk);
    return MSIM_OK;
}
