#include "base/due.h"

#include <assert.h>

#include "base/mem.h"

static bool before(const struct msim_due_item *a, const struct msim_due_item *b)
{
    return a->due < b->due || (a->due == b->due && a->arrival < b->arrival);
}

int msim_due_init(struct msim_due *due, size_t capacity, size_t limit,
                  const struct msim_allocator *allocator)
{
    assert(capacity <= limit);

    struct msim_due made = {.limit = limit, .allocator = msim_mem_allocator(allocator)};
    if (capacity > 0) {
        made.items = msim_mem_take_array(&made.allocator, capacity, sizeof *made.items);
        if (!made.items)
            return MSIM_ERR_NOMEM;
        made.capacity = capacity;
    }
    *due = made;
    return MSIM_OK;
}

void msim_due_finish(struct msim_due *due)
{
    msim_mem_free(&due->allocator, due->items, due->capacity * sizeof *due->items);
    due->items = NULL;
    due->count = due->capacity = 0;
}

static void sift_up(struct msim_due *due, size_t at, struct msim_due_item item)
{
    while (at > 0) {
        size_t parent = (at - 1) / 2;
        if (!before(&item, &due->items[parent]))
            break;
        due->items[at] = due->items[parent];
        at = parent;
    }
    due->items[at] = item;
}

static void sift_down(struct msim_due *due, size_t at, struct msim_due_item item)
{
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= due->count)
            break;
        if (child + 1 < due->count && before(&due->items[child + 1], &due->items[child]))
            child++;
        if (!before(&due->items[child], &item))
            break;
        due->items[at] = due->items[child];
        at = child;
    }
    due->items[at] = item;
}

int msim_due_push_ranked(struct msim_due *due, msim_time when, uint64_t rank, uint64_t value)
{
    if (due->count == due->capacity) {
        void *items = due->items;
        int r = msim_mem_grow(&due->allocator, &items, &due->capacity, sizeof *due->items,
                              due->count + 1, due->limit);
        if (r < 0)
            return r;
        due->items = items;
    }
    due->count++;
    sift_up(due, due->count - 1, (struct msim_due_item){when, rank, value});
    return MSIM_OK;
}

int msim_due_push(struct msim_due *due, msim_time when, uint64_t value)
{
    int r = msim_due_push_ranked(due, when, due->arrivals, value);
    if (r < 0)
        return r;
    due->arrivals++;
    return MSIM_OK;
}

struct msim_due_item msim_due_pop(struct msim_due *due)
{
    assert(due->count > 0);

    struct msim_due_item first = due->items[0];
    struct msim_due_item last = due->items[--due->count];
    if (due->count > 0)
        sift_down(due, 0, last);
    return first;
}

void msim_due_replace(struct msim_due *due, msim_time when, uint64_t rank, uint64_t value)
{
    assert(due->count > 0);
    sift_down(due, 0, (struct msim_due_item){when, rank, value});
}

void msim_due_settle(struct msim_due *due)
{
    assert(due->count <= due->capacity);
    for (size_t i = due->count / 2; i > 0; i--)
        sift_down(due, i - 1, due->items[i - 1]);
}
