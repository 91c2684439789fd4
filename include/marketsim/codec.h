/*
 * Codecs: records to the bytes of a dialect, and back.  Nothing else is in them:
 * no socket, no subscription, no clock.
 */
#ifndef MARKETSIM_CODEC_H
#define MARKETSIM_CODEC_H

#include <marketsim/base.h>
#include <marketsim/record.h>
#include <marketsim/source.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the replay feed: one JSON object for each trade ---- */

/*
 * `{"timestamp": "2022-07-01 00:00:29.338000", "price": 6035000, "volume": 1000000000000,
 *   "ticker": "10000NFT-USDT-SWAP@BYBIT"}` on one line, as Python's json.dumps writes it:
 * text beyond ASCII is escaped.  What a file left empty is null.
 */
struct msim_replay_encoder;

/* `source` gives the symbols' texts and is borrowed as long as the encoder lives. */
MSIM_API int msim_replay_encoder_create(struct msim_replay_encoder **out,
                                        struct msim_source *source,
                                        const struct msim_allocator *allocator);
MSIM_API void msim_replay_encoder_destroy(struct msim_replay_encoder **encoder);

/*
 * Writes a trade's object to `out` without a terminator; its length is in `*length`.
 * MSIM_ERR_LIMIT where `capacity` is too small: `*length` is then what it takes.
 * MSIM_ERR_INVALID for a record that is no trade or bears an unknown symbol.
 */
MSIM_API int msim_replay_encode(struct msim_replay_encoder *encoder,
                                const struct msim_record *record, char *out, size_t capacity,
                                size_t *length);

/* What a message of the replay feed is. */
enum msim_replay_message_kind {
    MSIM_REPLAY_TRADE = 1,
    MSIM_REPLAY_STATUS = 2,
    MSIM_REPLAY_ERROR = 3,
};

struct msim_replay_message {
    enum msim_replay_message_kind kind;
    struct msim_record record; /* of a trade; its symbol is `text` */
    const char *text;          /* ticker, status or error; borrowed from `scratch` */
    size_t text_length;
};

/*
 * Reads one message of the feed.  `scratch` must have room for `length` bytes.
 * MSIM_ERR_FORMAT: not JSON, with the byte in the detail.  MSIM_ERR_INVALID: JSON, but not a
 * message of this feed.  MSIM_ERR_OVERFLOW: a number that int64 and 18 digits do not hold.
 */
MSIM_API int msim_replay_decode(const char *bytes, size_t length, struct msim_replay_message *out,
                                char *scratch, struct msim_detail *detail);

/* ---- what is fixed for a symbol, in the dialects of vendors ---- */

#define MSIM_LISTING_TEXT_SIZE 152

/*
 * Made once for each symbol.  Records bear no exchange codes: which venue of the tape a
 * quote or a trade is from is a function of the symbol and of the record's own number.
 */
struct msim_listing {
    char text[MSIM_LISTING_TEXT_SIZE]; /* the name as a JSON string, with its quotes */
    uint16_t text_length;
    uint8_t tape;          /* 1: NYSE, 2: regional, 3: Nasdaq */
    msim_qty lot;          /* a round lot, in mantissas of the records' quantities: 100 */
    uint64_t request_key;  /* of the request ids */
    uint64_t exchange_key; /* of the exchange codes */
};

/* MSIM_ERR_INVALID for an empty name, MSIM_ERR_LIMIT for one too long for `text`. */
MSIM_API int msim_listing_init(struct msim_listing *listing, uint64_t seed, const char *symbol,
                               size_t length);

/* ---- the quotes feed: a trade and the quote it took place at ---- */

/* No event is longer. */
#define MSIM_QUOTES_EVENT_MAX 640

/*
 * `{"request_id":"b84e...","results":{"P":127.98,"S":7,"T":"AAPL","X":19,"p":127.96,"q":83480742,
 *   "s":1,"t":1617827221349730300,"x":11,"y":1617827221349366000,"z":3},"status":"OK"}`
 * on one line without spaces.  `quote` is the symbol's last one before `trade`.
 *
 * No terminator; the length is in `*length`.  MSIM_ERR_LIMIT where `capacity` is too small,
 * MSIM_ERR_INVALID for records of another kind or a quote that is later than its trade.
 */
MSIM_API int msim_quotes_encode(const struct msim_listing *listing, const struct msim_record *quote,
                                const struct msim_record *trade, char *out, size_t capacity,
                                size_t *length);

/* What a client shows of an event; texts are borrowed from `scratch` and terminated. */
struct msim_quotes_message {
    const char *request_id;
    const char *status;
    const char *symbol;
    msim_price price; /* of the last trade; each price with its own exponent */
    msim_price bid;
    int price_exponent;
    int bid_exponent;
    int64_t bid_size;
    int64_t ask_size;
    msim_time trade_time;
    msim_time quote_time;
};

/*
 * Reads one event; keys in any order, foreign ones passed over.  `scratch` must have room for
 * `length` bytes.  MSIM_ERR_FORMAT: not JSON.  MSIM_ERR_INVALID: no event of this feed, with
 * the key that is missing or wrong.
 */
MSIM_API int msim_quotes_decode(const char *bytes, size_t length, struct msim_quotes_message *out,
                                char *scratch, struct msim_detail *detail);

/* ---- the public dialect of Polygon/Massive ---- */

enum msim_polygon_cluster {
    MSIM_POLYGON_STOCKS = 0, /* T Q A AM */
    MSIM_POLYGON_CRYPTO = 1, /* XT XQ XAS XA */
};

enum msim_polygon_feed {
    MSIM_POLYGON_TRADES = 1,
    MSIM_POLYGON_QUOTES = 2,
    MSIM_POLYGON_SECONDS = 3,
    MSIM_POLYGON_MINUTES = 4,
};

enum msim_polygon_status {
    MSIM_POLYGON_CONNECTED,
    MSIM_POLYGON_AUTH_SUCCESS,
    MSIM_POLYGON_AUTH_FAILED,
    MSIM_POLYGON_AUTH_TIMEOUT,
    MSIM_POLYGON_NOT_AUTHORIZED,
    MSIM_POLYGON_MAX_CONNECTIONS,
    MSIM_POLYGON_SUBSCRIBED,   /* "subscribed to: " and the subject */
    MSIM_POLYGON_UNSUBSCRIBED, /* "unsubscribed to: " and the subject */
    MSIM_POLYGON_ERROR,        /* the subject alone */
};

/* Objects below are written without terminator; a frame is '[', objects parted by ',', ']'. */
#define MSIM_POLYGON_EVENT_MAX 640

/*
 * `{"ev":"status","status":"auth_success","message":"authenticated"}`.  A subject is cut to 400
 * bytes.  MSIM_ERR_LIMIT where `capacity` is too small.
 */
MSIM_API int msim_polygon_status(enum msim_polygon_status status, const char *subject,
                                 size_t subject_length, char *out, size_t capacity, size_t *length);

/* What aggregates say beyond their bar; one for each symbol, zero at first. */
struct msim_polygon_sum {
    msim_qty volume;
    int64_t notional; /* mantissa of price * volume, at its largest from where it does not fit */
    int64_t trades;
};
struct msim_polygon_tally {
    int64_t day; /* since 1970 */
    msim_price open;
    struct msim_polygon_sum today;
    struct msim_polygon_sum second;
    struct msim_polygon_sum minute;
};

/* To be told every record of the symbol, behind its encoding. */
MSIM_API void msim_polygon_tally_record(struct msim_polygon_tally *tally,
                                        const struct msim_record *record);

/* Which feed a record belongs to; 0 for none. */
MSIM_API int msim_polygon_feed_of(const struct msim_record *record);

/*
 * A record as its event.  `tally` is needed for bars.  MSIM_ERR_LIMIT where `capacity` is too
 * small (MSIM_POLYGON_EVENT_MAX never is), MSIM_ERR_INVALID for a record of no feed.
 */
MSIM_API int msim_polygon_encode(enum msim_polygon_cluster cluster,
                                 const struct msim_listing *listing,
                                 const struct msim_record *record,
                                 const struct msim_polygon_tally *tally, char *out, size_t capacity,
                                 size_t *length);

enum msim_polygon_action {
    MSIM_POLYGON_AUTH = 1,
    MSIM_POLYGON_SUBSCRIBE = 2,
    MSIM_POLYGON_UNSUBSCRIBE = 3,
};

struct msim_polygon_request {
    enum msim_polygon_action action;
    const char *params; /* the key, or the channels; borrowed from `scratch` and terminated */
    size_t params_length;
};

/*
 * Reads `{"action":"subscribe","params":"T.AAPL, Q.*"}`.  `scratch` must have room for `length`
 * bytes.  MSIM_ERR_FORMAT: not JSON; MSIM_ERR_INVALID: JSON, but no request, with words.
 */
MSIM_API int msim_polygon_decode(const char *bytes, size_t length, struct msim_polygon_request *out,
                                 char *scratch, struct msim_detail *detail);

struct msim_polygon_channel {
    const char *text; /* "T.AAPL" as asked for */
    size_t text_length;
    int feed; /* enum msim_polygon_feed; 0: not one of this cluster */
    bool all; /* the symbol is '*' */
    const char *symbol;
    size_t symbol_length;
};

/*
 * The next of the channels parted by ',' (spaces around are allowed) at `*at` of `params`;
 * false where none is left.  Borrowed from `params`.
 */
MSIM_API bool msim_polygon_channel(enum msim_polygon_cluster cluster, const char *params,
                                   size_t length, size_t *at, struct msim_polygon_channel *out);

#ifdef __cplusplus
}
#endif

#endif
