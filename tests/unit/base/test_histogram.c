#include "check.h"

#include "base/histogram.h"
#include "base/random.h"

#include <stdlib.h>

static int ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static void a_percentile_is_at_most_a_sixteenth_above_the_true_one(void **state)
{
    enum { N = 5000 };
    static int64_t values[N];
    static struct msim_histogram histogram;

    (void)state;
    for (uint64_t i = 0; i < N; i++) {
        uint64_t u = msim_mix64(i);
        values[i] = (int64_t)(u >> (1 + u % 60));
        msim_histogram_add(&histogram, values[i]);
    }
    qsort(values, N, sizeof values[0], ascending);
    for (uint32_t per_million = 0; per_million <= 1000000; per_million += 997) {
        uint64_t rank = ((uint64_t)per_million * N + 999999) / 1000000;
        int64_t exact = values[rank > 0 ? rank - 1 : 0];
        int64_t told = msim_histogram_at(&histogram, per_million);
        assert_true(told >= exact);
        assert_true(told - exact <= exact / 16);
    }
    assert_int_equal(msim_histogram_at(&histogram, 1000000), values[N - 1]);
}

static void the_ends_of_the_range_have_their_buckets(void **state)
{
    static struct msim_histogram histogram;

    (void)state;
    assert_int_equal(msim_histogram_at(&histogram, 500000), 0);
    msim_histogram_add(&histogram, -5);
    assert_int_equal(msim_histogram_at(&histogram, 1000000), 0);
    msim_histogram_add(&histogram, INT64_MAX);
    assert_true(msim_histogram_at(&histogram, 1000000) == INT64_MAX);
    assert_int_equal(msim_histogram_at(&histogram, 500000), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_percentile_is_at_most_a_sixteenth_above_the_true_one),
        cmocka_unit_test(the_ends_of_the_range_have_their_buckets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
