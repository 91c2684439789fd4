/*
 * The client's side, over loopback, against a server of raw bytes.
 */
#include "bench.h"

struct dial {
    struct bench bench; /* its net alone: nobody listens */
    struct msim_connection *connection;
    int door;
    uint16_t port;
    char reason[MSIM_DETAIL_SIZE];
};

static void dial_closed(void *context, struct msim_connection *connection,
                        const struct msim_closing *closing)
{
    struct dial *dial = context;

    snprintf(dial->reason, sizeof dial->reason, "%s", closing->reason);
    bench_closed(&dial->bench, connection, closing);
    dial->connection = NULL;
}

static void dial_opened(void *context, struct msim_connection *connection)
{
    bench_opened(&((struct dial *)context)->bench, connection);
}

static void dial_message(void *context, struct msim_connection *connection,
                         enum msim_message_kind kind, const unsigned char *bytes, size_t length)
{
    bench_message(&((struct dial *)context)->bench, connection, kind, bytes, length);
}

static int raw_listen(uint16_t *port)
{
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    int fd = raw_socket(AF_INET);

    raw_address(&address, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    *port = ntohs(address.sin_port);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

static void dial_begin(struct dial *dial)
{
    memset(dial, 0, sizeof *dial);
    bench_open(&dial->bench, NULL, 0);
    msim_listener_close(&dial->bench.listener);
    dial->door = raw_listen(&dial->port);
}

static void dial_finish(struct dial *dial)
{
    close(dial->door);
    bench_finish(&dial->bench);
}

static int dial_to(struct dial *dial, const char *url, const struct msim_connection_limits *limits)
{
    struct msim_connect_params params = MSIM_CONNECT_PARAMS_INIT;
    struct msim_detail detail = {""};

    params.url = url;
    if (limits)
        params.limits = *limits;
    params.handler.opened = dial_opened;
    params.handler.message = dial_message;
    params.handler.closed = dial_closed;
    params.context = dial;
    int r = msim_net_connect(dial->bench.net, &dial->connection, &params, &detail);
    assert_int_equal(r<0, strlen(detail.text)> 0);
    return r;
}

static void dial_own(struct dial *dial, const char *target,
                     const struct msim_connection_limits *limits)
{
    char url[256];

    snprintf(url, sizeof url, "ws://127.0.0.1:%u%s", (unsigned)dial->port, target);
    assert_int_equal(dial_to(dial, url, limits), MSIM_OK);
}

static int raw_accept(struct dial *dial)
{
    int fd = -1;

    for (int i = 0; i < PATIENCE && fd < 0; i++) {
        fd = accept(dial->door, NULL, NULL);
        if (fd < 0)
            turn(&dial->bench);
    }
    assert_true(fd >= 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

/* The client's request, as a text. */
static void raw_read_request(struct dial *dial, int fd, char *out, size_t size)
{
    size_t length = 0;

    out[0] = '\0';
    while (!strstr(out, "\r\n\r\n")) {
        assert_true(length + 1 < size);
        assert_int_equal(raw_read(&dial->bench, fd, out + length, 1), 1);
        out[++length] = '\0';
    }
}

/* The key that is asked with decides the answer: it is taken from a server of ours. */
static void raw_answer(struct dial *dial, int fd, const char *request)
{
    const char *key = strstr(request, "Sec-WebSocket-Key: ");
    struct bench server;
    char text[1024];
    char answer[256];

    assert_non_null(key);
    bench_open(&server, NULL, 0);
    int own = raw_connect(&server);
    snprintf(text, sizeof text,
             "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %.24s\r\n\r\n",
             key + 19);
    raw_say(&server, own, text);
    assert_int_equal(raw_read(&server, own, answer, strlen(RAW_ANSWER)), strlen(RAW_ANSWER));
    close(own);
    bench_finish(&server);
    raw_send(&dial->bench, fd, answer, strlen(RAW_ANSWER));
}

static int raw_accept_open(struct dial *dial)
{
    char request[1024];
    int fd = raw_accept(dial);

    raw_read_request(dial, fd, request, sizeof request);
    raw_answer(dial, fd, request);
    return fd;
}

/* A frame of the client's: unmasked, its payload compared. */
static void raw_expect_masked(struct dial *dial, int fd, unsigned first, const char *payload,
                              size_t length)
{
    unsigned char head[6];
    unsigned char came[125];

    assert_true(length <= 125);
    assert_int_equal(raw_read(&dial->bench, fd, head, 6), 6);
    assert_int_equal(head[0], first);
    assert_int_equal(head[1], 0x80 | length);
    assert_int_equal(raw_read(&dial->bench, fd, came, length), length);
    for (size_t i = 0; i < length; i++)
        assert_int_equal(came[i] ^ head[2 + i % 4], (unsigned char)payload[i]);
}

static void raw_send_unmasked(struct dial *dial, int fd, unsigned first, const char *payload,
                              size_t length)
{
    unsigned char frame[256];

    raw_send(&dial->bench, fd, frame, raw_frame(frame, first, payload, length, NULL));
}

/* ---- the handshake ---- */

static void the_request_names_what_is_asked_for(void **state)
{
    static const struct {
        const char *target;
        const char *line;
    } cases[] = {
        {"", "GET / HTTP/1.1\r\n"},
        {"/a/b?c=%20d", "GET /a/b?c=%20d HTTP/1.1\r\n"},
        {"?speed=2", "GET /?speed=2 HTTP/1.1\r\n"},
    };
    struct dial dial;

    (void)state;
    dial_begin(&dial);
    for (size_t i = 0; i < COUNT(cases); i++) {
        char request[1024];
        char host[64];
        dial_own(&dial, cases[i].target, NULL);
        int fd = raw_accept(&dial);
        raw_read_request(&dial, fd, request, sizeof request);
        snprintf(host, sizeof host, "\r\nHost: 127.0.0.1:%u\r\n", (unsigned)dial.port);
        assert_memory_equal(request, cases[i].line, strlen(cases[i].line));
        assert_non_null(strstr(request, host));
        assert_non_null(strstr(request, "\r\nUpgrade: websocket\r\n"));
        assert_non_null(strstr(request, "\r\nConnection: Upgrade\r\n"));
        assert_non_null(strstr(request, "\r\nSec-WebSocket-Version: 13\r\n"));
        close(fd);
        while (dial.connection)
            turn(&dial.bench);
    }
    dial_finish(&dial);
}

static void messages_go_both_ways_and_the_clients_are_masked(void **state)
{
    struct dial dial;

    (void)state;
    dial_begin(&dial);
    dial_own(&dial, "/", NULL);
    assert_int_equal(msim_connection_send(dial.connection, MSIM_MESSAGE_TEXT, "early", 5),
                     MSIM_ERR_STATE);
    int fd = raw_accept_open(&dial);
    until_log(&dial.bench, "opened ");
    assert_int_equal(msim_connection_send_frames(dial.connection, "\x81\x01x", 3),
                     MSIM_ERR_INVALID);
    assert_int_equal(msim_connection_send(dial.connection, MSIM_MESSAGE_TEXT, "hello", 5), MSIM_OK);
    raw_expect_masked(&dial, fd, 0x81, "hello", 5);
    raw_send_unmasked(&dial, fd, 0x82, "there", 5);
    raw_send_unmasked(&dial, fd, 0x89, "ping", 4);
    raw_expect_masked(&dial, fd, 0x8A, "ping", 4);
    raw_send_unmasked(&dial, fd, 0x88, "\x03\xE9", 2);
    raw_expect_masked(&dial, fd, 0x88, "\x03\xE9", 2);
    /* It is the server's to end the link. */
    turn(&dial.bench);
    assert_string_equal(dial.bench.log, "opened binary(there) ");
    close(fd);
    until_log(&dial.bench, "opened binary(there) closed(1001 by peer) ");
    dial_finish(&dial);
}

static void a_frame_may_come_right_behind_the_answer(void **state)
{
    char request[1024];
    struct dial dial;

    (void)state;
    dial_begin(&dial);
    dial_own(&dial, "/", NULL);
    int fd = raw_accept(&dial);
    raw_read_request(&dial, fd, request, sizeof request);
    /* No turn of the client's lies between these. */
    raw_answer(&dial, fd, request);
    raw_send_unmasked(&dial, fd, 0x81, "first", 5);
    raw_send_unmasked(&dial, fd, 0x81, "second", 6);
    until_log(&dial.bench, "opened text(first) text(second) ");
    close(fd);
    dial_finish(&dial);
}

static void a_masked_frame_of_a_server_is_closed_with_1002(void **state)
{
    unsigned char frame[64];
    struct dial dial;

    (void)state;
    dial_begin(&dial);
    dial_own(&dial, "/", NULL);
    int fd = raw_accept_open(&dial);
    raw_send(&dial.bench, fd, frame, raw_frame(frame, 0x81, "x", 1, raw_key));
    unsigned char head[8];
    assert_int_equal(raw_read(&dial.bench, fd, head, 8), 8);
    assert_int_equal(head[0], 0x88);
    assert_int_equal((head[6] ^ head[2]) << 8 | (head[7] ^ head[3]), 1002);
    close(fd);
    until_log(&dial.bench, "opened closed(1002) ");
    assert_non_null(strstr(dial.reason, "masked"));
    dial_finish(&dial);
}

/* ---- what is no WebSocket server ---- */

static void a_peer_that_is_no_websocket_server_is_named_as_such(void **state)
{
    static const struct {
        const char *answer;
        const char *words;
    } cases[] = {
        {"SSH-2.0-OpenSSH_9\r\n", "does not speak HTTP"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "200 OK"},
        {"HTTP/1.1 404 Not Found\r\n\r\n", "404 Not Found"},
        {"HTTP/1.1 301 Moved\r\nLocation: ws://other/\r\n\r\n", "redirection"},
        {RAW_ANSWER, "does not prove"},
        {"HTTP/1.1 101 x\r\nbad line\r\n\r\n", "does not speak HTTP"},
        {"", "closed the connection"},
        {"HTTP/1.1 1", "closed the connection"},
    };
    struct dial dial;

    (void)state;
    dial_begin(&dial);
    for (size_t i = 0; i < COUNT(cases); i++) {
        char request[1024];
        char name[32];
        dial.bench.log[0] = '\0';
        dial_own(&dial, "/", NULL);
        int fd = raw_accept(&dial);
        raw_read_request(&dial, fd, request, sizeof request);
        raw_say(&dial.bench, fd, cases[i].answer);
        shutdown(fd, SHUT_WR);
        until_log(&dial.bench, "closed(1006 MSIM_ERR_FORMAT ...) ");
        snprintf(name, sizeof name, "127.0.0.1:%u", (unsigned)dial.port);
        assert_non_null(strstr(dial.reason, name));
        if (!strstr(dial.reason, cases[i].words))
            fail_msg("'%s' does not say '%s'", dial.reason, cases[i].words);
        close(fd);
    }
    dial_finish(&dial);
}

static void an_answer_without_end_is_cut_off(void **state)
{
    const struct msim_connection_limits limits = {.max_head_bytes = 1000};
    static char filler[100000];
    char request[1024];
    struct dial dial;

    (void)state;
    memset(filler, 'x', sizeof filler);
    dial_begin(&dial);
    dial_own(&dial, "/", &limits);
    int fd = raw_accept(&dial);
    raw_read_request(&dial, fd, request, sizeof request);
    raw_say(&dial.bench, fd, "HTTP/1.1 101 x\r\nX: ");
    send(fd, filler, sizeof filler, MSG_NOSIGNAL);
    until_log(&dial.bench, "closed(1006 MSIM_ERR_FORMAT ...) ");
    close(fd);
    dial_finish(&dial);
}

static void a_server_that_never_answers_is_given_up(void **state)
{
    const struct msim_connection_limits limits = {.handshake_timeout = 30 * MS};
    struct dial dial;

    (void)state;
    dial_begin(&dial);
    dial_own(&dial, "/", &limits);
    int fd = raw_accept(&dial);
    until_log(&dial.bench, "closed(1006 MSIM_ERR_TIMEOUT ...) ");
    assert_non_null(strstr(dial.reason, "did not answer"));
    close(fd);
    dial_finish(&dial);
}

/* ---- links ---- */

static void a_refused_link_names_every_address_that_was_tried(void **state)
{
    struct dial dial;
    char url[64];
    char first[96];

    (void)state;
    dial_begin(&dial);
    close(dial.door);
    snprintf(url, sizeof url, "ws://localhost:%u/", (unsigned)dial.port);
    assert_int_equal(dial_to(&dial, url, NULL), MSIM_OK);
    assert_string_equal(dial.bench.log, "");
    until_log(&dial.bench, "closed(1006 MSIM_ERR_IO ...) ");
    snprintf(first, sizeof first,
             "cannot connect to localhost:%u (127.0.0.1:%u: Connection refused",
             (unsigned)dial.port, (unsigned)dial.port);
    assert_memory_equal(dial.reason, first, strlen(first));
    assert_non_null(strstr(dial.reason, "[::1]:"));
    assert_non_null(strstr(dial.reason, "is a server running there?"));
    dial.door = raw_listen(&dial.port);
    dial_finish(&dial);
}

static void the_second_address_is_tried_where_the_first_refuses(void **state)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
    socklen_t length = sizeof address;
    struct dial dial;
    char url[64];

    (void)state;
    dial_begin(&dial);
    close(dial.door);
    dial.door = raw_socket(AF_INET6);
    int r = bind(dial.door, (const struct sockaddr *)&address, sizeof address);
    if (r == 0) { /* else: a machine without IPv6 */
        listen(dial.door, 4);
        getsockname(dial.door, (struct sockaddr *)&address, &length);
        fcntl(dial.door, F_SETFL, O_NONBLOCK);
        snprintf(url, sizeof url, "ws://localhost:%u/", (unsigned)ntohs(address.sin6_port));
        assert_int_equal(dial_to(&dial, url, NULL), MSIM_OK);
        int fd = raw_accept_open(&dial);
        until_log(&dial.bench, "opened ");
        assert_memory_equal(msim_connection_peer(dial.connection), "[::1]:", 6);
        close(fd);
    }
    dial_finish(&dial);
}

static void a_bad_url_is_refused_at_once(void **state)
{
    struct dial dial;

    (void)state;
    dial_begin(&dial);
    assert_int_equal(dial_to(&dial, "http://localhost/", NULL), MSIM_ERR_INVALID);
    assert_int_equal(dial_to(&dial, "ws://localhost:99999/", NULL), MSIM_ERR_INVALID);
    assert_int_equal(dial_to(&dial, "wss://localhost:0/", NULL), MSIM_ERR_INVALID);
    assert_null(dial.connection);
    dial_finish(&dial);
}

/* A label of 64 letters: no resolver asks anybody about it. */
#define NO_NAME "ws://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example/"

static void a_name_is_looked_up_while_the_loop_goes_on(void **state)
{
    struct dial dial;

    (void)state;
    dial_begin(&dial);
    assert_int_equal(dial_to(&dial, NO_NAME, NULL), MSIM_OK);
    while (dial.connection)
        turn(&dial.bench);
    assert_non_null(strstr(dial.bench.log, "MSIM_ERR_IO"));
    dial_finish(&dial);
}

static void nobody_waits_for_a_name_that_is_not_wanted_any_more(void **state)
{
    struct dial dial;

    (void)state;
    dial_begin(&dial);
    assert_int_equal(dial_to(&dial, NO_NAME, NULL), MSIM_OK);
    msim_connection_abort(dial.connection);
    while (dial.connection)
        turn(&dial.bench);
    assert_non_null(strstr(dial.bench.log, "MSIM_ERR_CLOSED"));
    assert_int_equal(dial_to(&dial, NO_NAME, NULL), MSIM_OK);
    dial_finish(&dial); /* and the net goes while a thread is on its way */
}

static void a_client_may_be_closed_before_it_opened(void **state)
{
    struct dial dial;

    (void)state;
    dial_begin(&dial);
    dial_own(&dial, "/", NULL);
    msim_connection_close(dial.connection, 1000, "changed my mind");
    until_log(&dial.bench, "closed(1006 MSIM_ERR_CLOSED ...) ");

    dial.bench.log[0] = '\0';
    dial_own(&dial, "/", NULL);
    close(raw_accept(&dial)); /* of the first one */
    int fd = raw_accept(&dial);
    turn(&dial.bench);
    msim_connection_abort(dial.connection);
    until_log(&dial.bench, "closed(1006 MSIM_ERR_CLOSED ...) ");
    close(fd);
    dial_finish(&dial);
}

static void a_close_of_the_clients_ends_when_the_server_has_answered(void **state)
{
    struct dial dial;

    (void)state;
    dial_begin(&dial);
    dial_own(&dial, "/", NULL);
    int fd = raw_accept_open(&dial);
    until_log(&dial.bench, "opened ");
    msim_connection_close(dial.connection, 1000, "bye");
    raw_expect_masked(&dial, fd, 0x88,
                      "\x03\xE8"
                      "bye",
                      5);
    raw_send_unmasked(&dial, fd, 0x88,
                      "\x03\xE8"
                      "bye",
                      5);
    shutdown(fd, SHUT_WR);
    until_log(&dial.bench, "opened closed(1000) ");
    assert_string_equal(dial.reason, "bye");
    close(fd);
    dial_finish(&dial);
}

/* Both roles of the library against each other. */
static void a_client_of_ours_and_a_server_of_ours_understand_each_other(void **state)
{
    struct msim_connect_params params = MSIM_CONNECT_PARAMS_INIT;
    struct bench server;
    struct dial dial;
    char url[64];

    (void)state;
    dial_begin(&dial);
    bench_open(&server, NULL, 0);
    server.echoes = true;
    snprintf(url, sizeof url, "ws://localhost:%u/x", (unsigned)msim_listener_port(server.listener));
    params.url = url;
    params.handler.opened = dial_opened;
    params.handler.message = dial_message;
    params.handler.closed = dial_closed;
    params.context = &dial;
    /* Both on one net. */
    assert_int_equal(msim_net_connect(server.net, &dial.connection, &params, NULL), MSIM_OK);
    while (strlen(dial.bench.log) == 0)
        turn(&server);
    assert_int_equal(msim_connection_send(dial.connection, MSIM_MESSAGE_TEXT, "to and fro", 10),
                     MSIM_OK);
    while (!strstr(dial.bench.log, "fro"))
        turn(&server);
    msim_connection_close(dial.connection, 1000, "");
    while (!strstr(dial.bench.log, "closed"))
        turn(&server);
    assert_string_equal(dial.bench.log, "opened text(to and fro) closed(1000) ");
    until_log(&server, "opened text(to and fro) closed(1000 by peer) ");
    bench_finish(&server);
    dial_finish(&dial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_request_names_what_is_asked_for),
        cmocka_unit_test(messages_go_both_ways_and_the_clients_are_masked),
        cmocka_unit_test(a_frame_may_come_right_behind_the_answer),
        cmocka_unit_test(a_masked_frame_of_a_server_is_closed_with_1002),
        cmocka_unit_test(a_peer_that_is_no_websocket_server_is_named_as_such),
        cmocka_unit_test(an_answer_without_end_is_cut_off),
        cmocka_unit_test(a_server_that_never_answers_is_given_up),
        cmocka_unit_test(a_refused_link_names_every_address_that_was_tried),
        cmocka_unit_test(the_second_address_is_tried_where_the_first_refuses),
        cmocka_unit_test(a_bad_url_is_refused_at_once),
        cmocka_unit_test(a_name_is_looked_up_while_the_loop_goes_on),
        cmocka_unit_test(nobody_waits_for_a_name_that_is_not_wanted_any_more),
        cmocka_unit_test(a_client_may_be_closed_before_it_opened),
        cmocka_unit_test(a_close_of_the_clients_ends_when_the_server_has_answered),
        cmocka_unit_test(a_client_of_ours_and_a_server_of_ours_understand_each_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
