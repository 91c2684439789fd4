/*
 * The remote control's messages and their answers.
 */
#include "check.h"

#include <string.h>

#include "server/replay_command.h"

static int read_command(const char *text, struct msim_replay_command *command,
                        struct msim_detail *detail)
{
    return msim_replay_command_read(command, text, strlen(text), MSIM_NS_PER_US, detail);
}

static struct msim_replay_command good(const char *text)
{
    struct msim_replay_command command = {0};
    struct msim_detail detail = {{0}};

    if (read_command(text, &command, &detail) < 0)
        fail_msg("%s: %s", text, detail.text);
    return command;
}

static void each_op_is_read(void **state)
{
    (void)state;
    assert_int_equal(good("{\"op\":\"pause\"}").op, MSIM_REPLAY_PAUSE);
    assert_int_equal(good(" { \"op\" : \"resume\" } ").op, MSIM_REPLAY_RESUME);
    assert_int_equal(good("{\"op\":\"\\u0073tats\"}").op, MSIM_REPLAY_STATS);
    struct msim_replay_command speed = good("{\"value\":2.50,\"op\":\"speed\"}");
    assert_int_equal(speed.op, MSIM_REPLAY_SPEED);
    assert_int_equal(speed.speed.num * 100 / speed.speed.den, 250);
    speed = good("{\"op\":\"speed\",\"value\":2e1}");
    assert_int_equal(speed.speed.num / speed.speed.den, 20);
    assert_int_equal(good("{\"op\":\"speed\",\"value\":\"20\"}").speed.num, 20);
    assert_int_equal(good("{\"op\":\"speed\",\"value\":\"max\"}").speed.den, 0);
    assert_int_equal(good("{\"op\":\"step\"}").count, 1);
    assert_int_equal(good("{\"op\":\"step\",\"count\":1e3}").count, 1000);
    assert_int_equal(good("{\"op\":\"step\",\"count\":\"10\"}").count, 10);
}

static void a_moment_is_text_or_a_number_in_the_clients_own_unit(void **state)
{
    const msim_time noon = INT64_C(1656676800) * MSIM_NS_PER_S;

    (void)state;
    assert_int_equal(good("{\"op\":\"seek\",\"to\":\"2022-07-01T12:00:00Z\"}").to, noon);
    assert_int_equal(good("{\"op\":\"seek\",\"to\":\"2022-07-01 12:00:00.000001\"}").to,
                     noon + 1000);
    assert_int_equal(good("{\"op\":\"seek\",\"to\":1656676800000000}").to, noon);
}

static void what_is_wrong_is_named(void **state)
{
    static const struct {
        const char *text;
        const char *words;
    } cases[] = {
        {"", "JSON"},
        {"pause", "JSON"},
        {"{\"op\":\"pause\"", "JSON"},
        {"{\"op\":\"pause\"} x", "JSON"},
        {"[\"pause\"]", "object"},
        {"{}", "op: "},
        {"{\"op\":1}", "op: "},
        {"{\"op\":\"Pause\"}", "op: "},
        {"{\"op\":\"pause\\u0000\"}", "op: "},
        {"{\"op\":\"pause\",\"op\":\"pause\"}", "pause: takes \"op\" alone"},
        {"{\"op\":\"pause\",\"value\":1}", "pause: takes \"op\" alone"},
        {"{\"op\":\"speed\",\"value\":1,\"value\":2}", "speed: takes \"op\" and \"value\""},
        {"{\"op\":\"speed\",\"to\":1}", "speed: takes \"op\" and \"value\""},
        {"{\"op\":\"speed\"}", "speed: "},
        {"{\"op\":\"speed\",\"value\":0}", "speed: "},
        {"{\"op\":\"speed\",\"value\":-1}", "speed: "},
        {"{\"op\":\"speed\",\"value\":1e99}", "speed: "},
        {"{\"op\":\"speed\",\"value\":[1]}", "speed: "},
        {"{\"op\":\"speed\",\"value\":\"fast\"}", "speed: "},
        {"{\"op\":\"seek\"}", "seek: "},
        {"{\"op\":\"seek\",\"to\":\"noon\"}", "seek: "},
        {"{\"op\":\"seek\",\"to\":1.5}", "seek: "},
        {"{\"op\":\"seek\",\"to\":9223372036854775807}", "seek: "},
        {"{\"op\":\"seek\",\"to\":{\"a\":[1,{}]}}", "seek: "},
        {"{\"op\":\"step\",\"count\":0}", "step: "},
        {"{\"op\":\"step\",\"count\":1.5}", "step: "},
        {"{\"op\":\"step\",\"count\":\"\"}", "step: "},
        {"{\"op\":\"step\",\"count\":\"0\"}", "step: "},
        {"{\"op\":\"step\",\"count\":\"1.5\"}", "step: "},
        {"{\"op\":\"step\",\"count\":\"two\"}", "step: "},
        {"{\"op\":\"step\",\"count\":null}", "step: "},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct msim_replay_command command = {.count = 77};
        struct msim_detail detail = {{0}};
        assert_true(read_command(cases[i].text, &command, &detail) < 0);
        if (!strstr(detail.text, cases[i].words))
            fail_msg("%s: %s", cases[i].text, detail.text);
        assert_int_equal(command.count, 77);
    }
}

static void a_long_message_is_refused_unread(void **state)
{
    static char text[MSIM_REPLAY_COMMAND_MAX + 2];
    struct msim_replay_command command;
    struct msim_detail detail;

    (void)state;
    memset(text, ' ', sizeof text);
    memcpy(text, "{\"op\":\"pause\"}", 14);
    assert_int_equal(msim_replay_command_read(&command, text, MSIM_REPLAY_COMMAND_MAX, 1, &detail),
                     MSIM_OK);
    assert_int_equal(
        msim_replay_command_read(&command, text, MSIM_REPLAY_COMMAND_MAX + 1, 1, &detail),
        MSIM_ERR_LIMIT);
    assert_non_null(strstr(detail.text, "1024"));
}

static void assert_text(const char *text, size_t length, const char *expected)
{
    assert_int_equal(length, strlen(expected));
    assert_memory_equal(text, expected, length);
}

static void answers_are_short_objects(void **state)
{
    char text[MSIM_REPLAY_ANSWER_MAX];

    (void)state;
    assert_text(text, msim_replay_answer_ok(MSIM_REPLAY_SEEK, text),
                "{\"status\":\"ok\",\"op\":\"seek\"}");
    assert_text(text, msim_replay_answer_error("no \"op\"", text), "{\"error\":\"no \\\"op\\\"\"}");
}

static void any_words_fit_into_an_answer(void **state)
{
    struct msim_detail detail;
    char text[MSIM_REPLAY_ANSWER_MAX];

    (void)state;
    memset(detail.text, 1, sizeof detail.text);
    detail.text[sizeof detail.text - 1] = '\0';
    assert_true(msim_replay_answer_error(detail.text, text) > 0);
}

static void stats_say_where_the_replay_stands(void **state)
{
    static struct msim_histogram lateness;
    struct msim_replay_progress progress = {.position = MSIM_TIME_NEVER, .lateness = &lateness};
    char text[MSIM_REPLAY_ANSWER_MAX];

    (void)state;
    progress.speed = (struct msim_speed){1, 0};
    assert_text(text, msim_replay_answer_stats(&progress, text),
                "{\"status\":\"ok\",\"op\":\"stats\",\"position\":null,\"paused\":false,"
                "\"speed\":\"max\",\"trades\":0,\"bundles\":0,\"backlog_bytes\":0,"
                "\"lateness_us\":{\"p50\":0,\"p99\":0,\"max\":0}}");
    msim_histogram_add(&lateness, 3000);
    progress = (struct msim_replay_progress){.position = INT64_C(1656633629338000000),
                                             .is_paused = true,
                                             .speed = {25, 10},
                                             .trades = 7,
                                             .bundles = 3,
                                             .backlog_bytes = 119,
                                             .lateness = &lateness};
    assert_text(text, msim_replay_answer_stats(&progress, text),
                "{\"status\":\"ok\",\"op\":\"stats\",\"position\":\"2022-07-01T00:00:29.338000Z\","
                "\"paused\":true,\"speed\":2.5,\"trades\":7,\"bundles\":3,\"backlog_bytes\":119,"
                "\"lateness_us\":{\"p50\":3,\"p99\":3,\"max\":3}}");
    progress.speed = (struct msim_speed){1, 3};
    size_t length = msim_replay_answer_stats(&progress, text);
    text[length] = '\0';
    assert_non_null(strstr(text, "\"speed\":\"1/3\","));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_op_is_read),
        cmocka_unit_test(a_moment_is_text_or_a_number_in_the_clients_own_unit),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(a_long_message_is_refused_unread),
        cmocka_unit_test(answers_are_short_objects),
        cmocka_unit_test(any_words_fit_into_an_answer),
        cmocka_unit_test(stats_say_where_the_replay_stands),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
