#include "cli/recording.h"

#include "base/detail.h"
#include "base/number.h"

static const struct msim_parquet_column trade_columns[] = {
    {.name = "timestamp", .type = MSIM_PARQUET_TIMESTAMP_NS},
    {.name = "price", .type = MSIM_PARQUET_DOUBLE},
    {.name = "volume", .type = MSIM_PARQUET_INT64},
    {.name = "ticker", .type = MSIM_PARQUET_STRING},
};

static const struct msim_parquet_column quote_columns[] = {
    {.name = "timestamp", .type = MSIM_PARQUET_TIMESTAMP_NS},
    {.name = "bid", .type = MSIM_PARQUET_DOUBLE},
    {.name = "ask", .type = MSIM_PARQUET_DOUBLE},
    {.name = "bid_size", .type = MSIM_PARQUET_INT64},
    {.name = "ask_size", .type = MSIM_PARQUET_INT64},
    {.name = "ticker", .type = MSIM_PARQUET_STRING},
};

static int open_one(struct msim_parquet_writer **out, const char *path,
                    const struct msim_parquet_column *columns, size_t count,
                    struct msim_detail *detail)
{
    struct msim_parquet_writer_params params = MSIM_PARQUET_WRITER_PARAMS_INIT;

    if (!path)
        return MSIM_OK;
    params.path = path;
    params.columns = columns;
    params.column_count = count;
    params.codec = MSIM_PARQUET_CODEC_ZSTD;
    int r = msim_parquet_writer_create(out, &params, detail);
    if (r != MSIM_ERR_UNSUPPORTED)
        return r;
    params.codec = MSIM_PARQUET_CODEC_NONE; /* this build has no zstd */
    return msim_parquet_writer_create(out, &params, detail);
}

int recording_open(struct recording *recording, const char *trades_path, const char *quotes_path,
                   struct msim_detail *detail)
{
    *recording = (struct recording){0};
    int r = open_one(&recording->trades, trades_path, trade_columns,
                     sizeof trade_columns / sizeof trade_columns[0], detail);
    if (r >= 0)
        r = open_one(&recording->quotes, quotes_path, quote_columns,
                     sizeof quote_columns / sizeof quote_columns[0], detail);
    return r;
}

/* The nearest double: its shortest text is the decimal again, as long as it has 15 digits or less.
 */
static struct msim_parquet_value price(msim_price mantissa, int exponent)
{
    return (struct msim_parquet_value){.number = (double)mantissa / (double)msim_pow10[-exponent]};
}

static struct msim_parquet_value integer(int64_t value)
{
    return (struct msim_parquet_value){.integer = value};
}

int recording_add(struct recording *recording, const struct msim_record *record, const char *symbol,
                  size_t symbol_length, struct msim_detail *detail)
{
    struct msim_parquet_value ticker = {.text = symbol, .text_length = symbol_length};
    int exponent = record->price_exponent;

    if (record->quantity_exponent != 0)
        return msim_detail_set(detail, MSIM_ERR_UNSUPPORTED,
                               "a recording holds whole quantities; %s has fractions", symbol);
    if (record->kind == MSIM_RECORD_TRADE && recording->trades) {
        const struct msim_parquet_value row[] = {
            integer(record->time),
            price(record->as.trade.price, exponent),
            integer(record->as.trade.quantity),
            ticker,
        };
        return msim_parquet_writer_row(recording->trades, row, detail);
    }
    if (record->kind == MSIM_RECORD_QUOTE && recording->quotes) {
        const struct msim_parquet_value row[] = {
            integer(record->time),
            price(record->as.quote.bid, exponent),
            price(record->as.quote.ask, exponent),
            integer(record->as.quote.bid_quantity),
            integer(record->as.quote.ask_quantity),
            ticker,
        };
        return msim_parquet_writer_row(recording->quotes, row, detail);
    }
    return MSIM_OK;
}

int recording_finish(struct recording *recording, struct msim_detail *detail)
{
    int r = recording->trades ? msim_parquet_writer_finish(recording->trades, detail) : MSIM_OK;

    if (r >= 0 && recording->quotes)
        r = msim_parquet_writer_finish(recording->quotes, detail);
    return r;
}

void recording_close(struct recording *recording)
{
    msim_parquet_writer_destroy(&recording->trades);
    msim_parquet_writer_destroy(&recording->quotes);
}
