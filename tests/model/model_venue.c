/*
 * The model: what the venue does.
 */
#include "parts.h"

/* The venue. */

void model_money(struct model *m, const struct msim_command *c)
{
    const bool in = c->kind == MSIM_COMMAND_DEPOSIT;
    if (c->account >= m->setup.max_accounts) {
        model_refuse(m, c, MSIM_REJECT_UNKNOWN_ACCOUNT);
    } else if (c->asset >= m->asset_count) {
        model_refuse(m, c, MSIM_REJECT_UNKNOWN_ASSET);
    } else if (m->setup.accounts_off) {
        model_refuse(m, c, MSIM_REJECT_INVALID_FIELD);
    } else if (c->amount <= 0) {
        model_refuse(m, c, MSIM_REJECT_OUT_OF_RANGE);
    } else if (in && (wide)m->total[c->asset] + c->amount + m->owed[c->asset] > INT64_MAX) {
        model_refuse(m, c, MSIM_REJECT_OVERFLOW);
    } else if (!in && c->amount > m->free[c->account][c->asset]) {
        model_refuse(m, c, MSIM_REJECT_INSUFFICIENT_BALANCE);
    } else {
        m->total[c->asset] += in ? c->amount : -c->amount;
        m->free[c->account][c->asset] += in ? c->amount : -c->amount;
        model_tell_balance(m, c->account, c->asset);
    }
}

void model_venue(struct model *m, const struct msim_command *c)
{
    if (c->instrument >= m->market_count) {
        model_refuse(m, c, MSIM_REJECT_UNKNOWN_SYMBOL);
        return;
    }
    struct market *k = &m->markets[c->instrument];
    if (c->kind == MSIM_COMMAND_SET_STATE) {
        if (c->state > MSIM_STATE_POST_ONLY || c->flags & ~MSIM_COMMAND_EXPIRE_ORDERS) {
            model_refuse(m, c, MSIM_REJECT_INVALID_FIELD);
            return;
        }
        if (c->flags)
            model_end_many(m, c, MSIM_EVENT_EXPIRED, MSIM_CANCEL_MAINTENANCE);
        k->p.state = c->state;
    } else if ((c->kind == MSIM_COMMAND_SET_TICK && c->price <= 0) ||
               (c->kind == MSIM_COMMAND_SET_LOT && c->quantity <= 0) ||
               (c->kind == MSIM_COMMAND_SET_MIN_NOTIONAL && c->amount < 0)) {
        model_refuse(m, c, MSIM_REJECT_OUT_OF_RANGE);
        return;
    } else if (c->kind == MSIM_COMMAND_SET_TICK) {
        k->p.tick = c->price;
    } else if (c->kind == MSIM_COMMAND_SET_LOT) {
        k->p.lot = c->quantity;
    } else {
        k->p.min_notional = c->amount;
    }
    struct msim_event *e = model_tell(m, MSIM_EVENT_INSTRUMENT);
    e->instrument = c->instrument;
    e->as.instrument.tick = k->p.tick;
    e->as.instrument.lot = k->p.lot;
    e->as.instrument.min_notional = k->p.min_notional;
    e->as.instrument.state = k->p.state;
}

/* What a deal moved, into and out of: [0] base, [1] quote; buyer, seller, house. */
struct flows {
    wide buyer[2], seller[2], house[2];
};

static struct flows flows_of(const struct market *k, const struct deal *d)
{
    const bool taker_buys = d->taker_side == MSIM_SIDE_BUY;
    const wide buyer_fee = taker_buys ? d->taker_fee : d->maker_fee;
    const wide seller_fee = taker_buys ? d->maker_fee : d->taker_fee;
    const wide base = (wide)d->quantity * k->base_factor;
    const wide quote = model_notional(k, d->price, d->quantity);
    const int fee_at = k->p.fee_mode == MSIM_FEE_RECEIVED ? 0 : 1;
    struct flows f = {{base, -quote}, {-base, quote - seller_fee}, {0, seller_fee}};
    f.buyer[fee_at] -= buyer_fee;
    f.house[fee_at] += buyer_fee;
    return f;
}

void model_undo(struct model *m, const struct msim_command *c)
{
    const bool correct = c->kind == MSIM_COMMAND_CORRECT;
    if (c->instrument >= m->market_count) {
        model_refuse(m, c, MSIM_REJECT_UNKNOWN_SYMBOL);
        return;
    }
    if (c->flags & ~MSIM_COMMAND_ALLOW_NEGATIVE) {
        model_refuse(m, c, MSIM_REJECT_INVALID_FIELD);
        return;
    }
    if (correct && c->price <= 0) {
        model_refuse(m, c, MSIM_REJECT_OUT_OF_RANGE);
        return;
    }
    const struct market *k = &m->markets[c->instrument];
    const uint64_t id = c->trade ? c->trade : k->last_trade;
    struct deal *d = NULL;
    for (size_t i = 0; i < m->deal_count; i++)
        if (m->deals[i].id == id && m->deals[i].instrument == c->instrument && !m->deals[i].busted)
            d = &m->deals[i];
    if (!d) {
        model_refuse(m, c, MSIM_REJECT_TRADE_NOT_FOUND);
        return;
    }
    const bool taker_buys = d->taker_side == MSIM_SIDE_BUY;
    const uint32_t buyer = taker_buys ? d->taker_account : d->maker_account;
    const uint32_t seller = taker_buys ? d->maker_account : d->taker_account;
    const struct flows was = flows_of(k, d);
    struct flows now = {{0}, {0}, {0}};
    struct deal after = *d;
    if (correct) {
        const wide value = model_notional(k, c->price, d->quantity);
        after.price = c->price;
        if (value <= INT64_MAX && !m->setup.accounts_off) {
            /* Each fee moves by what the fees of the two worths differ. */
            const wide old_value = model_notional(k, d->price, d->quantity);
            if (taker_buys || k->p.fee_mode == MSIM_FEE_QUOTE)
                after.maker_fee += (int64_t)(model_fee(value, k->p.maker_fee) -
                                             model_fee(old_value, k->p.maker_fee));
            if (!taker_buys || k->p.fee_mode == MSIM_FEE_QUOTE)
                after.taker_fee += (int64_t)(model_fee(value, k->p.taker_fee) -
                                             model_fee(old_value, k->p.taker_fee));
        }
        if (value > INT64_MAX || value + after.maker_fee > INT64_MAX ||
            value + after.taker_fee > INT64_MAX) {
            model_refuse(m, c, MSIM_REJECT_OVERFLOW);
            return;
        }
        now = flows_of(k, &after);
    }
    const uint32_t assets[2] = {k->p.base_asset, k->p.quote_asset};
    if (!m->setup.accounts_off) {
        bool lacks = false;
        bool fits = true;
        wide owed[2] = {0, 0};
        for (int a = 0; a < 2; a++) {
            wide change[2] = {now.buyer[a] - was.buyer[a], now.seller[a] - was.seller[a]};
            const uint32_t who[2] = {buyer, seller};
            if (buyer == seller) {
                change[0] += change[1];
                change[1] = 0;
            }
            for (int i = 0; i < 2; i++) {
                const wide left = m->free[who[i]][assets[a]] + change[i];
                lacks |= left < 0 && change[i] < 0;
                fits &= left >= INT64_MIN / 2 && left <= INT64_MAX;
                owed[a] += left < 0 ? -left : 0;
            }
        }
        if (lacks && !(c->flags & MSIM_COMMAND_ALLOW_NEGATIVE)) {
            model_refuse(m, c, MSIM_REJECT_INSUFFICIENT_BALANCE);
            return;
        }
        for (int a = 0; a < 2; a++) {
            owed[a] = lacks ? owed[a] : 0;
            if (!fits || m->total[assets[a]] + m->owed[assets[a]] + owed[a] > INT64_MAX) {
                model_refuse(m, c, MSIM_REJECT_OVERFLOW);
                return;
            }
        }
        for (int a = 0; a < 2; a++) {
            m->free[buyer][assets[a]] += (int64_t)(now.buyer[a] - was.buyer[a]);
            m->free[seller][assets[a]] += (int64_t)(now.seller[a] - was.seller[a]);
            m->fees[assets[a]] += (int64_t)(now.house[a] - was.house[a]);
            m->owed[assets[a]] += owed[a];
        }
        const wide old_value = model_notional(k, d->price, d->quantity);
        model_book_position(&m->positions[buyer][c->instrument], -(wide)d->quantity, old_value);
        model_book_position(&m->positions[seller][c->instrument], d->quantity, old_value);
        if (correct) {
            const wide value = model_notional(k, c->price, d->quantity);
            model_book_position(&m->positions[buyer][c->instrument], d->quantity, value);
            model_book_position(&m->positions[seller][c->instrument], -(wide)d->quantity, value);
        }
    }
    const msim_price old_price = d->price;
    after.busted = !correct;
    *d = after;
    struct msim_event *e = model_tell(m, correct ? MSIM_EVENT_CORRECTED : MSIM_EVENT_BUSTED);
    e->order = d->taker;
    e->instrument = c->instrument;
    e->account = d->taker_account;
    e->side = d->taker_side;
    e->as.trade.trade = d->id;
    e->as.trade.price = d->price;
    e->as.trade.quantity = d->quantity;
    e->as.trade.notional = (int64_t)model_notional(k, d->price, d->quantity);
    e->as.trade.maker_order = d->maker;
    e->as.trade.taker_order = d->taker;
    e->as.trade.maker_account = d->maker_account;
    e->as.trade.taker_account = d->taker_account;
    e->as.trade.old_price = old_price;
    const uint32_t who[2] = {buyer, seller};
    for (int i = 0; i < 2; i++) {
        model_tell_balance(m, who[i], assets[0]);
        model_tell_balance(m, who[i], assets[1]);
        model_tell_position(m, who[i], c->instrument);
    }
}
