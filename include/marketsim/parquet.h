/*
 * Trades in Parquet files: read as a source, in one order, and written.
 *
 * CSV files (by their name or as gzip) stand beside them: they are read whole when
 * the data set is opened, and kept within its memory, or in its folder for temporary
 * files.
 *
 * A trade file has four flat columns, found by name: `timestamp`, `price`,
 * `volume`, `ticker`.  One or many files are opened as one data set, prepared
 * once and immutable from then on; each source over it is a cursor of its own.  A data
 * set and its sources belong to one thread of the host at a time.
 *
 * The order is (timestamp, place of the file, row): it does not depend on memory,
 * plan or platform.
 */
#ifndef MARKETSIM_PARQUET_H
#define MARKETSIM_PARQUET_H

#include <marketsim/base.h>
#include <marketsim/source.h>

#ifdef __cplusplus
extern "C" {
#endif

struct msim_parquet;

struct msim_parquet_params {
    size_t size;
    /* Files, globs, and folders: the *.parquet in them, by path, or where there is none the *.csv
     * and *.csv.gz. */
    const char *const *paths;
    size_t path_count;
    const char *timestamp_column; /* default "timestamp" */
    const char *price_column;     /* default "price" */
    const char *volume_column;    /* default "volume" */
    const char *ticker_column;    /* default "ticker" */
    msim_time timestamp_unit;     /* nanoseconds of one in a bare integer column; 0: refused */
    bool skip_bad_rows;           /* leave them out and count them in place of failing */
    bool ignore_statistics;       /* find each row group's range by reading its timestamps */
    /* What the data set and all its sources may take together, but for the working memory of the
     * compression libraries; default 1 GiB.  Beyond it MSIM_ERR_LIMIT. */
    uint64_t memory_bytes;
    /* A folder for temporary files, which have no name and are gone with the process: what does
     * not fit in memory is sorted there, and what is read of CSV kept.  NULL: it is refused. */
    const char *temp_directory;
    uint32_t sources; /* how many at once the plan shall have memory for; default 1 */
    /* A second thread decodes ahead of the sources' callers, within the memory above: so that
     * they wait less where there is a processor for it.  The trades, their order and where a
     * failure stands stay the same.  One for the data set, from the first pull to the close, with
     * all signals blocked; where the system gives none, and for sources with further columns,
     * callers decode.  The allocator is called from both threads, though never at once.  A process
     * that forks leaves the data set to the one that opened it. */
    bool decode_thread;
    const struct msim_allocator *allocator; /* copied */
    const struct msim_logger *logger;       /* copied */
    /* The ticker of all rows, in place of a column.  NULL: the column's, and where a file has none
     * that of the innermost folder above it that is called ticker=NAME (by the column's name). */
    const char *ticker_name;
    /* The same of each path by itself: path_count of them, or NULL; a NULL among them stands for
     * ticker_name. */
    const char *const *path_ticker_names;
};
#define MSIM_PARQUET_PARAMS_INIT                                                                  \
    {                                                                                             \
        sizeof(struct msim_parquet_params), 0, 0, 0, 0, 0, 0, 0, false, false, 0, 0, 0, false, 0, \
            0, 0, 0                                                                               \
    }
/* A ticker that is given by name is UTF-8 of 1 to so many bytes. */
#define MSIM_TICKER_NAME_MAX 256

/*
 * Reads the footers, checks the columns, and plans the order.
 *
 * The plan goes by the files' statistics, and reads the timestamps where there are
 * none.  A group whose rows turn out to begin before its statistics say is an
 * error once a later trade was given already; `ignore_statistics` is the remedy.
 *
 * MSIM_ERR_NOT_FOUND: no such file, a directory without Parquet files, a missing
 * column.  MSIM_ERR_IO.  MSIM_ERR_FORMAT: damaged, with file, row group, column
 * and page.  MSIM_ERR_UNSUPPORTED: an encoding, codec, type or encryption that
 * this build does not read, by name.
 */
MSIM_API int msim_parquet_open(struct msim_parquet **out, const struct msim_parquet_params *params,
                               struct msim_detail *detail);

/* Sources over it must have been released before. */
MSIM_API void msim_parquet_close(struct msim_parquet **parquet);

struct msim_parquet_info {
    uint64_t rows;
    uint64_t files;
    uint64_t row_groups;
    msim_time first;       /* of all timestamps, by the files' statistics where they have them */
    msim_time last;        /* both MSIM_TIME_NEVER where there is no row */
    uint64_t spilled_rows; /* that do not fit in memory, and are sorted in the temp_directory */
    /* What that takes there: at most as long as it is not done, then what it took. */
    uint64_t spilled_bytes;
};
MSIM_API void msim_parquet_info(const struct msim_parquet *parquet, struct msim_parquet_info *out);

/*
 * Sorts what does not fit in memory, which the first source would have to wait for: about `rows`
 * rows of the work (0: all of it).  1 where nothing is left to do, else 0.
 */
MSIM_API int msim_parquet_prepare(struct msim_parquet *parquet, uint64_t rows,
                                  struct msim_detail *detail);

/* ---- what was found out of the order, and a check of everything ---- */

/* A row group in its place in the plan: groups are opened by their first moment. */
struct msim_parquet_planned {
    const char *file; /* borrowed until the close */
    uint64_t group;   /* of the file */
    uint64_t rows;
    msim_time first;
    msim_time last;
    bool by_statistics; /* the file's word; else its timestamps were read */
    bool is_spilled;    /* sorted in the temp_directory, with the others of that kind beside it */
};

/* MSIM_ERR_NOT_FOUND behind the last one.  Groups without rows have no place. */
MSIM_API int msim_parquet_planned(const struct msim_parquet *parquet, size_t place,
                                  struct msim_parquet_planned *out);

struct msim_parquet_check {
    uint64_t rows;
    uint64_t bad_rows;  /* which are no trades: see msim_parquet_bad_rows */
    uint64_t late_rows; /* earlier than a row before them in their file */
    msim_time worst_lateness;
    uint64_t tickers;
    uint64_t nameless_rows; /* which have no ticker */
    msim_time first;        /* of the trades; both MSIM_TIME_NEVER where there is none */
    msim_time last;
    uint64_t groups;
    uint64_t unsorted_groups; /* which are sorted in memory */
    uint64_t groups_at_once;  /* open together, at most */
    uint64_t bytes_at_once;   /* what sorted groups hold together, at most */
    uint64_t defects;         /* which were told */
    uint64_t bad_row_defects; /* those of them that tell of bad rows, and nothing else */
};

/* What is told while it goes on; it does not call the data set or its sources. */
struct msim_parquet_check_sink {
    /* A defect, in one line that names its place.  NULL: they are counted alone. */
    void (*defect)(void *context, const char *words);
    /* At the end each ticker and how many rows have it, the most first, then by name.  NULL: they
     * are counted alone. */
    void (*ticker)(void *context, const char *name, size_t length, uint64_t rows);
    void *context;
};

/*
 * Reads everything, behind each defect as well; what is left of a damaged column is not counted.
 * `sink` may be NULL.  MSIM_ERR_NOMEM, MSIM_ERR_LIMIT.
 */
MSIM_API int msim_parquet_check(struct msim_parquet *parquet,
                                const struct msim_parquet_check_sink *sink,
                                struct msim_parquet_check *out, struct msim_detail *detail);

/* ---- reading in order ---- */

struct msim_parquet_source_params {
    size_t size;
    bool has_from;              /* `from` is a bound */
    bool has_to;                /* `to` is a bound */
    msim_time from;             /* trades at and after */
    msim_time to;               /* trades before; not before `from` */
    const char *const *tickers; /* only these; globs with * and ?; NULL: all */
    size_t ticker_count;
    /* Flat columns that msim_source_extras gives beside the four, in this order. */
    const char *const *extra_columns;
    size_t extra_column_count;
    bool all_extra_columns; /* in place of names: all that the files have, in their order */
};
#define MSIM_PARQUET_SOURCE_PARAMS_INIT                                                  \
    {                                                                                    \
        sizeof(struct msim_parquet_source_params), false, false, 0, 0, 0, 0, 0, 0, false \
    }

/*
 * A cursor from the start of the data set; `params` may be NULL.  A pull does a
 * bounded amount of work: MSIM_PULL_EMPTY with next_due INT64_MIN asks for the next
 * one at once.  Records are
 * MSIM_RECORD_TRADE; symbol ids follow first appearance in the order.  Integers
 * have exponent 0, decimals their scale, doubles the shortest digits that read
 * back to the same double.  `row` is the trade's place among the rows of all files.
 *
 * Further columns are read beside the trades, from where their row stands, in pieces that are
 * kept as long as the memory of the data set allows; where they would be decoded again and again
 * because rows are far out of order, they are sorted in the temp_directory once.  Numbers are as
 * stored (what is not finite is null), texts that are not UTF-8 have \\xNN in them, moments that
 * nanoseconds do not hold are texts.  MSIM_ERR_NOT_FOUND for a column that a file lacks,
 * MSIM_ERR_UNSUPPORTED for one that is not flat; with all of them, what a file lacks is null, and
 * what is not flat is left out.
 */
MSIM_API int msim_parquet_source(struct msim_source *out, struct msim_parquet *parquet,
                                 const struct msim_parquet_source_params *params,
                                 struct msim_detail *detail);

/*
 * Moves a source from msim_parquet_source: the next trade is the first one at or after `to`, within
 * the bounds and tickers of its params, forward or back.  Symbols keep their ids, and `sequence`
 * goes on counting what is given.  A source that has failed stays so: MSIM_ERR_*.
 */
MSIM_API int msim_parquet_source_seek(struct msim_source *source, msim_time to,
                                      struct msim_detail *detail);

/*
 * How many rows a source from msim_parquet_source has left out so far because they
 * are no trades: no timestamp, NaN, more digits than int64 holds, a ticker that is
 * not UTF-8.  One that it meets again behind a seek is counted again.
 */
MSIM_API uint64_t msim_parquet_bad_rows(const struct msim_source *source);

/* ---- any flat columns of one file, as texts ---- */

/*
 * A file as it is: what it says of itself, and its rows.  Columns that are nested or repeated
 * are named and not read.
 */
struct msim_parquet_table;

MSIM_API int msim_parquet_table_open(struct msim_parquet_table **out, const char *path,
                                     const struct msim_allocator *allocator,
                                     struct msim_detail *detail);
MSIM_API void msim_parquet_table_close(struct msim_parquet_table **table);

MSIM_API uint64_t msim_parquet_table_rows(const struct msim_parquet_table *table);
MSIM_API size_t msim_parquet_table_groups(const struct msim_parquet_table *table);
MSIM_API size_t msim_parquet_table_columns(const struct msim_parquet_table *table);

/* Borrowed: valid until the close. */
struct msim_parquet_field {
    const char *name; /* inside structs with the names around it: "extra.a" */
    const char *type; /* as stored: "INT64" */
    char meaning[40]; /* "TIMESTAMP(MICROS)"; "" where the type says it */
    bool is_flat;
    bool is_nullable;
    bool is_bare; /* its texts are numbers or true and false: JSON has them without quotes */
};
MSIM_API int msim_parquet_table_field(const struct msim_parquet_table *table, size_t column,
                                      struct msim_parquet_field *out);

/* A column of a row group. */
struct msim_parquet_chunk {
    uint64_t rows; /* of the row group */
    const char *codec;
    char encodings[160]; /* "PLAIN, RLE" */
    uint64_t compressed_size;
    uint64_t uncompressed_size;
    int64_t nulls;  /* -1: the file does not say */
    bool has_range; /* the statistics of `min` and `max`, of at most 8 bytes, as texts */
    char min[64];
    char max[64];
};
MSIM_API int msim_parquet_table_chunk(const struct msim_parquet_table *table, size_t group,
                                      size_t column, struct msim_parquet_chunk *out);

/* Which columns a row has, from the first row on.  MSIM_ERR_UNSUPPORTED for one that is not flat.
 */
MSIM_API int msim_parquet_table_select(struct msim_parquet_table *table, const size_t *columns,
                                       size_t count, struct msim_detail *detail);

/* Borrowed: valid until the next row.  Bytes that are no text have \xNN in them. */
struct msim_parquet_cell {
    const char *text;
    size_t length;
    bool is_null;
};

/* One cell for each selected column: MSIM_PULL_RECORD, MSIM_PULL_END, or a failure. */
MSIM_API int msim_parquet_table_row(struct msim_parquet_table *table,
                                    struct msim_parquet_cell *cells, struct msim_detail *detail);

/* ---- writing ---- */

enum msim_parquet_type {
    MSIM_PARQUET_INT64 = 1,
    MSIM_PARQUET_TIMESTAMP_MS, /* values are msim_time, whole in the column's unit */
    MSIM_PARQUET_TIMESTAMP_US,
    MSIM_PARQUET_TIMESTAMP_NS,
    MSIM_PARQUET_DOUBLE,
    MSIM_PARQUET_STRING, /* UTF-8 */
    MSIM_PARQUET_INT32,
};

enum msim_parquet_codec {
    MSIM_PARQUET_CODEC_NONE = 0,
    MSIM_PARQUET_CODEC_ZSTD = 1, /* MSIM_ERR_UNSUPPORTED where the build has no zstd */
};

struct msim_parquet_column {
    const char *name;
    enum msim_parquet_type type;
    bool nullable;
    bool naive; /* a timestamp without a time zone, as pandas makes by default; else UTC */
};

struct msim_parquet_writer;

struct msim_parquet_writer_params {
    size_t size;
    const char *path; /* appears when the file is finished, in place of what stood there */
    /* Or, without a path: takes the file's bytes in order; a negative result is passed up. */
    int (*write)(void *context, const void *bytes, size_t length);
    void *context;
    const struct msim_parquet_column *columns; /* copied */
    size_t column_count;
    enum msim_parquet_codec codec;
    uint64_t row_group_rows;                /* default 122880 */
    const struct msim_allocator *allocator; /* copied */
};
#define MSIM_PARQUET_WRITER_PARAMS_INIT                                                         \
    {                                                                                           \
        sizeof(struct msim_parquet_writer_params), 0, 0, 0, 0, 0, MSIM_PARQUET_CODEC_NONE, 0, 0 \
    }

/*
 * A file of flat columns: dictionaries where they pay, statistics, page checksums.
 * The same rows give the same bytes (with zstd: by the same version of it).
 */
MSIM_API int msim_parquet_writer_create(struct msim_parquet_writer **out,
                                        const struct msim_parquet_writer_params *params,
                                        struct msim_detail *detail);

/* One value of a row; `text` for strings, `number` for doubles, `integer` for all others. */
struct msim_parquet_value {
    bool is_null;
    int64_t integer;
    double number;
    const char *text;
    size_t text_length;
};

/*
 * Appends a row: one value for each column, copied.  MSIM_ERR_INVALID for a value
 * that its column does not hold leaves the writer as it was; any other failure is
 * final.
 */
MSIM_API int msim_parquet_writer_row(struct msim_parquet_writer *writer,
                                     const struct msim_parquet_value *values,
                                     struct msim_detail *detail);

/* Writes what is held and the footer; no row may follow. */
MSIM_API int msim_parquet_writer_finish(struct msim_parquet_writer *writer,
                                        struct msim_detail *detail);

/* Without a finish before it, no file is left behind. */
MSIM_API void msim_parquet_writer_destroy(struct msim_parquet_writer **writer);

#ifdef __cplusplus
}
#endif

#endif
