/*
 * Counting, and the counts as JSON.
 */
#include "faults/corrupt.h"

#include <string.h>

#include "base/decimal.h"
#include "faults/plan.h"
#include "faults/stages.h"

/* ---- counting ---- */

void msim_fault_series_add(struct series *series, int64_t value)
{
    unsigned bit = value > 0 ? 63 - (unsigned)__builtin_clzll((uint64_t)value) : 0;

    if (series->count++ == 0 || value < series->min)
        series->min = value;
    if (series->count == 1 || value > series->max)
        series->max = value;
    series->sum += value;
    series->sum_squares += (msim_uint128)((msim_int128)value * value);
    series->histogram[bit]++;
}

void msim_fault_count_hit(struct msim_fault_counts *counts, uint64_t bytes, msim_time now)
{
    if (counts->hits++ == 0)
        counts->first_hit = now;
    counts->last_hit = now;
    counts->bytes += bytes;
}

static uint64_t seen(const struct msim_faults *faults, const struct slot *slot)
{
    uint64_t sum = 0;

    for (int d = MSIM_FAULT_IN; d <= MSIM_FAULT_OUT; d++)
        if (slot->strategy->select.directions >> d & 1)
            sum += msim_fault_tapped(faults, d) - slot->seen_before[d];
    return sum;
}

int msim_faults_counts(const struct msim_faults *faults, const char *id,
                       struct msim_fault_counts *out)
{
    if (!faults || !id || !out)
        return MSIM_ERR_INVALID;
    uint32_t index = msim_fault_slot_find(faults, id, strlen(id));
    if (index == NOTHING)
        return MSIM_ERR_NOT_FOUND;
    *out = faults->slots[index].counts;
    if (msim_fault_kind_is_network(faults->slots[index].strategy->kind))
        out->seen = seen(faults, &faults->slots[index]);
    return MSIM_OK;
}

int msim_faults_link_counts(const struct msim_faults *faults, const char *id,
                            const struct msim_fault_link *link, struct msim_fault_counts *out)
{
    if (!faults || !id || !link || !out)
        return MSIM_ERR_INVALID;
    uint32_t index = msim_fault_slot_find(faults, id, strlen(id));
    if (index == NOTHING || index >= link->state_capacity || !link->states[index])
        return MSIM_ERR_NOT_FOUND;
    *out = link->states[index]->counts;
    out->seen = msim_fault_passed(link) - link->states[index]->before;
    return MSIM_OK;
}

/* ---- as JSON ---- */

static void put(struct msim_json_writer *writer, const char *key, uint64_t value)
{
    msim_json_write_key(writer, key);
    msim_json_write_unsigned(writer, value);
}

static void put_moment(struct msim_json_writer *writer, const char *key, msim_time moment)
{
    msim_json_write_key(writer, key);
    if (moment == MSIM_TIME_NEVER)
        msim_json_write_null(writer);
    else
        msim_json_write_integer(writer, moment);
}

/* 128 bits in decimal, as text: no JSON number holds them everywhere. */
static void put_wide(struct msim_json_writer *writer, const char *key, msim_uint128 value)
{
    char digits[40];
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + (int)(value % 10));
        value /= 10;
    } while (value > 0);
    msim_json_write_key(writer, key);
    msim_json_write_string(writer, digits + at, sizeof digits - at);
}

static void put_counts(struct msim_json_writer *writer, const struct msim_fault_counts *counts)
{
    put(writer, "seen", counts->seen);
    put(writer, "matched", counts->matched);
    put(writer, "decided", counts->decided);
    put(writer, "hits", counts->hits);
    put(writer, "shadowed", counts->shadowed);
    put(writer, "inapplicable", counts->inapplicable);
    put(writer, "bytes", counts->bytes);
    put_moment(writer, "first_hit_t", counts->first_hit);
    put_moment(writer, "last_hit_t", counts->last_hit);
}

static void put_series(struct msim_json_writer *writer, const char *key,
                       const struct series *series)
{
    size_t last = 64;

    while (last > 0 && series->histogram[last - 1] == 0)
        last--;
    msim_json_write_key(writer, key);
    msim_json_write_object(writer);
    put(writer, "count", series->count);
    put(writer, "min", (uint64_t)series->min);
    put(writer, "max", (uint64_t)series->max);
    put_wide(writer, "sum", (msim_uint128)series->sum);
    put_wide(writer, "sumsq", series->sum_squares);
    msim_json_write_key(writer, "log2");
    msim_json_write_array(writer);
    for (size_t i = 0; i < last; i++)
        msim_json_write_unsigned(writer, series->histogram[i]);
    msim_json_write_array_end(writer);
    msim_json_write_object_end(writer);
}

static void put_throttle(struct msim_json_writer *writer, const struct throttle_counts *counts)
{
    put(writer, "granted", counts->granted);
    put(writer, "delayed", counts->delayed);
    put(writer, "rejected", counts->rejected);
    put(writer, "dropped", counts->dropped);
    put(writer, "kicked", counts->kicked);
    put(writer, "banned", counts->banned);
    put(writer, "conflated", counts->conflated);
    put(writer, "queue_now", counts->queue_now);
    put(writer, "queue_max", counts->queue_max);
}

static void put_reorder(struct msim_json_writer *writer, const struct reorder_counts *counts)
{
    put(writer, "held", counts->held);
    put(writer, "released_by_count", counts->released_by_count);
    put(writer, "released_by_timer", counts->released_by_timer);
    put(writer, "released_by_flush", counts->released_by_flush);
    put(writer, "discarded", counts->discarded);
    put(writer, "held_now", counts->held_now);
}

static void put_named(struct msim_json_writer *writer, const char *key, const uint64_t *counts,
                      int first, int end, const char *(*name)(int))
{
    msim_json_write_key(writer, key);
    msim_json_write_object(writer);
    for (int i = first; i < end; i++)
        if (counts[i] > 0)
            put(writer, name(i), counts[i]);
    msim_json_write_object_end(writer);
}

static void put_kind(struct msim_json_writer *writer, const struct slot *slot)
{
    const struct kind_counts *kinds = slot->kinds;

    switch (slot->strategy->kind) {
    case MSIM_FAULT_DROP:
        put(writer, "dropped", kinds->dropped);
        break;
    case MSIM_FAULT_DUPLICATE:
        put(writer, "copies", kinds->copies);
        break;
    case MSIM_FAULT_CORRUPT:
        put_named(writer, "modes", kinds->mutations, 0, CORRUPTIONS, msim_fault_corruption_name);
        break;
    case MSIM_FAULT_THROTTLE:
        put_throttle(writer, &kinds->throttle);
        break;
    case MSIM_FAULT_DELAY:
        put_series(writer, "drawn", &kinds->drawn);
        put_series(writer, "effective", &kinds->effective);
        break;
    case MSIM_FAULT_REORDER:
        put_reorder(writer, &kinds->reorder);
        break;
    case MSIM_FAULT_SESSION:
        put_named(writer, "actions", kinds->actions, MSIM_FAULT_ACTION_CLOSE,
                  MSIM_FAULT_ACTION_RESUME, msim_fault_action_name);
        put(writer, "gated", kinds->silenced);
        break;
    case MSIM_FAULT_SLICE:
        break;
    default:
        put(writer, "emitted", kinds->report.emitted);
        put(writer, "busted", kinds->report.busted);
        put(writer, "suppressed", kinds->report.suppressed);
        break;
    }
}

static void put_ge(struct msim_json_writer *writer, const struct strategy *strategy,
                   const struct state *state)
{
    if (strategy->when.model != MODEL_GE && strategy->when.model != MODEL_GE_TIME)
        return;
    msim_json_write_key(writer, "ge");
    msim_json_write_object(writer);
    msim_json_write_key(writer, "state");
    msim_json_write_text(writer, state->ge_bad ? "bad" : "good");
    put(writer, "transitions", state->ge_transitions);
    put(writer, "msgs_good", state->ge_good_messages);
    put(writer, "msgs_bad", state->ge_bad_messages);
    msim_json_write_object_end(writer);
}

static void put_link_key(struct msim_json_writer *writer, const struct msim_fault_link *link)
{
    char name[512];
    size_t length = strlen(link->session->label);
    const char *direction = link->direction == MSIM_FAULT_IN ? "|in" : "|out";

    if (length > sizeof name - 8)
        length = sizeof name - 8;
    memcpy(name, link->session->label, length);
    memcpy(name + length, direction, strlen(direction) + 1);
    msim_json_write_key(writer, name);
}

/* As POST takes it, so that it can be kept, changed and sent again. */
static void put_rule(struct msim_json_writer *writer, const struct msim_faults *faults,
                     const struct strategy *strategy)
{
    struct msim_bytes rule;

    msim_bytes_init(&rule, STATISTICS_MOST_BYTES, &faults->allocator);
    int r = msim_fault_rule_text(strategy, &rule, &faults->allocator);
    msim_json_write_key(writer, "rule");
    if (r < 0)
        writer->failure = r;
    else
        msim_json_write_raw(writer, (const char *)msim_bytes_front(&rule),
                            msim_bytes_length(&rule));
    msim_bytes_finish(&rule);
}

static void put_strategy(struct msim_json_writer *writer, const struct msim_faults *faults,
                         uint32_t index)
{
    const struct slot *slot = &faults->slots[index];
    const struct strategy *strategy = slot->strategy;
    struct msim_fault_counts counts;

    msim_faults_counts(faults, strategy->id, &counts);
    msim_json_write_object(writer);
    msim_json_write_key(writer, "kind");
    msim_json_write_text(writer, msim_fault_kind_name(strategy->kind));
    msim_json_write_key(writer, "enabled");
    msim_json_write_bool(writer, strategy->enabled);
    put_rule(writer, faults, strategy);
    put_counts(writer, &counts);
    put_kind(writer, slot);
    msim_json_write_key(writer, "links");
    msim_json_write_object(writer);
    for (size_t i = 0; i < faults->session_capacity; i++) {
        for (size_t d = 0; faults->sessions[i] && d < 2; d++) {
            const struct msim_fault_link *link = &faults->sessions[i]->links[d];
            if (msim_faults_link_counts(faults, strategy->id, link, &counts) < 0)
                continue;
            put_link_key(writer, link);
            msim_json_write_object(writer);
            put_counts(writer, &counts);
            put_ge(writer, strategy, link->states[index]);
            msim_json_write_object_end(writer);
        }
    }
    msim_json_write_object_end(writer);
    msim_json_write_object_end(writer);
}

static void put_balance(struct msim_json_writer *writer, const struct msim_fault_balance *balance)
{
    msim_json_write_object(writer);
    put(writer, "native_in", balance->native);
    put(writer, "injected", balance->injected);
    put(writer, "copies", balance->copies);
    put(writer, "delivered", balance->delivered);
    put(writer, "dropped", balance->dropped);
    put(writer, "rejected", balance->rejected);
    put(writer, "conflated", balance->conflated);
    put(writer, "discarded", balance->discarded);
    put(writer, "overflow", balance->overflow);
    put(writer, "gated", balance->gated);
    put(writer, "merged", balance->merged);
    put(writer, "pending", balance->pending);
    put(writer, "pending_bytes", balance->pending_bytes);
    msim_json_write_object_end(writer);
}

static void put_all(struct msim_json_writer *writer, const struct msim_faults *faults)
{
    msim_json_write_object(writer);
    put(writer, "seed", faults->seed);
    msim_json_write_key(writer, "mode");
    msim_json_write_text(writer, faults->params.realtime ? "realtime" : "virtual");
    msim_json_write_key(writer, "strategies");
    msim_json_write_object(writer);
    for (size_t i = 0; i < faults->strategies; i++) {
        uint32_t index = (uint32_t)faults->slot_order[i];
        msim_json_write_key(writer, faults->slots[index].strategy->id);
        put_strategy(writer, faults, index);
    }
    msim_json_write_object_end(writer);
    msim_json_write_key(writer, "links");
    msim_json_write_object(writer);
    for (size_t i = 0; i < faults->session_capacity; i++) {
        for (size_t d = 0; faults->sessions[i] && d < 2; d++) {
            put_link_key(writer, &faults->sessions[i]->links[d]);
            struct msim_fault_balance balance =
                msim_fault_link_balance(&faults->sessions[i]->links[d]);
            put_balance(writer, &balance);
        }
    }
    msim_json_write_object_end(writer);
    msim_json_write_object_end(writer);
}

int msim_fault_give_text(struct msim_bytes *bytes, int r, char *out, size_t size, size_t *length)
{
    size_t wanted = msim_bytes_length(bytes);

    if (r == MSIM_OK && wanted + 1 > size) {
        *length = wanted + 1;
        r = MSIM_ERR_LIMIT;
    } else if (r == MSIM_OK) {
        memcpy(out, msim_bytes_front(bytes), wanted);
        out[wanted] = '\0';
        *length = wanted;
    }
    msim_bytes_finish(bytes);
    return r;
}

int msim_faults_statistics(const struct msim_faults *faults, const char *id, char *out, size_t size,
                           size_t *length)
{
    struct msim_json_writer writer;
    struct msim_bytes bytes;
    uint32_t index = NOTHING;

    if (!faults || (!out && size > 0) || !length)
        return MSIM_ERR_INVALID;
    if (id) {
        index = msim_fault_slot_find(faults, id, strlen(id));
        if (index == NOTHING)
            return MSIM_ERR_NOT_FOUND;
    }
    msim_bytes_init(&bytes, STATISTICS_MOST_BYTES, &faults->allocator);
    msim_json_write_bytes(&writer, &bytes);
    if (id)
        put_strategy(&writer, faults, index);
    else
        put_all(&writer, faults);
    return msim_fault_give_text(&bytes, msim_json_write_end(&writer, NULL), out, size, length);
}
