#include "flow_run.h"

#include <marketsim/engine.h>

#include "measure.h"

struct flow_ways flow_ways_usual(void)
{
    return (struct flow_ways){
        .events = MSIM_EVENTS_ORDER | MSIM_EVENTS_TRADE | MSIM_EVENTS_FILL,
        .batch = 64,
    };
}

/* False: a name that is none. */
static bool read_events(const char *list, uint32_t *out)
{
    static const struct {
        const char *name;
        uint32_t events;
    } known[] = {
        {"order", MSIM_EVENTS_ORDER},       {"trade", MSIM_EVENTS_TRADE},
        {"fill", MSIM_EVENTS_FILL},         {"level", MSIM_EVENTS_LEVEL},
        {"book", MSIM_EVENTS_BOOK_ORDER},   {"balance", MSIM_EVENTS_BALANCE},
        {"position", MSIM_EVENTS_POSITION}, {"all", MSIM_EVENTS_ALL},
    };
    /* Slots come with ACCEPTED, and the hash with TRADE. */
    uint32_t events = MSIM_EVENTS_ORDER | MSIM_EVENTS_TRADE;

    while (*list) {
        const size_t length = strcspn(list, ",");
        size_t i = 0;
        while (i < sizeof known / sizeof known[0] &&
               (strlen(known[i].name) != length || strncmp(known[i].name, list, length) != 0))
            i++;
        if (i == sizeof known / sizeof known[0])
            return false;
        events |= known[i].events;
        list += length + (list[length] == ',');
    }
    *out = events;
    return true;
}

/* One of two words, the second of which sets. */
static bool read_choice(const char *value, const char *usual, const char *other, bool *out)
{
    *out = strcmp(value, other) == 0;
    return *out || strcmp(value, usual) == 0;
}

bool flow_ways_option(struct flow_ways *ways, const char *option, const char *value)
{
    if (strcmp(option, "--ids") == 0)
        return read_choice(value, "handles", "client", &ways->client_ids);
    if (strcmp(option, "--accounts") == 0)
        return read_choice(value, "on", "off", &ways->accounts_off);
    if (strcmp(option, "--events") == 0)
        return read_events(value, &ways->events);
    if (strcmp(option, "--batch") == 0) {
        ways->batch = strtoull(value, NULL, 10);
        return ways->batch >= 1 && ways->batch <= FLOW_MAX_BATCH;
    }
    return false;
}

void flow_load_or_die(struct flow *flow, const char *path)
{
    const char *wrong = flow_load(flow, path);

    if (wrong)
        measure_die(path, wrong);
}

static int compare_double(const void *a, const void *b)
{
    const double left = *(const double *)a;
    const double right = *(const double *)b;
    return left < right ? -1 : left > right;
}

double flow_quantile(double *values, size_t count, double share)
{
    qsort(values, count, sizeof *values, compare_double);
    return values[(size_t)(share * (double)count)];
}

static int compare(const void *a, const void *b)
{
    const uint32_t left = *(const uint32_t *)a;
    const uint32_t right = *(const uint32_t *)b;
    return left < right ? -1 : left > right;
}

void flow_percentiles(uint32_t *taken, size_t count, double percentile[FLOW_PERCENTILES])
{
    static const double shares[FLOW_PERCENTILES] = {0.5, 0.99, 0.999};

    qsort(taken, count, sizeof *taken, compare);
    for (int i = 0; i < FLOW_PERCENTILES; i++)
        percentile[i] = taken[(size_t)(shares[i] * (double)count)];
}
