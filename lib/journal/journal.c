/*
 * The back end's functions, called with care.
 */
#include <marketsim/journal.h>

int msim_journal_append(struct msim_journal *journal, const struct msim_batch_id *id,
                        const struct msim_journal_piece *pieces, size_t count, uint64_t expect_last,
                        uint64_t *ticket)
{
    size_t length = 0;

    if (!journal || !journal->ops || !id || id->n == 0 || (count > 0 && !pieces) || !ticket)
        return MSIM_ERR_INVALID;
    for (size_t i = 0; i < count; i++) {
        if ((pieces[i].length > 0 && !pieces[i].bytes) ||
            pieces[i].length > MSIM_BATCH_MAX - length)
            return MSIM_ERR_INVALID;
        length += pieces[i].length;
    }
    if (length == 0)
        return MSIM_ERR_INVALID;
    return journal->ops->append(journal->self, id, pieces, count, expect_last, ticket);
}

int msim_journal_follow(struct msim_journal *journal, uint64_t from)
{
    if (!journal || !journal->ops || from == 0)
        return MSIM_ERR_INVALID;
    return journal->ops->follow(journal->self, from);
}

int msim_journal_descriptor(struct msim_journal *journal)
{
    return journal && journal->ops ? journal->ops->descriptor(journal->self) : -1;
}

int msim_journal_poll(struct msim_journal *journal, struct msim_journal_event *events,
                      size_t capacity, size_t *count)
{
    if (!journal || !journal->ops || !events || capacity == 0 || !count)
        return MSIM_ERR_INVALID;
    *count = 0;
    return journal->ops->poll(journal->self, events, capacity, count);
}

int msim_journal_trim(struct msim_journal *journal, uint64_t before)
{
    if (!journal || !journal->ops)
        return MSIM_ERR_INVALID;
    return journal->ops->trim(journal->self, before);
}

int msim_journal_info(struct msim_journal *journal, struct msim_journal_info *out)
{
    if (!journal || !journal->ops || !out)
        return MSIM_ERR_INVALID;
    journal->ops->info(journal->self, out);
    return MSIM_OK;
}

int msim_journal_again(struct msim_journal *journal, struct msim_journal *out)
{
    void *self = NULL;

    if (!journal || !journal->ops || !out)
        return MSIM_ERR_INVALID;
    int r = journal->ops->again(journal->self, &self);
    if (r == MSIM_OK)
        *out = (struct msim_journal){journal->ops, self};
    return r;
}

void msim_journal_release(struct msim_journal *journal)
{
    if (!journal || !journal->ops)
        return;
    journal->ops->release(journal->self);
    *journal = (struct msim_journal){0};
}

const char *msim_journal_result_name(int result)
{
    static const char *const names[] = {"OK",      "AGAIN", "UNKNOWN", "FENCED", "TRIMMED",
                                        "CORRUPT", "FULL",  "IO",      "CLOSED"};

    if (result < 0 || result > MSIM_JOURNAL_CLOSED)
        return "UNKNOWN_RESULT";
    return names[result];
}
