/*
 * The footer of a file that was written: schema, row groups, statistics.
 */
#include <string.h>

#include "base/detail.h"
#include "parquet/bits.h"
#include "parquet/thrift.h"
#include "parquet/writer.h"

#define CREATED_BY "libmarketsim version 0.1.0"
#define FORMAT_VERSION 1
#define ROOT_NAME "schema"

static bool is_timestamp(const struct column_out *column)
{
    return column->type == MSIM_PARQUET_TIMESTAMP_MS || column->type == MSIM_PARQUET_TIMESTAMP_US ||
           column->type == MSIM_PARQUET_TIMESTAMP_NS;
}

/* For readers that know no logical types; nanoseconds and naive ones have none. */
static int converted_type(const struct column_out *column)
{
    switch (column->type) {
    case MSIM_PARQUET_STRING:
        return 0;
    case MSIM_PARQUET_TIMESTAMP_MS:
        return column->naive ? -1 : 9;
    case MSIM_PARQUET_TIMESTAMP_US:
        return column->naive ? -1 : 10;
    default:
        return -1;
    }
}

static void put_timestamp(struct msim_thrift_out *out, const struct column_out *column)
{
    int kind = 0, timestamp = 0, unit = 0;

    msim_thrift_put_struct(out, &kind, 8);
    msim_thrift_put_boolean(out, &timestamp, 1, !column->naive);
    msim_thrift_put_struct(out, &timestamp, 2);
    msim_thrift_put_struct(out, &unit,
                           column->type == MSIM_PARQUET_TIMESTAMP_MS   ? 1
                           : column->type == MSIM_PARQUET_TIMESTAMP_US ? 2
                                                                       : 3);
    msim_thrift_put_stop(out); /* the unit's own, empty struct */
    msim_thrift_put_stop(out); /* unit */
    msim_thrift_put_stop(out); /* timestamp */
}

static void put_column(struct msim_thrift_out *out, const struct column_out *column)
{
    int last = 0, kind = 0;

    msim_thrift_put_i32(out, &last, 1, msim_column_out_physical(column->type));
    msim_thrift_put_i32(out, &last, 3,
                        column->nullable ? REPETITION_OPTIONAL : REPETITION_REQUIRED);
    msim_thrift_put_binary(out, &last, 4, column->name, column->name_length);
    if (converted_type(column) >= 0)
        msim_thrift_put_i32(out, &last, 6, converted_type(column));
    if (column->type == MSIM_PARQUET_STRING || is_timestamp(column)) {
        msim_thrift_put_struct(out, &last, 10);
        if (is_timestamp(column)) {
            put_timestamp(out, column);
        } else {
            msim_thrift_put_struct(out, &kind, 1);
            msim_thrift_put_stop(out);
        }
        msim_thrift_put_stop(out);
    }
    msim_thrift_put_stop(out);
}

static void put_schema(struct msim_thrift_out *out, int *last,
                       const struct msim_parquet_writer *writer)
{
    int root = 0;

    msim_thrift_put_list(out, last, 2, THRIFT_STRUCT, writer->column_count + 1);
    msim_thrift_put_binary(out, &root, 4, ROOT_NAME, sizeof ROOT_NAME - 1);
    msim_thrift_put_i32(out, &root, 5, (int32_t)writer->column_count);
    msim_thrift_put_stop(out);
    for (size_t i = 0; i < writer->column_count; i++)
        put_column(out, &writer->columns[i]);
}

/* ---- row groups ---- */

static void put_bound(struct msim_thrift_out *out, int *last, int id,
                      const struct msim_parquet_writer *writer, const struct column_out *column,
                      uint64_t value)
{
    unsigned char bytes[8];
    size_t width = msim_column_out_width(column->type);

    if (width > 0) {
        msim_store64(bytes, value);
        msim_thrift_put_binary(out, last, id, bytes, width);
        return;
    }
    size_t length = 0;
    const char *text = msim_symbols_text(&writer->ranges, (uint32_t)value, &length);
    msim_thrift_put_binary(out, last, id, text, length);
}

static void put_statistics(struct msim_thrift_out *out, int *last,
                           const struct msim_parquet_writer *writer,
                           const struct column_out *column, const struct chunk_out *chunk)
{
    int inner = 0;

    msim_thrift_put_struct(out, last, 12);
    msim_thrift_put_i64(out, &inner, 3, (int64_t)chunk->null_count);
    if (chunk->has_range) {
        put_bound(out, &inner, 5, writer, column, chunk->max);
        put_bound(out, &inner, 6, writer, column, chunk->min);
    }
    msim_thrift_put_stop(out);
}

static void put_encodings(struct msim_thrift_out *out, int *last, const struct chunk_out *chunk)
{
    bool dictionary = chunk->dictionary_offset > 0;

    msim_thrift_put_list(out, last, 2, THRIFT_I32, dictionary ? 3 : 2);
    msim_thrift_put_item_i32(out, ENCODING_PLAIN);
    msim_thrift_put_item_i32(out, ENCODING_RLE);
    if (dictionary)
        msim_thrift_put_item_i32(out, ENCODING_RLE_DICTIONARY);
}

static void put_chunk(struct msim_thrift_out *out, const struct msim_parquet_writer *writer,
                      uint64_t rows, const struct column_out *column, const struct chunk_out *chunk)
{
    int last = 0, inner = 0;

    msim_thrift_put_i64(out, &last, 2, (int64_t)chunk->offset);
    msim_thrift_put_struct(out, &last, 3);
    msim_thrift_put_i32(out, &inner, 1, msim_column_out_physical(column->type));
    put_encodings(out, &inner, chunk);
    msim_thrift_put_list(out, &inner, 3, THRIFT_BINARY, 1);
    msim_thrift_put_item_binary(out, column->name, column->name_length);
    msim_thrift_put_i32(out, &inner, 4, writer->codec);
    msim_thrift_put_i64(out, &inner, 5, (int64_t)rows);
    msim_thrift_put_i64(out, &inner, 6, (int64_t)chunk->uncompressed_size);
    msim_thrift_put_i64(out, &inner, 7, (int64_t)chunk->compressed_size);
    msim_thrift_put_i64(out, &inner, 9, (int64_t)chunk->data_offset);
    if (chunk->dictionary_offset > 0)
        msim_thrift_put_i64(out, &inner, 11, (int64_t)chunk->dictionary_offset);
    put_statistics(out, &inner, writer, column, chunk);
    msim_thrift_put_stop(out);
    msim_thrift_put_stop(out);
}

static void put_group(struct msim_thrift_out *out, const struct msim_parquet_writer *writer,
                      size_t group)
{
    const struct chunk_out *chunks = writer->chunks + group * writer->column_count;
    uint64_t compressed = 0, uncompressed = 0;
    int last = 0;

    msim_thrift_put_list(out, &last, 1, THRIFT_STRUCT, writer->column_count);
    for (size_t i = 0; i < writer->column_count; i++) {
        put_chunk(out, writer, writer->groups[group].rows, &writer->columns[i], &chunks[i]);
        compressed += chunks[i].compressed_size;
        uncompressed += chunks[i].uncompressed_size;
    }
    msim_thrift_put_i64(out, &last, 2, (int64_t)uncompressed);
    msim_thrift_put_i64(out, &last, 3, (int64_t)writer->groups[group].rows);
    msim_thrift_put_i64(out, &last, 5, (int64_t)writer->groups[group].offset);
    msim_thrift_put_i64(out, &last, 6, (int64_t)compressed);
    msim_thrift_put_stop(out);
}

/* min_value and max_value are compared as the type says: the only order that there is. */
static void put_orders(struct msim_thrift_out *out, int *last, size_t column_count)
{
    msim_thrift_put_list(out, last, 7, THRIFT_STRUCT, column_count);
    for (size_t i = 0; i < column_count; i++) {
        int order = 0;
        msim_thrift_put_struct(out, &order, 1);
        msim_thrift_put_stop(out);
        msim_thrift_put_stop(out);
    }
}

static void put_file(struct msim_thrift_out *out, const struct msim_parquet_writer *writer)
{
    uint64_t rows = 0;
    int last = 0;

    for (size_t i = 0; i < writer->group_count; i++)
        rows += writer->groups[i].rows;
    msim_thrift_put_i32(out, &last, 1, FORMAT_VERSION);
    put_schema(out, &last, writer);
    msim_thrift_put_i64(out, &last, 3, (int64_t)rows);
    msim_thrift_put_list(out, &last, 4, THRIFT_STRUCT, writer->group_count);
    for (size_t i = 0; i < writer->group_count; i++)
        put_group(out, writer, i);
    msim_thrift_put_binary(out, &last, 6, CREATED_BY, sizeof CREATED_BY - 1);
    put_orders(out, &last, writer->column_count);
    msim_thrift_put_stop(out);
}

int msim_footer_out_write(struct msim_parquet_writer *writer, struct msim_detail *detail)
{
    struct msim_thrift_out out;
    unsigned char tail[8];

    msim_thrift_out_init(&out, &writer->allocator);
    put_file(&out, writer);
    int r = out.result;
    if (r < 0)
        msim_detail_set(detail, r, "the footer: %s", msim_result_text(r));
    if (r >= 0)
        r = msim_writer_put(writer, out.bytes, out.length, detail);
    msim_store32(tail, (uint32_t)out.length);
    memcpy(tail + 4, "PAR1", 4);
    if (r >= 0)
        r = msim_writer_put(writer, tail, sizeof tail, detail);
    msim_thrift_out_finish(&out);
    return r;
}
