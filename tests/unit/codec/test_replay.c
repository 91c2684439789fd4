#include "check.h"

#include <marketsim/codec.h>
#include <marketsim/source.h>

#include <stdio.h>
#include <string.h>

#include "base/calendar.h"
#include "base/random.h"

static const char *const symbols[] = {
    "10000NFT-USDT-SWAP@BYBIT",
    "a\"b\\c\n\x01\x7f",
    "gr\xc3\xbc\xc3\x9f/\xf0\x9f\x98\x80",
    "",
};

static struct msim_record trade(msim_time time, int64_t price, int64_t quantity, uint32_t symbol)
{
    struct msim_record record = {.time = time, .symbol = symbol, .kind = MSIM_RECORD_TRADE};

    record.as.trade.price = price;
    record.as.trade.quantity = quantity;
    return record;
}

struct bench {
    struct msim_source source;
    struct msim_replay_encoder *encoder;
    char text[512];
};

static int set_up(void **state)
{
    static struct bench bench;
    struct msim_source_array_params params = MSIM_SOURCE_ARRAY_PARAMS_INIT;

    params.symbols = symbols;
    params.symbol_count = COUNT(symbols);
    if (msim_source_array(&bench.source, &params, NULL) < 0 ||
        msim_replay_encoder_create(&bench.encoder, &bench.source, NULL) < 0)
        return -1;
    *state = &bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;

    msim_replay_encoder_destroy(&bench->encoder);
    msim_source_release(&bench->source);
    return 0;
}

static const char *encoded(struct bench *bench, struct msim_record record)
{
    size_t length = 0;

    assert_int_equal(
        msim_replay_encode(bench->encoder, &record, bench->text, sizeof bench->text - 1, &length),
        MSIM_OK);
    bench->text[length] = '\0';
    return bench->text;
}

static void a_trade_is_written_as_the_original_writes_it(void **state)
{
    assert_string_equal(
        encoded(*state, trade(INT64_C(1656633629338000000), 6035000, 1000000000000, 0)),
        "{\"timestamp\": \"2022-07-01 00:00:29.338000\", \"price\": 6035000, "
        "\"volume\": 1000000000000, \"ticker\": \"10000NFT-USDT-SWAP@BYBIT\"}");
    assert_string_equal(encoded(*state, trade(INT64_C(1656633629000000000), 1, 2, 3)),
                        "{\"timestamp\": \"2022-07-01 00:00:29\", \"price\": 1, "
                        "\"volume\": 2, \"ticker\": \"\"}");
    assert_string_equal(encoded(*state, trade(INT64_C(1656633629000000001), -1, 0, 3)),
                        "{\"timestamp\": \"2022-07-01 00:00:29.000000001\", \"price\": -1, "
                        "\"volume\": 0, \"ticker\": \"\"}");
}

static void a_tickers_text_is_escaped_as_json_dumps_does(void **state)
{
    assert_string_equal(encoded(*state, trade(0, 1, 2, 1)),
                        "{\"timestamp\": \"1970-01-01 00:00:00\", \"price\": 1, \"volume\": 2, "
                        "\"ticker\": \"a\\\"b\\\\c\\n\\u0001\\u007f\"}");
    assert_string_equal(encoded(*state, trade(0, 1, 2, 2)),
                        "{\"timestamp\": \"1970-01-01 00:00:00\", \"price\": 1, \"volume\": 2, "
                        "\"ticker\": \"gr\\u00fc\\u00df/\\ud83d\\ude00\"}");
}

static void decimals_keep_their_digits_and_what_is_missing_is_null(void **state)
{
    struct msim_record record = trade(0, 1500, -7, 0);

    record.price_exponent = -3;
    record.quantity_exponent = -2;
    assert_non_null(strstr(encoded(*state, record), "\"price\": 1.500, \"volume\": -0.07, "));
    record.flags = MSIM_RECORD_NO_PRICE | MSIM_RECORD_NO_QUANTITY | MSIM_RECORD_NO_SYMBOL;
    assert_string_equal(encoded(*state, record),
                        "{\"timestamp\": \"1970-01-01 00:00:00\", \"price\": null, "
                        "\"volume\": null, \"ticker\": null}");
}

/* The encoder keeps texts between trades; the calendar does not. */
static void moments_agree_with_the_calendar_in_any_order(void **state)
{
    struct bench *bench = *state;

    for (uint64_t i = 0; i < 20000; i++) {
        uint64_t u = msim_mix64(i);
        msim_time time = (msim_time)u;
        if (i % 4 == 1)
            time = (msim_time)(u % 100) * MSIM_NS_PER_S;
        else if (i % 4 == 2)
            time = (msim_time)(u % (200 * 86400)) * MSIM_NS_PER_S - 100 * 86400 * MSIM_NS_PER_S;
        else if (i % 4 == 3)
            time = (msim_time)(u % 1000000) * MSIM_NS_PER_US;
        if (i < 2)
            time = i ? INT64_MAX : INT64_MIN;
        char moment[MSIM_CALENDAR_SIZE];
        char expected[128];
        msim_calendar_print(time, MSIM_CALENDAR_PLAIN, moment);
        snprintf(expected, sizeof expected, "{\"timestamp\": \"%s\", ", moment);
        assert_memory_equal(encoded(bench, trade(time, 1, 1, 0)), expected, strlen(expected));
    }
}

static void moments_are_written_in_the_style_that_was_chosen(void **state)
{
    static const struct {
        enum msim_replay_timestamps timestamps;
        msim_time time;
        const char *expected;
    } cases[] = {
        {MSIM_REPLAY_PANDAS, INT64_C(1656633629338000000), "\"2022-07-01 00:00:29.338000\""},
        {MSIM_REPLAY_ISO, INT64_C(1656633629338000000), "\"2022-07-01T00:00:29.338000Z\""},
        {MSIM_REPLAY_ISO, INT64_C(1656633629000000000), "\"2022-07-01T00:00:29.000000Z\""},
        {MSIM_REPLAY_NS, INT64_C(1656633629338000007), "1656633629338000007"},
        {MSIM_REPLAY_US, INT64_C(1656633629338000999), "1656633629338000"},
        {MSIM_REPLAY_MS, INT64_C(1656633629338999999), "1656633629338"},
        {MSIM_REPLAY_MS, -1, "-1"},
        {MSIM_REPLAY_US, INT64_MIN, "-9223372036854776"},
        {MSIM_REPLAY_NS, INT64_MIN, "-9223372036854775808"},
    };
    struct bench *bench = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        char expected[128];
        assert_int_equal(msim_replay_encoder_set_timestamps(bench->encoder, cases[i].timestamps),
                         MSIM_OK);
        snprintf(expected, sizeof expected,
                 "{\"timestamp\": %s, \"price\": 1, \"volume\": 2, \"ticker\": \"\"}",
                 cases[i].expected);
        assert_string_equal(encoded(bench, trade(cases[i].time, 1, 2, 3)), expected);
    }
    assert_int_equal(
        msim_replay_encoder_set_timestamps(bench->encoder, (enum msim_replay_timestamps)5),
        MSIM_ERR_INVALID);
    assert_int_equal(msim_replay_encoder_set_timestamps(bench->encoder, MSIM_REPLAY_PANDAS),
                     MSIM_OK);
}

static void a_bundle_says_its_moment_once(void **state)
{
    struct bench *bench = *state;
    size_t at = 0, length = 0;

    for (int i = 0; i < 3; i++) {
        struct msim_record record = trade(0, i, 2 * i, 3);
        assert_int_equal(
            msim_replay_encode_placed(bench->encoder, i ? MSIM_REPLAY_NEXT : MSIM_REPLAY_FIRST,
                                      &record, bench->text + at, sizeof bench->text - at, &length),
            MSIM_OK);
        at += length;
    }
    strcpy(bench->text + at, MSIM_REPLAY_BUNDLE_END);
    assert_string_equal(bench->text, "{\"timestamp\": \"1970-01-01 00:00:00\", \"trades\": ["
                                     "{\"price\": 0, \"volume\": 0, \"ticker\": \"\"}, "
                                     "{\"price\": 1, \"volume\": 2, \"ticker\": \"\"}, "
                                     "{\"price\": 2, \"volume\": 4, \"ticker\": \"\"}]}");
}

static void a_small_buffer_is_refused_and_told_what_it_takes(void **state)
{
    struct bench *bench = *state;
    struct msim_record record = trade(0, INT64_MIN, INT64_MAX, 2);
    size_t length = 0;

    record.price_exponent = record.quantity_exponent = -18;
    assert_int_equal(msim_replay_encode(bench->encoder, &record, bench->text, 10, &length),
                     MSIM_ERR_LIMIT);
    assert_true(length > 10 && length < sizeof bench->text);
    size_t written = 0;
    assert_int_equal(msim_replay_encode(bench->encoder, &record, bench->text, length, &written),
                     MSIM_OK);
    assert_true(written <= length);
}

static void what_is_no_trade_is_refused(void **state)
{
    struct bench *bench = *state;
    struct msim_record record = trade(0, 1, 1, COUNT(symbols));
    size_t length = 0;

    assert_int_equal(msim_replay_encode(bench->encoder, &record, bench->text, 512, &length),
                     MSIM_ERR_INVALID);
    record.symbol = 0;
    record.price_exponent = 1;
    assert_int_equal(msim_replay_encode(bench->encoder, &record, bench->text, 512, &length),
                     MSIM_ERR_INVALID);
    record.price_exponent = 0;
    record.kind = MSIM_RECORD_QUOTE;
    assert_int_equal(msim_replay_encode(bench->encoder, &record, bench->text, 512, &length),
                     MSIM_ERR_INVALID);
}

/* ---- reading ---- */

static int decode(const char *text, struct msim_replay_message *message, struct msim_detail *detail)
{
    static char scratch[1024];

    assert_true(strlen(text) <= sizeof scratch);
    return msim_replay_decode(text, strlen(text), message, scratch, detail);
}

static void what_is_written_is_read_back(void **state)
{
    struct bench *bench = *state;

    for (uint64_t i = 0; i < 5000; i++) {
        uint64_t u = msim_mix64(i);
        struct msim_record record = trade((msim_time)u, (int64_t)msim_mix64(u),
                                          (int64_t)msim_mix64(u + 1), (uint32_t)(u % 4));
        record.price_exponent = (int8_t) - (int)(u % 19);
        record.quantity_exponent = (int8_t) - (int)(u / 19 % 19);
        struct msim_replay_message message;
        assert_int_equal(decode(encoded(bench, record), &message, NULL), MSIM_OK);
        assert_int_equal(message.kind, MSIM_REPLAY_TRADE);
        assert_int_equal(message.record.time, record.time);
        assert_int_equal(message.record.as.trade.price, record.as.trade.price);
        assert_int_equal(message.record.as.trade.quantity, record.as.trade.quantity);
        assert_int_equal(message.record.price_exponent, record.price_exponent);
        assert_int_equal(message.record.quantity_exponent, record.quantity_exponent);
        assert_int_equal(message.text_length, strlen(symbols[record.symbol]));
        assert_memory_equal(message.text, symbols[record.symbol], message.text_length);
    }
}

static void keys_stand_in_any_order_and_foreign_ones_are_passed_over(void **state)
{
    struct msim_replay_message message;

    (void)state;
    assert_int_equal(decode(" {\"x\": {\"price\": [1, {\"ticker\": 7}]}, \"ticker\": null, "
                            "\"volume\": null, \"price\": 1.50, "
                            "\"timestamp\": \"2022-07-01T00:00:00Z\"} ",
                            &message, NULL),
                     MSIM_OK);
    assert_int_equal(message.record.as.trade.price, 150);
    assert_int_equal(message.record.price_exponent, -2);
    assert_int_equal(message.record.flags, MSIM_RECORD_NO_QUANTITY | MSIM_RECORD_NO_SYMBOL);
    assert_int_equal(message.record.time, INT64_C(1656633600) * MSIM_NS_PER_S);
}

static void status_and_error_are_told_apart_from_trades(void **state)
{
    struct msim_replay_message message;

    (void)state;
    assert_int_equal(decode("{\"status\": \"Replay finished.\"}", &message, NULL), MSIM_OK);
    assert_int_equal(message.kind, MSIM_REPLAY_STATUS);
    assert_string_equal(message.text, "Replay finished.");
    assert_int_equal(decode("{\"error\": \"a \\\"b\\\"\"}", &message, NULL), MSIM_OK);
    assert_int_equal(message.kind, MSIM_REPLAY_ERROR);
    assert_string_equal(message.text, "a \"b\"");
}

static void a_trade_with_columns_called_status_and_error_is_a_trade(void **state)
{
    struct msim_replay_message message;

    (void)state;
    assert_int_equal(decode("{\"timestamp\": \"2022-07-01 00:00:00\", \"price\": 1, \"volume\": 2, "
                            "\"ticker\": \"BTC\", \"status\": \"filled\", \"error\": [1]}",
                            &message, NULL),
                     MSIM_OK);
    assert_int_equal(message.kind, MSIM_REPLAY_TRADE);
    assert_string_equal(message.text, "BTC");
}

static void a_number_is_a_moment_in_the_unit_that_its_size_tells(void **state)
{
    static const struct {
        const char *number;
        msim_time time;
    } cases[] = {
        {"1656633629338", INT64_C(1656633629338000000)},
        {"1656633629338001", INT64_C(1656633629338001000)},
        {"1656633629338001007", INT64_C(1656633629338001007)},
    };
    struct msim_replay_message message;
    char text[128];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        snprintf(text, sizeof text,
                 "{\"timestamp\": %s, \"price\": 1, \"volume\": 2, \"ticker\": \"\"}",
                 cases[i].number);
        assert_int_equal(decode(text, &message, NULL), MSIM_OK);
        assert_int_equal(message.record.time, cases[i].time);
    }
}

struct sum {
    size_t trades;
    int64_t prices;
    int64_t stop_at;
};

static int add_trade(void *context, const struct msim_replay_message *message)
{
    struct sum *sum = context;

    assert_int_equal(message->kind, MSIM_REPLAY_TRADE);
    assert_int_equal(message->record.kind, MSIM_RECORD_TRADE);
    assert_int_equal(message->record.time, INT64_C(1656633600) * MSIM_NS_PER_S);
    sum->trades++;
    sum->prices += message->record.as.trade.price;
    return message->record.as.trade.price == sum->stop_at ? MSIM_ERR_STATE : MSIM_OK;
}

static void the_trades_of_a_bundle_are_given_in_their_order(void **state)
{
    static const char text[] =
        "{\"x\": {\"trades\": [1]}, \"trades\": [{\"price\": 1, \"volume\": 2, \"ticker\": \"A\", "
        "\"extra\": [{}]}, {\"ticker\": \"B\", \"volume\": 2, \"price\": 10}], "
        "\"timestamp\": \"2022-07-01 00:00:00\"}";
    struct msim_replay_message message;
    struct sum sum = {0};
    char scratch[sizeof text];

    (void)state;
    assert_int_equal(decode(text, &message, NULL), MSIM_OK);
    assert_int_equal(message.kind, MSIM_REPLAY_BUNDLE);
    assert_int_equal(
        msim_replay_decode_bundle(text, sizeof text - 1, scratch, add_trade, &sum, NULL), MSIM_OK);
    assert_int_equal(sum.trades, 2);
    assert_int_equal(sum.prices, 11);
    sum = (struct sum){.stop_at = 1};
    assert_int_equal(
        msim_replay_decode_bundle(text, sizeof text - 1, scratch, add_trade, &sum, NULL),
        MSIM_ERR_STATE);
    assert_int_equal(sum.trades, 1);
}

static void a_bundle_with_something_else_among_its_trades_is_refused(void **state)
{
    static const char *const cases[] = {
        "{\"timestamp\": \"2022-07-01\", \"trades\": [1]}",
        "{\"timestamp\": \"2022-07-01\", \"trades\": [{\"price\": 1, \"volume\": 2}]}",
        "{\"timestamp\": \"2022-07-01\", \"trades\": [{\"price\": \"1\"}]}",
        "{\"status\": \"Replay finished.\"}",
    };
    struct sum sum = {0};
    char scratch[128];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct msim_detail detail = {{0}};
        assert_int_equal(msim_replay_decode_bundle(cases[i], strlen(cases[i]), scratch, add_trade,
                                                   &sum, &detail),
                         MSIM_ERR_INVALID);
        assert_true(detail.text[0] != '\0');
    }
    assert_int_equal(sum.trades, 0);
}

static void what_is_no_message_is_refused_with_its_place(void **state)
{
    static const struct {
        const char *text;
        int result;
        const char *words;
    } cases[] = {
        {"", MSIM_ERR_FORMAT, "byte"},
        {"{\"timestamp\": \"2022-07-01\",}", MSIM_ERR_FORMAT, "byte"},
        {"[]", MSIM_ERR_INVALID, "object"},
        {"{}", MSIM_ERR_INVALID, "without timestamp"},
        {"{\"timestamp\": \"2022-07-01\", \"price\": 1, \"volume\": 2}", MSIM_ERR_INVALID,
         "without timestamp"},
        {"{\"timestamp\": 7}", MSIM_ERR_INVALID, "byte 14"},
        {"{\"timestamp\": \"2022-02-30\"}", MSIM_ERR_INVALID, "byte 14"},
        {"{\"price\": \"1\"}", MSIM_ERR_INVALID, "byte 10"},
        {"{\"price\": 0.0000000000000000001}", MSIM_ERR_OVERFLOW, "byte 10"},
        {"{\"volume\": 9223372036854775808}", MSIM_ERR_OVERFLOW, "byte 11"},
        {"{\"ticker\": 1}", MSIM_ERR_INVALID, "byte 11"},
        {"{\"status\": []}", MSIM_ERR_INVALID, "byte 11"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct msim_replay_message message;
        struct msim_detail detail = {{0}};
        assert_int_equal(decode(cases[i].text, &message, &detail), cases[i].result);
        if (!strstr(detail.text, cases[i].words))
            fail_msg("%s: %s", cases[i].text, detail.text);
    }
}

/* ---- further columns ---- */

static const char *one_symbol(void *self, uint32_t id, size_t *length)
{
    (void)self;
    (void)id;
    if (length)
        *length = 1;
    return "A";
}

static const char *const *five_names(void *self, size_t *count)
{
    static const char *const names[] = {"side", "n\"\xC3\xA9", "sent", "at", "maker"};

    (void)self;
    *count = COUNT(names);
    return names;
}

static int five_values(void *self, const struct msim_record *trade, struct msim_extra *values)
{
    (void)self;
    if (trade->sequence > 0)
        return MSIM_ERR_NOT_FOUND;
    values[0] = (struct msim_extra){MSIM_EXTRA_TEXT, "b\"\n\xC3\xA9", 5, 0};
    values[1] = (struct msim_extra){MSIM_EXTRA_BARE, "-1.50", 5, 0};
    values[2] = (struct msim_extra){MSIM_EXTRA_TIME, "", 0, INT64_C(1656633629338000000)};
    values[3] = (struct msim_extra){MSIM_EXTRA_NULL, "", 0, 0};
    values[4] = (struct msim_extra){MSIM_EXTRA_BARE, "true", 4, 0};
    return MSIM_OK;
}

static void further_columns_follow_under_their_own_names(void **state)
{
    static const struct msim_source_ops ops = {
        .symbol = one_symbol, .extra_names = five_names, .extras = five_values};
    struct msim_source source = {.ops = &ops};
    struct msim_replay_encoder *encoder = NULL;
    struct msim_record record = trade(0, 1, 2, 0);
    char text[1024];
    size_t length = 0, needed = 0;

    (void)state;
    assert_int_equal(msim_replay_encoder_create(&encoder, &source, NULL), MSIM_OK);
    assert_int_equal(msim_replay_encode(encoder, &record, text, sizeof text - 1, &length), MSIM_OK);
    text[length] = '\0';
    assert_string_equal(
        text, "{\"timestamp\": \"1970-01-01 00:00:00\", \"price\": 1, \"volume\": 2, "
              "\"ticker\": \"A\", \"side\": \"b\\\"\\n\\u00e9\", \"n\\\"\\u00e9\": -1.50, "
              "\"sent\": \"2022-07-01 00:00:29.338000\", \"at\": null, \"maker\": true}");
    assert_int_equal(msim_replay_encode(encoder, &record, text, length, &needed), MSIM_ERR_LIMIT);
    assert_true(needed > length && needed <= sizeof text);
    record.sequence = 1;
    assert_int_equal(msim_replay_encode(encoder, &record, text, sizeof text, &length),
                     MSIM_ERR_NOT_FOUND);
    msim_replay_encoder_destroy(&encoder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trade_is_written_as_the_original_writes_it),
        cmocka_unit_test(a_tickers_text_is_escaped_as_json_dumps_does),
        cmocka_unit_test(decimals_keep_their_digits_and_what_is_missing_is_null),
        cmocka_unit_test(moments_agree_with_the_calendar_in_any_order),
        cmocka_unit_test(moments_are_written_in_the_style_that_was_chosen),
        cmocka_unit_test(a_bundle_says_its_moment_once),
        cmocka_unit_test(a_small_buffer_is_refused_and_told_what_it_takes),
        cmocka_unit_test(what_is_no_trade_is_refused),
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(keys_stand_in_any_order_and_foreign_ones_are_passed_over),
        cmocka_unit_test(status_and_error_are_told_apart_from_trades),
        cmocka_unit_test(a_trade_with_columns_called_status_and_error_is_a_trade),
        cmocka_unit_test(a_number_is_a_moment_in_the_unit_that_its_size_tells),
        cmocka_unit_test(the_trades_of_a_bundle_are_given_in_their_order),
        cmocka_unit_test(a_bundle_with_something_else_among_its_trades_is_refused),
        cmocka_unit_test(what_is_no_message_is_refused_with_its_place),
        cmocka_unit_test(further_columns_follow_under_their_own_names),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
