/*
 * A faulty source: records are messages of 64 bytes on one link.
 *
 * The input's clock drives the layer: nothing is given before the input has come to
 * a moment that is not before it, so that what is late stands in its place.
 */
#include <string.h>

#include "base/detail.h"
#include "base/mem.h"
#include "faults/stages.h"

#define BATCH 64

enum ending {
    GOES_ON,
    INPUT_ENDED,
    CUT, /* a session action ended it */
};

struct faulty {
    struct msim_source input;
    struct msim_faults *faults;
    struct msim_fault_session *session; /* from the first record on */
    char *client;
    struct msim_record batch[BATCH];
    size_t at;
    size_t count;
    enum ending ending;
    uint64_t sequence;
    msim_time last;
    int failure;
    struct msim_detail failure_detail;
    struct msim_allocator allocator;
};

static int type_of(const struct msim_record *record)
{
    switch (record->kind) {
    case MSIM_RECORD_TRADE:
        return MSIM_FAULT_MD_TRADE;
    case MSIM_RECORD_QUOTE:
        return MSIM_FAULT_MD_BBO;
    case MSIM_RECORD_BAR:
        return MSIM_FAULT_MD_KLINE;
    default:
        return MSIM_FAULT_OTHER;
    }
}

/* The session begins with the first record: before it there is no time. */
static int open_session(struct faulty *faulty, msim_time now)
{
    struct msim_fault_session_params params = MSIM_FAULT_SESSION_PARAMS_INIT;

    params.client = faulty->client;
    params.channel = MSIM_FAULT_INPROC;
    if (now < faulty->faults->now)
        now = faulty->faults->now;
    return msim_faults_session_open(faulty->faults, now, &params, &faulty->session,
                                    &faulty->failure_detail);
}

static int refill(struct faulty *faulty)
{
    size_t count = 0;
    int r = msim_source_pull(&faulty->input, faulty->batch, BATCH, &count, &faulty->failure_detail);

    faulty->at = 0;
    faulty->count = r == MSIM_PULL_RECORD ? count : 0;
    if (r == MSIM_PULL_END)
        faulty->ending = INPUT_ENDED;
    if (r == MSIM_PULL_RECORD && !faulty->session) {
        int opened = open_session(faulty, faulty->batch[0].time);
        if (opened < 0)
            return opened;
    }
    return r;
}

/* Gives the record that came out, at the moment at which it did. */
static void give(struct faulty *faulty, struct msim_record *out, const void *bytes, msim_time time)
{
    memcpy(out, bytes, sizeof *out);
    if (time > out->time)
        out->time = time;
    if (out->time < faulty->last)
        out->time = faulty->last;
    faulty->last = out->time;
    out->sequence = faulty->sequence++;
}

/* What is due at `now`; 1 for a record, 0 for nothing. */
static int take_due(struct faulty *faulty, msim_time now, struct msim_record *out)
{
    struct msim_fault_output output;
    int r;

    while ((r = msim_faults_pull(faulty->faults, now, &output)) == MSIM_PULL_RECORD) {
        if (output.session != faulty->session)
            continue;
        if (output.kind == MSIM_FAULT_OUTPUT_MESSAGE) {
            if (output.altered || output.slice.max > 0)
                return msim_detail_set(&faulty->failure_detail, MSIM_ERR_UNSUPPORTED,
                                       "corrupt and slice work on bytes: a source of records has "
                                       "none");
            give(faulty, out, output.bytes, output.time);
            return 1;
        }
        if (output.action <= MSIM_FAULT_ACTION_RST) {
            faulty->ending = CUT;
            return 0;
        }
    }
    return r;
}

/* Shows the next record to the layer; 1 where it passes and is given. */
static int submit(struct faulty *faulty, struct msim_record *out)
{
    const struct msim_record *record = &faulty->batch[faulty->at];
    size_t length = 0;
    const char *symbol = record->flags & MSIM_RECORD_NO_SYMBOL
                             ? NULL
                             : msim_source_symbol(&faulty->input, record->symbol, &length);
    struct msim_fault_message message = {
        .bytes = record,
        .length = sizeof *record,
        .type = type_of(record),
        .side = record->kind == MSIM_RECORD_TRADE ? record->as.trade.side : MSIM_SIDE_NONE,
        .symbol = {symbol, symbol ? length : 0},
    };
    int r = msim_faults_submit(faulty->faults, record->time,
                               msim_fault_session_link(faulty->session, MSIM_FAULT_OUT), &message);
    if (r < 0)
        return r;
    if (r == MSIM_FAULT_PASS)
        give(faulty, out, record, record->time);
    faulty->at++;
    return r == MSIM_FAULT_PASS;
}

/* One step: 1 gave a record, 0 did not; `stop` where the pull is to end with what it has. */
static int next(struct faulty *faulty, struct msim_record *out, bool *stop)
{
    *stop = false;
    if (faulty->at == faulty->count && faulty->ending == GOES_ON) {
        int r = refill(faulty);
        if (r < 0)
            return r;
        *stop = r == MSIM_PULL_EMPTY;
        if (*stop)
            return 0;
    }
    msim_time due = msim_fault_next_release(faulty->faults);
    bool left = faulty->at < faulty->count && faulty->ending == GOES_ON;
    if (faulty->ending == CUT) {
        *stop = true;
        return 0;
    }
    if (left && faulty->batch[faulty->at].time < due)
        return submit(faulty, out);
    if (due == MSIM_TIME_NEVER) {
        *stop = !left;
        return left ? submit(faulty, out) : 0;
    }
    msim_time now = due > faulty->faults->now ? due : faulty->faults->now;
    return take_due(faulty, now, out);
}

static int faulty_pull(void *self, struct msim_record *records, size_t capacity, size_t *count,
                       struct msim_detail *detail)
{
    struct faulty *faulty = self;
    size_t given = 0;
    bool stop = false;

    while (faulty->failure == MSIM_OK && given < capacity && !stop) {
        int r = next(faulty, &records[given], &stop);
        if (r < 0)
            faulty->failure = r;
        else
            given += (size_t)r;
    }
    if (given > 0) {
        *count = given;
        return MSIM_PULL_RECORD;
    }
    if (faulty->failure < 0)
        return msim_detail_set(detail, faulty->failure, "%s",
                               faulty->failure_detail.text[0] ? faulty->failure_detail.text
                                                              : msim_result_text(faulty->failure));
    return faulty->ending == GOES_ON ? MSIM_PULL_EMPTY : MSIM_PULL_END;
}

static msim_time faulty_next_due(void *self)
{
    struct faulty *faulty = self;
    msim_time due = msim_fault_next_release(faulty->faults);
    msim_time input = MSIM_TIME_NEVER;

    if (faulty->ending == CUT)
        return MSIM_TIME_NEVER;
    if (faulty->at < faulty->count)
        input = faulty->batch[faulty->at].time;
    else if (faulty->ending == GOES_ON)
        input = msim_source_next_due(&faulty->input);
    /* The record that comes next may be dropped: a moment it cannot come before. */
    return input < due ? input : due;
}

static const char *faulty_symbol(void *self, uint32_t id, size_t *length)
{
    struct faulty *faulty = self;

    return msim_source_symbol(&faulty->input, id, length);
}

static void faulty_release(void *self)
{
    struct faulty *faulty = self;
    struct msim_allocator allocator = faulty->allocator;

    msim_faults_session_close(faulty->faults, faulty->faults->now, &faulty->session);
    msim_source_release(&faulty->input);
    msim_mem_free(&allocator, faulty->client, strlen(faulty->client) + 1);
    msim_mem_free(&allocator, faulty, sizeof *faulty);
}

static const struct msim_source_ops faulty_ops = {
    .pull = faulty_pull,
    .next_due = faulty_next_due,
    .symbol = faulty_symbol,
    .release = faulty_release,
};

/* What needs bytes has none here. */
static int check_kinds(const struct msim_faults *faults, struct msim_detail *detail)
{
    for (size_t i = 0; i < faults->strategies; i++) {
        const struct strategy *strategy = faults->slots[faults->slot_order[i]].strategy;
        if ((strategy->kind == MSIM_FAULT_CORRUPT || strategy->kind == MSIM_FAULT_SLICE) &&
            strategy->select.directions >> MSIM_FAULT_OUT & 1 &&
            strategy->select.channels >> MSIM_FAULT_INPROC & 1)
            return msim_detail_set(detail, MSIM_ERR_UNSUPPORTED,
                                   "the strategy \"%s\" is a %s, which works on bytes: a source of "
                                   "records has none",
                                   strategy->id, msim_fault_kind_name(strategy->kind));
    }
    return MSIM_OK;
}

int msim_source_with_faults(struct msim_source *out, struct msim_source *input,
                            const struct msim_source_with_faults_params *params,
                            struct msim_detail *detail)
{
    if (!out || !input || !input->ops || !params || params->size != sizeof *params ||
        !params->faults)
        return msim_detail_set(detail, MSIM_ERR_INVALID,
                               "a faulty source needs an open source and a failure layer");
    struct msim_faults *faults = params->faults;
    int r = check_kinds(faults, detail);
    if (r < 0)
        return r;
    struct faulty *faulty = msim_mem_zero(&faults->allocator, sizeof *faulty);
    if (!faulty)
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "%s", msim_result_text(MSIM_ERR_NOMEM));
    const char *client = params->client ? params->client : "source";
    faulty->client = msim_mem_text(&faults->allocator, client, strlen(client));
    if (!faulty->client) {
        msim_mem_free(&faults->allocator, faulty, sizeof *faulty);
        return msim_detail_set(detail, MSIM_ERR_NOMEM, "%s", msim_result_text(MSIM_ERR_NOMEM));
    }
    faulty->faults = faults;
    faulty->allocator = faults->allocator;
    faulty->last = INT64_MIN;
    faulty->input = *input;
    *input = (struct msim_source){0};
    *out = (struct msim_source){.ops = &faulty_ops, .self = faulty};
    return MSIM_OK;
}
