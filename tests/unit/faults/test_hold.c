/*
 * Throttle and reorder: what waits, and leaves when it should.
 */
#include "bench.h"

/* ---- throttle ---- */

static void grants_never_exceed_burst_and_rate_in_any_window(void **state)
{
    struct bench bench;
    const int64_t rate = 100;
    const int64_t burst = 7;

    (void)state;
    bench_start(&bench);
    bench_add(&bench, 0,
              "{\"kind\":\"throttle\",\"select\":{\"dir\":\"out\"},\"rate\":100,\"burst\":7,"
              "\"queue\":100000}");
    uint64_t noise = 1;
    msim_time now = 0;
    for (int i = 0; i < 3000; i++) {
        noise = noise * 6364136223846793005U + 1442695040888963407U;
        now += (msim_time)(noise >> 33) % (18 * MS);
        bench_text(&bench, now, bench.out, MSIM_FAULT_OTHER, "x");
        bench_run(&bench, now);
    }
    bench_run(&bench, now + 1000 * SEC);
    assert_int_equal(bench.count, 3000);
    for (size_t i = 0; i < bench.count; i++) {
        assert_int_equal(bench.seen[i].ordinal, i);
        for (size_t k = i; k < bench.count; k++) {
            int64_t granted = (int64_t)(k - i + 1);
            msim_time window = bench.seen[k].time - bench.seen[i].time;
            if ((granted - burst) * SEC > rate * window)
                fail_msg("%lld in %lld ns", (long long)granted, (long long)window);
        }
    }
    bench_check(&bench);
    bench_finish(&bench);
}

static void a_saturated_throttle_gives_its_rate_exactly(void **state)
{
    static const struct {
        const char *json;
        int count; /* the last one is granted at 1000 s */
    } cases[] = {
        {"{\"kind\":\"throttle\",\"select\":{\"dir\":\"out\"},\"rate\":8,\"queue\":10000}", 8001},
        {"{\"kind\":\"throttle\",\"select\":{\"dir\":\"out\"},\"rate\":7,\"burst\":2,\"queue\":"
         "10000}",
         7002},
        {"{\"kind\":\"throttle\",\"select\":{\"dir\":\"out\"},\"rate\":0.037,\"burst\":2,\"queue\":"
         "10000}",
         39},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bench bench;
        bench_start(&bench);
        bench_add(&bench, 0, cases[i].json);
        for (int k = 0; k < cases[i].count; k++)
            bench_text(&bench, 0, bench.out, MSIM_FAULT_OTHER, "x");
        bench_run(&bench, 1000 * SEC);
        assert_int_equal(bench.count, cases[i].count);
        assert_int_equal(bench.seen[bench.count - 1].time, 1000 * SEC);
        bench_finish(&bench);
    }
}

static void throttled_messages_keep_their_order_and_block_the_others(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench);
    bench_add(&bench, 0,
              "{\"kind\":\"throttle\",\"select\":{\"dir\":\"out\",\"type\":\"md.*\"},\"rate\":10}");
    bench_add(
        &bench, 0,
        "{\"kind\":\"delay\",\"select\":{\"dir\":\"out\",\"type\":\"md.*\"},\"dist\":\"30ms\"}");
    for (int i = 0; i < 20; i++)
        bench_text(&bench, i * MS, bench.out, i % 2 ? MSIM_FAULT_ACK_NEW : MSIM_FAULT_MD_TRADE,
                   "x");
    bench_run(&bench, 10 * SEC);
    assert_int_equal(bench.count, 20);
    for (size_t i = 0; i < 20; i++) {
        assert_int_equal(bench.seen[i].ordinal, i);
        assert_int_equal(bench.seen[i].time, (msim_time)(i / 2) * 100 * MS + 30 * MS);
    }
    bench_check(&bench);
    bench_finish(&bench);
}

static void a_refused_message_costs_no_token_anywhere(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench);
    bench_add(
        &bench, 0,
        "{\"kind\":\"throttle\",\"id\":\"wide\",\"select\":{\"dir\":\"in\"},\"rate\":1,\"burst\":5,"
        "\"on_exceed\":\"drop\"}");
    bench_add(&bench, 0,
              "{\"kind\":\"throttle\",\"id\":\"narrow\",\"select\":{\"dir\":\"in\",\"type\":"
              "\"order.new\"},"
              "\"rate\":1,\"burst\":1,\"on_exceed\":\"drop\"}");
    for (int i = 0; i < 10; i++)
        bench_text(&bench, 0, bench.in, MSIM_FAULT_ORDER_NEW, "x");
    for (int i = 0; i < 10; i++)
        bench_text(&bench, 0, bench.in, MSIM_FAULT_ORDER_CANCEL, "y");
    assert_int_equal(bench_pull(&bench, 0), 5); /* one new order, four cancels */
    assert_int_equal(msim_fault_link_balance(bench.in).dropped, 15);
    bench_check(&bench);
    bench_finish(&bench);
}

static void weights_and_bytes_are_counted(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench);
    bench_add(
        &bench, 0,
        "{\"kind\":\"throttle\",\"id\":\"w\",\"select\":{\"dir\":\"in\"},\"rate\":1,\"burst\":10,"
        "\"weights\":{\"order.new\":4,\"query.*\":0.5},\"on_exceed\":\"drop\"}");
    bench_text(&bench, 0, bench.in, MSIM_FAULT_ORDER_NEW, "x");
    bench_text(&bench, 0, bench.in, MSIM_FAULT_ORDER_NEW, "x");
    bench_text(&bench, 0, bench.in, MSIM_FAULT_ORDER_NEW, "x");
    for (int i = 0; i < 5; i++)
        bench_text(&bench, 0, bench.in, MSIM_FAULT_QUERY_ORDER, "x");
    assert_int_equal(bench_pull(&bench, 0), 6);
    bench_add(&bench, 0,
              "{\"kind\":\"throttle\",\"id\":\"b\",\"select\":{\"dir\":\"out\"},\"rate\":100,"
              "\"burst\":10,"
              "\"unit\":\"bytes\"}");
    bench.count = 0;
    bench_text(&bench, 0, bench.out, MSIM_FAULT_OTHER, "1234567890");
    bench_text(&bench, 0, bench.out, MSIM_FAULT_OTHER, "12345");
    bench_text(&bench, 0, bench.out, MSIM_FAULT_OTHER, "more than the burst");
    bench_run(&bench, SEC);
    assert_int_equal(bench.count, 2);
    assert_int_equal(bench.seen[1].time, 50 * MS);
    bench_check(&bench);
    bench_finish(&bench);
}

static void a_full_queue_drops_the_new_or_the_old(void **state)
{
    (void)state;
    for (int old = 0; old < 2; old++) {
        struct bench bench;
        bench_start(&bench);
        bench_add(
            &bench, 0,
            old ? "{\"kind\":\"throttle\",\"select\":{\"dir\":\"out\"},\"rate\":1,\"queue\":3,"
                  "\"overflow\":\"drop_old\"}"
                : "{\"kind\":\"throttle\",\"select\":{\"dir\":\"out\"},\"rate\":1,\"queue\":3}");
        for (int i = 0; i < 10; i++)
            bench_text(&bench, 0, bench.out, MSIM_FAULT_OTHER, "x");
        bench_run(&bench, 100 * SEC);
        assert_int_equal(bench.count, 4);
        for (uint64_t i = 1; i < 4; i++) {
            assert_int_equal(bench.seen[i].ordinal, old ? 6 + i : i);
            assert_int_equal(bench.seen[i].time, (msim_time)i * SEC);
        }
        assert_int_equal(msim_fault_link_balance(bench.out).dropped, 6);
        bench_check(&bench);
        bench_finish(&bench);
    }
}

static void a_slow_consumer_is_disconnected(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench);
    bench_add(&bench, 0,
              "{\"kind\":\"throttle\",\"select\":{\"dir\":\"out\"},\"rate\":1,\"burst\":2,"
              "\"on_exceed\":\"disconnect\"}");
    for (int i = 0; i < 4; i++)
        bench_text(&bench, 0, bench.out, MSIM_FAULT_OTHER, "x");
    bench_run(&bench, 0);
    /* The two that were granted are still waiting to be pulled: they go with the session. */
    assert_int_equal(bench.seen[bench.count - 1].action, MSIM_FAULT_ACTION_CLOSE);
    assert_int_equal(bench.seen[bench.count - 1].code, 1008);
    assert_int_equal(msim_fault_link_balance(bench.out).gated, 1);
    bench_check(&bench);
    bench_finish(&bench);
}

static void conflation_keeps_the_newest_of_each_symbol(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench);
    bench_add(&bench, 0,
              "{\"kind\":\"throttle\",\"select\":{\"dir\":\"out\"},\"rate\":1,\"on_exceed\":"
              "\"conflate\"}");
    for (int i = 0; i < 11; i++) {
        static const char *const symbols[] = {"A", "B"};
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        struct msim_fault_message message = bench_message(text, MSIM_FAULT_MD_DEPTH);
        message.symbol = (struct msim_fault_text){symbols[i % 2], 1};
        bench_send(&bench, 0, bench.out, &message);
        bench_run(&bench, 0);
    }
    bench_run(&bench, 100 * SEC);
    assert_int_equal(bench.count, 3);
    assert_string_equal(bench.seen[0].text, "0");
    assert_string_equal(bench.seen[1].text, "9");
    assert_string_equal(bench.seen[2].text, "10");
    assert_int_equal(bench.seen[2].time, 2 * SEC);
    assert_int_equal(msim_fault_link_balance(bench.out).conflated, 8);
    bench_check(&bench);
    bench_finish(&bench);
}

static void bans_grow_as_those_of_the_python_simulator(void **state)
{
    static const struct {
        msim_time at;
        int code; /* 0: it passes */
        msim_time retry;
    } steps[] = {
        {0, 0, 0},
        {0, 0, 0},
        {0, 418, 10 * SEC},
        {5 * SEC, 418, 5 * SEC},
        {10 * SEC, 0, 0},
        {10 * SEC, 0, 0},
        {10 * SEC, 418, 60 * SEC},
        {69 * SEC, 418, SEC},
        {70 * SEC, 0, 0},
        {70 * SEC, 0, 0},
        {70 * SEC, 418, MSIM_TIME_NEVER},
        {70000 * SEC, 418, MSIM_TIME_NEVER},
    };
    struct bench bench;

    (void)state;
    bench_start(&bench);
    struct msim_fault_link *in =
        msim_fault_session_link(bench_session(&bench, 0, "acct-A", MSIM_FAULT_REST), MSIM_FAULT_IN);
    bench_add(
        &bench, 0,
        "{\"kind\":\"throttle\",\"id\":\"t\",\"select\":{\"dir\":\"in\",\"channel\":\"rest\"},"
        "\"rate\":2,\"burst\":2,\"on_exceed\":\"reject\",\"ban\":[{\"for\":\"10s\"},"
        "{\"within\":\"60s\",\"for\":\"60s\"},{\"for\":\"ever\"}]}");
    for (size_t i = 0; i < COUNT(steps); i++) {
        bench.count = 0;
        bench_text(&bench, steps[i].at, in, MSIM_FAULT_ORDER_NEW, "x");
        bench_run(&bench, steps[i].at);
        assert_int_equal(bench.count, 1);
        assert_int_equal(bench.seen[0].action == MSIM_FAULT_ACTION_REJECT, steps[i].code != 0);
        assert_int_equal(bench.seen[0].code, steps[i].code);
        assert_int_equal(bench.seen[0].duration, steps[i].retry);
    }
    bench_finish(&bench);
}

/* The count against the plainest one: all that passed within the last 100 ms. */
static void a_count_within_a_time_is_exact(void **state)
{
    struct bench bench;
    msim_time passed[4000];
    size_t count = 0;
    msim_time now = 0;

    (void)state;
    bench_start(&bench);
    bench_add(&bench, 0,
              "{\"kind\":\"throttle\",\"id\":\"t\",\"select\":{\"dir\":\"in\"},\"burst\":37,"
              "\"within\":\"100ms\",\"on_exceed\":\"reject\"}");
    for (uint64_t i = 0; i < COUNT(passed); i++) {
        now += (msim_time)(i * 2654435761U % 5) * MS / 2 + (i % 500 == 499) * 90 * MS;
        size_t recent = 0;
        for (size_t k = count; k > 0 && now - passed[k - 1] < 100 * MS; k--)
            recent++;
        bench.count = 0;
        bench_text(&bench, now, bench.in, MSIM_FAULT_ORDER_NEW, "x");
        bench_run(&bench, now);
        assert_int_equal(bench.count, 1);
        assert_int_equal(bench.seen[0].action == MSIM_FAULT_ACTION_REJECT, recent >= 37);
        if (recent < 37)
            passed[count++] = now;
        else
            assert_int_equal(bench.seen[0].duration, passed[count - 37] + 100 * MS - now);
    }
    assert_in_range(count, 1000, 3900);
    bench_check(&bench);
    bench_finish(&bench);
}

static void a_ban_is_forgotten_when_the_next_violation_is_late(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench);
    bench_add(
        &bench, 0,
        "{\"kind\":\"throttle\",\"select\":{\"dir\":\"in\"},\"rate\":1,\"on_exceed\":\"reject\","
        "\"ban\":[{\"for\":\"10s\"},{\"within\":\"60s\",\"for\":\"60s\"}]}");
    for (int round = 0; round < 3; round++) {
        msim_time now = round * 100 * SEC;
        bench.count = 0;
        bench_text(&bench, now, bench.in, MSIM_FAULT_ORDER_NEW, "x");
        bench_text(&bench, now, bench.in, MSIM_FAULT_ORDER_NEW, "x");
        bench_run(&bench, now);
        assert_int_equal(bench.count, 2);
        size_t refused = bench.seen[0].action == MSIM_FAULT_ACTION_REJECT ? 0 : 1;
        assert_int_equal(bench.seen[refused].duration, 10 * SEC);
    }
    bench_finish(&bench);
}

static void buckets_are_shared_as_the_scope_says(void **state)
{
    static const struct {
        const char *scope;
        size_t passed;
    } cases[] = {{"link", 4}, {"client", 2}, {"account", 2}, {"all", 1}};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bench bench;
        char json[256];
        bench_start(&bench);
        struct msim_fault_session *sessions[] = {
            bench.session, bench_session(&bench, 0, "acct-A", MSIM_FAULT_WS_API),
            bench_session(&bench, 0, "acct-B", MSIM_FAULT_WS_API),
            bench_session(&bench, 0, "acct-B", MSIM_FAULT_WS_PRIVATE)};
        snprintf(
            json, sizeof json,
            "{\"kind\":\"throttle\",\"select\":{\"dir\":\"in\"},\"rate\":1,\"on_exceed\":\"drop\","
            "\"scope\":\"%s\"}",
            cases[i].scope);
        bench_add(&bench, 0, json);
        for (size_t s = 0; s < 4; s++)
            for (int k = 0; k < 3; k++)
                bench_text(&bench, 0, msim_fault_session_link(sessions[s], MSIM_FAULT_IN),
                           MSIM_FAULT_ORDER_NEW, "x");
        assert_int_equal(bench_pull(&bench, 0), cases[i].passed);
        bench_finish(&bench);
    }
}

/* ---- reorder ---- */

static void a_held_message_is_overtaken_by_exactly_k(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench);
    bench_add(
        &bench, 0,
        "{\"kind\":\"reorder\",\"id\":\"r\",\"select\":{\"dir\":\"out\"},\"every\":10,\"k\":3,"
        "\"max_wait\":\"1h\"}");
    for (int i = 0; i < 1000; i++) {
        bench_text(&bench, i, bench.out, MSIM_FAULT_OTHER, "x");
        bench_pull(&bench, i);
    }
    bench_run(&bench, SEC);
    for (size_t i = 0; i < bench.count; i++) {
        if (bench.seen[i].ordinal % 10 != 9)
            continue;
        assert_int_equal(bench.seen[i - 1].ordinal, bench.seen[i].ordinal + 3);
        assert_int_equal(bench.seen[i + 1].ordinal, bench.seen[i].ordinal + 4);
    }
    assert_int_equal(bench.count, 999); /* the last one still waits for three others */
    assert_int_equal(msim_fault_link_balance(bench.out).pending, 1);
    bench_run(&bench, 7200 * SEC);
    assert_int_equal(bench.count, 1000);
    bench_check(&bench);
    bench_finish(&bench);
}

static void held_messages_that_are_due_together_leave_as_they_were_held(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench);
    bench_add(&bench, 0,
              "{\"kind\":\"reorder\",\"select\":{\"dir\":\"out\",\"type\":\"md.*\"},\"k\":2,\"max_"
              "wait\":\"1h\"}");
    for (int i = 0; i < 3; i++)
        bench_text(&bench, i, bench.out, MSIM_FAULT_MD_DEPTH, "held");
    bench_text(&bench, 3, bench.out, MSIM_FAULT_OTHER, "x");
    bench_text(&bench, 4, bench.out, MSIM_FAULT_OTHER, "y");
    bench_run(&bench, 5);
    static const uint64_t expected[] = {3, 4, 0, 1, 2};
    assert_int_equal(bench.count, 5);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(bench.seen[i].ordinal, expected[i]);
    bench_finish(&bench);
}

static void on_a_silent_link_the_timer_lets_go(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench);
    bench_add(&bench, 0,
              "{\"kind\":\"reorder\",\"select\":{\"dir\":\"out\"},\"k\":5,\"max_wait\":\"200ms\"}");
    bench_text(&bench, 0, bench.out, MSIM_FAULT_OTHER, "x");
    bench_text(&bench, 50 * MS, bench.out, MSIM_FAULT_OTHER, "y");
    assert_int_equal(msim_faults_next_due(bench.faults), 50 * MS);
    bench_run(&bench, SEC);
    assert_int_equal(bench.count, 2);
    assert_int_equal(bench.seen[0].time, 200 * MS);
    assert_int_equal(bench.seen[1].time, 250 * MS);
    bench_finish(&bench);
}

static void a_lane_counts_its_own_messages_alone(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench);
    bench_add(&bench, 0,
              "{\"kind\":\"reorder\",\"select\":{\"dir\":\"out\"},\"max_hits\":1,\"k\":2,\"max_"
              "wait\":\"1h\","
              "\"lane\":\"symbol\"}");
    static const char *const symbols[] = {"A", "B", "B", "A", "B", "A", "A"};
    for (size_t i = 0; i < COUNT(symbols); i++) {
        struct msim_fault_message message = bench_message("x", MSIM_FAULT_MD_DEPTH);
        message.symbol = (struct msim_fault_text){symbols[i], 1};
        bench_send(&bench, (msim_time)i, bench.out, &message);
        bench_run(&bench, (msim_time)i);
    }
    static const uint64_t expected[] = {1, 2, 3, 4, 5, 0, 6};
    assert_int_equal(bench.count, 7);
    for (size_t i = 0; i < 7; i++)
        assert_int_equal(bench.seen[i].ordinal, expected[i]);
    bench_finish(&bench);
}

static void a_shuffle_permutes_each_window(void **state)
{
    struct bench bench;
    size_t firsts[5] = {0};
    size_t moved = 0;

    (void)state;
    bench_start(&bench);
    bench_add(
        &bench, 0,
        "{\"kind\":\"reorder\",\"mode\":\"shuffle\",\"select\":{\"dir\":\"out\"},\"window\":5,"
        "\"max_wait\":\"1s\"}");
    for (int i = 0; i < 5000; i++)
        bench_text(&bench, i, bench.out, MSIM_FAULT_OTHER, "x");
    bench_text(&bench, 5000, bench.out, MSIM_FAULT_OTHER, "last");
    bench_run(&bench, 5000);
    assert_int_equal(bench.count, 5000);
    for (size_t w = 0; w < 1000; w++) {
        unsigned present = 0;
        for (size_t i = 0; i < 5; i++) {
            uint64_t place = bench.seen[5 * w + i].ordinal - 5 * w;
            assert_true(place < 5);
            present |= 1U << place;
            moved += place != i;
            if (i == 0)
                firsts[place]++;
        }
        assert_int_equal(present, 31);
    }
    for (size_t i = 0; i < 5; i++)
        assert_in_range(firsts[i], 125, 275);
    assert_true(moved > 3000);
    bench_run(&bench, 5000 + SEC);
    assert_int_equal(bench.count, 5001);
    assert_int_equal(bench.seen[5000].time, 5000 + SEC);
    bench_check(&bench);
    bench_finish(&bench);
}

static void disabling_or_removing_lets_go_what_is_held(void **state)
{
    (void)state;
    for (int way = 0; way < 2; way++) {
        struct bench bench;
        bench_start(&bench);
        bench_add(&bench, 0,
                  "{\"kind\":\"reorder\",\"id\":\"r\",\"select\":{\"dir\":\"out\"},\"k\":9,\"max_"
                  "wait\":\"1h\"}");
        bench_add(
            &bench, 0,
            "{\"kind\":\"reorder\",\"id\":\"s\",\"mode\":\"shuffle\",\"select\":{\"dir\":\"in\"},"
            "\"window\":9,\"max_wait\":\"1h\"}");
        for (int i = 0; i < 4; i++) {
            bench_text(&bench, i, bench.out, MSIM_FAULT_OTHER, "x");
            bench_text(&bench, i, bench.in, MSIM_FAULT_OTHER, "x");
        }
        bench_pull(&bench, 5);
        assert_int_equal(bench.count, 0);
        assert_int_equal(way ? msim_faults_remove(bench.faults, 7, "r")
                             : msim_faults_disable(bench.faults, 7, "r"),
                         MSIM_OK);
        bench_pull(&bench, 7);
        assert_int_equal(bench.count, 4);
        assert_int_equal(way ? msim_faults_remove(bench.faults, 8, "s")
                             : msim_faults_disable(bench.faults, 8, "s"),
                         MSIM_OK);
        bench_pull(&bench, 8);
        assert_int_equal(bench.count, 8);
        for (uint64_t i = 0; i < 8; i++)
            assert_int_equal(bench.seen[i].ordinal, i % 4);
        bench_check(&bench);
        bench_finish(&bench);
    }
}

static void no_hold_is_added_beyond_the_bound(void **state)
{
    struct msim_faults_params params = MSIM_FAULTS_PARAMS_INIT;
    struct bench bench;

    (void)state;
    params.max_holds = 3;
    bench_start_with(&bench, &params);
    bench_add(&bench, 0,
              "{\"kind\":\"reorder\",\"select\":{\"dir\":\"out\"},\"k\":9,\"max_wait\":\"1s\"}");
    for (int i = 0; i < 5; i++)
        bench_text(&bench, i, bench.out, MSIM_FAULT_OTHER, "x");
    bench_run(&bench, 2 * SEC);
    assert_int_equal(bench.count, 3);
    assert_int_equal(msim_fault_link_balance(bench.out).overflow, 2);
    bench_check(&bench);
    bench_finish(&bench);
}

static void a_message_that_waits_gets_through_a_bucket_that_shrinks(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench);
    bench_add(&bench, 0,
              "{\"id\":\"t\",\"kind\":\"throttle\",\"select\":{\"dir\":\"out\"},\"rate\":1,"
              "\"burst\":10,\"weights\":{\"md.trade\":8}}");
    bench_text(&bench, 0, bench.out, MSIM_FAULT_MD_TRADE, "now");
    bench_text(&bench, 0, bench.out, MSIM_FAULT_MD_TRADE, "later");
    assert_int_equal(msim_faults_update(bench.faults, 0, "t", "{\"burst\":4}", 11, &bench.detail),
                     MSIM_OK);
    bench_pull(&bench, 100 * SEC);
    assert_int_equal(bench.count, 2);
    assert_int_equal(bench.seen[1].time, 2 * SEC);
    assert_int_equal(msim_faults_next_due(bench.faults), MSIM_TIME_NEVER);
    bench_check(&bench);
    bench_finish(&bench);
}

static void a_strategy_does_not_inherit_what_its_place_had_held(void **state)
{
    struct bench bench;
    char text[4096];
    size_t length;

    (void)state;
    bench_start(&bench);
    bench_add(&bench, 0,
              "{\"id\":\"old\",\"kind\":\"delay\",\"select\":{\"dir\":\"out\"},\"dist\":\"10s\","
              "\"order\":\"lane:type\"}");
    bench_add(&bench, 0,
              "{\"id\":\"copies\",\"kind\":\"duplicate\",\"select\":{\"dir\":\"out\"},\"gap\":"
              "\"1s\"}");
    bench_add(&bench, 0,
              "{\"id\":\"limit\",\"kind\":\"throttle\",\"select\":{\"dir\":\"out\"},\"rate\":1}");
    bench_text(&bench, 0, bench.out, MSIM_FAULT_MD_TRADE, "late");
    assert_int_equal(msim_faults_remove(bench.faults, 1, "old"), MSIM_OK);
    assert_int_equal(msim_faults_remove(bench.faults, 1, "limit"), MSIM_OK);
    bench_add(&bench, 1,
              "{\"id\":\"new\",\"kind\":\"delay\",\"select\":{\"dir\":\"in\"},\"dist\":\"1s\"}");
    bench_add(&bench, 1,
              "{\"id\":\"other\",\"kind\":\"throttle\",\"select\":{\"dir\":\"out\",\"type\":"
              "\"md.bbo\"},\"rate\":1,\"on_exceed\":\"drop\"}");
    bench_pull(&bench, 60 * SEC);
    assert_int_equal(bench.count, 2);
    assert_int_equal(msim_faults_statistics(bench.faults, "new", text, sizeof text, &length),
                     MSIM_OK);
    assert_non_null(strstr(text, "\"effective\":{\"count\":0"));
    assert_int_equal(msim_faults_statistics(bench.faults, "other", text, sizeof text, &length),
                     MSIM_OK);
    assert_non_null(strstr(text, "\"granted\":0"));
    bench_check(&bench);
    bench_finish(&bench);
}

static void what_is_held_in_lanes_is_let_go_in_the_order_of_arrival(void **state)
{
    static const char *const ways[] = {"disable", "remove", "heal"};
    struct bench bench;

    (void)state;
    for (size_t way = 0; way < COUNT(ways); way++) {
        bench_start(&bench);
        bench_add(&bench, 0,
                  "{\"kind\":\"reorder\",\"id\":\"s\",\"mode\":\"shuffle\",\"window\":200,\"lane\":"
                  "\"symbol\",\"max_wait\":\"1h\",\"select\":{\"dir\":\"out\"}}");
        for (int i = 0; i < 100; i++) {
            static const char *const symbols[] = {"A", "B", "C"};
            struct msim_fault_message message = bench_message("x", MSIM_FAULT_MD_DEPTH);
            message.symbol = (struct msim_fault_text){symbols[i * 7 / 5 % 3], 1};
            bench_send(&bench, i, bench.out, &message);
        }
        assert_int_equal(bench_pull(&bench, 100), 0);
        if (way == 0)
            assert_int_equal(msim_faults_disable(bench.faults, 100, "s"), MSIM_OK);
        else if (way == 1)
            assert_int_equal(msim_faults_remove(bench.faults, 100, "s"), MSIM_OK);
        else
            assert_int_equal(msim_faults_heal(bench.faults, 100), MSIM_OK);
        assert_int_equal(bench_pull(&bench, 100), 100);
        for (size_t i = 0; i < 100; i++)
            assert_int_equal(bench.seen[i].ordinal, i);
        bench_check(&bench);
        bench_finish(&bench);
    }
}

/* The first and the last moment there are, with all that reckons with time between them. */
static void time_has_two_ends_and_both_can_be_met(void **state)
{
    static const char *const strategies[] = {
        "{\"kind\":\"drop\",\"id\":\"w\",\"select\":{\"dir\":\"out\",\"type\":\"sub\"},\"window\":["
        "\"0s\","
        "\"9223372036854775807ns\"],\"cooldown\":\"24h\"}",
        "{\"kind\":\"drop\",\"select\":{\"dir\":\"in\"},\"ge_time\":{\"mean_good\":\"1h\",\"mean_"
        "bad\":"
        "\"1h\",\"h_good\":0,\"h_bad\":1}}",
        "{\"kind\":\"throttle\",\"select\":{\"dir\":\"out\"},\"rate\":1000000000,\"burst\":"
        "1000000000}",
        "{\"kind\":\"throttle\",\"select\":{\"dir\":\"in\"},\"rate\":0.000000001,\"on_exceed\":"
        "\"reject\",\"ban\":[{\"for\":\"24h\"},{\"within\":\"1s\",\"for\":\"24h\"}]}",
        "{\"kind\":\"delay\",\"select\":{\"dir\":\"out\"},\"dist\":\"24h\"}",
        "{\"kind\":\"session\",\"action\":\"freeze\",\"at\":\"9223372036854775807ns\"}",
        "{\"kind\":\"session\",\"action\":\"freeze\",\"max_age\":\"24h\",\"duration\":\"24h\"}",
        "{\"kind\":\"clock\",\"offset\":\"9223372036854775807ns\",\"drift_ppm\":1000000}",
    };
    static const msim_time moments[] = {INT64_MIN,     INT64_MIN + 1, -1,       0, 1,
                                        INT64_MAX - 2, INT64_MAX - 1, INT64_MAX};
    static const msim_time starts[] = {INT64_MIN, 0, INT64_MAX};

    (void)state;
    for (size_t s = 0; s < COUNT(starts); s++) {
        struct msim_faults_params params = MSIM_FAULTS_PARAMS_INIT;
        struct msim_fault_session_params who = MSIM_FAULT_SESSION_PARAMS_INIT;
        struct msim_fault_session *session = NULL;
        struct bench bench = {0};
        params.start = starts[s];
        who.client = "c";
        assert_int_equal(msim_faults_create(&bench.faults, &params, NULL), MSIM_OK);
        assert_int_equal(msim_faults_session_open(bench.faults, INT64_MIN, &who, &session, NULL),
                         MSIM_OK);
        bench.in = msim_fault_session_link(session, MSIM_FAULT_IN);
        bench.out = msim_fault_session_link(session, MSIM_FAULT_OUT);
        for (size_t i = 0; i < COUNT(strategies); i++)
            bench_add(&bench, INT64_MIN, strategies[i]);
        for (size_t i = 0; i < COUNT(moments); i++) {
            bench_text(&bench, moments[i], bench.out, MSIM_FAULT_SUB, "w");
            bench_text(&bench, moments[i], bench.out, MSIM_FAULT_OTHER, "x");
            bench_text(&bench, moments[i], bench.in, MSIM_FAULT_OTHER, "y");
            bench_pull(&bench, moments[i]);
            (void)msim_faults_clock(bench.faults, moments[i], NULL);
            bench_check(&bench);
        }
        assert_int_equal(msim_faults_heal(bench.faults, INT64_MAX), MSIM_OK);
        bench_pull(&bench, INT64_MAX);
        assert_int_equal(msim_fault_link_balance(bench.out).pending, 0);
        assert_true(bench_counts(&bench, "w").hits > 0 || starts[s] == INT64_MAX);
        bench_check(&bench);
        bench_finish(&bench);
    }
}

static int by_time_then_ordinal(const void *a, const void *b)
{
    const struct seen *one = a;
    const struct seen *other = b;

    if (one->time != other->time)
        return one->time < other->time ? -1 : 1;
    return one->ordinal < other->ordinal ? -1 : one->ordinal > other->ordinal;
}

/* Far more than the heap takes; some at one moment, some hours away, and more while they leave. */
static void very_many_leave_in_the_order_of_their_moments(void **state)
{
    static const char *const delays[] = {
        "{\"type\":\"uniform\",\"min\":\"1s\",\"max\":\"2s\"}",
        "{\"type\":\"uniform\",\"min\":\"0ns\",\"max\":\"300ns\"}",
        "{\"type\":\"lognormal\",\"median\":\"1ms\",\"sigma\":6}",
        "\"1h\"",
    };
    const size_t many = 20000;

    (void)state;
    for (size_t d = 0; d < COUNT(delays); d++) {
        struct bench bench;
        char json[200];
        bench_start(&bench);
        struct msim_fault_session *other = bench_session(&bench, 0, "o", MSIM_FAULT_WS_PRIVATE);
        struct msim_fault_link *gone = msim_fault_session_link(other, MSIM_FAULT_OUT);
        snprintf(json, sizeof json,
                 "{\"kind\":\"delay\",\"select\":{\"dir\":\"out\"},\"order\":\"none\",\"dist\":%s}",
                 delays[d]);
        bench_add(&bench, 0, json);
        for (size_t i = 0; i < many; i++) {
            msim_time now = (msim_time)(i / 7);
            bench_text(&bench, now, bench.out, MSIM_FAULT_OTHER, "x");
            if (i % 3 == 0)
                bench_text(&bench, now, gone, MSIM_FAULT_OTHER, "x");
        }
        msim_faults_session_close(bench.faults, (msim_time)many, &other);
        bench_pull(&bench, (msim_time)many);
        bench_run(&bench, (msim_time)many + 1500 * MS);
        size_t left_early = bench.count;
        for (size_t i = 0; i < many / 2; i++)
            bench_text(&bench, (msim_time)many + 1500 * MS, bench.out, MSIM_FAULT_OTHER, "x");
        bench_run(&bench, 30 * 3600 * SEC);
        assert_true(d == 3 || left_early > 0);
        size_t mine = 0;
        for (size_t i = 0; i < bench.count; i++)
            if (bench.seen[i].session == bench.session || bench.seen[i].session == NULL)
                bench.seen[mine++] = bench.seen[i];
        assert_int_equal(mine, many + many / 2);
        for (size_t i = 1; i < mine; i++)
            assert_true(by_time_then_ordinal(&bench.seen[i - 1], &bench.seen[i]) < 0);
        bench_check(&bench);
        bench_finish(&bench);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grants_never_exceed_burst_and_rate_in_any_window),
        cmocka_unit_test(a_saturated_throttle_gives_its_rate_exactly),
        cmocka_unit_test(throttled_messages_keep_their_order_and_block_the_others),
        cmocka_unit_test(a_refused_message_costs_no_token_anywhere),
        cmocka_unit_test(weights_and_bytes_are_counted),
        cmocka_unit_test(a_full_queue_drops_the_new_or_the_old),
        cmocka_unit_test(a_slow_consumer_is_disconnected),
        cmocka_unit_test(conflation_keeps_the_newest_of_each_symbol),
        cmocka_unit_test(bans_grow_as_those_of_the_python_simulator),
        cmocka_unit_test(a_count_within_a_time_is_exact),
        cmocka_unit_test(a_ban_is_forgotten_when_the_next_violation_is_late),
        cmocka_unit_test(buckets_are_shared_as_the_scope_says),
        cmocka_unit_test(a_held_message_is_overtaken_by_exactly_k),
        cmocka_unit_test(held_messages_that_are_due_together_leave_as_they_were_held),
        cmocka_unit_test(on_a_silent_link_the_timer_lets_go),
        cmocka_unit_test(a_lane_counts_its_own_messages_alone),
        cmocka_unit_test(a_shuffle_permutes_each_window),
        cmocka_unit_test(very_many_leave_in_the_order_of_their_moments),
        cmocka_unit_test(time_has_two_ends_and_both_can_be_met),
        cmocka_unit_test(what_is_held_in_lanes_is_let_go_in_the_order_of_arrival),
        cmocka_unit_test(disabling_or_removing_lets_go_what_is_held),
        cmocka_unit_test(no_hold_is_added_beyond_the_bound),
        cmocka_unit_test(a_message_that_waits_gets_through_a_bucket_that_shrinks),
        cmocka_unit_test(a_strategy_does_not_inherit_what_its_place_had_held),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
