#include "market.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oom/failing.h"

struct bench {
    struct msim_engine *engine;
    struct failing memory;
    struct msim_allocator allocator;
};

/* Fees in the quote asset: an account's whole day shows in one balance. */
static int make(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    struct msim_engine_params params = MSIM_ENGINE_PARAMS_INIT;
    struct msim_instrument_params terms = MSIM_INSTRUMENT_PARAMS_INIT;
    if (!bench)
        return -1;
    bench->memory.fail_at = SIZE_MAX;
    bench->allocator = failing_allocator(&bench->memory);
    params.allocator = &bench->allocator;
    params.events = MSIM_EVENTS_ALL;
    terms.fee_mode = MSIM_FEE_QUOTE;
    terms.maker_fee = 1000;
    terms.taker_fee = 1000;
    bench->engine = make_engine(&params, &terms);
    *state = bench;
    return 0;
}

static int unmake(void **state)
{
    struct bench *bench = *state;
    msim_engine_destroy(&bench->engine);
    const int left = (int)bench->memory.blocks;
    free(bench);
    return left;
}

static int64_t free_of(const struct msim_engine *engine, uint32_t account, uint32_t asset)
{
    int64_t free_part = -1;
    assert_int_equal(msim_engine_balance(engine, account, asset, &free_part, NULL), MSIM_OK);
    return free_part;
}

static int64_t held_of(const struct msim_engine *engine, uint32_t account, uint32_t asset)
{
    int64_t held = -1;
    assert_int_equal(msim_engine_balance(engine, account, asset, NULL, &held), MSIM_OK);
    return held;
}

static int64_t fees_of(const struct msim_engine *engine, uint32_t asset)
{
    struct msim_asset_view view;
    assert_int_equal(msim_engine_asset(engine, asset, &view), MSIM_OK);
    return view.fees;
}

static void a_time_that_is_never_is_refused_and_moves_nothing(void **state)
{
    struct bench *bench = *state;
    struct msim_command order = limit(1, MSIM_SIDE_BUY, 10, 1);
    struct msim_event event;

    deposit(bench->engine, 1, USD, 100);
    order.time_in_force = MSIM_TIF_GTD;
    order.time = 5;
    order.expires_at = 1000;
    apply(bench->engine, order);
    static const uint8_t kinds[] = {MSIM_COMMAND_TIME, MSIM_COMMAND_NEW, MSIM_COMMAND_CANCEL, 99};
    for (size_t i = 0; i < sizeof kinds; i++) {
        apply(bench->engine,
              (struct msim_command){.kind = kinds[i], .time = MSIM_TIME_NEVER, .order = 1});
        assert_int_equal(told(bench->engine, MSIM_EVENT_EXPIRED, NULL), 0);
        assert_int_equal(told(bench->engine, MSIM_EVENT_REJECTED, &event), 1);
        assert_int_equal(event.code, MSIM_REJECT_OUT_OF_RANGE);
        assert_int_equal(event.command_kind, kinds[i]);
        assert_int_equal(msim_engine_time(bench->engine), 5);
    }
    assert_int_equal(msim_engine_next_due(bench->engine), 1000);
}

/* A hundred fills of 10 at 1/1000: each alone would round up to 1, all together come to 1. */
static void fees_in_quote_are_rounded_up_once_for_an_order(void **state)
{
    struct bench *bench = *state;

    deposit(bench->engine, 1, USD, 1001);
    deposit(bench->engine, 2, BTC, 100);
    for (int i = 0; i < 100; i++)
        apply(bench->engine, limit(2, MSIM_SIDE_SELL, 10, 1));
    apply(bench->engine, limit(1, MSIM_SIDE_BUY, 10, 100));
    assert_int_equal(free_of(bench->engine, 1, USD), 0);
    assert_int_equal(held_of(bench->engine, 1, USD), 0);
    assert_int_equal(free_of(bench->engine, 1, BTC), 100);
    /* The sellers are a hundred orders: each pays its own. */
    assert_int_equal(free_of(bench->engine, 2, USD), 900);
    assert_int_equal(fees_of(bench->engine, USD), 101);
    assert_int_equal(msim_engine_audit(bench->engine, NULL), MSIM_OK);
}

/* Better prices, fills as taker and as maker, a changed price: what is held is always enough. */
static void a_hold_covers_every_fee_to_the_last_unit(void **state)
{
    struct bench *bench = *state;

    deposit(bench->engine, 1, USD, 11023);
    deposit(bench->engine, 2, BTC, 2000);
    for (msim_price price = 4; price < 9; price++)
        apply(bench->engine, limit(2, MSIM_SIDE_SELL, price, 7));
    apply(bench->engine, limit(1, MSIM_SIDE_BUY, 11, 1001));
    assert_int_equal(free_of(bench->engine, 1, USD) + held_of(bench->engine, 1, USD) +
                         free_of(bench->engine, 2, USD) + fees_of(bench->engine, USD),
                     11023);
    for (int i = 0; i < 966; i++) {
        apply(bench->engine, limit(2, MSIM_SIDE_SELL, 11, 1));
        assert_true(free_of(bench->engine, 1, USD) >= 0);
        assert_int_equal(msim_engine_audit(bench->engine, NULL), MSIM_OK);
    }
    /* 7 x (4 + 5 + 6 + 7 + 8) + 966 x 11 = 10836: a fee of 11 */
    assert_int_equal(free_of(bench->engine, 1, USD), 11023 - 10836 - 11);
    assert_int_equal(held_of(bench->engine, 1, USD), 0);
}

static void an_account_below_zero_pays_its_fees(void **state)
{
    struct bench *bench = *state;

    deposit(bench->engine, 1, BTC, 10);
    deposit(bench->engine, 2, USD, 10000);
    deposit(bench->engine, 3, BTC, 100);
    apply(bench->engine, limit(1, MSIM_SIDE_SELL, 1000, 1));
    apply(bench->engine, limit(2, MSIM_SIDE_BUY, 1000, 1));
    apply(bench->engine, limit(1, MSIM_SIDE_BUY, 90, 5));
    apply(bench->engine, (struct msim_command){.kind = MSIM_COMMAND_WITHDRAW,
                                               .account = 1,
                                               .asset = USD,
                                               .amount = free_of(bench->engine, 1, USD)});
    apply(bench->engine,
          (struct msim_command){.kind = MSIM_COMMAND_BUST, .flags = MSIM_COMMAND_ALLOW_NEGATIVE});
    const int64_t owed = free_of(bench->engine, 1, USD);
    assert_int_equal(owed, -999);
    assert_int_equal(fees_of(bench->engine, USD), 0);
    apply(bench->engine, limit(3, MSIM_SIDE_SELL, 90, 5));
    assert_int_equal(free_of(bench->engine, 1, USD), owed);
    assert_int_equal(fees_of(bench->engine, USD), 2);
    assert_int_equal(msim_engine_audit(bench->engine, NULL), MSIM_OK);
}

/* The fee that rounding made zero stays so where nothing changes. */
static void a_correction_to_the_same_price_moves_nothing(void **state)
{
    struct bench *bench = *state;

    deposit(bench->engine, 1, USD, 1001);
    deposit(bench->engine, 2, BTC, 100);
    apply(bench->engine, limit(1, MSIM_SIDE_BUY, 10, 100));
    apply(bench->engine, limit(2, MSIM_SIDE_SELL, 10, 1));
    apply(bench->engine, limit(2, MSIM_SIDE_SELL, 10, 1));
    const int64_t before = free_of(bench->engine, 2, USD);
    const int64_t fees = fees_of(bench->engine, USD);
    apply(bench->engine, (struct msim_command){.kind = MSIM_COMMAND_CORRECT, .price = 10});
    assert_int_equal(told(bench->engine, MSIM_EVENT_CORRECTED, NULL), 1);
    assert_int_equal(free_of(bench->engine, 1, USD), 0);
    assert_int_equal(free_of(bench->engine, 2, USD), before);
    assert_int_equal(fees_of(bench->engine, USD), fees);
    /* Off the tick and away from the market: a correction may be so, and the last price stays. */
    apply(bench->engine, (struct msim_command){.kind = MSIM_COMMAND_SET_TICK, .price = 10});
    apply(bench->engine, (struct msim_command){.kind = MSIM_COMMAND_CORRECT, .price = 3});
    struct msim_instrument_view view;
    assert_int_equal(msim_engine_instrument(bench->engine, 0, &view), MSIM_OK);
    assert_int_equal(view.last_price, 10);
    assert_int_equal(free_of(bench->engine, 1, USD), 7);
    assert_int_equal(msim_engine_audit(bench->engine, NULL), MSIM_OK);
}

static void a_replaced_order_is_worth_what_it_is_in_all(void **state)
{
    struct bench *bench = *state;
    struct msim_event event;

    deposit(bench->engine, 1, USD, 100000);
    deposit(bench->engine, 2, BTC, 100);
    apply(bench->engine,
          (struct msim_command){.kind = MSIM_COMMAND_SET_MIN_NOTIONAL, .amount = 1000});
    apply(bench->engine, limit(1, MSIM_SIDE_BUY, 100, 20));
    apply(bench->engine, limit(2, MSIM_SIDE_SELL, 100, 19));
    apply(bench->engine, (struct msim_command){
                             .kind = MSIM_COMMAND_REPLACE, .account = 1, .order = 1, .price = 99});
    assert_int_equal(told(bench->engine, MSIM_EVENT_REPLACED, NULL), 1);
    apply(bench->engine, (struct msim_command){
                             .kind = MSIM_COMMAND_REPLACE, .account = 1, .order = 1, .price = 49});
    assert_int_equal(told(bench->engine, MSIM_EVENT_REJECTED, &event), 1);
    assert_int_equal(event.code, MSIM_REJECT_MIN_NOTIONAL);
}

static void a_level_that_did_not_change_is_not_told(void **state)
{
    struct bench *bench = *state;
    struct msim_command taker = limit(1, MSIM_SIDE_BUY, 100, 1);

    deposit(bench->engine, 1, USD, 1000);
    deposit(bench->engine, 1, BTC, 10);
    apply(bench->engine, limit(1, MSIM_SIDE_SELL, 100, 1));
    taker.self_trade = MSIM_SELF_TRADE_CANCEL_TAKER;
    apply(bench->engine, taker);
    assert_int_equal(told(bench->engine, MSIM_EVENT_CANCELLED, NULL), 1);
    assert_int_equal(told(bench->engine, MSIM_EVENT_LEVEL, NULL), 0);
}

static void a_batch_says_what_was_skipped_and_what_waits(void **state)
{
    struct bench *bench = *state;
    struct msim_command batch[3];
    size_t applied = 0;

    for (size_t i = 0; i < 3; i++)
        batch[i] = (struct msim_command){
            .kind = MSIM_COMMAND_TIME, .sequence = i + 1, .time = (msim_time)i};
    assert_int_equal(msim_engine_apply_many(bench->engine, batch, 2, &applied), MSIM_APPLY_DONE);
    assert_int_equal(msim_engine_apply_many(bench->engine, batch, 2, &applied), MSIM_APPLY_SKIPPED);
    assert_int_equal(applied, 2);
    assert_int_equal(msim_engine_apply_many(bench->engine, batch, 3, &applied), MSIM_APPLY_DONE);
    assert_int_equal(msim_engine_sequence(bench->engine), 3);
    assert_int_equal(msim_engine_apply_many(bench->engine, batch, 0, &applied), MSIM_APPLY_DONE);
}

/* A large engine looks at a batch's commands before it has judged any of them. */
static void a_batch_of_what_cannot_be_changes_no_more_than_one_by_one(void **state)
{
    static const msim_price prices[] = {INT64_MIN, INT64_MIN + 1, -1, 0, 7, INT64_MAX};
    static const uint32_t numbers[] = {0, 1, 1000000, UINT32_MAX};
    struct msim_engine_params params = MSIM_ENGINE_PARAMS_INIT;
    struct msim_instrument_params terms = MSIM_INSTRUMENT_PARAMS_INIT;
    struct msim_command commands[240];
    struct msim_engine *engines[2];

    (void)state;
    params.orders = 10000;
    for (size_t i = 0; i < COUNT(commands); i++) {
        commands[i] = limit(numbers[i % 3], (uint8_t)(i / 5 % 4), prices[i % COUNT(prices)], 1);
        commands[i].kind = (uint8_t)(i % 7 == 0 ? MSIM_COMMAND_CANCEL : MSIM_COMMAND_NEW);
        commands[i].instrument = numbers[i / 2 % COUNT(numbers)];
        commands[i].order = i % 3 ? i : UINT64_MAX;
        commands[i].handle = i % 4 ? 0 : numbers[i / 4 % COUNT(numbers)];
        commands[i].client_id = i % 2 ? i : UINT64_MAX;
    }
    for (size_t e = 0; e < 2; e++) {
        engines[e] = make_engine(&params, &terms);
        deposit(engines[e], 1, USD, 1000000);
        for (int i = 0; i < 9000; i++)
            apply(engines[e], limit(1, MSIM_SIDE_BUY, 1 + i % 50, 1));
    }
    for (size_t i = 0; i < COUNT(commands); i++)
        msim_engine_apply(engines[0], &commands[i]);
    for (size_t i = 0, applied = 0; i<COUNT(commands); i += applied> 0 ? applied : 1)
        msim_engine_apply_many(engines[1], commands + i, COUNT(commands) - i, &applied);
    assert_true(msim_engine_digest(engines[0]) == msim_engine_digest(engines[1]));
    msim_engine_destroy(&engines[0]);
    msim_engine_destroy(&engines[1]);
}

/* A stop that fires meets more makers than there is room to tell of, and none to be had. */
static void a_batch_whose_triggered_order_waits_for_memory_says_so(void **state)
{
    struct bench *bench = *state;
    size_t applied = 0;

    deposit(bench->engine, 1, USD, 1000000);
    deposit(bench->engine, 2, BTC, 100000);
    apply(bench->engine, limit(2, MSIM_SIDE_SELL, 10, 1));
    for (int i = 0; i < 1000; i++)
        apply(bench->engine, limit(2, MSIM_SIDE_SELL, 11, 1));
    struct msim_command stop = limit(1, MSIM_SIDE_BUY, 11, 1000);
    stop.type = MSIM_ORDER_STOP_LIMIT;
    stop.stop_price = 10;
    apply(bench->engine, stop);
    /* What the taker itself needs is there. */
    apply(bench->engine, limit(1, MSIM_SIDE_BUY, 8, 1));
    apply(bench->engine, limit(1, MSIM_SIDE_BUY, 9, 1));
    const struct msim_command taker = limit(1, MSIM_SIDE_BUY, 10, 1);
    bench->memory.fail_at = bench->memory.calls;
    assert_int_equal(msim_engine_apply_many(bench->engine, &taker, 1, &applied),
                     MSIM_APPLY_PENDING);
    assert_int_equal(applied, 1);
    bench->memory.fail_at = SIZE_MAX;
    const struct msim_command time = {.kind = MSIM_COMMAND_TIME};
    assert_int_equal(msim_engine_apply_many(bench->engine, &time, 1, &applied), MSIM_APPLY_DONE);
    assert_int_equal(told(bench->engine, MSIM_EVENT_TRADE, NULL), 1000);
}

/* Sells at 10 and 11, a stop that buys all of the latter, and what fires it. */
static int fire_stop(struct msim_engine *engine, struct failing *memory)
{
    struct msim_command stop = limit(1, MSIM_SIDE_BUY, 11, 1000);
    const struct msim_command taker = limit(1, MSIM_SIDE_BUY, 10, 1);

    stop.type = MSIM_ORDER_STOP_LIMIT;
    stop.stop_price = 10;
    deposit(engine, 1, USD, 1000000);
    deposit(engine, 2, BTC, 1001);
    deposit(engine, 3, BTC, 917);
    apply(engine, limit(3, MSIM_SIDE_SELL, 12, 917));
    apply(engine, limit(2, MSIM_SIDE_SELL, 10, 1));
    for (int i = 0; i < 1000; i++)
        apply(engine, limit(2, MSIM_SIDE_SELL, 11, 1));
    apply(engine, stop);
    /* What the taker itself needs is there. */
    apply(engine, limit(1, MSIM_SIDE_BUY, 8, 1));
    apply(engine, limit(1, MSIM_SIDE_BUY, 9, 1));
    if (memory)
        memory->fail_at = memory->calls;
    const int r = msim_engine_apply(engine, &taker);
    if (memory)
        memory->fail_at = SIZE_MAX;
    return r;
}

/* What the maker received from an order that had to wait is there for the command behind it. */
static void a_command_finds_what_orders_that_waited_before_it_earned(void **state)
{
    struct bench *bench = *state;
    struct msim_engine_params params = MSIM_ENGINE_PARAMS_INIT;
    const struct msim_instrument_params terms = MSIM_INSTRUMENT_PARAMS_INIT;
    struct msim_engine *engines[2];

    params.events = MSIM_EVENTS_ORDER | MSIM_EVENTS_TRADE | MSIM_EVENTS_FILL;
    engines[0] = make_engine(&params, &terms);
    params.allocator = &bench->allocator;
    engines[1] = make_engine(&params, &terms);
    assert_int_equal(fire_stop(engines[0], NULL), MSIM_APPLY_DONE);
    assert_int_equal(fire_stop(engines[1], &bench->memory), MSIM_APPLY_PENDING);
    for (size_t i = 0; i < COUNT(engines); i++) {
        apply(engines[i], limit(2, MSIM_SIDE_BUY, 12, 917));
        assert_int_equal(told(engines[i], MSIM_EVENT_REJECTED, NULL), 0);
        assert_int_equal(free_of(engines[i], 2, USD), 1 * 10 + 1000 * 11 - 917 * 12);
        assert_int_equal(msim_engine_audit(engines[i], NULL), MSIM_OK);
    }
    assert_true(msim_engine_digest(engines[0]) == msim_engine_digest(engines[1]));
    msim_engine_destroy(&engines[0]);
    msim_engine_destroy(&engines[1]);
}

static void a_failed_command_leaves_the_time_where_it_was(void **state)
{
    struct bench *bench = *state;
    struct msim_command order = limit(1, MSIM_SIDE_BUY, 10, 1);

    deposit(bench->engine, 1, USD, 1000000);
    for (int i = 0; i < 10000; i++) {
        /* A digest reads all there is: only where the pool is about to be full. */
        const bool near = i < 20 || (i > 8170 && i < 8200);
        const uint64_t digest = near ? msim_engine_digest(bench->engine) : 0;
        order.time = i;
        bench->memory.fail_at = near ? bench->memory.calls : SIZE_MAX;
        const int r = msim_engine_apply(bench->engine, &order);
        bench->memory.fail_at = SIZE_MAX;
        if (r == MSIM_OK)
            continue;
        assert_int_equal(r, MSIM_ERR_NOMEM);
        assert_int_equal(msim_engine_time(bench->engine), i ? i - 1 : 0);
        assert_true(msim_engine_digest(bench->engine) == digest);
        apply(bench->engine, order);
        if (i > 8170)
            return;
    }
    fail_msg("the pool never grew");
}

/* Blocks that begin anywhere: 16, 32 or 48 bytes behind a cache line, or on one, in turn. */
static void *crooked_resize(void *context, void *pointer, size_t old_size, size_t new_size)
{
    size_t *turn = context;
    unsigned char *old = pointer;
    unsigned char *block = NULL;

    if (new_size > 0) {
        const size_t shift = 16 + 16 * (++*turn % 4);
        unsigned char *whole = aligned_alloc(64, (new_size + shift + 63) / 64 * 64);
        assert_non_null(whole);
        block = whole + shift;
        block[-1] = (unsigned char)shift;
        if (old)
            memcpy(block, old, old_size < new_size ? old_size : new_size);
    }
    if (old)
        free(old - old[-1]);
    return block;
}

static void events_begin_with_a_cache_line_wherever_memory_does(void **state)
{
    struct msim_engine_params params = MSIM_ENGINE_PARAMS_INIT;
    struct msim_instrument_params terms = MSIM_INSTRUMENT_PARAMS_INIT;
    struct msim_engine *engines[2];
    size_t turn = 0;
    const struct msim_allocator crooked = {.resize = crooked_resize, .context = &turn};

    (void)state;
    params.orders = 1;
    engines[0] = make_engine(&params, &terms);
    params.allocator = &crooked;
    engines[1] = make_engine(&params, &terms);
    for (int i = 0; i < 2; i++) {
        deposit(engines[i], 1, USD, 100000000);
        for (uint64_t id = 1; id <= 5000; id++) {
            struct msim_command order = limit(1, MSIM_SIDE_BUY, 1 + (msim_price)(id % 3000), 1);
            order.client_id = id;
            apply(engines[i], order);
            assert_true((uintptr_t)msim_engine_events(engines[i], NULL) % 64 == 0);
        }
        assert_int_equal(msim_engine_audit(engines[i], NULL), MSIM_OK);
    }
    assert_true(msim_engine_digest(engines[0]) == msim_engine_digest(engines[1]));
    msim_engine_destroy(&engines[0]);
    msim_engine_destroy(&engines[1]);
}

static void no_engine_is_no_crash(void **state)
{
    struct bench *bench = *state;
    union {
        struct msim_asset_view asset;
        struct msim_instrument_view instrument;
        struct msim_order_view order;
        struct msim_queue_view queue;
        struct msim_position_view position;
        struct msim_level_view level;
    } view;
    size_t count = 7;
    uint32_t id;

    assert_null(msim_engine_events(NULL, &count));
    assert_int_equal(count, 0);
    assert_non_null(msim_engine_events(bench->engine, NULL));
    assert_true(msim_engine_next_due(NULL) == MSIM_TIME_NEVER);
    assert_int_equal(msim_engine_sequence(NULL), 0);
    assert_true(msim_engine_time(NULL) == INT64_MIN);
    assert_int_equal(msim_engine_memory(NULL), 0);
    assert_int_equal(msim_engine_digest(NULL), 0);
    assert_int_equal(msim_engine_asset_find(NULL, "USD", 3, &id), MSIM_ERR_INVALID);
    assert_int_equal(msim_engine_instrument_find(NULL, "S", 1, &id), MSIM_ERR_INVALID);
    assert_int_equal(msim_engine_asset(NULL, 0, &view.asset), MSIM_ERR_INVALID);
    assert_int_equal(msim_engine_asset(bench->engine, 0, NULL), MSIM_ERR_INVALID);
    assert_int_equal(msim_engine_instrument(NULL, 0, &view.instrument), MSIM_ERR_INVALID);
    assert_int_equal(msim_engine_instrument(bench->engine, 0, NULL), MSIM_ERR_INVALID);
    assert_int_equal(msim_engine_depth(NULL, 0, MSIM_SIDE_BUY, &view.level, 1), 0);
    assert_int_equal(msim_engine_depth(bench->engine, 0, MSIM_SIDE_BUY, NULL, 1), 0);
    assert_int_equal(msim_engine_order(NULL, 1, 0, &view.order), MSIM_ERR_INVALID);
    assert_int_equal(msim_engine_order(bench->engine, 1, 0, NULL), MSIM_ERR_INVALID);
    assert_int_equal(msim_engine_client_order(NULL, 0, 1, &view.order), MSIM_ERR_INVALID);
    assert_int_equal(msim_engine_orders(NULL, 0, 0, 0, &view.order, 1), 0);
    assert_int_equal(msim_engine_book_orders(NULL, 0, MSIM_SIDE_BUY, 0, &view.order, 1), 0);
    assert_int_equal(msim_engine_queue_position(NULL, 1, 0, &view.queue), MSIM_ERR_INVALID);
    assert_int_equal(msim_engine_balance(NULL, 0, 0, NULL, NULL), MSIM_ERR_INVALID);
    assert_int_equal(msim_engine_position(NULL, 0, 0, &view.position), MSIM_ERR_INVALID);
    assert_int_equal(msim_engine_snapshot(NULL, NULL, 0, &count), MSIM_ERR_INVALID);
    assert_int_equal(msim_engine_audit(NULL, NULL), MSIM_ERR_INVALID);
    assert_int_equal(msim_engine_apply(NULL, NULL), MSIM_ERR_INVALID);
    assert_int_equal(msim_engine_apply_many(NULL, NULL, 0, NULL), MSIM_ERR_INVALID);
    msim_engine_destroy(NULL);
}

/* Each order of another account and owner, some of all; what goes is theirs, the oldest first. */
static void a_mass_cancel_takes_the_owners_orders_and_no_others(void **state)
{
    struct bench *bench = *state;
    struct msim_event event;

    for (uint32_t i = 0; i < 600; i++) {
        struct msim_command order = limit(i % 7, MSIM_SIDE_BUY, 1 + i % 5, 1);
        deposit(bench->engine, i % 7, USD, 100);
        order.owner = i % 50;
        apply(bench->engine, order);
    }
    apply(bench->engine, (struct msim_command){.kind = MSIM_COMMAND_MASS_CANCEL, .owner = 9});
    assert_int_equal(told(bench->engine, MSIM_EVENT_CANCELLED, &event), 12);
    assert_int_equal(event.owner, 9);
    assert_int_equal(event.order, 560);
    apply(bench->engine, (struct msim_command){.kind = MSIM_COMMAND_MASS_CANCEL, .owner = 9});
    assert_int_equal(told(bench->engine, MSIM_EVENT_CANCELLED, NULL), 0);
    apply(bench->engine, (struct msim_command){.kind = MSIM_COMMAND_CANCEL_ALL,
                                               .account = 3,
                                               .instrument = MSIM_ALL_INSTRUMENTS});
    const size_t gone = told(bench->engine, MSIM_EVENT_CANCELLED, NULL);
    assert_in_range(gone, 80, 86);
    assert_int_equal(held_of(bench->engine, 3, USD), 0);
    assert_int_equal(told(bench->engine, MSIM_EVENT_MASS_CANCELLED, &event), 1);
    assert_int_equal(event.as.mass.count, gone);
    apply(bench->engine, (struct msim_command){.kind = MSIM_COMMAND_SET_STATE,
                                               .flags = MSIM_COMMAND_EXPIRE_ORDERS});
    assert_int_equal(told(bench->engine, MSIM_EVENT_EXPIRED, NULL), 600 - 12 - gone);
    assert_int_equal(msim_engine_audit(bench->engine, NULL), MSIM_OK);
}

/* The key of the tables shows nowhere. */
static void engines_with_other_hash_seeds_are_the_same(void **state)
{
    struct msim_engine_params params = MSIM_ENGINE_PARAMS_INIT;
    struct msim_instrument_params terms = MSIM_INSTRUMENT_PARAMS_INIT;
    struct msim_engine *engines[2];
    unsigned char bytes[2][65536];
    size_t length[2];

    (void)state;
    params.finished_ids = 20;
    for (int e = 0; e < 2; e++) {
        params.hash_seed = (uint64_t)e * UINT64_C(0x123456789abcdef1);
        engines[e] = make_engine(&params, &terms);
        deposit(engines[e], 1, USD, 1000000);
        deposit(engines[e], 1, BTC, 1000000);
        for (uint64_t i = 1; i < 400; i++) {
            struct msim_command order =
                limit(1, i % 2 ? MSIM_SIDE_BUY : MSIM_SIDE_SELL, 100 + (msim_price)(i * 7 % 9), 3);
            order.client_id = i * i;
            order.owner = (uint32_t)(i % 11);
            apply(engines[e], order);
            apply(engines[e], (struct msim_command){.kind = MSIM_COMMAND_CANCEL,
                                                    .account = 1,
                                                    .client_id = i * i / 2});
        }
        assert_int_equal(msim_engine_snapshot(engines[e], bytes[e], sizeof bytes[e], &length[e]),
                         MSIM_OK);
    }
    assert_int_equal(length[0], length[1]);
    assert_memory_equal(bytes[0], bytes[1], length[0]);
    assert_true(msim_engine_digest(engines[0]) == msim_engine_digest(engines[1]));
    msim_engine_destroy(&engines[0]);
    msim_engine_destroy(&engines[1]);
}

/* Deep books that were emptied give their windows back. */
static void an_instrument_that_was_used_is_small_again_when_its_book_is_empty(void **state)
{
    struct bench *bench = *state;
    struct msim_instrument_params params = MSIM_INSTRUMENT_PARAMS_INIT;
    char symbol[16];
    uint32_t number;

    params.base_asset = BTC;
    params.quote_asset = USD;
    deposit(bench->engine, 1, USD, INT64_C(1000000000000));
    deposit(bench->engine, 1, BTC, INT64_C(1000000000000));
    const size_t before = msim_engine_memory(bench->engine);
    for (int i = 0; i < 200; i++) {
        snprintf(symbol, sizeof symbol, "I%d", i);
        params.symbol = symbol;
        assert_int_equal(msim_engine_instrument_add(bench->engine, &params, &number, NULL),
                         MSIM_OK);
        for (msim_price away = 1; away < 16000; away += 500) {
            struct msim_command bid = limit(1, MSIM_SIDE_BUY, 20000 - away, 1);
            struct msim_command ask = limit(1, MSIM_SIDE_SELL, 20000 + away, 1);
            bid.instrument = number;
            ask.instrument = number;
            apply(bench->engine, bid);
            apply(bench->engine, ask);
        }
        apply(bench->engine, (struct msim_command){.kind = MSIM_COMMAND_CANCEL_ALL,
                                                   .account = 1,
                                                   .instrument = number});
    }
    assert_in_range((msim_engine_memory(bench->engine) - before) / 200, 1, 65536);
}

/* A position that never shrinks would let such an order trade with itself piece by piece. */
static void a_reduce_only_order_does_not_trade_with_its_own_account(void **state)
{
    struct bench *bench = *state;
    struct msim_event event;

    deposit(bench->engine, 1, USD, 1000000);
    deposit(bench->engine, 1, BTC, 100000);
    deposit(bench->engine, 2, BTC, 100000);
    deposit(bench->engine, 2, USD, 100000);
    apply(bench->engine, limit(2, MSIM_SIDE_SELL, 10, 1000));
    apply(bench->engine, limit(1, MSIM_SIDE_BUY, 10, 1000));
    struct msim_command stop = limit(1, MSIM_SIDE_SELL, 7, 1000);
    stop.type = MSIM_ORDER_STOP_LIMIT;
    stop.stop_price = 8;
    stop.flags = MSIM_COMMAND_REDUCE_ONLY;
    apply(bench->engine, stop);
    apply(bench->engine, limit(2, MSIM_SIDE_BUY, 9, 999));
    apply(bench->engine, limit(1, MSIM_SIDE_SELL, 9, 999));
    apply(bench->engine, limit(1, MSIM_SIDE_BUY, 7, 1000));
    apply(bench->engine, limit(2, MSIM_SIDE_BUY, 8, 1));
    apply(bench->engine, limit(1, MSIM_SIDE_SELL, 8, 1));
    assert_int_equal(told(bench->engine, MSIM_EVENT_TRADE, NULL), 1);
    assert_int_equal(told(bench->engine, MSIM_EVENT_CANCELLED, &event), 1);
    assert_int_equal(event.code, MSIM_CANCEL_REDUCE_ONLY);
    assert_int_equal(msim_engine_audit(bench->engine, NULL), MSIM_OK);
}

/* Each is cut to what is left of its position, and goes: a fill and a cancel for one maker. */
static void makers_that_are_filled_and_dropped_have_room_for_both(void **state)
{
    struct bench *bench = *state;
    struct msim_command maker = limit(0, MSIM_SIDE_SELL, 20, 10);

    deposit(bench->engine, 500, BTC, 100000);
    deposit(bench->engine, 500, USD, 1000000);
    maker.flags = MSIM_COMMAND_REDUCE_ONLY;
    for (uint32_t account = 1; account <= 400; account++) {
        deposit(bench->engine, account, USD, 1000);
        apply(bench->engine, limit(500, MSIM_SIDE_SELL, 10, 10));
        apply(bench->engine, limit(account, MSIM_SIDE_BUY, 10, 10));
        deposit(bench->engine, account, BTC, 100);
        maker.account = account;
        apply(bench->engine, maker);
        apply(bench->engine, limit(500, MSIM_SIDE_BUY, 5, 6));
        apply(bench->engine, limit(account, MSIM_SIDE_SELL, 5, 6));
    }
    apply(bench->engine, limit(500, MSIM_SIDE_BUY, 20, 4000));
    assert_int_equal(told(bench->engine, MSIM_EVENT_TRADE, NULL), 400);
    assert_int_equal(told(bench->engine, MSIM_EVENT_CANCELLED, NULL), 400);
    assert_int_equal(msim_engine_audit(bench->engine, NULL), MSIM_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)

/* An engine that tells of trades alone books them behind its answer. */
static void swept(struct msim_engine *engine, int makers)
{
    for (int i = 0; i < makers; i++)
        apply(engine, limit(1, MSIM_SIDE_SELL, 100, 2));
    apply(engine, limit(2, MSIM_SIDE_BUY, 100, 2 * makers));
}

static void assert_booked(const struct msim_engine *engine, int64_t quantity)
{
    struct msim_position_view view;
    int64_t free_part;
    int64_t held;

    assert_int_equal(msim_engine_position(engine, 1, 0, &view), MSIM_OK);
    assert_int_equal(view.quantity, -quantity);
    assert_int_equal(msim_engine_position(engine, 2, 0, &view), MSIM_OK);
    assert_int_equal(view.quantity, quantity);
    assert_int_equal(view.cost, 100 * quantity);
    assert_int_equal(msim_engine_balance(engine, 1, USD, &free_part, &held), MSIM_OK);
    assert_int_equal(free_part, 100 * quantity);
    assert_int_equal(msim_engine_balance(engine, 1, BTC, &free_part, &held), MSIM_OK);
    assert_int_equal(free_part, 1000 - quantity);
    assert_int_equal(held, 0);
}

static void every_question_sees_the_trades_of_the_last_command(void **state)
{
    struct msim_engine *asked[4];
    (void)state;

    for (size_t i = 0; i < COUNT(asked); i++) {
        asked[i] = make_quiet(0);
        swept(asked[i], 3);
    }
    assert_booked(asked[0], 6);
    assert_int_equal(msim_engine_audit(asked[1], NULL), MSIM_OK);
    assert_true(msim_engine_digest(asked[2]) == msim_engine_digest(asked[0]));
    unsigned char bytes[2][8192];
    size_t lengths[2];
    assert_int_equal(msim_engine_snapshot(asked[3], bytes[0], sizeof bytes[0], &lengths[0]),
                     MSIM_OK);
    assert_int_equal(msim_engine_snapshot(asked[0], bytes[1], sizeof bytes[1], &lengths[1]),
                     MSIM_OK);
    assert_int_equal(lengths[0], lengths[1]);
    assert_memory_equal(bytes[0], bytes[1], lengths[0]);
    for (size_t i = 0; i < COUNT(asked); i++)
        msim_engine_destroy(&asked[i]);
}

/* The next command's account may be a maker of the last one's trades. */
static void what_a_maker_received_can_be_spent_by_the_next_command(void **state)
{
    struct msim_engine *engine = make_quiet(0);
    struct msim_command commands[2] = {limit(2, MSIM_SIDE_BUY, 100, 2),
                                       limit(1, MSIM_SIDE_BUY, 50, 4)};
    size_t count;
    size_t applied;
    (void)state;

    apply(engine, limit(1, MSIM_SIDE_SELL, 100, 2));
    assert_int_equal(msim_engine_apply_many(engine, commands, 2, &applied), MSIM_APPLY_DONE);
    const struct msim_event *events = msim_engine_events(engine, &count);
    assert_int_equal(events[count - 1].kind, MSIM_EVENT_ACCEPTED);
    assert_int_equal(events[count - 1].account, 1);
    msim_engine_destroy(&engine);
}

/* However few trades are kept, and however many makers one order meets. */
static void trades_are_booked_before_they_are_forgotten(void **state)
{
    static const uint32_t histories[] = {1, 2, 63, 64, 100};
    (void)state;

    for (size_t i = 0; i < COUNT(histories); i++) {
        struct msim_engine *engine = make_quiet(histories[i]);
        swept(engine, 200);
        assert_booked(engine, 400);
        assert_int_equal(msim_engine_audit(engine, NULL), MSIM_OK);
        msim_engine_destroy(&engine);
    }
}

/* A sale and a purchase that meets it tell five events: a batch of more than the bound has stops
 * behind the command that reaches it, and its rest goes on from there. */
static void a_batch_stops_at_its_bound_of_events_and_goes_on(void **state)
{
    const size_t reached = 2 * (MSIM_BATCH_EVENTS / 5);
    const size_t count = reached + 4;
    struct msim_engine *engine = make_quiet(0);
    struct msim_command *commands = malloc(count * sizeof *commands);
    size_t applied;
    size_t told_events;
    (void)state;

    assert_non_null(commands);
    deposit(engine, 1, BTC, MSIM_BATCH_EVENTS);
    deposit(engine, 2, USD, INT64_C(1000) * MSIM_BATCH_EVENTS);
    for (size_t i = 0; i < count; i++)
        commands[i] = i % 2 ? limit(2, MSIM_SIDE_BUY, 100, 1) : limit(1, MSIM_SIDE_SELL, 100, 1);
    assert_int_equal(msim_engine_apply_many(engine, commands, count, &applied), MSIM_APPLY_DONE);
    msim_engine_events(engine, &told_events);
    assert_int_equal(applied, reached);
    assert_int_equal(told_events, MSIM_BATCH_EVENTS);
    assert_int_equal(msim_engine_apply_many(engine, commands + applied, count - applied, &applied),
                     MSIM_APPLY_DONE);
    msim_engine_events(engine, &told_events);
    assert_int_equal(applied, 4);
    assert_int_equal(told_events, 10);
    free(commands);
    msim_engine_destroy(&engine);
}

static void a_batch_that_is_no_batch_went_through_nothing(void **state)
{
    struct bench *bench = *state;
    const struct msim_command time = {.kind = MSIM_COMMAND_TIME, .time = 1};
    size_t applied = 7;

    assert_int_equal(msim_engine_apply_many(NULL, &time, 1, &applied), MSIM_ERR_INVALID);
    assert_int_equal(applied, 0);
    applied = 7;
    assert_int_equal(msim_engine_apply_many(bench->engine, NULL, 1, &applied), MSIM_ERR_INVALID);
    assert_int_equal(applied, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_question_sees_the_trades_of_the_last_command),
        TEST(what_a_maker_received_can_be_spent_by_the_next_command),
        TEST(trades_are_booked_before_they_are_forgotten),
        TEST(a_time_that_is_never_is_refused_and_moves_nothing),
        TEST(fees_in_quote_are_rounded_up_once_for_an_order),
        TEST(a_hold_covers_every_fee_to_the_last_unit),
        TEST(an_account_below_zero_pays_its_fees),
        TEST(a_correction_to_the_same_price_moves_nothing),
        TEST(a_replaced_order_is_worth_what_it_is_in_all),
        TEST(a_level_that_did_not_change_is_not_told),
        TEST(a_batch_says_what_was_skipped_and_what_waits),
        TEST(a_batch_stops_at_its_bound_of_events_and_goes_on),
        TEST(a_batch_that_is_no_batch_went_through_nothing),
        TEST(a_batch_of_what_cannot_be_changes_no_more_than_one_by_one),
        TEST(a_batch_whose_triggered_order_waits_for_memory_says_so),
        TEST(a_command_finds_what_orders_that_waited_before_it_earned),
        TEST(a_failed_command_leaves_the_time_where_it_was),
        TEST(events_begin_with_a_cache_line_wherever_memory_does),
        TEST(no_engine_is_no_crash),
        TEST(a_mass_cancel_takes_the_owners_orders_and_no_others),
        TEST(engines_with_other_hash_seeds_are_the_same),
        TEST(an_instrument_that_was_used_is_small_again_when_its_book_is_empty),
        TEST(a_reduce_only_order_does_not_trade_with_its_own_account),
        TEST(makers_that_are_filled_and_dropped_have_room_for_both),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
