/*
 * The heap of releases, on (release, link's creation, ordinal, copy).
 *
 * Four-ary, moments and nodes in arrays of their own: the four moments that are
 * compared stand side by side.  Only where two are equal are the nodes looked at.
 */
#include "faults/inside.h"

#include <assert.h>

#include "base/mem.h"

static bool ranks_before(const struct msim_faults *faults, uint32_t a, uint32_t b)
{
    const struct node *one = node_at(faults, a & ~ENTERING);
    const struct node *other = node_at(faults, b & ~ENTERING);

    if (PLANTED(UNSTABLE_TIES))
        return a > b;
    if (one->link != other->link)
        return link_at(faults, one->link)->created < link_at(faults, other->link)->created;
    if (one->ordinal != other->ordinal)
        return one->ordinal < other->ordinal;
    return one->sub < other->sub;
}

static bool before(const struct msim_faults *faults, size_t a, msim_time due, uint32_t node)
{
    if (faults->heap_dues[a] != due)
        return faults->heap_dues[a] < due;
    return ranks_before(faults, faults->heap_nodes[a], node);
}

static void put(struct msim_faults *faults, size_t at, msim_time due, uint32_t node)
{
    faults->heap_dues[at] = due;
    faults->heap_nodes[at] = node;
}

static void move(struct msim_faults *faults, size_t to, size_t from)
{
    put(faults, to, faults->heap_dues[from], faults->heap_nodes[from]);
}

static void sift_up(struct msim_faults *faults, size_t at, msim_time due, uint32_t node)
{
    while (at > 0) {
        size_t parent = (at - 1) / 4;
        if (faults->heap_dues[parent] < due ||
            (faults->heap_dues[parent] == due &&
             !ranks_before(faults, node, faults->heap_nodes[parent])))
            break;
        move(faults, at, parent);
        at = parent;
    }
    put(faults, at, due, node);
}

/* The least of the children from `child` on, of which there are fewer than four or equal ones. */
static size_t least_of(const struct msim_faults *faults, size_t child)
{
    size_t end = child + 4 < faults->heap_count ? child + 4 : faults->heap_count;
    size_t least = child;

    for (size_t i = child + 1; i < end; i++)
        if (before(faults, i, faults->heap_dues[least], faults->heap_nodes[least]))
            least = i;
    return least;
}

/* The same of four with no branch that could be guessed wrong, unless two are equal. */
static size_t least_of_four(const struct msim_faults *faults, size_t child)
{
    const msim_time *dues = faults->heap_dues + child;
    size_t low = dues[1] < dues[0];
    size_t high = 2 + (size_t)(dues[3] < dues[2]);
    size_t least = dues[high] < dues[low] ? high : low;
    bool equal = dues[0] == dues[1] || dues[2] == dues[3] || dues[high] == dues[low];

    return equal ? least_of(faults, child) : child + least;
}

static void sift_down(struct msim_faults *faults, size_t at, msim_time due, uint32_t node)
{
    for (;;) {
        size_t child = 4 * at + 1;
        if (child >= faults->heap_count)
            break;
        /* The grandchildren's moments are on their way while the children are compared. */
        size_t further = 4 * child + 1;
        if (further + 16 < faults->heap_count) {
            __builtin_prefetch(&faults->heap_dues[further]);
            __builtin_prefetch(&faults->heap_dues[further + 8]);
            __builtin_prefetch(&faults->heap_dues[further + 15]);
            __builtin_prefetch(&faults->heap_nodes[further]);
            __builtin_prefetch(&faults->heap_nodes[further + 15]);
        }
        size_t least = child + 4 <= faults->heap_count ? least_of_four(faults, child)
                                                       : least_of(faults, child);
        if (!before(faults, least, due, node))
            break;
        move(faults, at, least);
        at = least;
    }
    put(faults, at, due, node);
}

void msim_fault_heap_push(struct msim_faults *faults, uint32_t index, msim_time when,
                          uint32_t entering)
{
    assert(faults->heap_count < faults->heap_capacity);
    msim_fault_alarm(faults, when);
    faults->heap_count++;
    sift_up(faults, faults->heap_count - 1, when, index | (entering ? ENTERING : 0));
}

struct due_node msim_fault_heap_pop(struct msim_faults *faults)
{
    struct due_node first = {faults->heap_dues[0], faults->heap_nodes[0] & ~ENTERING,
                             faults->heap_nodes[0] & ENTERING};
    size_t last = --faults->heap_count;

    if (last == 0)
        return first;
    sift_down(faults, 0, faults->heap_dues[last], faults->heap_nodes[last]);
    /* The next ones are read soon: their nodes now, the payload of the very next. */
    __builtin_prefetch(node_at(faults, faults->heap_nodes[0] & ~ENTERING)->bytes);
    for (size_t i = 1; i <= 4 && i < last; i++)
        __builtin_prefetch(node_at(faults, faults->heap_nodes[i] & ~ENTERING));
    return first;
}

void msim_fault_heap_keep(struct msim_faults *faults, const struct msim_fault_link *gone)
{
    size_t kept = 0;

    for (size_t i = 0; i < faults->heap_count; i++)
        if (gone && node_at(faults, faults->heap_nodes[i] & ~ENTERING)->link != gone->index)
            move(faults, kept++, i);
    faults->heap_count = kept;
    for (size_t i = kept / 4 + 1; i-- > 0;)
        if (i < kept)
            sift_down(faults, i, faults->heap_dues[i], faults->heap_nodes[i]);
}

int msim_fault_heap_reserve(struct msim_faults *faults, size_t count)
{
    void *dues = faults->heap_dues;
    void *nodes = faults->heap_nodes;
    int r = msim_mem_grow(&faults->allocator, &dues, &faults->heap_due_capacity,
                          sizeof *faults->heap_dues, count, ENTERING);
    if (r < 0)
        return r;
    faults->heap_dues = dues;
    r = msim_mem_grow(&faults->allocator, &nodes, &faults->heap_capacity,
                      sizeof *faults->heap_nodes, count, ENTERING);
    if (r < 0)
        return r;
    faults->heap_nodes = nodes;
    return MSIM_OK;
}
