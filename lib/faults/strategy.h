/*
 * A strategy as its JSON describes it: selector, activation and what it does.
 *
 * Read once into plain structs; all texts and lists live in the strategy's own
 * arena and go with it.
 */
#ifndef MSIM_FAULTS_STRATEGY_H
#define MSIM_FAULTS_STRATEGY_H

#include <marketsim/faults.h>

#include "base/json.h"
#include "faults/distribution.h"

/* ---- memory of one strategy ---- */

struct arena {
    struct arena_block *blocks;
    const struct msim_allocator *allocator;
};

/* Zeroed memory; NULL where there is none. */
void *msim_fault_arena_take(struct arena *arena, size_t size);
void msim_fault_arena_finish(struct arena *arena);

/* ---- what it looks at ---- */

struct pattern {
    const char *text; /* a glob with * and ? */
    size_t length;
};

struct patterns {
    struct pattern *items;
    size_t count; /* 0: matches all */
};

struct selector {
    unsigned directions; /* 1 << enum msim_fault_direction */
    unsigned channels;   /* 1 << enum msim_fault_channel */
    uint64_t types;      /* 1 << enum msim_fault_type */
    struct patterns label;
    struct patterns account;
    struct patterns symbol;
    struct patterns cid;
    struct patterns side;
    uint64_t size_min;
    uint64_t size_max;
    bool on_message; /* looks at texts or sizes of each message */
    const struct selector *except;
};

#define ALL_TYPES ((UINT64_C(1) << MSIM_FAULT_TYPES) - 1)
#define SYS_TYPES                                         \
    (((UINT64_C(1) << (MSIM_FAULT_SYS_LOGOUT + 1)) - 1) & \
     ~((UINT64_C(1) << MSIM_FAULT_SYS_PING) - 1))

bool msim_fault_glob(const struct pattern *pattern, const char *text, size_t length);
bool msim_fault_patterns_match(const struct patterns *patterns, const char *text, size_t length);

/* What selectors see of a message, its texts never NULL. */
struct view {
    const struct msim_fault_message *message;
    struct msim_fault_text account;
    struct msim_fault_text label;
    int direction;
    int channel;
};

/* All of the selector. */
bool msim_fault_select(const struct selector *selector, const struct view *view);
/* Without directions, channels, types and label. */
bool msim_fault_select_rest(const struct selector *selector, const struct view *view);

/* ---- when it acts ---- */

enum model {
    MODEL_P,
    MODEL_STICK,
    MODEL_GE,
    MODEL_GE_TIME,
    MODEL_RATE,
};

enum by {
    BY_ORDINAL,
    BY_CID,
    BY_ORDER_ID,
    BY_SYMBOL,
    BY_ACCOUNT,
};

struct activation {
    enum model model;
    enum by by;
    bool windowed;
    bool per_link; /* max_hits and cooldown */
    bool start_bad;
    int64_t p; /* parts per 10^9, as all that follow up to h_bad */
    int64_t stick;
    int64_t p_gb;
    int64_t p_bg;
    int64_t h_good;
    int64_t h_bad;
    msim_time mean_good;
    msim_time mean_bad;
    msim_time from; /* since the scenario's start */
    msim_time to;
    uint64_t skip;
    uint64_t every;
    uint64_t max_hits; /* 0: without end */
    msim_time cooldown;
    int64_t rate; /* events in 10^9 seconds */
};

/* ---- what it does ---- */

struct drop {
    int http; /* MSIM_FAULT_ACTION_HTTP_... */
    msim_time hang_for;
    int status;
    const char *body;
};

#define COPIES_MOST 15

struct duplicate {
    int64_t min;
    int64_t max;
    struct distribution gap;
};

enum corruption {
    CORRUPT_BITFLIP,
    CORRUPT_BITFLIP_TEXT,
    CORRUPT_BAD_UTF8,
    CORRUPT_TRUNCATE,
    CORRUPT_GARBAGE,
    CORRUPT_CONCAT,
    CORRUPT_SPLIT,
    CORRUPT_FIELD_DROP,
    CORRUPT_FIELD_NULL,
    CORRUPT_FIELD_RENAME,
    CORRUPT_FIELD_EXTRA,
    CORRUPT_TYPE_SWAP,
    CORRUPT_ENUM_UNKNOWN,
    CORRUPT_NUM_SCALE,
    CORRUPT_NUM_SIGN,
    CORRUPT_NUM_ZERO,
    CORRUPT_NUM_DIGITS,
    CORRUPT_NUM_EXP,
    CORRUPT_NUM_NAN,
    CORRUPT_NUM_HUGE,
    CORRUPT_ID_SWAP,
    CORRUPT_TS_SHIFT,
    CORRUPT_SCRAMBLE,
    CORRUPTIONS,
};

enum garbage {
    GARBAGE_RANDOM,
    GARBAGE_HTML,
    GARBAGE_EMPTY,
};

#define BITS_MOST 64

struct mutation {
    enum corruption mode;
    int64_t weight;
    int64_t bits;
    int64_t keep; /* bytes; 0: a draw */
    enum garbage with;
    struct pattern path; /* a glob on JSON pointers; no text: any field */
    const char *value;   /* a text: enum_unknown; JSON: num_nan */
    const char *name;    /* field_rename, field_extra */
    int64_t pow10;
    int64_t digits;
    msim_time by;       /* ts_shift */
    int64_t fraction;   /* scramble, ppb */
    msim_time max_wait; /* concat */
};

#define MUTATIONS_MOST 32

struct corrupt {
    struct mutation *mutations;
    uint64_t *weights; /* running sums */
    size_t count;
    bool concats;
};

enum scope {
    SCOPE_LINK, /* of a session kind: the connection */
    SCOPE_ACCOUNT,
    SCOPE_CLIENT,
    SCOPE_ALL,
};

enum exceed {
    EXCEED_DELAY,
    EXCEED_DROP,
    EXCEED_REJECT,
    EXCEED_DISCONNECT,
    EXCEED_CONFLATE,
};

enum full_queue {
    QUEUE_DROP_NEW,
    QUEUE_DROP_OLD,
    QUEUE_DISCONNECT,
};

/* One step of a ban that grows: `after` rejects within `within` block for `length`. */
struct ban {
    uint64_t after;
    msim_time within; /* 0: however long ago */
    msim_time length; /* MSIM_TIME_NEVER: for good */
};

#define BANS_MOST 8

struct throttle {
    int64_t rate;     /* tokens in 10^9 seconds */
    int64_t burst;    /* tokens */
    msim_time within; /* `burst` messages at most in any stretch so long; 0: tokens */
    bool bytes;
    enum scope scope;
    enum exceed on_exceed;
    enum full_queue overflow;
    int64_t queue;
    int64_t weights[MSIM_FAULT_TYPES]; /* tokens of a message, in ppb */
    int code;
    int ban_code;
    size_t ban_count;
    struct ban bans[BANS_MOST];
};

enum order {
    ORDER_NONE,
    ORDER_LANE,
    ORDER_LINK,
};

enum lane_by {
    LANE_LINK,
    LANE_SYMBOL,
    LANE_ORDER,
    LANE_TYPE,
    LANE_ACCOUNT,
};

struct delay {
    struct distribution dist;
    enum order order;
    enum lane_by lane;
    msim_time min;
    msim_time max;
};

struct reorder {
    bool shuffle;
    int64_t min; /* k */
    int64_t max;
    int64_t window;
    msim_time max_wait;
    enum lane_by lane;
};

struct slice {
    int64_t min;
    int64_t max;
    msim_time pause;
    bool fragment;
};

enum when {
    WHEN_BEFORE,
    WHEN_INSTEAD,
    WHEN_AFTER,
};

struct session_fault {
    int action;
    int code;
    int status;
    const char *reason;
    enum scope scope;
    const char *account; /* whose sessions, where no message says it; NULL: the message's */
    const char *client;
    enum when when;
    bool on_message; /* triggered by messages, not only by time or by a call */
    bool timed;
    msim_time at; /* since the scenario's start */
    msim_time max_age;
    msim_time duration;
    msim_time rst_after;
    bool flush_on_resume;
    bool flush_at_close;
    msim_time notice_before; /* 0: no notice */
    const char *notice_type;
    int64_t flap_times;
    msim_time flap_gap;
};

enum target {
    TARGET_OPEN_ORDER,
    TARGET_CLOSED_ORDER,
    TARGET_UNKNOWN_ORDER,
    TARGET_FOREIGN_ORDER,
};

enum pick {
    PICK_RANDOM,
    PICK_OLDEST,
    PICK_NEWEST,
    PICK_CID,
};

enum phantom_price {
    PRICE_LIMIT,
    PRICE_BBO,
    PRICE_LAST,
    PRICE_TICKS,
    PRICE_ABSOLUTE,
};

enum phantom_quantity {
    QUANTITY_LEAVES,
    QUANTITY_FRACTION,
    QUANTITY_ABSOLUTE,
};

struct phantom {
    enum target target;
    enum pick pick;
    struct pattern pick_cid;
    enum phantom_price price;
    int64_t ticks_min;
    int64_t ticks_max;
    int64_t price_mantissa;
    int price_exponent;
    enum phantom_quantity quantity;
    int64_t fraction; /* ppb */
    int64_t quantity_mantissa;
    int quantity_exponent;
    bool sticky;
    bool balance_event;
    bool tagged;
    bool busts;
    bool bust_silent;
    msim_time bust_after;
    const char *account; /* for a rate: whose orders; a glob, NULL: anybody's */
};

enum dup_mode {
    DUP_EXACT,
    DUP_RESEND,
    DUP_REID,
};

struct dup_fill {
    enum dup_mode mode;
    struct distribution after;
    int64_t times;
};

struct inject {
    const char *account;
    const char *symbol;
    int channel; /* -1: none named */
    const char *template;
    size_t template_length;
    int type;
};

enum answer {
    ANSWER_UNKNOWN_STATUS,
    ANSWER_UNKNOWN_STATUS_NOT_EXECUTED,
    ANSWER_REJECT,
    ANSWER_LATE_REJECT,
    ANSWER_ACK_ONLY,
};

#define ANSWERS_MOST 8

struct respond {
    size_t count;
    int answers[ANSWERS_MOST];
    uint64_t weights[ANSWERS_MOST]; /* running sums */
    msim_time after;
    int code;
    int http;
    const char *code_text;
    const char *message;
};

struct clock_fault {
    msim_time offset;
    int64_t drift_ppm;
    msim_time step;
};

enum venue_do {
    VENUE_HALT,
    VENUE_RESUME,
    VENUE_CANCEL_ONLY,
    VENUE_POST_ONLY,
    VENUE_MAINTENANCE,
    VENUE_TICK_CHANGE,
    VENUE_LOT_CHANGE,
    VENUE_MIN_NOTIONAL_CHANGE,
    VENUE_BUST_TRADE,
    VENUE_CORRECT_TRADE,
    VENUE_SHOCK,
    VENUE_NOTICE,
};

/* The longest texts of a venue action, with their terminators. */
#define VENUE_SYMBOL_SIZE 64
#define VENUE_TEXT_SIZE 256
#define CODE_TEXT_SIZE 64 /* of respond */

struct venue_fault {
    enum venue_do what;
    const char *symbol; /* NULL: every symbol */
    bool expire;        /* maintenance: resting orders go */
    bool allow_negative;
    bool last;
    uint64_t id;
    int64_t mantissa; /* tick, lot, min notional, price */
    int exponent;
    int64_t levels;
    msim_time recover_after;
    int side;
    bool timed;
    bool on_event; /* waits for an event that it matches */
    msim_time at;
    const char *text;
};

struct strategy {
    char id[MSIM_FAULT_ID_SIZE];
    size_t id_length;
    int kind; /* enum msim_fault_kind */
    bool enabled;
    bool one_shot; /* fired: gone after its first hit */
    bool acting;   /* fired, and has acted: its own timers end it */
    int64_t priority;
    uint64_t created;
    struct selector select;
    struct activation when;
    union {
        struct drop drop;
        struct duplicate duplicate;
        struct corrupt corrupt;
        struct throttle throttle;
        struct delay delay;
        struct reorder reorder;
        struct slice slice;
        struct session_fault session;
        struct phantom phantom;
        struct dup_fill dup_fill;
        struct inject inject;
        struct respond respond;
        struct clock_fault clock;
        struct venue_fault venue;
    } as;
    struct strategy *parted; /* the next of those that have gone and whose words may be lent */
    char *json;              /* the object it was read from, in one line */
    size_t json_length;
    struct arena arena;
};

/* Bounds that a plan is held against. */
struct plan_limits {
    msim_time max_delay;
    uint64_t counter; /* for the id of a strategy without one: "<kind>-<counter>" */
    const char *id;   /* or this one; NULL */
    const struct msim_fault_names *names; /* symbols are held against its own; NULL */
};

/*
 * Reads the strategy that is node `at` of the document.  MSIM_ERR_INVALID and
 * MSIM_ERR_UNSUPPORTED with pointer and remedy, MSIM_ERR_NOMEM.
 */
int msim_fault_plan_read(struct strategy **out, const struct msim_json_document *document,
                         uint32_t at, const struct plan_limits *limits,
                         const struct msim_allocator *allocator, struct msim_detail *detail);
void msim_fault_strategy_free(struct strategy *strategy, const struct msim_allocator *allocator);

/* Whether it stands in the stages of the wire tap. */
bool msim_fault_kind_is_network(int kind);

#endif
