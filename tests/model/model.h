/*
 * A second engine that does the same slowly: arrays kept in order, one rule after
 * the other, nothing remembered that can be counted again.  It stands on the
 * public headers alone, so that a mistake would have to be made twice.
 */
#ifndef TESTS_MODEL_H
#define TESTS_MODEL_H

#include <marketsim/engine.h>

#define MODEL_ORDERS 4096
#define MODEL_ACCOUNTS 16
#define MODEL_ASSETS 8
#define MODEL_INSTRUMENTS 8
#define MODEL_FINISHED 64
#define MODEL_TRADES 256

struct model;

struct model_setup {
    uint32_t max_orders;    /* at most MODEL_ORDERS - 1 */
    uint32_t max_accounts;  /* at most MODEL_ACCOUNTS */
    uint32_t finished_ids;  /* at most MODEL_FINISHED */
    uint32_t trade_history; /* at most MODEL_TRADES */
    bool accounts_off;
};

struct model *model_create(const struct model_setup *setup);
void model_destroy(struct model *model);
void model_asset(struct model *model, int exponent);
void model_instrument(struct model *model, const struct msim_instrument_params *params);

/* The events of the command; every class of them.  Borrowed until the next. */
const struct msim_event *model_apply(struct model *model, const struct msim_command *command,
                                     size_t *count);

int64_t model_free(const struct model *model, uint32_t account, uint32_t asset);
int64_t model_held(const struct model *model, uint32_t account, uint32_t asset);
int64_t model_fees(const struct model *model, uint32_t asset);

/* A live order for the flow to aim at; its number, 0 where none is. */
uint64_t model_pick(const struct model *model, uint64_t dice, uint32_t *account,
                    uint64_t *client_id, uint32_t *slot, msim_qty *leaves, msim_price *price);
size_t model_live(const struct model *model);
/* All that were ever accepted. */
uint64_t model_orders(const struct model *model);
msim_price model_last_price(const struct model *model, uint32_t instrument);
uint64_t model_last_trade(const struct model *model);

#endif
