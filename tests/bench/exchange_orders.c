/*
 * Orders to an exchange, or texts to an echo: how many a second, and how long each takes.
 *
 *   exchange-orders URL [connections [in flight on each [seconds]]]
 *
 * Every second order of a connection sells what the one before it bought, at one price, so that
 * orders trade and the book stays small.  An order is answered when its ORDER_ACK has come, or,
 * by an echo, the same bytes.  With more than one order in flight the load looks for answers and
 * never sleeps: it has a processor of its own, and to wake it would be the server's work.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <marketsim/net.h>

#include "base/histogram.h"

#define MOST_CONNECTIONS 256
#define MOST_FLIGHT 4096

struct robot {
    struct load *load;
    struct msim_connection *connection;
    uint64_t sent;
    uint64_t answered;
    uint64_t fills;
    msim_time times[MOST_FLIGHT];
};

struct load {
    struct msim_net *net;
    struct robot robots[MOST_CONNECTIONS];
    size_t count;
    size_t flight;
    size_t open;
    bool is_over;
    struct msim_histogram times;
};

static msim_time read_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (msim_time)now.tv_sec * MSIM_NS_PER_S + now.tv_nsec;
}

static void place(struct robot *robot)
{
    char text[256];
    int length = snprintf(text, sizeof text,
                          "{\"type\":\"PLACE_ORDER\",\"symbol\":\"BTC/USD\",\"side\":\"%s\","
                          "\"order_type\":\"LIMIT\",\"price\":\"50000.01\",\"quantity\":"
                          "\"0.001\",\"client_order_id\":\"bot-%llu\"}",
                          robot->sent % 2 == 0 ? "SELL" : "BUY", (unsigned long long)robot->sent);

    robot->times[robot->sent++ % MOST_FLIGHT] = read_clock();
    if (msim_connection_send(robot->connection, MSIM_MESSAGE_TEXT, text, (size_t)length) < 0)
        exit(1);
}

static void opened(void *context, struct msim_connection *connection)
{
    struct robot *robot = context;

    robot->connection = connection;
    robot->load->open++;
}

static void heard(void *context, struct msim_connection *connection, enum msim_message_kind kind,
                  const unsigned char *bytes, size_t length)
{
    struct robot *robot = context;
    struct load *load = robot->load;

    (void)connection;
    (void)kind;
    if (length > 20 && memcmp(bytes, "{\"type\":\"ORDER_FILL\"", 20) == 0) {
        robot->fills++;
        return;
    }
    if (length > 19 && memcmp(bytes, "{\"type\":\"ORDER_ACK\"", 19) != 0 &&
        memcmp(bytes, "{\"type\":\"PLACE_ORDE", 19) != 0) {
        fprintf(stderr, "%.*s\n", (int)length, (const char *)bytes);
        exit(1);
    }
    msim_histogram_add(&load->times, read_clock() - robot->times[robot->answered++ % MOST_FLIGHT]);
    if (!load->is_over)
        place(robot);
}

static void closed(void *context, struct msim_connection *connection,
                   const struct msim_closing *closing)
{
    (void)context;
    (void)connection;
    fprintf(stderr, "closed: %d %s\n", closing->code, closing->reason);
    exit(1);
}

static uint64_t answered(const struct load *load, uint64_t *fills)
{
    uint64_t sum = 0;

    *fills = 0;
    for (size_t i = 0; i < load->count; i++) {
        sum += load->robots[i].answered;
        *fills += load->robots[i].fills;
    }
    return sum;
}

int main(int argument_count, char **arguments)
{
    static struct load load;
    struct msim_net_params params = MSIM_NET_PARAMS_INIT;
    msim_time seconds = argument_count > 4 ? strtol(arguments[4], NULL, 10) : 3;

    if (argument_count < 2)
        return 2;
    load.count = argument_count > 2 ? strtoul(arguments[2], NULL, 10) : 1;
    load.flight = argument_count > 3 ? strtoul(arguments[3], NULL, 10) : 1;
    if (load.count > MOST_CONNECTIONS || load.flight > MOST_FLIGHT ||
        msim_net_create(&load.net, &params, NULL) < 0)
        return 2;
    for (size_t i = 0; i < load.count; i++) {
        struct msim_connect_params connect = MSIM_CONNECT_PARAMS_INIT;
        connect.url = arguments[1];
        connect.handler.opened = opened;
        connect.handler.message = heard;
        connect.handler.closed = closed;
        connect.context = &load.robots[i];
        load.robots[i].load = &load;
        if (msim_net_connect(load.net, NULL, &connect, NULL) < 0)
            return 1;
    }
    while (load.open < load.count)
        msim_net_dispatch(load.net, -1);
    for (size_t i = 0; i < load.count; i++)
        for (size_t j = 0; j < load.flight; j++)
            place(&load.robots[i]);
    msim_time start = read_clock();
    const int patience = load.flight > 1 ? 0 : 100;
    while (read_clock() - start < seconds * MSIM_NS_PER_S)
        msim_net_dispatch(load.net, patience);
    double elapsed = (double)(read_clock() - start) / 1e9;
    uint64_t fills;
    uint64_t count = answered(&load, &fills);
    printf("%.0f orders/s, %.0f fills/s, answered p50 %.1f us, p99 %.1f us\n",
           (double)count / elapsed, (double)fills / elapsed,
           (double)msim_histogram_at(&load.times, 500000) / 1e3,
           (double)msim_histogram_at(&load.times, 990000) / 1e3);
    return 0;
}
