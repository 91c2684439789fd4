#define _GNU_SOURCE /* getrandom, clock_gettime, epoll */
#include "net/loop.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/detail.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/connection.h"
#include "net/dialer.h"
#include "net/hub.h"
#include "net/impair.h"
#include "net/socket.h"
#include "net/tls.h"

#define DEFAULT_CONNECTIONS 1024

msim_time msim_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (msim_time)now.tv_sec * MSIM_NS_PER_S + now.tv_nsec;
}

msim_time msim_net_now(const struct msim_net *net)
{
    return net && net->in_turn ? net->now : msim_clock();
}

int msim_net_poll(struct msim_net *net, int operation, struct msim_ready *ready, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = ready};

    return epoll_ctl(net->epoll_fd, operation, ready->fd, &event);
}

bool msim_net_random(struct msim_net *net, unsigned char *out, size_t length)
{
    if (net->random_left < length) {
        if (getrandom(net->random, sizeof net->random, 0) != (ssize_t)sizeof net->random)
            return false;
        net->random_left = sizeof net->random;
    }
    net->random_left -= length;
    memcpy(out, net->random + net->random_left, length);
    return true;
}

/* ---- the timer ---- */

/*
 * The timer is never read: it stays readable once its moment has come, until it is
 * set anew, so that whoever waits for the loop's descriptor wakes up at once as long
 * as something is due.
 */
static void arm(struct msim_net *net, msim_time next, msim_time now)
{
    if (next == net->armed || (next <= now && net->armed <= now))
        return;

    struct itimerspec moment = {{0, 0}, {0, 0}};
    if (next != MSIM_TIME_NEVER) {
        /* All zero would disarm it. */
        msim_time at = next > 0 ? next : 1;
        moment.it_value.tv_sec = (time_t)(at / MSIM_NS_PER_S);
        moment.it_value.tv_nsec = (long)(at % MSIM_NS_PER_S);
    }
    int r = timerfd_settime(net->timer.fd, TFD_TIMER_ABSTIME, &moment, NULL);
    assert(r == 0);
    (void)r;
    net->armed = next;
}

static bool work_waits(const struct msim_net *net)
{
    return net->dirty || net->is_published || net->resumed || net->ended || net->wanted == 0;
}

static msim_time next_moment(const struct msim_net *net)
{
    msim_time next = work_waits(net) ? 0 : net->wanted;
    msim_time timer = msim_wheel_next(&net->wheel);
    msim_time cut = msim_cuts_next(net);

    msim_time dialer = msim_dialers_next(net);

    if (timer < next)
        next = timer;
    if (cut < next)
        next = cut;
    if (dialer < next)
        next = dialer;
    return net->accept_again < next ? net->accept_again : next;
}

void msim_net_poke(struct msim_net *net)
{
    if (!net->in_turn)
        arm(net, next_moment(net), msim_clock());
}

void msim_net_wake(struct msim_net *net)
{
    if (!net)
        return;
    net->wanted = 0;
    msim_net_poke(net);
}

/* ---- watches ---- */

int msim_net_watch(struct msim_net *net, int fd, void (*ready)(void *context, int fd),
                   void *context)
{
    if (!net || fd < 0 || !ready)
        return MSIM_ERR_INVALID;
    for (const struct msim_watch *watch = net->watches; watch; watch = watch->next)
        if (watch->ready.fd == fd)
            return MSIM_ERR_EXISTS;

    struct msim_watch *watch = msim_mem_zero(&net->allocator, sizeof *watch);
    if (!watch)
        return MSIM_ERR_NOMEM;
    watch->ready = (struct msim_ready){MSIM_READY_WATCH, fd};
    watch->function = ready;
    watch->context = context;
    if (msim_net_poll(net, EPOLL_CTL_ADD, &watch->ready, EPOLLIN) < 0) {
        int error = errno;
        msim_mem_free(&net->allocator, watch, sizeof *watch);
        return error == EPERM ? MSIM_ERR_UNSUPPORTED : MSIM_ERR_IO;
    }
    watch->next = net->watches;
    net->watches = watch;
    return MSIM_OK;
}

static void sweep_watches(struct msim_net *net)
{
    struct msim_watch **link = &net->watches;

    while (*link) {
        struct msim_watch *watch = *link;
        if (watch->ready.fd >= 0) {
            link = &watch->next;
            continue;
        }
        *link = watch->next;
        msim_mem_free(&net->allocator, watch, sizeof *watch);
    }
}

/* An event of this turn may still point at the dead: they are freed at its end. */
static void sweep(struct msim_net *net)
{
    if (!net->has_dead)
        return;
    net->has_dead = false;
    sweep_watches(net);
    msim_listeners_sweep(net);
}

void msim_net_unwatch(struct msim_net *net, int fd)
{
    if (!net || fd < 0)
        return;
    for (struct msim_watch *watch = net->watches; watch; watch = watch->next) {
        if (watch->ready.fd != fd)
            continue;
        msim_net_poll(net, EPOLL_CTL_DEL, &watch->ready, 0);
        watch->ready.fd = -1;
        net->has_dead = true;
    }
    if (!net->in_turn)
        sweep(net);
}

/* ---- the turn ---- */

static void serve(struct msim_net *net, struct msim_ready *ready, uint32_t events)
{
    if (ready->fd < 0)
        return;
    switch (ready->kind) {
    case MSIM_READY_TIMER: /* what is due is found out below */
        break;
    case MSIM_READY_DOOR:
        msim_listener_ready(net, ready);
        break;
    case MSIM_READY_CONNECTION:
        msim_connection_ready((struct msim_connection *)ready, events);
        break;
    case MSIM_READY_WATCH: {
        struct msim_watch *watch = (struct msim_watch *)ready;
        watch->function(watch->context, ready->fd);
        break;
    }
    }
}

static int expire(struct msim_net *net)
{
    struct msim_timer *timer;
    int count = 0;

    while ((timer = msim_wheel_pop(&net->wheel, net->heard))) {
        msim_connection_expired(msim_connection_of_timer(timer));
        count++;
    }
    if (net->accept_again <= net->now)
        msim_listeners_resume(net);
    msim_dialers_dial(net);
    return count;
}

/*
 * Nobody is judged for his silence before what he said was read: after a pause of the machine there
 * may be more to read than one turn serves, and epoll gives those whose turn it is in order.
 * `began` is a moment before the wait whose outcome is `count`.
 */
static void note_heard(struct msim_net *net, int count, msim_time began)
{
    if (count < MSIM_NET_EVENTS) {
        net->heard = began;
        net->full_turns = 0;
        return;
    }
    if (net->full_turns++ == 0)
        net->full_since = began;
    if (net->full_turns > net->connection_count / MSIM_NET_EVENTS + 1) {
        net->heard = net->full_since;
        net->full_turns = 0;
    }
}

int msim_net_dispatch(struct msim_net *net, int timeout_ms)
{
    struct epoll_event events[MSIM_NET_EVENTS];

    if (!net)
        return MSIM_ERR_INVALID;
    if (net->in_turn)
        return MSIM_ERR_STATE;

    int count =
        epoll_wait(net->epoll_fd, events, MSIM_NET_EVENTS, work_waits(net) ? 0 : timeout_ms);
    if (count < 0 && errno != EINTR)
        return MSIM_ERR_IO;
    if (count < 0)
        count = 0;

    net->in_turn = true;
    note_heard(net, count, net->now);
    net->now = msim_clock();
    for (int i = 0; i < count; i++)
        serve(net, events[i].data.ptr, events[i].events);
    count += expire(net);
    msim_connections_resume(net);
    msim_cuts_release(net);
    net->wanted = net->turn ? net->turn(net->context, net->now) : MSIM_TIME_NEVER;
    msim_hub_flush(net);
    msim_connections_flush(net);
    msim_hub_drained(net);
    msim_connections_farewell(net);
    sweep(net);
    net->in_turn = false;

    arm(net, next_moment(net), net->now);
    return count;
}

/* ---- life ---- */

static int net_open(struct msim_net *net, struct msim_detail *detail)
{
    char words[MSIM_ERROR_TEXT];
    unsigned char nonce[16];

    net->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (net->epoll_fd >= 0)
        net->timer.fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (net->epoll_fd < 0 || net->timer.fd < 0 ||
        msim_net_poll(net, EPOLL_CTL_ADD, &net->timer, EPOLLIN) < 0)
        return msim_detail_set(detail, MSIM_ERR_IO, "cannot create an event loop: %s",
                               msim_error_text(words, errno));
    if (!msim_net_random(net, nonce, sizeof nonce))
        return msim_detail_set(detail, MSIM_ERR_IO, "the system has no random bytes: %s",
                               msim_error_text(words, errno));
    return MSIM_OK;
}

int msim_net_create(struct msim_net **out, const struct msim_net_params *params,
                    struct msim_detail *detail)
{
    if (!out || !params || params->size != sizeof *params)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "the parameters are not from MSIM_NET_PARAMS_INIT");

    struct msim_allocator allocator = msim_mem_allocator(params->allocator);
    struct msim_net *net = msim_mem_zero(&allocator, sizeof *net);
    if (!net)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "out of memory");
    net->allocator = allocator;
    net->logger = msim_log_logger(params->logger);
    net->turn = params->turn;
    net->context = params->context;
    net->max_connections =
        params->max_connections > 0 ? params->max_connections : DEFAULT_CONNECTIONS;
    net->timer = (struct msim_ready){MSIM_READY_TIMER, -1};
    net->armed = net->accept_again = MSIM_TIME_NEVER;
    net->dirty_end = &net->dirty;
    net->ended_end = &net->ended;
    net->resumed_end = &net->resumed;
    msim_framer_pool_init(&net->framers, &allocator);
    msim_deflate_pool_init(&net->deflate, &allocator);
    msim_wheel_init(&net->wheel, msim_clock());

    int r = net_open(net, detail);
    if (r < 0) {
        msim_net_destroy(&net);
        return r;
    }
    /* The first turn comes at once: `turn` has not said yet when it wants to run. */
    net->wanted = net->turn ? 0 : MSIM_TIME_NEVER;
    msim_net_poke(net);
    *out = net;
    return MSIM_OK;
}

void msim_net_lend(struct msim_net *net, struct msim_bytes *empty)
{
    assert(msim_bytes_length(empty) == 0);
    if (!empty->memory || empty->capacity > MSIM_NET_SPARE_BYTES ||
        net->spare_count == MSIM_NET_SPARES)
        return;
    net->spares[net->spare_count++] = *empty;
    empty->memory = NULL;
    empty->capacity = empty->start = empty->end = 0;
}

void msim_net_borrow(struct msim_net *net, struct msim_bytes *bytes)
{
    if (bytes->memory || net->spare_count == 0 ||
        net->spares[net->spare_count - 1].capacity > bytes->limit)
        return;
    const struct msim_bytes *spare = &net->spares[--net->spare_count];
    bytes->memory = spare->memory;
    bytes->capacity = spare->capacity;
}

void msim_net_destroy(struct msim_net **handle)
{
    struct msim_net *net = handle ? *handle : NULL;
    if (!net)
        return;

    assert(!net->in_turn);
    *handle = NULL;
    net->is_ending = true;
    msim_listeners_finish(net);
    msim_connections_finish(net);
    msim_hub_finish(net);
    msim_dialers_finish(net);
    while (net->watches) {
        struct msim_watch *watch = net->watches;
        net->watches = watch->next;
        msim_mem_free(&net->allocator, watch, sizeof *watch);
    }
    while (net->spare_count > 0)
        msim_bytes_finish(&net->spares[--net->spare_count]);
    msim_framer_pool_finish(&net->framers);
    msim_deflate_pool_finish(&net->deflate);
    msim_tls_destroy(&net->trust);
    msim_mem_free(&net->allocator, net->tls_buffers, sizeof *net->tls_buffers);
    if (net->timer.fd >= 0)
        close(net->timer.fd);
    if (net->epoll_fd >= 0)
        close(net->epoll_fd);
    struct msim_allocator allocator = net->allocator;
    msim_mem_free(&allocator, net, sizeof *net);
}

int msim_net_fd(const struct msim_net *net)
{
    return net ? net->epoll_fd : MSIM_ERR_INVALID;
}

void msim_net_stats(const struct msim_net *net, struct msim_net_stats *out)
{
    if (!net || !out)
        return;
    *out = net->stats;
    out->connections = net->connection_count;
}
