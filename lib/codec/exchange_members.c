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

struct plain {
    const char *at;
    const char *end;
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void pass_space(struct plain *plain)
{
    while (plain->at < plain->end && is_space(*plain->at))
        plain->at++;
}

/* At a quote; goes behind the closing one.  False for anything but plain ASCII. */
static bool plain_string(struct plain *plain)
{
    const char *at = plain->at + 1;
    uint64_t eight;

    for (; plain->end - at >= 8; at += 8) {
        memcpy(&eight, at, sizeof eight);
        const uint64_t special = msim_json_special(eight);
        if (special != 0) {
            at += msim_json_first_special(special);
            break;
        }
    }
    while (at < plain->end && *at >= ' ' && *at != '"' && *at != '\\')
        at++;
    if (at >= plain->end || *at != '"')
        return false;
    plain->at = at + 1;
    return true;
}

static bool is_digit(const struct plain *plain)
{
    return plain->at < plain->end && *plain->at >= '0' && *plain->at <= '9';
}

/* Without an exponent. */
static bool plain_number(struct plain *plain)
{
    if (*plain->at == '-')
        plain->at++;
    if (!is_digit(plain))
        return false;
    bool is_zero = *plain->at++ == '0';
    if (is_zero && is_digit(plain))
        return false;
    while (is_digit(plain))
        plain->at++;
    if (plain->at < plain->end && *plain->at == '.') {
        plain->at++;
        if (!is_digit(plain))
            return false;
        while (is_digit(plain))
            plain->at++;
    }
    return true;
}

static bool plain_word(struct plain *plain, const char *word, size_t length)
{
    if ((size_t)(plain->end - plain->at) < length || memcmp(plain->at, word, length) != 0)
        return false;
    plain->at += length;
    return true;
}

/* The kind of the value, 0 where it is not a plain one. */
static uint8_t plain_value(struct plain *plain)
{
    switch (*plain->at) {
    case '"':
        return plain_string(plain) ? MSIM_JSON_STRING : 0;
    case 't':
        return plain_word(plain, "true", 4) ? MSIM_JSON_TRUE : 0;
    case 'f':
        return plain_word(plain, "false", 5) ? MSIM_JSON_FALSE : 0;
    case 'n':
        return plain_word(plain, "null", 4) ? MSIM_JSON_NULL : 0;
    default:
        return plain_number(plain) ? MSIM_JSON_NUMBER : 0;
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

/* At the quote of a key: the member, and white space behind it. */
static bool plain_member(struct plain *plain, const char *bytes, struct msim_native_members *out)
{
    const char *key = plain->at + 1;

    if (plain->at >= plain->end || *plain->at != '"' || !plain_string(plain))
        return false;
    const char *key_end = plain->at - 1;
    pass_space(plain);
    if (plain->at >= plain->end || *plain->at++ != ':')
        return false;
    pass_space(plain);
    if (plain->at >= plain->end)
        return false;

    struct msim_native_value value = {.start = (uint32_t)(plain->at - bytes)};
    value.kind = plain_value(plain);
    value.end = (uint32_t)(plain->at - bytes);
    if (value.kind == 0)
        return false;
    pass_space(plain);
    int field = field_of(key, (size_t)(key_end - key));
    if (field < 0)
        return note_unknown(out, bytes, (uint32_t)(key - bytes), (uint32_t)(key_end - bytes));
    if (out->values[field].kind != 0)
        return false;
    out->values[field] = value;
    return true;
}

bool msim_native_members_plain(const char *bytes, size_t length, struct msim_native_members *out)
{
    struct plain plain = {bytes, bytes + length};

    memset(out->values, 0, sizeof out->values);
    out->unknown_count = 0;
    pass_space(&plain);
    if (plain.at >= plain.end || *plain.at++ != '{')
        return false;
    do {
        pass_space(&plain);
        if (!plain_member(&plain, bytes, out) || plain.at >= plain.end)
            return false;
    } while (*plain.at++ == ',');
    if (plain.at[-1] != '}')
        return false;
    pass_space(&plain);
    return plain.at == plain.end;
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
