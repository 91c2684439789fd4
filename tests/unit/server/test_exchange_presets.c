/*
 * Every fault preset in turn, in simulated time and without a socket: twenty clients trade at
 * random for a minute, and then the books are compared.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#include "server/exchange/exchange.h"
#include "server/exchange/wire.h"

#define CLIENTS 20
#define START (INT64_C(1700000000) * MSIM_NS_PER_S)
#define MINUTE (60 * MSIM_NS_PER_S)
#define TURN (50 * MSIM_NS_PER_MS)
#define FILLS 65536 /* told to one client, at most */
#define ID 36

struct robot {
    struct msim_exchange_client *client; /* NULL: not connected */
    uint32_t account;
    char (*fills)[ID]; /* ids, one for each time that one was told */
    size_t fill_count;
    uint64_t heard;
};

struct floor {
    struct msim_exchange_server *server;
    struct msim_exchange_stage stage;
    struct msim_journal journal;
    struct msim_engine *again; /* with the same assets and instruments, and nothing else */
    struct robot robots[CLIENTS];
    uint64_t dice;
    uint64_t orders;
};

static uint64_t roll(struct floor *floor, uint64_t sides)
{
    floor->dice = floor->dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (floor->dice >> 33) % sides;
}

/* ---- what is heard ---- */

static int told(void *context, uint64_t visit, struct msim_exchange_tally *tally, const void *bytes,
                size_t length)
{
    static const char fill[] = "\"fill_id\":\"";
    struct floor *floor = context;
    const char *text = bytes;

    tally->messages++;
    for (size_t i = 0; i < CLIENTS; i++) {
        struct robot *robot = &floor->robots[i];
        if (!robot->client || robot->client->visit != visit)
            continue;
        if (robot->client->is_ended)
            return MSIM_ERR_CLOSED;
        robot->heard++;
        for (size_t at = 0; at + sizeof fill - 1 + ID <= length; at++)
            if (memcmp(text + at, fill, sizeof fill - 1) == 0) {
                assert_true(robot->fill_count < FILLS);
                memcpy(robot->fills[robot->fill_count++], text + at + sizeof fill - 1, ID);
            }
        return MSIM_OK;
    }
    return MSIM_ERR_CLOSED;
}

/* ---- what they do ---- */

static void connect_robot(struct floor *floor, size_t i)
{
    static const char *const channels[] = {"TRADES", "ORDERBOOK_L2", "TICKER"};
    struct robot *robot = &floor->robots[i];
    char text[128];
    char name[16];
    size_t length = (size_t)snprintf(name, sizeof name, "robot%zu", i);

    const struct msim_exchange_visit visit = {{name, length}, {"", 0}, 0};
    int r = msim_exchange_arrive(floor->server, &visit, &robot->client, NULL);
    if (r != MSIM_ADMIT) {
        robot->client = NULL;
        return;
    }
    robot->account = robot->client->account;
    assert_true(msim_exchange_welcome(floor->server, robot->client));
    for (size_t k = 0; i % 7 == 0 && k < sizeof channels / sizeof channels[0]; k++) {
        length = (size_t)snprintf(text, sizeof text,
                                  "{\"type\":\"SUBSCRIBE\",\"channel\":\"%s\",\"symbol\":\"*\"}",
                                  channels[(i + k) % 3]);
        msim_exchange_take(floor->server, robot->client, true, text, length);
    }
}

static void say(struct floor *floor, struct robot *robot)
{
    char text[320];
    bool buys = roll(floor, 2);
    int length;

    switch (roll(floor, 8)) {
    case 0:
        length = snprintf(text, sizeof text, "{\"type\":\"CANCEL_ALL\"}");
        break;
    case 1:
        length = snprintf(text, sizeof text, "{\"type\":\"GET_ORDERS\"}");
        break;
    case 2:
        length =
            snprintf(text, sizeof text, "{\"type\":\"CANCEL_ORDER\",\"client_order_id\":\"o%llu\"}",
                     (unsigned long long)roll(floor, floor->orders + 1));
        break;
    default:
        length =
            snprintf(text, sizeof text,
                     "{\"type\":\"PLACE_ORDER\",\"symbol\":\"BTC/USD\",\"side\":\"%s\","
                     "\"order_type\":\"LIMIT\",\"price\":\"%llu\",\"quantity\":\"0.0%llu\","
                     "\"client_order_id\":\"o%llu\"}",
                     buys ? "BUY" : "SELL", 49950 + (unsigned long long)roll(floor, 100),
                     1 + (unsigned long long)roll(floor, 9), (unsigned long long)++floor->orders);
        break;
    }
    msim_exchange_take(floor->server, robot->client, true, text, (size_t)length);
}

static void live(struct floor *floor, size_t i)
{
    struct robot *robot = &floor->robots[i];

    if (robot->client && robot->client->is_ended) {
        msim_exchange_depart(floor->server, robot->client);
        robot->client = NULL;
    }
    if (!robot->client)
        connect_robot(floor, i);
    if (robot->client && roll(floor, 5) == 0)
        say(floor, robot);
}

static void turn(struct floor *floor)
{
    floor->server->now += TURN;
    msim_exchange_turn(floor->server);
    msim_exchange_wire_refresh(floor->server);
    assert_int_equal(floor->server->failure, MSIM_OK);
}

/* ---- the books ---- */

static void assert_balanced(const struct floor *floor, bool is_drained)
{
    for (size_t i = 0; i < CLIENTS; i++)
        for (int direction = 1; floor->robots[i].client && direction <= 2; direction++) {
            struct msim_fault_balance balance = msim_fault_link_balance(
                msim_fault_session_link(floor->robots[i].client->session, direction));
            assert_true(msim_fault_balance_holds(&balance));
            if (is_drained)
                assert_int_equal(balance.pending, 0);
        }
}

/* What was told and never happened is in no list of what did. */
static void assert_no_phantoms(const struct floor *floor)
{
    static struct msim_event fills[4096];
    static struct msim_venue_trade trades[4096];
    uint32_t accounts = msim_venue_account_count(floor->server->venue);
    size_t count = msim_venue_trades(floor->server->venue, 0, INT64_MIN, MSIM_TIME_NEVER, trades,
                                     sizeof trades / sizeof trades[0]);

    for (size_t i = 0; i < count; i++)
        assert_true(trades[i].trade < MSIM_FAULT_EXEC_RESERVED);
    for (uint32_t account = 0; account < accounts; account++) {
        count = msim_venue_fills(floor->server->venue, account, MSIM_ALL_INSTRUMENTS, UINT64_MAX,
                                 fills, sizeof fills / sizeof fills[0]);
        for (size_t i = 0; i < count; i++)
            assert_true(fills[i].as.fill.trade < MSIM_FAULT_EXEC_RESERVED);
    }
}

/* What all have and the house's fees are what was paid in. */
static void assert_conserved(const struct floor *floor)
{
    uint32_t accounts = msim_venue_account_count(floor->server->venue);

    for (uint32_t asset = 0; asset < floor->server->asset_count; asset++) {
        struct msim_asset_view view;
        int64_t sum = 0;
        assert_int_equal(msim_engine_asset(floor->server->engine, asset, &view), MSIM_OK);
        for (uint32_t account = 0; account < accounts; account++) {
            int64_t free = 0;
            int64_t held = 0;
            if (msim_engine_balance(floor->server->engine, account, asset, &free, &held) >= 0)
                sum += free + held;
        }
        assert_int_equal(sum + view.fees, view.total);
    }
}

static int by_id(const void *a, const void *b)
{
    return memcmp(a, b, ID);
}

/* The ledger's account of what was told is what the client has heard. */
static void assert_told(struct floor *floor, size_t i)
{
    struct robot *robot = &floor->robots[i];
    struct msim_fault_ledger ledger = {0};
    char name[16];
    uint64_t distinct = 0;

    snprintf(name, sizeof name, "robot%zu", i);
    if (msim_faults_ledger(floor->server->faults, name, &ledger) < 0) {
        assert_int_equal(robot->fill_count, 0);
        return;
    }
    assert_int_equal(ledger.fills, ledger.told_once + ledger.told_twice + ledger.never_told);
    qsort(robot->fills, robot->fill_count, ID, by_id);
    for (size_t at = 0; at < robot->fill_count; at++)
        distinct += at == 0 || memcmp(robot->fills[at - 1], robot->fills[at], ID) != 0;
    assert_int_equal(ledger.told_once + ledger.told_twice + ledger.phantom, distinct);
}

/* ---- one preset ---- */

/* A preset that never acts proves nothing. */
static void assert_bites(const struct floor *floor, const char *preset)
{
    /* After a day, over HTTP, by the clock alone, less than once a minute, or (md_zombie) on
     * public connections, of which there are none here. */
    static const char *const elsewhere[] = {"forced_24h", "html_instead_of_json", "clock_skew",
                                            "clock_step", "funding_as_fill",      "md_zombie"};
    char id[MSIM_FAULT_ID_SIZE];
    uint64_t hits = 0;

    for (int i = 1; i < 9; i++) {
        struct msim_fault_counts counts;
        snprintf(id, sizeof id, "%s.%d", preset, i);
        if (msim_faults_counts(floor->server->faults, id, &counts) >= 0)
            hits += counts.hits;
    }
    for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++)
        if (strcmp(preset, elsewhere[i]) == 0)
            return;
    if (hits == 0)
        print_message("%s has not acted\n", preset);
    assert_true(hits > 0);
}

static bool has(const char *json, const char *word)
{
    return strstr(json, word) != NULL;
}

/* An engine as the market's was before its first command. */
static void make_again(struct floor *floor)
{
    struct msim_engine_params params = MSIM_ENGINE_PARAMS_INIT;
    struct msim_instrument_view instrument;
    struct msim_asset_view asset;
    uint32_t id;

    params.events = MSIM_EVENTS_ALL; /* they are numbered, and the number is part of the state */
    assert_int_equal(msim_engine_create(&floor->again, &params, NULL), MSIM_OK);
    for (uint32_t i = 0; msim_engine_asset(floor->server->engine, i, &asset) >= 0; i++)
        assert_int_equal(msim_engine_asset_add(floor->again, asset.name, asset.exponent, &id, NULL),
                         MSIM_OK);
    for (uint32_t i = 0; msim_engine_instrument(floor->server->engine, i, &instrument) >= 0; i++)
        assert_int_equal(msim_engine_instrument_add(floor->again, &instrument.params, &id, NULL),
                         MSIM_OK);
}

/* Whatever befell the messages on their way in: the state is that of the commands that came. */
static void assert_logged(struct floor *floor)
{
    struct msim_detail detail = {{0}};

    if (msim_venue_replay(floor->again, &floor->journal, 1, NULL, &detail) < 0)
        fail_msg("%s", detail.text);
    assert_true(msim_engine_digest(floor->again) == msim_engine_digest(floor->server->engine));
}

static void open_floor(struct floor *floor)
{
    struct msim_exchange_server_params params = MSIM_EXCHANGE_SERVER_PARAMS_INIT;
    struct msim_exchange_config *config = NULL;

    assert_int_equal(msim_exchange_config_create(&config, NULL), MSIM_OK);
    assert_int_equal(msim_exchange_config_set(config, "exchange.symbols=[\"BTC/USD\"]", NULL),
                     MSIM_OK);
    assert_int_equal(msim_journal_memory(&floor->journal, NULL), MSIM_OK);
    floor->stage =
        (struct msim_exchange_stage){.told = told, .context = floor, .journal = &floor->journal};
    params.config = config;
    params.start = START;
    assert_int_equal(msim_exchange_server_make(&floor->server, &params, &floor->stage, NULL),
                     MSIM_OK);
    msim_exchange_config_destroy(&config);
    make_again(floor);
    for (size_t i = 0; i < CLIENTS; i++) {
        floor->robots[i].fills = malloc((size_t)FILLS * ID);
        assert_non_null(floor->robots[i].fills);
        connect_robot(floor, i);
    }
}

static void close_floor(struct floor *floor)
{
    for (size_t i = 0; i < CLIENTS; i++) {
        if (floor->robots[i].client)
            msim_exchange_depart(floor->server, floor->robots[i].client);
        free(floor->robots[i].fills);
    }
    msim_exchange_server_destroy(&floor->server);
    msim_engine_destroy(&floor->again);
    msim_journal_release(&floor->journal);
}

struct outcome {
    uint64_t fills; /* told */
    uint64_t digest;
};

/* Trades for a minute under it, heals, and compares. */
static struct outcome trade_under(const char *preset, const char *json)
{
    struct floor floor = {.dice = 7};
    struct outcome outcome = {0};

    open_floor(&floor);
    if (preset)
        assert_int_equal(msim_faults_preset(floor.server->faults, START, preset, NULL, 0, NULL),
                         MSIM_OK);
    for (msim_time end = START + MINUTE; floor.server->now < end;) {
        for (size_t i = 0; i < CLIENTS; i++)
            live(&floor, i);
        turn(&floor);
    }
    assert_balanced(&floor, false);
    assert_conserved(&floor);
    assert_int_equal(msim_faults_heal(floor.server->faults, floor.server->now), MSIM_OK);
    for (int i = 0; i < 10; i++)
        turn(&floor);
    assert_balanced(&floor, true);
    assert_conserved(&floor);
    assert_no_phantoms(&floor);
    assert_logged(&floor);
    outcome.digest = msim_engine_digest(floor.server->engine);
    for (size_t i = 0; i < CLIENTS; i++) {
        /* What is spoilt on its way is heard, and told to nobody. */
        if (!has(json, "corrupt"))
            assert_told(&floor, i);
        outcome.fills += floor.robots[i].fill_count;
    }
    if (preset)
        assert_bites(&floor, preset);
    close_floor(&floor);
    return outcome;
}

static void without_faults_every_fill_is_told(void **state)
{
    (void)state;
    assert_true(trade_under(NULL, "").fills > 1000);
}

/* Whether its strategies touch only what leaves: these robots do not heed what they are told. */
static bool only_tells(const char *json)
{
    static const char *const acts[] = {"\"in\"", "\"both\"", "respond",
                                       "venue",  "session",  "\"disconnect\""};

    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++)
        if (has(json, acts[i]))
            return false;
    return true;
}

static void the_books_are_right_under_every_preset(void **state)
{
    const uint64_t truth = trade_under(NULL, "").digest;
    const char *name;
    int compared = 0;

    (void)state;
    for (size_t i = 0; (name = msim_fault_preset_name(i)); i++) {
        struct outcome outcome = trade_under(name, msim_fault_preset_json(i));
        if (!only_tells(msim_fault_preset_json(i)))
            continue;
        if (outcome.digest != truth)
            fail_msg("%s has changed the engine", name);
        compared++;
    }
    assert_true(compared > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_faults_every_fill_is_told),
        cmocka_unit_test(the_books_are_right_under_every_preset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
