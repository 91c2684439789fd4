/*
 * The layer as an object: its life, and the strategies that come and go.
 *
 * A change is prepared first (memory, states) and only then made, so that one that
 * fails leaves everything as it was.
 */
#include "faults/stages.h"

#include <string.h>

#include "base/detail.h"
#include "base/mem.h"
#include "base/random.h"
#include "faults/plan.h"
#include "faults/report.h"

/* ---- life ---- */

static void set_defaults(struct msim_faults_params *params)
{
    if (params->seed == 0)
        params->seed = 1;
    if (params->max_strategies == 0 || params->max_strategies > STRATEGIES_MOST)
        params->max_strategies = STRATEGIES_MOST;
    if (params->max_sessions == 0)
        params->max_sessions = 65536;
    if (params->max_labels == 0)
        params->max_labels = 262144;
    if (params->max_pending_messages == 0)
        params->max_pending_messages = 65536;
    if (params->max_pending_bytes == 0)
        params->max_pending_bytes = (size_t)64 << 20;
    if (params->max_holds == 0)
        params->max_holds = 4096;
    if (params->max_accounts == 0)
        params->max_accounts = 65536;
    if (params->max_orders == 0)
        params->max_orders = 65536;
    if (params->max_delay <= 0)
        params->max_delay = 24 * 3600 * MSIM_NS_PER_S;
}

static void init_pools(struct msim_faults *faults)
{
    msim_fault_pool_init(&faults->nodes, sizeof(struct node), &faults->allocator);
    msim_fault_pool_init(&faults->extras, sizeof(struct extra), &faults->allocator);
    msim_fault_pool_init(&faults->lanes, sizeof(struct lane), &faults->allocator);
    msim_fault_traffic_init(&faults->no_traffic);
    msim_fault_pool_init(&faults->outgoings, sizeof(struct outgoing), &faults->allocator);
    msim_fault_pool_init(&faults->far_chunks, sizeof(struct far_chunk), &faults->allocator);
    msim_fault_pool_init(&faults->timer_items, sizeof(struct timer_item), &faults->allocator);
    msim_fault_payloads_init(&faults->payloads, &faults->allocator);
    msim_symbols_init(&faults->labels, faults->params.max_labels, &faults->allocator);
}

int msim_faults_create(struct msim_faults **out, const struct msim_faults_params *params,
                       struct msim_detail *detail)
{
    struct msim_faults_params chosen = MSIM_FAULTS_PARAMS_INIT;

    if (!out || (params && params->size != sizeof *params))
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "the failure layer's parameters begin with "
                               "MSIM_FAULTS_PARAMS_INIT");
    if (params)
        chosen = *params;
    set_defaults(&chosen);
    if (chosen.max_sessions > UINT32_MAX / 4)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "max_sessions is at most %u",
                               UINT32_MAX / 4);

    struct msim_allocator allocator = msim_mem_allocator(chosen.allocator);
    struct msim_faults *faults = msim_mem_zero(&allocator, sizeof *faults);
    if (!faults)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "%s", msim_result_text(MSIM_ERR_NOMEM));
    faults->allocator = allocator;
    if (chosen.logger)
        faults->logger = *chosen.logger;
    faults->params = chosen;
    faults->params.allocator = NULL;
    faults->params.logger = NULL;
    faults->params.names = NULL;
    faults->seed = chosen.seed;
    faults->start = chosen.start;
    faults->now = INT64_MIN;
    faults->alarm = MSIM_TIME_NEVER;
    faults->far_base = FAR_NOWHERE;
    faults->spread_at = HEAP_MOST;
    faults->out_head = faults->out_tail = faults->lent = NOTHING;
    faults->express_head = faults->express_tail = NOTHING;
#if MSIM_PLANT == PLANT_SHARED_RANDOM
    faults->planted_draws = &faults->planted_draw_count;
#endif
    init_pools(faults);
    int r = msim_due_init(&faults->timers, 0, UINT32_MAX, &faults->allocator);
    if (r == MSIM_OK)
        r = msim_fault_report_create(&faults->report, faults, chosen.names);
    if (r < 0) {
        msim_faults_destroy(&faults);
        return msim_detail_set(detail, r, "%s", msim_result_text(r));
    }
    *out = faults;
    return MSIM_OK;
}

void msim_faults_destroy(struct msim_faults **pointer)
{
    if (!pointer || !*pointer)
        return;

    struct msim_faults *faults = *pointer;
    struct msim_allocator allocator = faults->allocator;
    msim_fault_return_lent(faults);
    msim_fault_scenario_finish(faults);
    msim_fault_sessions_finish(faults);
    for (uint32_t i = 0; i < STRATEGIES_MOST; i++)
        if (faults->slots[i].strategy)
            msim_fault_slot_clear(faults, i);
    msim_fault_return_lent(faults);
    msim_fault_report_destroy(&faults->report);
    msim_fault_barriers_clear(faults);
    msim_mem_free(&allocator, faults->barriers,
                  faults->barrier_capacity * sizeof *faults->barriers);
    msim_mem_free(&allocator, faults->heap_dues,
                  faults->heap_due_capacity * sizeof *faults->heap_dues);
    msim_mem_free(&allocator, faults->heap_nodes,
                  faults->heap_capacity * sizeof *faults->heap_nodes);
    msim_mem_free(&allocator, faults->lane_index,
                  faults->lane_index_size * sizeof *faults->lane_index);
    msim_mem_free(&allocator, faults->label_counts,
                  faults->label_capacity * sizeof *faults->label_counts);
    msim_due_finish(&faults->timers);
    msim_symbols_finish(&faults->labels);
    msim_fault_payloads_finish(&faults->payloads);
    msim_fault_pool_finish(&faults->nodes);
    msim_fault_pool_finish(&faults->extras);
    msim_fault_pool_finish(&faults->lanes);
    msim_fault_pool_finish(&faults->outgoings);
    msim_fault_pool_finish(&faults->timer_items);
    msim_fault_pool_finish(&faults->far_chunks);
    msim_mem_free(&allocator, faults, sizeof *faults);
    *pointer = NULL;
}

msim_time msim_faults_time(const struct msim_faults *faults)
{
    return faults ? faults->now : INT64_MIN;
}

uint64_t msim_faults_seed(const struct msim_faults *faults)
{
    return faults ? faults->seed : 0;
}

/* ---- slots ---- */

uint32_t msim_fault_slot_find(const struct msim_faults *faults, const char *id, size_t length)
{
    for (size_t i = 0; i < faults->strategies; i++) {
        uint32_t slot = (uint32_t)faults->slot_order[i];
        const struct strategy *strategy = faults->slots[slot].strategy;
        if (strategy->id_length == length && memcmp(strategy->id, id, length) == 0)
            return slot;
    }
    return NOTHING;
}

static bool stands_before(const struct strategy *a, const struct strategy *b)
{
    int one = msim_fault_stage(a->kind);
    int other = msim_fault_stage(b->kind);

    if (one != other)
        return one < other;
    if (a->priority != b->priority)
        return a->priority < b->priority;
    return a->created < b->created;
}

/* The order of stages; few strategies, sorted by insertion. */
static void sort_slots(struct msim_faults *faults)
{
    size_t count = 0;

    for (size_t i = 0; i < STRATEGIES_MOST; i++) {
        if (!faults->slots[i].strategy)
            continue;
        size_t at = count++;
        while (at > 0 && stands_before(faults->slots[i].strategy,
                                       faults->slots[faults->slot_order[at - 1]].strategy)) {
            faults->slot_order[at] = faults->slot_order[at - 1];
            at--;
        }
        faults->slot_order[at] = i;
    }
    faults->strategies = count;
}

static void for_each_link(struct msim_faults *faults,
                          void (*visit)(struct msim_faults *, uint32_t, struct msim_fault_link *),
                          uint32_t slot)
{
    for (size_t i = 0; i < faults->session_capacity; i++)
        for (size_t d = 0; faults->sessions[i] && d < 2; d++)
            visit(faults, slot, &faults->sessions[i]->links[d]);
}

static void rebuild(struct msim_faults *faults, uint32_t slot, struct msim_fault_link *link)
{
    (void)slot;
    msim_fault_rules_rebuild(faults, link);
}

static bool swaps_ids(const struct strategy *strategy)
{
    const struct corrupt *corrupt = &strategy->as.corrupt;

    for (size_t i = 0; strategy->kind == MSIM_FAULT_CORRUPT && i < corrupt->count; i++)
        if (corrupt->mutations[i].mode == CORRUPT_ID_SWAP)
            return strategy->enabled;
    return false;
}

/* Who stands where, so that nobody is looked for where there is none. */
static void count_roles(struct msim_faults *faults)
{
    struct report *report = faults->report;

    report->reporters = report->responders = report->clocks = 0;
    for (size_t i = 0; i < faults->strategies; i++) {
        const struct strategy *strategy = faults->slots[faults->slot_order[i]].strategy;
        report->reporters += msim_fault_stands_at_events(strategy);
        report->responders += strategy->kind == MSIM_FAULT_RESPOND && strategy->enabled;
        report->clocks += strategy->kind == MSIM_FAULT_CLOCK && strategy->enabled;
    }
}

static void rebuild_all(struct msim_faults *faults)
{
    sort_slots(faults);
    faults->id_swaps = 0;
    for (size_t i = 0; i < faults->strategies; i++)
        faults->id_swaps += swaps_ids(faults->slots[faults->slot_order[i]].strategy);
    count_roles(faults);
    for_each_link(faults, rebuild, 0);
}

/* States and rules for a strategy that is to stand in the slot, on every link. */
static int prepare_links(struct msim_faults *faults, uint32_t slot, const struct strategy *strategy)
{
    for (size_t i = 0; i < faults->session_capacity; i++) {
        for (size_t d = 0; faults->sessions[i] && d < 2; d++) {
            int r =
                msim_fault_rules_prepare(faults, slot, strategy, &faults->sessions[i]->links[d]);
            if (r < 0)
                return r;
        }
    }
    return MSIM_OK;
}

void msim_fault_slot_clear(struct msim_faults *faults, uint32_t index)
{
    struct slot *slot = &faults->slots[index];
    uint64_t generation = slot->generation;

    msim_fault_scenario_gone(faults, index);
    for_each_link(faults, msim_fault_rules_forget, index);
    msim_fault_throttle_finish(faults, slot);
    msim_fault_report_forget(faults, index);
    if (slot->kinds)
        msim_mem_free(&faults->allocator, slot->kinds, sizeof *slot->kinds);
    if (slot->strategy && slot->strategy->one_shot)
        faults->one_shots--;
    faults->vain[index / 64] &= ~(UINT64_C(1) << index % 64);
    if (slot->strategy) {
        slot->strategy->parted = faults->parted;
        faults->parted = slot->strategy;
    }
    *slot = (struct slot){.generation = generation + 1, .epoch = slot->epoch + 1};
}

static void arm(struct msim_faults *faults, uint32_t index, msim_time now)
{
    const struct strategy *strategy = faults->slots[index].strategy;

    if (strategy->kind == MSIM_FAULT_SESSION) {
        msim_fault_session_arm(faults, index, NULL, now);
        for (size_t i = 0; i < faults->session_capacity; i++)
            if (faults->sessions[i])
                msim_fault_session_arm(faults, index, faults->sessions[i], now);
    } else if (!msim_fault_kind_is_network(strategy->kind)) {
        msim_fault_report_arm(faults, index, now);
    }
}

/* Time goes on up to `now`, without what is due at it. */
static int move_to(struct msim_faults *faults, msim_time now)
{
    if (now < faults->now)
        return MSIM_ERR_INVALID;
    msim_fault_return_lent(faults);
    msim_fault_advance_before(faults, now);
    faults->now = now;
    return MSIM_OK;
}

/* ---- adding ---- */

static int free_slot(const struct msim_faults *faults, uint32_t *out)
{
    if (faults->strategies >= faults->params.max_strategies)
        return MSIM_ERR_LIMIT;
    for (uint32_t i = 0; i < STRATEGIES_MOST; i++) {
        if (!faults->slots[i].strategy) {
            *out = i;
            return MSIM_OK;
        }
    }
    return MSIM_ERR_LIMIT;
}

/* Puts a strategy in its place; on failure it stays the caller's. */
static int install(struct msim_faults *faults, struct strategy *strategy, uint32_t *place)
{
    uint32_t index = 0;
    int r = free_slot(faults, &index);
    if (r < 0)
        return r;

    struct slot *slot = &faults->slots[index];
    slot->kinds = msim_mem_zero(&faults->allocator, sizeof *slot->kinds);
    if (!slot->kinds)
        return MSIM_ERR_NOMEM;
    r = prepare_links(faults, index, strategy);
    if (r < 0) {
        msim_fault_slot_clear(faults, index);
        return r;
    }
    strategy->created = faults->created++;
    slot->strategy = strategy;
    slot->added = faults->now;
    slot->counts_from_added = faults->adds_preset;
    slot->by_key = msim_fault_by_key(faults, strategy);
    slot->counts.first_hit = slot->counts.last_hit = MSIM_TIME_NEVER;
    for (int d = MSIM_FAULT_IN; d <= MSIM_FAULT_OUT; d++)
        slot->seen_before[d] = msim_fault_tapped(faults, d);
    rebuild_all(faults);
    if (strategy->one_shot)
        faults->one_shots++;
    if (strategy->enabled)
        arm(faults, index, faults->now);
    *place = index;
    return MSIM_OK;
}

static int read_one(struct msim_faults *faults, const struct msim_json_document *document,
                    uint32_t at, struct strategy **out, struct msim_detail *detail)
{
    struct plan_limits limits = {faults->params.max_delay, faults->counter, NULL,
                                 &faults->report->names};
    int r = msim_fault_plan_read(out, document, at, &limits, &faults->allocator, detail);
    if (r < 0)
        return r;

    const struct strategy *strategy = *out;
    if (msim_fault_slot_find(faults, strategy->id, strategy->id_length) == NOTHING) {
        faults->counter++;
        return MSIM_OK;
    }
    r = msim_json_refuse(document, at, detail, MSIM_ERR_EXISTS,
                         "the id \"%s\" is taken: choose another or remove that strategy",
                         strategy->id);
    msim_fault_strategy_free(*out, &faults->allocator);
    *out = NULL;
    return r;
}

static int explain(struct msim_detail *detail, int r)
{
    if (r == MSIM_ERR_LIMIT)
        return msim_detail_set(detail, r,
                               "no room for another strategy: remove one, or raise "
                               "max_strategies (at most %d)",
                               STRATEGIES_MOST);
    return msim_detail_set(detail, r, "%s", msim_result_text(r));
}

int msim_fault_add_node(struct msim_faults *faults, const struct msim_json_document *document,
                        uint32_t at, uint32_t *place, struct msim_detail *detail)
{
    struct strategy *strategy = NULL;
    int r = read_one(faults, document, at, &strategy, detail);
    if (r < 0)
        return r;
    r = install(faults, strategy, place);
    if (r < 0) {
        struct msim_detail words = {.text = ""};
        msim_fault_strategy_free(strategy, &faults->allocator);
        explain(&words, r);
        return msim_json_refuse(document, at, detail, r, "%s", words.text);
    }
    return MSIM_OK;
}

int msim_faults_add(struct msim_faults *faults, msim_time now, const char *json, size_t length,
                    char id[MSIM_FAULT_ID_SIZE], struct msim_detail *detail)
{
    struct msim_json_document document;
    uint32_t place = 0;

    if (!faults || !json || now < faults->now)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "a strategy is added from JSON, at a time that does not fall");
    int r = msim_json_document_read(&document, json, length, NULL, &faults->allocator, detail);
    if (r < 0)
        return r;
    r = move_to(faults, now);
    if (r == MSIM_OK)
        r = msim_fault_add_node(faults, &document, 0, &place, detail);
    msim_json_document_finish(&document);
    if (r == MSIM_OK && id)
        memcpy(id, faults->slots[place].strategy->id, MSIM_FAULT_ID_SIZE);
    return r;
}

/* The array of strategies: the document itself, or its member of that name. */
static int find_list(const struct msim_json_document *document, uint32_t *list,
                     struct msim_detail *detail)
{
    *list = 0;
    if (document->nodes[0].kind == MSIM_JSON_OBJECT) {
        *list = msim_json_member(document, 0, "strategies");
        if (*list == MSIM_JSON_NONE)
            return msim_json_refuse(document, 0, detail, MSIM_ERR_INVALID,
                                    "there is no \"strategies\" here");
        for (uint32_t at = document->nodes[0].first; at != MSIM_JSON_NONE;
             at = document->nodes[at].next)
            if (at != *list)
                return msim_json_refuse(document, at, detail, MSIM_ERR_INVALID,
                                        "only \"strategies\" may stand here; a scenario is "
                                        "loaded as one");
    }
    if (document->nodes[*list].kind != MSIM_JSON_ARRAY)
        return msim_json_refuse(document, *list, detail, MSIM_ERR_INVALID,
                                "an array of strategies is wanted here");
    return MSIM_OK;
}

int msim_fault_add_list(struct msim_faults *faults, const struct msim_json_document *document,
                        uint32_t list, struct msim_detail *detail)
{
    uint32_t places[STRATEGIES_MOST];
    uint64_t counter = faults->counter;
    size_t count = 0;
    int r = MSIM_OK;

    for (uint32_t at = document->nodes[list].first; r == MSIM_OK && at != MSIM_JSON_NONE;
         at = document->nodes[at].next) {
        r = msim_fault_add_node(faults, document, at, &places[count], detail);
        count += r == MSIM_OK;
    }
    if (r < 0) {
        while (count > 0)
            msim_fault_slot_clear(faults, places[--count]);
        faults->counter = counter;
        rebuild_all(faults);
    }
    return r;
}

int msim_fault_add_text(struct msim_faults *faults, msim_time now, const char *json, size_t length,
                        const struct msim_json_document *sent, struct msim_detail *detail)
{
    struct msim_json_document document;
    uint32_t list = 0;

    int r = msim_json_document_read(&document, json, length, NULL, &faults->allocator, detail);
    if (r < 0)
        return r;
    document.sent = sent;
    document.sent_depth = 1;
    r = find_list(&document, &list, detail);
    if (r == MSIM_OK)
        r = move_to(faults, now);
    if (r == MSIM_OK)
        r = msim_fault_add_list(faults, &document, list, detail);
    msim_json_document_finish(&document);
    return r;
}

int msim_faults_add_all(struct msim_faults *faults, msim_time now, const char *json, size_t length,
                        struct msim_detail *detail)
{
    if (!faults || !json || now < faults->now)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "strategies are added from JSON, at a time that does not fall");
    return msim_fault_add_text(faults, now, json, length, NULL, detail);
}

/* ---- changing ---- */

/* The strategy's own holds go on; what its clock had set is stale. */
static void release_own(struct msim_faults *faults, uint32_t index, msim_time now)
{
    struct slot *slot = &faults->slots[index];

    if (slot->strategy->kind == MSIM_FAULT_THROTTLE)
        msim_fault_throttle_flush(faults, slot, now);
    else if (slot->strategy->kind == MSIM_FAULT_REORDER)
        msim_fault_reorder_flush(faults, index, now);
}

/* The key of what may not change and has; NULL where all is well. */
static const char *changed_identity(const struct strategy *old, const struct strategy *next)
{
    if (strcmp(next->id, old->id) != 0)
        return "id";
    if (next->kind != old->kind)
        return "kind";
    return next->kind == MSIM_FAULT_THROTTLE && next->as.throttle.scope != old->as.throttle.scope
               ? "scope"
               : NULL;
}

/* What the merge patch makes of the strategy, which keeps its id and kind. */
static int read_merged(struct msim_faults *faults, const struct strategy *old,
                       const struct msim_json_document *document, struct strategy **out,
                       struct msim_detail *detail)
{
    struct plan_limits limits = {faults->params.max_delay, faults->counter, old->id,
                                 &faults->report->names};
    int r = msim_fault_plan_read(out, document, 0, &limits, &faults->allocator, detail);
    if (r < 0)
        return r;

    const char *changed = changed_identity(old, *out);
    if (!changed)
        return MSIM_OK;
    msim_fault_strategy_free(*out, &faults->allocator);
    *out = NULL;
    uint32_t node = msim_json_member(document, 0, changed);
    return msim_json_refuse(document, node == MSIM_JSON_NONE ? 0 : node, detail, MSIM_ERR_INVALID,
                            "id, kind and a throttle's scope stay as they are: remove the "
                            "strategy and add another");
}

static int read_patched(struct msim_faults *faults, uint32_t index, const char *patch,
                        size_t length, struct strategy **out, struct msim_detail *detail)
{
    const struct strategy *old = faults->slots[index].strategy;
    struct msim_json_document sent;
    struct msim_json_document document;
    struct msim_bytes rule;
    struct msim_bytes merged;

    int r = msim_json_document_read(&sent, patch, length, NULL, &faults->allocator, detail);
    if (r < 0)
        return r;
    msim_bytes_init(&rule, STATISTICS_MOST_BYTES, &faults->allocator);
    msim_bytes_init(&merged, PLAN_MOST_BYTES, &faults->allocator);
    r = msim_fault_rule_text(old, &rule, &faults->allocator);
    if (r < 0)
        msim_detail_set(detail, r, "%s", msim_result_text(r));
    else
        r = msim_fault_merge_patch((const char *)msim_bytes_front(&rule), msim_bytes_length(&rule),
                                   patch, length, &merged, &faults->allocator, detail);
    if (r < 0)
        goto finish;
    r = msim_json_document_read(&document, (const char *)msim_bytes_front(&merged),
                                msim_bytes_length(&merged), NULL, &faults->allocator, detail);
    if (r < 0)
        goto finish;
    document.sent = &sent;
    r = read_merged(faults, old, &document, out, detail);
    msim_json_document_finish(&document);
finish:
    msim_bytes_finish(&merged);
    msim_bytes_finish(&rule);
    msim_json_document_finish(&sent);
    return r;
}

static void planted_reseed(struct msim_faults *faults, uint32_t slot, struct msim_fault_link *link)
{
    if (PLANTED(UPDATE_RESEEDS) && slot < link->state_capacity && link->states[slot])
        link->states[slot]->key = msim_mix64(link->states[slot]->key + faults->created);
}

int msim_fault_do_update(struct msim_faults *faults, const char *id, const char *patch,
                         size_t length, struct msim_detail *detail)
{
    uint32_t index = msim_fault_slot_find(faults, id, strlen(id));
    struct strategy *next = NULL;

    if (index == NOTHING)
        return msim_detail_set(detail, MSIM_ERR_NOT_FOUND, "there is no strategy \"%s\"", id);
    int r = read_patched(faults, index, patch, length, &next, detail);
    if (r < 0)
        return r;
    r = prepare_links(faults, index, next);
    if (r < 0) {
        msim_fault_strategy_free(next, &faults->allocator);
        return explain(detail, r);
    }
    struct slot *slot = &faults->slots[index];
    if (slot->strategy->enabled && !next->enabled) {
        release_own(faults, index, faults->now);
        slot->has_done_at_once = false;
    }
    if (next->kind == MSIM_FAULT_THROTTLE)
        msim_fault_throttle_refill(faults, index);
    next->created = slot->strategy->created;
    next->one_shot = slot->strategy->one_shot;
    msim_fault_strategy_free(slot->strategy, &faults->allocator);
    slot->strategy = next;
    slot->by_key = msim_fault_by_key(faults, next);
    slot->epoch++;
    for_each_link(faults, planted_reseed, index);
    rebuild_all(faults);
    if (next->kind == MSIM_FAULT_THROTTLE)
        msim_fault_throttle_rearm(faults, index);
    if (next->enabled)
        arm(faults, index, faults->now);
    return MSIM_OK;
}

int msim_faults_update(struct msim_faults *faults, msim_time now, const char *id, const char *patch,
                       size_t length, struct msim_detail *detail)
{
    if (!faults || !id || !patch || now < faults->now)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "an update needs an id and a merge patch, at a time that does not "
                               "fall");
    int r = move_to(faults, now);
    return r < 0 ? r : msim_fault_do_update(faults, id, patch, length, detail);
}

int msim_fault_do_enable(struct msim_faults *faults, const char *id, bool enabled)
{
    uint32_t index = msim_fault_slot_find(faults, id, strlen(id));
    if (index == NOTHING)
        return MSIM_ERR_NOT_FOUND;

    struct slot *slot = &faults->slots[index];
    if (slot->strategy->enabled == enabled)
        return MSIM_OK;
    slot->strategy->enabled = enabled;
    slot->epoch++;
    if (!enabled) {
        release_own(faults, index, faults->now);
        slot->has_done_at_once = false;
    }
    rebuild_all(faults);
    if (enabled)
        arm(faults, index, faults->now);
    return MSIM_OK;
}

static int set_enabled(struct msim_faults *faults, msim_time now, const char *id, bool enabled)
{
    if (!faults || !id || now < faults->now)
        return MSIM_ERR_INVALID;
    int r = move_to(faults, now);
    return r < 0 ? r : msim_fault_do_enable(faults, id, enabled);
}

int msim_faults_enable(struct msim_faults *faults, msim_time now, const char *id)
{
    return set_enabled(faults, now, id, true);
}

int msim_faults_disable(struct msim_faults *faults, msim_time now, const char *id)
{
    return set_enabled(faults, now, id, false);
}

static void take_away(struct msim_faults *faults, uint32_t index, msim_time now)
{
    release_own(faults, index, now);
    msim_fault_slot_clear(faults, index);
    rebuild_all(faults);
}

int msim_fault_do_remove(struct msim_faults *faults, const char *id)
{
    uint32_t index = msim_fault_slot_find(faults, id, strlen(id));

    if (index == NOTHING)
        return MSIM_ERR_NOT_FOUND;
    take_away(faults, index, faults->now);
    return MSIM_OK;
}

int msim_faults_remove(struct msim_faults *faults, msim_time now, const char *id)
{
    if (!faults || !id || now < faults->now)
        return MSIM_ERR_INVALID;
    int r = move_to(faults, now);
    return r < 0 ? r : msim_fault_do_remove(faults, id);
}

void msim_fault_one_shot_done(struct msim_faults *faults, uint32_t slot, msim_time now)
{
    if (faults->slots[slot].strategy && faults->slots[slot].strategy->one_shot)
        take_away(faults, slot, now);
}

void msim_fault_fired_sweep(struct msim_faults *faults)
{
    faults->fired_in_vain = false;
    for (size_t word = 0; word < SLOT_WORDS; word++) {
        uint64_t bits = faults->vain[word];
        faults->vain[word] = 0;
        for (; bits; bits &= bits - 1) {
            uint32_t slot = (uint32_t)(word * 64) + (uint32_t)__builtin_ctzll(bits);
            /* A copy of its message may be held yet: letting that go ends it. */
            if (faults->slots[slot].strategy && faults->slots[slot].kinds->reorder.held_now == 0)
                msim_fault_one_shot_done(faults, slot, faults->now);
        }
    }
}

/* ---- once ---- */

int msim_fault_refuse_fired(const struct msim_json_document *document, uint32_t at, int kind,
                            struct msim_detail *detail)
{
    if (kind == MSIM_FAULT_THROTTLE)
        return msim_json_refuse(document, at, detail, MSIM_ERR_INVALID,
                                "a throttle is a rate and cannot be fired once: add it");
    if (kind == MSIM_FAULT_CLOCK)
        return msim_json_refuse(document, at, detail, MSIM_ERR_INVALID,
                                "a clock is wrong until it is put right and cannot be fired once: "
                                "add it");
    return MSIM_OK;
}

int msim_fault_fire_node(struct msim_faults *faults, const struct msim_json_document *document,
                         uint32_t at, bool later, enum fired *fired, struct msim_detail *detail)
{
    struct strategy *strategy = NULL;
    uint32_t place = 0;

    *fired = FIRED;
    int r = read_one(faults, document, at, &strategy, detail);
    if (r < 0)
        return r;
    r = msim_fault_refuse_fired(document, at, strategy->kind, detail);
    if (r == MSIM_OK && !later)
        r = msim_fault_refuse_stranger(faults, document, strategy, detail);
    if (r < 0) {
        msim_fault_strategy_free(strategy, &faults->allocator);
        return r;
    }
    strategy->enabled = true;
    strategy->one_shot = true;
    strategy->when.max_hits = 1;
    r = install(faults, strategy, &place);
    if (r < 0) {
        msim_fault_strategy_free(strategy, &faults->allocator);
        return explain(detail, r);
    }
    if (strategy->kind == MSIM_FAULT_SESSION && !strategy->as.session.on_message) {
        *fired = msim_fault_session_fire(faults, place, later);
    } else if (!msim_fault_kind_is_network(strategy->kind) &&
               msim_fault_report_fire(faults, place, faults->now)) {
        msim_fault_one_shot_done(faults, place, faults->now);
    }
    return MSIM_OK;
}

int msim_faults_fire(struct msim_faults *faults, msim_time now, const char *json, size_t length,
                     struct msim_detail *detail)
{
    struct msim_json_document document;
    enum fired fired = FIRED;

    if (!faults || !json || now < faults->now)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "a fault is fired from JSON, at a time that does not fall");
    int r = msim_json_document_read(&document, json, length, NULL, &faults->allocator, detail);
    if (r < 0)
        return r;
    r = move_to(faults, now);
    if (r == MSIM_OK)
        r = msim_fault_fire_node(faults, &document, 0, false, &fired, detail);
    if (r == MSIM_OK)
        r = msim_fault_refuse_vain(faults, &document, fired, detail);
    msim_json_document_finish(&document);
    return r;
}

/* ---- all at once ---- */

/* What was fired and waits for its message never meets one. */
static void forget_fired(struct msim_faults *faults, msim_time now)
{
    for (uint32_t i = 0; faults->one_shots > 0 && i < STRATEGIES_MOST; i++)
        if (faults->slots[i].strategy && faults->slots[i].strategy->kind != MSIM_FAULT_VENUE)
            msim_fault_one_shot_done(faults, i, now);
}

int msim_fault_do_heal(struct msim_faults *faults)
{
    msim_time now = faults->now;
    int r;

    for (size_t i = 0; i < faults->session_capacity; i++)
        if (faults->sessions[i])
            msim_fault_session_resume(faults, faults->sessions[i], now);
    r = msim_fault_flush(faults, NULL, now);
    if (r < 0)
        return r;
    for (size_t i = 0; i < faults->strategies; i++) {
        struct slot *slot = &faults->slots[faults->slot_order[i]];
        if (slot->strategy->kind == MSIM_FAULT_VENUE || !slot->strategy->enabled)
            continue;
        slot->strategy->enabled = false;
        slot->epoch++;
    }
    rebuild_all(faults);
    msim_fault_report_heal(faults, now);
    msim_fault_barriers_clear(faults);
    forget_fired(faults, now);
    return msim_fault_failure(faults);
}

int msim_faults_heal(struct msim_faults *faults, msim_time now)
{
    if (!faults || now < faults->now)
        return MSIM_ERR_INVALID;
    int r = move_to(faults, now);
    return r < 0 ? r : msim_fault_do_heal(faults);
}

static void zero_state(struct msim_faults *faults, struct msim_fault_link *link)
{
    for (uint32_t i = 0; i < link->state_capacity; i++)
        msim_fault_rules_forget(faults, i, link);
}

int msim_fault_do_reset(struct msim_faults *faults)
{
    int r = msim_fault_do_heal(faults);
    if (r < 0)
        return r;
    for (uint32_t i = 0; i < STRATEGIES_MOST; i++)
        if (faults->slots[i].strategy)
            msim_fault_slot_clear(faults, i);
    rebuild_all(faults);
    faults->counter = 0;
    for (size_t i = 0; i < faults->session_capacity; i++) {
        for (size_t d = 0; faults->sessions[i] && d < 2; d++) {
            struct msim_fault_link *link = &faults->sessions[i]->links[d];
            uint64_t pending = link->traffic->balance.pending;
            uint64_t bytes = link->traffic->balance.pending_bytes;
            zero_state(faults, link);
            link->ordinals += link->plain; /* the numbers go on */
            link->plain = 0;
            if (!msim_fault_has_traffic(link))
                continue;
            /* What waits to be pulled stays in the equation. */
            link->traffic->balance = (struct msim_fault_balance){
                .native = pending, .pending = pending, .pending_bytes = bytes};
        }
    }
    faults->tapped[MSIM_FAULT_IN] = faults->tapped[MSIM_FAULT_OUT] = 0;
    msim_fault_report_reset(faults);
    return MSIM_OK;
}

int msim_faults_reset(struct msim_faults *faults, msim_time now)
{
    if (!faults || now < faults->now)
        return MSIM_ERR_INVALID;
    int r = move_to(faults, now);
    return r < 0 ? r : msim_fault_do_reset(faults);
}
