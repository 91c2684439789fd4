/*
 * Market data as plain data: 64 bytes, no pointer inside, copied by `=`.
 *
 * A record names its symbol by a number that its source gave out; prices and
 * quantities are mantissas with the record's own exponents, since files hold
 * what they hold.
 */
#ifndef MARKETSIM_RECORD_H
#define MARKETSIM_RECORD_H

#include <marketsim/base.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MSIM_EXPONENT_MIN (-18)
#define MSIM_EXPONENT_MAX 0

enum msim_record_kind {
    MSIM_RECORD_TRADE = 1,
    MSIM_RECORD_QUOTE = 2,
    MSIM_RECORD_BAR = 3,
};

/* What a file left empty: the mantissa is zero and the value prints as null. */
enum msim_record_flag {
    MSIM_RECORD_NO_PRICE = 1,
    MSIM_RECORD_NO_QUANTITY = 2,
    MSIM_RECORD_NO_SYMBOL = 4,
};

enum msim_side {
    MSIM_SIDE_NONE = 0,
    MSIM_SIDE_BUY = 1,
    MSIM_SIDE_SELL = 2,
};

struct msim_trade_data {
    msim_price price;
    msim_qty quantity;
    uint64_t row; /* handle of the source's further columns, valid until its next pull */
    uint64_t id;  /* the trade's number, 0 where the source has none */
    uint8_t side; /* enum msim_side: the taker's */
    uint8_t reserved[7];
};

struct msim_quote_data {
    msim_price bid;
    msim_price ask;
    msim_qty bid_quantity;
    msim_qty ask_quantity;
    uint64_t id;
};

struct msim_bar_data {
    msim_price open;
    msim_price high;
    msim_price low;
    msim_price close;
    msim_qty volume;
};

struct msim_record {
    msim_time time;
    uint64_t sequence;        /* dense from 0 in the order in which the source gave the records */
    uint32_t symbol;          /* index into the source's symbol table */
    uint8_t kind;             /* enum msim_record_kind */
    uint8_t flags;            /* enum msim_record_flag */
    int8_t price_exponent;    /* -18..0: the price is mantissa * 10^exponent */
    int8_t quantity_exponent; /* -18..0 */
    union {
        struct msim_trade_data trade;
        struct msim_quote_data quote;
        struct msim_bar_data bar;
    } as;
};

/* "trade", "quote", "bar"; "unknown" for anything else. */
MSIM_API const char *msim_record_kind_name(uint8_t kind);

/*
 * One line of text for a person or a golden file, such as
 * `2022-07-01 00:00:29.338000 trade BTC-USDT@BYBIT 19230.5 x 0.25`.
 * `symbol` may be NULL where the source names none.  Writes at most `size` bytes
 * with the terminator and returns the length that the whole line has, as
 * snprintf does.
 */
MSIM_API size_t msim_record_print(const struct msim_record *record, const char *symbol, char *out,
                                  size_t size);

#ifdef __cplusplus
}
#endif

#endif
