#include "net/packed.h"

#include <string.h>

#include "base/mem.h"
#include "net/frame.h"

void msim_packed_finish(struct msim_packed *packed, const struct msim_allocator *allocator)
{
    if (!packed->slots)
        return;
    for (size_t i = 0; i < MSIM_PACKED_SLOTS; i++)
        msim_mem_free(allocator, packed->slots[i].frame, packed->slots[i].capacity);
    msim_mem_free(allocator, packed->slots, MSIM_PACKED_SLOTS * sizeof *packed->slots);
    packed->slots = NULL;
}

/* NULL without memory: then nothing is remembered. */
static struct msim_packed_slot *slot_of(struct msim_packed *packed, uint64_t at,
                                        const struct msim_allocator *allocator)
{
    if (!packed->slots)
        packed->slots = msim_mem_zero_array(allocator, MSIM_PACKED_SLOTS, sizeof *packed->slots);
    if (!packed->slots)
        return NULL;
    return &packed->slots[(at * UINT64_C(0x9E3779B97F4A7C15) >> 32) % MSIM_PACKED_SLOTS];
}

static void keep(struct msim_packed_slot *slot, uint64_t at, const struct msim_deflate_link *link,
                 const unsigned char *frame, size_t size, const struct msim_allocator *allocator)
{
    slot->level = 0;
    if (size > MSIM_PACKED_BYTES)
        return;
    if (slot->capacity < size) {
        msim_mem_free(allocator, slot->frame, slot->capacity);
        slot->frame = msim_mem_take(allocator, size);
        slot->capacity = slot->frame ? size : 0;
        if (!slot->frame)
            return;
    }
    memcpy(slot->frame, frame, size);
    slot->size = size;
    slot->at = at;
    slot->window_bits = link->terms.window_bits;
    slot->level = (uint8_t)link->level;
}

int msim_packed_append(struct msim_packed *packed, uint64_t at, struct msim_connection *connection,
                       const unsigned char *frame, size_t size)
{
    const struct msim_allocator *allocator = &connection->net->allocator;
    const struct msim_deflate_link *link = connection->ws.deflate;
    struct msim_bytes *out = &connection->out;
    struct msim_frame head;

    /* What is too short for this one may be packed for another: neither takes it from the other. */
    bool is_shared = msim_frame_read_head(&head, frame, size) > 0 && head.length >= link->min_bytes;
    struct msim_packed_slot *slot = is_shared ? slot_of(packed, at, allocator) : NULL;
    if (slot && slot->at == at && slot->window_bits == link->terms.window_bits &&
        slot->level == link->level) {
        int r = msim_bytes_append(out, slot->frame, slot->size);
        if (r == MSIM_OK)
            connection->queued += slot->size;
        return r;
    }
    size_t before = msim_bytes_length(out);
    int r = msim_channel_pack(connection, frame, size);
    if (r == MSIM_OK && slot)
        keep(slot, at, link, msim_bytes_front(out) + before, msim_bytes_length(out) - before,
             allocator);
    return r;
}
