/*
 * CSV (RFC 4180) as scripts and spreadsheets write it, read as it comes.
 *
 * A table has a header; columns are found by its names.  The columns of a schema must be there,
 * and those of numbers must hold numbers or nothing; further columns are passed on as they are.
 * A byte order mark, CRLF, empty lines and a last line without an end are fine.  The first thing
 * that is wrong ends the reading, with its line, its column and the reason, unless the sink lets
 * the row be left out.
 *
 * Bytes may be cut anywhere.  A row is looked for its end first, then split: what waits is at
 * most one row.
 */
#ifndef MSIM_BASE_CSV_H
#define MSIM_BASE_CSV_H

#include "base/bytes.h"

#define MSIM_CSV_MAX_COLUMNS 64
#define MSIM_CSV_MAX_ROW_BYTES ((size_t)64 * 1024)
#define MSIM_CSV_NAME_SIZE 128

enum msim_csv_type {
    MSIM_CSV_TEXT,
    MSIM_CSV_NUMBER,
};

struct msim_csv_field {
    const char *name;
    enum msim_csv_type type;
};

struct msim_csv_schema {
    const char *file; /* for words about failures: "trades_csv" */
    const struct msim_csv_field *fields;
    size_t field_count; /* at most MSIM_CSV_MAX_COLUMNS */
    size_t max_rows;    /* 0: no bound */
};

enum msim_csv_kind {
    MSIM_CSV_EMPTY, /* nothing, or in a column of numbers a word for none, such as NaN */
    MSIM_CSV_PLAIN, /* a number as JSON writes it */
    MSIM_CSV_LOOSE, /* a number in another notation: +1, .5, 1., 007 */
    MSIM_CSV_WORDS,
};

/* Borrowed for the call. */
struct msim_csv_cell {
    const char *text;
    size_t length;
    enum msim_csv_kind kind;
};

struct msim_csv;

struct msim_csv_sink {
    /* The header is read: `csv->names` and `csv->places` stand.  May be NULL. */
    int (*header)(void *context, const struct msim_csv *csv);
    /* Negative ends the reading with it. */
    int (*row)(void *context, const struct msim_csv *csv, const struct msim_csv_cell *cells);
    /*
     * A row is wrong, and `csv->error` says how: MSIM_OK leaves it out, anything else ends the
     * reading.  NULL: it ends.
     */
    int (*bad)(void *context, const struct msim_csv *csv);
    void *context;
};

struct msim_csv_error {
    size_t line;                     /* 0: of the whole table */
    char column[MSIM_CSV_NAME_SIZE]; /* "": of the whole line */
    char reason[256];
};

struct msim_csv {
    const struct msim_csv_schema *schema;
    struct msim_csv_sink sink;
    struct msim_csv_error error;
    int failure;
    size_t line; /* of the row that comes next */
    size_t rows;
    size_t column_count;
    char names[MSIM_CSV_MAX_COLUMNS][MSIM_CSV_NAME_SIZE];
    /* Where the schema's fields stand in the header, and which field a column is. */
    size_t places[MSIM_CSV_MAX_COLUMNS];
    int fields[MSIM_CSV_MAX_COLUMNS];     /* -1: a further column */
    const struct msim_csv_field *missing; /* the first one that the header lacks */
    bool begun;
    bool in_quotes;  /* at `scanned` */
    bool has_quotes; /* in the row so far */
    size_t scanned;  /* of the row that waits */
    size_t closed;   /* behind the quote of it that closed a cell last; 0: none did */
    struct msim_bytes waiting;
    struct msim_csv_cell cells[MSIM_CSV_MAX_COLUMNS];
    char unquoted[MSIM_CSV_MAX_ROW_BYTES];
};

/* Borrows the schema.  The struct is large: not for the stack. */
void msim_csv_init(struct msim_csv *csv, const struct msim_csv_schema *schema,
                   const struct msim_csv_sink *sink, const struct msim_allocator *allocator);
void msim_csv_finish(struct msim_csv *csv);

/*
 * MSIM_ERR_FORMAT, or MSIM_ERR_LIMIT beyond a bound, with `csv->error`; MSIM_ERR_NOMEM; or what
 * the sink returned.  The same from then on.
 */
int msim_csv_feed(struct msim_csv *csv, const void *bytes, size_t length);

/* The table is whole. */
int msim_csv_end(struct msim_csv *csv);

/* For a sink: what is wrong with this cell, behind its text.  Returns what the sink has to. */
int msim_csv_refuse(struct msim_csv *csv, size_t column, const struct msim_csv_cell *cell,
                    const char *words);

/* What a cell is in a column of numbers. */
enum msim_csv_kind msim_csv_number(const char *text, size_t length);

/* "trades_csv, line 3, column price: 'abc' is not a number" */
void msim_csv_explain(const struct msim_csv *csv, struct msim_detail *detail);

#endif
