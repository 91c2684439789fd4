#include "check.h"

#include <stdlib.h>

#include "base/random.h"
#include "net/wheel.h"

#define TICK MSIM_WHEEL_TICK_NS

struct item {
    struct msim_timer timer;
    msim_time due; /* MSIM_TIME_NEVER: not set */
};

static void timers_expire_never_early_and_at_most_a_tick_late(void **state)
{
    enum { ITEMS = 300, ROUNDS = 3000 };
    struct msim_wheel *wheel = malloc(sizeof *wheel);
    struct item *items = calloc(ITEMS, sizeof *items);
    msim_time now = 1234567;

    (void)state;
    assert_true(wheel && items);
    msim_wheel_init(wheel, now);
    for (size_t i = 0; i < ITEMS; i++)
        items[i].due = MSIM_TIME_NEVER;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        /* Set, move and cancel some; then let some time pass, now and then very much. */
        for (uint64_t k = 0; k < 5; k++) {
            uint64_t roll = msim_mix64(round * 8 + k);
            struct item *item = &items[roll % ITEMS];
            if (roll >> 60 == 0) {
                msim_wheel_cancel(wheel, &item->timer);
                item->due = MSIM_TIME_NEVER;
            } else {
                item->due = now + (msim_time)((roll >> 20) % (uint64_t)(20000 * TICK));
                msim_wheel_set(wheel, &item->timer, item->due);
            }
        }
        uint64_t roll = msim_mix64(~round);
        now += (msim_time)(roll % (uint64_t)(roll >> 58 == 0 ? 9000 * TICK : 3 * TICK));
        for (struct msim_timer *timer; (timer = msim_wheel_pop(wheel, now));) {
            struct item *item = (struct item *)timer;
            assert_true(item->due <= now);
            item->due = MSIM_TIME_NEVER;
        }
        msim_time next = msim_wheel_next(wheel);
        for (size_t i = 0; i < ITEMS; i++) {
            if (items[i].due == MSIM_TIME_NEVER)
                continue;
            assert_true(items[i].due > now - 2 * TICK);
            assert_true(next > now - TICK && next <= items[i].due + 2 * TICK);
        }
    }
    free(items);
    free(wheel);
}

static void a_timer_that_is_set_for_the_past_expires_once_for_each_tick(void **state)
{
    struct msim_wheel *wheel = malloc(sizeof *wheel);
    struct msim_timer timer = {0};
    int count = 0;

    (void)state;
    assert_non_null(wheel);
    msim_wheel_init(wheel, 0);
    msim_wheel_set(wheel, &timer, -5);
    while (msim_wheel_pop(wheel, 10 * TICK)) {
        count++;
        msim_wheel_set(wheel, &timer, 0);
    }
    assert_in_range(count, 1, 10);
    free(wheel);
}

static void a_neighbour_may_be_cancelled_while_its_slot_is_emptied(void **state)
{
    struct msim_wheel *wheel = malloc(sizeof *wheel);
    struct msim_timer timers[6] = {{0}};

    (void)state;
    assert_non_null(wheel);
    msim_wheel_init(wheel, 0);
    for (size_t i = 0; i < 6; i++)
        msim_wheel_set(wheel, &timers[i], i % 2 ? 3 * TICK : (3 + MSIM_WHEEL_SLOTS) * TICK);
    /* The latest set comes first: 5, then (4 stays) 3 ... */
    assert_ptr_equal(msim_wheel_pop(wheel, 5 * TICK), &timers[5]);
    assert_ptr_equal(msim_wheel_pop(wheel, 5 * TICK), &timers[3]);
    msim_wheel_cancel(wheel, &timers[2]);
    msim_wheel_cancel(wheel, &timers[4]);
    assert_ptr_equal(msim_wheel_pop(wheel, 5 * TICK), &timers[1]);
    assert_null(msim_wheel_pop(wheel, 5 * TICK));
    assert_int_equal(wheel->count, 1);
    assert_ptr_equal(msim_wheel_pop(wheel, (5 + MSIM_WHEEL_SLOTS) * TICK), &timers[0]);
    assert_true(msim_wheel_next(wheel) == MSIM_TIME_NEVER);
    free(wheel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_expire_never_early_and_at_most_a_tick_late),
        cmocka_unit_test(a_timer_that_is_set_for_the_past_expires_once_for_each_tick),
        cmocka_unit_test(a_neighbour_may_be_cancelled_while_its_slot_is_emptied),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
