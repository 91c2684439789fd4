/*
 * What is traded: assets, instruments, and their grids.
 */
#include <string.h>

#include "base/detail.h"
#include "engine/money.h"

#define NAME_LIMIT 64

/* Twice this still fits, so that keys can be compared at any distance within a window. */
#define PRICE_LIMIT (INT64_MAX / 4)

void msim_grid_set(struct grid *grid, int64_t unit)
{
    const uint32_t shift = (uint32_t)__builtin_ctzll((uint64_t)unit);
    const uint64_t odd = (uint64_t)unit >> shift;
    uint64_t inverse = odd; /* right in three bits; each step doubles them */

    for (int i = 0; i < 5; i++)
        inverse *= 2 - odd * inverse;
    *grid = (struct grid){
        .unit = unit,
        .inverse = inverse,
        .limit = UINT64_MAX / (uint64_t)unit,
        .shift = shift,
    };
}

/* Quotients of the multiples of a grid's unit within low..high; an empty range lets nothing in. */
static struct range range_of(const struct grid *grid, int64_t low, int64_t high)
{
    const int64_t first = (low - 1) / grid->unit + 1;
    const int64_t last = high / grid->unit;

    if (last < first)
        return (struct range){.first = UINT64_MAX, .span = 0};
    return (struct range){(uint64_t)first, (uint64_t)(last - first)};
}

void msim_instrument_refresh(struct instrument *it)
{
    const int64_t most = it->max_quantity < it->fit_quantity ? it->max_quantity : it->fit_quantity;

    it->pays[BUY] = it->quote;
    it->pays[SELL] = it->base;
    it->ticks = range_of(&it->tick, it->min_price, it->max_price);
    it->lots = range_of(&it->lot, it->min_quantity, most);
    it->tick_steps = it->tick.unit / it->step.unit;
    it->plain =
        it->state == MSIM_STATE_TRADING && it->band == 0 && it->fee_mode == MSIM_FEE_RECEIVED;
}

static int check_name(const char *name, const char *what, struct msim_detail *detail)
{
    const size_t length = name ? strlen(name) : 0;
    if (length == 0 || length > NAME_LIMIT)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "engine: %s has %zu bytes, not 1..%d",
                               what, length, NAME_LIMIT);
    return MSIM_OK;
}

static int intern(struct msim_symbols *names, const char *name, uint32_t *id,
                  struct msim_detail *detail)
{
    const size_t length = strlen(name);
    int r;

    if (msim_symbols_find(names, name, length, id) == MSIM_OK)
        return msim_detail_set(detail, MSIM_ERR_EXISTS, "engine: \"%s\" is there already", name);
    r = msim_symbols_intern(names, name, length, id);
    if (r < 0)
        return msim_detail_set(detail, r, "engine: no room for \"%s\": %s", name,
                               msim_result_text(r));
    return MSIM_OK;
}

int msim_engine_asset_add(struct msim_engine *engine, const char *name, int exponent, uint32_t *id,
                          struct msim_detail *detail)
{
    uint32_t number;

    if (!engine)
        return MSIM_ERR_INVALID;
    int r = check_name(name, "an asset's name", detail);
    if (r < 0)
        return r;
    if (exponent < MSIM_EXPONENT_MIN || exponent > MSIM_EXPONENT_MAX)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "engine: asset \"%s\": exponent %d, "
                               "not %d..%d",
                               name, exponent, MSIM_EXPONENT_MIN, MSIM_EXPONENT_MAX);
    r = msim_mem_grow(&engine->allocator, (void **)&engine->assets, &engine->asset_capacity,
                      sizeof *engine->assets, engine->asset_names.count + 1,
                      (size_t)engine->max_assets + 1);
    if (r < 0)
        return msim_detail_set(detail, r, "engine: no room for asset \"%s\"", name);
    r = intern(&engine->asset_names, name, &number, detail);
    if (r < 0)
        return r;
    engine->assets[number] = (struct asset){.exponent = exponent};
    msim_accounts_refresh(engine);
    if (id)
        *id = number;
    return MSIM_OK;
}

static int refuse(struct msim_detail *detail, const char *symbol, const char *why)
{
    return msim_detail_set(detail, MSIM_ERR_INVALID, "engine: instrument \"%s\": %s", symbol, why);
}

static int check_instrument(const struct msim_engine *engine,
                            const struct msim_instrument_params *params, struct msim_detail *detail)
{
    const char *symbol = params->symbol;
    const size_t assets = engine->asset_names.count;

    if (params->base_asset >= assets || params->quote_asset >= assets ||
        params->base_asset == params->quote_asset)
        return refuse(detail, symbol, "base and quote must be two assets that were added");
    if (params->price_exponent < MSIM_EXPONENT_MIN || params->price_exponent > 0 ||
        params->quantity_exponent < MSIM_EXPONENT_MIN || params->quantity_exponent > 0)
        return refuse(detail, symbol, "exponents are in -18..0");
    if (params->price_exponent + params->quantity_exponent <
        engine->assets[params->quote_asset].exponent)
        return refuse(detail, symbol,
                      "price and quantity exponent together are below the quote "
                      "asset's: a notional would not be exact");
    if (params->quantity_exponent < engine->assets[params->base_asset].exponent)
        return refuse(detail, symbol, "the quantity's exponent is below the base asset's");
    if (params->maker_fee > MSIM_FEE_SCALE || params->taker_fee > MSIM_FEE_SCALE ||
        params->fee_mode > MSIM_FEE_QUOTE)
        return refuse(detail, symbol, "fees are at most 1000000 parts per million");
    if (params->state > MSIM_STATE_POST_ONLY)
        return refuse(detail, symbol, "no such state");
    if (params->tick < 0 || params->lot < 0 || params->min_price < 0 || params->max_price < 0 ||
        params->min_quantity < 0 || params->max_quantity < 0 || params->min_notional < 0 ||
        params->reference_price < 0)
        return refuse(detail, symbol, "a limit is below zero");
    if (params->max_price > PRICE_LIMIT && params->max_price != INT64_MAX)
        return refuse(detail, symbol, "max_price is above 2305843009213693951");
    return MSIM_OK;
}

static int64_t usual(int64_t asked, int64_t otherwise)
{
    return asked ? asked : otherwise;
}

static struct instrument made(const struct msim_engine *engine,
                              const struct msim_instrument_params *params)
{
    const int quote_digits = params->price_exponent + params->quantity_exponent -
                             engine->assets[params->quote_asset].exponent;
    const int base_digits = params->quantity_exponent - engine->assets[params->base_asset].exponent;
    const int64_t max_price = usual(params->max_price, PRICE_LIMIT);
    struct instrument it = {
        .min_price = usual(params->min_price, 1),
        .max_price = max_price < PRICE_LIMIT ? max_price : PRICE_LIMIT,
        .min_quantity = usual(params->min_quantity, 1),
        .max_quantity = usual(params->max_quantity, INT64_MAX),
        .min_notional = params->min_notional,
        .quote_factor = msim_pow10[quote_digits],
        .base_factor = msim_pow10[base_digits],
        .fit_quantity = INT64_MAX / msim_pow10[base_digits],
        .base = params->base_asset,
        .quote = params->quote_asset,
        .maker_fee = params->maker_fee,
        .taker_fee = params->taker_fee,
        .most_fee = params->maker_fee > params->taker_fee ? params->maker_fee : params->taker_fee,
        .band = params->band,
        .fee_mode = params->fee_mode,
        .state = params->state,
        .price_exponent = params->price_exponent,
        .quantity_exponent = params->quantity_exponent,
        .reference_price = params->reference_price,
    };

    msim_grid_set(&it.tick, usual(params->tick, 1));
    msim_grid_set(&it.step, usual(params->tick, 1));
    msim_grid_set(&it.lot, usual(params->lot, 1));
    it.sides[BUY].best = KEY_NONE;
    it.sides[SELL].best = KEY_NONE;
    msim_instrument_refresh(&it);
    return it;
}

int msim_engine_instrument_add(struct msim_engine *engine,
                               const struct msim_instrument_params *params, uint32_t *id,
                               struct msim_detail *detail)
{
    uint32_t number;

    if (!engine || !params || params->size != sizeof *params)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "engine: start from MSIM_INSTRUMENT_PARAMS_INIT");
    int r = check_name(params->symbol, "a symbol", detail);
    if (r == MSIM_OK)
        r = check_instrument(engine, params, detail);
    if (r < 0)
        return r;
    r = msim_mem_grow(&engine->allocator, (void **)&engine->instruments,
                      &engine->instrument_capacity, sizeof *engine->instruments,
                      (size_t)engine->instrument_count + 1, (size_t)engine->max_instruments + 1);
    if (r == MSIM_OK && params->fee_mode == MSIM_FEE_QUOTE && !engine->accounts_off)
        r = msim_excess_reserve(engine);
    if (r < 0)
        return msim_detail_set(detail, r, "engine: no room for \"%s\"", params->symbol);
    r = intern(&engine->symbols, params->symbol, &number, detail);
    if (r < 0)
        return r;
    engine->instruments[number] = made(engine, params);
    engine->instrument_count = number + 1;
    msim_accounts_refresh(engine);
    if (id)
        *id = number;
    return MSIM_OK;
}

int msim_engine_asset_find(const struct msim_engine *engine, const char *name, size_t length,
                           uint32_t *id)
{
    if (!engine || !name || !id)
        return MSIM_ERR_INVALID;
    return msim_symbols_find(&engine->asset_names, name, length, id);
}

int msim_engine_instrument_find(const struct msim_engine *engine, const char *symbol, size_t length,
                                uint32_t *id)
{
    if (!engine || !symbol || !id)
        return MSIM_ERR_INVALID;
    return msim_symbols_find(&engine->symbols, symbol, length, id);
}

int msim_engine_asset(const struct msim_engine *engine, uint32_t id, struct msim_asset_view *view)
{
    if (!engine || !view)
        return MSIM_ERR_INVALID;
    if (id >= engine->asset_names.count)
        return MSIM_ERR_NOT_FOUND;
    *view = (struct msim_asset_view){
        .name = msim_symbols_text(&engine->asset_names, id, NULL),
        .exponent = engine->assets[id].exponent,
        .total = engine->assets[id].total,
        .fees = engine->assets[id].fees,
    };
    return MSIM_OK;
}
