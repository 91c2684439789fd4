#include "net/signatures.h"

#include <string.h>

#include "base/mem.h"

#define FIRST_CAPACITY 256

void msim_signatures_init(struct msim_signatures *signatures, size_t limit,
                          const struct msim_allocator *allocator)
{
    *signatures = (struct msim_signatures){.allocator = *allocator, .limit = limit};
}

void msim_signatures_finish(struct msim_signatures *signatures)
{
    const struct msim_allocator *allocator = &signatures->allocator;

    if (signatures->ring)
        msim_mem_free(allocator, signatures->ring, signatures->capacity * sizeof(struct msim_used));
    if (signatures->slots)
        msim_mem_free(allocator, signatures->slots, signatures->capacity * sizeof(uint32_t));
    signatures->ring = NULL;
    signatures->slots = NULL;
    signatures->capacity = signatures->count = 0;
}

/* A signature is as good as random: nobody who cannot sign chooses its slot. */
static uint32_t *slot_of(const struct msim_signatures *signatures,
                         const uint8_t tag[MSIM_SIGNATURE_TAG])
{
    uint64_t hash;

    memcpy(&hash, tag, sizeof hash);
    return &signatures->slots[hash & (signatures->capacity - 1)];
}

static void put(struct msim_signatures *signatures, const struct msim_used *used)
{
    size_t place = (signatures->first + signatures->count++) & (signatures->capacity - 1);
    uint32_t *slot = slot_of(signatures, used->tag);

    signatures->ring[place] = *used;
    signatures->ring[place].next = *slot;
    *slot = (uint32_t)place + 1;
}

/* The oldest one is the last of its slot. */
static void take_first(struct msim_signatures *signatures)
{
    struct msim_used *used = &signatures->ring[signatures->first];
    uint32_t *link = slot_of(signatures, used->tag);

    while (*link != signatures->first + 1)
        link = &signatures->ring[*link - 1].next;
    *link = used->next;
    signatures->first = (signatures->first + 1) & (signatures->capacity - 1);
    signatures->count--;
}

static int grow(struct msim_signatures *signatures)
{
    const struct msim_allocator *allocator = &signatures->allocator;
    size_t capacity = signatures->capacity > 0 ? signatures->capacity * 2 : FIRST_CAPACITY;
    struct msim_signatures grown = {
        .allocator = *allocator, .capacity = capacity, .limit = signatures->limit};

    grown.ring = msim_mem_zero_array(allocator, capacity, sizeof *grown.ring);
    if (!grown.ring)
        return MSIM_ERR_NOMEM;
    grown.slots = msim_mem_zero_array(allocator, capacity, sizeof *grown.slots);
    if (!grown.slots) {
        msim_mem_free(allocator, grown.ring, capacity * sizeof *grown.ring);
        return MSIM_ERR_NOMEM;
    }
    for (size_t i = 0; i < signatures->count; i++)
        put(&grown, &signatures->ring[(signatures->first + i) & (signatures->capacity - 1)]);
    msim_signatures_finish(signatures);
    *signatures = grown;
    return MSIM_OK;
}

static bool is_there(const struct msim_signatures *signatures,
                     const uint8_t tag[MSIM_SIGNATURE_TAG])
{
    if (signatures->count == 0)
        return false;
    for (uint32_t at = *slot_of(signatures, tag); at > 0; at = signatures->ring[at - 1].next)
        if (memcmp(signatures->ring[at - 1].tag, tag, MSIM_SIGNATURE_TAG) == 0)
            return true;
    return false;
}

int msim_signatures_use(struct msim_signatures *signatures, const uint8_t tag[MSIM_SIGNATURE_TAG],
                        msim_time now, msim_time until)
{
    struct msim_used used = {.until = until};

    while (signatures->count > 0 && signatures->ring[signatures->first].until < now)
        take_first(signatures);
    if (is_there(signatures, tag))
        return MSIM_ERR_EXISTS;
    if (signatures->count >= signatures->limit)
        return MSIM_ERR_LIMIT;
    if (signatures->count == signatures->capacity) {
        int r = grow(signatures);
        if (r < 0)
            return r;
    }
    memcpy(used.tag, tag, MSIM_SIGNATURE_TAG);
    put(signatures, &used);
    return MSIM_OK;
}
