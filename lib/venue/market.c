/*
 * What is known of an instrument's market: best prices, tickers, trades, prices.
 */
#include <string.h>

#include "base/mem.h"
#include "venue/inside.h"

void msim_market_init(struct msim_venue *venue, struct market *market,
                      const struct msim_instrument_params *params)
{
    const struct msim_venue_params *bounds = &venue->params;

    memset(market, 0, sizeof *market);
    for (int i = 0; i < MSIM_CANDLE_INTERVALS; i++)
        msim_ring_init(&market->candles[i], sizeof(struct msim_venue_candle), bounds->candles);
    if (bounds->candles <= DAY_MINUTES)
        market->candles[MSIM_CANDLE_1M].limit = DAY_MINUTES + 1;
    msim_ring_init(&market->trades, sizeof(struct msim_venue_trade), bounds->trades);
    msim_ring_init(&market->prices, sizeof(struct msim_venue_price), bounds->prices);
    market->price_exponent = params->price_exponent;
    market->quantity_exponent = params->quantity_exponent;
    market->day_high = INT64_MIN;
    market->day_low = INT64_MAX;
}

void msim_market_finish(struct msim_venue *venue, struct market *market)
{
    for (int i = 0; i < MSIM_CANDLE_INTERVALS; i++)
        msim_ring_finish(&market->candles[i], &venue->allocator);
    msim_liquidity_finish(venue, market);
    msim_mem_free(&venue->allocator, market->past, sizeof *market->past);
    msim_ring_finish(&market->trades, &venue->allocator);
    msim_ring_finish(&market->prices, &venue->allocator);
}

/* The market's time, and its point of price history. */
static int note_change(struct msim_venue *venue, struct market *market, msim_time time)
{
    struct msim_venue_ticker *ticker = &market->ticker;
    struct ring *prices = &market->prices;
    struct msim_venue_price *price =
        prices->count > 0 ? msim_ring_at(prices, prices->count - 1) : NULL;
    const msim_time interval = venue->params.price_interval;

    ticker->time = time;
    ticker->changes++;
    if (!price || msim_time_floor(price->time, interval) != msim_time_floor(time, interval)) {
        void *item;
        int r = msim_ring_add(prices, &item, &venue->allocator);
        if (r < 0)
            return r;
        price = item;
    }
    *price = (struct msim_venue_price){time, ticker->last_price, ticker->bid, ticker->ask};
    return MSIM_OK;
}

static int tell_record(struct msim_venue *venue, const struct msim_record *record, int type)
{
    struct output *output;
    int r;

    if (msim_taps_inside(venue)) {
        struct output made = {
            .time = record->time,
            .account = MSIM_VENUE_PUBLIC,
            .type = (uint16_t)type,
            .kind = MSIM_VENUE_RECORD,
            .as.record = *record,
        };
        return msim_taps_send(venue, &made);
    }
    r = msim_venue_output_add(venue, &output);
    if (r < 0)
        return r;
    output->kind = MSIM_VENUE_RECORD;
    output->type = (uint16_t)type;
    output->time = record->time;
    output->tag = 0;
    output->as.record = *record;
    return MSIM_OK;
}

static int tell_trade(struct msim_venue *venue, uint32_t instrument, const struct sale *sale)
{
    const struct market *market = &venue->markets[instrument];

    if (venue->params.flags & MSIM_VENUE_NO_RECORDS)
        return MSIM_OK;
    const struct msim_record record = (struct msim_record){
        .time = sale->time,
        .sequence = venue->record_count++,
        .symbol = instrument,
        .kind = MSIM_RECORD_TRADE,
        .price_exponent = market->price_exponent,
        .quantity_exponent = market->quantity_exponent,
        .as.trade = {.price = sale->price,
                     .quantity = sale->quantity,
                     .id = sale->trade,
                     .side = sale->side},
    };
    return tell_record(venue, &record, MSIM_FAULT_MD_TRADE);
}

static int tell_quote(struct msim_venue *venue, uint32_t instrument)
{
    const struct market *market = &venue->markets[instrument];
    const struct msim_venue_ticker *ticker = &market->ticker;

    if (venue->params.flags & MSIM_VENUE_NO_RECORDS)
        return MSIM_OK;
    const struct msim_record record = (struct msim_record){
        .time = ticker->time,
        .sequence = venue->record_count++,
        .symbol = instrument,
        .kind = MSIM_RECORD_QUOTE,
        .price_exponent = market->price_exponent,
        .quantity_exponent = market->quantity_exponent,
        .as.quote = {.bid = ticker->bid,
                     .ask = ticker->ask,
                     .bid_quantity = ticker->bid_quantity,
                     .ask_quantity = ticker->ask_quantity,
                     .id = ticker->changes},
    };
    return tell_record(venue, &record, MSIM_FAULT_MD_BBO);
}

int msim_market_trade(struct msim_venue *venue, uint32_t instrument, const struct sale *sale)
{
    struct market *market = &venue->markets[instrument];
    void *item;
    int r = msim_candles_add(venue, market, sale);

    if (r == MSIM_OK)
        r = msim_ring_add(&market->trades, &item, &venue->allocator);
    if (r < 0)
        return r;
    struct msim_venue_trade trade = {
        .time = sale->time,
        .trade = sale->trade,
        .price = sale->price,
        .quantity = sale->quantity,
        .notional = sale->notional,
        .side = sale->side,
    };
    memcpy(item, &trade, sizeof trade);
    market->ticker.last_price = sale->price;
    market->ticker.last_quantity = sale->quantity;
    r = note_change(venue, market, sale->time);
    return r < 0 ? r : tell_trade(venue, instrument, sale);
}

int msim_market_settle(struct msim_venue *venue, uint32_t instrument)
{
    struct market *market = &venue->markets[instrument];
    struct msim_venue_ticker *ticker = &market->ticker;
    struct msim_level_view bid = {0};
    struct msim_level_view ask = {0};

    market->touched = false;
    msim_engine_depth(venue->engine, instrument, MSIM_SIDE_BUY, &bid, 1);
    msim_engine_depth(venue->engine, instrument, MSIM_SIDE_SELL, &ask, 1);
    if (ticker->bid == bid.price && ticker->ask == ask.price &&
        ticker->bid_quantity == bid.quantity && ticker->ask_quantity == ask.quantity)
        return MSIM_OK;
    ticker->bid = bid.price;
    ticker->ask = ask.price;
    ticker->bid_quantity = bid.quantity;
    ticker->ask_quantity = ask.quantity;
    int r = note_change(venue, market, venue->now);
    return r < 0 ? r : tell_quote(venue, instrument);
}

/* ---- questions ---- */

int msim_venue_ticker(const struct msim_venue *venue, uint32_t instrument,
                      struct msim_venue_ticker *out)
{
    if (!venue || !out)
        return MSIM_ERR_INVALID;
    if (instrument >= venue->market_count)
        return MSIM_ERR_NOT_FOUND;
    const struct market *market = &venue->markets[instrument];
    *out = market->ticker;
    msim_candles_day(market, venue->now, out);
    return MSIM_OK;
}

size_t msim_venue_trades(const struct msim_venue *venue, uint32_t instrument, msim_time start,
                         msim_time end, struct msim_venue_trade *out, size_t capacity)
{
    if (!venue || instrument >= venue->market_count || (!out && capacity > 0))
        return 0;
    return msim_ring_copy(&venue->markets[instrument].trades, start, end, out, capacity);
}

size_t msim_venue_prices(const struct msim_venue *venue, uint32_t instrument, msim_time start,
                         msim_time end, struct msim_venue_price *out, size_t capacity)
{
    if (!venue || instrument >= venue->market_count || (!out && capacity > 0))
        return 0;
    return msim_ring_copy(&venue->markets[instrument].prices, start, end, out, capacity);
}
