/*
 * What tests of the engine's rules begin with: BTC for USD, and commands in a line.
 */
#ifndef TESTS_UNIT_ENGINE_MARKET_H
#define TESTS_UNIT_ENGINE_MARKET_H

#include "check.h"

#include <marketsim/engine.h>

#define USD 0
#define BTC 1

static inline struct msim_engine *make_engine(const struct msim_engine_params *params,
                                              const struct msim_instrument_params *terms)
{
    struct msim_instrument_params instrument = *terms;
    struct msim_engine *engine = NULL;

    assert_int_equal(msim_engine_create(&engine, params, NULL), MSIM_OK);
    assert_int_equal(msim_engine_asset_add(engine, "USD", 0, NULL, NULL), MSIM_OK);
    assert_int_equal(msim_engine_asset_add(engine, "BTC", 0, NULL, NULL), MSIM_OK);
    instrument.symbol = "BTC/USD";
    instrument.base_asset = BTC;
    instrument.quote_asset = USD;
    assert_int_equal(msim_engine_instrument_add(engine, &instrument, NULL, NULL), MSIM_OK);
    return engine;
}

static inline void apply(struct msim_engine *engine, struct msim_command command)
{
    assert_int_equal(msim_engine_apply(engine, &command), MSIM_APPLY_DONE);
}

static inline void deposit(struct msim_engine *engine, uint32_t account, uint32_t asset,
                           int64_t amount)
{
    apply(engine,
          (struct msim_command){
              .kind = MSIM_COMMAND_DEPOSIT, .account = account, .asset = asset, .amount = amount});
}

static inline struct msim_command limit(uint32_t account, uint8_t side, msim_price price,
                                        msim_qty quantity)
{
    return (struct msim_command){.kind = MSIM_COMMAND_NEW,
                                 .account = account,
                                 .side = side,
                                 .type = MSIM_ORDER_LIMIT,
                                 .price = price,
                                 .quantity = quantity};
}

static inline size_t told(const struct msim_engine *engine, uint8_t kind, struct msim_event *last)
{
    size_t count;
    size_t found = 0;
    const struct msim_event *events = msim_engine_events(engine, &count);
    for (size_t i = 0; i < count; i++) {
        if (events[i].kind != kind)
            continue;
        found++;
        if (last)
            *last = events[i];
    }
    return found;
}

static inline struct msim_engine *make_quiet(uint32_t trade_history)
{
    struct msim_engine_params params = MSIM_ENGINE_PARAMS_INIT;
    struct msim_instrument_params terms = MSIM_INSTRUMENT_PARAMS_INIT;

    params.events = MSIM_EVENTS_ORDER | MSIM_EVENTS_TRADE | MSIM_EVENTS_FILL;
    params.trade_history = trade_history;
    struct msim_engine *engine = make_engine(&params, &terms);
    deposit(engine, 1, BTC, 1000);
    deposit(engine, 2, USD, 1000000);
    return engine;
}

#endif
