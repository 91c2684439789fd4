/*
 * A file's bytes from its start to its end, decompressed where they are gzip.
 */
#ifndef MSIM_PARQUET_INFLATE_H
#define MSIM_PARQUET_INFLATE_H

#include "parquet/file.h"

struct msim_inflate {
    const struct msim_parquet_file *file;
    uint64_t offset; /* of what is read next */
    unsigned char *in;
    unsigned char *out; /* NULL: the file is plain */
    void *stream;
    bool in_member; /* of the compressed file: its end is still to come */
};

/* MSIM_ERR_UNSUPPORTED: compressed, and this build cannot read that. */
int msim_inflate_open(struct msim_inflate *input, const struct msim_parquet_file *file,
                      struct msim_detail *detail);
void msim_inflate_close(struct msim_inflate *input);

/* Some bytes, borrowed until the next call; 0 in `*length` at the end. */
int msim_inflate_next(struct msim_inflate *input, const unsigned char **bytes, size_t *length,
                      struct msim_detail *detail);

#endif
