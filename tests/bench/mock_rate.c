/*
 * How fast the mock market gives records, and the codec its default event.
 *
 *     mock-rate [RECORDS]
 *
 * Prints a line for each case: records per second of one core's time, best of five rounds.
 */
#define _POSIX_C_SOURCE 200809L

#include <inttypes.h>
#include <marketsim/marketsim.h>
#include <stdio.h>
#include <stdlib.h>

#include "measure.h"

#define BATCH 256
#define ROUNDS 5

static void stop(int result, const char *what, const struct msim_detail *detail)
{
    fprintf(stderr, "mock-rate: %s: %s: %s\n", what, msim_result_text(result), detail->text);
    exit(1);
}

/* Seconds that `wanted` records took. */
static double generate(const struct msim_mock_params *params, uint64_t wanted, uint64_t *sum)
{
    static struct msim_record records[BATCH];
    struct msim_detail detail = {""};
    struct msim_source source;
    int r = msim_source_mock(&source, params, &detail);

    if (r < 0)
        stop(r, "create", &detail);
    double begin = measure_clock(CLOCK_PROCESS_CPUTIME_ID);
    for (uint64_t given = 0; given < wanted;) {
        size_t count = 0;
        r = msim_source_pull(&source, records, BATCH, &count, &detail);
        if (r < 0)
            stop(r, "pull", &detail);
        given += count;
        *sum += (uint64_t)records[count - 1].time;
    }
    double seconds = measure_clock(CLOCK_PROCESS_CPUTIME_ID) - begin;
    msim_source_release(&source);
    return seconds;
}

static void measure(const char *name, const struct msim_mock_params *params, uint64_t wanted)
{
    double best = 1e9;
    uint64_t sum = 0;

    for (int i = 0; i < ROUNDS; i++) {
        double seconds = generate(params, wanted, &sum);
        best = seconds < best ? seconds : best;
    }
    printf("%-28s %8.2f M records/s  (%" PRIx64 ")\n", name, (double)wanted / best * 1e-6, sum);
}

/* The default event of trades and quotes that lie ready. */
static void measure_encode(uint64_t wanted)
{
    static struct msim_record records[2 * BATCH];
    struct msim_mock_params params = MSIM_MOCK_PARAMS_INIT;
    struct msim_detail detail = {""};
    struct msim_listing listings[8];
    struct msim_source source;
    char text[MSIM_QUOTES_EVENT_MAX];
    size_t count = 0;
    double best = 1e9;
    uint64_t sum = 0;

    params.start = INT64_C(1700000000000000000);
    int r = msim_source_mock(&source, &params, &detail);
    if (r < 0)
        stop(r, "create", &detail);
    for (uint32_t i = 0; i < 8; i++) {
        size_t length;
        const char *name = msim_source_symbol(&source, i, &length);
        msim_listing_init(&listings[i], 1, name, length);
    }
    r = msim_source_pull(&source, records, 2 * BATCH, &count, &detail);
    if (r < 0)
        stop(r, "pull", &detail);
    for (int round = 0; round < ROUNDS; round++) {
        double begin = measure_clock(CLOCK_PROCESS_CPUTIME_ID);
        for (uint64_t i = 0; i < wanted; i++) {
            const struct msim_record *quote = &records[i * 2 % count];
            size_t length = 0;
            r = msim_quotes_encode(&listings[quote->symbol], quote, quote + 1, text, sizeof text,
                                   &length);
            if (r < 0)
                stop(r, "encode", &detail);
            sum += length;
        }
        double seconds = measure_clock(CLOCK_PROCESS_CPUTIME_ID) - begin;
        best = seconds < best ? seconds : best;
    }
    msim_source_release(&source);
    printf("%-28s %8.2f M events/s   (%" PRIx64 ")\n", "encode, default event",
           (double)wanted / best * 1e-6, sum);
}

int main(int argument_count, char **arguments)
{
    uint64_t wanted = argument_count > 1 ? strtoull(arguments[1], NULL, 10) : 10000000;
    struct msim_mock_params params = MSIM_MOCK_PARAMS_INIT;

    params.seed = 1;
    params.interval = MSIM_NS_PER_MS;
    measure("gbm, 8 symbols, grid", &params, wanted);
    params.symbols = msim_mock_default_symbols(NULL);
    params.symbol_count = 1;
    measure("gbm, 1 symbol, grid", &params, wanted);
    params.symbols = NULL;
    params.lead = 200 * MSIM_NS_PER_US;
    params.arrivals = MSIM_MOCK_POISSON;
    measure("gbm, 8 symbols, poisson", &params, wanted);
    params.arrivals = MSIM_MOCK_HAWKES;
    measure("gbm, 8 symbols, hawkes", &params, wanted);
    params.season = 3;
    params.bars = MSIM_MOCK_BARS_SECOND | MSIM_MOCK_BARS_MINUTE;
    for (int kind = MSIM_MOCK_GBM; kind < MSIM_MOCK_USER; kind++) {
        char name[64];
        snprintf(name, sizeof name, "%s, all on", msim_mock_model_name((uint32_t)kind));
        msim_mock_model_init(&params.model, (enum msim_mock_kind)kind);
        measure(name, &params, wanted / 4);
    }
    measure_encode(wanted / 4);
    return 0;
}
