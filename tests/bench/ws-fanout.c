/*
 * The same messages to everyone who is connected.
 *
 *   ws-fanout --port P --per-tick K --rate R|flood --size S [--bound BYTES] [--tls] [--deflate]
 *
 * A tick is K text messages of S bytes, each a JSON object whose "ts" is the monotonic
 * clock in nanoseconds and whose "seq" counts them, published to one topic.  R is in ticks a
 * second, on an absolute schedule, and who has more than the bound waiting is closed with 1013;
 * `flood` makes the next tick at once, and waits for the slowest where it has the bound waiting.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <marketsim/hub.h>

#include "secure.h"

struct fanout {
    struct msim_net *net;
    struct msim_topic *topic;
    size_t count; /* of clients */
    size_t per_tick;
    size_t size;
    size_t bound;
    msim_time interval; /* 0: flood */
    msim_time next;
    uint64_t sequence;
    bool is_full;
    bool is_secure;
    char *message;
};

static void on_opened(void *context, struct msim_connection *connection)
{
    struct fanout *fanout = context;

    if (msim_topic_subscribe(fanout->topic, connection) < 0)
        msim_connection_close(connection, MSIM_CLOSE_INTERNAL, "cannot subscribe");
    fanout->count++;
    msim_net_wake(fanout->net);
}

static void on_closed(void *context, struct msim_connection *connection,
                      const struct msim_closing *closing)
{
    struct fanout *fanout = context;

    (void)connection;
    (void)closing;
    fanout->count--;
}

static void on_drained(void *context, struct msim_topic *topic)
{
    struct fanout *fanout = context;

    (void)topic;
    fanout->is_full = false;
    msim_net_wake(fanout->net);
}

/* ---- ticks ---- */

static void tick(struct fanout *fanout)
{
    char head[80];

    memset(fanout->message, 'x', fanout->size);
    memcpy(fanout->message + fanout->size - 2, "\"}", 2);
    for (size_t i = 0; i < fanout->per_tick; i++) {
        size_t length = (size_t)snprintf(head, sizeof head, "{\"ts\":%lld,\"seq\":%llu,\"x\":\"",
                                         (long long)msim_net_now(fanout->net),
                                         (unsigned long long)fanout->sequence + 1);
        memcpy(fanout->message, head, length);
        if (msim_topic_publish(fanout->topic, MSIM_MESSAGE_TEXT, fanout->message, fanout->size) < 0)
            fanout->is_full = true;
        else
            fanout->sequence++;
    }
}

static msim_time on_turn(void *context, msim_time now)
{
    struct fanout *fanout = context;

    if (fanout->count == 0) {
        fanout->next = 0;
        return MSIM_TIME_NEVER;
    }
    if (fanout->interval == 0) {
        if (fanout->is_full)
            return MSIM_TIME_NEVER; /* `drained` wakes us */
        tick(fanout);
        return now;
    }
    if (fanout->next == 0)
        fanout->next = now;
    for (; fanout->next <= now; fanout->next += fanout->interval)
        tick(fanout);
    return fanout->next;
}

static int options(struct fanout *fanout, struct msim_listen_params *listen, int argument_count,
                   char **arguments)
{
    for (int i = 1; i < argument_count; i += 2) {
        const char *value = i + 1 < argument_count ? arguments[i + 1] : "";
        if (strcmp(arguments[i], "--tls") == 0) {
            fanout->is_secure = true;
            i--; /* it has no value */
        } else if (strcmp(arguments[i], "--deflate") == 0) {
            listen->deflate.is_on = true;
            i--;
        } else if (strcmp(arguments[i], "--port") == 0)
            listen->port = (uint16_t)strtoul(value, NULL, 10);
        else if (strcmp(arguments[i], "--per-tick") == 0)
            fanout->per_tick = strtoul(value, NULL, 10);
        else if (strcmp(arguments[i], "--size") == 0)
            fanout->size = strtoul(value, NULL, 10);
        else if (strcmp(arguments[i], "--bound") == 0)
            fanout->bound = strtoul(value, NULL, 10);
        else if (strcmp(arguments[i], "--rate") == 0 && strcmp(value, "flood") != 0)
            fanout->interval = (msim_time)(1e9 / strtod(value, NULL));
    }
    return fanout->per_tick > 0 && fanout->size >= 64 ? 0 : -1;
}

int main(int argument_count, char **arguments)
{
    struct msim_net_params params = MSIM_NET_PARAMS_INIT;
    struct msim_listen_params listen = MSIM_LISTEN_PARAMS_INIT;
    struct fanout fanout = {.per_tick = 1, .size = 150, .bound = 1024 * 1024};
    struct msim_topic_params topic = MSIM_TOPIC_PARAMS_INIT;
    struct msim_listener *listener = NULL;
    struct msim_detail detail = {"--per-tick from 1, --size from 64"};

    if (options(&fanout, &listen, argument_count, arguments) < 0)
        goto fail;
    fanout.message = malloc(fanout.size);
    params.max_connections = 65536;
    params.turn = on_turn;
    params.context = &fanout;
    listen.limits.max_backlog_bytes = fanout.bound;
    /* A machine that is busy otherwise may hold a client up for long: it is not lost for that. */
    listen.limits.handshake_timeout = 120 * MSIM_NS_PER_S;
    listen.limits.low_water_bytes = fanout.bound / 2;
    topic.policy = fanout.interval == 0 ? MSIM_SLOW_WAIT : MSIM_SLOW_DISCONNECT;
    topic.drained = on_drained;
    topic.context = &fanout;
    listen.handler.opened = on_opened;
    listen.handler.closed = on_closed;
    listen.context = &fanout;
    if (!fanout.message || (fanout.is_secure && secure_create(&listen.tls, &detail) < 0) ||
        msim_net_create(&fanout.net, &params, &detail) < 0 ||
        msim_topic_create(fanout.net, &fanout.topic, &topic) < 0 ||
        msim_net_listen(fanout.net, &listener, &listen, &detail) < 0)
        goto fail;
    printf("port %u\n", (unsigned)msim_listener_port(listener));
    fflush(stdout);
    while (msim_net_dispatch(fanout.net, -1) >= 0)
        continue;
fail:
    fprintf(stderr, "ws-fanout: %s\n", detail.text);
    msim_net_destroy(&fanout.net);
    msim_tls_destroy(&listen.tls);
    free(fanout.message);
    return 1;
}
