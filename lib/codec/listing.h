/*
 * Tapes, exchange codes and pieces of text that the dialects of vendors share.
 */
#ifndef MSIM_CODEC_LISTING_H
#define MSIM_CODEC_LISTING_H

#include <marketsim/codec.h>

#include "base/decimal.h"

/* Which end of a record an exchange code is asked for. */
enum msim_listing_part {
    MSIM_LISTING_BID = 1,
    MSIM_LISTING_ASK = 2,
    MSIM_LISTING_TRADE = 3,
};

/* The venue that a quote's side, or a trade, with this number is from. */
unsigned msim_listing_exchange(const struct msim_listing *listing, uint64_t id,
                               enum msim_listing_part part);

/* Whole round lots, at least one. */
int64_t msim_listing_lots(const struct msim_listing *listing, msim_qty quantity);

/* 32 hex digits of event `id`. */
void msim_listing_request_id(const struct msim_listing *listing, uint64_t id, char out[32]);

#endif
