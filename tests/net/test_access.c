/*
 * Who may come in: hosts, origins, keys, signatures, rates, addresses.
 */
#include "bench.h"

#include <marketsim/access.h>

/* Made with Python's hmac: key s3cret, NOW unless said otherwise. */
#define NOW "1700000000000"
#define GET_PLAIN "eefdce4cd4e71e7cf64a4f39e7153bcb9273b4ac1ef9fbf898063f183678cb23"
#define GET_QUERY "3dc907a0ceda1e9d1bde69751a5e010fecf6b5b68e8a4f881618ac4f43cba7fe"
#define POST_BODY "851a539a157834ebca3b1d8ddfec9ea274dee5b931317afef40778639ef8b73d"
#define POST_OLD "6b6d942f3ea77ea07b560874634a301a685a29285bf535ba072f1fbe2c014fa3"
#define POST_AHEAD "566d22b3b4a515702ed5cb82fd67ff5c2b7d0a479c72685bc91a9769b7bd289f"
#define SECONDS "9ad291182d8fdbeae55fe113b3123f87819a042ebdb8161b2ee533e3a772087a"
#define UPGRADE "e599d93a3a30ff7d8bb3d2050feca2140caf82ba127914442a2a02190d296a81"
#define WRONG_KEY "f3c49da010fcf5854543947ec00a88da4ef5ca8033a0828eb5181f2b4a9f2e52"
#define PIECES "ead1b96188aa21de2a23f86e8d0963c0f509e96aefc176533618da499a516e65"

#define SIGNED_AT(time, signature) \
    "X-API-Key: signer\r\nX-Timestamp: " time "\r\nX-Signature: " signature "\r\n"
#define SIGNED(signature) SIGNED_AT(NOW, signature)

static const char keys[] = "# who there is\n"
                           "\n"
                           "plain name=plain account=alice\r\n"
                           "signer\tsecret=s3cret name=signer role=trader\n"
                           "viewer role=viewer\n"
                           "chief role=admin";

struct gate {
    struct bench bench;
    struct msim_access *access;
    struct msim_listener *listener;
    msim_time now;
    size_t pieces;
    size_t bodies;
    char answer[4096];
};

static msim_time wall_clock(void *context)
{
    return ((struct gate *)context)->now;
}

static void name_caller(void *context, struct msim_exchange *exchange)
{
    const struct msim_caller *caller = msim_exchange_caller(exchange);
    char text[128];

    (void)context;
    snprintf(text, sizeof text, "%s|%s|%d|%d|%zu", caller ? caller->name : "?",
             caller ? caller->account : "?", caller ? (int)caller->role : -1,
             caller ? caller->has_key : -1, msim_exchange_request(exchange)->body_length);
    const struct msim_http_answer answer = {
        .status = 200, .content_type = "text/plain", .body = text, .body_length = strlen(text)};
    assert_int_equal(msim_exchange_answer(exchange, &answer), MSIM_OK);
}

static void begin_pieces(void *context, struct msim_exchange *exchange)
{
    (void)exchange;
    ((struct gate *)context)->pieces++;
}

static void take_pieces(void *context, struct msim_exchange *exchange, const unsigned char *bytes,
                        size_t length)
{
    struct gate *gate = context;

    (void)bytes;
    if (length > 0)
        return;
    gate->bodies++;
    name_caller(context, exchange);
}

static const struct msim_http_handler naming = {.request = name_caller};
static const struct msim_http_handler in_pieces = {.request = begin_pieces, .body = take_pieces};

static int look_at_caller(void *context, struct msim_connection *connection,
                          const struct msim_request *request)
{
    const struct msim_caller *caller = msim_connection_caller(connection);

    (void)context;
    (void)request;
    return caller && caller->role >= MSIM_ROLE_VIEWER ? 0 : 500;
}

static const struct msim_connection_handler sockets = {.request = look_at_caller};

static const char *const robots[] = {"https://robot.example"};

static const struct msim_access_rule rules[] = {
    {NULL, "/open", MSIM_ROLE_NONE},
    {NULL, "/admin/*", MSIM_ROLE_ADMIN},
    {"POST", "/api/*", MSIM_ROLE_TRADER},
};

static struct msim_access_params gate_params(struct gate *gate)
{
    struct msim_access_params params = MSIM_ACCESS_PARAMS_INIT;

    params.rules = rules;
    params.rule_count = COUNT(rules);
    params.wall_clock = wall_clock;
    params.context = gate;
    return params;
}

static struct msim_access_params gate_params_with_keys(struct gate *gate)
{
    struct msim_access_params params = gate_params(gate);

    params.keys = keys;
    params.keys_length = strlen(keys);
    return params;
}

static void gate_open(struct gate *gate, const struct msim_access_params *guard, size_t most)
{
    struct msim_listen_params params = MSIM_LISTEN_PARAMS_INIT;
    struct msim_detail detail = {""};
    const struct msim_route routes[] = {
        {.path = "/api/a", .http = &naming, .context = gate},
        {.path = "/open", .http = &naming, .context = gate},
        {.path = "/admin/x", .http = &naming, .context = gate},
        {.path = "/healthz", .http = &naming, .context = gate},
        {.method = "PUT", .path = "/pieces", .http = &in_pieces, .context = gate},
        {.path = "/ws", .websocket = &sockets, .context = gate},
        {.path = "/cors", .http = &naming, .context = gate},
    };
    const struct msim_cors cors = {.path = "/cors", .origins = robots, .origin_count = 1};

    memset(gate->answer, 0, sizeof gate->answer);
    gate->access = NULL;
    gate->pieces = gate->bodies = 0;
    gate->now = INT64_C(1700000000) * MSIM_NS_PER_S;
    bench_open(&gate->bench, NULL, most);
    if (msim_access_create(&gate->access, guard, &detail) < 0)
        fail_msg("%s", detail.text);
    params.host = "127.0.0.1";
    params.routes = routes;
    params.route_count = COUNT(routes);
    params.cors = &cors;
    params.cors_count = 1;
    params.access = gate->access;
    if (msim_net_listen(gate->bench.net, &gate->listener, &params, &detail) < 0)
        fail_msg("%s", detail.text);
}

static void gate_finish(struct gate *gate)
{
    /* The listener keeps it as long as it needs it. */
    msim_access_destroy(&gate->access);
    bench_finish(&gate->bench);
}

static int status_of(const struct gate *gate)
{
    assert_int_equal(strncmp(gate->answer, "HTTP/1.1 ", 9), 0);
    return (int)strtol(gate->answer + 9, NULL, 10);
}

/* One request on a connection of its own: "GET /api/a", its lines, its body. */
static int ask(struct gate *gate, const char *line, const char *lines, const char *body)
{
    char request[2048];

    snprintf(request, sizeof request, "%s HTTP/1.1\r\nConnection: close\r\n%s%s\r\n%s", line,
             strstr(lines, "Host: ") ? "" : "Host: localhost\r\n", lines, body);
    int fd = raw_connect_to(msim_listener_port(gate->listener));
    raw_say(&gate->bench, fd, request);
    raw_rest(&gate->bench, fd, gate->answer, sizeof gate->answer);
    close(fd);
    return status_of(gate);
}

/* A handshake; 101 leaves and closes it. */
static int knock(struct gate *gate, const char *target, const char *lines)
{
    char request[2048];

    snprintf(request, sizeof request,
             "GET %s HTTP/1.1\r\n%s%sUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " RAW_KEY "\r\n\r\n",
             target, strstr(lines, "Host: ") ? "" : "Host: localhost:80\r\n", lines);
    int fd = raw_connect_to(msim_listener_port(gate->listener));
    raw_say(&gate->bench, fd, request);
    assert_int_equal(raw_read(&gate->bench, fd, gate->answer, 12), 12);
    gate->answer[12] = '\0';
    close(fd);
    return status_of(gate);
}

static const char *body_of(const struct gate *gate)
{
    const char *end = strstr(gate->answer, "\r\n\r\n");

    assert_non_null(end);
    return end + 4;
}

/* ---- hosts and origins ---- */

static void a_page_that_points_its_name_at_this_machine_is_kept_out(void **state)
{
    static const char *const own[] = {"market.lan", "box:99"};
    static const struct {
        const char *host;
        int status;
    } cases[] = {
        {"localhost", 200},      {"LOCALHOST:1", 200},     {"a.localhost:8", 200},
        {"127.0.0.1:8765", 200}, {"127.9.9.9", 200},       {"[::1]:80", 200},
        {"[::1]", 200},          {"192.168.0.7", 200},     {"market.lan", 200},
        {"Market.LAN:80", 200},  {"box:99", 200},          {"box:98", 403},
        {"evil.example", 403},   {"evil.example:80", 403}, {"localhost.evil.example", 403},
        {"evillocalhost", 403},  {"127.0.0.1.evil", 403},  {"[::1", 403},
        {"[evil.example]", 403}, {"1.2.3", 403},
    };
    struct gate *gate = calloc(1, sizeof *gate);
    char lines[100];

    (void)state;
    assert_non_null(gate);
    struct msim_access_params params = gate_params(gate);
    params.hosts = own;
    params.host_count = COUNT(own);
    gate_open(gate, &params, 0);
    for (size_t i = 0; i < COUNT(cases); i++) {
        snprintf(lines, sizeof lines, "Host: %s\r\n", cases[i].host);
        if (ask(gate, "GET /api/a", lines, "") != cases[i].status)
            fail_msg("%s: %s", cases[i].host, gate->answer);
        int expected = cases[i].status == 200 ? 101 : cases[i].status;
        if (knock(gate, "/ws", lines) != expected)
            fail_msg("%s: %s", cases[i].host, gate->answer);
    }
    /* The absolute form replaces the Host. */
    assert_int_equal(ask(gate, "GET http://evil.example/api/a", "", ""), 403);
    assert_int_equal(ask(gate, "GET http://localhost/api/a", "Host: evil.example\r\n", ""), 200);
    gate_finish(gate);
    free(gate);
}

static void pages_of_other_origins_are_kept_out(void **state)
{
    static const struct {
        const char *host;
        const char *origin;
        int status;
    } cases[] = {
        {"localhost:80", "http://localhost", 101},
        {"localhost:8765", "http://localhost:8765", 101},
        {"localhost:8765", "https://LOCALHOST:8765", 101},
        {"localhost", "https://localhost:443", 101},
        {"[::1]:8765", "http://[::1]:8765", 101},
        {"localhost:8765", "https://robot.example", 101},
        {"localhost:8765", "http://localhost:8766", 403},
        {"localhost:8765", "http://localhost", 403},
        {"localhost:8765", "http://127.0.0.1:8765", 403},
        {"localhost:8765", "http://robot.example", 403},
        {"localhost:8765", "http://evil.example", 403},
        {"localhost:8765", "null", 403},
        {"localhost:8765", "localhost:8765", 403},
        {"localhost:8765", "", 403},
    };
    struct gate *gate = calloc(1, sizeof *gate);
    char lines[200];

    (void)state;
    assert_non_null(gate);
    struct msim_access_params params = gate_params(gate);
    params.origins = robots;
    params.origin_count = 1;
    gate_open(gate, &params, 0);
    for (size_t i = 0; i < COUNT(cases); i++) {
        snprintf(lines, sizeof lines, "Host: %s\r\nOrigin: %s\r\n", cases[i].host, cases[i].origin);
        if (knock(gate, "/ws", lines) != cases[i].status)
            fail_msg("%s at %s: %s", cases[i].origin, cases[i].host, gate->answer);
    }
    assert_int_equal(knock(gate, "/ws", ""), 101);
    assert_int_equal(knock(gate, "/ws", "Origin: http://a\r\nOrigin: http://a\r\n"), 400);
    assert_int_equal(ask(gate, "POST /api/a", "Origin: http://evil.example\r\n", ""), 403);
    gate_finish(gate);

    const char *const all[] = {"*"};
    params.origins = all;
    gate_open(gate, &params, 0);
    assert_int_equal(knock(gate, "/ws", "Origin: null\r\n"), 101);
    gate_finish(gate);

    /* Where CORS lets it in, the guard does as well. */
    params.origin_count = 0;
    params.keys = keys;
    params.keys_length = strlen(keys);
    gate_open(gate, &params, 0);
    assert_int_equal(
        ask(gate, "GET /cors", "Origin: https://robot.example\r\nX-API-Key: plain\r\n", ""), 200);
    assert_int_equal(ask(gate, "GET /cors", "Origin: https://robot.example\r\n", ""), 401);
    assert_non_null(strstr(gate->answer, "Access-Control-Allow-Origin: https://robot.example\r\n"));
    assert_int_equal(ask(gate, "OPTIONS /cors",
                         "Origin: https://robot.example\r\nAccess-Control-Request-Method: GET\r\n",
                         ""),
                     204);
    assert_int_equal(
        ask(gate, "GET /api/a", "Origin: https://robot.example\r\nX-API-Key: plain\r\n", ""), 403);
    gate_finish(gate);
    free(gate);
}

/* ---- keys ---- */

static void a_key_with_a_secret_says_what_is_missing(void **state)
{
    struct gate *gate = calloc(1, sizeof *gate);

    (void)state;
    assert_non_null(gate);
    struct msim_access_params params = gate_params_with_keys(gate);
    gate_open(gate, &params, 0);
    for (int i = 0; i < 2; i++) {
        const char *lines = i ? "X-API-Key: signer\r\nX-Timestamp: 1\r\n" : "X-API-Key: signer\r\n";
        assert_int_equal(ask(gate, "GET /api/a", lines, ""), 401);
        assert_non_null(
            strstr(gate->answer, "this key has a secret: send X-Timestamp and X-Signature"));
    }
    gate_finish(gate);
    free(gate);
}

static void a_key_says_who_asks_and_what_they_may(void **state)
{
    static const struct {
        const char *line;
        const char *lines;
        int status;
        const char *body;
    } cases[] = {
        {"GET /api/a", "X-API-Key: plain\r\n", 200, "plain|alice|2|1|0"},
        {"GET /api/a", "Authorization: bearer plain\r\n", 200, "plain|alice|2|1|0"},
        {"GET /api/a", "X-API-Key: viewer\r\n", 200, "||1|1|0"},
        {"POST /api/a", "X-API-Key: viewer\r\n", 403, NULL},
        {"POST /api/a", "X-API-Key: plain\r\n", 200, "plain|alice|2|1|0"},
        {"GET /admin/x", "X-API-Key: plain\r\n", 403, NULL},
        {"GET /admin/x", "X-API-Key: chief\r\n", 200, "||3|1|0"},
        {"GET /api/a", "", 401, NULL},
        {"GET /api/a", "X-API-Key:\r\n", 401, NULL},
        {"GET /api/a", "X-API-Key: plai\r\n", 401, NULL},
        {"GET /api/a", "X-API-Key: plainn\r\n", 401, NULL},
        {"GET /api/a", "X-API-Key: PLAIN\r\n", 401, NULL},
        {"GET /api/a", "X-API-Key: #\r\n", 401, NULL},
        {"GET /api/a", "X-API-Key: plain\r\nX-API-Key: plain\r\n", 401, NULL},
        {"GET /api/a", "Authorization: Basic plain\r\n", 401, NULL},
        {"GET /api/a", "X-API-Key: signer\r\n", 401, NULL},
        {"GET /api/a?api_key=plain", "", 401, NULL},
        {"GET /nowhere", "", 401, NULL},
        {"GET /nowhere", "X-API-Key: plain\r\n", 404, NULL},
        {"GET /open", "", 200, "||0|0|0"},
        {"GET /open", "X-API-Key: nonsense\r\n", 200, "||0|0|0"},
        {"GET /healthz", "", 200, "||0|0|0"},
    };
    struct gate *gate = calloc(1, sizeof *gate);

    (void)state;
    assert_non_null(gate);
    struct msim_access_params params = gate_params_with_keys(gate);
    gate_open(gate, &params, 0);
    assert_int_equal(msim_access_key_count(gate->access), 4);
    for (size_t i = 0; i < COUNT(cases); i++) {
        int status = ask(gate, cases[i].line, cases[i].lines, "");
        if (status != cases[i].status)
            fail_msg("%s %s: %s", cases[i].line, cases[i].lines, gate->answer);
        if (cases[i].body)
            assert_string_equal(body_of(gate), cases[i].body);
        if (status == 401)
            assert_non_null(strstr(gate->answer, "\r\nWWW-Authenticate: Bearer realm="));
    }
    assert_int_equal(knock(gate, "/ws", ""), 401);
    assert_int_equal(knock(gate, "/ws", "X-API-Key: viewer\r\n"), 101);
    assert_int_equal(knock(gate, "/ws?session=a&api_key=vi%65wer", ""), 101);
    assert_int_equal(knock(gate, "/ws?api_key=viewe", ""), 401);
    gate_finish(gate);
    free(gate);
}

static void without_keys_everybody_may_everything(void **state)
{
    struct gate *gate = calloc(1, sizeof *gate);

    (void)state;
    assert_non_null(gate);
    const struct msim_access_params params = gate_params(gate);
    gate_open(gate, &params, 0);
    assert_int_equal(ask(gate, "POST /admin/x", "X-API-Key: any\r\nContent-Length: 2\r\n", "ab"),
                     200);
    assert_string_equal(body_of(gate), "||3|0|2");
    assert_int_equal(knock(gate, "/ws", ""), 101);
    gate_finish(gate);
    free(gate);
}

static void other_keys_count_from_the_next_request_on(void **state)
{
    struct gate *gate = calloc(1, sizeof *gate);
    struct msim_detail detail = {""};
    char text[1024];

    (void)state;
    assert_non_null(gate);
    struct msim_access_params params = gate_params_with_keys(gate);
    gate_open(gate, &params, 0);
    int fd = raw_connect_to(msim_listener_port(gate->listener));
    raw_say(&gate->bench, fd,
            "GET /api/a HTTP/1.1\r\nHost: localhost\r\nX-API-Key: viewer\r\n\r\n");
    assert_int_equal(raw_read(&gate->bench, fd, text, 12), 12);
    assert_memory_equal(text, "HTTP/1.1 200", 12);
    assert_int_equal(msim_access_set_keys(gate->access, "new x", 5, &detail), MSIM_ERR_FORMAT);
    assert_non_null(strstr(detail.text, "line 1"));
    assert_int_equal(msim_access_set_keys(gate->access, "# none\n", 7, NULL), MSIM_ERR_FORMAT);
    assert_int_equal(ask(gate, "GET /api/a", "X-API-Key: plain\r\n", ""), 200);
    assert_int_equal(msim_access_set_keys(gate->access, "new", 3, &detail), MSIM_OK);
    assert_int_equal(ask(gate, "GET /api/a", "X-API-Key: plain\r\n", ""), 401);
    assert_int_equal(ask(gate, "GET /api/a", "X-API-Key: new\r\n", ""), 200);
    close(fd);
    gate_finish(gate);
    free(gate);
}

/* ---- signatures ---- */

static void a_signature_is_over_timestamp_method_path_and_body(void **state)
{
    static const char body[] = "{\"q\":1}";
    static const struct {
        const char *line;
        const char *lines;
        const char *body;
        int status;
    } cases[] = {
        {"GET /api/a", SIGNED(GET_PLAIN), "", 200},
        {"GET /api/a?x=%201", SIGNED(GET_PLAIN), "", 200},
        {"GET /api/a?x=%201", SIGNED(GET_QUERY), "", 200},
        {"GET /api/a?x=%202", SIGNED(GET_QUERY), "", 401},
        {"GET /api/a", SIGNED(GET_QUERY), "", 401},
        {"HEAD /api/a", SIGNED(GET_PLAIN), "", 401},
        {"GET /api/%61", SIGNED(GET_PLAIN), "", 401},
        {"GET /api/a", SIGNED(WRONG_KEY), "", 401},
        {"GET /api/a", SIGNED_AT("1700000001.25", SECONDS), "", 200},
        {"GET /api/a", SIGNED_AT("1700000001.2", SECONDS), "", 401},
        {"GET /api/a", SIGNED_AT("17000000000000", GET_PLAIN), "", 401},
        {"GET /api/a", SIGNED_AT("", GET_PLAIN), "", 401},
        {"GET /api/a", SIGNED_AT("now", GET_PLAIN), "", 401},
        {"GET /api/a", SIGNED_AT("999999999999999999999", GET_PLAIN), "", 401},
        {"GET /api/a", SIGNED("00"), "", 401},
        {"GET /api/a", SIGNED("zz" GET_PLAIN), "", 401},
        {"POST /api/a", SIGNED(POST_BODY) "Content-Length: 7\r\n", body, 200},
        /* The same once more: somebody heard it. */
        {"POST /api/a", SIGNED(POST_BODY) "Content-Length: 7\r\n", body, 401},
        {"POST /api/a", SIGNED_AT("1700000005000", POST_AHEAD) "Transfer-Encoding: chunked\r\n",
         "3\r\n{\"q\r\n4\r\n\":1}\r\n0\r\n\r\n", 200},
        {"POST /api/a", SIGNED_AT("1700000005000", POST_AHEAD) "Content-Length: 7\r\n", "{\"q\":2}",
         401},
        {"POST /api/a", SIGNED_AT("1699999994999", POST_OLD) "Content-Length: 7\r\n", body, 401},
        {"GET /api/a", SIGNED(GET_PLAIN), "", 200},
    };
    struct gate *gate = calloc(1, sizeof *gate);

    (void)state;
    assert_non_null(gate);
    struct msim_access_params params = gate_params_with_keys(gate);
    gate_open(gate, &params, 0);
    for (size_t i = 0; i < COUNT(cases); i++)
        if (ask(gate, cases[i].line, cases[i].lines, cases[i].body) != cases[i].status)
            fail_msg("%zu %s: %s", i, cases[i].line, gate->answer);

    assert_int_equal(knock(gate, "/ws?api_key=signer&timestamp=" NOW "&signature=" UPGRADE, ""),
                     101);
    assert_int_equal(knock(gate, "/ws?api_key=signer&timestamp=" NOW "&signature=" UPGRADE, ""),
                     401);
    assert_int_equal(knock(gate, "/ws?api_key=signer", ""), 401);
    assert_int_equal(knock(gate, "/ws", SIGNED(UPGRADE)), 401);
    gate_finish(gate);

    gate_open(gate, &params, 0);
    assert_int_equal(knock(gate, "/ws?session=a", SIGNED(UPGRADE)), 101);
    /* Out of the window either way. */
    gate->now += 5 * MSIM_NS_PER_S;
    assert_int_equal(ask(gate, "GET /api/a", SIGNED(GET_PLAIN), ""), 200);
    gate->now += 1;
    assert_int_equal(ask(gate, "GET /api/a", SIGNED(GET_PLAIN), ""), 401);
    gate->now -= 10 * MSIM_NS_PER_S + 2;
    assert_int_equal(ask(gate, "GET /api/a", SIGNED(GET_PLAIN), ""), 401);
    gate_finish(gate);
    free(gate);
}

static void what_was_sent_ahead_of_a_wrong_signature_is_not_looked_at(void **state)
{
    static const char *const ahead[] = {"G", "GET /api/a HTTP/1.1\r\nHost: localhost\r\n\r\n"};
    struct gate *gate = calloc(1, sizeof *gate);
    char body[128];

    (void)state;
    assert_non_null(gate);
    struct msim_access_params params = gate_params_with_keys(gate);
    gate_open(gate, &params, 0);
    for (size_t i = 0; i < COUNT(ahead); i++) {
        snprintf(body, sizeof body, "{\"q\":2}%s", ahead[i]);
        assert_int_equal(ask(gate, "POST /api/a", SIGNED(POST_BODY) "Content-Length: 7\r\n", body),
                         401);
        assert_null(strstr(gate->answer + 1, "HTTP/1.1 "));
        snprintf(body, sizeof body, "7\r\n{\"q\":2}\r\n0\r\n\r\n%s", ahead[i]);
        assert_int_equal(
            ask(gate, "POST /api/a", SIGNED(POST_BODY) "Transfer-Encoding: chunked\r\n", body),
            401);
    }
    gate_finish(gate);
    free(gate);
}

static void a_body_in_pieces_ends_only_where_its_signature_is_good(void **state)
{
    struct gate *gate = calloc(1, sizeof *gate);

    (void)state;
    assert_non_null(gate);
    struct msim_access_params params = gate_params_with_keys(gate);
    params.max_signatures = 1;
    gate_open(gate, &params, 0);
    assert_int_equal(
        ask(gate, "PUT /pieces", SIGNED(PIECES) "Content-Length: 10\r\n", "0123456780"), 401);
    assert_int_equal(gate->pieces, 1);
    assert_int_equal(gate->bodies, 0);
    assert_int_equal(
        ask(gate, "PUT /pieces", SIGNED(PIECES) "Content-Length: 10\r\n", "0123456789"), 200);
    assert_int_equal(gate->bodies, 1);
    /* No more are remembered: nothing that could be a repetition is let in. */
    assert_int_equal(
        ask(gate, "POST /api/a", SIGNED(POST_BODY) "Content-Length: 7\r\n", "{\"q\":1}"), 429);
    gate->now += 5 * MSIM_NS_PER_S;
    assert_int_equal(
        ask(gate, "POST /api/a", SIGNED(POST_BODY) "Content-Length: 7\r\n", "{\"q\":1}"), 429);
    gate_finish(gate);
    free(gate);
}

/* ---- rates and connections ---- */

static void who_asks_too_often_is_told_when_to_come_back(void **state)
{
    struct gate *gate = calloc(1, sizeof *gate);

    (void)state;
    assert_non_null(gate);
    struct msim_access_params params = gate_params(gate);
    params.rate = 1;
    params.burst = 3;
    gate_open(gate, &params, 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(ask(gate, "GET /api/a", "", ""), 200);
    assert_int_equal(ask(gate, "GET /api/a", "", ""), 429);
    assert_non_null(strstr(gate->answer, "\r\nRetry-After: 1\r\n"));
    assert_int_equal(knock(gate, "/ws", ""), 429);
    gate_finish(gate);

    /* A key has a rate of its own, whatever the address. */
    params.keys = keys;
    params.keys_length = strlen(keys);
    params.burst = 2;
    params.max_addresses = 1;
    gate_open(gate, &params, 0);
    assert_int_equal(ask(gate, "GET /api/a", "X-API-Key: wrong\r\n", ""), 401);
    assert_int_equal(ask(gate, "GET /api/a", "X-API-Key: wrong\r\n", ""), 401);
    assert_int_equal(ask(gate, "GET /api/a", "X-API-Key: plain\r\n", ""), 429);
    gate_finish(gate);
    free(gate);
}

static void a_socket_spends_its_messages_from_the_same_bucket(void **state)
{
    struct gate *gate = calloc(1, sizeof *gate);
    struct msim_listen_params listen = MSIM_LISTEN_PARAMS_INIT;
    struct msim_listener *listener;
    msim_time wait = 0;

    (void)state;
    assert_non_null(gate);
    struct msim_access_params params = gate_params(gate);
    params.rate = 1;
    params.burst = 3;
    gate_open(gate, &params, 0);
    listen.host = "127.0.0.1";
    listen.handler = bench_handler;
    listen.context = &gate->bench;
    listen.access = gate->access;
    assert_int_equal(msim_net_listen(gate->bench.net, &listener, &listen, NULL), MSIM_OK);
    int fd = raw_connect_to(msim_listener_port(listener));
    raw_say(&gate->bench, fd, "GET / HTTP/1.1\r\n" RAW_UPGRADE);
    raw_expect(&gate->bench, fd, RAW_ANSWER, strlen(RAW_ANSWER));
    assert_non_null(gate->bench.last);
    assert_int_equal(msim_connection_spend(gate->bench.last, 3, &wait), MSIM_ERR_LIMIT);
    assert_in_range(wait, 1, MSIM_NS_PER_S);
    assert_int_equal(msim_connection_spend(gate->bench.last, 2, &wait), MSIM_OK);
    assert_int_equal(msim_connection_spend(gate->bench.last, 1, NULL), MSIM_ERR_LIMIT);
    assert_int_equal(msim_connection_spend(gate->bench.last, UINT64_MAX, &wait), MSIM_ERR_LIMIT);
    assert_int_equal(msim_connection_spend(NULL, 1, &wait), MSIM_ERR_INVALID);
    assert_null(msim_connection_caller(NULL));
    assert_null(msim_exchange_caller(NULL));
    close(fd);
    gate_finish(gate);
    free(gate);
}

/* ---- messages of WebSockets ---- */

static void gate_of_messages(struct gate *gate, const char *text, struct msim_listener **listener)
{
    struct msim_listen_params listen = MSIM_LISTEN_PARAMS_INIT;
    struct msim_access_params params = gate_params(gate);

    params.message_rate = 1;
    params.message_burst = 3;
    params.keys = text;
    params.keys_length = text ? strlen(text) : 0;
    gate_open(gate, &params, 0);
    gate->bench.echoes = true;
    listen.host = "127.0.0.1";
    listen.handler = bench_handler;
    listen.context = &gate->bench;
    listen.access = gate->access;
    assert_int_equal(msim_net_listen(gate->bench.net, listener, &listen, NULL), MSIM_OK);
}

static int open_with(struct gate *gate, struct msim_listener *listener, const char *headers)
{
    char head[512];
    int fd = raw_connect_to(msim_listener_port(listener));

    snprintf(head, sizeof head, "GET / HTTP/1.1\r\n%s" RAW_UPGRADE, headers);
    raw_say(&gate->bench, fd, head);
    raw_expect(&gate->bench, fd, RAW_ANSWER, strlen(RAW_ANSWER));
    return fd;
}

/* Frames of one letter each, all of which come in one turn: no time passes between them. */
static void say_at_once(struct gate *gate, int fd, const unsigned char *firsts, size_t count)
{
    unsigned char bytes[128];
    size_t length = 0;

    for (size_t i = 0; i < count; i++)
        length += raw_frame(bytes + length, firsts[i], "a", 1, raw_key);
    raw_send(&gate->bench, fd, bytes, length);
}

static void who_says_too_much_is_closed_and_nobody_else(void **state)
{
    static const unsigned char messages[] = {0x81, 0x01, 0x80, 0x89, 0x8A, 0x81};
    static const unsigned char pings[] = {0x89, 0x89, 0x89, 0x89};
    struct gate *gate = calloc(1, sizeof *gate);
    struct msim_listener *listener;

    (void)state;
    assert_non_null(gate);
    gate_of_messages(gate, NULL, &listener);
    int loud = open_with(gate, listener, "");
    int eager = open_with(gate, listener, "");
    int quiet = open_with(gate, listener, "");
    /* One message may come in many frames, and an answer to a ping costs nothing. */
    say_at_once(gate, loud, messages, COUNT(messages));
    raw_expect_frame(&gate->bench, loud, 0x81, "a", 1);
    raw_expect_frame(&gate->bench, loud, 0x81, "aa", 2);
    raw_expect_frame(&gate->bench, loud, 0x8A, "a", 1);
    raw_expect_close(&gate->bench, loud, MSIM_CLOSE_POLICY);
    say_at_once(gate, eager, pings, COUNT(pings));
    for (int i = 0; i < 3; i++)
        raw_expect_frame(&gate->bench, eager, 0x8A, "a", 1);
    raw_expect_close(&gate->bench, eager, MSIM_CLOSE_POLICY);
    say_at_once(gate, quiet, messages, 1);
    raw_expect_frame(&gate->bench, quiet, 0x81, "a", 1);
    close(loud);
    close(eager);
    close(quiet);
    gate_finish(gate);
    free(gate);
}

static void sockets_of_a_key_share_what_it_may_say(void **state)
{
    static const unsigned char messages[] = {0x81, 0x81, 0x81, 0x81};
    struct gate *gate = calloc(1, sizeof *gate);
    struct msim_listener *listener;

    (void)state;
    assert_non_null(gate);
    gate_of_messages(gate, keys, &listener);
    int first = open_with(gate, listener, "X-API-Key: plain\r\n");
    int second = open_with(gate, listener, "X-API-Key: plain\r\n");
    int other = open_with(gate, listener, "X-API-Key: viewer\r\n");
    say_at_once(gate, first, messages, 2);
    say_at_once(gate, second, messages, 2);
    say_at_once(gate, other, messages, 3);
    for (int i = 0; i < 2; i++)
        raw_expect_frame(&gate->bench, first, 0x81, "a", 1);
    raw_expect_frame(&gate->bench, second, 0x81, "a", 1);
    raw_expect_close(&gate->bench, second, MSIM_CLOSE_POLICY);
    for (int i = 0; i < 3; i++)
        raw_expect_frame(&gate->bench, other, 0x81, "a", 1);
    close(first);
    close(second);
    close(other);
    gate_finish(gate);
    free(gate);
}

static int connect_from(uint16_t port, uint32_t from)
{
    struct sockaddr_in address;
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr = {htonl(from)}};
    int fd = raw_socket(AF_INET);

    raw_address(&address, port);
    assert_int_equal(bind(fd, (const struct sockaddr *)&own, sizeof own), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

static bool is_served(struct gate *gate, int fd)
{
    char text[12];

    raw_say(&gate->bench, fd, "GET /api/a HTTP/1.1\r\nHost: localhost\r\n\r\n");
    return raw_read(&gate->bench, fd, text, sizeof text) == sizeof text;
}

static void one_address_does_not_take_all_the_room(void **state)
{
    struct gate *gate = calloc(1, sizeof *gate);
    struct msim_net_stats stats;
    int fds[4];

    (void)state;
    assert_non_null(gate);
    struct msim_access_params params = gate_params(gate);
    params.max_connections_per_address = 2;
    gate_open(gate, &params, 0);
    uint16_t port = msim_listener_port(gate->listener);
    for (int i = 0; i < 3; i++)
        fds[i] = connect_from(port, INADDR_LOOPBACK);
    fds[3] = connect_from(port, INADDR_LOOPBACK + 1);
    assert_true(is_served(gate, fds[0]));
    assert_true(is_served(gate, fds[1]));
    assert_true(is_served(gate, fds[3]));
    assert_false(recv(fds[2], gate->answer, 1, 0) > 0);
    msim_net_stats(gate->bench.net, &stats);
    assert_int_equal(stats.turned_away, 1);
    /* Whoever leaves makes room. */
    close(fds[0]);
    for (int i = 0; i < 5; i++)
        turn(&gate->bench);
    fds[0] = connect_from(port, INADDR_LOOPBACK);
    assert_true(is_served(gate, fds[0]));
    for (int i = 0; i < 4; i++)
        close(fds[i]);
    gate_finish(gate);
    free(gate);
}

/* ---- listening ---- */

static void listening_beyond_this_machine_needs_keys_or_a_word(void **state)
{
    struct msim_listen_params listen = MSIM_LISTEN_PARAMS_INIT;
    struct msim_access_params params = MSIM_ACCESS_PARAMS_INIT;
    struct msim_listener *listener = NULL;
    struct msim_access *access = NULL;
    struct msim_detail detail = {""};
    struct bench bench;

    (void)state;
    bench_open(&bench, NULL, 0);
    assert_int_equal(msim_access_create(&access, &params, NULL), MSIM_OK);
    listen.access = access;
    listen.host = "0.0.0.0";
    assert_int_equal(msim_net_listen(bench.net, &listener, &listen, &detail), MSIM_ERR_INVALID);
    assert_non_null(strstr(detail.text, "--allow-open"));
    listen.host = "127.0.0.2";
    assert_int_equal(msim_net_listen(bench.net, &listener, &listen, &detail), MSIM_OK);
    assert_int_equal(msim_access_set_keys(access, "key", 3, NULL), MSIM_OK);
    listen.host = "0.0.0.0";
    assert_int_equal(msim_net_listen(bench.net, &listener, &listen, &detail), MSIM_OK);
    msim_access_destroy(&access);
    params.is_open = true;
    assert_int_equal(msim_access_create(&access, &params, NULL), MSIM_OK);
    listen.access = access;
    assert_int_equal(msim_net_listen(bench.net, &listener, &listen, &detail), MSIM_OK);
    msim_access_destroy(&access);
    bench_finish(&bench);
}

static void guards_that_make_no_sense_are_refused(void **state)
{
    static const char *const empty[] = {""};
    static const struct msim_access_rule bad[] = {
        {NULL, "x", MSIM_ROLE_NONE}, {NULL, "/*/x", MSIM_ROLE_NONE}, {NULL, NULL, MSIM_ROLE_NONE}};
    struct msim_access_params params[8];
    struct msim_access *access = NULL;
    struct msim_detail detail = {""};

    (void)state;
    for (size_t i = 0; i < COUNT(params); i++)
        params[i] = (struct msim_access_params)MSIM_ACCESS_PARAMS_INIT;
    params[0].rate = UINT64_C(1000000001);
    params[1].burst = 1;
    params[2].recv_window = -1;
    params[3].hosts = params[4].origins = empty;
    params[3].host_count = params[4].origin_count = 1;
    for (size_t i = 0; i < 3; i++) {
        params[5 + i].rules = &bad[i];
        params[5 + i].rule_count = 1;
    }
    for (size_t i = 0; i < COUNT(params); i++) {
        detail.text[0] = '\0';
        assert_int_equal(msim_access_create(&access, &params[i], &detail), MSIM_ERR_INVALID);
        assert_true(detail.text[0] != '\0');
    }
    assert_int_equal(msim_access_create(&access, NULL, NULL), MSIM_ERR_INVALID);
    assert_int_equal(msim_access_set_keys(NULL, "a", 1, NULL), MSIM_ERR_INVALID);
    assert_int_equal(msim_access_key_count(NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_that_points_its_name_at_this_machine_is_kept_out),
        cmocka_unit_test(pages_of_other_origins_are_kept_out),
        cmocka_unit_test(a_key_with_a_secret_says_what_is_missing),
        cmocka_unit_test(a_key_says_who_asks_and_what_they_may),
        cmocka_unit_test(without_keys_everybody_may_everything),
        cmocka_unit_test(other_keys_count_from_the_next_request_on),
        cmocka_unit_test(a_signature_is_over_timestamp_method_path_and_body),
        cmocka_unit_test(what_was_sent_ahead_of_a_wrong_signature_is_not_looked_at),
        cmocka_unit_test(a_body_in_pieces_ends_only_where_its_signature_is_good),
        cmocka_unit_test(who_asks_too_often_is_told_when_to_come_back),
        cmocka_unit_test(a_socket_spends_its_messages_from_the_same_bucket),
        cmocka_unit_test(who_says_too_much_is_closed_and_nobody_else),
        cmocka_unit_test(sockets_of_a_key_share_what_it_may_say),
        cmocka_unit_test(one_address_does_not_take_all_the_room),
        cmocka_unit_test(listening_beyond_this_machine_needs_keys_or_a_word),
        cmocka_unit_test(guards_that_make_no_sense_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
