/*
 * The books that flow-make matches in, to know what a flow must bring about.
 *
 * As plain as can be, and nothing of the engine's: a queue for each price and side, and the best
 * prices found by walking.
 */
#ifndef TESTS_BENCH_FLOW_BOOK_H
#define TESTS_BENCH_FLOW_BOOK_H

#include "order_flow.h"

#define FLOW_RECENT 8192 /* the latest that came to rest in a book; older ones are forgotten */

struct flow_order {
    uint32_t before, behind; /* in its price's queue; 0: none */
    uint32_t price, quantity;
    uint32_t place; /* in the book's `resting` */
    uint32_t account;
    uint16_t symbol;
    uint8_t side;
    bool rests;
};

struct flow_queue {
    uint32_t first, last; /* orders; 0: none */
};

struct flow_book {
    struct flow_queue *queues[2]; /* by side and price */
    uint32_t best[2];             /* 0 without bids, FLOW_PRICES without asks */
    uint32_t *resting;            /* orders, in no order that means anything */
    uint32_t resting_count, resting_room;
    uint32_t recent[FLOW_RECENT]; /* a ring */
    uint64_t recent_count;        /* of all that ever were in it */
};

struct flow_books {
    struct flow_order *orders; /* by id */
    struct flow_book *books;   /* by symbol */
    size_t book_count;
    struct flow_trades trades;
};

/* False: out of memory; destroy either way.  Ids go to `max_id`. */
bool flow_books_create(struct flow_books *books, size_t book_count, size_t max_id);
void flow_books_destroy(struct flow_books *books);

/* Whether anything rests on a side. */
static inline bool flow_book_has(const struct flow_book *book, uint8_t side)
{
    return book->best[side] != (side == FLOW_BUY ? 0 : FLOW_PRICES);
}

/*
 * The order that `taker` names trades `quantity` at `limit` or better.  Returns what is left.
 * It must not rest; its symbol and side are set.
 */
uint32_t flow_books_match(struct flow_books *books, uint32_t taker, uint32_t limit,
                          uint32_t quantity);

/* At the end of its price's queue.  False: out of memory. */
bool flow_books_rest(struct flow_books *books, uint32_t id, uint32_t price, uint32_t quantity);

void flow_books_remove(struct flow_books *books, uint32_t id);

#endif
