/*
 * A failure layer with its sessions, and all that came out of it.
 */
#ifndef TESTS_UNIT_FAULTS_BENCH_H
#define TESTS_UNIT_FAULTS_BENCH_H

#include "check.h"

#include <marketsim/faults.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS MSIM_NS_PER_MS
#define SEC MSIM_NS_PER_S

struct seen {
    msim_time time;
    uint64_t ordinal;
    uint32_t sub;
    int kind;
    int type;
    int action;
    int code;
    msim_time duration;
    struct msim_fault_session *session;
    int direction;
    char text[96]; /* what fits of the bytes or the reason, terminated */
    size_t length;
};

struct bench {
    struct msim_faults *faults;
    struct msim_fault_session *session; /* the first one */
    struct msim_fault_link *in;
    struct msim_fault_link *out;
    struct seen *seen;
    size_t count;
    size_t capacity;
    char *trace; /* NDJSON, where it was asked for */
    size_t trace_length;
    size_t trace_capacity;
    uint64_t passed; /* untouched */
    msim_time now;
    struct msim_detail detail;
};

static inline void bench_trace(void *context, const struct msim_fault_trace *trace)
{
    struct bench *bench = context;

    if (bench->trace_length + 2048 > bench->trace_capacity) {
        bench->trace_capacity = bench->trace_capacity ? 2 * bench->trace_capacity : 65536;
        bench->trace = realloc(bench->trace, bench->trace_capacity);
        assert_non_null(bench->trace);
    }
    bench->trace_length +=
        msim_fault_trace_print(bench->faults, trace, bench->trace + bench->trace_length, 2048);
}

static inline struct msim_fault_session *bench_session(struct bench *bench, msim_time now,
                                                       const char *client, int channel)
{
    struct msim_fault_session_params params = MSIM_FAULT_SESSION_PARAMS_INIT;
    struct msim_fault_session *session = NULL;

    params.client = client;
    params.account = client;
    params.channel = channel;
    assert_int_equal(
        msim_faults_session_open(bench->faults, now, &params, &session, &bench->detail), MSIM_OK);
    return session;
}

/* Seed 42 and the session acct-A/ws_private/0, as in the specification's golden vectors. */
static inline void bench_start_with(struct bench *bench, const struct msim_faults_params *params)
{
    *bench = (struct bench){0};
    assert_int_equal(msim_faults_create(&bench->faults, params, &bench->detail), MSIM_OK);
    bench->session = bench_session(bench, 0, "acct-A", MSIM_FAULT_WS_PRIVATE);
    bench->in = msim_fault_session_link(bench->session, MSIM_FAULT_IN);
    bench->out = msim_fault_session_link(bench->session, MSIM_FAULT_OUT);
}

static inline void bench_start(struct bench *bench)
{
    struct msim_faults_params params = MSIM_FAULTS_PARAMS_INIT;

    params.seed = 42;
    bench_start_with(bench, &params);
}

static inline void bench_start_traced(struct bench *bench, bool full)
{
    struct msim_faults_params params = MSIM_FAULTS_PARAMS_INIT;

    params.seed = 42;
    params.trace = bench_trace;
    params.context = bench;
    params.trace_full = full;
    bench_start_with(bench, &params);
}

static inline void bench_finish(struct bench *bench)
{
    msim_faults_destroy(&bench->faults);
    assert_null(bench->faults);
    free(bench->seen);
    free(bench->trace);
}

static inline void bench_add(struct bench *bench, msim_time now, const char *json)
{
    int r = msim_faults_add(bench->faults, now, json, strlen(json), NULL, &bench->detail);
    if (r < 0)
        fail_msg("%s: %s", json, bench->detail.text);
}

static inline struct seen *bench_note(struct bench *bench)
{
    if (bench->count == bench->capacity) {
        bench->capacity = bench->capacity ? 2 * bench->capacity : 1024;
        bench->seen = realloc(bench->seen, bench->capacity * sizeof *bench->seen);
        assert_non_null(bench->seen);
    }
    struct seen *seen = &bench->seen[bench->count++];
    *seen = (struct seen){0};
    return seen;
}

static inline void bench_check(struct bench *bench)
{
    struct msim_fault_balance in = msim_fault_link_balance(bench->in);
    struct msim_fault_balance out = msim_fault_link_balance(bench->out);

    assert_true(msim_fault_balance_holds(&in));
    assert_true(msim_fault_balance_holds(&out));
}

static inline size_t bench_pull(struct bench *bench, msim_time now)
{
    struct msim_fault_output output;
    size_t count = 0;
    int r;

    bench->now = now;
    while ((r = msim_faults_pull(bench->faults, now, &output)) == MSIM_PULL_RECORD) {
        struct seen *seen = bench_note(bench);
        bool message = output.kind == MSIM_FAULT_OUTPUT_MESSAGE;
        size_t length = message ? output.length : strlen(output.reason);
        size_t kept = length < sizeof seen->text ? length : sizeof seen->text - 1;
        seen->time = output.time;
        seen->ordinal = output.ordinal;
        seen->sub = output.sub;
        seen->kind = output.kind;
        seen->type = output.type;
        seen->action = output.action;
        seen->code = output.code;
        seen->duration = output.duration;
        seen->session = output.session;
        seen->direction = output.direction;
        seen->length = length;
        if (kept > 0)
            memcpy(seen->text, message ? (const void *)output.bytes : output.reason, kept);
        count++;
        assert_true(output.time <= now);
    }
    assert_int_equal(r, MSIM_PULL_EMPTY);
    return count;
}

/* All that is due up to and at `until`, each at its moment. */
static inline void bench_run(struct bench *bench, msim_time until)
{
    for (;;) {
        msim_time due = msim_faults_next_due(bench->faults);
        msim_time before = bench->now;
        if (due > until)
            break;
        /* What is left then is for others: events to say, actions of the venue. */
        if (bench_pull(bench, due > before ? due : before) == 0 && due <= before)
            break;
    }
    bench_pull(bench, until);
}

static inline struct msim_fault_message bench_message(const char *text, int type)
{
    return (struct msim_fault_message){.bytes = text, .length = strlen(text), .type = type};
}

/* Submits and notes it at once where it passes untouched. */
static inline int bench_send(struct bench *bench, msim_time now, struct msim_fault_link *link,
                             const struct msim_fault_message *message)
{
    struct msim_fault_balance before = msim_fault_link_balance(link);
    int r = msim_faults_submit(bench->faults, now, link, message);

    bench->now = now;
    assert_true(r >= 0);
    if (r == MSIM_FAULT_PASS) {
        struct seen *seen = bench_note(bench);
        seen->time = now;
        seen->ordinal = message->has_ordinal ? message->ordinal : before.native;
        seen->kind = MSIM_FAULT_OUTPUT_MESSAGE;
        seen->type = message->type;
        seen->length = message->length;
        size_t kept = message->length < sizeof seen->text ? message->length : sizeof seen->text - 1;
        memcpy(seen->text, message->bytes, kept);
        bench->passed++;
    }
    return r;
}

static inline int bench_text(struct bench *bench, msim_time now, struct msim_fault_link *link,
                             int type, const char *text)
{
    struct msim_fault_message message = bench_message(text, type);

    return bench_send(bench, now, link, &message);
}

static inline struct msim_fault_counts bench_counts(struct bench *bench, const char *id)
{
    struct msim_fault_counts counts;

    assert_int_equal(msim_faults_counts(bench->faults, id, &counts), MSIM_OK);
    return counts;
}

#endif
