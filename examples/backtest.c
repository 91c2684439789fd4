/* A robot against a market of models, without sockets: it buys a bitcoin that fell below the price
 * that it returns to, and sells it above.  Prints what the robot won in an hour. */
#include <marketsim/marketsim.h>

#include <stdio.h>

int main(int argument_count, char **arguments)
{
    struct msim_venue_params params = MSIM_VENUE_PARAMS_INIT;
    struct msim_instrument_params terms = MSIM_INSTRUMENT_PARAMS_INIT;
    struct msim_venue_liquidity quotes = MSIM_VENUE_LIQUIDITY_INIT;
    struct msim_venue_order order = MSIM_VENUE_ORDER_INIT;
    struct msim_position_view position = {0};
    struct msim_venue *venue = NULL;
    struct msim_venue_output out;
    struct msim_detail detail = {""};
    const int64_t mean = 5000000; /* 50000.00 */
    uint32_t market, robot;

    if (argument_count > 1)
        return fprintf(stderr, "usage: %s, without arguments\n", arguments[0]) < 0 ? 1 : 2;
    terms.symbol = "BTC/USD";
    terms.price_exponent = -2;
    terms.quantity_exponent = -4;
    terms.base_asset = 1;
    quotes.price = mean;
    quotes.model = (struct msim_mock_model){.kind = MSIM_MOCK_OU, .kappa = 5e5, .sigma = 3};
    int r = msim_venue_create(&venue, &params, &detail);
    if (r < 0 || (r = msim_venue_asset_add(venue, "USD", -6, NULL, &detail)) < 0 ||
        (r = msim_venue_asset_add(venue, "BTC", -6, NULL, &detail)) < 0 ||
        (r = msim_venue_instrument_add(venue, &terms, &market, &detail)) < 0 ||
        (r = msim_venue_liquidity_set(venue, market, &quotes, &detail)) < 0 ||
        (r = msim_venue_account(venue, "robot", 5, &robot)) < 0 ||
        (r = msim_venue_deposit(venue, 0, robot, 0, INT64_C(1000000000000))) < 0)
        goto done;
    order.command.kind = MSIM_COMMAND_NEW;
    order.command.type = MSIM_ORDER_MARKET;
    order.command.account = robot;
    while ((r = msim_venue_pull(venue, 3600 * MSIM_NS_PER_S, &out, &detail)) == MSIM_PULL_RECORD) {
        if (out.kind != MSIM_VENUE_RECORD || out.record->kind != MSIM_RECORD_TRADE)
            continue;
        const int64_t price = out.record->as.trade.price; /* in cents */
        if (price > mean - 5000 && price < mean + 5000)
            continue;
        msim_engine_position(msim_venue_engine(venue), robot, market, &position);
        order.command.side = price < mean ? MSIM_SIDE_BUY : MSIM_SIDE_SELL;
        order.command.quantity = price < mean ? 10000 - position.quantity : position.quantity;
        order.command.time = out.time + MSIM_NS_PER_MS;
        if (order.command.quantity > 0 && (r = msim_venue_submit(venue, &order)) < 0)
            break;
    }
done:
    if (r < 0)
        fprintf(stderr, "backtest: %s\n", detail.text[0] ? detail.text : msim_result_text(r));
    else
        printf("won %.2f USD\n", (double)(position.realised + position.unrealised) / 1e6);
    msim_venue_destroy(&venue);
    return r < 0;
}
