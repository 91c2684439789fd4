/*
 * A WebSocket server inside a loop that is not the library's.
 *
 *   foreign-loop [port]
 *
 * The program owns the loop: it waits with poll() for whatever it likes, here signals and
 * the net's one descriptor.  Whenever that is readable, a dispatch with a timeout of 0
 * does what there is to do and returns.  The server says back what it hears; Ctrl-C ends
 * it.
 */
#define _GNU_SOURCE /* signalfd */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <marketsim/net.h>

static void on_opened(void *context, struct msim_connection *connection)
{
    (void)context;
    printf("%s came\n", msim_connection_peer(connection));
}

static void on_message(void *context, struct msim_connection *connection,
                       enum msim_message_kind kind, const unsigned char *bytes, size_t length)
{
    (void)context;
    /* A peer that asks and never reads: its backlog has a bound, and here it ends there. */
    if (msim_connection_send(connection, kind, bytes, length) < 0)
        msim_connection_close(connection, MSIM_CLOSE_TRY_LATER, "read what you asked for");
}

static void on_closed(void *context, struct msim_connection *connection,
                      const struct msim_closing *closing)
{
    (void)context;
    printf("%s went (%d)\n", msim_connection_peer(connection), closing->code);
}

/* SIGINT and SIGTERM as a descriptor. */
static int signals_open(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return -1;
    return signalfd(-1, &set, SFD_CLOEXEC);
}

static int run(struct msim_net *net, int signals)
{
    struct pollfd waiting[] = {
        {.fd = msim_net_fd(net), .events = POLLIN},
        {.fd = signals, .events = POLLIN},
    };

    for (;;) {
        if (poll(waiting, 2, -1) < 0 && errno != EINTR) {
            perror("foreign-loop: poll");
            return 1;
        }
        if (waiting[1].revents)
            return 0;
        if (waiting[0].revents && msim_net_dispatch(net, 0) < 0) {
            fprintf(stderr, "foreign-loop: the net's loop is broken\n");
            return 1;
        }
    }
}

int main(int argument_count, char **arguments)
{
    struct msim_net_params params = MSIM_NET_PARAMS_INIT;
    struct msim_listen_params listen = MSIM_LISTEN_PARAMS_INIT;
    struct msim_listener *listener = NULL;
    struct msim_net *net = NULL;
    struct msim_detail detail;
    char *end = NULL;
    int status = 1;

    unsigned long port = argument_count > 1 ? strtoul(arguments[1], &end, 10) : 0;
    if (argument_count > 2 || port > UINT16_MAX || (end && (end == arguments[1] || *end != '\0'))) {
        fputs("usage: foreign-loop [PORT], 0 to 65535 (0: a free one)\n", stderr);
        return 2;
    }
    listen.port = (uint16_t)port;
    listen.handler.opened = on_opened;
    listen.handler.message = on_message;
    listen.handler.closed = on_closed;

    int signals = signals_open();
    if (signals < 0) {
        perror("foreign-loop: signalfd");
        return 1;
    }
    if (msim_net_create(&net, &params, &detail) < 0 ||
        msim_net_listen(net, &listener, &listen, &detail) < 0) {
        fprintf(stderr, "foreign-loop: %s\n", detail.text);
    } else {
        setvbuf(stdout, NULL, _IOLBF, 0);
        printf("ws://localhost:%u/ says back what it hears; Ctrl-C ends it\n",
               (unsigned)msim_listener_port(listener));
        status = run(net, signals);
    }
    msim_net_destroy(&net);
    close(signals);
    return status;
}
