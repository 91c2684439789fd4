/*
 * Whether a strategy acts on a message that its selector matched.
 *
 * Gates first, then one probability model.  Draws are keyed by the message's
 * number, never taken from a sequence; what has to be remembered (counters, the
 * Gilbert-Elliott state, the sticky uniform) moves on with every matched message,
 * whatever the gates say, and never with a copy or an injected message.
 */
#include "faults/stages.h"

#include <string.h>

#include "base/random.h"

/* Beyond so many sojourns in one gap the state is drawn anew: it has long forgotten. */
#define SOJOURNS_MOST 1024

static bool below(uint64_t u, int64_t parts)
{
    return (int64_t)msim_mul_high(u, (uint64_t)PPB) < parts;
}

struct msim_fault_text msim_fault_by_text(enum by by, const struct view *view)
{
    switch (by) {
    case BY_CID:
        return view->message->client_order_id;
    case BY_ORDER_ID:
        return view->message->order_id;
    case BY_SYMBOL:
        return view->message->symbol;
    case BY_ACCOUNT:
        return view->account;
    case BY_ORDINAL:
        break;
    }
    return (struct msim_fault_text){0};
}

static uint64_t key_of(uint64_t seed, const char *const *parts, size_t count)
{
    uint64_t hash = MSIM_FNV_START;

    for (size_t i = 0; i < count; i++)
        hash = msim_fnv_more(hash, parts[i], strlen(parts[i]));
    return msim_mix64(hash ^ msim_mix64(seed + UINT64_C(0x9E3779B97F4A7C15)));
}

uint64_t msim_fault_state_key(const struct msim_faults *faults, const struct strategy *strategy,
                              const struct msim_fault_link *link)
{
    const char *parts[] = {strategy->id, "|", link->session->label,
                           link->direction == MSIM_FAULT_IN ? "|in" : "|out"};

    return key_of(faults->seed, parts, 4);
}

uint64_t msim_fault_by_key(const struct msim_faults *faults, const struct strategy *strategy)
{
    static const char *const names[] = {"", "cid", "order_id", "symbol", "account"};
    const char *parts[] = {strategy->id, "|by:", names[strategy->when.by]};

    return key_of(faults->seed, parts, 3);
}

/* The stream of what a strategy injected: its numbers are none of the link's. */
static uint64_t foreign_key(const struct msim_faults *faults, const struct strategy *strategy,
                            const struct view *view)
{
    char label[512];
    size_t length = view->label.length < sizeof label ? view->label.length : sizeof label - 1;

    memcpy(label, view->label.text, length);
    label[length] = '\0';
    const char *parts[] = {strategy->id, "|",
                           label,        view->direction == MSIM_FAULT_IN ? "|in" : "|out",
                           "|inj:",      view->message->injector};
    return key_of(faults->seed, parts, 6);
}

static uint64_t fresh_uniform(const struct msim_faults *faults, const struct strategy *strategy,
                              const struct decision *decision, uint32_t sub)
{
    uint32_t purpose = strategy->kind == MSIM_FAULT_REORDER ? PURPOSE_REORDER_HIT : PURPOSE_HIT;

#if MSIM_PLANT == PLANT_SHARED_RANDOM
    return msim_random_at(faults->seed, faults->planted_draws[0]++, purpose, sub);
#else
    (void)faults;
#endif
    return msim_random_at(decision->key, PLANTED(ONCE_PER_CONNECTION) ? 0 : decision->n, purpose,
                          sub);
}

static bool sticks(const struct activation *when, const struct decision *decision)
{
    return below(msim_random_at(decision->key, decision->n, PURPOSE_STICK, 0), when->stick);
}

static bool decide_stick(const struct msim_faults *faults, const struct strategy *strategy,
                         struct state *state, struct decision *decision, bool moves)
{
    const struct activation *when = &strategy->when;
    bool reuse = state->sticky_set && sticks(when, decision);

    decision->uniform = reuse ? state->sticky_hit : fresh_uniform(faults, strategy, decision, 0);
    if (PLANTED(STICK_AVERAGES) && state->sticky_set) {
        uint64_t fresh = fresh_uniform(faults, strategy, decision, 0);
        uint64_t old_part = msim_mul_high(state->sticky_hit, (uint64_t)when->stick << 34);
        uint64_t new_part = msim_mul_high(fresh, (uint64_t)(PPB - when->stick) << 34);
        decision->uniform = old_part + new_part;
    }
    if (moves) {
        state->sticky_hit = decision->uniform;
        if (strategy->kind == MSIM_FAULT_DELAY && !reuse)
            state->sticky_delay = msim_random_at(decision->key, decision->n, PURPOSE_DELAY, 0);
        state->sticky_set = true;
    }
    return below(decision->uniform, when->p);
}

static void ge_count(struct state *state)
{
    if (state->ge_bad)
        state->ge_bad_messages++;
    else
        state->ge_good_messages++;
}

/* First the hit with the state as it is, then the step. */
static bool decide_ge(const struct activation *when, struct state *state, struct decision *decision,
                      bool moves)
{
    if (!state->ge_started && moves) {
        state->ge_started = true;
        state->ge_bad = when->start_bad;
    }
    decision->uniform = msim_random_at(decision->key, decision->n, PURPOSE_GE_HIT, 0);
    bool hit = below(decision->uniform, state->ge_bad ? when->h_bad : when->h_good);
    if (PLANTED(GE_INDEPENDENT)) {
        msim_int128 mean =
            (msim_int128)when->p_gb * when->h_bad + (msim_int128)when->p_bg * when->h_good;
        int64_t sum = when->p_gb + when->p_bg;
        return below(decision->uniform, sum > 0 ? (int64_t)(mean / sum) : 0);
    }
    if (!moves)
        return hit;

    ge_count(state);
    uint64_t step = msim_random_at(decision->key, decision->n, PURPOSE_GE_TRANSITION, 0);
    bool was_bad = state->ge_bad;
    if (below(step, was_bad ? when->p_bg : when->p_gb)) {
        state->ge_bad = !was_bad;
        state->ge_transitions++;
        if (PLANTED(GE_FALLS_THROUGH) && !was_bad)
            hit = below(decision->uniform, when->h_bad);
    }
    return hit;
}

/* A whole long gap in one step: the state is drawn as one finds it on arrival. */
static void ge_forget(const struct activation *when, struct state *state, uint64_t key,
                      msim_time now)
{
    uint64_t place = msim_random_at(key, state->ge_sojourns++, PURPOSE_GE_TRANSITION, 1);
    msim_int128 both = (msim_int128)when->mean_good + when->mean_bad;
    int64_t share_bad = (int64_t)((msim_int128)when->mean_bad * PPB / both);

    state->ge_bad = below(place, share_bad);
    state->ge_until = now;
}

static void ge_time_advance(const struct activation *when, struct state *state, uint64_t key,
                            msim_time now)
{
    if (!state->ge_started) {
        state->ge_started = true;
        state->ge_bad = !when->start_bad; /* the loop's first sojourn turns it round */
        state->ge_until = now;
        state->ge_transitions--;
    }
    for (int steps = 0; state->ge_until <= now; steps++) {
        if (steps == SOJOURNS_MOST)
            ge_forget(when, state, key, now);
        else
            state->ge_bad = !state->ge_bad;
        state->ge_transitions++;
        uint64_t u = msim_random_at(key, state->ge_sojourns++, PURPOSE_GE_TRANSITION, 0);
        msim_time stay = msim_fault_draw_exp(state->ge_bad ? when->mean_bad : when->mean_good, u);
        if (stay < 1)
            stay = 1;
        if (!msim_add_check(state->ge_until, stay, &state->ge_until))
            state->ge_until = MSIM_TIME_NEVER - 1;
        if (state->ge_until == MSIM_TIME_NEVER - 1)
            break;
    }
}

static bool decide_ge_time(const struct activation *when, struct state *state,
                           struct decision *decision, msim_time now, bool moves)
{
    if (moves) {
        ge_time_advance(when, state, decision->key, now);
        ge_count(state);
    }
    decision->uniform = msim_random_at(decision->key, decision->n, PURPOSE_GE_HIT, 0);
    return below(decision->uniform, state->ge_bad ? when->h_bad : when->h_good);
}

static bool decide_p(const struct msim_faults *faults, const struct strategy *strategy,
                     struct decision *decision, uint32_t sub)
{
    int64_t p = strategy->when.p;

    if (PLANTED(SCALED_P))
        p = p * 100 / 101;
    if (p == 0 || p == PPB) {
        decision->uniform = 0;
        return p == PPB;
    }
    decision->uniform = fresh_uniform(faults, strategy, decision, sub);
    return below(decision->uniform, p);
}

static bool is_stateful(const struct activation *when)
{
    return when->model != MODEL_P || when->skip > 0 || when->every > 1 || when->max_hits > 0 ||
           when->cooldown > 0;
}

/* Gates 2 and 3. */
static bool gates_open(const struct slot *slot, struct state *state, const struct moment *moment)
{
    const struct activation *when = &slot->strategy->when;
    uint64_t decided = when->per_link ? state->decided : slot->decided;
    msim_time last = when->per_link ? state->last_decided : slot->last_decided;

    if (moment->foreign) {
        if (when->skip > 0 || when->every > 1)
            return false;
    } else {
        uint64_t match = ++state->matches;
        if (match <= when->skip || (when->every > 1 && (match - when->skip) % when->every != 0))
            return false;
    }
    if (when->max_hits > 0 && decided >= when->max_hits)
        return false;
    return when->cooldown == 0 || decided == 0 || time_between(last, moment->now) >= when->cooldown;
}

static bool decide_model(const struct msim_faults *faults, const struct slot *slot,
                         struct state *state, const struct moment *moment, bool open,
                         struct decision *decision)
{
    const struct strategy *strategy = slot->strategy;
    bool moves = !moment->foreign;

    switch (strategy->when.model) {
    case MODEL_P:
        return open && decide_p(faults, strategy, decision, moment->sub);
    case MODEL_STICK:
        return decide_stick(faults, strategy, state, decision, moves) && open;
    case MODEL_GE:
        return decide_ge(&strategy->when, state, decision, moves) && open;
    case MODEL_GE_TIME:
        return decide_ge_time(&strategy->when, state, decision, moment->now, moves) && open;
    case MODEL_RATE:
        break; /* time brings its hits, not messages */
    }
    return false;
}

static void key_decision(const struct msim_faults *faults, const struct slot *slot,
                         const struct state *state, const struct moment *moment,
                         struct decision *decision)
{
    const struct activation *when = &slot->strategy->when;

    decision->key = state->key;
    decision->n = moment->ordinal;
    if (when->by != BY_ORDINAL) {
        struct msim_fault_text text = msim_fault_by_text(when->by, moment->view);
        decision->key = slot->by_key;
        decision->n = msim_fnv(text.text, text.length);
    } else if (moment->foreign) {
        decision->key = foreign_key(faults, slot->strategy, moment->view);
    }
}

struct decision msim_fault_decide(const struct msim_faults *faults, struct slot *slot,
                                  struct state *state, const struct moment *moment)
{
    const struct activation *when = &slot->strategy->when;
    struct decision decision = {.counted = is_stateful(when)};

    if (when->windowed) {
        msim_time since = time_between(slot_start(faults, slot), moment->now);
        if (since < when->from || since >= when->to)
            return decision;
    }
    key_decision(faults, slot, state, moment, &decision);
    bool open = !decision.counted || gates_open(slot, state, moment);
    decision.hit = decide_model(faults, slot, state, moment, open, &decision);
    if (decision.hit) {
        state->decided++;
        state->last_decided = moment->now;
        slot->decided++;
        slot->last_decided = moment->now;
    }
    return decision;
}

struct decision msim_fault_decide_copy(const struct msim_faults *faults, const struct slot *slot,
                                       const struct decision *original, uint32_t sub)
{
    struct decision decision = *original;

    if (!decision.counted)
        decision.hit = decide_p(faults, slot->strategy, &decision, sub);
    return decision;
}

uint64_t msim_fault_delay_uniform(const struct slot *slot, const struct state *state,
                                  const struct decision *decision, uint32_t sub)
{
    if (slot->strategy->when.model == MODEL_STICK && state->sticky_set)
        return state->sticky_delay;
    return msim_random_at(decision->key, decision->n, PURPOSE_DELAY, sub);
}
