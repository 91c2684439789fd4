/*
 * Signatures that were used.
 */
#include "check.h"

#include <string.h>

#include "base/mem.h"
#include "net/signatures.h"

static int use(struct msim_signatures *signatures, uint32_t number, msim_time now, msim_time until)
{
    uint8_t tag[MSIM_SIGNATURE_TAG] = {0};

    /* A few slots only, so that they share them. */
    tag[0] = (uint8_t)(number % 7);
    memcpy(tag + 8, &number, sizeof number);
    return msim_signatures_use(signatures, tag, now, until);
}

static void one_is_good_for_one_time_until_it_is_forgotten(void **state)
{
    const struct msim_allocator allocator = msim_mem_allocator(NULL);
    struct msim_signatures signatures;

    (void)state;
    msim_signatures_init(&signatures, 10000, &allocator);
    for (uint32_t i = 0; i < 3000; i++)
        assert_int_equal(use(&signatures, i, i, i + 1000), MSIM_OK);
    assert_int_equal(signatures.count, 1001);
    for (uint32_t i = 0; i < 3000; i++)
        assert_int_equal(use(&signatures, i, 2999, 4000), i < 1999 ? MSIM_OK : MSIM_ERR_EXISTS);
    msim_signatures_finish(&signatures);
}

static void no_more_are_remembered_than_may_be(void **state)
{
    const struct msim_allocator allocator = msim_mem_allocator(NULL);
    struct msim_signatures signatures;

    (void)state;
    msim_signatures_init(&signatures, 300, &allocator);
    for (uint32_t i = 0; i < 300; i++)
        assert_int_equal(use(&signatures, i, 0, 10), MSIM_OK);
    assert_int_equal(use(&signatures, 300, 10, 20), MSIM_ERR_LIMIT);
    assert_int_equal(use(&signatures, 5, 10, 20), MSIM_ERR_EXISTS);
    assert_int_equal(use(&signatures, 300, 11, 20), MSIM_OK);
    assert_int_equal(signatures.count, 1);
    msim_signatures_finish(&signatures);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_is_good_for_one_time_until_it_is_forgotten),
        cmocka_unit_test(no_more_are_remembered_than_may_be),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
