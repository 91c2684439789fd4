/*
 * Places by numbers: open addressing, grown at three quarters.
 */
#include "faults/report.h"

#include "base/mem.h"
#include "base/random.h"

/* All of a number below 2^32. */
static uint32_t tag_of(uint64_t key)
{
    return (uint32_t)(key ^ key >> 32);
}

/*
 * Numbers in a row share cache lines; the lines are anywhere.  Where such a run meets another, all
 * of it goes on to the next run's places: with a step of one it would have to pass the whole other.
 */
#define STEP 17 /* a run and one more: odd, so that it comes to every place */
static size_t home_of(const struct index *index, uint32_t tag)
{
    return (size_t)(msim_mix64(tag >> 4) << 4 | (tag & 15)) & (index->size - 1);
}

static void put(struct index *index, struct index_entry entry)
{
    size_t at = home_of(index, entry.tag);

    while (index->entries[at].number != 0)
        at = (at + STEP) & (index->size - 1);
    index->entries[at] = entry;
}

uint32_t msim_fault_index_find(const struct index *index, uint64_t key)
{
    const uint32_t tag = tag_of(key);

    if (index->size == 0)
        return NOTHING;
    for (size_t at = home_of(index, tag); index->entries[at].number != 0;
         at = (at + STEP) & (index->size - 1))
        if (index->entries[at].tag == tag)
            return index->entries[at].number - 1;
    return NOTHING;
}

uint32_t msim_fault_index_find_next(const struct index *index, uint64_t key, uint32_t place)
{
    const uint32_t tag = tag_of(key);
    bool behind = false;

    for (size_t at = home_of(index, tag); index->entries[at].number != 0;
         at = (at + STEP) & (index->size - 1)) {
        if (index->entries[at].tag != tag)
            continue;
        if (behind)
            return index->entries[at].number - 1;
        behind = index->entries[at].number - 1 == place;
    }
    return NOTHING;
}

int msim_fault_index_add(struct index *index, uint64_t key, uint32_t place,
                         const struct msim_allocator *allocator)
{
    if (4 * (index->count + 1) > 3 * index->size) {
        struct index grown = {.size = index->size > 0 ? 2 * index->size : 16,
                              .count = index->count};
        grown.entries = msim_mem_zero_array(allocator, grown.size, sizeof *grown.entries);
        if (!grown.entries)
            return MSIM_ERR_NOMEM;
        for (size_t i = 0; i < index->size; i++)
            if (index->entries[i].number != 0)
                put(&grown, index->entries[i]);
        msim_fault_index_finish(index, allocator);
        *index = grown;
    }
    put(index, (struct index_entry){tag_of(key), place + 1});
    index->count++;
    return MSIM_OK;
}

void msim_fault_index_finish(struct index *index, const struct msim_allocator *allocator)
{
    msim_mem_free(allocator, index->entries, index->size * sizeof *index->entries);
    *index = (struct index){0};
}
