/*
 * The ring behind RESUME.
 */
#include "server/exchange/history.h"

#include <string.h>

#include "base/mem.h"

struct head {
    uint64_t sequence;
    uint32_t length;
    int32_t type;
};

/* A place in the ring; `at` is below twice its size. */
static size_t around(const struct msim_exchange_history *history, size_t at)
{
    return at < history->size ? at : at - history->size;
}

static void copy_in(struct msim_exchange_history *history, size_t at, const void *bytes,
                    size_t length)
{
    size_t place = around(history, history->start + at);
    size_t first = history->size - place < length ? history->size - place : length;

    memcpy(history->bytes + place, bytes, first);
    if (first < length)
        memcpy(history->bytes, (const unsigned char *)bytes + first, length - first);
}

static void copy_out(const struct msim_exchange_history *history, size_t at, void *bytes,
                     size_t length)
{
    size_t place = around(history, history->start + at);
    size_t first = history->size - place < length ? history->size - place : length;

    memcpy(bytes, history->bytes + place, first);
    if (first < length)
        memcpy((unsigned char *)bytes + first, history->bytes, length - first);
}

/* The oldest one's head, which nearly always lies in one piece. */
static struct head oldest(const struct msim_exchange_history *history)
{
    struct head head;

    if (history->size - history->start >= sizeof head)
        memcpy(&head, history->bytes + history->start, sizeof head);
    else
        copy_out(history, 0, &head, sizeof head);
    return head;
}

static void forget_oldest(struct msim_exchange_history *history)
{
    const struct head head = oldest(history);
    size_t whole = sizeof head + head.length;
    history->start = around(history, history->start + whole);
    history->used -= whole;
    history->first = head.sequence + 1;
}

static void begin(struct msim_exchange_history *history, uint64_t sequence)
{
    history->start = 0;
    history->used = 0;
    history->first = sequence;
    history->next = sequence;
}

void msim_exchange_history_add(struct msim_exchange_history *history, size_t size,
                               uint64_t sequence, int type, const void *bytes, size_t length,
                               const struct msim_allocator *allocator)
{
    struct head head = {sequence, (uint32_t)length, type};

    if (!history->bytes) {
        history->bytes = msim_mem_take(allocator, size);
        history->size = history->bytes ? size : 0;
        begin(history, sequence);
    }
    if (sequence != history->next)
        begin(history, sequence);
    if (length > UINT32_MAX || sizeof head + length > history->size) {
        begin(history, sequence + 1);
        return;
    }
    while (history->size - history->used < sizeof head + length)
        forget_oldest(history);
    const size_t place = around(history, history->start + history->used);
    if (history->size - place >= sizeof head + length) {
        memcpy(history->bytes + place, &head, sizeof head);
        memcpy(history->bytes + place + sizeof head, bytes, length);
    } else {
        copy_in(history, history->used, &head, sizeof head);
        copy_in(history, history->used + sizeof head, bytes, length);
    }
    history->used += sizeof head + length;
    history->next = sequence + 1;
    /* The first to be forgotten was written long ago; it is on its way when the next one comes. */
    __builtin_prefetch(history->bytes + history->start);
}

bool msim_exchange_history_has(const struct msim_exchange_history *history, uint64_t sequence)
{
    return sequence >= history->first && sequence <= history->next;
}

size_t msim_exchange_history_next(const struct msim_exchange_history *history, uint64_t from,
                                  struct msim_exchange_past *past, char *out, size_t size)
{
    while (past->at < history->used) {
        struct head head;
        copy_out(history, past->at, &head, sizeof head);
        size_t at = past->at + sizeof head;
        past->at = at + head.length;
        if (head.sequence < from || head.length > size)
            continue;
        copy_out(history, at, out, head.length);
        past->sequence = head.sequence;
        past->type = head.type;
        return head.length;
    }
    return 0;
}

void msim_exchange_history_finish(struct msim_exchange_history *history,
                                  const struct msim_allocator *allocator)
{
    msim_mem_free(allocator, history->bytes, history->size);
    memset(history, 0, sizeof *history);
}
