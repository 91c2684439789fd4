/*
 * The venue's inside.
 *
 *     submit.c   a command comes in: names, the request tap
 *     apply.c    journal, engine, and who learns of the events
 *     turn.c     what is due, in its order; pull
 *     outputs.c  what waits to be pulled
 *     clients.c  texts of client order ids
 *     orders.c   orders and fills of robots
 *     market.c   best prices, tickers, trades, prices
 *     candles.c  candles, and the day of a ticker
 *     liquidity.c  the house that quotes
 *     history.c  history as a book
 *     taps.c     the failure layer
 */
#ifndef MSIM_VENUE_INSIDE_H
#define MSIM_VENUE_INSIDE_H

#include <marketsim/venue.h>

#include "base/due.h"
#include "base/number.h"
#include "record/symbols.h"

/* The most commands that are journaled as one batch. */
#define COMMANDS_MOST 256

/* Owners from here on are the house's. */
#define HOUSE_OWNER UINT32_C(0xffff0000)
#define HISTORY_OWNER (HOUSE_OWNER + 0x1000) /* and one more: bids and asks */

/* ---- what waits to be pulled ---- */

struct output {
    msim_time time;
    uint64_t tag;
    uint64_t exec;
    uint32_t account;
    uint16_t type;
    uint8_t kind;
    uint8_t action;
    struct made *made; /* what the failure layer made: a copy of its own; NULL */
    union {
        struct msim_event event;
        struct msim_record record;
    } as;
};

struct outputs {
    struct output *items; /* a ring */
    size_t capacity;      /* a power of two, or 0 */
    size_t limit;
    uint64_t first;
    uint64_t end;
    bool lent; /* the first one was given out and goes at the next call */
    uint64_t most;
};

/* Room for one more, to be filled in at once. */
int msim_venue_output_add(struct msim_venue *venue, struct output **out);
void msim_venue_output_return(struct msim_venue *venue);
void msim_venue_outputs_finish(struct msim_venue *venue);

static inline size_t outputs_waiting(const struct outputs *outputs)
{
    return (size_t)(outputs->end - outputs->first) - outputs->lent;
}

/* ---- texts of client ids ---- */

struct client {
    char text[MSIM_CLIENT_ID_MAX + 1];
    uint8_t length; /* 0: free */
    bool is_known;  /* while sweeping: its order is */
    uint32_t account;
    uint32_t next;       /* among the free */
    uint32_t generation; /* of its number: how often places had been freed when it was given */
    uint32_t hash;
};

struct clients {
    struct client *entries; /* from 1 on */
    size_t capacity;
    uint64_t *index;     /* hash above, place below; 0 for none */
    size_t index_size;   /* a power of two, or 0 */
    uint32_t used;       /* entries below it have been given */
    uint32_t free;       /* the first free one; 0 for none */
    uint32_t generation; /* how often places have been freed */
    uint32_t count;
    uint32_t limit;
};

/* ---- rings of what is remembered ---- */

struct ring {
    unsigned char *items;
    size_t size;     /* of one */
    size_t capacity; /* of `items` now */
    size_t limit;
    size_t first;
    size_t count;
};

void msim_ring_init(struct ring *ring, size_t size, size_t limit);
/* Room for one more at the end; where the limit is reached the oldest leaves. */
int msim_ring_add(struct ring *ring, void **item, const struct msim_allocator *allocator);
void *msim_ring_at(const struct ring *ring, size_t place);
void msim_ring_finish(struct ring *ring, const struct msim_allocator *allocator);
/* The first place whose time, which every item begins with, is at or behind `time`. */
size_t msim_ring_place(const struct ring *ring, msim_time time);
/* The newest `capacity` of start <= time < end. */
size_t msim_ring_copy(const struct ring *ring, msim_time start, msim_time end, void *out,
                      size_t capacity);

/* ---- a market ---- */

#define DAY_MINUTES 1440

struct market {
    struct ring candles[MSIM_CANDLE_INTERVALS];
    struct ring trades;
    struct ring prices;
    struct msim_venue_ticker ticker; /* volume, turnover, high and low are made when asked for */
    /* The day: the minutes' ring from this many before its end on. */
    size_t day_count;
    msim_int128 day_volume;
    msim_int128 day_turnover;
    uint64_t day_trades;
    msim_price day_high; /* of all its minutes but the last */
    msim_price day_low;
    struct liquidity *liquidity; /* NULL: never had any */
    struct past *past;           /* NULL: history has said nothing of it */
    uint32_t touched_next;       /* instrument + 1; 0 for none */
    uint8_t driver;              /* enum driver */
    bool touched;                /* a level changed since the best prices were looked at */
    int8_t price_exponent;
    int8_t quantity_exponent;
};

struct liquidity;
struct past;

enum driver {
    DRIVER_NONE = 0,
    DRIVER_LIQUIDITY,
    DRIVER_HISTORY,
};

struct sale {
    msim_time time;
    uint64_t trade;
    msim_price price;
    msim_qty quantity;
    int64_t notional;
    uint8_t side;
};

void msim_market_init(struct msim_venue *venue, struct market *market,
                      const struct msim_instrument_params *params);
int msim_market_trade(struct msim_venue *venue, uint32_t instrument, const struct sale *sale);
/* The best prices may have changed: looks, and tells. */
int msim_market_settle(struct msim_venue *venue, uint32_t instrument);
void msim_market_finish(struct msim_venue *venue, struct market *market);
int msim_candles_add(struct msim_venue *venue, struct market *market, const struct sale *sale);
/* The largest multiple of `length` that is not behind `time`. */
msim_time msim_time_floor(msim_time time, msim_time length);
/* The day's sums, of its candles. */
void msim_candles_day_again(struct market *market);
/* The day's numbers at `now`. */
void msim_candles_day(const struct market *market, msim_time now, struct msim_venue_ticker *out);

/* ---- orders of robots ---- */

struct kept {
    struct msim_venue_order_view view;
    uint32_t older; /* of the account; in a free one the next free one */
    uint32_t newer;
    uint32_t finished_next; /* in the order in which they finished */
    uint32_t live_older;    /* of the account's live ones */
    uint32_t live_newer;
    bool live;
};

struct kept_fill {
    struct msim_event event;
    uint64_t older; /* of the account: its number + 1; 0 for none */
};

struct owner {
    uint32_t newest; /* of kept orders; 0 for none */
    uint32_t newest_live;
    uint64_t newest_fill;
};

/* A place of the index; what stands in it is told by the number, without a look at the entry. */
struct place {
    uint32_t tag;
    uint32_t entry; /* 0: free */
};

struct orders {
    struct kept *entries; /* from 1 on */
    size_t capacity;
    uint32_t used;
    uint32_t free;
    struct place *index; /* by order number; open addressing */
    size_t index_size;
    size_t count;
    uint32_t finished_first;
    uint32_t finished_last;
    size_t finished_count;
    struct owner *owners; /* by account */
    size_t owner_capacity;
    struct kept_fill *fills; /* a ring: fill number f stands at f % fill_capacity */
    size_t fill_capacity;
    uint64_t fill_count; /* ever */
};

int msim_orders_event(struct msim_venue *venue, const struct msim_event *event);

/* For snapshots: finished orders as they ended, then live ones by account, newest first. */
struct msim_orders_walk {
    uint32_t entry;
    uint32_t account;
    bool live;
};
const struct msim_venue_order_view *msim_orders_walk(const struct msim_venue *venue,
                                                     struct msim_orders_walk *walk, bool finished);
int msim_orders_put(struct msim_venue *venue, const struct msim_venue_order_view *view, bool live);
/* When all have been put: lists by age. */
int msim_orders_sort(struct msim_venue *venue);
int msim_fills_put(struct msim_venue *venue, const struct msim_event *event);
void msim_orders_finish(struct msim_venue *venue);

/* ---- the house ---- */

struct quote {
    uint64_t order; /* 0: none stands */
    uint64_t handle;
    msim_price price;
    msim_qty leaves;
};

/* What an event of its order makes of it. */
void msim_quote_follow(struct quote *quote, const struct msim_event *event);

struct liquidity {
    struct msim_venue_liquidity params;
    uint32_t instrument;
    uint32_t shown;      /* levels that may have quotes */
    uint64_t generation; /* of the model */
    msim_time began;     /* of its model: the first moment */
    bool foreign;        /* the model is a caller's: a restored house has none until it is given */
    struct msim_source source;
    struct msim_record next; /* the model's next quote */
    msim_time due;
    uint64_t pulled; /* quotes of the model so far */
    uint64_t refreshes;
    uint64_t key; /* of the crowd's draws */
    msim_price model_scale;
    msim_price model_price; /* as the model has it */
    msim_price price;       /* as it is quoted */
    msim_price scale_from;  /* set_price: that of the model's prices is this; 0: never set */
    msim_price scale_to;
    msim_price last_bid;
    msim_time paused_until;
    struct quote quotes[2 * MSIM_VENUE_LEVELS_MAX];
};

void msim_liquidity_event(struct msim_venue *venue, const struct msim_event *event);
int msim_liquidity_step(struct msim_venue *venue, uint32_t instrument, msim_time now);
/* Pulls the model's next quote: it is due then. */
int msim_liquidity_look(struct msim_venue *venue, struct liquidity *house);
int msim_liquidity_schedule(struct msim_venue *venue, const struct liquidity *house);
msim_time msim_liquidity_next(struct msim_venue *venue);
/* A restored house gets its model back. */
int msim_liquidity_wake(struct msim_venue *venue, uint32_t instrument, struct msim_detail *detail);
void msim_liquidity_finish(struct msim_venue *venue, struct market *market);
/* Money for the house and the crowd, where they have none. */
int msim_house_fund(struct msim_venue *venue, const struct msim_instrument_params *terms);

/* ---- history ---- */

/* What history has said of an instrument. */
struct past {
    struct quote quotes[2]; /* the house's, of bids and of asks */
    msim_price last_price;
    uint64_t trades; /* numbered by us, where the source has no numbers */
    uint8_t last_side;
    bool quoted; /* there are quotes: trades alone make none */
};

struct history;
/* How long a source that finds nothing, and says no time, is asked again. */
enum looking {
    LOOK_TO_THE_END,
    LOOK_A_WHILE, /* as the params say */
    LOOK_NO_MORE, /* likewise, and that is over */
};

/* From now on. */
void msim_history_may_look(struct msim_venue *venue, enum looking looking);
/* That was not enough: nobody knows yet when the next record is. */
bool msim_history_is_looking(struct msim_venue *venue);
msim_time msim_history_next(struct msim_venue *venue);
bool msim_history_ended(const struct msim_venue *venue);
int msim_history_step(struct msim_venue *venue, msim_time now);
int msim_history_begin(struct msim_venue *venue, uint32_t instrument,
                       const struct msim_instrument_params *terms);
void msim_history_event(struct msim_venue *venue, const struct msim_event *event);
void msim_history_finish(struct msim_venue *venue);

/* ---- the failure layer ---- */

struct link {
    struct msim_fault_session *session;
    bool cut;
};

int msim_taps_create(struct msim_venue *venue, const struct msim_faults_params *chosen,
                     struct msim_detail *detail);
void msim_taps_destroy(struct msim_venue *venue);
/* A command of a robot, through the taps. */
int msim_taps_submit(struct msim_venue *venue, const struct msim_command *command, const char *text,
                     size_t length, uint64_t tag);
/* An event of the engine: MSIM_FAULT_PASS where it is to be told as it is. */
int msim_taps_report(struct msim_venue *venue, const struct msim_event *event);
/* The same of several while the layer is quiet: all are to be told as they are. */
int msim_taps_note(struct msim_venue *venue, const struct msim_event *events, size_t count);
/* It has been told, or not: what the layer has to say of it comes behind. */
int msim_taps_reported(struct msim_venue *venue);
/* Nothing comes behind any event, until something is done to the layer from outside. */
bool msim_taps_quiet(const struct msim_venue *venue);
/* A record on its way out. */
int msim_taps_send(struct msim_venue *venue, const struct output *output);
/* What the layer has to do and to say at `now`. */
int msim_taps_serve(struct msim_venue *venue, msim_time now);
msim_time msim_taps_next(const struct msim_venue *venue);
size_t msim_taps_digits(uint64_t value, char digits[24]);
void msim_made_free(struct msim_venue *venue, struct made *made);
const struct msim_fault_said *msim_made_said(const struct made *made);

/* ---- all ---- */

struct msim_venue {
    struct msim_allocator allocator;
    struct msim_venue_params params;
    struct msim_engine *engine;
    uint32_t asset_count;
    struct market *markets;
    size_t market_count;
    size_t market_capacity;
    struct msim_symbols accounts;
    struct clients clients;
    struct orders orders;
    struct outputs outputs;
    unsigned told; /* MSIM_EVENTS_*: those that somebody pulls */
    msim_time now;
    struct msim_due refreshes; /* houses by the moment of their next refresh */

    struct history *history; /* NULL without one */

    struct msim_faults *faults;
    struct link *links; /* by account */
    size_t link_capacity;
    struct link public_link;
    msim_time served; /* the layer, up to here */
    uint64_t asking;  /* the tag of the request that is being judged */
    uint64_t pretended;

    /* Journaled, and not applied for want of memory: they come before all others. */
    struct msim_command owed[COMMANDS_MOST];
    size_t owed_count;
    size_t owed_done;
    struct msim_batch_writer *writer;

    /* The command whose events are being looked at. */
    const struct msim_command *current;
    uint64_t tag;
    bool silent;      /* its direct answer is not told */
    uint32_t touched; /* instrument + 1: the first of those whose levels changed */
    uint64_t record_count;

    int failure; /* to be told by the next pull */
    struct msim_detail failure_detail;
    struct msim_venue_statistics statistics;
};

/* Whether there is a layer, and outputs are messages on its links. */
static inline bool msim_taps_inside(const struct msim_venue *venue)
{
    return venue->faults && !(venue->params.flags & MSIM_VENUE_WIRE_OUTSIDE);
}

/* ---- venue.c, snapshot.c ---- */

/* With an engine of `bytes`, where they are not NULL. */
int msim_venue_make(struct msim_venue **out, const struct msim_venue_params *params,
                    const void *bytes, size_t length, struct msim_detail *detail);
/* Writes the right checksum behind bytes of that length: for tests that damage a snapshot. */
void msim_venue_snapshot_seal(unsigned char *bytes, size_t length);

/* ---- clients.c ---- */

uint64_t msim_clients_find(const struct msim_venue *venue, uint32_t account, const char *text,
                           size_t length);
/* The number of a text, given out now if it is new. */
int msim_clients_get(struct msim_venue *venue, uint32_t account, const char *text, size_t length,
                     uint64_t *number);
void msim_clients_finish(struct msim_venue *venue);
/* For snapshots: room for so many, and the index when entries below `used` have been filled in. */
int msim_clients_room(struct msim_venue *venue, size_t capacity);
bool msim_clients_index(struct msim_venue *venue, uint32_t used);

/* ---- apply.c ---- */

/* Journals and applies; `text` belongs to the first. */
int msim_venue_apply(struct msim_venue *venue, const struct msim_command *commands, size_t count,
                     const char *text, size_t length, uint64_t tag);

/* The same for a robot's command; `silent`: its direct answer is not told. */
int msim_venue_execute(struct msim_venue *venue, const struct msim_command *command,
                       const char *text, size_t length, uint64_t tag, bool silent);

/* ---- turn.c ---- */

/* Does all that is due at `until` and before. */
int msim_venue_advance(struct msim_venue *venue, msim_time until);

#endif
