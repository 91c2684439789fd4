/*
 * A load of orders: so many a second over so many connections, an account each, and how long
 * the exchange takes to acknowledge them.  What rests is cancelled.
 */
#ifndef TOOLS_CLIENT_ORDERS_H
#define TOOLS_CLIENT_ORDERS_H

#include "client/load.h"

/* Orders of a connection that wait for their answer; beyond it none is sent. */
#define ORDERS_WAITING 4096

/* After the last order, what is not answered by then is missing. */
#define ORDERS_GRACE (5 * MSIM_NS_PER_S)

struct orders_settings {
    const struct load_settings *load;
    const char *session; /* accounts are NAME-1, NAME-2, ...; NULL: "load" */
    const char *order;   /* a command such as "buy 0.01 BTC/USD @ 1000" */
    uint64_t per_second; /* of all connections together */
};

/* Returns the exit code. */
int orders_run(const struct orders_settings *settings, struct terminal *terminal,
               const struct msim_logger *logger);

#endif
