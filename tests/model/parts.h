/*
 * What the model is made of, for its own files.
 */
#ifndef TESTS_MODEL_PARTS_H
#define TESTS_MODEL_PARTS_H

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

__extension__ typedef __int128 wide;

enum where {
    NOWHERE,
    BOOK,
    TRIGGER,
    QUEUE,
};

struct order {
    uint64_t id;
    uint32_t slot;
    struct msim_command asked; /* with what a replacement changed */
    struct msim_command content;
    msim_qty shown;
    msim_qty hidden;
    msim_qty filled;
    /* Fees in quote: rate x worth of all its fills, in millionths, and what was charged. */
    wide exact;
    wide charged;
    enum where where;
    uint64_t rank; /* who came first, at its price */
};

struct done {
    struct msim_command content;
    uint64_t id;
    msim_qty filled;
    uint8_t status;
};

struct deal {
    uint64_t id;
    msim_price price;
    msim_qty quantity;
    uint64_t maker, taker;
    int64_t maker_fee, taker_fee;
    uint32_t maker_account, taker_account, instrument;
    uint8_t taker_side;
    bool busted;
};

struct position {
    wide quantity, cost, realised;
};

struct market {
    struct msim_instrument_params p;
    int64_t quote_factor, base_factor;
    msim_price last;
    uint64_t last_trade;
};

struct model {
    struct model_setup setup;
    struct order *live[MODEL_ORDERS];
    size_t live_count;
    uint32_t free_slots[MODEL_ORDERS];
    size_t free_count;
    uint32_t used_slots;
    uint64_t next_id, next_trade, next_rank, sequence, event_sequence;
    msim_time time;
    int exponents[MODEL_ASSETS];
    uint32_t asset_count, market_count;
    int64_t free[MODEL_ACCOUNTS][MODEL_ASSETS], held[MODEL_ACCOUNTS][MODEL_ASSETS];
    int64_t total[MODEL_ASSETS], fees[MODEL_ASSETS];
    wide owed[MODEL_ASSETS];
    struct position positions[MODEL_ACCOUNTS][MODEL_INSTRUMENTS];
    struct market markets[MODEL_INSTRUMENTS];
    struct done done[MODEL_ACCOUNTS][MODEL_FINISHED];
    size_t done_count[MODEL_ACCOUNTS];
    struct deal deals[MODEL_TRADES]; /* the latest last */
    size_t deal_count;
    struct order *queue[MODEL_ORDERS];
    size_t queue_count;
    struct msim_event *events;
    size_t event_count, event_capacity;
};

struct taking {
    struct order *o;
    struct market *k;
    bool market;
    msim_price limit; /* 0: any price */
    int64_t amount;   /* -1: by quantity */
    uint8_t stopped;
    msim_price low, high;
    bool traded;
    size_t last_fill;
};

/* model.c */

struct msim_event *model_tell(struct model *m, uint8_t kind);
struct msim_event *model_tell_order(struct model *m, uint8_t kind, const struct order *o,
                                    uint8_t code, uint8_t status);
void model_refuse(struct model *m, const struct msim_command *c, uint8_t code);
void model_tell_balance(struct model *m, uint32_t account, uint32_t asset);
wide model_size_of(wide value);
void model_tell_position(struct model *m, uint32_t account, uint32_t instrument);
bool model_rests(const struct order *o, uint32_t instrument, uint8_t side);
void model_tell_level(struct model *m, uint32_t instrument, uint8_t side, msim_price price);
void model_tell_l3(struct model *m, const struct order *o, uint8_t action, msim_qty shown);
struct order *model_next_in_line(const struct model *m, uint32_t instrument, uint8_t side,
                                 const struct order *after);
uint8_t model_opposite(uint8_t side);
bool model_reaches(uint8_t side, msim_price limit, msim_price price);
wide model_notional(const struct market *k, msim_price price, msim_qty quantity);
wide model_fee(wide amount, uint32_t rate);
wide model_hold_for(const struct market *k, const struct order *o, msim_price price, msim_qty open);
wide model_count_fee(struct order *o, wide value, uint32_t rate);
wide model_level_total(const struct model *m, uint32_t instrument, uint8_t side, msim_price price,
                       uint64_t *count);
wide model_hold_now(const struct model *m, const struct order *o);
uint32_t model_paying(const struct market *k, uint8_t side);
void model_rehold(struct model *m, const struct order *o, wide before, wide now);
void model_book_position(struct position *p, wide quantity, wide value);
msim_qty model_reducible(const struct model *m, const struct order *o, msim_qty quantity);

/* model_match.c */

void model_leave_queue(struct model *m, struct order *o);
void model_leave_book(struct model *m, struct order *o);
void model_end(struct model *m, struct order *o, uint8_t kind, uint8_t code);
msim_qty model_for_amount(const struct market *k, msim_price price, int64_t amount);
bool model_rising(const struct order *o);
void model_enqueue(struct model *m, struct order *o);
void model_execute(struct model *m, struct taking *t);

/* model_orders.c */

void model_new_order(struct model *m, const struct msim_command *c);
void model_run_triggered(struct model *m);
void model_replace(struct model *m, const struct msim_command *c);
void model_cancel(struct model *m, const struct msim_command *c);
uint64_t model_end_many(struct model *m, const struct msim_command *c, uint8_t kind, uint8_t code);
void model_cancel_many(struct model *m, const struct msim_command *c);
void model_expire(struct model *m, msim_time time);

/* model_venue.c */

void model_money(struct model *m, const struct msim_command *c);
void model_venue(struct model *m, const struct msim_command *c);
void model_undo(struct model *m, const struct msim_command *c);

#endif
