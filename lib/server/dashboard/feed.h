/*
 * What servers of market data say, read as one thing: trades, tickers, books.
 *
 * A message tells by itself whose it is: the exchange's, a replay's, the quotes feed's or
 * Polygon's.  It is foreign: what is no JSON, has no symbol or a number that 18 digits do not hold
 * is passed over as a whole or in that part, and never believed.
 */
#ifndef MSIM_SERVER_DASHBOARD_FEED_H
#define MSIM_SERVER_DASHBOARD_FEED_H

#include <marketsim/base.h>

/* Longer names are no symbols. */
#define MSIM_FEED_SYMBOL_SIZE 65

/* Levels of each side; deeper ones are passed over. */
#define MSIM_FEED_LEVELS 25

/* Words of a server for people; cut. */
#define MSIM_FEED_WORDS_SIZE 128

enum msim_feed_dialect {
    MSIM_FEED_OTHER = 0, /* JSON, and none of these */
    MSIM_FEED_EXCHANGE,
    MSIM_FEED_REPLAY,
    MSIM_FEED_QUOTES,
    MSIM_FEED_POLYGON,
};

struct msim_feed_number {
    int64_t mantissa;
    int8_t exponent; /* -18..0 */
    bool is_known;
};

struct msim_feed_level {
    struct msim_feed_number price;
    struct msim_feed_number size;
};

enum msim_feed_kind {
    MSIM_FEED_TRADE,      /* price, size, side */
    MSIM_FEED_TICKER,     /* whatever of the rest is known */
    MSIM_FEED_BOOK,       /* the levels, the best first */
    MSIM_FEED_SUBSCRIBED, /* `words` is the channel */
    MSIM_FEED_STATUS,     /* `words` */
    MSIM_FEED_ERROR,      /* `words` */
};

enum msim_feed_side {
    MSIM_FEED_NO_SIDE,
    MSIM_FEED_BUY,
    MSIM_FEED_SELL,
};

struct msim_feed_event {
    enum msim_feed_kind kind;
    char symbol[MSIM_FEED_SYMBOL_SIZE];
    char words[MSIM_FEED_WORDS_SIZE];
    msim_time time;   /* 0: not told */
    int64_t sequence; /* of its channel and symbol; 0: not told */
    enum msim_feed_side side;
    struct msim_feed_number price;
    struct msim_feed_number size;
    struct msim_feed_number bid;
    struct msim_feed_number ask;
    struct msim_feed_number bid_size;
    struct msim_feed_number ask_size;
    struct msim_feed_number volume;
    struct msim_feed_number high;
    struct msim_feed_number low;
    size_t bid_count;
    size_t ask_count;
    struct msim_feed_level bids[MSIM_FEED_LEVELS];
    struct msim_feed_level asks[MSIM_FEED_LEVELS];
};

/*
 * Tells of each event in a message, in order; `event` is borrowed for the call.  Returns the
 * dialect, or MSIM_ERR_FORMAT or MSIM_ERR_LIMIT for what is no JSON or is too deep: nothing was
 * told then.
 */
int msim_feed_read(const char *text, size_t length,
                   void (*take)(void *context, const struct msim_feed_event *event), void *context);

#endif
