#include "net/latest.h"

#include <string.h>

#include "base/mem.h"

#define FIRST_SLOTS 64

void msim_latest_init(struct msim_latest *latest, size_t max_keys, size_t max_bytes,
                      const struct msim_allocator *allocator)
{
    *latest =
        (struct msim_latest){.allocator = allocator, .max_keys = max_keys, .max_bytes = max_bytes};
}

static void item_free(const struct msim_latest *latest, struct msim_latest_item *item)
{
    msim_mem_free(latest->allocator, item->frame, item->capacity);
    msim_mem_free(latest->allocator, item, sizeof *item);
}

void msim_latest_finish(struct msim_latest *latest)
{
    while (latest->oldest) {
        struct msim_latest_item *item = latest->oldest;
        latest->oldest = item->newer;
        item_free(latest, item);
    }
    msim_mem_free(latest->allocator, latest->slots, latest->slot_count * sizeof *latest->slots);
    latest->slots = NULL;
    latest->newest = NULL;
    latest->slot_count = latest->count = latest->bytes = 0;
}

/* ---- by key ---- */

static struct msim_latest_item **slot_of(const struct msim_latest *latest, uint64_t key)
{
    /* Keys are often small numbers in a row, or one in each 2^n: all their bits count. */
    uint64_t mixed = key * UINT64_C(0x9E3779B97F4A7C15);

    return &latest->slots[(mixed ^ mixed >> 32) & (latest->slot_count - 1)];
}

static struct msim_latest_item *find(const struct msim_latest *latest, uint64_t key)
{
    if (latest->slot_count == 0)
        return NULL;
    struct msim_latest_item *item = *slot_of(latest, key);
    while (item && item->key != key)
        item = item->next;
    return item;
}

static int grow(struct msim_latest *latest)
{
    size_t count = latest->slot_count > 0 ? latest->slot_count * 2 : FIRST_SLOTS;
    struct msim_latest_item **slots =
        msim_mem_zero_array(latest->allocator, count, sizeof *latest->slots);
    if (!slots)
        return MSIM_ERR_NOMEM;
    msim_mem_free(latest->allocator, latest->slots, latest->slot_count * sizeof *latest->slots);
    latest->slots = slots;
    latest->slot_count = count;
    for (struct msim_latest_item *item = latest->oldest; item; item = item->newer) {
        struct msim_latest_item **slot = slot_of(latest, item->key);
        item->next = *slot;
        *slot = item;
    }
    return MSIM_OK;
}

/* ---- by age ---- */

static void take_out(struct msim_latest *latest, struct msim_latest_item *item)
{
    if (item->older)
        item->older->newer = item->newer;
    else
        latest->oldest = item->newer;
    if (item->newer)
        item->newer->older = item->older;
    else
        latest->newest = item->older;
}

static void put_last(struct msim_latest *latest, struct msim_latest_item *item)
{
    item->older = latest->newest;
    item->newer = NULL;
    if (latest->newest)
        latest->newest->newer = item;
    else
        latest->oldest = item;
    latest->newest = item;
}

/* A key that is new, without a frame. */
static int add(struct msim_latest *latest, uint64_t key, struct msim_latest_item **out)
{
    if (latest->count == latest->max_keys)
        return MSIM_ERR_LIMIT;
    if (latest->count == latest->slot_count) {
        int r = grow(latest);
        if (r < 0)
            return r;
    }
    struct msim_latest_item *item = msim_mem_zero(latest->allocator, sizeof *item);
    if (!item)
        return MSIM_ERR_NOMEM;
    item->key = key;
    struct msim_latest_item **slot = slot_of(latest, key);
    item->next = *slot;
    *slot = item;
    put_last(latest, item);
    latest->count++;
    *out = item;
    return MSIM_OK;
}

int msim_latest_put(struct msim_latest *latest, uint64_t key, uint64_t number,
                    const unsigned char *frame, size_t size)
{
    struct msim_latest_item *item = find(latest, key);
    size_t before = item ? item->size : 0;

    if (size > latest->max_bytes - (latest->bytes - before))
        return MSIM_ERR_LIMIT;
    unsigned char *memory = NULL;
    if (!item || item->capacity < size) {
        memory = msim_mem_take(latest->allocator, size);
        if (!memory)
            return MSIM_ERR_NOMEM;
    }
    int r = item ? MSIM_OK : add(latest, key, &item);
    if (r < 0) {
        msim_mem_free(latest->allocator, memory, size);
        return r;
    }
    if (memory) {
        msim_mem_free(latest->allocator, item->frame, item->capacity);
        item->frame = memory;
        item->capacity = size;
    }
    memcpy(item->frame, frame, size);
    latest->bytes += size - before;
    item->size = size;
    item->number = number;
    take_out(latest, item);
    put_last(latest, item);
    return MSIM_OK;
}

const struct msim_latest_item *msim_latest_from(const struct msim_latest *latest, uint64_t number)
{
    const struct msim_latest_item *first = NULL;

    for (const struct msim_latest_item *item = latest->newest; item && item->number >= number;
         item = item->older)
        first = item;
    return first;
}
