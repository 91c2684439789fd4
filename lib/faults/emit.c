/*
 * The end of the pipeline: gates, what a session does at a message, and the
 * output that the caller pulls.  Releasing or forgetting everything is here too.
 */
#include "faults/stages.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

/* ---- the output ---- */

void msim_fault_put_out(struct msim_faults *faults, uint32_t index, msim_time now)
{
    struct node *node = node_at(faults, index);

    msim_fault_alarm(faults, INT64_MIN);
    node->ready = now;
    node->next = NOTHING;
    node->flags |= NODE_OUT;
    if (faults->out_tail == NOTHING)
        faults->out_head = index;
    else
        node_at(faults, faults->out_tail)->next = index;
    faults->out_tail = index;
}

void msim_fault_emit_action(struct msim_faults *faults, struct msim_fault_link *link,
                            const struct outgoing *outgoing, uint64_t ordinal, const char *text,
                            msim_time now)
{
    size_t length = text ? strlen(text) : 0;
    uint8_t class;
    unsigned char *copy = NULL;

    if (msim_fault_reserve(faults, 1) == MSIM_OK)
        copy = msim_fault_payload_take(&faults->payloads, length + 1, &class);
    if (!copy) {
        faults->failure = MSIM_ERR_NOMEM;
        return;
    }
    if (length > 0)
        memcpy(copy, text, length);
    copy[length] = '\0';

    uint32_t index = msim_fault_pool_take(&faults->nodes);
    uint32_t rest = msim_fault_pool_take(&faults->outgoings);
    *(struct outgoing *)pool_at(&faults->outgoings, rest) = *outgoing;
    *node_at(faults, index) = (struct node){
        .bytes = copy,
        .ordinal = ordinal,
        .length = (uint32_t)length + 1,
        .link = link->index,
        .extra = rest,
        .lane = NOTHING,
        .type = MSIM_FAULT_OTHER,
        .class = class,
        .flags = NODE_USED | NODE_ACTION,
    };
    msim_fault_put_out(faults, index, now);
}

void msim_fault_count_gated(struct msim_faults *faults, struct msim_fault_link *link)
{
    link->traffic->balance.gated++;
    if (link->gate_slot != NOTHING)
        faults->slots[link->gate_slot].kinds->silenced++;
}

/* What a session does at this message; false where the message is lost with it. */
static bool trigger(struct msim_faults *faults, uint32_t index, msim_time now)
{
    struct node *node = node_at(faults, index);
    struct extra *extra = extra_at(faults, node->extra);
    uint32_t slot_index = extra->session;
    struct slot *slot = &faults->slots[slot_index];
    struct msim_fault_link *link = link_at(faults, node->link);

    extra->session = STRATEGIES_MOST; /* once */
    if (!slot->strategy || slot->generation != extra->session_generation || slot->strategy->acting)
        return true;
    slot->strategy->acting = slot->strategy->one_shot;
    bool delivered = slot->strategy->as.session.when == WHEN_AFTER;
    if (delivered) {
        msim_fault_put_out(faults, index, now);
    } else {
        link->traffic->balance.discarded++;
        msim_fault_node_drop(faults, index);
    }
    msim_fault_session_act(faults, slot_index, link->session, now);
    if (!msim_fault_session_lasts(slot->strategy))
        msim_fault_one_shot_done(faults, slot_index, now);
    return false;
}

void msim_fault_emit(struct msim_faults *faults, uint32_t index, msim_time now)
{
    struct node *node = node_at(faults, index);
    struct msim_fault_link *link = link_at(faults, node->link);
    bool passes = link->gate == GATE_OPEN || (link->gate_passes_sys && SYS_TYPES >> node->type & 1);

    if (!passes && link->gate == GATE_DISCARD) {
        msim_fault_count_gated(faults, link);
        msim_fault_node_drop(faults, index);
        return;
    }
    if (!passes) {
        node->next = NOTHING;
        if (link->traffic->gate_tail == NOTHING)
            link->traffic->gate_head = index;
        else
            node_at(faults, link->traffic->gate_tail)->next = index;
        link->traffic->gate_tail = index;
        return;
    }
    if (node->extra != NOTHING && extra_at(faults, node->extra)->session < STRATEGIES_MOST &&
        !trigger(faults, index, now))
        return;
    msim_fault_put_out(faults, index, now);
}

/* ---- pulling ---- */

void msim_fault_return_lent(struct msim_faults *faults)
{
    while (faults->parted) {
        struct strategy *strategy = faults->parted;
        faults->parted = strategy->parted;
        msim_fault_strategy_free(strategy, &faults->allocator);
    }
    if (faults->lent == NOTHING)
        return;
    msim_fault_node_free(faults, faults->lent);
    faults->lent = NOTHING;
}

static void give_message(struct msim_faults *faults, struct node *node,
                         struct msim_fault_output *out)
{
    struct msim_fault_link *link = link_at(faults, node->link);

    out->kind = MSIM_FAULT_OUTPUT_MESSAGE;
    out->altered = node->flags & NODE_ALTERED;
    out->bytes = node->bytes;
    out->length = node->length;
    out->sub = node->sub;
    out->type = node->type;
    if (node->extra != NOTHING)
        out->slice = extra_at(faults, node->extra)->slicing;
    link->traffic->balance.delivered++;
    msim_fault_node_settle(faults, node);
    if (faults->params.trace_full)
        msim_fault_trace_delivery(faults, link, node->ordinal, node->sub, node->type, node->ready);
}

static void give_action(struct msim_faults *faults, const struct node *node,
                        struct msim_fault_output *out)
{
    const struct outgoing *outgoing = pool_at(&faults->outgoings, node->extra);

    out->kind = MSIM_FAULT_OUTPUT_ACTION;
    out->type = MSIM_FAULT_OTHER;
    out->action = outgoing->action;
    out->code = outgoing->code;
    out->duration = outgoing->duration;
    out->flush = outgoing->flush;
    out->reason = (const char *)node->bytes;
    out->strategy = outgoing->strategy;
}

int msim_faults_pull(struct msim_faults *faults, msim_time now, struct msim_fault_output *out)
{
    if (!faults || !out || now < faults->now)
        return MSIM_ERR_INVALID;
    msim_fault_return_lent(faults);
    if (PLANTED(DUE_WAITS) && faults->heap_count > 0 && msim_fault_heap_due(faults) > faults->now)
        return MSIM_PULL_EMPTY;
    while (faults->out_head == NOTHING && faults->failure == MSIM_OK &&
           msim_fault_advance_one(faults, now))
        ;
    if (faults->failure < 0)
        return msim_fault_failure(faults);
    if (faults->out_head == NOTHING) {
        faults->alarm = msim_fault_next_release(faults);
        faults->now = now;
        return MSIM_PULL_EMPTY;
    }

    uint32_t index = faults->out_head;
    struct node *node = node_at(faults, index);
    struct msim_fault_link *link = link_at(faults, node->link);
    faults->out_head = node->next;
    if (faults->out_head == NOTHING)
        faults->out_tail = NOTHING;
    *out = (struct msim_fault_output){
        .time = node->ready,
        .session = link->session,
        .direction = link->direction,
        .ordinal = node->ordinal,
        .reason = "",
        .strategy = "",
    };
    if (node->flags & NODE_ACTION)
        give_action(faults, node, out);
    else
        give_message(faults, node, out);
    faults->lent = index;
    msim_fault_sweep(faults);
    return MSIM_PULL_RECORD;
}

/* ---- all at once ---- */

static void clear_lanes(struct msim_faults *faults, const struct msim_fault_link *link)
{
    for (size_t i = 0; i < faults->lane_index_size; i++) {
        for (uint32_t at = faults->lane_index[i]; at != NOTHING;) {
            uint32_t next = lane_at(faults, at)->chain;
            if (!link || lane_at(faults, at)->link == link->index)
                msim_fault_lane_drop(faults, at);
            at = next;
        }
    }
}

static void clear_link(struct msim_faults *faults, struct msim_fault_link *link,
                       enum leaving leaving)
{
    if (!msim_fault_has_traffic(link))
        return;
    struct lane *lane = lane_at(faults, link->traffic->lane);
    lane->head = lane->tail = NOTHING;
    lane->waiting = 0;
    msim_fault_reorder_clear(faults, link, leaving);
    link->traffic->concat = NOTHING;
    link->traffic->gate_head = link->traffic->gate_tail = NOTHING;
}

struct place_in_line {
    uint64_t created;
    uint64_t ordinal;
    uint32_t sub;
    uint32_t node;
};

static bool comes_before(const struct place_in_line *a, const struct place_in_line *b)
{
    if (a->created != b->created)
        return a->created < b->created;
    if (a->ordinal != b->ordinal)
        return a->ordinal < b->ordinal;
    return a->sub < b->sub;
}

static void sink(struct place_in_line *places, size_t at, size_t count)
{
    struct place_in_line item = places[at];

    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && comes_before(&places[child], &places[child + 1]))
            child++;
        if (!comes_before(&item, &places[child]))
            break;
        places[at] = places[child];
    }
    places[at] = item;
}

/* Heapsort: in place, and never slow. */
static void sort_places(struct place_in_line *places, size_t count)
{
    for (size_t i = count / 2; i-- > 0;)
        sink(places, i, count);
    for (size_t left = count; left > 1; left--) {
        struct place_in_line last = places[left - 1];
        places[left - 1] = places[0];
        places[0] = last;
        sink(places, 0, left - 1);
    }
}

/* Whether the node waits somewhere: not in the output, not lent, not dead. */
static bool waits(const struct msim_faults *faults, uint32_t index,
                  const struct msim_fault_link *link)
{
    const struct node *node = node_at(faults, index);

    return node->flags & NODE_USED && !(node->flags & (NODE_OUT | NODE_ACTION | NODE_JUDGED)) &&
           (!link || node->link == link->index);
}

/* Takes all that waits (of the link) out of every queue; dead nodes go. */
static size_t collect(struct msim_faults *faults, struct msim_fault_link *link,
                      struct place_in_line *places)
{
    size_t count = 0;

    msim_fault_heap_keep(faults, link);
    clear_lanes(faults, link);
    for (size_t i = 0; i < faults->session_capacity; i++)
        for (size_t d = 0; faults->sessions[i] && d < 2; d++)
            if (!link || link == &faults->sessions[i]->links[d])
                clear_link(faults, &faults->sessions[i]->links[d], LEAVES_FLUSHED);
    msim_fault_throttle_forget(faults, link);
    msim_fault_express_forget(faults, link);
    for (uint32_t i = 0; i < faults->nodes.fresh; i++) {
        struct node *node = node_at(faults, i);
        if (!waits(faults, i, link))
            continue;
        node->lane = node->next = NOTHING;
        if (node->extra != NOTHING)
            extra_at(faults, node->extra)->buckets = 0;
        if (node->flags & NODE_DEAD) {
            msim_fault_node_free(faults, i);
            continue;
        }
        node->flags &= (uint8_t)~NODE_WAITING;
        places[count++] = (struct place_in_line){link_at(faults, node->link)->created,
                                                 node->ordinal, node->sub, i};
    }
    return count;
}

static size_t count_waiting(const struct msim_faults *faults, const struct msim_fault_link *link)
{
    size_t count = 0;

    for (uint32_t i = 0; i < faults->nodes.fresh; i++)
        count += waits(faults, i, link);
    return count;
}

int msim_fault_flush(struct msim_faults *faults, struct msim_fault_link *link, msim_time now)
{
    size_t room = count_waiting(faults, link);
    if (room == 0)
        return MSIM_OK;
    struct place_in_line *places = msim_mem_take_array(&faults->allocator, room, sizeof *places);
    if (!places)
        return MSIM_ERR_NOMEM;

    size_t count = collect(faults, link, places);
    sort_places(places, count);
    for (size_t i = 0; i < count; i++)
        msim_fault_put_out(faults, places[i].node, now);
    msim_mem_free(&faults->allocator, places, room * sizeof *places);
    return MSIM_OK;
}

void msim_fault_discard(struct msim_faults *faults, struct msim_fault_link *link)
{
    if (link->traffic->balance.pending == 0)
        return;
    msim_fault_heap_keep(faults, link);
    clear_lanes(faults, link);
    clear_link(faults, link, LEAVES_DISCARDED);
    msim_fault_throttle_forget(faults, link);
    msim_fault_express_forget(faults, link);
    for (uint32_t i = 0; i < faults->nodes.fresh; i++) {
        if (!waits(faults, i, link))
            continue;
        struct node *node = node_at(faults, i);
        if (!(node->flags & NODE_DEAD)) {
            msim_fault_node_settle(faults, node);
            link->traffic->balance.discarded++;
        }
        msim_fault_node_free(faults, i);
    }
}

void msim_fault_forget(struct msim_faults *faults, struct msim_fault_link *link)
{
    uint32_t *place = &faults->out_head;

    msim_fault_discard(faults, link);
    faults->out_tail = NOTHING;
    while (*place != NOTHING) {
        uint32_t index = *place;
        struct node *node = node_at(faults, index);
        if (node->link != link->index) {
            faults->out_tail = index;
            place = &node->next;
            continue;
        }
        *place = node->next;
        if (!(node->flags & NODE_ACTION)) {
            msim_fault_node_settle(faults, node);
            link->traffic->balance.discarded++;
        }
        msim_fault_node_free(faults, index);
    }
}
