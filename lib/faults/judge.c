/*
 * The tap: what befalls one message.
 *
 * Decide, then act.  First every strategy that matches the message decides and
 * moves its state on, whatever the others decide; then the hits are applied in the
 * fixed order of the stages.  A hit that finds the message already gone is shadowed.
 */
#include "faults/corrupt.h"

#include <assert.h>
#include <string.h>

#include "base/random.h"
#include "faults/stages.h"

/* A strategy that decided for a hit, or one whose hits are drawn anew for each copy. */
struct verdict {
    const struct rule *rule;
    struct decision decision;
};

struct judgement {
    struct msim_faults *faults;
    struct msim_fault_link *link;
    struct view view;
    uint64_t ordinal;
    msim_time now;
    size_t hits;
    size_t count;
    struct verdict verdicts[STRATEGIES_MOST];
};

static const struct strategy *strategy_of(const struct verdict *verdict)
{
    return verdict->rule->slot->strategy;
}

int msim_fault_stage(int kind)
{
    switch (kind) {
    case MSIM_FAULT_DROP:
        return 1;
    case MSIM_FAULT_DUPLICATE:
        return 2;
    case MSIM_FAULT_CORRUPT:
        return 3;
    case MSIM_FAULT_THROTTLE:
        return 4;
    case MSIM_FAULT_DELAY:
        return 5;
    case MSIM_FAULT_REORDER:
        return 6;
    case MSIM_FAULT_SLICE:
    case MSIM_FAULT_SESSION:
        return 7;
    default:
        return 8;
    }
}

/* ---- telling ---- */

static void tell(struct judgement *judgement, const struct verdict *verdict, uint32_t sub,
                 const char *action, int64_t detail)
{
    if (!judgement->faults->params.trace)
        return;
    struct trace_words words = {action, detail, verdict->decision.uniform};
    msim_fault_trace_hit(judgement->faults, judgement->link, strategy_of(verdict), &judgement->view,
                         judgement->ordinal, sub, judgement->now, &words);
}

static void acted(struct judgement *judgement, const struct verdict *verdict, uint32_t sub,
                  int64_t detail)
{
    uint64_t bytes = judgement->view.message->length;

    msim_fault_count_hit(&verdict->rule->slot->counts, bytes, judgement->now);
    msim_fault_count_hit(&verdict->rule->state->counts, bytes, judgement->now);
    tell(judgement, verdict, sub, "hit", detail);
}

static void shadowed(struct judgement *judgement, const struct verdict *verdict, uint32_t sub)
{
    verdict->rule->slot->counts.shadowed++;
    verdict->rule->state->counts.shadowed++;
    tell(judgement, verdict, sub, "shadowed", 0);
}

static void inapplicable(struct judgement *judgement, const struct verdict *verdict, uint32_t sub)
{
    verdict->rule->slot->counts.inapplicable++;
    verdict->rule->state->counts.inapplicable++;
    tell(judgement, verdict, sub, "inapplicable", 0);
}

/* ---- deciding ---- */

/* The rules whose selectors match: nothing moves yet. */
static size_t match(const struct msim_fault_link *link, const struct view *view,
                    uint16_t matched[STRATEGIES_MOST])
{
    size_t count = 0;

    for (size_t i = 0; i < link->rule_count; i++) {
        const struct rule *rule = &link->rules[i];
        if (!(rule->types >> view->message->type & 1))
            continue;
        const struct strategy *strategy = rule->slot->strategy;
        if (strategy->select.on_message && !msim_fault_select_rest(&strategy->select, view))
            continue;
        if (strategy->when.by != BY_ORDINAL &&
            msim_fault_by_text(strategy->when.by, view).length == 0)
            continue;
        matched[count++] = (uint16_t)i;
    }
    return count;
}

static void decide(struct judgement *judgement, const uint16_t *matched, size_t count)
{
    struct msim_faults *faults = judgement->faults;
    struct moment moment = {
        .now = judgement->now,
        .ordinal = judgement->ordinal,
        .foreign = judgement->view.message->injector != NULL,
        .view = &judgement->view,
    };

    for (size_t i = 0; i < count; i++) {
        const struct rule *rule = &judgement->link->rules[matched[i]];
        const struct strategy *strategy = rule->slot->strategy;
        rule->slot->counts.matched++;
        rule->state->counts.matched++;
        struct decision decision = msim_fault_decide(faults, rule->slot, rule->state, &moment);
        if (decision.hit) {
            rule->slot->counts.decided++;
            rule->state->counts.decided++;
            judgement->hits++;
        } else if (decision.counted || !judgement->link->copies ||
                   msim_fault_stage(strategy->kind) < 3) {
            continue;
        }
        judgement->verdicts[judgement->count++] = (struct verdict){rule, decision};
        if (PLANTED(SHORT_CIRCUIT) && strategy->kind == MSIM_FAULT_DROP)
            break;
    }
}

/* ---- stages 0 and 1 ---- */

static void shadow_all(struct judgement *judgement, size_t first)
{
    for (size_t i = first; i < judgement->count; i++)
        if (judgement->verdicts[i].decision.hit)
            shadowed(judgement, &judgement->verdicts[i], 0);
}

static bool at_closed_gate(struct judgement *judgement)
{
    struct msim_fault_link *link = judgement->link;
    int type = judgement->view.message->type;

    if (link->gate != GATE_DISCARD || (link->gate_passes_sys && SYS_TYPES >> type & 1))
        return false;
    shadow_all(judgement, 0);
    msim_fault_count_gated(judgement->faults, link);
    return true;
}

/* What the other side of a request sees of a message that is gone. */
static void answer_http(struct judgement *judgement, const struct strategy *strategy)
{
    const struct drop *drop = &strategy->as.drop;
    struct outgoing outgoing = {
        .action = drop->http, .code = drop->status, .duration = drop->hang_for};

    memcpy(outgoing.strategy, strategy->id, strategy->id_length + 1);
    msim_fault_emit_action(judgement->faults, judgement->link, &outgoing, judgement->ordinal,
                           drop->http == MSIM_FAULT_ACTION_HTTP_STATUS ? drop->body : NULL,
                           judgement->now);
}

static bool dropped(struct judgement *judgement)
{
    if (judgement->hits == 0 || strategy_of(&judgement->verdicts[0])->kind != MSIM_FAULT_DROP)
        return false;
    acted(judgement, &judgement->verdicts[0], 0, 0);
    shadow_all(judgement, 1);
    judgement->link->traffic->balance.dropped++;
    judgement->verdicts[0].rule->slot->kinds->dropped++;
    if (judgement->view.channel == MSIM_FAULT_REST)
        answer_http(judgement, strategy_of(&judgement->verdicts[0]));
    return true;
}

/* ---- stage 2 ---- */

/* A copy to be: when it comes to the stages. */
struct copies {
    size_t count;
    msim_time gaps[COPIES_MOST];
};

static void add_copies(struct judgement *judgement, const struct verdict *verdict,
                       struct copies *copies)
{
    const struct duplicate *duplicate = &strategy_of(verdict)->as.duplicate;
    const struct decision *decision = &verdict->decision;
    uint64_t u = msim_random_at(decision->key, decision->n, PURPOSE_COPIES, 0);
    int64_t wanted = msim_random_range(u, duplicate->min, duplicate->max);
    int64_t room = (int64_t)(COPIES_MOST - copies->count);
    msim_time gap = 0;

    if (room == 0) {
        shadowed(judgement, verdict, 0);
        return;
    }
    if (wanted > room)
        wanted = room;
    acted(judgement, verdict, 0, wanted);
    for (int64_t i = 0; i < wanted; i++) {
        uint32_t sub = (uint32_t)copies->count + 1;
        uint64_t drawn = msim_random_at(decision->key, decision->n, PURPOSE_GAP, sub);
        uint64_t pick = msim_random_at(decision->key, decision->n, PURPOSE_MIXTURE, sub);
        msim_time step = msim_fault_draw(&duplicate->gap, drawn, pick);
        gap = moment_after(gap, step);
        if (gap > judgement->faults->params.max_delay)
            gap = judgement->faults->params.max_delay;
        copies->gaps[copies->count++] = gap;
    }
    verdict->rule->slot->kinds->copies += (uint64_t)wanted;
    judgement->link->traffic->balance.copies += (uint64_t)wanted;
}

/* ---- stages 3 to 7: what one copy meets ---- */

/* The copy under judgement. */
struct copy {
    uint32_t index; /* its node */
    uint32_t sub;
    struct passage passage;
    bool delayed;
    bool gone;
    bool joined; /* goes on with the message that waited for it */
    bool concat;
    msim_time concat_wait;
    uint32_t other; /* the second part of a split; NOTHING */
};

static struct extra *extra_of(struct judgement *judgement, const struct copy *copy)
{
    return msim_fault_node_extra(judgement->faults, node_at(judgement->faults, copy->index));
}

static void split_off(struct judgement *judgement, struct copy *copy, size_t cut)
{
    struct msim_faults *faults = judgement->faults;
    struct node *node = node_at(faults, copy->index);
    uint8_t class;
    unsigned char *front = msim_fault_payload_take(&faults->payloads, cut, &class);

    copy->other = NOTHING;
    if (front)
        copy->other =
            msim_fault_node_take(faults, judgement->link, node->bytes + cut, node->length - cut);
    if (copy->other == NOTHING) {
        msim_fault_payload_give(&faults->payloads, front, cut, class);
        faults->failure = MSIM_ERR_NOMEM;
        return;
    }
    node = node_at(faults, copy->index);
    memcpy(front, node->bytes, cut);
    msim_fault_node_bytes(faults, node, front, cut, class);
    struct node *rest = node_at(faults, copy->other);
    rest->ordinal = node->ordinal;
    rest->type = node->type;
    rest->sub = (uint8_t)(node->sub + SPLIT_SUB);
    rest->flags |= NODE_ALTERED | NODE_JUDGED;
    judgement->link->traffic->balance.copies++;
}

static void corrupt(struct judgement *judgement, const struct verdict *verdict, struct copy *copy)
{
    struct msim_faults *faults = judgement->faults;
    const struct decision *decision = &verdict->decision;
    const struct corrupt *corrupt = &strategy_of(verdict)->as.corrupt;
    uint64_t u = msim_random_at(decision->key, decision->n, PURPOSE_CORRUPT_MODE, copy->sub);
    const struct mutation *mutation = msim_fault_mutation_pick(corrupt, u);
    struct node *node = node_at(faults, copy->index);

    if (mutation->mode == CORRUPT_CONCAT) {
        bool can = copy->sub == 0 && copy->other == NOTHING && !copy->concat &&
                   judgement->link->traffic->concat == NOTHING && !copy->joined &&
                   msim_fault_can_precede(node->bytes, node->length);
        if (!can) {
            inapplicable(judgement, verdict, copy->sub);
            return;
        }
        copy->concat = true;
        copy->concat_wait = mutation->max_wait;
        extra_of(judgement, copy);
    } else {
        struct mutating mutating = {
            .faults = faults,
            .mutation = mutation,
            .message = judgement->view.message,
            .bytes = node->bytes,
            .length = node->length,
            .key = decision->key,
            .n = decision->n,
            .sub = copy->sub,
        };
        if (msim_fault_mutate(&mutating) < 0) {
            faults->failure = MSIM_ERR_NOMEM;
            inapplicable(judgement, verdict, copy->sub);
            return;
        }
        if (!mutating.applied || (mutating.cut > 0 && (copy->other != NOTHING || copy->concat))) {
            inapplicable(judgement, verdict, copy->sub);
            return;
        }
        if (mutating.made)
            msim_fault_node_bytes(faults, node, mutating.made, mutating.made_length,
                                  mutating.class);
        if (mutating.cut > 0)
            split_off(judgement, copy, mutating.cut);
    }
    verdict->rule->slot->kinds->mutations[mutation->mode]++;
    acted(judgement, verdict, copy->sub, mutation->mode);
}

static uint64_t hash_of(struct msim_fault_text text)
{
    return msim_fnv(text.text, text.length);
}

static uint64_t lane_hash(const struct judgement *judgement, enum lane_by by)
{
    const struct msim_fault_message *message = judgement->view.message;

    switch (by) {
    case LANE_SYMBOL:
        return hash_of(message->symbol);
    case LANE_ORDER:
        return hash_of(message->client_order_id.length > 0 ? message->client_order_id
                                                           : message->order_id);
    case LANE_TYPE:
        return (uint64_t)message->type;
    case LANE_ACCOUNT:
        return hash_of(judgement->view.account);
    case LANE_LINK:
        break;
    }
    return 0;
}

static void fill_fields(struct judgement *judgement, struct copy *copy)
{
    struct extra *extra = extra_of(judgement, copy);

    for (int by = LANE_SYMBOL; by <= LANE_ACCOUNT; by++)
        extra->fields[by] = lane_hash(judgement, (enum lane_by)by);
}

static void throttle(struct judgement *judgement, const struct verdict *verdict, struct copy *copy)
{
    struct extra *extra = extra_of(judgement, copy);

    extra->throttles[verdict->rule->index / 64] |= UINT64_C(1) << verdict->rule->index % 64;
    if (strategy_of(verdict)->as.throttle.on_exceed == EXCEED_CONFLATE)
        fill_fields(judgement, copy);
    acted(judgement, verdict, copy->sub, 0);
}

static void delay(struct judgement *judgement, const struct verdict *verdict, struct copy *copy)
{
    const struct delay *delay = &strategy_of(verdict)->as.delay;
    const struct decision *decision = &verdict->decision;
    struct passage *passage = &copy->passage;
    uint64_t u =
        msim_fault_delay_uniform(verdict->rule->slot, verdict->rule->state, decision, copy->sub);
    uint64_t pick = 0;

    if (delay->dist.count > 1)
        pick = msim_random_at(decision->key, decision->n, PURPOSE_MIXTURE, copy->sub);
    msim_time drawn = msim_fault_draw(&delay->dist, u, pick);
    if (drawn < delay->min)
        drawn = delay->min;
    if (drawn > delay->max)
        drawn = delay->max;
    msim_fault_series_add(&verdict->rule->slot->kinds->drawn, drawn);
    if (!copy->delayed || delay->order > passage->order) {
        passage->order = delay->order;
        passage->lane_key = 0;
        if (delay->order == ORDER_LANE)
            passage->lane_key = msim_mix64(lane_hash(judgement, delay->lane) + delay->lane) ^
                                judgement->link->created;
    }
    copy->delayed = true;
    passage->delay = moment_after(passage->delay, drawn);
    if (passage->delay > judgement->faults->params.max_delay)
        passage->delay = judgement->faults->params.max_delay;
    acted(judgement, verdict, copy->sub, drawn);
}

static void reorder(struct judgement *judgement, const struct verdict *verdict, struct copy *copy)
{
    const struct reorder *reorder = &strategy_of(verdict)->as.reorder;
    const struct decision *decision = &verdict->decision;
    struct extra *extra = extra_of(judgement, copy);

    if (extra->reorder < STRATEGIES_MOST) {
        shadowed(judgement, verdict, copy->sub);
        return;
    }
    uint64_t u = msim_random_at(decision->key, decision->n, PURPOSE_REORDER_K, copy->sub);
    extra->reorder = (uint16_t)verdict->rule->index;
    extra->reorder_generation = verdict->rule->slot->generation;
    extra->reorder_key = decision->key;
    extra->shuffle = reorder->shuffle;
    extra->hold =
        reorder->shuffle ? reorder->window : msim_random_range(u, reorder->min, reorder->max);
    extra->max_wait = reorder->max_wait;
    extra->lane_by = (uint8_t)reorder->lane;
    fill_fields(judgement, copy);
    acted(judgement, verdict, copy->sub, extra->hold);
}

static void slice(struct judgement *judgement, const struct verdict *verdict, struct copy *copy)
{
    const struct slice *slice = &strategy_of(verdict)->as.slice;
    struct extra *extra = extra_of(judgement, copy);

    if (extra->slicing.max > 0) {
        shadowed(judgement, verdict, copy->sub);
        return;
    }
    extra->slicing = (struct msim_fault_slice){
        .min = (uint32_t)slice->min,
        .max = (uint32_t)slice->max,
        .pause = slice->pause,
        .fragment = slice->fragment,
        .key = verdict->decision.key,
        .ordinal = verdict->decision.n,
        .sub = copy->sub,
    };
    acted(judgement, verdict, copy->sub, slice->max);
}

static void session(struct judgement *judgement, const struct verdict *verdict, struct copy *copy)
{
    struct extra *extra = extra_of(judgement, copy);

    if (extra->session < STRATEGIES_MOST) {
        shadowed(judgement, verdict, copy->sub);
        return;
    }
    extra->session = (uint16_t)verdict->rule->index;
    extra->session_generation = verdict->rule->slot->generation;
    acted(judgement, verdict, copy->sub, 0);
}

static void apply(struct judgement *judgement, const struct verdict *verdict, struct copy *copy)
{
    switch (strategy_of(verdict)->kind) {
    case MSIM_FAULT_CORRUPT:
        corrupt(judgement, verdict, copy);
        break;
    case MSIM_FAULT_THROTTLE:
        throttle(judgement, verdict, copy);
        break;
    case MSIM_FAULT_DELAY:
        delay(judgement, verdict, copy);
        break;
    case MSIM_FAULT_REORDER:
        reorder(judgement, verdict, copy);
        break;
    case MSIM_FAULT_SLICE:
        slice(judgement, verdict, copy);
        break;
    case MSIM_FAULT_SESSION:
        session(judgement, verdict, copy);
        break;
    default:
        break; /* stages 1 and 2 are behind it */
    }
}

/* ---- on to the stages that hold ---- */

static void tell_effective(struct judgement *judgement, msim_time leaves,
                           const bool hits[STRATEGIES_MOST])
{
    for (size_t i = 0; i < judgement->count; i++)
        if (hits[i] && strategy_of(&judgement->verdicts[i])->kind == MSIM_FAULT_DELAY)
            msim_fault_series_add(&judgement->verdicts[i].rule->slot->kinds->effective,
                                  time_between(judgement->now, leaves));
}

/* The effective delay is told when it is known: now, or by the extra when it leaves. */
static void mark_delays(struct judgement *judgement, struct extra *extra,
                        const bool hits[STRATEGIES_MOST])
{
    for (size_t i = 0; i < judgement->count; i++) {
        uint32_t slot = judgement->verdicts[i].rule->index;
        if (hits[i] && strategy_of(&judgement->verdicts[i])->kind == MSIM_FAULT_DELAY)
            extra->delays[slot / 64] |= UINT64_C(1) << slot % 64;
    }
}

static bool must_remember(const struct judgement *judgement, const struct copy *copy,
                          msim_time when)
{
    const struct msim_fault_link *link = judgement->link;

    return when > judgement->now || copy->sub > 0 || copy->other != NOTHING ||
           copy->passage.order == ORDER_LANE ||
           lane_at(judgement->faults, link->traffic->lane)->waiting > 0;
}

static void send_on(struct judgement *judgement, struct copy *copy, uint32_t index, msim_time when,
                    const bool hits[STRATEGIES_MOST])
{
    struct msim_faults *faults = judgement->faults;
    struct node *node = node_at(faults, index);

    node->flags &= (uint8_t)~NODE_JUDGED;
    if (judgement->link->needs_fields && node->extra == NOTHING) {
        struct copy whole = *copy;
        whole.index = index;
        fill_fields(judgement, &whole);
    }
    bool remember = node->extra != NOTHING || must_remember(judgement, copy, when);
    if (remember) {
        struct extra *extra = msim_fault_node_extra(faults, node);
        extra->delay = copy->passage.delay;
        extra->order = (uint8_t)copy->passage.order;
        extra->lane_key = copy->passage.lane_key;
        if (copy->delayed)
            mark_delays(judgement, extra, hits);
    }
    if (copy->concat && index == copy->index) {
        judgement->link->traffic->concat = index;
        judgement->link->traffic->concat_deadline = moment_after(when, copy->concat_wait);
        msim_fault_link_wake(faults, judgement->link, judgement->link->traffic->concat_deadline);
        return;
    }
    if (when > judgement->now) {
        msim_fault_hold_later(faults, index, when);
        return;
    }
    msim_time leaves = msim_fault_hold_enter(faults, index, &copy->passage, when);
    if (!remember && copy->delayed && leaves != MSIM_TIME_NEVER)
        tell_effective(judgement, leaves, hits);
}

/* The message before this one waited for it: both go in one frame, as the first. */
static bool join_waiting(struct judgement *judgement, struct copy *copy)
{
    struct msim_faults *faults = judgement->faults;
    struct msim_fault_link *link = judgement->link;
    struct node *first = node_at(faults, link->traffic->concat);
    struct node *second = node_at(faults, copy->index);
    uint8_t class;
    size_t length = (size_t)first->length + second->length;
    unsigned char *both = msim_fault_payload_take(&faults->payloads, length, &class);

    if (!both) {
        faults->failure = MSIM_ERR_NOMEM;
        return false;
    }
    memcpy(both, first->bytes, first->length);
    memcpy(both + first->length, second->bytes, second->length);
    msim_fault_node_bytes(faults, first, both, length, class);
    link->traffic->balance.merged++;
    msim_fault_node_drop(faults, copy->index);
    uint32_t index = link->traffic->concat;
    link->traffic->concat = NOTHING;
    msim_fault_hold_resume(faults, index, judgement->now);
    return true;
}

/* Says in the message itself who spoiled its way; never unless that was asked for. */
static void reveal(struct judgement *judgement, struct copy *copy, const bool hits[STRATEGIES_MOST])
{
    struct msim_faults *faults = judgement->faults;
    struct node *node = node_at(faults, copy->index);
    size_t first = 0;

    while (first < judgement->count && !hits[first])
        first++;
    if (first == judgement->count || copy->other != NOTHING)
        return;
    const struct mutation mutation = {
        .mode = CORRUPT_FIELD_EXTRA,
        .path = {"", 0}, /* the outermost object */
        .name = "x_sim_fault",
        .value = strategy_of(&judgement->verdicts[first])->id,
    };
    struct mutating mutating = {.faults = faults,
                                .mutation = &mutation,
                                .message = judgement->view.message,
                                .bytes = node->bytes,
                                .length = node->length};
    if (msim_fault_mutate(&mutating) < 0)
        faults->failure = MSIM_ERR_NOMEM;
    else if (mutating.made)
        msim_fault_node_bytes(faults, node, mutating.made, mutating.made_length, mutating.class);
}

/* Whether this copy is hit: plain p is drawn anew for it. */
static bool decide_again(const struct judgement *judgement, struct verdict *verdict, uint32_t sub)
{
    if (sub > 0)
        verdict->decision =
            msim_fault_decide_copy(judgement->faults, verdict->rule->slot, &verdict->decision, sub);
    return verdict->decision.hit;
}

/* The second part of a split meets the stages behind corrupt as any copy does. */
static void judge_rest(struct judgement *judgement, const struct copy *first, msim_time when)
{
    bool hits[STRATEGIES_MOST];
    struct copy copy = {
        .index = first->other,
        .sub = first->sub + SPLIT_SUB,
        .passage = {.order = ORDER_LINK},
        .other = NOTHING,
    };

    for (size_t i = 0; i < judgement->count; i++) {
        struct verdict verdict = judgement->verdicts[i];
        hits[i] = msim_fault_stage(strategy_of(&verdict)->kind) > 3 &&
                  decide_again(judgement, &verdict, copy.sub);
        if (hits[i])
            apply(judgement, &verdict, &copy);
    }
    send_on(judgement, &copy, copy.index, when, hits);
}

/* Its memory was reserved: it cannot fail. */
static void judge_copy(struct judgement *judgement, uint32_t sub, msim_time when)
{
    struct msim_faults *faults = judgement->faults;
    const struct msim_fault_message *message = judgement->view.message;
    bool hits[STRATEGIES_MOST];
    struct copy copy = {.sub = sub, .passage = {.order = ORDER_LINK}, .other = NOTHING};

    copy.index = msim_fault_node_take_reserved(faults, judgement->link, message->bytes);
    struct node *node = node_at(faults, copy.index);
    node->ordinal = judgement->ordinal;
    node->type = (uint8_t)message->type;
    node->sub = (uint8_t)sub;
    node->flags |= NODE_JUDGED;
    copy.joined = sub == 0 && judgement->link->traffic->concat != NOTHING && !message->injector;
    for (size_t i = 0; i < judgement->count; i++) {
        struct verdict verdict = judgement->verdicts[i];
        hits[i] = decide_again(judgement, &verdict, sub);
        int stage = msim_fault_stage(strategy_of(&verdict)->kind);
        if (!hits[i] || stage < 3)
            continue;
        if (copy.joined && stage > 3)
            shadowed(judgement, &verdict, sub);
        else
            apply(judgement, &verdict, &copy);
    }
    if (faults->params.reveal)
        reveal(judgement, &copy, hits);
    if (!copy.joined || !join_waiting(judgement, &copy))
        send_on(judgement, &copy, copy.index, when, hits);
    if (copy.other != NOTHING)
        judge_rest(judgement, &copy, when);
}

/* ---- the whole of it ---- */

static bool too_much(const struct judgement *judgement, size_t copies)
{
    const struct msim_faults *faults = judgement->faults;
    const struct msim_fault_balance *balance = &judgement->link->traffic->balance;
    uint64_t bytes = judgement->view.message->length;

    return balance->pending + copies > faults->params.max_pending_messages ||
           bytes > faults->params.max_pending_bytes / copies ||
           balance->pending_bytes > faults->params.max_pending_bytes - bytes * copies;
}

static void overflow(struct judgement *judgement, size_t copies)
{
    judgement->link->traffic->balance.overflow += copies;
    for (size_t i = 0; i < judgement->count; i++)
        if (judgement->verdicts[i].decision.hit &&
            msim_fault_stage(strategy_of(&judgement->verdicts[i])->kind) > 2)
            shadowed(judgement, &judgement->verdicts[i], 0);
    if (judgement->faults->params.overflow == MSIM_FAULT_OVERFLOW_DISCONNECT)
        msim_fault_session_kick(judgement->faults, judgement->link->session, 1008,
                                "too much is waiting", "", judgement->now);
}

static int act(struct judgement *judgement)
{
    struct copies copies = {0};

    if (at_closed_gate(judgement) || dropped(judgement))
        return MSIM_FAULT_TAKEN;
    if (judgement->hits == 0 && judgement->link->traffic->balance.pending == 0 &&
        judgement->link->gate == GATE_OPEN) {
        judgement->link->traffic->balance.delivered++;
        if (judgement->faults->params.trace_full)
            msim_fault_trace_delivery(judgement->faults, judgement->link, judgement->ordinal, 0,
                                      judgement->view.message->type, judgement->now);
        return MSIM_FAULT_PASS;
    }
    for (size_t i = 0; i < judgement->count; i++)
        if (strategy_of(&judgement->verdicts[i])->kind == MSIM_FAULT_DUPLICATE)
            add_copies(judgement, &judgement->verdicts[i], &copies);
    if (PLANTED(COPIES_REENTER) && copies.count > 0 && copies.count < COPIES_MOST)
        for (size_t i = 0; i < judgement->count; i++)
            if (strategy_of(&judgement->verdicts[i])->kind == MSIM_FAULT_DUPLICATE)
                add_copies(judgement, &judgement->verdicts[i], &copies);
    if (too_much(judgement, copies.count + 1)) {
        overflow(judgement, copies.count + 1);
        return MSIM_FAULT_TAKEN;
    }
    for (uint32_t sub = 0; sub <= copies.count; sub++) {
        msim_time when = judgement->now;
        if (sub > 0)
            when = moment_after(when, copies.gaps[sub - 1]);
        judge_copy(judgement, sub, when);
    }
    return MSIM_FAULT_TAKEN;
}

/*
 * A strategy that was fired is gone after its first hit.  Those of the last stages that nothing
 * shadowed are still to act, when their message comes to them: they go then.
 */
static void forget_fired(struct judgement *judgement)
{
    uint64_t gone[SLOT_WORDS] = {0};

    for (size_t i = 0; i < judgement->count; i++) {
        const struct verdict *verdict = &judgement->verdicts[i];
        const struct strategy *strategy = strategy_of(verdict);
        bool waits =
            (strategy->kind == MSIM_FAULT_SESSION || strategy->kind == MSIM_FAULT_REORDER) &&
            verdict->rule->state->counts.shadowed == 0;
        if (verdict->decision.hit && strategy->one_shot && !waits)
            gone[verdict->rule->index / 64] |= UINT64_C(1) << verdict->rule->index % 64;
    }
    /* From here on the verdicts' rules are none any more. */
    for (size_t word = 0; word < SLOT_WORDS; word++)
        for (uint64_t bits = gone[word]; bits; bits &= bits - 1)
            msim_fault_one_shot_done(judgement->faults,
                                     (uint32_t)(word * 64) + (uint32_t)__builtin_ctzll(bits),
                                     judgement->now);
}

static uint64_t number_of(struct msim_fault_link *link, const struct msim_fault_message *message)
{
    if (message->injector) {
        link->traffic->balance.injected++;
        return message->injection;
    }
    link->traffic->balance.native++;
    if (message->has_ordinal)
        return message->ordinal;
    return link->ordinals++ + link->plain;
}

/* A message that something befalls or might, or that must stand behind another one. */
static int judge(struct msim_faults *faults, struct msim_fault_link *link, const struct view *view,
                 const uint16_t *matched, size_t count)
{
    struct judgement judgement;

    judgement.faults = faults;
    judgement.link = link;
    judgement.ordinal = number_of(link, view->message);
    judgement.now = faults->now;
    judgement.hits = judgement.count = 0;
    judgement.view = *view;
    if (faults->id_swaps > 0)
        msim_fault_live_note(faults, view->message);
    decide(&judgement, matched, count);
    int r = act(&judgement);
    if (faults->scenario && !view->message->injector)
        msim_fault_scenario_message(faults, &judgement.view, faults->now);
    if (faults->one_shots > 0 && judgement.hits > 0)
        forget_fired(&judgement);
    msim_fault_sweep(faults);
    return r;
}

/* Nothing waits on the link, and nobody wants to hear of what passes. */
static bool quiet(const struct msim_faults *faults, const struct msim_fault_link *link,
                  const struct msim_fault_message *message)
{
    return link->traffic->balance.pending == 0 && link->gate == GATE_OPEN &&
           !faults->params.trace_full && !faults->scenario && !message->injector &&
           !message->has_ordinal;
}

/* How many copies of the message there may be in all. */
static size_t copies_at_most(const struct msim_fault_link *link, const uint16_t *matched,
                             size_t count)
{
    size_t copies = 0;

    for (size_t i = 0; i < count && link->copies; i++) {
        const struct strategy *strategy = link->rules[matched[i]].slot->strategy;
        if (strategy->kind == MSIM_FAULT_DUPLICATE)
            copies += (size_t)strategy->as.duplicate.max;
    }
    if (PLANTED(COPIES_REENTER))
        copies *= 2;
    return 1 + (copies < COPIES_MOST ? copies : COPIES_MOST);
}

static int look_closer(struct msim_faults *faults, msim_time now, struct msim_fault_link *link,
                       const struct msim_fault_message *message)
{
    const struct msim_fault_session *session = link->session;
    uint16_t matched[STRATEGIES_MOST];
    struct view view = {
        .message = message,
        .account = message->account.text
                       ? message->account
                       : (struct msim_fault_text){session->account ? session->account : "",
                                                  session->account_length},
        .label = {session->label, session->label_length},
        .direction = link->direction,
        .channel = session->channel,
    };

    if ((!message->bytes && message->length > 0) || message->length > UINT32_MAX / 4)
        return MSIM_ERR_INVALID;
    if (msim_fault_next_release(faults) <= now) {
        msim_fault_return_lent(faults);
        msim_fault_advance_before(faults, now);
    }
    faults->alarm = msim_fault_next_release(faults);
    size_t count = match(link, &view, matched);
    if (count == 0 && quiet(faults, link, message) && faults->id_swaps == 0) {
        faults->now = now;
        link->plain++;
        return MSIM_FAULT_PASS;
    }
    if (msim_fault_begin_traffic(link) < 0 || msim_fault_reserve(faults, TURN_NEEDS) < 0 ||
        msim_fault_payloads_reserve(&faults->payloads, message->length,
                                    copies_at_most(link, matched, count)) < 0)
        return MSIM_ERR_NOMEM;
    msim_fault_return_lent(faults);
    faults->now = now;
    int r = judge(faults, link, &view, matched, count);
    msim_fault_payloads_unreserve(&faults->payloads);
    return r;
}

int msim_faults_submit(struct msim_faults *faults, msim_time now, struct msim_fault_link *link,
                       const struct msim_fault_message *message)
{
    if (!faults || !link || !message || now < faults->now ||
        (unsigned)message->type >= MSIM_FAULT_TYPES)
        return MSIM_ERR_INVALID;
    if (link->watch >> message->type & 1 || now >= faults->alarm || message->injector ||
        message->has_ordinal)
        return look_closer(faults, now, link, message);
    faults->now = now;
    link->plain++;
    return MSIM_FAULT_PASS;
}

uint64_t msim_fault_link_watched(struct msim_fault_link *link)
{
    if (!link)
        return 0;
    msim_fault_link_watch(link);
    return link->watch;
}
