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

/* Levels that a side's window has at first, and at most keeps while the side is empty. */
#define FIRST_WINDOW 256
#define IDLE_WINDOW 512

static size_t window_words(uint64_t size)
{
    return size / 64 + (size + 4095) / 4096;
}

static void window_free(struct msim_engine *engine, const struct window *window)
{
    const struct msim_allocator *allocator = &engine->allocator;

    msim_mem_free(allocator, window->levels, window->size * sizeof *window->levels);
    msim_mem_free(allocator, window->words, window_words(window->size) * sizeof *window->words);
}

/* A spare one where there is one about as large; its bits are zero. */
static int window_take(struct msim_engine *engine, uint64_t size, struct window *window)
{
    const struct msim_allocator *allocator = &engine->allocator;

    for (int i = 0; i < SPARE_WINDOWS; i++) {
        struct window *spare = &engine->spares[i];
        if (spare->size < size || spare->size > 2 * size)
            continue;
        *window = *spare;
        *spare = (struct window){0};
        return MSIM_OK;
    }
    *window = (struct window){.size = size};
    window->levels = msim_mem_take_array(allocator, size, sizeof *window->levels);
    window->words = msim_mem_zero_array(allocator, window_words(size), sizeof *window->words);
    if (window->levels && window->words)
        return MSIM_OK;
    window_free(engine, window);
    return MSIM_ERR_NOMEM;
}

/* Kept instead of the smallest spare one; what is over goes back to the allocator. */
static void window_give(struct msim_engine *engine, struct window window)
{
    struct window *smallest = &engine->spares[0];

    for (int i = 1; i < SPARE_WINDOWS; i++) {
        if (engine->spares[i].size < smallest->size)
            smallest = &engine->spares[i];
    }
    if (smallest->size < window.size) {
        const struct window kept = window;
        window = *smallest;
        *smallest = kept;
        memset(kept.words, 0, window_words(kept.size) * sizeof *kept.words);
    }
    window_free(engine, &window);
}

void msim_windows_finish(struct msim_engine *engine)
{
    for (int i = 0; i < SPARE_WINDOWS; i++)
        window_free(engine, &engine->spares[i]);
}

static struct window window_of(const struct side *side)
{
    return (struct window){side->levels, side->words, side->levels ? side->mask + 1 : 0};
}

static void window_set(struct side *side, const struct window *window)
{
    side->levels = window->levels;
    side->words = window->words;
    side->middle = window->words ? window->words + window->size / 64 : NULL;
    side->mask = window->size - 1;
}

void msim_side_finish(struct msim_engine *engine, struct side *side)
{
    const struct window window = window_of(side);

    window_free(engine, &window);
    msim_ladder_finish(&side->far, &engine->allocator);
}

void msim_side_idle(struct msim_engine *engine, struct side *side)
{
    const struct window window = window_of(side);

    if (side->best != KEY_NONE || window.size <= IDLE_WINDOW)
        return;
    window_give(engine, window);
    window_set(side, &(struct window){0});
}

/* The key behind `key` that a marked level has; near_end or beyond where there is none. */
static int64_t near_after(const struct side *side, int64_t key)
{
    const uint64_t from = (uint64_t)(key + 1) & side->mask;
    const uint64_t place = side_next_place(side, from);
    return key + 1 + (int64_t)((place - from) & side->mask);
}

/* Levels from `end` on leave the window for the ladder, which has room for them. */
static void push_beyond(struct msim_engine *engine, struct side *side, int64_t end)
{
    const int64_t from = end > side->best ? end : side->best;

    while (side->near_count > 0) {
        const int64_t key = near_after(side, from - 1);
        if (key >= side->near_end)
            break;
        struct level *to = msim_ladder_insert(&side->far, &engine->ladder_pool, key);
        *to = *side_near(side, key);
        side_unmark(side, (uint64_t)key & side->mask);
    }
    side->near_end = end;
}

static size_t count_beyond(const struct side *side, int64_t end)
{
    size_t count = 0;
    int64_t key = (end > side->best ? end : side->best) - 1;

    while ((key = near_after(side, key)) < side->near_end)
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
    const int64_t reach = side->best + (int64_t)side->mask + 1;
    int64_t first = ladder_first(&side->far);

    for (int i = 0; i < PULL_LEVELS && first < reach; i++) {
        const struct level *from = msim_ladder_find(&side->far, &engine->ladder_pool, first);
        *side_near(side, first) = *from;
        side_mark(side, (uint64_t)first & side->mask);
        msim_ladder_remove(&side->far, &engine->ladder_pool, first);
        first = ladder_first(&side->far);
    }
    side->near_end = first < reach ? first : reach;
}

/* A larger window with the same levels; nothing else shows. */
static int window_grow(struct msim_engine *engine, struct side *side, uint64_t size)
{
    const struct window old = window_of(side);
    struct window window;
    int r = window_take(engine, size, &window);
    if (r < 0)
        return r;

    struct side grown = *side;
    window_set(&grown, &window);
    grown.top = 0;
    grown.near_count = 0;
    const uint64_t count = side->near_count;
    for (int64_t key = side->best; grown.near_count < count; key = near_after(side, key)) {
        *side_near(&grown, key) = *side_near(side, key);
        side_mark(&grown, (uint64_t)key & grown.mask);
    }
    *side = grown;
    window_give(engine, old);
    return MSIM_OK;
}

/* A window that holds `span` prices, as far as there is such a one. */
static int window_fit(struct msim_engine *engine, struct side *side, uint64_t span)
{
    uint64_t size = side->mask + 1;

    while (size < span && size < engine->window)
        size *= 2;
    return size > side->mask + 1 ? window_grow(engine, side, size) : MSIM_OK;
}

/*
 * A better price than all will move the window's end with it, and levels over the
 * border.  A worse one than the window reaches goes to the ladder, unless the
 * window can be extended to it, as after the market moved.
 */
int msim_side_prepare_slow(struct msim_engine *engine, struct side *side, int64_t key)
{
    int r = MSIM_OK;

    if (!side->levels) {
        struct window window;
        r = window_take(engine, engine->window < FIRST_WINDOW ? engine->window : FIRST_WINDOW,
                        &window);
        if (r < 0)
            return r;
        window_set(side, &window);
    }
    if (side->best == KEY_NONE) {
        side->near_end = key + (int64_t)side->mask + 1;
        return MSIM_OK;
    }
    if (key < side->best) {
        if (key + (int64_t)side->mask + 1 >= side->near_end)
            return MSIM_OK;
        size_t beyond = count_beyond(side, key + (int64_t)side->mask + 1);
        if (beyond > 0 && (r = window_fit(engine, side, (uint64_t)(side->near_end - key))) < 0)
            return r;
        beyond = count_beyond(side, key + (int64_t)side->mask + 1);
        return msim_ladder_reserve(&side->far, &engine->ladder_pool, beyond + SPARE_INSERTS,
                                   &engine->allocator);
    }
    if (key - side->best < (int64_t)engine->window) {
        r = window_fit(engine, side, (uint64_t)(key - side->best) + 1);
        if (r < 0)
            return r;
        pull_near(engine, side);
    }
    if (key < side->near_end)
        return MSIM_OK;
    return msim_ladder_reserve(&side->far, &engine->ladder_pool, SPARE_INSERTS, &engine->allocator);
}

struct level *msim_side_level_make_slow(struct msim_engine *engine, struct side *side, int64_t key)
{
    const int64_t end = key + (int64_t)side->mask + 1;

    if (side->best == KEY_NONE)
        side->near_end = end;
    else if (key >= side->near_end)
        return msim_ladder_insert(&side->far, &engine->ladder_pool, key);
    else if (end < side->near_end)
        push_beyond(engine, side, end);

    side->best = key;
    *side_near(side, key) = (struct level){0};
    side_mark(side, (uint64_t)key & side->mask);
    return side_near(side, key);
}

void msim_side_far_remove(struct msim_engine *engine, struct side *side, int64_t key)
{
    msim_ladder_remove(&side->far, &engine->ladder_pool, key);
}

void msim_side_advance(struct msim_engine *engine, struct side *side)
{
    if (side->near_count > 0)
        side->best = near_after(side, side->best);
    else
        pull_near(engine, side);
    if (side->best == KEY_NONE && !engine->replacing)
        msim_side_idle(engine, side);
}

int64_t msim_side_after(const struct msim_engine *engine, const struct side *side, int64_t key)
{
    if (key < side->near_end && side->near_count > 0) {
        const int64_t next = near_after(side, key);
        if (next < side->near_end)
            return next;
    }
    return msim_ladder_after(&side->far, &engine->ladder_pool, key);
}

struct level *msim_side_level(const struct msim_engine *engine, const struct side *side,
                              int64_t key)
{
    if (key < side->near_end)
        return side_near(side, key);
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

/* The same side with its prices counted in other steps; memory was made sure of. */
static void side_recount(struct msim_engine *engine, const struct side *from, int64_t old_step,
                         struct side *to, int64_t step)
{
    to->best = KEY_NONE;
    for (int64_t key = from->best; key != KEY_NONE; key = msim_side_after(engine, from, key)) {
        struct level *level = side_level_make(engine, to, key * old_step / step);
        *level = *msim_side_level(engine, from, key);
    }
    to->total = from->total;
    to->order_count = from->order_count;
}

/* What divides the tick and every price that stands or waits. */
static int64_t step_of(const struct msim_engine *engine, const struct instrument *it, int64_t tick)
{
    uint64_t step = (uint64_t)tick;

    for (unsigned at = BUY; at <= SELL; at++) {
        const struct side *side = &it->sides[at];
        for (int64_t key = side->best; key != KEY_NONE; key = msim_side_after(engine, side, key))
            step = common_divisor(step, (uint64_t)key_price(it, at, key));
    }
    for (int at = 0; at < 2 && it->waiting_count > 0; at++) {
        const struct ladder *ladder = &it->triggers[at];
        for (int64_t key = ladder_first(ladder); key != KEY_NONE;
             key = msim_ladder_after(ladder, &engine->ladder_pool, key)) {
            uint32_t slot = msim_ladder_find(ladder, &engine->ladder_pool, key)->head;
            for (; slot; slot = engine->orders[slot].next)
                step = common_divisor(step, (uint64_t)engine->orders[slot].price);
        }
    }
    return (int64_t)step;
}

int msim_book_set_tick(struct msim_engine *engine, struct instrument *instrument, int64_t tick)
{
    struct side *sides = instrument->sides;
    const size_t levels = level_count(&sides[BUY]) + level_count(&sides[SELL]);
    const int64_t old_step = instrument->step.unit;
    const int64_t step = step_of(engine, instrument, tick);
    struct side fresh[2] = {{.best = KEY_NONE}, {.best = KEY_NONE}};
    int r = MSIM_OK;

    if (levels > 0 && step != old_step) {
        for (unsigned at = BUY; at <= SELL && r == MSIM_OK; at++) {
            struct window window;
            const uint64_t size = sides[at].levels ? sides[at].mask + 1 : FIRST_WINDOW;
            r = window_take(engine, size < engine->window ? size : engine->window, &window);
            if (r == MSIM_OK)
                window_set(&fresh[at], &window);
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
            side_recount(engine, &sides[at], old_step, &fresh[at], step);
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
