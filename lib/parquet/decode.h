/*
 * The values of a data page, in each encoding that Parquet has for them.
 *
 * Fixed values and indexes are given where they stand, or put together in the
 * reader's scratch; texts that share their beginnings are made whole in room of
 * the column's own.
 */
#ifndef MSIM_PARQUET_DECODE_H
#define MSIM_PARQUET_DECODE_H

#include "parquet/column.h"

/* The bound on the texts of one page that are made whole out of shared beginnings. */
#define MSIM_PARQUET_TEXT_LIMIT ((uint64_t)1 << 30)

/* Whether values or levels in this encoding are read. */
bool msim_decode_reads(int encoding);

/* The encodings that the footer lists for the chunk; those of levels are among them. */
int msim_decode_check(const struct chunk *chunk, const struct place *place,
                      struct msim_detail *detail);

/* A page's values, of which there are at most `count`. */
int msim_decode_begin(struct msim_column *column, int encoding, const struct page_body *body,
                      uint64_t count, struct msim_detail *detail);

/* The next `span->values` of them. */
int msim_decode_read(struct msim_column *column, struct msim_span *span,
                     struct msim_detail *detail);

/* Texts in PLAIN: a length of four bytes, then the bytes. */
int msim_decode_texts(const struct msim_column *column, const unsigned char **at,
                      const unsigned char *end, struct msim_text *texts, size_t count,
                      struct msim_detail *detail);

void msim_decode_close(struct msim_column *column);

#endif
