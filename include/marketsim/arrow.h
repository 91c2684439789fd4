/*
 * Trades from an Arrow C stream: what DuckDB, pyarrow, polars and ADBC drivers export.
 *
 * Three structs and no library: they are declared here as the Arrow C data and stream
 * interfaces say, under the guards that keep one program from declaring them twice.
 */
#ifndef MARKETSIM_ARROW_H
#define MARKETSIM_ARROW_H

#include <marketsim/base.h>
#include <marketsim/source.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4

struct ArrowSchema {
    const char *format;
    const char *name;
    const char *metadata;
    int64_t flags;
    int64_t n_children;
    struct ArrowSchema **children;
    struct ArrowSchema *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};

struct ArrowArray {
    int64_t length;
    int64_t null_count;
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};

#endif

#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE

struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
    const char *(*get_last_error)(struct ArrowArrayStream *);
    void (*release)(struct ArrowArrayStream *);
    void *private_data;
};

#endif

struct msim_source_arrow_params {
    size_t size;
    const char *timestamp_column; /* default "timestamp" */
    const char *price_column;     /* default "price" */
    const char *volume_column;    /* default "volume" */
    const char *ticker_column;    /* default "ticker" */
    msim_time timestamp_unit;     /* nanoseconds of one in a column of integers; 0: refused */
    bool skip_bad_rows;           /* leave them out and count them in place of failing */
    bool sort;                    /* the rows may be in any order: see below */
    uint64_t memory_bytes;        /* what `sort` may take; default 1 GiB */
    const struct msim_allocator *allocator; /* copied */
    /* A folder for temporary files, as in msim_parquet_params: what does not fit in memory_bytes is
     * kept and sorted there.  NULL: it is refused. */
    const char *temp_directory;
    const char *ticker_name; /* of all rows, in place of a column; NULL: the column's */
};
#define MSIM_SOURCE_ARROW_PARAMS_INIT                                                    \
    {                                                                                    \
        sizeof(struct msim_source_arrow_params), 0, 0, 0, 0, 0, false, false, 0, 0, 0, 0 \
    }

/*
 * A source of trades over a stream of record batches; columns are found by name, further ones
 * passed over.  The stream is taken over when this succeeds: its `release` is NULL then, as if it
 * had been moved; else it stays the caller's, who releases it.  A batch is held while its rows are
 * given, and released before the next one is asked for; nothing of it is copied but tickers.
 *
 * Times must not fall: a row that is earlier than the one before it is MSIM_ERR_FORMAT with its
 * number, since what came before has been given already.  With `sort` all rows are read when the
 * source is made, and put in the order of (time, row) within `memory_bytes`; beyond them in
 * `temp_directory`, or MSIM_ERR_LIMIT where none is named.  ORDER BY in the query costs less.
 *
 * Types: timestamps of any unit, with a time zone or without (UTC), dates, integers (by
 * `timestamp_unit`) and texts as moments; integers, float, double, decimals of 32 to 256 bits and
 * texts as numbers; utf8, large_utf8, string_view and binary that is UTF-8 as tickers; any of
 * them in a dictionary.  Values and null are what they are in Parquet files.
 *
 * Lengths, offsets, indexes and null buffers are checked as far as the interface says how long
 * things are: a batch that contradicts itself is MSIM_ERR_FORMAT.  MSIM_ERR_NOT_FOUND: a column
 * is missing.  MSIM_ERR_UNSUPPORTED: of another type.  MSIM_ERR_IO: the stream failed, in its own
 * words.
 */
MSIM_API int msim_source_from_arrow(struct msim_source *out, struct ArrowArrayStream *stream,
                                    const struct msim_source_arrow_params *params,
                                    struct msim_detail *detail);

/* How many rows of such a source were left out so far. */
MSIM_API uint64_t msim_source_arrow_bad_rows(const struct msim_source *source);

#ifdef __cplusplus
}
#endif

#endif
