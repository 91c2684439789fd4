/*
 * Small files, cut at every byte and with every byte changed: refused in words, or
 * read in order; under a sanitizer nothing is touched that is not there.
 */
#include "made.h"

#include "base/random.h"

#define ROWS 40

static struct made make(enum msim_parquet_codec codec, uint64_t group_rows)
{
    static const char *const tickers[] = {"AAA@X", "BB@Y", NULL, "AAA@X"};
    struct row rows[ROWS];

    for (size_t i = 0; i < ROWS; i++)
        rows[i] = (struct row){.time = (int64_t)(msim_mix64(i) % 20) * 1000,
                               .price = (int64_t)(i * i),
                               .volume = (int64_t)(i % 3),
                               .ticker = tickers[i % COUNT(tickers)]};
    return made_trades(rows, ROWS, group_rows, codec);
}

/* On the heap and no longer than it says, so that a byte too many is seen. */
static int read_copy(const unsigned char *bytes, size_t length)
{
    struct made copy = {.bytes = malloc(length > 0 ? length : 1), .length = length};
    struct msim_record records[2 * ROWS];
    struct msim_detail detail = {{0}};
    size_t count = 0;

    assert_non_null(copy.bytes);
    memcpy(copy.bytes, bytes, length);
    int r = made_read(&copy, NULL, records, COUNT(records), &count, &detail);
    if (r < 0)
        assert_true(strlen(detail.text) > 0);
    for (size_t i = 1; i < count; i++)
        assert_true(records[i - 1].time <= records[i].time);
    free(copy.bytes);
    return r;
}

static void every_cut_is_refused(void **state)
{
    (void)state;
    struct made made = make(MSIM_PARQUET_CODEC_NONE, 15);
    assert_int_equal(read_copy(made.bytes, made.length), MSIM_PULL_END);
    for (size_t length = 0; length < made.length; length++)
        assert_int_equal(read_copy(made.bytes, length), MSIM_ERR_FORMAT);
    made_free(&made);
}

static void change_every_byte(struct made *made)
{
    for (size_t at = 0; at < made->length; at++) {
        unsigned char right = made->bytes[at];
        for (unsigned bit = 0; bit < 8; bit++) {
            made->bytes[at] = right ^ (unsigned char)(1U << bit);
            read_copy(made->bytes, made->length);
        }
        made->bytes[at] = 0xFF;
        read_copy(made->bytes, made->length);
        made->bytes[at] = 0;
        read_copy(made->bytes, made->length);
        made->bytes[at] = right;
    }
}

static void every_changed_byte_is_survived(void **state)
{
    (void)state;
    struct made made = make(MSIM_PARQUET_CODEC_NONE, 15);
    change_every_byte(&made);
    made_free(&made);
}

#ifdef MSIM_HAVE_ZSTD
static void every_changed_byte_is_survived_with_zstd(void **state)
{
    (void)state;
    struct made made = make(MSIM_PARQUET_CODEC_ZSTD, 0);
    change_every_byte(&made);
    made_free(&made);
}
#endif

static void bytes_in_front_of_the_tail_are_survived(void **state)
{
    (void)state;
    struct made made = make(MSIM_PARQUET_CODEC_NONE, 15);
    /* The footer's length, with any value around its own and at the ends. */
    unsigned char *length = made.bytes + made.length - 8;
    const uint32_t right = msim_load32(length);
    for (uint32_t change = 1; change < 200; change++) {
        msim_store32(length, right + change);
        read_copy(made.bytes, made.length);
        msim_store32(length, right - change);
        assert_int_equal(read_copy(made.bytes, made.length), MSIM_ERR_FORMAT);
        msim_store32(length, UINT32_MAX - change);
        assert_int_equal(read_copy(made.bytes, made.length), MSIM_ERR_FORMAT);
    }
    made_free(&made);
}

/* The file's own count of its rows: an i64 behind which the list of row groups begins. */
static unsigned char *row_count_of(const struct made *made)
{
    static const unsigned char count[] = {0x16, 2 * ROWS, 0x19};
    unsigned char *at =
        made->bytes + made->length - 8 - msim_load32(made->bytes + made->length - 8);

    while (memcmp(at, count, sizeof count) != 0) {
        at++;
        assert_true(at < made->bytes + made->length - sizeof count);
    }
    return at + 1;
}

static void a_file_that_counts_no_rows_has_those_of_its_row_groups(void **state)
{
    (void)state;
    struct made made = make(MSIM_PARQUET_CODEC_NONE, 15);
    *row_count_of(&made) = 0;
    assert_int_equal(read_copy(made.bytes, made.length), MSIM_PULL_END);
    made_free(&made);
}

static void a_file_that_counts_other_rows_is_refused(void **state)
{
    (void)state;
    struct made made = make(MSIM_PARQUET_CODEC_NONE, 15);
    *row_count_of(&made) = 2 * (ROWS - 1);
    assert_int_equal(read_copy(made.bytes, made.length), MSIM_ERR_FORMAT);
    made_free(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(every_changed_byte_is_survived),
#ifdef MSIM_HAVE_ZSTD
        cmocka_unit_test(every_changed_byte_is_survived_with_zstd),
#endif
        cmocka_unit_test(bytes_in_front_of_the_tail_are_survived),
        cmocka_unit_test(a_file_that_counts_no_rows_has_those_of_its_row_groups),
        cmocka_unit_test(a_file_that_counts_other_rows_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
