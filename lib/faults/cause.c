/*
 * Report and venue kinds that time or a call brings about.
 */
#include "faults/report.h"

#include <string.h>

#include "base/random.h"

/* The stream of a strategy that no message and no account brought about. */
static uint64_t own_key(const struct msim_faults *faults, const struct strategy *strategy)
{
    uint64_t hash = msim_fnv(strategy->id, strategy->id_length);

    hash = msim_fnv_more(hash, "||report", 8);
    return msim_mix64(hash ^ msim_mix64(faults->seed + UINT64_C(0x9E3779B97F4A7C15)));
}

static struct timer_item cause_of(const struct msim_faults *faults, uint32_t slot)
{
    return (struct timer_item){
        .kind = TIMER_CAUSE, .slot = slot, .generation = faults->slots[slot].epoch};
}

void msim_fault_report_next(struct report *report, uint32_t slot_index, msim_time now)
{
    struct msim_faults *faults = report->faults;
    struct slot *slot = &faults->slots[slot_index];
    int64_t mean = (int64_t)((msim_int128)PPB * PPB / slot->strategy->when.rate);
    uint64_t u =
        msim_random_at(own_key(faults, slot->strategy), slot->arrivals++, PURPOSE_POISSON, 0);
    struct timer_item item = cause_of(faults, slot_index);

    msim_fault_timer(faults, moment_after(now, msim_fault_draw_exp(mean, u)), &item);
}

void msim_fault_report_arm(struct msim_faults *faults, uint32_t slot_index, msim_time now)
{
    const struct strategy *strategy = faults->slots[slot_index].strategy;
    struct timer_item item = cause_of(faults, slot_index);

    if (strategy->when.model == MODEL_RATE) {
        msim_fault_report_next(faults->report, slot_index, now);
    } else if (strategy->kind == MSIM_FAULT_VENUE && strategy->as.venue.timed) {
        msim_time at;
        if (msim_fault_moment_to_come(faults, slot_index, strategy->as.venue.at, now, &at))
            msim_fault_timer(faults, at, &item);
    } else if (strategy->kind == MSIM_FAULT_VENUE && !strategy->as.venue.on_event &&
               !strategy->one_shot && !faults->slots[slot_index].has_done_at_once) {
        msim_fault_timer(faults, now, &item);
    }
}

/* An account for what nobody's message brought about: one named, with an order to speak of. */
static struct account *any_account(struct report *report, const struct strategy *strategy,
                                   const struct decision *decision)
{
    struct account *chosen = NULL;
    uint64_t count = 0;

    /* Each one that fits takes the place of the chosen one with a chance of 1 in so many. */
    for (size_t i = 0; i < report->account_count; i++) {
        char digits[NAME_DIGITS];
        const char *name = msim_fault_account_name(report, report->accounts[i]->id, digits);
        if (!msim_fault_phantom_is_for(strategy, (struct msim_fault_text){name, strlen(name)}) ||
            !msim_fault_phantom_finds(report, strategy, report->accounts[i]))
            continue;
        uint64_t u =
            msim_random_at(decision->key, decision->n, PURPOSE_TARGET, (uint32_t)(1 + ++count));
        if (msim_mul_high(u, count) == 0)
            chosen = report->accounts[i];
    }
    return chosen;
}

void msim_fault_report_cause(struct report *report, uint32_t slot_index, msim_time now)
{
    struct slot *slot = &report->faults->slots[slot_index];
    const struct strategy *strategy = slot->strategy;
    struct msim_fault_message message = {.type = MSIM_FAULT_OTHER};
    struct view view = {.message = &message, .account = {"", 0}, .label = {"", 0}};
    struct decision decision = {
        .hit = true, .key = own_key(report->faults, strategy), .n = slot->emissions};
    struct account *account = NULL;
    bool acted = false;

    switch (strategy->kind) {
    case MSIM_FAULT_PHANTOM_FILL:
        account = any_account(report, strategy, &decision);
        acted = account && msim_fault_phantom_emit(report, slot_index, account, &decision, now);
        break;
    case MSIM_FAULT_INJECT:
        acted = msim_fault_inject_emit(report, slot_index, &view, &decision, now);
        break;
    case MSIM_FAULT_VENUE:
        acted = msim_fault_venue_emit(report, slot_index, now);
        break;
    default:
        break;
    }
    struct trace_words words = {acted ? "hit" : "inapplicable", 0, 0};
    msim_fault_trace_said(report->faults, view.account, strategy, &view, decision.n, now, &words);
    msim_fault_time_acted(report->faults, slot_index, acted, now);
}

bool msim_fault_report_fire(struct msim_faults *faults, uint32_t slot_index, msim_time now)
{
    const struct strategy *strategy = faults->slots[slot_index].strategy;
    bool waits = strategy->kind == MSIM_FAULT_DUP_FILL || strategy->kind == MSIM_FAULT_RESPOND ||
                 (strategy->kind == MSIM_FAULT_VENUE && strategy->as.venue.on_event);

    if (waits)
        return false;
    if (msim_fault_time_may_act(faults, slot_index, now))
        msim_fault_report_cause(faults->report, slot_index, now);
    return true;
}
