#include "base/csv.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/detail.h"
#include "base/utf8.h"

#define MARK "\xEF\xBB\xBF"
#define MARK_LENGTH 3

/* How much of a bad cell is shown. */
#define SHOWN 40

void msim_csv_init(struct msim_csv *csv, const struct msim_csv_schema *schema,
                   const struct msim_csv_sink *sink, const struct msim_allocator *allocator)
{
    memset(csv, 0, offsetof(struct msim_csv, cells));
    csv->schema = schema;
    csv->sink = *sink;
    csv->line = 1;
    /* The row that waits, and behind it what comes next. */
    msim_bytes_init(&csv->waiting, SIZE_MAX / 4, allocator);
}

void msim_csv_finish(struct msim_csv *csv)
{
    msim_bytes_finish(&csv->waiting);
}

/* ---- failures ---- */

static int fail(struct msim_csv *csv, int result, const char *column, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static int fail(struct msim_csv *csv, int result, const char *column, const char *format, ...)
{
    va_list arguments;

    csv->error.line = csv->line;
    snprintf(csv->error.column, sizeof csv->error.column, "%s", column);
    va_start(arguments, format);
    msim_detail_print(csv->error.reason, sizeof csv->error.reason, format, arguments);
    va_end(arguments);
    msim_detail_clean(csv->error.column);
    return result;
}

void msim_csv_explain(const struct msim_csv *csv, struct msim_detail *detail)
{
    const struct msim_csv_error *error = &csv->error;

    if (error->line == 0)
        msim_detail_set(detail, MSIM_ERR_FORMAT, "%s: %s", csv->schema->file, error->reason);
    else if (error->column[0] == '\0')
        msim_detail_set(detail, MSIM_ERR_FORMAT, "%s, line %zu: %s", csv->schema->file, error->line,
                        error->reason);
    else
        msim_detail_set(detail, MSIM_ERR_FORMAT, "%s, line %zu, column %s: %s", csv->schema->file,
                        error->line, error->column, error->reason);
}

int msim_csv_refuse(struct msim_csv *csv, size_t column, const struct msim_csv_cell *cell,
                    const char *words)
{
    return fail(csv, MSIM_ERR_FORMAT, csv->names[column], "'%.*s'%s %s",
                cell->length > SHOWN ? SHOWN : (int)cell->length, cell->text,
                cell->length > SHOWN ? "..." : "", words);
}

/* ---- numbers ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t digits(const char *text, size_t at, size_t length)
{
    while (at < length && is_digit(text[at]))
        at++;
    return at;
}

/* The words that pandas and spreadsheets have for no number. */
static bool is_nothing(const char *text, size_t length)
{
    static const char *const words[] = {
        "nan", "NaN", "NAN", "null", "NULL", "None", "NA", "N/A", "n/a", "<NA>", "#N/A", "-nan",
    };

    if (length > 4)
        return false;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strlen(words[i]) == length && memcmp(words[i], text, length) == 0)
            return true;
    return false;
}

enum msim_csv_kind msim_csv_number(const char *text, size_t length)
{
    bool loose = false;
    size_t at = 0;

    if (length == 0)
        return MSIM_CSV_EMPTY;
    if (text[0] == '-' || text[0] == '+') {
        loose = text[0] == '+';
        at = 1;
    }
    size_t whole = digits(text, at, length) - at;
    loose = loose || whole == 0 || (whole > 1 && text[at] == '0');
    at += whole;
    size_t fraction = 0;
    if (at < length && text[at] == '.') {
        size_t end = digits(text, at + 1, length);
        fraction = end - at - 1;
        loose = loose || fraction == 0;
        at = end;
    }
    if (whole + fraction == 0)
        return is_nothing(text, length) ? MSIM_CSV_EMPTY : MSIM_CSV_WORDS;
    if (at < length && (text[at] == 'e' || text[at] == 'E')) {
        at++;
        if (at < length && (text[at] == '-' || text[at] == '+'))
            at++;
        size_t end = digits(text, at, length);
        if (end == at)
            return MSIM_CSV_WORDS;
        at = end;
    }
    if (at < length)
        return MSIM_CSV_WORDS;
    return loose ? MSIM_CSV_LOOSE : MSIM_CSV_PLAIN;
}

static void trim(struct msim_csv_cell *cell)
{
    while (cell->length > 0 && (cell->text[0] == ' ' || cell->text[0] == '\t')) {
        cell->text++;
        cell->length--;
    }
    while (cell->length > 0 &&
           (cell->text[cell->length - 1] == ' ' || cell->text[cell->length - 1] == '\t'))
        cell->length--;
}

static int check_cell(struct msim_csv *csv, size_t column)
{
    struct msim_csv_cell *cell = &csv->cells[column];
    int field = csv->fields[column];
    bool is_number = field >= 0 && csv->schema->fields[field].type == MSIM_CSV_NUMBER;

    if (cell->length == 0) {
        cell->kind = MSIM_CSV_EMPTY;
        return MSIM_OK;
    }
    /* A further column's number is one only as JSON has it: 007 is somebody's name. */
    if (!is_number) {
        cell->kind = field < 0 && msim_csv_number(cell->text, cell->length) == MSIM_CSV_PLAIN
                         ? MSIM_CSV_PLAIN
                         : MSIM_CSV_WORDS;
        return MSIM_OK;
    }
    cell->kind = msim_csv_number(cell->text, cell->length);
    if (cell->kind == MSIM_CSV_WORDS) {
        trim(cell);
        cell->kind = msim_csv_number(cell->text, cell->length);
    }
    if (cell->kind != MSIM_CSV_WORDS)
        return MSIM_OK;
    return msim_csv_refuse(csv, column, cell, "is not a number");
}

/* ---- a row's cells ---- */

static int too_many(struct msim_csv *csv)
{
    return fail(csv, MSIM_ERR_LIMIT, "", "more than %d columns", MSIM_CSV_MAX_COLUMNS);
}

static int split_plain(struct msim_csv *csv, const char *row, size_t length, size_t *count)
{
    const char *end = row + length;

    for (const char *at = row;; at++) {
        const char *start = at;
        if (*count == MSIM_CSV_MAX_COLUMNS)
            return too_many(csv);
        while (at < end && *at != ',')
            at++;
        csv->cells[*count].text = start;
        csv->cells[(*count)++].length = (size_t)(at - start);
        if (at == end)
            return MSIM_OK;
    }
}

/* A quoted cell from behind its first quote, to behind its last one. */
static int read_quoted(struct msim_csv *csv, const char **at, const char *end, char **out,
                       struct msim_csv_cell *cell)
{
    cell->text = *out;
    for (;;) {
        const char *quote = memchr(*at, '"', (size_t)(end - *at));
        if (!quote)
            return fail(csv, MSIM_ERR_FORMAT, "", "a quote that is opened and not closed");
        memcpy(*out, *at, (size_t)(quote - *at));
        *out += quote - *at;
        *at = quote + 1;
        if (*at == end || **at != '"')
            break;
        *(*out)++ = '"';
        (*at)++;
    }
    cell->length = (size_t)(*out - cell->text);
    return MSIM_OK;
}

static int split_quoted(struct msim_csv *csv, const char *row, size_t length, size_t *count)
{
    const char *end = row + length;
    char *out = csv->unquoted;

    for (const char *at = row;; at++) {
        if (*count == MSIM_CSV_MAX_COLUMNS)
            return too_many(csv);
        struct msim_csv_cell *cell = &csv->cells[(*count)++];
        if (at < end && *at == '"') {
            at++;
            int r = read_quoted(csv, &at, end, &out, cell);
            if (r < 0)
                return r;
            if (at < end && *at != ',')
                return fail(csv, MSIM_ERR_FORMAT, "", "text behind the closing quote of cell %zu",
                            *count);
        } else {
            cell->text = at;
            while (at < end && *at != ',' && *at != '"')
                at++;
            if (at < end && *at == '"')
                return fail(csv, MSIM_ERR_FORMAT, "",
                            "a quote within cell %zu, which does not begin with one", *count);
            cell->length = (size_t)(at - cell->text);
        }
        if (at == end)
            return MSIM_OK;
    }
}

/* ---- the header ---- */

static int add_name(struct msim_csv *csv, size_t column, const struct msim_csv_cell *cell)
{
    char *name = csv->names[column];

    if (cell->length >= MSIM_CSV_NAME_SIZE)
        return fail(csv, MSIM_ERR_LIMIT, "", "the name of column %zu is longer than %d bytes",
                    column + 1, MSIM_CSV_NAME_SIZE - 1);
    /* An index without a name, as pandas writes it, under the name that pandas reads. */
    if (cell->length == 0) {
        snprintf(name, MSIM_CSV_NAME_SIZE, "Unnamed: %zu", column);
    } else {
        memcpy(name, cell->text, cell->length);
        name[cell->length] = '\0';
    }
    for (size_t i = 0; i < column; i++)
        if (strcmp(csv->names[i], name) == 0)
            return fail(csv, MSIM_ERR_FORMAT, name, "this column stands twice in the header");
    csv->fields[column] = -1;
    return MSIM_OK;
}

static int find_fields(struct msim_csv *csv)
{
    const struct msim_csv_schema *schema = csv->schema;

    for (size_t i = 0; i < schema->field_count; i++) {
        size_t column = 0;
        while (column < csv->column_count &&
               strcmp(csv->names[column], schema->fields[i].name) != 0)
            column++;
        if (column == csv->column_count) {
            csv->missing = &schema->fields[i];
            return fail(csv, MSIM_ERR_FORMAT, schema->fields[i].name,
                        "this column is missing in the header");
        }
        csv->places[i] = column;
        csv->fields[column] = (int)i;
    }
    return MSIM_OK;
}

static int take_header(struct msim_csv *csv, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        trim(&csv->cells[i]);
        int r = add_name(csv, i, &csv->cells[i]);
        if (r < 0)
            return r;
    }
    csv->column_count = count;
    int r = find_fields(csv);
    if (r == MSIM_OK && csv->sink.header)
        r = csv->sink.header(csv->sink.context, csv);
    return r;
}

/* ---- rows ---- */

static int check_bytes(struct msim_csv *csv, const char *row, size_t length)
{
    if (memchr(row, '\0', length))
        return fail(csv, MSIM_ERR_FORMAT, "", "a NUL byte");
    if (!msim_utf8_valid(row, length))
        return fail(csv, MSIM_ERR_FORMAT, "", "bytes that are not UTF-8");
    if (!csv->has_quotes && memchr(row, '\r', length))
        return fail(csv, MSIM_ERR_FORMAT, "", "a carriage return in the middle of the line");
    return MSIM_OK;
}

static int take_cells(struct msim_csv *csv, size_t count)
{
    if (csv->column_count == 0)
        return take_header(csv, count);
    if (count != csv->column_count)
        return fail(csv, MSIM_ERR_FORMAT, "", "%zu cells where the header has %zu columns", count,
                    csv->column_count);
    if (csv->schema->max_rows > 0 && csv->rows == csv->schema->max_rows)
        return fail(csv, MSIM_ERR_LIMIT, "", "more than %zu rows", csv->schema->max_rows);
    for (size_t i = 0; i < count; i++) {
        int r = check_cell(csv, i);
        if (r < 0)
            return r;
    }
    csv->rows++;
    return csv->sink.row ? csv->sink.row(csv->sink.context, csv, csv->cells) : MSIM_OK;
}

static size_t count_lines(const char *row, size_t length)
{
    size_t count = 0;
    const char *at = row;
    const char *next;

    while ((next = memchr(at, '\n', length - (size_t)(at - row)))) {
        count++;
        at = next + 1;
    }
    return count;
}

/* A row without its line feed. */
static int take_row(struct msim_csv *csv, const char *row, size_t length)
{
    size_t count = 0;
    size_t lines = 1 + (csv->has_quotes ? count_lines(row, length) : 0);
    bool is_header = csv->column_count == 0;

    if (length > 0 && row[length - 1] == '\r')
        length--;
    int r = check_bytes(csv, row, length);
    if (r == MSIM_OK && length > 0) {
        r = csv->has_quotes ? split_quoted(csv, row, length, &count)
                            : split_plain(csv, row, length, &count);
        if (r == MSIM_OK)
            r = take_cells(csv, count);
    }
    if (r == MSIM_ERR_FORMAT && !is_header && csv->sink.bad) {
        r = csv->sink.bad(csv->sink.context, csv);
        /* What is wrong with a row that is left out is not what ends the reading later. */
        if (r >= 0)
            csv->error = (struct msim_csv_error){0};
    }
    csv->line += lines;
    csv->has_quotes = false;
    return r;
}

/*
 * Looks at the row's bytes from `scanned` to `end` for quotes.  One opens a cell only where the
 * cell begins, or doubles the one that has just closed it: a quote that went astray spoils its
 * own row, and none of those behind it.
 */
static void note_quotes(struct msim_csv *csv, const char *row, size_t end)
{
    const char *at = row + csv->scanned;

    while ((at = memchr(at, '"', (size_t)(row + end - at)))) {
        size_t place = (size_t)(at++ - row);
        csv->has_quotes = true;
        if (csv->in_quotes)
            csv->closed = place + 1;
        else if (place > 0 && row[place - 1] != ',' && csv->closed != place)
            continue;
        csv->in_quotes = !csv->in_quotes;
    }
}

/* Where the row at `row` ends: its line feed; NULL where that is still to come. */
static const char *find_end(struct msim_csv *csv, const char *row, size_t length)
{
    while (csv->scanned < length) {
        const char *at = row + csv->scanned;
        const char *feed = memchr(at, '\n', length - csv->scanned);
        size_t end = feed ? (size_t)(feed - row) : length;
        note_quotes(csv, row, end);
        csv->scanned = end;
        if (feed && !csv->in_quotes)
            return feed;
        csv->scanned += feed ? 1 : 0;
    }
    return NULL;
}

static int check_waiting(struct msim_csv *csv)
{
    if (csv->scanned <= MSIM_CSV_MAX_ROW_BYTES)
        return MSIM_OK;
    return fail(csv, MSIM_ERR_LIMIT, "",
                csv->in_quotes ? "a quote that is opened and not closed within %zu bytes"
                               : "a line of more than %zu bytes",
                MSIM_CSV_MAX_ROW_BYTES);
}

/* All whole rows at the front; how many bytes they are in `*taken`. */
static int take_rows(struct msim_csv *csv, const char *text, size_t length, size_t *taken)
{
    const char *at = text;
    const char *end;
    int r = MSIM_OK;

    while (r >= 0 && (end = find_end(csv, at, length - (size_t)(at - text)))) {
        r = check_waiting(csv);
        if (r >= 0)
            r = take_row(csv, at, (size_t)(end - at));
        at = end + 1;
        csv->scanned = csv->closed = 0;
    }
    *taken = (size_t)(at - text);
    return r < 0 ? r : check_waiting(csv);
}

/* Whether the first bytes are there that say if there is a mark; it is passed over. */
static bool pass_mark(struct msim_csv *csv, bool is_end)
{
    size_t length = msim_bytes_length(&csv->waiting);

    if (length < MARK_LENGTH && !is_end)
        return false;
    csv->begun = true;
    if (length >= MARK_LENGTH && memcmp(msim_bytes_front(&csv->waiting), MARK, MARK_LENGTH) == 0)
        msim_bytes_take(&csv->waiting, MARK_LENGTH);
    return true;
}

static int feed_waiting(struct msim_csv *csv)
{
    size_t taken;

    int r = take_rows(csv, (const char *)msim_bytes_front(&csv->waiting),
                      msim_bytes_length(&csv->waiting), &taken);
    msim_bytes_take(&csv->waiting, taken);
    return r;
}

static int feed(struct msim_csv *csv, const char *bytes, size_t length)
{
    size_t taken = 0;
    int r = MSIM_OK;

    if (csv->begun && msim_bytes_length(&csv->waiting) == 0) {
        r = take_rows(csv, bytes, length, &taken);
        return r < 0 ? r : msim_bytes_append(&csv->waiting, bytes + taken, length - taken);
    }
    r = msim_bytes_append(&csv->waiting, bytes, length);
    if (r < 0 || (!csv->begun && !pass_mark(csv, false)))
        return r;
    return feed_waiting(csv);
}

int msim_csv_feed(struct msim_csv *csv, const void *bytes, size_t length)
{
    if (csv->failure == MSIM_OK && length > 0)
        csv->failure = feed(csv, bytes, length);
    return csv->failure;
}

static int end(struct msim_csv *csv)
{
    int r = MSIM_OK;

    if (!csv->begun) {
        pass_mark(csv, true);
        r = feed_waiting(csv);
    }
    size_t length = msim_bytes_length(&csv->waiting);
    if (r == MSIM_OK && length > 0)
        r = take_row(csv, (const char *)msim_bytes_front(&csv->waiting), length);
    if (r < 0 || csv->column_count > 0)
        return r;
    csv->line = 0;
    return fail(csv, MSIM_ERR_FORMAT, "", "there is no header line");
}

int msim_csv_end(struct msim_csv *csv)
{
    if (csv->failure == MSIM_OK)
        csv->failure = end(csv);
    return csv->failure;
}
