/*
 * The exchange in the test's own process: what must hold for every message, however bad.
 */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <marketsim/marketsim.h>

#define PATIENCE 20000 /* turns of a few milliseconds */

struct bench {
    struct msim_exchange_server *server;
    struct msim_connection *robot;
    bool is_open;
    bool is_closed;
    uint64_t answers;
    uint64_t errors;
    char last[2048];
    uint64_t random;
};

static void opened(void *context, struct msim_connection *connection)
{
    struct bench *bench = context;

    bench->robot = connection;
    bench->is_open = true;
}

static void heard(void *context, struct msim_connection *connection, enum msim_message_kind kind,
                  const unsigned char *bytes, size_t length)
{
    struct bench *bench = context;

    (void)connection;
    (void)kind;
    bench->answers++;
    bench->errors += length > 15 && memcmp(bytes, "{\"type\":\"ERROR\"", 15) == 0;
    if (length > sizeof bench->last - 1)
        length = sizeof bench->last - 1;
    memcpy(bench->last, bytes, length);
    bench->last[length] = '\0';
}

static void closed(void *context, struct msim_connection *connection,
                   const struct msim_closing *closing)
{
    struct bench *bench = context;

    (void)connection;
    (void)closing;
    bench->is_closed = true;
}

static void turn(struct bench *bench)
{
    assert_true(msim_exchange_server_dispatch(bench->server, 5) >= 0);
}

static void bench_open(struct bench *bench, const char *const *settings, size_t count)
{
    struct msim_exchange_server_params params = MSIM_EXCHANGE_SERVER_PARAMS_INIT;
    struct msim_connect_params connect = MSIM_CONNECT_PARAMS_INIT;
    struct msim_exchange_config *config = NULL;
    struct msim_detail detail = {{0}};
    char url[64];

    memset(bench, 0, sizeof *bench);
    bench->random = 42;
    assert_int_equal(msim_exchange_config_create(&config, NULL), MSIM_OK);
    assert_int_equal(msim_exchange_config_set(config, "server.port=0", NULL), MSIM_OK);
    assert_int_equal(msim_exchange_config_set(config, "exchange.liquidity.enabled=false", NULL),
                     MSIM_OK);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(msim_exchange_config_set(config, settings[i], NULL), MSIM_OK);
    params.config = config;
    if (msim_exchange_server_create(&bench->server, &params, &detail) < 0)
        fail_msg("%s", detail.text);
    msim_exchange_config_destroy(&config);
    snprintf(url, sizeof url, "ws://127.0.0.1:%u/ws?session=robot",
             (unsigned)msim_exchange_server_port(bench->server));
    connect.url = url;
    connect.handler.opened = opened;
    connect.handler.message = heard;
    connect.handler.closed = closed;
    connect.context = bench;
    assert_int_equal(
        msim_net_connect(msim_exchange_server_net(bench->server), NULL, &connect, NULL), MSIM_OK);
    for (int i = 0; i < PATIENCE && !bench->is_open; i++)
        turn(bench);
    assert_true(bench->is_open);
}

static void bench_close(struct bench *bench)
{
    msim_exchange_server_destroy(&bench->server);
    assert_null(bench->server);
}

static void say(struct bench *bench, const char *text, size_t length)
{
    assert_int_equal(msim_connection_send(bench->robot, MSIM_MESSAGE_TEXT, text, length), MSIM_OK);
}

static void wait_for(struct bench *bench, uint64_t answers)
{
    for (int i = 0; i < PATIENCE && bench->answers < answers && !bench->is_closed; i++)
        turn(bench);
    assert_false(bench->is_closed);
    assert_int_equal(bench->answers, answers);
}

/* SplitMix64: below `limit`. */
static size_t draw(struct bench *bench, size_t limit)
{
    uint64_t z = bench->random += UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (size_t)((z ^ z >> 31) % limit);
}

/* ---- messages with one mistake each ---- */

struct field {
    const char *key;
    const char *value;
};

static const struct field messages[][7] = {
    {{"type", "\"PLACE_ORDER\""},
     {"symbol", "\"BTC/USD\""},
     {"side", "\"BUY\""},
     {"order_type", "\"LIMIT\""},
     {"price", "\"40000\""},
     {"quantity", "1.5"}},
    {{"type", "\"CANCEL_ORDER\""}, {"client_order_id", "\"resting\""}},
    {{"type", "\"REPLACE_ORDER\""}, {"client_order_id", "\"resting\""}, {"price", "\"39999\""}},
    {{"type", "\"SUBSCRIBE\""}, {"channel", "\"TICKER\""}, {"symbol", "\"*\""}},
    {{"type", "\"GET_ORDERBOOK\""}, {"symbol", "\"ETH/USD\""}},
    {{"type", "\"RESUME\""},
     {"channel", "\"TRADES\""},
     {"symbol", "\"BTC/USD\""},
     {"from_sequence", "1"}},
};

enum mistake {
    CUT,
    GARBAGE_BEHIND,
    KEY_TWICE,
    CONTROL_BYTE,
    TOO_DEEP,
    LEFT_AWAY,
    WRONG_VALUE,
    MISTAKES,
};

static size_t field_count(const struct field *fields)
{
    size_t count = 0;

    while (count < 7 && fields[count].key)
        count++;
    return count;
}

static size_t write_message(struct bench *bench, const struct field *fields, enum mistake mistake,
                            char *out, size_t size)
{
    static const char *const wrong[] = {
        "null",        "true",    "[]",       "{\"a\":1}",          "\"\"", "-1",
        "\"\\u0000\"", "\"NaN\"", "[[[{}]]]", "\"\\ud83d\\ude00\"", "-0.5"};
    size_t count = field_count(fields);
    size_t victim = draw(bench, count);
    size_t at =
        (size_t)snprintf(out, size, "{\"x%d\":%d", (int)draw(bench, 9), (int)draw(bench, 9));

    for (size_t i = 0; i < count; i++) {
        const char *value = fields[i].value;
        if (mistake == LEFT_AWAY && i == victim)
            continue;
        if (mistake == WRONG_VALUE && i == victim)
            value = wrong[draw(bench, COUNT(wrong))];
        at += (size_t)snprintf(out + at, size - at, ",%s\"%s\" :%s", draw(bench, 2) ? " " : "",
                               fields[i].key, value);
        if (mistake == KEY_TWICE && i == victim)
            at += (size_t)snprintf(out + at, size - at, ",\"%s\":%s", fields[i].key, value);
    }
    if (mistake == TOO_DEEP) {
        at += (size_t)snprintf(out + at, size - at, ",\"deep\":");
        memset(out + at, '[', 100);
        memset(out + at + 100, ']', 100);
        at += 200;
    }
    out[at++] = '}';
    if (mistake == CUT)
        at = 1 + draw(bench, at - 1);
    if (mistake == GARBAGE_BEHIND)
        out[at++] = "}],x\"0"[draw(bench, 6)];
    if (mistake == CONTROL_BYTE)
        out[draw(bench, at)] = (char)(1 + draw(bench, 8));
    return at;
}

/* Ten thousand of them, a million in the long suite: an ERROR for each, the connection stays, the
 * venue is as it was. */
static void bad_messages_are_answered_and_change_nothing(void **state)
{
    const int *batches = *state; /* of a hundred */
    static const char resting[] =
        "{\"type\":\"PLACE_ORDER\",\"symbol\":\"BTC/"
        "USD\",\"side\":\"BUY\",\"order_type\":\"LIMIT\","
        "\"price\":\"30000\",\"quantity\":\"1\",\"client_order_id\":\"resting\"}";
    struct bench bench;
    char text[2048];

    bench_open(&bench, NULL, 0);
    say(&bench, resting, strlen(resting));
    wait_for(&bench, 1);
    const struct msim_engine *engine = msim_venue_engine(msim_exchange_server_venue(bench.server));
    uint64_t digest = msim_engine_digest(engine);
    uint64_t sequence = msim_engine_sequence(engine);
    uint64_t sent = 0;
    for (int batch = 0; batch < *batches; batch++) {
        for (int i = 0; i < 100; i++, sent++) {
            const struct field *fields = messages[draw(&bench, COUNT(messages))];
            enum mistake mistake = (enum mistake)draw(&bench, MISTAKES);
            say(&bench, text, write_message(&bench, fields, mistake, text, sizeof text));
        }
        wait_for(&bench, 1 + sent);
        assert_int_equal(bench.errors, sent);
    }
    assert_int_equal(msim_engine_sequence(engine), sequence);
    assert_true(msim_engine_digest(engine) == digest);
    bench_close(&bench);
}

static void an_exchange_is_destroyed_with_clients_on_it(void **state)
{
    static const char subscribe[] = "{\"type\":\"SUBSCRIBE\",\"channel\":\"ORDERBOOK_L2\","
                                    "\"symbol\":\"*\"}";
    static const char *const settings[] = {"server.cancel_on_disconnect=true",
                                           "failures.modes.delay_messages.probability=1"};
    struct bench bench;

    (void)state;
    bench_open(&bench, settings, COUNT(settings));
    say(&bench, subscribe, strlen(subscribe));
    for (int i = 0; i < 3; i++)
        turn(&bench);
    bench_close(&bench);
    assert_true(bench.is_closed);
}

static void a_strategy_that_is_added_while_it_runs_parts_a_client_from_the_shared_frames(
    void **state)
{
    static const char subscribe[] =
        "{\"type\":\"SUBSCRIBE\",\"channel\":\"TRADES\",\"symbol\":\"BTC/USD\"}";
    static const char sell[] = "{\"type\":\"PLACE_ORDER\",\"symbol\":\"BTC/USD\",\"side\":\"SELL\","
                               "\"order_type\":\"LIMIT\",\"price\":\"40000\",\"quantity\":\"1\"}";
    static const char buy[] = "{\"type\":\"PLACE_ORDER\",\"symbol\":\"BTC/USD\",\"side\":\"BUY\","
                              "\"order_type\":\"LIMIT\",\"price\":\"40000\",\"quantity\":\"1\"}";
    static const char drop[] = "{\"id\":\"gap\",\"kind\":\"drop\",\"select\":{\"dir\":\"out\","
                               "\"type\":[\"md.trade\"]}}";
    struct msim_detail detail = {{0}};
    struct bench bench;

    (void)state;
    bench_open(&bench, NULL, 0);
    struct msim_faults *faults = msim_venue_faults(msim_exchange_server_venue(bench.server));
    say(&bench, subscribe, strlen(subscribe));
    wait_for(&bench, 1);
    say(&bench, sell, strlen(sell));
    say(&bench, buy, strlen(buy));
    wait_for(&bench, 1 + 2 + 2 + 1); /* acks, fills, the trade */
    if (msim_faults_add(faults, msim_exchange_server_now(bench.server), drop, strlen(drop), NULL,
                        &detail) < 0)
        fail_msg("%s", detail.text);
    say(&bench, sell, strlen(sell));
    say(&bench, buy, strlen(buy));
    wait_for(&bench, 6 + 2 + 2);
    struct msim_fault_counts counts;
    assert_int_equal(msim_faults_counts(faults, "gap", &counts), MSIM_OK);
    assert_int_equal(counts.hits, 1);
    assert_int_equal(msim_faults_remove(faults, msim_exchange_server_now(bench.server), "gap"),
                     MSIM_OK);
    say(&bench, sell, strlen(sell));
    say(&bench, buy, strlen(buy));
    wait_for(&bench, 10 + 2 + 2 + 1);
    bench_close(&bench);
}

static void everybody_is_told_when_a_symbol_is_halted(void **state)
{
    struct bench bench;

    (void)state;
    bench_open(&bench, NULL, 0);
    struct msim_venue *venue = msim_exchange_server_venue(bench.server);
    assert_int_equal(
        msim_venue_set_state(venue, msim_exchange_server_now(bench.server), 1, MSIM_STATE_HALTED),
        MSIM_OK);
    wait_for(&bench, 1);
    assert_non_null(strstr(bench.last, "\"type\":\"NOTICE\",\"message\":\"ETH/USD is HALTED\""));
    bench_close(&bench);
}

/* ---- against history ---- */

#define NOON (INT64_C(1656676800) * MSIM_NS_PER_S)

struct tape {
    char folder[32];
    char path[64];
    struct msim_exchange_config *config;
};

static void tape_open(struct tape *tape)
{
    static const char trades[] = "timestamp,ticker,price,volume\n"
                                 "2022-07-01 12:00:00,BTC/USD,50000,1\n"
                                 "2022-07-01 12:00:01,BTC/USD,50001,1\n";
    char assignment[128];

    strcpy(tape->folder, "/tmp/msim-history-XXXXXX");
    assert_non_null(mkdtemp(tape->folder));
    snprintf(tape->path, sizeof tape->path, "%s/trades.csv", tape->folder);
    FILE *file = fopen(tape->path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(trades, 1, sizeof trades - 1, file), sizeof trades - 1);
    assert_int_equal(fclose(file), 0);
    snprintf(assignment, sizeof assignment, "exchange.history.file=%s", tape->path);
    assert_int_equal(msim_exchange_config_create(&tape->config, NULL), MSIM_OK);
    assert_int_equal(msim_exchange_config_set(tape->config, "server.port=0", NULL), MSIM_OK);
    assert_int_equal(msim_exchange_config_set(tape->config, assignment, NULL), MSIM_OK);
}

static void tape_close(struct tape *tape)
{
    msim_exchange_config_destroy(&tape->config);
    unlink(tape->path);
    rmdir(tape->folder);
}

static void a_history_may_wait_for_its_first_robot(void **state)
{
    struct msim_exchange_server_params params = MSIM_EXCHANGE_SERVER_PARAMS_INIT;
    struct msim_connect_params connect = MSIM_CONNECT_PARAMS_INIT;
    struct msim_detail detail = {{0}};
    struct bench bench = {0};
    struct tape tape;
    char url[64];

    (void)state;
    tape_open(&tape);
    assert_int_equal(msim_exchange_config_set(tape.config, "exchange.history.start=client", NULL),
                     MSIM_OK);
    params.config = tape.config;
    if (msim_exchange_server_create(&bench.server, &params, &detail) < 0)
        fail_msg("%s", detail.text);
    for (int i = 0; i < 5; i++)
        turn(&bench);
    assert_int_equal(msim_exchange_server_now(bench.server), NOON);
    snprintf(url, sizeof url, "ws://127.0.0.1:%u/ws?session=robot",
             (unsigned)msim_exchange_server_port(bench.server));
    connect.url = url;
    connect.handler.opened = opened;
    connect.handler.message = heard;
    connect.handler.closed = closed;
    connect.context = &bench;
    assert_int_equal(msim_net_connect(msim_exchange_server_net(bench.server), NULL, &connect, NULL),
                     MSIM_OK);
    for (int i = 0; i < PATIENCE && msim_exchange_server_now(bench.server) == NOON; i++)
        turn(&bench);
    assert_true(msim_exchange_server_now(bench.server) > NOON);
    bench_close(&bench);
    tape_close(&tape);
}

static void a_history_that_ends_before_the_market_starts_is_told_so(void **state)
{
    struct msim_exchange_server_params params = MSIM_EXCHANGE_SERVER_PARAMS_INIT;
    struct msim_exchange_server *server = NULL;
    struct msim_detail detail = {{0}};
    struct tape tape;

    (void)state;
    tape_open(&tape);
    params.config = tape.config;
    params.start = NOON + MSIM_NS_PER_S; /* the last trade's */
    int r = msim_exchange_server_create(&server, &params, &detail);
    if (r < 0)
        fail_msg("%s", detail.text);
    msim_exchange_server_destroy(&server);
    params.start += MSIM_NS_PER_S;
    assert_int_equal(msim_exchange_server_create(&server, &params, &detail), MSIM_ERR_NOT_FOUND);
    assert_non_null(strstr(detail.text, "exchange.history.file: the last trade of "));
    assert_non_null(strstr(detail.text, "is at 2022-07-01 12:00:01, and the market is to start at "
                                        "2022-07-01 12:00:02: an earlier start is wanted"));
    tape_close(&tape);
}

/* The latest words of the log. */
static void keep_words(void *context, enum msim_log_level level, const char *room,
                       const char *words)
{
    char *kept = context;

    if (level == MSIM_LOG_WARNING && strcmp(room, "exchange") == 0)
        snprintf(kept, 256, "%s", words);
}

static void a_ticker_that_the_file_does_not_have_is_refused_with_the_nearest(void **state)
{
    static const char *const names[] = {"exchange.history.tickers.BTC/USD=BTC/USD",
                                        "exchange.history.tickers.ETH/USD=BTC/UST"};
    struct msim_exchange_server_params params = MSIM_EXCHANGE_SERVER_PARAMS_INIT;
    struct msim_exchange_server *server = NULL;
    struct msim_detail detail = {{0}};
    struct tape tape;

    (void)state;
    tape_open(&tape);
    params.config = tape.config;
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(msim_exchange_config_set(tape.config, names[i], NULL), MSIM_OK);
    assert_int_equal(msim_exchange_server_create(&server, &params, &detail), MSIM_ERR_NOT_FOUND);
    assert_string_equal(detail.text, "exchange.history.file: no trade is of BTC/UST, as "
                                     "exchange.history.tickers.ETH/USD has it: the nearest there "
                                     "is BTC/USD");
    tape_close(&tape);

    tape_open(&tape);
    params.config = tape.config;
    assert_int_equal(msim_exchange_config_set(tape.config, "exchange.symbols=[\"SOL/EUR\"]", NULL),
                     MSIM_OK);
    assert_int_equal(msim_exchange_server_create(&server, &params, &detail), MSIM_ERR_NOT_FOUND);
    assert_string_equal(detail.text, "exchange.history.file: no trade is of SOL/EUR: "
                                     "exchange.history.tickers.SOL/EUR says what it is called "
                                     "there; there are such as BTC/USD");
    tape_close(&tape);
}

static void a_symbol_that_is_not_in_the_file_by_its_own_name_is_told_in_the_log(void **state)
{
    struct msim_exchange_server_params params = MSIM_EXCHANGE_SERVER_PARAMS_INIT;
    char words[256] = "";
    const struct msim_logger logger = {keep_words, words, MSIM_LOG_WARNING};
    struct msim_exchange_server *server = NULL;
    struct msim_detail detail = {{0}};
    struct tape tape;

    (void)state;
    tape_open(&tape);
    params.config = tape.config;
    params.logger = &logger;
    if (msim_exchange_server_create(&server, &params, &detail) < 0)
        fail_msg("%s", detail.text);
    assert_non_null(strstr(words, "no trade is of ETH/USD"));
    msim_exchange_server_destroy(&server);
    tape_close(&tape);
}

int main(int argument_count, char **arguments)
{
    int batches = argument_count > 1 ? atoi(arguments[1]) : 100;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(bad_messages_are_answered_and_change_nothing, &batches),
        cmocka_unit_test(an_exchange_is_destroyed_with_clients_on_it),
        cmocka_unit_test(everybody_is_told_when_a_symbol_is_halted),
        cmocka_unit_test(a_history_may_wait_for_its_first_robot),
        cmocka_unit_test(a_history_that_ends_before_the_market_starts_is_told_so),
        cmocka_unit_test(a_ticker_that_the_file_does_not_have_is_refused_with_the_nearest),
        cmocka_unit_test(a_symbol_that_is_not_in_the_file_by_its_own_name_is_told_in_the_log),
        cmocka_unit_test(
            a_strategy_that_is_added_while_it_runs_parts_a_client_from_the_shared_frames),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
