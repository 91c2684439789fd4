#include "parquet/csv_file.h"

#include <stdio.h>
#include <string.h>

#include "base/csv.h"
#include "base/detail.h"
#include "base/mem.h"
#include "parquet/inflate.h"
#include "parquet/spool.h"
#include "parquet/written.h"

/* So many rows that were left out are told one by one. */
#define NOTES_LIMIT 100
#define NOTES_BYTES (NOTES_LIMIT * sizeof(struct msim_detail))

/* ---- which files ---- */

static bool ends_with(const char *path, const char *ending)
{
    size_t length = strlen(path);
    size_t of_ending = strlen(ending);

    return length > of_ending && strcmp(path + length - of_ending, ending) == 0;
}

bool msim_csv_file_named(const char *path)
{
    return ends_with(path, ".csv") || ends_with(path, ".csv.gz");
}

int msim_csv_file_is(const struct msim_parquet_file *file, bool *is, struct msim_detail *detail)
{
    unsigned char magic[4] = {0};

    *is = false;
    if (file->size >= sizeof magic) {
        int r = msim_parquet_file_read(file, 0, magic, sizeof magic, detail);
        if (r < 0)
            return r;
        if (memcmp(magic, "PAR1", 4) == 0 || memcmp(magic, "PARE", 4) == 0)
            return MSIM_OK;
    }
    *is = (magic[0] == 0x1F && magic[1] == 0x8B) || msim_csv_file_named(file->path);
    return MSIM_OK;
}

/* ---- rows ---- */

struct reading {
    struct msim_csv csv;
    struct spool spool;
    struct msim_csv_field fields[FIELD_COUNT];
    struct msim_csv_schema schema;
    size_t extras[MSIM_CSV_MAX_COLUMNS]; /* their places in the header */
    size_t extra_count;
    struct msim_text texts[MSIM_CSV_MAX_COLUMNS];
    struct written_day day;
    int64_t unit;
    bool skips;
    struct spool_place *place;
    struct trade_file *trades;
    bool has_ticker; /* by name and not by a column: */
    struct ticker_name ticker;
};

static int take_header(void *context, const struct msim_csv *csv)
{
    struct reading *reading = context;
    const char *names[FIELD_COUNT];
    const char *extras[MSIM_CSV_MAX_COLUMNS];

    for (size_t field = 0; field < FIELD_COUNT; field++)
        names[field] = reading->fields[field].name;
    for (size_t i = 0; i < csv->column_count; i++) {
        if (csv->fields[i] >= 0)
            continue;
        extras[reading->extra_count] = csv->names[i];
        reading->extras[reading->extra_count++] = i;
    }
    return msim_spool_init(&reading->spool, names, extras, reading->extra_count, reading->place,
                           &csv->waiting.allocator);
}

static int refuse(struct reading *reading, enum trade_field field, const struct msim_csv_cell *cell,
                  const char *words)
{
    return msim_csv_refuse(&reading->csv, reading->csv.places[field], cell, words);
}

/* Spaces around a value are no part of it. */
static struct msim_csv_cell trimmed(const struct msim_csv_cell *cell)
{
    struct msim_csv_cell trim = *cell;

    while (trim.length > 0 && trim.text[0] == ' ') {
        trim.text++;
        trim.length--;
    }
    while (trim.length > 0 && trim.text[trim.length - 1] == ' ')
        trim.length--;
    return trim;
}

static int read_moment(struct reading *reading, const struct msim_csv_cell *cell, msim_time *time)
{
    struct msim_csv_cell trim = trimmed(cell);

    if (trim.length == 0)
        return refuse(reading, FIELD_TIMESTAMP, &trim,
                      "is no timestamp, so the trade has no place in the replay: fill it in, or "
                      "skip bad rows (skip_bad_rows, --skip-bad-rows)");
    int r = msim_written_moment(trim.text, trim.length, reading->unit, &reading->day, time);
    if (r >= 0)
        return MSIM_OK;
    if (r == MSIM_ERR_UNSUPPORTED) {
        refuse(reading, FIELD_TIMESTAMP, &trim,
               "does not say its unit: name it (timestamp_unit, or --timestamp-unit s, ms, us or "
               "ns)");
        return r;
    }
    return refuse(reading, FIELD_TIMESTAMP, &trim,
                  r == MSIM_ERR_OVERFLOW
                      ? "is no whole number of nanoseconds in 1677..2262: correct it, or skip bad "
                        "rows (skip_bad_rows, --skip-bad-rows)"
                      : "is no moment such as 2022-07-01T00:00:29.338Z: correct it, or skip bad "
                        "rows (skip_bad_rows, --skip-bad-rows)");
}

static int read_number(struct reading *reading, enum trade_field field,
                       const struct msim_csv_cell *cell, struct spool_number *number)
{
    struct msim_csv_cell trim = trimmed(cell);

    number->is_null = false;
    int r = msim_written_number(trim.text, trim.length, &number->mantissa, &number->exponent);
    if (r >= 0)
        return MSIM_OK;
    number->is_null = msim_csv_number(trim.text, trim.length) == MSIM_CSV_EMPTY;
    if (number->is_null)
        return MSIM_OK;
    return refuse(
        reading, field, &trim,
        r == MSIM_ERR_OVERFLOW
            ? "has more digits than int64 holds at 10^-18..1: round it, or skip bad rows "
              "(skip_bad_rows, --skip-bad-rows)"
            : "is not a number: correct it, or skip bad rows (skip_bad_rows, --skip-bad-rows)");
}

static void take_ticker(const struct reading *reading, const struct msim_csv *csv,
                        const struct msim_csv_cell *cells, struct spool_trade *trade)
{
    if (reading->has_ticker) {
        trade->ticker = reading->ticker.text;
        trade->ticker_length = reading->ticker.length;
    } else {
        const struct msim_csv_cell *cell = &cells[csv->places[FIELD_TICKER]];
        trade->ticker = cell->text;
        trade->ticker_length = cell->length;
    }
    if (trade->ticker_length == 0)
        trade->ticker = NULL;
}

static int take_row(void *context, const struct msim_csv *csv, const struct msim_csv_cell *cells)
{
    struct reading *reading = context;
    struct spool_trade trade = {.extras = reading->texts};

    take_ticker(reading, csv, cells, &trade);
    int r = read_moment(reading, &cells[csv->places[FIELD_TIMESTAMP]], &trade.time);
    if (r >= 0)
        r = read_number(reading, FIELD_PRICE, &cells[csv->places[FIELD_PRICE]], &trade.price);
    if (r >= 0)
        r = read_number(reading, FIELD_VOLUME, &cells[csv->places[FIELD_VOLUME]], &trade.volume);
    if (r < 0)
        return r;
    for (size_t i = 0; i < reading->extra_count; i++) {
        const struct msim_csv_cell *cell = &cells[reading->extras[i]];
        reading->texts[i] = (struct msim_text){.bytes = (const unsigned char *)cell->text,
                                               .length = (uint32_t)cell->length};
    }
    return msim_spool_add(&reading->spool, &trade);
}

static int take_bad(void *context, const struct msim_csv *csv)
{
    struct reading *reading = context;
    struct trade_file *trades = reading->trades;
    struct msim_detail detail;

    if (!reading->skips)
        return MSIM_ERR_FORMAT;
    if (trades->left_out++ >= NOTES_LIMIT)
        return MSIM_OK;
    msim_csv_explain(csv, &detail);
    return msim_bytes_append(&trades->notes, detail.text, strlen(detail.text) + 1);
}

/* ---- the file ---- */

static int feed(struct reading *reading, struct msim_inflate *inflate, struct msim_detail *detail)
{
    const unsigned char *bytes;
    size_t length;

    for (;;) {
        int r = msim_inflate_next(inflate, &bytes, &length, detail);
        if (r < 0)
            return r;
        r = length > 0 ? msim_csv_feed(&reading->csv, bytes, length) : msim_csv_end(&reading->csv);
        if (r < 0 || length == 0)
            return r;
    }
}

/* "a", "b", "c": the names that there are, as far as they go. */
static void list_columns(const struct msim_csv *csv, char *text, size_t size)
{
    size_t at = 0;

    for (size_t i = 0; i < csv->column_count; i++) {
        int length = snprintf(text + at, size - at, "%s\"%s\"", at > 0 ? ", " : "", csv->names[i]);
        if (length < 0 || (size_t)length >= size - at) {
            snprintf(text + at, size - at, "%s", size - at > 4 ? ", ..." : "");
            return;
        }
        at += (size_t)length;
    }
}

/* A line that has one column, and in it what other programs put between columns. */
static const char *separator_words(const struct msim_csv *csv)
{
    if (csv->column_count != 1)
        return "";
    if (strchr(csv->names[0], ';'))
        return "; columns are separated by commas, and not by semicolons";
    return strchr(csv->names[0], '\t') ? "; columns are separated by commas, and not by tabs" : "";
}

static int explain(const struct reading *reading, int r, struct msim_detail *detail)
{
    const struct msim_csv *csv = &reading->csv;
    char columns[200] = "";

    /* The file's own failures are told already. */
    if (detail && detail->text[0])
        return r;
    if (csv->missing) {
        const char *usual = msim_usual_names[csv->missing - reading->fields];
        list_columns(csv, columns, sizeof columns);
        return msim_detail_set(
            detail, MSIM_ERR_NOT_FOUND,
            "%.200s, line %zu: no column \"%.40s\"; it has %s: name the one that "
            "holds the %s (%s_column, or --columns %s=NAME)%s%s",
            reading->schema.file, csv->error.line, csv->missing->name, columns, usual, usual, usual,
            csv->missing == &reading->fields[FIELD_TICKER] ? msim_ticker_remedy : "",
            separator_words(csv));
    }
    if (r == MSIM_ERR_NOMEM || !csv->error.reason[0])
        return msim_detail_set(detail, r, "%s, line %zu: %s", reading->schema.file, csv->line,
                               msim_result_text(r));
    msim_csv_explain(csv, detail);
    return r;
}

static void begin(struct reading *reading, const struct msim_parquet_file *file,
                  const struct msim_parquet_params *params, const struct msim_allocator *allocator)
{
    const char *const chosen[FIELD_COUNT] = {
        [FIELD_TIMESTAMP] = params->timestamp_column,
        [FIELD_PRICE] = params->price_column,
        [FIELD_VOLUME] = params->volume_column,
        [FIELD_TICKER] = params->ticker_column,
    };
    const struct msim_csv_sink sink = {
        .header = take_header, .row = take_row, .bad = take_bad, .context = reading};

    for (size_t field = 0; field < FIELD_COUNT; field++)
        reading->fields[field] = (struct msim_csv_field){
            .name = chosen[field] ? chosen[field] : msim_usual_names[field], .type = MSIM_CSV_TEXT};
    reading->schema =
        (struct msim_csv_schema){.file = file->path,
                                 .fields = reading->fields,
                                 .field_count = reading->has_ticker ? FIELD_TICKER : FIELD_COUNT};
    reading->unit = params->timestamp_unit;
    reading->skips = params->skip_bad_rows;
    msim_csv_init(&reading->csv, &reading->schema, &sink, allocator);
}

static int read_all(struct reading *reading, const struct msim_parquet_file *file,
                    struct msim_detail *detail)
{
    struct msim_detail words = {{0}};
    struct msim_inflate inflate;

    int r = msim_inflate_open(&inflate, file, &words);
    if (r >= 0) {
        r = feed(reading, &inflate, &words);
        msim_inflate_close(&inflate);
    }
    if (r < 0 && reading->spool.words.text[0])
        words = reading->spool.words;
    if (r >= 0) {
        struct trade_file spooled;
        r = msim_spool_end(&reading->spool, &spooled, file->path);
        if (r < 0)
            return msim_detail_set(detail, r, "%s: %s", file->path,
                                   reading->spool.words.text[0] ? reading->spool.words.text
                                                                : msim_result_text(r));
        spooled.left_out = reading->trades->left_out;
        spooled.notes = reading->trades->notes;
        *reading->trades = spooled;
        return MSIM_OK;
    }
    r = explain(reading, r, &words);
    return msim_detail_set(detail, r, "%s", words.text);
}

/* Reads the file with a ticker for all rows, or with a column of them where it is NULL. */
static int read_with(struct trade_file *trades, const struct ticker_name *ticker,
                     const struct msim_parquet_file *file, const struct msim_parquet_params *params,
                     struct spool_place *place, const struct msim_allocator *allocator,
                     bool *lacks_ticker, struct msim_detail *detail)
{
    struct reading *reading = msim_mem_zero(allocator, sizeof *reading);

    if (!reading)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "%s: out of memory", file->path);
    *trades = (struct trade_file){0};
    msim_bytes_init(&trades->notes, NOTES_BYTES, allocator);
    reading->trades = trades;
    reading->place = place;
    reading->has_ticker = ticker != NULL;
    if (ticker)
        reading->ticker = *ticker;
    begin(reading, file, params, allocator);
    int r = read_all(reading, file, detail);
    if (r < 0)
        msim_bytes_finish(&trades->notes);
    *lacks_ticker = r < 0 && reading->csv.missing == &reading->fields[FIELD_TICKER];
    msim_spool_finish(&reading->spool);
    msim_csv_finish(&reading->csv);
    msim_mem_free(allocator, reading, sizeof *reading);
    return r;
}

int msim_csv_file_read(struct trade_file *trades, const struct msim_parquet_file *file,
                       const struct msim_parquet_params *params, struct spool_place *place,
                       const struct msim_allocator *allocator, struct msim_detail *detail)
{
    const char *column =
        params->ticker_column ? params->ticker_column : msim_usual_names[FIELD_TICKER];
    struct ticker_name name;
    struct msim_detail words = {{0}};
    bool lacks_ticker = false;
    int r = MSIM_OK;

    if (params->ticker_name)
        r = msim_ticker_name_set(&name, params->ticker_name, detail);
    if (r < 0)
        return r;
    r = read_with(trades, params->ticker_name ? &name : NULL, file, params, place, allocator,
                  &lacks_ticker, &words);
    if (r >= 0)
        return r;
    /* Nothing was read but the header then, and a folder may name it. */
    int found = lacks_ticker ? msim_ticker_name_of_path(&name, file->path, column, detail) : 0;
    if (found < 0)
        return found;
    if (found > 0)
        return read_with(trades, &name, file, params, place, allocator, &lacks_ticker, detail);
    return msim_detail_set(detail, r, "%s", words.text);
}
