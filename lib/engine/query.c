/*
 * Questions: nothing here changes anything.
 */
#include "engine/book.h"

const char *msim_engine_symbol(const struct msim_engine *engine, uint32_t id, size_t *length)
{
    return engine ? msim_symbols_text(&engine->symbols, id, length) : NULL;
}

int msim_engine_instrument(const struct msim_engine *engine, uint32_t id,
                           struct msim_instrument_view *view)
{
    if (!engine || !view)
        return MSIM_ERR_INVALID;
    if (id >= engine->instrument_count)
        return MSIM_ERR_NOT_FOUND;
    const struct instrument *it = &engine->instruments[id];
    struct msim_level_view bid = {0};
    struct msim_level_view ask = {0};

    msim_engine_depth(engine, id, MSIM_SIDE_BUY, &bid, 1);
    msim_engine_depth(engine, id, MSIM_SIDE_SELL, &ask, 1);
    *view = (struct msim_instrument_view){
        .params =
            {
                .size = sizeof view->params,
                .symbol = msim_symbols_text(&engine->symbols, id, NULL),
                .base_asset = it->base,
                .quote_asset = it->quote,
                .price_exponent = it->price_exponent,
                .quantity_exponent = it->quantity_exponent,
                .fee_mode = it->fee_mode,
                .state = it->state,
                .maker_fee = it->maker_fee,
                .taker_fee = it->taker_fee,
                .band = it->band,
                .tick = it->tick.unit,
                .lot = it->lot.unit,
                .min_price = it->min_price,
                .max_price = it->max_price,
                .min_quantity = it->min_quantity,
                .max_quantity = it->max_quantity,
                .min_notional = it->min_notional,
                .reference_price = it->reference_price,
            },
        .last_price = it->last_price,
        .last_trade = it->last_trade,
        .best_bid = bid.price,
        .best_ask = ask.price,
        .best_bid_quantity = bid.quantity,
        .best_ask_quantity = ask.quantity,
        .order_count = it->sides[BUY].order_count + it->sides[SELL].order_count,
        .waiting_count = it->waiting_count,
    };
    return MSIM_OK;
}

size_t msim_engine_depth(const struct msim_engine *engine, uint32_t instrument, uint8_t side,
                         struct msim_level_view *levels, size_t capacity)
{
    if (!engine || !levels || instrument >= engine->instrument_count || side < MSIM_SIDE_BUY ||
        side > MSIM_SIDE_SELL)
        return 0;
    const struct instrument *it = &engine->instruments[instrument];
    const unsigned at = side - MSIM_SIDE_BUY;
    const struct side *from = &it->sides[at];
    size_t count = 0;

    for (int64_t key = from->best; key != KEY_NONE && count < capacity;
         key = msim_side_after(engine, from, key)) {
        const struct level *level = msim_side_level(engine, from, key);
        levels[count++] = (struct msim_level_view){
            .price = key_price(it, at, key),
            .quantity = level->shown,
            .order_count = level->count,
        };
    }
    return count;
}

static uint8_t status_of(const struct msim_engine *engine, const struct order *order)
{
    if (order_state(order) == ORDER_WAITING)
        return MSIM_STATUS_WAITING;
    return order_open(engine, order) < order->quantity ? MSIM_STATUS_PARTIALLY_FILLED
                                                       : MSIM_STATUS_OPEN;
}

static void show(const struct msim_engine *engine, uint32_t slot, struct msim_order_view *view)
{
    const struct order *order = &engine->orders[slot];
    const struct extra *extra = order->extra ? &engine->extras[order->extra] : NULL;
    const msim_qty open = order_open(engine, order);

    *view = (struct msim_order_view){
        .order = order->id,
        .handle = order->id << 32 | slot,
        .client_id = order_client_id(order),
        .instrument = order->instrument,
        .account = order->account,
        .owner = order_owner(engine, order),
        .side = side_told(order_side(order)),
        .type = (uint8_t)order_type(order),
        .time_in_force = (uint8_t)order_tif(order),
        .self_trade = (uint8_t)order_self_trade(order),
        .flags = (uint8_t)((order->bits & BITS_POST_ONLY ? MSIM_COMMAND_POST_ONLY : 0) |
                           (order->bits & BITS_REDUCE_ONLY ? MSIM_COMMAND_REDUCE_ONLY : 0)),
        .status = status_of(engine, order),
        .price = order->price,
        .quantity = order->quantity,
        .leaves = open,
        .shown = order_state(order) == ORDER_RESTING ? order->leaves : 0,
        .filled = order->quantity - open,
        .stop_price = extra ? extra->stop_price : 0,
        .display_quantity = extra ? extra->display : 0,
        .expires_at = extra && extra->expires_at != MSIM_TIME_NEVER ? extra->expires_at : 0,
        .held = engine->accounts_off
                    ? 0
                    : hold_of(&engine->instruments[order->instrument], order_side(order),
                              hold_price(engine, order), open, order_excess(engine, order)),
    };
}

int msim_engine_order(const struct msim_engine *engine, uint64_t order, uint64_t handle,
                      struct msim_order_view *view)
{
    if (!engine || !view)
        return MSIM_ERR_INVALID;
    const uint32_t slot = msim_order_find(engine, order, handle);
    if (!slot)
        return MSIM_ERR_NOT_FOUND;
    show(engine, slot, view);
    return MSIM_OK;
}

int msim_engine_client_order(struct msim_engine *engine, uint32_t account, uint64_t client_id,
                             struct msim_order_view *view)
{
    uint32_t at = 0;

    if (!engine || !view)
        return MSIM_ERR_INVALID;
    /* Without memory for the index the list is gone through, one by one. */
    if (client_id && client_look(engine, account, client_id, &at) < 0)
        at = msim_client_find(engine, account, client_id);
    if (!at)
        return MSIM_ERR_NOT_FOUND;
    if (!(at & CLIENT_FINISHED)) {
        show(engine, at, view);
        return MSIM_OK;
    }
    const struct finished *finished = &engine->finished[at & ~CLIENT_FINISHED];
    *view = (struct msim_order_view){
        .order = finished->order,
        .client_id = client_id,
        .instrument = finished->instrument,
        .account = account,
        .side = side_told(finished->end & BITS_SIDE),
        .type = (uint8_t)(finished->end >> BITS_TYPE_AT & 7),
        .time_in_force = (uint8_t)(finished->end >> BITS_TIF_AT & 7),
        .self_trade = (uint8_t)(finished->end >> BITS_STP_AT & 7),
        .status = (uint8_t)(finished->end >> FINISHED_STATUS_AT),
        .filled = finished->filled,
    };
    return MSIM_OK;
}

/* Places: the slots of live orders, then the finished ones behind them. */
size_t msim_engine_client_ids(const struct msim_engine *engine, uint64_t *place,
                              struct msim_client_id_view *ids, size_t capacity)
{
    size_t count = 0;

    if (!engine || !place || !ids)
        return 0;
    const uint64_t slots = engine->order_used;
    for (; *place < slots && count < capacity; ++*place) {
        const struct order *order = &engine->orders[*place];
        if (order->id != 0 && order->bits & BITS_CLIENT)
            ids[count++] = (struct msim_client_id_view){.client_id = order->client_id,
                                                        .account = order->account};
    }
    for (; *place - slots < engine->finished_used && count < capacity; ++*place) {
        if (*place == slots)
            continue;
        const struct finished *finished = &engine->finished[*place - slots];
        ids[count++] = (struct msim_client_id_view){.client_id = finished->client_id,
                                                    .account = finished->account};
    }
    return count;
}

/* A heap with the youngest on top. */
static void view_sink(struct msim_order_view *views, size_t place, size_t count)
{
    const struct msim_order_view view = views[place];

    for (size_t child; (child = 2 * place + 1) < count; place = child) {
        if (child + 1 < count && views[child + 1].order > views[child].order)
            child++;
        if (views[child].order <= view.order)
            break;
        views[place] = views[child];
    }
    views[place] = view;
}

/* From the oldest on, whatever order they were in. */
static void views_sort(struct msim_order_view *views, size_t count)
{
    for (size_t i = count / 2; i > 0; i--)
        view_sink(views, i - 1, count);
    for (size_t i = count; i > 1; i--) {
        const struct msim_order_view youngest = views[0];
        views[0] = views[i - 1];
        views[i - 1] = youngest;
        view_sink(views, 0, i - 1);
    }
}

/* The `capacity` oldest: from when there are so many, an older one takes the youngest's place. */
size_t msim_engine_orders(const struct msim_engine *engine, uint32_t account, uint32_t instrument,
                          uint64_t after, struct msim_order_view *views, size_t capacity)
{
    size_t count = 0;

    if (!engine || !views || account >= engine->account_capacity || capacity == 0)
        return 0;
    for (uint32_t slot = msim_account_first(engine, account); slot;
         slot = links_of(engine, slot)->next) {
        const struct order *order = &engine->orders[slot];
        if (order->id <= after ||
            (instrument != MSIM_ALL_INSTRUMENTS && order->instrument != instrument))
            continue;
        if (count < capacity) {
            show(engine, slot, &views[count++]);
            for (size_t i = count == capacity ? count / 2 : 0; i > 0; i--)
                view_sink(views, i - 1, count);
        } else if (order->id < views[0].order) {
            show(engine, slot, &views[0]);
            view_sink(views, 0, count);
        }
    }
    views_sort(views, count);
    return count;
}

size_t msim_engine_book_orders(const struct msim_engine *engine, uint32_t instrument, uint8_t side,
                               size_t skip, struct msim_order_view *views, size_t capacity)
{
    if (!engine || !views || instrument >= engine->instrument_count || side < MSIM_SIDE_BUY ||
        side > MSIM_SIDE_SELL)
        return 0;
    const struct side *from = &engine->instruments[instrument].sides[side - MSIM_SIDE_BUY];
    size_t count = 0;

    for (int64_t key = from->best; key != KEY_NONE && count < capacity;
         key = msim_side_after(engine, from, key)) {
        const struct level *level = msim_side_level(engine, from, key);
        if (skip >= level->count) {
            skip -= level->count;
            continue;
        }
        for (uint32_t slot = level->head; slot && count < capacity;
             slot = engine->orders[slot].next) {
            if (skip > 0)
                skip--;
            else
                show(engine, slot, &views[count++]);
        }
    }
    return count;
}

int msim_engine_queue_position(const struct msim_engine *engine, uint64_t order, uint64_t handle,
                               struct msim_queue_view *view)
{
    if (!engine || !view)
        return MSIM_ERR_INVALID;
    const uint32_t slot = msim_order_find(engine, order, handle);
    if (!slot || order_state(&engine->orders[slot]) != ORDER_RESTING)
        return MSIM_ERR_NOT_FOUND;
    const struct order *it = &engine->orders[slot];
    const struct instrument *instrument = &engine->instruments[it->instrument];
    const unsigned at = order_side(it);
    const struct level *level =
        msim_side_level(engine, &instrument->sides[at], price_key(instrument, at, it->price));
    struct msim_queue_view found = {
        .level_quantity = level->shown,
        .level_orders = level->count,
    };

    for (uint32_t ahead = it->prev; ahead; ahead = engine->orders[ahead].prev) {
        found.orders_ahead++;
        found.quantity_ahead += engine->orders[ahead].leaves;
    }
    *view = found;
    return MSIM_OK;
}

int msim_engine_balance(const struct msim_engine *engine, uint32_t account, uint32_t asset,
                        int64_t *free, int64_t *held)
{
    if (!engine)
        return MSIM_ERR_INVALID;
    if (account >= engine->max_accounts || asset >= engine->asset_names.count)
        return MSIM_ERR_NOT_FOUND;
    trades_booked(engine);
    const struct balance *balance = msim_balance_find(engine, account, asset);
    if (free)
        *free = balance ? balance->free : 0;
    if (held)
        *held = balance ? balance->held : 0;
    return MSIM_OK;
}

int msim_engine_position(const struct msim_engine *engine, uint32_t account, uint32_t instrument,
                         struct msim_position_view *view)
{
    if (!engine || !view)
        return MSIM_ERR_INVALID;
    if (account >= engine->max_accounts || instrument >= engine->instrument_count)
        return MSIM_ERR_NOT_FOUND;
    trades_booked(engine);
    struct holding now;
    msim_holding_find(engine, account, instrument, &now);
    msim_position_show(engine, instrument, &now, view);
    return MSIM_OK;
}
