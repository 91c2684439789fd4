/*
 * A ladder: levels by price, in order, however far apart.
 *
 * Two storeys: runs of at most LADDER_RUN levels in order, and a directory of the
 * runs.  A search is two binary searches in memory that lies together; what is
 * moved by an insertion is a part of one run.  It holds what lies beyond a book
 * side's window, and the orders that wait for their triggers.
 */
#ifndef MSIM_ENGINE_LADDER_H
#define MSIM_ENGINE_LADDER_H

#include <marketsim/base.h>

/* The best level of each side has the smallest key: a sell's price in steps, a buy's negated. */
#define KEY_NONE INT64_MAX

/* The orders of one price, in their order of arrival. */
struct level {
    uint32_t head;
    uint32_t tail;
    uint32_t count;
    uint32_t reserved;
    msim_qty shown;
    msim_qty hidden; /* what icebergs keep back */
};

#define LADDER_RUN 32

struct ladder_run {
    int64_t keys[LADDER_RUN];
    struct level levels[LADDER_RUN];
};

/* The runs of all ladders of an engine. */
struct ladder_pool {
    struct ladder_run *runs;
    size_t capacity;
    size_t used;
    uint32_t free_run; /* run + 1, linked through keys[0] */
    size_t free_count;
};

struct ladder_entry {
    int64_t first;
    uint32_t run;
    uint32_t count;
};

struct ladder {
    struct ladder_entry *entries;
    size_t count;
    size_t capacity;
    uint64_t level_count;
};

void msim_ladder_finish(struct ladder *ladder, const struct msim_allocator *allocator);
void msim_ladder_pool_finish(struct ladder_pool *pool, const struct msim_allocator *allocator);

/* Makes sure that the next `inserts` new levels find memory. */
int msim_ladder_reserve(struct ladder *ladder, struct ladder_pool *pool, size_t inserts,
                        const struct msim_allocator *allocator);

/* NULL where no level has the key.  Borrowed until the next insert or remove. */
struct level *msim_ladder_find(const struct ladder *ladder, const struct ladder_pool *pool,
                               int64_t key);

/* The level of the key, made empty now if there was none. */
struct level *msim_ladder_insert(struct ladder *ladder, struct ladder_pool *pool, int64_t key);

/* The level is there. */
void msim_ladder_remove(struct ladder *ladder, struct ladder_pool *pool, int64_t key);

/* KEY_NONE where the ladder is empty. */
static inline int64_t ladder_first(const struct ladder *ladder)
{
    return ladder->count > 0 ? ladder->entries[0].first : KEY_NONE;
}

/* The least key above `key`; KEY_NONE where there is none. */
int64_t msim_ladder_after(const struct ladder *ladder, const struct ladder_pool *pool, int64_t key);

#endif
