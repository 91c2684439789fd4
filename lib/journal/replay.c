/*
 * A log read once, with all that a batch's own words allow to check.
 */
#include "journal/batch.h"

#include "base/detail.h"

#define EVENTS 16
#define WRITERS 64 /* whose order is checked; more are refused */

struct known {
    uint64_t writer;
    uint64_t epoch;
    uint64_t n;
    uint32_t crc;
};

struct reading {
    struct known known[WRITERS];
    size_t count;
    uint64_t from;
    struct msim_crc32c crc;
};

/* 1: apply it; 0: it was given before. */
static int check_order(struct reading *reading, const struct msim_batch *batch, uint64_t sequence,
                       struct msim_detail *detail)
{
    struct known *known = NULL;

    for (size_t i = 0; i < reading->count && !known; i++)
        if (reading->known[i].writer == batch->id.writer)
            known = &reading->known[i];
    if (!known) {
        if (reading->count == WRITERS)
            return msim_detail_set(detail, MSIM_ERR_LIMIT, "more than %d writers stand in the log",
                                   WRITERS);
        known = &reading->known[reading->count++];
        /* What a trim has taken away cannot be checked. */
        *known =
            (struct known){batch->id.writer, batch->id.epoch, batch->id.n - 1, batch->previous};
        if (reading->from == 1 && (batch->id.n != 1 || batch->previous != 0))
            known->n = UINT64_MAX;
    }
    if (batch->id.epoch > known->epoch)
        *known = (struct known){batch->id.writer, batch->id.epoch, 0, 0};
    if (batch->id.epoch < known->epoch || (batch->id.n <= known->n && known->n != UINT64_MAX))
        return 0;
    if (batch->id.n != known->n + 1 || batch->previous != known->crc)
        return msim_detail_set(
            detail, MSIM_ERR_FORMAT,
            "batch %llu of the log (number %llu of writer %llu) does not follow that writer's last",
            (unsigned long long)sequence, (unsigned long long)batch->id.n,
            (unsigned long long)batch->id.writer);
    known->n = batch->id.n;
    known->crc = batch->crc;
    return 1;
}

static int give(struct reading *reading, const struct msim_journal_event *event,
                int (*apply)(void *context, const struct msim_command *command, const char *text,
                             size_t length),
                void *context, struct msim_detail *detail)
{
    struct msim_batch batch;
    struct msim_command command;
    const char *text;
    size_t length;
    int r = msim_batch_open(&batch, &reading->crc, event->bytes, event->length, detail);

    if (r < 0)
        return msim_detail_prefix(detail, r, "batch %llu of the log",
                                  (unsigned long long)event->sequence);
    r = check_order(reading, &batch, event->sequence, detail);
    while (r > 0 && msim_batch_next(&batch, &command, &text, &length)) {
        const int applied = apply(context, &command, text, length);
        if (applied < 0)
            return msim_detail_set(detail, applied, "command %llu in batch %llu of the log: %s",
                                   (unsigned long long)command.sequence,
                                   (unsigned long long)event->sequence, msim_result_text(applied));
    }
    return r < 0 ? r : MSIM_OK;
}

int msim_journal_replay(struct msim_journal *journal, uint64_t from,
                        int (*apply)(void *context, const struct msim_command *command,
                                     const char *text, size_t length),
                        void *context, uint64_t *last, struct msim_detail *detail)
{
    struct msim_journal other = {0};
    struct msim_journal_event events[EVENTS];
    struct reading reading = {.from = from};
    size_t count = 1;
    bool done = false;

    if (!journal || !journal->ops || !apply || from == 0)
        return msim_detail_set(detail, MSIM_ERR_INVALID, "a log is read from batch 1 or later");
    int r = msim_journal_again(journal, &other);
    if (r == MSIM_OK)
        r = msim_journal_follow(&other, from);
    msim_crc32c_init(&reading.crc);
    while (r == MSIM_OK && !done && count > 0) {
        r = msim_journal_poll(&other, events, EVENTS, &count);
        for (size_t i = 0; r == MSIM_OK && i < count && !done; i++) {
            if (events[i].kind == MSIM_JOURNAL_BATCH)
                r = give(&reading, &events[i], apply, context, detail);
            else if (events[i].kind == MSIM_JOURNAL_ERROR)
                r = msim_detail_set(detail, MSIM_ERR_FORMAT, "batch %llu of the log: %s",
                                    (unsigned long long)events[i].sequence,
                                    msim_journal_result_name(events[i].result));
            else
                done = events[i].kind == MSIM_JOURNAL_TAIL;
            if (r == MSIM_OK && events[i].kind == MSIM_JOURNAL_BATCH && last)
                *last = events[i].sequence;
        }
    }
    msim_journal_release(&other);
    return r;
}
