/*
 * What servers of market data say, in every dialect, as one thing.
 */
#include "check.h"

#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "server/dashboard/feed.h"

struct heard {
    char log[4096];
};

static void number(char *out, size_t size, const char *name, const struct msim_feed_number *number)
{
    char text[MSIM_DECIMAL_SIZE];
    size_t at = strlen(out);

    if (!number->is_known)
        return;
    msim_decimal_print(number->mantissa, number->exponent, text);
    snprintf(out + at, size - at, " %s=%s", name, text);
}

static void note(void *context, const struct msim_feed_event *event)
{
    static const char *const kinds[] = {"trade", "ticker", "book", "subscribed", "status", "error"};
    static const char *const sides[] = {"", " buy", " sell"};
    struct heard *heard = context;
    char *log = heard->log;
    size_t size = sizeof heard->log;

    snprintf(log + strlen(log), size - strlen(log), "%s%s %s%s%s%s", log[0] ? " | " : "",
             kinds[event->kind], event->symbol, event->words[0] ? ":" : "", event->words,
             sides[event->side]);
    number(log, size, "price", &event->price);
    number(log, size, "size", &event->size);
    number(log, size, "bid", &event->bid);
    number(log, size, "ask", &event->ask);
    number(log, size, "volume", &event->volume);
    if (event->sequence > 0)
        snprintf(log + strlen(log), size - strlen(log), " #%d", (int)event->sequence);
    if (event->time > 0)
        snprintf(log + strlen(log), size - strlen(log), " at %lld", (long long)event->time);
    for (size_t i = 0; i < event->bid_count; i++)
        number(log, size, "b", &event->bids[i].price);
    for (size_t i = 0; i < event->ask_count; i++)
        number(log, size, "a", &event->asks[i].price);
}

static void reads(enum msim_feed_dialect dialect, const char *text, const char *expected)
{
    struct heard heard = {""};

    assert_int_equal(msim_feed_read(text, strlen(text), note, &heard), dialect);
    assert_string_equal(heard.log, expected);
}

static void the_exchange_says_trades_tickers_and_books(void **state)
{
    (void)state;
    reads(MSIM_FEED_EXCHANGE,
          "{\"type\":\"TRADE\",\"trade_id\":\"x\",\"symbol\":\"BTC/USD\",\"price\":\"50001.96\","
          "\"quantity\":\"0.13\",\"side\":\"BUY\",\"timestamp\":\"1970-01-01T00:00:01.5Z\","
          "\"sequence\":2}",
          "trade BTC/USD buy price=50001.96 size=0.13 #2 at 1500000000");
    reads(MSIM_FEED_EXCHANGE,
          "{\"type\":\"MARKET_DATA\",\"channel\":\"TICKER\",\"symbol\":\"E\",\"last_price\":\"3\","
          "\"bid\":\"2.5\",\"ask\":3.5,\"volume_24h\":\"7\"}",
          "ticker E price=3 bid=2.5 ask=3.5 volume=7");
    reads(MSIM_FEED_EXCHANGE,
          "{\"channel\":\"ORDERBOOK\",\"type\":\"ORDERBOOK_UPDATE\",\"symbol\":\"E\",\"bids\":["
          "{\"price\":\"2\",\"quantity\":\"1\"},{\"price\":\"1\"},{\"quantity\":\"1\"},7,[[]],"
          "{\"price\":\"1.5\",\"quantity\":\"3\",\"x\":{\"price\":\"9\"}}],"
          "\"asks\":[{\"quantity\":\"4\",\"price\":\"3\"}]}",
          "book E b=2 b=1.5 a=3");
    reads(MSIM_FEED_EXCHANGE, "{\"type\":\"SUBSCRIBED\",\"channel\":\"TICKER\",\"symbol\":\"*\"}",
          "subscribed *:TICKER");
    reads(MSIM_FEED_EXCHANGE, "{\"type\":\"ERROR\",\"message\":\"no such symbol\"}",
          "error :no such symbol");
    reads(MSIM_FEED_EXCHANGE, "{\"type\":\"PONG\"}", "");
    /* Deltas are no book. */
    reads(
        MSIM_FEED_EXCHANGE,
        "{\"type\":\"ORDERBOOK_UPDATE\",\"channel\":\"ORDERBOOK_L2\",\"symbol\":\"E\",\"bids\":[]}",
        "");
}

static void a_replay_says_trades_one_by_one_or_in_bundles(void **state)
{
    (void)state;
    reads(MSIM_FEED_REPLAY, "{\"status\": \"Data loaded. Starting replay.\"}",
          "status :Data loaded. Starting replay.");
    reads(MSIM_FEED_REPLAY,
          "{\"timestamp\": \"1970-01-01 00:00:02\", \"price\": 2.5e1, \"volume\": 4, "
          "\"ticker\": \"ETH@X\"}",
          "trade ETH@X price=25 size=4 at 2000000000");
    reads(MSIM_FEED_REPLAY,
          "{\"timestamp\":1600000000000,\"trades\":[{\"price\":1,\"volume\":2,\"ticker\":\"A\"},"
          "{\"price\":3,\"ticker\":\"B\"},{\"price\":4,\"volume\":1},[1],7]}",
          "trade A price=1 size=2 at 1600000000000000000 | trade B price=3 at 1600000000000000000");
    reads(MSIM_FEED_REPLAY, "{\"error\":\"no such file\"}", "error :no such file");
}

static void the_quotes_feed_says_a_quote_and_a_trade(void **state)
{
    (void)state;
    reads(MSIM_FEED_QUOTES,
          "{\"request_id\":\"b8\",\"results\":{\"P\":127.98,\"S\":7,\"T\":\"AAPL\",\"p\":127.96,"
          "\"s\":1,\"t\":1617827221349730300},\"status\":\"OK\"}",
          "ticker AAPL price=127.98 bid=127.96 at 1617827221349730300 | "
          "trade AAPL price=127.98 bid=127.96 at 1617827221349730300");
}

static void polygon_says_arrays_of_events(void **state)
{
    (void)state;
    reads(MSIM_FEED_POLYGON,
          "[{\"ev\":\"status\",\"status\":\"connected\",\"message\":\"hi\"},"
          "{\"ev\":\"Q\",\"sym\":\"MSFT\",\"bp\":499.96,\"bs\":1,\"ap\":499.99,\"i\":[604]},"
          "{\"ev\":\"XT\",\"pair\":\"BTC-USD\",\"p\":5,\"s\":0.5,\"c\":[0]},"
          "{\"ev\":\"status\",\"status\":\"auth_failed\",\"message\":\"no\"}]",
          "status :hi | ticker MSFT bid=499.96 ask=499.99 | trade BTC-USD price=5 size=0.5 | "
          "error :no");
    reads(MSIM_FEED_POLYGON, "[]", "");
    reads(MSIM_FEED_POLYGON, "[1,[2],\"x\"]", "");
}

static void what_is_no_json_tells_nothing(void **state)
{
    static const char *const bad[] = {
        "",
        "{",
        "hello",
        "[{\"ev\":\"T\",\"sym\":\"A\",\"p\":1}",
        "{\"timestamp\":1,\"price\":1,\"ticker\":\"A\"",
        "\xff",
        "{\"type\":\"TRADE\",\"symbol\":\"A\",\"price\":\"1\"}x",
        "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct heard heard = {""};
        assert_true(msim_feed_read(bad[i], strlen(bad[i]), note, &heard) < 0);
        assert_string_equal(heard.log, "");
    }
}

static void json_of_nobody_tells_nothing(void **state)
{
    (void)state;
    reads(MSIM_FEED_OTHER, "{\"a\":1}", "");
    reads(MSIM_FEED_OTHER, "17", "");
    reads(MSIM_FEED_OTHER, "\"type\"", "");
}

static void values_that_are_none_are_left_out(void **state)
{
    (void)state;
    reads(MSIM_FEED_EXCHANGE, "{\"type\":\"TRADE\",\"symbol\":\"A\",\"price\":\"1e400\"}", "");
    reads(MSIM_FEED_EXCHANGE, "{\"type\":\"TRADE\",\"symbol\":7,\"price\":\"1\"}", "");
    reads(MSIM_FEED_EXCHANGE,
          "{\"type\":\"TRADE\",\"symbol\":\"A\",\"price\":\"1\",\"quantity\":{\"x\":1},"
          "\"side\":null,\"timestamp\":\"never\",\"sequence\":1.5}",
          "trade A price=1");
    /* A name of 65 bytes is no symbol. */
    reads(
        MSIM_FEED_EXCHANGE,
        "{\"type\":\"TRADE\",\"price\":\"1\",\"symbol\":\"1234567890123456789012345678901234567890"
        "1234567890123456789012345\"}",
        "");
    reads(MSIM_FEED_EXCHANGE, "{\"type\":\"TRADE\",\"price\":\"1\",\"symbol\":\"a\\u0000b\"}", "");
}

static void no_more_levels_than_there_is_room_for(void **state)
{
    char text[8192] = "{\"type\":\"ORDERBOOK_UPDATE\",\"channel\":\"ORDERBOOK\",\"symbol\":\"A\","
                      "\"bids\":[";
    struct heard heard = {""};

    (void)state;
    for (int i = 0; i < 100; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text),
                 "%s{\"price\":\"%d\",\"quantity\":\"1\"}", i > 0 ? "," : "", 200 - i);
    strcat(text, "]}");
    assert_int_equal(msim_feed_read(text, strlen(text), note, &heard), MSIM_FEED_EXCHANGE);
    assert_non_null(strstr(heard.log, "b=176"));
    assert_null(strstr(heard.log, "b=175"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_exchange_says_trades_tickers_and_books),
        cmocka_unit_test(a_replay_says_trades_one_by_one_or_in_bundles),
        cmocka_unit_test(the_quotes_feed_says_a_quote_and_a_trade),
        cmocka_unit_test(polygon_says_arrays_of_events),
        cmocka_unit_test(what_is_no_json_tells_nothing),
        cmocka_unit_test(json_of_nobody_tells_nothing),
        cmocka_unit_test(values_that_are_none_are_left_out),
        cmocka_unit_test(no_more_levels_than_there_is_room_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
