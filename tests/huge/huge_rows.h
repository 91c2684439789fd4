/*
 * Trades of any number, each known by its place: where the trade that comes k-th in time stands in
 * the file, and what a client is to hear of it.  So a reader is checked against no second one, and
 * nothing is kept of a hundred million trades.
 *
 * Three trades at a time bear the same timestamp, and come in the order of their rows.
 */
#ifndef TESTS_HUGE_ROWS_H
#define TESTS_HUGE_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include <marketsim/base.h>

#define HUGE_BUNDLE 3
#define HUGE_MESSAGE_BYTES 256
#define HUGE_TICKER_BYTES 16

enum huge_order {
    HUGE_SORTED,
    HUGE_LATE, /* pieces of 512 rows backwards */
    HUGE_SHUFFLED,
};

struct huge {
    uint64_t rows;
    enum huge_order order;
};

/* Of the trade that stands in this row. */
msim_time huge_time(const struct huge *huge, uint64_t row);
int64_t huge_price(uint64_t row);
int64_t huge_volume(uint64_t row);
size_t huge_ticker(uint64_t row, char text[HUGE_TICKER_BYTES]);

/* The rows of the bundle, in order; returns how many. */
size_t huge_bundle(const struct huge *huge, uint64_t bundle, uint64_t rows[HUGE_BUNDLE]);
msim_time huge_bundle_time(uint64_t bundle);
uint64_t huge_bundles(const struct huge *huge);

/* What a client hears of each, without a terminator; returns its length. */
size_t huge_message(uint64_t bundle, uint64_t row, char text[HUGE_MESSAGE_BYTES]);

#endif
