/*
 * HTTP beside the WebSockets, over loopback, against a peer of raw bytes.
 */
#include "bench.h"

#include <marketsim/http.h>

struct desk {
    struct bench bench;
    struct msim_listener *listener;
    struct msim_exchange *waiting;
    char log[4096];
    size_t received;
};

static void desk_note(struct desk *desk, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void desk_note(struct desk *desk, const char *format, ...)
{
    size_t at = strlen(desk->log);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(desk->log + at, sizeof desk->log - at, format, arguments);
    va_end(arguments);
}

static void answer_text(struct msim_exchange *exchange, int status, const char *text)
{
    const struct msim_http_answer answer = {
        .status = status,
        .content_type = "text/plain",
        .body = text,
        .body_length = strlen(text),
    };
    assert_int_equal(msim_exchange_answer(exchange, &answer), MSIM_OK);
}

/* ---- handlers ---- */

/* Says back what it was asked. */
static void mirror(void *context, struct msim_exchange *exchange)
{
    const struct msim_http_request *request = msim_exchange_request(exchange);
    const char *header = msim_exchange_header(exchange, "x-note");
    char text[512];

    (void)context;
    snprintf(text, sizeof text, "%s|%s|%s|%s|%s|%.*s", request->method, request->path,
             request->query, request->host, header ? header : "-", (int)request->body_length,
             (const char *)request->body);
    answer_text(exchange, 200, text);
    assert_int_equal(msim_exchange_refuse(exchange, 500, "twice"), MSIM_ERR_STATE);
}

static void wait(void *context, struct msim_exchange *exchange)
{
    struct desk *desk = context;

    assert_null(desk->waiting);
    desk->waiting = exchange;
    desk_note(desk, "waits ");
}

static void ended(void *context, struct msim_exchange *exchange)
{
    struct desk *desk = context;

    if (desk->waiting == exchange)
        desk->waiting = NULL;
    desk_note(desk, "ended ");
    assert_true(msim_exchange_refuse(exchange, 500, "too late") < 0);
}

static void count_begin(void *context, struct msim_exchange *exchange)
{
    struct desk *desk = context;

    desk->received = 0;
    msim_exchange_set_user(exchange, desk);
}

static void count_body(void *context, struct msim_exchange *exchange, const unsigned char *bytes,
                       size_t length)
{
    struct desk *desk = context;
    char text[64];

    assert_ptr_equal(msim_exchange_user(exchange), desk);
    assert_int_equal(bytes != NULL, length > 0);
    desk->received += length;
    if (length > 0)
        return;
    snprintf(text, sizeof text, "%zu bytes", desk->received);
    answer_text(exchange, 200, text);
}

static void refuse_early(void *context, struct msim_exchange *exchange)
{
    (void)context;
    assert_int_equal(msim_exchange_refuse(exchange, 403, "not \"you\""), MSIM_OK);
}

static void large(void *context, struct msim_exchange *exchange)
{
    static char text[80001];

    (void)context;
    memset(text, 'l', sizeof text - 1);
    answer_text(exchange, 200, text);
}

static const struct msim_http_handler mirror_handler = {mirror, NULL, NULL, NULL};
static const struct msim_http_handler wait_handler = {wait, NULL, NULL, ended};
static const struct msim_http_handler count_handler = {count_begin, count_body, NULL, NULL};
static const struct msim_http_handler large_handler = {large, NULL, NULL, NULL};
static const struct msim_http_handler early_handler = {refuse_early, count_body, NULL, ended};

static void desk_open(struct desk *desk)
{
    struct msim_listen_params params = MSIM_LISTEN_PARAMS_INIT;
    struct msim_detail detail = {""};

    memset(desk, 0, sizeof *desk);
    bench_open(&desk->bench, NULL, 0);
    desk->bench.echoes = true;
    const struct msim_route routes[] = {
        {.method = "GET", .path = "/mirror", .http = &mirror_handler, .context = desk},
        {.method = "POST",
         .path = "/mirror",
         .http = &mirror_handler,
         .context = desk,
         .max_body_bytes = 20},
        {.path = "/any/*", .http = &mirror_handler, .context = desk},
        {.method = "GET", .path = "/any/exact", .http = &wait_handler, .context = desk},
        {.method = "GET", .path = "/wait", .http = &wait_handler, .context = desk},
        {.method = "PUT",
         .path = "/count",
         .http = &count_handler,
         .context = desk,
         .max_body_bytes = 1000000},
        {.method = "PUT",
         .path = "/early",
         .http = &early_handler,
         .context = desk,
         .max_body_bytes = 1000000},
        {.method = "GET", .path = "/large", .http = &large_handler, .context = desk},
        {.method = "GET", .path = "/ws", .websocket = &bench_handler, .context = &desk->bench},
        {.path = "/both", .http = &mirror_handler, .context = desk},
        {.method = "GET", .path = "/both", .websocket = &bench_handler, .context = &desk->bench},
    };
    params.host = "127.0.0.1";
    params.routes = routes;
    params.route_count = COUNT(routes);
    params.limits.max_head_bytes = 2000;
    params.limits.max_backlog_bytes = 100000;
    params.limits.kernel_send_bytes = 4096;
    params.limits.message_timeout = 100 * MS;
    params.limits.handshake_timeout = 200 * MS;
    if (msim_net_listen(desk->bench.net, &desk->listener, &params, &detail) < 0)
        fail_msg("%s", detail.text);
}

static void desk_finish(struct desk *desk)
{
    bench_finish(&desk->bench);
}

static int desk_connect(struct desk *desk)
{
    return raw_connect_to(msim_listener_port(desk->listener));
}

/* One answer: its head up to the empty line, and its body by Content-Length. */
static const char *read_answer(struct desk *desk, int fd, char *out, size_t size)
{
    size_t length = 0;
    const char *end = NULL;

    out[0] = '\0';
    while (!end) {
        assert_true(length + 1 < size);
        if (raw_read(&desk->bench, fd, out + length, 1) != 1)
            fail_msg("the answer ends within its head: %s", out);
        out[++length] = '\0';
        end = strstr(out, "\r\n\r\n");
    }
    const char *field = strstr(out, "Content-Length: ");
    size_t body = field ? strtoul(field + 16, NULL, 10) : 0;
    assert_true(length + body < size);
    assert_int_equal(raw_read(&desk->bench, fd, out + length, body), body);
    out[length + body] = '\0';
    return out + length;
}

static void assert_answer(struct desk *desk, int fd, const char *status, const char *body)
{
    char text[4096];
    const char *came = read_answer(desk, fd, text, sizeof text);

    assert_memory_equal(text, "HTTP/1.1 ", 9);
    if (memcmp(text + 9, status, 3) != 0)
        fail_msg("%.12s, not %s", text, status);
    if (body)
        assert_string_equal(came, body);
}

/* ---- requests ---- */

static void requests_follow_one_another_on_one_connection(void **state)
{
    struct desk desk;

    (void)state;
    desk_open(&desk);
    int fd = desk_connect(&desk);
    for (int i = 0; i < 3; i++) {
        raw_say(&desk.bench, fd, "GET /mirror?a=%20 HTTP/1.1\r\nHost: h:1\r\nX-Note:  n \r\n\r\n");
        assert_answer(&desk, fd, "200", "GET|/mirror|a=%20|h:1|n|");
        raw_say(&desk.bench, fd,
                "POST /mirror HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody");
        assert_answer(&desk, fd, "200", "POST|/mirror||h|-|body");
        raw_say(&desk.bench, fd,
                "DELETE http://x/any/%41 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                "3\r\none\r\n4;e\r\n two\r\n0\r\nT: x\r\n\r\n");
        assert_answer(&desk, fd, "200", "DELETE|/any/A||x|-|one two");
    }
    close(fd);
    desk_finish(&desk);
}

static void requests_may_come_ahead_of_their_answers_and_cut_anywhere(void **state)
{
    static const char one[] =
        "POST /mirror HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
        "GET /mirror HTTP/1.1\r\nHost: h\r\n\r\n"
        "POST /mirror HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        "2\r\nxy\r\n0\r\n\r\n";
    struct desk desk;

    (void)state;
    desk_open(&desk);
    for (size_t step = 1; step < sizeof one; step += step < 4 ? 1 : 37) {
        int fd = desk_connect(&desk);
        for (size_t at = 0; at < sizeof one - 1; at += step) {
            size_t left = sizeof one - 1 - at;
            raw_send(&desk.bench, fd, one + at, left < step ? left : step);
            turn(&desk.bench);
        }
        assert_answer(&desk, fd, "200", "POST|/mirror||h|-|abc");
        assert_answer(&desk, fd, "200", "GET|/mirror||h|-|");
        assert_answer(&desk, fd, "200", "POST|/mirror||h|-|xy");
        close(fd);
    }

    /* Very many at once. */
    int fd = desk_connect(&desk);
    for (int i = 0; i < 100; i++)
        raw_say(&desk.bench, fd, "GET /mirror HTTP/1.1\r\nHost: h\r\n\r\n");
    for (int i = 0; i < 100; i++)
        assert_answer(&desk, fd, "200", "GET|/mirror||h|-|");
    close(fd);
    desk_finish(&desk);
}

static void a_head_is_asked_for_without_its_body(void **state)
{
    char text[1024];
    struct desk desk;

    (void)state;
    desk_open(&desk);
    int fd = desk_connect(&desk);
    raw_say(&desk.bench, fd, "HEAD /mirror HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    raw_rest(&desk.bench, fd, text, sizeof text);
    assert_non_null(strstr(text, "\r\nContent-Length: 18\r\n"));
    assert_non_null(strstr(text, "\r\nConnection: close\r\n"));
    assert_string_equal(strstr(text, "\r\n\r\n"), "\r\n\r\n");
    close(fd);
    desk_finish(&desk);
}

static void paths_and_methods_that_are_not_there_are_named(void **state)
{
    char text[1024];
    struct desk desk;

    (void)state;
    desk_open(&desk);
    int fd = desk_connect(&desk);
    raw_say(&desk.bench, fd, "GET /nowhere HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_answer(&desk, fd, "404", NULL);
    close(fd);
    fd = desk_connect(&desk);
    raw_say(&desk.bench, fd, "DELETE /mirror HTTP/1.1\r\nHost: h\r\n\r\n");
    read_answer(&desk, fd, text, sizeof text);
    assert_memory_equal(text, "HTTP/1.1 405 ", 13);
    assert_non_null(strstr(text, "\r\nAllow: GET, HEAD, POST\r\n"));
    close(fd);
    fd = desk_connect(&desk);
    raw_say(&desk.bench, fd, "GET /ws HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_answer(&desk, fd, "426", NULL);
    close(fd);
    desk_finish(&desk);
}

static void the_most_exact_path_wins_and_a_websocket_has_its_own(void **state)
{
    struct desk desk;

    (void)state;
    desk_open(&desk);
    int fd = desk_connect(&desk);
    raw_say(&desk.bench, fd, "GET /any/exact HTTP/1.1\r\nHost: h\r\n\r\n");
    while (!desk.waiting)
        turn(&desk.bench);
    answer_text(desk.waiting, 200, "late");
    assert_answer(&desk, fd, "200", "late");
    raw_say(&desk.bench, fd, "GET /any/exactly HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_answer(&desk, fd, "200", "GET|/any/exactly||h|-|");

    /* The same connection becomes a WebSocket at last, with a frame right behind. */
    unsigned char bytes[512];
    size_t length =
        (size_t)snprintf((char *)bytes, sizeof bytes, "GET /ws HTTP/1.1\r\n" RAW_UPGRADE);
    length += raw_frame(bytes + length, 0x81, "hi", 2, raw_key);
    raw_send(&desk.bench, fd, bytes, length);
    raw_expect(&desk.bench, fd, RAW_ANSWER, strlen(RAW_ANSWER));
    raw_expect_frame(&desk.bench, fd, 0x81, "hi", 2);
    close(fd);
    until_log(&desk.bench, "opened text(hi) closed(1006) ");
    desk_finish(&desk);
}

/* ---- bodies ---- */

static void a_body_in_pieces_is_counted_and_one_too_large_refused(void **state)
{
    static char zeros[70000];
    struct desk desk;

    (void)state;
    desk_open(&desk);
    int fd = desk_connect(&desk);
    raw_say(&desk.bench, fd, "PUT /count HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n");
    for (size_t left = 1000000; left > 0;) {
        size_t now = left < sizeof zeros ? left : sizeof zeros;
        raw_send(&desk.bench, fd, zeros, now);
        left -= now;
    }
    assert_answer(&desk, fd, "200", "1000000 bytes");
    raw_say(&desk.bench, fd, "PUT /count HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
    assert_answer(&desk, fd, "200", "0 bytes");
    raw_say(&desk.bench, fd, "PUT /count HTTP/1.1\r\nHost: h\r\nContent-Length: 1000001\r\n\r\n");
    assert_answer(&desk, fd, "413", NULL);
    assert_end(&desk.bench, fd);
    close(fd);

    fd = desk_connect(&desk);
    raw_say(&desk.bench, fd,
            "POST /mirror HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
            "14\r\n01234567890123456789\r\n1\r\nx");
    assert_answer(&desk, fd, "413", NULL);
    close(fd);
    fd = desk_connect(&desk);
    raw_say(&desk.bench, fd,
            "POST /mirror HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nnonsense");
    assert_answer(&desk, fd, "400", NULL);
    assert_end(&desk.bench, fd);
    close(fd);
    desk_finish(&desk);
}

static void who_waits_to_be_told_to_go_on_is_told(void **state)
{
    char text[64];
    struct desk desk;

    (void)state;
    desk_open(&desk);
    int fd = desk_connect(&desk);
    raw_say(
        &desk.bench, fd,
        "POST /mirror HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    assert_int_equal(raw_read(&desk.bench, fd, text, 25), 25);
    assert_memory_equal(text, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    raw_say(&desk.bench, fd, "body");
    assert_answer(&desk, fd, "200", "POST|/mirror||h|-|body");
    /* Not where nobody takes it: the answer is there at once. */
    raw_say(
        &desk.bench, fd,
        "POST /nowhere HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    assert_int_equal(raw_read(&desk.bench, fd, text, 12), 12);
    assert_memory_equal(text, "HTTP/1.1 404", 12);
    close(fd);
    desk_finish(&desk);
}

static void an_answer_before_the_body_ends_the_connection_cleanly(void **state)
{
    char text[1024];
    struct desk desk;

    (void)state;
    desk_open(&desk);
    int fd = desk_connect(&desk);
    raw_say(&desk.bench, fd,
            "PUT /early HTTP/1.1\r\nHost: h\r\nContent-Length: 900000\r\n\r\nsome");
    const char *body = read_answer(&desk, fd, text, sizeof text);
    assert_memory_equal(text, "HTTP/1.1 403 Forbidden\r\n", 24);
    assert_non_null(strstr(text, "\r\nContent-Type: application/problem+json\r\n"));
    assert_non_null(strstr(text, "\r\nConnection: close\r\n"));
    assert_string_equal(
        body,
        "{\"type\":\"about:blank\",\"title\":\"Forbidden\",\"status\":403,"
        "\"detail\":\"not \\\"you\\\"\",\"error\":\"not \\\"you\\\"\",\"code\":\"FORBIDDEN\"}");
    assert_end(&desk.bench, fd);
    assert_string_equal(desk.log, "ended ");
    close(fd);
    desk_finish(&desk);
}

static void a_body_that_does_not_come_is_408(void **state)
{
    struct desk desk;

    (void)state;
    desk_open(&desk);
    int fd = desk_connect(&desk);
    raw_say(&desk.bench, fd, "POST /mirror HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbo");
    assert_answer(&desk, fd, "408", NULL);
    assert_end(&desk.bench, fd);
    close(fd);

    /* A connection that was kept and brings nothing more just ends. */
    fd = desk_connect(&desk);
    raw_say(&desk.bench, fd, "GET /mirror HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_answer(&desk, fd, "200", NULL);
    assert_end(&desk.bench, fd);
    close(fd);
    desk_finish(&desk);
}

static void a_large_answer_is_whole_though_its_peer_is_slow_or_sends_no_more(void **state)
{
    const int small = 4096;
    static char came[90000];
    struct desk desk;

    (void)state;
    desk_open(&desk);
    for (int half_closed = 0; half_closed < 2; half_closed++) {
        struct sockaddr_in address;
        int fd = raw_socket(AF_INET);
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
        raw_address(&address, msim_listener_port(desk.listener));
        assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
        fcntl(fd, F_SETFL, O_NONBLOCK);
        raw_say(&desk.bench, fd, "GET /large HTTP/1.1\r\nHost: h\r\n\r\n");
        if (half_closed)
            shutdown(fd, SHUT_WR);
        size_t have = 0;
        /* Longer than a request may take (200 ms): it is not held against the answer. */
        for (int i = 0; i < PATIENCE && have < 80000; i++) {
            ssize_t length = recv(fd, came + have, 1500, 0);
            if (length == 0)
                break;
            have += length > 0 ? (size_t)length : 0;
            turn(&desk.bench);
            poll(NULL, 0, 5);
        }
        assert_true(have > 80000 - 1);
        close(fd);
    }
    desk_finish(&desk);
}

/* ---- answers ---- */

static void an_answer_may_come_later_and_what_was_sent_ahead_waits_for_it(void **state)
{
    struct desk desk;

    (void)state;
    desk_open(&desk);
    int fd = desk_connect(&desk);
    raw_say(&desk.bench, fd,
            "GET /wait HTTP/1.1\r\nHost: h\r\n\r\nGET /mirror HTTP/1.1\r\nHost: h\r\n\r\n");
    for (int i = 0; i < 20; i++)
        turn(&desk.bench);
    assert_string_equal(desk.log, "waits ");
    assert_non_null(desk.waiting);
    answer_text(desk.waiting, 202, "at last");
    assert_answer(&desk, fd, "202", "at last");
    assert_answer(&desk, fd, "200", "GET|/mirror||h|-|");
    assert_string_equal(desk.log, "waits ended ");
    close(fd);
    desk_finish(&desk);
}

static void an_exchange_ends_with_its_peer(void **state)
{
    struct desk desk;

    (void)state;
    desk_open(&desk);
    int fd = desk_connect(&desk);
    raw_say(&desk.bench, fd, "GET /wait HTTP/1.1\r\nHost: h\r\n\r\n");
    while (!desk.waiting)
        turn(&desk.bench);
    close(fd);
    while (desk.waiting)
        turn(&desk.bench);
    assert_string_equal(desk.log, "waits ended ");

    fd = desk_connect(&desk);
    raw_say(&desk.bench, fd, "GET /wait HTTP/1.1\r\nHost: h\r\n\r\n");
    while (!desk.waiting)
        turn(&desk.bench);
    msim_exchange_abort(desk.waiting);
    while (desk.waiting)
        turn(&desk.bench);
    char byte;
    assert_int_equal(recv(fd, &byte, 1, 0), -1);
    assert_int_equal(errno, ECONNRESET);
    close(fd);

    /* And with the net. */
    fd = desk_connect(&desk);
    raw_say(&desk.bench, fd, "GET /wait HTTP/1.1\r\nHost: h\r\n\r\n");
    while (!desk.waiting)
        turn(&desk.bench);
    desk_finish(&desk);
    assert_string_equal(desk.log, "waits ended waits ended waits ended ");
    close(fd);
}

static void an_answer_in_pieces_goes_in_chunks(void **state)
{
    const struct msim_http_header headers[] = {{"X-One", "1"}, {"Cache-Control", "no-store"}};
    const struct msim_http_answer answer = {
        .status = 200, .content_type = "text/csv", .headers = headers, .header_count = 2};
    char text[1024];
    struct desk desk;

    (void)state;
    desk_open(&desk);
    int fd = desk_connect(&desk);
    raw_say(&desk.bench, fd, "GET /wait HTTP/1.1\r\nHost: h\r\n\r\n");
    while (!desk.waiting)
        turn(&desk.bench);
    assert_int_equal(msim_exchange_write(desk.waiting, "x", 1), MSIM_ERR_STATE);
    assert_int_equal(msim_exchange_begin(desk.waiting, &answer), MSIM_OK);
    assert_int_equal(msim_exchange_begin(desk.waiting, &answer), MSIM_ERR_STATE);
    assert_int_equal(msim_exchange_write(desk.waiting, "one\n", 4), MSIM_OK);
    assert_int_equal(msim_exchange_write(desk.waiting, "", 0), MSIM_OK);
    read_answer(&desk, fd, text, sizeof text);
    assert_non_null(strstr(text, "\r\nTransfer-Encoding: chunked\r\n"));
    assert_non_null(strstr(text, "\r\nX-One: 1\r\nCache-Control: no-store\r\n"));
    assert_null(strstr(text, "Content-Length"));
    assert_int_equal(raw_read(&desk.bench, fd, text, 9), 9);
    assert_memory_equal(text, "4\r\none\n\r\n", 9);
    assert_int_equal(msim_exchange_write(desk.waiting, "twelve bytes", 12), MSIM_OK);
    assert_int_equal(msim_exchange_finish(desk.waiting), MSIM_OK);
    assert_int_equal(raw_read(&desk.bench, fd, text, 22), 22);
    assert_memory_equal(text, "c\r\ntwelve bytes\r\n0\r\n\r\n", 22);
    raw_say(&desk.bench, fd, "GET /mirror HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_answer(&desk, fd, "200", NULL);
    close(fd);

    /* HTTP/1.0 knows no chunks: the end of the link is the end of the answer. */
    fd = desk_connect(&desk);
    raw_say(&desk.bench, fd, "GET /wait HTTP/1.0\r\n\r\n");
    while (!desk.waiting)
        turn(&desk.bench);
    assert_int_equal(msim_exchange_begin(desk.waiting, &answer), MSIM_OK);
    assert_int_equal(msim_exchange_write(desk.waiting, "plain", 5), MSIM_OK);
    assert_int_equal(msim_exchange_finish(desk.waiting), MSIM_OK);
    raw_rest(&desk.bench, fd, text, sizeof text);
    assert_string_equal(strstr(text, "\r\n\r\n"), "\r\n\r\nplain");
    close(fd);
    desk_finish(&desk);
}

static void an_answer_in_pieces_stops_at_the_backlogs_bound(void **state)
{
    static char piece[9000];
    static char sink[65536];
    const struct msim_http_answer answer = {.status = 200};
    struct desk desk;
    int refused = 0;

    (void)state;
    desk_open(&desk);
    int fd = desk_connect(&desk);
    raw_say(&desk.bench, fd, "GET /wait HTTP/1.1\r\nHost: h\r\n\r\n");
    while (!desk.waiting)
        turn(&desk.bench);
    assert_int_equal(msim_exchange_begin(desk.waiting, &answer), MSIM_OK);
    while (refused == 0) {
        refused = msim_exchange_write(desk.waiting, piece, sizeof piece);
        turn(&desk.bench);
    }
    assert_int_equal(refused, MSIM_ERR_LIMIT);
    while (msim_exchange_write(desk.waiting, piece, sizeof piece) == MSIM_ERR_LIMIT)
        raw_read(&desk.bench, fd, sink, sizeof sink);
    assert_int_equal(msim_exchange_finish(desk.waiting), MSIM_OK);
    close(fd);
    desk_finish(&desk);
}

static void a_path_with_both_gives_the_websocket_to_those_who_ask_for_one(void **state)
{
    struct desk desk;

    (void)state;
    desk_open(&desk);
    int fd = desk_connect(&desk);
    raw_say(&desk.bench, fd, "GET /both HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_answer(&desk, fd, "200", "GET|/both||h|-|");
    raw_say(&desk.bench, fd, "GET /both HTTP/1.1\r\n" RAW_UPGRADE);
    raw_expect(&desk.bench, fd, RAW_ANSWER, strlen(RAW_ANSWER));
    until_log(&desk.bench, "opened ");
    close(fd);
    desk_finish(&desk);
}

static void answers_that_would_break_the_head_are_refused(void **state)
{
    static const struct msim_http_header bad[] = {
        {"X\r\nY", "z"}, {"X", "y\r\nZ: w"}, {"", "x"}, {"X Y", "z"}, {"X", NULL}, {NULL, "x"},
    };
    struct msim_http_answer answer = {.status = 200};
    struct desk desk;

    (void)state;
    desk_open(&desk);
    int fd = desk_connect(&desk);
    raw_say(&desk.bench, fd, "GET /wait HTTP/1.1\r\nHost: h\r\n\r\n");
    while (!desk.waiting)
        turn(&desk.bench);
    for (size_t i = 0; i < COUNT(bad); i++) {
        answer.headers = &bad[i];
        answer.header_count = 1;
        assert_int_equal(msim_exchange_answer(desk.waiting, &answer), MSIM_ERR_INVALID);
    }
    answer.header_count = 0;
    answer.content_type = "a\nb";
    assert_int_equal(msim_exchange_answer(desk.waiting, &answer), MSIM_ERR_INVALID);
    answer.content_type = NULL;
    answer.status = 101;
    assert_int_equal(msim_exchange_answer(desk.waiting, &answer), MSIM_ERR_INVALID);
    answer.status = 204;
    assert_int_equal(msim_exchange_answer(desk.waiting, &answer), MSIM_OK);
    assert_answer(&desk, fd, "204", "");
    close(fd);
    desk_finish(&desk);
}

static void routes_that_mean_nothing_are_refused(void **state)
{
    const struct msim_http_handler empty = {NULL, NULL, NULL, NULL};
    const struct msim_route bad[] = {
        {.method = "GET", .path = "relative", .http = &mirror_handler},
        {.method = "GET", .http = &mirror_handler},
        {.method = "GET", .path = "/a*", .http = &mirror_handler},
        {.method = "GET", .path = "/a/*/b", .http = &mirror_handler},
        {.method = "GET", .path = "/a"},
        {.method = "GET", .path = "/a", .http = &mirror_handler, .websocket = &bench_handler},
        {.method = "GET", .path = "/a", .http = &empty},
        {.method = "POST", .path = "/a", .websocket = &bench_handler},
    };
    struct msim_listen_params params = MSIM_LISTEN_PARAMS_INIT;
    struct msim_listener *listener = NULL;
    struct desk desk;

    (void)state;
    desk_open(&desk);
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct msim_detail detail = {""};
        params.routes = &bad[i];
        params.route_count = 1;
        assert_int_equal(msim_net_listen(desk.bench.net, &listener, &params, &detail),
                         MSIM_ERR_INVALID);
        assert_non_null(strstr(detail.text, "route 1: "));
    }
    assert_null(listener);
    desk_finish(&desk);
}

static void what_is_asked_of_no_exchange_does_no_harm(void **state)
{
    const struct msim_http_answer answer = {.status = 200};

    (void)state;
    assert_null(msim_exchange_request(NULL));
    assert_null(msim_exchange_header(NULL, "Host"));
    assert_int_equal(msim_exchange_answer(NULL, &answer), MSIM_ERR_INVALID);
    assert_int_equal(msim_exchange_begin(NULL, &answer), MSIM_ERR_INVALID);
    assert_int_equal(msim_exchange_write(NULL, "", 0), MSIM_ERR_INVALID);
    assert_int_equal(msim_exchange_finish(NULL), MSIM_ERR_INVALID);
    assert_int_equal(msim_exchange_refuse(NULL, 404, "no"), MSIM_ERR_INVALID);
    msim_exchange_abort(NULL);
    msim_exchange_set_user(NULL, NULL);
    assert_null(msim_exchange_user(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_follow_one_another_on_one_connection),
        cmocka_unit_test(requests_may_come_ahead_of_their_answers_and_cut_anywhere),
        cmocka_unit_test(a_head_is_asked_for_without_its_body),
        cmocka_unit_test(paths_and_methods_that_are_not_there_are_named),
        cmocka_unit_test(the_most_exact_path_wins_and_a_websocket_has_its_own),
        cmocka_unit_test(a_body_in_pieces_is_counted_and_one_too_large_refused),
        cmocka_unit_test(who_waits_to_be_told_to_go_on_is_told),
        cmocka_unit_test(an_answer_before_the_body_ends_the_connection_cleanly),
        cmocka_unit_test(a_body_that_does_not_come_is_408),
        cmocka_unit_test(a_large_answer_is_whole_though_its_peer_is_slow_or_sends_no_more),
        cmocka_unit_test(an_answer_may_come_later_and_what_was_sent_ahead_waits_for_it),
        cmocka_unit_test(an_exchange_ends_with_its_peer),
        cmocka_unit_test(an_answer_in_pieces_goes_in_chunks),
        cmocka_unit_test(an_answer_in_pieces_stops_at_the_backlogs_bound),
        cmocka_unit_test(answers_that_would_break_the_head_are_refused),
        cmocka_unit_test(a_path_with_both_gives_the_websocket_to_those_who_ask_for_one),
        cmocka_unit_test(routes_that_mean_nothing_are_refused),
        cmocka_unit_test(what_is_asked_of_no_exchange_does_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
