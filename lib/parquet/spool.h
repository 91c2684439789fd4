/*
 * Trades that come from elsewhere than a Parquet file, one after the other, as a file of the data
 * set: row groups of plain columns.  From then on they are read, put in order, checked and shared
 * as any file's are.  They stay in memory as long as the data set has room for them; all that
 * this one adds goes behind each other into the data set's temporary file once it has not.
 *
 * The columns are those of Parquet, but for two kinds of values that no file has: numbers with
 * exponents of their own (ANNOTATION_MANTISSA), and texts that stand for numbers and truth values
 * as well (ANNOTATION_WRITTEN).
 */
#ifndef MSIM_PARQUET_SPOOL_H
#define MSIM_PARQUET_SPOOL_H

#include "base/bytes.h"
#include "parquet/dataset.h"
#include "record/symbols.h"

/* Rows of a row group: a page for each column. */
#define MSIM_SPOOL_GROUP_ROWS 65536

/* Bytes of a number: the mantissa, and the exponent behind it. */
#define MSIM_SPOOL_NUMBER_BYTES 9

struct spool_number {
    int64_t mantissa;
    int8_t exponent; /* -18..0 */
    bool is_null;
};

struct spool_trade {
    msim_time time;
    struct spool_number price;
    struct spool_number volume;
    const char *ticker; /* NULL: none; UTF-8 */
    size_t ticker_length;
    const struct msim_text *extras; /* of each further column; empty: null */
};

struct spool_column {
    struct msim_bytes values;
    uint32_t *levels; /* of each row: whether it has a value; NULL: all have */
    bool has_nulls;
};

struct spool {
    struct msim_allocator allocator;
    struct footer footer;
    struct spool_place *place;
    struct msim_bytes store; /* what is in memory */
    bool is_out;             /* to the disk: what is in memory stands behind what is there */
    uint64_t out_at;         /* where its first byte is there */
    uint64_t out_length;
    struct msim_detail words;     /* why the disk failed; else empty */
    size_t bytes;                 /* of the columns of the row group that is being filled, about */
    struct spool_column *columns; /* of the row group that is being filled */
    size_t column_count;
    size_t rows;
    msim_time min;
    msim_time max;
    struct msim_symbols tickers;
    uint32_t *ticker_ids; /* of the rows that have one */
    size_t ticker_count;
    uint32_t last_ticker;
};

/* The names of the four columns, and of further ones; all are copied.  The place is borrowed. */
int msim_spool_init(struct spool *spool, const char *const names[FIELD_COUNT],
                    const char *const *extras, size_t extra_count, struct spool_place *place,
                    const struct msim_allocator *allocator);

/* Harmless on one that is zero or was taken over. */
void msim_spool_finish(struct spool *spool);

/* MSIM_ERR_NOMEM, MSIM_ERR_LIMIT; MSIM_ERR_IO with `words`. */
int msim_spool_add(struct spool *spool, const struct spool_trade *trade);

/* The trades are whole: `trades` takes them over, under this name. */
int msim_spool_end(struct spool *spool, struct trade_file *trades, const char *name);

#endif
