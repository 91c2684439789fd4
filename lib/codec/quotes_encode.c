/*
 * The quotes feed's event: fixed text with numbers between.
 */
#include <marketsim/codec.h>

#include <string.h>

#include "codec/listing.h"

static char *put(char *at, const char *text, size_t length)
{
    memcpy(at, text, length);
    return at + length;
}

#define PUT(at, text) put(at, text, sizeof(text) - 1)

static char *put_price(char *at, msim_price price, int exponent)
{
    return at + msim_decimal_print_short(price, exponent, at);
}

static char *put_number(char *at, int64_t number)
{
    if (number < 0)
        return at + msim_decimal_print(number, 0, at);
    return at + msim_decimal_digits((uint64_t)number, at);
}

static char *put_unsigned(char *at, uint64_t number)
{
    return at + msim_decimal_digits(number, at);
}

/* Writes at most MSIM_QUOTES_EVENT_MAX bytes; returns their end. */
static char *write_event(const struct msim_listing *listing, const struct msim_record *quote,
                         const struct msim_record *trade, char *at)
{
    const struct msim_quote_data *q = &quote->as.quote;
    const struct msim_trade_data *t = &trade->as.trade;

    at = PUT(at, "{\"request_id\":\"");
    msim_listing_request_id(listing, t->id, at);
    at = PUT(at + 32, "\",\"results\":{\"P\":");
    at = put_price(at, t->price, trade->price_exponent);
    at = PUT(at, ",\"S\":");
    at = put_number(at, msim_listing_lots(listing, q->bid_quantity));
    at = PUT(at, ",\"T\":");
    at = put(at, listing->text, listing->text_length);
    at = PUT(at, ",\"X\":");
    at = put_unsigned(at, msim_listing_exchange(listing, q->id, MSIM_LISTING_BID));
    at = PUT(at, ",\"p\":");
    at = put_price(at, q->bid, quote->price_exponent);
    at = PUT(at, ",\"q\":");
    at = put_unsigned(at, q->id);
    at = PUT(at, ",\"s\":");
    at = put_number(at, msim_listing_lots(listing, q->ask_quantity));
    at = PUT(at, ",\"t\":");
    at = put_number(at, trade->time);
    at = PUT(at, ",\"x\":");
    at = put_unsigned(at, msim_listing_exchange(listing, t->id, MSIM_LISTING_TRADE));
    at = PUT(at, ",\"y\":");
    at = put_number(at, quote->time);
    at = PUT(at, ",\"z\":");
    at = put_unsigned(at, listing->tape);
    return PUT(at, "},\"status\":\"OK\"}");
}

static bool is_price(const struct msim_record *record)
{
    return record->price_exponent >= MSIM_EXPONENT_MIN &&
           record->price_exponent <= MSIM_EXPONENT_MAX;
}

/* 290 bytes of text and numbers at most, beside the name. */
_Static_assert(MSIM_QUOTES_EVENT_MAX >= 400 + MSIM_LISTING_TEXT_SIZE, "an event always fits");

int msim_quotes_encode(const struct msim_listing *listing, const struct msim_record *quote,
                       const struct msim_record *trade, char *out, size_t capacity, size_t *length)
{
    char room[MSIM_QUOTES_EVENT_MAX];

    if (!listing || !quote || !trade || !out || !length || quote->kind != MSIM_RECORD_QUOTE ||
        trade->kind != MSIM_RECORD_TRADE || quote->time > trade->time || !is_price(quote) ||
        !is_price(trade))
        return MSIM_ERR_INVALID;
    if (capacity >= MSIM_QUOTES_EVENT_MAX) {
        *length = (size_t)(write_event(listing, quote, trade, out) - out);
        return MSIM_OK;
    }
    size_t needed = (size_t)(write_event(listing, quote, trade, room) - room);
    if (needed > capacity)
        return MSIM_ERR_LIMIT;
    memcpy(out, room, needed);
    *length = needed;
    return MSIM_OK;
}
