/*
 * Reads trade files to their end and prints what a manifest of them says: rows,
 * sums, and a checksum of the order; and how long it took.
 *
 *     parquet-check [--repeat N] [--rate] [--skip-bad-rows] [--ignore-statistics]
 *                   [--memory MIB] [--temp-dir FOLDER] [--sources N] [--decode-thread]
 *                   [--json]
 *                   [--timestamp-unit NANOSECONDS] [--columns TIMESTAMP PRICE VOLUME TICKER]
 *                   FILE...
 *
 * With --rate the rows are counted alone, which leaves the time to the reader; with --json
 * each is encoded as well, which takes a caller's time.
 */
#define _POSIX_C_SOURCE 200809L

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <marketsim/codec.h>
#include <marketsim/parquet.h>

#include "base/number.h"
#include "measure.h"

#define BATCH 1024
/* The order's checksum: the sum of (rank % PRIME) * (row % PRIME). */
#define PRIME 1000003

struct totals {
    uint64_t rows;
    msim_int128 prices;
    msim_int128 volumes;
    msim_uint128 order;
    uint64_t late;
    bool counts_alone;
    bool has_json;
    uint64_t json_bytes;
    msim_time first;
    msim_time last;
};

static void print_wide(const char *name, msim_int128 value)
{
    char digits[48];
    size_t at = sizeof digits - 1;
    msim_uint128 rest = value < 0 ? (msim_uint128)-value : (msim_uint128)value;

    digits[at] = '\0';
    do {
        digits[--at] = (char)('0' + (int)(rest % 10));
        rest /= 10;
    } while (rest > 0);
    printf(" %s=%s%s", name, value < 0 ? "-" : "", digits + at);
}

static void add(struct totals *totals, const struct msim_record *record)
{
    if (totals->rows == 0)
        totals->first = record->time;
    else if (record->time < totals->last)
        totals->late++;
    totals->last = record->time;
    totals->order += (msim_uint128)(totals->rows % PRIME) * (record->as.trade.row % PRIME);
    totals->prices += record->as.trade.price;
    totals->volumes += record->as.trade.quantity;
    totals->rows++;
}

static int encode(struct totals *totals, struct msim_replay_encoder *encoder,
                  const struct msim_record *records, size_t count)
{
    char text[1024];
    int r = MSIM_OK;

    for (size_t i = 0; i < count && r >= 0; i++) {
        size_t length = 0;
        r = msim_replay_encode(encoder, &records[i], text, sizeof text, &length);
        totals->json_bytes += length;
    }
    return r;
}

static int run(const struct msim_parquet_params *params, struct totals *totals, double *opened,
               double *first, double *done, struct msim_parquet_info *info,
               struct msim_detail *detail)
{
    struct msim_record records[BATCH];
    struct msim_parquet *parquet = NULL;
    struct msim_replay_encoder *encoder = NULL;
    struct msim_source source = {0};
    double start = measure_wall();
    size_t count;

    int r = msim_parquet_open(&parquet, params, detail);
    if (r < 0)
        return r;
    *opened = measure_wall() - start;
    r = msim_parquet_source(&source, parquet, NULL, detail);
    if (r >= 0)
        r = msim_replay_encoder_create(&encoder, &source, NULL);
    while (r >= 0 && r != MSIM_PULL_END) {
        r = msim_source_pull(&source, records, BATCH, &count, detail);
        if (r != MSIM_PULL_RECORD)
            continue;
        if (totals->rows == 0)
            *first = measure_wall() - start;
        for (size_t i = 0; i < count && !totals->counts_alone; i++)
            add(totals, &records[i]);
        totals->rows += totals->counts_alone ? count : 0;
        if (totals->has_json)
            r = encode(totals, encoder, records, count) < 0 ? MSIM_ERR_INVALID : r;
    }
    *done = measure_wall() - start;
    msim_replay_encoder_destroy(&encoder);
    msim_source_release(&source);
    msim_parquet_info(parquet, info);
    msim_parquet_close(&parquet);
    return r;
}

/* The process's largest resident memory so far, in KiB. */
static long peak_memory(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

int main(int argument_count, char **arguments)
{
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;
    bool counts_alone = false;
    bool has_json = false;
    int repeat = 1;
    int at = 1;

    for (; at < argument_count && strncmp(arguments[at], "--", 2) == 0; at++) {
        if (strcmp(arguments[at], "--repeat") == 0 && at + 1 < argument_count)
            repeat = atoi(arguments[++at]);
        else if (strcmp(arguments[at], "--rate") == 0)
            counts_alone = true;
        else if (strcmp(arguments[at], "--skip-bad-rows") == 0)
            params.skip_bad_rows = true;
        else if (strcmp(arguments[at], "--ignore-statistics") == 0)
            params.ignore_statistics = true;
        else if (strcmp(arguments[at], "--json") == 0)
            has_json = true;
        else if (strcmp(arguments[at], "--decode-thread") == 0)
            params.decode_thread = true;
        else if (strcmp(arguments[at], "--timestamp-unit") == 0 && at + 1 < argument_count)
            params.timestamp_unit = strtoll(arguments[++at], NULL, 10);
        else if (strcmp(arguments[at], "--memory") == 0 && at + 1 < argument_count)
            params.memory_bytes = strtoull(arguments[++at], NULL, 10) << 20;
        else if (strcmp(arguments[at], "--temp-dir") == 0 && at + 1 < argument_count)
            params.temp_directory = arguments[++at];
        else if (strcmp(arguments[at], "--sources") == 0 && at + 1 < argument_count)
            params.sources = (uint32_t)strtoul(arguments[++at], NULL, 10);
        else if (strcmp(arguments[at], "--columns") == 0 && at + 4 < argument_count) {
            params.timestamp_column = arguments[++at];
            params.price_column = arguments[++at];
            params.volume_column = arguments[++at];
            params.ticker_column = arguments[++at];
        }
    }
    params.paths = (const char *const *)(arguments + at);
    params.path_count = (size_t)(argument_count - at);
    for (int i = 0; i < repeat; i++) {
        struct totals totals = {.counts_alone = counts_alone, .has_json = has_json};
        struct msim_detail detail = {{0}};
        double opened = 0, first = 0, done = 0;
        struct msim_parquet_info info = {0};
        int r = run(&params, &totals, &opened, &first, &done, &info, &detail);
        if (r < 0) {
            printf("%s after %" PRIu64 " rows: %s\n", msim_result_name(r), totals.rows,
                   detail.text);
            return 1;
        }
        printf("rows=%" PRIu64, totals.rows);
        print_wide("price", totals.prices);
        print_wide("volume", totals.volumes);
        print_wide("order", (msim_int128)totals.order);
        printf(" late=%" PRIu64 " spilled=%" PRIu64 " on_disk=%" PRIu64 " peak=%ldKiB open=%.3fms"
               " first=%.3fms total=%.3fms rate=%.2fM/s\n",
               totals.late, info.spilled_rows, info.spilled_bytes, peak_memory(), opened * 1e3,
               first * 1e3, done * 1e3, (double)totals.rows / done / 1e6);
    }
    return 0;
}
