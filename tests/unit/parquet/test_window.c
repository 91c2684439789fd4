#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "parquet/dataset.h"
#include "parquet/window.h"

#define RUNS 4
#define TURNS ((size_t)MSIM_WINDOW_ROWS / RUNS)
#define FIRST 1000

/* Runs that have all their trades at hand, and a window that they fill. */
struct bench {
    struct msim_parquet parquet;
    struct msim_due open;
    struct window window;
    struct run runs[RUNS];
    struct trade trades[RUNS][2 * TURNS];
};

static void begin(struct bench *bench, size_t run_count)
{
    for (uint32_t i = 0; i < run_count; i++) {
        struct run *run = &bench->runs[i];
        *run = (struct run){
            .rank = i, .stage = RUN_HELD, .count = 2 * TURNS, .trades = bench->trades[i]};
        assert_int_equal(msim_window_add(&bench->window, run, &bench->parquet.allocator), MSIM_OK);
        assert_int_equal(msim_due_push_ranked(&bench->open, run->trades->time, run->trades->row,
                                              (uint64_t)(uintptr_t)run),
                         MSIM_OK);
    }
}

static int setup(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);

    assert_non_null(bench);
    bench->parquet.allocator = msim_mem_allocator(NULL);
    bench->parquet.budget.limit = (size_t)1 << 30;
    bench->window.blocked = INT64_MIN;
    for (size_t i = 0; i < RUNS; i++)
        for (size_t k = 0; k < 2 * TURNS; k++)
            bench->trades[i][k] =
                (struct trade){.time = FIRST + (msim_time)k * 1000000000, .row = i * 2 * TURNS + k};
    assert_int_equal(msim_due_init(&bench->open, 0, RUNS, &bench->parquet.allocator), MSIM_OK);
    *state = bench;
    return 0;
}

static int teardown(void **state)
{
    struct bench *bench = *state;

    msim_window_finish(&bench->window, &bench->parquet);
    msim_due_finish(&bench->open);
    free(bench);
    return 0;
}

static void runs_that_trade_at_the_same_moments_fill_the_window_to_the_last_place(void **state)
{
    struct bench *bench = *state;

    begin(bench, RUNS);
    assert_true(msim_window_fill(&bench->window, &bench->parquet, &bench->open, INT64_MAX - 1));
    assert_int_equal(bench->window.count, MSIM_WINDOW_ROWS);
    for (size_t i = 0; i < MSIM_WINDOW_ROWS; i++)
        assert_int_equal(msim_window_trade(&bench->window, i)->row,
                         bench->trades[i % RUNS][i / RUNS].row);
    for (size_t i = 0; i < RUNS; i++)
        assert_int_equal(bench->runs[i].at, TURNS);
}

static void a_moment_that_has_more_trades_than_there_is_room_for_is_left_to_the_runs(void **state)
{
    struct bench *bench = *state;

    for (size_t i = 0; i < RUNS; i++)
        for (size_t k = 0; k < 2 * TURNS; k++)
            bench->trades[i][k].time = FIRST;
    begin(bench, RUNS);
    assert_false(msim_window_fill(&bench->window, &bench->parquet, &bench->open, INT64_MAX - 1));
    assert_int_equal(bench->window.count, 0);
    for (size_t i = 0; i < RUNS; i++)
        assert_int_equal(bench->runs[i].at, 0);
    assert_int_equal(bench->open.count, RUNS);
}

/* As where a file's bytes are no more what they were when its order was looked at. */
static void a_trade_before_the_first_one_is_never_written_outside_the_room(void **state)
{
    struct bench *bench = *state;

    for (size_t k = 10; k < 20; k++)
        bench->trades[1][k].time = FIRST - 1 - (msim_time)k;
    begin(bench, 2);
    assert_true(msim_window_fill(&bench->window, &bench->parquet, &bench->open,
                                 FIRST + INT64_C(15000000000)));
    assert_int_equal(bench->window.count, 16 + 10);
    assert_int_equal(bench->runs[0].at, 16);
    assert_int_equal(bench->runs[1].at, 10);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(runs_that_trade_at_the_same_moments_fill_the_window_to_the_last_place),
        CASE(a_moment_that_has_more_trades_than_there_is_room_for_is_left_to_the_runs),
        CASE(a_trade_before_the_first_one_is_never_written_outside_the_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
