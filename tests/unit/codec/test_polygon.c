#include "check.h"

#include <marketsim/codec.h>
#include <string.h>

#define TIME INT64_C(1700000000123456789)

static struct msim_listing listing;
static char text[MSIM_POLYGON_EVENT_MAX + 1];

static int set_up(void **state)
{
    (void)state;
    return msim_listing_init(&listing, 42, "AAPL", 4);
}

static struct msim_record record_of(uint8_t kind, uint8_t flags)
{
    return (struct msim_record){.time = TIME, .kind = kind, .flags = flags, .price_exponent = -2};
}

static struct msim_record a_trade(msim_price price, msim_qty quantity)
{
    struct msim_record record = record_of(MSIM_RECORD_TRADE, 0);

    record.as.trade.price = price;
    record.as.trade.quantity = quantity;
    record.as.trade.id = 12345;
    record.as.trade.side = MSIM_SIDE_SELL;
    return record;
}

static struct msim_record a_quote(void)
{
    struct msim_record record = record_of(MSIM_RECORD_QUOTE, 0);

    record.as.quote = (struct msim_quote_data){19011, 19013, 200, 300, 50385480};
    return record;
}

static const char *encoded(enum msim_polygon_cluster cluster, struct msim_record record,
                           const struct msim_polygon_tally *tally)
{
    size_t length = 0;

    assert_int_equal(msim_polygon_encode(cluster, &listing, &record, tally, text,
                                         MSIM_POLYGON_EVENT_MAX, &length),
                     MSIM_OK);
    text[length] = '\0';
    return text;
}

static const char *status(enum msim_polygon_status kind, const char *subject)
{
    size_t length = 0;

    assert_int_equal(msim_polygon_status(kind, subject, subject ? strlen(subject) : 0, text,
                                         MSIM_POLYGON_EVENT_MAX, &length),
                     MSIM_OK);
    text[length] = '\0';
    return text;
}

static void stocks_are_told_as_the_vendor_tells_them(void **state)
{
    (void)state;
    assert_string_equal(encoded(MSIM_POLYGON_STOCKS, a_trade(19012, 100), NULL),
                        "{\"ev\":\"T\",\"sym\":\"AAPL\",\"x\":21,\"i\":\"12345\",\"z\":3,"
                        "\"p\":190.12,\"s\":100,\"ds\":\"100\",\"c\":[0],\"t\":1700000000123,"
                        "\"q\":12345}");
    assert_string_equal(encoded(MSIM_POLYGON_STOCKS, a_quote(), NULL),
                        "{\"ev\":\"Q\",\"sym\":\"AAPL\",\"bx\":12,\"bp\":190.11,\"bs\":2,\"ax\":21,"
                        "\"ap\":190.13,\"as\":3,\"c\":0,\"i\":[604],\"t\":1700000000123,"
                        "\"q\":50385480,\"z\":3}");
}

static void an_odd_lot_says_so(void **state)
{
    (void)state;
    assert_non_null(strstr(encoded(MSIM_POLYGON_STOCKS, a_trade(1, 99), NULL), "\"c\":[37]"));
}

static void crypto_has_events_of_its_own(void **state)
{
    struct msim_record trade = a_trade(6500012, 125);

    (void)state;
    trade.quantity_exponent = -3;
    assert_int_equal(msim_listing_init(&listing, 42, "BTC-USD", 7), MSIM_OK);
    assert_string_equal(encoded(MSIM_POLYGON_CRYPTO, trade, NULL),
                        "{\"ev\":\"XT\",\"pair\":\"BTC-USD\",\"p\":65000.12,\"t\":1700000000123,"
                        "\"s\":0.125,\"c\":[1],\"i\":\"12345\",\"x\":1,\"r\":1700000000123}");
    assert_string_equal(encoded(MSIM_POLYGON_CRYPTO, a_quote(), NULL),
                        "{\"ev\":\"XQ\",\"pair\":\"BTC-USD\",\"bp\":190.11,\"bs\":200,"
                        "\"ap\":190.13,\"as\":300,\"t\":1700000000123,\"x\":1,"
                        "\"r\":1700000000123}");
}

static void aggregates_know_the_day_and_their_window(void **state)
{
    struct msim_polygon_tally tally = {0};
    struct msim_record bar = record_of(MSIM_RECORD_BAR, MSIM_RECORD_SECOND);
    struct msim_record trade = a_trade(10000, 100);

    (void)state;
    msim_polygon_tally_record(&tally, &trade);
    bar.as.bar = (struct msim_bar_data){10000, 10000, 10000, 10000, 100};
    bar.time = trade.time = INT64_C(1700000001000000000);
    msim_polygon_tally_record(&tally, &bar);
    trade.as.trade.price = 10100;
    trade.as.trade.quantity = 300;
    msim_polygon_tally_record(&tally, &trade);
    trade.as.trade.price = 10001;
    trade.as.trade.quantity = 100;
    msim_polygon_tally_record(&tally, &trade);
    bar.time = INT64_C(1700000002000000000);
    bar.as.bar = (struct msim_bar_data){10100, 10100, 10001, 10001, 400};
    assert_string_equal(encoded(MSIM_POLYGON_STOCKS, bar, &tally),
                        "{\"ev\":\"A\",\"sym\":\"AAPL\",\"v\":400,\"av\":500,\"op\":100,"
                        "\"vw\":100.7525,\"o\":101,\"c\":100.01,\"h\":101,\"l\":100.01,"
                        "\"a\":100.602,\"z\":200,\"s\":1700000001000,\"e\":1700000002000}");
    bar.flags = MSIM_RECORD_MINUTE;
    assert_non_null(strstr(encoded(MSIM_POLYGON_STOCKS, bar, &tally), "\"ev\":\"AM\""));
    assert_non_null(strstr(text, "\"vw\":100.602,"));
    assert_non_null(strstr(text, "\"s\":1699999942000,\"e\":1700000002000}"));
    assert_non_null(strstr(encoded(MSIM_POLYGON_CRYPTO, bar, &tally), "{\"ev\":\"XA\",\"pair\""));
}

static void a_new_day_starts_from_nothing(void **state)
{
    struct msim_polygon_tally tally = {0};
    struct msim_record trade = a_trade(10000, 100);

    (void)state;
    msim_polygon_tally_record(&tally, &trade);
    trade.time += INT64_C(86400) * MSIM_NS_PER_S;
    trade.as.trade.price = 500;
    msim_polygon_tally_record(&tally, &trade);
    assert_int_equal(tally.open, 500);
    assert_int_equal(tally.today.volume, 100);
}

static void sums_that_do_not_fit_stay_at_their_end(void **state)
{
    struct msim_polygon_tally tally = {0};
    struct msim_record trade = a_trade(INT64_MAX / 2, INT64_MAX / 2);
    struct msim_record bar = record_of(MSIM_RECORD_BAR, MSIM_RECORD_SECOND);

    (void)state;
    for (int i = 0; i < 4; i++)
        msim_polygon_tally_record(&tally, &trade);
    assert_true(tally.today.notional == INT64_MAX);
    assert_true(tally.today.volume == INT64_MAX);
    bar.as.bar = (struct msim_bar_data){7, 7, 7, 7, 7};
    assert_non_null(strstr(encoded(MSIM_POLYGON_STOCKS, bar, &tally), "\"vw\":0.07,"));
}

static void each_status_has_the_vendors_words(void **state)
{
    (void)state;
    assert_string_equal(status(MSIM_POLYGON_CONNECTED, NULL),
                        "{\"ev\":\"status\",\"status\":\"connected\","
                        "\"message\":\"Connected Successfully\"}");
    assert_string_equal(status(MSIM_POLYGON_AUTH_SUCCESS, NULL),
                        "{\"ev\":\"status\",\"status\":\"auth_success\","
                        "\"message\":\"authenticated\"}");
    assert_string_equal(status(MSIM_POLYGON_AUTH_FAILED, NULL),
                        "{\"ev\":\"status\",\"status\":\"auth_failed\","
                        "\"message\":\"authentication failed\"}");
    assert_string_equal(status(MSIM_POLYGON_NOT_AUTHORIZED, NULL),
                        "{\"ev\":\"status\",\"status\":\"error\",\"message\":\"not authorized\"}");
    assert_string_equal(status(MSIM_POLYGON_SUBSCRIBED, "T.AAPL"),
                        "{\"ev\":\"status\",\"status\":\"success\","
                        "\"message\":\"subscribed to: T.AAPL\"}");
    assert_string_equal(status(MSIM_POLYGON_UNSUBSCRIBED, "T.\"\n"),
                        "{\"ev\":\"status\",\"status\":\"success\","
                        "\"message\":\"unsubscribed to: T.\\\"\\n\"}");
}

static void a_long_subject_is_cut(void **state)
{
    char subject[3000];

    (void)state;
    memset(subject, 'a', sizeof subject - 1);
    subject[sizeof subject - 1] = '\0';
    assert_int_equal(strlen(status(MSIM_POLYGON_ERROR, subject)), 445);
}

static void requests_are_read(void **state)
{
    static const struct {
        const char *text;
        enum msim_polygon_action action;
        const char *params;
    } good[] = {
        {"{\"action\":\"auth\",\"params\":\"KEY\"}", MSIM_POLYGON_AUTH, "KEY"},
        {" {\"x\":[{}],\"params\":\"T.*, Q.A\",\"action\":\"subscribe\"} ", MSIM_POLYGON_SUBSCRIBE,
         "T.*, Q.A"},
        {"{\"action\":\"unsubscribe\",\"params\":\"\"}", MSIM_POLYGON_UNSUBSCRIBE, ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        char scratch[100];
        struct msim_polygon_request request;
        assert_int_equal(
            msim_polygon_decode(good[i].text, strlen(good[i].text), &request, scratch, NULL),
            MSIM_OK);
        assert_int_equal(request.action, good[i].action);
        assert_string_equal(request.params, good[i].params);
        assert_int_equal(request.params_length, strlen(good[i].params));
    }
}

static void nonsense_requests_are_refused_with_words(void **state)
{
    static const struct {
        const char *text;
        int result;
        const char *words;
    } wrong[] = {
        {"hello", MSIM_ERR_FORMAT, ""},
        {"[]", MSIM_ERR_INVALID, "a request is"},
        {"{}", MSIM_ERR_INVALID, "\"action\" is missing"},
        {"{\"action\":\"auth\"}", MSIM_ERR_INVALID, "\"params\" is missing"},
        {"{\"action\":\"buy\",\"params\":\"\"}", MSIM_ERR_INVALID, "byte 10: the action is"},
        {"{\"action\":1,\"params\":\"\"}", MSIM_ERR_INVALID, "byte 10"},
        {"{\"action\":\"auth\",\"params\":[\"T.A\"]}", MSIM_ERR_INVALID, "one text"},
        {"{\"params\":\"a\",\"params\":\"a\"}", MSIM_ERR_INVALID, "one text"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        char scratch[100];
        struct msim_polygon_request request;
        struct msim_detail detail = {""};
        assert_int_equal(
            msim_polygon_decode(wrong[i].text, strlen(wrong[i].text), &request, scratch, &detail),
            wrong[i].result);
        if (!strstr(detail.text, wrong[i].words))
            fail_msg("'%s' is answered with: %s", wrong[i].text, detail.text);
    }
}

static void channels_are_taken_apart(void **state)
{
    static const char params[] = " T.AAPL, Q.*,AM.A.B ,bad,,XT.BTC-USD,T.";
    static const struct {
        const char *text;
        int feed;
        const char *symbol;
    } expected[] = {
        {"T.AAPL", MSIM_POLYGON_TRADES, "AAPL"},
        {"Q.*", MSIM_POLYGON_QUOTES, "*"},
        {"AM.A.B", MSIM_POLYGON_MINUTES, "A.B"},
        {"bad", 0, ""},
        {"XT.BTC-USD", 0, ""},
        {"T.", 0, ""},
    };
    struct msim_polygon_channel channel;
    size_t at = 0;

    (void)state;
    for (size_t i = 0; i < COUNT(expected); i++) {
        assert_true(
            msim_polygon_channel(MSIM_POLYGON_STOCKS, params, sizeof params - 1, &at, &channel));
        assert_int_equal(channel.text_length, strlen(expected[i].text));
        assert_memory_equal(channel.text, expected[i].text, channel.text_length);
        assert_int_equal(channel.feed, expected[i].feed);
        assert_int_equal(channel.symbol_length, strlen(expected[i].symbol));
        if (channel.symbol_length > 0)
            assert_memory_equal(channel.symbol, expected[i].symbol, channel.symbol_length);
        assert_int_equal(channel.all, strcmp(expected[i].symbol, "*") == 0);
    }
    assert_false(
        msim_polygon_channel(MSIM_POLYGON_STOCKS, params, sizeof params - 1, &at, &channel));
    at = 0;
    assert_true(msim_polygon_channel(MSIM_POLYGON_CRYPTO, "XAS.BTC-USD", 11, &at, &channel));
    assert_int_equal(channel.feed, MSIM_POLYGON_SECONDS);
}

static void the_longest_event_fits(void **state)
{
    char name[148];
    struct msim_polygon_tally tally = {.open = INT64_MIN + 1};
    struct msim_record quote = a_quote();
    struct msim_record bar = record_of(MSIM_RECORD_BAR, MSIM_RECORD_SECOND);
    struct msim_record trade = a_trade(INT64_MIN + 1, INT64_MIN + 1);

    (void)state;
    memset(name, 'x', sizeof name);
    assert_int_equal(msim_listing_init(&listing, 1, name, sizeof name), MSIM_OK);
    listing.lot = 1;
    quote.as.quote =
        (struct msim_quote_data){INT64_MIN + 1, INT64_MIN + 1, INT64_MAX, INT64_MAX, UINT64_MAX};
    bar.as.bar = (struct msim_bar_data){INT64_MIN + 1, INT64_MIN + 1, INT64_MIN + 1, INT64_MIN + 1,
                                        INT64_MIN + 1};
    trade.as.trade.id = UINT64_MAX;
    bar.price_exponent = bar.quantity_exponent = -18;
    trade.price_exponent = trade.quantity_exponent = -18;
    quote.price_exponent = quote.quantity_exponent = -18;
    assert_true(strlen(encoded(MSIM_POLYGON_STOCKS, trade, NULL)) < MSIM_POLYGON_EVENT_MAX);
    assert_true(strlen(encoded(MSIM_POLYGON_STOCKS, quote, NULL)) < MSIM_POLYGON_EVENT_MAX);
    assert_true(strlen(encoded(MSIM_POLYGON_STOCKS, bar, &tally)) < MSIM_POLYGON_EVENT_MAX);
}

static void what_has_no_feed_is_refused(void **state)
{
    struct msim_record bar = record_of(MSIM_RECORD_BAR, 0);
    struct msim_polygon_tally tally = {0};
    size_t length;

    (void)state;
    assert_int_equal(msim_polygon_feed_of(&bar), 0);
    assert_int_equal(msim_polygon_encode(MSIM_POLYGON_STOCKS, &listing, &bar, &tally, text,
                                         sizeof text, &length),
                     MSIM_ERR_INVALID);
    bar.flags = MSIM_RECORD_SECOND;
    assert_int_equal(
        msim_polygon_encode(MSIM_POLYGON_STOCKS, &listing, &bar, NULL, text, sizeof text, &length),
        MSIM_ERR_INVALID);
    assert_int_equal(
        msim_polygon_encode(MSIM_POLYGON_STOCKS, &listing, &bar, &tally, text, 20, &length),
        MSIM_ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(stocks_are_told_as_the_vendor_tells_them, set_up),
        cmocka_unit_test_setup(an_odd_lot_says_so, set_up),
        cmocka_unit_test_setup(crypto_has_events_of_its_own, set_up),
        cmocka_unit_test_setup(aggregates_know_the_day_and_their_window, set_up),
        cmocka_unit_test_setup(a_new_day_starts_from_nothing, set_up),
        cmocka_unit_test_setup(sums_that_do_not_fit_stay_at_their_end, set_up),
        cmocka_unit_test_setup(each_status_has_the_vendors_words, set_up),
        cmocka_unit_test_setup(a_long_subject_is_cut, set_up),
        cmocka_unit_test_setup(requests_are_read, set_up),
        cmocka_unit_test_setup(nonsense_requests_are_refused_with_words, set_up),
        cmocka_unit_test_setup(channels_are_taken_apart, set_up),
        cmocka_unit_test_setup(the_longest_event_fits, set_up),
        cmocka_unit_test_setup(what_has_no_feed_is_refused, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
