/*
 * Rows come in one by one, are kept by column, and leave as a row group when
 * there are enough of them.
 */
#include "parquet/writer.h"

#include <inttypes.h>
#include <string.h>

#include "base/detail.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "parquet/bits.h"
#include "parquet/codec.h"

#define GROUP_ROWS_DEFAULT 122880
/* The bounds on what a caller may ask for. */
#define GROUP_ROWS_LIMIT 16777216
#define COLUMNS_LIMIT 10000
#define GROUPS_LIMIT 1000000
/* One text of a value, and one page. */
#define TEXT_LIMIT ((size_t)16 << 20)
#define PAGE_BYTES_LIMIT ((size_t)1 << 30)
/* Texts of statistics that are held until the footer is written. */
#define RANGES_LIMIT 10000000

size_t msim_column_out_width(enum msim_parquet_type type)
{
    return type == MSIM_PARQUET_STRING ? 0 : type == MSIM_PARQUET_INT32 ? 4 : 8;
}

int msim_column_out_physical(enum msim_parquet_type type)
{
    switch (type) {
    case MSIM_PARQUET_STRING:
        return PHYSICAL_BYTE_ARRAY;
    case MSIM_PARQUET_DOUBLE:
        return PHYSICAL_DOUBLE;
    case MSIM_PARQUET_INT32:
        return PHYSICAL_INT32;
    default:
        return PHYSICAL_INT64;
    }
}

int msim_writer_put(struct msim_parquet_writer *writer, const void *bytes, size_t length,
                    struct msim_detail *detail)
{
    int r;

    if (writer->has_target) {
        r = msim_parquet_target_write(&writer->target, bytes, length, detail);
    } else {
        r = writer->write(writer->context, bytes, length);
        if (r < 0)
            msim_detail_set(detail, r, "the receiver of the file's bytes refused %zu of them: %s",
                            length, msim_result_text(r));
    }
    if (r < 0)
        return r;
    writer->offset += length;
    return MSIM_OK;
}

/* ---- creating ---- */

static int check_columns(const struct msim_parquet_writer_params *params,
                         struct msim_detail *detail)
{
    if (!params->columns || params->column_count == 0 || params->column_count > COLUMNS_LIMIT)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "a file has 1 to %d columns, not %zu",
                               COLUMNS_LIMIT, params->column_count);
    for (size_t i = 0; i < params->column_count; i++) {
        const struct msim_parquet_column *column = &params->columns[i];
        if (!column->name || !column->name[0] ||
            !msim_utf8_valid(column->name, strlen(column->name)))
            return msim_detail_set(detail, MSIM_ERR_INVALID,
                                   "column %zu has no name, or one that is not UTF-8", i);
        if (column->type < MSIM_PARQUET_INT64 || column->type > MSIM_PARQUET_INT32)
            return msim_detail_set(detail, MSIM_ERR_INVALID, "column %s has no known type",
                                   column->name);
        for (size_t j = 0; j < i; j++) {
            if (strcmp(params->columns[j].name, column->name) == 0)
                return msim_detail_set(detail, MSIM_ERR_INVALID, "two columns are called %s",
                                       column->name);
        }
    }
    return MSIM_OK;
}

static int check(const struct msim_parquet_writer_params *params, struct msim_detail *detail)
{
    if (params->size != sizeof *params)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "params must come from MSIM_PARQUET_WRITER_PARAMS_INIT");
    if (!params->path == !params->write)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "a writer needs either a path or a function that takes the bytes");
    if (params->row_group_rows > GROUP_ROWS_LIMIT)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "a row group of %" PRIu64 " rows, and the bound is %d",
                               params->row_group_rows, GROUP_ROWS_LIMIT);
    int codec = params->codec == MSIM_PARQUET_CODEC_NONE   ? CODEC_NONE
                : params->codec == MSIM_PARQUET_CODEC_ZSTD ? CODEC_ZSTD
                                                           : -1;
    if (codec < 0)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "codec %d is none that is written",
                               (int)params->codec);
    struct place place = {
        .file = params->path ? params->path : "a Parquet file", .group = -1, .page = -1};
    int r = msim_codec_check(codec, &place, detail);
    if (r < 0)
        return r;
    return check_columns(params, detail);
}

static int copy_columns(struct msim_parquet_writer *writer,
                        const struct msim_parquet_writer_params *params)
{
    const struct msim_allocator *allocator = &writer->allocator;

    writer->columns = msim_mem_zero_array(allocator, params->column_count, sizeof *writer->columns);
    if (!writer->columns)
        return MSIM_ERR_NOMEM;
    writer->column_count = params->column_count;
    for (size_t i = 0; i < params->column_count; i++)
        msim_symbols_init(&writer->columns[i].texts, writer->group_limit, allocator);
    for (size_t i = 0; i < params->column_count; i++) {
        const struct msim_parquet_column *from = &params->columns[i];
        struct column_out *to = &writer->columns[i];
        to->type = from->type;
        to->nullable = from->nullable;
        to->naive = from->naive;
        to->name_length = strlen(from->name);
        to->name = msim_mem_text(allocator, from->name, to->name_length);
        if (!to->name)
            return MSIM_ERR_NOMEM;
    }
    return MSIM_OK;
}

static int begin(struct msim_parquet_writer *writer,
                 const struct msim_parquet_writer_params *params, struct msim_detail *detail)
{
    int r = copy_columns(writer, params);
    writer->levels =
        msim_mem_take_array(&writer->allocator, WRITER_PAGE_ROWS, sizeof *writer->levels);
    if (!writer->levels)
        r = MSIM_ERR_NOMEM;
    if (r < 0)
        return msim_detail_set(detail, r, "%s", msim_result_text(r));
    if (params->path) {
        r = msim_parquet_target_open(&writer->target, params->path, &writer->allocator, detail);
        if (r < 0)
            return r;
        writer->has_target = true;
    }
    return msim_writer_put(writer, "PAR1", 4, detail);
}

int msim_parquet_writer_create(struct msim_parquet_writer **out,
                               const struct msim_parquet_writer_params *params,
                               struct msim_detail *detail)
{
    if (!out || !params)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "a writer needs params");
    int r = check(params, detail);
    if (r < 0)
        return r;

    struct msim_allocator allocator = msim_mem_allocator(params->allocator);
    struct msim_parquet_writer *writer = msim_mem_zero(&allocator, sizeof *writer);
    if (!writer)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "%s", msim_result_text(MSIM_ERR_NOMEM));
    writer->allocator = allocator;
    writer->codec = params->codec == MSIM_PARQUET_CODEC_ZSTD ? CODEC_ZSTD : CODEC_NONE;
    writer->group_limit =
        params->row_group_rows > 0 ? (size_t)params->row_group_rows : GROUP_ROWS_DEFAULT;
    writer->write = params->write;
    writer->context = params->context;
    msim_crc_init(&writer->crc);
    msim_symbols_init(&writer->ranges, RANGES_LIMIT, &allocator);
    msim_bytes_init(&writer->body, PAGE_BYTES_LIMIT, &allocator);
    msim_bytes_init(&writer->packed, PAGE_BYTES_LIMIT, &allocator);
    r = begin(writer, params, detail);
    if (r < 0) {
        msim_parquet_writer_destroy(&writer);
        return r;
    }
    *out = writer;
    return MSIM_OK;
}

void msim_parquet_writer_destroy(struct msim_parquet_writer **pointer)
{
    if (!pointer || !*pointer)
        return;
    struct msim_parquet_writer *writer = *pointer;
    struct msim_allocator allocator = writer->allocator;
    if (writer->has_target)
        msim_parquet_target_discard(&writer->target);
    for (size_t i = 0; i < writer->column_count; i++) {
        struct column_out *column = &writer->columns[i];
        if (column->name)
            msim_mem_free(&allocator, column->name, column->name_length + 1);
        msim_mem_free(&allocator, column->present, column->present_capacity);
        msim_mem_free(&allocator, column->values, column->value_capacity * sizeof *column->values);
        msim_symbols_finish(&column->texts);
    }
    msim_mem_free(&allocator, writer->columns, writer->column_count * sizeof *writer->columns);
    msim_mem_free(&allocator, writer->groups, writer->group_capacity * sizeof *writer->groups);
    msim_mem_free(&allocator, writer->chunks, writer->chunk_capacity * sizeof *writer->chunks);
    msim_mem_free(&allocator, writer->levels, WRITER_PAGE_ROWS * sizeof *writer->levels);
    msim_symbols_finish(&writer->ranges);
    msim_bytes_finish(&writer->body);
    msim_bytes_finish(&writer->packed);
    msim_mem_free(&allocator, writer, sizeof *writer);
    *pointer = NULL;
}

/* ---- rows ---- */

static int64_t unit_of(enum msim_parquet_type type)
{
    switch (type) {
    case MSIM_PARQUET_TIMESTAMP_MS:
        return MSIM_NS_PER_MS;
    case MSIM_PARQUET_TIMESTAMP_US:
        return MSIM_NS_PER_US;
    default:
        return 1;
    }
}

static int check_value(const struct column_out *column, const struct msim_parquet_value *value,
                       struct msim_detail *detail)
{
    if (value->is_null)
        return column->nullable ? MSIM_OK
                                : msim_detail_set(detail, MSIM_ERR_INVALID,
                                                  "column %s holds no null", column->name);
    if (column->type == MSIM_PARQUET_STRING) {
        if ((!value->text && value->text_length > 0) || value->text_length > TEXT_LIMIT)
            return msim_detail_set(detail, MSIM_ERR_INVALID,
                                   "column %s holds texts of at most %zu bytes, not %zu",
                                   column->name, TEXT_LIMIT, value->text_length);
        if (!msim_utf8_valid(value->text, value->text_length))
            return msim_detail_set(detail, MSIM_ERR_INVALID, "column %s holds UTF-8 alone",
                                   column->name);
    }
    if (column->type == MSIM_PARQUET_INT32 &&
        (value->integer < INT32_MIN || value->integer > INT32_MAX))
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "column %s holds 32 bits, which %" PRId64 " exceeds", column->name,
                               value->integer);
    if (value->integer % unit_of(column->type) != 0 && column->type != MSIM_PARQUET_DOUBLE &&
        column->type != MSIM_PARQUET_STRING)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "column %s has a unit of %" PRId64 " ns, of which %" PRId64
                               " is no multiple",
                               column->name, unit_of(column->type), value->integer);
    return MSIM_OK;
}

static int store(struct column_out *column, size_t row, const struct msim_parquet_value *value)
{
    uint64_t stored;

    column->present[row] = !value->is_null;
    if (value->is_null)
        return MSIM_OK;
    if (column->type == MSIM_PARQUET_STRING) {
        uint32_t number;
        int r = msim_symbols_intern(&column->texts, value->text ? value->text : "",
                                    value->text_length, &number);
        if (r < 0)
            return r;
        stored = number;
        column->text_bytes += value->text_length;
    } else if (column->type == MSIM_PARQUET_DOUBLE) {
        memcpy(&stored, &value->number, sizeof stored);
    } else {
        stored = (uint64_t)(value->integer / unit_of(column->type));
    }
    column->values[column->value_count++] = stored;
    return MSIM_OK;
}

/* Room for one row more: all columns grow, by doubling. */
static int make_room(struct msim_parquet_writer *writer)
{
    if (writer->rows < writer->capacity)
        return MSIM_OK;
    for (size_t i = 0; i < writer->column_count; i++) {
        struct column_out *column = &writer->columns[i];
        void *items = column->present;
        int r = msim_mem_grow(&writer->allocator, &items, &column->present_capacity, 1,
                              writer->rows + 1, writer->group_limit);
        if (r < 0)
            return r;
        column->present = items;
        items = column->values;
        r = msim_mem_grow(&writer->allocator, &items, &column->value_capacity,
                          sizeof *column->values, writer->rows + 1, writer->group_limit);
        if (r < 0)
            return r;
        column->values = items;
    }
    writer->capacity = writer->columns[0].value_capacity;
    return MSIM_OK;
}

/* ---- row groups ---- */

static int make_chunk_room(struct msim_parquet_writer *writer)
{
    void *groups = writer->groups;
    int r = msim_mem_grow(&writer->allocator, &groups, &writer->group_capacity,
                          sizeof *writer->groups, writer->group_count + 1, GROUPS_LIMIT);
    if (r < 0)
        return r;
    writer->groups = groups;
    void *chunks = writer->chunks;
    r = msim_mem_grow(&writer->allocator, &chunks, &writer->chunk_capacity, sizeof *writer->chunks,
                      writer->chunk_count + writer->column_count,
                      (size_t)GROUPS_LIMIT * COLUMNS_LIMIT);
    if (r < 0)
        return r;
    writer->chunks = chunks;
    return MSIM_OK;
}

static void empty_columns(struct msim_parquet_writer *writer)
{
    for (size_t i = 0; i < writer->column_count; i++) {
        struct column_out *column = &writer->columns[i];
        column->value_count = 0;
        column->text_bytes = 0;
        msim_symbols_finish(&column->texts);
    }
    writer->rows = 0;
}

static int write_group(struct msim_parquet_writer *writer, struct msim_detail *detail)
{
    if (writer->rows == 0)
        return MSIM_OK;
    int r = make_chunk_room(writer);
    if (r < 0)
        return msim_detail_set(detail, r, "a row group more: %s", msim_result_text(r));
    struct group_out group = {.rows = writer->rows, .offset = writer->offset};
    for (size_t i = 0; i < writer->column_count; i++) {
        r = msim_chunk_out_write(writer, &writer->columns[i],
                                 &writer->chunks[writer->chunk_count + i], detail);
        if (r < 0)
            return r;
    }
    writer->chunk_count += writer->column_count;
    writer->groups[writer->group_count++] = group;
    empty_columns(writer);
    return MSIM_OK;
}

/* ---- the public functions ---- */

static int state(const struct msim_parquet_writer *writer, struct msim_detail *detail)
{
    if (writer->failure < 0)
        return msim_detail_set(detail, writer->failure, "the file could not be written before: %s",
                               msim_result_text(writer->failure));
    if (writer->finished)
        return msim_detail_set(detail, MSIM_ERR_STATE, "the file is finished");
    return MSIM_OK;
}

int msim_parquet_writer_row(struct msim_parquet_writer *writer,
                            const struct msim_parquet_value *values, struct msim_detail *detail)
{
    if (!writer || !values)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "a row needs a writer and its values");
    int r = state(writer, detail);
    if (r < 0)
        return r;
    for (size_t i = 0; i < writer->column_count; i++) {
        r = check_value(&writer->columns[i], &values[i], detail);
        if (r < 0)
            return r;
    }
    r = make_room(writer);
    for (size_t i = 0; i < writer->column_count && r >= 0; i++)
        r = store(&writer->columns[i], writer->rows, &values[i]);
    if (r < 0) {
        writer->failure = r;
        return msim_detail_set(detail, r, "a row more: %s", msim_result_text(r));
    }
    if (++writer->rows == writer->group_limit)
        writer->failure = write_group(writer, detail);
    return writer->failure;
}

static int finish(struct msim_parquet_writer *writer, struct msim_detail *detail)
{
    int r = write_group(writer, detail);
    if (r >= 0)
        r = msim_footer_out_write(writer, detail);
    if (r >= 0 && writer->has_target)
        r = msim_parquet_target_commit(&writer->target, detail);
    return r;
}

int msim_parquet_writer_finish(struct msim_parquet_writer *writer, struct msim_detail *detail)
{
    if (!writer)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "there is no writer to finish");
    int r = state(writer, detail);
    if (r < 0)
        return r;
    writer->failure = finish(writer, detail);
    writer->finished = writer->failure >= 0;
    return writer->failure;
}
