#include "check.h"

#include <marketsim/codec.h>
#include <stdlib.h>
#include <string.h>

static struct msim_record a_quote(void)
{
    struct msim_record quote = {
        .time = INT64_C(1617827221349366000),
        .kind = MSIM_RECORD_QUOTE,
        .price_exponent = -2,
    };

    quote.as.quote = (struct msim_quote_data){12796, 12798, 700, 100, 83480742};
    return quote;
}

static struct msim_record a_trade(void)
{
    struct msim_record trade = {
        .time = INT64_C(1617827221349730300),
        .kind = MSIM_RECORD_TRADE,
        .price_exponent = -2,
    };

    trade.as.trade.price = 12798;
    trade.as.trade.quantity = 300;
    trade.as.trade.id = 1;
    return trade;
}

static struct msim_listing listing_of(const char *symbol)
{
    struct msim_listing listing;

    assert_int_equal(msim_listing_init(&listing, 42, symbol, strlen(symbol)), MSIM_OK);
    return listing;
}

static const char *encoded(const struct msim_listing *listing, const struct msim_record *quote,
                           const struct msim_record *trade)
{
    static char text[MSIM_QUOTES_EVENT_MAX + 1];
    size_t length = 0;

    assert_int_equal(
        msim_quotes_encode(listing, quote, trade, text, MSIM_QUOTES_EVENT_MAX, &length), MSIM_OK);
    text[length] = '\0';
    return text;
}

static void an_event_has_its_keys_in_their_order(void **state)
{
    struct msim_listing listing = listing_of("AAPL");
    struct msim_record quote = a_quote();
    struct msim_record trade = a_trade();

    (void)state;
    assert_string_equal(
        encoded(&listing, &quote, &trade),
        "{\"request_id\":\"80350c9e8c3db34886be4fd8339ea410\",\"results\":{\"P\":127.98,\"S\":7,"
        "\"T\":\"AAPL\",\"X\":12,\"p\":127.96,\"q\":83480742,\"s\":1,\"t\":1617827221349730300,"
        "\"x\":19,\"y\":1617827221349366000,\"z\":3},\"status\":\"OK\"}");
}

static void prices_have_no_noise_and_no_needless_digits(void **state)
{
    struct msim_listing listing = listing_of("F");
    struct msim_record quote = a_quote();
    struct msim_record trade = a_trade();

    (void)state;
    quote.as.quote.bid = 1200;
    trade.as.trade.price = 1210;
    const char *text = encoded(&listing, &quote, &trade);
    assert_non_null(strstr(text, "\"P\":12.1,"));
    assert_non_null(strstr(text, "\"p\":12,"));
    assert_non_null(strstr(text, "\"z\":1}"));
}

static void sizes_are_round_lots_and_never_none(void **state)
{
    struct msim_listing listing = listing_of("F");
    struct msim_record quote = a_quote();
    struct msim_record trade = a_trade();

    (void)state;
    quote.as.quote.bid_quantity = 99;
    quote.as.quote.ask_quantity = 1250;
    const char *text = encoded(&listing, &quote, &trade);
    assert_non_null(strstr(text, "\"S\":1,"));
    assert_non_null(strstr(text, "\"s\":12,"));
}

static void a_request_id_belongs_to_seed_symbol_and_trade(void **state)
{
    struct msim_record quote = a_quote();
    struct msim_record trade = a_trade();
    char seen[300][33];
    size_t count = 0;

    (void)state;
    for (uint64_t seed = 0; seed < 3; seed++) {
        for (int symbol = 0; symbol < 2; symbol++) {
            struct msim_listing listing;
            assert_int_equal(msim_listing_init(&listing, seed, symbol ? "A" : "B", 1), MSIM_OK);
            for (uint64_t id = 1; id <= 50; id++) {
                trade.as.trade.id = id;
                memcpy(seen[count], encoded(&listing, &quote, &trade) + 15, 32);
                seen[count][32] = '\0';
                assert_int_equal(strspn(seen[count], "0123456789abcdef"), 32);
                for (size_t i = 0; i < count; i++)
                    assert_string_not_equal(seen[i], seen[count]);
                count++;
            }
        }
    }
}

static void exchanges_are_the_tapes_venues(void **state)
{
    static const char *const symbols[] = {"F", "SPY", "AAPL", "AMD", "GOOGL"};
    static const int tapes[] = {1, 2, 3, 3, 3};
    struct msim_record quote = a_quote();
    struct msim_record trade = a_trade();

    (void)state;
    for (size_t i = 0; i < COUNT(symbols); i++) {
        struct msim_listing listing = listing_of(symbols[i]);
        bool seen[32] = {false};
        size_t venues = 0;
        assert_int_equal(listing.tape, tapes[i]);
        for (uint64_t id = 1; id <= 300; id++) {
            quote.as.quote.id = id;
            trade.as.trade.id = id;
            const char *text = encoded(&listing, &quote, &trade);
            long bid = strtol(strstr(text, "\"X\":") + 4, NULL, 10);
            long sale = strtol(strstr(text, "\"x\":") + 4, NULL, 10);
            assert_in_range(bid, 1, 21);
            assert_in_range(sale, 1, 21);
            venues += !seen[bid];
            seen[bid] = true;
        }
        assert_true(venues >= 9);
    }
}

static void names_are_escaped(void **state)
{
    struct msim_listing listing = listing_of("A\"\\");
    struct msim_record quote = a_quote();
    struct msim_record trade = a_trade();

    (void)state;
    assert_non_null(strstr(encoded(&listing, &quote, &trade), "\"T\":\"A\\\"\\\\\","));
    char name[200];
    memset(name, 1, sizeof name);
    assert_int_equal(msim_listing_init(&listing, 1, name, sizeof name), MSIM_ERR_LIMIT);
    assert_int_equal(msim_listing_init(&listing, 1, name, 0), MSIM_ERR_INVALID);
}

static void any_room_is_enough_or_said_to_be_too_small(void **state)
{
    struct msim_listing listing = listing_of("AAPL");
    struct msim_record quote = a_quote();
    struct msim_record trade = a_trade();
    char whole[MSIM_QUOTES_EVENT_MAX];
    size_t needed = strlen(encoded(&listing, &quote, &trade));

    (void)state;
    memcpy(whole, encoded(&listing, &quote, &trade), needed);
    for (size_t capacity = 0; capacity < needed + 2; capacity++) {
        char *room = malloc(capacity + 1);
        size_t length = 0;
        int r = msim_quotes_encode(&listing, &quote, &trade, room, capacity, &length);
        assert_int_equal(r, capacity < needed ? MSIM_ERR_LIMIT : MSIM_OK);
        if (r == MSIM_OK)
            assert_memory_equal(room, whole, needed);
        free(room);
    }
}

static void the_longest_event_fits(void **state)
{
    char name[148];
    struct msim_listing listing;
    struct msim_record quote = a_quote();
    struct msim_record trade = a_trade();

    (void)state;
    memset(name, 'x', sizeof name);
    assert_int_equal(msim_listing_init(&listing, 1, name, sizeof name), MSIM_OK);
    listing.lot = 1;
    quote.time = INT64_MIN;
    trade.time = INT64_MIN;
    quote.price_exponent = trade.price_exponent = -18;
    quote.as.quote =
        (struct msim_quote_data){INT64_MIN + 1, INT64_MIN + 1, INT64_MAX, INT64_MAX, UINT64_MAX};
    trade.as.trade.price = INT64_MIN + 1;
    trade.as.trade.id = UINT64_MAX;
    assert_true(strlen(encoded(&listing, &quote, &trade)) < MSIM_QUOTES_EVENT_MAX);
}

static void what_is_no_event_is_refused(void **state)
{
    struct msim_listing listing = listing_of("AAPL");
    struct msim_record quote = a_quote();
    struct msim_record trade = a_trade();
    char text[MSIM_QUOTES_EVENT_MAX];
    size_t length;

    (void)state;
    assert_int_equal(msim_quotes_encode(&listing, &trade, &trade, text, sizeof text, &length),
                     MSIM_ERR_INVALID);
    quote.time = trade.time + 1;
    assert_int_equal(msim_quotes_encode(&listing, &quote, &trade, text, sizeof text, &length),
                     MSIM_ERR_INVALID);
    quote = a_quote();
    quote.price_exponent = 1;
    assert_int_equal(msim_quotes_encode(&listing, &quote, &trade, text, sizeof text, &length),
                     MSIM_ERR_INVALID);
}

static void a_client_reads_what_was_written(void **state)
{
    struct msim_listing listing = listing_of("BRK/\"B\"");
    struct msim_record quote = a_quote();
    struct msim_record trade = a_trade();
    char scratch[MSIM_QUOTES_EVENT_MAX];
    struct msim_quotes_message message;
    struct msim_detail detail;

    (void)state;
    const char *text = encoded(&listing, &quote, &trade);
    assert_int_equal(msim_quotes_decode(text, strlen(text), &message, scratch, &detail), MSIM_OK);
    assert_string_equal(message.symbol, "BRK/\"B\"");
    assert_string_equal(message.status, "OK");
    assert_int_equal(strlen(message.request_id), 32);
    assert_int_equal(message.price, 12798);
    assert_int_equal(message.price_exponent, -2);
    assert_int_equal(message.bid, 12796);
    assert_int_equal(message.bid_size, 7);
    assert_int_equal(message.ask_size, 1);
    assert_int_equal(message.trade_time, trade.time);
    assert_int_equal(message.quote_time, quote.time);
}

static void a_client_refuses_other_messages_with_words(void **state)
{
    static const struct {
        const char *text;
        int result;
        const char *words;
    } wrong[] = {
        {"", MSIM_ERR_FORMAT, ""},
        {"[]", MSIM_ERR_INVALID, "an event is a JSON object"},
        {"{}", MSIM_ERR_INVALID, "the key \"request_id\" is missing"},
        {"{\"request_id\":7}", MSIM_ERR_INVALID, "byte 14: the value of \"request_id\""},
        {"{\"request_id\":\"\",\"request_id\":\"\"}", MSIM_ERR_INVALID, "\"request_id\""},
        {"{\"results\":{\"P\":\"1\"}}", MSIM_ERR_INVALID, "\"P\""},
        {"{\"results\":{\"S\":1.5}}", MSIM_ERR_INVALID, "\"S\""},
        {"{\"a\":{\"P\":[1]},\"b\":[{}]", MSIM_ERR_FORMAT, ""},
        {"{\"results\":[]}", MSIM_ERR_INVALID, "is missing"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        char scratch[100];
        struct msim_quotes_message message;
        struct msim_detail detail = {""};
        assert_int_equal(
            msim_quotes_decode(wrong[i].text, strlen(wrong[i].text), &message, scratch, &detail),
            wrong[i].result);
        if (!strstr(detail.text, wrong[i].words))
            fail_msg("'%s' is answered with: %s", wrong[i].text, detail.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_has_its_keys_in_their_order),
        cmocka_unit_test(prices_have_no_noise_and_no_needless_digits),
        cmocka_unit_test(sizes_are_round_lots_and_never_none),
        cmocka_unit_test(a_request_id_belongs_to_seed_symbol_and_trade),
        cmocka_unit_test(exchanges_are_the_tapes_venues),
        cmocka_unit_test(names_are_escaped),
        cmocka_unit_test(any_room_is_enough_or_said_to_be_too_small),
        cmocka_unit_test(the_longest_event_fits),
        cmocka_unit_test(what_is_no_event_is_refused),
        cmocka_unit_test(a_client_reads_what_was_written),
        cmocka_unit_test(a_client_refuses_other_messages_with_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
