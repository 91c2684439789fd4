/*
 * Matrices of correlations and scenarios as people write them into files and options.
 */
#include <marketsim/mock.h>

#include <string.h>

#include "base/detail.h"
#include "base/units.h"
#include "mock/words.h"

/* ---- scenario ---- */

static const char *const happenings[] = {"gap", "halt", "crash", "silence", NULL};
static const char *const happening_fields[] = {"at", "for", "size", "symbol", NULL};

enum happening_field { FIELD_AT, FIELD_FOR, FIELD_SIZE, FIELD_SYMBOL, FIELD_COUNT };

static int parse_happening_field(struct msim_mock_text *text, struct msim_mock_event *event,
                                 uint32_t *seen, struct msim_detail *detail)
{
    struct msim_mock_word name = msim_mock_word_until(text, "=,;");
    uint32_t field = 0;

    while (field < FIELD_COUNT && !msim_mock_word_is(name, happening_fields[field]))
        field++;
    if (field == FIELD_COUNT)
        return msim_detail_set(
            detail, MSIM_ERR_INVALID, "column %zu: no field '%.*s'; did you mean '%s'?", name.place,
            MSIM_MOCK_SHOW(name), msim_mock_word_nearest(name, happening_fields));
    if (*seen >> field & 1)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "column %zu: '%s' is given twice",
                               name.place, happening_fields[field]);
    *seen |= 1U << field;
    if (!msim_mock_word_take(text, '='))
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "column %zu: '%s' wants a value behind '='", name.place,
                               happening_fields[field]);
    struct msim_mock_word value = msim_mock_word_until(text, ",;");
    if (field == FIELD_SYMBOL) {
        event->symbol = value.text;
        event->symbol_length = value.length;
        return value.length > 0 ? MSIM_OK
                                : msim_detail_set(detail, MSIM_ERR_INVALID,
                                                  "column %zu: a symbol is missing", value.place);
    }
    int r = field == FIELD_SIZE
                ? msim_mock_word_number(value, &event->size)
                : msim_duration_parse(value.text, value.length,
                                      field == FIELD_AT ? &event->at : &event->length);
    if (r < 0)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "column %zu: '%.*s' is no %s", value.place,
                               MSIM_MOCK_SHOW(value),
                               field == FIELD_SIZE ? "number; write it like size=-0.05"
                                                   : "duration; write it like 90s, 250ms or 2h");
    return MSIM_OK;
}

static int parse_happening(struct msim_mock_text *text, struct msim_mock_event *event,
                           struct msim_detail *detail)
{
    struct msim_mock_word name = msim_mock_word_until(text, ":,;");
    uint32_t seen = 0;

    *event = (struct msim_mock_event){0};
    for (uint32_t i = 0; happenings[i]; i++)
        if (msim_mock_word_is(name, happenings[i]))
            event->kind = MSIM_MOCK_GAP + i;
    if (event->kind == 0)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "column %zu: no event '%.*s'; did you mean '%s'? (gap, halt, crash, "
                               "silence)",
                               name.place, MSIM_MOCK_SHOW(name),
                               msim_mock_word_nearest(name, happenings));
    if (!msim_mock_word_take(text, ':'))
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "column %zu: '%s' wants its fields: %s:at=60s,...", name.place,
                               happenings[event->kind - MSIM_MOCK_GAP],
                               happenings[event->kind - MSIM_MOCK_GAP]);
    do {
        int r = parse_happening_field(text, event, &seen, detail);
        if (r < 0)
            return r;
    } while (msim_mock_word_take(text, ','));

    bool sized = event->kind == MSIM_MOCK_GAP || event->kind == MSIM_MOCK_CRASH;
    bool lasting = event->kind != MSIM_MOCK_GAP;
    const char *missing = !(seen >> FIELD_AT & 1)               ? "at=60s"
                          : lasting && !(seen >> FIELD_FOR & 1) ? "for=30s"
                          : sized && !(seen >> FIELD_SIZE & 1)  ? "size=-0.05"
                                                                : NULL;
    if (missing)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "column %zu: '%s' lacks a field like %s",
                               name.place, happenings[event->kind - MSIM_MOCK_GAP], missing);
    return MSIM_OK;
}

int msim_mock_parse_scenario(const char *text, size_t length, struct msim_mock_event *events,
                             size_t capacity, size_t *count, struct msim_detail *detail)
{
    if ((!text && length > 0) || (!events && capacity > 0) || !count)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "scenario: no text, or no place for it");
    struct msim_mock_text all = {text ? text : "", 0, length};
    size_t found = 0;

    do {
        struct msim_mock_text ahead = all;
        if (msim_mock_word_until(&ahead, ";").length == 0 && ahead.at == ahead.end)
            break; /* nothing, or a ';' behind the last */
        if (found == capacity)
            return msim_detail_set(detail, MSIM_ERR_LIMIT, "scenario: more than %zu events",
                                   capacity);
        int r = parse_happening(&all, &events[found], detail);
        if (r < 0)
            return msim_detail_prefix(detail, r, "scenario");
        found++;
    } while (msim_mock_word_take(&all, ';'));
    *count = found;
    return MSIM_OK;
}

/* ---- correlation ---- */

struct table {
    const struct msim_mock_symbol *symbols;
    size_t count;
    double *matrix;
    uint32_t column[MSIM_MOCK_MATRIX_MAX]; /* the symbol of a column of the file */
    size_t columns;
    size_t rows;
    size_t line;
};

/* The next cell of a line; a length of 0 at its end. */
static struct msim_mock_word next_cell(struct msim_mock_text *line)
{
    while (msim_mock_word_take(line, ',') || msim_mock_word_take(line, ';') ||
           msim_mock_word_take(line, ' ') || msim_mock_word_take(line, '\t') ||
           msim_mock_word_take(line, '\r'))
        ;
    return msim_mock_word_until(line, ",; \t\r");
}

static int find_symbol(const struct table *table, struct msim_mock_word name, uint32_t *place,
                       struct msim_detail *detail)
{
    for (uint32_t i = 0; i < table->count; i++) {
        const struct msim_mock_symbol *symbol = &table->symbols[i];
        size_t length = symbol->length ? symbol->length : strlen(symbol->name);
        if (length == name.length && memcmp(symbol->name, name.text, length) == 0) {
            *place = i;
            return MSIM_OK;
        }
    }
    return msim_detail_set(
        detail, MSIM_ERR_NOT_FOUND,
        "correlation, line %zu: %.*s is not among the symbols; add it to them or "
        "take it out",
        table->line, MSIM_MOCK_SHOW(name));
}

static int read_names(struct table *table, struct msim_mock_text line, struct msim_detail *detail)
{
    struct msim_mock_word cell;

    while ((cell = next_cell(&line)).length > 0) {
        if (table->columns == MSIM_MOCK_MATRIX_MAX)
            return msim_detail_set(detail, MSIM_ERR_LIMIT,
                                   "correlation, line %zu: more than %d symbols", table->line,
                                   MSIM_MOCK_MATRIX_MAX);
        uint32_t place = 0;
        int r = find_symbol(table, cell, &place, detail);
        if (r < 0)
            return r;
        for (size_t i = 0; i < table->columns; i++)
            if (table->column[i] == place)
                return msim_detail_set(detail, MSIM_ERR_INVALID,
                                       "correlation, line %zu: %.*s has two columns", table->line,
                                       MSIM_MOCK_SHOW(cell));
        table->column[table->columns++] = place;
    }
    return MSIM_OK;
}

static int read_row(struct table *table, struct msim_mock_text line, struct msim_detail *detail)
{
    struct msim_mock_word name = next_cell(&line);
    uint32_t place = 0;

    if (table->rows == table->columns)
        return msim_detail_set(
            detail, MSIM_ERR_INVALID,
            "correlation, line %zu: a row too many; the first line has %zu names", table->line,
            table->columns);
    int r = find_symbol(table, name, &place, detail);
    if (r < 0)
        return r;
    /* Rows follow the columns, so that none is missing or there twice. */
    if (place != table->column[table->rows])
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "correlation, line %zu: the row of %.*s; rows come in the order of "
                               "the first line",
                               table->line, MSIM_MOCK_SHOW(name));
    for (size_t i = 0; i < table->columns; i++) {
        struct msim_mock_word cell = next_cell(&line);
        double value;
        if (msim_mock_word_number(cell, &value) < 0)
            return msim_detail_set(
                detail, MSIM_ERR_INVALID,
                "correlation, line %zu, column %zu: '%.*s' is no number of -1 to "
                "1",
                table->line, i + 2, MSIM_MOCK_SHOW(cell));
        table->matrix[(size_t)place * table->count + table->column[i]] = value;
    }
    if (next_cell(&line).length > 0)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "correlation, line %zu: more numbers than names", table->line);
    table->rows++;
    return MSIM_OK;
}

static int read_line(struct table *table, struct msim_mock_text line, struct msim_detail *detail)
{
    const char *comment = memchr(line.whole + line.at, '#', line.end - line.at);
    if (comment)
        line.end = (size_t)(comment - line.whole);

    struct msim_mock_text ahead = line;
    if (next_cell(&ahead).length == 0)
        return MSIM_OK;
    return table->columns == 0 ? read_names(table, line, detail) : read_row(table, line, detail);
}

int msim_mock_parse_correlation(const char *text, size_t length,
                                const struct msim_mock_symbol *symbols, size_t count,
                                double *matrix, struct msim_detail *detail)
{
    if ((!text && length > 0) || !symbols || !matrix || count == 0 || count > MSIM_MOCK_MATRIX_MAX)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "correlation: a text and 1 to %d symbols",
                               MSIM_MOCK_MATRIX_MAX);
    struct table table = {.symbols = symbols, .count = count, .matrix = matrix};

    for (size_t i = 0; i < count * count; i++)
        matrix[i] = i % (count + 1) == 0 ? 1 : 0;
    for (size_t at = 0; at < length;) {
        const char *end = memchr(text + at, '\n', length - at);
        size_t stop = end ? (size_t)(end - text) : length;
        table.line++;
        int r = read_line(&table, (struct msim_mock_text){text, at, stop}, detail);
        if (r < 0)
            return r;
        at = stop + 1;
    }
    if (table.columns == 0 || table.rows < table.columns)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "correlation: %zu rows for %zu names; a first line of names, then a "
                               "row for each",
                               table.rows, table.columns);
    return MSIM_OK;
}
