/*
 * The server's side of the handshake and of the protocol, over loopback, against a peer of
 * raw bytes.
 */
#include "bench.h"

static void an_upgrade_is_answered_and_opens(void **state)
{
    struct bench bench;

    (void)state;
    bench_open(&bench, NULL, 0);
    int fd = raw_open(&bench);
    assert_string_equal(bench.log, "opened ");
    close(fd);
    until_log(&bench, "opened closed(1006) ");
    bench_finish(&bench);
}

static void a_request_may_come_byte_by_byte_and_frames_right_behind_it(void **state)
{
    static const char request[] = "GET / HTTP/1.1\r\n" RAW_UPGRADE;
    unsigned char bytes[512];
    struct bench bench;

    (void)state;
    bench_open(&bench, NULL, 0);
    bench.echoes = true;
    memcpy(bytes, request, sizeof request - 1);
    size_t length = sizeof request - 1;
    length += raw_frame(bytes + length, 0x81, "early", 5, raw_key);
    for (size_t step = 1; step <= length; step = step < 3 ? step + 1 : step * 3) {
        int fd = raw_connect(&bench);
        bench.log[0] = '\0';
        for (size_t at = 0; at < length; at += step) {
            raw_send(&bench, fd, bytes + at, step < length - at ? step : length - at);
            turn(&bench);
        }
        raw_expect(&bench, fd, RAW_ANSWER, strlen(RAW_ANSWER));
        raw_expect_frame(&bench, fd, 0x81, "early", 5);
        assert_string_equal(bench.log, "opened text(early) ");
        close(fd);
        until_log(&bench, "opened text(early) closed(1006) ");
    }
    bench_finish(&bench);
}

static void both_loopback_addresses_are_served(void **state)
{
    struct bench bench;

    (void)state;
    bench_open(&bench, NULL, 0);
    int fd = raw_open(&bench);
    close(fd);

    struct sockaddr_in6 address = {.sin6_family = AF_INET6,
                                   .sin6_port = htons(msim_listener_port(bench.listener)),
                                   .sin6_addr = in6addr_loopback};
    fd = raw_socket(AF_INET6);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) < 0) {
        assert_int_equal(errno, EADDRNOTAVAIL); /* a machine without IPv6 */
    } else {
        bench.last = NULL;
        raw_say(&bench, fd, "GET / HTTP/1.1\r\n" RAW_UPGRADE);
        while (!bench.last)
            turn(&bench);
        assert_memory_equal(msim_connection_peer(bench.last), "[::1]:", 6);
    }
    close(fd);
    bench_finish(&bench);
}

/* ---- who asks, and what is refused ---- */

struct asked {
    char text[512];
};

static int note_request(void *context, struct msim_connection *connection,
                        const struct msim_request *request)
{
    struct asked *asked = context;

    assert_string_equal(request->peer, msim_connection_peer(connection));
    const char *session = msim_request_header(request, "x-session-id");
    snprintf(asked->text, sizeof asked->text, "%s|%s|%s|%s|%s", request->path, request->query,
             request->host, request->origin ? request->origin : "-", session ? session : "-");
    return 403;
}

static void the_owner_sees_the_request_decoded(void **state)
{
    static const struct {
        const char *line;
        const char *extra;
        const char *expected;
    } cases[] = {
        {"GET /", "", "/||localhost|-|-"},
        {"GET /a%2Fb%20c?x=%20&y", "Origin: http://a\r\n", "/a/b c|x=%20&y|localhost|http://a|-"},
        {"GET http://other:1/p?q", "", "/p|q|other:1|-|-"},
        {"GET ws://other?q", "X-Session-ID: bot\r\n", "/|q|other|-|bot"},
    };
    struct msim_listen_params params = MSIM_LISTEN_PARAMS_INIT;
    struct msim_listener *listener;
    struct asked asked;
    struct bench bench;

    (void)state;
    bench_open(&bench, NULL, 0);
    params.host = "127.0.0.1";
    params.handler.request = note_request;
    params.context = &asked;
    assert_int_equal(msim_net_listen(bench.net, &listener, &params, NULL), MSIM_OK);
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[1024];
        int fd = raw_connect_to(msim_listener_port(listener));
        snprintf(text, sizeof text, "%s HTTP/1.1\r\n%s" RAW_UPGRADE, cases[i].line, cases[i].extra);
        raw_say(&bench, fd, text);
        raw_rest(&bench, fd, text, sizeof text);
        assert_memory_equal(text, "HTTP/1.1 403 Forbidden\r\n", 24);
        assert_string_equal(asked.text, cases[i].expected);
        close(fd);
    }
    msim_listener_close(&listener);
    bench_finish(&bench);
}

static void what_the_owner_refuses_gets_its_status_and_the_owner_hears_no_more_of_it(void **state)
{
    static const struct {
        int result;
        const char *expected;
    } cases[] = {
        {404, "HTTP/1.1 404 Not Found\r\n"},
        {503, "HTTP/1.1 503 Service Unavailable\r\n"},
        {599, "HTTP/1.1 599 Server Error\r\n"},
        {200, "HTTP/1.1 500 Internal Server Error\r\n"},
        {-1, "HTTP/1.1 500 Internal Server Error\r\n"},
    };
    struct bench bench;

    (void)state;
    bench_open(&bench, NULL, 0);
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[1024];
        int fd = raw_connect(&bench);
        bench.refuse_with = cases[i].result;
        raw_say(&bench, fd, "GET / HTTP/1.1\r\n" RAW_UPGRADE);
        raw_rest(&bench, fd, text, sizeof text);
        assert_memory_equal(text, cases[i].expected, strlen(cases[i].expected));
        close(fd);
    }
    turn(&bench);
    assert_string_equal(bench.log, "");
    bench_finish(&bench);
}

static void a_bad_head_gets_its_status_and_disturbs_nobody(void **state)
{
    static const struct {
        const char *sent;
        const char *status;
    } cases[] = {
        {"hello\r\n", "400"},
        {"\x16\x03\x01\x02\x80", "400"},
        {"GET / HTTP/1.1\r\n\r\n", "400"},
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "426"},
        {"GET / HTTP/1.0\r\n\r\n", "426"},
        {"POST / HTTP/1.1\r\n" RAW_UPGRADE, "405"},
        {"GET / HTTP/2.0\r\n" RAW_UPGRADE, "505"},
        {"GET / HTTP/1.1\r\nHost: b\r\n" RAW_UPGRADE, "400"},
        {"GET / HTTP/1.1\r\n X: folded\r\n" RAW_UPGRADE, "400"},
        {"GET / HTTP/1.1\r\nX : spaced\r\n" RAW_UPGRADE, "400"},
        {"GET / HTTP/1.1\nX: bare\r\n" RAW_UPGRADE, "400"},
        {"GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n" RAW_UPGRADE,
         "400"},
        {"GET / HTTP/1.1\r\nContent-Length: 5\r\n" RAW_UPGRADE "12345", "400"},
        {"GET /%gg HTTP/1.1\r\n" RAW_UPGRADE, "400"},
        {"GET /%ff HTTP/1.1\r\n" RAW_UPGRADE, "400"},
        {"GET / HTTP/1.1\r\nOrigin: a\r\nOrigin: b\r\n" RAW_UPGRADE, "400"},
    };
    struct bench bench;

    (void)state;
    bench_open(&bench, NULL, 0);
    bench.echoes = true;
    int honest = raw_open(&bench);
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[1024];
        int fd = raw_connect(&bench);
        raw_say(&bench, fd, cases[i].sent);
        raw_rest(&bench, fd, text, sizeof text);
        assert_memory_equal(text, "HTTP/1.1 ", 9);
        if (memcmp(text + 9, cases[i].status, 3) != 0)
            fail_msg("case %zu: %.3s, not %s", i, text + 9, cases[i].status);
        if (strcmp(cases[i].status, "426") == 0)
            assert_non_null(
                strstr(text, "\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"));
        close(fd);
    }
    raw_send_frame(&bench, honest, 0x81, "still here", 10);
    raw_expect_frame(&bench, honest, 0x81, "still here", 10);
    close(honest);
    bench_finish(&bench);
}

static void a_head_beyond_its_bound_is_431_wherever_the_bound_falls(void **state)
{
    const struct msim_connection_limits limits = {.max_head_bytes = 500};
    struct bench bench;
    char text[70000];

    (void)state;
    bench_open(&bench, &limits, 0);
    for (int size = 500; size <= 64000; size *= 2) {
        int fd = raw_connect(&bench);
        int length = snprintf(text, sizeof text, "GET /%0*d HTTP/1.1\r\n", size, 0);
        raw_send(&bench, fd, text, (size_t)length);
        raw_rest(&bench, fd, text, sizeof text);
        assert_memory_equal(text, "HTTP/1.1 431 ", 13);
        close(fd);
    }
    bench_finish(&bench);
}

static void a_peer_that_ends_within_its_request_is_told_so(void **state)
{
    struct bench bench;
    char text[1024];

    (void)state;
    bench_open(&bench, NULL, 0);
    int fd = raw_connect(&bench);
    raw_say(&bench, fd, "GET / HTT");
    turn(&bench);
    shutdown(fd, SHUT_WR);
    raw_rest(&bench, fd, text, sizeof text);
    assert_memory_equal(text, "HTTP/1.1 400 ", 13);
    close(fd);

    /* One that never said anything gets nothing. */
    fd = raw_connect(&bench);
    turn(&bench);
    shutdown(fd, SHUT_WR);
    assert_end(&bench, fd);
    close(fd);
    assert_string_equal(bench.log, "");
    bench_finish(&bench);
}

static void a_whole_request_is_answered_though_its_peer_sends_no_more(void **state)
{
    struct bench bench;
    char text[1024];

    (void)state;
    bench_open(&bench, NULL, 0);
    int fd = raw_connect(&bench);
    raw_say(&bench, fd, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    shutdown(fd, SHUT_WR);
    raw_rest(&bench, fd, text, sizeof text);
    assert_memory_equal(text, "HTTP/1.1 426 ", 13);
    /* A whole sentence, whether or not the request has named a host. */
    assert_non_null(strstr(text, "connect with a WebSocket client\""));
    close(fd);
    bench_finish(&bench);
}

/* ---- messages ---- */

static void messages_of_all_sizes_come_back_as_they_were(void **state)
{
    static const size_t sizes[] = {0, 1, 125, 126, 127, 65535, 65536, 500000};
    unsigned char *payload = malloc(500000);
    struct bench bench;

    (void)state;
    assert_non_null(payload);
    for (size_t i = 0; i < 500000; i++)
        payload[i] = (unsigned char)(i * 7 % 128);
    bench_open(&bench, NULL, 0);
    bench.echoes = true;
    int fd = raw_open(&bench);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        for (unsigned first = 0x81; first <= 0x82; first++) {
            raw_send_frame(&bench, fd, first, payload, sizes[i]);
            raw_expect_frame(&bench, fd, first, payload, sizes[i]);
        }
    }
    close(fd);
    bench_finish(&bench);
    free(payload);
}

static void pings_are_answered_in_order_even_within_a_fragmented_message(void **state)
{
    struct bench bench;

    (void)state;
    bench_open(&bench, NULL, 0);
    bench.echoes = true;
    int fd = raw_open(&bench);
    raw_send_frame(&bench, fd, 0x01, "fr", 2);
    raw_send_frame(&bench, fd, 0x89, "one", 3);
    raw_send_frame(&bench, fd, 0x00, "agmen", 5);
    raw_send_frame(&bench, fd, 0x89, "", 0);
    raw_send_frame(&bench, fd, 0x8A, "unasked", 7);
    raw_send_frame(&bench, fd, 0x80, "ted", 3);
    raw_expect_frame(&bench, fd, 0x8A, "one", 3);
    raw_expect_frame(&bench, fd, 0x8A, "", 0);
    raw_expect_frame(&bench, fd, 0x81, "fragmented", 10);
    close(fd);
    bench_finish(&bench);
}

static void who_pings_without_end_and_never_reads_costs_a_bounded_backlog(void **state)
{
    const struct msim_connection_limits limits = {.kernel_send_bytes = 4096};
    unsigned char frames[125 * 100];
    struct bench bench;
    size_t length = 0;
    char payload[119];

    (void)state;
    memset(payload, 'p', sizeof payload);
    for (int i = 0; i < 100; i++)
        length += raw_frame(frames + length, 0x89, payload, sizeof payload, raw_key);
    bench_open(&bench, &limits, 0);
    int fd = raw_open(&bench);
    for (int i = 0; i < 1000; i++) {
        raw_send(&bench, fd, frames, length);
        assert_true(!bench.last || msim_connection_backlog(bench.last) <= 8 * 1024);
    }
    assert_string_equal(bench.log, "opened ");
    close(fd);
    bench_finish(&bench);
}

/* ---- mistakes ---- */

static void every_mistake_is_closed_with_its_code_and_disturbs_nobody(void **state)
{
    static const struct {
        int code;
        unsigned first;
        const char *payload;
        size_t length;
        bool unmasked;
    } cases[] = {
        {1002, 0x81, "unmasked", 8, true},  {1002, 0xC1, "rsv1", 4, false},
        {1002, 0xA1, "rsv2", 4, false},     {1002, 0x91, "rsv3", 4, false},
        {1002, 0x83, "", 0, false},         {1002, 0x8B, "", 0, false},
        {1002, 0x09, "fragment", 8, false}, {1002, 0x80, "nothing", 7, false},
        {1007, 0x81, "\xC3(", 2, false},    {1007, 0x81, "\xC3", 1, false},
        {1009, 0x82, NULL, 1001, false},    {1002, 0x88, "\x03", 1, false},
        {1002, 0x88, "\x03\xEC", 2, false}, {1002, 0x88, "\x03\xED", 2, false},
        {1002, 0x88, "\x03\xEE", 2, false}, {1002, 0x88, "\x00\x00", 2, false},
        {1002, 0x88, "\xFF\xFF", 2, false}, {1007, 0x88, "\x03\xE8\xFF", 3, false},
        {1002, 0x89, NULL, 126, false},     {1002, 0x88, NULL, 126, false},
    };
    const struct msim_connection_limits limits = {.max_message_bytes = 1000};
    static const char zeros[2000];
    struct bench bench;

    (void)state;
    bench_open(&bench, &limits, 0);
    bench.echoes = true;
    int honest = raw_open(&bench);
    for (size_t i = 0; i < COUNT(cases); i++) {
        unsigned char frame[2048];
        char expected[64];
        int fd = raw_open(&bench);
        bench.log[0] = '\0';
        size_t length =
            raw_frame(frame, cases[i].first, cases[i].payload ? cases[i].payload : zeros,
                      cases[i].length, cases[i].unmasked ? NULL : raw_key);
        /* What follows the mistake is not looked at any more. */
        length += raw_frame(frame + length, 0x81, "behind it", 9, raw_key);
        raw_send(&bench, fd, frame, length);
        raw_expect_close(&bench, fd, cases[i].code);
        assert_end(&bench, fd);
        close(fd);
        snprintf(expected, sizeof expected, "closed(%d) ", cases[i].code);
        until_log(&bench, expected);
    }
    raw_send_frame(&bench, honest, 0x81, "still here", 10);
    raw_expect_frame(&bench, honest, 0x81, "still here", 10);
    close(honest);
    bench_finish(&bench);
}

/* ---- closing ---- */

static void a_peers_close_is_answered_with_its_code_and_the_server_ends_the_link(void **state)
{
    struct bench bench;

    (void)state;
    bench_open(&bench, NULL, 0);
    bench.echoes = true;
    int fd = raw_open(&bench);
    raw_send_frame(&bench, fd, 0x81, "last", 4);
    raw_send_frame(&bench, fd, 0x88, "\x0F\xA0thanks", 8);
    raw_expect_frame(&bench, fd, 0x81, "last", 4);
    raw_expect_frame(&bench, fd, 0x88, "\x0F\xA0", 2);
    assert_end(&bench, fd);
    close(fd);
    until_log(&bench, "opened text(last) closed(4000 by peer) ");

    /* A close without a code is answered with one without. */
    fd = raw_open(&bench);
    raw_send_frame(&bench, fd, 0x88, "", 0);
    raw_expect_frame(&bench, fd, 0x88, "", 0);
    assert_end(&bench, fd);
    close(fd);
    until_log(&bench, "opened text(last) closed(4000 by peer) opened closed(1005 by peer) ");
    bench_finish(&bench);
}

static void a_close_of_ours_goes_behind_what_waits_and_ends_with_the_answer(void **state)
{
    struct bench bench;

    (void)state;
    bench_open(&bench, NULL, 0);
    int fd = raw_open(&bench);
    assert_int_equal(msim_connection_send(bench.last, MSIM_MESSAGE_TEXT, "tail", 4), MSIM_OK);
    msim_connection_close(bench.last, 3001, "done");
    msim_connection_close(bench.last, 3002, "twice");
    assert_int_equal(msim_connection_send(bench.last, MSIM_MESSAGE_TEXT, "late", 4),
                     MSIM_ERR_CLOSED);
    raw_expect_frame(&bench, fd, 0x81, "tail", 4);
    raw_expect_frame(&bench, fd, 0x88,
                     "\x0B\xB9"
                     "done",
                     6);
    /* Messages that were under way reach nobody any more; neither are pings answered. */
    raw_send_frame(&bench, fd, 0x81, "crossed", 7);
    raw_send_frame(&bench, fd, 0x89, "p", 1);
    raw_send_frame(&bench, fd, 0x88, "\x0B\xB9", 2);
    assert_end(&bench, fd);
    close(fd);
    until_log(&bench, "opened closed(3001) ");
    bench_finish(&bench);
}

static void a_reason_is_cut_at_a_character_and_a_code_that_never_travels_left_out(void **state)
{
    char reason[200];
    unsigned char expected[125] = {0x03, 0xE9};
    struct bench bench;

    (void)state;
    /* 122 letters, then one of two bytes: it does not fit into 123. */
    memset(reason, 'r', 122);
    strcpy(reason + 122, "\xC3\xA9 and more");
    memset(expected + 2, 'r', 122);
    bench_open(&bench, NULL, 0);
    int fd = raw_open(&bench);
    msim_connection_close(bench.last, 1001, reason);
    raw_expect_frame(&bench, fd, 0x88, expected, 124);
    close(fd);

    static const int never[] = {0, -1, 999, 1004, 1005, 1006, 1015, 2999, 5000, 70000};
    for (size_t i = 0; i < COUNT(never); i++) {
        fd = raw_open(&bench);
        msim_connection_close(bench.last, never[i], "reason");
        raw_expect_frame(&bench, fd, 0x88, "", 0);
        close(fd);
    }
    bench_finish(&bench);
}

static void a_link_that_ends_without_a_close_frame_is_1006(void **state)
{
    const struct linger reset = {1, 0};
    struct bench bench;

    (void)state;
    bench_open(&bench, NULL, 0);
    int fd = raw_open(&bench);
    shutdown(fd, SHUT_WR);
    assert_end(&bench, fd);
    until_log(&bench, "opened closed(1006) ");
    close(fd);

    fd = raw_open(&bench);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(fd);
    until_log(&bench, "opened closed(1006) opened closed(1006) ");

    /* Within a frame as well. */
    fd = raw_open(&bench);
    raw_send(&bench, fd, "\x81\x85\x01\x02\x03\x04\x05", 7);
    turn(&bench);
    close(fd);
    until_log(&bench, "opened closed(1006) opened closed(1006) opened closed(1006) ");
    bench_finish(&bench);
}

static void an_abort_resets_the_link(void **state)
{
    struct bench bench;
    char byte;

    (void)state;
    bench_open(&bench, NULL, 0);
    int fd = raw_open(&bench);
    assert_int_equal(msim_connection_send(bench.last, MSIM_MESSAGE_TEXT, "lost", 4), MSIM_OK);
    msim_connection_abort(bench.last);
    assert_string_equal(bench.log, "opened ");
    until_log(&bench, "opened closed(1006) ");
    assert_int_equal(recv(fd, &byte, 1, 0), -1);
    assert_int_equal(errno, ECONNRESET);
    close(fd);
    bench_finish(&bench);
}

static void finished_frames_are_sent_as_they_are(void **state)
{
    unsigned char frames[64];
    struct bench bench;

    (void)state;
    size_t length = msim_frame_head(frames, MSIM_MESSAGE_TEXT, 3);
    memcpy(frames + length, "one", 3);
    length += 3;
    size_t head = msim_frame_head(frames + length, MSIM_MESSAGE_BINARY, 3);
    memcpy(frames + length + head, "two", 3);
    length += head + 3;

    bench_open(&bench, NULL, 0);
    int fd = raw_open(&bench);
    assert_int_equal(msim_connection_send_frames(bench.last, frames, length), MSIM_OK);
    assert_int_equal(msim_connection_backlog(bench.last), length);
    assert_int_equal(msim_connection_queued(bench.last), length);
    raw_expect_frame(&bench, fd, 0x81, "one", 3);
    raw_expect_frame(&bench, fd, 0x82, "two", 3);
    assert_int_equal(msim_connection_backlog(bench.last), 0);
    assert_int_equal(msim_connection_queued(bench.last), length);
    close(fd);
    bench_finish(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_upgrade_is_answered_and_opens),
        cmocka_unit_test(a_request_may_come_byte_by_byte_and_frames_right_behind_it),
        cmocka_unit_test(both_loopback_addresses_are_served),
        cmocka_unit_test(the_owner_sees_the_request_decoded),
        cmocka_unit_test(what_the_owner_refuses_gets_its_status_and_the_owner_hears_no_more_of_it),
        cmocka_unit_test(a_bad_head_gets_its_status_and_disturbs_nobody),
        cmocka_unit_test(a_head_beyond_its_bound_is_431_wherever_the_bound_falls),
        cmocka_unit_test(a_peer_that_ends_within_its_request_is_told_so),
        cmocka_unit_test(a_whole_request_is_answered_though_its_peer_sends_no_more),
        cmocka_unit_test(messages_of_all_sizes_come_back_as_they_were),
        cmocka_unit_test(pings_are_answered_in_order_even_within_a_fragmented_message),
        cmocka_unit_test(who_pings_without_end_and_never_reads_costs_a_bounded_backlog),
        cmocka_unit_test(every_mistake_is_closed_with_its_code_and_disturbs_nobody),
        cmocka_unit_test(a_peers_close_is_answered_with_its_code_and_the_server_ends_the_link),
        cmocka_unit_test(a_close_of_ours_goes_behind_what_waits_and_ends_with_the_answer),
        cmocka_unit_test(a_reason_is_cut_at_a_character_and_a_code_that_never_travels_left_out),
        cmocka_unit_test(a_link_that_ends_without_a_close_frame_is_1006),
        cmocka_unit_test(an_abort_resets_the_link),
        cmocka_unit_test(finished_frames_are_sent_as_they_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
