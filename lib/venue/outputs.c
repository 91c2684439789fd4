/*
 * What waits to be pulled: a ring that grows up to its bound.
 */
#include "base/mem.h"
#include "venue/inside.h"

#define FIRST_CAPACITY 64

static int grow(struct msim_venue *venue)
{
    struct outputs *outputs = &venue->outputs;
    const size_t capacity = outputs->capacity ? outputs->capacity * 2 : FIRST_CAPACITY;

    if (outputs->end - outputs->first >= outputs->limit)
        return MSIM_ERR_LIMIT;
    struct output *items = msim_mem_take_array(&venue->allocator, capacity, sizeof *items);
    if (!items)
        return MSIM_ERR_NOMEM;
    for (uint64_t i = outputs->first; i < outputs->end; i++)
        items[i & (capacity - 1)] = outputs->items[i & (outputs->capacity - 1)];
    msim_mem_free(&venue->allocator, outputs->items, outputs->capacity * sizeof *items);
    outputs->items = items;
    outputs->capacity = capacity;
    return MSIM_OK;
}

int msim_venue_output_add(struct msim_venue *venue, struct output **out)
{
    struct outputs *outputs = &venue->outputs;

    if (outputs->end - outputs->first == outputs->capacity) {
        int r = grow(venue);
        if (r < 0)
            return r;
    }
    struct output *output = &outputs->items[outputs->end++ & (outputs->capacity - 1)];
    output->time = venue->now;
    output->tag = venue->tag;
    output->exec = 0;
    output->account = MSIM_VENUE_PUBLIC;
    output->type = MSIM_FAULT_OTHER;
    output->action = 0;
    output->made = NULL;
    if (outputs->end - outputs->first > outputs->most)
        outputs->most = outputs->end - outputs->first;
    *out = output;
    return MSIM_OK;
}

void msim_venue_output_return(struct msim_venue *venue)
{
    struct outputs *outputs = &venue->outputs;

    if (!outputs->lent)
        return;
    outputs->lent = false;
    struct output *output = &outputs->items[outputs->first++ & (outputs->capacity - 1)];
    msim_made_free(venue, output->made);
}

void msim_venue_outputs_finish(struct msim_venue *venue)
{
    struct outputs *outputs = &venue->outputs;

    for (uint64_t i = outputs->first; i < outputs->end; i++)
        msim_made_free(venue, outputs->items[i & (outputs->capacity - 1)].made);
    msim_mem_free(&venue->allocator, outputs->items, outputs->capacity * sizeof *outputs->items);
}
