/*
 * What was expected of a scenario, and its report.
 */
#include "faults/scenario.h"

#include <inttypes.h>
#include <string.h>

#include "base/detail.h"

/* ---- expectations ---- */

uint64_t msim_fault_hits_of(const struct msim_faults *faults, const char *id)
{
    uint32_t slot = msim_fault_slot_find(faults, id, strlen(id));

    return slot == NOTHING ? 0 : faults->slots[slot].counts.hits;
}

void msim_fault_scenario_gone(struct msim_faults *faults, uint32_t slot)
{
    struct scenario *scenario = faults->scenario;
    const struct strategy *strategy = faults->slots[slot].strategy;

    for (size_t i = 0; scenario && strategy && i < scenario->expectation_count; i++) {
        struct expectation *expectation = &scenario->expectations[i];
        if (!expectation->ledger && strcmp(expectation->about, strategy->id) == 0)
            expectation->gone += faults->slots[slot].counts.hits;
    }
}

static uint64_t hits_now(const struct msim_faults *faults, const struct expectation *expectation)
{
    return expectation->gone + msim_fault_hits_of(faults, expectation->about);
}

static enum lack_of lack_now(const struct msim_faults *faults,
                             const struct expectation *expectation)
{
    struct msim_fault_ledger ledger;

    if (expectation->ledger) {
        const struct account *account =
            msim_fault_account_named(faults->report, expectation->about);
        if (!account || !account->has_view)
            return LACK_VIEW;
        return msim_faults_ledger(faults, expectation->about, &ledger) == MSIM_OK &&
                       ledger.reconciled
                   ? LACK_NOTHING
                   : LACK_TRUTH;
    }
    uint64_t hits = hits_now(faults, expectation);
    if (hits < (uint64_t)expectation->least)
        return LACK_HITS;
    return hits > (uint64_t)expectation->most ? LACK_RESTRAINT : LACK_NOTHING;
}

static bool holds_now(const struct msim_faults *faults, const struct expectation *expectation)
{
    return lack_now(faults, expectation) == LACK_NOTHING;
}

/* The last moment at which it may come true. */
static msim_time deadline(const struct scenario *scenario, const struct expectation *expectation)
{
    return moment_after(scenario->ended, expectation->within);
}

/* What is missing now is kept: strategies may go on hitting, and robots tell their view later. */
static void fail(const struct msim_faults *faults, struct expectation *expectation)
{
    expectation->verdict = VERDICT_FAILED;
    expectation->lack = lack_now(faults, expectation);
    expectation->hits = expectation->ledger ? 0 : hits_now(faults, expectation);
}

void msim_fault_scenario_judge(const struct msim_faults *faults, struct scenario *scenario)
{
    for (size_t i = 0; i < scenario->expectation_count; i++) {
        struct expectation *expectation = &scenario->expectations[i];
        if (expectation->verdict != VERDICT_OPEN)
            continue;
        if (faults->now <= deadline(scenario, expectation) && holds_now(faults, expectation))
            expectation->verdict = VERDICT_HOLDS;
        else if (expectation->within == 0 || faults->now > deadline(scenario, expectation))
            fail(faults, expectation);
    }
}

void msim_fault_scenario_ledger(struct msim_faults *faults)
{
    if (faults->last_scenario)
        msim_fault_scenario_judge(faults, faults->last_scenario);
}

/* As it stands: of one that runs nothing has been decided yet. */
static enum verdict_on verdict_of(const struct msim_faults *faults, const struct scenario *scenario,
                                  const struct expectation *expectation)
{
    if (scenario->ended == MSIM_TIME_NEVER)
        return holds_now(faults, expectation) ? VERDICT_HOLDS : VERDICT_OPEN;
    if (expectation->verdict == VERDICT_OPEN && faults->now > deadline(scenario, expectation))
        return VERDICT_FAILED;
    return expectation->verdict;
}

/* ---- the report ---- */

/* Why it does not hold, where that can be said. */
static void put_why(struct msim_json_writer *writer, const struct msim_faults *faults,
                    const struct expectation *expectation)
{
    bool is_decided = expectation->verdict == VERDICT_FAILED;
    enum lack_of lack = is_decided ? expectation->lack : lack_now(faults, expectation);
    uint64_t hits = is_decided            ? expectation->hits
                    : expectation->ledger ? 0
                                          : hits_now(faults, expectation);
    struct msim_detail words = {{0}};

    if (lack == LACK_HITS)
        msim_detail_set(&words, 0, "hits: %" PRIu64 ", wanted: at least %" PRId64, hits,
                        expectation->least);
    else if (lack == LACK_RESTRAINT)
        msim_detail_set(&words, 0, "hits: %" PRIu64 ", wanted: at most %" PRId64, hits,
                        expectation->most);
    else if (lack == LACK_VIEW)
        msim_detail_set(&words, 0,
                        "no view of this account was told (msim_faults_view, PUT /faults/ledger)");
    else if (lack == LACK_TRUTH)
        msim_detail_set(&words, 0, "the account's view is not the truth");
    if (!words.text[0])
        return;
    msim_json_write_key(writer, "why");
    msim_json_write_text(writer, words.text);
}

static void put_expectations(struct msim_json_writer *writer, const struct msim_faults *faults,
                             const struct scenario *scenario, uint64_t counts[3])
{
    static const char *const verdicts[] = {"open", "holds", "failed"};

    msim_json_write_key(writer, "expect");
    msim_json_write_array(writer);
    for (size_t i = 0; i < scenario->expectation_count; i++) {
        const struct expectation *expectation = &scenario->expectations[i];
        enum verdict_on verdict = verdict_of(faults, scenario, expectation);
        counts[verdict]++;
        msim_json_write_object(writer);
        msim_json_write_key(writer, "about");
        msim_json_write_text(writer, expectation->about);
        msim_json_write_key(writer, "verdict");
        msim_json_write_text(writer, verdicts[verdict]);
        if (verdict != VERDICT_HOLDS)
            put_why(writer, faults, expectation);
        msim_json_write_object_end(writer);
    }
    msim_json_write_array_end(writer);
}

static void put_steps(struct msim_json_writer *writer, const struct scenario *scenario)
{
    msim_json_write_key(writer, "steps");
    msim_json_write_array(writer);
    for (size_t i = 0; i < scenario->count; i++) {
        const struct step *step = &scenario->steps[i];
        msim_json_write_object(writer);
        msim_json_write_key(writer, "do");
        msim_json_write_text(writer, msim_fault_verb_name(step->verb));
        msim_json_write_key(writer, "ran");
        msim_json_write_unsigned(writer, step->ran);
        if (step->failed > 0) {
            msim_json_write_key(writer, "failed");
            msim_json_write_unsigned(writer, step->failed);
            msim_json_write_key(writer, "why");
            msim_json_write_text(writer, step->failure);
        }
        msim_json_write_object_end(writer);
    }
    msim_json_write_array_end(writer);
}

int msim_faults_scenario_report(const struct msim_faults *faults, char *out, size_t size,
                                size_t *length, uint64_t *failures)
{
    struct msim_json_writer writer;
    struct msim_bytes bytes;
    uint64_t counts[3] = {0}; /* by enum verdict_on */
    uint64_t failed_steps = 0;

    if (!faults || (!out && size > 0) || !length)
        return MSIM_ERR_INVALID;
    const struct scenario *scenario = faults->scenario ? faults->scenario : faults->last_scenario;
    if (!scenario)
        return MSIM_ERR_STATE;
    msim_bytes_init(&bytes, STATISTICS_MOST_BYTES, &faults->allocator);
    msim_json_write_bytes(&writer, &bytes);
    msim_json_write_object(&writer);
    msim_json_write_key(&writer, "name");
    msim_json_write_text(&writer, scenario->name);
    msim_json_write_key(&writer, "seed");
    msim_json_write_unsigned(&writer, faults->seed);
    msim_json_write_key(&writer, "running");
    msim_json_write_bool(&writer, scenario->ended == MSIM_TIME_NEVER);
    msim_json_write_key(&writer, "marks");
    msim_json_write_unsigned(&writer, scenario->marks);
    put_steps(&writer, scenario);
    put_expectations(&writer, faults, scenario, counts);
    for (size_t i = 0; i < scenario->count; i++)
        failed_steps += scenario->steps[i].failed > 0;
    msim_json_write_key(&writer, "failures");
    msim_json_write_unsigned(&writer, counts[VERDICT_FAILED] + failed_steps);
    msim_json_write_key(&writer, "open");
    msim_json_write_unsigned(&writer, counts[VERDICT_OPEN]);
    msim_json_write_object_end(&writer);
    if (failures)
        *failures = counts[VERDICT_FAILED] + counts[VERDICT_OPEN];
    return msim_fault_give_text(&bytes, msim_json_write_end(&writer, NULL), out, size, length);
}
