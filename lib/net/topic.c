/*
 * A topic's side: what is published, who hears it, and the pass at the end of a turn.
 */
#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "net/frame.h"
#include "net/subscription.h"

#define DEFAULT_RUN_BYTES ((size_t)4 << 20)
#define LEAST_RUN_BYTES ((size_t)4 << 10)
#define BLOCK_BYTES ((size_t)64 << 10)

#define DEFAULT_KEYS 4096

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
        if (subscription && msim_subscription_behind(subscription) > 0)
            msim_connection_flush(subscription->connection);
        subscription = topic->subscribers[place];
        is_behind |= subscription && msim_subscription_behind(subscription) > 0;
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
        size_t room =
            bound > msim_subscription_behind(at) ? bound - msim_subscription_behind(at) : 0;
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
        if (msim_subscription_behind(at) > msim_subscription_low_mark(at) ||
            (msim_subscription_behind(at) > 0 && msim_subscription_behind(at) + size > bound)) {
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
            msim_subscription_disconnect(at);
        else if (topic->policy == MSIM_SLOW_CONFLATE)
            msim_subscription_conflate(at);
        else
            while (at->position.at < end)
                msim_subscription_drop(at);
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

static struct msim_subscription **find(const struct msim_topic *topic,
                                       struct msim_connection *connection)
{
    struct msim_subscription **link = &connection->subscriptions;

    while (*link && (*link)->topic != topic)
        link = &(*link)->next;
    return link;
}

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
    msim_subscription_take_out(subscription);
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
