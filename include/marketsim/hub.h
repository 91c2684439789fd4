/*
 * The hub: one message to everyone who asked for it.
 *
 * A topic is a run of finished frames.  What is published is framed once, whatever the
 * number of clients; a subscriber is a position in the run, and at the end of the turn
 * one write for each client carries all that is new to it.  Messages for one client
 * (msim_connection_send) keep their place among those of its topics: what was published before
 * them leaves before them.  A topic's messages keep their order; what several topics publish
 * before the client's next write leaves topic by topic, in the order in which it subscribed.
 *
 * A client whose system takes no more falls behind.  Its bound is max_backlog_bytes of its
 * connection, beyond which the topic's policy acts on it, and on it alone.
 */
#ifndef MARKETSIM_HUB_H
#define MARKETSIM_HUB_H

#include <marketsim/net.h>

#ifdef __cplusplus
extern "C" {
#endif

struct msim_topic;

/* What befalls a client that has more than its bound waiting. */
enum msim_slow_policy {
    /* Closed with 1013 behind the frame that is under way; the rest is let go. */
    MSIM_SLOW_DISCONNECT,
    /* Its oldest messages of this topic, whole ones, are let go and counted. */
    MSIM_SLOW_DROP,
    /* Publishing waits for it: MSIM_ERR_LIMIT, then `drained`. */
    MSIM_SLOW_WAIT,
    /*
     * What waits for it of this topic is given up for the latest message of each key, the oldest
     * first, as of the moment at which it takes more.  What was left out is counted.  Its own
     * messages, and other topics', do not wait for them.
     */
    MSIM_SLOW_CONFLATE,
};

struct msim_topic_params {
    size_t size;
    enum msim_slow_policy policy;
    /*
     * 4 MiB, >= 4 KiB: what the run holds for those behind.  Where more must be kept, the policy
     * acts on the slowest before their own bound is reached.  Where messages are compressed without
     * a context, a topic keeps up to 1 MiB of compressed ones beside it, so that each is compressed
     * once for all who agreed to the same window.
     */
    size_t max_run_bytes;
    /*
     * 4096: the keys of a topic that conflates.  The latest messages of all of them together are
     * no more than max_run_bytes.
     */
    size_t max_keys;
    /* A publish was refused, and there is room again.  May be NULL. */
    void (*drained)(void *context, struct msim_topic *topic);
    void *context;
};
#define MSIM_TOPIC_PARAMS_INIT                                             \
    {                                                                      \
        sizeof(struct msim_topic_params), MSIM_SLOW_DISCONNECT, 0, 0, 0, 0 \
    }

/* A client is in no more topics than this. */
#define MSIM_SUBSCRIPTIONS_MAX 1024

struct msim_topic_stats {
    size_t subscribers;
    size_t run_bytes;      /* that are kept for those behind */
    uint64_t messages;     /* published */
    uint64_t dropped;      /* messages that were let go, of all clients */
    uint64_t conflated;    /* messages that a later one of their key has replaced, of all clients */
    uint64_t disconnected; /* clients that were closed for being slow */
};

/* MSIM_ERR_INVALID, MSIM_ERR_NOMEM.  A topic that is still there goes with its net. */
MSIM_API int msim_topic_create(struct msim_net *net, struct msim_topic **out,
                               const struct msim_topic_params *params);

/* Subscribers get what was published before. */
MSIM_API void msim_topic_destroy(struct msim_topic **topic);

/*
 * One message to all subscribers.  That a text is UTF-8 is the caller's to see to.
 *
 * MSIM_ERR_LIMIT: a subscriber that is waited for has no room; `drained` tells when to go on.
 * MSIM_ERR_INVALID: longer than half of max_run_bytes, or than a bound
 * that is waited for.  MSIM_ERR_NOMEM.  Nothing is published then.
 */
MSIM_API int msim_topic_publish(struct msim_topic *topic, enum msim_message_kind kind,
                                const void *bytes, size_t length);

/*
 * The same, where `key` says what the message is the latest of: a symbol's ticker, a book's
 * snapshot.  A topic that conflates takes no others (MSIM_ERR_INVALID); elsewhere the key is of no
 * account.  MSIM_ERR_LIMIT also beyond max_keys and for latest messages that are too large
 * together: `drained` does not come for these.
 */
MSIM_API int msim_topic_publish_keyed(struct msim_topic *topic, uint64_t key,
                                      enum msim_message_kind kind, const void *bytes,
                                      size_t length);

/*
 * From the next message on; for connections of a server's side.  MSIM_ERR_EXISTS for a subscriber,
 * MSIM_ERR_LIMIT at MSIM_SUBSCRIPTIONS_MAX, MSIM_ERR_STATE before the connection is open,
 * MSIM_ERR_CLOSED when it is ending, MSIM_ERR_NOMEM.
 */
MSIM_API int msim_topic_subscribe(struct msim_topic *topic, struct msim_connection *connection);

/*
 * What was published before still comes, in its place: the client has left the shared path, and
 * what it is sent from now on is its own (so is what a fault has in its hands).  The latest that
 * one who conflates has still to get is let go.  MSIM_ERR_NOT_FOUND for one that is no subscriber;
 * MSIM_ERR_NOMEM, and MSIM_ERR_LIMIT where a client that is waited for is over its bound: it is a
 * subscriber still.  A connection that ends leaves by itself.
 */
MSIM_API int msim_topic_unsubscribe(struct msim_topic *topic, struct msim_connection *connection);

/* Messages that this subscriber did not get, for being slow. */
MSIM_API uint64_t msim_topic_dropped(const struct msim_topic *topic,
                                     const struct msim_connection *connection);

MSIM_API void msim_topic_stats(const struct msim_topic *topic, struct msim_topic_stats *out);

#ifdef __cplusplus
}
#endif

#endif
