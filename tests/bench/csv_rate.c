/*
 * How fast a table of trades is read and checked, and how fast it becomes the dashboard's rows.
 *
 *     csv-rate [RUNS]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "measure.h"
#include "server/dashboard/table.h"

/* No push has more. */
#define ROWS MSIM_TABLE_MAX_ROWS
#define PIECE 65536

static size_t write_rows(char *out, size_t size)
{
    static const char *const strategies[] = {"Breakout", "Mean reversion", "Momentum"};
    static const char *const symbols[] = {"AAPL", "MSFT", "BRK.B", "TSLA"};
    size_t length =
        (size_t)snprintf(out, size, "timestamp,symbol,side,quantity,price,profit_loss,strategy\n");

    for (size_t i = 0; i < ROWS - 1; i++)
        length += (size_t)snprintf(
            out + length, size - length,
            "2024-03-04T10:%02zu:%02zu.%06zu,%s,%s,%zu,%zu.%02zu,%s%zu.%zu,%s\n", i / 60 % 60,
            i % 60, i % 1000000, symbols[i % 4], i % 2 ? "BUY" : "SELL", 10 + i % 990,
            100 + i % 300, i % 100, i % 3 ? "" : "-", i % 500, i % 10, strategies[i % 3]);
    return length;
}

static int pass_over(void *context, const struct msim_csv *csv, const struct msim_csv_cell *cells)
{
    size_t *seen = context;

    (void)csv;
    *seen += cells[0].length;
    return MSIM_OK;
}

/* The parser alone: cells found, numbers checked. */
static double check_rate(const char *text, size_t length)
{
    struct msim_allocator allocator = msim_mem_allocator(NULL);
    struct msim_csv *csv = malloc(sizeof *csv);
    size_t seen = 0;
    const struct msim_csv_sink sink = {.row = pass_over, .context = &seen};

    if (!csv)
        exit(1);
    double start = measure_clock(CLOCK_THREAD_CPUTIME_ID);
    msim_csv_init(csv, &msim_table_schemas[MSIM_TABLE_TRADES], &sink, &allocator);
    int r = MSIM_OK;
    for (size_t at = 0; at < length && r >= 0; at += PIECE)
        r = msim_csv_feed(csv, text + at, length - at < PIECE ? length - at : PIECE);
    if (r >= 0)
        r = msim_csv_end(csv);
    double seconds = measure_clock(CLOCK_THREAD_CPUTIME_ID) - start;
    if (r < 0 || csv->rows != ROWS - 1 || seen == 0)
        exit(1);
    msim_csv_finish(csv);
    free(csv);
    return (double)length / seconds / 1e6;
}

/* To rows of JSON with all that the store asks for. */
static double table_rate(const char *text, size_t length)
{
    struct msim_allocator allocator = msim_mem_allocator(NULL);
    struct msim_table *table = msim_table_create(MSIM_TABLE_TRADES, &allocator);

    if (!table)
        exit(1);
    double start = measure_clock(CLOCK_THREAD_CPUTIME_ID);
    int r = msim_table_feed(table, text, length);
    if (r >= 0)
        r = msim_table_end(table);
    double seconds = measure_clock(CLOCK_THREAD_CPUTIME_ID) - start;
    if (r < 0 || table->row_count != ROWS - 1)
        exit(1);
    msim_table_destroy(&table);
    return (double)length / seconds / 1e6;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

int main(int argument_count, char **arguments)
{
    enum { MOST = 99 };
    size_t runs = argument_count > 1 ? strtoul(arguments[1], NULL, 10) : 9;
    size_t size = (size_t)ROWS * 128;
    char *text = malloc(size);
    double checks[MOST];
    double tables[MOST];

    if (!text || runs < 1 || runs > MOST)
        return 1;
    size_t length = write_rows(text, size);
    for (size_t i = 0; i < runs; i++) {
        checks[i] = check_rate(text, length);
        tables[i] = table_rate(text, length);
    }
    qsort(checks, runs, sizeof checks[0], by_size);
    qsort(tables, runs, sizeof tables[0], by_size);
    printf("%zu bytes: read and checked %.0f MB/s, as rows of the dashboard %.0f MB/s\n", length,
           checks[runs / 2], tables[runs / 2]);
    free(text);
    return 0;
}
