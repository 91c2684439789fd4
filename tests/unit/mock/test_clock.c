#include "check.h"

#include <marketsim/mock.h>

#include "base/random.h"
#include "mock/clock.h"

#define S MSIM_NS_PER_S
#define HOUR (3600 * S)
#define DAY (24 * HOUR)
#define MONDAY (INT64_C(19723) * DAY) /* 2024-01-01 */

static struct msim_mock_clock clock_of(bool calendar, double season, msim_time start)
{
    struct msim_mock_params params = MSIM_MOCK_PARAMS_INIT;
    struct msim_mock_clock clock;

    params.start = start;
    params.season = season;
    params.calendar.enabled = calendar;
    assert_int_equal(msim_mock_clock_init(&clock, &params, NULL), MSIM_OK);
    return clock;
}

static int64_t business(const struct msim_mock_clock *clock, msim_time time)
{
    return msim_mock_clock_business(clock, time).business;
}

static void business_time_stands_still_while_closed(void **state)
{
    struct msim_mock_clock clock = clock_of(true, 0, MONDAY);
    const msim_time open = 14 * HOUR + HOUR / 2;

    (void)state;
    assert_int_equal(business(&clock, MONDAY), 0);
    assert_int_equal(business(&clock, MONDAY + open), 0);
    assert_int_equal(business(&clock, MONDAY + open + HOUR), HOUR);
    assert_int_equal(business(&clock, MONDAY + 21 * HOUR), 13 * HOUR / 2);
    assert_int_equal(business(&clock, MONDAY + DAY), 13 * HOUR / 2);
    assert_int_equal(business(&clock, MONDAY + DAY + open + 1), 13 * HOUR / 2 + 1);
    /* Friday's close, all of the weekend, and Monday's open. */
    assert_int_equal(business(&clock, MONDAY + 4 * DAY + 22 * HOUR), 5 * 13 * HOUR / 2);
    assert_int_equal(business(&clock, MONDAY + 6 * DAY + 16 * HOUR), 5 * 13 * HOUR / 2);
    assert_int_equal(business(&clock, MONDAY + 7 * DAY + open), 5 * 13 * HOUR / 2);
}

static void sessions_are_counted(void **state)
{
    struct msim_mock_clock clock = clock_of(true, 0, MONDAY);
    int64_t first = msim_mock_clock_business(&clock, MONDAY + 15 * HOUR).session;

    (void)state;
    assert_int_equal(msim_mock_clock_business(&clock, MONDAY + 3 * DAY + 15 * HOUR).session,
                     first + 3);
    assert_int_equal(msim_mock_clock_business(&clock, MONDAY + 14 * DAY + 15 * HOUR).session,
                     first + 10);
    assert_int_equal(msim_mock_clock_business(&clock, MONDAY).session, first - 1);
}

static void the_next_open_is_found(void **state)
{
    struct msim_mock_clock clock = clock_of(true, 0, MONDAY);
    const msim_time open = 14 * HOUR + HOUR / 2;

    (void)state;
    assert_int_equal(msim_mock_clock_next_open(&clock, MONDAY), MONDAY + open);
    assert_int_equal(msim_mock_clock_next_open(&clock, MONDAY + open), MONDAY + open);
    assert_int_equal(msim_mock_clock_next_open(&clock, MONDAY + 16 * HOUR), MONDAY + 16 * HOUR);
    assert_int_equal(msim_mock_clock_next_open(&clock, MONDAY + 21 * HOUR), MONDAY + DAY + open);
    assert_int_equal(msim_mock_clock_next_open(&clock, MONDAY + 4 * DAY + 21 * HOUR),
                     MONDAY + 7 * DAY + open);
    assert_int_equal(msim_mock_clock_next_open(&clock, MONDAY - DAY), MONDAY + open);
}

/* Before 1970 and far behind it, with and without a season. */
static void both_directions_agree(void **state)
{
    static const msim_time starts[] = {MONDAY, -MONDAY, 0, -1, INT64_C(9000000000000000000) - 1};

    (void)state;
    for (size_t i = 0; i < COUNT(starts); i++) {
        for (int kind = 0; kind < 4; kind++) {
            struct msim_mock_clock clock = clock_of(kind & 1, kind & 2 ? 4 : 0, starts[i]);
            int64_t before = -9;
            for (int64_t step = 0; step < 2000; step++) {
                int64_t at = step * 7919 * S / 13;
                msim_time time = msim_mock_clock_time(&clock, at);
                assert_int_equal(msim_mock_clock_next_open(&clock, time), time);
                int64_t back = business(&clock, time);
                /* A season is computed in doubles: a few nanoseconds of a day. */
                assert_true(back - at <= 8 && at - back <= 8);
                assert_true(back > before);
                before = back;
            }
        }
    }
}

static void a_season_is_busy_at_both_ends(void **state)
{
    struct msim_mock_clock clock = clock_of(false, 3, MONDAY);
    int64_t early = business(&clock, MONDAY + HOUR);
    int64_t noon = business(&clock, MONDAY + 12 * HOUR + HOUR / 2) -
                   business(&clock, MONDAY + 11 * HOUR + HOUR / 2);
    int64_t late = business(&clock, MONDAY + DAY) - business(&clock, MONDAY + 23 * HOUR);

    (void)state;
    assert_true(early > 5 * noon / 2 && early < 3 * noon);
    assert_true(early - late < 100 && late - early < 100);
    assert_int_equal(business(&clock, MONDAY + DAY), DAY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(business_time_stands_still_while_closed),
        cmocka_unit_test(sessions_are_counted),
        cmocka_unit_test(the_next_open_is_found),
        cmocka_unit_test(both_directions_agree),
        cmocka_unit_test(a_season_is_busy_at_both_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
