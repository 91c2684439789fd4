/*
 * A data set read whole, in the files' own order: how far its rows are from the order of
 * time, what putting them in order takes, and every defect with its place.
 */
#include <marketsim/parquet.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "base/detail.h"
#include "base/mem.h"
#include "parquet/ahead.h"
#include "parquet/dataset.h"
#include "parquet/group.h"
#include "parquet/plan.h"
#include "parquet/scan.h"
#include "parquet/trade.h"
#include "parquet/values.h"

int msim_parquet_planned(const struct msim_parquet *parquet, size_t place,
                         struct msim_parquet_planned *out)
{
    if (!parquet || !out)
        return MSIM_ERR_INVALID;
    if (place >= parquet->zone_count)
        return MSIM_ERR_NOT_FOUND;
    const struct zone *zone = &parquet->zones[parquet->plan[place]];
    msim_turn_take(parquet->worker);
    *out = (struct msim_parquet_planned){.file = parquet->files[zone->file].file.path,
                                         .group = zone->group,
                                         .rows = zone->rows,
                                         .first = zone->min,
                                         .last = zone->max,
                                         .by_statistics = !zone->is_found,
                                         .is_spilled = msim_plan_spill(parquet, place, 0) != NULL};
    msim_turn_give(parquet->worker);
    return MSIM_OK;
}

/* What was found of a row group. */
struct examined {
    msim_time first;
    msim_time last;
    uint64_t rows;
    bool is_sorted;
};

struct checking {
    struct msim_parquet *parquet;
    struct msim_parquet_check_sink sink;
    struct msim_parquet_check *found;
    uint64_t *name_rows; /* of each name */
    size_t name_capacity;
    struct msim_reader reader;
    struct msim_names names;
    struct examined *groups; /* by rank */
    msim_time high;          /* the latest moment of the file so far */
    struct msim_detail words;
    /* A batch. */
    msim_time times[MSIM_COLUMN_BATCH];
    int64_t numbers[MSIM_COLUMN_BATCH];
    int8_t exponents[MSIM_COLUMN_BATCH];
    uint32_t ids[MSIM_COLUMN_BATCH];
    uint8_t flags[MSIM_COLUMN_BATCH];
};

static void tell(struct checking *checking, const char *words)
{
    checking->found->defects++;
    if (checking->sink.defect)
        checking->sink.defect(checking->sink.context, words);
}

static void tell_of_bad_rows(struct checking *checking, const char *words)
{
    checking->found->bad_row_defects++;
    tell(checking, words);
}

/* What fails for want of memory ends the check; all else is a defect of the file. */
static int tell_failure(struct checking *checking, int r)
{
    if (r == MSIM_ERR_NOMEM || (r == MSIM_ERR_LIMIT && checking->parquet->budget.refused))
        return r;
    tell(checking, checking->words.text);
    return MSIM_OK;
}

/* Bad rows of a batch: the first one with its place, the others as a number. */
static void tell_bad(struct checking *checking, const struct zone *zone, const struct bad_row *bad,
                     size_t rows)
{
    uint64_t count = 0;

    for (size_t i = 0; i < rows; i++)
        count += (checking->flags[i] & ROW_BAD) != 0;
    if (count == 0)
        return;
    checking->found->bad_rows += count;
    msim_scan_refuse(checking->parquet, zone->file, zone->group, bad, &checking->words);
    if (count > 1) {
        struct msim_detail first = checking->words;
        msim_detail_set(&checking->words, bad->result, "%s (and %" PRIu64 " more like it nearby)",
                        first.text, count - 1);
    }
    tell_of_bad_rows(checking, checking->words.text);
}

/* ---- moments ---- */

static void note_moment(struct checking *checking, struct examined *group, msim_time time)
{
    struct msim_parquet_check *found = checking->found;

    if (time < checking->high) {
        found->late_rows++;
        if (checking->high - time > found->worst_lateness)
            found->worst_lateness = checking->high - time;
    } else {
        checking->high = time;
    }
    group->is_sorted = group->is_sorted && (group->rows == 0 || time >= group->last);
    group->first = group->rows == 0 || time < group->first ? time : group->first;
    /* The last row's, to see whether the next one falls; check_moments puts the latest there. */
    group->last = time;
    group->rows++;
}

static void compare_statistics(struct checking *checking, const struct zone *zone, msim_time first,
                               msim_time last)
{
    char told[2][MSIM_CALENDAR_SIZE], seen[2][MSIM_CALENDAR_SIZE];

    if (zone->is_found || (first >= zone->min && last <= zone->max))
        return;
    msim_calendar_print(zone->min, MSIM_CALENDAR_ISO, told[0]);
    msim_calendar_print(zone->max, MSIM_CALENDAR_ISO, told[1]);
    msim_calendar_print(first, MSIM_CALENDAR_ISO, seen[0]);
    msim_calendar_print(last, MSIM_CALENDAR_ISO, seen[1]);
    msim_detail_set(&checking->words, MSIM_ERR_FORMAT,
                    "%.200s, row group %" PRIu32
                    ": its statistics say %s to %s, and its trades are from %s to %s",
                    checking->parquet->files[zone->file].file.path, zone->group, told[0], told[1],
                    seen[0], seen[1]);
    tell(checking, checking->words.text);
}

static int check_moments(struct checking *checking, const struct zone *zone, struct examined *group)
{
    const struct trade_file *trades = &checking->parquet->files[zone->file];
    struct msim_column column = {0};
    msim_time latest = INT64_MIN;
    size_t rows = 0;

    int r = msim_column_open(&column, &checking->reader, &trades->file, &trades->footer,
                             zone->group, trades->leaves[FIELD_TIMESTAMP], &checking->words);
    for (uint64_t row = 0; r >= 0 && row < zone->rows; row += rows) {
        struct bad_row bad = {0};
        r = msim_times_read(&column, MSIM_COLUMN_BATCH, row, checking->times, checking->flags,
                            &rows, &bad, &checking->words);
        if (r < 0)
            break;
        for (size_t i = 0; i < rows; i++) {
            if (checking->flags[i] & ROW_BAD)
                continue;
            note_moment(checking, group, checking->times[i]);
            latest = checking->times[i] > latest ? checking->times[i] : latest;
        }
        tell_bad(checking, zone, &bad, rows);
    }
    msim_column_close(&column);
    group->last = latest;
    if (group->rows > 0)
        compare_statistics(checking, zone, group->first, latest);
    return r < 0 ? tell_failure(checking, r) : MSIM_OK;
}

/* ---- the other columns ---- */

static int check_numbers(struct checking *checking, const struct zone *zone, enum trade_field field)
{
    const struct trade_file *trades = &checking->parquet->files[zone->file];
    struct msim_numbers numbers;

    int r = msim_numbers_open(&numbers, &checking->reader, &trades->file, &trades->footer,
                              zone->group, trades->leaves[field], 0, &checking->words);
    for (uint64_t row = 0; r >= 0 && row < zone->rows; row += MSIM_COLUMN_BATCH) {
        uint64_t left = zone->rows - row;
        size_t count = left < MSIM_COLUMN_BATCH ? (size_t)left : MSIM_COLUMN_BATCH;
        struct bad_row bad = {0};
        memset(checking->flags, 0, count);
        r = msim_numbers_read(&numbers, count, row, checking->numbers, checking->exponents,
                              checking->flags, &bad, &checking->words);
        if (r >= 0)
            tell_bad(checking, zone, &bad, count);
    }
    msim_numbers_close(&numbers);
    return r < 0 ? tell_failure(checking, r) : MSIM_OK;
}

static int count_names(struct checking *checking, size_t count)
{
    void *rows = checking->name_rows;
    size_t before = checking->name_capacity;

    int r = msim_mem_grow(&checking->parquet->allocator, &rows, &checking->name_capacity,
                          sizeof *checking->name_rows, checking->names.symbols.count, SIZE_MAX);
    if (r < 0)
        return r;
    checking->name_rows = rows;
    for (size_t i = before; i < checking->name_capacity; i++)
        checking->name_rows[i] = 0;
    for (size_t i = 0; i < count; i++) {
        if (checking->flags[i] & MSIM_RECORD_NO_SYMBOL)
            checking->found->nameless_rows++;
        else if (!(checking->flags[i] & ROW_BAD))
            checking->name_rows[checking->ids[i]]++;
    }
    return MSIM_OK;
}

static int check_names(struct checking *checking, const struct zone *zone)
{
    const struct trade_file *trades = &checking->parquet->files[zone->file];
    struct msim_name_column column;

    int r = msim_group_open_names(&column, &checking->names, trades, &checking->reader, zone->group,
                                  &checking->words);
    for (uint64_t row = 0; r >= 0 && row < zone->rows; row += MSIM_COLUMN_BATCH) {
        uint64_t left = zone->rows - row;
        size_t count = left < MSIM_COLUMN_BATCH ? (size_t)left : MSIM_COLUMN_BATCH;
        struct bad_row bad = {0};
        memset(checking->flags, 0, count);
        r = msim_name_column_read(&column, count, row, checking->ids, checking->flags, &bad,
                                  &checking->words);
        if (r >= 0)
            r = count_names(checking, count);
        if (r >= 0)
            tell_bad(checking, zone, &bad, count);
    }
    msim_name_column_close(&column);
    return r < 0 ? tell_failure(checking, r) : MSIM_OK;
}

static int check_group(struct checking *checking, const struct zone *zone, struct examined *group)
{
    struct msim_parquet_check *found = checking->found;

    *group = (struct examined){.is_sorted = true};
    found->groups++;
    found->rows += zone->rows;
    int r = check_moments(checking, zone, group);
    if (r >= 0)
        r = check_numbers(checking, zone, FIELD_PRICE);
    if (r >= 0)
        r = check_numbers(checking, zone, FIELD_VOLUME);
    if (r >= 0)
        r = check_names(checking, zone);
    found->unsorted_groups += group->rows > 0 && !group->is_sorted;
    return r;
}

/* ---- what is open at once ---- */

struct turn {
    msim_time time;
    int64_t groups; /* 1 opens, -1 closes */
    int64_t bytes;
};

/* A group opens before another one closes at the same moment. */
static int by_time(const void *a, const void *b)
{
    const struct turn *x = a;
    const struct turn *y = b;

    if (x->time != y->time)
        return x->time < y->time ? -1 : 1;
    return x->groups > y->groups ? -1 : x->groups < y->groups;
}

static int measure_overlap(struct checking *checking)
{
    const struct msim_parquet *parquet = checking->parquet;
    size_t count = 0;
    int64_t groups = 0;
    int64_t bytes = 0;

    struct turn *turns =
        msim_mem_take_array(&parquet->allocator, 2 * parquet->zone_count + 1, sizeof *turns);
    if (!turns)
        return MSIM_ERR_NOMEM;
    for (size_t i = 0; i < parquet->zone_count; i++) {
        const struct examined *group = &checking->groups[i];
        int64_t held = group->is_sorted ? 0 : (int64_t)(group->rows * sizeof(struct trade));
        if (group->rows == 0)
            continue;
        turns[count++] = (struct turn){group->first, 1, held};
        turns[count++] = (struct turn){group->last, -1, -held};
    }
    qsort(turns, count, sizeof *turns, by_time);
    for (size_t i = 0; i < count; i++) {
        groups += turns[i].groups;
        bytes += turns[i].bytes;
        if (groups > (int64_t)checking->found->groups_at_once)
            checking->found->groups_at_once = (uint64_t)groups;
        if (bytes > (int64_t)checking->found->bytes_at_once)
            checking->found->bytes_at_once = (uint64_t)bytes;
    }
    msim_mem_free(&parquet->allocator, turns, (2 * parquet->zone_count + 1) * sizeof *turns);
    return MSIM_OK;
}

/* ---- tickers ---- */

struct told_ticker {
    const char *name;
    size_t length;
    uint64_t rows;
};

static int by_rows_and_name(const void *a, const void *b)
{
    const struct told_ticker *x = a;
    const struct told_ticker *y = b;

    if (x->rows != y->rows)
        return x->rows > y->rows ? -1 : 1;
    int order = memcmp(x->name, y->name, x->length < y->length ? x->length : y->length);
    return order != 0 ? order : (x->length > y->length) - (x->length < y->length);
}

/* Those that rows have: a dictionary may hold others, and some are not UTF-8. */
static int tell_tickers(struct checking *checking)
{
    const struct msim_allocator *allocator = &checking->parquet->allocator;
    size_t names = checking->names.symbols.count;
    size_t count = 0;

    struct told_ticker *tickers = msim_mem_take_array(allocator, names + 1, sizeof *tickers);
    if (!tickers)
        return MSIM_ERR_NOMEM;
    for (size_t i = 0; i < names; i++) {
        struct told_ticker *ticker = &tickers[count];
        ticker->rows = i < checking->name_capacity ? checking->name_rows[i] : 0;
        ticker->name = msim_symbols_text(&checking->names.symbols, (uint32_t)i, &ticker->length);
        count += ticker->rows > 0;
    }
    checking->found->tickers = count;
    qsort(tickers, count, sizeof *tickers, by_rows_and_name);
    for (size_t i = 0; i < count && checking->sink.ticker; i++)
        checking->sink.ticker(checking->sink.context, tickers[i].name, tickers[i].length,
                              tickers[i].rows);
    msim_mem_free(allocator, tickers, (names + 1) * sizeof *tickers);
    return MSIM_OK;
}

/* What was left out of a file when it was opened; of many rows the first ones are told. */
static void tell_left_out(struct checking *checking, const struct trade_file *trades)
{
    const char *note = (const char *)msim_bytes_front(&trades->notes);
    const char *end = note + msim_bytes_length(&trades->notes);
    uint64_t told = 0;

    checking->found->rows += trades->left_out;
    checking->found->bad_rows += trades->left_out;
    for (; note < end; note += strlen(note) + 1, told++)
        tell_of_bad_rows(checking, note);
    if (told == trades->left_out)
        return;
    msim_detail_set(&checking->words, MSIM_ERR_FORMAT, "%s: %" PRIu64 " more rows like these",
                    trades->file.path, trades->left_out - told);
    tell_of_bad_rows(checking, checking->words.text);
}

static int check_all(struct checking *checking)
{
    struct msim_parquet *parquet = checking->parquet;
    struct msim_parquet_check *found = checking->found;
    int r = MSIM_OK;

    for (size_t i = 0; i < parquet->file_count; i++)
        tell_left_out(checking, &parquet->files[i]);
    for (size_t i = 0; i < parquet->zone_count && r >= 0; i++) {
        const struct zone *zone = &parquet->zones[i];
        struct examined *group = &checking->groups[i];
        if (i == 0 || zone->file != parquet->zones[i - 1].file)
            checking->high = INT64_MIN;
        r = check_group(checking, zone, group);
        if (group->rows == 0)
            continue;
        if (found->first == MSIM_TIME_NEVER || group->first < found->first)
            found->first = group->first;
        if (found->last == MSIM_TIME_NEVER || group->last > found->last)
            found->last = group->last;
    }
    if (r >= 0)
        r = measure_overlap(checking);
    return r < 0 ? r : tell_tickers(checking);
}

static int check(struct msim_parquet *parquet, const struct msim_parquet_check_sink *sink,
                 struct msim_parquet_check *out, struct msim_detail *detail)
{
    struct msim_parquet_check found = {.first = MSIM_TIME_NEVER, .last = MSIM_TIME_NEVER};
    struct checking *checking = msim_mem_zero(&parquet->allocator, sizeof *checking);
    struct examined *groups =
        msim_mem_zero_array(&parquet->allocator, parquet->zone_count + 1, sizeof *groups);
    int r = MSIM_ERR_NOMEM;
    if (checking && groups) {
        checking->parquet = parquet;
        if (sink)
            checking->sink = *sink;
        checking->found = &found;
        checking->groups = groups;
        msim_reader_init(&checking->reader, &parquet->crc, &parquet->allocator);
        msim_names_init(&checking->names, &parquet->allocator);
        r = check_all(checking);
        msim_mem_free(&parquet->allocator, checking->name_rows,
                      checking->name_capacity * sizeof *checking->name_rows);
        msim_names_finish(&checking->names);
        msim_reader_finish(&checking->reader);
    }
    msim_mem_free(&parquet->allocator, groups, (parquet->zone_count + 1) * sizeof *groups);
    msim_mem_free(&parquet->allocator, checking, sizeof *checking);
    if (r < 0)
        return msim_detail_set(detail, r, "the check: %s: raise memory", msim_result_text(r));
    *out = found;
    return MSIM_OK;
}

int msim_parquet_check(struct msim_parquet *parquet, const struct msim_parquet_check_sink *sink,
                       struct msim_parquet_check *out, struct msim_detail *detail)
{
    if (!parquet || !out)
        return MSIM_ERR_INVALID;
    msim_turn_take(parquet->worker);
    int r = check(parquet, sink, out, detail);
    msim_turn_give(parquet->worker);
    return r;
}
