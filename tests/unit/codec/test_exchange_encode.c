#include "check.h"

#include <marketsim/codec.h>
#include <string.h>

static const msim_time NOON = INT64_C(1704196800) * MSIM_NS_PER_S + 123456789;

static struct msim_native_codec *codec_open(void)
{
    struct msim_native_codec_params params = MSIM_NATIVE_CODEC_PARAMS_INIT;
    struct msim_native_instrument btc = {"BTC/USD", 0, 1, -2, -6};
    struct msim_native_codec *codec = NULL;

    params.seed = 7;
    assert_int_equal(msim_native_codec_create(&codec, &params), MSIM_OK);
    assert_int_equal(msim_native_codec_asset(codec, "BTC", -8), MSIM_OK);
    assert_int_equal(msim_native_codec_asset(codec, "USD", -8), MSIM_OK);
    assert_int_equal(msim_native_codec_instrument(codec, &btc), MSIM_OK);
    return codec;
}

/* The text with each id of 36 characters as '#'. */
static void wrote(const char *bytes, size_t length, const char *wanted)
{
    char text[MSIM_NATIVE_MESSAGE_MAX + 1];
    size_t at = 0;

    for (size_t i = 0; i < length; i++) {
        bool is_id = length - i > 36 && bytes[i + 8] == '-' && bytes[i + 13] == '-' &&
                     bytes[i + 18] == '-' && bytes[i + 23] == '-' && bytes[i - 1] == '"';
        text[at++] = is_id ? '#' : bytes[i];
        if (is_id)
            i += 35;
    }
    text[at] = '\0';
    assert_string_equal(text, wanted);
}

static struct msim_event an_event(uint8_t kind)
{
    return (struct msim_event){.kind = kind,
                               .order = 9,
                               .side = MSIM_SIDE_BUY,
                               .type = MSIM_ORDER_LIMIT,
                               .status = MSIM_STATUS_OPEN};
}

static void an_ack_has_the_order_and_ends_with_the_requests_id(void **state)
{
    struct msim_native_codec *codec = codec_open();
    struct msim_native_stamp stamp = {NOON, 3, {"\"r\\n\"", 5}, false};
    struct msim_native_story story = {.client_id = {"a\"b", 3}};
    struct msim_event event = an_event(MSIM_EVENT_ACCEPTED);
    char out[MSIM_NATIVE_MESSAGE_MAX];

    (void)state;
    event.as.order.price = 5000050;
    event.as.order.quantity = 1500000;
    event.as.order.leaves = 1500000;
    wrote(out, msim_native_encode_event(codec, &stamp, &event, &story, out),
          "{\"type\":\"ORDER_ACK\",\"order_id\":\"#\",\"client_order_id\":\"a\\\"b\",\"status\":"
          "\"OPEN\",\"symbol\":\"BTC/USD\",\"side\":\"BUY\",\"order_type\":\"LIMIT\",\"price\":"
          "\"50000.5\",\"quantity\":\"1.5\",\"filled_quantity\":\"0\",\"remaining_quantity\":"
          "\"1.5\",\"time_in_force\":\"GTC\",\"timestamp\":\"2024-01-02T12:00:00.123456Z\","
          "\"sequence\":3,\"request_id\":\"r\\n\"}");
    msim_native_codec_destroy(&codec);
}

static void a_fill_names_its_trade_and_fee(void **state)
{
    struct msim_native_codec *codec = codec_open();
    struct msim_native_stamp stamp = {.time = -1};
    struct msim_event event = an_event(MSIM_EVENT_FILL);
    char out[MSIM_NATIVE_MESSAGE_MAX];

    (void)state;
    event.flags = MSIM_EVENT_MAKER;
    event.status = MSIM_STATUS_PARTIALLY_FILLED;
    event.as.fill = (struct msim_event_fill){.trade = 4,
                                             .price = 1,
                                             .quantity = 1,
                                             .leaves = 2000000,
                                             .filled = 1,
                                             .fee = 12,
                                             .fee_asset = 1};
    wrote(out, msim_native_encode_event(codec, &stamp, &event, NULL, out),
          "{\"type\":\"ORDER_FILL\",\"fill_id\":\"#\",\"order_id\":\"#\",\"client_order_id\":null,"
          "\"symbol\":\"BTC/USD\",\"side\":\"BUY\",\"price\":\"0.01\",\"quantity\":\"0.000001\","
          "\"filled_quantity\":\"0.000001\",\"remaining_quantity\":\"2\",\"status\":"
          "\"PARTIALLY_FILLED\",\"is_maker\":true,\"fee\":\"0.00000012\",\"fee_asset\":\"USD\","
          "\"trade_id\":\"#\",\"timestamp\":\"1969-12-31T23:59:59.999999Z\"}");
    msim_native_codec_destroy(&codec);
}

static void an_error_is_json_whatever_its_words(void **state)
{
    struct msim_native_codec *codec = codec_open();
    struct msim_native_stamp stamp = {.time = NOON};
    struct msim_native_refusal refusal = {.error = MSIM_NATIVE_INVALID_FIELD,
                                          .message = "\"\\\x01\xff \xe2\x82\xac"};
    char out[MSIM_NATIVE_MESSAGE_MAX];

    (void)state;
    wrote(out, msim_native_encode_error(codec, &stamp, &refusal, out),
          "{\"type\":\"ERROR\",\"code\":\"INVALID_FIELD\",\"message\":\"\\\"\\\\\\u0001\xEF\xBF\xBD"
          " \xe2\x82\xac\",\"details\":{},\"timestamp\":\"2024-01-02T12:00:00.123456Z\"}");
    msim_native_codec_destroy(&codec);
}

static void a_book_says_what_room_it_needs_and_then_fits(void **state)
{
    struct msim_native_codec *codec = codec_open();
    struct msim_native_stamp stamp = {NOON, 5, {NULL, 0}, false};
    struct msim_native_level bids[2] = {{INT64_MAX, INT64_MAX}, {1, 0}};
    struct msim_native_book book = {
        .channel = MSIM_NATIVE_ORDERBOOK_L2, .snapshot = true, .bids = bids, .bid_count = 2};
    char out[MSIM_NATIVE_MESSAGE_MAX * 2];
    size_t length = 0;

    (void)state;
    assert_int_equal(
        msim_native_encode_book(codec, &stamp, MSIM_NATIVE_MESSAGE, &book, out, 10, &length),
        MSIM_ERR_LIMIT);
    assert_in_range(length, 1, sizeof out);
    assert_int_equal(
        msim_native_encode_book(codec, &stamp, MSIM_NATIVE_MESSAGE, &book, out, length, &length),
        MSIM_OK);
    wrote(out, length,
          "{\"type\":\"ORDERBOOK_UPDATE\",\"channel\":\"ORDERBOOK_L2\",\"symbol\":\"BTC/USD\","
          "\"snapshot\":true,\"bids\":[{\"price\":\"92233720368547758.07\",\"quantity\":"
          "\"9223372036854.775807\"},{\"price\":\"0.01\",\"quantity\":\"0\"}],\"asks\":[],"
          "\"timestamp\":\"2024-01-02T12:00:00.123456Z\",\"sequence\":5}");
    msim_native_codec_destroy(&codec);
}

static void what_there_is_not_is_null_and_bare_answers_have_no_type(void **state)
{
    struct msim_native_codec *codec = codec_open();
    struct msim_native_stamp stamp = {.time = NOON};
    struct msim_native_ticker ticker = {.last_price = 100};
    char out[MSIM_NATIVE_MESSAGE_MAX];

    (void)state;
    wrote(out, msim_native_encode_ticker(codec, &stamp, MSIM_NATIVE_BARE, &ticker, out),
          "{\"symbol\":\"BTC/USD\",\"last_price\":\"1\",\"bid\":null,\"ask\":null,\"bid_quantity\":"
          "\"0\",\"ask_quantity\":\"0\",\"volume_24h\":\"0\",\"high_24h\":null,\"low_24h\":null,"
          "\"timestamp\":\"2024-01-02T12:00:00.123456Z\"}");
    msim_native_codec_destroy(&codec);
}

static void an_order_says_what_its_fills_cost_in_the_mean(void **state)
{
    struct msim_native_codec *codec = codec_open();
    struct msim_native_order order = {
        .order = 9,
        .instrument = 0,
        .side = MSIM_SIDE_BUY,
        .type = MSIM_ORDER_MARKET,
        .status = MSIM_STATUS_FILLED,
        .quantity = 3000000,
        .filled = 3000000,
        .notional = INT64_C(15000005) * 1000000, /* 2 at 50000.01, 1 at 50000.03 */
    };
    char out[MSIM_NATIVE_MESSAGE_MAX + 1];

    (void)state;
    out[msim_native_encode_order(codec, &order, out)] = '\0';
    assert_non_null(strstr(out, "\"filled_quantity\":\"3\""));
    assert_non_null(strstr(out, ",\"average_price\":\"50000.02\","));
    order.filled = order.notional = 0;
    out[msim_native_encode_order(codec, &order, out)] = '\0';
    assert_non_null(strstr(out, ",\"average_price\":null,"));
    msim_native_codec_destroy(&codec);
}

static void ids_are_a_seeds_own_and_kinds_do_not_meet(void **state)
{
    struct msim_native_codec *codec = codec_open();
    char order[MSIM_NATIVE_ID_LENGTH];
    char trade[MSIM_NATIVE_ID_LENGTH];
    uint64_t number;

    (void)state;
    for (uint64_t i = 0; i < 1000; i++) {
        uint64_t sent = i < 500 ? i : UINT64_MAX - i;
        msim_native_id_print(codec, MSIM_NATIVE_ID_ORDER, sent, order);
        assert_true(msim_native_id_read(codec, MSIM_NATIVE_ID_ORDER, order, 36, &number));
        assert_true(number == sent);
        msim_native_id_print(codec, MSIM_NATIVE_ID_TRADE, sent, trade);
        assert_memory_not_equal(order, trade, 36);
        assert_false(msim_native_id_read(codec, MSIM_NATIVE_ID_ORDER, trade, 36, &number));
    }
    assert_false(msim_native_id_read(codec, MSIM_NATIVE_ID_ORDER, order, 35, &number));
    msim_native_codec_destroy(&codec);
}

static void the_longest_of_everything_fits(void **state)
{
    struct msim_native_codec_params params = MSIM_NATIVE_CODEC_PARAMS_INIT;
    struct msim_native_codec *codec = NULL;
    char name[65];
    char words[400];
    char id[MSIM_NATIVE_REQUEST_ID_MAX];
    struct msim_native_story story = {.client_id = {name, 36}, .reason = {words, sizeof words}};
    struct msim_native_stamp stamp = {NOON, UINT64_MAX, {id, sizeof id}, false};
    struct msim_event event = an_event(MSIM_EVENT_REJECTED);
    struct msim_native_refusal refusal = {.error = MSIM_NATIVE_INSUFFICIENT_BALANCE};
    char out[MSIM_NATIVE_MESSAGE_MAX];

    (void)state;
    memset(name, '\x01', 64);
    name[64] = '\0';
    memset(words, '\x01', sizeof words);
    memset(id, 'x', sizeof id);
    memset(refusal.message, '\x01', sizeof refusal.message - 1);
    memset(refusal.details, ' ', sizeof refusal.details - 1);
    struct msim_native_instrument instrument = {name, 0, 0, -18, -18};
    assert_int_equal(msim_native_codec_create(&codec, &params), MSIM_OK);
    assert_int_equal(msim_native_codec_asset(codec, name, -18), MSIM_OK);
    assert_int_equal(msim_native_codec_instrument(codec, &instrument), MSIM_OK);
    memset(&event.as, 0x80, sizeof event.as);
    event.as.fill.fee_asset = 0;
    assert_in_range(msim_native_encode_event(codec, &stamp, &event, &story, out), 1000, sizeof out);
    event.kind = MSIM_EVENT_FILL;
    event.as.fill.fee_asset = 0;
    assert_in_range(msim_native_encode_event(codec, &stamp, &event, &story, out), 1000, sizeof out);
    event.kind = MSIM_EVENT_ACCEPTED;
    event.time_in_force = MSIM_TIF_GTD;
    assert_in_range(msim_native_encode_event(codec, &stamp, &event, &story, out), 1000, sizeof out);
    assert_in_range(msim_native_encode_error(codec, &stamp, &refusal, out), 2000, sizeof out);
    msim_native_codec_destroy(&codec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ack_has_the_order_and_ends_with_the_requests_id),
        cmocka_unit_test(a_fill_names_its_trade_and_fee),
        cmocka_unit_test(an_error_is_json_whatever_its_words),
        cmocka_unit_test(a_book_says_what_room_it_needs_and_then_fits),
        cmocka_unit_test(what_there_is_not_is_null_and_bare_answers_have_no_type),
        cmocka_unit_test(an_order_says_what_its_fills_cost_in_the_mean),
        cmocka_unit_test(ids_are_a_seeds_own_and_kinds_do_not_meet),
        cmocka_unit_test(the_longest_of_everything_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
