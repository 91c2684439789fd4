/*
 * What the public conformance suites of Engine.IO and Socket.IO ask of a server, on the library's
 * two layers: `sio-echo [PORT]`, which prints "listening on PORT" and runs until it is killed.
 *
 *     /engine.io/    every message comes back
 *     /socket.io/    `auth` on joining, `message` comes back as `message-back`, `message-with-ack`
 *                    comes back as its acknowledgement; the namespaces / and /custom
 */
#include <marketsim/marketsim.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MS MSIM_NS_PER_MS
#define MOST_JOINED 256

struct echo {
    struct msim_net *net;
    struct msim_engineio *engine;
    struct msim_socketio *socketio;
    struct msim_socketio_client *joined[MOST_JOINED]; /* in this turn */
    struct msim_socketio_client *told[MOST_JOINED];   /* in the next one */
    size_t joined_count;
    size_t told_count;
};

static void echo_message(void *context, struct msim_engineio_session *session,
                         enum msim_message_kind kind, const unsigned char *bytes, size_t length)
{
    (void)context;
    msim_engineio_send(session, kind, bytes, length);
}

/* What it joined with is told after the answer, and in a turn of its own. */
static int hear_auth(void *context, struct msim_socketio_client *client, const char *auth,
                     size_t length, struct msim_detail *refusal)
{
    char *copy = malloc(length + 3);

    (void)context;
    if (!copy) {
        snprintf(refusal->text, sizeof refusal->text, "out of memory");
        return MSIM_ERR_NOMEM;
    }
    memcpy(copy, length > 0 ? auth : "{}", length > 0 ? length : 2);
    copy[length > 0 ? length : 2] = '\0';
    msim_socketio_set_user(client, copy);
    return MSIM_OK;
}

static void note_joined(void *context, struct msim_socketio_client *client)
{
    struct echo *echo = context;

    if (echo->joined_count < MOST_JOINED)
        echo->joined[echo->joined_count++] = client;
}

static void tell_auths(struct echo *echo)
{
    for (size_t i = 0; i < echo->told_count; i++) {
        const char *auth = msim_socketio_user(echo->told[i]);
        msim_socketio_emit(echo->told[i], "auth", auth, strlen(auth), NULL, 0);
    }
    memcpy(echo->told, echo->joined, sizeof echo->told);
    echo->told_count = echo->joined_count;
    echo->joined_count = 0;
}

static void answer_event(void *context, struct msim_socketio_client *client,
                         const struct msim_socketio_event *event)
{
    (void)context;
    if (strcmp(event->name, "message") == 0)
        msim_socketio_emit(client, "message-back", event->arguments, event->arguments_length,
                           event->attachments, event->attachment_count);
    else if (strcmp(event->name, "message-with-ack") == 0)
        msim_socketio_acknowledge(client, event, event->arguments, event->arguments_length,
                                  event->attachments, event->attachment_count);
}

static void remove_from(struct msim_socketio_client **list, size_t *count,
                        const struct msim_socketio_client *client)
{
    for (size_t i = 0; i < *count; i++)
        if (list[i] == client)
            list[i--] = list[--*count];
}

static void forget(void *context, struct msim_socketio_client *client, const char *reason)
{
    struct echo *echo = context;

    (void)reason;
    remove_from(echo->joined, &echo->joined_count, client);
    remove_from(echo->told, &echo->told_count, client);
    free(msim_socketio_user(client));
}

static msim_time turn(void *context, msim_time now)
{
    struct echo *echo = context;

    tell_auths(echo);
    msim_time engine = msim_engineio_turn(echo->engine, now);
    msim_time socketio = msim_socketio_turn(echo->socketio, now);
    if (echo->told_count > 0)
        return now;
    return engine < socketio ? engine : socketio;
}

static int create(struct echo *echo, struct msim_detail *detail)
{
    static const struct msim_socketio_handler handler = {
        .connect = hear_auth,
        .connected = note_joined,
        .event = answer_event,
        .disconnected = forget,
    };
    const struct msim_socketio_namespace namespaces[] = {
        {"/", handler, echo},
        {"/custom", handler, echo},
    };
    struct msim_engineio_params engine = MSIM_ENGINEIO_PARAMS_INIT;
    engine.net = echo->net;
    engine.ping_interval = 300 * MS;
    engine.ping_timeout = 200 * MS;
    engine.handler.message = echo_message;
    int r = msim_engineio_create(&echo->engine, &engine, detail);
    if (r < 0)
        return r;

    struct msim_socketio_params params = MSIM_SOCKETIO_PARAMS_INIT;
    params.engine = engine;
    params.engine.handler = (struct msim_engineio_handler){0};
    params.namespaces = namespaces;
    params.namespace_count = 2;
    params.connect_timeout = 1000 * MS;
    return msim_socketio_create(&echo->socketio, &params, detail);
}

static int listen_on(struct echo *echo, uint16_t port, struct msim_detail *detail)
{
    struct msim_listener *listener = NULL;
    struct msim_listen_params params = MSIM_LISTEN_PARAMS_INIT;
    struct msim_route routes[2 * MSIM_ENGINEIO_ROUTES];

    msim_engineio_routes(echo->engine, "/engine.io/", routes);
    msim_engineio_routes(msim_socketio_engine(echo->socketio), "/socket.io/",
                         routes + MSIM_ENGINEIO_ROUTES);
    msim_engineio_limits(echo->engine, &params.limits);
    params.port = port;
    params.routes = routes;
    params.route_count = 2 * MSIM_ENGINEIO_ROUTES;
    int r = msim_net_listen(echo->net, &listener, &params, detail);
    if (r >= 0) {
        printf("listening on %u\n", (unsigned)msim_listener_port(listener));
        fflush(stdout);
    }
    return r;
}

int main(int argument_count, char **arguments)
{
    struct echo echo = {0};
    struct msim_net_params params = MSIM_NET_PARAMS_INIT;
    struct msim_detail detail = {""};
    uint16_t port = argument_count > 1 ? (uint16_t)strtoul(arguments[1], NULL, 10) : 3000;

    params.turn = turn;
    params.context = &echo;
    int r = msim_net_create(&echo.net, &params, &detail);
    if (r >= 0)
        r = create(&echo, &detail);
    if (r >= 0)
        r = listen_on(&echo, port, &detail);
    /* The suites wait for one message after the other, and lose the second of two that their
     * client reads at once: what leaves in two turns is to arrive as two. */
    while (r >= 0) {
        r = msim_net_dispatch(echo.net, -1);
        nanosleep(&(struct timespec){.tv_nsec = 2 * MS}, NULL);
    }
    fprintf(stderr, "sio-echo: %s\n", detail.text);
    return 1;
}
