#include <string.h>

#include "base/detail.h"
#include "base/mem.h"
#include "parquet/extras.h"
#include "parquet/format.h"

/* The bound on further columns. */
#define COLUMNS_LIMIT 1000

/* One of the feed's own: an object that had one of them twice could not be read. */
static bool is_fixed(const char *name)
{
    for (size_t i = 0; i < FIELD_COUNT; i++)
        if (strcmp(msim_usual_names[i], name) == 0)
            return true;
    return false;
}

static bool stands_in(char **names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* ---- their names ---- */

static int add_name(struct extra_windows *windows, char **names, const char *name)
{
    names[windows->column_count] = msim_mem_text(&windows->parquet->allocator, name, strlen(name));
    if (!names[windows->column_count])
        return MSIM_ERR_NOMEM;
    windows->column_count++;
    return MSIM_OK;
}

static int take_chosen(struct extra_windows *windows, char **names,
                       const struct msim_parquet_source_params *params, struct msim_detail *detail)
{
    for (size_t i = 0; i < params->extra_column_count; i++) {
        const char *name = params->extra_columns[i];
        if (is_fixed(name))
            return msim_detail_set(detail, MSIM_ERR_INVALID,
                                   "further column \"%.40s\": each trade has a member of that name "
                                   "already: leave it out",
                                   name);
        if (stands_in(names, windows->column_count, name))
            return msim_detail_set(detail, MSIM_ERR_INVALID,
                                   "further column \"%.40s\" is named twice: name it once", name);
        int r = add_name(windows, names, name);
        if (r < 0)
            return msim_detail_set(detail, r, "%s", msim_result_text(r));
    }
    return MSIM_OK;
}

static bool is_of_trades(const struct trade_file *trades, size_t leaf)
{
    for (int field = 0; field < FIELD_COUNT; field++)
        if (msim_trade_file_has(trades, (enum trade_field)field) && trades->leaves[field] == leaf)
            return true;
    return false;
}

/* A flat column that is none of the four, and the only one of its name in the file. */
static bool is_further(const struct trade_file *trades, size_t leaf)
{
    const struct leaf *column = &trades->footer.leaves[leaf];
    size_t found;

    return column->flat && !is_of_trades(trades, leaf) && !is_fixed(column->name) &&
           msim_footer_find(&trades->footer, column->name, &found) >= 0;
}

static int take_all(struct extra_windows *windows, char **names, struct msim_detail *detail)
{
    const struct msim_parquet *parquet = windows->parquet;

    for (size_t file = 0; file < parquet->file_count; file++) {
        const struct trade_file *trades = &parquet->files[file];
        for (size_t leaf = 0; leaf < trades->footer.leaf_count; leaf++) {
            const char *name = trades->footer.leaves[leaf].name;
            if (!is_further(trades, leaf) || stands_in(names, windows->column_count, name))
                continue;
            if (windows->column_count == COLUMNS_LIMIT)
                return msim_detail_set(detail, MSIM_ERR_LIMIT,
                                       "%.200s: more than %d further columns: name those that are "
                                       "wanted",
                                       trades->file.path, COLUMNS_LIMIT);
            int r = add_name(windows, names, name);
            if (r < 0)
                return msim_detail_set(detail, r, "%s", msim_result_text(r));
        }
    }
    return MSIM_OK;
}

/* ---- where they stand ---- */

static int find_leaf(const struct trade_file *trades, const char *name, bool is_chosen,
                     size_t *leaf, struct msim_detail *detail)
{
    int r = msim_footer_find(&trades->footer, name, leaf);

    if (r >= 0)
        return msim_trade_file_check(trades, *leaf, detail);
    *leaf = SIZE_MAX;
    if (!is_chosen)
        return MSIM_OK;
    if (r == MSIM_ERR_EXISTS)
        return msim_trade_file_refuse_twins(trades, name, detail);
    for (size_t i = 0; i < trades->footer.leaf_count; i++)
        if (strcmp(trades->footer.leaves[i].name, name) == 0)
            return msim_detail_set(detail, MSIM_ERR_UNSUPPORTED,
                                   "%.200s: column \"%.40s\" is nested or repeated, which is not "
                                   "read: leave it out",
                                   trades->file.path, name);
    return msim_detail_set(detail, MSIM_ERR_NOT_FOUND,
                           "%.200s: no column \"%.40s\": name others, or all", trades->file.path,
                           name);
}

static int find_leaves(struct extra_windows *windows, char **names, bool are_chosen,
                       struct msim_detail *detail)
{
    const struct msim_parquet *parquet = windows->parquet;
    size_t count = parquet->file_count * windows->column_count + 1;

    windows->leaves = msim_mem_zero_array(&parquet->allocator, count, sizeof *windows->leaves);
    if (!windows->leaves)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "no memory for further columns");
    windows->leaf_count = count;
    for (size_t file = 0; file < parquet->file_count; file++) {
        for (size_t i = 0; i < windows->column_count; i++) {
            int r = find_leaf(&parquet->files[file], names[i], are_chosen,
                              &windows->leaves[file * windows->column_count + i], detail);
            if (r < 0)
                return r;
        }
    }
    return MSIM_OK;
}

int msim_extra_names(struct extra_windows *windows, char ***names,
                     const struct msim_parquet_source_params *params, struct msim_detail *detail)
{
    *names = msim_mem_zero_array(&windows->parquet->allocator, COLUMNS_LIMIT, sizeof **names);
    if (!*names)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "no memory for further columns");
    if (params->extra_column_count > COLUMNS_LIMIT)
        return msim_detail_set(detail, MSIM_ERR_LIMIT, "more than %d further columns",
                               COLUMNS_LIMIT);
    int r = params->all_extra_columns ? take_all(windows, *names, detail)
                                      : take_chosen(windows, *names, params, detail);
    return r < 0 ? r : find_leaves(windows, *names, !params->all_extra_columns, detail);
}

void msim_extra_names_free(const struct extra_windows *windows, char **names)
{
    const struct msim_allocator *allocator = &windows->parquet->allocator;

    for (size_t i = 0; names && i < windows->column_count; i++)
        msim_mem_free(allocator, names[i], strlen(names[i]) + 1);
    msim_mem_free(allocator, names, COLUMNS_LIMIT * sizeof *names);
}
