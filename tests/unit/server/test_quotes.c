/*
 * The quotes server with clients in the same process: one loop each, stepped in turn.
 */
#define _GNU_SOURCE /* memmem */
#include "check.h"

#include <marketsim/marketsim.h>

#include <stdio.h>
#include <string.h>

enum { PATIENCE = 20000, NAMES_IN_A_MESSAGE = 8192, MESSAGES = 16 };

struct bench {
    struct msim_quotes_server *server;
    struct msim_net *net;
    struct msim_connection *client;
    bool is_open;
    size_t subscribed;
    size_t refused;
    size_t trades;
};

static void opened(void *context, struct msim_connection *connection)
{
    struct bench *bench = context;

    (void)connection;
    bench->is_open = true;
}

static bool has(const unsigned char *bytes, size_t length, const char *words)
{
    return memmem(bytes, length, words, strlen(words)) != NULL;
}

static void take_message(void *context, struct msim_connection *connection,
                         enum msim_message_kind kind, const unsigned char *bytes, size_t length)
{
    struct bench *bench = context;

    (void)connection;
    (void)kind;
    bench->subscribed += has(bytes, length, "subscribed to");
    bench->refused += has(bytes, length, "too many symbols");
    bench->trades += has(bytes, length, "\"ev\":\"T\"");
}

static void step(struct bench *bench)
{
    int r = msim_quotes_server_dispatch(bench->server, 0);
    if (r < 0)
        fail_msg("%s", msim_quotes_server_detail(bench->server));
    assert_true(msim_net_dispatch(bench->net, 1) >= 0);
}

static void until(struct bench *bench, const size_t *count, size_t least)
{
    for (int i = 0; i < PATIENCE && *count < least; i++)
        step(bench);
    assert_int_equal(*count < least ? *count : least, least);
}

static void start(struct bench *bench)
{
    struct msim_quotes_server_params params = MSIM_QUOTES_SERVER_PARAMS_INIT;
    struct msim_mock_params mock = MSIM_MOCK_PARAMS_INIT;
    struct msim_net_params net_params = MSIM_NET_PARAMS_INIT;
    struct msim_detail detail = {""};

    *bench = (struct bench){0};
    mock.symbols = msim_mock_default_symbols(&mock.symbol_count);
    mock.interval = MSIM_NS_PER_MS;
    assert_int_equal(msim_source_mock(&params.source, &mock, &detail), MSIM_OK);
    params.start = mock.start;
    params.protocol = MSIM_QUOTES_POLYGON;
    params.wait_clients = 2;
    params.max_backlog_bytes = (size_t)64 << 20;
    if (msim_quotes_server_create(&bench->server, &params, &detail) < 0)
        fail_msg("%s", detail.text);
    assert_int_equal(msim_net_create(&bench->net, &net_params, &detail), MSIM_OK);
}

static struct msim_connection *join(struct bench *bench)
{
    struct msim_connect_params params = MSIM_CONNECT_PARAMS_INIT;
    struct msim_connection *connection = NULL;
    struct msim_detail detail = {""};
    char url[64];

    snprintf(url, sizeof url, "ws://localhost:%u",
             (unsigned)msim_quotes_server_port(bench->server));
    params.url = url;
    params.handler.opened = opened;
    params.handler.message = take_message;
    params.context = bench;
    bench->is_open = false;
    if (msim_net_connect(bench->net, &connection, &params, &detail) < 0)
        fail_msg("%s", detail.text);
    for (int i = 0; i < PATIENCE && !bench->is_open; i++)
        step(bench);
    assert_true(bench->is_open);
    return connection;
}

static void say(struct bench *bench, const char *text)
{
    assert_int_equal(msim_connection_send(bench->client, MSIM_MESSAGE_TEXT, text, strlen(text)),
                     MSIM_OK);
}

/* Names that no symbol of the source has. */
static void wish_for_nonsense(struct bench *bench, int message)
{
    static char text[NAMES_IN_A_MESSAGE * 16 + 64];
    size_t at = (size_t)snprintf(text, sizeof text, "{\"action\":\"subscribe\",\"params\":\"");

    for (int i = 0; i < NAMES_IN_A_MESSAGE; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%sT.N%d", i > 0 ? "," : "",
                               message * NAMES_IN_A_MESSAGE + i);
    snprintf(text + at, sizeof text - at, "\"}");
    say(bench, text);
}

static void wishes_without_end_take_no_room_from_the_market(void **state)
{
    struct bench bench;

    (void)state;
    start(&bench);
    bench.client = join(&bench);
    say(&bench, "{\"action\":\"auth\",\"params\":\"any\"}");
    for (int i = 0; i < MESSAGES; i++) {
        wish_for_nonsense(&bench, i);
        until(&bench, &bench.subscribed, (size_t)(i + 1) * NAMES_IN_A_MESSAGE);
    }
    say(&bench, "{\"action\":\"subscribe\",\"params\":\"T.ONEMORE,T.*\"}");
    until(&bench, &bench.refused, 1);
    /* The market opens, and none of its symbols was known before. */
    join(&bench);
    until(&bench, &bench.trades, 20);
    msim_net_destroy(&bench.net);
    msim_quotes_server_destroy(&bench.server);
}

struct recorder {
    size_t records;
    size_t room;
};

static int record(void *context, const struct msim_record *record)
{
    struct recorder *recorder = context;

    (void)record;
    return recorder->records++ < recorder->room ? MSIM_OK : MSIM_ERR_LIMIT;
}

/* At full speed a client without room is waited for; a recorder without room is a failure. */
static void a_recording_that_has_no_room_ends_the_market_at_any_speed(void **state)
{
    struct msim_quotes_server_params params = MSIM_QUOTES_SERVER_PARAMS_INIT;
    struct msim_mock_params mock = MSIM_MOCK_PARAMS_INIT;
    struct msim_quotes_server *server = NULL;
    struct recorder recorder = {.room = 100};
    struct msim_detail detail = {""};
    int r = MSIM_OK;

    (void)state;
    mock.symbols = msim_mock_default_symbols(&mock.symbol_count);
    assert_int_equal(msim_source_mock(&params.source, &mock, &detail), MSIM_OK);
    params.start = mock.start;
    params.speed = (struct msim_speed){1, 0};
    params.record = record;
    params.context = &recorder;
    if (msim_quotes_server_create(&server, &params, &detail) < 0)
        fail_msg("%s", detail.text);
    for (int i = 0; i < PATIENCE && r >= 0; i++)
        r = msim_quotes_server_dispatch(server, 1);
    assert_int_equal(r, MSIM_ERR_LIMIT);
    assert_int_equal(recorder.records, recorder.room + 1);
    msim_quotes_server_destroy(&server);
}

static void what_is_asked_of_no_server_does_no_harm(void **state)
{
    struct msim_quotes_stats stats = {.clients = 7};

    (void)state;
    assert_int_equal(msim_quotes_server_fd(NULL), MSIM_ERR_INVALID);
    assert_int_equal(msim_quotes_server_dispatch(NULL, 0), MSIM_ERR_INVALID);
    assert_string_equal(msim_quotes_server_detail(NULL), "");
    assert_int_equal(msim_quotes_server_port(NULL), 0);
    assert_null(msim_quotes_server_net(NULL));
    msim_quotes_server_stop(NULL);
    msim_quotes_server_stats(NULL, &stats);
    assert_int_equal(stats.clients, 7);
    msim_quotes_server_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wishes_without_end_take_no_room_from_the_market),
        cmocka_unit_test(a_recording_that_has_no_room_ends_the_market_at_any_speed),
        cmocka_unit_test(what_is_asked_of_no_server_does_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
