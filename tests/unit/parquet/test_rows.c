#include "check.h"

#include <string.h>

#include "base/random.h"
#include "parquet/rows.h"
#include "parquet/unpack.h"

#define ROWS 70

/* Columns of dice. */
struct bench {
    msim_time times[ROWS];
    int64_t prices[ROWS];
    int64_t quantities[ROWS];
    uint32_t symbols[ROWS];
    uint32_t places[ROWS];
    uint8_t flags[ROWS];
    int8_t price_exponents[ROWS];
    int8_t quantity_exponents[ROWS];
    struct msim_rows rows;
};

static void fill(struct bench *bench, uint64_t seed)
{
    for (size_t i = 0; i < ROWS; i++) {
        uint64_t dice = msim_mix64(seed << 16 | i);
        bench->times[i] = (msim_time)msim_mix64(dice + 1);
        bench->prices[i] = (int64_t)msim_mix64(dice + 2);
        bench->quantities[i] = (int64_t)msim_mix64(dice + 3);
        bench->symbols[i] = (uint32_t)msim_mix64(dice + 4);
        bench->places[i] = (uint32_t)msim_mix64(dice + 5);
        bench->flags[i] = (uint8_t)(dice >> 8);
        bench->price_exponents[i] = (int8_t)(dice >> 16);
        bench->quantity_exponents[i] = (int8_t)(dice >> 24);
    }
    bench->rows = (struct msim_rows){
        .times = bench->times,
        .prices = bench->prices,
        .quantities = bench->quantities,
        .symbols = bench->symbols,
        .flags = bench->flags,
        .places = seed & 1 ? bench->places : NULL,
        .first_row = msim_mix64(seed),
        .sequence = msim_mix64(seed + 1),
        .price_exponents = seed & 2 ? bench->price_exponents : NULL,
        .quantity_exponents = seed & 4 ? bench->quantity_exponents : NULL,
        .price_exponent = (int8_t) - (int8_t)(seed % 19),
        .quantity_exponent = (int8_t) - (int8_t)(seed % 17),
    };
}

/* Field by field. */
static void assert_is_row(const struct bench *bench, size_t i, const struct msim_record *record)
{
    const struct msim_rows *rows = &bench->rows;

    assert_true(record->time == bench->times[i]);
    assert_true(record->sequence == rows->sequence + i);
    assert_int_equal(record->symbol, bench->symbols[i]);
    assert_int_equal(record->kind, MSIM_RECORD_TRADE);
    assert_int_equal(record->flags, bench->flags[i]);
    assert_int_equal(record->price_exponent,
                     rows->price_exponents ? bench->price_exponents[i] : rows->price_exponent);
    assert_int_equal(record->quantity_exponent, rows->quantity_exponents
                                                    ? bench->quantity_exponents[i]
                                                    : rows->quantity_exponent);
    assert_true(record->as.trade.price == bench->prices[i]);
    assert_true(record->as.trade.quantity == bench->quantities[i]);
    assert_true(record->as.trade.row == rows->first_row + (rows->places ? bench->places[i] : i));
    assert_int_equal(record->as.trade.id, 0);
    assert_int_equal(record->as.trade.side, MSIM_SIDE_NONE);
    for (size_t k = 0; k < sizeof record->as.trade.reserved; k++)
        assert_int_equal(record->as.trade.reserved[k], 0);
}

static void assert_are_rows(const struct bench *bench, size_t count,
                            const struct msim_record *records)
{
    const unsigned char *rest = (const unsigned char *)&records[count];

    for (size_t i = 0; i < count; i++)
        assert_is_row(bench, i, &records[i]);
    /* Nothing behind them is written. */
    for (size_t i = 0; i < (ROWS + 1 - count) * sizeof *records; i++)
        assert_int_equal(rest[i], 0xAA);
}

static void every_way_makes_the_same_records(void **state)
{
    (void)state;
    if (!msim_unpack_has_vector())
        print_message("without AVX2 there is one way alone\n");
    for (uint64_t seed = 0; seed < 64; seed++) {
        struct msim_record records[ROWS + 1];
        struct bench bench;
        size_t count = seed < 12 ? seed : msim_mix64(seed) % (ROWS + 1);
        fill(&bench, seed);
        memset(records, 0xAA, sizeof records);
        msim_rows_write_plain(&bench.rows, 0, count, records);
        assert_are_rows(&bench, count, records);
        memset(records, 0xAA, sizeof records);
        msim_rows_write(&bench.rows, count, records);
        assert_are_rows(&bench, count, records);
        if (!msim_unpack_has_vector())
            continue;
        memset(records, 0xAA, sizeof records);
        msim_rows_write_vector(&bench.rows, count, records);
        assert_are_rows(&bench, count, records);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_way_makes_the_same_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
