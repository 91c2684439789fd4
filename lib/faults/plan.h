/*
 * Reading values of a plan: each reader takes a node, refuses it with its pointer
 * and the remedy, or gives the value.
 */
#ifndef MSIM_FAULTS_PLAN_H
#define MSIM_FAULTS_PLAN_H

#include "base/nearest.h"
#include "faults/strategy.h"

struct plan {
    const struct msim_json_document *document;
    const struct plan_limits *limits;
    struct strategy *strategy;
    struct msim_detail *detail;
};

static inline uint32_t plan_member(const struct plan *plan, uint32_t object, const char *key)
{
    return msim_json_member(plan->document, object, key);
}

static inline enum msim_json_kind plan_kind(const struct plan *plan, uint32_t node)
{
    return plan->document->nodes[node].kind;
}

/* Of all words that it is told of the nearest; none where more than half would have to change. */
struct nearest {
    const char *word;
    char found[MSIM_NEAREST_MOST + 1]; /* "": none */
    size_t apart;
};
void msim_fault_nearer(struct nearest *nearest, const char *known);

/* Refuses a symbol, or a glob of symbols, that is none of those that the host names. */
int msim_fault_plan_symbol(const struct plan *plan, uint32_t node, const char *symbol);

/* The node is an object whose keys are all among these lists (`more` may be NULL). */
int msim_fault_plan_keys(const struct plan *plan, uint32_t object, const char *const *known,
                         const char *const *more);

/* A key that says something only where one of certain choices was made. */
struct plan_only {
    const char *key;
    uint64_t choices;  /* a bit for each */
    const char *words; /* what it goes with */
};

/* Refuses keys of the object that would be ignored with `choice`; the rows end without a key. */
int msim_fault_plan_only(const struct plan *plan, uint32_t object, const struct plan_only *rows,
                         int choice);

/* The readers leave `*out` alone where the node is MSIM_JSON_NONE. */
int msim_fault_plan_text(const struct plan *plan, uint32_t node, const char **out, size_t *length);
int msim_fault_plan_bool(const struct plan *plan, uint32_t node, bool *out);
int msim_fault_plan_integer(const struct plan *plan, uint32_t node, int64_t min, int64_t max,
                            int64_t *out);
int msim_fault_plan_unsigned(const struct plan *plan, uint32_t node, uint64_t max, uint64_t *out);
/* "250ms"; at most the plan's longest delay unless `signed`, which also takes "-250ms". */
int msim_fault_plan_duration(const struct plan *plan, uint32_t node, msim_time *out);
int msim_fault_plan_shift(const struct plan *plan, uint32_t node, msim_time *out);
/* A number of 0..1 with at most 9 decimals, in parts per 10^9. */
int msim_fault_plan_share(const struct plan *plan, uint32_t node, int64_t *out);
/* A number min..max (both in parts per 10^9) with at most 9 decimals. */
int msim_fault_plan_number(const struct plan *plan, uint32_t node, int64_t min, int64_t max,
                           int64_t *out);
/* A price or quantity, as text or number. */
int msim_fault_plan_decimal(const struct plan *plan, uint32_t node, int64_t *mantissa,
                            int *exponent);
/* One of `names`, which ends with NULL. */
int msim_fault_plan_choice(const struct plan *plan, uint32_t node, const char *const *names,
                           int *out);
/* 3 or [1, 3]. */
int msim_fault_plan_range(const struct plan *plan, uint32_t node, int64_t least, int64_t most,
                          int64_t *min, int64_t *max);

int msim_fault_plan_distribution(const struct plan *plan, uint32_t node, struct distribution *out);
int msim_fault_plan_select(const struct plan *plan, uint32_t node, struct selector *out);
/* The fields of a selector beside other keys: a scenario's condition. */
int msim_fault_plan_conditions(const struct plan *plan, uint32_t node, struct selector *out);
int msim_fault_plan_when(const struct plan *plan, uint32_t object, struct activation *out);
int msim_fault_plan_corrupt(const struct plan *plan, uint32_t object);
int msim_fault_plan_network(const struct plan *plan, uint32_t object);
int msim_fault_plan_report(const struct plan *plan, uint32_t object);
/* A name of a message type, "*" at its end allowed: 0 where there is none. */
uint64_t msim_fault_plan_types(const char *text, size_t length);

/* The keys that each kind adds to the common ones. */
const char *const *msim_fault_plan_kind_keys(int kind);

/* A JSON merge patch (RFC 7396) on an object, appended to `out`. */
int msim_fault_merge_patch(const char *target, size_t target_length, const char *patch,
                           size_t patch_length, struct msim_bytes *out,
                           const struct msim_allocator *allocator, struct msim_detail *detail);

/*
 * The strategy as it stands, as a plan describes it: what it was read from, with its id and with
 * what it was switched to since.
 */
int msim_fault_rule_text(const struct strategy *strategy, struct msim_bytes *out,
                         const struct msim_allocator *allocator);

#define PLAN_MOST_BYTES ((size_t)1 << 20)

#endif
