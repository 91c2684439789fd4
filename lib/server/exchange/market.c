/*
 * Public market data: trades, levels and orders as they happen, tickers, books and candles on
 * the beat of the tick.
 */
#include "server/exchange/exchange.h"

#include <string.h>

#include "base/mem.h"

/* ---- as it happens ---- */

static void publish_event(struct msim_exchange_server *server, struct msim_exchange_market *market,
                          int topic, int type, const struct msim_venue_output *output)
{
    struct msim_exchange_feed *feed = market->feeds[topic];
    struct msim_native_stamp stamp = {.time = output->time};

    if (!feed)
        return;
    stamp.sequence = feed->sequence + 1;
    size_t length =
        msim_native_encode_event(server->codec, &stamp, output->event, NULL, server->message);
    if (length == 0)
        return;
    feed->sequence++;
    msim_exchange_publish(server, market, topic, type, server->message, length);
}

/* The latest quantity of a price is what counts: one delta for each. */
static void note_level(struct msim_exchange_server *server, struct msim_exchange_market *market,
                       const struct msim_event *event)
{
    size_t at = 0;

    market->book_changes++;
    if (!market->feeds[TOPIC_L2])
        return;
    while (at < market->delta_count && (market->deltas[at].price != event->as.level.price ||
                                        market->deltas[at].side != event->side))
        at++;
    if (at == MSIM_EXCHANGE_DELTAS) {
        msim_exchange_market_flush(server, market);
        at = 0;
    }
    if (at == market->delta_count)
        market->delta_count++;
    market->deltas[at] =
        (struct msim_exchange_delta){event->as.level.price, event->as.level.quantity, event->side};
}

void msim_exchange_market_event(struct msim_exchange_server *server,
                                const struct msim_venue_output *output)
{
    const struct msim_event *event = output->event;

    if (event->instrument >= server->market_count)
        return;
    struct msim_exchange_market *market = &server->markets[event->instrument];
    switch (event->kind) {
    case MSIM_EVENT_LEVEL:
        note_level(server, market, event);
        break;
    case MSIM_EVENT_BOOK_ORDER:
        publish_event(server, market, TOPIC_L3, MSIM_FAULT_MD_DEPTH, output);
        break;
    case MSIM_EVENT_TRADE:
    case MSIM_EVENT_BUSTED:
    case MSIM_EVENT_CORRECTED:
        publish_event(server, market, TOPIC_TRADES, MSIM_FAULT_MD_TRADE, output);
        break;
    default:
        break;
    }
}

void msim_exchange_market_flush(struct msim_exchange_server *server,
                                struct msim_exchange_market *market)
{
    struct msim_native_level levels[MSIM_EXCHANGE_DELTAS];
    struct msim_exchange_feed *feed = market->feeds[TOPIC_L2];
    struct msim_native_stamp stamp = msim_exchange_stamp(server);
    size_t bids = 0;
    size_t asks = 0;
    size_t length = 0;

    if (market->delta_count == 0)
        return;
    for (size_t i = 0; i < market->delta_count; i++) {
        const struct msim_exchange_delta *delta = &market->deltas[i];
        struct msim_native_level level = {delta->price, delta->quantity};
        if (delta->side == MSIM_SIDE_BUY)
            levels[bids++] = level;
        else
            levels[MSIM_EXCHANGE_DELTAS - ++asks] = level;
    }
    struct msim_native_book book = {
        .instrument = market->instrument,
        .channel = MSIM_NATIVE_ORDERBOOK_L2,
        .bids = levels,
        .bid_count = bids,
        .asks = levels + MSIM_EXCHANGE_DELTAS - asks,
        .ask_count = asks,
    };
    market->delta_count = 0;
    stamp.sequence = feed->sequence + 1;
    char *list =
        msim_exchange_list_room(server, (MSIM_EXCHANGE_DELTAS + 64) * sizeof levels[0] * 8);
    if (!list || msim_native_encode_book(server->codec, &stamp, MSIM_NATIVE_MESSAGE, &book, list,
                                         server->list_size, &length) < 0) {
        msim_exchange_fail(server, MSIM_ERR_NOMEM, "");
        return;
    }
    feed->sequence++;
    msim_exchange_publish(server, market, TOPIC_L2, MSIM_FAULT_MD_DEPTH, list, length);
}

/* ---- the state of things ---- */

void msim_exchange_ticker(const struct msim_exchange_server *server,
                          const struct msim_exchange_market *market, struct msim_native_ticker *out)
{
    struct msim_venue_ticker ticker = {0};

    msim_venue_ticker(server->venue, market->instrument, &ticker);
    /* Before the first trade the price that the market opens with is the last one known. */
    msim_price last = ticker.last_price != 0 ? ticker.last_price : market->reference;
    *out = (struct msim_native_ticker){
        .instrument = market->instrument,
        .last_price = last,
        .bid = ticker.bid,
        .ask = ticker.ask,
        .bid_quantity = ticker.bid_quantity,
        .ask_quantity = ticker.ask_quantity,
        .high_24h = ticker.high != 0 ? ticker.high : last,
        .low_24h = ticker.low != 0 ? ticker.low : last,
        .volume_24h = ticker.volume,
    };
}

static size_t levels_of(const struct msim_exchange_server *server, uint32_t instrument,
                        uint8_t side, size_t limit, struct msim_level_view *views,
                        struct msim_native_level *out)
{
    size_t count = msim_engine_depth(server->engine, instrument, side, views, limit);

    for (size_t i = 0; i < count; i++)
        out[i] = (struct msim_native_level){views[i].price, views[i].quantity};
    return count;
}

static size_t encode_book(struct msim_exchange_server *server, uint32_t instrument, size_t limit,
                          const struct msim_native_stamp *stamp, int style, int channel,
                          const char **bytes)
{
    struct msim_native_book book = {.instrument = instrument, .channel = channel};
    size_t room = limit * (sizeof(struct msim_level_view) + 2 * sizeof(struct msim_native_level));
    struct msim_level_view *views = msim_mem_take(&server->allocator, room);
    size_t length = 0;

    if (!views)
        return 0;
    struct msim_native_level *bids = (struct msim_native_level *)(views + limit);
    book.bids = bids;
    book.bid_count = levels_of(server, instrument, MSIM_SIDE_BUY, limit, views, bids);
    book.asks = bids + limit;
    book.ask_count = levels_of(server, instrument, MSIM_SIDE_SELL, limit, views, bids + limit);
    book.snapshot = channel == MSIM_NATIVE_ORDERBOOK_L2;
    int r = msim_native_encode_book(server->codec, stamp, style, &book, server->list,
                                    server->list_size, &length);
    if (r == MSIM_ERR_LIMIT && msim_exchange_list_room(server, length))
        r = msim_native_encode_book(server->codec, stamp, style, &book, server->list,
                                    server->list_size, &length);
    msim_mem_free(&server->allocator, views, room);
    *bytes = server->list;
    return r < 0 ? 0 : length;
}

size_t msim_exchange_encode_book(struct msim_exchange_server *server,
                                 const struct msim_native_stamp *stamp, int style,
                                 const char **bytes)
{
    size_t limit = server->request.limit;

    if (limit == 0 || limit > MSIM_EXCHANGE_BOOK_LEVELS)
        limit = MSIM_EXCHANGE_BOOK_LEVELS;
    return encode_book(server, server->request.instrument, limit, stamp, style, 0, bytes);
}

/* Every order that L3 shows, best level first, bids before asks. */
static size_t encode_orders(struct msim_exchange_server *server,
                            const struct msim_exchange_market *market,
                            const struct msim_native_stamp *stamp, const char **bytes)
{
    size_t room = 2 * MSIM_EXCHANGE_LIST *
                  (sizeof(struct msim_order_view) + sizeof(struct msim_native_order));
    struct msim_order_view *views = msim_mem_take(&server->allocator, room);
    size_t length = 0;

    if (!views)
        return 0;
    struct msim_native_order *orders = (struct msim_native_order *)(views + 2 * MSIM_EXCHANGE_LIST);
    size_t count = msim_engine_book_orders(server->engine, market->instrument, MSIM_SIDE_BUY, 0,
                                           views, MSIM_EXCHANGE_LIST);
    count += msim_engine_book_orders(server->engine, market->instrument, MSIM_SIDE_SELL, 0,
                                     views + count, MSIM_EXCHANGE_LIST);
    for (size_t i = 0; i < count; i++)
        orders[i] = (struct msim_native_order){.order = views[i].order,
                                               .side = views[i].side,
                                               .price = views[i].price,
                                               .quantity = views[i].shown};
    int r = msim_native_encode_book_orders(server->codec, stamp, market->instrument, orders, count,
                                           server->list, server->list_size, &length);
    if (r == MSIM_ERR_LIMIT && msim_exchange_list_room(server, length))
        r = msim_native_encode_book_orders(server->codec, stamp, market->instrument, orders, count,
                                           server->list, server->list_size, &length);
    msim_mem_free(&server->allocator, views, room);
    *bytes = server->list;
    return r < 0 ? 0 : length;
}

static bool candle_at(const struct msim_exchange_server *server,
                      const struct msim_exchange_market *market, int interval, msim_time start,
                      msim_time end, struct msim_native_candle *out)
{
    struct msim_venue_candle candle;

    if (msim_venue_candles(server->venue, market->instrument, interval, start, end, &candle, 1) ==
        0)
        return false;
    *out = (struct msim_native_candle){
        .instrument = market->instrument,
        .start = candle.start,
        .interval = msim_venue_interval_length(interval),
        .open = candle.open,
        .high = candle.high,
        .low = candle.low,
        .close = candle.close,
        .volume = candle.volume,
        .trades = candle.trade_count,
    };
    out->is_closed = server->now >= out->start + out->interval;
    return true;
}

size_t msim_exchange_market_snapshot(struct msim_exchange_server *server,
                                     struct msim_exchange_market *market, int topic,
                                     struct msim_native_text request_id, const char **bytes)
{
    struct msim_native_stamp stamp = msim_exchange_stamp(server);
    struct msim_native_ticker ticker;
    struct msim_native_candle candle;

    stamp.sequence = market->feeds[topic]->sequence;
    stamp.request_id = request_id;
    *bytes = server->message;
    switch (topic) {
    case TOPIC_TRADES:
        return 0;
    case TOPIC_TICKER:
        msim_exchange_ticker(server, market, &ticker);
        return msim_native_encode_ticker(server->codec, &stamp, MSIM_NATIVE_MESSAGE, &ticker,
                                         server->message);
    case TOPIC_ORDERBOOK:
        return encode_book(server, market->instrument, MSIM_EXCHANGE_BOOK_LEVELS, &stamp,
                           MSIM_NATIVE_MESSAGE, MSIM_NATIVE_ORDERBOOK, bytes);
    case TOPIC_L2:
        return encode_book(server, market->instrument, MSIM_EXCHANGE_BOOK_LEVELS, &stamp,
                           MSIM_NATIVE_MESSAGE, MSIM_NATIVE_ORDERBOOK_L2, bytes);
    case TOPIC_L3:
        return encode_orders(server, market, &stamp, bytes);
    default:
        return candle_at(server, market, topic - TOPIC_CANDLES, INT64_MIN, MSIM_TIME_NEVER, &candle)
                   ? msim_native_encode_candle(server->codec, &stamp, &candle, server->message)
                   : 0;
    }
}

/* ---- on the beat ---- */

static void publish_state(struct msim_exchange_server *server, struct msim_exchange_market *market,
                          int topic, int type)
{
    const char *bytes;

    market->feeds[topic]->sequence++;
    size_t length =
        msim_exchange_market_snapshot(server, market, topic, (struct msim_native_text){0}, &bytes);
    if (length == 0)
        market->feeds[topic]->sequence--;
    else
        msim_exchange_publish(server, market, topic, type, bytes, length);
}

static void publish_candle(struct msim_exchange_server *server, struct msim_exchange_market *market,
                           int topic, const struct msim_native_candle *candle)
{
    struct msim_exchange_feed *feed = market->feeds[topic];
    struct msim_native_stamp stamp = msim_exchange_stamp(server);

    stamp.sequence = ++feed->sequence;
    size_t length = msim_native_encode_candle(server->codec, &stamp, candle, server->message);
    msim_exchange_publish(server, market, topic, MSIM_FAULT_MD_KLINE, server->message, length);
    feed->candle = *candle;
}

/* The one that was told last is told once more when it is over; then the one that runs. */
static void beat_candles(struct msim_exchange_server *server, struct msim_exchange_market *market,
                         int interval)
{
    int topic = TOPIC_CANDLES + interval;
    const struct msim_native_candle *told = &market->feeds[topic]->candle;
    struct msim_native_candle candle;

    if (told->interval != 0 && !told->is_closed && server->now >= told->start + told->interval &&
        candle_at(server, market, interval, told->start, told->start + 1, &candle))
        publish_candle(server, market, topic, &candle);
    if (candle_at(server, market, interval, INT64_MIN, MSIM_TIME_NEVER, &candle) &&
        (candle.start != told->start || candle.trades != told->trades ||
         candle.is_closed != told->is_closed))
        publish_candle(server, market, topic, &candle);
}

static void beat(struct msim_exchange_server *server, struct msim_exchange_market *market)
{
    struct msim_exchange_feed *feed = market->feeds[TOPIC_TICKER];
    struct msim_venue_ticker ticker;

    if (feed && msim_venue_ticker(server->venue, market->instrument, &ticker) >= 0 &&
        ticker.changes != feed->seen) {
        feed->seen = ticker.changes;
        publish_state(server, market, TOPIC_TICKER, MSIM_FAULT_MD_TICKER);
    }
    feed = market->feeds[TOPIC_ORDERBOOK];
    if (feed && market->book_changes != feed->seen) {
        feed->seen = market->book_changes;
        publish_state(server, market, TOPIC_ORDERBOOK, MSIM_FAULT_MD_SNAPSHOT);
    }
    for (int interval = 0; interval < MSIM_CANDLE_INTERVALS; interval++)
        if (market->feeds[TOPIC_CANDLES + interval])
            beat_candles(server, market, interval);
}

void msim_exchange_market_tick(struct msim_exchange_server *server)
{
    for (size_t i = 0; i < server->market_count; i++)
        beat(server, &server->markets[i]);
}
