/*
 * What the failure layer takes of a message's time and of the memory.
 *
 *     faults-judge [MESSAGES]
 *
 * Prints a line for each case, the median of nine rounds in this process's own time.
 */
#define _POSIX_C_SOURCE 200809L

#include <marketsim/faults.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure.h"

#define ROUNDS 9
#define HELD 1000000

static const char payload[] =
    "{\"type\":\"ORDERBOOK_UPDATE\",\"symbol\":\"BTC/USD\",\"sequence\":100000}";

static void check(int result, const char *what)
{
    if (result >= 0)
        return;
    fprintf(stderr, "faults-judge: %s: %s\n", what, msim_result_text(result));
    exit(1);
}

/* ---- memory that is counted ---- */

struct counted {
    size_t bytes;
};

static void *counted_resize(void *context, void *pointer, size_t old_size, size_t new_size)
{
    struct counted *counted = context;

    counted->bytes += new_size - old_size;
    if (new_size > 0)
        return realloc(pointer, new_size);
    free(pointer);
    return NULL;
}

/* ---- one link ---- */

struct bench {
    struct msim_faults *faults;
    struct msim_fault_link *out;
    struct msim_fault_message message;
    struct counted counted;
    size_t full; /* bytes while all of the last million waited */
};

static void start(struct bench *bench, const char *const *strategies)
{
    struct msim_allocator allocator = {counted_resize, &bench->counted};
    struct msim_faults_params params = MSIM_FAULTS_PARAMS_INIT;
    struct msim_fault_session_params who = MSIM_FAULT_SESSION_PARAMS_INIT;
    struct msim_fault_session *session = NULL;
    struct msim_detail detail = {""};

    *bench = (struct bench){
        .message = {.bytes = payload,
                    .length = sizeof payload - 1,
                    .type = MSIM_FAULT_MD_DEPTH,
                    .symbol = {"BTC/USD", 7}},
    };
    params.allocator = &allocator;
    params.max_pending_messages = HELD + 1;
    params.max_pending_bytes = (size_t)1 << 30;
    check(msim_faults_create(&bench->faults, &params, &detail), "create");
    who.client = "bench";
    check(msim_faults_session_open(bench->faults, 0, &who, &session, &detail), "session");
    bench->out = msim_fault_session_link(session, MSIM_FAULT_OUT);
    for (size_t i = 0; strategies && strategies[i]; i++)
        check(
            msim_faults_add(bench->faults, 0, strategies[i], strlen(strategies[i]), NULL, &detail),
            detail.text);
}

static int compare(const void *a, const void *b)
{
    double one = *(const double *)a;
    double other = *(const double *)b;

    return (one > other) - (one < other);
}

static double median(double *values)
{
    qsort(values, ROUNDS, sizeof *values, compare);
    return values[ROUNDS / 2];
}

/* Nanoseconds that a message takes: submitted, and what came of it pulled. */
static double judge(struct bench *bench, msim_time *time, long messages)
{
    struct msim_fault_output output;
    double begin = measure_clock(CLOCK_PROCESS_CPUTIME_ID);

    for (long i = 0; i < messages; i++) {
        int r = msim_faults_submit(bench->faults, ++*time, bench->out, &bench->message);
        while (r == MSIM_FAULT_TAKEN &&
               msim_faults_pull(bench->faults, *time, &output) == MSIM_PULL_RECORD)
            ;
        check(r, "submit");
    }
    return (measure_clock(CLOCK_PROCESS_CPUTIME_ID) - begin) / (double)messages * 1e9;
}

static void measure(const char *name, const char *const *strategies, long messages)
{
    double rounds[ROUNDS];
    struct bench bench;
    msim_time time = 0;

    start(&bench, strategies);
    for (int i = 0; i < ROUNDS; i++)
        rounds[i] = judge(&bench, &time, messages);
    double ns = median(rounds);
    printf("%-34s %8.1f ns %8.1f M/s\n", name, ns, 1e3 / ns);
    msim_faults_destroy(&bench.faults);
}

/* A million messages that wait for moments in no order: in, and out again. */
static void fill(struct bench *bench, msim_time from, double *in, double *out)
{
    struct msim_fault_output output;
    long count = 0;
    double begin = measure_clock(CLOCK_PROCESS_CPUTIME_ID);

    for (long i = 0; i < HELD; i++)
        check(msim_faults_submit(bench->faults, from + i, bench->out, &bench->message), "submit");
    double middle = measure_clock(CLOCK_PROCESS_CPUTIME_ID);
    bench->full = bench->counted.bytes;
    while (msim_faults_pull(bench->faults, from + 3 * MSIM_NS_PER_S, &output) == MSIM_PULL_RECORD)
        count++;
    *out = (measure_clock(CLOCK_PROCESS_CPUTIME_ID) - middle) / HELD * 1e9;
    *in = (middle - begin) / HELD * 1e9;
    if (count != HELD)
        check(MSIM_ERR_STATE, "not all that was held came out");
}

struct held {
    double in[2]; /* into fresh memory, and into what the first million left */
    double out[2];
    double bytes;
};

static void hold(struct held *held)
{
    static const char *const strategies[] = {
        "{\"kind\":\"delay\",\"select\":{\"dir\":\"out\"},\"order\":\"none\","
        "\"dist\":{\"type\":\"uniform\",\"min\":\"1s\",\"max\":\"2s\"}}",
        NULL};
    struct bench bench;

    start(&bench, strategies);
    size_t empty = bench.counted.bytes;
    for (int i = 0; i < 2; i++)
        fill(&bench, i * 4 * MSIM_NS_PER_S, &held->in[i], &held->out[i]);
    held->bytes = (double)(bench.full - empty) / HELD - (double)bench.message.length;
    msim_faults_destroy(&bench.faults);
}

static void measure_hold(void)
{
    double in[2][ROUNDS];
    double out[2][ROUNDS];
    struct held held;

    for (int i = 0; i < ROUNDS; i++) {
        hold(&held);
        for (int k = 0; k < 2; k++) {
            in[k][i] = held.in[k];
            out[k][i] = held.out[k];
        }
    }
    printf("%-34s %8.1f ns\n", "a million held: insertion", median(in[0]));
    printf("%-34s %8.1f ns\n", "a million held: release", median(out[0]));
    printf("%-34s %8.1f ns\n", "a million more: insertion", median(in[1]));
    printf("%-34s %8.1f ns\n", "a million more: release", median(out[1]));
    printf("%-34s %8.1f bytes\n", "a million held: beside the payload", held.bytes);
}

int main(int argument_count, char **arguments)
{
    long messages = argument_count > 1 ? strtol(arguments[1], NULL, 10) : 5000000;
    static const char *const other_type[] = {
        "{\"kind\":\"drop\",\"select\":{\"dir\":\"out\",\"type\":\"exec.*\"}}", NULL};
    static const char *const other_symbol[] = {
        "{\"kind\":\"drop\",\"select\":{\"dir\":\"out\",\"symbol\":\"ETH*\"}}", NULL};
    static const char *const five[] = {
        "{\"kind\":\"drop\",\"select\":{\"dir\":\"out\"},\"p\":0.01}",
        "{\"kind\":\"duplicate\",\"select\":{\"dir\":\"out\"},\"p\":0.01}",
        "{\"kind\":\"drop\",\"select\":{\"dir\":\"out\",\"type\":\"exec.*\"}}",
        "{\"kind\":\"delay\",\"select\":{\"dir\":\"out\",\"symbol\":\"ETH*\"},\"dist\":\"1ms\"}",
        "{\"kind\":\"corrupt\",\"select\":{\"dir\":\"out\",\"size_min\":4096},"
        "\"mode\":\"bitflip\"}",
        NULL};
    static const char *const delay[] = {
        "{\"kind\":\"delay\",\"select\":{\"dir\":\"out\"},\"dist\":\"1us\"}", NULL};

    if (messages < 1) {
        fprintf(stderr, "faults-judge: MESSAGES is a number above 0\n");
        return 2;
    }
    measure("no strategy", NULL, messages);
    measure("a selector of another type", other_type, messages);
    measure("a selector of another symbol", other_symbol, messages);
    measure("five, of which two draw", five, messages);
    measure("a delay of 1 us on each", delay, messages);
    measure_hold();
    return 0;
}
