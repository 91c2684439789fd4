/*
 * A client of the quotes server: what it may have, and what it asked for.
 */
#ifndef MSIM_SERVER_QUOTES_CLIENT_H
#define MSIM_SERVER_QUOTES_CLIENT_H

#include <marketsim/faults.h>
#include <marketsim/net.h>

/* A client that has not said its key by then is closed. */
#define MSIM_QUOTES_AUTH_NS (30 * MSIM_NS_PER_S)

/* Symbols that a client wants of one feed: all of them, or a bit for each. */
struct msim_quotes_wishes {
    bool all;
    uint64_t *bits;
    size_t word_count;
};

#define MSIM_QUOTES_FEED_COUNT 5 /* enum msim_polygon_feed, which begins at 1 */

struct msim_quotes_client {
    struct msim_connection *connection;
    size_t place;    /* among the server's clients */
    uint64_t number; /* in order of arrival */
    bool is_authorized;
    size_t key;              /* which of the server's; SIZE_MAX where it has none */
    msim_time auth_deadline; /* MSIM_TIME_NEVER when it has said its key */
    struct msim_quotes_wishes feeds[MSIM_QUOTES_FEED_COUNT];
    struct msim_fault_session *faults; /* NULL where nothing befalls messages */
};

/* A symbol or, with `all`, every one.  MSIM_ERR_NOMEM leaves the wishes as they were. */
int msim_quotes_wish(struct msim_quotes_wishes *wishes, bool all, uint32_t symbol,
                     const struct msim_allocator *allocator);
void msim_quotes_unwish(struct msim_quotes_wishes *wishes, bool all, uint32_t symbol,
                        const struct msim_allocator *allocator);

static inline bool msim_quotes_wants(const struct msim_quotes_wishes *wishes, uint32_t symbol)
{
    return wishes->all || (symbol / 64 < wishes->word_count &&
                           (wishes->bits[symbol / 64] >> (symbol % 64) & 1) != 0);
}

void msim_quotes_client_free(struct msim_quotes_client *client,
                             const struct msim_allocator *allocator);

#endif
