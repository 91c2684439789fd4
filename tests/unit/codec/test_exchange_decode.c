#include "check.h"

#include <marketsim/codec.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct desk {
    struct msim_native_codec *codec;
    struct msim_native_request request;
    struct msim_native_refusal refusal;
};

static int open_desk(void **state)
{
    struct msim_native_codec_params params = MSIM_NATIVE_CODEC_PARAMS_INIT;
    struct msim_native_instrument btc = {"BTC/USD", 0, 1, -2, -6};
    struct msim_native_instrument odd = {"\"q\\/€", 0, 1, 0, 0};
    struct desk *desk = calloc(1, sizeof *desk);

    assert_non_null(desk);
    params.seed = 7;
    assert_int_equal(msim_native_codec_create(&desk->codec, &params), MSIM_OK);
    assert_int_equal(msim_native_codec_asset(desk->codec, "BTC", -8), MSIM_OK);
    assert_int_equal(msim_native_codec_asset(desk->codec, "USD", -8), MSIM_OK);
    assert_int_equal(msim_native_codec_instrument(desk->codec, &btc), MSIM_OK);
    assert_int_equal(msim_native_codec_instrument(desk->codec, &odd), MSIM_OK);
    *state = desk;
    return 0;
}

static int close_desk(void **state)
{
    struct desk *desk = *state;

    msim_native_codec_destroy(&desk->codec);
    assert_null(desk->codec);
    free(desk);
    return 0;
}

static int decode(struct desk *desk, const char *text)
{
    return msim_native_decode(desk->codec, text, strlen(text), &desk->request, &desk->refusal);
}

static void refused(struct desk *desk, const char *text, int error, const char *words)
{
    assert_int_equal(decode(desk, text), MSIM_NATIVE_REFUSED);
    assert_string_equal(msim_native_error_name(desk->refusal.error), msim_native_error_name(error));
    assert_int_equal(desk->refusal.reject, MSIM_REJECT_NONE);
    if (!strstr(desk->refusal.message, words))
        fail_msg("\"%s\" does not say \"%s\"", desk->refusal.message, words);
}

static void rejected(struct desk *desk, const char *text, uint8_t code, const char *words)
{
    assert_int_equal(decode(desk, text), MSIM_NATIVE_REFUSED);
    assert_string_equal(msim_reject_name(desk->refusal.reject), msim_reject_name(code));
    if (!strstr(desk->refusal.message, words))
        fail_msg("\"%s\" does not say \"%s\"", desk->refusal.message, words);
}

#define ORDER "\"type\":\"PLACE_ORDER\",\"symbol\":\"BTC/USD\",\"side\":\"BUY\","

static void an_order_becomes_a_command_with_its_numbers_on_the_grid(void **state)
{
    struct desk *desk = *state;

    assert_int_equal(decode(desk, "{" ORDER "\"order_type\":\"LIMIT\",\"price\":\"50000\","
                                  "\"quantity\":\"1.5\",\"request_id\":\"r\","
                                  "\"client_order_id\":\"bot-7\",\"post_only\":true}"),
                     MSIM_NATIVE_READ);
    assert_int_equal(desk->request.type, MSIM_NATIVE_PLACE_ORDER);
    assert_int_equal(desk->request.command.kind, MSIM_COMMAND_NEW);
    assert_int_equal(desk->request.command.side, MSIM_SIDE_BUY);
    assert_int_equal(desk->request.command.type, MSIM_ORDER_LIMIT);
    assert_int_equal(desk->request.command.price, 5000000);
    assert_int_equal(desk->request.command.quantity, 1500000);
    assert_int_equal(desk->request.command.flags, MSIM_COMMAND_POST_ONLY);
    assert_int_equal(desk->request.command.instrument, 0);
    assert_memory_equal(desk->request.request_id.text, "\"r\"", 3);
    assert_memory_equal(desk->request.client_id.text, "bot-7", 5);
}

static void keys_may_stand_in_any_order_with_strangers_between_and_numbers_be_numbers(void **state)
{
    struct desk *desk = *state;

    assert_int_equal(decode(desk, " {\"x\":{\"type\":[1,{}]},\"quantity\":15e-1 ,\"y\":null,\r\n"
                                  "\"price\" : 50000.010, \"order_type\":\"LIMIT\",\"side\":"
                                  "\"SELL\",\"symbol\":\"BTC\\/USD\",\"typ\\u0065\":"
                                  "\"PLACE_\\u004fRDER\"} "),
                     MSIM_NATIVE_READ);
    assert_int_equal(desk->request.command.side, MSIM_SIDE_SELL);
    assert_int_equal(desk->request.command.price, 5000001);
    assert_int_equal(desk->request.command.quantity, 1500000);
}

static void a_symbol_with_escapes_is_found(void **state)
{
    struct desk *desk = *state;

    assert_int_equal(decode(desk, "{\"type\":\"SUBSCRIBE\",\"channel\":\"TICKER\","
                                  "\"symbol\":\"\\\"q\\\\\\/\\u20ac\"}"),
                     MSIM_NATIVE_READ);
    assert_int_equal(desk->request.instrument, 1);
    assert_int_equal(decode(desk, "{\"type\":\"SUBSCRIBE\",\"channel\":\"TICKER\","
                                  "\"symbol\":\"*\"}"),
                     MSIM_NATIVE_READ);
    assert_true(desk->request.instrument == MSIM_ALL_INSTRUMENTS);
}

static void what_is_no_object_is_refused_with_its_place(void **state)
{
    struct desk *desk = *state;

    refused(desk, "", MSIM_NATIVE_INVALID_JSON, "byte 0");
    refused(desk, "{", MSIM_NATIVE_INVALID_JSON, "byte 1");
    refused(desk, "[]", MSIM_NATIVE_INVALID_JSON, "a JSON object");
    refused(desk, "[", MSIM_NATIVE_INVALID_JSON, "byte 1");
    refused(desk, "{\"type\":\"PING\"} x", MSIM_NATIVE_INVALID_JSON, "byte 16");
    refused(desk, "{\"type\":\"PING\",}", MSIM_NATIVE_INVALID_JSON, "byte 15");
    refused(desk, "{\"type\":\"\x01\"}", MSIM_NATIVE_INVALID_JSON, "byte 9");
    assert_string_equal(desk->refusal.details, "{\"byte\":9,\"line\":1,\"column\":10}");
}

static void a_key_that_stands_twice_is_refused_known_or_not(void **state)
{
    struct desk *desk = *state;

    refused(desk, "{\"type\":\"PING\",\"type\":\"PING\"}", MSIM_NATIVE_INVALID_JSON, "twice");
    refused(desk, "{\"type\":\"PING\",\"t\\u0079pe\":\"PING\"}", MSIM_NATIVE_INVALID_JSON, "twice");
    refused(desk, "{\"type\":\"PING\",\"x\":1,\"x\":1}", MSIM_NATIVE_INVALID_JSON, "twice");
}

static void more_strangers_than_the_bound_are_refused(void **state)
{
    struct desk *desk = *state;
    char text[2048] = "{\"type\":\"PING\"";

    for (int i = 0; i < MSIM_NATIVE_MEMBERS_MAX; i++)
        snprintf(text + strlen(text), 32, ",\"k%d\":0", i);
    size_t length = strlen(text);
    text[length] = '}';
    assert_int_equal(decode(desk, text), MSIM_NATIVE_READ);
    memcpy(text + length, ",\"z\":0}", 8);
    refused(desk, text, MSIM_NATIVE_INVALID_JSON, "64");
}

static void the_answer_to_a_bad_message_finds_its_question(void **state)
{
    struct desk *desk = *state;

    refused(desk, "{\"request_id\":\"a\\u0041\",\"type\":\"NIX\"}", MSIM_NATIVE_UNKNOWN_TYPE,
            "PLACE_ORDER");
    assert_memory_equal(desk->request.request_id.text, "\"a\\u0041\"", 9);
    refused(desk, "{\"request_id\":1,\"type\":\"PING\"}", MSIM_NATIVE_INVALID_FIELD, "request_id");
    assert_int_equal(desk->request.request_id.length, 0);
}

static void what_is_missing_or_wrong_is_named_with_the_remedy(void **state)
{
    static const struct {
        const char *text;
        int error;
        const char *words;
    } cases[] = {
        {"{}", MSIM_NATIVE_MISSING_FIELD, "type is missing"},
        {"{\"type\":null}", MSIM_NATIVE_MISSING_FIELD, "type is missing"},
        {"{\"type\":5}", MSIM_NATIVE_INVALID_FIELD, "type is 5"},
        {"{\"type\":\"PLACE_ORDER\"}", MSIM_NATIVE_MISSING_FIELD, "symbol"},
        {"{\"type\":\"PLACE_ORDER\",\"symbol\":\"XYZ\"}", MSIM_NATIVE_UNKNOWN_SYMBOL, "XYZ"},
        {"{\"type\":\"PLACE_ORDER\",\"symbol\":\"BTC/USD\"}", MSIM_NATIVE_MISSING_FIELD, "side"},
        {"{" ORDER "\"order_type\":\"limit\"}", MSIM_NATIVE_INVALID_FIELD, "TAKE_PROFIT_LIMIT"},
        {"{" ORDER "\"order_type\":\"LIMIT\"}", MSIM_NATIVE_MISSING_FIELD, "quantity"},
        {"{" ORDER "\"order_type\":\"LIMIT\",\"quantity\":\"1\"}", MSIM_NATIVE_MISSING_FIELD,
         "price"},
        {"{" ORDER "\"order_type\":\"MARKET\",\"quantity\":\"1\",\"price\":\"1\"}",
         MSIM_NATIVE_INVALID_FIELD, "leave it away"},
        {"{" ORDER "\"order_type\":\"MARKET\",\"quantity\":\"0\"}", MSIM_NATIVE_INVALID_FIELD,
         "above 0"},
        {"{" ORDER "\"order_type\":\"MARKET\",\"quantity\":-1}", MSIM_NATIVE_INVALID_FIELD,
         "above 0"},
        {"{" ORDER "\"order_type\":\"MARKET\",\"quantity\":\"-99999999999999999999\"}",
         MSIM_NATIVE_INVALID_FIELD, "above 0"},
        {"{" ORDER "\"order_type\":\"MARKET\",\"quantity\":\"1e3\"}", MSIM_NATIVE_INVALID_FIELD,
         "plain notation"},
        {"{" ORDER "\"order_type\":\"MARKET\",\"quantity\":true}", MSIM_NATIVE_INVALID_FIELD,
         "plain notation"},
        {"{" ORDER "\"order_type\":\"MARKET\",\"quantity\":\"1\",\"time_in_force\":\"GTD\"}",
         MSIM_NATIVE_MISSING_FIELD, "expires_at"},
        {"{" ORDER "\"order_type\":\"MARKET\",\"quantity\":\"1\",\"client_order_id\":"
         "\"0123456789012345678901234567890123456\"}",
         MSIM_NATIVE_INVALID_FIELD, "36 bytes"},
        {"{\"type\":\"CANCEL_ORDER\"}", MSIM_NATIVE_MISSING_FIELD, "order_id"},
        {"{\"type\":\"CANCEL_ORDER\",\"order_id\":\"a\",\"client_order_id\":\"b\"}",
         MSIM_NATIVE_INVALID_FIELD, "not by both"},
        {"{\"type\":\"REPLACE_ORDER\",\"order_id\":\"a\"}", MSIM_NATIVE_MISSING_FIELD, "price"},
        {"{\"type\":\"SUBSCRIBE\",\"symbol\":\"*\"}", MSIM_NATIVE_MISSING_FIELD, "TICKER"},
        {"{\"type\":\"SUBSCRIBE\",\"channel\":\"TICKER\"}", MSIM_NATIVE_MISSING_FIELD, "symbol"},
        {"{\"type\":\"GET_TRADES\",\"symbol\":\"BTC/USD\",\"limit\":1.5}",
         MSIM_NATIVE_INVALID_FIELD, "whole number"},
        {"{\"type\":\"GET_TRADES\",\"symbol\":\"BTC/USD\",\"limit\":1001}",
         MSIM_NATIVE_INVALID_FIELD, "from 0 to 1000"},
        {"{\"type\":\"GET_ORDERBOOK\",\"symbol\":\"BTC/USD\",\"depth\":1001}",
         MSIM_NATIVE_INVALID_FIELD, "from 0 to 1000"},
        {"{\"type\":\"RESUME\",\"channel\":\"TRADES\",\"symbol\":\"BTC/USD\"}",
         MSIM_NATIVE_MISSING_FIELD, "from_sequence"},
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        refused(*state, cases[i].text, cases[i].error, cases[i].words);
}

static void a_number_off_the_grid_is_rejected_never_rounded(void **state)
{
    struct desk *desk = *state;

    rejected(desk, "{" ORDER "\"order_type\":\"LIMIT\",\"price\":\"1.001\",\"quantity\":\"1\"}",
             MSIM_REJECT_OFF_TICK, "0.01");
    rejected(desk, "{" ORDER "\"order_type\":\"LIMIT\",\"price\":1.001,\"quantity\":\"1\"}",
             MSIM_REJECT_OFF_TICK, "0.01");
    rejected(desk, "{" ORDER "\"order_type\":\"MARKET\",\"quantity\":\"0.0000001\"}",
             MSIM_REJECT_OFF_LOT, "0.000001");
    rejected(desk, "{" ORDER "\"order_type\":\"MARKET\",\"quantity\":\"99999999999999\"}",
             MSIM_REJECT_OUT_OF_RANGE, "larger");
    rejected(desk, "{" ORDER "\"order_type\":\"MARKET\",\"quantity\":1e400}",
             MSIM_REJECT_OUT_OF_RANGE, "larger");
}

static void an_id_reads_back_and_a_strangers_names_no_order(void **state)
{
    struct desk *desk = *state;
    char text[128] = "{\"type\":\"GET_ORDER\",\"order_id\":\"";
    char *id = text + strlen(text);

    msim_native_id_print(desk->codec, MSIM_NATIVE_ID_ORDER, 4711, id);
    memcpy(id + MSIM_NATIVE_ID_LENGTH, "\"}", 3);
    assert_int_equal(decode(desk, text), MSIM_NATIVE_READ);
    assert_true(desk->request.names_order);
    assert_int_equal(desk->request.order, 4711);
    id[3] = id[3] == '0' ? '1' : '0';
    assert_int_equal(decode(desk, text), MSIM_NATIVE_READ);
    assert_true(desk->request.names_order);
    assert_int_equal(desk->request.order, 0);
}

static void a_change_has_the_grid_of_its_orders_instrument(void **state)
{
    struct desk *desk = *state;
    static const char text[] =
        "{\"type\":\"REPLACE_ORDER\",\"client_order_id\":\"a\",\"price\":\"7.5\"}";

    assert_int_equal(decode(desk, text), MSIM_NATIVE_READ);
    assert_int_equal(msim_native_decode_change(desk->codec, text, strlen(text), 0, &desk->request,
                                               &desk->refusal),
                     MSIM_NATIVE_READ);
    assert_int_equal(desk->request.command.price, 750);
    assert_int_equal(msim_native_decode_change(desk->codec, text, strlen(text), 1, &desk->request,
                                               &desk->refusal),
                     MSIM_NATIVE_REFUSED);
    assert_int_equal(desk->refusal.reject, MSIM_REJECT_OFF_TICK);
}

static void in_a_body_the_type_is_the_orders(void **state)
{
    struct desk *desk = *state;
    static const char *const texts[] = {
        "{\"symbol\":\"BTC/USD\",\"side\":\"BUY\",\"type\":\"MARKET\",\"quantity\":\"1\"}",
        "{" ORDER "\"order_type\":\"MARKET\",\"quantity\":\"1\"}",
    };

    for (size_t i = 0; i < COUNT(texts); i++) {
        assert_int_equal(msim_native_decode_body(desk->codec, MSIM_NATIVE_PLACE_ORDER, texts[i],
                                                 strlen(texts[i]), &desk->request, &desk->refusal),
                         MSIM_NATIVE_READ);
        assert_int_equal(desk->request.command.type, MSIM_ORDER_MARKET);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_desk, close_desk)
    const struct CMUnitTest tests[] = {
        TEST(an_order_becomes_a_command_with_its_numbers_on_the_grid),
        TEST(keys_may_stand_in_any_order_with_strangers_between_and_numbers_be_numbers),
        TEST(a_symbol_with_escapes_is_found),
        TEST(what_is_no_object_is_refused_with_its_place),
        TEST(a_key_that_stands_twice_is_refused_known_or_not),
        TEST(more_strangers_than_the_bound_are_refused),
        TEST(the_answer_to_a_bad_message_finds_its_question),
        TEST(what_is_missing_or_wrong_is_named_with_the_remedy),
        TEST(a_number_off_the_grid_is_rejected_never_rounded),
        TEST(an_id_reads_back_and_a_strangers_names_no_order),
        TEST(a_change_has_the_grid_of_its_orders_instrument),
        TEST(in_a_body_the_type_is_the_orders),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
