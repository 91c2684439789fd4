/*
 * What the layer's files do for each other, in the order of a message's way.
 *
 * Judging (judge.c, activate.c) decides at the tap and draws everything a
 * message will need; holding (hold.c, throttle.c, reorder.c) keeps what is late
 * and asks nobody again; emitting (emit.c) lets it go.  Sessions, reports and
 * statistics stand beside.  What all of them work on is in inside.h.
 */
#ifndef MSIM_FAULTS_STAGES_H
#define MSIM_FAULTS_STAGES_H

#include "faults/inside.h"

/* ---- judge.c ---- */

/* The stage of a network kind, in the order of the wire tap; 8 for others. */
int msim_fault_stage(int kind);

/* ---- activate.c ---- */

struct moment {
    msim_time now;
    uint64_t ordinal;
    uint32_t sub;
    bool foreign; /* injected: never moves state, and keyed by its own name */
    const struct view *view;
};

struct decision {
    bool hit;
    bool counted; /* its state decided: copies share it */
    uint64_t uniform;
    uint64_t key; /* of the stream, and the number in it, for further draws */
    uint64_t n;
};

/* Decides for a message that the selector matched, and moves the state on. */
struct decision msim_fault_decide(const struct msim_faults *faults, struct slot *slot,
                                  struct state *state, const struct moment *moment);

/* The same message's copy: plain `p` is drawn anew, all else is as decided. */
struct decision msim_fault_decide_copy(const struct msim_faults *faults, const struct slot *slot,
                                       const struct decision *original, uint32_t sub);

/* The uniform of a delay: the previous one again where `stick` says so. */
uint64_t msim_fault_delay_uniform(const struct slot *slot, const struct state *state,
                                  const struct decision *decision, uint32_t sub);

uint64_t msim_fault_state_key(const struct msim_faults *faults, const struct strategy *strategy,
                              const struct msim_fault_link *link);
uint64_t msim_fault_by_key(const struct msim_faults *faults, const struct strategy *strategy);

/* The text that `by` names; length 0 where the message has none. */
struct msim_fault_text msim_fault_by_text(enum by by, const struct view *view);

static inline bool msim_fault_has_traffic(const struct msim_fault_link *link)
{
    return link->traffic != &link->faults->no_traffic;
}

/* From now on it has some: MSIM_ERR_NOMEM. */
int msim_fault_begin_traffic(struct msim_fault_link *link);
void msim_fault_traffic_init(struct traffic *none);

/* Which types of message the link has to look at. */
static inline void msim_fault_link_watch(struct msim_fault_link *link)
{
    bool plain = link->traffic->balance.pending == 0 && link->gate == GATE_OPEN &&
                 !link->faults->params.trace_full && !link->faults->scenario;

    link->watch = plain ? link->types : UINT64_MAX;
}

/* ---- node.c ---- */

/* Since when the strategy's window and `at` count. */
static inline msim_time slot_start(const struct msim_faults *faults, const struct slot *slot)
{
    return slot->counts_from_added ? slot->added : faults->start;
}

static inline struct node *node_at(const struct msim_faults *faults, uint32_t index)
{
    return pool_at(&faults->nodes, index);
}

static inline struct extra *extra_at(const struct msim_faults *faults, uint32_t index)
{
    return pool_at(&faults->extras, index);
}

static inline struct lane *lane_at(const struct msim_faults *faults, uint32_t index)
{
    return pool_at(&faults->lanes, index);
}

static inline struct msim_fault_link *link_at(const struct msim_faults *faults, uint32_t index)
{
    return &faults->sessions[index / 2]->links[index % 2];
}

/* Room for `count` more of everything that a message may need: what follows cannot fail. */
int msim_fault_reserve(struct msim_faults *faults, size_t count);

/*
 * A node with a copy of the bytes, counted as pending of the link; NOTHING where there is no
 * memory for the bytes.  Room for the node itself was reserved.
 */
uint32_t msim_fault_node_take(struct msim_faults *faults, struct msim_fault_link *link,
                              const unsigned char *bytes, size_t length);
/* The same in room that was set aside for it: it cannot fail. */
uint32_t msim_fault_node_take_reserved(struct msim_faults *faults, struct msim_fault_link *link,
                                       const unsigned char *bytes);
/* Other bytes for it, taken from the payloads. */
void msim_fault_node_bytes(struct msim_faults *faults, struct node *node, unsigned char *bytes,
                           size_t length, uint8_t class);
struct extra *msim_fault_node_extra(struct msim_faults *faults, struct node *node);
/* It is pending no more: its bytes go. */
void msim_fault_node_settle(struct msim_faults *faults, struct node *node);
/* Frees it, or leaves it dead where a bucket or a lane still names it. */
void msim_fault_node_drop(struct msim_faults *faults, uint32_t index);
void msim_fault_node_free(struct msim_faults *faults, uint32_t index);

/* The strategy in the slot, if it is the one that stood there when the extra was made. */
static inline const struct strategy *strategy_then(const struct msim_faults *faults,
                                                   const struct extra *extra, uint32_t slot)
{
    const struct strategy *strategy = faults->slots[slot].strategy;

    return strategy && strategy->created < extra->born ? strategy : NULL;
}

/* ---- hold.c ---- */

struct passage {
    msim_time delay;
    enum order order;
    uint64_t lane_key;
};

/* A copy that comes to the stages at `when`; its extra says how. */
void msim_fault_hold_later(struct msim_faults *faults, uint32_t index, msim_time when);

/*
 * Stage 4 on: tokens, delay, and its lane.  Returns the moment at which it will leave,
 * MSIM_TIME_NEVER where that is not known yet or it is gone.
 */
msim_time msim_fault_hold_enter(struct msim_faults *faults, uint32_t index,
                                const struct passage *passage, msim_time now);

/* The same with the passage that its extra describes. */
void msim_fault_hold_resume(struct msim_faults *faults, uint32_t index, msim_time now);

/* The tokens are there. */
void msim_fault_hold_granted(struct msim_faults *faults, uint32_t index, msim_time now);

/* The head of its lane is gone or dead: the next one may be due. */
void msim_fault_lane_settle(struct msim_faults *faults, uint32_t lane, msim_time now);

/* Processes what is due before `now`, and timers at it. */
void msim_fault_advance_before(struct msim_faults *faults, msim_time now);
/* Processes one thing that is due at `now`; false where there is none. */
bool msim_fault_advance_one(struct msim_faults *faults, msim_time now);

/* All that has passed the tap. */
static inline uint64_t msim_fault_passed(const struct msim_fault_link *link)
{
    return link->traffic->balance.native + link->traffic->balance.injected + link->plain;
}

/* Nothing is due before `alarm`; there may be nothing at it either. */
static inline void msim_fault_alarm(struct msim_faults *faults, msim_time when)
{
    if (when < faults->alarm)
        faults->alarm = when;
}

/* When pulling messages has something to do; what is said and done elsewhere left aside. */
msim_time msim_fault_next_release(const struct msim_faults *faults);

void msim_fault_return_lent(struct msim_faults *faults);

/* It is now: what is due before it is done, and what was lent comes back. */
static inline void msim_fault_catch_up(struct msim_faults *faults, msim_time now)
{
    if (faults->lent != NOTHING)
        msim_fault_return_lent(faults);
    if (now >= faults->alarm) {
        msim_fault_advance_before(faults, now);
        faults->alarm = msim_fault_next_release(faults);
    }
    faults->now = now;
}

/* Without memory for it the timer is lost and the layer has failed (told by the next pull). */
void msim_fault_timer(struct msim_faults *faults, msim_time when, const struct timer_item *item);

/* ---- heap.c ---- */

#define ENTERING (UINT32_C(1) << 31)
#define FAR_NOWHERE UINT64_MAX /* the base where all stand in the heap */
#define HEAP_MOST 4096         /* beyond it the buckets are worth while */

/* Places that the heap itself may need, whatever happens to the nodes that are no bucket's. */
static inline size_t heap_places(const struct msim_faults *faults)
{
    return faults->nodes.used - faults->far_count;
}

/* Room for so many in the heap itself. */
int msim_fault_heap_reserve(struct msim_faults *faults, size_t count);
/* Where very many wait, all but the earliest go into buckets; without memory they stay. */
void msim_fault_heap_spread(struct msim_faults *faults);
/* The earliest of the buckets go into the heap, which is empty; MSIM_ERR_NOMEM. */
int msim_fault_heap_refill(struct msim_faults *faults);
msim_time msim_fault_far_due(const struct msim_faults *faults);
void msim_fault_heap_push(struct msim_faults *faults, uint32_t index, msim_time when,
                          uint32_t entering);
/* The earliest of the heap itself; there is one. */
struct due_node msim_fault_heap_pop(struct msim_faults *faults);
/* Leaves out the releases of one link, or (NULL) all of them. */
void msim_fault_heap_keep(struct msim_faults *faults, const struct msim_fault_link *gone);

static inline msim_time msim_fault_heap_due(const struct msim_faults *faults)
{
    if (faults->heap_count > 0)
        return faults->heap_dues[0];
    return faults->far_count > 0 ? msim_fault_far_due(faults) : MSIM_TIME_NEVER;
}

void msim_fault_lane_drop(struct msim_faults *faults, uint32_t index);

/* What one turn may take beyond what it gives back. */
#define TURN_NEEDS 64

#define WINDOW_MOST 256

/* What went wrong inside a turn, told once: MSIM_OK or MSIM_ERR_NOMEM. */
static inline int msim_fault_failure(struct msim_faults *faults)
{
    int failure = faults->failure;

    faults->failure = MSIM_OK;
    return failure;
}

/* ---- emit.c ---- */

/* What the last pull gave out is no longer borrowed. */

/* Stage 7: what passed reorder leaves, unless a gate is closed. */
void msim_fault_emit(struct msim_faults *faults, uint32_t index, msim_time now);

/* One more message that a closed gate kept back for good. */
void msim_fault_count_gated(struct msim_faults *faults, struct msim_fault_link *link);

/* Past the gate. */
void msim_fault_put_out(struct msim_faults *faults, uint32_t index, msim_time now);

/* Puts an action into the output; `text` goes with it. */
void msim_fault_emit_action(struct msim_faults *faults, struct msim_fault_link *link,
                            const struct outgoing *outgoing, uint64_t ordinal, const char *text,
                            msim_time now);

/* Releases all that waits, in its first order; of one link where `link` is not NULL. */
int msim_fault_flush(struct msim_faults *faults, struct msim_fault_link *link, msim_time now);

/* Takes away all that waits on a link and counts it as discarded. */
void msim_fault_discard(struct msim_faults *faults, struct msim_fault_link *link);

/* The same and what is in the output: the link is going. */
void msim_fault_forget(struct msim_faults *faults, struct msim_fault_link *link);

/* ---- throttle.c ---- */

enum throttle_result {
    THROTTLE_GRANTED,
    THROTTLE_WAITING,
    THROTTLE_GONE,
};

enum throttle_result msim_fault_throttle(struct msim_faults *faults, uint32_t index, msim_time now);
void msim_fault_bucket_due(struct msim_faults *faults, const struct timer_item *item,
                           msim_time now);
/* Grants all that waits for this strategy. */
void msim_fault_throttle_flush(struct msim_faults *faults, struct slot *slot, msim_time now);
/* Takes the link's messages (NULL: all) out of every bucket's queue. */
void msim_fault_throttle_forget(struct msim_faults *faults, const struct msim_fault_link *link);
void msim_fault_throttle_finish(struct msim_faults *faults, struct slot *slot);
/* Finds or makes the bucket that the link needs. */
int msim_fault_throttle_prepare(struct msim_faults *faults, struct slot *slot,
                                const struct strategy *strategy, const struct msim_fault_link *link,
                                uint32_t *bucket);
/* An update: the levels at the old rate up to now, then the new one's timers. */
void msim_fault_throttle_refill(struct msim_faults *faults, uint32_t slot);
void msim_fault_throttle_rearm(struct msim_faults *faults, uint32_t slot);
/* A link that had this bucket for itself closes. */
void msim_fault_throttle_leave(struct msim_faults *faults, struct slot *slot, uint32_t bucket);

/* ---- reorder.c ---- */

enum leaving {
    LEAVES_FLUSHED,
    LEAVES_DISCARDED,
};

/* Stage 6, and on to the emission. */
void msim_fault_reorder(struct msim_faults *faults, uint32_t index, msim_time now);
/* Releases what it holds, in the order in which it was held. */
void msim_fault_reorder_flush(struct msim_faults *faults, uint32_t slot, msim_time now);
/* Forgets all that the link holds; the nodes are the caller's. */
void msim_fault_reorder_clear(struct msim_faults *faults, struct msim_fault_link *link,
                              enum leaving leaving);
void msim_fault_link_due(struct msim_faults *faults, const struct timer_item *item, msim_time now);
/* One of the link's deadlines is at `when`: a timer looks then. */
void msim_fault_link_wake(struct msim_faults *faults, struct msim_fault_link *link, msim_time when);
/* Emits the next of the messages that were let go; false where there is none. */
bool msim_fault_express(struct msim_faults *faults);
/* Takes the link's messages (NULL: all) out of those. */
void msim_fault_express_forget(struct msim_faults *faults, const struct msim_fault_link *link);

/* ---- session.c ---- */

/*
 * The slot's action; `cause` is the session whose message or clock brought it about, or NULL.
 * False where there was nobody to do it to.
 */
bool msim_fault_session_act(struct msim_faults *faults, uint32_t slot,
                            struct msim_fault_session *cause, msim_time now);
/* Whether a fired one has more to do after its act: a notice comes first, or it flaps. */
bool msim_fault_session_lasts(const struct strategy *strategy);
/* Ends a session for a reason that is no session strategy's: a full queue, a throttle. */
void msim_fault_session_kick(struct msim_faults *faults, struct msim_fault_session *session,
                             int code, const char *reason, const char *strategy, msim_time now);
void msim_fault_session_timer(struct msim_faults *faults, const struct timer_item *item,
                              msim_time now);
/* Sets the timers of one strategy for one session; NULL for what is no session's. */
void msim_fault_session_arm(struct msim_faults *faults, uint32_t slot,
                            struct msim_fault_session *session, msim_time now);
/* Gates 1 to 3 for what time brings; it is decided then, and a hit once it has acted. */
bool msim_fault_time_may_act(struct msim_faults *faults, uint32_t slot, msim_time now);
void msim_fault_time_acted(struct msim_faults *faults, uint32_t slot, bool acted, msim_time now);
/* The moment of its `at`, if that is still to come. */
bool msim_fault_moment_to_come(const struct msim_faults *faults, uint32_t slot, msim_time at,
                               msim_time now, msim_time *out);
void msim_fault_moment_came(struct msim_faults *faults, uint32_t slot, msim_time now);
void msim_fault_session_resume(struct msim_faults *faults, struct msim_fault_session *session,
                               msim_time now);
void msim_fault_barriers_clear(struct msim_faults *faults);

/* ---- report.c, scenario.c ---- */

void msim_fault_report_timer(struct msim_faults *faults, const struct timer_item *item,
                             msim_time now);
/* Whether something said, or a venue's action, waits to be pulled. */
void msim_fault_scenario_timer(struct msim_faults *faults, const struct timer_item *item,
                               msim_time now);
/* A native message at a wire tap, for those who wait for one. */
void msim_fault_scenario_message(struct msim_faults *faults, const struct view *view,
                                 msim_time now);
/* The strategy goes: what it hit still counts for the scenario that runs. */
void msim_fault_scenario_gone(struct msim_faults *faults, uint32_t slot);
/* A ledger may have become true, or not be so any longer. */
void msim_fault_scenario_ledger(struct msim_faults *faults);

/* ---- statistics.c, trace.c ---- */

#define STATISTICS_MOST_BYTES ((size_t)256 << 20)

/* What was written into `bytes` as a terminated text for a caller; frees them. */
int msim_fault_give_text(struct msim_bytes *bytes, int r, char *out, size_t size, size_t *length);

void msim_fault_series_add(struct series *series, int64_t value);
void msim_fault_count_hit(struct msim_fault_counts *counts, uint64_t bytes, msim_time now);

struct trace_words {
    const char *action;
    int64_t detail;
    uint64_t uniform;
};
void msim_fault_trace_hit(struct msim_faults *faults, const struct msim_fault_link *link,
                          const struct strategy *strategy, const struct view *view,
                          uint64_t ordinal, uint32_t sub, msim_time now,
                          const struct trace_words *words);
/* The same for what is said to an account. */
void msim_fault_trace_said(struct msim_faults *faults, struct msim_fault_text account,
                           const struct strategy *strategy, const struct view *view,
                           uint64_t ordinal, msim_time now, const struct trace_words *words);
void msim_fault_trace_delivery(struct msim_faults *faults, const struct msim_fault_link *link,
                               uint64_t ordinal, uint32_t sub, int type, msim_time now);

/* ---- faults.c, sessions.c ---- */

/* Whether a strategy can ever match on the link: what does not change while it is open. */
bool msim_fault_stands_on(const struct strategy *strategy, const struct msim_fault_link *link);
/* Makes the state that a strategy needs on a link where it stands. */
int msim_fault_rules_prepare(struct msim_faults *faults, uint32_t slot,
                             const struct strategy *strategy, struct msim_fault_link *link);
/* The enabled strategies that stand on the link, in the order of their stages. */
void msim_fault_rules_rebuild(struct msim_faults *faults, struct msim_fault_link *link);
void msim_fault_rules_forget(struct msim_faults *faults, uint32_t slot,
                             struct msim_fault_link *link);
void msim_fault_sessions_finish(struct msim_faults *faults);
uint32_t msim_fault_slot_find(const struct msim_faults *faults, const char *id, size_t length);
void msim_fault_slot_clear(struct msim_faults *faults, uint32_t slot);
/* All the strategies of a list, or none. */
int msim_fault_add_list(struct msim_faults *faults, const struct msim_json_document *document,
                        uint32_t list, struct msim_detail *detail);
/* The same of a text; `sent` (may be NULL) is what was merged into each of them. */
int msim_fault_add_text(struct msim_faults *faults, msim_time now, const char *json, size_t length,
                        const struct msim_json_document *sent, struct msim_detail *detail);
int msim_fault_add_node(struct msim_faults *faults, const struct msim_json_document *document,
                        uint32_t at, uint32_t *place, struct msim_detail *detail);
/* What the public functions of these names do, at the layer's own time. */
int msim_fault_do_update(struct msim_faults *faults, const char *id, const char *patch,
                         size_t length, struct msim_detail *detail);
int msim_fault_do_enable(struct msim_faults *faults, const char *id, bool enabled);
int msim_fault_do_remove(struct msim_faults *faults, const char *id);
int msim_fault_do_heal(struct msim_faults *faults);
int msim_fault_do_reset(struct msim_faults *faults);
/* What became of one that is to act on connections at once, or (`later`) on who is yet to come. */
enum fired { FIRED, FIRED_AT_NOBODY, FIRED_AT_BARRIERS, FIRED_OUTSIDE_WINDOW };
int msim_fault_fire_node(struct msim_faults *faults, const struct msim_json_document *document,
                         uint32_t at, bool later, enum fired *fired, struct msim_detail *detail);
enum fired msim_fault_session_fire(struct msim_faults *faults, uint32_t place, bool later);
int msim_fault_refuse_vain(const struct msim_faults *faults,
                           const struct msim_json_document *document, enum fired fired,
                           struct msim_detail *detail);
/* Gone after what it was fired for. */
void msim_fault_one_shot_done(struct msim_faults *faults, uint32_t slot, msim_time now);
/* Those whose message is gone before they could act on it. */
void msim_fault_fired_sweep(struct msim_faults *faults);

static inline void msim_fault_sweep(struct msim_faults *faults)
{
    if (faults->fired_in_vain)
        msim_fault_fired_sweep(faults);
}

/* What is a state or a rate cannot be fired. */
int msim_fault_refuse_fired(const struct msim_json_document *document, uint32_t at, int kind,
                            struct msim_detail *detail);
/* What has passed the taps of a direction since the beginning. */
uint64_t msim_fault_tapped(const struct msim_faults *faults, int direction);

#endif
