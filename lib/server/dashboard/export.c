#include <string.h>

#include "base/json.h"
#include "server/dashboard/inside.h"

/* A column is its key as it stands in the rows, quotes and escapes and all: it is written in one
 * way only, so that equal keys are equal bytes. */
struct columns {
    const char *keys[2 * MSIM_CSV_MAX_COLUMNS];
    size_t lengths[2 * MSIM_CSV_MAX_COLUMNS];
    size_t count;
};

struct cell {
    const char *text; /* of the row's JSON */
    size_t start;
    size_t end;
    enum msim_json_kind kind; /* MSIM_JSON_END: the row has none */
};

/* ---- cells ---- */

static bool looks_like_formula(const char *text, size_t length)
{
    return length > 0 && strchr("=+-@\t\r", text[0]) && text[0] != '\0';
}

static bool wants_quotes(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] == ',' || text[i] == '"' || text[i] == '\n' || text[i] == '\r')
            return true;
    return false;
}

static int put_quoted(struct msim_bytes *out, const char *text, size_t length)
{
    int r = msim_bytes_append(out, "\"", 1);

    for (size_t i = 0; r >= 0 && i < length; i++) {
        if (text[i] == '"')
            r = msim_bytes_append(out, "\"", 1);
        if (r >= 0)
            r = msim_bytes_append(out, text + i, 1);
    }
    return r < 0 ? r : msim_bytes_append(out, "\"", 1);
}

/* A JSON string's characters; what is written is unescaped in place, behind what it becomes. */
static int put_string(struct msim_bytes *out, const char *json, size_t start, size_t end)
{
    char plain[MSIM_CSV_MAX_ROW_BYTES + 8];
    size_t length = 0;
    int r = msim_json_string(json, start, end, plain + 1, sizeof plain - 1, &length);
    char *text = plain + 1;

    if (r < 0)
        return r;
    if (looks_like_formula(text, length)) {
        *--text = '\'';
        length++;
    }
    return wants_quotes(text, length) ? put_quoted(out, text, length)
                                      : msim_bytes_append(out, text, length);
}

static int put_cell(struct msim_bytes *out, const struct cell *cell)
{
    if (cell->kind == MSIM_JSON_STRING)
        return put_string(out, cell->text, cell->start, cell->end);
    if (cell->kind == MSIM_JSON_NUMBER)
        return msim_bytes_append(out, cell->text + cell->start, cell->end - cell->start);
    return MSIM_OK;
}

/* ---- columns ---- */

static size_t find_column(const struct columns *columns, const char *key, size_t length)
{
    size_t i = 0;

    while (i < columns->count &&
           (columns->lengths[i] != length || memcmp(columns->keys[i], key, length) != 0))
        i++;
    return i;
}

static int add_column(struct columns *columns, const char *key, size_t length)
{
    if (columns->count == sizeof columns->keys / sizeof columns->keys[0])
        return MSIM_ERR_LIMIT;
    columns->keys[columns->count] = key;
    columns->lengths[columns->count++] = length;
    return MSIM_OK;
}

/* Goes through a row's members: into `cells` where that is given, else into `columns`. */
static int read_row(const struct msim_row *row, struct columns *columns, struct cell *cells)
{
    const char *text = row->block->json + row->json;
    struct msim_json_reader reader;
    struct msim_json_token token;
    int kind;

    msim_json_init(&reader, text, row->json_length, NULL);
    while ((kind = msim_json_next(&reader, &token)) > MSIM_JSON_END) {
        if (token.depth != 1)
            continue;
        const char *key = text + token.key_start;
        size_t length = token.key_end - token.key_start;
        size_t column = find_column(columns, key, length);
        if (column == columns->count) {
            int r = add_column(columns, key, length);
            if (r < 0)
                return r;
        }
        if (cells)
            cells[column] = (struct cell){text, token.start, token.end, token.kind};
    }
    return kind < 0 ? kind : MSIM_OK;
}

static int put_header(struct msim_bytes *out, const struct columns *columns)
{
    int r = MSIM_OK;

    for (size_t i = 0; r >= 0 && i < columns->count; i++) {
        if (i > 0)
            r = msim_bytes_append(out, ",", 1);
        if (r >= 0)
            r = put_string(out, columns->keys[i], 0, columns->lengths[i]);
    }
    return r < 0 ? r : msim_bytes_append(out, "\r\n", 2);
}

static int put_row(struct msim_bytes *out, const struct msim_row *row, struct columns *columns)
{
    struct cell cells[2 * MSIM_CSV_MAX_COLUMNS];

    for (size_t i = 0; i < columns->count; i++)
        cells[i].kind = MSIM_JSON_END;
    int r = read_row(row, columns, cells);
    for (size_t i = 0; r >= 0 && i < columns->count; i++) {
        if (i > 0)
            r = msim_bytes_append(out, ",", 1);
        if (r >= 0)
            r = put_cell(out, &cells[i]);
    }
    return r < 0 ? r : msim_bytes_append(out, "\r\n", 2);
}

/* The schema's own columns come first, so that an empty table has a header as well. */
static void add_fields(struct columns *columns, enum msim_table_kind kind)
{
    static const char *const trades[] = {
        "\"timestamp\"", "\"symbol\"",      "\"side\"",     "\"quantity\"",
        "\"price\"",     "\"profit_loss\"", "\"strategy\"",
    };
    static const char *const market[] = {
        "\"timestamp\"", "\"symbol\"", "\"open\"",
        "\"high\"",      "\"low\"",    "\"close\"",
        "\"volume\"",    "\"rsi\"",    "\"signal_strength\"",
    };
    const char *const *fields = kind == MSIM_TABLE_TRADES ? trades : market;

    for (size_t i = 0; i < msim_table_schemas[kind].field_count; i++)
        add_column(columns, fields[i], strlen(fields[i]));
}

int msim_export_rows(struct msim_bytes *out, enum msim_table_kind kind,
                     const struct msim_row *const *rows, size_t count)
{
    struct columns columns = {.count = 0};
    int r = MSIM_OK;

    add_fields(&columns, kind);
    for (size_t i = 0; r >= 0 && i < count; i++)
        r = read_row(rows[i], &columns, NULL);
    if (r >= 0)
        r = put_header(out, &columns);
    for (size_t i = 0; r >= 0 && i < count; i++)
        r = put_row(out, rows[i], &columns);
    return r;
}
