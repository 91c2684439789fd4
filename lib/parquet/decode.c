#include "parquet/decode.h"

#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "parquet/bits.h"
#include "parquet/unpack.h"

static int damaged(const struct msim_column *column, struct msim_detail *detail, const char *words)
{
    return msim_place_fail(&column->pages.place, detail, MSIM_ERR_FORMAT, "damaged: %s", words);
}

bool msim_decode_reads(int encoding)
{
    switch (encoding) {
    case ENCODING_PLAIN:
    case ENCODING_PLAIN_DICTIONARY:
    case ENCODING_RLE_DICTIONARY:
    case ENCODING_RLE:
    case ENCODING_BIT_PACKED:
    case ENCODING_DELTA_BINARY_PACKED:
    case ENCODING_DELTA_LENGTH_BYTE_ARRAY:
    case ENCODING_DELTA_BYTE_ARRAY:
    case ENCODING_BYTE_STREAM_SPLIT:
        return true;
    default:
        return false;
    }
}

int msim_decode_check(const struct chunk *chunk, const struct place *place,
                      struct msim_detail *detail)
{
    for (int encoding = 0; encoding <= MSIM_ENCODINGS_OTHER; encoding++) {
        if (!(chunk->encodings >> encoding & 1) || msim_decode_reads(encoding))
            continue;
        if (encoding == MSIM_ENCODINGS_OTHER)
            return msim_place_fail(place, detail, MSIM_ERR_UNSUPPORTED,
                                   "values in an unknown encoding: write the column as PLAIN or "
                                   "with a dictionary");
        return msim_place_fail(place, detail, MSIM_ERR_UNSUPPORTED,
                               "values in %s (encoding %d), which are not read: write the column "
                               "as PLAIN or with a dictionary",
                               msim_encoding_name(encoding), encoding);
    }
    return MSIM_OK;
}

/* Whether the format lets values of this type be written so. */
static bool fits(int encoding, int physical)
{
    switch (encoding) {
    case ENCODING_PLAIN:
        return true;
    case ENCODING_PLAIN_DICTIONARY:
    case ENCODING_RLE_DICTIONARY:
        return physical != PHYSICAL_BOOLEAN;
    case ENCODING_RLE:
        return physical == PHYSICAL_BOOLEAN;
    case ENCODING_DELTA_BINARY_PACKED:
        return physical == PHYSICAL_INT32 || physical == PHYSICAL_INT64;
    case ENCODING_DELTA_LENGTH_BYTE_ARRAY:
        return physical == PHYSICAL_BYTE_ARRAY;
    case ENCODING_DELTA_BYTE_ARRAY:
        return physical == PHYSICAL_BYTE_ARRAY || physical == PHYSICAL_FIXED;
    case ENCODING_BYTE_STREAM_SPLIT:
        return physical == PHYSICAL_INT32 || physical == PHYSICAL_INT64 ||
               physical == PHYSICAL_FLOAT || physical == PHYSICAL_DOUBLE ||
               physical == PHYSICAL_FIXED;
    default:
        return false;
    }
}

/* ---- room for values that are put together ---- */

static int make_room(struct msim_column *column, size_t length, struct msim_detail *detail)
{
    void *room = column->room;

    int r = msim_mem_grow(&column->pages.reader->allocator, &room, &column->room_capacity, 1,
                          length + MSIM_PARQUET_PADDING, SIZE_MAX);
    if (r < 0)
        return msim_place_fail(&column->pages.place, detail, r,
                               "out of memory: its values need %zu bytes at once", length);
    column->room = room;
    return MSIM_OK;
}

void msim_decode_close(struct msim_column *column)
{
    msim_mem_free(&column->pages.reader->allocator, column->room, column->room_capacity);
}

/* ---- the beginning of a page ---- */

static int begin_indexes(struct msim_column *column, struct msim_detail *detail)
{
    unsigned width = 0;

    if (!column->dictionary.loaded)
        return damaged(column, detail, "indexes without a dictionary before them");
    /* A page of nulls alone need not have an index width. */
    if (column->at < column->end)
        width = *column->at++;
    if (width > 32)
        return damaged(column, detail, "indexes of more than 32 bits");
    msim_hybrid_init(&column->runs, column->at, (size_t)(column->end - column->at), width);
    return MSIM_OK;
}

/* Booleans as runs have their length before them, in both versions of a page. */
static int begin_booleans(struct msim_column *column, struct msim_detail *detail)
{
    if (column->at == column->end)
        return MSIM_OK;
    if (column->end - column->at < 4)
        return damaged(column, detail, "the values end too early");
    uint32_t length = msim_load32(column->at);
    column->at += 4;
    if (length > (size_t)(column->end - column->at))
        return damaged(column, detail, "the values are longer than their page");
    msim_hybrid_init(&column->runs, column->at, length, 1);
    return MSIM_OK;
}

/* Numbers of a page, or the lengths of texts; a page of nulls alone may be no bytes at all. */
static int begin_delta(struct msim_column *column, struct msim_delta *delta,
                       struct msim_detail *detail)
{
    if (column->at == column->end) {
        *delta = (struct msim_delta){0};
        return MSIM_OK;
    }
    if (msim_delta_init(delta, column->at, (size_t)(column->end - column->at)) < 0)
        return damaged(column, detail, "the head of its differences is damaged");
    return MSIM_OK;
}

static int begin_lengths(struct msim_column *column, struct msim_delta *delta,
                         struct msim_detail *detail)
{
    int r = begin_delta(column, delta, detail);
    if (r < 0 || column->at == column->end)
        return r;
    if (msim_delta_end(delta, &column->at) < 0)
        return damaged(column, detail, "the lengths of its texts are damaged");
    return MSIM_OK;
}

static int begin_split(struct msim_column *column, uint64_t count, struct msim_detail *detail)
{
    size_t length = (size_t)(column->end - column->at);

    if (length % column->width != 0 || length / column->width > count)
        return damaged(column, detail, "its bytes are not whole values");
    column->split_count = length / column->width;
    column->split_at = 0;
    return MSIM_OK;
}

int msim_decode_begin(struct msim_column *column, int encoding, const struct page_body *body,
                      uint64_t count, struct msim_detail *detail)
{
    int r;

    column->at = body->values;
    column->end = body->values + body->value_length;
    column->encoding = encoding;
    if (!fits(encoding, column->leaf->physical)) {
        if (msim_decode_reads(encoding))
            return msim_place_fail(
                &column->pages.place, detail, MSIM_ERR_FORMAT, "damaged: values of type %s in %s",
                msim_physical_name(column->leaf->physical), msim_encoding_name(encoding));
        return msim_place_fail(&column->pages.place, detail, MSIM_ERR_UNSUPPORTED,
                               "values in %s (encoding %d), which are not read: write the column "
                               "as PLAIN or with a dictionary",
                               msim_encoding_name(encoding), encoding);
    }
    switch (encoding) {
    case ENCODING_PLAIN_DICTIONARY:
    case ENCODING_RLE_DICTIONARY:
        return begin_indexes(column, detail);
    case ENCODING_RLE:
        return begin_booleans(column, detail);
    case ENCODING_DELTA_BINARY_PACKED:
        return begin_delta(column, &column->numbers, detail);
    case ENCODING_DELTA_LENGTH_BYTE_ARRAY:
        return begin_lengths(column, &column->numbers, detail);
    case ENCODING_DELTA_BYTE_ARRAY:
        column->text_at = column->text_length = 0;
        column->text_total = 0;
        r = begin_lengths(column, &column->shared, detail);
        return r < 0 ? r : begin_lengths(column, &column->numbers, detail);
    case ENCODING_BYTE_STREAM_SPLIT:
        return begin_split(column, count, detail);
    default:
        column->split_at = 0; /* the bit of the next boolean */
        return MSIM_OK;
    }
}

/* ---- PLAIN ---- */

int msim_decode_texts(const struct msim_column *column, const unsigned char **at,
                      const unsigned char *end, struct msim_text *texts, size_t count,
                      struct msim_detail *detail)
{
    const unsigned char *from = *at;

    for (size_t i = 0; i < count; i++) {
        if (end - from < 4)
            return damaged(column, detail, "the values end too early");
        uint32_t length = msim_load32(from);
        from += 4;
        if (length > (size_t)(end - from))
            return damaged(column, detail, "a text is longer than its page");
        texts[i] = (struct msim_text){.bytes = from, .length = length};
        from += length;
    }
    *at = from;
    return MSIM_OK;
}

static int read_bits(struct msim_column *column, struct msim_span *span, struct msim_detail *detail)
{
    if (span->values > (size_t)(column->end - column->at) * 8 - column->split_at)
        return damaged(column, detail, "the values end too early");
    for (size_t i = 0; i < span->values; i++, column->split_at++)
        column->room[i] = column->at[column->split_at / 8] >> column->split_at % 8 & 1;
    return MSIM_OK;
}

static int read_booleans(struct msim_column *column, struct msim_span *span,
                         struct msim_detail *detail)
{
    uint32_t *numbers = column->pages.reader->scratch->numbers;

    int r = make_room(column, span->values, detail);
    if (r < 0)
        return r;
    span->form = SPAN_FIXED;
    span->fixed = column->room;
    if (column->encoding == ENCODING_PLAIN)
        return read_bits(column, span, detail);
    if (span->values > 0 && msim_hybrid_read(&column->runs, numbers, span->values) < 0)
        return damaged(column, detail, "the values end too early");
    for (size_t i = 0; i < span->values; i++)
        column->room[i] = (uint8_t)numbers[i];
    return MSIM_OK;
}

static int read_plain(struct msim_column *column, struct msim_span *span,
                      struct msim_detail *detail)
{
    if (column->width == 0) {
        span->form = SPAN_TEXT;
        span->texts = column->pages.reader->scratch->texts;
        return msim_decode_texts(column, &column->at, column->end,
                                 column->pages.reader->scratch->texts, span->values, detail);
    }
    if (column->leaf->physical == PHYSICAL_BOOLEAN)
        return read_booleans(column, span, detail);
    span->form = SPAN_FIXED;
    span->fixed = column->at;
    if (span->values > (size_t)(column->end - column->at) / column->width)
        return damaged(column, detail, "the values end too early");
    column->at += span->values * column->width;
    return MSIM_OK;
}

/* ---- indexes ---- */

static int read_indexes(struct msim_column *column, struct msim_span *span,
                        struct msim_detail *detail)
{
    uint32_t *numbers = column->pages.reader->scratch->numbers;

    span->form = SPAN_INDEX;
    span->indexes = numbers;
    if (span->values == 0)
        return MSIM_OK;
    if (msim_hybrid_read(&column->runs, numbers, span->values) < 0)
        return damaged(column, detail, "its indexes end too early");
    uint32_t largest = msim_unpack_largest(numbers, span->values);
    if (largest >= column->dictionary.count)
        return msim_place_fail(&column->pages.place, detail, MSIM_ERR_FORMAT,
                               "damaged: index %" PRIu32 " into a dictionary of %" PRIu32 " values",
                               largest, column->dictionary.count);
    return MSIM_OK;
}

/* ---- differences ---- */

static int read_numbers(struct msim_column *column, struct msim_span *span,
                        struct msim_detail *detail)
{
    int64_t *wide = column->pages.reader->scratch->wide;

    if (msim_delta_read(&column->numbers, wide, span->values) < 0)
        return damaged(column, detail, "its differences end too early or are damaged");
    span->form = SPAN_FIXED;
    if (column->width == 8 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) {
        span->fixed = (const unsigned char *)wide;
        return MSIM_OK;
    }
    int r = make_room(column, span->values * column->width, detail);
    if (r < 0)
        return r;
    for (size_t i = 0; i < span->values; i++) {
        if (column->width == 4)
            msim_store32(column->room + i * 4, (uint32_t)(uint64_t)wide[i]);
        else
            msim_store64(column->room + i * 8, (uint64_t)wide[i]);
    }
    span->fixed = column->room;
    return MSIM_OK;
}

static int read_lengths(struct msim_column *column, struct msim_delta *from, int64_t *lengths,
                        size_t count, struct msim_detail *detail)
{
    int64_t least = 0;
    int64_t most = 0;

    if (msim_delta_read(from, lengths, count) < 0)
        return damaged(column, detail, "the lengths of its texts end too early");
    for (size_t i = 0; i < count; i++) {
        least = lengths[i] < least ? lengths[i] : least;
        most = lengths[i] > most ? lengths[i] : most;
    }
    if (least < 0 || most > INT32_MAX)
        return damaged(column, detail, "a text of a length that cannot be");
    return MSIM_OK;
}

static int read_sized_texts(struct msim_column *column, struct msim_span *span,
                            struct msim_detail *detail)
{
    struct column_scratch *scratch = column->pages.reader->scratch;

    int r = read_lengths(column, &column->numbers, scratch->wide, span->values, detail);
    if (r < 0)
        return r;
    span->form = SPAN_TEXT;
    span->texts = scratch->texts;
    for (size_t i = 0; i < span->values; i++) {
        if (scratch->wide[i] > column->end - column->at)
            return damaged(column, detail, "a text is longer than its page");
        scratch->texts[i] =
            (struct msim_text){.bytes = column->at, .length = (uint32_t)scratch->wide[i]};
        column->at += scratch->wide[i];
    }
    return MSIM_OK;
}

/* ---- texts that begin like the one before them ---- */

/* How many bytes they are when whole; that each has the beginning it speaks of. */
static int measure_texts(struct msim_column *column, size_t count, uint64_t *total,
                         struct msim_detail *detail)
{
    const struct column_scratch *scratch = column->pages.reader->scratch;
    uint64_t before = column->text_length;
    uint64_t suffixes = 0;

    *total = 0;
    for (size_t i = 0; i < count; i++) {
        if ((uint64_t)scratch->shared[i] > before)
            return damaged(column, detail, "a text shares more than the one before it has");
        before = (uint64_t)scratch->shared[i] + (uint64_t)scratch->wide[i];
        suffixes += (uint64_t)scratch->wide[i];
        *total += before;
    }
    if (suffixes > (uint64_t)(column->end - column->at))
        return damaged(column, detail, "a text is longer than its page");
    column->text_total += *total;
    if (column->text_total > MSIM_PARQUET_TEXT_LIMIT)
        return msim_place_fail(&column->pages.place, detail, MSIM_ERR_LIMIT,
                               "its texts are more than %" PRIu64
                               " bytes when whole: write the column with smaller pages",
                               MSIM_PARQUET_TEXT_LIMIT);
    return MSIM_OK;
}

/* The last text of the span before moves to the front; the new ones stand behind it. */
static void join_texts(struct msim_column *column, size_t count)
{
    struct column_scratch *scratch = column->pages.reader->scratch;
    unsigned char *before = column->room;
    unsigned char *to;

    if (column->text_length > 0)
        memmove(before, column->room + column->text_at, column->text_length);
    to = before + column->text_length;
    for (size_t i = 0; i < count; i++) {
        size_t shared = (size_t)scratch->shared[i];
        size_t own = (size_t)scratch->wide[i];
        if (shared > 0)
            memcpy(to, before, shared);
        if (own > 0)
            memcpy(to + shared, column->at, own);
        column->at += own;
        scratch->texts[i] = (struct msim_text){.bytes = to, .length = (uint32_t)(shared + own)};
        before = to;
        to += shared + own;
    }
    column->text_at = (size_t)(before - column->room);
    if (count > 0)
        column->text_length = (size_t)(to - before);
}

static int read_joined_texts(struct msim_column *column, struct msim_span *span,
                             struct msim_detail *detail)
{
    struct column_scratch *scratch = column->pages.reader->scratch;
    uint64_t total = 0;

    int r = read_lengths(column, &column->shared, scratch->shared, span->values, detail);
    if (r >= 0)
        r = read_lengths(column, &column->numbers, scratch->wide, span->values, detail);
    if (r >= 0)
        r = measure_texts(column, span->values, &total, detail);
    if (r >= 0)
        r = make_room(column, column->text_length + (size_t)total, detail);
    if (r < 0)
        return r;
    size_t first = column->text_length;
    join_texts(column, span->values);
    if (column->width == 0) {
        span->form = SPAN_TEXT;
        span->texts = scratch->texts;
        return MSIM_OK;
    }
    for (size_t i = 0; i < span->values; i++)
        if (scratch->texts[i].length != column->width)
            return damaged(column, detail, "a value that is not as long as its type");
    span->form = SPAN_FIXED;
    span->fixed = column->room + first;
    return MSIM_OK;
}

/* ---- the first bytes of all values, then the second ones, and so on ---- */

static inline __attribute__((always_inline)) void gather(unsigned char *to,
                                                         const unsigned char *from, size_t stride,
                                                         size_t count, size_t width)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < width; k++)
            to[i * width + k] = from[k * stride + i];
}

static int read_split(struct msim_column *column, struct msim_span *span,
                      struct msim_detail *detail)
{
    size_t width = column->width;
    const unsigned char *from = column->at + column->split_at;

    if (span->values > column->split_count - column->split_at)
        return damaged(column, detail, "the values end too early");
    int r = make_room(column, span->values * width, detail);
    if (r < 0)
        return r;
    if (width == 8)
        gather(column->room, from, column->split_count, span->values, 8);
    else if (width == 4)
        gather(column->room, from, column->split_count, span->values, 4);
    else
        gather(column->room, from, column->split_count, span->values, width);
    column->split_at += span->values;
    span->form = SPAN_FIXED;
    span->fixed = column->room;
    return MSIM_OK;
}

int msim_decode_read(struct msim_column *column, struct msim_span *span, struct msim_detail *detail)
{
    switch (column->encoding) {
    case ENCODING_PLAIN_DICTIONARY:
    case ENCODING_RLE_DICTIONARY:
        return read_indexes(column, span, detail);
    case ENCODING_RLE:
        return read_booleans(column, span, detail);
    case ENCODING_DELTA_BINARY_PACKED:
        return read_numbers(column, span, detail);
    case ENCODING_DELTA_LENGTH_BYTE_ARRAY:
        return read_sized_texts(column, span, detail);
    case ENCODING_DELTA_BYTE_ARRAY:
        return read_joined_texts(column, span, detail);
    case ENCODING_BYTE_STREAM_SPLIT:
        return read_split(column, span, detail);
    default:
        return read_plain(column, span, detail);
    }
}
