/*
 * What an idle session of an exchange takes, its account and its subscriptions in it.
 *
 *   exchange-idle [FEW [MANY [SETTING...]]]
 *
 * A server in this process, robots in another one: each has an account of its own and subscribes
 * to the tickers of all symbols.  What the server holds with MANY of them less what it holds with
 * FEW, for each: bytes in use of the heap, which are the same in every run, and resident memory.
 * Arrays grow by doubling, so that sizes a little above a power of two are the dearest.
 */
#include "measure.h"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <marketsim/net.h>
#include <marketsim/server.h>

#define TIME_LIMIT 300 /* seconds */
#define AT_ONCE 128    /* handshakes */
#define QUIET_SECONDS 4

struct robots {
    struct msim_net *net;
    size_t asked;
    size_t subscribed;
};

static void opened(void *context, struct msim_connection *connection)
{
    static const char text[] = "{\"type\":\"SUBSCRIBE\",\"channel\":\"TICKER\",\"symbol\":\"*\"}";

    (void)context;
    if (msim_connection_send(connection, MSIM_MESSAGE_TEXT, text, sizeof text - 1) < 0)
        measure_die("subscribe", "nothing can be sent");
}

static void heard(void *context, struct msim_connection *connection, enum msim_message_kind kind,
                  const unsigned char *bytes, size_t length)
{
    static const char answer[] = "{\"type\":\"SUBSCRIBED\"";
    struct robots *robots = context;

    (void)connection;
    (void)kind;
    if (length >= sizeof answer - 1 && memcmp(bytes, answer, sizeof answer - 1) == 0)
        robots->subscribed++;
}

static void closed(void *context, struct msim_connection *connection,
                   const struct msim_closing *closing)
{
    (void)context;
    (void)connection;
    measure_die("a connection was closed", closing->reason);
}

static void ask(struct robots *robots, unsigned port)
{
    struct msim_connect_params connect = MSIM_CONNECT_PARAMS_INIT;
    char url[80];

    snprintf(url, sizeof url, "ws://127.0.0.1:%u/ws?session=robot-%zu", port, robots->asked++);
    connect.url = url;
    connect.handler.opened = opened;
    connect.handler.message = heard;
    connect.handler.closed = closed;
    connect.context = robots;
    if (msim_net_connect(robots->net, NULL, &connect, NULL) < 0)
        measure_die(url, "not connected");
}

/* The other process: as many robots as it is told to have, until nobody tells it any more. */
static _Noreturn void play(unsigned port, int wanted, int done)
{
    struct robots robots = {0};
    struct msim_net_params params = MSIM_NET_PARAMS_INIT;
    size_t count = 0;

    alarm(TIME_LIMIT);
    params.max_connections = 65536;
    if (msim_net_create(&robots.net, &params, NULL) < 0)
        measure_die("net", "not created");
    for (;;) {
        ssize_t length = read(wanted, &count, sizeof count);
        if (length == 0)
            _exit(0);
        while (robots.subscribed < count) {
            while (robots.asked < count && robots.asked - robots.subscribed < AT_ONCE)
                ask(&robots, port);
            msim_net_dispatch(robots.net, -1);
        }
        if (length > 0 && write(done, &count, sizeof count) != sizeof count)
            _exit(1);
        msim_net_dispatch(robots.net, 10);
    }
}

static double resident(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    if (!file || fscanf(file, "%*u %lu", &pages) != 1)
        measure_die("/proc/self/statm", "not read");
    fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static double in_use(void)
{
    struct mallinfo2 heap = mallinfo2();

    return (double)(heap.uordblks + heap.hblkhd);
}

static void serve(struct msim_exchange_server *server)
{
    if (msim_exchange_server_dispatch(server, 10) < 0)
        measure_die("serve", msim_exchange_server_detail(server));
}

/* Waits for `count` robots, and then until their buffers have been given back. */
static void gather(struct msim_exchange_server *server, size_t count, int wanted, int done)
{
    size_t there = 0;

    if (write(wanted, &count, sizeof count) != sizeof count)
        measure_die("robots", "gone");
    while (read(done, &there, sizeof there) != sizeof there)
        serve(server);
    for (double end = measure_wall() + QUIET_SECONDS; measure_wall() < end;)
        serve(server);
}

static struct msim_exchange_server *create(size_t clients, char **settings, int count)
{
    static const char *const own[] = {"server.port=0", "server.heartbeat_interval=1",
                                      "exchange.liquidity.enabled=false"};
    struct msim_exchange_server_params params = MSIM_EXCHANGE_SERVER_PARAMS_INIT;
    struct msim_exchange_server *server = NULL;
    struct msim_exchange_config *config = NULL;
    struct msim_detail detail = {{0}};

    int r = msim_exchange_config_create(&config, NULL);
    for (size_t i = 0; r >= 0 && i < sizeof own / sizeof own[0]; i++)
        r = msim_exchange_config_set(config, own[i], &detail);
    for (int i = 0; r >= 0 && i < count; i++)
        r = msim_exchange_config_set(config, settings[i], &detail);
    params.config = config;
    params.max_clients = clients;
    if (r >= 0)
        r = msim_exchange_server_create(&server, &params, &detail);
    if (r < 0)
        measure_die("server", detail.text);
    msim_exchange_config_destroy(&config);
    return server;
}

int main(int argument_count, char **arguments)
{
    size_t few = argument_count > 1 ? strtoul(arguments[1], NULL, 10) : 2000;
    size_t many = argument_count > 2 ? strtoul(arguments[2], NULL, 10) : 8000;
    int wanted[2];
    int done[2];

    if (few >= many || many > 60000)
        measure_die("usage", "exchange-idle [FEW [MANY [SETTING...]]], FEW below MANY");
    alarm(TIME_LIMIT);
    struct msim_exchange_server *server =
        create(many, arguments + 3, argument_count > 3 ? argument_count - 3 : 0);
    if (pipe(wanted) < 0 || pipe2(done, O_NONBLOCK) < 0)
        measure_die("pipe", strerror(errno));
    pid_t pid = fork();
    if (pid < 0)
        measure_die("fork", strerror(errno));
    if (pid == 0) {
        close(wanted[1]);
        if (fcntl(wanted[0], F_SETFL, O_NONBLOCK) < 0)
            measure_die("pipe", strerror(errno));
        play(msim_exchange_server_port(server), wanted[0], done[1]);
    }
    close(wanted[0]);
    gather(server, few, wanted[1], done[0]);
    double heap = in_use();
    double pages = resident();
    gather(server, many, wanted[1], done[0]);
    double count = (double)(many - few);
    printf("from %zu to %zu sessions, each: %.0f bytes of the heap, %.0f resident\n", few, many,
           (in_use() - heap) / count, (resident() - pages) / count);
    close(wanted[1]);
    while (waitpid(pid, NULL, WNOHANG) == 0)
        serve(server);
    msim_exchange_server_destroy(&server);
    return 0;
}
