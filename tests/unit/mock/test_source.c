#include "check.h"

#include <marketsim/mock.h>
#include <stdlib.h>
#include <string.h>

#define START INT64_C(1700000000000000000) /* a Tuesday, 22:13:20 */
#define S MSIM_NS_PER_S

static struct msim_detail detail;

static struct msim_mock_params usual(void)
{
    struct msim_mock_params params = MSIM_MOCK_PARAMS_INIT;

    params.seed = 42;
    params.start = START;
    params.lead = 364 * MSIM_NS_PER_US;
    return params;
}

/* The first `count` records. */
static struct msim_record *records_of(const struct msim_mock_params *params, size_t count)
{
    struct msim_source source;
    struct msim_record *records = calloc(count, sizeof *records);
    size_t given = 0;

    assert_non_null(records);
    int r = msim_source_mock(&source, params, &detail);
    if (r < 0)
        fail_msg("%s", detail.text);
    while (given < count) {
        size_t got = 0;
        msim_time due = msim_source_next_due(&source);
        /* Batches of changing size: where the cuts lie changes nothing. */
        size_t room = 1 + given % 7 < count - given ? 1 + given % 7 : count - given;
        assert_int_equal(msim_source_pull(&source, records + given, room, &got, &detail),
                         MSIM_PULL_RECORD);
        assert_true(got > 0);
        assert_int_equal(records[given].time, due);
        given += got;
    }
    msim_source_release(&source);
    return records;
}

/* The records of one symbol among others, as many as there are. */
static size_t select_symbol(struct msim_record *records, size_t count, uint32_t symbol)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        if (records[i].symbol != symbol)
            continue;
        records[kept] = records[i];
        records[kept].sequence = kept;
        kept++;
    }
    return kept;
}

static void times_never_fall_and_numbers_are_dense(void **state)
{
    (void)state;
    for (uint32_t arrivals = MSIM_MOCK_GRID; arrivals <= MSIM_MOCK_HAWKES; arrivals++) {
        struct msim_mock_params params = usual();
        params.arrivals = arrivals;
        params.bars = MSIM_MOCK_BARS_SECOND | MSIM_MOCK_BARS_MINUTE;
        params.interval = 300 * MSIM_NS_PER_MS;
        struct msim_record *records = records_of(&params, 5000);
        for (size_t i = 0; i < 5000; i++) {
            assert_int_equal(records[i].sequence, i);
            assert_true(i == 0 || records[i].time >= records[i - 1].time);
            assert_true(records[i].time >= START);
        }
        free(records);
    }
}

static void the_same_seed_gives_the_same_bytes(void **state)
{
    (void)state;
    struct msim_mock_params params = usual();
    struct msim_record *first = records_of(&params, 1000);
    struct msim_record *second = records_of(&params, 1000);
    assert_memory_equal(first, second, 1000 * sizeof *first);
    params.seed++;
    struct msim_record *other = records_of(&params, 1000);
    assert_memory_not_equal(first, other, 1000 * sizeof *first);
    free(first);
    free(second);
    free(other);
}

static void one_more_symbol_changes_nothing_for_the_others(void **state)
{
    static const struct msim_mock_symbol list[] = {{.name = "B"}, {.name = "A"}, {.name = "NEW"}};

    (void)state;
    for (uint32_t arrivals = MSIM_MOCK_GRID; arrivals <= MSIM_MOCK_HAWKES; arrivals++) {
        for (int correlated = 0; correlated < 3; correlated++) {
            const double two[] = {1, 0.7, 0.7, 1};
            const double more[] = {1, 0.7, 0.2, 0.7, 1, -0.1, 0.2, -0.1, 1};
            struct msim_mock_params params = usual();
            params.arrivals = arrivals;
            params.symbols = list;
            params.symbol_count = 2;
            params.market = correlated == 1 ? 0.5 : 0;
            params.correlation = correlated == 2 ? two : NULL;
            params.scenario_count = 0;
            struct msim_record *before = records_of(&params, 2000);
            params.symbol_count = 3;
            params.correlation = correlated == 2 ? more : NULL;
            struct msim_record *after = records_of(&params, 3500);
            for (uint32_t symbol = 0; symbol < 2; symbol++) {
                struct msim_record *a = malloc(2000 * sizeof *a);
                struct msim_record *b = malloc(3500 * sizeof *b);
                assert_true(a && b);
                memcpy(a, before, 2000 * sizeof *a);
                memcpy(b, after, 3500 * sizeof *b);
                size_t n = select_symbol(a, 2000, symbol);
                size_t m = select_symbol(b, 3500, symbol);
                assert_true(n > 800 && m > 800);
                assert_memory_equal(a, b, (n < m ? n : m) * sizeof *a);
                free(a);
                free(b);
            }
            free(before);
            free(after);
        }
    }
}

static void one_symbol_is_drawn_for_each_tick(void **state)
{
    struct msim_mock_params params = usual();
    size_t seen[8] = {0};

    (void)state;
    params.selection = MSIM_MOCK_ONE;
    struct msim_record *records = records_of(&params, 8000);
    for (size_t i = 0; i < 8000; i += 2) {
        assert_int_equal(records[i].kind, MSIM_RECORD_QUOTE);
        assert_int_equal(records[i + 1].kind, MSIM_RECORD_TRADE);
        assert_int_equal(records[i + 1].symbol, records[i].symbol);
        assert_int_equal(records[i + 1].time, START + (msim_time)(i / 2) * 2 * S);
        seen[records[i].symbol]++;
    }
    for (size_t i = 0; i < 8; i++)
        assert_in_range(seen[i], 400, 600);
    free(records);
}

/* The drawn events are those that the symbols have when all are told. */
static void what_is_drawn_is_what_all_would_tell(void **state)
{
    struct msim_mock_params params = usual();

    (void)state;
    struct msim_record *all = records_of(&params, 16000);
    params.selection = MSIM_MOCK_ONE;
    struct msim_record *drawn = records_of(&params, 1000);
    size_t at = 0;
    for (size_t i = 0; i < 1000; i++) {
        while (at < 16000 && (all[at].time != drawn[i].time || all[at].symbol != drawn[i].symbol ||
                              all[at].kind != drawn[i].kind))
            at++;
        assert_true(at < 16000);
        struct msim_record expected = all[at];
        expected.sequence = i;
        assert_memory_equal(&expected, &drawn[i], sizeof expected);
    }
    free(all);
    free(drawn);
}

static void bars_are_what_the_trades_say(void **state)
{
    struct msim_mock_params params = usual();

    (void)state;
    params.arrivals = MSIM_MOCK_POISSON;
    params.interval = 200 * MSIM_NS_PER_MS;
    params.symbol_count = 1;
    params.symbols = msim_mock_default_symbols(NULL);
    params.bars = MSIM_MOCK_BARS_SECOND | MSIM_MOCK_BARS_MINUTE;
    struct msim_record *records = records_of(&params, 20000);
    struct msim_bar_data open[2] = {{0}};
    bool any[2] = {false, false};
    size_t told[2] = {0, 0};
    for (size_t i = 0; i < 20000; i++) {
        const struct msim_record *record = &records[i];
        if (record->kind == MSIM_RECORD_TRADE) {
            msim_price price = record->as.trade.price;
            for (int k = 0; k < 2; k++) {
                if (!any[k])
                    open[k] = (struct msim_bar_data){price, price, price, price, 0};
                any[k] = true;
                open[k].high = price > open[k].high ? price : open[k].high;
                open[k].low = price < open[k].low ? price : open[k].low;
                open[k].close = price;
                open[k].volume += record->as.trade.quantity;
            }
        }
        if (record->kind == MSIM_RECORD_BAR) {
            int k = record->flags == MSIM_RECORD_MINUTE;
            assert_int_equal(record->time % (k ? 60 * S : S), 0);
            assert_true(any[k]);
            assert_memory_equal(&open[k], &record->as.bar, sizeof open[k]);
            any[k] = false;
            told[k]++;
        }
    }
    assert_true(told[0] > 1000 && told[1] > 20);
    free(records);
}

/* The mid price of each event of the first symbol, for a grid without lead. */
static void mids(const struct msim_mock_params *params, double *out, size_t count)
{
    struct msim_record *records = records_of(params, 2 * count);

    for (size_t i = 0; i < count; i++) {
        assert_int_equal(records[2 * i].kind, MSIM_RECORD_QUOTE);
        out[i] = (double)(records[2 * i].as.quote.bid + records[2 * i].as.quote.ask) / 2;
    }
    free(records);
}

static struct msim_mock_params calm(const struct msim_mock_event *events, size_t count)
{
    struct msim_mock_params params = usual();

    msim_mock_model_init(&params.model, MSIM_MOCK_GBM);
    params.model.mu = 0;
    params.model.sigma = 0;
    params.symbols = msim_mock_default_symbols(NULL);
    params.symbol_count = 1;
    params.interval = S;
    params.scenario = events;
    params.scenario_count = count;
    return params;
}

static void a_gap_moves_the_price_for_good(void **state)
{
    const struct msim_mock_event gap = {.kind = MSIM_MOCK_GAP, .at = 10 * S, .size = -0.05};
    struct msim_mock_params params = calm(&gap, 1);
    double mid[30];

    (void)state;
    mids(&params, mid, 30);
    for (size_t i = 0; i < 30; i++)
        assert_true(mid[i] - (i < 10 ? 23000 : 21850) <= 1 &&
                    mid[i] - (i < 10 ? 23000 : 21850) >= -1);
}

static void a_crash_falls_fast_and_comes_back(void **state)
{
    const struct msim_mock_event crash = {
        .kind = MSIM_MOCK_CRASH, .at = 10 * S, .length = 20 * S, .size = -0.1};
    struct msim_mock_params params = calm(&crash, 1);
    double mid[40];

    (void)state;
    mids(&params, mid, 40);
    assert_true(mid[9] >= 22999);
    assert_true(mid[14] > 20690 && mid[14] < 20710);
    assert_true(mid[22] > mid[14] && mid[22] < 22999);
    assert_true(mid[30] >= 22999 && mid[30] <= 23001);
}

static void nothing_is_told_in_a_halt_and_the_models_stand_still(void **state)
{
    const struct msim_mock_event halt = {
        .kind = MSIM_MOCK_HALT, .at = 10 * S, .length = 10 * S, .symbol = "AAPL"};

    (void)state;
    for (uint32_t arrivals = MSIM_MOCK_GRID; arrivals <= MSIM_MOCK_HAWKES; arrivals++) {
        struct msim_mock_params params = calm(NULL, 0);
        params.arrivals = arrivals;
        params.model.sigma = 1;
        struct msim_record *plain = records_of(&params, 80);
        params.scenario = &halt;
        params.scenario_count = 1;
        struct msim_record *halted = records_of(&params, 80);
        for (size_t i = 0; i < 80; i++) {
            msim_time since = halted[i].time - START;
            assert_false(since >= 10 * S && since < 20 * S);
            if (since < 10 * S)
                assert_memory_equal(&plain[i], &halted[i], sizeof plain[i]);
            else if (arrivals != MSIM_MOCK_GRID && halted[i].kind == MSIM_RECORD_TRADE) {
                /* Random arrivals stand still as well: all is as before, ten seconds later. */
                assert_int_equal(halted[i].time, plain[i].time + 10 * S);
                assert_int_equal(halted[i].as.trade.price, plain[i].as.trade.price);
            }
        }
        free(plain);
        free(halted);
    }
}

static void overlapping_halts_are_one_long_halt(void **state)
{
    const struct msim_mock_event halts[] = {
        {.kind = MSIM_MOCK_HALT, .at = 12 * S, .length = 10 * S},
        {.kind = MSIM_MOCK_HALT, .at = 5 * S, .length = 9 * S},
        {.kind = MSIM_MOCK_HALT, .at = 13 * S, .length = S},
    };
    const struct msim_mock_event one = {.kind = MSIM_MOCK_HALT, .at = 5 * S, .length = 17 * S};

    (void)state;
    for (uint32_t arrivals = MSIM_MOCK_GRID; arrivals <= MSIM_MOCK_HAWKES; arrivals++) {
        struct msim_mock_params params = calm(halts, COUNT(halts));
        params.arrivals = arrivals;
        struct msim_record *several = records_of(&params, 100);
        params.scenario = &one;
        params.scenario_count = 1;
        struct msim_record *single = records_of(&params, 100);
        assert_memory_equal(several, single, 100 * sizeof *single);
        free(several);
        free(single);
    }
}

static void the_market_goes_on_through_a_silence(void **state)
{
    const struct msim_mock_event silence = {
        .kind = MSIM_MOCK_SILENCE, .at = 10 * S, .length = 10 * S};
    struct msim_mock_params params = calm(NULL, 0);

    (void)state;
    params.model.sigma = 1;
    struct msim_record *plain = records_of(&params, 80);
    params.scenario = &silence;
    params.scenario_count = 1;
    struct msim_record *silent = records_of(&params, 60);
    for (size_t i = 0; i < 60; i++) {
        struct msim_record expected = plain[i < 20 ? i : i + 20];
        expected.sequence = i;
        assert_memory_equal(&expected, &silent[i], sizeof expected);
    }
    free(plain);
    free(silent);
}

static void events_fall_into_sessions_only(void **state)
{
    (void)state;
    for (uint32_t arrivals = MSIM_MOCK_GRID; arrivals <= MSIM_MOCK_HAWKES; arrivals++) {
        struct msim_mock_params params = usual();
        params.arrivals = arrivals;
        params.calendar.enabled = true;
        params.season = arrivals == MSIM_MOCK_GRID ? 0 : 3;
        params.interval = 600 * S;
        params.lead = 300 * S;
        struct msim_record *records = records_of(&params, 20000);
        for (size_t i = 0; i < 20000; i++) {
            msim_time second = records[i].time / S;
            msim_time within = second % 86400;
            msim_time weekday = (second / 86400 + 3) % 7;
            assert_true(within >= 14 * 3600 + 1800 && within < 21 * 3600);
            assert_true(weekday < 5);
        }
        free(records);
    }
}

static void the_source_ends_at_its_end(void **state)
{
    struct msim_mock_params params = usual();
    struct msim_source source;
    struct msim_record record;
    size_t count;
    size_t given = 0;
    int r;

    (void)state;
    params.end = START + 10 * S;
    params.lead = 0;
    params.bars = MSIM_MOCK_BARS_SECOND;
    assert_int_equal(msim_source_mock(&source, &params, &detail), MSIM_OK);
    while ((r = msim_source_pull(&source, &record, 1, &count, &detail)) == MSIM_PULL_RECORD) {
        given++;
        assert_true(record.time < params.end);
    }
    assert_int_equal(r, MSIM_PULL_END);
    /* Five ticks of eight symbols: quote, trade and a bar for each. */
    assert_int_equal(given, 5 * 8 * 3);
    assert_true(msim_source_next_due(&source) == MSIM_TIME_NEVER);
    assert_int_equal(msim_source_pull(&source, &record, 1, &count, &detail), MSIM_PULL_END);
    msim_source_release(&source);
}

static void a_bar_that_ends_with_the_source_is_told(void **state)
{
    struct msim_mock_params params = usual();
    struct msim_source source;
    struct msim_record record;
    size_t count;
    size_t bars = 0;

    (void)state;
    params.end = START + 40 * S; /* 22:14:00 */
    params.bars = MSIM_MOCK_BARS_MINUTE;
    assert_int_equal(msim_source_mock(&source, &params, &detail), MSIM_OK);
    while (msim_source_pull(&source, &record, 1, &count, &detail) == MSIM_PULL_RECORD)
        bars += record.kind == MSIM_RECORD_BAR;
    assert_int_equal(bars, 8);
    msim_source_release(&source);
}

static void what_is_hidden_still_makes_bars(void **state)
{
    struct msim_mock_params params = usual();

    (void)state;
    params.bars = MSIM_MOCK_BARS_MINUTE;
    params.hidden = MSIM_MOCK_HIDE_QUOTES | MSIM_MOCK_HIDE_TRADES;
    struct msim_record *records = records_of(&params, 40);
    for (size_t i = 0; i < 40; i++) {
        assert_int_equal(records[i].kind, MSIM_RECORD_BAR);
        assert_int_equal(records[i].flags, MSIM_RECORD_MINUTE);
    }
    free(records);
}

static double doubling(void *context, const struct msim_mock_step *step)
{
    assert_true(step->normal > -9 && step->normal < 9);
    ++*(int *)context;
    return step->time < START + 10 * S ? step->price * 2 : -1;
}

static void a_users_model_gives_the_prices_until_it_fails(void **state)
{
    struct msim_mock_params params = usual();
    struct msim_record record;
    struct msim_source source;
    size_t count;
    int calls = 0;
    int given = 0;
    int r;

    (void)state;
    params.model =
        (struct msim_mock_model){.kind = MSIM_MOCK_USER, .user = doubling, .context = &calls};
    params.symbols = msim_mock_default_symbols(NULL);
    params.symbol_count = 1;
    assert_int_equal(msim_source_mock(&source, &params, &detail), MSIM_OK);
    while ((r = msim_source_pull(&source, &record, 1, &count, &detail)) == MSIM_PULL_RECORD) {
        if (record.kind == MSIM_RECORD_TRADE) {
            msim_price expected = INT64_C(23000) << given;
            msim_price off = record.as.trade.price - expected;
            assert_true(off < expected / 100 && off > -expected / 100);
            given++;
        }
    }
    assert_int_equal(given, 5);
    assert_int_equal(calls, 5);
    assert_int_equal(r, MSIM_ERR_INVALID);
    assert_non_null(strstr(detail.text, "AAPL: the user's model gave no price at event 5"));
    assert_int_equal(msim_source_pull(&source, &record, 1, &count, NULL), MSIM_ERR_INVALID);
    msim_source_release(&source);
}

static void any_price_stays_within_its_bounds(void **state)
{
    static const struct msim_mock_symbol list[] = {{.name = "LOW", .price = 2},
                                                   {.name = "HIGH", .price = MSIM_MOCK_PRICE_MAX}};

    (void)state;
    for (int kind = MSIM_MOCK_GBM; kind < MSIM_MOCK_USER; kind++) {
        struct msim_mock_params params = usual();
        msim_mock_model_init(&params.model, (enum msim_mock_kind)kind);
        params.model.sigma = 100;
        params.model.mu = kind % 2 ? 1e4 : -1e4;
        params.interval = 3600 * S;
        params.symbols = list;
        params.symbol_count = 2;
        struct msim_record *records = records_of(&params, 20000);
        for (size_t i = 0; i < 20000; i++) {
            if (records[i].kind != MSIM_RECORD_QUOTE)
                continue;
            assert_true(records[i].as.quote.bid >= 1);
            assert_true(records[i].as.quote.ask > records[i].as.quote.bid);
            assert_true(records[i].as.quote.ask < 10 * MSIM_MOCK_PRICE_MAX);
        }
        free(records);
    }
}

/* Over all of time, with the slowest and the fastest of everything. */
static void time_may_run_to_its_end(void **state)
{
    static const enum msim_mock_kind kinds[] = {MSIM_MOCK_TREND, MSIM_MOCK_OU, MSIM_MOCK_JUMP};

    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        struct msim_mock_params params = usual();
        struct msim_source source;
        struct msim_record record;
        size_t count;
        size_t given = 0;
        int r;
        msim_mock_model_init(&params.model, kinds[i]);
        params.model.hold = 1e9;
        params.start = (INT64_C(-52083) * 24 + 15) * 3600 * S; /* in a session, in 1827 */
        params.interval = MSIM_MOCK_INTERVAL_MAX;
        params.symbols = msim_mock_default_symbols(NULL);
        params.symbol_count = 1;
        params.calendar.enabled = true;
        params.calendar.overnight = 1000 * S;
        params.season = 2;
        params.hidden = MSIM_MOCK_HIDE_QUOTES;
        assert_int_equal(msim_source_mock(&source, &params, &detail), MSIM_OK);
        while ((r = msim_source_pull(&source, &record, 1, &count, &detail)) == MSIM_PULL_RECORD)
            given++;
        assert_int_equal(r, MSIM_PULL_END);
        assert_in_range(given, 74000, 75000); /* the weekdays until 2112 */
        msim_source_release(&source);
    }
}

static void nonsense_is_refused_with_words(void **state)
{
    const double matrix[] = {1, 0.9, 0.9, 1};
    const double lopsided[] = {1, 0.9, 0.8, 1};
    const double impossible[] = {1, 0.9, 0.9, 0.9, 1, -0.9, 0.9, -0.9, 1};
    const struct msim_mock_event early = {.kind = MSIM_MOCK_HALT, .at = -1, .length = 1};
    const struct msim_mock_event stranger = {
        .kind = MSIM_MOCK_GAP, .at = 1, .size = 0.1, .symbol = "QQQ"};
    static const struct msim_mock_symbol twice[] = {{.name = "A"}, {.name = "B"}, {.name = "A"}};
    static const struct msim_mock_symbol odd = {.name = "A", .price = 105, .tick = 10};
    struct msim_mock_params p = usual();
    struct msim_source source;

    (void)state;
#define REFUSED(result, words, ...)                                       \
    do {                                                                  \
        p = usual();                                                      \
        __VA_ARGS__;                                                      \
        assert_int_equal(msim_source_mock(&source, &p, &detail), result); \
        if (!strstr(detail.text, words))                                  \
            fail_msg("%s", detail.text);                                  \
    } while (0)
    REFUSED(MSIM_ERR_INVALID, "MSIM_MOCK_PARAMS_INIT", p.size = 3);
    REFUSED(MSIM_ERR_INVALID, "interval", p.interval = -1);
    REFUSED(MSIM_ERR_INVALID, "end", p.end = 1);
    REFUSED(MSIM_ERR_INVALID, "arrivals", p.arrivals = 9);
    REFUSED(MSIM_ERR_INVALID, "ticks", p.arrivals = MSIM_MOCK_POISSON; p.selection = MSIM_MOCK_ONE);
    REFUSED(MSIM_ERR_INVALID, "branching", p.branching = 1);
    REFUSED(MSIM_ERR_INVALID, "market", p.market = 1);
    REFUSED(MSIM_ERR_INVALID, "market", p.market = 0.1; p.correlation = matrix);
    REFUSED(MSIM_ERR_INVALID, "row 2, column 1", p.symbols = twice; p.symbol_count = 2;
            p.correlation = lopsided);
    REFUSED(MSIM_ERR_INVALID, "row 3, column 3", p.symbols = msim_mock_default_symbols(NULL);
            p.symbol_count = 3; p.correlation = impossible);
    REFUSED(MSIM_ERR_INVALID, "season", p.season = 0.5);
    REFUSED(MSIM_ERR_INVALID, "calendar", p.calendar.enabled = true; p.calendar.open = 5;
            p.calendar.close = 3; p.year = 1e6);
    REFUSED(MSIM_ERR_INVALID, "overnight needs", p.calendar.overnight = 1);
    REFUSED(MSIM_ERR_INVALID, "overnight is", p.calendar.enabled = true;
            p.calendar.overnight = 18 * 3600 * S);
    REFUSED(MSIM_ERR_LIMIT, "at most 1000000 intervals", p.calendar.enabled = true;
            p.calendar.overnight = 3600 * S; p.interval = MSIM_NS_PER_MS; p.market = 0.5);
    REFUSED(MSIM_ERR_INVALID, "142 years", p.start = INT64_MIN);
    REFUSED(MSIM_ERR_INVALID, "spread", p.spread = -1);
    REFUSED(MSIM_ERR_INVALID, "persistence", p.persistence = 1);
    REFUSED(MSIM_ERR_INVALID, "sizes", p.size_sigma = 9);
    REFUSED(MSIM_ERR_INVALID, "trades", p.trades = 2);
    REFUSED(MSIM_ERR_INVALID, "scenario event 1", p.scenario = &early; p.scenario_count = 1);
    REFUSED(MSIM_ERR_NOT_FOUND, "QQQ", p.scenario = &stranger; p.scenario_count = 1);
    REFUSED(MSIM_ERR_EXISTS, "symbol 3: A is there already", p.symbols = twice; p.symbol_count = 3);
    REFUSED(MSIM_ERR_INVALID, "multiple of the tick", p.symbols = &odd; p.symbol_count = 1);
    REFUSED(MSIM_ERR_INVALID, "sigma is -1", msim_mock_model_init(&p.model, MSIM_MOCK_GBM);
            p.model.sigma = -1);
    REFUSED(MSIM_ERR_INVALID, "user", p.model.kind = MSIM_MOCK_USER);
#undef REFUSED
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_never_fall_and_numbers_are_dense),
        cmocka_unit_test(the_same_seed_gives_the_same_bytes),
        cmocka_unit_test(one_more_symbol_changes_nothing_for_the_others),
        cmocka_unit_test(one_symbol_is_drawn_for_each_tick),
        cmocka_unit_test(what_is_drawn_is_what_all_would_tell),
        cmocka_unit_test(bars_are_what_the_trades_say),
        cmocka_unit_test(a_gap_moves_the_price_for_good),
        cmocka_unit_test(a_crash_falls_fast_and_comes_back),
        cmocka_unit_test(nothing_is_told_in_a_halt_and_the_models_stand_still),
        cmocka_unit_test(overlapping_halts_are_one_long_halt),
        cmocka_unit_test(the_market_goes_on_through_a_silence),
        cmocka_unit_test(events_fall_into_sessions_only),
        cmocka_unit_test(the_source_ends_at_its_end),
        cmocka_unit_test(a_bar_that_ends_with_the_source_is_told),
        cmocka_unit_test(what_is_hidden_still_makes_bars),
        cmocka_unit_test(a_users_model_gives_the_prices_until_it_fails),
        cmocka_unit_test(any_price_stays_within_its_bounds),
        cmocka_unit_test(time_may_run_to_its_end),
        cmocka_unit_test(nonsense_is_refused_with_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
