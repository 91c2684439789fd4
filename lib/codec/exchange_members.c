/*
 * A message's members: where each value that the dialect knows stands in the text.
 *
 * Two ways lead there.  The plain one reads flat objects of plain texts and numbers, which
 * is what nearly every message is, in one pass.  Whatever it does not know for good, from an
 * escape to a mistake, it leaves to the careful one, the strict reader, which also finds the
 * words.  Where the plain way answers, both give the same (tests/fuzz/fuzz_exchange_json.c).
 */
#include "codec/exchange.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/detail.h"
#include "base/json.h"
#include "base/json_plain.h"

static const struct {
    const char *name;
    uint8_t length;
} fields[FIELD_COUNT] = {
#define FIELD(number, name) [number] = {name, sizeof name - 1}
    FIELD(FIELD_TYPE, "type"),
    FIELD(FIELD_REQUEST_ID, "request_id"),
    FIELD(FIELD_SYMBOL, "symbol"),
    FIELD(FIELD_SIDE, "side"),
    FIELD(FIELD_ORDER_TYPE, "order_type"),
    FIELD(FIELD_PRICE, "price"),
    FIELD(FIELD_STOP_PRICE, "stop_price"),
    FIELD(FIELD_QUANTITY, "quantity"),
    FIELD(FIELD_TIME_IN_FORCE, "time_in_force"),
    FIELD(FIELD_EXPIRES_AT, "expires_at"),
    FIELD(FIELD_POST_ONLY, "post_only"),
    FIELD(FIELD_REDUCE_ONLY, "reduce_only"),
    FIELD(FIELD_DISPLAY_QUANTITY, "display_quantity"),
    FIELD(FIELD_CLIENT_ORDER_ID, "client_order_id"),
    FIELD(FIELD_SELF_TRADE, "self_trade_prevention"),
    FIELD(FIELD_ORDER_ID, "order_id"),
    FIELD(FIELD_STATUS, "status"),
    FIELD(FIELD_DEPTH, "depth"),
    FIELD(FIELD_LIMIT, "limit"),
    FIELD(FIELD_CHANNEL, "channel"),
    FIELD(FIELD_FROM_SEQUENCE, "from_sequence"),
    FIELD(FIELD_INTERVAL, "interval"),
#undef FIELD
};

const char *msim_native_field_name(int field)
{
    return field >= 0 && field < FIELD_COUNT ? fields[field].name : "";
}

/* The words of an error; `field` (-1 for none) goes into the details. */
int msim_native_refuse(struct msim_native_refusal *refusal, int error, int field,
                       const char *format, ...)
{
    va_list arguments;

    refusal->error = (uint8_t)error;
    refusal->reject = MSIM_REJECT_NONE;
    va_start(arguments, format);
    msim_detail_print(refusal->message, sizeof refusal->message, format, arguments);
    va_end(arguments);
    if (field >= 0)
        snprintf(refusal->details, sizeof refusal->details, "{\"field\":\"%s\"}",
                 msim_native_field_name(field));
    else
        memcpy(refusal->details, "{}", 3);
    return MSIM_NATIVE_REFUSED;
}

/* The first of these fields that the key names, all of one length; -1. */
static inline int one_of(const char *key, size_t length, const int *numbers, int count)
{
    for (int i = 0; i < count; i++)
        if (memcmp(fields[numbers[i]].name, key, length) == 0)
            return numbers[i];
    return -1;
}

/* Few have the same length, and texts of a length that is known are compared in a step or two. */
#define ONE_OF(length, ...)                                                             \
    case length: {                                                                      \
        static const int numbers[] = {__VA_ARGS__};                                     \
        return one_of(key, length, numbers, (int)(sizeof numbers / sizeof numbers[0])); \
    }

static int field_of(const char *key, size_t length)
{
    switch (length) {
        ONE_OF(4, FIELD_TYPE, FIELD_SIDE)
        ONE_OF(5, FIELD_PRICE, FIELD_DEPTH, FIELD_LIMIT)
        ONE_OF(6, FIELD_SYMBOL, FIELD_STATUS)
        ONE_OF(7, FIELD_CHANNEL)
        ONE_OF(8, FIELD_QUANTITY, FIELD_ORDER_ID, FIELD_INTERVAL)
        ONE_OF(9, FIELD_POST_ONLY)
        ONE_OF(10, FIELD_REQUEST_ID, FIELD_ORDER_TYPE, FIELD_STOP_PRICE, FIELD_EXPIRES_AT)
        ONE_OF(11, FIELD_REDUCE_ONLY)
        ONE_OF(13, FIELD_TIME_IN_FORCE, FIELD_FROM_SEQUENCE)
        ONE_OF(15, FIELD_CLIENT_ORDER_ID)
        ONE_OF(16, FIELD_DISPLAY_QUANTITY)
        ONE_OF(21, FIELD_SELF_TRADE)
    default:
        return -1;
    }
}

/* ---- the plain way ---- */

/* Each of these takes the place it begins at and returns the one behind it, NULL for not plain. */

static inline bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static inline const char *behind_space(const char *at, const char *end)
{
    while (at < end && *at <= ' ' && is_space(*at))
        at++;
    return at;
}

/* At a quote: plain ASCII up to the closing one. */
static inline const char *behind_string(const char *at, const char *end)
{
    uint64_t eight;

    for (at++; end - at >= 8; at += 8) {
        memcpy(&eight, at, sizeof eight);
        const uint64_t special = msim_json_special(eight);
        if (special != 0) {
            at += msim_json_first_special(special);
            break;
        }
    }
    if (at < end && *at == '"')
        return at + 1;
    while (at < end && *at >= ' ' && *at != '"' && *at != '\\')
        at++;
    return at < end && *at == '"' ? at + 1 : NULL;
}

static bool is_digit(const char *at, const char *end)
{
    return at < end && *at >= '0' && *at <= '9';
}

/* Without an exponent. */
static const char *behind_number(const char *at, const char *end)
{
    if (*at == '-')
        at++;
    if (!is_digit(at, end))
        return NULL;
    bool is_zero = *at++ == '0';
    if (is_zero && is_digit(at, end))
        return NULL;
    while (is_digit(at, end))
        at++;
    if (at < end && *at == '.') {
        at++;
        if (!is_digit(at, end))
            return NULL;
        while (is_digit(at, end))
            at++;
    }
    return at;
}

static const char *behind_word(const char *at, const char *end, const char *word, size_t length)
{
    return (size_t)(end - at) < length || memcmp(at, word, length) != 0 ? NULL : at + length;
}

static inline const char *behind_value(const char *at, const char *end, uint8_t *kind)
{
    switch (*at) {
    case '"':
        *kind = MSIM_JSON_STRING;
        return behind_string(at, end);
    case 't':
        *kind = MSIM_JSON_TRUE;
        return behind_word(at, end, "true", 4);
    case 'f':
        *kind = MSIM_JSON_FALSE;
        return behind_word(at, end, "false", 5);
    case 'n':
        *kind = MSIM_JSON_NULL;
        return behind_word(at, end, "null", 4);
    default:
        *kind = MSIM_JSON_NUMBER;
        return behind_number(at, end);
    }
}

/* Remembers a key that is not ours; false where it stands twice or there are too many. */
static bool note_unknown(struct msim_native_members *out, const char *bytes, uint32_t start,
                         uint32_t end)
{
    if (out->unknown_count == MSIM_NATIVE_MEMBERS_MAX)
        return false;
    for (uint32_t i = 0; i < out->unknown_count; i++)
        if (out->unknown[i].end - out->unknown[i].start == end - start &&
            memcmp(bytes + out->unknown[i].start, bytes + start, end - start) == 0)
            return false;
    out->unknown[out->unknown_count].start = start;
    out->unknown[out->unknown_count++].end = end;
    return true;
}

/* At a key's quote: the member, and white space behind it. */
static inline const char *behind_member(const char *at, const char *end, const char *bytes,
                                        struct msim_native_members *out)
{
    const char *key = at + 1;

    if (at >= end || *at != '"' || !(at = behind_string(at, end)))
        return NULL;
    const char *key_end = at - 1;
    at = behind_space(at, end);
    if (at >= end || *at++ != ':')
        return NULL;
    at = behind_space(at, end);
    if (at >= end)
        return NULL;

    struct msim_native_value value = {.start = (uint32_t)(at - bytes)};
    at = behind_value(at, end, &value.kind);
    if (!at)
        return NULL;
    value.end = (uint32_t)(at - bytes);
    int field = field_of(key, (size_t)(key_end - key));
    if (field < 0) {
        if (!note_unknown(out, bytes, (uint32_t)(key - bytes), (uint32_t)(key_end - bytes)))
            return NULL;
    } else if (out->values[field].kind != 0) {
        return NULL;
    } else {
        out->values[field] = value;
    }
    return behind_space(at, end);
}

bool msim_native_members_plain(const char *bytes, size_t length, struct msim_native_members *out)
{
    const char *end = bytes + length;
    const char *at = behind_space(bytes, end);

    memset(out->values, 0, sizeof out->values);
    out->unknown_count = 0;
    if (at >= end || *at++ != '{')
        return false;
    do {
        at = behind_member(behind_space(at, end), end, bytes, out);
        if (!at || at >= end)
            return false;
    } while (*at++ == ',');
    return at[-1] == '}' && behind_space(at, end) == end;
}

/* ---- the careful way ---- */

static int refuse_json(const struct msim_json_reader *reader, struct msim_native_refusal *refusal)
{
    struct msim_detail detail;
    size_t line;
    size_t column;

    msim_json_explain(reader, &detail);
    msim_native_refuse(refusal, MSIM_NATIVE_INVALID_JSON, -1, "%s; send one JSON object",
                       detail.text);
    msim_json_place(reader->text, reader->length, reader->failed_at, &line, &column);
    snprintf(refusal->details, sizeof refusal->details,
             "{\"byte\":%zu,\"line\":%zu,\"column\":%zu}", reader->failed_at, line, column);
    return MSIM_NATIVE_REFUSED;
}

static int refuse_key(const char *bytes, const struct msim_json_token *token, bool twice,
                      struct msim_native_refusal *refusal)
{
    size_t length = token->key_end - token->key_start;

    if (!twice)
        return msim_native_refuse(refusal, MSIM_NATIVE_INVALID_JSON, -1,
                                  "more than %d members that are not known here: leave them away",
                                  MSIM_NATIVE_MEMBERS_MAX);
    return msim_native_refuse(refusal, MSIM_NATIVE_INVALID_JSON, -1,
                              "the key %.*s stands twice: send it once",
                              (int)(length < 64 ? length : 64), bytes + token->key_start);
}

static int careful_field(const char *bytes, const struct msim_json_token *token)
{
    for (int i = 0; i < FIELD_COUNT; i++)
        if (msim_json_is(bytes, token->key_start, token->key_end, fields[i].name))
            return i;
    return -1;
}

static int careful_member(const char *bytes, struct msim_json_reader *reader,
                          const struct msim_json_token *token, struct msim_native_members *out,
                          struct msim_native_refusal *refusal)
{
    int field = careful_field(bytes, token);

    if (field < 0) {
        bool full = out->unknown_count == MSIM_NATIVE_MEMBERS_MAX;
        if (!note_unknown(out, bytes, (uint32_t)token->key_start + 1, (uint32_t)token->key_end - 1))
            return refuse_key(bytes, token, !full, refusal);
    } else if (out->values[field].kind != 0) {
        return refuse_key(bytes, token, true, refusal);
    } else {
        out->values[field] = (struct msim_native_value){
            .start = (uint32_t)token->start,
            .end = (uint32_t)token->end,
            .kind = (uint8_t)token->kind,
            .is_escaped = token->kind == MSIM_JSON_STRING &&
                          memchr(bytes + token->start, '\\', token->end - token->start) != NULL,
        };
    }
    if ((token->kind == MSIM_JSON_OBJECT || token->kind == MSIM_JSON_ARRAY) &&
        msim_json_skip(reader, token) < 0)
        return refuse_json(reader, refusal);
    return MSIM_NATIVE_READ;
}

int msim_native_members_careful(const char *bytes, size_t length, struct msim_native_members *out,
                                struct msim_native_refusal *refusal)
{
    struct msim_json_reader reader;
    struct msim_json_token token;

    memset(out->values, 0, sizeof out->values);
    out->unknown_count = 0;
    msim_json_init(&reader, bytes, length, NULL);
    int kind = msim_json_next(&reader, &token);
    if (kind < 0)
        return refuse_json(&reader, refusal);
    if (kind != MSIM_JSON_OBJECT) {
        /* What stands there may be broken further on, and then that is the mistake. */
        while ((kind = msim_json_next(&reader, &token)) > MSIM_JSON_END)
            ;
        return kind < 0 ? refuse_json(&reader, refusal)
                        : msim_native_refuse(refusal, MSIM_NATIVE_INVALID_JSON, -1,
                                             "a message is a JSON object, such as "
                                             "{\"type\":\"PING\"}");
    }
    while ((kind = msim_json_next(&reader, &token)) > MSIM_JSON_END) {
        if (kind == MSIM_JSON_OBJECT_END)
            continue;
        int r = careful_member(bytes, &reader, &token, out, refusal);
        if (r != MSIM_NATIVE_READ)
            return r;
    }
    return kind < 0 ? refuse_json(&reader, refusal) : MSIM_NATIVE_READ;
}

int msim_native_members_read(const char *bytes, size_t length, struct msim_native_members *out,
                             struct msim_native_refusal *refusal)
{
    if (length > MSIM_NATIVE_TEXT_MAX)
        return msim_native_refuse(refusal, MSIM_NATIVE_INVALID_JSON, -1,
                                  "a message of %zu bytes is too long", length);
    if (msim_native_members_plain(bytes, length, out))
        return MSIM_NATIVE_READ;
    return msim_native_members_careful(bytes, length, out, refusal);
}
