/*
 * The house and its crowd.
 */
#include "unit/venue/bench.h"

static int set_up(void **state)
{
    static struct bench bench;

    bench_open(&bench, NULL);
    *state = &bench;
    return 0;
}

static int tear_down(void **state)
{
    bench_close(*state);
    return 0;
}

static struct msim_venue_liquidity usual(void)
{
    struct msim_venue_liquidity params = MSIM_VENUE_LIQUIDITY_INIT;

    params.price = 1000000;
    params.levels = 3;
    params.quantity = 1000;
    return params;
}

static void turn_on(struct bench *bench, const struct msim_venue_liquidity *params)
{
    struct msim_detail detail = {{0}};
    int r = msim_venue_liquidity_set(bench->venue, bench->instrument, params, &detail);

    if (r < 0)
        fail_msg("%s", detail.text);
}

static struct msim_instrument_view look(struct bench *bench)
{
    struct msim_instrument_view view;

    assert_int_equal(
        msim_engine_instrument(msim_venue_engine(bench->venue), bench->instrument, &view), 0);
    return view;
}

static void run(struct bench *bench, msim_time until)
{
    struct msim_venue_output out;
    struct msim_detail detail = {{0}};
    int r;

    while ((r = msim_venue_pull(bench->venue, until, &out, &detail)) == MSIM_PULL_RECORD)
        assert_in_range(out.time, 0, until);
    if (r < 0)
        fail_msg("%s", detail.text);
    assert_int_equal(msim_engine_audit(msim_venue_engine(bench->venue), &detail), 0);
}

static void a_lone_robot_finds_a_book_to_trade_against(void **state)
{
    struct bench *bench = *state;
    const struct msim_venue_liquidity params = usual();
    struct msim_level_view levels[8];

    turn_on(bench, &params);
    run(bench, SECOND);
    assert_int_equal(msim_engine_depth(msim_venue_engine(bench->venue), bench->instrument,
                                       MSIM_SIDE_BUY, levels, 8),
                     3);
    assert_int_equal(msim_engine_depth(msim_venue_engine(bench->venue), bench->instrument,
                                       MSIM_SIDE_SELL, levels, 8),
                     3);
    const struct msim_instrument_view view = look(bench);
    assert_in_range(view.best_ask - view.best_bid, 1, 1000);
    assert_in_range(view.best_bid, 900000, 1100000);
    bench_place(bench, bench->alice, MSIM_SIDE_BUY, view.best_ask, 10, SECOND);
    bench_told(bench, SECOND);
    assert_non_null(strstr(bench->told, "alice FILL 10@"));
}

static void the_crowd_makes_trades(void **state)
{
    struct bench *bench = *state;
    struct msim_venue_liquidity params = usual();
    struct msim_venue_ticker ticker;

    turn_on(bench, &params);
    run(bench, 60 * SECOND);
    msim_venue_ticker(bench->venue, bench->instrument, &ticker);
    assert_in_range(ticker.trade_count, 200, 400); /* half of 600 refreshes */
    params.no_crowd = true;
    turn_on(bench, &params);
    run(bench, 120 * SECOND);
    const uint64_t before = ticker.trade_count;
    msim_venue_ticker(bench->venue, bench->instrument, &ticker);
    assert_int_equal(ticker.trade_count, before);
}

static void the_house_never_trades_with_itself(void **state)
{
    struct bench *bench = *state;
    struct msim_venue_liquidity params = usual();
    struct msim_venue_output out;
    struct msim_venue_statistics statistics;

    params.levels = 20;
    params.spread = 1;
    msim_mock_model_init(&params.model, MSIM_MOCK_GBM);
    params.model.sigma = 30;
    turn_on(bench, &params);
    while (msim_venue_pull(bench->venue, 60 * SECOND, &out, NULL) == MSIM_PULL_RECORD)
        if (out.kind == MSIM_VENUE_EVENT && out.event->kind == MSIM_EVENT_TRADE)
            assert_int_not_equal(out.event->as.trade.maker_account,
                                 out.event->as.trade.taker_account);
    msim_venue_statistics(bench->venue, &statistics);
    assert_int_equal(statistics.house_refused, 0);
    assert_true(statistics.house_commands > 10000);
}

static void the_house_takes_what_its_price_passes(void **state)
{
    struct bench *bench = *state;
    struct msim_venue_liquidity params = usual();

    params.no_crowd = true;
    turn_on(bench, &params);
    run(bench, SECOND);
    bench_place(bench, bench->alice, MSIM_SIDE_BUY, 900000, 10, SECOND);
    assert_string_equal(bench_told(bench, 2 * SECOND), "alice ACCEPTED");
    assert_int_equal(
        msim_venue_set_price(bench->venue, 2 * SECOND, bench->instrument, 800000, NULL), 0);
    assert_string_equal(bench_told(bench, 2 * SECOND), "alice FILL 10@900000");
    const struct msim_instrument_view view = look(bench);
    assert_in_range(view.best_bid, 799000, 800000);
    run(bench, 10 * SECOND);
    assert_in_range(look(bench).best_bid, 790000, 810000);
}

static void turned_off_it_takes_its_quotes_away(void **state)
{
    struct bench *bench = *state;
    struct msim_venue_liquidity params = usual();

    turn_on(bench, &params);
    run(bench, SECOND);
    params.off = true;
    turn_on(bench, &params);
    assert_int_equal(look(bench).order_count, 0);
    run(bench, 5 * SECOND);
    assert_int_equal(look(bench).order_count, 0);
    assert_int_equal(
        msim_venue_set_price(bench->venue, 5 * SECOND, bench->instrument, 800000, NULL),
        MSIM_ERR_STATE);
    params.off = false;
    turn_on(bench, &params);
    run(bench, 6 * SECOND);
    assert_int_equal(look(bench).order_count, 6);
}

static void fewer_levels_leave_none_behind(void **state)
{
    struct bench *bench = *state;
    struct msim_venue_liquidity params = usual();

    params.levels = 9;
    turn_on(bench, &params);
    run(bench, SECOND);
    assert_int_equal(look(bench).order_count, 18);
    params.levels = 2;
    turn_on(bench, &params);
    run(bench, 2 * SECOND);
    assert_int_equal(look(bench).order_count, 4);
}

static void a_halt_stops_the_house_too(void **state)
{
    struct bench *bench = *state;
    const struct msim_venue_liquidity params = usual();
    struct msim_venue_statistics statistics;

    turn_on(bench, &params);
    run(bench, SECOND);
    assert_int_equal(
        msim_venue_set_state(bench->venue, SECOND, bench->instrument, MSIM_STATE_HALTED), 0);
    const msim_price before = look(bench).best_bid;
    run(bench, 20 * SECOND);
    assert_int_equal(look(bench).best_bid, before);
    msim_venue_set_state(bench->venue, 20 * SECOND, bench->instrument, MSIM_STATE_TRADING);
    run(bench, 21 * SECOND);
    assert_int_not_equal(look(bench).best_bid, before);
    msim_venue_statistics(bench->venue, &statistics);
    assert_int_equal(statistics.house_refused, 0);
}

static msim_price rising(void *context, uint32_t instrument, msim_time time)
{
    (void)context;
    (void)instrument;
    return 1000000 + 1000 * (msim_price)(time / SECOND);
}

static void a_callback_may_be_the_model(void **state)
{
    struct bench *bench = *state;
    struct msim_venue_liquidity params = usual();

    params.callback = rising;
    params.refresh = SECOND;
    turn_on(bench, &params);
    run(bench, 10 * SECOND);
    assert_in_range(look(bench).best_bid, 1009000, 1010000);
    assert_in_range(look(bench).best_ask, 1010000, 1011000);
}

static void a_price_without_a_fraction_has_a_model_too(void **state)
{
    struct bench *bench = *state;
    struct msim_instrument_params params = MSIM_INSTRUMENT_PARAMS_INIT;
    struct msim_venue_liquidity liquidity = usual();
    struct msim_venue_ticker ticker;
    uint32_t id;

    params.symbol = "WHOLE";
    params.base_asset = bench->btc;
    params.quote_asset = bench->usd;
    params.tick = 5;
    assert_int_equal(msim_venue_instrument_add(bench->venue, &params, &id, NULL), 0);
    liquidity.price = 50000;
    assert_int_equal(msim_venue_liquidity_set(bench->venue, id, &liquidity, NULL), 0);
    run(bench, SECOND);
    msim_venue_ticker(bench->venue, id, &ticker);
    assert_in_range(ticker.bid, 49000, 51000);
    assert_int_equal(ticker.bid % 5, 0);
}

static void bad_parameters_are_refused_in_words(void **state)
{
    struct bench *bench = *state;
    struct msim_venue_liquidity params = usual();
    struct msim_detail detail;

    params.levels = 51;
    assert_int_equal(msim_venue_liquidity_set(bench->venue, 0, &params, &detail), MSIM_ERR_LIMIT);
    assert_string_equal(detail.text, "levels are at most 50");
    params = usual();
    assert_int_equal(msim_venue_liquidity_set(bench->venue, 7, &params, &detail),
                     MSIM_ERR_NOT_FOUND);
    params.refresh = -1;
    assert_int_equal(msim_venue_liquidity_set(bench->venue, 0, &params, &detail), MSIM_ERR_INVALID);
    assert_int_equal(msim_venue_set_price(bench->venue, 0, 0, 5, &detail), MSIM_ERR_STATE);
}

static void robots_cannot_be_the_house(void **state)
{
    struct bench *bench = *state;
    struct msim_venue_order order = bench_order(MSIM_VENUE_HOUSE, MSIM_SIDE_BUY, 100, 1, 0);

    assert_int_equal(msim_venue_submit(bench->venue, &order), MSIM_ERR_INVALID);
    order.command.account = bench->alice;
    order.command.owner = 0xffff0000;
    assert_int_equal(msim_venue_submit(bench->venue, &order), MSIM_ERR_INVALID);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_lone_robot_finds_a_book_to_trade_against),
        TEST(the_crowd_makes_trades),
        TEST(the_house_never_trades_with_itself),
        TEST(the_house_takes_what_its_price_passes),
        TEST(turned_off_it_takes_its_quotes_away),
        TEST(fewer_levels_leave_none_behind),
        TEST(a_halt_stops_the_house_too),
        TEST(a_callback_may_be_the_model),
        TEST(a_price_without_a_fraction_has_a_model_too),
        TEST(bad_parameters_are_refused_in_words),
        TEST(robots_cannot_be_the_house),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
