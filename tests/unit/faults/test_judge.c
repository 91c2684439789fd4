#include "bench.h"

/* ---- transparency ---- */

static const char *const every_kind[] = {
    "{\"kind\":\"drop\",\"id\":\"a\",\"select\":{\"dir\":\"both\"}%s}",
    "{\"kind\":\"duplicate\",\"id\":\"b\",\"select\":{\"dir\":\"both\"},\"copies\":3%s}",
    "{\"kind\":\"corrupt\",\"id\":\"c\",\"select\":{\"dir\":\"both\"},\"mode\":\"bitflip\"%s}",
    "{\"kind\":\"throttle\",\"id\":\"d\",\"select\":{\"dir\":\"both\"},\"rate\":1%s}",
    "{\"kind\":\"delay\",\"id\":\"e\",\"select\":{\"dir\":\"both\"},\"dist\":\"5ms\"%s}",
    "{\"kind\":\"reorder\",\"id\":\"f\",\"select\":{\"dir\":\"both\"},\"max_wait\":\"1s\"%s}",
    "{\"kind\":\"slice\",\"id\":\"g\",\"select\":{\"dir\":\"both\"},\"chunk\":3%s}",
    "{\"kind\":\"session\",\"id\":\"h\",\"select\":{\"dir\":\"both\"},\"action\":\"rst\"%s}",
};

static void everything_passes(const char *extra, bool pulled)
{
    struct bench bench;
    char json[256];

    bench_start(&bench);
    for (size_t i = 0; extra && i < COUNT(every_kind); i++) {
        snprintf(json, sizeof json, every_kind[i], extra);
        bench_add(&bench, 0, json);
    }
    for (int i = 0; i < 500; i++) {
        char text[32];
        snprintf(text, sizeof text, "{\"n\":%d}", i);
        struct msim_fault_message message = bench_message(text, i % MSIM_FAULT_TYPES);
        struct msim_fault_link *link = i % 2 ? bench.in : bench.out;
        assert_int_equal(bench_send(&bench, i * MS, link, &message), MSIM_FAULT_PASS);
        if (pulled)
            assert_int_equal(bench_pull(&bench, i * MS), 0);
        assert_true(msim_faults_next_due(bench.faults) == MSIM_TIME_NEVER);
    }
    assert_int_equal(bench.count, 500);
    bench_check(&bench);
    bench_finish(&bench);
}

static void without_strategies_all_passes_untouched(void **state)
{
    (void)state;
    everything_passes(NULL, true);
}

static void disabled_strategies_touch_nothing(void **state)
{
    (void)state;
    everything_passes(",\"enabled\":false", false);
}

static void strategies_that_were_added_disabled_can_all_be_enabled(void **state)
{
    struct bench bench;
    char text[96];

    (void)state;
    bench_start(&bench);
    for (int i = 0; i < 40; i++) {
        snprintf(
            text, sizeof text,
            "{\"kind\":\"drop\",\"id\":\"d%d\",\"enabled\":false,\"select\":{\"dir\":\"out\"}}", i);
        bench_add(&bench, 0, text);
    }
    for (int i = 0; i < 40; i++) {
        snprintf(text, sizeof text, "d%d", i);
        assert_int_equal(msim_faults_enable(bench.faults, 0, text), MSIM_OK);
    }
    assert_int_equal(bench_text(&bench, 1, bench.out, MSIM_FAULT_MD_TRADE, "a"), MSIM_FAULT_TAKEN);
    assert_int_equal(bench_counts(&bench, "d39").matched, 1);
    bench_finish(&bench);
}

static void strategies_of_p_0_touch_nothing(void **state)
{
    (void)state;
    everything_passes(",\"p\":0", true);
}

/* ---- drop, duplicate ---- */

static void a_dropped_message_never_comes_out(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench);
    bench_add(&bench, 0,
              "{\"kind\":\"drop\",\"id\":\"d\",\"select\":{\"dir\":\"in\",\"type\":\"order.*\"}}");
    assert_int_equal(bench_text(&bench, 1, bench.in, MSIM_FAULT_ORDER_NEW, "a"), MSIM_FAULT_TAKEN);
    assert_int_equal(bench_text(&bench, 1, bench.in, MSIM_FAULT_SUB, "b"), MSIM_FAULT_PASS);
    assert_int_equal(bench_text(&bench, 1, bench.out, MSIM_FAULT_ORDER_NEW, "c"), MSIM_FAULT_PASS);
    assert_int_equal(bench_pull(&bench, 1), 0);
    assert_int_equal(msim_fault_link_balance(bench.in).dropped, 1);
    struct msim_fault_counts counts = bench_counts(&bench, "d");
    assert_int_equal(counts.seen, 2);
    assert_int_equal(counts.matched, 1);
    assert_int_equal(counts.hits, 1);
    assert_int_equal(counts.first_hit, 1);
    bench_check(&bench);
    bench_finish(&bench);
}

static void copies_have_the_same_bytes_and_come_after_their_gaps(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench);
    bench_add(
        &bench, 0,
        "{\"kind\":\"duplicate\",\"select\":{\"dir\":\"out\"},\"copies\":2,\"gap\":\"10ms\"}");
    bench_text(&bench, 0, bench.out, MSIM_FAULT_OTHER, "one");
    bench_text(&bench, 15 * MS, bench.out, MSIM_FAULT_OTHER, "two");
    bench_run(&bench, SEC);
    static const struct {
        msim_time time;
        uint64_t ordinal;
        uint32_t sub;
    } expected[] = {{0, 0, 0},       {10 * MS, 0, 1}, {15 * MS, 1, 0},
                    {20 * MS, 0, 2}, {25 * MS, 1, 1}, {35 * MS, 1, 2}};
    assert_int_equal(bench.count, COUNT(expected));
    for (size_t i = 0; i < bench.count; i++) {
        assert_int_equal(bench.seen[i].time, expected[i].time);
        assert_int_equal(bench.seen[i].ordinal, expected[i].ordinal);
        assert_int_equal(bench.seen[i].sub, expected[i].sub);
        assert_string_equal(bench.seen[i].text, expected[i].ordinal == 0 ? "one" : "two");
    }
    assert_int_equal(msim_fault_link_balance(bench.out).copies, 4);
    bench_check(&bench);
    bench_finish(&bench);
}

static void delivered_is_native_plus_copies_and_their_number_is_uniform(void **state)
{
    struct bench bench;
    uint64_t counts[4] = {0};
    const int messages = 40000;

    (void)state;
    bench_start(&bench);
    bench_add(&bench, 0, "{\"kind\":\"duplicate\",\"select\":{\"dir\":\"out\"},\"copies\":[1,4]}");
    for (int i = 0; i < messages; i++) {
        bench_text(&bench, i, bench.out, MSIM_FAULT_OTHER, "x");
        size_t came = bench_pull(&bench, i);
        assert_in_range(came, 2, 5);
        counts[came - 2]++;
        bench.count = 0;
    }
    /* Chi-square with 3 degrees of freedom: P(> 45) < 1e-9. */
    double chi = 0;
    for (int i = 0; i < 4; i++) {
        double off = (double)counts[i] - messages / 4.0;
        chi += off * off / (messages / 4.0);
    }
    assert_true(chi < 45);
    struct msim_fault_balance balance = msim_fault_link_balance(bench.out);
    assert_int_equal(balance.delivered, balance.native + balance.copies);
    assert_int_equal(balance.native, messages);
    assert_int_equal(balance.copies, counts[0] + 2 * counts[1] + 3 * counts[2] + 4 * counts[3]);
    bench_finish(&bench);
}

static void copies_of_several_strategies_add_up_to_sixteen_in_all(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench);
    bench_add(&bench, 0,
              "{\"kind\":\"duplicate\",\"id\":\"a\",\"select\":{\"dir\":\"out\"},\"copies\":10}");
    bench_add(&bench, 0,
              "{\"kind\":\"duplicate\",\"id\":\"b\",\"select\":{\"dir\":\"out\"},\"copies\":10}");
    bench_add(&bench, 0,
              "{\"kind\":\"duplicate\",\"id\":\"c\",\"select\":{\"dir\":\"out\"},\"copies\":1}");
    bench_text(&bench, 0, bench.out, MSIM_FAULT_OTHER, "x");
    assert_int_equal(bench_pull(&bench, 0), 16);
    assert_int_equal(bench_counts(&bench, "a").hits, 1);
    assert_int_equal(bench_counts(&bench, "b").hits, 1);
    assert_int_equal(bench_counts(&bench, "c").hits, 0);
    assert_int_equal(bench_counts(&bench, "c").shadowed, 1);
    bench_check(&bench);
    bench_finish(&bench);
}

/* ---- delay and order ---- */

static void a_delay_on_a_link_blocks_what_comes_behind(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench);
    bench_add(&bench, 0,
              "{\"kind\":\"delay\",\"id\":\"d\",\"select\":{\"dir\":\"out\",\"type\":\"ack.new\"},"
              "\"dist\":\"100ms\"}");
    bench_text(&bench, 0, bench.out, MSIM_FAULT_ACK_NEW, "0");
    bench_text(&bench, 10 * MS, bench.out, MSIM_FAULT_OTHER, "1");
    bench_text(&bench, 20 * MS, bench.out, MSIM_FAULT_ACK_NEW, "2");
    bench_text(&bench, 150 * MS, bench.out, MSIM_FAULT_OTHER, "3");
    bench_run(&bench, SEC);
    assert_int_equal(bench.count, 4);
    assert_int_equal(bench.seen[0].time, 100 * MS);
    assert_int_equal(bench.seen[1].time, 100 * MS);
    assert_int_equal(bench.seen[2].time, 120 * MS);
    assert_int_equal(bench.seen[3].time, 150 * MS);
    for (uint64_t i = 0; i < 4; i++)
        assert_int_equal(bench.seen[i].ordinal, i);
    bench_finish(&bench);
}

static void a_delay_is_measured_from_the_arrival(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench);
    bench_add(&bench, 0, "{\"kind\":\"delay\",\"select\":{\"dir\":\"out\"},\"dist\":\"100ms\"}");
    for (int i = 0; i < 50; i++)
        bench_text(&bench, i * MS, bench.out, MSIM_FAULT_OTHER, "x");
    bench_run(&bench, 10 * SEC);
    for (size_t i = 0; i < 50; i++)
        assert_int_equal(bench.seen[i].time, (msim_time)i * MS + 100 * MS);
    bench_finish(&bench);
}

static void without_an_order_messages_overtake(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench);
    bench_add(&bench, 0,
              "{\"kind\":\"delay\",\"select\":{\"dir\":\"out\",\"type\":\"ack.new\"},\"dist\":"
              "\"100ms\",\"order\":\"none\"}");
    bench_text(&bench, 0, bench.out, MSIM_FAULT_ACK_NEW, "0");
    bench_text(&bench, 10 * MS, bench.out, MSIM_FAULT_EXEC_FILL, "1");
    bench_run(&bench, SEC);
    assert_int_equal(bench.seen[0].ordinal, 1);
    assert_int_equal(bench.seen[0].time, 10 * MS);
    assert_int_equal(bench.seen[1].time, 100 * MS);
    bench_finish(&bench);
}

static void a_lane_keeps_the_order_of_each_symbol_alone(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench);
    bench_add(&bench, 0,
              "{\"kind\":\"delay\",\"select\":{\"dir\":\"out\"},\"order\":\"lane:symbol\","
              "\"dist\":{\"type\":\"uniform\",\"min\":\"0ms\",\"max\":\"100ms\"}}");
    bool overtaken = false;
    for (int i = 0; i < 400; i++) {
        struct msim_fault_message message = bench_message(i % 2 ? "B" : "A", MSIM_FAULT_MD_DEPTH);
        message.symbol = (struct msim_fault_text){i % 2 ? "BTC" : "ETH", 3};
        bench_send(&bench, i * MS, bench.out, &message);
        bench_run(&bench, i * MS);
    }
    bench_run(&bench, 10 * SEC);
    assert_int_equal(bench.count, 400);
    uint64_t last[2] = {0, 0};
    for (size_t i = 0; i < bench.count; i++) {
        uint64_t n = bench.seen[i].ordinal;
        assert_true(n + 1 > last[n % 2]);
        last[n % 2] = n + 1;
        overtaken = overtaken || (i > 0 && n < bench.seen[i - 1].ordinal);
    }
    assert_true(overtaken);
    bench_check(&bench);
    bench_finish(&bench);
}

static void delays_of_several_strategies_add(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench);
    bench_add(
        &bench, 0,
        "{\"kind\":\"delay\",\"select\":{\"dir\":\"out\"},\"dist\":\"100ms\",\"order\":\"none\"}");
    bench_add(&bench, 0, "{\"kind\":\"delay\",\"select\":{\"dir\":\"out\"},\"dist\":\"20ms\"}");
    bench_text(&bench, 0, bench.out, MSIM_FAULT_OTHER, "x");
    bench_run(&bench, SEC);
    assert_int_equal(bench.seen[0].time, 120 * MS);
    bench_finish(&bench);
}

static void releases_at_one_moment_follow_link_ordinal_and_copy(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench);
    struct msim_fault_session *other = bench_session(&bench, 0, "acct-B", MSIM_FAULT_WS_PRIVATE);
    struct msim_fault_link *second = msim_fault_session_link(other, MSIM_FAULT_OUT);
    bench_add(&bench, 0, "{\"kind\":\"duplicate\",\"select\":{\"dir\":\"out\"},\"copies\":2}");
    bench_add(
        &bench, 0,
        "{\"kind\":\"delay\",\"select\":{\"dir\":\"out\"},\"dist\":\"1s\",\"order\":\"none\"}");
    for (int i = 0; i < 20; i++) {
        bench_text(&bench, 0, second, MSIM_FAULT_OTHER, "2");
        bench_text(&bench, 0, bench.out, MSIM_FAULT_OTHER, "1");
    }
    bench_run(&bench, 2 * SEC);
    assert_int_equal(bench.count, 120);
    for (size_t i = 0; i < bench.count; i++) {
        assert_ptr_equal(bench.seen[i].session, i < 60 ? bench.session : other);
        assert_int_equal(bench.seen[i].ordinal, i % 60 / 3);
        assert_int_equal(bench.seen[i].sub, i % 3);
    }
    bench_finish(&bench);
}

static void a_due_message_waits_for_nobody(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench);
    bench_add(&bench, 0, "{\"kind\":\"delay\",\"select\":{\"dir\":\"in\"},\"dist\":\"7ms\"}");
    bench_text(&bench, 0, bench.in, MSIM_FAULT_ORDER_NEW, "x");
    assert_int_equal(msim_faults_next_due(bench.faults), 7 * MS);
    assert_int_equal(bench_pull(&bench, 7 * MS - 1), 0);
    assert_int_equal(bench_pull(&bench, 7 * MS), 1);
    bench_finish(&bench);
}

/* ---- decide, then act ---- */

static void a_dropped_message_is_decided_on_by_the_others_too(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench);
    bench_add(&bench, 0, "{\"kind\":\"drop\",\"id\":\"d\",\"select\":{\"dir\":\"out\"},\"p\":0.5}");
    bench_add(&bench, 0,
              "{\"kind\":\"duplicate\",\"id\":\"third\",\"select\":{\"dir\":\"out\"},\"every\":3}");
    for (int i = 0; i < 999; i++)
        bench_text(&bench, i, bench.out, MSIM_FAULT_OTHER, "x");
    bench_pull(&bench, 999);
    struct msim_fault_counts third = bench_counts(&bench, "third");
    assert_int_equal(third.decided, 333);
    assert_int_equal(third.hits + third.shadowed, 333);
    assert_true(third.shadowed > 100);
    bench_check(&bench);
    bench_finish(&bench);
}

/* What strategy `id` decided, as a string of its trace's ordinals. */
static void decisions_of(struct bench *bench, const char *id, char *out, size_t size)
{
    char want[80];
    size_t used = 0;

    snprintf(want, sizeof want, "\"strategy\":\"%s\"", id);
    out[0] = '\0';
    for (char *line = bench->trace; line && line < bench->trace + bench->trace_length;) {
        char *end = strchr(line, '\n');
        *end = '\0';
        if (strstr(line, want) && strstr(line, "acct-A/")) {
            const char *n = strstr(line, "\"n\":");
            const char *u = strstr(line, "\"u\":");
            const char *sub = strstr(line, "\"sub\":");
            used += (size_t)snprintf(out + used, size - used, "%d.%d:%.22s ", atoi(n + 4),
                                     atoi(sub + 6), u);
            assert_true(used < size);
        }
        *end = '\n';
        line = end + 1;
    }
}

static void run_of(char *out, size_t size, const char *const *strategies, size_t count,
                   bool second_session)
{
    struct bench bench;
    struct msim_fault_link *other = NULL;

    bench_start_traced(&bench, false);
    if (second_session)
        other = msim_fault_session_link(bench_session(&bench, 0, "acct-B", MSIM_FAULT_WS_PRIVATE),
                                        MSIM_FAULT_OUT);
    for (size_t i = 0; i < count; i++)
        bench_add(&bench, 0, strategies[i]);
    for (int i = 0; i < 2000; i++) {
        bench_text(&bench, i * MS, bench.out, i % 2 ? MSIM_FAULT_MD_DEPTH : MSIM_FAULT_EXEC_FILL,
                   "{\"price\":1}");
        if (other)
            bench_text(&bench, i * MS, other, MSIM_FAULT_MD_DEPTH, "{\"price\":1}");
        bench_pull(&bench, i * MS);
    }
    decisions_of(&bench, "mine", out, size);
    bench_finish(&bench);
}

static void shifts_no_decision_of(const char *mine)
{
    const char *const alone[] = {mine};
    const char *const with_drop[] = {
        "{\"kind\":\"drop\",\"id\":\"other\",\"select\":{\"dir\":\"out\"},\"p\":0.4}", mine};
    const char *const with_more[] = {
        "{\"kind\":\"throttle\",\"id\":\"t\",\"select\":{\"dir\":\"out\"},\"rate\":300,\"on_"
        "exceed\":\"drop\"}",
        "{\"kind\":\"corrupt\",\"id\":\"c\",\"select\":{\"dir\":\"out\",\"type\":\"md.*\"},"
        "\"mode\":\"num_scale\",\"p\":0.5}",
        mine};
    static char first[400000];
    static char then[400000];

    run_of(first, sizeof first, alone, 1, false);
    assert_true(strlen(first) > 1000);
    run_of(then, sizeof then, with_drop, 2, false);
    assert_string_equal(first, then);
    run_of(then, sizeof then, with_more, 3, false);
    assert_string_equal(first, then);
    run_of(then, sizeof then, alone, 1, true);
    assert_string_equal(first, then);
}

#define MINE                                                            \
    "{\"kind\":\"delay\",\"id\":\"mine\",\"select\":{\"dir\":\"out\"}," \
    "\"dist\":\"1ms\","

static void one_strategy_shifts_no_decision_of_another(void **state)
{
    (void)state;
    shifts_no_decision_of(MINE "\"p\":0.2}");
    shifts_no_decision_of(MINE "\"p\":0.2,\"stick\":0.5}");
    shifts_no_decision_of(MINE "\"ge\":{\"p_gb\":0.1,\"p_bg\":0.3,\"h_good\":0.01,\"h_bad\":0.9}}");
}

static void hits_at_p_0_1_are_hits_at_p_0_2(void **state)
{
    struct bench few;
    struct bench many;

    (void)state;
    bench_start(&few);
    bench_start(&many);
    bench_add(&few, 0, "{\"kind\":\"drop\",\"id\":\"x\",\"select\":{\"dir\":\"out\"},\"p\":0.1}");
    bench_add(&many, 0, "{\"kind\":\"drop\",\"id\":\"x\",\"select\":{\"dir\":\"out\"},\"p\":0.2}");
    for (int i = 0; i < 20000; i++) {
        bool passes_few = bench_text(&few, i, few.out, MSIM_FAULT_OTHER, "x") == MSIM_FAULT_PASS;
        bool passes_many = bench_text(&many, i, many.out, MSIM_FAULT_OTHER, "x") == MSIM_FAULT_PASS;
        assert_true(passes_few || !passes_many);
    }
    bench_finish(&few);
    bench_finish(&many);
}

static void an_update_goes_on_with_the_same_draws(void **state)
{
    struct bench plain;
    struct bench updated;

    (void)state;
    bench_start(&plain);
    bench_start(&updated);
    bench_add(&plain, 0, "{\"kind\":\"drop\",\"id\":\"x\",\"select\":{\"dir\":\"out\"},\"p\":0.3}");
    bench_add(&updated, 0,
              "{\"kind\":\"drop\",\"id\":\"x\",\"select\":{\"dir\":\"out\"},\"p\":0.9}");
    const char patch[] = "{\"p\":0.3}";
    for (int i = 0; i < 5000; i++) {
        if (i == 1000)
            assert_int_equal(msim_faults_update(updated.faults, i, "x", patch, strlen(patch), NULL),
                             MSIM_OK);
        int one = bench_text(&plain, i, plain.out, MSIM_FAULT_OTHER, "x");
        int other = bench_text(&updated, i, updated.out, MSIM_FAULT_OTHER, "x");
        if (i >= 1000)
            assert_int_equal(one, other);
    }
    assert_int_equal(bench_counts(&updated, "x").matched, 5000);
    bench_finish(&plain);
    bench_finish(&updated);
}

static void healing_releases_all_in_the_first_order(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench);
    bench_add(&bench, 0,
              "{\"kind\":\"delay\",\"select\":{\"dir\":\"out\"},\"order\":\"none\","
              "\"dist\":{\"type\":\"uniform\",\"min\":\"1s\",\"max\":\"9s\"}}");
    bench_add(&bench, 0,
              "{\"kind\":\"reorder\",\"select\":{\"dir\":\"out\"},\"p\":0.5,\"k\":3,\"max_wait\":"
              "\"5s\"}");
    for (int i = 0; i < 100; i++)
        bench_text(&bench, i, bench.out, MSIM_FAULT_OTHER, "x");
    assert_int_equal(msim_faults_heal(bench.faults, 3 * SEC), MSIM_OK);
    bench_pull(&bench, 3 * SEC);
    assert_int_equal(msim_fault_link_balance(bench.out).pending, 0);
    assert_int_equal(bench.count, 100);
    for (uint64_t i = 1; i < bench.count; i++)
        if (bench.seen[i].time == 3 * SEC && bench.seen[i - 1].time == 3 * SEC)
            assert_true(bench.seen[i].ordinal > bench.seen[i - 1].ordinal);
    bench_check(&bench);
    assert_int_equal(bench_text(&bench, 4 * SEC, bench.out, MSIM_FAULT_OTHER, "y"),
                     MSIM_FAULT_PASS);
    bench_finish(&bench);
}

static void more_than_the_bound_ends_the_session(void **state)
{
    struct msim_faults_params params = MSIM_FAULTS_PARAMS_INIT;
    struct bench bench;

    (void)state;
    params.max_pending_messages = 10;
    bench_start_with(&bench, &params);
    bench_add(&bench, 0, "{\"kind\":\"delay\",\"select\":{\"dir\":\"out\"},\"dist\":\"1s\"}");
    for (int i = 0; i < 12; i++)
        bench_text(&bench, 0, bench.out, MSIM_FAULT_OTHER, "x");
    bench_run(&bench, 2 * SEC);
    assert_int_equal(bench.count, 1);
    assert_int_equal(bench.seen[0].action, MSIM_FAULT_ACTION_CLOSE);
    assert_int_equal(bench.seen[0].code, 1008);
    struct msim_fault_balance balance = msim_fault_link_balance(bench.out);
    assert_int_equal(balance.overflow, 1);
    assert_int_equal(balance.discarded, 10);
    assert_int_equal(balance.gated, 1);
    bench_check(&bench);
    bench_finish(&bench);
}

static void closing_a_session_discards_what_waits_on_it(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench);
    bench_add(&bench, 0,
              "{\"kind\":\"delay\",\"id\":\"d\",\"select\":{\"dir\":\"out\"},\"dist\":\"1s\"}");
    struct msim_fault_session *other = bench_session(&bench, 0, "acct-B", MSIM_FAULT_WS_API);
    for (int i = 0; i < 10; i++) {
        bench_text(&bench, i, bench.out, MSIM_FAULT_OTHER, "a");
        bench_text(&bench, i, msim_fault_session_link(other, MSIM_FAULT_OUT), MSIM_FAULT_OTHER,
                   "b");
    }
    msim_faults_session_close(bench.faults, 20, &other);
    assert_null(other);
    bench_run(&bench, 2 * SEC);
    assert_int_equal(bench.count, 10);
    for (size_t i = 0; i < bench.count; i++)
        assert_string_equal(bench.seen[i].text, "a");
    assert_int_equal(bench_counts(&bench, "d").seen, 20);
    bench_finish(&bench);
}

static void labels_count_the_sessions_of_a_client_and_channel(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench);
    assert_string_equal(msim_fault_session_label(bench.session), "acct-A/ws_private/0");
    struct msim_fault_session *second = bench_session(&bench, 0, "acct-A", MSIM_FAULT_WS_PRIVATE);
    assert_string_equal(msim_fault_session_label(second), "acct-A/ws_private/1");
    msim_faults_session_close(bench.faults, 1, &second);
    second = bench_session(&bench, 1, "acct-A", MSIM_FAULT_WS_PRIVATE);
    assert_string_equal(msim_fault_session_label(second), "acct-A/ws_private/2");
    struct msim_fault_session *rest = bench_session(&bench, 1, "acct-A", MSIM_FAULT_REST);
    assert_string_equal(msim_fault_session_label(rest), "acct-A/rest/0");
    assert_ptr_equal(bench_session(&bench, 2, "acct-A", MSIM_FAULT_REST), rest);
    struct msim_fault_session_params params = MSIM_FAULT_SESSION_PARAMS_INIT;
    struct msim_fault_session *anonymous = NULL;
    assert_int_equal(msim_faults_session_open(bench.faults, 2, &params, &anonymous, NULL), MSIM_OK);
    assert_string_equal(msim_fault_session_label(anonymous), "anon/ws_public/0");
    params.client = "a/b";
    assert_int_equal(msim_faults_session_open(bench.faults, 2, &params, &anonymous, &bench.detail),
                     MSIM_ERR_INVALID);
    bench_finish(&bench);
}

static void a_lost_request_ends_as_its_strategy_says(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench);
    struct msim_fault_link *in =
        msim_fault_session_link(bench_session(&bench, 0, "acct-A", MSIM_FAULT_REST), MSIM_FAULT_IN);
    bench_add(&bench, 0,
              "{\"kind\":\"drop\",\"id\":\"d\",\"select\":{\"dir\":\"in\",\"channel\":\"rest\"}}");
    bench_text(&bench, 0, in, MSIM_FAULT_ORDER_NEW, "a");
    const char patch[] = "{\"http\":\"status\",\"status\":504,\"body\":\"late\"}";
    assert_int_equal(msim_faults_update(bench.faults, 1, "d", patch, strlen(patch), NULL), MSIM_OK);
    bench_text(&bench, 1, in, MSIM_FAULT_ORDER_NEW, "b");
    bench_run(&bench, 1);
    assert_int_equal(bench.count, 2);
    assert_int_equal(bench.seen[0].action, MSIM_FAULT_ACTION_HTTP_HANG);
    assert_int_equal(bench.seen[0].duration, 30 * SEC);
    assert_int_equal(bench.seen[1].action, MSIM_FAULT_ACTION_HTTP_STATUS);
    assert_int_equal(bench.seen[1].code, 504);
    assert_string_equal(bench.seen[1].text, "late");
    assert_int_equal(bench.seen[1].ordinal, 1);
    bench_finish(&bench);
}

static void fire(struct bench *bench, msim_time now, const char *json)
{
    int r = msim_faults_fire(bench->faults, now, json, strlen(json), &bench->detail);
    if (r < 0)
        fail_msg("%s: %s", json, bench->detail.text);
}

static bool stands(struct bench *bench, const char *id)
{
    struct msim_fault_counts counts;

    return msim_faults_counts(bench->faults, id, &counts) == MSIM_OK;
}

static void all_that_was_fired_at_one_message_is_gone_after_it(void **state)
{
    static const char *const kinds[] = {
        "\"kind\":\"delay\",\"dist\":\"1s\"",
        "\"kind\":\"duplicate\"",
        "\"kind\":\"reorder\",\"k\":1,\"max_wait\":\"1s\"",
        "\"kind\":\"reorder\",\"mode\":\"shuffle\",\"window\":2,\"max_wait\":\"1s\"",
        "\"kind\":\"session\",\"action\":\"freeze\",\"duration\":\"1s\"",
        "\"kind\":\"session\",\"action\":\"close\",\"notice\":{\"before\":\"1s\"}",
        "\"kind\":\"drop\"",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        for (size_t k = 0; k < COUNT(kinds); k++) {
            struct bench bench;
            char json[256];
            bench_start(&bench);
            snprintf(json, sizeof json, "{\"id\":\"a\",%s,\"select\":{\"dir\":\"out\"}}", kinds[i]);
            fire(&bench, 0, json);
            snprintf(json, sizeof json, "{\"id\":\"b\",%s,\"select\":{\"dir\":\"out\"}}", kinds[k]);
            fire(&bench, 0, json);
            bench_text(&bench, 1, bench.out, MSIM_FAULT_MD_TRADE, "first");
            bench_pull(&bench, 10 * SEC);
            if (stands(&bench, "a") || stands(&bench, "b"))
                fail_msg("%s and %s: one still stands", kinds[i], kinds[k]);
            bench_check(&bench);
            bench_finish(&bench);
        }
    }
}

static void what_was_fired_is_gone_with_the_message_it_was_to_act_on(void **state)
{
    static const char *const kinds[] = {
        "\"kind\":\"reorder\",\"k\":9,\"max_wait\":\"1h\"",
        "\"kind\":\"session\",\"action\":\"freeze\",\"when\":\"after\"",
        "\"kind\":\"session\",\"action\":\"close\",\"flap\":{\"times\":2,\"gap\":\"1s\"}",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        for (int end = 0; end < 4; end++) {
            struct bench bench;
            char json[256];
            bench_start(&bench);
            if (end == 0)
                bench_add(&bench, 0,
                          "{\"kind\":\"throttle\",\"select\":{\"dir\":\"out\"},\"rate\":1,"
                          "\"on_exceed\":\"drop\"}");
            else
                bench_add(&bench, 0,
                          "{\"kind\":\"delay\",\"select\":{\"dir\":\"out\"},\"dist\":\"9s\"}");
            bench_text(&bench, 0, bench.out, MSIM_FAULT_OTHER, "takes the token");
            snprintf(json, sizeof json, "{\"id\":\"a\",%s,\"select\":{\"dir\":\"out\"}}", kinds[i]);
            fire(&bench, 0, json);
            bench_text(&bench, 1, bench.out, MSIM_FAULT_OTHER, "dies");
            if (end == 1)
                msim_faults_session_close(bench.faults, 2, &bench.session);
            else if (end == 2)
                fire(&bench, 2, "{\"kind\":\"session\",\"action\":\"rst\"}");
            else if (end == 3)
                assert_int_equal(msim_faults_heal(bench.faults, 2), MSIM_OK);
            bench_pull(&bench, 3);
            if (stands(&bench, "a"))
                fail_msg("%s stands after end %d", kinds[i], end);
            bench_finish(&bench);
        }
    }
}

static void what_was_fired_and_met_no_message_goes_with_a_heal(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench);
    fire(&bench, 0, "{\"id\":\"a\",\"kind\":\"drop\",\"select\":{\"dir\":\"out\"}}");
    assert_true(stands(&bench, "a"));
    assert_int_equal(msim_faults_heal(bench.faults, 1), MSIM_OK);
    assert_false(stands(&bench, "a"));
    bench_finish(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_strategies_all_passes_untouched),
        cmocka_unit_test(disabled_strategies_touch_nothing),
        cmocka_unit_test(strategies_that_were_added_disabled_can_all_be_enabled),
        cmocka_unit_test(strategies_of_p_0_touch_nothing),
        cmocka_unit_test(a_dropped_message_never_comes_out),
        cmocka_unit_test(copies_have_the_same_bytes_and_come_after_their_gaps),
        cmocka_unit_test(delivered_is_native_plus_copies_and_their_number_is_uniform),
        cmocka_unit_test(copies_of_several_strategies_add_up_to_sixteen_in_all),
        cmocka_unit_test(a_delay_on_a_link_blocks_what_comes_behind),
        cmocka_unit_test(a_delay_is_measured_from_the_arrival),
        cmocka_unit_test(without_an_order_messages_overtake),
        cmocka_unit_test(a_lane_keeps_the_order_of_each_symbol_alone),
        cmocka_unit_test(delays_of_several_strategies_add),
        cmocka_unit_test(releases_at_one_moment_follow_link_ordinal_and_copy),
        cmocka_unit_test(a_due_message_waits_for_nobody),
        cmocka_unit_test(a_dropped_message_is_decided_on_by_the_others_too),
        cmocka_unit_test(one_strategy_shifts_no_decision_of_another),
        cmocka_unit_test(hits_at_p_0_1_are_hits_at_p_0_2),
        cmocka_unit_test(an_update_goes_on_with_the_same_draws),
        cmocka_unit_test(healing_releases_all_in_the_first_order),
        cmocka_unit_test(more_than_the_bound_ends_the_session),
        cmocka_unit_test(closing_a_session_discards_what_waits_on_it),
        cmocka_unit_test(labels_count_the_sessions_of_a_client_and_channel),
        cmocka_unit_test(a_lost_request_ends_as_its_strategy_says),
        cmocka_unit_test(all_that_was_fired_at_one_message_is_gone_after_it),
        cmocka_unit_test(what_was_fired_is_gone_with_the_message_it_was_to_act_on),
        cmocka_unit_test(what_was_fired_and_met_no_message_goes_with_a_heal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
