#include "quiet.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "copy.h"
#include "text.h"

#define MOST_IN_BATCH 64
/* Of so many commands that name an order, one does by its number; a profile may say otherwise. */
#define BY_NUMBER_IN 2500
/* The tables that were made are asked more often whether they are right. */
#define BY_NUMBER_LOUD_IN 3
/* It dies and goes on from its snapshot after so many commands; so soon where tables were made. */
#define SWAP_IN 2500
#define SWAP_LOUD_IN 150
/* Of so many scans one makes a copy. */
#define COPY_IN 4
#define TOLD (MSIM_EVENTS_ORDER | MSIM_EVENTS_TRADE | MSIM_EVENTS_FILL)

struct quiet {
    const struct profile *profile;
    struct msim_engine *engine;
    struct dice dice;
    uint32_t *slots; /* by the order's number, as ACCEPTED told them; 0: not yet */
    size_t slot_capacity;
    /* What is to be applied, with the numbers of these commands, and what it has to tell. */
    struct msim_command batch[MOST_IN_BATCH];
    uint64_t numbers[MOST_IN_BATCH];
    size_t count;
    size_t size; /* so many, and it is applied */
    bool numbered;
    struct msim_event *wanted;
    size_t wanted_count;
    size_t wanted_capacity;
    uint64_t done;     /* commands of this episode */
    uint64_t sequence; /* of its last event */
    bool loud;         /* a command asked for what only tables answer */
    uint64_t quiet_commands;
    uint64_t loud_commands;
    uint64_t turns; /* from quiet to loud behind others of a batch */
};

static _Noreturn void fail(const struct quiet *quiet, const char *what)
{
    fprintf(stderr,
            "differential: the quiet twin: profile %s, command %" PRIu64 " of the episode: %s\n",
            quiet->profile->name, quiet->done, what);
    exit(1);
}

struct quiet *quiet_create(uint64_t seed)
{
    struct quiet *quiet = calloc(1, sizeof *quiet);

    if (!quiet)
        exit(1);
    quiet->dice.state = seed ^ UINT64_C(0x7177696574747769);
    return quiet;
}

void quiet_destroy(struct quiet *quiet)
{
    free(quiet->slots);
    free(quiet->wanted);
    free(quiet);
}

static void set_up(const struct quiet *quiet, struct msim_engine_params *params)
{
    flow_setup_engine(quiet->profile, params);
    params->events = TOLD;
}

static void begin_batch(struct quiet *quiet)
{
    quiet->count = 0;
    quiet->wanted_count = 0;
    quiet->size = (size_t)between(&quiet->dice, 1, MOST_IN_BATCH);
    quiet->numbered = one_in(&quiet->dice, 4);
}

void quiet_start(struct quiet *quiet, const struct profile *profile)
{
    struct msim_engine_params params = MSIM_ENGINE_PARAMS_INIT;
    struct msim_detail detail = {""};

    quiet->profile = profile;
    quiet->done = 0;
    quiet->sequence = 0;
    quiet->loud = false;
    if (quiet->slots)
        memset(quiet->slots, 0, quiet->slot_capacity * sizeof *quiet->slots);
    set_up(quiet, &params);
    if (flow_engine(profile, &params, &quiet->engine, &detail) < 0)
        fail(quiet, detail.text);
    begin_batch(quiet);
}

/* What it tells, of all that there is. */
static bool is_told(uint8_t kind)
{
    return kind != MSIM_EVENT_LEVEL && kind != MSIM_EVENT_BOOK_ORDER &&
           kind != MSIM_EVENT_BALANCE && kind != MSIM_EVENT_POSITION;
}

/* The model's events as the twin has to tell them for the command that it is sent. */
static void want(struct quiet *quiet, const struct msim_command *sent,
                 const struct msim_event *events, size_t count)
{
    if (quiet->wanted_count + count > quiet->wanted_capacity) {
        quiet->wanted_capacity = 2 * (quiet->wanted_count + count);
        quiet->wanted = realloc(quiet->wanted, quiet->wanted_capacity * sizeof *quiet->wanted);
        if (!quiet->wanted)
            fail(quiet, "out of memory");
    }
    for (size_t i = 0; i < count; i++) {
        if (!is_told(events[i].kind))
            continue;
        struct msim_event *event = &quiet->wanted[quiet->wanted_count++];
        *event = events[i];
        event->sequence = quiet->sequence + quiet->wanted_count;
        if (event->kind == MSIM_EVENT_REJECTED)
            event->order = sent->order;
    }
}

static void print_sent(const struct quiet *quiet, uint64_t number)
{
    for (size_t i = 0; i < quiet->count; i++) {
        if (quiet->numbers[i] == number)
            print_command(stderr, &quiet->batch[i]);
    }
}

/* The events of one call, which may have applied a part of the batch. */
static void compare(const struct quiet *quiet, const struct msim_event *events, size_t count,
                    const struct msim_event *wanted, size_t wanted_count)
{
    const size_t at = events_part(events, count, wanted, wanted_count);

    if (at == count && at == wanted_count)
        return;
    print_apart(stderr, "quiet twin", events, count, at);
    print_apart(stderr, "model", wanted, wanted_count, at);
    print_sent(quiet, at < wanted_count ? wanted[at].command : events[at].command);
    fail(quiet, "the twin and the model tell different things");
}

static void learn(struct quiet *quiet, const struct msim_event *events, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (events[i].kind != MSIM_EVENT_ACCEPTED || events[i].flags)
            continue;
        if (events[i].order >= quiet->slot_capacity) {
            const size_t before = quiet->slot_capacity;
            quiet->slot_capacity = 2 * (size_t)events[i].order + 1024;
            quiet->slots = realloc(quiet->slots, quiet->slot_capacity * sizeof *quiet->slots);
            if (!quiet->slots)
                fail(quiet, "out of memory");
            memset(&quiet->slots[before], 0,
                   (quiet->slot_capacity - before) * sizeof *quiet->slots);
        }
        quiet->slots[events[i].order] = events[i].slot;
    }
}

/* The batch is applied, in as many calls as it takes. */
static void flush(struct quiet *quiet)
{
    size_t done = 0;
    size_t seen = 0;

    while (done < quiet->count) {
        size_t applied = 0;
        size_t count;
        const int r = msim_engine_apply_many(quiet->engine, &quiet->batch[done],
                                             quiet->count - done, &applied);
        if (r < 0 || r == MSIM_APPLY_PENDING || applied == 0)
            fail(quiet, "the twin refused to apply");
        done += applied;
        const struct msim_event *events = msim_engine_events(quiet->engine, &count);
        const size_t left = quiet->wanted_count - seen;
        compare(quiet, events, count, &quiet->wanted[seen],
                done < quiet->count && count < left ? count : left);
        learn(quiet, events, count);
        seen += count;
    }
    quiet->sequence += seen;
    begin_batch(quiet);
}

static void audit(const struct quiet *quiet, const struct msim_engine *engine)
{
    struct msim_detail detail = {""};

    if (msim_engine_audit(engine, &detail) < 0)
        fail(quiet, detail.text);
}

/* Its last question is a loud one; the engine that goes on was asked nothing. */
static void swap(struct quiet *quiet)
{
    struct msim_engine_params params = MSIM_ENGINE_PARAMS_INIT;
    struct msim_engine *other = NULL;
    struct msim_detail detail = {""};

    flush(quiet);
    set_up(quiet, &params);
    if (one_in(&quiet->dice, 2)) {
        params.orders = (uint32_t)between(&quiet->dice, 1, 100);
        params.window_levels = (uint32_t)64 << between(&quiet->dice, 0, 8);
    }
    if (engine_copy(quiet->engine, &params, &other, &detail) < 0)
        fail(quiet, detail.text);
    audit(quiet, quiet->engine);
    msim_engine_destroy(&quiet->engine);
    quiet->engine = other;
    quiet->loud = false;
}

static void turn_loud(struct quiet *quiet)
{
    quiet->turns += !quiet->loud && quiet->count > 0;
    quiet->loud = true;
}

static uint32_t slot_of(const struct quiet *quiet, uint64_t order)
{
    return order < quiet->slot_capacity ? quiet->slots[order] : 0;
}

static uint32_t by_number_in(const struct quiet *quiet)
{
    if (quiet->loud)
        return BY_NUMBER_LOUD_IN;
    return quiet->profile->by_number ? quiet->profile->by_number : BY_NUMBER_IN;
}

/*
 * The order that the command names, by its handle.  One that the same batch brought about has told
 * none yet: it is among the last ones, whose numbers need no table.  What is not there goes by
 * handle alone, of its slot or of another's, or the engine would look for its number.
 */
static void name_order(struct quiet *quiet, struct msim_command *sent, bool found)
{
    const uint64_t order = sent->order ? sent->order : sent->handle >> 32;

    sent->order = order;
    sent->handle = 0;
    if (one_in(&quiet->dice, by_number_in(quiet))) {
        turn_loud(quiet);
        return;
    }
    if (found && slot_of(quiet, order) == 0) {
        if (one_in(&quiet->dice, 2))
            return;
        flush(quiet);
    }
    const uint32_t slot = slot_of(quiet, order);
    sent->handle = order << 32 | (slot ? slot : 1);
    if (!found || one_in(&quiet->dice, 5))
        sent->order = 0;
}

static bool was_found(const struct msim_event *events, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (events[i].kind == MSIM_EVENT_REJECTED && events[i].code == MSIM_REJECT_ORDER_NOT_FOUND)
            return false;
    }
    return true;
}

static void put(struct quiet *quiet, const struct msim_command *sent)
{
    quiet->batch[quiet->count] = *sent;
    if (quiet->numbered)
        quiet->batch[quiet->count].sequence = quiet->done;
    quiet->numbers[quiet->count] = quiet->done;
    quiet->count++;
}

void quiet_apply(struct quiet *quiet, const struct msim_command *command,
                 const struct msim_event *events, size_t count)
{
    struct msim_command sent = *command;
    const bool changes = sent.kind == MSIM_COMMAND_CANCEL || sent.kind == MSIM_COMMAND_REPLACE;

    if (changes && (sent.order || sent.handle))
        name_order(quiet, &sent, was_found(events, count));
    /* These look for an account's orders, or for several by their numbers. */
    if (sent.kind == MSIM_COMMAND_CANCEL_ALL || sent.kind == MSIM_COMMAND_MASS_CANCEL ||
        (sent.kind == MSIM_COMMAND_SET_STATE && sent.flags & MSIM_COMMAND_EXPIRE_ORDERS))
        turn_loud(quiet);
    quiet->done++;
    *(quiet->loud ? &quiet->loud_commands : &quiet->quiet_commands) += 1;
    want(quiet, &sent, events, count);
    put(quiet, &sent);
    /* With its number it may come twice; the second is passed over. */
    if (quiet->numbered && quiet->count < MOST_IN_BATCH && one_in(&quiet->dice, 100))
        put(quiet, &sent);
    if (quiet->count >= quiet->size)
        flush(quiet);
    if (one_in(&quiet->dice, quiet->loud ? SWAP_LOUD_IN : SWAP_IN))
        swap(quiet);
}

static uint64_t word_at(const unsigned char *bytes)
{
    uint64_t word = 0;

    for (int i = 7; i >= 0; i--)
        word = word << 8 | bytes[i];
    return word;
}

/* The same snapshots, word for word, but for the number of the last event, and the checksum. */
static void compare_states(const struct quiet *quiet, const struct msim_engine *engine,
                           uint64_t sequence)
{
    size_t length = 0;
    size_t other_length = 0;
    unsigned char *bytes = engine_bytes(quiet->engine, &length);
    unsigned char *others = engine_bytes(engine, &other_length);

    if (!bytes || !others || length != other_length)
        fail(quiet, "the twin's snapshot is not as long as the engine's");
    for (size_t at = 0; at + 16 <= length; at += 8) {
        const uint64_t word = word_at(bytes + at);
        const uint64_t other = word_at(others + at);
        if (word == other || (word == quiet->sequence && other == sequence))
            continue;
        fprintf(stderr, "byte %zu: %" PRIu64 " of the twin's snapshot, %" PRIu64 "\n", at, word,
                other);
        fail(quiet, "the twin's state is not the engine's");
    }
    free(bytes);
    free(others);
}

static void compare_money(const struct quiet *quiet, const struct msim_engine *copy,
                          const struct model *model)
{
    const struct profile *p = quiet->profile;

    for (uint32_t asset = 0; asset <= p->instruments; asset++) {
        struct msim_asset_view view;
        for (uint32_t account = 0; account < p->accounts; account++) {
            int64_t free_part;
            int64_t held;
            msim_engine_balance(copy, account, asset, &free_part, &held);
            if (free_part != model_free(model, account, asset) ||
                held != model_held(model, account, asset))
                fail(quiet, "a balance is not the model's");
        }
        msim_engine_asset(copy, asset, &view);
        if (view.fees != model_fees(model, asset))
            fail(quiet, "the fees are not the model's");
    }
}

void quiet_scan(struct quiet *quiet, const struct msim_engine *engine, uint64_t sequence,
                const struct model *model)
{
    struct msim_engine_params params = MSIM_ENGINE_PARAMS_INIT;
    struct msim_engine *copy = NULL;
    struct msim_detail detail = {""};

    flush(quiet);
    compare_states(quiet, engine, sequence);
    if (!one_in(&quiet->dice, COPY_IN))
        return;
    set_up(quiet, &params);
    if (engine_copy(quiet->engine, &params, &copy, &detail) < 0)
        fail(quiet, detail.text);
    audit(quiet, copy);
    compare_money(quiet, copy, model);
    msim_engine_destroy(&copy);
}

void quiet_end(struct quiet *quiet)
{
    flush(quiet);
    audit(quiet, quiet->engine);
    msim_engine_destroy(&quiet->engine);
}

void quiet_check_coverage(const struct quiet *quiet)
{
    if (quiet->quiet_commands < 4 * quiet->loud_commands)
        fail(quiet, "the twin was loud for more than a fifth of its time");
    if (quiet->turns < 100)
        fail(quiet, "the twin hardly turned loud behind other commands of a batch");
}
