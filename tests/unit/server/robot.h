/*
 * Two robots that trade alike and believe differently: a naive one, which believes whatever it is
 * told and nothing else, and a careful one, which asks, waits, and comes again.
 */
#ifndef TESTS_UNIT_SERVER_ROBOT_H
#define TESTS_UNIT_SERVER_ROBOT_H

#include "unit/server/stage.h"

#define ROBOT_ORDERS 1024
#define ROBOT_LEVELS 64
#define ROBOT_NAME "bot"
#define ROBOT_EXPONENT (-8) /* of all prices, quantities and amounts in here */

struct robot_order {
    char id[40]; /* "" until it was told, or when it is known no more */
    bool buys;
    bool is_open;
    int64_t remaining;
    int64_t filled;
};

struct robot_level {
    int64_t price;
    int64_t quantity;
};

struct robot {
    struct stage *stage;
    bool is_careful;
    bool is_dead; /* met something that it was not written for */
    bool came;    /* has tried to connect */
    struct wire trade;
    struct wire market;

    /* what it believes */
    struct robot_order orders[ROBOT_ORDERS]; /* its o-th is orders[o] */
    size_t order_count;
    int64_t position; /* bought less sold */
    int64_t cash;
    size_t open_count;      /* of the careful one: as answered */
    int64_t open_remaining; /* the same */
    struct robot_level bids[ROBOT_LEVELS];
    struct robot_level asks[ROBOT_LEVELS];
    size_t bid_count;
    size_t ask_count;
    msim_time clock;
    uint64_t seconds_wrong; /* in which it believed in another market or hour */

    /* how the careful one knows what it does not know */
    bool book_is_good;
    uint64_t book_sequence;
    uint64_t questions;
    msim_time trade_heard;
    msim_time market_heard;
    msim_time next_question;
    int64_t first_usd;
    int64_t first_btc;
};

void robot_init(struct robot *robot, struct stage *stage, bool is_careful);
/* Comes, if it has not. */
void robot_come(struct robot *robot);
/* What it does in tenth `tenth` of second `second`. */
void robot_trade(struct robot *robot, unsigned second, unsigned tenth);
/* After each turn, trading or not. */
void robot_look(struct robot *robot);
/* The price at which its latest order of the first kind rests; 0 for none. */
int64_t robot_bid(const struct robot *robot);
/* Its open orders, as it believes. */
size_t robot_open(const struct robot *robot, int64_t *remaining);

#endif
