#include "check.h"

#include <string.h>

#include "base/glob.h"

static bool match(const char *pattern, const char *text)
{
    return msim_glob_match(pattern, strlen(pattern), text, strlen(text));
}

static void a_pattern_without_signs_matches_itself_alone(void **state)
{
    (void)state;
    assert_true(match("BTC-USDT@OKX", "BTC-USDT@OKX"));
    assert_false(match("BTC-USDT@OKX", "BTC-USDT@OK"));
    assert_false(match("BTC-USDT@OK", "BTC-USDT@OKX"));
    assert_true(match("", ""));
    assert_false(match("", "x"));
}

static void a_star_takes_any_run_also_none(void **state)
{
    (void)state;
    assert_true(match("*", ""));
    assert_true(match("*", "anything"));
    assert_true(match("BTC*", "BTC"));
    assert_true(match("*@BYBIT", "10000NFT-USDT-SWAP@BYBIT"));
    assert_true(match("*-SWAP@*", "10000NFT-USDT-SWAP@BYBIT"));
    assert_false(match("*-SWAP", "10000NFT-USDT-SWAP@BYBIT"));
    assert_true(match("a**b*c", "axbxbxc"));
    assert_false(match("a*b*d", "axbxbxc"));
}

static void a_question_mark_takes_one_character(void **state)
{
    (void)state;
    assert_true(match("a?c", "abc"));
    assert_false(match("a?c", "ac"));
    assert_true(match("a?c", "a\xc3\xa9"
                             "c"));
    assert_true(match("*?", "x"));
    assert_false(match("*?", ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pattern_without_signs_matches_itself_alone),
        cmocka_unit_test(a_star_takes_any_run_also_none),
        cmocka_unit_test(a_question_mark_takes_one_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
