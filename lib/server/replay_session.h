/*
 * One client's replay.
 */
#ifndef MSIM_SERVER_REPLAY_SESSION_H
#define MSIM_SERVER_REPLAY_SESSION_H

#include <marketsim/server.h>

#include "base/histogram.h"

/* What all sessions of a server use and count into. */
struct msim_replay_shared {
    const struct msim_replay_server_params *params; /* with its defaults filled in */
    struct msim_allocator allocator;
    struct msim_logger logger;
    msim_time (*read_clock)(void);
    unsigned char *frames; /* where a run of frames is made before it is queued */
    size_t frames_size;
    struct msim_histogram lateness;
    uint64_t trades;
    uint64_t bundles;
    uint64_t finished;
    msim_time position;
};

int msim_replay_shared_init(struct msim_replay_shared *shared);
void msim_replay_shared_finish(struct msim_replay_shared *shared);

struct msim_replay_session;

int msim_replay_session_create(struct msim_replay_session **out, struct msim_replay_shared *shared,
                               struct msim_connection *connection);
void msim_replay_session_destroy(struct msim_replay_session **session);

/* Greets the client and opens its source; the first trade is due now. */
void msim_replay_session_start(struct msim_replay_session *session, msim_time now);

/* Sends what is due; returns when it wants to run again, MSIM_TIME_NEVER while it waits. */
msim_time msim_replay_session_run(struct msim_replay_session *session, msim_time now);

/* What was queued has left. */
void msim_replay_session_drained(struct msim_replay_session *session, msim_time now);

/* Ends it before its time, with 1001. */
void msim_replay_session_stop(struct msim_replay_session *session);

#endif
