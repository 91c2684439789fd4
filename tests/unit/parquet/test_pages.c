/*
 * Pages that our writer never makes, laid by hand: what other writers do, and what
 * none should.
 */
#include "eight_rows.h"

/* ---- what is read ---- */

static void a_file_made_by_hand_reads(void **state)
{
    struct bench bench = good();

    (void)state;
    assert_reads(&bench);
    assert_prices(&bench, (int64_t[]){1, 2, 3, 4, 5, 6, 7, 8});
}

static void a_dictionary_may_fall_back_to_plain_inside_a_chunk(void **state)
{
    const struct made_page pages[] = {
        {.type = PAGE_DICTIONARY, .values = 2, .bytes = numbers8, .length = 16},
        {.type = PAGE_DATA,
         .encoding = ENCODING_RLE_DICTIONARY,
         .values = 3,
         .bytes = indexes8,
         .length = 3},
        {.type = PAGE_DATA,
         .encoding = ENCODING_PLAIN,
         .values = 5,
         .bytes = numbers8,
         .length = 40},
    };
    const struct made_page texts[] = {
        {.type = PAGE_DICTIONARY,
         .encoding = ENCODING_PLAIN_DICTIONARY,
         .values = 2,
         .bytes = dictionary2,
         .length = 12},
        {.type = PAGE_DATA,
         .encoding = ENCODING_PLAIN_DICTIONARY,
         .values = 5,
         .bytes = indexes8,
         .length = 3},
        {.type = PAGE_DATA, .values = 3, .bytes = texts8, .length = 15},
    };
    struct bench bench = good();

    (void)state;
    bench.chunks[PRICE].pages = pages;
    bench.chunks[PRICE].page_count = COUNT(pages);
    bench.chunks[TICKER].pages = texts;
    bench.chunks[TICKER].page_count = COUNT(texts);
    assert_reads(&bench);
    assert_prices(&bench, (int64_t[]){1, 2, 1, 1, 2, 3, 4, 5});
    /* AA BB AA BB BB A B C */
    const uint32_t symbols[] = {0, 1, 0, 1, 1, 2, 3, 4};
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(bench.records[i].symbol, symbols[i]);
}

static void a_dictionary_offset_of_zero_is_none_named(void **state)
{
    const struct made_page pages[] = {
        {.type = PAGE_DICTIONARY, .values = 2, .bytes = numbers8, .length = 16},
        {.type = PAGE_DATA,
         .encoding = ENCODING_RLE_DICTIONARY,
         .values = 8,
         .bytes = indexes8,
         .length = 3},
    };
    struct bench bench = good();

    (void)state;
    bench.chunks[PRICE].pages = pages;
    bench.chunks[PRICE].page_count = COUNT(pages);
    bench.chunks[PRICE].hides_dictionary = true;
    assert_reads(&bench);
    assert_prices(&bench, (int64_t[]){1, 2, 1, 2, 2, 1, 1, 2});
}

static void levels_of_old_are_packed_from_the_highest_bit(void **state)
{
    unsigned char bytes[1 + 40] = {0xB3}; /* 1 0 1 1 0 0 1 1 */
    const struct made_page page = {.type = PAGE_DATA,
                                   .level_encoding = ENCODING_BIT_PACKED,
                                   .values = 8,
                                   .bytes = bytes,
                                   .length = sizeof bytes};
    struct bench bench = good();

    (void)state;
    memcpy(bytes + 1, numbers8, 40);
    bench.chunks[PRICE].repetition = REPETITION_OPTIONAL;
    bench.chunks[PRICE].pages = &page;
    assert_reads(&bench);
    assert_prices(&bench, (int64_t[]){1, -1, 2, 3, -1, -1, 4, 5});
}

static void version_2_keeps_levels_out_of_compression(void **state)
{
    unsigned char bytes[2 + 40] = {3, 0xCD}; /* 1 0 1 1 0 0 1 1 from the lowest bit */
    struct made_page page = {.type = PAGE_DATA_V2,
                             .values = 8,
                             .bytes = bytes,
                             .length = sizeof bytes,
                             .level_length = 2};
    struct bench bench = good();

    (void)state;
    memcpy(bytes + 2, numbers8, 40);
    bench.chunks[PRICE].repetition = REPETITION_OPTIONAL;
    bench.chunks[PRICE].pages = &page;
    assert_reads(&bench);
    assert_prices(&bench, (int64_t[]){1, -1, 2, 3, -1, -1, 4, 5});
#ifdef MSIM_HAVE_ZSTD
    bench.chunks[PRICE].codec = CODEC_ZSTD;
    assert_reads(&bench);
    assert_prices(&bench, (int64_t[]){1, -1, 2, 3, -1, -1, 4, 5});
#endif
    bench.chunks[PRICE].codec = CODEC_SNAPPY;
    page.says_uncompressed = true;
    assert_reads(&bench);
    assert_prices(&bench, (int64_t[]){1, -1, 2, 3, -1, -1, 4, 5});
}

static void empty_pages_and_pages_of_nulls_alone_are_read(void **state)
{
    const unsigned char none[] = {2, 0, 0, 0, 8 << 1, 0}; /* levels: eight zeros */
    const unsigned char four[] = {2, 0, 0, 0, 4 << 1, 0};
    const unsigned char half[] = {2, 0, 0, 0, 4 << 1, 1};
    unsigned char with_values[6 + 32];
    const struct made_page nulls = {.type = PAGE_DATA, .values = 8, .bytes = none, .length = 6};
    const struct made_page pages[] = {
        {.type = PAGE_DATA, .values = 0, .bytes = "", .length = 0},
        {.type = PAGE_DATA, .values = 4, .bytes = four, .length = 6},
        {.type = PAGE_DATA_V2, .values = 0, .bytes = "", .length = 0},
        {.type = PAGE_INDEX, .bytes = "junk", .length = 4},
        {.type = PAGE_DATA, .values = 4, .bytes = with_values, .length = sizeof with_values},
    };
    struct bench bench = good();

    (void)state;
    memcpy(with_values, half, 6);
    memcpy(with_values + 6, numbers8, 32);
    bench.chunks[PRICE].repetition = REPETITION_OPTIONAL;
    bench.chunks[PRICE].pages = &nulls;
    assert_reads(&bench);
    assert_prices(&bench, (int64_t[]){-1, -1, -1, -1, -1, -1, -1, -1});
    bench.chunks[PRICE].pages = pages;
    bench.chunks[PRICE].page_count = COUNT(pages);
    assert_reads(&bench);
    assert_prices(&bench, (int64_t[]){-1, -1, -1, -1, 1, 2, 3, 4});
}

static void a_compressed_page_without_values_may_have_no_bytes(void **state)
{
    const unsigned char levels[] = {8 << 1, 0};
    const struct made_page page = {
        .type = PAGE_DATA_V2, .values = 8, .bytes = levels, .length = 2, .level_length = 2};
    struct bench bench = good();

    (void)state;
    bench.chunks[PRICE].codec = CODEC_SNAPPY;
    bench.chunks[PRICE].repetition = REPETITION_OPTIONAL;
    bench.chunks[PRICE].pages = &page;
    assert_reads(&bench);
    assert_prices(&bench, (int64_t[]){-1, -1, -1, -1, -1, -1, -1, -1});
}

static void every_type_of_number_is_made_exact(void **state)
{
    const unsigned char int32s[32] = {1, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0x80};
    const unsigned char doubles[64] = {0,    0,    0,    0,    0,    0,    0xF8, 0x3F,  /* 1.5 */
                                       0,    0,    0,    0,    0,    0,    0xE0, 0xBF,  /* -0.5 */
                                       0x9A, 0x99, 0x99, 0x99, 0x99, 0x99, 0xB9, 0x3F}; /* 0.1 */
    const unsigned char floats[32] = {0xCD, 0xCC, 0xCC, 0x3D, 0, 0, 0x20, 0x41}; /* 0.1, 10 */
    const struct made_page int32_page = PLAIN_PAGE(int32s, 8, 32);
    const struct made_page double_page = PLAIN_PAGE(doubles, 8, 64);
    const struct made_page float_page = PLAIN_PAGE(floats, 8, 32);
    struct bench bench = good();

    (void)state;
    bench.chunks[PRICE].physical = PHYSICAL_INT32;
    bench.chunks[PRICE].pages = &int32_page;
    assert_reads(&bench);
    assert_int_equal(bench.records[1].as.trade.price, -1);
    assert_int_equal(bench.records[2].as.trade.price, INT32_MIN);
    bench.chunks[PRICE].converted = 1 + 13; /* UINT_32 */
    assert_reads(&bench);
    assert_int_equal(bench.records[1].as.trade.price, UINT32_MAX);

    bench.chunks[PRICE].converted = 0;
    bench.chunks[PRICE].physical = PHYSICAL_DOUBLE;
    bench.chunks[PRICE].pages = &double_page;
    assert_reads(&bench);
    assert_int_equal(bench.records[0].as.trade.price, 15);
    assert_int_equal(bench.records[0].price_exponent, -1);
    assert_int_equal(bench.records[1].as.trade.price, -5);
    assert_int_equal(bench.records[2].as.trade.price, 1);
    assert_int_equal(bench.records[2].price_exponent, -1);
    assert_int_equal(bench.records[3].as.trade.price, 0);
    assert_int_equal(bench.records[3].price_exponent, 0);

    bench.chunks[PRICE].physical = PHYSICAL_FLOAT;
    bench.chunks[PRICE].pages = &float_page;
    assert_reads(&bench);
    assert_int_equal(bench.records[0].as.trade.price, 1);
    assert_int_equal(bench.records[0].price_exponent, -1);
    assert_int_equal(bench.records[1].as.trade.price, 10);
}

static void a_right_checksum_is_taken_and_a_wrong_one_refused(void **state)
{
    struct made_page page = number_page;
    struct bench bench = good();

    (void)state;
    page.has_crc = true;
    bench.chunks[PRICE].pages = &page;
    assert_reads(&bench);
    page.crc_error = 1;
    assert_refuses(&bench, MSIM_ERR_FORMAT,
                   "memory-0, row group 0, column price, page 0: damaged: its checksum");
}

#ifdef MSIM_HAVE_ZLIB
static void several_gzip_members_are_one_page(void **state)
{
    /* gzip of the first 32 bytes of numbers8, and of the last 32. */
    static const unsigned char members[] = {
        0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x63, 0x64, 0x80,
        0x00, 0x26, 0x28, 0xcd, 0x0c, 0xa5, 0x59, 0xa0, 0x34, 0x00, 0x00, 0x26, 0x69,
        0x9c, 0x20, 0x00, 0x00, 0x00, 0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x02, 0x03, 0x63, 0x65, 0x80, 0x00, 0x36, 0x28, 0xcd, 0x0e, 0xa5, 0x39, 0xa0,
        0x34, 0x00, 0xbd, 0xfb, 0x7b, 0x07, 0x20, 0x00, 0x00, 0x00};
    const struct made_page page = {.type = PAGE_DATA,
                                   .values = 8,
                                   .bytes = numbers8,
                                   .length = 64,
                                   .stored = members,
                                   .stored_length = sizeof members};
    struct bench bench = good();

    (void)state;
    bench.chunks[PRICE].codec = CODEC_GZIP;
    bench.chunks[PRICE].pages = &page;
    assert_reads(&bench);
    assert_prices(&bench, (int64_t[]){1, 2, 3, 4, 5, 6, 7, 8});
}
#endif

/* ---- what is refused ---- */

static void what_is_not_read_is_refused_by_name(void **state)
{
    static const struct {
        int encoding;
        const char *words;
    } encodings[] = {
        {ENCODING_ALP, "column price, page 0: values in ALP"},
        {99, "values in an unknown encoding (encoding 99)"},
    };
    static const struct {
        int codec;
        const char *words;
    } codecs[] = {
        {CODEC_LZO, "row group 0, column price: compressed with LZO"},
        {42, "compressed with an unknown codec (codec 42)"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(encodings); i++) {
        struct bench bench = good();
        struct made_page page = number_page;
        page.encoding = encodings[i].encoding;
        bench.chunks[PRICE].pages = &page;
        assert_refuses(&bench, MSIM_ERR_UNSUPPORTED, encodings[i].words);
    }
    for (size_t i = 0; i < COUNT(codecs); i++) {
        struct bench bench = good();
        bench.chunks[PRICE].codec = codecs[i].codec;
        assert_refuses(&bench, MSIM_ERR_UNSUPPORTED, codecs[i].words);
    }
    struct bench bench = good();
    bench.chunks[TICKER].is_encrypted = true;
    assert_refuses(&bench, MSIM_ERR_UNSUPPORTED, "column ticker: an encrypted column");
    bench = good();
    bench.chunks[TICKER].is_elsewhere = true;
    assert_refuses(&bench, MSIM_ERR_UNSUPPORTED, "column ticker: its bytes lie in another file");
}

static void columns_of_a_wrong_type_are_refused_by_name(void **state)
{
    struct bench bench = good();

    (void)state;
    bench.chunks[TIMESTAMP].converted = 0;
    assert_refuses(&bench, MSIM_ERR_UNSUPPORTED,
                   "memory-0, column timestamp: is INT64 with no logical type");
    bench = good();
    bench.chunks[TIMESTAMP].physical = PHYSICAL_DOUBLE;
    bench.chunks[TIMESTAMP].converted = 0;
    assert_refuses(&bench, MSIM_ERR_UNSUPPORTED, "column timestamp: is DOUBLE");
    bench = good();
    bench.chunks[PRICE].physical = PHYSICAL_BYTE_ARRAY;
    assert_refuses(&bench, MSIM_ERR_UNSUPPORTED, "column price: is BYTE_ARRAY with no logical");
    bench = good();
    bench.chunks[PRICE].converted = 10;
    assert_refuses(&bench, MSIM_ERR_UNSUPPORTED, "column price: is INT64 with TIMESTAMP");
    bench = good();
    bench.chunks[TICKER].physical = PHYSICAL_INT64;
    assert_refuses(&bench, MSIM_ERR_UNSUPPORTED, "column ticker: is INT64");
    bench = good();
    bench.chunks[TICKER].repetition = REPETITION_REPEATED;
    assert_refuses(&bench, MSIM_ERR_NOT_FOUND,
                   "no column \"ticker\"; it has \"timestamp\", \"price\", \"volume\"");
}

static void damaged_pages_are_refused_with_their_place(void **state)
{
    const struct made_page no_dictionary = {.type = PAGE_DATA,
                                            .encoding = ENCODING_RLE_DICTIONARY,
                                            .values = 8,
                                            .bytes = indexes8,
                                            .length = 3};
    const struct made_page beyond[] = {
        {.type = PAGE_DICTIONARY, .values = 1, .bytes = numbers8, .length = 16},
        no_dictionary,
    };
    const struct made_page twice[] = {
        {.type = PAGE_DICTIONARY, .values = 1, .bytes = numbers8, .length = 8},
        {.type = PAGE_DICTIONARY, .values = 1, .bytes = numbers8, .length = 8},
    };
    const struct made_page long_dictionary = {
        .type = PAGE_DICTIONARY, .values = 9, .bytes = numbers8, .length = 64};
    const struct made_page too_many = PLAIN_PAGE(numbers8, 9, 64);
    const struct made_page too_few = PLAIN_PAGE(numbers8, 7, 56);
    const struct made_page short_values = PLAIN_PAGE(numbers8, 8, 63);
    const struct made_page long_text = PLAIN_PAGE(texts8, 8, 39);
    const struct made_page wide = {.type = PAGE_DATA,
                                   .encoding = ENCODING_RLE_DICTIONARY,
                                   .values = 8,
                                   .bytes = "\x21",
                                   .length = 1};
    const struct made_page wide_pages[] = {beyond[0], wide};
    struct bench bench;

    (void)state;
#define REFUSES(column, page_list, list_count, words)   \
    do {                                                \
        bench = good();                                 \
        bench.chunks[column].pages = (page_list);       \
        bench.chunks[column].page_count = (list_count); \
        assert_refuses(&bench, MSIM_ERR_FORMAT, words); \
    } while (0)
    REFUSES(PRICE, &no_dictionary, 1, "page 0: damaged: indexes without a dictionary");
    REFUSES(PRICE, beyond, 2, "page 1: damaged: index 1 into a dictionary of 1 values");
    REFUSES(PRICE, twice, 2, "page 1: damaged: a second dictionary");
    REFUSES(PRICE, &long_dictionary, 1, "page 0: damaged: a dictionary that is shorter");
    REFUSES(PRICE, &too_many, 1, "page 0: damaged: the page has more values than its chunk");
    REFUSES(PRICE, &too_few, 1, "column price");
    REFUSES(PRICE, &short_values, 1, "page 0: damaged: the values end too early");
    REFUSES(TICKER, &long_text, 1, "page 0: damaged: a text is longer than its page");
    REFUSES(PRICE, wide_pages, 2, "page 1: damaged: indexes of more than 32 bits");
#undef REFUSES
    bench = good();
    bench.chunks[PRICE].values = 7;
    assert_refuses(&bench, MSIM_ERR_FORMAT, "damaged: 7 values for 8 rows");
    bench = good();
    struct made_page wrong_size = number_page;
    wrong_size.size_error = 1;
    bench.chunks[PRICE].pages = &wrong_size;
    assert_refuses(&bench, MSIM_ERR_FORMAT, "64 bytes that are not compressed should be 65");
    bench.chunks[PRICE].codec = CODEC_SNAPPY;
    assert_refuses(&bench, MSIM_ERR_FORMAT, "damaged: its 64 bytes of snappy do not give the 65");
}

/* ---- bad rows, and statistics that lie ---- */

static void a_null_timestamp_is_refused_with_its_row_or_skipped(void **state)
{
    unsigned char bytes[6 + 56] = {2, 0, 0, 0, 3, 0xEF}; /* the fifth is null */
    const struct made_page page = {
        .type = PAGE_DATA, .values = 8, .bytes = bytes, .length = sizeof bytes};
    struct bench bench = good();

    (void)state;
    memcpy(bytes + 6, times8, 56);
    bench.chunks[TIMESTAMP].repetition = REPETITION_OPTIONAL;
    bench.chunks[TIMESTAMP].pages = &page;
    assert_refuses(&bench, MSIM_ERR_FORMAT,
                   "memory-0, row group 0, column timestamp: row 4 (4 of the file): the timestamp "
                   "is null");
    bench.params.skip_bad_rows = true;
    assert_int_equal(read_rows(&bench, 8), MSIM_PULL_END);
    assert_int_equal(bench.count, 7);
    assert_int_equal(bench.records[4].as.trade.price, 6);
    assert_int_equal(bench.records[4].as.trade.row, 5);
}

static void prices_that_are_no_numbers_are_refused_with_their_row_or_skipped(void **state)
{
    unsigned char doubles[64] = {0};
    const struct made_page page = PLAIN_PAGE(doubles, 8, 64);
    struct bench bench = good();

    (void)state;
    doubles[2 * 8 + 7] = 0x7F; /* the third: 0x7F80...: a large number */
    doubles[5 * 8 + 7] = 0x7F;
    doubles[5 * 8 + 6] = 0xF8; /* the sixth: NaN */
    bench.chunks[PRICE].physical = PHYSICAL_DOUBLE;
    bench.chunks[PRICE].pages = &page;
    assert_refuses(&bench, MSIM_ERR_OVERFLOW, "column price: row 2 (2 of the file): the value has");
    bench.params.skip_bad_rows = true;
    assert_int_equal(read_rows(&bench, 8), MSIM_PULL_END);
    assert_int_equal(bench.count, 6);
    assert_int_equal(bench.records[2].as.trade.row, 3);
    assert_int_equal(bench.records[5].as.trade.row, 7);
}

static void a_ticker_that_is_not_utf_8_is_refused_with_its_row_or_skipped(void **state)
{
    unsigned char texts[40];
    const struct made_page page = PLAIN_PAGE(texts, 8, 40);
    struct bench bench = good();

    (void)state;
    memcpy(texts, texts8, 40);
    texts[3 * 5 + 4] = 0xFF;
    bench.chunks[TICKER].pages = &page;
    assert_refuses(&bench, MSIM_ERR_FORMAT,
                   "column ticker: row 3 (3 of the file): the name is not");
    bench.params.skip_bad_rows = true;
    assert_int_equal(read_rows(&bench, 8), MSIM_PULL_END);
    assert_int_equal(bench.count, 7);
}

static void a_time_beyond_nanoseconds_is_refused_with_its_row(void **state)
{
    unsigned char times[64];
    const struct made_page page = PLAIN_PAGE(times, 8, 64);
    struct bench bench = good();

    (void)state;
    memcpy(times, times8, 64);
    times[6 * 8 + 7] = 0x7F;
    bench.chunks[TIMESTAMP].pages = &page;
    assert_refuses(&bench, MSIM_ERR_OVERFLOW, "column timestamp: row 6 (6 of the file)");
}

/* Eight rows that fall in time, the fifth of which has none and the third no price. */
static struct made make_falling_with_bad_rows(void)
{
    unsigned char times[6 + 56] = {2, 0, 0, 0, 3, 0xEF}, doubles[64] = {0};
    const struct made_page time = {
        .type = PAGE_DATA, .values = 8, .bytes = times, .length = sizeof times};
    const struct made_page price = PLAIN_PAGE(doubles, 8, 64);
    struct bench bench = good();

    for (size_t i = 0; i < 7; i++)
        memcpy(times + 6 + i * 8, times8 + (6 - i) * 8, 8);
    doubles[2 * 8 + 7] = 0x7F;
    doubles[2 * 8 + 6] = 0xF8;
    bench.chunks[TIMESTAMP].repetition = REPETITION_OPTIONAL;
    bench.chunks[TIMESTAMP].pages = &time;
    bench.chunks[PRICE].physical = PHYSICAL_DOUBLE;
    bench.chunks[PRICE].pages = &price;
    return made_by_hand(bench.chunks, COLUMNS, 8);
}

/* Alone, and in turns with another group: what is held of a group is not the same then. */
static void bad_rows_of_a_group_in_no_order_are_skipped(void **state)
{
    static const uint64_t rows[] = {7, 6, 5, 3, 1, 0};
    struct made made = make_falling_with_bad_rows();
    const struct msim_parquet_bytes bytes = {.bytes = made.bytes, .length = made.length};
    const struct msim_parquet_bytes files[2] = {bytes, bytes};

    (void)state;
    for (size_t count = 1; count <= 2; count++) {
        struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;
        struct msim_parquet *parquet = NULL;
        struct msim_source source;
        struct msim_record records[16];
        size_t given = 0;
        params.skip_bad_rows = true;
        assert_int_equal(msim_parquet_open_memory(&parquet, &params, files, count, NULL), MSIM_OK);
        assert_int_equal(msim_parquet_source(&source, parquet, NULL, NULL), MSIM_OK);
        for (size_t i = 0; i < COUNT(rows) * count; i += given) {
            assert_int_equal(made_pull(&source, records + i, 16 - i, &given, NULL),
                             MSIM_PULL_RECORD);
            assert_true(i + given <= COUNT(rows) * count);
        }
        for (size_t i = 0; i < COUNT(rows) * count; i++)
            assert_int_equal(records[i].as.trade.row, rows[i / count] + i % count * 8);
        assert_int_equal(made_pull(&source, records, 1, &given, NULL), MSIM_PULL_END);
        assert_int_equal(msim_parquet_bad_rows(&source), 2 * count);
        msim_source_release(&source);
        msim_parquet_close(&parquet);
    }
    made_free(&made);
}

/* Two files, the second of which says that it begins later than it does. */
static void statistics_that_lie_are_found_out_and_can_be_ignored(void **state)
{
    static const unsigned char late[8] = {0x40, 0x1F}; /* 8000 ms */
    struct bench honest = good(), liar = good();
    struct msim_parquet_bytes bytes[2];
    struct msim_parquet *parquet = NULL;
    struct msim_source source;
    size_t count = 0;

    (void)state;
    liar.chunks[TIMESTAMP].min = (const char *)late;
    liar.chunks[TIMESTAMP].max = (const char *)late;
    struct made files[2] = {made_by_hand(honest.chunks, COLUMNS, 8),
                            made_by_hand(liar.chunks, COLUMNS, 8)};
    for (int i = 0; i < 2; i++)
        bytes[i] = (struct msim_parquet_bytes){.bytes = files[i].bytes, .length = files[i].length};

    assert_int_equal(msim_parquet_open_memory(&parquet, &honest.params, bytes, 2, NULL), MSIM_OK);
    assert_int_equal(msim_parquet_source(&source, parquet, NULL, NULL), MSIM_OK);
    assert_int_equal(made_pull(&source, honest.records, 64, &count, &honest.detail),
                     MSIM_PULL_RECORD);
    assert_int_equal(count, 8);
    assert_int_equal(made_pull(&source, honest.records, 64, &count, &honest.detail),
                     MSIM_ERR_FORMAT);
    assert_non_null(strstr(honest.detail.text,
                           "memory-1, row group 0: its statistics say "
                           "1970-01-01T00:00:08.000000Z to 1970-01-01T00:00:08.000000Z, and it has "
                           "a trade at 1970-01-01T00:00:01.000000Z, before what was given"));
    msim_source_release(&source);
    msim_parquet_close(&parquet);

    honest.params.ignore_statistics = true;
    assert_int_equal(msim_parquet_open_memory(&parquet, &honest.params, bytes, 2, NULL), MSIM_OK);
    assert_int_equal(msim_parquet_source(&source, parquet, NULL, NULL), MSIM_OK);
    assert_int_equal(made_pull(&source, honest.records, 64, &count, NULL), MSIM_PULL_RECORD);
    assert_int_equal(count, 16);
    for (size_t i = 0; i < 16; i++)
        assert_int_equal(honest.records[i].as.trade.row, i / 2 + i % 2 * 8);
    msim_source_release(&source);
    msim_parquet_close(&parquet);
    made_free(&files[0]);
    made_free(&files[1]);
}

/* One file that says of itself that it lies at 8 s; it begins at 1 s. */
static void a_group_is_not_left_out_on_the_word_of_its_statistics(void **state)
{
    static const unsigned char late[8] = {0x40, 0x1F}, later[8] = {0x41, 0x1F};
    static const unsigned char early[8] = {0xE8, 3};
    static const struct {
        const unsigned char *min;
        const unsigned char *max;
        msim_time from;
        msim_time to;
        int result;
        const char *words;
    } cases[] = {
        {late, later, 0, 8, MSIM_ERR_FORMAT, "a trade at 1970-01-01T00:00:01.000000Z: write"},
        {early, early, 2, 0, MSIM_ERR_FORMAT, "a trade at 1970-01-01T00:00:08.000000Z: write"},
        {early, late, 9, 0, MSIM_PULL_END, ""},
        {early, late, 0, 1, MSIM_PULL_END, ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bench bench = good();
        struct msim_parquet_source_params part = MSIM_PARQUET_SOURCE_PARAMS_INIT;
        struct msim_parquet *parquet = NULL;
        struct msim_source source;
        bench.chunks[TIMESTAMP].min = (const char *)cases[i].min;
        bench.chunks[TIMESTAMP].max = (const char *)cases[i].max;
        struct made made = made_by_hand(bench.chunks, COLUMNS, 8);
        struct msim_parquet_bytes bytes = {.bytes = made.bytes, .length = made.length};
        part.has_from = cases[i].from > 0;
        part.has_to = cases[i].to > 0;
        part.from = cases[i].from * MSIM_NS_PER_S;
        part.to = cases[i].to * MSIM_NS_PER_S;
        assert_int_equal(msim_parquet_open_memory(&parquet, &bench.params, &bytes, 1, NULL),
                         MSIM_OK);
        for (int again = 0; again < 2; again++) {
            assert_int_equal(msim_parquet_source(&source, parquet, &part, NULL), MSIM_OK);
            assert_int_equal(made_pull(&source, bench.records, 64, &bench.count, &bench.detail),
                             cases[i].result);
            assert_non_null(strstr(bench.detail.text, cases[i].words));
            msim_source_release(&source);
        }
        msim_parquet_close(&parquet);
        made_free(&made);
    }
}

static void encodings_that_the_footer_lists_are_refused_before_anything_is_read(void **state)
{
    struct bench bench = good();

    (void)state;
    bench.chunks[VOLUME].lists = ENCODING_ALP;
    assert_refuses(&bench, MSIM_ERR_UNSUPPORTED,
                   "row group 0, column volume: values in ALP (encoding 10)");
    bench.chunks[VOLUME].lists = ENCODING_RLE_DICTIONARY;
    assert_reads(&bench);
    bench.chunks[VOLUME].lists = 1000;
    assert_refuses(&bench, MSIM_ERR_UNSUPPORTED,
                   "column volume: values in an unknown encoding: write");
}

static void two_columns_of_one_name_are_refused(void **state)
{
    struct made_chunk chunks[COLUMNS + 1];
    struct bench bench = good();

    (void)state;
    memcpy(chunks, bench.chunks, sizeof bench.chunks);
    chunks[COLUMNS] = bench.chunks[PRICE];
    struct made made = made_by_hand(chunks, COLUMNS + 1, 8);
    assert_int_equal(made_read(&made, NULL, bench.records, 64, &bench.count, &bench.detail),
                     MSIM_ERR_FORMAT);
    assert_string_equal(bench.detail.text, "memory-0: two columns are called \"price\": write the "
                                           "file with names that differ");
    made_free(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_made_by_hand_reads),
        cmocka_unit_test(a_dictionary_may_fall_back_to_plain_inside_a_chunk),
        cmocka_unit_test(a_dictionary_offset_of_zero_is_none_named),
        cmocka_unit_test(levels_of_old_are_packed_from_the_highest_bit),
        cmocka_unit_test(version_2_keeps_levels_out_of_compression),
        cmocka_unit_test(empty_pages_and_pages_of_nulls_alone_are_read),
        cmocka_unit_test(a_compressed_page_without_values_may_have_no_bytes),
        cmocka_unit_test(every_type_of_number_is_made_exact),
        cmocka_unit_test(a_right_checksum_is_taken_and_a_wrong_one_refused),
#ifdef MSIM_HAVE_ZLIB
        cmocka_unit_test(several_gzip_members_are_one_page),
#endif
        cmocka_unit_test(what_is_not_read_is_refused_by_name),
        cmocka_unit_test(columns_of_a_wrong_type_are_refused_by_name),
        cmocka_unit_test(damaged_pages_are_refused_with_their_place),
        cmocka_unit_test(a_null_timestamp_is_refused_with_its_row_or_skipped),
        cmocka_unit_test(prices_that_are_no_numbers_are_refused_with_their_row_or_skipped),
        cmocka_unit_test(a_ticker_that_is_not_utf_8_is_refused_with_its_row_or_skipped),
        cmocka_unit_test(bad_rows_of_a_group_in_no_order_are_skipped),
        cmocka_unit_test(a_time_beyond_nanoseconds_is_refused_with_its_row),
        cmocka_unit_test(statistics_that_lie_are_found_out_and_can_be_ignored),
        cmocka_unit_test(a_group_is_not_left_out_on_the_word_of_its_statistics),
        cmocka_unit_test(encodings_that_the_footer_lists_are_refused_before_anything_is_read),
        cmocka_unit_test(two_columns_of_one_name_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
