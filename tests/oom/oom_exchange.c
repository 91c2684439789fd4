#include "check.h"

#include "oom/failing.h"

#include <marketsim/marketsim.h>
#include <string.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_dialect_survives_every_failing_allocation),
        cmocka_unit_test(a_configuration_survives_every_failing_allocation),
        cmocka_unit_test(an_exchange_survives_every_failing_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
