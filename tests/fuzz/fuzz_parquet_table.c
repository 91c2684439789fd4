/*
 * Any bytes as a Parquet file of any columns: refused in words, or every flat column read
 * as texts, as many rows as the footer says.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "parquet/table.h"

/* A few bytes can stand for any number of rows: that takes time and teaches nothing. */
#define ROWS_MAX 20000
#define COLUMNS_MAX 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition)
        abort();
}

static void read_column(struct msim_parquet_table *table, size_t column)
{
    struct msim_parquet_cell cell;
    struct msim_detail detail = {{0}};
    uint64_t rows = 0;
    volatile char last = 0;

    int r = msim_parquet_table_select(table, &column, 1, &detail);
    while (r >= 0 && (r = msim_parquet_table_row(table, &cell, &detail)) == MSIM_PULL_RECORD) {
        if (cell.length > 0)
            last = cell.text[cell.length - 1];
        rows++;
    }
    (void)last;
    must(r == MSIM_PULL_END ? rows == msim_parquet_table_rows(table) : strlen(detail.text) > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct msim_parquet_table *table = NULL;
    struct msim_parquet_field field;
    struct msim_parquet_chunk chunk;
    struct msim_detail detail = {{0}};

    if (msim_parquet_table_open_memory(&table, data, size, NULL, &detail) < 0) {
        must(strlen(detail.text) > 0);
        return 0;
    }
    size_t columns = msim_parquet_table_columns(table);
    for (size_t i = 0; i < columns && i < COLUMNS_MAX; i++) {
        must(msim_parquet_table_field(table, i, &field) == MSIM_OK);
        for (size_t group = 0; group < msim_parquet_table_groups(table) && group < 4; group++)
            must(msim_parquet_table_chunk(table, group, i, &chunk) == MSIM_OK);
        if (field.is_flat && msim_parquet_table_rows(table) <= ROWS_MAX)
            read_column(table, i);
    }
    msim_parquet_table_close(&table);
    return 0;
}
