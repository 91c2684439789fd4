/*
 * Inside the writer: columns that fill up to a row group, and what the footer
 * must say of the chunks that were written.
 */
#ifndef MSIM_PARQUET_WRITER_H
#define MSIM_PARQUET_WRITER_H

#include <marketsim/parquet.h>

#include "base/bytes.h"
#include "parquet/crc.h"
#include "parquet/file.h"
#include "parquet/footer.h"
#include "record/symbols.h"

/* Rows of a data page. */
#define WRITER_PAGE_ROWS 32768

/* A column of the row group that is being filled. */
struct column_out {
    char *name;
    size_t name_length;
    enum msim_parquet_type type;
    bool nullable;
    bool naive;
    uint8_t *present; /* of each row */
    uint64_t *values; /* of the rows that have one: as stored; texts: their number */
    size_t value_count;
    size_t present_capacity;
    size_t value_capacity;
    struct msim_symbols texts;
    uint64_t text_bytes; /* of all rows */
};

/* What was written of a chunk. */
struct chunk_out {
    uint64_t offset;
    uint64_t dictionary_offset; /* 0: none */
    uint64_t data_offset;
    uint64_t compressed_size;
    uint64_t uncompressed_size;
    uint64_t null_count;
    bool has_range;
    uint64_t min; /* as stored; texts: their place in `texts` of the footer's store */
    uint64_t max;
};

struct group_out {
    uint64_t rows;
    uint64_t offset;
};

struct msim_parquet_writer {
    struct column_out *columns;
    size_t column_count;
    int codec; /* enum codec */
    size_t group_limit;
    size_t capacity; /* rows that the columns have room for */
    size_t rows;     /* of the group that is being filled */
    struct group_out *groups;
    size_t group_count;
    size_t group_capacity;
    struct chunk_out *chunks; /* groups x columns */
    size_t chunk_count;
    size_t chunk_capacity;
    struct msim_symbols ranges; /* texts of statistics */
    uint64_t offset;
    struct msim_parquet_target target;
    bool has_target;
    int (*write)(void *context, const void *bytes, size_t length);
    void *context;
    bool finished;
    int failure; /* final */
    struct msim_crc crc;
    uint32_t *levels;         /* of a page: WRITER_PAGE_ROWS */
    struct msim_bytes body;   /* a page before it is compressed */
    struct msim_bytes packed; /* and after */
    struct msim_allocator allocator;
};

/* Bytes of a stored value; 0 for texts. */
size_t msim_column_out_width(enum msim_parquet_type type);
int msim_column_out_physical(enum msim_parquet_type type);

/* Appends to the file. */
int msim_writer_put(struct msim_parquet_writer *writer, const void *bytes, size_t length,
                    struct msim_detail *detail);

/* chunk_out.c: the pages of a filled column. */
int msim_chunk_out_write(struct msim_parquet_writer *writer, const struct column_out *column,
                         struct chunk_out *chunk, struct msim_detail *detail);

/* footer_out.c */
int msim_footer_out_write(struct msim_parquet_writer *writer, struct msim_detail *detail);

#endif
