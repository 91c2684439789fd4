#include "delta_out.h"

#include "base/random.h"
#include "parquet/delta.h"

#define COUNT_MAX 3000

static const unsigned char padding[MSIM_PARQUET_PADDING];

/* Numbers whose differences need about `bits` bits, up and down. */
static size_t make(int64_t *numbers, unsigned bits, uint64_t seed)
{
    size_t count = (size_t)(msim_mix64(seed) % COUNT_MAX);
    uint64_t value = msim_mix64(seed + 1) >> (64 - bits);

    for (size_t i = 0; i < count; i++) {
        value += (msim_mix64(seed * 7919 + i) >> (64 - bits)) - (UINT64_C(1) << (bits - 1));
        numbers[i] = (int64_t)value;
    }
    return count;
}

static void every_width_reads_back_in_pieces_of_any_size(void **state)
{
    static int64_t numbers[COUNT_MAX], read[COUNT_MAX];
    static const size_t shapes[][2] = {{128, 4}, {256, 1}, {8, 1}, {1024, 32}, {32, 4}};

    (void)state;
    for (unsigned bits = 1; bits <= 64; bits++) {
        for (size_t shape = 0; shape < COUNT(shapes); shape++) {
            size_t count = make(numbers, bits, bits * 31 + shape);
            struct made out = {0};
            put_delta(&out, numbers, count, shapes[shape][0], shapes[shape][1]);
            size_t length = out.length;
            made_put(&out, padding, sizeof padding);

            struct msim_delta delta;
            const unsigned char *end = NULL;
            assert_int_equal(msim_delta_init(&delta, out.bytes, length), MSIM_OK);
            assert_int_equal(msim_delta_end(&delta, &end), MSIM_OK);
            assert_ptr_equal(end, out.bytes + length);
            for (size_t at = 0, piece; at < count; at += piece) {
                piece = 1 + (size_t)(msim_mix64(at + bits) % 300);
                piece = piece < count - at ? piece : count - at;
                assert_int_equal(msim_delta_read(&delta, read + at, piece), MSIM_OK);
            }
            assert_memory_equal(read, numbers, count * sizeof *read);
            assert_int_equal(msim_delta_read(&delta, read, 1), MSIM_ERR_FORMAT);
            made_free(&out);
        }
    }
}

static void a_cut_anywhere_is_damage_and_no_over_read(void **state)
{
    static int64_t numbers[COUNT_MAX], read[COUNT_MAX];

    (void)state;
    size_t count = make(numbers, 33, 5);
    struct made out = {0};
    put_delta(&out, numbers, count, 128, 4);
    for (size_t length = 0; length < out.length; length += 1 + length / 40) {
        /* A copy of its own, so that a sanitizer sees the end. */
        unsigned char *cut = calloc(1, length + MSIM_PARQUET_PADDING);
        assert_non_null(cut);
        memcpy(cut, out.bytes, length);
        struct msim_delta delta;
        int r = msim_delta_init(&delta, cut, length);
        if (r >= 0)
            r = msim_delta_read(&delta, read, count);
        /* What is missing may be the filling of the last part. */
        if (r >= 0) {
            assert_memory_equal(read, numbers, count * sizeof *read);
            assert_true(out.length - length < 128 * 5);
        }
        free(cut);
    }
    made_free(&out);
}

static void heads_that_cannot_be_are_refused(void **state)
{
    static const struct {
        uint64_t block, parts, count;
    } heads[] = {
        {0, 4, 1},
        {128, 0, 1},
        {128, 3, 1},
        {4, 1, 1},
        {128, 256, 1},
        {UINT64_C(1) << 40, 4, 1},
        {128, 4, UINT64_MAX},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(heads); i++) {
        struct made out = {0};
        struct msim_delta delta;
        put_varint(&out, heads[i].block);
        put_varint(&out, heads[i].parts);
        put_varint(&out, heads[i].count);
        put_zigzag(&out, 1);
        made_put(&out, padding, sizeof padding);
        assert_int_equal(msim_delta_init(&delta, out.bytes, out.length), MSIM_ERR_FORMAT);
        made_free(&out);
    }
    const unsigned char endless[80] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                                       0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
    struct msim_delta delta;
    assert_int_equal(msim_delta_init(&delta, endless, 12), MSIM_ERR_FORMAT);
    assert_int_equal(msim_delta_init(&delta, endless, 0), MSIM_ERR_FORMAT);
}

static void a_width_above_64_is_damage(void **state)
{
    const int64_t numbers[] = {1, 2, 3};
    int64_t read[3];
    struct made out = {0};
    struct msim_delta delta;

    (void)state;
    put_delta(&out, numbers, 3, 128, 4);
    out.bytes[out.length - 4] = 65; /* the first of the widths, which are all there is */
    made_put(&out, padding, sizeof padding);
    assert_int_equal(msim_delta_init(&delta, out.bytes, out.length - sizeof padding), MSIM_OK);
    assert_int_equal(msim_delta_read(&delta, read, 3), MSIM_ERR_FORMAT);
    made_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_width_reads_back_in_pieces_of_any_size),
        cmocka_unit_test(a_cut_anywhere_is_damage_and_no_over_read),
        cmocka_unit_test(heads_that_cannot_be_are_refused),
        cmocka_unit_test(a_width_above_64_is_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
