/*
 * A key file.
 */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/keys.h"

static const uint8_t lookup[MSIM_KEY_DIGEST] = {1, 2, 3};

static int read_text(struct msim_keys *keys, const char *text, struct msim_detail *detail)
{
    const struct msim_allocator allocator = msim_mem_allocator(NULL);

    return msim_keys_read(keys, text, strlen(text), lookup, &allocator, detail);
}

static struct msim_key *find(const struct msim_keys *keys, const char *key)
{
    return msim_keys_find(keys, key, strlen(key), lookup);
}

static void finish(struct msim_keys *keys)
{
    const struct msim_allocator allocator = msim_mem_allocator(NULL);

    msim_keys_finish(keys, &allocator);
    assert_int_equal(keys->count, 0);
}

static void a_line_is_a_key_and_what_is_said_about_it(void **state)
{
    struct msim_detail detail = {""};
    struct msim_keys keys;

    (void)state;
    assert_int_equal(read_text(&keys,
                               "# all\n\n  \t\r\none\n two\tsecret=a=b  role=admin name=x "
                               "account=acc\r\n#three\nfour role=viewer",
                               &detail),
                     MSIM_OK);
    assert_int_equal(keys.count, 3);
    const struct msim_key *one = find(&keys, "one");
    const struct msim_key *two = find(&keys, "two");
    assert_string_equal(one->secret, "");
    assert_string_equal(one->caller.name, "");
    assert_int_equal(one->caller.role, MSIM_ROLE_TRADER);
    assert_true(one->caller.has_key);
    assert_string_equal(two->secret, "a=b");
    assert_string_equal(two->caller.name, "x");
    assert_string_equal(two->caller.account, "acc");
    assert_int_equal(two->caller.role, MSIM_ROLE_ADMIN);
    assert_int_equal(find(&keys, "four")->caller.role, MSIM_ROLE_VIEWER);
    assert_null(find(&keys, "#three"));
    assert_null(find(&keys, "on"));
    assert_null(find(&keys, ""));
    finish(&keys);
}

static void lines_that_say_something_else_are_named(void **state)
{
    static const struct {
        const char *text;
        const char *words;
    } cases[] = {
        {"a\nb c", "line 2: after the key"},
        {"a colour=red", "line 1: after the key"},
        {"\n\na role=king", "line 3: a role is"},
        {"a role=", "line 1: a role is"},
        {"a secret=", "line 1: a value is of visible ASCII"},
        {"a secret=x secret=y", "line 1: it says the same twice"},
        {"\xc3\xa9", "line 1: a key is of visible ASCII"},
        {"a name=\x01", "line 1: a value is of visible ASCII"},
        {"a\nb\na", "for the same key"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct msim_detail detail = {""};
        struct msim_keys keys;
        assert_int_equal(read_text(&keys, cases[i].text, &detail), MSIM_ERR_FORMAT);
        if (!strstr(detail.text, cases[i].words))
            fail_msg("%s", detail.text);
    }
}

static void lines_and_their_number_are_bounded(void **state)
{
    size_t size = (MSIM_ACCESS_MAX_KEYS + 1) * 8;
    char *text = malloc(size);
    struct msim_detail detail = {""};
    struct msim_keys keys;
    size_t at = 0;

    (void)state;
    assert_non_null(text);
    memset(text, 'k', MSIM_KEY_LINE_MAX + 1);
    text[MSIM_KEY_LINE_MAX] = '\0';
    assert_int_equal(read_text(&keys, text, &detail), MSIM_OK);
    finish(&keys);
    strcpy(text + MSIM_KEY_LINE_MAX, "k");
    assert_int_equal(read_text(&keys, text, &detail), MSIM_ERR_FORMAT);

    for (int i = 0; i < MSIM_ACCESS_MAX_KEYS; i++)
        at += (size_t)snprintf(text + at, size - at, "k%d\n", i);
    assert_int_equal(read_text(&keys, text, &detail), MSIM_OK);
    for (int i = 0; i < MSIM_ACCESS_MAX_KEYS; i += 999) {
        char key[16];
        snprintf(key, sizeof key, "k%d", i);
        assert_int_equal(find(&keys, key)->line, i + 1);
    }
    finish(&keys);
    strcpy(text + at, "one");
    assert_int_equal(read_text(&keys, text, &detail), MSIM_ERR_LIMIT);
    assert_non_null(strstr(detail.text, "line 10001: more than 10000 keys"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_a_key_and_what_is_said_about_it),
        cmocka_unit_test(lines_that_say_something_else_are_named),
        cmocka_unit_test(lines_and_their_number_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
