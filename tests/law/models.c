/*
 * The laws of the price models, of arrivals and of correlation, each at two
 * intervals: figures of simulated steps against exact theory.
 *
 *     law-models [--steps N]
 */
#include "law/law.h"

#include <marketsim/mock.h>

#include "base/mem.h"
#include "mock/arrivals.h"
#include "mock/correlate.h"
#include "mock/draw.h"
#include "mock/math.h"
#include "mock/path.h"

#define YEAR (252 * 23400.0)
#define FIRST 23000.0

/* A parameter that makes drift visible beside the noise of a step. */
#define STRONG_DRIFT 200.0

struct run {
    char name[64];
    double interval; /* seconds */
    double dt;       /* years */
    double n;
    size_t count;
    double *x; /* the path's state at each step, from the first price on */
    double *r; /* its changes, count of them */
};

static struct run simulate(const struct msim_mock_model *model, double interval, size_t count)
{
    struct run run = {.interval = interval, .dt = interval / YEAR, .count = count};
    uint64_t key = msim_random_key(2024, "law", 3);
    struct msim_mock_path path;

    run.n = (double)count;
    run.x = law_array(count + 1);
    run.r = law_array(count);
    snprintf(run.name, sizeof run.name, "%s, interval %g s", msim_mock_model_name(model->kind),
             interval);
    msim_mock_path_init(&path, model, key, 0, FIRST, 0.01, YEAR * 1e9, NULL);
    run.x[0] = path.state;
    for (size_t i = 0; i < count; i++) {
        double price;
        double normal = msim_mock_normal(msim_mock_draw(key, i, MSIM_MOCK_DRAW_EVENT, 0).first);
        msim_mock_path_move(&path, (int64_t)((double)(i + 1) * interval * 1e9), i, normal, 0,
                            &price);
        run.x[i + 1] = path.state;
        run.r[i] = run.x[i + 1] - run.x[i];
    }
    return run;
}

static void finish(struct run *run)
{
    free(run->x);
    free(run->r);
}

static void uncorrelated(const char *name, const char *what, const double *x, size_t count)
{
    for (size_t lag = 1; lag <= 5; lag++) {
        char figure[40];
        snprintf(figure, sizeof figure, "%s correlation, lag %zu", what, lag);
        law_within(name, figure, correlation_at(x, count, lag), 0, BAND / sqrt((double)count));
    }
}

static void absolute_uncorrelated(const char *name, const double *x, size_t count)
{
    double *size = law_array(count);

    for (size_t i = 0; i < count; i++)
        size[i] = fabs(x[i]);
    uncorrelated(name, "|.|", size, count);
    free(size);
}

static void normal_law(const char *name, const double *x, size_t count, double mean,
                       double variance)
{
    struct moments m = moments_of(x, count);
    double n = (double)count;

    law_within(name, "mean", m.mean, mean, BAND * sqrt(variance / n));
    law_within(name, "variance", m.variance, variance, BAND * variance * sqrt(2 / n));
    law_within(name, "skewness", m.skewness, 0, BAND * sqrt(6 / n));
    law_within(name, "kurtosis", m.kurtosis, 3, BAND * sqrt(24 / n));
    uncorrelated(name, "change", x, count);
    absolute_uncorrelated(name, x, count);
}

static struct msim_mock_model model_of(enum msim_mock_kind kind)
{
    struct msim_mock_model model;

    msim_mock_model_init(&model, kind);
    return model;
}

static void gbm(double interval, size_t count)
{
    struct msim_mock_model model = model_of(MSIM_MOCK_GBM);
    model.mu = STRONG_DRIFT;
    struct run run = simulate(&model, interval, count);

    normal_law(run.name, run.r, count, (model.mu - model.sigma * model.sigma / 2) * run.dt,
               model.sigma * model.sigma * run.dt);
    finish(&run);
}

static void walk(double interval, size_t count)
{
    struct msim_mock_model model = model_of(MSIM_MOCK_WALK);
    model.mu = STRONG_DRIFT;
    struct run run = simulate(&model, interval, count);

    normal_law(run.name, run.r, count, model.mu * run.dt, model.sigma * model.sigma * run.dt);
    finish(&run);
}

/*
 * The drift is a telegraph signal with correlation e^(-a t), a = 2 / hold; its integrals over
 * steps have variance 2 mu^2 (dt/a - (1 - e^(-a dt))/a^2) and covariance
 * mu^2 e^(-a dt (k-1)) ((1 - e^(-a dt))/a)^2 at lag k.
 */
static void trend(double interval, size_t count)
{
    struct msim_mock_model model = model_of(MSIM_MOCK_TREND);
    model.mu = 2000;
    model.hold = 20;
    struct run run = simulate(&model, interval, count);

    double a = 2 / model.hold * YEAR;
    double lost = -expm1(-a * run.dt);
    double noise = model.sigma * model.sigma * run.dt;
    double drift = 2 * model.mu * model.mu * (run.dt / a - lost / (a * a));
    double variance = noise + drift;
    double long_run = noise + model.mu * model.mu * 2 / a * run.dt;
    double at_one = model.mu * model.mu * lost * lost / (a * a) / variance;
    double decay = exp(-a * run.dt);
    /* Bartlett: the error of a correlation of a process whose own are rho_k. */
    double bartlett = sqrt((1 + 2 * at_one * at_one / (1 - decay * decay)) / run.n);
    struct moments m = moments_of(run.r, count);
    law_within(run.name, "mean", m.mean, -model.sigma * model.sigma / 2 * run.dt,
               BAND * sqrt(long_run / run.n));
    law_within(run.name, "variance", m.variance, variance,
               BAND * variance * sqrt(2 * (1 + 2 * at_one * at_one / (1 - decay * decay)) / run.n));
    for (size_t lag = 1; lag <= 16; lag *= 2) {
        char figure[40];
        snprintf(figure, sizeof figure, "change correlation, lag %zu", lag);
        law_within(run.name, figure, correlation_at(run.r, count, lag),
                   at_one * pow(decay, (double)lag - 1), BAND * bartlett * 1.5);
    }
    finish(&run);
}

static void ou(double interval, size_t count)
{
    struct msim_mock_model model = model_of(MSIM_MOCK_OU);
    model.kappa = 1e5;
    model.mean = 250;
    struct run run = simulate(&model, interval, count);

    double mean = log(model.mean / (FIRST * 0.01));
    double phi = exp(-model.kappa * run.dt);
    double variance = model.sigma * model.sigma / (2 * model.kappa);
    double product = 0;
    double square = 0;
    double *innovation = law_array(count);
    for (size_t i = 0; i < count; i++) {
        double from = run.x[i] - mean;
        double to = run.x[i + 1] - mean;
        innovation[i] = to - phi * from;
        product += from * to;
        square += from * from;
    }
    law_within(run.name, "return per step", product / square, phi,
               BAND * sqrt((1 - phi * phi) / run.n));
    /* Long after the start the law is the stationary one. */
    size_t skip = (size_t)(20 / (model.kappa * run.dt));
    struct moments m = moments_of(run.x + skip, count - skip);
    double slow = (1 + phi) / (1 - phi);
    law_within(run.name, "stationary mean", m.mean, mean,
               BAND * sqrt(variance * slow / (run.n - (double)skip)));
    law_within(run.name, "stationary variance", m.variance, variance,
               BAND * variance * sqrt(2 * (1 + phi * phi) / (1 - phi * phi) / run.n));
    normal_law(run.name, innovation, count, 0, variance * (1 - phi * phi));
    free(innovation);
    finish(&run);
}

static void jump(double interval, size_t count)
{
    struct msim_mock_model model = model_of(MSIM_MOCK_JUMP);
    model.mu = STRONG_DRIFT;
    model.lambda = 1e5;
    model.jump_mean = -2e-4;
    model.jump_sigma = 5e-4;
    struct run run = simulate(&model, interval, count);

    double m1 = model.jump_mean;
    double v = model.jump_sigma * model.jump_sigma;
    double square = m1 * m1 + v;
    double cube = m1 * m1 * m1 + 3 * m1 * v;
    double fourth = m1 * m1 * m1 * m1 + 6 * m1 * m1 * v + 3 * v * v;
    double variance = (model.sigma * model.sigma + model.lambda * square) * run.dt;
    double mean = (model.mu - model.sigma * model.sigma / 2 - model.lambda * expm1(m1 + v / 2) +
                   model.lambda * m1) *
                  run.dt;
    double kurtosis = 3 + model.lambda * run.dt * fourth / (variance * variance);
    struct moments m = moments_of(run.r, count);
    law_within(run.name, "mean", m.mean, mean, BAND * sqrt(variance / run.n));
    law_within(run.name, "variance", m.variance, variance,
               BAND * variance * sqrt((kurtosis - 1) / run.n));
    law_within(run.name, "skewness", m.skewness, model.lambda * run.dt * cube / pow(variance, 1.5),
               BAND * sqrt(m.eighth / run.n));
    law_within(run.name, "kurtosis", m.kurtosis, kurtosis,
               BAND * sqrt((m.eighth - m.kurtosis * m.kurtosis) / run.n));
    uncorrelated(run.name, "change", run.r, count);
    absolute_uncorrelated(run.name, run.r, count);
    finish(&run);
}

/* Student's t with 4 degrees of freedom, scaled to variance 1 (its own is 2). */
static double student(double x)
{
    double t = x * sqrt(2);
    double u = t / sqrt(4 + t * t);

    return 0.5 + 0.75 * (u - u * u * u / 3);
}

/*
 * The tail of garch: returns fall off like x^-k, where E (alpha e^2 + beta)^(k/2) = 1
 * (Kesten; Mikosch and Starica 2000), e Student-t(4) of variance 1.
 */
static double garch_tail(const struct msim_mock_model *model)
{
    double low = 1;
    double high = 4;

    for (int i = 0; i < 60; i++) {
        double k = (low + high) / 2;
        double mean = 0;
        /* Over the quantiles' scale: x = s / (1 - s^2), density of the t law. */
        const int parts = 200000;
        for (int j = 0; j < parts; j++) {
            double s = (j + 0.5) / parts;
            double x = s / (1 - s * s);
            double t = x * sqrt(2);
            double density = 2 * sqrt(2) * 0.375 / pow(1 + t * t / 4, 2.5);
            mean += pow(model->alpha * x * x + model->beta, k / 2) * density * (1 + s * s) /
                    ((1 - s * s) * (1 - s * s)) / parts;
        }
        if (mean < 1)
            low = k;
        else
            high = k;
    }
    return low;
}

/* The mean of the Pareto tail's exponent over the largest of |x| (Hill 1975). */
static double hill(const double *x, size_t count, size_t largest)
{
    double *size = law_array(count);
    double sum = 0;

    for (size_t i = 0; i < count; i++)
        size[i] = fabs(x[i]);
    qsort(size, count, sizeof *size, law_compare);
    for (size_t i = 0; i < largest; i++)
        sum += log(size[count - 1 - i] / size[count - 1 - largest]);
    free(size);
    return (double)largest / sum;
}

/*
 * Filtered by its own recursion, a garch path must leave independent Student-t(4) numbers; at an
 * interval that parts the recursion's step into `parts`, after putting the parts together.
 */
static void garch(double interval, size_t parts, size_t count)
{
    struct msim_mock_model model = model_of(MSIM_MOCK_GARCH);
    struct run run = simulate(&model, interval, count * parts);
    double step = model.step / YEAR;
    double usual = model.sigma * model.sigma * step;
    double drift = (model.mu - model.sigma * model.sigma / 2) * step;
    double *change = law_array(count);
    double *left = law_array(count);
    double variance = usual;

    for (size_t i = 0; i < count; i++) {
        change[i] = run.x[(i + 1) * parts] - run.x[i * parts] - drift;
        left[i] = change[i] / sqrt(variance);
        variance = (1 - model.alpha - model.beta) * usual + model.alpha * change[i] * change[i] +
                   model.beta * variance;
    }
    uncorrelated(run.name, "innovation", left, count);
    absolute_uncorrelated(run.name, left, count);
    law_between(run.name, "innovation, Kolmogorov", kolmogorov(left, count, student), 0, 1.95);
    struct moments m = moments_of(change, count);
    /* Fourth moments do not exist: the errors of these figures are documented, not exact. */
    law_within(run.name, "variance / usual", m.variance / usual, 1, 0.1);
    law_between(run.name, "kurtosis", m.kurtosis, 10, 1e6);
    law_within(run.name, "change correlation, lag 1", correlation_at(change, count, 1), 0, 0.03);
    double *size = law_array(count);
    for (size_t i = 0; i < count; i++)
        size[i] = fabs(change[i]);
    law_between(run.name, "|change| correlation, 1", correlation_at(size, count, 1), 0.1, 0.5);
    law_between(run.name, "|change| correlation, 20", correlation_at(size, count, 20), 0.05, 0.4);
    law_within(run.name, "tail exponent", hill(change, count, count / 500), garch_tail(&model),
               0.6);
    free(size);
    free(change);
    free(left);
    finish(&run);
}

static double exponential(double x)
{
    return -expm1(-x);
}

static void poisson(double interval, size_t count)
{
    struct msim_mock_params params = MSIM_MOCK_PARAMS_INIT;
    struct msim_mock_arrival arrival;
    uint64_t key = msim_random_key(7, "poisson", 7);
    double *wait = law_array(count);
    char name[64];

    params.arrivals = MSIM_MOCK_POISSON;
    params.interval = (msim_time)(interval * 1e9);
    snprintf(name, sizeof name, "poisson, interval %g s", interval);
    msim_mock_arrival_init(&arrival, &params);
    for (size_t i = 0; i < count; i++)
        wait[i] = (double)msim_mock_arrival_wait(&arrival, key, i) / (double)params.interval;
    struct moments m = moments_of(wait, count);
    law_within(name, "mean wait", m.mean, 1, BAND / sqrt((double)count));
    uncorrelated(name, "wait", wait, count);
    law_between(name, "wait, Kolmogorov", kolmogorov(wait, count, exponential), 0, 1.95);
    free(wait);
}

/*
 * Counts of a Hawkes process in windows of T seconds have mean rate * T, and variance by mean
 * F + (1 - F) (1 - e^(-d T)) / (d T), F = 1 / (1 - branching)^2, d = decay (1 - branching)
 * (Hawkes 1971).
 */
static void hawkes(double interval, double window, size_t count)
{
    struct msim_mock_params params = MSIM_MOCK_PARAMS_INIT;
    struct msim_mock_arrival arrival;
    uint64_t key = msim_random_key(7, "hawkes", 6);
    size_t windows = (size_t)((double)count * interval / window);
    double *events = law_array(windows);
    double now = 0;
    char name[64];

    params.arrivals = MSIM_MOCK_HAWKES;
    params.interval = (msim_time)(interval * 1e9);
    params.branching = 0.6;
    params.decay = 2 / interval;
    snprintf(name, sizeof name, "hawkes, %g s in windows of %g s", interval, window);
    msim_mock_arrival_init(&arrival, &params);
    for (uint64_t i = 0;; i++) {
        now += (double)msim_mock_arrival_wait(&arrival, key, i) * 1e-9;
        size_t at = (size_t)(now / window);
        if (at >= windows)
            break;
        events[at]++;
    }
    double full = 1 / ((1 - params.branching) * (1 - params.branching));
    double d = params.decay * (1 - params.branching) * window;
    double dispersion = full + (1 - full) * -expm1(-d) / d;
    struct moments m = moments_of(events, windows);
    double n = (double)windows;
    law_within(name, "events per window", m.mean, window / interval,
               BAND * sqrt(full * window / interval / n));
    law_within(name, "dispersion", m.variance / m.mean, dispersion,
               BAND * dispersion * sqrt((m.kurtosis - 1) / n) * 1.2);
    free(events);
}

/*
 * Changes of a symbol under a correlation, looked at every `interval` seconds where the cells
 * of the correlation are `cell` seconds long.
 */
static void driven(struct msim_mock_correlation *correlation, uint32_t symbol, double interval,
                   double *change, size_t count)
{
    struct msim_mock_model model = model_of(MSIM_MOCK_GBM);
    struct msim_mock_path path;
    uint64_t key = correlation->keys[symbol];
    double before = 0;

    msim_mock_path_init(&path, &model, key, symbol, FIRST, 0.01, YEAR * 1e9, correlation);
    for (size_t i = 0; i < count; i++) {
        double price;
        double normal = msim_mock_normal(msim_mock_draw(key, i, MSIM_MOCK_DRAW_EVENT, 0).first);
        msim_mock_path_move(&path, (int64_t)((double)(i + 1) * interval * 1e9), i, normal, 0,
                            &price);
        change[i] = path.state - before;
        before = path.state;
    }
}

#define CORRELATED 3

static void correlation(const double *matrix, double market, double cell, double interval,
                        size_t count)
{
    static const uint64_t keys[CORRELATED] = {11, 22, 33};
    struct msim_mock_params params = MSIM_MOCK_PARAMS_INIT;
    struct msim_mock_correlation correlation;
    struct msim_allocator allocator = {0};
    double *change[CORRELATED];
    double variance = 0.3 * 0.3 * interval / YEAR;
    char name[64];

    params.symbol_count = CORRELATED;
    params.correlation = matrix;
    params.market = market;
    allocator = msim_mem_allocator(NULL);
    snprintf(name, sizeof name, "%s, cell %g s, interval %g s", matrix ? "matrix" : "market", cell,
             interval);
    if (msim_mock_correlation_init(&correlation, &params, keys, (int64_t)(cell * 1e9), &allocator,
                                   NULL) < 0)
        abort();
    for (uint32_t i = 0; i < CORRELATED; i++) {
        change[i] = law_array(count);
        driven(&correlation, i, interval, change[i], count);
        normal_law(name, change[i], count, (0.05 - 0.045) * interval / YEAR, variance);
    }
    /* Within a cell the bridges of two symbols are their own: what is left is between cells. */
    size_t together = cell > interval ? (size_t)(cell / interval) : 1;
    size_t cells = count / together;
    for (size_t i = 0; i < CORRELATED; i++) {
        for (size_t k = 0; k < cells; k++) {
            double sum = 0;
            for (size_t j = 0; j < together; j++)
                sum += change[i][k * together + j];
            change[i][k] = sum;
        }
    }
    for (size_t i = 1; i < CORRELATED; i++) {
        for (size_t j = 0; j < i; j++) {
            double rho = matrix ? matrix[i * CORRELATED + j] : market;
            char figure[40];
            snprintf(figure, sizeof figure, "correlation of %zu and %zu", i, j);
            law_within(name, figure, correlation_of(change[i], change[j], cells), rho,
                       BAND * (1 - rho * rho) / sqrt((double)cells));
        }
    }
    for (size_t i = 0; i < CORRELATED; i++)
        free(change[i]);
    msim_mock_correlation_finish(&correlation);
}

int main(int argument_count, char **arguments)
{
    static const double matrix[CORRELATED * CORRELATED] = {1, 0.8, -0.3, 0.8, 1, 0.2, -0.3, 0.2, 1};
    size_t count = law_steps(argument_count, arguments, 1000000);

    gbm(2, count);
    gbm(0.05, count);
    walk(2, count);
    walk(0.05, count);
    trend(2, count);
    trend(0.5, count);
    ou(2, count);
    ou(0.5, count);
    jump(2, count);
    jump(0.05, count);
    garch(60, 1, count);
    garch(15, 4, count);
    poisson(2, count);
    poisson(0.001, count);
    hawkes(2, 4, count);
    hawkes(2, 200, count);
    hawkes(0.01, 0.1, count);
    correlation(matrix, 0, 2, 2, count);
    correlation(matrix, 0, 2, 0.5, count);
    correlation(NULL, 0.6, 2, 2, count);
    correlation(NULL, 0.6, 2, 10, count);
    if (law_failures)
        printf("%d figures outside of their bands\n", law_failures);
    return law_failures > 0;
}
