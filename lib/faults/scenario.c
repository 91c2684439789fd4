/*
 * Scenarios: strategies, a timeline, triggers and expectations.
 *
 * Steps run as timers, so that one that a message triggers changes the strategies after
 * that message and before the next.
 */
#include "faults/scenario.h"

#include <string.h>

#include "base/detail.h"
#include "faults/plan.h"

void msim_fault_scenario_finish(struct msim_faults *faults)
{
    msim_fault_scenario_free(faults, faults->scenario);
    msim_fault_scenario_free(faults, faults->last_scenario);
    faults->scenario = faults->last_scenario = NULL;
}

/* ---- running ---- */

static void schedule(struct msim_faults *faults, size_t step, msim_time when)
{
    msim_fault_timer(faults, when,
                     &(struct timer_item){
                         .kind = TIMER_STEP, .index = (uint32_t)step, .number = faults->scenarios});
}

/* While a scenario runs its triggers see every message. */
static void watch_all(struct msim_faults *faults)
{
    for (size_t i = 0; i < faults->session_capacity; i++)
        for (size_t d = 0; faults->sessions[i] && d < 2; d++)
            msim_fault_link_watch(&faults->sessions[i]->links[d]);
}

/* What has been read begins; on failure it stays the caller's, and nothing has changed. */
static int begin(struct msim_faults *faults, msim_time now, struct scenario *scenario,
                 struct msim_detail *detail)
{
    int r = MSIM_OK;

    msim_fault_return_lent(faults);
    msim_fault_advance_before(faults, now);
    faults->now = now;
    uint64_t seed = faults->seed;
    msim_time start = faults->start;
    faults->seed = scenario->seed;
    faults->start = now;
    if (scenario->strategies != MSIM_JSON_NONE)
        r = msim_fault_add_list(faults, &scenario->document, scenario->strategies, detail);
    if (r < 0) {
        faults->seed = seed;
        faults->start = start;
        return r;
    }
    msim_fault_scenario_free(faults, faults->last_scenario);
    faults->last_scenario = NULL;
    faults->scenario = scenario;
    watch_all(faults);
    faults->scenarios++;
    scenario->started = now;
    scenario->ended = MSIM_TIME_NEVER;
    for (size_t i = 0; i < scenario->count; i++)
        if (scenario->steps[i].condition == ON_TIME)
            schedule(faults, i, moment_after(now, scenario->steps[i].at));
    return MSIM_OK;
}

int msim_faults_scenario_start(struct msim_faults *faults, msim_time now, const char *json,
                               size_t length, struct msim_detail *detail)
{
    struct scenario *scenario = NULL;

    if (!faults || !json || now < faults->now)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "a scenario is started from JSON, at a time that does not fall");
    if (faults->scenario)
        return msim_detail_set(detail, MSIM_ERR_STATE,
                               "the scenario \"%s\" is running: stop it first",
                               faults->scenario->name);
    int r = msim_fault_scenario_read(faults, json, length, &scenario, detail);
    if (r < 0)
        return r == MSIM_ERR_NOMEM ? msim_detail_set(detail, r, "%s", msim_result_text(r)) : r;
    r = msim_fault_scenario_names(faults, scenario, detail);
    if (r == MSIM_OK)
        r = begin(faults, now, scenario, detail);
    if (r < 0)
        msim_fault_scenario_free(faults, scenario);
    return r;
}

/* By a layer of its own: what the scenario says of itself is seen as it begins there. */
int msim_faults_scenario_check(const struct msim_faults *faults, const char *json, size_t length,
                               struct msim_detail *detail)
{
    struct msim_faults_params params = MSIM_FAULTS_PARAMS_INIT;
    struct msim_faults *scratch = NULL;
    struct scenario *scenario = NULL;

    if (!faults || !json)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "a scenario is checked from JSON");
    params.allocator = &faults->allocator;
    params.max_sessions = params.max_labels = params.max_accounts = params.max_orders = 1;
    params.max_strategies = faults->params.max_strategies;
    params.max_delay = faults->params.max_delay;
    params.names = &faults->report->names;
    int r = msim_faults_create(&scratch, &params, detail);
    if (r < 0)
        return r;
    r = msim_fault_scenario_read(scratch, json, length, &scenario, detail);
    if (r == MSIM_OK) {
        r = begin(scratch, 0, scenario, detail);
        if (r < 0)
            msim_fault_scenario_free(scratch, scenario);
    }
    msim_faults_destroy(&scratch);
    return r == MSIM_ERR_NOMEM ? msim_detail_set(detail, r, "%s", msim_result_text(r)) : r;
}

int msim_faults_scenario_stop(struct msim_faults *faults, msim_time now)
{
    if (!faults || now < faults->now)
        return MSIM_ERR_INVALID;
    if (!faults->scenario)
        return MSIM_ERR_STATE;
    int r = msim_faults_heal(faults, now);
    if (r < 0)
        return r;
    faults->scenario->ended = now;
    msim_fault_scenario_judge(faults, faults->scenario);
    faults->last_scenario = faults->scenario;
    faults->scenario = NULL;
    watch_all(faults);
    return MSIM_OK;
}

static int fire_venue(struct msim_faults *faults, const struct scenario *scenario, uint32_t node,
                      struct msim_detail *detail)
{
    struct msim_json_document document;
    struct msim_bytes text;
    enum fired fired;
    int r = msim_fault_scenario_venue(faults, &scenario->document, node, &document, &text, detail);
    if (r < 0)
        return r;

    r = msim_fault_fire_node(faults, &document, 0, true, &fired, detail);
    msim_json_document_finish(&document);
    msim_bytes_finish(&text);
    return r;
}

/* A robot that is not there at the moment may come again. */
static int fire_step(struct msim_faults *faults, const struct msim_json_document *document,
                     uint32_t node, struct msim_detail *detail)
{
    enum fired fired;
    int r = msim_fault_fire_node(faults, document, node, true, &fired, detail);

    if (r == MSIM_OK && fired == FIRED_AT_BARRIERS)
        r = msim_fault_refuse_vain(faults, document, fired, detail);
    return r;
}

static int do_step(struct msim_faults *faults, struct scenario *scenario, struct step *step,
                   const char *id, struct msim_detail *detail)
{
    const struct msim_json_document *document = &scenario->document;
    const char *need = msim_fault_verb_need(step->verb);
    uint32_t node = need ? msim_json_member(document, step->node, need) : MSIM_JSON_NONE;
    uint32_t place = 0;

    switch (step->verb) {
    case VERB_ENABLE:
        return msim_fault_do_enable(faults, id, true);
    case VERB_DISABLE:
        return msim_fault_do_enable(faults, id, false);
    case VERB_ADD:
        return msim_fault_add_node(faults, document, node, &place, detail);
    case VERB_UPDATE:
        return msim_fault_do_update(faults, id, document->text + document->nodes[node].start,
                                    document->nodes[node].end - document->nodes[node].start,
                                    detail);
    case VERB_REMOVE:
        return msim_fault_do_remove(faults, id);
    case VERB_FIRE:
        return fire_step(faults, document, node, detail);
    case VERB_VENUE:
        return fire_venue(faults, scenario, node, detail);
    case VERB_HEAL:
        return msim_fault_do_heal(faults);
    case VERB_RESET:
        return msim_fault_do_reset(faults);
    case VERB_MARK:
        scenario->marks++;
        return MSIM_OK;
    }
    return MSIM_OK;
}

static int no_strategy(const struct msim_faults *faults, const struct scenario *scenario,
                       uint32_t node, const char *id, struct msim_detail *detail)
{
    struct nearest nearest = {.word = id};

    for (size_t i = 0; i < faults->strategies; i++)
        msim_fault_nearer(&nearest, faults->slots[faults->slot_order[i]].strategy->id);
    return msim_json_refuse(&scenario->document, node, detail, MSIM_ERR_NOT_FOUND,
                            "there is no strategy \"%s\"%s%s%s", id,
                            nearest.found[0] ? "; the nearest one is \"" : "", nearest.found,
                            nearest.found[0] ? "\"" : "");
}

static int run_step(struct msim_faults *faults, struct scenario *scenario, struct step *step,
                    struct msim_detail *detail)
{
    const struct msim_json_document *document = &scenario->document;
    uint32_t node = msim_json_member(document, step->node, "id");
    char id[MSIM_FAULT_ID_SIZE] = "";
    int r = MSIM_OK;

    if (node != MSIM_JSON_NONE && document->nodes[node].kind == MSIM_JSON_STRING &&
        msim_json_string(document->text, document->nodes[node].start, document->nodes[node].end, id,
                         sizeof id, NULL) < 0)
        r = MSIM_ERR_NOT_FOUND; /* longer than any id */
    if (r == MSIM_OK)
        r = do_step(faults, scenario, step, id, detail);
    if (r == MSIM_ERR_NOT_FOUND && node != MSIM_JSON_NONE)
        return no_strategy(faults, scenario, node, id, detail);
    return r;
}

void msim_fault_scenario_timer(struct msim_faults *faults, const struct timer_item *item,
                               msim_time now)
{
    struct scenario *scenario = faults->scenario;
    struct msim_detail detail = {""};

    if (!scenario || item->number != faults->scenarios || item->index >= scenario->count)
        return;
    struct step *step = &scenario->steps[item->index];
    if (step->condition == ON_TIME && step->times > 0) {
        step->times--;
        schedule(faults, item->index, moment_after(now, step->every));
    }
    int r = run_step(faults, scenario, step, &detail);
    step->ran++;
    if (r < 0) {
        size_t length = 0;
        const char *words = detail.text[0] ? detail.text : msim_result_text(r);
        step->failed++;
        while (length < sizeof step->failure - 1 && words[length])
            length++;
        memcpy(step->failure, words, length);
        step->failure[length] = '\0';
    }
}

/* ---- conditions ---- */

static void met(struct msim_faults *faults, size_t i, msim_time now)
{
    struct step *step = &faults->scenario->steps[i];

    if (++step->met < step->count)
        return;
    step->met = 0;
    step->done = !step->repeat;
    schedule(faults, i, now);
}

static bool in_position(const struct msim_faults *faults, const struct step *step)
{
    const struct account *account = msim_fault_account_named(faults->report, step->account);

    for (size_t i = 0; account && i < account->dealings->position_count; i++) {
        char digits[NAME_DIGITS];
        const struct known_position *position = &account->dealings->positions[i];
        if (strcmp(msim_fault_symbol_name(faults->report, position->instrument, digits),
                   step->symbol) != 0)
            continue;
        /* The bounds are in parts of 10^9, the position in the instrument's own. */
        int shift = -9 - msim_fault_quantity_exponent(faults->report, position->instrument);
        msim_int128 held = position->truth;
        msim_int128 least = step->least;
        msim_int128 most = step->most;
        for (; shift < 0; shift++)
            held *= 10;
        for (; shift > 0; shift--) {
            least *= 10;
            most *= 10;
        }
        return held >= least && held <= most;
    }
    return step->least <= 0 && step->most >= 0;
}

static bool status_is(const struct msim_event *event, const char *name)
{
    const char *status = msim_order_status_name(event->status);
    size_t i = 0;

    for (; status[i] && name[i]; i++) {
        char c = status[i] >= 'A' && status[i] <= 'Z' ? (char)(status[i] - 'A' + 'a') : status[i];
        char other = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] - 'A' + 'a') : name[i];
        if (c != other)
            return false;
    }
    return status[i] == name[i];
}

/* What is looked at whenever anything happens; it counts each time it has come true. */
static void look(struct msim_faults *faults, msim_time now)
{
    for (size_t i = 0; i < faults->scenario->count; i++) {
        struct step *step = &faults->scenario->steps[i];
        bool is = false;
        if (step->done || (step->condition != ON_HITS && step->condition != ON_POSITION))
            continue;
        if (step->condition == ON_HITS)
            is = msim_fault_hits_of(faults, step->id) >= step->count * (step->ran + 1);
        else
            is = in_position(faults, step);
        bool was = step->met > 0;
        step->met = is;
        if (!is || was)
            continue;
        step->done = !step->repeat;
        schedule(faults, i, now);
    }
}

void msim_fault_scenario_message(struct msim_faults *faults, const struct view *view, msim_time now)
{
    for (size_t i = 0; i < faults->scenario->count; i++) {
        const struct step *step = &faults->scenario->steps[i];
        if (!step->done && step->condition == ON_MESSAGE &&
            msim_fault_select(&step->select, view) &&
            msim_fault_patterns_match(&step->select.label, view->label.text, view->label.length))
            met(faults, i, now);
    }
    look(faults, now);
}

void msim_fault_scenario_event(struct msim_faults *faults, const struct view *view,
                               const struct msim_event *event, msim_time now)
{
    if (!faults->scenario)
        return;
    for (size_t i = 0; i < faults->scenario->count; i++) {
        const struct step *step = &faults->scenario->steps[i];
        if (step->done)
            continue;
        if ((step->condition == ON_EVENT && msim_fault_select(&step->select, view)) ||
            (step->condition == ON_ORDER_STATE && status_is(event, step->symbol) &&
             msim_fault_select(&step->select, view)))
            met(faults, i, now);
    }
    look(faults, now);
}
