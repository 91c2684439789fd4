/*
 * Whether everything agrees with everything else.
 */
#include <string.h>

#include "base/detail.h"
#include "engine/book.h"

struct audit {
    const struct msim_engine *engine;
    struct msim_detail *detail;
    int64_t *held; /* by balance cell: what live orders hold */
    uint64_t live;
    uint64_t with_client;
    uint64_t with_expiry;
};

#define BROKEN(audit, ...) msim_detail_set((audit)->detail, MSIM_ERR_STATE, "audit: " __VA_ARGS__)

static int see_order(struct audit *audit, uint32_t slot, enum order_state state, uint32_t number)
{
    const struct msim_engine *engine = audit->engine;
    const struct order *order = &engine->orders[slot];
    const unsigned long long id = order->id;

    if (slot >= engine->order_used || order->id == 0)
        return BROKEN(audit, "slot %u is in a queue but holds no order", slot);
    audit->live++;
    if (order_state(order) != state || order->instrument != number)
        return BROKEN(audit, "order %llu is in the wrong queue", id);
    if (msim_order_find(engine, order->id, 0) != slot)
        return BROKEN(audit, "order %llu is not found by its number", id);
    if (order->leaves <= 0 || order_open(engine, order) > order->quantity)
        return BROKEN(audit, "order %llu has a wrong quantity", id);
    if (order->bits & BITS_CLIENT) {
        audit->with_client++;
        if (msim_client_find(engine, order->account, order->client_id) != slot)
            return BROKEN(audit, "order %llu is not found by its client id", id);
    }
    if (order->extra && engine->extras[order->extra].heap_place) {
        audit->with_expiry++;
        if (engine->heap[engine->extras[order->extra].heap_place - 1] != slot)
            return BROKEN(audit, "order %llu is not where it expires", id);
    }
    if (engine->accounts_off)
        return MSIM_OK;
    const struct instrument *it = &engine->instruments[number];
    const uint32_t asset = held_asset(it, order_side(order));
    if (!sheet_has(&engine->balances, order->account, asset))
        return BROKEN(audit, "order %llu has no balance to hold", id);
    const ptrdiff_t cell =
        balance_of(engine, order->account, asset) - (const struct balance *)engine->balances.cells;
    if (!msim_add_check(audit->held[cell],
                        hold_of(it, order_side(order), hold_price(engine, order),
                                order_open(engine, order), order_excess(engine, order)),
                        &audit->held[cell]))
        return BROKEN(audit, "order %llu: the holds of its account run over", id);
    return MSIM_OK;
}

static int see_level(struct audit *audit, uint32_t number, unsigned at, int64_t key,
                     const struct level *level)
{
    const struct msim_engine *engine = audit->engine;
    const struct instrument *it = &engine->instruments[number];
    const long long price = key_price(it, at, key);
    msim_int128 shown = 0;
    msim_int128 hidden = 0;
    uint64_t count = 0;
    uint32_t last = 0;

    for (uint32_t slot = level->head; slot; slot = engine->orders[slot].next) {
        const struct order *order = &engine->orders[slot];
        __builtin_prefetch(&engine->orders[order->next]);
        int r = see_order(audit, slot, ORDER_RESTING, number);
        if (r < 0)
            return r;
        if (order->prev != last || order->price != price || order_side(order) != at)
            return BROKEN(audit, "instrument %u: the queue at %lld is broken", number, price);
        shown += order->leaves;
        hidden += order_hidden(engine, order);
        count++;
        last = slot;
    }
    if (count == 0 || last != level->tail || count != level->count || shown != level->shown ||
        hidden != level->hidden)
        return BROKEN(audit, "instrument %u: the level at %lld is not the sum of its orders",
                      number, price);
    return MSIM_OK;
}

static int see_side(struct audit *audit, uint32_t number, unsigned at)
{
    const struct msim_engine *engine = audit->engine;
    const struct side *side = &engine->instruments[number].sides[at];
    uint64_t near = 0;
    uint64_t far = 0;
    uint64_t orders = 0;
    msim_int128 total = 0;
    int64_t last = INT64_MIN;

    for (int64_t key = side->best; key != KEY_NONE; key = msim_side_after(engine, side, key)) {
        const struct level *level = msim_side_level(engine, side, key);
        if (key <= last || !level)
            return BROKEN(audit, "instrument %u: levels out of order", number);
        if (key < side->near_end && !bit_test(side->words, (uint64_t)key & side->mask))
            return BROKEN(audit, "instrument %u: a level without its bit", number);
        int r = see_level(audit, number, at, key, level);
        if (r < 0)
            return r;
        near += key < side->near_end;
        far += key >= side->near_end;
        orders += level->count;
        total += (msim_int128)level->shown + level->hidden;
        last = key;
    }
    if (near != side->near_count || far != side->far.level_count || (far > 0 && near == 0) ||
        orders != side->order_count || total != side->total ||
        (near > 0 && side->near_end - side->best > (int64_t)side->mask + 1))
        return BROKEN(audit, "instrument %u: a side's sums are wrong", number);
    return MSIM_OK;
}

static int see_waiting(struct audit *audit, uint32_t number)
{
    const struct msim_engine *engine = audit->engine;
    const struct instrument *it = &engine->instruments[number];
    const uint64_t before = audit->live;

    for (int at = 0; at < 2; at++) {
        const struct ladder *ladder = &it->triggers[at];
        for (int64_t key = ladder_first(ladder); key != KEY_NONE;
             key = msim_ladder_after(ladder, &engine->ladder_pool, key)) {
            const struct level *level = msim_ladder_find(ladder, &engine->ladder_pool, key);
            uint32_t count = 0;
            for (uint32_t slot = level->head; slot; slot = engine->orders[slot].next, count++) {
                const struct order *order = &engine->orders[slot];
                int r = see_order(audit, slot, ORDER_WAITING, number);
                if (r < 0)
                    return r;
                if (msim_trigger_met(it, order_side(order), order_type(order),
                                     engine->extras[order->extra].stop_price))
                    return BROKEN(audit, "order %llu should have been triggered",
                                  (unsigned long long)order->id);
            }
            if (count != level->count || count == 0)
                return BROKEN(audit, "instrument %u: a trigger's count is wrong", number);
        }
    }
    if (audit->live - before != it->waiting_count)
        return BROKEN(audit, "instrument %u: the number of waiting orders is wrong", number);
    return MSIM_OK;
}

static int see_instrument(struct audit *audit, uint32_t number)
{
    const struct instrument *it = &audit->engine->instruments[number];
    int r = see_side(audit, number, BUY);

    if (r == MSIM_OK)
        r = see_side(audit, number, SELL);
    if (r == MSIM_OK)
        r = see_waiting(audit, number);
    if (r < 0)
        return r;
    /* A buy's key is minus its price: uncrossed where the best of both add to more than zero. */
    if (it->sides[BUY].best != KEY_NONE && it->sides[SELL].best != KEY_NONE &&
        it->sides[BUY].best + it->sides[SELL].best <= 0)
        return BROKEN(audit, "instrument %u: the book is crossed", number);
    return MSIM_OK;
}

static int see_pool(struct audit *audit)
{
    const struct msim_engine *engine = audit->engine;
    uint64_t free_slots = 0;

    for (uint32_t slot = engine->queued_first; slot; slot = engine->orders[slot].next) {
        int r = see_order(audit, slot, ORDER_QUEUED, engine->orders[slot].instrument);
        if (r < 0)
            return r;
    }
    for (uint32_t slot = engine->free_order; slot; slot = engine->orders[slot].next) {
        if (slot >= engine->order_used || engine->orders[slot].id != 0 ||
            free_slots++ > engine->order_used)
            return BROKEN(audit, "the list of free slots is broken");
    }
    if (audit->live != engine->live_orders ||
        audit->live + free_slots != (uint64_t)engine->order_used - 1)
        return BROKEN(audit, "%llu orders are live, %u are counted",
                      (unsigned long long)audit->live, engine->live_orders);
    if (audit->with_client != engine->client_live || audit->with_expiry != engine->heap_count)
        return BROKEN(audit, "the numbers of client ids or of expiring orders are wrong");
    for (size_t i = 1; i < engine->heap_count; i++) {
        const struct order *parent = &engine->orders[engine->heap[(i - 1) / 2]];
        const struct order *child = &engine->orders[engine->heap[i]];
        if (engine->extras[parent->extra].expires_at > engine->extras[child->extra].expires_at)
            return BROKEN(audit, "the expiry heap is out of order");
    }
    return MSIM_OK;
}

/* What the trades that can be undone would ask back must be there. */
static int see_trades(struct audit *audit, uint32_t asset)
{
    const struct msim_engine *engine = audit->engine;
    const uint64_t past = engine->next_trade - 1;
    const uint64_t count = past < engine->trade_history ? past : engine->trade_history;
    msim_int128 fees = 0;

    for (uint64_t id = engine->next_trade - count; id < engine->next_trade; id++) {
        const struct trade *trade = trade_place(engine, id);
        const struct instrument *it = &engine->instruments[trade->instrument];
        if (trade->busted)
            continue;
        const bool maker_in_base = it->fee_mode == MSIM_FEE_RECEIVED && trade->taker_side == SELL;
        const bool taker_in_base = it->fee_mode == MSIM_FEE_RECEIVED && trade->taker_side == BUY;
        if ((maker_in_base ? it->base : it->quote) == asset)
            fees += trade->maker_fee;
        if ((taker_in_base ? it->base : it->quote) == asset)
            fees += trade->taker_fee;
    }
    if (fees > engine->assets[asset].fees)
        return BROKEN(audit, "asset %u: the house has less than the fees of its trades", asset);
    return MSIM_OK;
}

static int see_asset(struct audit *audit, uint32_t asset)
{
    const struct msim_engine *engine = audit->engine;
    msim_int128 sum = engine->assets[asset].fees;
    msim_int128 below = 0;

    for (size_t row = 0; row < engine->balances.rows; row++) {
        const struct balance *balance = msim_balance_find(engine, (uint32_t)row, asset);
        if (!balance)
            continue;
        const ptrdiff_t cell = balance - (const struct balance *)engine->balances.cells;
        if (balance->held != audit->held[cell])
            return BROKEN(audit, "account %zu, asset %u: %lld held, orders hold %lld", row, asset,
                          (long long)balance->held, (long long)audit->held[cell]);
        sum += (msim_int128)balance->free + balance->held;
        below -= balance->free < 0 ? balance->free : 0;
    }
    if (sum != engine->assets[asset].total)
        return BROKEN(audit, "asset %u: what all have is not what was deposited", asset);
    if (below > engine->assets[asset].owed)
        return BROKEN(audit, "asset %u: more is owed than was let go", asset);
    return MSIM_OK;
}

static int see_all(struct audit *audit)
{
    const struct msim_engine *engine = audit->engine;
    int r = MSIM_OK;

    for (uint32_t i = 0; i < engine->instrument_count && r == MSIM_OK; i++)
        r = see_instrument(audit, i);
    if (r == MSIM_OK)
        r = see_pool(audit);
    for (uint32_t i = 0; i < engine->asset_names.count && r == MSIM_OK && !engine->accounts_off;
         i++) {
        r = see_asset(audit, i);
        if (r == MSIM_OK)
            r = see_trades(audit, i);
    }
    return r;
}

int msim_engine_audit(const struct msim_engine *engine, struct msim_detail *detail)
{
    if (!engine)
        return MSIM_ERR_INVALID;
    trades_booked(engine);
    const size_t cells = engine->balances.used * sheet_unit(&engine->balances) + 1; /* never none */
    struct audit audit = {.engine = engine, .detail = detail};

    audit.held = msim_mem_zero_array(&engine->given, cells, sizeof *audit.held);
    if (!audit.held)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "audit: out of memory");
    int r = see_all(&audit);
    msim_mem_free(&engine->given, audit.held, cells * sizeof *audit.held);
    return r;
}
