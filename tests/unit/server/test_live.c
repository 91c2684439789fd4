/*
 * Markets that are looked at: what is told of them, and how little where much has come.
 */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "server/dashboard/live.h"

#define SECOND MSIM_NS_PER_S

struct bench {
    struct msim_allocator allocator;
    struct msim_live live;
    struct msim_bytes out;
    char text[65536];
};

static struct msim_feed_number decimal(int64_t mantissa, int exponent)
{
    return (struct msim_feed_number){mantissa, (int8_t)exponent, true};
}

static int setup(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);

    if (!bench)
        return -1;
    bench->allocator = msim_mem_allocator(NULL);
    msim_live_init(&bench->live, 1, &bench->allocator);
    msim_bytes_init(&bench->out, SIZE_MAX / 4, &bench->allocator);
    *state = bench;
    return 0;
}

static int teardown(void **state)
{
    struct bench *bench = *state;

    msim_live_finish(&bench->live);
    msim_bytes_finish(&bench->out);
    free(bench);
    return 0;
}

static void take(struct bench *bench, size_t feed, const struct msim_feed_event *event)
{
    assert_int_equal(
        msim_live_take(&bench->live, feed, feed ? "other:1" : "here:1", event, 7 * SECOND),
        MSIM_OK);
}

static void trade(struct bench *bench, const char *symbol, msim_time time, int64_t price,
                  int64_t sequence)
{
    struct msim_feed_event event = {
        .kind = MSIM_FEED_TRADE,
        .time = time,
        .sequence = sequence,
        .side = MSIM_FEED_BUY,
        .price = decimal(price, -1),
        .size = decimal(2, 0),
    };

    snprintf(event.symbol, sizeof event.symbol, "%s", symbol);
    take(bench, 0, &event);
}

static const char *written(struct bench *bench, struct msim_bytes *bytes)
{
    size_t length = msim_bytes_length(bytes);

    assert_in_range(length, 0, sizeof bench->text - 1);
    memcpy(bench->text, msim_bytes_front(bytes), length);
    bench->text[length] = '\0';
    msim_bytes_take(bytes, length);
    return bench->text;
}

static const char *changes(struct bench *bench)
{
    assert_int_equal(msim_live_write_changes(&bench->live, &bench->out), MSIM_OK);
    return written(bench, &bench->out);
}

static void however_much_comes_one_ticker_is_told(void **state)
{
    struct bench *bench = *state;

    for (int i = 0; i < 1000; i++)
        trade(bench, "A", SECOND, 100 + i, 0);
    const char *text = changes(bench);
    assert_non_null(strstr(text, "{\"tickers\":[{\"symbol\":\"A\",\"feed\":0,\"last\":109.9,"
                                 "\"open\":10,\"high\":109.9,\"low\":10,\"volume\":2000,"
                                 "\"side\":\"BUY\",\"at\":1000}],\"trades\":["));
    assert_non_null(strstr(text, "\"skipped\":800}"));
    assert_false(bench->live.is_changed);
    assert_string_equal(changes(bench), "{\"tickers\":[],\"trades\":[],\"skipped\":0}");
}

static void a_trade_that_was_told_is_not_told_again(void **state)
{
    struct bench *bench = *state;

    trade(bench, "A", SECOND, 100, 5);
    trade(bench, "A", SECOND, 200, 5);
    trade(bench, "A", SECOND, 300, 4);
    trade(bench, "A", SECOND, 400, 6);
    assert_int_equal(bench->live.trades, 2);
    /* Behind a new link the numbers begin anew. */
    msim_live_restart(&bench->live, 0);
    trade(bench, "A", SECOND, 500, 1);
    assert_int_equal(bench->live.trades, 3);
}

static void bars_of_a_second_are_given_when_they_are_over_or_rest(void **state)
{
    struct bench *bench = *state;

    trade(bench, "A\"B", SECOND, 100, 0);
    trade(bench, "A\"B", SECOND + 5, 300, 0);
    trade(bench, "A\"B", SECOND + 9, 50, 0);
    assert_string_equal(written(bench, &bench->live.bars), "");
    trade(bench, "A\"B", 2 * SECOND, 70, 0);
    assert_string_equal(written(bench, &bench->live.bars),
                        "1970-01-01T00:00:01,\"A\"\"B\",10,30,5,5,6,,\n");
    msim_live_close_bars(&bench->live);
    assert_string_equal(written(bench, &bench->live.bars), "");
    msim_live_close_bars(&bench->live);
    assert_string_equal(written(bench, &bench->live.bars),
                        "1970-01-01T00:00:02,\"A\"\"B\",7,7,7,7,2,,\n");
    /* It goes on, and is given once more as a whole; what is older is too late. */
    trade(bench, "A\"B", 2 * SECOND + 1, 90, 0);
    trade(bench, "A\"B", SECOND, 900, 0);
    msim_live_close_bars(&bench->live);
    msim_live_close_bars(&bench->live);
    assert_string_equal(written(bench, &bench->live.bars),
                        "1970-01-01T00:00:02,\"A\"\"B\",7,9,7,9,4,,\n");
    msim_live_close_bars(&bench->live);
    assert_string_equal(written(bench, &bench->live.bars), "");
}

static void prices_are_compared_whatever_their_exponents(void **state)
{
    struct bench *bench = *state;
    struct msim_feed_event event = {.kind = MSIM_FEED_TRADE, .symbol = "A", .time = SECOND};

    event.price = decimal(INT64_MAX, 0);
    take(bench, 0, &event);
    event.price = decimal(INT64_MAX, -18);
    take(bench, 0, &event);
    event.price = decimal(5, 0);
    take(bench, 0, &event);
    const struct msim_live_market *market = msim_live_find(&bench->live, "A");
    assert_non_null(market);
    assert_int_equal(market->high.mantissa, INT64_MAX);
    assert_int_equal(market->high.exponent, 0);
    assert_int_equal(market->low.mantissa, 5);
}

static void the_same_symbol_of_another_feed_has_a_name_of_its_own(void **state)
{
    struct bench *bench = *state;
    struct msim_feed_event event = {
        .kind = MSIM_FEED_TICKER, .symbol = "A", .bid = decimal(1, 0), .ask = decimal(2, 0)};

    take(bench, 0, &event);
    take(bench, 1, &event);
    take(bench, 1, &event);
    assert_int_equal(bench->live.market_count, 2);
    assert_int_equal(msim_live_find(&bench->live, "A")->feed, 0);
    assert_int_equal(msim_live_find(&bench->live, "A@other:1")->feed, 1);
}

static void names_differ_whatever_feeds_call_their_markets(void **state)
{
    struct bench *bench = *state;

    trade(bench, "A", SECOND, 100, 0);
    trade(bench, "A@other:1", SECOND, 100, 0);
    for (size_t feed = 1; feed <= 3; feed++) {
        struct msim_feed_event event = {.kind = MSIM_FEED_TICKER, .symbol = "A"};
        take(bench, feed, &event);
    }
    assert_int_equal(bench->live.market_count, 5);
    assert_int_equal(msim_live_find(&bench->live, "A@other:1")->feed, 0);
    assert_int_equal(msim_live_find(&bench->live, "A@other:1#2")->feed, 1);
    assert_int_equal(msim_live_find(&bench->live, "A@other:1#3")->feed, 2);
    assert_int_equal(msim_live_find(&bench->live, "A@other:1#4")->feed, 3);
}

static void a_sequence_number_that_was_spoiled_does_not_stop_a_market(void **state)
{
    struct bench *bench = *state;

    trade(bench, "A", SECOND, 100, 5);
    trade(bench, "A", SECOND, 100, INT64_MAX);
    for (int i = 1; i < MSIM_LIVE_MOST_OLD; i++)
        trade(bench, "A", SECOND, 100, 5 + i);
    assert_int_equal(bench->live.trades, 2);
    trade(bench, "A", SECOND, 100, 5 + MSIM_LIVE_MOST_OLD);
    trade(bench, "A", SECOND, 100, 5 + MSIM_LIVE_MOST_OLD); /* doubled */
    trade(bench, "A", SECOND, 100, 6 + MSIM_LIVE_MOST_OLD);
    assert_int_equal(bench->live.trades, 4);
}

static void a_time_that_was_spoiled_does_not_stop_a_market_s_bars(void **state)
{
    struct bench *bench = *state;

    trade(bench, "A", 1000000 * SECOND, 100, 0);
    for (int i = 0; i < MSIM_LIVE_MOST_OLD; i++)
        trade(bench, "A", 5 * SECOND, 100 + i, 0);
    trade(bench, "A", 6 * SECOND, 70, 0);
    msim_live_close_bars(&bench->live);
    assert_string_equal(written(bench, &bench->live.bars),
                        "1970-01-12T13:46:40,\"A\",10,10,10,10,2,,\n"
                        "1970-01-01T00:00:05,\"A\",19.9,19.9,19.9,19.9,2,,\n");
}

static void a_quote_is_a_book_where_nobody_tells_one(void **state)
{
    struct bench *bench = *state;
    struct msim_feed_event event = {
        .kind = MSIM_FEED_TICKER, .symbol = "A", .bid = decimal(1, 0), .bid_size = decimal(7, 0)};

    take(bench, 0, &event);
    struct msim_live_market *market = msim_live_find(&bench->live, "A");
    assert_true(market->is_book_changed);
    assert_int_equal(msim_live_write_book(market, &bench->out), MSIM_OK);
    assert_string_equal(written(bench, &bench->out),
                        "{\"symbol\":\"A\",\"is_quote\":true,\"bids\":[[1,7]],\"asks\":[]}");
    event = (struct msim_feed_event){.kind = MSIM_FEED_BOOK, .symbol = "A", .bid_count = 1};
    event.bids[0] = (struct msim_feed_level){decimal(15, -1), decimal(3, 0)};
    take(bench, 0, &event);
    assert_int_equal(msim_live_write_book(market, &bench->out), MSIM_OK);
    assert_string_equal(written(bench, &bench->out),
                        "{\"symbol\":\"A\",\"is_quote\":false,\"bids\":[[1.5,3]],\"asks\":[]}");
}

static void markets_beyond_the_bound_are_counted_alone(void **state)
{
    struct bench *bench = *state;
    char name[16];

    for (int i = 0; i < MSIM_LIVE_MARKETS_MAX + 3; i++) {
        snprintf(name, sizeof name, "S%d", i);
        trade(bench, name, SECOND, 100, 0);
    }
    assert_int_equal(bench->live.market_count, MSIM_LIVE_MARKETS_MAX);
    assert_int_equal(bench->live.left_aside, 3);
    assert_int_equal(bench->live.trades, MSIM_LIVE_MARKETS_MAX);
}

static void a_feed_has_its_share_of_the_markets(void **state)
{
    struct bench *bench = *state;
    struct msim_feed_event event = {.kind = MSIM_FEED_TICKER, .symbol = "A"};
    char name[16];

    msim_live_finish(&bench->live);
    msim_live_init(&bench->live, 2, &bench->allocator);
    for (int i = 0; i < MSIM_LIVE_MARKETS_MAX; i++) {
        snprintf(name, sizeof name, "S%d", i);
        trade(bench, name, SECOND, 100, 0);
    }
    take(bench, 1, &event);
    assert_int_equal(bench->live.left_aside, MSIM_LIVE_MARKETS_MAX / 2);
    assert_int_equal(msim_live_find(&bench->live, "A")->feed, 1);
}

static void bars_that_nobody_takes_are_bounded(void **state)
{
    struct bench *bench = *state;

    for (int i = 1; i < 100000; i++)
        trade(bench, "A", i * SECOND, 100, 0);
    assert_in_range(msim_bytes_length(&bench->live.bars), 1, MSIM_LIVE_BARS_MAX);
    assert_true(bench->live.lost_bars > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(however_much_comes_one_ticker_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(a_trade_that_was_told_is_not_told_again, setup, teardown),
        cmocka_unit_test_setup_teardown(bars_of_a_second_are_given_when_they_are_over_or_rest,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(prices_are_compared_whatever_their_exponents, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_same_symbol_of_another_feed_has_a_name_of_its_own,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(names_differ_whatever_feeds_call_their_markets, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_sequence_number_that_was_spoiled_does_not_stop_a_market,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_time_that_was_spoiled_does_not_stop_a_market_s_bars,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_feed_has_its_share_of_the_markets, setup, teardown),
        cmocka_unit_test_setup_teardown(a_quote_is_a_book_where_nobody_tells_one, setup, teardown),
        cmocka_unit_test_setup_teardown(markets_beyond_the_bound_are_counted_alone, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(bars_that_nobody_takes_are_bounded, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
