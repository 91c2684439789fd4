/*
 * The loop's inside, for the files of this room.
 */
#ifndef MSIM_NET_LOOP_H
#define MSIM_NET_LOOP_H

#include <marketsim/net.h>

#include "base/bytes.h"
#include "net/deflate.h"
#include "net/wheel.h"
#include "net/ws.h"

/* What one connection may bring in one turn; the rest waits for the next. */
#define MSIM_NET_INPUT_BYTES (64 * 1024)

/* Descriptors that are served in one turn; the others come first in the next. */
#define MSIM_NET_EVENTS 512

/* Random bytes are asked for in pieces of this size, which come whole or not at all. */
#define MSIM_NET_RANDOM_BYTES 256

/* Buffers that wait for the next who writes, and the largest of them: any more stay where they are.
 */
#define MSIM_NET_SPARES 32
#define MSIM_NET_SPARE_BYTES ((size_t)4 << 10)

/* What epoll's data points at: the first member of whatever waits for a descriptor. */
enum msim_ready_kind {
    MSIM_READY_TIMER,
    MSIM_READY_DOOR,
    MSIM_READY_CONNECTION,
    MSIM_READY_WATCH,
};

struct msim_ready {
    enum msim_ready_kind kind;
    int fd; /* -1: closed; an event that came before is skipped */
};

struct msim_watch {
    struct msim_ready ready;
    void (*function)(void *context, int fd);
    void *context;
    struct msim_watch *next;
};

struct msim_tls_buffers;

struct msim_net {
    struct msim_allocator allocator;
    struct msim_logger logger;
    msim_time (*turn)(void *context, msim_time now);
    void *context;

    struct msim_ready timer;
    int epoll_fd;
    bool in_turn;
    bool is_ending;
    msim_time now;   /* of this turn */
    msim_time heard; /* everything that had come by then was read */
    msim_time full_since;
    size_t full_turns; /* in a row, in which there may have been more to serve */
    msim_time wanted;  /* when `turn` wants to run next */
    msim_time armed;   /* what the timer stands at */

    struct msim_wheel wheel;
    struct msim_framer_pool framers;
    struct msim_deflate_pool deflate;
    struct msim_connection *connections;
    size_t connection_count;
    size_t max_connections;
    struct msim_listener *listeners;
    struct msim_watch *watches;
    struct msim_cuts *cuts; /* in what connections write */
    struct msim_topic *topics;
    struct msim_dialer *dialers;
    bool is_published;     /* to a topic, and not sent yet */
    bool is_topic_refused; /* `drained` is owed for one */
    /* Where the system has no descriptor left: nobody is accepted until then. */
    msim_time accept_again;
    bool has_complained; /* that somebody could not be let in; once, until somebody is */

    /* Lists that the end of a turn works off. */
    struct msim_connection *dirty; /* something was queued */
    struct msim_connection **dirty_end;
    struct msim_connection *resumed; /* more can be done without any input */
    struct msim_connection **resumed_end;
    struct msim_connection *ended; /* `closed` must be told */
    struct msim_connection **ended_end;
    bool has_dead; /* listeners or watches to be freed */

    struct msim_net_stats stats; /* but for `connections` */

    /* Empty buffers of connections that have said all, for those that say something next. */
    struct msim_bytes spares[MSIM_NET_SPARES];
    size_t spare_count;

    struct msim_tls *trust;               /* for clients that name none; NULL: none came yet */
    struct msim_tls_buffers *tls_buffers; /* NULL: no TLS yet */
    size_t random_left;
    unsigned char random[MSIM_NET_RANDOM_BYTES];
    unsigned char input[MSIM_NET_INPUT_BYTES];
};

msim_time msim_clock(void);

/* `length` later than `moment`, never beyond the end of time. */
static inline msim_time msim_time_after(msim_time moment, msim_time length)
{
    msim_time sum;
    return __builtin_add_overflow(moment, length, &sum) ? MSIM_TIME_NEVER : sum;
}

/* Work waits for the end of a turn: where none is under way, one must come. */
void msim_net_poke(struct msim_net *net);

/* Unpredictable bytes, at most 16; false where the system has none. */
bool msim_net_random(struct msim_net *net, unsigned char *out, size_t length);

/*
 * An empty buffer is lent to whoever writes next, and one that has no memory borrows.  Of many who
 * say little now and then, few have a buffer at a time.
 */
void msim_net_lend(struct msim_net *net, struct msim_bytes *empty);
void msim_net_borrow(struct msim_net *net, struct msim_bytes *bytes);

/* epoll_ctl; -1 with errno. */
int msim_net_poll(struct msim_net *net, int operation, struct msim_ready *ready, uint32_t events);

/* listener.c */
void msim_listener_ready(struct msim_net *net, struct msim_ready *ready);
/* A descriptor was closed: those who wait to be accepted may come in. */
void msim_listeners_room(struct msim_net *net);
void msim_listeners_resume(struct msim_net *net);
void msim_listeners_sweep(struct msim_net *net);
void msim_listeners_finish(struct msim_net *net);

#endif
