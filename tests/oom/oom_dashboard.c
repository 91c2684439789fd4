/*
 * Memory that fails under Engine.IO, Socket.IO and the dashboard: their creates are refused
 * whole; what a client's packets ask for costs that client its session, or its push.
 */
#include "check.h"

#include "oom/failing.h"

#include <marketsim/marketsim.h>

#include "server/dashboard/inside.h"
#include "server/engineio/inside.h"

static int attempt_engineio(const struct msim_allocator *allocator, void *context)
{
    struct msim_engineio_params params = MSIM_ENGINEIO_PARAMS_INIT;
    struct msim_engineio *engine = NULL;

    params.net = context;
    params.allocator = allocator;
    int r = msim_engineio_create(&engine, &params, NULL);
    assert_int_equal(engine != NULL, r == MSIM_OK);
    msim_engineio_destroy(&engine);
    return r;
}

static int attempt_socketio(const struct msim_allocator *allocator, void *context)
{
    static const struct msim_socketio_namespace namespaces[] = {{.name = "/"}, {.name = "/two"}};
    struct msim_socketio_params params = MSIM_SOCKETIO_PARAMS_INIT;
    struct msim_socketio_room *room = NULL;
    struct msim_socketio *socketio = NULL;

    params.engine.net = context;
    params.engine.allocator = allocator;
    params.namespaces = namespaces;
    params.namespace_count = COUNT(namespaces);
    int r = msim_socketio_create(&socketio, &params, NULL);
    assert_int_equal(socketio != NULL, r == MSIM_OK);
    if (r >= 0)
        r = msim_socketio_room_create(socketio, &room, "/two");
    msim_socketio_destroy(&socketio);
    return r;
}

static void layers_are_made_whole_or_not_at_all(void **state)
{
    struct msim_net_params params = MSIM_NET_PARAMS_INIT;
    struct msim_net *net = NULL;

    (void)state;
    assert_int_equal(msim_net_create(&net, &params, NULL), MSIM_OK);
    FAIL_EACH_ALLOCATION(attempt_engineio, net);
    FAIL_EACH_ALLOCATION(attempt_socketio, net);
    msim_net_destroy(&net);
}

/* One that shows another, which nobody answers for. */
static int attempt_shown(const struct msim_allocator *allocator, void *context)
{
    static const struct msim_dashboard_upstream upstreams[] = {
        {.url = "ws://127.0.0.1:1/", .key = "a-key-of-some-length", .secret = "quiet"},
        {.url = "polygon+ws://127.0.0.1:1/crypto"},
    };
    static const char *const symbols[] = {"A", "B"};
    struct msim_dashboard_server_params params = MSIM_DASHBOARD_SERVER_PARAMS_INIT;
    struct msim_dashboard_server *server = NULL;

    (void)context;
    params.host = "127.0.0.1";
    params.max_rows = 4;
    params.allocator = allocator;
    params.upstreams = upstreams;
    params.upstream_count = COUNT(upstreams);
    params.upstream_symbols = symbols;
    params.upstream_symbol_count = COUNT(symbols);
    params.admin_url = "http://127.0.0.1:1";
    params.admin_key = "a-key-of-some-length";
    params.admin_secret = "quiet";
    int r = msim_dashboard_server_create(&server, &params, NULL);
    assert_int_equal(server != NULL, r == MSIM_OK);
    msim_dashboard_server_destroy(&server);
    return r;
}

struct hearing {
    struct msim_live live;
    int result;
};

static void hear(void *context, const struct msim_feed_event *event)
{
    struct hearing *hearing = context;

    if (hearing->result >= 0)
        hearing->result = msim_live_take(&hearing->live, 0, "here:1", event, MSIM_NS_PER_S);
}

static int read_answers(struct msim_bytes *out)
{
    static const char faults[] = "{\"strategies\":{\"late\":{\"kind\":\"delay\",\"enabled\":true,"
                                 "\"seen\":7,\"hits\":3,\"delayed\":3}}}";
    static const char presets[] = "{\"presets\":[\"md_gap\"]}";

    int r = msim_switches_read_faults(out, faults, sizeof faults - 1);
    if (r >= 0)
        r = msim_switches_read_presets(out, presets, sizeof presets - 1);
    return r;
}

/* What is heard of markets and of an admin API is told, or nothing is left of it. */
static int attempt_hearing(const struct msim_allocator *allocator, void *context)
{
    static const char text[] =
        "[{\"ev\":\"T\",\"sym\":\"A\",\"p\":1.5,\"s\":2,\"t\":1704067200000},"
        "{\"ev\":\"Q\",\"sym\":\"B\",\"bp\":1.5,\"ap\":2}]";
    struct hearing hearing = {.result = MSIM_OK};
    struct msim_bytes out;

    (void)context;
    msim_live_init(&hearing.live, 1, allocator);
    msim_bytes_init(&out, SIZE_MAX / 4, allocator);
    assert_int_equal(msim_feed_read(text, sizeof text - 1, hear, &hearing), MSIM_FEED_POLYGON);
    int r = hearing.result;
    if (r >= 0)
        r = msim_live_write_all(&hearing.live, &out);
    if (r >= 0)
        r = msim_live_write_changes(&hearing.live, &out);
    if (r >= 0)
        r = msim_live_write_book(msim_live_find(&hearing.live, "B"), &out);
    if (r >= 0)
        r = read_answers(&out);
    msim_live_close_bars(&hearing.live);
    msim_live_close_bars(&hearing.live);
    if (r >= 0 && hearing.live.lost_bars > 0)
        r = MSIM_ERR_NOMEM;
    msim_bytes_finish(&out);
    msim_live_finish(&hearing.live);
    return r;
}

static int create_server(const struct msim_allocator *allocator,
                         struct msim_dashboard_server **server)
{
    struct msim_dashboard_server_params params = MSIM_DASHBOARD_SERVER_PARAMS_INIT;

    params.host = "127.0.0.1";
    params.max_clients = 4;
    params.max_rows = 4;
    params.allocator = allocator;
    return msim_dashboard_server_create(server, &params, NULL);
}

static int attempt_server(const struct msim_allocator *allocator, void *context)
{
    struct msim_dashboard_server *server = NULL;

    (void)context;
    int r = create_server(allocator, &server);
    assert_int_equal(server != NULL, r == MSIM_OK);
    msim_dashboard_server_destroy(&server);
    return r;
}

static void a_dashboard_server_survives_every_failing_allocation(void **state)
{
    (void)state;
    FAIL_EACH_ALLOCATION(attempt_server, NULL);
    FAIL_EACH_ALLOCATION(attempt_shown, NULL);
}

static void what_is_heard_of_markets_survives_every_failing_allocation(void **state)
{
    (void)state;
    FAIL_EACH_ALLOCATION(attempt_hearing, NULL);
}

/* ---- a conversation ---- */

static const char conversation[] =
    "40\x1e"
    "42[\"join_frontend\"]\x1e"
    "421[\"send_trading_data\",{\"trades_csv\":\"timestamp,symbol,side,quantity,price,profit_loss,"
    "strategy,\\u00fc\\nt,A,BUY,1,142.50,0.1,s,\\\"x\\\"\\nt,B,SELL,1,1,1,z,7\\n\","
    "\"market_data_csv\":\"timestamp,symbol,open,high,low,close,volume,rsi,signal_strength\\n"
    "t,A,1,2,0.5,1.5,1000,50,0.5\\n\"}]\x1e"
    "42[\"ping_server\"]\x1e"
    "452-[\"other\",{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,\"num\":1}]\x1e"
    "bAQID\x1e"
    "bBAUG";

/* All of the push or nothing of it is kept. */
static void check_kept(const struct msim_dashboard_server *server)
{
    size_t pushes = (size_t)server->stats.pushes;

    assert_in_range(pushes, 0, 1);
    assert_int_equal(server->store.rings[MSIM_TABLE_TRADES].total, 2 * pushes);
    assert_int_equal(server->store.rings[MSIM_TABLE_MARKET].total, pushes);
    assert_int_equal(server->stats.trades, 2 * pushes);
}

/* True where nothing was lost on the way. */
static bool converse(struct msim_dashboard_server *server)
{
    struct msim_engineio_session *session = NULL;

    if (msim_eio_create(msim_socketio_engine(server->socketio), &session, "127.0.0.1:1", NULL) < 0)
        return false;
    msim_eio_begin(session);
    bool is_whole = msim_eio_polling_payload(session, (const unsigned char *)conversation,
                                             sizeof conversation - 1) &&
                    session->state == MSIM_SESSION_OPEN && server->stats.pushes == 1;
    check_kept(server);
    msim_dashboard_server_dispatch(server, 0);
    return is_whole;
}

static void a_conversation_survives_every_failing_allocation(void **state)
{
    (void)state;
    for (size_t fail_at = 0;; fail_at++) {
        struct failing failing = {.fail_at = SIZE_MAX};
        struct msim_allocator allocator = failing_allocator(&failing);
        struct msim_dashboard_server *server = NULL;

        assert_int_equal(create_server(&allocator, &server), MSIM_OK);
        failing.calls = 0;
        failing.fail_at = fail_at;
        bool is_whole = converse(server);
        bool has_failed = failing.calls > fail_at;
        /* Memory is back: the next client is served. */
        failing.fail_at = SIZE_MAX;
        if (server->stats.pushes == 0)
            assert_true(converse(server));
        msim_dashboard_server_destroy(&server);
        assert_int_equal(failing.blocks, 0);
        assert_int_equal(failing.bytes, 0);
        if (!has_failed) {
            assert_true(is_whole);
            break;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_are_made_whole_or_not_at_all),
        cmocka_unit_test(a_dashboard_server_survives_every_failing_allocation),
        cmocka_unit_test(what_is_heard_of_markets_survives_every_failing_allocation),
        cmocka_unit_test(a_conversation_survives_every_failing_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
