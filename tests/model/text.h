/*
 * Commands and events as lines of text, for golden files and for what a failing
 * run shows.
 */
#ifndef TESTS_MODEL_TEXT_H
#define TESTS_MODEL_TEXT_H

#include <marketsim/record.h>

#include <stdio.h>
#include <string.h>

static inline void print_command(FILE *out, const struct msim_command *c)
{
    static const char *const sides[] = {"-", "BUY", "SELL"};

    fprintf(out, "%s t=%lld", msim_command_kind_name(c->kind), (long long)c->time);
    if (c->side && c->side <= 2)
        fprintf(out, " %s", sides[c->side]);
    if (c->type)
        fprintf(out, " %s", msim_order_type_name(c->type));
    if (c->kind == MSIM_COMMAND_NEW)
        fprintf(out, " %s stp=%s", msim_time_in_force_name(c->time_in_force),
                msim_self_trade_name(c->self_trade));
    fprintf(out, " flags=%u i=%u a=%u o=%u", c->flags, c->instrument, c->account, c->owner);
    if (c->kind == MSIM_COMMAND_SET_STATE)
        fprintf(out, " %s", msim_instrument_state_name(c->state));
    const struct {
        const char *name;
        long long value;
    } fields[] = {
        {"price", c->price},
        {"qty", c->quantity},
        {"order", (long long)c->order},
        {"handle", (long long)c->handle},
        {"client", (long long)c->client_id},
        {"stop", c->stop_price},
        {"display", c->display_quantity},
        {"amount", c->amount},
        {"expires", c->expires_at},
        {"trade", (long long)c->trade},
        {"asset", c->asset},
    };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (fields[i].value)
            fprintf(out, " %s=%lld", fields[i].name, fields[i].value);
    }
    fputc('\n', out);
}

static inline void print_numbers(FILE *out, const struct msim_event *e)
{
    const long long *words = (const long long *)(const void *)&e->as;
    int last = 7;

    while (last >= 0 && words[last] == 0)
        last--;
    for (int i = 0; i <= last; i++)
        fprintf(out, " %lld", words[i]);
}

static inline void print_event(FILE *out, const struct msim_event *e)
{
    static const char *const sides[] = {"-", "BUY", "SELL"};

    fprintf(out, "  %llu %s", (unsigned long long)e->sequence, msim_event_kind_name(e->kind));
    if (e->order)
        fprintf(out, " #%llu", (unsigned long long)e->order);
    if (e->slot)
        fprintf(out, "@%u", e->slot);
    if (e->client_id)
        fprintf(out, " client=%llu", (unsigned long long)e->client_id);
    fprintf(out, " i=%d a=%u %s", (int)e->instrument, e->account,
            e->side < 3 ? sides[e->side] : "?");
    if (e->code)
        fprintf(out, " %s",
                e->kind == MSIM_EVENT_REJECTED ? msim_reject_name(e->code)
                                               : msim_cancel_name(e->code));
    if (e->status)
        fprintf(out, " %s", msim_order_status_name(e->status));
    if (e->flags)
        fprintf(out, " flags=%u", e->flags);
    fputs(" :", out);
    print_numbers(out, e);
    fputc('\n', out);
}

/* The first place from which on the two differ; the number of both where they do not. */
static inline size_t events_part(const struct msim_event *events, size_t count,
                                 const struct msim_event *others, size_t other_count)
{
    size_t at = 0;

    while (at < count && at < other_count && memcmp(&events[at], &others[at], sizeof *events) == 0)
        at++;
    return at;
}

/* What stands around that place. */
static inline void print_apart(FILE *out, const char *name, const struct msim_event *events,
                               size_t count, size_t at)
{
    fprintf(out, "%s, the event %zu from 0 on parts:\n", name, at);
    for (size_t i = at > 3 ? at - 3 : 0; i < count && i < at + 4; i++)
        print_event(out, &events[i]);
}

#endif
