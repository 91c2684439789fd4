/*
 * History: trades and quotes of a source, as a book that robots trade against.
 *
 * The house stands where history's best prices are, and takes where history's trades went; both
 * with commands like any other, so that accounts, fees and journal know nothing of it.  What
 * fills when stands in docs/venue.md.
 */
#include <string.h>

#include "base/decimal.h"
#include "base/detail.h"
#include "base/mem.h"
#include "venue/inside.h"

#define BATCH 64
#define PATIENCE 1000000 /* empty pulls in a row of a source that knows no time for the next */
#define EVERY_LOOK UINT32_MAX
#define SYMBOLS_LIMIT 1000000
#define DEPTH 32
#define PASSES 64 /* of a sweep: icebergs show what they hid */

struct history {
    struct msim_venue_history params;
    struct msim_source source;
    struct msim_record batch[BATCH];
    size_t at;
    size_t count;
    bool ended;
    uint32_t looks;        /* pulls that may still be made now */
    uint32_t vain;         /* pulls in a row that found nothing and no time */
    uint32_t *instruments; /* by the source's symbol: instrument + 1; UNKNOWN; 0: not looked up */
    size_t symbol_capacity;
};

#define UNKNOWN UINT32_MAX

enum side_place { BIDS, ASKS };

/* ---- the source ---- */

static int refill(struct msim_venue *venue, struct history *history)
{
    struct msim_detail detail = {{0}};
    int r = MSIM_PULL_EMPTY;

    history->at = history->count = 0;
    while (r == MSIM_PULL_EMPTY && history->vain < PATIENCE) {
        if (history->looks == 0)
            return MSIM_OK;
        r = msim_source_pull(&history->source, history->batch, BATCH, &history->count, &detail);
        if (r == MSIM_PULL_EMPTY && msim_source_next_due(&history->source) != INT64_MIN)
            break;
        history->vain++;
        history->looks -= history->looks != EVERY_LOOK;
    }
    if (r == MSIM_PULL_RECORD || (r == MSIM_PULL_EMPTY && history->vain < PATIENCE)) {
        history->vain = 0;
        return MSIM_OK;
    }
    history->count = 0;
    history->ended = true;
    if (r == MSIM_PULL_EMPTY)
        r = msim_detail_set(&detail, MSIM_ERR_TIMEOUT, "nothing came, and it says no time");
    if (r < 0) {
        venue->failure = r;
        msim_detail_set(&venue->failure_detail, r, "history: %s", detail.text);
    }
    return MSIM_OK;
}

msim_time msim_history_next(struct msim_venue *venue)
{
    struct history *history = venue->history;

    if (!history || history->ended)
        return MSIM_TIME_NEVER;
    if (history->at == history->count)
        refill(venue, history);
    if (history->at < history->count)
        return history->batch[history->at].time;
    return history->ended ? MSIM_TIME_NEVER : msim_source_next_due(&history->source);
}

void msim_history_may_look(struct msim_venue *venue, enum looking looking)
{
    struct history *history = venue->history;

    if (!history)
        return;
    history->looks = looking == LOOK_TO_THE_END || history->params.looks == 0 ? EVERY_LOOK
                     : looking == LOOK_A_WHILE ? history->params.looks
                                               : 0;
}

bool msim_history_is_looking(struct msim_venue *venue)
{
    struct history *history = venue->history;

    return history && history->looks == 0 && !history->ended && history->at == history->count &&
           msim_source_next_due(&history->source) == INT64_MIN;
}

bool msim_history_ended(const struct msim_venue *venue)
{
    return venue->history && venue->history->ended;
}

/* The instrument of a record; UNKNOWN. */
static int instrument_of(struct msim_venue *venue, const struct msim_record *record, uint32_t *out)
{
    struct history *history = venue->history;
    const size_t before = history->symbol_capacity;
    size_t length = 0;

    *out = UNKNOWN;
    if (record->flags & MSIM_RECORD_NO_SYMBOL)
        return MSIM_OK;
    int r =
        msim_mem_grow(&venue->allocator, (void **)&history->instruments, &history->symbol_capacity,
                      sizeof *history->instruments, (size_t)record->symbol + 1, SYMBOLS_LIMIT);
    if (r < 0)
        return r;
    if (history->symbol_capacity > before)
        memset(&history->instruments[before], 0,
               (history->symbol_capacity - before) * sizeof *history->instruments);
    uint32_t *known = &history->instruments[record->symbol];
    if (*known == 0) {
        const char *symbol = msim_source_symbol(&history->source, record->symbol, &length);
        uint32_t id;
        *known = UNKNOWN;
        if (symbol && msim_engine_instrument_find(venue->engine, symbol, length, &id) == MSIM_OK)
            *known = id + 1;
    }
    *out = *known == UNKNOWN ? UNKNOWN : *known - 1;
    return MSIM_OK;
}

/* ---- what the house learns of its quotes ---- */

void msim_history_event(struct msim_venue *venue, const struct msim_event *event)
{
    struct past *past = venue->markets[event->instrument].past;

    if (!past || event->account != MSIM_VENUE_HOUSE ||
        (event->owner != HISTORY_OWNER && event->owner != HISTORY_OWNER + 1))
        return;
    msim_quote_follow(&past->quotes[event->owner - HISTORY_OWNER], event);
}

/* ---- commands ---- */

static int send(struct msim_venue *venue, const struct msim_command *command)
{
    return msim_venue_apply(venue, command, 1, NULL, 0, 0);
}

/* The house takes: `side` is the taker's. */
static int take(struct msim_venue *venue, uint32_t instrument, uint8_t side, msim_price price,
                msim_qty quantity, uint8_t self_trade)
{
    const struct msim_command command = {
        .time = venue->now,
        .kind = MSIM_COMMAND_NEW,
        .type = MSIM_ORDER_LIMIT,
        .time_in_force = MSIM_TIF_IOC,
        .self_trade = self_trade,
        .side = side,
        .instrument = instrument,
        .account = MSIM_VENUE_HOUSE,
        .price = price,
        .quantity = quantity,
    };

    return quantity > 0 ? send(venue, &command) : MSIM_OK;
}

static bool beyond(uint8_t taker_side, msim_price resting, msim_price price)
{
    return taker_side == MSIM_SIDE_SELL ? resting > price : resting < price;
}

static uint8_t opposite(uint8_t side)
{
    return side == MSIM_SIDE_BUY ? MSIM_SIDE_SELL : MSIM_SIDE_BUY;
}

/* Orders that rest, the house's own not counted. */
static uint64_t robots_resting(const struct msim_venue *venue, uint32_t instrument)
{
    const struct past *past = venue->markets[instrument].past;
    struct msim_instrument_view view;

    msim_engine_instrument(venue->engine, instrument, &view);
    return view.order_count - (past->quotes[BIDS].order != 0) - (past->quotes[ASKS].order != 0);
}

/* History went beyond these orders' prices: they are filled whole. */
static int sweep_beyond(struct msim_venue *venue, uint32_t instrument, uint8_t taker_side,
                        msim_price price)
{
    struct msim_level_view levels[DEPTH];

    for (int pass = 0; pass < PASSES; pass++) {
        const size_t count =
            msim_engine_depth(venue->engine, instrument, opposite(taker_side), levels, DEPTH);
        msim_qty quantity = 0;
        msim_price last = 0;
        for (size_t i = 0; i < count && beyond(taker_side, levels[i].price, price); i++) {
            if (!msim_add_check(quantity, levels[i].quantity, &quantity))
                break;
            last = levels[i].price;
        }
        if (last == 0)
            return MSIM_OK;
        const uint64_t before = venue->statistics.house_refused;
        int r = take(venue, instrument, taker_side, last, quantity, MSIM_SELF_TRADE_CANCEL_MAKER);
        if (r < 0 || venue->statistics.house_refused > before)
            return r;
    }
    return MSIM_OK;
}

/* A quote that was made smaller without an event of its own. */
static void look_again(const struct msim_venue *venue, struct quote *quote)
{
    struct msim_order_view view;

    if (!quote->order)
        return;
    if (msim_engine_order(venue->engine, quote->order, quote->handle, &view) == MSIM_OK)
        quote->leaves = view.leaves;
    else
        quote->order = 0;
}

/* What a trade at `price` does to orders on the side that its taker met, or may have met. */
static int fill_resting(struct msim_venue *venue, uint32_t instrument, uint8_t taker_side,
                        const struct sale *sale)
{
    const uint8_t fills = venue->history->params.fills;
    const bool met = sale->side == taker_side || sale->side == MSIM_SIDE_NONE;
    int r = sweep_beyond(venue, instrument, taker_side, sale->price);

    if (r < 0 || !met || fills == MSIM_VENUE_FILL_THROUGH)
        return r;
    r = take(venue, instrument, taker_side, sale->price, sale->quantity,
             fills == MSIM_VENUE_FILL_QUEUE ? MSIM_SELF_TRADE_DECREMENT
                                            : MSIM_SELF_TRADE_CANCEL_MAKER);
    for (unsigned at = 0; at < 2; at++)
        look_again(venue, &venue->markets[instrument].past->quotes[at]);
    return r;
}

/* ---- the house's quotes ---- */

/* What joins history's queue joins it behind the robots that stand there. */
static bool queues(const struct msim_venue *venue, uint32_t instrument)
{
    return venue->history->params.fills == MSIM_VENUE_FILL_QUEUE &&
           robots_resting(venue, instrument) > 0;
}

static int quote_side(struct msim_venue *venue, uint32_t instrument, unsigned at, msim_price price,
                      msim_qty quantity)
{
    const struct quote *quote = &venue->markets[instrument].past->quotes[at];
    struct msim_command command = {
        .time = venue->now,
        .instrument = instrument,
        .account = MSIM_VENUE_HOUSE,
        .kind = MSIM_COMMAND_NEW,
        .type = MSIM_ORDER_LIMIT,
        .side = at == ASKS ? MSIM_SIDE_SELL : MSIM_SIDE_BUY,
        .self_trade = MSIM_SELF_TRADE_CANCEL_MAKER,
        .owner = HISTORY_OWNER + at,
        .price = price,
        .quantity = quantity,
    };
    const bool wanted = price > 0 && quantity > 0;

    if (quote->order) {
        if (wanted && quote->price == price &&
            (quote->leaves == quantity || (quote->leaves < quantity && queues(venue, instrument))))
            return MSIM_OK;
        command = (struct msim_command){
            .time = venue->now,
            .instrument = instrument,
            .account = MSIM_VENUE_HOUSE,
            .kind = wanted ? MSIM_COMMAND_REPLACE : MSIM_COMMAND_CANCEL,
            .flags = wanted ? MSIM_COMMAND_OPEN_QUANTITY : 0,
            .order = quote->order,
            .handle = quote->handle,
            .price = wanted ? price : 0,
            .quantity = wanted ? quantity : 0,
        };
    } else if (!wanted) {
        return MSIM_OK;
    }
    return send(venue, &command);
}

/* Where orders are filled only by what goes through them, a quote that meets one stands aside. */
static msim_price aside(const struct msim_venue *venue, uint32_t instrument, unsigned at,
                        msim_price price, msim_price tick)
{
    struct msim_level_view best;

    if (venue->history->params.fills != MSIM_VENUE_FILL_THROUGH ||
        msim_engine_depth(venue->engine, instrument, at == ASKS ? MSIM_SIDE_BUY : MSIM_SIDE_SELL,
                          &best, 1) == 0 ||
        best.price != price)
        return price;
    return at == ASKS ? price + tick : price - tick;
}

/* History's best prices become the house's. */
static int requote(struct msim_venue *venue, uint32_t instrument, const struct msim_quote_data *to,
                   msim_price tick)
{
    const struct past *past = venue->markets[instrument].past;
    const bool rises = past->quotes[ASKS].order && to->ask > past->quotes[ASKS].price;
    const unsigned order[2] = {rises ? ASKS : BIDS, rises ? BIDS : ASKS};
    int r = MSIM_OK;

    /* The side that moves away first: the house never meets itself. */
    for (int i = 0; r == MSIM_OK && i < 2; i++) {
        const unsigned at = order[i];
        msim_price price = at == ASKS ? to->ask : to->bid;
        const msim_qty quantity = at == ASKS ? to->ask_quantity : to->bid_quantity;
        if (price > 0 && robots_resting(venue, instrument) > 0) {
            r = sweep_beyond(venue, instrument, at == ASKS ? MSIM_SIDE_SELL : MSIM_SIDE_BUY, price);
            price = aside(venue, instrument, at, price, tick);
        }
        if (r == MSIM_OK)
            r = quote_side(venue, instrument, at, price, quantity);
    }
    return r;
}

/* ---- stops ---- */

/*
 * Orders that wait for a price hear of trades in the engine: the crowd and the house make a
 * small one at history's price.  Not where a robot's order stands in its way.
 */
static int print(struct msim_venue *venue, uint32_t instrument,
                 const struct msim_instrument_view *view, msim_price price)
{
    struct msim_command command = {
        .time = venue->now,
        .kind = MSIM_COMMAND_NEW,
        .type = MSIM_ORDER_LIMIT,
        .side = MSIM_SIDE_SELL,
        .instrument = instrument,
        .account = MSIM_VENUE_CROWD,
        .price = price,
        .quantity = view->params.min_quantity > view->params.lot ? view->params.min_quantity
                                                                 : view->params.lot,
    };
    struct msim_level_view bid = {0};
    struct msim_level_view ask = {0};
    int r = MSIM_OK;

    for (unsigned at = 0; r == MSIM_OK && at < 2; at++)
        r = quote_side(venue, instrument, at, 0, 0);
    msim_engine_depth(venue->engine, instrument, MSIM_SIDE_BUY, &bid, 1);
    msim_engine_depth(venue->engine, instrument, MSIM_SIDE_SELL, &ask, 1);
    if (r < 0 || (bid.price && bid.price >= price) || (ask.price && ask.price <= price))
        return r;
    r = send(venue, &command);
    if (r == MSIM_OK)
        r = take(venue, instrument, MSIM_SIDE_BUY, price, command.quantity,
                 MSIM_SELF_TRADE_CANCEL_TAKER);
    return r;
}

/* ---- records ---- */

static bool on_grid(int64_t value, int64_t step, int from, int to, int64_t *out)
{
    return value > 0 && msim_decimal_rescale(value, from, to, out) == MSIM_OK && *out % step == 0;
}

static int64_t notional_of(const struct msim_venue *venue, const struct msim_instrument_view *view,
                           const struct sale *sale)
{
    struct msim_asset_view asset;

    if (msim_engine_asset(venue->engine, view->params.quote_asset, &asset) < 0)
        return 0;
    const int power = view->params.price_exponent + view->params.quantity_exponent - asset.exponent;
    msim_int128 wide = (msim_int128)sale->price * sale->quantity;
    if (power > 0 && wide <= INT64_MAX)
        wide *= msim_pow10[power];
    return wide > INT64_MAX ? INT64_MAX : (int64_t)wide;
}

/* Without quotes the book is around the last trade. */
static void guess_quote(const struct msim_venue *venue, struct past *past, const struct sale *sale,
                        msim_price tick, struct msim_quote_data *quote)
{
    const struct msim_venue_history *params = &venue->history->params;
    const msim_price away = (msim_price)params->spread * tick;
    const msim_qty quantity = params->quantity ? params->quantity : sale->quantity;

    if (sale->side != MSIM_SIDE_NONE)
        past->last_side = sale->side;
    else if (past->last_price != 0 && sale->price != past->last_price)
        past->last_side = sale->price > past->last_price ? MSIM_SIDE_BUY : MSIM_SIDE_SELL;
    past->last_price = sale->price;
    *quote = (struct msim_quote_data){.bid_quantity = quantity, .ask_quantity = quantity};
    if (past->last_side == MSIM_SIDE_SELL) {
        quote->bid = sale->price;
        /* Above the highest price there is nobody to sell. */
        if (!msim_add_check(sale->price, away, &quote->ask))
            quote->ask = 0;
    } else {
        quote->ask = sale->price;
        quote->bid = sale->price - away;
    }
}

/* The house's quotes as they stand. */
static struct msim_quote_data standing(const struct past *past)
{
    const struct quote *bid = &past->quotes[BIDS];
    const struct quote *ask = &past->quotes[ASKS];

    return (struct msim_quote_data){
        .bid = bid->order ? bid->price : 0,
        .ask = ask->order ? ask->price : 0,
        .bid_quantity = bid->order ? bid->leaves : 0,
        .ask_quantity = ask->order ? ask->leaves : 0,
    };
}

/* What a trade of history does to orders that rest, and to those that wait for its price. */
static int meet_orders(struct msim_venue *venue, uint32_t instrument,
                       const struct msim_instrument_view *view, const struct sale *sale)
{
    const struct past *past = venue->markets[instrument].past;
    const bool queue = venue->history->params.fills == MSIM_VENUE_FILL_QUEUE;
    const bool waiting = view->waiting_count > 0;
    struct msim_quote_data before = standing(past);
    int r = MSIM_OK;

    if (!waiting && robots_resting(venue, instrument) == 0 && !(queue && past->quoted))
        return MSIM_OK;
    r = fill_resting(venue, instrument, MSIM_SIDE_SELL, sale);
    if (r == MSIM_OK)
        r = fill_resting(venue, instrument, MSIM_SIDE_BUY, sale);
    if (queue)
        before = standing(past);
    if (r == MSIM_OK && waiting)
        r = print(venue, instrument, view, sale->price);
    /* What its own taking met is there again; in a queue it has traded. */
    if (r == MSIM_OK && (!queue || waiting))
        r = requote(venue, instrument, &before, view->params.tick);
    return r;
}

static int trade_record(struct msim_venue *venue, const struct msim_record *record,
                        uint32_t instrument, const struct msim_instrument_view *view)
{
    const struct msim_instrument_params *terms = &view->params;
    struct past *past = venue->markets[instrument].past;
    struct sale sale = {.time = record->time, .side = record->as.trade.side};
    struct msim_quote_data quote;
    int r;

    if (record->flags & (MSIM_RECORD_NO_PRICE | MSIM_RECORD_NO_QUANTITY) ||
        sale.side > MSIM_SIDE_SELL ||
        !on_grid(record->as.trade.price, terms->tick, record->price_exponent, terms->price_exponent,
                 &sale.price) ||
        !on_grid(record->as.trade.quantity, terms->lot, record->quantity_exponent,
                 terms->quantity_exponent, &sale.quantity)) {
        venue->statistics.off_grid++;
        return MSIM_OK;
    }
    sale.trade = record->as.trade.id ? record->as.trade.id : ++past->trades;
    sale.notional = notional_of(venue, view, &sale);
    r = msim_market_trade(venue, instrument, &sale);
    if (r == MSIM_OK)
        r = meet_orders(venue, instrument, view, &sale);
    if (r == MSIM_OK && !past->quoted) {
        guess_quote(venue, past, &sale, terms->tick, &quote);
        r = requote(venue, instrument, &quote, terms->tick);
    }
    return r;
}

static msim_qty whole_lots(const struct msim_record *record, msim_qty quantity,
                           const struct msim_instrument_params *terms)
{
    msim_qty scaled = 0;
    const int64_t divisor = record->quantity_exponent < terms->quantity_exponent
                                ? msim_pow10[terms->quantity_exponent - record->quantity_exponent]
                                : 1;

    if (quantity <= 0)
        return 0;
    if (divisor > 1)
        scaled = quantity / divisor;
    else if (msim_decimal_rescale(quantity, record->quantity_exponent, terms->quantity_exponent,
                                  &scaled) < 0)
        return terms->max_quantity;
    scaled -= scaled % terms->lot;
    return scaled > terms->max_quantity ? terms->max_quantity : scaled;
}

static int quote_record(struct msim_venue *venue, const struct msim_record *record,
                        uint32_t instrument, const struct msim_instrument_view *view)
{
    const struct msim_quote_data *said = &record->as.quote;
    const struct msim_instrument_params *terms = &view->params;
    struct past *past = venue->markets[instrument].past;
    struct msim_quote_data quote = {
        .bid_quantity = whole_lots(record, said->bid_quantity, terms),
        .ask_quantity = whole_lots(record, said->ask_quantity, terms),
    };

    if ((said->bid != 0 && !on_grid(said->bid, terms->tick, record->price_exponent,
                                    terms->price_exponent, &quote.bid)) ||
        (said->ask != 0 && !on_grid(said->ask, terms->tick, record->price_exponent,
                                    terms->price_exponent, &quote.ask)) ||
        (quote.bid && quote.ask && quote.bid >= quote.ask)) {
        venue->statistics.off_grid++;
        return MSIM_OK;
    }
    past->quoted = true;
    return requote(venue, instrument, &quote, terms->tick);
}

int msim_history_step(struct msim_venue *venue, msim_time now)
{
    struct history *history = venue->history;
    struct msim_instrument_view view;
    uint32_t instrument;

    if (venue->now < now)
        venue->now = now;
    if (history->at == history->count)
        return MSIM_OK;
    const struct msim_record *record = &history->batch[history->at++];
    venue->statistics.records++;
    int r = instrument_of(venue, record, &instrument);
    if (r < 0)
        return r;
    if (instrument == UNKNOWN) {
        venue->statistics.unknown_symbols++;
        return MSIM_OK;
    }
    msim_engine_instrument(venue->engine, instrument, &view);
    if (!venue->markets[instrument].past) {
        r = msim_history_begin(venue, instrument, &view.params);
        if (r < 0)
            return r;
    }
    if (view.params.state != MSIM_STATE_TRADING)
        return MSIM_OK;
    if (record->kind == MSIM_RECORD_TRADE)
        return trade_record(venue, record, instrument, &view);
    if (record->kind == MSIM_RECORD_QUOTE)
        return quote_record(venue, record, instrument, &view);
    venue->statistics.off_grid++;
    return MSIM_OK;
}

/* The first record of an instrument: history is its market from now on. */
int msim_history_begin(struct msim_venue *venue, uint32_t instrument,
                       const struct msim_instrument_params *terms)
{
    struct market *market = &venue->markets[instrument];

    if (market->driver == DRIVER_LIQUIDITY)
        return msim_detail_set(&venue->failure_detail, MSIM_ERR_STATE,
                               "%s has a house that quotes, and history: turn one off",
                               terms->symbol);
    int r = msim_house_fund(venue, terms);
    if (r < 0)
        return r;
    market->past = msim_mem_zero(&venue->allocator, sizeof *market->past);
    if (!market->past)
        return MSIM_ERR_NOMEM;
    market->past->last_side = MSIM_SIDE_BUY;
    market->driver = DRIVER_HISTORY;
    return MSIM_OK;
}

/* A restored venue has done with so many records. */
static int pass_over(struct msim_venue *venue, struct msim_detail *detail)
{
    struct history *history = venue->history;

    for (uint64_t left = venue->statistics.records; left > 0;) {
        if (history->at == history->count && !history->ended)
            refill(venue, history);
        if (history->at == history->count)
            return msim_detail_set(detail, MSIM_ERR_STATE,
                                   "history ends before the record that the venue was at");
        const size_t here = history->count - history->at;
        const size_t part = left < here ? (size_t)left : here;
        history->at += part;
        left -= part;
    }
    return MSIM_OK;
}

int msim_venue_history_set(struct msim_venue *venue, struct msim_source *source,
                           const struct msim_venue_history *params, struct msim_detail *detail)
{
    const struct msim_venue_history usual = MSIM_VENUE_HISTORY_INIT;

    if (!params)
        params = &usual;
    if (!venue || !source || !source->ops || params->size != sizeof *params ||
        params->fills > MSIM_VENUE_FILL_QUEUE || params->quantity < 0)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "history wants an open source, and params that begin with "
                               "MSIM_VENUE_HISTORY_INIT");
    if (venue->history)
        return msim_detail_set(detail, MSIM_ERR_STATE,
                               "the venue has a history: merge several sources into one");
    struct history *made = msim_mem_zero(&venue->allocator, sizeof *made);
    if (!made)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "%s", msim_result_text(MSIM_ERR_NOMEM));
    made->params = *params;
    if (made->params.spread == 0)
        made->params.spread = 1;
    made->source = *source;
    *source = (struct msim_source){0};
    venue->history = made;
    msim_history_may_look(venue, LOOK_TO_THE_END);
    return pass_over(venue, detail);
}

void msim_history_finish(struct msim_venue *venue)
{
    struct history *history = venue->history;

    if (!history)
        return;
    msim_source_release(&history->source);
    msim_mem_free(&venue->allocator, history->instruments,
                  history->symbol_capacity * sizeof *history->instruments);
    msim_mem_free(&venue->allocator, history, sizeof *history);
}
