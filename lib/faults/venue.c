/*
 * What the venue does: engine commands, to be journaled like any client's.
 */
#include "faults/report.h"

#include <assert.h>
#include <string.h>

#include "base/decimal.h"

uint32_t msim_fault_venue_take(struct report *report, const struct strategy *strategy)
{
    if (report->venue_sayings.used >= VENUE_SAYINGS_MOST)
        return NOTHING;
    if (msim_fault_pool_reserve(&report->venue_sayings, 1) < 0) {
        report->faults->failure = MSIM_ERR_NOMEM;
        return NOTHING;
    }
    uint32_t index = msim_fault_pool_take(&report->venue_sayings);
    struct venue_saying *saying = pool_at(&report->venue_sayings, index);
    memset(saying, 0, sizeof *saying);
    memcpy(saying->strategy, strategy->id, strategy->id_length + 1);
    saying->next = NOTHING;
    if (report->venue_tail == NOTHING)
        report->venue_head = index;
    else
        ((struct venue_saying *)pool_at(&report->venue_sayings, report->venue_tail))->next = index;
    report->venue_tail = index;
    return index;
}

static bool find_instrument(const struct report *report, const char *symbol,
                            struct msim_fault_instrument *out)
{
    const struct msim_fault_names *names = &report->names;

    *out = (struct msim_fault_instrument){.instrument = MSIM_ALL_INSTRUMENTS};
    if (!symbol)
        return true;
    if (names->instrument)
        return names->instrument(names->context, symbol, out) == MSIM_OK;
    int64_t number = 0;
    if (msim_decimal_parse(symbol, strlen(symbol), 0, &number) < 0 || number < 0 ||
        number >= MSIM_ALL_INSTRUMENTS)
        return false;
    out->instrument = (uint32_t)number;
    return true;
}

static bool set_state(struct msim_command *command, uint8_t state, uint8_t flags)
{
    command->kind = MSIM_COMMAND_SET_STATE;
    command->state = state;
    command->flags = flags;
    return true;
}

static bool set_number(struct msim_command *command, const struct venue_fault *fault,
                       const struct msim_fault_instrument *found)
{
    int64_t value = 0;
    bool lot = fault->what == VENUE_LOT_CHANGE;
    bool notional = fault->what == VENUE_MIN_NOTIONAL_CHANGE;
    int exponent = lot        ? found->quantity_exponent
                   : notional ? found->quote_exponent
                              : found->price_exponent;

    if (msim_decimal_rescale(fault->mantissa, fault->exponent, exponent, &value) < 0)
        return false;
    if (lot) {
        command->kind = MSIM_COMMAND_SET_LOT;
        command->quantity = value;
    } else if (notional) {
        command->kind = MSIM_COMMAND_SET_MIN_NOTIONAL;
        command->amount = value;
    } else {
        command->kind =
            fault->what == VENUE_TICK_CHANGE ? MSIM_COMMAND_SET_TICK : MSIM_COMMAND_CORRECT;
        command->price = value;
    }
    return true;
}

static bool make_command(struct msim_command *command, const struct venue_fault *fault,
                         const struct msim_fault_instrument *found)
{
    command->instrument = found->instrument;
    switch (fault->what) {
    case VENUE_HALT:
        return set_state(command, MSIM_STATE_HALTED, 0);
    case VENUE_RESUME:
        return set_state(command, MSIM_STATE_TRADING, 0);
    case VENUE_CANCEL_ONLY:
        return set_state(command, MSIM_STATE_CANCEL_ONLY, 0);
    case VENUE_POST_ONLY:
        return set_state(command, MSIM_STATE_POST_ONLY, 0);
    case VENUE_MAINTENANCE:
        return set_state(command, MSIM_STATE_HALTED,
                         fault->expire ? MSIM_COMMAND_EXPIRE_ORDERS : 0);
    case VENUE_BUST_TRADE:
        command->kind = MSIM_COMMAND_BUST;
        command->trade = fault->id;
        command->flags = fault->allow_negative ? MSIM_COMMAND_ALLOW_NEGATIVE : 0;
        return true;
    case VENUE_CORRECT_TRADE:
        command->trade = fault->id;
        command->flags = fault->allow_negative ? MSIM_COMMAND_ALLOW_NEGATIVE : 0;
        return set_number(command, fault, found);
    default:
        return set_number(command, fault, found);
    }
}

/* The plan was held against the room. */
static void copy_text(char *to, size_t size, const char *text)
{
    size_t length = text ? strlen(text) : 0;

    assert(length < size);
    (void)size;
    if (length > 0)
        memcpy(to, text, length);
    to[length] = '\0';
}

bool msim_fault_venue_emit(struct report *report, uint32_t slot_index, msim_time now)
{
    struct slot *slot = &report->faults->slots[slot_index];
    const struct venue_fault *fault = &slot->strategy->as.venue;
    struct msim_fault_instrument found;
    struct msim_command command = {.time = now};
    bool is_command = fault->what != VENUE_SHOCK && fault->what != VENUE_NOTICE;

    if (!find_instrument(report, fault->symbol, &found) ||
        (is_command && !make_command(&command, fault, &found)))
        return false;
    uint32_t index = msim_fault_venue_take(report, slot->strategy);
    if (index == NOTHING)
        return false;
    struct venue_saying *saying = pool_at(&report->venue_sayings, index);
    saying->action.kind = is_command                   ? MSIM_FAULT_VENUE_COMMAND
                          : fault->what == VENUE_SHOCK ? MSIM_FAULT_VENUE_SHOCK
                                                       : MSIM_FAULT_VENUE_NOTICE;
    saying->action.time = now;
    saying->action.command = command;
    saying->action.levels = (uint64_t)fault->levels;
    saying->action.side = fault->side;
    saying->action.recover_after = fault->recover_after;
    copy_text(saying->symbol, sizeof saying->symbol, fault->symbol);
    copy_text(saying->text, sizeof saying->text, fault->text);
    slot->emissions++;
    slot->kinds->report.emitted++;
    return true;
}

int msim_faults_venue(struct msim_faults *faults, msim_time now,
                      struct msim_fault_venue_action *out)
{
    if (!faults || !out || now < faults->now)
        return MSIM_ERR_INVALID;
    struct report *report = faults->report;

    if (report->venue_lent != NOTHING) {
        msim_fault_pool_give(&report->venue_sayings, report->venue_lent);
        report->venue_lent = NOTHING;
    }
    msim_fault_return_lent(faults);
    while (report->venue_head == NOTHING && faults->failure == MSIM_OK &&
           msim_fault_advance_one(faults, now))
        ;
    if (faults->failure < 0)
        return msim_fault_failure(faults);
    if (report->venue_head == NOTHING) {
        faults->now = now;
        return MSIM_PULL_EMPTY;
    }
    uint32_t index = report->venue_head;
    struct venue_saying *saying = pool_at(&report->venue_sayings, index);
    report->venue_head = saying->next;
    if (report->venue_head == NOTHING)
        report->venue_tail = NOTHING;
    report->venue_lent = index;
    saying->action.symbol = saying->symbol;
    saying->action.text = saying->text;
    saying->action.strategy = saying->strategy;
    *out = saying->action;
    return MSIM_PULL_RECORD;
}
