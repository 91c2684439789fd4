/*
 * The report tap's inside: what is waiting to be said, and the ledger.
 */
#ifndef MSIM_FAULTS_REPORT_H
#define MSIM_FAULTS_REPORT_H

#include "faults/stages.h"

/* A name that nobody has is held against so many accounts, to name the nearest. */
#define ACCOUNTS_COMPARED 4096

/* ---- numbers to places ---- */

/*
 * A hash index of places by numbers.  Of a number it keeps 32 bits: who looks for one that may be
 * larger checks what stands at the place, and asks for the next.
 */
struct index {
    struct index_entry *entries;
    size_t size;
    size_t count;
};

struct index_entry {
    uint32_t tag;
    uint32_t number; /* the place + 1; 0 where there is none */
};

uint32_t msim_fault_index_find(const struct index *index, uint64_t key);
/* The one that was added behind `place`. */
uint32_t msim_fault_index_find_next(const struct index *index, uint64_t key, uint32_t place);
/* A number may stand for several places. */
int msim_fault_index_add(struct index *index, uint64_t key, uint32_t place,
                         const struct msim_allocator *allocator);
void msim_fault_index_finish(struct index *index, const struct msim_allocator *allocator);

/* ---- the ledger ---- */

/* A cache line: the ledger walks over them with every event. */
struct known_order {
    uint64_t order;
    uint64_t client_id;
    msim_price price;
    msim_qty quantity;
    msim_qty leaves;
    msim_qty filled;
    msim_qty told; /* what a naive client has added up */
    uint32_t instrument;
    uint32_t side : 8;
    uint32_t open : 1;
    uint32_t odd : 23; /* the place + 1 of what few orders have; 0: nothing */
};

#define ODD_MOST ((1U << 23) - 1)

/* What few orders have. */
struct known_odd {
    msim_qty phantom; /* shown on top of it until the bust */
    msim_qty seen;    /* by the robot's own view */
    bool has_seen;
};

struct known_fill {
    uint64_t exec;
    msim_qty quantity;
    uint32_t order; /* its place */
    uint16_t told;  /* how often; at most TOLD_MOST */
    bool phantom;
    bool busted;
};

#define TOLD_MOST UINT16_MAX /* twice is as bad as ever */

struct known_position {
    uint32_t instrument;
    int64_t truth;
    int64_t told;
    int64_t seen;
    bool has_seen;
};

struct known_balance {
    uint32_t asset;
    int64_t free;
    int64_t held;
};

/* What an account has ordered and dealt. */
struct dealings {
    uint64_t last_order; /* the youngest one's number; 0: there is none */
    uint64_t last_fill;
    struct rows orders; /* struct known_order */
    struct known_odd *odds;
    size_t odd_count;
    size_t odd_capacity;
    struct index order_index; /* empty until a number fell */
    struct rows fills;        /* struct known_fill */
    struct index fill_index;
    struct known_position *positions;
    size_t position_count;
    size_t position_capacity;
    bool orders_fell; /* a number was below the one before it: the index has all of them */
    bool fills_fell;
};

struct account {
    uint32_t id;
    bool truncated;
    bool has_view;
    bool has_phantoms;         /* an order was shown with more than it filled, once */
    uint64_t events;           /* the ordinal of the next one */
    struct dealings *dealings; /* the report's empty ones until it has some */
    struct known_balance *balances;
    size_t balance_count;
    size_t balance_capacity;
    struct state **states; /* STRATEGIES_MOST; each, and all, NULL until it meets the account */
};

/* ---- what is to be said ---- */

struct saying {
    struct msim_fault_said said;
    char strategy[MSIM_FAULT_ID_SIZE];
    char *text; /* its own copy, and behind it the names */
    size_t text_size;
    const char *account; /* in `text`; NULL: nobody in particular */
    const char *symbol;
    char code_text[CODE_TEXT_SIZE];
    uint32_t next;
    uint32_t order; /* of a phantom: its account and order, for the bust */
    uint32_t account_place;
    msim_qty quantity;
};

/* What is made up and waits to be pulled or for its moment; more is not said (inapplicable). */
#define SAYINGS_MOST 262144
#define VENUE_SAYINGS_MOST 65536

struct venue_saying {
    struct msim_fault_venue_action action;
    char symbol[VENUE_SYMBOL_SIZE];
    char text[VENUE_TEXT_SIZE];
    char strategy[MSIM_FAULT_ID_SIZE];
    uint32_t next;
};

struct last_price {
    uint32_t instrument;
    msim_price price;
};

#define RECENT_ACCOUNTS 16

struct report {
    struct msim_faults *faults;
    struct msim_fault_names names;
    struct dealings no_dealings; /* empty: of all accounts that have none */
    struct account **accounts;
    size_t account_count;
    size_t account_capacity;
    struct index account_index;
    struct last_price *prices;
    size_t price_count;
    size_t price_capacity;
    struct pool sayings;
    uint32_t head; /* due now */
    uint32_t tail;
    uint32_t lent;
    struct pool venue_sayings;
    uint32_t venue_head;
    uint32_t venue_tail;
    uint32_t venue_lent;
    struct state strangers[STRATEGIES_MOST]; /* of requests by accounts without events */
    uint64_t execs;                          /* made up so far */
    struct msim_symbols requesters;          /* accounts by name, and how often each has asked */
    uint64_t *requests;
    size_t request_capacity;
    uint64_t reporters;  /* strategies that stand at events */
    uint64_t responders; /* … at requests */
    uint64_t clocks;
    bool has_phantoms;                           /* of some account */
    struct account *recent[RECENT_ACCOUNTS];     /* by the lowest bits of their numbers; NULL */
    uint32_t recent_requesters[RECENT_ACCOUNTS]; /* number + 1 */
};

int msim_fault_report_create(struct report **out, struct msim_faults *faults,
                             const struct msim_fault_names *names);
void msim_fault_report_destroy(struct report **report);
void msim_fault_report_forget(struct msim_faults *faults, uint32_t slot);
/* Sets the timers of a report or venue kind. */
void msim_fault_report_arm(struct msim_faults *faults, uint32_t slot, msim_time now);
/* True where it acted at once; else it waits for what it matches. */
bool msim_fault_report_fire(struct msim_faults *faults, uint32_t slot, msim_time now);
void msim_fault_report_heal(struct msim_faults *faults, msim_time now);
void msim_fault_report_reset(struct msim_faults *faults);
void msim_fault_scenario_finish(struct msim_faults *faults);

/* ---- account.c ---- */

int msim_fault_account_get(struct report *report, uint32_t id, struct account **out);
/* Refuses what speaks to an account that the host does not know, with the nearest one. */
int msim_fault_refuse_stranger(const struct msim_faults *faults,
                               const struct msim_json_document *document,
                               const struct strategy *strategy, struct msim_detail *detail);
struct account *msim_fault_account_named(const struct report *report, const char *name);
void msim_fault_account_free(struct report *report, struct account *account);

/* A number's name, or its digits in `digits`. */
#define NAME_DIGITS 24
const char *msim_fault_name_or_digits(const char *name, uint64_t number, char digits[NAME_DIGITS]);
const char *msim_fault_account_name(const struct report *report, uint32_t account,
                                    char digits[NAME_DIGITS]);
const char *msim_fault_symbol_name(const struct report *report, uint32_t instrument,
                                   char digits[NAME_DIGITS]);
const char *msim_fault_cid_name(const struct report *report, uint32_t account, uint64_t client_id,
                                char digits[NAME_DIGITS]);

/* a + b, cut to what int64 holds: events may say anything. */
static inline int64_t msim_fault_add_up(int64_t a, int64_t b)
{
    int64_t sum;

    if (msim_add_check(a, b, &sum))
        return sum;
    return b > 0 ? INT64_MAX : INT64_MIN;
}

/* 0 where nobody knows it. */
int msim_fault_quantity_exponent(const struct report *report, uint32_t instrument);

/* ---- ledger.c ---- */

static inline struct known_order *order_at(const struct dealings *dealings, size_t place)
{
    return rows_at(&dealings->orders, place, sizeof(struct known_order));
}

static inline struct known_fill *fill_at(const struct dealings *dealings, size_t place)
{
    return rows_at(&dealings->fills, place, sizeof(struct known_fill));
}

/* NULL for nearly all. */
static inline struct known_odd *odd_of(const struct dealings *dealings,
                                       const struct known_order *order)
{
    return order->odd ? &dealings->odds[order->odd - 1] : NULL;
}

/* What it shows beyond what was filled of it. */
static inline msim_qty phantom_of(const struct dealings *dealings, const struct known_order *order)
{
    const struct known_odd *odd = odd_of(dealings, order);

    return odd ? odd->phantom : 0;
}

/* The engine's truth moves on; the account that the event is about. */
int msim_fault_ledger_note(struct report *report, const struct msim_event *event,
                           struct account **account);
struct known_order *msim_fault_order_find(struct account *account, uint64_t order);
/* Makes it one of the few, unless it is: MSIM_ERR_NOMEM, MSIM_ERR_LIMIT. */
int msim_fault_order_odd(struct report *report, struct dealings *dealings,
                         struct known_order *order);

/* ---- report.c ---- */

static inline bool msim_fault_sayings_full(const struct report *report)
{
    return report->sayings.used >= SAYINGS_MOST;
}

/* NOTHING without memory, or where a strategy has too much to say; events of the engine go on. */
uint32_t msim_fault_saying_take(struct report *report, const struct strategy *strategy);
/* Copies of a text and of whom it is for and about; MSIM_ERR_NOMEM. */
int msim_fault_saying_words(struct report *report, struct saying *saying,
                            struct msim_fault_text text, struct msim_fault_text account,
                            struct msim_fault_text symbol);
void msim_fault_saying_give(struct report *report, uint32_t saying);
/* Says it at `when`; in its turn where that is now. */
void msim_fault_say_at(struct report *report, uint32_t saying, msim_time when);
struct state *msim_fault_account_state(struct report *report, struct account *account,
                                       uint32_t slot);
/* The stream of a strategy at an account. */
uint64_t msim_fault_account_key(const struct msim_faults *faults, const struct strategy *strategy,
                                const char *account);
msim_price msim_fault_last_price(const struct report *report, uint32_t instrument);

/* Whether the strategy looks at events. */
bool msim_fault_stands_at_events(const struct strategy *strategy);
void msim_fault_report_acted(struct report *report, uint32_t slot, struct state *state,
                             const struct view *view, const struct decision *decision, bool acted,
                             msim_time now);

/* ---- cause.c: time and calls ---- */

void msim_fault_report_next(struct report *report, uint32_t slot, msim_time now);
void msim_fault_report_cause(struct report *report, uint32_t slot, msim_time now);

/* ---- scenario.c ---- */

void msim_fault_scenario_event(struct msim_faults *faults, const struct view *view,
                               const struct msim_event *event, msim_time now);

/* ---- phantom.c, inject.c, venue.c ---- */

/* Its bust is being told: nothing sticks to its order any more. */
void msim_fault_phantom_ends(struct report *report, const struct saying *saying);

/* Whether the account is one that it may befall. */
bool msim_fault_phantom_is_for(const struct strategy *strategy, struct msim_fault_text account);
/* Whether it would find an order to speak of. */
bool msim_fault_phantom_finds(const struct report *report, const struct strategy *strategy,
                              struct account *account);
bool msim_fault_phantom_emit(struct report *report, uint32_t slot, struct account *account,
                             const struct decision *decision, msim_time now);
bool msim_fault_inject_emit(struct report *report, uint32_t slot, const struct view *view,
                            const struct decision *decision, msim_time now);
bool msim_fault_venue_emit(struct report *report, uint32_t slot, msim_time now);
uint32_t msim_fault_venue_take(struct report *report, const struct strategy *strategy);

static inline struct saying *saying_at(const struct report *report, uint32_t index)
{
    return pool_at(&report->sayings, index);
}

#endif
