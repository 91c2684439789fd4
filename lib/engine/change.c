/*
 * Orders that are there: cancelled, replaced, expired.
 */
#include "engine/book.h"

/* The account's order that the command names; 0 for none. */
static uint32_t find(const struct msim_engine *engine, const struct msim_command *c)
{
    uint32_t slot = 0;

    if (c->order || c->handle) {
        slot = msim_order_find(engine, c->order, c->handle);
    } else if (c->client_id) {
        slot = msim_client_slot(engine, c->account, c->client_id);
    }
    return slot && engine->orders[slot].account == c->account ? slot : 0;
}

int msim_entry_cancel(struct msim_engine *engine, const struct msim_command *c)
{
    const uint32_t slot = find(engine, c);
    if (!slot)
        return msim_refuse(engine, c, MSIM_REJECT_ORDER_NOT_FOUND);
    if (engine->instruments[engine->orders[slot].instrument].state == MSIM_STATE_HALTED)
        return msim_refuse(engine, c, MSIM_REJECT_NOT_TRADING);
    int r = events_reserve(engine, EVENTS_PER_ORDER);
    if (r == MSIM_OK)
        r = finished_reserve(engine, 1);
    if (r == MSIM_OK)
        msim_order_end(engine, slot, MSIM_EVENT_CANCELLED, MSIM_CANCEL_REQUESTED);
    return r;
}

/* A replacement, read: what the order is to become. */
struct change {
    uint32_t slot;
    msim_price price;
    msim_price stop_price;
    msim_qty quantity; /* in all */
    msim_qty open;
    msim_qty was_open;
    bool waiting;
    int64_t hold; /* more than it holds now; may be negative */
    int64_t reach;
};

static uint8_t read_change(const struct msim_engine *engine, const struct msim_command *c,
                           struct change *change)
{
    const struct order *order = &engine->orders[change->slot];
    const bool open_quantity = c->flags & MSIM_COMMAND_OPEN_QUANTITY;
    const msim_price stop_price = order->extra ? engine->extras[order->extra].stop_price : 0;

    change->waiting = order_state(order) == ORDER_WAITING;
    if (c->flags & ~MSIM_COMMAND_OPEN_QUANTITY || (!c->price && !c->quantity && !c->stop_price) ||
        (c->stop_price && !change->waiting) || (c->price && !order->price))
        return MSIM_REJECT_INVALID_FIELD;
    change->was_open = order_open(engine, order);
    change->price = c->price ? c->price : order->price;
    change->stop_price = c->stop_price ? c->stop_price : stop_price;
    change->quantity = order->quantity;

    const msim_qty filled = order->quantity - change->was_open;
    if (c->quantity && !open_quantity)
        change->quantity = c->quantity;
    else if (c->quantity && !msim_add_check(filled, c->quantity, &change->quantity))
        return MSIM_REJECT_OVERFLOW;
    if (c->quantity < 0 || change->quantity <= filled)
        return MSIM_REJECT_OUT_OF_RANGE;
    change->open = change->quantity - filled;
    return MSIM_REJECT_NONE;
}

static uint8_t check_change(const struct msim_engine *engine, const struct msim_command *c,
                            struct change *change)
{
    const struct order *order = &engine->orders[change->slot];
    const struct instrument *it = &engine->instruments[order->instrument];
    const unsigned side = order_side(order);
    const msim_qty display = order->extra ? engine->extras[order->extra].display : 0;
    const msim_price worth_at = change->price ? change->price : change->stop_price;
    const uint32_t excess = order_excess(engine, order);
    int64_t hold;
    int64_t total;
    uint8_t code;

    if (c->quantity && (code = msim_check_quantity(it, c->quantity)))
        return code;
    if (change->quantity > it->max_quantity || (c->quantity && change->quantity < display))
        return MSIM_REJECT_OUT_OF_RANGE;
    if (display && change->quantity / display > MSIM_MAX_ICEBERG_PARTS)
        return MSIM_REJECT_LIMIT;
    if (c->price && (code = msim_check_price(it, c->price)))
        return code;
    if (c->stop_price && (code = msim_check_price(it, c->stop_price)))
        return code;
    /* Worth is that of the whole order, filled part included; where it does not fit, it is enough.
     */
    if (!notional_check(it, worth_at, change->open, &hold) ||
        !hold_check(it, side, worth_at, change->open, excess, &hold))
        return MSIM_REJECT_OVERFLOW;
    if (notional_check(it, worth_at, change->quantity, &total) && total < it->min_notional)
        return MSIM_REJECT_MIN_NOTIONAL;
    if (!change->waiting && c->price && !msim_band_holds(it, c->price))
        return MSIM_REJECT_PRICE_BAND;
    if (order->bits & BITS_REDUCE_ONLY &&
        msim_position_reducible(engine, order, change->open) < change->open)
        return MSIM_REJECT_REDUCE_ONLY;
    if (!change->waiting) {
        change->reach = price_key(it, side ^ 1, change->price);
        if (it->sides[side ^ 1].best <= change->reach &&
            (order->bits & BITS_POST_ONLY || it->state == MSIM_STATE_POST_ONLY))
            return MSIM_REJECT_WOULD_TAKE;
    } else if (it->state == MSIM_STATE_POST_ONLY &&
               msim_trigger_met(it, side, order_type(order), change->stop_price)) {
        return MSIM_REJECT_NOT_TRADING;
    }
    /* What it has in the book now goes first. */
    if (change->price &&
        !msim_add_check(it->sides[side].total - (change->waiting ? 0 : change->was_open),
                        change->open, &total))
        return MSIM_REJECT_OVERFLOW;
    if (engine->accounts_off)
        return MSIM_REJECT_NONE;
    change->hold = hold - hold_of(it, side, hold_price(engine, order), change->was_open, excess);
    return change->hold > msim_free_balance(engine, order->account, held_asset(it, side))
               ? MSIM_REJECT_INSUFFICIENT_BALANCE
               : MSIM_REJECT_NONE;
}

/* REPLACED shows the order as it will be; what the book says of the old one follows. */
static void tell_change(struct msim_engine *engine, const struct change *change)
{
    const struct order *order = &engine->orders[change->slot];
    uint8_t status = change->waiting ? MSIM_STATUS_WAITING : MSIM_STATUS_OPEN;

    if (!(engine->events_wanted & MSIM_EVENTS_ORDER))
        return;
    if (change->was_open < order->quantity)
        status = MSIM_STATUS_PARTIALLY_FILLED;
    msim_event_order(engine, MSIM_EVENT_REPLACED, change->slot, 0, status);
    struct msim_event *event = &engine->events[engine->event_count - 1];
    event->as.order.price = change->price;
    event->as.order.quantity = change->quantity;
    event->as.order.leaves = change->open;
    event->as.order.stop_price = change->stop_price;
}

static void hold_change(struct msim_engine *engine, const struct order *order, int64_t more)
{
    if (engine->accounts_off)
        return;
    const struct instrument *it = &engine->instruments[order->instrument];
    struct balance *balance = balance_of(engine, order->account, held_asset(it, order_side(order)));
    balance->free -= more;
    balance->held += more;
}

/* Smaller at the same price: the place in the queue stays, and what was hidden goes first. */
static void shrink(struct msim_engine *engine, const struct change *change)
{
    struct order *order = &engine->orders[change->slot];
    struct instrument *it = &engine->instruments[order->instrument];
    const unsigned at = order_side(order);
    struct side *side = &it->sides[at];
    struct level *level = side_level_find(engine, side, price_key(it, at, order->price));
    const msim_qty less = change->was_open - change->open;
    const msim_qty hidden = order_hidden(engine, order);
    const msim_qty unseen = less < hidden ? less : hidden;

    if (unseen > 0)
        engine->extras[order->extra].hidden -= unseen;
    order->leaves -= less - unseen;
    order->quantity = change->quantity;
    level->hidden -= unseen;
    level->shown -= less - unseen;
    side->total -= less;
    if (less > unseen) {
        event_book_order(engine, change->slot, MSIM_BOOK_CHANGE, order->leaves);
        event_level(engine, order->instrument, at, order->price, level->shown, level->count);
    }
    if (!engine->accounts_off)
        event_balance(engine, order->account, held_asset(it, at));
}

/* At another price, or larger: behind all others there, and perhaps into the other side. */
static void move(struct msim_engine *engine, const struct change *change)
{
    struct order *order = &engine->orders[change->slot];
    struct taker taker = {
        .instrument = &engine->instruments[order->instrument],
        .slot = change->slot,
        .number = order->instrument,
        .limit = change->reach,
        .amount = -1,
    };

    struct side *own = &taker.instrument->sides[order_side(order)];

    engine->replacing = true;
    book_remove(engine, change->slot);
    engine->replacing = false;
    order->price = change->price;
    order->quantity = change->quantity;
    order->leaves = change->open;
    if (order->extra)
        engine->extras[order->extra].hidden = 0;
    msim_execute(engine, &taker);
    msim_side_idle(engine, own);
}

static void move_waiting(struct msim_engine *engine, const struct change *change)
{
    struct order *order = &engine->orders[change->slot];
    struct instrument *it = &engine->instruments[order->instrument];

    msim_trigger_remove(engine, change->slot);
    order->price = change->price;
    order->quantity = change->quantity;
    order->leaves = change->open;
    engine->extras[order->extra].stop_price = change->stop_price;
    if (msim_trigger_met(it, order_side(order), order_type(order), change->stop_price))
        msim_queue_add(engine, change->slot);
    else
        msim_trigger_add(engine, change->slot);
    if (!engine->accounts_off)
        event_balance(engine, order->account, held_asset(it, order_side(order)));
}

static int prepare_change(struct msim_engine *engine, const struct change *change)
{
    const struct order *order = &engine->orders[change->slot];
    struct instrument *it = &engine->instruments[order->instrument];
    const unsigned side = order_side(order);
    uint64_t fills = 0;

    if (change->waiting) {
        int r = msim_trigger_prepare(engine, it, side, order_type(order), change->stop_price);
        return r < 0 ? r : events_reserve(engine, EVENTS_PER_ORDER);
    }
    if (it->sides[side ^ 1].best <= change->reach)
        fills = msim_sweep_fills(engine, it, side, change->reach, change->open,
                                 order_self_trade(order));
    int r = events_reserve(engine, fills * EVENTS_PER_FILL + EVENTS_PER_ORDER);
    if (r == MSIM_OK)
        r = finished_reserve(engine, fills + 1);
    return r < 0 ? r : side_prepare(engine, &it->sides[side], price_key(it, side, change->price));
}

int msim_entry_replace(struct msim_engine *engine, const struct msim_command *c)
{
    struct change change = {.slot = find(engine, c)};
    if (!change.slot)
        return msim_refuse(engine, c, MSIM_REJECT_ORDER_NOT_FOUND);
    const struct order *order = &engine->orders[change.slot];
    const uint8_t state = engine->instruments[order->instrument].state;
    if (state == MSIM_STATE_HALTED || state == MSIM_STATE_CANCEL_ONLY)
        return msim_refuse(engine, c, MSIM_REJECT_NOT_TRADING);
    uint8_t code = read_change(engine, c, &change);
    if (!code)
        code = check_change(engine, c, &change);
    if (code)
        return msim_refuse(engine, c, code);
    int r = prepare_change(engine, &change);
    if (r == MSIM_ERR_LIMIT)
        return msim_refuse(engine, c, MSIM_REJECT_LIMIT);
    if (r < 0)
        return r;

    tell_change(engine, &change);
    hold_change(engine, order, change.hold);
    if (change.waiting)
        move_waiting(engine, &change);
    else if (change.price == order->price && change.quantity < order->quantity)
        shrink(engine, &change);
    else
        move(engine, &change);
    return MSIM_OK;
}

/* Notes an order down if the command means it. */
static int note(struct msim_engine *engine, const struct msim_command *c, uint32_t slot,
                size_t *count)
{
    const struct order *order = &engine->orders[slot];

    if (c->kind == MSIM_COMMAND_MASS_CANCEL && order_owner(engine, order) != c->owner)
        return MSIM_OK;
    if (c->kind != MSIM_COMMAND_SET_STATE &&
        ((c->instrument != MSIM_ALL_INSTRUMENTS && order->instrument != c->instrument) ||
         (c->side != MSIM_SIDE_NONE && c->side != side_told(order_side(order))) ||
         engine->instruments[order->instrument].state == MSIM_STATE_HALTED))
        return MSIM_OK;
    int r = msim_scratch_reserve(engine, *count + 1);
    if (r == MSIM_OK)
        engine->scratch[(*count)++] = order->id;
    return r;
}

static int note_queue(struct msim_engine *engine, const struct msim_command *c, uint32_t slot,
                      size_t *count)
{
    int r = MSIM_OK;

    for (; slot && r == MSIM_OK; slot = engine->orders[slot].next)
        r = note(engine, c, slot, count);
    return r;
}

/* All that rest in an instrument, and all that wait. */
static int note_market(struct msim_engine *engine, const struct msim_command *c, size_t *count)
{
    const struct instrument *it = &engine->instruments[c->instrument];
    int r = MSIM_OK;

    for (int at = 0; at < 2; at++) {
        const struct side *side = &it->sides[at];
        for (int64_t key = side->best; key != KEY_NONE && r == MSIM_OK;
             key = msim_side_after(engine, side, key))
            r = note_queue(engine, c, msim_side_level(engine, side, key)->head, count);
        const struct ladder *ladder = &it->triggers[at];
        for (int64_t key = ladder_first(ladder); key != KEY_NONE && r == MSIM_OK;
             key = msim_ladder_after(ladder, &engine->ladder_pool, key))
            r = note_queue(engine, c, msim_ladder_find(ladder, &engine->ladder_pool, key)->head,
                           count);
    }
    return r;
}

static int note_meant(struct msim_engine *engine, const struct msim_command *c, size_t *count)
{
    uint32_t slot = 0;
    int r = MSIM_OK;

    if (c->kind == MSIM_COMMAND_SET_STATE)
        return note_market(engine, c, count);
    if (c->kind == MSIM_COMMAND_MASS_CANCEL) {
        for (slot = msim_owner_first(engine, c->owner); slot && r == MSIM_OK;
             slot = engine->owned[slot].next)
            r = note(engine, c, slot, count);
        return r;
    }
    for (slot = msim_account_first(engine, c->account); slot && r == MSIM_OK;
         slot = links_of(engine, slot)->next)
        r = note(engine, c, slot, count);
    return r;
}

/*
 * Ends all that the command means, the oldest first; tells how many.  What it costs follows the
 * orders of the account, the owner or the instrument, not all there are.
 */
int msim_entry_end_many(struct msim_engine *engine, const struct msim_command *c, uint8_t kind,
                        uint8_t code, uint64_t *ended)
{
    size_t count = 0;

    int r = note_meant(engine, c, &count);
    if (r == MSIM_OK)
        r = events_reserve(engine, count * EVENTS_PER_FILL + EVENTS_PER_ORDER);
    if (r == MSIM_OK)
        r = finished_reserve(engine, count);
    if (r < 0)
        return r;
    msim_sort_u64(engine->scratch, count);
    for (size_t i = 0; i < count; i++)
        msim_order_end(engine, msim_order_find(engine, engine->scratch[i], 0), kind, code);
    *ended = count;
    return MSIM_OK;
}

int msim_entry_cancel_many(struct msim_engine *engine, const struct msim_command *c)
{
    const bool all = c->kind == MSIM_COMMAND_CANCEL_ALL;
    uint64_t ended = 0;

    if (c->instrument != MSIM_ALL_INSTRUMENTS && c->instrument >= engine->instrument_count)
        return msim_refuse(engine, c, MSIM_REJECT_UNKNOWN_SYMBOL);
    if (all && c->account >= engine->max_accounts)
        return msim_refuse(engine, c, MSIM_REJECT_UNKNOWN_ACCOUNT);
    if (c->side > MSIM_SIDE_SELL || (!all && c->owner == 0))
        return msim_refuse(engine, c, MSIM_REJECT_INVALID_FIELD);
    if (c->instrument != MSIM_ALL_INSTRUMENTS &&
        engine->instruments[c->instrument].state == MSIM_STATE_HALTED)
        return msim_refuse(engine, c, MSIM_REJECT_NOT_TRADING);
    int r = msim_entry_end_many(engine, c, MSIM_EVENT_CANCELLED,
                                all ? MSIM_CANCEL_ALL : MSIM_CANCEL_MASS, &ended);
    if (r == MSIM_OK)
        msim_event_mass(engine, c, ended);
    return r;
}

int msim_entry_expire(struct msim_engine *engine, msim_time time)
{
    if (engine->heap_count == 0 ||
        engine->extras[engine->orders[engine->heap[0]].extra].expires_at > time)
        return MSIM_OK;
    const size_t count = msim_expiry_count(engine, time);
    int r = events_reserve(engine, count * EVENTS_PER_FILL);
    if (r == MSIM_OK)
        r = finished_reserve(engine, count);
    if (r < 0)
        return r;

    engine->time = time;
    while (engine->heap_count > 0) {
        const uint32_t slot = engine->heap[0];
        const struct order *order = &engine->orders[slot];
        if (engine->extras[order->extra].expires_at > time)
            break;
        msim_order_end(engine, slot, MSIM_EVENT_EXPIRED,
                       order_tif(order) == MSIM_TIF_DAY ? MSIM_CANCEL_DAY : MSIM_CANCEL_GTD);
    }
    return MSIM_OK;
}
