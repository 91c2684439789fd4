/*
 * One client's replay.
 */
#ifndef MSIM_SERVER_REPLAY_SESSION_H
#define MSIM_SERVER_REPLAY_SESSION_H

#include "server/replay.h"

/* For a client whose connection is open and whose query is good. */
int msim_replay_session_create(struct msim_replay_session **out, struct msim_replay_server *server,
                               struct msim_replay_client *client);
void msim_replay_session_destroy(struct msim_replay_session **session);

/* Greets the client and opens its source; the first trade is due now. */
void msim_replay_session_start(struct msim_replay_session *session, msim_time now);

/* Sends what is due; returns when it wants to run again, MSIM_TIME_NEVER while it waits. */
msim_time msim_replay_session_run(struct msim_replay_session *session, msim_time now);

/* What was queued has left. */
void msim_replay_session_drained(struct msim_replay_session *session, msim_time now);

/* The client says something: a control message, or what is answered as a mistake. */
void msim_replay_session_message(struct msim_replay_session *session, enum msim_message_kind kind,
                                 const char *text, size_t length, msim_time now);

/* Ends it before its time, with 1001. */
void msim_replay_session_stop(struct msim_replay_session *session);

#endif
