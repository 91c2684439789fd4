/*
 * The replay server's own: what replay.c (who comes and goes), replay_session.c (a replay for one
 * client), replay_broadcast.c (one for all) and replay_stats.c (what is told of them) share.
 */
#ifndef MSIM_SERVER_REPLAY_H
#define MSIM_SERVER_REPLAY_H

#include <marketsim/server.h>

#include "base/histogram.h"
#include "server/health.h"
#include "server/replay_query.h"

struct msim_replay_broadcast;
struct msim_replay_encoder;
struct msim_replay_player;
struct msim_replay_session;

/* Somebody who is connected, or is about to be told why not. */
struct msim_replay_client {
    struct msim_connection *connection;
    size_t place; /* among the server's clients */
    struct msim_replay_query query;
    struct msim_detail refusal;          /* of the query; "" where it is good */
    struct msim_fault_session *faults;   /* NULL where nothing befalls messages */
    struct msim_replay_session *session; /* NULL in a broadcast, and for one who is refused */
    bool is_told;                        /* of a broadcast's end */
};

struct msim_replay_totals {
    struct msim_histogram lateness;
    uint64_t clients;   /* that connected */
    uint64_t trades;    /* handed to connections, or published */
    uint64_t bundles;   /* of equal timestamps */
    uint64_t encoded;   /* messages */
    uint64_t delivered; /* messages, to each client */
    uint64_t finished;  /* replays that came to their end */
    uint64_t slow;      /* clients that were closed for what the failure layer gave them */
    msim_time position; /* of the latest trade; MSIM_TIME_NEVER before the first */
};

#define MSIM_REPLAY_ROUTES (MSIM_HEALTH_ROUTES + 1)

struct msim_replay_server {
    struct msim_replay_server_params params; /* with its defaults filled in */
    struct msim_allocator allocator;
    struct msim_logger logger;
    struct msim_net *net;
    struct msim_listener *listener;
    struct msim_health health;
    uint16_t port;
    struct msim_replay_client **clients; /* the open ones, in no order */
    size_t client_count;
    unsigned char *buffer;                   /* where runs of frames are made */
    struct msim_replay_broadcast *broadcast; /* NULL: each client has a replay of its own */
    struct msim_replay_totals totals;
    msim_time began; /* the failure layer's 0 */
    int failure;     /* of the failure layer: told by the next dispatch */
    bool is_stopping;
};

msim_time msim_replay_clock(void *context);

/* Clients are told so, a failure's words. */
size_t msim_replay_error_message(const char *words, char *out, size_t size);
#define MSIM_REPLAY_ERROR_MAX (6 * MSIM_DETAIL_SIZE + 32) /* a byte takes at most six */

/* Names the words of a failure: the detail's, or the result's own. */
const char *msim_replay_words(int result, const struct msim_detail *detail);

/* An encoder for the source that the player has now, in place of the one before. */
int msim_replay_encoder_renew(struct msim_replay_encoder **encoder,
                              struct msim_replay_player *player, uint32_t timestamps,
                              const struct msim_allocator *allocator);

/* ---- the failure layer, where there is one ---- */

msim_time msim_replay_faults_now(const struct msim_replay_server *server);

/* A message for one client, judged; `symbol` may be NULL.  A failure is final. */
int msim_replay_faults_send(struct msim_replay_server *server, struct msim_replay_client *client,
                            const char *symbol, const char *text, size_t length);

/* Whether nothing waits for its moment on the client's link. */
bool msim_replay_faults_are_done(const struct msim_replay_client *client);

/* ---- replay_stats.c ---- */

void msim_replay_metrics(void *context, struct msim_metrics *metrics);

/* The route of /stats; `server` lives as long as its connections. */
struct msim_route msim_replay_stats_route(struct msim_replay_server *server);

#endif
