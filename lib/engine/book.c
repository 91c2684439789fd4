/*
 * A side's window and what lies beyond it.
 */
#include "engine/book.h"

#include <assert.h>
#include <string.h>

/* Levels that move from the ladder into the window at a time: the bound on that work. */
#define PULL_LEVELS 32

/* Levels that one insertion may push over the border after it was prepared; see below. */
#define SPARE_INSERTS (2 * PULL_LEVELS)

void msim_side_finish(struct msim_engine *engine, struct side *side)
{
    const size_t words = engine->window / 64;
    const size_t groups = (engine->window + 4095) / 4096;
    const struct msim_allocator *allocator = &engine->allocator;

    msim_mem_free(allocator, side->levels, engine->window * sizeof *side->levels);
    msim_mem_free(allocator, side->words, (words + groups) * sizeof *side->words);
    msim_ladder_finish(&side->far, allocator);
}

/* The window is taken when it is first used; its levels are made when their bits are set. */
static int window_take(struct msim_engine *engine, struct side *side)
{
    const size_t words = engine->window / 64;
    const size_t groups = (engine->window + 4095) / 4096;
    const struct msim_allocator *allocator = &engine->allocator;

    struct level *levels = msim_mem_take_array(allocator, engine->window, sizeof *side->levels);
    if (!levels)
        return MSIM_ERR_NOMEM;
    side->words = msim_mem_zero_array(allocator, words + groups, sizeof *side->words);
    if (!side->words) {
        msim_mem_free(allocator, levels, engine->window * sizeof *side->levels);
        return MSIM_ERR_NOMEM;
    }
    side->middle = side->words + words;
    side->levels = levels;
    return MSIM_OK;
}

/* The key behind `key` that a marked level has; near_end or beyond where there is none. */
static int64_t near_after(const struct msim_engine *engine, const struct side *side, int64_t key)
{
    const uint64_t mask = engine->window - 1;
    const uint64_t from = (uint64_t)(key + 1) & mask;
    const uint64_t place = side_next_place(side, from);
    return key + 1 + (int64_t)((place - from) & mask);
}

/* Levels from `end` on leave the window for the ladder, which has room for them. */
static void push_beyond(struct msim_engine *engine, struct side *side, int64_t end)
{
    const int64_t from = end > side->best ? end : side->best;

    while (side->near_count > 0) {
        const int64_t key = near_after(engine, side, from - 1);
        if (key >= side->near_end)
            break;
        struct level *to = msim_ladder_insert(&side->far, &engine->ladder_pool, key);
        *to = *side_near(engine, side, key);
        side_unmark(side, (uint64_t)key & (engine->window - 1));
    }
    side->near_end = end;
}

static size_t count_beyond(const struct msim_engine *engine, const struct side *side, int64_t end)
{
    size_t count = 0;
    int64_t key = (end > side->best ? end : side->best) - 1;

    while ((key = near_after(engine, side, key)) < side->near_end)
        count++;
    return count;
}

/* Some levels of the ladder that the window reaches come into it. */
static void pull_near(struct msim_engine *engine, struct side *side)
{
    if (side->near_count == 0)
        side->best = ladder_first(&side->far);
    if (side->best == KEY_NONE)
        return;
    const int64_t reach = side->best + (int64_t)engine->window;
    int64_t first = ladder_first(&side->far);

    for (int i = 0; i < PULL_LEVELS && first < reach; i++) {
        const struct level *from = msim_ladder_find(&side->far, &engine->ladder_pool, first);
        *side_near(engine, side, first) = *from;
        side_mark(side, (uint64_t)first & (engine->window - 1));
        msim_ladder_remove(&side->far, &engine->ladder_pool, first);
        first = ladder_first(&side->far);
    }
    side->near_end = first < reach ? first : reach;
}

/*
 * A better price than all will move the window's end with it, and levels over the
 * border.  A worse one than the window reaches goes to the ladder, unless the
 * window can be extended to it, as after the market moved.
 */
int msim_side_prepare_slow(struct msim_engine *engine, struct side *side, int64_t key)
{
    const int64_t window = (int64_t)engine->window;
    int r;

    if (!side->levels && (r = window_take(engine, side)) < 0)
        return r;
    if (side->best == KEY_NONE) {
        side->near_end = key + window;
        return MSIM_OK;
    }
    if (key < side->best) {
        const int64_t end = key + window;
        if (end >= side->near_end)
            return MSIM_OK;
        return msim_ladder_reserve(&side->far, &engine->ladder_pool,
                                   count_beyond(engine, side, end) + SPARE_INSERTS,
                                   &engine->allocator);
    }
    if (key < side->best + window)
        pull_near(engine, side);
    if (key < side->near_end)
        return MSIM_OK;
    return msim_ladder_reserve(&side->far, &engine->ladder_pool, SPARE_INSERTS, &engine->allocator);
}

struct level *msim_side_level_make_slow(struct msim_engine *engine, struct side *side, int64_t key)
{
    const int64_t end = key + (int64_t)engine->window;

    if (side->best == KEY_NONE)
        side->near_end = end;
    else if (key >= side->near_end)
        return msim_ladder_insert(&side->far, &engine->ladder_pool, key);
    else if (end < side->near_end)
        push_beyond(engine, side, end);

    side->best = key;
    *side_near(engine, side, key) = (struct level){0};
    side_mark(side, (uint64_t)key & (engine->window - 1));
    return side_near(engine, side, key);
}

void msim_side_far_remove(struct msim_engine *engine, struct side *side, int64_t key)
{
    msim_ladder_remove(&side->far, &engine->ladder_pool, key);
}

void msim_side_advance(struct msim_engine *engine, struct side *side)
{
    if (side->near_count > 0)
        side->best = near_after(engine, side, side->best);
    else
        pull_near(engine, side);
}

int64_t msim_side_after(const struct msim_engine *engine, const struct side *side, int64_t key)
{
    if (key < side->near_end && side->near_count > 0) {
        const int64_t next = near_after(engine, side, key);
        if (next < side->near_end)
            return next;
    }
    return msim_ladder_after(&side->far, &engine->ladder_pool, key);
}

struct level *msim_side_level(const struct msim_engine *engine, const struct side *side,
                              int64_t key)
{
    if (key < side->near_end)
        return side_near(engine, side, key);
    return msim_ladder_find(&side->far, &engine->ladder_pool, key);
}

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
    while (b != 0) {
        const uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static size_t level_count(const struct side *side)
{
    return side->near_count + side->far.level_count;
}

/* The same side with every key multiplied; memory was made sure of. */
static void side_stretch(struct msim_engine *engine, const struct side *from, struct side *to,
                         int64_t factor)
{
    to->best = KEY_NONE;
    for (int64_t key = from->best; key != KEY_NONE; key = msim_side_after(engine, from, key)) {
        struct level *level = side_level_make(engine, to, key * factor);
        *level = *msim_side_level(engine, from, key);
    }
    to->total = from->total;
    to->order_count = from->order_count;
}

int msim_book_set_tick(struct msim_engine *engine, struct instrument *instrument, int64_t tick)
{
    struct side *sides = instrument->sides;
    const size_t levels = level_count(&sides[BUY]) + level_count(&sides[SELL]);
    const int64_t old_step = instrument->step.unit;
    /* The old step divides the prices of orders that wait for their triggers, too. */
    const bool used = levels > 0 || instrument->waiting_count > 0;
    const int64_t step = used ? (int64_t)common_divisor((uint64_t)old_step, (uint64_t)tick) : tick;
    struct side fresh[2] = {{.best = KEY_NONE}, {.best = KEY_NONE}};
    int r = MSIM_OK;

    if (levels > 0 && step != old_step) {
        for (unsigned at = BUY; at <= SELL && r == MSIM_OK; at++) {
            r = window_take(engine, &fresh[at]);
            if (r == MSIM_OK)
                r = msim_ladder_reserve(&fresh[at].far, &engine->ladder_pool,
                                        levels + SPARE_INSERTS, &engine->allocator);
        }
        if (r < 0) {
            msim_side_finish(engine, &fresh[BUY]);
            msim_side_finish(engine, &fresh[SELL]);
            return r;
        }
        for (unsigned at = BUY; at <= SELL; at++) {
            side_stretch(engine, &sides[at], &fresh[at], old_step / step);
            while (ladder_first(&sides[at].far) != KEY_NONE)
                msim_ladder_remove(&sides[at].far, &engine->ladder_pool,
                                   ladder_first(&sides[at].far));
            msim_side_finish(engine, &sides[at]);
            sides[at] = fresh[at];
        }
    }
    msim_grid_set(&instrument->tick, tick);
    msim_grid_set(&instrument->step, step);
    msim_instrument_refresh(instrument);
    return MSIM_OK;
}
