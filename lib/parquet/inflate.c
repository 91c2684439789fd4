#include "parquet/inflate.h"

#include <inttypes.h>
#include <string.h>

#include "base/detail.h"
#include "base/mem.h"

#ifdef MSIM_HAVE_ZLIB
#include <zlib.h>
#endif

/* What is read at a time, and decompressed. */
#define PIECE ((size_t)256 << 10)

static int read_magic(const struct msim_parquet_file *file, bool *is_gzip,
                      struct msim_detail *detail)
{
    unsigned char magic[2] = {0};

    *is_gzip = false;
    if (file->size < sizeof magic)
        return MSIM_OK;
    int r = msim_parquet_file_read(file, 0, magic, sizeof magic, detail);
    *is_gzip = r >= 0 && magic[0] == 0x1F && magic[1] == 0x8B;
    return r;
}

#ifdef MSIM_HAVE_ZLIB
static int make_stream(struct msim_inflate *input)
{
    z_stream *stream = msim_mem_zero(&input->file->allocator, sizeof *stream);

    if (!stream)
        return MSIM_ERR_NOMEM;
    /* 15: the largest window; 16: gzip alone. */
    if (inflateInit2(stream, 15 + 16) != Z_OK) {
        msim_mem_free(&input->file->allocator, stream, sizeof *stream);
        return MSIM_ERR_NOMEM;
    }
    input->stream = stream;
    input->out = msim_mem_take(&input->file->allocator, PIECE);
    return input->out ? MSIM_OK : MSIM_ERR_NOMEM;
}
#else
static int make_stream(struct msim_inflate *input)
{
    (void)input;
    return MSIM_ERR_UNSUPPORTED;
}
#endif

int msim_inflate_open(struct msim_inflate *input, const struct msim_parquet_file *file,
                      struct msim_detail *detail)
{
    bool is_gzip;

    *input = (struct msim_inflate){.file = file};
    int r = read_magic(file, &is_gzip, detail);
    if (r < 0)
        return r;
    input->in = msim_mem_take(&file->allocator, PIECE);
    r = input->in ? MSIM_OK : MSIM_ERR_NOMEM;
    if (r >= 0 && is_gzip)
        r = make_stream(input);
    if (r < 0)
        msim_inflate_close(input);
    if (r == MSIM_ERR_UNSUPPORTED)
        return msim_detail_set(detail, r,
                               "%s: is compressed by gzip, which this build does not read: "
                               "decompress it, or build with zlib",
                               file->path);
    return r < 0 ? msim_detail_set(detail, r, "%s: %s", file->path, msim_result_text(r)) : MSIM_OK;
}

void msim_inflate_close(struct msim_inflate *input)
{
    const struct msim_allocator *allocator = &input->file->allocator;

#ifdef MSIM_HAVE_ZLIB
    if (input->stream)
        inflateEnd(input->stream);
    msim_mem_free(allocator, input->stream, sizeof(z_stream));
#endif
    msim_mem_free(allocator, input->out, PIECE);
    msim_mem_free(allocator, input->in, PIECE);
    input->stream = input->out = input->in = NULL;
}

static int read_piece(struct msim_inflate *input, size_t *length, struct msim_detail *detail)
{
    uint64_t left = input->file->size - input->offset;

    *length = left < PIECE ? (size_t)left : PIECE;
    if (*length == 0)
        return MSIM_OK;
    int r = msim_parquet_file_read(input->file, input->offset, input->in, *length, detail);
    input->offset += *length;
    return r;
}

#ifdef MSIM_HAVE_ZLIB
static int damaged(const struct msim_inflate *input, const char *words, struct msim_detail *detail)
{
    const z_stream *stream = input->stream;

    return msim_detail_set(detail, MSIM_ERR_FORMAT,
                           "%s: damaged gzip near byte %" PRIu64 ": %s: fetch the file again",
                           input->file->path, input->offset - stream->avail_in, words);
}

/* One step: more comes out, or more is needed; a file may be several members in a row. */
static int step(struct msim_inflate *input, struct msim_detail *detail)
{
    z_stream *stream = input->stream;

    int status = inflate(stream, Z_NO_FLUSH);
    input->in_member = true;
    if (status == Z_MEM_ERROR)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "%s: out of memory", input->file->path);
    if (status == Z_STREAM_END) {
        input->in_member = false;
        return inflateReset(stream) == Z_OK ? MSIM_OK : damaged(input, "no state", detail);
    }
    if (status == Z_OK || status == Z_BUF_ERROR)
        return MSIM_OK;
    return damaged(input, stream->msg ? stream->msg : "it is no gzip", detail);
}

static int next_unpacked(struct msim_inflate *input, size_t *length, struct msim_detail *detail)
{
    z_stream *stream = input->stream;

    stream->next_out = input->out;
    stream->avail_out = (uInt)PIECE;
    while (stream->avail_out == PIECE) {
        if (stream->avail_in == 0) {
            size_t piece;
            int r = read_piece(input, &piece, detail);
            if (r < 0)
                return r;
            if (piece == 0 && input->in_member)
                return damaged(input, "it is cut off", detail);
            if (piece == 0)
                break;
            stream->next_in = input->in;
            stream->avail_in = (uInt)piece;
        }
        int r = step(input, detail);
        if (r < 0)
            return r;
    }
    *length = PIECE - stream->avail_out;
    return MSIM_OK;
}
#else
static int next_unpacked(struct msim_inflate *input, size_t *length, struct msim_detail *detail)
{
    (void)input;
    (void)length;
    (void)detail;
    return MSIM_ERR_UNSUPPORTED;
}
#endif

int msim_inflate_next(struct msim_inflate *input, const unsigned char **bytes, size_t *length,
                      struct msim_detail *detail)
{
    *length = 0;
    if (input->stream) {
        *bytes = input->out;
        return next_unpacked(input, length, detail);
    }
    *bytes = input->in;
    return read_piece(input, length, detail);
}
