/*
 * The file system: what is found under a path, and files that come into being.
 */
#define _POSIX_C_SOURCE 200809L

#include "made.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/random.h"

struct folder {
    char path[64];
    char inner[192];
};

static int set_up(void **state)
{
    struct folder *folder = calloc(1, sizeof *folder);

    if (!folder)
        return -1;
    snprintf(folder->path, sizeof folder->path, "/tmp/msim-parquet-XXXXXX");
    *state = folder;
    return mkdtemp(folder->path) ? 0 : -1;
}

static const char *inside(struct folder *folder, const char *name)
{
    snprintf(folder->inner, sizeof folder->inner, "%s/%s", folder->path, name);
    return folder->inner;
}

static const char *const all_names[] = {
    "a.parquet",        "b.parquet",
    "_SUCCESS",         ".hidden.parquet",
    "note.txt",         "b.csv",
    "date=1/a.csv",     ".csv",
    "c.parquet",        "loop",
    "date=2/a.parquet", "date=2/hour=1/z.parquet",
    "date=1/b.parquet", "_temporary/a.parquet",
};
static const char *const all_folders[] = {"date=2/hour=1", "date=2", "date=1", "_temporary"};

static int tear_down(void **state)
{
    struct folder *folder = *state;

    for (size_t i = 0; i < COUNT(all_names); i++)
        unlink(inside(folder, all_names[i]));
    for (size_t i = 0; i < COUNT(all_folders); i++)
        rmdir(inside(folder, all_folders[i]));
    /* Fails where a test left a file that it should not have. */
    int r = rmdir(folder->path);
    free(folder);
    return r;
}

static void put_file(struct folder *folder, const char *name, const void *bytes, size_t length)
{
    FILE *file = fopen(inside(folder, name), "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static void put_trades(struct folder *folder, const char *name, int64_t time, const char *ticker)
{
    const struct row rows[] = {{time, 1, 2, ticker}};
    struct made made = made_trades(rows, 1, 0, MSIM_PARQUET_CODEC_NONE);

    put_file(folder, name, made.bytes, made.length);
    made_free(&made);
}

static int open_path(const char *path, struct msim_parquet **parquet, struct msim_detail *detail)
{
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;

    params.paths = &path;
    params.path_count = 1;
    return msim_parquet_open(parquet, &params, detail);
}

static void assert_refused(const char *path, int result, const char *words)
{
    struct msim_parquet *parquet = NULL;
    struct msim_detail detail = {{0}};

    assert_int_equal(open_path(path, &parquet, &detail), result);
    assert_null(parquet);
    if (strncmp(detail.text, path, strlen(path)) != 0 || !strstr(detail.text, words))
        print_error("%s\n", detail.text);
    assert_memory_equal(detail.text, path, strlen(path));
    assert_non_null(strstr(detail.text, words));
}

static void a_folder_is_its_parquet_files_by_name(void **state)
{
    struct folder *folder = *state;
    struct msim_parquet *parquet = NULL;
    struct msim_source source;
    struct msim_record records[8];
    size_t count = 0;

    put_trades(folder, "b.parquet", 5, "B");
    put_trades(folder, "a.parquet", 5, "A");
    put_trades(folder, "c.parquet", 1, "C");
    put_trades(folder, ".hidden.parquet", 5, "H");
    put_file(folder, "_SUCCESS", "", 0);
    put_file(folder, "note.txt", "x", 1);
    assert_int_equal(open_path(folder->path, &parquet, NULL), MSIM_OK);
    struct msim_parquet_info info;
    msim_parquet_info(parquet, &info);
    assert_int_equal(info.files, 3);
    assert_int_equal(info.rows, 3);
    assert_int_equal(msim_parquet_source(&source, parquet, NULL, NULL), MSIM_OK);
    assert_int_equal(made_pull(&source, records, 8, &count, NULL), MSIM_PULL_RECORD);
    assert_int_equal(count, 3);
    assert_string_equal(msim_source_symbol(&source, 0, NULL), "C");
    assert_string_equal(msim_source_symbol(&source, 1, NULL), "A");
    assert_string_equal(msim_source_symbol(&source, 2, NULL), "B");
    msim_source_release(&source);
    msim_parquet_close(&parquet);
    assert_null(parquet);
}

/* The tickers in their order, of trades at one time: the order of the files. */
static void assert_order(const char *path, const char *tickers)
{
    struct msim_parquet *parquet = NULL;
    struct msim_source source;
    struct msim_record records[16];
    struct msim_detail detail = {{0}};
    size_t count = 0;

    int r = open_path(path, &parquet, &detail);
    if (r < 0)
        print_error("%s\n", detail.text);
    assert_int_equal(r, MSIM_OK);
    assert_int_equal(msim_parquet_source(&source, parquet, NULL, NULL), MSIM_OK);
    assert_int_equal(made_pull(&source, records, 16, &count, NULL), MSIM_PULL_RECORD);
    assert_int_equal(count, strlen(tickers));
    for (size_t i = 0; i < count; i++)
        assert_int_equal(msim_source_symbol(&source, records[i].symbol, NULL)[0], tickers[i]);
    msim_source_release(&source);
    msim_parquet_close(&parquet);
}

static void put_tree(struct folder *folder)
{
    for (size_t i = COUNT(all_folders); i-- > 0;)
        assert_int_equal(mkdir(inside(folder, all_folders[i]), 0700), 0);
    put_trades(folder, "date=2/hour=1/z.parquet", 5, "D");
    put_trades(folder, "date=2/a.parquet", 5, "C");
    put_trades(folder, "date=1/b.parquet", 5, "B");
    put_trades(folder, "_temporary/a.parquet", 5, "X");
    put_trades(folder, "a.parquet", 5, "A");
    put_file(folder, "_SUCCESS", "", 0);
}

static void a_folder_is_all_that_is_in_it_by_path(void **state)
{
    struct folder *folder = *state;

    put_tree(folder);
    assert_order(folder->path, "ABCD");
    assert_int_equal(symlink("nowhere", inside(folder, "loop")), 0);
    assert_order(folder->path, "ABCD");
}

static void put_csv(struct folder *folder, const char *name, const char *ticker)
{
    char text[128];
    int length = snprintf(text, sizeof text,
                          "timestamp,price,volume,ticker\n1970-01-01 00:00:00,1,2,%s\n", ticker);

    put_file(folder, name, text, (size_t)length);
}

static void a_folder_without_parquet_is_its_csv_files_by_path(void **state)
{
    struct folder *folder = *state;

    for (size_t i = COUNT(all_folders); i-- > 0;)
        assert_int_equal(mkdir(inside(folder, all_folders[i]), 0700), 0);
    put_csv(folder, "b.csv", "A");
    put_csv(folder, "date=1/a.csv", "B");
    put_file(folder, ".csv", "x", 1);
    put_file(folder, "note.txt", "x", 1);
    assert_order(folder->path, "AB");
    put_trades(folder, "date=2/a.parquet", 5, "C");
    assert_order(folder->path, "C");
    assert_order(inside(folder, "date=*"), "BC");
}

static void a_folder_that_leads_back_into_itself_is_refused(void **state)
{
    struct folder *folder = *state;

    put_tree(folder);
    assert_int_equal(symlink(".", inside(folder, "loop")), 0);
    assert_refused(folder->path, MSIM_ERR_LIMIT, "a link that leads back?");
}

static void a_glob_is_what_it_matches_by_path(void **state)
{
    struct folder *folder = *state;

    put_tree(folder);
    assert_order(inside(folder, "date=*"), "BCD");
    assert_order(inside(folder, "date=*/*.parquet"), "BC");
    assert_order(inside(folder, "[a-c].parquet"), "A");
    assert_refused(inside(folder, "none-*.parquet"), MSIM_ERR_NOT_FOUND, "no file has such a name");
}

static void a_path_without_trades_is_refused_in_one_line(void **state)
{
    struct folder *folder = *state;
    struct msim_parquet_table *table = NULL;
    struct msim_detail detail;

    assert_refused(inside(folder, "none.parquet"), MSIM_ERR_NOT_FOUND, "no such file: check");
    assert_refused(folder->path, MSIM_ERR_NOT_FOUND,
                   "no *.parquet, *.csv or *.csv.gz file in this folder");
    put_file(folder, "a.parquet", "", 0);
    assert_refused(inside(folder, "a.parquet"), MSIM_ERR_FORMAT, "the file is empty (0 bytes)");
    put_file(folder, "a.parquet", "PAR1", 4);
    assert_refused(inside(folder, "a.parquet"), MSIM_ERR_FORMAT, "4 bytes are too few");
    put_file(folder, "a.parquet", "time,price,volume\n1,2,3\n", 24);
    assert_refused(inside(folder, "a.parquet"), MSIM_ERR_FORMAT, "does not begin with PAR1");
    put_file(folder, "a.csv", "timestamp,price,volume,ticker\n", 30);
    assert_int_equal(msim_parquet_table_open(&table, inside(folder, "a.csv"), NULL, &detail),
                     MSIM_ERR_FORMAT);
    assert_non_null(strstr(detail.text, "but CSV, as its name says"));
    unlink(inside(folder, "a.csv"));
    put_file(folder, "a.parquet", "PAR1 cut off here", 17);
    assert_refused(inside(folder, "a.parquet"), MSIM_ERR_FORMAT, "cut off");
    put_file(folder, "a.parquet", "PARE\1\2\3\4\5\6\7\1\0\0\0PARE", 19);
    assert_refused(inside(folder, "a.parquet"), MSIM_ERR_UNSUPPORTED, "encrypted");
    put_file(folder, "a.parquet", "PAR1\1\2\3\4\5\6\7\377\0\0\0PAR1", 19);
    assert_refused(inside(folder, "a.parquet"), MSIM_ERR_FORMAT, "a footer of 255 bytes");
    assert_refused("/dev/null", MSIM_ERR_INVALID, "is not a regular file");
}

static void a_missing_file_is_told_before_another_one_is_read(void **state)
{
    struct folder *folder = *state;
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;
    struct msim_parquet *parquet = NULL;
    struct msim_detail detail = {{0}};
    char damaged[192], absent[192];
    const char *const paths[] = {damaged, absent};

    put_file(folder, "a.csv", "timestamp,price,volume,ticker\nx,y,z,A\n", 38);
    memcpy(damaged, inside(folder, "a.csv"), sizeof damaged);
    memcpy(absent, inside(folder, "none.csv"), sizeof absent);
    params.paths = paths;
    params.path_count = 2;
    assert_int_equal(msim_parquet_open(&parquet, &params, &detail), MSIM_ERR_NOT_FOUND);
    assert_non_null(strstr(detail.text, "none.csv: no such file: check the path"));
    params.path_count = 1;
    assert_int_equal(msim_parquet_open(&parquet, &params, &detail), MSIM_ERR_FORMAT);
    assert_int_equal(unlink(damaged), 0);
}

static void a_missing_column_is_named_with_those_that_there_are(void **state)
{
    struct folder *folder = *state;
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;
    struct msim_parquet *parquet = NULL;
    struct msim_detail detail = {{0}};

    put_trades(folder, "a.parquet", 1, "A");
    const char *path = inside(folder, "a.parquet");
    params.paths = &path;
    params.path_count = 1;
    params.price_column = "px";
    assert_int_equal(msim_parquet_open(&parquet, &params, &detail), MSIM_ERR_NOT_FOUND);
    assert_non_null(strstr(detail.text, "no column \"px\"; it has \"timestamp\", \"price\", "
                                        "\"volume\", \"ticker\": name the one that holds the price "
                                        "(price_column, or --columns price=NAME)"));
    params.price_column = "volume";
    params.volume_column = "price";
    assert_int_equal(msim_parquet_open(&parquet, &params, &detail), MSIM_OK);
    struct msim_source source;
    struct msim_record record;
    size_t count = 0;
    assert_int_equal(msim_parquet_source(&source, parquet, NULL, NULL), MSIM_OK);
    assert_int_equal(made_pull(&source, &record, 1, &count, NULL), MSIM_PULL_RECORD);
    assert_int_equal(record.as.trade.price, 2);
    assert_int_equal(record.as.trade.quantity, 1);
    msim_source_release(&source);
    msim_parquet_close(&parquet);
}

static void what_is_no_request_is_refused(void **state)
{
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;
    struct msim_parquet_source_params part = MSIM_PARQUET_SOURCE_PARAMS_INIT;
    struct folder *folder = *state;
    struct msim_parquet *parquet = NULL;
    struct msim_source source = {0};
    const char *none = NULL;

    assert_int_equal(msim_parquet_open(&parquet, &params, NULL), MSIM_ERR_INVALID);
    assert_int_equal(msim_parquet_open(&parquet, NULL, NULL), MSIM_ERR_INVALID);
    params.paths = &none;
    params.path_count = 1;
    assert_int_equal(msim_parquet_open(&parquet, &params, NULL), MSIM_ERR_INVALID);
    params.size = 3;
    assert_int_equal(msim_parquet_open(&parquet, &params, NULL), MSIM_ERR_INVALID);
    msim_parquet_close(&parquet);
    msim_parquet_close(NULL);

    put_trades(folder, "a.parquet", 1, "A");
    assert_int_equal(open_path(folder->path, &parquet, NULL), MSIM_OK);
    assert_int_equal(msim_parquet_source(&source, NULL, NULL, NULL), MSIM_ERR_INVALID);
    part.from = 10;
    part.to = 10;
    part.has_from = part.has_to = true;
    assert_int_equal(msim_parquet_source(&source, parquet, &part, NULL), MSIM_ERR_INVALID);
    part.size = 0;
    assert_int_equal(msim_parquet_source(&source, parquet, &part, NULL), MSIM_ERR_INVALID);
    msim_parquet_close(&parquet);
}

static void a_file_that_shrinks_while_it_is_read_is_an_error(void **state)
{
    struct folder *folder = *state;
    struct row rows[3000];
    struct msim_parquet *parquet = NULL;
    struct msim_source source;
    struct msim_record records[64];
    struct msim_detail detail = {{0}};
    char expected[400];
    size_t count = 0;
    int r;

    for (size_t i = 0; i < COUNT(rows); i++)
        rows[i] = (struct row){.time = (int64_t)i, .price = 1, .volume = (int64_t)i, .ticker = "A"};
    struct made made = made_trades(rows, COUNT(rows), 1000, MSIM_PARQUET_CODEC_NONE);
    put_file(folder, "a.parquet", made.bytes, made.length);
    snprintf(expected, sizeof expected,
             "%s: changed while it was being read, from %zu bytes to 1000: wait until its writer "
             "is done, and start again",
             inside(folder, "a.parquet"), made.length);
    made_free(&made);
    assert_int_equal(open_path(inside(folder, "a.parquet"), &parquet, NULL), MSIM_OK);
    assert_int_equal(msim_parquet_source(&source, parquet, NULL, NULL), MSIM_OK);
    assert_int_equal(made_pull(&source, records, 64, &count, NULL), MSIM_PULL_RECORD);
    assert_int_equal(truncate(inside(folder, "a.parquet"), 1000), 0);
    while ((r = made_pull(&source, records, 64, &count, &detail)) == MSIM_PULL_RECORD)
        continue;
    assert_int_equal(r, MSIM_ERR_IO);
    assert_string_equal(detail.text, expected);
    msim_source_release(&source);
    msim_parquet_close(&parquet);
}

/* A file of many rows whose row groups are all over the time. */
static void put_shuffled(struct folder *folder, const char *name)
{
    enum { ROWS = 100000 };
    struct row *rows = calloc(ROWS, sizeof *rows);

    assert_non_null(rows);
    for (size_t i = 0; i < ROWS; i++)
        rows[i] = (struct row){.time = (int64_t)(msim_mix64(i) >> 20),
                               .price = (int64_t)(msim_mix64(i) >> 10),
                               .volume = (int64_t)(msim_mix64(i) & 0xFFFFFFFF),
                               .ticker = "A"};
    struct made made = made_trades(rows, ROWS, 5000, MSIM_PARQUET_CODEC_NONE);
    put_file(folder, name, made.bytes, made.length);
    made_free(&made);
    free(rows);
}

/* A limit on the sizes of files does what a disk without room does. */
static void a_folder_without_room_for_sorting_is_named_with_the_remedies(void **state)
{
    struct folder *folder = *state;
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;
    struct msim_parquet *parquet = NULL;
    struct msim_detail detail = {{0}};
    struct rlimit before, limit;
    char path[192], expected[400];
    const char *paths[] = {path};
    int r;

    put_shuffled(folder, "a.parquet");
    memcpy(path, inside(folder, "a.parquet"), sizeof path);
    params.paths = paths;
    params.path_count = 1;
    params.memory_bytes = 2 << 20;
    params.temp_directory = folder->path;
    assert_int_equal(msim_parquet_open(&parquet, &params, NULL), MSIM_OK);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = (struct rlimit){.rlim_cur = (1 << 20) + 5, .rlim_max = before.rlim_max};
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    do
        r = msim_parquet_prepare(parquet, 0, &detail);
    while (r == 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, handler);
    assert_int_equal(r, MSIM_ERR_IO);
    snprintf(expected, sizeof expected,
             "%s: no space left after 1 MiB of temporary files: make room, name another folder "
             "(temp_directory, --temp-dir), or raise memory (--memory)",
             folder->path);
    assert_string_equal(detail.text, expected);
    msim_parquet_close(&parquet);
}

static void more_files_than_may_be_open_are_read(void **state)
{
    enum { FILES = 2 * MSIM_PARQUET_OPEN_FILES + 5 };
    struct folder *folder = *state;
    struct msim_parquet *parquet = NULL;
    struct msim_source source;
    struct msim_record record;
    size_t count = 0;
    char name[32];

    /* All of them overlap: each is open from the first trade to the last. */
    for (int i = 0; i < FILES; i++) {
        const struct row rows[] = {{i, i, 0, "A"}, {FILES + i, i, 1, "A"}};
        struct made made = made_trades(rows, 2, 0, MSIM_PARQUET_CODEC_NONE);
        snprintf(name, sizeof name, "f%03d.parquet", i);
        put_file(folder, name, made.bytes, made.length);
        made_free(&made);
    }
    assert_int_equal(open_path(folder->path, &parquet, NULL), MSIM_OK);
    assert_int_equal(msim_parquet_source(&source, parquet, NULL, NULL), MSIM_OK);
    for (int i = 0; i < 2 * FILES; i++) {
        assert_int_equal(made_pull(&source, &record, 1, &count, NULL), MSIM_PULL_RECORD);
        assert_int_equal(record.time, i);
        assert_int_equal(record.as.trade.price, i % FILES);
    }
    assert_int_equal(made_pull(&source, &record, 1, &count, NULL), MSIM_PULL_END);
    msim_source_release(&source);
    msim_parquet_close(&parquet);
    for (int i = 0; i < FILES; i++) {
        snprintf(name, sizeof name, "f%03d.parquet", i);
        unlink(inside(folder, name));
    }
}

static void a_file_that_is_written_over_is_noticed_at_its_next_row_group(void **state)
{
    struct folder *folder = *state;
    struct row rows[4] = {{1, 1, 1, "A"}, {2, 2, 1, "A"}, {3, 3, 1, "A"}, {4, 4, 1, "A"}};
    struct msim_parquet *parquet = NULL;
    struct msim_source source;
    struct msim_record record;
    struct msim_detail detail = {{0}};
    const struct timespec moments[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    size_t count = 0;

    struct made made = made_trades(rows, 4, 2, MSIM_PARQUET_CODEC_NONE);
    put_file(folder, "a.parquet", made.bytes, made.length);
    assert_int_equal(open_path(inside(folder, "a.parquet"), &parquet, NULL), MSIM_OK);
    assert_int_equal(msim_parquet_source(&source, parquet, NULL, NULL), MSIM_OK);
    assert_int_equal(made_pull(&source, &record, 1, &count, NULL), MSIM_PULL_RECORD);
    /* The same bytes at another time. */
    put_file(folder, "a.parquet", made.bytes, made.length);
    assert_int_equal(utimensat(AT_FDCWD, inside(folder, "a.parquet"), moments, 0), 0);
    assert_int_equal(made_pull(&source, &record, 1, &count, NULL), MSIM_PULL_RECORD);
    assert_int_equal(made_pull(&source, &record, 1, &count, &detail), MSIM_ERR_IO);
    assert_non_null(strstr(detail.text, "changed while it was being read"));
    msim_source_release(&source);
    msim_parquet_close(&parquet);
    made_free(&made);
}

static void a_file_that_was_replaced_while_it_was_closed_is_refused_each_time(void **state)
{
    struct folder *folder = *state;
    struct msim_allocator system = msim_mem_allocator(NULL);
    struct msim_parquet_file file, others[MSIM_PARQUET_OPEN_FILES];
    struct msim_parquet_pool pool = {.count = 0};
    struct msim_detail detail = {{0}};
    char byte;

    put_file(folder, "a.parquet", "old", 3);
    put_file(folder, "b.parquet", "b", 1);
    assert_int_equal(
        msim_parquet_file_open(&file, inside(folder, "a.parquet"), &pool, &system, NULL), MSIM_OK);
    for (size_t i = 0; i < COUNT(others); i++)
        assert_int_equal(
            msim_parquet_file_open(&others[i], inside(folder, "b.parquet"), &pool, &system, NULL),
            MSIM_OK);
    put_file(folder, "c.parquet", "newer", 5);
    char from[192];
    memcpy(from, inside(folder, "c.parquet"), sizeof from);
    assert_int_equal(rename(from, inside(folder, "a.parquet")), 0);
    for (int again = 0; again < 2; again++) {
        assert_int_equal(msim_parquet_file_read(&file, 0, &byte, 1, &detail), MSIM_ERR_IO);
        assert_non_null(strstr(detail.text, "changed while it was being read"));
    }
    for (size_t i = 0; i < COUNT(others); i++)
        msim_parquet_file_close(&others[i]);
    msim_parquet_file_close(&file);
    assert_int_equal(pool.count, 0);
}

static void a_file_that_is_written_over_is_noticed_at_the_next_read(void **state)
{
    struct folder *folder = *state;
    struct msim_allocator system = msim_mem_allocator(NULL);
    const struct timespec moments[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    struct msim_parquet_pool pool = {.count = 0};
    struct msim_parquet_file file;
    char byte;

    put_file(folder, "a.parquet", "old", 3);
    assert_int_equal(
        msim_parquet_file_open(&file, inside(folder, "a.parquet"), &pool, &system, NULL), MSIM_OK);
    assert_int_equal(msim_parquet_file_read(&file, 0, &byte, 1, NULL), MSIM_OK);
    assert_int_equal(byte, 'o');
    put_file(folder, "a.parquet", "new", 3);
    assert_int_equal(utimensat(AT_FDCWD, inside(folder, "a.parquet"), moments, 0), 0);
    assert_int_equal(msim_parquet_file_read(&file, 0, &byte, 1, NULL), MSIM_ERR_IO);
    msim_parquet_file_close(&file);
}

static void a_folder_may_have_the_name_of_a_file(void **state)
{
    struct folder *folder = *state;

    assert_int_equal(mkdir(inside(folder, "c.parquet"), 0700), 0);
    put_trades(folder, "c.parquet/part-0.parquet", 5, "C");
    put_trades(folder, "a.parquet", 5, "A");
    assert_order(folder->path, "AC");
    assert_int_equal(unlink(inside(folder, "c.parquet/part-0.parquet")), 0);
    assert_int_equal(rmdir(inside(folder, "c.parquet")), 0);
}

/* ---- writing ---- */

static struct msim_parquet_writer *create(const char *path, int result)
{
    const struct msim_parquet_column column = {.name = "x", .type = MSIM_PARQUET_INT64};
    struct msim_parquet_writer_params params = MSIM_PARQUET_WRITER_PARAMS_INIT;
    struct msim_parquet_writer *writer = NULL;
    struct msim_detail detail = {{0}};

    params.path = path;
    params.columns = &column;
    params.column_count = 1;
    assert_int_equal(msim_parquet_writer_create(&writer, &params, &detail), result);
    if (result < 0)
        assert_memory_equal(detail.text, path, strlen(path));
    return writer;
}

static void a_written_file_appears_when_it_is_finished(void **state)
{
    struct folder *folder = *state;
    const struct msim_parquet_value value = {.integer = 1};
    struct stat status;

    put_file(folder, "a.parquet", "old", 3);
    struct msim_parquet_writer *writer = create(inside(folder, "a.parquet"), MSIM_OK);
    assert_int_equal(msim_parquet_writer_row(writer, &value, NULL), MSIM_OK);
    assert_int_equal(stat(folder->inner, &status), 0);
    assert_int_equal(status.st_size, 3);
    assert_int_equal(msim_parquet_writer_finish(writer, NULL), MSIM_OK);
    assert_int_equal(stat(folder->inner, &status), 0);
    assert_true(status.st_size > 100);
    msim_parquet_writer_destroy(&writer);
    assert_null(writer);
}

static void a_writer_that_does_not_finish_leaves_nothing_behind(void **state)
{
    struct folder *folder = *state;

    struct msim_parquet_writer *writer = create(inside(folder, "a.parquet"), MSIM_OK);
    msim_parquet_writer_destroy(&writer);
    assert_int_not_equal(access(folder->inner, F_OK), 0);
    /* That nothing else is there is what taking the folder away shows. */
}

static void a_path_that_cannot_be_written_is_refused(void **state)
{
    struct folder *folder = *state;

    assert_null(create(inside(folder, "none/a.parquet"), MSIM_ERR_IO));
}

/* A pipe with a name stands for a device, which a mistake here would lose. */
static void what_is_no_plain_file_is_not_written_over(void **state)
{
    struct folder *folder = *state;
    struct stat status;

    assert_int_equal(mkfifo(inside(folder, "a.parquet"), 0600), 0);
    assert_null(create(inside(folder, "a.parquet"), MSIM_ERR_INVALID));
    assert_int_equal(stat(inside(folder, "a.parquet"), &status), 0);
    assert_true(S_ISFIFO(status.st_mode));
    assert_int_equal(unlink(folder->inner), 0);
    assert_null(create(folder->path, MSIM_ERR_INVALID));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(a_folder_is_its_parquet_files_by_name),
        CASE(a_folder_is_all_that_is_in_it_by_path),
        CASE(a_folder_without_parquet_is_its_csv_files_by_path),
        CASE(a_folder_that_leads_back_into_itself_is_refused),
        CASE(a_glob_is_what_it_matches_by_path),
        CASE(a_path_without_trades_is_refused_in_one_line),
        CASE(a_missing_file_is_told_before_another_one_is_read),
        CASE(a_missing_column_is_named_with_those_that_there_are),
        CASE(what_is_no_request_is_refused),
        CASE(a_file_that_shrinks_while_it_is_read_is_an_error),
        CASE(a_folder_without_room_for_sorting_is_named_with_the_remedies),
        CASE(more_files_than_may_be_open_are_read),
        CASE(a_file_that_is_written_over_is_noticed_at_its_next_row_group),
        CASE(a_file_that_was_replaced_while_it_was_closed_is_refused_each_time),
        CASE(a_file_that_is_written_over_is_noticed_at_the_next_read),
        CASE(a_folder_may_have_the_name_of_a_file),
        CASE(a_written_file_appears_when_it_is_finished),
        CASE(a_writer_that_does_not_finish_leaves_nothing_behind),
        CASE(a_path_that_cannot_be_written_is_refused),
        CASE(what_is_no_plain_file_is_not_written_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
