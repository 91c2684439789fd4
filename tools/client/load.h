/*
 * Many connections to one server: how fast it lets them in, how much comes, how late, and
 * whether anything is missing.
 */
#ifndef TOOLS_CLIENT_LOAD_H
#define TOOLS_CLIENT_LOAD_H

#include "client/link.h"

/* What each connection says when it opens. */
#define LOAD_SAYS 2

/* At the end everybody says goodbye; who has not heard the other side's by then leaves without. */
#define LOAD_CLOSING_NS (2 * MSIM_NS_PER_S)

struct load_settings {
    const struct link *link;
    uint64_t connections;
    msim_time duration;          /* from when all are there */
    uint64_t churn;              /* connections that are closed and opened anew, each second */
    const char *stamp;           /* the key of a moment in messages */
    const char *sequence;        /* the key of a number that grows by one; NULL: none */
    const char *says[LOAD_SAYS]; /* NULL: no more */
    bool json;
};

/* Returns the exit code. */
int load_run(const struct load_settings *settings, struct terminal *terminal,
             const struct msim_logger *logger);

#endif
