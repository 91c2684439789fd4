#include "parquet/dataset.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/detail.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/number.h"
#include "parquet/ahead.h"
#include "parquet/bits.h"
#include "parquet/csv_file.h"
#include "parquet/decode.h"
#include "parquet/extra_store.h"
#include "parquet/large.h"
#include "parquet/late.h"
#include "parquet/paths.h"
#include "parquet/plan.h"
#include "parquet/scan.h"
#include "parquet/spill.h"
#include "parquet/spool.h"
#include "parquet/values.h"

/* What is read of CSV files and streams stays in memory up to this part of what may be taken... */
#define SPOOLED_PART 8
/* ... and a row group of it takes this part, several times over while it is made, or this much. */
#define SPOOLED_GROUP_PART 16
#define SPOOLED_GROUP_BYTES ((size_t)64 << 20)
#define SPOOLED_GROUP_LEAST ((size_t)64 << 10)

/* What a data set may take where its user names no other bound. */
#define MEMORY_DEFAULT ((size_t)1 << 30)
/* The bound on row groups of a data set: their ranks are 32 bits. */
#define ZONES_LIMIT ((size_t)UINT32_MAX - 1)

const char *const msim_usual_names[FIELD_COUNT] = {
    [FIELD_TIMESTAMP] = "timestamp",
    [FIELD_PRICE] = "price",
    [FIELD_VOLUME] = "volume",
    [FIELD_TICKER] = "ticker",
};

const char msim_ticker_remedy[] = ", or the ticker of all its rows (ticker_name, or --columns "
                                  "ticker==NAME, NAME==FILE, or a folder ticker=NAME)";

/* ---- columns ---- */

/* "a", "b", "c": the names that there are, as far as they go. */
static void list_columns(const struct footer *footer, char *text, size_t size)
{
    size_t at = 0;

    text[0] = '\0';
    for (size_t i = 0; i < footer->leaf_count; i++) {
        if (!footer->leaves[i].flat)
            continue;
        int length =
            snprintf(text + at, size - at, "%s\"%s\"", at > 0 ? ", " : "", footer->leaves[i].name);
        if (length < 0 || (size_t)length >= size - at) {
            snprintf(text + at, size - at, "%s", size - at > 4 ? ", ..." : "");
            return;
        }
        at += (size_t)length;
    }
    if (at == 0)
        snprintf(text, size, "no flat column");
}

int msim_trade_file_refuse_twins(const struct trade_file *trades, const char *name,
                                 struct msim_detail *detail)
{
    return msim_detail_set(detail, MSIM_ERR_FORMAT,
                           "%.200s: two columns are called \"%.40s\": write the file with names "
                           "that differ",
                           trades->file.path, name);
}

static int find_column(struct trade_file *trades, enum trade_field field, const char *name,
                       struct msim_detail *detail)
{
    char columns[200];

    int r = msim_footer_find(&trades->footer, name, &trades->leaves[field]);
    if (r >= 0)
        return MSIM_OK;
    if (r == MSIM_ERR_EXISTS)
        return msim_trade_file_refuse_twins(trades, name, detail);
    list_columns(&trades->footer, columns, sizeof columns);
    return msim_detail_set(detail, MSIM_ERR_NOT_FOUND,
                           "%.200s: no column \"%.40s\"; it has %s: name the one that holds the "
                           "%s (%s_column, or --columns %s=NAME)%s",
                           trades->file.path, name, columns, msim_usual_names[field],
                           msim_usual_names[field], msim_usual_names[field],
                           field == FIELD_TICKER ? msim_ticker_remedy : "");
}

static int check_columns(struct trade_file *trades, const struct msim_parquet_params *params,
                         struct msim_detail *detail)
{
    struct leaf *leaves = trades->footer.leaves;
    int r = MSIM_OK;

    for (int field = 0; field < FIELD_COUNT && r >= 0; field++) {
        if (!msim_trade_file_has(trades, (enum trade_field)field))
            continue;
        struct leaf *leaf = &leaves[trades->leaves[field]];
        struct place place = {
            .file = trades->file.path, .column = leaf->name, .group = -1, .page = -1};
        if (field == FIELD_TIMESTAMP)
            r = msim_times_check(leaf, params->timestamp_unit, &place, detail);
        else if (field == FIELD_TICKER)
            r = msim_name_column_check(leaf, &place, detail);
        else
            r = msim_numbers_check(leaf, &place, detail);
    }
    return r;
}

/* By its user's word, or by a folder where it has no column: then one for all its rows. */
static int name_ticker(struct trade_file *trades, const struct msim_parquet_params *params,
                       const struct msim_allocator *allocator, struct msim_detail *detail)
{
    const char *column =
        params->ticker_column ? params->ticker_column : msim_usual_names[FIELD_TICKER];
    struct ticker_name name;
    size_t leaf;
    int r = 1;

    if (params->ticker_name)
        r = msim_ticker_name_set(&name, params->ticker_name, detail);
    else if (msim_footer_find(&trades->footer, column, &leaf) == MSIM_ERR_NOT_FOUND)
        r = msim_ticker_name_of_path(&name, trades->file.path, column, detail);
    else
        return MSIM_OK;
    if (r < 0 || (r == 0 && !params->ticker_name))
        return r;
    trades->ticker = msim_mem_take(allocator, sizeof *trades->ticker);
    if (!trades->ticker)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "%s", msim_result_text(MSIM_ERR_NOMEM));
    *trades->ticker = name;
    return MSIM_OK;
}

static int map_columns(struct trade_file *trades, const struct msim_parquet_params *params,
                       struct msim_detail *detail)
{
    const char *const chosen[FIELD_COUNT] = {
        [FIELD_TIMESTAMP] = params->timestamp_column,
        [FIELD_PRICE] = params->price_column,
        [FIELD_VOLUME] = params->volume_column,
        [FIELD_TICKER] = params->ticker_column,
    };

    for (int field = 0; field < FIELD_COUNT; field++) {
        if (!msim_trade_file_has(trades, (enum trade_field)field))
            continue;
        const char *name = chosen[field] ? chosen[field] : msim_usual_names[field];
        int r = find_column(trades, (enum trade_field)field, name, detail);
        if (r < 0)
            return r;
    }
    return check_columns(trades, params, detail);
}

int msim_trade_file_check(const struct trade_file *trades, size_t leaf, struct msim_detail *detail)
{
    for (size_t group = 0; group < trades->footer.group_count; group++) {
        if (trades->footer.groups[group].row_count == 0)
            continue;
        struct msim_reader reader = {0};
        struct msim_pages pages;
        int r =
            msim_pages_open(&pages, &reader, &trades->file, &trades->footer, group, leaf, detail);
        if (r >= 0)
            r = msim_decode_check(msim_footer_chunk(&trades->footer, group, leaf), &pages.place,
                                  detail);
        if (r < 0)
            return r;
    }
    return MSIM_OK;
}

/* ---- files ---- */

/* Room for a file more. */
static int make_room(struct msim_parquet *parquet, struct msim_detail *detail)
{
    void *files = parquet->files;
    int r = msim_mem_grow(&parquet->allocator, &files, &parquet->file_capacity,
                          sizeof *parquet->files, parquet->file_count + 1, UINT32_MAX);
    if (r < 0)
        return msim_detail_set(detail, r, "%s", msim_result_text(r));
    parquet->files = files;
    return MSIM_OK;
}

/* The file is open; it stays so where it belongs to the data set in the end. */
static int add_parquet(struct msim_parquet *parquet, struct msim_parquet_file *file,
                       const struct msim_parquet_params *params, struct msim_detail *detail)
{
    struct trade_file *trades = &parquet->files[parquet->file_count];
    *trades = (struct trade_file){.file = *file};
    int r = msim_footer_read(&trades->footer, &trades->file, &parquet->allocator, detail);
    if (r < 0) {
        msim_parquet_file_close(&trades->file);
        return r;
    }
    parquet->file_count++;
    r = name_ticker(trades, params, &parquet->allocator, detail);
    if (r >= 0)
        r = map_columns(trades, params, detail);
    for (int field = 0; field < FIELD_COUNT && r >= 0; field++)
        if (msim_trade_file_has(trades, (enum trade_field)field))
            r = msim_trade_file_check(trades, trades->leaves[field], detail);
    return r;
}

static int add_csv(struct msim_parquet *parquet, struct msim_parquet_file *file,
                   const struct msim_parquet_params *params, struct msim_detail *detail)
{
    int r = msim_csv_file_read(&parquet->files[parquet->file_count], file, params,
                               &parquet->spooled, &parquet->allocator, detail);

    msim_parquet_file_close(file);
    if (r < 0)
        return r;
    parquet->left_out += parquet->files[parquet->file_count].left_out;
    parquet->file_count++;
    return MSIM_OK;
}

/* Takes the opened file over, also when it fails. */
static int take_file(struct msim_parquet *parquet, struct msim_parquet_file *file,
                     const struct msim_parquet_params *params, struct msim_detail *detail)
{
    bool is_csv = false;

    int r = make_room(parquet, detail);
    if (r >= 0)
        r = msim_csv_file_is(file, &is_csv, detail);
    if (r < 0) {
        msim_parquet_file_close(file);
        return r;
    }
    return is_csv ? add_csv(parquet, file, params, detail)
                  : add_parquet(parquet, file, params, detail);
}

/* What the paths stand for; those of path `i` end before `ends[i]`. */
static int list_paths(struct msim_parquet_paths *paths, size_t *ends,
                      const struct msim_parquet_params *params, struct msim_detail *detail)
{
    int r = MSIM_OK;

    for (size_t i = 0; i < params->path_count && r >= 0; i++) {
        r = msim_parquet_paths_add(paths, params->paths[i], detail);
        ends[i] = paths->count;
    }
    return r;
}

static int open_listed(struct msim_parquet *parquet, const struct msim_parquet_params *params,
                       const struct msim_parquet_paths *paths, const size_t *ends,
                       struct msim_detail *detail)
{
    struct msim_parquet_params own = *params;
    size_t given = 0;
    int r = MSIM_OK;

    for (size_t i = 0; i < paths->count && r >= 0; i++) {
        struct msim_parquet_file file;
        while (i == ends[given])
            given++;
        const char *ticker = params->path_ticker_names ? params->path_ticker_names[given] : NULL;
        own.ticker_name = ticker ? ticker : params->ticker_name;
        r = msim_parquet_file_open(&file, paths->items[i], &parquet->pool, &parquet->allocator,
                                   detail);
        if (r >= 0)
            r = take_file(parquet, &file, &own, detail);
    }
    return r;
}

/* All are listed first: what is not there is told before a CSV file takes its time. */
static int open_paths(struct msim_parquet *parquet, const struct msim_parquet_params *params,
                      struct msim_detail *detail)
{
    struct msim_parquet_paths paths;
    size_t *ends = msim_mem_take_array(&parquet->allocator, params->path_count, sizeof *ends);

    if (!ends)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "%s", msim_result_text(MSIM_ERR_NOMEM));
    msim_parquet_paths_init(&paths, &parquet->allocator);
    int r = list_paths(&paths, ends, params, detail);
    if (r >= 0)
        r = open_listed(parquet, params, &paths, ends, detail);
    msim_parquet_paths_finish(&paths);
    msim_mem_free(&parquet->allocator, ends, params->path_count * sizeof *ends);
    return r;
}

/* ---- zones ---- */

static bool read_bound(const struct bound *bound, int64_t unit, msim_time *time)
{
    return bound->known && bound->length == 8 &&
           msim_mul_check((int64_t)msim_load64(bound->bytes), unit, time);
}

/* The group's range by its statistics; false where they do not serve. */
static bool by_statistics(const struct msim_parquet *parquet, const struct trade_file *trades,
                          size_t group, struct zone *zone)
{
    size_t leaf = trades->leaves[FIELD_TIMESTAMP];
    const struct chunk *chunk = msim_footer_chunk(&trades->footer, group, leaf);
    int64_t unit = trades->footer.leaves[leaf].nanoseconds;

    /* Only those of integers of eight bytes are read. */
    if (parquet->ignore_statistics || trades->footer.leaves[leaf].physical != PHYSICAL_INT64)
        return false;
    /* Rows without a moment are to be refused now and not in the middle of the replay. */
    if (chunk->null_count > 0 && !parquet->skip_bad_rows)
        return false;
    return read_bound(&chunk->min, unit, &zone->min) && read_bound(&chunk->max, unit, &zone->max) &&
           zone->min <= zone->max && zone->min > -MSIM_TIME_NEVER && zone->max < MSIM_TIME_NEVER;
}

static int add_zone(struct msim_parquet *parquet, struct msim_reader *reader, size_t file,
                    size_t group, struct msim_detail *detail)
{
    const struct trade_file *trades = &parquet->files[file];
    struct zone zone = {.file = (uint32_t)file,
                        .group = (uint32_t)group,
                        .rows = (uint64_t)trades->footer.groups[group].row_count};

    if (!by_statistics(parquet, trades, group, &zone)) {
        struct scan scan;
        int r = msim_scan(&scan, parquet, reader, file, group, detail);
        if (r < 0)
            return r;
        /* Without a good row it is opened first, gives nothing, and its rows are counted. */
        zone.is_found = true;
        zone.min = scan.good > 0 ? scan.min : INT64_MIN;
        zone.max = scan.max;
        zone.is_unsorted = !scan.sorted;
    }
    /* What was kept was counted when it was kept. */
    zone.is_found = zone.is_found || trades->is_spooled;
    void *zones = parquet->zones;
    int r = msim_mem_grow(&parquet->allocator, &zones, &parquet->zone_capacity,
                          sizeof *parquet->zones, parquet->zone_count + 1, ZONES_LIMIT);
    if (r < 0)
        return msim_detail_set(detail, r, "the row groups of all files: %s", msim_result_text(r));
    parquet->zones = zones;
    parquet->zones[parquet->zone_count++] = zone;
    return MSIM_OK;
}

static int find_zones(struct msim_parquet *parquet, struct msim_detail *detail)
{
    struct msim_reader reader;
    int r = MSIM_OK;

    msim_reader_init(&reader, &parquet->crc, &parquet->allocator);
    for (size_t file = 0; file < parquet->file_count && r >= 0; file++) {
        const struct footer *footer = &parquet->files[file].footer;
        parquet->files[file].first_row = parquet->info.rows;
        for (size_t group = 0; group < footer->group_count && r >= 0; group++) {
            parquet->info.row_groups++;
            parquet->info.rows += (uint64_t)footer->groups[group].row_count;
            if (footer->groups[group].row_count > 0)
                r = add_zone(parquet, &reader, file, group, detail);
        }
    }
    msim_reader_finish(&reader);
    return r;
}

/* ---- opening ---- */

static int prepare(struct msim_parquet *parquet, struct msim_detail *detail)
{
    int r = find_zones(parquet, detail);
    if (r >= 0)
        r = msim_plan_make(parquet, detail);
    if (r < 0)
        return r;
    parquet->info.files = parquet->file_count;
    msim_log(&parquet->logger, MSIM_LOG_DEBUG, "parquet",
             "%" PRIu64 " rows in %" PRIu64 " row groups of %" PRIu64 " files", parquet->info.rows,
             parquet->info.row_groups, parquet->info.files);
    return MSIM_OK;
}

static void *counted_resize(void *context, void *pointer, size_t old_size, size_t new_size)
{
    struct msim_budget *budget = context;

    if (new_size > old_size && new_size - old_size > msim_budget_left(budget)) {
        budget->refused = true;
        return NULL;
    }
    void *moved = budget->base.resize(budget->base.context, pointer, old_size, new_size);
    if (moved || new_size == 0)
        budget->used += new_size - (pointer ? old_size : 0);
    return moved;
}

static int create(struct msim_parquet **out, const struct msim_parquet_params *params,
                  struct msim_detail *detail)
{
    struct msim_allocator allocator = msim_large_allocator(params->allocator);
    struct msim_parquet *parquet = msim_mem_zero(&allocator, sizeof *parquet);

    if (!parquet)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "%s", msim_result_text(MSIM_ERR_NOMEM));
    parquet->budget.base = allocator;
    parquet->budget.limit = params->memory_bytes > SIZE_MAX ? SIZE_MAX
                            : params->memory_bytes > 0      ? (size_t)params->memory_bytes
                                                            : MEMORY_DEFAULT;
    size_t group = parquet->budget.limit / SPOOLED_GROUP_PART;
    group = group > SPOOLED_GROUP_LEAST ? group : SPOOLED_GROUP_LEAST;
    parquet->spooled = (struct spool_place){
        .room = parquet->budget.limit / SPOOLED_PART,
        .group_bytes = group < SPOOLED_GROUP_BYTES ? group : SPOOLED_GROUP_BYTES,
        .crc = &parquet->crc,
    };
    parquet->allocator =
        (struct msim_allocator){.resize = counted_resize, .context = &parquet->budget};
    parquet->logger = msim_log_logger(params->logger);
    parquet->skip_bad_rows = params->skip_bad_rows;
    parquet->ignore_statistics = params->ignore_statistics;
    parquet->sources = params->sources > 0 ? params->sources : 1;
    msim_crc_init(&parquet->crc);
    msim_names_init(&parquet->names, &parquet->allocator);
    if (params->decode_thread && msim_worker_create(&parquet->worker, &parquet->allocator) < 0) {
        msim_parquet_close(&parquet);
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "no memory for a second thread");
    }
    *out = parquet;
    return MSIM_OK;
}

static void set_temporary(struct msim_parquet *parquet, struct temporary temporary)
{
    parquet->temporary = temporary;
    parquet->spooled.disk.temporary = temporary;
}

int msim_budget_blame(const struct msim_budget *budget, int r, struct msim_detail *detail)
{
    if (r != MSIM_ERR_NOMEM || !budget->refused)
        return r;
    return msim_detail_prefix(detail, MSIM_ERR_LIMIT,
                              "more than the %zu MiB of memory that may be used: raise memory "
                              "(--memory)",
                              budget->limit / 1048576);
}

/* All files are in it, or `r` says why not: then it is let go. */
static int conclude(struct msim_parquet *parquet, int r, struct msim_parquet **out,
                    struct msim_detail *detail)
{
    if (r >= 0)
        r = prepare(parquet, detail);
    if (r < 0) {
        r = msim_budget_blame(&parquet->budget, r, detail);
        msim_parquet_close(&parquet);
        return r;
    }
    *out = parquet;
    return MSIM_OK;
}

/* For what does not fit in memory. */
static int open_folder(struct msim_parquet *parquet, const struct msim_parquet_params *params,
                       struct msim_detail *detail)
{
    if (!params->temp_directory)
        return MSIM_OK;
    set_temporary(parquet, msim_parquet_temporary(&parquet->folder));
    return msim_parquet_folder_open(&parquet->folder, params->temp_directory, &parquet->allocator,
                                    detail);
}

int msim_parquet_open(struct msim_parquet **out, const struct msim_parquet_params *params,
                      struct msim_detail *detail)
{
    if (!out || !params || params->size != sizeof *params)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "params must come from MSIM_PARQUET_PARAMS_INIT");
    if (!params->paths || params->path_count == 0)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "no file named: give a Parquet file or a folder of them");
    for (size_t i = 0; i < params->path_count; i++) {
        if (!params->paths[i])
            return msim_detail_set(detail, MSIM_ERR_INVALID, "path %zu is NULL", i);
    }
    struct msim_parquet *parquet = NULL;
    int r = create(&parquet, params, detail);
    if (r < 0)
        return r;
    r = open_folder(parquet, params, detail);
    if (r >= 0)
        r = open_paths(parquet, params, detail);
    return conclude(parquet, r, out, detail);
}

static int open_memory(struct msim_parquet *parquet, const struct msim_parquet_params *params,
                       const struct msim_parquet_bytes *files, size_t count,
                       struct msim_detail *detail)
{
    for (size_t i = 0; i < count; i++) {
        struct msim_parquet_file file;
        char name[32];
        snprintf(name, sizeof name, "memory-%zu", i);
        int r = msim_parquet_file_memory(&file, files[i].name ? files[i].name : name,
                                         files[i].bytes, files[i].length, &parquet->allocator);
        if (r < 0)
            return msim_detail_set(detail, r, "%s", msim_result_text(r));
        r = take_file(parquet, &file, params, detail);
        if (r < 0)
            return r;
    }
    return MSIM_OK;
}

int msim_parquet_open_memory(struct msim_parquet **out, const struct msim_parquet_params *params,
                             const struct msim_parquet_bytes *files, size_t count,
                             struct msim_detail *detail)
{
    return msim_parquet_open_spilling(out, params, files, count, (struct temporary){0}, detail);
}

int msim_parquet_open_spilling(struct msim_parquet **out, const struct msim_parquet_params *params,
                               const struct msim_parquet_bytes *files, size_t count,
                               struct temporary temporary, struct msim_detail *detail)
{
    struct msim_parquet *parquet = NULL;
    int r = create(&parquet, params, detail);
    if (r < 0)
        return r;
    set_temporary(parquet, temporary);
    r = open_memory(parquet, params, files, count, detail);
    return conclude(parquet, r, out, detail);
}

static int take_trades(struct msim_parquet *parquet, const char *name,
                       int (*fill)(void *context, struct spool *spool, struct msim_detail *detail),
                       void *context, struct msim_detail *detail)
{
    struct spool spool;

    int r = make_room(parquet, detail);
    if (r < 0)
        return r;
    r = msim_spool_init(&spool, msim_usual_names, NULL, 0, &parquet->spooled, &parquet->allocator);
    if (r < 0)
        return msim_detail_set(detail, r, "%s: %s", name, msim_result_text(r));
    r = fill(context, &spool, detail);
    if (r >= 0) {
        r = msim_spool_end(&spool, &parquet->files[parquet->file_count], name);
        if (r < 0)
            msim_detail_set(detail, r, "%s: %s", name,
                            spool.words.text[0] ? spool.words.text : msim_result_text(r));
    }
    if (r >= 0)
        parquet->file_count++;
    msim_spool_finish(&spool);
    return r;
}

int msim_parquet_open_trades(struct msim_parquet **out, const struct msim_parquet_params *params,
                             const char *name,
                             int (*fill)(void *context, struct spool *spool,
                                         struct msim_detail *detail),
                             void *context, struct msim_detail *detail)
{
    struct msim_parquet *parquet = NULL;

    int r = create(&parquet, params, detail);
    if (r < 0)
        return r;
    r = open_folder(parquet, params, detail);
    if (r >= 0)
        r = take_trades(parquet, name, fill, context, detail);
    return conclude(parquet, r, out, detail);
}

void msim_parquet_close(struct msim_parquet **pointer)
{
    if (!pointer || !*pointer)
        return;
    struct msim_parquet *parquet = *pointer;
    struct msim_allocator allocator = parquet->allocator;
    msim_worker_destroy(&parquet->worker, &allocator);
    for (size_t i = 0; i < parquet->spill_count; i++)
        msim_spill_finish(&parquet->spills[i], parquet);
    msim_late_finish(parquet);
    msim_extra_stores_finish(parquet);
    msim_mem_free(&allocator, parquet->spills, parquet->spill_capacity * sizeof *parquet->spills);
    for (size_t i = 0; i < parquet->file_count; i++) {
        msim_footer_finish(&parquet->files[i].footer);
        msim_parquet_file_close(&parquet->files[i].file);
        msim_bytes_finish(&parquet->files[i].store);
        msim_bytes_finish(&parquet->files[i].notes);
        msim_mem_free(&allocator, parquet->files[i].ticker, sizeof *parquet->files[i].ticker);
    }
    if (parquet->spooled.disk.file)
        parquet->temporary.ops->close(parquet->spooled.disk.file);
    msim_parquet_folder_close(&parquet->folder);
    msim_mem_free(&allocator, parquet->files, parquet->file_capacity * sizeof *parquet->files);
    msim_mem_free(&allocator, parquet->zones, parquet->zone_capacity * sizeof *parquet->zones);
    msim_mem_free(&allocator, parquet->plan, parquet->zone_count * sizeof *parquet->plan);
    msim_mem_free(&allocator, parquet->held, parquet->zone_count * sizeof *parquet->held);
    msim_names_finish(&parquet->names);
    allocator = parquet->budget.base;
    msim_mem_free(&allocator, parquet, sizeof *parquet);
    *pointer = NULL;
}

static int prepare_spills(struct msim_parquet *parquet, int64_t work, struct msim_detail *detail)
{
    for (size_t i = 0; i < parquet->spill_count; i++) {
        int r = msim_spill_work(&parquet->spills[i], parquet, &work, detail);
        if (r < 0)
            return msim_budget_blame(&parquet->budget, r, detail);
        if (r == 0)
            return 0;
    }
    return 1;
}

int msim_parquet_prepare(struct msim_parquet *parquet, uint64_t rows, struct msim_detail *detail)
{
    int64_t work = rows > 0 && rows < INT64_MAX ? (int64_t)rows : INT64_MAX;

    if (!parquet)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "only an open data set can be prepared");
    msim_turn_take(parquet->worker);
    int r = prepare_spills(parquet, work, detail);
    msim_turn_give(parquet->worker);
    return r;
}

void msim_parquet_info(const struct msim_parquet *parquet, struct msim_parquet_info *out)
{
    *out = parquet->info;
    msim_turn_take(parquet->worker);
    for (size_t i = 0; i < parquet->spill_count; i++) {
        const struct spill *spill = &parquet->spills[i];
        out->spilled_rows += spill->rows;
        out->spilled_bytes += spill->is_ready ? spill->written : msim_spill_most(spill);
    }
    msim_turn_give(parquet->worker);
}
