/*
 * Rows that lie in columns made into records: what a streamed trade costs at last.
 *
 * There is one way in plain C, and one with AVX2 that turns four rows at a time, which is taken
 * where the machine that it runs on has it.  Both give the same (tests/unit/parquet/test_rows.c).
 */
#ifndef MSIM_PARQUET_ROWS_H
#define MSIM_PARQUET_ROWS_H

#include <marketsim/record.h>

/* Columns of `count` rows, each for row 0 on. */
struct msim_rows {
    const msim_time *times;
    const int64_t *prices;
    const int64_t *quantities;
    const uint32_t *symbols;
    const uint8_t *flags;
    const uint32_t *places; /* of each row behind first_row; NULL: one after another */
    uint64_t first_row;
    uint64_t sequence;             /* of row 0 */
    const int8_t *price_exponents; /* NULL: the one below */
    const int8_t *quantity_exponents;
    int8_t price_exponent;
    int8_t quantity_exponent;
};

void msim_rows_write(const struct msim_rows *rows, size_t count, struct msim_record *records);

/* The two ways, for the test; the vector one only where msim_unpack_has_vector. */
void msim_rows_write_plain(const struct msim_rows *rows, size_t from, size_t count,
                           struct msim_record *records);
void msim_rows_write_vector(const struct msim_rows *rows, size_t count,
                            struct msim_record *records);

#endif
