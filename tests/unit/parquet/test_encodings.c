/*
 * Values in every encoding and of every type that a trade's columns may have, in
 * pages laid by hand.
 */
#include "delta_out.h"
#include "eight_rows.h"

#include <stdio.h>

static struct made_page page_of(const struct made *made, int encoding)
{
    return (struct made_page){.type = PAGE_DATA,
                              .encoding = encoding,
                              .values = 8,
                              .bytes = made->bytes,
                              .length = made->length};
}

static void put_text(struct made *made, const char *text)
{
    unsigned char length[4];

    msim_store32(length, (uint32_t)strlen(text));
    made_put(made, length, sizeof length);
    made_put(made, text, strlen(text));
}

/* ---- encodings ---- */

static void numbers_may_be_written_as_differences(void **state)
{
    const int64_t prices[8] = {5, 3, 3, INT64_MAX, 7, 1, 0, 9};
    struct bench bench = good();
    struct made made = {0};

    (void)state;
    put_delta(&made, prices, 8, 128, 4);
    const struct made_page page = page_of(&made, ENCODING_DELTA_BINARY_PACKED);
    bench.chunks[PRICE].pages = &page;
    assert_reads(&bench);
    assert_prices(&bench, prices);

    /* 32-bit numbers are the low halves. */
    const int64_t small[8] = {5, 3, 3, INT32_MAX, 7, 1, 0, 9};
    made.length = 0;
    put_delta(&made, small, 8, 128, 4);
    const struct made_page narrow = page_of(&made, ENCODING_DELTA_BINARY_PACKED);
    bench = good();
    bench.chunks[PRICE].physical = PHYSICAL_INT32;
    bench.chunks[PRICE].pages = &narrow;
    assert_reads(&bench);
    assert_prices(&bench, small);
    made_free(&made);
}

static void a_chunk_may_fall_back_from_a_dictionary_to_differences(void **state)
{
    const int64_t prices[5] = {50, 40, 30, 20, 10};
    struct bench bench = good();
    struct made made = {0};

    (void)state;
    put_delta(&made, prices, 5, 128, 4);
    const struct made_page pages[] = {
        {.type = PAGE_DICTIONARY, .values = 2, .bytes = numbers8, .length = 16},
        {.type = PAGE_DATA,
         .encoding = ENCODING_RLE_DICTIONARY,
         .values = 3,
         .bytes = indexes8,
         .length = 3},
        {.type = PAGE_DATA,
         .encoding = ENCODING_DELTA_BINARY_PACKED,
         .values = 5,
         .bytes = made.bytes,
         .length = made.length},
    };
    bench.chunks[PRICE].pages = pages;
    bench.chunks[PRICE].page_count = COUNT(pages);
    assert_reads(&bench);
    assert_prices(&bench, (int64_t[]){1, 2, 1, 50, 40, 30, 20, 10});
    made_free(&made);
}

static void the_bytes_of_numbers_may_stand_apart(void **state)
{
    unsigned char apart[64];
    struct bench bench = good();

    (void)state;
    for (size_t i = 0; i < 8; i++)
        for (size_t byte = 0; byte < 8; byte++)
            apart[byte * 8 + i] = numbers8[i * 8 + byte];
    struct made_page page = {.type = PAGE_DATA,
                             .encoding = ENCODING_BYTE_STREAM_SPLIT,
                             .values = 8,
                             .bytes = apart,
                             .length = 64};
    bench.chunks[PRICE].pages = &page;
    assert_reads(&bench);
    assert_prices(&bench, (int64_t[]){1, 2, 3, 4, 5, 6, 7, 8});

    page.length = 63;
    assert_refuses(&bench, MSIM_ERR_FORMAT, "its bytes are not whole values");
    page.length = 56;
    assert_refuses(&bench, MSIM_ERR_FORMAT, "the values end too early");
}

/* Each ticker's number as it first appears. */
static void assert_symbols(const struct bench *bench, const uint32_t *symbols)
{
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(bench->records[i].symbol, symbols[i]);
}

static void texts_may_have_their_lengths_in_front(void **state)
{
    const int64_t lengths[8] = {1, 2, 1, 0, 2, 3, 1, 0};
    struct bench bench = good();
    struct made made = {0};

    (void)state;
    put_delta(&made, lengths, 8, 128, 4);
    made_put(&made, "ABBACBBABBB", 10); /* A BB A "" CB BAB B "" */
    struct made_page page = page_of(&made, ENCODING_DELTA_LENGTH_BYTE_ARRAY);
    bench.chunks[TICKER].pages = &page;
    assert_reads(&bench);
    assert_symbols(&bench, (uint32_t[]){0, 1, 0, 2, 3, 4, 5, 2});

    page.length--;
    assert_refuses(&bench, MSIM_ERR_FORMAT, "a text is longer than its page");
    made_free(&made);
}

static void texts_may_begin_like_the_one_before(void **state)
{
    const int64_t shared[8] = {0, 3, 3, 6, 0, 1, 4, 4};
    const int64_t own[8] = {6, 3, 3, 0, 1, 3, 0, 0};
    struct bench bench = good();
    struct made made = {0};

    (void)state;
    put_delta(&made, shared, 8, 128, 4);
    put_delta(&made, own, 8, 128, 4);
    /* BTCUSD BTCEUR BTCEUR BTCEUR E ETHX ETHX ETHX */
    made_put(&made, "BTCUSDEUREURETHX", 16);
    struct made_page page = page_of(&made, ENCODING_DELTA_BYTE_ARRAY);
    bench.chunks[TICKER].pages = &page;
    assert_reads(&bench);
    assert_symbols(&bench, (uint32_t[]){0, 1, 1, 1, 2, 3, 3, 3});

    page.length--;
    assert_refuses(&bench, MSIM_ERR_FORMAT, "a text is longer than its page");
    made_free(&made);
}

static void a_text_that_shares_more_than_there_is_is_damage(void **state)
{
    const int64_t shared[8] = {0, 2, 0, 0, 0, 0, 0, 0};
    const int64_t own[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    const int64_t negative[8] = {0, -1, 0, 0, 0, 0, 0, 0};
    struct bench bench = good();
    struct made made = {0};

    (void)state;
    put_delta(&made, shared, 8, 128, 4);
    put_delta(&made, own, 8, 128, 4);
    made_put(&made, "ABCDEFGH", 8);
    const struct made_page page = page_of(&made, ENCODING_DELTA_BYTE_ARRAY);
    bench.chunks[TICKER].pages = &page;
    assert_refuses(&bench, MSIM_ERR_FORMAT, "a text shares more than the one before it has");

    made.length = 0;
    put_delta(&made, negative, 8, 128, 4);
    put_delta(&made, own, 8, 128, 4);
    made_put(&made, "ABCDEFGH", 8);
    const struct made_page second = page_of(&made, ENCODING_DELTA_BYTE_ARRAY);
    bench.chunks[TICKER].pages = &second;
    assert_refuses(&bench, MSIM_ERR_FORMAT, "a text of a length that cannot be");
    made_free(&made);
}

static void a_type_in_an_encoding_that_it_cannot_have_is_damage(void **state)
{
    struct bench bench = good();
    struct made_page page = number_page;

    (void)state;
    page.encoding = ENCODING_DELTA_BYTE_ARRAY;
    bench.chunks[PRICE].pages = &page;
    assert_refuses(&bench, MSIM_ERR_FORMAT, "values of type INT64 in DELTA_BYTE_ARRAY");
    page = text_page;
    page.encoding = ENCODING_BYTE_STREAM_SPLIT;
    bench = good();
    bench.chunks[TICKER].pages = &page;
    assert_refuses(&bench, MSIM_ERR_FORMAT, "values of type BYTE_ARRAY in BYTE_STREAM_SPLIT");
}

/* ---- codecs ---- */

static void lz4_is_read_in_frames_and_bare(void **state)
{
    /* Literals alone: 15 and 49 more, then the numbers; as LZ4 lays them. */
    unsigned char block[66] = {0xF0, 49};
    unsigned char framed[74] = {0, 0, 0, 64, 0, 0, 0, 66};
    struct bench bench = good();
    struct made_page page = number_page;

    (void)state;
    memcpy(block + 2, numbers8, 64);
    memcpy(framed + 8, block, sizeof block);
    bench.chunks[PRICE].codec = CODEC_LZ4_HADOOP;
    bench.chunks[PRICE].pages = &page;
    page.stored = block;
    page.stored_length = sizeof block;
    int r = read_rows(&bench, 8);
    if (r == MSIM_ERR_UNSUPPORTED) {
        print_message("this build has no lz4\n");
        skip();
    }
    assert_reads(&bench);
    assert_prices(&bench, (int64_t[]){1, 2, 3, 4, 5, 6, 7, 8});
    page.stored = framed;
    page.stored_length = sizeof framed;
    assert_reads(&bench);
    assert_prices(&bench, (int64_t[]){1, 2, 3, 4, 5, 6, 7, 8});
    framed[3] = 63;
    assert_refuses(&bench, MSIM_ERR_FORMAT, "do not give the 64 bytes");
}

/* ---- moments ---- */

static void moments_of_twelve_bytes_are_read(void **state)
{
    unsigned char bytes[96];
    struct bench bench = good();

    (void)state;
    for (size_t i = 0; i < 8; i++) {
        msim_store64(bytes + i * 12, (i + 1) * MSIM_NS_PER_S);
        msim_store32(bytes + i * 12 + 8, 2440588);
    }
    const struct made_page page = {.type = PAGE_DATA, .values = 8, .bytes = bytes, .length = 96};
    bench.chunks[TIMESTAMP].physical = PHYSICAL_INT96;
    bench.chunks[TIMESTAMP].converted = 0;
    bench.chunks[TIMESTAMP].pages = &page;
    assert_reads(&bench);

    msim_store32(bytes + 7 * 12 + 8, 0); /* 4713 BC */
    assert_refuses(&bench, MSIM_ERR_OVERFLOW, "row 7 (7 of the file): the timestamp lies outside");
}

static void bare_integers_are_read_in_the_unit_that_is_named(void **state)
{
    struct bench bench = good();
    unsigned char bytes[32];

    (void)state;
    bench.chunks[TIMESTAMP].converted = 0;
    assert_refuses(&bench, MSIM_ERR_UNSUPPORTED, "name it (timestamp_unit, or --timestamp-unit");
    bench.params.timestamp_unit = MSIM_NS_PER_MS;
    assert_reads(&bench);

    for (size_t i = 0; i < 8; i++)
        msim_store32(bytes + i * 4, (uint32_t)(i + 1));
    const struct made_page page = {.type = PAGE_DATA, .values = 8, .bytes = bytes, .length = 32};
    bench.chunks[TIMESTAMP].physical = PHYSICAL_INT32;
    bench.chunks[TIMESTAMP].pages = &page;
    bench.params.timestamp_unit = MSIM_NS_PER_S;
    assert_reads(&bench);
}

static void moments_may_be_texts(void **state)
{
    struct bench bench = good();
    struct made made = {0};
    char text[32];

    (void)state;
    for (int i = 1; i <= 8; i++) {
        snprintf(text, sizeof text,
                 i % 2 ? "1970-01-01T00:00:%02dZ" : "1970-01-01 01:00:%02d.000+01:00", i);
        put_text(&made, text);
    }
    struct made_page page = page_of(&made, ENCODING_PLAIN);
    bench.chunks[TIMESTAMP].physical = PHYSICAL_BYTE_ARRAY;
    bench.chunks[TIMESTAMP].converted = 1;
    bench.chunks[TIMESTAMP].pages = &page;
    assert_reads(&bench);

    made.bytes[made.length - 1] = '!';
    assert_refuses(&bench, MSIM_ERR_INVALID, "row 7 (7 of the file): the timestamp is no moment");
    made_free(&made);
}

/* ---- numbers ---- */

static void decimals_are_read_out_of_bytes(void **state)
{
    unsigned char bytes[8 * 17];
    struct bench bench = good();

    (void)state;
    for (size_t i = 0; i < 8; i++) {
        memset(bytes + i * 17, 0, 17);
        bytes[i * 17 + 15] = (unsigned char)i;
        bytes[i * 17 + 16] = 1; /* 256 i + 1 */
    }
    const struct made_page page = {
        .type = PAGE_DATA, .values = 8, .bytes = bytes, .length = sizeof bytes};
    bench.chunks[PRICE].physical = PHYSICAL_FIXED;
    bench.chunks[PRICE].type_length = 17;
    bench.chunks[PRICE].converted = 6;
    bench.chunks[PRICE].scale = 9;
    bench.chunks[PRICE].precision = 38;
    bench.chunks[PRICE].pages = &page;
    assert_reads(&bench);
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(bench.records[i].as.trade.price, 256 * i + 1);
        assert_int_equal(bench.records[i].price_exponent, -9);
    }

    memset(bytes, 0xFF, 17); /* -1 */
    assert_reads(&bench);
    assert_int_equal(bench.records[0].as.trade.price, -1);

    bytes[0] = 0x7F; /* 2^135 - 1 */
    assert_refuses(&bench, MSIM_ERR_OVERFLOW, "row 0 (0 of the file): the value has more digits");
}

static void a_decimal_too_long_for_its_scale_loses_zeros_alone(void **state)
{
    /* 3 * 10^20 at scale 20 is 3. */
    static const unsigned char three[9] = {0x10, 0x43, 0x56, 0x1A, 0x88, 0x29, 0x30, 0, 0};
    struct bench bench = good();
    unsigned char bytes[8 * 9];

    (void)state;
    for (size_t i = 0; i < 8; i++)
        memcpy(bytes + i * 9, three, 9);
    const struct made_page page = {
        .type = PAGE_DATA, .values = 8, .bytes = bytes, .length = sizeof bytes};
    bench.chunks[PRICE].physical = PHYSICAL_FIXED;
    bench.chunks[PRICE].type_length = 9;
    bench.chunks[PRICE].converted = 6;
    bench.chunks[PRICE].scale = 20;
    bench.chunks[PRICE].precision = 21;
    bench.chunks[PRICE].pages = &page;
    assert_reads(&bench);
    assert_int_equal(bench.records[0].as.trade.price, INT64_C(3000000000000000000));
    assert_int_equal(bench.records[0].price_exponent, -18);

    bytes[8] = 1;
    assert_refuses(&bench, MSIM_ERR_OVERFLOW, "row 0 (0 of the file): the value has more digits");
}

static void numbers_may_be_texts(void **state)
{
    static const char *const texts[8] = {"1", "1.50",        "-3",    "0.001",
                                         "7", "12345678901", "1e-05", "9.0"};
    static const int64_t mantissas[8] = {1, 150, -3, 1, 7, 12345678901, 1, 90};
    static const int exponents[8] = {0, -2, 0, -3, 0, 0, -5, -1};
    struct bench bench = good();
    struct made made = {0};

    (void)state;
    for (size_t i = 0; i < 8; i++)
        put_text(&made, texts[i]);
    const struct made_page page = page_of(&made, ENCODING_PLAIN);
    bench.chunks[PRICE].physical = PHYSICAL_BYTE_ARRAY;
    bench.chunks[PRICE].converted = 1;
    bench.chunks[PRICE].pages = &page;
    assert_reads(&bench);
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(bench.records[i].as.trade.price, mantissas[i]);
        assert_int_equal(bench.records[i].price_exponent, exponents[i]);
    }

    made.bytes[made.length - 1] = 'e';
    assert_refuses(&bench, MSIM_ERR_FORMAT, "row 7 (7 of the file): the text is no number");
    made_free(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_may_be_written_as_differences),
        cmocka_unit_test(a_chunk_may_fall_back_from_a_dictionary_to_differences),
        cmocka_unit_test(the_bytes_of_numbers_may_stand_apart),
        cmocka_unit_test(texts_may_have_their_lengths_in_front),
        cmocka_unit_test(texts_may_begin_like_the_one_before),
        cmocka_unit_test(a_text_that_shares_more_than_there_is_is_damage),
        cmocka_unit_test(a_type_in_an_encoding_that_it_cannot_have_is_damage),
        cmocka_unit_test(lz4_is_read_in_frames_and_bare),
        cmocka_unit_test(moments_of_twelve_bytes_are_read),
        cmocka_unit_test(bare_integers_are_read_in_the_unit_that_is_named),
        cmocka_unit_test(moments_may_be_texts),
        cmocka_unit_test(decimals_are_read_out_of_bytes),
        cmocka_unit_test(a_decimal_too_long_for_its_scale_loses_zeros_alone),
        cmocka_unit_test(numbers_may_be_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
