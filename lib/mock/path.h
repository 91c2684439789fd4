/*
 * One symbol's price, moved forward in model time by any step.
 *
 * Each model is sampled from its exact law over the step, so that the choice of
 * the moments at which it is looked at does not change the law of what is seen.
 */
#ifndef MSIM_MOCK_PATH_H
#define MSIM_MOCK_PATH_H

#include <marketsim/mock.h>

#include "mock/correlate.h"

struct msim_mock_path {
    struct msim_mock_model model;
    uint64_t key;
    int64_t now;     /* model time in nanoseconds */
    double first;    /* the first price, in ticks */
    double state;    /* log(price / first); walk: price / first; user: price in the currency */
    double per_year; /* 1 / nanoseconds of a year */
    uint32_t symbol;

    /* Coefficients of the last step's length: most steps are as long as the one before. */
    int64_t step;
    double drift;
    double deviation;
    double decay;   /* ou */
    double mean;    /* ou: of the state */
    double no_jump; /* jump: probability of none in a part of the step */
    uint32_t parts; /* jump: parts of the step, each with few jumps in the mean */

    /* trend: direction; garch: variance of this step of the recursion, given its mixing draw */
    int64_t edge;   /* the next turn, or the end of this step */
    uint64_t edges; /* passed so far */
    double direction;
    double variance;     /* garch: of the recursion */
    double mixed;        /* garch: sqrt(variance of this step / its length) */
    double moved;        /* garch: the step's return so far */
    double compensation; /* jump: what jumps add to the mean, per year */

    double tick; /* user: in units of the currency */

    /* The driver, if symbols are correlated. */
    struct msim_mock_correlation *correlation;
    int64_t cell;
    double cell_left; /* the increment of this cell that is still to come */
};

/* `model` has been checked; `first` is the first price in ticks. */
void msim_mock_path_init(struct msim_mock_path *path, const struct msim_mock_model *model,
                         uint64_t key, uint32_t symbol, double first, double tick, double year_ns,
                         struct msim_mock_correlation *correlation);

/*
 * Moves on to model time `to` and gives the price in ticks.  `number` names the event, `normal`
 * is its standard normal draw; `time` is handed to a user's model.  MSIM_ERR_INVALID where a
 * user's model gave no price.
 */
int msim_mock_path_move(struct msim_mock_path *path, int64_t to, uint64_t number, double normal,
                        msim_time time, double *price);

/* MSIM_ERR_INVALID says which parameter is out of its bounds. */
int msim_mock_model_check(const struct msim_mock_model *model, struct msim_detail *detail);

/* A parameter of a model by its place; NULL behind the last. */
struct msim_mock_parameter {
    const char *name;
    size_t offset; /* of a double in struct msim_mock_model */
    double usual;
    double least;
    double most;
    const char *unit;
};
const struct msim_mock_parameter *msim_mock_model_parameter(uint32_t kind, size_t place);

#endif
