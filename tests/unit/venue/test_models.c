/*
 * The venue against models that are too plain to be wrong: fills against history, and what is
 * known of a market.
 */
#include "unit/venue/bench.h"

#define RECORDS 400

static uint64_t roll(uint64_t *random, uint64_t below)
{
    *random = *random * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (*random >> 33) % below;
}

static const char *const symbols[] = {"BTC/USD"};

static void give_history(struct bench *bench, const struct msim_record *records, size_t count,
                         uint8_t fills)
{
    struct msim_source_array_params array = MSIM_SOURCE_ARRAY_PARAMS_INIT;
    struct msim_venue_history params = MSIM_VENUE_HISTORY_INIT;
    struct msim_source source = {0};

    array.records = records;
    array.count = count;
    array.symbols = symbols;
    array.symbol_count = 1;
    params.fills = fills;
    assert_int_equal(msim_source_array(&source, &array, NULL), 0);
    assert_int_equal(msim_venue_history_set(bench->venue, &source, &params, NULL), 0);
}

static struct msim_record record_of(uint8_t kind, size_t i)
{
    return (struct msim_record){
        .time = (msim_time)(i + 1) * SECOND,
        .sequence = i,
        .kind = kind,
        .price_exponent = -2,
        .quantity_exponent = -3,
    };
}

/* ---- one resting buy against history ---- */

static void make_history(struct msim_record *records, uint64_t *random)
{
    msim_price bid = 10000;

    for (size_t i = 0; i < RECORDS; i++) {
        if (i == 0 || roll(random, 2)) {
            bid += (msim_price)roll(random, 5) - 2;
            records[i] = record_of(MSIM_RECORD_QUOTE, i);
            records[i].as.quote.bid = bid;
            records[i].as.quote.ask = bid + 1 + (msim_price)roll(random, 4);
            records[i].as.quote.bid_quantity = 1 + (msim_qty)roll(random, 30);
            records[i].as.quote.ask_quantity = 1 + (msim_qty)roll(random, 30);
        } else {
            records[i] = record_of(MSIM_RECORD_TRADE, i);
            records[i].as.trade.price = bid + (msim_price)roll(random, 3) - 1;
            records[i].as.trade.quantity = 1 + (msim_qty)roll(random, 20);
            records[i].as.trade.side = (uint8_t)roll(random, 3);
        }
    }
}

struct naive {
    msim_price price;
    msim_qty leaves;
    msim_qty ahead;
    msim_price bid;
};

static msim_qty least(msim_qty a, msim_qty b)
{
    return a < b ? a : b;
}

static msim_qty naive_trade(struct naive *naive, uint8_t fills, const struct msim_trade_data *trade)
{
    msim_qty quantity = trade->quantity;

    if (trade->price < naive->price)
        return naive->leaves;
    if (trade->price > naive->price || trade->side == MSIM_SIDE_BUY ||
        fills == MSIM_VENUE_FILL_THROUGH)
        return 0;
    if (fills == MSIM_VENUE_FILL_QUEUE) {
        const msim_qty before = least(naive->ahead, quantity);
        naive->ahead -= before;
        quantity -= before;
    }
    return least(naive->leaves, quantity);
}

static msim_qty naive_quote(struct naive *naive, uint8_t fills, const struct msim_quote_data *quote)
{
    if (quote->bid != naive->price)
        naive->ahead = 0;
    else if (naive->bid == naive->price)
        naive->ahead = least(naive->ahead, quote->bid_quantity);
    naive->bid = quote->bid;
    if (quote->ask > naive->price)
        return 0;
    if (quote->ask < naive->price)
        return naive->leaves;
    return fills == MSIM_VENUE_FILL_THROUGH ? 0 : least(naive->leaves, quote->ask_quantity);
}

/* What alice's order was filled with at the record's moment. */
static msim_qty filled_at(struct bench *bench, msim_time time)
{
    struct msim_venue_output out;
    msim_qty sum = 0;

    while (msim_venue_pull(bench->venue, time, &out, NULL) == MSIM_PULL_RECORD)
        if (out.kind == MSIM_VENUE_EVENT && out.event->kind == MSIM_EVENT_FILL &&
            out.account == bench->alice) {
            sum += out.event->as.fill.quantity;
            assert_int_equal(out.event->flags & MSIM_EVENT_MAKER, MSIM_EVENT_MAKER);
        }
    return sum;
}

static void one_run(uint8_t fills, uint64_t seed)
{
    struct msim_record records[RECORDS];
    struct bench bench;
    uint64_t random = seed;

    make_history(records, &random);
    bench_open(&bench, NULL);
    give_history(&bench, records, RECORDS, fills);
    filled_at(&bench, records[0].time);
    const struct msim_quote_data *quote = &records[0].as.quote;
    struct naive naive = {
        .price = quote->ask - 1 - (msim_price)roll(&random, 4),
        .leaves = 1 + (msim_qty)roll(&random, 60),
        .bid = quote->bid,
    };
    naive.ahead = naive.price == quote->bid ? quote->bid_quantity : 0;
    bench_place(&bench, bench.alice, MSIM_SIDE_BUY, naive.price, naive.leaves, records[0].time);
    for (size_t i = 1; i < RECORDS && naive.leaves > 0; i++) {
        const msim_qty wanted = records[i].kind == MSIM_RECORD_TRADE
                                    ? naive_trade(&naive, fills, &records[i].as.trade)
                                    : naive_quote(&naive, fills, &records[i].as.quote);
        naive.leaves -= wanted;
        const msim_qty found = filled_at(&bench, records[i].time);
        if (found != wanted)
            fail_msg("way %d, seed %d, record %d: %d filled, not %d", fills, (int)seed, (int)i,
                     (int)found, (int)wanted);
    }
    bench_close(&bench);
}

static void fills_against_history_are_the_naive_ones(void **state)
{
    (void)state;
    for (uint8_t fills = 0; fills <= MSIM_VENUE_FILL_QUEUE; fills++)
        for (uint64_t seed = 1; seed <= 150; seed++)
            one_run(fills, seed);
}

/* ---- candles and tickers ---- */

static msim_time floor_of(msim_time time, msim_time length)
{
    return time / length * length;
}

static void compare_day(struct bench *bench, const struct msim_record *records, size_t count)
{
    const msim_time minute = 60 * SECOND;
    const msim_time now = records[count - 1].time;
    const msim_time oldest = floor_of(now, minute) - 1439 * minute;
    struct msim_venue_ticker ticker;
    msim_qty volume = 0;
    uint64_t trades = 0;
    msim_price high = 0;
    msim_price low = INT64_MAX;
    msim_price open = 0;

    for (size_t i = 0; i < count; i++) {
        const struct msim_trade_data *trade = &records[i].as.trade;
        if (floor_of(records[i].time, minute) < oldest)
            continue;
        open = open ? open : trade->price;
        high = trade->price > high ? trade->price : high;
        low = trade->price < low ? trade->price : low;
        volume += trade->quantity;
        trades++;
    }
    assert_int_equal(msim_venue_ticker(bench->venue, bench->instrument, &ticker), 0);
    assert_int_equal(ticker.last_price, records[count - 1].as.trade.price);
    assert_int_equal(ticker.volume, volume);
    assert_int_equal(ticker.trade_count, trades);
    assert_int_equal(ticker.open, open);
    assert_int_equal(ticker.high, high);
    assert_int_equal(ticker.low, low);
}

static void compare_candles(struct bench *bench, const struct msim_record *records, size_t count,
                            int interval)
{
    const msim_time length = msim_venue_interval_length(interval);
    static struct msim_venue_candle candles[RECORDS];
    const size_t found = msim_venue_candles(bench->venue, bench->instrument, interval, INT64_MIN,
                                            INT64_MAX, candles, RECORDS);
    size_t at = 0;

    for (size_t i = 0; i < count; at++) {
        const msim_time start = floor_of(records[i].time, length);
        struct msim_venue_candle naive = {
            .start = start, .open = records[i].as.trade.price, .low = INT64_MAX};
        for (; i < count && floor_of(records[i].time, length) == start; i++) {
            const struct msim_trade_data *trade = &records[i].as.trade;
            naive.high = trade->price > naive.high ? trade->price : naive.high;
            naive.low = trade->price < naive.low ? trade->price : naive.low;
            naive.close = trade->price;
            naive.volume += trade->quantity;
            naive.turnover += trade->price * trade->quantity; /* -2 and -3 are the dollar's -5 */
            naive.trade_count++;
        }
        assert_true(at < found);
        assert_memory_equal(&candles[at], &naive, sizeof naive);
    }
    assert_int_equal(at, found);
}

static void candles_and_days_are_the_naive_ones(void **state)
{
    struct msim_record records[RECORDS];
    (void)state;

    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct bench bench;
        uint64_t random = seed;
        msim_time time = 1600000000 * SECOND;
        for (size_t i = 0; i < RECORDS; i++) {
            records[i] = record_of(MSIM_RECORD_TRADE, i);
            time += (msim_time)roll(&random, roll(&random, 20) ? 90 : 90000) * SECOND;
            records[i].time = time;
            records[i].as.trade.price = 10000 + (msim_price)roll(&random, 1000);
            records[i].as.trade.quantity = 1 + (msim_qty)roll(&random, 1000);
            records[i].as.trade.side = MSIM_SIDE_BUY;
        }
        bench_open(&bench, NULL);
        give_history(&bench, records, RECORDS, MSIM_VENUE_FILL_TOUCH);
        for (size_t i = 0; i < RECORDS; i++) {
            filled_at(&bench, records[i].time);
            if (i + 1 == RECORDS || records[i + 1].time > records[i].time)
                compare_day(&bench, records, i + 1);
        }
        for (int interval = 0; interval < MSIM_CANDLE_INTERVALS; interval++)
            compare_candles(&bench, records, RECORDS, interval);
        bench_close(&bench);
    }
}

static void a_day_goes_by_without_trades_too(void **state)
{
    struct bench bench;
    struct msim_venue_ticker ticker;
    (void)state;

    bench_open(&bench, NULL);
    bench_place(&bench, bench.alice, MSIM_SIDE_BUY, 10000, 5, SECOND);
    bench_place(&bench, bench.bob, MSIM_SIDE_SELL, 10000, 2, SECOND);
    bench_place(&bench, bench.bob, MSIM_SIDE_SELL, 9000, 1, 3600 * SECOND);
    bench_place(&bench, bench.alice, MSIM_SIDE_BUY, 1, 1, 86400 * SECOND);
    msim_venue_ticker(bench.venue, bench.instrument, &ticker);
    assert_int_equal(ticker.volume, 1);
    bench_place(&bench, bench.alice, MSIM_SIDE_BUY, 1, 1, 2 * 86400 * SECOND);
    msim_venue_ticker(bench.venue, bench.instrument, &ticker);
    assert_int_equal(ticker.volume, 0);
    assert_int_equal(ticker.high, 0);
    assert_int_equal(ticker.open, 0);
    assert_int_equal(ticker.last_price, 10000);
    bench_close(&bench);
}

static void what_is_asked_for_is_bounded_and_the_newest(void **state)
{
    struct msim_venue_params params = MSIM_VENUE_PARAMS_INIT;
    struct msim_venue_trade trades[8];
    struct msim_venue_price prices[8];
    struct msim_venue_candle candles[8];
    struct bench bench;
    (void)state;

    params.trades = 5;
    params.prices = 5;
    params.candles = 5;
    bench_open(&bench, &params);
    bench_place(&bench, bench.alice, MSIM_SIDE_BUY, 10000, 100, SECOND);
    for (int i = 1; i <= 20; i++)
        bench_place(&bench, bench.bob, MSIM_SIDE_SELL, 10000, 1, i * SECOND);
    assert_int_equal(msim_venue_trades(bench.venue, 0, INT64_MIN, INT64_MAX, trades, 8), 5);
    assert_int_equal(trades[0].time, 16 * SECOND);
    assert_int_equal(trades[4].time, 20 * SECOND);
    assert_int_equal(msim_venue_trades(bench.venue, 0, 17 * SECOND, 20 * SECOND, trades, 2), 2);
    assert_int_equal(trades[1].time, 19 * SECOND);
    assert_int_equal(msim_venue_trades(bench.venue, 0, 30 * SECOND, INT64_MAX, trades, 8), 0);
    assert_int_equal(msim_venue_prices(bench.venue, 0, INT64_MIN, INT64_MAX, prices, 8), 5);
    assert_int_equal(prices[4].last, 10000);
    assert_int_equal(
        msim_venue_candles(bench.venue, 0, MSIM_CANDLE_1S, INT64_MIN, INT64_MAX, candles, 8), 5);
    assert_int_equal(candles[0].start, 16 * SECOND);
    assert_int_equal(msim_venue_candles(bench.venue, 0, 9, 0, INT64_MAX, candles, 8), 0);
    assert_int_equal(msim_venue_interval_find("15m", 3), MSIM_CANDLE_15M);
    assert_int_equal(msim_venue_interval_find("2m", 2), MSIM_ERR_NOT_FOUND);
    assert_string_equal(msim_venue_interval_name(MSIM_CANDLE_1D), "1d");
    bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_against_history_are_the_naive_ones),
        cmocka_unit_test(candles_and_days_are_the_naive_ones),
        cmocka_unit_test(a_day_goes_by_without_trades_too),
        cmocka_unit_test(what_is_asked_for_is_bounded_and_the_newest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
