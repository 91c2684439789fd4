/*
 * Who comes to the exchange, as whom, and what they may: without a socket, in simulated time.
 */
#include "unit/server/stage.h"

#include <stdlib.h>

#define ORDER                                                                                     \
    "{\"type\":\"PLACE_ORDER\",\"symbol\":\"BTC/USD\",\"side\":\"BUY\",\"order_type\":\"LIMIT\"," \
    "\"price\":\"30000\",\"quantity\":\"1\"}"

static const char *const lonely[] = {"exchange.liquidity.enabled=false"};

static uint32_t account_of_next(struct stage *stage, struct wire *wire)
{
    assert_int_equal(stage_arrive(stage, wire, "", 0), MSIM_ADMIT);
    return wire->client->account;
}

static void who_has_no_name_leaves_room_for_the_next(void **state)
{
    struct stage stage;
    struct wire wire = {0};

    (void)state;
    stage_open(&stage, lonely, COUNT(lonely));
    for (int i = 0; i < 70000; i++) { /* more than there are accounts */
        account_of_next(&stage, &wire);
        stage_leave(&stage, &wire);
    }
    assert_int_equal(msim_venue_account_count(stage.server->venue), MSIM_VENUE_FIRST_ACCOUNT + 1);
    stage_close(&stage);
}

static void two_without_a_name_at_a_time_are_two_accounts(void **state)
{
    struct stage stage;
    struct wire first = {0};
    struct wire second = {0};

    (void)state;
    stage_open(&stage, lonely, COUNT(lonely));
    uint32_t account = account_of_next(&stage, &first);
    assert_int_not_equal(account_of_next(&stage, &second), account);
    stage_leave(&stage, &first);
    assert_int_equal(account_of_next(&stage, &first), account);
    stage_close(&stage);
}

static void an_account_that_has_traded_goes_to_nobody_else(void **state)
{
    struct stage stage;
    struct wire wire = {0};

    (void)state;
    stage_open(&stage, lonely, COUNT(lonely));
    uint32_t account = account_of_next(&stage, &wire);
    stage_say(&stage, &wire, ORDER);
    stage_leave(&stage, &wire);
    assert_int_not_equal(account_of_next(&stage, &wire), account);
    stage_close(&stage);
}

static void an_account_that_somebody_names_goes_to_nobody_else(void **state)
{
    struct stage stage;
    struct wire wire = {0};
    char name[MSIM_VENUE_ACCOUNT_MAX + 1];

    (void)state;
    stage_open(&stage, lonely, COUNT(lonely));
    uint32_t account = account_of_next(&stage, &wire);
    snprintf(name, sizeof name, "%s", msim_venue_account_name(stage.server->venue, account));
    stage_leave(&stage, &wire);
    assert_int_equal(stage_arrive(&stage, &wire, name, 0), MSIM_ADMIT);
    assert_int_equal(wire.client->account, account);
    stage_leave(&stage, &wire);
    assert_int_not_equal(account_of_next(&stage, &wire), account);
    stage_close(&stage);
}

static void an_account_with_other_money_goes_to_nobody_else(void **state)
{
    struct stage stage;
    struct wire wire = {0};

    (void)state;
    stage_open(&stage, lonely, COUNT(lonely));
    uint32_t account = account_of_next(&stage, &wire);
    assert_int_equal(msim_venue_deposit(stage.server->venue, stage.server->now, account, 0, 1),
                     MSIM_OK);
    stage_leave(&stage, &wire);
    assert_int_not_equal(account_of_next(&stage, &wire), account);
    stage_close(&stage);
}

static void who_may_only_look_is_refused_what_changes_something(void **state)
{
    static const char *const commands[] = {
        ORDER,
        "{\"type\":\"CANCEL_ALL\"}",
        "{\"type\":\"CANCEL_ORDER\",\"client_order_id\":\"a\"}",
        "{\"type\":\"REPLACE_ORDER\",\"client_order_id\":\"a\",\"quantity\":\"1\"}",
    };
    static const char *const questions[] = {
        "{\"type\":\"GET_BALANCE\"}",
        "{\"type\":\"GET_ORDERS\"}",
        "{\"type\":\"SUBSCRIBE\",\"channel\":\"TICKER\",\"symbol\":\"*\"}",
    };
    static const unsigned flags[] = {VISIT_LOOKS, VISIT_PUBLIC};
    struct stage stage;
    struct wire wire = {0};

    (void)state;
    stage_open(&stage, lonely, COUNT(lonely));
    uint64_t digest = msim_engine_digest(stage.server->engine);
    for (size_t who = 0; who < COUNT(flags); who++) {
        assert_int_equal(stage_arrive(&stage, &wire, "viewer", flags[who]), MSIM_ADMIT);
        if (who == 0)
            digest = msim_engine_digest(stage.server->engine);
        for (size_t i = 0; i < COUNT(commands); i++) {
            stage_say(&stage, &wire, commands[i]);
            assert_non_null(strstr(wire.last, "\"code\":\"UNAUTHORIZED\""));
        }
        for (size_t i = 0; i < COUNT(questions); i++) {
            stage_say(&stage, &wire, questions[i]);
            assert_null(strstr(wire.last, "\"type\":\"ERROR\""));
        }
        assert_true(msim_engine_digest(stage.server->engine) == digest);
        stage_leave(&stage, &wire);
    }
    stage_close(&stage);
}

static void a_connection_for_market_data_hears_nothing_of_its_accounts_orders(void **state)
{
    struct stage stage;
    struct wire trades = {0};
    struct wire looks = {0};

    (void)state;
    stage_open(&stage, lonely, COUNT(lonely));
    assert_int_equal(stage_arrive(&stage, &trades, "robot", 0), MSIM_ADMIT);
    assert_int_equal(stage_arrive(&stage, &looks, "robot", VISIT_PUBLIC), MSIM_ADMIT);
    assert_string_equal(msim_fault_session_label(looks.client->session), "robot/ws_public/0");
    stage_say(&stage, &trades, ORDER);
    assert_int_equal(trades.heard, 1);
    assert_int_equal(looks.heard, 0);
    stage_close(&stage);
}

/* ---- clocks ---- */

static void add_fault(struct stage *stage, const char *json)
{
    struct msim_detail detail = {{0}};

    if (msim_faults_add(stage->server->faults, stage->server->now, json, strlen(json), NULL,
                        &detail) < 0)
        fail_msg("%s", detail.text);
    msim_exchange_wire_refresh(stage->server);
}

static void a_wrong_clock_is_on_all_that_its_account_is_told(void **state)
{
    static const char *const says[] = {
        "{\"type\":\"PING\"}",
        "{\"type\":\"NONSENSE\"}",
        "{\"type\":\"GET_ORDERS\"}",
        "{\"type\":\"SUBSCRIBE\",\"channel\":\"TICKER\",\"symbol\":\"BTC/USD\"}",
        ORDER,
    };
    struct stage stage;
    struct wire late = {0};
    struct wire other = {0};

    (void)state;
    stage_open(&stage, lonely, COUNT(lonely));
    assert_int_equal(stage_arrive(&stage, &late, "late", 0), MSIM_ADMIT);
    assert_int_equal(stage_arrive(&stage, &other, "other", 0), MSIM_ADMIT);
    add_fault(&stage,
              "{\"kind\":\"clock\",\"offset\":\"1500ms\",\"select\":{\"account\":\"late\"}}");
    for (size_t i = 0; i < COUNT(says); i++) {
        stage_say(&stage, &late, says[i]);
        stage_say(&stage, &other, says[i]);
        assert_non_null(strstr(late.last, "\"timestamp\":\"2023-11-14T22:13:21.500000Z\""));
        assert_non_null(strstr(other.last, "\"timestamp\":\"2023-11-14T22:13:20.000000Z\""));
    }
    stage_turn(&stage, MSIM_NS_PER_S); /* the ticker, on its beat */
    assert_non_null(strstr(late.last, "\"type\":\"MARKET_DATA\""));
    assert_non_null(strstr(late.last, "\"timestamp\":\"2023-11-14T22:13:22.500000Z\""));
    assert_non_null(strstr(other.last, "\"timestamp\":\"2023-11-14T22:13:21.000000Z\""));
    stage_close(&stage);
}

static void without_memory_a_wrong_clock_is_not_told_the_true_time(void **state)
{
    struct stage stage;
    struct wire late = {0};

    (void)state;
    stage_open(&stage, lonely, COUNT(lonely));
    assert_int_equal(stage_arrive(&stage, &late, "late", 0), MSIM_ADMIT);
    add_fault(&stage, "{\"kind\":\"clock\",\"offset\":\"1500ms\"}");
    const struct msim_allocator usual = stage.server->allocator;
    stage_starve(&stage);
    const char ping[] = "{\"type\":\"PING\"}";
    msim_exchange_take(stage.server, late.client, true, ping, sizeof ping - 1);
    stage.server->allocator = usual;
    assert_int_equal(late.heard, 0);
    assert_int_equal(stage.server->failure, MSIM_ERR_NOMEM);
    stage.server->failure = MSIM_OK;
    stage_get(&stage, "late", "/api/v1/health", "");
    assert_non_null(strstr(stage.answer, "\"timestamp\":\"2023-11-14T22:13:21.500000Z\""));
    stage_close(&stage);
}

static void what_a_client_calls_a_time_is_left_as_it_is(void **state)
{
    static const char order[] = "{\"type\":\"PLACE_ORDER\",\"symbol\":\"BTC/"
                                "USD\",\"side\":\"BUY\",\"order_type\":\"LIMIT\","
                                "\"price\":\"30000\",\"quantity\":\"1\",\"time_in_force\":\"GTD\","
                                "\"expires_at\":\"2023-11-14T23:00:00.000000Z\","
                                "\"client_order_id\":\"2023-11-14T23:00:00.000000Z\"}";
    struct stage stage;
    struct wire wire = {0};

    (void)state;
    stage_open(&stage, lonely, COUNT(lonely));
    assert_int_equal(stage_arrive(&stage, &wire, "late", 0), MSIM_ADMIT);
    add_fault(&stage, "{\"kind\":\"clock\",\"step\":\"-5s\"}");
    stage_say(&stage, &wire, order);
    assert_non_null(strstr(wire.last, "\"client_order_id\":\"2023-11-14T23:00:00.000000Z\""));
    stage_say(&stage, &wire, "{\"type\":\"GET_ORDERS\"}");
    assert_non_null(strstr(wire.last, "\"expires_at\":\"2023-11-14T23:00:00.000000Z\""));
    assert_non_null(strstr(wire.last, "\"created_at\":\"2023-11-14T22:13:15.000000Z\""));
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_has_no_name_leaves_room_for_the_next),
        cmocka_unit_test(two_without_a_name_at_a_time_are_two_accounts),
        cmocka_unit_test(an_account_that_has_traded_goes_to_nobody_else),
        cmocka_unit_test(an_account_that_somebody_names_goes_to_nobody_else),
        cmocka_unit_test(an_account_with_other_money_goes_to_nobody_else),
        cmocka_unit_test(who_may_only_look_is_refused_what_changes_something),
        cmocka_unit_test(a_connection_for_market_data_hears_nothing_of_its_accounts_orders),
        cmocka_unit_test(a_wrong_clock_is_on_all_that_its_account_is_told),
        cmocka_unit_test(without_memory_a_wrong_clock_is_not_told_the_true_time),
        cmocka_unit_test(what_a_client_calls_a_time_is_left_as_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
