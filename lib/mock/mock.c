/*
 * The lanes of all symbols as one source, in order of (time, bars first, symbol).
 */
#include <marketsim/mock.h>

#include <assert.h>
#include <string.h>

#include "base/detail.h"
#include "base/due.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/random.h"
#include "mock/lane.h"
#include "mock/math.h"
#include "record/symbols.h"

/* What the params leave open. */
#define INTERVAL (2 * MSIM_NS_PER_S)
#define BRANCHING 0.6
#define FIRST_PRICE 100
#define PRICE_EXPONENT (-2)
#define LOT 100
#define SESSIONS_PER_YEAR 252
#define SESSION_SECONDS 23400.0

/* Starts and ends stay so far within int64 that the time between two of them fits as well. */
#define TIME_BOUND INT64_C(4500000000000000000)
/* Under a correlation a night is gone through in steps of the interval. */
#define NIGHT_CELLS_MAX 1000000
#define LOT_MAX INT64_C(1000000000)

struct mock {
    struct msim_mock_market market;
    struct msim_mock_lane *lanes;
    size_t count;
    uint64_t *keys;
    struct msim_mock_scripted *script;
    size_t script_count;
    struct msim_mock_correlation correlation;
    /*
     * Which lane is next.  On the grid most lanes are due at the same moments and are
     * gone through in their order; elsewhere, and where bars cut in, a due list tells.
     */
    bool in_turn;
    uint32_t turn;
    msim_time turn_time;
    struct msim_due heads;
    struct msim_symbols symbols;
    uint64_t sequence;
    struct msim_allocator allocator;
};

/* ---- the source ---- */

/* At one moment bars come before events, so that a bar never waits for the next window's trade. */
static uint64_t rank(const struct mock *mock, const struct msim_mock_lane *lane)
{
    return lane->symbol + (lane->bars ? 0 : mock->count);
}

/* A lane that is done with its moment is due later: none before `turn` is due at `turn_time`. */
static struct msim_mock_lane *lane_in_turn(struct mock *mock)
{
    for (;;) {
        for (; mock->turn < mock->count; mock->turn++)
            if (mock->lanes[mock->turn].due == mock->turn_time)
                return &mock->lanes[mock->turn];
        mock->turn = 0;
        mock->turn_time = MSIM_TIME_NEVER;
        for (size_t i = 0; i < mock->count; i++)
            if (mock->lanes[i].due < mock->turn_time)
                mock->turn_time = mock->lanes[i].due;
    }
}

/* The lane whose record comes next; NULL where nothing does before the end. */
static struct msim_mock_lane *next_lane(struct mock *mock)
{
    struct msim_mock_lane *lane =
        mock->in_turn ? lane_in_turn(mock) : &mock->lanes[msim_due_peek(&mock->heads)->value];
    msim_time end = mock->market.params.end;

    if (lane->due == MSIM_TIME_NEVER || lane->due > end || (lane->due == end && !lane->bars))
        return NULL;
    return lane;
}

static bool step(struct mock *mock, struct msim_mock_lane *lane, struct msim_record *record)
{
    bool told = msim_mock_lane_step(&mock->market, lane, record);

    if (!mock->in_turn)
        msim_due_replace(&mock->heads, lane->due, rank(mock, lane), lane->symbol);
    return told;
}

/* Passes over what is not told, so that `next_due` is the time of a record. */
static void settle(struct mock *mock)
{
    struct msim_mock_lane *lane;

    while ((lane = next_lane(mock)) && !msim_mock_lane_tells(&mock->market, lane))
        step(mock, lane, NULL);
}

static int fail(const struct mock *mock, const struct msim_mock_lane *lane,
                struct msim_detail *detail)
{
    return msim_detail_set(detail, MSIM_ERR_INVALID,
                           "%s: the user's model gave no price at event %llu: it must be finite "
                           "and above 0",
                           msim_symbols_text(&mock->symbols, lane->symbol, NULL),
                           (unsigned long long)lane->number);
}

static int mock_pull(void *self, struct msim_record *records, size_t capacity, size_t *count,
                     struct msim_detail *detail)
{
    struct mock *mock = self;
    struct msim_mock_lane *lane = NULL;
    size_t given = 0;

    while (given < capacity && (lane = next_lane(mock)) && lane->phase != MSIM_MOCK_PHASE_FAILED) {
        if (step(mock, lane, &records[given]))
            records[given++].sequence = mock->sequence++;
    }
    settle(mock);
    if (given > 0) {
        *count = given;
        return MSIM_PULL_RECORD;
    }
    return lane ? fail(mock, lane, detail) : MSIM_PULL_END;
}

static msim_time mock_next_due(void *self)
{
    struct msim_mock_lane *lane = next_lane(self);

    return lane ? lane->due : MSIM_TIME_NEVER;
}

static const char *mock_symbol(void *self, uint32_t id, size_t *length)
{
    struct mock *mock = self;

    return msim_symbols_text(&mock->symbols, id, length);
}

static void mock_release(void *self)
{
    struct mock *mock = self;
    struct msim_allocator allocator = mock->allocator;

    msim_mock_correlation_finish(&mock->correlation);
    msim_due_finish(&mock->heads);
    msim_symbols_finish(&mock->symbols);
    msim_mem_free(&allocator, mock->script, mock->script_count * sizeof *mock->script);
    msim_mem_free(&allocator, mock->keys, mock->count * sizeof *mock->keys);
    msim_mem_free(&allocator, mock->lanes, mock->count * sizeof *mock->lanes);
    msim_mem_free(&allocator, mock, sizeof *mock);
}

static const struct msim_source_ops mock_ops = {
    .pull = mock_pull,
    .next_due = mock_next_due,
    .symbol = mock_symbol,
    .release = mock_release,
};

/* ---- params ---- */

static bool is_part(double value, double below)
{
    return value >= 0 && value < below;
}

/* Fills in what was left open. */
static int complete(struct msim_mock_params *params, struct msim_detail *detail)
{
    if (!params->symbols)
        params->symbols = msim_mock_default_symbols(&params->symbol_count);
    if (params->symbol_count == 0 || params->symbol_count > MSIM_MOCK_SYMBOLS_MAX)
        return msim_detail_set(detail, MSIM_ERR_LIMIT, "symbols: %zu, must be 1 to %d",
                               params->symbol_count, MSIM_MOCK_SYMBOLS_MAX);
    if (params->model.kind == MSIM_MOCK_DEFAULT)
        msim_mock_model_init(&params->model, MSIM_MOCK_GBM);
    if (params->interval == 0)
        params->interval = INTERVAL;
    if (params->interval < 1 || params->interval > MSIM_MOCK_INTERVAL_MAX)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "interval: 1 ns to 24 h");
    if (params->end == 0)
        params->end = TIME_BOUND;
    if (params->start < -TIME_BOUND || params->end < params->start || params->end > TIME_BOUND)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "start and end: the end is not before the start, both within 142 "
                               "years of 1970");
    if (params->lead < 0 || params->lead > MSIM_MOCK_INTERVAL_MAX)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "lead: 0 to 24 h");
    return MSIM_OK;
}

static int complete_laws(struct msim_mock_params *params, struct msim_detail *detail)
{
    double sessions = SESSION_SECONDS;
    const struct msim_mock_calendar *calendar = &params->calendar;

    if (params->selection > MSIM_MOCK_ONE || params->arrivals > MSIM_MOCK_HAWKES)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "selection, arrivals: no such kind; see mock.h");
    if (params->selection == MSIM_MOCK_ONE && params->arrivals != MSIM_MOCK_GRID)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "one symbol for each tick needs ticks: arrivals on the grid, or all "
                               "symbols");
    if (params->branching == 0)
        params->branching = BRANCHING;
    if (params->decay == 0)
        params->decay = params->interval > 2 ? 2e9 / (double)params->interval : 1e9;
    if (!is_part(params->branching, 1) || !(params->decay > 0 && params->decay <= 1e9))
        return msim_detail_set(
            detail, MSIM_ERR_INVALID,
            "Hawkes: branching from 0 to below 1, decay above 0 to 1e9 per second");
    if ((params->correlation || params->market > 0) &&
        calendar->overnight / params->interval > NIGHT_CELLS_MAX)
        return msim_detail_set(detail, MSIM_ERR_LIMIT,
                               "calendar: under a correlation overnight is at most %d intervals; "
                               "shorten it, or lengthen the interval",
                               NIGHT_CELLS_MAX);
    if (!is_part(params->market, 1) || (params->market > 0 && params->correlation))
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "market: a correlation from 0 to below 1, and not with a matrix");
    if (calendar->enabled && (calendar->open != 0 || calendar->close != 0))
        sessions = (double)(calendar->close - calendar->open) * 1e-9;
    if (params->year == 0)
        params->year = SESSIONS_PER_YEAR * (sessions + (double)calendar->overnight * 1e-9);
    if (!(params->year >= 1 && params->year <= 1e10))
        return msim_detail_set(detail, MSIM_ERR_INVALID, "year: 1 to 1e10 seconds");
    return MSIM_OK;
}

/* ---- symbols ---- */

static int add_name(struct mock *mock, const struct msim_mock_symbol *symbol, uint32_t place,
                    struct msim_detail *detail)
{
    size_t length = symbol->length || !symbol->name ? symbol->length : strlen(symbol->name);
    uint32_t id;

    if (!symbol->name || length == 0 || length > MSIM_MOCK_NAME_MAX)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "symbol %u: a name of 1 to %d bytes",
                               place + 1, MSIM_MOCK_NAME_MAX);
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)symbol->name[i];
        if (byte <= ' ' || byte == 0x7f)
            return msim_detail_set(detail, MSIM_ERR_INVALID,
                                   "symbol %u: byte %zu of its name is a space or a control byte",
                                   place + 1, i + 1);
    }
    int r = msim_symbols_intern(&mock->symbols, symbol->name, length, &id);
    if (r < 0)
        return msim_detail_set(detail, r, "%s", msim_result_text(r));
    if (id != place)
        return msim_detail_set(detail, MSIM_ERR_EXISTS,
                               "symbol %u: %.*s is there already; name each once", place + 1,
                               (int)length, symbol->name);
    return MSIM_OK;
}

static uint64_t stream_key(uint64_t seed, const char *name, size_t length)
{
    char full[MSIM_MOCK_NAME_MAX + 5] = "mock/";

    memcpy(full + 5, name, length);
    return msim_random_key(seed, full, length + 5);
}

static double unit_of(int8_t exponent)
{
    return 1 / (double)msim_pow10[-exponent];
}

/* The first price in units of the tick. */
static int first_price(const struct msim_mock_symbol *symbol, struct msim_mock_lane *lane,
                       struct msim_detail *detail, double *first)
{
    int8_t exponent = symbol->price_exponent == 0 ? PRICE_EXPONENT : symbol->price_exponent;
    msim_price tick = symbol->tick == 0 ? 1 : symbol->tick;
    msim_price price = symbol->price;

    if (exponent < MSIM_EXPONENT_MIN || exponent > MSIM_EXPONENT_MAX)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "price_exponent is %d, must be %d to %d",
                               exponent, MSIM_EXPONENT_MIN, MSIM_EXPONENT_MAX);
    if (price == 0 && !msim_mul_check(FIRST_PRICE, msim_pow10[-exponent], &price))
        price = MSIM_MOCK_PRICE_MAX;
    if (tick < 0 || price < 0 || price > MSIM_MOCK_PRICE_MAX || price % tick != 0)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "the first price %lld must be a multiple of the tick %lld, at most "
                               "%lld (mantissas at exponent %d)",
                               (long long)price, (long long)tick, (long long)MSIM_MOCK_PRICE_MAX,
                               exponent);
    lane->price_exponent = exponent;
    lane->tick = tick;
    int64_t most = MSIM_MOCK_PRICE_MAX / tick; /* whole ticks */
    lane->most = (double)most;
    *first = (double)(price / tick);
    return MSIM_OK;
}

static int quantities(const struct msim_mock_symbol *symbol, struct msim_mock_lane *lane,
                      struct msim_detail *detail)
{
    lane->lot = symbol->lot == 0 ? LOT : symbol->lot;
    lane->quantity_exponent = symbol->quantity_exponent;
    if (lane->lot < 0 || lane->lot > LOT_MAX || symbol->quantity_exponent < MSIM_EXPONENT_MIN ||
        symbol->quantity_exponent > MSIM_EXPONENT_MAX)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "lot must be 1 to %lld and quantity_exponent %d to %d",
                               (long long)LOT_MAX, MSIM_EXPONENT_MIN, MSIM_EXPONENT_MAX);
    return MSIM_OK;
}

static int start_lane(struct mock *mock, uint32_t place, struct msim_detail *detail)
{
    const struct msim_mock_params *params = &mock->market.params;
    const struct msim_mock_symbol *symbol = &params->symbols[place];
    struct msim_mock_lane *lane = &mock->lanes[place];
    struct msim_mock_correlation *correlation =
        params->correlation || params->market > 0 ? &mock->correlation : NULL;
    struct msim_mock_model model =
        symbol->model.kind == MSIM_MOCK_DEFAULT ? params->model : symbol->model;
    double first = 0;

    int r = msim_mock_model_check(&model, detail);
    if (r == MSIM_OK)
        r = first_price(symbol, lane, detail, &first);
    if (r == MSIM_OK)
        r = quantities(symbol, lane, detail);
    if (r < 0)
        return msim_detail_prefix(detail, r, "symbol %s",
                                  msim_symbols_text(&mock->symbols, place, NULL));
    lane->symbol = place;
    lane->key = mock->keys[place];
    lane->script = (struct msim_mock_script){
        .events = mock->script,
        .count = mock->script_count,
        .symbol = place,
        .settled = 1,
        .start = params->start,
    };
    msim_mock_path_init(&lane->path, &model, lane->key, place, first,
                        (double)lane->tick * unit_of(lane->price_exponent), params->year * 1e9,
                        correlation);
    msim_mock_lane_start(&mock->market, lane);
    return msim_due_push_ranked(&mock->heads, lane->due, rank(mock, lane), place);
}

/* ---- create ---- */

static int take_memory(struct mock *mock)
{
    const struct msim_mock_params *params = &mock->market.params;
    const struct msim_allocator *allocator = &mock->allocator;

    mock->count = params->symbol_count;
    mock->lanes = msim_mem_zero_array(allocator, mock->count, sizeof *mock->lanes);
    mock->keys = msim_mem_take_array(allocator, mock->count, sizeof *mock->keys);
    mock->market.keys = mock->keys;
    mock->script_count = params->scenario_count;
    if (mock->script_count > 0)
        mock->script = msim_mem_take_array(allocator, mock->script_count, sizeof *mock->script);
    if (!mock->lanes || !mock->keys || (mock->script_count > 0 && !mock->script))
        return MSIM_ERR_NOMEM;
    return msim_due_init(&mock->heads, mock->count, mock->count, allocator);
}

static int name_symbols(struct mock *mock, struct msim_detail *detail)
{
    const struct msim_mock_params *params = &mock->market.params;

    for (uint32_t i = 0; i < mock->count; i++) {
        int r = add_name(mock, &params->symbols[i], i, detail);
        if (r < 0)
            return r;
        size_t length;
        const char *name = msim_symbols_text(&mock->symbols, i, &length);
        mock->keys[i] = stream_key(params->seed, name, length);
    }
    return MSIM_OK;
}

static int build(struct mock *mock, struct msim_detail *detail)
{
    struct msim_mock_market *market = &mock->market;
    const struct msim_mock_params *params = &market->params;

    int r = msim_mock_clock_init(&market->clock, params, detail);
    if (r == MSIM_OK)
        r = msim_mock_quoting_init(&market->quoting, params, detail);
    if (r < 0)
        return r;
    if (params->scenario_count > MSIM_MOCK_SCENARIO_MAX ||
        (params->scenario_count > 0 && !params->scenario))
        return msim_detail_set(detail, MSIM_ERR_LIMIT, "scenario: an array of at most %d events",
                               MSIM_MOCK_SCENARIO_MAX);
    r = take_memory(mock);
    if (r < 0)
        return msim_detail_set(detail, r, "%s", msim_result_text(r));
    r = name_symbols(mock, detail);
    if (r == MSIM_OK)
        r = msim_mock_script_read(params, &mock->symbols, mock->script, detail);
    if (r == MSIM_OK && (params->correlation || params->market > 0))
        r = msim_mock_correlation_init(&mock->correlation, params, mock->keys, params->interval,
                                       &mock->allocator, detail);
    for (uint32_t i = 0; i < mock->count && r == MSIM_OK; i++)
        r = start_lane(mock, i, detail);
    return r;
}

int msim_source_mock(struct msim_source *out, const struct msim_mock_params *params,
                     struct msim_detail *detail)
{
    if (!out || !params || params->size != sizeof *params)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "params must come from MSIM_MOCK_PARAMS_INIT");
    struct msim_mock_params completed = *params;
    int r = complete(&completed, detail);
    if (r == MSIM_OK)
        r = complete_laws(&completed, detail);
    if (r < 0)
        return r;

    struct msim_allocator allocator = msim_mem_allocator(params->allocator);
    struct mock *mock = msim_mem_zero(&allocator, sizeof *mock);
    if (!mock)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "%s", msim_result_text(MSIM_ERR_NOMEM));
    mock->allocator = allocator;
    mock->market.params = completed;
    mock->market.drawn_number = UINT64_MAX;
    msim_symbols_init(&mock->symbols, MSIM_MOCK_SYMBOLS_MAX, &allocator);
    /* So that a half-made one can be released. */
    mock->correlation.allocator = allocator;
    mock->heads.allocator = allocator;
    r = build(mock, detail);
    if (r < 0) {
        mock_release(mock);
        return r;
    }
    mock->in_turn = completed.arrivals == MSIM_MOCK_GRID && !completed.bars;
    mock->turn_time = INT64_MIN;
    /* Borrowed for the create alone. */
    mock->market.params.symbols = NULL;
    mock->market.params.correlation = NULL;
    mock->market.params.scenario = NULL;
    settle(mock);
    *out = (struct msim_source){.ops = &mock_ops, .self = mock};
    return MSIM_OK;
}
