/*
 * Several sources as one, in order of (time, input).
 *
 * A due list of the inputs that have a record at hand; each input keeps a small
 * batch of its own.  An input that has nothing now but may have something later
 * holds the whole merge: giving out another's record could turn out too early.
 */
#include <marketsim/source.h>

#include "base/detail.h"
#include "base/due.h"
#include "base/mem.h"
#include "record/symbols.h"

#define BATCH 64

enum input_state {
    INPUT_EMPTY, /* must be pulled before anything is given */
    INPUT_READY, /* its record stands in the due list */
    INPUT_ENDED,
};

struct input {
    struct msim_source source;
    enum input_state state;
    struct msim_record batch[BATCH];
    size_t at;
    size_t count;
    msim_time last;  /* the time of its latest record that came to the front */
    uint32_t *names; /* its symbol ids to ours, UINT32_MAX where not yet asked */
    size_t name_count;
};

struct merge {
    struct input *inputs;
    size_t count;
    size_t empty; /* inputs in INPUT_EMPTY */
    struct msim_due heads;
    struct msim_symbols symbols;
    uint64_t sequence;
    int failure; /* final: told when the good records before it have been given */
    struct msim_detail failure_detail;
    struct msim_allocator allocator;
};

/*
 * The order of the whole stands on the order of each input: looked at when a record comes to the
 * front, so that those before it have been given.
 */
static int check_order(struct merge *merge, size_t i, struct msim_detail *detail)
{
    struct input *input = &merge->inputs[i];
    msim_time time = input->batch[input->at].time;

    if (time < input->last)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "input %zu of the merge gave a record that is earlier than the one "
                               "before it",
                               i);
    input->last = time;
    return MSIM_OK;
}

/* Leaves the input in INPUT_EMPTY where it has nothing now. */
static int refill(struct merge *merge, size_t i, struct msim_detail *detail)
{
    struct input *input = &merge->inputs[i];
    size_t count = 0;
    int r = msim_source_pull(&input->source, input->batch, BATCH, &count, detail);

    if (r < 0)
        return r;
    if (r == MSIM_PULL_EMPTY)
        return MSIM_OK;
    if (r == MSIM_PULL_END) {
        merge->empty--;
        input->state = INPUT_ENDED;
        return MSIM_OK;
    }
    input->at = 0;
    input->count = count;
    r = check_order(merge, i, detail);
    if (r < 0)
        return r;
    merge->empty--;
    input->state = INPUT_READY;
    return msim_due_push_ranked(&merge->heads, input->batch[0].time, i, i);
}

static int refill_all(struct merge *merge, struct msim_detail *detail)
{
    for (size_t i = 0; i < merge->count && merge->empty > 0; i++) {
        if (merge->inputs[i].state != INPUT_EMPTY)
            continue;
        int r = refill(merge, i, detail);
        if (r < 0)
            return r;
    }
    return MSIM_OK;
}

/* Gives a symbol of an input's that was not met before a number of ours. */
static int name_symbol(struct merge *merge, struct input *input, uint32_t symbol,
                       struct msim_detail *detail)
{
    size_t length = 0;
    /* Asked before room is made: a number that was never given out must cost nothing. */
    const char *text = msim_source_symbol(&input->source, symbol, &length);
    if (!text)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "an input of the merge gave symbol %u without a name", symbol);

    size_t old = input->name_count;
    void *names = input->names;
    int r = msim_mem_grow(&merge->allocator, &names, &input->name_count, sizeof *input->names,
                          (size_t)symbol + 1, MSIM_SYMBOLS_LIMIT);
    if (r == MSIM_OK) {
        input->names = names;
        for (size_t i = old; i < input->name_count; i++)
            input->names[i] = UINT32_MAX;
        r = msim_symbols_intern(&merge->symbols, text, length, &input->names[symbol]);
    }
    if (r == MSIM_ERR_LIMIT)
        return msim_detail_set(detail, r, "a merge has at most %d symbols", MSIM_SYMBOLS_LIMIT);
    return r;
}

static int translate(struct merge *merge, struct input *input, struct msim_record *record,
                     struct msim_detail *detail)
{
    uint32_t symbol = record->symbol;

    if (record->flags & MSIM_RECORD_NO_SYMBOL)
        return MSIM_OK;
    if (symbol >= input->name_count || input->names[symbol] == UINT32_MAX) {
        int r = name_symbol(merge, input, symbol, detail);
        if (r < 0)
            return r;
    }
    record->symbol = input->names[symbol];
    return MSIM_OK;
}

/* Gives the earliest record. */
static int give(struct merge *merge, struct msim_record *record, struct msim_detail *detail)
{
    struct input *input = &merge->inputs[msim_due_peek(&merge->heads)->value];

    *record = input->batch[input->at];
    int r = translate(merge, input, record, detail);
    if (r < 0)
        return r;
    record->sequence = merge->sequence++;
    return MSIM_OK;
}

/* Moves the input of the earliest record on. */
static int advance(struct merge *merge, struct msim_detail *detail)
{
    size_t i = (size_t)msim_due_peek(&merge->heads)->value;
    struct input *input = &merge->inputs[i];

    if (++input->at < input->count) {
        int r = check_order(merge, i, detail);
        if (r < 0)
            return r;
        msim_due_replace(&merge->heads, input->batch[input->at].time, i, i);
        return MSIM_OK;
    }
    msim_due_pop(&merge->heads);
    input->state = INPUT_EMPTY;
    merge->empty++;
    return refill(merge, i, detail);
}

static int merge_pull(void *self, struct msim_record *records, size_t capacity, size_t *count,
                      struct msim_detail *detail)
{
    struct merge *merge = self;
    size_t given = 0;

    if (merge->failure == MSIM_OK)
        merge->failure = refill_all(merge, &merge->failure_detail);
    while (merge->failure == MSIM_OK && given < capacity && merge->empty == 0 &&
           merge->heads.count > 0) {
        merge->failure = give(merge, &records[given], &merge->failure_detail);
        if (merge->failure < 0)
            break;
        given++;
        merge->failure = advance(merge, &merge->failure_detail);
    }
    if (given > 0) {
        *count = given;
        return MSIM_PULL_RECORD;
    }
    if (merge->failure < 0)
        return msim_detail_set(detail, merge->failure, "%s",
                               merge->failure_detail.text[0] ? merge->failure_detail.text
                                                             : msim_result_text(merge->failure));
    return merge->empty > 0 ? MSIM_PULL_EMPTY : MSIM_PULL_END;
}

static msim_time merge_next_due(void *self)
{
    struct merge *merge = self;
    msim_time next = msim_due_next(&merge->heads);

    for (size_t i = 0; i < merge->count && merge->empty > 0; i++) {
        if (merge->inputs[i].state != INPUT_EMPTY)
            continue;
        msim_time due = msim_source_next_due(&merge->inputs[i].source);
        if (due < next)
            next = due;
    }
    return next;
}

static const char *merge_symbol(void *self, uint32_t id, size_t *length)
{
    struct merge *merge = self;

    return msim_symbols_text(&merge->symbols, id, length);
}

static void merge_release(void *self)
{
    struct merge *merge = self;
    struct msim_allocator allocator = merge->allocator;

    for (size_t i = 0; i < merge->count; i++) {
        struct input *input = &merge->inputs[i];
        msim_source_release(&input->source);
        msim_mem_free(&allocator, input->names, input->name_count * sizeof *input->names);
    }
    msim_due_finish(&merge->heads);
    msim_symbols_finish(&merge->symbols);
    msim_mem_free(&allocator, merge->inputs, merge->count * sizeof *merge->inputs);
    msim_mem_free(&allocator, merge, sizeof *merge);
}

static const struct msim_source_ops merge_ops = {
    .pull = merge_pull,
    .next_due = merge_next_due,
    .symbol = merge_symbol,
    .release = merge_release,
};

int msim_source_merge(struct msim_source *out, struct msim_source *inputs, size_t count,
                      const struct msim_allocator *chosen)
{
    if (!out || !inputs || count == 0)
        return MSIM_ERR_INVALID;
    for (size_t i = 0; i < count; i++)
        if (!inputs[i].ops)
            return MSIM_ERR_INVALID;

    struct msim_allocator allocator = msim_mem_allocator(chosen);
    struct merge *merge = msim_mem_zero(&allocator, sizeof *merge);
    if (!merge)
        return MSIM_ERR_NOMEM;
    merge->allocator = allocator;
    msim_symbols_init(&merge->symbols, MSIM_SYMBOLS_LIMIT, &allocator);
    merge->inputs = msim_mem_zero_array(&allocator, count, sizeof *merge->inputs);
    if (!merge->inputs)
        goto free_merge;
    int r = msim_due_init(&merge->heads, count, count, &allocator);
    if (r < 0)
        goto free_inputs;

    /* Nothing can fail from here on: only now do the inputs change hands. */
    for (size_t i = 0; i < count; i++) {
        merge->inputs[i].source = inputs[i];
        merge->inputs[i].last = INT64_MIN;
        inputs[i] = (struct msim_source){0};
    }
    merge->count = merge->empty = count;
    *out = (struct msim_source){.ops = &merge_ops, .self = merge};
    return MSIM_OK;

free_inputs:
    msim_mem_free(&allocator, merge->inputs, count * sizeof *merge->inputs);
free_merge:
    msim_mem_free(&allocator, merge, sizeof *merge);
    return MSIM_ERR_NOMEM;
}
