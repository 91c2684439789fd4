/*
 * An engine from a snapshot's bytes, which may be anybody's.
 *
 * Every number is checked against what the engine itself would have written;
 * what single fields cannot show (sums, orders of things) the audit looks at in
 * the end.
 */
#include "base/detail.h"
#include "engine/book.h"
#include "engine/snapshot.h"

/* Positions beyond this are nobody's; sums of two such still fit. */
#define POSITION_LIMIT ((msim_int128)1 << 100)
#define NAME_LIMIT 64
#define PRICE_LIMIT (INT64_MAX / 4)

struct reader {
    const unsigned char *bytes;
    size_t length;
    size_t at;
    const char *wrong; /* the first thing that was */
    const char *bound; /* the parameter that it holds more than */
};

static int wrong(struct reader *reader, const char *what)
{
    if (!reader->wrong)
        reader->wrong = what;
    return MSIM_ERR_FORMAT;
}

static int beyond(struct reader *reader, const char *bound)
{
    reader->bound = bound;
    return MSIM_ERR_LIMIT;
}

static uint64_t get_u64(struct reader *reader)
{
    if (reader->length - reader->at < 8) {
        wrong(reader, "it ends in the middle");
        reader->at = reader->length;
        return 0;
    }
    const uint64_t value = load_u64(reader->bytes + reader->at);
    reader->at += 8;
    return value;
}

static int64_t get_i64(struct reader *reader)
{
    return (int64_t)get_u64(reader);
}

static void get_pair(struct reader *reader, uint32_t *low, uint32_t *high)
{
    const uint64_t value = get_u64(reader);
    *low = (uint32_t)value;
    *high = (uint32_t)(value >> 32);
}

static msim_int128 get_i128(struct reader *reader)
{
    const uint64_t low = get_u64(reader);
    const uint64_t high = get_u64(reader);
    return (msim_int128)((msim_uint128)high << 64 | low);
}

/* A number of things of at least `size` bytes each, which must be there. */
static uint64_t get_count(struct reader *reader, size_t size)
{
    const uint64_t count = get_u64(reader);
    if (count > (reader->length - reader->at) / size) {
        wrong(reader, "it counts more than it holds");
        return 0;
    }
    return count;
}

static int get_text(struct reader *reader, char text[NAME_LIMIT + 8])
{
    const uint64_t length = get_u64(reader);

    if (length == 0 || length > NAME_LIMIT)
        return wrong(reader, "a name's length");
    for (uint64_t at = 0; at < length; at += 8)
        store_u64((unsigned char *)text + at, get_u64(reader));
    for (uint64_t at = length; at < (length + 7) / 8 * 8; at++) {
        if (text[at] != '\0')
            return wrong(reader, "a name's end");
    }
    text[length] = '\0';
    return strlen(text) == length ? MSIM_OK : wrong(reader, "a name with a zero in it");
}

static int read_assets(struct reader *reader, struct msim_engine *engine)
{
    const uint64_t count = get_count(reader, 48);

    for (uint64_t i = 0; i < count; i++) {
        char name[NAME_LIMIT + 8];
        if (get_text(reader, name) < 0)
            return MSIM_ERR_FORMAT;
        const int64_t digits = get_i64(reader);
        if (digits < 0 || digits > -MSIM_EXPONENT_MIN)
            return wrong(reader, "an asset's exponent");
        int r = msim_engine_asset_add(engine, name, (int)-digits, NULL, NULL);
        if (r == MSIM_ERR_LIMIT)
            return beyond(reader, "max_assets");
        if (r < 0)
            return r == MSIM_ERR_EXISTS ? wrong(reader, "an asset twice") : r;
        struct asset *asset = &engine->assets[i];
        asset->total = get_i64(reader);
        asset->fees = get_i64(reader);
        asset->owed = get_i64(reader);
        if (asset->fees < 0 || asset->owed < 0 || (msim_int128)asset->total + asset->owed < 0 ||
            (msim_int128)asset->total + asset->owed > INT64_MAX)
            return wrong(reader, "an asset's total");
    }
    return MSIM_OK;
}

/* What follows the market fields of an order; the order itself is checked by its place. */
static int read_order(struct reader *reader, struct msim_engine *engine, uint32_t number,
                      uint32_t *slot_out)
{
    uint32_t slot;
    uint32_t account;
    uint32_t owner;
    uint32_t bits;
    const uint64_t id = get_u64(reader);

    get_pair(reader, &slot, &account);
    get_pair(reader, &owner, &bits);
    const msim_price price = get_i64(reader);
    const msim_qty quantity = get_i64(reader);
    const msim_qty leaves = get_i64(reader);
    if (id == 0 || id >= engine->next_order || slot == 0 || slot >= engine->order_used ||
        engine->orders[slot].id != 0 || msim_order_find(engine, id, 0))
        return wrong(reader, "an order's number or slot");
    if (bits & ~SNAPSHOT_BITS)
        return wrong(reader, "an order's kind");
    if (account >= engine->max_accounts)
        return beyond(reader, "max_accounts");
    int r = msim_account_reserve(engine, account);
    if (r == MSIM_OK && owner)
        r = msim_owners_reserve(engine);
    if (r < 0)
        return r;

    struct order *order = &engine->orders[slot];
    *order = (struct order){
        .id = id,
        .leaves = leaves,
        .price = price,
        .quantity = quantity,
        .account = account,
        .instrument = (uint16_t)number,
        .bits = (uint16_t)bits,
    };
    index_join(engine, slot);
    engine->live_orders++;
    engine->reduce_only_orders += (bits & BITS_REDUCE_ONLY) != 0;
    order_join(engine, slot);
    if (owner)
        msim_owner_add(engine, slot, owner);
    *slot_out = slot;

    if (!engine->accounts_off)
        r = msim_accounts_reserve(engine, account, number);
    if (r == MSIM_OK && bits & SNAPSHOT_CLIENT) {
        const uint64_t client_id = get_u64(reader);
        const uint64_t content = msim_unmix64(get_u64(reader));
        uint32_t at;
        r = msim_clients_reserve(engine);
        if (r == MSIM_OK)
            r = client_look(engine, account, client_id, &at);
        if (r < 0)
            return r;
        if (client_id == 0 || at)
            return wrong(reader, "a client id twice");
        msim_client_add(engine, account, client_id, content, slot);
    }
    if (r == MSIM_OK && engine->excess)
        engine->excess[slot] = 0;
    if (r == MSIM_OK && bits & SNAPSHOT_EXCESS) {
        const uint64_t excess = get_u64(reader);
        if (engine->accounts_off || engine->instruments[number].fee_mode != MSIM_FEE_QUOTE ||
            excess == 0 || excess >= MSIM_FEE_SCALE)
            return wrong(reader, "an order's fees");
        engine->excess[slot] = (uint32_t)excess;
    }
    if (r == MSIM_OK && bits & SNAPSHOT_EXTRA) {
        r = msim_extras_reserve(engine);
        if (r < 0)
            return r;
        msim_extra_make(engine, slot);
        struct extra *extra = &engine->extras[order->extra];
        extra->stop_price = get_i64(reader);
        extra->display = get_i64(reader);
        extra->hidden = get_i64(reader);
        extra->expires_at = get_i64(reader);
        if (order_tif(order) >= MSIM_TIF_GTD)
            msim_expiry_add(engine, slot);
    }
    return reader->wrong ? MSIM_ERR_FORMAT : r;
}

static bool worth_fits(const struct instrument *it, const struct order *order, msim_price price,
                       msim_qty open)
{
    int64_t notional;
    int64_t hold;
    return open <= it->fit_quantity && notional_check(it, price, open, &notional) &&
           hold_check(it, order_side(order), price, open, 0, &hold);
}

static int check_order(struct reader *reader, const struct msim_engine *engine, uint32_t slot,
                       enum order_state state)
{
    const struct order *order = &engine->orders[slot];
    const struct instrument *it = &engine->instruments[order->instrument];
    const struct extra none = {.expires_at = MSIM_TIME_NEVER};
    const struct extra *extra = order->extra ? &engine->extras[order->extra] : &none;
    const unsigned type = order_type(order);
    const unsigned tif = order_tif(order);
    const bool trigger = type >= MSIM_ORDER_STOP;
    const bool priced = type == MSIM_ORDER_LIMIT || type == MSIM_ORDER_STOP_LIMIT ||
                        type == MSIM_ORDER_TAKE_PROFIT_LIMIT;
    int64_t open;

    if (type < MSIM_ORDER_LIMIT || type > MSIM_ORDER_TAKE_PROFIT_LIMIT ||
        type == MSIM_ORDER_MARKET || tif > MSIM_TIF_DAY ||
        order_self_trade(order) > MSIM_SELF_TRADE_DECREMENT || order_state(order) != state)
        return wrong(reader, "an order's kind");
    if (order->bits & BITS_REDUCE_ONLY && engine->accounts_off)
        return wrong(reader, "a reduce-only order without accounts");
    if (priced != (order->price > 0) || order->price < 0 || order->price > PRICE_LIMIT ||
        trigger != (extra->stop_price > 0) || extra->stop_price < 0 ||
        extra->stop_price > PRICE_LIMIT)
        return wrong(reader, "an order's price");
    if (order->leaves <= 0 || extra->hidden < 0 ||
        !msim_add_check(order->leaves, extra->hidden, &open) || open > order->quantity ||
        (extra->hidden > 0 && (state != ORDER_RESTING || extra->display <= 0)))
        return wrong(reader, "an order's quantity");
    if (extra->display < 0 || (extra->display > 0 && !priced) ||
        (extra->hidden > 0 && open / extra->display > MSIM_MAX_ICEBERG_PARTS))
        return wrong(reader, "an iceberg's display");
    if (state == ORDER_RESTING && (!priced || tif == MSIM_TIF_IOC || tif == MSIM_TIF_FOK))
        return wrong(reader, "an order that cannot rest");
    if (state != ORDER_RESTING && !trigger)
        return wrong(reader, "an order that waits for nothing");
    if ((tif >= MSIM_TIF_GTD) != (order->extra && extra->heap_place != 0) ||
        (tif < MSIM_TIF_GTD && extra->expires_at != MSIM_TIME_NEVER) ||
        (tif >= MSIM_TIF_GTD && extra->expires_at <= engine->time))
        return wrong(reader, "an order that should have expired");
    if (!worth_fits(it, order, order->price ? order->price : extra->stop_price, open))
        return wrong(reader, "an order that is worth too much");
    return MSIM_OK;
}

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
    while (b != 0) {
        const uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* Orders are read into a chain first: the step that divides their prices is known after the last.
 */
struct chain {
    uint32_t first;
    uint32_t last;
};

static int read_chain(struct reader *reader, struct msim_engine *engine, uint32_t number,
                      enum order_state state, uint64_t count, struct chain *chain, uint64_t *step)
{
    *chain = (struct chain){0};
    for (uint64_t i = 0; i < count; i++) {
        uint32_t slot;
        int r = read_order(reader, engine, number, &slot);
        if (r == MSIM_OK)
            r = check_order(reader, engine, slot, state);
        if (r < 0)
            return r;
        *step = common_divisor(*step, (uint64_t)engine->orders[slot].price);
        if (chain->last)
            engine->orders[chain->last].next = slot;
        else
            chain->first = slot;
        chain->last = slot;
    }
    return MSIM_OK;
}

static int add_side(struct reader *reader, struct msim_engine *engine, struct instrument *it,
                    unsigned at, struct chain chain)
{
    struct side *side = &it->sides[at];
    int64_t last = INT64_MIN;

    for (uint32_t slot = chain.first, next; slot; slot = next) {
        struct order *order = &engine->orders[slot];
        int64_t sum;
        next = order->next;
        if (order_side(order) != at)
            return wrong(reader, "an order on the wrong side");
        if (!msim_add_check(side->total, order_open(engine, order), &sum))
            return wrong(reader, "a book that is too large");
        const int64_t key = price_key(it, at, order->price);
        if (key < last)
            return wrong(reader, "a book out of order");
        last = key;
        int r = side_prepare(engine, side, key);
        if (r < 0)
            return r;
        struct level *level = side_level_make(engine, side, key);
        queue_append(engine, level, slot);
        level->shown += order->leaves;
        level->hidden += order_hidden(engine, order);
        level->count++;
        side->total = sum;
        side->order_count++;
    }
    return MSIM_OK;
}

static int add_waiting(struct reader *reader, struct msim_engine *engine, struct instrument *it,
                       struct chain chain)
{
    bool rises = true;
    int64_t last = INT64_MIN;

    for (uint32_t slot = chain.first, next; slot; slot = next) {
        const struct order *order = &engine->orders[slot];
        const msim_price stop_price = engine->extras[order->extra].stop_price;
        const int64_t key = msim_trigger_rises(order) ? stop_price : -stop_price;
        next = order->next;
        if (rises && !msim_trigger_rises(order)) {
            rises = false;
            last = INT64_MIN;
        }
        if (key < last || rises != msim_trigger_rises(order))
            return wrong(reader, "waiting orders out of order");
        last = key;
        if (msim_trigger_met(it, order_side(order), order_type(order), stop_price))
            return wrong(reader, "a trigger that should have fired");
        int r = msim_trigger_prepare(engine, it, order_side(order), order_type(order), stop_price);
        if (r < 0)
            return r;
        msim_trigger_add(engine, slot);
    }
    return MSIM_OK;
}

static int read_market(struct reader *reader, struct msim_engine *engine, uint32_t number)
{
    struct chain sides[2];
    struct chain waiting;
    uint64_t step = (uint64_t)engine->instruments[number].tick.unit;
    int r = MSIM_OK;

    for (int at = 0; at < 2 && r == MSIM_OK; at++)
        r = read_chain(reader, engine, number, ORDER_RESTING, get_count(reader, 48), &sides[at],
                       &step);
    if (r == MSIM_OK)
        r = read_chain(reader, engine, number, ORDER_WAITING, get_count(reader, 48), &waiting,
                       &step);
    if (r < 0)
        return r;
    struct instrument *it = &engine->instruments[number];
    msim_grid_set(&it->step, (int64_t)step);
    msim_instrument_refresh(it);
    for (unsigned at = 0; at < 2 && r == MSIM_OK; at++)
        r = add_side(reader, engine, it, at, sides[at]);
    if (r == MSIM_OK)
        r = add_waiting(reader, engine, it, waiting);
    return r;
}

static int read_instrument(struct reader *reader, struct msim_engine *engine)
{
    char symbol[NAME_LIMIT + 8];
    struct msim_instrument_params params = MSIM_INSTRUMENT_PARAMS_INIT;
    uint32_t kinds;
    uint32_t price_digits;
    uint32_t quantity_digits;
    uint32_t number;

    if (get_text(reader, symbol) < 0)
        return MSIM_ERR_FORMAT;
    params.symbol = symbol;
    get_pair(reader, &params.base_asset, &params.quote_asset);
    get_pair(reader, &params.maker_fee, &params.taker_fee);
    get_pair(reader, &params.band, &kinds);
    get_pair(reader, &price_digits, &quantity_digits);
    if (kinds >> 16 != 0 || price_digits > 18 || quantity_digits > 18)
        return wrong(reader, "an instrument's kinds");
    params.fee_mode = (uint8_t)kinds;
    params.state = (uint8_t)(kinds >> 8);
    params.price_exponent = (int8_t) - (int)price_digits;
    params.quantity_exponent = (int8_t) - (int)quantity_digits;
    params.tick = get_i64(reader);
    params.lot = get_i64(reader);
    params.min_price = get_i64(reader);
    params.max_price = get_i64(reader);
    params.min_quantity = get_i64(reader);
    params.max_quantity = get_i64(reader);
    params.min_notional = get_i64(reader);
    params.reference_price = get_i64(reader);
    const msim_price last_price = get_i64(reader);
    const uint64_t last_trade = get_u64(reader);
    /* What was left at its usual value was written as that value. */
    if (reader->wrong || params.tick <= 0 || params.lot <= 0 || params.min_price <= 0 ||
        params.max_price <= 0 || params.min_quantity <= 0 || params.max_quantity <= 0 ||
        params.max_price > PRICE_LIMIT || last_price < 0 || last_price > PRICE_LIMIT ||
        last_trade >= engine->next_trade)
        return wrong(reader, "an instrument's limits");
    int r = msim_engine_instrument_add(engine, &params, &number, NULL);
    if (r == MSIM_ERR_INVALID || r == MSIM_ERR_EXISTS)
        return wrong(reader, "an instrument");
    if (r == MSIM_ERR_LIMIT)
        return beyond(reader, "max_instruments");
    if (r < 0)
        return r;
    engine->instruments[number].last_price = last_price;
    engine->instruments[number].last_trade = last_trade;
    return read_market(reader, engine, number);
}

static int read_slots(struct reader *reader, struct msim_engine *engine)
{
    const uint64_t queued = get_count(reader, 56);

    for (uint64_t i = 0; i < queued; i++) {
        const uint64_t number = get_u64(reader);
        uint32_t slot;
        if (number >= engine->instrument_count)
            return wrong(reader, "a queued order's instrument");
        int r = read_order(reader, engine, (uint32_t)number, &slot);
        if (r == MSIM_OK)
            r = check_order(reader, engine, slot, ORDER_QUEUED);
        if (r < 0)
            return r;
        if (engine->orders[slot].price > 0 &&
            !grid_holds(&engine->instruments[number].step, engine->orders[slot].price))
            return wrong(reader, "a queued order's price");
        msim_queue_add(engine, slot);
    }

    const uint64_t count = get_count(reader, 8);
    uint32_t *link = &engine->free_order;
    if (count != (uint64_t)engine->order_used - 1 - engine->live_orders)
        return wrong(reader, "the number of free slots");
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t slot = get_u64(reader);
        if (slot == 0 || slot >= engine->order_used || engine->orders[slot].id != 0 ||
            engine->orders[slot].prev != 0)
            return wrong(reader, "a free slot");
        engine->orders[slot].prev = 1;
        *link = (uint32_t)slot;
        link = &engine->orders[slot].next;
    }
    *link = 0;
    return MSIM_OK;
}

static int read_balances(struct reader *reader, struct msim_engine *engine)
{
    const uint64_t count = get_count(reader, 24);
    uint64_t last = 0;

    for (uint64_t i = 0; i < count; i++) {
        uint32_t account;
        uint32_t asset;
        get_pair(reader, &account, &asset);
        const uint64_t place = (uint64_t)account << 32 | asset;
        if (asset >= engine->asset_names.count || (i > 0 && place <= last) || engine->accounts_off)
            return wrong(reader, "a balance's account or asset");
        if (account >= engine->max_accounts)
            return beyond(reader, "max_accounts");
        last = place;
        int r = msim_balance_reserve(engine, account, asset);
        if (r < 0)
            return r;
        struct balance *balance = balance_of(engine, account, asset);
        balance->free = get_i64(reader);
        balance->held = get_i64(reader);
        if (balance->held < 0 || balance->free < FREE_LEAST ||
            (balance->free == 0 && balance->held == 0))
            return wrong(reader, "a balance");
    }
    return MSIM_OK;
}

static bool position_fits(msim_int128 value)
{
    return value > -POSITION_LIMIT && value < POSITION_LIMIT;
}

static int read_positions(struct reader *reader, struct msim_engine *engine)
{
    const uint64_t count = get_count(reader, 56);
    uint64_t last = 0;

    for (uint64_t i = 0; i < count; i++) {
        uint32_t account;
        uint32_t number;
        get_pair(reader, &account, &number);
        const uint64_t place = (uint64_t)account << 32 | number;
        if (number >= engine->instrument_count || (i > 0 && place <= last) || engine->accounts_off)
            return wrong(reader, "a position's account or instrument");
        if (account >= engine->max_accounts)
            return beyond(reader, "max_accounts");
        last = place;
        int r = msim_accounts_reserve(engine, account, number);
        if (r < 0)
            return r;
        struct holding now;
        now.quantity = get_i128(reader);
        now.cost = get_i128(reader);
        now.realised = get_i128(reader);
        if (!position_fits(now.quantity) || !position_fits(now.cost) ||
            !position_fits(now.realised) || (now.quantity == 0 && now.cost != 0) ||
            (now.quantity > 0 && now.cost < 0) || (now.quantity < 0 && now.cost > 0) ||
            (now.quantity == 0 && now.realised == 0))
            return wrong(reader, "a position");
        msim_position_store(position_of(engine, account, number), upper_of(engine, account, number),
                            &now);
    }
    return MSIM_OK;
}

static int read_finished(struct reader *reader, struct msim_engine *engine)
{
    const uint64_t count = get_count(reader, 48);
    uint32_t last_account = 0;

    for (uint64_t i = 0; i < count; i++) {
        struct finished finished = {0};
        uint32_t bits;
        uint32_t status;
        get_pair(reader, &finished.account, &finished.instrument);
        finished.client_id = get_u64(reader);
        finished.content = msim_unmix64(get_u64(reader));
        finished.order = get_u64(reader);
        finished.filled = get_i64(reader);
        get_pair(reader, &bits, &status);
        if (finished.account < last_account || finished.instrument >= engine->instrument_count ||
            finished.client_id == 0 || finished.order == 0 ||
            finished.order >= engine->next_order || finished.filled < 0 ||
            bits >= 1u << BITS_STATE_AT || status < MSIM_STATUS_FILLED ||
            status > MSIM_STATUS_EXPIRED)
            return wrong(reader, "a finished order");
        if (finished.account >= engine->max_accounts)
            return beyond(reader, "max_accounts");
        last_account = finished.account;
        finished.end = bits | status << FINISHED_STATUS_AT;
        uint32_t at;
        int r = msim_account_reserve(engine, finished.account);
        if (r == MSIM_OK)
            r = msim_clients_reserve(engine);
        if (r == MSIM_OK)
            r = client_look(engine, finished.account, finished.client_id, &at);
        if (r < 0)
            return r;
        if (at || engine->accounts[finished.account].finished_count >= engine->finished_ids)
            return wrong(reader, "a finished order's client id");
        msim_client_add_finished(engine, &finished);
    }
    return MSIM_OK;
}

/* Counted by order, a fill's fee may be one unit below what it would be alone. */
static bool fee_likely(const struct msim_engine *engine, const struct instrument *it, int64_t fee,
                       int64_t alone)
{
    if (engine->accounts_off)
        return fee == 0;
    return fee == alone || (it->fee_mode == MSIM_FEE_QUOTE && fee >= 0 && fee == alone - 1);
}

static int check_trade(struct reader *reader, struct msim_engine *engine, const struct trade *trade)
{
    int64_t notional;
    int64_t sum;

    if (trade->instrument >= engine->instrument_count || trade->taker_side > SELL ||
        trade->busted > 1 || trade->maker_order == 0 || trade->maker_order >= engine->next_order ||
        trade->taker_order == 0 || trade->taker_order >= engine->next_order)
        return wrong(reader, "a trade's parties");
    if (trade->maker_account >= engine->max_accounts ||
        trade->taker_account >= engine->max_accounts)
        return beyond(reader, "max_accounts");
    const struct instrument *it = &engine->instruments[trade->instrument];
    if (trade->price <= 0 || trade->quantity <= 0 || trade->quantity > it->fit_quantity ||
        !notional_check(it, trade->price, trade->quantity, &notional))
        return wrong(reader, "a trade's terms");
    const int64_t base = trade->quantity * it->base_factor;
    const bool in_base = it->fee_mode == MSIM_FEE_RECEIVED;
    const int64_t maker_fee =
        fee_of(in_base && trade->taker_side == SELL ? base : notional, it->maker_fee);
    const int64_t taker_fee =
        fee_of(in_base && trade->taker_side == BUY ? base : notional, it->taker_fee);
    if (!fee_likely(engine, it, trade->maker_fee, maker_fee) ||
        !fee_likely(engine, it, trade->taker_fee, taker_fee) ||
        !msim_add_check(notional, trade->maker_fee, &sum) ||
        !msim_add_check(notional, trade->taker_fee, &sum))
        return wrong(reader, "a trade's fees");
    if (engine->accounts_off)
        return MSIM_OK;
    int r = msim_accounts_reserve(engine, trade->maker_account, trade->instrument);
    return r < 0 ? r : msim_accounts_reserve(engine, trade->taker_account, trade->instrument);
}

static int read_trades(struct reader *reader, struct msim_engine *engine)
{
    const uint64_t count = get_count(reader, 64);
    const uint64_t past = engine->next_trade - 1;

    if (count != (past < engine->trade_history ? past : engine->trade_history))
        return wrong(reader, "the number of trades");
    for (uint64_t id = engine->next_trade - count; id < engine->next_trade; id++) {
        struct trade *trade = trade_place(engine, id);
        uint32_t kinds;
        trade->price = get_i64(reader);
        trade->quantity = get_i64(reader);
        trade->maker_order = get_u64(reader);
        trade->taker_order = get_u64(reader);
        trade->maker_fee = get_i64(reader);
        trade->taker_fee = get_i64(reader);
        get_pair(reader, &trade->maker_account, &trade->taker_account);
        get_pair(reader, &trade->instrument, &kinds);
        trade->taker_side = (uint8_t)kinds;
        trade->busted = (uint8_t)(kinds >> 8);
        if (kinds >> 16 != 0 || reader->wrong)
            return wrong(reader, "a trade");
        int r = check_trade(reader, engine, trade);
        if (r < 0)
            return r;
    }
    return MSIM_OK;
}

static int read_engine(struct reader *reader, struct msim_engine *engine)
{
    engine->sequence = get_u64(reader);
    engine->time = get_i64(reader);
    engine->event_sequence = get_u64(reader);
    engine->next_order = get_u64(reader);
    engine->next_trade = get_u64(reader);
    get_u64(reader); /* what is remembered: read before the engine was made */
    const uint64_t used = get_u64(reader);
    if (engine->next_order == 0 || engine->next_trade == 0 || engine->next_order > INT64_MAX ||
        engine->next_trade > INT64_MAX || engine->sequence > INT64_MAX ||
        engine->event_sequence > INT64_MAX || used == 0 ||
        used > (reader->length - reader->at) / 8 + 1)
        return wrong(reader, "a counter");
    if (used - 1 > engine->max_orders)
        return beyond(reader, "max_orders");
    int r = msim_orders_grow(engine, (size_t)used);
    if (r < 0)
        return r;
    memset(engine->orders, 0, (size_t)used * sizeof *engine->orders);
    engine->order_used = (uint32_t)used;
    return MSIM_OK;
}

static int read_all(struct reader *reader, struct msim_engine *engine)
{
    int r = read_engine(reader, engine);
    if (r == MSIM_OK)
        r = read_assets(reader, engine);
    if (r < 0)
        return r;
    const uint64_t instruments = get_count(reader, 128);
    for (uint64_t i = 0; i < instruments && r == MSIM_OK; i++)
        r = read_instrument(reader, engine);
    if (r == MSIM_OK)
        r = read_slots(reader, engine);
    if (r == MSIM_OK)
        r = read_balances(reader, engine);
    if (r == MSIM_OK)
        r = read_positions(reader, engine);
    if (r == MSIM_OK)
        r = read_finished(reader, engine);
    if (r == MSIM_OK)
        r = read_trades(reader, engine);
    if (r == MSIM_OK && reader->at != reader->length)
        r = wrong(reader, "bytes behind its end");
    return reader->wrong ? MSIM_ERR_FORMAT : r;
}

static int check_header(const unsigned char *bytes, size_t length, struct msim_detail *detail)
{
    struct hash hash;

    if (length < SNAPSHOT_LEAST || load_u64(bytes) != SNAPSHOT_MAGIC)
        return msim_detail_set(detail, MSIM_ERR_FORMAT, "snapshot: not one");
    if ((uint32_t)load_u64(bytes + 8) != SNAPSHOT_VERSION)
        return msim_detail_set(detail, MSIM_ERR_UNSUPPORTED,
                               "snapshot: version %u; this library reads %d",
                               (unsigned)load_u64(bytes + 8), SNAPSHOT_VERSION);
    if (load_u64(bytes + 8) >> 32 & ~(uint64_t)SNAPSHOT_ACCOUNTS_OFF)
        return msim_detail_set(detail, MSIM_ERR_UNSUPPORTED,
                               "snapshot: it has flags that this library does not know");
    if (load_u64(bytes + 16) != length)
        return msim_detail_set(detail, MSIM_ERR_FORMAT,
                               "snapshot: %zu bytes, but it was written with %llu", length,
                               (unsigned long long)load_u64(bytes + 16));
    msim_hash_init(&hash);
    msim_hash_add(&hash, bytes, length - SNAPSHOT_TAIL);
    if (msim_hash_end(&hash) != load_u64(bytes + length - SNAPSHOT_TAIL))
        return msim_detail_set(detail, MSIM_ERR_FORMAT, "snapshot: its checksum is another");
    return MSIM_OK;
}

int msim_engine_restore(struct msim_engine **out, const struct msim_engine_params *params,
                        const void *bytes, size_t length, struct msim_detail *detail)
{
    struct msim_engine_params chosen = MSIM_ENGINE_PARAMS_INIT;
    struct reader reader = {.bytes = bytes};
    struct msim_engine *engine = NULL;

    if (!out || !bytes)
        return MSIM_ERR_INVALID;
    int r = check_header(bytes, length, detail);
    if (r < 0)
        return r;
    reader.length = length - SNAPSHOT_TAIL;
    reader.at = SNAPSHOT_REMEMBERED;
    if (params)
        chosen = *params;
    chosen.accounts = (load_u64(reader.bytes + 8) >> 32) & SNAPSHOT_ACCOUNTS_OFF ? MSIM_ACCOUNTS_OFF
                                                                                 : MSIM_ACCOUNTS_ON;
    get_pair(&reader, &chosen.finished_ids, &chosen.trade_history);
    if (reader.wrong || chosen.finished_ids == 0 || chosen.trade_history == 0 ||
        chosen.trade_history > MAX_TRADE_HISTORY)
        return msim_detail_set(detail, MSIM_ERR_FORMAT, "snapshot: what it remembers is too much");
    r = msim_engine_create(&engine, &chosen, detail);
    if (r < 0)
        return r;

    reader.at = SNAPSHOT_HEADER;
    r = read_all(&reader, engine);
    if (r == MSIM_OK)
        r = msim_engine_audit(engine, detail);
    else if (r == MSIM_ERR_LIMIT && reader.bound)
        msim_detail_set(detail, r, "snapshot: byte %zu: it holds more than params.%s allows",
                        reader.at, reader.bound);
    else
        msim_detail_set(detail, r, "snapshot: byte %zu: %s", reader.at,
                        reader.wrong ? reader.wrong : msim_result_text(r));
    if (r < 0) {
        msim_engine_destroy(&engine);
        return r == MSIM_ERR_STATE ? MSIM_ERR_FORMAT : r;
    }
    /* The questions were the reader's own. */
    engine->indexed = false;
    msim_accounts_refresh(engine);
    *out = engine;
    return MSIM_OK;
}
