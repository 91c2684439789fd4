#include "check.h"

#include <stdlib.h>
#include <string.h>

#include <marketsim/venue.h>

#include "oom/failing.h"

static int set_up(struct msim_venue **venue, struct msim_venue_params *params)
{
    struct msim_instrument_params terms = MSIM_INSTRUMENT_PARAMS_INIT;
    struct msim_detail detail = {{0}};

    int r = msim_venue_create(venue, params, &detail);
    if (r == MSIM_OK)
        r = msim_venue_asset_add(*venue, "USD", -5, NULL, &detail);
    if (r == MSIM_OK)
        r = msim_venue_asset_add(*venue, "BTC", -5, NULL, &detail);
    terms.symbol = "BTC/USD";
    terms.base_asset = 1;
    terms.price_exponent = -2;
    terms.quantity_exponent = -3;
    terms.reference_price = 10000;
    if (r == MSIM_OK)
        r = msim_venue_instrument_add(*venue, &terms, NULL, &detail);
    if (r < 0)
        assert_true(detail.text[0] != '\0');
    return r;
}

/* Orders with names, fills, faults that make things up, a house. */
static int trade(struct msim_venue *venue)
{
    struct msim_venue_liquidity quotes = MSIM_VENUE_LIQUIDITY_INIT;
    struct msim_venue_output out;
    struct msim_detail detail = {{0}};
    uint32_t account = 0;

    quotes.levels = 2;
    int r = msim_venue_account(venue, "alice", 5, &account);
    if (r >= 0)
        r = msim_venue_deposit(venue, 0, account, 0, INT64_C(1) << 50);
    if (r >= 0)
        r = msim_venue_liquidity_set(venue, 0, &quotes, &detail);
    for (int i = 1; r >= 0 && i < 40; i++) {
        struct msim_venue_order order = MSIM_VENUE_ORDER_INIT;
        const char name[] = {(char)('a' + i % 26), (char)('a' + i / 26)};
        order.command.kind = MSIM_COMMAND_NEW;
        order.command.type = MSIM_ORDER_LIMIT;
        order.command.account = account;
        order.command.side = MSIM_SIDE_BUY;
        order.command.price = 10100 - i * 3;
        order.command.quantity = 1;
        order.command.time = i * MSIM_NS_PER_S;
        order.client_id = name;
        order.client_id_length = 2;
        r = msim_venue_submit(venue, &order);
        while (r >= 0 &&
               (r = msim_venue_pull(venue, order.command.time, &out, NULL)) == MSIM_PULL_RECORD)
            ;
    }
    return r < 0 ? r : MSIM_OK;
}

static int life(const struct msim_allocator *allocator, void *context)
{
    static const char strategies[] =
        "[{\"kind\":\"delay\",\"dist\":\"2s\",\"p\":0.5,\"select\":{\"dir\":\"out\"}}]";
    struct msim_venue_params params = MSIM_VENUE_PARAMS_INIT;
    struct msim_faults_params faults = MSIM_FAULTS_PARAMS_INIT;
    struct msim_engine_params engine = MSIM_ENGINE_PARAMS_INIT;
    struct msim_venue *venue = NULL;

    engine.orders = 1;
    engine.window_levels = 64;
    engine.trade_history = 4;
    params.engine = &engine;
    params.allocator = allocator;
    params.faults = context ? &faults : NULL;
    int r = set_up(&venue, &params);
    if (r == MSIM_OK && context)
        r = msim_faults_add_all(msim_venue_faults(venue), 0, strategies, strlen(strategies), NULL);
    if (r == MSIM_OK)
        r = trade(venue);
    msim_venue_destroy(&venue);
    assert_null(venue);
    return r;
}

static void a_venue_gives_back_all_it_took_when_memory_fails(void **state)
{
    (void)state;
    FAIL_EACH_ALLOCATION(life, NULL);
}

static void one_with_faults_too(void **state)
{
    int with = 1;
    (void)state;

    /* The layer may lose a word for want of memory and go on: what is told of it is no failure. */
    for (size_t fail_at = 0;; fail_at += 1 + fail_at / 16) {
        struct failing failing = {.fail_at = fail_at};
        struct msim_allocator allocator = failing_allocator(&failing);
        const int r = life(&allocator, &with);
        assert_int_equal(failing.blocks, 0);
        assert_int_equal(failing.bytes, 0);
        assert_true(r >= 0 || r == MSIM_ERR_NOMEM);
        if (failing.calls <= fail_at) {
            assert_int_equal(r, 0);
            break;
        }
    }
}

struct image {
    unsigned char *bytes;
    size_t length;
};

static int restore(const struct msim_allocator *allocator, void *context)
{
    const struct image *image = context;
    struct msim_venue_params params = MSIM_VENUE_PARAMS_INIT;
    struct msim_venue *venue = NULL;
    struct msim_detail detail = {{0}};

    params.allocator = allocator;
    const int r = msim_venue_restore(&venue, &params, image->bytes, image->length, &detail);
    if (r < 0)
        assert_null(venue);
    msim_venue_destroy(&venue);
    return r;
}

static void a_restore_gives_back_all_it_took_when_memory_fails(void **state)
{
    struct msim_venue_params params = MSIM_VENUE_PARAMS_INIT;
    struct msim_venue *venue = NULL;
    struct image image = {0};
    (void)state;

    assert_int_equal(set_up(&venue, &params), 0);
    assert_int_equal(trade(venue), 0);
    assert_int_equal(msim_venue_snapshot(venue, NULL, 0, &image.length), MSIM_ERR_LIMIT);
    image.bytes = malloc(image.length);
    assert_non_null(image.bytes);
    assert_int_equal(msim_venue_snapshot(venue, image.bytes, image.length, &image.length), 0);
    FAIL_EACH_ALLOCATION(restore, &image);
    free(image.bytes);
    msim_venue_destroy(&venue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_venue_gives_back_all_it_took_when_memory_fails),
        cmocka_unit_test(one_with_faults_too),
        cmocka_unit_test(a_restore_gives_back_all_it_took_when_memory_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
