/*
 * Messages held back so that later ones of their lane pass them.
 *
 * What is let go does not leave on the spot but through one list, message by
 * message: a session may end at any of them, and takes the rest with it.
 */
#include "faults/stages.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "base/random.h"

static struct reorder_counts *counts_of(struct msim_faults *faults, uint32_t slot,
                                        uint64_t generation)
{
    struct slot *holder = &faults->slots[slot];

    return holder->strategy && holder->generation == generation ? &holder->kinds->reorder : NULL;
}

/* ---- on the way out ---- */

static void let_go(struct msim_faults *faults, uint32_t index, msim_time now)
{
    struct node *node = node_at(faults, index);

    msim_fault_alarm(faults, INT64_MIN);
    node->flags |= NODE_REORDERED;
    node->ready = now;
    node->next = NOTHING;
    if (faults->express_tail == NOTHING)
        faults->express_head = index;
    else
        node_at(faults, faults->express_tail)->next = index;
    faults->express_tail = index;
}

bool msim_fault_express(struct msim_faults *faults)
{
    uint32_t index = faults->express_head;

    if (index == NOTHING)
        return false;
    faults->express_head = node_at(faults, index)->next;
    if (faults->express_head == NOTHING)
        faults->express_tail = NOTHING;
    msim_fault_emit(faults, index, node_at(faults, index)->ready);
    return true;
}

void msim_fault_express_forget(struct msim_faults *faults, const struct msim_fault_link *link)
{
    uint32_t *place = &faults->express_head;

    faults->express_tail = NOTHING;
    while (*place != NOTHING) {
        struct node *node = node_at(faults, *place);
        if (!link || node->link == link->index) {
            *place = node->next;
            continue;
        }
        faults->express_tail = *place;
        place = &node->next;
    }
}

/* A reorder that was fired is gone when it has let go what it held. */
static void settle_fired(struct msim_faults *faults, uint32_t slot_index, uint64_t generation,
                         msim_time now)
{
    const struct reorder_counts *counts = counts_of(faults, slot_index, generation);

    if (counts && counts->held_now == 0)
        msim_fault_one_shot_done(faults, slot_index, now);
}

/* ---- lanes ---- */

static uint64_t lane_value(const struct msim_faults *faults, const struct node *node,
                           enum lane_by by)
{
    if (by == LANE_LINK)
        return 0;
    if (by == LANE_TYPE)
        return node->type;
    return node->extra != NOTHING ? extra_at(faults, node->extra)->fields[by] : 0;
}

/* ---- hold ---- */

static bool add_hold(struct msim_faults *faults, struct msim_fault_link *link, uint32_t index,
                     msim_time now)
{
    struct kept *kept = &link->traffic->kept;
    const struct node *node = node_at(faults, index);
    const struct extra *extra = extra_at(faults, node->extra);
    void *holds = kept->holds;
    int r = msim_mem_grow(&faults->allocator, &holds, &kept->hold_capacity, sizeof *kept->holds,
                          kept->hold_count + 1, faults->params.max_holds);

    if (r == MSIM_ERR_NOMEM)
        faults->failure = r;
    if (r < 0)
        return false;
    kept->holds = holds;
    kept->holds[kept->hold_count++] = (struct hold){
        .node = index,
        .slot = extra->reorder,
        .generation = extra->reorder_generation,
        .lane = lane_value(faults, node, extra->lane_by),
        .lane_by = extra->lane_by,
        .remaining = extra->hold,
        .deadline = moment_after(now, extra->max_wait),
    };
    return true;
}

static void remove_hold(struct msim_fault_link *link, size_t i)
{
    struct kept *kept = &link->traffic->kept;

    kept->hold_count--;
    memmove(&kept->holds[i], &kept->holds[i + 1], (kept->hold_count - i) * sizeof *kept->holds);
}

static void release_hold(struct msim_faults *faults, struct msim_fault_link *link, size_t i,
                         bool by_timer, msim_time now)
{
    struct kept *kept = &link->traffic->kept;
    struct hold hold = kept->holds[i];
    struct reorder_counts *counts = counts_of(faults, hold.slot, hold.generation);

    remove_hold(link, i);
    if (counts) {
        counts->held_now--;
        counts->released_by_timer += by_timer;
        counts->released_by_count += !by_timer;
    }
    let_go(faults, hold.node, now);
    settle_fired(faults, hold.slot, hold.generation, now);
}

/* A message that nobody held has left: those it has passed move nearer to their turn. */
static void count_down(struct msim_faults *faults, struct msim_fault_link *link,
                       const uint64_t values[LANE_ACCOUNT + 1], msim_time now)
{
    struct kept *kept = &link->traffic->kept;

    for (size_t i = 0; i < kept->hold_count; i++) {
        struct hold *hold = &kept->holds[i];
        if (hold->lane_by == LANE_LINK || hold->lane == values[hold->lane_by])
            hold->remaining--;
    }
    for (size_t i = 0; i < kept->hold_count;) {
        if (kept->holds[i].remaining > 0)
            i++;
        else
            release_hold(faults, link, i, false, now);
    }
}

/* ---- shuffle ---- */

static struct shuffle *find_shuffle(struct msim_fault_link *link, const struct extra *extra,
                                    uint64_t lane)
{
    struct kept *kept = &link->traffic->kept;

    for (size_t i = 0; i < kept->shuffle_count; i++) {
        struct shuffle *shuffle = &kept->shuffles[i];
        if (shuffle->slot == extra->reorder && shuffle->lane == lane &&
            shuffle->generation == extra->reorder_generation)
            return shuffle;
    }
    return NULL;
}

static struct shuffle *open_shuffle(struct msim_faults *faults, struct msim_fault_link *link,
                                    const struct node *node, uint64_t lane, msim_time now)
{
    struct kept *kept = &link->traffic->kept;
    const struct extra *extra = extra_at(faults, node->extra);
    void *shuffles = kept->shuffles;
    int r =
        msim_mem_grow(&faults->allocator, &shuffles, &kept->shuffle_capacity,
                      sizeof *kept->shuffles, kept->shuffle_count + 1, faults->params.max_holds);

    if (r == MSIM_ERR_NOMEM)
        faults->failure = r;
    if (r < 0)
        return NULL;
    kept->shuffles = shuffles;
    struct shuffle *shuffle = &kept->shuffles[kept->shuffle_count++];
    *shuffle = (struct shuffle){
        .slot = extra->reorder,
        .generation = extra->reorder_generation,
        .lane = lane,
        .window = extra->hold,
        .deadline = moment_after(now, extra->max_wait),
        .key = extra->reorder_key,
        .ordinal = node->ordinal,
        .head = NOTHING,
        .tail = NOTHING,
    };
    return shuffle;
}

static void remove_shuffle(struct msim_fault_link *link, size_t i)
{
    struct kept *kept = &link->traffic->kept;

    kept->shuffled -= kept->shuffles[i].count;
    kept->shuffle_count--;
    memmove(&kept->shuffles[i], &kept->shuffles[i + 1],
            (kept->shuffle_count - i) * sizeof *kept->shuffles);
}

/* Fisher and Yates: the last place first. */
static void permute(const struct shuffle *shuffle, uint32_t *nodes)
{
    for (uint32_t step = 0; step + 1 < shuffle->count; step++) {
        uint32_t last = shuffle->count - 1 - step;
        uint64_t u = msim_random_at(shuffle->key, shuffle->ordinal, PURPOSE_PERMUTATION, step);
        uint32_t chosen = (uint32_t)msim_random_range(u, 0, last);
        uint32_t node = nodes[last];
        nodes[last] = nodes[chosen];
        nodes[chosen] = node;
    }
}

enum shuffle_end {
    SHUFFLE_FULL,
    SHUFFLE_TIMER,
};

static void release_shuffle(struct msim_faults *faults, struct msim_fault_link *link, size_t i,
                            enum shuffle_end end, msim_time now)
{
    struct kept *kept = &link->traffic->kept;
    struct shuffle shuffle = kept->shuffles[i];
    struct reorder_counts *counts = counts_of(faults, shuffle.slot, shuffle.generation);
    uint32_t nodes[WINDOW_MOST];
    uint32_t at = shuffle.head;

    remove_shuffle(link, i);
    for (uint32_t k = 0; k < shuffle.count; k++) {
        nodes[k] = at;
        at = node_at(faults, at)->next;
    }
    permute(&shuffle, nodes);
    for (uint32_t k = 0; k < shuffle.count; k++)
        let_go(faults, nodes[k], now);
    if (!counts)
        return;
    counts->held_now -= shuffle.count;
    if (end == SHUFFLE_FULL)
        counts->released_by_count += shuffle.count;
    else
        counts->released_by_timer += shuffle.count;
    settle_fired(faults, shuffle.slot, shuffle.generation, now);
}

static bool add_to_shuffle(struct msim_faults *faults, struct msim_fault_link *link, uint32_t index,
                           msim_time now)
{
    struct kept *kept = &link->traffic->kept;
    struct node *node = node_at(faults, index);
    const struct extra *extra = extra_at(faults, node->extra);
    uint64_t lane = lane_value(faults, node, extra->lane_by);
    struct shuffle *shuffle = find_shuffle(link, extra, lane);

    if (!shuffle)
        shuffle = open_shuffle(faults, link, node, lane, now);
    if (!shuffle)
        return false;
    node->next = NOTHING;
    if (shuffle->tail == NOTHING)
        shuffle->head = index;
    else
        node_at(faults, shuffle->tail)->next = index;
    shuffle->tail = index;
    shuffle->count++;
    kept->shuffled++;
    return true;
}

static void end_if_full(struct msim_faults *faults, struct msim_fault_link *link, msim_time now)
{
    struct kept *kept = &link->traffic->kept;

    for (size_t i = 0; i < kept->shuffle_count; i++) {
        if (kept->shuffles[i].count < (uint64_t)kept->shuffles[i].window)
            continue;
        release_shuffle(faults, link, i, SHUFFLE_FULL, now);
        return;
    }
}

/* ---- the stage ---- */

/* True where the message is held, or lost for want of room. */
static bool keep(struct msim_faults *faults, uint32_t index, msim_time now)
{
    struct node *node = node_at(faults, index);
    struct msim_fault_link *link = link_at(faults, node->link);
    struct kept *kept = &link->traffic->kept;
    struct extra *extra = extra_at(faults, node->extra);
    struct reorder_counts *counts =
        extra->reorder < STRATEGIES_MOST
            ? counts_of(faults, extra->reorder, extra->reorder_generation)
            : NULL;

    if (!counts || !faults->slots[extra->reorder].strategy->enabled)
        return false;
    msim_time max_wait = extra->max_wait;
    extra->held = faults->holds_made++;
    bool room = kept->hold_count + kept->shuffled < faults->params.max_holds;
    bool is_held = room && (extra->shuffle ? add_to_shuffle(faults, link, index, now)
                                           : add_hold(faults, link, index, now));
    if (!is_held) {
        link->traffic->balance.overflow++;
        msim_fault_node_drop(faults, index);
        return true;
    }
    counts->held++;
    counts->held_now++;
    if (extra->shuffle)
        end_if_full(faults, link, now);
    msim_fault_link_wake(faults, link, moment_after(now, max_wait));
    return true;
}

void msim_fault_reorder(struct msim_faults *faults, uint32_t index, msim_time now)
{
    struct node *node = node_at(faults, index);
    struct msim_fault_link *link = link_at(faults, node->link);
    struct kept *kept = &link->traffic->kept;
    uint64_t values[LANE_ACCOUNT + 1] = {0};

    if (node->extra != NOTHING && keep(faults, index, now))
        return;
    if (kept->hold_count > 0)
        for (int by = LANE_LINK; by <= LANE_ACCOUNT; by++)
            values[by] = lane_value(faults, node, (enum lane_by)by);
    msim_fault_emit(faults, index, now);
    if (kept->hold_count > 0)
        count_down(faults, link, values, now);
}

/* ---- all that one strategy holds ---- */

static uint64_t held_number(const struct msim_faults *faults, uint32_t index)
{
    return extra_at(faults, node_at(faults, index)->extra)->held;
}

static uint32_t merge_held(struct msim_faults *faults, uint32_t a, uint32_t b)
{
    uint32_t first = NOTHING;
    uint32_t *place = &first;

    while (a != NOTHING && b != NOTHING) {
        uint32_t *earlier = held_number(faults, a) < held_number(faults, b) ? &a : &b;
        *place = *earlier;
        place = &node_at(faults, *earlier)->next;
        *earlier = *place;
    }
    *place = a != NOTHING ? a : b;
    return first;
}

#define MERGE_BINS 32 /* the last one holds more than there are nodes */

/* Sorts a list by the order in which its messages were held; no memory is needed. */
static uint32_t sort_held(struct msim_faults *faults, uint32_t list)
{
    uint32_t bins[MERGE_BINS];
    uint32_t sorted = NOTHING;

    for (int i = 0; i < MERGE_BINS; i++)
        bins[i] = NOTHING;
    while (list != NOTHING) {
        uint32_t run = list;
        int i = 0;
        list = node_at(faults, run)->next;
        node_at(faults, run)->next = NOTHING;
        for (; bins[i] != NOTHING; i++) {
            run = merge_held(faults, bins[i], run);
            bins[i] = NOTHING;
        }
        bins[i] = run;
    }
    for (int i = 0; i < MERGE_BINS; i++)
        sorted = merge_held(faults, bins[i], sorted);
    return sorted;
}

/* Takes what the slot's strategy holds on the link, as a list in no order. */
static uint32_t take_held(struct msim_faults *faults, struct msim_fault_link *link, uint32_t slot)
{
    struct kept *kept = &link->traffic->kept;
    uint32_t list = NOTHING;
    size_t left = 0;

    for (size_t i = 0; i < kept->hold_count; i++) {
        if (kept->holds[i].slot != slot) {
            kept->holds[left++] = kept->holds[i];
            continue;
        }
        node_at(faults, kept->holds[i].node)->next = list;
        list = kept->holds[i].node;
    }
    kept->hold_count = left;
    for (size_t i = 0; i < kept->shuffle_count;) {
        const struct shuffle shuffle = kept->shuffles[i];
        if (shuffle.slot != slot) {
            i++;
            continue;
        }
        node_at(faults, shuffle.tail)->next = list;
        list = shuffle.head;
        remove_shuffle(link, i);
    }
    return list;
}

void msim_fault_reorder_flush(struct msim_faults *faults, uint32_t slot_index, msim_time now)
{
    struct reorder_counts *counts = &faults->slots[slot_index].kinds->reorder;

    for (size_t s = 0; s < faults->session_capacity; s++) {
        for (size_t d = 0; faults->sessions[s] && d < 2; d++) {
            uint32_t list = take_held(faults, &faults->sessions[s]->links[d], slot_index);
            list = sort_held(faults, list);
            while (list != NOTHING) {
                uint32_t index = list;
                list = node_at(faults, index)->next;
                let_go(faults, index, now);
                counts->held_now--;
                counts->released_by_flush++;
            }
        }
    }
}

void msim_fault_reorder_clear(struct msim_faults *faults, struct msim_fault_link *link,
                              enum leaving leaving)
{
    struct kept *kept = &link->traffic->kept;

    for (size_t i = 0; i < kept->hold_count + kept->shuffle_count; i++) {
        bool hold = i < kept->hold_count;
        const struct shuffle *shuffle = hold ? NULL : &kept->shuffles[i - kept->hold_count];
        struct reorder_counts *counts =
            hold ? counts_of(faults, kept->holds[i].slot, kept->holds[i].generation)
                 : counts_of(faults, shuffle->slot, shuffle->generation);
        uint64_t count = hold ? 1 : shuffle->count;
        if (!counts)
            continue;
        counts->held_now -= count;
        if (leaving == LEAVES_DISCARDED)
            counts->discarded += count;
        else
            counts->released_by_flush += count;
    }
    kept->hold_count = kept->shuffle_count = kept->shuffled = 0;
}

/* ---- deadlines ---- */

static msim_time next_deadline(const struct msim_fault_link *link)
{
    const struct kept *kept = &link->traffic->kept;
    msim_time next =
        link->traffic->concat != NOTHING ? link->traffic->concat_deadline : MSIM_TIME_NEVER;

    for (size_t i = 0; i < kept->hold_count; i++)
        if (kept->holds[i].deadline < next)
            next = kept->holds[i].deadline;
    for (size_t i = 0; i < kept->shuffle_count; i++)
        if (kept->shuffles[i].deadline < next)
            next = kept->shuffles[i].deadline;
    return next;
}

void msim_fault_link_wake(struct msim_faults *faults, struct msim_fault_link *link, msim_time when)
{
    /* A timer that comes too early looks again; only an earlier moment needs a new one. */
    if (when >= link->traffic->wake)
        return;
    link->traffic->wake = when;
    msim_fault_timer(faults, when,
                     &(struct timer_item){.kind = TIMER_LINK,
                                          .index = link->index,
                                          .session_generation = link->session->generation});
}

void msim_fault_link_due(struct msim_faults *faults, const struct timer_item *item, msim_time now)
{
    if (!faults->sessions[item->index / 2])
        return;
    struct msim_fault_link *link = link_at(faults, item->index);
    if (link->session->generation != item->session_generation || link->traffic->wake != now)
        return;

    struct kept *kept = &link->traffic->kept;
    link->traffic->wake = MSIM_TIME_NEVER;
    for (size_t i = 0; i < kept->hold_count;) {
        if (kept->holds[i].deadline <= now)
            release_hold(faults, link, i, true, now);
        else
            i++;
    }
    for (size_t i = 0; i < kept->shuffle_count;) {
        if (kept->shuffles[i].deadline <= now)
            release_shuffle(faults, link, i, SHUFFLE_TIMER, now);
        else
            i++;
    }
    if (link->traffic->concat != NOTHING && link->traffic->concat_deadline <= now) {
        uint32_t alone = link->traffic->concat;
        link->traffic->concat = NOTHING;
        msim_fault_hold_resume(faults, alone, now);
    }
    msim_fault_link_wake(faults, link, next_deadline(link));
}
