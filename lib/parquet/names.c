#include <marketsim/record.h>

#include <string.h>

#include "base/detail.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "parquet/pick.h"
#include "parquet/values.h"

void msim_names_init(struct msim_names *names, const struct msim_allocator *allocator)
{
    *names = (struct msim_names){0};
    msim_symbols_init(&names->symbols, MSIM_SYMBOLS_LIMIT, allocator);
}

void msim_names_finish(struct msim_names *names)
{
    msim_mem_free(&names->symbols.allocator, names->states, names->state_capacity);
    names->states = NULL;
    names->state_capacity = 0;
    msim_symbols_finish(&names->symbols);
}

static int intern(struct msim_names *names, struct msim_text text, uint32_t *id)
{
    size_t before = names->symbols.count;
    int r = msim_symbols_intern(&names->symbols, (const char *)text.bytes, text.length, id);
    if (r < 0 || names->symbols.count == before)
        return r;

    void *states = names->states;
    r = msim_mem_grow(&names->symbols.allocator, &states, &names->state_capacity, 1, before + 1,
                      SIZE_MAX);
    if (r < 0)
        return r;
    names->states = states;
    names->states[before] = msim_utf8_valid(text.bytes, text.length) ? NAME_GOOD : NAME_BAD;
    names->bad_count += names->states[before] == NAME_BAD;
    return MSIM_OK;
}

int msim_name_column_check(const struct leaf *leaf, const struct place *place,
                           struct msim_detail *detail)
{
    bool text = leaf->annotation == ANNOTATION_NONE || leaf->annotation == ANNOTATION_STRING ||
                leaf->annotation == ANNOTATION_ENUM || leaf->annotation == ANNOTATION_JSON;

    if (leaf->physical == PHYSICAL_BYTE_ARRAY && text)
        return MSIM_OK;
    return msim_place_fail(place, detail, MSIM_ERR_UNSUPPORTED,
                           "is %s with %s, which is not read as text: write it as STRING",
                           msim_physical_name(leaf->physical),
                           msim_annotation_name(leaf->annotation));
}

int msim_name_column_open(struct msim_name_column *column, struct msim_names *names,
                          struct msim_reader *reader, const struct msim_parquet_file *file,
                          const struct footer *footer, size_t group, size_t leaf,
                          struct msim_detail *detail)
{
    *column = (struct msim_name_column){.names = names};
    return msim_column_open(&column->column, reader, file, footer, group, leaf, detail);
}

static const char too_many[] = "more than 1000000 different names: select fewer of them into the "
                               "file";

static const char *failure_words(int r)
{
    return r == MSIM_ERR_LIMIT ? too_many : msim_result_text(r);
}

int msim_name_column_constant(struct msim_name_column *column, struct msim_names *names,
                              const char *name, size_t length, struct msim_detail *detail)
{
    const struct msim_text text = {.bytes = (const unsigned char *)name,
                                   .length = (uint32_t)length};

    *column =
        (struct msim_name_column){.names = names, .is_constant = true, .has_name = length > 0};
    int r = column->has_name ? intern(names, text, &column->id) : MSIM_OK;
    return r < 0 ? msim_detail_set(detail, r, "%s", failure_words(r)) : MSIM_OK;
}

void msim_name_column_close(struct msim_name_column *column)
{
    if (!column->column.pages.reader)
        return;
    msim_mem_free(&column->column.pages.reader->allocator, column->entries,
                  column->entry_count * sizeof *column->entries);
    msim_column_close(&column->column);
    *column = (struct msim_name_column){0};
}

static int fail(const struct msim_name_column *column, struct msim_detail *detail, int r)
{
    return msim_place_fail(&column->column.pages.place, detail, r, "%s", failure_words(r));
}

static int make_entries(struct msim_name_column *column)
{
    const struct msim_dictionary *dictionary = &column->column.dictionary;

    if (column->entries || dictionary->count == 0)
        return MSIM_OK;
    column->entries = msim_mem_take_array(&column->column.pages.reader->allocator,
                                          dictionary->count, sizeof *column->entries);
    if (!column->entries)
        return MSIM_ERR_NOMEM;
    column->entry_count = dictionary->count;
    for (size_t i = 0; i < dictionary->count; i++) {
        int r = intern(column->names, dictionary->texts[i], &column->entries[i]);
        if (r < 0)
            return r;
    }
    return MSIM_OK;
}

/* Texts one by one; the same text often stands several times in a row. */
static int intern_all(struct msim_name_column *column, const struct msim_span *span, uint32_t *ids)
{
    for (size_t i = 0; i < span->values; i++) {
        const struct msim_text *text = &span->texts[i];
        const struct msim_text *before = i > 0 ? text - 1 : NULL;
        if (before && before->length == text->length &&
            memcmp(before->bytes, text->bytes, text->length) == 0) {
            ids[i] = ids[i - 1];
            continue;
        }
        int r = intern(column->names, *text, &ids[i]);
        if (r < 0)
            return r;
    }
    return MSIM_OK;
}

/* Moves the ids of the rows that have one to their rows, from the back: in place. */
static void spread(const struct msim_span *span, uint32_t *ids, uint8_t *flags)
{
    size_t value = span->values;

    for (size_t i = span->rows; i-- > 0;) {
        if (span->present[i]) {
            ids[i] = ids[--value];
        } else {
            ids[i] = 0;
            flags[i] |= MSIM_RECORD_NO_SYMBOL;
        }
    }
}

static int read_span(struct msim_name_column *column, const struct msim_span *span, uint64_t row,
                     uint32_t *ids, uint8_t *flags, struct bad_row *bad)
{
    int r = MSIM_OK;

    if (span->form == SPAN_INDEX) {
        r = make_entries(column);
        if (r < 0)
            return r;
        msim_pick32(ids, column->entries, span->indexes, span->values);
    } else {
        r = intern_all(column, span, ids);
        if (r < 0)
            return r;
    }
    if (span->present)
        spread(span, ids, flags);
    for (size_t i = 0; column->names->bad_count > 0 && i < span->rows; i++) {
        if ((flags[i] & MSIM_RECORD_NO_SYMBOL) || column->names->states[ids[i]] == NAME_GOOD)
            continue;
        flags[i] |= ROW_BAD;
        msim_bad_row_note(
            bad, row + i, column->column.leaf->name, MSIM_ERR_FORMAT,
            "the name is not UTF-8: correct it, or skip bad rows (skip_bad_rows, --skip-bad-rows)");
    }
    return MSIM_OK;
}

static void fill(const struct msim_name_column *column, size_t count, uint32_t *ids, uint8_t *flags)
{
    for (size_t i = 0; i < count; i++)
        ids[i] = column->id;
    for (size_t i = 0; !column->has_name && i < count; i++)
        flags[i] |= MSIM_RECORD_NO_SYMBOL;
}

int msim_name_column_read(struct msim_name_column *column, size_t count, uint64_t row,
                          uint32_t *ids, uint8_t *flags, struct bad_row *bad,
                          struct msim_detail *detail)
{
    if (column->is_constant) {
        fill(column, count, ids, flags);
        return MSIM_OK;
    }
    for (size_t at = 0; at < count;) {
        struct msim_span span;
        int r = msim_column_read(&column->column, count - at, &span, detail);
        if (r < 0)
            return r;
        r = read_span(column, &span, row + at, ids + at, flags + at, bad);
        if (r < 0)
            return fail(column, detail, r);
        at += span.rows;
    }
    return MSIM_OK;
}

int msim_name_column_pass(struct msim_name_column *column, uint64_t rows,
                          struct msim_detail *detail)
{
    return column->is_constant ? MSIM_OK : msim_column_pass(&column->column, rows, detail);
}
