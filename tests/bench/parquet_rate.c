/*
 * Trade files read by this library and by DuckDB in turn: how many million rows a second of
 * processor time, on one thread.
 *
 *     parquet-rate LIBDUCKDB ROUNDS scan|replay|codec MEMORY_MIB FOLDER FILE...
 *
 * LIBDUCKDB is the path of libduckdb.so (in npm's @duckdb/node-bindings-linux-x64), or "-" for
 * none.  A scan decodes four columns in the file's order, a replay gives the rows in order of
 * time.  MEMORY_MIB (0: the default) bounds both for a replay, which may use FOLDER.
 *
 * With `codec` nothing but the decompression of the same columns' pages is counted, by the
 * codec's own library into the same buffer: the floor of both.
 */
#define _POSIX_C_SOURCE 200809L

#include <dlfcn.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <marketsim/parquet.h>

#include "parquet/dataset.h"
#include "parquet/format.h"
#include "parquet/group.h"

#define BATCH 256
#define ROUNDS_MAX 25

static double processor_time(void)
{
    struct timespec time;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void fail(const char *words)
{
    fprintf(stderr, "parquet-rate: %s\n", words);
    exit(1);
}

/* ---- this library ---- */

struct settings {
    uint64_t memory;
    const char *folder;
};

static struct msim_parquet *open_file(const char *path, const struct settings *settings)
{
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;
    struct msim_parquet *parquet = NULL;
    struct msim_detail detail = {{0}};

    params.paths = &path;
    params.path_count = 1;
    params.memory_bytes = settings->memory;
    params.temp_directory = settings->folder;
    if (msim_parquet_open(&parquet, &params, &detail) < 0)
        fail(detail.text);
    return parquet;
}

static uint64_t scan_group(struct msim_parquet *parquet, struct msim_reader *reader, uint32_t rank,
                           struct batch *batch, msim_time *times)
{
    const struct trade_file *trades = msim_zone_file(parquet, rank);
    uint64_t count = parquet->zones[rank].rows;
    struct msim_column column = {0};
    struct msim_detail detail = {{0}};
    struct bad_row bad = {0};
    struct columns columns;
    struct group group;

    int r = msim_group_open(&group, parquet, reader, rank, &detail);
    if (r >= 0)
        r = msim_column_open(&column, reader, &trades->file, &trades->footer,
                             parquet->zones[rank].group, trades->leaves[FIELD_TIMESTAMP], &detail);
    columns = msim_group_columns(&group, batch);
    while (r >= 0 && group.row < count) {
        size_t rows = 0;
        r = msim_times_read(&column, MSIM_COLUMN_BATCH, group.row, times, batch->flags, &rows, &bad,
                            &detail);
        if (r >= 0)
            r = msim_group_read(&group, rows, &columns, 0, &bad, &detail);
    }
    msim_column_close(&column);
    msim_group_close(&group);
    if (r < 0)
        fail(detail.text);
    return count;
}

static uint64_t scan(const char *path, const struct settings *settings)
{
    static struct batch batch;
    static msim_time times[MSIM_COLUMN_BATCH];
    struct msim_parquet *parquet = open_file(path, settings);
    struct msim_reader reader;
    uint64_t rows = 0;

    msim_reader_init(&reader, &parquet->crc, &parquet->allocator);
    for (uint32_t rank = 0; rank < parquet->zone_count; rank++)
        rows += scan_group(parquet, &reader, rank, &batch, times);
    msim_reader_finish(&reader);
    msim_parquet_close(&parquet);
    return rows;
}

static uint64_t replay(const char *path, const struct settings *settings)
{
    struct msim_parquet *parquet = open_file(path, settings);
    struct msim_record records[BATCH];
    struct msim_detail detail = {{0}};
    struct msim_source source;
    uint64_t rows = 0;
    size_t count = 0;

    int r = msim_parquet_source(&source, parquet, NULL, &detail);
    while (r >= 0 && r != MSIM_PULL_END) {
        r = msim_source_pull(&source, records, BATCH, &count, &detail);
        rows += r == MSIM_PULL_RECORD ? count : 0;
    }
    if (r < 0)
        fail(detail.text);
    msim_source_release(&source);
    msim_parquet_close(&parquet);
    return rows;
}

/* ---- the codec alone ---- */

/* The seconds that the page takes once more, now that it is in the window. */
static double unpack_again(const struct msim_pages *pages, const struct page_head *head)
{
    static unsigned char room[4 << 20];
    size_t levels = 0;
    struct msim_detail detail = {{0}};

    if (head->type == PAGE_DATA_V2)
        levels = (size_t)head->definition_length + (size_t)head->repetition_length;
    size_t stored = (size_t)head->compressed_size - levels;
    size_t length = (size_t)head->uncompressed_size - levels;
    bool is_stored = head->type == PAGE_DATA_V2 && !head->is_compressed;
    if (pages->codec == CODEC_NONE || is_stored || length == 0)
        return 0;
    if (length > sizeof room)
        fail("a page of more than 4 MiB");
    double start = processor_time();
    if (msim_codec_decode(&pages->reader->codecs, pages->codec,
                          pages->window + pages->window_at - stored, stored, room, length,
                          &pages->place, &detail) < 0)
        fail(detail.text);
    return processor_time() - start;
}

static double unpack_group(const struct msim_parquet *parquet, struct msim_reader *reader,
                           uint32_t rank)
{
    const struct trade_file *trades = msim_zone_file(parquet, rank);
    struct msim_detail detail = {{0}};
    double seconds = 0;

    for (int field = 0; field < FIELD_COUNT; field++) {
        struct msim_pages pages;
        struct page_head head;
        struct page_body body;
        int64_t left = (int64_t)parquet->zones[rank].rows;
        int r = msim_pages_open(&pages, reader, &trades->file, &trades->footer,
                                parquet->zones[rank].group, trades->leaves[field], &detail);
        while (r >= 0 && left > 0 && (r = msim_pages_next(&pages, &head, &detail)) > 0) {
            left -= head.type == PAGE_DICTIONARY ? 0 : head.value_count;
            r = msim_pages_load(&pages, &head, &body, &detail);
            if (r >= 0)
                seconds += unpack_again(&pages, &head);
        }
        if (r < 0)
            fail(detail.text);
        msim_pages_close(&pages);
    }
    return seconds;
}

/* The rows, and in how many seconds their pages were decompressed. */
static uint64_t unpack(const char *path, const struct settings *settings, double *seconds)
{
    struct msim_parquet *parquet = open_file(path, settings);
    struct msim_reader reader;
    uint64_t rows = 0;

    *seconds = 0;
    msim_reader_init(&reader, &parquet->crc, &parquet->allocator);
    for (uint32_t rank = 0; rank < parquet->zone_count; rank++) {
        *seconds += unpack_group(parquet, &reader, rank);
        rows += parquet->zones[rank].rows;
    }
    msim_reader_finish(&reader);
    msim_parquet_close(&parquet);
    return rows;
}

/* ---- DuckDB, by its C API ---- */

struct duck_result {
    uint64_t unused[3];
    void *columns;
    char *words;
    void *inside;
};

struct duck {
    void *library;
    void *database;
    void *connection;
    int (*open)(const char *path, void **database);
    int (*connect)(void *database, void **connection);
    int (*query)(void *connection, const char *text, struct duck_result *result);
    int (*prepare)(void *connection, const char *text, void **statement);
    int (*stream)(void *statement, struct duck_result *result);
    void *(*fetch)(struct duck_result result);
    uint64_t (*size)(void *chunk);
    void (*destroy_chunk)(void **chunk);
    void (*destroy_result)(struct duck_result *result);
    void (*destroy_statement)(void **statement);
};

static void find(const struct duck *duck, const char *name, void *function)
{
    void *address = dlsym(duck->library, name);

    if (!address)
        fail(name);
    memcpy(function, &address, sizeof address);
}

static void tell(struct duck *duck, const char *text)
{
    struct duck_result result = {{0}, NULL, NULL, NULL};

    if (duck->query(duck->connection, text, &result) != 0)
        fail(text);
    duck->destroy_result(&result);
}

static void open_duck(struct duck *duck, const char *path, const struct settings *settings)
{
    char text[300];

    duck->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!duck->library)
        fail(dlerror());
    find(duck, "duckdb_open", &duck->open);
    find(duck, "duckdb_connect", &duck->connect);
    find(duck, "duckdb_query", &duck->query);
    find(duck, "duckdb_prepare", &duck->prepare);
    find(duck, "duckdb_execute_prepared_streaming", &duck->stream);
    find(duck, "duckdb_fetch_chunk", &duck->fetch);
    find(duck, "duckdb_data_chunk_get_size", &duck->size);
    find(duck, "duckdb_destroy_data_chunk", &duck->destroy_chunk);
    find(duck, "duckdb_destroy_result", &duck->destroy_result);
    find(duck, "duckdb_destroy_prepare", &duck->destroy_statement);
    if (duck->open(NULL, &duck->database) != 0 ||
        duck->connect(duck->database, &duck->connection) != 0)
        fail("DuckDB cannot be opened");
    tell(duck, "SET threads = 1");
    if (settings->memory > 0) {
        snprintf(text, sizeof text, "SET memory_limit = '%" PRIu64 "MB'", settings->memory >> 20);
        tell(duck, text);
        snprintf(text, sizeof text, "SET temp_directory = '%.200s'", settings->folder);
        tell(duck, text);
    }
}

static uint64_t ask_duck(struct duck *duck, const char *path, bool in_order)
{
    struct duck_result result = {{0}, NULL, NULL, NULL};
    void *statement = NULL;
    char text[1000];
    uint64_t rows = 0;

    snprintf(text, sizeof text,
             "SELECT timestamp, price, volume, ticker FROM read_parquet('%.800s'%s)%s", path,
             in_order ? ", file_row_number = true" : "",
             in_order ? " ORDER BY timestamp, file_row_number" : "");
    if (duck->prepare(duck->connection, text, &statement) != 0 ||
        duck->stream(statement, &result) != 0)
        fail(result.words ? result.words : text);
    for (void *chunk; (chunk = duck->fetch(result)) != NULL;) {
        rows += duck->size(chunk);
        duck->destroy_chunk(&chunk);
    }
    duck->destroy_result(&result);
    duck->destroy_statement(&statement);
    return rows;
}

/* ---- rounds ---- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, by_value);
    return values[count / 2];
}

static void compare(struct duck *duck, const char *path, int rounds, bool in_order,
                    const struct settings *settings)
{
    double ours[ROUNDS_MAX], theirs[ROUNDS_MAX];

    for (int i = 0; i < rounds; i++) {
        double start = processor_time();
        uint64_t rows = in_order ? replay(path, settings) : scan(path, settings);
        ours[i] = (double)rows / (processor_time() - start) / 1e6;
        theirs[i] = 0;
        if (!duck->library)
            continue;
        start = processor_time();
        if (ask_duck(duck, path, in_order) != rows)
            fail("DuckDB gives another number of rows");
        theirs[i] = (double)rows / (processor_time() - start) / 1e6;
    }
    const char *name = strrchr(path, '/');
    printf("%-40s %s: %6.1f million rows/s, DuckDB %5.1f\n", name ? name + 1 : path,
           in_order ? "replay" : "scan", median(ours, rounds), median(theirs, rounds));
}

static void tell_codec(const char *path, int rounds, const struct settings *settings)
{
    double each[ROUNDS_MAX];

    for (int i = 0; i < rounds; i++) {
        uint64_t rows = unpack(path, settings, &each[i]);
        each[i] *= 1e9 / (double)rows;
    }
    const char *name = strrchr(path, '/');
    printf("%-40s codec: %6.1f ns for each row\n", name ? name + 1 : path, median(each, rounds));
}

int main(int argument_count, char **arguments)
{
    struct duck duck = {0};

    if (argument_count < 7)
        fail("LIBDUCKDB ROUNDS scan|replay|codec MEMORY_MIB FOLDER FILE...");
    int rounds = atoi(arguments[2]);
    bool in_order = strcmp(arguments[3], "replay") == 0;
    bool is_codec = strcmp(arguments[3], "codec") == 0;
    const struct settings settings = {.memory = strtoull(arguments[4], NULL, 10) << 20,
                                      .folder = arguments[5]};
    if (rounds < 1 || rounds > ROUNDS_MAX)
        fail("1 to 25 rounds");
    for (int i = 6; is_codec && i < argument_count; i++)
        tell_codec(arguments[i], rounds, &settings);
    if (is_codec)
        return 0;
    if (strcmp(arguments[1], "-") != 0)
        open_duck(&duck, arguments[1], &settings);
    for (int i = 6; i < argument_count; i++)
        compare(&duck, arguments[i], rounds, in_order, &settings);
    return 0;
}
