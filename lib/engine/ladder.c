#include "engine/ladder.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

void msim_ladder_finish(struct ladder *ladder, const struct msim_allocator *allocator)
{
    msim_mem_free(allocator, ladder->entries, ladder->capacity * sizeof *ladder->entries);
    *ladder = (struct ladder){0};
}

void msim_ladder_pool_finish(struct ladder_pool *pool, const struct msim_allocator *allocator)
{
    msim_mem_free(allocator, pool->runs, pool->capacity * sizeof *pool->runs);
    *pool = (struct ladder_pool){0};
}

int msim_ladder_reserve(struct ladder *ladder, struct ladder_pool *pool, size_t inserts,
                        const struct msim_allocator *allocator)
{
    /* Each split makes one more run, and leaves both with half a run's room. */
    const size_t runs = inserts / (LADDER_RUN / 2) + 2;
    int r = MSIM_OK;

    if (ladder->count + runs > ladder->capacity)
        r = msim_mem_grow(allocator, (void **)&ladder->entries, &ladder->capacity,
                          sizeof *ladder->entries, ladder->count + runs, UINT32_MAX);
    if (r < 0)
        return r;
    if (pool->free_count + (pool->capacity - pool->used) < runs)
        r = msim_mem_grow(allocator, (void **)&pool->runs, &pool->capacity, sizeof *pool->runs,
                          pool->used + runs, UINT32_MAX - 1);
    return r;
}

static uint32_t run_take(struct ladder_pool *pool)
{
    if (pool->free_run) {
        const uint32_t run = pool->free_run - 1;
        pool->free_run = (uint32_t)pool->runs[run].keys[0];
        pool->free_count--;
        return run;
    }
    assert(pool->used < pool->capacity);
    return (uint32_t)pool->used++;
}

static void run_give(struct ladder_pool *pool, uint32_t run)
{
    pool->runs[run].keys[0] = pool->free_run;
    pool->free_run = run + 1;
    pool->free_count++;
}

/* The last entry whose first key is not above `key`; 0 where all are. */
static size_t entry_of(const struct ladder *ladder, int64_t key)
{
    size_t low = 0;
    size_t high = ladder->count;

    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (ladder->entries[middle].first <= key)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* The first place of the run whose key is not below `key`. */
static uint32_t place_of(const struct ladder_run *run, uint32_t count, int64_t key)
{
    uint32_t low = 0;
    uint32_t high = count;

    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (run->keys[middle] < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct level *msim_ladder_find(const struct ladder *ladder, const struct ladder_pool *pool,
                               int64_t key)
{
    if (ladder->count == 0)
        return NULL;
    const struct ladder_entry *entry = &ladder->entries[entry_of(ladder, key)];
    struct ladder_run *run = &pool->runs[entry->run];
    const uint32_t place = place_of(run, entry->count, key);
    return place < entry->count && run->keys[place] == key ? &run->levels[place] : NULL;
}

static void entry_insert(struct ladder *ladder, size_t at, struct ladder_entry entry)
{
    assert(ladder->count < ladder->capacity);
    memmove(&ladder->entries[at + 1], &ladder->entries[at],
            (ladder->count - at) * sizeof *ladder->entries);
    ladder->entries[at] = entry;
    ladder->count++;
}

/* The upper half of a full run becomes a run of its own. */
static void split(struct ladder *ladder, struct ladder_pool *pool, size_t at)
{
    const uint32_t half = LADDER_RUN / 2;
    const uint32_t made = run_take(pool);
    struct ladder_run *from = &pool->runs[ladder->entries[at].run];
    struct ladder_run *to = &pool->runs[made];

    memcpy(to->keys, &from->keys[half], half * sizeof to->keys[0]);
    memcpy(to->levels, &from->levels[half], half * sizeof to->levels[0]);
    ladder->entries[at].count = half;
    entry_insert(ladder, at + 1, (struct ladder_entry){to->keys[0], made, half});
}

struct level *msim_ladder_insert(struct ladder *ladder, struct ladder_pool *pool, int64_t key)
{
    if (ladder->count == 0)
        entry_insert(ladder, 0, (struct ladder_entry){key, run_take(pool), 0});

    size_t at = entry_of(ladder, key);
    struct ladder_entry *entry = &ladder->entries[at];
    struct ladder_run *run = &pool->runs[entry->run];
    uint32_t place = place_of(run, entry->count, key);
    if (place < entry->count && run->keys[place] == key)
        return &run->levels[place];

    if (entry->count == LADDER_RUN) {
        split(ladder, pool, at);
        if (place > LADDER_RUN / 2) {
            place -= LADDER_RUN / 2;
            at++;
        }
        entry = &ladder->entries[at];
        run = &pool->runs[entry->run];
    }
    memmove(&run->keys[place + 1], &run->keys[place], (entry->count - place) * sizeof run->keys[0]);
    memmove(&run->levels[place + 1], &run->levels[place],
            (entry->count - place) * sizeof run->levels[0]);
    run->keys[place] = key;
    run->levels[place] = (struct level){0};
    entry->count++;
    entry->first = run->keys[0];
    ladder->level_count++;
    return &run->levels[place];
}

static void entry_remove(struct ladder *ladder, struct ladder_pool *pool, size_t at)
{
    run_give(pool, ladder->entries[at].run);
    ladder->count--;
    memmove(&ladder->entries[at], &ladder->entries[at + 1],
            (ladder->count - at) * sizeof *ladder->entries);
}

/* Runs that are next to each other and together half full become one: so runs stay few. */
static void join(struct ladder *ladder, struct ladder_pool *pool, size_t at)
{
    if (at + 1 >= ladder->count)
        return;
    struct ladder_entry *left = &ladder->entries[at];
    const struct ladder_entry *right = &ladder->entries[at + 1];
    if (left->count + right->count > LADDER_RUN / 2)
        return;
    struct ladder_run *to = &pool->runs[left->run];
    const struct ladder_run *from = &pool->runs[right->run];
    memcpy(&to->keys[left->count], from->keys, right->count * sizeof to->keys[0]);
    memcpy(&to->levels[left->count], from->levels, right->count * sizeof to->levels[0]);
    left->count += right->count;
    entry_remove(ladder, pool, at + 1);
}

void msim_ladder_remove(struct ladder *ladder, struct ladder_pool *pool, int64_t key)
{
    const size_t at = entry_of(ladder, key);
    struct ladder_entry *entry = &ladder->entries[at];
    struct ladder_run *run = &pool->runs[entry->run];
    const uint32_t place = place_of(run, entry->count, key);
    const uint32_t behind = entry->count - place - 1;

    assert(place < entry->count && run->keys[place] == key);
    memmove(&run->keys[place], &run->keys[place + 1], behind * sizeof run->keys[0]);
    memmove(&run->levels[place], &run->levels[place + 1], behind * sizeof run->levels[0]);
    entry->count--;
    ladder->level_count--;
    if (entry->count == 0) {
        entry_remove(ladder, pool, at);
        if (at > 0)
            join(ladder, pool, at - 1);
        return;
    }
    entry->first = run->keys[0];
    join(ladder, pool, at);
    if (at > 0)
        join(ladder, pool, at - 1);
}

int64_t msim_ladder_after(const struct ladder *ladder, const struct ladder_pool *pool, int64_t key)
{
    if (ladder->count == 0)
        return KEY_NONE;
    if (key < ladder->entries[0].first)
        return ladder->entries[0].first;
    const size_t at = entry_of(ladder, key);
    const struct ladder_entry *entry = &ladder->entries[at];
    const struct ladder_run *run = &pool->runs[entry->run];
    uint32_t place = place_of(run, entry->count, key);
    if (place < entry->count && run->keys[place] == key)
        place++;
    if (place < entry->count)
        return run->keys[place];
    return at + 1 < ladder->count ? ladder->entries[at + 1].first : KEY_NONE;
}
