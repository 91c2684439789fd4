/*
 * A million commands and the number that they come to: the same from every
 * compiler, at every optimisation, and where the engine is taken down and put up
 * again from its snapshot on the way.
 */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>

#include <marketsim/engine.h>

#include "base/random.h"

#define COMMANDS 1000000
#define INSTRUMENTS 4
#define ACCOUNTS 20

/* What the state and all events together came to when this was written. */
#define STATE_DIGEST UINT64_C(0x3503317d3fac199a)
#define EVENT_DIGEST UINT64_C(0x5c560d9b6bd7c6d1)

struct outcome {
    uint64_t state;
    uint64_t events;
    uint64_t restores;
};

struct dice {
    uint64_t key;
    uint64_t n;
};

static int64_t roll(struct dice *dice, int64_t low, int64_t high)
{
    return msim_random_range(msim_random_at(dice->key, dice->n++, 0, 0), low, high);
}

static struct msim_engine *make(struct msim_engine_params *params)
{
    struct msim_engine *engine = NULL;

    params->events = MSIM_EVENTS_ALL;
    params->finished_ids = 100;
    params->trade_history = 1000;
    params->window_levels = 1024;
    assert_int_equal(msim_engine_create(&engine, params, NULL), MSIM_OK);
    assert_int_equal(msim_engine_asset_add(engine, "USD", -6, NULL, NULL), MSIM_OK);
    for (uint32_t i = 0; i < INSTRUMENTS; i++) {
        struct msim_instrument_params instrument = MSIM_INSTRUMENT_PARAMS_INIT;
        char name[16];
        snprintf(name, sizeof name, "A%u", i);
        assert_int_equal(msim_engine_asset_add(engine, name, -4, &instrument.base_asset, NULL),
                         MSIM_OK);
        instrument.symbol = name;
        instrument.price_exponent = -2;
        instrument.quantity_exponent = -3;
        instrument.fee_mode = i % 2 ? MSIM_FEE_QUOTE : MSIM_FEE_RECEIVED;
        instrument.maker_fee = 123;
        instrument.taker_fee = 456;
        assert_int_equal(msim_engine_instrument_add(engine, &instrument, NULL, NULL), MSIM_OK);
    }
    return engine;
}

static void new_order(struct dice *dice, struct msim_command *c)
{
    const int64_t middle = 50000 + 1000 * c->instrument;
    const int64_t away = roll(dice, 0, 20) == 0 ? 20000 : 40;

    c->kind = MSIM_COMMAND_NEW;
    c->type = (uint8_t)(roll(dice, 0, 5) == 0 ? roll(dice, 2, 6) : MSIM_ORDER_LIMIT);
    c->quantity = roll(dice, 1, 500);
    c->self_trade = (uint8_t)roll(dice, 0, 4);
    c->price = c->side == MSIM_SIDE_BUY ? middle + 10 - roll(dice, 0, away)
                                        : middle - 10 + roll(dice, 0, away);
    if (c->type == MSIM_ORDER_MARKET || c->type == MSIM_ORDER_STOP ||
        c->type == MSIM_ORDER_TAKE_PROFIT)
        c->price = 0;
    if (c->type >= MSIM_ORDER_STOP)
        c->stop_price = middle + roll(dice, -60, 60);
    if (c->price && roll(dice, 0, 3) == 0)
        c->time_in_force = (uint8_t)roll(dice, 0, 4);
    if (c->time_in_force == MSIM_TIF_GTD)
        c->expires_at = c->time + roll(dice, 1, 1000) * MSIM_NS_PER_MS;
    if (c->price && c->time_in_force == MSIM_TIF_GTC && roll(dice, 0, 6) == 0)
        c->display_quantity = (c->quantity + 4) / 5;
    if (roll(dice, 0, 2) == 0)
        c->client_id = (uint64_t)roll(dice, 1, 5000);
}

static struct msim_command next_command(struct dice *dice, uint64_t i, uint64_t orders)
{
    struct msim_command c = {
        .time = INT64_C(1600000000) * MSIM_NS_PER_S + (int64_t)i * 700 * MSIM_NS_PER_US,
        .instrument = (uint32_t)roll(dice, 0, INSTRUMENTS - 1),
        .account = (uint32_t)roll(dice, 0, ACCOUNTS - 1),
        .side = (uint8_t)roll(dice, MSIM_SIDE_BUY, MSIM_SIDE_SELL),
        .owner = (uint32_t)roll(dice, 0, 3),
    };
    const int64_t what = roll(dice, 0, 9999);

    if (what < 5500) {
        new_order(dice, &c);
    } else if (what < 9990) {
        /* The account is left to chance: some are refused for it. */
        c.kind = what < 8500 ? MSIM_COMMAND_CANCEL : MSIM_COMMAND_REPLACE;
        c.order = orders - (uint64_t)roll(dice, 0, orders < 300 ? (int64_t)orders - 1 : 299);
        c.account = (uint32_t)((c.order * 7) % ACCOUNTS);
        if (c.kind == MSIM_COMMAND_REPLACE)
            c.price = 50000 + 1000 * c.instrument + roll(dice, -50, 50);
    } else if (what < 9995) {
        c.kind = what % 2 ? MSIM_COMMAND_BUST : MSIM_COMMAND_CORRECT;
        c.price = c.kind == MSIM_COMMAND_CORRECT ? 50000 + roll(dice, -30, 30) : 0;
    } else {
        c.kind = what % 2 ? MSIM_COMMAND_SET_TICK : MSIM_COMMAND_SET_LOT;
        c.price = roll(dice, 1, 3);
        c.quantity = roll(dice, 1, 2);
    }
    return c;
}

/* The account follows from the number, so that cancels mostly find their order. */
static void aim_account(struct msim_command *c, uint64_t next)
{
    if (c->kind == MSIM_COMMAND_NEW)
        c->account = (uint32_t)((next * 7) % ACCOUNTS);
}

static void take_down_and_up(struct msim_engine **engine, const struct msim_engine_params *params)
{
    size_t length = 0;

    msim_engine_snapshot(*engine, NULL, 0, &length);
    void *bytes = malloc(length);
    assert_non_null(bytes);
    assert_int_equal(msim_engine_snapshot(*engine, bytes, length, &length), MSIM_OK);
    msim_engine_destroy(engine);
    assert_int_equal(msim_engine_restore(engine, params, bytes, length, NULL), MSIM_OK);
    free(bytes);
}

static struct outcome run(bool restores)
{
    struct msim_engine_params params = MSIM_ENGINE_PARAMS_INIT;
    struct msim_engine *engine = make(&params);
    struct dice dice = {.key = msim_random_key(7, "golden", 6)};
    struct dice points = {.key = msim_random_key(7, "points", 6)};
    struct outcome outcome = {.events = MSIM_FNV_START};
    uint64_t orders = 1;
    size_t count;

    for (uint32_t account = 0; account < ACCOUNTS; account++) {
        for (uint32_t asset = 0; asset <= INSTRUMENTS; asset++) {
            const struct msim_command c = {.kind = MSIM_COMMAND_DEPOSIT,
                                           .account = account,
                                           .asset = asset,
                                           .amount = INT64_C(100000000000000)};
            assert_int_equal(msim_engine_apply(engine, &c), MSIM_OK);
        }
    }
    for (uint64_t i = 0; i < COMMANDS; i++) {
        struct msim_command c = next_command(&dice, i, orders);
        aim_account(&c, orders + 1);
        assert_int_equal(msim_engine_apply(engine, &c), MSIM_OK);
        const struct msim_event *events = msim_engine_events(engine, &count);
        for (size_t k = 0; k < count; k++) {
            const struct msim_event *e = &events[k];
            const int64_t *words = (const int64_t *)(const void *)&e->as;
            uint64_t sum = e->sequence ^ e->order << 20 ^ (uint64_t)e->kind << 50 ^
                           (uint64_t)e->code << 56 ^ (uint64_t)e->slot << 32;
            for (int w = 0; w < 8; w++)
                sum = sum * 31 + (uint64_t)words[w];
            outcome.events = msim_mix64(outcome.events ^ sum);
            if (e->kind == MSIM_EVENT_ACCEPTED && !(e->flags & MSIM_EVENT_REPEATED))
                orders = e->order;
        }
        if (restores && roll(&points, 0, 40000) == 0) {
            take_down_and_up(&engine, &params);
            outcome.restores++;
        }
    }
    assert_int_equal(msim_engine_audit(engine, NULL), MSIM_OK);
    outcome.state = msim_engine_digest(engine);
    msim_engine_destroy(&engine);
    return outcome;
}

static void a_million_commands_come_to_the_same_state_everywhere(void **state)
{
    (void)state;
    const struct outcome outcome = run(false);

    if (outcome.state != STATE_DIGEST || outcome.events != EVENT_DIGEST)
        print_message("state %016llx events %016llx\n", (unsigned long long)outcome.state,
                      (unsigned long long)outcome.events);
    assert_true(outcome.state == STATE_DIGEST);
    assert_true(outcome.events == EVENT_DIGEST);
}

static void restores_on_the_way_change_nothing(void **state)
{
    (void)state;
    const struct outcome outcome = run(true);

    assert_true(outcome.restores > 10);
    assert_true(outcome.state == STATE_DIGEST);
    assert_true(outcome.events == EVENT_DIGEST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_million_commands_come_to_the_same_state_everywhere),
        cmocka_unit_test(restores_on_the_way_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
