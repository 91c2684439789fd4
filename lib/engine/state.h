/*
 * What an engine is made of.
 *
 * Everything is found by number: orders by slot, levels by key, balances by
 * account and asset.  Slot 0 of each pool stays unused, so that 0 means none.
 * Whatever may need memory is done before a command changes anything (the
 * functions named reserve and prepare); the functions that change cannot fail.
 */
#ifndef MSIM_ENGINE_STATE_H
#define MSIM_ENGINE_STATE_H

#include <assert.h>

#include <marketsim/engine.h>

#include "base/mem.h"
#include "base/number.h"
#include "base/random.h"
#include "engine/ladder.h"
#include "record/symbols.h"

/* Windows of sides that became empty, kept for the next that need one. */
#define SPARE_WINDOWS 4

/* What nearly every command passes through stands in one function: what each part would save and
 * restore is a part of its cost.  What few pass through stays out of it. */
#define HOT static inline __attribute__((always_inline))
#define RARE __attribute__((noinline)) static

#define BUY 0
#define SELL 1

/* What an order is doing; in its bits. */
enum order_state {
    ORDER_MATCHING = 0, /* in no queue: the order in hand */
    ORDER_RESTING = 1,
    ORDER_WAITING = 2, /* for its trigger */
    ORDER_QUEUED = 3,  /* triggered, its turn has not come */
};

/* An order's neighbours among its account's; see links_of. */
struct links {
    uint32_t next;
    uint32_t prev;
};

/* An order as it lies in the pool: one cache line. */
struct order {
    uint64_t id;     /* 0 where the slot is free */
    msim_qty leaves; /* open and shown: all that is open but for an iceberg */
    msim_price price;
    msim_qty quantity; /* filled + leaves + what an iceberg keeps back */
    uint32_t next;     /* the queue at its level; free slots */
    uint32_t prev;
    uint32_t client_next; /* the chain of its client id */
    uint32_t extra;       /* what few orders have: 0 for none */
    uint32_t account;
    uint16_t instrument;
    uint16_t bits;
    union {
        uint64_t client_id; /* by BITS_CLIENT alone */
        struct links links; /* by links_of alone */
    };
};
static_assert(sizeof(struct order) == 64, "an order is one cache line");

/* Bits of an order: side 1, type 3, time in force 3, self-trade 3, two flags, state 2, and what
 * else there is of it. */
#define BITS_SIDE 1u
#define BITS_TYPE_AT 1
#define BITS_TIF_AT 4
#define BITS_STP_AT 7
#define BITS_POST_ONLY (1u << 10)
#define BITS_REDUCE_ONLY (1u << 11)
#define BITS_STATE_AT 12
#define BITS_CLIENT (1u << 14) /* a client id */
#define BITS_OWNED (1u << 15)  /* an owner, in engine->owned */
#define BITS_ASKED ((1u << BITS_STATE_AT) - 1)

struct extra {
    msim_price stop_price;
    msim_qty display;
    msim_qty hidden;
    msim_time expires_at;
    uint32_t heap_place; /* in the engine's expiry heap, + 1; 0 for none */
    uint32_t next;       /* free ones */
};

/* What there is of a live order beside it where orders have client ids, by its slot. */
struct client {
    uint64_t content; /* a hash of what the order asked for under its id */
    struct links links;
};

/* A live order's owner, by its slot, and the chain of its bucket. */
struct owned {
    uint32_t owner;
    uint32_t next;
    uint32_t prev;
};
#define OWNER_BUCKETS 4096

#define RECENT_ORDERS 256

/* The client id of one of the last orders that finished. */
struct finished {
    uint64_t client_id;
    uint64_t content;
    uint64_t order;
    msim_qty filled;
    uint32_t account;
    uint32_t next; /* the account's next one: the younger, but see struct account */
    uint32_t instrument;
    uint32_t end; /* its BITS_ASKED, and from FINISHED_STATUS_AT on the status that it ended with */
};
#define FINISHED_STATUS_AT 16

/* An open table of finished ids: the upper half 32 bits of the hash, the lower half where it is. */
struct id_table {
    uint64_t *entries; /* 0 where there is none */
    uint64_t places;
};
/* Places in it for each id: searches stay short. */
#define CLIENT_PLACES_PER_ID 2

struct account {
    uint64_t highest_id; /* no client id of a live or remembered order is above it */
    uint32_t finished_first;
    uint32_t finished_last;
    uint32_t finished_count;
    uint32_t indexed_count; /* of them; the oldest */
    uint32_t waiting_first; /* from here on they are not in the index; 0: all are */
    /* So many more go to the list's end in the usual way; or LINKED. */
    int32_t usual_room;
};
/* Its finished ones lead to the younger; to the older as long as nobody asked for the first: the
 * one before is not written to again then. */
#define LINKED (-1)

/* No bust or correction lets an account's free balance fall below this. */
#define FREE_LEAST (INT64_MIN / 2)

struct balance {
    int64_t free;
    int64_t held;
};

/* Quantities and money of all time go through a position: 128 bits do not run over. */
struct holding {
    msim_int128 quantity;
    msim_int128 cost;
    msim_int128 realised;
};

/* A holding as it is kept.  The upper halves stand elsewhere, as they matter only where a number
 * does not fit in 64 bits: two positions share a cache line. */
struct position {
    int64_t quantity;
    int64_t cost;
    int64_t realised;
    uint64_t wide;
};

struct upper {
    int64_t quantity;
    int64_t cost;
    int64_t realised;
};

/*
 * Cells by row (account) and column (asset, instrument).  A sheet is dense as long as
 * it is small, a row beside the other: what all accounts have in one instrument is to
 * lie in the near caches, so that no row is much longer than asked for.  A larger one
 * has blocks of SHEET_BLOCK columns: only those exist whose cells were asked for, and a
 * table says where.
 */
#define SHEET_BLOCK 4

struct sheet {
    uint32_t *blocks; /* [row * stride + column / SHEET_BLOCK]: block, 0 for none; NULL: dense */
    size_t rows;
    size_t stride; /* a row's, in blocks; in cells where it is dense, and so the next two */
    void *cells;   /* zero at first */
    size_t cell_size;
    size_t capacity; /* block 0 is unused */
    size_t used;
};

/*
 * A grid: the multiples of `unit`.  Whether a number is one, and which, takes one
 * multiplication: by the inverse of the odd part modulo 2^64.
 */
struct grid {
    int64_t unit;
    uint64_t inverse;
    uint64_t limit; /* floor((2^64 - 1) / unit): quotients above belong to no multiple */
    uint32_t shift;
};

/*
 * One side of a book.
 *
 * Levels from the best up to `near_end` lie in a window that wraps around: the
 * level of a key is at key modulo its size, and three storeys of bits say which
 * are there.  What is beyond lies in the ladder.  near_end - best is at most the
 * window's size, so no two near levels share a place; moving with the market
 * moves single levels over the border and never the window.  The window is small
 * at first and doubles while prices ask for more; a large one is given back when
 * the side is empty.
 */
struct window {
    struct level *levels;
    uint64_t *words;
    uint64_t size;
};

struct side {
    int64_t best; /* KEY_NONE where the side is empty */
    int64_t near_end;
    uint64_t mask;        /* the window's size less one */
    struct level *levels; /* NULL until used; only those whose bit is set mean anything */
    uint64_t *words;
    uint64_t *middle;
    uint64_t top;
    uint64_t near_count;
    msim_qty total; /* everything open, so that no level's total can run over */
    uint64_t order_count;
    struct ladder far;
    uint64_t reserved[2]; /* its size is a power of two: a side is found by a shift */
};
static_assert(sizeof(struct side) == 128, "a side is found by a shift");

/* The quotients on a grid that an order may have: first .. first + span. */
struct range {
    uint64_t first;
    uint64_t span;
};

struct instrument {
    struct side sides[2];
    /* Nothing about it is out of the ordinary: trading, no band, every price on the tick's grid,
     * and a buy holds its notional. */
    bool plain;
    uint32_t pays[2]; /* the asset that a buy pays and holds, and a sell */
    struct range ticks;
    struct range lots;
    struct grid tick;
    struct grid lot;
    struct grid step;   /* divides every price in the book; the tick, but after it changed */
    int64_t tick_steps; /* the tick in steps */
    msim_price min_price;
    msim_price max_price;
    msim_qty min_quantity;
    msim_qty max_quantity;
    int64_t min_notional;
    int64_t quote_factor; /* price * quantity * this: units of the quote asset */
    int64_t base_factor;
    int64_t fit_quantity; /* more base than this does not fit */
    uint32_t base;
    uint32_t quote;
    uint32_t maker_fee;
    uint32_t taker_fee;
    uint32_t most_fee; /* the larger of the two */
    uint32_t band;
    uint8_t fee_mode;
    uint8_t state;
    int8_t price_exponent;
    int8_t quantity_exponent;
    msim_price last_price;
    uint64_t last_trade;
    msim_price reference_price;
    /* [0] fires when the price rises to the key, [1] when it falls to minus the key. */
    struct ladder triggers[2];
    uint64_t waiting_count;
};

struct asset {
    int64_t total;
    int64_t fees;
    int64_t owed; /* at most this much was let go below zero by busts */
    int exponent;
};

/* A trade that can still be busted or corrected; its number is that of its place. */
struct trade {
    msim_price price;
    msim_qty quantity;
    uint64_t maker_order;
    uint64_t taker_order;
    int64_t maker_fee;
    int64_t taker_fee;
    uint32_t maker_account;
    uint32_t taker_account;
    uint32_t instrument;
    uint8_t taker_side; /* BUY or SELL */
    uint8_t busted;
    uint16_t reserved;
};

/*
 * Most engines that are to be fast are alike: they keep accounts, whose cells lie in rows, were
 * never asked for an order by its number or for an account's orders, and tell of orders, not of
 * books and balances besides.  A code of their own asks none of these questions at each order.
 */
enum lane {
    LANE_USUAL,
    LANE_ANY,
};

struct msim_engine {
    /* Hot. */
    struct order *orders;
    struct instrument *instruments;
    struct msim_event *events;
    size_t event_count;
    size_t event_capacity;
    size_t event_stop;       /* with so many in the array, no command is a usual one */
    uint64_t event_sequence; /* of the last event before those in the array */
    uint64_t sequence;
    msim_time time;
    uint64_t next_order;
    uint64_t next_trade;
    uint32_t instrument_count;
    uint32_t max_accounts;
    uint32_t events_wanted;
    uint32_t free_order;
    uint32_t *id_index;
    uint32_t *id_next; /* by slot: the chains of the index */
    size_t id_capacity;
    uint32_t id_mask;
    bool accounts_off;
    bool indexed;        /* orders are in the id index: see msim_order_find */
    bool listed;         /* accounts have their lists of orders */
    bool usual;          /* see enum lane */
    uint32_t order_used; /* slots ever used, + 1 */
    uint32_t live_orders;
    /* Live ones that may give less than they show: see msim_sweep_fills. */
    uint32_t reduce_only_orders;
    uint32_t order_room; /* slots that everything has room for */
    size_t order_capacity;
    struct sheet balances;
    struct sheet positions;
    struct sheet uppers;     /* of positions */
    uint32_t dense_accounts; /* of these all cells are there */
    uint32_t known_accounts; /* of these all is there that an order touches, whatever it trades */
    uint64_t *ready; /* a bit for each account and instrument: all cells of an order are there */
    size_t ready_rows;
    size_t ready_stride;
    struct ladder_pool ladder_pool;
    uint64_t window; /* levels of each side near the touch: the most */
    struct window spares[SPARE_WINDOWS];
    bool replacing;       /* a side that becomes empty now is about to be used again */
    struct trade *trades; /* a ring: a trade's place is its number modulo its size */
    uint64_t trade_mask;
    uint32_t trade_history;
    uint32_t unbooked; /* so many of the last trades: see booking.c */
    uint32_t unbooked_most;
    bool batching; /* trades are booked with their command */

    /* Triggered orders in turn. */
    uint32_t queued_first;
    uint32_t queued_last;

    struct extra *extras;
    size_t extra_capacity;
    size_t extra_used;
    uint32_t free_extra;
    uint32_t *heap; /* slots of orders by (expires_at, id) */
    size_t heap_count;
    size_t heap_capacity;

    /* Of orders that have such a thing: by slot; NULL until the first. */
    struct client *clients;
    size_t client_capacity;
    struct owned *owned;
    size_t owned_capacity;
    uint32_t *owner_heads;
    /* What rounding took too much for an order's fees so far, in millionths of a unit. */
    uint32_t *excess;
    size_t excess_capacity;

    /* Heads of chains of live client ids; those in use follow how many there are. */
    uint32_t *client_heads;
    uint64_t client_mask; /* those in use, a power of two, less one */
    uint64_t client_room; /* 0: the only head is no_head, which leads nowhere */
    uint32_t no_head;
    uint32_t client_most;  /* live ones that the heads in use suffice for */
    uint64_t hash_seed[2]; /* the second one is odd */
    size_t client_live;
    struct finished *finished;
    size_t finished_capacity;
    size_t finished_used; /* + 1 */
    size_t finished_indexed;
    struct id_table finished_index; /* places of finished ones */
    uint32_t finished_ids;
    struct account *accounts;
    /* The first of the account's live orders, mostly the youngest.  The lists are there from the
     * first question for one on: see msim_account_first. */
    uint32_t *account_orders;
    size_t account_order_capacity; /* at least as much as the accounts' */
    size_t account_capacity;

    struct asset *assets;
    size_t asset_capacity;
    size_t instrument_capacity;
    struct msim_symbols asset_names;
    struct msim_symbols symbols;

    /* The slots that the last orders were given, by number: those of most questions for one that no
     * handle comes with. */
    uint32_t recent[RECENT_ORDERS];

    uint64_t *scratch; /* orders of a mass cancel, to be sorted */
    size_t scratch_capacity;

    uint32_t max_orders;
    uint32_t max_assets;
    uint32_t max_instruments;
    size_t memory;
    struct msim_allocator allocator; /* counts into `memory` */
    struct msim_allocator given;
};

static inline unsigned order_side(const struct order *order)
{
    return order->bits & BITS_SIDE;
}

static inline unsigned order_type(const struct order *order)
{
    return order->bits >> BITS_TYPE_AT & 7;
}

static inline unsigned order_tif(const struct order *order)
{
    return order->bits >> BITS_TIF_AT & 7;
}

static inline unsigned order_self_trade(const struct order *order)
{
    return order->bits >> BITS_STP_AT & 7;
}

static inline enum order_state order_state(const struct order *order)
{
    return (enum order_state)(order->bits >> BITS_STATE_AT & 3);
}

static inline void order_set_state(struct order *order, enum order_state state)
{
    order->bits =
        (uint16_t)((order->bits & ~(3u << BITS_STATE_AT)) | (unsigned)state << BITS_STATE_AT);
}

static inline uint32_t order_slot(const struct msim_engine *engine, const struct order *order)
{
    return (uint32_t)(order - engine->orders);
}

static inline uint64_t order_client_id(const struct order *order)
{
    return order->bits & BITS_CLIENT ? order->client_id : 0;
}

static inline uint32_t order_owner(const struct msim_engine *engine, const struct order *order)
{
    return order->bits & BITS_OWNED ? engine->owned[order_slot(engine, order)].owner : 0;
}

static inline msim_qty order_hidden(const struct msim_engine *engine, const struct order *order)
{
    return order->extra ? engine->extras[order->extra].hidden : 0;
}

static inline msim_qty order_open(const struct msim_engine *engine, const struct order *order)
{
    return order->leaves + order_hidden(engine, order);
}

/* MSIM_SIDE_BUY or MSIM_SIDE_SELL of BUY or SELL. */
static inline uint8_t side_told(unsigned side)
{
    return (uint8_t)(side + MSIM_SIDE_BUY);
}

/* The quotient where `value` (not negative) is a multiple of the unit; above the limit where not.
 */
static inline uint64_t grid_quotient(const struct grid *grid, int64_t value)
{
    const uint64_t product = (uint64_t)value * grid->inverse;
    const uint32_t shift = grid->shift;
    return product >> shift | product << (-shift & 63);
}

static inline bool grid_holds(const struct grid *grid, int64_t value)
{
    return grid_quotient(grid, value) <= grid->limit;
}

void msim_grid_set(struct grid *grid, int64_t unit);

/* After a change of the instrument's state or grids. */
void msim_instrument_refresh(struct instrument *instrument);

/*
 * Which side an order is on cannot be foreseen, so nothing that every order does
 * branches on it.
 */

/* `sell` for a sell and `buy` for a buy. */
static inline int64_t by_side(unsigned side, int64_t buy, int64_t sell)
{
    return buy ^ ((buy ^ sell) & -(int64_t)side);
}

/* As it is for a sell, negated for a buy. */
static inline int64_t mirrored(unsigned side, int64_t value)
{
    const uint64_t mask = (uint64_t)side - 1;
    return (int64_t)(((uint64_t)value ^ mask) - mask);
}

/* Where a side's orders of a price belong; the price is on the step's grid. */
static inline int64_t price_key(const struct instrument *instrument, unsigned side,
                                msim_price price)
{
    return mirrored(side, (int64_t)grid_quotient(&instrument->step, price));
}

static inline msim_price key_price(const struct instrument *instrument, unsigned side, int64_t key)
{
    return mirrored(side, key) * instrument->step.unit;
}

/* orders.c */

int msim_orders_create(struct msim_engine *engine, uint32_t orders);
void msim_orders_destroy(struct msim_engine *engine);

int msim_account_reserve(struct msim_engine *engine, uint32_t account);
/* Makes room for one more order of the account; MSIM_ERR_LIMIT where max_orders are live. */
int msim_orders_reserve(struct msim_engine *engine, uint32_t account);
int msim_extras_reserve(struct msim_engine *engine);
int msim_orders_grow(struct msim_engine *engine, size_t wanted);
/* An instrument counts its fees by order. */
int msim_excess_reserve(struct msim_engine *engine);

/* Into the index by its number. */
static inline void index_join(struct msim_engine *engine, uint32_t slot)
{
    uint32_t *chain = &engine->id_index[engine->orders[slot].id & engine->id_mask];

    engine->id_next[slot] = *chain;
    *chain = slot;
}

static inline void index_part(struct msim_engine *engine, uint32_t slot)
{
    uint32_t *link = &engine->id_index[engine->orders[slot].id & engine->id_mask];

    while (*link != slot)
        link = &engine->id_next[*link];
    *link = engine->id_next[slot];
}

/* They stand in the order itself as long as no order has a client id, which takes their place. */
static inline struct links *links_of(const struct msim_engine *engine, uint32_t slot)
{
    return engine->clients ? &engine->clients[slot].links : &engine->orders[slot].links;
}

/* Into the list of its account's orders, if there is one; slot 0 takes what has no neighbour. */
static inline void order_join(struct msim_engine *engine, uint32_t slot)
{
    if (!engine->listed)
        return;
    uint32_t *head = &engine->account_orders[engine->orders[slot].account];

    *links_of(engine, slot) = (struct links){.next = *head};
    links_of(engine, *head)->prev = slot;
    *head = slot;
}

static inline void order_part(struct msim_engine *engine, uint32_t slot)
{
    if (!engine->listed)
        return;
    const struct links links = *links_of(engine, slot);
    uint32_t *head = &engine->account_orders[engine->orders[slot].account];

    links_of(engine, links.next)->prev = links.prev;
    *(links.prev ? &links_of(engine, links.prev)->next : head) = links.next;
}

/*
 * The first of the account's live orders, each led to by links_of; 0 for none.  The first question
 * makes the lists of all accounts from the pool; they are kept from then on.
 */
uint32_t msim_account_first(const struct msim_engine *engine, uint32_t account);

/*
 * The live order of that id; 0 for none.  The first question that no handle answers makes the
 * index from the pool; it is kept from then on.
 */
uint32_t msim_order_find(const struct msim_engine *engine, uint64_t id, uint64_t handle);

void msim_extra_give(struct msim_engine *engine, uint32_t slot);

/* Who sent it; `owner` is not 0 and was made room for. */
void msim_owner_add(struct msim_engine *engine, uint32_t slot, uint32_t owner);
void msim_owner_remove(struct msim_engine *engine, uint32_t slot);
int msim_owners_reserve(struct msim_engine *engine);
/* The first order of all whose owners share a bucket with this one. */
uint32_t msim_owner_first(const struct msim_engine *engine, uint32_t owner);

/* Out of the index and of its account's list. */
static inline void order_unlist(struct msim_engine *engine, uint32_t slot)
{
    if (engine->indexed)
        index_part(engine, slot);
    order_part(engine, slot);
}

/* Gives the slot back; what few orders have was given back. */
HOT void order_free(struct msim_engine *engine, uint32_t slot, enum lane lane)
{
    struct order *order = &engine->orders[slot];

    if (lane == LANE_ANY)
        order_unlist(engine, slot);
    order->id = 0;
    order->next = engine->free_order;
    engine->free_order = slot;
    engine->live_orders--;
}

/* The same with all that the order had. */
HOT void order_give(struct msim_engine *engine, uint32_t slot, enum lane lane)
{
    const struct order *order = &engine->orders[slot];

    if (order->extra)
        msim_extra_give(engine, slot);
    if (order->bits & (BITS_OWNED | BITS_REDUCE_ONLY)) {
        if (order->bits & BITS_OWNED)
            msim_owner_remove(engine, slot);
        engine->reduce_only_orders -= (order->bits & BITS_REDUCE_ONLY) != 0;
    }
    order_free(engine, slot, lane);
}

void msim_extra_make(struct msim_engine *engine, uint32_t slot);
void msim_expiry_add(struct msim_engine *engine, uint32_t slot);
void msim_expiry_remove(struct msim_engine *engine, uint32_t slot);
/* How many orders expire by `time`. */
size_t msim_expiry_count(const struct msim_engine *engine, msim_time time);

/* clients.c */

/* Where a client id is: an order's slot, or a finished one's place. */
#define CLIENT_FINISHED (1u << 31)

int msim_clients_create(struct msim_engine *engine, uint32_t count);
void msim_clients_destroy(struct msim_engine *engine);
/* Makes room for one more client id. */
int msim_clients_reserve(struct msim_engine *engine);
/* Makes room for so many orders to finish at once, as far as they have client ids. */
int msim_finished_reserve_slow(struct msim_engine *engine, size_t count);
/* Where an id that is taken is; 0 for none. */
uint32_t msim_client_find(const struct msim_engine *engine, uint32_t account, uint64_t client_id);
uint32_t msim_client_slot(const struct msim_engine *engine, uint32_t account, uint64_t client_id);
int msim_client_look_slow(struct msim_engine *engine, uint32_t account, uint64_t client_id,
                          uint32_t *at);
void msim_client_add(struct msim_engine *engine, uint32_t account, uint64_t client_id,
                     uint64_t content, uint32_t slot);
void msim_client_finish(struct msim_engine *engine, uint32_t slot, msim_qty filled, uint8_t status);
/* The oldest finished one of an account, linked by next; 0 for none. */
uint32_t msim_finished_first(const struct msim_engine *engine, uint32_t account);
/* A place at the end of the account's list of finished ones, and what stands there as its `next`.
 */
uint32_t msim_finished_append(struct msim_engine *engine, struct account *account, uint32_t *next);
/* A finished one, younger than all before of its account. */
void msim_client_add_finished(struct msim_engine *engine, const struct finished *finished);

static inline bool finished_ready(const struct msim_engine *engine, size_t count)
{
    const size_t most = count < engine->client_live + 1 ? count : engine->client_live + 1;
    return engine->finished_capacity > engine->finished_used + most;
}

static inline int finished_reserve(struct msim_engine *engine, size_t count)
{
    return finished_ready(engine, count) ? MSIM_OK : msim_finished_reserve_slow(engine, count);
}

/* The same as msim_client_find, for whoever can wait for the index; it may need memory. */
static inline int client_look(struct msim_engine *engine, uint32_t account, uint64_t client_id,
                              uint32_t *at)
{
    *at = 0;
    if (account >= engine->account_capacity || client_id > engine->accounts[account].highest_id)
        return MSIM_OK;
    return msim_client_look_slow(engine, account, client_id, at);
}

/* What every command asks for, on the way to its hash. */
HOT uint64_t content_first(const struct msim_command *command, uint64_t kinds)
{
    return (kinds | (uint64_t)command->side | (uint64_t)command->type << 8 |
            (uint64_t)command->instrument << 32) *
               UINT64_C(0x9E3779B97F4A7C15) +
           ((uint64_t)command->price ^ UINT64_C(0xA0761D6478BD642F)) *
               UINT64_C(0xE7037ED1A0B428DB) +
           ((uint64_t)command->quantity ^ UINT64_C(0x8EBC6AF09C88C6E3)) *
               UINT64_C(0x589965CC75374CC3);
}

/* What the command asks for, hashed.  What is not asked for adds nothing. */
static inline uint64_t client_content(const struct msim_command *command)
{
    uint64_t hash =
        content_first(command, (uint64_t)command->time_in_force << 16 |
                                   (uint64_t)command->self_trade << 24) +
        (uint64_t)command->flags * UINT64_C(0xD6E8FEB86659FD93) * UINT64_C(0x9E3779B97F4A7C15);

    hash += (uint64_t)command->stop_price * UINT64_C(0x1D8E4E27C47D124F);
    hash += (uint64_t)command->display_quantity * UINT64_C(0xEB44ACCAB455D165);
    hash += (uint64_t)command->amount * UINT64_C(0x2127599BF4325C37);
    hash += (uint64_t)command->expires_at * UINT64_C(0x880355F21E6D1965);
    return hash;
}

/* The same of a command that asks for nothing else. */
HOT uint64_t client_content_plain(const struct msim_command *command)
{
    return content_first(command, 0);
}

/* A keyed hash for tables that strangers fill: the product of two secrets, folded. */
static inline uint32_t keyed_hash(const struct msim_engine *engine, uint64_t a, uint64_t b)
{
    const msim_uint128 product = (msim_uint128)(a ^ engine->hash_seed[0]) *
                                 (b * UINT64_C(0x9E3779B97F4A7C15) + engine->hash_seed[1]);
    return (uint32_t)((uint64_t)(product >> 64) ^ (uint64_t)product);
}

/* book.c */

/* Another tick: the step becomes one that divides it and every price in the book. */
int msim_book_set_tick(struct msim_engine *engine, struct instrument *instrument, int64_t tick);
void msim_windows_finish(struct msim_engine *engine);
void msim_side_finish(struct msim_engine *engine, struct side *side);
/* Makes the insertion of a level at the key certain to find memory. */
int msim_side_prepare_slow(struct msim_engine *engine, struct side *side, int64_t key);
struct level *msim_side_level_make_slow(struct msim_engine *engine, struct side *side, int64_t key);
void msim_side_far_remove(struct msim_engine *engine, struct side *side, int64_t key);
/* After the best level went: the next one becomes it. */
void msim_side_advance(struct msim_engine *engine, struct side *side);
/* Gives a large window back where the side is empty. */
void msim_side_idle(struct msim_engine *engine, struct side *side);
/* The level behind the one of `key`, near or far; KEY_NONE after the last. */
int64_t msim_side_after(const struct msim_engine *engine, const struct side *side, int64_t key);
struct level *msim_side_level(const struct msim_engine *engine, const struct side *side,
                              int64_t key);

/* An order's standing in money, told: the asset that it holds. */
static inline uint32_t held_asset(const struct instrument *instrument, unsigned side)
{
    return instrument->pays[side];
}

/* match.c */

/* The events that one fill can bring about, and one order besides. */
#define EVENTS_PER_FILL 12
#define EVENTS_PER_ORDER 16

/* What a taker would meet: an upper bound on its fills, and what they would cost. */
struct sweep {
    uint64_t fills;
    msim_qty quantity;
    msim_int128 cost; /* without fees */
};
uint64_t msim_sweep_fills(const struct msim_engine *engine, const struct instrument *instrument,
                          unsigned taker_side, int64_t limit, msim_qty quantity,
                          unsigned self_trade);
struct sweep msim_sweep(const struct msim_engine *engine, const struct instrument *instrument,
                        unsigned taker_side, int64_t limit, msim_qty quantity, int64_t amount);

/* Whether a fill-or-kill order would be filled wholly. */
bool msim_fillable(const struct msim_engine *engine, const struct instrument *instrument,
                   const struct order *taker, int64_t limit);

/* The worst key of the other side that a price reaches; for a market order what the band allows. */
int64_t msim_market_limit(const struct instrument *instrument, unsigned side);

static inline struct trade *trade_place(const struct msim_engine *engine, uint64_t id)
{
    return &engine->trades[id & engine->trade_mask];
}

/* The order in hand, while it matches. */
struct taker {
    struct instrument *instrument;
    uint32_t slot;
    uint32_t number;        /* the instrument's */
    int64_t limit;          /* the worst key of the other side that it reaches */
    int64_t amount;         /* by quote amount: what is left to spend or to receive; else -1 */
    uint8_t market;         /* pays from what is free, not from a hold */
    uint8_t covered;        /* and has enough for all that it can meet */
    uint8_t stopped;        /* enum msim_cancel: why it may not go on; 0 */
    msim_price first_price; /* of its trades; 0 before the first */
    msim_price last_price;
    size_t last_fill; /* the event of its latest fill, + 1 */
    /* Where its account stands: what it receives and what it pays; see taker_cells. */
    struct balance *in;
    struct balance *out;
    struct position *position;
    unsigned side;
};
void msim_match(struct msim_engine *engine, struct taker *taker);

/* Whether a price lies within the band around the last one. */
bool msim_band_holds(const struct instrument *instrument, msim_price price);

/* Gives back what an order holds for an open quantity of `from`, but for that of `to`. */
void msim_hold_release(struct msim_engine *engine, const struct order *order, msim_qty from,
                       msim_qty to);

/* Ends a live order unfilled: detached, hold released, told, forgotten. */
void msim_order_end(struct msim_engine *engine, uint32_t slot, uint8_t kind, uint8_t code);
/* The same for the order in hand. */
void msim_order_end_in_hand(struct msim_engine *engine, uint32_t slot, uint8_t kind, uint8_t code);
void msim_order_filled(struct msim_engine *engine, uint32_t slot);

/* triggers.c */

int msim_trigger_prepare(struct msim_engine *engine, struct instrument *instrument, unsigned side,
                         unsigned type, msim_price stop_price);
/* Whether it fires on the way up; those that do come before the others. */
bool msim_trigger_rises(const struct order *order);
void msim_trigger_add(struct msim_engine *engine, uint32_t slot);
void msim_trigger_remove(struct msim_engine *engine, uint32_t slot);
bool msim_trigger_met(const struct instrument *instrument, unsigned side, unsigned type,
                      msim_price stop_price);
/* Queues what a run of trades from `low` to `high` has triggered. */
void msim_trigger_fire(struct msim_engine *engine, struct instrument *instrument, msim_price low,
                       msim_price high);
void msim_queue_add(struct msim_engine *engine, uint32_t slot);
void msim_queue_remove(struct msim_engine *engine, uint32_t slot);

/* entry.c: orders come in.  Each returns MSIM_OK or a failure before anything changed. */

int msim_refuse(struct msim_engine *engine, const struct msim_command *command, uint8_t code);
uint8_t msim_check_quantity(const struct instrument *instrument, msim_qty quantity);
uint8_t msim_check_price(const struct instrument *instrument, msim_price price);
uint8_t msim_check_worth(const struct instrument *instrument, unsigned side, msim_price price,
                         msim_qty quantity, int64_t *hold);
int64_t msim_free_balance(const struct msim_engine *engine, uint32_t account, uint32_t asset);
/* Matches the order in hand, lets it rest or end, tells its account, queues what it triggered. */
void msim_execute(struct msim_engine *engine, struct taker *taker);

int msim_entry_new(struct msim_engine *engine, const struct msim_command *command);

/* change.c: orders that are there. */

int msim_entry_cancel(struct msim_engine *engine, const struct msim_command *command);
int msim_entry_replace(struct msim_engine *engine, const struct msim_command *command);
/* Ends every order that the command means, the oldest first. */
int msim_entry_end_many(struct msim_engine *engine, const struct msim_command *command,
                        uint8_t kind, uint8_t code, uint64_t *ended);
int msim_entry_cancel_many(struct msim_engine *engine, const struct msim_command *command);
/* The triggered orders, in turn; a failure leaves the rest in the queue. */
int msim_entry_queued(struct msim_engine *engine);
/* Everything that expires by the engine's time to be. */
int msim_entry_expire(struct msim_engine *engine, msim_time time);

/* admin.c: what the venue does. */

int msim_admin_deposit(struct msim_engine *engine, const struct msim_command *command);
int msim_admin_withdraw(struct msim_engine *engine, const struct msim_command *command);
int msim_admin_state(struct msim_engine *engine, const struct msim_command *command);
int msim_admin_tick(struct msim_engine *engine, const struct msim_command *command);
int msim_admin_lot(struct msim_engine *engine, const struct msim_command *command);
int msim_admin_min_notional(struct msim_engine *engine, const struct msim_command *command);
int msim_admin_bust(struct msim_engine *engine, const struct msim_command *command);

/* Sorts numbers upwards, in place. */
void msim_sort_u64(uint64_t *values, size_t count);
int msim_scratch_reserve(struct msim_engine *engine, size_t count);

#endif
