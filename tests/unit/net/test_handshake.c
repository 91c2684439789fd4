#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/handshake.h"

/* The example of RFC 6455 section 1.3. */
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

static void the_example_of_the_rfc_comes_out(void **state)
{
    char accept[MSIM_ACCEPT_SIZE + 1];
    char key[MSIM_KEY_SIZE + 1];

    (void)state;
    msim_handshake_key(key, (const uint8_t *)"the sample nonce");
    assert_string_equal(key, KEY);
    msim_handshake_accept(accept, KEY, strlen(KEY));
    assert_string_equal(accept, ACCEPT);
}

static int check(const char *method, const char *version, const char *fields,
                 struct msim_http_text *key)
{
    static char text[1024];
    struct msim_http_head head;
    struct msim_http_refusal refusal = {0};

    int length =
        snprintf(text, sizeof text, "%s / HTTP/%s\r\nHost: a\r\n%s\r\n", method, version, fields);
    if (msim_http_read_request(&head, text, (size_t)length, &refusal) < 0)
        return refusal.status;
    return msim_handshake_check(&head, key, &refusal) < 0 ? refusal.status : 101;
}

#define UPGRADE "Upgrade: websocket\r\n"
#define CONNECTION "Connection: Upgrade\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define KEYED "Sec-WebSocket-Key: " KEY "\r\n"

static void a_good_request_is_accepted_and_its_key_found(void **state)
{
    struct msim_http_text key;

    (void)state;
    assert_int_equal(check("GET", "1.1", UPGRADE CONNECTION VERSION KEYED, &key), 101);
    assert_true(msim_http_is(key, KEY));
    assert_int_equal(check("GET", "1.1",
                           "upgrade: h2c, WebSocket\r\nCONNECTION: keep-alive, UPGRADE\r\n"
                           "sec-websocket-extensions: permessage-deflate\r\n"
                           "Sec-WebSocket-Protocol: chat\r\n" VERSION KEYED,
                           &key),
                     101);
}

static void each_mistake_has_its_status(void **state)
{
    static const struct {
        int status;
        const char *method;
        const char *version;
        const char *fields;
    } cases[] = {
        {426, "GET", "1.1", ""},
        {426, "GET", "1.0", ""},
        {426, "GET", "1.1", "Upgrade: h2c\r\n" CONNECTION VERSION KEYED},
        {405, "POST", "1.1", UPGRADE CONNECTION VERSION KEYED},
        {405, "HEAD", "1.1", ""},
        {400, "GET", "1.0", UPGRADE CONNECTION VERSION KEYED},
        {400, "GET", "1.1", UPGRADE VERSION KEYED},
        {400, "GET", "1.1", UPGRADE "Connection: close\r\n" VERSION KEYED},
        {426, "GET", "1.1", UPGRADE CONNECTION KEYED},
        {426, "GET", "1.1", UPGRADE CONNECTION KEYED "Sec-WebSocket-Version: 8\r\n"},
        {400, "GET", "1.1", UPGRADE CONNECTION KEYED VERSION VERSION},
        {400, "GET", "1.1", UPGRADE CONNECTION VERSION},
        {400, "GET", "1.1", UPGRADE CONNECTION VERSION KEYED KEYED},
        {400, "GET", "1.1",
         UPGRADE CONNECTION VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j\r\n"},
        {400, "GET", "1.1",
         UPGRADE CONNECTION VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=!\r\n"},
        {400, "GET", "1.1",
         UPGRADE CONNECTION VERSION "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAAAA\r\n"},
        {400, "GET", "1.1", UPGRADE CONNECTION VERSION KEYED "Content-Length: 5\r\n"},
    };
    struct msim_http_text key;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int status = check(cases[i].method, cases[i].version, cases[i].fields, &key);
        if (status != cases[i].status)
            fail_msg("case %zu: %d, not %d", i, status, cases[i].status);
    }
}

static void refusals_say_how_long_they_are_and_what_would_be_right(void **state)
{
    static const int statuses[] = {400, 404, 405, 408, 426, 431, 501, 505};

    (void)state;
    for (size_t i = 0; i < COUNT(statuses); i++) {
        struct msim_http_refusal refusal = {.status = statuses[i], .words = "some words"};
        struct msim_http_head head;
        struct msim_bytes out;
        msim_bytes_init(&out, 1024, NULL);
        assert_int_equal(msim_handshake_write_refusal(&out, &refusal), MSIM_OK);
        const char *text = (const char *)msim_bytes_front(&out);
        const char *end = strstr(text, "\r\n\r\n");
        assert_non_null(end);
        size_t head_length = (size_t)(end - text) + 4;
        assert_int_equal(msim_http_read_response(&head, text, head_length, &refusal), MSIM_OK);
        assert_int_equal(head.status, statuses[i]);
        assert_true(head.phrase.length > 0);
        const struct msim_http_field *length = msim_http_field(&head, "Content-Length", NULL);
        assert_int_equal(strtoul(length->value.at, NULL, 10),
                         msim_bytes_length(&out) - head_length);
        assert_true(msim_http_lists(&head, "Connection", "close"));
        assert_int_equal(msim_http_lists(&head, "Allow", "GET"), statuses[i] == 405);
        assert_int_equal(msim_http_lists(&head, "Upgrade", "websocket"), statuses[i] == 426);
        assert_int_equal(msim_http_lists(&head, "Sec-WebSocket-Version", "13"), statuses[i] == 426);
        msim_bytes_finish(&out);
    }
}

static void what_the_client_asks_the_server_accepts_and_the_other_way_round(void **state)
{
    struct msim_http_refusal refusal;
    struct msim_detail detail;
    struct msim_http_head head;
    struct msim_http_text key;
    struct msim_bytes out;
    struct msim_url url;
    static const char said[] = "X-API-Key: a\r\nOrigin: http://b\r\n";
    const struct msim_http_text lines = {said, sizeof said - 1};

    (void)state;
    assert_int_equal(msim_url_read(&url, "ws://a.example:81?x=1", &detail), MSIM_OK);
    msim_bytes_init(&out, 1024, NULL);
    assert_int_equal(msim_handshake_write_request(&out, &url, KEY, "", lines), MSIM_OK);
    assert_int_equal(msim_http_read_request(&head, (const char *)msim_bytes_front(&out),
                                            msim_bytes_length(&out), &refusal),
                     MSIM_OK);
    assert_true(msim_http_is(head.authority, "a.example:81"));
    assert_true(msim_http_is(head.path, "/"));
    assert_true(msim_http_is(head.query, "x=1"));
    assert_true(msim_http_is(msim_http_field(&head, "X-API-Key", NULL)->value, "a"));
    assert_true(msim_http_is(msim_http_field(&head, "Origin", NULL)->value, "http://b"));
    assert_int_equal(msim_handshake_check(&head, &key, &refusal), MSIM_OK);

    const struct msim_http_text nothing = {"", 0};
    struct msim_bytes answer;
    msim_bytes_init(&answer, 1024, NULL);
    assert_int_equal(msim_handshake_write_accept(&answer, key, ""), MSIM_OK);
    assert_int_equal(msim_http_read_response(&head, (const char *)msim_bytes_front(&answer),
                                             msim_bytes_length(&answer), &refusal),
                     MSIM_OK);
    assert_int_equal(msim_handshake_check_answer(&head, KEY, nothing, &detail), MSIM_OK);
    assert_int_equal(
        msim_handshake_check_answer(&head, "AAAAAAAAAAAAAAAAAAAAAA==", nothing, &detail),
        MSIM_ERR_FORMAT);
    msim_bytes_finish(&out);
    msim_bytes_finish(&answer);
}

static void a_server_that_does_not_open_properly_is_found_out(void **state)
{
    static const struct {
        const char *text;
        const char *words;
        const char *body;
    } cases[] = {
        {"HTTP/1.1 404 Not Found\r\n\r\n", "404 Not Found", NULL},
        {"HTTP/1.1 404 Not Found\r\n\r\n", "a WebSocket: no such\\ path: /ws  ?",
         "{\"title\":\"x\",\"error\":\"no such\\\\ path: /ws\\n\\u0007?\"}"},
        {"HTTP/1.1 400 Bad\r\n\r\n", "400 Bad instead of opening a WebSocket", "{\"error\":\"cut"},
        {"HTTP/1.1 400 Bad\r\n\r\n", "400 Bad instead of opening a WebSocket", "<p>\"error\"</p>"},
        {"HTTP/1.1 302 Found\r\nLocation: ws://b/\r\n\r\n", "redirection", NULL},
        {"HTTP/1.1 200 OK\r\n\r\n", "200 OK", NULL},
        {"HTTP/1.1 101 x\r\n" UPGRADE CONNECTION "\r\n", "does not prove", NULL},
        {"HTTP/1.1 101 x\r\n" UPGRADE CONNECTION "Sec-WebSocket-Accept: " KEY "\r\n\r\n",
         "does not prove", NULL},
        {"HTTP/1.1 101 x\r\n" CONNECTION "Sec-WebSocket-Accept: " ACCEPT "\r\n\r\n",
         "does not switch", NULL},
        {"HTTP/1.1 101 x\r\n" UPGRADE "Sec-WebSocket-Accept: " ACCEPT "\r\n\r\n", "does not switch",
         NULL},
        {"HTTP/1.1 101 x\r\n" UPGRADE CONNECTION "Sec-WebSocket-Accept: " ACCEPT
         "\r\nSec-WebSocket-Protocol: chat\r\n\r\n",
         "not offered", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct msim_http_refusal refusal;
        struct msim_http_head head;
        struct msim_detail detail;
        size_t length = strlen(cases[i].text);
        const struct msim_http_text body = {cases[i].body ? cases[i].body : "",
                                            cases[i].body ? strlen(cases[i].body) : 0};
        assert_int_equal(msim_http_read_response(&head, cases[i].text, length, &refusal), MSIM_OK);
        assert_int_equal(msim_handshake_check_answer(&head, KEY, body, &detail), MSIM_ERR_FORMAT);
        if (!strstr(detail.text, cases[i].words))
            fail_msg("'%s' does not say '%s'", detail.text, cases[i].words);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_the_rfc_comes_out),
        cmocka_unit_test(a_good_request_is_accepted_and_its_key_found),
        cmocka_unit_test(each_mistake_has_its_status),
        cmocka_unit_test(refusals_say_how_long_they_are_and_what_would_be_right),
        cmocka_unit_test(what_the_client_asks_the_server_accepts_and_the_other_way_round),
        cmocka_unit_test(a_server_that_does_not_open_properly_is_found_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
