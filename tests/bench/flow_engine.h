/*
 * An engine that runs order flows: ours (engine_drive.c), and each peer that it is measured
 * against.
 *
 * A peer is a shared object that defines `flow_engine`, a table of functions that engine-turns
 * calls from one thread.  A driver that cannot go on says why and ends the program.  Those in
 * peers/ are a few lines each about a foreign engine's headers, and programs as well
 * (peers/peer.h).  For C and C++.
 */
#ifndef TESTS_BENCH_FLOW_ENGINE_H
#define TESTS_BENCH_FLOW_ENGINE_H

#include "order_flow.h"

#include <time.h>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#define FLOW_ENGINE_VERSION 1
#define FLOW_MAX_BATCH 4096

/* How the flow is run, for those whose engine has the choice; the others pay no heed. */
struct flow_ways {
    bool client_ids;   /* orders are named by ids of their clients, not by handles */
    bool accounts_off; /* nobody's money is looked at */
    uint32_t events;   /* MSIM_EVENTS_* */
    size_t batch;      /* messages to a call where a call takes many, 1 to FLOW_MAX_BATCH */
};

/* What came of the timed messages so far. */
struct flow_outcome {
    struct flow_trades trades;
    uint64_t refused; /* messages that should have been done */
    uint64_t memory;  /* bytes that the engine holds; 0: not told */
};

/* The engine with a flow's books in it; what it is, is the driver's own affair. */
struct flow_driver;

struct flow_engine {
    uint32_t version; /* FLOW_ENGINE_VERSION */
    const char *name;

    /*
     * An engine with the prefill's orders in its books; there may be more than one at a time.
     * What is given is borrowed for the call, here and below.
     */
    struct flow_driver *(*create)(const struct flow *flow, const struct flow_ways *ways);

    /*
     * The flow's next messages; calls go through it once.  Returns the ticks that the engine took
     * for them, and not what the driver did for itself between its calls.
     */
    uint64_t (*run)(struct flow_driver *driver, const struct flow_message *messages,
                    uint64_t count);

    /* The same a message at a time; `taken` gets the ticks of each. */
    void (*run_timed)(struct flow_driver *driver, const struct flow_message *messages,
                      uint64_t count, uint32_t *taken);

    struct flow_outcome (*outcome)(const struct flow_driver *driver);
    void (*destroy)(struct flow_driver *driver);
};

#if defined(__cplusplus)
extern "C"
#else
extern
#endif
    __attribute__((visibility("default"))) const struct flow_engine flow_engine;

/* The processor's own count where there is one, else nanoseconds. */
static inline uint64_t flow_ticks(void)
{
#if defined(__x86_64__)
    unsigned processor;
    return __rdtscp(&processor);
#else
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
#endif
}

static inline double flow_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Ticks of a second, looked at for a twentieth of one. */
static inline double flow_ticks_a_second(void)
{
    const double start = flow_seconds();
    const uint64_t first = flow_ticks();
    while (flow_seconds() - start < 0.05)
        continue;
    return (double)(flow_ticks() - first) / (flow_seconds() - start);
}

/* Whether the flow brought about what its header says. */
static inline bool flow_agrees(const struct flow *flow, const struct flow_outcome *outcome)
{
    return flow_same_trades(&flow->header.trades, &outcome->trades) && outcome->refused == 0;
}

#endif
