#include <assert.h>

#include "base/number.h"
#include "parquet/bits.h"
#include "parquet/values.h"

void msim_bad_row_note(struct bad_row *bad, uint64_t row, const char *column, int result,
                       const char *words)
{
    if (bad->column && bad->row <= row)
        return;
    *bad = (struct bad_row){.column = column, .words = words, .row = row, .result = result};
}

int msim_times_check(const struct leaf *leaf, const struct place *place, struct msim_detail *detail)
{
    if (leaf->physical == PHYSICAL_INT64 && leaf->annotation == ANNOTATION_TIMESTAMP &&
        leaf->nanoseconds > 0)
        return MSIM_OK;
    bool bare = leaf->physical == PHYSICAL_INT64 && leaf->annotation == ANNOTATION_NONE;
    return msim_place_fail(
        place, detail, MSIM_ERR_UNSUPPORTED, "is %s with %s, which is not read as a moment: %s",
        msim_physical_name(leaf->physical), msim_annotation_name(leaf->annotation),
        bare ? "the file does not say its unit; write it as TIMESTAMP(MILLIS), "
               "(MICROS) or (NANOS)"
             : "write it as TIMESTAMP(MILLIS), (MICROS) or (NANOS)");
}

static void note_null(struct bad_row *bad, uint64_t row, const char *column)
{
    msim_bad_row_note(bad, row, column, MSIM_ERR_FORMAT,
                      "the timestamp is null, so the trade has no place in the replay: fill it in, "
                      "or let bad rows be skipped");
}

/* A moment of a row that has one; out of what int64 nanoseconds hold it is bad. */
static inline bool to_nanoseconds(int64_t raw, int64_t unit, msim_time *time)
{
    return msim_mul_check(raw, unit, time) && *time<MSIM_TIME_NEVER && * time> - MSIM_TIME_NEVER;
}

/* Every row has a value: the usual page, without a branch for each row but the check. */
static bool convert_all(const unsigned char *from, size_t count, int64_t unit, msim_time *times)
{
    const int64_t largest = INT64_MAX / unit - 1;
    bool good = true;

    for (size_t i = 0; i < count; i++) {
        int64_t raw = (int64_t)msim_load64(from + i * 8);
        good &= raw <= largest && raw >= -largest;
        times[i] = (int64_t)((uint64_t)raw * (uint64_t)unit);
    }
    return good;
}

static inline int64_t raw_at(const struct msim_column *column, const struct msim_span *span,
                             size_t value)
{
    const unsigned char *from = span->form == SPAN_INDEX
                                    ? column->dictionary.bytes + (size_t)span->indexes[value] * 8
                                    : span->fixed + value * 8;
    return (int64_t)msim_load64(from);
}

int msim_times_read(struct msim_column *column, size_t want, uint64_t row, msim_time *times,
                    uint8_t *flags, size_t *rows, struct bad_row *bad, struct msim_detail *detail)
{
    const int64_t unit = column->leaf->nanoseconds;
    struct msim_span span;

    int r = msim_column_read(column, want, &span, detail);
    if (r < 0)
        return r;
    *rows = span.rows;
    memset(flags, 0, span.rows);
    if (!span.present && span.form == SPAN_FIXED && convert_all(span.fixed, span.rows, unit, times))
        return MSIM_OK;

    size_t value = 0;
    for (size_t i = 0; i < span.rows; i++) {
        if (span.present && !span.present[i]) {
            times[i] = 0;
            flags[i] = ROW_BAD;
            note_null(bad, row + i, column->leaf->name);
        } else if (!to_nanoseconds(raw_at(column, &span, value++), unit, &times[i])) {
            times[i] = 0;
            flags[i] = ROW_BAD;
            msim_bad_row_note(bad, row + i, column->leaf->name, MSIM_ERR_OVERFLOW,
                              "the timestamp lies outside of 1677..2262, which is what "
                              "nanoseconds hold: correct it, or let bad rows be skipped");
        }
    }
    return MSIM_OK;
}
