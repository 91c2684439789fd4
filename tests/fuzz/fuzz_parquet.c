/*
 * Any bytes as a Parquet file of trades: refused in words or read in order, never
 * more rows than the footer says.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "parquet/dataset.h"

/* A few bytes can stand for any number of rows: that takes time and teaches nothing. */
#define ROWS_MAX 50000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition)
        abort();
}

static bool is_small(const uint8_t *data, size_t size)
{
    struct msim_allocator allocator = msim_mem_allocator(NULL);
    struct msim_parquet_file file;
    struct footer footer;

    must(msim_parquet_file_memory(&file, "small", data, size, &allocator) == MSIM_OK);
    bool small = msim_footer_read(&footer, &file, &allocator, NULL) < 0;
    if (!small) {
        small = footer.row_count <= ROWS_MAX;
        msim_footer_finish(&footer);
    }
    msim_parquet_file_close(&file);
    return small;
}

static void read_all(struct msim_parquet *parquet,
                     const struct msim_parquet_source_params *source_params)
{
    struct msim_parquet_info info;
    struct msim_source source = {0};
    struct msim_record records[64];
    struct msim_detail detail = {{0}};
    msim_time last = INT64_MIN;
    uint64_t rows = 0;
    size_t count = 0;
    int r;

    msim_parquet_info(parquet, &info);
    must(msim_parquet_source(&source, parquet, source_params, &detail) == MSIM_OK);
    do {
        r = msim_source_pull(&source, records, 64, &count, &detail);
        if (r != MSIM_PULL_RECORD)
            continue;
        for (size_t i = 0; i < count; i++, rows++) {
            must(records[i].time >= last && records[i].sequence == rows);
            must(records[i].as.trade.row < info.rows);
            if (!(records[i].flags & MSIM_RECORD_NO_SYMBOL))
                must(msim_source_symbol(&source, records[i].symbol, NULL) != NULL);
            last = records[i].time;
        }
    } while (r == MSIM_PULL_RECORD || r == MSIM_PULL_EMPTY);
    must(rows + msim_parquet_bad_rows(&source) <= info.rows);
    must(r == MSIM_PULL_END || strlen(detail.text) > 0);
    msim_source_release(&source);
}

/* Every byte of every further column is touched; columns may be damaged on their own. */
static void read_extras(struct msim_parquet *parquet)
{
    struct msim_parquet_source_params params = MSIM_PARQUET_SOURCE_PARAMS_INIT;
    struct msim_source source = {0};
    struct msim_record records[64];
    struct msim_extra values[32];
    struct msim_detail detail = {{0}};
    size_t count = 0, columns = 0;
    unsigned sum = 0;

    params.all_extra_columns = true;
    int r = msim_parquet_source(&source, parquet, &params, &detail);
    msim_source_extra_names(&source, &columns);
    while (r >= 0 && r != MSIM_PULL_END && columns > 0 && columns <= 32) {
        r = msim_source_pull(&source, records, 64, &count, &detail);
        for (size_t i = 0; r == MSIM_PULL_RECORD && i < count; i++) {
            must(msim_source_extras(&source, &records[i], values) == MSIM_OK);
            for (size_t column = 0; column < columns; column++)
                for (size_t at = 0; at < values[column].length; at++)
                    sum += (unsigned char)values[column].text[at];
        }
    }
    must(sum < UINT_MAX);
    must(r >= 0 || strlen(detail.text) > 0);
    msim_source_release(&source);
}

/* One of the ways to read a file: an input has one, so that each is as many inputs as may be. */
enum way {
    WAY_STRICT,
    WAY_LENIENT, /* leaves out bad rows, and believes no statistics */
    WAY_EXTRAS,
    WAY_PART, /* the later half of the tickers with a B, lenient */
    WAY_COUNT,
};

static enum way way_of(const uint8_t *data, size_t size)
{
    unsigned sum = 0;

    for (size_t i = 0; i < size; i++)
        sum += data[i];
    return sum % WAY_COUNT;
}

static void read_part(struct msim_parquet *parquet)
{
    struct msim_parquet_source_params part = MSIM_PARQUET_SOURCE_PARAMS_INIT;
    const char *tickers[] = {"*B*"};
    struct msim_parquet_info info;

    msim_parquet_info(parquet, &info);
    if (info.first == MSIM_TIME_NEVER || info.first >= info.last)
        return;
    part.has_from = true;
    part.from = info.first / 2 + info.last / 2;
    part.tickers = tickers;
    part.ticker_count = 1;
    read_all(parquet, &part);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* The folder has the ticker of what has no such column. */
    const struct msim_parquet_bytes bytes = {.bytes = data, .length = size, .name = "ticker=A/a"};
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;
    struct msim_parquet *parquet = NULL;
    struct msim_detail detail = {{0}};
    enum way way = way_of(data, size);

    if (!is_small(data, size))
        return 0;
    params.skip_bad_rows = params.ignore_statistics = way == WAY_LENIENT || way == WAY_PART;
    params.timestamp_unit = MSIM_NS_PER_MS;
    if (msim_parquet_open_memory(&parquet, &params, &bytes, 1, &detail) < 0) {
        must(strlen(detail.text) > 0);
        return 0;
    }
    if (way == WAY_EXTRAS)
        read_extras(parquet);
    else if (way == WAY_PART)
        read_part(parquet);
    else
        read_all(parquet, NULL);
    msim_parquet_close(&parquet);
    return 0;
}
