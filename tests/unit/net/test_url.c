#include "check.h"

#include <string.h>

#include "net/url.h"

static void a_url_falls_into_its_parts(void **state)
{
    static const struct {
        const char *text;
        const char *host;
        unsigned port;
        const char *authority;
        const char *target;
    } cases[] = {
        {"ws://localhost", "localhost", 80, "localhost", ""},
        {"WS://localhost:8765/", "localhost", 8765, "localhost:8765", "/"},
        {"ws://127.0.0.1:1/a/b?c=d&e", "127.0.0.1", 1, "127.0.0.1:1", "/a/b?c=d&e"},
        {"ws://[::1]:65535?x", "::1", 65535, "[::1]:65535", "?x"},
        {"ws://[::ffff:1.2.3.4]/%41", "::ffff:1.2.3.4", 80, "[::ffff:1.2.3.4]", "/%41"},
        {"ws://my_host-1.example:080", "my_host-1.example", 80, "my_host-1.example:080", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct msim_detail detail = {"-"};
        struct msim_url url;
        assert_int_equal(msim_url_read(&url, cases[i].text, &detail), MSIM_OK);
        assert_string_equal(url.host, cases[i].host);
        assert_int_equal(url.port, cases[i].port);
        assert_int_equal(url.authority_length, strlen(cases[i].authority));
        assert_memory_equal(url.authority, cases[i].authority, url.authority_length);
        assert_string_equal(url.target, cases[i].target);
        assert_string_equal(detail.text, "-");
    }
}

static void what_is_no_url_is_refused_with_words(void **state)
{
    static const char *const texts[] = {
        "",
        "localhost:8765",
        "http://localhost",
        "ws:/localhost",
        "ws://",
        "ws:///path",
        "ws://:80",
        "ws://a:",
        "ws://a:0",
        "ws://a:65536",
        "ws://a:8x",
        "ws://a:123456",
        "ws://user@a",
        "ws://[::1",
        "ws://[]:80",
        "ws://[::1]80",
        "ws://a b",
        "ws://a/b c",
        "ws://a/b\tc",
        "ws://a/\xC3\xA9",
        "ws://a/#f",
        "ws://a#f",
        "ws://a/%4",
        "ws://a/?%xx",
    };
    char long_host[400] = "ws://";

    (void)state;
    memset(long_host + 5, 'a', 254);
    for (size_t i = 0; i <= COUNT(texts); i++) {
        const char *text = i < COUNT(texts) ? texts[i] : long_host;
        struct msim_detail detail = {""};
        struct msim_url url;
        if (msim_url_read(&url, text, &detail) != MSIM_ERR_INVALID)
            fail_msg("'%s' was taken for a URL", text);
        assert_non_null(strstr(detail.text, "ws://host:port/path"));
    }
}

static void the_scheme_says_whether_it_is_tls(void **state)
{
    static const struct {
        const char *text;
        bool is_secure;
        uint16_t port;
    } cases[] = {
        {"ws://a", false, 80},
        {"wss://a", true, 443},
        {"WSS://a:80/", true, 80},
        {"ws://a:443", false, 443},
    };
    struct msim_detail detail;
    struct msim_url url;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(msim_url_read(&url, cases[i].text, &detail), MSIM_OK);
        assert_int_equal(url.is_secure, cases[i].is_secure);
        assert_int_equal(url.port, cases[i].port);
    }
}

static void credentials_are_refused_by_name(void **state)
{
    static const char *const texts[] = {"ws://user@a", "ws://user:pw@a:80/", "ws://@a"};

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct msim_detail detail = {""};
        struct msim_url url;
        assert_int_equal(msim_url_read(&url, texts[i], &detail), MSIM_ERR_INVALID);
        assert_non_null(strstr(detail.text, "credentials in a URL are not supported"));
    }
    /* Behind the authority it is a byte like others. */
    struct msim_url url;
    assert_int_equal(msim_url_read(&url, "ws://a/b@c", NULL), MSIM_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_url_falls_into_its_parts),
        cmocka_unit_test(what_is_no_url_is_refused_with_words),
        cmocka_unit_test(the_scheme_says_whether_it_is_tls),
        cmocka_unit_test(credentials_are_refused_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
