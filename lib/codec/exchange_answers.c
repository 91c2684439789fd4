/*
 * Messages of one size: errors, answers, tickers, candles, positions, an order's object.
 */
#include "codec/exchange.h"

#define WORDS_MAX 300

size_t msim_native_encode_error(struct msim_native_codec *codec,
                                const struct msim_native_stamp *stamp,
                                const struct msim_native_refusal *refusal, char *out)
{
    struct pen pen = {out};

    PUT(&pen, "{\"type\":\"ERROR\",\"code\":\"");
    put_text(&pen, msim_native_error_name(refusal->error));
    PUT(&pen, "\",\"message\":");
    msim_native_put_string(&pen, refusal->message, strlen(refusal->message));
    PUT(&pen, ",\"details\":");
    if (refusal->details[0] != '\0')
        put_text(&pen, refusal->details);
    else
        PUT(&pen, "{}");
    msim_native_put_stamp(codec, &pen, stamp);
    return (size_t)(pen.at - out);
}

static void put_symbol(struct msim_native_codec *codec, struct pen *pen, uint32_t instrument)
{
    const struct msim_native_listed *listed = msim_native_listed(codec, instrument);

    PUT(pen, ",\"symbol\":");
    if (listed)
        put_name(pen, &listed->name);
    else
        PUT(pen, "\"*\"");
}

size_t msim_native_encode_answer(struct msim_native_codec *codec,
                                 const struct msim_native_stamp *stamp,
                                 const struct msim_native_answered *answer, char *out)
{
    static const char *const names[] = {"", "SUBSCRIBED", "UNSUBSCRIBED", "PONG", "CANCEL_ALL_ACK"};
    struct pen pen = {out};

    PUT(&pen, "{\"type\":\"");
    put_text(&pen, names[answer->answer]);
    *pen.at++ = '"';
    if (answer->answer <= MSIM_NATIVE_UNSUBSCRIBED) {
        PUT(&pen, ",\"channel\":\"");
        put_text(&pen, msim_native_channel_name(answer->channel));
        *pen.at++ = '"';
        put_symbol(codec, &pen, answer->instrument);
    } else if (answer->answer == MSIM_NATIVE_CANCEL_ALL_ACK) {
        PUT(&pen, ",\"count\":");
        put_number(&pen, answer->count);
    }
    msim_native_put_stamp(codec, &pen, stamp);
    return (size_t)(pen.at - out);
}

size_t msim_native_encode_notice(struct msim_native_codec *codec,
                                 const struct msim_native_stamp *stamp,
                                 struct msim_native_text words, char *out)
{
    struct pen pen = {out};

    PUT(&pen, "{\"type\":\"NOTICE\",\"message\":");
    msim_native_put_string(&pen, words.text, words.length < WORDS_MAX ? words.length : WORDS_MAX);
    msim_native_put_stamp(codec, &pen, stamp);
    return (size_t)(pen.at - out);
}

size_t msim_native_encode_ticker(struct msim_native_codec *codec,
                                 const struct msim_native_stamp *stamp, int style,
                                 const struct msim_native_ticker *ticker, char *out)
{
    const struct msim_native_listed *listed = msim_native_listed(codec, ticker->instrument);
    struct pen pen = {out};

    if (!listed)
        return 0;
    int price = listed->price_exponent;
    int quantity = listed->quantity_exponent;
    if (style == MSIM_NATIVE_BARE)
        PUT(&pen, "{\"symbol\":");
    else
        PUT(&pen, "{\"type\":\"MARKET_DATA\",\"channel\":\"TICKER\",\"symbol\":");
    put_name(&pen, &listed->name);
    PUT(&pen, ",\"last_price\":");
    put_price(&pen, ticker->last_price, price);
    PUT(&pen, ",\"bid\":");
    put_price(&pen, ticker->bid, price);
    PUT(&pen, ",\"ask\":");
    put_price(&pen, ticker->ask, price);
    PUT(&pen, ",\"bid_quantity\":");
    put_decimal(&pen, ticker->bid_quantity, quantity);
    PUT(&pen, ",\"ask_quantity\":");
    put_decimal(&pen, ticker->ask_quantity, quantity);
    PUT(&pen, ",\"volume_24h\":");
    put_decimal(&pen, ticker->volume_24h, quantity);
    PUT(&pen, ",\"high_24h\":");
    put_price(&pen, ticker->high_24h, price);
    PUT(&pen, ",\"low_24h\":");
    put_price(&pen, ticker->low_24h, price);
    if (style != MSIM_NATIVE_BARE) {
        PUT(&pen, ",\"sequence_id\":");
        put_number(&pen, stamp->sequence);
    }
    msim_native_put_stamp(codec, &pen, stamp);
    return (size_t)(pen.at - out);
}

/* "1m", "1s", "250ms": the largest unit that divides it. */
static void put_interval(struct pen *pen, msim_time interval)
{
    static const struct {
        msim_time length;
        const char *unit;
    } units[] = {
        {86400 * MSIM_NS_PER_S, "d"}, {3600 * MSIM_NS_PER_S, "h"}, {60 * MSIM_NS_PER_S, "m"},
        {MSIM_NS_PER_S, "s"},         {MSIM_NS_PER_MS, "ms"},      {1, "ns"},
    };
    size_t i = 0;

    while (interval % units[i].length != 0)
        i++;
    *pen->at++ = '"';
    put_number(pen, (uint64_t)(interval / units[i].length));
    put_text(pen, units[i].unit);
    *pen->at++ = '"';
}

void msim_native_put_candle(struct msim_native_codec *codec, struct pen *pen,
                            const struct msim_native_listed *listed,
                            const struct msim_native_candle *candle)
{
    PUT(pen, "\"symbol\":");
    put_name(pen, &listed->name);
    PUT(pen, ",\"interval\":");
    put_interval(pen, candle->interval);
    PUT(pen, ",\"start\":");
    msim_native_put_time(codec, pen, candle->start);
    PUT(pen, ",\"open\":");
    put_price(pen, candle->open, listed->price_exponent);
    PUT(pen, ",\"high\":");
    put_price(pen, candle->high, listed->price_exponent);
    PUT(pen, ",\"low\":");
    put_price(pen, candle->low, listed->price_exponent);
    PUT(pen, ",\"close\":");
    put_price(pen, candle->close, listed->price_exponent);
    PUT(pen, ",\"volume\":");
    put_decimal(pen, candle->volume, listed->quantity_exponent);
    PUT(pen, ",\"trades\":");
    put_number(pen, candle->trades);
    PUT(pen, ",\"closed\":");
    put_bool(pen, candle->is_closed);
}

size_t msim_native_encode_candle(struct msim_native_codec *codec,
                                 const struct msim_native_stamp *stamp,
                                 const struct msim_native_candle *candle, char *out)
{
    const struct msim_native_listed *listed = msim_native_listed(codec, candle->instrument);
    struct pen pen = {out};

    if (!listed || candle->interval <= 0)
        return 0;
    PUT(&pen, "{\"type\":\"CANDLE\",\"channel\":\"CANDLES\",");
    msim_native_put_candle(codec, &pen, listed, candle);
    msim_native_put_stamp(codec, &pen, stamp);
    return (size_t)(pen.at - out);
}

size_t msim_native_encode_position(struct msim_native_codec *codec,
                                   const struct msim_native_stamp *stamp, int style,
                                   const struct msim_native_position *position, char *out)
{
    const struct msim_native_listed *listed = msim_native_listed(codec, position->instrument);
    struct pen pen = {out};

    if (!listed)
        return 0;
    int quote = msim_native_quote_exponent(codec, listed);
    if (style == MSIM_NATIVE_BARE)
        PUT(&pen, "{\"symbol\":");
    else
        PUT(&pen, "{\"type\":\"POSITION_UPDATE\",\"symbol\":");
    put_name(&pen, &listed->name);
    PUT(&pen, ",\"asset\":");
    put_name(&pen, &codec->assets[listed->base_asset].name);
    PUT(&pen, ",\"quantity\":");
    put_decimal(&pen, position->quantity, listed->quantity_exponent);
    PUT(&pen, ",\"average_price\":");
    put_price(&pen, position->average_price, listed->price_exponent);
    PUT(&pen, ",\"unrealized_pnl\":");
    put_decimal(&pen, position->unrealized, quote);
    PUT(&pen, ",\"realized_pnl\":");
    put_decimal(&pen, position->realized, quote);
    msim_native_put_stamp(codec, &pen, stamp);
    return (size_t)(pen.at - out);
}

static void put_conditions(struct msim_native_codec *codec, struct pen *pen,
                           const struct msim_native_order *order,
                           const struct msim_native_listed *listed)
{
    PUT(pen, ",\"time_in_force\":\"");
    put_text(pen, msim_time_in_force_name(order->time_in_force));
    PUT(pen, "\",\"post_only\":");
    put_bool(pen, (order->flags & MSIM_COMMAND_POST_ONLY) != 0);
    PUT(pen, ",\"reduce_only\":");
    put_bool(pen, (order->flags & MSIM_COMMAND_REDUCE_ONLY) != 0);
    if (order->stop_price != 0) {
        PUT(pen, ",\"stop_price\":");
        put_price(pen, order->stop_price, listed->price_exponent);
    }
    if (order->display_quantity != 0) {
        PUT(pen, ",\"display_quantity\":");
        put_decimal(pen, order->display_quantity, listed->quantity_exponent);
    }
    if (order->time_in_force == MSIM_TIF_GTD) {
        PUT(pen, ",\"expires_at\":");
        msim_native_put_time(codec, pen, order->expires_at);
    }
    PUT(pen, ",\"created_at\":");
    msim_native_put_time(codec, pen, order->created_at);
    PUT(pen, ",\"updated_at\":");
    msim_native_put_time(codec, pen, order->updated_at);
}

/* What its fills cost in the mean, rounded to the price's exponent; 0 where there are none. */
static msim_price average_price(const struct msim_native_codec *codec,
                                const struct msim_native_listed *listed,
                                const struct msim_native_order *order)
{
    int finer = listed->price_exponent + listed->quantity_exponent -
                msim_native_quote_exponent(codec, listed);
    int64_t cost = order->notional;

    if (order->filled <= 0 || order->notional <= 0 || order->notional == INT64_MAX || finer < 0)
        return 0;
    for (; finer > 0; finer--)
        cost /= 10;
    const int64_t rest = cost % order->filled;
    return cost / order->filled + (rest >= order->filled - rest);
}

size_t msim_native_encode_order(struct msim_native_codec *codec,
                                const struct msim_native_order *order, char *out)
{
    const struct msim_native_listed *listed = msim_native_listed(codec, order->instrument);
    struct pen pen = {out};

    if (!listed)
        return 0;
    PUT(&pen, "{\"order_id\":");
    msim_native_put_id(codec, &pen, MSIM_NATIVE_ID_ORDER, order->order);
    PUT(&pen, ",\"client_order_id\":");
    if (order->client_id.length > 0)
        msim_native_put_string(&pen, order->client_id.text, order->client_id.length);
    else
        PUT(&pen, "null");
    PUT(&pen, ",\"symbol\":");
    put_name(&pen, &listed->name);
    if (order->side == MSIM_SIDE_SELL)
        PUT(&pen, ",\"side\":\"SELL\",\"type\":\"");
    else
        PUT(&pen, ",\"side\":\"BUY\",\"type\":\"");
    put_text(&pen, msim_order_type_name(order->type));
    PUT(&pen, "\",\"order_type\":\"");
    put_text(&pen, msim_order_type_name(order->type));
    PUT(&pen, "\",\"status\":\"");
    put_text(&pen, msim_order_status_name(order->status));
    PUT(&pen, "\",\"price\":");
    put_price(&pen, order->price, listed->price_exponent);
    PUT(&pen, ",\"quantity\":");
    put_decimal(&pen, order->quantity, listed->quantity_exponent);
    PUT(&pen, ",\"filled_quantity\":");
    put_decimal(&pen, order->filled, listed->quantity_exponent);
    PUT(&pen, ",\"remaining_quantity\":");
    put_decimal(&pen, order->quantity - order->filled, listed->quantity_exponent);
    PUT(&pen, ",\"average_price\":");
    put_price(&pen, average_price(codec, listed, order), listed->price_exponent);
    put_conditions(codec, &pen, order, listed);
    *pen.at++ = '}';
    return (size_t)(pen.at - out);
}
