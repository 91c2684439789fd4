/*
 * A message of the replay feed, read.
 *
 * Keys may stand in any order and foreign ones are passed over: what a server
 * adds to its trades must not stop an older client.
 */
#include <marketsim/codec.h>

#include <string.h>

#include "base/calendar.h"
#include "base/detail.h"
#include "base/json.h"

struct decoder {
    const char *text;
    struct msim_json_reader reader;
    struct msim_replay_message *out;
    char *scratch;
    size_t scratch_size;
    bool has_time;
    bool has_price;
    bool has_quantity;
    bool has_ticker;
    struct msim_json_token said; /* the status or error; its kind is MSIM_JSON_END without one */
    struct msim_detail *detail;
};

static int refuse(struct decoder *decoder, const struct msim_json_token *token, int result,
                  const char *what)
{
    return msim_detail_set(decoder->detail, result, "byte %zu: %s", token->start, what);
}

static bool key_is(const struct decoder *decoder, const struct msim_json_token *token,
                   const char *word)
{
    return msim_json_is(decoder->text, token->key_start, token->key_end, word);
}

static int read_moment(struct decoder *decoder, const struct msim_json_token *token)
{
    char text[MSIM_CALENDAR_SIZE];
    size_t length;

    if (token->kind != MSIM_JSON_STRING ||
        msim_json_string(decoder->text, token->start, token->end, text, sizeof text, &length) < 0 ||
        msim_calendar_parse(text, length, &decoder->out->record.time) < 0)
        return refuse(decoder, token, MSIM_ERR_INVALID,
                      "the timestamp is no text such as \"2022-07-01 00:00:29.338000\"");
    decoder->has_time = true;
    return MSIM_OK;
}

static int read_number(struct decoder *decoder, const struct msim_json_token *token,
                       int64_t *mantissa, int8_t *exponent, uint8_t missing_flag)
{
    int found = 0;

    if (token->kind == MSIM_JSON_NULL) {
        decoder->out->record.flags |= missing_flag;
        return MSIM_OK;
    }
    if (token->kind != MSIM_JSON_NUMBER)
        return refuse(decoder, token, MSIM_ERR_INVALID, "neither a number nor null");
    int r = msim_json_decimal_any(decoder->text, token->start, token->end, mantissa, &found);
    if (r < 0)
        return refuse(decoder, token, r, "more digits than a price or quantity may have");
    *exponent = (int8_t)found;
    return MSIM_OK;
}

static int read_text(struct decoder *decoder, const struct msim_json_token *token)
{
    if (token->kind != MSIM_JSON_STRING)
        return refuse(decoder, token, MSIM_ERR_INVALID, "not a text");
    int r = msim_json_string(decoder->text, token->start, token->end, decoder->scratch,
                             decoder->scratch_size, &decoder->out->text_length);
    if (r < 0)
        return refuse(decoder, token, r, "too long");
    decoder->out->text = decoder->scratch;
    return MSIM_OK;
}

static int read_member(struct decoder *decoder, const struct msim_json_token *token)
{
    struct msim_replay_message *out = decoder->out;
    struct msim_record *record = &out->record;

    if (key_is(decoder, token, "timestamp"))
        return read_moment(decoder, token);
    if (key_is(decoder, token, "price")) {
        decoder->has_price = true;
        return read_number(decoder, token, &record->as.trade.price, &record->price_exponent,
                           MSIM_RECORD_NO_PRICE);
    }
    if (key_is(decoder, token, "volume")) {
        decoder->has_quantity = true;
        return read_number(decoder, token, &record->as.trade.quantity, &record->quantity_exponent,
                           MSIM_RECORD_NO_QUANTITY);
    }
    if (key_is(decoder, token, "ticker")) {
        decoder->has_ticker = true;
        if (token->kind != MSIM_JSON_NULL)
            return read_text(decoder, token);
        record->flags |= MSIM_RECORD_NO_SYMBOL;
        return MSIM_OK;
    }
    bool is_status = key_is(decoder, token, "status");
    if (is_status || key_is(decoder, token, "error")) {
        /* An error is what counts where both are there; a trade may have columns of these names. */
        if (decoder->said.kind == MSIM_JSON_END || !is_status) {
            decoder->said = *token;
            out->kind = is_status ? MSIM_REPLAY_STATUS : MSIM_REPLAY_ERROR;
        }
    }
    if (token->kind == MSIM_JSON_OBJECT || token->kind == MSIM_JSON_ARRAY) {
        int r = msim_json_skip(&decoder->reader, token);
        return r < 0 ? msim_json_explain(&decoder->reader, decoder->detail) : MSIM_OK;
    }
    return MSIM_OK;
}

static int read_members(struct decoder *decoder)
{
    struct msim_json_token token;
    int kind = msim_json_next(&decoder->reader, &token);

    if (kind < 0)
        return msim_json_explain(&decoder->reader, decoder->detail);
    if (kind != MSIM_JSON_OBJECT)
        return refuse(decoder, &token, MSIM_ERR_INVALID, "a message is a JSON object");
    while ((kind = msim_json_next(&decoder->reader, &token)) > MSIM_JSON_END) {
        if (kind == MSIM_JSON_OBJECT_END)
            continue;
        int r = read_member(decoder, &token);
        if (r < 0)
            return r;
    }
    return kind < 0 ? msim_json_explain(&decoder->reader, decoder->detail) : MSIM_OK;
}

int msim_replay_decode(const char *bytes, size_t length, struct msim_replay_message *out,
                       char *scratch, struct msim_detail *detail)
{
    if (!bytes || !out || !scratch)
        return MSIM_ERR_INVALID;

    struct msim_replay_message message = {.kind = MSIM_REPLAY_TRADE, .text = ""};
    struct decoder decoder = {.text = bytes,
                              .out = &message,
                              .scratch = scratch,
                              .scratch_size = length,
                              .detail = detail};
    msim_json_init(&decoder.reader, bytes, length, NULL);
    int r = read_members(&decoder);
    if (r < 0)
        return r;
    bool is_trade =
        decoder.has_time && decoder.has_price && decoder.has_quantity && decoder.has_ticker;
    if (is_trade)
        message.kind = MSIM_REPLAY_TRADE;
    else if (decoder.said.kind == MSIM_JSON_END)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "an object without timestamp, price, volume and ticker, and "
                               "without status or error");
    else
        r = read_text(&decoder, &decoder.said);
    if (r < 0)
        return r;
    message.record.kind = is_trade ? MSIM_RECORD_TRADE : 0;
    *out = message;
    return MSIM_OK;
}
