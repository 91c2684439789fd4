/*
 * Messages that hold as many things as there are.
 *
 * Room is measured before: each thing has a most that it can take, and a list with less room
 * than that is refused with the room that would do.
 */
#include "codec/exchange.h"

/* Both numbers of a level with their keys; a comma. */
#define LEVEL_MAX 80
#define TRADE_MAX 320

static int measure(size_t count, size_t each, size_t capacity, size_t *length)
{
    if (count > (SIZE_MAX - MSIM_NATIVE_MESSAGE_MAX) / each)
        return MSIM_ERR_INVALID;
    size_t needed = MSIM_NATIVE_MESSAGE_MAX + count * each;
    if (capacity >= needed)
        return MSIM_OK;
    *length = needed;
    return MSIM_ERR_LIMIT;
}

/* `{` or `{"type":"...",`: REST's answers say by their path what they are. */
static void begin(struct pen *pen, int style, const char *type)
{
    *pen->at++ = '{';
    if (style == MSIM_NATIVE_BARE)
        return;
    PUT(pen, "\"type\":\"");
    put_text(pen, type);
    PUT(pen, "\",");
}

static int end(struct msim_native_codec *codec, struct pen *pen,
               const struct msim_native_stamp *stamp, const char *out, size_t *length)
{
    msim_native_put_stamp(codec, pen, stamp);
    *length = (size_t)(pen->at - out);
    return MSIM_OK;
}

int msim_native_encode_orders(struct msim_native_codec *codec,
                              const struct msim_native_stamp *stamp, int style,
                              const struct msim_native_order *orders, size_t count, char *out,
                              size_t capacity, size_t *length)
{
    struct pen pen = {out};
    int r = measure(count, MSIM_NATIVE_MESSAGE_MAX, capacity, length);

    if (r < 0)
        return r;
    begin(&pen, style, "ORDERS");
    if (stamp->sequence != 0 || stamp->has_sequence)
        PUT(&pen, "\"channel\":\"ORDERS\",");
    PUT(&pen, "\"orders\":[");
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            *pen.at++ = ',';
        pen.at += msim_native_encode_order(codec, &orders[i], pen.at);
    }
    *pen.at++ = ']';
    return end(codec, &pen, stamp, out, length);
}

int msim_native_encode_trades(struct msim_native_codec *codec,
                              const struct msim_native_stamp *stamp, int style, uint32_t instrument,
                              const struct msim_native_trade *trades, size_t count, char *out,
                              size_t capacity, size_t *length)
{
    const struct msim_native_listed *listed = msim_native_listed(codec, instrument);
    struct pen pen = {out};
    int r = listed ? measure(count, TRADE_MAX, capacity, length) : MSIM_ERR_INVALID;

    if (r < 0)
        return r;
    begin(&pen, style, "TRADES");
    PUT(&pen, "\"symbol\":");
    put_name(&pen, &listed->name);
    PUT(&pen, ",\"trades\":[");
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            *pen.at++ = ',';
        PUT(&pen, "{\"trade_id\":");
        msim_native_put_id(codec, &pen, MSIM_NATIVE_ID_TRADE, trades[i].trade);
        PUT(&pen, ",\"price\":");
        put_price(&pen, trades[i].price, listed->price_exponent);
        PUT(&pen, ",\"quantity\":");
        put_decimal(&pen, trades[i].quantity, listed->quantity_exponent);
        if (trades[i].side == MSIM_SIDE_SELL)
            PUT(&pen, ",\"side\":\"SELL\",\"timestamp\":");
        else
            PUT(&pen, ",\"side\":\"BUY\",\"timestamp\":");
        msim_native_put_time(codec, &pen, trades[i].time);
        *pen.at++ = '}';
    }
    *pen.at++ = ']';
    return end(codec, &pen, stamp, out, length);
}

static void put_levels(struct pen *pen, const struct msim_native_listed *listed, const char *key,
                       const struct msim_native_level *levels, size_t count)
{
    PUT(pen, ",\"");
    put_text(pen, key);
    PUT(pen, "\":[");
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            *pen->at++ = ',';
        PUT(pen, "{\"price\":");
        put_decimal(pen, levels[i].price, listed->price_exponent);
        PUT(pen, ",\"quantity\":");
        put_decimal(pen, levels[i].quantity, listed->quantity_exponent);
        *pen->at++ = '}';
    }
    *pen->at++ = ']';
}

int msim_native_encode_book(struct msim_native_codec *codec, const struct msim_native_stamp *stamp,
                            int style, const struct msim_native_book *book, char *out,
                            size_t capacity, size_t *length)
{
    const struct msim_native_listed *listed = msim_native_listed(codec, book->instrument);
    struct pen pen = {out};

    if (!listed || book->bid_count > SIZE_MAX / 2 || book->ask_count > SIZE_MAX / 2)
        return MSIM_ERR_INVALID;
    int r = measure(book->bid_count + book->ask_count, LEVEL_MAX, capacity, length);
    if (r < 0)
        return r;
    begin(&pen, style, "ORDERBOOK_UPDATE");
    if (book->channel != 0) {
        PUT(&pen, "\"channel\":\"");
        put_text(&pen, msim_native_channel_name(book->channel));
        PUT(&pen, "\",");
    }
    PUT(&pen, "\"symbol\":");
    put_name(&pen, &listed->name);
    if (book->snapshot)
        PUT(&pen, ",\"snapshot\":true");
    put_levels(&pen, listed, "bids", book->bids, book->bid_count);
    put_levels(&pen, listed, "asks", book->asks, book->ask_count);
    return end(codec, &pen, stamp, out, length);
}

int msim_native_encode_book_orders(struct msim_native_codec *codec,
                                   const struct msim_native_stamp *stamp, uint32_t instrument,
                                   const struct msim_native_order *orders, size_t count, char *out,
                                   size_t capacity, size_t *length)
{
    const struct msim_native_listed *listed = msim_native_listed(codec, instrument);
    struct pen pen = {out};
    int r = listed ? measure(count, TRADE_MAX, capacity, length) : MSIM_ERR_INVALID;

    if (r < 0)
        return r;
    PUT(&pen, "{\"type\":\"BOOK_EVENT\",\"channel\":\"ORDERBOOK_L3\",\"symbol\":");
    put_name(&pen, &listed->name);
    PUT(&pen, ",\"snapshot\":true,\"orders\":[");
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            *pen.at++ = ',';
        PUT(&pen, "{\"order_id\":");
        msim_native_put_id(codec, &pen, MSIM_NATIVE_ID_ORDER, orders[i].order);
        if (orders[i].side == MSIM_SIDE_SELL)
            PUT(&pen, ",\"side\":\"SELL\",\"price\":");
        else
            PUT(&pen, ",\"side\":\"BUY\",\"price\":");
        put_decimal(&pen, orders[i].price, listed->price_exponent);
        PUT(&pen, ",\"quantity\":");
        put_decimal(&pen, orders[i].quantity, listed->quantity_exponent);
        *pen.at++ = '}';
    }
    *pen.at++ = ']';
    return end(codec, &pen, stamp, out, length);
}

static void put_balances(struct msim_native_codec *codec, struct pen *pen,
                         const struct msim_native_balance *balances, size_t count, bool is_free)
{
    bool comma = false;

    for (size_t i = 0; i < count && i < codec->asset_count; i++) {
        if (!balances[i].is_shown)
            continue;
        if (comma)
            *pen->at++ = ',';
        comma = true;
        put_name(pen, &codec->assets[i].name);
        *pen->at++ = ':';
        put_decimal(pen, is_free ? balances[i].free : balances[i].total, codec->assets[i].exponent);
    }
}

int msim_native_encode_balances(struct msim_native_codec *codec,
                                const struct msim_native_stamp *stamp, int style,
                                const struct msim_native_balance *balances, size_t count, char *out,
                                size_t capacity, size_t *length)
{
    struct pen pen = {out};
    int r = measure(count, 2 * (MSIM_NATIVE_QUOTED_MAX + 32), capacity, length);

    if (r < 0)
        return r;
    begin(&pen, style, "BALANCE_UPDATE");
    PUT(&pen, "\"balances\":{");
    put_balances(codec, &pen, balances, count, false);
    PUT(&pen, "},\"available\":{");
    put_balances(codec, &pen, balances, count, true);
    *pen.at++ = '}';
    return end(codec, &pen, stamp, out, length);
}

int msim_native_encode_candles(struct msim_native_codec *codec,
                               const struct msim_native_stamp *stamp, int style,
                               const struct msim_native_candle *candles, size_t count, char *out,
                               size_t capacity, size_t *length)
{
    struct pen pen = {out};
    int r = measure(count, MSIM_NATIVE_MESSAGE_MAX, capacity, length);

    if (r < 0)
        return r;
    begin(&pen, style, "CANDLES");
    PUT(&pen, "\"candles\":[");
    bool comma = false;
    for (size_t i = 0; i < count; i++) {
        const struct msim_native_listed *listed = msim_native_listed(codec, candles[i].instrument);
        if (!listed || candles[i].interval <= 0)
            continue;
        if (comma)
            *pen.at++ = ',';
        comma = true;
        *pen.at++ = '{';
        msim_native_put_candle(codec, &pen, listed, &candles[i]);
        *pen.at++ = '}';
    }
    *pen.at++ = ']';
    return end(codec, &pen, stamp, out, length);
}
