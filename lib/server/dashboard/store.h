/*
 * What was pushed: the last rows of each table, and sums over all there ever were.
 *
 * The JSON of one push's rows is one block; rows point into it, and it goes with its last row.
 * Sums are exact and do not shrink when old rows leave.
 */
#ifndef MSIM_SERVER_DASHBOARD_STORE_H
#define MSIM_SERVER_DASHBOARD_STORE_H

#include "server/dashboard/exact.h"
#include "server/dashboard/table.h"

/* Names of symbols, sides and strategies; later ones are counted as MSIM_STORE_OTHERS. */
#define MSIM_STORE_MAX_NAMES 65536
#define MSIM_STORE_OTHERS "(others)"

/* Sums are kept for so many pairs of symbol and strategy; later ones are summed as one. */
#define MSIM_STORE_MAX_GROUPS 65536

struct msim_block {
    size_t rows; /* that point here */
    size_t size; /* of this */
    char json[];
};

struct msim_row {
    struct msim_block *block;
    uint32_t json;
    uint32_t json_length;
    msim_time time;  /* of its time stamp; MSIM_TIME_NEVER where that is none */
    uint32_t symbol; /* numbers of names */
    uint32_t strategy;
    uint32_t side;
};

struct msim_group {
    uint32_t symbol;
    uint32_t strategy;
    uint64_t trades;
    uint64_t buys;
    uint64_t sells;
    uint64_t winners; /* profit_loss above zero */
    uint64_t losers;
    struct msim_exact quantity;
    struct msim_exact profit;
    uint64_t points; /* rows of market data; those have no strategy */
    struct msim_exact volume;
};

struct msim_ring {
    struct msim_row *rows;
    size_t capacity;
    size_t first;
    size_t count;
    uint64_t total; /* since the start */
};

struct msim_index {
    uint32_t *slots; /* number + 1; 0: free */
    size_t mask;
};

struct msim_store {
    struct msim_allocator allocator;
    size_t max_rows;
    struct msim_ring rings[MSIM_TABLE_KINDS];
    char **names; /* 0 is "" */
    size_t name_capacity;
    size_t name_count;
    struct msim_index name_index;
    struct msim_group *groups;
    size_t group_capacity;
    size_t group_count;
    struct msim_index group_index;
    uint64_t pushes;
    char stamp[256]; /* of the last push, JSON; "null" before */
};

int msim_store_init(struct msim_store *store, size_t max_rows,
                    const struct msim_allocator *allocator);
void msim_store_finish(struct msim_store *store);

/*
 * Takes memory for all of both tables first: they are kept whole or not at all.  `seal`, which
 * may be NULL, is called when nothing else can fail; its failure is the last word.
 * MSIM_ERR_NOMEM, MSIM_ERR_LIMIT.
 */
int msim_store_add(struct msim_store *store, struct msim_table *const tables[MSIM_TABLE_KINDS],
                   const char *stamp, int (*seal)(void *context), void *context);

/* A row that was kept before, behind those that are there; it is in the sums already. */
struct msim_store_loaded {
    const char *stamp;
    size_t stamp_length;
    const char *symbol;
    size_t symbol_length;
    const char *side;
    size_t side_length;
    const char *strategy;
    size_t strategy_length;
    const char *json;
    size_t json_length;
};
int msim_store_load(struct msim_store *store, enum msim_table_kind kind,
                    const struct msim_store_loaded *loaded);
int msim_store_load_group(struct msim_store *store, const char *symbol, size_t symbol_length,
                          const char *strategy, size_t strategy_length,
                          const struct msim_group *sum);

/* Adds counts and sums. */
void msim_group_join(struct msim_group *sum, const struct msim_group *group);

/* The row of this place, 0 the oldest that is there. */
static inline const struct msim_row *msim_ring_row(const struct msim_ring *ring, size_t place)
{
    return &ring->rows[(ring->first + place) % ring->capacity];
}

/* The number of a name; UINT32_MAX where nobody has it. */
uint32_t msim_store_name(const struct msim_store *store, const char *text, size_t length);

/* The group of this pair, made where it is not there; NULL without memory. */
struct msim_group *msim_store_group(struct msim_store *store, uint32_t symbol, uint32_t strategy);

#endif
