/*
 * The numbers of the Parquet format and what people call them.
 */
#ifndef MSIM_PARQUET_FORMAT_H
#define MSIM_PARQUET_FORMAT_H

#include <marketsim/base.h>

enum physical {
    PHYSICAL_BOOLEAN = 0,
    PHYSICAL_INT32 = 1,
    PHYSICAL_INT64 = 2,
    PHYSICAL_INT96 = 3,
    PHYSICAL_FLOAT = 4,
    PHYSICAL_DOUBLE = 5,
    PHYSICAL_BYTE_ARRAY = 6,
    PHYSICAL_FIXED = 7, /* FIXED_LEN_BYTE_ARRAY */
};

enum repetition {
    REPETITION_REQUIRED = 0,
    REPETITION_OPTIONAL = 1,
    REPETITION_REPEATED = 2,
};

enum encoding {
    ENCODING_PLAIN = 0,
    ENCODING_PLAIN_DICTIONARY = 2,
    ENCODING_RLE = 3,
    ENCODING_BIT_PACKED = 4,
    ENCODING_DELTA_BINARY_PACKED = 5,
    ENCODING_DELTA_LENGTH_BYTE_ARRAY = 6,
    ENCODING_DELTA_BYTE_ARRAY = 7,
    ENCODING_RLE_DICTIONARY = 8,
    ENCODING_BYTE_STREAM_SPLIT = 9,
    ENCODING_ALP = 10,
};

enum codec {
    CODEC_NONE = 0,
    CODEC_SNAPPY = 1,
    CODEC_GZIP = 2,
    CODEC_LZO = 3,
    CODEC_BROTLI = 4,
    CODEC_LZ4_HADOOP = 5,
    CODEC_ZSTD = 6,
    CODEC_LZ4_RAW = 7,
};

/* The Julian number, which INT96 has, of 1970-01-01. */
#define MSIM_JULIAN_EPOCH 2440588

enum page_type {
    PAGE_DATA = 0,
    PAGE_INDEX = 1,
    PAGE_DICTIONARY = 2,
    PAGE_DATA_V2 = 3,
};

/* What a column's values mean, by logical type or by the older converted type. */
enum annotation {
    ANNOTATION_NONE = 0,
    ANNOTATION_STRING,
    ANNOTATION_ENUM,
    ANNOTATION_DECIMAL,
    ANNOTATION_DATE,
    ANNOTATION_TIME,
    ANNOTATION_TIMESTAMP,
    ANNOTATION_INTEGER,
    ANNOTATION_JSON,
    ANNOTATION_BSON,
    ANNOTATION_UUID,
    ANNOTATION_FLOAT16,
    ANNOTATION_INTERVAL,
    ANNOTATION_OTHER,
    /* Of values that no file has, but what is kept of other sources: see spool.h. */
    ANNOTATION_MANTISSA, /* a number of int64 and its exponent */
    ANNOTATION_WRITTEN,  /* text that may stand for a number or a truth value */
};

/* "INT64"; "type 9" has no name: "an unknown type". */
const char *msim_physical_name(int physical);
const char *msim_encoding_name(int encoding);
const char *msim_codec_name(int codec);
const char *msim_annotation_name(enum annotation annotation);

/* Bytes of a value in PLAIN; 0 where they vary or are counted in bits. */
size_t msim_physical_width(int physical, int32_t type_length);

#endif
