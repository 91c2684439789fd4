#include "mock/path.h"

#include <assert.h>

#include "base/number.h"
#include "mock/draw.h"
#include "mock/math.h"

/* Jumps of one draw in the mean: what inversion of the Poisson law counts quickly. */
#define JUMPS_PER_PART 8.0
/* Where the count of jumps of one draw is cut: beyond 10^-90 of probability. */
#define JUMPS_MAX 120
/* A turn that is farther away, 30 years, never comes. */
#define WAIT_MAX_NS 1e18

static double years_of(const struct msim_mock_path *path, int64_t step)
{
    return (double)step * path->per_year;
}

/* 1 - exp(-y) without cancellation. */
static double lost(double y)
{
    return y < 1e-5 ? y * (1 - y * (0.5 - y * (1.0 / 6))) : 1 - msim_mock_exp(-y);
}

static void prepare_jumps(struct msim_mock_path *path, double years)
{
    double mean = path->model.lambda * years;

    path->parts = mean > JUMPS_PER_PART ? (uint32_t)(mean / JUMPS_PER_PART) + 1 : 1;
    path->no_jump = msim_mock_exp(-mean / path->parts);
    path->drift -= path->compensation * years;
}

/* The coefficients of a step of this length; kept, since steps repeat. */
static void prepare(struct msim_mock_path *path, int64_t step)
{
    const struct msim_mock_model *model = &path->model;
    double years = years_of(path, step);

    path->step = step;
    path->deviation = model->sigma * msim_mock_sqrt(years);
    path->drift = (model->mu - 0.5 * model->sigma * model->sigma) * years;
    switch (model->kind) {
    case MSIM_MOCK_WALK:
        path->drift = model->mu * years;
        break;
    case MSIM_MOCK_TREND:
        path->drift = -0.5 * model->sigma * model->sigma * years;
        break;
    case MSIM_MOCK_OU:
        path->decay = msim_mock_exp(-model->kappa * years);
        path->deviation =
            model->sigma * msim_mock_sqrt(lost(2 * model->kappa * years) / (2 * model->kappa));
        break;
    case MSIM_MOCK_JUMP:
        prepare_jumps(path, years);
        break;
    default:
        break;
    }
}

/* ---- the driver ---- */

/* A new cell: all of its increment is still to come. */
static void enter_cell(struct msim_mock_path *path, int64_t cell)
{
    path->cell = cell;
    path->cell_left = msim_mock_sqrt((double)path->correlation->length) *
                      msim_mock_correlation_normal(path->correlation, path->symbol, cell);
}

/*
 * The driver's increment over `step` from now on, divided by the root of the step.  Without
 * correlation it is `normal` itself; with it, cells that end are taken whole, and a moment
 * within a cell is drawn from the Brownian bridge to the cell's end.
 */
static double drive(struct msim_mock_path *path, int64_t step, double normal)
{
    if (!path->correlation)
        return normal;

    int64_t length = path->correlation->length;
    int64_t at = path->now;
    int64_t left = step;
    double sum = 0;
    while (left > 0) {
        int64_t room = (path->cell + 1) * length - at;
        if (left < room) {
            double part = (double)left / (double)room;
            double moved =
                path->cell_left * part + msim_mock_sqrt((double)(room - left) * part) * normal;
            path->cell_left -= moved;
            sum += moved;
            break;
        }
        sum += path->cell_left;
        enter_cell(path, path->cell + 1);
        at += room;
        left -= room;
    }
    return sum / msim_mock_sqrt((double)step);
}

/* ---- what the models add ---- */

static uint32_t count_jumps(const struct msim_mock_path *path, double mean, double uniform)
{
    double probability = path->no_jump;
    double sum = probability;
    uint32_t count = 0;

    while (uniform > sum && count < JUMPS_MAX) {
        count++;
        probability *= mean / count;
        sum += probability;
    }
    return count;
}

/* A sum of N normal jumps is one normal number with N times the mean and the variance. */
static double jumps(const struct msim_mock_path *path, uint64_t number)
{
    double mean = path->model.lambda * years_of(path, path->step) / path->parts;
    uint32_t count = 0;
    uint64_t size_bits = 0;

    for (uint32_t part = 0; part < path->parts; part++) {
        struct msim_mock_bits bits = msim_mock_draw(path->key, number, MSIM_MOCK_DRAW_JUMP, part);
        count += count_jumps(path, mean, msim_mock_uniform(bits.first));
        size_bits = bits.second;
    }
    if (count == 0)
        return 0;
    return count * path->model.jump_mean +
           msim_mock_sqrt(count) * path->model.jump_sigma * msim_mock_normal(size_bits);
}

/* The next turn; INT64_MAX where there is none before time ends. */
static int64_t next_turn(const struct msim_mock_path *path)
{
    uint64_t bits = msim_mock_draw(path->key, path->edges, MSIM_MOCK_DRAW_TURN, 0).first;
    double wait = -msim_mock_log(msim_mock_uniform(bits)) * path->model.hold * 1e9;

    int64_t edge;
    bool fits = wait < WAIT_MAX_NS && msim_add_check(path->edge, 1 + (int64_t)wait, &edge);
    return fits ? edge : INT64_MAX;
}

/* The integral of the direction over the step: turns happen at moments of their own. */
static double trend(struct msim_mock_path *path, int64_t to)
{
    int64_t at = path->now;
    double sum = 0;

    while (path->model.hold > 0 && path->edge <= to) {
        sum += path->direction * years_of(path, path->edge - at);
        at = path->edge;
        path->direction = -path->direction;
        path->edges++;
        path->edge = next_turn(path);
    }
    return path->model.mu * (sum + path->direction * years_of(path, to - at));
}

static int64_t garch_length(const struct msim_mock_path *path)
{
    return (int64_t)(path->model.step * 1e9);
}

/*
 * A Student-t(4) number of variance 1 is a normal one times the root of 1 / (E1 + E2), E1 and E2
 * exponential (a chi-square of 4 degrees is twice their sum).  The mixing is drawn when the step
 * begins, and within the step the price is Brownian with that variance: so the recursion holds
 * exactly on its own grid and the price has a law at every moment between.
 */
static void begin_garch(struct msim_mock_path *path)
{
    uint64_t bits = msim_mock_draw(path->key, path->edges, MSIM_MOCK_DRAW_GARCH, 0).first;
    double mixing = -msim_mock_log(msim_mock_uniform32((uint32_t)bits)) -
                    msim_mock_log(msim_mock_uniform32((uint32_t)(bits >> 32)));
    int64_t length = garch_length(path);

    path->mixed = msim_mock_sqrt(path->variance / (mixing * (double)length));
    path->moved = 0;
    path->edge += length;
}

static void end_garch(struct msim_mock_path *path)
{
    const struct msim_mock_model *model = &path->model;
    double usual = model->sigma * model->sigma * years_of(path, garch_length(path));

    path->variance = (1 - model->alpha - model->beta) * usual +
                     model->alpha * path->moved * path->moved + model->beta * path->variance;
    path->edges++;
}

static void move_garch(struct msim_mock_path *path, int64_t to, double normal)
{
    path->state += path->drift;
    while (path->now < to) {
        int64_t end = path->edge < to ? path->edge : to;
        int64_t step = end - path->now;
        double own = normal;
        if (end == path->edge)
            own = msim_mock_normal(
                msim_mock_draw(path->key, path->edges, MSIM_MOCK_DRAW_GARCH, 0).second);
        double moved = path->mixed * msim_mock_sqrt((double)step) * drive(path, step, own);
        path->moved += moved;
        path->state += moved;
        path->now = end;
        if (end == path->edge) {
            end_garch(path);
            begin_garch(path);
        }
    }
}

static void move_walk(struct msim_mock_path *path, double normal)
{
    double least = 1 / path->first;

    path->state += path->drift + path->deviation * normal;
    if (path->state < least)
        path->state = 2 * least - path->state;
}

static int move_user(struct msim_mock_path *path, uint64_t number, int64_t step, double normal,
                     msim_time time)
{
    struct msim_mock_bits bits = msim_mock_draw(path->key, number, MSIM_MOCK_DRAW_USER, 0);
    struct msim_mock_step given = {
        .symbol = path->symbol,
        .time = time,
        .price = path->state,
        .years = years_of(path, step),
        .normal = normal,
        .bits = {bits.first, bits.second},
    };
    double price = path->model.user(path->model.context, &given);

    if (!(price > 0 && price <= 1e300))
        return MSIM_ERR_INVALID;
    path->state = price;
    return MSIM_OK;
}

void msim_mock_path_init(struct msim_mock_path *path, const struct msim_mock_model *model,
                         uint64_t key, uint32_t symbol, double first, double tick, double year_ns,
                         struct msim_mock_correlation *correlation)
{
    double jump = msim_mock_exp(model->jump_mean + 0.5 * model->jump_sigma * model->jump_sigma) - 1;

    *path = (struct msim_mock_path){
        .model = *model,
        .key = key,
        .symbol = symbol,
        .first = first,
        .tick = tick,
        .per_year = 1 / year_ns,
        .step = -1,
        .direction = 1,
        .compensation = model->lambda * jump,
        .correlation = correlation,
    };
    if (model->kind == MSIM_MOCK_WALK)
        path->state = 1;
    if (model->kind == MSIM_MOCK_USER)
        path->state = first * tick;
    if (model->kind == MSIM_MOCK_OU && model->mean > 0)
        path->mean = msim_mock_log(model->mean / (first * tick));
    if (model->kind == MSIM_MOCK_TREND && model->hold > 0)
        path->edge = next_turn(path);
    if (model->kind == MSIM_MOCK_GARCH) {
        path->variance = model->sigma * model->sigma * years_of(path, garch_length(path));
        begin_garch(path);
    }
    if (correlation)
        enter_cell(path, 0);
}

static int move_model(struct msim_mock_path *path, int64_t to, uint64_t number, double normal,
                      msim_time time)
{
    int64_t step = to - path->now;

    if (step != path->step)
        prepare(path, step);
    if (path->model.kind == MSIM_MOCK_GARCH) {
        move_garch(path, to, normal);
        return MSIM_OK;
    }
    normal = drive(path, step, normal);
    int r = MSIM_OK;
    switch (path->model.kind) {
    case MSIM_MOCK_WALK:
        move_walk(path, normal);
        break;
    case MSIM_MOCK_TREND:
        path->state += trend(path, to) + path->drift + path->deviation * normal;
        break;
    case MSIM_MOCK_OU:
        path->state =
            path->mean + (path->state - path->mean) * path->decay + path->deviation * normal;
        break;
    case MSIM_MOCK_JUMP:
        path->state += path->drift + path->deviation * normal + jumps(path, number);
        break;
    case MSIM_MOCK_USER:
        r = move_user(path, number, step, normal, time);
        break;
    default:
        path->state += path->drift + path->deviation * normal;
    }
    path->now = to;
    return r;
}

int msim_mock_path_move(struct msim_mock_path *path, int64_t to, uint64_t number, double normal,
                        msim_time time, double *price)
{
    if (to > path->now) {
        int r = move_model(path, to, number, normal, time);
        if (r < 0)
            return r;
    }
    if (path->model.kind == MSIM_MOCK_WALK)
        *price = path->first * path->state;
    else if (path->model.kind == MSIM_MOCK_USER)
        *price = path->state / path->tick;
    else
        *price = path->first * msim_mock_exp(path->state);
    return MSIM_OK;
}
