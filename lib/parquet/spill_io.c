#include "parquet/spill_io.h"

#include <string.h>

#include "base/detail.h"
#include "base/mem.h"

/* So many blocks have one mark. */
#define MARK_BLOCKS 8
/* What is read at once: a block and more. */
#define WINDOW_SIZE ((size_t)64 << 10)

/* ---- writing ---- */

int msim_spill_writer_open(struct spill_writer *writer, struct spill *spill,
                           const struct msim_parquet *parquet, struct msim_detail *detail)
{
    const struct temporary *temporary = &parquet->temporary;

    writer->spill = spill;
    writer->parquet = parquet;
    writer->before = writer->offset;
    writer->offset = 0;
    writer->count = 0;
    return temporary->ops->create(temporary->self, &writer->file, detail);
}

void msim_spill_writer_begin(struct spill_writer *writer, bool has_marks)
{
    writer->run = (struct spill_run){.offset = writer->offset};
    writer->blocks = 0;
    writer->has_marks = has_marks;
    writer->spill->mark_count = 0;
}

static int mark(struct spill_writer *writer, struct msim_detail *detail)
{
    struct spill *spill = writer->spill;
    void *marks = spill->marks;

    if (!writer->has_marks || writer->blocks % MARK_BLOCKS != 0)
        return MSIM_OK;
    int r =
        msim_mem_grow(&writer->parquet->allocator, &marks, &spill->mark_capacity,
                      sizeof *spill->marks, spill->mark_count + 1, SIZE_MAX / sizeof *spill->marks);
    if (r < 0)
        return msim_detail_set(detail, r, "no memory for the places in a sorted run");
    spill->marks = marks;
    spill->marks[spill->mark_count++] =
        (struct spill_mark){.time = writer->trades[0].time, .offset = writer->offset};
    return MSIM_OK;
}

int msim_spill_writer_block(struct spill_writer *writer, struct msim_detail *detail)
{
    if (writer->count == 0)
        return MSIM_OK;
    int r = mark(writer, detail);
    if (r < 0)
        return r;
    size_t length = msim_block_encode(writer->trades, writer->count, writer->bytes);
    r = writer->parquet->temporary.ops->append(writer->file, writer->bytes, length, detail);
    if (r < 0)
        return r;
    writer->count = 0;
    writer->blocks++;
    writer->offset += length;
    writer->run.length += length;
    if (writer->before + writer->offset > writer->spill->written)
        writer->spill->written = writer->before + writer->offset;
    return MSIM_OK;
}

int msim_spill_writer_end(struct spill_writer *writer, struct spill_run *run,
                          struct msim_detail *detail)
{
    int r = msim_spill_writer_block(writer, detail);
    if (r >= 0)
        *run = writer->run;
    return r;
}

/* ---- reading ---- */

struct spill_reader {
    struct msim_parquet *parquet;
    void *file;
    struct spill_run left; /* what was not read yet */
    size_t window_at;
    size_t window_end;
    size_t at;
    size_t count;
    struct trade trades[MSIM_BLOCK_TRADES];
    unsigned char window[WINDOW_SIZE + MSIM_PARQUET_PADDING];
};

_Static_assert(WINDOW_SIZE >= MSIM_BLOCK_BYTES, "a block fits in");

size_t msim_spill_reader_bytes(void)
{
    return sizeof(struct spill_reader);
}

/* Makes `length` bytes stand in the window; 0 where the run ends before them. */
static int need(struct spill_reader *reader, size_t length, struct msim_detail *detail)
{
    size_t waiting = reader->window_end - reader->window_at;

    if (waiting >= length)
        return 1;
    if (waiting + reader->left.length < length)
        return 0;
    if (waiting > 0)
        memmove(reader->window, reader->window + reader->window_at, waiting);
    size_t more = WINDOW_SIZE - waiting;
    if (more > reader->left.length)
        more = (size_t)reader->left.length;
    int r = reader->parquet->temporary.ops->read(reader->file, reader->left.offset,
                                                 reader->window + waiting, more, detail);
    if (r < 0)
        return r;
    reader->window_at = 0;
    reader->window_end = waiting + more;
    reader->left.offset += more;
    reader->left.length -= more;
    return 1;
}

int msim_spill_damaged(const struct msim_parquet *parquet, struct msim_detail *detail)
{
    const char *folder = parquet->folder.path;

    return msim_detail_set(detail, MSIM_ERR_IO,
                           "%s: what was sorted into temporary files here came back changed: "
                           "check the disk, or name another folder (temp_directory, --temp-dir)",
                           folder ? folder : "the folder for temporary files");
}

int msim_spill_next(struct spill_reader *reader, struct msim_detail *detail)
{
    size_t length = 0;

    if (reader->window_at == reader->window_end && reader->left.length == 0)
        return 0;
    int r = need(reader, MSIM_BLOCK_HEAD, detail);
    if (r > 0) {
        length = msim_block_length(reader->window + reader->window_at);
        r = length > 0 ? need(reader, length, detail) : 0;
    }
    if (r < 0)
        return r;
    reader->at = 0;
    reader->count =
        r > 0 ? msim_block_decode(reader->window + reader->window_at, reader->trades) : 0;
    if (reader->count == 0)
        return msim_spill_damaged(reader->parquet, detail);
    reader->window_at += length;
    return 1;
}

int msim_spill_reader_open(struct spill_reader **out, struct msim_parquet *parquet, void *file,
                           struct spill_run run, struct msim_detail *detail)
{
    struct spill_reader *reader = msim_mem_zero(&parquet->allocator, sizeof *reader);

    if (!reader)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "no memory to read a sorted run");
    reader->parquet = parquet;
    reader->file = file;
    reader->left = run;
    int r = msim_spill_next(reader, detail);
    if (r < 0) {
        msim_spill_leave(&reader);
        return r;
    }
    *out = reader;
    return MSIM_OK;
}

void msim_spill_leave(struct spill_reader **pointer)
{
    struct spill_reader *reader = *pointer;

    if (reader)
        msim_mem_free(&reader->parquet->allocator, reader, sizeof *reader);
    *pointer = NULL;
}

int msim_spill_reader_pass(struct spill_reader *reader, msim_time from, struct msim_detail *detail)
{
    for (;;) {
        while (reader->at < reader->count && reader->trades[reader->at].time < from)
            reader->at++;
        if (reader->at < reader->count)
            return MSIM_OK;
        int r = msim_spill_next(reader, detail);
        if (r <= 0)
            return r;
    }
}

const struct trade *msim_spill_trades(const struct spill_reader *reader, size_t *at, size_t *count)
{
    *at = reader->at;
    *count = reader->count;
    return reader->trades;
}

const struct trade *msim_spill_reader_take(struct spill_reader *reader)
{
    return reader->at < reader->count ? &reader->trades[reader->at++] : NULL;
}

int msim_spill_reader_fill(struct spill_reader *reader, struct msim_detail *detail)
{
    if (reader->at < reader->count)
        return MSIM_OK;
    int r = msim_spill_next(reader, detail);
    return r < 0 ? r : MSIM_OK;
}
