/*
 * A filled column as a column chunk: a dictionary where that is shorter, then
 * pages, each with its checksum.
 */
#include <string.h>

#include "base/detail.h"
#include "base/mem.h"
#include "base/random.h"
#include "parquet/bits.h"
#include "parquet/codec.h"
#include "parquet/hybrid.h"
#include "parquet/page_out.h"
#include "parquet/thrift.h"
#include "parquet/writer.h"

/* A dictionary of numbers with more entries than this is not tried. */
#define ENTRIES_LIMIT 65536
/* Longer texts have no statistics: they would stand in the footer whole. */
#define RANGE_TEXT_LIMIT 64

/* The distinct values in the order of their appearance, and each value's place among them. */
struct dictionary_out {
    uint64_t *entries; /* NULL for texts, which the column has numbered already */
    size_t count;
    size_t limit; /* a dictionary with more entries is not tried */
    uint32_t *indexes;
    uint32_t *slots; /* open addressing: entry + 1 */
    size_t slot_count;
    bool pays;
};

static unsigned width_of(size_t count)
{
    unsigned width = 1;

    while (width < 32 && (uint64_t)count > UINT64_C(1) << width)
        width++;
    return width;
}

/* ---- the dictionary ---- */

static void finish_dictionary(struct dictionary_out *dictionary, size_t value_count,
                              const struct msim_allocator *allocator)
{
    msim_mem_free(allocator, dictionary->entries, dictionary->limit * sizeof *dictionary->entries);
    msim_mem_free(allocator, dictionary->slots, dictionary->slot_count * sizeof *dictionary->slots);
    msim_mem_free(allocator, dictionary->indexes, value_count * sizeof *dictionary->indexes);
    *dictionary = (struct dictionary_out){0};
}

/* False where there are too many distinct values. */
static bool number_values(struct dictionary_out *dictionary, const struct column_out *column)
{
    size_t mask = dictionary->slot_count - 1;

    for (size_t i = 0; i < column->value_count; i++) {
        uint64_t value = column->values[i];
        size_t slot = msim_mix64(value) & mask;
        while (dictionary->slots[slot] != 0 &&
               dictionary->entries[dictionary->slots[slot] - 1] != value)
            slot = (slot + 1) & mask;
        if (dictionary->slots[slot] == 0) {
            if (dictionary->count == dictionary->limit)
                return false;
            dictionary->entries[dictionary->count++] = value;
            dictionary->slots[slot] = (uint32_t)dictionary->count;
        }
        dictionary->indexes[i] = dictionary->slots[slot] - 1;
    }
    return true;
}

static int make_dictionary(struct dictionary_out *dictionary, const struct column_out *column,
                           const struct msim_allocator *allocator)
{
    uint64_t plain, entries;

    *dictionary = (struct dictionary_out){0};
    if (column->value_count < 2)
        return MSIM_OK;
    dictionary->indexes =
        msim_mem_take_array(allocator, column->value_count, sizeof *dictionary->indexes);
    if (!dictionary->indexes)
        return MSIM_ERR_NOMEM;
    size_t width = msim_column_out_width(column->type);
    if (width == 0) {
        for (size_t i = 0; i < column->value_count; i++)
            dictionary->indexes[i] = (uint32_t)column->values[i];
        dictionary->count = column->texts.count;
        /* A text in the table has a terminator in place of a length of four bytes. */
        entries = column->texts.text_length + (uint64_t)3 * column->texts.count;
        plain = column->text_bytes + (uint64_t)4 * column->value_count;
    } else {
        dictionary->limit = column->value_count / 2;
        if (dictionary->limit > ENTRIES_LIMIT)
            dictionary->limit = ENTRIES_LIMIT;
        dictionary->slot_count = 4;
        while (dictionary->slot_count < 2 * dictionary->limit)
            dictionary->slot_count *= 2;
        dictionary->slots =
            msim_mem_zero_array(allocator, dictionary->slot_count, sizeof *dictionary->slots);
        dictionary->entries =
            msim_mem_take_array(allocator, dictionary->limit, sizeof *dictionary->entries);
        if (!dictionary->slots || !dictionary->entries) {
            finish_dictionary(dictionary, column->value_count, allocator);
            return MSIM_ERR_NOMEM;
        }
        if (!number_values(dictionary, column))
            return MSIM_OK;
        entries = (uint64_t)dictionary->count * width;
        plain = (uint64_t)column->value_count * width;
    }
    uint64_t indexes = (uint64_t)column->value_count * width_of(dictionary->count) / 8;
    dictionary->pays = entries + indexes < plain;
    return MSIM_OK;
}

/* ---- values ---- */

static int put_value(struct msim_bytes *out, const struct column_out *column, uint64_t value)
{
    unsigned char bytes[8];
    size_t width = msim_column_out_width(column->type);

    if (width > 0) {
        msim_store64(bytes, value);
        return msim_bytes_append(out, bytes, width);
    }
    size_t length = 0;
    const char *text = msim_symbols_text(&column->texts, (uint32_t)value, &length);
    msim_store32(bytes, (uint32_t)length);
    int r = msim_bytes_append(out, bytes, 4);
    return r < 0 || length == 0 ? r : msim_bytes_append(out, text, length);
}

/* Behind a length of four bytes: which rows have a value. */
static int put_levels(struct msim_parquet_writer *writer, const uint8_t *present, size_t rows)
{
    static const unsigned char blank[4];
    struct msim_bytes *out = &writer->body;
    size_t start = msim_bytes_length(out);

    for (size_t i = 0; i < rows; i++)
        writer->levels[i] = present[i];
    int r = msim_bytes_append(out, blank, sizeof blank);
    if (r >= 0)
        r = msim_hybrid_write(out, writer->levels, rows, 1);
    if (r < 0)
        return r;
    unsigned char *head = out->memory + out->start + start;
    msim_store32(head, (uint32_t)(msim_bytes_length(out) - start - 4));
    return MSIM_OK;
}

/* ---- pages ---- */

int msim_page_out_head(struct msim_thrift_out *out, const struct page_out *page, size_t length,
                       size_t stored, const uint32_t *crc)
{
    int last = 0, inner = 0;

    msim_thrift_put_i32(out, &last, 1, page->type);
    msim_thrift_put_i32(out, &last, 2, (int32_t)length);
    msim_thrift_put_i32(out, &last, 3, (int32_t)stored);
    if (crc)
        msim_thrift_put_i32(out, &last, 4, (int32_t)*crc);
    msim_thrift_put_struct(out, &last, page->type == PAGE_DATA ? 5 : 7);
    msim_thrift_put_i32(out, &inner, 1, (int32_t)page->values);
    msim_thrift_put_i32(out, &inner, 2, page->encoding);
    if (page->type == PAGE_DATA) {
        msim_thrift_put_i32(out, &inner, 3, ENCODING_RLE);
        msim_thrift_put_i32(out, &inner, 4, ENCODING_RLE);
    }
    msim_thrift_put_stop(out);
    msim_thrift_put_stop(out);
    return out->result;
}

/* Compresses what stands in writer->body and puts it behind a head. */
static int put_page(struct msim_parquet_writer *writer, const struct page_out *page,
                    struct chunk_out *chunk, struct msim_detail *detail)
{
    size_t length = msim_bytes_length(&writer->body);
    size_t stored = length;
    unsigned char *room = NULL;
    const unsigned char *bytes = msim_bytes_front(&writer->body);
    struct msim_thrift_out head;

    if (writer->codec != CODEC_NONE) {
        size_t bound = msim_codec_bound(writer->codec, length);
        int r = msim_bytes_reserve(&writer->packed, bound, &room);
        if (r >= 0)
            r = msim_codec_encode(writer->codec, bytes, length, room, bound, &stored);
        if (r < 0)
            return msim_detail_set(detail, r, "a page: %s", msim_result_text(r));
        bytes = room;
    }
    msim_thrift_out_init(&head, &writer->allocator);
    const uint32_t crc = msim_crc_of(&writer->crc, bytes, stored);
    int r = msim_page_out_head(&head, page, length, stored, &crc);
    if (r < 0)
        msim_detail_set(detail, r, "a page: %s", msim_result_text(r));
    if (r >= 0)
        r = msim_writer_put(writer, head.bytes, head.length, detail);
    if (r >= 0)
        r = msim_writer_put(writer, bytes, stored, detail);
    chunk->compressed_size += head.length + stored;
    chunk->uncompressed_size += head.length + length;
    msim_thrift_out_finish(&head);
    msim_bytes_take(&writer->body, length);
    return r;
}

static int put_dictionary(struct msim_parquet_writer *writer, const struct column_out *column,
                          const struct dictionary_out *dictionary, struct chunk_out *chunk,
                          struct msim_detail *detail)
{
    for (size_t i = 0; i < dictionary->count; i++) {
        int r = put_value(&writer->body, column, dictionary->entries ? dictionary->entries[i] : i);
        if (r < 0)
            return msim_detail_set(detail, r, "a dictionary: %s", msim_result_text(r));
    }
    struct page_out page = {
        .type = PAGE_DICTIONARY, .encoding = ENCODING_PLAIN, .values = dictionary->count};
    chunk->dictionary_offset = writer->offset;
    return put_page(writer, &page, chunk, detail);
}

/* The values from..to of the column, which belong to the rows of one page. */
static int put_values(struct msim_parquet_writer *writer, const struct column_out *column,
                      const struct dictionary_out *dictionary, size_t from, size_t to)
{
    int r = MSIM_OK;

    if (dictionary->pays) {
        unsigned char width = (unsigned char)width_of(dictionary->count);
        r = msim_bytes_append(&writer->body, &width, 1);
        if (r >= 0)
            r = msim_hybrid_write(&writer->body, dictionary->indexes + from, to - from, width);
        return r;
    }
    for (size_t i = from; i < to && r >= 0; i++)
        r = put_value(&writer->body, column, column->values[i]);
    return r;
}

static int put_pages(struct msim_parquet_writer *writer, const struct column_out *column,
                     const struct dictionary_out *dictionary, struct chunk_out *chunk,
                     struct msim_detail *detail)
{
    size_t value = 0;

    chunk->data_offset = writer->offset;
    for (size_t row = 0; row < writer->rows; row += WRITER_PAGE_ROWS) {
        size_t rows = writer->rows - row < WRITER_PAGE_ROWS ? writer->rows - row : WRITER_PAGE_ROWS;
        size_t values = 0;
        for (size_t i = 0; i < rows; i++)
            values += column->present[row + i];
        int r = MSIM_OK;
        if (column->nullable)
            r = put_levels(writer, column->present + row, rows);
        if (r >= 0)
            r = put_values(writer, column, dictionary, value, value + values);
        if (r < 0)
            return msim_detail_set(detail, r, "column %s: %s", column->name, msim_result_text(r));
        value += values;
        struct page_out page = {.type = PAGE_DATA,
                                .encoding =
                                    dictionary->pays ? ENCODING_RLE_DICTIONARY : ENCODING_PLAIN,
                                .values = rows};
        r = put_page(writer, &page, chunk, detail);
        if (r < 0)
            return r;
    }
    return MSIM_OK;
}

/* ---- statistics ---- */

static bool number_before(enum msim_parquet_type type, uint64_t a, uint64_t b)
{
    if (type == MSIM_PARQUET_DOUBLE) {
        double x, y;
        memcpy(&x, &a, sizeof x);
        memcpy(&y, &b, sizeof y);
        return x < y;
    }
    return (int64_t)a < (int64_t)b;
}

/* The format wants no NaN in a range, and the zeros that include the other one. */
static bool fix_range(const struct column_out *column, struct chunk_out *chunk)
{
    const uint64_t minus_zero = UINT64_C(1) << 63;

    if (column->type != MSIM_PARQUET_DOUBLE)
        return true;
    for (size_t i = 0; i < column->value_count; i++) {
        if ((column->values[i] & (minus_zero - 1)) > UINT64_C(0x7FF) << 52)
            return false;
    }
    if (chunk->min == 0)
        chunk->min = minus_zero;
    if (chunk->max == minus_zero)
        chunk->max = 0;
    return true;
}

static bool text_before(const struct column_out *column, uint64_t a, uint64_t b)
{
    size_t length_a = 0, length_b = 0;
    const char *text_a = msim_symbols_text(&column->texts, (uint32_t)a, &length_a);
    const char *text_b = msim_symbols_text(&column->texts, (uint32_t)b, &length_b);
    int order = memcmp(text_a, text_b, length_a < length_b ? length_a : length_b);

    return order < 0 || (order == 0 && length_a < length_b);
}

/* Short texts of the range go to where the footer finds them. */
static int keep_text(struct msim_parquet_writer *writer, const struct column_out *column,
                     uint64_t *text, bool *kept)
{
    size_t length = 0;
    const char *bytes = msim_symbols_text(&column->texts, (uint32_t)*text, &length);
    uint32_t number;

    *kept = length <= RANGE_TEXT_LIMIT;
    if (!*kept)
        return MSIM_OK;
    int r = msim_symbols_intern(&writer->ranges, bytes, length, &number);
    if (r < 0)
        return r;
    *text = number;
    return MSIM_OK;
}

static int find_range(struct msim_parquet_writer *writer, const struct column_out *column,
                      struct chunk_out *chunk)
{
    bool texts = column->type == MSIM_PARQUET_STRING;
    /* Every text of the table is in use: its numbers are enough. */
    size_t count = texts ? column->texts.count : column->value_count;

    if (count == 0)
        return MSIM_OK;
    chunk->min = chunk->max = texts ? 0 : column->values[0];
    for (size_t i = 1; i < count; i++) {
        uint64_t value = texts ? i : column->values[i];
        if (texts ? text_before(column, value, chunk->min)
                  : number_before(column->type, value, chunk->min))
            chunk->min = value;
        if (texts ? text_before(column, chunk->max, value)
                  : number_before(column->type, chunk->max, value))
            chunk->max = value;
    }
    if (!texts) {
        chunk->has_range = fix_range(column, chunk);
        return MSIM_OK;
    }
    bool min_kept = false, max_kept = false;
    int r = keep_text(writer, column, &chunk->min, &min_kept);
    if (r >= 0)
        r = keep_text(writer, column, &chunk->max, &max_kept);
    chunk->has_range = min_kept && max_kept;
    return r;
}

int msim_chunk_out_write(struct msim_parquet_writer *writer, const struct column_out *column,
                         struct chunk_out *chunk, struct msim_detail *detail)
{
    struct dictionary_out dictionary;

    *chunk = (struct chunk_out){.offset = writer->offset,
                                .null_count = writer->rows - column->value_count};
    int r = find_range(writer, column, chunk);
    if (r >= 0)
        r = make_dictionary(&dictionary, column, &writer->allocator);
    if (r < 0)
        return msim_detail_set(detail, r, "column %s: %s", column->name, msim_result_text(r));
    if (dictionary.pays)
        r = put_dictionary(writer, column, &dictionary, chunk, detail);
    if (r >= 0)
        r = put_pages(writer, column, &dictionary, chunk, detail);
    finish_dictionary(&dictionary, column->value_count, &writer->allocator);
    return r;
}
