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

/* Against an array that is searched from one end to the other. */
struct naive {
    struct msim_due_item items[64];
    size_t count;
};

static size_t naive_first(const struct naive *naive)
{
    size_t first = 0;

    for (size_t i = 1; i < naive->count; i++) {
        const struct msim_due_item *a = &naive->items[i];
        const struct msim_due_item *b = &naive->items[first];
        if (a->due < b->due || (a->due == b->due && a->arrival < b->arrival))
            first = i;
    }
    return first;
}

static void it_agrees_with_a_naive_list_on_random_traffic(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct naive naive = {.count = 0};
        struct msim_due due;
        uint64_t arrivals = 0;

        assert_int_equal(msim_due_init(&due, seed % 4, COUNT(naive.items), NULL), MSIM_OK);
        for (uint64_t step = 0; step < 2000; step++) {
            uint64_t dice = msim_mix64(seed << 32 | step);
            msim_time when = (msim_time)(dice >> 32) % (seed % 2 ? 4 : 1000);
            if (dice % 16 < 7) {
                bool full = naive.count == COUNT(naive.items);
                assert_int_equal(msim_due_push(&due, when, step), full ? MSIM_ERR_LIMIT : MSIM_OK);
                if (!full)
                    naive.items[naive.count++] = (struct msim_due_item){when, arrivals++, step};
            } else if (naive.count > 0 && dice % 16 < 13) {
                size_t first = naive_first(&naive);
                struct msim_due_item item = msim_due_pop(&due);
                assert_true(item.due == naive.items[first].due);
                assert_int_equal(item.arrival, naive.items[first].arrival);
                assert_int_equal(item.value, naive.items[first].value);
                naive.items[first] = naive.items[--naive.count];
            } else if (naive.count > 0) {
                /* Ranks above all arrivals, so that no two are the same. */
                struct msim_due_item item = {when, UINT64_C(1) << 40 | step, step};
                naive.items[naive_first(&naive)] = item;
                msim_due_replace(&due, item.due, item.arrival, item.value);
            }
            assert_int_equal(due.count, naive.count);
            if (naive.count == 0) {
                assert_null(msim_due_peek(&due));
                assert_true(msim_due_next(&due) == MSIM_TIME_NEVER);
            } else {
                assert_int_equal(msim_due_peek(&due)->value,
                                 naive.items[naive_first(&naive)].value);
                assert_true(msim_due_next(&due) == naive.items[naive_first(&naive)].due);
            }
        }
        msim_due_finish(&due);
    }
}

static void items_written_in_any_order_leave_in_that_of_their_moments(void **state)
{
    struct msim_due due;

    (void)state;
    for (uint64_t count = 1; count <= 70; count++) {
        assert_int_equal(msim_due_init(&due, 70, 70, NULL), MSIM_OK);
        for (uint64_t i = 0; i < count; i++)
            due.items[i] = (struct msim_due_item){
                .due = (msim_time)(i * 37 % count / 3), .arrival = count - i, .value = i};
        due.count = count;
        msim_due_settle(&due);
        struct msim_due_item last = {.due = INT64_MIN};
        for (uint64_t i = 0; i < count; i++) {
            struct msim_due_item item = msim_due_pop(&due);
            assert_true(item.due > last.due ||
                        (item.due == last.due && item.arrival > last.arrival));
            last = item;
        }
        assert_null(msim_due_peek(&due));
        msim_due_finish(&due);
    }
}

static void moments_at_both_ends_of_time_are_kept_in_order(void **state)
{
    static const msim_time times[] = {INT64_MAX, 0, INT64_MIN, -1, 1, INT64_MAX - 1};
    struct msim_due due;

    (void)state;
    assert_int_equal(msim_due_init(&due, 0, 10, NULL), MSIM_OK);
    for (size_t i = 0; i < COUNT(times); i++)
        assert_int_equal(msim_due_push(&due, times[i], i), MSIM_OK);
    static const uint64_t wanted[] = {2, 3, 1, 4, 5, 0};
    for (size_t i = 0; i < COUNT(wanted); i++)
        assert_int_equal(msim_due_pop(&due).value, wanted[i]);
    msim_due_finish(&due);
    msim_due_finish(&due);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_leave_in_the_order_of_their_moments),
        cmocka_unit_test(a_full_list_refuses_and_stays_as_it_was),
        cmocka_unit_test(replacing_the_first_item_is_a_pop_and_a_push),
        cmocka_unit_test(it_agrees_with_a_naive_list_on_random_traffic),
        cmocka_unit_test(items_written_in_any_order_leave_in_that_of_their_moments),
        cmocka_unit_test(moments_at_both_ends_of_time_are_kept_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
