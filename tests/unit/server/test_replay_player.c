/*
 * A replay's state machine, at a clock that the test turns: no sockets, no waiting.
 */
#include "check.h"

#include <stdio.h>
#include <string.h>

#include "oom/failing.h"
#include "server/replay_player.h"

#define MS MSIM_NS_PER_MS

enum { BUNDLES = 100, PER_BUNDLE = 3, TRADES = BUNDLES * PER_BUNDLE };

static const char *const symbols[] = {"BTC-USDT", "ETH-USDT", "BTC-EUR"};

struct bench {
    struct msim_record records[TRADES];
    msim_time clock;
    bool refuses; /* to open another source */
    size_t opened;
    size_t ended;
    struct msim_replay_player player;
    struct msim_detail detail;
    char log[4096];
};

static msim_time read_clock(void *clock)
{
    return *(const msim_time *)clock;
}

/* Trades of the selection; three share each 10 ms. */
static int open_source(void *context, const struct msim_replay_selection *selection,
                       struct msim_source *out, struct msim_detail *detail)
{
    struct bench *bench = context;
    struct msim_source_array_params params = MSIM_SOURCE_ARRAY_PARAMS_INIT;
    size_t first = 0, end = TRADES;

    if (bench->refuses) {
        snprintf(detail->text, sizeof detail->text, "the file has gone");
        return MSIM_ERR_IO;
    }
    bench->opened++;
    while (first < TRADES && selection->has_from && bench->records[first].time < selection->from)
        first++;
    while (end > first && selection->has_to && bench->records[end - 1].time >= selection->to)
        end--;
    params.records = bench->records + first;
    params.count = end - first;
    params.symbols = symbols;
    params.symbol_count = COUNT(symbols);
    return msim_source_array(out, &params, detail);
}

static void count_ended(void *context, const struct msim_source *source)
{
    struct bench *bench = context;

    assert_non_null(source->ops);
    bench->ended++;
}

static int set_up(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    if (!bench)
        return -1;
    for (size_t i = 0; i < TRADES; i++) {
        struct msim_record *record = &bench->records[i];
        record->time = (msim_time)(i / PER_BUNDLE) * 10 * MS;
        record->kind = MSIM_RECORD_TRADE;
        record->symbol = (uint32_t)(i % PER_BUNDLE);
        record->as.trade.price = (int64_t)i;
        record->as.trade.quantity = 1;
    }
    bench->clock = 1000 * MS;
    *state = bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;

    msim_replay_player_finish(&bench->player);
    assert_int_equal(bench->opened, bench->ended);
    free(bench);
    return 0;
}

static struct msim_replay_player_params params_of(struct bench *bench)
{
    return (struct msim_replay_player_params){
        .open = open_source,
        .ended = count_ended,
        .context = bench,
        .read_clock = read_clock,
        .clock = &bench->clock,
    };
}

static void start(struct bench *bench, const struct msim_replay_player_params *params)
{
    assert_int_equal(msim_replay_player_init(&bench->player, params, &bench->detail), MSIM_OK);
}

static void start_paced(struct bench *bench)
{
    struct msim_replay_player_params params = params_of(bench);

    start(bench, &params);
}

/* What is due now as words: prices, `|` at a bundle's end, and why no more came. */
static const char *due(struct bench *bench)
{
    static const char *const ends[] = {
        [MSIM_PLAY_WAIT] = "wait", [MSIM_PLAY_AGAIN] = "again", [MSIM_PLAY_END] = "end"};
    const struct msim_record *record;
    size_t length = 0;
    int r;

    bench->log[0] = '\0';
    while ((r = msim_replay_player_next(&bench->player, bench->clock, &record, &bench->detail)) ==
               MSIM_PLAY_TRADE ||
           r == MSIM_PLAY_BUNDLE_END) {
        length += (size_t)snprintf(bench->log + length, sizeof bench->log - length,
                                   r == MSIM_PLAY_TRADE ? "%d " : "| ",
                                   r == MSIM_PLAY_TRADE ? (int)record->as.trade.price : 0);
        assert_true(length < sizeof bench->log);
    }
    snprintf(bench->log + length, sizeof bench->log - length, "%s", r < 0 ? "failure" : ends[r]);
    return bench->log;
}

/* ---- the pace ---- */

static void each_bundle_is_due_at_its_distance_from_the_first(void **state)
{
    struct bench *bench = *state;

    start_paced(bench);
    assert_string_equal(due(bench), "0 1 2 | wait");
    assert_int_equal(bench->player.wake, 1010 * MS);
    bench->clock = 1010 * MS - 1;
    assert_string_equal(due(bench), "wait");
    bench->clock = 1010 * MS;
    assert_string_equal(due(bench), "3 4 5 | wait");
    /* Late once, in time again: the schedule is absolute. */
    bench->clock = 1034 * MS;
    assert_string_equal(due(bench), "6 7 8 | 9 10 11 | wait");
    assert_int_equal(bench->player.wake, 1040 * MS);
}

static void at_full_speed_everything_is_due_to_the_end(void **state)
{
    struct bench *bench = *state;
    struct msim_replay_player_params params = params_of(bench);

    params.speed = (struct msim_speed){1, 0};
    params.selection = (struct msim_replay_selection){.has_from = true, .from = 970 * MS};
    start(bench, &params);
    assert_string_equal(due(bench), "291 292 293 | 294 295 296 | 297 298 299 | end");
    assert_int_equal(bench->player.due, INT64_MIN);
}

static void a_gap_is_shortened_also_behind_a_seek(void **state)
{
    struct bench *bench = *state;
    struct msim_replay_player_params params = params_of(bench);

    for (size_t i = 6; i < TRADES; i++)
        bench->records[i].time += 3600 * MSIM_NS_PER_S;
    params.max_gap = 5 * MS;
    start(bench, &params);
    assert_string_equal(due(bench), "0 1 2 | wait");
    assert_int_equal(bench->player.wake, 1005 * MS);
    bench->clock = 1010 * MS;
    assert_string_equal(due(bench), "3 4 5 | 6 7 8 | wait");
    assert_int_equal(msim_replay_player_seek(&bench->player, 10 * MS, NULL), MSIM_OK);
    assert_string_equal(due(bench), "3 4 5 | wait");
    assert_int_equal(bench->player.wake, 1015 * MS);
}

/* ---- what is wanted ---- */

static void the_first_trade_that_is_wanted_is_due_at_once(void **state)
{
    static const char *const tickers[] = {"ETH-*", "BTC-EU?"};
    struct bench *bench = *state;
    struct msim_replay_player_params params = params_of(bench);

    params.tickers = tickers;
    params.ticker_count = COUNT(tickers);
    for (size_t i = 0; i < 30; i++)
        bench->records[i].symbol = 0;
    start(bench, &params);
    assert_string_equal(due(bench), "31 32 | wait");
    assert_int_equal(bench->player.wake, 1010 * MS);
}

static void trades_without_a_ticker_are_not_wanted_where_some_are_chosen(void **state)
{
    static const char *const tickers[] = {"*"};
    struct bench *bench = *state;
    struct msim_replay_player_params params = params_of(bench);

    params.tickers = tickers;
    params.ticker_count = COUNT(tickers);
    bench->records[1].flags = MSIM_RECORD_NO_SYMBOL;
    start(bench, &params);
    assert_string_equal(due(bench), "0 2 | wait");
}

/* ---- the remote control ---- */

static void a_pause_stands_still_and_a_resume_goes_on_where_it_stood(void **state)
{
    struct bench *bench = *state;

    start_paced(bench);
    due(bench);
    bench->clock = 1004 * MS;
    msim_replay_player_pause(&bench->player, bench->clock);
    bench->clock = 5000 * MS;
    assert_string_equal(due(bench), "wait");
    assert_int_equal(bench->player.wake, MSIM_TIME_NEVER);
    msim_replay_player_resume(&bench->player, bench->clock);
    assert_string_equal(due(bench), "wait");
    assert_int_equal(bench->player.wake, 5006 * MS);
    bench->clock = 5006 * MS;
    assert_string_equal(due(bench), "3 4 5 | wait");
}

static void a_pause_before_the_first_trade_keeps_it(void **state)
{
    struct bench *bench = *state;

    start_paced(bench);
    msim_replay_player_pause(&bench->player, bench->clock);
    assert_string_equal(due(bench), "wait");
    bench->clock = 3000 * MS;
    msim_replay_player_resume(&bench->player, bench->clock);
    assert_string_equal(due(bench), "0 1 2 | wait");
    assert_int_equal(bench->player.wake, 3010 * MS);
}

static void steps_give_bundles_while_it_is_paused_and_the_pace_goes_on_from_the_last(void **state)
{
    struct bench *bench = *state;

    start_paced(bench);
    due(bench);
    assert_int_equal(msim_replay_player_step(&bench->player, 1), MSIM_ERR_STATE);
    msim_replay_player_pause(&bench->player, bench->clock);
    assert_int_equal(msim_replay_player_step(&bench->player, 1), MSIM_OK);
    assert_int_equal(msim_replay_player_step(&bench->player, 2), MSIM_OK);
    assert_string_equal(due(bench), "3 4 5 | 6 7 8 | 9 10 11 | wait");
    assert_int_equal(bench->player.due, INT64_MIN);
    assert_string_equal(due(bench), "wait");
    bench->clock = 9000 * MS;
    msim_replay_player_resume(&bench->player, bench->clock);
    assert_string_equal(due(bench), "wait");
    assert_int_equal(bench->player.wake, 9010 * MS);
}

static void steps_that_are_left_over_are_forgotten_by_a_resume_and_a_seek(void **state)
{
    struct bench *bench = *state;

    start_paced(bench);
    msim_replay_player_pause(&bench->player, bench->clock);
    assert_int_equal(msim_replay_player_step(&bench->player, UINT64_MAX), MSIM_OK);
    assert_int_equal(msim_replay_player_step(&bench->player, 5), MSIM_OK);
    assert_int_equal(msim_replay_player_seek(&bench->player, 500 * MS, NULL), MSIM_OK);
    assert_string_equal(due(bench), "wait");
    assert_int_equal(msim_replay_player_step(&bench->player, 7), MSIM_OK);
    msim_replay_player_resume(&bench->player, bench->clock);
    msim_replay_player_pause(&bench->player, bench->clock);
    assert_string_equal(due(bench), "wait");
}

static void a_new_speed_holds_for_what_is_left_of_the_wait(void **state)
{
    struct bench *bench = *state;

    start_paced(bench);
    due(bench);
    bench->clock = 1005 * MS;
    assert_int_equal(
        msim_replay_player_set_speed(&bench->player, bench->clock, (struct msim_speed){5, 1}),
        MSIM_OK);
    assert_string_equal(due(bench), "wait");
    assert_int_equal(bench->player.wake, 1006 * MS);
    assert_int_equal(
        msim_replay_player_set_speed(&bench->player, bench->clock, (struct msim_speed){0, 1}),
        MSIM_ERR_INVALID);
}

static void a_seek_goes_back_and_forth_and_its_first_trade_is_due_at_once(void **state)
{
    struct bench *bench = *state;

    start_paced(bench);
    due(bench);
    bench->clock = 1003 * MS;
    assert_int_equal(msim_replay_player_seek(&bench->player, 501 * MS, NULL), MSIM_OK);
    assert_int_equal(bench->player.position, 501 * MS);
    assert_string_equal(due(bench), "153 154 155 | wait");
    assert_int_equal(bench->player.wake, 1013 * MS);
    assert_int_equal(msim_replay_player_seek(&bench->player, 20 * MS, NULL), MSIM_OK);
    assert_string_equal(due(bench), "6 7 8 | wait");
    assert_int_equal(msim_replay_player_seek(&bench->player, INT64_MIN, NULL), MSIM_OK);
    assert_string_equal(due(bench), "0 1 2 | wait");
    assert_int_equal(msim_replay_player_seek(&bench->player, 991 * MS, NULL), MSIM_OK);
    assert_string_equal(due(bench), "end");
}

static void a_seek_stays_within_its_window(void **state)
{
    struct bench *bench = *state;
    struct msim_replay_player_params params = params_of(bench);

    params.selection = (struct msim_replay_selection){
        .has_from = true, .has_to = true, .from = 100 * MS, .to = 130 * MS};
    start(bench, &params);
    assert_string_equal(due(bench), "30 31 32 | wait");
    assert_int_equal(msim_replay_player_seek(&bench->player, 0, NULL), MSIM_OK);
    assert_int_equal(bench->player.position, 100 * MS);
    assert_string_equal(due(bench), "30 31 32 | wait");
    assert_int_equal(msim_replay_player_seek(&bench->player, 130 * MS, &bench->detail),
                     MSIM_ERR_INVALID);
    assert_non_null(strstr(bench->detail.text, "1970-01-01T00:00:00.130000Z"));
    assert_int_equal(msim_replay_player_seek(&bench->player, 120 * MS, NULL), MSIM_OK);
    assert_string_equal(due(bench), "36 37 38 | end");
}

static void a_seek_that_fails_changes_nothing(void **state)
{
    struct bench *bench = *state;

    start_paced(bench);
    due(bench);
    bench->refuses = true;
    assert_int_equal(msim_replay_player_seek(&bench->player, 500 * MS, &bench->detail),
                     MSIM_ERR_IO);
    assert_string_equal(bench->detail.text, "the file has gone");
    bench->clock = 1010 * MS;
    assert_string_equal(due(bench), "3 4 5 | wait");
}

static void a_seek_while_paused_stays_paused(void **state)
{
    struct bench *bench = *state;

    start_paced(bench);
    due(bench);
    msim_replay_player_pause(&bench->player, bench->clock);
    assert_int_equal(msim_replay_player_seek(&bench->player, 300 * MS, NULL), MSIM_OK);
    assert_string_equal(due(bench), "wait");
    assert_int_equal(msim_replay_player_step(&bench->player, 1), MSIM_OK);
    assert_string_equal(due(bench), "90 91 92 | wait");
    bench->clock = 2000 * MS;
    msim_replay_player_resume(&bench->player, bench->clock);
    due(bench);
    assert_int_equal(bench->player.wake, 2010 * MS);
}

/* ---- round and round ---- */

static void a_loop_begins_anew_and_its_first_trade_is_due_at_once(void **state)
{
    struct bench *bench = *state;
    struct msim_replay_player_params params = params_of(bench);

    params.loop = true;
    params.selection = (struct msim_replay_selection){.has_from = true, .from = 980 * MS};
    start(bench, &params);
    assert_string_equal(due(bench), "294 295 296 | wait");
    for (int round = 0; round < 3; round++) {
        bench->clock += 10 * MS;
        assert_string_equal(due(bench), "297 298 299 | again");
        assert_string_equal(due(bench), "294 295 296 | wait");
        assert_int_equal(bench->player.wake, bench->clock + 10 * MS);
    }
}

static void a_loop_over_nothing_ends(void **state)
{
    struct bench *bench = *state;
    struct msim_replay_player_params params = params_of(bench);

    params.loop = true;
    params.selection = (struct msim_replay_selection){.has_from = true, .from = 991 * MS};
    start(bench, &params);
    assert_string_equal(due(bench), "end");
}

static void a_loop_that_was_sent_behind_its_last_trade_begins_anew(void **state)
{
    struct bench *bench = *state;
    struct msim_replay_player_params params = params_of(bench);

    params.loop = true;
    start(bench, &params);
    due(bench);
    assert_int_equal(msim_replay_player_seek(&bench->player, 5000 * MS, NULL), MSIM_OK);
    assert_string_equal(due(bench), "again");
    assert_string_equal(due(bench), "0 1 2 | wait");
}

static void a_loop_whose_source_has_gone_fails(void **state)
{
    struct bench *bench = *state;
    struct msim_replay_player_params params = params_of(bench);

    params.loop = true;
    params.selection = (struct msim_replay_selection){.has_from = true, .from = 990 * MS};
    start(bench, &params);
    bench->refuses = true;
    assert_string_equal(due(bench), "297 298 299 | failure");
    assert_string_equal(bench->detail.text, "the file has gone");
}

/* ---- against a plain model ---- */

/* Whatever is asked, the trades between two jumps are those of the history, each once, in order. */
static void any_commands_leave_runs_of_the_history(void **state)
{
    struct bench *bench = *state;
    const struct msim_record *record;
    int64_t expected = 0;
    uint32_t dice = 12345;

    start_paced(bench);
    for (int i = 0; i < 20000; i++) {
        dice = dice * 1664525 + 1013904223;
        bench->clock += dice >> 16 & 0xFFFFFF;
        int r = msim_replay_player_next(&bench->player, bench->clock, &record, NULL);
        if (r == MSIM_PLAY_TRADE) {
            assert_int_equal(record->as.trade.price, expected);
            expected++;
        }
        if (bench->player.in_bundle)
            continue;
        msim_time to = (msim_time)(dice >> 8 & 1023) * MS;
        switch (r == MSIM_PLAY_END ? 0 : dice >> 4 & 31) {
        case 0:
            assert_int_equal(msim_replay_player_seek(&bench->player, to, NULL), MSIM_OK);
            expected = (to + 10 * MS - 1) / (10 * MS) * PER_BUNDLE;
            break;
        case 1:
            msim_replay_player_pause(&bench->player, bench->clock);
            break;
        case 2:
            msim_replay_player_resume(&bench->player, bench->clock);
            break;
        case 3:
            msim_replay_player_step(&bench->player, 1 + (dice & 3));
            break;
        case 4:
            msim_replay_player_set_speed(&bench->player, bench->clock,
                                         (struct msim_speed){1 + (dice & 7), dice & 1});
            break;
        default:
            break;
        }
    }
}

/* ---- failures ---- */

static int attempt(const struct msim_allocator *allocator, struct bench *bench)
{
    static const char *const tickers[] = {"BTC-*"};
    struct msim_replay_player_params params = params_of(bench);
    const struct msim_record *record;

    params.allocator = allocator;
    params.tickers = tickers;
    params.ticker_count = COUNT(tickers);
    int r = msim_replay_player_init(&bench->player, &params, NULL);
    if (r >= 0)
        r = msim_replay_player_next(&bench->player, bench->clock, &record, NULL);
    msim_replay_player_finish(&bench->player);
    return r < 0 ? r : MSIM_OK;
}

static void every_allocation_may_fail(void **state)
{
    FAIL_EACH_ALLOCATION(attempt, *state);
}

static void params_that_are_wrong_are_refused_with_words(void **state)
{
    struct bench *bench = *state;
    struct msim_replay_player_params params = params_of(bench);

    params.speed = (struct msim_speed){-1, 1};
    assert_int_equal(msim_replay_player_init(&bench->player, &params, &bench->detail),
                     MSIM_ERR_INVALID);
    assert_true(bench->detail.text[0] != '\0');
    bench->refuses = true;
    params.speed = (struct msim_speed){1, 1};
    assert_int_equal(msim_replay_player_init(&bench->player, &params, &bench->detail), MSIM_ERR_IO);
    assert_string_equal(bench->detail.text, "the file has gone");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(each_bundle_is_due_at_its_distance_from_the_first),
        TEST(at_full_speed_everything_is_due_to_the_end),
        TEST(a_gap_is_shortened_also_behind_a_seek),
        TEST(the_first_trade_that_is_wanted_is_due_at_once),
        TEST(trades_without_a_ticker_are_not_wanted_where_some_are_chosen),
        TEST(a_pause_stands_still_and_a_resume_goes_on_where_it_stood),
        TEST(a_pause_before_the_first_trade_keeps_it),
        TEST(steps_give_bundles_while_it_is_paused_and_the_pace_goes_on_from_the_last),
        TEST(steps_that_are_left_over_are_forgotten_by_a_resume_and_a_seek),
        TEST(a_new_speed_holds_for_what_is_left_of_the_wait),
        TEST(a_seek_goes_back_and_forth_and_its_first_trade_is_due_at_once),
        TEST(a_seek_stays_within_its_window),
        TEST(a_seek_that_fails_changes_nothing),
        TEST(a_seek_while_paused_stays_paused),
        TEST(a_loop_begins_anew_and_its_first_trade_is_due_at_once),
        TEST(a_loop_over_nothing_ends),
        TEST(a_loop_that_was_sent_behind_its_last_trade_begins_anew),
        TEST(a_loop_whose_source_has_gone_fails),
        TEST(any_commands_leave_runs_of_the_history),
        TEST(every_allocation_may_fail),
        TEST(params_that_are_wrong_are_refused_with_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
