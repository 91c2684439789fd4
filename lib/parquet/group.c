#include "parquet/group.h"

int msim_group_open_names(struct msim_name_column *column, struct msim_names *names,
                          const struct trade_file *trades, struct msim_reader *reader, size_t group,
                          struct msim_detail *detail)
{
    const struct ticker_name *ticker = trades->ticker;

    if (ticker)
        return msim_name_column_constant(column, names, ticker->text, ticker->length, detail);
    return msim_name_column_open(column, names, reader, &trades->file, &trades->footer, group,
                                 trades->leaves[FIELD_TICKER], detail);
}

int msim_group_open(struct group *group, struct msim_parquet *parquet, struct msim_reader *reader,
                    uint32_t rank, struct msim_detail *detail)
{
    const struct trade_file *trades = msim_zone_file(parquet, rank);
    size_t number = parquet->zones[rank].group;

    *group = (struct group){.parquet = parquet, .rank = rank};
    int r = msim_numbers_open(&group->price, reader, &trades->file, &trades->footer, number,
                              trades->leaves[FIELD_PRICE], MSIM_RECORD_NO_PRICE, detail);
    if (r >= 0)
        r = msim_numbers_open(&group->volume, reader, &trades->file, &trades->footer, number,
                              trades->leaves[FIELD_VOLUME], MSIM_RECORD_NO_QUANTITY, detail);
    if (r >= 0)
        r = msim_group_open_names(&group->ticker, &parquet->names, trades, reader, number, detail);
    return r;
}

void msim_group_close(struct group *group)
{
    msim_numbers_close(&group->price);
    msim_numbers_close(&group->volume);
    msim_name_column_close(&group->ticker);
}

struct columns msim_group_columns(const struct group *group, struct batch *batch)
{
    return (struct columns){
        .prices = batch->prices,
        .volumes = batch->volumes,
        .names = batch->names,
        .flags = batch->flags,
        .price_exponents = group->price.varies ? batch->price_exponents : NULL,
        .volume_exponents = group->volume.varies ? batch->volume_exponents : NULL,
        .price_exponent = group->price.exponent,
        .volume_exponent = group->volume.exponent,
    };
}

static int8_t *exponents_from(int8_t *exponents, size_t at)
{
    return exponents ? exponents + at : NULL;
}

int msim_group_read(struct group *group, size_t count, const struct columns *columns, size_t at,
                    struct bad_row *bad, struct msim_detail *detail)
{
    uint8_t *flags = columns->flags + at;

    int r = msim_numbers_read(&group->price, count, group->row, columns->prices + at,
                              exponents_from(columns->price_exponents, at), flags, bad, detail);
    if (r >= 0)
        r = msim_numbers_read(&group->volume, count, group->row, columns->volumes + at,
                              exponents_from(columns->volume_exponents, at), flags, bad, detail);
    if (r >= 0)
        r = msim_name_column_read(&group->ticker, count, group->row, columns->names + at, flags,
                                  bad, detail);
    if (r >= 0)
        group->row += count;
    return r;
}

int msim_group_pass(struct group *group, uint64_t rows, struct msim_detail *detail)
{
    int r = msim_column_pass(&group->price.column, rows, detail);
    if (r >= 0)
        r = msim_column_pass(&group->volume.column, rows, detail);
    if (r >= 0)
        r = msim_name_column_pass(&group->ticker, rows, detail);
    if (r >= 0)
        group->row += rows;
    return r;
}
