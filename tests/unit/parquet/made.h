/*
 * Parquet files made in memory: by the writer, from rows; and by hand, page by
 * page, for what the writer never does.
 */
#ifndef TESTS_PARQUET_MADE_H
#define TESTS_PARQUET_MADE_H

#include "check.h"

#include <stdlib.h>
#include <string.h>

#include <marketsim/parquet.h>

#include "base/mem.h"
#include "parquet/bits.h"
#include "parquet/codec.h"
#include "parquet/crc.h"
#include "parquet/dataset.h"
#include "parquet/thrift.h"

struct made {
    unsigned char *bytes;
    size_t length;
    size_t capacity;
};

static inline int made_put(void *context, const void *bytes, size_t length)
{
    struct made *made = context;

    while (made->length + length > made->capacity) {
        made->capacity = made->capacity > 0 ? made->capacity * 2 : 4096;
        made->bytes = realloc(made->bytes, made->capacity);
        assert_non_null(made->bytes);
    }
    if (length > 0)
        memcpy(made->bytes + made->length, bytes, length);
    made->length += length;
    return MSIM_OK;
}

static inline void made_free(struct made *made)
{
    free(made->bytes);
    *made = (struct made){0};
}

/* ---- by the writer ---- */

struct row {
    int64_t time;
    int64_t price;
    int64_t volume;
    const char *ticker;
};

enum { TIMESTAMP, PRICE, VOLUME, TICKER, COLUMNS };

/* A writer into `made`, where it stays until made_end. */
static inline struct msim_parquet_writer *made_begin(struct made *made,
                                                     const struct msim_parquet_column *columns,
                                                     size_t column_count, uint64_t group_rows,
                                                     enum msim_parquet_codec codec)
{
    struct msim_parquet_writer_params params = MSIM_PARQUET_WRITER_PARAMS_INIT;
    struct msim_parquet_writer *writer = NULL;

    params.write = made_put;
    params.context = made;
    params.columns = columns;
    params.column_count = column_count;
    params.codec = codec;
    params.row_group_rows = group_rows;
    assert_int_equal(msim_parquet_writer_create(&writer, &params, NULL), MSIM_OK);
    return writer;
}

static inline void made_end(struct msim_parquet_writer *writer)
{
    assert_int_equal(msim_parquet_writer_finish(writer, NULL), MSIM_OK);
    msim_parquet_writer_destroy(&writer);
}

static inline struct made made_trades(const struct row *rows, size_t count, uint64_t group_rows,
                                      enum msim_parquet_codec codec)
{
    const struct msim_parquet_column columns[COLUMNS] = {
        [TIMESTAMP] = {.name = "timestamp", .type = MSIM_PARQUET_TIMESTAMP_NS},
        [PRICE] = {.name = "price", .type = MSIM_PARQUET_INT64, .nullable = true},
        [VOLUME] = {.name = "volume", .type = MSIM_PARQUET_INT64},
        [TICKER] = {.name = "ticker", .type = MSIM_PARQUET_STRING, .nullable = true},
    };
    struct made made = {0};
    struct msim_parquet_writer *writer = made_begin(&made, columns, COLUMNS, group_rows, codec);

    for (size_t i = 0; i < count; i++) {
        struct msim_parquet_value values[COLUMNS] = {
            [TIMESTAMP] = {.integer = rows[i].time},
            [PRICE] = {.integer = rows[i].price},
            [VOLUME] = {.integer = rows[i].volume},
            [TICKER] = {.is_null = !rows[i].ticker,
                        .text = rows[i].ticker,
                        .text_length = rows[i].ticker ? strlen(rows[i].ticker) : 0},
        };
        assert_int_equal(msim_parquet_writer_row(writer, values, NULL), MSIM_OK);
    }
    made_end(writer);
    return made;
}

/* ---- by hand ---- */

struct made_page {
    int type; /* enum page_type */
    int encoding;
    int level_encoding; /* 0: RLE */
    int32_t values;
    const void *bytes; /* as they are before compression; in v2 the levels stand first */
    size_t length;
    int32_t level_length;   /* v2 */
    bool says_uncompressed; /* v2 */
    bool has_crc;
    uint32_t crc_error; /* added to the right one */
    int32_t size_error; /* added to the uncompressed size */
    const void *stored; /* in place of what the codec would give */
    size_t stored_length;
};

struct made_chunk {
    const char *name;
    int physical;
    int converted;   /* 0: none, else one more than the number */
    int type_length; /* of FIXED_LEN_BYTE_ARRAY */
    int scale;       /* of decimals */
    int precision;
    int repetition;
    int codec;
    const struct made_page *pages;
    size_t page_count;
    bool hides_dictionary; /* dictionary_page_offset 0 */
    int64_t values;        /* 0: the file's rows */
    int lists;             /* an encoding that the footer lists; 0: none */
    bool is_encrypted;
    bool is_elsewhere;
    const char *min; /* 8 bytes of statistics */
    const char *max;
};

static inline void made_page_put(struct made *made, const struct made_page *page, int codec)
{
    struct msim_thrift_out out;
    struct msim_crc crc;
    int last = 0, inner = 0;
    const void *stored = page->stored ? page->stored : page->bytes;
    size_t stored_length = page->stored ? page->stored_length : page->length;
    unsigned char packed[4096];

    if (codec == CODEC_ZSTD && !page->stored && !page->says_uncompressed) {
        size_t levels = (size_t)page->level_length;
        size_t length = 0;
        if (levels > 0)
            memcpy(packed, page->bytes, levels);
        assert_int_equal(msim_codec_encode(codec, (const unsigned char *)page->bytes + levels,
                                           page->length - levels, packed + levels,
                                           sizeof packed - levels, &length),
                         MSIM_OK);
        stored = packed;
        stored_length = levels + length;
    }
    msim_crc_init(&crc);
    struct msim_allocator system = msim_mem_allocator(NULL);
    msim_thrift_out_init(&out, &system);
    msim_thrift_put_i32(&out, &last, 1, page->type);
    msim_thrift_put_i32(&out, &last, 2, (int32_t)page->length + page->size_error);
    msim_thrift_put_i32(&out, &last, 3, (int32_t)stored_length);
    if (page->has_crc)
        msim_thrift_put_i32(&out, &last, 4,
                            (int32_t)(msim_crc_of(&crc, stored, stored_length) + page->crc_error));
    msim_thrift_put_struct(&out, &last,
                           page->type == PAGE_DATA         ? 5
                           : page->type == PAGE_DICTIONARY ? 7
                           : page->type == PAGE_DATA_V2    ? 8
                                                           : 6);
    if (page->type == PAGE_DATA_V2) {
        msim_thrift_put_i32(&out, &inner, 1, page->values);
        msim_thrift_put_i32(&out, &inner, 2, 0);
        msim_thrift_put_i32(&out, &inner, 3, page->values);
        msim_thrift_put_i32(&out, &inner, 4, page->encoding);
        msim_thrift_put_i32(&out, &inner, 5, page->level_length);
        msim_thrift_put_i32(&out, &inner, 6, 0);
        if (page->says_uncompressed)
            msim_thrift_put_boolean(&out, &inner, 7, false);
    } else if (page->type != PAGE_INDEX) {
        msim_thrift_put_i32(&out, &inner, 1, page->values);
        msim_thrift_put_i32(&out, &inner, 2, page->encoding);
        if (page->type == PAGE_DATA) {
            int levels = page->level_encoding ? page->level_encoding : ENCODING_RLE;
            msim_thrift_put_i32(&out, &inner, 3, levels);
            msim_thrift_put_i32(&out, &inner, 4, levels);
        }
    }
    msim_thrift_put_stop(&out);
    msim_thrift_put_stop(&out);
    assert_int_equal(out.result, MSIM_OK);
    made_put(made, out.bytes, out.length);
    made_put(made, stored, stored_length);
    msim_thrift_out_finish(&out);
}

struct made_place {
    int64_t dictionary;
    int64_t data;
    int64_t end;
    int64_t start;
};

static inline void made_chunk_put(struct msim_thrift_out *out, const struct made_chunk *chunk,
                                  const struct made_place *place, int64_t rows)
{
    int last = 0, inner = 0, statistics = 0;

    if (chunk->is_elsewhere)
        msim_thrift_put_binary(out, &last, 1, "other.parquet", 13);
    msim_thrift_put_i64(out, &last, 2, place->start);
    msim_thrift_put_struct(out, &last, 3);
    msim_thrift_put_i32(out, &inner, 1, chunk->physical);
    msim_thrift_put_list(out, &inner, 2, THRIFT_I32, chunk->lists ? 1 : 0);
    if (chunk->lists)
        msim_thrift_put_item_i32(out, chunk->lists);
    msim_thrift_put_list(out, &inner, 3, THRIFT_BINARY, 0);
    msim_thrift_put_i32(out, &inner, 4, chunk->codec);
    msim_thrift_put_i64(out, &inner, 5, chunk->values ? chunk->values : rows);
    msim_thrift_put_i64(out, &inner, 6, place->end - place->start);
    msim_thrift_put_i64(out, &inner, 7, place->end - place->start);
    msim_thrift_put_i64(out, &inner, 9, place->data);
    if (chunk->hides_dictionary)
        msim_thrift_put_i64(out, &inner, 11, 0);
    else if (place->dictionary > 0)
        msim_thrift_put_i64(out, &inner, 11, place->dictionary);
    if (chunk->min) {
        msim_thrift_put_struct(out, &inner, 12);
        msim_thrift_put_binary(out, &statistics, 5, chunk->max, 8);
        msim_thrift_put_binary(out, &statistics, 6, chunk->min, 8);
        msim_thrift_put_stop(out);
    }
    msim_thrift_put_stop(out);
    if (chunk->is_encrypted) {
        msim_thrift_put_struct(out, &last, 8);
        msim_thrift_put_stop(out);
    }
    msim_thrift_put_stop(out);
}

/* One row group of these chunks. */
static inline struct made made_by_hand(const struct made_chunk *chunks, size_t count, int64_t rows)
{
    struct msim_allocator system = msim_mem_allocator(NULL);
    struct made_place places[8] = {{0}};
    struct msim_thrift_out out;
    struct made made = {0};
    unsigned char tail[8];
    int last = 0, root = 0, group = 0;

    assert_true(count <= COUNT(places));
    made_put(&made, "PAR1", 4);
    for (size_t i = 0; i < count; i++) {
        places[i].start = (int64_t)made.length;
        for (size_t j = 0; j < chunks[i].page_count; j++) {
            const struct made_page *page = &chunks[i].pages[j];
            if (page->type == PAGE_DICTIONARY)
                places[i].dictionary = (int64_t)made.length;
            else if (places[i].data == 0)
                places[i].data = (int64_t)made.length;
            made_page_put(&made, page, chunks[i].codec);
        }
        places[i].end = (int64_t)made.length;
        if (chunks[i].hides_dictionary || places[i].data == 0)
            places[i].data = places[i].start;
    }
    msim_thrift_out_init(&out, &system);
    msim_thrift_put_i32(&out, &last, 1, 1);
    msim_thrift_put_list(&out, &last, 2, THRIFT_STRUCT, count + 1);
    msim_thrift_put_binary(&out, &root, 4, "m", 1);
    msim_thrift_put_i32(&out, &root, 5, (int32_t)count);
    msim_thrift_put_stop(&out);
    for (size_t i = 0; i < count; i++) {
        int element = 0;
        msim_thrift_put_i32(&out, &element, 1, chunks[i].physical);
        if (chunks[i].type_length > 0)
            msim_thrift_put_i32(&out, &element, 2, chunks[i].type_length);
        msim_thrift_put_i32(&out, &element, 3, chunks[i].repetition);
        msim_thrift_put_binary(&out, &element, 4, chunks[i].name, strlen(chunks[i].name));
        if (chunks[i].converted > 0)
            msim_thrift_put_i32(&out, &element, 6, chunks[i].converted - 1);
        if (chunks[i].precision > 0) {
            msim_thrift_put_i32(&out, &element, 7, chunks[i].scale);
            msim_thrift_put_i32(&out, &element, 8, chunks[i].precision);
        }
        msim_thrift_put_stop(&out);
    }
    msim_thrift_put_i64(&out, &last, 3, rows);
    msim_thrift_put_list(&out, &last, 4, THRIFT_STRUCT, 1);
    msim_thrift_put_list(&out, &group, 1, THRIFT_STRUCT, count);
    for (size_t i = 0; i < count; i++)
        made_chunk_put(&out, &chunks[i], &places[i], rows);
    msim_thrift_put_i64(&out, &group, 2, 0);
    msim_thrift_put_i64(&out, &group, 3, rows);
    msim_thrift_put_stop(&out);
    msim_thrift_put_stop(&out);
    assert_int_equal(out.result, MSIM_OK);
    made_put(&made, out.bytes, out.length);
    msim_store32(tail, (uint32_t)out.length);
    memcpy(tail + 4, "PAR1", 4);
    made_put(&made, tail, sizeof tail);
    msim_thrift_out_finish(&out);
    return made;
}

/* ---- reading ---- */

/* A pull that comes again where there was more work than for one. */
static inline int made_pull(struct msim_source *source, struct msim_record *records,
                            size_t capacity, size_t *count, struct msim_detail *detail)
{
    int r;

    do
        r = msim_source_pull(source, records, capacity, count, detail);
    while (r == MSIM_PULL_EMPTY);
    return r;
}

/* Reads all into `records` (room for `capacity`); the result of the last pull or of the open. */
static inline int made_read(const struct made *made, const struct msim_parquet_params *params,
                            struct msim_record *records, size_t capacity, size_t *count,
                            struct msim_detail *detail)
{
    const struct msim_parquet_params defaults = MSIM_PARQUET_PARAMS_INIT;
    struct msim_parquet *parquet = NULL;
    struct msim_source source = {0};

    *count = 0;
    const struct msim_parquet_bytes bytes = {.bytes = made->bytes, .length = made->length};
    int r = msim_parquet_open_memory(&parquet, params ? params : &defaults, &bytes, 1, detail);
    if (r < 0)
        return r;
    r = msim_parquet_source(&source, parquet, NULL, detail);
    while (r >= 0 && r != MSIM_PULL_END) {
        size_t given = 0;
        /* An odd size, so that batches and pulls do not end together. */
        struct msim_record batch[37];
        r = made_pull(&source, batch, COUNT(batch), &given, detail);
        if (r != MSIM_PULL_RECORD)
            break;
        assert_true(*count + given <= capacity);
        memcpy(records + *count, batch, given * sizeof *batch);
        *count += given;
    }
    msim_source_release(&source);
    msim_parquet_close(&parquet);
    return r;
}

#endif
