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

/* Where a batch goes: each with room for MSIM_COLUMN_BATCH rows. */
struct batch {
    int64_t prices[MSIM_COLUMN_BATCH];
    int64_t volumes[MSIM_COLUMN_BATCH];
    uint32_t names[MSIM_COLUMN_BATCH];
    uint8_t flags[MSIM_COLUMN_BATCH];
    int8_t price_exponents[MSIM_COLUMN_BATCH]; /* where the column's numbers vary in theirs */
    int8_t volume_exponents[MSIM_COLUMN_BATCH];
};

int msim_group_open(struct group *group, struct msim_parquet *parquet, struct msim_reader *reader,
                    uint32_t rank, struct msim_detail *detail);

/* Harmless on one that is zero or closed. */
void msim_group_close(struct group *group);

/*
 * The next `count` rows, which the group must have, at most MSIM_COLUMN_BATCH; what the rows'
 * flags say already stays.
 */
int msim_group_read(struct group *group, size_t count, struct batch *batch, struct bad_row *bad,
                    struct msim_detail *detail);

/* Leaves out `rows` rows. */
int msim_group_pass(struct group *group, uint64_t rows, struct msim_detail *detail);

/* Where the rows of a batch stand, beside their columns. */
struct batch_rows {
    const msim_time *times;
    uint64_t first_row; /* of all files: the batch's row 0 */
};

/* Row `i` of the batch as a trade. */
static inline __attribute__((always_inline)) void msim_group_trade(const struct group *group,
                                                                   const struct batch *batch,
                                                                   struct batch_rows rows, size_t i,
                                                                   bool varies, struct trade *out)
{
    out->time = rows.times[i];
    out->price = batch->prices[i];
    out->quantity = batch->volumes[i];
    out->row = rows.first_row + i;
    out->name = batch->names[i];
    out->flags = batch->flags[i];
    out->price_exponent =
        varies && group->price.varies ? batch->price_exponents[i] : group->price.exponent;
    out->quantity_exponent =
        varies && group->volume.varies ? batch->volume_exponents[i] : group->volume.exponent;
    out->unused = 0;
}

/* Whether exponents differ from row to row: a constant for whoever asks once for a batch. */
static inline bool msim_group_varies(const struct group *group)
{
    return group->price.varies || group->volume.varies;
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
