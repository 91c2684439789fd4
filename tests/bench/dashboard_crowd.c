/*
 * Front ends of a dashboard by WebSocket, which cost as little as can be: what comes is counted by
 * its bytes and dropped in the kernel.  All updates are of one size, so the bytes tell how many.
 *
 *     dashboard-crowd PORT FRONT-ENDS RATE SECONDS
 *
 * A script pushes ten trades at a time, RATE times a second; 0: with four pushes on their way.
 * Says "go" when it begins to count and the updates delivered a second at the end.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "measure.h"

#define AHEAD 4
#define MOST 4096
#define HEAD "timestamp,symbol,side,quantity,price,profit_loss,strategy\\n"
#define MARKET "timestamp,symbol,open,high,low,close,volume,rsi,signal_strength\\n"
#define ROW "2024-03-04T10:00:00,ACME,BUY,100,142.5,1.5,Breakout\\n"

static const char push[] =
    "42[\"send_trading_data\",{\"trades_csv\":\"" HEAD ROW ROW ROW ROW ROW ROW ROW ROW ROW ROW
    "\",\"market_data_csv\":\"" MARKET "\",\"timestamp\":\"2024-03-04T10:00:00\"}]";

struct crowd {
    int poll;
    int script;
    size_t count;
    uint64_t bytes;
    uint64_t receipts;
    int links[MOST];
};

static void fail(const char *why)
{
    fprintf(stderr, "dashboard-crowd: %s\n", why);
    exit(1);
}

/* A masked frame; the mask is zero. */
static void say(int fd, const char *text)
{
    unsigned char frame[2048] = {0x81};
    size_t length = strlen(text);
    size_t head = length < 126 ? 2 : 4;

    frame[1] = (unsigned char)(0x80 | (length < 126 ? length : 126));
    if (length >= 126) {
        frame[2] = (unsigned char)(length >> 8);
        frame[3] = (unsigned char)length;
    }
    memcpy(frame + head + 4, text, length);
    if (send(fd, frame, head + 4 + length, MSG_NOSIGNAL) != (ssize_t)(head + 4 + length))
        fail("the server does not take what is said");
}

/* Reads until these words have come; what stands behind them is part of no update. */
static void wait_for(int fd, const char *words)
{
    char seen[65536];
    size_t length = 0;

    while (!memmem(seen, length, words, strlen(words))) {
        ssize_t r = recv(fd, seen + length, sizeof seen - length, 0);
        if (r <= 0)
            fail("the server has gone");
        length += (size_t)r;
    }
}

static int join(uint16_t port)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int on = 1;
    char request[512];
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) < 0)
        fail("no connection");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    int length = snprintf(request, sizeof request,
                          "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n"
                          "Host: localhost:%u\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          "Sec-WebSocket-Version: 13\r\n"
                          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                          (unsigned)port);
    if (send(fd, request, (size_t)length, MSG_NOSIGNAL) != length)
        fail("no handshake");
    wait_for(fd, "\"sid\"");
    say(fd, "40");
    wait_for(fd, "Connected to");
    return fd;
}

static void hear_script(struct crowd *crowd)
{
    static const char word[] = "data_received";
    char seen[65536];

    ssize_t length = recv(crowd->script, seen, sizeof seen, MSG_DONTWAIT);
    const char *at = seen;
    while (length > 0 && (at = memmem(at, (size_t)(seen + length - at), word, sizeof word - 1))) {
        crowd->receipts++;
        at += sizeof word - 1;
    }
}

static void hear(struct crowd *crowd, int wait_ms)
{
    struct epoll_event events[512];
    char nothing[1];

    int count = epoll_wait(crowd->poll, events, 512, wait_ms);
    for (int i = 0; i < count; i++) {
        if (events[i].data.fd == crowd->script) {
            hear_script(crowd);
            continue;
        }
        /* TCP drops with MSG_TRUNC what it would have copied. */
        ssize_t r = recv(events[i].data.fd, nothing, (size_t)1 << 30, MSG_DONTWAIT | MSG_TRUNC);
        if (r == 0)
            fail("the server has closed a link");
        crowd->bytes += r > 0 ? (uint64_t)r : 0;
    }
}

/* Until nothing more comes for half a second. */
static void settle(struct crowd *crowd)
{
    double last = measure_wall();

    for (double now = last; now - last < 0.5; now = measure_wall()) {
        uint64_t before = crowd->bytes + crowd->receipts;
        hear(crowd, 10);
        if (crowd->bytes + crowd->receipts != before)
            last = now;
    }
}

static void watch(const struct crowd *crowd, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    if (epoll_ctl(crowd->poll, EPOLL_CTL_ADD, fd, &event) < 0)
        fail("no room to wait in");
}

static void gather(struct crowd *crowd, uint16_t port)
{
    for (size_t i = 0; i < crowd->count; i++) {
        crowd->links[i] = join(port);
        say(crowd->links[i], "42[\"join_frontend\"]");
        wait_for(crowd->links[i], "Joined");
        watch(crowd, crowd->links[i]);
    }
    crowd->script = join(port);
    watch(crowd, crowd->script);
    settle(crowd); /* the snapshots */
}

/* The bytes of one update, as one front end gets it. */
static uint64_t measure_update(struct crowd *crowd)
{
    crowd->bytes = 0;
    say(crowd->script, push);
    settle(crowd);
    if (crowd->receipts != 1 || crowd->bytes % crowd->count != 0 ||
        crowd->bytes / crowd->count < 500)
        fail("updates are not of one size");
    return crowd->bytes / crowd->count;
}

static double flow(struct crowd *crowd, double rate, double seconds)
{
    uint64_t pushes = crowd->receipts = crowd->bytes = 0;
    const double start = measure_wall();
    double elapsed;

    while ((elapsed = measure_wall() - start) < seconds) {
        while (pushes - crowd->receipts < AHEAD &&
               (rate <= 0 || (double)pushes <= elapsed * rate)) {
            say(crowd->script, push);
            pushes++;
            if (rate > 0)
                break;
        }
        hear(crowd, 2);
    }
    return elapsed;
}

int main(int count, char **arguments)
{
    static struct crowd crowd;

    if (count != 5)
        fail("PORT FRONT-ENDS RATE SECONDS");
    crowd.count = (size_t)strtoul(arguments[2], NULL, 10);
    crowd.poll = epoll_create1(0);
    if (crowd.count == 0 || crowd.count > MOST || crowd.poll < 0)
        fail("front ends: 1 to 4096");
    gather(&crowd, (uint16_t)strtoul(arguments[1], NULL, 10));
    const uint64_t size = measure_update(&crowd);
    puts("go");
    fflush(stdout);
    const double elapsed = flow(&crowd, strtod(arguments[3], NULL), strtod(arguments[4], NULL));
    printf("%.0f\n", (double)(crowd.bytes / size) / elapsed);
    return 0;
}
