/*
 * What the peers' drivers share: how messages are run and timed one by one, and a program for
 * engine-flow's --peer, which runs a flow once and prints the rate, or with a second argument what
 * single calls take.
 *
 * A driver says what `apply` does, defines flow_engine with `run` and `run_timed` in it, and main
 * as `return peer_program(count, arguments);`.  As a shared object, whose main nobody calls, it is
 * engine-turns' peer.
 */
#ifndef TESTS_BENCH_PEERS_PEER_H
#define TESTS_BENCH_PEERS_PEER_H

#include "../flow_engine.h"

#include <algorithm>
#include <vector>

/* One message through the engine: the driver's. */
static inline void apply(flow_driver *driver, const flow_message &message);

static uint64_t run(flow_driver *driver, const flow_message *messages, uint64_t count)
{
    const uint64_t start = flow_ticks();

    for (uint64_t i = 0; i < count; i++)
        apply(driver, messages[i]);
    return flow_ticks() - start;
}

static void run_timed(flow_driver *driver, const flow_message *messages, uint64_t count,
                      uint32_t *taken)
{
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t start = flow_ticks();
        apply(driver, messages[i]);
        taken[i] = (uint32_t)(flow_ticks() - start);
    }
}

static int peer_program(int count, char **arguments)
{
    struct flow flow;

    if (count < 2 || count > 3) {
        fprintf(stderr, "Usage: %s FLOW [latency]\n", arguments[0]);
        return 1;
    }
    const char *wrong = flow_load(&flow, arguments[1]);
    if (wrong) {
        fprintf(stderr, "%s: %s: %s\n", arguments[0], arguments[1], wrong);
        return 1;
    }
    const size_t messages = flow.header.messages;
    const bool each = count > 2;
    std::vector<uint32_t> taken(each ? messages : 0);
    const flow_ways ways = {};
    flow_driver *driver = flow_engine.create(&flow, &ways);
    const double second = flow_ticks_a_second();
    uint64_t whole = 0;

    if (each)
        run_timed(driver, flow_timed(&flow), messages, taken.data());
    else
        whole = run(driver, flow_timed(&flow), messages);
    const flow_outcome outcome = flow_engine.outcome(driver);
    const bool good = flow_agrees(&flow, &outcome);
    flow_engine.destroy(driver);
    flow_free(&flow);

    std::sort(taken.begin(), taken.end());
    printf("%s %s", flow_engine.name, arguments[1]);
    if (!each)
        printf(" %.2f M/s", (double)messages * second / (double)whole / 1e6);
    else
        for (const double share : {0.5, 0.99, 0.999})
            printf(" p%g %.0f ns", share * 100, taken[(size_t)(share * messages)] * 1e9 / second);
    printf(" %s\n", good ? "as expected" : "WRONG");
    return good ? 0 : 1;
}

#endif
