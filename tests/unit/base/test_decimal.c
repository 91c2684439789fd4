#include "check.h"

#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "base/number.h"
#include "base/random.h"

/* Mantissas where something turns: powers of ten and two with their neighbours, and dice. */
static int64_t sample(size_t i)
{
    static const int64_t edges[] = {0, 1, -1, INT64_MAX, INT64_MIN, INT64_MAX - 1, INT64_MIN + 1};

    if (i < COUNT(edges))
        return edges[i];
    i -= COUNT(edges);
    if (i < 19 * 6) {
        int64_t near = msim_pow10[i / 6] + (int64_t)(i % 3) - 1;
        return i % 6 < 3 ? near : -near;
    }
    i -= 19 * 6;
    if (i < 62 * 2)
        return i % 2 ? INT64_C(1) << (i / 2) : -(INT64_C(1) << (i / 2));
    uint64_t dice = msim_mix64(i);
    return (int64_t)dice >> (dice % 64);
}
#define SAMPLES 1500

/* Long division by hand: the digits of |mantissa| padded to exponent + 1 places. */
static void plain_print(int64_t mantissa, int exponent, char *out)
{
    char digits[64];
    size_t count = 0;
    msim_int128 magnitude = mantissa;

    if (magnitude < 0) {
        *out++ = '-';
        magnitude = -magnitude;
    }
    while (magnitude > 0 || count < (size_t)-exponent + 1) {
        digits[count++] = (char)('0' + (int)(magnitude % 10));
        magnitude /= 10;
    }
    while (count-- > 0) {
        *out++ = digits[count];
        if (count == (size_t)-exponent && count > 0)
            *out++ = '.';
    }
    *out = '\0';
}

static void every_number_is_printed_as_long_division_prints_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < SAMPLES; i++) {
        for (int exponent = -18; exponent <= 0; exponent++) {
            char out[MSIM_DECIMAL_SIZE];
            char wanted[64];
            plain_print(sample(i), exponent, wanted);
            assert_int_equal(msim_decimal_print(sample(i), exponent, out), strlen(wanted));
            assert_string_equal(out, wanted);
        }
    }
}

static void the_short_form_has_no_trailing_zeros(void **state)
{
    (void)state;
    for (size_t i = 0; i < SAMPLES; i++) {
        for (int exponent = -18; exponent <= 0; exponent++) {
            char out[MSIM_DECIMAL_SIZE];
            char wanted[64];
            plain_print(sample(i), exponent, wanted);
            size_t length = strlen(wanted);
            if (strchr(wanted, '.')) {
                while (wanted[length - 1] == '0')
                    length--;
                length -= wanted[length - 1] == '.';
                wanted[length] = '\0';
            }
            assert_int_equal(msim_decimal_print_short(sample(i), exponent, out), length);
            assert_string_equal(out, wanted);
        }
    }
}

static void what_is_printed_reads_back_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < SAMPLES; i++) {
        for (int exponent = -18; exponent <= 0; exponent++) {
            char out[MSIM_DECIMAL_SIZE];
            int64_t mantissa = sample(i);
            int64_t back = 77;
            int back_exponent = 77;
            size_t length = msim_decimal_print(mantissa, exponent, out);
            assert_int_equal(msim_decimal_parse(out, length, exponent, &back), MSIM_OK);
            assert_true(back == mantissa);
            assert_int_equal(msim_decimal_parse_any(out, length, &back, &back_exponent), MSIM_OK);
            assert_true(back == mantissa && back_exponent == exponent);
            length = msim_decimal_print_short(mantissa, exponent, out);
            assert_int_equal(msim_decimal_parse(out, length, exponent, &back), MSIM_OK);
            assert_true(back == mantissa);
        }
    }
}

static void assert_parse(const char *text, int exponent, int result, int64_t mantissa)
{
    int64_t got = 77;

    int r = msim_decimal_parse(text, strlen(text), exponent, &got);
    if (r != result || got != (result < 0 ? 77 : mantissa))
        fail_msg("'%s' at %d gave %d, %lld", text, exponent, r, (long long)got);
}

static void a_text_is_read_at_the_wanted_exponent(void **state)
{
    (void)state;
    assert_parse("1.5", -3, MSIM_OK, 1500);
    assert_parse("-0.07", -2, MSIM_OK, -7);
    assert_parse("12", 0, MSIM_OK, 12);
    assert_parse("12.000000000000000000000000000000", 0, MSIM_OK, 12);
    assert_parse("0", -18, MSIM_OK, 0);
    assert_parse("-0", -18, MSIM_OK, 0);
    assert_parse("-0.000000000000000000000", 0, MSIM_OK, 0);
    assert_parse("000000000000000000000000000000012.5", -1, MSIM_OK, 125);
    assert_parse("9223372036854775807", 0, MSIM_OK, INT64_MAX);
    assert_parse("-9223372036854775808", 0, MSIM_OK, INT64_MIN);
    assert_parse("9.223372036854775807", -18, MSIM_OK, INT64_MAX);
    assert_parse("-9.223372036854775808", -18, MSIM_OK, INT64_MIN);
    assert_parse("922337203685477580.70", -1, MSIM_OK, INT64_MAX);
    assert_parse("0.000000000000000001", -18, MSIM_OK, 1);
}

static void a_number_that_does_not_fit_is_an_overflow(void **state)
{
    (void)state;
    assert_parse("1.5", 0, MSIM_ERR_OVERFLOW, 0);
    assert_parse("0.001", -2, MSIM_ERR_OVERFLOW, 0);
    assert_parse("1.2300001", -2, MSIM_ERR_OVERFLOW, 0);
    assert_parse("9223372036854775808", 0, MSIM_ERR_OVERFLOW, 0);
    assert_parse("-9223372036854775809", 0, MSIM_ERR_OVERFLOW, 0);
    assert_parse("9.223372036854775808", -18, MSIM_ERR_OVERFLOW, 0);
    assert_parse("10", -18, MSIM_ERR_OVERFLOW, 0);
    assert_parse("18446744073709551615", 0, MSIM_ERR_OVERFLOW, 0);
    assert_parse("18446744073709551616", 0, MSIM_ERR_OVERFLOW, 0);
    assert_parse("18446744073709551617", 0, MSIM_ERR_OVERFLOW, 0);
    assert_parse("36893488147419103232", 0, MSIM_ERR_OVERFLOW, 0);
    assert_parse("100000000000000000000000000000000000000000", 0, MSIM_ERR_OVERFLOW, 0);
    assert_parse("0.0000000000000000001", -18, MSIM_ERR_OVERFLOW, 0);
}

static void other_texts_are_no_numbers(void **state)
{
    static const char *const texts[] = {
        "",    "-",    ".",   "-.",   "1.",    ".5",   "-.5",  "+1",  " 1", "1 ",
        "1e3", "1E3",  "0x1", "1,5",  "1_000", "1.5.", "1..5", "--1", "1-", "NaN",
        "inf", "1.5x", "x",   "1.-5", "1.5-",  "\n1",  "1/2",  "-x",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        int64_t mantissa = 77;
        int exponent = 77;
        for (int wanted = -18; wanted <= 0; wanted += 9)
            assert_parse(texts[i], wanted, MSIM_ERR_INVALID, 0);
        assert_int_equal(msim_decimal_parse_any(texts[i], strlen(texts[i]), &mantissa, &exponent),
                         MSIM_ERR_INVALID);
        assert_true(mantissa == 77 && exponent == 77);
    }
}

static void assert_any(const char *text, int result, int64_t mantissa, int exponent)
{
    int64_t got = 77;
    int got_exponent = 77;

    int r = msim_decimal_parse_any(text, strlen(text), &got, &got_exponent);
    if (r != result || got != (result < 0 ? 77 : mantissa) ||
        got_exponent != (result < 0 ? 77 : exponent))
        fail_msg("'%s' gave %d, %lld, %d", text, r, (long long)got, got_exponent);
}

static void a_text_keeps_the_exponent_it_has(void **state)
{
    (void)state;
    assert_any("1.50", MSIM_OK, 150, -2);
    assert_any("1", MSIM_OK, 1, 0);
    assert_any("100", MSIM_OK, 100, 0);
    assert_any("-0.00", MSIM_OK, 0, -2);
    assert_any("0.000000000000000000000000", MSIM_OK, 0, -18);
    assert_any("1.0000000000000000000000", MSIM_OK, INT64_C(1000000000000000000), -18);
    assert_any("0.0000000000000000010", MSIM_OK, 1, -18);
    assert_any("0.0000000000000000001", MSIM_ERR_OVERFLOW, 0, 0);
    assert_any("9223372036854775807", MSIM_OK, INT64_MAX, 0);
    assert_any("9223372036854775808", MSIM_ERR_OVERFLOW, 0, 0);
}

static void rescaling_is_exact_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < SAMPLES; i += 3) {
        for (int from = -18; from <= 0; from++) {
            for (int to = -18; to <= 0; to++) {
                int64_t mantissa = sample(i);
                int64_t got = 77;
                msim_int128 wide = mantissa;
                bool exact = true;
                for (int e = from; e > to; e--)
                    wide *= 10;
                for (int e = from; e < to; e++, wide /= 10)
                    exact = exact && wide % 10 == 0;
                bool fits = exact && wide >= INT64_MIN && wide <= INT64_MAX;
                assert_int_equal(msim_decimal_rescale(mantissa, from, to, &got),
                                 fits ? MSIM_OK : MSIM_ERR_OVERFLOW);
                assert_true(!fits || got == (int64_t)wide);
            }
        }
    }
}

static void unsigned_digits_are_those_of_printf(void **state)
{
    (void)state;
    for (size_t i = 0; i < 30000; i++) {
        uint64_t value = i < 12000 ? i : (uint64_t)sample(i - 12000);
        char out[20];
        char wanted[32];
        size_t length = msim_decimal_digits(value, out);
        assert_int_equal(length,
                         snprintf(wanted, sizeof wanted, "%llu", (unsigned long long)value));
        assert_memory_equal(out, wanted, length);
    }
    char out[20];
    assert_int_equal(msim_decimal_digits(UINT64_MAX, out), 20);
    assert_memory_equal(out, "18446744073709551615", 20);
    assert_int_equal(msim_decimal_digits(UINT64_C(10000000000000000000), out), 20);
    assert_int_equal(msim_decimal_digits(UINT64_C(9999999999999999999), out), 19);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_is_printed_as_long_division_prints_it),
        cmocka_unit_test(the_short_form_has_no_trailing_zeros),
        cmocka_unit_test(what_is_printed_reads_back_the_same),
        cmocka_unit_test(a_text_is_read_at_the_wanted_exponent),
        cmocka_unit_test(a_number_that_does_not_fit_is_an_overflow),
        cmocka_unit_test(other_texts_are_no_numbers),
        cmocka_unit_test(a_text_keeps_the_exponent_it_has),
        cmocka_unit_test(rescaling_is_exact_or_refused),
        cmocka_unit_test(unsigned_digits_are_those_of_printf),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
