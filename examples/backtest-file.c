/*
 * A robot against a Parquet file's trades (make-sample trades.parquet --plain): it bids a tick
 * below the last, offers what it got a tick above.  0: filled by touch, 1: through, 2: queue. */
#include <marketsim/marketsim.h>
#include <stdio.h>

int main(int argument_count, char **arguments)
{
    const char *path = argument_count > 1 ? arguments[1] : "trades.parquet";
    struct msim_parquet_params file = {.size = sizeof file, .paths = &path, .path_count = 1};
    struct msim_instrument_params terms = {.size = sizeof terms, .symbol = "BTC-USDT@BYBIT"};
    struct msim_venue_params params = MSIM_VENUE_PARAMS_INIT;
    struct msim_venue_history history = MSIM_VENUE_HISTORY_INIT;
    struct msim_venue_order order = MSIM_VENUE_ORDER_INIT;
    struct msim_position_view has = {0};
    struct msim_parquet *parquet = NULL;
    struct msim_source trades = {0};
    struct msim_venue *venue = NULL;
    struct msim_venue_output out;
    struct msim_order_view open;
    struct msim_detail detail = {""};
    uint32_t market = 0, robot = 0, fills = 0;

    history.fills = (uint8_t)(argument_count > 2 ? arguments[2][0] - '0' : MSIM_VENUE_FILL_TOUCH);
    terms.price_exponent = -1, terms.tick = 5, terms.quantity_exponent = -3, terms.base_asset = 1;
    int r = msim_parquet_open(&parquet, &file, &detail);
    r = r < 0 ? r : msim_parquet_source(&trades, parquet, NULL, &detail);
    r = r < 0 ? r : msim_venue_create(&venue, &params, &detail);
    r = r < 0 ? r : msim_venue_asset_add(venue, "USDT", -6, NULL, &detail);
    r = r < 0 ? r : msim_venue_asset_add(venue, "BTC", -6, NULL, &detail);
    r = r < 0 ? r : msim_venue_instrument_add(venue, &terms, &market, &detail);
    r = r < 0 ? r : msim_venue_history_set(venue, &trades, &history, &detail);
    r = r < 0 ? r : msim_venue_account(venue, "robot", 5, &robot);
    r = r < 0 ? r : msim_venue_deposit(venue, 0, robot, 0, INT64_C(1000000000000));
    order.command = (struct msim_command){.kind = MSIM_COMMAND_NEW, .account = robot};
    order.command.type = MSIM_ORDER_LIMIT, order.command.flags = MSIM_COMMAND_POST_ONLY;
    order.command.quantity = 30;
    while (r >= 0 && (r = msim_venue_pull(venue, INT64_MAX, &out, &detail)) == MSIM_PULL_RECORD) {
        if (out.kind == MSIM_VENUE_EVENT && out.event->kind == MSIM_EVENT_FILL && ++fills)
            printf("%lld %d %lld %lld\n", (long long)out.time, out.event->side,
                   (long long)out.event->as.fill.quantity, (long long)out.event->as.fill.price);
        if (out.kind != MSIM_VENUE_RECORD || out.record->kind != MSIM_RECORD_TRADE ||
            msim_engine_orders(msim_venue_engine(venue), robot, market, 0, &open, 1) > 0)
            continue;
        msim_engine_position(msim_venue_engine(venue), robot, market, &has);
        order.command.side = has.quantity > 0 ? MSIM_SIDE_SELL : MSIM_SIDE_BUY;
        order.command.price = out.record->as.trade.price + (has.quantity > 0 ? 5 : -5);
        order.command.time = out.time;
        r = msim_venue_submit(venue, &order);
    }
    if (r < 0)
        fprintf(stderr, "backtest-file: %s\n", detail.text[0] ? detail.text : msim_result_text(r));
    else
        printf("won %.6f USDT%s\n", (double)(has.realised + has.unrealised) / 1e6,
               fills ? "" : ": no trade of BTC-USDT@BYBIT met an order (see make-sample --plain)");
    msim_venue_destroy(&venue);
    msim_source_release(&trades);
    msim_parquet_close(&parquet);
    return r < 0;
}
