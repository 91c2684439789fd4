/*
 * A fill report with no trade: chosen, priced and made up from what the ledger
 * knows.  It is said and nothing else; book, balances and truth never hear of it.
 */
#include "faults/report.h"

#include <string.h>

#include "base/decimal.h"
#include "base/random.h"

/* ---- whose order ---- */

/* What is open of it as it was told: the phantom part of it is filled. */
static msim_qty told_leaves(const struct dealings *owner, const struct known_order *order)
{
    const msim_qty phantom = phantom_of(owner, order);

    return order->leaves > phantom ? order->leaves - phantom : 0;
}

static bool eligible(const struct report *report, const struct phantom *phantom,
                     const struct account *owner, const struct known_order *order)
{
    char digits[NAME_DIGITS];

    if (phantom->target == TARGET_CLOSED_ORDER
            ? order->open
            : !order->open || told_leaves(owner->dealings, order) == 0)
        return false;
    if (phantom->pick != PICK_CID)
        return true;
    const char *cid = msim_fault_cid_name(report, owner->id, order->client_id, digits);
    return msim_fault_glob(&phantom->pick_cid, cid, strlen(cid));
}

struct choice {
    struct account *account;
    uint32_t order;
};

struct choosing {
    const struct report *report;
    const struct phantom *phantom;
    size_t wanted; /* of those that may be chosen; SIZE_MAX for none */
    size_t found;
    struct choice oldest; /* by the engine's numbers */
    struct choice newest;
    struct choice chosen;
};

static uint64_t number_of(const struct choice *choice)
{
    return order_at(choice->account->dealings, choice->order)->order;
}

static void look_at(struct choosing *choosing, struct account *owner)
{
    for (size_t i = 0; i < owner->dealings->orders.count; i++) {
        const struct choice here = {owner, (uint32_t)i};
        if (!eligible(choosing->report, choosing->phantom, owner, order_at(owner->dealings, i)))
            continue;
        if (choosing->found == 0 || number_of(&here) < number_of(&choosing->oldest))
            choosing->oldest = here;
        if (choosing->found == 0 || number_of(&here) > number_of(&choosing->newest))
            choosing->newest = here;
        if (choosing->found++ == choosing->wanted)
            choosing->chosen = here;
    }
}

/* The orders that may be chosen, the account's own or those of all the others. */
static void look_around(struct choosing *choosing, struct account *account)
{
    const struct report *report = choosing->report;

    choosing->found = 0;
    if (choosing->phantom->target != TARGET_FOREIGN_ORDER) {
        look_at(choosing, account);
        return;
    }
    for (size_t i = 0; i < report->account_count; i++)
        if (report->accounts[i] != account)
            look_at(choosing, report->accounts[i]);
}

static bool choose(const struct report *report, const struct phantom *phantom,
                   struct account *account, const struct decision *decision, struct choice *out)
{
    struct choosing choosing = {.report = report, .phantom = phantom, .wanted = SIZE_MAX};

    look_around(&choosing, account);
    if (choosing.found == 0)
        return false;
    if (phantom->pick == PICK_OLDEST || phantom->pick == PICK_NEWEST) {
        *out = phantom->pick == PICK_OLDEST ? choosing.oldest : choosing.newest;
        return true;
    }
    choosing.wanted = (size_t)msim_mul_high(
        msim_random_at(decision->key, decision->n, PURPOSE_TARGET, 0), choosing.found);
    look_around(&choosing, account);
    *out = choosing.chosen;
    return true;
}

bool msim_fault_phantom_is_for(const struct strategy *strategy, struct msim_fault_text account)
{
    if (strategy->kind != MSIM_FAULT_PHANTOM_FILL || !strategy->as.phantom.account)
        return true;
    const struct pattern pattern = {strategy->as.phantom.account,
                                    strlen(strategy->as.phantom.account)};
    return msim_fault_glob(&pattern, account.text, account.length);
}

static bool has_eligible(const struct report *report, const struct phantom *phantom,
                         const struct account *owner)
{
    for (size_t i = 0; i < owner->dealings->orders.count; i++)
        if (eligible(report, phantom, owner, order_at(owner->dealings, i)))
            return true;
    return false;
}

bool msim_fault_phantom_finds(const struct report *report, const struct strategy *strategy,
                              struct account *account)
{
    const struct phantom *phantom = &strategy->as.phantom;

    if (phantom->target == TARGET_UNKNOWN_ORDER)
        return account->dealings->orders.count > 0;
    if (phantom->target != TARGET_FOREIGN_ORDER)
        return has_eligible(report, phantom, account);
    for (size_t i = 0; i < report->account_count; i++)
        if (report->accounts[i] != account && has_eligible(report, phantom, report->accounts[i]))
            return true;
    return false;
}

/* ---- price and quantity ---- */

static bool instrument_of(const struct report *report, uint32_t instrument,
                          struct msim_fault_instrument *out)
{
    const struct msim_fault_names *names = &report->names;
    char digits[NAME_DIGITS];

    return names->instrument &&
           names->instrument(names->context, msim_fault_symbol_name(report, instrument, digits),
                             out) == MSIM_OK;
}

static msim_price near_price(const struct report *report, const struct known_order *order)
{
    return order->price > 0 ? order->price : msim_fault_last_price(report, order->instrument);
}

static msim_price price_of(const struct report *report, const struct phantom *phantom,
                           const struct known_order *order, const struct decision *decision)
{
    struct msim_fault_instrument found;
    const struct msim_fault_names *names = &report->names;
    msim_price bid = 0;
    msim_price ask = 0;
    msim_price price = near_price(report, order);
    int64_t mantissa = 0;

    switch (phantom->price) {
    case PRICE_LIMIT:
        return price;
    case PRICE_LAST:
        return msim_fault_last_price(report, order->instrument);
    case PRICE_BBO:
        if (!names->best || names->best(names->context, order->instrument, &bid, &ask) < 0)
            return msim_fault_last_price(report, order->instrument);
        return order->side == MSIM_SIDE_SELL ? bid : ask;
    case PRICE_TICKS: {
        uint64_t u = msim_random_at(decision->key, decision->n, PURPOSE_PRICE, 0);
        int64_t ticks = msim_random_range(u, phantom->ticks_min, phantom->ticks_max);
        if (!instrument_of(report, order->instrument, &found) ||
            !msim_mul_check(ticks, found.tick, &ticks) || !msim_add_check(price, ticks, &price))
            return 0;
        return price;
    }
    case PRICE_ABSOLUTE:
        if (!instrument_of(report, order->instrument, &found))
            found.price_exponent = phantom->price_exponent;
        return msim_decimal_rescale(phantom->price_mantissa, phantom->price_exponent,
                                    found.price_exponent, &mantissa) == MSIM_OK
                   ? mantissa
                   : 0;
    }
    return 0;
}

static msim_qty quantity_of(const struct report *report, const struct phantom *phantom,
                            const struct dealings *owner, const struct known_order *order)
{
    struct msim_fault_instrument found;
    int64_t mantissa = 0;
    const msim_qty left = told_leaves(owner, order);
    const msim_qty whole = left > 0 ? left : order->quantity;

    switch (phantom->quantity) {
    case QUANTITY_LEAVES:
        return whole;
    case QUANTITY_FRACTION: {
        msim_qty part = (msim_qty)((msim_int128)whole * phantom->fraction / PPB);
        return part > 0 || whole == 0 ? part : 1;
    }
    case QUANTITY_ABSOLUTE:
        if (!instrument_of(report, order->instrument, &found))
            found.quantity_exponent = phantom->quantity_exponent;
        return msim_decimal_rescale(phantom->quantity_mantissa, phantom->quantity_exponent,
                                    found.quantity_exponent, &mantissa) == MSIM_OK
                   ? mantissa
                   : 0;
    }
    return 0;
}

/* ---- the order that it is about ---- */

/* An order that never was: only its numbers are made up. */
static struct known_order unknown_order(struct report *report, const struct account *account,
                                        const struct decision *decision)
{
    struct known_order order = {
        .order = MSIM_FAULT_EXEC_RESERVED + ++report->execs, .side = MSIM_SIDE_BUY, .quantity = 1};
    uint64_t u = msim_random_at(decision->key, decision->n, PURPOSE_TARGET, 0);

    if (account->dealings->orders.count > 0) {
        size_t like = (size_t)msim_mul_high(u, account->dealings->orders.count);
        const struct known_order *other = order_at(account->dealings, like);
        order.instrument = other->instrument;
        order.price = other->price;
        order.side = other->side;
        order.quantity = other->quantity;
    } else if (report->price_count > 0) {
        order.instrument = report->prices[0].instrument;
        order.price = report->prices[0].price;
    }
    return order;
}

/* ---- saying it ---- */

static void fill_in(struct msim_event *event, const struct account *account,
                    const struct dealings *owner, const struct known_order *order, msim_price price,
                    msim_qty quantity, uint64_t exec, msim_time now)
{
    const msim_qty left = told_leaves(owner, order);

    *event = (struct msim_event){
        .time = now,
        .order = order->order,
        .client_id = order->client_id,
        .instrument = order->instrument,
        .account = account->id,
        .kind = MSIM_EVENT_FILL,
        .side = order->side,
        .type = MSIM_ORDER_LIMIT,
        .status = MSIM_STATUS_FILLED,
    };
    event->as.fill.trade = exec;
    event->as.fill.price = price;
    event->as.fill.quantity = quantity;
    event->as.fill.filled =
        msim_fault_add_up(msim_fault_add_up(order->filled, phantom_of(owner, order)), quantity);
    event->as.fill.leaves = left > quantity ? left - quantity : 0;
    if (event->as.fill.leaves > 0)
        event->status = MSIM_STATUS_PARTIALLY_FILLED;
}

/* Price times quantity in the quote's own parts; false where that is too much. */
static bool cost_of(const struct msim_fault_instrument *found, const struct msim_event *fill,
                    int64_t *out)
{
    msim_int128 cost = (msim_int128)fill->as.fill.price * fill->as.fill.quantity;
    int shift = found->price_exponent + found->quantity_exponent - found->quote_exponent;

    for (; shift < 0 && cost != 0; shift++)
        cost /= 10;
    for (; shift > 0 && cost <= INT64_MAX; shift--)
        cost *= 10;
    *out = (int64_t)cost;
    return cost <= INT64_MAX;
}

/* The balances as they would be, had it happened: for those who ask to be told that too. */
static void say_balance(struct report *report, const struct strategy *strategy,
                        const struct account *account, const struct msim_event *fill, msim_time now)
{
    struct msim_fault_instrument found;
    int64_t quantity = 0;
    int64_t cost = 0;

    if (!instrument_of(report, fill->instrument, &found) ||
        msim_decimal_rescale(fill->as.fill.quantity, found.quantity_exponent, found.base_exponent,
                             &quantity) < 0 ||
        !cost_of(&found, fill, &cost))
        return;
    bool buys = fill->side != MSIM_SIDE_SELL;
    const uint32_t assets[] = {found.base_asset, found.quote_asset};
    const int64_t changes[] = {buys ? quantity : -quantity, buys ? -cost : cost};
    for (int i = 0; i < 2; i++) {
        uint32_t index = msim_fault_saying_take(report, strategy);
        if (index == NOTHING)
            return;
        struct msim_fault_said *said = &saying_at(report, index)->said;
        said->made = MSIM_FAULT_MADE_PHANTOM;
        said->type = MSIM_FAULT_BALANCE;
        said->new_sequence = true;
        said->event =
            (struct msim_event){.time = now, .account = account->id, .kind = MSIM_EVENT_BALANCE};
        said->event.as.balance.asset = assets[i];
        said->event.as.balance.free = changes[i];
        for (size_t k = 0; k < account->balance_count; k++) {
            if (account->balances[k].asset != assets[i])
                continue;
            said->event.as.balance.free = msim_fault_add_up(changes[i], account->balances[k].free);
            said->event.as.balance.held = account->balances[k].held;
        }
        msim_fault_say_at(report, index, now);
    }
}

static void say_bust(struct report *report, uint32_t slot_index, struct account *account,
                     uint32_t order, const struct msim_event *fill, msim_time now)
{
    struct slot *slot = &report->faults->slots[slot_index];
    const struct phantom *phantom = &slot->strategy->as.phantom;

    if (!phantom->busts)
        return;
    uint32_t index = msim_fault_saying_take(report, slot->strategy);
    if (index == NOTHING)
        return;
    struct saying *saying = saying_at(report, index);
    msim_time when = moment_after(now, phantom->bust_after);
    saying->said.made = MSIM_FAULT_MADE_BUST;
    saying->said.type = MSIM_FAULT_EXEC_BUST;
    saying->said.exec = fill->as.fill.trade;
    saying->said.new_sequence = true;
    saying->said.tagged = phantom->tagged;
    saying->said.event = *fill;
    saying->said.event.kind = MSIM_EVENT_BUSTED;
    saying->said.event.time = when;
    saying->said.event.as.trade = (struct msim_event_trade){
        .trade = fill->as.fill.trade,
        .price = fill->as.fill.price,
        .quantity = fill->as.fill.quantity,
        .taker_order = fill->order,
        .taker_account = fill->account,
    };
    saying->order = order;
    saying->account_place = msim_fault_index_find(&report->account_index, account->id);
    saying->quantity = fill->as.fill.quantity;
    slot->kinds->report.busted++;
    msim_fault_say_at(report, index, when);
}

void msim_fault_phantom_ends(struct report *report, const struct saying *saying)
{
    if (saying->account_place >= report->account_count)
        return;
    struct account *account = report->accounts[saying->account_place];
    if (saying->order >= account->dealings->orders.count)
        return;
    struct known_odd *odd = odd_of(account->dealings, order_at(account->dealings, saying->order));
    if (odd)
        odd->phantom -= odd->phantom < saying->quantity ? odd->phantom : saying->quantity;
}

bool msim_fault_phantom_emit(struct report *report, uint32_t slot_index, struct account *account,
                             const struct decision *decision, msim_time now)
{
    struct slot *slot = &report->faults->slots[slot_index];
    const struct phantom *phantom = &slot->strategy->as.phantom;
    struct choice choice = {NULL, NOTHING};
    struct known_order made_up;
    struct known_order *order = &made_up;

    if (phantom->target == TARGET_UNKNOWN_ORDER)
        made_up = unknown_order(report, account, decision);
    else if (!choose(report, phantom, account, decision, &choice))
        return false;
    else
        order = order_at(choice.account->dealings, choice.order);
    struct dealings *owner = (choice.account ? choice.account : account)->dealings;
    const bool own = choice.account == account;
    const bool sticks = phantom->sticky && own;
    msim_price price = price_of(report, phantom, order, decision);
    msim_qty quantity = quantity_of(report, phantom, owner, order);
    if (quantity <= 0 || price <= 0)
        return false;
    if (sticks && msim_fault_order_odd(report, owner, order) < 0)
        return false;
    uint32_t index = msim_fault_saying_take(report, slot->strategy);
    if (index == NOTHING)
        return false;
    struct msim_fault_said *said = &saying_at(report, index)->said;
    said->made = MSIM_FAULT_MADE_PHANTOM;
    said->exec = MSIM_FAULT_EXEC_RESERVED + ++report->execs;
    said->new_sequence = true;
    said->tagged = phantom->tagged;
    said->injection = slot->emissions++;
    fill_in(&said->event, account, owner, order, price, quantity, said->exec, now);
    said->type = said->event.as.fill.leaves > 0 ? MSIM_FAULT_EXEC_PARTIAL : MSIM_FAULT_EXEC_FILL;
    struct msim_event fill = said->event;
    if (sticks) {
        struct known_odd *odd = odd_of(owner, order);
        odd->phantom = msim_fault_add_up(odd->phantom, quantity);
        account->has_phantoms = report->has_phantoms = true;
    }
    if (PLANTED(PHANTOM_PAYS) && own)
        order->filled += quantity;
    slot->kinds->report.emitted++;
    msim_fault_say_at(report, index, now);
    if (phantom->balance_event)
        say_balance(report, slot->strategy, account, &fill, now);
    uint32_t place = sticks ? choice.order : NOTHING;
    if (phantom->busts && !(phantom->bust_silent && place == NOTHING))
        say_bust(report, slot_index, account, place, &fill, now);
    return true;
}
