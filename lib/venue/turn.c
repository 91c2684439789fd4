/*
 * What is due, in its order.
 *
 * At one moment: what the failure layer does, orders that expire, history, the houses by
 * instrument; a command of that moment comes behind them all.
 */
#include "base/detail.h"
#include "venue/inside.h"

static int expire(struct msim_venue *venue, msim_time due)
{
    const struct msim_command command = {.kind = MSIM_COMMAND_TIME, .time = due};

    return msim_venue_apply(venue, &command, 1, NULL, 0, 0);
}

/* Not const: what is no longer due leaves the list of the houses. */
static msim_time next_due(struct msim_venue *venue)
{
    msim_time due = msim_taps_next(venue);
    const msim_time expiry = msim_engine_next_due(venue->engine);
    const msim_time refresh = msim_liquidity_next(venue);

    if (expiry < due)
        due = expiry;
    if (refresh < due)
        due = refresh;
    const msim_time record = msim_history_next(venue);
    if (record < due)
        due = record;
    return due > venue->now || due == MSIM_TIME_NEVER ? due : venue->now;
}

static int step(struct msim_venue *venue, msim_time due)
{
    int r;

    if (msim_taps_next(venue) <= due)
        return msim_taps_serve(venue, due);
    if (msim_engine_next_due(venue->engine) <= due)
        r = expire(venue, due);
    else if (msim_history_next(venue) <= due)
        r = msim_history_step(venue, due);
    else
        r = msim_liquidity_step(venue, (uint32_t)msim_due_pop(&venue->refreshes).value, due);
    return r;
}

int msim_venue_advance(struct msim_venue *venue, msim_time until)
{
    int r = MSIM_OK;

    msim_history_may_look(venue, LOOK_TO_THE_END);
    for (msim_time due = next_due(venue); r == MSIM_OK && due <= until && due != MSIM_TIME_NEVER;
         due = next_due(venue))
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
        .said = item->made ? msim_made_said(item->made) : NULL,
    };
    if (item->kind == MSIM_VENUE_EVENT && venue->faults && item->account != MSIM_VENUE_PUBLIC &&
        !(venue->params.flags & MSIM_VENUE_WIRE_OUTSIDE))
        msim_faults_told(venue->faults, &item->as.event, item->exec);
    outputs->lent = true;
}

/* The words of whoever failed, or the result's own. */
static int explain(struct msim_venue *venue, int result, struct msim_detail *detail)
{
    const char *words = venue->failure_detail.text;

    msim_detail_set(detail, result, "%s", words[0] ? words : msim_result_text(result));
    venue->failure_detail.text[0] = '\0';
    return result;
}

int msim_venue_pull(struct msim_venue *venue, msim_time until, struct msim_venue_output *out,
                    struct msim_detail *detail)
{
    if (!venue || !out)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "no venue to pull");
    msim_venue_output_return(venue);
    msim_history_may_look(venue, LOOK_A_WHILE);
    for (;;) {
        if (outputs_waiting(&venue->outputs) > 0) {
            const struct outputs *outputs = &venue->outputs;
            if (outputs->items[outputs->first & (outputs->capacity - 1)].time > until)
                return MSIM_PULL_EMPTY;
            show(venue, out);
            return MSIM_PULL_RECORD;
        }
        const msim_time due = next_due(venue);
        if (venue->failure < 0) {
            const int failure = venue->failure;
            venue->failure = MSIM_OK;
            return explain(venue, failure, detail);
        }
        if (msim_history_is_looking(venue))
            return MSIM_PULL_EMPTY;
        if (due == MSIM_TIME_NEVER)
            return msim_history_ended(venue) ? MSIM_PULL_END : MSIM_PULL_EMPTY;
        if (due > until)
            return MSIM_PULL_EMPTY;
        int r = step(venue, due);
        if (r < 0)
            return explain(venue, r, detail);
    }
}

msim_time msim_venue_next_due(struct msim_venue *venue)
{
    if (!venue)
        return MSIM_TIME_NEVER;
    if (outputs_waiting(&venue->outputs) > 0) {
        const struct outputs *outputs = &venue->outputs;
        return outputs->items[(outputs->first + outputs->lent) & (outputs->capacity - 1)].time;
    }
    msim_history_may_look(venue, LOOK_NO_MORE);
    return next_due(venue);
}
