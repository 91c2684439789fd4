#include "check.h"

#include <marketsim/pacer.h>

#define S MSIM_NS_PER_S

static struct msim_pacer paced(int64_t num, int64_t den, msim_time max_gap)
{
    struct msim_pacer_params params = MSIM_PACER_PARAMS_INIT;
    struct msim_pacer pacer;

    params.speed = (struct msim_speed){num, den};
    params.max_gap = max_gap;
    assert_int_equal(msim_pacer_init(&pacer, &params), MSIM_OK);
    return pacer;
}

static void a_moment_is_due_at_its_distance_from_the_start(void **state)
{
    struct msim_pacer pacer = paced(0, 0, 0);

    (void)state;
    msim_pacer_start(&pacer, 1000 * S, 5 * S);
    assert_int_equal(msim_pacer_due(&pacer, 5 * S), 1000 * S);
    assert_int_equal(msim_pacer_due(&pacer, 7 * S + 1), 1002 * S + 1);
    assert_int_equal(msim_pacer_due(&pacer, 3 * S), 998 * S);
    assert_int_equal(msim_pacer_now(&pacer, 1002 * S), 7 * S);
}

static void the_speed_divides_the_distance(void **state)
{
    struct msim_pacer pacer = paced(5, 2, 0);

    (void)state;
    msim_pacer_start(&pacer, 0, 0);
    assert_int_equal(msim_pacer_due(&pacer, 10 * S), 4 * S);
    assert_int_equal(msim_pacer_now(&pacer, 4 * S), 10 * S);
    /* Rounded down on both sides of the start. */
    assert_int_equal(msim_pacer_due(&pacer, 1), 0);
    assert_int_equal(msim_pacer_due(&pacer, -1), -1);
}

static void a_thirds_schedule_does_not_drift(void **state)
{
    struct msim_pacer pacer = paced(3, 1, 0);

    (void)state;
    msim_pacer_start(&pacer, 0, 0);
    for (msim_time i = 0; i <= 3000000; i += 1000)
        assert_int_equal(msim_pacer_due(&pacer, i * S), i * S / 3);
}

static void at_full_speed_everything_is_due_at_once(void **state)
{
    struct msim_pacer pacer = paced(1, 0, 0);

    (void)state;
    msim_pacer_start(&pacer, 77, 5);
    assert_true(msim_pacer_due(&pacer, INT64_MAX) == INT64_MIN);
    assert_true(msim_pacer_now(&pacer, 77) == MSIM_TIME_NEVER);
}

static void a_long_gap_counts_as_the_longest_that_is_allowed(void **state)
{
    struct msim_pacer pacer = paced(2, 1, 5 * S);

    (void)state;
    msim_pacer_start(&pacer, 0, 100 * S);
    assert_int_equal(msim_pacer_due(&pacer, 100 * S), 0);
    assert_int_equal(msim_pacer_due(&pacer, 104 * S), 2 * S);
    assert_int_equal(msim_pacer_due(&pacer, 204 * S), 4 * S + S / 2);
    assert_int_equal(msim_pacer_due(&pacer, 204 * S), 4 * S + S / 2);
    assert_int_equal(msim_pacer_due(&pacer, 206 * S), 5 * S + S / 2);
}

static void a_pause_moves_everything_behind_it(void **state)
{
    struct msim_pacer pacer = paced(1, 1, 0);

    (void)state;
    msim_pacer_start(&pacer, 0, 0);
    msim_pacer_pause(&pacer, 4 * S);
    assert_true(msim_pacer_due(&pacer, 6 * S) == MSIM_TIME_NEVER);
    assert_int_equal(msim_pacer_now(&pacer, 9 * S), 4 * S);
    msim_pacer_resume(&pacer, 10 * S);
    assert_int_equal(msim_pacer_due(&pacer, 6 * S), 12 * S);
}

static void a_new_speed_holds_from_its_moment_on(void **state)
{
    struct msim_pacer pacer = paced(1, 1, 0);

    (void)state;
    msim_pacer_start(&pacer, 0, 0);
    assert_int_equal(msim_pacer_set_speed(&pacer, 2 * S, (struct msim_speed){10, 1}), MSIM_OK);
    assert_int_equal(msim_pacer_now(&pacer, 2 * S), 2 * S);
    assert_int_equal(msim_pacer_due(&pacer, 12 * S), 3 * S);
    assert_int_equal(msim_pacer_set_speed(&pacer, 3 * S, (struct msim_speed){0, 1}),
                     MSIM_ERR_INVALID);
}

static void from_full_speed_a_new_one_goes_on_where_the_market_stands(void **state)
{
    struct msim_pacer pacer = paced(1, 0, 0);

    (void)state;
    msim_pacer_start(&pacer, 0, 0);
    assert_true(msim_pacer_due(&pacer, 100 * S) == INT64_MIN);
    assert_int_equal(msim_pacer_set_speed(&pacer, 2 * S, (struct msim_speed){1, 1}), MSIM_OK);
    assert_int_equal(msim_pacer_due(&pacer, 100 * S), 2 * S);
    assert_int_equal(msim_pacer_due(&pacer, 101 * S), 3 * S);
}

static void far_moments_are_clamped_and_never_wrap(void **state)
{
    struct msim_pacer pacer = paced(1, 1000000000, 0);

    (void)state;
    msim_pacer_start(&pacer, INT64_MAX - 1, INT64_MIN);
    assert_true(msim_pacer_due(&pacer, INT64_MAX) == MSIM_TIME_NEVER);
    pacer = paced(1, 1000000000, 0);
    msim_pacer_start(&pacer, INT64_MIN, INT64_MAX);
    assert_true(msim_pacer_due(&pacer, INT64_MIN) == INT64_MIN);
}

static void a_speed_is_a_number_above_zero_or_max(void **state)
{
    static const char *const bad[] = {"",   "0",    "-1", "x",  "1e3",          "1.",
                                      ".5", "Max ", "1 ", "++", "0.0000000001", "1000000000"};
    struct msim_speed speed;

    (void)state;
    assert_int_equal(msim_speed_parse("2.5", &speed), MSIM_OK);
    assert_int_equal(speed.num, 25);
    assert_int_equal(speed.den, 10);
    assert_int_equal(msim_speed_parse("max", &speed), MSIM_OK);
    assert_int_equal(speed.den, 0);
    assert_int_equal(msim_speed_parse("0.000000001", &speed), MSIM_OK);
    assert_int_equal(msim_speed_parse("999999999", &speed), MSIM_OK);
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_int_equal(msim_speed_parse(bad[i], &speed), MSIM_ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_moment_is_due_at_its_distance_from_the_start),
        cmocka_unit_test(the_speed_divides_the_distance),
        cmocka_unit_test(a_thirds_schedule_does_not_drift),
        cmocka_unit_test(at_full_speed_everything_is_due_at_once),
        cmocka_unit_test(a_long_gap_counts_as_the_longest_that_is_allowed),
        cmocka_unit_test(a_pause_moves_everything_behind_it),
        cmocka_unit_test(a_new_speed_holds_from_its_moment_on),
        cmocka_unit_test(from_full_speed_a_new_one_goes_on_where_the_market_stands),
        cmocka_unit_test(far_moments_are_clamped_and_never_wrap),
        cmocka_unit_test(a_speed_is_a_number_above_zero_or_max),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
