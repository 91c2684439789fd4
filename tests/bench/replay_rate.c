/*
 * How many trades a second reach one client at full speed, and what the server
 * holds meanwhile.
 *
 *   replay-rate FILE.parquet [slow]
 *
 * The server runs on one processor, the client on another.  The client counts
 * messages without reading them; `slow` makes it pause for 10 ms after every 10,000,
 * to see that the server's memory does not grow.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <marketsim/marketsim.h>

#include "measure.h"

static int open_source(void *context, const struct msim_replay_selection *selection,
                       struct msim_source *out, struct msim_detail *detail)
{
    (void)selection;
    return msim_parquet_source(out, context, NULL, detail);
}

static void run_server(const char *path, int port_out)
{
    struct msim_parquet_params parquet_params = MSIM_PARQUET_PARAMS_INIT;
    struct msim_replay_server_params params = MSIM_REPLAY_SERVER_PARAMS_INIT;
    struct msim_parquet *parquet = NULL;
    struct msim_replay_server *server = NULL;
    struct msim_replay_stats stats = {0};
    struct msim_detail detail;

    measure_pin(0);
    parquet_params.paths = &path;
    parquet_params.path_count = 1;
    if (msim_parquet_open(&parquet, &parquet_params, &detail) < 0)
        measure_die(path, detail.text);
    params.open = open_source;
    params.context = parquet;
    params.host = "127.0.0.1";
    params.speed = (struct msim_speed){1, 0};
    if (msim_replay_server_create(&server, &params, &detail) < 0)
        measure_die("server", detail.text);
    uint16_t port = msim_replay_server_port(server);
    if (write(port_out, &port, sizeof port) != (ssize_t)sizeof port)
        _exit(1);
    while (stats.clients_total == 0 || stats.clients > 0) {
        if (msim_replay_server_dispatch(server, 1000) < 0)
            _exit(1);
        msim_replay_server_stats(server, &stats);
    }
    msim_replay_server_destroy(&server);
    msim_parquet_close(&parquet);

    double kernel;
    double cpu = measure_processor(&kernel);
    printf("server: %.2f s of processor time (%.2f in the kernel), peak RSS %.1f MB\n", cpu, kernel,
           measure_peak());
    fflush(stdout);
    _exit(0);
}

struct counter {
    uint64_t messages;
    uint64_t bytes;
    double began;
    bool slow;
    bool over;
};

static void take_message(void *context, struct msim_connection *connection,
                         enum msim_message_kind kind, const unsigned char *bytes, size_t length)
{
    struct counter *counter = context;

    (void)connection;
    (void)kind;
    (void)bytes;
    if (counter->messages++ == 0)
        counter->began = measure_wall();
    counter->bytes += length;
    if (counter->slow && counter->messages % 10000 == 0)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
}

static void closed(void *context, struct msim_connection *connection,
                   const struct msim_closing *closing)
{
    struct counter *counter = context;

    (void)connection;
    if (closing->code != MSIM_CLOSE_NORMAL)
        fprintf(stderr, "replay-rate: closed with %d %s\n", closing->code, closing->reason);
    counter->over = true;
}

int main(int argument_count, char **arguments)
{
    int ports[2];
    uint16_t port;

    if (argument_count < 2) {
        fprintf(stderr, "usage: replay-rate FILE.parquet [slow]\n");
        return 2;
    }
    if (pipe(ports) < 0)
        measure_die("pipe", strerror(errno));
    pid_t server = fork();
    if (server == 0)
        run_server(arguments[1], ports[1]);
    if (server < 0 || read(ports[0], &port, sizeof port) != (ssize_t)sizeof port)
        measure_die("server", "it did not start");
    measure_pin(1);

    struct counter counter = {.slow = argument_count > 2 && strcmp(arguments[2], "slow") == 0};
    struct msim_net_params net_params = MSIM_NET_PARAMS_INIT;
    struct msim_connect_params params = MSIM_CONNECT_PARAMS_INIT;
    struct msim_net *net = NULL;
    struct msim_connection *connection;
    struct msim_detail detail;
    char url[64];

    snprintf(url, sizeof url, "ws://127.0.0.1:%u/", (unsigned)port);
    params.url = url;
    params.handler.message = take_message;
    params.handler.closed = closed;
    params.context = &counter;
    if (msim_net_create(&net, &net_params, &detail) < 0 ||
        msim_net_connect(net, &connection, &params, &detail) < 0)
        measure_die(url, detail.text);
    while (!counter.over)
        if (msim_net_dispatch(net, -1) < 0)
            measure_die("client", "the event loop failed");
    double took = measure_wall() - counter.began;
    waitpid(server, NULL, 0);
    printf("client: %llu messages in %.3f s, %.3f million/s, %.0f MB/s\n",
           (unsigned long long)counter.messages, took, (double)counter.messages / took / 1e6,
           (double)counter.bytes / took / 1e6);
    msim_net_destroy(&net);
    return 0;
}
