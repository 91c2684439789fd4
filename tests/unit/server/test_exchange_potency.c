/*
 * Every preset is worth its name: a naive robot ends in the belief of something that is not so,
 * and a careful one knows the truth soon after all is quiet.
 *
 * Both trade in simulated time and without a socket.  Without faults the naive one is right about
 * everything, so that what it is wrong about afterwards is the preset's doing.
 */
#include "unit/server/robot.h"

#define TENTH (MSIM_NS_PER_S / 10)
#define BEGINS 5  /* the preset, in seconds: all is well until then */
#define TRADES 65 /* the robots trade until then */
#define LASTS 120
#define WITHIN 20 /* after the heal the careful one has so many seconds */

struct market {
    struct stage stage;
    struct robot robot;
    uint32_t account;
    uint32_t other; /* who sells to the robot */
};

struct verdict {
    bool account; /* position, money and open orders are the truth */
    bool ledger;  /* as the failure layer's ledger judges the robot's view */
    bool market;  /* best prices and the hour */
};

/* Presets that need other circumstances, or would take hours. */
static const struct circumstances {
    const char *name;
    const char *overrides;
    const char *setting;
    unsigned lasts;
    bool is_first; /* before anybody comes */
} special[] = {
    {"dup_fill_late", "{\"after\":\"30s\"}", NULL, 0, false},
    {"forced_24h", "{\"max_age\":\"70s\"}", NULL, 0, false},
    {"slow_consumer_kick", "{\"rate\":20,\"burst\":40}", NULL, 0, false},
    {"rate_limit", "{\"rate\":2,\"burst\":4}", NULL, 0, false},
    {"ip_ban", "{\"rate\":2,\"burst\":4}", NULL, 0, false},
    {"funding_as_fill", NULL, NULL, 600, false},
    {"flash_crash_bust", NULL, NULL, 640, false},
    {"dead_man", NULL, "server.cancel_on_disconnect=true", 0, false},
    {"connect_stall", NULL, NULL, 0, true},
};

static const struct circumstances *circumstances_of(const char *preset)
{
    static const struct circumstances usual = {NULL, NULL, NULL, 0, false};

    for (size_t i = 0; preset && i < COUNT(special); i++)
        if (strcmp(special[i].name, preset) == 0)
            return &special[i];
    return &usual;
}

/* ---- the market ---- */

static void open_market(struct market *market, const char *setting, bool is_careful)
{
    const char *settings[] = {
        "exchange.symbols=[\"BTC/USD\"]",
        "exchange.default_balance.USD=1000000000",
        "exchange.default_balance.BTC=1000",
        setting,
    };

    stage_open(&market->stage, settings, setting ? 4 : 3);
    robot_init(&market->robot, &market->stage, is_careful);
    market->robot.first_usd = INT64_C(1000000000) * 100000000;
    market->robot.first_btc = INT64_C(1000) * 100000000;
    assert_int_equal(msim_exchange_account_named(market->stage.server, ROBOT_NAME,
                                                 strlen(ROBOT_NAME), &market->account),
                     MSIM_OK);
    assert_int_equal(msim_exchange_account_named(market->stage.server, "other", 5, &market->other),
                     MSIM_OK);
}

static msim_price best_bid(const struct market *market)
{
    struct msim_native_ticker ticker;

    msim_exchange_ticker(market->stage.server, &market->stage.server->markets[0], &ticker);
    return ticker.bid;
}

/* Somebody sells a little to whoever bids most; the failure layer's wires do not know him. */
static void sell(struct market *market)
{
    struct msim_venue_order order = MSIM_VENUE_ORDER_INIT;

    order.command.kind = MSIM_COMMAND_NEW;
    order.command.type = MSIM_ORDER_LIMIT;
    order.command.time_in_force = MSIM_TIF_IOC;
    order.command.time = market->stage.server->now;
    order.command.account = market->other;
    order.command.side = MSIM_SIDE_SELL;
    order.command.price = best_bid(market);
    order.command.quantity = 1000; /* 0.001 */
    if (order.command.price > 0)
        assert_true(msim_venue_submit(market->stage.server->venue, &order) >= 0);
}

/* Mantissas of the market at the robots' exponent. */
static int64_t price_here(msim_price price)
{
    return price * 1000000;
}

static int64_t quantity_here(msim_qty quantity)
{
    return quantity * 100;
}

static bool knows_side(const struct market *market, uint8_t side, const struct robot_level *levels,
                       size_t count)
{
    struct msim_level_view truth[ROBOT_LEVELS];
    size_t there = msim_engine_depth(market->stage.server->engine, 0, side, truth, ROBOT_LEVELS);

    for (size_t i = 0; i < there && i < count; i++)
        if (levels[i].price != price_here(truth[i].price) ||
            levels[i].quantity != quantity_here(truth[i].quantity))
            return false;
    return there == count && count > 0;
}

static bool knows_the_book(const struct market *market)
{
    const struct robot *robot = &market->robot;

    return knows_side(market, MSIM_SIDE_BUY, robot->bids, robot->bid_count) &&
           knows_side(market, MSIM_SIDE_SELL, robot->asks, robot->ask_count);
}

static void keep_diary(struct market *market)
{
    msim_time off = market->stage.server->now - market->robot.clock;

    if (!knows_the_book(market) || off > 12 * TENTH || off < -12 * TENTH)
        market->robot.seconds_wrong++;
}

static void pass_second(struct market *market, unsigned second)
{
    for (unsigned tenth = 0; tenth < 10; tenth++) {
        if (second >= 1 && second < TRADES) {
            if ((tenth >= 1 && tenth <= 4) || tenth == 7)
                sell(market);
            robot_trade(&market->robot, second - 1, tenth); /* its is the last trade */
        }
        stage_turn(&market->stage, TENTH);
        robot_look(&market->robot);
    }
    if (second >= 1)
        keep_diary(market);
}

/* ---- what is so, and what the robot thinks ---- */

static int64_t balance(const struct market *market, const char *asset)
{
    uint32_t id;
    int64_t free = 0;
    int64_t held = 0;

    assert_int_equal(
        msim_engine_asset_find(market->stage.server->engine, asset, strlen(asset), &id), MSIM_OK);
    msim_engine_balance(market->stage.server->engine, market->account, id, &free, &held);
    return free + held;
}

static bool knows_its_account(const struct market *market)
{
    static struct msim_venue_order_view views[ROBOT_ORDERS];
    const struct robot *robot = &market->robot;
    int64_t remaining = 0;
    int64_t believed;

    size_t count =
        msim_venue_orders(market->stage.server->venue, market->account, MSIM_ALL_INSTRUMENTS,
                          MSIM_VENUE_LIVE, UINT64_MAX, views, ROBOT_ORDERS);
    for (size_t i = 0; i < count; i++)
        remaining += quantity_here(views[i].order.quantity - views[i].order.filled);
    return robot_open(robot, &believed) == count && believed == remaining &&
           robot->position == balance(market, "BTC") - robot->first_btc &&
           robot->cash == balance(market, "USD") - robot->first_usd;
}

static bool satisfies_the_ledger(struct market *market)
{
    const struct robot *robot = &market->robot;
    struct msim_faults *faults = market->stage.server->faults;
    struct msim_fault_ledger ledger;
    struct msim_detail detail = {{0}};
    char view[160];
    uint64_t size = (uint64_t)(robot->position < 0 ? -robot->position : robot->position);

    snprintf(view, sizeof view, "{\"position\":{\"BTC/USD\":\"%s%llu.%06llu\"}}",
             robot->position < 0 ? "-" : "", (unsigned long long)(size / 100000000),
             (unsigned long long)(size % 100000000 / 100));
    int r = msim_faults_view(faults, ROBOT_NAME, view, strlen(view), &detail);
    if (r == MSIM_ERR_NOT_FOUND) /* nothing has happened to it */
        return robot->position == 0;
    if (r < 0)
        fail_msg("%s: %s", view, detail.text);
    assert_int_equal(msim_faults_ledger(faults, ROBOT_NAME, &ledger), MSIM_OK);
    return ledger.reconciled;
}

static uint64_t hits_of(const struct market *market, const char *preset)
{
    char id[MSIM_FAULT_ID_SIZE];
    uint64_t hits = 0;

    for (int i = 1; i < 9; i++) {
        struct msim_fault_counts counts;
        snprintf(id, sizeof id, "%s.%d", preset, i);
        if (msim_faults_counts(market->stage.server->faults, id, &counts) >= 0)
            hits += counts.hits;
    }
    return hits;
}

static void check_links(const struct market *market)
{
    const struct wire *wires[] = {&market->robot.trade, &market->robot.market};

    for (size_t i = 0; i < COUNT(wires); i++)
        for (int way = MSIM_FAULT_IN; wires[i]->client && way <= MSIM_FAULT_OUT; way++) {
            struct msim_fault_balance balance =
                msim_fault_link_balance(msim_fault_session_link(wires[i]->client->session, way));
            assert_true(msim_fault_balance_holds(&balance));
            assert_int_equal(balance.pending, 0);
        }
}

/* The trade that is to be undone, or to get another price, is one of the robot's: where others
 * trade as well, the last one is hardly ever. */
static void aim(struct market *market, const char *preset)
{
    struct msim_faults *faults = market->stage.server->faults;
    struct msim_event fill;
    char patch[48];
    char id[MSIM_FAULT_ID_SIZE];

    assert_int_equal(msim_venue_fills(market->stage.server->venue, market->account,
                                      MSIM_ALL_INSTRUMENTS, UINT64_MAX, &fill, 1),
                     1);
    snprintf(patch, sizeof patch, "{\"trade\":%llu}", (unsigned long long)fill.as.fill.trade);
    snprintf(id, sizeof id, "%s.%d", preset, strcmp(preset, "flash_crash_bust") == 0 ? 2 : 1);
    assert_int_equal(
        msim_faults_update(faults, market->stage.server->now, id, patch, strlen(patch), NULL),
        MSIM_OK);
}

/* ---- one robot under one preset ---- */

static const char *json_of(const char *preset)
{
    size_t i = 0;

    while (strcmp(msim_fault_preset_name(i), preset) != 0)
        i++;
    return msim_fault_preset_json(i);
}

/* A clock is wrong all the time, and counts nothing. */
static bool is_of_clocks(const char *preset)
{
    return strstr(json_of(preset), "\"clock\"") != NULL;
}

static struct verdict live_through(const char *preset, bool is_careful)
{
    const struct circumstances *special_ones = circumstances_of(preset);
    unsigned lasts = special_ones->lasts ? special_ones->lasts : LASTS;
    struct market market;
    struct msim_detail detail = {{0}};

    open_market(&market, special_ones->setting, is_careful);
    for (unsigned second = 0; second < lasts; second++) {
        if (preset && second == (special_ones->is_first ? 0 : BEGINS) &&
            msim_faults_preset(market.stage.server->faults, market.stage.server->now, preset,
                               special_ones->overrides,
                               special_ones->overrides ? strlen(special_ones->overrides) : 0,
                               &detail) < 0)
            fail_msg("%s: %s", preset, detail.text);
        if (preset && second == TRADES - 1 && strstr(json_of(preset), "_trade\""))
            aim(&market, preset);
        robot_come(&market.robot);
        pass_second(&market, second);
    }
    if (preset && !is_of_clocks(preset) && hits_of(&market, preset) == 0)
        fail_msg("%s has not acted", preset);
    assert_int_equal(msim_faults_heal(market.stage.server->faults, market.stage.server->now),
                     MSIM_OK);
    for (unsigned second = 0; second < WITHIN; second++)
        pass_second(&market, lasts + second);
    struct verdict verdict = {
        .account = knows_its_account(&market),
        .ledger = satisfies_the_ledger(&market),
        .market = is_careful ? knows_the_book(&market) : market.robot.seconds_wrong == 0,
    };
    check_links(&market);
    stage_close(&market.stage);
    return verdict;
}

/* ---- the tests ---- */

static void without_faults_both_are_right_about_everything(void **state)
{
    (void)state;
    for (int careful = 0; careful < 2; careful++) {
        struct verdict verdict = live_through(NULL, careful == 1);
        assert_true(verdict.account);
        assert_true(verdict.ledger);
        assert_true(verdict.market);
    }
}

/* What is on the wire between frames is seen by nobody here: tests/net looks at it. */
static bool is_seen_here(const char *preset)
{
    return strcmp(preset, "ws_fragments") != 0;
}

/* Whether a preset is about orders: then it is the account that the naive one is wrong about. */
static bool is_about_orders(const char *json)
{
    static const char *const words[] = {"order.",       "exec.",    "ack.",
                                        "phantom_fill", "dup_fill", "_trade"};

    for (size_t i = 0; i < COUNT(words); i++)
        if (strstr(json, words[i]))
            return true;
    return false;
}

static void under_every_preset_the_naive_ends_wrong_and_the_careful_right(void **state)
{
    const char *name;
    int wrong = 0;

    (void)state;
    for (size_t i = 0; (name = msim_fault_preset_name(i)); i++) {
        if (!is_seen_here(name))
            continue;
        struct verdict naive = live_through(name, false);
        struct verdict careful = live_through(name, true);
        bool is_potent = is_about_orders(msim_fault_preset_json(i))
                             ? !naive.account || !naive.ledger
                             : !naive.account || !naive.ledger || !naive.market;
        bool is_survived = careful.account && careful.ledger && careful.market;
        if (is_potent && is_survived)
            continue;
        print_message("%s: naive %d%d%d, careful %d%d%d\n", name, naive.account, naive.ledger,
                      naive.market, careful.account, careful.ledger, careful.market);
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_faults_both_are_right_about_everything),
        cmocka_unit_test(under_every_preset_the_naive_ends_wrong_and_the_careful_right),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
