#include "mock/arrivals.h"

#include "mock/draw.h"
#include "mock/math.h"

/* Longer waits than this are cut: 30 years, far beyond e^-30 of probability for any interval. */
#define WAIT_MAX_NS 1e18

void msim_mock_arrival_init(struct msim_mock_arrival *arrival,
                            const struct msim_mock_params *params)
{
    double rate = 1e9 / (double)params->interval;

    *arrival = (struct msim_mock_arrival){.kind = params->arrivals, .base = rate};
    if (params->arrivals != MSIM_MOCK_HAWKES)
        return;
    /* Each event has `branching` children in the mean: jump / decay. */
    arrival->base = rate * (1 - params->branching);
    arrival->decay = params->decay;
    arrival->jump = params->branching * params->decay;
    arrival->excited = rate * params->branching;
}

/*
 * Dassios and Zhao, "Exact simulation of Hawkes process with exponentially decaying
 * intensity", Electronic Communications in Probability 18 (2013): the next event is the
 * earlier one of two, of the base and of the excitement, whose total may not suffice for one.
 */
static double hawkes_wait(struct msim_mock_arrival *arrival, struct msim_mock_bits bits)
{
    double wait = -msim_mock_log(msim_mock_uniform(bits.first)) / arrival->base;

    if (arrival->excited > 0) {
        double left =
            1 + arrival->decay * msim_mock_log(msim_mock_uniform(bits.second)) / arrival->excited;
        if (left > 0x1p-1000) {
            double other = -msim_mock_log(left) / arrival->decay;
            if (other < wait)
                wait = other;
        }
    }
    arrival->excited = arrival->excited * msim_mock_exp(-arrival->decay * wait) + arrival->jump;
    return wait;
}

int64_t msim_mock_arrival_wait(struct msim_mock_arrival *arrival, uint64_t key, uint64_t number)
{
    struct msim_mock_bits bits = msim_mock_draw(key, number, MSIM_MOCK_DRAW_ARRIVAL, 0);
    double seconds;

    if (arrival->kind == MSIM_MOCK_HAWKES)
        seconds = hawkes_wait(arrival, bits);
    else
        seconds = -msim_mock_log(msim_mock_uniform(bits.first)) / arrival->base;
    double wait = seconds * 1e9 + arrival->part;
    if (wait > WAIT_MAX_NS)
        wait = WAIT_MAX_NS;
    int64_t whole = (int64_t)wait;
    arrival->part = wait - (double)whole;
    return whole;
}
