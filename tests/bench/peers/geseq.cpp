/*
 * geseq/cpp-orderbook with levels in an array, a book for each symbol.
 *
 * Its sources, those of geseq/cpp-decimal and cpp-pool, and Boost's intrusive containers are
 * wanted; docs/benchmarks.md has the command.  Orders and trades are told by its callback as they
 * happen.  It replaces by a cancel and an order anew.
 */
#include "peer.h"

#include "orderbook.hpp"

#include <memory>
#include <vector>

/* Without a name: what only this file sees is inlined, and the engine 2 to 10 % faster for it. */
namespace
{

struct listener : orderbook::NotificationInterface<listener> {
    flow_outcome outcome = {};

    void onExecutionReport(const orderbook::ExecutionReport &report)
    {
        if (report.exec_type != orderbook::ExecType::Trade)
            return;
        const uint64_t price = report.last_price.to_int();
        const uint64_t quantity = report.last_qty.to_int();
        flow_trade(&outcome.trades, report.maker_order_id, price, quantity, price * quantity);
    }
};

using book = orderbook::OrderBook<listener>;

} // namespace

struct flow_driver {
    listener heard;
    std::vector<std::unique_ptr<book>> books;
};

static inline void add(book &at, const flow_message &message, orderbook::Type type)
{
    at.addOrder(message.id, type,
                message.side == FLOW_BUY ? orderbook::Side::Buy : orderbook::Side::Sell,
                orderbook::Decimal((uint64_t)message.quantity, 0),
                orderbook::Decimal((uint64_t)message.price, 0), orderbook::Flag::None);
}

static inline void apply(flow_driver *driver, const flow_message &message)
{
    book &at = *driver->books[message.symbol];

    if (message.type == FLOW_CANCEL || message.type == FLOW_REPLACE)
        at.cancelOrder(message.id);
    if (message.type != FLOW_CANCEL)
        add(at, message,
            message.type == FLOW_MARKET ? orderbook::Type::Market : orderbook::Type::Limit);
}

static flow_driver *create(const flow *flow, const flow_ways *)
{
    flow_driver *driver = new flow_driver;
    const size_t orders = flow->header.depth * 2 + 16384;

    for (uint64_t i = 0; i < flow->header.symbols; i++)
        driver->books.push_back(std::make_unique<book>(driver->heard, 16384, orders, orders));
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
    FLOW_ENGINE_VERSION, "geseq", create, run, run_timed, outcome, destroy,
};

int main(int count, char **arguments)
{
    return peer_program(count, arguments);
}
