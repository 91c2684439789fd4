/*
 * Further columns of rows that are widely out of order, where windows would be decoded again
 * and again: once that is seen, all of them are put into one temporary file, in pieces of
 * consecutive rows, each piece in the order of (time, row).  Whoever reads trades in that
 * order finds the next one's columns at the front of its row's piece, so that pieces need not
 * be merged.  It is made once and shared by all cursors with the same columns.
 *
 * Whichever cursor is asked does the next part of the work.
 */
#ifndef MSIM_PARQUET_EXTRA_STORE_H
#define MSIM_PARQUET_EXTRA_STORE_H

#include "parquet/extras.h"

/*
 * What stands before the cells of a row in the file: the sum of all behind it, the length of
 * the cells, the time and the row.
 */
enum { RECORD_SUM = 0, RECORD_LENGTH = 4, RECORD_TIME = 8, RECORD_ROW = 16, RECORD_HEAD = 24 };

/* A row's cells one after another: a kind, and with it a moment, or a length and a text. */
#define RECORD_CELL_MOST (1 + sizeof(uint64_t))

struct extra_piece {
    uint64_t first_row;
    uint64_t offset;
    uint64_t length;
};

struct extra_making;

struct extra_store {
    struct extra_store *next;
    size_t leader; /* the first of its row groups */
    size_t *leaves;
    size_t leaf_count;
    size_t users;
    /* How it comes about, and the failure that ended that. */
    struct extra_making *making;
    bool is_ready;
    bool is_declined; /* there is no room to make it */
    int failure;
    struct msim_detail detail;
    /* What has come of it. */
    void *file;
    uint64_t length;
    struct extra_piece *pieces;
    size_t piece_count;
    size_t piece_capacity;
};

/* Whether somebody has made it for these columns of the row groups of `leader`. */
bool msim_extra_store_stands(const struct extra_windows *windows, size_t leader);

/* Joins those who have it, or begins. */
int msim_extra_store_join(struct extra_store **out, const struct extra_windows *windows,
                          size_t leader, struct msim_detail *detail);

/* 1 where it is made or declined; 0 where `*work`, which counts down values, is used up. */
int msim_extra_store_work(struct extra_store *store, struct msim_parquet *parquet, int64_t *work,
                          struct msim_detail *detail);

/* NULL is left alone. */
void msim_extra_store_leave(struct extra_store **store, struct msim_parquet *parquet);

/* All are forgotten; nobody has one. */
void msim_extra_stores_finish(struct msim_parquet *parquet);

/* extra_reader.c: what one cursor has read of each piece.  1; 0 where there is no room for it. */
int msim_extra_reader_open(struct extra_reader **out, const struct extra_store *store,
                           struct msim_parquet *parquet, size_t column_count,
                           struct msim_detail *detail);

/* NULL is left alone. */
void msim_extra_reader_close(struct extra_reader **reader);

/* The next row may be any. */
void msim_extra_reader_rewind(struct extra_reader *reader);

/*
 * The cells of a trade, which stands behind those that were found before: 1; 0 where `*work`,
 * which counts down rows that are passed, is used up.  Borrowed until the next one.
 */
int msim_extra_reader_find(struct extra_reader *reader, msim_time time, uint64_t row,
                           const struct extra_cell **cells, const unsigned char **texts,
                           int64_t *work, struct msim_detail *detail);

#endif
