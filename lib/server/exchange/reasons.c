/*
 * The words of refusals.
 */
#include "server/exchange/reasons.h"

#include <stdio.h>
#include <string.h>

#include "base/decimal.h"

struct shown {
    char text[MSIM_DECIMAL_SIZE];
};

static struct shown show(int64_t mantissa, int exponent)
{
    struct shown shown;

    msim_decimal_print_short(mantissa, exponent, shown.text);
    return shown;
}

/* A price or quantity off its grid: the one of the two that is. */
static void off_grid(const struct msim_event *event, const struct msim_instrument_params *params,
                     char *out, size_t size)
{
    const struct msim_event_order *order = &event->as.order;

    if (event->code == MSIM_REJECT_OFF_TICK) {
        bool is_stop = order->price % params->tick == 0;
        msim_price price = is_stop ? order->stop_price : order->price;
        snprintf(out, size, "%s %s is not a multiple of the tick size %s",
                 is_stop ? "stop_price" : "price", show(price, params->price_exponent).text,
                 show(params->tick, params->price_exponent).text);
        return;
    }
    bool is_shown = order->quantity % params->lot == 0;
    msim_qty quantity = is_shown ? order->display_quantity : order->quantity;
    snprintf(out, size, "%s %s is not a multiple of the lot size %s",
             is_shown ? "display_quantity" : "quantity",
             show(quantity, params->quantity_exponent).text,
             show(params->lot, params->quantity_exponent).text);
}

static const char *plain(uint8_t code)
{
    switch (code) {
    case MSIM_REJECT_INVALID_FIELD:
        return "fields contradict each other: see the order types";
    case MSIM_REJECT_ORDER_NOT_FOUND:
        return "this account has no such open order";
    case MSIM_REJECT_OUT_OF_RANGE:
        return "a value is outside of what this symbol allows";
    case MSIM_REJECT_PRICE_BAND:
        return "the price is too far from the last one";
    case MSIM_REJECT_NOT_TRADING:
        return "the symbol is not trading now: wait until it resumes";
    case MSIM_REJECT_WOULD_TAKE:
        return "post_only, and it would trade at once: choose a price behind the other side's best";
    case MSIM_REJECT_NO_LIQUIDITY:
        return "nothing stands on the other side of the book";
    case MSIM_REJECT_REDUCE_ONLY:
        return "reduce_only, and it is more than the position to reduce";
    case MSIM_REJECT_LIMIT:
        return "a limit of the engine is reached: cancel orders first";
    case MSIM_REJECT_OVERFLOW:
        return "price times quantity is beyond what can be counted";
    case MSIM_REJECT_DUPLICATE_CLIENT_ID:
        return "client_order_id was used for another order: choose a new one";
    default:
        return msim_reject_name(code);
    }
}

void msim_exchange_reason(const struct msim_exchange_server *server, const struct msim_event *event,
                          char *out, size_t size)
{
    struct msim_instrument_view view;
    struct msim_asset_view asset;
    int64_t free = 0;
    int64_t held = 0;

    snprintf(out, size, "%s", plain(event->code));
    if (msim_engine_instrument(server->engine, event->instrument, &view) < 0)
        return;
    uint32_t pays =
        event->side == MSIM_SIDE_SELL ? view.params.base_asset : view.params.quote_asset;
    if (event->code == MSIM_REJECT_OFF_TICK || event->code == MSIM_REJECT_OFF_LOT) {
        off_grid(event, &view.params, out, size);
    } else if (event->code == MSIM_REJECT_OUT_OF_RANGE && event->time_in_force == MSIM_TIF_GTD &&
               event->as.order.expires_at <= event->time) {
        snprintf(out, size, "expires_at has passed: choose a moment that is to come");
    } else if (event->code == MSIM_REJECT_MIN_NOTIONAL) {
        msim_engine_asset(server->engine, view.params.quote_asset, &asset);
        snprintf(out, size, "price times quantity is below the smallest notional, %s %s",
                 show(view.params.min_notional, asset.exponent).text, asset.name);
    } else if (event->code == MSIM_REJECT_INSUFFICIENT_BALANCE &&
               msim_engine_balance(server->engine, event->account, pays, &free, &held) >= 0) {
        msim_engine_asset(server->engine, pays, &asset);
        snprintf(out, size, "it needs more %s than the %s that are free", asset.name,
                 show(free, asset.exponent).text);
    }
}
