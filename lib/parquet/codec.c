#include "parquet/codec.h"

#include <string.h>

#include "base/mem.h"
#include "parquet/format.h"
#include "parquet/snappy.h"

#ifdef MSIM_HAVE_ZSTD
#include <zstd.h>
#endif
#ifdef MSIM_HAVE_ZLIB
#include <zlib.h>
#endif
#ifdef MSIM_HAVE_LZ4
#include <lz4.h>
#endif
#ifdef MSIM_HAVE_BROTLI
#include <brotli/decode.h>
#endif

/* The level of what is written: zstd's own default. */
#define ZSTD_LEVEL 3

void msim_codecs_init(struct msim_codecs *codecs, const struct msim_allocator *allocator)
{
    *codecs = (struct msim_codecs){.allocator = *allocator};
}

#ifdef MSIM_HAVE_ZSTD
static int zstd_decode(struct msim_codecs *codecs, const unsigned char *in, size_t in_length,
                       unsigned char *out, size_t out_length)
{
    if (!codecs->zstd)
        codecs->zstd = ZSTD_createDCtx();
    if (!codecs->zstd)
        return MSIM_ERR_NOMEM;
    size_t length = ZSTD_decompressDCtx(codecs->zstd, out, out_length, in, in_length);
    return !ZSTD_isError(length) && length == out_length ? MSIM_OK : MSIM_ERR_FORMAT;
}
#endif

#ifdef MSIM_HAVE_ZLIB
static int zlib_ready(struct msim_codecs *codecs)
{
    if (codecs->zlib)
        return inflateReset(codecs->zlib) == Z_OK ? MSIM_OK : MSIM_ERR_STATE;
    z_stream *stream = msim_mem_zero(&codecs->allocator, sizeof *stream);
    if (!stream)
        return MSIM_ERR_NOMEM;
    /* 15: the largest window; 32: gzip or zlib by the head that is there. */
    if (inflateInit2(stream, 15 + 32) != Z_OK) {
        msim_mem_free(&codecs->allocator, stream, sizeof *stream);
        return MSIM_ERR_NOMEM;
    }
    codecs->zlib = stream;
    return MSIM_OK;
}

/* A page may consist of several gzip members, one behind the other. */
static int gzip_decode(struct msim_codecs *codecs, const unsigned char *in, size_t in_length,
                       unsigned char *out, size_t out_length)
{
    int r = zlib_ready(codecs);
    if (r < 0)
        return r;
    if (in_length > UINT32_MAX || out_length > UINT32_MAX)
        return MSIM_ERR_FORMAT;

    z_stream *stream = codecs->zlib;
    /* zlib does not write to its input; its field is older than const. */
    memcpy(&stream->next_in, &in, sizeof in);
    stream->avail_in = (uInt)in_length;
    stream->next_out = out;
    stream->avail_out = (uInt)out_length;
    for (;;) {
        int status = inflate(stream, Z_FINISH);
        if (status == Z_MEM_ERROR)
            return MSIM_ERR_NOMEM;
        if (status != Z_STREAM_END)
            return MSIM_ERR_FORMAT;
        if (stream->avail_in == 0)
            break;
        if (inflateReset(stream) != Z_OK)
            return MSIM_ERR_FORMAT;
    }
    return stream->avail_out == 0 ? MSIM_OK : MSIM_ERR_FORMAT;
}
#endif

#ifdef MSIM_HAVE_LZ4
static int lz4_decode(const unsigned char *in, size_t in_length, unsigned char *out,
                      size_t out_length)
{
    if (in_length > LZ4_MAX_INPUT_SIZE || out_length > LZ4_MAX_INPUT_SIZE)
        return MSIM_ERR_FORMAT;
    int length =
        LZ4_decompress_safe((const char *)in, (char *)out, (int)in_length, (int)out_length);
    return length >= 0 && (size_t)length == out_length ? MSIM_OK : MSIM_ERR_FORMAT;
}
#endif

#ifdef MSIM_HAVE_LZ4
static uint32_t big_endian32(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/*
 * Hadoop's frames: the length of what comes out and of what follows, then a block.  Other
 * writers put a bare block under the same name, and nothing says which it is.
 */
static int lz4_hadoop_decode(const unsigned char *in, size_t in_length, unsigned char *out,
                             size_t out_length)
{
    size_t at = 0;
    size_t to = 0;

    while (in_length - at >= 8) {
        size_t length = big_endian32(in + at);
        size_t stored = big_endian32(in + at + 4);
        if (stored > in_length - at - 8 || length > out_length - to ||
            lz4_decode(in + at + 8, stored, out + to, length) < 0)
            break;
        at += 8 + stored;
        to += length;
    }
    if (at == in_length && to == out_length)
        return MSIM_OK;
    return lz4_decode(in, in_length, out, out_length);
}
#endif

#ifdef MSIM_HAVE_BROTLI
static int brotli_decode(const unsigned char *in, size_t in_length, unsigned char *out,
                         size_t out_length)
{
    size_t length = out_length;

    return BrotliDecoderDecompress(in_length, in, &length, out) == BROTLI_DECODER_RESULT_SUCCESS &&
                   length == out_length
               ? MSIM_OK
               : MSIM_ERR_FORMAT;
}
#endif

void msim_codecs_finish(struct msim_codecs *codecs)
{
#ifdef MSIM_HAVE_ZSTD
    ZSTD_freeDCtx(codecs->zstd);
#endif
#ifdef MSIM_HAVE_ZLIB
    if (codecs->zlib) {
        inflateEnd(codecs->zlib);
        msim_mem_free(&codecs->allocator, codecs->zlib, sizeof(z_stream));
    }
#endif
    codecs->zstd = codecs->zlib = NULL;
}

static bool built_in(int codec)
{
    switch (codec) {
    case CODEC_NONE:
    case CODEC_SNAPPY:
        return true;
#ifdef MSIM_HAVE_ZLIB
    case CODEC_GZIP:
        return true;
#endif
#ifdef MSIM_HAVE_ZSTD
    case CODEC_ZSTD:
        return true;
#endif
#ifdef MSIM_HAVE_LZ4
    case CODEC_LZ4_RAW:
    case CODEC_LZ4_HADOOP:
        return true;
#endif
#ifdef MSIM_HAVE_BROTLI
    case CODEC_BROTLI:
        return true;
#endif
    default:
        return false;
    }
}

int msim_codec_check(int codec, const struct place *place, struct msim_detail *detail)
{
    if (built_in(codec))
        return MSIM_OK;
    bool optional = codec == CODEC_GZIP || codec == CODEC_ZSTD || codec == CODEC_LZ4_RAW ||
                    codec == CODEC_LZ4_HADOOP || codec == CODEC_BROTLI;
    return msim_place_fail(place, detail, MSIM_ERR_UNSUPPORTED,
                           optional ? "compressed with %s (codec %d), which this build was made "
                                      "without: install its library and build again"
                                    : "compressed with %s (codec %d), which is not read: write "
                                      "the file with zstd, snappy, gzip or lz4_raw",
                           msim_codec_name(codec), codec);
}

static int decode(struct msim_codecs *codecs, int codec, const unsigned char *in, size_t in_length,
                  unsigned char *out, size_t out_length)
{
    (void)codecs;
    switch (codec) {
    case CODEC_SNAPPY:
        return msim_snappy_decode(in, in_length, out, out_length);
#ifdef MSIM_HAVE_ZSTD
    case CODEC_ZSTD:
        return zstd_decode(codecs, in, in_length, out, out_length);
#endif
#ifdef MSIM_HAVE_ZLIB
    case CODEC_GZIP:
        return gzip_decode(codecs, in, in_length, out, out_length);
#endif
#ifdef MSIM_HAVE_LZ4
    case CODEC_LZ4_RAW:
        return lz4_decode(in, in_length, out, out_length);
    case CODEC_LZ4_HADOOP:
        return lz4_hadoop_decode(in, in_length, out, out_length);
#endif
#ifdef MSIM_HAVE_BROTLI
    case CODEC_BROTLI:
        return brotli_decode(in, in_length, out, out_length);
#endif
    default:
        return MSIM_ERR_UNSUPPORTED;
    }
}

int msim_codec_decode(struct msim_codecs *codecs, int codec, const unsigned char *in,
                      size_t in_length, unsigned char *out, size_t out_length,
                      const struct place *place, struct msim_detail *detail)
{
    int r = decode(codecs, codec, in, in_length, out, out_length);

    if (r == MSIM_ERR_FORMAT)
        return msim_place_fail(place, detail, r,
                               "damaged: its %zu bytes of %s do not give the %zu bytes that the "
                               "page promises",
                               in_length, msim_codec_name(codec), out_length);
    if (r < 0)
        return msim_place_fail(place, detail, r, "cannot be decompressed with %s: %s",
                               msim_codec_name(codec), msim_result_text(r));
    return MSIM_OK;
}

size_t msim_codec_bound(int codec, size_t length)
{
#ifdef MSIM_HAVE_ZSTD
    if (codec == CODEC_ZSTD)
        return ZSTD_compressBound(length);
#endif
    return codec == CODEC_NONE ? length : 0;
}

int msim_codec_encode(int codec, const unsigned char *in, size_t in_length, unsigned char *out,
                      size_t room, size_t *out_length)
{
#ifdef MSIM_HAVE_ZSTD
    if (codec == CODEC_ZSTD) {
        size_t length = ZSTD_compress(out, room, in, in_length, ZSTD_LEVEL);
        if (ZSTD_isError(length))
            return MSIM_ERR_NOMEM;
        *out_length = length;
        return MSIM_OK;
    }
#endif
    if (codec != CODEC_NONE || in_length > room)
        return MSIM_ERR_UNSUPPORTED;
    if (in_length > 0)
        memcpy(out, in, in_length);
    *out_length = in_length;
    return MSIM_OK;
}
