/*
 * A file's flat columns side by side, row by row, as texts.
 *
 * Each selected column has a reader of its own, so that the spans at hand of all of
 * them are valid together.
 */
#include "parquet/table.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/detail.h"
#include "base/mem.h"
#include "parquet/bits.h"
#include "parquet/cell.h"
#include "parquet/cells.h"
#include "parquet/crc.h"
#include "parquet/decode.h"

/* The bound on the texts of one row. */
#define ROW_LIMIT ((size_t)1 << 30)

struct msim_parquet_table {
    struct msim_allocator allocator;
    struct msim_parquet_pool pool;
    struct msim_parquet_file file;
    struct footer footer;
    bool has_footer;
    struct msim_crc crc;
    struct msim_cells *selected;
    size_t selected_count;
    size_t *ends; /* of each cell's text */
    struct msim_bytes texts;
    size_t group;
    uint64_t row; /* of the group */
    bool is_open; /* the group's columns are */
};

static int make_table(struct msim_parquet_table **out, const struct msim_allocator *allocator,
                      struct msim_detail *detail)
{
    struct msim_allocator chosen = msim_mem_allocator(allocator);
    struct msim_parquet_table *table = msim_mem_zero(&chosen, sizeof *table);

    if (!table)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "out of memory");
    table->allocator = chosen;
    msim_crc_init(&table->crc);
    msim_bytes_init(&table->texts, ROW_LIMIT, &table->allocator);
    *out = table;
    return MSIM_OK;
}

/* The file is open, or was refused with `r`: then the table goes. */
static int read_footer(struct msim_parquet_table *table, int r, struct msim_parquet_table **out,
                       struct msim_detail *detail)
{
    struct msim_allocator allocator = table->allocator;

    if (r < 0) {
        msim_mem_free(&allocator, table, sizeof *table);
        return r;
    }
    r = msim_footer_read(&table->footer, &table->file, &table->allocator, detail);
    table->has_footer = r >= 0;
    if (r < 0)
        msim_parquet_table_close(&table);
    else
        *out = table;
    return r;
}

int msim_parquet_table_open(struct msim_parquet_table **out, const char *path,
                            const struct msim_allocator *allocator, struct msim_detail *detail)
{
    struct msim_parquet_table *table = NULL;

    if (!out || !path)
        return MSIM_ERR_INVALID;
    int r = make_table(&table, allocator, detail);
    if (r < 0)
        return r;
    r = msim_parquet_file_open(&table->file, path, &table->pool, &table->allocator, detail);
    return read_footer(table, r, out, detail);
}

int msim_parquet_table_open_memory(struct msim_parquet_table **out, const void *bytes,
                                   size_t length, const struct msim_allocator *allocator,
                                   struct msim_detail *detail)
{
    struct msim_parquet_table *table = NULL;

    int r = make_table(&table, allocator, detail);
    if (r < 0)
        return r;
    r = msim_parquet_file_memory(&table->file, "memory", bytes, length, &table->allocator);
    return read_footer(table, r, out, detail);
}

static void close_columns(struct msim_parquet_table *table)
{
    for (size_t i = 0; i < table->selected_count; i++)
        msim_cells_close(&table->selected[i]);
    table->is_open = false;
}

static void forget_selection(struct msim_parquet_table *table)
{
    table->is_open = false;
    for (size_t i = 0; i < table->selected_count; i++)
        msim_cells_finish(&table->selected[i]);
    msim_mem_free(&table->allocator, table->selected,
                  table->selected_count * sizeof *table->selected);
    msim_mem_free(&table->allocator, table->ends, table->selected_count * sizeof *table->ends);
    table->selected = NULL;
    table->ends = NULL;
    table->selected_count = 0;
    table->group = 0;
    table->row = 0;
}

void msim_parquet_table_close(struct msim_parquet_table **pointer)
{
    struct msim_parquet_table *table = pointer ? *pointer : NULL;

    if (!table)
        return;
    struct msim_allocator allocator = table->allocator;
    forget_selection(table);
    msim_bytes_finish(&table->texts);
    if (table->has_footer)
        msim_footer_finish(&table->footer);
    msim_parquet_file_close(&table->file);
    msim_mem_free(&allocator, table, sizeof *table);
    *pointer = NULL;
}

/* ---- what the file says ---- */

uint64_t msim_parquet_table_rows(const struct msim_parquet_table *table)
{
    return table ? (uint64_t)table->footer.row_count : 0;
}

size_t msim_parquet_table_groups(const struct msim_parquet_table *table)
{
    return table ? table->footer.group_count : 0;
}

size_t msim_parquet_table_columns(const struct msim_parquet_table *table)
{
    return table ? table->footer.leaf_count : 0;
}

int msim_parquet_table_field(const struct msim_parquet_table *table, size_t column,
                             struct msim_parquet_field *out)
{
    if (!table || !out || column >= table->footer.leaf_count)
        return MSIM_ERR_INVALID;
    const struct leaf *leaf = &table->footer.leaves[column];
    *out = (struct msim_parquet_field){.name = leaf->name,
                                       .type = msim_physical_name(leaf->physical),
                                       .is_flat = leaf->flat,
                                       .is_nullable = leaf->definition > 0,
                                       .is_bare = msim_cell_is_bare(leaf)};
    msim_cell_meaning(leaf, out->meaning);
    return MSIM_OK;
}

static void name_encodings(const struct chunk *chunk, char *out, size_t size)
{
    size_t length = 0;

    out[0] = '\0';
    for (int encoding = 0; encoding <= MSIM_ENCODINGS_OTHER && length < size; encoding++) {
        if (!(chunk->encodings >> encoding & 1))
            continue;
        int given = snprintf(out + length, size - length, "%s%s", length > 0 ? ", " : "",
                             msim_encoding_name(encoding));
        length += given > 0 ? (size_t)given : 0;
    }
}

/* A statistic as a text; false where it is none of the column's type. */
static bool print_bound(const struct msim_parquet_table *table, const struct leaf *leaf,
                        const struct bound *bound, char *out, size_t size)
{
    unsigned char bytes[8 + MSIM_PARQUET_PADDING] = {0};
    size_t width = leaf->physical == PHYSICAL_BOOLEAN
                       ? 1
                       : msim_physical_width(leaf->physical, leaf->type_length);
    struct msim_bytes text;

    if (!bound->known || (width > 0 && bound->length != width))
        return false;
    memcpy(bytes, bound->bytes, bound->length);
    msim_bytes_init(&text, size - 1, &table->allocator);
    int r = msim_cell_print(&text, leaf, (struct msim_text){bytes, bound->length});
    if (r >= 0) {
        memcpy(out, msim_bytes_front(&text), msim_bytes_length(&text));
        out[msim_bytes_length(&text)] = '\0';
    }
    msim_bytes_finish(&text);
    return r >= 0;
}

int msim_parquet_table_chunk(const struct msim_parquet_table *table, size_t group, size_t column,
                             struct msim_parquet_chunk *out)
{
    if (!table || !out || group >= table->footer.group_count || column >= table->footer.leaf_count)
        return MSIM_ERR_INVALID;
    const struct chunk *chunk = msim_footer_chunk(&table->footer, group, column);
    const struct leaf *leaf = &table->footer.leaves[column];
    *out = (struct msim_parquet_chunk){
        .rows = (uint64_t)table->footer.groups[group].row_count,
        .codec = msim_codec_name(chunk->codec),
        .compressed_size = (uint64_t)(chunk->compressed_size > 0 ? chunk->compressed_size : 0),
        .uncompressed_size =
            (uint64_t)(chunk->uncompressed_size > 0 ? chunk->uncompressed_size : 0),
        .nulls = chunk->null_count};
    name_encodings(chunk, out->encodings, sizeof out->encodings);
    out->has_range = print_bound(table, leaf, &chunk->min, out->min, sizeof out->min) &&
                     print_bound(table, leaf, &chunk->max, out->max, sizeof out->max);
    return MSIM_OK;
}

/* ---- rows ---- */

int msim_parquet_table_select(struct msim_parquet_table *table, const size_t *columns, size_t count,
                              struct msim_detail *detail)
{
    if (!table || !columns || count == 0)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "no column is selected");
    for (size_t i = 0; i < count; i++) {
        if (columns[i] >= table->footer.leaf_count)
            return msim_detail_set(detail, MSIM_ERR_INVALID, "%s: no column %zu", table->file.path,
                                   columns[i]);
        const struct leaf *leaf = &table->footer.leaves[columns[i]];
        if (!leaf->flat)
            return msim_detail_set(detail, MSIM_ERR_UNSUPPORTED,
                                   "%s, column %s: nested or repeated columns are not read: "
                                   "select others",
                                   table->file.path, leaf->name);
    }
    struct msim_cells *selected =
        msim_mem_zero_array(&table->allocator, count, sizeof *table->selected);
    size_t *ends = msim_mem_zero_array(&table->allocator, count, sizeof *table->ends);
    if (!selected || !ends) {
        msim_mem_free(&table->allocator, selected, count * sizeof *selected);
        msim_mem_free(&table->allocator, ends, count * sizeof *ends);
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "out of memory");
    }
    forget_selection(table);
    table->selected = selected;
    table->ends = ends;
    table->selected_count = count;
    for (size_t i = 0; i < count; i++)
        msim_cells_init(&selected[i], columns[i], &table->crc, &table->allocator);
    return MSIM_OK;
}

/* The group at hand has a row to give: 1; 0 at the end of the file. */
static int reach_row(struct msim_parquet_table *table, struct msim_detail *detail)
{
    while (table->group < table->footer.group_count) {
        if (table->row < (uint64_t)table->footer.groups[table->group].row_count) {
            if (table->is_open)
                return 1;
            for (size_t i = 0; i < table->selected_count; i++) {
                int r = msim_cells_open(&table->selected[i], &table->file, &table->footer,
                                        table->group, detail);
                if (r < 0)
                    return r;
            }
            table->is_open = true;
            return 1;
        }
        close_columns(table);
        table->group++;
        table->row = 0;
    }
    return 0;
}

static int read_cell(struct msim_parquet_table *table, struct msim_cells *selected, bool *is_null,
                     struct msim_detail *detail)
{
    const struct leaf *leaf = &table->footer.leaves[selected->leaf];
    struct msim_text value;

    int r = msim_cells_next(selected, MSIM_COLUMN_BATCH, &value, detail);
    *is_null = r == 0;
    if (r <= 0)
        return r;
    r = msim_cell_print(&table->texts, leaf, value);
    if (r < 0)
        return msim_detail_set(detail, r, "%s, column %s: a row's texts are too long: %s",
                               table->file.path, leaf->name, msim_result_text(r));
    return MSIM_OK;
}

int msim_parquet_table_row(struct msim_parquet_table *table, struct msim_parquet_cell *cells,
                           struct msim_detail *detail)
{
    if (!table || !cells || table->selected_count == 0)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "no column is selected");
    int r = reach_row(table, detail);
    if (r <= 0)
        return r < 0 ? r : MSIM_PULL_END;
    msim_bytes_take(&table->texts, msim_bytes_length(&table->texts));
    for (size_t i = 0; i < table->selected_count; i++) {
        r = read_cell(table, &table->selected[i], &cells[i].is_null, detail);
        if (r < 0)
            return r;
        table->ends[i] = msim_bytes_length(&table->texts);
    }
    /* The texts stay where they are only once all are there. */
    const char *texts = (const char *)msim_bytes_front(&table->texts);
    for (size_t i = 0; i < table->selected_count; i++) {
        size_t start = i > 0 ? table->ends[i - 1] : 0;
        cells[i].text = texts ? texts + start : "";
        cells[i].length = table->ends[i] - start;
    }
    table->row++;
    return MSIM_PULL_RECORD;
}
