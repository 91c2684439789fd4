#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/http.h"

#define LIMIT 4096

/*
 * Scans and reads, the bytes cut at `cut`: 0 for a good head, else the status it is
 * refused with; -1 where it has no end.
 */
static int read_cut(const char *text, size_t length, size_t cut, struct msim_http_head *head)
{
    struct msim_http_scan scan = {0};
    struct msim_http_refusal refusal = {0};

    enum msim_http_progress progress = msim_http_scan(&scan, text, cut, LIMIT, &refusal);
    if (progress == MSIM_HTTP_MORE)
        progress = msim_http_scan(&scan, text, length, LIMIT, &refusal);
    if (progress == MSIM_HTTP_REFUSED)
        return refusal.status;
    if (progress == MSIM_HTTP_MORE)
        return -1;
    assert_true(scan.line <= length);
    int r = msim_http_read_request(head, text, scan.line, &refusal);
    return r < 0 ? refusal.status : 0;
}

static int read_text(const char *text, struct msim_http_head *head)
{
    return read_cut(text, strlen(text), strlen(text), head);
}

static void assert_text(struct msim_http_text text, const char *expected)
{
    if (!msim_http_is(text, expected))
        fail_msg("'%.*s' is not '%s'", (int)text.length, text.at, expected);
}

static void a_request_is_read_however_it_is_cut(void **state)
{
    static const char text[] = "GET /a%20b?x=%41&y HTTP/1.1\r\n"
                               "Host: example.com:81\r\n"
                               "X-Empty:\r\n"
                               "Connection:  keep-alive , Upgrade\t\r\n\r\nrest";
    struct msim_http_head head;

    (void)state;
    for (size_t cut = 0; cut < sizeof text; cut++) {
        assert_int_equal(read_cut(text, sizeof text - 1, cut, &head), 0);
        assert_text(head.method, "GET");
        assert_text(head.path, "/a%20b");
        assert_text(head.query, "x=%41&y");
        assert_text(head.authority, "example.com:81");
        assert_int_equal(head.minor, 1);
        assert_false(head.has_body);
        assert_int_equal(head.field_count, 3);
        assert_text(head.fields[1].value, "");
        assert_text(head.fields[2].value, "keep-alive , Upgrade");
        assert_true(msim_http_lists(&head, "connection", "upgrade"));
        assert_false(msim_http_lists(&head, "connection", "keep"));
    }
}

static void the_absolute_form_brings_its_own_authority(void **state)
{
    struct msim_http_head head;

    (void)state;
    assert_int_equal(read_text("GET HTTP://a.example:8/p?q HTTP/1.1\r\nHost: b\r\n\r\n", &head), 0);
    assert_text(head.authority, "a.example:8");
    assert_text(head.path, "/p");
    assert_text(head.query, "q");
    assert_int_equal(read_text("GET ws://[::1]:8?q HTTP/1.1\r\nHost: b\r\n\r\n", &head), 0);
    assert_text(head.authority, "[::1]:8");
    assert_text(head.path, "/");
    assert_text(head.query, "q");
    assert_int_equal(read_text("GET http://user@a/ HTTP/1.1\r\nHost: b\r\n\r\n", &head), 400);
    assert_int_equal(read_text("GET http:///x HTTP/1.1\r\nHost: b\r\n\r\n", &head), 400);
    assert_int_equal(read_text("GET ftp://a/ HTTP/1.1\r\nHost: b\r\n\r\n", &head), 400);
}

/* Each line is a whole request but for its end. */
static const struct {
    int status;
    const char *text;
} refused[] = {
    /* the first line */
    {400, "\r\n"},
    {400, "GET / HTTP/1.1 \r\nHost: a\r\n"},
    {400, "GET  / HTTP/1.1\r\nHost: a\r\n"},
    {400, " GET / HTTP/1.1\r\nHost: a\r\n"},
    {400, "GET\t/ HTTP/1.1\r\nHost: a\r\n"},
    {400, "GET / HTTP/1.1 x\r\nHost: a\r\n"},
    {400, "GET /\r\nHost: a\r\n"},
    {400, "G(T / HTTP/1.1\r\nHost: a\r\n"},
    {400, "GET / http/1.1\r\nHost: a\r\n"},
    {400, "GET / HTTP/11\r\nHost: a\r\n"},
    {400, "GET / HTTP/1.10\r\nHost: a\r\n"},
    {505, "GET / HTTP/2.0\r\nHost: a\r\n"},
    {505, "GET / HTTP/0.9\r\nHost: a\r\n"},
    {400, "GET a HTTP/1.1\r\nHost: a\r\n"},
    {400, "GET * HTTP/1.1\r\nHost: a\r\n"},
    {400, "GET /#f HTTP/1.1\r\nHost: a\r\n"},
    {400, "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n"},
    {400, "GET /\x80 HTTP/1.1\r\nHost: a\r\n"},
    {400, "\x16\x03\x01\x02"},
    {400, "hello\r\n"},
    /* escapes */
    {400, "GET /% HTTP/1.1\r\nHost: a\r\n"},
    {400, "GET /%4 HTTP/1.1\r\nHost: a\r\n"},
    {400, "GET /%4g HTTP/1.1\r\nHost: a\r\n"},
    {400, "GET /?%zz HTTP/1.1\r\nHost: a\r\n"},
    /* lines */
    {400, "GET / HTTP/1.1\nHost: a\r\n"},
    {400, "GET / HTTP/1.1\rHost: a\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: a\nX: b\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: a\r\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: a\rb\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: a\x01\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: a\x7F\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n"},
    {400, "GET / HTTP/1.1\r\n Host: a\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: a\r\n\tfolded\r\n"},
    {400, "GET / HTTP/1.1\r\nHost : a\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: a\r\n: no name\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: a\r\nna\xC3\xAFve: x\r\n"},
    /* who is meant */
    {400, "GET / HTTP/1.1\r\nX: a\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: a\r\nhOST: b\r\n"},
    {400, "GET / HTTP/1.1\r\nHost:\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: a, b\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: a/b\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: u@a\r\n"},
    /* where the body ends */
    {400, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999999999999\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\ntransfer-encoding: x\r\n"},
    {501, "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n"},
    {501, "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n"},
    {501, "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n"},
};

static void what_could_be_read_in_two_ways_is_refused_however_it_is_cut(void **state)
{
    struct msim_http_head head;

    (void)state;
    for (size_t i = 0; i < COUNT(refused); i++) {
        char text[512];
        int length = snprintf(text, sizeof text, "%s\r\n", refused[i].text);
        for (int cut = 0; cut <= length; cut++) {
            int status = read_cut(text, (size_t)length, (size_t)cut, &head);
            if (status != refused[i].status)
                fail_msg("%d, not %d, for: %s", status, refused[i].status, refused[i].text);
        }
    }
}

static void what_is_unusual_but_clear_is_accepted(void **state)
{
    static const char *const texts[] = {
        "GET / HTTP/1.0\r\n\r\n",
        "GET / HTTP/1.9\r\nHost: a\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
        "get!#$ / HTTP/1.1\r\nHost:a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: [::1]:80\r\nX: caf\xC3\xA9 \t y\r\n\r\n",
        "GET //a/../b;c=d?e=f?g HTTP/1.1\r\nHost: a\r\nContent-Length: 000\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n",
    };
    struct msim_http_head head;

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++)
        assert_int_equal(read_text(texts[i], &head), 0);
    assert_true(head.has_body);
}

static void a_head_has_a_largest_size_and_a_most_of_lines(void **state)
{
    struct msim_http_head head;
    char *text = malloc(2 * LIMIT);

    (void)state;
    assert_non_null(text);
    int length = snprintf(text, 2 * LIMIT, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
    memset(text + length, 'x', LIMIT);
    assert_int_equal(read_cut(text, LIMIT, LIMIT, &head), -1);
    assert_int_equal(read_cut(text, LIMIT + 1, 10, &head), 431);
    memcpy(text + LIMIT - 4, "\r\n\r\n", 4);
    assert_int_equal(read_cut(text, LIMIT, 10, &head), 0);

    length = snprintf(text, 2 * LIMIT, "GET / HTTP/1.1\r\nHost: a\r\n");
    for (int i = 1; i < MSIM_HTTP_MAX_FIELDS; i++)
        length += snprintf(text + length, 16, "x%d: y\r\n", i);
    snprintf(text + length, 16, "\r\n");
    assert_int_equal(read_text(text, &head), 0);
    snprintf(text + length, 16, "one: more\r\n\r\n");
    assert_int_equal(read_text(text, &head), 431);
    free(text);
}

static void responses_are_read_with_and_without_a_phrase(void **state)
{
    static const struct {
        const char *text;
        int status;
        const char *phrase;
    } cases[] = {
        {"HTTP/1.1 101 Switching Protocols\r\n\r\n", 101, "Switching Protocols"},
        {"HTTP/1.0 404 \r\n\r\n", 404, ""},
        {"HTTP/1.1 503\r\n\r\n", 503, ""},
        {"HTTP/1.1 1010\r\n\r\n", 0, NULL},
        {"HTTP/1.1 099 x\r\n\r\n", 0, NULL},
        {"HTTP/1.1 10\r\n\r\n", 0, NULL},
        {"HTTP/1.1\r\n\r\n", 0, NULL},
        {"SSH-2.0-HTTP/1.1 101 x\r\n\r\n", 0, NULL},
    };
    struct msim_http_refusal refusal;
    struct msim_http_head head;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int r = msim_http_read_response(&head, cases[i].text, strlen(cases[i].text), &refusal);
        assert_int_equal(r, cases[i].phrase ? MSIM_OK : MSIM_ERR_FORMAT);
        if (!cases[i].phrase)
            continue;
        assert_int_equal(head.status, cases[i].status);
        assert_text(head.phrase, cases[i].phrase);
    }
}

static int decode(const char *raw, char *out)
{
    return msim_http_decode(out, (struct msim_http_text){raw, strlen(raw)});
}

static void escapes_are_decoded_and_bad_ones_refused(void **state)
{
    char out[64];

    (void)state;
    assert_int_equal(decode("/a%2Fb%20%c3%A9%25", out), MSIM_OK);
    assert_string_equal(out, "/a/b \xC3\xA9%");
    assert_int_equal(decode("", out), MSIM_OK);
    assert_string_equal(out, "");
    assert_int_equal(decode("/%00", out), MSIM_ERR_FORMAT);
    assert_int_equal(decode("/%c3", out), MSIM_ERR_FORMAT);
    assert_int_equal(decode("/%ff%fe", out), MSIM_ERR_FORMAT);
    assert_int_equal(decode("/%", out), MSIM_ERR_FORMAT);
    assert_int_equal(decode("/%1", out), MSIM_ERR_FORMAT);
    assert_int_equal(decode("/%G1", out), MSIM_ERR_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_read_however_it_is_cut),
        cmocka_unit_test(the_absolute_form_brings_its_own_authority),
        cmocka_unit_test(what_could_be_read_in_two_ways_is_refused_however_it_is_cut),
        cmocka_unit_test(what_is_unusual_but_clear_is_accepted),
        cmocka_unit_test(a_head_has_a_largest_size_and_a_most_of_lines),
        cmocka_unit_test(responses_are_read_with_and_without_a_phrase),
        cmocka_unit_test(escapes_are_decoded_and_bad_ones_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
