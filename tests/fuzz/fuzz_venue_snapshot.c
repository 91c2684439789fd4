/*
 * Any bytes as a venue's snapshot.  The checksum is put right first, so that the reader behind
 * it is reached; what it accepts must hold together, write the same bytes again, and go on.
 */
#include <stdlib.h>
#include <string.h>

#include <marketsim/venue.h>

#include "venue/inside.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition)
        abort();
}

static void go_on(struct msim_venue *venue)
{
    struct msim_venue_output out;
    struct msim_detail detail;
    const msim_time now = msim_venue_time(venue);

    if (now > INT64_MAX / 2 || now < INT64_MIN / 2)
        return;
    for (int i = 0; i < 20; i++) {
        struct msim_venue_order order = MSIM_VENUE_ORDER_INIT;
        order.command.kind = MSIM_COMMAND_NEW;
        order.command.type = MSIM_ORDER_LIMIT;
        order.command.account = MSIM_VENUE_FIRST_ACCOUNT;
        order.command.side = (uint8_t)(1 + i % 2);
        order.command.price = 10000 + i;
        order.command.quantity = 1;
        order.command.time = now + i;
        order.client_id = "fuzz";
        order.client_id_length = 4;
        if (msim_venue_submit(venue, &order) < 0)
            return;
        while (msim_venue_pull(venue, now + i, &out, NULL) == MSIM_PULL_RECORD)
            ;
    }
    must(msim_engine_audit(msim_venue_engine(venue), &detail) == MSIM_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct msim_venue_params params = MSIM_VENUE_PARAMS_INIT;
    struct msim_engine_params engine = MSIM_ENGINE_PARAMS_INIT;
    struct msim_venue *venue = NULL;
    struct msim_detail detail;
    size_t length = 0;

    unsigned char *bytes = malloc(size + 1);
    must(bytes != NULL);
    if (size > 0)
        memcpy(bytes, data, size);
    for (size_t i = 0; size >= 24 && i < 8; i++)
        bytes[16 + i] = (unsigned char)((uint64_t)size >> (8 * i));
    msim_venue_snapshot_seal(bytes, size);

    engine.orders = 1;
    engine.max_orders = 1000;
    engine.window_levels = 64;
    params.engine = &engine;
    params.max_accounts = 64;
    params.max_client_ids = 4096;
    params.finished_orders = params.fills = params.candles = params.trades = params.prices = 64;
    const int r = msim_venue_restore(&venue, &params, bytes, size, &detail);
    if (r == MSIM_OK) {
        unsigned char *again = malloc(size);
        must(again && msim_venue_snapshot(venue, again, size, &length) == MSIM_OK);
        must(length == size && memcmp(bytes, again, size) == 0);
        free(again);
        go_on(venue);
        msim_venue_destroy(&venue);
    } else {
        must(venue == NULL && detail.text[0] != '\0');
    }
    free(bytes);
    return 0;
}
