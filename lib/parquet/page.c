#include "parquet/page.h"

#include <inttypes.h>
#include <string.h>

#include "base/detail.h"
#include "base/mem.h"
#include "parquet/bits.h"
#include "parquet/thrift.h"

/* What is read ahead where pages are smaller... */
#define WINDOW_SIZE ((size_t)64 << 10)
/* ... and where they are not, or are not known yet: the next one's head, or more than that. */
#define HEAD_AHEAD ((size_t)4 << 10)
/* A head is tried on this many bytes first, and on more up to the limit: it may bear statistics. */
#define HEAD_FIRST ((size_t)1 << 10)
#define HEAD_LIMIT ((size_t)16 << 20)
/* Early writers did not count a dictionary page's head to the chunk's size. */
#define CHUNK_SLACK 100

/* ---- buffers ---- */

void msim_reader_trim(struct msim_reader *reader)
{
    for (size_t i = 0; i < MSIM_READER_SPARES; i++) {
        msim_mem_free(&reader->allocator, reader->spares[i].bytes, reader->spares[i].capacity);
        reader->spares[i] = (struct msim_spare){0};
    }
}

void *msim_reader_take(struct msim_reader *reader, size_t size, size_t *capacity)
{
    struct msim_spare *best = NULL;

    for (size_t i = 0; i < MSIM_READER_SPARES; i++) {
        struct msim_spare *spare = &reader->spares[i];
        if (spare->capacity >= size && (!best || spare->capacity < best->capacity))
            best = spare;
    }
    /* One that is far too large is left for those who need it. */
    if (best && best->capacity / 4 <= size) {
        void *bytes = best->bytes;
        *capacity = best->capacity;
        *best = (struct msim_spare){0};
        return bytes;
    }
    void *bytes = msim_mem_take(&reader->allocator, size);
    if (!bytes) {
        msim_reader_trim(reader);
        bytes = msim_mem_take(&reader->allocator, size);
    }
    *capacity = bytes ? size : 0;
    return bytes;
}

/* Takes the place of the smallest where there is no room. */
void msim_reader_give(struct msim_reader *reader, void *bytes, size_t capacity)
{
    struct msim_spare *least = &reader->spares[0];

    for (size_t i = 1; i < MSIM_READER_SPARES; i++)
        if (reader->spares[i].capacity < least->capacity)
            least = &reader->spares[i];
    if (!bytes || capacity > MSIM_READER_SPARE_BYTES || capacity <= least->capacity) {
        msim_mem_free(&reader->allocator, bytes, capacity);
        return;
    }
    msim_mem_free(&reader->allocator, least->bytes, least->capacity);
    *least = (struct msim_spare){.bytes = bytes, .capacity = capacity};
}

/* ---- the chunk ---- */

static int check_chunk(const struct msim_pages *pages, const struct chunk *chunk,
                       const struct leaf *leaf, struct msim_detail *detail)
{
    const struct place *place = &pages->place;

    if (chunk->is_encrypted)
        return msim_place_fail(place, detail, MSIM_ERR_UNSUPPORTED,
                               "an encrypted column, which is not read: decrypt the file first");
    if (!chunk->has_metadata)
        return msim_place_fail(place, detail, MSIM_ERR_FORMAT,
                               "damaged: the footer does not describe this chunk");
    if (chunk->is_elsewhere)
        return msim_place_fail(place, detail, MSIM_ERR_UNSUPPORTED,
                               "its bytes lie in another file, which is not read: write the data "
                               "into one file");
    if (chunk->physical != leaf->physical)
        return msim_place_fail(
            place, detail, MSIM_ERR_FORMAT, "damaged: the chunk is %s and the schema says %s",
            msim_physical_name(chunk->physical), msim_physical_name(leaf->physical));
    return msim_codec_check(chunk->codec, place, detail);
}

/* Where the chunk's bytes are: the dictionary stands first where there is one. */
static int find_bytes(struct msim_pages *pages, const struct chunk *chunk, uint64_t data_end,
                      struct msim_detail *detail)
{
    int64_t start = chunk->data_offset;

    if (chunk->dictionary_offset > 0 && chunk->dictionary_offset < start)
        start = chunk->dictionary_offset;
    if (start < 4 || (uint64_t)start > data_end || chunk->compressed_size < 0 ||
        (uint64_t)chunk->compressed_size > data_end - (uint64_t)start)
        return msim_place_fail(&pages->place, detail, MSIM_ERR_FORMAT,
                               "damaged: %" PRId64 " bytes at offset %" PRId64
                               " do not lie inside the file's %" PRIu64 " bytes of data",
                               chunk->compressed_size, start, data_end);
    pages->offset = (uint64_t)start;
    pages->end = (uint64_t)start + (uint64_t)chunk->compressed_size;
    uint64_t slack = data_end - pages->end;
    pages->end += slack < CHUNK_SLACK ? slack : CHUNK_SLACK;
    return MSIM_OK;
}

int msim_pages_open(struct msim_pages *pages, struct msim_reader *reader,
                    const struct msim_parquet_file *file, const struct footer *footer, size_t group,
                    size_t leaf, struct msim_detail *detail)
{
    const struct chunk *chunk = msim_footer_chunk(footer, group, leaf);

    *pages = (struct msim_pages){.reader = reader,
                                 .file = file,
                                 .codec = chunk->codec,
                                 .place = {.file = file->path,
                                           .column = footer->leaves[leaf].name,
                                           .group = (int64_t)group,
                                           .page = -1}};
    int r = check_chunk(pages, chunk, &footer->leaves[leaf], detail);
    if (r < 0)
        return r;
    return find_bytes(pages, chunk, footer->data_end, detail);
}

void msim_pages_close(struct msim_pages *pages)
{
    if (!pages->reader)
        return;
    msim_reader_give(pages->reader, pages->window, pages->window_capacity);
    msim_reader_give(pages->reader, pages->unpacked, pages->unpacked_capacity);
    pages->window = pages->unpacked = NULL;
    pages->window_capacity = pages->unpacked_capacity = 0;
}

/* ---- the window ---- */

static uint64_t bytes_left(const struct msim_pages *pages)
{
    return pages->end - pages->offset + (pages->window_end - pages->window_at);
}

/* A buffer of at least `size` bytes and the padding; what it held is gone. */
static int make_room(const struct msim_pages *pages, unsigned char **buffer, size_t *capacity,
                     size_t size, struct msim_detail *detail)
{
    if (*capacity >= size + MSIM_PARQUET_PADDING)
        return MSIM_OK;
    msim_reader_give(pages->reader, *buffer, *capacity);
    *buffer = msim_reader_take(pages->reader, size + MSIM_PARQUET_PADDING, capacity);
    if (!*buffer)
        return msim_place_fail(&pages->place, detail, MSIM_ERR_NOMEM,
                               "no memory for a page of %zu bytes", size);
    memset(*buffer + size, 0, MSIM_PARQUET_PADDING);
    return MSIM_OK;
}

/* A larger window that keeps what waits in it. */
static int grow_window(struct msim_pages *pages, size_t size, struct msim_detail *detail)
{
    unsigned char *window = NULL;
    size_t capacity = 0;
    size_t waiting = pages->window_end - pages->window_at;

    int r = make_room(pages, &window, &capacity, size, detail);
    if (r < 0)
        return r;
    if (waiting > 0)
        memcpy(window, pages->window + pages->window_at, waiting);
    msim_reader_give(pages->reader, pages->window, pages->window_capacity);
    pages->window = window;
    pages->window_capacity = capacity;
    pages->window_at = 0;
    pages->window_end = waiting;
    return MSIM_OK;
}

/* Makes `length` bytes stand at window_at; the caller has checked that the chunk has them. */
static int need(struct msim_pages *pages, size_t length, struct msim_detail *detail)
{
    size_t waiting = pages->window_end - pages->window_at;

    if (waiting >= length)
        return MSIM_OK;
    size_t wanted = length + HEAD_AHEAD;
    if (wanted < WINDOW_SIZE && pages->are_small)
        wanted = WINDOW_SIZE;
    uint64_t left = bytes_left(pages);
    if (wanted > left)
        wanted = (size_t)left;
    if (pages->window_capacity < wanted + MSIM_PARQUET_PADDING) {
        int r = grow_window(pages, wanted, detail);
        if (r < 0)
            return r;
    } else if (waiting > 0) {
        memmove(pages->window, pages->window + pages->window_at, waiting);
    }
    pages->window_at = 0;
    pages->window_end = waiting;
    size_t more = wanted - waiting;
    int r =
        msim_parquet_file_read(pages->file, pages->offset, pages->window + waiting, more, detail);
    if (r < 0)
        return r;
    pages->offset += more;
    pages->window_end += more;
    return MSIM_OK;
}

/* ---- heads ---- */

static void read_data_head(struct msim_thrift *thrift, const struct msim_thrift_field *outer,
                           struct page_head *head)
{
    struct msim_thrift_field field = {0};

    if (!msim_thrift_struct(thrift, outer))
        return;
    head->value_count = head->encoding = head->definition_encoding = -1;
    while (msim_thrift_next(thrift, &field)) {
        if (field.id == 1)
            head->value_count = msim_thrift_i32(thrift, &field);
        else if (field.id == 2)
            head->encoding = msim_thrift_i32(thrift, &field);
        else if (field.id == 3)
            head->definition_encoding = msim_thrift_i32(thrift, &field);
        else
            msim_thrift_skip(thrift, &field);
    }
}

static void read_data_head_v2(struct msim_thrift *thrift, const struct msim_thrift_field *outer,
                              struct page_head *head)
{
    struct msim_thrift_field field = {0};

    if (!msim_thrift_struct(thrift, outer))
        return;
    head->value_count = head->encoding = -1;
    head->definition_length = head->repetition_length = -1;
    head->is_compressed = true;
    while (msim_thrift_next(thrift, &field)) {
        if (field.id == 1)
            head->value_count = msim_thrift_i32(thrift, &field);
        else if (field.id == 4)
            head->encoding = msim_thrift_i32(thrift, &field);
        else if (field.id == 5)
            head->definition_length = msim_thrift_i32(thrift, &field);
        else if (field.id == 6)
            head->repetition_length = msim_thrift_i32(thrift, &field);
        else if (field.id == 7)
            head->is_compressed = msim_thrift_boolean(thrift, &field);
        else
            msim_thrift_skip(thrift, &field);
    }
}

static void read_dictionary_head(struct msim_thrift *thrift, const struct msim_thrift_field *outer,
                                 struct page_head *head)
{
    struct msim_thrift_field field = {0};

    if (!msim_thrift_struct(thrift, outer))
        return;
    head->value_count = head->encoding = -1;
    while (msim_thrift_next(thrift, &field)) {
        if (field.id == 1)
            head->value_count = msim_thrift_i32(thrift, &field);
        else if (field.id == 2)
            head->encoding = msim_thrift_i32(thrift, &field);
        else
            msim_thrift_skip(thrift, &field);
    }
}

/* The struct PageHeader; `kind` is told what the type's own struct is called by. */
static void read_head(struct msim_thrift *thrift, struct page_head *head)
{
    struct msim_thrift_field field = {0};
    int own = -1;

    *head = (struct page_head){.type = -1, .compressed_size = -1, .uncompressed_size = -1};
    while (msim_thrift_next(thrift, &field)) {
        switch (field.id) {
        case 1:
            head->type = msim_thrift_i32(thrift, &field);
            break;
        case 2:
            head->uncompressed_size = msim_thrift_i32(thrift, &field);
            break;
        case 3:
            head->compressed_size = msim_thrift_i32(thrift, &field);
            break;
        case 4:
            head->has_crc = true;
            head->crc = (uint32_t)msim_thrift_i32(thrift, &field);
            break;
        case 5:
            own = PAGE_DATA;
            read_data_head(thrift, &field, head);
            break;
        case 7:
            own = PAGE_DICTIONARY;
            read_dictionary_head(thrift, &field, head);
            break;
        case 8:
            own = PAGE_DATA_V2;
            read_data_head_v2(thrift, &field, head);
            break;
        default:
            msim_thrift_skip(thrift, &field);
        }
    }
    bool values =
        head->type == PAGE_DATA || head->type == PAGE_DICTIONARY || head->type == PAGE_DATA_V2;
    if (values && own != head->type)
        msim_thrift_fail(thrift, "it is not the head of the page's own type");
    if (values && (head->value_count < 0 || head->encoding < 0))
        msim_thrift_fail(thrift, "it does not say the number of values and their encoding");
}

static int check_head(const struct msim_pages *pages, const struct page_head *head,
                      struct msim_detail *detail)
{
    const struct place *place = &pages->place;

    if (head->compressed_size < 0 || head->uncompressed_size < 0)
        return msim_place_fail(place, detail, MSIM_ERR_FORMAT,
                               "damaged: a page of a negative size");
    if ((uint64_t)head->compressed_size > bytes_left(pages))
        return msim_place_fail(place, detail, MSIM_ERR_FORMAT,
                               "damaged: a page of %" PRId32 " bytes, and the chunk has %" PRIu64
                               " left",
                               head->compressed_size, bytes_left(pages));
    if (head->uncompressed_size > MSIM_PARQUET_PAGE_LIMIT ||
        head->compressed_size > MSIM_PARQUET_PAGE_LIMIT)
        return msim_place_fail(place, detail, MSIM_ERR_LIMIT,
                               "a page of %" PRId32 " bytes, and the bound is %" PRId64
                               ": write the file with smaller pages",
                               head->uncompressed_size, MSIM_PARQUET_PAGE_LIMIT);
    if (head->type != PAGE_DATA_V2)
        return MSIM_OK;
    int64_t levels = (int64_t)head->definition_length + head->repetition_length;
    if (head->definition_length < 0 || head->repetition_length < 0 ||
        levels > head->compressed_size || levels > head->uncompressed_size)
        return msim_place_fail(place, detail, MSIM_ERR_FORMAT,
                               "damaged: levels that are longer than their page");
    return MSIM_OK;
}

int msim_pages_next(struct msim_pages *pages, struct page_head *head, struct msim_detail *detail)
{
    uint64_t left = bytes_left(pages);

    if (left == 0)
        return 0;
    pages->place.page++;
    for (size_t length = HEAD_FIRST;; length *= 4) {
        if (length > left)
            length = (size_t)left;
        int r = need(pages, length, detail);
        if (r < 0)
            return r;
        struct msim_thrift thrift;
        msim_thrift_init(&thrift, pages->window + pages->window_at, length);
        read_head(&thrift, head);
        if (!thrift.failure) {
            pages->window_at = (size_t)(thrift.at - pages->window);
            r = check_head(pages, head, detail);
            return r < 0 ? r : 1;
        }
        if (!thrift.cut || length == left || length >= HEAD_LIMIT)
            return msim_place_fail(&pages->place, detail, MSIM_ERR_FORMAT, "damaged page head: %s",
                                   thrift.failure);
    }
}

/* ---- bodies ---- */

int msim_pages_pass(struct msim_pages *pages, const struct page_head *head,
                    struct msim_detail *detail)
{
    size_t length = (size_t)head->compressed_size;
    size_t waiting = pages->window_end - pages->window_at;

    (void)detail;
    pages->are_small = length < WINDOW_SIZE;
    if (length <= waiting) {
        pages->window_at += length;
    } else {
        pages->offset += length - waiting;
        pages->window_at = pages->window_end = 0;
    }
    return MSIM_OK;
}

static int check_crc(const struct msim_pages *pages, const struct page_head *head,
                     const unsigned char *stored, struct msim_detail *detail)
{
    if (!head->has_crc)
        return MSIM_OK;
    uint32_t found = msim_crc_of(pages->reader->crc, stored, (size_t)head->compressed_size);
    if (found == head->crc)
        return MSIM_OK;
    return msim_place_fail(&pages->place, detail, MSIM_ERR_FORMAT,
                           "damaged: its checksum is %08" PRIx32 " and should be %08" PRIx32, found,
                           head->crc);
}

/* What is compressed of the page: `stored` bytes that give `length`. */
static int unpack(struct msim_pages *pages, const unsigned char *stored, size_t stored_length,
                  size_t length, struct page_body *body, struct msim_detail *detail)
{
    int r = make_room(pages, &pages->unpacked, &pages->unpacked_capacity, length, detail);
    if (r < 0)
        return r;
    /* A page without values may be written as no bytes at all. */
    if (length > 0) {
        r = msim_codec_decode(&pages->reader->codecs, pages->codec, stored, stored_length,
                              pages->unpacked, length, &pages->place, detail);
        if (r < 0)
            return r;
    }
    body->values = pages->unpacked;
    body->value_length = length;
    return MSIM_OK;
}

int msim_pages_load(struct msim_pages *pages, const struct page_head *head, struct page_body *body,
                    struct msim_detail *detail)
{
    size_t stored_length = (size_t)head->compressed_size;
    size_t length = (size_t)head->uncompressed_size;

    *body = (struct page_body){0};
    pages->are_small = stored_length < WINDOW_SIZE;
    int r = need(pages, stored_length, detail);
    if (r < 0)
        return r;
    const unsigned char *stored = pages->window + pages->window_at;
    pages->window_at += stored_length;
    r = check_crc(pages, head, stored, detail);
    if (r < 0)
        return r;

    bool compressed = pages->codec != CODEC_NONE;
    if (head->type == PAGE_DATA_V2) {
        size_t levels = (size_t)head->repetition_length + (size_t)head->definition_length;
        body->definitions = stored + head->repetition_length;
        body->definition_length = (size_t)head->definition_length;
        stored += levels;
        stored_length -= levels;
        length -= levels;
        compressed = compressed && head->is_compressed;
    }
    if (compressed)
        return unpack(pages, stored, stored_length, length, body, detail);
    if (stored_length != length)
        return msim_place_fail(&pages->place, detail, MSIM_ERR_FORMAT,
                               "damaged: %zu bytes that are not compressed should be %zu",
                               stored_length, length);
    body->values = stored;
    body->value_length = length;
    return MSIM_OK;
}
