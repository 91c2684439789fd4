#include "check.h"

#include <string.h>

#include "base/bytes.h"
#include "base/random.h"
#include "oom/failing.h"

static void bytes_leave_in_the_order_in_which_they_came(void **state)
{
    struct msim_bytes bytes;

    (void)state;
    msim_bytes_init(&bytes, 100, NULL);
    assert_int_equal(msim_bytes_length(&bytes), 0);
    assert_int_equal(msim_bytes_append(&bytes, "hello ", 6), MSIM_OK);
    assert_int_equal(msim_bytes_append(&bytes, "world", 5), MSIM_OK);
    assert_int_equal(msim_bytes_length(&bytes), 11);
    assert_memory_equal(msim_bytes_front(&bytes), "hello world", 11);
    msim_bytes_take(&bytes, 6);
    assert_memory_equal(msim_bytes_front(&bytes), "world", 5);
    msim_bytes_drop(&bytes, 2);
    assert_int_equal(msim_bytes_length(&bytes), 3);
    assert_memory_equal(msim_bytes_front(&bytes), "wor", 3);
    msim_bytes_take(&bytes, 3);
    assert_int_equal(msim_bytes_length(&bytes), 0);
    msim_bytes_finish(&bytes);
    msim_bytes_finish(&bytes);
}

static void an_empty_buffer_takes_every_call(void **state)
{
    struct msim_bytes bytes;
    unsigned char *room = NULL;

    (void)state;
    msim_bytes_init(&bytes, 10, NULL);
    assert_int_equal(msim_bytes_append(&bytes, NULL, 0), MSIM_OK);
    assert_non_null(msim_bytes_front(&bytes));
    assert_int_equal(msim_bytes_reserve(&bytes, 0, &room), MSIM_OK);
    msim_bytes_commit(&bytes, 0);
    msim_bytes_take(&bytes, 0);
    msim_bytes_drop(&bytes, 0);
    msim_bytes_shrink(&bytes, 0);
    assert_int_equal(msim_bytes_length(&bytes), 0);
    msim_bytes_finish(&bytes);
}

static void the_limit_bounds_what_waits_not_what_has_passed(void **state)
{
    struct msim_bytes bytes;

    (void)state;
    msim_bytes_init(&bytes, 10, NULL);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(msim_bytes_append(&bytes, "0123456789", 10), MSIM_OK);
        assert_int_equal(msim_bytes_append(&bytes, "x", 1), MSIM_ERR_LIMIT);
        assert_int_equal(msim_bytes_length(&bytes), 10);
        assert_memory_equal(msim_bytes_front(&bytes), "0123456789", 10);
        msim_bytes_take(&bytes, 7);
        assert_int_equal(msim_bytes_append(&bytes, "abcdefg", 7), MSIM_OK);
        assert_int_equal(msim_bytes_append(&bytes, "x", SIZE_MAX), MSIM_ERR_LIMIT);
        assert_memory_equal(msim_bytes_front(&bytes), "789abcdefg", 10);
        msim_bytes_take(&bytes, 10);
    }
    msim_bytes_finish(&bytes);
}

static void without_memory_nothing_changes(void **state)
{
    struct failing failing = {.fail_at = 1};
    struct msim_allocator allocator = failing_allocator(&failing);
    struct msim_bytes bytes;

    (void)state;
    msim_bytes_init(&bytes, 1000, &allocator);
    assert_int_equal(failing.calls, 0);
    assert_int_equal(msim_bytes_append(&bytes, "01234567", 8), MSIM_OK);
    msim_bytes_take(&bytes, 3);
    assert_int_equal(msim_bytes_append(&bytes, "abcdefgh", 8), MSIM_ERR_NOMEM);
    assert_int_equal(msim_bytes_length(&bytes), 5);
    assert_memory_equal(msim_bytes_front(&bytes), "34567", 5);
    /* The gap in front is room that needs no memory. */
    assert_int_equal(msim_bytes_append(&bytes, "xyz", 3), MSIM_OK);
    assert_memory_equal(msim_bytes_front(&bytes), "34567xyz", 8);
    msim_bytes_finish(&bytes);
    assert_int_equal(failing.blocks, 0);
    assert_int_equal(failing.bytes, 0);
}

static void shrinking_gives_back_what_an_empty_buffer_holds(void **state)
{
    struct failing failing = {.fail_at = SIZE_MAX};
    struct msim_allocator allocator = failing_allocator(&failing);
    struct msim_bytes bytes;
    unsigned char *room;

    (void)state;
    msim_bytes_init(&bytes, 100000, &allocator);
    assert_int_equal(msim_bytes_reserve(&bytes, 50000, &room), MSIM_OK);
    memset(room, 'x', 50000);
    msim_bytes_commit(&bytes, 50000);
    msim_bytes_shrink(&bytes, 100);
    assert_true(failing.bytes >= 50000);
    msim_bytes_take(&bytes, 50000);
    msim_bytes_shrink(&bytes, 100000);
    assert_true(failing.bytes >= 50000);
    msim_bytes_shrink(&bytes, 100);
    assert_int_equal(failing.bytes, 0);
    assert_int_equal(msim_bytes_append(&bytes, "x", 1), MSIM_OK);
    assert_int_equal(msim_bytes_length(&bytes), 1);
    msim_bytes_finish(&bytes);
}

/* Against the plainest buffer there is: one long array of all that ever came. */
static void it_agrees_with_a_plain_model_on_random_traffic(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 40; seed++) {
        static unsigned char all[200000];
        size_t front = 0;
        size_t end = 0;
        size_t limit = 16 + (size_t)(msim_mix64(seed) % 500);
        struct msim_bytes bytes;

        msim_bytes_init(&bytes, limit, NULL);
        for (uint64_t step = 0; end + 1000 < sizeof all && step < 3000; step++) {
            uint64_t dice = msim_mix64(seed << 32 | step);
            size_t amount = (size_t)(dice >> 8) % 80;
            if (dice % 8 < 4) {
                for (size_t i = 0; i < amount; i++)
                    all[end + i] = (unsigned char)(dice >> (i % 56));
                bool fits = end - front + amount <= limit;
                assert_int_equal(msim_bytes_append(&bytes, all + end, amount),
                                 fits ? MSIM_OK : MSIM_ERR_LIMIT);
                end += fits ? amount : 0;
            } else if (dice % 8 < 7) {
                amount = amount < end - front ? amount : end - front;
                msim_bytes_take(&bytes, amount);
                front += amount;
            } else {
                amount = amount / 8 < end - front ? amount / 8 : end - front;
                msim_bytes_drop(&bytes, amount);
                end -= amount;
                msim_bytes_shrink(&bytes, 64);
            }
            assert_int_equal(msim_bytes_length(&bytes), end - front);
            if (end > front)
                assert_memory_equal(msim_bytes_front(&bytes), all + front, end - front);
            assert_true(bytes.capacity <= limit);
        }
        msim_bytes_finish(&bytes);
    }
}

/*
 * A buffer that is nearly full while bytes pass through it: the gap may be closed only when
 * it has grown, so that each byte is moved a bounded number of times.
 */
static void a_nearly_full_buffer_does_not_move_all_of_it_for_every_byte(void **state)
{
    struct msim_bytes bytes;
    size_t moves = 0;

    (void)state;
    msim_bytes_init(&bytes, 1 << 20, NULL);
    unsigned char *room;
    assert_int_equal(msim_bytes_reserve(&bytes, 1000, &room), MSIM_OK);
    memset(room, 'x', 1000);
    msim_bytes_commit(&bytes, 1000);
    for (int i = 0; i < 100000; i++) {
        size_t start = bytes.start;
        msim_bytes_take(&bytes, 1);
        assert_int_equal(msim_bytes_append(&bytes, "y", 1), MSIM_OK);
        moves += bytes.start < start;
    }
    assert_true(bytes.capacity <= 8192);
    assert_true(moves <= 200);
    msim_bytes_finish(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_leave_in_the_order_in_which_they_came),
        cmocka_unit_test(an_empty_buffer_takes_every_call),
        cmocka_unit_test(the_limit_bounds_what_waits_not_what_has_passed),
        cmocka_unit_test(without_memory_nothing_changes),
        cmocka_unit_test(shrinking_gives_back_what_an_empty_buffer_holds),
        cmocka_unit_test(it_agrees_with_a_plain_model_on_random_traffic),
        cmocka_unit_test(a_nearly_full_buffer_does_not_move_all_of_it_for_every_byte),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
