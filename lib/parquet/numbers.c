#include <marketsim/record.h>

#include "base/mem.h"
#include "base/number.h"
#include "parquet/bits.h"
#include "parquet/pick.h"
#include "parquet/shortest.h"
#include "parquet/values.h"
#include "parquet/written.h"

enum number_state {
    NUMBER_GOOD = 0,
    NUMBER_NOT_FINITE,
    NUMBER_TOO_LONG,
    NUMBER_NONE, /* a text that is no number */
};

/* The largest scale that 128 bits can have. */
#define SCALE_LIMIT 38

static bool find_form(const struct leaf *leaf, enum number_form *form, int8_t *exponent)
{
    bool plain = leaf->annotation == ANNOTATION_NONE || leaf->annotation == ANNOTATION_INTEGER;
    bool decimal = leaf->annotation == ANNOTATION_DECIMAL;

    *exponent = 0;
    switch (leaf->physical) {
    case PHYSICAL_INT32:
        *form = leaf->annotation == ANNOTATION_INTEGER && !leaf->is_signed ? NUMBER_UINT32
                                                                           : NUMBER_INT32;
        break;
    case PHYSICAL_INT64:
        *form = leaf->annotation == ANNOTATION_INTEGER && !leaf->is_signed ? NUMBER_UINT64
                                                                           : NUMBER_INT64;
        break;
    case PHYSICAL_FLOAT:
        *form = NUMBER_FLOAT;
        return leaf->annotation == ANNOTATION_NONE;
    case PHYSICAL_DOUBLE:
        *form = NUMBER_DOUBLE;
        return leaf->annotation == ANNOTATION_NONE;
    case PHYSICAL_BYTE_ARRAY:
        *form = decimal ? NUMBER_BINARY : NUMBER_TEXT;
        if (!decimal)
            return leaf->annotation == ANNOTATION_STRING;
        break;
    case PHYSICAL_FIXED:
        *form = NUMBER_BINARY;
        if (leaf->annotation == ANNOTATION_MANTISSA) {
            *form = NUMBER_MANTISSA;
            return true;
        }
        plain = false;
        break;
    default:
        return false;
    }
    if (decimal && *form == NUMBER_BINARY)
        return leaf->scale >= 0 && leaf->scale <= SCALE_LIMIT;
    if (decimal) {
        if (leaf->scale < 0 || leaf->scale > -MSIM_EXPONENT_MIN)
            return false;
        *exponent = (int8_t)-leaf->scale;
    }
    return plain || decimal;
}

int msim_numbers_check(const struct leaf *leaf, const struct place *place,
                       struct msim_detail *detail)
{
    enum number_form form;
    int8_t exponent;

    if (find_form(leaf, &form, &exponent))
        return MSIM_OK;
    if (leaf->annotation == ANNOTATION_DECIMAL)
        return msim_place_fail(place, detail, MSIM_ERR_UNSUPPORTED,
                               "is DECIMAL(%d,%d) in %s, which is not read: its scale should be "
                               "0 to 18, or to 38 in bytes",
                               leaf->precision, leaf->scale, msim_physical_name(leaf->physical));
    return msim_place_fail(place, detail, MSIM_ERR_UNSUPPORTED,
                           "is %s with %s, which is not read as a number: write it as INT64, "
                           "DOUBLE, DECIMAL or STRING",
                           msim_physical_name(leaf->physical),
                           msim_annotation_name(leaf->annotation));
}

int msim_numbers_open(struct msim_numbers *numbers, struct msim_reader *reader,
                      const struct msim_parquet_file *file, const struct footer *footer,
                      size_t group, size_t leaf, uint8_t missing_flag, struct msim_detail *detail)
{
    *numbers = (struct msim_numbers){.missing_flag = missing_flag};
    find_form(&footer->leaves[leaf], &numbers->form, &numbers->exponent);
    numbers->varies = numbers->form >= NUMBER_FLOAT;
    return msim_column_open(&numbers->column, reader, file, footer, group, leaf, detail);
}

void msim_numbers_close(struct msim_numbers *numbers)
{
    if (!numbers->column.pages.reader)
        return;
    const struct msim_allocator *allocator = &numbers->column.pages.reader->allocator;
    size_t count = numbers->entry_count;
    msim_mem_free(allocator, numbers->entries, count * sizeof *numbers->entries);
    msim_mem_free(allocator, numbers->entry_exponents, count);
    msim_mem_free(allocator, numbers->entry_states, count);
    msim_mem_free(allocator, numbers->dense, MSIM_COLUMN_BATCH * sizeof *numbers->dense);
    msim_mem_free(allocator, numbers->dense_exponents, MSIM_COLUMN_BATCH);
    msim_mem_free(allocator, numbers->dense_states, MSIM_COLUMN_BATCH);
    msim_column_close(&numbers->column);
    *numbers = (struct msim_numbers){0};
}

/* ---- values as stored, made exact ---- */

/* Where the exact numbers go; `states` says which are none. */
struct exact {
    int64_t *mantissas;
    int8_t *exponents; /* NULL where they do not vary */
    uint8_t *states;
};

/* Values as a page or a dictionary has them. */
struct stored {
    const unsigned char *fixed;
    const struct msim_text *texts; /* NULL: fixed values of `width` */
    size_t width;
};

static struct msim_text stored_at(const struct stored *stored, size_t at)
{
    if (stored->texts)
        return stored->texts[at];
    return (struct msim_text){.bytes = stored->fixed + at * stored->width,
                              .length = (uint32_t)stored->width};
}

/*
 * Big-endian two's complement.  A mantissa that int64 does not hold, or whose scale is below
 * what a number may have, loses the zeros at its end.
 */
static enum number_state from_binary(struct msim_text text, int scale, int64_t *mantissa,
                                     int8_t *exponent)
{
    const unsigned char *at = text.bytes;
    const unsigned char *end = at + text.length;
    unsigned char sign = text.length > 0 && at[0] & 0x80 ? 0xFF : 0;

    while (end - at > 16 && *at == sign)
        at++;
    if (end - at > 16 || (end - at == 16 && text.length > 16 && (*at & 0x80) != (sign & 0x80)))
        return NUMBER_TOO_LONG;
    msim_uint128 bits = sign ? ~(msim_uint128)0 : 0;
    for (; at < end; at++)
        bits = bits << 8 | *at;
    msim_int128 value = (msim_int128)bits;
    while (scale > -MSIM_EXPONENT_MIN || value > INT64_MAX || value < INT64_MIN) {
        if (scale == 0 || value % 10 != 0)
            return NUMBER_TOO_LONG;
        value /= 10;
        scale--;
    }
    *mantissa = (int64_t)value;
    *exponent = (int8_t)-scale;
    return NUMBER_GOOD;
}

static enum number_state from_text(struct msim_text text, int64_t *mantissa, int8_t *exponent)
{
    int r = msim_written_number((const char *)text.bytes, text.length, mantissa, exponent);

    if (r < 0)
        return r == MSIM_ERR_OVERFLOW ? NUMBER_TOO_LONG : NUMBER_NONE;
    return NUMBER_GOOD;
}

static bool convert_bytes(const struct msim_numbers *numbers, const struct stored *stored,
                          size_t count, struct exact exact)
{
    bool good = true;

    for (size_t i = 0; i < count; i++) {
        struct msim_text text = stored_at(stored, i);
        exact.mantissas[i] = exact.exponents[i] = 0;
        enum number_state state = numbers->form == NUMBER_TEXT
                                      ? from_text(text, &exact.mantissas[i], &exact.exponents[i])
                                      : from_binary(text, numbers->column.leaf->scale,
                                                    &exact.mantissas[i], &exact.exponents[i]);
        exact.states[i] = (uint8_t)state;
        good &= state == NUMBER_GOOD;
    }
    return good;
}

static bool convert_floating(struct msim_numbers *numbers, const unsigned char *from, size_t count,
                             struct exact exact)
{
    bool good = true;

    for (size_t i = 0; i < count; i++) {
        enum shortest r;
        if (numbers->form == NUMBER_DOUBLE) {
            uint64_t bits = msim_load64(from + i * 8);
            double number;
            memcpy(&number, &bits, sizeof number);
            r = msim_shortest_double(number, numbers->hint, &exact.mantissas[i],
                                     &exact.exponents[i]);
        } else {
            uint32_t bits = msim_load32(from + i * 4);
            float number;
            memcpy(&number, &bits, sizeof number);
            r = msim_shortest_float(number, &exact.mantissas[i], &exact.exponents[i]);
        }
        exact.states[i] = (uint8_t)(r == SHORTEST_OK           ? NUMBER_GOOD
                                    : r == SHORTEST_NOT_FINITE ? NUMBER_NOT_FINITE
                                                               : NUMBER_TOO_LONG);
        if (r == SHORTEST_OK)
            numbers->hint = exact.exponents[i];
        else
            exact.mantissas[i] = exact.exponents[i] = 0;
        good &= r == SHORTEST_OK;
    }
    return good;
}

/* All good: true, and `states` may be left as they were. */
static bool convert(struct msim_numbers *numbers, const struct stored *stored, size_t count,
                    struct exact exact)
{
    const unsigned char *from = stored->fixed;
    bool good = true;

    switch (numbers->form) {
    case NUMBER_INT32:
        for (size_t i = 0; i < count; i++)
            exact.mantissas[i] = (int32_t)msim_load32(from + i * 4);
        return true;
    case NUMBER_UINT32:
        for (size_t i = 0; i < count; i++)
            exact.mantissas[i] = msim_load32(from + i * 4);
        return true;
    case NUMBER_INT64:
        for (size_t i = 0; i < count; i++)
            exact.mantissas[i] = (int64_t)msim_load64(from + i * 8);
        return true;
    case NUMBER_UINT64:
        for (size_t i = 0; i < count; i++) {
            uint64_t value = msim_load64(from + i * 8);
            bool fits = value <= INT64_MAX;
            exact.mantissas[i] = fits ? (int64_t)value : 0;
            exact.states[i] = fits ? NUMBER_GOOD : NUMBER_TOO_LONG;
            good &= fits;
        }
        return good;
    case NUMBER_FLOAT:
    case NUMBER_DOUBLE:
        break;
    case NUMBER_MANTISSA:
        for (size_t i = 0; i < count; i++) {
            const unsigned char *at = from + i * stored->width;
            exact.mantissas[i] = (int64_t)msim_load64(at);
            exact.exponents[i] = (int8_t)at[8];
        }
        return true;
    case NUMBER_BINARY:
    case NUMBER_TEXT:
        return convert_bytes(numbers, stored, count, exact);
    }
    return convert_floating(numbers, from, count, exact);
}

static void note_state(const struct msim_numbers *numbers, uint8_t state, uint64_t row,
                       struct bad_row *bad)
{
    static const char *const words[] = {
        [NUMBER_NOT_FINITE] =
            "the value is NaN or infinite, which is no number of a trade: correct "
            "it, or skip bad rows (skip_bad_rows, --skip-bad-rows)",
        [NUMBER_TOO_LONG] = "the value has more digits than int64 holds at 10^-18..1: round it, or "
                            "skip bad rows (skip_bad_rows, --skip-bad-rows)",
        [NUMBER_NONE] =
            "the text is no number: correct it, or skip bad rows (skip_bad_rows, --skip-bad-rows)",
    };
    msim_bad_row_note(bad, row, numbers->column.leaf->name,
                      state == NUMBER_NONE ? MSIM_ERR_FORMAT : MSIM_ERR_OVERFLOW, words[state]);
}

/* ---- room ---- */

static int make_dense(struct msim_numbers *numbers)
{
    const struct msim_allocator *allocator = &numbers->column.pages.reader->allocator;

    if (!numbers->dense)
        numbers->dense = msim_mem_zero_array(allocator, MSIM_COLUMN_BATCH, sizeof *numbers->dense);
    if (!numbers->dense_exponents)
        numbers->dense_exponents = msim_mem_zero(allocator, MSIM_COLUMN_BATCH);
    if (!numbers->dense_states)
        numbers->dense_states = msim_mem_zero(allocator, MSIM_COLUMN_BATCH);
    return numbers->dense && numbers->dense_exponents && numbers->dense_states ? MSIM_OK
                                                                               : MSIM_ERR_NOMEM;
}

static int make_entries(struct msim_numbers *numbers)
{
    const struct msim_dictionary *dictionary = &numbers->column.dictionary;
    const struct msim_allocator *allocator = &numbers->column.pages.reader->allocator;
    size_t count = dictionary->count;

    if (numbers->entries || count == 0)
        return MSIM_OK;
    int64_t *entries = msim_mem_zero_array(allocator, count, sizeof *entries);
    int8_t *exponents = msim_mem_zero(allocator, count);
    uint8_t *states = msim_mem_zero(allocator, count);
    if (!entries || !exponents || !states) {
        msim_mem_free(allocator, entries, count * sizeof *entries);
        msim_mem_free(allocator, exponents, count);
        msim_mem_free(allocator, states, count);
        return MSIM_ERR_NOMEM;
    }
    numbers->entries = entries;
    numbers->entry_exponents = exponents;
    numbers->entry_states = states;
    numbers->entry_count = count;
    const struct stored stored = {
        .fixed = dictionary->bytes, .texts = dictionary->texts, .width = numbers->column.width};
    convert(numbers, &stored, count,
            (struct exact){.mantissas = entries, .exponents = exponents, .states = states});
    return MSIM_OK;
}

/* ---- spans ---- */

/* The states of a form that always fits stay zero and need not be looked at. */
static bool can_fail(enum number_form form)
{
    return form == NUMBER_UINT64 || (form >= NUMBER_FLOAT && form != NUMBER_MANTISSA);
}

/* A dictionary's numbers where all rows have one. */
static void gather(const struct msim_numbers *numbers, const struct msim_span *span,
                   struct exact exact)
{
    const uint32_t *indexes = span->indexes;
    const size_t count = span->values;

    msim_pick64(exact.mantissas, numbers->entries, indexes, count);
    if (numbers->varies) {
        for (size_t i = 0; i < count; i++)
            exact.exponents[i] = numbers->entry_exponents[indexes[i]];
    }
    for (size_t i = 0; can_fail(numbers->form) && i < count; i++)
        exact.states[i] = numbers->entry_states[indexes[i]];
}

/* Moves dense numbers to the rows that have one. */
static void spread(const struct msim_numbers *numbers, const struct msim_span *span,
                   int64_t *mantissas, int8_t *exponents, uint8_t *states, uint8_t *flags)
{
    size_t value = 0;

    for (size_t i = 0; i < span->rows; i++) {
        bool present = span->present[i] != 0;
        mantissas[i] = present ? numbers->dense[value] : 0;
        if (numbers->varies)
            exponents[i] = present ? numbers->dense_exponents[value] : 0;
        if (states)
            states[i] = present ? numbers->dense_states[value] : NUMBER_GOOD;
        flags[i] |= present ? 0 : numbers->missing_flag;
        value += present;
    }
}

static int read_span(struct msim_numbers *numbers, const struct msim_span *span, uint64_t row,
                     int64_t *mantissas, int8_t *exponents, uint8_t *flags, struct bad_row *bad)
{
    uint8_t states[MSIM_COLUMN_BATCH];
    struct exact exact = {.mantissas = mantissas, .exponents = exponents, .states = states};

    if (can_fail(numbers->form))
        memset(states, NUMBER_GOOD, span->rows);
    if (span->present) {
        int r = make_dense(numbers);
        if (r < 0)
            return r;
        exact = (struct exact){.mantissas = numbers->dense,
                               .exponents = numbers->dense_exponents,
                               .states = numbers->dense_states};
    }
    if (span->form == SPAN_INDEX) {
        int r = make_entries(numbers);
        if (r < 0)
            return r;
        gather(numbers, span, exact);
    } else {
        const struct stored stored = {.fixed = span->fixed,
                                      .texts = span->form == SPAN_TEXT ? span->texts : NULL,
                                      .width = numbers->column.width};
        convert(numbers, &stored, span->values, exact);
    }
    if (span->present)
        spread(numbers, span, mantissas, exponents, can_fail(numbers->form) ? states : NULL, flags);
    if (!can_fail(numbers->form))
        return MSIM_OK;
    for (size_t i = 0; i < span->rows; i++) {
        if (states[i] == NUMBER_GOOD)
            continue;
        flags[i] |= ROW_BAD;
        note_state(numbers, states[i], row + i, bad);
    }
    return MSIM_OK;
}

int msim_numbers_read(struct msim_numbers *numbers, size_t count, uint64_t row, int64_t *mantissas,
                      int8_t *exponents, uint8_t *flags, struct bad_row *bad,
                      struct msim_detail *detail)
{
    for (size_t at = 0; at < count;) {
        struct msim_span span;
        int r = msim_column_read(&numbers->column, count - at, &span, detail);
        if (r < 0)
            return r;
        r = read_span(numbers, &span, row + at, mantissas + at, exponents ? exponents + at : NULL,
                      flags + at, bad);
        if (r < 0)
            return msim_place_fail(&numbers->column.pages.place, detail, r, "out of memory");
        at += span.rows;
    }
    return MSIM_OK;
}
