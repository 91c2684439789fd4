/*
 * A pushed table: CSV in, rows as JSON objects out, and of each row what is asked for later.
 *
 * Nothing of it is anybody's before the whole of it is good.
 */
#ifndef MSIM_SERVER_DASHBOARD_TABLE_H
#define MSIM_SERVER_DASHBOARD_TABLE_H

#include "base/csv.h"

enum msim_table_kind {
    MSIM_TABLE_TRADES,
    MSIM_TABLE_MARKET,
    MSIM_TABLE_KINDS,
};

/* Which of a row's cells are looked at again. */
enum msim_table_pick {
    MSIM_PICK_TIMESTAMP,
    MSIM_PICK_SYMBOL,
    MSIM_PICK_SIDE,     /* trades */
    MSIM_PICK_STRATEGY, /* trades */
    MSIM_PICK_QUANTITY, /* trades; market data: volume */
    MSIM_PICK_PROFIT,   /* trades */
    MSIM_PICKS,
};

struct msim_table_row {
    size_t json;
    size_t json_length;
    size_t picked; /* in `picks`: the texts of the picked cells, one behind the other */
    uint16_t lengths[MSIM_PICKS];
};

struct msim_table {
    enum msim_table_kind kind;
    struct msim_allocator allocator;
    struct msim_csv csv;
    struct msim_bytes json; /* {...},{...} */
    struct msim_bytes picks;
    struct msim_bytes keys; /* "name": of each column, one behind the other */
    size_t key_lengths[MSIM_CSV_MAX_COLUMNS];
    struct msim_table_row *rows;
    size_t row_capacity;
    size_t row_count;
};

/* No push has more. */
#define MSIM_TABLE_MAX_ROWS ((size_t)200000)

/* All the JSON of one table is no longer than this; beyond: MSIM_ERR_LIMIT. */
#define MSIM_TABLE_MAX_JSON ((size_t)256 << 20)

extern const struct msim_csv_schema msim_table_schemas[MSIM_TABLE_KINDS];

/* Made once and used for one push after the other; large. */
struct msim_table *msim_table_create(enum msim_table_kind kind,
                                     const struct msim_allocator *allocator);
void msim_table_destroy(struct msim_table **table);

/* Empty again, for the next push; large buffers are given back. */
void msim_table_reset(struct msim_table *table);

/* As msim_csv_feed and msim_csv_end. */
int msim_table_feed(struct msim_table *table, const void *bytes, size_t length);
int msim_table_end(struct msim_table *table);

/* The words for a failure. */
void msim_table_explain(const struct msim_table *table, int failure, struct msim_detail *detail);

/* A picked cell of a row. */
const char *msim_table_picked(const struct msim_table *table, const struct msim_table_row *row,
                              enum msim_table_pick pick, size_t *length);

#endif
