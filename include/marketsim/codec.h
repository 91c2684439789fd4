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
 * text beyond ASCII is escaped.  What a file left empty is null.  The source's further columns
 * (msim_source_extra_names) follow under their own names.
 */
struct msim_replay_encoder;

/* `source` gives the symbols' texts and is borrowed as long as the encoder lives. */
MSIM_API int msim_replay_encoder_create(struct msim_replay_encoder **out,
                                        struct msim_source *source,
                                        const struct msim_allocator *allocator);
MSIM_API void msim_replay_encoder_destroy(struct msim_replay_encoder **encoder);

/* How moments are written. */
enum msim_replay_timestamps {
    MSIM_REPLAY_PANDAS = 0, /* "2022-07-01 00:00:29.338000" */
    MSIM_REPLAY_ISO,        /* "2022-07-01T00:00:29.338000Z" */
    MSIM_REPLAY_NS,         /* a number since 1970, as all that follow */
    MSIM_REPLAY_US,         /* rounded down */
    MSIM_REPLAY_MS,
};
MSIM_API int msim_replay_encoder_set_timestamps(struct msim_replay_encoder *encoder,
                                                enum msim_replay_timestamps timestamps);

/*
 * Writes a trade's object to `out` without a terminator; its length is in `*length`.
 * MSIM_ERR_LIMIT where `capacity` is too small: `*length` is then what it takes.
 * MSIM_ERR_INVALID for a record that is no trade or bears an unknown symbol.
 * MSIM_ERR_NOT_FOUND for one whose further columns the source no longer keeps.
 */
MSIM_API int msim_replay_encode(struct msim_replay_encoder *encoder,
                                const struct msim_record *record, char *out, size_t capacity,
                                size_t *length);

/* Where a trade stands. */
enum msim_replay_place {
    MSIM_REPLAY_ALONE = 0, /* an object of its own */
    MSIM_REPLAY_FIRST,     /* of a bundle, which begins with it */
    MSIM_REPLAY_NEXT,      /* of the bundle */
};

/*
 * The same in its place.  A bundle is what its trades give one after the other, and its end:
 * `{"timestamp": "2022-07-01 00:00:29.338000", "trades": [{"price": 6035000, "volume": 1,
 *   "ticker": "BTC"}, {"price": 6035001, "volume": 2, "ticker": "ETH"}]}`.
 */
MSIM_API int msim_replay_encode_placed(struct msim_replay_encoder *encoder,
                                       enum msim_replay_place place,
                                       const struct msim_record *record, char *out, size_t capacity,
                                       size_t *length);
#define MSIM_REPLAY_BUNDLE_END "]}"

/* What a message of the replay feed is. */
enum msim_replay_message_kind {
    MSIM_REPLAY_TRADE = 1,
    MSIM_REPLAY_STATUS = 2,
    MSIM_REPLAY_ERROR = 3,
    MSIM_REPLAY_BUNDLE = 4,
};

struct msim_replay_message {
    enum msim_replay_message_kind kind;
    struct msim_record record; /* of a trade; its symbol is `text`.  Of a bundle: its time alone */
    const char *text;          /* ticker, status or error; borrowed from `scratch` */
    size_t text_length;
};

/*
 * Reads one message of the feed.  `scratch` must have room for `length` bytes.  A timestamp that is
 * a number counts milliseconds, microseconds or nanoseconds: whichever is in the years 1973 to
 * 5138, or 2262 for the last. MSIM_ERR_FORMAT: not JSON, with the byte in the detail.
 * MSIM_ERR_INVALID: JSON, but not a message of this feed.  MSIM_ERR_OVERFLOW: a number that int64
 * and 18 digits do not hold.
 */
MSIM_API int msim_replay_decode(const char *bytes, size_t length, struct msim_replay_message *out,
                                char *scratch, struct msim_detail *detail);

/*
 * The trades of a message that is a MSIM_REPLAY_BUNDLE, in their order: `trade` is given each, its
 * text borrowed for the call; a negative result of it ends the reading with it.
 */
MSIM_API int msim_replay_decode_bundle(const char *bytes, size_t length, char *scratch,
                                       int (*trade)(void *context,
                                                    const struct msim_replay_message *message),
                                       void *context, struct msim_detail *detail);

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

/* ---- the exchange's own dialect: JSON objects in and out ---- */

#define MSIM_NATIVE_SYMBOL_MAX 64
#define MSIM_NATIVE_LIST_MAX 1000 /* levels of a side, or trades, that may be asked for */
#define MSIM_NATIVE_CLIENT_ID_MAX 36
#define MSIM_NATIVE_REQUEST_ID_MAX 128 /* bytes of its JSON spelling, quotes included */
#define MSIM_NATIVE_MEMBERS_MAX 64     /* of one message; more is no message of ours */
#define MSIM_NATIVE_ID_LENGTH 36

/* No message about one order, fill, trade, balance or ticker, and no error, is longer. */
#define MSIM_NATIVE_MESSAGE_MAX 3072

enum msim_native_type {
    MSIM_NATIVE_PLACE_ORDER = 1,
    MSIM_NATIVE_CANCEL_ORDER,
    MSIM_NATIVE_CANCEL_ALL,
    MSIM_NATIVE_REPLACE_ORDER,
    MSIM_NATIVE_GET_ORDER,
    MSIM_NATIVE_GET_ORDERS,
    MSIM_NATIVE_GET_BALANCE,
    MSIM_NATIVE_GET_POSITION,
    MSIM_NATIVE_GET_ORDERBOOK,
    MSIM_NATIVE_GET_TRADES,
    MSIM_NATIVE_SUBSCRIBE,
    MSIM_NATIVE_UNSUBSCRIBE,
    MSIM_NATIVE_RESUME,
    MSIM_NATIVE_PING,
    MSIM_NATIVE_PATCH_ORDER, /* REST alone: REPLACE_ORDER of the path's order */
    MSIM_NATIVE_TYPES,       /* one above the last */
};

enum msim_native_channel {
    MSIM_NATIVE_TRADES = 1,
    MSIM_NATIVE_TICKER,
    MSIM_NATIVE_ORDERBOOK,
    MSIM_NATIVE_ORDERBOOK_L2,
    MSIM_NATIVE_ORDERBOOK_L3,
    MSIM_NATIVE_CANDLES,
    MSIM_NATIVE_ORDERS,
    MSIM_NATIVE_CHANNELS, /* one above the last */
};

enum msim_native_error {
    MSIM_NATIVE_INVALID_JSON = 1,
    MSIM_NATIVE_UNKNOWN_TYPE,
    MSIM_NATIVE_MISSING_FIELD,
    MSIM_NATIVE_INVALID_FIELD,
    MSIM_NATIVE_UNKNOWN_SYMBOL,
    MSIM_NATIVE_ORDER_NOT_FOUND,
    MSIM_NATIVE_INSUFFICIENT_BALANCE,
    MSIM_NATIVE_DUPLICATE_CLIENT_ID,
    MSIM_NATIVE_CANCEL_FAILED,
    MSIM_NATIVE_RATE_LIMITED,
    MSIM_NATIVE_UNAUTHORIZED,
    MSIM_NATIVE_TOO_LARGE,
    MSIM_NATIVE_INTERNAL,
};

/* "PLACE_ORDER", "ORDERBOOK_L2", "INVALID_JSON"; "UNKNOWN" for anything else. */
MSIM_API const char *msim_native_type_name(int type);
MSIM_API const char *msim_native_channel_name(int channel);
MSIM_API const char *msim_native_error_name(int error);

/* Borrowed; need not be terminated; length 0 for none. */
struct msim_native_text {
    const char *text;
    size_t length;
};

struct msim_native_codec;

struct msim_native_codec_params {
    size_t size;
    uint64_t seed; /* of the ids on the wire */
    const struct msim_allocator *allocator;
};
#define MSIM_NATIVE_CODEC_PARAMS_INIT                 \
    {                                                 \
        sizeof(struct msim_native_codec_params), 0, 0 \
    }

MSIM_API int msim_native_codec_create(struct msim_native_codec **out,
                                      const struct msim_native_codec_params *params);
MSIM_API void msim_native_codec_destroy(struct msim_native_codec **codec);

/*
 * Assets and instruments get the numbers 0, 1, 2, ... in the order in which they are added: that
 * of the engine.  MSIM_ERR_INVALID, MSIM_ERR_EXISTS, MSIM_ERR_NOMEM.
 */
MSIM_API int msim_native_codec_asset(struct msim_native_codec *codec, const char *name,
                                     int exponent);
struct msim_native_instrument {
    const char *symbol; /* 1..64 bytes, copied */
    uint32_t base_asset;
    uint32_t quote_asset;
    int price_exponent;
    int quantity_exponent;
};
MSIM_API int msim_native_codec_instrument(struct msim_native_codec *codec,
                                          const struct msim_native_instrument *instrument);

/* MSIM_ERR_NOT_FOUND. */
MSIM_API int msim_native_codec_find(const struct msim_native_codec *codec, const char *symbol,
                                    size_t length, uint32_t *instrument);

/*
 * Ids on the wire: the dense numbers in the shape of UUIDs (version 4), by a bijection that the
 * seed keys.  A text that is none of them is no id: false.
 */
enum msim_native_id {
    MSIM_NATIVE_ID_ORDER = 1,
    MSIM_NATIVE_ID_FILL,
    MSIM_NATIVE_ID_TRADE,
    MSIM_NATIVE_ID_ACCOUNT,
};
MSIM_API void msim_native_id_print(const struct msim_native_codec *codec, int kind, uint64_t number,
                                   char out[MSIM_NATIVE_ID_LENGTH]);
MSIM_API bool msim_native_id_read(const struct msim_native_codec *codec, int kind, const char *text,
                                  size_t length, uint64_t *number);

/*
 * What a client asked for.  `command` is filled for PLACE_ORDER, CANCEL_ORDER, CANCEL_ALL and
 * REPLACE_ORDER, but for its account, owner, client id and time.
 */
struct msim_native_request {
    uint8_t type;        /* enum msim_native_type; 0 where that is not known */
    uint8_t channel;     /* enum msim_native_channel, 0 where none was named */
    uint8_t status;      /* GET_ORDERS: enum msim_order_status; 0 for all */
    bool names_order;    /* by `order`, which is 0 where the id is none of ours */
    uint32_t instrument; /* MSIM_ALL_INSTRUMENTS for "*" and where none was named */
    uint32_t limit;      /* depth or limit; 0 where none was named */
    uint64_t order;
    uint64_t from_sequence;
    msim_time interval;                 /* of candles; 0 where none was named */
    struct msim_native_text request_id; /* as spelt, with its quotes; borrowed from the bytes */
    struct msim_native_text client_id;  /* unescaped; borrowed from the bytes or `scratch` */
    struct msim_native_text symbol;     /* the same; as it was named, known or not */
    struct msim_command command;
    char scratch[160];
};

/* Why there is no command: the words of an ERROR, or of an ORDER_REJECT where `reject` is set. */
struct msim_native_refusal {
    uint8_t error;  /* enum msim_native_error */
    uint8_t reject; /* enum msim_reject; 0 for an ERROR */
    char message[320];
    char details[160]; /* a JSON object */
};

enum msim_native_decoded {
    MSIM_NATIVE_READ = 0,
    MSIM_NATIVE_REFUSED = 1, /* `refusal` says why; the request has what could be read */
};

/* Reads one message.  Takes no memory. */
MSIM_API int msim_native_decode(const struct msim_native_codec *codec, const char *bytes,
                                size_t length, struct msim_native_request *out,
                                struct msim_native_refusal *refusal);

/*
 * The same for the body of a REST request whose meaning the method and the path have: `type` (one
 * of enum msim_native_type) is theirs, and the key "type" is the order's.
 */
MSIM_API int msim_native_decode_body(const struct msim_native_codec *codec, int type,
                                     const char *bytes, size_t length,
                                     struct msim_native_request *out,
                                     struct msim_native_refusal *refusal);

/*
 * The price and quantity of a REPLACE_ORDER into `request->command`: they have the exponents of
 * the order's instrument, which is known only once the order was looked up.
 */
MSIM_API int msim_native_decode_change(const struct msim_native_codec *codec, const char *bytes,
                                       size_t length, uint32_t instrument,
                                       struct msim_native_request *request,
                                       struct msim_native_refusal *refusal);

/* REST's answers have no type of their own. */
enum msim_native_style {
    MSIM_NATIVE_MESSAGE = 0,
    MSIM_NATIVE_BARE = 1,
};

/* What every message bears beside its own fields. */
struct msim_native_stamp {
    msim_time time;
    uint64_t sequence;                  /* 0: none is written */
    struct msim_native_text request_id; /* as spelt; always the last member */
    bool has_sequence;                  /* it is written even where it is 0 */
};

/* What an event of an order says beside itself. */
struct msim_native_story {
    struct msim_native_text client_id;
    struct msim_native_text reason; /* of a rejection; none: the code's name */
    uint64_t exec;                  /* of a fill; 0: its trade */
    bool possible_duplicate;
};

/*
 * Each of these writes one message without a terminator; `out` has room for
 * MSIM_NATIVE_MESSAGE_MAX bytes.  Returns the length; 0 for what has no message.
 */
MSIM_API size_t msim_native_encode_event(struct msim_native_codec *codec,
                                         const struct msim_native_stamp *stamp,
                                         const struct msim_event *event,
                                         const struct msim_native_story *story, char *out);
MSIM_API size_t msim_native_encode_error(struct msim_native_codec *codec,
                                         const struct msim_native_stamp *stamp,
                                         const struct msim_native_refusal *refusal, char *out);

/* The answers that say no more than what they answer. */
enum msim_native_answer_kind {
    MSIM_NATIVE_SUBSCRIBED = 1,
    MSIM_NATIVE_UNSUBSCRIBED,
    MSIM_NATIVE_PONG,
    MSIM_NATIVE_CANCEL_ALL_ACK,
};
struct msim_native_answered {
    int answer;          /* enum msim_native_answer_kind */
    int channel;         /* of the first two */
    uint32_t instrument; /* of the first two; MSIM_ALL_INSTRUMENTS is "*" */
    uint64_t count;      /* of CANCEL_ALL_ACK */
};
MSIM_API size_t msim_native_encode_answer(struct msim_native_codec *codec,
                                          const struct msim_native_stamp *stamp,
                                          const struct msim_native_answered *answer, char *out);

/* {"type":"NOTICE","message":...}: words of the venue to everybody; cut to 300 bytes. */
MSIM_API size_t msim_native_encode_notice(struct msim_native_codec *codec,
                                          const struct msim_native_stamp *stamp,
                                          struct msim_native_text words, char *out);

/* Prices and quantities of 0 are written as null, but for volumes. */
struct msim_native_ticker {
    uint32_t instrument;
    msim_price last_price;
    msim_price bid;
    msim_price ask;
    msim_qty bid_quantity;
    msim_qty ask_quantity;
    msim_price high_24h;
    msim_price low_24h;
    msim_qty volume_24h; /* INT64_MAX where it does not fit */
};
MSIM_API size_t msim_native_encode_ticker(struct msim_native_codec *codec,
                                          const struct msim_native_stamp *stamp, int style,
                                          const struct msim_native_ticker *ticker, char *out);

struct msim_native_candle {
    uint32_t instrument;
    bool is_closed;
    msim_time start;
    msim_time interval;
    msim_price open;
    msim_price high;
    msim_price low;
    msim_price close;
    msim_qty volume;
    uint64_t trades;
};
MSIM_API size_t msim_native_encode_candle(struct msim_native_codec *codec,
                                          const struct msim_native_stamp *stamp,
                                          const struct msim_native_candle *candle, char *out);

struct msim_native_position {
    uint32_t instrument;
    msim_qty quantity;
    msim_price average_price;
    int64_t realized;
    int64_t unrealized;
};
MSIM_API size_t msim_native_encode_position(struct msim_native_codec *codec,
                                            const struct msim_native_stamp *stamp, int style,
                                            const struct msim_native_position *position, char *out);

struct msim_native_order {
    uint64_t order;
    uint32_t instrument;
    uint8_t side;
    uint8_t type;
    uint8_t time_in_force;
    uint8_t flags;
    uint8_t status;
    msim_price price;
    msim_price stop_price;
    msim_qty quantity;
    msim_qty filled;
    msim_qty display_quantity;
    int64_t notional; /* of its fills, at the quote asset's exponent */
    msim_time expires_at;
    msim_time created_at;
    msim_time updated_at;
    struct msim_native_text client_id;
};
/* One order's object alone, without a stamp; `out` has room for MSIM_NATIVE_MESSAGE_MAX. */
MSIM_API size_t msim_native_encode_order(struct msim_native_codec *codec,
                                         const struct msim_native_order *order, char *out);

/*
 * What follows has no bound of its own: MSIM_ERR_LIMIT where `capacity` is too small, with the
 * room that is enough in `*length`.
 */
MSIM_API int msim_native_encode_orders(struct msim_native_codec *codec,
                                       const struct msim_native_stamp *stamp, int style,
                                       const struct msim_native_order *orders, size_t count,
                                       char *out, size_t capacity, size_t *length);

struct msim_native_trade {
    uint64_t trade;
    msim_time time;
    msim_price price;
    msim_qty quantity;
    uint8_t side; /* the taker's */
};
MSIM_API int msim_native_encode_trades(struct msim_native_codec *codec,
                                       const struct msim_native_stamp *stamp, int style,
                                       uint32_t instrument, const struct msim_native_trade *trades,
                                       size_t count, char *out, size_t capacity, size_t *length);

struct msim_native_level {
    msim_price price;
    msim_qty quantity;
};
struct msim_native_book {
    uint32_t instrument;
    int channel;   /* ORDERBOOK or ORDERBOOK_L2; 0: it answers a question */
    bool snapshot; /* of ORDERBOOK_L2: all there is, not what changed */
    const struct msim_native_level *bids;
    size_t bid_count;
    const struct msim_native_level *asks;
    size_t ask_count;
};
MSIM_API int msim_native_encode_book(struct msim_native_codec *codec,
                                     const struct msim_native_stamp *stamp, int style,
                                     const struct msim_native_book *book, char *out,
                                     size_t capacity, size_t *length);

/* The whole of ORDERBOOK_L3: orders with their prices and what they show as `quantity`. */
MSIM_API int msim_native_encode_book_orders(struct msim_native_codec *codec,
                                            const struct msim_native_stamp *stamp,
                                            uint32_t instrument,
                                            const struct msim_native_order *orders, size_t count,
                                            char *out, size_t capacity, size_t *length);

/* By asset number; an asset with `is_shown` false is left out. */
struct msim_native_balance {
    int64_t total;
    int64_t free;
    bool is_shown;
};
MSIM_API int msim_native_encode_balances(struct msim_native_codec *codec,
                                         const struct msim_native_stamp *stamp, int style,
                                         const struct msim_native_balance *balances, size_t count,
                                         char *out, size_t capacity, size_t *length);

MSIM_API int msim_native_encode_candles(struct msim_native_codec *codec,
                                        const struct msim_native_stamp *stamp, int style,
                                        const struct msim_native_candle *candles, size_t count,
                                        char *out, size_t capacity, size_t *length);

#ifdef __cplusplus
}
#endif

#endif
