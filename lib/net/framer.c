/*
 * Lending wslay's frame contexts: one for as long as a frame is in flight.
 */
#include "net/ws.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "net/framer.h"

/* At a head or amid a payload, wslay is given no byte beyond the frame: it keeps none back. */
static ssize_t give(uint8_t *buffer, size_t length, int flags, void *context)
{
    struct msim_framer *framer = context;
    size_t taken;

    (void)flags;
    if (framer->head_left > 0) {
        taken = length < framer->head_left ? length : framer->head_left;
        memcpy(buffer, framer->head + framer->frame.head_size - framer->head_left, taken);
        framer->head_left -= taken;
        return (ssize_t)taken;
    }
    taken = length < framer->bytes_left ? length : framer->bytes_left;
    if (taken > framer->payload_left)
        taken = (size_t)framer->payload_left;
    if (taken == 0)
        return 0;
    memcpy(buffer, framer->bytes, taken);
    framer->bytes += taken;
    framer->bytes_left -= taken;
    framer->payload_left -= taken;
    return (ssize_t)taken;
}

static ssize_t take(const uint8_t *bytes, size_t length, int flags, void *context)
{
    struct msim_framer *framer = context;

    (void)flags;
    memcpy(framer->out, bytes, length);
    framer->out += length;
    return (ssize_t)length;
}

static int generate_mask(uint8_t *buffer, size_t length, void *context)
{
    const struct msim_framer *framer = context;

    assert(length == 4);
    memcpy(buffer, framer->key, length);
    return 0;
}

void msim_framer_pool_init(struct msim_framer_pool *pool, const struct msim_allocator *allocator)
{
    *pool = (struct msim_framer_pool){.allocator = msim_mem_allocator(allocator)};
}

struct msim_framer *msim_framer_lend(struct msim_framer_pool *pool)
{
    static const struct wslay_frame_callbacks callbacks = {take, give, generate_mask};
    struct msim_framer *framer = pool->spare;

    if (framer) {
        pool->spare = framer->next;
        pool->spare_count--;
        return framer;
    }
    framer = msim_mem_zero(&pool->allocator, sizeof *framer);
    if (!framer)
        return NULL;
    framer->pool = pool;
    if (wslay_frame_context_init(&framer->context, &callbacks, framer) != 0) {
        msim_mem_free(&pool->allocator, framer, sizeof *framer);
        return NULL;
    }
    return framer;
}

void msim_framer_free(struct msim_framer *framer)
{
    if (!framer)
        return;
    wslay_frame_context_free(framer->context);
    msim_mem_free(&framer->pool->allocator, framer, sizeof *framer);
}

void msim_framer_return(struct msim_framer *framer)
{
    struct msim_framer_pool *pool = framer->pool;

    if (pool->spare_count == MSIM_FRAMERS_SPARE) {
        msim_framer_free(framer);
        return;
    }
    framer->next = pool->spare;
    pool->spare = framer;
    pool->spare_count++;
}

void msim_framer_pool_finish(struct msim_framer_pool *pool)
{
    while (pool->spare) {
        struct msim_framer *framer = pool->spare;
        pool->spare = framer->next;
        msim_framer_free(framer);
    }
    pool->spare_count = 0;
}

int64_t msim_framer_mask(struct msim_framer_pool *pool, unsigned char *out, enum msim_opcode opcode,
                         const void *bytes, size_t length, const uint8_t key[4])
{
    struct msim_framer *framer = msim_framer_lend(pool);
    if (!framer)
        return MSIM_ERR_NOMEM;

    struct wslay_frame_iocb frame = {
        .fin = 1,
        .opcode = (uint8_t)opcode,
        .mask = 1,
        .payload_length = length,
        .data = bytes,
        .data_length = length,
    };
    framer->out = out;
    framer->key = key;
    /* The callback takes everything at once, so one call sends the whole frame. */
    ssize_t sent = wslay_frame_send(framer->context, &frame);
    assert(sent == (ssize_t)length);
    (void)sent;
    int64_t size = framer->out - out;
    msim_framer_return(framer);
    return size;
}
