#include "parquet/format.h"

static const char *name_at(const char *const *names, size_t count, int number, const char *unknown)
{
    return number >= 0 && (size_t)number < count && names[number] ? names[number] : unknown;
}

#define NAME(names, number, unknown) \
    name_at(names, sizeof(names) / sizeof *(names), number, unknown)

const char *msim_physical_name(int physical)
{
    static const char *const names[] = {
        [PHYSICAL_BOOLEAN] = "BOOLEAN",
        [PHYSICAL_INT32] = "INT32",
        [PHYSICAL_INT64] = "INT64",
        [PHYSICAL_INT96] = "INT96",
        [PHYSICAL_FLOAT] = "FLOAT",
        [PHYSICAL_DOUBLE] = "DOUBLE",
        [PHYSICAL_FIXED] = "FIXED_LEN_BYTE_ARRAY",
        [PHYSICAL_BYTE_ARRAY] = "BYTE_ARRAY",
    };
    return NAME(names, physical, "an unknown type");
}

const char *msim_encoding_name(int encoding)
{
    static const char *const names[] = {
        [ENCODING_PLAIN] = "PLAIN",
        [ENCODING_PLAIN_DICTIONARY] = "PLAIN_DICTIONARY",
        [ENCODING_RLE] = "RLE",
        [ENCODING_BIT_PACKED] = "BIT_PACKED",
        [ENCODING_DELTA_BINARY_PACKED] = "DELTA_BINARY_PACKED",
        [ENCODING_DELTA_LENGTH_BYTE_ARRAY] = "DELTA_LENGTH_BYTE_ARRAY",
        [ENCODING_DELTA_BYTE_ARRAY] = "DELTA_BYTE_ARRAY",
        [ENCODING_RLE_DICTIONARY] = "RLE_DICTIONARY",
        [ENCODING_BYTE_STREAM_SPLIT] = "BYTE_STREAM_SPLIT",
        [ENCODING_ALP] = "ALP",
    };
    return NAME(names, encoding, "an unknown encoding");
}

const char *msim_codec_name(int codec)
{
    static const char *const names[] = {
        [CODEC_NONE] = "none",     [CODEC_SNAPPY] = "snappy",
        [CODEC_GZIP] = "gzip",     [CODEC_LZO] = "LZO",
        [CODEC_BROTLI] = "brotli", [CODEC_LZ4_HADOOP] = "LZ4 (Hadoop's framing)",
        [CODEC_ZSTD] = "zstd",     [CODEC_LZ4_RAW] = "lz4_raw",
    };
    return NAME(names, codec, "an unknown codec");
}

const char *msim_annotation_name(enum annotation annotation)
{
    static const char *const names[] = {
        [ANNOTATION_STRING] = "STRING",
        [ANNOTATION_ENUM] = "ENUM",
        [ANNOTATION_DECIMAL] = "DECIMAL",
        [ANNOTATION_DATE] = "DATE",
        [ANNOTATION_TIME] = "TIME",
        [ANNOTATION_TIMESTAMP] = "TIMESTAMP",
        [ANNOTATION_INTEGER] = "INTEGER",
        [ANNOTATION_JSON] = "JSON",
        [ANNOTATION_BSON] = "BSON",
        [ANNOTATION_UUID] = "UUID",
        [ANNOTATION_FLOAT16] = "FLOAT16",
        [ANNOTATION_INTERVAL] = "INTERVAL",
        [ANNOTATION_OTHER] = "another logical type",
    };
    return NAME(names, (int)annotation, "no logical type");
}

size_t msim_physical_width(int physical, int32_t type_length)
{
    switch (physical) {
    case PHYSICAL_INT32:
    case PHYSICAL_FLOAT:
        return 4;
    case PHYSICAL_INT64:
    case PHYSICAL_DOUBLE:
        return 8;
    case PHYSICAL_INT96:
        return 12;
    case PHYSICAL_FIXED:
        return type_length > 0 ? (size_t)type_length : 0;
    default:
        return 0;
    }
}
