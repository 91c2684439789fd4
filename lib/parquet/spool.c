#include "parquet/spool.h"

#include <string.h>

#include "base/mem.h"
#include "parquet/bits.h"
#include "parquet/hybrid.h"
#include "parquet/page_out.h"

/* What a trade's columns take beside its texts. */
#define TRADE_BYTES ((size_t)40)

/* The bound on all; memory is bounded by the data set's. */
#define STORE_LIMIT (SIZE_MAX / 4)

/* Distinct tickers of a row group are no more than its rows. */
#define TICKERS_LIMIT MSIM_SPOOL_GROUP_ROWS

/* Where a Parquet file has its magic; an offset of 0 stands for none. */
static const char head[4] = {'P', 'A', 'R', '1'};

/* ---- the columns ---- */

static const struct leaf leaves[FIELD_COUNT + 1] = {
    [FIELD_TIMESTAMP] = {.physical = PHYSICAL_INT64,
                         .annotation = ANNOTATION_TIMESTAMP,
                         .is_signed = true,
                         .nanoseconds = 1,
                         .flat = true},
    [FIELD_PRICE] = {.physical = PHYSICAL_FIXED,
                     .type_length = MSIM_SPOOL_NUMBER_BYTES,
                     .annotation = ANNOTATION_MANTISSA,
                     .definition = 1,
                     .flat = true},
    [FIELD_VOLUME] = {.physical = PHYSICAL_FIXED,
                      .type_length = MSIM_SPOOL_NUMBER_BYTES,
                      .annotation = ANNOTATION_MANTISSA,
                      .definition = 1,
                      .flat = true},
    [FIELD_TICKER] = {.physical = PHYSICAL_BYTE_ARRAY,
                      .annotation = ANNOTATION_STRING,
                      .definition = 1,
                      .flat = true},
    [FIELD_COUNT] = {.physical = PHYSICAL_BYTE_ARRAY,
                     .annotation = ANNOTATION_WRITTEN,
                     .flat = true},
};

static int add_leaf(struct footer *footer, const struct leaf *leaf, const char *name)
{
    struct leaf *added = &footer->leaves[footer->leaf_count];

    *added = *leaf;
    added->name_length = strlen(name);
    added->name = msim_mem_text(&footer->allocator, name, added->name_length);
    if (!added->name)
        return MSIM_ERR_NOMEM;
    footer->leaf_count++;
    return MSIM_OK;
}

static int make_leaves(struct spool *spool, const char *const names[FIELD_COUNT],
                       const char *const *extras, size_t extra_count)
{
    struct footer *footer = &spool->footer;
    size_t count = FIELD_COUNT + extra_count;

    footer->leaves = msim_mem_zero_array(&spool->allocator, count, sizeof *footer->leaves);
    if (!footer->leaves)
        return MSIM_ERR_NOMEM;
    footer->leaf_capacity = count;
    for (size_t i = 0; i < count; i++) {
        size_t kind = i < FIELD_COUNT ? i : FIELD_COUNT;
        int r =
            add_leaf(footer, &leaves[kind], i < FIELD_COUNT ? names[i] : extras[i - FIELD_COUNT]);
        if (r < 0)
            return r;
    }
    return MSIM_OK;
}

static int make_columns(struct spool *spool)
{
    size_t count = spool->footer.leaf_count;

    spool->columns = msim_mem_zero_array(&spool->allocator, count, sizeof *spool->columns);
    if (!spool->columns)
        return MSIM_ERR_NOMEM;
    spool->column_count = count;
    for (size_t i = 0; i < count; i++)
        msim_bytes_init(&spool->columns[i].values, STORE_LIMIT, &spool->allocator);
    for (size_t i = FIELD_PRICE; i < FIELD_COUNT; i++) {
        spool->columns[i].levels = msim_mem_take_array(&spool->allocator, MSIM_SPOOL_GROUP_ROWS,
                                                       sizeof *spool->columns[i].levels);
        if (!spool->columns[i].levels)
            return MSIM_ERR_NOMEM;
    }
    spool->ticker_ids =
        msim_mem_take_array(&spool->allocator, MSIM_SPOOL_GROUP_ROWS, sizeof *spool->ticker_ids);
    return spool->ticker_ids ? MSIM_OK : MSIM_ERR_NOMEM;
}

int msim_spool_init(struct spool *spool, const char *const names[FIELD_COUNT],
                    const char *const *extras, size_t extra_count, struct spool_place *place,
                    const struct msim_allocator *allocator)
{
    *spool =
        (struct spool){.allocator = *allocator, .footer.allocator = *allocator, .place = place};
    msim_bytes_init(&spool->store, STORE_LIMIT, allocator);
    msim_symbols_init(&spool->tickers, TICKERS_LIMIT, allocator);
    int r = make_leaves(spool, names, extras, extra_count);
    if (r >= 0)
        r = make_columns(spool);
    if (r >= 0)
        r = msim_bytes_append(&spool->store, head, sizeof head);
    if (r < 0)
        msim_spool_finish(spool);
    return r;
}

void msim_spool_finish(struct spool *spool)
{
    const struct msim_allocator *allocator = &spool->allocator;

    if (!spool->columns && !spool->footer.leaves)
        return;
    for (size_t i = 0; i < spool->column_count; i++) {
        msim_bytes_finish(&spool->columns[i].values);
        msim_mem_free(allocator, spool->columns[i].levels,
                      MSIM_SPOOL_GROUP_ROWS * sizeof *spool->columns[i].levels);
    }
    msim_mem_free(allocator, spool->columns, spool->column_count * sizeof *spool->columns);
    msim_mem_free(allocator, spool->ticker_ids, MSIM_SPOOL_GROUP_ROWS * sizeof *spool->ticker_ids);
    msim_symbols_finish(&spool->tickers);
    msim_footer_finish(&spool->footer);
    msim_bytes_finish(&spool->store);
    *spool = (struct spool){.words = spool->words};
}

/* ---- row groups ---- */

static int put_bytes(struct spool *spool, const struct msim_bytes *bytes)
{
    size_t length = msim_bytes_length(bytes);

    return length > 0 ? msim_bytes_append(&spool->store, msim_bytes_front(bytes), length) : MSIM_OK;
}

/* A page of two pieces.  What may come to lie on a disk bears a checksum. */
static int put_page(struct spool *spool, const struct page_out *page,
                    const struct msim_bytes *levels, const struct msim_bytes *values)
{
    const struct msim_crc *crc = spool->place->crc;
    size_t length = msim_bytes_length(levels) + msim_bytes_length(values);
    struct msim_thrift_out out;
    uint32_t sum = 0;

    msim_thrift_out_init(&out, &spool->allocator);
    bool has_sum = spool->place->disk.temporary.ops != NULL;
    if (has_sum) {
        sum = msim_crc_of(crc, msim_bytes_front(levels), msim_bytes_length(levels));
        sum = msim_crc_more(crc, sum, msim_bytes_front(values), msim_bytes_length(values));
    }
    int r = msim_page_out_head(&out, page, length, length, has_sum ? &sum : NULL);
    if (r >= 0)
        r = msim_bytes_append(&spool->store, out.bytes, out.length);
    msim_thrift_out_finish(&out);
    if (r >= 0)
        r = put_bytes(spool, levels);
    return r < 0 ? r : put_bytes(spool, values);
}

/* Behind a length of four bytes: which rows have a value. */
static int put_levels(struct spool *spool, const struct spool_column *column,
                      struct msim_bytes *out)
{
    static const unsigned char blank[4];
    size_t start = msim_bytes_length(out);

    int r = msim_bytes_append(out, blank, sizeof blank);
    if (r >= 0)
        r = msim_hybrid_write(out, column->levels, spool->rows, 1);
    if (r < 0)
        return r;
    msim_store32(out->memory + out->start + start,
                 (uint32_t)(msim_bytes_length(out) - start - sizeof blank));
    return MSIM_OK;
}

static int put_dictionary(struct spool *spool)
{
    const struct page_out page = {
        .type = PAGE_DICTIONARY, .encoding = ENCODING_PLAIN, .values = spool->tickers.count};
    const struct msim_bytes none = {0};
    struct msim_bytes body;
    int r = MSIM_OK;

    msim_bytes_init(&body, STORE_LIMIT, &spool->allocator);
    for (size_t i = 0; i < spool->tickers.count && r >= 0; i++) {
        unsigned char size[4];
        size_t length = 0;
        const char *text = msim_symbols_text(&spool->tickers, (uint32_t)i, &length);
        msim_store32(size, (uint32_t)length);
        r = msim_bytes_append(&body, size, sizeof size);
        if (r >= 0 && length > 0)
            r = msim_bytes_append(&body, text, length);
    }
    if (r >= 0)
        r = put_page(spool, &page, &none, &body);
    msim_bytes_finish(&body);
    return r;
}

/* The column's dictionary stands already; its values are the rows' numbers in it. */
static int put_indexes(struct spool *spool, struct spool_column *column)
{
    unsigned char width = 1;

    while (width < 32 && (uint64_t)spool->tickers.count > UINT64_C(1) << width)
        width++;
    int r = msim_bytes_append(&column->values, &width, 1);
    return r < 0
               ? r
               : msim_hybrid_write(&column->values, spool->ticker_ids, spool->ticker_count, width);
}

static size_t count_present(const struct spool *spool, const struct spool_column *column)
{
    size_t count = spool->rows;

    for (size_t i = 0; column->has_nulls && i < spool->rows; i++)
        count -= !column->levels[i];
    return count;
}

/* Where the next byte will stand in the file that all this becomes. */
static uint64_t place_of(const struct spool *spool)
{
    return spool->out_length + msim_bytes_length(&spool->store);
}

static int put_column(struct spool *spool, size_t at, struct chunk *chunk)
{
    struct spool_column *column = &spool->columns[at];
    bool has_dictionary = at == FIELD_TICKER;
    const struct page_out page = {.type = PAGE_DATA,
                                  .encoding =
                                      has_dictionary ? ENCODING_RLE_DICTIONARY : ENCODING_PLAIN,
                                  .values = spool->rows};
    struct msim_bytes levels;
    int r = MSIM_OK;

    *chunk = (struct chunk){.physical = spool->footer.leaves[at].physical,
                            .codec = CODEC_NONE,
                            .encodings = UINT64_C(1) << ENCODING_PLAIN,
                            .value_count = (int64_t)spool->rows,
                            .null_count = (int64_t)(spool->rows - count_present(spool, column)),
                            .has_metadata = true};
    uint64_t start = place_of(spool);
    if (has_dictionary) {
        chunk->dictionary_offset = (int64_t)start;
        chunk->encodings |= UINT64_C(1) << ENCODING_RLE_DICTIONARY;
        r = put_dictionary(spool);
        if (r >= 0)
            r = put_indexes(spool, column);
    }
    chunk->data_offset = (int64_t)place_of(spool);
    msim_bytes_init(&levels, STORE_LIMIT, &spool->allocator);
    if (r >= 0 && column->levels)
        r = put_levels(spool, column, &levels);
    if (r >= 0)
        r = put_page(spool, &page, &levels, &column->values);
    msim_bytes_finish(&levels);
    chunk->compressed_size = chunk->uncompressed_size = (int64_t)(place_of(spool) - start);
    return r;
}

static void empty_columns(struct spool *spool)
{
    for (size_t i = 0; i < spool->column_count; i++) {
        struct msim_bytes *values = &spool->columns[i].values;
        msim_bytes_take(values, msim_bytes_length(values));
        spool->columns[i].has_nulls = false;
    }
    msim_symbols_finish(&spool->tickers);
    msim_symbols_init(&spool->tickers, TICKERS_LIMIT, &spool->allocator);
    spool->ticker_count = 0;
    spool->last_ticker = 0;
    spool->rows = 0;
    spool->bytes = 0;
}

static void set_bound(struct bound *bound, msim_time time)
{
    bound->known = true;
    bound->length = 8;
    msim_store64(bound->bytes, (uint64_t)time);
}

/* Moves what is in memory to the disk. */
static int put_out(struct spool *spool)
{
    struct temporary_file *disk = &spool->place->disk;
    const struct temporary_ops *ops = disk->temporary.ops;
    size_t length = msim_bytes_length(&spool->store);
    int r = MSIM_OK;

    if (!disk->file)
        r = ops->create(disk->temporary.self, &disk->file, &spool->words);
    if (r < 0)
        return r;
    if (!spool->is_out)
        spool->out_at = disk->length;
    spool->is_out = true;
    r = ops->append(disk->file, msim_bytes_front(&spool->store), length, &spool->words);
    if (r < 0)
        return r;
    disk->length += length;
    spool->out_length += length;
    msim_bytes_take(&spool->store, length);
    return MSIM_OK;
}

static int make_room(struct spool *spool)
{
    const struct spool_place *place = spool->place;

    if (!place->disk.temporary.ops)
        return MSIM_OK;
    return spool->is_out || msim_bytes_length(&spool->store) > place->room ? put_out(spool)
                                                                           : MSIM_OK;
}

static int end_group(struct spool *spool)
{
    struct footer *footer = &spool->footer;
    void *groups = footer->groups;
    void *chunks = footer->chunks;

    int r = msim_mem_grow(&footer->allocator, &groups, &footer->group_capacity,
                          sizeof *footer->groups, footer->group_count + 1, UINT32_MAX);
    if (r < 0)
        return r;
    footer->groups = groups;
    r = msim_mem_grow(&footer->allocator, &chunks, &footer->chunk_capacity, sizeof *footer->chunks,
                      footer->chunk_count + footer->leaf_count, SIZE_MAX);
    if (r < 0)
        return r;
    footer->chunks = chunks;
    struct chunk *first = &footer->chunks[footer->chunk_count];
    for (size_t i = 0; i < footer->leaf_count; i++) {
        r = put_column(spool, i, &first[i]);
        if (r < 0)
            return r;
    }
    set_bound(&first[FIELD_TIMESTAMP].min, spool->min);
    set_bound(&first[FIELD_TIMESTAMP].max, spool->max);
    footer->groups[footer->group_count++] =
        (struct row_group){.row_count = (int64_t)spool->rows, .first_row = footer->row_count};
    footer->chunk_count += footer->leaf_count;
    footer->row_count += (int64_t)spool->rows;
    empty_columns(spool);
    return make_room(spool);
}

/* ---- trades ---- */

static int add_number(struct spool *spool, enum trade_field field,
                      const struct spool_number *number)
{
    struct spool_column *column = &spool->columns[field];
    unsigned char bytes[MSIM_SPOOL_NUMBER_BYTES];

    column->levels[spool->rows] = !number->is_null;
    column->has_nulls |= number->is_null;
    if (number->is_null)
        return MSIM_OK;
    msim_store64(bytes, (uint64_t)number->mantissa);
    bytes[8] = (unsigned char)number->exponent;
    return msim_bytes_append(&column->values, bytes, sizeof bytes);
}

/* The same ticker often comes several times in a row. */
static int find_ticker(struct spool *spool, const char *text, size_t length, uint32_t *id)
{
    size_t last_length = 0;
    const char *last = msim_symbols_text(&spool->tickers, spool->last_ticker, &last_length);

    *id = spool->last_ticker;
    if (last && last_length == length && memcmp(last, text, length) == 0)
        return MSIM_OK;
    int r = msim_symbols_intern(&spool->tickers, text, length, id);
    spool->last_ticker = *id;
    return r;
}

static int add_ticker(struct spool *spool, const struct spool_trade *trade)
{
    struct spool_column *column = &spool->columns[FIELD_TICKER];

    column->levels[spool->rows] = trade->ticker != NULL;
    column->has_nulls |= !trade->ticker;
    if (!trade->ticker)
        return MSIM_OK;
    uint32_t id;
    int r = find_ticker(spool, trade->ticker, trade->ticker_length, &id);
    if (r < 0)
        return r;
    spool->ticker_ids[spool->ticker_count++] = id;
    return MSIM_OK;
}

static int add_extra(struct spool *spool, size_t at, const struct msim_text *text)
{
    struct spool_column *column = &spool->columns[at];
    unsigned char size[4];

    msim_store32(size, text->length);
    spool->bytes += sizeof size + text->length;
    int r = msim_bytes_append(&column->values, size, sizeof size);
    return r < 0 || text->length == 0
               ? r
               : msim_bytes_append(&column->values, text->bytes, text->length);
}

int msim_spool_add(struct spool *spool, const struct spool_trade *trade)
{
    unsigned char time[8];

    msim_store64(time, (uint64_t)trade->time);
    int r = msim_bytes_append(&spool->columns[FIELD_TIMESTAMP].values, time, sizeof time);
    if (r >= 0)
        r = add_number(spool, FIELD_PRICE, &trade->price);
    if (r >= 0)
        r = add_number(spool, FIELD_VOLUME, &trade->volume);
    if (r >= 0)
        r = add_ticker(spool, trade);
    for (size_t i = FIELD_COUNT; i < spool->column_count && r >= 0; i++)
        r = add_extra(spool, i, &trade->extras[i - FIELD_COUNT]);
    if (r < 0)
        return r;
    spool->bytes += TRADE_BYTES + trade->ticker_length;
    spool->min = spool->rows == 0 || trade->time < spool->min ? trade->time : spool->min;
    spool->max = spool->rows == 0 || trade->time > spool->max ? trade->time : spool->max;
    spool->rows++;
    if (spool->rows == MSIM_SPOOL_GROUP_ROWS || spool->bytes >= spool->place->group_bytes)
        return end_group(spool);
    return MSIM_OK;
}

int msim_spool_end(struct spool *spool, struct trade_file *trades, const char *name)
{
    int r = spool->rows > 0 ? end_group(spool) : MSIM_OK;
    if (r < 0)
        return r;
    *trades = (struct trade_file){.is_spooled = true};
    if (spool->is_out)
        r = msim_parquet_file_kept(&trades->file, name, &spool->place->disk, spool->out_at,
                                   spool->out_length, &spool->allocator);
    else
        r = msim_parquet_file_memory(&trades->file, name, msim_bytes_front(&spool->store),
                                     msim_bytes_length(&spool->store), &spool->allocator);
    if (r < 0)
        return r;
    spool->place->room -= msim_bytes_length(&spool->store) < spool->place->room
                              ? msim_bytes_length(&spool->store)
                              : spool->place->room;
    trades->store = spool->store;
    trades->footer = spool->footer;
    trades->footer.data_end = trades->file.size;
    for (size_t field = 0; field < FIELD_COUNT; field++)
        trades->leaves[field] = field;
    spool->store = (struct msim_bytes){.allocator = spool->allocator};
    spool->footer = (struct footer){.allocator = spool->allocator};
    msim_spool_finish(spool);
    return MSIM_OK;
}
