#include <assert.h>

#include "base/calendar.h"
#include "base/number.h"
#include "parquet/bits.h"
#include "parquet/moments.h"
#include "parquet/values.h"

void msim_bad_row_note(struct bad_row *bad, uint64_t row, const char *column, int result,
                       const char *words)
{
    if (bad->column && bad->row <= row)
        return;
    *bad = (struct bad_row){.column = column, .words = words, .row = row, .result = result};
}

/* How a moment is stored. */
enum time_form {
    TIME_INT64,
    TIME_INT32,
    TIME_INT96, /* nanoseconds of a day and its Julian number */
    TIME_TEXT,
};

static enum time_form form_of(const struct leaf *leaf)
{
    switch (leaf->physical) {
    case PHYSICAL_INT32:
        return TIME_INT32;
    case PHYSICAL_INT96:
        return TIME_INT96;
    case PHYSICAL_BYTE_ARRAY:
        return TIME_TEXT;
    default:
        return TIME_INT64;
    }
}

static bool is_bare(const struct leaf *leaf)
{
    return (leaf->physical == PHYSICAL_INT64 || leaf->physical == PHYSICAL_INT32) &&
           (leaf->annotation == ANNOTATION_NONE || leaf->annotation == ANNOTATION_INTEGER);
}

int msim_times_check(struct leaf *leaf, int64_t unit, const struct place *place,
                     struct msim_detail *detail)
{
    if (leaf->physical == PHYSICAL_INT64 && leaf->annotation == ANNOTATION_TIMESTAMP &&
        leaf->nanoseconds > 0)
        return MSIM_OK;
    if (leaf->physical == PHYSICAL_INT96 ||
        (leaf->physical == PHYSICAL_BYTE_ARRAY &&
         (leaf->annotation == ANNOTATION_STRING || leaf->annotation == ANNOTATION_NONE))) {
        leaf->nanoseconds = 1;
        return MSIM_OK;
    }
    if (is_bare(leaf) && unit > 0) {
        leaf->nanoseconds = unit;
        return MSIM_OK;
    }
    return msim_place_fail(
        place, detail, MSIM_ERR_UNSUPPORTED, "is %s with %s, which is not read as a moment: %s",
        msim_physical_name(leaf->physical), msim_annotation_name(leaf->annotation),
        is_bare(leaf) ? "the file does not say its unit; name it (timestamp_unit, or "
                        "--timestamp-unit s, ms, us or ns)"
                      : "write it as TIMESTAMP(MILLIS), (MICROS) or (NANOS)");
}

static void note_null(struct bad_row *bad, uint64_t row, const char *column)
{
    msim_bad_row_note(bad, row, column, MSIM_ERR_FORMAT,
                      "the timestamp is null, so the trade has no place in the replay: fill it in, "
                      "or skip bad rows (skip_bad_rows, --skip-bad-rows)");
}

/* A moment of a row that has one; out of what int64 nanoseconds hold it is bad. */
static inline bool to_nanoseconds(int64_t raw, int64_t unit, msim_time *time)
{
    return msim_mul_check(raw, unit, time) && *time<MSIM_TIME_NEVER && * time> - MSIM_TIME_NEVER;
}

static bool from_int96(const unsigned char *from, msim_time *time)
{
    int64_t days = (int64_t)msim_load32(from + 8) - MSIM_JULIAN_EPOCH;
    int64_t of_day = (int64_t)msim_load64(from);
    int64_t midnight;

    return msim_mul_check(days, INT64_C(86400) * MSIM_NS_PER_S, &midnight) &&
           msim_add_check(midnight, of_day, time) &&
           *time<MSIM_TIME_NEVER && * time> - MSIM_TIME_NEVER;
}

static const unsigned char *stored_at(const struct msim_column *column,
                                      const struct msim_span *span, size_t value)
{
    return span->form == SPAN_INDEX
               ? column->dictionary.bytes + (size_t)span->indexes[value] * column->width
               : span->fixed + value * column->width;
}

int msim_moment_of(const struct leaf *leaf, const unsigned char *stored, msim_time *time)
{
    enum time_form form = form_of(leaf);
    int64_t raw;

    if (form == TIME_INT96)
        return from_int96(stored, time) ? MSIM_OK : MSIM_ERR_OVERFLOW;
    if (form == TIME_INT64)
        raw = (int64_t)msim_load64(stored);
    else
        raw = leaf->is_signed ? (int32_t)msim_load32(stored) : (int64_t)msim_load32(stored);
    if (raw < 0 && !leaf->is_signed)
        return MSIM_ERR_OVERFLOW;
    return to_nanoseconds(raw, leaf->nanoseconds, time) ? MSIM_OK : MSIM_ERR_OVERFLOW;
}

/* MSIM_OK, MSIM_ERR_OVERFLOW for a moment that nanoseconds do not hold, MSIM_ERR_INVALID for none.
 */
static int moment_at(const struct msim_column *column, const struct msim_span *span, size_t value,
                     msim_time *time)
{
    const struct leaf *leaf = column->leaf;

    if (form_of(leaf) == TIME_TEXT) {
        const struct msim_text *text = span->form == SPAN_INDEX
                                           ? &column->dictionary.texts[span->indexes[value]]
                                           : &span->texts[value];
        return msim_calendar_parse((const char *)text->bytes, text->length, time);
    }
    return msim_moment_of(leaf, stored_at(column, span, value), time);
}

/* Whether all can be converted in one go. */
static bool is_usual(const struct msim_column *column, const struct msim_span *span)
{
    return !span->present && span->form == SPAN_FIXED && form_of(column->leaf) == TIME_INT64 &&
           column->leaf->is_signed && column->leaf->nanoseconds <= MSIM_MOMENTS_UNIT_MAX;
}

int msim_times_read(struct msim_column *column, size_t want, uint64_t row, msim_time *times,
                    uint8_t *flags, size_t *rows, struct bad_row *bad, struct msim_detail *detail)
{
    struct msim_span span;

    int r = msim_column_read(column, want, &span, detail);
    if (r < 0)
        return r;
    *rows = span.rows;
    memset(flags, 0, span.rows);
    if (is_usual(column, &span) &&
        msim_moments_convert(span.fixed, span.rows, column->leaf->nanoseconds, times))
        return MSIM_OK;

    size_t value = 0;
    for (size_t i = 0; i < span.rows; i++) {
        times[i] = 0;
        if (span.present && !span.present[i]) {
            flags[i] = ROW_BAD;
            note_null(bad, row + i, column->leaf->name);
            continue;
        }
        r = moment_at(column, &span, value++, &times[i]);
        if (r == MSIM_OK)
            continue;
        times[i] = 0;
        flags[i] = ROW_BAD;
        msim_bad_row_note(
            bad, row + i, column->leaf->name, r,
            r == MSIM_ERR_OVERFLOW
                ? "the timestamp lies outside of 1677..2262, which is what "
                  "nanoseconds hold: correct it, or skip bad rows (skip_bad_rows, --skip-bad-rows)"
                : "the timestamp is no moment such as 2022-07-01T00:00:29.338Z: "
                  "correct it, or skip bad rows (skip_bad_rows, --skip-bad-rows)");
    }
    return MSIM_OK;
}
