/*
 * The house: it quotes both sides around a price, and a crowd takes from it.
 *
 * A refresh looks at the price and at what is left of each quote, and sends what differs as one
 * batch of commands.  The side that moves away goes first, so that the house never meets itself.
 * Each quote bears its place as the order's owner; by that its events are told apart.
 */
#include <string.h>

#include "base/detail.h"
#include "base/mem.h"
#include "base/random.h"
#include "venue/inside.h"

#define FUNDS (INT64_C(1) << 60) /* of each asset, to the house and to the crowd */
#define MILLION 1000000
#define YEAR_SECONDS 31536000.0

enum draw {
    DRAW_TAKE = 1,
    DRAW_SIDE = 2,
    DRAW_SIZE = 3,
};

/* ---- what the house learns ---- */

void msim_quote_follow(struct quote *quote, const struct msim_event *event)
{
    switch (event->kind) {
    case MSIM_EVENT_ACCEPTED:
    case MSIM_EVENT_REPLACED:
        *quote = (struct quote){event->order, msim_event_handle(event), event->as.order.price,
                                event->as.order.leaves};
        return;
    case MSIM_EVENT_FILL:
        quote->leaves = event->as.fill.leaves;
        if (quote->leaves == 0)
            quote->order = 0;
        return;
    case MSIM_EVENT_CANCELLED:
    case MSIM_EVENT_EXPIRED:
        quote->order = 0;
        return;
    default:
        return;
    }
}

void msim_liquidity_event(struct msim_venue *venue, const struct msim_event *event)
{
    struct liquidity *house = venue->markets[event->instrument].liquidity;

    if (!house || event->account != MSIM_VENUE_HOUSE || event->owner < HOUSE_OWNER ||
        event->owner >= HOUSE_OWNER + 2 * MSIM_VENUE_LEVELS_MAX)
        return;
    msim_quote_follow(&house->quotes[event->owner - HOUSE_OWNER], event);
}

/* ---- the price ---- */

/* The middle of the model's next quote; 0 where the callback has none now. */
static int next_price(struct msim_venue *venue, struct liquidity *house, msim_price *price)
{
    const msim_time due = house->due;

    if (house->params.callback) {
        *price = house->params.callback(house->params.context, house->instrument, due);
        house->due = due > MSIM_TIME_NEVER - house->params.refresh ? MSIM_TIME_NEVER
                                                                   : due + house->params.refresh;
        return MSIM_OK;
    }
    const struct msim_quote_data *quote = &house->next.as.quote;
    *price = (quote->bid + (quote->ask - quote->bid) / 2) / house->model_scale;
    house->pulled++;
    return msim_liquidity_look(venue, house);
}

int msim_liquidity_look(struct msim_venue *venue, struct liquidity *house)
{
    size_t count = 0;
    struct msim_detail detail = {{0}};
    int r = msim_source_pull(&house->source, &house->next, 1, &count, &detail);

    house->due = MSIM_TIME_NEVER;
    if (r == MSIM_PULL_RECORD)
        house->due = house->next.time;
    if (r >= 0)
        return MSIM_OK;
    return msim_detail_set(&venue->failure_detail, r, "the house's price model: %s", detail.text);
}

/* Where the price was set, the model's moves go on from there. */
static msim_price scaled(const struct liquidity *house, msim_price price)
{
    if (house->scale_from == 0)
        return price;
    const msim_int128 wide = (msim_int128)price * house->scale_to / house->scale_from;
    return wide > INT64_MAX / 4 ? INT64_MAX / 4 : (msim_price)wide;
}

/* ---- quotes ---- */

struct ladder {
    const struct msim_instrument_params *terms;
    msim_price best[2]; /* of bids, of asks */
    msim_price step;
};

static msim_price floor_to(msim_price price, msim_price tick)
{
    return price - price % tick;
}

static void make_ladder(struct ladder *ladder, const struct liquidity *house,
                        const struct msim_instrument_params *terms, msim_price price)
{
    const msim_price tick = terms->tick;
    const msim_int128 spread = (msim_int128)price * house->params.spread / MILLION;
    const msim_price half = (msim_price)(spread / 2);
    msim_price bid = floor_to(price - half, tick);
    msim_price ask = floor_to(price + half + tick - 1, tick);

    if (ask <= bid)
        ask = bid + tick;
    ladder->terms = terms;
    ladder->best[0] = bid;
    ladder->best[1] = ask;
    ladder->step = house->params.step ? (msim_price)house->params.step * tick
                                      : floor_to((msim_price)(spread / 5), tick);
    if (ladder->step < tick)
        ladder->step = tick;
}

/* What stands at a level, or 0 for nothing. */
static msim_price level_price(const struct ladder *ladder, unsigned side, uint32_t level)
{
    msim_price away;
    msim_price price;

    if (!msim_mul_check(ladder->step, level, &away))
        return 0;
    if (side == 0)
        price = ladder->best[0] - away;
    else if (!msim_add_check(ladder->best[1], away, &price))
        return 0;
    return price >= ladder->terms->min_price && price <= ladder->terms->max_price && price > 0
               ? price
               : 0;
}

static msim_qty level_quantity(const struct liquidity *house, const struct ladder *ladder,
                               uint32_t level)
{
    const msim_qty lot = ladder->terms->lot;
    const msim_int128 wide = house->params.quantity + (msim_int128)house->params.quantity *
                                                          house->params.growth * level / MILLION;
    msim_qty quantity = wide > INT64_MAX / 1024 ? INT64_MAX / 1024 : (msim_qty)wide;

    quantity -= quantity % lot;
    if (quantity < ladder->terms->min_quantity)
        quantity = ladder->terms->min_quantity;
    if (quantity > ladder->terms->max_quantity)
        quantity = ladder->terms->max_quantity;
    return quantity < lot ? lot : quantity;
}

/* The command that brings a quote to where it should be; false where it is there. */
static bool quote_command(const struct liquidity *house, const struct ladder *ladder, unsigned side,
                          uint32_t level, struct msim_command *command)
{
    const uint32_t place = side * MSIM_VENUE_LEVELS_MAX + level;
    const struct quote *quote = &house->quotes[place];
    const msim_price price = level < house->params.levels ? level_price(ladder, side, level) : 0;
    const msim_qty quantity = price ? level_quantity(house, ladder, level) : 0;

    *command = (struct msim_command){
        .instrument = house->instrument,
        .account = MSIM_VENUE_HOUSE,
        .owner = HOUSE_OWNER + place,
        .side = side ? MSIM_SIDE_SELL : MSIM_SIDE_BUY,
    };
    if (quote->order == 0) {
        command->kind = MSIM_COMMAND_NEW;
        command->type = MSIM_ORDER_LIMIT;
        command->self_trade = MSIM_SELF_TRADE_CANCEL_MAKER;
        command->price = price;
        command->quantity = quantity;
        return price > 0;
    }
    command->order = quote->order;
    command->handle = quote->handle;
    command->side = 0;
    command->owner = 0;
    command->kind = price ? MSIM_COMMAND_REPLACE : MSIM_COMMAND_CANCEL;
    if (price == 0)
        return true;
    command->flags = MSIM_COMMAND_OPEN_QUANTITY;
    command->price = price;
    command->quantity = quantity;
    return price != quote->price || quantity != quote->leaves;
}

static size_t side_commands(const struct liquidity *house, const struct ladder *ladder,
                            unsigned side, struct msim_command *commands)
{
    size_t count = 0;

    for (uint32_t level = 0; level < house->shown; level++)
        count += quote_command(house, ladder, side, level, &commands[count]);
    return count;
}

/* ---- the crowd ---- */

static bool crowd_command(const struct liquidity *house, const struct ladder *ladder,
                          struct msim_command *command)
{
    const struct msim_venue_liquidity *params = &house->params;
    const uint64_t n = house->refreshes;
    const msim_qty lot = ladder->terms->lot;

    if (params->no_crowd ||
        msim_mul_high(msim_random_at(house->key, n, DRAW_TAKE, 0), MILLION) >= params->take)
        return false;
    const bool buys = msim_random_at(house->key, n, DRAW_SIDE, 0) >> 63;
    const msim_int128 mean = (msim_int128)params->quantity * params->take_share / MILLION;
    const msim_int128 most = 2 * mean / lot < 1 ? 1 : 2 * mean / lot;
    const int64_t lots = msim_random_range(msim_random_at(house->key, n, DRAW_SIZE, 0), 1,
                                           most > INT32_MAX ? INT32_MAX : (int64_t)most);
    msim_qty quantity;
    if (!msim_mul_check(lots, lot, &quantity))
        return false;
    if (quantity < ladder->terms->min_quantity)
        quantity = ladder->terms->min_quantity;
    *command = (struct msim_command){
        .kind = MSIM_COMMAND_NEW,
        .type = MSIM_ORDER_LIMIT,
        .time_in_force = MSIM_TIF_IOC,
        .self_trade = MSIM_SELF_TRADE_CANCEL_TAKER,
        .instrument = house->instrument,
        .account = MSIM_VENUE_CROWD,
        .side = buys ? MSIM_SIDE_BUY : MSIM_SIDE_SELL,
        .price = ladder->best[buys ? 1 : 0],
        .quantity = quantity,
    };
    return command->price > 0;
}

/* ---- refreshing ---- */

static int requote(struct msim_venue *venue, struct liquidity *house)
{
    struct msim_command commands[COMMANDS_MOST];
    struct msim_instrument_view view;
    struct ladder ladder;
    int r = msim_engine_instrument(venue->engine, house->instrument, &view);

    if (r < 0 || house->price <= 0 || view.params.state == MSIM_STATE_HALTED ||
        view.params.state == MSIM_STATE_CANCEL_ONLY || venue->now < house->paused_until)
        return r < 0 ? r : MSIM_OK;
    make_ladder(&ladder, house, &view.params, house->price);
    const bool rises = ladder.best[0] > house->last_bid;
    size_t count = side_commands(house, &ladder, rises, commands);
    count += side_commands(house, &ladder, !rises, &commands[count]);
    house->last_bid = ladder.best[0];
    house->shown = house->params.levels;
    if (view.params.state == MSIM_STATE_TRADING)
        count += crowd_command(house, &ladder, &commands[count]);
    for (size_t i = 0; i < count; i++)
        commands[i].time = venue->now;
    return msim_venue_apply(venue, commands, count, NULL, 0, 0);
}

int msim_liquidity_step(struct msim_venue *venue, uint32_t instrument, msim_time now)
{
    struct liquidity *house = venue->markets[instrument].liquidity;
    msim_price price = 0;

    if (venue->now < now)
        venue->now = now;
    int r = next_price(venue, house, &price);
    if (price > 0) {
        house->model_price = price;
        house->price = scaled(house, price);
    }
    house->refreshes++;
    const int pushed = msim_liquidity_schedule(venue, house);
    if (r < 0 || pushed < 0)
        return r < 0 ? r : pushed;
    return requote(venue, house);
}

int msim_liquidity_schedule(struct msim_venue *venue, const struct liquidity *house)
{
    if (house->due == MSIM_TIME_NEVER)
        return MSIM_OK;
    return msim_due_push_ranked(&venue->refreshes, house->due, house->instrument,
                                house->instrument);
}

/* The instrument whose house is due first; what is no longer so is taken away. */
msim_time msim_liquidity_next(struct msim_venue *venue)
{
    for (;;) {
        const struct msim_due_item *item = msim_due_peek(&venue->refreshes);
        if (!item)
            return MSIM_TIME_NEVER;
        const struct liquidity *house = venue->markets[item->value].liquidity;
        if (house && !house->params.off && house->due == item->due)
            return item->due;
        msim_due_pop(&venue->refreshes);
    }
}

/* ---- parameters ---- */

static int check_params(const struct msim_venue *venue, uint32_t instrument,
                        const struct msim_venue_liquidity *params, struct msim_detail *detail)
{
    if (!params || params->size != sizeof *params)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "liquidity begins with MSIM_VENUE_LIQUIDITY_INIT");
    if (instrument >= venue->market_count)
        return msim_detail_set(detail, MSIM_ERR_NOT_FOUND, "there is no instrument %u",
                               (unsigned)instrument);
    if (venue->markets[instrument].driver == DRIVER_HISTORY)
        return msim_detail_set(detail, MSIM_ERR_STATE,
                               "history drives this instrument: it has the book of history");
    if (params->levels > MSIM_VENUE_LEVELS_MAX)
        return msim_detail_set(detail, MSIM_ERR_LIMIT, "levels are at most %d",
                               MSIM_VENUE_LEVELS_MAX);
    if (params->spread > MILLION || params->take > MILLION || params->price < 0 ||
        params->quantity < 0 || params->refresh < 0 || params->refresh > MSIM_MOCK_INTERVAL_MAX)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "spread and take are parts of a million; price, quantity and "
                               "refresh are not negative, refresh at most a day");
    return MSIM_OK;
}

static void set_defaults(struct msim_venue_liquidity *params,
                         const struct msim_instrument_params *terms)
{
    if (params->spread == 0)
        params->spread = 200;
    if (params->levels == 0)
        params->levels = 10;
    if (params->take == 0)
        params->take = 500000;
    if (params->quantity == 0)
        params->quantity = terms->lot > INT64_MAX / 100 ? terms->lot : terms->lot * 100;
    if (params->growth == 0)
        params->growth = 100000;
    if (params->take_share == 0)
        params->take_share = 100000;
    if (params->refresh == 0)
        params->refresh = 100 * MSIM_NS_PER_MS;
}

/* A market of one symbol whose quotes say the price. */
static int open_model(struct msim_venue *venue, const struct msim_venue_liquidity *params,
                      const struct msim_instrument_view *view, struct liquidity *made,
                      struct msim_detail *detail)
{
    struct msim_mock_params mock = MSIM_MOCK_PARAMS_INIT;
    const bool whole = view->params.price_exponent == 0;
    struct msim_mock_symbol symbol = {
        .name = view->params.symbol,
        .tick = view->params.tick,
        .price = params->price,
        .price_exponent = view->params.price_exponent,
        .model = params->model,
    };

    made->model_scale = 1;
    if (whole) { /* the model knows no prices without a fraction */
        symbol.price_exponent = -1;
        made->model_scale = 10;
        if (!msim_mul_check(symbol.price, 10, &symbol.price) ||
            !msim_mul_check(symbol.tick, 10, &symbol.tick))
            return msim_detail_set(detail, MSIM_ERR_OVERFLOW, "the price is too large");
    }
    if (symbol.model.kind == MSIM_MOCK_DEFAULT)
        msim_mock_model_init(&symbol.model, MSIM_MOCK_GBM);
    mock.allocator = &venue->allocator;
    mock.seed = venue->params.seed + made->generation;
    mock.start = made->began;
    mock.symbols = &symbol;
    mock.symbol_count = 1;
    mock.interval = params->refresh;
    mock.year = YEAR_SECONDS;
    mock.hidden = MSIM_MOCK_HIDE_TRADES;
    return msim_source_mock(&made->source, &mock, detail);
}

/* Enough that the house never runs dry: once for each asset. */
static int fund(struct msim_venue *venue, uint32_t account, uint32_t asset)
{
    const struct msim_command command = {
        .kind = MSIM_COMMAND_DEPOSIT,
        .time = venue->now,
        .account = account,
        .asset = asset,
        .amount = FUNDS,
    };
    int64_t free = 0;
    int64_t held = 0;

    if (msim_engine_balance(venue->engine, account, asset, &free, &held) == MSIM_OK &&
        (free > 0 || held > 0))
        return MSIM_OK;
    return msim_venue_apply(venue, &command, 1, NULL, 0, 0);
}

int msim_house_fund(struct msim_venue *venue, const struct msim_instrument_params *terms)
{
    int r = fund(venue, MSIM_VENUE_HOUSE, terms->quote_asset);

    if (r == MSIM_OK)
        r = fund(venue, MSIM_VENUE_HOUSE, terms->base_asset);
    if (r == MSIM_OK)
        r = fund(venue, MSIM_VENUE_CROWD, terms->quote_asset);
    return r == MSIM_OK ? fund(venue, MSIM_VENUE_CROWD, terms->base_asset) : r;
}

/* All quotes of an instrument are taken away. */
static int withdraw(struct msim_venue *venue, uint32_t instrument)
{
    const struct msim_command command = {
        .kind = MSIM_COMMAND_CANCEL_ALL,
        .time = venue->now,
        .account = MSIM_VENUE_HOUSE,
        .instrument = instrument,
    };

    return msim_venue_apply(venue, &command, 1, NULL, 0, 0);
}

static int house_get(struct msim_venue *venue, uint32_t instrument, const char *symbol,
                     struct liquidity **out)
{
    struct market *market = &venue->markets[instrument];

    if (!market->liquidity) {
        struct liquidity *made = msim_mem_zero(&venue->allocator, sizeof *made);
        if (!made)
            return MSIM_ERR_NOMEM;
        made->instrument = instrument;
        made->params.off = true;
        made->due = MSIM_TIME_NEVER;
        made->key = msim_random_key(venue->params.seed, symbol, strlen(symbol));
        market->liquidity = made;
    }
    *out = market->liquidity;
    return MSIM_OK;
}

static int turn_off(struct msim_venue *venue, uint32_t instrument)
{
    struct liquidity *house = venue->markets[instrument].liquidity;

    if (!house || house->params.off)
        return MSIM_OK;
    int r = withdraw(venue, instrument);
    if (r < 0)
        return r;
    house->params.off = true;
    house->due = MSIM_TIME_NEVER;
    msim_source_release(&house->source);
    venue->markets[instrument].driver = DRIVER_NONE;
    return MSIM_OK;
}

int msim_venue_liquidity_set(struct msim_venue *venue, uint32_t instrument,
                             const struct msim_venue_liquidity *params, struct msim_detail *detail)
{
    struct msim_instrument_view view;
    struct liquidity *house = NULL;

    if (!venue)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "no venue");
    int r = check_params(venue, instrument, params, detail);
    if (r < 0)
        return r;
    msim_venue_output_return(venue);
    if (params->off)
        return turn_off(venue, instrument);
    msim_engine_instrument(venue->engine, instrument, &view);
    struct msim_venue_liquidity wanted = *params;
    set_defaults(&wanted, &view.params);
    r = house_get(venue, instrument, view.params.symbol, &house);
    if (wanted.price == 0 && r == MSIM_OK)
        wanted.price = house->price ? house->price : view.params.reference_price;
    if (wanted.price == 0 && !wanted.callback)
        return msim_detail_set(detail, r < 0 ? r : MSIM_ERR_INVALID,
                               "%s has no reference price: the liquidity wants a first price",
                               view.params.symbol);
    struct liquidity made = {.generation = house ? house->generation + 1 : 0, .began = venue->now};
    if (r == MSIM_OK && !wanted.callback &&
        (r = open_model(venue, &wanted, &view, &made, detail)) < 0)
        return r;
    if (r == MSIM_OK)
        r = msim_house_fund(venue, &view.params);
    if (r < 0) {
        msim_source_release(&made.source);
        return msim_detail_set(detail, r, "%s", msim_result_text(r));
    }
    msim_source_release(&house->source);
    house->source = made.source;
    house->model_scale = made.model_scale;
    house->generation = made.generation;
    house->began = made.began;
    house->foreign = wanted.callback || wanted.model.kind == MSIM_MOCK_USER;
    house->params = wanted;
    house->scale_from = 0;
    house->pulled = 0;
    house->due = venue->now;
    house->price = wanted.price;
    house->model_price = wanted.price;
    if (house->shown < wanted.levels)
        house->shown = wanted.levels;
    venue->markets[instrument].driver = DRIVER_LIQUIDITY;
    if (!wanted.callback)
        r = msim_liquidity_look(venue, house);
    if (r < 0)
        return msim_detail_set(detail, r, "%s", venue->failure_detail.text);
    r = msim_liquidity_schedule(venue, house);
    return r < 0 ? msim_detail_set(detail, r, "%s", msim_result_text(r)) : MSIM_OK;
}

int msim_liquidity_wake(struct msim_venue *venue, uint32_t instrument, struct msim_detail *detail)
{
    struct liquidity *house = venue->markets[instrument].liquidity;
    struct msim_instrument_view view;
    const msim_time due = house->due;

    msim_engine_instrument(venue->engine, instrument, &view);
    house->instrument = instrument;
    house->key =
        msim_random_key(venue->params.seed, view.params.symbol, strlen(view.params.symbol));
    if (house->params.off)
        return MSIM_OK;
    if (house->foreign) { /* its quotes stand until it is given a model again */
        house->params.off = true;
        house->due = MSIM_TIME_NEVER;
        return MSIM_OK;
    }
    int r = open_model(venue, &house->params, &view, house, detail);
    /* The models are functions of their numbers in a row: what was, goes by again. */
    for (uint64_t i = 0; r == MSIM_OK && i <= house->pulled; i++) {
        r = msim_liquidity_look(venue, house);
        if (r == MSIM_OK && house->due == MSIM_TIME_NEVER)
            break;
    }
    if (r == MSIM_OK && house->due != due)
        return msim_detail_set(detail, MSIM_ERR_FORMAT,
                               "the house of %s was not due when its model is", view.params.symbol);
    return r < 0 ? r : msim_liquidity_schedule(venue, house);
}

int msim_venue_set_price(struct msim_venue *venue, msim_time now, uint32_t instrument,
                         msim_price price, struct msim_detail *detail)
{
    struct msim_instrument_view view;

    if (!venue || instrument >= venue->market_count)
        return msim_detail_set(detail, MSIM_ERR_NOT_FOUND, "no such instrument");
    struct liquidity *house = venue->markets[instrument].liquidity;
    if (!house || house->params.off)
        return msim_detail_set(detail, MSIM_ERR_STATE,
                               "no model makes this instrument's price: turn its liquidity on");
    msim_engine_instrument(venue->engine, instrument, &view);
    if (price <= 0 || price < view.params.min_price || price > view.params.max_price ||
        price > MSIM_MOCK_PRICE_MAX)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "the price is outside of %s's range",
                               view.params.symbol);
    msim_venue_output_return(venue);
    int r = msim_venue_advance(venue, now);
    if (r < 0)
        return msim_detail_set(detail, r, "%s", msim_result_text(r));
    house->scale_from = house->model_price;
    house->scale_to = price;
    house->price = price;
    r = requote(venue, house);
    return r < 0 ? msim_detail_set(detail, r, "%s", msim_result_text(r)) : MSIM_OK;
}

void msim_liquidity_finish(struct msim_venue *venue, struct market *market)
{
    if (!market->liquidity)
        return;
    msim_source_release(&market->liquidity->source);
    msim_mem_free(&venue->allocator, market->liquidity, sizeof *market->liquidity);
}
