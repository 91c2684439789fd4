#define _GNU_SOURCE /* clock_gettime, sysconf */
#include "server/metrics.h"

#include <inttypes.h>
#include <marketsim/version.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A histogram's buckets end below these powers of two, in nanoseconds: 4 us to 17 s. */
#define LEAST_POWER 12
#define MOST_POWER 34

#define LINE_MAX 512

static void put(struct msim_metrics *metrics, const char *text, size_t length)
{
    if (metrics->failure == MSIM_OK)
        metrics->failure = msim_bytes_append(metrics->out, text, length);
}

static void print(struct msim_metrics *metrics, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void print(struct msim_metrics *metrics, const char *format, ...)
{
    char line[LINE_MAX];
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (length < 0 || length >= (int)sizeof line)
        metrics->failure = MSIM_ERR_LIMIT;
    else
        put(metrics, line, (size_t)length);
}

static void head(struct msim_metrics *metrics, const char *kind, const char *name, const char *help)
{
    metrics->name = name;
    print(metrics, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind);
}

void msim_metrics_family(struct msim_metrics *metrics, enum msim_metric_kind kind, const char *name,
                         const char *help)
{
    head(metrics, kind == MSIM_METRIC_COUNTER ? "counter" : "gauge", name, help);
}

/* Backslashes, quotes and line ends are escaped. */
static void put_value(struct msim_metrics *metrics, const char *text)
{
    for (;;) {
        size_t length = strcspn(text, "\\\"\n");
        put(metrics, text, length);
        text += length;
        if (*text == '\0')
            return;
        put(metrics, *text == '\n' ? "\\n" : *text == '"' ? "\\\"" : "\\\\", 2);
        text++;
    }
}

void msim_metrics_sample(struct msim_metrics *metrics, const struct msim_metric_label *labels,
                         size_t count, uint64_t value)
{
    put(metrics, metrics->name, strlen(metrics->name));
    for (size_t i = 0; i < count; i++) {
        print(metrics, "%s%s=\"", i == 0 ? "{" : ",", labels[i].name);
        put_value(metrics, labels[i].value);
        put(metrics, "\"", 1);
    }
    print(metrics, "%s %" PRIu64 "\n", count > 0 ? "}" : "", value);
}

void msim_metrics_counter(struct msim_metrics *metrics, const char *name, const char *help,
                          uint64_t value)
{
    msim_metrics_family(metrics, MSIM_METRIC_COUNTER, name, help);
    msim_metrics_sample(metrics, NULL, 0, value);
}

void msim_metrics_gauge(struct msim_metrics *metrics, const char *name, const char *help,
                        uint64_t value)
{
    msim_metrics_family(metrics, MSIM_METRIC_GAUGE, name, help);
    msim_metrics_sample(metrics, NULL, 0, value);
}

/* Nanoseconds as seconds. */
static void print_seconds(struct msim_metrics *metrics, const char *before, uint64_t ns,
                          const char *behind)
{
    print(metrics, "%s%" PRIu64 ".%09" PRIu64 "%s", before, ns / (uint64_t)MSIM_NS_PER_S,
          ns % (uint64_t)MSIM_NS_PER_S, behind);
}

void msim_metrics_histogram(struct msim_metrics *metrics, const char *name, const char *help,
                            const struct msim_histogram *histogram)
{
    char before[128];

    head(metrics, "histogram", name, help);
    snprintf(before, sizeof before, "%.80s_bucket{le=\"", name);
    for (unsigned power = LEAST_POWER; power <= MOST_POWER; power++) {
        print_seconds(metrics, before, (UINT64_C(1) << power) - 1, "\"}");
        print(metrics, " %" PRIu64 "\n", msim_histogram_below(histogram, power));
    }
    print(metrics, "%s+Inf\"} %" PRIu64 "\n", before, histogram->count);
    snprintf(before, sizeof before, "%.80s_sum ", name);
    print_seconds(metrics, before, histogram->sum, "\n");
    print(metrics, "%s_count %" PRIu64 "\n", name, histogram->count);
}

/* ---- what every server has ---- */

/* Bytes of memory that the process has in use; 0 where the system does not say. */
static uint64_t resident_bytes(void)
{
    unsigned long pages = 0;
    long page_size = sysconf(_SC_PAGESIZE);

    FILE *file = fopen("/proc/self/statm", "re");
    if (!file)
        return 0;
    if (fscanf(file, "%*s %lu", &pages) != 1)
        pages = 0;
    fclose(file);
    return page_size > 0 ? (uint64_t)pages * (uint64_t)page_size : 0;
}

static void process(struct msim_metrics *metrics)
{
    struct timespec used = {0, 0};

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    head(metrics, "counter", "process_cpu_seconds_total", "Processor time that was used.");
    print_seconds(metrics, "process_cpu_seconds_total ",
                  (uint64_t)used.tv_sec * (uint64_t)MSIM_NS_PER_S + (uint64_t)used.tv_nsec, "\n");
    msim_metrics_gauge(metrics, "process_resident_memory_bytes", "Memory in use.",
                       resident_bytes());
}

static void transport(struct msim_metrics *metrics, const struct msim_net *net)
{
    struct msim_net_stats stats = {0};
    msim_net_stats(net, &stats);
    const struct {
        const char *name;
        const char *help;
        uint64_t value;
    } counters[] = {
        {"marketsim_net_accepted_total", "Connections accepted.", stats.accepted},
        {"marketsim_net_turned_away_total", "Connections closed at once for want of room.",
         stats.turned_away},
        {"marketsim_net_requests_total", "Requests read, handshakes of WebSockets with them.",
         stats.requests},
        {"marketsim_net_refused_total", "Requests that the transport refused.", stats.refused},
        {"marketsim_net_websockets_total", "WebSockets opened.", stats.websockets},
        {"marketsim_net_received_bytes_total", "Bytes received.", stats.bytes_received},
        {"marketsim_net_sent_bytes_total", "Bytes that the system took.", stats.bytes_sent},
        {"marketsim_net_messages_received_total", "WebSocket messages received.",
         stats.messages_received},
        {"marketsim_net_messages_sent_total", "WebSocket messages queued for one client.",
         stats.messages_sent},
        {"marketsim_net_messages_dropped_total", "Messages let go for slow clients.",
         stats.dropped},
        {"marketsim_net_slow_clients_total", "Clients closed for being slow.", stats.slow},
    };

    msim_metrics_gauge(metrics, "marketsim_net_connections", "Connections that are open.",
                       stats.connections);
    for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++)
        msim_metrics_counter(metrics, counters[i].name, counters[i].help, counters[i].value);
}

void msim_metrics_common(struct msim_metrics *metrics, const struct msim_net *net)
{
    const struct msim_metric_label version = {"version", msim_version()};

    msim_metrics_family(metrics, MSIM_METRIC_GAUGE, "marketsim_build_info",
                        "The library's version, as a label.");
    msim_metrics_sample(metrics, &version, 1, 1);
    process(metrics);
    transport(metrics, net);
}
