/*
 * Page compression: snappy is ours, the others come from the system's libraries
 * where the build found them.
 *
 * Those libraries take their working memory from the system; its size does not
 * depend on the file (zstd's context, zlib's window).
 */
#ifndef MSIM_PARQUET_CODEC_H
#define MSIM_PARQUET_CODEC_H

#include <marketsim/base.h>

#include "parquet/place.h"

/* The contexts of one thread, made when first used. */
struct msim_codecs {
    void *zstd;
    void *zlib;
    struct msim_allocator allocator;
};

void msim_codecs_init(struct msim_codecs *codecs, const struct msim_allocator *allocator);
void msim_codecs_finish(struct msim_codecs *codecs);

/* MSIM_ERR_UNSUPPORTED, by name, where this build does not read the codec. */
int msim_codec_check(int codec, const struct place *place, struct msim_detail *detail);

/* Fills exactly `out`; a stream that holds less or more is MSIM_ERR_FORMAT. */
int msim_codec_decode(struct msim_codecs *codecs, int codec, const unsigned char *in,
                      size_t in_length, unsigned char *out, size_t out_length,
                      const struct place *place, struct msim_detail *detail);

/* ---- compressing, for the writer ---- */

/* The room that `length` bytes may need when compressed; 0 where the codec cannot be written. */
size_t msim_codec_bound(int codec, size_t length);

/* Writes into `room` bytes of `out` and gives the length. */
int msim_codec_encode(int codec, const unsigned char *in, size_t in_length, unsigned char *out,
                      size_t room, size_t *out_length);

#endif
