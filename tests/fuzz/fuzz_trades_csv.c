/*
 * Any bytes as a CSV file of trades: refused in words or read in order of time, never more
 * trades than lines.
 */
#include <stdlib.h>
#include <string.h>

#include "parquet/dataset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void read_all(struct msim_parquet *parquet)
{
    struct msim_parquet_source_params params = MSIM_PARQUET_SOURCE_PARAMS_INIT;
    struct msim_parquet_info info;
    struct msim_source source = {0};
    struct msim_record records[64];
    struct msim_extra values[64];
    msim_time last = INT64_MIN;
    uint64_t rows = 0;
    size_t count = 0, columns = 0;
    int r;

    params.all_extra_columns = true;
    must(msim_parquet_source(&source, parquet, &params, NULL) == MSIM_OK);
    msim_source_extra_names(&source, &columns);
    do {
        r = msim_source_pull(&source, records, 64, &count, NULL);
        for (size_t i = 0; r == MSIM_PULL_RECORD && i < count; i++, rows++) {
            must(records[i].time >= last);
            last = records[i].time;
            must(columns == 0 || msim_source_extras(&source, &records[i], values) == MSIM_OK);
            if (!(records[i].flags & MSIM_RECORD_NO_SYMBOL))
                must(msim_source_symbol(&source, records[i].symbol, NULL) != NULL);
        }
    } while (r == MSIM_PULL_RECORD || r == MSIM_PULL_EMPTY);
    msim_parquet_info(parquet, &info);
    must(r == MSIM_PULL_END && rows == info.rows);
    msim_source_release(&source);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* The folder has the ticker of what has no such column. */
    const struct msim_parquet_bytes bytes = {
        .bytes = data, .length = size, .name = "ticker=A/fuzz.csv"};

    if (size >= 3 && memcmp(data, "PAR", 3) == 0)
        return 0;
    for (int lenient = 0; lenient < 2; lenient++) {
        struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;
        struct msim_parquet *parquet = NULL;
        struct msim_detail detail = {{0}};
        params.skip_bad_rows = lenient;
        params.timestamp_unit = lenient ? MSIM_NS_PER_MS : 0;
        /* What a few compressed bytes stand for must not become long. */
        params.memory_bytes = 64 << 20;
        if (msim_parquet_open_memory(&parquet, &params, &bytes, 1, &detail) < 0) {
            must(strlen(detail.text) > 0);
            continue;
        }
        read_all(parquet);
        msim_parquet_close(&parquet);
    }
    return 0;
}
