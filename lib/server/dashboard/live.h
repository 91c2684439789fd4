/*
 * What is known of the markets that are being looked at: their tickers, their books, the tape of
 * the latest trades, and bars of a second that go to the page's market data.
 *
 * What comes is only noted.  Whoever tells it to the page does so now and then, with what has
 * changed since: however much comes, no more leaves than one ticker and one book of each market.
 */
#ifndef MSIM_SERVER_DASHBOARD_LIVE_H
#define MSIM_SERVER_DASHBOARD_LIVE_H

#include <marketsim/socketio.h>

#include "base/bytes.h"
#include "server/dashboard/exact.h"
#include "server/dashboard/feed.h"

/* Markets of all feeds together; trades and books of further ones are passed over and counted. */
#define MSIM_LIVE_MARKETS_MAX 1024

/* Feeds: numbered from 0.  Each has its share of the markets, so that none takes another's. */
#define MSIM_LIVE_FEEDS_MAX 16

/*
 * Events in a row of one market that are older than another was, by their number or their second:
 * then it was that one which was wrong, since a link may spoil a digit, or the feed began anew.
 */
#define MSIM_LIVE_MOST_OLD 100

/* Trades on the tape; of more between two looks the oldest are counted alone. */
#define MSIM_LIVE_TAPE 200

/* Bars that wait, as CSV; beyond it they are lost and counted. */
#define MSIM_LIVE_BARS_MAX ((size_t)2 << 20)

/* A symbol; symbol@host:port where there is one of that name, symbol@host:port#2 and so on. */
#define MSIM_LIVE_NAME_SIZE (MSIM_FEED_SYMBOL_SIZE + 64)

#define MSIM_LIVE_SLOTS 512

struct msim_live_bar {
    msim_time start; /* 0: none yet */
    struct msim_feed_number open;
    struct msim_feed_number high;
    struct msim_feed_number low;
    struct msim_feed_number close;
    struct msim_exact volume;
    bool has_volume;
    bool is_changed; /* since it was given */
    bool is_resting; /* it has not changed since the look before */
    uint32_t late;   /* trades in a row that were of seconds before */
};

struct msim_live_market {
    struct msim_live_market *next_same; /* in its slot */
    size_t feed;
    char symbol[MSIM_FEED_SYMBOL_SIZE];
    char name[MSIM_LIVE_NAME_SIZE];
    struct msim_feed_number last;
    struct msim_feed_number bid;
    struct msim_feed_number ask;
    struct msim_feed_number bid_size;
    struct msim_feed_number ask_size;
    struct msim_feed_number open; /* the first price that was seen */
    struct msim_feed_number high;
    struct msim_feed_number low;
    struct msim_feed_number volume; /* as told; else the sum below */
    struct msim_exact traded;
    bool has_traded;
    enum msim_feed_side side; /* of the last trade */
    msim_time time;
    int64_t sequences[3]; /* the latest of each kind of event */
    uint32_t old[3];      /* events in a row that were before it */
    struct msim_live_bar bar;
    size_t bid_count;
    size_t ask_count;
    struct msim_feed_level bids[MSIM_FEED_LEVELS];
    struct msim_feed_level asks[MSIM_FEED_LEVELS];
    bool is_changed; /* the ticker */
    bool is_book_changed;
    struct msim_socketio_room *watchers; /* of the book; NULL: there was none yet */
};

struct msim_live_trade {
    const struct msim_live_market *market;
    msim_time time;
    struct msim_feed_number price;
    struct msim_feed_number size;
    enum msim_feed_side side;
};

struct msim_live {
    struct msim_allocator allocator;
    struct msim_live_market *markets[MSIM_LIVE_MARKETS_MAX];
    size_t market_count;
    size_t share;                       /* of one feed */
    size_t counts[MSIM_LIVE_FEEDS_MAX]; /* of each feed's markets */
    struct msim_live_market *slots[MSIM_LIVE_SLOTS];
    struct msim_live_trade tape[MSIM_LIVE_TAPE]; /* a ring */
    uint64_t trades;                             /* that came */
    uint64_t told;                               /* of these, that the page was told of */
    struct msim_bytes bars;                      /* lines of CSV */
    bool is_changed;
    uint64_t left_aside; /* events of markets beyond the bounds */
    uint64_t lost_bars;
};

void msim_live_init(struct msim_live *live, size_t feed_count,
                    const struct msim_allocator *allocator);
void msim_live_finish(struct msim_live *live);

/* The market of this name; NULL where there is none. */
struct msim_live_market *msim_live_find(const struct msim_live *live, const char *name);

/*
 * An event of a feed; `place` is its "host:port", for a symbol that another feed has already.
 * `now` is the wall's time, for those who tell none.  MSIM_ERR_NOMEM.
 */
int msim_live_take(struct msim_live *live, size_t feed, const char *place,
                   const struct msim_feed_event *event, msim_time now);

/* A feed has begun anew: what comes may have been told before, and sums begin at 0. */
void msim_live_restart(struct msim_live *live, size_t feed);

/* {"tickers":[...],"trades":[...],"skipped":N}: what has changed, which is told by that. */
int msim_live_write_changes(struct msim_live *live, struct msim_bytes *out);

/* "tickers":[...],"trades":[...]: all that is known. */
int msim_live_write_all(const struct msim_live *live, struct msim_bytes *out);

/* {"symbol":...,"bids":[[price,size],...],"asks":[...]}; a market without a book has its quote. */
int msim_live_write_book(const struct msim_live_market *market, struct msim_bytes *out);

/*
 * Lines of CSV of the bars that are done, or rest, go to the end of `live->bars`; whoever takes
 * them from there has them.
 */
void msim_live_close_bars(struct msim_live *live);

/* Its columns, with a line's end. */
extern const char msim_live_bars_header[];

#endif
