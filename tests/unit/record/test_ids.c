/*
 * Ids on the wire: a bijection in the shape of a UUID.
 */
#include <string.h>

#include <marketsim/record.h>

#include "check.h"

static void a_number_reads_back_from_its_id(void **state)
{
    const uint64_t numbers[] = {0,
                                1,
                                2,
                                1000,
                                UINT64_C(1) << 60,
                                UINT64_C(1) << 61,
                                UINT64_C(1) << 62,
                                UINT64_MAX - 1,
                                UINT64_MAX};
    (void)state;

    for (uint64_t seed = 1; seed < 50; seed++) {
        const uint64_t key = msim_id_key(seed, "order");
        for (size_t i = 0; i < COUNT(numbers); i++) {
            char text[MSIM_ID_SIZE];
            uint64_t back = 7;
            msim_id_print(key, numbers[i], text);
            assert_int_equal(strlen(text), 36);
            assert_int_equal(msim_id_parse(key, text, 36, &back), 0);
            assert_int_equal(back, numbers[i]);
        }
    }
}

static void ids_of_many_numbers_are_all_different(void **state)
{
    enum { MANY = 2000 };
    static char texts[MANY][MSIM_ID_SIZE];
    const uint64_t key = msim_id_key(1, "order");
    (void)state;

    for (uint64_t i = 0; i < MANY; i++) {
        msim_id_print(key, i, texts[i]);
        for (uint64_t k = 0; k < i; k++)
            assert_int_not_equal(memcmp(texts[i], texts[k], 36), 0);
    }
}

static void an_id_has_the_shape_of_version_four(void **state)
{
    char text[MSIM_ID_SIZE];
    (void)state;

    for (uint64_t i = 0; i < 1000; i++) {
        msim_id_print(msim_id_key(i, "x"), i, text);
        for (size_t k = 0; k < 36; k++) {
            if (k == 8 || k == 13 || k == 18 || k == 23)
                assert_int_equal(text[k], '-');
            else
                assert_non_null(strchr("0123456789abcdef", text[k]));
        }
        assert_int_equal(text[14], '4');
        assert_non_null(strchr("89ab", text[19]));
    }
}

static void the_ids_of_a_seed_never_change(void **state)
{
    char text[MSIM_ID_SIZE];
    (void)state;

    msim_id_print(msim_id_key(1, "order"), 1, text);
    assert_string_equal(text, "45ae8d16-4326-4a70-aeee-f32f2c9cdf8c");
}

static void another_key_does_not_know_the_id(void **state)
{
    char text[MSIM_ID_SIZE];
    uint64_t back;
    (void)state;

    for (uint64_t i = 0; i < 1000; i++) {
        msim_id_print(msim_id_key(1, "order"), i, text);
        assert_int_equal(msim_id_parse(msim_id_key(2, "order"), text, 36, &back),
                         MSIM_ERR_NOT_FOUND);
        assert_int_equal(msim_id_parse(msim_id_key(1, "trade"), text, 36, &back),
                         MSIM_ERR_NOT_FOUND);
    }
}

static void what_is_no_id_is_refused(void **state)
{
    const uint64_t key = msim_id_key(1, "order");
    char text[MSIM_ID_SIZE];
    uint64_t back;
    (void)state;

    msim_id_print(key, 5, text);
    assert_int_equal(msim_id_parse(key, text, 35, &back), MSIM_ERR_INVALID);
    for (size_t i = 0; i < 36; i++) {
        const char kept = text[i];
        text[i] = 'g';
        assert_int_equal(msim_id_parse(key, text, 36, &back), MSIM_ERR_INVALID);
        text[i] = kept;
    }
    text[14] = '1';
    assert_int_equal(msim_id_parse(key, text, 36, &back), MSIM_ERR_INVALID);
    msim_id_print(key, 5, text);
    for (size_t i = 0; i < 36; i++)
        if (text[i] >= 'a')
            text[i] = (char)(text[i] - 'a' + 'A');
    assert_int_equal(msim_id_parse(key, text, 36, &back), 0);
    assert_int_equal(back, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_reads_back_from_its_id),
        cmocka_unit_test(ids_of_many_numbers_are_all_different),
        cmocka_unit_test(an_id_has_the_shape_of_version_four),
        cmocka_unit_test(the_ids_of_a_seed_never_change),
        cmocka_unit_test(another_key_does_not_know_the_id),
        cmocka_unit_test(what_is_no_id_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
