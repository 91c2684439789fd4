/*
 * The failure layer: it says what befalls a message, and holds what is late.
 *
 * A session is one logical connection with a link in each direction.  A message
 * given to a link is judged by every strategy whose selector matches it; what is
 * left of it comes out of `msim_faults_pull` when its time has come.  Nothing
 * here knows a clock or a socket: the caller says what time it is, and asks
 * `msim_faults_next_due` when to come back.
 *
 * Every draw is a function of (seed, strategy id, label, ordinal), so one more
 * strategy or connection changes nothing for the others (docs/faults.md).
 */
#ifndef MARKETSIM_FAULTS_H
#define MARKETSIM_FAULTS_H

#include <marketsim/base.h>
#include <marketsim/record.h>
#include <marketsim/source.h>

#ifdef __cplusplus
extern "C" {
#endif

struct msim_faults;
struct msim_fault_session;
struct msim_fault_link;

enum msim_fault_direction {
    MSIM_FAULT_IN = 1,  /* client to venue */
    MSIM_FAULT_OUT = 2, /* venue to client */
};

enum msim_fault_channel {
    MSIM_FAULT_WS_PUBLIC = 0,
    MSIM_FAULT_WS_PRIVATE,
    MSIM_FAULT_WS_API,
    MSIM_FAULT_REST,
    MSIM_FAULT_FIX,
    MSIM_FAULT_INPROC,
};

/* What a message is; "order.new", "exec.partial", ... as text. */
enum msim_fault_type {
    MSIM_FAULT_ORDER_NEW = 0,
    MSIM_FAULT_ORDER_CANCEL,
    MSIM_FAULT_ORDER_CANCEL_ALL,
    MSIM_FAULT_ORDER_REPLACE,
    MSIM_FAULT_QUERY_ORDER,
    MSIM_FAULT_QUERY_OPEN_ORDERS,
    MSIM_FAULT_QUERY_FILLS,
    MSIM_FAULT_QUERY_ACCOUNT,
    MSIM_FAULT_QUERY_MARKET,
    MSIM_FAULT_SUB,
    MSIM_FAULT_UNSUB,
    MSIM_FAULT_AUTH,
    MSIM_FAULT_KEEPALIVE,
    MSIM_FAULT_ACK_NEW,
    MSIM_FAULT_ACK_CANCEL,
    MSIM_FAULT_ACK_REPLACE,
    MSIM_FAULT_REJECT_NEW,
    MSIM_FAULT_REJECT_CANCEL,
    MSIM_FAULT_REJECT_REPLACE,
    MSIM_FAULT_RESP_QUERY,
    MSIM_FAULT_RESP_OTHER,
    MSIM_FAULT_EXEC_NEW,
    MSIM_FAULT_EXEC_PARTIAL,
    MSIM_FAULT_EXEC_FILL,
    MSIM_FAULT_EXEC_CANCELED,
    MSIM_FAULT_EXEC_REPLACED,
    MSIM_FAULT_EXEC_EXPIRED,
    MSIM_FAULT_EXEC_REJECTED,
    MSIM_FAULT_EXEC_BUST,
    MSIM_FAULT_EXEC_CORRECT,
    MSIM_FAULT_BALANCE,
    MSIM_FAULT_POSITION,
    MSIM_FAULT_MD_TRADE,
    MSIM_FAULT_MD_DEPTH,
    MSIM_FAULT_MD_SNAPSHOT,
    MSIM_FAULT_MD_BBO,
    MSIM_FAULT_MD_TICKER,
    MSIM_FAULT_MD_KLINE,
    MSIM_FAULT_MD_STATUS,
    MSIM_FAULT_SYS_PING,
    MSIM_FAULT_SYS_PONG,
    MSIM_FAULT_SYS_HEARTBEAT,
    MSIM_FAULT_SYS_NOTICE,
    MSIM_FAULT_SYS_LOGON,
    MSIM_FAULT_SYS_LOGOUT,
    MSIM_FAULT_OTHER,
    MSIM_FAULT_TYPES, /* how many there are */
};

enum msim_fault_kind {
    MSIM_FAULT_DROP = 1,
    MSIM_FAULT_DUPLICATE,
    MSIM_FAULT_CORRUPT,
    MSIM_FAULT_THROTTLE,
    MSIM_FAULT_DELAY,
    MSIM_FAULT_REORDER,
    MSIM_FAULT_SLICE,
    MSIM_FAULT_SESSION,
    MSIM_FAULT_PHANTOM_FILL,
    MSIM_FAULT_DUP_FILL,
    MSIM_FAULT_INJECT,
    MSIM_FAULT_RESPOND,
    MSIM_FAULT_CLOCK,
    MSIM_FAULT_VENUE,
    MSIM_FAULT_KINDS, /* one above the last */
};

/* "ws_public"; "exec.partial"; "phantom_fill".  "unknown" for no value of ours. */
MSIM_API const char *msim_fault_channel_name(int channel);
MSIM_API const char *msim_fault_type_name(int type);
MSIM_API const char *msim_fault_kind_name(int kind);

/* The type of that name, MSIM_FAULT_OTHER where there is none. */
MSIM_API int msim_fault_type_find(const char *name, size_t length);

/* ---- the layer ---- */

#define MSIM_FAULT_ID_SIZE 65 /* the longest id, 64 characters, and its terminator */

/* Strategies of such ids may be the host's own, added at their first use: a scenario may name them.
 */
#define MSIM_FAULT_ID_LATER "sim-"

/* One decision that became a hit, or one delivery where the trace is full. */
struct msim_fault_trace {
    msim_time time;
    const char *link;     /* "<label>|in", an account for what is said there, "" for neither */
    uint64_t ordinal;     /* of the message on its link */
    uint32_t sub;         /* 0 the original, 1.. its copies */
    int type;             /* enum msim_fault_type */
    const char *cid;      /* the client order id, "" where there is none */
    const char *strategy; /* "" for a delivery */
    const char *kind;     /* "delay"; "deliver" */
    const char *action;   /* "hit", "shadowed", "inapplicable"; what a session does: "rst" */
    int64_t detail;       /* nanoseconds of delay, number of copies, k of a reorder, ... */
    uint64_t uniform;     /* the draw that decided; 0 where none was needed */
};

/* What happens to a message beyond the bound on pending ones. */
enum msim_fault_overflow {
    MSIM_FAULT_OVERFLOW_DISCONNECT = 0, /* close 1008 */
    MSIM_FAULT_OVERFLOW_DROP_NEW = 1,
};

/*
 * Names for the numbers in events and commands.  Members that are NULL, and numbers that
 * they give NULL for, leave the number itself as the name.
 */
struct msim_fault_instrument {
    uint32_t instrument;
    uint32_t base_asset;
    uint32_t quote_asset;
    int price_exponent;
    int quantity_exponent;
    int base_exponent;
    int quote_exponent;
    msim_price tick;
};

struct msim_fault_names {
    void *context;
    const char *(*account)(void *context, uint32_t account);
    const char *(*symbol)(void *context, uint32_t instrument);
    const char *(*asset)(void *context, uint32_t asset);
    const char *(*client_id)(void *context, uint32_t account, uint64_t client_id);
    /* MSIM_OK, or MSIM_ERR_NOT_FOUND: a `venue` strategy with such a symbol is refused, with the
     * nearest of those that `symbol` knows from 0 on. */
    int (*instrument)(void *context, const char *symbol, struct msim_fault_instrument *out);
    /* The best prices; MSIM_ERR_NOT_FOUND where a side is empty. */
    int (*best)(void *context, uint32_t instrument, msim_price *bid, msim_price *ask);
    /* The decimals of an asset's amounts, as an exponent; NULL: they are whole numbers. */
    int (*asset_exponent)(void *context, uint32_t asset);
};

struct msim_faults_params {
    size_t size;
    const struct msim_allocator *allocator; /* copied */
    const struct msim_logger *logger;       /* copied */
    uint64_t seed;                          /* default 1 */
    msim_time start;                        /* the moment that windows and timelines count from */
    size_t max_strategies;                  /* 256, which is also the most */
    size_t max_sessions;                    /* 65536 open at a time */
    size_t max_labels;                      /* 262144 clients with their channels, ever */
    size_t max_pending_messages;            /* 65536 for each link */
    size_t max_pending_bytes;               /* 64 MiB for each link */
    size_t max_holds;                       /* 4096 for each link: held by reorder */
    size_t max_accounts;                    /* 65536 in the ledger */
    size_t max_orders;                      /* 65536 for each account in the ledger */
    msim_time max_delay;                    /* 24 h: a longer one is cut to it */
    int overflow;                           /* enum msim_fault_overflow */
    /* Called inside submit, pull and the others; it must not call back.  May be NULL. */
    void (*trace)(void *context, const struct msim_fault_trace *trace);
    void *context;
    bool trace_full; /* deliveries too */
    bool realtime;   /* real sockets: the trace says that its times do not repeat */
    bool reveal;     /* adds "x_sim_fault" to JSON objects that were hit */
    const struct msim_fault_names *names; /* copied */
};
#define MSIM_FAULTS_PARAMS_INIT                                                                   \
    {                                                                                             \
        sizeof(struct msim_faults_params), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, false, \
            false, false, 0                                                                       \
    }

MSIM_API int msim_faults_create(struct msim_faults **out, const struct msim_faults_params *params,
                                struct msim_detail *detail);
MSIM_API void msim_faults_destroy(struct msim_faults **faults);
MSIM_API uint64_t msim_faults_seed(const struct msim_faults *faults);

/* The latest `now` that it was told: no call may name an earlier one. */
MSIM_API msim_time msim_faults_time(const struct msim_faults *faults);

/* ---- sessions and messages ---- */

struct msim_fault_session_params {
    size_t size;
    const char *client;  /* the label's first part; NULL: the account, or "anon" */
    const char *account; /* NULL where it is not known yet */
    int channel;         /* enum msim_fault_channel */
    void *user;          /* the caller's own */
};
#define MSIM_FAULT_SESSION_PARAMS_INIT                       \
    {                                                        \
        sizeof(struct msim_fault_session_params), 0, 0, 0, 0 \
    }

/*
 * Opens a session; its label is "<client>/<channel>/<k>", k the number of earlier ones.  A
 * client's REST requests are one session, which is given out again each time.  MSIM_ERR_INVALID
 * for a client with a '/', '|' or a control byte in it, MSIM_ERR_LIMIT, MSIM_ERR_NOMEM.
 */
MSIM_API int msim_faults_session_open(struct msim_faults *faults, msim_time now,
                                      const struct msim_fault_session_params *params,
                                      struct msim_fault_session **out, struct msim_detail *detail);

/* What still waits on its links is discarded and counted.  Leaves NULL. */
MSIM_API void msim_faults_session_close(struct msim_faults *faults, msim_time now,
                                        struct msim_fault_session **session);

MSIM_API struct msim_fault_link *msim_fault_session_link(struct msim_fault_session *session,
                                                         int direction);
/* Borrowed: valid as long as the session. */
MSIM_API const char *msim_fault_session_label(const struct msim_fault_session *session);
MSIM_API const char *msim_fault_session_account(const struct msim_fault_session *session);
MSIM_API int msim_fault_session_set_account(struct msim_fault_session *session,
                                            const char *account);
MSIM_API void *msim_fault_session_user(const struct msim_fault_session *session);

struct msim_fault_text {
    const char *text; /* need not be terminated; NULL where there is none */
    size_t length;
};

struct msim_fault_message {
    const void *bytes; /* copied where they have to wait */
    size_t length;
    int type; /* enum msim_fault_type */
    int side; /* enum msim_side */
    struct msim_fault_text symbol;
    const struct msim_fault_text *more_symbols; /* of a request that names several */
    size_t more_symbol_count;
    struct msim_fault_text client_order_id;
    struct msim_fault_text order_id;
    struct msim_fault_text account; /* NULL: the session's */
    bool has_ordinal;               /* a response has its request's */
    uint64_t ordinal;
    const char *injector; /* the id of the strategy that made it up; NULL: a native message */
    uint64_t injection;   /* its number among that strategy's */
};

enum msim_fault_outcome {
    MSIM_FAULT_PASS = 0,  /* send it now, as it is: nothing was kept */
    MSIM_FAULT_TAKEN = 1, /* what is left of it comes out of msim_faults_pull */
};

/*
 * Judges a message at `now`, which never falls.  Returns an enum msim_fault_outcome, or
 * MSIM_ERR_INVALID, MSIM_ERR_NOMEM (nothing was kept and no state moved).  Where nothing asks about
 * its type the message passes without being looked at: its bytes may be NULL then.  On a link whose
 * session an action has ended it is taken, and counted as gated.
 */
MSIM_API int msim_faults_submit(struct msim_faults *faults, msim_time now,
                                struct msim_fault_link *link,
                                const struct msim_fault_message *message);

/*
 * The types, a bit for each, that something asks about on this link now or that have to wait their
 * turn.  Messages of others may pass it by without a submit; then they are in no count and have
 * no ordinal.
 */
MSIM_API uint64_t msim_fault_link_watched(struct msim_fault_link *link);

enum msim_fault_action_kind {
    MSIM_FAULT_ACTION_CLOSE = 1, /* a close frame with `code` and `reason`, FIN */
    MSIM_FAULT_ACTION_FIN,       /* FIN without a close frame */
    MSIM_FAULT_ACTION_RST,       /* RST (SO_LINGER 0) */
    MSIM_FAULT_ACTION_FREEZE,
    MSIM_FAULT_ACTION_FREEZE_OUT,
    MSIM_FAULT_ACTION_FREEZE_IN,
    MSIM_FAULT_ACTION_ZOMBIE,
    MSIM_FAULT_ACTION_HALF_OPEN,
    MSIM_FAULT_ACTION_REFUSE,
    MSIM_FAULT_ACTION_STALL,
    MSIM_FAULT_ACTION_HTTP_ERROR,
    MSIM_FAULT_ACTION_RESUME,      /* freeze, zombie, ... has ended */
    MSIM_FAULT_ACTION_NOTICE,      /* the profile's warning: `reason` names its type */
    MSIM_FAULT_ACTION_REJECT,      /* answer request `ordinal` with the rate-limit error */
    MSIM_FAULT_ACTION_HTTP_HANG,   /* no response; close after `duration` */
    MSIM_FAULT_ACTION_HTTP_CLOSE,  /* close without a response */
    MSIM_FAULT_ACTION_HTTP_STATUS, /* answer `code` with `reason` as the body */
};

/* "rst", "freeze_out", ...; "unknown". */
MSIM_API const char *msim_fault_action_name(int action);

/* What an action leaves of a connection (docs/faults.md has the table). */
struct msim_fault_effect {
    bool reads;          /* the server reads */
    bool processes;      /* and what it read is processed */
    bool writes;         /* data leaves */
    bool answers_pings;  /* pongs and heartbeats leave */
    bool alive_in_venue; /* the session goes on as the venue sees it */
};
MSIM_API struct msim_fault_effect msim_fault_action_effect(int action);

enum msim_fault_output_kind {
    MSIM_FAULT_OUTPUT_MESSAGE = 1, /* hand `bytes` over */
    MSIM_FAULT_OUTPUT_ACTION = 2,  /* do `action` to the session */
};

/* Sizes of the pieces that a message's bytes are written in; `max` 0: in one. */
struct msim_fault_slice {
    uint32_t min;
    uint32_t max;
    msim_time pause;
    bool fragment; /* WebSocket continuation frames in place of plain pieces */
    uint64_t key;
    uint64_t ordinal;
    uint32_t sub;
};

struct msim_fault_output {
    int kind; /* enum msim_fault_output_kind */
    msim_time time;
    struct msim_fault_session *session;
    int direction;
    uint64_t ordinal;
    uint32_t sub;
    int type;
    bool altered;               /* the bytes are not the ones that were submitted */
    const unsigned char *bytes; /* borrowed until the next call that changes the layer */
    size_t length;
    struct msim_fault_slice slice;
    int action; /* enum msim_fault_action_kind */
    int code;
    const char *reason;   /* borrowed like `bytes`; "" where there is none */
    msim_time duration;   /* of the state; 0: until told otherwise.  Retry-After of a reject */
    bool flush;           /* write what waits before ending the connection */
    const char *strategy; /* whose action it is; borrowed like `bytes`; "" for none */
};

/* The size of piece `index` of a message, at least 1. */
MSIM_API size_t msim_fault_slice_size(const struct msim_fault_slice *slice, uint32_t index);

/*
 * The next thing that is due at `now`: MSIM_PULL_RECORD with one in `*out`, MSIM_PULL_EMPTY, or
 * MSIM_ERR_NOMEM.  Calls between a submit and its turn to be pulled keep the order of releases.
 */
MSIM_API int msim_faults_pull(struct msim_faults *faults, msim_time now,
                              struct msim_fault_output *out);

/* When something is due next; MSIM_TIME_NEVER. */
MSIM_API msim_time msim_faults_next_due(const struct msim_faults *faults);

/* Where the equation of each link stands; see msim_fault_link_balanced. */
struct msim_fault_balance {
    uint64_t native;
    uint64_t injected;
    uint64_t copies;
    uint64_t delivered;
    uint64_t dropped;
    uint64_t rejected;
    uint64_t conflated;
    uint64_t discarded;
    uint64_t overflow;
    uint64_t gated;
    uint64_t merged;
    uint64_t pending;
    uint64_t pending_bytes;
};
MSIM_API struct msim_fault_balance msim_fault_link_balance(const struct msim_fault_link *link);

/* native + injected + copies = all the others: true at every instant. */
MSIM_API bool msim_fault_balance_holds(const struct msim_fault_balance *balance);

/* What a new connection meets. */
struct msim_fault_admission {
    int action; /* 0: welcome; else MSIM_FAULT_ACTION_REFUSE, _STALL or _HTTP_ERROR */
    int status;
    msim_time until; /* MSIM_TIME_NEVER: until told otherwise */
};
MSIM_API struct msim_fault_admission msim_faults_admit(struct msim_faults *faults, msim_time now,
                                                       const struct msim_fault_session_params *who);

/* ---- strategies (between turns) ---- */

/*
 * Adds the strategy that a JSON object describes.  Its id is written to `id` (may be NULL).
 * MSIM_ERR_INVALID with a JSON pointer and the remedy, MSIM_ERR_UNSUPPORTED for what this
 * version does not have, MSIM_ERR_EXISTS, MSIM_ERR_LIMIT, MSIM_ERR_NOMEM: nothing has changed.
 */
MSIM_API int msim_faults_add(struct msim_faults *faults, msim_time now, const char *json,
                             size_t length, char id[MSIM_FAULT_ID_SIZE],
                             struct msim_detail *detail);

/* An array of strategies or an object with "strategies", all of them or none. */
MSIM_API int msim_faults_add_all(struct msim_faults *faults, msim_time now, const char *json,
                                 size_t length, struct msim_detail *detail);

/*
 * A JSON merge patch (RFC 7396) on it as it stands; state, counters and random streams go on.
 * Refused like an added one, with the pointer into the patch.
 */
MSIM_API int msim_faults_update(struct msim_faults *faults, msim_time now, const char *id,
                                const char *patch, size_t length, struct msim_detail *detail);

/* MSIM_ERR_NOT_FOUND.  Disabling and removing release what the strategy itself holds. */
MSIM_API int msim_faults_enable(struct msim_faults *faults, msim_time now, const char *id);
MSIM_API int msim_faults_disable(struct msim_faults *faults, msim_time now, const char *id);
MSIM_API int msim_faults_remove(struct msim_faults *faults, msim_time now, const char *id);

/*
 * Once: it acts at once, or on the first message that it matches, and is gone.  MSIM_ERR_STATE
 * where it is to act on connections at once and none is open that it befalls, with the nearest
 * name, or where now is outside its window.
 */
MSIM_API int msim_faults_fire(struct msim_faults *faults, msim_time now, const char *json,
                              size_t length, struct msim_detail *detail);

/* Disables all but venue actions, releases all that waits in its first order, resumes sessions. */
MSIM_API int msim_faults_heal(struct msim_faults *faults, msim_time now);

/* Removes all strategies; counters and state begin anew.  What waits is released first. */
MSIM_API int msim_faults_reset(struct msim_faults *faults, msim_time now);

/*
 * Starts the scenario that a JSON object describes: its strategies are added, its timeline
 * counts from now.  One runs at a time: MSIM_ERR_STATE.  Bad ones are refused whole, and so are
 * expectations, conditions and steps on strategies that neither stand nor are added by it.
 */
MSIM_API int msim_faults_scenario_start(struct msim_faults *faults, msim_time now, const char *json,
                                        size_t length, struct msim_detail *detail);

/* The same without starting it, but for names of strategies, which may be added until it starts. */
MSIM_API int msim_faults_scenario_check(const struct msim_faults *faults, const char *json,
                                        size_t length, struct msim_detail *detail);

/* Ends it with a heal.  Its report stays until the next one starts. */
MSIM_API int msim_faults_scenario_stop(struct msim_faults *faults, msim_time now);

/*
 * Name, times, marks, steps that failed, and each expectation with its verdict ("holds", "failed",
 * "open" as long as it may still come true), as JSON; as msim_faults_statistics.  "failures" counts
 * what has failed, steps and expectations, "open" the expectations that are open; `*failures` (may
 * be NULL) is how many expectations do not hold now.
 */
MSIM_API int msim_faults_scenario_report(const struct msim_faults *faults, char *out, size_t size,
                                         size_t *length, uint64_t *failures);

/* ---- the modes of the Python simulator ---- */

/*
 * The "failures" object of its configuration, as strategies with ids like
 * "DropMessageStrategy_0.inbound".  Unknown keys are refused with the nearest known one.
 */
MSIM_API int msim_faults_python_modes(struct msim_faults *faults, msim_time now, const char *json,
                                      size_t length, struct msim_detail *detail);

/* {"enabled", "inbound": {...}, "outbound": {...}} in its shape; as msim_faults_statistics. */
MSIM_API int msim_faults_python_statistics(const struct msim_faults *faults, char *out, size_t size,
                                           size_t *length);

/* ---- a faulty source ---- */

struct msim_source_with_faults_params {
    size_t size;
    /* Its strategies see the link "<client>/inproc/0|out"; nobody else submits to it. */
    struct msim_faults *faults;
    const char *client; /* default "source" */
};
#define MSIM_SOURCE_WITH_FAULTS_PARAMS_INIT                 \
    {                                                       \
        sizeof(struct msim_source_with_faults_params), 0, 0 \
    }

/*
 * A source whose records meet the strategies on their way: drop, duplicate, delay, throttle,
 * reorder, and session actions that cut it.  Corrupt and slice need bytes: MSIM_ERR_UNSUPPORTED
 * by name.  A record's time is the moment at which it comes out.  Moves `input` into the new
 * source when it succeeds.
 */
MSIM_API int msim_source_with_faults(struct msim_source *out, struct msim_source *input,
                                     const struct msim_source_with_faults_params *params,
                                     struct msim_detail *detail);

/* ---- the report tap: what the venue says of orders ---- */

enum msim_fault_made {
    MSIM_FAULT_MADE_NATIVE = 0, /* the engine's own event */
    MSIM_FAULT_MADE_PHANTOM,    /* a fill without a trade */
    MSIM_FAULT_MADE_BUST,       /* the end of a phantom */
    MSIM_FAULT_MADE_COPY,       /* a fill told again */
    MSIM_FAULT_MADE_INJECTED,   /* `text` as it is to be sent; ${seq} in it is the session's */
    MSIM_FAULT_MADE_ERROR,      /* the late answer to `request` */
};

/* Ids of executions from here on are made up; the engine's are below. */
#define MSIM_FAULT_EXEC_RESERVED (UINT64_C(1) << 62)

struct msim_fault_said {
    int made; /* enum msim_fault_made */
    int type; /* enum msim_fault_type */
    msim_time time;
    struct msim_event event; /* kind 0 for texts and errors */
    uint64_t exec;           /* id of the execution told; 0 for none */
    bool new_sequence;       /* takes a sequence number of its own */
    bool possible_duplicate;
    bool tagged;          /* a made-up id is to be recognisable */
    const char *strategy; /* "" for a native event; texts are borrowed until the next change */
    uint64_t injection;   /* its number among the strategy's */
    const char *account;  /* whom it is for, "" for nobody in particular */
    const char *symbol;
    int channel;      /* enum msim_fault_channel, -1 for any */
    const char *text; /* of an injection, or the words of an error */
    size_t length;
    uint64_t request; /* of an error: the caller's number */
    int code;
    const char *code_text;
    int http;
};

/*
 * Shows an event of the engine to the report kinds and to the ledger.  MSIM_FAULT_PASS: say it
 * as it is, nothing else.  MSIM_FAULT_TAKEN: what is to be said comes out of msim_faults_said.
 */
MSIM_API int msim_faults_report(struct msim_faults *faults, msim_time now,
                                const struct msim_event *event);

/*
 * The same of several at once, all of which are said as they are: for the ledger alone, while
 * the layer is quiet.  MSIM_ERR_STATE where it is not.
 */
MSIM_API int msim_faults_note(struct msim_faults *faults, msim_time now,
                              const struct msim_event *events, size_t count);

/* The next thing to say at `now`: MSIM_PULL_RECORD, MSIM_PULL_EMPTY, MSIM_ERR_NOMEM. */
MSIM_API int msim_faults_said(struct msim_faults *faults, msim_time now,
                              struct msim_fault_said *out);

/*
 * Whether there is nothing that could do or say anything: no strategy, no scenario, nothing held,
 * nothing to be said.  Reports go on (the ledger lives on them), but bring nothing about until one
 * of these has come; and of a request the type is enough.
 */
MSIM_API bool msim_faults_is_quiet(const struct msim_faults *faults);

/* What becomes of a request before it is a command. */
struct msim_fault_verdict {
    bool execute;     /* the engine gets the command */
    bool acknowledge; /* its answer, or one as if it had been accepted, is sent */
    bool refuse;      /* answer with code, http and message now */
    int code;
    const char *code_text; /* "" for none; borrowed until the next change */
    int http;
    const char *message;
};

/* `request` comes back in a late error.  `message` needs no bytes. */
MSIM_API int msim_faults_request(struct msim_faults *faults, msim_time now, const char *account,
                                 const struct msim_fault_message *message, uint64_t request,
                                 struct msim_fault_verdict *out);

/* What is added to every moment that the account (may be NULL) is told, or is checked against. */
MSIM_API msim_time msim_faults_clock(struct msim_faults *faults, msim_time now,
                                     const char *account);

/* Whether there is a fault of the clock at all. */
MSIM_API bool msim_faults_has_clock(const struct msim_faults *faults);

/* ---- venue actions ---- */

enum msim_fault_venue {
    MSIM_FAULT_VENUE_COMMAND = 1, /* `command` is to be journaled and applied like any other */
    MSIM_FAULT_VENUE_SHOCK,       /* a house agent sweeps `levels` of the book's `side` */
    MSIM_FAULT_VENUE_NOTICE,      /* `text` to everybody */
};

struct msim_fault_venue_action {
    int kind; /* enum msim_fault_venue */
    msim_time time;
    struct msim_command command;
    const char *symbol; /* "" for all; texts are borrowed until the next change */
    uint64_t levels;
    int side;
    msim_time recover_after;
    const char *text;
    const char *strategy;
};

MSIM_API int msim_faults_venue(struct msim_faults *faults, msim_time now,
                               struct msim_fault_venue_action *out);

/* ---- the ledger: truth and what was told ---- */

/* A client has been told this: call it for each delivered order event, as often as it is. */
MSIM_API int msim_faults_told(struct msim_faults *faults, const struct msim_event *event,
                              uint64_t exec);

/* The robot's own view, a JSON object with "position" and "orders" (docs/faults.md). */
MSIM_API int msim_faults_view(struct msim_faults *faults, const char *account, const char *json,
                              size_t length, struct msim_detail *detail);

struct msim_fault_ledger {
    uint64_t fills; /* true ones */
    uint64_t told_once;
    uint64_t told_twice; /* or more often */
    uint64_t never_told;
    uint64_t phantom; /* told, and never true */
    uint64_t busted;
    bool told_is_true; /* what was told adds up to the truth */
    bool reconciled;   /* the robot's view equals the truth */
    bool has_view;
    bool truncated; /* more orders or fills than the ledger's bounds */
};
MSIM_API int msim_faults_ledger(const struct msim_faults *faults, const char *account,
                                struct msim_fault_ledger *out);
/* The same with positions and orders as JSON; as msim_faults_statistics. */
MSIM_API int msim_faults_ledger_json(const struct msim_faults *faults, const char *account,
                                     char *out, size_t size, size_t *length);

/* ---- named scenarios ---- */

/* The name of preset `index` and the JSON of its strategies; NULL at the end. */
MSIM_API const char *msim_fault_preset_name(size_t index);
MSIM_API const char *msim_fault_preset_json(size_t index);

/*
 * Adds a preset's strategies, ids "<name>.1", ...; `overrides` (may be NULL) is a merge patch
 * on each.  Their windows and `at` count from `now`, not from the start.  MSIM_ERR_UNSUPPORTED
 * for a preset whose kind this version does not have.
 */
MSIM_API int msim_faults_preset(struct msim_faults *faults, msim_time now, const char *name,
                                const char *overrides, size_t length, struct msim_detail *detail);

/* ---- statistics ---- */

struct msim_fault_counts {
    uint64_t seen;    /* messages that passed the tap while the strategy stood at it */
    uint64_t matched; /* of these, while it was enabled, what its selector matched */
    uint64_t decided;
    uint64_t hits; /* acted */
    uint64_t shadowed;
    uint64_t inapplicable;
    uint64_t bytes;      /* of the messages acted on */
    msim_time first_hit; /* MSIM_TIME_NEVER where there was none */
    msim_time last_hit;
};

/* Of one strategy over all links, or on one. */
MSIM_API int msim_faults_counts(const struct msim_faults *faults, const char *id,
                                struct msim_fault_counts *out);
MSIM_API int msim_faults_link_counts(const struct msim_faults *faults, const char *id,
                                     const struct msim_fault_link *link,
                                     struct msim_fault_counts *out);

/*
 * All about one strategy, its "rule" as msim_faults_add takes it, or (id NULL) about all of them
 * and every link, as JSON in one line.  Writes a terminated text into `out` and its length into
 * `*length`; MSIM_ERR_LIMIT where `size` does not hold it, and then `*length` is the room that
 * would.
 */
MSIM_API int msim_faults_statistics(const struct msim_faults *faults, const char *id, char *out,
                                    size_t size, size_t *length);

/* One line of NDJSON for a trace record, with its line end; returns the length as snprintf does. */
MSIM_API size_t msim_fault_trace_print(const struct msim_faults *faults,
                                       const struct msim_fault_trace *trace, char *out,
                                       size_t size);

#ifdef __cplusplus
}
#endif

#endif
