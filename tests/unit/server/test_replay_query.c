/*
 * What a client of a replay asks for in its URL.
 */
#include "check.h"

#include <marketsim/codec.h>
#include <string.h>

#include "base/mem.h"
#include "oom/failing.h"
#include "server/replay_query.h"

/* What a close frame holds beside its code. */
#define REASON_MAX 123

struct bench {
    struct msim_allocator allocator;
    struct msim_replay_query query;
    struct msim_detail detail;
};

static int set_up(void **state)
{
    static struct bench bench;

    bench = (struct bench){.allocator = msim_mem_allocator(NULL)};
    *state = &bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;

    msim_replay_query_finish(&bench->query, &bench->allocator);
    return 0;
}

static void ask(struct bench *bench, const char *text)
{
    msim_replay_query_finish(&bench->query, &bench->allocator);
    int r = msim_replay_query_read(&bench->query, text, &bench->allocator, &bench->detail);
    if (r < 0)
        fail_msg("%s: %s", text, bench->detail.text);
}

static void each_parameter_is_read(void **state)
{
    struct bench *bench = *state;
    const struct msim_replay_query *query = &bench->query;

    ask(bench, "");
    assert_int_equal(query->asked, 0);
    ask(bench, "speed=2.5&from=2022-07-01T00:00:00Z&to=2022-07-01+00:00:01&format=bundle&"
               "timestamps=us&loop=1&ticker=BTC-*,ETH%2DUSDT&ticker=a%2Cb&extra=side,trade%20id");
    assert_int_equal(query->asked, 255);
    assert_int_equal(query->speed.num, 25);
    assert_int_equal(query->speed.den, 10);
    assert_true(query->selection.has_from && query->selection.has_to);
    assert_int_equal(query->selection.from, INT64_C(1656633600) * MSIM_NS_PER_S);
    assert_int_equal(query->selection.to, INT64_C(1656633601) * MSIM_NS_PER_S);
    assert_int_equal(query->format, MSIM_REPLAY_FORMAT_BUNDLE);
    assert_int_equal(query->timestamps, MSIM_REPLAY_US);
    assert_true(query->loop);
    assert_int_equal(query->tickers.count, 4);
    assert_string_equal(query->tickers.items[0], "BTC-*");
    assert_string_equal(query->tickers.items[1], "ETH-USDT");
    assert_string_equal(query->tickers.items[3], "b");
    assert_true(query->selection.has_extra);
    assert_int_equal(query->selection.extra_count, 2);
    assert_string_equal(query->selection.extra[1], "trade id");
    ask(bench, "speed=max&loop=0");
    assert_int_equal(query->speed.den, 0);
    assert_false(query->loop);
    assert_int_equal(query->asked, MSIM_REPLAY_ASKED_SPEED | MSIM_REPLAY_ASKED_LOOP);
}

static void what_the_guard_and_the_failure_layer_read_is_passed_over(void **state)
{
    struct bench *bench = *state;

    ask(bench, "api_key=k&timestamp=1700000000000&signature=00ff&msim_client=bot1&speed=2&&");
    assert_int_equal(bench->query.asked, MSIM_REPLAY_ASKED_SPEED);
}

static void a_mistake_is_refused_in_words_that_fit_into_a_close_frame(void **state)
{
    static const struct {
        const char *text;
        const char *name;
    } cases[] = {
        {"speed=0", "speed: "},
        {"speed=", "speed: "},
        {"speed", "speed: "},
        {"speed=-1", "speed: "},
        {"speed=fast", "speed: "},
        {"from=yesterday", "from: "},
        {"to=2022-02-30", "to: "},
        {"to=2022-07-01T00:00:00+02:00", "to: "},
        {"from=2022-07-02&to=2022-07-01", "from: "},
        {"from=2022-07-01&to=2022-07-01", "from: "},
        {"format=csv", "format: "},
        {"timestamps=seconds", "timestamps: "},
        {"loop=2", "loop: "},
        {"ticker=", "ticker: "},
        {"ticker=A,,B", "ticker: "},
        {"extra=a,", "extra: "},
        {"speed=1&speed=2", "speed: given twice"},
        {"timestamp=ns", "timestamp: no such parameter"},
        {"sped=1", "sped: no such parameter"},
        {"Speed=1", "Speed: no such parameter"},
        {"=1", "no such parameter"},
        {"gr%C3%BC%C3%9Fegr%C3%BC%C3%9Fegr%C3%BC%C3%9Fe=1", "no such parameter"},
        {"speed=%zz", "speed: "},
        {"speed=%00", "speed: "},
        {"%ff=1", "name"},
    };
    struct bench *bench = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        bench->detail.text[0] = '\0';
        assert_int_equal(
            msim_replay_query_read(&bench->query, cases[i].text, &bench->allocator, &bench->detail),
            MSIM_ERR_INVALID);
        if (!strstr(bench->detail.text, cases[i].name))
            fail_msg("%s: %s", cases[i].text, bench->detail.text);
        assert_true(strlen(bench->detail.text) <= REASON_MAX);
        assert_int_equal(bench->query.tickers.count, 0);
    }
}

static void more_names_than_the_bound_are_refused(void **state)
{
    struct bench *bench = *state;
    char text[8 + 2 * MSIM_REPLAY_NAMES_MAX + 2] = "ticker=";

    for (size_t i = 0; i < MSIM_REPLAY_NAMES_MAX; i++)
        memcpy(text + 7 + 2 * i, "A,", 2);
    text[7 + 2 * MSIM_REPLAY_NAMES_MAX - 1] = '\0';
    ask(bench, text);
    assert_int_equal(bench->query.tickers.count, MSIM_REPLAY_NAMES_MAX);
    msim_replay_query_finish(&bench->query, &bench->allocator);
    strcpy(text + 7 + 2 * MSIM_REPLAY_NAMES_MAX - 1, ",B");
    assert_int_equal(msim_replay_query_read(&bench->query, text, &bench->allocator, &bench->detail),
                     MSIM_ERR_INVALID);
    assert_non_null(strstr(bench->detail.text, "1024"));
}

static void a_broadcast_grants_what_it_does_anyway_and_nothing_else(void **state)
{
    static const struct {
        const char *text;
        const char *option; /* NULL: granted */
    } cases[] = {
        {"", NULL},
        {"speed=20.0", NULL},
        {"format=bundle&timestamps=ns&loop=1&msim_client=bot1", NULL},
        {"speed=max", "--speed"},
        {"speed=2", "--speed"},
        {"from=2022-07-01", "--from"},
        {"to=2022-07-01", "--to"},
        {"ticker=BTC", "--ticker"},
        {"format=trades", "--format"},
        {"timestamps=pandas", "--timestamps"},
        {"loop=0", "--loop"},
        {"extra=side", "--extra-columns"},
    };
    struct msim_replay_server_params params = MSIM_REPLAY_SERVER_PARAMS_INIT;
    struct bench *bench = *state;

    params.speed = (struct msim_speed){20, 1};
    params.format = MSIM_REPLAY_FORMAT_BUNDLE;
    params.timestamps = MSIM_REPLAY_NS;
    params.loop = true;
    for (size_t i = 0; i < COUNT(cases); i++) {
        ask(bench, cases[i].text);
        int r = msim_replay_query_check_broadcast(&bench->query, &params, &bench->detail);
        if ((r < 0) != (cases[i].option != NULL))
            fail_msg("%s", cases[i].text);
        if (r < 0 && !strstr(bench->detail.text, cases[i].option))
            fail_msg("%s: %s", cases[i].text, bench->detail.text);
        assert_true(r >= 0 || strlen(bench->detail.text) <= REASON_MAX);
    }
}

static int attempt(const struct msim_allocator *allocator, struct bench *bench)
{
    int r = msim_replay_query_read(&bench->query, "ticker=A,B,C&extra=x&speed=2", allocator,
                                   &bench->detail);

    msim_replay_query_finish(&bench->query, allocator);
    return r;
}

static void every_allocation_may_fail(void **state)
{
    FAIL_EACH_ALLOCATION(attempt, *state);
}

static void nothing_matched_says_what_was_asked_and_what_there_is(void **state)
{
    struct bench *bench = *state;
    struct msim_replay_history history = {.first = INT64_C(1656633600) * MSIM_NS_PER_S,
                                          .last = INT64_C(1656633601) * MSIM_NS_PER_S};
    char text[MSIM_REPLAY_NOTHING_SIZE];

    ask(bench, "speed=2&loop=1");
    assert_false(msim_replay_query_selects(&bench->query));
    ask(bench, "from=2030-01-01T00:00:00Z&to=2031-01-01T00:00:00Z&ticker=NOPE");
    assert_true(msim_replay_query_selects(&bench->query));
    msim_replay_query_nothing(&bench->query, &history, text);
    assert_string_equal(text, "{\"status\": \"Replay finished.\", \"trades\": 0, \"reason\": "
                              "\"no trade matches the query (from, to, ticker); there are trades "
                              "from 2022-07-01T00:00:00.000000Z to 2022-07-01T00:00:01.000000Z\"}");
    ask(bench, "ticker=NOPE");
    history.first = history.last = MSIM_TIME_NEVER;
    msim_replay_query_nothing(&bench->query, &history, text);
    assert_string_equal(text, "{\"status\": \"Replay finished.\", \"trades\": 0, \"reason\": "
                              "\"no trade matches the query (ticker)\"}");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(each_parameter_is_read),
        TEST(what_the_guard_and_the_failure_layer_read_is_passed_over),
        TEST(a_mistake_is_refused_in_words_that_fit_into_a_close_frame),
        TEST(more_names_than_the_bound_are_refused),
        TEST(a_broadcast_grants_what_it_does_anyway_and_nothing_else),
        TEST(nothing_matched_says_what_was_asked_and_what_there_is),
        TEST(every_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
