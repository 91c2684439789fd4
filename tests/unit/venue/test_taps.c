/*
 * The failure layer at the venue: what is told, what is true, and what is late.
 */
#include "unit/venue/bench.h"

static void open_with(struct bench *bench, const char *strategies, uint32_t flags)
{
    struct msim_venue_params params = MSIM_VENUE_PARAMS_INIT;
    struct msim_faults_params faults = MSIM_FAULTS_PARAMS_INIT;
    struct msim_detail detail = {{0}};

    params.faults = &faults;
    params.flags = flags;
    bench_open(bench, &params);
    if (strategies && msim_faults_add_all(msim_venue_faults(bench->venue), 0, strategies,
                                          strlen(strategies), &detail) < 0)
        fail_msg("%s", detail.text);
}

static void a_dropped_order_never_was(void **state)
{
    struct bench bench;
    (void)state;

    open_with(
        &bench,
        "[{\"kind\":\"drop\",\"select\":{\"dir\":\"in\",\"type\":\"order.new\"},\"every\":2}]", 0);
    assert_int_equal(bench_place(&bench, bench.alice, MSIM_SIDE_BUY, 9000, 1, SECOND),
                     MSIM_VENUE_APPLIED);
    assert_int_equal(bench_place(&bench, bench.alice, MSIM_SIDE_BUY, 9001, 1, SECOND),
                     MSIM_VENUE_TAKEN);
    assert_string_equal(bench_told(&bench, 9 * SECOND), "alice ACCEPTED");
    bench_close(&bench);
}

static void a_late_order_arrives_when_it_is_due(void **state)
{
    struct bench bench;
    (void)state;

    open_with(&bench,
              "[{\"kind\":\"delay\",\"select\":{\"dir\":\"in\",\"type\":\"order.new\"},\"dist\":"
              "\"3s\"}]",
              0);
    assert_int_equal(bench_place(&bench, bench.alice, MSIM_SIDE_BUY, 9000, 1, SECOND),
                     MSIM_VENUE_TAKEN);
    assert_int_equal(msim_venue_next_due(bench.venue), 4 * SECOND);
    assert_string_equal(bench_told(&bench, 3 * SECOND), "");
    assert_string_equal(bench_told(&bench, 4 * SECOND), "alice ACCEPTED");
    assert_int_equal(msim_venue_time(bench.venue), 4 * SECOND);
    bench_close(&bench);
}

static void a_doubled_order_is_two_where_it_has_no_name(void **state)
{
    struct bench bench;
    (void)state;

    open_with(&bench,
              "[{\"kind\":\"duplicate\",\"select\":{\"dir\":\"in\",\"type\":\"order.new\"},"
              "\"copies\":1}]",
              0);
    bench_place(&bench, bench.alice, MSIM_SIDE_BUY, 9000, 1, SECOND);
    assert_string_equal(bench_told(&bench, SECOND), "alice ACCEPTED, alice ACCEPTED");
    struct msim_venue_order order = bench_order(bench.alice, MSIM_SIDE_BUY, 9000, 1, SECOND);
    struct msim_instrument_view view;
    order.client_id = "once";
    order.client_id_length = 4;
    msim_venue_submit(bench.venue, &order);
    assert_string_equal(bench_told(&bench, SECOND), "alice ACCEPTED, alice ACCEPTED");
    msim_engine_instrument(msim_venue_engine(bench.venue), bench.instrument, &view);
    assert_int_equal(view.order_count, 3);
    bench_close(&bench);
}

static void a_fill_that_is_not_told_is_true_nevertheless(void **state)
{
    struct bench bench;
    struct msim_fault_ledger ledger;
    (void)state;

    open_with(&bench,
              "[{\"kind\":\"drop\",\"select\":{\"dir\":\"out\",\"type\":\"exec.*\",\"account\":"
              "\"alice\"}}]",
              0);
    bench_place(&bench, bench.alice, MSIM_SIDE_BUY, 9000, 1, SECOND);
    bench_place(&bench, bench.bob, MSIM_SIDE_SELL, 9000, 1, SECOND);
    assert_string_equal(bench_told(&bench, SECOND),
                        "alice ACCEPTED, bob ACCEPTED, bob FILL 1@9000");
    assert_int_equal(msim_faults_ledger(msim_venue_faults(bench.venue), "alice", &ledger), 0);
    assert_int_equal(ledger.fills, 1);
    assert_int_equal(ledger.never_told, 1);
    assert_false(ledger.told_is_true);
    assert_int_equal(msim_faults_ledger(msim_venue_faults(bench.venue), "bob", &ledger), 0);
    assert_int_equal(ledger.told_once, 1);
    assert_true(ledger.told_is_true);
    bench_close(&bench);
}

static void a_phantom_fill_is_told_and_leaves_nothing(void **state)
{
    struct bench bench;
    struct msim_venue_output out;
    int phantoms = 0;
    int64_t free = 0;
    int64_t held = 0;
    (void)state;

    open_with(&bench, "[{\"kind\":\"phantom_fill\",\"max_hits\":1,\"target\":\"open_order\"}]",
              MSIM_VENUE_WIRE_OUTSIDE);
    bench_place(&bench, bench.alice, MSIM_SIDE_BUY, 9000, 1, SECOND);
    while (msim_venue_pull(bench.venue, SECOND, &out, NULL) == MSIM_PULL_RECORD) {
        if (!out.said)
            continue;
        phantoms++;
        assert_int_equal(out.said->made, MSIM_FAULT_MADE_PHANTOM);
        assert_int_equal(out.kind, MSIM_VENUE_EVENT);
        assert_int_equal(out.event->kind, MSIM_EVENT_FILL);
        assert_int_equal(out.account, bench.alice);
        assert_true(out.exec > MSIM_FAULT_EXEC_RESERVED);
    }
    assert_int_equal(phantoms, 1);
    msim_engine_balance(msim_venue_engine(bench.venue), bench.alice, bench.btc, &free, &held);
    assert_int_equal(free, INT64_C(1) << 50);
    bench_close(&bench);
}

static void an_unknown_status_hides_the_answer_of_what_was_done(void **state)
{
    struct bench bench;
    struct msim_venue_output out;
    struct msim_venue_order order;
    (void)state;

    open_with(
        &bench,
        "[{\"kind\":\"respond\",\"do\":\"unknown_status\",\"to\":\"order.new\",\"after\":\"2s\"}]",
        0);
    order = bench_order(bench.alice, MSIM_SIDE_BUY, 9000, 1, SECOND);
    order.tag = 77;
    assert_int_equal(msim_venue_submit(bench.venue, &order), MSIM_VENUE_APPLIED);
    assert_string_equal(bench_told(&bench, 2 * SECOND), "");
    assert_int_equal(msim_venue_next_due(bench.venue), 3 * SECOND);
    assert_int_equal(msim_venue_pull(bench.venue, 3 * SECOND, &out, NULL), MSIM_PULL_RECORD);
    assert_int_equal(out.kind, MSIM_VENUE_REFUSED);
    assert_int_equal(out.tag, 77);
    assert_int_equal(out.account, bench.alice);
    struct msim_venue_order_view view;
    assert_int_equal(msim_venue_orders(bench.venue, bench.alice, MSIM_ALL_INSTRUMENTS,
                                       MSIM_VENUE_LIVE, UINT64_MAX, &view, 1),
                     1);
    bench_close(&bench);
}

static void a_refused_request_is_answered_at_once(void **state)
{
    struct bench bench;
    struct msim_venue_output out;
    struct msim_venue_order order;
    (void)state;

    open_with(&bench,
              "[{\"kind\":\"respond\",\"do\":\"reject\",\"to\":\"order.new\",\"code\":\"BUSY\","
              "\"http\":503}]",
              0);
    order = bench_order(bench.alice, MSIM_SIDE_BUY, 9000, 1, SECOND);
    order.tag = 78;
    assert_int_equal(msim_venue_submit(bench.venue, &order), MSIM_VENUE_TAKEN);
    assert_int_equal(msim_venue_pull(bench.venue, SECOND, &out, NULL), MSIM_PULL_RECORD);
    assert_int_equal(out.kind, MSIM_VENUE_REFUSED);
    assert_int_equal(out.tag, 78);
    assert_int_equal(out.said->http, 503);
    assert_string_equal(out.said->code_text, "BUSY");
    bench_close(&bench);
}

static void an_acknowledged_order_may_never_have_been(void **state)
{
    struct bench bench;
    struct msim_venue_output out;
    struct msim_instrument_view view;
    (void)state;

    open_with(&bench, "[{\"kind\":\"respond\",\"do\":\"ack_only\",\"to\":\"order.new\"}]", 0);
    assert_int_equal(bench_place(&bench, bench.alice, MSIM_SIDE_BUY, 9000, 1, SECOND),
                     MSIM_VENUE_TAKEN);
    assert_int_equal(msim_venue_pull(bench.venue, SECOND, &out, NULL), MSIM_PULL_RECORD);
    assert_int_equal(out.event->kind, MSIM_EVENT_ACCEPTED);
    assert_true(out.event->order > MSIM_FAULT_EXEC_RESERVED);
    msim_engine_instrument(msim_venue_engine(bench.venue), bench.instrument, &view);
    assert_int_equal(view.order_count, 0);
    bench_close(&bench);
}

static void a_halt_by_the_venue_is_a_command_like_any_other(void **state)
{
    struct bench bench;
    struct msim_instrument_view view;
    (void)state;

    open_with(&bench, "[{\"kind\":\"venue\",\"do\":\"halt\",\"symbol\":\"BTC/USD\",\"at\":\"5s\"}]",
              0);
    assert_int_equal(msim_venue_next_due(bench.venue), 5 * SECOND);
    bench_told(&bench, 5 * SECOND);
    msim_engine_instrument(msim_venue_engine(bench.venue), bench.instrument, &view);
    assert_int_equal(view.params.state, MSIM_STATE_HALTED);
    bench_close(&bench);
}

static void a_shock_sweeps_the_book_with_real_orders(void **state)
{
    struct bench bench;
    (void)state;

    open_with(&bench,
              "[{\"kind\":\"venue\",\"do\":\"shock\",\"symbol\":\"BTC/USD\",\"at\":\"5s\","
              "\"sweep_levels\":2,\"side\":\"buy\"}]",
              0);
    for (int i = 0; i < 3; i++)
        bench_place(&bench, bench.alice, MSIM_SIDE_BUY, 9000 - i, 2, SECOND);
    bench_told(&bench, 4 * SECOND);
    assert_string_equal(bench_told(&bench, 5 * SECOND), "alice FILL 2@9000, alice FILL 2@8999");
    bench_close(&bench);
}

static void a_link_that_was_cut_is_silent_until_it_is_made_again(void **state)
{
    struct bench bench;
    struct msim_venue_output out;
    int cuts = 0;
    (void)state;

    open_with(
        &bench,
        "[{\"kind\":\"session\",\"action\":\"rst\",\"when\":\"after\",\"max_hits\":1,\"select\":"
        "{\"dir\":\"in\",\"type\":\"order.new\"}}]",
        0);
    bench_place(&bench, bench.alice, MSIM_SIDE_BUY, 9000, 1, SECOND);
    while (msim_venue_pull(bench.venue, SECOND, &out, NULL) == MSIM_PULL_RECORD)
        if (out.kind == MSIM_VENUE_CUT) {
            cuts++;
            assert_int_equal(out.account, bench.alice);
            assert_int_equal(out.action, MSIM_FAULT_ACTION_RST);
        }
    assert_int_equal(cuts, 1);
    assert_int_equal(bench_place(&bench, bench.alice, MSIM_SIDE_BUY, 9000, 1, SECOND),
                     MSIM_ERR_CLOSED);
    assert_int_equal(msim_venue_reconnect(bench.venue, bench.alice), 0);
    assert_int_equal(msim_venue_reconnect(bench.venue, bench.alice), MSIM_ERR_STATE);
    assert_int_equal(bench_place(&bench, bench.alice, MSIM_SIDE_BUY, 9000, 1, SECOND), 0);
    assert_string_equal(bench_told(&bench, SECOND), "alice ACCEPTED");
    bench_close(&bench);
}

static void what_needs_bytes_is_refused_in_words(void **state)
{
    struct bench bench;
    struct msim_venue_output out;
    struct msim_detail detail = {{0}};
    int r;
    (void)state;

    open_with(&bench,
              "[{\"kind\":\"corrupt\",\"mode\":\"bitflip\",\"select\":{\"dir\":\"out\",\"type\":"
              "\"ack.new\"}}]",
              0);
    r = bench_place(&bench, bench.alice, MSIM_SIDE_BUY, 9000, 1, SECOND);
    while (r >= 0 && (r = msim_venue_pull(bench.venue, SECOND, &out, &detail)) == MSIM_PULL_RECORD)
        ;
    assert_int_equal(r, MSIM_ERR_UNSUPPORTED);
    bench_close(&bench);
}

/* The same commands with a layer that has nothing to do: the same outputs. */
static uint64_t outputs_of(const struct msim_faults_params *faults)
{
    struct msim_venue_params params = MSIM_VENUE_PARAMS_INIT;
    struct msim_venue_liquidity quotes = MSIM_VENUE_LIQUIDITY_INIT;
    struct msim_venue_output out;
    struct bench bench;
    uint64_t sum = 0;

    params.faults = faults;
    bench_open(&bench, &params);
    quotes.price = 10000;
    assert_int_equal(msim_venue_liquidity_set(bench.venue, bench.instrument, &quotes, NULL), 0);
    for (int i = 1; i < 50; i++) {
        bench_place(&bench, i % 2 ? bench.alice : bench.bob, i % 2 ? MSIM_SIDE_BUY : MSIM_SIDE_SELL,
                    10000, 1, i * SECOND / 3);
        while (msim_venue_pull(bench.venue, i * SECOND / 3, &out, NULL) == MSIM_PULL_RECORD)
            sum = sum * 31 + (uint64_t)out.time + (uint64_t)out.kind * 7 +
                  (out.event ? out.event->sequence : out.record->sequence);
    }
    bench_close(&bench);
    return sum;
}

static void a_layer_without_strategies_changes_nothing(void **state)
{
    const struct msim_faults_params faults = MSIM_FAULTS_PARAMS_INIT;
    (void)state;

    assert_int_equal(outputs_of(NULL), outputs_of(&faults));
}

static void add_preset(struct bench *bench, msim_time now, const char *name)
{
    struct msim_detail detail = {{0}};

    if (msim_faults_preset(msim_venue_faults(bench->venue), now, name, NULL, 0, &detail) < 0)
        fail_msg("%s", detail.text);
}

static void what_the_venue_does_without_a_symbol_is_done_to_each(void **state)
{
    struct bench bench;
    (void)state;

    open_with(&bench, NULL, 0);
    uint32_t other = bench_instrument(&bench, "BTC/EUR");
    add_preset(&bench, SECOND, "cancel_only");
    bench_told(&bench, SECOND);
    for (int i = 0; i < 2; i++) {
        struct msim_venue_order order = bench_order(bench.alice, MSIM_SIDE_BUY, 9000, 1, SECOND);
        order.command.instrument = i ? other : bench.instrument;
        msim_venue_submit(bench.venue, &order);
        assert_string_equal(bench_told(&bench, SECOND), "alice REJECTED NOT_TRADING");
    }
    bench_close(&bench);
}

static void a_preset_counts_from_when_it_was_added(void **state)
{
    struct bench bench;
    (void)state;

    open_with(&bench, NULL, 0);
    bench_told(&bench, 100 * SECOND);
    add_preset(&bench, 100 * SECOND, "symbol_halt"); /* resumed after a minute */
    bench_told(&bench, 159 * SECOND);
    bench_place(&bench, bench.alice, MSIM_SIDE_BUY, 9000, 1, 159 * SECOND);
    assert_string_equal(bench_told(&bench, 159 * SECOND), "alice REJECTED NOT_TRADING");
    bench_told(&bench, 160 * SECOND);
    bench_place(&bench, bench.alice, MSIM_SIDE_BUY, 9000, 1, 160 * SECOND);
    assert_string_equal(bench_told(&bench, 160 * SECOND), "alice ACCEPTED");
    bench_close(&bench);
}

static void a_phantom_is_about_somebody_who_has_such_an_order(void **state)
{
    struct msim_fault_ledger ledger;
    struct bench bench;
    (void)state;

    open_with(&bench, "[{\"kind\":\"phantom_fill\",\"rate\":10}]", 0);
    /* Bob has had an order, and has none; only Alice's is open. */
    bench_place(&bench, bench.alice, MSIM_SIDE_BUY, 9000, 2, 0);
    bench_place(&bench, bench.bob, MSIM_SIDE_SELL, 9000, 1, 0);
    bench_told(&bench, 10 * SECOND);
    assert_int_equal(msim_faults_ledger(msim_venue_faults(bench.venue), "alice", &ledger), 0);
    assert_true(ledger.phantom > 50);
    struct msim_fault_counts counts;
    assert_int_equal(msim_faults_counts(msim_venue_faults(bench.venue), "phantom_fill-0", &counts),
                     0);
    assert_int_equal(counts.inapplicable, 0);
    bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dropped_order_never_was),
        cmocka_unit_test(a_late_order_arrives_when_it_is_due),
        cmocka_unit_test(a_doubled_order_is_two_where_it_has_no_name),
        cmocka_unit_test(a_fill_that_is_not_told_is_true_nevertheless),
        cmocka_unit_test(a_phantom_fill_is_told_and_leaves_nothing),
        cmocka_unit_test(an_unknown_status_hides_the_answer_of_what_was_done),
        cmocka_unit_test(a_refused_request_is_answered_at_once),
        cmocka_unit_test(an_acknowledged_order_may_never_have_been),
        cmocka_unit_test(a_halt_by_the_venue_is_a_command_like_any_other),
        cmocka_unit_test(a_shock_sweeps_the_book_with_real_orders),
        cmocka_unit_test(a_link_that_was_cut_is_silent_until_it_is_made_again),
        cmocka_unit_test(what_needs_bytes_is_refused_in_words),
        cmocka_unit_test(what_the_venue_does_without_a_symbol_is_done_to_each),
        cmocka_unit_test(a_preset_counts_from_when_it_was_added),
        cmocka_unit_test(a_phantom_is_about_somebody_who_has_such_an_order),
        cmocka_unit_test(a_layer_without_strategies_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
