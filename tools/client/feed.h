/*
 * What a server says, shown: trades of a replay, events of the quotes feed, the
 * arrays of Polygon's dialect, or lines as they came.
 */
#ifndef TOOLS_CLIENT_FEED_H
#define TOOLS_CLIENT_FEED_H

#include <marketsim/codec.h>
#include <marketsim/net.h>
#include <marketsim/pacer.h>

#include "client/board.h"

/* The pace is measured over at most so many bundles, the latest. */
#define FEED_PACE_BUNDLES ((size_t)1 << 16)

struct feed_totals {
    uint64_t messages;
    uint64_t bytes;
    uint64_t trades;
    uint64_t bundles;
    uint64_t events; /* of the quotes feed */
    uint64_t other;
    msim_time first; /* of the market's moments */
    msim_time last;
    msim_time began; /* of the wall's */
    msim_time ended;
};

struct feed {
    /* What is wanted. */
    bool json;
    bool quiet;
    bool as_table;
    bool is_polygon;  /* arrays of events */
    bool is_answered; /* an error may be an answer to what we said: it ends nothing */
    bool has_pace;
    uint64_t show_first;    /* trades or events */
    uint64_t summary_count; /* a line of totals after so many; 0: none */

    struct feed_totals totals;
    uint64_t answers; /* to what we said: "ok", or an error */
    uint64_t granted; /* of Polygon's channels */
    uint64_t refused;
    bool is_replay;   /* the server said that a replay starts */
    bool is_finished; /* ... and that it came to its end */
    bool said_error;
    struct msim_pacer pacer;
    bool pace_started;
    msim_time *offsets; /* of the latest bundles: arrival minus schedule, as a ring */
    uint64_t offset_count;
    msim_time earliest; /* the least of all offsets */
    struct board board;
    char *scratch;
    size_t scratch_size;
};

/* False without memory. */
bool feed_init(struct feed *feed, struct msim_speed pace);
void feed_finish(struct feed *feed);

/* Shows a message; false without memory. */
bool feed_take(struct feed *feed, enum msim_message_kind kind, const unsigned char *bytes,
               size_t length);

/* Trades, events, and messages that are neither of these nor words about them. */
uint64_t feed_counted(const struct feed *feed);

/* A line of totals on stderr. */
void feed_summarise(struct feed *feed, const char *label);

#endif
