#include "market.h"

#include <stdlib.h>
#include <string.h>

#include "engine/snapshot.h"

#define ROOM 65536

struct bench {
    struct msim_engine *engine;
    unsigned char bytes[ROOM];
    size_t length;
    struct msim_detail detail;
};

/* Something of everything: queues, an iceberg, a stop, an expiry, ids, trades, free slots. */
static void fill(struct msim_engine *engine)
{
    for (uint32_t i = 0; i < 6; i++)
        apply(engine, (struct msim_command){.kind = MSIM_COMMAND_DEPOSIT,
                                            .account = i % 3,
                                            .asset = i / 3,
                                            .amount = 1000000,
                                            .time = 5});
    for (uint32_t i = 0; i < 20; i++)
        apply(engine, limit(i % 3, MSIM_SIDE_BUY, 100 - i % 7 * 50, 3 + i));
    struct msim_command c = limit(1, MSIM_SIDE_SELL, 120, 50);
    c.display_quantity = 5;
    c.client_id = 77;
    apply(engine, c);
    c = limit(2, MSIM_SIDE_SELL, 90, 10);
    c.client_id = 78;
    apply(engine, c);
    c = limit(2, MSIM_SIDE_SELL, 80, 10);
    c.type = MSIM_ORDER_STOP_LIMIT;
    c.stop_price = 85;
    c.time_in_force = MSIM_TIF_GTD;
    c.expires_at = 1000;
    apply(engine, c);
    apply(engine, (struct msim_command){.kind = MSIM_COMMAND_CANCEL, .order = 3, .account = 2});
    apply(engine, (struct msim_command){.kind = MSIM_COMMAND_CANCEL, .order = 4, .account = 0});
}

static int make(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    struct msim_engine_params params = MSIM_ENGINE_PARAMS_INIT;
    struct msim_instrument_params instrument = MSIM_INSTRUMENT_PARAMS_INIT;

    if (!bench)
        return -1;
    params.window_levels = 64;
    params.trade_history = 10;
    assert_int_equal(msim_engine_create(&bench->engine, &params, NULL), MSIM_OK);
    assert_int_equal(msim_engine_asset_add(bench->engine, "USD", 0, NULL, NULL), MSIM_OK);
    assert_int_equal(msim_engine_asset_add(bench->engine, "BTC", 0, NULL, NULL), MSIM_OK);
    instrument.symbol = "BTC/USD";
    instrument.base_asset = 1;
    instrument.maker_fee = 1000;
    instrument.taker_fee = 2000;
    assert_int_equal(msim_engine_instrument_add(bench->engine, &instrument, NULL, NULL), MSIM_OK);
    fill(bench->engine);
    assert_int_equal(msim_engine_snapshot(bench->engine, bench->bytes, ROOM, &bench->length),
                     MSIM_OK);
    *state = bench;
    return 0;
}

static int unmake(void **state)
{
    struct bench *bench = *state;
    msim_engine_destroy(&bench->engine);
    free(bench);
    return 0;
}

static int restore(struct bench *bench, struct msim_engine **out, uint32_t window)
{
    struct msim_engine_params params = MSIM_ENGINE_PARAMS_INIT;

    params.orders = 1;
    params.window_levels = window;
    memset(&bench->detail, 0, sizeof bench->detail);
    return msim_engine_restore(out, &params, bench->bytes, bench->length, &bench->detail);
}

static void an_engine_goes_on_where_its_snapshot_was_taken(void **state)
{
    struct bench *bench = *state;
    struct msim_engine *other = NULL;

    assert_int_equal(restore(bench, &other, 4096), MSIM_OK);
    assert_true(msim_engine_digest(other) == msim_engine_digest(bench->engine));
    for (uint32_t i = 0; i < 60; i++) {
        size_t count;
        size_t other_count;
        const struct msim_command c =
            limit(i % 3, i % 2 ? MSIM_SIDE_BUY : MSIM_SIDE_SELL, 60 + i * 7 % 70, 1 + i % 9);
        apply(bench->engine, c);
        apply(other, c);
        const struct msim_event *events = msim_engine_events(bench->engine, &count);
        const struct msim_event *others = msim_engine_events(other, &other_count);
        assert_int_equal(count, other_count);
        assert_memory_equal(events, others, count * sizeof *events);
    }
    assert_true(msim_engine_digest(other) == msim_engine_digest(bench->engine));
    msim_engine_destroy(&other);
}

static void a_handle_from_before_is_good_afterwards(void **state)
{
    struct bench *bench = *state;
    struct msim_engine *other = NULL;
    struct msim_order_view before;
    struct msim_order_view after;

    assert_int_equal(msim_engine_order(bench->engine, 7, 0, &before), MSIM_OK);
    assert_int_equal(restore(bench, &other, 64), MSIM_OK);
    assert_int_equal(msim_engine_order(other, 0, before.handle, &after), MSIM_OK);
    assert_memory_equal(&before, &after, sizeof before);
    msim_engine_destroy(&other);
}

static void a_place_that_is_too_small_is_told_the_size(void **state)
{
    struct bench *bench = *state;
    unsigned char bytes[16];
    size_t length = 0;

    assert_int_equal(msim_engine_snapshot(bench->engine, bytes, sizeof bytes, &length),
                     MSIM_ERR_LIMIT);
    assert_int_equal(length, bench->length);
}

static void every_damaged_byte_is_noticed(void **state)
{
    struct bench *bench = *state;
    struct msim_engine *other = NULL;

    for (size_t i = 0; i < bench->length; i++) {
        bench->bytes[i] ^= 0x10;
        const int r = restore(bench, &other, 64);
        assert_true(r == MSIM_ERR_FORMAT || (r == MSIM_ERR_UNSUPPORTED && i >= 8 && i < 16));
        assert_null(other);
        assert_true(bench->detail.text[0] != '\0');
        bench->bytes[i] ^= 0x10;
    }
    for (size_t length = 0; length < bench->length; length++) {
        struct msim_detail detail;
        assert_int_equal(msim_engine_restore(&other, NULL, bench->bytes, length, &detail),
                         MSIM_ERR_FORMAT);
    }
}

/* With its checksum put right, a change must be found out by what it says, or be harmless. */
static void no_changed_word_makes_an_engine_that_contradicts_itself(void **state)
{
    struct bench *bench = *state;
    const uint64_t values[] = {0, 1, UINT64_C(0x7fffffffffffffff), UINT64_MAX};
    size_t refused = 0;

    for (size_t at = 24; at + 8 < bench->length; at += 8) {
        const uint64_t before = load_u64(bench->bytes + at);
        for (size_t i = 0; i < COUNT(values); i++) {
            struct msim_engine *other = NULL;
            store_u64(bench->bytes + at, values[i]);
            msim_snapshot_seal(bench->bytes, bench->length);
            if (restore(bench, &other, 64) < 0) {
                assert_true(bench->detail.text[0] != '\0');
                refused++;
                continue;
            }
            assert_int_equal(msim_engine_audit(other, NULL), MSIM_OK);
            apply(other, limit(0, MSIM_SIDE_SELL, 60, 5));
            assert_int_equal(msim_engine_audit(other, NULL), MSIM_OK);
            msim_engine_destroy(&other);
        }
        store_u64(bench->bytes + at, before);
    }
    assert_true(refused > bench->length / 8);
}

static void another_version_is_refused_by_its_number(void **state)
{
    struct bench *bench = *state;
    struct msim_engine *other = NULL;

    bench->bytes[8] = 2;
    msim_snapshot_seal(bench->bytes, bench->length);
    assert_int_equal(restore(bench, &other, 64), MSIM_ERR_UNSUPPORTED);
    assert_non_null(strstr(bench->detail.text, "version 2"));
}

static void a_bound_below_what_it_holds_is_named(void **state)
{
    static const char *const names[] = {"max_orders", "max_accounts", "max_assets"};
    struct bench *bench = *state;
    struct msim_engine *other = NULL;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct msim_engine_params params = MSIM_ENGINE_PARAMS_INIT;
        params.max_orders = i == 0 ? 5 : 0;
        params.max_accounts = i == 1;
        params.max_assets = i == 2;
        assert_int_equal(
            msim_engine_restore(&other, &params, bench->bytes, bench->length, &bench->detail),
            MSIM_ERR_LIMIT);
        assert_non_null(strstr(bench->detail.text, names[i]));
        assert_null(other);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_engine_goes_on_where_its_snapshot_was_taken),
        TEST(a_handle_from_before_is_good_afterwards),
        TEST(a_place_that_is_too_small_is_told_the_size),
        TEST(every_damaged_byte_is_noticed),
        TEST(no_changed_word_makes_an_engine_that_contradicts_itself),
        TEST(another_version_is_refused_by_its_number),
        TEST(a_bound_below_what_it_holds_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
