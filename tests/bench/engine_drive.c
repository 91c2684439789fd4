/*
 * The project's engine on order flows.
 *
 * Only the engine's calls are timed: messages become commands, and events are read, between them.
 * Memory comes from an allocator of its own, which puts large blocks on huge pages where the
 * system has them, touched before a clock runs.
 */
#include <marketsim/engine.h>

#include "flow_engine.h"
#include "measure.h"

#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)

struct flow_driver {
    struct flow_ways ways;
    struct msim_engine *engine;
    uint32_t *slots; /* by the flow's id, which is the engine's */
    struct msim_command commands[FLOW_MAX_BATCH];
    struct flow_outcome outcome;
};

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

static void deposit(struct flow_driver *driver, uint32_t account, uint32_t asset, int64_t amount)
{
    const struct msim_command command = {
        .kind = MSIM_COMMAND_DEPOSIT, .account = account, .asset = asset, .amount = amount};
    if (msim_engine_apply(driver->engine, &command) < 0)
        measure_die("engine", "a deposit failed");
}

static void open_engine(struct flow_driver *driver, const struct flow_header *header)
{
    static const struct msim_allocator huge = {.resize = huge_resize};
    struct msim_engine_params params = MSIM_ENGINE_PARAMS_INIT;
    struct msim_detail detail;
    uint32_t quote;

    params.orders = (uint32_t)(header->prefill * 5 / 4 + 4096);
    params.client_ids = driver->ways.client_ids ? (uint32_t)header->max_id : 0;
    params.events = driver->ways.events;
    params.accounts = driver->ways.accounts_off ? MSIM_ACCOUNTS_OFF : MSIM_ACCOUNTS_ON;
    params.allocator = &huge;
    if (msim_engine_create(&driver->engine, &params, &detail) < 0 ||
        msim_engine_asset_add(driver->engine, "USD", -2, &quote, &detail) < 0)
        measure_die("engine", detail.text);
    for (uint32_t i = 0; i < header->symbols; i++) {
        struct msim_instrument_params instrument = MSIM_INSTRUMENT_PARAMS_INIT;
        char name[32];
        uint32_t id;
        snprintf(name, sizeof name, "A%u", i);
        instrument.symbol = name;
        instrument.price_exponent = -2;
        instrument.maker_fee = 100;
        instrument.taker_fee = 400;
        if (msim_engine_asset_add(driver->engine, name, 0, &instrument.base_asset, &detail) < 0 ||
            msim_engine_instrument_add(driver->engine, &instrument, &id, &detail) < 0)
            measure_die("engine", detail.text);
    }
    for (uint32_t account = 0; account < header->accounts && !driver->ways.accounts_off;
         account++) {
        deposit(driver, account, quote, INT64_C(1000000000000000));
        for (uint32_t i = 0; i < header->symbols; i++)
            deposit(driver, account, 1 + i, INT64_C(1000000000000));
    }
}

static struct msim_command translate(const struct flow_driver *driver,
                                     const struct flow_message *message)
{
    const bool by_client = driver->ways.client_ids;
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
            if (driver->slots[message->id])
                command.handle = message->id << 32 | driver->slots[message->id];
        }
    }
    return command;
}

static void read_events(struct flow_driver *driver)
{
    struct flow_outcome *outcome = &driver->outcome;
    size_t count;
    const struct msim_event *event = msim_engine_events(driver->engine, &count);

    for (; count > 0; count--, event++) {
        switch (event->kind) {
        case MSIM_EVENT_ACCEPTED:
            driver->slots[event->order] = event->slot;
            break;
        case MSIM_EVENT_TRADE:
            flow_trade(&outcome->trades, event->as.trade.maker_order,
                       (uint64_t)event->as.trade.price, (uint64_t)event->as.trade.quantity,
                       (uint64_t)event->as.trade.notional);
            break;
        case MSIM_EVENT_REJECTED:
            /* A market order that met an empty book: the flow counts it as done. */
            if (event->code != MSIM_REJECT_NO_LIQUIDITY)
                outcome->refused++;
            break;
        default:
            break;
        }
    }
}

static uint64_t run(struct flow_driver *driver, const struct flow_message *messages, uint64_t count)
{
    const size_t batch = driver->ways.batch;
    uint64_t total = 0;

    for (uint64_t done = 0; done < count;) {
        const size_t size = count - done < batch ? (size_t)(count - done) : batch;
        size_t applied;
        for (size_t i = 0; i < size; i++)
            driver->commands[i] = translate(driver, &messages[done + i]);
        const uint64_t start = flow_ticks();
        const int r = msim_engine_apply_many(driver->engine, driver->commands, size, &applied);
        total += flow_ticks() - start;
        if (r < 0 || applied != size)
            measure_die("engine", "an apply failed");
        read_events(driver);
        done += size;
    }
    return total;
}

/* Each call on its own between two readings of the clock. */
static void run_timed(struct flow_driver *driver, const struct flow_message *messages,
                      uint64_t count, uint32_t *taken)
{
    for (uint64_t i = 0; i < count; i++) {
        driver->commands[0] = translate(driver, &messages[i]);
        const uint64_t start = flow_ticks();
        const int r = msim_engine_apply(driver->engine, &driver->commands[0]);
        const uint64_t end = flow_ticks();
        if (r < 0)
            measure_die("engine", "an apply failed");
        taken[i] = (uint32_t)(end - start);
        read_events(driver);
    }
}

static struct flow_driver *create(const struct flow *flow, const struct flow_ways *ways)
{
    struct flow_driver *driver = calloc(1, sizeof *driver);
    if (!driver || !(driver->slots = calloc(flow->header.max_id + 2, sizeof *driver->slots)))
        measure_die("engine", "out of memory");
    driver->ways = *ways;
    open_engine(driver, &flow->header);
    run(driver, flow->messages, flow->header.prefill);
    driver->outcome = (struct flow_outcome){0};
    return driver;
}

static struct flow_outcome outcome(const struct flow_driver *driver)
{
    struct flow_outcome told = driver->outcome;

    told.memory = msim_engine_memory(driver->engine);
    return told;
}

static void destroy(struct flow_driver *driver)
{
    msim_engine_destroy(&driver->engine);
    free(driver->slots);
    free(driver);
}

const struct flow_engine flow_engine = {
    .version = FLOW_ENGINE_VERSION,
    .name = "engine",
    .create = create,
    .run = run,
    .run_timed = run_timed,
    .outcome = outcome,
    .destroy = destroy,
};
