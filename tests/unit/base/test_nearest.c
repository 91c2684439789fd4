#include "check.h"

#include <stdint.h>
#include <string.h>

#include "base/nearest.h"

static const char *nearest_of(const char *word)
{
    static const char *const known[] = {"/api/v1/orders", "/api/v1/orderbook", "/api/v1/trades"};
    struct msim_nearest nearest = {.word = word};

    for (size_t i = 0; i < COUNT(known); i++)
        msim_nearest_see(&nearest, known[i]);
    return nearest.found ? nearest.found : "";
}

static void the_word_with_the_fewest_changes_is_the_nearest(void **state)
{
    (void)state;
    assert_string_equal(nearest_of("/api/v1/ordrs"), "/api/v1/orders");
    assert_string_equal(nearest_of("/api/v1/order-book"), "/api/v1/orderbook");
    assert_string_equal(nearest_of("/api/v1/Trade"), "/api/v1/trades");
}

static void what_is_far_from_all_has_no_nearest(void **state)
{
    char word[100];

    (void)state;
    assert_string_equal(nearest_of("/"), "");
    assert_string_equal(nearest_of("/metrics"), "");
    memset(word, 'a', sizeof word);
    word[sizeof word - 1] = '\0';
    assert_string_equal(nearest_of(word), "");
}

static void words_are_as_far_apart_as_letters_have_to_change(void **state)
{
    char word[100];

    (void)state;
    assert_int_equal(msim_nearest_apart("", ""), 0);
    assert_int_equal(msim_nearest_apart("kitten", "sitting"), 3);
    assert_int_equal(msim_nearest_apart("slow", "slwo"), 2);
    assert_int_equal(msim_nearest_apart("", "abc"), 3);
    memset(word, 'a', sizeof word);
    word[sizeof word - 1] = '\0';
    assert_true(msim_nearest_apart(word, word) == SIZE_MAX);
    word[MSIM_NEAREST_MOST] = '\0';
    assert_int_equal(msim_nearest_apart(word, word), 0);
}

static void a_path_where_nothing_is_has_words(void **state)
{
    struct msim_nearest nearest = {.word = "/ordrs"};
    char words[100];

    (void)state;
    msim_nearest_path_words(&nearest, "/api", words, sizeof words);
    assert_string_equal(words, "there is nothing at this path");
    msim_nearest_see(&nearest, "/orders");
    msim_nearest_path_words(&nearest, "/api", words, sizeof words);
    assert_string_equal(words, "there is nothing at this path; the nearest one is /api/orders");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_word_with_the_fewest_changes_is_the_nearest),
        cmocka_unit_test(what_is_far_from_all_has_no_nearest),
        cmocka_unit_test(words_are_as_far_apart_as_letters_have_to_change),
        cmocka_unit_test(a_path_where_nothing_is_has_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
