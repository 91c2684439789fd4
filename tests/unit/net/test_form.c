/*
 * Queries and forms.
 */
#include "check.h"

#include <string.h>

#include <marketsim/base.h>
#include <marketsim/form.h>

static void a_value_is_found_by_its_key_and_decoded(void **state)
{
    static const struct {
        const char *query;
        const char *key;
        int result;
        const char *value;
    } cases[] = {
        {"a=1&b=2", "b", 1, "2"},
        {"a=1&b=2", "a", 1, "1"},
        {"&&a=1&&", "a", 1, "1"},
        {"a", "a", 0, ""},
        {"a=", "a", 0, ""},
        {"a=b=c", "a", 3, "b=c"},
        {"sym%62ol=BTC%2FUSD", "symbol", 7, "BTC/USD"},
        {"s=a+b%2B", "s", 4, "a b+"},
        {"a+b=1", "a b", 1, "1"},
        {"a=1&a=2", "a", 1, "1"},
        {"=x", "", 1, "x"},
        {"ab=1", "a", MSIM_ERR_NOT_FOUND, NULL},
        {"a=1", "ab", MSIM_ERR_NOT_FOUND, NULL},
        {"", "a", MSIM_ERR_NOT_FOUND, NULL},
        {"a=%4", "a", MSIM_ERR_FORMAT, NULL},
        {"a=%", "a", MSIM_ERR_FORMAT, NULL},
        {"a=%zz", "a", MSIM_ERR_FORMAT, NULL},
        {"a=%00", "a", MSIM_ERR_FORMAT, NULL},
        {"a=%ff", "a", MSIM_ERR_FORMAT, NULL},
        {"%4=1&a=1", "a", MSIM_ERR_FORMAT, NULL},
        {"a=%c3%a9", "a", 2, "\xc3\xa9"},
        {"a=12345678", "a", MSIM_ERR_LIMIT, NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char out[8] = "before";
        int r =
            msim_form_value(cases[i].query, strlen(cases[i].query), cases[i].key, out, sizeof out);
        if (r != cases[i].result)
            fail_msg("%s: %d", cases[i].query, r);
        if (r >= 0)
            assert_string_equal(out, cases[i].value);
    }
}

static void pairs_come_one_after_another_as_they_are_written(void **state)
{
    const char *text = "a=%41&&b&=c";
    size_t length = strlen(text);
    struct msim_form_pair pair;

    (void)state;
    assert_true(msim_form_next(&text, &length, &pair));
    assert_int_equal(pair.key_length, 1);
    assert_memory_equal(pair.value, "%41", pair.value_length);
    assert_true(msim_form_next(&text, &length, &pair));
    assert_memory_equal(pair.key, "b", pair.key_length);
    assert_int_equal(pair.value_length, 0);
    assert_true(msim_form_next(&text, &length, &pair));
    assert_int_equal(pair.key_length, 0);
    assert_memory_equal(pair.value, "c", pair.value_length);
    assert_false(msim_form_next(&text, &length, &pair));
    assert_int_equal(length, 0);
}

static void nonsense_is_refused(void **state)
{
    char out[4];
    const char *text = NULL;
    size_t length = 0;
    struct msim_form_pair pair;

    (void)state;
    assert_int_equal(msim_form_value(NULL, 1, "a", out, 4), MSIM_ERR_INVALID);
    assert_int_equal(msim_form_value("a", 1, NULL, out, 4), MSIM_ERR_INVALID);
    assert_int_equal(msim_form_value("a", 1, "a", NULL, 4), MSIM_ERR_INVALID);
    assert_int_equal(msim_form_value("a", 1, "a", out, 0), MSIM_ERR_INVALID);
    assert_int_equal(msim_form_value(NULL, 0, "a", out, 4), MSIM_ERR_NOT_FOUND);
    assert_int_equal(msim_form_decode(out, 4, NULL, 1), MSIM_ERR_INVALID);
    assert_int_equal(msim_form_decode(out, 4, NULL, 0), 0);
    assert_false(msim_form_next(&text, &length, &pair));
    assert_false(msim_form_next(NULL, NULL, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_found_by_its_key_and_decoded),
        cmocka_unit_test(pairs_come_one_after_another_as_they_are_written),
        cmocka_unit_test(nonsense_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
