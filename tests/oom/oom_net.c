/*
 * Memory that fails: for what the net's owner asks, and for what its peers cause.  The
 * former is refused whole, the latter costs the one connection that needed it.
 */
#define _GNU_SOURCE /* sockets */
#include "net/bench.h"

#include <marketsim/access.h>
#include <marketsim/assets.h>
#include <marketsim/fetch.h>
#include <marketsim/form.h>
#include <marketsim/hub.h>

#include "failing.h"

static int create_net(const struct msim_allocator *allocator, struct msim_net **net)
{
    struct msim_net_params params = MSIM_NET_PARAMS_INIT;

    params.allocator = allocator;
    return msim_net_create(net, &params, NULL);
}

static int attempt_create(const struct msim_allocator *allocator, void *context)
{
    struct msim_net *net = NULL;

    (void)context;
    int r = create_net(allocator, &net);
    assert_int_equal(net != NULL, r == MSIM_OK);
    msim_net_destroy(&net);
    return r;
}

static void ignore(void *context, struct msim_exchange *exchange)
{
    (void)context;
    (void)exchange;
}

static int attempt_listen(const struct msim_allocator *allocator, void *context)
{
    static const struct msim_http_handler handler = {.request = ignore};
    static const struct msim_route routes[] = {
        {.method = "GET", .path = "/a/*", .http = &handler},
        {.path = "/b", .websocket = &bench_handler},
    };
    static const char *const origins[] = {"http://a"};
    static const struct msim_cors cors = {
        .path = "/a/*", .origins = origins, .origin_count = 1, .headers = "X-A"};
    struct msim_listen_params params = MSIM_LISTEN_PARAMS_INIT;
    struct msim_listener *listener = NULL;
    struct msim_net *net = NULL;

    (void)context;
    params.routes = routes;
    params.route_count = COUNT(routes);
    params.cors = &cors;
    params.cors_count = 1;
    int r = create_net(allocator, &net);
    if (r == MSIM_OK) {
        r = msim_net_listen(net, &listener, &params, NULL);
        assert_int_equal(listener != NULL, r == MSIM_OK);
    }
    msim_net_destroy(&net);
    return r;
}

static int attempt_connect(const struct msim_allocator *allocator, void *context)
{
    struct msim_connect_params params = MSIM_CONNECT_PARAMS_INIT;
    struct msim_connection *connection = NULL;
    struct msim_net *net = NULL;

    params.url = context;
    int r = create_net(allocator, &net);
    if (r == MSIM_OK) {
        r = msim_net_connect(net, &connection, &params, NULL);
        assert_int_equal(connection != NULL, r == MSIM_OK);
    }
    msim_net_destroy(&net);
    return r;
}

static void note(void *context, const struct msim_fetch_answer *answer)
{
    (void)context;
    (void)answer;
}

/* A request that is given up before it is answered, and one that the net's end takes with it. */
static int attempt_fetch(const struct msim_allocator *allocator, void *context)
{
    struct msim_fetch_params params = MSIM_FETCH_PARAMS_INIT;
    struct msim_fetch *fetch = NULL;
    struct msim_net *net = NULL;

    params.url = context;
    params.method = "POST";
    params.body = "{}";
    params.body_length = 2;
    params.content_type = "application/json";
    params.api_key = "a-key-of-some-length";
    params.api_secret = "quiet";
    params.done = note;
    int r = create_net(allocator, &net);
    if (r == MSIM_OK) {
        r = msim_net_fetch(net, &fetch, &params, NULL);
        assert_int_equal(fetch != NULL, r == MSIM_OK);
        msim_fetch_cancel(&fetch);
    }
    if (r == MSIM_OK)
        r = msim_net_fetch(net, NULL, &params, NULL);
    msim_net_destroy(&net);
    return r;
}

static int attempt_assets(const struct msim_allocator *allocator, void *context)
{
    static const struct msim_asset asset = {.path = "a", .bytes = "a", .length = 1};
    struct msim_assets_params params = MSIM_ASSETS_PARAMS_INIT;
    struct msim_assets *assets = NULL;

    params.allocator = allocator;
    params.folder = context;
    params.assets = context ? NULL : &asset;
    params.asset_count = context ? 0 : 1;
    int r = msim_assets_create(&assets, &params, NULL);
    assert_int_equal(assets != NULL, r == MSIM_OK);
    msim_assets_destroy(&assets);
    return r;
}

static int attempt_access(const struct msim_allocator *allocator, void *context)
{
    static const char *const names[] = {"http://a", "b"};
    static const struct msim_access_rule rules[] = {{"GET", "/a/*", MSIM_ROLE_NONE}};
    struct msim_access_params params = MSIM_ACCESS_PARAMS_INIT;
    struct msim_access *access = NULL;

    (void)context;
    params.allocator = allocator;
    params.origins = params.hosts = names;
    params.origin_count = params.host_count = COUNT(names);
    params.rules = rules;
    params.rule_count = COUNT(rules);
    params.keys = "one secret=a\ntwo name=b\nthree";
    params.keys_length = strlen(params.keys);
    int r = msim_access_create(&access, &params, NULL);
    assert_int_equal(access != NULL, r == MSIM_OK);
    msim_access_destroy(&access);
    return r;
}

/* What a guest needs, and what a signature that is remembered does. */
static int attempt_guest(const struct msim_allocator *allocator, void *context)
{
    struct msim_access_params params = MSIM_ACCESS_PARAMS_INIT;
    struct msim_listen_params listen = MSIM_LISTEN_PARAMS_INIT;
    struct failing *failing = allocator->context;
    struct msim_listener *listener = NULL;
    struct msim_net_stats stats;
    struct bench bench;

    (void)context;
    size_t fail_at = failing->fail_at;
    failing->fail_at = SIZE_MAX;
    bench_open(&bench, NULL, 0);
    params.allocator = allocator;
    assert_int_equal(msim_access_create(&listen.access, &params, NULL), MSIM_OK);
    listen.host = "127.0.0.1";
    assert_int_equal(msim_net_listen(bench.net, &listener, &listen, NULL), MSIM_OK);
    failing->calls = 0;
    failing->fail_at = fail_at;
    int fd = raw_connect_to(msim_listener_port(listener));
    for (int i = 0; i < 5; i++)
        turn(&bench);
    msim_net_stats(bench.net, &stats);
    close(fd);
    msim_access_destroy(&listen.access);
    bench_finish(&bench);
    return stats.accepted == 1 ? MSIM_OK : MSIM_ERR_NOMEM;
}

static int attempt_multipart(const struct msim_allocator *allocator, void *context)
{
    struct msim_multipart_params params = MSIM_MULTIPART_PARAMS_INIT;
    struct msim_multipart *multipart = NULL;

    (void)context;
    params.allocator = allocator;
    params.content_type = "multipart/form-data; boundary=b";
    int r = msim_multipart_create(&multipart, &params, NULL);
    assert_int_equal(multipart != NULL, r == MSIM_OK);
    msim_multipart_destroy(&multipart);
    return r;
}

static void nothing(void *context, int fd)
{
    (void)context;
    (void)fd;
}

static int attempt_watch(const struct msim_allocator *allocator, void *context)
{
    struct msim_net *net = NULL;

    int r = create_net(allocator, &net);
    if (r == MSIM_OK)
        r = msim_net_watch(net, *(const int *)context, nothing, NULL);
    msim_net_destroy(&net);
    return r;
}

static int attempt_topic(const struct msim_allocator *allocator, void *context)
{
    struct msim_topic_params params = MSIM_TOPIC_PARAMS_INIT;
    struct msim_topic *topic = NULL;
    struct msim_net *net = NULL;

    (void)context;
    int r = create_net(allocator, &net);
    if (r == MSIM_OK) {
        r = msim_topic_create(net, &topic, &params);
        assert_int_equal(topic != NULL, r == MSIM_OK);
    }
    msim_net_destroy(&net);
    return r;
}

static void a_net_is_made_whole_or_not_at_all(void **state)
{
    int ends[2];

    (void)state;
    FAIL_EACH_ALLOCATION(attempt_create, NULL);
    FAIL_EACH_ALLOCATION(attempt_listen, NULL);
    FAIL_EACH_ALLOCATION(attempt_topic, NULL);
    FAIL_EACH_ALLOCATION(attempt_assets, NULL);
    FAIL_EACH_ALLOCATION(attempt_assets, (void *)(uintptr_t) "/");
    FAIL_EACH_ALLOCATION(attempt_multipart, NULL);
    FAIL_EACH_ALLOCATION(attempt_access, NULL);
    FAIL_EACH_ALLOCATION(attempt_guest, NULL);
    assert_int_equal(pipe(ends), 0);
    FAIL_EACH_ALLOCATION(attempt_watch, &ends[0]);
    close(ends[0]);
    close(ends[1]);
}

static void a_client_is_made_whole_or_not_at_all(void **state)
{
    struct bench server;
    char url[64];

    (void)state;
    bench_open(&server, NULL, 0);
    snprintf(url, sizeof url, "ws://127.0.0.1:%u/", (unsigned)msim_listener_port(server.listener));
    FAIL_EACH_ALLOCATION(attempt_connect, url);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/",
             (unsigned)msim_listener_port(server.listener));
    FAIL_EACH_ALLOCATION(attempt_fetch, url);
    bench_finish(&server);
}

/* What a peer makes the server do: open, a message in pieces, a ping, a mistake. */
static void play(struct bench *bench, int fd)
{
    static const char request[] = "GET / HTTP/1.1\r\n" RAW_UPGRADE;
    static const unsigned char zeros[3000];
    unsigned char frames[8192];
    char sink[65536];
    size_t length = 0;

    length += raw_frame(frames, 0x02, zeros, 2000, raw_key);
    length += raw_frame(frames + length, 0x89, "ping", 4, raw_key);
    length += raw_frame(frames + length, 0x80, zeros, 3000, raw_key);
    length += raw_frame(frames + length, 0x83, "wrong", 5, raw_key);

    /* The request in two halves: what came first must be kept. */
    send(fd, request, sizeof request / 2, MSG_NOSIGNAL);
    turn(bench);
    turn(bench);
    send(fd, request + sizeof request / 2, sizeof request - 1 - sizeof request / 2, MSG_NOSIGNAL);
    turn(bench);
    for (size_t at = 0; at < length; at += 700) {
        send(fd, frames + at, length - at < 700 ? length - at : 700, MSG_NOSIGNAL);
        turn(bench);
    }
    raw_read(bench, fd, sink, sizeof sink);
}

static void what_a_peer_causes_costs_that_peer_alone(void **state)
{
    struct failing failing = {.fail_at = SIZE_MAX};
    const struct msim_allocator allocator = failing_allocator(&failing);
    bool failed = true;
    struct bench bench;

    (void)state;
    bench_open_with(&bench, NULL, 0, &allocator);
    bench.echoes = false;
    int honest = raw_open(&bench);
    struct msim_connection *first = bench.last;
    size_t resting = failing.blocks;
    for (size_t more = 0; failed; more++) {
        int fd = raw_connect(&bench);
        failing.fail_at = failing.calls + more;
        play(&bench, fd);
        failed = failing.calls > failing.fail_at;
        failing.fail_at = SIZE_MAX;
        close(fd);
        for (int i = 0; i < 3; i++)
            turn(&bench);
        /* All is given back but for one spare frame context; a spare buffer may go with it. */
        assert_in_range(failing.blocks, resting - 1, resting + 1);

        bench.log[0] = '\0';
        raw_send_frame(&bench, honest, 0x81, "still here", 10);
        until_log(&bench, "text(still here) ");
        assert_int_equal(msim_connection_send(first, MSIM_MESSAGE_TEXT, "yes", 3), MSIM_OK);
        raw_expect_frame(&bench, honest, 0x81, "yes", 3);
        resting = failing.blocks;
        assert_true(more < 100);
    }
    close(honest);
    bench_finish(&bench);
    assert_int_equal(failing.blocks, 0);
    assert_int_equal(failing.bytes, 0);
}

static void greet(void *context, struct msim_exchange *exchange)
{
    (void)context;
    /* It may fail for want of memory; then the peer waits, and goes. */
    if (msim_exchange_refuse(exchange, 404, "nothing") < 0)
        msim_exchange_abort(exchange);
}

static void a_request_without_memory_ends_its_connection_alone(void **state)
{
    static const char request[] =
        "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\nabc\r\n0\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\nOrigin: http://a\r\n\r\n"
        "GET /none HTTP/1.1\r\nHost: a\r\n\r\n";
    static const char *const origins[] = {"http://a"};
    static const struct msim_cors cors = {.origins = origins, .origin_count = 1};
    static const struct msim_http_handler handler = {.request = greet};
    static const struct msim_route route = {.path = "/x", .http = &handler};
    struct failing failing = {.fail_at = SIZE_MAX};
    const struct msim_allocator allocator = failing_allocator(&failing);
    struct msim_listen_params params = MSIM_LISTEN_PARAMS_INIT;
    struct msim_listener *listener;
    bool failed = true;
    struct bench bench;

    (void)state;
    bench_open_with(&bench, NULL, 0, &allocator);
    params.routes = &route;
    params.route_count = 1;
    params.cors = &cors;
    params.cors_count = 1;
    params.host = "127.0.0.1";
    assert_int_equal(msim_net_listen(bench.net, &listener, &params, NULL), MSIM_OK);
    size_t resting = failing.blocks;
    for (size_t more = 0; failed; more++) {
        int fd = raw_connect_to(msim_listener_port(listener));
        failing.fail_at = failing.calls + more;
        send(fd, request, 80, MSG_NOSIGNAL);
        turn(&bench);
        turn(&bench);
        send(fd, request + 80, sizeof request - 1 - 80, MSG_NOSIGNAL);
        for (int i = 0; i < 5; i++)
            turn(&bench);
        failed = failing.calls > failing.fail_at;
        failing.fail_at = SIZE_MAX;
        close(fd);
        for (int i = 0; i < 5; i++)
            turn(&bench);
        assert_int_equal(failing.blocks, resting);
        assert_true(more < 100);
    }
    bench_finish(&bench);
    assert_int_equal(failing.blocks, 0);
}

static void a_send_without_memory_queues_nothing(void **state)
{
    struct failing failing = {.fail_at = SIZE_MAX};
    const struct msim_allocator allocator = failing_allocator(&failing);
    static const unsigned char payload[100000];
    struct bench bench;

    (void)state;
    bench_open_with(&bench, NULL, 0, &allocator);
    int fd = raw_open(&bench);
    failing.fail_at = failing.calls;
    assert_int_equal(msim_connection_send(bench.last, MSIM_MESSAGE_BINARY, payload, sizeof payload),
                     MSIM_ERR_NOMEM);
    assert_int_equal(msim_connection_backlog(bench.last), 0);
    assert_int_equal(msim_connection_queued(bench.last), 0);
    failing.fail_at = SIZE_MAX;
    assert_int_equal(msim_connection_send(bench.last, MSIM_MESSAGE_BINARY, payload, sizeof payload),
                     MSIM_OK);
    raw_expect_frame(&bench, fd, 0x82, payload, sizeof payload);
    close(fd);
    bench_finish(&bench);
    assert_int_equal(failing.blocks, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_net_is_made_whole_or_not_at_all),
        cmocka_unit_test(a_client_is_made_whole_or_not_at_all),
        cmocka_unit_test(what_a_peer_causes_costs_that_peer_alone),
        cmocka_unit_test(a_request_without_memory_ends_its_connection_alone),
        cmocka_unit_test(a_send_without_memory_queues_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
