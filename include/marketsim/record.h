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
    /* The window of a bar, whose time is the window's end. */
    MSIM_RECORD_SECOND = 8,
    MSIM_RECORD_MINUTE = 16,
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

/*
 * Orders as plain data: what goes into an engine (commands) and what comes out of
 * it (events), 128 bytes each, no pointer inside.  They stand here and not in
 * engine.h because the journal, the codecs and the failure layer carry them and
 * know nothing of matching.  What each means stands in docs/engine.md.
 *
 * Fields that a kind does not name are zero.
 */

enum msim_command_kind {
    MSIM_COMMAND_TIME = 1,       /* nothing but its time: what expires by then expires */
    MSIM_COMMAND_NEW = 2,        /* an order */
    MSIM_COMMAND_CANCEL = 3,     /* by `order` (and `handle`), or by `client_id` of the account */
    MSIM_COMMAND_REPLACE = 4,    /* named as in CANCEL; a price or quantity left zero stays */
    MSIM_COMMAND_CANCEL_ALL = 5, /* of the account; in one instrument or in all; one side or both */
    MSIM_COMMAND_MASS_CANCEL = 6, /* of the `owner`, whatever the account; otherwise the same */
    MSIM_COMMAND_DEPOSIT = 7,     /* `amount` of `asset` to the account */
    MSIM_COMMAND_WITHDRAW = 8,    /* `amount` of `asset` from what the account has free */
    /* What the venue does. */
    MSIM_COMMAND_SET_STATE = 16,        /* `state`; MSIM_COMMAND_EXPIRE_ORDERS as a flag */
    MSIM_COMMAND_SET_TICK = 17,         /* to `price` */
    MSIM_COMMAND_SET_LOT = 18,          /* to `quantity` */
    MSIM_COMMAND_SET_MIN_NOTIONAL = 19, /* to `amount` */
    MSIM_COMMAND_BUST = 20,             /* `trade`, or the instrument's last one where it is 0 */
    MSIM_COMMAND_CORRECT = 21,          /* the same to another `price` */
};

enum msim_command_flag {
    MSIM_COMMAND_POST_ONLY = 1,     /* NEW: rejected where it would take */
    MSIM_COMMAND_REDUCE_ONLY = 2,   /* NEW: never grows or turns the position */
    MSIM_COMMAND_OPEN_QUANTITY = 4, /* REPLACE: `quantity` is what is to stay open, not the total */
    MSIM_COMMAND_EXPIRE_ORDERS = 8, /* SET_STATE: every order of the instrument expires */
    MSIM_COMMAND_ALLOW_NEGATIVE = 16 /* BUST, CORRECT: even where a side lacks the funds */
};

enum msim_order_type {
    MSIM_ORDER_LIMIT = 1,
    MSIM_ORDER_MARKET = 2, /* by `quantity`, or by `amount` of the quote asset */
    MSIM_ORDER_STOP = 3,
    MSIM_ORDER_STOP_LIMIT = 4,
    MSIM_ORDER_TAKE_PROFIT = 5,
    MSIM_ORDER_TAKE_PROFIT_LIMIT = 6,
};

enum msim_time_in_force {
    MSIM_TIF_GTC = 0, /* until filled or cancelled */
    MSIM_TIF_IOC = 1, /* what does not trade at once is cancelled */
    MSIM_TIF_FOK = 2, /* all at once or nothing */
    MSIM_TIF_GTD = 3, /* until `expires_at` */
    MSIM_TIF_DAY = 4, /* until the end of the UTC day */
};

/* What happens when an order meets another one of its own account. */
enum msim_self_trade {
    MSIM_SELF_TRADE_NONE = 0, /* they trade */
    MSIM_SELF_TRADE_CANCEL_TAKER = 1,
    MSIM_SELF_TRADE_CANCEL_MAKER = 2,
    MSIM_SELF_TRADE_CANCEL_BOTH = 3,
    MSIM_SELF_TRADE_DECREMENT = 4, /* both lose the smaller one's quantity */
};

enum msim_instrument_state {
    MSIM_STATE_TRADING = 0,
    MSIM_STATE_HALTED = 1,      /* nothing from robots is accepted, not even a cancel */
    MSIM_STATE_CANCEL_ONLY = 2, /* cancels alone */
    MSIM_STATE_POST_ONLY = 3,   /* cancels, and orders that do not trade on arrival */
};

#define MSIM_ALL_INSTRUMENTS UINT32_MAX

struct msim_command {
    uint64_t sequence; /* its place in the log, dense from 1; 0 lets the engine count */
    msim_time time;
    uint8_t kind;          /* enum msim_command_kind */
    uint8_t side;          /* enum msim_side */
    uint8_t type;          /* enum msim_order_type */
    uint8_t time_in_force; /* enum msim_time_in_force */
    uint8_t self_trade;    /* enum msim_self_trade */
    uint8_t flags;         /* enum msim_command_flag */
    uint8_t state;         /* enum msim_instrument_state */
    uint8_t reserved0;
    uint32_t instrument; /* or MSIM_ALL_INSTRUMENTS */
    uint32_t account;
    msim_price price;
    msim_qty quantity;
    uint64_t order;     /* the engine's dense number of the order meant */
    uint64_t handle;    /* where it was last told to be: a hint, checked; 0 for none */
    uint64_t client_id; /* 0 for none */
    msim_price stop_price;
    msim_qty display_quantity; /* iceberg: what is shown at a time */
    int64_t amount;            /* of an asset, at the asset's exponent */
    msim_time expires_at;
    uint64_t trade;
    uint32_t owner; /* whoever sent it (a session, a strategy): for MASS_CANCEL; 0 for nobody */
    uint32_t asset;
    uint64_t reserved1;
};

enum msim_event_kind {
    MSIM_EVENT_ACCEPTED = 1,
    MSIM_EVENT_REJECTED = 2, /* any command; `code` says why, `command_kind` what it was */
    MSIM_EVENT_TRADE = 3,    /* public: before the two fills */
    MSIM_EVENT_FILL = 4,     /* private: the maker's, then the taker's */
    MSIM_EVENT_CANCELLED = 5,
    MSIM_EVENT_REPLACED = 6,
    MSIM_EVENT_TRIGGERED = 7,
    MSIM_EVENT_EXPIRED = 8,
    MSIM_EVENT_MASS_CANCELLED = 9, /* after the cancels themselves: their number */
    MSIM_EVENT_LEVEL = 10,         /* public: the level's new total; a quantity of 0 removes it */
    MSIM_EVENT_BOOK_ORDER = 11,    /* public: an order in the book (L3) */
    MSIM_EVENT_BALANCE = 12,
    MSIM_EVENT_POSITION = 13,
    MSIM_EVENT_INSTRUMENT = 14, /* public: its state, tick, lot or min notional is this now */
    MSIM_EVENT_BUSTED = 15,
    MSIM_EVENT_CORRECTED = 16,
};

enum msim_event_flag {
    MSIM_EVENT_MAKER = 1,    /* FILL: the order rested */
    MSIM_EVENT_REPEATED = 2, /* ACCEPTED: the first answer again; nothing new came to be */
};

/* Why a command was refused; msim_reject_name gives the words of the wire. */
enum msim_reject {
    MSIM_REJECT_NONE = 0,
    MSIM_REJECT_INVALID_FIELD = 1,
    MSIM_REJECT_UNKNOWN_SYMBOL = 2,
    MSIM_REJECT_UNKNOWN_ACCOUNT = 3,
    MSIM_REJECT_UNKNOWN_ASSET = 4,
    MSIM_REJECT_ORDER_NOT_FOUND = 5,
    MSIM_REJECT_TRADE_NOT_FOUND = 6, /* never was, is busted, or is too old to be remembered */
    MSIM_REJECT_OFF_TICK = 7,
    MSIM_REJECT_OFF_LOT = 8,
    MSIM_REJECT_OUT_OF_RANGE = 9,
    MSIM_REJECT_MIN_NOTIONAL = 10,
    MSIM_REJECT_PRICE_BAND = 11,
    MSIM_REJECT_NOT_TRADING = 12,
    MSIM_REJECT_WOULD_TAKE = 13,
    MSIM_REJECT_NO_LIQUIDITY = 14,
    MSIM_REJECT_REDUCE_ONLY = 15,
    MSIM_REJECT_LIMIT = 16,
    MSIM_REJECT_OVERFLOW = 17,
    MSIM_REJECT_INSUFFICIENT_BALANCE = 18,
    MSIM_REJECT_DUPLICATE_CLIENT_ID = 19,
};

/* Why an order ended unfilled: CANCELLED and EXPIRED bear one as their `code`. */
enum msim_cancel {
    MSIM_CANCEL_REQUESTED = 1,
    MSIM_CANCEL_ALL = 2,  /* CANCEL_ALL */
    MSIM_CANCEL_MASS = 3, /* MASS_CANCEL */
    MSIM_CANCEL_IOC = 4,
    MSIM_CANCEL_FOK = 5,
    MSIM_CANCEL_NO_LIQUIDITY = 6,
    MSIM_CANCEL_PRICE_BAND = 7,
    MSIM_CANCEL_SELF_TRADE = 8,
    MSIM_CANCEL_REDUCE_ONLY = 9,
    MSIM_CANCEL_WOULD_TAKE = 10,           /* post-only, when its trigger came */
    MSIM_CANCEL_INSUFFICIENT_BALANCE = 11, /* when its trigger came */
    MSIM_CANCEL_OVERFLOW = 12,
    MSIM_CANCEL_GTD = 13,         /* EXPIRED: its time came */
    MSIM_CANCEL_DAY = 14,         /* EXPIRED: the day ended */
    MSIM_CANCEL_MAINTENANCE = 15, /* EXPIRED: the venue closed the instrument */
};

enum msim_order_status {
    MSIM_STATUS_NONE = 0,
    MSIM_STATUS_WAITING = 1, /* for its trigger */
    MSIM_STATUS_OPEN = 2,
    MSIM_STATUS_PARTIALLY_FILLED = 3,
    MSIM_STATUS_FILLED = 4,
    MSIM_STATUS_CANCELLED = 5,
    MSIM_STATUS_EXPIRED = 6,
    MSIM_STATUS_REJECTED = 7,
};

/* ACCEPTED, REJECTED, CANCELLED, REPLACED, TRIGGERED, EXPIRED: the order as it is now. */
struct msim_event_order {
    msim_price price;
    msim_qty quantity;
    msim_qty leaves; /* what was open when it ended, in CANCELLED and EXPIRED */
    msim_qty filled;
    msim_price stop_price;
    msim_qty display_quantity;
    int64_t amount; /* MARKET by amount; DEPOSIT and WITHDRAW that were refused */
    msim_time expires_at;
};

struct msim_event_trade {
    uint64_t trade; /* dense from 1 within the engine */
    msim_price price;
    msim_qty quantity;
    int64_t notional; /* at the quote asset's exponent */
    uint64_t maker_order;
    uint64_t taker_order; /* `order` in the header too; `side` there is the taker's */
    uint32_t maker_account;
    uint32_t taker_account;
    msim_price old_price; /* CORRECTED: what it was */
};

struct msim_event_fill {
    uint64_t trade;
    msim_price price;
    msim_qty quantity;
    msim_qty leaves;
    msim_qty filled;
    int64_t notional;
    int64_t fee; /* at the fee asset's exponent, never negative */
    uint32_t fee_asset;
    uint32_t reserved;
};

struct msim_event_level {
    msim_price price;
    msim_qty quantity; /* what is shown */
    uint64_t order_count;
    uint64_t reserved[5];
};

enum msim_book_action {
    MSIM_BOOK_ADD = 1, /* at the end of its level's queue */
    MSIM_BOOK_CHANGE = 2,
    MSIM_BOOK_DELETE = 3,
};

struct msim_event_book_order {
    msim_price price;
    msim_qty quantity; /* what is shown; 0 where it is gone */
    uint64_t action;   /* enum msim_book_action */
    uint64_t reserved[5];
};

struct msim_event_balance {
    int64_t free;
    int64_t held;
    uint64_t asset;
    uint64_t reserved[5];
};

/* Numbers beyond what int64 holds are shown as its largest or smallest. */
struct msim_event_position {
    msim_qty quantity;        /* bought less sold: negative where more was sold */
    int64_t cost;             /* of what is open, in the quote asset; of the quantity's sign */
    int64_t realised;         /* profit of what was closed, before fees */
    msim_price average_price; /* of what is open; rounded, for display */
    uint64_t reserved[4];
};

struct msim_event_instrument {
    msim_price tick;
    msim_qty lot;
    int64_t min_notional;
    uint64_t state; /* enum msim_instrument_state */
    uint64_t reserved[4];
};

struct msim_event_mass {
    uint64_t count;
    uint64_t reserved[7];
};

struct msim_event {
    uint64_t sequence; /* dense from 1 within the engine */
    uint64_t command;  /* the sequence of the command that brought it about */
    msim_time time;    /* the engine's: that of the latest command */
    uint64_t order;
    uint64_t client_id;
    uint32_t instrument;
    uint32_t account;
    uint32_t slot;         /* with `order` the handle: see msim_event_handle */
    uint32_t owner;        /* the order's */
    uint8_t kind;          /* enum msim_event_kind */
    uint8_t side;          /* enum msim_side */
    uint8_t type;          /* enum msim_order_type */
    uint8_t time_in_force; /* enum msim_time_in_force */
    uint8_t code;          /* enum msim_reject or msim_cancel */
    uint8_t flags;         /* enum msim_event_flag */
    uint8_t status;        /* enum msim_order_status */
    uint8_t command_kind;  /* REJECTED: enum msim_command_kind */
    union {
        struct msim_event_order order;           /* ACCEPTED .. TRIGGERED, EXPIRED */
        struct msim_event_trade trade;           /* TRADE, BUSTED, CORRECTED */
        struct msim_event_fill fill;             /* FILL */
        struct msim_event_level level;           /* LEVEL */
        struct msim_event_book_order book_order; /* BOOK_ORDER */
        struct msim_event_balance balance;       /* BALANCE */
        struct msim_event_position position;     /* POSITION */
        struct msim_event_instrument instrument; /* INSTRUMENT */
        struct msim_event_mass mass;             /* MASS_CANCELLED */
    } as;
};

/* The hint for `handle` in a later command: the slot, and which of its orders is meant. */
static inline uint64_t msim_event_handle(const struct msim_event *event)
{
    return event->slot ? event->order << 32 | event->slot : 0;
}

/* "NEW", "ACCEPTED", "OFF_TICK", "SELF_TRADE", ...; "UNKNOWN" for anything else. */
MSIM_API const char *msim_command_kind_name(uint8_t kind);
MSIM_API const char *msim_event_kind_name(uint8_t kind);
MSIM_API const char *msim_reject_name(uint8_t code);
MSIM_API const char *msim_cancel_name(uint8_t code);
MSIM_API const char *msim_order_status_name(uint8_t status);
MSIM_API const char *msim_order_type_name(uint8_t type);
MSIM_API const char *msim_time_in_force_name(uint8_t time_in_force);
MSIM_API const char *msim_self_trade_name(uint8_t mode);
MSIM_API const char *msim_instrument_state_name(uint8_t state);

/*
 * Ids on the wire: 36 characters in the shape of a UUID of version 4, a keyed bijection of a
 * dense number, so that nobody reads from an id how many came before it.
 */
#define MSIM_ID_SIZE 37 /* with the terminator */

/* The key for ids of one kind ("order", "trade"): a function of the seed and the name. */
MSIM_API uint64_t msim_id_key(uint64_t seed, const char *kind);
MSIM_API void msim_id_print(uint64_t key, uint64_t number, char out[MSIM_ID_SIZE]);

/* MSIM_ERR_INVALID where it is not of that shape, MSIM_ERR_NOT_FOUND where this key never gave it.
 */
MSIM_API int msim_id_parse(uint64_t key, const char *text, size_t length, uint64_t *number);

#ifdef __cplusplus
}
#endif

#endif
