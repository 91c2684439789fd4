#include "check.h"

#include "base/units.h"

#include <string.h>

static void a_length_of_time_is_a_number_and_a_unit(void **state)
{
    static const struct {
        const char *text;
        msim_time ns;
    } cases[] = {
        {"0s", 0},
        {"7ns", 7},
        {"250us", 250000},
        {"15ms", 15000000},
        {"1.5s", 1500000000},
        {"5m", INT64_C(300000000000)},
        {"2h", INT64_C(7200000000000)},
        {"1d", INT64_C(86400000000000)},
        {"0.000000001s", 1},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        msim_time ns = -1;
        assert_int_equal(msim_duration_parse(cases[i].text, strlen(cases[i].text), &ns), MSIM_OK);
        assert_int_equal(ns, cases[i].ns);
    }
}

static void a_length_of_time_without_a_unit_or_whole_nanoseconds_is_refused(void **state)
{
    static const char *const bad[] = {"", "5", "s", "-1s", "1 s", "1S", "1.s", "1sec", "1e3s"};
    static const char *const unfit[] = {"0.5ns", "0.0000000001s", "106752d"};
    msim_time ns;

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_int_equal(msim_duration_parse(bad[i], strlen(bad[i]), &ns), MSIM_ERR_INVALID);
    for (size_t i = 0; i < COUNT(unfit); i++)
        assert_int_equal(msim_duration_parse(unfit[i], strlen(unfit[i]), &ns), MSIM_ERR_OVERFLOW);
}

static void a_size_counts_in_powers_of_1024(void **state)
{
    static const char *const bad[] = {"", "K", "-1", "1T", "1 M", "8MB"};
    uint64_t bytes;

    (void)state;
    assert_int_equal(msim_size_parse("512", 3, &bytes), MSIM_OK);
    assert_int_equal(bytes, 512);
    assert_int_equal(msim_size_parse("8M", 2, &bytes), MSIM_OK);
    assert_int_equal(bytes, 8 << 20);
    assert_int_equal(msim_size_parse("2GiB", 4, &bytes), MSIM_OK);
    assert_int_equal(bytes, UINT64_C(2) << 30);
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_int_equal(msim_size_parse(bad[i], strlen(bad[i]), &bytes), MSIM_ERR_INVALID);
    assert_int_equal(msim_size_parse("99999999999G", 12, &bytes), MSIM_ERR_OVERFLOW);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_length_of_time_is_a_number_and_a_unit),
        cmocka_unit_test(a_length_of_time_without_a_unit_or_whole_nanoseconds_is_refused),
        cmocka_unit_test(a_size_counts_in_powers_of_1024),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
