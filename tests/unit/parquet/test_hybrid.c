#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/random.h"
#include "parquet/bits.h"
#include "parquet/hybrid.h"

#define COUNT_MAX 3000

/* Runs and single numbers, mixed. */
static size_t make(uint32_t *numbers, unsigned width, uint64_t seed)
{
    size_t count = (size_t)(msim_mix64(seed) % COUNT_MAX);
    uint64_t mask = (UINT64_C(1) << width) - 1;

    for (size_t i = 0; i < count;) {
        uint64_t dice = msim_mix64(seed * 7919 + i);
        size_t run = dice % 4 == 0 ? 1 + (size_t)(dice >> 8) % 200 : 1;
        for (; run > 0 && i < count; run--)
            numbers[i++] = (uint32_t)((dice >> 20) & mask);
    }
    return count;
}

static void write_all(struct msim_bytes *out, const uint32_t *numbers, size_t count, unsigned width)
{
    static const unsigned char padding[MSIM_PARQUET_PADDING];

    msim_bytes_init(out, SIZE_MAX / 2, NULL);
    assert_int_equal(msim_hybrid_write(out, numbers, count, width), MSIM_OK);
    assert_int_equal(msim_bytes_append(out, padding, sizeof padding), MSIM_OK);
}

static void every_width_reads_back_in_pieces_of_any_size(void **state)
{
    static uint32_t numbers[COUNT_MAX], read[COUNT_MAX];

    (void)state;
    for (unsigned width = 1; width <= 32; width++) {
        for (uint64_t seed = 1; seed < 20; seed++) {
            size_t count = make(numbers, width, seed * 100 + width);
            struct msim_bytes out;
            struct msim_hybrid hybrid;
            write_all(&out, numbers, count, width);
            msim_hybrid_init(&hybrid, msim_bytes_front(&out),
                             msim_bytes_length(&out) - MSIM_PARQUET_PADDING, width);
            for (size_t at = 0, piece = 0; at < count; at += piece) {
                piece = 1 + (size_t)(msim_mix64(seed + at) % (seed % 2 ? 11 : 900));
                piece = piece < count - at ? piece : count - at;
                assert_int_equal(msim_hybrid_read(&hybrid, read + at, piece), MSIM_OK);
            }
            assert_memory_equal(read, numbers, count * sizeof *read);
            msim_bytes_finish(&out);
        }
    }
}

static void a_run_of_equal_numbers_can_be_taken_at_once(void **state)
{
    const unsigned char bytes[80] = {(100 << 1 & 0x7F) | 0x80, 100 >> 6, 1, 3, 0x0F};
    struct msim_hybrid hybrid;
    uint32_t value = 0, read[16];
    size_t equal = 0;

    (void)state;
    msim_hybrid_init(&hybrid, bytes, 5, 1);
    assert_int_equal(msim_hybrid_peek(&hybrid, 60, &value, &equal), MSIM_OK);
    assert_int_equal(value, 1);
    assert_int_equal(equal, 60);
    msim_hybrid_pass(&hybrid, 60);
    assert_int_equal(msim_hybrid_peek(&hybrid, 60, &value, &equal), MSIM_OK);
    assert_int_equal(equal, 40);
    msim_hybrid_pass(&hybrid, 40);
    assert_int_equal(msim_hybrid_peek(&hybrid, 8, &value, &equal), MSIM_OK);
    assert_int_equal(equal, 0);
    assert_int_equal(msim_hybrid_read(&hybrid, read, 8), MSIM_OK);
    assert_int_equal(read[0], 1);
    assert_int_equal(read[4], 0);
    assert_int_equal(msim_hybrid_peek(&hybrid, 1, &value, &equal), MSIM_ERR_FORMAT);
}

static void bytes_that_end_early_are_refused(void **state)
{
    static uint32_t numbers[COUNT_MAX], read[COUNT_MAX + 1];
    struct msim_bytes out;
    struct msim_hybrid hybrid;

    (void)state;
    size_t count = make(numbers, 9, 5);
    write_all(&out, numbers, count, 9);
    size_t length = msim_bytes_length(&out) - MSIM_PARQUET_PADDING;
    for (size_t cut = 0; cut + 10 < length; cut++) {
        msim_hybrid_init(&hybrid, msim_bytes_front(&out), cut, 9);
        assert_int_equal(msim_hybrid_read(&hybrid, read, count), MSIM_ERR_FORMAT);
    }
    msim_bytes_finish(&out);
}

static void the_last_group_may_be_cut_to_the_numbers_it_holds(void **state)
{
    /* One group of eight 4-bit numbers, of which three bytes are there: six numbers. */
    const unsigned char bytes[80] = {3, 0x21, 0x43, 0x65};
    struct msim_hybrid hybrid;
    uint32_t read[8];

    (void)state;
    msim_hybrid_init(&hybrid, bytes, 4, 4);
    assert_int_equal(msim_hybrid_read(&hybrid, read, 6), MSIM_OK);
    for (uint32_t i = 0; i < 6; i++)
        assert_int_equal(read[i], i + 1);
    assert_int_equal(msim_hybrid_read(&hybrid, read, 1), MSIM_ERR_FORMAT);
}

static void a_value_wider_than_its_width_is_refused(void **state)
{
    const unsigned char bytes[80] = {8 << 1, 2};
    struct msim_hybrid hybrid;
    uint32_t read[8];

    (void)state;
    msim_hybrid_init(&hybrid, bytes, 2, 1);
    assert_int_equal(msim_hybrid_read(&hybrid, read, 8), MSIM_ERR_FORMAT);
}

static void no_bits_at_all_are_zeros(void **state)
{
    const unsigned char bytes[80] = {8 << 1, 2 << 1 | 1};
    struct msim_hybrid hybrid;
    uint32_t read[24];

    (void)state;
    memset(read, 0xFF, sizeof read);
    msim_hybrid_init(&hybrid, bytes, 2, 0);
    assert_int_equal(msim_hybrid_read(&hybrid, read, 24), MSIM_OK);
    for (size_t i = 0; i < 24; i++)
        assert_int_equal(read[i], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_width_reads_back_in_pieces_of_any_size),
        cmocka_unit_test(a_run_of_equal_numbers_can_be_taken_at_once),
        cmocka_unit_test(bytes_that_end_early_are_refused),
        cmocka_unit_test(the_last_group_may_be_cut_to_the_numbers_it_holds),
        cmocka_unit_test(a_value_wider_than_its_width_is_refused),
        cmocka_unit_test(no_bits_at_all_are_zeros),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
