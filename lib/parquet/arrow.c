#include <marketsim/arrow.h>

#include <stdio.h>
#include <string.h>

#include "base/calendar.h"
#include "base/detail.h"
#include "base/mem.h"
#include "parquet/arrow_trades.h"
#include "record/symbols.h"

/* Rows and batches that one pull may look at: whoever pulls comes again. */
#define WORK_ROWS 65536

/* ---- in the stream's own order ---- */

struct arrow_source {
    struct arrow_trades trades;
    struct msim_symbols symbols;
    uint32_t last_symbol;
    uint64_t sequence;
    msim_time last_time;
    bool ended;
    int failure; /* final: told when the good trades before it have been given */
    struct msim_detail failure_detail;
};

/* The same ticker often comes several times in a row. */
static int find_symbol(struct arrow_source *source, const struct spool_trade *trade, uint32_t *id)
{
    size_t length = 0;
    const char *last = msim_symbols_text(&source->symbols, source->last_symbol, &length);

    *id = source->last_symbol;
    if (last && length == trade->ticker_length && memcmp(last, trade->ticker, length) == 0)
        return MSIM_OK;
    int r = msim_symbols_intern(&source->symbols, trade->ticker, trade->ticker_length, id);
    if (r >= 0)
        source->last_symbol = *id;
    return r;
}

static int refuse_early(const struct arrow_source *source, msim_time time,
                        struct msim_detail *detail)
{
    char words[200], now[MSIM_CALENDAR_SIZE], before[MSIM_CALENDAR_SIZE];

    msim_calendar_print(time, MSIM_CALENDAR_ISO, now);
    msim_calendar_print(source->last_time, MSIM_CALENDAR_ISO, before);
    snprintf(words, sizeof words,
             "%s comes behind %s: order the query by it, or let the rows be sorted (sort)", now,
             before);
    return msim_arrow_trades_fail(&source->trades, FIELD_TIMESTAMP, MSIM_ERR_FORMAT, words, detail);
}

static int give(struct arrow_source *source, const struct spool_trade *trade,
                struct msim_record *record)
{
    *record = (struct msim_record){
        .time = trade->time, .sequence = source->sequence, .kind = MSIM_RECORD_TRADE};
    if (trade->time < source->last_time)
        return refuse_early(source, trade->time, &source->failure_detail);
    if (trade->ticker) {
        int r = find_symbol(source, trade, &record->symbol);
        if (r < 0)
            return msim_detail_set(&source->failure_detail, r, "the Arrow stream's tickers: %s",
                                   msim_result_text(r));
    } else {
        record->flags |= MSIM_RECORD_NO_SYMBOL;
    }
    record->flags |= trade->price.is_null ? MSIM_RECORD_NO_PRICE : 0;
    record->flags |= trade->volume.is_null ? MSIM_RECORD_NO_QUANTITY : 0;
    record->price_exponent = trade->price.exponent;
    record->quantity_exponent = trade->volume.exponent;
    record->as.trade = (struct msim_trade_data){.price = trade->price.mantissa,
                                                .quantity = trade->volume.mantissa,
                                                .row = source->trades.row - 1};
    source->last_time = trade->time;
    source->sequence++;
    return MSIM_OK;
}

/* One trade more: 1; 0 where the work is done or the stream at its end. */
static int step(struct arrow_source *source, struct msim_record *record, int64_t *work)
{
    struct spool_trade trade;

    int r = msim_arrow_trades_next(&source->trades, &trade, work, &source->failure_detail);
    if (r == MSIM_ERR_STATE)
        return 0;
    source->ended = r == 0;
    if (r > 0) {
        r = give(source, &trade, record);
        r = r < 0 ? r : 1;
    }
    if (r < 0)
        source->failure = r;
    return r;
}

static int arrow_pull(void *self, struct msim_record *records, size_t capacity, size_t *count,
                      struct msim_detail *detail)
{
    struct arrow_source *source = self;
    int64_t work = WORK_ROWS;
    size_t given = 0;

    while (source->failure >= 0 && !source->ended && given < capacity &&
           step(source, &records[given], &work) > 0)
        given++;
    if (given > 0) {
        *count = given;
        return MSIM_PULL_RECORD;
    }
    if (source->failure < 0)
        return msim_detail_set(detail, source->failure, "%s", source->failure_detail.text);
    return source->ended ? MSIM_PULL_END : MSIM_PULL_EMPTY;
}

static msim_time arrow_next_due(void *self)
{
    const struct arrow_source *source = self;

    return source->ended && source->failure >= 0 ? MSIM_TIME_NEVER : INT64_MIN;
}

static const char *arrow_symbol(void *self, uint32_t id, size_t *length)
{
    struct arrow_source *source = self;

    return msim_symbols_text(&source->symbols, id, length);
}

static void arrow_release(void *self)
{
    struct arrow_source *source = self;
    struct msim_allocator allocator = source->trades.allocator;

    msim_arrow_trades_finish(&source->trades);
    msim_symbols_finish(&source->symbols);
    msim_mem_free(&allocator, source, sizeof *source);
}

static const struct msim_source_ops arrow_ops = {
    .pull = arrow_pull,
    .next_due = arrow_next_due,
    .symbol = arrow_symbol,
    .release = arrow_release,
};

static int open_in_order(struct msim_source *out, struct ArrowArrayStream *stream,
                         const struct msim_source_arrow_params *params, struct msim_detail *detail)
{
    struct msim_allocator allocator = msim_mem_allocator(params->allocator);
    struct arrow_source *source = msim_mem_zero(&allocator, sizeof *source);

    if (!source)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "%s", msim_result_text(MSIM_ERR_NOMEM));
    int r = msim_arrow_trades_init(&source->trades, stream, params, detail);
    if (r < 0) {
        msim_mem_free(&allocator, source, sizeof *source);
        return r;
    }
    msim_symbols_init(&source->symbols, MSIM_SYMBOLS_LIMIT, &allocator);
    source->last_time = INT64_MIN;
    *out = (struct msim_source){.ops = &arrow_ops, .self = source};
    return MSIM_OK;
}

/* ---- put in order ---- */

struct sorted_source {
    struct msim_allocator allocator;
    struct msim_parquet *parquet;
    struct msim_source inner;
    uint64_t left_out;
};

static int sorted_pull(void *self, struct msim_record *records, size_t capacity, size_t *count,
                       struct msim_detail *detail)
{
    struct sorted_source *source = self;

    return msim_source_pull(&source->inner, records, capacity, count, detail);
}

static msim_time sorted_next_due(void *self)
{
    struct sorted_source *source = self;

    return msim_source_next_due(&source->inner);
}

static const char *sorted_symbol(void *self, uint32_t id, size_t *length)
{
    struct sorted_source *source = self;

    return msim_source_symbol(&source->inner, id, length);
}

static void sorted_release(void *self)
{
    struct sorted_source *source = self;
    struct msim_allocator allocator = source->allocator;

    msim_source_release(&source->inner);
    msim_parquet_close(&source->parquet);
    msim_mem_free(&allocator, source, sizeof *source);
}

static const struct msim_source_ops sorted_ops = {
    .pull = sorted_pull,
    .next_due = sorted_next_due,
    .symbol = sorted_symbol,
    .release = sorted_release,
};

static int fill(void *context, struct spool *spool, struct msim_detail *detail)
{
    struct arrow_trades *trades = context;
    struct spool_trade trade;

    for (;;) {
        int64_t work = WORK_ROWS;
        int r = msim_arrow_trades_next(trades, &trade, &work, detail);
        if (r == MSIM_ERR_STATE)
            continue;
        if (r <= 0)
            return r;
        r = msim_spool_add(spool, &trade);
        if (r < 0)
            return msim_detail_set(detail, r, "the Arrow stream's rows: %s",
                                   spool->words.text[0] ? spool->words.text : msim_result_text(r));
    }
}

/* Reads the stream to its end. */
static int read_all(struct sorted_source *source, struct arrow_trades *trades,
                    const struct msim_source_arrow_params *params, struct msim_detail *detail)
{
    struct msim_parquet_params data = MSIM_PARQUET_PARAMS_INIT;

    data.memory_bytes = params->memory_bytes;
    data.temp_directory = params->temp_directory;
    data.allocator = params->allocator;
    int r =
        msim_parquet_open_trades(&source->parquet, &data, "the Arrow stream", fill, trades, detail);
    if (r >= 0)
        r = msim_parquet_source(&source->inner, source->parquet, NULL, detail);
    source->left_out = trades->left_out;
    return r;
}

static int open_sorted(struct msim_source *out, struct ArrowArrayStream *stream,
                       const struct msim_source_arrow_params *params, struct msim_detail *detail)
{
    struct msim_allocator allocator = msim_mem_allocator(params->allocator);
    struct sorted_source *source = msim_mem_zero(&allocator, sizeof *source);
    struct arrow_trades trades;

    if (!source)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "%s", msim_result_text(MSIM_ERR_NOMEM));
    source->allocator = allocator;
    int r = msim_arrow_trades_init(&trades, stream, params, detail);
    if (r < 0) {
        sorted_release(source);
        return r;
    }
    r = read_all(source, &trades, params, detail);
    if (r < 0) {
        /* It stays the caller's. */
        *stream = trades.stream;
        trades.stream.release = NULL;
        sorted_release(source);
        source = NULL;
    }
    msim_arrow_trades_finish(&trades);
    if (r >= 0)
        *out = (struct msim_source){.ops = &sorted_ops, .self = source};
    return r < 0 ? r : MSIM_OK;
}

/* ---- both ---- */

int msim_source_from_arrow(struct msim_source *out, struct ArrowArrayStream *stream,
                           const struct msim_source_arrow_params *params,
                           struct msim_detail *detail)
{
    const struct msim_source_arrow_params defaults = MSIM_SOURCE_ARROW_PARAMS_INIT;

    if (!params)
        params = &defaults;
    if (params->size != sizeof *params || params->timestamp_unit < 0)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "params must come from MSIM_SOURCE_ARROW_PARAMS_INIT");
    if (!out || !stream || !stream->release || !stream->get_schema || !stream->get_next)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "the Arrow stream was released, or is none");
    return params->sort ? open_sorted(out, stream, params, detail)
                        : open_in_order(out, stream, params, detail);
}

uint64_t msim_source_arrow_bad_rows(const struct msim_source *source)
{
    if (source && source->ops == &arrow_ops)
        return ((const struct arrow_source *)source->self)->trades.left_out;
    if (source && source->ops == &sorted_ops)
        return ((const struct sorted_source *)source->self)->left_out;
    return 0;
}
