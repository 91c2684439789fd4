/*
 * What stands at a Parquet file's end: columns, row groups, and where their
 * chunks lie.
 *
 * Read as it is written: what a chunk says of itself is checked when the chunk
 * is opened, so that a column nobody asks for cannot spoil the file.
 */
#ifndef MSIM_PARQUET_FOOTER_H
#define MSIM_PARQUET_FOOTER_H

#include <marketsim/base.h>

#include "parquet/file.h"
#include "parquet/format.h"

struct leaf {
    char *name; /* inside structs: with the names around it, "extra.a" */
    size_t name_length;
    int32_t physical; /* enum physical, or a number beyond it */
    int32_t type_length;
    enum annotation annotation;
    bool is_signed;      /* integers */
    uint8_t bits;        /* integers by annotation: 8..64, 0 for the type's own */
    int32_t scale;       /* decimals */
    int32_t precision;   /* decimals */
    int64_t nanoseconds; /* of a timestamp's or time's unit */
    int32_t definition;  /* the largest definition level */
    int32_t repetition;  /* the largest repetition level */
    bool flat;           /* directly in the row, at most one value for each */
};

/* A statistic of at most 8 bytes, as stored. */
struct bound {
    bool known;
    uint8_t length;
    unsigned char bytes[8];
};

/* The bit of a chunk's encodings that stands for every number from it on. */
#define MSIM_ENCODINGS_OTHER 63

struct chunk {
    int32_t physical;
    int32_t codec;
    uint64_t encodings; /* bit n: encoding n is listed */
    int64_t value_count;
    int64_t compressed_size;
    int64_t uncompressed_size;
    int64_t data_offset;
    int64_t dictionary_offset; /* 0: none is named */
    int64_t null_count;        /* -1: not known */
    struct bound min;
    struct bound max;
    bool has_metadata;
    bool is_encrypted;
    bool is_elsewhere; /* in another file */
};

struct row_group {
    int64_t row_count;
    int64_t first_row; /* of the file */
};

struct footer {
    struct leaf *leaves;
    size_t leaf_count;
    size_t leaf_capacity;
    struct row_group *groups;
    size_t group_count;
    size_t group_capacity;
    struct chunk *chunks; /* groups x leaves */
    size_t chunk_count;
    size_t chunk_capacity;
    int64_t row_count;
    uint64_t data_end; /* offset at which the footer starts */
    bool is_encrypted; /* some columns are */
    struct msim_allocator allocator;
};

/*
 * MSIM_ERR_FORMAT: not a Parquet file, or a damaged one.  MSIM_ERR_UNSUPPORTED:
 * an encrypted footer.
 */
int msim_footer_read(struct footer *footer, const struct msim_parquet_file *file,
                     const struct msim_allocator *allocator, struct msim_detail *detail);
void msim_footer_finish(struct footer *footer);

static inline const struct chunk *msim_footer_chunk(const struct footer *footer, size_t group,
                                                    size_t leaf)
{
    return &footer->chunks[group * footer->leaf_count + leaf];
}

/* The flat column of this name; MSIM_ERR_NOT_FOUND, or MSIM_ERR_EXISTS where two bear it. */
int msim_footer_find(const struct footer *footer, const char *name, size_t *leaf);

/* schema.c: the list of SchemaElement, of which `count` follow, into leaves. */
struct msim_thrift;
int msim_schema_read(struct footer *footer, struct msim_thrift *thrift, size_t count);

#endif
