/*
 * parquet-cat: the flat columns of a Parquet file as CSV or JSON lines, and what the
 * file says of itself.
 */
#include <marketsim/parquet.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/options.h"
#include "cli/terminal.h"

struct settings {
    struct option_list columns;
    uint64_t limit;
    bool json;
    bool meta;
    bool no_header;
    const char *null_text;
    char **paths;
    size_t path_count;
};

/* What would do nothing is refused. */
static int check_idle(const struct settings *settings)
{
    const char *of_csv = settings->no_header ? "no-header" : settings->null_text ? "null" : NULL;
    const char *of_rows = settings->columns.count > 0     ? "columns"
                          : settings->limit != UINT64_MAX ? "limit"
                                                          : of_csv;

    if (settings->meta && of_rows) {
        fprintf(stderr, "parquet-cat: --meta goes without --%s: it prints no rows\n", of_rows);
        return EXIT_USAGE;
    }
    if (settings->json && of_csv) {
        fprintf(stderr, "parquet-cat: --json goes without --%s, which is for CSV\n", of_csv);
        return EXIT_USAGE;
    }
    return -1;
}

static int read_settings(struct settings *settings, int argument_count, char **arguments)
{
    const struct option options[] = {
        {"columns", 'c', OPTION_LIST, &settings->columns, "LIST",
         "only these, in this order (price,volume)"},
        {"limit", 'n', OPTION_COUNT, &settings->limit, "N", "only the first N rows"},
        {"json", 'j', OPTION_FLAG, &settings->json, NULL, "an object for each row, a line each"},
        {"no-header", 0, OPTION_FLAG, &settings->no_header, NULL,
         "CSV without the line of the columns' names"},
        {"null", 0, OPTION_TEXT_OR_NONE, &settings->null_text, "TEXT",
         "what CSV has for a value that is not there (nothing)"},
        {"meta", 'm', OPTION_FLAG, &settings->meta, NULL,
         "in place of rows: schema, row groups, encodings, codecs,\nstatistics; with --json as "
         "one object"},
    };
    const struct command_line line = {
        .program = "parquet-cat",
        .usage = "[OPTIONS] FILE",
        .summary = "Prints the rows of a Parquet file's flat columns as CSV or JSON lines, or what "
                   "the\nfile says of itself.",
        .examples = "  parquet-cat --limit 10 trades.parquet\n"
                    "  parquet-cat --columns timestamp,price --json trades.parquet\n"
                    "  parquet-cat --meta trades.parquet\n",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
    };

    *settings = (struct settings){.limit = UINT64_MAX};
    int code =
        options_read(&line, argument_count, arguments, &settings->paths, &settings->path_count);
    if (code >= 0)
        return code;
    if (settings->path_count != 1) {
        fprintf(stderr, "parquet-cat: name one Parquet file; see parquet-cat --help\n");
        return EXIT_USAGE;
    }
    code = check_idle(settings);
    if (code < 0 && !settings->null_text)
        settings->null_text = "";
    return code;
}

/* ---- texts as CSV (RFC 4180) and JSON (RFC 8259) ---- */

static void print_quoted(const char *text, size_t length)
{
    putchar('"');
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '"')
            putchar('"');
        putchar(text[i]);
    }
    putchar('"');
}

static bool needs_quotes(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (strchr("\",\r\n", text[i]) || text[i] == '\0')
            return true;
    return length == 0;
}

static void print_csv_text(const char *text, size_t length)
{
    if (needs_quotes(text, length))
        print_quoted(text, length);
    else
        fwrite(text, 1, length, stdout);
}

static void print_json_text(const char *text, size_t length)
{
    putchar('"');
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte == '"' || byte == '\\')
            printf("\\%c", byte);
        else if (byte == '\n')
            fputs("\\n", stdout);
        else if (byte < ' ')
            printf("\\u%04x", byte);
        else
            putchar(byte);
    }
    putchar('"');
}

/* JSON has no NaN and no infinity: they are texts. */
static bool is_json_value(const struct msim_parquet_cell *cell)
{
    const char *first = cell->text + (cell->text[0] == '-');
    bool truth = (cell->length == 4 && memcmp(cell->text, "true", 4) == 0) ||
                 (cell->length == 5 && memcmp(cell->text, "false", 5) == 0);

    return truth || (*first >= '0' && *first <= '9');
}

static void print_json_cell(const struct msim_parquet_field *field,
                            const struct msim_parquet_cell *cell)
{
    if (cell->is_null)
        fputs("null", stdout);
    else if (field->is_bare && is_json_value(cell))
        fwrite(cell->text, 1, cell->length, stdout);
    else
        print_json_text(cell->text, cell->length);
}

/* ---- rows ---- */

struct view {
    struct msim_parquet_field *fields;
    struct msim_parquet_cell *cells;
    size_t *columns;
    size_t count;
};

static void free_view(struct view *view)
{
    free(view->fields);
    free(view->cells);
    free(view->columns);
}

static int find_column(const struct msim_parquet_table *table, const char *name, size_t *column)
{
    struct msim_parquet_field field;

    for (size_t i = 0; msim_parquet_table_field(table, i, &field) == MSIM_OK; i++) {
        if (strcmp(field.name, name) != 0)
            continue;
        *column = i;
        return MSIM_OK;
    }
    fprintf(stderr, "parquet-cat: no column '%s'; see --meta for those that there are\n", name);
    return MSIM_ERR_NOT_FOUND;
}

/* The columns that are named, or all flat ones. */
static int make_view(struct view *view, const struct settings *settings,
                     const struct msim_parquet_table *table)
{
    size_t all = msim_parquet_table_columns(table);
    size_t most = settings->columns.count > 0 ? settings->columns.count : all;

    *view = (struct view){.fields = calloc(most + 1, sizeof *view->fields),
                          .cells = calloc(most + 1, sizeof *view->cells),
                          .columns = calloc(most + 1, sizeof *view->columns)};
    if (!view->fields || !view->cells || !view->columns) {
        fprintf(stderr, "parquet-cat: out of memory\n");
        return MSIM_ERR_NOMEM;
    }
    for (size_t i = 0; i < settings->columns.count; i++) {
        int r = find_column(table, settings->columns.items[i], &view->columns[i]);
        if (r < 0)
            return r;
        view->count++;
    }
    for (size_t i = 0; settings->columns.count == 0 && i < all; i++) {
        msim_parquet_table_field(table, i, &view->fields[0]);
        if (view->fields[0].is_flat)
            view->columns[view->count++] = i;
        else
            fprintf(stderr, "parquet-cat: column '%s' is nested or repeated: left out\n",
                    view->fields[0].name);
    }
    for (size_t i = 0; i < view->count; i++)
        msim_parquet_table_field(table, view->columns[i], &view->fields[i]);
    return MSIM_OK;
}

static void print_csv_row(const struct view *view, const char *null_text)
{
    for (size_t i = 0; i < view->count; i++) {
        if (i > 0)
            putchar(',');
        if (view->cells[i].is_null)
            fputs(null_text, stdout);
        else
            print_csv_text(view->cells[i].text, view->cells[i].length);
    }
    putchar('\n');
}

static void print_json_row(const struct view *view)
{
    for (size_t i = 0; i < view->count; i++) {
        fputs(i > 0 ? ", " : "{", stdout);
        print_json_text(view->fields[i].name, strlen(view->fields[i].name));
        fputs(": ", stdout);
        print_json_cell(&view->fields[i], &view->cells[i]);
    }
    fputs("}\n", stdout);
}

static int print_rows(const struct settings *settings, struct msim_parquet_table *table,
                      struct view *view, struct msim_detail *detail)
{
    int r = msim_parquet_table_select(table, view->columns, view->count, detail);
    if (r < 0)
        return r;
    for (size_t i = 0; i < view->count && !settings->json && !settings->no_header; i++) {
        if (i > 0)
            putchar(',');
        print_csv_text(view->fields[i].name, strlen(view->fields[i].name));
    }
    if (!settings->json && !settings->no_header)
        putchar('\n');
    for (uint64_t row = 0; row < settings->limit && !ferror(stdout); row++) {
        r = msim_parquet_table_row(table, view->cells, detail);
        if (r < 0 || r == MSIM_PULL_END)
            return r;
        if (settings->json)
            print_json_row(view);
        else
            print_csv_row(view, settings->null_text);
    }
    return MSIM_OK;
}

static int show_rows(const struct settings *settings, struct msim_parquet_table *table,
                     struct msim_detail *detail)
{
    struct view view;

    int r = make_view(&view, settings, table);
    if (r >= 0)
        r = print_rows(settings, table, &view, detail);
    free_view(&view);
    return r;
}

/* ---- the file itself ---- */

/* A whole number's meaning may be its type again. */
static bool says_more(const struct msim_parquet_field *field)
{
    return field->meaning[0] && strcmp(field->meaning, field->type) != 0;
}

static void print_meta_text(const struct msim_parquet_table *table)
{
    struct msim_parquet_field field;
    struct msim_parquet_chunk chunk;

    printf("rows: %" PRIu64 "\nrow groups: %zu\ncolumns:\n", msim_parquet_table_rows(table),
           msim_parquet_table_groups(table));
    for (size_t i = 0; msim_parquet_table_field(table, i, &field) == MSIM_OK; i++)
        printf("  %s  %s%s%s  %s%s\n", field.name, field.type, says_more(&field) ? " " : "",
               says_more(&field) ? field.meaning : "", field.is_nullable ? "nullable" : "required",
               field.is_flat ? "" : ", nested or repeated");
    for (size_t group = 0; group < msim_parquet_table_groups(table); group++) {
        for (size_t i = 0; msim_parquet_table_chunk(table, group, i, &chunk) == MSIM_OK; i++) {
            if (i == 0)
                printf("row group %zu: %" PRIu64 " row%s\n", group, chunk.rows,
                       chunk.rows == 1 ? "" : "s");
            msim_parquet_table_field(table, i, &field);
            printf("  %s  %s  %s  %" PRIu64 " of %" PRIu64 " bytes", field.name, chunk.codec,
                   chunk.encodings, chunk.compressed_size, chunk.uncompressed_size);
            if (chunk.nulls >= 0)
                printf("  %" PRId64 " nulls", chunk.nulls);
            if (chunk.has_range)
                printf("  %s .. %s", chunk.min, chunk.max);
            putchar('\n');
        }
    }
}

static void print_meta_chunk(const struct msim_parquet_chunk *chunk)
{
    printf("{\"codec\": \"%s\", \"encodings\": \"%s\", \"compressed_size\": %" PRIu64
           ", \"uncompressed_size\": %" PRIu64,
           chunk->codec, chunk->encodings, chunk->compressed_size, chunk->uncompressed_size);
    if (chunk->nulls >= 0)
        printf(", \"nulls\": %" PRId64, chunk->nulls);
    if (chunk->has_range) {
        fputs(", \"min\": ", stdout);
        print_json_text(chunk->min, strlen(chunk->min));
        fputs(", \"max\": ", stdout);
        print_json_text(chunk->max, strlen(chunk->max));
    }
    putchar('}');
}

static void print_meta_json(const struct msim_parquet_table *table)
{
    struct msim_parquet_field field;
    struct msim_parquet_chunk chunk;

    printf("{\"rows\": %" PRIu64 ", \"columns\": [", msim_parquet_table_rows(table));
    for (size_t i = 0; msim_parquet_table_field(table, i, &field) == MSIM_OK; i++) {
        fputs(i > 0 ? ", {\"name\": " : "{\"name\": ", stdout);
        print_json_text(field.name, strlen(field.name));
        printf(", \"type\": \"%s\", \"meaning\": \"%s\", \"nullable\": %s, \"flat\": %s}",
               field.type, field.meaning, field.is_nullable ? "true" : "false",
               field.is_flat ? "true" : "false");
    }
    fputs("], \"row_groups\": [", stdout);
    for (size_t group = 0; group < msim_parquet_table_groups(table); group++) {
        msim_parquet_table_chunk(table, group, 0, &chunk);
        printf("%s{\"rows\": %" PRIu64 ", \"columns\": [", group > 0 ? ", " : "", chunk.rows);
        for (size_t i = 0; msim_parquet_table_chunk(table, group, i, &chunk) == MSIM_OK; i++) {
            fputs(i > 0 ? ", " : "", stdout);
            print_meta_chunk(&chunk);
        }
        fputs("]}", stdout);
    }
    fputs("]}\n", stdout);
}

int main(int argument_count, char **arguments)
{
    struct settings settings;
    struct msim_parquet_table *table = NULL;
    struct msim_detail detail = {{0}};

    int code = read_settings(&settings, argument_count, arguments);
    if (code >= 0) {
        option_list_finish(&settings.columns);
        return code;
    }
    int r = msim_parquet_table_open(&table, settings.paths[0], NULL, &detail);
    if (r >= 0 && settings.meta && settings.json)
        print_meta_json(table);
    else if (r >= 0 && settings.meta)
        print_meta_text(table);
    else if (r >= 0)
        r = show_rows(&settings, table, &detail);
    msim_parquet_table_close(&table);
    option_list_finish(&settings.columns);
    if (r < 0 && detail.text[0])
        fprintf(stderr, "parquet-cat: %s\n", detail.text);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("parquet-cat: standard output");
        return EXIT_FAILURE;
    }
    return exit_code_of(r);
}
