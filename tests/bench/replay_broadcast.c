/*
 * What a frame costs the server that goes to many clients: a broadcast, which encodes it once,
 * beside as many replays of their own, in the same run.
 *
 *   replay-broadcast FILE.parquet [CLIENTS] [SECONDS-OF-HISTORY]
 *
 * The server runs on one processor at full speed, and waits for the slowest; the clients, bare
 * sockets that read and count bytes, on another.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <marketsim/marketsim.h>

#include "measure.h"

#define MOST_CLIENTS 1000

struct window {
    struct msim_parquet *parquet;
    msim_time to;
};

static int open_source(void *context, const struct msim_replay_selection *selection,
                       struct msim_source *out, struct msim_detail *detail)
{
    struct window *window = context;
    struct msim_parquet_source_params params = MSIM_PARQUET_SOURCE_PARAMS_INIT;

    (void)selection;
    params.has_to = true;
    params.to = window->to;
    return msim_parquet_source(out, window->parquet, &params, detail);
}

static void run_server(struct window *window, enum msim_replay_mode mode, size_t clients,
                       int port_out)
{
    struct msim_replay_server_params params = MSIM_REPLAY_SERVER_PARAMS_INIT;
    struct msim_replay_server *server = NULL;
    struct msim_replay_stats stats = {0};
    struct msim_detail detail;

    measure_pin(0);
    params.open = open_source;
    params.context = window;
    params.host = "127.0.0.1";
    params.speed = (struct msim_speed){1, 0};
    params.mode = mode;
    params.slow_client = MSIM_SLOW_WAIT;
    params.wait_clients = clients;
    params.max_clients = clients;
    if (msim_replay_server_create(&server, &params, &detail) < 0)
        measure_die("server", detail.text);
    uint16_t port = msim_replay_server_port(server);
    if (write(port_out, &port, sizeof port) != (ssize_t)sizeof port)
        _exit(1);
    double before = measure_processor(NULL);
    while (stats.clients_total < clients || stats.clients > 0) {
        if (msim_replay_server_dispatch(server, 1000) < 0)
            _exit(1);
        msim_replay_server_stats(server, &stats);
    }
    double cpu = measure_processor(NULL) - before;
    printf("%-10s %9llu encoded, %10llu delivered, server %.2f s, %.0f ns for each delivered\n",
           mode == MSIM_REPLAY_BROADCAST ? "broadcast" : "per-client",
           (unsigned long long)stats.encoded, (unsigned long long)stats.delivered, cpu,
           cpu * 1e9 / (double)stats.delivered);
    fflush(stdout);
    _exit(0);
}

static int connect_client(uint16_t port)
{
    static const char request[] =
        "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
        send(fd, request, sizeof request - 1, MSG_NOSIGNAL) < 0)
        measure_die("connect", strerror(errno));
    return fd;
}

/* A close frame with 1000, wherever the reads are cut. */
static bool ends_with_farewell(char tail[4], const char *bytes, size_t length)
{
    size_t fresh = length < 4 ? length : 4;

    memmove(tail, tail + fresh, 4 - fresh);
    memcpy(tail + 4 - fresh, bytes + length - fresh, fresh);
    return memcmp(tail, "\x88\x02\x03\xE8", 4) == 0;
}

/* Reads until everybody was told goodbye, which is answered by the end of the link. */
static uint64_t read_all(struct pollfd *links, size_t count)
{
    static char tails[MOST_CLIENTS][4];
    static char bytes[1 << 18];
    uint64_t sum = 0;
    size_t open = count;

    while (open > 0) {
        if (poll(links, count, -1) < 0 && errno != EINTR)
            measure_die("poll", strerror(errno));
        for (size_t i = 0; i < count; i++) {
            if (links[i].fd < 0 || !links[i].revents)
                continue;
            ssize_t got = recv(links[i].fd, bytes, sizeof bytes, MSG_DONTWAIT);
            if (got < 0 && (errno == EAGAIN || errno == EINTR))
                continue;
            sum += got > 0 ? (uint64_t)got : 0;
            if (got > 0 && !ends_with_farewell(tails[i], bytes, (size_t)got))
                continue;
            close(links[i].fd);
            links[i].fd = -1;
            open--;
        }
    }
    return sum;
}

static void measure(struct window *window, enum msim_replay_mode mode, size_t clients)
{
    struct pollfd links[MOST_CLIENTS];
    uint16_t port;
    int ports[2];

    if (pipe(ports) < 0)
        measure_die("pipe", strerror(errno));
    pid_t server = fork();
    if (server == 0)
        run_server(window, mode, clients, ports[1]);
    if (server < 0 || read(ports[0], &port, sizeof port) != (ssize_t)sizeof port)
        measure_die("server", "it did not start");
    measure_pin(1);
    double began = measure_wall();
    for (size_t i = 0; i < clients; i++)
        links[i] = (struct pollfd){.fd = connect_client(port), .events = POLLIN};
    uint64_t bytes = read_all(links, clients);
    double took = measure_wall() - began;
    waitpid(server, NULL, 0);
    printf("           %.2f s, %.0f MB/s to %zu clients\n", took, (double)bytes / took / 1e6,
           clients);
    fflush(stdout);
    close(ports[0]);
    close(ports[1]);
}

int main(int argument_count, char **arguments)
{
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;
    struct window window = {0};
    struct msim_parquet_info info;
    struct msim_detail detail;
    const char *path = argument_count > 1 ? arguments[1] : "";
    long clients = argument_count > 2 ? strtol(arguments[2], NULL, 10) : 100;
    long span = argument_count > 3 ? strtol(arguments[3], NULL, 10) : 600;

    if (argument_count < 2 || clients < 1 || clients > MOST_CLIENTS || span < 1) {
        fprintf(stderr, "usage: replay-broadcast FILE.parquet [CLIENTS] [SECONDS-OF-HISTORY]\n");
        return 2;
    }
    params.paths = &path;
    params.path_count = 1;
    if (msim_parquet_open(&window.parquet, &params, &detail) < 0)
        measure_die(path, detail.text);
    msim_parquet_info(window.parquet, &info);
    window.to = info.first + span * MSIM_NS_PER_S;
    measure(&window, MSIM_REPLAY_BROADCAST, (size_t)clients);
    measure(&window, MSIM_REPLAY_PER_CLIENT, (size_t)clients);
    msim_parquet_close(&window.parquet);
    return 0;
}
