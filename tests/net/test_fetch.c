/*
 * Requests of our own over HTTP: to a listener of the library, and to a raw peer that answers as
 * it likes.
 */
#include "bench.h"

#include <marketsim/fetch.h>
#include <marketsim/http.h>

struct asked {
    struct bench bench;
    uint16_t port;
    int raw;  /* a listening socket; -1: none */
    int link; /* accepted of it */
    struct msim_fetch *fetch;
    size_t calls;
    int result;
    int status;
    char type[64];
    char body[4096];
    size_t body_length;
    char reason[256];
};

static void done(void *context, const struct msim_fetch_answer *answer)
{
    struct asked *asked = context;

    asked->calls++;
    asked->result = answer->result;
    asked->status = answer->status;
    asked->body_length = answer->body_length;
    snprintf(asked->type, sizeof asked->type, "%s", answer->content_type);
    snprintf(asked->reason, sizeof asked->reason, "%s", answer->reason);
    snprintf(asked->body, sizeof asked->body, "%.*s",
             answer->body_length < 4000 ? (int)answer->body_length : 4000,
             (const char *)answer->body);
}

/* ---- a listener of ours, which tells what it was asked ---- */

static void mirror(void *context, struct msim_exchange *exchange)
{
    const struct msim_http_request *request = msim_exchange_request(exchange);
    const char *key = msim_exchange_header(exchange, "X-API-Key");
    const char *type = msim_exchange_header(exchange, "Content-Type");
    char text[512];

    (void)context;
    int length = snprintf(text, sizeof text, "%s %s?%s key=%s type=%s body=%.*s", request->method,
                          request->path, request->query, key ? key : "none", type ? type : "none",
                          (int)request->body_length, (const char *)request->body);
    const struct msim_http_answer answer = {
        .status = strcmp(request->path, "/missing") == 0 ? 404 : 200,
        .content_type = "text/plain",
        .body = text,
        .body_length = (size_t)length,
    };
    assert_int_equal(msim_exchange_answer(exchange, &answer), MSIM_OK);
}

static void pieces(void *context, struct msim_exchange *exchange)
{
    const struct msim_http_answer answer = {.status = 201, .content_type = "text/plain"};

    (void)context;
    assert_int_equal(msim_exchange_begin(exchange, &answer), MSIM_OK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(msim_exchange_write(exchange, "piece ", 6), MSIM_OK);
    assert_int_equal(msim_exchange_finish(exchange), MSIM_OK);
}

static const struct msim_http_handler mirror_handler = {.request = mirror};
static const struct msim_http_handler pieces_handler = {.request = pieces};

static void asked_open(struct asked *asked)
{
    const struct msim_route routes[] = {
        {.path = "/pieces", .http = &pieces_handler},
        {.path = "/*", .http = &mirror_handler},
    };
    struct msim_listen_params listen = MSIM_LISTEN_PARAMS_INIT;
    struct msim_listener *listener;

    memset(asked, 0, sizeof *asked);
    bench_open(&asked->bench, NULL, 0);
    asked->raw = asked->link = -1;
    listen.routes = routes;
    listen.route_count = COUNT(routes);
    assert_int_equal(msim_net_listen(asked->bench.net, &listener, &listen, NULL), MSIM_OK);
    asked->port = msim_listener_port(listener);
}

static void asked_finish(struct asked *asked)
{
    bench_finish(&asked->bench);
    if (asked->raw >= 0)
        close(asked->raw);
    if (asked->link >= 0)
        close(asked->link);
}

static int ask_with(struct asked *asked, struct msim_fetch_params *params, const char *path)
{
    char url[128];

    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", (unsigned)asked->port, path);
    params->url = url;
    params->done = done;
    params->context = asked;
    return msim_net_fetch(asked->bench.net, &asked->fetch, params, NULL);
}

static void ask(struct asked *asked, const char *path)
{
    struct msim_fetch_params params = MSIM_FETCH_PARAMS_INIT;

    params.timeout = 20 * MSIM_NS_PER_S;
    assert_int_equal(ask_with(asked, &params, path), MSIM_OK);
}

static void until_done(struct asked *asked)
{
    for (int i = 0; i < PATIENCE && asked->calls == 0; i++)
        turn(&asked->bench);
    assert_int_equal(asked->calls, 1);
}

static void a_get_brings_the_whole_answer(void **state)
{
    struct asked asked;

    (void)state;
    asked_open(&asked);
    ask(&asked, "/a/b?c=d");
    until_done(&asked);
    assert_int_equal(asked.result, MSIM_OK);
    assert_int_equal(asked.status, 200);
    assert_string_equal(asked.type, "text/plain");
    assert_string_equal(asked.body, "GET /a/b?c=d key=none type=none body=");
    asked_finish(&asked);
}

static void a_post_sends_its_body_and_its_key(void **state)
{
    struct msim_fetch_params params = MSIM_FETCH_PARAMS_INIT;
    struct asked asked;

    (void)state;
    asked_open(&asked);
    params.method = "POST";
    params.api_key = "k-1";
    params.content_type = "application/json";
    params.body = "{\"x\":1}";
    params.body_length = 7;
    assert_int_equal(ask_with(&asked, &params, "/missing"), MSIM_OK);
    until_done(&asked);
    assert_int_equal(asked.result, MSIM_OK);
    assert_int_equal(asked.status, 404);
    assert_string_equal(asked.body, "POST /missing? key=k-1 type=application/json body={\"x\":1}");
    asked_finish(&asked);
}

static void an_answer_in_chunks_is_put_together(void **state)
{
    struct asked asked;

    (void)state;
    asked_open(&asked);
    ask(&asked, "/pieces");
    until_done(&asked);
    assert_int_equal(asked.result, MSIM_OK);
    assert_int_equal(asked.status, 201);
    assert_string_equal(asked.body, "piece piece piece ");
    asked_finish(&asked);
}

static void an_answer_to_head_has_no_body(void **state)
{
    struct msim_fetch_params params = MSIM_FETCH_PARAMS_INIT;
    struct asked asked;

    (void)state;
    asked_open(&asked);
    params.method = "HEAD";
    assert_int_equal(ask_with(&asked, &params, "/"), MSIM_OK);
    until_done(&asked);
    assert_int_equal(asked.result, MSIM_OK);
    assert_int_equal(asked.body_length, 0);
    asked_finish(&asked);
}

static void a_longer_answer_than_may_be_is_refused(void **state)
{
    struct msim_fetch_params params = MSIM_FETCH_PARAMS_INIT;
    struct asked asked;

    (void)state;
    asked_open(&asked);
    params.max_answer_bytes = 17;
    assert_int_equal(ask_with(&asked, &params, "/pieces"), MSIM_OK);
    until_done(&asked);
    assert_int_equal(asked.result, MSIM_ERR_LIMIT);
    assert_int_equal(asked.body_length, 0);
    assert_non_null(strstr(asked.reason, "too long"));
    asked_finish(&asked);
}

static void nobody_there_is_told_with_words(void **state)
{
    struct asked asked;
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    int fd = raw_socket(AF_INET);

    (void)state;
    asked_open(&asked);
    raw_address(&address, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    asked.port = ntohs(address.sin_port); /* nobody listens there */
    ask(&asked, "/");
    until_done(&asked);
    assert_int_equal(asked.result, MSIM_ERR_IO);
    assert_non_null(strstr(asked.reason, "is a server running there?"));
    close(fd);
    asked_finish(&asked);
}

/* ---- a raw peer ---- */

static void raw_listen(struct asked *asked)
{
    struct sockaddr_in address;
    socklen_t length = sizeof address;

    asked->raw = raw_socket(AF_INET);
    raw_address(&address, 0);
    assert_int_equal(bind(asked->raw, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(asked->raw, 1), 0);
    assert_int_equal(fcntl(asked->raw, F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(getsockname(asked->raw, (struct sockaddr *)&address, &length), 0);
    asked->port = ntohs(address.sin_port);
}

/* Answers with these bytes, one by one, and then ends the link. */
static void raw_answer(struct asked *asked, const char *bytes, bool ends)
{
    raw_listen(asked);
    ask(asked, "/");
    for (int i = 0; i < PATIENCE && asked->link < 0; i++) {
        turn(&asked->bench);
        asked->link = accept(asked->raw, NULL, NULL);
    }
    assert_true(asked->link >= 0);
    assert_int_equal(fcntl(asked->link, F_SETFL, O_NONBLOCK), 0);
    for (const char *at = bytes; *at && asked->calls == 0; at++) {
        ssize_t sent = send(asked->link, at, 1, MSG_NOSIGNAL);
        if (sent < 0)
            break; /* it has heard enough */
        turn(&asked->bench);
    }
    if (ends)
        shutdown(asked->link, SHUT_WR);
    until_done(asked);
}

static void answers_are_read_however_they_are_framed(void **state)
{
    static const struct {
        const char *bytes;
        bool ends;
        int result;
        int status;
        const char *body;
    } answers[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", false, MSIM_OK, 200, "hello"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false, MSIM_OK, 200, ""},
        {"HTTP/1.1 204 No Content\r\n\r\n", false, MSIM_OK, 204, ""},
        {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx", false, MSIM_OK,
         200, "x"},
        {"HTTP/1.0 200 OK\r\n\r\nto the end", true, MSIM_OK, 200, "to the end"},
        {"HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: r\r\n\r\n",
         false, MSIM_OK, 503, "abc"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", true, MSIM_ERR_FORMAT, 200, ""},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", false, MSIM_ERR_FORMAT, 200,
         ""},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", false,
         MSIM_ERR_FORMAT, 0, ""},
        {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", false,
         MSIM_ERR_FORMAT, 0, ""},
        {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", false,
         MSIM_ERR_FORMAT, 0, ""},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", false, MSIM_ERR_FORMAT, 0,
         ""},
        {"HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", false, MSIM_ERR_FORMAT, 0, ""},
        {"HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\n", false, MSIM_ERR_FORMAT, 0, ""},
        {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", false, MSIM_ERR_FORMAT, 0, ""},
        {"HTTP/1.1 304 Same\r\nContent-Length: 5\r\n\r\n", false, MSIM_OK, 304, ""},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc", false, MSIM_ERR_FORMAT,
         200, ""},
        {"SSH-2.0-OpenSSH\r\n", false, MSIM_ERR_FORMAT, 0, ""},
        {"", true, MSIM_ERR_FORMAT, 0, ""},
        {"HTTP/1.1 200 OK\r\nX: ", true, MSIM_ERR_FORMAT, 0, ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(answers); i++) {
        struct asked asked;
        asked_open(&asked);
        raw_answer(&asked, answers[i].bytes, answers[i].ends);
        assert_int_equal(asked.result, answers[i].result);
        assert_int_equal(asked.status, answers[i].status);
        assert_string_equal(asked.body, answers[i].body);
        assert_int_equal(asked.reason[0] != '\0', answers[i].result < 0);
        asked_finish(&asked);
    }
}

static void silence_ends_with_the_time_out(void **state)
{
    struct msim_fetch_params params = MSIM_FETCH_PARAMS_INIT;
    struct asked asked;

    (void)state;
    asked_open(&asked);
    raw_listen(&asked);
    params.timeout = 50 * MS;
    assert_int_equal(ask_with(&asked, &params, "/"), MSIM_OK);
    until_done(&asked);
    assert_int_equal(asked.result, MSIM_ERR_TIMEOUT);
    asked_finish(&asked);
}

static void one_that_is_cancelled_is_not_heard_of(void **state)
{
    struct asked asked;

    (void)state;
    asked_open(&asked);
    ask(&asked, "/");
    msim_fetch_cancel(&asked.fetch);
    assert_null(asked.fetch);
    for (int i = 0; i < 50; i++)
        turn(&asked.bench);
    assert_int_equal(asked.calls, 0);
    asked_finish(&asked);
}

static void the_end_of_the_net_is_told(void **state)
{
    struct asked asked;

    (void)state;
    asked_open(&asked);
    raw_listen(&asked);
    ask(&asked, "/");
    turn(&asked.bench);
    asked_finish(&asked);
    assert_int_equal(asked.calls, 1);
    assert_int_equal(asked.result, MSIM_ERR_CLOSED);
    assert_string_equal(asked.reason, "the net has gone");
}

static void bad_parameters_are_refused_at_once(void **state)
{
    static const char *const urls[] = {"ws://localhost/", "localhost", "http://",    "http://a b/",
                                       "http://u@h/",     "https:/x",  "http://h:0/"};
    struct msim_fetch_params params = MSIM_FETCH_PARAMS_INIT;
    struct msim_detail detail = {""};
    struct asked asked;

    (void)state;
    asked_open(&asked);
    params.done = done;
    for (size_t i = 0; i < COUNT(urls); i++) {
        params.url = urls[i];
        assert_int_equal(msim_net_fetch(asked.bench.net, NULL, &params, &detail), MSIM_ERR_INVALID);
        assert_non_null(strstr(detail.text, "HTTP URL"));
    }
    params.url = "http://localhost/";
    params.method = "GET / HTTP/1.1\r\n";
    assert_int_equal(msim_net_fetch(asked.bench.net, NULL, &params, NULL), MSIM_ERR_INVALID);
    params.method = "CONNECT";
    assert_int_equal(msim_net_fetch(asked.bench.net, NULL, &params, NULL), MSIM_ERR_INVALID);
    params.method = NULL;
    params.content_type = "text\r\nX: y";
    assert_int_equal(msim_net_fetch(asked.bench.net, NULL, &params, NULL), MSIM_ERR_INVALID);
    params.content_type = NULL;
    params.body_length = 1;
    assert_int_equal(msim_net_fetch(asked.bench.net, NULL, &params, NULL), MSIM_ERR_INVALID);
    params.body_length = 0;
    params.size = 1;
    assert_int_equal(msim_net_fetch(asked.bench.net, NULL, &params, NULL), MSIM_ERR_INVALID);
    asked_finish(&asked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_get_brings_the_whole_answer),
        cmocka_unit_test(a_post_sends_its_body_and_its_key),
        cmocka_unit_test(an_answer_in_chunks_is_put_together),
        cmocka_unit_test(an_answer_to_head_has_no_body),
        cmocka_unit_test(a_longer_answer_than_may_be_is_refused),
        cmocka_unit_test(nobody_there_is_told_with_words),
        cmocka_unit_test(answers_are_read_however_they_are_framed),
        cmocka_unit_test(silence_ends_with_the_time_out),
        cmocka_unit_test(one_that_is_cancelled_is_not_heard_of),
        cmocka_unit_test(the_end_of_the_net_is_told),
        cmocka_unit_test(bad_parameters_are_refused_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
