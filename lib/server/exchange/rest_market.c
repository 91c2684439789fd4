/*
 * The market over HTTP.
 */
#include "server/exchange/rest.h"

#include <string.h>

#include "base/calendar.h"
#include "base/json.h"
#include "base/mem.h"

#define USUAL_COUNT 500

static void answer_bytes(struct msim_exchange_server *server, struct msim_exchange_call *call,
                         const char *bytes, size_t length)
{
    if (length > 0)
        msim_exchange_rest_answer(server, call, 200, MSIM_FAULT_RESP_QUERY, bytes, length);
    else
        msim_exchange_rest_error(server, call, 503, MSIM_NATIVE_INTERNAL,
                                 "no memory for this answer now: ask again");
}

static void write_time(struct msim_json_writer *writer, msim_time time)
{
    char text[MSIM_CALENDAR_SIZE];
    size_t length = msim_calendar_print(time - time % MSIM_NS_PER_US, MSIM_CALENDAR_ISO, text);

    msim_json_write_string(writer, text, length);
}

static void write_entry(struct msim_json_writer *writer, const char *key, const char *text)
{
    msim_json_write_key(writer, key);
    msim_json_write_text(writer, text);
}

void msim_exchange_rest_health(struct msim_exchange_server *server, struct msim_exchange_call *call,
                               const char *body, size_t length)
{
    struct msim_json_writer writer;
    size_t size = 0;

    (void)body;
    (void)length;
    msim_json_write_buffer(&writer, server->message, sizeof server->message);
    msim_json_write_object(&writer);
    write_entry(&writer, "status", "ok");
    write_entry(&writer, "service", "exchange-server");
    write_entry(&writer, "version", msim_version());
    msim_json_write_key(&writer, "clients");
    msim_json_write_unsigned(&writer, server->client_count);
    msim_json_write_key(&writer, "timestamp");
    write_time(&writer, server->now);
    msim_json_write_object_end(&writer);
    msim_json_write_end(&writer, &size);
    answer_bytes(server, call, server->message, size);
}

/* ---- what is traded ---- */

static void write_money(struct msim_json_writer *writer, const char *key, int64_t mantissa,
                        int exponent)
{
    msim_json_write_key(writer, key);
    msim_json_write_decimal_text(writer, mantissa, exponent);
}

static void write_instrument(struct msim_json_writer *writer,
                             const struct msim_exchange_server *server, uint32_t instrument)
{
    struct msim_instrument_view view;
    struct msim_asset_view base;
    struct msim_asset_view quote;

    if (msim_engine_instrument(server->engine, instrument, &view) < 0 ||
        msim_engine_asset(server->engine, view.params.base_asset, &base) < 0 ||
        msim_engine_asset(server->engine, view.params.quote_asset, &quote) < 0)
        return;
    msim_json_write_object(writer);
    write_entry(writer, "symbol", view.params.symbol);
    write_entry(writer, "base_asset", base.name);
    write_entry(writer, "quote_asset", quote.name);
    write_money(writer, "tick_size", view.params.tick, view.params.price_exponent);
    write_money(writer, "lot_size", view.params.lot, view.params.quantity_exponent);
    write_money(writer, "min_notional", view.params.min_notional, quote.exponent);
    write_money(writer, "maker_fee", view.params.maker_fee, -6);
    write_money(writer, "taker_fee", view.params.taker_fee, -6);
    write_entry(writer, "state", msim_instrument_state_name(view.params.state));
    msim_json_write_object_end(writer);
}

void msim_exchange_rest_symbols(struct msim_exchange_server *server,
                                struct msim_exchange_call *call, const char *body, size_t length)
{
    struct msim_json_writer writer;
    size_t size = 0;

    (void)body;
    (void)length;
    char *list = msim_exchange_list_room(server, (server->market_count + 1) * 2048);
    if (list) {
        msim_json_write_buffer(&writer, list, server->list_size);
        msim_json_write_object(&writer);
        msim_json_write_key(&writer, "symbols");
        msim_json_write_array(&writer);
        for (size_t i = 0; i < server->market_count; i++)
            msim_json_write_text(&writer, server->settings.listings[i].symbol);
        msim_json_write_array_end(&writer);
        msim_json_write_key(&writer, "instruments");
        msim_json_write_array(&writer);
        for (uint32_t i = 0; i < server->market_count; i++)
            write_instrument(&writer, server, i);
        msim_json_write_array_end(&writer);
        msim_json_write_object_end(&writer);
        if (msim_json_write_end(&writer, &size) < 0)
            size = 0;
    }
    answer_bytes(server, call, list, size);
}

/* ---- now ---- */

void msim_exchange_rest_ticker(struct msim_exchange_server *server, struct msim_exchange_call *call,
                               const char *body, size_t length)
{
    struct msim_native_stamp stamp = msim_exchange_stamp(server);
    struct msim_native_ticker ticker;

    (void)body;
    (void)length;
    if (!msim_exchange_rest_symbol(server, call, false))
        return;
    msim_exchange_ticker(server, &server->markets[server->request.instrument], &ticker);
    size_t size = msim_native_encode_ticker(server->codec, &stamp, MSIM_NATIVE_BARE, &ticker,
                                            server->message);
    answer_bytes(server, call, server->message, size);
}

void msim_exchange_rest_book(struct msim_exchange_server *server, struct msim_exchange_call *call,
                             const char *body, size_t length)
{
    struct msim_native_stamp stamp = msim_exchange_stamp(server);
    const char *bytes = NULL;

    (void)body;
    (void)length;
    if (!msim_exchange_rest_symbol(server, call, false) ||
        !msim_exchange_rest_count(server, call, "depth", MSIM_EXCHANGE_BOOK_LEVELS,
                                  &server->request.limit))
        return;
    size_t size = msim_exchange_encode_book(server, &stamp, MSIM_NATIVE_BARE, &bytes);
    answer_bytes(server, call, bytes, size);
}

/* ---- the past ---- */

void msim_exchange_rest_trades(struct msim_exchange_server *server, struct msim_exchange_call *call,
                               const char *body, size_t length)
{
    struct msim_native_stamp stamp = msim_exchange_stamp(server);
    const char *bytes = NULL;

    (void)body;
    (void)length;
    if (!msim_exchange_rest_symbol(server, call, false) ||
        !msim_exchange_rest_count(server, call, "limit", MSIM_EXCHANGE_LIST,
                                  &server->request.limit))
        return;
    size_t size = msim_exchange_encode_trades(server, &stamp, MSIM_NATIVE_BARE, &bytes);
    answer_bytes(server, call, bytes, size);
}

static bool read_interval(struct msim_exchange_server *server, struct msim_exchange_call *call,
                          int *interval)
{
    char text[8];
    int r = msim_exchange_rest_query(call, "interval", text, sizeof text);

    *interval = r == 0 ? MSIM_CANDLE_1M : -1;
    if (r > 0)
        *interval = msim_venue_interval_find(text, (size_t)r);
    if (*interval >= 0)
        return true;
    return msim_exchange_rest_refuse_query(server, call, MSIM_NATIVE_INVALID_FIELD, "interval",
                                           "is none of 1s, 1m, 5m, 15m, 1h, 4h and 1d");
}

static size_t encode_candles(struct msim_exchange_server *server, int interval, msim_time from,
                             msim_time to, uint32_t limit, const char **bytes)
{
    struct msim_native_stamp stamp = msim_exchange_stamp(server);
    size_t room = limit * (sizeof(struct msim_venue_candle) + sizeof(struct msim_native_candle));
    struct msim_venue_candle *past = msim_mem_take(&server->allocator, room);
    msim_time step = msim_venue_interval_length(interval);
    size_t length = 0;

    if (!past)
        return 0;
    struct msim_native_candle *candles = (struct msim_native_candle *)(past + limit);
    size_t count = msim_venue_candles(server->venue, server->request.instrument, interval, from, to,
                                      past, limit);
    for (size_t i = 0; i < count; i++)
        candles[i] = (struct msim_native_candle){
            .instrument = server->request.instrument,
            .is_closed = server->now >= past[i].start + step,
            .start = past[i].start,
            .interval = step,
            .open = past[i].open,
            .high = past[i].high,
            .low = past[i].low,
            .close = past[i].close,
            .volume = past[i].volume,
            .trades = past[i].trade_count,
        };
    char *list = msim_exchange_list_room(server, (count + 1) * MSIM_NATIVE_MESSAGE_MAX);
    if (list && msim_native_encode_candles(server->codec, &stamp, MSIM_NATIVE_BARE, candles, count,
                                           list, server->list_size, &length) < 0)
        length = 0;
    msim_mem_free(&server->allocator, past, room);
    *bytes = list;
    return length;
}

void msim_exchange_rest_candles(struct msim_exchange_server *server,
                                struct msim_exchange_call *call, const char *body, size_t length)
{
    const char *bytes = NULL;
    msim_time from = INT64_MIN;
    msim_time to = MSIM_TIME_NEVER;
    uint32_t limit = USUAL_COUNT;
    int interval;

    (void)body;
    (void)length;
    if (!msim_exchange_rest_symbol(server, call, false) ||
        !read_interval(server, call, &interval) ||
        !msim_exchange_rest_time(server, call, "from", &from) ||
        !msim_exchange_rest_time(server, call, "to", &to) ||
        !msim_exchange_rest_count(server, call, "limit", MSIM_EXCHANGE_LIST, &limit))
        return;
    size_t size = encode_candles(server, interval, from, to, limit, &bytes);
    answer_bytes(server, call, bytes, size);
}

static void write_price(struct msim_json_writer *writer, const char *key, msim_price price,
                        int exponent)
{
    msim_json_write_key(writer, key);
    if (price == 0)
        msim_json_write_null(writer);
    else
        msim_json_write_decimal_text(writer, price, exponent);
}

static size_t encode_history(struct msim_exchange_server *server,
                             const struct msim_venue_price *prices, size_t count)
{
    const struct msim_exchange_listing *listing =
        &server->settings.listings[server->request.instrument];
    struct msim_json_writer writer;
    size_t length = 0;

    if (!msim_exchange_list_room(server, (count + 4) * 256))
        return 0;
    msim_json_write_buffer(&writer, server->list, server->list_size);
    msim_json_write_object(&writer);
    write_entry(&writer, "symbol", listing->symbol);
    msim_json_write_key(&writer, "history");
    msim_json_write_array(&writer);
    for (size_t i = 0; i < count; i++) {
        msim_json_write_object(&writer);
        msim_json_write_key(&writer, "timestamp");
        write_time(&writer, prices[i].time);
        write_price(&writer, "price", prices[i].last, listing->price_exponent);
        write_price(&writer, "bid", prices[i].bid, listing->price_exponent);
        write_price(&writer, "ask", prices[i].ask, listing->price_exponent);
        msim_json_write_object_end(&writer);
    }
    msim_json_write_array_end(&writer);
    msim_json_write_object_end(&writer);
    return msim_json_write_end(&writer, &length) < 0 ? 0 : length;
}

void msim_exchange_rest_history(struct msim_exchange_server *server,
                                struct msim_exchange_call *call, const char *body, size_t length)
{
    msim_time start = INT64_MIN;
    msim_time end = MSIM_TIME_NEVER;
    uint32_t limit = USUAL_COUNT;
    size_t size = 0;

    (void)body;
    (void)length;
    if (!msim_exchange_rest_symbol(server, call, false) ||
        !msim_exchange_rest_time(server, call, "start", &start) ||
        !msim_exchange_rest_time(server, call, "end", &end) ||
        !msim_exchange_rest_count(server, call, "limit", MSIM_EXCHANGE_LIST, &limit))
        return;
    struct msim_venue_price *prices =
        msim_mem_take_array(&server->allocator, limit, sizeof *prices);
    if (prices) {
        size_t count =
            msim_venue_prices(server->venue, server->request.instrument, start, end, prices, limit);
        size = encode_history(server, prices, count);
    }
    msim_mem_free(&server->allocator, prices, limit * sizeof *prices);
    answer_bytes(server, call, server->list, size);
}
