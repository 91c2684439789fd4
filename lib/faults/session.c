/*
 * What happens to connections: the layer says it, the transport does it.
 *
 * A state that goes on (freeze, zombie, ...) closes gates on the session's links:
 * one that holds keeps messages for a flush, one that discards counts them as
 * gated.  What triggers an action is decided elsewhere; what it does is here.
 */
#include "faults/stages.h"

#include <string.h>

#include "base/detail.h"
#include "base/mem.h"
#include "base/random.h"
#include "faults/plan.h"
#include "faults/report.h"

static const char *const action_names[] = {
    [MSIM_FAULT_ACTION_CLOSE] = "close",
    [MSIM_FAULT_ACTION_FIN] = "fin",
    [MSIM_FAULT_ACTION_RST] = "rst",
    [MSIM_FAULT_ACTION_FREEZE] = "freeze",
    [MSIM_FAULT_ACTION_FREEZE_OUT] = "freeze_out",
    [MSIM_FAULT_ACTION_FREEZE_IN] = "freeze_in",
    [MSIM_FAULT_ACTION_ZOMBIE] = "zombie",
    [MSIM_FAULT_ACTION_HALF_OPEN] = "half_open",
    [MSIM_FAULT_ACTION_REFUSE] = "refuse",
    [MSIM_FAULT_ACTION_STALL] = "stall",
    [MSIM_FAULT_ACTION_HTTP_ERROR] = "http_error",
    [MSIM_FAULT_ACTION_RESUME] = "resume",
    [MSIM_FAULT_ACTION_NOTICE] = "notice",
    [MSIM_FAULT_ACTION_REJECT] = "reject",
    [MSIM_FAULT_ACTION_HTTP_HANG] = "http_hang",
    [MSIM_FAULT_ACTION_HTTP_CLOSE] = "http_close",
    [MSIM_FAULT_ACTION_HTTP_STATUS] = "http_status",
};

const char *msim_fault_action_name(int action)
{
    if (action < MSIM_FAULT_ACTION_CLOSE || action > MSIM_FAULT_ACTION_HTTP_STATUS)
        return "unknown";
    return action_names[action];
}

struct msim_fault_effect msim_fault_action_effect(int action)
{
    switch (action) {
    case MSIM_FAULT_ACTION_CLOSE:
    case MSIM_FAULT_ACTION_FIN:
    case MSIM_FAULT_ACTION_RST:
        return (struct msim_fault_effect){0};
    case MSIM_FAULT_ACTION_FREEZE:
        return (struct msim_fault_effect){.alive_in_venue = true};
    case MSIM_FAULT_ACTION_FREEZE_OUT:
        return (struct msim_fault_effect){.reads = true, .processes = true, .alive_in_venue = true};
    case MSIM_FAULT_ACTION_FREEZE_IN:
        return (struct msim_fault_effect){
            .reads = true, .writes = true, .answers_pings = true, .alive_in_venue = true};
    case MSIM_FAULT_ACTION_ZOMBIE:
        return (struct msim_fault_effect){
            .reads = true, .processes = true, .answers_pings = true, .alive_in_venue = true};
    case MSIM_FAULT_ACTION_HALF_OPEN:
        return (struct msim_fault_effect){.reads = true};
    default:
        return (struct msim_fault_effect){true, true, true, true, true};
    }
}

static bool ends(int action)
{
    return action == MSIM_FAULT_ACTION_CLOSE || action == MSIM_FAULT_ACTION_FIN ||
           action == MSIM_FAULT_ACTION_RST;
}

static bool bars(int action)
{
    return action == MSIM_FAULT_ACTION_REFUSE || action == MSIM_FAULT_ACTION_STALL ||
           action == MSIM_FAULT_ACTION_HTTP_ERROR;
}

/* ---- states of a session ---- */

static void set_gates(struct msim_fault_session *session, int action, bool flush, uint32_t slot)
{
    struct msim_fault_effect effect = msim_fault_action_effect(action);
    struct msim_fault_link *in = &session->links[0];
    struct msim_fault_link *out = &session->links[1];

    in->gate = effect.processes               ? GATE_OPEN
               : effect.reads || ends(action) ? GATE_DISCARD
                                              : GATE_HOLD;
    if (effect.writes)
        out->gate = GATE_OPEN;
    else
        out->gate = !effect.alive_in_venue || !flush ? GATE_DISCARD : GATE_HOLD;
    in->gate_passes_sys = false;
    out->gate_passes_sys = effect.answers_pings;
    in->gate_slot = out->gate_slot = slot;
    msim_fault_link_watch(in);
    msim_fault_link_watch(out);
}

static void empty_gate(struct msim_faults *faults, struct msim_fault_link *link, bool flush,
                       msim_time now)
{
    uint32_t index = link->traffic->gate_head;

    if (index != NOTHING)
        link->traffic->gate_head = link->traffic->gate_tail = NOTHING;
    link->gate = GATE_OPEN;
    msim_fault_link_watch(link);
    while (index != NOTHING) {
        uint32_t next = node_at(faults, index)->next;
        if (flush) {
            msim_fault_put_out(faults, index, now);
        } else {
            msim_fault_count_gated(faults, link);
            msim_fault_node_drop(faults, index);
        }
        index = next;
    }
}

void msim_fault_session_resume(struct msim_faults *faults, struct msim_fault_session *session,
                               msim_time now)
{
    struct outgoing outgoing = {.action = MSIM_FAULT_ACTION_RESUME};

    if (session->state == 0 || session->ended)
        return;
    session->state = 0;
    session->state_number = ++faults->state_numbers; /* its timers are stale */
    msim_fault_emit_action(faults, &session->links[1], &outgoing, 0, NULL, now);
    empty_gate(faults, &session->links[0], session->flush_on_resume, now);
    empty_gate(faults, &session->links[1], session->flush_on_resume, now);
}

static void end_session(struct msim_faults *faults, struct msim_fault_session *session,
                        const struct outgoing *outgoing, const char *reason, msim_time now)
{
    if (outgoing->flush) {
        if (msim_fault_flush(faults, &session->links[1], now) < 0)
            faults->failure = MSIM_ERR_NOMEM;
    }
    msim_fault_discard(faults, &session->links[0]);
    msim_fault_discard(faults, &session->links[1]);
    /* A REST session is many connections: only the one at hand ends. */
    if (session->channel != MSIM_FAULT_REST) {
        session->ended = true;
        session->state = (uint8_t)outgoing->action;
        set_gates(session, outgoing->action, false, NOTHING);
    }
    msim_fault_emit_action(faults, &session->links[1], outgoing, 0, reason, now);
}

void msim_fault_session_kick(struct msim_faults *faults, struct msim_fault_session *session,
                             int code, const char *reason, const char *strategy, msim_time now)
{
    struct outgoing outgoing = {.action = MSIM_FAULT_ACTION_CLOSE, .code = code};

    if (session->ended)
        return;
    memcpy(outgoing.strategy, strategy, strlen(strategy) + 1);
    end_session(faults, session, &outgoing, reason, now);
}

/* ---- an action on one session ---- */

static void trace_action(struct msim_faults *faults, const struct strategy *strategy,
                         struct msim_fault_session *session, int action, msim_time now)
{
    struct msim_fault_message message = {.type = MSIM_FAULT_OTHER};
    struct view view = {.message = &message};
    struct trace_words words = {.action = msim_fault_action_name(action)};

    msim_fault_trace_hit(faults, &session->links[1], strategy, &view,
                         msim_fault_passed(&session->links[1]), 0, now, &words);
}

static bool act_on(struct msim_faults *faults, uint32_t slot_index,
                   struct msim_fault_session *session, msim_time now)
{
    struct slot *slot = &faults->slots[slot_index];
    const struct strategy *strategy = slot->strategy;
    const struct session_fault *fault = &strategy->as.session;
    struct outgoing outgoing = {
        .action = fault->action,
        .code = fault->code,
        .duration = fault->duration,
        .flush = fault->flush_at_close,
    };

    if (session->ended)
        return false;
    slot->kinds->actions[fault->action]++;
    trace_action(faults, strategy, session, fault->action, now);
    memcpy(outgoing.strategy, strategy->id, strategy->id_length + 1);
    if (ends(fault->action)) {
        end_session(faults, session, &outgoing, fault->reason, now);
        return true;
    }
    session->state = (uint8_t)fault->action;
    session->state_number = ++faults->state_numbers;
    session->flush_on_resume = fault->flush_on_resume;
    set_gates(session, fault->action, fault->flush_on_resume, slot_index);
    msim_fault_emit_action(faults, &session->links[1], &outgoing, 0, fault->reason, now);

    struct timer_item item = {.kind = TIMER_RESUME,
                              .slot = slot_index,
                              .index = session->index,
                              .session_generation = session->generation,
                              .number = session->state_number};
    if (fault->duration > 0)
        msim_fault_timer(faults, moment_after(now, fault->duration), &item);
    item.kind = TIMER_RST;
    if (fault->action == MSIM_FAULT_ACTION_HALF_OPEN && fault->rst_after > 0)
        msim_fault_timer(faults, moment_after(now, fault->rst_after), &item);
    return true;
}

/* ---- new connections ---- */

static void barrier_drop(struct msim_faults *faults, size_t i)
{
    struct barrier *barrier = &faults->barriers[i];

    if (barrier->who)
        msim_mem_free(&faults->allocator, barrier->who, strlen(barrier->who) + 1);
    faults->barriers[i] = faults->barriers[--faults->barrier_count];
}

void msim_fault_barriers_clear(struct msim_faults *faults)
{
    while (faults->barrier_count > 0)
        barrier_drop(faults, faults->barrier_count - 1);
}

static void barrier_set(struct barrier *barrier, msim_time from)
{
    barrier->from = from;
    barrier->until =
        barrier->duration > 0 ? moment_after(from, barrier->duration) : MSIM_TIME_NEVER;
}

/* Whether it stands at `now`; `*over` where it never will again. */
static bool stands_at(struct barrier *barrier, msim_time now, bool *over)
{
    while (barrier->until <= now && barrier->flaps > 0) {
        barrier->flaps--;
        barrier_set(barrier, moment_after(barrier->from, barrier->gap));
    }
    *over = barrier->until <= now;
    return !*over && barrier->from <= now;
}

static void drop_those_that_are_over(struct msim_faults *faults)
{
    bool over;

    for (size_t i = faults->barrier_count; i-- > 0;) {
        stands_at(&faults->barriers[i], faults->now, &over);
        if (over)
            barrier_drop(faults, i);
    }
}

/* It stands from `from` on, and comes again as often as it flaps: no timer is needed. */
static bool raise_barrier(struct msim_faults *faults, uint32_t slot_index, const char *who,
                          msim_time from)
{
    struct slot *slot = &faults->slots[slot_index];
    const struct session_fault *fault = &slot->strategy->as.session;
    void *barriers = faults->barriers;

    if (faults->barrier_count == BARRIERS_MOST)
        drop_those_that_are_over(faults);
    if (faults->barrier_count == BARRIERS_MOST)
        return false;
    slot->kinds->actions[fault->action]++;
    if (msim_mem_grow(&faults->allocator, &barriers, &faults->barrier_capacity,
                      sizeof *faults->barriers, faults->barrier_count + 1, BARRIERS_MOST) < 0) {
        faults->failure = MSIM_ERR_NOMEM;
        return false;
    }
    faults->barriers = barriers;
    struct barrier barrier = {
        .action = fault->action,
        .status = fault->status,
        .scope = fault->scope,
        .flaps = fault->flap_times,
        .gap = fault->flap_gap,
        .duration = fault->duration,
    };
    barrier_set(&barrier, from);
    if (who) {
        barrier.who = msim_mem_text(&faults->allocator, who, strlen(who));
        if (!barrier.who) {
            faults->failure = MSIM_ERR_NOMEM;
            return false;
        }
    }
    faults->barriers[faults->barrier_count++] = barrier;
    return true;
}

struct msim_fault_admission msim_faults_admit(struct msim_faults *faults, msim_time now,
                                              const struct msim_fault_session_params *who)
{
    struct msim_fault_admission welcome = {.until = MSIM_TIME_NEVER};

    if (!faults || !who)
        return welcome;
    msim_fault_return_lent(faults);
    if (now > faults->now) {
        msim_fault_advance_before(faults, now);
        faults->now = now;
    }
    const char *client = who->client ? who->client : who->account;
    for (size_t i = 0; i < faults->barrier_count;) {
        struct barrier *barrier = &faults->barriers[i];
        bool over = false;
        bool stands = stands_at(barrier, now, &over);
        if (over) {
            barrier_drop(faults, i);
            continue;
        }
        const char *name = barrier->scope == SCOPE_ACCOUNT ? who->account : client;
        if (stands && (!barrier->who || (name && strcmp(barrier->who, name) == 0)))
            return (struct msim_fault_admission){barrier->action, barrier->status, barrier->until};
        i++;
    }
    return welcome;
}

/* ---- whom it befalls ---- */

static bool same(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

static bool befalls(const struct msim_faults *faults, uint32_t slot_index,
                    const struct msim_fault_session *session,
                    const struct msim_fault_session *cause)
{
    const struct session_fault *fault = &faults->slots[slot_index].strategy->as.session;
    const char *account = fault->account ? fault->account : cause ? cause->account : NULL;
    const char *client = fault->client ? fault->client : cause ? cause->client : NULL;

    switch (fault->scope) {
    case SCOPE_LINK:
        if (cause)
            return session == cause;
        if (fault->account && !same(session->account, fault->account))
            return false;
        if (fault->client && !same(session->client, fault->client))
            return false;
        return msim_fault_stands_on(faults->slots[slot_index].strategy, &session->links[0]) ||
               msim_fault_stands_on(faults->slots[slot_index].strategy, &session->links[1]);
    case SCOPE_ACCOUNT:
        return same(session->account, account);
    case SCOPE_CLIENT:
        return same(session->client, client);
    case SCOPE_ALL:
        return true;
    }
    return false;
}

/*
 * A REST session stands between its calls: it is met where one of them is under way, or where the
 * fault speaks of REST alone and may wait for the next one.
 */
static bool is_met(const struct strategy *strategy, const struct msim_fault_session *session)
{
    return session->channel != MSIM_FAULT_REST ||
           strategy->select.channels == 1U << MSIM_FAULT_REST ||
           session->links[0].traffic->balance.pending > 0 ||
           session->links[1].traffic->balance.pending > 0;
}

static bool meets_anybody(const struct msim_faults *faults, uint32_t slot_index)
{
    const struct strategy *strategy = faults->slots[slot_index].strategy;

    for (size_t i = 0; i < faults->session_capacity; i++) {
        const struct msim_fault_session *session = faults->sessions[i];
        if (session && befalls(faults, slot_index, session, NULL) && is_met(strategy, session))
            return true;
    }
    return false;
}

/* Of the open connections. */
static void find_nearest(const struct msim_faults *faults, bool of_accounts,
                         struct nearest *nearest)
{
    for (size_t i = 0; i < faults->session_capacity; i++) {
        const struct msim_fault_session *session = faults->sessions[i];
        const char *name = !session || session->channel == MSIM_FAULT_REST ? NULL
                           : of_accounts                                   ? session->account
                                                                           : session->client;
        if (name)
            msim_fault_nearer(nearest, name);
    }
}

/* Of those who are not connected: REST sessions, and the accounts that the host knows. */
static void find_absent(const struct msim_faults *faults, bool of_accounts, struct nearest *nearest)
{
    const struct msim_fault_names *names = &faults->report->names;
    const char *name;

    for (size_t i = 0; i < faults->session_capacity; i++) {
        const struct msim_fault_session *session = faults->sessions[i];
        if (session && (name = of_accounts ? session->account : session->client))
            msim_fault_nearer(nearest, name);
    }
    for (uint32_t i = 0; of_accounts && names->account && i < ACCOUNTS_COMPARED; i++) {
        if (!(name = names->account(names->context, i)))
            break;
        msim_fault_nearer(nearest, name);
    }
}

static int refuse_nobody(const struct msim_faults *faults,
                         const struct msim_json_document *document, struct msim_detail *detail)
{
    uint32_t account = msim_json_member(document, 0, "account");
    uint32_t node = account != MSIM_JSON_NONE ? account : msim_json_member(document, 0, "client");
    const char *what = account != MSIM_JSON_NONE ? "account" : "client";
    char name[MSIM_NEAREST_MOST + 1] = "";
    struct nearest there = {.word = name};
    struct nearest absent = {.word = name};

    if (node == MSIM_JSON_NONE)
        return msim_json_refuse(document, 0, detail, MSIM_ERR_STATE,
                                "no connection is open that it would befall, and a fault that is "
                                "fired acts now");
    const struct msim_json_node *value = &document->nodes[node];
    if (msim_json_string(document->text, value->start, value->end, name, sizeof name, NULL) >= 0) {
        find_nearest(faults, account != MSIM_JSON_NONE, &there);
        find_absent(faults, account != MSIM_JSON_NONE, &absent);
    }
    struct msim_detail near = {{0}};
    if (strcmp(absent.found, name) == 0)
        near.text[0] = '\0'; /* it is there, and not connected */
    else if (there.found[0])
        msim_detail_set(&near, 0, "; the nearest one is \"%s\"", there.found);
    else if (absent.found[0])
        msim_detail_set(&near, 0, "; the nearest %s is \"%s\", which is not connected", what,
                        absent.found);
    return msim_json_refuse(
        document, node, detail, MSIM_ERR_STATE,
        "no connection of the %s %.*s is open, and a fault that is fired acts now%s", what,
        (int)(value->end - value->start), document->text + value->start, near.text);
}

int msim_fault_refuse_vain(const struct msim_faults *faults,
                           const struct msim_json_document *document, enum fired fired,
                           struct msim_detail *detail)
{
    if (fired == FIRED_AT_NOBODY)
        return refuse_nobody(faults, document, detail);
    if (fired == FIRED_AT_BARRIERS)
        return msim_json_refuse(document, 0, detail, MSIM_ERR_LIMIT,
                                "%d barriers against new connections stand already: heal, or "
                                "give them a duration",
                                BARRIERS_MOST);
    if (fired == FIRED_OUTSIDE_WINDOW)
        return msim_json_refuse(document, msim_json_member(document, 0, "window"), detail,
                                MSIM_ERR_STATE,
                                "a fault that is fired acts now, and now is outside its window: "
                                "fire it without one");
    return MSIM_OK;
}

/* The fault itself, its notice given. */
static bool act_now(struct msim_faults *faults, uint32_t slot_index,
                    struct msim_fault_session *cause, uint64_t client, msim_time now)
{
    bool acted = false;

    for (size_t i = 0; i < faults->session_capacity; i++) {
        struct msim_fault_session *session = faults->sessions[i];
        if (!session || !faults->slots[slot_index].strategy)
            continue;
        bool meant = client != 0 ? msim_fnv(session->client, strlen(session->client)) == client
                                 : befalls(faults, slot_index, session, cause);
        if (meant && act_on(faults, slot_index, session, now))
            acted = true;
    }
    return acted;
}

static bool give_notice(struct msim_faults *faults, uint32_t slot_index,
                        struct msim_fault_session *cause, msim_time now)
{
    bool given = false;
    const struct strategy *strategy = faults->slots[slot_index].strategy;
    const struct session_fault *fault = &strategy->as.session;
    struct outgoing outgoing = {.action = MSIM_FAULT_ACTION_NOTICE,
                                .duration = fault->notice_before};

    memcpy(outgoing.strategy, strategy->id, strategy->id_length + 1);
    for (size_t i = 0; i < faults->session_capacity; i++) {
        struct msim_fault_session *session = faults->sessions[i];
        if (!session || session->ended || !befalls(faults, slot_index, session, cause))
            continue;
        msim_fault_emit_action(faults, &session->links[1], &outgoing, 0, fault->notice_type, now);
        given = true;
    }
    return given;
}

/* A timer for the action itself: `flaps` further times after this one. */
static void act_at(struct msim_faults *faults, uint32_t slot_index,
                   const struct msim_fault_session *cause, uint64_t flaps, msim_time when)
{
    struct slot *slot = &faults->slots[slot_index];
    struct timer_item item = {.kind = TIMER_DO,
                              .slot = slot_index,
                              .index = cause ? cause->index : NOTHING,
                              .generation = slot->epoch,
                              .session_generation = cause ? cause->generation : 0,
                              .number = flaps};

    if (cause)
        item.client = msim_fnv(cause->client, strlen(cause->client));
    msim_fault_timer(faults, when, &item);
}

bool msim_fault_session_lasts(const struct strategy *strategy)
{
    const struct session_fault *fault = &strategy->as.session;

    return !bars(fault->action) && (fault->notice_before > 0 || fault->flap_times > 0);
}

/* Whom a barrier keeps out; those who are in are warned if it comes with a notice. */
static bool act_on_newcomers(struct msim_faults *faults, uint32_t slot_index,
                             struct msim_fault_session *cause, msim_time now)
{
    const struct session_fault *fault = &faults->slots[slot_index].strategy->as.session;
    const char *who = NULL;

    if (fault->scope == SCOPE_ACCOUNT)
        who = fault->account ? fault->account : cause ? cause->account : NULL;
    else if (fault->scope != SCOPE_ALL)
        who = fault->client ? fault->client : cause ? cause->client : NULL;
    if (fault->notice_before > 0)
        give_notice(faults, slot_index, cause, now);
    return raise_barrier(faults, slot_index, who, moment_after(now, fault->notice_before));
}

bool msim_fault_session_act(struct msim_faults *faults, uint32_t slot_index,
                            struct msim_fault_session *cause, msim_time now)
{
    const struct session_fault *fault = &faults->slots[slot_index].strategy->as.session;

    if (bars(fault->action))
        return act_on_newcomers(faults, slot_index, cause, now);
    uint64_t flaps = (uint64_t)fault->flap_times;
    if (fault->notice_before > 0) {
        act_at(faults, slot_index, cause, flaps, moment_after(now, fault->notice_before));
        return give_notice(faults, slot_index, cause, now);
    }
    if (flaps > 0)
        act_at(faults, slot_index, cause, flaps - 1, moment_after(now, fault->flap_gap));
    return act_now(faults, slot_index, cause, 0, now);
}

/* ---- timers ---- */

static struct msim_fault_session *session_of(const struct msim_faults *faults,
                                             const struct timer_item *item)
{
    if (item->index >= faults->session_capacity)
        return NULL;
    struct msim_fault_session *session = faults->sessions[item->index];
    return session && session->generation == item->session_generation ? session : NULL;
}

static void time_to_act(struct msim_faults *faults, const struct timer_item *item, msim_time now)
{
    const struct session_fault *fault = &faults->slots[item->slot].strategy->as.session;
    struct msim_fault_session *cause = session_of(faults, item);
    msim_time again = moment_after(now, fault->flap_gap);

    if (item->number > 0) {
        struct timer_item next = *item;
        next.number--;
        msim_fault_timer(faults, again, &next);
    }
    /* Its connection may have come back under the same client since. */
    act_now(faults, item->slot, cause, cause ? 0 : item->client, now);
    if (item->number == 0)
        msim_fault_one_shot_done(faults, item->slot, now);
}

static void next_arrival(struct msim_faults *faults, uint32_t slot_index,
                         struct msim_fault_session *session, struct state *state, msim_time now)
{
    struct slot *slot = &faults->slots[slot_index];
    int64_t mean = (int64_t)((msim_int128)PPB * PPB / slot->strategy->when.rate);
    uint64_t u = msim_random_at(state->key, state->arrivals++, PURPOSE_POISSON, 0);

    msim_fault_timer(faults, moment_after(now, msim_fault_draw_exp(mean, u)),
                     &(struct timer_item){.kind = TIMER_RATE,
                                          .slot = slot_index,
                                          .index = session->index,
                                          .generation = slot->epoch,
                                          .session_generation = session->generation});
}

/* The state that carries a session's clocked draws: the outbound link's where it has one. */
static struct state *clocked_state(const struct msim_fault_session *session, uint32_t slot)
{
    for (int d = 1; d >= 0; d--) {
        const struct msim_fault_link *link = &session->links[d];
        if (slot < link->state_capacity && link->states[slot])
            return link->states[slot];
    }
    return NULL;
}

/* Gates 1 to 3 hold for what time brings, too. */
bool msim_fault_time_may_act(struct msim_faults *faults, uint32_t slot_index, msim_time now)
{
    struct slot *slot = &faults->slots[slot_index];
    const struct activation *when = &slot->strategy->when;
    msim_time since = time_between(slot_start(faults, slot), now);

    if (when->windowed && (since < when->from || since >= when->to))
        return false;
    if (when->max_hits > 0 && slot->decided >= when->max_hits)
        return false;
    if (when->cooldown > 0 && slot->decided > 0 &&
        time_between(slot->last_decided, now) < when->cooldown)
        return false;
    slot->decided++;
    slot->last_decided = now;
    slot->counts.decided++;
    return true;
}

void msim_fault_time_acted(struct msim_faults *faults, uint32_t slot_index, bool acted,
                           msim_time now)
{
    struct msim_fault_counts *counts = &faults->slots[slot_index].counts;

    if (acted)
        msim_fault_count_hit(counts, 0, now);
    else
        counts->inapplicable++;
}

enum fired msim_fault_session_fire(struct msim_faults *faults, uint32_t place, bool later)
{
    const msim_time now = faults->now;
    struct strategy *strategy = faults->slots[place].strategy;
    const bool lasts = msim_fault_session_lasts(strategy);
    const bool is_barrier = bars(strategy->as.session.action);

    strategy->acting = true;
    if (!msim_fault_time_may_act(faults, place, now)) {
        msim_fault_one_shot_done(faults, place, now);
        return FIRED_OUTSIDE_WINDOW;
    }
    const bool meets = later || lasts || is_barrier || meets_anybody(faults, place);
    const bool acted = meets && msim_fault_session_act(faults, place, NULL, now);
    msim_fault_time_acted(faults, place, acted, now);
    if (lasts)
        return FIRED;
    msim_fault_one_shot_done(faults, place, now);
    /* A barrier that found no memory is told as that. */
    if (acted || faults->failure < 0)
        return FIRED;
    return is_barrier ? FIRED_AT_BARRIERS : FIRED_AT_NOBODY;
}

static void act_in_time(struct msim_faults *faults, uint32_t slot,
                        struct msim_fault_session *session, msim_time now)
{
    if (msim_fault_time_may_act(faults, slot, now))
        msim_fault_time_acted(faults, slot, msim_fault_session_act(faults, slot, session, now),
                              now);
}

bool msim_fault_moment_to_come(const struct msim_faults *faults, uint32_t slot_index, msim_time at,
                               msim_time now, msim_time *out)
{
    const struct slot *slot = &faults->slots[slot_index];

    *out = moment_after(slot_start(faults, slot), at);
    return *out >= now && !(slot->has_done_at && slot->done_at == *out);
}

void msim_fault_moment_came(struct msim_faults *faults, uint32_t slot_index, msim_time now)
{
    struct slot *slot = &faults->slots[slot_index];

    slot->has_done_at = slot->has_done_at_once = true;
    slot->done_at = now;
}

void msim_fault_session_timer(struct msim_faults *faults, const struct timer_item *item,
                              msim_time now)
{
    struct msim_fault_session *session = session_of(faults, item);

    if (item->kind == TIMER_RESUME || item->kind == TIMER_RST) {
        if (!session || session->ended || session->state_number != item->number)
            return;
        struct outgoing rst = {.action = MSIM_FAULT_ACTION_RST};
        if (item->kind == TIMER_RESUME)
            msim_fault_session_resume(faults, session, now);
        else
            end_session(faults, session, &rst, NULL, now);
        return;
    }
    struct slot *slot = &faults->slots[item->slot];
    if (!slot->strategy || !slot->strategy->enabled || slot->epoch != item->generation)
        return;
    switch (item->kind) {
    case TIMER_DO:
        time_to_act(faults, item, now);
        break;
    case TIMER_AT:
        msim_fault_moment_came(faults, item->slot, now);
        act_in_time(faults, item->slot, NULL, now);
        break;
    case TIMER_MAX_AGE:
        if (!session || session->ended)
            break;
        clocked_state(session, item->slot)->aged = true;
        act_in_time(faults, item->slot, session, now);
        break;
    case TIMER_RATE:
        if (!session || session->ended)
            break;
        next_arrival(faults, item->slot, session, clocked_state(session, item->slot), now);
        act_in_time(faults, item->slot, session, now);
        break;
    default:
        break;
    }
}

void msim_fault_session_arm(struct msim_faults *faults, uint32_t slot_index,
                            struct msim_fault_session *session, msim_time now)
{
    struct slot *slot = &faults->slots[slot_index];
    const struct session_fault *fault = &slot->strategy->as.session;
    struct timer_item item = {.slot = slot_index, .index = NOTHING, .generation = slot->epoch};

    if (!session) {
        item.kind = TIMER_AT;
        msim_time at;
        if (fault->timed && msim_fault_moment_to_come(faults, slot_index, fault->at, now, &at))
            msim_fault_timer(faults, at, &item);
        return;
    }
    struct state *state = clocked_state(session, slot_index);
    if (!state)
        return;
    item.index = session->index;
    item.session_generation = session->generation;
    item.kind = TIMER_MAX_AGE;
    msim_time old = moment_after(session->opened, fault->max_age);
    if (fault->max_age > 0 && !state->aged)
        msim_fault_timer(faults, old > now ? old : now, &item);
    if (slot->strategy->when.model == MODEL_RATE)
        next_arrival(faults, slot_index, session, state, now);
}
