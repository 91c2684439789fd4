/*
 * What is due, in its order.
 *
 * At one moment: orders expire, then history, then the house; a command of that moment comes
 * behind them all.
 */
#include "base/detail.h"
#include "venue/inside.h"

static int expire(struct msim_venue *venue, msim_time due)
{
    const struct msim_command command = {.kind = MSIM_COMMAND_TIME, .time = due};

    return msim_venue_apply(venue, &command, 1, NULL, 0, 0);
}

static msim_time next_due(const struct msim_venue *venue)
{
    return msim_engine_next_due(venue->engine);
}

static int step(struct msim_venue *venue, msim_time due)
{
    if (msim_engine_next_due(venue->engine) <= due)
        return expire(venue, due);
    return MSIM_OK;
}

int msim_venue_advance(struct msim_venue *venue, msim_time until)
{
    int r = MSIM_OK;

    for (msim_time due = next_due(venue); r == MSIM_OK && due <= until; due = next_due(venue))
        r = step(venue, due);
    if (r == MSIM_OK && venue->now < until)
        venue->now = until;
    return r;
}

static void show(struct msim_venue *venue, struct msim_venue_output *out)
{
    struct outputs *outputs = &venue->outputs;
    const struct output *item = &outputs->items[outputs->first & (outputs->capacity - 1)];

    *out = (struct msim_venue_output){
        .kind = item->kind,
        .type = item->type,
        .time = item->time,
        .account = item->account,
        .action = item->action,
        .tag = item->tag,
        .exec = item->exec,
        .event = item->kind == MSIM_VENUE_EVENT ? &item->as.event : NULL,
        .record = item->kind == MSIM_VENUE_RECORD ? &item->as.record : NULL,
    };
    outputs->lent = true;
}

int msim_venue_pull(struct msim_venue *venue, msim_time until, struct msim_venue_output *out,
                    struct msim_detail *detail)
{
    if (!venue || !out)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "no venue to pull");
    msim_venue_output_return(venue);
    for (;;) {
        if (outputs_waiting(&venue->outputs) > 0) {
            const struct outputs *outputs = &venue->outputs;
            if (outputs->items[outputs->first & (outputs->capacity - 1)].time > until)
                return MSIM_PULL_EMPTY;
            show(venue, out);
            return MSIM_PULL_RECORD;
        }
        const msim_time due = next_due(venue);
        if (due > until || due == MSIM_TIME_NEVER)
            return MSIM_PULL_EMPTY;
        int r = step(venue, due);
        if (r < 0)
            return msim_detail_set(detail, r, "%s", msim_result_text(r));
    }
}

msim_time msim_venue_next_due(const struct msim_venue *venue)
{
    if (!venue)
        return MSIM_TIME_NEVER;
    if (outputs_waiting(&venue->outputs) > 0) {
        const struct outputs *outputs = &venue->outputs;
        return outputs->items[(outputs->first + outputs->lent) & (outputs->capacity - 1)].time;
    }
    return next_due(venue);
}
