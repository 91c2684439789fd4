/*
 * An event of the quotes feed, read by a client.
 */
#include <marketsim/codec.h>

#include <string.h>

#include "base/detail.h"
#include "base/json.h"

enum field {
    FIELD_REQUEST,
    FIELD_STATUS,
    FIELD_SYMBOL,
    FIELD_PRICE,
    FIELD_BID,
    FIELD_BID_SIZE,
    FIELD_ASK_SIZE,
    FIELD_TRADE_TIME,
    FIELD_QUOTE_TIME,
    FIELD_COUNT,
};

static const struct {
    const char *key;
    size_t depth; /* 2: within "results" */
} fields[FIELD_COUNT] = {
    [FIELD_REQUEST] = {"request_id", 1},
    [FIELD_STATUS] = {"status", 1},
    [FIELD_SYMBOL] = {"T", 2},
    [FIELD_PRICE] = {"P", 2},
    [FIELD_BID] = {"p", 2},
    [FIELD_BID_SIZE] = {"S", 2},
    [FIELD_ASK_SIZE] = {"s", 2},
    [FIELD_TRADE_TIME] = {"t", 2},
    [FIELD_QUOTE_TIME] = {"y", 2},
};

struct decoder {
    const char *text;
    struct msim_json_reader reader;
    struct msim_quotes_message *out;
    char *scratch;
    size_t left; /* of scratch */
    uint32_t seen;
    struct msim_detail *detail;
};

static int read_text(struct decoder *decoder, const struct msim_json_token *token, const char **out)
{
    size_t length;

    if (token->kind != MSIM_JSON_STRING)
        return MSIM_ERR_INVALID;
    int r = msim_json_string(decoder->text, token->start, token->end, decoder->scratch,
                             decoder->left, &length);
    if (r < 0)
        return r;
    *out = decoder->scratch;
    decoder->scratch += length + 1;
    decoder->left -= length + 1;
    return MSIM_OK;
}

static int read_field(struct decoder *decoder, enum field field,
                      const struct msim_json_token *token)
{
    struct msim_quotes_message *out = decoder->out;
    int64_t *const whole[FIELD_COUNT] = {
        [FIELD_BID_SIZE] = &out->bid_size,
        [FIELD_ASK_SIZE] = &out->ask_size,
        [FIELD_TRADE_TIME] = &out->trade_time,
        [FIELD_QUOTE_TIME] = &out->quote_time,
    };

    if (field == FIELD_REQUEST)
        return read_text(decoder, token, &out->request_id);
    if (field == FIELD_STATUS)
        return read_text(decoder, token, &out->status);
    if (field == FIELD_SYMBOL)
        return read_text(decoder, token, &out->symbol);
    if (token->kind != MSIM_JSON_NUMBER)
        return MSIM_ERR_INVALID;
    if (field == FIELD_PRICE)
        return msim_json_decimal_any(decoder->text, token->start, token->end, &out->price,
                                     &out->price_exponent);
    if (field == FIELD_BID)
        return msim_json_decimal_any(decoder->text, token->start, token->end, &out->bid,
                                     &out->bid_exponent);
    return msim_json_integer(decoder->text, token->start, token->end, whole[field]);
}

static int read_value(struct decoder *decoder, const struct msim_json_token *token)
{
    bool nested = token->kind == MSIM_JSON_OBJECT || token->kind == MSIM_JSON_ARRAY;

    if (token->kind == MSIM_JSON_OBJECT && token->depth == 1 &&
        msim_json_is(decoder->text, token->key_start, token->key_end, "results"))
        return MSIM_OK;
    for (uint32_t i = 0; i < FIELD_COUNT; i++) {
        if (fields[i].depth != token->depth ||
            !msim_json_is(decoder->text, token->key_start, token->key_end, fields[i].key))
            continue;
        if (decoder->seen >> i & 1 || read_field(decoder, (enum field)i, token) < 0)
            return msim_detail_set(decoder->detail, MSIM_ERR_INVALID,
                                   "byte %zu: the value of \"%s\" is not what this feed sends",
                                   token->start, fields[i].key);
        decoder->seen |= 1U << i;
        return MSIM_OK;
    }
    if (nested && msim_json_skip(&decoder->reader, token) < 0)
        return msim_json_explain(&decoder->reader, decoder->detail);
    return MSIM_OK;
}

static int read_event(struct decoder *decoder)
{
    struct msim_json_token token;
    int kind = msim_json_next(&decoder->reader, &token);

    if (kind < 0)
        return msim_json_explain(&decoder->reader, decoder->detail);
    if (kind != MSIM_JSON_OBJECT)
        return msim_detail_set(decoder->detail, MSIM_ERR_INVALID, "an event is a JSON object");
    while ((kind = msim_json_next(&decoder->reader, &token)) > MSIM_JSON_END) {
        if (kind == MSIM_JSON_OBJECT_END)
            continue;
        int r = read_value(decoder, &token);
        if (r < 0)
            return r;
    }
    if (kind < 0)
        return msim_json_explain(&decoder->reader, decoder->detail);
    for (uint32_t i = 0; i < FIELD_COUNT; i++)
        if (!(decoder->seen >> i & 1))
            return msim_detail_set(decoder->detail, MSIM_ERR_INVALID, "the key \"%s\" is missing",
                                   fields[i].key);
    return MSIM_OK;
}

int msim_quotes_decode(const char *bytes, size_t length, struct msim_quotes_message *out,
                       char *scratch, struct msim_detail *detail)
{
    if (!bytes || !out || !scratch)
        return MSIM_ERR_INVALID;

    struct msim_quotes_message message = {0};
    struct decoder decoder = {
        .text = bytes,
        .out = &message,
        .scratch = scratch,
        .left = length,
        .detail = detail,
    };
    msim_json_init(&decoder.reader, bytes, length, NULL);
    int r = read_event(&decoder);
    if (r < 0)
        return r;
    *out = message;
    return MSIM_OK;
}
