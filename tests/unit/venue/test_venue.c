/*
 * Commands in, what there is to tell out.
 */
#include "unit/venue/bench.h"

static int set_up(void **state)
{
    static struct bench bench;

    bench_open(&bench, NULL);
    *state = &bench;
    return 0;
}

static int tear_down(void **state)
{
    bench_close(*state);
    return 0;
}

static void what_a_command_brought_about_is_told_with_its_tag(void **state)
{
    struct bench *bench = *state;
    struct msim_venue_order order = bench_order(bench->alice, MSIM_SIDE_BUY, 10000, 5, SECOND);
    struct msim_venue_output out;

    order.tag = 42;
    assert_int_equal(msim_venue_submit(bench->venue, &order), MSIM_VENUE_APPLIED);
    assert_int_equal(msim_venue_next_due(bench->venue), SECOND);
    assert_int_equal(msim_venue_pull(bench->venue, SECOND, &out, NULL), MSIM_PULL_RECORD);
    assert_int_equal(out.kind, MSIM_VENUE_EVENT);
    assert_int_equal(out.event->kind, MSIM_EVENT_ACCEPTED);
    assert_int_equal(out.account, bench->alice);
    assert_int_equal(out.tag, 42);
    assert_int_equal(out.time, SECOND);
    assert_int_equal(out.type, MSIM_FAULT_ACK_NEW);
}

static void both_sides_of_a_trade_learn_of_it(void **state)
{
    struct bench *bench = *state;

    bench_place(bench, bench->alice, MSIM_SIDE_BUY, 10000, 5, SECOND);
    bench_place(bench, bench->bob, MSIM_SIDE_SELL, 9900, 2, SECOND);
    assert_string_equal(bench_told(bench, SECOND),
                        "alice ACCEPTED, bob ACCEPTED, alice FILL 2@10000, bob FILL 2@10000");
}

static void nothing_is_told_before_its_time(void **state)
{
    struct bench *bench = *state;
    struct msim_venue_output out;

    bench_place(bench, bench->alice, MSIM_SIDE_BUY, 10000, 5, 2 * SECOND);
    assert_int_equal(msim_venue_pull(bench->venue, SECOND, &out, NULL), MSIM_PULL_EMPTY);
    assert_int_equal(msim_venue_pull(bench->venue, 2 * SECOND, &out, NULL), MSIM_PULL_RECORD);
}

static void an_order_expires_at_its_time_without_a_command(void **state)
{
    struct bench *bench = *state;
    struct msim_venue_order order = bench_order(bench->alice, MSIM_SIDE_BUY, 10000, 5, SECOND);

    order.command.time_in_force = MSIM_TIF_GTD;
    order.command.expires_at = 5 * SECOND;
    msim_venue_submit(bench->venue, &order);
    assert_string_equal(bench_told(bench, 4 * SECOND), "alice ACCEPTED");
    assert_int_equal(msim_venue_next_due(bench->venue), 5 * SECOND);
    assert_string_equal(bench_told(bench, 9 * SECOND), "alice EXPIRED");
    assert_int_equal(msim_venue_time(bench->venue), 5 * SECOND);
    assert_int_equal(msim_venue_next_due(bench->venue), MSIM_TIME_NEVER);
}

/* How often each kind of event is pulled, of a little trading. */
static void count_kinds(struct bench *bench, size_t counts[MSIM_EVENT_CORRECTED + 1])
{
    struct msim_venue_output out;

    memset(counts, 0, (MSIM_EVENT_CORRECTED + 1) * sizeof *counts);
    for (int i = 0; i < 20; i++) {
        bench_place(bench, bench->alice, MSIM_SIDE_BUY, 9990 + i, 5, SECOND);
        bench_place(bench, bench->bob, MSIM_SIDE_SELL, 10000, 3, SECOND);
        while (msim_venue_pull(bench->venue, SECOND, &out, NULL) == MSIM_PULL_RECORD)
            counts[out.kind == MSIM_VENUE_EVENT ? out.event->kind : 0]++;
    }
}

static void what_nobody_listens_to_is_not_pulled_and_happens_all_the_same(void **state)
{
    static const struct {
        unsigned group;
        uint8_t kind;
    } mutes[] = {
        {MSIM_EVENTS_TRADE, MSIM_EVENT_TRADE},           {MSIM_EVENTS_LEVEL, MSIM_EVENT_LEVEL},
        {MSIM_EVENTS_BOOK_ORDER, MSIM_EVENT_BOOK_ORDER}, {MSIM_EVENTS_BALANCE, MSIM_EVENT_BALANCE},
        {MSIM_EVENTS_POSITION, MSIM_EVENT_POSITION},
    };
    struct msim_engine_params engine = MSIM_ENGINE_PARAMS_INIT;
    struct msim_faults_params faults = MSIM_FAULTS_PARAMS_INIT;
    struct msim_venue_params params = MSIM_VENUE_PARAMS_INIT;
    size_t all[MSIM_EVENT_CORRECTED + 1];
    size_t some[MSIM_EVENT_CORRECTED + 1];
    struct msim_fault_ledger ledger;
    struct bench *bench = *state;

    engine.events = MSIM_EVENTS_ALL;
    params.engine = &engine;
    params.faults = &faults;
    params.flags = MSIM_VENUE_WIRE_OUTSIDE;
    bench_close(bench);
    bench_open(bench, &params);
    assert_int_equal(msim_venue_tell(bench->venue, 128), MSIM_ERR_INVALID);
    count_kinds(bench, all);
    uint64_t digest = msim_venue_digest(bench->venue);
    for (size_t i = 0; i < sizeof mutes / sizeof mutes[0]; i++) {
        assert_true(all[mutes[i].kind] > 0);
        bench_close(bench);
        bench_open(bench, &params);
        assert_int_equal(msim_venue_tell(bench->venue, MSIM_EVENTS_ALL & ~mutes[i].group), MSIM_OK);
        count_kinds(bench, some);
        for (uint8_t kind = 0; kind <= MSIM_EVENT_CORRECTED; kind++)
            assert_int_equal(some[kind], kind == mutes[i].kind ? 0 : all[kind]);
        assert_true(msim_venue_digest(bench->venue) == digest);
        assert_int_equal(msim_faults_ledger(msim_venue_faults(bench->venue), "alice", &ledger),
                         MSIM_OK);
        assert_int_equal(ledger.fills, all[MSIM_EVENT_FILL] / 2);
    }
}

static int place_named(struct bench *bench, const char *name, msim_price price)
{
    struct msim_venue_order order = bench_order(bench->alice, MSIM_SIDE_BUY, price, 5, SECOND);

    order.client_id = name;
    order.client_id_length = strlen(name);
    return msim_venue_submit(bench->venue, &order);
}

static void a_client_id_again_is_answered_with_the_first_order(void **state)
{
    struct bench *bench = *state;
    struct msim_venue_output out;
    uint64_t first = 0;
    size_t length = 0;

    place_named(bench, "bot-1", 9000);
    assert_int_equal(msim_venue_pull(bench->venue, SECOND, &out, NULL), MSIM_PULL_RECORD);
    first = out.event->order;
    const char *text = msim_venue_client_id(bench->venue, out.event->client_id, &length);
    assert_int_equal(length, 5);
    assert_memory_equal(text, "bot-1", 5);
    bench_drain(bench);

    place_named(bench, "bot-1", 9000);
    assert_int_equal(msim_venue_pull(bench->venue, SECOND, &out, NULL), MSIM_PULL_RECORD);
    assert_int_equal(out.event->kind, MSIM_EVENT_ACCEPTED);
    assert_int_equal(out.event->order, first);
    assert_int_equal(out.event->flags, MSIM_EVENT_REPEATED);
    place_named(bench, "bot-1", 9001);
    assert_string_equal(bench_told(bench, SECOND), "alice REJECTED DUPLICATE_CLIENT_ID");
}

static void an_order_is_cancelled_by_its_text(void **state)
{
    struct bench *bench = *state;
    struct msim_venue_order cancel = MSIM_VENUE_ORDER_INIT;

    place_named(bench, "bot-1", 9000);
    cancel.command.kind = MSIM_COMMAND_CANCEL;
    cancel.command.account = bench->alice;
    cancel.command.time = SECOND;
    cancel.client_id = "bot-1";
    cancel.client_id_length = 5;
    assert_int_equal(msim_venue_submit(bench->venue, &cancel), 0);
    cancel.client_id = "bot-2";
    assert_int_equal(msim_venue_submit(bench->venue, &cancel), 0);
    cancel.command.account = bench->bob;
    cancel.client_id = "bot-1";
    assert_int_equal(msim_venue_submit(bench->venue, &cancel), 0);
    assert_string_equal(bench_told(bench, SECOND),
                        "alice ACCEPTED, alice CANCELLED, alice REJECTED ORDER_NOT_FOUND, bob "
                        "REJECTED ORDER_NOT_FOUND");
}

static void cancel(struct bench *bench, uint64_t number)
{
    struct msim_venue_order order = bench_order(bench->alice, 0, 0, 0, SECOND);

    order.command.kind = MSIM_COMMAND_CANCEL;
    order.command.type = 0;
    order.command.order = number;
    assert_int_equal(msim_venue_submit(bench->venue, &order), MSIM_VENUE_APPLIED);
    bench_drain(bench);
}

/* Some finish at once, some later and in another order, some never. */
static void finished_orders_are_found_until_so_many_others_have_finished(void **state)
{
    enum { ORDERS = 3000, KEPT = 100 };
    static uint64_t numbers[ORDERS];
    static uint64_t ended[ORDERS]; /* when it finished: a count of those that have; 0: not */
    struct bench *bench = *state;
    struct msim_venue_params params = MSIM_VENUE_PARAMS_INIT;
    struct msim_venue_order_view view;
    struct msim_venue_output out;
    uint64_t finished = 0;

    bench_close(bench);
    params.finished_orders = KEPT;
    bench_open(bench, &params);
    for (size_t i = 0; i < ORDERS; i++) {
        bench_place(bench, bench->alice, MSIM_SIDE_BUY, 9000, 5, SECOND);
        while (msim_venue_pull(bench->venue, SECOND, &out, NULL) == MSIM_PULL_RECORD)
            if (out.kind == MSIM_VENUE_EVENT && out.event->kind == MSIM_EVENT_ACCEPTED)
                numbers[i] = out.event->order;
        const size_t goes = i * 7919 % (i + 1); /* anywhere before it */
        if (i % 4 == 0 || ended[goes] > 0)
            continue;
        cancel(bench, numbers[goes]);
        ended[goes] = ++finished;
    }
    assert_true(finished > 5 * KEPT);
    for (size_t i = 0; i < ORDERS; i++) {
        const bool is_kept = ended[i] == 0 || ended[i] + KEPT > finished;
        int r = msim_venue_order(bench->venue, bench->alice, numbers[i], &view);
        assert_int_equal(r, is_kept ? MSIM_OK : MSIM_ERR_NOT_FOUND);
        if (r == MSIM_OK)
            assert_int_equal(view.order.status,
                             ended[i] == 0 ? MSIM_STATUS_OPEN : MSIM_STATUS_CANCELLED);
    }
}

/* Each of the first `until` orders is found as long as it is kept, and listed while it is live. */
static void assert_kept(const struct bench *bench, const uint64_t *numbers, const uint64_t *ended,
                        size_t until, uint64_t finished, uint64_t kept)
{
    static struct msim_venue_order_view views[64];
    struct msim_venue_order_view view;
    size_t live = 0;

    for (size_t i = 0; i < until; i++) {
        const bool is_kept = ended[i] == 0 || ended[i] + kept > finished;
        assert_int_equal(msim_venue_order(bench->venue, bench->alice, numbers[i], &view),
                         is_kept ? MSIM_OK : MSIM_ERR_NOT_FOUND);
        if (is_kept)
            assert_int_equal(view.order.order, numbers[i]);
        live += ended[i] == 0;
    }
    assert_int_equal(msim_venue_orders(bench->venue, bench->alice, MSIM_ALL_INSTRUMENTS,
                                       MSIM_VENUE_LIVE, UINT64_MAX, views, 64),
                     live);
    size_t at = 0;
    for (size_t i = until; i-- > 0;)
        if (ended[i] == 0)
            assert_int_equal(views[at++].order.order, numbers[i]);
}

/* So few are kept that the index is small and full, and each that leaves moves others in it. */
static void an_order_that_is_forgotten_hides_no_other(void **state)
{
    enum { ORDERS = 1500, LIVE = 40, KEPT = 20 };
    static uint64_t numbers[ORDERS];
    static uint64_t ended[ORDERS];
    struct bench *bench = *state;
    struct msim_venue_params params = MSIM_VENUE_PARAMS_INIT;
    struct msim_venue_output out;
    uint64_t finished = 0;
    uint64_t chance = 1;
    size_t live = 0;

    bench_close(bench);
    params.finished_orders = KEPT;
    bench_open(bench, &params);
    memset(ended, 0, sizeof ended);
    for (size_t i = 0; i < ORDERS; i++) {
        bench_place(bench, bench->alice, MSIM_SIDE_BUY, 9000, 5, SECOND);
        while (msim_venue_pull(bench->venue, SECOND, &out, NULL) == MSIM_PULL_RECORD)
            if (out.kind == MSIM_VENUE_EVENT && out.event->kind == MSIM_EVENT_ACCEPTED)
                numbers[i] = out.event->order;
        live++;
        while (live > LIVE) {
            chance = chance * UINT64_C(6364136223846793005) + 1;
            const size_t goes = (size_t)(chance >> 33) % (i + 1);
            if (ended[goes] > 0)
                continue;
            cancel(bench, numbers[goes]);
            ended[goes] = ++finished;
            live--;
            assert_kept(bench, numbers, ended, i + 1, finished, KEPT);
        }
    }
}

/* Each second order stays; a naive memory says which texts are known. */
static void texts_are_known_as_long_as_their_orders_and_numbers_rise(void **state)
{
    enum { ORDERS = 6000, REMEMBERED = 40 };
    struct bench *bench = *state;
    struct msim_engine_params engine = MSIM_ENGINE_PARAMS_INIT;
    struct msim_venue_params params = MSIM_VENUE_PARAMS_INIT;
    struct msim_venue_statistics statistics;
    uint64_t highest = 0;
    char name[24];

    bench_close(bench);
    engine.finished_ids = REMEMBERED;
    params.engine = &engine;
    bench_open(bench, &params);
    for (int i = 0; i < ORDERS; i++) {
        uint64_t number = 0;
        snprintf(name, sizeof name, "robot-%d", i);
        place_named(bench, name, 9000);
        assert_int_equal(
            msim_venue_client_id_find(bench->venue, bench->alice, name, strlen(name), &number),
            MSIM_OK);
        assert_true(number > highest);
        highest = number;
        struct msim_venue_order cancel = MSIM_VENUE_ORDER_INIT;
        cancel.command.kind = MSIM_COMMAND_CANCEL;
        cancel.command.account = bench->alice;
        cancel.command.time = SECOND;
        cancel.client_id = name;
        cancel.client_id_length = strlen(name);
        if (i % 2 == 0)
            assert_int_equal(msim_venue_submit(bench->venue, &cancel), 0);
        bench_drain(bench);
    }
    for (int i = 0; i < ORDERS; i++) {
        uint64_t number = 0;
        size_t length = 0;
        snprintf(name, sizeof name, "robot-%d", i);
        int r = msim_venue_client_id_find(bench->venue, bench->alice, name, strlen(name), &number);
        if (i % 2 == 0 && i < ORDERS - 2 * REMEMBERED)
            continue; /* forgotten, or about to be */
        assert_int_equal(r, MSIM_OK);
        const char *text = msim_venue_client_id(bench->venue, number, &length);
        assert_int_equal(length, strlen(name));
        assert_memory_equal(text, name, length);
    }
    assert_int_equal(msim_venue_statistics(bench->venue, &statistics), MSIM_OK);
    assert_in_range(statistics.client_ids, ORDERS / 2 + REMEMBERED, ORDERS);
}

static void bad_client_ids_are_refused(void **state)
{
    struct bench *bench = *state;

    assert_int_equal(place_named(bench, "1234567890123456789012345678901234567", 9000),
                     MSIM_ERR_INVALID);
    assert_int_equal(place_named(bench, "a\nb", 9000), MSIM_ERR_INVALID);
    assert_int_equal(place_named(bench, "123456789012345678901234567890123456", 9000), 0);
}

static void an_account_has_one_number(void **state)
{
    struct bench *bench = *state;
    uint32_t account = 0;

    assert_int_equal(msim_venue_account(bench->venue, "alice", 5, &account), 0);
    assert_int_equal(account, bench->alice);
    assert_int_equal(msim_venue_account(bench->venue, "house", 5, &account), MSIM_ERR_INVALID);
    assert_int_equal(msim_venue_account(bench->venue, "a/b", 3, &account), MSIM_ERR_INVALID);
    assert_int_equal(msim_venue_account(bench->venue, "", 0, &account), MSIM_ERR_INVALID);
    assert_int_equal(bench_place(bench, 4, MSIM_SIDE_BUY, 10000, 5, SECOND), MSIM_ERR_INVALID);
}

static void orders_and_fills_of_an_account_can_be_asked_for(void **state)
{
    struct bench *bench = *state;
    struct msim_venue_order_view views[4];
    struct msim_event fills[4];

    bench_place(bench, bench->alice, MSIM_SIDE_BUY, 10000, 5, SECOND);
    bench_place(bench, bench->alice, MSIM_SIDE_BUY, 9000, 5, 2 * SECOND);
    bench_place(bench, bench->bob, MSIM_SIDE_SELL, 9500, 5, 3 * SECOND);
    assert_int_equal(msim_venue_orders(bench->venue, bench->alice, MSIM_ALL_INSTRUMENTS,
                                       MSIM_VENUE_LIVE | MSIM_VENUE_FINISHED, UINT64_MAX, views, 4),
                     2);
    assert_int_equal(views[0].order.status, MSIM_STATUS_OPEN);
    assert_int_equal(views[1].order.status, MSIM_STATUS_FILLED);
    assert_int_equal(views[1].created_at, SECOND);
    assert_int_equal(views[1].updated_at, 3 * SECOND);
    assert_int_equal(msim_venue_orders(bench->venue, bench->alice, MSIM_ALL_INSTRUMENTS,
                                       MSIM_VENUE_LIVE, UINT64_MAX, views, 4),
                     1);
    assert_int_equal(
        msim_venue_fills(bench->venue, bench->bob, MSIM_ALL_INSTRUMENTS, UINT64_MAX, fills, 4), 1);
    assert_int_equal(fills[0].as.fill.quantity, 5);
    assert_int_equal(msim_venue_order(bench->venue, bench->bob, views[0].order.order, views),
                     MSIM_ERR_NOT_FOUND);
}

static void the_ticker_knows_best_prices_and_the_day(void **state)
{
    struct bench *bench = *state;
    struct msim_venue_ticker ticker;

    bench_place(bench, bench->alice, MSIM_SIDE_BUY, 10000, 5, SECOND);
    bench_place(bench, bench->bob, MSIM_SIDE_SELL, 9900, 2, SECOND);
    bench_place(bench, bench->bob, MSIM_SIDE_SELL, 10100, 7, SECOND);
    assert_int_equal(msim_venue_ticker(bench->venue, bench->instrument, &ticker), 0);
    assert_int_equal(ticker.last_price, 10000);
    assert_int_equal(ticker.bid, 10000);
    assert_int_equal(ticker.bid_quantity, 3);
    assert_int_equal(ticker.ask, 10100);
    assert_int_equal(ticker.ask_quantity, 7);
    assert_int_equal(ticker.volume, 2);
    assert_int_equal(ticker.high, 10000);
    assert_int_equal(ticker.trade_count, 1);
    assert_int_equal(msim_venue_ticker(bench->venue, 1, &ticker), MSIM_ERR_NOT_FOUND);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_a_command_brought_about_is_told_with_its_tag),
        TEST(both_sides_of_a_trade_learn_of_it),
        TEST(nothing_is_told_before_its_time),
        TEST(an_order_expires_at_its_time_without_a_command),
        TEST(what_nobody_listens_to_is_not_pulled_and_happens_all_the_same),
        TEST(a_client_id_again_is_answered_with_the_first_order),
        TEST(an_order_is_cancelled_by_its_text),
        TEST(finished_orders_are_found_until_so_many_others_have_finished),
        TEST(an_order_that_is_forgotten_hides_no_other),
        TEST(texts_are_known_as_long_as_their_orders_and_numbers_rise),
        TEST(bad_client_ids_are_refused),
        TEST(an_account_has_one_number),
        TEST(orders_and_fills_of_an_account_can_be_asked_for),
        TEST(the_ticker_knows_best_prices_and_the_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
