#include "check.h"

#include <string.h>

#include "base/random.h"
#include "parquet/bits.h"
#include "parquet/moments.h"
#include "parquet/unpack.h"

#define TIMES 60

static const int64_t units[] = {1, MSIM_NS_PER_US, MSIM_NS_PER_MS, MSIM_NS_PER_S};

/* One time as it is stored: usual ones, and those at the bounds of what nanoseconds hold. */
static int64_t raw_of(uint64_t dice, int64_t unit)
{
    const int64_t largest = INT64_MAX / unit - 1;
    const int64_t bounds[] = {largest, -largest, largest + 1, -largest - 1, INT64_MAX, INT64_MIN};

    if (dice % 97 < COUNT(bounds))
        return bounds[dice % 97];
    return (int64_t)(dice >> 8) % largest;
}

static void every_way_converts_the_same(void **state)
{
    unsigned char stored[TIMES * 8 + 1];
    msim_time expected[TIMES], plain[TIMES + 1], vector[TIMES + 1];

    (void)state;
    for (uint64_t seed = 0; seed < 2000; seed++) {
        int64_t unit = units[seed % COUNT(units)];
        size_t count = msim_mix64(seed) % (TIMES + 1);
        unsigned char *from = stored + seed % 2;
        bool good = true;
        for (size_t i = 0; i < count; i++) {
            int64_t raw = raw_of(msim_mix64(seed << 16 | i), unit);
            msim_store64(from + i * 8, (uint64_t)raw);
            expected[i] = (int64_t)((uint64_t)raw * (uint64_t)unit);
            good = good && raw <= INT64_MAX / unit - 1 && raw >= -(INT64_MAX / unit - 1);
        }
        memset(plain, 0xAA, sizeof plain);
        memset(vector, 0xAA, sizeof vector);
        assert_int_equal(msim_moments_convert_plain(from, count, unit, plain), good);
        assert_memory_equal(plain, expected, count * sizeof *plain);
        assert_int_equal(msim_moments_convert(from, count, unit, vector), good);
        if (msim_unpack_has_vector())
            assert_int_equal(msim_moments_convert_vector(from, count, unit, vector), good);
        /* What is behind the last one stays, too. */
        assert_memory_equal(vector, plain, sizeof plain);
    }
}

static void assert_is_seen(struct msim_moments seen, const msim_time *times, size_t count,
                           msim_time from)
{
    msim_time min = INT64_MAX, max = INT64_MIN;
    size_t early = 0;
    bool rising = true;

    for (size_t i = 0; i < count; i++) {
        min = times[i] < min ? times[i] : min;
        max = times[i] > max ? times[i] : max;
        early += times[i] < from;
        rising = rising && (i == 0 || times[i] >= times[i - 1]);
    }
    assert_true(seen.min == min);
    assert_true(seen.max == max);
    assert_int_equal(seen.early, early);
    assert_int_equal(seen.rising, rising);
}

static void every_way_sees_the_same(void **state)
{
    msim_time times[TIMES];

    (void)state;
    for (uint64_t seed = 0; seed < 5000; seed++) {
        uint64_t dice = msim_mix64(seed);
        size_t count = 1 + dice % TIMES;
        msim_time time = (msim_time)(dice >> 12) - (INT64_C(1) << 51);
        for (size_t i = 0; i < count; i++) {
            uint64_t own = msim_mix64(seed << 16 | i);
            times[i] = seed % 3 == 0 ? (msim_time)own : (time += (msim_time)(own % 3));
        }
        /* One that falls, anywhere. */
        if (seed % 3 == 1)
            times[(dice >> 7) % count] -= 1 + (msim_time)(dice % 5);
        msim_time from = seed % 5 == 0 ? INT64_MIN : times[(dice >> 3) % count];
        assert_is_seen(msim_moments_look_plain(times, count, from), times, count, from);
        assert_is_seen(msim_moments_look(times, count, from), times, count, from);
        if (msim_unpack_has_vector())
            assert_is_seen(msim_moments_look_vector(times, count, from), times, count, from);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_way_converts_the_same),
        cmocka_unit_test(every_way_sees_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
