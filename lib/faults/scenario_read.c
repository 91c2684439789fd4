/*
 * Reading a scenario: each mistake is told at its start, with its place and the remedy.
 */
#include "faults/scenario.h"

#include <string.h>

#include "base/detail.h"
#include "base/json.h"
#include "base/mem.h"
#include "faults/plan.h"

static const char *const verb_names[] = {"enable", "disable", "add",   "update", "remove", "fire",
                                         "venue",  "heal",    "reset", "mark",   NULL};

/* The key that a verb cannot do without. */
static const char *const verb_needs[] = {
    [VERB_ENABLE] = "id", [VERB_DISABLE] = "id", [VERB_ADD] = "strategy", [VERB_UPDATE] = "patch",
    [VERB_REMOVE] = "id", [VERB_FIRE] = "fault", [VERB_VENUE] = "action", [VERB_HEAL] = NULL,
    [VERB_RESET] = NULL,  [VERB_MARK] = NULL,
};

const char *msim_fault_verb_name(enum verb verb)
{
    return verb_names[verb];
}

const char *msim_fault_verb_need(enum verb verb)
{
    return verb_needs[verb];
}

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
        r = msim_fault_plan_symbol(plan, plan_member(plan, node, "symbol"), step->symbol);
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

int msim_fault_scenario_venue(const struct msim_faults *faults,
                              const struct msim_json_document *scenario, uint32_t node,
                              struct msim_json_document *document, struct msim_bytes *text,
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
    if (r < 0) {
        msim_bytes_finish(text);
        return r;
    }
    document->sent = scenario;
    document->sent_node = node;
    return MSIM_OK;
}

/* The strategy that the node describes is one. */
static int check_strategy(struct msim_faults *faults, const struct msim_json_document *document,
                          uint32_t node, enum verb verb, struct msim_detail *detail)
{
    struct plan_limits limits = {faults->params.max_delay, 0, "check", &faults->report->names};
    struct strategy *strategy = NULL;
    int r = msim_fault_plan_read(&strategy, document, node, &limits, &faults->allocator, detail);

    if (r == MSIM_OK && verb == VERB_FIRE)
        r = msim_fault_refuse_fired(document, node, strategy->kind, detail);

    msim_fault_strategy_free(strategy, &faults->allocator);
    return r;
}

static int check_venue(struct msim_faults *faults, const struct plan *plan, uint32_t node)
{
    struct msim_json_document document;
    struct msim_bytes text;

    if (plan_kind(plan, node) != MSIM_JSON_OBJECT)
        return refuse(plan, node, "an action, an object with \"do\", is wanted here");
    int r = msim_fault_scenario_venue(faults, plan->document, node, &document, &text, plan->detail);
    if (r < 0)
        return r;
    r = check_strategy(faults, &document, 0, VERB_VENUE, plan->detail);
    msim_json_document_finish(&document);
    msim_bytes_finish(&text);
    return r;
}

/* Strategies that are only named in steps are read once here, so that none fails later. */
static int check_step(struct msim_faults *faults, const struct plan *plan, const struct step *step)
{
    const char *need = verb_needs[step->verb];
    uint32_t node = need ? plan_member(plan, step->node, need) : MSIM_JSON_NONE;

    switch (step->verb) {
    case VERB_ADD:
    case VERB_FIRE:
        return check_strategy(faults, plan->document, node, step->verb, plan->detail);
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

static int read_expectation(const struct plan *plan, uint32_t at, struct expectation *out)
{
    static const char *const keys[] = {"strategy",          "hits_min", "hits_max", "at",
                                       "ledger_reconciled", "within",   NULL};
    static const char *const of_ledgers[] = {"within", NULL};
    static const char *const of_strategies[] = {"hits_min", "hits_max", NULL};
    static const char *const ends[] = {"end", NULL};
    int end = 0;
    int r = msim_fault_plan_keys(plan, at, keys, NULL);
    if (r < 0)
        return r;

    bool strategy = plan_member(plan, at, "strategy") != MSIM_JSON_NONE;
    out->ledger = plan_member(plan, at, "ledger_reconciled") != MSIM_JSON_NONE;
    out->most = INT64_MAX;
    if (strategy == out->ledger)
        return refuse(plan, at,
                      "an expectation is about a \"strategy\" or about \"ledger_reconciled\"");
    r = refuse_strangers(plan, at, strategy ? of_ledgers : of_strategies,
                         strategy ? "this goes with \"ledger_reconciled\""
                                  : "this goes with \"strategy\"");
    if (r == MSIM_OK)
        r = msim_fault_plan_text(plan,
                                 plan_member(plan, at, strategy ? "strategy" : "ledger_reconciled"),
                                 &out->about, NULL);
    if (r == MSIM_OK)
        r = msim_fault_plan_integer(plan, plan_member(plan, at, "hits_min"), 0, INT64_MAX,
                                    &out->least);
    if (r == MSIM_OK)
        r = msim_fault_plan_integer(plan, plan_member(plan, at, "hits_max"), 0, INT64_MAX,
                                    &out->most);
    if (r == MSIM_OK && out->least > out->most)
        return refuse(plan, at, "\"hits_min\" is larger than \"hits_max\": exchange them");
    if (r == MSIM_OK)
        r = msim_fault_plan_choice(plan, plan_member(plan, at, "at"), ends, &end);
    if (r == MSIM_OK)
        r = msim_fault_plan_duration(plan, plan_member(plan, at, "within"), &out->within);
    return r;
}

static int read_expectations(struct msim_faults *faults, const struct plan *plan, uint32_t node,
                             struct scenario *scenario)
{
    if (node == MSIM_JSON_NONE)
        return MSIM_OK;
    uint32_t count = plan->document->nodes[node].count;
    if (plan_kind(plan, node) != MSIM_JSON_ARRAY || count > EXPECTATIONS_MOST)
        return msim_json_refuse(plan->document, node, plan->detail, MSIM_ERR_INVALID,
                                "a list of at most %d expectations is wanted here",
                                EXPECTATIONS_MOST);
    if (count == 0)
        return MSIM_OK;
    scenario->expectations =
        msim_mem_zero_array(&faults->allocator, count, sizeof *scenario->expectations);
    if (!scenario->expectations)
        return MSIM_ERR_NOMEM;
    scenario->expectation_count = count;
    size_t i = 0;
    for (uint32_t at = plan->document->nodes[node].first; at != MSIM_JSON_NONE;
         at = plan->document->nodes[at].next, i++) {
        int r = read_expectation(plan, at, &scenario->expectations[i]);
        if (r < 0)
            return r;
    }
    return MSIM_OK;
}

/* ---- names that stand for nothing ---- */

static bool is_number(const char *text)
{
    size_t length = 0;

    while (text[length] >= '0' && text[length] <= '9')
        length++;
    return length > 0 && text[length] == '\0';
}

/* Whether the strategy that the verb finds at the node has this id, or may be given it. */
static bool has_id(const struct msim_json_document *document, uint32_t node, enum verb verb,
                   const char *id)
{
    static const char venue[] = "venue";
    uint32_t own = msim_json_member(document, node, "id");
    uint32_t kind = msim_json_member(document, node, "kind");
    const char *dash = strrchr(id, '-');

    if (own != MSIM_JSON_NONE)
        return document->nodes[own].kind == MSIM_JSON_STRING &&
               msim_json_is(document->text, document->nodes[own].start, document->nodes[own].end,
                            id);
    if (!dash || !is_number(dash + 1))
        return false;
    const size_t length = (size_t)(dash - id);
    if (verb == VERB_VENUE && kind == MSIM_JSON_NONE)
        return length == sizeof venue - 1 && memcmp(id, venue, length) == 0;
    return kind != MSIM_JSON_NONE && document->nodes[kind].kind == MSIM_JSON_STRING &&
           msim_json_is_bytes(document->text, document->nodes[kind].start,
                              document->nodes[kind].end, id, length);
}

static void tell_nearest(const struct msim_json_document *document, uint32_t node,
                         struct nearest *nearest)
{
    uint32_t own = msim_json_member(document, node, "id");
    char id[MSIM_FAULT_ID_SIZE];

    if (own != MSIM_JSON_NONE && document->nodes[own].kind == MSIM_JSON_STRING &&
        msim_json_string(document->text, document->nodes[own].start, document->nodes[own].end, id,
                         sizeof id, NULL) >= 0)
        msim_fault_nearer(nearest, id);
}

/* Whether a strategy of the layer, of the scenario's list or of one of its steps has the id. */
static bool is_known(const struct msim_faults *faults, const struct scenario *scenario,
                     struct nearest *nearest)
{
    const struct msim_json_document *document = &scenario->document;
    const char *id = nearest->word;
    uint32_t list = scenario->strategies;

    if (msim_fault_slot_find(faults, id, strlen(id)) != NOTHING ||
        strncmp(id, MSIM_FAULT_ID_LATER, sizeof MSIM_FAULT_ID_LATER - 1) == 0)
        return true;
    for (size_t i = 0; i < faults->strategies; i++)
        msim_fault_nearer(nearest, faults->slots[faults->slot_order[i]].strategy->id);
    for (uint32_t at = list == MSIM_JSON_NONE ? list : document->nodes[list].first;
         at != MSIM_JSON_NONE; at = document->nodes[at].next) {
        if (has_id(document, at, VERB_ADD, id))
            return true;
        tell_nearest(document, at, nearest);
    }
    for (size_t i = 0; i < scenario->count; i++) {
        const struct step *step = &scenario->steps[i];
        if (step->verb != VERB_ADD && step->verb != VERB_FIRE && step->verb != VERB_VENUE)
            continue;
        uint32_t at = msim_json_member(document, step->node, verb_needs[step->verb]);
        if (has_id(document, at, step->verb, id))
            return true;
        tell_nearest(document, at, nearest);
    }
    return false;
}

static int check_name(const struct msim_faults *faults, const struct scenario *scenario,
                      uint32_t node, const char *id, struct msim_detail *detail)
{
    struct nearest nearest = {.word = id};

    if (is_known(faults, scenario, &nearest))
        return MSIM_OK;
    return msim_json_refuse(&scenario->document, node, detail, MSIM_ERR_INVALID,
                            "there is no strategy \"%s\", and no step adds one%s%s%s", id,
                            nearest.found[0] ? "; the nearest one is \"" : "", nearest.found,
                            nearest.found[0] ? "\"" : "");
}

/* What a step is to change has to stand by then, or to come. */
static int check_id(const struct msim_faults *faults, const struct scenario *scenario,
                    const struct step *step, struct msim_detail *detail)
{
    const struct msim_json_document *document = &scenario->document;
    uint32_t node = msim_json_member(document, step->node, "id");
    char id[MSIM_FAULT_ID_SIZE];

    if (node == MSIM_JSON_NONE)
        return MSIM_OK;
    if (msim_json_string(document->text, document->nodes[node].start, document->nodes[node].end, id,
                         sizeof id, NULL) < 0)
        return msim_json_refuse(document, node, detail, MSIM_ERR_INVALID,
                                "an id has at most %d characters", MSIM_FAULT_ID_SIZE - 1);
    return check_name(faults, scenario, node, id, detail);
}

int msim_fault_scenario_names(const struct msim_faults *faults, const struct scenario *scenario,
                              struct msim_detail *detail)
{
    const struct msim_json_document *document = &scenario->document;
    uint32_t expect = msim_json_member(document, 0, "expect");
    uint32_t at = expect == MSIM_JSON_NONE ? expect : document->nodes[expect].first;
    int r = MSIM_OK;

    for (size_t i = 0; r == MSIM_OK && i < scenario->expectation_count; i++) {
        if (!scenario->expectations[i].ledger)
            r = check_name(faults, scenario, msim_json_member(document, at, "strategy"),
                           scenario->expectations[i].about, detail);
        at = document->nodes[at].next;
    }
    for (size_t i = 0; r == MSIM_OK && i < scenario->count; i++) {
        const struct step *step = &scenario->steps[i];
        uint32_t on = msim_json_member(document, step->node, "on");
        if (step->condition == ON_HITS)
            r = check_name(faults, scenario, msim_json_member(document, on, "hits_of"), step->id,
                           detail);
        if (r == MSIM_OK)
            r = check_id(faults, scenario, step, detail);
    }
    return r;
}

/* ---- the whole of it ---- */

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
        return msim_json_refuse(plan->document, seed, plan->detail, MSIM_ERR_INVALID,
                                "the seed %llu is in use already: start with this one "
                                "(exchange-server --seed %llu), or leave \"seed\" away",
                                (unsigned long long)faults->seed, (unsigned long long)wanted);
    if (r == MSIM_OK && wanted == 0)
        return refuse(plan, seed, "a seed of 1 or more is wanted here");
    scenario->seed = wanted;
    return r;
}

static int read_all(struct msim_faults *faults, struct scenario *scenario,
                    struct msim_detail *detail)
{
    struct plan_limits limits = {faults->params.max_delay, 0, NULL, &faults->report->names};
    struct plan plan = {&scenario->document, &limits, scenario->words, detail};
    uint32_t strategies = MSIM_JSON_NONE;

    if (plan_kind(&plan, 0) != MSIM_JSON_OBJECT)
        return refuse(&plan, 0, "a scenario is an object");
    int r = read_head(faults, &plan, scenario);
    if (r == MSIM_OK)
        r = read_timeline(faults, &plan, plan_member(&plan, 0, "timeline"), scenario);
    if (r == MSIM_OK)
        r = read_expectations(faults, &plan, plan_member(&plan, 0, "expect"), scenario);
    if (r < 0)
        return r;
    strategies = plan_member(&plan, 0, "strategies");
    if (strategies != MSIM_JSON_NONE && plan_kind(&plan, strategies) != MSIM_JSON_ARRAY)
        return refuse(&plan, strategies, "a list of strategies is wanted here");
    scenario->strategies = strategies;
    return MSIM_OK;
}

void msim_fault_scenario_free(struct msim_faults *faults, struct scenario *scenario)
{
    if (!scenario)
        return;
    msim_json_document_finish(&scenario->document);
    msim_fault_strategy_free(scenario->words, &faults->allocator);
    msim_mem_free(&faults->allocator, scenario->steps, scenario->count * sizeof *scenario->steps);
    msim_mem_free(&faults->allocator, scenario->expectations,
                  scenario->expectation_count * sizeof *scenario->expectations);
    if (scenario->text)
        msim_mem_free(&faults->allocator, scenario->text, scenario->length + 1);
    msim_mem_free(&faults->allocator, scenario, sizeof *scenario);
}

int msim_fault_scenario_read(struct msim_faults *faults, const char *json, size_t length,
                             struct scenario **out, struct msim_detail *detail)
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
        msim_fault_scenario_free(faults, scenario);
        return r;
    }
    *out = scenario;
    return MSIM_OK;
}
