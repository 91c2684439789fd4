/*
 * The heap of releases, on (release, link's creation, ordinal, copy).
 *
 * Four-ary, moments and nodes in arrays of their own: the four moments that are
 * compared stand side by side.  Only where two are equal are the nodes looked at.
 *
 * A heap of a million waits for memory at each step.  Where very many wait, it has
 * only those up to a base; the others lie in buckets: by the highest byte in which
 * their moment differs from the base, and by that byte.  The first bucket comes into
 * the heap when the heap is empty, or is spread over lower buckets where it is large:
 * a message moves a few times, and always together with its neighbours.  Chunks come
 * from a pool of their own.
 */
#include "faults/stages.h"

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

static void heap_push(struct msim_faults *faults, msim_time due, uint32_t node)
{
    assert(faults->heap_count < faults->heap_capacity);
    faults->heap_count++;
    sift_up(faults, faults->heap_count - 1, due, node);
}

/* ---- buckets ---- */

#define BUCKET_MOST 1024 /* more are spread, but for those of one moment */
#define FETCH_MOST 256   /* messages whose memory is asked for in time */

static uint64_t key_of(msim_time due)
{
    return (uint64_t)due ^ UINT64_C(1) << 63;
}

static struct far_chunk *chunk_at(const struct msim_faults *faults, uint32_t index)
{
    return pool_at(&faults->far_chunks, index);
}

/* Behind the base; a chunk was reserved. */
static void far_push(struct msim_faults *faults, msim_time due, uint32_t node)
{
    uint64_t key = key_of(due);
    unsigned level = (63 - (unsigned)__builtin_clzll(key ^ faults->far_base)) / 8;
    unsigned digit = (unsigned)(key >> 8 * level) & (FAR_DIGITS - 1);
    struct far_bucket *bucket = &faults->far[level][digit];
    struct far_chunk *chunk = bucket->count > 0 ? chunk_at(faults, bucket->head) : NULL;

    if (!chunk || chunk->count == FAR_CHUNK) {
        uint32_t index = msim_fault_pool_take(&faults->far_chunks);
        struct far_chunk *fresh = chunk_at(faults, index);
        fresh->next = chunk ? bucket->head : NOTHING;
        fresh->count = 0;
        bucket->head = index;
        chunk = fresh;
    }
    chunk->dues[chunk->count] = due;
    chunk->nodes[chunk->count++] = node;
    if (bucket->count++ == 0 || due < bucket->least)
        bucket->least = due;
    faults->far_digits[level][digit / 64] |= UINT64_C(1) << digit % 64;
    faults->far_count++;
}

/* The bucket that comes first; there is one. */
static struct far_bucket *first_bucket(const struct msim_faults *faults, unsigned *level,
                                       unsigned *digit)
{
    for (*level = 0; *level < FAR_LEVELS; ++*level) {
        for (unsigned word = 0; word < FAR_DIGITS / 64; word++) {
            uint64_t bits = faults->far_digits[*level][word];
            if (bits == 0)
                continue;
            *digit = word * 64 + (unsigned)__builtin_ctzll(bits);
            return (struct far_bucket *)&faults->far[*level][*digit];
        }
    }
    assert(false);
    return NULL;
}

msim_time msim_fault_far_due(const struct msim_faults *faults)
{
    unsigned level;
    unsigned digit;

    return first_bucket(faults, &level, &digit)->least;
}

static void place_by_base(struct msim_faults *faults, msim_time due, uint32_t node)
{
    if (key_of(due) <= faults->far_base)
        heap_push(faults, due, node);
    else
        far_push(faults, due, node);
}

/* Its messages' nodes are read soon, and then what they point to. */
static void fetch_ahead(const struct msim_faults *faults)
{
    size_t count = faults->heap_count < FETCH_MOST ? faults->heap_count : FETCH_MOST;

    for (size_t i = 0; i < count; i++) {
        const char *node = (const char *)node_at(faults, faults->heap_nodes[i] & ~ENTERING);
        __builtin_prefetch(node);
        __builtin_prefetch(node + sizeof(struct node) - 1);
    }
    for (size_t i = 0; i < count; i++) {
        const unsigned char *bytes = node_at(faults, faults->heap_nodes[i] & ~ENTERING)->bytes;
        __builtin_prefetch(bytes);
        __builtin_prefetch(bytes + 64);
    }
}

int msim_fault_heap_refill(struct msim_faults *faults)
{
    unsigned level;
    unsigned digit;
    struct far_bucket *place = first_bucket(faults, &level, &digit);
    const struct far_bucket bucket = *place;
    bool whole = level == 0 || bucket.count <= BUCKET_MOST;
    msim_time last = bucket.least;

    /* The chunks that it gives back are those that the others take, but for the first of each. */
    int r = msim_fault_heap_reserve(faults, heap_places(faults) + bucket.count);
    if (r == MSIM_OK && !whole)
        r = msim_fault_pool_reserve(&faults->far_chunks, (size_t)level * FAR_DIGITS + 1);
    if (r < 0)
        return r;
    place->count = 0;
    faults->far_digits[level][digit / 64] &= ~(UINT64_C(1) << digit % 64);
    faults->far_count -= bucket.count;
    for (uint32_t at = bucket.head; whole && at != NOTHING; at = chunk_at(faults, at)->next)
        for (uint32_t i = 0; i < chunk_at(faults, at)->count; i++)
            if (chunk_at(faults, at)->dues[i] > last)
                last = chunk_at(faults, at)->dues[i];
    faults->far_base = key_of(last);
    for (uint32_t at = bucket.head; at != NOTHING;) {
        const struct far_chunk chunk = *chunk_at(faults, at);
        msim_fault_pool_give(&faults->far_chunks, at);
        for (uint32_t i = 0; i < chunk.count; i++)
            place_by_base(faults, chunk.dues[i], chunk.nodes[i]);
        at = chunk.next;
    }
    if (faults->far_count == 0)
        faults->far_base = FAR_NOWHERE;
    fetch_ahead(faults);
    return MSIM_OK;
}

void msim_fault_heap_spread(struct msim_faults *faults)
{
    size_t count = faults->heap_count;

    if (msim_fault_pool_reserve(&faults->far_chunks, count) < 0)
        return;
    faults->far_base = key_of(faults->heap_dues[0]);
    faults->heap_count = 0;
    for (size_t i = 0; i < count; i++)
        place_by_base(faults, faults->heap_dues[i], faults->heap_nodes[i]);
    faults->spread_at = HEAP_MOST;
    if (faults->far_count > 0)
        return;
    faults->far_base = FAR_NOWHERE; /* all of one moment: not to be tried for each */
    faults->spread_at = 2 * count;
}

/* What the others of the bucket leave when the link's messages go. */
static void keep_in_bucket(struct msim_faults *faults, struct far_bucket *bucket,
                           const struct msim_fault_link *gone)
{
    uint32_t at = bucket->head;

    faults->far_count -= bucket->count;
    bucket->count = 0;
    while (at != NOTHING) {
        const struct far_chunk chunk = *chunk_at(faults, at);
        msim_fault_pool_give(&faults->far_chunks, at);
        for (uint32_t i = 0; i < chunk.count; i++)
            if (gone && node_at(faults, chunk.nodes[i] & ~ENTERING)->link != gone->index)
                far_push(faults, chunk.dues[i], chunk.nodes[i]);
        at = chunk.next;
    }
}

static void far_keep(struct msim_faults *faults, const struct msim_fault_link *gone)
{
    for (unsigned level = 0; faults->far_count > 0 && level < FAR_LEVELS; level++) {
        for (unsigned digit = 0; digit < FAR_DIGITS; digit++) {
            struct far_bucket *bucket = &faults->far[level][digit];
            if (bucket->count == 0)
                continue;
            keep_in_bucket(faults, bucket, gone);
            if (bucket->count == 0)
                faults->far_digits[level][digit / 64] &= ~(UINT64_C(1) << digit % 64);
        }
    }
    if (faults->far_count == 0)
        faults->far_base = FAR_NOWHERE;
}

/* ---- both ---- */

void msim_fault_heap_push(struct msim_faults *faults, uint32_t index, msim_time when,
                          uint32_t entering)
{
    msim_fault_alarm(faults, when);
    place_by_base(faults, when, index | (entering ? ENTERING : 0));
}

struct due_node msim_fault_heap_pop(struct msim_faults *faults)
{
    struct due_node first = {faults->heap_dues[0], faults->heap_nodes[0] & ~ENTERING,
                             faults->heap_nodes[0] & ENTERING};
    size_t last = --faults->heap_count;

    if (last == 0) {
        faults->spread_at = HEAP_MOST;
        return first;
    }
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

    far_keep(faults, gone);
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
