/*
 * The report tap: what the venue says beside the engine's events.
 *
 * The engine's events go by untouched, but for the phantom part of an order that
 * sticks to it.  What is made up stands in a list of its own, at once or by a
 * timer; nothing here can reach the engine.
 */
#include "faults/report.h"

#include <string.h>

#include "base/decimal.h"
#include "base/mem.h"
#include "base/random.h"

/* ---- life ---- */

int msim_fault_report_create(struct report **out, struct msim_faults *faults,
                             const struct msim_fault_names *names)
{
    struct report *report = msim_mem_zero(&faults->allocator, sizeof *report);
    if (!report)
        return MSIM_ERR_NOMEM;

    report->faults = faults;
    if (names)
        report->names = *names;
    msim_fault_pool_init(&report->sayings, sizeof(struct saying), &faults->allocator);
    msim_fault_pool_init(&report->venue_sayings, sizeof(struct venue_saying), &faults->allocator);
    msim_symbols_init(&report->requesters, faults->params.max_accounts, &faults->allocator);
    report->head = report->tail = report->lent = NOTHING;
    report->venue_head = report->venue_tail = report->venue_lent = NOTHING;
    *out = report;
    return MSIM_OK;
}

void msim_fault_saying_give(struct report *report, uint32_t index)
{
    struct saying *saying = saying_at(report, index);

    msim_mem_free(&report->faults->allocator, saying->text, saying->text_size);
    saying->text = NULL;
    msim_fault_pool_give(&report->sayings, index);
}

static void free_texts(struct report *report)
{
    /* Those that wait for a timer are named by it alone. */
    for (size_t i = 0; i < report->faults->timers.count; i++) {
        uint32_t item = (uint32_t)report->faults->timers.items[i].value;
        const struct timer_item *timer = pool_at(&report->faults->timer_items, item);
        if (timer->kind == TIMER_SAY)
            msim_fault_saying_give(report, timer->index);
    }
    for (uint32_t at = report->head; at != NOTHING;) {
        uint32_t next = saying_at(report, at)->next;
        msim_fault_saying_give(report, at);
        at = next;
    }
    if (report->lent != NOTHING)
        msim_fault_saying_give(report, report->lent);
}

static void free_accounts(struct report *report)
{
    for (size_t i = 0; i < report->account_count; i++)
        msim_fault_account_free(report, report->accounts[i]);
    report->account_count = 0;
    memset(report->recent, 0, sizeof report->recent);
    msim_fault_index_finish(&report->account_index, &report->faults->allocator);
}

void msim_fault_report_destroy(struct report **pointer)
{
    struct report *report = *pointer;
    if (!report)
        return;

    const struct msim_allocator *allocator = &report->faults->allocator;
    free_texts(report);
    free_accounts(report);
    msim_mem_free(allocator, report->accounts, report->account_capacity * sizeof *report->accounts);
    msim_mem_free(allocator, report->prices, report->price_capacity * sizeof *report->prices);
    msim_mem_free(allocator, report->requests, report->request_capacity * sizeof *report->requests);
    msim_symbols_finish(&report->requesters);
    msim_fault_pool_finish(&report->sayings);
    msim_fault_pool_finish(&report->venue_sayings);
    msim_mem_free(allocator, report, sizeof *report);
    *pointer = NULL;
}

void msim_fault_report_forget(struct msim_faults *faults, uint32_t slot)
{
    struct report *report = faults->report;

    for (size_t i = 0; report && i < report->account_count; i++) {
        struct account *account = report->accounts[i];
        if (!account->states)
            continue;
        msim_mem_free(&faults->allocator, account->states[slot], sizeof *account->states[slot]);
        account->states[slot] = NULL;
    }
    if (report)
        report->strangers[slot] = (struct state){0};
}

/* ---- saying ---- */

static void put_last(struct report *report, uint32_t index)
{
    saying_at(report, index)->next = NOTHING;
    if (report->tail == NOTHING)
        report->head = index;
    else
        saying_at(report, report->tail)->next = index;
    report->tail = index;
}

uint32_t msim_fault_saying_take(struct report *report, const struct strategy *strategy)
{
    if (strategy && msim_fault_sayings_full(report))
        return NOTHING;
    if (msim_fault_pool_reserve(&report->sayings, 1) < 0) {
        report->faults->failure = MSIM_ERR_NOMEM;
        return NOTHING;
    }
    uint32_t index = msim_fault_pool_take(&report->sayings);
    struct saying *saying = saying_at(report, index);
    *saying = (struct saying){.order = NOTHING, .next = NOTHING};
    saying->said.channel = -1;
    if (strategy)
        memcpy(saying->strategy, strategy->id, strategy->id_length + 1);
    return index;
}

static char *put_words(char *at, struct msim_fault_text text)
{
    if (text.length > 0)
        memcpy(at, text.text, text.length);
    at[text.length] = '\0';
    return at + text.length + 1;
}

int msim_fault_saying_words(struct report *report, struct saying *saying,
                            struct msim_fault_text text, struct msim_fault_text account,
                            struct msim_fault_text symbol)
{
    size_t size = text.length + account.length + symbol.length + 3;

    saying->text = msim_mem_take(&report->faults->allocator, size);
    if (!saying->text) {
        report->faults->failure = MSIM_ERR_NOMEM;
        return MSIM_ERR_NOMEM;
    }
    saying->text_size = size;
    saying->said.length = text.length;
    char *at = put_words(saying->text, text);
    saying->account = at;
    at = put_words(at, account);
    saying->symbol = at;
    put_words(at, symbol);
    return MSIM_OK;
}

void msim_fault_say_at(struct report *report, uint32_t index, msim_time when)
{
    struct msim_faults *faults = report->faults;
    struct timer_item item = {.kind = TIMER_SAY, .index = index};
    size_t before = faults->timers.count;

    saying_at(report, index)->said.time = when;
    if (when <= faults->now) {
        if (saying_at(report, index)->order != NOTHING)
            msim_fault_phantom_ends(report, saying_at(report, index));
        put_last(report, index);
        return;
    }
    msim_fault_timer(faults, when, &item);
    if (faults->timers.count == before)
        msim_fault_saying_give(report, index); /* no memory for the timer: the failure is told */
}

int msim_faults_said(struct msim_faults *faults, msim_time now, struct msim_fault_said *out)
{
    if (!faults || !out || now < faults->now)
        return MSIM_ERR_INVALID;
    struct report *report = faults->report;

    if (report->lent != NOTHING) {
        msim_fault_saying_give(report, report->lent);
        report->lent = NOTHING;
    }
    msim_fault_return_lent(faults);
    while (report->head == NOTHING && faults->failure == MSIM_OK &&
           msim_fault_advance_one(faults, now))
        ;
    if (faults->failure < 0)
        return msim_fault_failure(faults);
    if (report->head == NOTHING) {
        faults->now = now;
        return MSIM_PULL_EMPTY;
    }
    uint32_t index = report->head;
    struct saying *saying = saying_at(report, index);
    report->head = saying->next;
    if (report->head == NOTHING)
        report->tail = NOTHING;
    report->lent = index;
    saying->said.strategy = saying->strategy;
    saying->said.account = saying->account ? saying->account : "";
    saying->said.symbol = saying->symbol ? saying->symbol : "";
    saying->said.code_text = saying->code_text;
    saying->said.text = saying->text ? saying->text : "";
    *out = saying->said;
    return MSIM_PULL_RECORD;
}

/* ---- states by account ---- */

uint64_t msim_fault_account_key(const struct msim_faults *faults, const struct strategy *strategy,
                                const char *account)
{
    uint64_t hash = msim_fnv(strategy->id, strategy->id_length);

    hash = msim_fnv_more(hash, "|", 1);
    hash = msim_fnv_more(hash, account, strlen(account));
    hash = msim_fnv_more(hash, "|report", 7);
    return msim_mix64(hash ^ msim_mix64(faults->seed + UINT64_C(0x9E3779B97F4A7C15)));
}

struct state *msim_fault_account_state(struct report *report, struct account *account,
                                       uint32_t slot)
{
    struct msim_faults *faults = report->faults;
    const struct strategy *strategy = faults->slots[slot].strategy;
    char digits[NAME_DIGITS];

    if (!account->states)
        account->states =
            msim_mem_zero_array(&faults->allocator, STRATEGIES_MOST, sizeof *account->states);
    if (!account->states) {
        faults->failure = MSIM_ERR_NOMEM;
        return NULL;
    }
    if (account->states[slot])
        return account->states[slot];
    struct state *state = msim_mem_zero(&faults->allocator, sizeof *state);
    if (!state) {
        faults->failure = MSIM_ERR_NOMEM;
        return NULL;
    }
    state->key = msim_fault_account_key(faults, strategy,
                                        msim_fault_account_name(report, account->id, digits));
    state->counts.first_hit = state->counts.last_hit = MSIM_TIME_NEVER;
    account->states[slot] = state;
    return state;
}

/* ---- events ---- */

static int type_of(const struct msim_event *event)
{
    switch (event->kind) {
    case MSIM_EVENT_ACCEPTED:
        return MSIM_FAULT_EXEC_NEW;
    case MSIM_EVENT_REJECTED:
        return MSIM_FAULT_EXEC_REJECTED;
    case MSIM_EVENT_TRADE:
        return MSIM_FAULT_MD_TRADE;
    case MSIM_EVENT_FILL:
        return event->as.fill.leaves > 0 ? MSIM_FAULT_EXEC_PARTIAL : MSIM_FAULT_EXEC_FILL;
    case MSIM_EVENT_CANCELLED:
        return MSIM_FAULT_EXEC_CANCELED;
    case MSIM_EVENT_REPLACED:
        return MSIM_FAULT_EXEC_REPLACED;
    case MSIM_EVENT_EXPIRED:
        return MSIM_FAULT_EXEC_EXPIRED;
    case MSIM_EVENT_LEVEL:
    case MSIM_EVENT_BOOK_ORDER:
        return MSIM_FAULT_MD_DEPTH;
    case MSIM_EVENT_BALANCE:
        return MSIM_FAULT_BALANCE;
    case MSIM_EVENT_POSITION:
        return MSIM_FAULT_POSITION;
    case MSIM_EVENT_INSTRUMENT:
        return MSIM_FAULT_MD_STATUS;
    case MSIM_EVENT_BUSTED:
        return MSIM_FAULT_EXEC_BUST;
    case MSIM_EVENT_CORRECTED:
        return MSIM_FAULT_EXEC_CORRECT;
    default:
        return MSIM_FAULT_OTHER;
    }
}

msim_price msim_fault_last_price(const struct report *report, uint32_t instrument)
{
    for (size_t i = 0; i < report->price_count; i++)
        if (report->prices[i].instrument == instrument)
            return report->prices[i].price;
    return 0;
}

static bool say_copies(struct report *report, uint32_t slot_index, const struct msim_event *event,
                       const struct decision *decision, msim_time now)
{
    struct slot *slot = &report->faults->slots[slot_index];
    const struct dup_fill *dup = &slot->strategy->as.dup_fill;
    bool said_any = false;

    for (int64_t i = 0; i < dup->times; i++) {
        uint32_t sub = (uint32_t)i;
        uint64_t u = msim_random_at(decision->key, decision->n, PURPOSE_DELAY, sub);
        uint64_t pick = msim_random_at(decision->key, decision->n, PURPOSE_MIXTURE, sub);
        uint32_t index = msim_fault_saying_take(report, slot->strategy);
        if (index == NOTHING)
            return said_any;
        struct msim_fault_said *said = &saying_at(report, index)->said;
        msim_time when = moment_after(now, msim_fault_draw(&dup->after, u, pick));
        said->made = MSIM_FAULT_MADE_COPY;
        said->type = type_of(event);
        said->event = *event;
        said->exec = event->as.fill.trade;
        said->new_sequence = dup->mode != DUP_EXACT;
        said->possible_duplicate = dup->mode == DUP_RESEND;
        if (dup->mode != DUP_EXACT)
            said->event.time = when;
        if (dup->mode == DUP_REID)
            said->exec = MSIM_FAULT_EXEC_RESERVED + ++report->execs;
        said->injection = slot->emissions++;
        slot->kinds->report.emitted++;
        msim_fault_say_at(report, index, when);
        said_any = true;
    }
    return said_any;
}

/* What one strategy does at an event that it hit; false where there was nothing to do it to. */
static bool act_at_event(struct report *report, uint32_t slot, struct account *account,
                         const struct msim_event *event, const struct view *view,
                         const struct decision *decision, msim_time now)
{
    switch (report->faults->slots[slot].strategy->kind) {
    case MSIM_FAULT_PHANTOM_FILL:
        return msim_fault_phantom_emit(report, slot, account, decision, now);
    case MSIM_FAULT_DUP_FILL:
        return event->kind == MSIM_EVENT_FILL && say_copies(report, slot, event, decision, now);
    case MSIM_FAULT_INJECT:
        return msim_fault_inject_emit(report, slot, view, decision, now);
    case MSIM_FAULT_VENUE:
        return msim_fault_venue_emit(report, slot, now);
    default:
        return false;
    }
}

void msim_fault_report_acted(struct report *report, uint32_t slot_index, struct state *state,
                             const struct view *view, const struct decision *decision, bool acted,
                             msim_time now)
{
    struct slot *slot = &report->faults->slots[slot_index];
    struct trace_words words = {acted ? "hit" : "inapplicable", 0, decision->uniform};

    if (acted) {
        msim_fault_count_hit(&slot->counts, 0, now);
        if (state)
            msim_fault_count_hit(&state->counts, 0, now);
    } else {
        slot->counts.inapplicable++;
        if (state)
            state->counts.inapplicable++;
    }
    msim_fault_trace_said(report->faults, view->account, slot->strategy, view, decision->n, now,
                          &words);
}

bool msim_fault_stands_at_events(const struct strategy *strategy)
{
    if (!strategy->enabled || strategy->when.model == MODEL_RATE)
        return false;
    return strategy->kind == MSIM_FAULT_PHANTOM_FILL || strategy->kind == MSIM_FAULT_DUP_FILL ||
           strategy->kind == MSIM_FAULT_INJECT ||
           (strategy->kind == MSIM_FAULT_VENUE && strategy->as.venue.on_event);
}

static void at_event(struct report *report, uint32_t slot_index, struct account *account,
                     const struct msim_event *event, const struct view *view, uint64_t ordinal,
                     msim_time now)
{
    struct slot *slot = &report->faults->slots[slot_index];
    struct moment moment = {.now = now, .ordinal = ordinal, .view = view};

    slot->counts.seen++;
    if (!msim_fault_select(&slot->strategy->select, view) ||
        !msim_fault_phantom_is_for(slot->strategy, view->account) ||
        (slot->strategy->kind == MSIM_FAULT_DUP_FILL && event->kind != MSIM_EVENT_FILL))
        return;
    if (slot->strategy->when.by != BY_ORDINAL &&
        msim_fault_by_text(slot->strategy->when.by, view).length == 0)
        return;
    struct state *state = msim_fault_account_state(report, account, slot_index);
    if (!state)
        return;
    slot->counts.matched++;
    struct decision decision = msim_fault_decide(report->faults, slot, state, &moment);
    if (!decision.hit)
        return;
    slot->counts.decided++;
    bool acted = act_at_event(report, slot_index, account, event, view, &decision, now);
    msim_fault_report_acted(report, slot_index, state, view, &decision, acted, now);
    msim_fault_one_shot_done(report->faults, slot_index, now);
}

/* The event as it is told: with the phantom part of its order, where that sticks. */
static bool tell_sticky(struct report *report, struct account *account,
                        const struct msim_event *event)
{
    const struct known_order *order = msim_fault_order_find(account, event->order);
    const msim_qty phantom = order ? phantom_of(account->dealings, order) : 0;
    if (phantom == 0)
        return false;

    uint32_t index = msim_fault_saying_take(report, NULL);
    if (index == NOTHING)
        return false;
    struct msim_fault_said *said = &saying_at(report, index)->said;
    said->type = type_of(event);
    said->event = *event;
    said->new_sequence = true;
    if (event->kind == MSIM_EVENT_FILL) {
        said->exec = event->as.fill.trade;
        said->event.as.fill.filled = msim_fault_add_up(event->as.fill.filled, phantom);
        said->event.as.fill.leaves =
            event->as.fill.leaves > phantom ? event->as.fill.leaves - phantom : 0;
    } else {
        said->event.as.order.filled = msim_fault_add_up(event->as.order.filled, phantom);
    }
    msim_fault_say_at(report, index, report->faults->now);
    return true;
}

static void native_first(struct report *report, const struct msim_event *event)
{
    uint32_t index = msim_fault_saying_take(report, NULL);
    if (index == NOTHING)
        return;
    struct msim_fault_said *said = &saying_at(report, index)->said;
    said->type = type_of(event);
    said->event = *event;
    said->new_sequence = true;
    said->exec = event->kind == MSIM_EVENT_FILL ? event->as.fill.trade : 0;
    msim_fault_say_at(report, index, report->faults->now);
}

static struct msim_fault_text text_of(const char *text)
{
    return (struct msim_fault_text){text, strlen(text)};
}

static void at_all(struct report *report, struct account *account, const struct msim_event *event,
                   msim_time now)
{
    struct msim_faults *faults = report->faults;
    char digits[4][NAME_DIGITS];
    digits[3][msim_decimal_digits(event->order, digits[3])] = '\0';
    struct msim_fault_message message = {
        .type = type_of(event),
        .side = event->side,
        .symbol = text_of(msim_fault_symbol_name(report, event->instrument, digits[0])),
        .client_order_id =
            text_of(msim_fault_cid_name(report, event->account, event->client_id, digits[1])),
        .order_id = event->order ? text_of(digits[3]) : (struct msim_fault_text){0},
    };
    struct view view = {
        .message = &message,
        .account = text_of(msim_fault_account_name(report, event->account, digits[2])),
        .label = {"", 0},
        .direction = MSIM_FAULT_OUT,
        .channel = MSIM_FAULT_WS_PRIVATE,
    };
    uint64_t ordinal = account->events++;

    for (size_t i = 0; i < STRATEGIES_MOST; i++)
        if (faults->slots[i].strategy && msim_fault_stands_at_events(faults->slots[i].strategy))
            at_event(report, (uint32_t)i, account, event, &view, ordinal, now);
    msim_fault_scenario_event(faults, &view, event, now);
}

int msim_faults_report(struct msim_faults *faults, msim_time now, const struct msim_event *event)
{
    struct account *account = NULL;

    if (!faults || !event || now < faults->now)
        return MSIM_ERR_INVALID;
    struct report *report = faults->report;
    msim_fault_catch_up(faults, now);
    int r = msim_fault_ledger_note(report, event, &account);
    if (r < 0)
        return r;
    if (faults->last_scenario)
        msim_fault_scenario_ledger(faults);
    bool waits = report->head != NOTHING;
    bool told = account->has_phantoms && tell_sticky(report, account, event);
    if (!told && waits)
        native_first(report, event);
    if (report->reporters > 0 || faults->scenario)
        at_all(report, account, event, now);
    if (told || waits)
        return MSIM_FAULT_TAKEN;
    return MSIM_FAULT_PASS; /* what was made up at it comes behind it */
}

/* ---- time and calls ---- */

void msim_fault_report_timer(struct msim_faults *faults, const struct timer_item *item,
                             msim_time now)
{
    struct report *report = faults->report;

    if (item->kind == TIMER_SAY) {
        struct saying *saying = saying_at(report, item->index);
        if (saying->order != NOTHING)
            msim_fault_phantom_ends(report, saying);
        put_last(report, item->index);
        return;
    }
    struct slot *slot = &faults->slots[item->slot];
    if (!slot->strategy || !slot->strategy->enabled || slot->epoch != item->generation)
        return;
    if (slot->strategy->when.model == MODEL_RATE)
        msim_fault_report_next(report, item->slot, now);
    else
        msim_fault_moment_came(faults, item->slot, now);
    if (msim_fault_time_may_act(faults, item->slot, now))
        msim_fault_report_cause(report, item->slot, now);
}

void msim_fault_report_reset(struct msim_faults *faults)
{
    free_accounts(faults->report);
    faults->report->execs = 0;
    for (size_t i = 0; i < faults->report->request_capacity; i++)
        faults->report->requests[i] = 0;
}

/* What was to be said later is said now, in the order of its moments; clocks are true again. */
void msim_fault_report_heal(struct msim_faults *faults, msim_time now)
{
    struct report *report = faults->report;

    for (;;) {
        size_t first = SIZE_MAX;
        for (size_t i = 0; i < faults->timers.count; i++) {
            const struct msim_due_item *due = &faults->timers.items[i];
            const struct timer_item *item = pool_at(&faults->timer_items, (uint32_t)due->value);
            if (item->kind != TIMER_SAY)
                continue;
            const struct msim_due_item *best =
                first == SIZE_MAX ? NULL : &faults->timers.items[first];
            if (!best || due->due < best->due ||
                (due->due == best->due && due->arrival < best->arrival))
                first = i;
        }
        if (first == SIZE_MAX)
            return;
        uint32_t place = (uint32_t)faults->timers.items[first].value;
        struct timer_item *item = pool_at(&faults->timer_items, place);
        struct timer_item said = *item;
        item->kind = TIMER_NOTHING; /* the timer finds nothing to do when its time comes */
        saying_at(report, said.index)->said.time = now;
        msim_fault_report_timer(faults, &said, now);
    }
}
