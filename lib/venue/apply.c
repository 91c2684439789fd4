/*
 * A command's way: into the journal, into the engine, and what came of it to whom it concerns.
 */
#include <string.h>

#include "base/mem.h"
#include "venue/inside.h"

#define RETRIES 3 /* of an append whose outcome is unknown */

/* A client id that no order has. */
#define NOBODY UINT64_MAX

/* ---- the journal ---- */

static int of_result(int result)
{
    switch (result) {
    case MSIM_JOURNAL_OK:
        return MSIM_OK;
    case MSIM_JOURNAL_AGAIN:
    case MSIM_JOURNAL_FULL:
        return MSIM_ERR_LIMIT;
    case MSIM_JOURNAL_FENCED:
    case MSIM_JOURNAL_CORRUPT:
    case MSIM_JOURNAL_TRIMMED:
        return MSIM_ERR_STATE;
    case MSIM_JOURNAL_CLOSED:
        return MSIM_ERR_CLOSED;
    default:
        return MSIM_ERR_IO;
    }
}

/* One attempt: an enum msim_journal_result, or a failure. */
static int append_once(struct msim_journal *journal, const struct msim_batch_id *id,
                       const struct msim_journal_piece *bytes)
{
    struct msim_journal_event event;
    uint64_t ticket;
    size_t count;
    int r = msim_journal_append(journal, id, bytes, 1, MSIM_JOURNAL_ANY, &ticket);

    while (r == MSIM_OK) {
        r = msim_journal_poll(journal, &event, 1, &count);
        if (r == MSIM_OK && count == 0)
            return MSIM_JOURNAL_UNKNOWN;
        if (r == MSIM_OK && event.kind == MSIM_JOURNAL_APPENDED && event.ticket == ticket)
            return event.result;
    }
    return r;
}

static int journal(struct msim_venue *venue, const struct msim_command *commands, size_t count,
                   const char *text, size_t length)
{
    struct msim_batch_id id;
    struct msim_journal_piece bytes;
    int r = MSIM_OK;

    for (size_t i = 0; r == MSIM_OK && i < count; i++)
        r = msim_batch_add(venue->writer, &commands[i], i == 0 ? text : NULL, i == 0 ? length : 0);
    if (r == MSIM_OK)
        r = msim_batch_end(venue->writer, &id, &bytes);
    if (r == MSIM_OK) {
        r = MSIM_JOURNAL_UNKNOWN;
        for (int i = 0; i < RETRIES && r == MSIM_JOURNAL_UNKNOWN; i++)
            r = append_once(venue->params.journal, &id, &bytes);
        r = r < 0 ? r : of_result(r);
    }
    if (r < 0)
        msim_batch_drop(venue->writer);
    else
        msim_batch_taken(venue->writer);
    return r;
}

/* ---- events ---- */

#define KIND(kind) (1U << MSIM_EVENT_##kind)
#define PUBLIC_KINDS                                                                  \
    (KIND(TRADE) | KIND(LEVEL) | KIND(BOOK_ORDER) | KIND(INSTRUMENT) | KIND(BUSTED) | \
     KIND(CORRECTED))

static inline bool is_one_of(const struct msim_event *event, unsigned kinds)
{
    return event->kind < 32 && kinds >> event->kind & 1;
}

bool msim_venue_is_public(const struct msim_event *event)
{
    return is_one_of(event, PUBLIC_KINDS);
}

static int type_of_refusal(uint8_t command_kind)
{
    switch (command_kind) {
    case MSIM_COMMAND_CANCEL:
    case MSIM_COMMAND_CANCEL_ALL:
    case MSIM_COMMAND_MASS_CANCEL:
        return MSIM_FAULT_REJECT_CANCEL;
    case MSIM_COMMAND_REPLACE:
        return MSIM_FAULT_REJECT_REPLACE;
    default:
        return MSIM_FAULT_REJECT_NEW;
    }
}

int msim_venue_event_type(const struct msim_event *event)
{
    switch (event->kind) {
    case MSIM_EVENT_ACCEPTED:
        return MSIM_FAULT_ACK_NEW;
    case MSIM_EVENT_REJECTED:
        return type_of_refusal(event->command_kind);
    case MSIM_EVENT_TRADE:
        return MSIM_FAULT_MD_TRADE;
    case MSIM_EVENT_FILL:
        return event->as.fill.leaves > 0 ? MSIM_FAULT_EXEC_PARTIAL : MSIM_FAULT_EXEC_FILL;
    case MSIM_EVENT_CANCELLED:
        return event->code == MSIM_CANCEL_REQUESTED ? MSIM_FAULT_ACK_CANCEL
                                                    : MSIM_FAULT_EXEC_CANCELED;
    case MSIM_EVENT_REPLACED:
        return MSIM_FAULT_ACK_REPLACE;
    case MSIM_EVENT_TRIGGERED:
        return MSIM_FAULT_EXEC_NEW;
    case MSIM_EVENT_EXPIRED:
        return MSIM_FAULT_EXEC_EXPIRED;
    case MSIM_EVENT_MASS_CANCELLED:
        return MSIM_FAULT_ACK_CANCEL;
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

static void touch(struct msim_venue *venue, uint32_t instrument)
{
    struct market *market = &venue->markets[instrument];

    if (market->touched)
        return;
    market->touched = true;
    market->touched_next = venue->touched;
    venue->touched = instrument + 1;
}

/* What the venue itself learns from an event. */
static int learn(struct msim_venue *venue, const struct msim_event *event)
{
    if (event->kind == MSIM_EVENT_LEVEL) {
        touch(venue, event->instrument);
        return MSIM_OK;
    }
    if (event->kind == MSIM_EVENT_TRADE) {
        if (venue->markets[event->instrument].driver == DRIVER_HISTORY)
            return MSIM_OK; /* its tape is history's */
        const struct sale sale = {
            .time = event->time,
            .trade = event->as.trade.trade,
            .price = event->as.trade.price,
            .quantity = event->as.trade.quantity,
            .notional = event->as.trade.notional,
            .side = event->side,
        };
        return msim_market_trade(venue, event->instrument, &sale);
    }
    if (is_one_of(event, PUBLIC_KINDS | KIND(BALANCE) | KIND(POSITION)))
        return MSIM_OK;
    if (event->account < MSIM_VENUE_FIRST_ACCOUNT) {
        venue->statistics.house_refused += event->kind == MSIM_EVENT_REJECTED;
        if (event->instrument < venue->market_count) {
            msim_liquidity_event(venue, event);
            msim_history_event(venue, event);
        }
        return MSIM_OK;
    }
    return venue->params.flags & MSIM_VENUE_NO_HISTORIES ? MSIM_OK
                                                         : msim_orders_event(venue, event);
}

/* Whether the event answers the command itself. */
static bool is_answer(const struct msim_venue *venue, const struct msim_event *event)
{
    if (!venue->current || event->command != venue->current->sequence ||
        event->account != venue->current->account)
        return false;
    switch (event->kind) {
    case MSIM_EVENT_ACCEPTED:
    case MSIM_EVENT_REJECTED:
    case MSIM_EVENT_REPLACED:
    case MSIM_EVENT_MASS_CANCELLED:
        return true;
    case MSIM_EVENT_CANCELLED:
        return event->code <= MSIM_CANCEL_MASS;
    default:
        return false;
    }
}

static void fill_in(struct output *output, const struct msim_event *event, bool is_public)
{
    output->kind = MSIM_VENUE_EVENT;
    output->type = (uint16_t)msim_venue_event_type(event);
    output->time = event->time;
    if (!is_public)
        output->account = event->account;
    if (event->kind == MSIM_EVENT_FILL)
        output->exec = event->as.fill.trade;
    output->as.event = *event;
}

/* A trade that history makes with itself, for orders that wait for its price. */
static bool is_print(const struct msim_venue *venue, const struct msim_event *event)
{
    return event->kind == MSIM_EVENT_TRADE &&
           event->as.trade.maker_account < MSIM_VENUE_FIRST_ACCOUNT &&
           event->as.trade.taker_account < MSIM_VENUE_FIRST_ACCOUNT &&
           venue->markets[event->instrument].driver == DRIVER_HISTORY;
}

static int give(struct msim_venue *venue, const struct msim_event *event, bool is_public)
{
    struct output *output;

    if (msim_taps_inside(venue)) {
        struct output made = {.tag = venue->tag, .account = MSIM_VENUE_PUBLIC};
        fill_in(&made, event, is_public);
        return msim_taps_send(venue, &made);
    }
    int r = msim_venue_output_add(venue, &output);
    if (r == MSIM_OK)
        fill_in(output, event, is_public);
    return r;
}

/* Whether somebody pulls events of this kind. */
static bool is_told(const struct msim_venue *venue, uint8_t kind)
{
    static const uint8_t bits[] = {
        [MSIM_EVENT_TRADE] = MSIM_EVENTS_TRADE,
        [MSIM_EVENT_LEVEL] = MSIM_EVENTS_LEVEL,
        [MSIM_EVENT_BOOK_ORDER] = MSIM_EVENTS_BOOK_ORDER,
        [MSIM_EVENT_BALANCE] = MSIM_EVENTS_BALANCE,
        [MSIM_EVENT_POSITION] = MSIM_EVENTS_POSITION,
    };

    return kind >= sizeof bits || bits[kind] == 0 || (venue->told & bits[kind]) != 0;
}

/* What is between the venue's own accounts is nobody's. */
static bool concerns_somebody(const struct msim_venue *venue, const struct msim_event *event)
{
    return is_one_of(event, PUBLIC_KINDS) ? !is_print(venue, event)
                                          : event->account >= MSIM_VENUE_FIRST_ACCOUNT;
}

/* What nobody pulls, or was asked not to be said. */
static bool is_kept_back(const struct msim_venue *venue, const struct msim_event *event)
{
    return !is_told(venue, event->kind) || (venue->silent && is_answer(venue, event));
}

static int tell(struct msim_venue *venue, const struct msim_event *event)
{
    if (!concerns_somebody(venue, event))
        return MSIM_OK;
    int r = msim_taps_report(venue, event);
    if (r == MSIM_FAULT_PASS && !is_kept_back(venue, event))
        r = give(venue, event, is_one_of(event, PUBLIC_KINDS));
    if (r >= 0)
        r = msim_taps_reported(venue);
    return r < 0 ? r : MSIM_OK;
}

/* The same without a layer, or while it says nothing: it has noted them all. */
static int tell_plainly(struct msim_venue *venue, const struct msim_event *event)
{
    return is_kept_back(venue, event) || !concerns_somebody(venue, event)
               ? MSIM_OK
               : give(venue, event, is_one_of(event, PUBLIC_KINDS));
}

/*
 * The layer's books of events that it has nothing to say to: a run of them at a time.
 * MSIM_ERR_STATE where it may have: then each is shown to it.
 */
static int note(struct msim_venue *venue, const struct msim_event *events, size_t count)
{
    int r = MSIM_OK;

    for (size_t i = 0; r == MSIM_OK && i < count; i++) {
        const size_t begin = i;
        while (i < count && concerns_somebody(venue, &events[i]))
            i++;
        if (i > begin)
            r = msim_taps_note(venue, &events[begin], i - begin);
    }
    return r;
}

/* All that the last apply brought about.  What cannot be told for want of room is a failure. */
static int collect(struct msim_venue *venue)
{
    size_t count;
    const struct msim_event *events = msim_engine_events(venue->engine, &count);
    int r = venue->faults ? note(venue, events, count) : MSIM_OK;
    const bool quiet = r != MSIM_ERR_STATE;

    if (!quiet)
        r = MSIM_OK;
    for (size_t i = 0; r == MSIM_OK && i < count; i++) {
        r = learn(venue, &events[i]);
        if (r == MSIM_OK)
            r = quiet ? tell_plainly(venue, &events[i]) : tell(venue, &events[i]);
    }
    venue->statistics.events += count;
    while (venue->touched) {
        const uint32_t instrument = venue->touched - 1;
        venue->touched = venue->markets[instrument].touched_next;
        const int settled = msim_market_settle(venue, instrument);
        r = r < 0 ? r : settled;
    }
    return r;
}

/* ---- applying ---- */

/* What is journaled is applied; what there was no memory for comes first the next time. */
static int apply_owed(struct msim_venue *venue)
{
    while (venue->owed_done < venue->owed_count) {
        const struct msim_command *command = &venue->owed[venue->owed_done];
        venue->current = command;
        int r = msim_engine_apply(venue->engine, command);
        const int told = collect(venue);
        venue->current = NULL;
        if (r < 0)
            return r;
        venue->owed_done++;
        venue->statistics.commands++;
        venue->statistics.house_commands += command->account < MSIM_VENUE_FIRST_ACCOUNT;
        if (told < 0)
            return told;
    }
    return MSIM_OK;
}

int msim_venue_apply(struct msim_venue *venue, const struct msim_command *commands, size_t count,
                     const char *text, size_t length, uint64_t tag)
{
    int r = apply_owed(venue);

    if (r < 0 || count == 0)
        return r;
    const uint64_t sequence = msim_engine_sequence(venue->engine);
    for (size_t i = 0; i < count; i++) {
        venue->owed[i] = commands[i];
        venue->owed[i].sequence = sequence + i + 1;
        if (venue->owed[i].time < venue->now)
            venue->owed[i].time = venue->now;
        venue->now = venue->owed[i].time;
    }
    venue->owed_count = 0;
    venue->owed_done = 0;
    if (venue->writer) {
        r = journal(venue, venue->owed, count, text, length);
        if (r < 0)
            return r;
    }
    venue->owed_count = count;
    venue->tag = tag;
    r = apply_owed(venue);
    if (r < 0 && !venue->writer)
        venue->owed_count = venue->owed_done; /* it did not happen: nobody wrote it down */
    venue->tag = 0;
    return r;
}

int msim_venue_execute(struct msim_venue *venue, const struct msim_command *command,
                       const char *text, size_t length, uint64_t tag, bool silent)
{
    struct msim_command named = *command;

    named.client_id = 0;
    if (length > 0 && named.kind == MSIM_COMMAND_NEW) {
        int r = msim_clients_get(venue, named.account, text, length, &named.client_id);
        if (r < 0)
            return r;
    } else if (length > 0 && named.order == 0 &&
               (named.kind == MSIM_COMMAND_CANCEL || named.kind == MSIM_COMMAND_REPLACE)) {
        named.client_id = msim_clients_find(venue, named.account, text, length);
        if (named.client_id == 0)
            named.client_id = NOBODY;
    }
    if (named.kind != MSIM_COMMAND_NEW)
        length = 0;
    venue->silent = silent;
    const int r = msim_venue_apply(venue, &named, 1, text, length, tag);
    venue->silent = false;
    return r;
}

/* ---- a log into an engine ---- */

static int apply_logged(void *context, const struct msim_command *command, const char *text,
                        size_t length)
{
    (void)text;
    (void)length;
    return msim_engine_apply(context, command);
}

int msim_venue_replay(struct msim_engine *engine, struct msim_journal *journal, uint64_t from,
                      uint64_t *last, struct msim_detail *detail)
{
    if (!engine)
        return MSIM_ERR_INVALID;
    return msim_journal_replay(journal, from, apply_logged, engine, last, detail);
}
