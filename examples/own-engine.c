/*
 * The engine alone: commands go in, events come out, and its state is bytes that another engine
 * goes on from.  No clock, no socket and no venue around it; libmarketsim-core, which needs
 * libc alone, is enough.
 *
 *     own-engine
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <marketsim/engine.h>

/* Assets get their numbers in the order in which they are added; accounts are whatever one says. */
enum { USD, BTC, ASSETS };
enum { ALICE, BOB, ACCOUNTS };

/* What balances are counted in: the assets' exponents are -6 and -8. */
#define DOLLAR INT64_C(1000000)
#define BITCOIN INT64_C(100000000)
static const int64_t unit[ASSETS] = {[USD] = DOLLAR, [BTC] = BITCOIN};

/* Prices are in cents, quantities in ten-thousandths of a bitcoin: the instrument's exponents. */
static const struct msim_command commands[] = {
    {.kind = MSIM_COMMAND_DEPOSIT, .account = ALICE, .asset = BTC, .amount = 2 * BITCOIN},
    {.kind = MSIM_COMMAND_DEPOSIT, .account = BOB, .asset = USD, .amount = 100000 * DOLLAR},
    {.kind = MSIM_COMMAND_NEW,
     .account = ALICE,
     .side = MSIM_SIDE_SELL,
     .type = MSIM_ORDER_LIMIT,
     .price = 5000000,
     .quantity = 10000},
    {.kind = MSIM_COMMAND_NEW,
     .account = ALICE,
     .side = MSIM_SIDE_SELL,
     .type = MSIM_ORDER_LIMIT,
     .price = 5010000,
     .quantity = 10000},
    {.kind = MSIM_COMMAND_NEW, /* takes all of the first and half of the second */
     .account = BOB,
     .side = MSIM_SIDE_BUY,
     .type = MSIM_ORDER_MARKET,
     .quantity = 15000},
    {.kind = MSIM_COMMAND_NEW, /* stays in the book */
     .account = BOB,
     .side = MSIM_SIDE_BUY,
     .type = MSIM_ORDER_LIMIT,
     .price = 4900000,
     .quantity = 5000},
    {.kind = MSIM_COMMAND_NEW, /* more than he has: an event, and no failure */
     .account = BOB,
     .side = MSIM_SIDE_BUY,
     .type = MSIM_ORDER_LIMIT,
     .price = 4900000,
     .quantity = 5000},
};

static int set_up(struct msim_engine *engine, struct msim_detail *detail)
{
    struct msim_instrument_params terms = MSIM_INSTRUMENT_PARAMS_INIT;

    terms.symbol = "BTC/USD";
    terms.base_asset = BTC;
    terms.quote_asset = USD;
    terms.price_exponent = -2;
    terms.quantity_exponent = -4;
    terms.taker_fee = 1000; /* 0.1 % of what the taker receives */
    int r = msim_engine_asset_add(engine, "USD", -6, NULL, detail);
    if (r >= 0)
        r = msim_engine_asset_add(engine, "BTC", -8, NULL, detail);
    if (r >= 0)
        r = msim_engine_instrument_add(engine, &terms, NULL, detail);
    return r;
}

static void print_event(const struct msim_event *event)
{
    printf("%-9s account %u", msim_event_kind_name(event->kind), event->account);
    if (event->kind == MSIM_EVENT_FILL)
        printf(" order %" PRIu64 ": %.4f at %.2f, a fee of %.4f", event->order,
               (double)event->as.fill.quantity / 1e4, (double)event->as.fill.price / 1e2,
               (double)event->as.fill.fee / (double)unit[event->as.fill.fee_asset]);
    else if (event->kind == MSIM_EVENT_REJECTED)
        printf(" %s: %s", msim_command_kind_name(event->command_kind),
               msim_reject_name(event->code));
    else
        printf(" order %" PRIu64 ": %s", event->order, msim_order_status_name(event->status));
    putchar('\n');
}

static int run(struct msim_engine *engine)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        struct msim_command command = commands[i];
        size_t count;

        command.time = (msim_time)i * MSIM_NS_PER_MS; /* the only clock there is */
        int r = msim_engine_apply(engine, &command);
        if (r < 0)
            return r;
        const struct msim_event *events = msim_engine_events(engine, &count);
        for (size_t k = 0; k < count; k++)
            print_event(&events[k]);
    }
    return MSIM_OK;
}

static void print_balances(const struct msim_engine *engine)
{
    struct msim_asset_view asset;
    int64_t available, held;

    for (uint32_t account = 0; account < ACCOUNTS; account++)
        for (uint32_t id = 0; id < ASSETS; id++)
            if (msim_engine_asset(engine, id, &asset) >= 0 &&
                msim_engine_balance(engine, account, id, &available, &held) >= 0)
                printf("account %u: %s %.4f free, %.4f held\n", account, asset.name,
                       (double)available / (double)unit[id], (double)held / (double)unit[id]);
}

/* Another engine from the bytes of the first: whatever comes, both will answer alike. */
static int restore(struct msim_engine **copy, const struct msim_engine *engine,
                   const struct msim_engine_params *params, struct msim_detail *detail)
{
    size_t length = 0;

    int r = msim_engine_snapshot(engine, NULL, 0, &length); /* how many they are */
    if (r != MSIM_ERR_LIMIT)
        return r;
    void *bytes = malloc(length);
    if (!bytes)
        return MSIM_ERR_NOMEM;
    r = msim_engine_snapshot(engine, bytes, length, &length);
    if (r >= 0)
        r = msim_engine_restore(copy, params, bytes, length, detail);
    free(bytes);
    return r;
}

int main(int argument_count, char **arguments)
{
    struct msim_engine_params params = MSIM_ENGINE_PARAMS_INIT;
    struct msim_engine *engine = NULL;
    struct msim_engine *copy = NULL;
    struct msim_detail detail = {""};
    bool is_equal = false;

    (void)arguments;
    if (argument_count > 1) {
        fputs("usage: own-engine, without arguments\n", stderr);
        return 2;
    }
    params.max_accounts = ACCOUNTS;
    params.events = MSIM_EVENTS_ORDER | MSIM_EVENTS_FILL;
    int r = msim_engine_create(&engine, &params, &detail);
    if (r >= 0)
        r = set_up(engine, &detail);
    if (r >= 0)
        r = run(engine);
    if (r >= 0)
        r = restore(&copy, engine, &params, &detail);
    if (r < 0) {
        fprintf(stderr, "own-engine: %s\n", detail.text[0] ? detail.text : msim_result_text(r));
    } else {
        print_balances(copy);
        is_equal = msim_engine_digest(copy) == msim_engine_digest(engine);
        printf("digest %016" PRIx64 ": the copy's is %s\n", msim_engine_digest(engine),
               is_equal ? "the same" : "another");
    }
    msim_engine_destroy(&copy);
    msim_engine_destroy(&engine);
    return !is_equal;
}
