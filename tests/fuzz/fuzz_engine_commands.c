/*
 * Any bytes as a run of commands: every one is applied, everything agrees with
 * everything else afterwards, and a snapshot goes on as the engine itself does.
 */
#include <stdlib.h>
#include <string.h>

#include <marketsim/engine.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define COMMAND_BYTES 24
#define MAX_COMMANDS 400

static void must(bool condition)
{
    if (!condition)
        abort();
}

static struct msim_engine *make(const struct msim_engine_params *params)
{
    struct msim_engine *engine = NULL;
    struct msim_instrument_params instrument = MSIM_INSTRUMENT_PARAMS_INIT;

    must(msim_engine_create(&engine, params, NULL) == MSIM_OK);
    must(msim_engine_asset_add(engine, "USD", -4, NULL, NULL) == MSIM_OK);
    must(msim_engine_asset_add(engine, "BTC", -2, NULL, NULL) == MSIM_OK);
    instrument.symbol = "BTC/USD";
    instrument.base_asset = 1;
    instrument.price_exponent = -1;
    instrument.quantity_exponent = -2;
    instrument.maker_fee = 900;
    instrument.taker_fee = 3000;
    must(msim_engine_instrument_add(engine, &instrument, NULL, NULL) == MSIM_OK);
    instrument.symbol = "BTC/USD.Q";
    instrument.fee_mode = MSIM_FEE_QUOTE;
    instrument.tick = 5;
    instrument.band = 100000;
    must(msim_engine_instrument_add(engine, &instrument, NULL, NULL) == MSIM_OK);
    for (uint32_t account = 0; account < 4; account++) {
        for (uint32_t asset = 0; asset < 2; asset++) {
            const struct msim_command c = {.kind = MSIM_COMMAND_DEPOSIT,
                                           .account = account,
                                           .asset = asset,
                                           .amount = 50000000};
            must(msim_engine_apply(engine, &c) == MSIM_APPLY_DONE);
        }
    }
    return engine;
}

/* Small numbers mostly, so that orders meet; now and then one that fills eight bytes. */
static int64_t number(const uint8_t *bytes)
{
    int64_t value = bytes[0] | bytes[1] << 8;
    if (bytes[1] == 0xff)
        memset(&value, bytes[0], sizeof value);
    return bytes[1] < 0xf0 ? value & 0x1ff : value;
}

static struct msim_command command_of(const uint8_t *b)
{
    return (struct msim_command){
        .kind = b[0] % 23,
        .side = b[1] & 3,
        .type = b[1] >> 2 & 7,
        .time_in_force = b[1] >> 5,
        .self_trade = b[2] % 6,
        .flags = b[2] >> 3,
        .state = b[3] % 5,
        .instrument = b[4] == 255 ? MSIM_ALL_INSTRUMENTS : b[4] % 3,
        .account = b[5] % 5,
        .price = number(b + 6),
        .quantity = number(b + 8),
        .order = b[10],
        .client_id = b[11] & 31,
        .stop_price = number(b + 12),
        .display_quantity = b[14],
        .amount = number(b + 16) % (INT64_MAX / 1000) * 1000,
        .expires_at = b[18],
        .time = b[19],
        .trade = b[20] & 63,
        .owner = b[21] & 3,
        .asset = b[22] % 3,
        .handle = b[23] ? (uint64_t)b[23] << 32 | (b[10] & 63) : 0,
    };
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct msim_engine_params params = MSIM_ENGINE_PARAMS_INIT;
    struct msim_engine *other = NULL;
    struct msim_detail detail;
    size_t length = 0;

    params.orders = 4;
    params.max_orders = 100;
    params.max_accounts = 4;
    params.window_levels = 64;
    params.finished_ids = 4;
    params.trade_history = 16;
    params.events = MSIM_EVENTS_ALL;
    struct msim_engine *engine = make(&params);
    for (size_t i = 0; i < MAX_COMMANDS && (i + 1) * COMMAND_BYTES <= size; i++) {
        const struct msim_command c = command_of(data + i * COMMAND_BYTES);
        must(msim_engine_apply(engine, &c) == MSIM_APPLY_DONE);
    }
    must(msim_engine_audit(engine, &detail) == MSIM_OK);
    msim_engine_snapshot(engine, NULL, 0, &length);
    void *bytes = malloc(length);
    must(bytes && msim_engine_snapshot(engine, bytes, length, &length) == MSIM_OK);
    must(msim_engine_restore(&other, &params, bytes, length, &detail) == MSIM_OK);
    must(msim_engine_digest(other) == msim_engine_digest(engine));
    free(bytes);
    msim_engine_destroy(&other);
    msim_engine_destroy(&engine);
    return 0;
}
