#include "mock/lane.h"

#include <assert.h>
#include <string.h>

#include "base/number.h"
#include "mock/draw.h"
#include "mock/math.h"

static const msim_time bar_length[2] = {MSIM_NS_PER_S, 60 * MSIM_NS_PER_S};
static const uint8_t bar_flag[2] = {MSIM_RECORD_SECOND, MSIM_RECORD_MINUTE};

/* ---- when the next event comes ---- */

/* The first tick at or behind a moment that is not before the start. */
static uint64_t tick_at(const struct msim_mock_market *market, msim_time time)
{
    uint64_t since = (uint64_t)time - (uint64_t)market->params.start;
    uint64_t interval = (uint64_t)market->params.interval;

    return since / interval + (since % interval != 0);
}

static msim_time time_of_tick(const struct msim_mock_market *market, uint64_t tick)
{
    int64_t since;
    msim_time time;

    if (tick > INT64_MAX || !msim_mul_check((int64_t)tick, market->params.interval, &since) ||
        !msim_add_check(market->params.start, since, &time))
        return MSIM_TIME_NEVER;
    return time;
}

static msim_time grid_time(const struct msim_mock_market *market, struct msim_mock_lane *lane)
{
    msim_time time = time_of_tick(market, lane->number);

    if (time == MSIM_TIME_NEVER)
        return time;
    for (;;) {
        msim_time wanted = msim_mock_clock_next_open(&market->clock, time);
        if (wanted < lane->halt_end)
            wanted = lane->halt_end;
        if (wanted <= time || wanted == MSIM_TIME_NEVER)
            return wanted <= time ? time : MSIM_TIME_NEVER;
        lane->number = tick_at(market, wanted);
        time = time_of_tick(market, lane->number);
    }
}

static msim_time random_time(const struct msim_mock_market *market,
                             const struct msim_mock_lane *lane)
{
    int64_t business;

    if (!msim_add_check(lane->business, lane->halted, &business))
        return MSIM_TIME_NEVER;
    return msim_mock_clock_time(&market->clock, business);
}

static msim_time steady_time(const struct msim_mock_market *market,
                             const struct msim_mock_lane *lane)
{
    msim_time time;

    return msim_add_check(market->params.start, lane->since[lane->number % MSIM_MOCK_AHEAD], &time)
               ? time
               : MSIM_TIME_NEVER;
}

static msim_time planned_time(const struct msim_mock_market *market, struct msim_mock_lane *lane)
{
    if (lane->steady)
        return steady_time(market, lane);
    return market->params.arrivals == MSIM_MOCK_GRID ? grid_time(market, lane)
                                                     : random_time(market, lane);
}

/* Halts that begin before the event put it off; returns whether there was one. */
static bool sit_out_halts(const struct msim_mock_market *market, struct msim_mock_lane *lane,
                          msim_time *time)
{
    msim_time begin;
    msim_time end;
    bool any = false;

    while (msim_mock_script_halt(&lane->script, &begin, &end) && begin <= *time) {
        lane->script.halt++;
        if (begin < lane->halt_end)
            begin = lane->halt_end;
        if (end <= begin)
            continue;
        any = true;
        lane->halted += msim_mock_clock_business(&market->clock, end).business -
                        msim_mock_clock_business(&market->clock, begin).business;
        lane->halt_end = end;
        *time = planned_time(market, lane);
    }
    return any;
}

/* The moment of event `number`; MSIM_TIME_NEVER where time itself ends. */
static void plan(const struct msim_mock_market *market, struct msim_mock_lane *lane)
{
    msim_time before = lane->event_time;
    msim_time time = planned_time(market, lane);
    bool apart = !lane->steady && sit_out_halts(market, lane, &time);

    if (time < before)
        time = before;
    lane->event_time = time;
    msim_time gap = (time - before) / 2;
    msim_time lead = market->params.lead < gap ? market->params.lead : gap;
    if (!market->clock.plain && time != MSIM_TIME_NEVER) {
        int64_t session = msim_mock_clock_business(&market->clock, time).session;
        apart = apart || session != lane->session;
        lane->session = session;
    }
    /* A quote never lies in a halt or before the open. */
    lane->quote_time = apart ? time : time - lead;
}

/* ---- what it is ---- */

/* The symbol of a tick: each has a number of its own there, and the highest is drawn. */
static uint32_t symbol_drawn(struct msim_mock_market *market, uint64_t number)
{
    uint64_t best = 0;

    if (market->drawn_number == number)
        return market->drawn_symbol;
    market->drawn_number = number;
    market->drawn_symbol = 0;
    for (uint32_t i = 0; i < market->params.symbol_count; i++) {
        uint64_t weight = msim_mix64(market->keys[i] ^ msim_mix64(number));
        if (weight > best) {
            best = weight;
            market->drawn_symbol = i;
        }
    }
    return market->drawn_symbol;
}

static int64_t model_time(const struct msim_mock_market *market, const struct msim_mock_lane *lane)
{
    struct msim_mock_moment moment = msim_mock_clock_business(&market->clock, lane->event_time);

    return moment.business - lane->halted +
           (moment.session - lane->first_session) * market->params.calendar.overnight;
}

static void find_due(const struct msim_mock_market *market, struct msim_mock_lane *lane)
{
    lane->due = lane->phase == MSIM_MOCK_PHASE_QUOTE ? lane->quote_time : lane->event_time;
    lane->bars = 0;
    if (!market->params.bars)
        return;
    for (int i = 0; i < 2; i++) {
        if (lane->bar[i].end == MSIM_TIME_NEVER || lane->bar[i].end > lane->due)
            continue;
        if (lane->bar[i].end < lane->due)
            lane->bars = 0;
        lane->due = lane->bar[i].end;
        lane->bars = (uint8_t)(lane->bars | 1 << i);
    }
}

_Static_assert(MSIM_MOCK_AHEAD == MSIM_MOCK_DRAWS, "draws are made at once");
_Static_assert(MSIM_MOCK_AHEAD == MSIM_MOCK_NORMALS, "normal numbers are made at once");

static void draw_ahead(struct msim_mock_lane *lane, uint64_t ahead)
{
    uint64_t first[MSIM_MOCK_AHEAD];

    lane->ahead = ahead;
    msim_mock_draws(lane->key, ahead * MSIM_MOCK_AHEAD, MSIM_MOCK_DRAW_EVENT, first, lane->bits);
    msim_mock_normals(first, lane->normal);
}

static void next_arrival(const struct msim_mock_market *market, struct msim_mock_lane *lane,
                         uint64_t number)
{
    if (market->params.arrivals == MSIM_MOCK_GRID)
        return;
    int64_t wait = msim_mock_arrival_wait(&lane->arrival, lane->key, number);
    if (!msim_add_check(lane->business, wait, &lane->business))
        lane->business = INT64_MAX;
}

/* Times, prices and quotes of a steady lane's next events. */
static void events_ahead(const struct msim_mock_market *market, struct msim_mock_lane *lane)
{
    double price[MSIM_MOCK_AHEAD];
    uint64_t first = lane->number;

    draw_ahead(lane, first / MSIM_MOCK_AHEAD);
    for (size_t i = 0; i < MSIM_MOCK_AHEAD; i++) {
        next_arrival(market, lane, first + i);
        lane->since[i] = lane->business;
        if (market->params.arrivals == MSIM_MOCK_GRID &&
            (first + i > INT64_MAX ||
             !msim_mul_check((int64_t)(first + i), market->params.interval, &lane->since[i])))
            lane->since[i] = INT64_MAX;
    }
    for (size_t i = 0; i < MSIM_MOCK_AHEAD; i++) {
        int64_t since = lane->since[i] == INT64_MAX ? lane->path.now : lane->since[i];
        /* Only a user's model has no price, and that is never made ahead. */
        if (msim_mock_path_move(&lane->path, since, first + i, lane->normal[i], 0, &price[i]) < 0)
            price[i] = 0;
    }
    for (size_t i = 0; i < MSIM_MOCK_AHEAD; i++)
        msim_mock_quote(&market->quoting, &lane->book, price[i], lane->most, 1, lane->bits[i],
                        &lane->tell[i]);
}

/* Price and quote of an event that the outside has a hand in; false where there is no price. */
static bool event_alone(const struct msim_mock_market *market, struct msim_mock_lane *lane)
{
    size_t place = lane->number % MSIM_MOCK_AHEAD;
    struct msim_mock_effect effect = {1, 1, false};
    double price;

    if (lane->ahead != lane->number / MSIM_MOCK_AHEAD)
        draw_ahead(lane, lane->number / MSIM_MOCK_AHEAD);
    if (msim_mock_path_move(&lane->path, model_time(market, lane), lane->number,
                            lane->normal[place], lane->event_time, &price) < 0)
        return false;
    if (lane->script.count > 0)
        effect = msim_mock_script_at(&lane->script, lane->event_time);
    lane->silent = effect.silent;
    msim_mock_quote(&market->quoting, &lane->book, price * effect.factor, lane->most,
                    effect.widened, lane->bits[place], &lane->tell[place]);
    return true;
}

/* Event `number`: when it comes and what it is. */
static void make_event(struct msim_mock_market *market, struct msim_mock_lane *lane)
{
    lane->phase = MSIM_MOCK_PHASE_QUOTE;
    lane->silent = false;
    if (!lane->steady)
        next_arrival(market, lane, lane->number);
    else if (lane->ahead != lane->number / MSIM_MOCK_AHEAD)
        events_ahead(market, lane);
    plan(market, lane);
    if (!lane->steady && lane->event_time != MSIM_TIME_NEVER && !event_alone(market, lane)) {
        lane->phase = MSIM_MOCK_PHASE_FAILED;
        lane->due = lane->quote_time;
        lane->bars = 0;
        return;
    }
    if (market->params.selection == MSIM_MOCK_ONE &&
        symbol_drawn(market, lane->number) != lane->symbol)
        lane->silent = true;
    find_due(market, lane);
}

void msim_mock_lane_start(struct msim_mock_market *market, struct msim_mock_lane *lane)
{
    const struct msim_mock_params *params = &market->params;

    lane->steady =
        market->clock.plain && lane->script.count == 0 && lane->path.model.kind != MSIM_MOCK_USER;
    lane->event_time = params->start;
    lane->ahead = UINT64_MAX;
    lane->halt_end = params->start;
    lane->bar[0].end = MSIM_TIME_NEVER;
    lane->bar[1].end = MSIM_TIME_NEVER;
    lane->first_session = msim_mock_clock_business(&market->clock, params->start).session;
    lane->session = lane->first_session;
    lane->book.id = msim_mock_draw(lane->key, 0, MSIM_MOCK_DRAW_START, 0).first % 90000000;
    if (params->arrivals != MSIM_MOCK_GRID)
        msim_mock_arrival_init(&lane->arrival, params);
    make_event(market, lane);
}

static const struct msim_mock_tell *tell_of(const struct msim_mock_lane *lane)
{
    return &lane->tell[lane->number % MSIM_MOCK_AHEAD];
}

/* ---- telling it: field by field, where a whole struct would be made twice ---- */

static void head(const struct msim_mock_lane *lane, uint8_t kind, uint8_t flags,
                 struct msim_record *record)
{
    record->time = lane->due;
    record->symbol = lane->symbol;
    record->kind = kind;
    record->flags = flags;
    record->price_exponent = lane->price_exponent;
    record->quantity_exponent = lane->quantity_exponent;
}

static void tell_quote(const struct msim_mock_lane *lane, struct msim_record *record)
{
    const struct msim_mock_tell *tell = tell_of(lane);

    head(lane, MSIM_RECORD_QUOTE, 0, record);
    record->as.quote.bid = tell->bid * lane->tick;
    record->as.quote.ask = tell->ask * lane->tick;
    record->as.quote.bid_quantity = tell->bid_lots * lane->lot;
    record->as.quote.ask_quantity = tell->ask_lots * lane->lot;
    record->as.quote.id = tell->id;
}

static void tell_trade(const struct msim_mock_lane *lane, msim_price price, msim_qty quantity,
                       struct msim_record *record)
{
    head(lane, MSIM_RECORD_TRADE, 0, record);
    record->as.trade.price = price;
    record->as.trade.quantity = quantity;
    record->as.trade.row = 0;
    record->as.trade.id = lane->number + 1;
    record->as.trade.side = (uint8_t)(MSIM_SIDE_BUY + tell_of(lane)->selling);
    memset(record->as.trade.reserved, 0, sizeof record->as.trade.reserved);
}

static bool step_trade(struct msim_mock_market *market, struct msim_mock_lane *lane,
                       struct msim_record *record)
{
    const struct msim_mock_tell *tell = tell_of(lane);
    /* No branch: the side is chance. */
    int64_t above = (tell->ask - tell->bid) * !tell->selling;
    msim_price price = (tell->bid + above) * lane->tick;
    msim_qty quantity = tell->trade_lots * lane->lot;
    bool told = msim_mock_lane_tells(market, lane);

    if (told)
        tell_trade(lane, price, quantity, record);
    if (market->params.bars && !lane->silent) {
        for (int i = 0; i < 2; i++)
            if (market->params.bars >> i & 1)
                msim_mock_bar_trade(&lane->bar[i], bar_length[i], lane->event_time, price,
                                    quantity);
    }
    lane->number++;
    make_event(market, lane);
    return told;
}

static bool step_quote(struct msim_mock_market *market, struct msim_mock_lane *lane,
                       struct msim_record *record)
{
    bool told = msim_mock_lane_tells(market, lane);

    if (told)
        tell_quote(lane, record);
    if (tell_of(lane)->trade_lots == 0) {
        lane->number++;
        make_event(market, lane);
        return told;
    }
    lane->phase = MSIM_MOCK_PHASE_TRADE;
    find_due(market, lane);
    return told;
}

/* The shorter window first. */
static bool step_bar(struct msim_mock_market *market, struct msim_mock_lane *lane,
                     struct msim_record *record)
{
    int i = lane->bars & 1 ? 0 : 1;

    head(lane, MSIM_RECORD_BAR, bar_flag[i], record);
    record->as.bar = lane->bar[i].data;
    lane->bar[i].end = MSIM_TIME_NEVER;
    find_due(market, lane);
    return true;
}

bool msim_mock_lane_tells(const struct msim_mock_market *market, const struct msim_mock_lane *lane)
{
    if (lane->bars || lane->phase == MSIM_MOCK_PHASE_FAILED)
        return true;
    if (lane->silent)
        return false;
    return lane->phase == MSIM_MOCK_PHASE_QUOTE ? !(market->params.hidden & MSIM_MOCK_HIDE_QUOTES)
                                                : !(market->params.hidden & MSIM_MOCK_HIDE_TRADES);
}

bool msim_mock_lane_step(struct msim_mock_market *market, struct msim_mock_lane *lane,
                         struct msim_record *record)
{
    assert(lane->phase != MSIM_MOCK_PHASE_FAILED);
    if (lane->bars)
        return step_bar(market, lane, record);
    if (lane->phase == MSIM_MOCK_PHASE_QUOTE)
        return step_quote(market, lane, record);
    return step_trade(market, lane, record);
}
