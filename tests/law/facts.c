/*
 * The stylised facts of a market (Cont 2001) on the garch model with Hawkes arrivals, a U-shape
 * and a calendar: what docs/models.md prints is what this program measures.
 *
 *     law-facts [--steps N]
 */
#include "law/law.h"

#include <marketsim/mock.h>

#define MINUTES 390 /* of a session */
#define OPEN ((14 * 60 + 30) * 60)
#define SEASON 3.0
#define INTERVAL 6 /* seconds between events in the mean */
#define PERSISTENCE 0.5
#define SYMBOL "garch, hawkes, U-shape"

struct market {
    size_t days;
    double *mid;    /* at the end of each minute, day by day */
    double *events; /* in each minute */
    double *change; /* of the trade price from event to event within a day */
    size_t changes;
    double *lots; /* of each trade */
    size_t trades;
    double odd; /* trades of no round lot */
    double spread;
    double half_square;
};

struct place {
    size_t day;
    size_t minute;
};

static struct place place_of(msim_time time, msim_time first_day)
{
    msim_time second = time / MSIM_NS_PER_S;
    msim_time day = second / 86400 - first_day;

    /* Five sessions a week, counted from a Monday. */
    return (struct place){(size_t)(day / 7 * 5 + day % 7), (size_t)((second % 86400 - OPEN) / 60)};
}

static struct market collect(size_t events)
{
    struct msim_mock_params params = MSIM_MOCK_PARAMS_INIT;
    static struct msim_record records[1024];
    struct market market = {.days = events / (MINUTES * 60 / INTERVAL)};
    struct msim_source source;
    double mid = 0;
    double last = 0;
    struct place before = {0, 0};
    size_t count;

    params.seed = 7;
    params.start = INT64_C(1704067200) * MSIM_NS_PER_S; /* Monday, 2024-01-01 */
    params.symbols = msim_mock_default_symbols(NULL);
    params.symbol_count = 1;
    params.interval = INTERVAL * MSIM_NS_PER_S;
    params.arrivals = MSIM_MOCK_HAWKES;
    params.calendar.enabled = true;
    params.season = SEASON;
    params.persistence = PERSISTENCE;
    msim_mock_model_init(&params.model, MSIM_MOCK_GARCH);
    market.mid = law_array(market.days * MINUTES);
    market.events = law_array(market.days * MINUTES);
    market.change = law_array(events * 2);
    market.lots = law_array(events * 2);
    if (msim_source_mock(&source, &params, NULL) < 0)
        abort();
    while (msim_source_pull(&source, records, 1024, &count, NULL) == MSIM_PULL_RECORD) {
        for (size_t i = 0; i < count; i++) {
            const struct msim_record *record = &records[i];
            struct place place = place_of(record->time, params.start / MSIM_NS_PER_S / 86400);
            if (place.day >= market.days || market.trades >= 2 * events)
                goto done;
            if (record->kind == MSIM_RECORD_QUOTE) {
                double spread = (double)(record->as.quote.ask - record->as.quote.bid);
                size_t at = before.day * MINUTES + before.minute;
                for (; at < place.day * MINUTES + place.minute; at++)
                    market.mid[at] = mid;
                mid = (double)(record->as.quote.ask + record->as.quote.bid) / 2;
                market.spread += spread;
                market.half_square += spread * spread / 4;
                market.events[at]++;
                if (place.day != before.day)
                    last = 0;
                before = place;
                continue;
            }
            double price = (double)record->as.trade.price;
            if (last > 0)
                market.change[market.changes++] = price - last;
            last = price;
            market.odd += record->as.trade.quantity % 100 != 0;
            market.lots[market.trades++] = (double)record->as.trade.quantity / 100;
        }
    }
done:
    for (size_t at = before.day * MINUTES + before.minute; at < market.days * MINUTES; at++)
        market.mid[at] = mid;
    msim_source_release(&source);
    market.spread /= (double)market.trades;
    market.half_square /= (double)market.trades;
    return market;
}

/* Activity at a minute by its mean over the session: the U-shape's own formula. */
static double season_at(size_t minute)
{
    double x = ((double)minute + 0.5) / MINUTES * 2 - 1;
    double flat = 3 / (SEASON + 2);

    return flat + flat * (SEASON - 1) * x * x;
}

/* Changes of the logarithm over `minutes` within each day; flat: without the U-shape. */
static size_t returns(const struct market *market, size_t minutes, bool flat, double *out)
{
    size_t count = 0;

    for (size_t day = 0; day < market->days; day++) {
        const double *mid = market->mid + day * MINUTES;
        for (size_t i = minutes; i < MINUTES; i += minutes)
            out[count++] = log(mid[i] / mid[i - minutes]) / (flat ? sqrt(season_at(i)) : 1);
    }
    return count;
}

static void absolute(double *x, size_t count)
{
    for (size_t i = 0; i < count; i++)
        x[i] = fabs(x[i]);
}

static void facts_of_returns(const struct market *market)
{
    double *r = law_array(market->days * MINUTES);
    size_t count = returns(market, 1, false, r);
    double worst = 0;

    for (size_t lag = 1; lag <= 20; lag++)
        worst = fmax(worst, fabs(correlation_at(r, count, lag)));
    law_between(SYMBOL, "mid, worst corr. lag 1..20", worst, 0, 0.05);
    law_between(SYMBOL, "mid, corr. lag 1", correlation_at(r, count, 1), -0.05, 0.05);
    law_between(SYMBOL, "kurtosis, 1 minute", moments_of(r, count).kurtosis, 6, 1e4);
    double peak = moments_of(r, count).kurtosis;
    absolute(r, count);
    qsort(r, count, sizeof *r, law_compare);
    size_t largest = count / 100;
    double sum = 0;
    for (size_t i = 0; i < largest; i++)
        sum += log(r[count - 1 - i] / r[count - 1 - largest]);
    law_between(SYMBOL, "tail exponent (Hill, 1 %)", (double)largest / sum, 2, 5);

    count = returns(market, 1, true, r);
    absolute(r, count);
    law_between(SYMBOL, "|mid| without U, lag 1", correlation_at(r, count, 1), 0.1, 0.6);
    law_between(SYMBOL, "|mid| without U, lag 10", correlation_at(r, count, 10), 0.05, 0.6);
    law_between(SYMBOL, "|mid| without U, lag 60", correlation_at(r, count, 60), 0.01, 0.6);
    count = returns(market, 120, false, r);
    law_between(SYMBOL, "kurtosis, 120 minutes", moments_of(r, count).kurtosis, 2.5, peak);
    free(r);
}

static double mean_between(const double *x, size_t days, size_t from, size_t to)
{
    double sum = 0;

    for (size_t day = 0; day < days; day++)
        for (size_t i = from; i < to; i++)
            sum += x[day * MINUTES + i];
    return sum / (double)(days * (to - from));
}

static double season_between(size_t from, size_t to)
{
    double sum = 0;

    for (size_t i = from; i < to; i++)
        sum += season_at(i);
    return sum / (double)(to - from);
}

static void facts_of_activity(const struct market *market)
{
    double noon = mean_between(market->events, market->days, 180, 210);
    double open = mean_between(market->events, market->days, 0, 30);
    double close = mean_between(market->events, market->days, 360, 390);
    double by = season_between(180, 210);

    law_within(SYMBOL, "events, open / noon", open / noon, season_between(0, 30) / by, 0.25);
    law_within(SYMBOL, "events, close / noon", close / noon, season_between(360, 390) / by, 0.25);
    /* Variance by mean of the counts at the same minute of all days, over the minutes. */
    double sum = 0;
    for (size_t i = 0; i < MINUTES; i++) {
        double *counts = law_array(market->days);
        for (size_t day = 0; day < market->days; day++)
            counts[day] = market->events[day * MINUTES + i];
        struct moments m = moments_of(counts, market->days);
        sum += m.variance * (double)market->days / (double)(market->days - 1) / m.mean;
        free(counts);
    }
    law_between(SYMBOL, "dispersion, 1 minute", sum / MINUTES, 1.5, 7);

    double *size = law_array(market->days * MINUTES);
    for (size_t i = 1; i < market->days * MINUTES; i++)
        size[i] = i % MINUTES ? fabs(log(market->mid[i] / market->mid[i - 1])) : 0;
    law_within(SYMBOL, "|mid change|, open / noon",
               mean_between(size, market->days, 1, 30) / mean_between(size, market->days, 180, 210),
               sqrt(season_between(0, 30) / by), 0.35);
    free(size);
}

/*
 * Sides with correlation p on a half spread h bounce the price: successive changes have
 * covariance -E h^2 (1 - p)^2, and Roll's (1984) estimate of the spread is 2 sqrt of that.
 */
static void facts_of_trades(const struct market *market)
{
    struct moments m = moments_of(market->change, market->changes);
    double covariance = correlation_at(market->change, market->changes, 1) * m.variance;
    double theory = 2 * sqrt(market->half_square) * (1 - PERSISTENCE);

    law_between(SYMBOL, "trade price, corr. lag 1",
                correlation_at(market->change, market->changes, 1), -0.5, -1e-3);
    law_within(SYMBOL, "bounce covariance, ticks^2", covariance, -theory * theory / 4,
               1.5 * BAND * m.variance / sqrt((double)market->changes));
    printf("     %-34s %-26s %14.6g by theory %.6g\n", SYMBOL, "Roll's spread, ticks",
           covariance < 0 ? 2 * sqrt(-covariance) : 0, theory);
    law_between(SYMBOL, "spread, ticks", market->spread, 1, 10);
    law_between(SYMBOL, "odd lots", market->odd, 0, 0);
    for (size_t i = 0; i < market->trades; i++)
        market->lots[i] = log(market->lots[i]);
    struct moments lots = moments_of(market->lots, market->trades);
    law_within(SYMBOL, "size, log mean (lots)", lots.mean, log(3), 0.15);
    law_within(SYMBOL, "size, log deviation", sqrt(lots.variance), 1, 0.2);
}

int main(int argument_count, char **arguments)
{
    struct market market = collect(law_steps(argument_count, arguments, 1000000));

    printf("%zu sessions, %zu trades\n", market.days, market.trades);
    facts_of_returns(&market);
    facts_of_activity(&market);
    facts_of_trades(&market);
    free(market.mid);
    free(market.events);
    free(market.change);
    free(market.lots);
    if (law_failures)
        printf("%d facts not met\n", law_failures);
    return law_failures > 0;
}
