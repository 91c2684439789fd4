/*
 * mock-quotes under load: so many events a second to so many clients for some
 * seconds, and how late the server handed them over.
 *
 *   quotes-rate [EVENTS_PER_SECOND [CLIENTS [SECONDS]]]      (200000 10 10)
 *
 * The server runs on one processor, all clients in one process on another; they count
 * messages without reading them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <marketsim/marketsim.h>

#include "measure.h"

static void run_server(int port_out, uint64_t rate, size_t clients, long seconds)
{
    struct msim_mock_params mock = MSIM_MOCK_PARAMS_INIT;
    struct msim_quotes_server_params params = MSIM_QUOTES_SERVER_PARAMS_INIT;
    struct msim_quotes_server *server = NULL;
    struct msim_quotes_stats stats = {0};
    struct msim_detail detail;

    measure_pin(0);
    mock.selection = MSIM_MOCK_ONE;
    mock.interval = (msim_time)(UINT64_C(1000000000) / rate);
    mock.start = INT64_C(1704205800) * MSIM_NS_PER_S;
    mock.end = mock.start + seconds * MSIM_NS_PER_S;
    if (msim_source_mock(&params.source, &mock, &detail) < 0)
        measure_die("source", detail.text);
    params.start = mock.start;
    params.wait_clients = clients;
    params.host = "127.0.0.1";
    params.max_backlog_bytes = (size_t)64 << 20;
    if (msim_quotes_server_create(&server, &params, &detail) < 0)
        measure_die("server", detail.text);
    uint16_t port = msim_quotes_server_port(server);
    if (write(port_out, &port, sizeof port) != (ssize_t)sizeof port)
        _exit(1);
    while (!stats.ended) {
        if (msim_quotes_server_dispatch(server, 1000) < 0)
            measure_die("server", msim_quotes_server_detail(server));
        msim_quotes_server_stats(server, &stats);
    }
    msim_quotes_server_stop(server);
    while (stats.clients > 0) {
        msim_quotes_server_dispatch(server, 100);
        msim_quotes_server_stats(server, &stats);
    }
    printf("server: %llu events, %llu clients dropped, lateness p50 %lld us, p99 %lld us, max %lld "
           "us, %.2f of a processor\n",
           (unsigned long long)stats.events, (unsigned long long)stats.dropped,
           (long long)stats.lateness_p50 / 1000, (long long)stats.lateness_p99 / 1000,
           (long long)stats.lateness_max / 1000, measure_processor(NULL) / (double)seconds);
    fflush(stdout);
    _exit(0);
}

struct counter {
    uint64_t messages;
    size_t open;
};

static void take_message(void *context, struct msim_connection *connection,
                         enum msim_message_kind kind, const unsigned char *bytes, size_t length)
{
    struct counter *counter = context;

    (void)connection;
    (void)kind;
    (void)bytes;
    (void)length;
    counter->messages++;
}

static void closed(void *context, struct msim_connection *connection,
                   const struct msim_closing *closing)
{
    struct counter *counter = context;

    (void)connection;
    if (closing->code != MSIM_CLOSE_GOING_AWAY)
        fprintf(stderr, "quotes-rate: closed with %d %s\n", closing->code, closing->reason);
    counter->open--;
}

int main(int argument_count, char **arguments)
{
    long rate = argument_count > 1 ? strtol(arguments[1], NULL, 10) : 200000;
    long clients = argument_count > 2 ? strtol(arguments[2], NULL, 10) : 10;
    long seconds = argument_count > 3 ? strtol(arguments[3], NULL, 10) : 10;
    int ports[2];
    uint16_t port;

    if (rate < 1 || clients < 1 || seconds < 1) {
        fprintf(stderr, "usage: quotes-rate [EVENTS_PER_SECOND [CLIENTS [SECONDS]]]\n");
        return 2;
    }
    if (pipe(ports) < 0)
        measure_die("pipe", strerror(errno));
    pid_t server = fork();
    if (server == 0)
        run_server(ports[1], (uint64_t)rate, (size_t)clients, seconds);
    if (server < 0 || read(ports[0], &port, sizeof port) != (ssize_t)sizeof port)
        measure_die("server", "it did not start");
    measure_pin(1);

    struct counter counter = {.open = (size_t)clients};
    struct msim_net_params net_params = MSIM_NET_PARAMS_INIT;
    struct msim_connect_params params = MSIM_CONNECT_PARAMS_INIT;
    struct msim_net *net = NULL;
    struct msim_detail detail;
    char url[64];

    snprintf(url, sizeof url, "ws://127.0.0.1:%u/", (unsigned)port);
    params.url = url;
    params.handler.message = take_message;
    params.handler.closed = closed;
    params.context = &counter;
    if (msim_net_create(&net, &net_params, &detail) < 0)
        measure_die("client", detail.text);
    for (long i = 0; i < clients; i++)
        if (msim_net_connect(net, NULL, &params, &detail) < 0)
            measure_die(url, detail.text);
    while (counter.open > 0)
        if (msim_net_dispatch(net, -1) < 0)
            measure_die("client", "the event loop failed");
    waitpid(server, NULL, 0);
    printf("clients: %llu messages, %.3f million/s\n", (unsigned long long)counter.messages,
           (double)counter.messages / (double)seconds / 1e6);
    msim_net_destroy(&net);
    return 0;
}
