#include "check.h"

#include "base/due.h"
#include "base/random.h"

static void items_leave_in_the_order_of_their_moments(void **state)
{
    struct msim_due due;

    (void)state;
    assert_int_equal(msim_due_init(&due, 0, 1000, NULL), MSIM_OK);
    for (uint64_t i = 0; i < 1000; i++)
        assert_int_equal(msim_due_push(&due, (msim_time)(msim_mix64(i) % 50), i), MSIM_OK);

    struct msim_due_item last = msim_due_pop(&due);
    while (due.count > 0) {
        assert_int_equal(msim_due_next(&due), msim_due_peek(&due)->due);
        struct msim_due_item item = msim_due_pop(&due);
        assert_true(item.due > last.due || (item.due == last.due && item.value > last.value));
        last = item;
    }
    assert_true(msim_due_next(&due) == MSIM_TIME_NEVER);
    msim_due_finish(&due);
}

static void a_full_list_refuses_and_stays_as_it_was(void **state)
{
    struct msim_due due;

    (void)state;
    assert_int_equal(msim_due_init(&due, 2, 2, NULL), MSIM_OK);
    assert_int_equal(msim_due_push(&due, 7, 1), MSIM_OK);
    assert_int_equal(msim_due_push(&due, 5, 2), MSIM_OK);
    assert_int_equal(msim_due_push(&due, 1, 3), MSIM_ERR_LIMIT);
    assert_int_equal(msim_due_pop(&due).value, 2);
    assert_int_equal(msim_due_pop(&due).value, 1);
    assert_null(msim_due_peek(&due));
    msim_due_finish(&due);
}

static void replacing_the_first_item_is_a_pop_and_a_push(void **state)
{
    struct msim_due due;

    (void)state;
    assert_int_equal(msim_due_init(&due, 4, 4, NULL), MSIM_OK);
    for (uint64_t i = 0; i < 4; i++)
        assert_int_equal(msim_due_push_ranked(&due, (msim_time)(10 * i), i, i), MSIM_OK);
    msim_due_replace(&due, 20, 1, 9);
    assert_int_equal(msim_due_pop(&due).value, 1);
    assert_int_equal(msim_due_pop(&due).value, 9);
    assert_int_equal(msim_due_pop(&due).value, 2);
    assert_int_equal(msim_due_pop(&due).value, 3);
    msim_due_finish(&due);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_leave_in_the_order_of_their_moments),
        cmocka_unit_test(a_full_list_refuses_and_stays_as_it_was),
        cmocka_unit_test(replacing_the_first_item_is_a_pop_and_a_push),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
