/*
 * The latest of each key, against a naive list.
 */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/latest.h"

#define KEYS 200

static void from_any_number_on_comes_the_latest_of_each_key_in_order(void **state)
{
    const struct msim_allocator allocator = msim_mem_allocator(NULL);
    struct msim_latest latest;
    uint64_t numbers[KEYS] = {0};
    uint64_t random = 5;

    (void)state;
    msim_latest_init(&latest, KEYS, 1 << 20, &allocator);
    assert_null(msim_latest_from(&latest, 0));
    for (uint64_t number = 1; number < 3000; number++) {
        random = random * UINT64_C(6364136223846793005) + 1;
        size_t key = (size_t)(random >> 33) % KEYS;
        unsigned char frame[300];
        size_t size = 1 + (size_t)(random >> 45) % sizeof frame;
        memset(frame, (int)(number % 256), size);
        assert_int_equal(msim_latest_put(&latest, key << 32, number, frame, size), MSIM_OK);
        numbers[key] = number;

        uint64_t from = number - number % 7 * 20 % number;
        size_t expected = 0;
        for (size_t i = 0; i < KEYS; i++)
            expected += numbers[i] > 0 && numbers[i] >= from;
        uint64_t before = 0;
        size_t count = 0;
        for (const struct msim_latest_item *item = msim_latest_from(&latest, from); item;
             item = item->newer) {
            assert_true(item->number >= from && item->number > before);
            assert_int_equal(numbers[item->key >> 32], item->number);
            assert_int_equal(item->frame[0], item->number % 256);
            assert_int_equal(item->frame[item->size - 1], item->number % 256);
            before = item->number;
            count++;
        }
        assert_int_equal(count, expected);
    }
    msim_latest_finish(&latest);
}

static void keys_and_bytes_are_bounded_and_a_refusal_changes_nothing(void **state)
{
    const struct msim_allocator allocator = msim_mem_allocator(NULL);
    const unsigned char frame[10] = "frame";
    struct msim_latest latest;

    (void)state;
    msim_latest_init(&latest, 2, 15, &allocator);
    assert_int_equal(msim_latest_put(&latest, 1, 1, frame, 8), MSIM_OK);
    assert_int_equal(msim_latest_put(&latest, 2, 2, frame, 8), MSIM_ERR_LIMIT);
    assert_int_equal(msim_latest_put(&latest, 2, 2, frame, 5), MSIM_OK);
    assert_int_equal(msim_latest_put(&latest, 3, 3, frame, 1), MSIM_ERR_LIMIT);
    assert_int_equal(msim_latest_put(&latest, 1, 3, frame, 4), MSIM_OK);
    assert_int_equal(msim_latest_put(&latest, 1, 4, frame, 10), MSIM_OK);
    assert_int_equal(msim_latest_put(&latest, 1, 5, frame, 11), MSIM_ERR_LIMIT);
    assert_int_equal(msim_latest_from(&latest, 0)->number, 2);
    assert_int_equal(msim_latest_from(&latest, 3)->number, 4);
    assert_null(msim_latest_from(&latest, 5));
    assert_int_equal(latest.bytes, 15);
    msim_latest_finish(&latest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_any_number_on_comes_the_latest_of_each_key_in_order),
        cmocka_unit_test(keys_and_bytes_are_bounded_and_a_refusal_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
