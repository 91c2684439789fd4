/*
 * What a venue consists of, shown to a visitor number by number.
 */
#include "venue/snapshot.h"

#include <string.h>

#include "base/mem.h"
#include "base/random.h"

void msim_visit_fail(struct visitor *visitor, int failure, const char *where)
{
    if (visitor->failure < 0 || failure >= 0)
        return;
    visitor->failure = failure;
    visitor->where = where;
}

void msim_visit_u64(struct visitor *visitor, uint64_t *value)
{
    visitor->length += 8;
    switch (visitor->way) {
    case VISIT_COUNT:
        return;
    case VISIT_HASH:
        visitor->hash = (visitor->hash ^ *value) * UINT64_C(0x9E3779B97F4A7C15);
        visitor->hash ^= visitor->hash >> 32;
        return;
    case VISIT_WRITE:
        for (int i = 0; i < 8; i++)
            *visitor->out++ = (unsigned char)(*value >> (8 * i));
        return;
    case VISIT_READ:
        if (visitor->left < 8)
            msim_visit_fail(visitor, MSIM_ERR_FORMAT, "it ends too early");
        if (visitor->failure < 0)
            return;
        *value = 0;
        for (int i = 0; i < 8; i++)
            *value |= (uint64_t)*visitor->in++ << (8 * i);
        visitor->left -= 8;
        return;
    }
}

void msim_visit_i64(struct visitor *visitor, int64_t *value)
{
    uint64_t wide = (uint64_t)*value;

    msim_visit_u64(visitor, &wide);
    *value = (int64_t)wide;
}

static void visit_narrow(struct visitor *visitor, uint64_t *value, uint64_t most)
{
    msim_visit_u64(visitor, value);
    if (*value > most) {
        msim_visit_fail(visitor, MSIM_ERR_FORMAT, "a number is out of its range");
        *value = 0;
    }
}

void msim_visit_u32(struct visitor *visitor, uint32_t *value)
{
    uint64_t wide = *value;

    visit_narrow(visitor, &wide, UINT32_MAX);
    *value = (uint32_t)wide;
}

void msim_visit_u8(struct visitor *visitor, uint8_t *value)
{
    uint64_t wide = *value;

    visit_narrow(visitor, &wide, UINT8_MAX);
    *value = (uint8_t)wide;
}

void msim_visit_bool(struct visitor *visitor, bool *value)
{
    uint64_t wide = *value;

    visit_narrow(visitor, &wide, 1);
    *value = wide != 0;
}

void msim_visit_size(struct visitor *visitor, size_t *value, size_t most)
{
    uint64_t wide = *value;

    visit_narrow(visitor, &wide, most);
    *value = (size_t)wide;
}

void msim_visit_bytes(struct visitor *visitor, void *bytes, size_t length)
{
    unsigned char *at = bytes;

    for (size_t i = 0; i < length; i += 8) {
        const size_t part = length - i < 8 ? length - i : 8;
        uint64_t word = 0;
        for (size_t k = 0; visitor->way != VISIT_READ && k < part; k++)
            word |= (uint64_t)at[i + k] << (8 * k);
        msim_visit_u64(visitor, &word);
        for (size_t k = 0; visitor->way == VISIT_READ && k < part; k++)
            at[i + k] = (unsigned char)(word >> (8 * k));
        if (visitor->way == VISIT_READ && part < 8 && word >> (8 * part))
            msim_visit_fail(visitor, MSIM_ERR_FORMAT, "a text is longer than it says");
    }
}

static bool reading(const struct visitor *visitor)
{
    return visitor->way == VISIT_READ;
}

/* ---- accounts and texts ---- */

static void visit_accounts(struct visitor *visitor, struct msim_venue *venue)
{
    size_t count = venue->accounts.count;

    msim_visit_size(visitor, &count, venue->params.max_accounts);
    if (reading(visitor) && count < MSIM_VENUE_FIRST_ACCOUNT)
        msim_visit_fail(visitor, MSIM_ERR_FORMAT, "the venue's own accounts are not there");
    for (uint32_t i = 0; i < count && visitor->failure == MSIM_OK; i++) {
        char name[MSIM_VENUE_ACCOUNT_MAX + 1] = {0};
        size_t length = 0;
        uint32_t given = i;
        if (!reading(visitor)) {
            const char *text = msim_symbols_text(&venue->accounts, i, &length);
            memcpy(name, text, length);
        }
        msim_visit_size(visitor, &length, MSIM_VENUE_ACCOUNT_MAX);
        msim_visit_bytes(visitor, name, length);
        if (!reading(visitor) || visitor->failure < 0)
            continue;
        const int r = msim_symbols_intern(&venue->accounts, name, length, &given);
        if (r < 0 || given != i || length == 0)
            msim_visit_fail(visitor, r < 0 ? r : MSIM_ERR_FORMAT, "an account's name is no good");
    }
}

static void visit_clients(struct visitor *visitor, struct msim_venue *venue)
{
    struct clients *clients = &venue->clients;
    uint32_t used = clients->used;
    size_t capacity = clients->capacity;

    msim_visit_size(visitor, &capacity, (size_t)clients->limit * 2);
    msim_visit_u32(visitor, &used);
    msim_visit_u32(visitor, &clients->free);
    if (reading(visitor) && visitor->failure == MSIM_OK) {
        if (used > capacity || (capacity > 0 && used == 0) || (capacity & (capacity - 1)) ||
            clients->free >= (used ? used : 1) || capacity > visitor->left)
            msim_visit_fail(visitor, MSIM_ERR_FORMAT, "the table of client ids is no good");
        else
            msim_visit_fail(visitor, msim_clients_room(venue, capacity), "no room for client ids");
    }
    for (uint32_t i = 1; i < used && visitor->failure == MSIM_OK; i++) {
        struct client *client = &clients->entries[i];
        if (reading(visitor))
            memset(client, 0, sizeof *client);
        msim_visit_u8(visitor, &client->length);
        msim_visit_u32(visitor, &client->generation);
        if (client->length > MSIM_CLIENT_ID_MAX)
            msim_visit_fail(visitor, MSIM_ERR_FORMAT, "a client id is too long");
        else if (client->length > 0) {
            msim_visit_u32(visitor, &client->account);
            msim_visit_bytes(visitor, client->text, client->length);
        } else {
            msim_visit_u32(visitor, &client->next);
            if (client->next >= used)
                msim_visit_fail(visitor, MSIM_ERR_FORMAT, "a free client id leads nowhere");
        }
    }
    if (reading(visitor) && visitor->failure == MSIM_OK)
        if (!msim_clients_index(venue, used))
            msim_visit_fail(visitor, MSIM_ERR_FORMAT, "the free client ids are no list");
}

/* ---- markets ---- */

static void visit_candle(struct visitor *visitor, void *item)
{
    struct msim_venue_candle *candle = item;

    msim_visit_i64(visitor, &candle->start);
    msim_visit_i64(visitor, &candle->open);
    msim_visit_i64(visitor, &candle->high);
    msim_visit_i64(visitor, &candle->low);
    msim_visit_i64(visitor, &candle->close);
    msim_visit_i64(visitor, &candle->volume);
    msim_visit_i64(visitor, &candle->turnover);
    msim_visit_u64(visitor, &candle->trade_count);
}

static void visit_trade(struct visitor *visitor, void *item)
{
    struct msim_venue_trade *trade = item;

    msim_visit_i64(visitor, &trade->time);
    msim_visit_u64(visitor, &trade->trade);
    msim_visit_i64(visitor, &trade->price);
    msim_visit_i64(visitor, &trade->quantity);
    msim_visit_i64(visitor, &trade->notional);
    msim_visit_u8(visitor, &trade->side);
}

static void visit_price(struct visitor *visitor, void *item)
{
    struct msim_venue_price *price = item;

    msim_visit_i64(visitor, &price->time);
    msim_visit_i64(visitor, &price->last);
    msim_visit_i64(visitor, &price->bid);
    msim_visit_i64(visitor, &price->ask);
}

/* Oldest first; times do not fall. */
static void visit_ring(struct visitor *visitor, struct msim_venue *venue, struct ring *ring,
                       void (*visit)(struct visitor *visitor, void *item))
{
    size_t count = ring->count;
    msim_time last = INT64_MIN;

    msim_visit_size(visitor, &count, ring->limit);
    for (size_t i = 0; i < count && visitor->failure == MSIM_OK; i++) {
        void *item = NULL;
        msim_time time;
        if (reading(visitor)) {
            const int r = msim_ring_add(ring, &item, &venue->allocator);
            if (r < 0) {
                msim_visit_fail(visitor, r, "no room for what is remembered");
                return;
            }
            memset(item, 0, ring->size);
        } else {
            item = msim_ring_at(ring, i);
        }
        visit(visitor, item);
        memcpy(&time, item, sizeof time);
        if (time < last)
            msim_visit_fail(visitor, MSIM_ERR_FORMAT, "what is remembered goes back in time");
        last = time;
    }
}

static void visit_quote(struct visitor *visitor, struct quote *quote)
{
    msim_visit_u64(visitor, &quote->order);
    msim_visit_u64(visitor, &quote->handle);
    msim_visit_i64(visitor, &quote->price);
    msim_visit_i64(visitor, &quote->leaves);
}

/* A double as its bits. */
static void visit_double(struct visitor *visitor, double *value)
{
    uint64_t bits;

    memcpy(&bits, value, sizeof bits);
    msim_visit_u64(visitor, &bits);
    memcpy(value, &bits, sizeof bits);
}

static void visit_model(struct visitor *visitor, struct msim_mock_model *model)
{
    msim_visit_u32(visitor, &model->kind);
    visit_double(visitor, &model->mu);
    visit_double(visitor, &model->sigma);
    visit_double(visitor, &model->hold);
    visit_double(visitor, &model->kappa);
    visit_double(visitor, &model->mean);
    visit_double(visitor, &model->lambda);
    visit_double(visitor, &model->jump_mean);
    visit_double(visitor, &model->jump_sigma);
    visit_double(visitor, &model->alpha);
    visit_double(visitor, &model->beta);
    visit_double(visitor, &model->step);
}

static void visit_liquidity(struct visitor *visitor, struct liquidity *house)
{
    struct msim_venue_liquidity *params = &house->params;

    msim_visit_bool(visitor, &params->off);
    visit_model(visitor, &params->model);
    msim_visit_bool(visitor, &house->foreign);
    msim_visit_i64(visitor, &params->price);
    msim_visit_u32(visitor, &params->spread);
    msim_visit_u32(visitor, &params->levels);
    msim_visit_u32(visitor, &params->step);
    msim_visit_u32(visitor, &params->take);
    msim_visit_i64(visitor, &params->quantity);
    msim_visit_u32(visitor, &params->growth);
    msim_visit_u32(visitor, &params->take_share);
    msim_visit_bool(visitor, &params->no_crowd);
    msim_visit_i64(visitor, &params->refresh);
    msim_visit_u32(visitor, &house->shown);
    msim_visit_u64(visitor, &house->generation);
    msim_visit_i64(visitor, &house->began);
    msim_visit_i64(visitor, &house->due);
    msim_visit_u64(visitor, &house->pulled);
    msim_visit_u64(visitor, &house->refreshes);
    msim_visit_i64(visitor, &house->model_price);
    msim_visit_i64(visitor, &house->price);
    msim_visit_i64(visitor, &house->scale_from);
    msim_visit_i64(visitor, &house->scale_to);
    msim_visit_i64(visitor, &house->last_bid);
    msim_visit_i64(visitor, &house->paused_until);
    for (size_t i = 0; i < 2 * MSIM_VENUE_LEVELS_MAX; i++)
        visit_quote(visitor, &house->quotes[i]);
    if (params->levels > MSIM_VENUE_LEVELS_MAX || house->shown > MSIM_VENUE_LEVELS_MAX ||
        house->scale_from < 0 || params->quantity < 0 || params->refresh < 0 ||
        params->spread > 1000000 || house->price < 0 || house->price > INT64_MAX / 4)
        msim_visit_fail(visitor, MSIM_ERR_FORMAT, "a house's parameters are out of their range");
}

static void visit_past(struct visitor *visitor, struct past *past)
{
    visit_quote(visitor, &past->quotes[0]);
    visit_quote(visitor, &past->quotes[1]);
    msim_visit_i64(visitor, &past->last_price);
    msim_visit_u64(visitor, &past->trades);
    msim_visit_u8(visitor, &past->last_side);
    msim_visit_bool(visitor, &past->quoted);
}

/* Something that may not be there; made when it is read. */
static void *visit_part(struct visitor *visitor, struct msim_venue *venue, void *part, size_t size)
{
    bool there = part != NULL;

    msim_visit_bool(visitor, &there);
    if (!reading(visitor) || !there || visitor->failure < 0)
        return part;
    part = msim_mem_zero(&venue->allocator, size);
    if (!part)
        msim_visit_fail(visitor, MSIM_ERR_NOMEM, "no memory");
    return part;
}

static void visit_market(struct visitor *visitor, struct msim_venue *venue, struct market *market)
{
    struct msim_venue_ticker *ticker = &market->ticker;

    msim_visit_i64(visitor, &ticker->time);
    msim_visit_u64(visitor, &ticker->changes);
    msim_visit_i64(visitor, &ticker->last_price);
    msim_visit_i64(visitor, &ticker->last_quantity);
    msim_visit_i64(visitor, &ticker->bid);
    msim_visit_i64(visitor, &ticker->ask);
    msim_visit_i64(visitor, &ticker->bid_quantity);
    msim_visit_i64(visitor, &ticker->ask_quantity);
    msim_visit_u8(visitor, &market->driver);
    for (int i = 0; i < MSIM_CANDLE_INTERVALS; i++)
        visit_ring(visitor, venue, &market->candles[i], visit_candle);
    visit_ring(visitor, venue, &market->trades, visit_trade);
    visit_ring(visitor, venue, &market->prices, visit_price);
    msim_visit_size(visitor, &market->day_count, market->candles[MSIM_CANDLE_1M].count);
    if (reading(visitor) && visitor->failure == MSIM_OK)
        msim_candles_day_again(market);
    market->liquidity = visit_part(visitor, venue, market->liquidity, sizeof *market->liquidity);
    if (market->liquidity)
        visit_liquidity(visitor, market->liquidity);
    market->past = visit_part(visitor, venue, market->past, sizeof *market->past);
    if (market->past)
        visit_past(visitor, market->past);
    if (market->driver > DRIVER_HISTORY ||
        (market->driver == DRIVER_LIQUIDITY && !market->liquidity) ||
        (market->driver == DRIVER_HISTORY && !market->past))
        msim_visit_fail(visitor, MSIM_ERR_FORMAT, "nothing drives a market that is driven");
}

/* ---- orders and fills ---- */

static void visit_view(struct visitor *visitor, struct msim_venue_order_view *view)
{
    struct msim_order_view *order = &view->order;

    msim_visit_u64(visitor, &order->order);
    msim_visit_u64(visitor, &order->handle);
    msim_visit_u64(visitor, &order->client_id);
    msim_visit_u32(visitor, &order->instrument);
    msim_visit_u32(visitor, &order->account);
    msim_visit_u32(visitor, &order->owner);
    msim_visit_u8(visitor, &order->side);
    msim_visit_u8(visitor, &order->type);
    msim_visit_u8(visitor, &order->time_in_force);
    msim_visit_u8(visitor, &order->self_trade);
    msim_visit_u8(visitor, &order->flags);
    msim_visit_u8(visitor, &order->status);
    msim_visit_i64(visitor, &order->price);
    msim_visit_i64(visitor, &order->quantity);
    msim_visit_i64(visitor, &order->leaves);
    msim_visit_i64(visitor, &order->filled);
    msim_visit_i64(visitor, &order->stop_price);
    msim_visit_i64(visitor, &order->display_quantity);
    msim_visit_i64(visitor, &order->expires_at);
    msim_visit_i64(visitor, &view->created_at);
    msim_visit_i64(visitor, &view->updated_at);
    msim_visit_i64(visitor, &view->notional);
    msim_visit_u8(visitor, &view->code);
}

static void visit_fill(struct visitor *visitor, struct msim_event *event)
{
    msim_visit_u64(visitor, &event->sequence);
    msim_visit_u64(visitor, &event->command);
    msim_visit_i64(visitor, &event->time);
    msim_visit_u64(visitor, &event->order);
    msim_visit_u64(visitor, &event->client_id);
    msim_visit_u32(visitor, &event->instrument);
    msim_visit_u32(visitor, &event->account);
    msim_visit_u32(visitor, &event->slot);
    msim_visit_u32(visitor, &event->owner);
    msim_visit_u8(visitor, &event->kind);
    msim_visit_u8(visitor, &event->side);
    msim_visit_u8(visitor, &event->type);
    msim_visit_u8(visitor, &event->time_in_force);
    msim_visit_u8(visitor, &event->flags);
    msim_visit_u8(visitor, &event->status);
    msim_visit_u64(visitor, &event->as.fill.trade);
    msim_visit_i64(visitor, &event->as.fill.price);
    msim_visit_i64(visitor, &event->as.fill.quantity);
    msim_visit_i64(visitor, &event->as.fill.leaves);
    msim_visit_i64(visitor, &event->as.fill.filled);
    msim_visit_i64(visitor, &event->as.fill.notional);
    msim_visit_i64(visitor, &event->as.fill.fee);
    msim_visit_u32(visitor, &event->as.fill.fee_asset);
}

/* Orders in the order of their numbers' age; finished ones in the order in which they ended. */
static void visit_orders(struct visitor *visitor, struct msim_venue *venue)
{
    struct msim_orders_walk walk = {0};
    size_t live = venue->orders.count - venue->orders.finished_count;
    size_t finished = venue->orders.finished_count;

    msim_visit_size(visitor, &finished, venue->params.finished_orders);
    msim_visit_size(visitor, &live, visitor->way == VISIT_READ ? visitor->left / 8 : SIZE_MAX);
    for (size_t i = 0; i < finished + live && visitor->failure == MSIM_OK; i++) {
        struct msim_venue_order_view view = {0};
        if (!reading(visitor))
            view = *msim_orders_walk(venue, &walk, i < finished);
        visit_view(visitor, &view);
        if (!reading(visitor) || visitor->failure < 0)
            continue;
        const int r = msim_orders_put(venue, &view, i >= finished);
        if (r < 0)
            msim_visit_fail(visitor, r, "a robot's order is no good");
    }
    if (reading(visitor) && visitor->failure == MSIM_OK)
        msim_visit_fail(visitor, msim_orders_sort(venue), "no memory");
}

static void visit_fills(struct visitor *visitor, struct msim_venue *venue)
{
    struct orders *orders = &venue->orders;
    size_t count = orders->fill_count < orders->fill_capacity ? (size_t)orders->fill_count
                                                              : orders->fill_capacity;
    const uint64_t first = orders->fill_count - count;

    msim_visit_size(visitor, &count, venue->params.fills);
    for (size_t i = 0; i < count && visitor->failure == MSIM_OK; i++) {
        struct msim_event event = {0};
        if (!reading(visitor))
            event = orders->fills[(first + i) % orders->fill_capacity].event;
        visit_fill(visitor, &event);
        if (!reading(visitor) || visitor->failure < 0)
            continue;
        const int r =
            event.account < venue->accounts.count ? msim_fills_put(venue, &event) : MSIM_ERR_FORMAT;
        if (r < 0)
            msim_visit_fail(visitor, r, "a fill is no good");
    }
}

/* ---- all ---- */

void msim_visit_venue(struct visitor *visitor, struct msim_venue *venue)
{
    struct msim_venue_statistics *statistics = &venue->statistics;

    msim_visit_i64(visitor, &venue->now);
    msim_visit_u64(visitor, &venue->record_count);
    msim_visit_u64(visitor, &venue->pretended);
    msim_visit_u64(visitor, &statistics->commands);
    msim_visit_u64(visitor, &statistics->house_commands);
    msim_visit_u64(visitor, &statistics->events);
    msim_visit_u64(visitor, &statistics->records);
    msim_visit_u64(visitor, &statistics->unknown_symbols);
    msim_visit_u64(visitor, &statistics->off_grid);
    msim_visit_u64(visitor, &statistics->house_refused);
    visit_accounts(visitor, venue);
    visit_clients(visitor, venue);
    for (size_t i = 0; i < venue->market_count && visitor->failure == MSIM_OK; i++)
        visit_market(visitor, venue, &venue->markets[i]);
    visit_orders(visitor, venue);
    visit_fills(visitor, venue);
}
