/*
 * What kind of server speaks: by its first message, or not at all.
 */
#include "check.h"

#include <string.h>

#include "client/kinds.h"

static enum server_kind kind_of(const char *text)
{
    return server_kind_of(text, strlen(text));
}

static void each_kind_of_server_is_known_by_what_it_says_first(void **state)
{
    (void)state;
    assert_int_equal(kind_of("{\"type\":\"SUBSCRIBED\",\"channel\":\"ORDERS\"}"), SERVER_EXCHANGE);
    assert_int_equal(
        kind_of("{\"request_id\":\"0a\",\"results\":{\"T\":\"AAPL\"},\"status\":\"OK\"}"),
        SERVER_QUOTES);
    assert_int_equal(kind_of("{\"status\": \"Data loaded. Starting replay.\"}"), SERVER_REPLAY);
    assert_int_equal(kind_of("{\"timestamp\": \"2022-07-01 00:00:00\", \"price\": 1, "
                             "\"volume\": 2, \"ticker\": \"A\"}"),
                     SERVER_REPLAY);
    assert_int_equal(kind_of("[{\"ev\":\"status\",\"status\":\"connected\"}]"), SERVER_POLYGON);
    assert_int_equal(kind_of("0{\"sid\":\"a\",\"upgrades\":[]}"), SERVER_SOCKETIO);
}

/* A message that a fault has spoiled is a reason to leave nobody. */
static void what_is_none_of_them_tells_nothing(void **state)
{
    static const char *const texts[] = {
        "",
        "{",
        "{}",
        "[]",
        "[[]]",
        "[1",
        "[{}]",
        "null",
        "{\"status\":\"OK\"}",
        "{\"request_id\":\"0a\"}",
        "0",
        "0{\"x",
        "{\"results\":{}}",
        "hello",
        "[\"ev\"]",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++)
        if (kind_of(texts[i]) != SERVER_UNKNOWN)
            fail_msg("%s", texts[i]);
}

static void a_replay_is_known_by_how_it_refuses_an_account(void **state)
{
    (void)state;
    assert_int_equal(server_kind_of_closing("session: no such parameter; there are speed, from"),
                     SERVER_REPLAY);
    assert_int_equal(server_kind_of_closing("sped: no such parameter; there are speed, from"),
                     SERVER_UNKNOWN);
    assert_int_equal(server_kind_of_closing(""), SERVER_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_of_server_is_known_by_what_it_says_first),
        cmocka_unit_test(what_is_none_of_them_tells_nothing),
        cmocka_unit_test(a_replay_is_known_by_how_it_refuses_an_account),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
