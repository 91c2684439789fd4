#define _GNU_SOURCE /* mkstemp */

#include "check.h"

#include "oom/failing.h"

#include <marketsim/marketsim.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int attempt_codec(const struct msim_allocator *allocator, void *context)
{
    struct msim_native_codec_params params = MSIM_NATIVE_CODEC_PARAMS_INIT;
    struct msim_native_codec *codec = NULL;

    (void)context;
    params.allocator = allocator;
    int r = msim_native_codec_create(&codec, &params);
    if (r >= 0)
        r = msim_native_codec_asset(codec, "A", -8);
    if (r >= 0)
        r = msim_native_codec_asset(codec, "B", -8);
    for (int i = 0; r >= 0 && i < 40; i++) {
        char symbol[8] = "SYM00";
        struct msim_native_instrument instrument = {symbol, 0, 1, -2, -6};
        symbol[3] = (char)('0' + i / 10);
        symbol[4] = (char)('0' + i % 10);
        r = msim_native_codec_instrument(codec, &instrument);
    }
    msim_native_codec_destroy(&codec);
    return r;
}

static void the_dialect_survives_every_failing_allocation(void **state)
{
    (void)state;
    FAIL_EACH_ALLOCATION(attempt_codec, NULL);
}

static int attempt_config(const struct msim_allocator *allocator, void *context)
{
    static const char text[] = "{\"server\":{\"port\":0},\"exchange\":{\"tick_interval\":1}}";
    struct msim_exchange_config *config = NULL;

    (void)context;
    int r = msim_exchange_config_create(&config, allocator);
    if (r >= 0)
        r = msim_exchange_config_read(config, text, strlen(text), NULL);
    if (r >= 0)
        r = msim_exchange_config_set(config, "server.host=127.0.0.1", NULL);
    msim_exchange_config_destroy(&config);
    return r;
}

static void a_configuration_survives_every_failing_allocation(void **state)
{
    (void)state;
    FAIL_EACH_ALLOCATION(attempt_config, NULL);
}

static int attempt_server(const struct msim_allocator *allocator, void *context)
{
    struct msim_exchange_server_params params = MSIM_EXCHANGE_SERVER_PARAMS_INIT;
    struct msim_exchange_server *server = NULL;

    params.config = context;
    params.max_clients = 4;
    params.allocator = allocator;
    int r = msim_exchange_server_create(&server, &params, NULL);
    msim_exchange_server_destroy(&server);
    return r;
}

static void an_exchange_survives_every_failing_allocation(void **state)
{
    static const char *const settings[] = {
        "server.port=0",
        "server.host=127.0.0.1",
        "server.api_keys=[{\"key\":\"k\",\"secret\":\"s\"}]",
        "exchange.symbols=[\"BTC/USD\"]",
        "failures.modes.drop_messages.probability=0.1",
    };
    struct msim_exchange_config *config = NULL;

    (void)state;
    assert_int_equal(msim_exchange_config_create(&config, NULL), MSIM_OK);
    for (size_t i = 0; i < COUNT(settings); i++)
        assert_int_equal(msim_exchange_config_set(config, settings[i], NULL), MSIM_OK);
    FAIL_EACH_ALLOCATION(attempt_server, config);
    msim_exchange_config_destroy(&config);
}

static int write_trades(const char *path)
{
    static const struct msim_parquet_column columns[] = {
        {.name = "timestamp", .type = MSIM_PARQUET_TIMESTAMP_MS},
        {.name = "price", .type = MSIM_PARQUET_DOUBLE},
        {.name = "volume", .type = MSIM_PARQUET_DOUBLE},
        {.name = "ticker", .type = MSIM_PARQUET_STRING},
    };
    struct msim_parquet_writer_params params = MSIM_PARQUET_WRITER_PARAMS_INIT;
    struct msim_parquet_writer *writer = NULL;

    params.path = path;
    params.columns = columns;
    params.column_count = COUNT(columns);
    int r = msim_parquet_writer_create(&writer, &params, NULL);
    for (int i = 0; i < 3 && r >= 0; i++) {
        const struct msim_parquet_value values[] = {
            {.integer = (1700000000 + i) * MSIM_NS_PER_S},
            {.number = 50000.5},
            {.number = 0.5},
            {.text = "XBT", .text_length = 3},
        };
        r = msim_parquet_writer_row(writer, values, NULL);
    }
    if (r >= 0)
        r = msim_parquet_writer_finish(writer, NULL);
    msim_parquet_writer_destroy(&writer);
    return r;
}

static void an_exchange_against_a_file_survives_every_failing_allocation(void **state)
{
    char path[] = "/tmp/msim-XXXXXX";
    char assignment[64];
    struct msim_exchange_config *config = NULL;

    (void)state;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(write_trades(path), MSIM_OK);
    snprintf(assignment, sizeof assignment, "exchange.history.file=%s", path);
    const char *const settings[] = {
        "server.port=0",
        "server.host=127.0.0.1",
        "exchange.symbols=[\"BTC/USD\"]",
        assignment,
        "exchange.history.tickers.BTC/USD=XBT",
    };
    assert_int_equal(msim_exchange_config_create(&config, NULL), MSIM_OK);
    for (size_t i = 0; i < COUNT(settings); i++)
        assert_int_equal(msim_exchange_config_set(config, settings[i], NULL), MSIM_OK);
    FAIL_EACH_ALLOCATION(attempt_server, config);
    msim_exchange_config_destroy(&config);
    unlink(path);
}

/* ---- a whole session, recorded once and replayed with each allocation failing ---- */

struct recording {
    unsigned char *bytes;
    size_t length;
};

static int keep(void *context, const void *bytes, size_t length)
{
    struct recording *recording = context;
    unsigned char *more = realloc(recording->bytes, recording->length + length);

    if (!more)
        return MSIM_ERR_NOMEM;
    memcpy(more + recording->length, bytes, length);
    recording->bytes = more;
    recording->length += length;
    return MSIM_OK;
}

static void opened(void *context, struct msim_connection *connection)
{
    static const char *const says[] = {
        "{\"type\":\"SUBSCRIBE\",\"channel\":\"ORDERBOOK_L2\",\"symbol\":\"*\"}",
        "{\"type\":\"SUBSCRIBE\",\"channel\":\"CANDLES\",\"symbol\":\"*\"}",
        "{\"type\":\"PLACE_ORDER\",\"symbol\":\"BTC/USD\",\"side\":\"BUY\","
        "\"order_type\":\"MARKET\",\"quantity\":\"1\",\"client_order_id\":\"a\"}",
        "{\"type\":\"PLACE_ORDER\",\"symbol\":\"BTC/USD\",\"side\":\"SELL\","
        "\"order_type\":\"LIMIT\",\"price\":\"60000\",\"quantity\":\"0.5\"}",
        "{\"type\":\"GET_ORDERS\"}",
        "{\"type\":\"GET_BALANCE\"}",
        "{\"type\":\"GET_ORDERBOOK\",\"symbol\":\"BTC/USD\"}",
        "{\"type\":\"GET_TRADES\",\"symbol\":\"BTC/USD\"}",
        "{\"type\":\"CANCEL_ALL\"}",
        "{\"type\":\"PING\"}",
    };

    (void)context;
    for (size_t i = 0; i < COUNT(says); i++)
        assert_int_equal(
            msim_connection_send(connection, MSIM_MESSAGE_TEXT, says[i], strlen(says[i])), MSIM_OK);
}

static void heard(void *context, struct msim_connection *connection, enum msim_message_kind kind,
                  const unsigned char *bytes, size_t length)
{
    int *pongs = context;

    (void)connection;
    (void)kind;
    *pongs += length > 14 && memcmp(bytes, "{\"type\":\"PONG\"", 14) == 0;
}

static void record_session(struct recording *recording)
{
    static const char *const settings[] = {
        "server.port=0",
        "server.host=127.0.0.1",
        "exchange.symbols=[\"BTC/USD\"]",
        "failures.modes.duplicate_messages.probability=0.5",
    };
    struct msim_exchange_server_params params = MSIM_EXCHANGE_SERVER_PARAMS_INIT;
    struct msim_connect_params connect = MSIM_CONNECT_PARAMS_INIT;
    struct msim_exchange_config *config = NULL;
    struct msim_exchange_server *server = NULL;
    char url[64];
    int pongs = 0;

    assert_int_equal(msim_exchange_config_create(&config, NULL), MSIM_OK);
    for (size_t i = 0; i < COUNT(settings); i++)
        assert_int_equal(msim_exchange_config_set(config, settings[i], NULL), MSIM_OK);
    params.config = config;
    params.max_clients = 4;
    params.record = keep;
    params.record_context = recording;
    assert_int_equal(msim_exchange_server_create(&server, &params, NULL), MSIM_OK);
    snprintf(url, sizeof url, "ws://127.0.0.1:%u/ws?session=robot",
             (unsigned)msim_exchange_server_port(server));
    connect.url = url;
    connect.handler.opened = opened;
    connect.handler.message = heard;
    connect.context = &pongs;
    assert_int_equal(msim_net_connect(msim_exchange_server_net(server), NULL, &connect, NULL),
                     MSIM_OK);
    while (pongs == 0)
        assert_true(msim_exchange_server_dispatch(server, 5) >= 0);
    msim_exchange_server_destroy(&server);
    msim_exchange_config_destroy(&config);
}

static int attempt_replay(const struct msim_allocator *allocator, void *context)
{
    const struct recording *recording = context;
    struct msim_exchange_replay_params params = MSIM_EXCHANGE_REPLAY_PARAMS_INIT;
    struct msim_exchange_replay_result result = {.digest = 42};
    struct msim_detail detail = {{0}};

    params.bytes = recording->bytes;
    params.length = recording->length;
    params.allocator = allocator;
    int r = msim_exchange_replay(&params, &result, &detail);
    if (r < 0) {
        if (detail.text[0] == 0)
            fail_msg("%d is not told", r);
        assert_int_equal(result.digest, 42);
    }
    return r;
}

/* One answer for which there was no memory is a refusal, and the session goes on: only then may
 * the replay come to its end. */
static void a_session_survives_every_failing_allocation(void **state)
{
    struct recording recording = {0};

    (void)state;
    record_session(&recording);
    for (size_t fail_at = 0;; fail_at++) {
        struct failing failing = {.fail_at = fail_at};
        struct msim_allocator allocator = failing_allocator(&failing);
        int r = attempt_replay(&allocator, &recording);
        assert_int_equal(failing.blocks, 0);
        assert_int_equal(failing.bytes, 0);
        if (r != MSIM_ERR_NOMEM && r != MSIM_OK)
            fail_msg("allocation %zu: %d", fail_at, r);
        if (failing.calls <= fail_at) {
            assert_int_equal(r, MSIM_OK);
            break;
        }
    }
    free(recording.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_dialect_survives_every_failing_allocation),
        cmocka_unit_test(a_configuration_survives_every_failing_allocation),
        cmocka_unit_test(an_exchange_survives_every_failing_allocation),
        cmocka_unit_test(an_exchange_against_a_file_survives_every_failing_allocation),
        cmocka_unit_test(a_session_survives_every_failing_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
