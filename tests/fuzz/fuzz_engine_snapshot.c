/*
 * Any bytes as a snapshot.  The checksum is put right first, so that the reader
 * behind it is reached; what it accepts must be an engine that holds together,
 * writes the same bytes again, and takes commands.
 */
#include <stdlib.h>
#include <string.h>

#include <marketsim/engine.h>

#include "engine/snapshot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition)
        abort();
}

static void trade_on(struct msim_engine *engine)
{
    struct msim_detail detail;

    for (uint32_t i = 0; i < 60; i++) {
        const struct msim_command c = {
            .kind = (uint8_t)(i % 5 == 4   ? MSIM_COMMAND_CANCEL
                              : i % 7 == 6 ? MSIM_COMMAND_BUST
                                           : MSIM_COMMAND_NEW),
            .time = msim_engine_time(engine) < INT64_MAX - 1000 ? msim_engine_time(engine) + i : 0,
            .side = (uint8_t)(1 + i % 2),
            .type = i % 3 ? MSIM_ORDER_LIMIT : MSIM_ORDER_MARKET,
            .instrument = i % 3,
            .account = i % 4,
            .price = i % 3 ? 90 + i % 20 : 0,
            .quantity = 1 + i,
            .order = i,
            .flags = i % 7 == 6 ? MSIM_COMMAND_ALLOW_NEGATIVE : 0,
        };
        must(msim_engine_apply(engine, &c) == MSIM_APPLY_DONE);
    }
    must(msim_engine_audit(engine, &detail) == MSIM_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct msim_engine_params params = MSIM_ENGINE_PARAMS_INIT;
    struct msim_engine *engine = NULL;
    struct msim_detail detail;
    size_t length = 0;

    unsigned char *bytes = malloc(size + 1);
    must(bytes != NULL);
    if (size > 0)
        memcpy(bytes, data, size);
    if (size >= SNAPSHOT_HEADER + SNAPSHOT_TAIL)
        store_u64(bytes + 16, size);
    msim_snapshot_seal(bytes, size);

    params.orders = 1;
    params.max_orders = 1000;
    params.max_accounts = 64;
    params.window_levels = 64;
    const int r = msim_engine_restore(&engine, &params, bytes, size, &detail);
    if (r == MSIM_OK) {
        unsigned char *again = malloc(size);
        must(again && msim_engine_snapshot(engine, again, size, &length) == MSIM_OK);
        must(length == size && memcmp(bytes, again, size) == 0);
        free(again);
        trade_on(engine);
        msim_engine_destroy(&engine);
    } else {
        must(engine == NULL && detail.text[0] != '\0');
    }
    free(bytes);
    return 0;
}
