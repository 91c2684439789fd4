/*
 * The engine against the model: the same random commands, the same events, byte
 * for byte; invariants on the way; snapshots taken and gone on from.  A quiet twin
 * is held to the same: see quiet.h.
 *
 *     differential COMMANDS [SEED [PROFILE]]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "copy.h"
#include "flow.h"
#include "quiet.h"
#include "text.h"

/* One engine lives so long; then the next profile has its turn. */
#define EPISODE 5000
#define SCAN_EVERY 1000
/* So many commands over all profiles meet everything that can be told. */
#define COVERED_FROM 1000000
#define DEEP 2000

struct run {
    const struct profile *profile;
    struct model *model;
    struct msim_engine *engine;
    struct quiet *twin;
    struct dice dice;
    struct dice masks;
    msim_time time;
    uint64_t sequence; /* of the last event */
    uint32_t events;   /* those that the engine is asked for */
    struct msim_event *told;
    size_t told_capacity;
    uint64_t done;
    uint8_t *orders; /* by number, in this episode: enum life */
    size_t order_capacity;
    uint64_t last_order;
    uint64_t deepest; /* most orders that were live at once */
    /* How often each was told, so that a flow that leaves something out is seen. */
    uint64_t kinds[MSIM_EVENT_CORRECTED + 1];
    uint64_t rejects[MSIM_REJECT_DUPLICATE_CLIENT_ID + 1];
    uint64_t cancels[MSIM_CANCEL_MAINTENANCE + 1];
};

enum life {
    UNBORN = 0,
    LIVE = 1,
    ENDED = 2,
};

static _Noreturn void fail(const struct run *run, const struct msim_command *c, const char *what)
{
    fprintf(stderr, "differential: profile %s, command %" PRIu64 ": %s\n", run->profile->name,
            run->done, what);
    if (c)
        print_command(stderr, c);
    exit(1);
}

static void compare(const struct run *run, const struct msim_command *c,
                    const struct msim_event *events, size_t count, const struct msim_event *others,
                    size_t other_count)
{
    const size_t at = events_part(events, count, others, other_count);

    if (at == count && at == other_count)
        return;
    print_apart(stderr, "engine", events, count, at);
    print_apart(stderr, "model", others, other_count, at);
    fail(run, c, "the engine and the model tell different things");
}

/* Takers have a way of their own where nothing else is told, and what they leave for later must
 * not show, whatever is asked for. */
static uint32_t events_of(struct run *run, uint64_t round)
{
    if (round % 3 == 0)
        return MSIM_EVENTS_ALL;
    if (round % 3 == 1)
        return MSIM_EVENTS_ORDER | MSIM_EVENTS_TRADE | MSIM_EVENTS_FILL;
    return (uint32_t)between(&run->masks, 1, MSIM_EVENTS_ALL);
}

static void start(struct run *run)
{
    const struct profile *p = run->profile;
    struct msim_engine_params params = MSIM_ENGINE_PARAMS_INIT;
    struct msim_detail detail = {""};
    const struct model_setup setup = {.max_orders = p->max_orders,
                                      .max_accounts = p->accounts,
                                      .finished_ids = 12,
                                      .trade_history = 50,
                                      .accounts_off = p->accounts_off};

    flow_setup_engine(p, &params);
    params.events = run->events;
    run->model = model_create(&setup);
    for (uint32_t i = 0; i <= p->instruments; i++)
        model_asset(run->model, i == 0 ? p->quote_exponent : p->base_exponent);
    for (uint32_t i = 0; i < p->instruments; i++) {
        struct msim_instrument_params instrument = MSIM_INSTRUMENT_PARAMS_INIT;
        flow_instrument(p, i, &instrument);
        model_instrument(run->model, &instrument);
    }
    if (flow_engine(p, &params, &run->engine, &detail) < 0)
        fail(run, NULL, detail.text);
    quiet_start(run->twin, p);
    run->sequence = 0;
    run->time = INT64_C(1700000000) * MSIM_NS_PER_S;
}

/* Every order is accepted once, ends once, and is heard of only in between. */
static void follow_order(struct run *run, const struct msim_command *c,
                         const struct msim_event *event)
{
    const bool born = event->kind == MSIM_EVENT_ACCEPTED && !event->flags;
    const bool ends = event->kind == MSIM_EVENT_CANCELLED || event->kind == MSIM_EVENT_EXPIRED ||
                      (event->kind == MSIM_EVENT_FILL && event->status == MSIM_STATUS_FILLED);
    const bool told = ends || event->kind == MSIM_EVENT_FILL ||
                      event->kind == MSIM_EVENT_REPLACED || event->kind == MSIM_EVENT_TRIGGERED ||
                      event->kind == MSIM_EVENT_BOOK_ORDER;

    if (born) {
        if (event->order != ++run->last_order)
            fail(run, c, "an order's number is not the next one");
        if (run->last_order >= run->order_capacity) {
            run->order_capacity = 2 * run->order_capacity + 1024;
            run->orders = realloc(run->orders, run->order_capacity);
            if (!run->orders)
                fail(run, c, "out of memory");
        }
        run->orders[event->order] = LIVE;
    }
    if (!told)
        return;
    if (event->order == 0 || event->order > run->last_order)
        fail(run, c, "an order was never accepted");
    /* What leaves the book with its last fill is told of right behind it. */
    if (event->kind == MSIM_EVENT_BOOK_ORDER && event->as.book_order.action == MSIM_BOOK_DELETE)
        return;
    if (run->orders[event->order] != LIVE)
        fail(run, c, "an order that ended is heard of again");
    if (ends)
        run->orders[event->order] = ENDED;
}

/* Whose order is live by its events is live by the engine's answer, and nobody else's. */
static void check_lives(const struct run *run)
{
    for (uint64_t id = 1; id <= run->last_order; id++) {
        struct msim_order_view view;
        const bool found = msim_engine_order(run->engine, id, 0, &view) == MSIM_OK;
        if (found != (run->orders[id] == LIVE))
            fail(run, NULL, found ? "an order that ended is there" : "a live order is lost");
    }
}

static void check_crossed(const struct run *run, const struct msim_command *c)
{
    for (uint32_t i = 0; i < run->profile->instruments; i++) {
        struct msim_instrument_view view;
        msim_engine_instrument(run->engine, i, &view);
        if (view.best_bid != 0 && view.best_ask != 0 && view.best_bid >= view.best_ask)
            fail(run, c, "a book is crossed");
    }
}

static bool is_told(const struct run *run, uint8_t kind)
{
    switch (kind) {
    case MSIM_EVENT_REJECTED:
    case MSIM_EVENT_INSTRUMENT:
    case MSIM_EVENT_BUSTED:
    case MSIM_EVENT_CORRECTED:
        return true;
    case MSIM_EVENT_TRADE:
        return run->events & MSIM_EVENTS_TRADE;
    case MSIM_EVENT_FILL:
        return run->events & MSIM_EVENTS_FILL;
    case MSIM_EVENT_LEVEL:
        return run->events & MSIM_EVENTS_LEVEL;
    case MSIM_EVENT_BOOK_ORDER:
        return run->events & MSIM_EVENTS_BOOK_ORDER;
    case MSIM_EVENT_BALANCE:
        return run->events & MSIM_EVENTS_BALANCE;
    case MSIM_EVENT_POSITION:
        return run->events & MSIM_EVENTS_POSITION;
    default:
        return run->events & MSIM_EVENTS_ORDER;
    }
}

/* The model's events, without those that the engine is not asked for. */
static size_t tell(struct run *run, const struct msim_event *events, size_t count)
{
    size_t told = 0;

    if (count > run->told_capacity) {
        run->told_capacity = 2 * count;
        run->told = realloc(run->told, run->told_capacity * sizeof *run->told);
        if (!run->told)
            fail(run, NULL, "out of memory");
    }
    for (size_t i = 0; i < count; i++) {
        if (!is_told(run, events[i].kind))
            continue;
        run->told[told] = events[i];
        run->told[told].sequence = run->sequence + told + 1;
        told++;
    }
    return told;
}

/* What the model tells is all that there is. */
static void follow(struct run *run, const struct msim_command *c, const struct msim_event *events,
                   size_t count)
{
    for (size_t i = 0; i < count; i++) {
        run->kinds[events[i].kind]++;
        follow_order(run, c, &events[i]);
        if (events[i].kind == MSIM_EVENT_REJECTED)
            run->rejects[events[i].code]++;
        else if (events[i].code)
            run->cancels[events[i].code]++;
    }
}

static void step(struct run *run, const struct msim_command *c)
{
    size_t count;
    size_t other_count;

    if (msim_engine_apply(run->engine, c) != MSIM_APPLY_DONE)
        fail(run, c, "the engine refused to apply");
    const struct msim_event *events = msim_engine_events(run->engine, &count);
    const struct msim_event *others = model_apply(run->model, c, &other_count);
    const size_t told = tell(run, others, other_count);
    compare(run, c, events, count, run->told, told);
    for (size_t i = 0; i < count; i++) {
        if (events[i].sequence != ++run->sequence)
            fail(run, c, "the events' sequence has a hole");
    }
    follow(run, c, others, other_count);
    check_crossed(run, c);
    quiet_apply(run->twin, c, others, other_count);
    if (model_live(run->model) > run->deepest)
        run->deepest = model_live(run->model);
    run->done++;
}

static void fund(struct run *run)
{
    const struct profile *p = run->profile;
    for (uint32_t account = 0; account < p->accounts && !p->accounts_off; account++) {
        for (uint32_t asset = 0; asset <= p->instruments; asset++) {
            const int64_t whole = p->deposit / (asset == 0 ? 1 : 100);
            const struct msim_command c = {.kind = MSIM_COMMAND_DEPOSIT,
                                           .time = run->time,
                                           .account = account,
                                           .asset = asset,
                                           .amount = whole};
            step(run, &c);
        }
    }
}

/* What is held is what the live orders hold, each asked for by itself. */
static void check_holds(const struct run *run, uint32_t account)
{
    static struct msim_order_view views[MODEL_ORDERS];
    const struct profile *p = run->profile;
    const size_t count =
        msim_engine_orders(run->engine, account, MSIM_ALL_INSTRUMENTS, 0, views, MODEL_ORDERS);
    int64_t sums[MODEL_ASSETS] = {0};

    for (size_t i = 0; i < count; i++) {
        if (i > 0 && views[i].order <= views[i - 1].order)
            fail(run, NULL, "an account's orders are not from the oldest on");
        sums[views[i].side == MSIM_SIDE_BUY ? 0 : views[i].instrument + 1] += views[i].held;
    }
    for (uint32_t asset = 0; asset <= p->instruments; asset++) {
        int64_t free_part;
        int64_t held;
        msim_engine_balance(run->engine, account, asset, &free_part, &held);
        if (held != sums[asset])
            fail(run, NULL, "what is held is not what the orders hold");
    }
}

/* Each level is the sum of its orders. */
static void check_levels(const struct run *run, uint32_t instrument, uint8_t side)
{
    static struct msim_level_view levels[MODEL_ORDERS];
    static struct msim_order_view orders[MODEL_ORDERS];
    const size_t level_count =
        msim_engine_depth(run->engine, instrument, side, levels, MODEL_ORDERS);
    const size_t order_count =
        msim_engine_book_orders(run->engine, instrument, side, 0, orders, MODEL_ORDERS);
    size_t at = 0;

    for (size_t i = 0; i < level_count; i++) {
        msim_qty shown = 0;
        uint64_t count = 0;
        for (; at < order_count && orders[at].price == levels[i].price; at++, count++)
            shown += orders[at].shown;
        if (shown != levels[i].quantity || count != levels[i].order_count)
            fail(run, NULL, "a level is not the sum of its orders");
    }
    if (at != order_count)
        fail(run, NULL, "an order stands at no level");
}

/* Everything against everything. */
static void scan(struct run *run)
{
    const struct profile *p = run->profile;
    struct msim_detail detail = {""};

    if (msim_engine_audit(run->engine, &detail) < 0)
        fail(run, NULL, detail.text);
    check_lives(run);
    for (uint32_t i = 0; i < p->instruments; i++) {
        check_levels(run, i, MSIM_SIDE_BUY);
        check_levels(run, i, MSIM_SIDE_SELL);
    }
    for (uint32_t account = 0; account < p->accounts && !p->accounts_off; account++)
        check_holds(run, account);
    for (uint32_t asset = 0; asset <= p->instruments; asset++) {
        struct msim_asset_view view;
        int64_t sum = 0;
        msim_engine_asset(run->engine, asset, &view);
        for (uint32_t account = 0; account < p->accounts; account++) {
            int64_t free_part;
            int64_t held;
            msim_engine_balance(run->engine, account, asset, &free_part, &held);
            if (free_part != model_free(run->model, account, asset) ||
                held != model_held(run->model, account, asset))
                fail(run, NULL, "a balance is not the model's");
            sum += free_part + held;
        }
        if (sum + view.fees != view.total || view.fees != model_fees(run->model, asset))
            fail(run, NULL, "an asset is not conserved");
    }
    quiet_scan(run->twin, run->engine, run->sequence, run->model);
}

/* The engine dies and another goes on from its snapshot. */
static void swap(struct run *run)
{
    struct msim_engine_params params = MSIM_ENGINE_PARAMS_INIT;
    struct msim_engine *other = NULL;
    struct msim_detail detail = {""};

    flow_setup_engine(run->profile, &params);
    params.events = run->events;
    params.orders = (uint32_t)between(&run->dice, 1, 100);
    params.window_levels = (uint32_t)64 << between(&run->dice, 0, 8);
    if (engine_copy(run->engine, &params, &other, &detail) < 0)
        fail(run, NULL, detail.text);
    msim_engine_destroy(&run->engine);
    run->engine = other;
}

static void episode(struct run *run, uint64_t commands)
{
    start(run);
    fund(run);
    for (uint64_t i = 1; i <= commands; i++) {
        const struct msim_command c = flow_next(run->profile, run->model, &run->dice, &run->time);
        step(run, &c);
        if (i % SCAN_EVERY == 0)
            scan(run);
        if (between(&run->dice, 1, 2500) == 1)
            swap(run);
    }
    scan(run);
    quiet_end(run->twin);
    msim_engine_destroy(&run->engine);
    model_destroy(run->model);
    run->last_order = 0;
}

/* A long run over all profiles meets everything that can happen. */
static void check_coverage(const struct run *run)
{
    for (unsigned i = 1; i <= MSIM_EVENT_CORRECTED; i++) {
        if (run->kinds[i] == 0)
            fail(run, NULL, msim_event_kind_name((uint8_t)i));
    }
    for (unsigned i = 1; i <= MSIM_REJECT_DUPLICATE_CLIENT_ID; i++) {
        if (run->rejects[i] == 0)
            fail(run, NULL, msim_reject_name((uint8_t)i));
    }
    for (unsigned i = 1; i <= MSIM_CANCEL_MAINTENANCE; i++) {
        if (run->cancels[i] == 0)
            fail(run, NULL, msim_cancel_name((uint8_t)i));
    }
    if (run->deepest <= DEEP)
        fail(run, NULL, "no book was deep");
    quiet_check_coverage(run->twin);
}

int main(int argument_count, char **arguments)
{
    const uint64_t commands = argument_count > 1 ? strtoull(arguments[1], NULL, 10) : 100000;
    const uint64_t seed = argument_count > 2 ? strtoull(arguments[2], NULL, 10) : 1;
    struct run run = {.dice = {seed}, .masks = {~seed}, .twin = quiet_create(seed)};

    for (uint64_t number = 0; run.done < commands; number++) {
        const uint64_t left = commands - run.done;
        run.profile = &profiles[number % PROFILES];
        if (argument_count > 3)
            run.profile = &profiles[strtoull(arguments[3], NULL, 10) % PROFILES];
        run.events = events_of(&run, number / PROFILES);
        const uint64_t usual = run.profile->episode ? run.profile->episode : EPISODE;
        episode(&run, left < usual ? left : usual);
    }
    if (argument_count <= 3 && commands >= COVERED_FROM)
        check_coverage(&run);
    free(run.orders);
    free(run.told);
    quiet_destroy(run.twin);
    printf("%" PRIu64 " commands over %d profiles: the engine and the model agree\n", run.done,
           argument_count > 3 ? 1 : PROFILES);
    return 0;
}
