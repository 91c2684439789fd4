#include "check.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "server/exchange/config.h"

struct bench {
    struct msim_exchange_config *config;
    struct msim_exchange_settings settings;
    struct msim_detail detail;
    struct msim_allocator usual;
};

static struct bench *bench_open(struct bench *bench)
{
    memset(bench, 0, sizeof *bench);
    bench->usual = msim_mem_allocator(NULL);
    assert_int_equal(msim_exchange_config_create(&bench->config, NULL), MSIM_OK);
    return bench;
}

static void bench_close(struct bench *bench)
{
    msim_exchange_config_destroy(&bench->config);
}

static void set(struct bench *bench, const char *assignment)
{
    if (msim_exchange_config_set(bench->config, assignment, &bench->detail) < 0)
        fail_msg("%s: %s", assignment, bench->detail.text);
}

static int read_all(struct bench *bench)
{
    return msim_exchange_settings_read(&bench->settings, bench->config, &bench->usual,
                                       &bench->detail);
}

static void says(const struct bench *bench, const char *words)
{
    if (!strstr(bench->detail.text, words))
        fail_msg("\"%s\" does not say \"%s\"", bench->detail.text, words);
}

static void nothing_said_means_two_symbols_and_a_hundred_thousand_dollars(void **state)
{
    struct bench bench;

    (void)state;
    bench_open(&bench);
    assert_int_equal(read_all(&bench), MSIM_OK);
    assert_int_equal(bench.settings.port, 8765);
    assert_string_equal(bench.settings.host, "localhost");
    assert_int_equal(bench.settings.listing_count, 2);
    assert_string_equal(bench.settings.listings[0].base, "BTC");
    assert_string_equal(bench.settings.listings[0].quote, "USD");
    assert_int_equal(bench.settings.listings[0].price, 5000000);
    assert_int_equal(bench.settings.listings[0].price_exponent, -2);
    assert_int_equal(bench.settings.listings[0].quantity_exponent, -6);
    assert_int_equal(bench.settings.holding_count, 2);
    assert_true(bench.settings.liquidity);
    msim_exchange_settings_finish(&bench.settings, &bench.usual);
    bench_close(&bench);
}

static void a_later_word_takes_the_place_of_an_earlier_one_of_the_same_key(void **state)
{
    static const char text[] = "{\"server\":{\"port\":1,\"host\":\"a\"},"
                               "\"exchange\":{\"tick_interval\":0.025}}";
    struct bench bench;

    (void)state;
    bench_open(&bench);
    assert_int_equal(msim_exchange_config_read(bench.config, text, strlen(text), NULL), MSIM_OK);
    set(&bench, "server.port=2");
    set(&bench, "exchange.tick_interval=250ms");
    set(&bench, "server={\"port\":3}");
    assert_int_equal(read_all(&bench), MSIM_OK);
    assert_int_equal(bench.settings.port, 3);
    assert_string_equal(bench.settings.host, "a");
    assert_int_equal(bench.settings.tick_interval, 250 * MSIM_NS_PER_MS);
    msim_exchange_settings_finish(&bench.settings, &bench.usual);
    bench_close(&bench);
}

static void unknown_keys_are_answered_with_the_nearest_and_nothing_is_taken(void **state)
{
    static const struct {
        const char *assignment;
        const char *words;
    } cases[] = {
        {"server.prot=1", "server.port"},
        {"sever.port=1", "server.port"},
        {"exchange.default_balances.USD=1", "exchange.default_balance"},
        {"exchange.pricing_model.volatilty=1", "exchange.pricing_model.volatility"},
        {"exchange.instruments.BTC/USD.tick=1", "tick_size"},
        {"server=1", "is an object"},
        {"prot=1", "server.port"},
        {"nothing={}", "no known one is near"},
        {"server.port", "key=value"},
        {"=1", "key=value"},
    };
    struct bench bench;

    (void)state;
    bench_open(&bench);
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(msim_exchange_config_set(bench.config, cases[i].assignment, &bench.detail),
                         MSIM_ERR_INVALID);
        says(&bench, cases[i].words);
        assert_int_equal(bench.config->count, 0);
    }
    bench_close(&bench);
}

static void a_value_that_cannot_be_is_refused_with_its_key(void **state)
{
    static const struct {
        const char *assignment;
        const char *words;
    } cases[] = {
        {"server.port=70000", "server.port is 70000"},
        {"server.port=\"x\"", "server.port"},
        {"server.heartbeat_interval=0", "heartbeat_interval"},
        {"server.cancel_on_disconnect=1", "true or false"},
        {"server.api_keys=[{\"key\":\"a b\"}]", "white space"},
        {"exchange.symbols=[]", "1 to 4096"},
        {"exchange.symbols=\"BTC/USD\"", "such as [\"BTC/USD\"]"},
        {"exchange.symbols=[\"BTC/USD\",\"BTC/USD\"]", "twice"},
        {"exchange.symbols=[\"BTC\"]", "BTC/USD"},
        {"exchange.symbols=[\"X/X\"]", "one asset"},
        {"exchange.initial_prices.XYZ/USD=1", "not among exchange.symbols"},
        {"exchange.initial_prices.BTC/USD=-1", "above 0"},
        {"exchange.initial_prices.BTC/USD=1.000000001", "tick grid"},
        {"exchange.pricing_model.model_type=gmb", "gbm"},
        {"exchange.instruments.BTC/USD.maker_fee=2", "from 0 to 1"},
        {"exchange.instruments.BTC/USD.lot_size=0", "above 0"},
        {"exchange.liquidity.levels=99", "from 1 to 50"},
        {"exchange.seed=-1", "exchange.seed"},
    };
    struct bench bench;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        bench_open(&bench);
        set(&bench, cases[i].assignment);
        assert_int_equal(read_all(&bench), MSIM_ERR_INVALID);
        says(&bench, cases[i].words);
        bench_close(&bench);
    }
}

static void an_instruments_grid_is_what_its_steps_say(void **state)
{
    struct bench bench;

    (void)state;
    bench_open(&bench);
    set(&bench, "exchange.symbols=[\"A/B\",\"CUSDT\"]");
    set(&bench, "exchange.initial_prices.A/B=1.05");
    set(&bench, "exchange.instruments.A/B={\"tick_size\":\"0.05\",\"lot_size\":10}");
    set(&bench, "exchange.initial_prices.CUSDT=0.5");
    assert_int_equal(read_all(&bench), MSIM_OK);
    assert_int_equal(bench.settings.listings[0].tick, 5);
    assert_int_equal(bench.settings.listings[0].price, 105);
    assert_int_equal(bench.settings.listings[0].lot, 10);
    assert_int_equal(bench.settings.listings[0].quantity_exponent, 0);
    assert_string_equal(bench.settings.listings[1].quote, "USDT");
    assert_int_equal(bench.settings.listings[1].price_exponent, -6);
    assert_int_equal(bench.settings.listings[1].quantity_exponent, -2);
    msim_exchange_settings_finish(&bench.settings, &bench.usual);
    bench_close(&bench);
}

static void the_failures_become_one_object_again(void **state)
{
    struct bench bench;

    (void)state;
    bench_open(&bench);
    set(&bench, "failures.modes.drop_messages.probability=0.5");
    set(&bench, "failures.enabled=true");
    set(&bench, "failures.modes.delay_messages={\"min_ms\":1,\"max_ms\":2}");
    set(&bench, "failures.modes.drop_messages.probability=0.25");
    assert_int_equal(read_all(&bench), MSIM_OK);
    size_t length = msim_bytes_length(&bench.settings.failures);
    static const char wanted[] = "{\"enabled\":true,\"modes\":{\"delay_messages\":{\"max_ms\":2,"
                                 "\"min_ms\":1},\"drop_messages\":{\"probability\":0.25}}}";
    assert_int_equal(length, strlen(wanted));
    assert_memory_equal(msim_bytes_front(&bench.settings.failures), wanted, length);
    msim_exchange_settings_finish(&bench.settings, &bench.usual);
    bench_close(&bench);
}

static void has_holdings(struct bench *bench, const char *wanted)
{
    char have[256] = "";

    if (read_all(bench) < 0)
        fail_msg("%s", bench->detail.text);
    for (size_t i = 0; i < bench->settings.holding_count; i++)
        snprintf(have + strlen(have), sizeof have - strlen(have), "%s %s ",
                 bench->settings.holdings[i].asset, bench->settings.holdings[i].amount);
    assert_string_equal(have, wanted);
    msim_exchange_settings_finish(&bench->settings, &bench->usual);
}

static void one_assets_balance_leaves_the_others_and_a_whole_object_takes_their_place(void **state)
{
    static const char file[] = "{\"exchange\":{\"default_balance\":{\"EUR\":\"7\"}}}";
    struct bench bench;

    (void)state;
    bench_open(&bench);
    set(&bench, "exchange.default_balance.ETH=5");
    has_holdings(&bench, "USD 100000 BTC 10 ETH 5 ");
    set(&bench, "exchange.default_balance.BTC=1");
    has_holdings(&bench, "USD 100000 BTC 1 ETH 5 ");
    set(&bench, "exchange.default_balance={\"SOL\":\"3\",\"USD\":2}");
    has_holdings(&bench, "SOL 3 USD 2 ");
    set(&bench, "exchange.default_balance.ETH=4");
    has_holdings(&bench, "SOL 3 USD 2 ETH 4 ");
    assert_int_equal(msim_exchange_config_read(bench.config, file, strlen(file), NULL), MSIM_OK);
    has_holdings(&bench, "EUR 7 ");
    set(&bench, "exchange.default_balance={}");
    has_holdings(&bench, "");
    assert_int_equal(
        msim_exchange_config_set(bench.config, "exchange.default_balance=5", &bench.detail),
        MSIM_ERR_INVALID);
    says(&bench, "exchange.default_balance is an object");
    bench_close(&bench);
}

static void two_symbols_of_one_ticker_are_refused_by_name(void **state)
{
    struct bench bench;

    (void)state;
    bench_open(&bench);
    set(&bench, "exchange.symbols=[\"A/USD\",\"B/USD\",\"C/USD\"]");
    set(&bench, "exchange.history.file=trades.parquet");
    set(&bench, "exchange.history.tickers.A/USD=X");
    set(&bench, "exchange.history.tickers.C/USD=X");
    assert_int_equal(read_all(&bench), MSIM_ERR_INVALID);
    says(&bench, "A/USD and C/USD are both X");
    bench_close(&bench);

    bench_open(&bench);
    set(&bench, "exchange.symbols=[\"A/USD\",\"B/USD\",\"C/USD\"]");
    set(&bench, "exchange.history.file=trades.parquet");
    set(&bench, "exchange.history.tickers.A/USD=X");
    set(&bench, "exchange.history.tickers.C/USD=Y");
    set(&bench, "exchange.history.ticker=Y");
    assert_int_equal(read_all(&bench), MSIM_OK);
    assert_string_equal(bench.settings.listings[1].ticker, "");
    assert_string_equal(bench.settings.tape.ticker, "Y");
    msim_exchange_settings_finish(&bench.settings, &bench.usual);
    bench_close(&bench);
}

static void a_text_that_is_too_long_is_told_how_long_it_may_be(void **state)
{
    char assignment[1200] = "exchange.history.file=";
    const size_t key = strlen(assignment);
    struct bench bench;

    (void)state;
    bench_open(&bench);
    memset(assignment + key, 'x', 1023);
    set(&bench, assignment);
    if (read_all(&bench) < 0)
        fail_msg("%s", bench.detail.text);
    assert_int_equal(strlen(bench.settings.tape.file), 1023);
    msim_exchange_settings_finish(&bench.settings, &bench.usual);
    assignment[key + 1023] = 'x';
    set(&bench, assignment);
    assert_int_equal(read_all(&bench), MSIM_ERR_INVALID);
    says(&bench, "exchange.history.file is \"xxx");
    says(&bench, "xxx...: a text of at most 1023 bytes is wanted");
    msim_exchange_settings_finish(&bench.settings, &bench.usual);
    set(&bench, "exchange.history.file=");
    assert_int_equal(read_all(&bench), MSIM_ERR_INVALID);
    says(&bench, "a text that is not empty is wanted");
    msim_exchange_settings_finish(&bench.settings, &bench.usual);
    bench_close(&bench);
}

static void a_seed_of_0_is_the_default(void **state)
{
    struct bench bench;

    (void)state;
    bench_open(&bench);
    set(&bench, "exchange.seed=0");
    assert_int_equal(read_all(&bench), MSIM_OK);
    assert_int_equal(bench.settings.seed, 1);
    msim_exchange_settings_finish(&bench.settings, &bench.usual);
    bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_assets_balance_leaves_the_others_and_a_whole_object_takes_their_place),
        cmocka_unit_test(two_symbols_of_one_ticker_are_refused_by_name),
        cmocka_unit_test(nothing_said_means_two_symbols_and_a_hundred_thousand_dollars),
        cmocka_unit_test(a_later_word_takes_the_place_of_an_earlier_one_of_the_same_key),
        cmocka_unit_test(unknown_keys_are_answered_with_the_nearest_and_nothing_is_taken),
        cmocka_unit_test(a_value_that_cannot_be_is_refused_with_its_key),
        cmocka_unit_test(an_instruments_grid_is_what_its_steps_say),
        cmocka_unit_test(the_failures_become_one_object_again),
        cmocka_unit_test(a_text_that_is_too_long_is_told_how_long_it_may_be),
        cmocka_unit_test(a_seed_of_0_is_the_default),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
