/*
 * Who lost its connection and comes back: what it missed, and what it goes on being told.
 */
#include "unit/server/stage.h"

#define SUBSCRIBE "{\"type\":\"SUBSCRIBE\",\"channel\":\"ORDERS\",\"symbol\":\"*\"}"
#define RESUME(from) \
    "{\"type\":\"RESUME\",\"channel\":\"ORDERS\",\"symbol\":\"*\",\"from_sequence\":" from "}"
#define BUY                                                                                       \
    "{\"type\":\"PLACE_ORDER\",\"symbol\":\"BTC/USD\",\"side\":\"BUY\",\"order_type\":\"LIMIT\"," \
    "\"price\":\"30000\",\"quantity\":\"0.5\"}"
#define SELL                                                                                       \
    "{\"type\":\"PLACE_ORDER\",\"symbol\":\"BTC/USD\",\"side\":\"SELL\",\"order_type\":\"LIMIT\"," \
    "\"price\":\"30000\",\"quantity\":\"0.5\"}"

static const char *const lonely[] = {"exchange.liquidity.enabled=false"};

/* The types of all that was heard, in order, each with a space behind it. */
struct listener {
    struct wire wire;
    char types[1024];
};

static void note(void *context, const char *text, size_t length)
{
    struct listener *listener = context;
    static const char key[] = "{\"type\":\"";
    size_t used = strlen(listener->types);

    assert_true(length > sizeof key);
    assert_memory_equal(text, key, sizeof key - 1);
    const char *type = text + sizeof key - 1;
    snprintf(listener->types + used, sizeof listener->types - used, "%.*s ",
             (int)strcspn(type, "\""), type);
}

static void arrive(struct stage *stage, struct listener *listener, const char *name)
{
    memset(listener, 0, sizeof *listener);
    listener->wire.hear = note;
    listener->wire.context = listener;
    assert_int_equal(stage_arrive(stage, &listener->wire, name, 0), MSIM_ADMIT);
}

static void say(struct stage *stage, struct listener *listener, const char *words)
{
    listener->types[0] = '\0';
    stage_say(stage, &listener->wire, words);
}

static void who_resumes_is_told_of_money_as_a_subscriber_is(void **state)
{
    static const char *const from[] = {RESUME("1"), RESUME("99"), RESUME("0")};
    struct stage stage;
    struct listener robot;

    (void)state;
    stage_open(&stage, lonely, COUNT(lonely));
    arrive(&stage, &robot, "robot");
    say(&stage, &robot, SUBSCRIBE);
    assert_string_equal(robot.types, "SUBSCRIBED ORDERS ");
    say(&stage, &robot, BUY);
    assert_string_equal(robot.types, "ORDER_ACK BALANCE_UPDATE ");
    for (size_t i = 0; i < COUNT(from); i++) {
        stage_leave(&stage, &robot.wire);
        arrive(&stage, &robot, "robot");
        say(&stage, &robot, from[i]);
        say(&stage, &robot, BUY);
        assert_string_equal(robot.types, "ORDER_ACK BALANCE_UPDATE ");
    }
    stage_close(&stage);
}

static void who_resumes_is_told_how_its_money_stands_now(void **state)
{
    struct stage stage;
    struct listener robot;
    struct listener other;

    (void)state;
    stage_open(&stage, lonely, COUNT(lonely));
    arrive(&stage, &robot, "robot");
    arrive(&stage, &other, "other");
    say(&stage, &robot, BUY);
    stage_leave(&stage, &robot.wire);
    say(&stage, &other, SELL);
    arrive(&stage, &robot, "robot");
    say(&stage, &robot, RESUME("2"));
    assert_string_equal(robot.types, "SUBSCRIBED ORDER_FILL BALANCE_UPDATE POSITION_UPDATE ");
    assert_non_null(strstr(robot.wire.last, "\"quantity\":\"0.5\""));
    stage_close(&stage);
}

static void who_subscribed_before_its_first_message_can_resume_from_there(void **state)
{
    static const char *const from[] = {RESUME("0"), RESUME("1")};
    struct stage stage;
    struct listener robot;
    struct listener other;

    (void)state;
    stage_open(&stage, lonely, COUNT(lonely));
    arrive(&stage, &robot, "robot");
    arrive(&stage, &other, "other");
    say(&stage, &robot, SUBSCRIBE);
    assert_non_null(strstr(robot.wire.last, "\"type\":\"ORDERS\",\"channel\":\"ORDERS\""));
    assert_non_null(strstr(robot.wire.last, ",\"sequence\":0}"));
    say(&stage, &robot, "{\"type\":\"GET_ORDERS\"}");
    assert_null(strstr(robot.wire.last, "\"sequence\""));
    say(&stage, &robot, RESUME("1")); /* nothing was missed */
    assert_string_equal(robot.types, "SUBSCRIBED ORDERS BALANCE_UPDATE ");
    say(&stage, &robot, BUY);
    say(&stage, &other, SELL);
    for (size_t i = 0; i < COUNT(from); i++) {
        stage_leave(&stage, &robot.wire);
        arrive(&stage, &robot, "robot");
        say(&stage, &robot, from[i]);
        assert_string_equal(robot.types,
                            "SUBSCRIBED ORDER_ACK ORDER_FILL BALANCE_UPDATE POSITION_UPDATE ");
    }
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_resumes_is_told_of_money_as_a_subscriber_is),
        cmocka_unit_test(who_resumes_is_told_how_its_money_stands_now),
        cmocka_unit_test(who_subscribed_before_its_first_message_can_resume_from_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
