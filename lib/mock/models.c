/*
 * The models' names, parameters and bounds: one table, from which defaults,
 * checks, the parser and its advice are made.
 */
#include "mock/path.h"

#include <stddef.h>
#include <string.h>

#include "base/detail.h"

#define FIELD(member) offsetof(struct msim_mock_model, member)
#define MU(usual)                                           \
    {                                                       \
        "mu", FIELD(mu), usual, -1e4, 1e4, "drift per year" \
    }
#define SIGMA(usual)                                                          \
    {                                                                         \
        "sigma", FIELD(sigma), usual, 0, 100, "volatility per root of a year" \
    }

#define PARAMETERS_MAX 6

static const struct {
    const char *name;
    struct msim_mock_parameter parameters[PARAMETERS_MAX];
} models[] = {
    [MSIM_MOCK_GBM] = {"gbm", {MU(0.05), SIGMA(0.3)}},
    [MSIM_MOCK_WALK] = {"walk", {MU(0), SIGMA(0.3)}},
    [MSIM_MOCK_TREND] = {"trend",
                         {
                             MU(20),
                             SIGMA(0.15),
                             {"hold", FIELD(hold), 1800, 0, 1e9, "mean seconds between turns"},
                         }},
    [MSIM_MOCK_OU] = {"ou",
                      {
                          {"kappa", FIELD(kappa), 2000, 1e-6, 1e9, "speed of return per year"},
                          SIGMA(0.3),
                          {"mean", FIELD(mean), 0, 0, 1e15, "price returned to"},
                      }},
    [MSIM_MOCK_JUMP] =
        {"jump",
         {
             MU(0.05),
             SIGMA(0.25),
             {"lambda", FIELD(lambda), 250, 0, 1e6, "jumps per year"},
             {"jump_mean", FIELD(jump_mean), 0, -1, 1, "mean of a jump of the logarithm"},
             {"jump_sigma", FIELD(jump_sigma), 0.01, 0, 1, "standard deviation of a jump"},
         }},
    [MSIM_MOCK_GARCH] =
        {"garch",
         {
             MU(0.05),
             SIGMA(0.3),
             {"alpha", FIELD(alpha), 0.1, 0, 1, "weight of the last squared return"},
             {"beta", FIELD(beta), 0.88, 0, 1, "weight of the last variance"},
             {"step", FIELD(step), 60, 0.1, 86400, "seconds of one step of the recursion"},
         }},
    [MSIM_MOCK_USER] = {"user", {{0}}},
};

/* A year has few turns of less than a second: bounds the work of one step. */
#define HOLD_LEAST 1.0

const struct msim_mock_parameter *msim_mock_model_parameter(uint32_t kind, size_t place)
{
    if (kind < MSIM_MOCK_GBM || kind > MSIM_MOCK_USER || place >= PARAMETERS_MAX ||
        !models[kind].parameters[place].name)
        return NULL;
    return &models[kind].parameters[place];
}

const char *msim_mock_model_name(uint32_t kind)
{
    return kind >= MSIM_MOCK_GBM && kind <= MSIM_MOCK_USER ? models[kind].name : "unknown";
}

static double *field(struct msim_mock_model *model, size_t offset)
{
    return (double *)(void *)((char *)model + offset);
}

int msim_mock_model_init(struct msim_mock_model *model, enum msim_mock_kind kind)
{
    const struct msim_mock_parameter *parameter;

    if (!model || kind < MSIM_MOCK_DEFAULT || kind > MSIM_MOCK_USER)
        return MSIM_ERR_INVALID;
    *model = (struct msim_mock_model){.kind = (uint32_t)kind};
    for (size_t i = 0; (parameter = msim_mock_model_parameter((uint32_t)kind, i)); i++)
        *field(model, parameter->offset) = parameter->usual;
    return MSIM_OK;
}

int msim_mock_model_check(const struct msim_mock_model *model, struct msim_detail *detail)
{
    const struct msim_mock_parameter *parameter;

    if (model->kind < MSIM_MOCK_GBM || model->kind > MSIM_MOCK_USER)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "model: no kind %u; see enum msim_mock_kind", model->kind);
    for (size_t i = 0; (parameter = msim_mock_model_parameter(model->kind, i)); i++) {
        double value;
        memcpy(&value, (const char *)model + parameter->offset, sizeof value);
        if (!(value >= parameter->least && value <= parameter->most))
            return msim_detail_set(detail, MSIM_ERR_INVALID, "%s: %s is %g, must be %g to %g (%s)",
                                   msim_mock_model_name(model->kind), parameter->name, value,
                                   parameter->least, parameter->most, parameter->unit);
    }
    if (model->kind == MSIM_MOCK_GARCH && !(model->alpha + model->beta < 1))
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "garch: alpha + beta is %g; below 1, or the variance has no mean",
                               model->alpha + model->beta);
    if (model->kind == MSIM_MOCK_TREND && model->hold > 0 && model->hold < HOLD_LEAST)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "trend: hold is %g s; 0 (never turns) or at least %g", model->hold,
                               HOLD_LEAST);
    if (model->kind == MSIM_MOCK_USER && !model->user)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "user: set the model's `user` to a function");
    return MSIM_OK;
}
