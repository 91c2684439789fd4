#include "check.h"

#include "oom/failing.h"

#include <marketsim/marketsim.h>

static int attempt_encoder(const struct msim_allocator *allocator, void *context)
{
    struct msim_replay_encoder *encoder = NULL;

    int r = msim_replay_encoder_create(&encoder, context, allocator);
    msim_replay_encoder_destroy(&encoder);
    return r;
}

/* Encoding takes memory for a symbol when it is met first. */
static int attempt_encoding(const struct msim_allocator *allocator, void *context)
{
    struct msim_record record = {.kind = MSIM_RECORD_TRADE, .symbol = 0};
    struct msim_replay_encoder *encoder = NULL;
    char text[256];
    size_t length;

    int r = msim_replay_encoder_create(&encoder, context, allocator);
    if (r >= 0)
        r = msim_replay_encode(encoder, &record, text, sizeof text, &length);
    msim_replay_encoder_destroy(&encoder);
    return r;
}

static void an_encoder_survives_every_failing_allocation(void **state)
{
    static const char *const symbols[] = {"BTC"};
    struct msim_source_array_params params = MSIM_SOURCE_ARRAY_PARAMS_INIT;
    struct msim_source source;

    (void)state;
    params.symbols = symbols;
    params.symbol_count = COUNT(symbols);
    assert_int_equal(msim_source_array(&source, &params, NULL), MSIM_OK);
    FAIL_EACH_ALLOCATION(attempt_encoder, &source);
    FAIL_EACH_ALLOCATION(attempt_encoding, &source);
    msim_source_release(&source);
}

static int attempt_quotes_server(const struct msim_allocator *allocator, void *context)
{
    static const char *const keys[] = {"one", "two"};
    struct msim_quotes_server_params params = MSIM_QUOTES_SERVER_PARAMS_INIT;
    struct msim_source *source = context;
    struct msim_quotes_server *server = NULL;

    params.source = *source;
    params.api_keys = keys;
    params.api_key_count = COUNT(keys);
    params.protocol = MSIM_QUOTES_POLYGON;
    params.host = "127.0.0.1";
    params.max_clients = 4;
    params.allocator = allocator;
    int r = msim_quotes_server_create(&server, &params, NULL);
    /* Moved into the server when it succeeded, and only then. */
    assert_true((params.source.ops == NULL) == (r >= 0));
    if (r >= 0)
        source->ops = NULL;
    msim_quotes_server_destroy(&server);
    return r;
}

static void a_quotes_server_survives_every_failing_allocation(void **state)
{
    struct msim_mock_params params = MSIM_MOCK_PARAMS_INIT;
    struct msim_source source;

    (void)state;
    assert_int_equal(msim_source_mock(&source, &params, NULL), MSIM_OK);
    FAIL_EACH_ALLOCATION(attempt_quotes_server, &source);
    assert_null(source.ops);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_encoder_survives_every_failing_allocation),
        cmocka_unit_test(a_quotes_server_survives_every_failing_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
