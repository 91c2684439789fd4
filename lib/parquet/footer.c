#include "parquet/footer.h"

#include <inttypes.h>
#include <string.h>

#include "base/detail.h"
#include "base/mem.h"
#include "parquet/bits.h"
#include "parquet/csv_file.h"
#include "parquet/thrift.h"

#define MAGIC_SIZE 4
/* Behind the footer: its length and the magic. */
#define TAIL_SIZE (4 + MAGIC_SIZE)
/* The bound on row groups, and on chunks, of a file. */
#define GROUPS_LIMIT 10000000
#define CHUNKS_LIMIT 100000000

static void read_bound(struct msim_thrift *thrift, const struct msim_thrift_field *field,
                       struct bound *bound)
{
    struct msim_thrift_slice slice = msim_thrift_binary(thrift, field);

    if (slice.length == 0 || slice.length > sizeof bound->bytes)
        return;
    bound->known = true;
    bound->length = (uint8_t)slice.length;
    memcpy(bound->bytes, slice.bytes, slice.length);
}

static void read_statistics(struct msim_thrift *thrift, const struct msim_thrift_field *outer,
                            struct chunk *chunk)
{
    struct msim_thrift_field field = {0};
    struct bound old_min = {0}, old_max = {0};

    if (!msim_thrift_struct(thrift, outer))
        return;
    while (msim_thrift_next(thrift, &field)) {
        switch (field.id) {
        case 1:
            read_bound(thrift, &field, &old_max);
            break;
        case 2:
            read_bound(thrift, &field, &old_min);
            break;
        case 3:
            chunk->null_count = msim_thrift_i64(thrift, &field);
            break;
        case 5:
            read_bound(thrift, &field, &chunk->max);
            break;
        case 6:
            read_bound(thrift, &field, &chunk->min);
            break;
        default:
            msim_thrift_skip(thrift, &field);
        }
    }
    /* The older fields are compared as signed numbers, which timestamps are. */
    if (!chunk->min.known)
        chunk->min = old_min;
    if (!chunk->max.known)
        chunk->max = old_max;
}

static uint64_t read_encodings(struct msim_thrift *thrift, const struct msim_thrift_field *outer)
{
    const struct msim_thrift_field item = {.type = THRIFT_I32};
    size_t count = msim_thrift_list(thrift, outer, THRIFT_I32);
    uint64_t encodings = 0;

    for (size_t i = 0; i < count && !thrift->failure; i++) {
        int32_t encoding = msim_thrift_i32(thrift, &item);
        encodings |= UINT64_C(1) << (encoding >= 0 && encoding < MSIM_ENCODINGS_OTHER
                                         ? encoding
                                         : MSIM_ENCODINGS_OTHER);
    }
    return encodings;
}

static void read_metadata(struct msim_thrift *thrift, const struct msim_thrift_field *outer,
                          struct chunk *chunk)
{
    struct msim_thrift_field field = {0};
    unsigned seen = 0;

    if (!msim_thrift_struct(thrift, outer))
        return;
    while (msim_thrift_next(thrift, &field)) {
        if (field.id > 0 && field.id < 32)
            seen |= 1U << field.id;
        switch (field.id) {
        case 1:
            chunk->physical = msim_thrift_i32(thrift, &field);
            break;
        case 2:
            chunk->encodings = read_encodings(thrift, &field);
            break;
        case 4:
            chunk->codec = msim_thrift_i32(thrift, &field);
            break;
        case 5:
            chunk->value_count = msim_thrift_i64(thrift, &field);
            break;
        case 6:
            chunk->uncompressed_size = msim_thrift_i64(thrift, &field);
            break;
        case 7:
            chunk->compressed_size = msim_thrift_i64(thrift, &field);
            break;
        case 9:
            chunk->data_offset = msim_thrift_i64(thrift, &field);
            break;
        case 11:
            chunk->dictionary_offset = msim_thrift_i64(thrift, &field);
            break;
        case 12:
            read_statistics(thrift, &field, chunk);
            break;
        default:
            msim_thrift_skip(thrift, &field);
        }
    }
    const unsigned needed = 1U << 1 | 1U << 4 | 1U << 5 | 1U << 7 | 1U << 9;
    if ((seen & needed) != needed)
        msim_thrift_fail(thrift, "a column chunk does not say its type, codec, size and place");
    chunk->has_metadata = true;
}

static struct chunk read_chunk(struct msim_thrift *thrift)
{
    struct chunk chunk = {.null_count = -1};
    struct msim_thrift_field field = {0};

    while (msim_thrift_next(thrift, &field)) {
        switch (field.id) {
        case 1:
            chunk.is_elsewhere = msim_thrift_binary(thrift, &field).length > 0;
            break;
        case 3:
            read_metadata(thrift, &field, &chunk);
            break;
        case 8:
        case 9:
            chunk.is_encrypted = true;
            msim_thrift_skip(thrift, &field);
            break;
        default:
            msim_thrift_skip(thrift, &field);
        }
    }
    return chunk;
}

static int read_chunks(struct footer *footer, struct msim_thrift *thrift, size_t count)
{
    if (count != footer->leaf_count) {
        msim_thrift_fail(thrift, "a row group has another number of columns than the schema");
        return MSIM_OK;
    }
    void *chunks = footer->chunks;
    int r = msim_mem_grow(&footer->allocator, &chunks, &footer->chunk_capacity,
                          sizeof *footer->chunks, footer->chunk_count + count, CHUNKS_LIMIT);
    if (r < 0)
        return r;
    footer->chunks = chunks;
    for (size_t i = 0; i < count && !thrift->failure; i++)
        footer->chunks[footer->chunk_count++] = read_chunk(thrift);
    return MSIM_OK;
}

static int read_group(struct footer *footer, struct msim_thrift *thrift)
{
    struct msim_thrift_field field = {0};
    struct row_group group = {.row_count = -1};
    bool has_columns = false;
    int r = MSIM_OK;

    while (r >= 0 && msim_thrift_next(thrift, &field)) {
        if (field.id == 1 && !has_columns) {
            has_columns = true;
            r = read_chunks(footer, thrift, msim_thrift_list(thrift, &field, THRIFT_STRUCT));
        } else if (field.id == 3) {
            group.row_count = msim_thrift_i64(thrift, &field);
        } else {
            msim_thrift_skip(thrift, &field);
        }
    }
    if (r < 0)
        return r;
    if (group.row_count < 0 || (!has_columns && footer->leaf_count > 0))
        msim_thrift_fail(thrift, "a row group does not say its rows and columns");
    group.first_row = footer->row_count;
    if (__builtin_add_overflow(footer->row_count, group.row_count, &footer->row_count))
        msim_thrift_fail(thrift, "the row groups have more rows than can be counted");
    if (thrift->failure)
        return MSIM_OK;

    void *groups = footer->groups;
    r = msim_mem_grow(&footer->allocator, &groups, &footer->group_capacity, sizeof *footer->groups,
                      footer->group_count + 1, GROUPS_LIMIT);
    if (r < 0)
        return r;
    footer->groups = groups;
    footer->groups[footer->group_count++] = group;
    return MSIM_OK;
}

static int read_groups(struct footer *footer, struct msim_thrift *thrift, size_t count)
{
    int r = MSIM_OK;

    for (size_t i = 0; r >= 0 && i < count && !thrift->failure; i++)
        r = read_group(footer, thrift);
    return r;
}

/* The struct FileMetaData.  The schema comes first in every file: row groups are read by it. */
static int read_file(struct footer *footer, struct msim_thrift *thrift)
{
    struct msim_thrift_field field = {0};
    bool has_schema = false, has_groups = false;
    int64_t rows = -1;
    int r = MSIM_OK;

    while (r >= 0 && msim_thrift_next(thrift, &field)) {
        if (field.id == 2 && !has_schema) {
            has_schema = true;
            r = msim_schema_read(footer, thrift, msim_thrift_list(thrift, &field, THRIFT_STRUCT));
        } else if (field.id == 3) {
            rows = msim_thrift_i64(thrift, &field);
        } else if (field.id == 4 && !has_groups) {
            has_groups = true;
            if (!has_schema)
                msim_thrift_fail(thrift, "the row groups stand before the schema");
            r = read_groups(footer, thrift, msim_thrift_list(thrift, &field, THRIFT_STRUCT));
        } else if (field.id == 8) {
            footer->is_encrypted = true;
            msim_thrift_skip(thrift, &field);
        } else {
            msim_thrift_skip(thrift, &field);
        }
    }
    if (r < 0)
        return r;
    if (!has_schema || !has_groups)
        msim_thrift_fail(thrift, "it has no schema or no row groups");
    /* Early versions of parquet-rs wrote 0 whatever there was. */
    if (rows != footer->row_count && rows != 0)
        msim_thrift_fail(thrift, "its row groups do not have the number of rows that it says");
    return MSIM_OK;
}

/* Where the footer lies: from the last eight bytes of the file. */
static int find(struct footer *footer, const struct msim_parquet_file *file, uint32_t *length,
                struct msim_detail *detail)
{
    unsigned char head[MAGIC_SIZE], tail[TAIL_SIZE];

    if (file->size == 0)
        return msim_detail_set(detail, MSIM_ERR_FORMAT,
                               "%s: the file is empty (0 bytes): its writer did not finish it",
                               file->path);
    if (file->size < MAGIC_SIZE + TAIL_SIZE)
        return msim_detail_set(detail, MSIM_ERR_FORMAT,
                               "%s: not a Parquet file: %" PRIu64 " bytes are too few", file->path,
                               file->size);
    int r = msim_parquet_file_read(file, 0, head, sizeof head, detail);
    if (r < 0)
        return r;
    r = msim_parquet_file_read(file, file->size - TAIL_SIZE, tail, sizeof tail, detail);
    if (r < 0)
        return r;
    if (memcmp(tail + 4, "PARE", MAGIC_SIZE) == 0 || memcmp(head, "PARE", MAGIC_SIZE) == 0)
        return msim_detail_set(detail, MSIM_ERR_UNSUPPORTED,
                               "%s: an encrypted Parquet file (PARE), which is not read: decrypt "
                               "it first",
                               file->path);
    if (memcmp(head, "PAR1", MAGIC_SIZE) != 0 && msim_csv_file_named(file->path))
        return msim_detail_set(
            detail, MSIM_ERR_FORMAT,
            "%s: not a Parquet file but CSV, as its name says: here Parquet alone "
            "is read",
            file->path);
    if (memcmp(head, "PAR1", MAGIC_SIZE) != 0)
        return msim_detail_set(
            detail, MSIM_ERR_FORMAT,
            "%s: not a Parquet file: it does not begin with PAR1 (CSV is known by a "
            "name that ends with .csv or .csv.gz)",
            file->path);
    if (memcmp(tail + 4, "PAR1", MAGIC_SIZE) != 0)
        return msim_detail_set(detail, MSIM_ERR_FORMAT,
                               "%s: cut off: a Parquet file's last bytes are PAR1, and this one's "
                               "are not: copy or write it again",
                               file->path);
    *length = msim_load32(tail);
    if (*length == 0 || *length > file->size - MAGIC_SIZE - TAIL_SIZE)
        return msim_detail_set(detail, MSIM_ERR_FORMAT,
                               "%s: damaged: a footer of %" PRIu32 " bytes does not fit into its "
                               "%" PRIu64 " bytes",
                               file->path, *length, file->size);
    footer->data_end = file->size - TAIL_SIZE - *length;
    return MSIM_OK;
}

static int parse(struct footer *footer, const struct msim_parquet_file *file,
                 const unsigned char *bytes, size_t length, struct msim_detail *detail)
{
    struct msim_thrift thrift;

    msim_thrift_init(&thrift, bytes, length);
    int r = read_file(footer, &thrift);
    if (r < 0)
        return msim_detail_set(detail, r, "%s: the footer: %s", file->path, msim_result_text(r));
    if (thrift.failure)
        return msim_detail_set(detail, MSIM_ERR_FORMAT, "%s: damaged footer: %s", file->path,
                               thrift.failure);
    return MSIM_OK;
}

int msim_footer_read(struct footer *footer, const struct msim_parquet_file *file,
                     const struct msim_allocator *allocator, struct msim_detail *detail)
{
    uint32_t length = 0;

    *footer = (struct footer){.allocator = *allocator};
    int r = find(footer, file, &length, detail);
    if (r < 0)
        return r;
    unsigned char *bytes = msim_mem_take(allocator, length);
    if (!bytes)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "%s: no memory for a footer of %u bytes",
                               file->path, length);
    r = msim_parquet_file_read(file, footer->data_end, bytes, length, detail);
    if (r >= 0)
        r = parse(footer, file, bytes, length, detail);
    msim_mem_free(allocator, bytes, length);
    if (r < 0)
        msim_footer_finish(footer);
    return r;
}

void msim_footer_finish(struct footer *footer)
{
    const struct msim_allocator *allocator = &footer->allocator;

    for (size_t i = 0; i < footer->leaf_count; i++)
        msim_mem_free(allocator, footer->leaves[i].name, footer->leaves[i].name_length + 1);
    msim_mem_free(allocator, footer->leaves, footer->leaf_capacity * sizeof *footer->leaves);
    msim_mem_free(allocator, footer->groups, footer->group_capacity * sizeof *footer->groups);
    msim_mem_free(allocator, footer->chunks, footer->chunk_capacity * sizeof *footer->chunks);
    footer->leaves = NULL;
    footer->groups = NULL;
    footer->chunks = NULL;
    footer->leaf_count = footer->leaf_capacity = 0;
    footer->group_count = footer->group_capacity = 0;
    footer->chunk_count = footer->chunk_capacity = 0;
}

int msim_footer_find(const struct footer *footer, const char *name, size_t *leaf)
{
    size_t length = strlen(name);
    int r = MSIM_ERR_NOT_FOUND;

    for (size_t i = 0; i < footer->leaf_count; i++) {
        const struct leaf *at = &footer->leaves[i];
        if (!at->flat || at->name_length != length || memcmp(at->name, name, length) != 0)
            continue;
        if (r == MSIM_OK)
            return MSIM_ERR_EXISTS;
        r = MSIM_OK;
        *leaf = i;
    }
    return r;
}
