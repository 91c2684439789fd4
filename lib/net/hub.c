/*
 * A connection's side of topics: its positions, one write of all that waits, and what becomes of
 * it where it reads slowly.
 */
#define _GNU_SOURCE /* sockets */
#include "net/subscription.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/log.h"
#include "base/mem.h"
#include "net/impair.h"
#include "net/link.h"

/* Compressed bytes that wait for the next write, beside the frame that reaches beyond. */
#define PACKED_AHEAD ((size_t)32 << 10)

/* One write carries so many pieces; what lies beyond goes with the next. */
#define WRITE_PARTS 64

/* The latest messages go out in portions: those that change meanwhile go as they are then. */
#define PORTION_BYTES ((size_t)16 << 10)

/* ---- a connection's positions ---- */

size_t msim_hub_pending(const struct msim_connection *connection)
{
    size_t sum = 0;

    for (const struct msim_subscription *at = connection->subscriptions; at; at = at->next)
        sum += msim_subscription_behind(at);
    return sum;
}

size_t msim_subscription_low_mark(const struct msim_subscription *subscription)
{
    size_t low = subscription->connection->endpoint->limits.low_water_bytes;
    size_t share = subscription->topic->max_run_bytes / 4;

    return low < share ? low : share;
}

static void note_room(struct msim_subscription *subscription)
{
    if (!subscription->is_full ||
        msim_subscription_behind(subscription) > msim_subscription_low_mark(subscription))
        return;
    subscription->is_full = false;
    subscription->topic->full--;
}

static void advance(struct msim_subscription *subscription, size_t size)
{
    msim_position_advance(&subscription->position, &subscription->topic->run, size);
    note_room(subscription);
}

void msim_subscription_drop(struct msim_subscription *subscription)
{
    const unsigned char *bytes;

    size_t size = msim_position_frame(&subscription->position, &subscription->topic->run, &bytes);
    advance(subscription, size);
    subscription->dropped++;
    subscription->topic->stats.dropped++;
    subscription->topic->net->stats.dropped++;
}

static void note_slow(const struct msim_subscription *subscription)
{
    const struct msim_connection *connection = subscription->connection;

    subscription->topic->stats.disconnected++;
    subscription->topic->net->stats.slow++;
    msim_log(&connection->net->logger, MSIM_LOG_WARNING, "net", "%s reads too slowly: closed",
             connection->peer);
}

/* `size` bytes before the position have left: the rest of a frame that is cut goes into `out`. */
static int advance_cut(struct msim_subscription *subscription, size_t size)
{
    struct msim_connection *connection = subscription->connection;
    const unsigned char *bytes;

    while (size > 0) {
        size_t frame =
            msim_position_frame(&subscription->position, &subscription->topic->run, &bytes);
        size_t left = frame > size ? frame - size : 0;
        int r = msim_bytes_append(&connection->out, bytes + size, left);
        if (r == MSIM_ERR_LIMIT)
            note_slow(subscription); /* longer than its bound, and not taken at once */
        if (r < 0)
            return r;
        connection->queued += frame;
        advance(subscription, frame);
        size -= frame - left;
    }
    return MSIM_OK;
}

static int took(struct msim_connection *connection, size_t size)
{
    size_t own = msim_bytes_length(&connection->out);

    if (own > size)
        own = size;
    msim_bytes_take(&connection->out, own);
    size -= own;
    for (struct msim_subscription *at = connection->subscriptions; at && size > 0; at = at->next) {
        size_t waiting = msim_subscription_behind(at);
        if (waiting == 0)
            continue;
        if (waiting > size)
            return advance_cut(at, size);
        advance(at, waiting);
        connection->queued += waiting;
        size -= waiting;
    }
    return MSIM_OK;
}

/* ---- the latest of each key ---- */

void msim_subscription_conflate(struct msim_subscription *subscription)
{
    struct msim_topic *topic = subscription->topic;
    struct msim_position *position = &subscription->position;
    const unsigned char *bytes;
    uint64_t count = 0;

    while (msim_subscription_behind(subscription) > 0) {
        advance(subscription, msim_position_frame(position, &topic->run, &bytes));
        count++;
    }
    msim_position_leave(position, &topic->run);
    subscription->is_conflated = true;
    subscription->number = topic->stats.messages - count;
    subscription->connection->conflated++;
    msim_connection_touch(subscription->connection);
}

static void skip_to(struct msim_subscription *subscription, uint64_t number)
{
    uint64_t count = number - subscription->number;

    subscription->dropped += count;
    subscription->topic->stats.conflated += count;
    subscription->number = number;
}

static void rejoin(struct msim_subscription *subscription)
{
    skip_to(subscription, subscription->topic->stats.messages);
    msim_position_enter(&subscription->position, &subscription->topic->run);
    subscription->is_conflated = false;
    subscription->connection->conflated--;
}

/* A portion of the latest messages goes into `out`; who has got all is in the run again. */
static int catch_up(struct msim_subscription *subscription)
{
    struct msim_connection *connection = subscription->connection;
    const struct msim_topic *topic = subscription->topic;
    const struct msim_latest_item *item = msim_latest_from(&topic->latest, subscription->number);
    size_t bound = connection->endpoint->limits.max_backlog_bytes;
    size_t waiting = msim_connection_waiting(connection);
    size_t most = bound < PORTION_BYTES ? bound : PORTION_BYTES;

    for (; item; item = item->newer) {
        if (waiting > 0 && waiting + item->size > most)
            return MSIM_OK;
        int r = msim_bytes_append(&connection->out, item->frame, item->size);
        if (r < 0 && r != MSIM_ERR_LIMIT)
            return r;
        skip_to(subscription, item->number);
        if (r == MSIM_ERR_LIMIT)
            continue; /* longer than its bound: it is left out */
        subscription->number++;
        connection->queued += item->size;
        waiting += item->size;
    }
    rejoin(subscription);
    return MSIM_OK;
}

static int catch_all_up(struct msim_connection *connection)
{
    for (struct msim_subscription *at = connection->subscriptions; at; at = at->next) {
        int r = at->is_conflated ? catch_up(at) : MSIM_OK;
        if (r < 0)
            return r;
    }
    return MSIM_OK;
}

/* ---- writing ---- */

static size_t gather(const struct msim_connection *connection, struct iovec *parts, size_t *total)
{
    size_t count = 0;

    *total = 0;
    bool has_own = msim_bytes_length(&connection->out) > 0;
    if (has_own)
        parts[count++] = (struct iovec){(void *)(uintptr_t)msim_bytes_front(&connection->out),
                                        msim_bytes_length(&connection->out)};
    /* What is not packed yet waits for what is. */
    const struct msim_subscription *at =
        has_own && connection->ws.deflate ? NULL : connection->subscriptions;
    for (; at; at = at->next)
        if (msim_subscription_behind(at) > 0)
            count += msim_position_parts(&at->position, parts + count, WRITE_PARTS - count);
    for (size_t i = 0; i < count; i++)
        *total += parts[i].iov_len;
    return count;
}

/*
 * Compressed messages are a client's own, or at least not the run's: what lies before its positions
 * goes into `out`, so much that a write has enough to carry.  A frame for which there is no room
 * leaves as it is.
 */
static int pack_until(struct msim_subscription *subscription, size_t enough)
{
    struct msim_connection *connection = subscription->connection;

    while (msim_subscription_behind(subscription) > 0 &&
           msim_bytes_length(&connection->out) < enough) {
        const unsigned char *bytes;
        size_t size =
            msim_position_frame(&subscription->position, &subscription->topic->run, &bytes);
        int r = connection->ws.deflate->terms.keeps_context
                    ? msim_channel_pack(connection, bytes, size)
                    : msim_packed_append(&subscription->topic->packed, subscription->position.at,
                                         connection, bytes, size);
        if (r < 0)
            return r;
        advance(subscription, size);
    }
    return MSIM_OK;
}

static int pack_pending(struct msim_connection *connection)
{
    int r = MSIM_OK;

    for (struct msim_subscription *at = connection->subscriptions; at && r == MSIM_OK;
         at = at->next)
        r = pack_until(at, PACKED_AHEAD);
    return r == MSIM_ERR_LIMIT ? MSIM_OK : r;
}

enum msim_written msim_hub_write(struct msim_connection *connection, size_t *sent)
{
    struct iovec parts[WRITE_PARTS];
    size_t total;
    size_t count;

    *sent = 0;
    if (connection->cuts) {
        enum msim_written written = msim_cuts_write(connection, sent);
        if (written != MSIM_WRITTEN_ALL)
            return written;
    }
    for (;;) {
        if (connection->conflated > 0 && catch_all_up(connection) < 0)
            return MSIM_WRITTEN_BROKEN;
        if (connection->ws.deflate && pack_pending(connection) < 0)
            return MSIM_WRITTEN_BROKEN;
        count = gather(connection, parts, &total);
        if (count == 0)
            return MSIM_WRITTEN_ALL;
        ssize_t taken = msim_link_write(connection, parts, count);
        if (taken < 0)
            return errno == EAGAIN || errno == EINTR || errno == ENOBUFS ? MSIM_WRITTEN_PART
                                                                         : MSIM_WRITTEN_BROKEN;
        *sent += (size_t)taken;
        if (took(connection, (size_t)taken) < 0)
            return MSIM_WRITTEN_BROKEN;
        if ((size_t)taken < total)
            return MSIM_WRITTEN_PART;
        if (count < WRITE_PARTS && connection->conflated == 0 &&
            !(connection->ws.deflate && msim_hub_pending(connection) > 0))
            return MSIM_WRITTEN_ALL;
    }
}

/* ---- leaving ---- */

void msim_subscription_take_out(struct msim_subscription *subscription)
{
    struct msim_topic *topic = subscription->topic;

    if (subscription->is_full)
        topic->full--;
    if (subscription->is_conflated)
        subscription->connection->conflated--;
    else
        msim_position_leave(&subscription->position, &topic->run);
    topic->stats.subscribers--;
    if (topic->in_pass) {
        topic->subscribers[subscription->place] = NULL;
        topic->has_gaps = true;
    } else {
        struct msim_subscription *last = topic->subscribers[--topic->count];
        topic->subscribers[subscription->place] = last;
        last->place = subscription->place;
    }
    msim_mem_free(&topic->net->allocator, subscription, sizeof *subscription);
}

void msim_hub_leave(struct msim_connection *connection)
{
    struct msim_subscription *next = connection->subscriptions;

    connection->subscriptions = NULL;
    while (next) {
        struct msim_subscription *subscription = next;
        next = subscription->next;
        msim_subscription_take_out(subscription);
    }
}

/* ---- the slow ---- */

void msim_subscription_disconnect(struct msim_subscription *subscription)
{
    struct msim_connection *connection = subscription->connection;

    note_slow(subscription);
    msim_hub_leave(connection);
    msim_connection_close(connection, MSIM_CLOSE_TRY_LATER, "reading too slowly");
}

/* Its oldest messages are let go, where the topics allow it, until no more than `bound` waits. */
static void give_way(struct msim_connection *connection, size_t bound)
{
    size_t waiting = msim_connection_waiting(connection);

    for (struct msim_subscription *at = connection->subscriptions; at && waiting > bound;
         at = at->next) {
        size_t others = waiting - msim_subscription_behind(at);
        if (at->topic->policy == MSIM_SLOW_CONFLATE && msim_subscription_behind(at) > 0)
            msim_subscription_conflate(at);
        else if (at->topic->policy == MSIM_SLOW_DROP)
            while (msim_subscription_behind(at) > 0 &&
                   others + msim_subscription_behind(at) > bound)
                msim_subscription_drop(at);
        waiting = others + msim_subscription_behind(at);
    }
}

void msim_hub_judge(struct msim_connection *connection)
{
    size_t bound = connection->endpoint->limits.max_backlog_bytes;

    if (!connection->subscriptions || msim_connection_waiting(connection) <= bound)
        return;
    give_way(connection, bound);
    if (msim_connection_waiting(connection) <= bound)
        return;
    for (struct msim_subscription *at = connection->subscriptions; at; at = at->next) {
        if (at->topic->policy != MSIM_SLOW_DISCONNECT || msim_subscription_behind(at) == 0)
            continue;
        msim_subscription_disconnect(at);
        return;
    }
}

static int append_whole(struct msim_subscription *subscription)
{
    struct msim_connection *connection = subscription->connection;
    struct iovec part;

    while (msim_subscription_behind(subscription) > 0 &&
           msim_position_parts(&subscription->position, &part, 1) > 0) {
        int r = msim_bytes_append(&connection->out, part.iov_base, part.iov_len);
        if (r < 0)
            return r;
        connection->queued += part.iov_len;
        advance(subscription, part.iov_len);
    }
    return MSIM_OK;
}

static int append_pending(struct msim_connection *connection)
{
    for (struct msim_subscription *at = connection->subscriptions; at; at = at->next) {
        int r = connection->ws.deflate ? pack_until(at, SIZE_MAX) : MSIM_OK;
        if (r == MSIM_OK || r == MSIM_ERR_LIMIT)
            r = append_whole(at);
        if (r < 0)
            return r;
    }
    return MSIM_OK;
}

/* More than fits has come within one turn: nobody is slow before he had his write. */
static int write_or_judge(struct msim_connection *connection, size_t bound)
{
    size_t sent;
    bool is_stuck = connection->is_blocked || msim_connection_is_held(connection);
    enum msim_written written = is_stuck ? MSIM_WRITTEN_PART : msim_hub_write(connection, &sent);

    if (written == MSIM_WRITTEN_BROKEN)
        msim_connection_end(connection);
    else
        give_way(connection, bound);
    if (connection->state == MSIM_OPEN)
        msim_hub_judge(connection);
    if (connection->state != MSIM_OPEN)
        return MSIM_ERR_CLOSED;
    if (msim_connection_waiting(connection) <= bound)
        return MSIM_OK;
    connection->is_above = true;
    return MSIM_ERR_LIMIT;
}

int msim_hub_settle(struct msim_connection *connection, size_t size)
{
    size_t bound = connection->endpoint->limits.max_backlog_bytes - size;

    if (msim_hub_pending(connection) == 0)
        return MSIM_OK;
    if (msim_connection_waiting(connection) > bound) {
        int r = write_or_judge(connection, bound);
        if (r < 0)
            return r;
    }
    return append_pending(connection);
}
