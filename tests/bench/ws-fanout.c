/*
 * The same messages to everyone who is connected.
 *
 *   ws-fanout --port P --per-tick K --rate R|flood --size S [--bound BYTES]
 *
 * A tick is K text messages of S bytes, each a JSON object whose "ts" is the monotonic
 * clock in nanoseconds.  R is in ticks a second, on an absolute schedule; `flood` makes the
 * next tick as soon as nobody has more than a bound's half waiting.  At a fixed rate, who
 * has no room for a tick within the bound is closed with 1013.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <marketsim/net.h>

struct fanout {
    struct msim_net *net;
    struct msim_connection **clients;
    size_t count;
    size_t capacity;
    size_t full; /* clients that have more than the low water mark waiting */
    size_t per_tick;
    size_t size;
    size_t bound;
    msim_time interval; /* 0: flood */
    msim_time next;
    unsigned char *frames; /* one tick */
    size_t frames_length;
};

/* ---- who is there ---- */

/* What `user` of a connection says: its place, and whether it counts as full. */
struct place {
    size_t index;
    bool is_full;
};

static void set_full(struct fanout *fanout, struct msim_connection *connection, bool is_full)
{
    struct place *place = msim_connection_user(connection);

    if (place->is_full == is_full)
        return;
    place->is_full = is_full;
    fanout->full += is_full ? 1 : (size_t)-1;
}

static void on_opened(void *context, struct msim_connection *connection)
{
    struct fanout *fanout = context;

    if (fanout->count == fanout->capacity) {
        fanout->capacity = fanout->capacity > 0 ? fanout->capacity * 2 : 64;
        fanout->clients = realloc(fanout->clients, fanout->capacity * sizeof fanout->clients[0]);
    }
    struct place *place = calloc(1, sizeof *place);
    if (!fanout->clients || !place)
        abort();
    place->index = fanout->count;
    msim_connection_set_user(connection, place);
    fanout->clients[fanout->count++] = connection;
    msim_net_wake(fanout->net);
}

static void on_closed(void *context, struct msim_connection *connection,
                      const struct msim_closing *closing)
{
    struct fanout *fanout = context;
    struct place *place = msim_connection_user(connection);

    (void)closing;
    set_full(fanout, connection, false);
    struct msim_connection *last = fanout->clients[--fanout->count];
    fanout->clients[place->index] = last;
    ((struct place *)msim_connection_user(last))->index = place->index;
    free(place);
}

static void on_drained(void *context, struct msim_connection *connection)
{
    set_full(context, connection, false);
}

/* ---- ticks ---- */

static void make_frames(struct fanout *fanout)
{
    unsigned char *at = fanout->frames;

    for (size_t i = 0; i < fanout->per_tick; i++) {
        char head[64];
        size_t length = (size_t)snprintf(head, sizeof head, "{\"ts\":%lld,\"x\":\"",
                                         (long long)msim_net_now(fanout->net));
        at += msim_frame_head(at, MSIM_MESSAGE_TEXT, fanout->size);
        memset(at, 'x', fanout->size);
        memcpy(at, head, length);
        memcpy(at + fanout->size - 2, "\"}", 2);
        at += fanout->size;
    }
    fanout->frames_length = (size_t)(at - fanout->frames);
}

static void tick(struct fanout *fanout)
{
    make_frames(fanout);
    for (size_t i = fanout->count; i-- > 0;) {
        struct msim_connection *client = fanout->clients[i];
        if (msim_connection_send_frames(client, fanout->frames, fanout->frames_length) < 0)
            msim_connection_close(client, MSIM_CLOSE_TRY_LATER, "too slow");
        else if (msim_connection_backlog(client) > fanout->bound / 2)
            set_full(fanout, client, true);
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
        if (fanout->full > 0)
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
    for (int i = 1; i + 1 < argument_count; i += 2) {
        const char *value = arguments[i + 1];
        if (strcmp(arguments[i], "--port") == 0)
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
    struct msim_listener *listener = NULL;
    struct msim_detail detail = {"--per-tick from 1, --size from 64"};

    if (options(&fanout, &listen, argument_count, arguments) < 0)
        goto fail;
    fanout.frames = malloc(fanout.per_tick * (fanout.size + MSIM_FRAME_HEAD_SIZE));
    params.max_connections = 65536;
    params.turn = on_turn;
    params.context = &fanout;
    listen.limits.max_backlog_bytes = fanout.bound;
    listen.limits.low_water_bytes = fanout.bound / 2;
    listen.handler.opened = on_opened;
    listen.handler.drained = on_drained;
    listen.handler.closed = on_closed;
    listen.context = &fanout;
    if (!fanout.frames || msim_net_create(&fanout.net, &params, &detail) < 0 ||
        msim_net_listen(fanout.net, &listener, &listen, &detail) < 0)
        goto fail;
    printf("port %u\n", (unsigned)msim_listener_port(listener));
    fflush(stdout);
    while (msim_net_dispatch(fanout.net, -1) >= 0)
        continue;
fail:
    fprintf(stderr, "ws-fanout: %s\n", detail.text);
    msim_net_destroy(&fanout.net);
    free(fanout.frames);
    free(fanout.clients);
    return 1;
}
