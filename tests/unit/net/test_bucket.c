/*
 * A token bucket in one number.
 */
#include "check.h"

#include "net/bucket.h"

#define S MSIM_NS_PER_S

static void a_bucket_gives_its_burst_and_then_its_rate(void **state)
{
    const struct msim_rate rate = msim_rate_of(10, 3);
    struct msim_bucket bucket = {0};

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(msim_bucket_take(&bucket, &rate, 1, S), 0);
    assert_int_equal(msim_bucket_take(&bucket, &rate, 1, S), S / 10);
    assert_int_equal(msim_bucket_take(&bucket, &rate, 1, S + S / 10 - 1), 1);
    assert_int_equal(msim_bucket_take(&bucket, &rate, 1, S + S / 10), 0);
    /* What is more than it holds runs over. */
    for (int i = 0; i < 3; i++)
        assert_int_equal(msim_bucket_take(&bucket, &rate, 1, 100 * S), 0);
    assert_int_equal(msim_bucket_take(&bucket, &rate, 2, 100 * S), S / 5);
}

static void costs_beyond_the_burst_never_pass_and_take_nothing(void **state)
{
    const struct msim_rate rate = msim_rate_of(10, 3);
    struct msim_bucket bucket = {0};

    (void)state;
    assert_true(msim_bucket_take(&bucket, &rate, 4, 0) > 0);
    assert_int_equal(msim_bucket_take(&bucket, &rate, UINT64_MAX, 0), MSIM_TIME_NEVER);
    assert_int_equal(msim_bucket_take(&bucket, &rate, INT64_MAX / 2, 0), MSIM_TIME_NEVER);
    assert_int_equal(msim_bucket_take(&bucket, &rate, 3, 0), 0);
}

static void no_rate_is_no_bound_and_no_burst_a_second(void **state)
{
    const struct msim_rate none = msim_rate_of(0, 0);
    const struct msim_rate second = msim_rate_of(5, 0);
    const struct msim_rate fast = msim_rate_of(UINT64_C(1000000000), UINT64_C(1000000000));
    struct msim_bucket bucket = {0};

    (void)state;
    assert_int_equal(msim_bucket_take(&bucket, &none, UINT64_MAX, 0), 0);
    assert_int_equal(msim_bucket_take(&bucket, &second, 5, 0), 0);
    assert_int_equal(msim_bucket_take(&bucket, &second, 1, 0), S / 5);
    bucket = (struct msim_bucket){0};
    assert_int_equal(msim_bucket_take(&bucket, &fast, 1000000000, 0), 0);
    assert_int_equal(msim_bucket_take(&bucket, &fast, 1, 0), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bucket_gives_its_burst_and_then_its_rate),
        cmocka_unit_test(costs_beyond_the_burst_never_pass_and_take_nothing),
        cmocka_unit_test(no_rate_is_no_bound_and_no_burst_a_second),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
