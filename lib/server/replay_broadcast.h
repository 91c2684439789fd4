/*
 * One replay for all clients: they join it where it stands, as on a live feed.
 */
#ifndef MSIM_SERVER_REPLAY_BROADCAST_H
#define MSIM_SERVER_REPLAY_BROADCAST_H

#include "server/replay.h"

/* Opens the source; what `open` says, with words. */
int msim_replay_broadcast_create(struct msim_replay_broadcast **out,
                                 struct msim_replay_server *server, struct msim_detail *detail);
void msim_replay_broadcast_destroy(struct msim_replay_broadcast **broadcast);

/* A client has come: from here on it gets what is published. */
void msim_replay_broadcast_join(struct msim_replay_broadcast *broadcast,
                                struct msim_replay_client *client);

/* Publishes what is due; returns when it wants to run again. */
msim_time msim_replay_broadcast_run(struct msim_replay_broadcast *broadcast, msim_time now);

/* A client says something: it may ask how the replay stands, and has no remote control. */
void msim_replay_broadcast_message(struct msim_replay_broadcast *broadcast,
                                   struct msim_replay_client *client, enum msim_message_kind kind,
                                   const char *text, size_t length);

struct msim_topic_stats;
void msim_replay_broadcast_stats(const struct msim_replay_broadcast *broadcast,
                                 struct msim_topic_stats *out);

/* It has ended, or has failed: "" or the words. */
bool msim_replay_broadcast_is_over(const struct msim_replay_broadcast *broadcast);
const char *msim_replay_broadcast_failure(const struct msim_replay_broadcast *broadcast);

#endif
