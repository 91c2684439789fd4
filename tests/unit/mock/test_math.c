#include "check.h"

#include <math.h>

#include "base/random.h"
#include "mock/draw.h"
#include "mock/math.h"

/* In units of the last place of the true value. */
static double ulps(double given, long double true_value)
{
    double nearest = (double)true_value;
    double unit = nextafter(fabs(nearest), INFINITY) - fabs(nearest);

    return (double)(fabsl((long double)given - true_value) / (long double)unit);
}

static void exp_is_within_1_02_ulp(void **state)
{
    double worst = 0;

    (void)state;
    for (uint64_t i = 0; i < 400000; i++) {
        double spread = i % 2 ? 700 : 1;
        double x = (msim_mock_uniform(msim_mix64(i)) * 2 - 1) * spread;
        double off = ulps(msim_mock_exp(x), expl((long double)x));
        worst = off > worst ? off : worst;
    }
    assert_true(worst < 1.02);
    assert_true(msim_mock_exp(0) == 1);
}

static void exp_stays_finite_at_any_size(void **state)
{
    (void)state;
    assert_true(msim_mock_exp(-1e300) == 0);
    assert_true(msim_mock_exp(-709) == 0);
    assert_true(msim_mock_exp(1e300) == 0x1p1023);
    assert_true(msim_mock_exp(708) < 0x1p1023);
}

static void log_is_within_one_ulp(void **state)
{
    double worst = 0;

    (void)state;
    for (uint64_t i = 0; i < 400000; i++) {
        double x = msim_mock_uniform(msim_mix64(i));
        if (i % 4 == 1)
            x = 1 + (x - 0.5) * 1e-3;
        if (i % 4 == 2)
            x = ldexp(x, (int)(i % 1900) - 950);
        if (i % 4 == 3)
            x *= 3;
        double off = ulps(msim_mock_log(x), logl((long double)x));
        worst = off > worst ? off : worst;
    }
    assert_true(worst < 1);
    assert_true(msim_mock_log(1) == 0);
}

/* The distribution's own value at the quantile, by libm. */
static void the_quantile_inverts_the_normal_distribution(void **state)
{
    double worst = 0;

    (void)state;
    for (uint64_t i = 0; i < 400000; i++) {
        double tail = msim_mock_uniform(msim_mix64(i)) / 2;
        if (i % 2)
            tail = ldexp(tail, -(int)(i % 50));
        double q = 0.5 - tail;
        tail = 0.5 - q; /* what of it a double near 1/2 still holds */
        if (tail == 0)
            continue;
        long double x = (long double)msim_mock_quantile(q);
        long double back = erfcl(x / sqrtl(2)) / 2;
        long double density = expl(-x * x / 2) / sqrtl(2 * acosl(-1));
        double off = (double)fabsl((back - (long double)tail) / density);
        off /= (double)(x > 1 ? x : 1);
        worst = off > worst ? off : worst;
    }
    assert_true(worst < 1e-15);
}

static void the_quantile_is_odd(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 1000; i++) {
        double q = msim_mock_centred(msim_mix64(i));
        assert_true(msim_mock_quantile(-q) == -msim_mock_quantile(q));
    }
    assert_true(msim_mock_quantile(0) == 0);
}

static void uniform_numbers_never_reach_an_end(void **state)
{
    (void)state;
    assert_true(msim_mock_uniform(0) > 0 && msim_mock_uniform(UINT64_MAX) < 1);
    assert_true(msim_mock_centred(0) > -0.5 && msim_mock_centred(UINT64_MAX) < 0.5);
    assert_true(msim_mock_uniform32(0) > 0 && msim_mock_uniform32(UINT32_MAX) < 1);
    assert_true(fabs(msim_mock_normal(0)) < 9 && fabs(msim_mock_normal(UINT64_MAX)) < 9);
}

static void many_normal_numbers_are_the_same_as_one_by_one(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 20000; i++) {
        uint64_t bits[MSIM_MOCK_NORMALS];
        double many[MSIM_MOCK_NORMALS];
        for (uint64_t j = 0; j < MSIM_MOCK_NORMALS; j++)
            bits[j] = msim_mix64(i * MSIM_MOCK_NORMALS + j);
        msim_mock_normals(bits, many);
        for (size_t j = 0; j < MSIM_MOCK_NORMALS; j++)
            assert_true(many[j] == msim_mock_normal(bits[j]));
    }
}

static void many_draws_are_the_same_as_one_by_one(void **state)
{
    static const uint64_t firsts[] = {0, 8, UINT64_C(0xfffffffc), UINT64_MAX - 3};

    (void)state;
    for (size_t i = 0; i < COUNT(firsts); i++) {
        uint64_t key = msim_mix64(i);
        uint64_t one[MSIM_MOCK_DRAWS];
        uint64_t two[MSIM_MOCK_DRAWS];
        msim_mock_draws(key, firsts[i], MSIM_MOCK_DRAW_EVENT, one, two);
        for (uint64_t j = 0; j < MSIM_MOCK_DRAWS; j++) {
            struct msim_mock_bits bits =
                msim_mock_draw(key, firsts[i] + j, MSIM_MOCK_DRAW_EVENT, 0);
            assert_int_equal(one[j], bits.first);
            assert_int_equal(two[j], bits.second);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exp_is_within_1_02_ulp),
        cmocka_unit_test(exp_stays_finite_at_any_size),
        cmocka_unit_test(log_is_within_one_ulp),
        cmocka_unit_test(the_quantile_inverts_the_normal_distribution),
        cmocka_unit_test(the_quantile_is_odd),
        cmocka_unit_test(uniform_numbers_never_reach_an_end),
        cmocka_unit_test(many_normal_numbers_are_the_same_as_one_by_one),
        cmocka_unit_test(many_draws_are_the_same_as_one_by_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
