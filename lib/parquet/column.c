#include "parquet/column.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "parquet/bits.h"
#include "parquet/decode.h"

void msim_reader_init(struct msim_reader *reader, const struct msim_crc *crc,
                      const struct msim_allocator *allocator)
{
    *reader = (struct msim_reader){.crc = crc, .allocator = *allocator};
    msim_codecs_init(&reader->codecs, allocator);
}

void msim_reader_finish(struct msim_reader *reader)
{
    msim_mem_free(&reader->allocator, reader->scratch, sizeof *reader->scratch);
    reader->scratch = NULL;
    msim_reader_trim(reader);
    msim_codecs_finish(&reader->codecs);
}

static int damaged(const struct msim_column *column, struct msim_detail *detail, const char *words)
{
    return msim_place_fail(&column->pages.place, detail, MSIM_ERR_FORMAT, "damaged: %s", words);
}

int msim_column_open(struct msim_column *column, struct msim_reader *reader,
                     const struct msim_parquet_file *file, const struct footer *footer,
                     size_t group, size_t leaf, struct msim_detail *detail)
{
    const struct chunk *chunk = msim_footer_chunk(footer, group, leaf);

    *column = (struct msim_column){.leaf = &footer->leaves[leaf]};
    assert(column->leaf->flat);
    int r = msim_pages_open(&column->pages, reader, file, footer, group, leaf, detail);
    if (r < 0)
        return r;
    column->width = msim_physical_width(column->leaf->physical, column->leaf->type_length);
    if (column->leaf->physical == PHYSICAL_BOOLEAN)
        column->width = 1;
    if (column->width == 0 && column->leaf->physical != PHYSICAL_BYTE_ARRAY)
        return msim_place_fail(&column->pages.place, detail, MSIM_ERR_UNSUPPORTED,
                               "values of type %s are not read",
                               msim_physical_name(column->leaf->physical));
    if (chunk->value_count != footer->groups[group].row_count)
        return msim_place_fail(&column->pages.place, detail, MSIM_ERR_FORMAT,
                               "damaged: %" PRId64 " values for %" PRId64 " rows",
                               chunk->value_count, footer->groups[group].row_count);
    column->rows_left = (uint64_t)chunk->value_count;
    if (!reader->scratch)
        reader->scratch = msim_mem_take(&reader->allocator, sizeof *reader->scratch);
    if (!reader->scratch)
        return msim_place_fail(&column->pages.place, detail, MSIM_ERR_NOMEM, "out of memory");
    return MSIM_OK;
}

void msim_column_close(struct msim_column *column)
{
    if (!column->pages.reader)
        return;
    const struct msim_allocator *allocator = &column->pages.reader->allocator;
    struct msim_dictionary *dictionary = &column->dictionary;
    msim_reader_give(column->pages.reader, dictionary->bytes, dictionary->capacity);
    msim_mem_free(allocator, dictionary->texts,
                  dictionary->text_capacity * sizeof *dictionary->texts);
    msim_decode_close(column);
    msim_pages_close(&column->pages);
    *column = (struct msim_column){0};
}

/* ---- dictionary ---- */

static int keep_dictionary(struct msim_column *column, const struct page_body *body, uint32_t count,
                           struct msim_detail *detail)
{
    struct msim_dictionary *dictionary = &column->dictionary;
    const struct msim_allocator *allocator = &column->pages.reader->allocator;
    size_t each = column->width > 0 ? column->width : 4;

    if (count > body->value_length / each)
        return damaged(column, detail, "a dictionary that is shorter than its values");
    dictionary->bytes = msim_reader_take(
        column->pages.reader, body->value_length + MSIM_PARQUET_PADDING, &dictionary->capacity);
    if (!dictionary->bytes)
        return msim_place_fail(&column->pages.place, detail, MSIM_ERR_NOMEM, "out of memory");
    memset(dictionary->bytes + body->value_length, 0, MSIM_PARQUET_PADDING);
    if (body->value_length > 0)
        memcpy(dictionary->bytes, body->values, body->value_length);
    dictionary->count = count;
    dictionary->loaded = true;
    if (column->width > 0 || count == 0)
        return MSIM_OK;

    dictionary->texts = msim_mem_take_array(allocator, count, sizeof *dictionary->texts);
    if (!dictionary->texts)
        return msim_place_fail(&column->pages.place, detail, MSIM_ERR_NOMEM, "out of memory");
    dictionary->text_capacity = count;
    const unsigned char *at = dictionary->bytes;
    return msim_decode_texts(column, &at, dictionary->bytes + body->value_length, dictionary->texts,
                             count, detail);
}

static int load_dictionary(struct msim_column *column, const struct page_head *head,
                           struct msim_detail *detail)
{
    struct page_body body;

    if (column->dictionary.loaded)
        return damaged(column, detail, "a second dictionary in one chunk");
    if (head->encoding != ENCODING_PLAIN && head->encoding != ENCODING_PLAIN_DICTIONARY)
        return msim_place_fail(&column->pages.place, detail, MSIM_ERR_UNSUPPORTED,
                               "a dictionary in %s (encoding %" PRId32 "), which is not read",
                               msim_encoding_name(head->encoding), head->encoding);
    int r = msim_pages_load(&column->pages, head, &body, detail);
    if (r < 0)
        return r;
    return keep_dictionary(column, &body, (uint32_t)head->value_count, detail);
}

/* ---- data pages ---- */

/* Version 1 writes the levels before the values and compresses both. */
static int begin_levels_v1(struct msim_column *column, const struct page_head *head,
                           struct page_body *body, struct msim_detail *detail)
{
    size_t length;

    column->packed_levels = false;
    if (head->definition_encoding == ENCODING_BIT_PACKED) {
        length = ((size_t)head->value_count + 7) / 8;
        if (length > body->value_length)
            return damaged(column, detail, "the levels end too early");
        column->packed_levels = true;
        column->level_bits = body->values;
        column->level_at = 0;
    } else if (head->definition_encoding == ENCODING_RLE) {
        if (body->value_length < 4)
            return damaged(column, detail, "the levels end too early");
        length = msim_load32(body->values);
        body->values += 4;
        body->value_length -= 4;
        if (length > body->value_length)
            return damaged(column, detail, "the levels are longer than their page");
        msim_hybrid_init(&column->levels, body->values, length, 1);
    } else {
        return msim_place_fail(&column->pages.place, detail, MSIM_ERR_UNSUPPORTED,
                               "levels in %s (encoding %" PRId32 "), which are not read",
                               msim_encoding_name(head->definition_encoding),
                               head->definition_encoding);
    }
    body->values += length;
    body->value_length -= length;
    return MSIM_OK;
}

static int begin_levels(struct msim_column *column, const struct page_head *head,
                        struct page_body *body, struct msim_detail *detail)
{
    column->has_levels = column->leaf->definition > 0;
    if (!column->has_levels || head->value_count == 0)
        return MSIM_OK;
    if (head->type == PAGE_DATA)
        return begin_levels_v1(column, head, body, detail);
    column->packed_levels = false;
    msim_hybrid_init(&column->levels, body->definitions, body->definition_length, 1);
    return MSIM_OK;
}

static int load_page(struct msim_column *column, const struct page_head *head,
                     struct msim_detail *detail)
{
    struct page_body body;

    int r = msim_pages_load(&column->pages, head, &body, detail);
    if (r < 0)
        return r;
    r = begin_levels(column, head, &body, detail);
    if (r < 0)
        return r;
    r = msim_decode_begin(column, head->encoding, &body, (uint64_t)head->value_count, detail);
    if (r < 0)
        return r;
    column->page_left = (uint64_t)head->value_count;
    return MSIM_OK;
}

/* Comes to the next data page that has rows, or passes over pages of `*pass` rows in whole. */
static int next_page(struct msim_column *column, uint64_t *pass, struct msim_detail *detail)
{
    while (column->page_left == 0 && column->rows_left > 0) {
        struct page_head head;
        int r = msim_pages_next(&column->pages, &head, detail);
        if (r < 0)
            return r;
        if (r == 0)
            return msim_place_fail(&column->pages.place, detail, MSIM_ERR_FORMAT,
                                   "damaged: the chunk ends with %" PRIu64 " rows missing",
                                   column->rows_left);
        bool data = head.type == PAGE_DATA || head.type == PAGE_DATA_V2;
        if (data && (uint64_t)head.value_count > column->rows_left)
            return damaged(column, detail, "the page has more values than its chunk");
        if (head.type == PAGE_DICTIONARY) {
            r = load_dictionary(column, &head, detail);
        } else if (!data) {
            r = msim_pages_pass(&column->pages, &head, detail);
        } else if ((uint64_t)head.value_count <= *pass) {
            *pass -= (uint64_t)head.value_count;
            column->rows_left -= (uint64_t)head.value_count;
            r = msim_pages_pass(&column->pages, &head, detail);
        } else {
            return load_page(column, &head, detail);
        }
        if (r < 0)
            return r;
    }
    return MSIM_OK;
}

/* ---- spans ---- */

/* Levels of 0 and 1 into present and values; a run of equal ones, which is usual, costs nothing. */
static int read_levels(struct msim_column *column, size_t want, struct msim_span *span,
                       struct msim_detail *detail)
{
    uint8_t *present = column->pages.reader->scratch->present;
    uint32_t *numbers = column->pages.reader->scratch->numbers;

    span->values = 0;
    span->present = present;
    if (column->packed_levels) {
        for (size_t i = 0; i < want; i++, column->level_at++) {
            unsigned byte = column->level_bits[column->level_at / 8];
            present[i] = byte >> (7 - column->level_at % 8) & 1;
            span->values += present[i];
        }
        return MSIM_OK;
    }

    uint32_t value = 0;
    size_t equal = 0;
    int r = msim_hybrid_peek(&column->levels, want, &value, &equal);
    if (r >= 0 && equal == want) {
        msim_hybrid_pass(&column->levels, equal);
        if (value == 1) {
            span->present = NULL;
            span->values = want;
        } else {
            memset(present, 0, want);
        }
        return MSIM_OK;
    }
    if (r >= 0)
        r = msim_hybrid_read(&column->levels, numbers, want);
    if (r < 0)
        return damaged(column, detail, "its levels end too early or are no levels");
    for (size_t i = 0; i < want; i++) {
        present[i] = (uint8_t)numbers[i];
        span->values += numbers[i];
    }
    if (span->values == want)
        span->present = NULL;
    return MSIM_OK;
}

int msim_column_read(struct msim_column *column, size_t want, struct msim_span *span,
                     struct msim_detail *detail)
{
    uint64_t pass = 0;

    *span = (struct msim_span){0};
    int r = next_page(column, &pass, detail);
    if (r < 0)
        return r;
    if (want > MSIM_COLUMN_BATCH)
        want = MSIM_COLUMN_BATCH;
    if (want > column->page_left)
        want = (size_t)column->page_left;
    if (want == 0)
        return MSIM_OK;

    span->values = want;
    if (column->has_levels) {
        r = read_levels(column, want, span, detail);
        if (r < 0)
            return r;
    }
    r = msim_decode_read(column, span, detail);
    if (r < 0)
        return r;
    span->rows = want;
    column->page_left -= want;
    column->rows_left -= want;
    return MSIM_OK;
}

int msim_column_pass(struct msim_column *column, uint64_t rows, struct msim_detail *detail)
{
    while (rows > 0) {
        if (column->page_left == 0) {
            int r = next_page(column, &rows, detail);
            if (r < 0)
                return r;
            if (column->page_left == 0)
                return MSIM_OK;
            continue;
        }
        struct msim_span span;
        int r = msim_column_read(
            column, rows < MSIM_COLUMN_BATCH ? (size_t)rows : MSIM_COLUMN_BATCH, &span, detail);
        if (r < 0)
            return r;
        rows -= span.rows;
    }
    return MSIM_OK;
}
