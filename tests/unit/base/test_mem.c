#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "oom/failing.h"

static void no_allocator_stands_for_malloc(void **state)
{
    const struct msim_allocator empty = {0};
    const struct msim_allocator *const chosen[] = {NULL, &empty};

    (void)state;
    for (size_t i = 0; i < COUNT(chosen); i++) {
        struct msim_allocator allocator = msim_mem_allocator(chosen[i]);
        char *block = msim_mem_take(&allocator, 10);
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % _Alignof(max_align_t), 0);
        memcpy(block, "123456789", 10);
        block = msim_mem_resize(&allocator, block, 10, 100000);
        assert_non_null(block);
        assert_string_equal(block, "123456789");
        block = msim_mem_resize(&allocator, block, 100000, 5);
        assert_memory_equal(block, "12345", 5);
        msim_mem_free(&allocator, block, 5);
        msim_mem_free(&allocator, NULL, 5);
    }
}

static void the_callers_allocator_gets_every_size(void **state)
{
    struct failing failing = {.fail_at = SIZE_MAX};
    const struct msim_allocator given = failing_allocator(&failing);
    struct msim_allocator allocator = msim_mem_allocator(&given);

    (void)state;
    unsigned char *block = msim_mem_zero_array(&allocator, 3, 7);
    assert_non_null(block);
    assert_int_equal(failing.bytes, 21);
    for (size_t i = 0; i < 21; i++)
        assert_int_equal(block[i], 0);
    char *text = msim_mem_text(&allocator, "abcdef", 3);
    assert_string_equal(text, "abc");
    assert_int_equal(failing.bytes, 25);
    char *none = msim_mem_text(&allocator, NULL, 0);
    assert_string_equal(none, "");
    msim_mem_free(&allocator, none, 1);
    msim_mem_free(&allocator, text, 4);
    msim_mem_free(&allocator, block, 21);
    assert_int_equal(failing.blocks, 0);
    assert_int_equal(failing.bytes, 0);
}

static void a_product_that_wraps_gives_no_memory(void **state)
{
    struct failing failing = {.fail_at = SIZE_MAX};
    struct msim_allocator allocator = failing_allocator(&failing);

    (void)state;
    assert_null(msim_mem_take_array(&allocator, SIZE_MAX / 2 + 2, 2));
    assert_null(msim_mem_zero_array(&allocator, SIZE_MAX, SIZE_MAX));
    assert_null(msim_mem_text(&allocator, "", SIZE_MAX));
    assert_int_equal(failing.calls, 0);
}

static void an_array_grows_by_doubling_up_to_its_limit(void **state)
{
    struct failing failing = {.fail_at = SIZE_MAX};
    struct msim_allocator allocator = failing_allocator(&failing);
    void *items = NULL;
    size_t capacity = 0;
    static const struct {
        size_t wanted;
        int result;
        size_t capacity;
    } steps[] = {
        {0, MSIM_OK, 0},    {1, MSIM_OK, 8},    {8, MSIM_OK, 8},     {9, MSIM_OK, 16},
        {40, MSIM_OK, 64},  {65, MSIM_OK, 100}, {100, MSIM_OK, 100}, {101, MSIM_ERR_LIMIT, 100},
        {50, MSIM_OK, 100},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(steps); i++) {
        void *before = items;
        assert_int_equal(msim_mem_grow(&allocator, &items, &capacity, 4, steps[i].wanted, 100),
                         steps[i].result);
        assert_int_equal(capacity, steps[i].capacity);
        assert_int_equal(failing.bytes, 4 * capacity);
        if (steps[i].result < 0)
            assert_ptr_equal(items, before);
    }
    msim_mem_free(&allocator, items, 4 * capacity);
}

static void a_growth_that_fails_changes_nothing(void **state)
{
    struct failing failing = {.fail_at = 1};
    struct msim_allocator allocator = failing_allocator(&failing);
    void *items = NULL;
    size_t capacity = 0;

    (void)state;
    assert_int_equal(msim_mem_grow(&allocator, &items, &capacity, 1, 3, 5), MSIM_OK);
    assert_int_equal(capacity, 5);
    memcpy(items, "abcde", 5);
    void *before = items;
    assert_int_equal(msim_mem_grow(&allocator, &items, &capacity, 1, 6, 500), MSIM_ERR_NOMEM);
    assert_ptr_equal(items, before);
    assert_int_equal(capacity, 5);
    assert_memory_equal(items, "abcde", 5);
    assert_int_equal(msim_mem_grow(&allocator, &items, &capacity, SIZE_MAX / 4, 1000, SIZE_MAX),
                     MSIM_ERR_NOMEM);
    assert_int_equal(capacity, 5);
    msim_mem_free(&allocator, items, 5);
}

static void every_result_has_a_name_and_words(void **state)
{
    (void)state;
    assert_string_equal(msim_result_name(MSIM_OK), "MSIM_OK");
    assert_string_equal(msim_result_name(7), "MSIM_OK");
    assert_string_equal(msim_result_name(MSIM_ERR_NOMEM), "MSIM_ERR_NOMEM");
    assert_string_equal(msim_result_text(MSIM_ERR_NOMEM), "out of memory");
    assert_string_equal(msim_result_name(-1000), "MSIM_ERR_UNKNOWN");
    assert_string_equal(msim_result_name(INT32_MIN), "MSIM_ERR_UNKNOWN");
    for (int r = MSIM_ERR_FUNDS; r < 0; r++) {
        assert_memory_equal(msim_result_name(r), "MSIM_ERR_", 9);
        assert_string_not_equal(msim_result_name(r), "MSIM_ERR_UNKNOWN");
        for (int other = r + 1; other < 0; other++) {
            assert_string_not_equal(msim_result_name(r), msim_result_name(other));
            assert_string_not_equal(msim_result_text(r), msim_result_text(other));
        }
    }
}

static void the_version_is_that_of_the_headers(void **state)
{
    char wanted[32];

    (void)state;
    snprintf(wanted, sizeof wanted, "%d.%d.%d", MSIM_VERSION_MAJOR, MSIM_VERSION_MINOR,
             MSIM_VERSION_PATCH);
    assert_string_equal(msim_version(), wanted);
    assert_string_equal(MSIM_VERSION_TEXT, wanted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_allocator_stands_for_malloc),
        cmocka_unit_test(the_callers_allocator_gets_every_size),
        cmocka_unit_test(a_product_that_wraps_gives_no_memory),
        cmocka_unit_test(an_array_grows_by_doubling_up_to_its_limit),
        cmocka_unit_test(a_growth_that_fails_changes_nothing),
        cmocka_unit_test(every_result_has_a_name_and_words),
        cmocka_unit_test(the_version_is_that_of_the_headers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
