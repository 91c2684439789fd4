/*
 * Subscribers of an exchange: how many messages they hear, and what they cost the server.
 *
 *   exchange-subscribers URL [connections [seconds [the server's process id]]]
 *
 * Each has an account of its own and subscribes to the tickers of all symbols.  Messages are
 * counted and not read.  Of the server, where its process id is given: processor time while they
 * listen, and how much memory came with them.  Those who are there already hear all that is said
 * while others come, so that a market of many changes may keep thousands from ever being let in:
 * after GATHER_SECONDS it is given up.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <marketsim/net.h>

#define GATHER_SECONDS 120
#define AT_ONCE 128 /* handshakes */

struct listeners {
    struct msim_net *net;
    size_t asked;
    size_t subscribed;
    uint64_t messages;
    uint64_t bytes;
};

static msim_time read_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (msim_time)now.tv_sec * MSIM_NS_PER_S + now.tv_nsec;
}

static void opened(void *context, struct msim_connection *connection)
{
    static const char text[] = "{\"type\":\"SUBSCRIBE\",\"channel\":\"TICKER\",\"symbol\":\"*\"}";

    (void)context;
    if (msim_connection_send(connection, MSIM_MESSAGE_TEXT, text, sizeof text - 1) < 0)
        exit(1);
}

static void heard(void *context, struct msim_connection *connection, enum msim_message_kind kind,
                  const unsigned char *bytes, size_t length)
{
    struct listeners *listeners = context;

    (void)connection;
    (void)kind;
    if (length > 20 && memcmp(bytes, "{\"type\":\"SUBSCRIBED\"", 20) == 0)
        listeners->subscribed++;
    listeners->messages++;
    listeners->bytes += length;
}

static void closed(void *context, struct msim_connection *connection,
                   const struct msim_closing *closing)
{
    (void)context;
    (void)connection;
    fprintf(stderr, "closed: %d %s\n", closing->code, closing->reason);
    exit(1);
}

/* Seconds of processor time; 0 without a process. */
static double processor_time(long pid)
{
    char path[64];
    unsigned long user = 0;
    unsigned long system = 0;

    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *file = pid > 0 ? fopen(path, "r") : NULL;
    if (!file)
        return 0;
    if (fscanf(file, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
               &system) != 2)
        user = system = 0;
    fclose(file);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

/* Bytes of memory that the process holds; 0 without one. */
static double memory(long pid)
{
    char path[64];
    unsigned long pages = 0;

    snprintf(path, sizeof path, "/proc/%ld/statm", pid);
    FILE *file = pid > 0 ? fopen(path, "r") : NULL;
    if (!file)
        return 0;
    if (fscanf(file, "%*u %lu", &pages) != 1)
        pages = 0;
    fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static void ask(struct listeners *listeners, const char *url)
{
    struct msim_connect_params connect = MSIM_CONNECT_PARAMS_INIT;
    char whole[256];

    snprintf(whole, sizeof whole, "%s?session=listener-%zu", url, listeners->asked++);
    connect.url = whole;
    connect.handler.opened = opened;
    connect.handler.message = heard;
    connect.handler.closed = closed;
    connect.context = listeners;
    if (msim_net_connect(listeners->net, NULL, &connect, NULL) < 0)
        exit(1);
}

static void gather(struct listeners *listeners, const char *url, size_t count)
{
    msim_time end = read_clock() + GATHER_SECONDS * MSIM_NS_PER_S;

    while (listeners->subscribed < count) {
        while (listeners->asked < count && listeners->asked - listeners->subscribed < AT_ONCE)
            ask(listeners, url);
        msim_net_dispatch(listeners->net, 100);
        if (read_clock() < end)
            continue;
        fprintf(stderr,
                "%zu of %zu subscribed in %d s: fewer connections, or fewer changes of the "
                "market, are wanted\n",
                listeners->subscribed, count, GATHER_SECONDS);
        exit(1);
    }
}

int main(int argument_count, char **arguments)
{
    static struct listeners listeners;
    struct msim_net_params params = MSIM_NET_PARAMS_INIT;
    size_t count = argument_count > 2 ? strtoul(arguments[2], NULL, 10) : 200;
    msim_time seconds = argument_count > 3 ? strtol(arguments[3], NULL, 10) : 5;
    long pid = argument_count > 4 ? strtol(arguments[4], NULL, 10) : 0;

    params.max_connections = 65536;
    if (argument_count < 2 || msim_net_create(&listeners.net, &params, NULL) < 0)
        return 2;
    double memory_before = memory(pid);
    gather(&listeners, arguments[1], count);
    uint64_t messages = listeners.messages;
    uint64_t bytes = listeners.bytes;
    double time_before = processor_time(pid);
    msim_time start = read_clock();
    while (read_clock() - start < seconds * MSIM_NS_PER_S)
        msim_net_dispatch(listeners.net, 100);
    double elapsed = (double)(read_clock() - start) / 1e9;
    printf("%.0f messages/s, %.1f MB/s", (double)(listeners.messages - messages) / elapsed,
           (double)(listeners.bytes - bytes) / elapsed / 1e6);
    if (pid > 0)
        printf("; the server: %.3f processors, %.0f bytes for each",
               (processor_time(pid) - time_before) / elapsed,
               (memory(pid) - memory_before) / (double)count);
    printf("\n");
    return 0;
}
