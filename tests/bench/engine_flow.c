/*
 * Order flows through the engine: messages per second, and what a single call takes.
 *
 *     engine-flow [--ids handles|client] [--accounts on|off] [--events LIST]
 *                 [--batch N] [--repeat N] [--peer PROGRAM]... FILE
 *     engine-flow --memory
 *
 * A peer is a program that takes the file, runs it through another engine, and
 * prints a line with its `N M/s`; it runs in turn with this one.  --memory tells
 * what orders, client ids and instruments take, and how long a snapshot of 10^6
 * orders and its restore do.
 *
 * FILE is a flow: a header with the trades that it must bring about, the messages
 * that fill the books, and those that are timed.  Only the engine's calls are
 * timed: messages become commands, and events are read, between them.
 */
#define _GNU_SOURCE
#include <marketsim/engine.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#define MAX_BATCH 4096
#define MAX_PEERS 8
#define HUGE_PAGE ((size_t)2 << 20)

/* The file: this header, then 32 bytes a message. */
struct flow_header {
    char magic[8];
    uint64_t messages, prefill, symbols, accounts, max_id, depth, seed;
    uint64_t trades, quantity, notional, hash, of_type[4], resting_end;
};

enum flow_type {
    FLOW_LIMIT = 0,
    FLOW_MARKET = 1,
    FLOW_CANCEL = 2,
    FLOW_REPLACE = 3,
};

struct flow_message {
    uint64_t id;
    uint32_t price;
    uint32_t quantity;
    uint16_t symbol;
    uint8_t type;
    uint8_t side;
    uint32_t account;
    uint64_t reserved;
};

struct options {
    bool client_ids;
    bool accounts_off;
    uint32_t events;
    size_t batch;
    int repeat;
    const char *path;
    const char *peers[MAX_PEERS];
    size_t peer_count;
};

struct flow {
    struct flow_header header;
    struct flow_message *messages;
};

struct result {
    uint64_t trades;
    uint64_t quantity;
    uint64_t notional;
    uint64_t hash;
    uint64_t rejects;
    double seconds;
    double percentile[3];
    size_t memory;
};

struct run {
    const struct flow *flow;
    const struct options *options;
    struct msim_engine *engine;
    uint32_t *slots; /* by the flow's id, which is the engine's */
    struct msim_command commands[MAX_BATCH];
    struct result result;
};

/* Large blocks on huge pages where the system has them, touched before the clock runs. */
static void *huge_resize(void *context, void *pointer, size_t old_size, size_t new_size)
{
    (void)context;
    if (new_size == 0) {
        free(pointer);
        return NULL;
    }
    if (new_size < HUGE_PAGE && (!pointer || old_size < HUGE_PAGE))
        return realloc(pointer, new_size);
    const size_t rounded = (new_size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    void *block = aligned_alloc(HUGE_PAGE, rounded);
    if (!block)
        return NULL;
    madvise(block, rounded, MADV_HUGEPAGE);
    for (size_t at = 0; at < rounded; at += 4096)
        ((volatile char *)block)[at] = 0;
    if (pointer) {
        memcpy(block, pointer, old_size < new_size ? old_size : new_size);
        free(pointer);
    }
    return block;
}

static uint64_t ticks(void)
{
#if defined(__x86_64__)
    unsigned processor;
    return __rdtscp(&processor);
#else
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
#endif
}

static double now_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static double ticks_per_ns(void)
{
    const double start = now_seconds();
    const uint64_t first = ticks();
    while (now_seconds() - start < 0.05)
        continue;
    return (double)(ticks() - first) / ((now_seconds() - start) * 1e9);
}

static void fail(const char *what)
{
    fprintf(stderr, "engine-flow: %s\n", what);
    exit(1);
}

static void load(struct flow *flow, const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file || fread(&flow->header, sizeof flow->header, 1, file) != 1) {
        fprintf(stderr, "engine-flow: %s: %s\n", path, file ? "no flow" : strerror(errno));
        exit(1);
    }
    const uint64_t count = flow->header.messages + flow->header.prefill;
    if (memcmp(flow->header.magic, "OFLOW1\0", 8) != 0 || count > SIZE_MAX / 64)
        fail("not an order flow");
    flow->messages = malloc(count * sizeof *flow->messages);
    if (!flow->messages || fread(flow->messages, sizeof *flow->messages, count, file) != count)
        fail("the flow is cut short");
    fclose(file);
}

static void deposit(struct run *run, uint32_t account, uint32_t asset, int64_t amount)
{
    const struct msim_command command = {
        .kind = MSIM_COMMAND_DEPOSIT, .account = account, .asset = asset, .amount = amount};
    if (msim_engine_apply(run->engine, &command) < 0)
        fail("a deposit failed");
}

static void set_up(struct run *run)
{
    static const struct msim_allocator huge = {.resize = huge_resize};
    const struct flow_header *header = &run->flow->header;
    struct msim_engine_params params = MSIM_ENGINE_PARAMS_INIT;
    struct msim_detail detail;
    uint32_t quote;

    params.orders = (uint32_t)(header->prefill * 5 / 4 + 4096);
    params.client_ids = run->options->client_ids ? (uint32_t)header->max_id : 0;
    params.events = run->options->events;
    params.accounts = run->options->accounts_off ? MSIM_ACCOUNTS_OFF : MSIM_ACCOUNTS_ON;
    params.allocator = &huge;
    if (msim_engine_create(&run->engine, &params, &detail) < 0 ||
        msim_engine_asset_add(run->engine, "USD", -2, &quote, &detail) < 0)
        fail(detail.text);
    for (uint32_t i = 0; i < header->symbols; i++) {
        struct msim_instrument_params instrument = MSIM_INSTRUMENT_PARAMS_INIT;
        char name[32];
        uint32_t id;
        snprintf(name, sizeof name, "A%u", i);
        instrument.symbol = name;
        instrument.price_exponent = -2;
        instrument.maker_fee = 100;
        instrument.taker_fee = 400;
        if (msim_engine_asset_add(run->engine, name, 0, &instrument.base_asset, &detail) < 0 ||
            msim_engine_instrument_add(run->engine, &instrument, &id, &detail) < 0)
            fail(detail.text);
    }
    for (uint32_t account = 0; account < header->accounts && !run->options->accounts_off;
         account++) {
        deposit(run, account, quote, INT64_C(1000000000000000));
        for (uint32_t i = 0; i < header->symbols; i++)
            deposit(run, account, 1 + i, INT64_C(1000000000000));
    }
}

static struct msim_command translate(const struct run *run, const struct flow_message *message)
{
    const bool by_client = run->options->client_ids;
    struct msim_command command = {
        .kind = MSIM_COMMAND_NEW,
        .side = (uint8_t)(message->side + MSIM_SIDE_BUY),
        .type = MSIM_ORDER_LIMIT,
        .instrument = message->symbol,
        .account = message->account,
        .price = message->price,
        .quantity = message->quantity,
        .client_id = by_client ? message->id : 0,
    };

    if (message->type == FLOW_MARKET) {
        command.type = MSIM_ORDER_MARKET;
        command.price = 0;
    } else if (message->type != FLOW_LIMIT) {
        const bool cancel = message->type == FLOW_CANCEL;
        command.kind = cancel ? MSIM_COMMAND_CANCEL : MSIM_COMMAND_REPLACE;
        command.flags = cancel ? 0 : MSIM_COMMAND_OPEN_QUANTITY;
        if (!by_client) {
            command.order = message->id;
            if (run->slots[message->id])
                command.handle = message->id << 32 | run->slots[message->id];
        }
    }
    return command;
}

static uint64_t hash_more(uint64_t hash, uint64_t maker, uint64_t price, uint64_t quantity)
{
    hash ^= maker + (price << 40) + (quantity << 24);
    return hash * UINT64_C(0x9E3779B97F4A7C15);
}

static void read_events(struct run *run)
{
    struct result *result = &run->result;
    size_t count;
    const struct msim_event *event = msim_engine_events(run->engine, &count);

    for (; count > 0; count--, event++) {
        switch (event->kind) {
        case MSIM_EVENT_ACCEPTED:
            run->slots[event->order] = event->slot;
            break;
        case MSIM_EVENT_TRADE:
            result->trades++;
            result->quantity += (uint64_t)event->as.trade.quantity;
            result->notional += (uint64_t)event->as.trade.notional;
            result->hash =
                hash_more(result->hash, event->as.trade.maker_order,
                          (uint64_t)event->as.trade.price, (uint64_t)event->as.trade.quantity);
            break;
        case MSIM_EVENT_REJECTED:
            /* A market order that met an empty book: the flow counts it as done. */
            if (event->code != MSIM_REJECT_NO_LIQUIDITY)
                result->rejects++;
            break;
        default:
            break;
        }
    }
}

/* Returns the ticks that the engine's calls took. */
static uint64_t pass(struct run *run, uint64_t from, uint64_t count, size_t batch)
{
    uint64_t total = 0;

    for (uint64_t done = 0; done < count;) {
        const size_t size = count - done < batch ? (size_t)(count - done) : batch;
        size_t applied;
        for (size_t i = 0; i < size; i++)
            run->commands[i] = translate(run, &run->flow->messages[from + done + i]);
        const uint64_t start = ticks();
        const int r = msim_engine_apply_many(run->engine, run->commands, size, &applied);
        total += ticks() - start;
        if (r < 0 || applied != size)
            fail("an apply failed");
        read_events(run);
        done += size;
    }
    return total;
}

static int compare(const void *a, const void *b)
{
    const uint32_t left = *(const uint32_t *)a;
    const uint32_t right = *(const uint32_t *)b;
    return left < right ? -1 : left > right;
}

/* Each call on its own between two readings of the clock. */
static void pass_timed(struct run *run, uint64_t from, uint64_t count, double scale)
{
    uint32_t *taken = malloc(count * sizeof *taken);
    if (!taken)
        fail("out of memory");
    for (uint64_t i = 0; i < count; i++) {
        run->commands[0] = translate(run, &run->flow->messages[from + i]);
        const uint64_t start = ticks();
        const int r = msim_engine_apply(run->engine, &run->commands[0]);
        const uint64_t end = ticks();
        if (r < 0)
            fail("an apply failed");
        taken[i] = (uint32_t)(end - start);
        read_events(run);
    }
    qsort(taken, count, sizeof *taken, compare);
    const double share[3] = {0.5, 0.99, 0.999};
    for (int i = 0; i < 3; i++)
        run->result.percentile[i] = taken[(uint64_t)(share[i] * (double)count)] / scale;
    free(taken);
}

static void run_once(const struct flow *flow, const struct options *options, bool timed,
                     struct result *result)
{
    struct run *run = calloc(1, sizeof *run);
    if (!run || !(run->slots = calloc(flow->header.max_id + 2, sizeof *run->slots)))
        fail("out of memory");
    run->flow = flow;
    run->options = options;
    set_up(run);
    const double scale = ticks_per_ns();
    pass(run, 0, flow->header.prefill, options->batch);
    run->result = (struct result){0};
    if (timed)
        pass_timed(run, flow->header.prefill, flow->header.messages, scale);
    else
        run->result.seconds =
            (double)pass(run, flow->header.prefill, flow->header.messages, options->batch) / scale *
            1e-9;
    run->result.memory = msim_engine_memory(run->engine);
    *result = run->result;
    msim_engine_destroy(&run->engine);
    free(run->slots);
    free(run);
}

static bool agrees(const struct flow_header *header, const struct result *result)
{
    return result->trades == header->trades && result->quantity == header->quantity &&
           result->notional == header->notional && result->hash == header->hash &&
           result->rejects == 0;
}

static uint32_t events_of(const char *list)
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
    uint32_t events = 0;

    while (*list) {
        const size_t length = strcspn(list, ",");
        size_t i = 0;
        while (i < sizeof known / sizeof known[0] &&
               (strlen(known[i].name) != length || strncmp(known[i].name, list, length) != 0))
            i++;
        if (i == sizeof known / sizeof known[0])
            fail("--events takes order,trade,fill,level,book,balance,position or all");
        events |= known[i].events;
        list += length + (list[length] == ',');
    }
    /* Slots come with ACCEPTED, and the hash with TRADE. */
    return events | MSIM_EVENTS_ORDER | MSIM_EVENTS_TRADE;
}

static _Noreturn void usage(FILE *out, int code)
{
    fputs("Usage: engine-flow [--ids handles|client] [--accounts on|off] [--events LIST]\n"
          "                   [--batch 1..4096] [--repeat N] [--peer PROGRAM]... FILE\n"
          "       engine-flow --memory\n"
          "LIST: all, or some of order,trade,fill,level,book,balance,position with commas.\n"
          "Usually: handles, accounts on, order,trade,fill, batches of 64, once.\n",
          out);
    exit(code);
}

static struct options parse(int count, char **arguments)
{
    struct options options = {
        .events = MSIM_EVENTS_ORDER | MSIM_EVENTS_TRADE | MSIM_EVENTS_FILL,
        .batch = 64,
        .repeat = 1,
    };
    for (int i = 1; i < count; i++) {
        const char *value = i + 1 < count ? arguments[i + 1] : "";
        if (strcmp(arguments[i], "--ids") == 0)
            options.client_ids = strcmp(value, "client") == 0, i++;
        else if (strcmp(arguments[i], "--accounts") == 0)
            options.accounts_off = strcmp(value, "off") == 0, i++;
        else if (strcmp(arguments[i], "--events") == 0)
            options.events = events_of(value), i++;
        else if (strcmp(arguments[i], "--batch") == 0)
            options.batch = strtoull(value, NULL, 10), i++;
        else if (strcmp(arguments[i], "--repeat") == 0)
            options.repeat = atoi(value), i++;
        else if (strcmp(arguments[i], "--peer") == 0 && options.peer_count < MAX_PEERS)
            options.peers[options.peer_count++] = value, i++;
        else if (arguments[i][0] == '-' || options.path)
            usage(stderr, 1);
        else
            options.path = arguments[i];
    }
    if (!options.path || options.batch == 0 || options.batch > MAX_BATCH || options.repeat < 1)
        usage(stderr, 1);
    return options;
}

static int compare_double(const void *a, const void *b)
{
    const double left = *(const double *)a;
    const double right = *(const double *)b;
    return left < right ? -1 : left > right;
}

/* What a peer says of the file: millions of messages a second. */
static double run_peer(const char *program, const char *path)
{
    char line[512];
    double rate = 0;

    snprintf(line, sizeof line, "'%s' '%s'", program, path);
    FILE *out = popen(line, "r");
    if (!out || !fgets(line, sizeof line, out))
        fail("a peer said nothing");
    pclose(out);
    char *unit = strstr(line, " M/s");
    if (!unit || strstr(line, "WRONG"))
        fail("a peer's trades are not the file's, or it told no N M/s");
    *unit = '\0';
    rate = atof(strrchr(line, ' ') ? strrchr(line, ' ') + 1 : line);
    return rate;
}

static void print_peers(const struct options *options, double *rates, double ours)
{
    for (size_t p = 0; p < options->peer_count; p++) {
        double *mine = &rates[p * (size_t)options->repeat];
        qsort(mine, (size_t)options->repeat, sizeof *mine, compare_double);
        const double median = mine[options->repeat / 2];
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
        fail(detail.text);
    for (uint32_t i = 0; i < instruments; i++) {
        struct msim_instrument_params instrument = MSIM_INSTRUMENT_PARAMS_INIT;
        char name[32];
        snprintf(name, sizeof name, "I%u", i);
        instrument.symbol = name;
        instrument.base_asset = 1;
        if (msim_engine_instrument_add(engine, &instrument, NULL, &detail) < 0)
            fail(detail.text);
    }
    for (uint32_t i = 0; i < 2000; i++) {
        const struct msim_command command = {.kind = MSIM_COMMAND_DEPOSIT,
                                             .account = i / 2,
                                             .asset = i % 2,
                                             .amount = INT64_C(1000000000000)};
        if (msim_engine_apply(engine, &command) < 0)
            fail("a deposit failed");
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
            fail("an apply failed");
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
        fail("out of memory");
    memset(bytes, 0, length);
    for (int i = 0; i < 5; i++) {
        const double start = now_seconds();
        if (msim_engine_snapshot(engine, bytes, length, &length) < 0)
            fail("no snapshot");
        const double middle = now_seconds();
        if (msim_engine_restore(&other, &params, bytes, length, &detail) < 0)
            fail(detail.text);
        taken[0][i] = middle - start;
        taken[1][i] = now_seconds() - middle;
        msim_engine_destroy(&other);
    }
    for (int i = 0; i < 2; i++)
        qsort(taken[i], 5, sizeof taken[i][0], compare_double);
    printf("10^6 orders: a snapshot of %.1f MB in %.1f ms, restored in %.1f ms\n",
           (double)length / 1e6, taken[0][2] * 1e3, taken[1][2] * 1e3);
    free(bytes);
    msim_engine_destroy(&engine);
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
    struct result result = {0};
    double *seconds = calloc((size_t)options.repeat, sizeof *seconds);
    double *rates = calloc((size_t)options.repeat * MAX_PEERS, sizeof *rates);

    if (!seconds || !rates)
        fail("out of memory");
    load(&flow, options.path);
    for (int i = 0; i < options.repeat; i++) {
        run_once(&flow, &options, false, &result);
        seconds[i] = result.seconds;
        if (!agrees(&flow.header, &result))
            break;
        for (size_t p = 0; p < options.peer_count; p++)
            rates[p * (size_t)options.repeat + (size_t)i] =
                run_peer(options.peers[p], options.path);
    }
    qsort(seconds, (size_t)options.repeat, sizeof *seconds, compare_double);
    const double median = seconds[options.repeat / 2];
    struct result single = result;
    if (agrees(&flow.header, &result))
        run_once(&flow, &options, true, &single);
    const bool good = agrees(&flow.header, &result) && agrees(&flow.header, &single);

    printf("%s ids=%s accounts=%s: %.2f M messages/s, p50 %.0f ns, p99 %.0f ns, p99.9 %.0f ns, "
           "%.1f MB; trades %" PRIu64 " quantity %" PRIu64 " notional %" PRIu64 " hash %016" PRIx64
           " %s\n",
           options.path, options.client_ids ? "client" : "handles",
           options.accounts_off ? "off" : "on", (double)flow.header.messages / median / 1e6,
           single.percentile[0], single.percentile[1], single.percentile[2],
           (double)result.memory / 1e6, result.trades, result.quantity, result.notional,
           result.hash, good ? "as expected" : "NOT AS EXPECTED");
    print_peers(&options, rates, (double)flow.header.messages / median / 1e6);
    if (!good)
        fprintf(stderr,
                "engine-flow: expected trades %" PRIu64 " quantity %" PRIu64 " notional %" PRIu64
                " hash %016" PRIx64 "; %" PRIu64 " commands were refused\n",
                flow.header.trades, flow.header.quantity, flow.header.notional, flow.header.hash,
                result.rejects);
    free(flow.messages);
    free(seconds);
    free(rates);
    return good ? 0 : 1;
}
