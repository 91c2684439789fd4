/*
 * CppTrader's market manager, its matching on.
 *
 * Its sources and CppCommon's headers are wanted; docs/benchmarks.md has the command.  Trades are
 * told by its callback, once for each of the two orders.
 */
#include "peer.h"

#include "trader/matching/market_manager.h"

namespace
{

struct listener : CppTrader::Matching::MarketHandler {
    flow_outcome outcome = {};
    uint64_t taker = 0;

    void onExecuteOrder(const CppTrader::Matching::Order &order, uint64_t price,
                        uint64_t quantity) override
    {
        if (order.Id != taker)
            flow_trade(&outcome.trades, order.Id, price, quantity, price * quantity);
    }
};

} // namespace

struct flow_driver {
    listener heard;
    CppTrader::Matching::MarketManager market{heard};
};

static inline CppTrader::Matching::ErrorCode send(CppTrader::Matching::MarketManager &market,
                                                  const flow_message &message)
{
    using CppTrader::Matching::Order;
    using CppTrader::Matching::OrderSide;
    const OrderSide side = message.side == FLOW_BUY ? OrderSide::BUY : OrderSide::SELL;

    switch (message.type) {
    case FLOW_MARKET:
        return market.AddOrder(Order::Market(message.id, message.symbol, side, message.quantity));
    case FLOW_CANCEL:
        return market.DeleteOrder(message.id);
    case FLOW_REPLACE:
        return market.ReplaceOrder(message.id, message.id, message.price, message.quantity);
    default:
        return market.AddOrder(
            Order::Limit(message.id, message.symbol, side, message.price, message.quantity));
    }
}

static inline void apply(flow_driver *driver, const flow_message &message)
{
    driver->heard.taker = message.id;
    if (send(driver->market, message) != CppTrader::Matching::ErrorCode::OK)
        driver->heard.outcome.refused++;
}

static flow_driver *create(const flow *flow, const flow_ways *)
{
    flow_driver *driver = new flow_driver;

    for (uint32_t i = 0; i < flow->header.symbols; i++) {
        const char name[8] = {'S'};
        const CppTrader::Matching::Symbol symbol(i, name);
        driver->market.AddSymbol(symbol);
        driver->market.AddOrderBook(symbol);
    }
    driver->market.EnableMatching();
    run(driver, flow->messages, flow->header.prefill);
    driver->heard.outcome = {};
    return driver;
}

static flow_outcome outcome(const flow_driver *driver)
{
    return driver->heard.outcome;
}

static void destroy(flow_driver *driver)
{
    delete driver;
}

const struct flow_engine flow_engine = {
    FLOW_ENGINE_VERSION, "cpptrader", create, run, run_timed, outcome, destroy,
};

int main(int count, char **arguments)
{
    return peer_program(count, arguments);
}
