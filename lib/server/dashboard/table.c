#include "server/dashboard/table.h"

#include <string.h>

#include "base/detail.h"
#include "base/json.h"
#include "base/mem.h"
#include "server/dashboard/exact.h"

/* Buffers up to this are kept between pushes. */
#define KEPT_BYTES ((size_t)1 << 20)
#define KEPT_ROWS ((size_t)4096)

static const struct msim_csv_field trade_fields[] = {
    {"timestamp", MSIM_CSV_TEXT},  {"symbol", MSIM_CSV_TEXT},  {"side", MSIM_CSV_TEXT},
    {"quantity", MSIM_CSV_NUMBER}, {"price", MSIM_CSV_NUMBER}, {"profit_loss", MSIM_CSV_NUMBER},
    {"strategy", MSIM_CSV_TEXT},
};

static const struct msim_csv_field market_fields[] = {
    {"timestamp", MSIM_CSV_TEXT}, {"symbol", MSIM_CSV_TEXT}, {"open", MSIM_CSV_NUMBER},
    {"high", MSIM_CSV_NUMBER},    {"low", MSIM_CSV_NUMBER},  {"close", MSIM_CSV_NUMBER},
    {"volume", MSIM_CSV_NUMBER},  {"rsi", MSIM_CSV_NUMBER},  {"signal_strength", MSIM_CSV_NUMBER},
};

const struct msim_csv_schema msim_table_schemas[MSIM_TABLE_KINDS] = {
    {"trades_csv", trade_fields, sizeof trade_fields / sizeof trade_fields[0], MSIM_TABLE_MAX_ROWS},
    {"market_data_csv", market_fields, sizeof market_fields / sizeof market_fields[0],
     MSIM_TABLE_MAX_ROWS},
};

/* Which field a pick is of; -1: none. */
static const int picked_fields[MSIM_TABLE_KINDS][MSIM_PICKS] = {
    {0, 1, 2, 6, 3, 5},
    {0, 1, -1, -1, 6, -1},
};

/* ---- JSON ---- */

static bool stands_for_itself(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x20 || c == '"' || c == '\\' || c == 0x7F)
            return false;
    }
    return true;
}

static int put_string(struct msim_bytes *out, const char *text, size_t length)
{
    unsigned char *room;
    struct msim_json_writer writer;

    if (!stands_for_itself(text, length)) {
        msim_json_write_bytes(&writer, out);
        msim_json_write_string(&writer, text, length);
        return msim_json_write_end(&writer, NULL);
    }
    int r = msim_bytes_reserve(out, length + 2, &room);
    if (r < 0)
        return r;
    room[0] = '"';
    memcpy(room + 1, text, length);
    room[length + 1] = '"';
    msim_bytes_commit(out, length + 2);
    return MSIM_OK;
}

/* +1, .5, 1., 007 as JSON has them: 1, 0.5, 1, 7. */
static int put_loose(struct msim_bytes *out, const char *text, size_t length)
{
    unsigned char *room;
    size_t at = 0;
    size_t size = 0;

    int r = msim_bytes_reserve(out, length + 2, &room);
    if (r < 0)
        return r;
    if (text[at] == '-')
        room[size++] = '-';
    if (text[at] == '-' || text[at] == '+')
        at++;
    while (at + 1 < length && text[at] == '0' && text[at + 1] >= '0' && text[at + 1] <= '9')
        at++;
    if (text[at] == '.')
        room[size++] = '0';
    while (at < length) {
        bool ends_bare =
            text[at] == '.' && (at + 1 == length || text[at + 1] < '0' || text[at + 1] > '9');
        if (!ends_bare)
            room[size++] = (unsigned char)text[at];
        at++;
    }
    msim_bytes_commit(out, size);
    return MSIM_OK;
}

static int put_cell(struct msim_bytes *out, const struct msim_csv_cell *cell)
{
    switch (cell->kind) {
    case MSIM_CSV_EMPTY:
        return msim_bytes_append(out, "null", 4);
    case MSIM_CSV_PLAIN:
        return msim_bytes_append(out, cell->text, cell->length);
    case MSIM_CSV_LOOSE:
        return put_loose(out, cell->text, cell->length);
    case MSIM_CSV_WORDS:
        return put_string(out, cell->text, cell->length);
    }
    return MSIM_ERR_INVALID;
}

/* ---- the reading ---- */

static int take_header(void *context, const struct msim_csv *csv)
{
    struct msim_table *table = context;

    for (size_t i = 0; i < csv->column_count; i++) {
        size_t before = msim_bytes_length(&table->keys);
        int r = msim_bytes_append(&table->keys, i > 0 ? "," : "{", 1);
        if (r >= 0)
            r = put_string(&table->keys, csv->names[i], strlen(csv->names[i]));
        if (r >= 0)
            r = msim_bytes_append(&table->keys, ":", 1);
        if (r < 0)
            return r;
        table->key_lengths[i] = msim_bytes_length(&table->keys) - before;
    }
    return MSIM_OK;
}

static int pick(struct msim_table *table, const struct msim_csv *csv,
                const struct msim_csv_cell *cells, struct msim_table_row *row)
{
    row->picked = msim_bytes_length(&table->picks);
    for (size_t i = 0; i < MSIM_PICKS; i++) {
        int field = picked_fields[table->kind][i];
        row->lengths[i] = 0;
        if (field < 0)
            continue;
        const struct msim_csv_cell *cell = &cells[csv->places[field]];
        if (cell->kind == MSIM_CSV_EMPTY)
            continue;
        row->lengths[i] = (uint16_t)cell->length;
        int r = msim_bytes_append(&table->picks, cell->text, cell->length);
        if (r < 0)
            return r;
    }
    return MSIM_OK;
}

/* A number that no sum could hold; most are too short for that. */
static bool is_out_of_range(const struct msim_csv *csv, const struct msim_csv_cell *cell, int field)
{
    if (field < 0 || csv->schema->fields[field].type != MSIM_CSV_NUMBER || cell->length == 0 ||
        cell->kind == MSIM_CSV_EMPTY)
        return false;
    if (cell->length <= MSIM_EXACT_SIDE && !memchr(cell->text, 'e', cell->length) &&
        !memchr(cell->text, 'E', cell->length))
        return false;
    return msim_exact_check(cell->text, cell->length) < 0;
}

static int take_row(void *context, const struct msim_csv *csv, const struct msim_csv_cell *cells)
{
    struct msim_table *table = context;
    const char *key = (const char *)msim_bytes_front(&table->keys);
    void *rows = table->rows;

    int r = msim_mem_grow(&table->allocator, &rows, &table->row_capacity, sizeof *table->rows,
                          table->row_count + 1, MSIM_TABLE_MAX_ROWS);
    if (r < 0)
        return r;
    table->rows = rows;
    struct msim_table_row *row = &table->rows[table->row_count];
    if (table->row_count > 0)
        r = msim_bytes_append(&table->json, ",", 1);
    row->json = msim_bytes_length(&table->json);
    for (size_t i = 0; r >= 0 && i < csv->column_count; i++) {
        if (is_out_of_range(csv, &cells[i], csv->fields[i]))
            return msim_csv_refuse(&table->csv, i, &cells[i],
                                   "has more than 45 digits before or behind the point");
        r = msim_bytes_append(&table->json, key, table->key_lengths[i]);
        if (r >= 0)
            r = put_cell(&table->json, &cells[i]);
        key += table->key_lengths[i];
    }
    if (r >= 0)
        r = msim_bytes_append(&table->json, "}", 1);
    if (r >= 0)
        r = pick(table, csv, cells, row);
    if (r < 0)
        return r;
    row->json_length = msim_bytes_length(&table->json) - row->json;
    table->row_count++;
    return MSIM_OK;
}

int msim_table_feed(struct msim_table *table, const void *bytes, size_t length)
{
    return msim_csv_feed(&table->csv, bytes, length);
}

int msim_table_end(struct msim_table *table)
{
    return msim_csv_end(&table->csv);
}

void msim_table_explain(const struct msim_table *table, int failure, struct msim_detail *detail)
{
    if (table->csv.error.reason[0] != '\0')
        msim_csv_explain(&table->csv, detail);
    else
        msim_detail_set(detail, failure, "%s: %s", table->csv.schema->file,
                        msim_result_text(failure));
}

const char *msim_table_picked(const struct msim_table *table, const struct msim_table_row *row,
                              enum msim_table_pick which, size_t *length)
{
    const char *text = (const char *)msim_bytes_front(&table->picks) + row->picked;

    for (size_t i = 0; i < (size_t)which; i++)
        text += row->lengths[i];
    *length = row->lengths[which];
    return text;
}

/* ---- life ---- */

static void begin(struct msim_table *table)
{
    const struct msim_csv_sink sink = {.header = take_header, .row = take_row, .context = table};

    msim_csv_init(&table->csv, &msim_table_schemas[table->kind], &sink, &table->allocator);
}

struct msim_table *msim_table_create(enum msim_table_kind kind,
                                     const struct msim_allocator *allocator)
{
    struct msim_table *table = msim_mem_take(allocator, sizeof *table);

    if (!table)
        return NULL;
    memset(table, 0, offsetof(struct msim_table, csv));
    table->kind = kind;
    table->allocator = *allocator;
    msim_bytes_init(&table->json, MSIM_TABLE_MAX_JSON, allocator);
    msim_bytes_init(&table->picks, MSIM_TABLE_MAX_JSON, allocator);
    msim_bytes_init(&table->keys, MSIM_TABLE_MAX_JSON, allocator);
    table->rows = NULL;
    table->row_capacity = table->row_count = 0;
    begin(table);
    return table;
}

static void empty(struct msim_bytes *bytes)
{
    msim_bytes_take(bytes, msim_bytes_length(bytes));
    msim_bytes_shrink(bytes, KEPT_BYTES);
}

void msim_table_reset(struct msim_table *table)
{
    msim_csv_finish(&table->csv);
    empty(&table->json);
    empty(&table->picks);
    empty(&table->keys);
    table->row_count = 0;
    if (table->row_capacity > KEPT_ROWS) {
        msim_mem_free(&table->allocator, table->rows, table->row_capacity * sizeof *table->rows);
        table->rows = NULL;
        table->row_capacity = 0;
    }
    begin(table);
}

void msim_table_destroy(struct msim_table **handle)
{
    struct msim_table *table = handle ? *handle : NULL;
    if (!table)
        return;

    msim_csv_finish(&table->csv);
    msim_bytes_finish(&table->json);
    msim_bytes_finish(&table->picks);
    msim_bytes_finish(&table->keys);
    struct msim_allocator allocator = table->allocator;
    msim_mem_free(&allocator, table->rows, table->row_capacity * sizeof *table->rows);
    msim_mem_free(&allocator, table, sizeof *table);
    *handle = NULL;
}
