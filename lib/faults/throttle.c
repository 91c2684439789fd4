/*
 * Token buckets.
 *
 * A message is held against all the buckets that it needs at once: either every
 * one grants it, now or when its turn in the queue has come, or none loses a
 * token.  Levels are integers of 10^-18 tokens, so that a rate is met exactly over
 * any length of time.
 *
 * A throttle with `within` counts instead: a bucket remembers the moments of its grants,
 * and grants no more than `burst` in any stretch so long.
 */
#include "faults/stages.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "base/random.h"

#define TOKEN ((msim_int128)1000000000 * 1000000000)

static msim_int128 capacity_of(const struct throttle *throttle)
{
    return throttle->burst * TOKEN;
}

static void refill(const struct throttle *throttle, struct bucket *bucket, msim_time now)
{
    msim_int128 full = capacity_of(throttle);
    msim_int128 gained = throttle->rate * ((msim_int128)now - bucket->at);

    bucket->level = gained >= full - bucket->level ? full : bucket->level + gained;
    bucket->at = now;
}

static msim_int128 cost_of(const struct throttle *throttle, const struct node *node)
{
    msim_int128 cost = (msim_int128)throttle->weights[node->type] * PPB;

    return throttle->bytes ? cost * node->length : cost;
}

/* When the bucket will hold `cost`; it is no more than the bucket can hold. */
static msim_time moment_of(const struct throttle *throttle, const struct bucket *bucket,
                           msim_int128 cost)
{
    if (bucket->level >= cost)
        return bucket->at;
    msim_int128 wait = (cost - bucket->level + throttle->rate - 1) / throttle->rate;
    if (wait >= (msim_int128)MSIM_TIME_NEVER - 1 - bucket->at)
        return MSIM_TIME_NEVER - 1;
    return (msim_time)(bucket->at + wait);
}

/* ---- counting within a stretch of time ---- */

static void forget_grants(const struct throttle *throttle, struct grants *grants, msim_time now)
{
    while (grants->count > 0 &&
           time_between(grants->moments[grants->first], now) >= throttle->within) {
        grants->first++;
        grants->count--;
    }
}

/* Room for one more.  Half of it is empty whenever they move, so that moving is rare. */
static int reserve_grant(struct msim_faults *faults, const struct throttle *throttle,
                         struct grants *grants)
{
    if (grants->first + grants->count < grants->capacity)
        return MSIM_OK;
    if (grants->count <= grants->capacity / 2 && grants->capacity > 0) {
        memmove(grants->moments, grants->moments + grants->first,
                grants->count * sizeof *grants->moments);
        grants->first = 0;
        return MSIM_OK;
    }
    void *moments = grants->moments;
    int r = msim_mem_grow(&faults->allocator, &moments, &grants->capacity, sizeof *grants->moments,
                          grants->capacity + 1, 2 * (size_t)throttle->burst);
    if (r == MSIM_OK)
        grants->moments = moments;
    return r;
}

/* Whether the bucket grants it now. */
static bool has_room(const struct throttle *throttle, struct bucket *bucket, msim_int128 cost,
                     msim_time now)
{
    if (throttle->within == 0)
        return bucket->level >= cost;
    forget_grants(throttle, &bucket->grants, now);
    return bucket->grants.count < (size_t)throttle->burst;
}

/* How long a message that got none has to wait; 0 where waiting would not help. */
static msim_time time_to_room(const struct throttle *throttle, const struct bucket *bucket,
                              msim_int128 cost, msim_time now)
{
    const struct grants *grants = &bucket->grants;

    if (throttle->within == 0)
        return cost > capacity_of(throttle) ? 0
                                            : time_between(now, moment_of(throttle, bucket, cost));
    if (grants->count < (size_t)throttle->burst)
        return 0;
    size_t last = grants->first + grants->count - (size_t)throttle->burst;
    return throttle->within - time_between(grants->moments[last], now);
}

/* ---- buckets ---- */

static uint64_t key_for(enum scope scope, const struct msim_fault_link *link)
{
    const char *text = "";

    if (scope == SCOPE_LINK)
        return link->created + 1;
    if (scope == SCOPE_ACCOUNT)
        text = link->session->account ? link->session->account : "";
    else if (scope == SCOPE_CLIENT)
        text = link->session->client;
    return msim_fnv(text, strlen(text));
}

static uint32_t find_bucket(const struct slot *slot, uint64_t key)
{
    for (size_t i = 0; i < slot->bucket_count; i++)
        if (slot->buckets[i].used && slot->buckets[i].key == key)
            return (uint32_t)i;
    return NOTHING;
}

static uint32_t free_bucket(struct slot *slot)
{
    for (size_t i = 0; slot->bucket_unused > 0 && i < slot->bucket_count; i++) {
        if (slot->buckets[i].used)
            continue;
        slot->bucket_unused--;
        return (uint32_t)i;
    }
    return (uint32_t)slot->bucket_count++;
}

int msim_fault_throttle_prepare(struct msim_faults *faults, struct slot *slot,
                                const struct strategy *strategy, const struct msim_fault_link *link,
                                uint32_t *bucket)
{
    const struct throttle *throttle = &strategy->as.throttle;
    uint64_t key = key_for(throttle->scope, link);

    *bucket = throttle->scope == SCOPE_LINK ? NOTHING : find_bucket(slot, key);
    if (*bucket != NOTHING)
        return MSIM_OK;
    void *buckets = slot->buckets;
    int r = msim_mem_grow(&faults->allocator, &buckets, &slot->bucket_capacity,
                          sizeof *slot->buckets, slot->bucket_count + 1, NOTHING - 1);
    if (r < 0)
        return r;
    slot->buckets = buckets;
    *bucket = free_bucket(slot);
    slot->buckets[*bucket] = (struct bucket){
        .used = true,
        .key = key,
        .level = capacity_of(throttle),
        .at = faults->now,
        .grant = MSIM_TIME_NEVER,
    };
    return MSIM_OK;
}

static void bucket_finish(struct msim_faults *faults, struct bucket *bucket)
{
    msim_mem_free(&faults->allocator, bucket->queue, bucket->capacity * sizeof *bucket->queue);
    msim_mem_free(&faults->allocator, bucket->grants.moments,
                  bucket->grants.capacity * sizeof *bucket->grants.moments);
    *bucket = (struct bucket){.grant = MSIM_TIME_NEVER};
}

void msim_fault_throttle_finish(struct msim_faults *faults, struct slot *slot)
{
    for (size_t i = 0; i < slot->bucket_count; i++)
        bucket_finish(faults, &slot->buckets[i]);
    msim_mem_free(&faults->allocator, slot->buckets, slot->bucket_capacity * sizeof *slot->buckets);
    slot->buckets = NULL;
    slot->bucket_count = slot->bucket_capacity = slot->bucket_unused = 0;
}

void msim_fault_throttle_leave(struct msim_faults *faults, struct slot *slot, uint32_t bucket)
{
    if (slot->strategy->as.throttle.scope != SCOPE_LINK || bucket >= slot->bucket_count)
        return;
    bucket_finish(faults, &slot->buckets[bucket]);
    slot->bucket_unused++;
}

/* ---- the queue of a bucket ---- */

static struct waiting *waiting_at(struct bucket *bucket, size_t i)
{
    return &bucket->queue[(bucket->first + i) % bucket->capacity];
}

static int reserve_queue(struct msim_faults *faults, struct bucket *bucket, size_t most)
{
    if (bucket->count < bucket->capacity)
        return MSIM_OK;
    size_t old = bucket->capacity;
    void *queue = bucket->queue;
    int r = msim_mem_grow(&faults->allocator, &queue, &bucket->capacity, sizeof *bucket->queue,
                          old + 1, most);
    if (r < 0)
        return r;
    bucket->queue = queue;
    /* The part that had wrapped around moves behind the rest. */
    for (size_t i = 0; i < bucket->first && old > 0; i++)
        bucket->queue[(old + i) % bucket->capacity] = bucket->queue[i];
    return MSIM_OK;
}

static void arm(struct msim_faults *faults, uint32_t slot_index, uint32_t bucket_index)
{
    struct slot *slot = &faults->slots[slot_index];
    struct bucket *bucket = &slot->buckets[bucket_index];
    msim_time grant = MSIM_TIME_NEVER;

    if (bucket->count > 0)
        grant = moment_of(&slot->strategy->as.throttle, bucket, waiting_at(bucket, 0)->cost);
    if (grant < faults->now)
        grant = faults->now; /* it could have gone already, had it been the head */
    if (grant == bucket->grant)
        return;
    bucket->grant = grant;
    msim_fault_timer(faults, grant,
                     &(struct timer_item){.kind = TIMER_BUCKET,
                                          .slot = slot_index,
                                          .index = bucket_index,
                                          .generation = slot->generation});
}

/* One bucket less names the node: it goes on, or if dead it goes. */
static void leave_bucket(struct msim_faults *faults, uint32_t index, msim_time now)
{
    struct node *node = node_at(faults, index);
    struct extra *extra = extra_at(faults, node->extra);

    extra->buckets--;
    if (node->flags & NODE_DEAD) {
        if (extra->buckets == 0 && node->lane == NOTHING)
            msim_fault_node_free(faults, index);
        return;
    }
    if (--extra->tokens == 0)
        msim_fault_hold_granted(faults, index, now);
}

static void pop_waiting(struct slot *slot, struct bucket *bucket)
{
    bucket->first = (bucket->first + 1) % bucket->capacity;
    bucket->count--;
    slot->kinds->throttle.queue_now--;
}

/* A message that waits for tokens loses its place in the world. */
static void drop_waiting(struct msim_faults *faults, uint32_t index, msim_time now)
{
    struct node *node = node_at(faults, index);
    uint32_t lane = node->lane;

    if (lane != NOTHING)
        lane_at(faults, lane)->waiting--;
    msim_fault_node_drop(faults, index);
    if (lane != NOTHING && lane_at(faults, lane)->head == index)
        msim_fault_lane_settle(faults, lane, now);
}

static void grant_due(struct msim_faults *faults, uint32_t slot_index, uint32_t bucket_index,
                      msim_time now)
{
    struct slot *slot = &faults->slots[slot_index];
    const struct throttle *throttle = &slot->strategy->as.throttle;
    struct bucket *bucket = &slot->buckets[bucket_index];

    refill(throttle, bucket, now);
    while (bucket->count > 0) {
        struct waiting head = *waiting_at(bucket, 0);
        bool dead = node_at(faults, head.node)->flags & NODE_DEAD;
        if (!dead && bucket->level < head.cost)
            break;
        pop_waiting(slot, bucket);
        if (!dead) {
            bucket->level -= head.cost;
            slot->kinds->throttle.granted++;
        }
        leave_bucket(faults, head.node, now);
    }
    arm(faults, slot_index, bucket_index);
}

void msim_fault_bucket_due(struct msim_faults *faults, const struct timer_item *item, msim_time now)
{
    struct slot *slot = &faults->slots[item->slot];

    if (!slot->strategy || slot->generation != item->generation ||
        item->index >= slot->bucket_count || slot->buckets[item->index].grant != now)
        return;
    slot->buckets[item->index].grant = MSIM_TIME_NEVER;
    grant_due(faults, item->slot, item->index, now);
}

void msim_fault_throttle_flush(struct msim_faults *faults, struct slot *slot, msim_time now)
{
    for (size_t i = 0; i < slot->bucket_count; i++) {
        struct bucket *bucket = &slot->buckets[i];
        while (bucket->count > 0) {
            uint32_t node = waiting_at(bucket, 0)->node;
            pop_waiting(slot, bucket);
            leave_bucket(faults, node, now);
        }
        bucket->grant = MSIM_TIME_NEVER;
    }
}

void msim_fault_throttle_forget(struct msim_faults *faults, const struct msim_fault_link *link)
{
    for (size_t s = 0; s < STRATEGIES_MOST; s++) {
        struct slot *slot = &faults->slots[s];
        for (size_t i = 0; slot->strategy && i < slot->bucket_count; i++) {
            struct bucket *bucket = &slot->buckets[i];
            size_t count = bucket->count;
            size_t kept = 0;
            for (size_t k = 0; k < count; k++) {
                struct waiting item = *waiting_at(bucket, k);
                if (link && node_at(faults, item.node)->link != link->index)
                    *waiting_at(bucket, kept++) = item;
            }
            bucket->count = kept;
            slot->kinds->throttle.queue_now -= count - kept;
            if (count != kept)
                arm(faults, (uint32_t)s, (uint32_t)i);
        }
    }
}

/* ---- what happens beyond the rate ---- */

/* The ban that this violation brings, if any. */
static void violate(const struct throttle *throttle, struct bucket *bucket, msim_time now)
{
    if (throttle->ban_count == 0)
        return;

    const struct ban *ban = &throttle->bans[bucket->ban_step];
    if (bucket->ban_step > 0 && ban->within > 0 &&
        time_between(bucket->banned_at, now) > ban->within) {
        bucket->ban_step = 0;
        ban = &throttle->bans[0];
    }
    if (bucket->rejects > 0 && bucket->ban_step == 0 && ban->within > 0 &&
        time_between(bucket->rejects_since, now) > ban->within)
        bucket->rejects = 0;
    if (bucket->rejects++ == 0)
        bucket->rejects_since = now;
    if (bucket->rejects < ban->after)
        return;
    bucket->rejects = 0;
    bucket->banned_at = now;
    if (ban->length == MSIM_TIME_NEVER || !msim_add_check(now, ban->length, &bucket->banned_until))
        bucket->banned_until = MSIM_TIME_NEVER;
    if (bucket->ban_step + 1 < throttle->ban_count)
        bucket->ban_step++;
}

static void reject(struct msim_faults *faults, uint32_t index, struct slot *slot,
                   struct bucket *bucket, msim_int128 cost, msim_time now)
{
    const struct throttle *throttle = &slot->strategy->as.throttle;
    struct throttle_counts *counts = &slot->kinds->throttle;
    struct node *node = node_at(faults, index);
    struct msim_fault_link *link = link_at(faults, node->link);
    struct outgoing outgoing = {.action = MSIM_FAULT_ACTION_REJECT, .code = throttle->code};

    counts->rejected++;
    if (bucket->banned_until > now) {
        counts->banned++;
    } else {
        violate(throttle, bucket, now);
        if (bucket->banned_until == MSIM_TIME_NEVER)
            counts->permanent++;
    }
    if (bucket->banned_until > now) {
        outgoing.code = throttle->ban_code;
        outgoing.duration = bucket->banned_until == MSIM_TIME_NEVER
                                ? MSIM_TIME_NEVER
                                : time_between(now, bucket->banned_until);
    } else {
        outgoing.duration = time_to_room(throttle, bucket, cost, now);
    }
    memcpy(outgoing.strategy, slot->strategy->id, slot->strategy->id_length + 1);
    link->traffic->balance.rejected++;
    msim_fault_emit_action(faults, link, &outgoing, node->ordinal, NULL, now);
    msim_fault_node_drop(faults, index);
}

static void kick(struct msim_faults *faults, uint32_t index, struct slot *slot, const char *reason,
                 msim_time now)
{
    struct node *node = node_at(faults, index);
    struct msim_fault_link *link = link_at(faults, node->link);

    slot->kinds->throttle.kicked++;
    link->traffic->balance.discarded++;
    msim_fault_node_drop(faults, index);
    msim_fault_session_kick(faults, link->session, slot->strategy->as.throttle.code, reason,
                            slot->strategy->id, now);
}

static void lose(struct msim_faults *faults, uint32_t index, struct slot *slot)
{
    slot->kinds->throttle.dropped++;
    link_at(faults, node_at(faults, index)->link)->traffic->balance.dropped++;
    msim_fault_node_drop(faults, index);
}

static uint64_t conflation_key(const struct throttle *throttle, const struct node *node,
                               const struct extra *extra)
{
    uint64_t key = 0;

    if (throttle->on_exceed != EXCEED_CONFLATE)
        return 0;
    if (node->type >= MSIM_FAULT_MD_TRADE && node->type <= MSIM_FAULT_MD_STATUS)
        key = msim_mix64(extra->fields[LANE_SYMBOL] + node->type);
    else if (node->type == MSIM_FAULT_EXEC_PARTIAL)
        key = msim_mix64(extra->fields[LANE_ORDER] + node->type);
    else
        return 0;
    /* The same message on another connection is another message. */
    key = msim_mix64(key ^ node->link);
    return key != 0 ? key : 1;
}

/* The older message of the same key leaves the queue. */
static bool conflate(struct msim_faults *faults, struct slot *slot, struct bucket *bucket,
                     uint64_t key, msim_time now)
{
    for (size_t i = 0; key != 0 && i < bucket->count; i++) {
        struct waiting older = *waiting_at(bucket, i);
        if (older.key != key || node_at(faults, older.node)->flags & NODE_DEAD)
            continue;
        for (size_t k = i + 1; k < bucket->count; k++)
            *waiting_at(bucket, k - 1) = *waiting_at(bucket, k);
        bucket->count--;
        slot->kinds->throttle.queue_now--;
        slot->kinds->throttle.conflated++;
        link_at(faults, node_at(faults, older.node)->link)->traffic->balance.conflated++;
        extra_at(faults, node_at(faults, older.node)->extra)->buckets--;
        drop_waiting(faults, older.node, now);
        return true;
    }
    return false;
}

static void drop_oldest(struct msim_faults *faults, struct slot *slot, struct bucket *bucket,
                        msim_time now)
{
    uint32_t oldest = waiting_at(bucket, 0)->node;
    bool dead = node_at(faults, oldest)->flags & NODE_DEAD;

    pop_waiting(slot, bucket);
    if (dead) {
        leave_bucket(faults, oldest, now);
        return;
    }
    slot->kinds->throttle.dropped++;
    link_at(faults, node_at(faults, oldest)->link)->traffic->balance.dropped++;
    extra_at(faults, node_at(faults, oldest)->extra)->buckets--;
    drop_waiting(faults, oldest, now);
}

/* One bucket's view of the message. */
struct claim {
    uint32_t slot;
    uint32_t bucket;
    msim_int128 cost;
    bool ready;
};

/* A claim that cannot be met now: true where the message is gone. */
static bool refuse(struct msim_faults *faults, uint32_t index, const struct claim *claim,
                   msim_time now)
{
    struct slot *slot = &faults->slots[claim->slot];
    const struct throttle *throttle = &slot->strategy->as.throttle;
    struct bucket *bucket = &slot->buckets[claim->bucket];

    switch (throttle->on_exceed) {
    case EXCEED_DROP:
        lose(faults, index, slot);
        return true;
    case EXCEED_REJECT:
        reject(faults, index, slot, bucket, claim->cost, now);
        return true;
    case EXCEED_DISCONNECT:
        kick(faults, index, slot, "slow consumer", now);
        return true;
    case EXCEED_DELAY:
    case EXCEED_CONFLATE:
        break;
    }
    if (claim->cost > capacity_of(throttle)) {
        lose(faults, index, slot); /* the bucket will never hold so many tokens */
        return true;
    }
    return false;
}

/* A full queue: true where the message is gone. */
static bool overflow(struct msim_faults *faults, uint32_t index, const struct claim *claim,
                     msim_time now)
{
    struct slot *slot = &faults->slots[claim->slot];
    const struct throttle *throttle = &slot->strategy->as.throttle;
    struct bucket *bucket = &slot->buckets[claim->bucket];
    const struct node *node = node_at(faults, index);
    uint64_t key = conflation_key(throttle, node, extra_at(faults, node->extra));

    if (conflate(faults, slot, bucket, key, now) || bucket->count < (size_t)throttle->queue) {
        if (reserve_queue(faults, bucket, (size_t)throttle->queue) == MSIM_OK)
            return false;
        faults->failure = MSIM_ERR_NOMEM;
        lose(faults, index, slot);
        return true;
    }
    if (throttle->overflow == QUEUE_DROP_OLD) {
        drop_oldest(faults, slot, bucket, now);
        return false;
    }
    if (throttle->overflow == QUEUE_DISCONNECT)
        kick(faults, index, slot, "queue full", now);
    else
        lose(faults, index, slot);
    return true;
}

static void commit(struct msim_faults *faults, uint32_t index, const struct claim *claim,
                   msim_time now)
{
    struct slot *slot = &faults->slots[claim->slot];
    const struct throttle *throttle = &slot->strategy->as.throttle;
    struct bucket *bucket = &slot->buckets[claim->bucket];
    struct throttle_counts *counts = &slot->kinds->throttle;
    struct node *node = node_at(faults, index);
    struct extra *extra = extra_at(faults, node->extra);

    if (claim->ready) {
        if (throttle->within == 0)
            bucket->level -= claim->cost;
        else
            bucket->grants.moments[bucket->grants.first + bucket->grants.count++] = now;
        counts->granted++;
        return;
    }
    bucket->count++;
    *waiting_at(bucket, bucket->count - 1) =
        (struct waiting){index, claim->cost, conflation_key(throttle, node, extra)};
    extra->buckets++;
    extra->tokens++;
    counts->delayed++;
    counts->queue_now++;
    if (counts->queue_now > counts->queue_max)
        counts->queue_max = counts->queue_now;
    arm(faults, claim->slot, claim->bucket);
}

/* What is granted now will be remembered: false where there is no memory for it. */
static bool reserve(struct msim_faults *faults, const struct claim *claim)
{
    struct slot *slot = &faults->slots[claim->slot];
    const struct throttle *throttle = &slot->strategy->as.throttle;

    if (!claim->ready || throttle->within == 0)
        return true;
    return reserve_grant(faults, throttle, &slot->buckets[claim->bucket].grants) == MSIM_OK;
}

static size_t gather(struct msim_faults *faults, uint32_t index, struct claim *claims,
                     msim_time now)
{
    const struct node *node = node_at(faults, index);
    const struct msim_fault_link *link = link_at(faults, node->link);
    const struct extra *extra = extra_at(faults, node->extra);
    size_t count = 0;

    for (size_t word = 0; word < SLOT_WORDS; word++) {
        for (uint64_t bits = extra->throttles[word]; bits; bits &= bits - 1) {
            uint32_t s = (uint32_t)(word * 64) + (uint32_t)__builtin_ctzll(bits);
            struct slot *slot = &faults->slots[s];
            const struct state *state = s < link->state_capacity ? link->states[s] : NULL;
            if (!strategy_then(faults, extra, s) || !state)
                continue; /* removed while a copy was on its way */
            struct bucket *bucket = &slot->buckets[state->bucket];
            refill(&slot->strategy->as.throttle, bucket, now);
            struct claim claim = {s, state->bucket, cost_of(&slot->strategy->as.throttle, node),
                                  false};
            claim.ready = bucket->count == 0 && bucket->banned_until <= now &&
                          has_room(&slot->strategy->as.throttle, bucket, claim.cost, now);
            claims[count++] = claim;
        }
    }
    return count;
}

enum throttle_result msim_fault_throttle(struct msim_faults *faults, uint32_t index, msim_time now)
{
    struct claim claims[STRATEGIES_MOST];
    size_t count = gather(faults, index, claims, now);

    for (size_t i = 0; i < count; i++)
        if (!claims[i].ready && refuse(faults, index, &claims[i], now))
            return THROTTLE_GONE;
    for (size_t i = 0; i < count; i++)
        if (!claims[i].ready && overflow(faults, index, &claims[i], now))
            return THROTTLE_GONE;
    for (size_t i = 0; i < count; i++) {
        if (reserve(faults, &claims[i]))
            continue;
        faults->failure = MSIM_ERR_NOMEM;
        lose(faults, index, &faults->slots[claims[i].slot]);
        return THROTTLE_GONE;
    }
    for (size_t i = 0; i < count; i++)
        commit(faults, index, &claims[i], now);
    if (count == 0)
        return THROTTLE_GRANTED;
    return extra_at(faults, node_at(faults, index)->extra)->tokens > 0 ? THROTTLE_WAITING
                                                                       : THROTTLE_GRANTED;
}

void msim_fault_throttle_refill(struct msim_faults *faults, uint32_t slot_index)
{
    struct slot *slot = &faults->slots[slot_index];

    for (size_t i = 0; i < slot->bucket_count; i++)
        if (slot->buckets[i].used)
            refill(&slot->strategy->as.throttle, &slot->buckets[i], faults->now);
}

void msim_fault_throttle_rearm(struct msim_faults *faults, uint32_t slot_index)
{
    struct slot *slot = &faults->slots[slot_index];
    msim_int128 full = capacity_of(&slot->strategy->as.throttle);

    for (size_t i = 0; i < slot->bucket_count; i++) {
        struct bucket *bucket = &slot->buckets[i];
        if (!bucket->used)
            continue;
        if (bucket->level > full)
            bucket->level = full;
        /* What waits already is not lost where the bucket will not hold so many tokens again. */
        for (size_t k = 0; k < bucket->count; k++)
            if (waiting_at(bucket, k)->cost > full)
                waiting_at(bucket, k)->cost = full;
        bucket->grant = MSIM_TIME_NEVER;
        grant_due(faults, slot_index, (uint32_t)i, faults->now);
    }
}
