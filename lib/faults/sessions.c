/*
 * Sessions and their links: labels, and which strategies stand on a link.
 */
#include "faults/stages.h"

#include <stdio.h>
#include <string.h>

#include "base/detail.h"
#include "base/mem.h"

#define NAME_MOST 200 /* bytes of a client's or an account's name */

static const char *const channel_names[] = {"ws_public", "ws_private", "ws_api",
                                            "rest",      "fix",        "inproc"};

const char *msim_fault_channel_name(int channel)
{
    return channel >= 0 && channel <= MSIM_FAULT_INPROC ? channel_names[channel] : "unknown";
}

/* ---- which strategies stand here ---- */

bool msim_fault_stands_on(const struct strategy *strategy, const struct msim_fault_link *link)
{
    const struct selector *select = &strategy->select;
    const char *label = link->session->label;

    return msim_fault_kind_is_network(strategy->kind) &&
           select->directions >> link->direction & 1 &&
           select->channels >> link->session->channel & 1 &&
           msim_fault_patterns_match(&select->label, label, strlen(label));
}

static int grow_states(struct msim_faults *faults, struct msim_fault_link *link, uint32_t slot)
{
    size_t old = link->state_capacity;
    void *states = link->states;
    int r = msim_mem_grow(&faults->allocator, &states, &link->state_capacity, sizeof *link->states,
                          slot + 1, STRATEGIES_MOST);

    if (r < 0)
        return r;
    link->states = states;
    for (size_t i = old; i < link->state_capacity; i++)
        link->states[i] = NULL;
    return MSIM_OK;
}

int msim_fault_rules_prepare(struct msim_faults *faults, uint32_t slot_index,
                             const struct strategy *strategy, struct msim_fault_link *link)
{
    if (!msim_fault_stands_on(strategy, link))
        return MSIM_OK;

    /* One for every strategy that stands and a new one: what is disabled now may be enabled. */
    size_t room = faults->strategies < STRATEGIES_MOST ? (size_t)faults->strategies + 1
                                                       : (size_t)STRATEGIES_MOST;
    void *rules = link->rules;
    int r = msim_mem_grow(&faults->allocator, &rules, &link->rule_capacity, sizeof *link->rules,
                          room, STRATEGIES_MOST);
    if (r < 0)
        return r;
    link->rules = rules;
    r = grow_states(faults, link, slot_index);
    if (r < 0 || link->states[slot_index])
        return r;

    struct state *state = msim_mem_zero(&faults->allocator, sizeof *state);
    if (!state)
        return MSIM_ERR_NOMEM;
    state->key = msim_fault_state_key(faults, strategy, link);
    state->before = msim_fault_passed(link);
    state->counts.first_hit = state->counts.last_hit = MSIM_TIME_NEVER;
    if (strategy->kind == MSIM_FAULT_THROTTLE) {
        r = msim_fault_throttle_prepare(faults, &faults->slots[slot_index], strategy, link,
                                        &state->bucket);
        if (r < 0) {
            msim_mem_free(&faults->allocator, state, sizeof *state);
            return r;
        }
    }
    link->states[slot_index] = state;
    return MSIM_OK;
}

/* A lane by something that the bytes do not say must be remembered for each message. */
static bool asks_for_fields(const struct strategy *strategy)
{
    return strategy->kind == MSIM_FAULT_REORDER && strategy->as.reorder.lane != LANE_LINK &&
           strategy->as.reorder.lane != LANE_TYPE;
}

/* The second part of a split is one too. */
static bool makes_copies(const struct strategy *strategy)
{
    if (strategy->kind != MSIM_FAULT_CORRUPT)
        return strategy->kind == MSIM_FAULT_DUPLICATE;
    for (size_t i = 0; i < strategy->as.corrupt.count; i++)
        if (strategy->as.corrupt.mutations[i].mode == CORRUPT_SPLIT)
            return true;
    return false;
}

void msim_fault_rules_rebuild(struct msim_faults *faults, struct msim_fault_link *link)
{
    link->rule_count = 0;
    link->types = 0;
    link->copies = link->needs_fields = false;
    for (size_t i = 0; i < faults->strategies; i++) {
        uint32_t index = (uint32_t)faults->slot_order[i];
        struct slot *slot = &faults->slots[index];
        if (index >= link->state_capacity || !link->states[index] || !slot->strategy->enabled ||
            !msim_fault_stands_on(slot->strategy, link))
            continue;
        link->rules[link->rule_count++] =
            (struct rule){slot->strategy->select.types, slot, link->states[index], index};
        link->types |= slot->strategy->select.types;
        link->copies = link->copies || makes_copies(slot->strategy);
        link->needs_fields = link->needs_fields || asks_for_fields(slot->strategy);
    }
    msim_fault_link_watch(link);
}

void msim_fault_rules_forget(struct msim_faults *faults, uint32_t slot,
                             struct msim_fault_link *link)
{
    if (link->gate_slot == slot)
        link->gate_slot = NOTHING; /* the gate stays as it is, but nobody's */
    if (slot >= link->state_capacity || !link->states[slot])
        return;
    msim_mem_free(&faults->allocator, link->states[slot], sizeof *link->states[slot]);
    link->states[slot] = NULL;
}

/* ---- labels ---- */

static bool good_name(const char *name)
{
    size_t length = strlen(name);

    for (size_t i = 0; i < length; i++)
        if ((unsigned char)name[i] < ' ' || name[i] == '/' || name[i] == '|')
            return false;
    return length > 0 && length <= NAME_MOST;
}

/* The number of earlier sessions of this client and channel, this one counted now. */
static int count_label(struct msim_faults *faults, const char *name, size_t length, uint64_t *k)
{
    uint32_t id;
    int r = msim_symbols_intern(&faults->labels, name, length, &id);
    if (r < 0)
        return r;

    size_t old = faults->label_capacity;
    void *counts = faults->label_counts;
    r = msim_mem_grow(&faults->allocator, &counts, &faults->label_capacity,
                      sizeof *faults->label_counts, id + 1, faults->params.max_labels);
    if (r < 0)
        return r;
    faults->label_counts = counts;
    for (size_t i = old; i < faults->label_capacity; i++)
        faults->label_counts[i] = 0;
    *k = faults->label_counts[id];
    return MSIM_OK;
}

static int make_label(struct msim_faults *faults, struct msim_fault_session *session)
{
    char text[NAME_MOST + 64];
    uint64_t k = 0;
    int length = snprintf(text, sizeof text, "%s/%s", session->client,
                          msim_fault_channel_name(session->channel));
    int r = count_label(faults, text, (size_t)length, &k);
    if (r < 0)
        return r;

    if (session->channel == MSIM_FAULT_REST)
        k = 0;
    length = snprintf(text, sizeof text, "%s/%s/%llu", session->client,
                      msim_fault_channel_name(session->channel), (unsigned long long)k);
    session->label = msim_mem_text(&faults->allocator, text, (size_t)length);
    session->label_length = (uint16_t)length;
    return session->label ? MSIM_OK : MSIM_ERR_NOMEM;
}

static void label_used(struct msim_faults *faults, const struct msim_fault_session *session)
{
    char text[NAME_MOST + 64];
    uint32_t id;
    int length = snprintf(text, sizeof text, "%s/%s", session->client,
                          msim_fault_channel_name(session->channel));

    if (msim_symbols_find(&faults->labels, text, (size_t)length, &id) == MSIM_OK)
        faults->label_counts[id]++;
}

/* ---- traffic ---- */

void msim_fault_traffic_init(struct traffic *none)
{
    *none = (struct traffic){
        .lane = NOTHING,
        .gate_head = NOTHING,
        .gate_tail = NOTHING,
        .concat = NOTHING,
        .wake = MSIM_TIME_NEVER,
    };
}

int msim_fault_begin_traffic(struct msim_fault_link *link)
{
    struct msim_faults *faults = link->faults;

    if (msim_fault_has_traffic(link))
        return MSIM_OK;
    int r = msim_fault_pool_reserve(&faults->lanes, 1);
    if (r < 0)
        return r;
    struct traffic *traffic = msim_mem_take(&faults->allocator, sizeof *traffic);
    if (!traffic)
        return MSIM_ERR_NOMEM;
    *traffic = faults->no_traffic;
    traffic->lane = msim_fault_pool_take(&faults->lanes);
    *lane_at(faults, traffic->lane) =
        (struct lane){.head = NOTHING, .tail = NOTHING, .link = link->index};
    link->traffic = traffic;
    return MSIM_OK;
}

static void end_traffic(struct msim_faults *faults, struct msim_fault_link *link)
{
    struct kept *kept = &link->traffic->kept;

    msim_mem_free(&faults->allocator, kept->holds, kept->hold_capacity * sizeof *kept->holds);
    msim_mem_free(&faults->allocator, kept->shuffles,
                  kept->shuffle_capacity * sizeof *kept->shuffles);
    msim_fault_pool_give(&faults->lanes, link->traffic->lane);
    msim_mem_free(&faults->allocator, link->traffic, sizeof *link->traffic);
    link->traffic = &faults->no_traffic;
}

/* ---- open and close ---- */

static void free_text(struct msim_faults *faults, char *text)
{
    if (text)
        msim_mem_free(&faults->allocator, text, strlen(text) + 1);
}

static void free_link(struct msim_faults *faults, struct msim_fault_link *link)
{
    for (uint32_t i = 0; i < link->state_capacity; i++) {
        if (!link->states[i])
            continue;
        struct slot *slot = &faults->slots[i];
        if (slot->strategy && slot->strategy->kind == MSIM_FAULT_THROTTLE)
            msim_fault_throttle_leave(faults, slot, link->states[i]->bucket);
        msim_fault_rules_forget(faults, i, link);
    }
    msim_mem_free(&faults->allocator, link->states, link->state_capacity * sizeof *link->states);
    msim_mem_free(&faults->allocator, link->rules, link->rule_capacity * sizeof *link->rules);
    if (msim_fault_has_traffic(link))
        end_traffic(faults, link);
}

static void free_session(struct msim_faults *faults, struct msim_fault_session *session)
{
    free_link(faults, &session->links[0]);
    free_link(faults, &session->links[1]);
    free_text(faults, session->label);
    if (session->client != session->account)
        free_text(faults, session->client);
    free_text(faults, session->account);
    msim_mem_free(&faults->allocator, session, sizeof *session);
}

static int open_link(struct msim_faults *faults, struct msim_fault_session *session, int direction)
{
    struct msim_fault_link *link = &session->links[direction - MSIM_FAULT_IN];

    *link = (struct msim_fault_link){
        .faults = faults,
        .session = session,
        .direction = (uint8_t)direction,
        .index = session->index * 2 + (uint32_t)(direction - MSIM_FAULT_IN),
        .created = faults->links_created++,
        .gate_slot = NOTHING,
        .traffic = &faults->no_traffic,
    };
    for (size_t i = 0; i < faults->strategies; i++) {
        uint32_t slot = (uint32_t)faults->slot_order[i];
        int r = msim_fault_rules_prepare(faults, slot, faults->slots[slot].strategy, link);
        if (r < 0)
            return r;
    }
    msim_fault_rules_rebuild(faults, link);
    return MSIM_OK;
}

static int place_for_session(struct msim_faults *faults, uint32_t *place)
{
    if (faults->session_count >= faults->params.max_sessions)
        return MSIM_ERR_LIMIT;
    for (size_t i = faults->session_hint; i < faults->session_capacity; i++) {
        if (!faults->sessions[i]) {
            *place = (uint32_t)i;
            return MSIM_OK;
        }
    }
    size_t old = faults->session_capacity;
    void *sessions = faults->sessions;
    int r = msim_mem_grow(&faults->allocator, &sessions, &faults->session_capacity,
                          sizeof *faults->sessions, old + 1, faults->params.max_sessions);
    if (r < 0)
        return r;
    faults->sessions = sessions;
    for (size_t i = old; i < faults->session_capacity; i++)
        faults->sessions[i] = NULL;
    *place = (uint32_t)old;
    return MSIM_OK;
}

static int make_session(struct msim_faults *faults, const struct msim_fault_session_params *params,
                        const char *client, struct msim_fault_session **out)
{
    uint32_t place;
    int r = place_for_session(faults, &place);
    if (r < 0)
        return r;
    struct msim_fault_session *session = msim_mem_zero(&faults->allocator, sizeof *session);
    if (!session)
        return MSIM_ERR_NOMEM;

    session->faults = faults;
    session->channel = (uint8_t)params->channel;
    session->user = params->user;
    session->index = place;
    session->opened = faults->now;
    session->uses = 1;
    session->links[0].faults = session->links[1].faults = faults;
    session->links[0].traffic = session->links[1].traffic = &faults->no_traffic;
    if (params->account)
        session->account =
            msim_mem_text(&faults->allocator, params->account, strlen(params->account));
    session->client = params->account && strcmp(client, params->account) == 0
                          ? session->account
                          : msim_mem_text(&faults->allocator, client, strlen(client));
    session->account_length = (uint16_t)(params->account ? strlen(params->account) : 0);
    if (!session->client || (params->account && !session->account))
        goto no_memory;
    r = make_label(faults, session);
    if (r == MSIM_OK)
        r = open_link(faults, session, MSIM_FAULT_IN);
    if (r == MSIM_OK)
        r = open_link(faults, session, MSIM_FAULT_OUT);
    if (r < 0)
        goto fail;
    session->generation = ++faults->sessions_created;
    faults->sessions[place] = session;
    faults->session_hint = place + 1;
    faults->session_count++;
    label_used(faults, session);
    *out = session;
    return MSIM_OK;

no_memory:
    r = MSIM_ERR_NOMEM;
fail:
    free_session(faults, session);
    return r;
}

static struct msim_fault_session *find_rest(const struct msim_faults *faults, const char *client)
{
    for (size_t i = 0; i < faults->session_capacity; i++) {
        struct msim_fault_session *session = faults->sessions[i];
        if (session && session->channel == MSIM_FAULT_REST && strcmp(session->client, client) == 0)
            return session;
    }
    return NULL;
}

int msim_faults_session_open(struct msim_faults *faults, msim_time now,
                             const struct msim_fault_session_params *params,
                             struct msim_fault_session **out, struct msim_detail *detail)
{
    if (!faults || !params || !out || now < faults->now || params->channel < 0 ||
        params->channel > MSIM_FAULT_INPROC)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "a session needs a channel of enum msim_fault_channel and a time "
                               "that does not fall");
    const char *client = params->client ? params->client : params->account;
    if (!client)
        client = "anon";
    if (!good_name(client) || (params->account && !good_name(params->account)))
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "a client's or account's name has 1 to %d bytes, none of them '/', "
                               "'|' or a control byte",
                               NAME_MOST);

    msim_fault_return_lent(faults);
    msim_fault_advance_before(faults, now);
    faults->now = now;
    struct msim_fault_session *session =
        params->channel == MSIM_FAULT_REST ? find_rest(faults, client) : NULL;
    if (session) {
        session->uses++;
        *out = session;
        return MSIM_OK;
    }
    int r = make_session(faults, params, client, &session);
    if (r == MSIM_ERR_LIMIT)
        return msim_detail_set(detail, r,
                               "%zu sessions are open, or too many clients have been: "
                               "raise max_sessions or max_labels",
                               faults->session_count);
    if (r < 0)
        return msim_detail_set(detail, r, "%s", msim_result_text(r));
    for (size_t i = 0; i < faults->strategies; i++) {
        uint32_t slot = (uint32_t)faults->slot_order[i];
        const struct strategy *strategy = faults->slots[slot].strategy;
        if (strategy->kind == MSIM_FAULT_SESSION && strategy->enabled)
            msim_fault_session_arm(faults, slot, session, now);
    }
    *out = session;
    return MSIM_OK;
}

static void close_session(struct msim_faults *faults, struct msim_fault_session *session)
{
    for (int d = 0; d < 2; d++) {
        struct msim_fault_link *link = &session->links[d];
        msim_fault_forget(faults, link);
        faults->tapped[link->direction] += msim_fault_passed(link);
    }
    faults->sessions[session->index] = NULL;
    if (session->index < faults->session_hint)
        faults->session_hint = session->index;
    faults->session_count--;
    free_session(faults, session);
}

void msim_faults_session_close(struct msim_faults *faults, msim_time now,
                               struct msim_fault_session **session)
{
    if (!faults || !session || !*session)
        return;
    msim_fault_return_lent(faults);
    if (now > faults->now) {
        msim_fault_advance_before(faults, now);
        faults->now = now;
    }
    if (--(*session)->uses == 0)
        close_session(faults, *session);
    msim_fault_sweep(faults);
    *session = NULL;
}

void msim_fault_sessions_finish(struct msim_faults *faults)
{
    for (size_t i = 0; i < faults->session_capacity; i++)
        if (faults->sessions[i])
            close_session(faults, faults->sessions[i]);
    msim_mem_free(&faults->allocator, faults->sessions,
                  faults->session_capacity * sizeof *faults->sessions);
    faults->sessions = NULL;
    faults->session_capacity = 0;
}

uint64_t msim_fault_tapped(const struct msim_faults *faults, int direction)
{
    uint64_t sum = faults->tapped[direction];

    for (size_t i = 0; i < faults->session_capacity; i++) {
        if (!faults->sessions[i])
            continue;
        sum += msim_fault_passed(&faults->sessions[i]->links[direction - MSIM_FAULT_IN]);
    }
    return sum;
}

/* ---- looking at them ---- */

struct msim_fault_link *msim_fault_session_link(struct msim_fault_session *session, int direction)
{
    if (!session || (direction != MSIM_FAULT_IN && direction != MSIM_FAULT_OUT))
        return NULL;
    return &session->links[direction - MSIM_FAULT_IN];
}

const char *msim_fault_session_label(const struct msim_fault_session *session)
{
    return session ? session->label : "";
}

const char *msim_fault_session_account(const struct msim_fault_session *session)
{
    return session && session->account ? session->account : "";
}

int msim_fault_session_set_account(struct msim_fault_session *session, const char *account)
{
    if (!session || !account || !good_name(account))
        return MSIM_ERR_INVALID;

    struct msim_faults *faults = session->faults;
    char *copy = msim_mem_text(&faults->allocator, account, strlen(account));
    if (!copy)
        return MSIM_ERR_NOMEM;
    char *old = session->account;
    session->account = copy;
    for (int d = 0; d < 2; d++) {
        struct msim_fault_link *link = &session->links[d];
        for (uint32_t i = 0; i < link->state_capacity; i++) {
            const struct strategy *strategy = faults->slots[i].strategy;
            if (!link->states[i] || !strategy || strategy->kind != MSIM_FAULT_THROTTLE ||
                strategy->as.throttle.scope != SCOPE_ACCOUNT)
                continue;
            int r = msim_fault_throttle_prepare(faults, &faults->slots[i], strategy, link,
                                                &link->states[i]->bucket);
            if (r < 0) {
                session->account = old;
                free_text(faults, copy);
                return r;
            }
        }
    }
    session->account_length = (uint16_t)strlen(account);
    if (old != session->client)
        free_text(faults, old);
    return MSIM_OK;
}

void *msim_fault_session_user(const struct msim_fault_session *session)
{
    return session ? session->user : NULL;
}

struct msim_fault_balance msim_fault_link_balance(const struct msim_fault_link *link)
{
    if (!link)
        return (struct msim_fault_balance){0};
    struct msim_fault_balance balance = link->traffic->balance;
    balance.native += link->plain;
    balance.delivered += link->plain;
    return balance;
}

bool msim_fault_balance_holds(const struct msim_fault_balance *balance)
{
    return balance->native + balance->injected + balance->copies ==
           balance->delivered + balance->dropped + balance->rejected + balance->conflated +
               balance->discarded + balance->overflow + balance->gated + balance->merged +
               balance->pending;
}
