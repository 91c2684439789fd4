/*
 * What is late waits here.
 *
 * Messages that keep the order of their link (or lane) stand in a queue, and only
 * its head in the heap of releases: the head leaves when its own moment has come
 * and its predecessor is gone, so nothing overtakes and nothing is computed twice.
 * Messages without an order stand in the heap themselves.
 */
#include "faults/stages.h"

#include <assert.h>

#include "base/mem.h"
#include "faults/report.h"

/* ---- lanes ---- */

static uint32_t find_lane(const struct msim_faults *faults, const struct msim_fault_link *link,
                          uint64_t key)
{
    uint32_t at = faults->lane_index[key & (faults->lane_index_size - 1)];

    while (at != NOTHING) {
        const struct lane *lane = lane_at(faults, at);
        if (lane->key == key && lane->link == link->index)
            break;
        at = lane->chain;
    }
    return at;
}

static uint32_t keyed_lane(struct msim_faults *faults, const struct msim_fault_link *link,
                           uint64_t key)
{
    uint32_t at = find_lane(faults, link, key);
    if (at != NOTHING)
        return at;

    at = msim_fault_pool_take(&faults->lanes);
    struct lane *lane = lane_at(faults, at);
    uint32_t *place = &faults->lane_index[key & (faults->lane_index_size - 1)];
    *lane = (struct lane){
        .key = key, .head = NOTHING, .tail = NOTHING, .link = link->index, .chain = *place};
    *place = at;
    faults->lane_index_count++;
    return at;
}

/* An empty keyed lane has nothing left to say. */
void msim_fault_lane_drop(struct msim_faults *faults, uint32_t index)
{
    struct lane *lane = lane_at(faults, index);
    uint32_t *place = &faults->lane_index[lane->key & (faults->lane_index_size - 1)];

    while (*place != index)
        place = &lane_at(faults, *place)->chain;
    *place = lane->chain;
    faults->lane_index_count--;
    msim_fault_pool_give(&faults->lanes, index);
}

static void join(struct msim_faults *faults, uint32_t index, uint32_t lane_index)
{
    struct lane *lane = lane_at(faults, lane_index);
    struct node *node = node_at(faults, index);

    node->lane = lane_index;
    node->next = NOTHING;
    if (lane->tail == NOTHING)
        lane->head = index;
    else
        node_at(faults, lane->tail)->next = index;
    lane->tail = index;
}

void msim_fault_lane_settle(struct msim_faults *faults, uint32_t lane_index, msim_time now)
{
    struct lane *lane = lane_at(faults, lane_index);

    while (lane->head != NOTHING && node_at(faults, lane->head)->flags & NODE_DEAD) {
        uint32_t dead = lane->head;
        struct node *node = node_at(faults, dead);
        lane->head = node->next;
        node->lane = NOTHING;
        if (extra_at(faults, node->extra)->buckets == 0)
            msim_fault_node_free(faults, dead);
    }
    if (lane->head == NOTHING) {
        lane->tail = NOTHING;
        if (lane_index != link_at(faults, lane->link)->traffic->lane)
            msim_fault_lane_drop(faults, lane_index);
        return;
    }
    struct node *head = node_at(faults, lane->head);
    if (!(head->flags & NODE_WAITING))
        msim_fault_heap_push(faults, lane->head, head->ready > now ? head->ready : now, 0);
}

/* The node's own moment is known; returns when it will leave, if its lane can tell. */
static msim_time place(struct msim_faults *faults, uint32_t index, msim_time ready)
{
    struct node *node = node_at(faults, index);

    node->ready = ready;
    if (node->lane == NOTHING) {
        msim_fault_heap_push(faults, index, ready, 0);
        return ready;
    }
    struct lane *lane = lane_at(faults, node->lane);
    if (lane->head == index) {
        msim_fault_heap_push(faults, index, ready, 0);
        lane->tail_release = ready;
        return ready;
    }
    if (ready > lane->tail_release)
        lane->tail_release = ready;
    return lane->waiting > 0 ? MSIM_TIME_NEVER : lane->tail_release;
}

/* ---- entering and leaving ---- */

void msim_fault_hold_later(struct msim_faults *faults, uint32_t index, msim_time when)
{
    msim_fault_heap_push(faults, index, when, 1);
}

static msim_time planted_release(struct msim_faults *faults, const struct node *node, msim_time now,
                                 msim_time delay)
{
    if (node->lane == NOTHING || lane_at(faults, node->lane)->head == NOTHING)
        return moment_after(now, delay);
    msim_time last = lane_at(faults, node->lane)->tail_release;
    return moment_after(last > now ? last : now, delay);
}

msim_time msim_fault_hold_enter(struct msim_faults *faults, uint32_t index,
                                const struct passage *passage, msim_time now)
{
    struct node *node = node_at(faults, index);
    struct extra *extra = node->extra == NOTHING ? NULL : extra_at(faults, node->extra);
    enum throttle_result result = THROTTLE_GRANTED;

    if (extra)
        result = msim_fault_throttle(faults, index, now);
    if (result == THROTTLE_GONE)
        return MSIM_TIME_NEVER;

    struct msim_fault_link *link = link_at(faults, node->link);
    if (passage->order == ORDER_LINK)
        join(faults, index, link->traffic->lane);
    else if (passage->order == ORDER_LANE)
        join(faults, index, keyed_lane(faults, link, passage->lane_key));
    if (result == THROTTLE_GRANTED) {
        if (extra)
            extra->entered = now;
        msim_time ready = PLANTED(DELAY_FROM_RELEASE)
                              ? planted_release(faults, node, now, passage->delay)
                              : moment_after(now, passage->delay);
        return place(faults, index, ready);
    }
    node->flags |= NODE_WAITING;
    extra->delay = passage->delay;
    if (node->lane != NOTHING)
        lane_at(faults, node->lane)->waiting++;
    return MSIM_TIME_NEVER;
}

void msim_fault_hold_granted(struct msim_faults *faults, uint32_t index, msim_time now)
{
    struct node *node = node_at(faults, index);
    struct extra *extra = extra_at(faults, node->extra);

    node->flags &= (uint8_t)~NODE_WAITING;
    if (node->lane != NOTHING)
        lane_at(faults, node->lane)->waiting--;
    extra->entered = now;
    msim_time ready = moment_after(now, extra->delay);
    /* Its lane may hold later messages already: when they leave is told as they leave. */
    node->ready = ready;
    if (node->lane == NOTHING || lane_at(faults, node->lane)->head == index)
        msim_fault_heap_push(faults, index, ready, 0);
    if (node->lane != NOTHING) {
        struct lane *lane = lane_at(faults, node->lane);
        if (ready > lane->tail_release)
            lane->tail_release = ready;
    }
}

/* Effective delays of a message that waited longer than could be foreseen. */
static void tell_effective(struct msim_faults *faults, const struct extra *extra, msim_time now)
{
    for (size_t word = 0; word < SLOT_WORDS; word++) {
        for (uint64_t bits = extra->delays[word]; bits; bits &= bits - 1) {
            uint32_t slot = (uint32_t)(word * 64) + (uint32_t)__builtin_ctzll(bits);
            if (strategy_then(faults, extra, slot))
                msim_fault_series_add(&faults->slots[slot].kinds->effective,
                                      time_between(extra->entered, now));
        }
    }
}

static void release(struct msim_faults *faults, uint32_t index, msim_time now)
{
    struct node *node = node_at(faults, index);
    uint32_t lane_index = node->lane;

    node->lane = NOTHING;
    if (node->extra != NOTHING)
        tell_effective(faults, extra_at(faults, node->extra), now);
    if (lane_index != NOTHING) {
        struct lane *lane = lane_at(faults, lane_index);
        lane->head = node->next;
        if (lane->head == NOTHING)
            lane->tail = NOTHING;
        msim_fault_lane_settle(faults, lane_index, now);
    }
    node->next = NOTHING;
    msim_fault_reorder(faults, index, now);
}

void msim_fault_hold_resume(struct msim_faults *faults, uint32_t index, msim_time now)
{
    const struct extra *extra = extra_at(faults, node_at(faults, index)->extra);
    struct passage passage = {extra->delay, extra->order, extra->lane_key};

    msim_fault_hold_enter(faults, index, &passage, now);
}

/* ---- time ---- */

void msim_fault_timer(struct msim_faults *faults, msim_time when, const struct timer_item *item)
{
    if (when == MSIM_TIME_NEVER)
        return;
    if (msim_fault_pool_reserve(&faults->timer_items, 1) < 0) {
        faults->failure = MSIM_ERR_NOMEM;
        return;
    }
    msim_fault_alarm(faults, when);
    uint32_t index = msim_fault_pool_take(&faults->timer_items);
    *(struct timer_item *)pool_at(&faults->timer_items, index) = *item;
    if (msim_due_push(&faults->timers, when, index) < 0) {
        msim_fault_pool_give(&faults->timer_items, index);
        faults->failure = MSIM_ERR_NOMEM;
    }
}

static void fire(struct msim_faults *faults)
{
    struct msim_due_item due = msim_due_pop(&faults->timers);
    uint32_t index = (uint32_t)due.value;
    struct timer_item item = *(struct timer_item *)pool_at(&faults->timer_items, index);

    msim_fault_pool_give(&faults->timer_items, index);
    switch (item.kind) {
    case TIMER_NOTHING:
        break;
    case TIMER_LINK:
        msim_fault_link_due(faults, &item, due.due);
        break;
    case TIMER_BUCKET:
        msim_fault_bucket_due(faults, &item, due.due);
        break;
    case TIMER_CAUSE:
    case TIMER_SAY:
        msim_fault_report_timer(faults, &item, due.due);
        break;
    case TIMER_STEP:
        msim_fault_scenario_timer(faults, &item, due.due);
        break;
    default:
        msim_fault_session_timer(faults, &item, due.due);
        break;
    }
}

/* One thing that is due at or before these moments; nothing ever is at MSIM_TIME_NEVER. */
static bool step(struct msim_faults *faults, msim_time releases, msim_time timers)
{
    msim_fault_sweep(faults);
    if (timers == MSIM_TIME_NEVER)
        timers--;
    if (releases == MSIM_TIME_NEVER)
        releases--;
    if (msim_fault_express(faults))
        return true;

    msim_time timer = msim_due_next(&faults->timers);
    msim_time due = msim_fault_heap_due(faults);
    if (timer > timers && due > releases)
        return false;
    /* A turn may need a few more nodes, lanes and timers than it frees. */
    if (msim_fault_reserve(faults, TURN_NEEDS) < 0) {
        faults->failure = MSIM_ERR_NOMEM;
        return false;
    }
    bool timer_first = timer <= timers && timer <= due;
    if (!timer_first && due > releases)
        return false;
    msim_time at = timer_first ? timer : due;
    if (at > faults->now)
        faults->now = at;
    if (timer_first) {
        fire(faults);
        return true;
    }
    while (faults->heap_count == 0) {
        if (msim_fault_heap_refill(faults) < 0) {
            faults->failure = MSIM_ERR_NOMEM;
            return false;
        }
    }
    struct due_node item = msim_fault_heap_pop(faults);
    if (item.entering)
        msim_fault_hold_resume(faults, item.node, item.due);
    else
        release(faults, item.node, item.due);
    return true;
}

void msim_fault_advance_before(struct msim_faults *faults, msim_time now)
{
    while (step(faults, now > INT64_MIN ? now - 1 : now, now))
        ;
}

bool msim_fault_advance_one(struct msim_faults *faults, msim_time now)
{
    return step(faults, now, now);
}

msim_time msim_fault_next_release(const struct msim_faults *faults)
{
    if (faults->out_head != NOTHING)
        return node_at(faults, faults->out_head)->ready;
    if (faults->express_head != NOTHING)
        return node_at(faults, faults->express_head)->ready;
    if (PLANTED(DUE_WAITS))
        return MSIM_TIME_NEVER;

    msim_time timer = msim_due_next(&faults->timers);
    msim_time due = msim_fault_heap_due(faults);
    return timer < due ? timer : due;
}

msim_time msim_faults_next_due(const struct msim_faults *faults)
{
    if (!faults)
        return MSIM_TIME_NEVER;
    const struct report *report = faults->report;
    if (report->head != NOTHING || report->venue_head != NOTHING || faults->failure < 0)
        return faults->now;
    return msim_fault_next_release(faults);
}
