/*
 * The pages of a column chunk, one after another: head, checksum, decompression.
 *
 * A chunk is read through a window that moves over it, so that what is held is a
 * page and not the chunk.
 */
#ifndef MSIM_PARQUET_PAGE_H
#define MSIM_PARQUET_PAGE_H

#include <marketsim/base.h>

#include "parquet/codec.h"
#include "parquet/crc.h"
#include "parquet/footer.h"
#include "parquet/place.h"

/* The bound on a page, compressed or not. */
#define MSIM_PARQUET_PAGE_LIMIT ((int64_t)512 << 20)

/* Buffers that a reader keeps for its next columns; larger ones are given back to the system. */
#define MSIM_READER_SPARES 12
#define MSIM_READER_SPARE_BYTES ((size_t)4 << 20)

/*
 * What the columns of one thread share.  A span that a column gave is valid until the next
 * column of the same reader is read.
 */
struct msim_reader {
    struct msim_codecs codecs;
    const struct msim_crc *crc;
    struct column_scratch *scratch; /* of the column that is being read: made when first used */
    struct msim_spare {
        void *bytes;
        size_t capacity;
    } spares[MSIM_READER_SPARES];
    struct msim_allocator allocator;
};

void msim_reader_init(struct msim_reader *reader, const struct msim_crc *crc,
                      const struct msim_allocator *allocator);
void msim_reader_finish(struct msim_reader *reader);

/* Lets go of the buffers that are kept for later. */
void msim_reader_trim(struct msim_reader *reader);

/* A buffer of at least `size` bytes, of which `*capacity` are to be given back; NULL: no memory. */
void *msim_reader_take(struct msim_reader *reader, size_t size, size_t *capacity);

/* NULL is left alone. */
void msim_reader_give(struct msim_reader *reader, void *bytes, size_t capacity);

struct page_head {
    int32_t type; /* enum page_type, or one that is passed over */
    int32_t compressed_size;
    int32_t uncompressed_size;
    bool has_crc;
    uint32_t crc;
    int32_t value_count; /* rows of a data page of a flat column, nulls too */
    int32_t encoding;
    int32_t definition_encoding; /* v1 */
    int32_t definition_length;   /* v2 */
    int32_t repetition_length;   /* v2 */
    bool is_compressed;          /* v2 */
};

/* Borrowed: valid until the next head is read. */
struct page_body {
    const unsigned char *definitions;
    size_t definition_length; /* v2; in v1 they stand before the values */
    const unsigned char *values;
    size_t value_length;
};

struct msim_pages {
    struct msim_reader *reader;
    const struct msim_parquet_file *file;
    struct place place; /* `page` counts them */
    int codec;
    uint64_t offset; /* in the file, of the window's end */
    uint64_t end;    /* of the chunk */
    unsigned char *window;
    size_t window_capacity;
    size_t window_at;
    size_t window_end;
    bool are_small; /* the last page fitted in a window: the next ones may, too */
    unsigned char *unpacked;
    size_t unpacked_capacity;
};

/* Checks what the footer says of the chunk. */
int msim_pages_open(struct msim_pages *pages, struct msim_reader *reader,
                    const struct msim_parquet_file *file, const struct footer *footer, size_t group,
                    size_t leaf, struct msim_detail *detail);
void msim_pages_close(struct msim_pages *pages);

/* The next page's head: 1, or 0 where the chunk ends.  Then its body is loaded or passed. */
int msim_pages_next(struct msim_pages *pages, struct page_head *head, struct msim_detail *detail);
int msim_pages_load(struct msim_pages *pages, const struct page_head *head, struct page_body *body,
                    struct msim_detail *detail);
int msim_pages_pass(struct msim_pages *pages, const struct page_head *head,
                    struct msim_detail *detail);

#endif
