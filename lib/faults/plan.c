/*
 * A strategy's JSON: what all kinds share, and the way to each kind's own keys.
 */
#include "faults/plan.h"

#include <stdio.h>
#include <string.h>

#include "base/detail.h"
#include "base/mem.h"
#include "faults/plant.h"

/* ---- memory ---- */

struct arena_block {
    struct arena_block *next;
    size_t size;
    size_t used;
};

#define ARENA_BLOCK 1024
#define ALIGNMENT _Alignof(max_align_t)

void *msim_fault_arena_take(struct arena *arena, size_t size)
{
    struct arena_block *block = arena->blocks;

    size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (!block || block->size - block->used < size) {
        size_t head = (sizeof *block + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        size_t whole = head + size > ARENA_BLOCK ? head + size : ARENA_BLOCK;
        block = msim_mem_zero(arena->allocator, whole);
        if (!block)
            return NULL;
        *block = (struct arena_block){.next = arena->blocks, .size = whole, .used = head};
        arena->blocks = block;
    }
    void *taken = (char *)block + block->used;
    block->used += size;
    return taken;
}

void msim_fault_arena_finish(struct arena *arena)
{
    while (arena->blocks) {
        struct arena_block *next = arena->blocks->next;
        msim_mem_free(arena->allocator, arena->blocks, arena->blocks->size);
        arena->blocks = next;
    }
}

void msim_fault_strategy_free(struct strategy *strategy, const struct msim_allocator *allocator)
{
    if (!strategy)
        return;
    msim_fault_arena_finish(&strategy->arena);
    msim_mem_free(allocator, strategy, sizeof *strategy);
}

/* ---- kinds ---- */

static const char *const kind_names[] = {
    "drop",         "duplicate", "corrupt", "throttle", "delay", "reorder", "slice", "session",
    "phantom_fill", "dup_fill",  "inject",  "respond",  "clock", "venue",   NULL};

/* Of the specification, and not of this version. */
static const char *const later_kinds[] = {"stale_read", "md_lie", "swarm", NULL};

const char *msim_fault_kind_name(int kind)
{
    return kind >= MSIM_FAULT_DROP && kind < MSIM_FAULT_KINDS ? kind_names[kind - 1] : "unknown";
}

bool msim_fault_kind_is_network(int kind)
{
    return kind <= MSIM_FAULT_SESSION;
}

static const char *const common_keys[] = {
    "id",   "kind",  "select",   "enabled",  "priority",    "p",      "stick", "ge", "ge_time",
    "skip", "every", "max_hits", "cooldown", "count_scope", "window", "by",    NULL};

static int read_kind(const struct plan *plan, uint32_t object)
{
    uint32_t at = plan_member(plan, object, "kind");
    int kind = 0;

    if (at == MSIM_JSON_NONE)
        return msim_json_refuse(plan->document, object, plan->detail, MSIM_ERR_INVALID,
                                "\"kind\" is missing here");
    const struct msim_json_node *node = &plan->document->nodes[at];
    for (size_t i = 0; later_kinds[i] && node->kind == MSIM_JSON_STRING; i++)
        if (msim_json_is(plan->document->text, node->start, node->end, later_kinds[i]))
            return msim_json_refuse(plan->document, at, plan->detail, MSIM_ERR_UNSUPPORTED,
                                    "\"%s\" is not in this version", later_kinds[i]);
    if (PLANTED(UNKNOWN_KIND)) {
        struct plan quiet = *plan;
        quiet.detail = NULL;
        if (msim_fault_plan_choice(&quiet, at, kind_names, &kind) < 0)
            kind = 0;
    }
    int r = PLANTED(UNKNOWN_KIND) ? MSIM_OK : msim_fault_plan_choice(plan, at, kind_names, &kind);
    plan->strategy->kind = kind + 1;
    return r;
}

/* ---- ids ---- */

static bool good_id(const char *id, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        char c = id[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && c != '_' && c != '.' && c != '-')
            return false;
    }
    return length > 0 && length < MSIM_FAULT_ID_SIZE;
}

static int read_id(const struct plan *plan, uint32_t object)
{
    struct strategy *strategy = plan->strategy;
    uint32_t at = plan_member(plan, object, "id");
    const char *id = plan->limits->id;
    size_t length = id ? strlen(id) : 0;
    int r = msim_fault_plan_text(plan, at, &id, &length);
    if (r < 0)
        return r;

    if (!id) {
        int printed = snprintf(strategy->id, sizeof strategy->id, "%s-%llu",
                               msim_fault_kind_name(strategy->kind),
                               (unsigned long long)plan->limits->counter);
        strategy->id_length = (size_t)printed;
        return MSIM_OK;
    }
    if (!good_id(id, length))
        return msim_json_refuse(plan->document, at == MSIM_JSON_NONE ? object : at, plan->detail,
                                MSIM_ERR_INVALID,
                                "an id is 1..64 letters, digits, '_', '.' or '-'");
    memcpy(strategy->id, id, length + 1);
    strategy->id_length = length;
    return MSIM_OK;
}

/* ---- the whole of it ---- */

/* Without the white space between its tokens: it is one line wherever it is shown. */
static int keep_json(const struct plan *plan, uint32_t object)
{
    const struct msim_json_node *node = &plan->document->nodes[object];
    struct strategy *strategy = plan->strategy;
    bool quoted = false;

    strategy->json = msim_fault_arena_take(&strategy->arena, node->end - node->start + 1);
    if (!strategy->json)
        return MSIM_ERR_NOMEM;
    for (size_t i = node->start; i < node->end; i++) {
        char c = plan->document->text[i];
        if (!quoted && (c == ' ' || c == '\t' || c == '\r' || c == '\n'))
            continue;
        strategy->json[strategy->json_length++] = c;
        if (quoted && c == '\\')
            strategy->json[strategy->json_length++] = plan->document->text[++i];
        else if (c == '"')
            quoted = !quoted;
    }
    return MSIM_OK;
}

/* Messages must be looked at in one direction, or plainly in both. */
static int check_direction(const struct plan *plan, uint32_t object)
{
    const struct strategy *strategy = plan->strategy;
    uint32_t select = plan_member(plan, object, "select");
    bool timed = strategy->kind == MSIM_FAULT_SESSION && !strategy->as.session.on_message;

    if (!msim_fault_kind_is_network(strategy->kind) || timed)
        return MSIM_OK;
    if (select != MSIM_JSON_NONE && plan_member(plan, select, "dir") != MSIM_JSON_NONE)
        return MSIM_OK;
    return msim_json_refuse(plan->document, select == MSIM_JSON_NONE ? object : select,
                            plan->detail, MSIM_ERR_INVALID,
                            "%s needs \"dir\" in its \"select\": \"in\", \"out\" or \"both\"",
                            msim_fault_kind_name(strategy->kind));
}

static int read_strategy(const struct plan *plan, uint32_t object)
{
    struct strategy *strategy = plan->strategy;

    if (plan_kind(plan, object) != MSIM_JSON_OBJECT)
        return msim_json_refuse(plan->document, object, plan->detail, MSIM_ERR_INVALID,
                                "a strategy is an object, not %s",
                                msim_json_kind_text(plan_kind(plan, object)));
    int r = read_kind(plan, object);
    if (r == MSIM_OK)
        r = msim_fault_plan_keys(plan, object, common_keys,
                                 msim_fault_plan_kind_keys(strategy->kind));
    if (r == MSIM_OK)
        r = read_id(plan, object);
    strategy->enabled = true;
    if (r == MSIM_OK)
        r = msim_fault_plan_bool(plan, plan_member(plan, object, "enabled"), &strategy->enabled);
    if (r == MSIM_OK)
        r = msim_fault_plan_integer(plan, plan_member(plan, object, "priority"), -1000000, 1000000,
                                    &strategy->priority);
    if (r == MSIM_OK)
        r = msim_fault_plan_select(plan, plan_member(plan, object, "select"), &strategy->select);
    if (r == MSIM_OK)
        r = msim_fault_plan_when(plan, object, &strategy->when);
    if (r == MSIM_OK && msim_fault_kind_is_network(strategy->kind))
        r = msim_fault_plan_network(plan, object);
    else if (r == MSIM_OK)
        r = msim_fault_plan_report(plan, object);
    if (r == MSIM_OK)
        r = check_direction(plan, object);
    if (r == MSIM_OK)
        r = keep_json(plan, object);
    return r;
}

int msim_fault_plan_read(struct strategy **out, const struct msim_json_document *document,
                         uint32_t at, const struct plan_limits *limits,
                         const struct msim_allocator *allocator, struct msim_detail *detail)
{
    struct strategy *strategy = msim_mem_zero(allocator, sizeof *strategy);
    if (!strategy)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "%s", msim_result_text(MSIM_ERR_NOMEM));

    strategy->arena.allocator = allocator;
    struct plan plan = {document, limits, strategy, detail};
    int r = read_strategy(&plan, at);
    if (r < 0) {
        msim_fault_strategy_free(strategy, allocator);
        return r == MSIM_ERR_NOMEM ? msim_detail_set(detail, r, "%s", msim_result_text(r)) : r;
    }
    *out = strategy;
    return MSIM_OK;
}
