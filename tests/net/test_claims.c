/*
 * What a client says of itself: headers, a key, a signature, to a server that asks for them.
 */
#include "bench.h"

#include <marketsim/access.h>
#include <marketsim/dialer.h>

static const char keys[] = "plain name=plain\n"
                           "signer secret=s3cret name=signer\n";

struct claims {
    struct bench bench;
    struct msim_access *access;
    struct msim_listener *listener;
    char seen[1024]; /* name of the caller, target, and the headers that were asked for */
    size_t requests;
    struct msim_closing closing;
    size_t opened;
    size_t closed;
};

static const char *or_dash(const char *text)
{
    return text ? text : "-";
}

static int look(void *context, struct msim_connection *connection,
                const struct msim_request *request)
{
    struct claims *claims = context;

    claims->requests++;
    snprintf(claims->seen, sizeof claims->seen, "%s %s?%s %s %s %s",
             msim_connection_caller(connection)->name, request->path, request->query,
             or_dash(msim_request_header(request, "X-Robot")),
             or_dash(msim_request_header(request, "Authorization")), or_dash(request->origin));
    return 0;
}

static void greet(void *context, struct msim_connection *connection)
{
    (void)context;
    assert_int_equal(msim_connection_send(connection, MSIM_MESSAGE_TEXT, "hi", 2), MSIM_OK);
    msim_connection_close(connection, MSIM_CLOSE_GOING_AWAY, "");
}

static void note_opened(void *context, struct msim_connection *connection)
{
    (void)connection;
    ((struct claims *)context)->opened++;
}

static void note_closed(void *context, struct msim_connection *connection,
                        const struct msim_closing *closing)
{
    struct claims *claims = context;

    (void)connection;
    claims->closing = *closing;
    claims->closed++;
}

static void begin(struct claims *claims, const char *text)
{
    struct msim_access_params guard = MSIM_ACCESS_PARAMS_INIT;
    struct msim_listen_params params = MSIM_LISTEN_PARAMS_INIT;

    memset(claims, 0, sizeof *claims);
    bench_open(&claims->bench, NULL, 0);
    guard.keys = text;
    guard.keys_length = strlen(text);
    assert_int_equal(msim_access_create(&claims->access, &guard, NULL), MSIM_OK);
    params.host = "127.0.0.1";
    params.handler.request = look;
    params.handler.opened = greet;
    params.context = claims;
    params.access = claims->access;
    assert_int_equal(msim_net_listen(claims->bench.net, &claims->listener, &params, NULL), MSIM_OK);
}

static void end(struct claims *claims)
{
    msim_access_destroy(&claims->access);
    bench_finish(&claims->bench);
}

static struct msim_connect_params params_for(struct claims *claims, char url[128],
                                             const char *target)
{
    struct msim_connect_params params = MSIM_CONNECT_PARAMS_INIT;

    snprintf(url, 128, "ws://127.0.0.1:%u%s", (unsigned)msim_listener_port(claims->listener),
             target);
    params.url = url;
    params.handler.opened = note_opened;
    params.handler.closed = note_closed;
    params.context = claims;
    return params;
}

static void await_closed(struct claims *claims, size_t count)
{
    for (int i = 0; i < PATIENCE && claims->closed < count; i++)
        turn(&claims->bench);
    assert_int_equal(claims->closed, count);
}

/* Connects to the target and waits for the end. */
static void go(struct claims *claims, const char *target, const char *key, const char *secret)
{
    char url[128];
    struct msim_connect_params params = params_for(claims, url, target);

    params.api_key = key;
    params.api_secret = secret;
    claims->opened = claims->closed = claims->requests = 0;
    assert_int_equal(msim_net_connect(claims->bench.net, NULL, &params, NULL), MSIM_OK);
    await_closed(claims, 1);
}

static void a_key_lets_a_client_in(void **state)
{
    struct claims claims;

    (void)state;
    begin(&claims, keys);
    go(&claims, "/a?b=c", "plain", NULL);
    assert_int_equal(claims.opened, 1);
    assert_string_equal(claims.seen, "plain /a?b=c - - -");
    go(&claims, "/", "other", NULL);
    assert_int_equal(claims.opened, 0);
    assert_int_equal(claims.closing.failure, MSIM_ERR_FORMAT);
    go(&claims, "/", NULL, NULL);
    assert_int_equal(claims.opened, 0);
    end(&claims);
}

static void a_secret_signs_every_kind_of_target(void **state)
{
    static const char *const targets[] = {"", "/", "?", "?x=1", "/a%20b/c?x=1&y=%2F", "/a?"};
    struct claims claims;

    (void)state;
    begin(&claims, keys);
    for (size_t i = 0; i < COUNT(targets); i++) {
        go(&claims, targets[i], "signer", "s3cret");
        if (claims.opened != 1)
            fail_msg("'%s': %s", targets[i], claims.seen);
        assert_memory_equal(claims.seen, "signer ", 7);
    }
    go(&claims, "/wrong", "signer", "secret");
    assert_int_equal(claims.opened, 0);
    assert_int_equal(claims.requests, 0);
    end(&claims);
}

static void headers_arrive_as_they_were_given(void **state)
{
    const struct msim_http_header headers[] = {
        {"X-Robot", "one two"}, {"Authorization", "Bearer plain"}, {"Origin", "http://127.0.0.1"}};
    struct claims claims;
    char url[128];

    (void)state;
    begin(&claims, keys);
    struct msim_connect_params params = params_for(&claims, url, "/");
    snprintf(url, sizeof url, "ws://127.0.0.1:%u/", (unsigned)msim_listener_port(claims.listener));
    params.headers = headers;
    params.header_count = 2;
    assert_int_equal(msim_net_connect(claims.bench.net, NULL, &params, NULL), MSIM_OK);
    await_closed(&claims, 1);
    assert_string_equal(claims.seen, "plain /? one two Bearer plain -");
    assert_int_equal(claims.opened, 1);
    /* An origin that is not the server's own. */
    params.header_count = 3;
    assert_int_equal(msim_net_connect(claims.bench.net, NULL, &params, NULL), MSIM_OK);
    await_closed(&claims, 2);
    assert_int_equal(claims.opened, 1);
    end(&claims);
}

static void refuse(struct claims *claims, const struct msim_connect_params *params, int expected,
                   const char *words)
{
    struct msim_detail detail = {""};

    assert_int_equal(msim_net_connect(claims->bench.net, NULL, params, &detail), expected);
    if (!strstr(detail.text, words))
        fail_msg("'%s' is not in '%s'", words, detail.text);
}

static void a_header_cannot_smuggle_anything_into_the_request(void **state)
{
    static const struct {
        struct msim_http_header header;
        const char *words;
    } bad[] = {
        {{"X-A", "b\r\nX-API-Key: plain"}, "that no header can have"},
        {{"X-A", "b\nc"}, "that no header can have"},
        {{"X-A", "b\x7f"}, "that no header can have"},
        {{"X-A: b\r\nX-B", "c"}, "'?'"},
        {{"X A", "b"}, "'X A'"},
        {{"X-A:", "b"}, "'X-A:'"},
        {{"", "b"}, "that no header can have"},
        {{NULL, "b"}, "that no header can have"},
        {{"X-A", NULL}, "'X-A'"},
        {{"host", "elsewhere"}, "'host' is the handshake's own"},
        {{"Connection", "close"}, "own"},
        {{"UPGRADE", "h2c"}, "own"},
        {{"Content-Length", "5"}, "own"},
        {{"Transfer-Encoding", "chunked"}, "own"},
        {{"Sec-WebSocket-Key", "x"}, "own"},
        {{"sec-websocket-protocol", "x"}, "own"},
    };
    struct claims claims;
    char url[128];

    (void)state;
    begin(&claims, keys);
    struct msim_connect_params params = params_for(&claims, url, "/");
    params.url = url;
    for (size_t i = 0; i < COUNT(bad); i++) {
        params.headers = &bad[i].header;
        params.header_count = 1;
        refuse(&claims, &params, MSIM_ERR_INVALID, bad[i].words);
    }
    end(&claims);
}

static void headers_are_bounded(void **state)
{
    struct msim_http_header many[MSIM_CONNECT_MAX_HEADERS + 1];
    char large[MSIM_CONNECT_MAX_HEADER_BYTES + 1];
    struct claims claims;
    char url[128];

    (void)state;
    begin(&claims, keys);
    struct msim_connect_params params = params_for(&claims, url, "/");
    params.url = url;
    for (size_t i = 0; i < COUNT(many); i++)
        many[i] = (struct msim_http_header){"X-A", ""};
    params.headers = many;
    params.header_count = COUNT(many);
    refuse(&claims, &params, MSIM_ERR_LIMIT, "more than 64 headers");
    memset(large, 'a', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    many[0].value = large;
    params.header_count = 1;
    refuse(&claims, &params, MSIM_ERR_LIMIT, "more than 8192 bytes");
    /* As much as may be leaves, in as many lines as may be. */
    large[sizeof large - 1 - 3 * (size_t)MSIM_CONNECT_MAX_HEADERS - 5] = '\0';
    params.header_count = MSIM_CONNECT_MAX_HEADERS;
    params.api_key = "plain";
    assert_int_equal(msim_net_connect(claims.bench.net, NULL, &params, NULL), MSIM_OK);
    await_closed(&claims, 1);
    assert_int_equal(claims.opened, 1);
    end(&claims);
}

static void a_key_is_checked_like_those_of_a_file(void **state)
{
    const struct msim_http_header twice = {"x-api-key", "plain"};
    struct claims claims;
    char url[128];

    (void)state;
    begin(&claims, keys);
    struct msim_connect_params params = params_for(&claims, url, "/");
    params.url = url;
    params.api_key = "a b";
    refuse(&claims, &params, MSIM_ERR_INVALID, "visible ASCII");
    params.api_key = "";
    refuse(&claims, &params, MSIM_ERR_INVALID, "visible ASCII");
    params.api_key = "a\r\nHost: b";
    refuse(&claims, &params, MSIM_ERR_INVALID, "visible ASCII");
    params.api_key = NULL;
    params.api_secret = "s";
    refuse(&claims, &params, MSIM_ERR_INVALID, "belongs to a key");
    params.api_key = "plain";
    params.api_secret = NULL;
    params.headers = &twice;
    params.header_count = 1;
    refuse(&claims, &params, MSIM_ERR_INVALID, "said by the key already");
    end(&claims);
}

/* ---- a dialer's ---- */

static bool three_times(void *context, const struct msim_closing *closing, msim_time wait)
{
    (void)closing;
    (void)wait;
    return ((struct claims *)context)->closed < 3;
}

static void a_dialer_signs_each_attempt_anew(void **state)
{
    struct msim_dialer_params dial = MSIM_DIALER_PARAMS_INIT;
    struct msim_dialer *dialer = NULL;
    struct claims claims;
    char url[128];
    char name[] = "X-Robot";
    char value[] = "again";
    char key[] = "signer";
    char secret[] = "s3cret";
    struct msim_http_header header = {name, value};

    (void)state;
    begin(&claims, keys);
    dial.connect = params_for(&claims, url, "/x");
    dial.connect.headers = &header;
    dial.connect.header_count = 1;
    dial.connect.api_key = key;
    dial.connect.api_secret = secret;
    dial.first_wait = 4 * MS;
    dial.longest_wait = 4 * MS;
    dial.again = three_times;
    assert_int_equal(msim_dialer_create(claims.bench.net, &dialer, &dial, NULL), MSIM_OK);
    /* All of it was copied. */
    memset(url, 'x', sizeof url);
    memset(name, 'x', sizeof name);
    memset(value, 'x', sizeof value);
    memset(key, 'x', sizeof key);
    memset(secret, 'x', sizeof secret);
    header = (struct msim_http_header){NULL, NULL};
    await_closed(&claims, 3);
    assert_int_equal(claims.opened, 3);
    assert_int_equal(claims.requests, 3);
    assert_string_equal(claims.seen, "signer /x? again - -");
    end(&claims);
}

static void a_dialer_refuses_what_a_connection_would(void **state)
{
    const struct msim_http_header header = {"Host", "a"};
    struct msim_dialer_params dial = MSIM_DIALER_PARAMS_INIT;
    struct msim_dialer *dialer = NULL;
    struct claims claims;
    char url[128];

    (void)state;
    begin(&claims, keys);
    dial.connect = params_for(&claims, url, "/");
    dial.connect.headers = &header;
    dial.connect.header_count = 1;
    assert_int_equal(msim_dialer_create(claims.bench.net, &dialer, &dial, NULL), MSIM_ERR_INVALID);
    dial.connect.header_count = SIZE_MAX;
    assert_int_equal(msim_dialer_create(claims.bench.net, &dialer, &dial, NULL), MSIM_ERR_LIMIT);
    dial.connect.headers = NULL;
    dial.connect.header_count = 1;
    assert_int_equal(msim_dialer_create(claims.bench.net, &dialer, &dial, NULL), MSIM_ERR_INVALID);
    assert_null(dialer);
    end(&claims);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_lets_a_client_in),
        cmocka_unit_test(a_secret_signs_every_kind_of_target),
        cmocka_unit_test(headers_arrive_as_they_were_given),
        cmocka_unit_test(a_header_cannot_smuggle_anything_into_the_request),
        cmocka_unit_test(headers_are_bounded),
        cmocka_unit_test(a_key_is_checked_like_those_of_a_file),
        cmocka_unit_test(a_dialer_signs_each_attempt_anew),
        cmocka_unit_test(a_dialer_refuses_what_a_connection_would),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
