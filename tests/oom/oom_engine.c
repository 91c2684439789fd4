#include "check.h"

#include <string.h>

#include <marketsim/engine.h>

#include "oom/failing.h"

static int set_up(struct msim_engine **engine, const struct msim_allocator *allocator)
{
    struct msim_engine_params params = MSIM_ENGINE_PARAMS_INIT;
    struct msim_instrument_params instrument = MSIM_INSTRUMENT_PARAMS_INIT;
    struct msim_detail detail = {{0}};

    params.orders = 1;
    params.window_levels = 64;
    params.trade_history = 4;
    params.events = MSIM_EVENTS_ALL;
    params.allocator = allocator;
    int r = msim_engine_create(engine, &params, &detail);
    if (r == MSIM_OK)
        r = msim_engine_asset_add(*engine, "USD", 0, NULL, &detail);
    if (r == MSIM_OK)
        r = msim_engine_asset_add(*engine, "BTC", 0, NULL, &detail);
    instrument.symbol = "BTC/USD";
    instrument.base_asset = 1;
    instrument.fee_mode = MSIM_FEE_QUOTE;
    instrument.taker_fee = 333;
    if (r == MSIM_OK)
        r = msim_engine_instrument_add(*engine, &instrument, NULL, &detail);
    if (r < 0)
        assert_non_null(strstr(detail.text, "engine: "));
    return r;
}

static int create_once(const struct msim_allocator *allocator, void *context)
{
    struct msim_engine *engine = NULL;

    (void)context;
    int r = set_up(&engine, allocator);
    msim_engine_destroy(&engine);
    assert_null(engine);
    return r;
}

/* Every kind of memory that orders ask for: pools, levels near and far, ids, expiry, triggers. */
static struct msim_command order_of(uint32_t i)
{
    struct msim_command c = {
        .kind = MSIM_COMMAND_NEW,
        .time = 1000,
        .side = (uint8_t)(i % 2 ? MSIM_SIDE_BUY : MSIM_SIDE_SELL),
        .type = MSIM_ORDER_LIMIT,
        .account = i % 9,
        .price = i % 2 ? 500 - 20 * (i % 20) : 501 + 37 * (i % 60),
        .quantity = 5 + i % 3,
        .client_id = i % 3 ? i : 0,
        .owner = i > 20 ? i % 4 : 0,
    };
    if (i % 7 == 0) {
        c.time_in_force = MSIM_TIF_GTD;
        c.expires_at = 2000 + i;
    }
    if (i % 5 == 0) {
        c.type = MSIM_ORDER_STOP_LIMIT;
        c.stop_price = 100 + i;
    }
    if (i % 11 == 0) {
        c.price = 0;
        c.stop_price = 0;
        c.type = MSIM_ORDER_MARKET;
        c.time_in_force = MSIM_TIF_GTC;
        c.expires_at = 0;
    }
    return c;
}

static int fund(struct msim_engine *engine, uint32_t account)
{
    for (uint32_t asset = 0; asset < 2; asset++) {
        const struct msim_command c = {
            .kind = MSIM_COMMAND_DEPOSIT, .account = account, .asset = asset, .amount = 1000000};
        int r = msim_engine_apply(engine, &c);
        if (r < 0)
            return r;
    }
    return MSIM_OK;
}

/* A command for which there was no memory did not happen: all agrees, and the sequence stands. */
static int trade_once(const struct msim_allocator *allocator, void *context)
{
    struct msim_engine *engine = NULL;
    bool pending = false;

    (void)context;
    int r = set_up(&engine, allocator);
    for (uint32_t account = 0; account < 9 && r == MSIM_OK; account++)
        r = fund(engine, account);
    for (uint32_t i = 1; i < 200 && r >= 0 && !pending; i++) {
        const struct msim_command c = order_of(i);
        const uint64_t before = msim_engine_sequence(engine);
        const uint64_t digest = msim_engine_digest(engine);
        r = msim_engine_apply(engine, &c);
        assert_int_equal(msim_engine_sequence(engine), before + (r >= 0));
        assert_true(r >= 0 || msim_engine_digest(engine) == digest);
        pending = r == MSIM_APPLY_PENDING;
    }
    if (r >= 0 && !pending) {
        const struct msim_command all = {.kind = MSIM_COMMAND_SET_STATE,
                                         .flags = MSIM_COMMAND_EXPIRE_ORDERS};
        const struct msim_command time = {.kind = MSIM_COMMAND_TIME, .time = 2100};
        r = msim_engine_apply(engine, &time);
        if (r >= 0)
            r = msim_engine_apply(engine, &all);
    }
    /* Triggered orders wait for memory that does not come: the next command says so. */
    if (pending) {
        const struct msim_command time = {.kind = MSIM_COMMAND_TIME, .time = 1001};
        r = msim_engine_apply(engine, &time);
        assert_int_equal(r, MSIM_ERR_NOMEM);
    }
    if (engine && r < 0) {
        struct failing *failing = allocator->context;
        const size_t fail_at = failing->fail_at;
        failing->fail_at = SIZE_MAX;
        assert_int_equal(msim_engine_audit(engine, NULL), MSIM_OK);
        failing->fail_at = fail_at;
    }
    msim_engine_destroy(&engine);
    return r;
}

struct snapshot {
    unsigned char bytes[65536];
    size_t length;
};

static int restore_once(const struct msim_allocator *allocator, void *context)
{
    const struct snapshot *snapshot = context;
    struct msim_engine_params params = MSIM_ENGINE_PARAMS_INIT;
    struct msim_engine *engine = NULL;
    struct msim_detail detail = {{0}};

    params.orders = 1;
    params.window_levels = 64;
    params.allocator = allocator;
    int r = msim_engine_restore(&engine, &params, snapshot->bytes, snapshot->length, &detail);
    if (r < 0) {
        assert_null(engine);
        assert_non_null(strstr(detail.text, "memory"));
    }
    msim_engine_destroy(&engine);
    return r;
}

static void an_engine_is_made_or_leaves_nothing_behind(void **state)
{
    (void)state;
    FAIL_EACH_ALLOCATION(create_once, NULL);
}

static void a_command_without_memory_did_not_happen(void **state)
{
    (void)state;
    FAIL_EACH_ALLOCATION(trade_once, NULL);
}

static void a_restore_without_memory_leaves_nothing_behind(void **state)
{
    struct snapshot snapshot;
    struct msim_engine *engine = NULL;

    (void)state;
    assert_int_equal(set_up(&engine, NULL), MSIM_OK);
    for (uint32_t account = 0; account < 9; account++)
        assert_int_equal(fund(engine, account), MSIM_OK);
    for (uint32_t i = 1; i < 200; i++) {
        const struct msim_command c = order_of(i);
        assert_int_equal(msim_engine_apply(engine, &c), MSIM_OK);
    }
    assert_int_equal(
        msim_engine_snapshot(engine, snapshot.bytes, sizeof snapshot.bytes, &snapshot.length),
        MSIM_OK);
    msim_engine_destroy(&engine);
    FAIL_EACH_ALLOCATION(restore_once, &snapshot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_engine_is_made_or_leaves_nothing_behind),
        cmocka_unit_test(a_command_without_memory_did_not_happen),
        cmocka_unit_test(a_restore_without_memory_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
