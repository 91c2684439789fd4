/*
 * One replay without its listener: which trade is due when, and what a remote control does to it.
 *
 * Asked for the next thing, it gives a trade, the end of a bundle of equal timestamps, or says when
 * to ask again.  It touches neither socket nor clock: what time it is, a function of its params
 * says.  Between bundles it may be paused, stepped, sped up, and sent to any moment of its window.
 */
#ifndef MSIM_SERVER_REPLAY_PLAYER_H
#define MSIM_SERVER_REPLAY_PLAYER_H

#include <marketsim/server.h>

/* Records are pulled this many at a time. */
#define MSIM_PLAYER_BATCH 256

struct msim_replay_player_params {
    /* As in msim_replay_server_params. */
    int (*open)(void *context, const struct msim_replay_selection *selection,
                struct msim_source *out, struct msim_detail *detail);
    void (*ended)(void *context, const struct msim_source *source);
    void *context;
    msim_time (*read_clock)(void *clock);
    void *clock;
    struct msim_speed speed;
    msim_time max_gap;
    bool loop;
    struct msim_replay_selection selection; /* its texts are borrowed */
    /* Only trades of these, with * and ?; borrowed.  None: all. */
    const char *const *tickers;
    size_t ticker_count;
    const struct msim_allocator *allocator; /* copied */
};

enum msim_play {
    MSIM_PLAY_WAIT = 0, /* nothing until `wake` of the player, or until it is told something */
    MSIM_PLAY_TRADE,
    MSIM_PLAY_BUNDLE_END, /* no other trade of this timestamp comes */
    MSIM_PLAY_AGAIN,      /* it begins anew (loop): the next trade is the first */
    MSIM_PLAY_END,
};

struct msim_replay_player {
    struct msim_replay_player_params params;
    struct msim_allocator allocator;
    struct msim_pacer pacer;
    struct msim_source source;
    uint64_t opened;    /* sources, so far: what was made for one is not good for the next */
    uint8_t *wishes;    /* by symbol: not looked at, wanted, not wanted */
    size_t wish_count;  /* as far as they are known */
    msim_time wake;     /* when to ask again; MSIM_TIME_NEVER */
    msim_time due;      /* of the bundle, on the wall's clock; INT64_MIN where nothing is late */
    bool in_bundle;     /* its end has not been given */
    msim_time position; /* of the latest trade, or where it was sent; NEVER before the first */
    uint64_t steps;     /* bundles that are still to be given while it is paused */
    uint64_t passed;    /* trades of the round so far */
    bool is_whole;      /* the round has begun at the window's start */
    bool is_started;    /* the pacer has its first trade */
    bool is_ahead_over; /* nothing more is to be fetched ahead */
    msim_time ahead_at; /* when to ask on a source that had nothing then; 0: not before the need */
    msim_time poll_at;  /* when to ask a source again that had nothing; 0 where it had */
    struct msim_record batch[MSIM_PLAYER_BATCH];
    size_t at;
    size_t count;
};

/* Opens its source; what `open` says, MSIM_ERR_INVALID, MSIM_ERR_NOMEM.  Destroy-safe if zeroed. */
int msim_replay_player_init(struct msim_replay_player *player,
                            const struct msim_replay_player_params *params,
                            struct msim_detail *detail);
void msim_replay_player_finish(struct msim_replay_player *player);

/*
 * The next thing, an enum msim_play, or a failure of the source, which is final.  `*record` is
 * borrowed until the next call.  `now` is the wall's moment.
 */
int msim_replay_player_next(struct msim_replay_player *player, msim_time now,
                            const struct msim_record **record, struct msim_detail *detail);

/* ---- the remote control, between bundles ---- */

void msim_replay_player_pause(struct msim_replay_player *player, msim_time now);
void msim_replay_player_resume(struct msim_replay_player *player, msim_time now);
static inline bool msim_replay_player_is_paused(const struct msim_replay_player *player)
{
    return player->pacer.paused;
}

/* MSIM_ERR_INVALID for a speed that is none. */
int msim_replay_player_set_speed(struct msim_replay_player *player, msim_time now,
                                 struct msim_speed speed);

/* So many bundles more, at once.  MSIM_ERR_STATE where it is not paused. */
int msim_replay_player_step(struct msim_replay_player *player, uint64_t count);

/*
 * The next trade is the first one at or after `to`, and due when it is there.  A moment before the
 * window is its start; one behind it is MSIM_ERR_INVALID with words, and changes nothing, as do the
 * failures of `open`.
 */
int msim_replay_player_seek(struct msim_replay_player *player, msim_time to,
                            struct msim_detail *detail);

#endif
