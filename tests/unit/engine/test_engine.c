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

#define RICH INT64_C(1000000000000)

static struct msim_engine *open_engine(const struct msim_allocator *allocator)
{
    struct msim_engine_params params = MSIM_ENGINE_PARAMS_INIT;
    const struct msim_instrument_params terms = MSIM_INSTRUMENT_PARAMS_INIT;

    params.allocator = allocator;
    return make_engine(&params, &terms);
}

static void fund(struct msim_engine *engine, uint32_t accounts)
{
    for (uint32_t account = 0; account < accounts; account++) {
        for (uint32_t asset = 0; asset < 2; asset++)
            deposit(engine, account, asset, RICH);
    }
}

static int make(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    if (!bench)
        return -1;
    bench->memory.fail_at = SIZE_MAX;
    bench->allocator = failing_allocator(&bench->memory);
    bench->engine = open_engine(&bench->allocator);
    fund(bench->engine, 4);
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

static const struct msim_event *first_event(const struct bench *bench)
{
    size_t count;
    const struct msim_event *events = msim_engine_events(bench->engine, &count);
    assert_true(count > 0);
    return events;
}

static void parameters_that_mean_nothing_are_refused_in_words(void **state)
{
    struct msim_engine_params params = MSIM_ENGINE_PARAMS_INIT;
    struct msim_engine *engine = NULL;
    struct msim_detail detail;

    (void)state;
    params.window_levels = 100;
    assert_int_equal(msim_engine_create(&engine, &params, &detail), MSIM_ERR_INVALID);
    assert_non_null(strstr(detail.text, "window_levels is 100"));
    params.window_levels = 0;
    params.max_instruments = 70000;
    assert_int_equal(msim_engine_create(&engine, &params, &detail), MSIM_ERR_INVALID);
    assert_non_null(strstr(detail.text, "65535"));
    params.max_instruments = 0;
    params.size = 3;
    assert_int_equal(msim_engine_create(&engine, &params, &detail), MSIM_ERR_INVALID);
    assert_null(engine);
    assert_int_equal(msim_engine_create(NULL, NULL, NULL), MSIM_ERR_INVALID);
}

static void instruments_that_could_not_be_exact_are_refused_in_words(void **state)
{
    struct bench *bench = *state;
    struct msim_instrument_params params = MSIM_INSTRUMENT_PARAMS_INIT;
    struct msim_detail detail;

    params.symbol = "BTC/USD";
    params.base_asset = 1;
    assert_int_equal(msim_engine_instrument_add(bench->engine, &params, NULL, &detail),
                     MSIM_ERR_EXISTS);
    params.symbol = "X";
    params.price_exponent = -1;
    assert_int_equal(msim_engine_instrument_add(bench->engine, &params, NULL, &detail),
                     MSIM_ERR_INVALID);
    assert_non_null(strstr(detail.text, "notional would not be exact"));
    params.price_exponent = 0;
    params.base_asset = 0;
    assert_int_equal(msim_engine_instrument_add(bench->engine, &params, NULL, &detail),
                     MSIM_ERR_INVALID);
    params.base_asset = 1;
    params.taker_fee = MSIM_FEE_SCALE + 1;
    assert_int_equal(msim_engine_instrument_add(bench->engine, &params, NULL, &detail),
                     MSIM_ERR_INVALID);
    assert_int_equal(msim_engine_asset_add(bench->engine, "BTC", 0, NULL, &detail),
                     MSIM_ERR_EXISTS);
    assert_int_equal(msim_engine_asset_add(bench->engine, "", 0, NULL, &detail), MSIM_ERR_INVALID);
    assert_int_equal(msim_engine_asset_add(bench->engine, "E", -19, NULL, &detail),
                     MSIM_ERR_INVALID);
}

static void names_are_found_again(void **state)
{
    struct bench *bench = *state;
    struct msim_asset_view asset;
    struct msim_instrument_view view;
    uint32_t id = 9;

    assert_int_equal(msim_engine_asset_find(bench->engine, "BTC", 3, &id), MSIM_OK);
    assert_int_equal(id, 1);
    assert_int_equal(msim_engine_asset(bench->engine, 1, &asset), MSIM_OK);
    assert_string_equal(asset.name, "BTC");
    assert_true(asset.total == 4 * RICH && asset.fees == 0);
    assert_int_equal(msim_engine_asset(bench->engine, 2, &asset), MSIM_ERR_NOT_FOUND);
    assert_int_equal(msim_engine_instrument_find(bench->engine, "BTC/USD", 7, &id), MSIM_OK);
    assert_int_equal(id, 0);
    assert_int_equal(msim_engine_instrument_find(bench->engine, "BTC/EUR", 7, &id),
                     MSIM_ERR_NOT_FOUND);
    assert_int_equal(msim_engine_instrument(bench->engine, 0, &view), MSIM_OK);
    assert_string_equal(view.params.symbol, "BTC/USD");
    size_t length = 0;
    assert_string_equal(msim_engine_symbol(bench->engine, id, &length), "BTC/USD");
    assert_int_equal(length, 7);
    assert_null(msim_engine_symbol(bench->engine, id + 1, &length));
    assert_int_equal(view.params.tick, 1);
    assert_int_equal(view.best_bid, 0);
    assert_int_equal(msim_engine_instrument(bench->engine, 1, &view), MSIM_ERR_NOT_FOUND);
}

static void a_command_is_applied_once_and_in_its_turn(void **state)
{
    struct bench *bench = *state;
    struct msim_command c = limit(0, MSIM_SIDE_SELL, 100, 1);
    const uint64_t last = msim_engine_sequence(bench->engine);
    size_t count;

    c.sequence = last + 1;
    assert_int_equal(msim_engine_apply(bench->engine, &c), MSIM_APPLY_DONE);
    assert_int_equal(first_event(bench)->command, last + 1);
    assert_int_equal(msim_engine_apply(bench->engine, &c), MSIM_APPLY_SKIPPED);
    msim_engine_events(bench->engine, &count);
    assert_int_equal(count, 0);
    c.sequence = last + 3;
    assert_int_equal(msim_engine_apply(bench->engine, &c), MSIM_ERR_STATE);
    assert_int_equal(msim_engine_sequence(bench->engine), last + 1);
    c.kind = 99;
    c.sequence = last + 2;
    assert_int_equal(msim_engine_apply(bench->engine, &c), MSIM_APPLY_DONE);
    assert_int_equal(first_event(bench)->code, MSIM_REJECT_INVALID_FIELD);
}

static void the_book_shows_depth_orders_and_places_in_the_queue(void **state)
{
    struct bench *bench = *state;
    struct msim_level_view levels[4];
    struct msim_order_view orders[4];
    struct msim_queue_view place;

    apply(bench->engine, limit(0, MSIM_SIDE_BUY, 100, 7));
    apply(bench->engine, limit(1, MSIM_SIDE_BUY, 100, 5));
    apply(bench->engine, limit(1, MSIM_SIDE_BUY, 90000, 3));
    apply(bench->engine, limit(2, MSIM_SIDE_BUY, 99, 2));
    assert_int_equal(msim_engine_depth(bench->engine, 0, MSIM_SIDE_BUY, levels, 4), 3);
    assert_int_equal(levels[0].price, 90000);
    assert_int_equal(levels[1].price, 100);
    assert_int_equal(levels[1].quantity, 12);
    assert_int_equal(levels[1].order_count, 2);
    assert_int_equal(levels[2].price, 99);
    assert_int_equal(msim_engine_depth(bench->engine, 0, MSIM_SIDE_BUY, levels, 1), 1);
    assert_int_equal(msim_engine_depth(bench->engine, 0, MSIM_SIDE_SELL, levels, 4), 0);
    assert_int_equal(msim_engine_depth(bench->engine, 5, MSIM_SIDE_BUY, levels, 4), 0);

    assert_int_equal(msim_engine_book_orders(bench->engine, 0, MSIM_SIDE_BUY, 1, orders, 4), 3);
    assert_int_equal(orders[0].order, 1);
    assert_int_equal(orders[1].order, 2);
    assert_int_equal(orders[2].order, 4);
    assert_int_equal(msim_engine_queue_position(bench->engine, 2, 0, &place), MSIM_OK);
    assert_int_equal(place.orders_ahead, 1);
    assert_int_equal(place.quantity_ahead, 7);
    assert_int_equal(place.level_orders, 2);
    assert_int_equal(msim_engine_queue_position(bench->engine, 9, 0, &place), MSIM_ERR_NOT_FOUND);
}

static void an_accounts_orders_are_listed_from_the_oldest_on(void **state)
{
    struct bench *bench = *state;
    struct msim_order_view orders[3];

    for (int i = 0; i < 5; i++)
        apply(bench->engine, limit((uint32_t)i % 2, MSIM_SIDE_BUY, 100 - i, 1));
    assert_int_equal(msim_engine_orders(bench->engine, 0, MSIM_ALL_INSTRUMENTS, 0, orders, 2), 2);
    assert_int_equal(orders[0].order, 1);
    assert_int_equal(orders[1].order, 3);
    assert_int_equal(msim_engine_orders(bench->engine, 0, 0, 3, orders, 3), 1);
    assert_int_equal(orders[0].order, 5);
    assert_int_equal(orders[0].held, 96);
    assert_int_equal(orders[0].status, MSIM_STATUS_OPEN);
    assert_int_equal(msim_engine_orders(bench->engine, 3, 0, 0, orders, 3), 0);
}

static void an_accounts_orders_stay_listed_after_the_first_question(void **state)
{
    struct bench *bench = *state;
    struct msim_order_view orders[4];

    for (int i = 0; i < 4; i++)
        apply(bench->engine, limit(0, MSIM_SIDE_BUY, 100 - i, 1));
    assert_int_equal(msim_engine_orders(bench->engine, 0, 0, 0, orders, 4), 4);
    for (uint64_t order = 2; order <= 4; order += 2) {
        const struct msim_command cancel = {.kind = MSIM_COMMAND_CANCEL, .order = order};
        apply(bench->engine, cancel);
    }
    apply(bench->engine, limit(0, MSIM_SIDE_BUY, 90, 1));
    assert_int_equal(msim_engine_orders(bench->engine, 0, 0, 0, orders, 4), 3);
    assert_int_equal(orders[0].order, 1);
    assert_int_equal(orders[1].order, 3);
    assert_int_equal(orders[2].order, 5);
}

static void an_accounts_orders_stay_listed_when_the_first_client_id_comes(void **state)
{
    struct bench *bench = *state;
    struct msim_order_view orders[4];

    for (int i = 0; i < 3; i++)
        apply(bench->engine, limit(0, MSIM_SIDE_BUY, 100 - i, 1));
    assert_int_equal(msim_engine_orders(bench->engine, 0, 0, 0, orders, 4), 3);
    struct msim_command named = limit(0, MSIM_SIDE_BUY, 90, 1);
    named.client_id = 7;
    apply(bench->engine, named);
    apply(bench->engine, (struct msim_command){.kind = MSIM_COMMAND_CANCEL, .order = 2});
    assert_int_equal(msim_engine_orders(bench->engine, 0, 0, 0, orders, 4), 3);
    assert_int_equal(orders[0].order, 1);
    assert_int_equal(orders[0].client_id, 0);
    assert_int_equal(orders[1].order, 3);
    assert_int_equal(orders[2].order, 4);
    assert_int_equal(orders[2].client_id, 7);
    apply(bench->engine, (struct msim_command){.kind = MSIM_COMMAND_CANCEL, .client_id = 7});
    assert_int_equal(first_event(bench)->kind, MSIM_EVENT_CANCELLED);
    assert_int_equal(first_event(bench)->client_id, 7);
    assert_int_equal(msim_engine_orders(bench->engine, 0, 0, 0, orders, 4), 2);
    assert_int_equal(msim_engine_audit(bench->engine, NULL), MSIM_OK);
}

static void a_handle_is_a_hint_and_is_checked(void **state)
{
    struct bench *bench = *state;
    struct msim_order_view view;

    apply(bench->engine, limit(0, MSIM_SIDE_BUY, 100, 1));
    const uint64_t handle = msim_event_handle(first_event(bench));
    apply(bench->engine, limit(0, MSIM_SIDE_BUY, 101, 1));
    assert_int_equal(msim_engine_order(bench->engine, 0, handle, &view), MSIM_OK);
    assert_int_equal(view.order, 1);
    assert_int_equal(msim_engine_order(bench->engine, 2, handle, &view), MSIM_OK);
    assert_int_equal(view.order, 2);
    apply(bench->engine, (struct msim_command){.kind = MSIM_COMMAND_CANCEL, .handle = handle});
    assert_int_equal(first_event(bench)->kind, MSIM_EVENT_CANCELLED);
    /* The slot has another order now: the old handle names nobody. */
    apply(bench->engine, limit(0, MSIM_SIDE_BUY, 102, 1));
    assert_int_equal(msim_engine_order(bench->engine, 0, handle, &view), MSIM_ERR_NOT_FOUND);
    apply(bench->engine, (struct msim_command){.kind = MSIM_COMMAND_CANCEL, .handle = handle});
    assert_int_equal(first_event(bench)->code, MSIM_REJECT_ORDER_NOT_FOUND);
}

static void a_slot_alone_names_nobody(void **state)
{
    struct bench *bench = *state;

    apply(bench->engine, limit(0, MSIM_SIDE_BUY, 100, 1));
    const uint64_t handle = msim_event_handle(first_event(bench));
    const uint32_t slot = first_event(bench)->slot;
    apply(bench->engine,
          (struct msim_command){.kind = MSIM_COMMAND_CANCEL, .order = 1, .handle = handle});
    /* The slot is free, and its order's number is the command's: none. */
    apply(bench->engine, (struct msim_command){.kind = MSIM_COMMAND_CANCEL, .handle = slot});
    assert_int_equal(first_event(bench)->kind, MSIM_EVENT_REJECTED);
    assert_int_equal(msim_engine_audit(bench->engine, NULL), MSIM_OK);
}

static void another_accounts_order_cannot_be_cancelled(void **state)
{
    struct bench *bench = *state;

    apply(bench->engine, limit(0, MSIM_SIDE_BUY, 100, 1));
    apply(bench->engine,
          (struct msim_command){.kind = MSIM_COMMAND_CANCEL, .order = 1, .account = 1});
    assert_int_equal(first_event(bench)->code, MSIM_REJECT_ORDER_NOT_FOUND);
}

static void a_position_is_worth_what_the_last_price_says(void **state)
{
    struct bench *bench = *state;
    struct msim_position_view view;

    apply(bench->engine, limit(0, MSIM_SIDE_SELL, 100, 10));
    apply(bench->engine, limit(1, MSIM_SIDE_BUY, 100, 10));
    apply(bench->engine, limit(1, MSIM_SIDE_SELL, 130, 4));
    apply(bench->engine, limit(2, MSIM_SIDE_BUY, 130, 4));
    assert_int_equal(msim_engine_position(bench->engine, 1, 0, &view), MSIM_OK);
    assert_int_equal(view.quantity, 6);
    assert_int_equal(view.cost, 600);
    assert_int_equal(view.realised, 120);
    assert_int_equal(view.unrealised, 180);
    assert_int_equal(view.average_price, 100);
    assert_int_equal(msim_engine_position(bench->engine, 3, 0, &view), MSIM_OK);
    assert_int_equal(view.quantity, 0);
    assert_int_equal(msim_engine_position(bench->engine, 99999, 0, &view), MSIM_ERR_NOT_FOUND);
}

static void the_events_that_were_not_asked_for_do_not_come(void **state)
{
    struct msim_engine_params params = MSIM_ENGINE_PARAMS_INIT;
    struct msim_engine *engine = NULL;
    size_t count;

    (void)state;
    params.events = MSIM_EVENTS_TRADE;
    params.accounts = MSIM_ACCOUNTS_OFF;
    assert_int_equal(msim_engine_create(&engine, &params, NULL), MSIM_OK);
    assert_int_equal(msim_engine_asset_add(engine, "USD", 0, NULL, NULL), MSIM_OK);
    assert_int_equal(msim_engine_asset_add(engine, "BTC", 0, NULL, NULL), MSIM_OK);
    struct msim_instrument_params instrument = MSIM_INSTRUMENT_PARAMS_INIT;
    instrument.symbol = "BTC/USD";
    instrument.base_asset = 1;
    assert_int_equal(msim_engine_instrument_add(engine, &instrument, NULL, NULL), MSIM_OK);
    apply(engine, limit(0, MSIM_SIDE_SELL, 100, 1));
    msim_engine_events(engine, &count);
    assert_int_equal(count, 0);
    apply(engine, limit(0, MSIM_SIDE_BUY, 100, 1));
    const struct msim_event *events = msim_engine_events(engine, &count);
    assert_int_equal(count, 1);
    assert_int_equal(events[0].kind, MSIM_EVENT_TRADE);
    /* A refusal is always told. */
    apply(engine, limit(0, MSIM_SIDE_BUY, 100, 0));
    events = msim_engine_events(engine, &count);
    assert_int_equal(count, 1);
    assert_int_equal(events[0].code, MSIM_REJECT_OUT_OF_RANGE);
    msim_engine_destroy(&engine);
}

/* Orders that rest, trade and go, about a touch that wanders. */
static struct msim_command flow(uint64_t i)
{
    const int64_t middle = 10000 + (int64_t)(i / 400 % 50);
    const uint64_t dice = i * UINT64_C(0x9E3779B97F4A7C15) >> 40;
    const bool buys = dice & 1;
    struct msim_command c = limit((uint32_t)(dice >> 10 & 3), buys ? MSIM_SIDE_BUY : MSIM_SIDE_SELL,
                                  buys ? middle - (int64_t)(dice >> 1 & 31) + 3
                                       : middle + (int64_t)(dice >> 1 & 31) - 3,
                                  1 + (int64_t)(dice >> 6 & 15));
    if (i % 2) {
        c = (struct msim_command){.kind = MSIM_COMMAND_CANCEL_ALL,
                                  .account = (uint32_t)(i / 200 & 3)};
        if (i % 200 != 1)
            c = (struct msim_command){
                .kind = MSIM_COMMAND_CANCEL, .account = (uint32_t)(i & 3), .order = i / 2 - 20};
    }
    c.time = (int64_t)i;
    return c;
}

/* In one batch and one by one they tell the same, and lead to the same state. */
static void assert_the_same_at_once(struct msim_engine *engine, const struct msim_command *commands,
                                    size_t size)
{
    struct msim_engine *other = open_engine(NULL);
    size_t applied = 0;
    size_t count;

    fund(other, 4);
    assert_int_equal(msim_engine_apply_many(engine, commands, size, &applied), MSIM_OK);
    assert_int_equal(applied, size);
    const struct msim_event *events = msim_engine_events(engine, &count);
    for (size_t i = 0; i < size; i++) {
        size_t told;
        apply(other, commands[i]);
        const struct msim_event *one = msim_engine_events(other, &told);
        assert_true(told <= count);
        assert_memory_equal(events, one, told * sizeof *one);
        events += told;
        count -= told;
    }
    assert_int_equal(count, 0);
    assert_true(msim_engine_digest(engine) == msim_engine_digest(other));
    msim_engine_destroy(&other);
}

static void many_at_once_are_the_same_as_one_by_one(void **state)
{
    struct bench *bench = *state;
    struct msim_command commands[1000];

    for (uint64_t i = 0; i < COUNT(commands); i++)
        commands[i] = flow(i);
    assert_the_same_at_once(bench->engine, commands, COUNT(commands));
}

/* Cancels and replacements of what was just sent and of what ended, and ids that come again. */
static void client_ids_in_a_batch_lead_where_they_do_one_by_one(void **state)
{
    struct bench *bench = *state;
    struct msim_command commands[1000];
    size_t cancelled = 0;
    size_t count;

    for (uint64_t i = 0; i < COUNT(commands); i++) {
        struct msim_command *c = &commands[i];
        *c = flow(i - i % 2);
        c->account = (uint32_t)(i / 2 & 1);
        c->client_id = i / 6 % 9 == 0 ? i / 4 : i;
        if (i % 2 == 0)
            continue;
        c->kind = i % 10 == 1 ? MSIM_COMMAND_REPLACE : MSIM_COMMAND_CANCEL;
        c->client_id = i - (i % 4 == 1 ? 1 : 13);
    }
    assert_the_same_at_once(bench->engine, commands, COUNT(commands));
    const struct msim_event *events = msim_engine_events(bench->engine, &count);
    for (size_t i = 0; i < count; i++)
        cancelled += events[i].kind == MSIM_EVENT_CANCELLED && events[i].client_id != 0;
    assert_true(cancelled > 100);
}

static void an_order_is_found_by_its_number_alone_however_old_it_is(void **state)
{
    struct bench *bench = *state;
    struct msim_command by_number = {.kind = MSIM_COMMAND_CANCEL};
    struct msim_order_view order;

    for (int i = 0; i < 1000; i++)
        apply(bench->engine, limit(0, MSIM_SIDE_BUY, 100 + i % 7, 1));
    for (uint64_t number = 1; number <= 1000; number += 3) {
        by_number.order = number % 2 ? number : 1002 - number;
        assert_int_equal(msim_engine_order(bench->engine, by_number.order, 0, &order), MSIM_OK);
        assert_true(order.order == by_number.order);
        apply(bench->engine, by_number);
        assert_int_equal(first_event(bench)->kind, MSIM_EVENT_CANCELLED);
        assert_true(first_event(bench)->order == by_number.order);
        apply(bench->engine, by_number);
        assert_int_equal(first_event(bench)->kind, MSIM_EVENT_REJECTED);
    }
}

static void nothing_is_allocated_on_the_steady_path(void **state)
{
    struct bench *bench = *state;

    for (uint64_t i = 0; i < 100000; i++)
        apply(bench->engine, flow(i));
    const size_t calls = bench->memory.calls;
    for (uint64_t i = 100000; i < 300000; i++)
        apply(bench->engine, flow(i));
    assert_int_equal(bench->memory.calls, calls);
    assert_int_equal(msim_engine_memory(bench->engine), bench->memory.bytes);
}

static void a_resting_order_takes_no_more_than_its_share(void **state)
{
    struct msim_engine_params params = MSIM_ENGINE_PARAMS_INIT;
    struct msim_engine *small = NULL;
    struct msim_engine *large = NULL;

    (void)state;
    /* The pool alone: 64 bytes for an order, and 4 to 8 for its place in the index. */
    params.orders = 1;
    assert_int_equal(msim_engine_create(&small, &params, NULL), MSIM_OK);
    params.orders = 65535;
    assert_int_equal(msim_engine_create(&large, &params, NULL), MSIM_OK);
    const size_t each = (msim_engine_memory(large) - msim_engine_memory(small)) / 65535;
    assert_in_range(each, 64, 64 + 8);
    msim_engine_destroy(&small);
    msim_engine_destroy(&large);
}

static void an_instrument_with_an_empty_book_is_small(void **state)
{
    struct bench *bench = *state;
    struct msim_instrument_params params = MSIM_INSTRUMENT_PARAMS_INIT;
    char symbol[16];

    params.base_asset = 1;
    const size_t before = msim_engine_memory(bench->engine);
    for (int i = 0; i < 1000; i++) {
        snprintf(symbol, sizeof symbol, "I%d", i);
        params.symbol = symbol;
        assert_int_equal(msim_engine_instrument_add(bench->engine, &params, NULL, NULL), MSIM_OK);
    }
    assert_in_range((msim_engine_memory(bench->engine) - before) / 1000, 1, 4096);
}

static void what_expires_next_is_known(void **state)
{
    struct bench *bench = *state;
    struct msim_command c = limit(0, MSIM_SIDE_SELL, 100, 1);

    assert_true(msim_engine_next_due(bench->engine) == MSIM_TIME_NEVER);
    c.time_in_force = MSIM_TIF_GTD;
    c.time = 10;
    c.expires_at = 500;
    apply(bench->engine, c);
    c.expires_at = 300;
    apply(bench->engine, c);
    assert_int_equal(msim_engine_next_due(bench->engine), 300);
    apply(bench->engine, (struct msim_command){.kind = MSIM_COMMAND_TIME, .time = 300});
    assert_int_equal(first_event(bench)->kind, MSIM_EVENT_EXPIRED);
    assert_int_equal(msim_engine_next_due(bench->engine), 500);
    assert_int_equal(msim_engine_time(bench->engine), 300);
}

static void a_pool_that_is_full_refuses_by_name(void **state)
{
    struct msim_engine_params params = MSIM_ENGINE_PARAMS_INIT;
    struct msim_instrument_params instrument = MSIM_INSTRUMENT_PARAMS_INIT;
    struct bench bench = {0};

    (void)state;
    params.max_orders = 2;
    params.accounts = MSIM_ACCOUNTS_OFF;
    assert_int_equal(msim_engine_create(&bench.engine, &params, NULL), MSIM_OK);
    assert_int_equal(msim_engine_asset_add(bench.engine, "USD", 0, NULL, NULL), MSIM_OK);
    assert_int_equal(msim_engine_asset_add(bench.engine, "BTC", 0, NULL, NULL), MSIM_OK);
    instrument.symbol = "BTC/USD";
    instrument.base_asset = 1;
    assert_int_equal(msim_engine_instrument_add(bench.engine, &instrument, NULL, NULL), MSIM_OK);
    apply(bench.engine, limit(0, MSIM_SIDE_SELL, 100, 1));
    apply(bench.engine, limit(0, MSIM_SIDE_SELL, 101, 1));
    apply(bench.engine, limit(0, MSIM_SIDE_SELL, 102, 1));
    assert_int_equal(first_event(&bench)->code, MSIM_REJECT_LIMIT);
    apply(bench.engine, (struct msim_command){.kind = MSIM_COMMAND_CANCEL, .order = 1});
    apply(bench.engine, limit(0, MSIM_SIDE_SELL, 102, 1));
    assert_int_equal(first_event(&bench)->kind, MSIM_EVENT_ACCEPTED);
    msim_engine_destroy(&bench.engine);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)

/* ---- takers that go deeper than their quantity says ---- */

static struct msim_command order_of(uint32_t account, uint8_t side, msim_price price,
                                    msim_qty quantity)
{
    return (struct msim_command){.kind = MSIM_COMMAND_NEW,
                                 .account = account,
                                 .side = side,
                                 .type = MSIM_ORDER_LIMIT,
                                 .price = price,
                                 .quantity = quantity};
}

/* Every event has its place: AddressSanitizer, or the assertion, would tell. */
static void a_taker_that_cancels_its_own_makers_fills_deeper(void **state)
{
    struct bench *bench = *state;
    struct msim_command taker = order_of(1, MSIM_SIDE_BUY, 101, 5000);
    size_t count = 0;

    apply(bench->engine, order_of(1, MSIM_SIDE_SELL, 100, 5000));
    for (size_t i = 0; i < 5000; i++)
        apply(bench->engine, order_of(2, MSIM_SIDE_SELL, 101, 1));
    taker.self_trade = MSIM_SELF_TRADE_CANCEL_MAKER;
    apply(bench->engine, taker);
    const struct msim_event *events = msim_engine_events(bench->engine, &count);
    size_t trades = 0;
    for (size_t i = 0; i < count; i++)
        trades += events[i].kind == MSIM_EVENT_TRADE;
    assert_int_equal(trades, 5000);
    assert_int_equal(msim_engine_audit(bench->engine, NULL), MSIM_OK);
}

static void a_taker_that_meets_a_spent_reduce_only_maker_fills_deeper(void **state)
{
    struct bench *bench = *state;
    struct msim_command maker = order_of(1, MSIM_SIDE_SELL, 110, 5000);
    size_t count = 0;

    apply(bench->engine, order_of(3, MSIM_SIDE_SELL, 100, 5000));
    apply(bench->engine, order_of(1, MSIM_SIDE_BUY, 100, 5000));
    maker.flags = MSIM_COMMAND_REDUCE_ONLY;
    apply(bench->engine, maker);
    apply(bench->engine, order_of(3, MSIM_SIDE_BUY, 90, 5000));
    apply(bench->engine, order_of(1, MSIM_SIDE_SELL, 90, 5000));
    for (size_t i = 0; i < 5000; i++)
        apply(bench->engine, order_of(2, MSIM_SIDE_SELL, 111, 1));
    apply(bench->engine, order_of(3, MSIM_SIDE_BUY, 111, 5000));
    const struct msim_event *events = msim_engine_events(bench->engine, &count);
    size_t trades = 0;
    for (size_t i = 0; i < count; i++)
        trades += events[i].kind == MSIM_EVENT_TRADE;
    assert_int_equal(trades, 5000);
    assert_int_equal(msim_engine_audit(bench->engine, NULL), MSIM_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(parameters_that_mean_nothing_are_refused_in_words),
        TEST(a_taker_that_cancels_its_own_makers_fills_deeper),
        TEST(a_taker_that_meets_a_spent_reduce_only_maker_fills_deeper),
        TEST(instruments_that_could_not_be_exact_are_refused_in_words),
        TEST(names_are_found_again),
        TEST(a_command_is_applied_once_and_in_its_turn),
        TEST(the_book_shows_depth_orders_and_places_in_the_queue),
        TEST(an_accounts_orders_are_listed_from_the_oldest_on),
        TEST(an_accounts_orders_stay_listed_after_the_first_question),
        TEST(an_accounts_orders_stay_listed_when_the_first_client_id_comes),
        TEST(a_handle_is_a_hint_and_is_checked),
        TEST(a_slot_alone_names_nobody),
        TEST(another_accounts_order_cannot_be_cancelled),
        TEST(a_position_is_worth_what_the_last_price_says),
        TEST(the_events_that_were_not_asked_for_do_not_come),
        TEST(many_at_once_are_the_same_as_one_by_one),
        TEST(client_ids_in_a_batch_lead_where_they_do_one_by_one),
        TEST(an_order_is_found_by_its_number_alone_however_old_it_is),
        TEST(nothing_is_allocated_on_the_steady_path),
        TEST(a_resting_order_takes_no_more_than_its_share),
        TEST(an_instrument_with_an_empty_book_is_small),
        TEST(what_expires_next_is_known),
        TEST(a_pool_that_is_full_refuses_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
