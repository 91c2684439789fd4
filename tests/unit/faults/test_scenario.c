/*
 * Scenarios, presets, the Python simulator's modes, and a faulty source.
 */
#include "bench.h"

static void run(struct bench *bench, msim_time now, const char *json)
{
    int r = msim_faults_scenario_start(bench->faults, now, json, strlen(json), &bench->detail);
    if (r < 0)
        fail_msg("%s", bench->detail.text);
}

static char report_text[16384];

static uint64_t failures_of(struct bench *bench)
{
    uint64_t failures = 0;
    size_t length = 0;

    assert_int_equal(msim_faults_scenario_report(bench->faults, report_text, sizeof report_text,
                                                 &length, &failures),
                     MSIM_OK);
    return failures;
}

static void the_specification_s_scenario_runs(void **state)
{
    struct bench bench;
    bool late[70] = {false};

    (void)state;
    bench_start(&bench);
    run(&bench, 100 * SEC,
        "{\"format\":1,\"name\":\"fill-before-ack\",\"seed\":42,\"strategies\":["
        "{\"id\":\"slow-ack\",\"kind\":\"delay\",\"select\":{\"dir\":\"out\",\"channel\":\"ws_"
        "private\","
        "\"type\":[\"ack.new\"]},\"p\":0.5,\"dist\":{\"type\":\"uniform\",\"min\":\"200ms\","
        "\"max\":\"900ms\"},"
        "\"order\":\"link\",\"enabled\":false}],"
        "\"timeline\":[{\"at\":\"10s\",\"do\":\"enable\",\"id\":\"slow-ack\"},{\"at\":\"60s\","
        "\"do\":\"heal\"},"
        "{\"at\":\"20s\",\"every\":\"10s\",\"times\":3,\"do\":\"venue\",\"action\":{\"do\":"
        "\"halt\"}}],"
        "\"expect\":[{\"strategy\":\"slow-ack\",\"hits_min\":1}]}");
    assert_int_equal(failures_of(&bench), 1);
    assert_non_null(strstr(report_text, "\"failures\":0,\"open\":1}"));
    for (int i = 0; i < 70; i++) {
        msim_time now = 100 * SEC + i * SEC + 1;
        late[i] = bench_text(&bench, now, bench.out, MSIM_FAULT_ACK_NEW, "x") == MSIM_FAULT_TAKEN;
        bench_run(&bench, now + SEC - 2);
    }
    for (int i = 0; i < 70; i++)
        assert_true(!late[i] || (i >= 10 && i < 60));
    struct msim_fault_venue_action action;
    for (int i = 0; i < 3; i++)
        assert_int_equal(msim_faults_venue(bench.faults, 170 * SEC, &action), MSIM_PULL_RECORD);
    assert_int_equal(msim_faults_venue(bench.faults, 170 * SEC, &action), MSIM_PULL_EMPTY);
    assert_int_equal(failures_of(&bench), 0);
    assert_non_null(strstr(report_text, "\"verdict\":\"holds\""));
    assert_int_equal(msim_faults_scenario_stop(bench.faults, 171 * SEC), MSIM_OK);
    assert_int_equal(msim_faults_scenario_stop(bench.faults, 171 * SEC), MSIM_ERR_STATE);
    assert_int_equal(failures_of(&bench), 0);
    bench_finish(&bench);
}

static void messages_and_hits_trigger_steps(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench);
    run(&bench, 0,
        "{\"format\":1,\"strategies\":[{\"id\":\"d\",\"kind\":\"drop\",\"select\":{\"dir\":\"out\"}"
        ",\"every\":2}],"
        "\"timeline\":[{\"on\":{\"type\":\"order.new\",\"count\":3},\"do\":\"fire\",\"fault\":"
        "{\"kind\":\"session\",\"action\":\"rst\",\"scope\":\"account\",\"account\":\"acct-A\"}},"
        "{\"on\":{\"hits_of\":\"d\",\"count\":2},\"do\":\"mark\"}]}");
    for (int i = 0; i < 4; i++)
        bench_text(&bench, i, bench.out, MSIM_FAULT_OTHER, "x");
    bench_run(&bench, 5);
    for (int i = 0; i < 2; i++)
        bench_text(&bench, 10 + i, bench.in, MSIM_FAULT_ORDER_NEW, "x");
    bench_run(&bench, 20);
    bench.count = 0;
    bench_text(&bench, 30, bench.in, MSIM_FAULT_ORDER_NEW, "third");
    bench_run(&bench, 30);
    assert_int_equal(bench.count, 2);
    assert_string_equal(bench.seen[0].text, "third");
    assert_int_equal(bench.seen[1].action, MSIM_FAULT_ACTION_RST);
    failures_of(&bench);
    assert_non_null(strstr(report_text, "\"marks\":1"));
    bench_finish(&bench);
}

static void events_and_positions_trigger_steps(void **state)
{
    struct bench bench;
    struct msim_event fill = {.order = 7,
                              .account = 1,
                              .kind = MSIM_EVENT_FILL,
                              .side = MSIM_SIDE_BUY,
                              .status = MSIM_STATUS_PARTIALLY_FILLED};

    (void)state;
    bench_start(&bench);
    run(&bench, 0,
        "{\"format\":1,\"timeline\":["
        "{\"on\":{\"type\":\"exec.partial\",\"account\":\"1\",\"count\":2},\"do\":\"mark\"},"
        "{\"on\":{\"position\":{\"account\":\"1\",\"symbol\":\"0\",\"min\":15}},\"do\":\"mark\"},"
        "{\"on\":{\"order_state\":\"partially_filled\"},\"repeat\":true,\"do\":\"mark\"}]}");
    for (uint64_t i = 1; i <= 3; i++) {
        fill.as.fill = (struct msim_event_fill){
            .trade = i, .price = 5, .quantity = 10, .leaves = 100, .filled = (msim_qty)(10 * i)};
        assert_int_equal(msim_faults_report(bench.faults, (msim_time)i, &fill), MSIM_FAULT_PASS);
        bench_run(&bench, (msim_time)i);
    }
    failures_of(&bench);
    assert_non_null(strstr(report_text, "\"marks\":5")); /* one, one, and three */
    bench_finish(&bench);
}

/* A fill of ten at `now` that the robot sees, or does not. */
static void fill_ten(struct bench *bench, msim_time now, uint64_t trade)
{
    struct msim_event fill = {
        .order = 7, .account = 1, .kind = MSIM_EVENT_FILL, .side = MSIM_SIDE_BUY};

    fill.as.fill = (struct msim_event_fill){
        .trade = trade, .price = 5, .quantity = 10, .leaves = 100, .filled = 10 * (msim_qty)trade};
    assert_true(msim_faults_report(bench->faults, now, &fill) >= 0);
}

static void robot_says(struct bench *bench, const char *view)
{
    assert_int_equal(msim_faults_view(bench->faults, "1", view, strlen(view), NULL), MSIM_OK);
}

static const char reconciled_soon[] =
    "{\"format\":1,\"expect\":[{\"at\":\"end\",\"ledger_reconciled\":\"1\",\"within\":\"10s\"}]}";

static void what_came_true_in_its_time_stays_true(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench);
    run(&bench, 0, reconciled_soon);
    fill_ten(&bench, 1, 1);
    assert_int_equal(msim_faults_scenario_stop(bench.faults, SEC), MSIM_OK);
    assert_int_equal(failures_of(&bench), 1);
    assert_non_null(strstr(report_text, "\"open\""));
    bench_run(&bench, 11 * SEC);
    robot_says(&bench, "{\"position\":{\"0\":10}}");
    assert_int_equal(failures_of(&bench), 0);
    fill_ten(&bench, 12 * SEC, 2); /* it trades on, and the view is an old one */
    assert_int_equal(failures_of(&bench), 0);
    assert_non_null(strstr(report_text, "\"holds\""));
    bench_finish(&bench);
}

static void what_comes_true_too_late_has_failed(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench);
    run(&bench, 0, reconciled_soon);
    fill_ten(&bench, 1, 1);
    assert_int_equal(msim_faults_scenario_stop(bench.faults, SEC), MSIM_OK);
    bench_run(&bench, 11 * SEC + 1);
    robot_says(&bench, "{\"position\":{\"0\":10}}");
    assert_int_equal(failures_of(&bench), 1);
    assert_non_null(strstr(report_text, "\"failed\""));
    bench_finish(&bench);
}

static void what_does_not_hold_says_what_was_there_when_it_failed(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench);
    run(&bench, 0,
        "{\"format\":1,\"strategies\":[{\"id\":\"d\",\"kind\":\"drop\",\"select\":{\"dir\":\"out\"}"
        "}],\"expect\":[{\"strategy\":\"d\",\"hits_min\":3},{\"strategy\":\"d\",\"hits_max\":0},"
        "{\"ledger_reconciled\":\"1\"},{\"ledger_reconciled\":\"nobody\"}]}");
    fill_ten(&bench, 0, 1);
    robot_says(&bench, "{\"position\":{\"0\":11}}");
    bench_text(&bench, 1, bench.out, MSIM_FAULT_OTHER, "x");
    assert_int_equal(msim_faults_scenario_stop(bench.faults, SEC), MSIM_OK);
    bench_text(&bench, 2 * SEC, bench.out, MSIM_FAULT_OTHER, "x");
    assert_int_equal(failures_of(&bench), 4);
    assert_non_null(strstr(report_text, "\"why\":\"hits: 1, wanted: at least 3\""));
    assert_non_null(strstr(report_text, "\"why\":\"hits: 1, wanted: at most 0\""));
    assert_non_null(strstr(report_text, "\"why\":\"the account's view is not the truth\""));
    assert_non_null(strstr(report_text, "\"why\":\"no view of this account was told"));
    bench_finish(&bench);
}

static void a_step_whose_strategy_is_gone_by_then_is_told_the_nearest(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench);
    run(&bench, 0,
        "{\"format\":1,\"strategies\":["
        "{\"id\":\"lost\",\"kind\":\"drop\",\"select\":{\"dir\":\"out\"},\"p\":0.1},"
        "{\"id\":\"lots\",\"kind\":\"drop\",\"select\":{\"dir\":\"out\"},\"p\":0.1},"
        "{\"id\":\"strangers\",\"kind\":\"drop\",\"select\":{\"dir\":\"out\"},\"p\":0.1}],"
        "\"timeline\":["
        "{\"at\":\"1s\",\"do\":\"enable\",\"id\":\"lots\"},"
        "{\"at\":\"1s\",\"do\":\"enable\",\"id\":\"strangers\"},"
        "{\"at\":\"0s\",\"do\":\"remove\",\"id\":\"lots\"},"
        "{\"at\":\"0s\",\"do\":\"remove\",\"id\":\"strangers\"}]}");
    bench_run(&bench, 2 * SEC);
    failures_of(&bench);
    assert_non_null(strstr(report_text, "/timeline/0/id"));
    assert_non_null(
        strstr(report_text, "no strategy \\\"lots\\\"; the nearest one is \\\"lost\\\"\""));
    assert_non_null(strstr(report_text, "no strategy \\\"strangers\\\"\""));
    bench_finish(&bench);
}

static void without_a_time_the_end_decides(void **state)
{
    static const char *const views[] = {"{\"position\":{\"0\":10}}", "{\"position\":{\"0\":11}}"};
    struct bench bench;

    (void)state;
    for (size_t i = 0; i < COUNT(views); i++) {
        bench_start(&bench);
        run(&bench, 0, "{\"format\":1,\"expect\":[{\"ledger_reconciled\":\"1\"}]}");
        fill_ten(&bench, 1, 1);
        robot_says(&bench, views[i]);
        assert_int_equal(msim_faults_scenario_stop(bench.faults, SEC), MSIM_OK);
        robot_says(&bench, views[1 - i]);
        assert_int_equal(failures_of(&bench), i);
        bench_finish(&bench);
    }
}

static void hits_count_as_they_were_at_the_end_and_from_strategies_that_went(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench);
    run(&bench, 0,
        "{\"format\":1,\"strategies\":[{\"id\":\"d\",\"kind\":\"drop\",\"select\":{\"dir\":\"out\"}"
        "}]"
        ",\"timeline\":[{\"at\":\"1s\",\"do\":\"remove\",\"id\":\"d\"}],"
        "\"expect\":[{\"strategy\":\"d\",\"hits_min\":3,\"hits_max\":3}]}");
    for (int i = 0; i < 3; i++)
        bench_text(&bench, i, bench.out, MSIM_FAULT_OTHER, "x");
    bench_run(&bench, 2 * SEC);
    assert_int_equal(failures_of(&bench), 0);
    assert_int_equal(msim_faults_scenario_stop(bench.faults, 2 * SEC), MSIM_OK);
    bench_add(&bench, 2 * SEC, "{\"id\":\"d\",\"kind\":\"drop\",\"select\":{\"dir\":\"out\"}}");
    bench_text(&bench, 2 * SEC, bench.out, MSIM_FAULT_OTHER, "x");
    assert_int_equal(failures_of(&bench), 0);
    bench_finish(&bench);
}

static void a_strategy_that_neither_stands_nor_comes_is_named_at_the_start(void **state)
{
    static const struct {
        const char *json;
        const char *words;
    } bad[] = {
        {"{\"format\":1,\"strategies\":[{\"id\":\"slow-ack\",\"kind\":\"drop\",\"select\":{\"dir\":"
         "\"out\"}}],"
         "\"expect\":[{\"strategy\":\"slow-ack\"},{\"strategy\":\"slwo-ack\",\"hits_max\":0}]}",
         "/expect/1/strategy (line 1, column 129): there is no strategy \"slwo-ack\", and no step "
         "adds one; the nearest one is \"slow-ack\""},
        {"{\"format\":1,\"expect\":[{\"strategy\":\"drop-1\"}]}", "/expect/0/strategy"},
        {"{\"format\":1,\"timeline\":[{\"on\":{\"hits_of\":\"stand\"},\"do\":\"heal\"}]}",
         "/timeline/0/on/hits_of (line 1, column 42): there is no strategy \"stand\", and no step "
         "adds one; the nearest one is \"stands\""},
        {"{\"format\":1,\"timeline\":[{\"at\":\"1s\",\"do\":\"enable\",\"id\":\"stand\"}]}",
         "/timeline/0/id (line 1, column 55): there is no strategy \"stand\", and no step adds "
         "one; "
         "the nearest one is \"stands\""},
        {"{\"format\":1,\"timeline\":[{\"at\":\"1s\",\"do\":\"disable\",\"id\":\"other\"}]}",
         "/timeline/0/id (line 1, column 56): there is no strategy \"other\", and no step adds "
         "one"},
        {"{\"format\":1,\"timeline\":[{\"at\":\"1s\",\"do\":\"update\",\"id\":\"other\","
         "\"patch\":{}}]}",
         "/timeline/0/id"},
        {"{\"format\":1,\"timeline\":[{\"at\":\"1s\",\"do\":\"remove\",\"id\":\"other\"}]}",
         "/timeline/0/id"},
        {"{\"format\":1,\"timeline\":[{\"at\":\"1s\",\"do\":\"enable\",\"id\":\""
         "0123456789012345678901234567890123456789012345678901234567890123456789\"}]}",
         "/timeline/0/id (line 1, column 55): an id has at most 64 characters"},
    };
    static const char *const good[] = {
        "{\"format\":1,\"expect\":[{\"strategy\":\"stands\"},{\"strategy\":\"sim-lostack\"}]}",
        "{\"format\":1,\"strategies\":[{\"kind\":\"drop\",\"select\":{\"dir\":\"out\"}}],"
        "\"expect\":[{\"strategy\":\"drop-1\"}]}",
        "{\"format\":1,\"timeline\":[{\"at\":\"2s\",\"do\":\"remove\",\"id\":\"later\"},"
        "{\"at\":\"1s\",\"do\":\"add\",\"strategy\":"
        "{\"id\":\"later\",\"kind\":\"drop\",\"select\":{\"dir\":\"out\"}}}],"
        "\"expect\":[{\"strategy\":\"later\"}]}",
        "{\"format\":1,\"timeline\":[{\"at\":\"1s\",\"do\":\"venue\",\"action\":"
        "{\"id\":\"stop\",\"do\":\"halt\",\"symbol\":\"A\"}}],\"expect\":[{\"strategy\":\"stop\"}]"
        "}",
        "{\"format\":1,\"timeline\":[{\"at\":\"1s\",\"do\":\"venue\",\"action\":"
        "{\"do\":\"halt\",\"symbol\":\"A\"}}],\"expect\":[{\"strategy\":\"venue-6\"}]}",
    };
    struct bench bench;

    (void)state;
    bench_start(&bench);
    bench_add(&bench, 0, "{\"id\":\"stands\",\"kind\":\"drop\",\"select\":{\"dir\":\"out\"}}");
    for (size_t i = 0; i < COUNT(bad); i++) {
        size_t length = strlen(bad[i].json);
        assert_int_equal(
            msim_faults_scenario_start(bench.faults, 0, bad[i].json, length, &bench.detail),
            MSIM_ERR_INVALID);
        if (strncmp(bench.detail.text, bad[i].words, strlen(bad[i].words)) != 0)
            fail_msg("%s", bench.detail.text);
        /* Until it starts somebody may add it. */
        assert_int_equal(
            msim_faults_scenario_check(bench.faults, bad[i].json, length, &bench.detail), MSIM_OK);
    }
    for (size_t i = 0; i < COUNT(good); i++) {
        run(&bench, 0, good[i]);
        assert_int_equal(msim_faults_scenario_stop(bench.faults, 0), MSIM_OK);
    }
    assert_int_equal(msim_faults_scenario_check(bench.faults, "{}", 2, NULL), MSIM_ERR_INVALID);
    bench_finish(&bench);
}

static void a_bad_scenario_is_refused_whole(void **state)
{
    static const char *const bad[] = {
        "[]",
        "{}",
        "{\"format\":2}",
        "{\"format\":1,\"swarm\":{}}",
        "{\"format\":1,\"seed\":7}",
        "{\"format\":1,\"timeline\":[{\"do\":\"heal\"}]}",
        "{\"format\":1,\"timeline\":[{\"at\":\"1s\",\"do\":\"explode\"}]}",
        "{\"format\":1,\"timeline\":[{\"at\":\"1s\",\"do\":\"enable\"}]}",
        "{\"format\":1,\"timeline\":[{\"at\":\"1s\",\"on\":{},\"do\":\"heal\"}]}",
        "{\"format\":1,\"timeline\":[{\"at\":\"1s\",\"do\":\"add\",\"strategy\":{\"kind\":\"drop\"}"
        "}]}",
        "{\"format\":1,\"timeline\":[{\"on\":{},\"do\":\"heal\"}]}",
        "{\"format\":1,\"timeline\":[{\"at\":\"1s\",\"every\":\"0s\",\"do\":\"heal\"}]}",
        "{\"format\":1,\"timeline\":[{\"at\":\"1s\",\"repeat\":true,\"do\":\"heal\"}]}",
        "{\"format\":1,\"timeline\":[{\"on\":{\"type\":\"exec.fill\"},\"every\":\"1s\",\"do\":"
        "\"heal\"}"
        "]}",
        "{\"format\":1,\"timeline\":[{\"at\":\"1s\",\"do\":\"heal\",\"id\":\"x\"}]}",
        "{\"format\":1,\"timeline\":[{\"at\":\"1s\",\"do\":\"heal\",\"fault\":{}}]}",
        "{\"format\":1,\"timeline\":[{\"at\":\"1s\",\"do\":\"enable\",\"id\":7}]}",
        "{\"format\":1,\"timeline\":[{\"at\":\"1s\",\"do\":\"update\",\"id\":\"x\",\"patch\":7}]}",
        "{\"format\":1,\"timeline\":[{\"at\":\"1s\",\"do\":\"venue\",\"action\":{\"do\":\"hallt\"}}"
        "]}",
        "{\"format\":1,\"timeline\":[{\"on\":{\"hits_of\":\"x\",\"symbol\":\"B\"},\"do\":\"heal\"}]"
        "}",
        "{\"format\":1,\"expect\":[{\"ledger_reconciled\":\"b\",\"hits_min\":4}]}",
        "{\"format\":1,\"expect\":[{\"strategy\":\"b\",\"within\":\"4s\"}]}",
        "{\"format\":1,\"expect\":[{\"hits_min\":1}]}",
        "{\"format\":1,\"strategies\":[{\"kind\":\"drop\",\"select\":{\"dir\":\"in\"},\"id\":\"a\"}"
        ",{\"kind\":\"x\"}]}",
    };
    struct bench bench;
    struct msim_fault_counts counts;

    (void)state;
    bench_start(&bench);
    for (size_t i = 0; i < COUNT(bad); i++) {
        bench.detail.text[0] = '\0';
        if (msim_faults_scenario_start(bench.faults, 0, bad[i], strlen(bad[i]), &bench.detail) !=
            MSIM_ERR_INVALID)
            fail_msg("%s: %s", bad[i], bench.detail.text);
        assert_true(bench.detail.text[0] != '\0');
    }
    assert_int_equal(msim_faults_counts(bench.faults, "a", &counts), MSIM_ERR_NOT_FOUND);
    run(&bench, 0, "{\"format\":1,\"name\":\"one\"}");
    assert_int_equal(msim_faults_scenario_start(bench.faults, 0, "{\"format\":1}", 12, NULL),
                     MSIM_ERR_STATE);
    bench_finish(&bench);
}

/* ---- presets ---- */

static void every_preset_can_be_added_and_overridden(void **state)
{
    size_t count = 0;

    (void)state;
    for (const char *name; (name = msim_fault_preset_name(count)); count++) {
        struct bench bench;
        bench_start(&bench);
        assert_non_null(msim_fault_preset_json(count));
        int r = msim_faults_preset(bench.faults, 0, name, NULL, 0, &bench.detail);
        if (r < 0)
            fail_msg("%s: %s", name, bench.detail.text);
        bench_finish(&bench);
        bench_start(&bench);
        const char off[] = "{\"enabled\":false}";
        r = msim_faults_preset(bench.faults, 0, name, off, strlen(off), &bench.detail);
        if (r < 0)
            fail_msg("%s: %s", name, bench.detail.text);
        assert_int_equal(bench_text(&bench, 0, bench.out, MSIM_FAULT_MD_DEPTH, "{}"),
                         MSIM_FAULT_PASS);
        bench_finish(&bench);
    }
    assert_int_equal(count, 59);
}

static void a_preset_s_bad_override_is_refused_at_its_own_place(void **state)
{
    static const struct {
        const char *overrides;
        const char *words;
    } bad[] = {
        {"{\n\"p\":2}", "/p (line 2, column 5): "},
        {"{\"select\":{\"type\":[\"md.x\"]}}", "/select/type/0 (line 1, column 20): "},
        {"{\"dist\":\"1s\"}", "/dist (line 1, column 9): this key is not known here"},
        {"[]", "the value (line 1, column 1): a merge patch"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        const char *overrides = bad[i].overrides;
        struct bench bench;
        bench_start(&bench);
        int r = msim_faults_preset(bench.faults, 0, "md_gap", overrides, strlen(overrides),
                                   &bench.detail);
        if (r != MSIM_ERR_INVALID ||
            strncmp(bench.detail.text, bad[i].words, strlen(bad[i].words)) != 0)
            fail_msg("%s: %d, %s", overrides, r, bench.detail.text);
        bench_finish(&bench);
    }
}

static void presets_of_later_kinds_say_what_they_need(void **state)
{
    static const char *const later[] = {"md_seq_reset", "md_crossed",        "ghost_settlement",
                                        "rest_lag",     "listen_key_silent", "everything_bad"};
    struct bench bench;

    (void)state;
    bench_start(&bench);
    for (size_t i = 0; i < COUNT(later); i++)
        assert_int_equal(msim_faults_preset(bench.faults, 0, later[i], NULL, 0, &bench.detail),
                         MSIM_ERR_UNSUPPORTED);
    assert_int_equal(msim_faults_preset(bench.faults, 0, "nonsense", NULL, 0, &bench.detail),
                     MSIM_ERR_NOT_FOUND);
    bench_finish(&bench);
}

/* ---- the Python simulator ---- */

static const char python_modes[] =
    "{\"enabled\":true,\"latency\":{\"mode\":\"stable\"},\"modes\":{"
    "\"drop_messages\":{\"enabled\":true,\"probability\":0.05},"
    "\"delay_messages\":{\"enabled\":true,\"min_ms\":100,\"max_ms\":2000},"
    "\"duplicate_messages\":{\"enabled\":true,\"probability\":0.02,\"max_duplicates\":2},"
    "\"reorder_messages\":{\"enabled\":true,\"window_size\":5},"
    "\"corrupt_messages\":{\"enabled\":true,\"probability\":0.01,\"corruption_level\":0.1},"
    "\"throttle_messages\":{\"enabled\":true,\"max_messages_per_second\":10},"
    "\"silent_connection\":{\"enabled\":true,\"after_messages\":50},"
    "\"rate_limit\":{\"enabled\":true,\"baseline_rps\":10},"
    "\"disconnect\":{\"enabled\":false,\"probability\":0.001},"
    "\"phantom_fills\":{\"enabled\":true,\"probability\":0.001}}}";

static void the_python_simulator_s_modes_have_its_statistics(void **state)
{
    struct bench bench;
    size_t length = 0;

    (void)state;
    bench_start(&bench);
    int r = msim_faults_python_modes(bench.faults, 0, python_modes, strlen(python_modes),
                                     &bench.detail);
    if (r < 0)
        fail_msg("%s", bench.detail.text);
    for (int i = 0; i < 100; i++) {
        bench_text(&bench, i * 500 * MS, bench.in, MSIM_FAULT_ORDER_NEW, "{\"a\":1}");
        bench_text(&bench, i * 500 * MS, bench.out, MSIM_FAULT_ACK_NEW, "{\"a\":1}");
        bench_run(&bench, i * 500 * MS);
    }
    bench_run(&bench, 100 * SEC);
    assert_int_equal(
        msim_faults_python_statistics(bench.faults, report_text, sizeof report_text, &length),
        MSIM_OK);
    static const char *const wanted[] = {
        "{\"enabled\":true,\"inbound\":{\"DropMessageStrategy_0\":{\"dropped_count\":",
        "\"DelayMessageStrategy_1\":{\"delayed_count\":",
        "\"ReorderMessagesStrategy_2\":{\"reordered_count\":",
        "\"buffered_count\":",
        "\"ThrottleMessageStrategy_3\":{\"throttled_count\":",
        "\"RateLimitStrategy_4\":{\"rate_limited_count\":0,\"banned_sessions\":0,",
        "\"permanent_bans\":0}",
        "\"outbound\":{\"DelayMessageStrategy_0\":{\"delayed_count\":",
        "\"total_delay_ms\":",
        "\"average_delay_ms\":",
        "\"DuplicateMessageStrategy_1\":{\"duplicated_count\":",
        "\"CorruptMessageStrategy_2\":{\"corrupted_count\":",
        "\"SilentConnectionStrategy_3\":{\"enabled\":true,\"message_count\":",
        "\"session_count\":1",
    };
    for (size_t i = 0; i < COUNT(wanted); i++)
        if (!strstr(report_text, wanted[i]))
            fail_msg("%s is missing in %s", wanted[i], report_text);
    bench_check(&bench);
    bench_finish(&bench);
}

static void a_silent_connection_says_nothing_after_so_many_messages(void **state)
{
    struct bench bench;
    const char json[] =
        "{\"modes\":{\"silent_connection\":{\"enabled\":true,\"after_messages\":5}}}";

    (void)state;
    bench_start(&bench);
    assert_int_equal(msim_faults_python_modes(bench.faults, 0, json, strlen(json), NULL), MSIM_OK);
    for (int i = 0; i < 9; i++) {
        bench_text(&bench, i, bench.out, MSIM_FAULT_OTHER, "x");
        bench_text(&bench, i, bench.in, MSIM_FAULT_OTHER, "y");
    }
    bench_run(&bench, 10);
    assert_int_equal(msim_fault_link_balance(bench.out).delivered, 5);
    assert_int_equal(msim_fault_link_balance(bench.in).delivered, 9);
    bench_finish(&bench);
}

/* One request of the simulator's rate limit; whether it passed. */
static bool request_passes(struct bench *bench, struct msim_fault_link *in, msim_time now,
                           msim_time retry)
{
    bench->count = 0;
    bench_text(bench, now, in, MSIM_FAULT_ORDER_NEW, "x");
    bench_run(bench, now);
    assert_int_equal(bench->count, 1);
    assert_int_equal(bench->seen[0].duration, retry);
    return bench->seen[0].action != MSIM_FAULT_ACTION_REJECT;
}

static void the_rate_limit_counts_the_requests_of_the_last_second(void **state)
{
    struct bench bench;
    const char json[] = "{\"modes\":{\"rate_limit\":{\"enabled\":true,\"baseline_rps\":10}}}";

    (void)state;
    bench_start(&bench);
    struct msim_fault_link *in =
        msim_fault_session_link(bench_session(&bench, 0, "acct-A", MSIM_FAULT_REST), MSIM_FAULT_IN);
    assert_int_equal(msim_faults_python_modes(bench.faults, 0, json, strlen(json), NULL), MSIM_OK);
    /* Ten in each second, at its border: steadily, and for long. */
    for (int i = 0; i < 100; i++)
        assert_true(request_passes(&bench, in, i * 100 * MS, 0));
    /* The eleventh, a nanosecond too early; then blocked for ten seconds. */
    msim_time at = 10 * SEC - 1;
    assert_false(request_passes(&bench, in, at, 10 * SEC));
    assert_false(request_passes(&bench, in, at + 10 * SEC - 1, 1));
    /* Spread over nearly a second, where a bucket of tokens would let them pass. */
    at += 10 * SEC;
    for (int i = 0; i < 10; i++)
        assert_true(request_passes(&bench, in, at + i * 99 * MS, 0));
    assert_false(request_passes(&bench, in, at + 990 * MS, 60 * SEC));
    at += 60 * SEC + 990 * MS;
    for (int i = 0; i < 10; i++)
        assert_true(request_passes(&bench, in, at, 0));
    assert_false(request_passes(&bench, in, at + SEC - 1, MSIM_TIME_NEVER));
    assert_false(request_passes(&bench, in, at + 100000 * SEC, MSIM_TIME_NEVER));
    bench_check(&bench);
    bench_finish(&bench);
}

static void directions_of_modes_can_be_chosen(void **state)
{
    struct bench bench;
    size_t length = 0;
    const char json[] =
        "{\"modes\":{\"drop_messages\":{\"probability\":1,\"direction\":\"outbound\"},"
        "\"delay_messages\":{\"direction\":\"outbound\",\"min_ms\":1.5,\"max_ms\":1.5}}}";

    (void)state;
    bench_start(&bench);
    assert_int_equal(msim_faults_python_modes(bench.faults, 0, json, strlen(json), &bench.detail),
                     MSIM_OK);
    assert_int_equal(bench_text(&bench, 0, bench.in, MSIM_FAULT_OTHER, "x"), MSIM_FAULT_PASS);
    assert_int_equal(bench_text(&bench, 0, bench.out, MSIM_FAULT_OTHER, "x"), MSIM_FAULT_TAKEN);
    msim_faults_python_statistics(bench.faults, report_text, sizeof report_text, &length);
    assert_string_equal(report_text,
                        "{\"enabled\":true,\"inbound\":{},\"outbound\":{\"DropMessageStrategy_0\":"
                        "{\"dropped_count\":1},\"DelayMessageStrategy_1\":{\"delayed_count\":0,"
                        "\"total_delay_ms\":0,\"average_delay_ms\":0}}}");
    bench_finish(&bench);
}

static void enabled_without_a_mode_is_enabled_all_the_same(void **state)
{
    static const char *const words[] = {"false", "true"};
    struct bench bench;
    size_t length = 0;

    (void)state;
    for (size_t i = 0; i < COUNT(words); i++) {
        char json[64];
        char expected[64];
        bench_start(&bench);
        snprintf(json, sizeof json, "{\"enabled\":%s}", words[i]);
        snprintf(expected, sizeof expected, "{\"enabled\":%s,\"inbound\":{},\"outbound\":{}}",
                 words[i]);
        assert_int_equal(msim_faults_python_modes(bench.faults, 0, json, strlen(json), NULL),
                         MSIM_OK);
        assert_int_equal(
            msim_faults_python_statistics(bench.faults, report_text, sizeof report_text, &length),
            MSIM_OK);
        assert_string_equal(report_text, expected);
        bench_finish(&bench);
    }
}

static void unknown_modes_are_refused_with_the_nearest(void **state)
{
    struct bench bench;
    const char unknown[] = "{\"modes\":{\"drop_message\":{}}}";
    const char key[] = "{\"modes\":{\"drop_messages\":{\"propability\":0.1}}}";
    const char sigma[] = "{\"latency\":{\"mode\":\"stable\",\"sigma\":1}}";

    (void)state;
    bench_start(&bench);
    assert_int_equal(msim_faults_python_modes(bench.faults, 0, sigma, strlen(sigma), &bench.detail),
                     MSIM_ERR_INVALID);
    assert_int_equal(
        msim_faults_python_modes(bench.faults, 0, unknown, strlen(unknown), &bench.detail),
        MSIM_ERR_INVALID);
    assert_non_null(strstr(bench.detail.text, "\"drop_messages\""));
    assert_int_equal(msim_faults_python_modes(bench.faults, 0, key, strlen(key), &bench.detail),
                     MSIM_ERR_INVALID);
    assert_non_null(strstr(bench.detail.text, "\"probability\""));
    bench_finish(&bench);
}

/* ---- a faulty source ---- */

#define RECORDS 500

static struct msim_record records[RECORDS];

static void open_source(struct msim_source *out, struct msim_faults *faults,
                        struct msim_detail *detail, int expected)
{
    static const char *const symbols[] = {"BTC", "ETH"};
    struct msim_source_array_params array = MSIM_SOURCE_ARRAY_PARAMS_INIT;
    struct msim_source_with_faults_params params = MSIM_SOURCE_WITH_FAULTS_PARAMS_INIT;
    struct msim_source input = {0};

    for (size_t i = 0; i < RECORDS; i++) {
        records[i] = (struct msim_record){
            .time = (msim_time)i * MS, .kind = MSIM_RECORD_TRADE, .symbol = i % 2};
        records[i].as.trade.id = i;
    }
    array.records = records;
    array.count = RECORDS;
    array.symbols = symbols;
    array.symbol_count = 2;
    assert_int_equal(msim_source_array(&input, &array, NULL), MSIM_OK);
    params.faults = faults;
    int r = msim_source_with_faults(out, &input, &params, detail);
    assert_int_equal(r, expected);
    msim_source_release(&input);
}

static size_t drain(struct msim_source *source, struct msim_record *out, size_t room)
{
    size_t all = 0;
    size_t count = 0;

    while (msim_source_pull(source, out + all, room - all < 7 ? room - all : 7, &count, NULL) ==
           MSIM_PULL_RECORD)
        all += count;
    return all;
}

static void a_source_without_faults_is_the_same_source(void **state)
{
    struct msim_record got[RECORDS + 1];
    struct msim_source source;
    struct bench bench;

    (void)state;
    bench_start(&bench);
    open_source(&source, bench.faults, NULL, MSIM_OK);
    assert_int_equal(drain(&source, got, RECORDS + 1), RECORDS);
    for (size_t i = 0; i < RECORDS; i++) {
        records[i].sequence = i;
        assert_memory_equal(&got[i], &records[i], sizeof got[i]);
    }
    size_t length = 0;
    assert_string_equal(msim_source_symbol(&source, 1, &length), "ETH");
    msim_source_release(&source);
    bench_finish(&bench);
}

static void records_meet_the_strategies_on_their_way(void **state)
{
    struct msim_record got[4 * RECORDS];
    struct msim_source source;
    struct bench bench;
    size_t eth = 0;
    size_t twice = 0;

    (void)state;
    bench_start(&bench);
    bench_add(&bench, 0,
              "{\"kind\":\"drop\",\"id\":\"d\",\"select\":{\"dir\":\"out\",\"symbol\":\"ETH\"},"
              "\"p\":0.5}");
    bench_add(&bench, 0,
              "{\"kind\":\"duplicate\",\"id\":\"u\",\"select\":{\"dir\":\"out\",\"symbol\":\"BTC\"}"
              ",\"every\":10}");
    bench_add(&bench, 0,
              "{\"kind\":\"delay\",\"select\":{\"dir\":\"out\"},\"dist\":{\"type\":\"uniform\","
              "\"min\":\"0ms\",\"max\":\"20ms\"},\"order\":\"none\"}");
    open_source(&source, bench.faults, NULL, MSIM_OK);
    size_t count = drain(&source, got, COUNT(got));
    for (size_t i = 0; i < count; i++) {
        eth += got[i].symbol == 1;
        assert_int_equal(got[i].sequence, i);
        assert_true(i == 0 || got[i].time >= got[i - 1].time);
        for (size_t k = 0; k < i; k++)
            twice += got[k].as.trade.id == got[i].as.trade.id;
    }
    assert_int_equal(eth, 250 - bench_counts(&bench, "d").hits);
    assert_int_equal(twice, 25);
    assert_int_equal(count, 500 - bench_counts(&bench, "d").hits + 25);
    msim_source_release(&source);
    bench_finish(&bench);
}

static void a_session_action_cuts_the_source(void **state)
{
    struct msim_record got[RECORDS];
    struct msim_source source;
    struct bench bench;

    (void)state;
    bench_start(&bench);
    bench_add(&bench, 0,
              "{\"kind\":\"session\",\"action\":\"rst\",\"when\":\"after\",\"skip\":99,\"select\":{"
              "\"dir\":\"out\"}}");
    open_source(&source, bench.faults, NULL, MSIM_OK);
    assert_int_equal(drain(&source, got, RECORDS), 100);
    assert_true(msim_source_next_due(&source) == MSIM_TIME_NEVER);
    msim_source_release(&source);
    bench_finish(&bench);
}

static void what_works_on_bytes_is_refused_by_a_source(void **state)
{
    struct msim_source source;
    struct bench bench;

    (void)state;
    bench_start(&bench);
    bench_add(
        &bench, 0,
        "{\"kind\":\"corrupt\",\"id\":\"c\",\"mode\":\"bitflip\",\"select\":{\"dir\":\"out\"}}");
    open_source(&source, bench.faults, &bench.detail, MSIM_ERR_UNSUPPORTED);
    assert_non_null(strstr(bench.detail.text, "corrupt"));
    bench_finish(&bench);
}

/* ---- replay ---- */

static void the_same_seed_and_inputs_give_the_same_trace(void **state)
{
    struct bench runs[2];

    (void)state;
    for (int k = 0; k < 2; k++) {
        bench_start_traced(&runs[k], true);
        int r = msim_faults_python_modes(runs[k].faults, 0, python_modes, strlen(python_modes),
                                         &runs[k].detail);
        assert_int_equal(r, MSIM_OK);
        for (int i = 0; i < 300; i++) {
            bench_text(&runs[k], i * 100 * MS, runs[k].in, MSIM_FAULT_ORDER_NEW, "{\"a\":1}");
            bench_text(&runs[k], i * 100 * MS, runs[k].out, MSIM_FAULT_MD_DEPTH, "{\"a\":[1,2]}");
            bench_run(&runs[k], i * 100 * MS);
        }
        bench_run(&runs[k], 100 * SEC);
        bench_check(&runs[k]);
    }
    assert_int_equal(runs[0].trace_length, runs[1].trace_length);
    assert_true(runs[0].trace_length > 10000);
    assert_memory_equal(runs[0].trace, runs[1].trace, runs[0].trace_length);
    bench_finish(&runs[0]);
    bench_finish(&runs[1]);
}

static void faults_are_revealed_only_where_that_was_asked_for(void **state)
{
    struct msim_faults_params params = MSIM_FAULTS_PARAMS_INIT;
    struct bench bench;

    (void)state;
    params.reveal = true;
    bench_start_with(&bench, &params);
    bench_add(&bench, 0,
              "{\"kind\":\"delay\",\"id\":\"slow\",\"select\":{\"dir\":\"out\"},\"dist\":\"1ms\"}");
    bench_text(&bench, 0, bench.out, MSIM_FAULT_OTHER, "{\"a\":1}");
    bench_run(&bench, SEC);
    assert_string_equal(bench.seen[0].text, "{\"x_sim_fault\":\"slow\",\"a\":1}");
    bench_finish(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_specification_s_scenario_runs),
        cmocka_unit_test(messages_and_hits_trigger_steps),
        cmocka_unit_test(events_and_positions_trigger_steps),
        cmocka_unit_test(what_came_true_in_its_time_stays_true),
        cmocka_unit_test(what_comes_true_too_late_has_failed),
        cmocka_unit_test(what_does_not_hold_says_what_was_there_when_it_failed),
        cmocka_unit_test(a_step_whose_strategy_is_gone_by_then_is_told_the_nearest),
        cmocka_unit_test(without_a_time_the_end_decides),
        cmocka_unit_test(hits_count_as_they_were_at_the_end_and_from_strategies_that_went),
        cmocka_unit_test(a_strategy_that_neither_stands_nor_comes_is_named_at_the_start),
        cmocka_unit_test(a_bad_scenario_is_refused_whole),
        cmocka_unit_test(every_preset_can_be_added_and_overridden),
        cmocka_unit_test(a_preset_s_bad_override_is_refused_at_its_own_place),
        cmocka_unit_test(presets_of_later_kinds_say_what_they_need),
        cmocka_unit_test(the_python_simulator_s_modes_have_its_statistics),
        cmocka_unit_test(a_silent_connection_says_nothing_after_so_many_messages),
        cmocka_unit_test(the_rate_limit_counts_the_requests_of_the_last_second),
        cmocka_unit_test(directions_of_modes_can_be_chosen),
        cmocka_unit_test(enabled_without_a_mode_is_enabled_all_the_same),
        cmocka_unit_test(unknown_modes_are_refused_with_the_nearest),
        cmocka_unit_test(a_source_without_faults_is_the_same_source),
        cmocka_unit_test(records_meet_the_strategies_on_their_way),
        cmocka_unit_test(a_session_action_cuts_the_source),
        cmocka_unit_test(what_works_on_bytes_is_refused_by_a_source),
        cmocka_unit_test(the_same_seed_and_inputs_give_the_same_trace),
        cmocka_unit_test(faults_are_revealed_only_where_that_was_asked_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
