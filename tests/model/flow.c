#include "flow.h"

#include <stdio.h>

const struct profile profiles[PROFILES] = {
    {.name = "touch",
     .instruments = 1,
     .accounts = 6,
     .max_orders = 200,
     .window = 64,
     .middle = 100,
     .spread = 8,
     .far = 40,
     .quantity = 20,
     .deposit = 10000000,
     .maker_fee = 1000,
     .taker_fee = 2500,
     .venue_share = 15,
     .tick = 1,
     .lot = 1},
    {.name = "wide",
     .instruments = 2,
     .accounts = 5,
     .max_orders = 400,
     .window = 64,
     .middle = 50000,
     .spread = 600,
     .far = 40000,
     .quantity = 50,
     .deposit = 1000000000000,
     .maker_fee = 0,
     .taker_fee = 333,
     .fee_mode = MSIM_FEE_QUOTE,
     .venue_share = 8,
     .by_number = 60,
     .tick = 5,
     .lot = 1},
    {.name = "many",
     .instruments = 5,
     .accounts = 12,
     .max_orders = 300,
     .window = 4096,
     .middle = 5000,
     .spread = 30,
     .far = 3000,
     .quantity = 5000,
     .deposit = 100000000000000,
     .maker_fee = 100,
     .taker_fee = 77,
     .venue_share = 10,
     .price_exponent = -2,
     .quantity_exponent = -3,
     .quote_exponent = -6,
     .base_exponent = -5,
     .tick = 5,
     .lot = 10,
     .min_notional = 100000},
    {.name = "poor",
     .instruments = 2,
     .accounts = 4,
     .max_orders = 100,
     .window = 64,
     .middle = 30,
     .spread = 5,
     .far = 25,
     .quantity = 9,
     .deposit = 3000,
     .maker_fee = 9000,
     .taker_fee = 13000,
     .fee_mode = MSIM_FEE_QUOTE,
     .venue_share = 40,
     .tick = 1,
     .lot = 1},
    {.name = "venue",
     .instruments = 3,
     .accounts = 6,
     .max_orders = 150,
     .window = 128,
     .middle = 1200,
     .spread = 60,
     .far = 1100,
     .quantity = 60,
     .deposit = 1000000000,
     .maker_fee = 500,
     .taker_fee = 500,
     .venue_share = 120,
     .band = 80000,
     .tick = 4,
     .lot = 2},
    {.name = "plain",
     .instruments = 1,
     .accounts = 8,
     .max_orders = 600,
     .window = 64,
     .middle = 20000,
     .spread = 25,
     .far = 900,
     .quantity = 100,
     .deposit = 1000000000000,
     .maker_fee = 100,
     .taker_fee = 400,
     .plain = true,
     .tick = 1,
     .lot = 1},
    {.name = "no-accounts",
     .instruments = 2,
     .accounts = 6,
     .max_orders = 200,
     .window = 256,
     .middle = 700,
     .spread = 15,
     .far = 650,
     .quantity = 30,
     .accounts_off = true,
     .venue_share = 10,
     .tick = 1,
     .lot = 1},
    {.name = "huge",
     .instruments = 2,
     .accounts = 5,
     .max_orders = 120,
     .window = 64,
     .middle = INT64_C(4000000000000000),
     .spread = 40,
     .far = INT64_C(3000000000000000),
     .quantity = 900,
     .deposit = INT64_C(1500000000000000000),
     .maker_fee = 100,
     .taker_fee = 100,
     .venue_share = 20,
     .tick = 1,
     .lot = 1},
    /* Thousands rest, and the pool is full for much of the time. */
    {.name = "deep",
     .instruments = 1,
     .accounts = 14,
     .max_orders = 2600,
     .window = 512,
     .middle = 90000,
     .spread = 700,
     .far = 80000,
     .quantity = 40,
     .deposit = INT64_C(100000000000000),
     .maker_fee = 70,
     .taker_fee = 210,
     .fee_mode = MSIM_FEE_QUOTE,
     .venue_share = 2,
     .episode = 12000,
     .calm = true,
     .tick = 1,
     .lot = 1},
    /* A side's sum reaches the end of 64 bits: without accounts nothing else would stop it. */
    {.name = "brim",
     .instruments = 1,
     .accounts = 6,
     .max_orders = 400,
     .window = 64,
     .middle = 3,
     .spread = 1,
     .far = 2,
     .quantity = INT64_MAX / 45,
     .accounts_off = true,
     .venue_share = 5,
     .calm = true,
     .tick = 1,
     .lot = 1},
};

uint64_t roll(struct dice *dice)
{
    uint64_t z = dice->state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

int64_t between(struct dice *dice, int64_t low, int64_t high)
{
    return (int64_t)((uint64_t)low + roll(dice) % ((uint64_t)high - (uint64_t)low + 1));
}

bool one_in(struct dice *dice, int64_t n)
{
    return between(dice, 1, n) == 1;
}

void flow_setup_engine(const struct profile *p, struct msim_engine_params *params)
{
    params->orders = 8;
    params->max_orders = p->max_orders;
    params->max_accounts = p->accounts;
    params->finished_ids = 12;
    params->trade_history = 50;
    params->window_levels = p->window;
    params->events = MSIM_EVENTS_ALL;
    params->accounts = p->accounts_off ? MSIM_ACCOUNTS_OFF : MSIM_ACCOUNTS_ON;
}

/* Asset 0 pays for all; instrument n trades asset n + 1. */
void flow_instrument(const struct profile *p, uint32_t number,
                     struct msim_instrument_params *params)
{
    static const char *const symbols[] = {"A/USD", "B/USD", "C/USD", "D/USD", "E/USD"};
    params->symbol = symbols[number];
    params->base_asset = number + 1;
    params->quote_asset = 0;
    params->price_exponent = p->price_exponent;
    params->quantity_exponent = p->quantity_exponent;
    params->fee_mode = p->fee_mode;
    params->maker_fee = p->maker_fee;
    params->taker_fee = p->taker_fee;
    params->band = p->band;
    params->tick = p->tick;
    params->lot = p->lot;
    params->min_notional = p->min_notional;
    params->reference_price = p->band ? p->middle : 0;
}

int flow_engine(const struct profile *p, const struct msim_engine_params *params,
                struct msim_engine **out, struct msim_detail *detail)
{
    int r = msim_engine_create(out, params, detail);

    for (uint32_t i = 0; i <= p->instruments && r >= 0; i++) {
        char name[16];
        const int exponent = i == 0 ? p->quote_exponent : p->base_exponent;
        snprintf(name, sizeof name, "N%u", i);
        r = msim_engine_asset_add(*out, name, exponent, NULL, detail);
    }
    for (uint32_t i = 0; i < p->instruments && r >= 0; i++) {
        struct msim_instrument_params instrument = MSIM_INSTRUMENT_PARAMS_INIT;
        flow_instrument(p, i, &instrument);
        r = msim_engine_instrument_add(*out, &instrument, NULL, detail);
    }
    return r;
}

static int64_t some_price(const struct profile *p, const struct model *m, struct dice *dice,
                          uint32_t instrument, uint8_t side)
{
    const int64_t last = instrument < p->instruments ? model_last_price(m, instrument) : 0;
    const int64_t middle = last && last < INT64_MAX / 4 && !one_in(dice, 8) ? last : p->middle;
    const int64_t away = one_in(dice, 12) ? p->far : p->spread;
    int64_t price = between(dice, middle - away, middle + away);

    /* Mostly on the side's own half, so that books fill. */
    if ((side == MSIM_SIDE_BUY) == (price > middle) && !one_in(dice, 6))
        price = 2 * middle - price;

    if (!one_in(dice, 50))
        price -= price % p->tick;
    if (one_in(dice, 3000))
        price = between(dice, -3, INT64_MAX / 2);
    return price;
}

static int64_t some_quantity(const struct profile *p, struct dice *dice)
{
    int64_t quantity = between(dice, 1, p->quantity) * p->lot;

    if (one_in(dice, 12))
        quantity *= 6;
    if (one_in(dice, 60))
        quantity += 1;
    if (one_in(dice, 2000))
        quantity = between(dice, -5, INT64_MAX - 6);
    return quantity;
}

static void new_order(const struct profile *p, const struct model *m, struct dice *dice,
                      struct msim_command *c)
{
    const bool twisted = one_in(dice, 150);

    c->kind = MSIM_COMMAND_NEW;
    c->type = one_in(dice, p->calm ? 90 : 8) ? MSIM_ORDER_MARKET : MSIM_ORDER_LIMIT;
    if (!p->plain && one_in(dice, 7))
        c->type = (uint8_t)between(dice, MSIM_ORDER_STOP, MSIM_ORDER_TAKE_PROFIT_LIMIT);
    const bool limit = c->type != MSIM_ORDER_MARKET && c->type != MSIM_ORDER_STOP &&
                       c->type != MSIM_ORDER_TAKE_PROFIT;
    c->price = limit ? some_price(p, m, dice, c->instrument, c->side) : 0;
    c->stop_price = c->type >= MSIM_ORDER_STOP ? some_price(p, m, dice, c->instrument, c->side) : 0;
    c->quantity = some_quantity(p, dice);
    if (p->plain)
        return;

    c->self_trade = one_in(dice, 2) ? (uint8_t)between(dice, 0, 4) : 0;
    if (limit && one_in(dice, 4))
        c->time_in_force = (uint8_t)between(dice, 0, 4);
    if (c->type == MSIM_ORDER_MARKET) {
        c->time_in_force = (uint8_t)between(dice, 0, 1);
        if (one_in(dice, 3)) {
            c->amount = between(dice, 1, 3) * (c->quantity % 500) * (p->middle / 2 + 1);
            c->quantity = 0;
        }
    }
    const bool at_once = c->time_in_force == MSIM_TIF_IOC || c->time_in_force == MSIM_TIF_FOK;
    if (limit && !at_once && one_in(dice, 6) && c->quantity > 0)
        c->display_quantity = between(dice, 1, c->quantity / p->lot) / 2 * p->lot;
    if (limit && !at_once && one_in(dice, 9))
        c->flags |= MSIM_COMMAND_POST_ONLY;
    if (!p->accounts_off && !c->amount && one_in(dice, 10))
        c->flags |= MSIM_COMMAND_REDUCE_ONLY;
    /* Half of the accounts count upwards, with repeats; the others take any of a few. */
    if (one_in(dice, 2))
        c->client_id = (uint64_t)between(dice, 1, 60) + (c->account % 2 ? model_orders(m) / 3 : 0);
    if (twisted) {
        c->time_in_force = (uint8_t)between(dice, 0, 6);
        c->type = (uint8_t)between(dice, 0, 7);
        c->flags = (uint8_t)between(dice, 0, 31);
        c->side = (uint8_t)between(dice, 0, 3);
    }
}

static void aim(const struct profile *p, const struct model *m, struct dice *dice,
                struct msim_command *c, msim_qty *leaves, msim_price *price)
{
    uint32_t account = 0;
    uint64_t client_id = 0;
    uint32_t slot = 0;
    const uint64_t id = model_pick(m, roll(dice), &account, &client_id, &slot, leaves, price);

    (void)p;
    if (id == 0 || one_in(dice, 40)) {
        c->order = (uint64_t)between(dice, 1, 100000);
        return;
    }
    c->account = account;
    switch (between(dice, 0, 4)) {
    case 0:
        c->order = id;
        break;
    case 1:
        c->handle = id << 32 | slot;
        break;
    case 2:
        if (client_id) {
            c->client_id = client_id;
            break;
        }
        c->order = id;
        break;
    case 3:
        /* A stale hint: the order is found all the same. */
        c->order = id;
        c->handle = (id - 1) << 32 | (slot + 1);
        break;
    default:
        c->order = id;
        c->handle = id << 32 | slot;
    }
}

static void replacement(const struct profile *p, const struct model *m, struct dice *dice,
                        struct msim_command *c)
{
    msim_qty leaves = 1;
    msim_price price = 0;

    c->kind = MSIM_COMMAND_REPLACE;
    aim(p, m, dice, c, &leaves, &price);
    switch (between(dice, 0, 5)) {
    case 0:
        c->price = some_price(p, m, dice, c->instrument, c->side);
        break;
    case 1:
        c->quantity = between(dice, 1, leaves > 0 ? leaves : 1);
        c->quantity -= c->quantity % p->lot;
        c->flags = MSIM_COMMAND_OPEN_QUANTITY;
        break;
    case 2:
        c->quantity = some_quantity(p, dice);
        break;
    case 3:
        c->price = price;
        c->quantity = some_quantity(p, dice);
        break;
    case 4:
        c->stop_price = one_in(dice, 2) ? some_price(p, m, dice, c->instrument, c->side) : 0;
        c->price = one_in(dice, 2) ? some_price(p, m, dice, c->instrument, c->side) : 0;
        break;
    default:
        c->price = some_price(p, m, dice, c->instrument, c->side);
        c->quantity = some_quantity(p, dice);
        c->flags = one_in(dice, 2) ? MSIM_COMMAND_OPEN_QUANTITY : 0;
    }
}

static void venue(const struct profile *p, const struct model *m, struct dice *dice,
                  struct msim_command *c)
{
    switch (between(dice, 0, 9)) {
    case 0:
        c->kind = MSIM_COMMAND_SET_STATE;
        /* Mostly trading again: what stands still shows little. */
        c->state = !one_in(dice, 3) ? 0 : (uint8_t)between(dice, 0, 4);
        c->flags = one_in(dice, 25) ? MSIM_COMMAND_EXPIRE_ORDERS : 0;
        break;
    case 1:
        c->kind = MSIM_COMMAND_SET_TICK;
        c->price = between(dice, 0, 2) ? p->tick : between(dice, 0, 2 * p->tick + 2);
        break;
    case 2:
        c->kind = MSIM_COMMAND_SET_LOT;
        c->quantity = between(dice, 0, 2) ? p->lot : between(dice, 0, 2 * p->lot);
        break;
    case 3:
        c->kind = MSIM_COMMAND_SET_MIN_NOTIONAL;
        c->amount = p->min_notional + between(dice, -1, 1);
        break;
    case 4:
    case 5:
        c->kind = MSIM_COMMAND_DEPOSIT;
        c->asset = (uint32_t)between(dice, 0, p->instruments + 1);
        c->amount = between(dice, -1, p->deposit / 50 + 1);
        break;
    case 6:
        c->kind = MSIM_COMMAND_WITHDRAW;
        c->asset = (uint32_t)between(dice, 0, p->instruments);
        c->amount = between(dice, 0, p->deposit / 10 + 10);
        break;
    case 7:
    case 8:
        c->kind = MSIM_COMMAND_BUST;
        break;
    default:
        c->kind = MSIM_COMMAND_CORRECT;
        c->price = some_price(p, m, dice, c->instrument, c->side);
    }
    if (c->kind >= MSIM_COMMAND_BUST) {
        const int64_t last = (int64_t)model_last_trade(m);
        c->trade = one_in(dice, 3) ? 0 : (uint64_t)between(dice, last > 60 ? last - 60 : 0, last);
        c->flags = one_in(dice, 3) ? MSIM_COMMAND_ALLOW_NEGATIVE : 0;
    }
}

struct msim_command flow_next(const struct profile *p, const struct model *m, struct dice *dice,
                              msim_time *time)
{
    struct msim_command c = {0};
    const int64_t what = between(dice, 1, 1000);
    msim_qty leaves;
    msim_price price;

    *time += between(dice, 0, 3) * MSIM_NS_PER_MS;
    if (one_in(dice, 2000))
        *time += between(dice, 1, 30) * 3600 * MSIM_NS_PER_S;
    c.time = one_in(dice, 200) ? *time - 5 : *time;
    if (one_in(dice, 4000))
        c.time = MSIM_TIME_NEVER;
    c.instrument = (uint32_t)between(dice, 0, p->instruments - 1);
    c.account = (uint32_t)between(dice, 0, p->accounts - 1);
    c.owner = (uint32_t)between(dice, 0, 4);
    c.side = (uint8_t)between(dice, 1, 2);
    if (one_in(dice, 1500))
        c.instrument = p->instruments;
    if (one_in(dice, 1500))
        c.account = p->accounts;

    /* A pool that is nearly full stays so: then as many leave as come. */
    if (p->calm && what > (int64_t)p->venue_share && what <= (int64_t)p->venue_share + 230 &&
        model_live(m) < p->max_orders && !one_in(dice, 8)) {
        new_order(p, m, dice, &c);
        if (c.time_in_force == MSIM_TIF_GTD)
            c.expires_at = *time + between(dice, 10, 90000) * MSIM_NS_PER_MS;
        return c;
    }
    if (what <= (int64_t)p->venue_share) {
        venue(p, m, dice, &c);
    } else if (what <= (int64_t)p->venue_share + 130) {
        c.kind = MSIM_COMMAND_CANCEL;
        aim(p, m, dice, &c, &leaves, &price);
    } else if (what <= (int64_t)p->venue_share + 230) {
        replacement(p, m, dice, &c);
    } else if (what <= (int64_t)p->venue_share + 231 && !p->plain && !p->calm) {
        c.kind = one_in(dice, 2) ? MSIM_COMMAND_CANCEL_ALL : MSIM_COMMAND_MASS_CANCEL;
        c.instrument = one_in(dice, 2) ? MSIM_ALL_INSTRUMENTS : c.instrument;
        c.side = (uint8_t)between(dice, 0, one_in(dice, 20) ? 3 : 2);
    } else if (what == 1000) {
        c.kind = one_in(dice, 10) ? 77 : MSIM_COMMAND_TIME;
    } else {
        new_order(p, m, dice, &c);
        if (c.time_in_force == MSIM_TIF_GTD)
            c.expires_at = *time + between(dice, -1, 400) * MSIM_NS_PER_MS;
    }
    return c;
}
