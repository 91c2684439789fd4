/*
 * The request tap, and clocks that are wrong.
 */
#include "faults/report.h"

#include <string.h>

#include "base/mem.h"
#include "base/random.h"

/* ---- answers ---- */

static enum answer pick_answer(const struct respond *respond, const struct decision *decision)
{
    size_t i = 0;

    if (respond->count > 1) {
        uint64_t u = msim_random_at(decision->key, decision->n, PURPOSE_MIXTURE, 0);
        uint64_t place = msim_mul_high(u, respond->weights[respond->count - 1]);
        while (place >= respond->weights[i])
            i++;
    }
    return (enum answer)respond->answers[i];
}

/* The error that comes late. */
static void say_error(struct report *report, const struct strategy *strategy,
                      struct msim_fault_text account, uint64_t request, msim_time when)
{
    const struct respond *respond = &strategy->as.respond;
    uint32_t index = msim_fault_saying_take(report, strategy);
    if (index == NOTHING)
        return;

    struct saying *saying = saying_at(report, index);
    const struct msim_fault_text message = {respond->message, strlen(respond->message)};
    if (msim_fault_saying_words(report, saying, message, account, (struct msim_fault_text){0}) <
        0) {
        msim_fault_saying_give(report, index);
        return;
    }
    saying->said.made = MSIM_FAULT_MADE_ERROR;
    saying->said.type = MSIM_FAULT_REJECT_NEW;
    saying->said.request = request;
    saying->said.code = respond->code;
    saying->said.http = respond->http;
    memcpy(saying->code_text, respond->code_text, strlen(respond->code_text) + 1);
    msim_fault_say_at(report, index, when);
}

static void answer(struct report *report, struct slot *slot, const struct decision *decision,
                   struct msim_fault_text account, uint64_t request, msim_time now,
                   struct msim_fault_verdict *out)
{
    const struct respond *respond = &slot->strategy->as.respond;
    enum answer answer = pick_answer(respond, decision);

    out->execute = answer == ANSWER_UNKNOWN_STATUS;
    out->acknowledge = answer == ANSWER_LATE_REJECT || answer == ANSWER_ACK_ONLY;
    out->refuse = answer == ANSWER_REJECT;
    if (!out->execute)
        slot->kinds->report.suppressed++;
    if (out->refuse) {
        out->code = respond->code;
        out->code_text = respond->code_text;
        out->http = respond->http;
        out->message = respond->message;
        slot->kinds->report.emitted++;
    } else if (answer != ANSWER_ACK_ONLY) {
        slot->kinds->report.emitted++;
        say_error(report, slot->strategy, account, request, moment_after(now, respond->after));
    }
}

/*
 * The account's number among those that ask: those that asked last are found without a search, by
 * where their names stand, which is a hint and no more.
 */
static int requester_of(struct report *report, const char *name, uint32_t *id)
{
    uint32_t *recent = &report->recent_requesters[(uintptr_t)name / 4 % RECENT_ACCOUNTS];
    size_t length = 0;
    const char *known =
        *recent > 0 ? msim_symbols_text(&report->requesters, *recent - 1, &length) : NULL;

    if (known && strncmp(known, name, length + 1) == 0) {
        *id = *recent - 1;
        return MSIM_OK;
    }
    int r = msim_symbols_intern(&report->requesters, name, strlen(name), id);
    if (r == MSIM_OK)
        *recent = *id + 1;
    return r;
}

/* The number of the account's request; accounts are told apart by name. */
static int next_request(struct report *report, const char *name, uint64_t *out)
{
    const struct msim_allocator *allocator = &report->faults->allocator;
    size_t old = report->request_capacity;
    void *requests = report->requests;
    uint32_t id;
    int r = requester_of(report, name, &id);

    if (r == MSIM_OK)
        r = msim_mem_grow(allocator, &requests, &report->request_capacity, sizeof *report->requests,
                          (size_t)id + 1, SIZE_MAX);
    if (r < 0)
        return r;
    report->requests = requests;
    for (size_t i = old; i < report->request_capacity; i++)
        report->requests[i] = 0;
    *out = report->requests[id]++;
    return MSIM_OK;
}

/* An account of which no event is known yet shares what is counted with its like. */
static struct state *request_state(struct report *report, uint32_t slot, const char *name)
{
    struct account *account = msim_fault_account_named(report, name);
    struct state *state = &report->strangers[slot];

    if (account)
        return msim_fault_account_state(report, account, slot);
    state->key = msim_fault_account_key(report->faults, report->faults->slots[slot].strategy, name);
    return state;
}

int msim_faults_request(struct msim_faults *faults, msim_time now, const char *account,
                        const struct msim_fault_message *message, uint64_t request,
                        struct msim_fault_verdict *out)
{
    if (!faults || !message || !out || now < faults->now || message->type < 0 ||
        message->type >= MSIM_FAULT_TYPES)
        return MSIM_ERR_INVALID;
    struct report *report = faults->report;
    const char *name = account ? account : "";
    bool done = false;

    msim_fault_catch_up(faults, now);
    uint64_t ordinal = 0;
    int r = next_request(report, name, &ordinal);
    if (r < 0)
        return r;
    *out = (struct msim_fault_verdict){
        .execute = true, .acknowledge = true, .code_text = "", .message = ""};
    if (report->responders == 0)
        return MSIM_OK;
    const struct view view = {.message = message,
                              .account = {name, strlen(name)},
                              .label = {"", 0},
                              .direction = MSIM_FAULT_IN,
                              .channel = MSIM_FAULT_WS_API};
    for (uint32_t i = 0; faults->strategies > 0 && i < STRATEGIES_MOST; i++) {
        struct slot *slot = &faults->slots[i];
        if (!slot->strategy || slot->strategy->kind != MSIM_FAULT_RESPOND ||
            !slot->strategy->enabled)
            continue;
        slot->counts.seen++;
        if (!msim_fault_select(&slot->strategy->select, &view))
            continue;
        if (slot->strategy->when.by != BY_ORDINAL &&
            msim_fault_by_text(slot->strategy->when.by, &view).length == 0)
            continue;
        struct state *state = request_state(report, i, name);
        if (!state)
            return MSIM_ERR_NOMEM;
        struct moment moment = {.now = now, .ordinal = ordinal, .view = &view};
        slot->counts.matched++;
        struct decision decision = msim_fault_decide(faults, slot, state, &moment);
        if (!decision.hit)
            continue;
        slot->counts.decided++;
        if (done) {
            slot->counts.shadowed++;
            msim_fault_one_shot_done(faults, i, now);
            continue;
        }
        done = true;
        answer(report, slot, &decision, view.account, request, now, out);
        msim_fault_report_acted(report, i, state, &view, &decision, true, now);
        msim_fault_one_shot_done(faults, i, now);
    }
    return MSIM_OK;
}

/* ---- clocks ---- */

msim_time msim_faults_clock(struct msim_faults *faults, msim_time now, const char *account)
{
    msim_time sum = 0;

    if (!faults || faults->report->clocks == 0)
        return 0;
    const char *name = account ? account : "";
    struct msim_fault_message message = {.type = MSIM_FAULT_OTHER};
    struct view view = {.message = &message,
                        .account = {name, strlen(name)},
                        .label = {"", 0},
                        .direction = MSIM_FAULT_OUT,
                        .channel = MSIM_FAULT_WS_PRIVATE};
    for (uint32_t i = 0; i < STRATEGIES_MOST; i++) {
        struct slot *slot = &faults->slots[i];
        if (!slot->strategy || slot->strategy->kind != MSIM_FAULT_CLOCK ||
            !slot->strategy->enabled || !msim_fault_select(&slot->strategy->select, &view))
            continue;
        const struct activation *when = &slot->strategy->when;
        msim_time since = time_between(slot_start(faults, slot), now);
        if (when->windowed && (since < when->from || since >= when->to))
            continue;
        const struct clock_fault *clock = &slot->strategy->as.clock;
        msim_time begin =
            when->windowed ? moment_after(slot_start(faults, slot), when->from) : slot->added;
        msim_int128 drift = ((msim_int128)now - begin) * clock->drift_ppm / 1000000;
        msim_int128 whole = (msim_int128)sum + clock->offset + clock->step + drift;
        sum = whole > INT64_MAX ? INT64_MAX : whole < INT64_MIN ? INT64_MIN : (msim_time)whole;
    }
    return sum;
}

bool msim_faults_has_clock(const struct msim_faults *faults)
{
    return faults && faults->report->clocks > 0;
}
