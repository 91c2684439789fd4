#include "bench.h"

#include <math.h>

#include "base/random.h"
#include "faults/distribution.h"
#include "faults/tables.h"

/* ---- the specification's golden vectors ---- */

static void philox_gives_the_golden_blocks(void **state)
{
    (void)state;
    struct msim_philox_block zero = msim_philox((struct msim_philox_block){{0, 0, 0, 0}}, 0, 0);
    assert_int_equal(zero.word[0], 0x6627e8d5);
    assert_int_equal(zero.word[1], 0xe169c58d);
    assert_int_equal(zero.word[2], 0xbc57ac4c);
    assert_int_equal(zero.word[3], 0x9b00dbd8);
    struct msim_philox_block ones = {{UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX}};
    ones = msim_philox(ones, UINT32_MAX, UINT32_MAX);
    assert_int_equal(ones.word[0], 0x408f276d);
    assert_int_equal(ones.word[1], 0x41c83b0e);
    assert_int_equal(ones.word[2], 0xa20bc7c6);
    assert_int_equal(ones.word[3], 0x6d5451fd);
}

static void keys_and_draws_are_the_golden_ones(void **state)
{
    static const char a[] = "drop1|acct-A/ws_private/0|out";
    static const char b[] = "drop1|acct-B/ws_private/0|out";

    (void)state;
    assert_true(msim_fnv(a, strlen(a)) == UINT64_C(0xc736dd7b4b6557bc));
    uint64_t key = msim_random_key(42, a, strlen(a));
    assert_true(key == UINT64_C(0x056208bf4a7e331c));
    assert_true(msim_random_at(key, 0, 1, 0) == UINT64_C(0xa5144146bdb7c95b));
    assert_true(msim_random_at(key, 1, 1, 0) == UINT64_C(0x4914aaaacd96c5ef));
    assert_true(msim_random_at(key, 1, 4, 0) == UINT64_C(0xbd9a86db654ee0aa));
    assert_true(msim_random_at(key, 1, 4, 1) == UINT64_C(0xbb83b88baaf71ca4));
    key = msim_random_key(42, b, strlen(b));
    assert_true(key == UINT64_C(0x2be380cfccce9c70));
    assert_true(msim_random_at(key, 0, 1, 0) == UINT64_C(0xd5a3ac0e2e37fd97));
}

static void a_drop_at_p_0_1_hits_the_golden_messages(void **state)
{
    static const int golden[] = {2, 7, 12, 25, 32, 34, 45, 70, 97, 102, 105, 106};
    struct bench bench;
    size_t at = 0;

    (void)state;
    bench_start(&bench);
    bench_add(&bench, 0,
              "{\"kind\":\"drop\",\"id\":\"drop1\",\"select\":{\"dir\":\"out\"},\"p\":0.1}");
    for (int n = 0; n <= 106; n++) {
        bool dropped = bench_text(&bench, n, bench.out, MSIM_FAULT_OTHER, "x") == MSIM_FAULT_TAKEN;
        bool expected = at < COUNT(golden) && golden[at] == n;
        assert_int_equal(dropped, expected);
        at += expected;
    }
    assert_int_equal(at, COUNT(golden));
    bench_finish(&bench);
}

/*
 * All that happened in a run with every network kind and every distribution, as one number: the
 * same from every compiler, at every level of optimisation (tests/golden) and on every machine.
 */
static void a_run_of_every_kind_leaves_the_golden_trace(void **state)
{
    static const char plan[] =
        "[{\"id\":\"burst\",\"kind\":\"drop\",\"select\":{\"dir\":\"out\"},"
        "\"ge\":{\"p_gb\":0.01,\"p_bg\":0.2,\"h_good\":0.001,\"h_bad\":0.8}},"
        "{\"id\":\"calm\",\"kind\":\"drop\",\"select\":{\"dir\":\"in\"},"
        "\"ge_time\":{\"mean_good\":\"2s\",\"mean_bad\":\"300ms\",\"h_good\":0,\"h_bad\":0.9}},"
        "{\"id\":\"twice\",\"kind\":\"duplicate\",\"select\":{\"dir\":\"out\"},\"p\":0.1,"
        "\"copies\":[1,3],\"gap\":{\"type\":\"lognormal\",\"median\":\"5ms\",\"sigma\":0.7}},"
        "{\"id\":\"spoil\",\"kind\":\"corrupt\",\"select\":{\"dir\":\"out\"},\"p\":0.2,\"mode\":["
        "{\"mode\":\"bitflip\",\"bits\":3},{\"mode\":\"num_digits\"},{\"mode\":\"truncate\"},"
        "{\"mode\":\"garbage\"},{\"mode\":\"split\"},{\"mode\":\"concat\"},"
        "{\"mode\":\"scramble\",\"weight\":3},{\"mode\":\"field_drop\"}]},"
        "{\"id\":\"slow\",\"kind\":\"throttle\",\"select\":{\"dir\":\"out\"},\"rate\":160.5,"
        "\"burst\":9,\"queue\":64},"
        "{\"id\":\"late\",\"kind\":\"delay\",\"select\":{\"dir\":\"out\"},\"p\":0.3,\"stick\":0.5,"
        "\"order\":\"none\",\"dist\":{\"type\":\"mixture\",\"parts\":["
        "{\"weight\":4,\"dist\":{\"type\":\"uniform\",\"min\":\"1ms\",\"max\":\"9ms\"}},"
        "{\"weight\":3,\"dist\":{\"type\":\"exp\",\"mean\":\"7ms\"}},"
        "{\"weight\":2,\"dist\":{\"type\":\"normal\",\"mean\":\"20ms\",\"sd\":\"9ms\"}},"
        "{\"weight\":1,\"dist\":{\"type\":\"pareto\",\"scale\":\"2ms\",\"alpha\":1.3}}]}},"
        "{\"id\":\"mixed\",\"kind\":\"reorder\",\"select\":{\"dir\":\"out\"},\"p\":0.1,\"k\":[1,4],"
        "\"max_wait\":\"200ms\"},"
        "{\"id\":\"cut\",\"kind\":\"slice\",\"select\":{\"dir\":\"out\"},\"p\":0.1,"
        "\"chunk\":[1,7]}]";
    struct bench bench;

    (void)state;
    bench_start_traced(&bench, true);
    if (msim_faults_add_all(bench.faults, 0, plan, strlen(plan), &bench.detail) < 0)
        fail_msg("%s", bench.detail.text);
    for (int i = 0; i < 4000; i++) {
        char text[64];
        msim_time now = i * 7 * MS + i % 3;
        snprintf(text, sizeof text, "{\"n\":%d,\"price\":\"%d.5\"}", i, 100 + i % 17);
        bench_text(&bench, now, bench.out, MSIM_FAULT_MD_TRADE, text);
        bench_text(&bench, now, bench.in, MSIM_FAULT_ORDER_NEW, text);
        bench_run(&bench, now);
    }
    bench_run(&bench, 100 * SEC);
    bench_check(&bench);
    uint64_t bytes = 0;
    for (size_t i = 0; i < bench.count; i++) {
        assert_true(bench.seen[i].length < sizeof bench.seen[i].text);
        bytes = bytes * 31 + msim_fnv(bench.seen[i].text, bench.seen[i].length);
    }
    uint64_t trace = msim_fnv(bench.trace, bench.trace_length);
    if (trace != UINT64_C(0x2e8d2bb017d5e4f9) || bytes != UINT64_C(0x29f0c3f648c1f5ca))
        fail_msg("trace %016llx, bytes %016llx of %zu messages", (unsigned long long)trace,
                 (unsigned long long)bytes, bench.count);
    bench_finish(&bench);
}

/* ---- integer tables against libm ---- */

static uint64_t uniform(uint64_t i)
{
    return msim_random_at(99, i, 4, 0);
}

static void logarithms_are_those_of_libm(void **state)
{
    double worst = 0;

    (void)state;
    for (uint64_t i = 0; i < 200000; i++) {
        uint64_t u = uniform(i) >> (i % 60);
        double exact = -(log((double)u + 1.0) - 64 * log(2.0));
        double got = (double)msim_fault_draw_neg_ln(u) / 4294967296.0;
        worst = fmax(worst, fabs(exact - got));
    }
    assert_true(worst < 2.0e-6);
    assert_int_equal(msim_fault_draw_neg_ln(UINT64_MAX), 0);
}

static void powers_of_two_are_those_of_libm(void **state)
{
    double worst = 0;

    (void)state;
    for (uint64_t i = 0; i < 200000; i++) {
        int64_t exponent = (int64_t)(uniform(i) >> 28) - ((int64_t)1 << 35); /* -8 .. 8 */
        double exact = 1e12 * exp2((double)exponent / 4294967296.0);
        double got = (double)msim_fault_scale_exp2(1000000000000, exponent);
        worst = fmax(worst, fabs(exact - got) / exact);
    }
    assert_true(worst < 1.0e-6);
    assert_int_equal(msim_fault_scale_exp2(1, (int64_t)70 << 32), INT64_MAX);
    assert_int_equal(msim_fault_scale_exp2(1, -((int64_t)200 << 32)), 0);
    assert_int_equal(msim_fault_scale_exp2(0, (int64_t)70 << 32), 0);
}

static double normal_tail(double z)
{
    return 0.5 * erfc(z / sqrt(2.0));
}

static void normal_quantiles_are_those_of_libm(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 100000; i++) {
        uint64_t u = uniform(i);
        if (i % 2)
            u >>= i % 30;
        if (u >> 32 == 0)
            continue; /* beyond the last octave, where the tail is cut off */
        double z = (double)msim_fault_draw_normal(u) / 4294967296.0;
        double p = ((double)u + 0.5) / 18446744073709551616.0;
        /* A step of 1.4e-5 in z to either side encloses p. */
        assert_true(normal_tail(-(z - 1.4e-5)) <= p && p <= normal_tail(-(z + 1.4e-5)));
    }
    assert_true(msim_fault_draw_normal(0) == -msim_fault_draw_normal(UINT64_MAX));
}

/* ---- delays: Kolmogorov and Smirnov ---- */

#define SAMPLE 100000
#define KS_BOUND 0.0103 /* sqrt(ln(2e9) / (2n)) */

static int ascending(const void *a, const void *b)
{
    int64_t one = *(const int64_t *)a;
    int64_t other = *(const int64_t *)b;

    return (one > other) - (one < other);
}

static double shape_cdf(const struct part *part, double x)
{
    double a = (double)part->a;
    double b = (double)part->b;

    switch (part->shape) {
    case SHAPE_CONST:
        return x >= a;
    case SHAPE_UNIFORM:
        return x < a ? 0 : fmin(1, (floor(x) - a + 1) / (b - a + 1));
    case SHAPE_EXP:
        return x < b ? 0 : 1 - exp(-(x - b) / a);
    case SHAPE_NORMAL:
        return x < 0 ? 0 : 1 - normal_tail((x - a) / b);
    case SHAPE_LOGNORMAL:
        return x <= 0 ? 0 : 1 - normal_tail(log(x / a) / (b / 1e9));
    case SHAPE_PARETO:
        return x < a ? 0 : 1 - pow(a / x, b / 1e9);
    }
    return 0;
}

static double mixture_cdf(const struct distribution *distribution, double x)
{
    double sum = 0;

    if (distribution->count == 1)
        return shape_cdf(&distribution->parts[0], x);
    for (size_t i = 0; i < distribution->count; i++) {
        double weight = (double)(distribution->weights[i] - (i ? distribution->weights[i - 1] : 0));
        sum += weight / (double)distribution->weights[distribution->count - 1] *
               shape_cdf(&distribution->parts[i], x);
    }
    return sum;
}

static double distance(const struct distribution *distribution, int64_t *sample)
{
    double worst = 0;

    for (uint64_t i = 0; i < SAMPLE; i++)
        sample[i] =
            msim_fault_draw(distribution, msim_random_at(7, i, 4, 0), msim_random_at(7, i, 17, 0));
    qsort(sample, SAMPLE, sizeof *sample, ascending);
    for (size_t i = 0; i < SAMPLE; i++) {
        double x = (double)sample[i];
        if (i + 1 < SAMPLE && sample[i + 1] == sample[i])
            continue; /* a step of the sample is compared at its top */
        worst = fmax(worst, fabs((double)(i + 1) / SAMPLE - mixture_cdf(distribution, x)));
    }
    return worst;
}

static void drawn_delays_follow_their_distribution(void **state)
{
    static const struct distribution distributions[] = {
        {.count = 1, .parts = {{SHAPE_UNIFORM, 100 * MS, 2000 * MS}}},
        {.count = 1, .parts = {{SHAPE_UNIFORM, 0, 9}}},
        {.count = 1, .parts = {{SHAPE_EXP, 10 * MS, 0}}},
        {.count = 1, .parts = {{SHAPE_EXP, 10 * MS, 3 * MS}}},
        {.count = 1, .parts = {{SHAPE_NORMAL, 50 * MS, 10 * MS}}},
        {.count = 1, .parts = {{SHAPE_NORMAL, 5 * MS, 10 * MS}}},
        {.count = 1, .parts = {{SHAPE_LOGNORMAL, 45 * MS, 200000000}}},
        {.count = 1, .parts = {{SHAPE_LOGNORMAL, 2 * SEC, 1500000000}}},
        {.count = 1, .parts = {{SHAPE_PARETO, 10 * MS, 1500000000}}},
        {.count = 3,
         .parts = {{SHAPE_UNIFORM, 1 * MS, 5 * MS}, {SHAPE_CONST, 70 * MS, 0}, {SHAPE_EXP, SEC, 0}},
         .weights = {700000000, 900000000, 1000000000}},
    };
    int64_t *sample = malloc(SAMPLE * sizeof *sample);

    (void)state;
    for (size_t i = 0; i < COUNT(distributions); i++) {
        double off = distance(&distributions[i], sample);
        if (off >= KS_BOUND)
            fail_msg("distribution %zu is %f off", i, off);
    }
    free(sample);
}

static void a_uniform_delay_meets_both_its_ends(void **state)
{
    static const struct distribution distribution = {.count = 1, .parts = {{SHAPE_UNIFORM, 3, 7}}};

    (void)state;
    assert_int_equal(msim_fault_draw(&distribution, 0, 0), 3);
    assert_int_equal(msim_fault_draw(&distribution, UINT64_MAX, 0), 7);
}

static void no_draw_is_below_zero_or_overflows(void **state)
{
    static const struct part parts[] = {
        {SHAPE_NORMAL, 0, INT64_MAX},
        {SHAPE_EXP, INT64_MAX, INT64_MAX},
        {SHAPE_LOGNORMAL, INT64_MAX, 1000 * PPB},
        {SHAPE_PARETO, INT64_MAX, 1000000},
        {SHAPE_UNIFORM, 0, INT64_MAX},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(parts); i++) {
        struct distribution distribution = {.count = 1, .parts = {parts[i]}};
        assert_true(msim_fault_draw(&distribution, 0, 0) >= 0);
        assert_true(msim_fault_draw(&distribution, UINT64_MAX, 0) >= 0);
        for (uint64_t k = 0; k < 1000; k++)
            assert_true(msim_fault_draw(&distribution, uniform(k), 0) >= 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_gives_the_golden_blocks),
        cmocka_unit_test(keys_and_draws_are_the_golden_ones),
        cmocka_unit_test(a_drop_at_p_0_1_hits_the_golden_messages),
        cmocka_unit_test(a_run_of_every_kind_leaves_the_golden_trace),
        cmocka_unit_test(logarithms_are_those_of_libm),
        cmocka_unit_test(powers_of_two_are_those_of_libm),
        cmocka_unit_test(normal_quantiles_are_those_of_libm),
        cmocka_unit_test(drawn_delays_follow_their_distribution),
        cmocka_unit_test(a_uniform_delay_meets_both_its_ends),
        cmocka_unit_test(no_draw_is_below_zero_or_overflows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
