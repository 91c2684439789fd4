/*
 * What a client of the replay server asks for in its URL: /?speed=10&ticker=BTC-*&format=bundle.
 */
#ifndef MSIM_SERVER_REPLAY_QUERY_H
#define MSIM_SERVER_REPLAY_QUERY_H

#include <marketsim/server.h>

/* More patterns, or columns, than this are refused. */
#define MSIM_REPLAY_NAMES_MAX 1024

/* Parameters that were given, a bit for each. */
enum msim_replay_asked {
    MSIM_REPLAY_ASKED_SPEED = 1,
    MSIM_REPLAY_ASKED_FROM = 2,
    MSIM_REPLAY_ASKED_TO = 4,
    MSIM_REPLAY_ASKED_TICKER = 8,
    MSIM_REPLAY_ASKED_FORMAT = 16,
    MSIM_REPLAY_ASKED_TIMESTAMPS = 32,
    MSIM_REPLAY_ASKED_LOOP = 64,
    MSIM_REPLAY_ASKED_EXTRA = 128,
};

/* Texts that were given with commas between them. */
struct msim_replay_names {
    char **items;
    size_t count;
    size_t capacity;
};

struct msim_replay_query {
    unsigned asked;
    struct msim_speed speed;
    struct msim_replay_selection selection; /* its extra columns are the `extra` below */
    uint32_t format;
    uint32_t timestamps;
    bool loop;
    struct msim_replay_names tickers;
    struct msim_replay_names extra;
};

/*
 * Reads the part of a request's target behind the '?'.  MSIM_ERR_INVALID with words that name the
 * parameter and the remedy and fit into a close frame; MSIM_ERR_NOMEM.  Nothing is held then.
 */
int msim_replay_query_read(struct msim_replay_query *query, const char *text,
                           const struct msim_allocator *allocator, struct msim_detail *detail);
void msim_replay_query_finish(struct msim_replay_query *query,
                              const struct msim_allocator *allocator);

/* Whether it chooses among the trades, so that there may be none. */
bool msim_replay_query_selects(const struct msim_replay_query *query);

/* The last words where there was none: a message that still says that the replay has finished. */
#define MSIM_REPLAY_NOTHING_SIZE 256
void msim_replay_query_nothing(const struct msim_replay_query *query,
                               const struct msim_replay_history *history,
                               char out[MSIM_REPLAY_NOTHING_SIZE]);

/* The same values for whoever has them from elsewhere.  False for a text that is none. */
bool msim_replay_format_read(const char *text, uint32_t *format);
bool msim_replay_timestamps_read(const char *text, uint32_t *timestamps);

/*
 * What a broadcast, which `query` is a client of, cannot do for one client alone: MSIM_ERR_INVALID
 * with words as above.  What the server does for all anyway is granted.
 */
int msim_replay_query_check_broadcast(const struct msim_replay_query *query,
                                      const struct msim_replay_server_params *params,
                                      struct msim_detail *detail);

#endif
