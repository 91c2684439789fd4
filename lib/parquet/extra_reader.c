#include <string.h>

#include "base/detail.h"
#include "base/mem.h"
#include "parquet/bits.h"
#include "parquet/extra_store.h"
#include "parquet/spill_io.h"

/* The buffers of all pieces take at most these parts of the bound, and of what is left of it. */
#define PART_OF_MEMORY 32
#define PART_OF_LEFT 8
/* A buffer's size is within these. */
#define BUFFER_LEAST ((size_t)256)
#define BUFFER_MOST ((size_t)64 << 10)
/* The least buffers may take more of what is left, as long as they leave as much. */
#define PART_OF_LEFT_LEAST 2

/* The bound on a row's cells: those of a record. */
#define CELLS_LIMIT ((size_t)1 << 31)

_Static_assert(BUFFER_LEAST >= RECORD_HEAD, "what stands before a row's cells fits in");

struct piece_reader {
    uint64_t next; /* in the file, behind the buffer */
    uint64_t end;
    size_t at;
    size_t count;
};

struct extra_reader {
    struct msim_parquet *parquet;
    const struct extra_store *store;
    size_t column_count;
    size_t piece_count;
    struct piece_reader *pieces;
    unsigned char *buffers;
    size_t buffer_size;
    struct extra_cell *cells;
    struct msim_bytes record; /* without the sum */
};

/* ---- beginning and end ---- */

static size_t choose_size(const struct msim_parquet *parquet, size_t pieces)
{
    size_t left = msim_budget_left(&parquet->budget);
    size_t part = parquet->budget.limit / PART_OF_MEMORY;

    part = left / PART_OF_LEFT < part ? left / PART_OF_LEFT : part;
    size_t size = pieces > 0 ? part / pieces : 0;
    if (size < BUFFER_LEAST)
        return pieces <= left / PART_OF_LEFT_LEAST / (BUFFER_LEAST + sizeof(struct piece_reader))
                   ? BUFFER_LEAST
                   : 0;
    return size < BUFFER_MOST ? size : BUFFER_MOST;
}

void msim_extra_reader_close(struct extra_reader **pointer)
{
    struct extra_reader *reader = *pointer;

    *pointer = NULL;
    if (!reader)
        return;
    const struct msim_allocator *allocator = &reader->parquet->allocator;
    msim_bytes_finish(&reader->record);
    msim_mem_free(allocator, reader->cells, reader->column_count * sizeof *reader->cells);
    msim_mem_free(allocator, reader->buffers, reader->piece_count * reader->buffer_size);
    msim_mem_free(allocator, reader->pieces, reader->piece_count * sizeof *reader->pieces);
    msim_mem_free(allocator, reader, sizeof *reader);
}

void msim_extra_reader_rewind(struct extra_reader *reader)
{
    for (size_t i = 0; i < reader->piece_count; i++) {
        const struct extra_piece *piece = &reader->store->pieces[i];
        reader->pieces[i] =
            (struct piece_reader){.next = piece->offset, .end = piece->offset + piece->length};
    }
}

int msim_extra_reader_open(struct extra_reader **out, const struct extra_store *store,
                           struct msim_parquet *parquet, size_t column_count,
                           struct msim_detail *detail)
{
    const struct msim_allocator *allocator = &parquet->allocator;
    size_t size = choose_size(parquet, store->piece_count);

    if (size == 0)
        return 0;
    struct extra_reader *reader = msim_mem_zero(allocator, sizeof *reader);
    if (!reader)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "no memory to read further columns");
    reader->parquet = parquet;
    reader->store = store;
    reader->column_count = column_count;
    reader->piece_count = store->piece_count;
    reader->buffer_size = size;
    msim_bytes_init(&reader->record, CELLS_LIMIT, allocator);
    reader->pieces = msim_mem_take_array(allocator, reader->piece_count, sizeof *reader->pieces);
    reader->buffers = msim_mem_take_array(allocator, reader->piece_count, size);
    reader->cells = msim_mem_take_array(allocator, column_count, sizeof *reader->cells);
    if (!reader->pieces || !reader->buffers || !reader->cells) {
        msim_extra_reader_close(&reader);
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "no memory to read further columns");
    }
    msim_extra_reader_rewind(reader);
    *out = reader;
    return 1;
}

/* ---- bytes of a piece ---- */

static uint64_t left_of(const struct piece_reader *piece)
{
    return piece->end - piece->next + (piece->count - piece->at);
}

/* Makes what stands before a row's cells stand in the buffer; there are as many bytes. */
static int need_head(struct extra_reader *reader, struct piece_reader *piece, unsigned char *buffer,
                     struct msim_detail *detail)
{
    size_t waiting = piece->count - piece->at;

    if (waiting >= RECORD_HEAD)
        return MSIM_OK;
    memmove(buffer, buffer + piece->at, waiting);
    size_t more = reader->buffer_size - waiting;
    if (more > piece->end - piece->next)
        more = (size_t)(piece->end - piece->next);
    piece->at = 0;
    piece->count = waiting;
    int r = reader->parquet->temporary.ops->read(reader->store->file, piece->next, buffer + waiting,
                                                 more, detail);
    if (r < 0)
        return r;
    piece->next += more;
    piece->count += more;
    return MSIM_OK;
}

/* Goes on by `length`, which the piece has. */
static void pass(struct piece_reader *piece, uint64_t length)
{
    size_t waiting = piece->count - piece->at;

    if (length <= waiting) {
        piece->at += (size_t)length;
        return;
    }
    piece->at = piece->count = 0;
    piece->next += length - waiting;
}

/* Takes `length` bytes, which the piece has, into the record. */
static int take(struct extra_reader *reader, struct piece_reader *piece,
                const unsigned char *buffer, size_t length, struct msim_detail *detail)
{
    size_t waiting = piece->count - piece->at;
    size_t here = length < waiting ? length : waiting;
    unsigned char *to;

    msim_bytes_take(&reader->record, msim_bytes_length(&reader->record));
    if (msim_bytes_reserve(&reader->record, length, &to) < 0)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "no memory for a row's further columns");
    memcpy(to, buffer + piece->at, here);
    if (here < length) {
        int r = reader->parquet->temporary.ops->read(reader->store->file, piece->next, to + here,
                                                     length - here, detail);
        if (r < 0)
            return r;
    }
    pass(piece, length);
    msim_bytes_commit(&reader->record, length);
    return MSIM_OK;
}

/* ---- a row ---- */

/* What follows the kind of a cell, up to its text. */
static size_t width_of(enum msim_extra_kind kind)
{
    if (kind == MSIM_EXTRA_NULL)
        return 0;
    return kind == MSIM_EXTRA_TIME ? sizeof(uint64_t) : sizeof(uint32_t);
}

static bool read_cells(struct extra_reader *reader, const unsigned char *bytes, size_t length)
{
    size_t at = 0;

    for (size_t i = 0; i < reader->column_count; i++) {
        struct extra_cell *cell = &reader->cells[i];
        if (at == length)
            return false;
        *cell = (struct extra_cell){.kind = bytes[at++]};
        enum msim_extra_kind kind = (enum msim_extra_kind)cell->kind;
        size_t width = width_of(kind);
        if (length - at < width)
            return false;
        if (kind == MSIM_EXTRA_TIME)
            cell->at = (int64_t)msim_load64(bytes + at);
        else if (kind != MSIM_EXTRA_NULL)
            cell->length = msim_load32(bytes + at);
        at += width;
        if (length - at < cell->length)
            return false;
        if (cell->length > 0)
            cell->at = (int64_t)at;
        at += cell->length;
    }
    return at == length;
}

/* The record in front of the piece, whose cells have `length` bytes. */
static int read_record(struct extra_reader *reader, struct piece_reader *piece,
                       const unsigned char *buffer, size_t length, const unsigned char **texts,
                       struct msim_detail *detail)
{
    uint32_t sum = msim_load32(buffer + piece->at + RECORD_SUM);

    pass(piece, RECORD_LENGTH);
    int r = take(reader, piece, buffer, RECORD_HEAD - RECORD_LENGTH + length, detail);
    if (r < 0)
        return r;
    const unsigned char *bytes = msim_bytes_front(&reader->record);
    *texts = bytes + (RECORD_HEAD - RECORD_LENGTH);
    if (msim_crc_of(&reader->parquet->crc, bytes, RECORD_HEAD - RECORD_LENGTH + length) != sum ||
        !read_cells(reader, *texts, length))
        return msim_spill_damaged(reader->parquet, detail);
    return 1;
}

/* The last piece that begins at the row or before it; SIZE_MAX: none does. */
static size_t find_piece(const struct extra_store *store, uint64_t row)
{
    size_t low = 0, high = store->piece_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (store->pieces[middle].first_row <= row)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 ? low - 1 : SIZE_MAX;
}

int msim_extra_reader_find(struct extra_reader *reader, msim_time time, uint64_t row,
                           const struct extra_cell **cells, const unsigned char **texts,
                           int64_t *work, struct msim_detail *detail)
{
    size_t number = find_piece(reader->store, row);
    struct piece_reader *piece = number < SIZE_MAX ? &reader->pieces[number] : NULL;

    *cells = reader->cells;
    while (piece && left_of(piece) >= RECORD_HEAD) {
        unsigned char *buffer = reader->buffers + number * reader->buffer_size;
        int r = need_head(reader, piece, buffer, detail);
        if (r < 0)
            return r;
        const unsigned char *head = buffer + piece->at;
        uint32_t length = msim_load32(head + RECORD_LENGTH);
        msim_time its_time = (msim_time)msim_load64(head + RECORD_TIME);
        uint64_t its_row = msim_load64(head + RECORD_ROW);
        if (length > left_of(piece) - RECORD_HEAD || its_time > time ||
            (its_time == time && its_row > row))
            break;
        if (its_row == row && its_time == time)
            return read_record(reader, piece, buffer, length, texts, detail);
        if (*work <= 0)
            return 0;
        --*work;
        pass(piece, RECORD_HEAD + (uint64_t)length);
    }
    return msim_spill_damaged(reader->parquet, detail);
}
