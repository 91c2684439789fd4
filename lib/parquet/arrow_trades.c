#include "parquet/arrow_trades.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/detail.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/utf8.h"
#include "parquet/bits.h"
#include "parquet/shortest.h"

/* ---- the stream ---- */

static int stream_failed(struct arrow_trades *trades, const char *what, int code,
                         struct msim_detail *detail)
{
    const char *words =
        trades->stream.get_last_error ? trades->stream.get_last_error(&trades->stream) : NULL;

    return msim_detail_set(detail, MSIM_ERR_IO, "the Arrow stream gave no %s: %.300s (%d)", what,
                           words ? words : "it does not say why", code);
}

static void release_batch(struct arrow_trades *trades)
{
    if (trades->batch.release)
        trades->batch.release(&trades->batch);
    trades->batch.release = NULL;
}

/* ---- the schema ---- */

/* "a", "b", "c": the names that there are, as far as they go. */
static void list_columns(const struct ArrowSchema *schema, char *text, size_t size)
{
    size_t at = 0;

    for (int64_t i = 0; i < schema->n_children; i++) {
        const char *name = schema->children[i]->name;
        int length =
            snprintf(text + at, size - at, "%s\"%s\"", at > 0 ? ", " : "", name ? name : "");
        if (length < 0 || (size_t)length >= size - at) {
            snprintf(text + at, size - at, "%s", size - at > 4 ? ", ..." : "");
            return;
        }
        at += (size_t)length;
    }
}

static int find_column(struct arrow_trades *trades, const struct ArrowSchema *schema,
                       enum trade_field field, struct msim_detail *detail)
{
    struct arrow_column *column = &trades->columns[field];
    char columns[200] = "no column";

    column->name = trades->names[field];
    column->child = -1;
    for (int64_t i = 0; i < schema->n_children; i++) {
        const char *name = schema->children[i]->name;
        if (!name || strcmp(name, column->name) != 0)
            continue;
        if (column->child >= 0)
            return msim_detail_set(detail, MSIM_ERR_FORMAT,
                                   "two columns of the Arrow stream are called \"%.40s\": give "
                                   "them names that differ",
                                   column->name);
        column->child = i;
    }
    if (column->child >= 0) {
        msim_arrow_column_init(column, schema->children[column->child]);
        return MSIM_OK;
    }
    list_columns(schema, columns, sizeof columns);
    return msim_detail_set(detail, MSIM_ERR_NOT_FOUND,
                           "no column \"%.40s\" in the Arrow stream; it has %s: name the one that "
                           "holds the %s (%s_column)%s",
                           column->name, columns, msim_usual_names[field], msim_usual_names[field],
                           field == FIELD_TICKER ? ", or the ticker of all rows (ticker_name)"
                                                 : "");
}

static bool is_text(enum arrow_form form)
{
    return form == ARROW_TEXT || form == ARROW_TEXT_VIEWS || form == ARROW_NULL;
}

static bool suits(enum arrow_form form, enum trade_field field)
{
    switch (field) {
    case FIELD_TIMESTAMP:
        return form == ARROW_MOMENT || form == ARROW_INTEGER || is_text(form);
    case FIELD_TICKER:
        return is_text(form);
    default:
        return form == ARROW_INTEGER || form == ARROW_FLOAT || form == ARROW_DOUBLE ||
               form == ARROW_DECIMAL || is_text(form);
    }
}

static int check_type(const struct arrow_trades *trades, const struct ArrowSchema *schema,
                      enum trade_field field, struct msim_detail *detail)
{
    static const char *const wanted[FIELD_COUNT] = {
        [FIELD_TIMESTAMP] = "a moment: cast it to a timestamp",
        [FIELD_PRICE] = "a number: cast it to a double or a decimal",
        [FIELD_VOLUME] = "a number: cast it to a double or a decimal",
        [FIELD_TICKER] = "text: cast it to a string",
    };
    const struct arrow_column *column = &trades->columns[field];
    const struct ArrowSchema *own = schema->children[column->child];
    enum arrow_form form = msim_arrow_column_type(column)->form;

    if (!suits(form, field))
        return msim_detail_set(detail, MSIM_ERR_UNSUPPORTED,
                               "column %.40s of the Arrow stream is \"%.40s\"%s, which is not read "
                               "as %s",
                               column->name, own->format,
                               own->dictionary ? " with a dictionary" : "", wanted[field]);
    if (field == FIELD_TIMESTAMP && form == ARROW_INTEGER && trades->unit == 0)
        return msim_detail_set(detail, MSIM_ERR_UNSUPPORTED,
                               "column %.40s of the Arrow stream is an integer, which does not say "
                               "its unit: name it (timestamp_unit)",
                               column->name);
    return MSIM_OK;
}

static int check_schema(const struct ArrowSchema *schema, struct msim_detail *detail)
{
    bool good = schema->format && strcmp(schema->format, "+s") == 0 && schema->n_children >= 0 &&
                (schema->n_children == 0 || schema->children);

    for (int64_t i = 0; good && i < schema->n_children; i++)
        good = schema->children[i] && schema->children[i]->format &&
               (!schema->children[i]->dictionary || schema->children[i]->dictionary->format);
    return good ? MSIM_OK
                : msim_detail_set(detail, MSIM_ERR_FORMAT,
                                  "the Arrow stream's schema is not that of record batches");
}

static int map_schema(struct arrow_trades *trades, const struct ArrowSchema *schema,
                      struct msim_detail *detail)
{
    int r = check_schema(schema, detail);

    for (int field = 0; field < trades->field_count && r >= 0; field++) {
        r = find_column(trades, schema, (enum trade_field)field, detail);
        if (r >= 0)
            r = check_type(trades, schema, (enum trade_field)field, detail);
    }
    trades->column_count = schema->n_children;
    return r;
}

static int read_schema(struct arrow_trades *trades, struct msim_detail *detail)
{
    struct ArrowSchema schema = {0};

    int code = trades->stream.get_schema(&trades->stream, &schema);
    if (code != 0)
        return stream_failed(trades, "schema", code, detail);
    int r = map_schema(trades, &schema, detail);
    if (schema.release)
        schema.release(&schema);
    return r;
}

static int copy_names(struct arrow_trades *trades, const struct msim_source_arrow_params *params)
{
    const char *const chosen[FIELD_COUNT] = {
        [FIELD_TIMESTAMP] = params->timestamp_column,
        [FIELD_PRICE] = params->price_column,
        [FIELD_VOLUME] = params->volume_column,
        [FIELD_TICKER] = params->ticker_column,
    };

    for (int field = 0; field < FIELD_COUNT; field++) {
        const char *name = chosen[field] ? chosen[field] : msim_usual_names[field];
        trades->names[field] = msim_mem_text(&trades->allocator, name, strlen(name));
        if (!trades->names[field])
            return MSIM_ERR_NOMEM;
    }
    return MSIM_OK;
}

int msim_arrow_trades_init(struct arrow_trades *trades, struct ArrowArrayStream *stream,
                           const struct msim_source_arrow_params *params,
                           struct msim_detail *detail)
{
    *trades = (struct arrow_trades){.allocator = msim_mem_allocator(params->allocator),
                                    .stream = *stream,
                                    .unit = params->timestamp_unit,
                                    .field_count = params->ticker_name ? FIELD_TICKER : FIELD_COUNT,
                                    .skips = params->skip_bad_rows};
    int r = copy_names(trades, params);
    if (r < 0)
        msim_detail_set(detail, r, "%s", msim_result_text(r));
    else if (params->ticker_name)
        r = msim_ticker_name_set(&trades->ticker, params->ticker_name, detail);
    if (r >= 0)
        r = read_schema(trades, detail);
    if (r < 0) {
        /* It stays the caller's, as its functions left it. */
        *stream = trades->stream;
        trades->stream.release = NULL;
        msim_arrow_trades_finish(trades);
        return r;
    }
    stream->release = NULL;
    return MSIM_OK;
}

void msim_arrow_trades_finish(struct arrow_trades *trades)
{
    release_batch(trades);
    if (trades->stream.release)
        trades->stream.release(&trades->stream);
    trades->stream.release = NULL;
    for (int field = 0; field < FIELD_COUNT; field++) {
        if (trades->names[field])
            msim_mem_free(&trades->allocator, trades->names[field],
                          strlen(trades->names[field]) + 1);
        trades->names[field] = NULL;
    }
}

/* ---- batches ---- */

static int refuse_batch(struct arrow_trades *trades, const char *column, const char *words,
                        struct msim_detail *detail)
{
    release_batch(trades);
    return msim_detail_set(detail, MSIM_ERR_FORMAT,
                           "the Arrow stream's record batch %" PRIu64 "%s%.40s: damaged: %s",
                           trades->batch_number, column[0] ? ", column " : "", column, words);
}

static int take_batch(struct arrow_trades *trades, struct msim_detail *detail)
{
    const struct ArrowArray *batch = &trades->batch;
    int64_t end;

    if (batch->length < 0 || batch->offset < 0 || batch->n_children != trades->column_count ||
        !batch->children || __builtin_add_overflow(batch->offset, batch->length, &end))
        return refuse_batch(trades, "", "its length or its columns are not the schema's", detail);
    const char *words = msim_arrow_present(batch, &trades->present);
    if (words)
        return refuse_batch(trades, "", words, detail);
    for (int field = 0; field < trades->field_count; field++) {
        struct arrow_column *column = &trades->columns[field];
        const struct ArrowArray *array = batch->children[column->child];
        words = array ? msim_arrow_column_take(column, array, batch->offset, batch->length)
                      : "it is missing";
        if (words)
            return refuse_batch(trades, column->name, words, detail);
    }
    return MSIM_OK;
}

/* The next batch, which may have no rows: 1; 0 at the end. */
static int next_batch(struct arrow_trades *trades, struct msim_detail *detail)
{
    if (trades->batch.release) {
        release_batch(trades);
        trades->batch_number++;
    }
    trades->batch = (struct ArrowArray){0};
    trades->batch_row = 0;
    int code = trades->stream.get_next(&trades->stream, &trades->batch);
    if (code != 0) {
        trades->batch.release = NULL;
        return stream_failed(trades, "record batch", code, detail);
    }
    if (!trades->batch.release)
        return 0;
    int r = take_batch(trades, detail);
    return r < 0 ? r : 1;
}

/* ---- values ---- */

struct bad_value {
    enum trade_field field;
    const char *words; /* NULL: the batch is damaged, and not the row alone */
};

static const char damaged_value[] = "damaged: its place in a buffer is none";

static bool from_decimal(const struct arrow_values *values, int64_t at, struct spool_number *number)
{
    size_t width = values->type.width;
    const unsigned char *from = values->data + (size_t)(values->first + at) * width;
    msim_int128 value;
    int scale = values->type.scale;

    if (width <= 8) {
        int64_t narrow;
        msim_arrow_integer(values, at, &narrow);
        value = narrow;
    } else {
        value = (msim_int128)((msim_uint128)msim_load64(from + 8) << 64 | msim_load64(from));
        uint64_t sign = value < 0 ? UINT64_MAX : 0;
        if (width == 32 && (msim_load64(from + 16) != sign || msim_load64(from + 24) != sign))
            return false;
    }
    while (scale > -MSIM_EXPONENT_MIN || value > INT64_MAX || value < INT64_MIN) {
        if (scale == 0 || value % 10 != 0)
            return false;
        value /= 10;
        scale--;
    }
    number->mantissa = (int64_t)value;
    number->exponent = (int8_t)-scale;
    return true;
}

static enum shortest from_floating(struct arrow_trades *trades, enum trade_field field,
                                   const struct arrow_values *values, int64_t at,
                                   struct spool_number *number)
{
    const unsigned char *from = values->data + (size_t)(values->first + at) * values->type.width;
    enum shortest r;

    if (values->type.form == ARROW_FLOAT) {
        float value;
        memcpy(&value, from, sizeof value);
        r = msim_shortest_float(value, &number->mantissa, &number->exponent);
    } else {
        double value;
        memcpy(&value, from, sizeof value);
        r = msim_shortest_double(value, trades->hints[field], &number->mantissa, &number->exponent);
    }
    trades->hints[field] = number->exponent;
    return r;
}

static const char too_long[] =
    "the value has more digits than int64 holds at 10^-18..1: round it, or let bad rows be skipped";
static const char not_finite[] = "the value is NaN or infinite, which is no number of a trade: "
                                 "leave it out, or let bad rows be skipped";

/* NULL, or what is wrong. */
static const char *number_at(struct arrow_trades *trades, enum trade_field field,
                             const struct arrow_values *values, int64_t at,
                             struct spool_number *number)
{
    struct msim_text text;
    enum shortest r;

    number->exponent = 0;
    switch (values->type.form) {
    case ARROW_INTEGER:
        return msim_arrow_integer(values, at, &number->mantissa) ? NULL : too_long;
    case ARROW_DECIMAL:
        return from_decimal(values, at, number) ? NULL : too_long;
    case ARROW_FLOAT:
    case ARROW_DOUBLE:
        r = from_floating(trades, field, values, at, number);
        return r == SHORTEST_OK ? NULL : r == SHORTEST_NOT_FINITE ? not_finite : too_long;
    default:
        break;
    }
    if (!msim_arrow_text(values, at, &text))
        return damaged_value;
    int read = msim_written_number((const char *)text.bytes, text.length, &number->mantissa,
                                   &number->exponent);
    if (read == MSIM_ERR_OVERFLOW)
        return too_long;
    return read < 0 ? "the text is no number: correct it, or let bad rows be skipped" : NULL;
}

static const char outside[] = "the timestamp lies outside of 1677..2262, which is what nanoseconds "
                              "hold: leave it out, or let bad rows be skipped";

static const char *moment_at(struct arrow_trades *trades, const struct arrow_values *values,
                             int64_t at, msim_time *time)
{
    struct msim_text text;
    int64_t raw;

    if (values->type.form == ARROW_MOMENT || values->type.form == ARROW_INTEGER) {
        int64_t unit = values->type.form == ARROW_MOMENT ? values->type.unit : trades->unit;
        if (!msim_arrow_integer(values, at, &raw) || !msim_mul_check(raw, unit, time))
            return outside;
        return *time > -MSIM_TIME_NEVER && *time < MSIM_TIME_NEVER ? NULL : outside;
    }
    if (!msim_arrow_text(values, at, &text))
        return damaged_value;
    int r = msim_written_moment((const char *)text.bytes, text.length, trades->unit, &trades->day,
                                time);
    if (r == MSIM_ERR_OVERFLOW)
        return outside;
    return r < 0 ? "the text is no moment such as 2022-07-01T00:00:29.338Z: correct it, or let bad "
                   "rows be skipped"
                 : NULL;
}

static const char *ticker_at(const struct arrow_values *values, int64_t at,
                             struct spool_trade *trade)
{
    struct msim_text text;

    if (!msim_arrow_text(values, at, &text))
        return damaged_value;
    if (msim_utf8_span(text.bytes, text.length) != text.length)
        return "the name is not UTF-8: correct it, or let bad rows be skipped";
    trade->ticker = (const char *)text.bytes;
    trade->ticker_length = text.length;
    return NULL;
}

static const char *read_field(struct arrow_trades *trades, enum trade_field field,
                              struct spool_trade *trade)
{
    const struct arrow_values *values;
    int64_t at;

    int found = msim_arrow_find(&trades->columns[field], trades->batch_row, &values, &at);
    if (found < 0)
        return damaged_value;
    struct spool_number *number = field == FIELD_PRICE ? &trade->price : &trade->volume;
    switch (field) {
    case FIELD_TIMESTAMP:
        if (found == 0)
            return "the timestamp is null, so the trade has no place in the replay: fill it in, or "
                   "let bad rows be skipped";
        return moment_at(trades, values, at, &trade->time);
    case FIELD_TICKER:
        return found > 0 ? ticker_at(values, at, trade) : NULL;
    default:
        number->is_null = found == 0;
        return found > 0 ? number_at(trades, field, values, at, number) : NULL;
    }
}

/* ---- rows ---- */

int msim_arrow_trades_fail(const struct arrow_trades *trades, enum trade_field field, int result,
                           const char *words, struct msim_detail *detail)
{
    return msim_detail_set(detail, result,
                           "the Arrow stream's record batch %" PRIu64 ", row %" PRId64
                           " (row %" PRIu64 " of the stream), column %.40s: %s",
                           trades->batch_number, trades->batch_row - 1, trades->row - 1,
                           trades->columns[field].name, words);
}

/* The row at hand: 1, or 0 where it is left out. */
static int read_row(struct arrow_trades *trades, struct spool_trade *trade,
                    struct msim_detail *detail)
{
    enum trade_field field = FIELD_TIMESTAMP;
    const char *words = NULL;

    *trade = (struct spool_trade){0};
    if (!msim_arrow_bit(trades->present, trades->batch.offset + trades->batch_row))
        words = "the row is null: leave it out, or let bad rows be skipped";
    for (int i = 0; i < trades->field_count && !words; i++) {
        field = (enum trade_field)i;
        words = read_field(trades, field, trade);
    }
    if (trades->field_count == FIELD_TICKER) {
        trade->ticker = trades->ticker.text;
        trade->ticker_length = trades->ticker.length;
    }
    trades->batch_row++;
    trades->row++;
    if (!words)
        return 1;
    if (words == damaged_value || !trades->skips)
        return msim_arrow_trades_fail(trades, field, MSIM_ERR_FORMAT, words, detail);
    trades->left_out++;
    return 0;
}

int msim_arrow_trades_next(struct arrow_trades *trades, struct spool_trade *trade, int64_t *work,
                           struct msim_detail *detail)
{
    for (;;) {
        if ((*work)-- <= 0)
            return MSIM_ERR_STATE;
        int r;
        if (!trades->batch.release || trades->batch_row == trades->batch.length) {
            r = next_batch(trades, detail);
            if (r <= 0)
                return r;
            continue;
        }
        r = read_row(trades, trade, detail);
        if (r != 0)
            return r;
    }
}
