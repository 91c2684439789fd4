/*
 * Sums of decimals, compared with integers that hold them.
 */
#include "check.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "base/random.h"
#include "server/dashboard/exact.h"

static void add(struct msim_exact *sum, const char *text)
{
    assert_int_equal(msim_exact_add(sum, text, strlen(text)), MSIM_OK);
}

static void assert_sum(const struct msim_exact *sum, const char *expected)
{
    char text[MSIM_EXACT_SIZE];

    assert_int_equal(msim_exact_print(sum, text), strlen(expected));
    assert_string_equal(text, expected);
}

static void tenths_add_up_to_a_whole(void **state)
{
    struct msim_exact sum = {{0}, 0};

    (void)state;
    assert_sum(&sum, "0");
    for (int i = 0; i < 10; i++)
        add(&sum, "0.1");
    assert_sum(&sum, "1");
    add(&sum, "-1.0000000000000000000000000000000000000000000001e1");
    assert_sum(&sum, "-9.000000000000000000000000000000000000000000001");
}

static void every_notation_is_the_same_number(void **state)
{
    static const char *const notations[] = {"1250",   "+1250.00", "1.25e3", "125e1",
                                            "001250", "1250.",    ".125E+4"};
    (void)state;
    for (size_t i = 0; i < sizeof notations / sizeof notations[0]; i++) {
        struct msim_exact sum = {{0}, 0};
        add(&sum, notations[i]);
        assert_sum(&sum, "1250");
    }
}

static void what_is_no_number_or_out_of_range_adds_nothing(void **state)
{
    static const char *const bad[] = {"", "-", ".", "1e", "x", "1.2.3", "1 ", "0x1", "1e5x"};
    static const char *const wide[] = {"1e45", "1e-46", "1e99999999999999999999", "0.1e-45"};
    struct msim_exact sum = {{0}, 0};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(msim_exact_add(&sum, bad[i], strlen(bad[i])), MSIM_ERR_INVALID);
    for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++)
        assert_int_equal(msim_exact_add(&sum, wide[i], strlen(wide[i])), MSIM_ERR_OVERFLOW);
    assert_sum(&sum, "0");
    add(&sum, "0e99999");
    assert_sum(&sum, "0");
}

static void random_sums_are_those_of_integers(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 300; seed++) {
        struct msim_exact sum = {{0}, 0};
        struct msim_exact half = {{0}, 0};
        int64_t expected = 0;
        char text[MSIM_DECIMAL_SIZE];

        for (uint64_t i = 0; i < 50; i++) {
            int64_t value = msim_random_range(msim_random_at(seed, i, 0, 0),
                                              -INT64_C(100000000000000), INT64_C(100000000000000));
            expected += value;
            msim_decimal_print(value, -6, text);
            add(i % 2 ? &half : &sum, text);
        }
        msim_exact_join(&sum, &half);
        msim_decimal_print_short(expected, -6, text);
        assert_sum(&sum, text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tenths_add_up_to_a_whole),
        cmocka_unit_test(every_notation_is_the_same_number),
        cmocka_unit_test(what_is_no_number_or_out_of_range_adds_nothing),
        cmocka_unit_test(random_sums_are_those_of_integers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
