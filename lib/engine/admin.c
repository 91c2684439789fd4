/*
 * What the venue does: money in and out, states, grids, and trades undone.
 */
#include "engine/money.h"

int msim_admin_deposit(struct msim_engine *engine, const struct msim_command *c)
{
    int64_t total;

    if (c->account >= engine->max_accounts)
        return msim_refuse(engine, c, MSIM_REJECT_UNKNOWN_ACCOUNT);
    if (c->asset >= engine->asset_names.count)
        return msim_refuse(engine, c, MSIM_REJECT_UNKNOWN_ASSET);
    if (engine->accounts_off)
        return msim_refuse(engine, c, MSIM_REJECT_INVALID_FIELD);
    if (c->amount <= 0)
        return msim_refuse(engine, c, MSIM_REJECT_OUT_OF_RANGE);
    /* No balance is more than the total and what others owe: so none can run over. */
    struct asset *asset = &engine->assets[c->asset];
    if (!msim_add_check(asset->total, c->amount, &total) ||
        (msim_int128)total + asset->owed > INT64_MAX)
        return msim_refuse(engine, c, MSIM_REJECT_OVERFLOW);

    int r = msim_balance_reserve(engine, c->account, c->asset);
    if (r == MSIM_OK)
        r = events_reserve(engine, EVENTS_PER_ORDER);
    if (r < 0)
        return r;
    asset->total = total;
    balance_of(engine, c->account, c->asset)->free += c->amount;
    event_balance(engine, c->account, c->asset);
    return MSIM_OK;
}

int msim_admin_withdraw(struct msim_engine *engine, const struct msim_command *c)
{
    if (c->account >= engine->max_accounts)
        return msim_refuse(engine, c, MSIM_REJECT_UNKNOWN_ACCOUNT);
    if (c->asset >= engine->asset_names.count)
        return msim_refuse(engine, c, MSIM_REJECT_UNKNOWN_ASSET);
    if (engine->accounts_off)
        return msim_refuse(engine, c, MSIM_REJECT_INVALID_FIELD);
    if (c->amount <= 0)
        return msim_refuse(engine, c, MSIM_REJECT_OUT_OF_RANGE);
    if (c->amount > msim_free_balance(engine, c->account, c->asset))
        return msim_refuse(engine, c, MSIM_REJECT_INSUFFICIENT_BALANCE);

    int r = events_reserve(engine, EVENTS_PER_ORDER);
    if (r < 0)
        return r;
    engine->assets[c->asset].total -= c->amount;
    balance_of(engine, c->account, c->asset)->free -= c->amount;
    event_balance(engine, c->account, c->asset);
    return MSIM_OK;
}

int msim_admin_state(struct msim_engine *engine, const struct msim_command *c)
{
    uint64_t ended;

    if (c->instrument >= engine->instrument_count)
        return msim_refuse(engine, c, MSIM_REJECT_UNKNOWN_SYMBOL);
    if (c->state > MSIM_STATE_POST_ONLY || c->flags & ~MSIM_COMMAND_EXPIRE_ORDERS)
        return msim_refuse(engine, c, MSIM_REJECT_INVALID_FIELD);
    if (c->flags & MSIM_COMMAND_EXPIRE_ORDERS) {
        int r = msim_entry_end_many(engine, c, MSIM_EVENT_EXPIRED, MSIM_CANCEL_MAINTENANCE, &ended);
        if (r < 0)
            return r;
    }
    int r = events_reserve(engine, EVENTS_PER_ORDER);
    if (r < 0)
        return r;
    engine->instruments[c->instrument].state = c->state;
    msim_instrument_refresh(&engine->instruments[c->instrument]);
    msim_event_instrument(engine, c->instrument);
    return MSIM_OK;
}

int msim_admin_tick(struct msim_engine *engine, const struct msim_command *c)
{
    if (c->instrument >= engine->instrument_count)
        return msim_refuse(engine, c, MSIM_REJECT_UNKNOWN_SYMBOL);
    if (c->price <= 0)
        return msim_refuse(engine, c, MSIM_REJECT_OUT_OF_RANGE);
    int r = events_reserve(engine, EVENTS_PER_ORDER);
    if (r == MSIM_OK)
        r = msim_book_set_tick(engine, &engine->instruments[c->instrument], c->price);
    if (r == MSIM_OK)
        msim_event_instrument(engine, c->instrument);
    return r;
}

int msim_admin_lot(struct msim_engine *engine, const struct msim_command *c)
{
    if (c->instrument >= engine->instrument_count)
        return msim_refuse(engine, c, MSIM_REJECT_UNKNOWN_SYMBOL);
    if (c->quantity <= 0)
        return msim_refuse(engine, c, MSIM_REJECT_OUT_OF_RANGE);
    int r = events_reserve(engine, EVENTS_PER_ORDER);
    if (r < 0)
        return r;
    msim_grid_set(&engine->instruments[c->instrument].lot, c->quantity);
    msim_instrument_refresh(&engine->instruments[c->instrument]);
    msim_event_instrument(engine, c->instrument);
    return MSIM_OK;
}

int msim_admin_min_notional(struct msim_engine *engine, const struct msim_command *c)
{
    if (c->instrument >= engine->instrument_count)
        return msim_refuse(engine, c, MSIM_REJECT_UNKNOWN_SYMBOL);
    if (c->amount < 0)
        return msim_refuse(engine, c, MSIM_REJECT_OUT_OF_RANGE);
    int r = events_reserve(engine, EVENTS_PER_ORDER);
    if (r < 0)
        return r;
    engine->instruments[c->instrument].min_notional = c->amount;
    msim_event_instrument(engine, c->instrument);
    return MSIM_OK;
}

/* What undoing a trade, or giving it another price, moves.  Positive: the account receives. */
struct moves {
    int64_t buyer_base;
    int64_t buyer_quote;
    int64_t seller_base;
    int64_t seller_quote;
    int64_t house_base;
    int64_t house_quote;
};

/* What a trade moved: the same signs. */
static struct moves moved(const struct instrument *it, const struct trade *trade)
{
    const bool maker_buys = trade->taker_side == SELL;
    const int64_t buyer_fee = maker_buys ? trade->maker_fee : trade->taker_fee;
    const int64_t seller_fee = maker_buys ? trade->taker_fee : trade->maker_fee;
    const int64_t base = trade->quantity * it->base_factor;
    const int64_t quote = notional_of(it, trade->price, trade->quantity);
    const bool in_base = it->fee_mode == MSIM_FEE_RECEIVED;

    return (struct moves){
        .buyer_base = base - (in_base ? buyer_fee : 0),
        .buyer_quote = -quote - (in_base ? 0 : buyer_fee),
        .seller_base = -base,
        .seller_quote = quote - seller_fee,
        .house_base = in_base ? buyer_fee : 0,
        .house_quote = seller_fee + (in_base ? 0 : buyer_fee),
    };
}

struct undo {
    struct trade *trade;
    uint64_t id;
    const struct instrument *instrument;
    uint32_t buyer;
    uint32_t seller;
    msim_int128 change[4]; /* buyer base, buyer quote, seller base, seller quote */
    int64_t house_base;
    int64_t house_quote;
};

/* What an account's free balance becomes, and how much of it is below zero. */
static bool outcome(const struct msim_engine *engine, uint32_t account, uint32_t asset,
                    msim_int128 change, msim_int128 *short_of)
{
    const msim_int128 after = balance_of(engine, account, asset)->free + change;
    *short_of = after < 0 ? -after : 0;
    return after >= FREE_LEAST && after <= INT64_MAX;
}

static uint8_t check_undo(const struct msim_engine *engine, const struct undo *undo,
                          bool allow_negative, msim_int128 *owed_base, msim_int128 *owed_quote)
{
    const struct instrument *it = undo->instrument;
    msim_int128 change[4] = {undo->change[0], undo->change[1], undo->change[2], undo->change[3]};
    msim_int128 short_of[4] = {0};
    uint32_t accounts[2] = {undo->buyer, undo->seller};
    bool fits = true;

    if (undo->buyer == undo->seller) {
        change[0] += change[2];
        change[1] += change[3];
        change[2] = 0;
        change[3] = 0;
    }
    for (int i = 0; i < 4; i++)
        fits = outcome(engine, accounts[i / 2], i % 2 ? it->quote : it->base, change[i],
                       &short_of[i]) &&
               fits;
    /* An account may be below zero from before: what only gives to it is not its lack. */
    const bool lacks = (short_of[0] && change[0] < 0) || (short_of[1] && change[1] < 0) ||
                       (short_of[2] && change[2] < 0) || (short_of[3] && change[3] < 0);
    if (lacks && !allow_negative)
        return MSIM_REJECT_INSUFFICIENT_BALANCE;
    *owed_base = lacks ? short_of[0] + short_of[2] : 0;
    *owed_quote = lacks ? short_of[1] + short_of[3] : 0;
    const struct asset *base = &engine->assets[it->base];
    const struct asset *quote = &engine->assets[it->quote];
    if (!fits || base->total + base->owed + *owed_base > INT64_MAX ||
        quote->total + quote->owed + *owed_quote > INT64_MAX)
        return MSIM_REJECT_OVERFLOW;
    return MSIM_REJECT_NONE;
}

static void undo_apply(struct msim_engine *engine, const struct undo *undo, msim_int128 owed_base,
                       msim_int128 owed_quote)
{
    const struct instrument *it = undo->instrument;
    const uint32_t accounts[2] = {undo->buyer, undo->seller};

    for (int i = 0; i < 4; i++)
        balance_of(engine, accounts[i / 2], i % 2 ? it->quote : it->base)->free +=
            (int64_t)undo->change[i];
    engine->assets[it->base].fees += undo->house_base;
    engine->assets[it->quote].fees += undo->house_quote;
    engine->assets[it->base].owed += (int64_t)owed_base;
    engine->assets[it->quote].owed += (int64_t)owed_quote;
}

static void tell_undo(struct msim_engine *engine, uint8_t kind, const struct undo *undo,
                      msim_price old_price)
{
    const struct trade *trade = undo->trade;
    struct msim_event *event = event_make(engine, kind);

    event->order = trade->taker_order;
    event->instrument = trade->instrument;
    event->account = trade->taker_account;
    event->side = side_told(trade->taker_side);
    event->as.trade.trade = undo->id;
    event->as.trade.price = trade->price;
    event->as.trade.quantity = trade->quantity;
    event->as.trade.notional = notional_of(undo->instrument, trade->price, trade->quantity);
    event->as.trade.maker_order = trade->maker_order;
    event->as.trade.taker_order = trade->taker_order;
    event->as.trade.maker_account = trade->maker_account;
    event->as.trade.taker_account = trade->taker_account;
    event->as.trade.old_price = old_price;
    if (engine->accounts_off)
        return;
    event_balance(engine, undo->buyer, undo->instrument->base);
    event_balance(engine, undo->buyer, undo->instrument->quote);
    msim_event_position(engine, undo->buyer, trade->instrument);
    event_balance(engine, undo->seller, undo->instrument->base);
    event_balance(engine, undo->seller, undo->instrument->quote);
    msim_event_position(engine, undo->seller, trade->instrument);
}

/* The remembered trade of that number; NULL for none. */
static struct trade *trade_find(struct msim_engine *engine, uint32_t instrument, uint64_t id)
{
    if (id == 0 || id >= engine->next_trade || engine->next_trade - id > engine->trade_history)
        return NULL;
    struct trade *trade = trade_place(engine, id);
    return !trade->busted && trade->instrument == instrument ? trade : NULL;
}

static void positions_undo(struct msim_engine *engine, const struct undo *undo, msim_price price,
                           msim_qty sign)
{
    const struct trade *trade = undo->trade;
    const int64_t notional = notional_of(undo->instrument, price, trade->quantity);

    position_book(position_of(engine, undo->buyer, trade->instrument),
                  upper_of(engine, undo->buyer, trade->instrument), sign * trade->quantity,
                  notional);
    position_book(position_of(engine, undo->seller, trade->instrument),
                  upper_of(engine, undo->seller, trade->instrument), -sign * trade->quantity,
                  notional);
}

/*
 * The same trade at another price.  Its fees change by as much as those of the two worths differ:
 * what other fills' rounding took or left stays.
 */
static bool reprice(const struct instrument *it, const struct trade *trade, msim_price price,
                    bool fees, struct trade *corrected)
{
    const int64_t before = notional_of(it, trade->price, trade->quantity);
    int64_t notional;
    if (!notional_check(it, price, trade->quantity, &notional))
        return false;
    *corrected = *trade;
    corrected->price = price;
    const bool maker_buys = trade->taker_side == SELL;
    /* What the buyer pays in base does not depend on the price. */
    if (fees && !(maker_buys && it->fee_mode == MSIM_FEE_RECEIVED))
        corrected->maker_fee += fee_of(notional, it->maker_fee) - fee_of(before, it->maker_fee);
    if (fees && (maker_buys || it->fee_mode == MSIM_FEE_QUOTE))
        corrected->taker_fee += fee_of(notional, it->taker_fee) - fee_of(before, it->taker_fee);
    int64_t sum;
    return msim_add_check(notional, corrected->maker_fee, &sum) &&
           msim_add_check(notional, corrected->taker_fee, &sum);
}

int msim_admin_bust(struct msim_engine *engine, const struct msim_command *c)
{
    const bool correct = c->kind == MSIM_COMMAND_CORRECT;

    if (c->instrument >= engine->instrument_count)
        return msim_refuse(engine, c, MSIM_REJECT_UNKNOWN_SYMBOL);
    if (c->flags & ~MSIM_COMMAND_ALLOW_NEGATIVE)
        return msim_refuse(engine, c, MSIM_REJECT_INVALID_FIELD);
    if (correct && c->price <= 0)
        return msim_refuse(engine, c, MSIM_REJECT_OUT_OF_RANGE);
    const uint64_t id = c->trade ? c->trade : engine->instruments[c->instrument].last_trade;
    struct trade *trade = trade_find(engine, c->instrument, id);
    if (!trade)
        return msim_refuse(engine, c, MSIM_REJECT_TRADE_NOT_FOUND);

    const struct instrument *it = &engine->instruments[c->instrument];
    const struct moves was = moved(it, trade);
    struct trade corrected = *trade;
    struct moves now = {0};
    if (correct) {
        if (!reprice(it, trade, c->price, !engine->accounts_off, &corrected))
            return msim_refuse(engine, c, MSIM_REJECT_OVERFLOW);
        now = moved(it, &corrected);
    }
    struct undo undo = {
        .trade = trade,
        .id = id,
        .instrument = it,
        .buyer = trade->taker_side == BUY ? trade->taker_account : trade->maker_account,
        .seller = trade->taker_side == BUY ? trade->maker_account : trade->taker_account,
        .change = {(msim_int128)now.buyer_base - was.buyer_base,
                   (msim_int128)now.buyer_quote - was.buyer_quote,
                   (msim_int128)now.seller_base - was.seller_base,
                   (msim_int128)now.seller_quote - was.seller_quote},
        .house_base = now.house_base - was.house_base,
        .house_quote = now.house_quote - was.house_quote,
    };
    msim_int128 owed_base = 0;
    msim_int128 owed_quote = 0;
    if (!engine->accounts_off) {
        const uint8_t code = check_undo(engine, &undo, c->flags & MSIM_COMMAND_ALLOW_NEGATIVE,
                                        &owed_base, &owed_quote);
        if (code)
            return msim_refuse(engine, c, code);
    }
    int r = events_reserve(engine, EVENTS_PER_ORDER);
    if (r < 0)
        return r;

    const msim_price old_price = trade->price;
    if (!engine->accounts_off) {
        undo_apply(engine, &undo, owed_base, owed_quote);
        positions_undo(engine, &undo, old_price, -1);
        if (correct)
            positions_undo(engine, &undo, c->price, 1);
    }
    if (correct)
        *trade = corrected;
    else
        trade->busted = 1;
    tell_undo(engine, correct ? MSIM_EVENT_CORRECTED : MSIM_EVENT_BUSTED, &undo, old_price);
    return MSIM_OK;
}
