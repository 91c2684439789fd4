/*
 * A message of the replay feed, read: a trade, a bundle of them, a status or an error.
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
    bool has_trades;
    struct msim_json_token said; /* the status or error; its kind is MSIM_JSON_END without one */
    struct msim_detail *detail;
};

static void begin(struct decoder *decoder, const char *bytes, size_t length,
                  struct msim_replay_message *out, char *scratch, struct msim_detail *detail)
{
    *decoder = (struct decoder){
        .text = bytes, .out = out, .scratch = scratch, .scratch_size = length, .detail = detail};
    msim_json_init(&decoder->reader, bytes, length, NULL);
}

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

static int read_count(const struct decoder *decoder, const struct msim_json_token *token,
                      msim_time *time)
{
    int64_t count;

    int r = msim_json_integer(decoder->text, token->start, token->end, &count);
    return r < 0 ? r : msim_calendar_from_count(count, MSIM_NS_PER_MS, time);
}

static int read_moment(struct decoder *decoder, const struct msim_json_token *token)
{
    char text[MSIM_CALENDAR_SIZE];
    size_t length;
    int r = MSIM_ERR_INVALID;

    if (token->kind == MSIM_JSON_NUMBER)
        r = read_count(decoder, token, &decoder->out->record.time);
    else if (token->kind == MSIM_JSON_STRING)
        r = msim_json_string(decoder->text, token->start, token->end, text, sizeof text, &length);
    if (r >= 0 && token->kind == MSIM_JSON_STRING)
        r = msim_calendar_parse(text, length, &decoder->out->record.time);
    if (r < 0)
        return refuse(decoder, token, MSIM_ERR_INVALID,
                      "the timestamp is no text such as \"2022-07-01 00:00:29.338000\", and no "
                      "number of ms, us or ns since 1970");
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
    if (token->kind == MSIM_JSON_ARRAY && key_is(decoder, token, "trades"))
        decoder->has_trades = true;
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

/* The members of an object whose beginning was read. */
static int read_members(struct decoder *decoder)
{
    struct msim_json_token token;
    int kind;

    while ((kind = msim_json_next(&decoder->reader, &token)) > MSIM_JSON_END) {
        if (kind == MSIM_JSON_OBJECT_END)
            return MSIM_OK;
        int r = read_member(decoder, &token);
        if (r < 0)
            return r;
    }
    return msim_json_explain(&decoder->reader, decoder->detail);
}

/* The beginning of the whole message. */
static int read_beginning(struct decoder *decoder)
{
    struct msim_json_token token;
    int kind = msim_json_next(&decoder->reader, &token);

    if (kind < 0)
        return msim_json_explain(&decoder->reader, decoder->detail);
    if (kind != MSIM_JSON_OBJECT)
        return refuse(decoder, &token, MSIM_ERR_INVALID, "a message is a JSON object");
    return MSIM_OK;
}

static int read_message(struct decoder *decoder)
{
    struct msim_json_token token;

    int r = read_beginning(decoder);
    if (r >= 0)
        r = read_members(decoder);
    if (r >= 0 && msim_json_next(&decoder->reader, &token) != MSIM_JSON_END)
        r = msim_json_explain(&decoder->reader, decoder->detail);
    return r;
}

int msim_replay_decode(const char *bytes, size_t length, struct msim_replay_message *out,
                       char *scratch, struct msim_detail *detail)
{
    if (!bytes || !out || !scratch)
        return MSIM_ERR_INVALID;

    struct msim_replay_message message = {.kind = MSIM_REPLAY_TRADE, .text = ""};
    struct decoder decoder;
    begin(&decoder, bytes, length, &message, scratch, detail);
    int r = read_message(&decoder);
    if (r < 0)
        return r;
    bool is_trade =
        decoder.has_time && decoder.has_price && decoder.has_quantity && decoder.has_ticker;
    if (is_trade)
        message.kind = MSIM_REPLAY_TRADE;
    else if (decoder.has_time && decoder.has_trades)
        message.kind = MSIM_REPLAY_BUNDLE;
    else if (decoder.said.kind == MSIM_JSON_END)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "an object without timestamp, price, volume and ticker, and "
                               "without trades, status or error");
    else
        r = read_text(&decoder, &decoder.said);
    if (r < 0)
        return r;
    message.record.kind = is_trade ? MSIM_RECORD_TRADE : 0;
    *out = message;
    return MSIM_OK;
}

/* ---- the trades of a bundle ---- */

/* One of them, whose beginning was read. */
static int read_trade(struct decoder *decoder, const struct msim_json_token *beginning,
                      msim_time time)
{
    struct msim_replay_message *out = decoder->out;

    if (beginning->kind != MSIM_JSON_OBJECT)
        return refuse(decoder, beginning, MSIM_ERR_INVALID, "a bundle's trade is an object");
    *out = (struct msim_replay_message){.kind = MSIM_REPLAY_TRADE, .text = ""};
    decoder->has_price = decoder->has_quantity = decoder->has_ticker = false;
    int r = read_members(decoder);
    if (r < 0)
        return r;
    if (!decoder->has_price || !decoder->has_quantity || !decoder->has_ticker)
        return refuse(decoder, beginning, MSIM_ERR_INVALID,
                      "a bundle's trade without price, volume and ticker");
    out->record.kind = MSIM_RECORD_TRADE;
    out->record.time = time;
    return MSIM_OK;
}

static int read_trades(struct decoder *decoder, msim_time time,
                       int (*trade)(void *context, const struct msim_replay_message *message),
                       void *context)
{
    struct msim_json_token token;
    int kind;

    while ((kind = msim_json_next(&decoder->reader, &token)) > MSIM_JSON_END) {
        if (kind == MSIM_JSON_ARRAY_END)
            return MSIM_OK;
        int r = read_trade(decoder, &token, time);
        if (r >= 0)
            r = trade(context, decoder->out);
        if (r < 0)
            return r;
    }
    return msim_json_explain(&decoder->reader, decoder->detail);
}

int msim_replay_decode_bundle(const char *bytes, size_t length, char *scratch,
                              int (*trade)(void *context,
                                           const struct msim_replay_message *message),
                              void *context, struct msim_detail *detail)
{
    struct msim_replay_message message;
    struct msim_json_token token;

    if (!trade)
        return MSIM_ERR_INVALID;
    int r = msim_replay_decode(bytes, length, &message, scratch, detail);
    if (r < 0)
        return r;
    if (message.kind != MSIM_REPLAY_BUNDLE)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "the message is no bundle");

    const msim_time time = message.record.time;
    struct decoder decoder;
    begin(&decoder, bytes, length, &message, scratch, detail);
    r = read_beginning(&decoder);
    while (r >= 0 && msim_json_next(&decoder.reader, &token) > MSIM_JSON_END) {
        if (token.kind == MSIM_JSON_ARRAY && key_is(&decoder, &token, "trades"))
            r = read_trades(&decoder, time, trade, context);
        else if (token.kind == MSIM_JSON_OBJECT || token.kind == MSIM_JSON_ARRAY)
            r = msim_json_skip(&decoder.reader, &token);
    }
    return r < 0 ? r : MSIM_OK;
}
