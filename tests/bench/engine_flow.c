/*
 * Order flows through the engine: messages per second, and what a single call takes.
 *
 *     engine-flow [--ids handles|client] [--accounts on|off] [--events LIST]
 *                 [--batch N] [--repeat N] [--peer PROGRAM]... FILE
 *     engine-flow --memory
 *
 * FILE is flow-make's: each run is held against the trades that its header tells.  A peer is a
 * program that takes the file, runs it through another engine, and prints a line with its
 * `N M/s`; it runs in turn with this one.  --memory tells what orders, client ids and instruments
 * take, and how long a snapshot of 10^6 orders and its restore do.
 */
#include <marketsim/engine.h>

#include "flow_run.h"
#include "measure.h"

#include <inttypes.h>

#define MAX_PEERS 8

struct options {
    struct flow_ways ways;
    int repeat;
    const char *path;
    const char *peers[MAX_PEERS];
    size_t peer_count;
};

struct result {
    struct flow_outcome outcome;
    double seconds;
    double percentile[FLOW_PERCENTILES]; /* nanoseconds */
};

static struct result run_once(const struct flow *flow, const struct flow_ways *ways)
{
    struct flow_driver *driver = flow_engine.create(flow, ways);
    const double second = flow_ticks_a_second();
    const uint64_t taken = flow_engine.run(driver, flow_timed(flow), flow->header.messages);
    const struct result result = {
        .outcome = flow_engine.outcome(driver),
        .seconds = (double)taken / second,
    };

    flow_engine.destroy(driver);
    return result;
}

static struct result run_timed(const struct flow *flow, const struct flow_ways *ways)
{
    const size_t count = flow->header.messages;
    struct flow_driver *driver = flow_engine.create(flow, ways);
    const double second = flow_ticks_a_second();
    uint32_t *taken = malloc(count * sizeof *taken);
    struct result result = {0};

    if (!taken)
        measure_die("times", "out of memory");
    flow_engine.run_timed(driver, flow_timed(flow), count, taken);
    result.outcome = flow_engine.outcome(driver);
    flow_percentiles(taken, count, result.percentile);
    for (int i = 0; i < FLOW_PERCENTILES; i++)
        result.percentile[i] *= 1e9 / second;
    free(taken);
    flow_engine.destroy(driver);
    return result;
}

static _Noreturn void usage(FILE *out, int code)
{
    fputs("Usage: engine-flow " FLOW_WAYS_OPTIONS "\n"
          "                   [--repeat N] [--peer PROGRAM]... FILE\n"
          "       engine-flow --memory\n" FLOW_WAYS_HELP
          "Usually: handles, accounts on, order,trade,fill, batches of 64, once.\n",
          out);
    exit(code);
}

static struct options parse(int count, char **arguments)
{
    struct options options = {.ways = flow_ways_usual(), .repeat = 1};

    for (int i = 1; i < count; i++) {
        const char *value = i + 1 < count ? arguments[i + 1] : "";
        if (strcmp(arguments[i], "--repeat") == 0)
            options.repeat = atoi(value), i++;
        else if (strcmp(arguments[i], "--peer") == 0 && options.peer_count < MAX_PEERS)
            options.peers[options.peer_count++] = value, i++;
        else if (flow_ways_option(&options.ways, arguments[i], value))
            i++;
        else if (arguments[i][0] == '-' || options.path)
            usage(stderr, 1);
        else
            options.path = arguments[i];
    }
    if (!options.path || options.repeat < 1)
        usage(stderr, 1);
    return options;
}

/* What a peer says of the file: millions of messages a second. */
static double run_peer(const char *program, const char *path)
{
    char line[512];
    double rate = 0;

    snprintf(line, sizeof line, "'%s' '%s'", program, path);
    FILE *out = popen(line, "r");
    if (!out || !fgets(line, sizeof line, out))
        measure_die(program, "said nothing");
    pclose(out);
    char *unit = strstr(line, " M/s");
    if (!unit || strstr(line, "WRONG"))
        measure_die(program, "its trades are not the file's, or it told no N M/s");
    *unit = '\0';
    rate = atof(strrchr(line, ' ') ? strrchr(line, ' ') + 1 : line);
    return rate;
}

static void print_peers(const struct options *options, double *rates, double ours)
{
    for (size_t p = 0; p < options->peer_count; p++) {
        double *mine = &rates[p * (size_t)options->repeat];
        const double median = flow_quantile(mine, (size_t)options->repeat, 0.5);
        printf("  %s: %.2f M messages/s; ours is %.2f of it\n", options->peers[p], median,
               ours / median);
    }
}

static struct msim_engine *plain_engine(uint32_t orders, uint32_t client_ids, uint32_t instruments)
{
    struct msim_engine_params params = MSIM_ENGINE_PARAMS_INIT;
    struct msim_engine *engine = NULL;
    struct msim_detail detail = {""};

    params.orders = orders;
    params.client_ids = client_ids;
    if (msim_engine_create(&engine, &params, &detail) < 0 ||
        msim_engine_asset_add(engine, "USD", 0, NULL, &detail) < 0 ||
        msim_engine_asset_add(engine, "BTC", 0, NULL, &detail) < 0)
        measure_die("engine", detail.text);
    for (uint32_t i = 0; i < instruments; i++) {
        struct msim_instrument_params instrument = MSIM_INSTRUMENT_PARAMS_INIT;
        char name[32];
        snprintf(name, sizeof name, "I%u", i);
        instrument.symbol = name;
        instrument.base_asset = 1;
        if (msim_engine_instrument_add(engine, &instrument, NULL, &detail) < 0)
            measure_die("engine", detail.text);
    }
    for (uint32_t i = 0; i < 2000; i++) {
        const struct msim_command command = {.kind = MSIM_COMMAND_DEPOSIT,
                                             .account = i / 2,
                                             .asset = i % 2,
                                             .amount = INT64_C(1000000000000)};
        if (msim_engine_apply(engine, &command) < 0)
            measure_die("engine", "a deposit failed");
    }
    return engine;
}

/* Bids below 20,000 and asks above, of a thousand accounts. */
static void fill_books(struct msim_engine *engine, uint32_t orders, uint32_t instruments,
                       msim_price depth, bool client_ids)
{
    for (uint32_t i = 0; i < orders; i++) {
        const bool sell = i % 2;
        const msim_price away = 1 + (msim_price)(i * UINT64_C(2654435761) % (uint64_t)depth);
        const struct msim_command command = {
            .kind = MSIM_COMMAND_NEW,
            .side = sell ? MSIM_SIDE_SELL : MSIM_SIDE_BUY,
            .type = MSIM_ORDER_LIMIT,
            .instrument = i / 2 % instruments,
            .account = i * 7 % 1000,
            .price = sell ? 20000 + away : 20000 - away,
            .quantity = 1 + i % 100,
            .client_id = client_ids ? i + 1 : 0,
        };
        if (msim_engine_apply(engine, &command) < 0)
            measure_die("engine", "an apply failed");
    }
}

/* What so many more orders take of an engine that was made for them. */
static double each_takes(bool client_ids)
{
    const uint32_t count = 1000000;
    size_t memory[2];

    for (int full = 0; full < 2; full++) {
        const uint32_t orders = full ? count : 1;
        struct msim_engine *engine = plain_engine(orders, 0, 1);
        fill_books(engine, orders, 1, 200, client_ids);
        memory[full] = msim_engine_memory(engine);
        msim_engine_destroy(&engine);
    }
    return (double)(memory[1] - memory[0]) / count;
}

static void print_memory(void)
{
    const double order = each_takes(false);
    const double with_client = each_takes(true);
    struct msim_engine *engine = plain_engine(100000, 0, 1000);
    const size_t before = msim_engine_memory(engine);
    const struct msim_command all = {.kind = MSIM_COMMAND_SET_STATE,
                                     .flags = MSIM_COMMAND_EXPIRE_ORDERS};

    fill_books(engine, 100000, 1000, 16000, false);
    const size_t used = msim_engine_memory(engine);
    for (uint32_t i = 0; i < 1000; i++) {
        struct msim_command command = all;
        command.instrument = i;
        msim_engine_apply(engine, &command);
    }
    printf("a resting order %.1f bytes, with its client id %.1f more; an instrument in use, 16,000 "
           "prices deep %.1f KiB, with an empty book again %.1f KiB\n",
           order, with_client - order, (double)(used - before) / 1000 / 1024,
           ((double)msim_engine_memory(engine) - (double)before) / 1000 / 1024);
    msim_engine_destroy(&engine);
}

/* A million orders in a hundred books. */
static void print_snapshot(void)
{
    struct msim_engine_params params = MSIM_ENGINE_PARAMS_INIT;
    struct msim_engine *engine = plain_engine(1000000, 0, 100);
    struct msim_engine *other = NULL;
    struct msim_detail detail = {""};
    double taken[2][5];
    size_t length = 0;

    fill_books(engine, 1000000, 100, 3000, false);
    msim_engine_snapshot(engine, NULL, 0, &length);
    unsigned char *bytes = malloc(length);
    if (!bytes)
        measure_die("engine", "out of memory");
    memset(bytes, 0, length);
    for (int i = 0; i < 5; i++) {
        const double start = measure_wall();
        if (msim_engine_snapshot(engine, bytes, length, &length) < 0)
            measure_die("engine", "no snapshot");
        const double middle = measure_wall();
        if (msim_engine_restore(&other, &params, bytes, length, &detail) < 0)
            measure_die("engine", detail.text);
        taken[0][i] = middle - start;
        taken[1][i] = measure_wall() - middle;
        msim_engine_destroy(&other);
    }
    printf("10^6 orders: a snapshot of %.1f MB in %.1f ms, restored in %.1f ms\n",
           (double)length / 1e6, flow_quantile(taken[0], 5, 0.5) * 1e3,
           flow_quantile(taken[1], 5, 0.5) * 1e3);
    free(bytes);
    msim_engine_destroy(&engine);
}

/* The middle of the engine's seconds, peers in between; stops where a run is not as expected. */
static double run_in_turn(const struct flow *flow, const struct options *options,
                          struct result *result, double *rates)
{
    const size_t repeat = (size_t)options->repeat;
    double *seconds = calloc(repeat, sizeof *seconds);

    if (!seconds)
        measure_die("times", "out of memory");
    for (size_t i = 0; i < repeat; i++) {
        *result = run_once(flow, &options->ways);
        seconds[i] = result->seconds;
        if (!flow_agrees(flow, &result->outcome))
            break;
        for (size_t p = 0; p < options->peer_count; p++)
            rates[p * repeat + i] = run_peer(options->peers[p], options->path);
    }
    const double median = flow_quantile(seconds, repeat, 0.5);
    free(seconds);
    return median;
}

static void print_unexpected(const struct flow_trades *expected, const struct result *result)
{
    fprintf(stderr,
            "engine-flow: expected trades %" PRIu64 " quantity %" PRIu64 " notional %" PRIu64
            " hash %016" PRIx64 "; %" PRIu64 " commands were refused\n",
            expected->count, expected->quantity, expected->notional, expected->hash,
            result->outcome.refused);
}

int main(int argument_count, char **arguments)
{
    if (argument_count == 2 && strcmp(arguments[1], "--help") == 0)
        usage(stdout, 0);
    if (argument_count == 2 && strcmp(arguments[1], "--memory") == 0) {
        print_memory();
        print_snapshot();
        return 0;
    }
    const struct options options = parse(argument_count, arguments);
    struct flow flow;
    struct result result;
    double *rates = calloc((size_t)options.repeat * MAX_PEERS, sizeof *rates);

    if (!rates)
        measure_die("times", "out of memory");
    flow_load_or_die(&flow, options.path);
    const double median = run_in_turn(&flow, &options, &result, rates);
    const double rate = (double)flow.header.messages / median / 1e6;
    const struct flow_trades *trades = &result.outcome.trades;
    struct result single = result;
    if (flow_agrees(&flow, &result.outcome))
        single = run_timed(&flow, &options.ways);
    const bool good = flow_agrees(&flow, &single.outcome);

    printf("%s ids=%s accounts=%s: %.2f M messages/s, p50 %.0f ns, p99 %.0f ns, p99.9 %.0f ns, "
           "%.1f MB; trades %" PRIu64 " quantity %" PRIu64 " notional %" PRIu64 " hash %016" PRIx64
           " %s\n",
           options.path, options.ways.client_ids ? "client" : "handles",
           options.ways.accounts_off ? "off" : "on", rate, single.percentile[0],
           single.percentile[1], single.percentile[2], (double)result.outcome.memory / 1e6,
           trades->count, trades->quantity, trades->notional, trades->hash,
           good ? "as expected" : "NOT AS EXPECTED");
    if (good)
        print_peers(&options, rates, rate);
    else
        print_unexpected(&flow.header.trades, &single);
    flow_free(&flow);
    free(rates);
    return good ? 0 : 1;
}
