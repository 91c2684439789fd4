#include "check.h"

#include <string.h>

#include "base/random.h"
#include "parquet/bits.h"
#include "parquet/unpack.h"

#define GROUPS 40

/* One bit after the other. */
static void unpack_slowly(const unsigned char *in, size_t groups, unsigned width, uint32_t *out)
{
    for (size_t i = 0; i < groups * 8; i++) {
        out[i] = 0;
        for (unsigned k = 0; k < width; k++) {
            size_t bit = i * width + k;
            out[i] |= (uint32_t)(in[bit / 8] >> bit % 8 & 1) << k;
        }
    }
}

static void every_way_unpacks_the_same(void **state)
{
    unsigned char in[GROUPS * 32 + MSIM_PARQUET_PADDING];
    uint32_t expected[GROUPS * 8], out[GROUPS * 8];

    (void)state;
    if (!msim_unpack_has_vector())
        print_message("without AVX2 there is one way alone\n");
    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (unsigned char)msim_mix64(i);
    for (unsigned width = 1; width <= 32; width++) {
        for (size_t groups = 0; groups <= GROUPS; groups++) {
            size_t bytes = groups * 8 * sizeof *out;
            unpack_slowly(in, groups, width, expected);
            memset(out, 0xAA, sizeof out);
            msim_unpack_plain(in, groups, width, out);
            assert_memory_equal(out, expected, bytes);
            memset(out, 0xAA, sizeof out);
            msim_unpack(in, groups, width, out);
            assert_memory_equal(out, expected, bytes);
            if (msim_unpack_has_vector()) {
                memset(out, 0xAA, sizeof out);
                msim_unpack_vector(in, groups, width, out);
                assert_memory_equal(out, expected, bytes);
            }
            /* Nothing behind the last group is written. */
            for (size_t i = groups * 8; i < GROUPS * 8; i++)
                assert_int_equal(out[i], 0xAAAAAAAA);
        }
    }
}

static void every_way_finds_the_largest(void **state)
{
    uint32_t numbers[100];

    (void)state;
    for (uint64_t seed = 0; seed < 500; seed++) {
        size_t count = msim_mix64(seed) % 100;
        uint32_t largest = 0;
        for (size_t i = 0; i < count; i++) {
            numbers[i] = (uint32_t)(msim_mix64(seed << 16 | i) >> (seed % 40));
            largest = numbers[i] > largest ? numbers[i] : largest;
        }
        assert_int_equal(msim_unpack_largest(numbers, count), largest);
        assert_int_equal(msim_unpack_largest_plain(numbers, count), largest);
        if (msim_unpack_has_vector())
            assert_int_equal(msim_unpack_largest_vector(numbers, count), largest);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_way_unpacks_the_same),
        cmocka_unit_test(every_way_finds_the_largest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
