/*
 * Trades out of the record batches of an Arrow stream, one after the other, in its own order.
 */
#ifndef MSIM_PARQUET_ARROW_TRADES_H
#define MSIM_PARQUET_ARROW_TRADES_H

#include "parquet/arrow_layout.h"
#include "parquet/dataset.h"
#include "parquet/spool.h"
#include "parquet/written.h"

struct arrow_trades {
    struct msim_allocator allocator;
    struct ArrowArrayStream stream;
    struct arrow_column columns[FIELD_COUNT];
    char *names[FIELD_COUNT];
    int field_count; /* without FIELD_TICKER, the last one, where that is given by name */
    struct ticker_name ticker;
    int64_t column_count; /* of the stream */
    int64_t unit;         /* of integers that are moments */
    bool skips;
    struct ArrowArray batch; /* the one at hand; `release` is NULL where there is none */
    const uint8_t *present;  /* of the batch's rows */
    int64_t batch_row;       /* the next one */
    uint64_t batch_number;
    uint64_t row; /* of the stream: the next one */
    uint64_t left_out;
    int hints[FIELD_COUNT];
    struct written_day day;
};

/*
 * Reads the schema.  On success the stream is moved into it: the caller's has no `release` any
 * more.
 */
int msim_arrow_trades_init(struct arrow_trades *trades, struct ArrowArrayStream *stream,
                           const struct msim_source_arrow_params *params,
                           struct msim_detail *detail);
void msim_arrow_trades_finish(struct arrow_trades *trades);

/*
 * The next trade, whose texts are borrowed until the next call: 1; 0 at the end.  `*work` counts
 * down rows and batches that were looked at: MSIM_ERR_STATE, without words, where it is used up.
 */
int msim_arrow_trades_next(struct arrow_trades *trades, struct spool_trade *trade, int64_t *work,
                           struct msim_detail *detail);

/* The last trade's place and name in words: "record batch 2, row 5 (row 70 of the stream)". */
int msim_arrow_trades_fail(const struct arrow_trades *trades, enum trade_field field, int result,
                           const char *words, struct msim_detail *detail);

#endif
