/*
 * From a message's members to what its client asks for.
 *
 * Nothing is rounded and nothing is guessed: a number is the one that was sent, at the
 * symbol's own exponent, or the message is refused with what was wrong and what would be right.
 */
#include "codec/exchange.h"

#include <stdio.h>

#include "base/calendar.h"
#include "base/json.h"
#include "base/units.h"

struct decoder {
    const struct msim_native_codec *codec;
    const char *bytes;
    struct msim_native_members members;
    struct msim_native_request *out;
    struct msim_native_refusal *refusal;
    size_t scratch_used;
    bool is_body; /* of REST: the key "type" is the order's */
};

/* How much of a foreign text is shown in words. */
#define SHOWN_MAX 40

static const struct msim_native_value *value_of(const struct decoder *decoder, int field)
{
    return &decoder->members.values[field];
}

/* null counts as left away. */
static bool has(const struct decoder *decoder, int field)
{
    uint8_t kind = value_of(decoder, field)->kind;
    return kind != 0 && kind != MSIM_JSON_NULL;
}

static int shown_length(const struct decoder *decoder, int field)
{
    const struct msim_native_value *value = value_of(decoder, field);
    uint32_t length = value->end - value->start;
    return (int)(length < SHOWN_MAX ? length : SHOWN_MAX);
}

static const char *shown(const struct decoder *decoder, int field)
{
    return decoder->bytes + value_of(decoder, field)->start;
}

static int missing(struct decoder *decoder, int field, const char *words)
{
    return msim_native_refuse(decoder->refusal, MSIM_NATIVE_MISSING_FIELD, field,
                              "%s is missing: %s", msim_native_field_name(field), words);
}

static int invalid(struct decoder *decoder, int field, const char *words)
{
    return msim_native_refuse(decoder->refusal, MSIM_NATIVE_INVALID_FIELD, field, "%s is %.*s: %s",
                              msim_native_field_name(field), shown_length(decoder, field),
                              shown(decoder, field), words);
}

/* ---- texts ---- */

/*
 * A string's characters: a piece of the message, or where it has escapes of `scratch`.  False
 * for what is no string or is longer than `most`.
 */
static bool text_of(struct decoder *decoder, int field, size_t most, struct msim_native_text *out)
{
    const struct msim_native_value *value = value_of(decoder, field);
    size_t length = value->end - value->start - 2;

    if (value->kind != MSIM_JSON_STRING)
        return false;
    if (!value->is_escaped) {
        *out = (struct msim_native_text){decoder->bytes + value->start + 1, length};
        return length <= most;
    }
    char *scratch = decoder->out->scratch + decoder->scratch_used;
    size_t room = sizeof decoder->out->scratch - decoder->scratch_used;
    if (msim_json_string(decoder->bytes, value->start, value->end, scratch, room, &length) < 0)
        return false;
    *out = (struct msim_native_text){scratch, length};
    if (length > most)
        return false;
    decoder->scratch_used += length + 1;
    return true;
}

static bool is_word(const char *name, const char *text, size_t length)
{
    return length > 0 && name[0] == text[0] && strncmp(name, text, length) == 0 &&
           name[length] == '\0';
}

/* The place of a string in a list of names that ends with NULL; -1. */
static int word_of(const struct decoder *decoder, int field, const char *const *names)
{
    const struct msim_native_value *value = value_of(decoder, field);

    if (value->kind != MSIM_JSON_STRING)
        return -1;
    if (value->is_escaped) {
        for (int i = 0; names[i]; i++)
            if (msim_json_is(decoder->bytes, value->start, value->end, names[i]))
                return i;
        return -1;
    }
    const char *text = decoder->bytes + value->start + 1;
    size_t length = value->end - value->start - 2;
    for (int i = 0; names[i]; i++)
        if (is_word(names[i], text, length))
            return i;
    return -1;
}

static int read_request_id(struct decoder *decoder)
{
    const struct msim_native_value *value = value_of(decoder, FIELD_REQUEST_ID);

    if (!has(decoder, FIELD_REQUEST_ID))
        return MSIM_NATIVE_READ;
    if (value->kind != MSIM_JSON_STRING)
        return invalid(decoder, FIELD_REQUEST_ID, "it is a string");
    if (value->end - value->start > MSIM_NATIVE_REQUEST_ID_MAX)
        return invalid(decoder, FIELD_REQUEST_ID, "it has at most 126 bytes");
    decoder->out->request_id =
        (struct msim_native_text){decoder->bytes + value->start, value->end - value->start};
    return MSIM_NATIVE_READ;
}

static int read_client_id(struct decoder *decoder)
{
    struct msim_native_text *out = &decoder->out->client_id;

    if (!has(decoder, FIELD_CLIENT_ORDER_ID))
        return MSIM_NATIVE_READ;
    if (!text_of(decoder, FIELD_CLIENT_ORDER_ID, MSIM_NATIVE_CLIENT_ID_MAX, out) ||
        out->length == 0) {
        *out = (struct msim_native_text){0};
        return invalid(decoder, FIELD_CLIENT_ORDER_ID, "it is a string of 1 to 36 bytes");
    }
    return MSIM_NATIVE_READ;
}

static int read_order_id(struct decoder *decoder)
{
    struct msim_native_text text;

    if (!has(decoder, FIELD_ORDER_ID))
        return MSIM_NATIVE_READ;
    if (value_of(decoder, FIELD_ORDER_ID)->kind != MSIM_JSON_STRING)
        return invalid(decoder, FIELD_ORDER_ID, "it is a string");
    decoder->out->names_order = true;
    /* A text that was never an id of ours names an order that there is not. */
    if (!text_of(decoder, FIELD_ORDER_ID, MSIM_NATIVE_ID_LENGTH, &text) ||
        !msim_native_id_read(decoder->codec, MSIM_NATIVE_ID_ORDER, text.text, text.length,
                             &decoder->out->order))
        decoder->out->order = 0;
    return MSIM_NATIVE_READ;
}

enum whether {
    NEEDED,
    OPTIONAL, /* left away: all of them */
    OR_ALL,   /* needed, and may be "*" */
};

static int read_symbol(struct decoder *decoder, enum whether whether)
{
    struct msim_native_request *out = decoder->out;

    out->instrument = MSIM_ALL_INSTRUMENTS;
    if (!has(decoder, FIELD_SYMBOL))
        return whether == OPTIONAL
                   ? MSIM_NATIVE_READ
                   : missing(decoder, FIELD_SYMBOL,
                             whether == OR_ALL ? "name one, such as \"BTC/USD\", or \"*\" for all"
                                               : "name one, such as \"BTC/USD\"");
    if (!text_of(decoder, FIELD_SYMBOL, MSIM_NATIVE_SYMBOL_MAX, &out->symbol)) {
        out->symbol = (struct msim_native_text){0};
        return invalid(decoder, FIELD_SYMBOL, "it is a string of at most 64 bytes");
    }
    if (whether != NEEDED && out->symbol.length == 1 && out->symbol.text[0] == '*')
        return MSIM_NATIVE_READ;
    if (msim_native_codec_find(decoder->codec, out->symbol.text, out->symbol.length,
                               &out->instrument) < 0)
        return msim_native_refuse(decoder->refusal, MSIM_NATIVE_UNKNOWN_SYMBOL, FIELD_SYMBOL,
                                  "there is no symbol %.*s here: GET /api/v1/symbols lists them",
                                  shown_length(decoder, FIELD_SYMBOL),
                                  shown(decoder, FIELD_SYMBOL));
    return MSIM_NATIVE_READ;
}

/* ---- numbers ---- */

/* A string in plain decimal notation or a JSON number, exactly, at `exponent`. */
static int decimal_of(const struct decoder *decoder, int field, int exponent, int64_t *out)
{
    const struct msim_native_value *value = value_of(decoder, field);

    if (value->kind == MSIM_JSON_NUMBER)
        return msim_json_decimal(decoder->bytes, value->start, value->end, exponent, out);
    if (value->kind != MSIM_JSON_STRING || value->is_escaped)
        return MSIM_ERR_INVALID;
    return msim_decimal_parse(decoder->bytes + value->start + 1, value->end - value->start - 2,
                              exponent, out);
}

static bool is_negative(const struct decoder *decoder, int field)
{
    const struct msim_native_value *value = value_of(decoder, field);
    return decoder->bytes[value->start + (value->kind == MSIM_JSON_STRING)] == '-';
}

/* A number that int64 at the symbol's exponent does not hold: off its grid, or beyond all. */
static int reject(struct decoder *decoder, int field, int exponent)
{
    struct msim_native_refusal *refusal = decoder->refusal;
    const struct msim_native_value *value = value_of(decoder, field);
    bool is_quantity = field == FIELD_QUANTITY || field == FIELD_DISPLAY_QUANTITY;
    const char *name = msim_native_field_name(field);
    char unit[MSIM_DECIMAL_SIZE];
    int64_t mantissa;
    int own;
    int r = value->kind == MSIM_JSON_NUMBER
                ? msim_json_decimal_any(decoder->bytes, value->start, value->end, &mantissa, &own)
                : msim_decimal_parse_any(decoder->bytes + value->start + 1,
                                         value->end - value->start - 2, &mantissa, &own);

    msim_decimal_print(1, exponent, unit);
    if (r >= 0 && own < exponent) {
        msim_native_refuse(refusal, MSIM_NATIVE_INVALID_FIELD, field,
                           "%s %.*s is finer than %s, the smallest step of this symbol's %s", name,
                           shown_length(decoder, field), shown(decoder, field), unit,
                           is_quantity ? "quantities" : "prices");
        refusal->reject = is_quantity ? MSIM_REJECT_OFF_LOT : MSIM_REJECT_OFF_TICK;
    } else {
        msim_native_refuse(refusal, MSIM_NATIVE_INVALID_FIELD, field,
                           "%s %.*s is larger or finer than any this symbol can have", name,
                           shown_length(decoder, field), shown(decoder, field));
        refusal->reject = MSIM_REJECT_OUT_OF_RANGE;
    }
    return MSIM_NATIVE_REFUSED;
}

static int read_amount(struct decoder *decoder, int field, int exponent, int64_t *out)
{
    int64_t mantissa = 0;
    int r = decimal_of(decoder, field, exponent, &mantissa);

    if (r == MSIM_ERR_INVALID)
        return invalid(decoder, field, "it is a number in plain notation, such as \"1.5\"");
    if (is_negative(decoder, field) || (r >= 0 && mantissa <= 0))
        return invalid(decoder, field, "it must be above 0");
    if (r < 0)
        return reject(decoder, field, exponent);
    *out = mantissa;
    return MSIM_NATIVE_READ;
}

static int read_count(struct decoder *decoder, int field, uint64_t most, uint64_t *out)
{
    int64_t value;
    char words[64];

    if (!has(decoder, field))
        return MSIM_NATIVE_READ;
    if (decimal_of(decoder, field, 0, &value) < 0 || value < 0 || (uint64_t)value > most) {
        snprintf(words, sizeof words, "it is a whole number from 0 to %llu",
                 (unsigned long long)most);
        return invalid(decoder, field, words);
    }
    *out = (uint64_t)value;
    return MSIM_NATIVE_READ;
}

static int read_flag(struct decoder *decoder, int field, uint8_t flag)
{
    uint8_t kind = value_of(decoder, field)->kind;

    if (!has(decoder, field) || kind == MSIM_JSON_FALSE)
        return MSIM_NATIVE_READ;
    if (kind != MSIM_JSON_TRUE)
        return invalid(decoder, field, "it is true or false");
    decoder->out->command.flags |= flag;
    return MSIM_NATIVE_READ;
}

static int read_word(struct decoder *decoder, int field, const char *const *names,
                     const char *words, uint8_t *out)
{
    if (!has(decoder, field))
        return MSIM_NATIVE_READ;
    int at = word_of(decoder, field, names);
    if (at < 0)
        return invalid(decoder, field, words);
    *out = (uint8_t)at;
    return MSIM_NATIVE_READ;
}

/* ---- orders ---- */

static int read_side(struct decoder *decoder, bool is_needed)
{
    static const char *const sides[] = {"BUY", "SELL", NULL};
    uint8_t at = 0;

    if (!has(decoder, FIELD_SIDE))
        return is_needed ? missing(decoder, FIELD_SIDE, "BUY or SELL") : MSIM_NATIVE_READ;
    int r = read_word(decoder, FIELD_SIDE, sides, "BUY or SELL", &at);
    if (r == MSIM_NATIVE_READ)
        decoder->out->command.side = (uint8_t)(at + MSIM_SIDE_BUY);
    return r;
}

static int read_order_type(struct decoder *decoder)
{
    static const char *const types[] = {
        "LIMIT", "MARKET", "STOP", "STOP_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT", NULL};
    static const char words[] = "LIMIT, MARKET, STOP, STOP_LIMIT, TAKE_PROFIT or TAKE_PROFIT_LIMIT";
    int field = FIELD_ORDER_TYPE;

    /* REST's key is "type", but who writes it as in the WebSocket's message is understood too. */
    if (decoder->is_body && !has(decoder, FIELD_ORDER_TYPE))
        field = FIELD_TYPE;
    if (!has(decoder, field))
        return missing(decoder, field, words);
    int at = word_of(decoder, field, types);
    if (at < 0)
        return invalid(decoder, field, words);
    decoder->out->command.type = (uint8_t)(at + MSIM_ORDER_LIMIT);
    return MSIM_NATIVE_READ;
}

static bool has_limit(uint8_t type)
{
    return type == MSIM_ORDER_LIMIT || type == MSIM_ORDER_STOP_LIMIT ||
           type == MSIM_ORDER_TAKE_PROFIT_LIMIT;
}

static bool has_trigger(uint8_t type)
{
    return type != MSIM_ORDER_LIMIT && type != MSIM_ORDER_MARKET;
}

/* A price that belongs to the order's type, or none. */
static int read_price(struct decoder *decoder, int field, bool belongs, int exponent,
                      msim_price *out)
{
    if (!has(decoder, field))
        return belongs ? missing(decoder, field, "this order type needs one, such as \"50000\"")
                       : MSIM_NATIVE_READ;
    if (!belongs)
        return invalid(decoder, field, "this order type has none: leave it away");
    return read_amount(decoder, field, exponent, out);
}

static int read_expiry(struct decoder *decoder)
{
    struct msim_command *command = &decoder->out->command;
    struct msim_native_text text;

    if (command->time_in_force != MSIM_TIF_GTD)
        return has(decoder, FIELD_EXPIRES_AT)
                   ? invalid(decoder, FIELD_EXPIRES_AT, "it goes with time_in_force GTD")
                   : MSIM_NATIVE_READ;
    if (!has(decoder, FIELD_EXPIRES_AT))
        return missing(decoder, FIELD_EXPIRES_AT,
                       "GTD needs one, such as \"2030-01-31T12:00:00Z\"");
    if (!text_of(decoder, FIELD_EXPIRES_AT, MSIM_CALENDAR_SIZE, &text) ||
        msim_calendar_parse(text.text, text.length, &command->expires_at) < 0)
        return invalid(decoder, FIELD_EXPIRES_AT,
                       "it is a moment in UTC, such as \"2030-01-31T12:00:00Z\"");
    return MSIM_NATIVE_READ;
}

static int read_conditions(struct decoder *decoder)
{
    static const char *const forces[] = {"GTC", "IOC", "FOK", "GTD", "DAY", NULL};
    static const char *const modes[] = {"NONE",        "CANCEL_TAKER", "CANCEL_MAKER",
                                        "CANCEL_BOTH", "DECREMENT",    NULL};
    struct msim_command *command = &decoder->out->command;

    int r = read_word(decoder, FIELD_TIME_IN_FORCE, forces, "GTC, IOC, FOK, GTD or DAY",
                      &command->time_in_force);
    if (r == MSIM_NATIVE_READ)
        r = read_expiry(decoder);
    if (r == MSIM_NATIVE_READ)
        r = read_flag(decoder, FIELD_POST_ONLY, MSIM_COMMAND_POST_ONLY);
    if (r == MSIM_NATIVE_READ)
        r = read_flag(decoder, FIELD_REDUCE_ONLY, MSIM_COMMAND_REDUCE_ONLY);
    if (r == MSIM_NATIVE_READ)
        r = read_word(decoder, FIELD_SELF_TRADE, modes,
                      "NONE, CANCEL_TAKER, CANCEL_MAKER, CANCEL_BOTH or DECREMENT",
                      &command->self_trade);
    return r;
}

static int place_order(struct decoder *decoder)
{
    struct msim_command *command = &decoder->out->command;

    int r = read_symbol(decoder, NEEDED);
    if (r == MSIM_NATIVE_READ)
        r = read_side(decoder, true);
    if (r == MSIM_NATIVE_READ)
        r = read_order_type(decoder);
    if (r == MSIM_NATIVE_READ)
        r = read_conditions(decoder);
    if (r != MSIM_NATIVE_READ)
        return r;

    const struct msim_native_listed *listed =
        &decoder->codec->instruments[decoder->out->instrument];
    command->kind = MSIM_COMMAND_NEW;
    command->instrument = decoder->out->instrument;
    if (!has(decoder, FIELD_QUANTITY))
        return missing(decoder, FIELD_QUANTITY, "how much, such as \"1.5\"");
    r = read_amount(decoder, FIELD_QUANTITY, listed->quantity_exponent, &command->quantity);
    if (r == MSIM_NATIVE_READ)
        r = read_price(decoder, FIELD_PRICE, has_limit(command->type), listed->price_exponent,
                       &command->price);
    if (r == MSIM_NATIVE_READ)
        r = read_price(decoder, FIELD_STOP_PRICE, has_trigger(command->type),
                       listed->price_exponent, &command->stop_price);
    if (r == MSIM_NATIVE_READ && has(decoder, FIELD_DISPLAY_QUANTITY))
        r = read_amount(decoder, FIELD_DISPLAY_QUANTITY, listed->quantity_exponent,
                        &command->display_quantity);
    return r;
}

/* Which order is meant: by one of its two names. */
static int name_order(struct decoder *decoder)
{
    struct msim_native_request *out = decoder->out;

    if (!out->names_order && out->client_id.length == 0)
        return missing(decoder, FIELD_ORDER_ID, "name the order by order_id or client_order_id");
    if (out->names_order && out->client_id.length > 0)
        return invalid(decoder, FIELD_CLIENT_ORDER_ID,
                       "name the order by order_id or client_order_id, not by both");
    out->command.order = out->order;
    return MSIM_NATIVE_READ;
}

static int cancel_order(struct decoder *decoder)
{
    decoder->out->command.kind = MSIM_COMMAND_CANCEL;
    return name_order(decoder);
}

static int cancel_all(struct decoder *decoder)
{
    int r = read_symbol(decoder, OPTIONAL);

    decoder->out->command.kind = MSIM_COMMAND_CANCEL_ALL;
    decoder->out->command.instrument = decoder->out->instrument;
    return r == MSIM_NATIVE_READ ? read_side(decoder, false) : r;
}

/*
 * The numbers of a replacement have the exponents of the order's symbol, which only its owner's
 * books know: they are read here as far as that goes without it, and by
 * msim_native_decode_change with it.
 */
static int replace_order(struct decoder *decoder)
{
    bool is_named = decoder->out->type == MSIM_NATIVE_PATCH_ORDER;

    decoder->out->command.kind = MSIM_COMMAND_REPLACE;
    int r = is_named ? MSIM_NATIVE_READ : name_order(decoder);
    if (r != MSIM_NATIVE_READ)
        return r;
    if (!has(decoder, FIELD_PRICE) && !has(decoder, FIELD_QUANTITY) &&
        !has(decoder, FIELD_STOP_PRICE))
        return missing(decoder, FIELD_PRICE, "a replacement has a price, a quantity or both");
    return MSIM_NATIVE_READ;
}

int msim_native_decode_change(const struct msim_native_codec *codec, const char *bytes,
                              size_t length, uint32_t instrument,
                              struct msim_native_request *request,
                              struct msim_native_refusal *refusal)
{
    struct decoder decoder = {.codec = codec, .bytes = bytes, .out = request, .refusal = refusal};

    if (!codec || !bytes || !request || !refusal || instrument >= codec->instrument_count)
        return MSIM_ERR_INVALID;
    const struct msim_native_listed *listed = &codec->instruments[instrument];
    int r = msim_native_members_read(bytes, length, &decoder.members, refusal);
    if (r == MSIM_NATIVE_READ && has(&decoder, FIELD_PRICE))
        r = read_amount(&decoder, FIELD_PRICE, listed->price_exponent, &request->command.price);
    if (r == MSIM_NATIVE_READ && has(&decoder, FIELD_STOP_PRICE))
        r = read_amount(&decoder, FIELD_STOP_PRICE, listed->price_exponent,
                        &request->command.stop_price);
    if (r == MSIM_NATIVE_READ && has(&decoder, FIELD_QUANTITY))
        r = read_amount(&decoder, FIELD_QUANTITY, listed->quantity_exponent,
                        &request->command.quantity);
    if (r == MSIM_NATIVE_READ)
        request->command.instrument = instrument;
    return r;
}

/* ---- questions and channels ---- */

static int get_orders(struct decoder *decoder)
{
    static const char *const names[] = {"WAITING",   "OPEN",    "PARTIALLY_FILLED", "FILLED",
                                        "CANCELLED", "EXPIRED", "REJECTED",         NULL};
    struct msim_native_request *out = decoder->out;

    int r = read_symbol(decoder, OPTIONAL);
    if (r == MSIM_NATIVE_READ && has(decoder, FIELD_STATUS)) {
        r = read_word(decoder, FIELD_STATUS, names,
                      "WAITING, OPEN, PARTIALLY_FILLED, FILLED, CANCELLED, EXPIRED or REJECTED",
                      &out->status);
        out->status = (uint8_t)(out->status + MSIM_STATUS_WAITING);
    }
    return r;
}

static int get_limited(struct decoder *decoder, int field)
{
    uint64_t limit = 0;
    int r = read_symbol(decoder, NEEDED);

    if (r == MSIM_NATIVE_READ)
        r = read_count(decoder, field, MSIM_NATIVE_LIST_MAX, &limit);
    decoder->out->limit = (uint32_t)limit;
    return r;
}

static int read_channel(struct decoder *decoder)
{
    static const char *const names[] = {"TRADES",       "TICKER",  "ORDERBOOK", "ORDERBOOK_L2",
                                        "ORDERBOOK_L3", "CANDLES", "ORDERS",    NULL};
    static const char words[] =
        "TRADES, TICKER, ORDERBOOK, ORDERBOOK_L2, ORDERBOOK_L3, CANDLES or ORDERS";

    if (!has(decoder, FIELD_CHANNEL))
        return missing(decoder, FIELD_CHANNEL, words);
    int r = read_word(decoder, FIELD_CHANNEL, names, words, &decoder->out->channel);
    decoder->out->channel = r == MSIM_NATIVE_READ ? (uint8_t)(decoder->out->channel + 1) : 0;
    return r;
}

static int read_interval(struct decoder *decoder)
{
    struct msim_native_text text;

    if (!has(decoder, FIELD_INTERVAL))
        return MSIM_NATIVE_READ;
    if (!text_of(decoder, FIELD_INTERVAL, 16, &text) ||
        msim_duration_parse(text.text, text.length, &decoder->out->interval) < 0 ||
        decoder->out->interval <= 0)
        return invalid(decoder, FIELD_INTERVAL, "it is a length of time, such as \"1m\"");
    return MSIM_NATIVE_READ;
}

static int subscribe(struct decoder *decoder)
{
    int r = read_channel(decoder);

    if (r == MSIM_NATIVE_READ)
        r = read_symbol(decoder, decoder->out->channel == MSIM_NATIVE_ORDERS ? OPTIONAL : OR_ALL);
    return r == MSIM_NATIVE_READ ? read_interval(decoder) : r;
}

static int resume(struct decoder *decoder)
{
    int r = read_channel(decoder);

    if (r == MSIM_NATIVE_READ)
        r = read_symbol(decoder, decoder->out->channel == MSIM_NATIVE_ORDERS ? OPTIONAL : NEEDED);
    if (r != MSIM_NATIVE_READ)
        return r;
    if (!has(decoder, FIELD_FROM_SEQUENCE))
        return missing(decoder, FIELD_FROM_SEQUENCE, "the first sequence that was missed");
    return read_count(decoder, FIELD_FROM_SEQUENCE, INT64_MAX, &decoder->out->from_sequence);
}

/* ---- the whole ---- */

static int read_by_type(struct decoder *decoder)
{
    switch (decoder->out->type) {
    case MSIM_NATIVE_PLACE_ORDER:
        return place_order(decoder);
    case MSIM_NATIVE_CANCEL_ORDER:
        return cancel_order(decoder);
    case MSIM_NATIVE_CANCEL_ALL:
        return cancel_all(decoder);
    case MSIM_NATIVE_REPLACE_ORDER:
    case MSIM_NATIVE_PATCH_ORDER:
        return replace_order(decoder);
    case MSIM_NATIVE_GET_ORDER:
        return name_order(decoder);
    case MSIM_NATIVE_GET_ORDERS:
        return get_orders(decoder);
    case MSIM_NATIVE_GET_POSITION:
        return read_symbol(decoder, NEEDED);
    case MSIM_NATIVE_GET_ORDERBOOK:
        return get_limited(decoder, FIELD_DEPTH);
    case MSIM_NATIVE_GET_TRADES:
        return get_limited(decoder, FIELD_LIMIT);
    case MSIM_NATIVE_SUBSCRIBE:
    case MSIM_NATIVE_UNSUBSCRIBE:
        return subscribe(decoder);
    case MSIM_NATIVE_RESUME:
        return resume(decoder);
    default: /* GET_BALANCE, PING */
        return MSIM_NATIVE_READ;
    }
}

static int read_type(struct decoder *decoder)
{
    static const char *const names[] = {
        "PLACE_ORDER", "CANCEL_ORDER", "CANCEL_ALL",   "REPLACE_ORDER", "GET_ORDER",
        "GET_ORDERS",  "GET_BALANCE",  "GET_POSITION", "GET_ORDERBOOK", "GET_TRADES",
        "SUBSCRIBE",   "UNSUBSCRIBE",  "RESUME",       "PING",          NULL};

    if (!has(decoder, FIELD_TYPE))
        return missing(decoder, FIELD_TYPE, "such as \"PLACE_ORDER\", \"SUBSCRIBE\" or \"PING\"");
    if (value_of(decoder, FIELD_TYPE)->kind != MSIM_JSON_STRING)
        return invalid(decoder, FIELD_TYPE, "it is a string, such as \"PING\"");
    int at = word_of(decoder, FIELD_TYPE, names);
    if (at < 0)
        return msim_native_refuse(
            decoder->refusal, MSIM_NATIVE_UNKNOWN_TYPE, FIELD_TYPE,
            "type is %.*s: PLACE_ORDER, CANCEL_ORDER, CANCEL_ALL, REPLACE_ORDER, GET_ORDER, "
            "GET_ORDERS, GET_BALANCE, GET_POSITION, GET_ORDERBOOK, GET_TRADES, SUBSCRIBE, "
            "UNSUBSCRIBE, RESUME or PING",
            shown_length(decoder, FIELD_TYPE), shown(decoder, FIELD_TYPE));
    decoder->out->type = (uint8_t)(at + 1);
    return MSIM_NATIVE_READ;
}

static int decode(struct decoder *decoder, size_t length)
{
    int r = msim_native_members_read(decoder->bytes, length, &decoder->members, decoder->refusal);

    if (r != MSIM_NATIVE_READ)
        return r;
    /* Whatever else is wrong, the answer finds its question. */
    r = read_request_id(decoder);
    if (r == MSIM_NATIVE_READ && decoder->out->type == 0)
        r = read_type(decoder);
    if (r == MSIM_NATIVE_READ)
        r = read_client_id(decoder);
    if (r == MSIM_NATIVE_READ)
        r = read_order_id(decoder);
    return r == MSIM_NATIVE_READ ? read_by_type(decoder) : r;
}

static void clear(struct msim_native_request *out, int type)
{
    memset(out, 0, offsetof(struct msim_native_request, scratch));
    out->type = (uint8_t)type;
    out->instrument = MSIM_ALL_INSTRUMENTS;
    out->command.instrument = MSIM_ALL_INSTRUMENTS;
}

int msim_native_decode(const struct msim_native_codec *codec, const char *bytes, size_t length,
                       struct msim_native_request *out, struct msim_native_refusal *refusal)
{
    struct decoder decoder;

    if (!codec || (!bytes && length > 0) || !out || !refusal)
        return MSIM_ERR_INVALID;
    clear(out, 0);
    decoder.codec = codec;
    decoder.bytes = bytes;
    decoder.out = out;
    decoder.refusal = refusal;
    decoder.scratch_used = 0;
    decoder.is_body = false;
    return decode(&decoder, length);
}

int msim_native_decode_body(const struct msim_native_codec *codec, int type, const char *bytes,
                            size_t length, struct msim_native_request *out,
                            struct msim_native_refusal *refusal)
{
    struct decoder decoder;

    if (!codec || (!bytes && length > 0) || !out || !refusal || type <= 0 ||
        type >= MSIM_NATIVE_TYPES)
        return MSIM_ERR_INVALID;
    clear(out, type);
    decoder.codec = codec;
    decoder.bytes = bytes;
    decoder.out = out;
    decoder.refusal = refusal;
    decoder.scratch_used = 0;
    decoder.is_body = true;
    return decode(&decoder, length);
}
