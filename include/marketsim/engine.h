/*
 * The exchange engine: instruments, books, orders, accounts.
 *
 * A calculator: commands go in, events come out, and its state is a function of
 * its parameters and of the commands, on any machine.  It looks at no clock, no
 * dice and no pointer order; time is what the commands say.  The rules it keeps
 * (priority, rounding, the order of events, what each code means) stand in
 * docs/engine.md.
 *
 * An engine is used by one thread at a time, questions included: what is const
 * leaves what it answers as it is, but the first question for an order by its number,
 * or for the orders or client ids of an account, makes the table that answers it, and
 * one for money, positions or the whole state books the trades of the last command
 * before.
 */
#ifndef MARKETSIM_ENGINE_H
#define MARKETSIM_ENGINE_H

#include <marketsim/base.h>
#include <marketsim/record.h>

#ifdef __cplusplus
extern "C" {
#endif

struct msim_engine;

/* Which events come out.  Commands that were refused are always told, and changes by the venue. */
enum msim_engine_events {
    MSIM_EVENTS_ORDER = 1, /* ACCEPTED, CANCELLED, REPLACED, TRIGGERED, EXPIRED, MASS_CANCELLED */
    MSIM_EVENTS_TRADE = 2,
    MSIM_EVENTS_FILL = 4,
    MSIM_EVENTS_LEVEL = 8,
    MSIM_EVENTS_BOOK_ORDER = 16,
    MSIM_EVENTS_BALANCE = 32,
    MSIM_EVENTS_POSITION = 64,
    MSIM_EVENTS_ALL = 127,
};

enum msim_engine_accounts {
    MSIM_ACCOUNTS_ON = 0,
    MSIM_ACCOUNTS_OFF = 1, /* no balances, fees or positions; account numbers still name owners */
};

enum msim_fee_mode {
    MSIM_FEE_RECEIVED = 0, /* in what the side receives: base for the buyer, quote for the seller */
    MSIM_FEE_QUOTE = 1,    /* in the quote asset: on top for the buyer, off for the seller */
};

/* What fees are given in: a share of a million. */
#define MSIM_FEE_SCALE 1000000

/* An iceberg shows at least this share of its quantity, so that one taker meets it so often. */
#define MSIM_MAX_ICEBERG_PARTS 1000

struct msim_engine_params {
    size_t size;
    uint32_t orders;          /* room taken at once, doubled as needed; 4,096 */
    uint32_t max_orders;      /* live at a time, then NEW is rejected LIMIT; 16,777,216 */
    uint32_t max_accounts;    /* numbers 0 .. this - 1; 65,536 */
    uint32_t max_assets;      /* 16,384 */
    uint32_t max_instruments; /* at most and usually 65,535 */
    uint32_t finished_ids;    /* client ids remembered for an account when finished; 10,000 */
    uint32_t trade_history;   /* trades that can be busted or corrected; 65,536 */
    uint32_t window_levels;   /* prices near the touch found at once; a power of two; 16,384 */
    uint32_t events;          /* enum msim_engine_events; 0: all but BOOK_ORDER */
    uint32_t client_ids;      /* room for so many, live and finished, at once; 0: as they come */
    uint8_t accounts;         /* enum msim_engine_accounts */
    uint8_t reserved[7];
    /* The key of the tables of client ids and owners: where strangers choose these, a number that
     * they do not know, or they could make searches slow.  Nothing that shows depends on it. */
    uint64_t hash_seed;
    const struct msim_allocator *allocator;
};
#define MSIM_ENGINE_PARAMS_INIT                                                       \
    {                                                                                 \
        sizeof(struct msim_engine_params), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, {0}, 0, 0 \
    }

struct msim_instrument_params {
    size_t size;
    const char *symbol;       /* copied; 1..64 bytes */
    uint32_t base_asset;      /* what is bought and sold */
    uint32_t quote_asset;     /* what it is paid in; another one */
    int8_t price_exponent;    /* price + quantity exponent >= the quote asset's */
    int8_t quantity_exponent; /* >= the base asset's */
    uint8_t fee_mode;         /* enum msim_fee_mode */
    uint8_t state;            /* enum msim_instrument_state */
    uint32_t maker_fee;       /* of MSIM_FEE_SCALE, at most all of it */
    uint32_t taker_fee;
    uint32_t band;         /* parts per million around the last price; 0: none */
    msim_price tick;       /* 1 */
    msim_qty lot;          /* 1 */
    msim_price min_price;  /* 1 */
    msim_price max_price;  /* INT64_MAX */
    msim_qty min_quantity; /* 1 */
    msim_qty max_quantity; /* INT64_MAX */
    int64_t min_notional;  /* at the quote asset's exponent; 0 */
    msim_price
        reference_price; /* the band's middle before the first trade; 0: no band until then */
};
#define MSIM_INSTRUMENT_PARAMS_INIT                                                               \
    {                                                                                             \
        sizeof(struct msim_instrument_params), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
            0                                                                                     \
    }

MSIM_API int msim_engine_create(struct msim_engine **out, const struct msim_engine_params *params,
                                struct msim_detail *detail);
MSIM_API void msim_engine_destroy(struct msim_engine **engine);

/*
 * Assets and instruments are parameters, not commands: they are given, in the same
 * order, before the commands that use them.  Numbers are dense from 0.
 * MSIM_ERR_EXISTS where the name is taken, MSIM_ERR_LIMIT, MSIM_ERR_NOMEM.
 */
MSIM_API int msim_engine_asset_add(struct msim_engine *engine, const char *name, int exponent,
                                   uint32_t *id, struct msim_detail *detail);
MSIM_API int msim_engine_instrument_add(struct msim_engine *engine,
                                        const struct msim_instrument_params *params, uint32_t *id,
                                        struct msim_detail *detail);

/* The outcomes of an apply. */
enum msim_apply {
    MSIM_APPLY_DONE = 0,
    MSIM_APPLY_SKIPPED = 1, /* the command's sequence was applied already: no event */
    MSIM_APPLY_PENDING = 2, /* done, but orders that it triggered wait for memory: they come first
                               at the next apply */
};

/*
 * Applies one command.  What was refused is an event and not a failure.
 *
 * MSIM_ERR_STATE: the command's sequence leaves a hole.  MSIM_ERR_NOMEM: a pool could not
 * grow.  MSIM_ERR_LIMIT: what expires by the command's time outgrows the bound on events.
 * The command did not happen then; what expired before it did, and is told, and only then has
 * the time moved.
 */
MSIM_API int msim_engine_apply(struct msim_engine *engine, const struct msim_command *command);

/*
 * The same for several, faster where the books outgrow the caches; the events of all stand in one
 * array.  Stops at the first failure and returns it; `*applied` (may be NULL) says how many were
 * gone through before: 0 with MSIM_ERR_INVALID, where there is no engine or no array.
 * MSIM_APPLY_PENDING where orders still wait for memory after the last one, MSIM_APPLY_SKIPPED
 * where all of them had been applied already.  It may stop early without a failure, with `*applied`
 * below `count`, where the array reached MSIM_BATCH_EVENTS: go on with the rest.
 */
#define MSIM_BATCH_EVENTS 1000000
MSIM_API int msim_engine_apply_many(struct msim_engine *engine, const struct msim_command *commands,
                                    size_t count, size_t *applied);

/* What the last apply brought about.  Borrowed: valid until the next call with a non-const engine.
 * `count` may be NULL; NULL and none for no engine. */
MSIM_API const struct msim_event *msim_engine_events(const struct msim_engine *engine,
                                                     size_t *count);

/* The earliest moment at which an order expires; MSIM_TIME_NEVER where none does. */
MSIM_API msim_time msim_engine_next_due(const struct msim_engine *engine);

/* The sequence of the last command applied, and the engine's time. */
MSIM_API uint64_t msim_engine_sequence(const struct msim_engine *engine);
MSIM_API msim_time msim_engine_time(const struct msim_engine *engine);

/* Questions.  MSIM_ERR_NOT_FOUND where there is no such thing; then nothing is written. */

MSIM_API int msim_engine_asset_find(const struct msim_engine *engine, const char *name,
                                    size_t length, uint32_t *id);
MSIM_API int msim_engine_instrument_find(const struct msim_engine *engine, const char *symbol,
                                         size_t length, uint32_t *id);

struct msim_asset_view {
    const char *name; /* borrowed until the next asset is added */
    int exponent;
    int64_t total; /* deposits less withdrawals: what all accounts and the house have */
    int64_t fees;  /* the house's share of it */
};
MSIM_API int msim_engine_asset(const struct msim_engine *engine, uint32_t id,
                               struct msim_asset_view *view);

struct msim_instrument_view {
    struct msim_instrument_params params; /* as it is now; the symbol is borrowed until the next
                                             instrument is added */
    msim_price last_price;                /* 0 before the first trade */
    uint64_t last_trade;
    msim_price best_bid; /* 0 where there is none */
    msim_price best_ask;
    msim_qty best_bid_quantity;
    msim_qty best_ask_quantity;
    uint64_t order_count;   /* in the book */
    uint64_t waiting_count; /* for their triggers */
};
MSIM_API int msim_engine_instrument(const struct msim_engine *engine, uint32_t id,
                                    struct msim_instrument_view *view);
/* Its symbol alone; NULL for no such instrument.  Borrowed: until the next one is added. */
MSIM_API const char *msim_engine_symbol(const struct msim_engine *engine, uint32_t id,
                                        size_t *length);

struct msim_level_view {
    msim_price price;
    msim_qty quantity; /* what is shown */
    uint64_t order_count;
};

/* Up to `capacity` levels from the best on; returns their number. */
MSIM_API size_t msim_engine_depth(const struct msim_engine *engine, uint32_t instrument,
                                  uint8_t side, struct msim_level_view *levels, size_t capacity);

struct msim_order_view {
    uint64_t order;
    uint64_t handle;
    uint64_t client_id;
    uint32_t instrument;
    uint32_t account;
    uint32_t owner;
    uint8_t side;
    uint8_t type;
    uint8_t time_in_force;
    uint8_t self_trade;
    uint8_t flags;  /* enum msim_command_flag: POST_ONLY, REDUCE_ONLY */
    uint8_t status; /* enum msim_order_status */
    uint8_t reserved[6];
    msim_price price;
    msim_qty quantity;
    msim_qty leaves; /* open in all, shown or not */
    msim_qty shown;
    msim_qty filled;
    msim_price stop_price;
    msim_qty display_quantity;
    msim_time expires_at;
    int64_t held; /* of the quote asset for a buy, of the base asset for a sell */
};

/* A live order, by its number (with its handle or 0 as a hint). */
MSIM_API int msim_engine_order(const struct msim_engine *engine, uint64_t order, uint64_t handle,
                               struct msim_order_view *view);

/*
 * By the account's client id.  A finished one that is still remembered has its status and what was
 * filled; its other fields are zero.  What finished since the last such question is put where it
 * is found at once; the state is the same.
 */
MSIM_API int msim_engine_client_order(struct msim_engine *engine, uint32_t account,
                                      uint64_t client_id, struct msim_order_view *view);

struct msim_client_id_view {
    uint64_t client_id;
    uint32_t account;
    uint32_t reserved;
};

/*
 * All client ids that the engine remembers, of live and of finished orders, in no order: the next
 * `capacity` from `*place` on, which is 0 at first and moves.  Returns how many; 0 at the end.
 * Nothing may be applied between the first call and the last.
 */
MSIM_API size_t msim_engine_client_ids(const struct msim_engine *engine, uint64_t *place,
                                       struct msim_client_id_view *ids, size_t capacity);

/*
 * The live orders of an account in one instrument (or MSIM_ALL_INSTRUMENTS), oldest first, from the
 * first whose number is above `after`; returns how many were written.
 */
MSIM_API size_t msim_engine_orders(const struct msim_engine *engine, uint32_t account,
                                   uint32_t instrument, uint64_t after,
                                   struct msim_order_view *views, size_t capacity);

/*
 * The orders of one side as L3 shows them, best level first and oldest first in it; `skip` of them
 * are passed over.
 */
MSIM_API size_t msim_engine_book_orders(const struct msim_engine *engine, uint32_t instrument,
                                        uint8_t side, size_t skip, struct msim_order_view *views,
                                        size_t capacity);

struct msim_queue_view {
    uint64_t orders_ahead; /* at the same price */
    msim_qty quantity_ahead;
    msim_qty level_quantity;
    uint64_t level_orders;
};
MSIM_API int msim_engine_queue_position(const struct msim_engine *engine, uint64_t order,
                                        uint64_t handle, struct msim_queue_view *view);

/* Zero for what an account never had; MSIM_ERR_NOT_FOUND for no such account or asset. */
MSIM_API int msim_engine_balance(const struct msim_engine *engine, uint32_t account, uint32_t asset,
                                 int64_t *free, int64_t *held);

struct msim_position_view {
    msim_qty quantity;
    int64_t cost;
    int64_t realised;
    int64_t unrealised; /* against the last price */
    msim_price average_price;
};
MSIM_API int msim_engine_position(const struct msim_engine *engine, uint32_t account,
                                  uint32_t instrument, struct msim_position_view *view);

/* Bytes taken from the allocator and not given back. */
MSIM_API size_t msim_engine_memory(const struct msim_engine *engine);

/*
 * A number for the whole state: equal where every later command brings about equal events.
 * Independent of how the memory lies and of how large the pools are; the number of the last event
 * is a part of it, so that engines agree that are told of the same `events`.
 */
MSIM_API uint64_t msim_engine_digest(const struct msim_engine *engine);

/*
 * The whole state as bytes: versioned, checksummed, the same for the same state.  `length` is what
 * they take; a `capacity` below it writes nothing and is MSIM_ERR_LIMIT with `*length` set.
 */
MSIM_API int msim_engine_snapshot(const struct msim_engine *engine, void *bytes, size_t capacity,
                                  size_t *length);

/*
 * An engine from such bytes, with the memory parameters of `params` (pools, bounds, window,
 * events, allocator); the number of finished ids and of trades remembered come from the bytes.
 * MSIM_ERR_FORMAT for bytes that are damaged or inconsistent, MSIM_ERR_UNSUPPORTED for another
 * version, MSIM_ERR_LIMIT where a bound is below what they hold; `detail` says what.
 */
MSIM_API int msim_engine_restore(struct msim_engine **out, const struct msim_engine_params *params,
                                 const void *bytes, size_t length, struct msim_detail *detail);

/*
 * Looks whether everything in the engine agrees with everything else: balances with orders, levels
 * with their orders, books uncrossed, every index.  For tests; slow.  MSIM_ERR_STATE where not,
 * with the place in `detail`.
 */
MSIM_API int msim_engine_audit(const struct msim_engine *engine, struct msim_detail *detail);

#ifdef __cplusplus
}
#endif

#endif
