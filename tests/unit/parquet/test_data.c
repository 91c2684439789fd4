/*
 * Files that others made, from the folder that MSIM_TEST_DATA names: real trades,
 * and the format's own test files.  Without it the tests are skipped.
 */
#define _POSIX_C_SOURCE 200809L

#include "made.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/number.h"
#include "parquet/column.h"

static const char *folder(const char *name, char path[512])
{
    const char *data = getenv("MSIM_TEST_DATA");

    if (!data) {
        print_message("MSIM_TEST_DATA names no folder: skipped\n");
        skip();
    }
    snprintf(path, 512, "%s/%s", data, name);
    return path;
}

/* ---- real trades ---- */

struct totals {
    int result;
    uint64_t rows;
    msim_int128 prices;
    msim_int128 volumes;
    uint64_t order; /* sum of rank * row */
    struct msim_detail detail;
};

static struct totals read_trades(const char *file)
{
    char path[512], real[512];
    const char *name = path;
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;
    struct msim_parquet *parquet = NULL;
    struct msim_source source = {0};
    struct msim_record records[100];
    struct totals totals = {.rows = 0};
    msim_time last = INT64_MIN;
    size_t count;

    snprintf(path, sizeof path, "%.400s/%s", folder("real", real), file);
    params.paths = &name;
    params.path_count = 1;
    totals.result = msim_parquet_open(&parquet, &params, &totals.detail);
    if (totals.result < 0)
        return totals;
    assert_int_equal(msim_parquet_source(&source, parquet, NULL, NULL), MSIM_OK);
    while ((totals.result = made_pull(&source, records, COUNT(records), &count, &totals.detail)) ==
           MSIM_PULL_RECORD) {
        for (size_t i = 0; i < count; i++) {
            assert_true(records[i].time >= last);
            last = records[i].time;
            totals.order += totals.rows++ * records[i].as.trade.row;
            totals.prices += records[i].as.trade.price;
            totals.volumes += records[i].as.trade.quantity;
        }
    }
    msim_source_release(&source);
    msim_parquet_close(&parquet);
    return totals;
}

static void real_trades_come_in_order_whatever_the_files(void **state)
{
    (void)state;
    struct totals sorted = read_trades("binance_trades_seedfmt_sorted_zstd.parquet");
    struct totals arrival = read_trades("binance_trades_seedfmt_arrival_order_snappy.parquet");
    struct totals doubles = read_trades("binance_trades_float_full_snappy.parquet");

    assert_int_equal(sorted.result, MSIM_PULL_END);
    assert_int_equal(sorted.rows, 39852);
    assert_true(sorted.prices == INT64_C(2097776464500000000));
    assert_true(sorted.volumes == INT64_C(88157563270000));
    /* In a sorted file rank and row are one: the sum of squares. */
    assert_true(sorted.order == UINT64_C(21096614328426));
    assert_int_equal(arrival.result, MSIM_PULL_END);
    assert_int_equal(arrival.rows, 39852);
    assert_true(arrival.prices == sorted.prices && arrival.volumes == sorted.volumes);
    assert_true(arrival.order == UINT64_C(21096597630345));
    assert_int_equal(doubles.result, MSIM_PULL_END);
    assert_int_equal(doubles.rows, 39852);
}

static void real_trades_in_the_encodings_of_version_2_are_the_same(void **state)
{
    (void)state;
    struct totals sorted = read_trades("binance_trades_seedfmt_sorted_zstd.parquet");
    struct totals totals = read_trades("binance_trades_seedfmt_by_file_v2.parquet");

    assert_int_equal(totals.result, MSIM_PULL_END);
    assert_int_equal(totals.rows, sorted.rows);
    assert_true(totals.prices == sorted.prices && totals.volumes == sorted.volumes);
    assert_true(totals.order == UINT64_C(18676419649039));
}

/* ---- the format's own test files, column by column ---- */

struct tally {
    size_t files;
    size_t refused_files;
    size_t columns;
    size_t refused_columns;
};

static int read_column(struct msim_reader *reader, const struct msim_parquet_file *file,
                       const struct footer *footer, size_t leaf, struct msim_detail *detail)
{
    for (size_t group = 0; group < footer->group_count; group++) {
        struct msim_column column = {0};
        struct msim_span span = {.rows = 1};
        int64_t rows = 0;
        if (footer->groups[group].row_count == 0)
            continue; /* as every reader does: such a chunk may have no place */
        int r = msim_column_open(&column, reader, file, footer, group, leaf, detail);
        while (r >= 0 && span.rows > 0) {
            r = msim_column_read(&column, 1000, &span, detail);
            rows += (int64_t)span.rows;
        }
        msim_column_close(&column);
        if (r < 0)
            return r;
        assert_int_equal(rows, footer->groups[group].row_count);
    }
    return MSIM_OK;
}

static void assert_refusal(int r, const struct msim_detail *detail, const char *path)
{
    if (r != MSIM_ERR_UNSUPPORTED && r != MSIM_ERR_FORMAT)
        print_error("%d %s\n", r, detail->text);
    assert_true(r == MSIM_ERR_UNSUPPORTED || r == MSIM_ERR_FORMAT);
    assert_memory_equal(detail->text, path, strlen(path) < 200 ? strlen(path) : 200);
}

static void read_file(const char *path, struct tally *tally)
{
    struct msim_allocator system = msim_mem_allocator(NULL);
    struct msim_detail detail = {{0}};
    struct msim_parquet_pool pool = {.count = 0};
    struct msim_parquet_file file;
    struct msim_reader reader;
    struct footer footer;
    struct msim_crc crc;

    msim_crc_init(&crc);
    assert_int_equal(msim_parquet_file_open(&file, path, &pool, &system, NULL), MSIM_OK);
    tally->files++;
    int r = msim_footer_read(&footer, &file, &system, &detail);
    if (r < 0) {
        tally->refused_files++;
        assert_refusal(r, &detail, path);
        msim_parquet_file_close(&file);
        return;
    }
    msim_reader_init(&reader, &crc, &system);
    for (size_t leaf = 0; leaf < footer.leaf_count; leaf++) {
        if (!footer.leaves[leaf].flat)
            continue;
        tally->columns++;
        r = read_column(&reader, &file, &footer, leaf, &detail);
        if (r < 0) {
            tally->refused_columns++;
            assert_refusal(r, &detail, path);
        }
    }
    msim_reader_finish(&reader);
    msim_footer_finish(&footer);
    msim_parquet_file_close(&file);
}

static struct tally read_folder(const char *name)
{
    struct tally tally = {0};
    char path[512];
    DIR *files = opendir(folder(name, path));

    assert_non_null(files);
    for (struct dirent *entry; (entry = readdir(files));) {
        char inner[1024];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        read_file(inner, &tally);
    }
    closedir(files);
    print_message("%s: %zu files (%zu refused), %zu flat columns (%zu refused)\n", name,
                  tally.files, tally.refused_files, tally.columns, tally.refused_columns);
    return tally;
}

static void the_formats_own_files_are_read_or_refused(void **state)
{
    (void)state;
    struct tally tally = read_folder("parquet-testing/data");

    assert_int_equal(tally.refused_files, 0);
    /* Those of the file whose checksums are wrong on purpose. */
    assert_int_equal(tally.refused_columns, 2);
}

static void the_formats_bad_files_are_refused_or_read(void **state)
{
    (void)state;
    assert_true(read_folder("parquet-testing/bad_data").files > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_trades_come_in_order_whatever_the_files),
        cmocka_unit_test(real_trades_in_the_encodings_of_version_2_are_the_same),
        cmocka_unit_test(the_formats_own_files_are_read_or_refused),
        cmocka_unit_test(the_formats_bad_files_are_refused_or_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
