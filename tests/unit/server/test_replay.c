/*
 * The replay server with a client in the same process: one loop each, stepped in turn.
 */
#include "check.h"

#include <marketsim/marketsim.h>

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "oom/failing.h"

enum { TRADES = 2000, MAX_MESSAGES = TRADES + 8 };

static const char *const symbols[] = {"BTC", "ETH"};

struct feed {
    struct msim_record records[TRADES];
    size_t count;
    size_t fail_after; /* a pull beyond it fails; 0: never */
    bool refuse;       /* to open at all */
    bool is_moody;     /* every other pull has nothing now */
    size_t fetched;    /* by any source */
    size_t ended;      /* sources that the server said goodbye to */
};

struct bench {
    struct feed feed;
    struct msim_replay_server *server;
    struct msim_net *net;
    struct msim_connection *client;
    char *messages[MAX_MESSAGES];
    size_t message_count;
    int close_code;
    int failure;
    bool over;
};

/* ---- a source over the feed that can break ---- */

struct cursor {
    struct feed *feed;
    size_t at;
    size_t pulls;
};

static int cursor_pull(void *self, struct msim_record *records, size_t capacity, size_t *count,
                       struct msim_detail *detail)
{
    struct cursor *cursor = self;
    struct feed *feed = cursor->feed;
    size_t given = 0;

    if (feed->is_moody && cursor->pulls++ % 2 == 0)
        return MSIM_PULL_EMPTY;
    if (feed->fail_after && cursor->at >= feed->fail_after) {
        snprintf(detail->text, sizeof detail->text, "row group 3 is \"damaged\"");
        return MSIM_ERR_FORMAT;
    }
    size_t end = feed->fail_after ? feed->fail_after : feed->count;
    while (given < capacity && given < 7 && cursor->at < end)
        records[given++] = feed->records[cursor->at++];
    feed->fetched += given;
    *count = given;
    return given > 0 ? MSIM_PULL_RECORD : MSIM_PULL_END;
}

static msim_time cursor_next_due(void *self)
{
    (void)self;
    return INT64_MIN;
}

static const char *cursor_symbol(void *self, uint32_t id, size_t *length)
{
    (void)self;
    if (id >= COUNT(symbols))
        return NULL;
    if (length)
        *length = strlen(symbols[id]);
    return symbols[id];
}

static void cursor_release(void *self)
{
    free(self);
}

static const struct msim_source_ops cursor_ops = {
    .pull = cursor_pull,
    .next_due = cursor_next_due,
    .symbol = cursor_symbol,
    .release = cursor_release,
};

static int open_feed(void *context, const struct msim_replay_selection *selection,
                     struct msim_source *out, struct msim_detail *detail)
{
    struct feed *feed = context;

    (void)selection;
    if (feed->refuse) {
        snprintf(detail->text, sizeof detail->text, "no such file");
        return MSIM_ERR_NOT_FOUND;
    }
    struct cursor *cursor = malloc(sizeof *cursor);
    assert_non_null(cursor);
    *cursor = (struct cursor){.feed = feed};
    *out = (struct msim_source){&cursor_ops, cursor};
    return MSIM_OK;
}

static void count_ended(void *context, const struct msim_source *source)
{
    struct feed *feed = context;

    assert_ptr_equal(source->ops, &cursor_ops);
    feed->ended++;
}

/* ---- the client ---- */

static void on_message(void *context, struct msim_connection *connection,
                       enum msim_message_kind kind, const unsigned char *bytes, size_t length)
{
    struct bench *bench = context;

    (void)connection;
    assert_int_equal(kind, MSIM_MESSAGE_TEXT);
    assert_true(bench->message_count < MAX_MESSAGES);
    char *copy = malloc(length + 1);
    assert_non_null(copy);
    memcpy(copy, bytes, length);
    copy[length] = '\0';
    bench->messages[bench->message_count++] = copy;
}

static void on_closed(void *context, struct msim_connection *connection,
                      const struct msim_closing *closing)
{
    struct bench *bench = context;

    (void)connection;
    bench->close_code = closing->code;
    bench->failure = closing->failure;
    bench->over = true;
}

static void connect_client(struct bench *bench)
{
    struct msim_connect_params params = MSIM_CONNECT_PARAMS_INIT;
    struct msim_net_params net_params = MSIM_NET_PARAMS_INIT;
    char url[64];

    snprintf(url, sizeof url, "ws://127.0.0.1:%u/", msim_replay_server_port(bench->server));
    params.url = url;
    params.handler.message = on_message;
    params.handler.closed = on_closed;
    params.context = bench;
    if (!bench->net)
        assert_int_equal(msim_net_create(&bench->net, &net_params, NULL), MSIM_OK);
    bench->over = false;
    assert_int_equal(msim_net_connect(bench->net, &bench->client, &params, NULL), MSIM_OK);
}

static void step(struct bench *bench)
{
    assert_true(msim_replay_server_dispatch(bench->server, 1) >= 0);
    assert_true(msim_net_dispatch(bench->net, 0) >= 0);
}

static void play(struct bench *bench)
{
    while (!bench->over)
        step(bench);
}

/* ---- set-up ---- */

static int set_up(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    if (!bench)
        return -1;
    /* Four trades share each millisecond. */
    for (size_t i = 0; i < TRADES; i++) {
        struct msim_record *record = &bench->feed.records[i];
        record->time = (msim_time)(i / 4) * MSIM_NS_PER_MS;
        record->kind = MSIM_RECORD_TRADE;
        record->symbol = i % 2;
        record->as.trade.price = (int64_t)i;
        record->as.trade.quantity = 1;
    }
    bench->feed.count = TRADES;
    *state = bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;

    msim_net_destroy(&bench->net);
    msim_replay_server_destroy(&bench->server);
    for (size_t i = 0; i < bench->message_count; i++)
        free(bench->messages[i]);
    free(bench);
    return 0;
}

static struct msim_replay_server_params params_of(struct bench *bench)
{
    struct msim_replay_server_params params = MSIM_REPLAY_SERVER_PARAMS_INIT;

    params.open = open_feed;
    params.ended = count_ended;
    params.context = &bench->feed;
    params.host = "127.0.0.1";
    params.speed = (struct msim_speed){1, 0};
    return params;
}

static void start(struct bench *bench, const struct msim_replay_server_params *params)
{
    struct msim_detail detail = {{0}};

    int r = msim_replay_server_create(&bench->server, params, &detail);
    if (r < 0)
        fail_msg("%s", detail.text);
}

static void start_and_connect(struct bench *bench)
{
    struct msim_replay_server_params params = params_of(bench);

    start(bench, &params);
    connect_client(bench);
}

static void assert_trades(struct bench *bench, size_t count)
{
    assert_string_equal(bench->messages[0], "{\"status\": \"Data loaded. Starting replay.\"}");
    for (size_t i = 0; i < count; i++) {
        char tail[64];
        snprintf(tail, sizeof tail, "\"price\": %zu, \"volume\": 1, \"ticker\": \"%s\"}", i,
                 symbols[i % 2]);
        assert_non_null(strstr(bench->messages[1 + i], tail));
    }
}

/* ---- tests ---- */

static void a_replay_is_a_greeting_the_trades_and_a_farewell(void **state)
{
    struct bench *bench = *state;

    start_and_connect(bench);
    play(bench);
    assert_int_equal(bench->message_count, TRADES + 2);
    assert_trades(bench, TRADES);
    assert_string_equal(bench->messages[TRADES + 1], "{\"status\": \"Replay finished.\"}");
    assert_int_equal(bench->close_code, MSIM_CLOSE_NORMAL);

    struct msim_replay_stats stats;
    while (msim_replay_server_stats(bench->server, &stats), stats.clients > 0)
        step(bench);
    assert_int_equal(stats.trades, TRADES);
    assert_int_equal(stats.bundles, TRADES / 4);
    assert_int_equal(stats.finished, 1);
    assert_int_equal(stats.position, bench->feed.records[TRADES - 1].time);
}

static void a_feed_without_trades_is_a_greeting_and_a_farewell(void **state)
{
    struct bench *bench = *state;

    bench->feed.count = 0;
    start_and_connect(bench);
    play(bench);
    assert_int_equal(bench->message_count, 2);
    assert_int_equal(bench->close_code, MSIM_CLOSE_NORMAL);
}

static void a_paced_replay_never_runs_ahead_and_sends_bundles_whole(void **state)
{
    struct bench *bench = *state;
    struct msim_replay_server_params params = params_of(bench);

    params.speed = (struct msim_speed){10, 1};
    start(bench, &params);
    connect_client(bench);
    msim_time began = msim_net_now(bench->net);
    size_t seen = 0;
    while (!bench->over) {
        step(bench);
        size_t trades = bench->message_count > 0 ? bench->message_count - 1 : 0;
        if (trades == seen || trades > TRADES)
            continue;
        seen = trades;
        assert_int_equal(seen % 4, 0);
        assert_true(msim_net_now(bench->net) - began >= bench->feed.records[seen - 1].time / 10);
    }
    assert_trades(bench, TRADES);
}

static void a_source_that_does_not_open_is_told_and_closes_1011(void **state)
{
    struct bench *bench = *state;

    bench->feed.refuse = true;
    start_and_connect(bench);
    play(bench);
    assert_int_equal(bench->message_count, 1);
    assert_string_equal(bench->messages[0], "{\"error\": \"no such file\"}");
    assert_int_equal(bench->close_code, MSIM_CLOSE_INTERNAL);
}

static void a_source_that_breaks_is_told_after_its_good_trades(void **state)
{
    struct bench *bench = *state;

    bench->feed.fail_after = 123;
    start_and_connect(bench);
    play(bench);
    assert_int_equal(bench->message_count, 125);
    assert_trades(bench, 123);
    assert_string_equal(bench->messages[124], "{\"error\": \"row group 3 is \\\"damaged\\\"\"}");
    assert_int_equal(bench->close_code, MSIM_CLOSE_INTERNAL);
}

static void a_stop_says_1001_and_takes_nobody_new(void **state)
{
    struct bench *bench = *state;
    struct msim_replay_server_params params = params_of(bench);

    params.speed = (struct msim_speed){1, 1000000};
    start(bench, &params);
    connect_client(bench);
    while (bench->message_count < 2)
        step(bench);
    uint16_t port = msim_replay_server_port(bench->server);
    msim_replay_server_stop(bench->server);
    play(bench);
    assert_int_equal(bench->close_code, MSIM_CLOSE_GOING_AWAY);
    assert_int_equal(msim_replay_server_port(bench->server), port);
    connect_client(bench);
    play(bench);
    assert_int_equal(bench->failure, MSIM_ERR_IO);
}

static void the_smallest_backlog_and_queue_lose_nothing(void **state)
{
    struct bench *bench = *state;
    struct msim_replay_server_params params = params_of(bench);

    params.max_backlog_bytes = 256 << 10;
    params.max_queue_bundles = 1;
    for (size_t i = 0; i < TRADES; i++) /* one bundle of all: larger than a run */
        bench->feed.records[i].time = i < 10 ? (msim_time)i : 100;
    start(bench, &params);
    connect_client(bench);
    play(bench);
    assert_int_equal(bench->message_count, TRADES + 2);
    assert_trades(bench, TRADES);
}

static void a_source_that_has_nothing_now_is_asked_again(void **state)
{
    struct bench *bench = *state;

    bench->feed.is_moody = true;
    start_and_connect(bench);
    play(bench);
    assert_int_equal(bench->message_count, TRADES + 2);
    assert_trades(bench, TRADES);
    struct msim_replay_stats stats;
    msim_replay_server_stats(bench->server, &stats);
    assert_int_equal(stats.bundles, TRADES / 4);
    assert_int_equal(stats.lateness_max, 0);
}

/* A row group is loaded in steps that have nothing yet: they go on while the next trade waits. */
static void a_source_that_has_nothing_now_is_asked_again_ahead_of_the_need(void **state)
{
    struct bench *bench = *state;
    struct msim_replay_server_params params = params_of(bench);

    bench->feed.is_moody = true;
    for (size_t i = 1; i < TRADES; i++)
        bench->feed.records[i].time += INT64_C(86400) * MSIM_NS_PER_S;
    params.speed = (struct msim_speed){1, 1};
    start(bench, &params);
    connect_client(bench);
    /* The second pull gave seven trades, of which six are due tomorrow; the third had nothing. */
    for (size_t i = 0; i < 5000 && bench->feed.fetched <= 7; i++)
        step(bench);
    assert_true(bench->feed.fetched > 7);
    assert_false(bench->over);
}

static void a_gap_is_shortened_to_what_is_allowed(void **state)
{
    struct bench *bench = *state;
    struct msim_replay_server_params params = params_of(bench);

    /* A year in the middle: the test would not end without the bound. */
    for (size_t i = TRADES / 2; i < TRADES; i++)
        bench->feed.records[i].time += INT64_C(365) * 86400 * MSIM_NS_PER_S;
    params.speed = (struct msim_speed){100, 1};
    params.max_gap = 10 * MSIM_NS_PER_MS;
    start(bench, &params);
    connect_client(bench);
    play(bench);
    assert_trades(bench, TRADES);
}

/* Several clients share what is made on the way, and some leave in the middle of it. */
static void a_client_that_leaves_takes_nothing_from_the_others(void **state)
{
    struct bench *bench = *state;
    struct msim_replay_server_params params = params_of(bench);
    struct bench guest = {.over = false};

    params.speed = (struct msim_speed){1, 1};
    start(bench, &params);
    connect_client(bench);
    for (size_t round = 0; round < 5; round++) {
        guest.server = bench->server;
        connect_client(&guest);
        while (guest.message_count < 20 && !guest.over) {
            step(bench);
            assert_true(msim_net_dispatch(guest.net, 0) >= 0);
        }
        msim_connection_abort(guest.client);
        for (size_t i = 0; i < guest.message_count; i++)
            free(guest.messages[i]);
        guest.message_count = 0;
    }
    play(bench);
    assert_trades(bench, TRADES);
    struct msim_replay_stats stats;
    while (msim_replay_server_stats(bench->server, &stats), stats.clients > 0)
        step(bench);
    assert_int_equal(bench->feed.ended, 6);
    assert_int_equal(stats.clients_total, 6);
    assert_int_equal(stats.finished, 1);
    msim_net_destroy(&guest.net);
}

static void a_stop_reaches_a_client_that_reads_nothing(void **state)
{
    struct bench *bench = *state;
    struct msim_replay_server_params params = params_of(bench);
    struct msim_replay_stats stats;

    params.max_backlog_bytes = 256 << 10;
    start(bench, &params);
    connect_client(bench);
    /* The client's loop stands still once it is connected. */
    do {
        step(bench);
        msim_replay_server_stats(bench->server, &stats);
    } while (stats.clients == 0);
    for (size_t i = 0; i < 20; i++)
        assert_true(msim_replay_server_dispatch(bench->server, 1) >= 0);
    msim_replay_server_stop(bench->server);
    play(bench);
    assert_true(bench->close_code == MSIM_CLOSE_GOING_AWAY ||
                bench->close_code == MSIM_CLOSE_NORMAL);
}

static void params_out_of_bounds_are_refused_with_words(void **state)
{
    struct bench *bench = *state;
    struct msim_replay_server_params good = params_of(bench);
    struct msim_replay_server_params bad[4] = {good, good, good, good};
    struct msim_detail detail;

    bad[0].open = NULL;
    bad[1].size--;
    bad[2].max_backlog_bytes = 1000;
    bad[3].speed = (struct msim_speed){-1, 1};
    for (size_t i = 0; i < COUNT(bad); i++) {
        detail.text[0] = '\0';
        assert_int_equal(msim_replay_server_create(&bench->server, &bad[i], &detail),
                         MSIM_ERR_INVALID);
        assert_true(detail.text[0] != '\0');
        assert_null(bench->server);
    }
}

static int attempt_create(const struct msim_allocator *allocator, struct bench *bench)
{
    struct msim_replay_server_params params = params_of(bench);
    struct msim_replay_server *server = NULL;

    params.allocator = allocator;
    int r = msim_replay_server_create(&server, &params, NULL);
    msim_replay_server_destroy(&server);
    return r;
}

static void each_allocation_of_a_create_may_fail(void **state)
{
    FAIL_EACH_ALLOCATION(attempt_create, *state);
}

/* Memory that fails while clients come and go costs those clients, and nothing leaks. */
static void allocations_that_fail_later_cost_a_client_at_most(void **state)
{
    struct bench *bench = *state;

    bench->feed.count = 40;
    for (size_t spared = 0; spared < 40; spared++) {
        struct failing failing = {.fail_at = SIZE_MAX};
        struct msim_allocator allocator = failing_allocator(&failing);
        struct msim_replay_server_params params = params_of(bench);
        params.allocator = &allocator;
        start(bench, &params);
        failing.fail_at = failing.calls + spared;
        connect_client(bench);
        play(bench);
        failing.fail_at = SIZE_MAX;
        connect_client(bench);
        play(bench);
        assert_int_equal(bench->close_code, MSIM_CLOSE_NORMAL);
        msim_replay_server_destroy(&bench->server);
        assert_int_equal(failing.blocks, 0);
        assert_int_equal(failing.bytes, 0);
        for (size_t i = 0; i < bench->message_count; i++)
            free(bench->messages[i]);
        bench->message_count = 0;
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_replay_is_a_greeting_the_trades_and_a_farewell),
        TEST(a_feed_without_trades_is_a_greeting_and_a_farewell),
        TEST(a_paced_replay_never_runs_ahead_and_sends_bundles_whole),
        TEST(a_source_that_does_not_open_is_told_and_closes_1011),
        TEST(a_source_that_breaks_is_told_after_its_good_trades),
        TEST(a_stop_says_1001_and_takes_nobody_new),
        TEST(the_smallest_backlog_and_queue_lose_nothing),
        TEST(a_source_that_has_nothing_now_is_asked_again),
        TEST(a_source_that_has_nothing_now_is_asked_again_ahead_of_the_need),
        TEST(a_gap_is_shortened_to_what_is_allowed),
        TEST(a_client_that_leaves_takes_nothing_from_the_others),
        TEST(a_stop_reaches_a_client_that_reads_nothing),
        TEST(params_out_of_bounds_are_refused_with_words),
        TEST(each_allocation_of_a_create_may_fail),
        TEST(allocations_that_fail_later_cost_a_client_at_most),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
