/*
 * What is told as of now is of now: an answer sees all that was due before it, whether a turn has
 * come meanwhile or not.
 */
#include "unit/server/stage.h"

#define LATER (10 * MSIM_NS_PER_S)

static const char *const moving[] = {"exchange.pricing_model.volatility=30",
                                     "exchange.liquidity.refresh=\"100ms\""};

/* The answer to a question that is asked `LATER`, before a turn and behind one at that moment. */
static void answers_are_the_same(const char *question, const char *opening)
{
    struct stage stage;
    struct wire wire = {0};
    char before[sizeof wire.last];
    char stale[sizeof wire.last];

    stage_open(&stage, moving, COUNT(moving));
    assert_int_equal(stage_arrive(&stage, &wire, "asker", 0), MSIM_ADMIT);
    stage_turn(&stage, MSIM_NS_PER_S);
    stage_say(&stage, &wire, question);
    memcpy(stale, wire.last, sizeof stale);
    assert_memory_equal(stale, opening, strlen(opening));

    stage.server->now += LATER;
    stage_say(&stage, &wire, question);
    memcpy(before, wire.last, sizeof before);
    stage_turn(&stage, 0);
    stage_say(&stage, &wire, question);
    assert_string_equal(wire.last, before);
    /* And something had changed but the moment. */
    const char *stale_rest = strstr(stale, "\"symbol\"");
    const char *rest = strstr(before, "\"symbol\"");
    assert_non_null(stale_rest);
    assert_non_null(rest);
    assert_string_not_equal(rest, stale_rest);
    stage_close(&stage);
}

static void a_book_that_is_asked_for_is_of_now(void **state)
{
    (void)state;
    answers_are_the_same("{\"type\":\"GET_ORDERBOOK\",\"symbol\":\"BTC/USD\"}",
                         "{\"type\":\"ORDERBOOK_UPDATE\"");
}

static void trades_that_are_asked_for_are_those_until_now(void **state)
{
    (void)state;
    answers_are_the_same("{\"type\":\"GET_TRADES\",\"symbol\":\"BTC/USD\",\"limit\":1}",
                         "{\"type\":\"TRADES\"");
}

static void a_ticker_over_rest_is_of_now(void **state)
{
    struct stage stage;
    char before[sizeof stage.answer];

    (void)state;
    stage_open(&stage, moving, COUNT(moving));
    stage_turn(&stage, MSIM_NS_PER_S);
    stage.server->now += LATER;
    stage_get(&stage, "asker", "/api/v1/ticker", "symbol=BTC/USD");
    memcpy(before, stage.answer, sizeof before);
    assert_true(stage.answer_length > 0);
    stage_turn(&stage, 0);
    stage_get(&stage, "asker", "/api/v1/ticker", "symbol=BTC/USD");
    assert_string_equal(stage.answer, before);
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_book_that_is_asked_for_is_of_now),
        cmocka_unit_test(trades_that_are_asked_for_are_those_until_now),
        cmocka_unit_test(a_ticker_over_rest_is_of_now),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
