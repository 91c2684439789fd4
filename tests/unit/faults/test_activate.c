/*
 * Rates, bursts and counts of decisions.  Seeds are fixed, so the bounds (alpha 1e-9)
 * either hold or do not.
 */
#include "bench.h"

#include <math.h>

#define MILLION 1000000

/* Hits of a drop over `count` messages 1 us apart; `hits` notes each where not NULL. */
static uint64_t hits_of(const char *extra, int count, unsigned char *hits)
{
    struct bench bench;
    char json[512];
    struct msim_fault_message message = bench_message("x", MSIM_FAULT_MD_DEPTH);

    bench_start(&bench);
    snprintf(json, sizeof json, "{\"kind\":\"drop\",\"id\":\"x\",\"select\":{\"dir\":\"out\"}%s}",
             extra);
    bench_add(&bench, 0, json);
    for (int i = 0; i < count; i++) {
        int r = msim_faults_submit(bench.faults, i * MSIM_NS_PER_US, bench.out, &message);
        if (hits)
            hits[i] = r == MSIM_FAULT_TAKEN;
    }
    uint64_t sum = bench_counts(&bench, "x").hits;
    assert_int_equal(bench_counts(&bench, "x").matched, count);
    bench_check(&bench);
    bench_finish(&bench);
    return sum;
}

static void rates_lie_in_the_band(void **state)
{
    static const struct {
        const char *p;
        int count;
        uint64_t low;
        uint64_t high;
    } bands[] = {
        {",\"p\":0.001", 10000, 0, 35},       {",\"p\":0.001", 100000, 45, 167},
        {",\"p\":0.001", MILLION, 813, 1199}, {",\"p\":0.01", 10000, 46, 166},
        {",\"p\":0.01", 100000, 814, 1198},   {",\"p\":0.01", MILLION, 9398, 10614},
        {",\"p\":0.05", 100000, 4584, 5426},  {",\"p\":0.05", MILLION, 48674, 51337},
        {",\"p\":0.1", 10000, 822, 1188},     {",\"p\":0.1", MILLION, 98172, 101838},
        {",\"p\":0.5", 100000, 49034, 50966}, {",\"p\":0.5", MILLION, 496945, 503055},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(bands); i++)
        assert_in_range(hits_of(bands[i].p, bands[i].count, NULL), bands[i].low, bands[i].high);
}

static void p_0_never_hits_and_p_1_always(void **state)
{
    (void)state;
    assert_int_equal(hits_of(",\"p\":0", 100000, NULL), 0);
    assert_int_equal(hits_of(",\"p\":1", 100000, NULL), 100000);
    assert_int_equal(hits_of("", 100000, NULL), 100000);
    /* One part in 10^9 is no 0, and one less than all of them no 1. */
    assert_in_range(hits_of(",\"p\":0.000000001", 100000, NULL), 0, 3);
    assert_in_range(hits_of(",\"p\":0.999999999", 100000, NULL), 99997, 100000);
}

static void decisions_are_independent_of_each_other(void **state)
{
    unsigned char *one = malloc(MILLION);
    int lag = 0;
    int same = 0;

    (void)state;
    hits_of(",\"p\":0.5", MILLION, one);
    for (int i = 1; i < MILLION; i++)
        lag += one[i] == one[i - 1];
    assert_in_range(lag, 496900, 503100);

    /* Another connection, another strategy, the next seed. */
    for (int variant = 0; variant < 3; variant++) {
        struct msim_faults_params params = MSIM_FAULTS_PARAMS_INIT;
        struct bench bench;
        struct msim_fault_message message = bench_message("x", MSIM_FAULT_MD_DEPTH);
        params.seed = variant == 2 ? 43 : 42;
        bench_start_with(&bench, &params);
        struct msim_fault_link *link = bench.out;
        if (variant == 0)
            link = msim_fault_session_link(
                bench_session(&bench, 0, "acct-B", MSIM_FAULT_WS_PRIVATE), MSIM_FAULT_OUT);
        bench_add(&bench, 0,
                  variant == 1
                      ? "{\"kind\":\"drop\",\"id\":\"z\",\"select\":{\"dir\":\"out\"},\"p\":0.5}"
                      : "{\"kind\":\"drop\",\"id\":\"x\",\"select\":{\"dir\":\"out\"},\"p\":0.5}");
        same = 0;
        for (int i = 0; i < MILLION; i++)
            same +=
                (msim_faults_submit(bench.faults, i, link, &message) == MSIM_FAULT_TAKEN) == one[i];
        assert_in_range(same, 496900, 503100);
        bench_finish(&bench);
    }
    free(one);
}

/* P(hit | hit) and the mean, of noted hits. */
static double given_hit(const unsigned char *hits, int count)
{
    int after = 0;
    int both = 0;

    for (int i = 1; i < count; i++) {
        after += hits[i - 1];
        both += hits[i - 1] && hits[i];
    }
    return (double)both / after;
}

static void stick_keeps_the_rate_and_makes_runs(void **state)
{
    const double p = 0.1;
    const double stick = 0.7;
    unsigned char *hits = malloc(MILLION);

    (void)state;
    double mean = (double)hits_of(",\"p\":0.1,\"stick\":0.7", MILLION, hits) / MILLION;
    double deviation = sqrt(p * (1 - p) / MILLION) * sqrt((1 + stick) / (1 - stick));
    assert_true(fabs(mean - p) < 6.1 * deviation);
    double expected = stick + (1 - stick) * p;
    double given = given_hit(hits, MILLION);
    assert_true(fabs(given - expected) < 6.1 * sqrt(expected * (1 - expected) / (p * MILLION)));
    free(hits);
}

static void gilbert_elliott_has_its_mean_and_its_bursts(void **state)
{
    const double p_gb = 0.01;
    const double p_bg = 0.2;
    const double h_good = 0.001;
    const double h_bad = 0.8;
    unsigned char *hits = malloc(MILLION);

    (void)state;
    double mean =
        (double)hits_of(",\"ge\":{\"p_gb\":0.01,\"p_bg\":0.2,\"h_good\":0.001,\"h_bad\":0.8}",
                        MILLION, hits) /
        MILLION;
    double bad = p_gb / (p_gb + p_bg);
    double mu = bad * h_bad + (1 - bad) * h_good;
    double r = 1 - p_gb - p_bg;
    double spread = h_bad - h_good;
    double variance =
        (mu * (1 - mu) + 2 * bad * (1 - bad) * spread * spread * r / (1 - r)) / MILLION;
    assert_true(fabs(mean - mu) < 6.1 * sqrt(variance));

    /* P(hit and hit) = sum over states; divided by mu. */
    double both = bad * h_bad * ((1 - p_bg) * h_bad + p_bg * h_good) +
                  (1 - bad) * h_good * (p_gb * h_bad + (1 - p_gb) * h_good);
    assert_true(fabs(given_hit(hits, MILLION) - both / mu) < 0.025);
    free(hits);
}

static void bad_runs_last_as_long_as_they_should(void **state)
{
    unsigned char *hits = malloc(MILLION);
    int runs = 0;
    int in_runs = 0;

    (void)state;
    /* h_good 0 and h_bad 1: the hits are the state itself. */
    hits_of(",\"ge\":{\"p_gb\":0.02,\"p_bg\":0.25,\"h_good\":0,\"h_bad\":1}", MILLION, hits);
    assert_int_equal(hits[0], 0); /* it starts good, and decides before it steps */
    for (int i = 1; i < MILLION; i++) {
        runs += hits[i] && !hits[i - 1];
        in_runs += hits[i];
    }
    double mean = (double)in_runs / runs;
    assert_true(fabs(mean - 4.0) < 6.1 * sqrt(12.0 / runs));
    free(hits);
}

static void bursts_in_time_do_not_depend_on_the_traffic(void **state)
{
    (void)state;
    for (int gap = 1; gap <= 100; gap *= 10) {
        struct bench bench;
        struct msim_fault_message message = bench_message("x", MSIM_FAULT_OTHER);
        int hits = 0;
        int runs = 0;
        bool last = false;
        bench_start(&bench);
        bench_add(
            &bench, 0,
            "{\"kind\":\"drop\",\"select\":{\"dir\":\"out\"},\"ge_time\":{\"mean_good\":\"3s\","
            "\"mean_bad\":\"1s\",\"h_good\":0,\"h_bad\":1}}");
        int count = 4000 * 1000 / gap;
        for (int i = 0; i < count; i++) {
            bool hit = msim_faults_submit(bench.faults, (msim_time)i * gap * MS, bench.out,
                                          &message) == MSIM_FAULT_TAKEN;
            hits += hit;
            runs += hit && !last;
            last = hit;
        }
        /* 1000 cycles of 4 s: a quarter is bad, give or take. */
        assert_true(fabs((double)hits / count - 0.25) < 0.05);
        assert_in_range(runs, 800, 1200);
        bench_finish(&bench);
    }
}

static void a_silence_of_years_costs_no_time(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench);
    bench_add(&bench, 0,
              "{\"kind\":\"drop\",\"select\":{\"dir\":\"out\"},\"ge_time\":{\"mean_good\":\"1ns\","
              "\"mean_bad\":\"1ns\",\"h_good\":0,\"h_bad\":1}}");
    for (int i = 0; i < 1000; i++)
        bench_text(&bench, (msim_time)i * 86400 * SEC, bench.out, MSIM_FAULT_OTHER, "x");
    assert_in_range(bench.passed, 400, 600);
    bench_finish(&bench);
}

/* ---- gates ---- */

static void check_hits(const char *extra, const char *expected)
{
    unsigned char hits[64];
    char got[65] = "";
    int count = (int)strlen(expected);

    hits_of(extra, count, hits);
    for (int i = 0; i < count; i++)
        got[i] = hits[i] ? 'x' : '.';
    assert_string_equal(got, expected);
}

static void gates_let_through_what_they_say(void **state)
{
    (void)state;
    check_hits(",\"skip\":3", "...xxxxxxx");
    check_hits(",\"every\":3", "..x..x..x.");
    check_hits(",\"skip\":2,\"every\":3", "....x..x..x.");
    check_hits(",\"max_hits\":2", "xx........");
    check_hits(",\"every\":2,\"max_hits\":3", ".x.x.x....");
    check_hits(",\"cooldown\":\"3us\"", "x..x..x..x");
    check_hits(",\"window\":[\"2us\",\"5us\"]", "..xxx.....");
    check_hits(",\"window\":[\"2us\",\"8us\"],\"every\":2", "...x.x.x..");
    check_hits(",\"cooldown\":\"2us\",\"max_hits\":2,\"skip\":1", ".x.x......");
}

static void one_shots_stay_one_shots_across_connections(void **state)
{
    struct bench bench;

    (void)state;
    for (int scope = 0; scope < 2; scope++) {
        bench_start(&bench);
        bench_add(
            &bench, 0,
            scope == 0
                ? "{\"kind\":\"drop\",\"id\":\"x\",\"select\":{\"dir\":\"out\"},\"max_hits\":1}"
                : "{\"kind\":\"drop\",\"id\":\"x\",\"select\":{\"dir\":\"out\"},\"max_hits\":1,"
                  "\"count_scope\":\"link\"}");
        bench_text(&bench, 1, bench.out, MSIM_FAULT_OTHER, "x");
        msim_faults_session_close(bench.faults, 2, &bench.session);
        bench.session = bench_session(&bench, 3, "acct-A", MSIM_FAULT_WS_PRIVATE);
        bench.out = msim_fault_session_link(bench.session, MSIM_FAULT_OUT);
        bench_text(&bench, 4, bench.out, MSIM_FAULT_OTHER, "x");
        assert_int_equal(bench_counts(&bench, "x").hits, scope + 1);
        bench_finish(&bench);
    }
}

static void by_an_order_all_its_messages_share_one_fate(void **state)
{
    struct bench bench;
    int dropped = 0;

    (void)state;
    bench_start(&bench);
    struct msim_fault_session *rest = bench_session(&bench, 0, "acct-A", MSIM_FAULT_REST);
    struct msim_fault_link *links[] = {bench.out, msim_fault_session_link(rest, MSIM_FAULT_OUT),
                                       bench.in};
    bench_add(
        &bench, 0,
        "{\"kind\":\"drop\",\"id\":\"x\",\"select\":{\"dir\":\"both\"},\"p\":0.5,\"by\":\"cid\"}");
    for (int i = 0; i < 2000; i++) {
        char cid[16];
        int first = 0;
        snprintf(cid, sizeof cid, "order-%d", i);
        for (int k = 0; k < 3; k++) {
            struct msim_fault_message message = bench_message("x", MSIM_FAULT_EXEC_NEW);
            message.client_order_id = (struct msim_fault_text){cid, strlen(cid)};
            int r = bench_send(&bench, i, links[(i + k) % 3], &message);
            if (k == 0)
                first = r;
            assert_int_equal(r, first);
        }
        dropped += first == MSIM_FAULT_TAKEN;
        assert_int_equal(bench_text(&bench, i, bench.out, MSIM_FAULT_EXEC_NEW, "no id"),
                         MSIM_FAULT_PASS);
    }
    assert_in_range(dropped, 860, 1140);
    assert_int_equal(bench_counts(&bench, "x").matched, 6000);
    bench_finish(&bench);
}

static void copies_draw_anew_for_plain_p_and_share_what_is_counted(void **state)
{
    struct bench bench;
    int slow[2] = {0};

    (void)state;
    bench_start(&bench);
    bench_add(&bench, 0, "{\"kind\":\"duplicate\",\"select\":{\"dir\":\"out\"},\"copies\":1}");
    bench_add(&bench, 0,
              "{\"kind\":\"delay\",\"id\":\"p\",\"select\":{\"dir\":\"out\"},\"p\":0.5,\"dist\":"
              "\"1ms\",\"order\":\"none\"}");
    bench_add(&bench, 0,
              "{\"kind\":\"delay\",\"id\":\"e\",\"select\":{\"dir\":\"out\"},\"every\":2,\"dist\":"
              "\"1s\",\"order\":\"none\"}");
    for (int i = 0; i < 4000; i++)
        bench_text(&bench, 0, bench.out, MSIM_FAULT_OTHER, "x");
    bench_run(&bench, 2 * SEC);
    assert_int_equal(bench.count, 8000);
    for (size_t i = 0; i < bench.count; i++) {
        msim_time late = bench.seen[i].time;
        bool second = bench.seen[i].ordinal % 2 == 1;
        assert_int_equal(late >= SEC, second);
        slow[bench.seen[i].sub] += late % SEC == MS;
    }
    assert_in_range(slow[0], 1800, 2200);
    assert_in_range(slow[1], 1800, 2200);
    assert_int_equal(bench_counts(&bench, "e").matched, 4000);
    bench_finish(&bench);
}

static void an_injected_message_moves_no_state(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench);
    bench_add(&bench, 0,
              "{\"kind\":\"drop\",\"id\":\"x\",\"select\":{\"dir\":\"out\"},\"every\":2}");
    for (uint64_t i = 0; i < 100; i++) {
        struct msim_fault_message message = bench_message("x", MSIM_FAULT_OTHER);
        message.injector = "inj";
        message.injection = i;
        assert_int_equal(bench_send(&bench, 0, bench.out, &message), MSIM_FAULT_PASS);
        assert_int_equal(bench_text(&bench, 0, bench.out, MSIM_FAULT_OTHER, "x"),
                         i % 2 ? MSIM_FAULT_TAKEN : MSIM_FAULT_PASS);
    }
    struct msim_fault_balance balance = msim_fault_link_balance(bench.out);
    assert_int_equal(balance.injected, 100);
    assert_int_equal(balance.native, 100);
    bench_check(&bench);
    bench_finish(&bench);
}

static void control_messages_must_be_named(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench);
    bench_add(&bench, 0, "{\"kind\":\"drop\",\"id\":\"x\",\"select\":{\"dir\":\"out\"}}");
    assert_int_equal(bench_text(&bench, 0, bench.out, MSIM_FAULT_SYS_PONG, "x"), MSIM_FAULT_PASS);
    bench_add(&bench, 0,
              "{\"kind\":\"drop\",\"id\":\"y\",\"select\":{\"dir\":\"out\",\"type\":\"sys.*\"}}");
    assert_int_equal(bench_text(&bench, 0, bench.out, MSIM_FAULT_SYS_PONG, "x"), MSIM_FAULT_TAKEN);
    bench_finish(&bench);
}

static void selectors_match_what_they_say(void **state)
{
    static const struct {
        const char *select;
        bool matches;
    } cases[] = {
        {"\"symbol\":\"BTC*\"", true},
        {"\"symbol\":[\"ETH*\",\"BTC?USD\"]", true},
        {"\"symbol\":\"ETH*\"", false},
        {"\"cid\":\"bot-7*\"", true},
        {"\"cid\":\"bot-8*\"", false},
        {"\"account\":\"acct-A\"", true},
        {"\"account\":\"acct-B\"", false},
        {"\"label\":\"acct-A/*/0\"", true},
        {"\"label\":\"*/1\"", false},
        {"\"channel\":\"ws_private\"", true},
        {"\"channel\":[\"rest\",\"inproc\"]", false},
        {"\"side\":\"buy\"", true},
        {"\"side\":\"sell\"", false},
        {"\"size_min\":5,\"size_max\":5", true},
        {"\"size_min\":6", false},
        {"\"size_max\":4", false},
        {"\"type\":[\"md.*\",\"exec.fill\"]", true},
        {"\"type\":\"md.*\"", false},
        {"\"type\":\"exec.*\",\"not\":{\"symbol\":\"BTC*\"}", false},
        {"\"type\":\"exec.*\",\"not\":{\"symbol\":\"BTC*\",\"side\":\"sell\"}", true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bench bench;
        char json[256];
        bench_start(&bench);
        snprintf(json, sizeof json,
                 "{\"kind\":\"drop\",\"id\":\"x\",\"select\":{\"dir\":\"out\",%s}}",
                 cases[i].select);
        bench_add(&bench, 0, json);
        struct msim_fault_text more = {"ETC-USD", 7};
        struct msim_fault_message message = bench_message("12345", MSIM_FAULT_EXEC_FILL);
        message.symbol = (struct msim_fault_text){"BTC-USD", 7};
        message.more_symbols = &more;
        message.more_symbol_count = 1;
        message.client_order_id = (struct msim_fault_text){"bot-77", 6};
        message.side = MSIM_SIDE_BUY;
        if ((bench_send(&bench, 0, bench.out, &message) == MSIM_FAULT_TAKEN) != cases[i].matches)
            fail_msg("%s", cases[i].select);
        bench_finish(&bench);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates_lie_in_the_band),
        cmocka_unit_test(p_0_never_hits_and_p_1_always),
        cmocka_unit_test(decisions_are_independent_of_each_other),
        cmocka_unit_test(stick_keeps_the_rate_and_makes_runs),
        cmocka_unit_test(gilbert_elliott_has_its_mean_and_its_bursts),
        cmocka_unit_test(bad_runs_last_as_long_as_they_should),
        cmocka_unit_test(bursts_in_time_do_not_depend_on_the_traffic),
        cmocka_unit_test(a_silence_of_years_costs_no_time),
        cmocka_unit_test(gates_let_through_what_they_say),
        cmocka_unit_test(one_shots_stay_one_shots_across_connections),
        cmocka_unit_test(by_an_order_all_its_messages_share_one_fate),
        cmocka_unit_test(copies_draw_anew_for_plain_p_and_share_what_is_counted),
        cmocka_unit_test(an_injected_message_moves_no_state),
        cmocka_unit_test(control_messages_must_be_named),
        cmocka_unit_test(selectors_match_what_they_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
