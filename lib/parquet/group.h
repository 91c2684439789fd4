/*
 * A row group's columns, read together in batches.
 */
#ifndef MSIM_PARQUET_GROUP_H
#define MSIM_PARQUET_GROUP_H

#include <marketsim/base.h>

#include "parquet/dataset.h"
#include "parquet/trade.h"
#include "parquet/values.h"

/* Prices, volumes and names of a row group. */
struct group {
    struct msim_parquet *parquet;
    uint32_t rank;
    uint64_t row; /* the next to be read */
    struct msim_numbers price;
    struct msim_numbers volume;
    struct msim_name_column ticker;
};

/* Where rows go, or lie: places for each, row 0 first. */
struct columns {
    int64_t *prices;
    int64_t *volumes;
    uint32_t *names;
    uint8_t *flags;
    int8_t *price_exponents; /* NULL: all are as the one below says */
    int8_t *volume_exponents;
    int8_t price_exponent;
    int8_t volume_exponent;
};

/* Room for a batch. */
struct batch {
    int64_t prices[MSIM_COLUMN_BATCH];
    int64_t volumes[MSIM_COLUMN_BATCH];
    uint32_t names[MSIM_COLUMN_BATCH];
    uint8_t flags[MSIM_COLUMN_BATCH];
    int8_t price_exponents[MSIM_COLUMN_BATCH];
    int8_t volume_exponents[MSIM_COLUMN_BATCH];
};

/* The tickers of a file's row group, by its column or by the name of them all. */
int msim_group_open_names(struct msim_name_column *column, struct msim_names *names,
                          const struct trade_file *trades, struct msim_reader *reader, size_t group,
                          struct msim_detail *detail);

int msim_group_open(struct group *group, struct msim_parquet *parquet, struct msim_reader *reader,
                    uint32_t rank, struct msim_detail *detail);

/* Harmless on one that is zero or closed. */
void msim_group_close(struct group *group);

/* The batch as columns for the group's rows. */
struct columns msim_group_columns(const struct group *group, struct batch *batch);

/*
 * The next `count` rows, which the group must have, at most MSIM_COLUMN_BATCH, into the columns
 * from row `at` on; what the rows' flags say already stays.
 */
int msim_group_read(struct group *group, size_t count, const struct columns *columns, size_t at,
                    struct bad_row *bad, struct msim_detail *detail);

/* Leaves out `rows` rows. */
int msim_group_pass(struct group *group, uint64_t rows, struct msim_detail *detail);

/* Where the rows of columns stand, beside them. */
struct column_rows {
    const msim_time *times;
    uint64_t first_row; /* of all files: the columns' row 0 */
};

/* Whether exponents differ from row to row: a constant for whoever asks once for many. */
static inline bool msim_columns_vary(const struct columns *columns)
{
    return columns->price_exponents || columns->volume_exponents;
}

/* Row `i` of the columns as a trade. */
static inline __attribute__((always_inline)) void msim_columns_trade(const struct columns *columns,
                                                                     struct column_rows rows,
                                                                     size_t i, bool vary,
                                                                     struct trade *out)
{
    out->time = rows.times[i];
    out->price = columns->prices[i];
    out->quantity = columns->volumes[i];
    out->row = rows.first_row + i;
    out->name = columns->names[i];
    out->flags = columns->flags[i];
    out->price_exponent =
        vary && columns->price_exponents ? columns->price_exponents[i] : columns->price_exponent;
    out->quantity_exponent =
        vary && columns->volume_exponents ? columns->volume_exponents[i] : columns->volume_exponent;
    out->unused = 0;
}

/* ---- what the data set says of a group ---- */

static inline const struct trade_file *msim_zone_file(const struct msim_parquet *parquet,
                                                      uint32_t rank)
{
    return &parquet->files[parquet->zones[rank].file];
}

/* The group's first row among the rows of all files. */
static inline uint64_t msim_zone_first_row(const struct msim_parquet *parquet, uint32_t rank)
{
    const struct trade_file *trades = msim_zone_file(parquet, rank);

    return trades->first_row +
           (uint64_t)trades->footer.groups[parquet->zones[rank].group].first_row;
}

/* What one of the group's timestamps counts, in nanoseconds. */
static inline int64_t msim_zone_unit(const struct msim_parquet *parquet, uint32_t rank)
{
    const struct trade_file *trades = msim_zone_file(parquet, rank);

    return trades->footer.leaves[trades->leaves[FIELD_TIMESTAMP]].nanoseconds;
}

/* The place of a failure that concerns the group as a whole. */
static inline struct place msim_zone_place(const struct msim_parquet *parquet, uint32_t rank)
{
    return (struct place){.file = msim_zone_file(parquet, rank)->file.path,
                          .group = (int64_t)parquet->zones[rank].group,
                          .page = -1};
}

#endif
