/*
 * Running servers shown on the page: their messages come by our own client and go on to browsers,
 * which talk to nobody else.
 *
 * Which server is at the other end shows in what it says; ours are asked with a PING that only the
 * exchange answers.  A link that ends is tried again for as long as the dashboard lives.
 */
#ifndef MSIM_SERVER_DASHBOARD_RELAY_H
#define MSIM_SERVER_DASHBOARD_RELAY_H

#include <marketsim/dialer.h>
#include <marketsim/server.h>
#include <marketsim/socketio.h>

#include "server/dashboard/live.h"
#include "server/dashboard/switches.h"

struct msim_dashboard_server;
struct msim_relay;

/* "host:port" of a URL, and as much of it as may be shown: not its query. */
#define MSIM_UPSTREAM_PLACE_SIZE 96
#define MSIM_UPSTREAM_URL_SIZE 256

enum msim_upstream_state {
    MSIM_UPSTREAM_CONNECTING,
    MSIM_UPSTREAM_CONNECTED,
    MSIM_UPSTREAM_LOST,
    MSIM_UPSTREAM_FINISHED, /* a replay, to its end */
};

/* Channels of an exchange. */
#define MSIM_UPSTREAM_CHANNELS 3

struct msim_upstream {
    struct msim_relay *relay;
    size_t number;
    struct msim_dialer *dialer;
    enum msim_feed_dialect given; /* MSIM_FEED_OTHER: it is found out */
    enum msim_feed_dialect dialect;
    enum msim_upstream_state state;
    char place[MSIM_UPSTREAM_PLACE_SIZE];
    char url[MSIM_UPSTREAM_URL_SIZE];
    char words[MSIM_FEED_WORDS_SIZE];
    char *key; /* owned; NULL: none */
    bool is_crypto;
    bool is_subscribed;
    size_t answers[MSIM_UPSTREAM_CHANNELS]; /* to subscriptions */
    msim_time ask_again;
    msim_time ask_wait;
    uint64_t messages;
    uint64_t unread; /* that were nothing that we know */
    uint64_t links;  /* that were opened */
};

struct msim_relay {
    struct msim_dashboard_server *server;
    struct msim_live live;
    struct msim_upstream upstreams[MSIM_DASHBOARD_UPSTREAMS_MAX];
    size_t upstream_count;
    char **symbols; /* NULL: all */
    size_t symbol_count;
    size_t symbol_room;
    struct msim_socketio_room *viewers;
    struct msim_switches *switches; /* NULL: no admin API was named */
    struct msim_bytes out;
    bool is_state_changed;
    msim_time changes_due;
    msim_time bars_due;
    msim_time state_due;
    msim_time state_told; /* the last time */
};

/* Starts to connect, as the params say. */
int msim_relay_create(struct msim_relay **out, struct msim_dashboard_server *server,
                      const struct msim_dashboard_server_params *params,
                      struct msim_detail *detail);

/* Before the net is gone its links end; afterwards the rest of it goes. */
void msim_relay_stop(struct msim_relay *relay);
void msim_relay_destroy(struct msim_relay **relay);

/* Tells what is due; returns when it wants to be asked again. */
msim_time msim_relay_turn(struct msim_relay *relay, msim_time now);

/* A page wants to see it. */
void msim_relay_join(struct msim_relay *relay, struct msim_socketio_client *client);
/* One that has missed something gets all of it. */
void msim_relay_catch_up(struct msim_relay *relay, struct msim_socketio_client *client);
/* A market's book, from now on or no more; `arguments` are the event's. */
void msim_relay_watch(struct msim_relay *relay, struct msim_socketio_client *client,
                      const char *arguments, size_t length);
void msim_relay_unwatch(struct msim_relay *relay, struct msim_socketio_client *client,
                        const char *arguments, size_t length);

/* ---- upstream.c: one of the servers ---- */

int msim_upstream_open(struct msim_upstream *upstream, const struct msim_dashboard_upstream *given,
                       struct msim_tls *tls, struct msim_detail *detail);
void msim_upstream_finish(struct msim_upstream *upstream);
/* Asks again what was not answered; returns when that is due. */
msim_time msim_upstream_turn(struct msim_upstream *upstream, msim_time now);

#endif
