#include <string.h>

#include "base/csv.h"
#include "base/detail.h"
#include "base/mem.h"
#include "parquet/cell.h"
#include "parquet/extra_store.h"
#include "parquet/group.h"
#include "parquet/place.h"
#include "parquet/spill.h"
#include "parquet/values.h"

/* Windows take at most this part of what the data set may take, and leave as much free. */
#define PART_OF_MEMORY 8

/* Row groups are kept on disk once their rows were decoded so many times: some of that is usual,
 * since pages before a window are passed. */
#define DECODED_TIMES 3

/* The bound on the texts of a window. */
#define TEXTS_LIMIT ((size_t)1 << 30)

/* ---- row groups ---- */

static uint64_t rows_of(const struct extra_windows *windows, const struct extra_group *group)
{
    const struct footer *footer = &windows->parquet->files[group->file].footer;

    return (uint64_t)footer->groups[group->group].row_count;
}

/* The last group that begins at the row or before it: those without rows stand before. */
static size_t find_group(const struct extra_windows *windows, uint64_t row)
{
    const struct extra_group *last = &windows->groups[windows->group];
    size_t low = 0, high = windows->group_count;

    if (row >= last->first_row && row - last->first_row < rows_of(windows, last))
        return windows->group;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (windows->groups[middle].first_row <= row)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Groups that are sorted together take turns, row by row. */
static void find_leaders(struct extra_windows *windows)
{
    const struct msim_parquet *parquet = windows->parquet;

    for (size_t i = 0; i < windows->group_count; i++)
        windows->groups[i].leader = i;
    for (size_t i = 0; i < parquet->spill_count; i++) {
        const struct spill *spill = &parquet->spills[i];
        size_t leader = find_group(windows, msim_zone_first_row(parquet, spill->ranks[0]));
        for (size_t at = 0; at < spill->rank_count; at++) {
            uint64_t first_row = msim_zone_first_row(parquet, spill->ranks[at]);
            windows->groups[find_group(windows, first_row)].leader = leader;
        }
    }
    for (size_t i = 0; i < windows->group_count; i++) {
        const struct extra_group *group = &windows->groups[i];
        windows->groups[group->leader].rows += rows_of(windows, group);
    }
}

int msim_extra_windows_init(struct extra_windows *windows)
{
    struct msim_parquet *parquet = windows->parquet;
    size_t count = 0;

    for (size_t file = 0; file < parquet->file_count; file++)
        count += parquet->files[file].footer.group_count;
    windows->groups = msim_mem_zero_array(&parquet->allocator, count + 1, sizeof *windows->groups);
    windows->columns = msim_mem_zero_array(&parquet->allocator, windows->column_count + 1,
                                           sizeof *windows->columns);
    windows->group_count = count;
    if (!windows->groups || !windows->columns)
        return MSIM_ERR_NOMEM;
    size_t at = 0;
    for (size_t file = 0; file < parquet->file_count; file++) {
        const struct trade_file *trades = &parquet->files[file];
        for (size_t group = 0; group < trades->footer.group_count; group++)
            windows->groups[at++] = (struct extra_group){
                .first_row = trades->first_row + (uint64_t)trades->footer.groups[group].first_row,
                .file = (uint32_t)file,
                .group = (uint32_t)group};
    }
    for (size_t i = 0; i < windows->column_count; i++)
        msim_cells_init(&windows->columns[i], 0, &parquet->crc, &parquet->allocator);
    find_leaders(windows);
    return MSIM_OK;
}

/* ---- the list of windows, by use ---- */

static size_t size_of(const struct extra_window *window)
{
    return sizeof *window + window->cell_count * sizeof *window->cells + window->texts.capacity;
}

static void unlink_window(struct extra_windows *windows, struct extra_window *window)
{
    if (window->newer)
        window->newer->older = window->older;
    else
        windows->newest = window->older;
    if (window->older)
        window->older->newer = window->newer;
    else
        windows->oldest = window->newer;
}

static void link_newest(struct extra_windows *windows, struct extra_window *window)
{
    window->newer = NULL;
    window->older = windows->newest;
    if (windows->newest)
        windows->newest->newer = window;
    else
        windows->oldest = window;
    windows->newest = window;
}

static void free_window(struct extra_windows *windows, struct extra_window *window)
{
    const struct msim_allocator *allocator = &windows->parquet->allocator;

    msim_bytes_finish(&window->texts);
    msim_mem_free(allocator, window->cells, window->cell_count * sizeof *window->cells);
    msim_mem_free(allocator, window, sizeof *window);
}

static void drop(struct extra_windows *windows, struct extra_window *window)
{
    unlink_window(windows, window);
    windows->held -= size_of(window);
    *window->place = NULL;
    free_window(windows, window);
}

/* What was not used for longest makes room: for the windows' own bound, and for the others. */
static void make_room(struct extra_windows *windows)
{
    const struct msim_budget *budget = &windows->parquet->budget;
    size_t part = budget->limit / PART_OF_MEMORY;

    if (windows->is_making)
        part = 0;
    while (windows->oldest && (windows->held > part || msim_budget_left(budget) < part)) {
        drop(windows, windows->oldest);
        windows->has_dropped = true;
    }
}

void msim_extra_windows_finish(struct extra_windows *windows)
{
    const struct msim_allocator *allocator = &windows->parquet->allocator;

    while (windows->oldest)
        drop(windows, windows->oldest);
    for (size_t i = 0; windows->groups && i < windows->group_count; i++) {
        struct extra_group *group = &windows->groups[i];
        msim_mem_free(allocator, group->windows, group->window_count * sizeof *group->windows);
        msim_extra_reader_close(&group->reader);
        msim_extra_store_leave(&group->store, windows->parquet);
    }
    for (size_t i = 0; windows->columns && i < windows->column_count; i++)
        msim_cells_finish(&windows->columns[i]);
    msim_mem_free(allocator, windows->columns,
                  (windows->column_count + 1) * sizeof *windows->columns);
    msim_mem_free(allocator, windows->groups, (windows->group_count + 1) * sizeof *windows->groups);
    msim_mem_free(allocator, windows->leaves, windows->leaf_count * sizeof *windows->leaves);
}

/* ---- reading a window ---- */

static void close_group(struct extra_windows *windows)
{
    for (size_t i = 0; i < windows->column_count; i++)
        msim_cells_close(&windows->columns[i]);
    windows->is_open = false;
}

static int open_group(struct extra_windows *windows, size_t number, struct msim_detail *detail)
{
    const struct extra_group *group = &windows->groups[number];
    const struct trade_file *trades = &windows->parquet->files[group->file];

    close_group(windows);
    int r = msim_parquet_file_check(&trades->file, detail);
    for (size_t i = 0; i < windows->column_count && r >= 0; i++) {
        windows->columns[i].leaf = windows->leaves[group->file * windows->column_count + i];
        if (windows->columns[i].leaf != SIZE_MAX)
            r = msim_cells_open(&windows->columns[i], &trades->file, &trades->footer, group->group,
                                detail);
    }
    windows->is_open = r >= 0;
    windows->open_group = number;
    windows->row = 0;
    return r;
}

/* Puts the open columns at the row, going on from where they are if that is before it. */
static int reach(struct extra_windows *windows, size_t number, uint64_t row,
                 struct msim_detail *detail)
{
    struct extra_group *leader = &windows->groups[windows->groups[number].leader];
    int r = MSIM_OK;

    if (!windows->is_open || windows->open_group != number || windows->row > row)
        r = open_group(windows, number, detail);
    if (r >= 0)
        leader->decoded += row - windows->row;
    for (size_t i = 0; i < windows->column_count && r >= 0 && windows->row < row; i++)
        if (windows->columns[i].leaf != SIZE_MAX)
            r = msim_column_pass(&windows->columns[i].column, row - windows->row, detail);
    windows->row = row;
    return r;
}

static bool is_moment(const struct leaf *leaf)
{
    return leaf->physical == PHYSICAL_INT96 ||
           (leaf->physical == PHYSICAL_INT64 && leaf->annotation == ANNOTATION_TIMESTAMP &&
            leaf->nanoseconds > 0);
}

/* JSON has no number that is not finite. */
static bool is_finite(const unsigned char *text, size_t length)
{
    size_t sign = length > 0 && text[0] == '-';

    return length > sign && text[sign] != 'n' && text[sign] != 'i';
}

/* Text of a file that has no types: a number as JSON has it and a truth value are what they say. */
static enum msim_extra_kind kind_written(struct msim_text value)
{
    if (value.length == 0)
        return MSIM_EXTRA_NULL;
    bool truth = (value.length == 4 && memcmp(value.bytes, "true", 4) == 0) ||
                 (value.length == 5 && memcmp(value.bytes, "false", 5) == 0);
    return truth || msim_csv_number((const char *)value.bytes, value.length) == MSIM_CSV_PLAIN
               ? MSIM_EXTRA_BARE
               : MSIM_EXTRA_TEXT;
}

static int read_value(const struct leaf *leaf, struct msim_text value, struct msim_bytes *texts,
                      struct extra_cell *cell)
{
    size_t before = msim_bytes_length(texts);

    if (is_moment(leaf) && msim_moment_of(leaf, value.bytes, &cell->at) == MSIM_OK) {
        cell->kind = MSIM_EXTRA_TIME;
        return MSIM_OK;
    }
    bool is_written = leaf->annotation == ANNOTATION_WRITTEN;
    int r = is_written ? msim_bytes_append(texts, value.bytes, value.length)
                       : msim_cell_print(texts, leaf, value);
    if (r < 0)
        return r;
    cell->at = (int64_t)before;
    cell->length = (uint32_t)(msim_bytes_length(texts) - before);
    cell->kind = (uint8_t)(is_written ? kind_written(value) : MSIM_EXTRA_TEXT);
    if (!msim_cell_is_bare(leaf))
        return MSIM_OK;
    bool finite = is_finite(msim_bytes_front(texts) + before, cell->length);
    cell->kind = finite ? MSIM_EXTRA_BARE : MSIM_EXTRA_NULL;
    return MSIM_OK;
}

static int read_column(struct extra_windows *windows, struct extra_window *window, size_t column,
                       size_t rows, struct msim_detail *detail)
{
    const struct extra_group *group = &windows->groups[windows->open_group];
    const struct trade_file *trades = &windows->parquet->files[group->file];
    struct msim_cells *cells = &windows->columns[column];

    if (cells->leaf == SIZE_MAX)
        return MSIM_OK;
    const struct leaf *leaf = &trades->footer.leaves[cells->leaf];
    for (size_t row = 0; row < rows; row++) {
        struct msim_text value;
        int r = msim_cells_next(cells, rows - row, &value, detail);
        if (r < 0)
            return r;
        if (r == 0)
            continue;
        r = read_value(leaf, value, &window->texts,
                       &window->cells[row * windows->column_count + column]);
        if (r < 0) {
            struct place place = {
                .file = trades->file.path, .column = leaf->name, .group = group->group, .page = -1};
            return msim_place_fail(&place, detail, r, "no memory for its texts");
        }
    }
    return MSIM_OK;
}

static int load(struct extra_windows *windows, size_t number, uint64_t first,
                struct extra_window *window, struct msim_detail *detail)
{
    uint64_t left = rows_of(windows, &windows->groups[number]) - first;
    size_t rows = left < EXTRA_WINDOW_ROWS ? (size_t)left : EXTRA_WINDOW_ROWS;

    window->cells = msim_mem_zero_array(&windows->parquet->allocator, rows * windows->column_count,
                                        sizeof *window->cells);
    if (!window->cells)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "no memory for further columns");
    window->cell_count = rows * windows->column_count;
    int r = reach(windows, number, first, detail);
    for (size_t i = 0; i < windows->column_count && r >= 0; i++)
        r = read_column(windows, window, i, rows, detail);
    windows->row += rows;
    windows->groups[windows->groups[number].leader].decoded += rows;
    return r;
}

/* ---- finding a row ---- */

/* The row is counted from the group's first. */
static bool has_window(const struct extra_group *group, uint64_t row)
{
    return group->windows && group->windows[row / EXTRA_WINDOW_ROWS];
}

static int make_places(struct extra_windows *windows, struct extra_group *group)
{
    uint64_t count = (rows_of(windows, group) + EXTRA_WINDOW_ROWS - 1) / EXTRA_WINDOW_ROWS;

    if (group->windows)
        return MSIM_OK;
    if (count > SIZE_MAX)
        return MSIM_ERR_NOMEM;
    group->windows =
        msim_mem_zero_array(&windows->parquet->allocator, (size_t)count, sizeof *group->windows);
    if (!group->windows)
        return MSIM_ERR_NOMEM;
    group->window_count = (size_t)count;
    return MSIM_OK;
}

static int add_window(struct extra_windows *windows, size_t number, uint64_t row,
                      struct msim_detail *detail)
{
    struct extra_group *group = &windows->groups[number];
    const struct msim_allocator *allocator = &windows->parquet->allocator;

    make_room(windows);
    int r = make_places(windows, group);
    struct extra_window *window = r < 0 ? NULL : msim_mem_zero(allocator, sizeof *window);
    if (!window)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "no memory for further columns");
    msim_bytes_init(&window->texts, TEXTS_LIMIT, allocator);
    r = load(windows, number, row - row % EXTRA_WINDOW_ROWS, window, detail);
    if (r < 0) {
        close_group(windows);
        free_window(windows, window);
        return r;
    }
    window->place = &group->windows[row / EXTRA_WINDOW_ROWS];
    *window->place = window;
    windows->held += size_of(window);
    link_newest(windows, window);
    return MSIM_OK;
}

static int find_in_window(struct extra_windows *windows, size_t number, uint64_t row,
                          const struct extra_cell **cells, const unsigned char **texts,
                          int64_t *work, struct msim_detail *detail)
{
    const struct extra_group *group = &windows->groups[number];

    if (!has_window(group, row)) {
        if (*work <= 0)
            return 0;
        *work -= (int64_t)(EXTRA_WINDOW_ROWS * windows->column_count);
        int r = add_window(windows, number, row, detail);
        if (r < 0)
            return r;
    }
    struct extra_window *window = group->windows[row / EXTRA_WINDOW_ROWS];
    if (window != windows->newest) {
        unlink_window(windows, window);
        link_newest(windows, window);
    }
    *cells = window->cells + row % EXTRA_WINDOW_ROWS * windows->column_count;
    *texts = msim_bytes_front(&window->texts);
    return 1;
}

/* ---- what is kept on disk ---- */

/* Asked where a window is missing. */
static bool is_store_due(const struct extra_windows *windows, size_t leader)
{
    const struct extra_group *group = &windows->groups[leader];

    if (windows->is_making || group->is_declined || !windows->parquet->temporary.ops)
        return false;
    return msim_extra_store_stands(windows, leader) ||
           (windows->has_dropped && group->decoded / DECODED_TIMES > group->rows);
}

/* All windows make room, and what is open of files. */
static int join_store(struct extra_windows *windows, size_t leader, struct msim_detail *detail)
{
    close_group(windows);
    while (windows->oldest)
        drop(windows, windows->oldest);
    return msim_extra_store_join(&windows->groups[leader].store, windows, leader, detail);
}

/* Makes the store ready to be read: 1; where there is no room for it, it is left. */
static int open_store(struct extra_windows *windows, struct extra_group *leader, int64_t *work,
                      struct msim_detail *detail)
{
    struct msim_parquet *parquet = windows->parquet;

    int r = msim_extra_store_work(leader->store, parquet, work, detail);
    if (r <= 0)
        return r;
    r = leader->store->is_declined ? 0
                                   : msim_extra_reader_open(&leader->reader, leader->store, parquet,
                                                            windows->column_count, detail);
    if (r < 0)
        return r;
    if (r == 0) {
        leader->is_declined = true;
        msim_extra_store_leave(&leader->store, parquet);
    }
    return 1;
}

void msim_extra_windows_moved(struct extra_windows *windows)
{
    for (size_t i = 0; i < windows->group_count; i++) {
        windows->groups[i].decoded = 0;
        if (windows->groups[i].reader)
            msim_extra_reader_rewind(windows->groups[i].reader);
    }
}

int msim_extra_windows_find(struct extra_windows *windows, msim_time time, uint64_t row,
                            const struct extra_cell **cells, const unsigned char **texts,
                            int64_t *work, struct msim_detail *detail)
{
    size_t number = find_group(windows, row);
    const struct extra_group *group = &windows->groups[number];
    struct extra_group *leader = &windows->groups[group->leader];
    uint64_t of_group = row - group->first_row;
    int r = 1;

    windows->group = number;
    if (!leader->store && !has_window(group, of_group) && is_store_due(windows, group->leader))
        r = join_store(windows, group->leader, detail);
    if (r >= 0 && leader->store && !leader->reader)
        r = open_store(windows, leader, work, detail);
    if (r <= 0)
        return r;
    if (leader->reader)
        return msim_extra_reader_find(leader->reader, time, row, cells, texts, work, detail);
    return find_in_window(windows, number, of_group, cells, texts, work, detail);
}
