#include "check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "base/random.h"
#include "parquet/shortest.h"

static void assert_prints(double number, const char *text)
{
    char printed[MSIM_DECIMAL_SIZE];
    int64_t mantissa = 0;
    int8_t exponent = 0;

    assert_int_equal(msim_shortest_double(number, 0, &mantissa, &exponent), SHORTEST_OK);
    msim_decimal_print(mantissa, exponent, printed);
    assert_string_equal(printed, text);
}

static void known_numbers_print_as_people_write_them(void **state)
{
    (void)state;
    assert_prints(0.0, "0");
    assert_prints(-0.0, "0");
    assert_prints(1.0, "1");
    assert_prints(-1.5, "-1.5");
    assert_prints(0.1, "0.1");
    assert_prints(0.1 + 0.2, "0.30000000000000004");
    assert_prints(0.006035, "0.006035");
    assert_prints(19230.5, "19230.5");
    assert_prints(1e15, "1000000000000000");
    assert_prints(123456789012345678.0, "123456789012345680");
    assert_prints(9007199254740993.0, "9007199254740992");
    assert_prints(4503599627370495.5, "4503599627370495.5");
    assert_prints(1e-18, "0.000000000000000001");
    assert_prints(5e-9, "0.000000005");
    assert_prints(2.2250738585072014, "2.2250738585072014");
    assert_prints(9007199254740991.0, "9007199254740991");
    assert_prints(1e18, "1000000000000000000");
    /* The lower neighbour of a power of two is nearer than the upper one. */
    assert_prints(0.0009765625, "0.0009765625");
    assert_prints(0.5, "0.5");
}

static void what_is_no_number_or_too_long_is_told(void **state)
{
    int64_t mantissa;
    int8_t exponent;

    (void)state;
    assert_int_equal(msim_shortest_double(NAN, 0, &mantissa, &exponent), SHORTEST_NOT_FINITE);
    assert_int_equal(msim_shortest_double(-INFINITY, 0, &mantissa, &exponent), SHORTEST_NOT_FINITE);
    assert_int_equal(msim_shortest_float(NAN, &mantissa, &exponent), SHORTEST_NOT_FINITE);
    assert_int_equal(msim_shortest_double(1e19, 0, &mantissa, &exponent), SHORTEST_TOO_LONG);
    /* 9223372036854776000 reads back, and does not fit. */
    assert_int_equal(msim_shortest_double(9223372036854775808.0, 0, &mantissa, &exponent),
                     SHORTEST_TOO_LONG);
    assert_int_equal(msim_shortest_double(1e300, 0, &mantissa, &exponent), SHORTEST_TOO_LONG);
    assert_int_equal(msim_shortest_double(1e-19, 0, &mantissa, &exponent), SHORTEST_TOO_LONG);
    assert_int_equal(msim_shortest_double(5e-324, 0, &mantissa, &exponent), SHORTEST_TOO_LONG);
    assert_int_equal(msim_shortest_double(1.2345678901234567e-5, 0, &mantissa, &exponent),
                     SHORTEST_TOO_LONG);
}

/* The fewest digits by trying: 1, 2, ... significant ones until they read back. */
static bool reference(double number, bool is_float, int64_t *mantissa, int *exponent)
{
    for (int digits = 1; digits <= 17; digits++) {
        char text[64];
        snprintf(text, sizeof text, "%.*e", digits - 1, number);
        bool same = is_float ? strtof(text, NULL) == (float)number : strtod(text, NULL) == number;
        if (!same)
            continue;
        char *e = strchr(text, 'e');
        *exponent = atoi(e + 1) - (digits - 1);
        char whole[32];
        size_t length = 0;
        for (const char *c = text; c < e; c++) {
            if (*c != '.')
                whole[length++] = *c;
        }
        whole[length] = '\0';
        *mantissa = strtoll(whole, NULL, 10);
        while (*exponent > 0) {
            if (__builtin_mul_overflow(*mantissa, 10, mantissa))
                return false;
            (*exponent)--;
        }
        return *exponent >= -18;
    }
    return false;
}

static void assert_as_reference(double number, bool is_float, int hint)
{
    int64_t wanted = 0, found = 0;
    int wanted_exponent = 0;
    int8_t found_exponent = 0;
    bool fits = reference(number, is_float, &wanted, &wanted_exponent);
    enum shortest r = is_float ? msim_shortest_float((float)number, &found, &found_exponent)
                               : msim_shortest_double(number, hint, &found, &found_exponent);

    assert_int_equal(r, fits ? SHORTEST_OK : SHORTEST_TOO_LONG);
    if (!fits)
        return;
    assert_int_equal(found, wanted);
    assert_int_equal(found_exponent, wanted_exponent);
}

static void random_numbers_agree_with_trying_every_length(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 60000; i++) {
        uint64_t dice = msim_mix64(i);
        /* Powers of two from 2^-60 to 2^63, any fraction. */
        uint64_t bits = (dice & ((UINT64_C(1) << 52) - 1)) | (1023 - 60 + dice % 124) << 52 |
                        (dice & UINT64_C(1) << 63);
        double number;
        if (dice >> 60 == 0)
            bits &= ~((UINT64_C(1) << 52) - 1);
        memcpy(&number, &bits, sizeof number);
        assert_as_reference(number, false, -(int)(dice % 20));
    }
}

static void prices_of_few_digits_agree_with_trying_every_length(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 60000; i++) {
        uint64_t dice = msim_mix64(i + 1000000);
        double number = (double)(dice >> 34);
        for (uint64_t scale = dice % 12; scale > 0; scale--)
            number /= 10;
        if (number != 0)
            assert_as_reference(number, false, -(int)(dice >> 8 & 15));
    }
}

static void random_floats_agree_with_trying_every_length(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 60000; i++) {
        uint64_t dice = msim_mix64(i + 5000000);
        uint32_t bits = (uint32_t)(dice & 0x7FFFFF) | (uint32_t)(127 - 45 + dice % 100) << 23 |
                        (uint32_t)(dice & 0x80000000U);
        float number;
        if (dice >> 60 == 0)
            bits &= ~0x7FFFFFU;
        memcpy(&number, &bits, sizeof number);
        assert_as_reference((double)number, true, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_numbers_print_as_people_write_them),
        cmocka_unit_test(what_is_no_number_or_too_long_is_told),
        cmocka_unit_test(random_numbers_agree_with_trying_every_length),
        cmocka_unit_test(prices_of_few_digits_agree_with_trying_every_length),
        cmocka_unit_test(random_floats_agree_with_trying_every_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
