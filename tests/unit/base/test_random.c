#include "check.h"

#include <string.h>

#include "base/number.h"
#include "base/random.h"

static void assert_block(struct msim_philox_block got, uint32_t a, uint32_t b, uint32_t c,
                         uint32_t d)
{
    assert_int_equal(got.word[0], a);
    assert_int_equal(got.word[1], b);
    assert_int_equal(got.word[2], c);
    assert_int_equal(got.word[3], d);
}

/* Known answers of the generator's authors for 10 rounds. */
static void philox_gives_the_published_answers(void **state)
{
    const struct msim_philox_block zeros = {{0, 0, 0, 0}};
    const struct msim_philox_block ones = {{UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX}};
    const struct msim_philox_block pi = {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}};

    (void)state;
    assert_block(msim_philox(zeros, 0, 0), 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8);
    assert_block(msim_philox(ones, UINT32_MAX, UINT32_MAX), 0x408f276d, 0x41c83b0e, 0xa20bc7c6,
                 0x6d5451fd);
    assert_block(msim_philox(pi, 0xa4093822, 0x299f31d0), 0xd16cfe09, 0x94fdcceb, 0x5001e420,
                 0x24126ea1);
}

static const char first[] = "drop1|acct-A/ws_private/0|out";
static const char second[] = "drop1|acct-B/ws_private/0|out";

static void a_stream_gives_the_documented_numbers(void **state)
{
    (void)state;
    assert_true(msim_fnv(first, strlen(first)) == UINT64_C(0xc736dd7b4b6557bc));
    uint64_t key = msim_random_key(42, first, strlen(first));
    assert_true(key == UINT64_C(0x056208bf4a7e331c));
    assert_true(msim_random_at(key, 0, 1, 0) == UINT64_C(0xa5144146bdb7c95b));
    assert_true(msim_random_at(key, 1, 1, 0) == UINT64_C(0x4914aaaacd96c5ef));
    assert_true(msim_random_at(key, 1, 4, 0) == UINT64_C(0xbd9a86db654ee0aa));
    assert_true(msim_random_at(key, 1, 4, 1) == UINT64_C(0xbb83b88baaf71ca4));

    key = msim_random_key(42, second, strlen(second));
    assert_true(key == UINT64_C(0x2be380cfccce9c70));
    assert_true(msim_random_at(key, 0, 1, 0) == UINT64_C(0xd5a3ac0e2e37fd97));
}

static void a_tenth_hits_where_the_documents_say(void **state)
{
    static const uint64_t wanted[] = {2, 7, 12, 25, 32, 34, 45, 70, 97, 102, 105, 106};
    uint64_t key = msim_random_key(42, first, strlen(first));
    size_t hits = 0;

    (void)state;
    for (uint64_t n = 0; n <= 106; n++) {
        if (msim_mul_high(msim_random_at(key, n, 1, 0), 1000000000) < 100000000) {
            assert_true(hits < COUNT(wanted));
            assert_int_equal(n, wanted[hits]);
            hits++;
        }
    }
    assert_int_equal(hits, COUNT(wanted));
}

static void a_hash_can_be_continued(void **state)
{
    (void)state;
    assert_true(msim_fnv("", 0) == MSIM_FNV_START);
    /* The published value of FNV-1a for "foobar". */
    assert_true(msim_fnv("foobar", 6) == UINT64_C(0x85944171f73967e8));
    for (size_t cut = 0; cut <= 6; cut++)
        assert_true(msim_fnv_more(msim_fnv("foobar", cut), &"foobar"[cut], 6 - cut) ==
                    UINT64_C(0x85944171f73967e8));
}

/* The first numbers of SplitMix64 from seed 0, as its author's program prints them. */
static void the_mixer_is_splitmix64s(void **state)
{
    (void)state;
    assert_true(msim_mix64(UINT64_C(0x9E3779B97F4A7C15)) == UINT64_C(0xe220a8397b1dcdaf));
    assert_true(msim_mix64(2 * UINT64_C(0x9E3779B97F4A7C15)) == UINT64_C(0x6e789e6aa1b965f4));
    assert_true(msim_mix64(3 * UINT64_C(0x9E3779B97F4A7C15)) == UINT64_C(0x06c45d188009454f));
    assert_true(msim_mix64(0) == 0);
}

static void a_range_holds_its_ends_and_nothing_else(void **state)
{
    static const int64_t ranges[][2] = {
        {0, 0},
        {5, 5},
        {0, 1},
        {-3, 3},
        {1, 6},
        {INT64_MIN, INT64_MAX},
        {INT64_MIN, INT64_MIN},
        {INT64_MAX, INT64_MAX},
        {INT64_MIN, -1},
        {0, INT64_MAX},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(ranges); i++) {
        int64_t lo = ranges[i][0];
        int64_t hi = ranges[i][1];
        assert_true(msim_random_range(0, lo, hi) == lo);
        assert_true(msim_random_range(UINT64_MAX, lo, hi) == hi);
        for (uint64_t n = 0; n < 1000; n++) {
            int64_t value = msim_random_range(msim_mix64(n), lo, hi);
            assert_true(lo <= value && value <= hi);
        }
    }
}

static void every_number_of_a_range_is_as_likely(void **state)
{
    int seen[6] = {0};

    (void)state;
    for (uint64_t n = 0; n < 60000; n++)
        seen[msim_random_range(msim_mix64(n), 1, 6) - 1]++;
    /* Six standard deviations of a binomial(60000, 1/6): 91.3 each. */
    for (size_t i = 0; i < COUNT(seen); i++)
        assert_in_range(seen[i], 10000 - 548, 10000 + 548);
}

static void arithmetic_says_when_a_result_does_not_fit(void **state)
{
    int64_t out;

    (void)state;
    assert_true(msim_add_check(INT64_MAX, 0, &out) && out == INT64_MAX);
    assert_false(msim_add_check(INT64_MAX, 1, &out));
    assert_false(msim_add_check(INT64_MIN, -1, &out));
    assert_true(msim_sub_check(INT64_MIN, 0, &out) && out == INT64_MIN);
    assert_false(msim_sub_check(INT64_MIN, 1, &out));
    assert_false(msim_sub_check(0, INT64_MIN, &out));
    assert_true(msim_sub_check(-1, INT64_MIN, &out) && out == INT64_MAX);
    assert_true(msim_mul_check(INT64_MIN, 1, &out) && out == INT64_MIN);
    assert_false(msim_mul_check(INT64_MIN, -1, &out));
    assert_false(msim_mul_check(INT64_C(1) << 32, INT64_C(1) << 31, &out));
    assert_true(msim_mul_high(UINT64_MAX, UINT64_MAX) == UINT64_MAX - 1);
    assert_true(msim_mul_high(UINT64_C(1) << 63, 2) == 1);
    int64_t power = 1;
    for (int i = 0; i < 19; i++) {
        assert_true(msim_pow10[i] == power);
        if (i < 18)
            power *= 10;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_gives_the_published_answers),
        cmocka_unit_test(a_stream_gives_the_documented_numbers),
        cmocka_unit_test(a_tenth_hits_where_the_documents_say),
        cmocka_unit_test(a_hash_can_be_continued),
        cmocka_unit_test(the_mixer_is_splitmix64s),
        cmocka_unit_test(a_range_holds_its_ends_and_nothing_else),
        cmocka_unit_test(every_number_of_a_range_is_as_likely),
        cmocka_unit_test(arithmetic_says_when_a_result_does_not_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
