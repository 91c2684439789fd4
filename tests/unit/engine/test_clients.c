#include "market.h"

static struct msim_command bid_named(uint64_t client_id)
{
    struct msim_command order = limit(1, MSIM_SIDE_BUY, 10, 1);
    order.client_id = client_id;
    return order;
}

/* The order that this id named before, 0 where a new one came of it. */
static uint64_t repeated_as(struct msim_engine *engine, uint64_t client_id)
{
    size_t count;
    size_t i = 0;

    apply(engine, bid_named(client_id));
    assert_int_equal(told(engine, MSIM_EVENT_ACCEPTED, NULL), 1);
    const struct msim_event *events = msim_engine_events(engine, &count);
    while (events[i].kind != MSIM_EVENT_ACCEPTED)
        i++;
    return events[i].flags & MSIM_EVENT_REPEATED ? events[i].order : 0;
}

/* Ids that rise are not looked up among the finished ones; those that come again are. */
static void an_id_comes_again_after_many_that_rose(void **state)
{
    struct msim_engine_params params = MSIM_ENGINE_PARAMS_INIT;
    struct msim_instrument_params terms = MSIM_INSTRUMENT_PARAMS_INIT;
    struct msim_order_view view;
    struct msim_event event;

    (void)state;
    params.finished_ids = 50;
    struct msim_engine *engine = make_engine(&params, &terms);
    deposit(engine, 1, USD, 1000);
    for (uint64_t id = 10; id <= 1000; id += 10) {
        apply(engine, bid_named(id));
        apply(engine,
              (struct msim_command){.kind = MSIM_COMMAND_CANCEL, .account = 1, .client_id = id});
    }

    const uint64_t digest = msim_engine_digest(engine);
    assert_int_equal(msim_engine_client_order(engine, 1, 510, &view), MSIM_OK);
    assert_int_equal(view.order, 51);
    assert_int_equal(msim_engine_client_order(engine, 1, 500, &view), MSIM_ERR_NOT_FOUND);
    assert_true(msim_engine_digest(engine) == digest);
    assert_int_equal(repeated_as(engine, 510), 51);
    assert_int_equal(repeated_as(engine, 1000), 100);
    struct msim_command other = bid_named(700);
    other.quantity = 2;
    apply(engine, other);
    assert_int_equal(told(engine, MSIM_EVENT_REJECTED, &event), 1);
    assert_int_equal(event.code, MSIM_REJECT_DUPLICATE_CLIENT_ID);
    /* 500 was forgotten; as it finishes again, 510 is. */
    assert_int_equal(repeated_as(engine, 500), 0);
    apply(engine,
          (struct msim_command){.kind = MSIM_COMMAND_CANCEL, .account = 1, .client_id = 500});
    assert_int_equal(repeated_as(engine, 520), 52);
    assert_int_equal(repeated_as(engine, 500), 101);
    assert_int_equal(repeated_as(engine, 510), 0);
    msim_engine_destroy(&engine);
}

/* Of ids 1 to 9, each finished before the next one came, those remembered are the last ones. */
static void as_many_ids_are_remembered_as_was_asked_for(void **state)
{
    static const uint32_t kept[] = {1, 2, 3, UINT32_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        struct msim_engine_params params = MSIM_ENGINE_PARAMS_INIT;
        struct msim_instrument_params terms = MSIM_INSTRUMENT_PARAMS_INIT;
        struct msim_order_view view;

        params.finished_ids = kept[i];
        struct msim_engine *engine = make_engine(&params, &terms);
        deposit(engine, 1, USD, 1000);
        for (uint64_t id = 1; id <= 9; id++) {
            apply(engine, bid_named(id));
            apply(engine, (struct msim_command){
                              .kind = MSIM_COMMAND_CANCEL, .account = 1, .client_id = id});
        }
        for (uint64_t id = 1; id <= 9; id++)
            assert_int_equal(msim_engine_client_order(engine, 1, id, &view),
                             9 - id < kept[i] ? MSIM_OK : MSIM_ERR_NOT_FOUND);
        assert_int_equal(msim_engine_audit(engine, NULL), MSIM_OK);
        msim_engine_destroy(&engine);
    }
}

static void all_client_ids_that_are_remembered_can_be_walked(void **state)
{
    struct msim_engine_params params = MSIM_ENGINE_PARAMS_INIT;
    struct msim_instrument_params terms = MSIM_INSTRUMENT_PARAMS_INIT;
    struct msim_client_id_view ids[7];
    uint64_t place = 0;
    uint64_t sum = 0;
    size_t seen = 0;

    (void)state;
    params.finished_ids = 50;
    struct msim_engine *engine = make_engine(&params, &terms);
    deposit(engine, 1, USD, 10000);
    assert_int_equal(msim_engine_client_ids(engine, &place, ids, 7), 0);
    for (uint64_t id = 1; id <= 200; id++) {
        apply(engine, bid_named(id));
        if (id % 2 == 0)
            apply(engine, (struct msim_command){
                              .kind = MSIM_COMMAND_CANCEL, .account = 1, .client_id = id});
    }
    place = 0;
    for (size_t n; (n = msim_engine_client_ids(engine, &place, ids, 7)) > 0; seen += n)
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(ids[i].account, 1);
            sum += ids[i].client_id;
        }
    assert_int_equal(seen, 100 + 50);
    assert_int_equal(sum, 100 * 100 + 50 * (102 + 200) / 2);
    msim_engine_destroy(&engine);
}

static void a_client_id_takes_no_more_than_its_share(void **state)
{
    struct msim_engine_params params = MSIM_ENGINE_PARAMS_INIT;
    struct msim_instrument_params terms = MSIM_INSTRUMENT_PARAMS_INIT;
    size_t taken[2];

    (void)state;
    params.accounts = MSIM_ACCOUNTS_OFF;
    params.orders = 65535;
    for (int with = 0; with < 2; with++) {
        struct msim_engine *engine = make_engine(&params, &terms);
        for (uint64_t i = 0; i < 65000; i++) {
            struct msim_command order = limit(1, MSIM_SIDE_BUY, 1 + (msim_price)(i % 1000), 1);
            order.client_id = with ? i + 1 : 0;
            apply(engine, order);
        }
        taken[with] = msim_engine_memory(engine);
        msim_engine_destroy(&engine);
    }
    /* 16 for what was asked and for neighbours, and up to three heads of 4, which double. */
    assert_in_range((taken[1] - taken[0]) / 65000, 16 + 6, 16 + 12);
    assert_in_range(taken[0] / 65000, 64, 64 + 12 + 64);
}

/* The answer to the id when it comes again: what became of the order that had it first. */
static struct msim_event answered(struct msim_engine *engine, struct msim_command command)
{
    struct msim_event event;

    apply(engine, command);
    assert_int_equal(told(engine, MSIM_EVENT_ACCEPTED, &event), 1);
    assert_int_equal(event.flags, MSIM_EVENT_REPEATED);
    return event;
}

/* One is used up, one rests with what is left of it, one finds too little and ends. */
static void a_takers_client_id_is_known_whatever_becomes_of_it(void **state)
{
    struct msim_engine *engine = make_quiet(0);
    struct msim_command takers[3] = {limit(2, MSIM_SIDE_BUY, 100, 3),
                                     limit(2, MSIM_SIDE_BUY, 100, 5),
                                     limit(2, MSIM_SIDE_BUY, 0, 9)};
    size_t applied;
    (void)state;

    takers[2].type = MSIM_ORDER_MARKET;
    for (uint64_t i = 0; i < 3; i++)
        takers[i].client_id = i + 1;
    for (int i = 0; i < 3; i++)
        apply(engine, limit(1, MSIM_SIDE_SELL, 100, 2));
    assert_int_equal(msim_engine_apply_many(engine, takers, 2, &applied), MSIM_APPLY_DONE);
    apply(engine, limit(1, MSIM_SIDE_SELL, 101, 4));
    apply(engine, takers[2]);

    const struct msim_event filled = answered(engine, takers[0]);
    assert_int_equal(filled.status, MSIM_STATUS_FILLED);
    assert_int_equal(filled.as.order.filled, 3);
    const struct msim_event resting = answered(engine, takers[1]);
    assert_int_equal(resting.status, MSIM_STATUS_PARTIALLY_FILLED);
    assert_int_equal(resting.as.order.filled, 3);
    const struct msim_event starved = answered(engine, takers[2]);
    assert_int_equal(starved.status, MSIM_STATUS_CANCELLED);
    assert_int_equal(starved.as.order.filled, 4);
    apply(engine, (struct msim_command){.kind = MSIM_COMMAND_CANCEL, .account = 2, .client_id = 2});
    assert_int_equal(told(engine, MSIM_EVENT_CANCELLED, NULL), 1);
    assert_int_equal(answered(engine, takers[1]).status, MSIM_STATUS_CANCELLED);
    assert_int_equal(msim_engine_audit(engine, NULL), MSIM_OK);
    msim_engine_destroy(&engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_comes_again_after_many_that_rose),
        cmocka_unit_test(as_many_ids_are_remembered_as_was_asked_for),
        cmocka_unit_test(all_client_ids_that_are_remembered_can_be_walked),
        cmocka_unit_test(a_client_id_takes_no_more_than_its_share),
        cmocka_unit_test(a_takers_client_id_is_known_whatever_becomes_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
