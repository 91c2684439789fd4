/*
 * The layout of an Arrow column: what its format says, where a value lies, and whether an array
 * is as its format wants it.
 *
 * The arrays are somebody else's.  What the interface says of lengths is checked before a byte
 * is read; how long a buffer really is, it does not say.
 */
#ifndef MSIM_PARQUET_ARROW_LAYOUT_H
#define MSIM_PARQUET_ARROW_LAYOUT_H

#include <marketsim/arrow.h>

#include "parquet/column.h"

/* A text longer than this is no ticker and no number, but a damaged offset. */
#define ARROW_TEXT_LIMIT ((int64_t)1 << 24)

enum arrow_form {
    ARROW_OTHER,   /* nothing that is read here */
    ARROW_NULL,    /* a column of nulls */
    ARROW_INTEGER, /* `width` bytes */
    ARROW_FLOAT,
    ARROW_DOUBLE,
    ARROW_DECIMAL,    /* `width` bytes, `scale` */
    ARROW_MOMENT,     /* `width` bytes that count `unit` nanoseconds */
    ARROW_TEXT,       /* offsets of `width` bytes */
    ARROW_TEXT_VIEWS, /* 16 bytes each */
};

struct arrow_type {
    enum arrow_form form;
    uint8_t width;
    bool is_signed;
    int32_t scale;
    int64_t unit;
};

/* Values of one array: those of a column, or of its dictionary. */
struct arrow_values {
    struct arrow_type type;
    const struct ArrowArray *array;
    int64_t first; /* where its value 0 stands in the buffers */
    int64_t count;
    const uint8_t *present; /* bits; NULL: all are */
    const unsigned char *data;
    const unsigned char *bytes; /* of texts */
    /* Of views. */
    const unsigned char *sizes; /* of their buffers, eight bytes each */
    int64_t size_count;
};

struct arrow_column {
    const char *name; /* the one that was asked for */
    int64_t child;
    bool has_dictionary;
    struct arrow_values values; /* indexes, where there is a dictionary */
    struct arrow_values dictionary;
};

/* What "tsu:UTC" or "d:18,6" stands for. */
struct arrow_type msim_arrow_type(const char *format);

/* What a schema's column is; `dictionary.type` is that of its values where it has one. */
void msim_arrow_column_init(struct arrow_column *column, const struct ArrowSchema *schema);

static inline const struct arrow_type *msim_arrow_column_type(const struct arrow_column *column)
{
    return column->has_dictionary ? &column->dictionary.type : &column->values.type;
}

/*
 * Takes the column's array for a batch of `count` rows that begin at its value `offset`: NULL, or
 * what is wrong with it.
 */
const char *msim_arrow_column_take(struct arrow_column *column, const struct ArrowArray *array,
                                   int64_t offset, int64_t count);

/*
 * Where the value of a row stands: 1, 0 for null, MSIM_ERR_FORMAT for an index that is none of
 * the dictionary's.
 */
int msim_arrow_find(const struct arrow_column *column, int64_t row,
                    const struct arrow_values **values, int64_t *at);

/* An integer, moment or the like of 1 to 8 bytes; false where int64 does not hold it. */
bool msim_arrow_integer(const struct arrow_values *values, int64_t at, int64_t *value);

/* A text; false where its place is none. */
bool msim_arrow_text(const struct arrow_values *values, int64_t at, struct msim_text *text);

/* The validity bits of an array, which its length and its null count must allow. */
const char *msim_arrow_present(const struct ArrowArray *array, const uint8_t **present);

static inline bool msim_arrow_bit(const uint8_t *bits, int64_t at)
{
    return !bits || (bits[at / 8] >> (at % 8) & 1);
}

#endif
