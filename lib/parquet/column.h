/*
 * The values of a flat column of one row group, a span at a time.
 *
 * A span is what one page gives in one go: which rows have a value, and the
 * values as they are stored: fixed bytes, texts, or indexes into the dictionary.
 * What they mean is the caller's business.
 */
#ifndef MSIM_PARQUET_COLUMN_H
#define MSIM_PARQUET_COLUMN_H

#include <marketsim/base.h>

#include "parquet/delta.h"
#include "parquet/hybrid.h"
#include "parquet/page.h"

/* The most rows of a span. */
#define MSIM_COLUMN_BATCH 2048
/* What a column takes of memory beside its pages, about. */
#define MSIM_COLUMN_BYTES ((uint64_t)80 << 10)

struct msim_text {
    const unsigned char *bytes;
    uint32_t length;
};

enum span_form {
    SPAN_FIXED, /* `width` bytes each */
    SPAN_TEXT,
    SPAN_INDEX, /* into the column's dictionary, all below its count */
};

/* Borrowed: valid until a column of the same reader is read, passed or closed. */
struct msim_span {
    size_t rows;
    size_t values;          /* of the rows that have one */
    const uint8_t *present; /* for each row; NULL: all have a value */
    enum span_form form;
    const unsigned char *fixed;
    const struct msim_text *texts;
    const uint32_t *indexes;
};

/* The dictionary of the chunk: valid until the close. */
struct msim_dictionary {
    bool loaded;
    uint32_t count;
    unsigned char *bytes;
    size_t capacity;
    struct msim_text *texts; /* BYTE_ARRAY */
    size_t text_capacity;
};

/* Where a span is put together. */
struct column_scratch {
    uint32_t numbers[MSIM_COLUMN_BATCH];
    int64_t wide[MSIM_COLUMN_BATCH];
    int64_t shared[MSIM_COLUMN_BATCH];
    uint8_t present[MSIM_COLUMN_BATCH];
    struct msim_text texts[MSIM_COLUMN_BATCH];
};

struct msim_column {
    struct msim_pages pages;
    const struct leaf *leaf;
    size_t width; /* bytes of a value; 0 for texts */
    struct msim_dictionary dictionary;
    uint64_t rows_left; /* of the chunk */
    uint64_t page_left; /* rows of the page at hand */
    bool has_levels;
    bool packed_levels; /* the BIT_PACKED of old */
    struct msim_hybrid levels;
    const unsigned char *level_bits;
    uint64_t level_at;
    int encoding;            /* of the page's values */
    const unsigned char *at; /* the next bytes of them */
    const unsigned char *end;
    struct msim_hybrid runs;   /* indexes, or booleans */
    struct msim_delta numbers; /* or the lengths of texts */
    struct msim_delta shared;  /* how much of the text before each text begins with */
    uint64_t split_count;      /* values whose bytes stand apart */
    uint64_t split_at;
    unsigned char *room; /* values that were put together */
    size_t room_capacity;
    size_t text_at; /* the last text in it */
    size_t text_length;
    uint64_t text_total; /* bytes of the page's texts so far */
};

int msim_column_open(struct msim_column *column, struct msim_reader *reader,
                     const struct msim_parquet_file *file, const struct footer *footer,
                     size_t group, size_t leaf, struct msim_detail *detail);

/* At most `want` rows; 0 in span->rows at the end of the chunk. */
int msim_column_read(struct msim_column *column, size_t want, struct msim_span *span,
                     struct msim_detail *detail);

/* Leaves out `rows` rows, whole pages without decompressing them. */
int msim_column_pass(struct msim_column *column, uint64_t rows, struct msim_detail *detail);

/* Harmless on one that is zero or closed. */
void msim_column_close(struct msim_column *column);

#endif
