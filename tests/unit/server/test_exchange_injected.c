/*
 * What the failure layer says of itself: to whom it goes, and with which sequence.
 */
#include "unit/server/stage.h"

#include <stdlib.h>

static const char *const lonely[] = {"exchange.symbols=[\"BTC/USD\",\"ETH/USD\"]",
                                     "exchange.liquidity.enabled=false"};

#define ORDER                                                                                     \
    "{\"type\":\"PLACE_ORDER\",\"symbol\":\"BTC/USD\",\"side\":\"BUY\",\"order_type\":\"LIMIT\"," \
    "\"price\":\"30000\",\"quantity\":\"1\"}"
#define SUBSCRIBE(channel) \
    "{\"type\":\"SUBSCRIBE\",\"channel\":\"" channel "\",\"symbol\":\"BTC/USD\"}"
#define INJECT(type, to)                                                     \
    "{\"kind\":\"inject\",\"type\":\"" type "\",\"to\":" to ",\"template\":" \
    "\"{\\\"type\\\":\\\"MADE_UP\\\",\\\"symbol\\\":\\\"${symbol}\\\",\\\"sequence\\\":${seq}}\"}"

static void fire(struct stage *stage, const char *json)
{
    struct msim_detail detail = {{0}};

    if (msim_faults_fire(stage->server->faults, stage->server->now, json, strlen(json), &detail) <
        0)
        fail_msg("%s", detail.text);
    msim_exchange_wire_refresh(stage->server);
    stage_turn(stage, MSIM_NS_PER_MS);
}

static uint64_t sequence_in(const struct wire *wire)
{
    const char *at = strstr(wire->last, "\"sequence\":");

    assert_non_null(at);
    return strtoull(at + strlen("\"sequence\":"), NULL, 10);
}

static void a_public_text_goes_to_its_channel_with_the_next_sequence(void **state)
{
    struct stage stage;
    struct wire book = {0};
    struct wire trades = {0};
    struct wire nothing = {0};

    (void)state;
    stage_open(&stage, lonely, COUNT(lonely));
    stage_arrive(&stage, &book, "book", 0);
    stage_arrive(&stage, &trades, "trades", 0);
    stage_arrive(&stage, &nothing, "nothing", 0);
    stage_say(&stage, &book, SUBSCRIBE("ORDERBOOK_L2"));
    stage_say(&stage, &trades, SUBSCRIBE("TRADES"));
    stage_say(&stage, &nothing, ORDER);
    stage_turn(&stage, MSIM_NS_PER_MS);
    const uint64_t before = sequence_in(&book);
    const uint64_t trades_heard = trades.heard;
    const uint64_t nothing_heard = nothing.heard;

    fire(&stage, INJECT("md.snapshot", "{\"symbol\":\"BTC/USD\"}"));
    assert_non_null(strstr(book.last, "\"type\":\"MADE_UP\",\"symbol\":\"BTC/USD\""));
    assert_int_equal(sequence_in(&book), before + 1);
    fire(&stage, INJECT("md.depth", "{\"symbol\":\"ETH/USD\"}"));
    assert_int_equal(sequence_in(&book), before + 1);
    stage_say(&stage, &nothing, ORDER);
    stage_turn(&stage, MSIM_NS_PER_MS);
    assert_non_null(strstr(book.last, "ORDERBOOK_UPDATE"));
    assert_int_equal(sequence_in(&book), before + 2);
    assert_int_equal(trades.heard, trades_heard);
    assert_int_equal(nothing.heard, nothing_heard + 1); /* its second ack */

    fire(&stage, INJECT("md.trade", "{\"symbol\":\"BTC/USD\"}"));
    assert_int_equal(trades.heard, trades_heard + 1);
    assert_int_equal(sequence_in(&book), before + 2);
    stage_close(&stage);
}

static void an_injected_message_is_among_those_that_were_missed(void **state)
{
    struct stage stage;
    struct wire wire = {0};

    (void)state;
    stage_open(&stage, lonely, COUNT(lonely));
    stage_arrive(&stage, &wire, "book", 0);
    stage_say(&stage, &wire, SUBSCRIBE("ORDERBOOK_L2"));
    fire(&stage, INJECT("md.depth", "{\"symbol\":\"BTC/USD\"}"));
    const uint64_t injected = sequence_in(&wire);
    char resume[160];
    snprintf(resume, sizeof resume,
             "{\"type\":\"RESUME\",\"channel\":\"ORDERBOOK_L2\",\"symbol\":\"BTC/USD\","
             "\"from_sequence\":%llu}",
             (unsigned long long)injected);
    wire.last[0] = '\0';
    stage_say(&stage, &wire, resume);
    assert_non_null(strstr(wire.last, "MADE_UP"));
    assert_int_equal(sequence_in(&wire), injected);
    stage_close(&stage);
}

static void to_one_account_a_public_text_leaves_the_others_without_a_gap(void **state)
{
    struct stage stage;
    struct wire one = {0};
    struct wire other = {0};

    (void)state;
    stage_open(&stage, lonely, COUNT(lonely));
    stage_arrive(&stage, &one, "one", 0);
    stage_arrive(&stage, &other, "other", 0);
    stage_say(&stage, &one, SUBSCRIBE("ORDERBOOK_L2"));
    stage_say(&stage, &other, SUBSCRIBE("ORDERBOOK_L2"));
    const uint64_t before = sequence_in(&other);
    const uint64_t heard = other.heard;
    fire(&stage, INJECT("md.snapshot", "{\"account\":\"one\"}"));
    assert_non_null(strstr(one.last, "MADE_UP"));
    assert_int_equal(sequence_in(&one), before);
    assert_int_equal(other.heard, heard);
    stage_say(&stage, &one, ORDER);
    stage_turn(&stage, MSIM_NS_PER_MS);
    assert_int_equal(sequence_in(&other), before + 1);
    stage_close(&stage);
}

static void a_private_text_goes_to_the_accounts_connections_for_orders(void **state)
{
    struct stage stage;
    struct wire trades = {0};
    struct wire looks = {0};
    struct wire other = {0};

    (void)state;
    stage_open(&stage, lonely, COUNT(lonely));
    stage_arrive(&stage, &trades, "robot", 0);
    stage_arrive(&stage, &looks, "robot", VISIT_PUBLIC);
    stage_arrive(&stage, &other, "other", 0);
    stage_say(&stage, &trades, ORDER);
    const uint64_t before = sequence_in(&trades);
    fire(&stage, INJECT("exec.fill", "{\"account\":\"robot\"}"));
    assert_int_equal(sequence_in(&trades), before + 1);
    assert_int_equal(looks.heard, 0);
    assert_int_equal(other.heard, 0);
    stage_say(&stage, &trades, ORDER);
    assert_int_equal(sequence_in(&trades), before + 2);
    char resume[128];
    snprintf(resume, sizeof resume,
             "{\"type\":\"RESUME\",\"channel\":\"ORDERS\",\"from_sequence\":%llu}",
             (unsigned long long)before);
    const uint64_t heard = trades.heard;
    stage_say(&stage, &trades, resume);
    /* SUBSCRIBED, all three once more, and the balances as they are. */
    assert_int_equal(trades.heard, heard + 1 + 3 + 1);
    fire(&stage, INJECT("sys.notice", "{\"account\":\"robot\",\"channel\":\"ws_public\"}"));
    assert_non_null(strstr(looks.last, "{\"type\":\"MADE_UP\""));
    assert_int_equal(other.heard, 0);
    stage_close(&stage);
}

static void a_text_for_an_account_that_is_not_there_is_refused(void **state)
{
    static const char json[] = INJECT("other", "{\"account\":\"nobody\"}");
    struct stage stage;
    struct wire wire = {0};
    struct msim_detail detail = {{0}};

    (void)state;
    stage_open(&stage, lonely, COUNT(lonely));
    stage_arrive(&stage, &wire, "robot", 0);
    assert_int_equal(
        msim_faults_fire(stage.server->faults, stage.server->now, json, sizeof json - 1, &detail),
        MSIM_ERR_STATE);
    assert_non_null(strstr(detail.text, "no account \"nobody\""));
    stage_turn(&stage, MSIM_NS_PER_MS);
    assert_int_equal(wire.heard, 0);
    fire(&stage, INJECT("other", "{}"));
    assert_int_equal(wire.heard, 1);
    stage_close(&stage);
}

static void a_long_text_is_told_whole(void **state)
{
    struct stage stage;
    struct wire wire = {0};
    char json[7000] = "{\"kind\":\"inject\",\"template\":\"";
    size_t length = strlen(json);

    (void)state;
    stage_open(&stage, lonely, COUNT(lonely));
    stage_arrive(&stage, &wire, "robot", 0);
    memset(json + length, 'x', 6000);
    memcpy(json + length + 6000, "end\"}", sizeof "end\"}");
    fire(&stage, json);
    assert_int_equal(strlen(wire.last), 6003);
    assert_string_equal(wire.last + 6000, "end");
    stage_close(&stage);
}

/* Whoever it is for, a text that there was no memory for is not passed over in silence. */
static void a_text_without_memory_is_a_failure(void **state)
{
    static const char *const to[] = {"", "\"to\":{\"account\":\"robot\"},"};

    (void)state;
    for (size_t i = 0; i < COUNT(to); i++) {
        struct stage stage;
        struct wire wire = {0};
        struct msim_detail detail = {{0}};
        char json[4096];

        stage_open(&stage, lonely, COUNT(lonely));
        stage_arrive(&stage, &wire, "robot", 0);
        int length = snprintf(json, sizeof json, "{\"kind\":\"inject\",%s\"template\":\"%02000d\"}",
                              to[i], 0);
        assert_int_equal(msim_faults_fire(stage.server->faults, stage.server->now, json,
                                          (size_t)length, &detail),
                         MSIM_OK);
        msim_exchange_wire_refresh(stage.server);
        const struct msim_allocator usual = stage.server->allocator;
        stage_starve(&stage);
        stage.server->now += MSIM_NS_PER_MS;
        msim_exchange_turn(stage.server);
        stage.server->allocator = usual;
        assert_int_equal(wire.heard, 0);
        assert_int_equal(stage.server->failure, MSIM_ERR_NOMEM);
        stage_close(&stage);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_public_text_goes_to_its_channel_with_the_next_sequence),
        cmocka_unit_test(an_injected_message_is_among_those_that_were_missed),
        cmocka_unit_test(to_one_account_a_public_text_leaves_the_others_without_a_gap),
        cmocka_unit_test(a_private_text_goes_to_the_accounts_connections_for_orders),
        cmocka_unit_test(a_text_for_an_account_that_is_not_there_is_refused),
        cmocka_unit_test(a_long_text_is_told_whole),
        cmocka_unit_test(a_text_without_memory_is_a_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
