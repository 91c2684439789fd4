/*
 * Topics, and a connection's subscriptions to them.
 *
 * What waits for a connection is its own bytes (`out`) and then what lies before its positions:
 * whoever queues a message of the connection's own first takes what lies there into `out`, and a
 * frame of which a part has left is finished from `out` as well.
 */
#ifndef MSIM_NET_HUB_H
#define MSIM_NET_HUB_H

#include <marketsim/hub.h>

#include "net/connection.h"
#include "net/latest.h"
#include "net/packed.h"
#include "net/run.h"

struct msim_subscription {
    struct msim_topic *topic;
    struct msim_connection *connection;
    struct msim_subscription *next; /* of the connection's */
    size_t place;                   /* among the topic's */
    struct msim_position position;
    uint64_t dropped;
    bool is_full; /* publishing waits until it has less before it */
    /* It has left the run, and gets the latest of each key from this message of the topic's on. */
    bool is_conflated;
    uint64_t number;
};

struct msim_topic {
    struct msim_net *net;
    struct msim_topic *next; /* of the net's */
    struct msim_topic **link;
    struct msim_run run;
    struct msim_latest latest; /* where the policy is to conflate */
    struct msim_packed packed;
    struct msim_subscription **subscribers; /* NULL in the midst of a pass: gone */
    size_t count;                           /* of places that are used */
    size_t capacity;
    size_t first;       /* who is sent to first: it moves on, since the place is the latency */
    size_t full;        /* subscribers that are */
    size_t room;        /* so much may be published before somebody can have too much waiting */
    size_t least_bound; /* of the subscribers', as of then */
    bool is_new;        /* something was published that was not sent yet */
    bool is_refused;    /* `drained` is owed */
    bool in_pass;
    bool has_gaps;
    bool is_dead;
    enum msim_slow_policy policy;
    size_t max_run_bytes;
    void (*drained)(void *context, struct msim_topic *topic);
    void *context;
    struct msim_topic_stats stats;
};

enum msim_written {
    MSIM_WRITTEN_ALL,
    MSIM_WRITTEN_PART, /* the system takes no more */
    MSIM_WRITTEN_HELD, /* nothing more may leave now */
    MSIM_WRITTEN_BROKEN,
};

/* One write of all that waits. */
enum msim_written msim_hub_write(struct msim_connection *connection, size_t *sent);

/* Bytes that lie before its positions. */
size_t msim_hub_pending(const struct msim_connection *connection);

/* It takes no more: does a policy act? */
void msim_hub_judge(struct msim_connection *connection);

/*
 * Takes what lies before its positions into `out`, where `size` bytes are to follow it.
 * MSIM_ERR_NOMEM; MSIM_ERR_LIMIT where the bound has no room for them all; MSIM_ERR_CLOSED where
 * the connection has ended or was closed for being slow.
 */
int msim_hub_settle(struct msim_connection *connection, size_t size);

/* Forgets what lies before its positions; its subscriptions end. */
void msim_hub_leave(struct msim_connection *connection);

/* The end of the turn. */
void msim_hub_flush(struct msim_net *net);
void msim_hub_drained(struct msim_net *net);
void msim_hub_finish(struct msim_net *net);

#endif
