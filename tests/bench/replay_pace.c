/*
 * How late do trades come?  The replay server beside the floor: a bare timerfd and
 * send loop that sends as many bytes at the same moments, in the same run.
 *
 *   replay-pace FILE.parquet [SECONDS] [SPEED]
 *
 * Both run in processes of their own at the same time; this one receives from
 * both.  A schedule's start is not seen from here: a bundle's lateness is against the
 * bundle of the same sender that came earliest beside its moment.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <marketsim/marketsim.h>

#include "measure.h"

/* What a trade of the sample takes on the wire, with its frame's head. */
#define TRADE_BYTES 134

struct bundle {
    msim_time time;
    uint32_t trades;
};

struct plan {
    struct bundle *bundles;
    size_t count;
    size_t capacity;
};

static msim_time read_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (msim_time)now.tv_sec * MSIM_NS_PER_S + now.tv_nsec;
}

static struct msim_parquet *open_file(const char *path)
{
    struct msim_parquet_params params = MSIM_PARQUET_PARAMS_INIT;
    struct msim_parquet *parquet = NULL;
    struct msim_detail detail;

    params.paths = &path;
    params.path_count = 1;
    if (msim_parquet_open(&parquet, &params, &detail) < 0)
        measure_die(path, detail.text);
    return parquet;
}

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
    params.has_to = window->to != 0;
    params.to = window->to;
    return msim_parquet_source(out, window->parquet, &params, detail);
}

static struct plan read_plan(struct window *window)
{
    struct plan plan = {0};
    struct msim_source source;
    struct msim_detail detail;
    struct msim_record records[256];
    size_t count;

    if (open_source(window, NULL, &source, &detail) < 0)
        measure_die("source", detail.text);
    int pulled;
    while ((pulled = msim_source_pull(&source, records, 256, &count, &detail)) >= 0 &&
           pulled != MSIM_PULL_END) {
        if (pulled == MSIM_PULL_EMPTY)
            continue;
        for (size_t i = 0; i < count; i++) {
            if (plan.count > 0 && plan.bundles[plan.count - 1].time == records[i].time) {
                plan.bundles[plan.count - 1].trades++;
                continue;
            }
            if (plan.count == plan.capacity) {
                plan.capacity = plan.capacity ? 2 * plan.capacity : 1024;
                plan.bundles = realloc(plan.bundles, plan.capacity * sizeof *plan.bundles);
                if (!plan.bundles)
                    measure_die("plan", "out of memory");
            }
            plan.bundles[plan.count++] = (struct bundle){records[i].time, 1};
        }
    }
    msim_source_release(&source);
    return plan;
}

/* ---- the floor ---- */

/* Both ends of a TCP connection, as the server's clients have them. */
static void connect_loopback(int ends[2])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int one = 1;
    int door = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ends[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (door < 0 || ends[0] < 0 || bind(door, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(door, 1) < 0 || getsockname(door, (struct sockaddr *)&address, &size) < 0 ||
        connect(ends[0], (struct sockaddr *)&address, sizeof address) < 0 ||
        (ends[1] = accept(door, NULL, NULL)) < 0 ||
        setsockopt(ends[1], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) < 0)
        measure_die("loopback", strerror(errno));
    close(door);
}

static void run_floor(int out, const struct plan *plan, double speed)
{
    static char bytes[1 << 20];
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    msim_time start = read_clock();

    memset(bytes, 'x', sizeof bytes);
    for (size_t i = 0; i < plan->count; i++) {
        double distance = (double)(plan->bundles[i].time - plan->bundles[0].time) / speed;
        msim_time due = start + (msim_time)distance;
        if (due > read_clock()) {
            struct itimerspec when = {
                .it_value = {.tv_sec = due / MSIM_NS_PER_S, .tv_nsec = due % MSIM_NS_PER_S}};
            uint64_t expirations;
            timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL);
            if (read(timer, &expirations, sizeof expirations) < 0)
                _exit(1);
        }
        size_t length = (size_t)plan->bundles[i].trades * TRADE_BYTES;
        if (length > sizeof bytes)
            length = sizeof bytes;
        /* The receiver finds a bundle by its first eight bytes: its length. */
        memcpy(bytes, &length, sizeof length);
        if (send(out, bytes, length, MSG_NOSIGNAL) != (ssize_t)length)
            _exit(1);
    }
    _exit(0);
}

/* ---- the server ---- */

static void run_server(int port_out, struct window *window, struct msim_speed speed)
{
    struct msim_replay_server_params params = MSIM_REPLAY_SERVER_PARAMS_INIT;
    struct msim_replay_server *server = NULL;
    struct msim_replay_stats stats = {0};
    struct msim_detail detail;

    params.open = open_source;
    params.context = window;
    params.host = "127.0.0.1";
    params.speed = speed;
    if (msim_replay_server_create(&server, &params, &detail) < 0)
        measure_die("server", detail.text);
    uint16_t port = msim_replay_server_port(server);
    if (write(port_out, &port, sizeof port) != (ssize_t)sizeof port)
        _exit(1);
    while (stats.finished == 0 || stats.clients > 0) {
        if (msim_replay_server_dispatch(server, 1000) < 0)
            _exit(1);
        msim_replay_server_stats(server, &stats);
    }
    printf("server's own account: lateness p50 %lld us, p99 %lld us, max %lld us\n",
           (long long)stats.lateness_p50 / 1000, (long long)stats.lateness_p99 / 1000,
           (long long)stats.lateness_max / 1000);
    fflush(stdout);
    _exit(0);
}

/* ---- receiving ---- */

struct side {
    const struct plan *plan;
    double speed;
    size_t next;        /* bundle */
    msim_time *offsets; /* of each bundle: arrival minus its distance from the first */
    bool over;
};

static void arrived(struct side *side, msim_time now)
{
    if (side->next >= side->plan->count)
        return;
    const struct bundle *bundle = &side->plan->bundles[side->next];
    double distance = (double)(bundle->time - side->plan->bundles[0].time) / side->speed;
    side->offsets[side->next++] = now - (msim_time)distance;
}

struct feed {
    struct side *side;
    uint32_t left; /* trades of the bundle that have not come */
};

static void take_message(void *context, struct msim_connection *connection,
                         enum msim_message_kind kind, const unsigned char *bytes, size_t length)
{
    struct feed *feed = context;

    (void)connection;
    (void)kind;
    if (length < 14 || memcmp(bytes, "{\"timestamp\": ", 14) != 0)
        return;
    if (feed->left == 0) {
        if (feed->side->next >= feed->side->plan->count)
            return;
        feed->left = feed->side->plan->bundles[feed->side->next].trades;
        arrived(feed->side, read_clock());
    }
    feed->left--;
}

static void closed(void *context, struct msim_connection *connection,
                   const struct msim_closing *closing)
{
    struct feed *feed = context;

    (void)connection;
    if (closing->code != MSIM_CLOSE_NORMAL)
        fprintf(stderr, "replay-pace: the feed closed with %d %s\n", closing->code,
                closing->reason);
    feed->side->over = true;
}

static void read_floor(struct side *side, int fd, size_t *left)
{
    static char bytes[1 << 16];
    ssize_t length = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
    msim_time now = read_clock();

    if (length < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (length <= 0) {
        side->over = true;
        return;
    }
    for (size_t at = 0; at < (size_t)length;) {
        if (*left == 0) {
            memcpy(left, bytes + at, sizeof *left);
            arrived(side, now);
        }
        size_t taken = (size_t)length - at < *left ? (size_t)length - at : *left;
        *left -= taken;
        at += taken;
    }
}

static int ascending(const void *a, const void *b)
{
    msim_time x = *(const msim_time *)a;
    msim_time y = *(const msim_time *)b;

    return (x > y) - (x < y);
}

static void report(const char *name, struct side *side)
{
    msim_time *offsets = side->offsets;
    size_t count = side->next;

    if (count == 0)
        measure_die(name, "nothing came");
    qsort(offsets, count, sizeof *offsets, ascending);
    printf("%-7s %zu bundles, lateness p50 %.1f us, p99 %.1f us, max %.1f us\n", name, count,
           (double)(offsets[count / 2] - offsets[0]) / 1e3,
           (double)(offsets[count * 99 / 100] - offsets[0]) / 1e3,
           (double)(offsets[count - 1] - offsets[0]) / 1e3);
}

static struct side side_of(const struct plan *plan, double speed)
{
    struct side side = {.plan = plan, .speed = speed};

    side.offsets = calloc(plan->count + 1, sizeof *side.offsets);
    if (!side.offsets)
        measure_die("side", "out of memory");
    return side;
}

static void receive(struct msim_net *net, struct side *ours, struct side *floor, int floor_fd)
{
    size_t left = 0;

    while (!ours->over || !floor->over) {
        struct pollfd waits[] = {{.fd = msim_net_fd(net), .events = POLLIN},
                                 {.fd = floor->over ? -1 : floor_fd, .events = POLLIN}};
        if (poll(waits, 2, -1) < 0 && errno != EINTR)
            measure_die("poll", strerror(errno));
        if (waits[1].revents)
            read_floor(floor, floor_fd, &left);
        if (msim_net_dispatch(net, 0) < 0)
            measure_die("receiver", "the event loop failed");
    }
}

int main(int argument_count, char **arguments)
{
    struct msim_speed speed = {1, 1};
    int link[2];
    int ports[2];

    if (argument_count < 2 || (argument_count > 3 && msim_speed_parse(arguments[3], &speed) < 0) ||
        speed.den == 0) {
        fprintf(stderr, "usage: replay-pace FILE.parquet [SECONDS] [SPEED]\n");
        return 2;
    }
    struct window window = {.parquet = open_file(arguments[1])};
    struct msim_parquet_info info;
    msim_parquet_info(window.parquet, &info);
    long seconds = argument_count > 2 ? strtol(arguments[2], NULL, 10) : 30;
    double factor = (double)speed.num / (double)speed.den;
    window.to = info.first + (msim_time)((double)seconds * 1e9 * factor);
    struct plan plan = read_plan(&window);

    if (pipe(ports) < 0)
        measure_die("pipe", strerror(errno));
    connect_loopback(link);
    pid_t server = fork();
    if (server == 0)
        run_server(ports[1], &window, speed);
    uint16_t port;
    if (server < 0 || read(ports[0], &port, sizeof port) != (ssize_t)sizeof port)
        measure_die("server", "it did not start");
    pid_t bare = fork();
    if (bare == 0) {
        close(link[0]);
        run_floor(link[1], &plan, factor);
    }
    close(link[1]);

    struct side ours = side_of(&plan, factor);
    struct side floor = side_of(&plan, factor);
    struct feed feed = {.side = &ours};
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
    params.context = &feed;
    if (msim_net_create(&net, &net_params, &detail) < 0 ||
        msim_net_connect(net, &connection, &params, &detail) < 0)
        measure_die(url, detail.text);
    receive(net, &ours, &floor, link[0]);
    waitpid(server, NULL, 0);
    waitpid(bare, NULL, 0);
    report("floor", &floor);
    report("server", &ours);

    msim_net_destroy(&net);
    msim_parquet_close(&window.parquet);
    free(ours.offsets);
    free(floor.offsets);
    free(plan.bundles);
    return 0;
}
