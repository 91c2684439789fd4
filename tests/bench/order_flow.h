/*
 * An order flow's file: flow-make writes it, engine-flow, engine-turns and their peers read it.
 *
 * A header, then `prefill` messages that fill the books, then `messages` that are timed, all in
 * the machine's byte order.  The header tells the trades that the timed ones bring about, so that
 * whoever runs a flow knows whether it matched by price and time.  For C and C++.
 */
#ifndef TESTS_BENCH_ORDER_FLOW_H
#define TESTS_BENCH_ORDER_FLOW_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLOW_MAGIC "OFLOW1\0"
#define FLOW_PRICES 65536 /* a price lies in 1 to this less one */
#define FLOW_MAX_SYMBOLS 4096
#define FLOW_MAX_ACCOUNTS 1000000

enum flow_type {
    FLOW_LIMIT = 0,
    FLOW_MARKET = 1,
    FLOW_CANCEL = 2,
    FLOW_REPLACE = 3, /* at the end of another price's queue */
};

enum flow_side {
    FLOW_BUY = 0,
    FLOW_SELL = 1,
};

struct flow_trades {
    uint64_t count, quantity, notional;
    uint64_t hash; /* of maker, price and quantity of each in turn */
};

struct flow_header {
    char magic[8];
    uint64_t messages, prefill, symbols, accounts, max_id, depth, seed;
    struct flow_trades trades;        /* of the timed messages, as of_type */
    uint64_t of_type[4], resting_end; /* by enum flow_type; orders in the books at the end */
};

struct flow_message {
    uint64_t id;       /* 1, 2, 3, …: of the order that it makes, or is about */
    uint32_t price;    /* of limit orders and replacements */
    uint32_t quantity; /* of all but cancels; what is open after a replacement */
    uint16_t symbol;   /* from 0, as accounts */
    uint8_t type;
    uint8_t side;
    uint32_t account;
    uint64_t reserved;
};

struct flow {
    struct flow_header header;
    struct flow_message *messages; /* prefill + messages of them, flow_free()'s */
};

static inline const struct flow_message *flow_timed(const struct flow *flow)
{
    return flow->messages + flow->header.prefill;
}

static inline void flow_trade(struct flow_trades *trades, uint64_t maker, uint64_t price,
                              uint64_t quantity, uint64_t notional)
{
    trades->count++;
    trades->quantity += quantity;
    trades->notional += notional;
    trades->hash =
        (trades->hash ^ (maker + (price << 40) + (quantity << 24))) * UINT64_C(0x9E3779B97F4A7C15);
}

static inline bool flow_same_trades(const struct flow_trades *a, const struct flow_trades *b)
{
    return a->count == b->count && a->quantity == b->quantity && a->notional == b->notional &&
           a->hash == b->hash;
}

/* Whether what a message names lies within what the header tells. */
static inline bool flow_message_holds(const struct flow_header *header,
                                      const struct flow_message *message)
{
    return message->id >= 1 && message->id <= header->max_id && message->symbol < header->symbols &&
           message->account < header->accounts && message->type <= FLOW_REPLACE &&
           message->side <= FLOW_SELL && message->price < FLOW_PRICES;
}

/* NULL, or what is wrong with the file. */
static inline const char *flow_read(struct flow *flow, FILE *file)
{
    struct flow_header *header = &flow->header;

    if (fread(header, sizeof *header, 1, file) != 1 ||
        memcmp(header->magic, FLOW_MAGIC, sizeof header->magic) != 0)
        return "not an order flow";
    if (header->messages == 0 || header->messages > UINT32_MAX || header->prefill > UINT32_MAX ||
        header->max_id > header->messages + header->prefill || header->symbols > FLOW_MAX_SYMBOLS ||
        header->accounts > FLOW_MAX_ACCOUNTS)
        return "its header tells of more than can be";
    const size_t count = (size_t)(header->messages + header->prefill);
    flow->messages = (struct flow_message *)malloc(count * sizeof *flow->messages);
    if (!flow->messages)
        return "out of memory";
    if (fread(flow->messages, sizeof *flow->messages, count, file) != count)
        return "cut short";
    for (size_t i = 0; i < count; i++)
        if (!flow_message_holds(header, &flow->messages[i]))
            return "a message is about what its header does not know";
    return NULL;
}

static inline void flow_free(struct flow *flow)
{
    free(flow->messages);
    flow->messages = NULL;
}

/* NULL, or what is wrong; flow_free() either way. */
static inline const char *flow_load(struct flow *flow, const char *path)
{
    flow->messages = NULL;
    FILE *file = fopen(path, "rb");
    if (!file)
        return strerror(errno);
    const char *wrong = flow_read(flow, file);
    fclose(file);
    return wrong;
}

#endif
