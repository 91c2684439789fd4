/*
 * Events that a quiet layer notes, many at a time.
 */
#include "bench.h"

/* An order of 3, a fill of it, money and a position, of two accounts by turns. */
static void deal(struct msim_event events[8])
{
    memset(events, 0, 8 * sizeof *events);
    for (uint32_t i = 0; i < 8; i++) {
        events[i].account = 1 + i % 2;
        events[i].order = events[i].account;
        events[i].side = i % 2 ? MSIM_SIDE_SELL : MSIM_SIDE_BUY;
    }
    for (size_t i = 0; i < 2; i++) {
        events[i].kind = MSIM_EVENT_ACCEPTED;
        events[i].as.order.price = 5000;
        events[i].as.order.quantity = events[i].as.order.leaves = 3;
        events[2 + i].kind = MSIM_EVENT_FILL;
        events[2 + i].as.fill.trade = 1;
        events[2 + i].as.fill.quantity = events[2 + i].as.fill.filled = 1;
        events[2 + i].as.fill.leaves = 2;
        events[4 + i].kind = MSIM_EVENT_BALANCE;
        events[4 + i].as.balance.free = 77;
        events[6 + i].kind = MSIM_EVENT_POSITION;
    }
}

static void ledger_text(struct bench *bench, const char *account, char text[2048])
{
    size_t length = 0;

    assert_int_equal(msim_faults_ledger_json(bench->faults, account, text, 2048, &length), MSIM_OK);
    assert_true(length > 0 && length < 2048);
}

static void events_are_noted_as_if_each_was_reported(void **state)
{
    struct msim_faults_params params = MSIM_FAULTS_PARAMS_INIT;
    struct msim_event events[8];
    struct bench reported;
    struct bench noted;
    char wanted[2048];
    char text[2048];

    (void)state;
    bench_start_with(&reported, &params);
    bench_start_with(&noted, &params);
    deal(events);
    for (size_t i = 0; i < COUNT(events); i++)
        assert_int_equal(msim_faults_report(reported.faults, 5, &events[i]), MSIM_FAULT_PASS);
    assert_int_equal(msim_faults_note(noted.faults, 5, events, COUNT(events)), MSIM_OK);
    ledger_text(&reported, "1", wanted);
    ledger_text(&noted, "1", text);
    assert_string_equal(text, wanted);
    assert_non_null(strstr(text, "\"truth\":\"1\""));
    ledger_text(&reported, "2", wanted);
    ledger_text(&noted, "2", text);
    assert_string_equal(text, wanted);
    assert_non_null(strstr(text, "\"truth\":\"-1\""));
    bench_finish(&reported);
    bench_finish(&noted);
}

static void a_layer_that_may_act_notes_nothing(void **state)
{
    struct msim_faults_params params = MSIM_FAULTS_PARAMS_INIT;
    struct msim_event events[8];
    struct msim_fault_ledger ledger;
    struct bench bench;

    (void)state;
    bench_start_with(&bench, &params);
    deal(events);
    bench_add(&bench, 5, "{\"kind\":\"phantom_fill\"}");
    assert_int_equal(msim_faults_note(bench.faults, 5, events, 1), MSIM_ERR_STATE);
    assert_int_equal(msim_faults_note(bench.faults, 4, events, 1), MSIM_ERR_INVALID);
    assert_int_equal(msim_faults_ledger(bench.faults, "1", &ledger), MSIM_ERR_NOT_FOUND);
    bench_finish(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_noted_as_if_each_was_reported),
        cmocka_unit_test(a_layer_that_may_act_notes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
