#include "check.h"

#include <stdio.h>
#include <string.h>

#include "base/calendar.h"
#include "base/random.h"

#define NS_PER_DAY (86400 * MSIM_NS_PER_S)

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Counts days one by one, as a wall calendar does. */
static void next_day(struct msim_calendar_date *date)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int last = days[date->month - 1] + (date->month == 2 && is_leap(date->year));

    if (date->day < last) {
        date->day++;
        return;
    }
    date->day = 1;
    if (date->month < 12) {
        date->month++;
        return;
    }
    date->month = 1;
    date->year++;
}

static void every_day_that_nanoseconds_reach_is_the_wall_calendars(void **state)
{
    struct msim_calendar_date date = {1600, 1, 1};
    int64_t count = 0;

    (void)state;
    for (struct msim_calendar_date d = date; d.year < 1970; next_day(&d))
        count--;
    for (int64_t days = count; date.year < 2401; days++, next_day(&date)) {
        struct msim_calendar_date got = msim_calendar_from_days(days);
        assert_int_equal(got.year, date.year);
        assert_int_equal(got.month, date.month);
        assert_int_equal(got.day, date.day);
        assert_true(msim_calendar_to_days(date) == days);
    }
}

static void assert_print(msim_time time, const char *plain, const char *iso)
{
    char out[MSIM_CALENDAR_SIZE];

    assert_int_equal(msim_calendar_print(time, MSIM_CALENDAR_PLAIN, out), strlen(plain));
    assert_string_equal(out, plain);
    assert_int_equal(msim_calendar_print(time, MSIM_CALENDAR_ISO, out), strlen(iso));
    assert_string_equal(out, iso);
}

static void moments_are_printed_as_python_prints_them(void **state)
{
    (void)state;
    assert_print(0, "1970-01-01 00:00:00", "1970-01-01T00:00:00.000000Z");
    assert_print(INT64_C(1656633629338000000), "2022-07-01 00:00:29.338000",
                 "2022-07-01T00:00:29.338000Z");
    assert_print(1, "1970-01-01 00:00:00.000000001", "1970-01-01T00:00:00.000000001Z");
    assert_print(1000, "1970-01-01 00:00:00.000001", "1970-01-01T00:00:00.000001Z");
    assert_print(-1, "1969-12-31 23:59:59.999999999", "1969-12-31T23:59:59.999999999Z");
    assert_print(-MSIM_NS_PER_S, "1969-12-31 23:59:59", "1969-12-31T23:59:59.000000Z");
    assert_print(INT64_C(951782400) * MSIM_NS_PER_S, "2000-02-29 00:00:00",
                 "2000-02-29T00:00:00.000000Z");
    assert_print(INT64_MAX, "2262-04-11 23:47:16.854775807", "2262-04-11T23:47:16.854775807Z");
    assert_print(INT64_MIN, "1677-09-21 00:12:43.145224192", "1677-09-21T00:12:43.145224192Z");
}

static void assert_parse(const char *text, int result, msim_time time)
{
    msim_time got = 77;

    int r = msim_calendar_parse(text, strlen(text), &got);
    if (r != result || got != (result < 0 ? 77 : time))
        fail_msg("'%s' gave %d, %lld", text, r, (long long)got);
}

static void every_documented_form_is_read(void **state)
{
    const msim_time day = INT64_C(19174) * NS_PER_DAY;

    (void)state;
    assert_parse("2022-07-01", MSIM_OK, day);
    assert_parse("2022-07-01T10:20", MSIM_OK, day + 37200 * MSIM_NS_PER_S);
    assert_parse("2022-07-01 10:20", MSIM_OK, day + 37200 * MSIM_NS_PER_S);
    assert_parse("2022-07-01 10:20:30", MSIM_OK, day + 37230 * MSIM_NS_PER_S);
    assert_parse("2022-07-01T10:20Z", MSIM_OK, day + 37200 * MSIM_NS_PER_S);
    assert_parse("2022-07-01T10:20:30Z", MSIM_OK, day + 37230 * MSIM_NS_PER_S);
    assert_parse("2022-07-01T10:20:30.5", MSIM_OK, day + 37230 * MSIM_NS_PER_S + MSIM_NS_PER_S / 2);
    assert_parse("2022-07-01T10:20:30.000000001Z", MSIM_OK, day + 37230 * MSIM_NS_PER_S + 1);
    assert_parse("2022-07-01T10:20:30.12+05:30", MSIM_OK,
                 day + (37230 - 19800) * MSIM_NS_PER_S + 120 * MSIM_NS_PER_MS);
    assert_parse("2022-07-01T10:20:30-0100", MSIM_OK, day + (37230 + 3600) * MSIM_NS_PER_S);
    assert_parse("2022-07-01T00:00+00:00", MSIM_OK, day);
    assert_parse("2022-07-01T00:00+23:59", MSIM_OK, day - (24 * 3600 - 60) * MSIM_NS_PER_S);
    assert_parse("2000-02-29", MSIM_OK, INT64_C(951782400) * MSIM_NS_PER_S);
    assert_parse("2262-04-11 23:47:16.854775807", MSIM_OK, INT64_MAX);
    assert_parse("1677-09-21 00:12:43.145224192", MSIM_OK, INT64_MIN);
    assert_parse("2262-04-12T01:47:16.854775807+02:00", MSIM_OK, INT64_MAX);
}

static void other_texts_are_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "2",
        "2022",
        "2022-07",
        "2022-07-",
        "2022-07-1",
        "2022-7-01",
        "22-07-01",
        "2022-07-01T",
        "2022-07-01 ",
        "2022-07-01T1",
        "2022-07-01T10",
        "2022-07-01T10:",
        "2022-07-01T10:2",
        "2022-07-01T10:20:",
        "2022-07-01T10:20:3",
        "2022-07-01T10:20:30.",
        "2022-07-01T10:20:30.1234567890",
        "2022-07-01T10:20:30,5",
        "2022-07-01T10:20.5",
        "2022-07-01T10:20:30ZZ",
        "2022-07-01T10:20:30z",
        "2022-07-01T10:20:30 Z",
        "2022-07-01t10:20:30",
        "2022-07-01Z",
        "2022-07-01T10:20:30+",
        "2022-07-01T10:20:30+1",
        "2022-07-01T10:20:30+01",
        "2022-07-01T10:20:30+01:",
        "2022-07-01T10:20:30+01:0",
        "2022-07-01T10:20:30+24:00",
        "2022-07-01T10:20:30+01:60",
        "2022-07-01T10:20:30+01:00Z",
        "2022-00-01",
        "2022-13-01",
        "2022-01-00",
        "2022-01-32",
        "2022-02-29",
        "1900-02-29",
        "2100-02-29",
        "2022-04-31",
        "2022-06-31",
        "2022-09-31",
        "2022-11-31",
        "2022-07-01T24:00",
        "2022-07-01T10:60",
        "2022-07-01T10:20:60",
        " 2022-07-01",
        "2022-07-01x",
        "+2022-07-01",
        "-2022-07-01",
        "2022/07/01",
        "2022_07_01",
        "20220701",
        "today",
        "1656633629",
        "2022-07-01T-1:00",
        "2022-07-01T+1:00",
        "0x22-07-01",
        "2022-07-01\n",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++)
        assert_parse(texts[i], MSIM_ERR_INVALID, 0);
}

static void a_moment_beyond_int64_is_an_overflow(void **state)
{
    (void)state;
    assert_parse("2262-04-11 23:47:16.854775808", MSIM_ERR_OVERFLOW, 0);
    assert_parse("1677-09-21 00:12:43.145224191", MSIM_ERR_OVERFLOW, 0);
    assert_parse("9999-12-31 23:59:59.999999999", MSIM_ERR_OVERFLOW, 0);
    assert_parse("0000-01-01", MSIM_ERR_OVERFLOW, 0);
    assert_parse("2262-04-11T23:47:16.854775807-00:01", MSIM_ERR_OVERFLOW, 0);
}

static void only_the_given_length_is_read(void **state)
{
    msim_time time = 77;

    (void)state;
    assert_int_equal(msim_calendar_parse("2022-07-01T10:20", 10, &time), MSIM_OK);
    assert_true(time == INT64_C(19174) * NS_PER_DAY);
}

static void what_is_printed_reads_back_the_same(void **state)
{
    (void)state;
    for (uint64_t n = 0; n < 200000; n++) {
        msim_time time = (msim_time)msim_mix64(n);
        if (n % 3 == 1)
            time = time / 1000 * 1000;
        else if (n % 3 == 2)
            time = time / MSIM_NS_PER_S * MSIM_NS_PER_S;
        for (int style = MSIM_CALENDAR_PLAIN; style <= MSIM_CALENDAR_ISO; style++) {
            char out[MSIM_CALENDAR_SIZE];
            msim_time back = 0;
            size_t length = msim_calendar_print(time, (enum msim_calendar_style)style, out);
            assert_int_equal(msim_calendar_parse(out, length, &back), MSIM_OK);
            assert_true(back == time);
        }
    }
}

static void assert_count(int64_t count, int64_t coarsest, int result, msim_time expected)
{
    msim_time time = 0;

    assert_int_equal(msim_calendar_from_count(count, coarsest, &time), result);
    if (result == MSIM_OK)
        assert_true(time == expected);
}

static void the_size_of_a_count_tells_its_unit(void **state)
{
    const msim_time moment = INT64_C(1656633629) * MSIM_NS_PER_S;

    (void)state;
    assert_count(moment, MSIM_NS_PER_S, MSIM_OK, moment);
    assert_count(moment / MSIM_NS_PER_US, MSIM_NS_PER_S, MSIM_OK, moment);
    assert_count(moment / MSIM_NS_PER_MS, MSIM_NS_PER_S, MSIM_OK, moment);
    assert_count(moment / MSIM_NS_PER_S, MSIM_NS_PER_S, MSIM_OK, moment);
    assert_count(moment / MSIM_NS_PER_MS, MSIM_NS_PER_MS, MSIM_OK, moment);
    assert_count(moment / MSIM_NS_PER_S, MSIM_NS_PER_MS, MSIM_ERR_INVALID, 0);
    assert_count(1, MSIM_NS_PER_S, MSIM_OK, MSIM_NS_PER_S);
    assert_count(0, MSIM_NS_PER_S, MSIM_ERR_INVALID, 0);
    assert_count(-moment, MSIM_NS_PER_S, MSIM_ERR_INVALID, 0);
    assert_count(INT64_C(99999999999999999), MSIM_NS_PER_S, MSIM_ERR_OVERFLOW, 0);
    assert_count(INT64_MAX, MSIM_NS_PER_S, MSIM_OK, INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_day_that_nanoseconds_reach_is_the_wall_calendars),
        cmocka_unit_test(moments_are_printed_as_python_prints_them),
        cmocka_unit_test(every_documented_form_is_read),
        cmocka_unit_test(other_texts_are_refused),
        cmocka_unit_test(a_moment_beyond_int64_is_an_overflow),
        cmocka_unit_test(only_the_given_length_is_read),
        cmocka_unit_test(what_is_printed_reads_back_the_same),
        cmocka_unit_test(the_size_of_a_count_tells_its_unit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
