/*
 * The quotes server's own: what quotes.c (the market's way out) and quotes_polygon.c (the
 * dialogue with one client) share.
 */
#ifndef MSIM_SERVER_QUOTES_H
#define MSIM_SERVER_QUOTES_H

#include <marketsim/codec.h>
#include <marketsim/hub.h>
#include <marketsim/server.h>

#include "base/histogram.h"
#include "record/symbols.h"
#include "server/health.h"
#include "server/quotes_client.h"

/* A symbol of the source. */
struct msim_quotes_symbol {
    bool is_known;
    bool has_quote;
    uint32_t name; /* its number in `names` */
    struct msim_listing listing;
    struct msim_record quote; /* the latest */
    struct msim_polygon_tally tally;
};

/* The bound on names that clients may wish for; beyond it they are told so. */
#define MSIM_QUOTES_NAMES ((size_t)1 << 17)
#define MSIM_QUOTES_NAME_MAX 64

#define MSIM_QUOTES_BATCH 256

struct msim_quotes_server {
    struct msim_quotes_server_params params; /* with its defaults filled in */
    struct msim_allocator allocator;
    struct msim_logger logger;
    struct msim_net *net;
    struct msim_listener *listener;
    struct msim_health health;
    struct msim_topic *topic; /* the plain feed, where nothing befalls it */
    uint16_t port;

    struct msim_source source;
    struct msim_record batch[MSIM_QUOTES_BATCH];
    size_t at;
    size_t count;
    struct msim_pacer pacer;
    msim_time sent;  /* the market's moment of the last record that left */
    bool is_sending; /* it is leaving */
    bool is_ending;  /* it was the last one, in this turn */
    bool is_open;    /* the market */
    bool is_stopping;
    struct msim_quotes_symbol *symbols; /* by the source's id */
    size_t symbol_count;
    struct msim_symbols names; /* of the source and of clients' wishes */
    size_t wished;             /* those that a client has named first */

    char **keys; /* copies */
    size_t key_count;

    struct msim_quotes_client **clients;
    size_t client_count;
    size_t first; /* of Polygon's, who is sent to first: it moves on, as the place is the latency */
    uint64_t arrivals;
    size_t unauthorized;

    msim_time gathering_until; /* what is due before it leaves then */
    char *scratch;             /* for a client's message */
    size_t scratch_size;

    int failure; /* of the source or of `record`: told by the next dispatch */
    struct msim_detail detail;
    struct msim_quotes_stats stats;
    struct msim_histogram lateness;
};

/* The symbol, made known if it is new; MSIM_ERR_*. */
int msim_quotes_symbol_of(struct msim_quotes_server *server, uint32_t id,
                          struct msim_quotes_symbol **out);

/* Queues finished frames for one client; one that has no room left is closed with 1013. */
void msim_quotes_give(struct msim_quotes_server *server, struct msim_quotes_client *client,
                      const void *frames, size_t length);

/* The market's moment now, which never falls. */
msim_time msim_quotes_now(const struct msim_quotes_server *server);

/* Closes a client whose backlog has no room, and counts what was given. */
void msim_quotes_given(struct msim_quotes_server *server, struct msim_quotes_client *client,
                       int result);

/* ---- quotes_faults.c: where a failure layer stands between the market and a client ---- */

/*
 * A client comes with its request: it has a session then, or an enum msim_admission or a status
 * says why not.
 */
int msim_quotes_faults_admit(struct msim_quotes_server *server, struct msim_quotes_client *client,
                             const struct msim_request *request);

/* A link has come: those that nobody may have are known before a word is said. */
int msim_quotes_faults_arrived(struct msim_quotes_server *server);
void msim_quotes_faults_close(struct msim_quotes_server *server, struct msim_quotes_client *client);

/* A message for one client, judged; `symbol` may be NULL.  A failure is final. */
int msim_quotes_faults_send(struct msim_quotes_server *server, struct msim_quotes_client *client,
                            int type, const char *symbol, const void *bytes, size_t length);

/* What has become due leaves: also before each record, which it must not follow. */
int msim_quotes_faults_release(struct msim_quotes_server *server);

/* The same; when the next thing is due, on the wall's clock. */
int msim_quotes_faults_run(struct msim_quotes_server *server, msim_time *next);

/* ---- quotes_polygon.c ---- */

void msim_quotes_polygon_greet(struct msim_quotes_server *server,
                               struct msim_quotes_client *client);
void msim_quotes_polygon_message(struct msim_quotes_server *server,
                                 struct msim_quotes_client *client, const char *bytes,
                                 size_t length);

/* Encodes the record once, and gives it to those who asked for it. */
int msim_quotes_polygon_record(struct msim_quotes_server *server, struct msim_quotes_symbol *symbol,
                               const struct msim_record *record);

/* Closes those that have not said their key in time; when the next one's time is over. */
msim_time msim_quotes_polygon_expire(struct msim_quotes_server *server, msim_time now);

#endif
