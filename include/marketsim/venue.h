/*
 * The venue: an engine with a market around it, in simulated time.
 *
 * Commands go in, what there is to tell comes out, in the order of its time; the venue looks at
 * no clock and no socket, so a backtest pulls without end and a server pulls up to now.
 *
 *     struct msim_venue_params params = MSIM_VENUE_PARAMS_INIT;
 *     struct msim_venue *venue = NULL;
 *     int r = msim_venue_create(&venue, &params, &detail);
 *     r = msim_venue_asset_add(venue, "USD", -8, &usd, &detail);
 *     r = msim_venue_asset_add(venue, "BTC", -8, &btc, &detail);
 *     r = msim_venue_instrument_add(venue, &instrument, &id, &detail);
 *
 *     struct msim_venue_liquidity quotes = MSIM_VENUE_LIQUIDITY_INIT;   (a book to trade against)
 *     quotes.price = 5000000;
 *     r = msim_venue_liquidity_set(venue, id, &quotes, &detail);
 *
 *     r = msim_venue_account(venue, "alice", 5, &alice);
 *     r = msim_venue_deposit(venue, now, alice, usd, 10000000000);
 *
 *     struct msim_venue_order order = MSIM_VENUE_ORDER_INIT;
 *     order.command.kind = MSIM_COMMAND_NEW;
 *     order.command.time = now;
 *     order.command.account = alice;                                    (and side, price, ...)
 *     order.client_id = "bot-7";
 *     order.client_id_length = 5;
 *     order.tag = 42;                                        (comes back in what answers it)
 *     r = msim_venue_submit(venue, &order);
 *
 *     struct msim_venue_output out;
 *     while ((r = msim_venue_pull(venue, now, &out)) == MSIM_PULL_RECORD)
 *         if (out.kind == MSIM_VENUE_EVENT && out.account == alice)
 *             ... out.event->kind, out.tag ...
 *     sleep until msim_venue_next_due(venue)
 *
 * Order events come out as they are in the engine (128 bytes, struct msim_event), market data as
 * records (64 bytes, struct msim_record).  Questions go to msim_venue_engine.  The rules stand in
 * docs/venue.md.
 */
#ifndef MARKETSIM_VENUE_H
#define MARKETSIM_VENUE_H

#include <marketsim/base.h>
#include <marketsim/engine.h>
#include <marketsim/faults.h>
#include <marketsim/journal.h>
#include <marketsim/mock.h>
#include <marketsim/record.h>
#include <marketsim/source.h>

#ifdef __cplusplus
extern "C" {
#endif

struct msim_venue;

/* Accounts of the venue's own; those of robots follow.  Nothing private of theirs is told. */
#define MSIM_VENUE_HOUSE 0 /* quotes, and stands for history */
#define MSIM_VENUE_CROWD 1 /* takes from the house's quotes, so that there are trades */
#define MSIM_VENUE_FIRST_ACCOUNT 2

enum msim_venue_flag {
    /* No market-data records come out: a server builds its channels from events and questions. */
    MSIM_VENUE_NO_RECORDS = 1,
    /* Network kinds act at the caller's sockets, and the caller pulls the layer: msim_faults_pull.
     * Without it they act on commands and on what is told, by account ("<account>/inproc/0") and
     * for what is public ("market/inproc/0"). */
    MSIM_VENUE_WIRE_OUTSIDE = 2,
    /* No order and fill histories (msim_venue_orders, msim_venue_fills). */
    MSIM_VENUE_NO_HISTORIES = 4,
};

struct msim_venue_params {
    size_t size;
    const struct msim_allocator *allocator; /* copied */
    uint64_t seed;                          /* default 1; of the models, and of wire ids */
    msim_time start;
    uint32_t flags;                          /* enum msim_venue_flag */
    uint32_t max_outputs;                    /* that wait to be pulled; 1,048,576 */
    uint32_t max_accounts;                   /* 65,536 */
    uint32_t max_client_ids;                 /* texts kept at a time; 16,777,216 */
    uint32_t finished_orders;                /* remembered in all; 65,536 */
    uint32_t fills;                          /* remembered in all; 65,536 */
    uint32_t candles;                        /* kept of each interval and instrument; 1,000 */
    uint32_t trades;                         /* kept of each instrument; 10,000 */
    uint32_t prices;                         /* kept of each instrument; 10,000 */
    msim_time price_interval;                /* between two points of price history; 1 s */
    const struct msim_engine_params *engine; /* NULL: its defaults */
    const struct msim_faults_params *faults; /* NULL: no failure layer; names are the venue's */
    struct msim_journal *journal;            /* NULL: none; borrowed, released after the venue */
    uint64_t writer;                         /* of the journal's batches; default 1 */
    uint64_t epoch;                          /* default 1; a higher one fences this writer off */
};
#define MSIM_VENUE_PARAMS_INIT                                                                 \
    {                                                                                          \
        sizeof(struct msim_venue_params), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 \
    }

MSIM_API int msim_venue_create(struct msim_venue **out, const struct msim_venue_params *params,
                               struct msim_detail *detail);
MSIM_API void msim_venue_destroy(struct msim_venue **venue);

/* As the engine's; they come before the commands that use them. */
MSIM_API int msim_venue_asset_add(struct msim_venue *venue, const char *name, int exponent,
                                  uint32_t *id, struct msim_detail *detail);
MSIM_API int msim_venue_instrument_add(struct msim_venue *venue,
                                       const struct msim_instrument_params *params, uint32_t *id,
                                       struct msim_detail *detail);

/* For questions: books, balances, positions.  Borrowed; nobody but the venue applies to it. */
MSIM_API const struct msim_engine *msim_venue_engine(const struct msim_venue *venue);

/* NULL without one.  Strategies, statistics and the ledger are reached through it. */
MSIM_API struct msim_faults *msim_venue_faults(struct msim_venue *venue);

/* How far the venue has come: the moment of what it did last. */
MSIM_API msim_time msim_venue_time(const struct msim_venue *venue);

/* ---- accounts ---- */

#define MSIM_VENUE_ACCOUNT_MAX 63 /* bytes of a name */

/*
 * The number of the account of that name, which is opened where there is none: 1 where it is
 * new, 0 where it was there.  MSIM_ERR_INVALID for an empty or longer name, or one with '/', '|'
 * or a control byte; MSIM_ERR_LIMIT, MSIM_ERR_NOMEM.
 */
MSIM_API int msim_venue_account(struct msim_venue *venue, const char *name, size_t length,
                                uint32_t *account);
/* MSIM_ERR_NOT_FOUND. */
MSIM_API int msim_venue_account_find(const struct msim_venue *venue, const char *name,
                                     size_t length, uint32_t *account);
/* "house", "crowd" and the others'; NULL for no account.  Borrowed until the next is opened. */
MSIM_API const char *msim_venue_account_name(const struct msim_venue *venue, uint32_t account);
/* Accounts with the venue's own two: numbers are below it. */
MSIM_API uint32_t msim_venue_account_count(const struct msim_venue *venue);

/*
 * Ends a link that was cut: the account (or MSIM_VENUE_PUBLIC) hears and is heard again.  What
 * happened in between was not told to it.  MSIM_ERR_STATE where the link stands.
 */
MSIM_API int msim_venue_reconnect(struct msim_venue *venue, uint32_t account);

/* ---- in ---- */

struct msim_venue_order {
    size_t size;
    struct msim_command command; /* `sequence`, `client_id` are the venue's to fill in */
    const char *client_id;       /* at most MSIM_CLIENT_ID_MAX bytes; NULL for none */
    size_t client_id_length;
    uint64_t tag; /* the caller's number, told with all that the command brings about */
};
#define MSIM_VENUE_ORDER_INIT                                                                    \
    {                                                                                            \
        sizeof(struct msim_venue_order),                                                         \
            {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 0, 0, 0 \
    }

enum msim_venue_submitted {
    MSIM_VENUE_APPLIED = 0, /* what it brought about can be pulled */
    MSIM_VENUE_TAKEN = 1,   /* the failure layer has it: late, lost, or answered in its own way */
};

/*
 * One command of an account, or of the venue.  What is due by its time happens first; a time
 * behind msim_venue_time is made that.  Refusals are events.
 *
 * MSIM_ERR_CLOSED: the account's link was cut.  MSIM_ERR_INVALID: a client id that is too long or
 * has control bytes, an account that was never opened or is the venue's own, an owner of the
 * house's.  MSIM_ERR_LIMIT: a bound was reached (too much waits to be pulled, the journal is
 * full).  MSIM_ERR_STATE: another writer fenced this venue off.  The command did not happen then.
 * MSIM_ERR_NOMEM: neither did it; or, in the middle of it, not all that it did is told: ask.
 */
MSIM_API int msim_venue_submit(struct msim_venue *venue, const struct msim_venue_order *order);

/* Commands that need no more than this. */
MSIM_API int msim_venue_deposit(struct msim_venue *venue, msim_time now, uint32_t account,
                                uint32_t asset, int64_t amount);
MSIM_API int msim_venue_set_state(struct msim_venue *venue, msim_time now, uint32_t instrument,
                                  enum msim_instrument_state state);

/* The text behind an event's client id; NULL for 0, and when the engine has forgotten the order.
 * Borrowed until the next submit. */
MSIM_API const char *msim_venue_client_id(const struct msim_venue *venue, uint64_t client_id,
                                          size_t *length);
/* The number that an account's text has; MSIM_ERR_NOT_FOUND. */
MSIM_API int msim_venue_client_id_find(const struct msim_venue *venue, uint32_t account,
                                       const char *text, size_t length, uint64_t *client_id);
/* The order of an account's text, as msim_engine_client_order; MSIM_ERR_NOT_FOUND. */
MSIM_API int msim_venue_client_order(struct msim_venue *venue, uint32_t account, const char *text,
                                     size_t length, struct msim_order_view *view);

/* ---- out ---- */

enum msim_venue_output_kind {
    MSIM_VENUE_EVENT = 1, /* `event` of `account`, or public */
    MSIM_VENUE_RECORD,    /* `record`: public market data; its symbol is the instrument */
    MSIM_VENUE_REFUSED,   /* `said`: the request `tag` is answered with an error, now or late */
    MSIM_VENUE_TEXT,      /* `said`: a text to be sent as it is */
    MSIM_VENUE_NOTICE,    /* `said`: the same, of the venue to `account` or everybody */
    MSIM_VENUE_CUT,       /* the account's link ended (`action`); msim_venue_reconnect */
};

#define MSIM_VENUE_PUBLIC UINT32_MAX

struct msim_venue_output {
    int kind; /* enum msim_venue_output_kind */
    int type; /* enum msim_fault_type: what the message is to selectors */
    msim_time time;
    uint32_t account; /* whom it is for; MSIM_VENUE_PUBLIC for everybody */
    int action;       /* CUT: enum msim_fault_action_kind */
    uint64_t tag;     /* of the submit that brought it about; 0 for the venue's own doing */
    uint64_t exec;    /* FILL: the execution's id, the trade's number or one made up */
    /* Borrowed until the next call that changes the venue. */
    const struct msim_event *event;
    const struct msim_record *record;
    const struct msim_fault_said *said; /* whatever the failure layer made; NULL for the truth */
};

/*
 * The next thing to tell at `until` or before: MSIM_PULL_RECORD, MSIM_PULL_EMPTY, MSIM_PULL_END
 * where a source is at its end and nothing will ever be due.  The venue goes no further than to
 * the moment of what it tells.  A failure (the source's, memory) is told once and may be passed.
 */
MSIM_API int msim_venue_pull(struct msim_venue *venue, msim_time until,
                             struct msim_venue_output *out, struct msim_detail *detail);

/*
 * Which events are told beside the orders' own: of MSIM_EVENTS_TRADE, _LEVEL, _BOOK_ORDER,
 * _BALANCE and _POSITION; all, at first.  The others happen, are judged and booked as ever, and
 * are not pulled: what nobody listens to costs no more than that.
 */
MSIM_API int msim_venue_tell(struct msim_venue *venue, unsigned events);

/* When to come back: the time of what waits, else of what happens next; MSIM_TIME_NEVER. */
MSIM_API msim_time msim_venue_next_due(struct msim_venue *venue);

/* Whether an event is for everybody: TRADE, LEVEL, BOOK_ORDER, INSTRUMENT, BUSTED, CORRECTED. */
MSIM_API bool msim_venue_is_public(const struct msim_event *event);

/* What the event is to selectors: an enum msim_fault_type. */
MSIM_API int msim_venue_event_type(const struct msim_event *event);

/* ---- a market: history ---- */

/* When history fills a resting order of a robot. */
enum msim_venue_fills {
    MSIM_VENUE_FILL_TOUCH = 0, /* a trade at its price or beyond */
    MSIM_VENUE_FILL_THROUGH,   /* a trade beyond its price */
    MSIM_VENUE_FILL_QUEUE,     /* when what stood before it at its price has traded */
};

struct msim_venue_history {
    size_t size;
    uint8_t fills; /* enum msim_venue_fills */
    uint8_t reserved[7];
    /* Trades without quotes: the book that robots take from.  Best prices stand at the last trade
     * and `spread` ticks (1) away; so much is there (the last trade's quantity). */
    uint32_t spread;
    /* For who serves others between two pulls: so many pulls of a source that finds nothing for a
     * while, and says no time, are made by one msim_venue_pull; it returns MSIM_PULL_EMPTY behind
     * them, with msim_venue_next_due at once.  0: as many as it takes.  A submit makes them all. */
    uint32_t looks;
    msim_qty quantity;
};
#define MSIM_VENUE_HISTORY_INIT                            \
    {                                                      \
        sizeof(struct msim_venue_history), 0, {0}, 0, 0, 0 \
    }

/*
 * Trades and quotes that drive the instruments of their symbols' names; records of other symbols
 * are passed over, and of prices or quantities off the instrument's grid (msim_venue_statistics
 * counts them).  One source, before the first pull.  Moves `source` in when it succeeds.
 */
MSIM_API int msim_venue_history_set(struct msim_venue *venue, struct msim_source *source,
                                    const struct msim_venue_history *params,
                                    struct msim_detail *detail);

/* ---- a market: liquidity ---- */

struct msim_venue_liquidity {
    size_t size;
    bool off;                     /* quotes are taken away and no more come */
    struct msim_mock_model model; /* of the price; kind 0: gbm */
    /* Or a model of the caller's: the price at a moment, above zero; then `model` is not used. */
    msim_price (*callback)(void *context, uint32_t instrument, msim_time time);
    void *context;
    msim_price price;    /* the first; 0: the instrument's reference price */
    uint32_t spread;     /* best ask less best bid, parts per million of the price; 200 */
    uint32_t levels;     /* on each side, at most MSIM_VENUE_LEVELS_MAX; 10 */
    uint32_t step;       /* ticks between two levels; 0: a fifth of the spread, at least 1 */
    uint32_t take;       /* refreshes at which the crowd takes, of a million; 0: 500,000 */
    msim_qty quantity;   /* of the best level; 0: a hundred lots */
    uint32_t growth;     /* further levels are larger by so many parts per million; 100,000 */
    uint32_t take_share; /* of `quantity` that the crowd takes in the mean, of a million; 100,000 */
    bool no_crowd;       /* only robots make trades */
    msim_time refresh;   /* 100 ms, at most MSIM_MOCK_INTERVAL_MAX */
};
#define MSIM_VENUE_LIQUIDITY_INIT                                                                 \
    {                                                                                             \
        sizeof(struct msim_venue_liquidity), false, MSIM_MOCK_MODEL_INIT, 0, 0, 0, 0, 0, 0, 0, 0, \
            0, 0, false, 0                                                                        \
    }
#define MSIM_VENUE_LEVELS_MAX 50

/*
 * The house quotes from msim_venue_time on, or goes on with other parameters.  Its commands are
 * commands like any other: journaled, applied in order.  MSIM_ERR_STATE for an instrument that
 * history drives.
 */
MSIM_API int msim_venue_liquidity_set(struct msim_venue *venue, uint32_t instrument,
                                      const struct msim_venue_liquidity *params,
                                      struct msim_detail *detail);

/* The model's price is this from now on, and goes on from there.  MSIM_ERR_STATE without one. */
MSIM_API int msim_venue_set_price(struct msim_venue *venue, msim_time now, uint32_t instrument,
                                  msim_price price, struct msim_detail *detail);

/* ---- what is known of the market ---- */

struct msim_venue_ticker {
    msim_time time;        /* of the last change */
    uint64_t changes;      /* trades and changes of the best prices so far */
    msim_price last_price; /* 0 before the first trade */
    msim_qty last_quantity;
    msim_price bid; /* 0 where there is none */
    msim_price ask;
    msim_qty bid_quantity;
    msim_qty ask_quantity;
    /* The last 1,440 minutes, the running one included; zeros where nothing traded. */
    msim_price open;
    msim_price high;
    msim_price low;
    msim_qty volume;  /* INT64_MAX where it is more */
    int64_t turnover; /* in the quote asset; INT64_MAX where it is more */
    uint64_t trade_count;
};
MSIM_API int msim_venue_ticker(const struct msim_venue *venue, uint32_t instrument,
                               struct msim_venue_ticker *out);

enum msim_venue_interval {
    MSIM_CANDLE_1S = 0,
    MSIM_CANDLE_1M,
    MSIM_CANDLE_5M,
    MSIM_CANDLE_15M,
    MSIM_CANDLE_1H,
    MSIM_CANDLE_4H,
    MSIM_CANDLE_1D,
    MSIM_CANDLE_INTERVALS,
};
/* "1m"; "unknown".  And back: an enum msim_venue_interval, or MSIM_ERR_NOT_FOUND. */
MSIM_API const char *msim_venue_interval_name(int interval);
MSIM_API int msim_venue_interval_find(const char *name, size_t length);
MSIM_API msim_time msim_venue_interval_length(int interval);

struct msim_venue_candle {
    msim_time start; /* a multiple of the interval since 1970 */
    msim_price open;
    msim_price high;
    msim_price low;
    msim_price close;
    msim_qty volume;
    int64_t turnover;
    uint64_t trade_count;
};

/*
 * What is kept, oldest first, of start <= time < end, the newest `capacity` of them; returns their
 * number.  Candles without trades are not there.  0 for no such instrument or interval.
 */
MSIM_API size_t msim_venue_candles(const struct msim_venue *venue, uint32_t instrument,
                                   int interval, msim_time start, msim_time end,
                                   struct msim_venue_candle *out, size_t capacity);

struct msim_venue_trade {
    msim_time time;
    uint64_t trade; /* the engine's number, or the history's own */
    msim_price price;
    msim_qty quantity;
    int64_t notional;
    uint8_t side; /* the taker's */
    uint8_t reserved[7];
};
MSIM_API size_t msim_venue_trades(const struct msim_venue *venue, uint32_t instrument,
                                  msim_time start, msim_time end, struct msim_venue_trade *out,
                                  size_t capacity);

/* One for each interval in which something changed. */
struct msim_venue_price {
    msim_time time; /* of the interval's last change */
    msim_price last;
    msim_price bid;
    msim_price ask;
};
MSIM_API size_t msim_venue_prices(const struct msim_venue *venue, uint32_t instrument,
                                  msim_time start, msim_time end, struct msim_venue_price *out,
                                  size_t capacity);

/* ---- orders and fills of robots, finished ones too ---- */

struct msim_venue_order_view {
    struct msim_order_view order; /* as the engine's; of a finished one as it ended */
    msim_time created_at;
    msim_time updated_at;
    int64_t notional; /* of its fills, in the quote asset */
    uint8_t code;     /* CANCELLED, EXPIRED: enum msim_cancel */
    uint8_t reserved[7];
};

/* MSIM_ERR_NOT_FOUND for one that never was, is forgotten, or is another account's. */
MSIM_API int msim_venue_order(const struct msim_venue *venue, uint32_t account, uint64_t order,
                              struct msim_venue_order_view *view);

enum msim_venue_which {
    MSIM_VENUE_LIVE = 1,
    MSIM_VENUE_FINISHED = 2,
};

/*
 * An account's orders, newest first, of one instrument or MSIM_ALL_INSTRUMENTS, from below the
 * number `before` (UINT64_MAX) on.  `which`: bits of enum msim_venue_which.
 */
MSIM_API size_t msim_venue_orders(const struct msim_venue *venue, uint32_t account,
                                  uint32_t instrument, unsigned which, uint64_t before,
                                  struct msim_venue_order_view *views, size_t capacity);

/* An account's FILL events, newest first, from below the event sequence `before` on. */
MSIM_API size_t msim_venue_fills(const struct msim_venue *venue, uint32_t account,
                                 uint32_t instrument, uint64_t before, struct msim_event *fills,
                                 size_t capacity);

/* ---- the whole ---- */

struct msim_venue_statistics {
    uint64_t commands;        /* applied, the venue's own included */
    uint64_t house_commands;  /* of these, the house's and the crowd's */
    uint64_t events;          /* the engine's */
    uint64_t records;         /* of history */
    uint64_t unknown_symbols; /* records passed over: of no instrument */
    uint64_t off_grid;      /* records passed over: no multiple of tick or lot, crossed, or bars */
    uint64_t house_refused; /* commands of the house that the engine refused */
    uint64_t client_ids;    /* texts that are kept */
    uint64_t outputs_most;  /* that ever waited to be pulled */
};
MSIM_API int msim_venue_statistics(const struct msim_venue *venue,
                                   struct msim_venue_statistics *out);

/* A number for the whole state, what waits to be pulled and the failure layer not included. */
MSIM_API uint64_t msim_venue_digest(const struct msim_venue *venue);

/*
 * The whole state as bytes, as msim_engine_snapshot: `length` is what they take, a smaller
 * `capacity` is MSIM_ERR_LIMIT.  MSIM_ERR_STATE where something waits to be pulled.  The failure
 * layer is not in it.
 */
MSIM_API int msim_venue_snapshot(const struct msim_venue *venue, void *bytes, size_t capacity,
                                 size_t *length);

/*
 * A venue from such bytes and the same params; a journal goes on under a higher epoch.  Houses
 * have their models again; one whose price came from the caller's own function is off until
 * msim_venue_liquidity_set, with its quotes in the book.  History is given again from its
 * beginning, and passes over what was done with.  MSIM_ERR_FORMAT, MSIM_ERR_UNSUPPORTED (another
 * version), MSIM_ERR_LIMIT, MSIM_ERR_NOMEM, with words.
 */
MSIM_API int msim_venue_restore(struct msim_venue **out, const struct msim_venue_params *params,
                                const void *bytes, size_t length, struct msim_detail *detail);

/*
 * Applies a log to an engine that has its assets and instruments, and nothing else: the state
 * that the venue's engine had when it wrote the last batch.  `*last` (may be NULL) is that
 * batch's sequence.
 */
MSIM_API int msim_venue_replay(struct msim_engine *engine, struct msim_journal *journal,
                               uint64_t from, uint64_t *last, struct msim_detail *detail);

#ifdef __cplusplus
}
#endif

#endif
