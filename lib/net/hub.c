#define _GNU_SOURCE /* sockets */
#include "net/hub.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/log.h"
#include "base/mem.h"
#include "net/frame.h"
#include "net/impair.h"
#include "net/link.h"

#define DEFAULT_RUN_BYTES ((size_t)4 << 20)
#define LEAST_RUN_BYTES ((size_t)4 << 10)
#define BLOCK_BYTES ((size_t)64 << 10)

#define DEFAULT_KEYS 4096

/* Compressed bytes that wait for the next write, beside the frame that reaches beyond. */
#define PACKED_AHEAD ((size_t)32 << 10)

/* One write carries so many pieces; what lies beyond goes with the next. */
#define WRITE_PARTS 64

/* The latest messages go out in portions: those that change meanwhile go as they are then. */
#define PORTION_BYTES ((size_t)16 << 10)

/* ---- a connection's positions ---- */

static size_t behind(const struct msim_subscription *subscription)
{
    if (subscription->is_conflated)
        return 0;
    return msim_position_behind(&subscription->position, &subscription->topic->run);
}

size_t msim_hub_pending(const struct msim_connection *connection)
{
    size_t sum = 0;

    for (const struct msim_subscription *at = connection->subscriptions; at; at = at->next)
        sum += behind(at);
    return sum;
}

/* With no more than this before it, a subscriber holds nobody up. */
static size_t low_mark(const struct msim_subscription *subscription)
{
    size_t low = subscription->connection->endpoint->limits.low_water_bytes;
    size_t share = subscription->topic->max_run_bytes / 4;

    return low < share ? low : share;
}

static void note_room(struct msim_subscription *subscription)
{
    if (!subscription->is_full || behind(subscription) > low_mark(subscription))
        return;
    subscription->is_full = false;
    subscription->topic->full--;
}

static void advance(struct msim_subscription *subscription, size_t size)
{
    msim_position_advance(&subscription->position, &subscription->topic->run, size);
    note_room(subscription);
}

static void drop_frame(struct msim_subscription *subscription)
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
        size_t waiting = behind(at);
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

static void conflate(struct msim_subscription *subscription)
{
    struct msim_topic *topic = subscription->topic;
    struct msim_position *position = &subscription->position;
    const unsigned char *bytes;
    uint64_t count = 0;

    while (behind(subscription) > 0) {
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
        if (behind(at) > 0)
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

    while (behind(subscription) > 0 && msim_bytes_length(&connection->out) < enough) {
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

static void take_out(struct msim_subscription *subscription)
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
        take_out(subscription);
    }
}

static struct msim_subscription **find(const struct msim_topic *topic,
                                       struct msim_connection *connection)
{
    struct msim_subscription **link = &connection->subscriptions;

    while (*link && (*link)->topic != topic)
        link = &(*link)->next;
    return link;
}

/* ---- the slow ---- */

static void disconnect(struct msim_subscription *subscription)
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
        size_t others = waiting - behind(at);
        if (at->topic->policy == MSIM_SLOW_CONFLATE && behind(at) > 0)
            conflate(at);
        else if (at->topic->policy == MSIM_SLOW_DROP)
            while (behind(at) > 0 && others + behind(at) > bound)
                drop_frame(at);
        waiting = others + behind(at);
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
        if (at->topic->policy != MSIM_SLOW_DISCONNECT || behind(at) == 0)
            continue;
        disconnect(at);
        return;
    }
}

static int append_whole(struct msim_subscription *subscription)
{
    struct msim_connection *connection = subscription->connection;
    struct iovec part;

    while (behind(subscription) > 0 && msim_position_parts(&subscription->position, &part, 1) > 0) {
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

/* ---- the end of a turn ---- */

static void close_gaps(struct msim_topic *topic)
{
    size_t count = 0;

    for (size_t i = 0; i < topic->count; i++) {
        struct msim_subscription *subscription = topic->subscribers[i];
        if (!subscription)
            continue;
        subscription->place = count;
        topic->subscribers[count++] = subscription;
    }
    topic->count = count;
    topic->has_gaps = false;
}

static void pass(struct msim_topic *topic)
{
    size_t count = topic->count;
    size_t place = topic->first < count ? topic->first : 0;
    bool is_behind = false;

    topic->is_new = false;
    topic->in_pass = true;
    for (size_t i = 0; i < count; i++) {
        const struct msim_subscription *subscription = topic->subscribers[place];
        /* Another topic's pass may have sent it already. */
        if (subscription && behind(subscription) > 0)
            msim_connection_flush(subscription->connection);
        subscription = topic->subscribers[place];
        is_behind |= subscription && behind(subscription) > 0;
        place = place + 1 < count ? place + 1 : 0;
    }
    topic->in_pass = false;
    topic->first = place + 1;
    if (topic->has_gaps)
        close_gaps(topic);
    if (!is_behind && !topic->is_new)
        msim_run_rewind(&topic->run);
}

static void free_topic(struct msim_topic *topic)
{
    struct msim_allocator allocator = topic->net->allocator;

    assert(topic->count == 0);
    *topic->link = topic->next;
    if (topic->next)
        topic->next->link = topic->link;
    msim_run_finish(&topic->run);
    msim_latest_finish(&topic->latest);
    msim_packed_finish(&topic->packed, &allocator);
    msim_mem_free(&allocator, topic->subscribers,
                  topic->capacity * sizeof(struct msim_subscription *));
    msim_mem_free(&allocator, topic, sizeof *topic);
}

void msim_hub_flush(struct msim_net *net)
{
    struct msim_topic *next;

    if (!net->is_published)
        return;
    net->is_published = false;
    for (struct msim_topic *topic = net->topics; topic; topic = next) {
        if (topic->is_new && !topic->is_dead)
            pass(topic);
        next = topic->next;
        if (topic->is_dead)
            free_topic(topic);
    }
}

static void tell_drained(struct msim_topic *topic)
{
    topic->is_refused = false;
    msim_net_wake(topic->net);
    if (!topic->drained)
        return;
    topic->in_pass = true; /* it must be there yet when the call returns */
    topic->drained(topic->context, topic);
    topic->in_pass = false;
    if (topic->has_gaps)
        close_gaps(topic);
}

void msim_hub_drained(struct msim_net *net)
{
    struct msim_topic *next;

    if (!net->is_topic_refused)
        return;
    net->is_topic_refused = false;
    for (struct msim_topic *topic = net->topics; topic; topic = next) {
        if (topic->is_refused && topic->full == 0 && !topic->is_dead)
            tell_drained(topic);
        net->is_topic_refused |= topic->is_refused;
        next = topic->next;
        if (topic->is_dead)
            free_topic(topic);
    }
}

void msim_hub_finish(struct msim_net *net)
{
    while (net->topics)
        free_topic(net->topics);
}

/* ---- publishing ---- */

struct message {
    uint64_t key;
    enum msim_message_kind kind;
    const void *bytes;
    size_t length;
};

/* So much may be published before somebody can have more than his bound before him. */
static void measure_room(struct msim_topic *topic)
{
    topic->room = topic->least_bound = SIZE_MAX;
    for (size_t i = 0; i < topic->count; i++) {
        const struct msim_subscription *at = topic->subscribers[i];
        if (!at)
            continue;
        size_t bound = at->connection->endpoint->limits.max_backlog_bytes;
        size_t room = bound > behind(at) ? bound - behind(at) : 0;
        if (room < topic->room)
            topic->room = room;
        if (bound < topic->least_bound)
            topic->least_bound = bound;
    }
}

static int refuse(struct msim_topic *topic, size_t size)
{
    for (size_t i = 0; i < topic->count; i++) {
        struct msim_subscription *at = topic->subscribers[i];
        if (!at || at->is_full)
            continue;
        size_t bound = at->connection->endpoint->limits.max_backlog_bytes;
        if (behind(at) > low_mark(at) || (behind(at) > 0 && behind(at) + size > bound)) {
            at->is_full = true;
            topic->full++;
        }
    }
    topic->is_refused = topic->net->is_topic_refused = true;
    return MSIM_ERR_LIMIT;
}

/* Those who stand in the first block are the slowest. */
static void cut_slowest(struct msim_topic *topic)
{
    const struct msim_block *head = topic->run.head;
    uint64_t end = head->base + head->length;

    for (size_t i = topic->count; i-- > 0;) {
        struct msim_subscription *at = topic->subscribers[i];
        if (!at || at->is_conflated || at->position.at >= end)
            continue;
        if (topic->policy == MSIM_SLOW_DISCONNECT)
            disconnect(at);
        else if (topic->policy == MSIM_SLOW_CONFLATE)
            conflate(at);
        else
            while (at->position.at < end)
                drop_frame(at);
    }
}

/* Those who have read a block's last byte may still stand there. */
static void settle_positions(struct msim_topic *topic)
{
    for (size_t i = 0; i < topic->count; i++)
        if (topic->subscribers[i] && !topic->subscribers[i]->is_conflated)
            msim_position_advance(&topic->subscribers[i]->position, &topic->run, 0);
}

/* Room in the run for a frame. */
static int make_room(struct msim_topic *topic, size_t size)
{
    if (topic->policy == MSIM_SLOW_WAIT && size > topic->room) {
        measure_room(topic);
        if (size > topic->least_bound)
            return MSIM_ERR_INVALID;
        if (size > topic->room)
            return refuse(topic, size);
    }
    if (msim_run_kept(&topic->run) + size <= topic->max_run_bytes)
        return MSIM_OK;
    if (topic->in_pass)
        return refuse(topic, size);
    pass(topic);
    settle_positions(topic);
    while (msim_run_kept(&topic->run) + size > topic->max_run_bytes) {
        if (topic->policy == MSIM_SLOW_WAIT)
            return refuse(topic, size);
        if (topic->run.head == topic->run.tail)
            break;
        cut_slowest(topic);
        settle_positions(topic);
    }
    return MSIM_OK;
}

/* The frame behind all others, and as the latest of its key. */
static int append(struct msim_topic *topic, const struct message *message)
{
    size_t length = message->length;
    unsigned char *room = msim_run_reserve(&topic->run, length + MSIM_FRAME_HEAD_MAX);
    if (!room)
        return MSIM_ERR_NOMEM;
    size_t size = msim_frame_write_head(room, (enum msim_opcode)message->kind, length);
    if (length > 0)
        memcpy(room + size, message->bytes, length);
    size += length;
    if (topic->policy == MSIM_SLOW_CONFLATE) {
        int r = msim_latest_put(&topic->latest, message->key, topic->stats.messages, room, size);
        if (r < 0)
            return r;
    }
    msim_run_commit(&topic->run, size);
    topic->room -= size < topic->room ? size : topic->room;
    topic->stats.messages++;
    return MSIM_OK;
}

static int publish(struct msim_topic *topic, const struct message *message)
{
    if (!topic || topic->is_dead || (!message->bytes && message->length > 0) ||
        (message->kind != MSIM_MESSAGE_TEXT && message->kind != MSIM_MESSAGE_BINARY) ||
        message->length > topic->max_run_bytes / 2 - MSIM_FRAME_HEAD_SIZE)
        return MSIM_ERR_INVALID;
    if (topic->stats.subscribers == 0) {
        topic->stats.messages++;
        return MSIM_OK;
    }
    int r = make_room(topic, message->length + MSIM_FRAME_HEAD_SIZE);
    if (r >= 0)
        r = append(topic, message);
    if (r < 0)
        return r;
    if (!topic->is_new) {
        topic->is_new = topic->net->is_published = true;
        msim_net_poke(topic->net);
    }
    return MSIM_OK;
}

int msim_topic_publish(struct msim_topic *topic, enum msim_message_kind kind, const void *bytes,
                       size_t length)
{
    if (topic && topic->policy == MSIM_SLOW_CONFLATE)
        return MSIM_ERR_INVALID;
    return publish(topic, &(struct message){.kind = kind, .bytes = bytes, .length = length});
}

int msim_topic_publish_keyed(struct msim_topic *topic, uint64_t key, enum msim_message_kind kind,
                             const void *bytes, size_t length)
{
    return publish(topic, &(struct message){key, kind, bytes, length});
}

/* ---- subscribing ---- */

static int check(const struct msim_topic *topic, struct msim_connection *connection)
{
    size_t count = 0;

    if (!topic || topic->is_dead || !connection || connection->net != topic->net ||
        connection->ws.role != MSIM_WS_SERVER)
        return MSIM_ERR_INVALID;
    if (connection->state != MSIM_OPEN)
        return connection->state < MSIM_OPEN ? MSIM_ERR_STATE : MSIM_ERR_CLOSED;
    if (*find(topic, connection))
        return MSIM_ERR_EXISTS;
    for (const struct msim_subscription *at = connection->subscriptions; at; at = at->next)
        count++;
    return count < MSIM_SUBSCRIPTIONS_MAX ? MSIM_OK : MSIM_ERR_LIMIT;
}

int msim_topic_subscribe(struct msim_topic *topic, struct msim_connection *connection)
{
    int r = check(topic, connection);
    if (r < 0)
        return r;

    struct msim_net *net = topic->net;
    void *subscribers = topic->subscribers;
    r = msim_mem_grow(&net->allocator, &subscribers, &topic->capacity, sizeof *topic->subscribers,
                      topic->count + 1, SIZE_MAX / sizeof *topic->subscribers);
    if (r < 0)
        return r;
    topic->subscribers = subscribers;
    struct msim_subscription *subscription = msim_mem_zero(&net->allocator, sizeof *subscription);
    if (!subscription)
        return MSIM_ERR_NOMEM;
    *subscription =
        (struct msim_subscription){.topic = topic, .connection = connection, .place = topic->count};
    msim_position_enter(&subscription->position, &topic->run);
    *find(topic, connection) = subscription;
    topic->subscribers[topic->count++] = subscription;
    topic->stats.subscribers++;
    size_t bound = connection->endpoint->limits.max_backlog_bytes;
    if (bound < topic->room)
        topic->room = bound;
    return MSIM_OK;
}

int msim_topic_unsubscribe(struct msim_topic *topic, struct msim_connection *connection)
{
    if (!topic || !connection)
        return MSIM_ERR_INVALID;
    if (!*find(topic, connection))
        return MSIM_ERR_NOT_FOUND;
    int r = msim_hub_settle(connection, 0);
    if (r < 0 && r != MSIM_ERR_CLOSED)
        return r;
    msim_connection_touch(connection);
    struct msim_subscription **link = find(topic, connection);
    struct msim_subscription *subscription = *link;
    if (!subscription)
        return MSIM_OK; /* closed for being slow */
    *link = subscription->next;
    take_out(subscription);
    return MSIM_OK;
}

uint64_t msim_topic_dropped(const struct msim_topic *topic,
                            const struct msim_connection *connection)
{
    if (!topic || !connection)
        return 0;
    for (const struct msim_subscription *at = connection->subscriptions; at; at = at->next)
        if (at->topic == topic)
            return at->dropped;
    return 0;
}

/* ---- life ---- */

int msim_topic_create(struct msim_net *net, struct msim_topic **out,
                      const struct msim_topic_params *params)
{
    if (!net || !out || !params || params->size != sizeof *params ||
        params->policy > MSIM_SLOW_CONFLATE ||
        (params->max_run_bytes > 0 && params->max_run_bytes < LEAST_RUN_BYTES))
        return MSIM_ERR_INVALID;

    struct msim_topic *topic = msim_mem_zero(&net->allocator, sizeof *topic);
    if (!topic)
        return MSIM_ERR_NOMEM;
    topic->net = net;
    topic->policy = params->policy;
    topic->max_run_bytes = params->max_run_bytes > 0 ? params->max_run_bytes : DEFAULT_RUN_BYTES;
    topic->room = SIZE_MAX;
    msim_latest_init(&topic->latest, params->max_keys > 0 ? params->max_keys : DEFAULT_KEYS,
                     topic->max_run_bytes, &net->allocator);
    topic->drained = params->drained;
    topic->context = params->context;
    size_t block = topic->max_run_bytes / 4;
    int r = msim_run_init(&topic->run, block < BLOCK_BYTES ? block : BLOCK_BYTES, &net->allocator);
    if (r < 0) {
        msim_mem_free(&net->allocator, topic, sizeof *topic);
        return r;
    }
    topic->next = net->topics;
    topic->link = &net->topics;
    if (topic->next)
        topic->next->link = &topic->next;
    net->topics = topic;
    *out = topic;
    return MSIM_OK;
}

void msim_topic_destroy(struct msim_topic **handle)
{
    struct msim_topic *topic = handle ? *handle : NULL;
    if (!topic)
        return;

    *handle = NULL;
    topic->is_dead = true;
    for (size_t i = topic->count; i-- > 0;) {
        if (!topic->subscribers[i])
            continue;
        struct msim_connection *connection = topic->subscribers[i]->connection;
        /* One for whom there is no memory would miss messages without knowing it. */
        if (msim_topic_unsubscribe(topic, connection) < 0)
            msim_connection_abort(connection);
    }
    if (topic->in_pass)
        topic->net->is_published = true; /* freed by the flush that is under way, or the next */
    else
        free_topic(topic);
}

void msim_topic_stats(const struct msim_topic *topic, struct msim_topic_stats *out)
{
    if (!topic || !out)
        return;
    *out = topic->stats;
    out->run_bytes = msim_run_kept(&topic->run);
}
