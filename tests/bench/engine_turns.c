/*
 * The engine and its peers by turns in one process: what one's speed is to another's on a machine
 * whose own speed changes from one second to the next.
 *
 *     engine-turns [--ids handles|client] [--accounts on|off] [--events LIST] [--batch N]
 *                  [--chunk N] [--repeat N] [--latency] --peer MODULE... FILE
 *
 * FILE is flow-make's.  Each engine does the same `chunk` messages, then each the next ones; who
 * begins changes from turn to turn.  A turn has one ratio to each peer, and what is told is their
 * middle with its quartiles.  With --latency each call is timed on its own instead.
 *
 * A MODULE is a shared object as flow_engine.h has it.  This engine is one too: engine-module.so
 * of another commit's build can be the peer.
 */
#include "flow_run.h"
#include "measure.h"

#include <dlfcn.h>
#include <inttypes.h>

#define MAX_PEERS 7

struct options {
    struct flow_ways ways;
    uint64_t chunk;
    size_t repeat;
    bool latency;
    const char *path;
    const char *peers[MAX_PEERS];
    size_t peer_count;
};

struct entrant {
    const char *name;
    void *module; /* NULL: our own */
    const struct flow_engine *engine;
    struct flow_driver *driver;            /* while the flow runs */
    double *turns;                         /* ticks of each, of one repeat after the other */
    uint32_t *taken;                       /* ticks of each message, with --latency */
    double *percentiles[FLOW_PERCENTILES]; /* ticks, of each repeat */
};

struct race {
    const struct flow *flow;
    const struct options *options;
    struct entrant entrants[1 + MAX_PEERS]; /* ours is the first */
    size_t entrant_count;
    size_t turn_count; /* of one repeat */
};

static const struct flow_engine *open_peer(const char *path, void **module)
{
    char *whole = realpath(path, NULL);
    if (!whole)
        measure_die(path, strerror(errno));
    *module = dlopen(whole, RTLD_NOW | RTLD_LOCAL);
    free(whole);
    if (!*module)
        measure_die(path, dlerror());
    const struct flow_engine *engine = dlsym(*module, "flow_engine");
    if (!engine || engine->version != FLOW_ENGINE_VERSION)
        measure_die(path, "no flow_engine of this version in it: build it again");
    return engine;
}

static void *need(size_t count, size_t size)
{
    void *block = calloc(count, size);
    if (!block)
        measure_die("times", "out of memory");
    return block;
}

static void open_race(struct race *race, const struct flow *flow, const struct options *options)
{
    *race = (struct race){
        .flow = flow,
        .options = options,
        .entrant_count = 1 + options->peer_count,
        .turn_count = (size_t)((flow->header.messages + options->chunk - 1) / options->chunk),
    };
    for (size_t i = 0; i < race->entrant_count; i++) {
        struct entrant *entrant = &race->entrants[i];
        entrant->name = i == 0 ? flow_engine.name : options->peers[i - 1];
        entrant->engine = i == 0 ? &flow_engine : open_peer(entrant->name, &entrant->module);
        entrant->turns = need(race->turn_count * options->repeat, sizeof *entrant->turns);
        for (int p = 0; p < FLOW_PERCENTILES && options->latency; p++)
            entrant->percentiles[p] = need(options->repeat, sizeof *entrant->percentiles[p]);
        if (options->latency)
            entrant->taken = need(flow->header.messages, sizeof *entrant->taken);
    }
}

static void close_race(struct race *race)
{
    for (size_t i = 0; i < race->entrant_count; i++) {
        struct entrant *entrant = &race->entrants[i];
        free(entrant->turns);
        free(entrant->taken);
        for (int p = 0; p < FLOW_PERCENTILES; p++)
            free(entrant->percentiles[p]);
        if (entrant->module)
            dlclose(entrant->module);
    }
}

static void take_turn(const struct race *race, struct entrant *entrant, size_t turn, double *ticks)
{
    const uint64_t done = turn * race->options->chunk;
    const uint64_t left = race->flow->header.messages - done;
    const uint64_t count = left < race->options->chunk ? left : race->options->chunk;
    const struct flow_message *messages = flow_timed(race->flow) + done;

    if (race->options->latency)
        entrant->engine->run_timed(entrant->driver, messages, count, entrant->taken + done);
    else
        *ticks = (double)entrant->engine->run(entrant->driver, messages, count);
}

/* What the flow brought about is held against its header; the engine goes. */
static bool finish(const struct race *race, struct entrant *entrant, size_t repeat)
{
    const struct flow_outcome outcome = entrant->engine->outcome(entrant->driver);
    const bool good = flow_agrees(race->flow, &outcome);
    double percentiles[FLOW_PERCENTILES];

    if (!good)
        fprintf(stderr, "engine-turns: %s: its trades are not the file's\n", entrant->name);
    if (race->options->latency) {
        flow_percentiles(entrant->taken, race->flow->header.messages, percentiles);
        for (int p = 0; p < FLOW_PERCENTILES; p++)
            entrant->percentiles[p][repeat] = percentiles[p];
    }
    entrant->engine->destroy(entrant->driver);
    entrant->driver = NULL;
    return good;
}

static bool run_once(struct race *race, size_t repeat)
{
    const size_t count = race->entrant_count;
    bool good = true;

    for (size_t i = 0; i < count; i++)
        race->entrants[i].driver =
            race->entrants[i].engine->create(race->flow, &race->options->ways);
    for (size_t turn = 0; turn < race->turn_count; turn++)
        for (size_t i = 0; i < count; i++) {
            struct entrant *entrant = &race->entrants[(turn + i) % count];
            take_turn(race, entrant, turn, &entrant->turns[repeat * race->turn_count + turn]);
        }
    for (size_t i = 0; i < count; i++)
        good = finish(race, &race->entrants[i], repeat) && good;
    return good;
}

static void print_speeds(const struct race *race, double ticks_a_second)
{
    const size_t count = race->turn_count * race->options->repeat;
    const double messages = (double)(race->flow->header.messages * race->options->repeat);
    double *ratios = need(count, sizeof *ratios);

    for (size_t i = 0; i < race->entrant_count; i++) {
        const struct entrant *entrant = &race->entrants[i];
        double ticks = 0;
        for (size_t turn = 0; turn < count; turn++) {
            ticks += entrant->turns[turn];
            ratios[turn] = entrant->turns[turn] / race->entrants[0].turns[turn];
        }
        printf("  %s: %.2f M messages/s", entrant->name, messages / (ticks / ticks_a_second) / 1e6);
        if (i > 0)
            printf("; ours is %.3f of it, quartiles %.3f and %.3f",
                   flow_quantile(ratios, count, 0.5), flow_quantile(ratios, count, 0.25),
                   flow_quantile(ratios, count, 0.75));
        putchar('\n');
    }
    free(ratios);
}

static void print_latencies(const struct race *race, double ticks_a_second)
{
    const double ns = 1e9 / ticks_a_second;
    const size_t repeat = race->options->repeat;

    for (size_t i = 0; i < race->entrant_count; i++) {
        const struct entrant *entrant = &race->entrants[i];
        printf("  %s: p50 %.0f ns, p99 %.0f ns, p99.9 %.0f ns\n", entrant->name,
               flow_quantile(entrant->percentiles[0], repeat, 0.5) * ns,
               flow_quantile(entrant->percentiles[1], repeat, 0.5) * ns,
               flow_quantile(entrant->percentiles[2], repeat, 0.5) * ns);
    }
}

static _Noreturn void usage(FILE *out, int code)
{
    fputs("Usage: engine-turns " FLOW_WAYS_OPTIONS "\n"
          "                    [--chunk N] [--repeat N] [--latency] --peer MODULE... "
          "FILE\n" FLOW_WAYS_HELP
          "Usually: handles, accounts on, order,trade,fill, batches of 64, turns of 100000\n"
          "messages, once through the flow.\n",
          out);
    exit(code);
}

static struct options parse(int count, char **arguments)
{
    struct options options = {.ways = flow_ways_usual(), .chunk = 100000, .repeat = 1};

    for (int i = 1; i < count; i++) {
        const char *value = i + 1 < count ? arguments[i + 1] : "";
        if (strcmp(arguments[i], "--chunk") == 0)
            options.chunk = strtoull(value, NULL, 10), i++;
        else if (strcmp(arguments[i], "--repeat") == 0)
            options.repeat = strtoull(value, NULL, 10), i++;
        else if (strcmp(arguments[i], "--latency") == 0)
            options.latency = true;
        else if (strcmp(arguments[i], "--peer") == 0 && options.peer_count < MAX_PEERS)
            options.peers[options.peer_count++] = value, i++;
        else if (flow_ways_option(&options.ways, arguments[i], value))
            i++;
        else if (arguments[i][0] == '-' || options.path)
            usage(stderr, 1);
        else
            options.path = arguments[i];
    }
    if (!options.path || options.peer_count == 0 || options.chunk < 1 ||
        options.chunk > UINT32_MAX || options.repeat < 1 || options.repeat > 1000)
        usage(stderr, 1);
    return options;
}

int main(int argument_count, char **arguments)
{
    if (argument_count == 2 && strcmp(arguments[1], "--help") == 0)
        usage(stdout, 0);
    const struct options options = parse(argument_count, arguments);
    struct flow flow;
    struct race race;
    bool good = true;

    flow_load_or_die(&flow, options.path);
    open_race(&race, &flow, &options);
    const double second = flow_ticks_a_second();
    for (size_t i = 0; i < options.repeat && good; i++)
        good = run_once(&race, i);
    if (good) {
        printf("%s ids=%s accounts=%s: %zu turns of %" PRIu64 " messages, %zu times\n",
               options.path, options.ways.client_ids ? "client" : "handles",
               options.ways.accounts_off ? "off" : "on", race.turn_count, options.chunk,
               options.repeat);
        (options.latency ? print_latencies : print_speeds)(&race, second);
    }
    close_race(&race);
    flow_free(&flow);
    return good ? 0 : 1;
}
