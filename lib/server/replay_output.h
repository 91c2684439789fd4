/*
 * Trades into messages, one for each trade or one for each bundle of equal timestamps.
 *
 * Messages that need no further look become a run of finished frames, which is handed on piece by
 * piece; others are handed on one by one.  A bundle that is larger than the buffer leaves in
 * fragments of one message, or, where messages are looked at, in several messages.
 */
#ifndef MSIM_SERVER_REPLAY_OUTPUT_H
#define MSIM_SERVER_REPLAY_OUTPUT_H

#include <marketsim/codec.h>
#include <marketsim/net.h>

/* A run of frames is handed on when it is this long, and when it is flushed. */
#define MSIM_REPLAY_RUN_BYTES ((size_t)64 << 10)

/* What the buffer holds at least: a run, and a message behind it. */
#define MSIM_REPLAY_BUFFER_BYTES (2 * MSIM_REPLAY_RUN_BYTES)

struct msim_replay_output {
    /*
     * Borrowed.  Where there are `frames` nothing stands in it behind a flush, so that many may
     * share it.
     */
    unsigned char *buffer;
    size_t size;
    bool is_bundled;
    /* Finished frames.  NULL: there are none, and `message` takes everything. */
    int (*frames)(void *context, const void *frames, size_t length);
    /*
     * A whole message; `record` is the trade that it ends with.  MSIM_ERR_LIMIT: not now, the flush
     * tries again.  NULL: all are frames.
     */
    int (*message)(void *context, const struct msim_record *record, const char *text,
                   size_t length);
    void *context;
    struct msim_replay_encoder *encoder;

    size_t run;                 /* bytes of finished frames */
    size_t length;              /* of the message under way, which stands behind them */
    bool is_open;               /* a message is under way */
    bool is_cut;                /* a part of it has left */
    bool is_held;               /* it is whole, and was refused */
    bool has_pending;           /* a trade waits until it has left */
    uint64_t messages;          /* that were encoded */
    struct msim_record last;    /* the latest trade of the message, where it is looked at */
    struct msim_record pending; /* what waits */
};

/*
 * One more trade.  MSIM_OK, what `frames` or `message` say (where `is_held` is set, nothing more
 * may be given before a flush has succeeded), or a failure of the encoder: MSIM_ERR_LIMIT with
 * words for a trade that no message holds.
 */
int msim_replay_output_trade(struct msim_replay_output *output, const struct msim_record *record,
                             struct msim_detail *detail);

/*
 * All trades of the timestamp were given, or all that there will be: what follows is no part of the
 * message.
 */
int msim_replay_output_end_bundle(struct msim_replay_output *output);

/* Hands on what there is; where there are frames, a message under way leaves as a fragment. */
int msim_replay_output_flush(struct msim_replay_output *output);

#endif
