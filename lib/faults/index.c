/*
 * Places by numbers: open addressing, grown at three quarters.
 */
#include "faults/report.h"

#include <assert.h>

#include "base/mem.h"
#include "base/random.h"

static struct index_entry *place_of(struct index_entry *entries, size_t size, uint64_t key)
{
    size_t at = msim_mix64(key) & (size - 1);

    while (entries[at].key != 0 && entries[at].key != key)
        at = (at + 1) & (size - 1);
    return &entries[at];
}

uint32_t msim_fault_index_find(const struct index *index, uint64_t key)
{
    if (index->size == 0 || key == 0)
        return NOTHING;
    const struct index_entry *entry = place_of(index->entries, index->size, key);
    return entry->key == key ? entry->place : NOTHING;
}

int msim_fault_index_add(struct index *index, uint64_t key, uint32_t place,
                         const struct msim_allocator *allocator)
{
    assert(key != 0);
    if (4 * (index->count + 1) > 3 * index->size) {
        size_t size = index->size > 0 ? 2 * index->size : 16;
        struct index_entry *entries = msim_mem_zero_array(allocator, size, sizeof *entries);
        if (!entries)
            return MSIM_ERR_NOMEM;
        for (size_t i = 0; i < index->size; i++)
            if (index->entries[i].key != 0)
                *place_of(entries, size, index->entries[i].key) = index->entries[i];
        msim_mem_free(allocator, index->entries, index->size * sizeof *entries);
        index->entries = entries;
        index->size = size;
    }
    struct index_entry *entry = place_of(index->entries, index->size, key);
    index->count += entry->key == 0;
    *entry = (struct index_entry){key, place};
    return MSIM_OK;
}

void msim_fault_index_finish(struct index *index, const struct msim_allocator *allocator)
{
    msim_mem_free(allocator, index->entries, index->size * sizeof *index->entries);
    *index = (struct index){0};
}
