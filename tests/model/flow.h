/*
 * Random commands: mostly sensible ones, some that are not.
 */
#ifndef TESTS_MODEL_FLOW_H
#define TESTS_MODEL_FLOW_H

#include "model.h"

struct profile {
    const char *name;
    uint32_t instruments;
    uint32_t accounts;
    uint32_t max_orders;
    uint32_t window;
    int64_t middle; /* prices lie around it, */
    int64_t spread; /* so far away */
    int64_t far;    /* or, for some, so far */
    int64_t quantity;
    int64_t deposit; /* of the quote asset; a hundredth of it of each other */
    uint32_t maker_fee, taker_fee;
    uint8_t fee_mode;
    bool accounts_off;
    uint32_t episode;     /* commands; 0: the usual number */
    bool calm;            /* few takers and cancels, so that the book grows deep */
    bool plain;           /* limit and market orders, cancels, replacements */
    uint32_t venue_share; /* of 1000: commands of the venue */
    uint32_t by_number;   /* one in so many of the quiet twin's; 0: see quiet.c */
    uint32_t band;
    int8_t price_exponent, quantity_exponent;
    int quote_exponent, base_exponent;
    int64_t tick, lot, min_notional;
};

#define PROFILES 10
extern const struct profile profiles[PROFILES];

struct dice {
    uint64_t state;
};

uint64_t roll(struct dice *dice);
int64_t between(struct dice *dice, int64_t low, int64_t high);
bool one_in(struct dice *dice, int64_t n);

void flow_setup_engine(const struct profile *profile, struct msim_engine_params *params);
void flow_instrument(const struct profile *profile, uint32_t number,
                     struct msim_instrument_params *params);

/* An engine with the profile's assets and instruments. */
int flow_engine(const struct profile *profile, const struct msim_engine_params *params,
                struct msim_engine **out, struct msim_detail *detail);

/* The next command; `model` says what there is to aim at. */
struct msim_command flow_next(const struct profile *profile, const struct model *model,
                              struct dice *dice, msim_time *time);

#endif
