/*
 * Scenarios: strategies, a timeline, triggers and expectations.
 *
 * The text is kept as it was read; a step is a node of it.  Steps run as timers, so
 * that one that a message triggers changes the strategies after that message and
 * before the next.
 */
#include "faults/report.h"

#include <string.h>

#include "base/detail.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/units.h"
#include "faults/plan.h"

#define STEPS_MOST 10000

enum verb {
    VERB_ENABLE,
    VERB_DISABLE,
    VERB_ADD,
    VERB_UPDATE,
    VERB_REMOVE,
    VERB_FIRE,
    VERB_VENUE,
    VERB_HEAL,
    VERB_RESET,
    VERB_MARK,
};

enum condition {
    ON_TIME,
    ON_MESSAGE, /* at a wire tap */
    ON_EVENT,   /* at the report tap */
    ON_ORDER_STATE,
    ON_POSITION,
    ON_HITS,
};

struct step {
    enum verb verb;
    enum condition condition;
    uint32_t node;
    msim_time at;
    msim_time every;
    int64_t times; /* further ones */
    struct selector select;
    uint64_t count;
    uint64_t met; /* how often so far */
    bool repeat;
    bool done;
    const char *id;
    const char *symbol;
    const char *account;
    int64_t least;
    int64_t most;
    uint64_t ran;
    uint64_t failed;
    char failure[96];
};

struct scenario {
    char *text;
    size_t length;
    struct msim_json_document document;
    struct strategy *words; /* whose arena holds the texts of the steps */
    struct step *steps;
    size_t count;
    const char *name;
    uint32_t expect; /* its node */
    msim_time started;
    msim_time ended; /* MSIM_TIME_NEVER while it runs */
    uint64_t marks;
    uint64_t seed;
    uint32_t strategies; /* their node */
};

static void scenario_free(struct msim_faults *faults, struct scenario *scenario)
{
    if (!scenario)
        return;
    msim_json_document_finish(&scenario->document);
    msim_fault_strategy_free(scenario->words, &faults->allocator);
    msim_mem_free(&faults->allocator, scenario->steps, scenario->count * sizeof *scenario->steps);
    if (scenario->text)
        msim_mem_free(&faults->allocator, scenario->text, scenario->length + 1);
    msim_mem_free(&faults->allocator, scenario, sizeof *scenario);
}

void msim_fault_scenario_finish(struct msim_faults *faults)
{
    scenario_free(faults, faults->scenario);
    scenario_free(faults, faults->last_scenario);
    faults->scenario = faults->last_scenario = NULL;
}

/* ---- reading ---- */

static const char *const verb_names[] = {"enable", "disable", "add",   "update", "remove", "fire",
                                         "venue",  "heal",    "reset", "mark",   NULL};

/* The key that a verb cannot do without. */
static const char *const verb_needs[] = {
    [VERB_ENABLE] = "id", [VERB_DISABLE] = "id", [VERB_ADD] = "strategy", [VERB_UPDATE] = "patch",
    [VERB_REMOVE] = "id", [VERB_FIRE] = "fault", [VERB_VENUE] = "action", [VERB_HEAL] = NULL,
    [VERB_RESET] = NULL,  [VERB_MARK] = NULL,
};

static int refuse(const struct plan *plan, uint32_t node, const char *words)
{
    return msim_json_refuse(plan->document, node, plan->detail, MSIM_ERR_INVALID, "%s", words);
}

static int read_bounds(const struct plan *plan, uint32_t node, struct step *step)
{
    static const char *const keys[] = {"account", "symbol", "min", "max", NULL};
    int r = msim_fault_plan_keys(plan, node, keys, NULL);

    step->least = INT64_MIN;
    step->most = INT64_MAX;
    if (r == MSIM_OK && (plan_member(plan, node, "account") == MSIM_JSON_NONE ||
                         plan_member(plan, node, "symbol") == MSIM_JSON_NONE))
        return refuse(plan, node, "a position is of an \"account\" and a \"symbol\"");
    if (r == MSIM_OK)
        r = msim_fault_plan_text(plan, plan_member(plan, node, "account"), &step->account, NULL);
    if (r == MSIM_OK)
        r = msim_fault_plan_text(plan, plan_member(plan, node, "symbol"), &step->symbol, NULL);
    if (r == MSIM_OK)
        r = msim_fault_plan_number(plan, plan_member(plan, node, "min"), INT64_MIN, INT64_MAX,
                                   &step->least);
    if (r == MSIM_OK)
        r = msim_fault_plan_number(plan, plan_member(plan, node, "max"), INT64_MIN, INT64_MAX,
                                   &step->most);
    return r;
}

/* A key of another kind of step or condition would be ignored: it is a mistake. */
static int refuse_strangers(const struct plan *plan, uint32_t node, const char *const *keys,
                            const char *words)
{
    for (size_t i = 0; keys[i]; i++)
        if (plan_member(plan, node, keys[i]) != MSIM_JSON_NONE)
            return refuse(plan, plan_member(plan, node, keys[i]), words);
    return MSIM_OK;
}

static int read_on(const struct plan *plan, uint32_t node, struct step *step)
{
    static const char *const keys[] = {
        "type", "dir",      "channel",  "label", "account",     "symbol",   "cid",     "side",
        "not",  "size_min", "size_max", "count", "order_state", "position", "hits_of", NULL};
    static const char *const of_messages[] = {
        "type", "dir", "channel",  "label",    "account",     "symbol", "cid",
        "side", "not", "size_min", "size_max", "order_state", NULL};
    const uint64_t told = ((UINT64_C(1) << (MSIM_FAULT_POSITION + 1)) - 1) &
                          ~((UINT64_C(1) << MSIM_FAULT_EXEC_NEW) - 1);
    uint32_t position = plan_member(plan, node, "position");
    uint32_t hits = plan_member(plan, node, "hits_of");
    uint32_t order = plan_member(plan, node, "order_state");
    int r = msim_fault_plan_keys(plan, node, keys, NULL);

    step->count = 1;
    if (r == MSIM_OK)
        r = msim_fault_plan_unsigned(plan, plan_member(plan, node, "count"), INT64_MAX,
                                     &step->count);
    if (r < 0)
        return r;
    if (position != MSIM_JSON_NONE || hits != MSIM_JSON_NONE) {
        bool both = position != MSIM_JSON_NONE && hits != MSIM_JSON_NONE;
        r = both ? refuse(plan, hits, "one condition each: \"position\" or \"hits_of\"")
                 : refuse_strangers(plan, node, of_messages,
                                    "a condition on a position or on hits looks at no message");
        if (r < 0)
            return r;
        step->condition = position != MSIM_JSON_NONE ? ON_POSITION : ON_HITS;
        return position != MSIM_JSON_NONE ? read_bounds(plan, position, step)
                                          : msim_fault_plan_text(plan, hits, &step->id, NULL);
    }
    r = msim_fault_plan_conditions(plan, node, &step->select);
    if (r < 0)
        return r;
    if (order != MSIM_JSON_NONE) {
        step->condition = ON_ORDER_STATE;
        return msim_fault_plan_text(plan, order, &step->symbol, NULL);
    }
    bool wire = plan_member(plan, node, "dir") != MSIM_JSON_NONE ||
                plan_member(plan, node, "channel") != MSIM_JSON_NONE ||
                plan_member(plan, node, "label") != MSIM_JSON_NONE ||
                (step->select.types & ~told) != 0;
    step->condition = wire ? ON_MESSAGE : ON_EVENT;
    if (plan_member(plan, node, "type") == MSIM_JSON_NONE)
        return refuse(plan, node,
                      "a condition names a \"type\", \"order_state\", \"position\" or "
                      "\"hits_of\"");
    return MSIM_OK;
}

static int read_time(const struct plan *plan, uint32_t node, struct step *step)
{
    uint32_t every = plan_member(plan, node, "every");
    int64_t times = 1;
    int r = msim_fault_plan_shift(plan, plan_member(plan, node, "at"), &step->at);

    if (r == MSIM_OK && step->at < 0)
        return refuse(plan, node, "a step comes at 0s or later");
    if (r == MSIM_OK)
        r = msim_fault_plan_shift(plan, every, &step->every);
    if (r == MSIM_OK && every != MSIM_JSON_NONE && step->every <= 0)
        return refuse(plan, every, "a length of time above 0 is wanted here");
    if (r == MSIM_OK)
        r = msim_fault_plan_integer(plan, plan_member(plan, node, "times"), 1, INT64_MAX, &times);
    if (r == MSIM_OK && every == MSIM_JSON_NONE && times > 1)
        return refuse(plan, node, "\"times\" needs \"every\"");
    if (every != MSIM_JSON_NONE && plan_member(plan, node, "times") == MSIM_JSON_NONE)
        times = INT64_MAX;
    step->times = times - 1;
    return r;
}

/* What does not go with the step's verb, its moment or its trigger. */
static int check_step_keys(const struct plan *plan, uint32_t node, enum verb verb, bool triggered)
{
    static const char *const of_time[] = {"every", "times", NULL};
    static const char *const of_trigger[] = {"repeat", NULL};
    static const char *const objects[] = {"strategy", "patch", "fault", "action", NULL};
    const char *need = verb_needs[verb];
    bool named = verb == VERB_UPDATE || (need && strcmp(need, "id") == 0);
    uint32_t id = plan_member(plan, node, "id");
    const char *text = NULL;

    int r = triggered
                ? refuse_strangers(plan, node, of_time, "this goes with \"at\", not \"on\"")
                : refuse_strangers(plan, node, of_trigger, "this goes with \"on\", not \"at\"");
    for (size_t i = 0; r == MSIM_OK && objects[i]; i++)
        if (plan_member(plan, node, objects[i]) != MSIM_JSON_NONE &&
            (!need || strcmp(objects[i], need) != 0))
            return msim_json_refuse(plan->document, plan_member(plan, node, objects[i]),
                                    plan->detail, MSIM_ERR_INVALID,
                                    "\"%s\" has no use for this: leave it away", verb_names[verb]);
    if (r == MSIM_OK && id != MSIM_JSON_NONE && !named)
        return msim_json_refuse(plan->document, id, plan->detail, MSIM_ERR_INVALID,
                                "\"%s\" has no use for this: leave it away", verb_names[verb]);
    return r < 0 ? r : msim_fault_plan_text(plan, id, &text, NULL);
}

static int read_step(const struct plan *plan, uint32_t node, struct step *step)
{
    static const char *const keys[] = {"at",       "every", "times", "on",     "repeat", "do", "id",
                                       "strategy", "patch", "fault", "action", "note",   NULL};
    uint32_t on = plan_member(plan, node, "on");
    uint32_t at = plan_member(plan, node, "at");
    uint32_t verb = plan_member(plan, node, "do");
    int chosen = 0;
    int r = msim_fault_plan_keys(plan, node, keys, NULL);

    if (r == MSIM_OK && verb == MSIM_JSON_NONE)
        return refuse(plan, node, "\"do\" is missing here: enable, fire, heal, ...");
    if (r == MSIM_OK)
        r = msim_fault_plan_choice(plan, verb, verb_names, &chosen);
    if (r == MSIM_OK && (on == MSIM_JSON_NONE) == (at == MSIM_JSON_NONE))
        return refuse(plan, node, "a step has either \"at\" or \"on\"");
    if (r < 0)
        return r;
    step->verb = (enum verb)chosen;
    step->node = node;
    const char *need = verb_needs[chosen];
    if (need && plan_member(plan, node, need) == MSIM_JSON_NONE)
        return msim_json_refuse(plan->document, node, plan->detail, MSIM_ERR_INVALID,
                                "\"%s\" is missing here", need);
    if (chosen == VERB_UPDATE && plan_member(plan, node, "id") == MSIM_JSON_NONE)
        return refuse(plan, node, "\"id\" is missing here");
    r = check_step_keys(plan, node, step->verb, on != MSIM_JSON_NONE);
    if (r == MSIM_OK)
        r = msim_fault_plan_bool(plan, plan_member(plan, node, "repeat"), &step->repeat);
    if (r == MSIM_OK && on != MSIM_JSON_NONE)
        return read_on(plan, on, step);
    return r < 0 ? r : read_time(plan, node, step);
}

/* The action of a venue step is a strategy without its kind; document and text are the caller's. */
static int read_venue(const struct msim_faults *faults, const struct msim_json_document *scenario,
                      uint32_t node, struct msim_json_document *document, struct msim_bytes *text,
                      struct msim_detail *detail)
{
    static const char kind[] = "{\"kind\":\"venue\"}";
    const struct msim_json_node *action = &scenario->nodes[node];

    msim_bytes_init(text, PLAN_MOST_BYTES, &faults->allocator);
    int r = msim_fault_merge_patch(kind, sizeof kind - 1, scenario->text + action->start,
                                   action->end - action->start, text, &faults->allocator, detail);
    if (r == MSIM_OK)
        r = msim_json_document_read(document, (const char *)msim_bytes_front(text),
                                    msim_bytes_length(text), NULL, &faults->allocator, detail);
    if (r < 0)
        msim_bytes_finish(text);
    return r;
}

/* The strategy that the node describes is one. */
static int check_strategy(struct msim_faults *faults, const struct msim_json_document *document,
                          uint32_t node, struct msim_detail *detail)
{
    struct plan_limits limits = {faults->params.max_delay, 0, "check"};
    struct strategy *strategy = NULL;
    int r = msim_fault_plan_read(&strategy, document, node, &limits, &faults->allocator, detail);

    msim_fault_strategy_free(strategy, &faults->allocator);
    return r;
}

static int check_venue(struct msim_faults *faults, const struct plan *plan, uint32_t node)
{
    struct msim_json_document document;
    struct msim_bytes text;
    struct msim_detail inner = {""};
    int r = read_venue(faults, plan->document, node, &document, &text, &inner);

    if (r == MSIM_OK) {
        r = check_strategy(faults, &document, 0, &inner);
        msim_json_document_finish(&document);
        msim_bytes_finish(&text);
    }
    if (r < 0)
        return msim_json_refuse(plan->document, node, plan->detail, r, "in this action: %s",
                                inner.text);
    return MSIM_OK;
}

/* Strategies that are only named in steps are read once here, so that none fails later. */
static int check_step(struct msim_faults *faults, const struct plan *plan, const struct step *step)
{
    const char *need = verb_needs[step->verb];
    uint32_t node = need ? plan_member(plan, step->node, need) : MSIM_JSON_NONE;

    switch (step->verb) {
    case VERB_ADD:
    case VERB_FIRE:
        return check_strategy(faults, plan->document, node, plan->detail);
    case VERB_VENUE:
        return check_venue(faults, plan, node);
    case VERB_UPDATE:
        if (plan_kind(plan, node) != MSIM_JSON_OBJECT)
            return refuse(plan, node, "a merge patch, an object, is wanted here");
        return MSIM_OK;
    default:
        return MSIM_OK;
    }
}

static int read_timeline(struct msim_faults *faults, const struct plan *plan, uint32_t node,
                         struct scenario *scenario)
{
    if (node == MSIM_JSON_NONE)
        return MSIM_OK;
    uint32_t count = plan->document->nodes[node].count;
    if (plan_kind(plan, node) != MSIM_JSON_ARRAY || count > STEPS_MOST)
        return msim_json_refuse(plan->document, node, plan->detail, MSIM_ERR_INVALID,
                                "a list of at most %d steps is wanted here", STEPS_MOST);
    if (count == 0)
        return MSIM_OK;
    scenario->steps = msim_mem_zero_array(&faults->allocator, count, sizeof *scenario->steps);
    if (!scenario->steps)
        return MSIM_ERR_NOMEM;
    scenario->count = count;
    size_t i = 0;
    for (uint32_t at = plan->document->nodes[node].first; at != MSIM_JSON_NONE;
         at = plan->document->nodes[at].next, i++) {
        int r = read_step(plan, at, &scenario->steps[i]);
        if (r == MSIM_OK)
            r = check_step(faults, plan, &scenario->steps[i]);
        if (r < 0)
            return r;
    }
    return MSIM_OK;
}

static int read_expectations(const struct plan *plan, uint32_t node)
{
    static const char *const keys[] = {"strategy",          "hits_min", "hits_max", "at",
                                       "ledger_reconciled", "within",   NULL};
    static const char *const of_ledgers[] = {"within", NULL};
    static const char *const of_strategies[] = {"hits_min", "hits_max", NULL};

    if (node == MSIM_JSON_NONE)
        return MSIM_OK;
    if (plan_kind(plan, node) != MSIM_JSON_ARRAY)
        return refuse(plan, node, "a list of expectations is wanted here");
    for (uint32_t at = plan->document->nodes[node].first; at != MSIM_JSON_NONE;
         at = plan->document->nodes[at].next) {
        static const char *const ends[] = {"end", NULL};
        const char *text = NULL;
        int64_t number = 0;
        int end = 0;
        msim_time within = 0;
        int r = msim_fault_plan_keys(plan, at, keys, NULL);
        bool strategy = r == MSIM_OK && plan_member(plan, at, "strategy") != MSIM_JSON_NONE;
        bool ledger = r == MSIM_OK && plan_member(plan, at, "ledger_reconciled") != MSIM_JSON_NONE;
        if (r == MSIM_OK && strategy == ledger)
            return refuse(plan, at,
                          "an expectation is about a \"strategy\" or about "
                          "\"ledger_reconciled\"");
        if (r == MSIM_OK)
            r = refuse_strangers(plan, at, strategy ? of_ledgers : of_strategies,
                                 strategy ? "this goes with \"ledger_reconciled\""
                                          : "this goes with \"strategy\"");
        if (r == MSIM_OK)
            r = msim_fault_plan_text(
                plan, plan_member(plan, at, strategy ? "strategy" : "ledger_reconciled"), &text,
                NULL);
        if (r == MSIM_OK)
            r = msim_fault_plan_integer(plan, plan_member(plan, at, "hits_min"), 0, INT64_MAX,
                                        &number);
        if (r == MSIM_OK)
            r = msim_fault_plan_integer(plan, plan_member(plan, at, "hits_max"), 0, INT64_MAX,
                                        &number);
        if (r == MSIM_OK)
            r = msim_fault_plan_choice(plan, plan_member(plan, at, "at"), ends, &end);
        if (r == MSIM_OK)
            r = msim_fault_plan_duration(plan, plan_member(plan, at, "within"), &within);
        if (r < 0)
            return r;
    }
    return MSIM_OK;
}

static int read_head(struct msim_faults *faults, const struct plan *plan, struct scenario *scenario)
{
    static const char *const keys[] = {"format",   "name",   "seed", "strategies",
                                       "timeline", "expect", NULL};
    uint32_t seed = plan_member(plan, 0, "seed");
    int64_t format = 1;
    uint64_t wanted = faults->seed;
    int r = msim_fault_plan_keys(plan, 0, keys, NULL);

    scenario->name = "";
    if (r == MSIM_OK && plan_member(plan, 0, "format") == MSIM_JSON_NONE)
        return refuse(plan, 0, "\"format\": 1 is missing here");
    if (r == MSIM_OK)
        r = msim_fault_plan_integer(plan, plan_member(plan, 0, "format"), 1, 1, &format);
    if (r == MSIM_OK)
        r = msim_fault_plan_text(plan, plan_member(plan, 0, "name"), &scenario->name, NULL);
    if (r == MSIM_OK)
        r = msim_fault_plan_unsigned(plan, seed, INT64_MAX, &wanted);
    bool in_use = faults->session_count > 0 || faults->strategies > 0;
    if (r == MSIM_OK && wanted != faults->seed && in_use)
        return refuse(plan, seed, "the layer is in use with another seed: create it with this one");
    if (r == MSIM_OK && wanted == 0)
        return refuse(plan, seed, "a seed of 1 or more is wanted here");
    scenario->seed = wanted;
    return r;
}

static int read_all(struct msim_faults *faults, struct scenario *scenario,
                    struct msim_detail *detail)
{
    struct plan_limits limits = {faults->params.max_delay, 0, NULL};
    struct plan plan = {&scenario->document, &limits, scenario->words, detail};
    uint32_t strategies = MSIM_JSON_NONE;

    if (plan_kind(&plan, 0) != MSIM_JSON_OBJECT)
        return refuse(&plan, 0, "a scenario is an object");
    int r = read_head(faults, &plan, scenario);
    if (r == MSIM_OK)
        r = read_timeline(faults, &plan, plan_member(&plan, 0, "timeline"), scenario);
    if (r == MSIM_OK) {
        scenario->expect = plan_member(&plan, 0, "expect");
        r = read_expectations(&plan, scenario->expect);
    }
    if (r < 0)
        return r;
    strategies = plan_member(&plan, 0, "strategies");
    if (strategies != MSIM_JSON_NONE && plan_kind(&plan, strategies) != MSIM_JSON_ARRAY)
        return refuse(&plan, strategies, "a list of strategies is wanted here");
    scenario->strategies = strategies;
    return MSIM_OK;
}

static int make(struct msim_faults *faults, const char *json, size_t length, struct scenario **out,
                struct msim_detail *detail)
{
    struct scenario *scenario = msim_mem_zero(&faults->allocator, sizeof *scenario);
    if (!scenario)
        return MSIM_ERR_NOMEM;

    scenario->document.allocator = faults->allocator;
    scenario->length = length;
    scenario->text = msim_mem_text(&faults->allocator, json, length);
    scenario->words = msim_mem_zero(&faults->allocator, sizeof *scenario->words);
    int r = scenario->text && scenario->words ? MSIM_OK : MSIM_ERR_NOMEM;
    if (r == MSIM_OK) {
        scenario->words->arena.allocator = &faults->allocator;
        r = msim_json_document_read(&scenario->document, scenario->text, length, NULL,
                                    &faults->allocator, detail);
    }
    if (r == MSIM_OK)
        r = read_all(faults, scenario, detail);
    if (r < 0) {
        scenario_free(faults, scenario);
        return r;
    }
    *out = scenario;
    return MSIM_OK;
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
    int r = make(faults, json, length, &scenario, detail);
    if (r < 0)
        return r == MSIM_ERR_NOMEM ? msim_detail_set(detail, r, "%s", msim_result_text(r)) : r;
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
        scenario_free(faults, scenario);
        return r;
    }
    scenario_free(faults, faults->last_scenario);
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
    int r = read_venue(faults, &scenario->document, node, &document, &text, detail);
    if (r < 0)
        return r;

    r = msim_fault_fire_node(faults, &document, 0, detail);
    msim_json_document_finish(&document);
    msim_bytes_finish(&text);
    return r;
}

static int run_step(struct msim_faults *faults, struct scenario *scenario, struct step *step,
                    struct msim_detail *detail)
{
    const struct msim_json_document *document = &scenario->document;
    uint32_t id_node = msim_json_member(document, step->node, "id");
    const char *need = verb_needs[step->verb];
    uint32_t node = need ? msim_json_member(document, step->node, need) : MSIM_JSON_NONE;
    char id[MSIM_FAULT_ID_SIZE] = "";
    uint32_t place = 0;

    if (id_node != MSIM_JSON_NONE && document->nodes[id_node].kind == MSIM_JSON_STRING &&
        msim_json_string(document->text, document->nodes[id_node].start,
                         document->nodes[id_node].end, id, sizeof id, NULL) < 0)
        return MSIM_ERR_NOT_FOUND;
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
        return msim_fault_fire_node(faults, document, node, detail);
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

static uint64_t hits_of(const struct msim_faults *faults, const char *id)
{
    uint32_t slot = msim_fault_slot_find(faults, id, strlen(id));

    return slot == NOTHING ? 0 : faults->slots[slot].counts.hits;
}

static bool in_position(const struct msim_faults *faults, const struct step *step)
{
    const struct account *account = msim_fault_account_named(faults->report, step->account);

    for (size_t i = 0; account && i < account->position_count; i++) {
        char digits[NAME_DIGITS];
        const struct known_position *position = &account->positions[i];
        if (strcmp(msim_fault_symbol_name(faults->report, position->instrument, digits),
                   step->symbol) != 0)
            continue;
        /* The bounds are in parts of 10^9, the position in the instrument's own. */
        int shift = -9 - msim_fault_quantity_exponent(faults->report, position->instrument);
        msim_int128 held = position->truth;
        for (; shift < 0; shift++)
            held *= 10;
        for (; shift > 0; shift--)
            held /= 10;
        return held >= step->least && held <= step->most;
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
            is = hits_of(faults, step->id) >= step->count * (step->ran + 1);
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

/* ---- the report ---- */

static bool holds(const struct msim_faults *faults, const struct scenario *scenario, uint32_t node,
                  char *name, size_t size)
{
    const struct msim_json_document *document = &scenario->document;
    uint32_t strategy = msim_json_member(document, node, "strategy");
    uint32_t who = strategy != MSIM_JSON_NONE
                       ? strategy
                       : msim_json_member(document, node, "ledger_reconciled");
    struct msim_fault_ledger ledger;

    if (msim_json_string(document->text, document->nodes[who].start, document->nodes[who].end, name,
                         size, NULL) < 0)
        return false;
    if (strategy == MSIM_JSON_NONE)
        return msim_faults_ledger(faults, name, &ledger) == MSIM_OK && ledger.reconciled;
    int64_t least = 0;
    int64_t most = INT64_MAX;
    uint32_t min = msim_json_member(document, node, "hits_min");
    uint32_t max = msim_json_member(document, node, "hits_max");
    if (min != MSIM_JSON_NONE)
        msim_json_integer(document->text, document->nodes[min].start, document->nodes[min].end,
                          &least);
    if (max != MSIM_JSON_NONE)
        msim_json_integer(document->text, document->nodes[max].start, document->nodes[max].end,
                          &most);
    uint64_t hits = hits_of(faults, name);
    return hits >= (uint64_t)least && hits <= (uint64_t)most;
}

/* A reconciliation may come within a time after the end; later it is none. */
static bool still_open(const struct msim_faults *faults, const struct scenario *scenario,
                       uint32_t node)
{
    const struct msim_json_document *document = &scenario->document;
    uint32_t within = msim_json_member(document, node, "within");
    struct msim_fault_text text = {NULL, 0};
    msim_time length = 0;

    if (scenario->ended == MSIM_TIME_NEVER)
        return true;
    if (within == MSIM_JSON_NONE)
        return false;
    text.text = document->text + document->nodes[within].start + 1;
    text.length = document->nodes[within].end - document->nodes[within].start - 2;
    return msim_duration_parse(text.text, text.length, &length) == MSIM_OK &&
           faults->now < moment_after(scenario->ended, length);
}

static void put_expectations(struct msim_json_writer *writer, const struct msim_faults *faults,
                             const struct scenario *scenario, uint64_t *failures)
{
    const struct msim_json_document *document = &scenario->document;

    msim_json_write_key(writer, "expect");
    msim_json_write_array(writer);
    if (scenario->expect != MSIM_JSON_NONE) {
        for (uint32_t at = document->nodes[scenario->expect].first; at != MSIM_JSON_NONE;
             at = document->nodes[at].next) {
            char name[256] = "";
            bool ok = holds(faults, scenario, at, name, sizeof name);
            bool open = !ok && still_open(faults, scenario, at);
            *failures += !ok;
            msim_json_write_object(writer);
            msim_json_write_key(writer, "about");
            msim_json_write_text(writer, name);
            msim_json_write_key(writer, "verdict");
            msim_json_write_text(writer, ok ? "holds" : open ? "open" : "failed");
            msim_json_write_object_end(writer);
        }
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
        msim_json_write_text(writer, verb_names[step->verb]);
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
    uint64_t failed = 0;

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
    put_expectations(&writer, faults, scenario, &failed);
    msim_json_write_key(&writer, "failures");
    msim_json_write_unsigned(&writer, failed);
    msim_json_write_object_end(&writer);
    if (failures)
        *failures = failed;
    return msim_fault_give_text(&bytes, msim_json_write_end(&writer, NULL), out, size, length);
}
