/*
 * A good file of eight rows, made by hand; a test changes a chunk of it.
 */
#ifndef TESTS_PARQUET_EIGHT_ROWS_H
#define TESTS_PARQUET_EIGHT_ROWS_H

#include "made.h"

/* ---- values as bytes ---- */

/* Eight numbers as eight little-endian bytes each: 1000 ms, 2000 ms, ... */
static const unsigned char times8[64] = {
    0xE8, 3,    0, 0, 0, 0, 0, 0, 0xD0, 7,    0, 0, 0, 0, 0, 0, 0xB8, 0x0B, 0, 0, 0, 0, 0, 0,
    0xA0, 0x0F, 0, 0, 0, 0, 0, 0, 0x88, 0x13, 0, 0, 0, 0, 0, 0, 0x70, 0x17, 0, 0, 0, 0, 0, 0,
    0x58, 0x1B, 0, 0, 0, 0, 0, 0, 0x40, 0x1F, 0, 0, 0, 0, 0, 0};
static const unsigned char numbers8[64] = {
    1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0,
    5, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0};
static const unsigned char texts8[] = "\1\0\0\0A\1\0\0\0B\1\0\0\0C\1\0\0\0D"
                                      "\1\0\0\0E\1\0\0\0F\1\0\0\0G\1\0\0\0H";
/* "AA", "BB" as a dictionary, and indexes of one bit: 0 1 0 1 1 0 0 1. */
static const unsigned char dictionary2[] = "\2\0\0\0AA\2\0\0\0BB";
static const unsigned char indexes8[] = {1, 3, 0x9A};

#define PLAIN_PAGE(data, n, of)                                            \
    {                                                                      \
        .type = PAGE_DATA, .values = (n), .bytes = (data), .length = (of), \
    }

static const struct made_page time_page = PLAIN_PAGE(times8, 8, 64);
static const struct made_page number_page = PLAIN_PAGE(numbers8, 8, 64);
static const struct made_page text_page = PLAIN_PAGE(texts8, 8, 40);

/* A good file of eight rows; a test changes a chunk of it. */
struct bench {
    struct made_chunk chunks[COLUMNS];
    struct msim_parquet_params params;
    struct msim_record records[64];
    size_t count;
    struct msim_detail detail;
};

static inline struct bench good(void)
{
    return (struct bench){
        .chunks =
            {
                [TIMESTAMP] = {.name = "timestamp",
                               .physical = PHYSICAL_INT64,
                               .converted = 10,
                               .pages = &time_page,
                               .page_count = 1},
                [PRICE] = {.name = "price",
                           .physical = PHYSICAL_INT64,
                           .pages = &number_page,
                           .page_count = 1},
                [VOLUME] = {.name = "volume",
                            .physical = PHYSICAL_INT64,
                            .pages = &number_page,
                            .page_count = 1},
                [TICKER] = {.name = "ticker",
                            .physical = PHYSICAL_BYTE_ARRAY,
                            .converted = 1,
                            .pages = &text_page,
                            .page_count = 1},
            },
        .params = MSIM_PARQUET_PARAMS_INIT,
    };
}

static inline int read_rows(struct bench *bench, int64_t rows)
{
    struct made made = made_by_hand(bench->chunks, COLUMNS, rows);
    int r = made_read(&made, &bench->params, bench->records, COUNT(bench->records), &bench->count,
                      &bench->detail);
    made_free(&made);
    return r;
}

static inline void assert_reads(struct bench *bench)
{
    int r = read_rows(bench, 8);
    if (r != MSIM_PULL_END)
        print_error("%s\n", bench->detail.text);
    assert_int_equal(r, MSIM_PULL_END);
    assert_int_equal(bench->count, 8);
    for (size_t i = 0; i < 8; i++)
        assert_true(bench->records[i].time == (int64_t)(i + 1) * MSIM_NS_PER_S);
}

/* Refused with these words, of which the place is a part. */
static inline void assert_refuses(struct bench *bench, int result, const char *words)
{
    int r = read_rows(bench, 8);

    if (r != result || !strstr(bench->detail.text, words))
        print_error("%d: %s\n", r, bench->detail.text);
    assert_int_equal(r, result);
    assert_non_null(strstr(bench->detail.text, words));
}

static inline void assert_prices(const struct bench *bench, const int64_t *prices)
{
    for (size_t i = 0; i < 8; i++) {
        const struct msim_record *record = &bench->records[i];
        bool missing = prices[i] < 0;
        assert_int_equal(record->flags & MSIM_RECORD_NO_PRICE, missing ? MSIM_RECORD_NO_PRICE : 0);
        assert_int_equal(record->as.trade.price, missing ? 0 : prices[i]);
    }
}

#endif
