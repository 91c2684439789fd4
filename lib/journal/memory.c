/*
 * The log in memory.
 *
 * Batches lie one behind the other in segments that never move, so that their bytes may be
 * borrowed; a table in a ring says where each one lies.  A trim gives back the segments that are
 * empty then.
 */
#include <string.h>

#include <marketsim/journal.h>

#include "base/mem.h"

#define SEGMENT_BYTES (256 * 1024)

struct segment {
    struct segment *next;
    size_t used;
    size_t live; /* batches in it that are not trimmed */
    unsigned char bytes[SEGMENT_BYTES];
};

struct place {
    struct segment *segment;
    uint32_t offset;
    uint32_t length;
    struct msim_batch_id id;
};

struct writer {
    uint64_t writer;
    uint64_t epoch;
    uint64_t n;
};

struct store {
    struct msim_allocator allocator;
    struct msim_journal_memory_params params;
    size_t handles;
    struct segment *oldest;
    struct segment *newest;
    struct place *places; /* of sequence s: places[s & (capacity - 1)] */
    size_t capacity;      /* a power of two, or 0 */
    uint64_t first;
    uint64_t last;
    size_t bytes;
    struct writer *writers;
    size_t writer_count;
    size_t writer_capacity;
};

struct handle {
    struct store *store;
    uint64_t tickets;
    uint64_t next; /* the batch that the follower gets next; 0: it does not follow */
    bool tail_told;
    struct msim_journal_event *results; /* a ring */
    size_t result_capacity;
    size_t result_first;
    size_t result_count;
};

/* ---- the store ---- */

static void store_free(struct store *store)
{
    const struct msim_allocator allocator = store->allocator;

    while (store->oldest) {
        struct segment *next = store->oldest->next;
        msim_mem_free(&allocator, store->oldest, sizeof *store->oldest);
        store->oldest = next;
    }
    msim_mem_free(&allocator, store->places, store->capacity * sizeof *store->places);
    msim_mem_free(&allocator, store->writers, store->writer_capacity * sizeof *store->writers);
    msim_mem_free(&allocator, store, sizeof *store);
}

static struct place *place_at(const struct store *store, uint64_t sequence)
{
    return &store->places[sequence & (store->capacity - 1)];
}

static int places_grow(struct store *store)
{
    const size_t count = (size_t)(store->last + 1 - store->first);

    if (count < store->capacity)
        return MSIM_OK;
    const size_t capacity = store->capacity ? store->capacity * 2 : 64;
    struct place *places = msim_mem_take_array(&store->allocator, capacity, sizeof *places);
    if (!places)
        return MSIM_ERR_NOMEM;
    for (uint64_t s = store->first; s <= store->last; s++)
        places[s & (capacity - 1)] = *place_at(store, s);
    msim_mem_free(&store->allocator, store->places, store->capacity * sizeof *places);
    store->places = places;
    store->capacity = capacity;
    return MSIM_OK;
}

/* Room for a batch at the end of the newest segment, or in a new one. */
static int segment_reserve(struct store *store, size_t length)
{
    if (store->newest && SEGMENT_BYTES - store->newest->used >= length)
        return MSIM_OK;
    struct segment *made = msim_mem_take(&store->allocator, sizeof *made);
    if (!made)
        return MSIM_ERR_NOMEM;
    made->next = NULL;
    made->used = 0;
    made->live = 0;
    if (store->newest)
        store->newest->next = made;
    else
        store->oldest = made;
    store->newest = made;
    return MSIM_OK;
}

static struct writer *writer_find(const struct store *store, uint64_t writer)
{
    for (size_t i = 0; i < store->writer_count; i++)
        if (store->writers[i].writer == writer)
            return &store->writers[i];
    return NULL;
}

static int writer_add(struct store *store, uint64_t writer, struct writer **out)
{
    int r =
        msim_mem_grow(&store->allocator, (void **)&store->writers, &store->writer_capacity,
                      sizeof *store->writers, store->writer_count + 1, store->params.max_writers);
    if (r < 0)
        return r;
    *out = &store->writers[store->writer_count++];
    **out = (struct writer){.writer = writer};
    return MSIM_OK;
}

static bool same_bytes(const struct place *place, const struct msim_journal_piece *pieces,
                       size_t count)
{
    const unsigned char *bytes = place->segment->bytes + place->offset;
    size_t left = place->length;

    for (size_t i = 0; i < count; i++) {
        if (pieces[i].length > left ||
            (pieces[i].length > 0 && memcmp(bytes, pieces[i].bytes, pieces[i].length) != 0))
            return false;
        bytes += pieces[i].length;
        left -= pieces[i].length;
    }
    return left == 0;
}

/* An id that its writer has used already. */
static void find_again(const struct store *store, const struct msim_batch_id *id,
                       const struct msim_journal_piece *pieces, size_t count,
                       struct msim_journal_event *event)
{
    for (uint64_t s = store->last; s >= store->first && s > 0; s--) {
        const struct place *place = place_at(store, s);
        if (place->id.writer != id->writer || place->id.epoch != id->epoch || place->id.n != id->n)
            continue;
        if (!same_bytes(place, pieces, count)) {
            event->result = MSIM_JOURNAL_CORRUPT;
            return;
        }
        event->repeated = true;
        event->sequence = s;
        return;
    }
    event->result = MSIM_JOURNAL_TRIMMED;
}

static size_t length_of(const struct msim_journal_piece *pieces, size_t count)
{
    size_t length = 0;
    for (size_t i = 0; i < count; i++)
        length += pieces[i].length;
    return length;
}

/* Nothing but memory stands between this batch and its place any more. */
static int keep(struct store *store, struct writer *writer, const struct msim_batch_id *id,
                const struct msim_journal_piece *pieces, size_t count,
                struct msim_journal_event *event)
{
    const size_t length = length_of(pieces, count);
    int r = MSIM_OK;

    if (store->bytes + length > store->params.max_bytes ||
        store->last + 1 - store->first >= store->params.max_batches) {
        event->result = MSIM_JOURNAL_FULL;
        return MSIM_OK;
    }
    if (!writer)
        r = writer_add(store, id->writer, &writer);
    if (r == MSIM_ERR_LIMIT) {
        event->result = MSIM_JOURNAL_FULL;
        return MSIM_OK;
    }
    if (r == MSIM_OK)
        r = places_grow(store);
    if (r == MSIM_OK)
        r = segment_reserve(store, length);
    if (r < 0)
        return r;

    struct segment *segment = store->newest;
    *place_at(store, store->last + 1) =
        (struct place){segment, (uint32_t)segment->used, (uint32_t)length, *id};
    for (size_t i = 0; i < count; i++) {
        if (pieces[i].length > 0)
            memcpy(segment->bytes + segment->used, pieces[i].bytes, pieces[i].length);
        segment->used += pieces[i].length;
    }
    segment->live++;
    store->bytes += length;
    writer->epoch = id->epoch;
    writer->n = id->n;
    event->sequence = ++store->last;
    return MSIM_OK;
}

static int store_append(struct store *store, const struct msim_batch_id *id,
                        const struct msim_journal_piece *pieces, size_t count, uint64_t expect_last,
                        struct msim_journal_event *event)
{
    struct writer *writer = writer_find(store, id->writer);
    const uint64_t epoch = writer ? writer->epoch : 0;
    const uint64_t n = writer ? writer->n : 0;

    event->result = MSIM_JOURNAL_OK;
    if (writer && id->epoch < epoch) {
        event->result = MSIM_JOURNAL_FENCED;
        return MSIM_OK;
    }
    if (writer && id->epoch == epoch && id->n <= n) {
        find_again(store, id, pieces, count, event);
        return MSIM_OK;
    }
    if (id->n != (writer && id->epoch == epoch ? n + 1 : 1)) {
        event->result = MSIM_JOURNAL_CORRUPT;
        return MSIM_OK;
    }
    if (expect_last != MSIM_JOURNAL_ANY && expect_last != store->last) {
        event->result = MSIM_JOURNAL_FENCED;
        return MSIM_OK;
    }
    return keep(store, writer, id, pieces, count, event);
}

/* ---- a handle ---- */

static int memory_append(void *self, const struct msim_batch_id *id,
                         const struct msim_journal_piece *pieces, size_t count,
                         uint64_t expect_last, uint64_t *ticket)
{
    struct handle *handle = self;
    struct msim_journal_event event = {.kind = MSIM_JOURNAL_APPENDED,
                                       .ticket = handle->tickets + 1};

    if (handle->result_count == handle->result_capacity)
        return MSIM_ERR_LIMIT;
    int r = store_append(handle->store, id, pieces, count, expect_last, &event);
    if (r < 0)
        return r;
    const size_t at = (handle->result_first + handle->result_count) % handle->result_capacity;
    handle->results[at] = event;
    handle->result_count++;
    *ticket = ++handle->tickets;
    return MSIM_OK;
}

static int memory_follow(void *self, uint64_t from)
{
    struct handle *handle = self;

    handle->next = from;
    handle->tail_told = false;
    return MSIM_OK;
}

static int memory_descriptor(void *self)
{
    (void)self;
    return -1;
}

/* What the follower is told next; false for nothing. */
static bool follow_one(struct handle *handle, struct msim_journal_event *event)
{
    const struct store *store = handle->store;

    *event = (struct msim_journal_event){0};
    if (handle->next == 0)
        return false;
    if (handle->next < store->first) {
        event->kind = MSIM_JOURNAL_ERROR;
        event->result = MSIM_JOURNAL_TRIMMED;
        event->sequence = handle->next;
        handle->next = 0;
        return true;
    }
    if (handle->next <= store->last) {
        const struct place *place = place_at(store, handle->next);
        event->kind = MSIM_JOURNAL_BATCH;
        event->sequence = handle->next++;
        event->bytes = place->segment->bytes + place->offset;
        event->length = place->length;
        handle->tail_told = false;
        return true;
    }
    if (handle->tail_told)
        return false;
    handle->tail_told = true;
    event->kind = MSIM_JOURNAL_TAIL;
    event->sequence = store->last;
    return true;
}

static int memory_poll(void *self, struct msim_journal_event *events, size_t capacity,
                       size_t *count)
{
    struct handle *handle = self;
    size_t given = 0;

    while (given < capacity && handle->result_count > 0) {
        events[given++] = handle->results[handle->result_first];
        handle->result_first = (handle->result_first + 1) % handle->result_capacity;
        handle->result_count--;
    }
    while (given < capacity && follow_one(handle, &events[given]))
        given++;
    *count = given;
    return MSIM_OK;
}

static int memory_trim(void *self, uint64_t before)
{
    struct store *store = ((struct handle *)self)->store;

    if (before > store->last + 1)
        return MSIM_ERR_INVALID;
    for (; store->first < before; store->first++) {
        const struct place *place = place_at(store, store->first);
        store->bytes -= place->length;
        place->segment->live--;
    }
    while (store->oldest && store->oldest->live == 0) {
        struct segment *empty = store->oldest;
        if (empty == store->newest) {
            empty->used = 0;
            break;
        }
        store->oldest = empty->next;
        msim_mem_free(&store->allocator, empty, sizeof *empty);
    }
    return MSIM_OK;
}

static void memory_info(void *self, struct msim_journal_info *out)
{
    const struct store *store = ((struct handle *)self)->store;

    *out = (struct msim_journal_info){
        .first = store->first,
        .last = store->last,
        .durable = store->last,
        .level = MSIM_JOURNAL_MEMORY,
        .immediate = true,
        .backend = "memory",
        .batches = store->last + 1 - store->first,
        .bytes = store->bytes,
    };
}

static int handle_create(struct handle **out, struct store *store)
{
    struct handle *handle = msim_mem_zero(&store->allocator, sizeof *handle);
    if (!handle)
        return MSIM_ERR_NOMEM;
    handle->store = store;
    handle->result_capacity = store->params.max_results;
    handle->results =
        msim_mem_take_array(&store->allocator, handle->result_capacity, sizeof *handle->results);
    if (!handle->results) {
        msim_mem_free(&store->allocator, handle, sizeof *handle);
        return MSIM_ERR_NOMEM;
    }
    store->handles++;
    *out = handle;
    return MSIM_OK;
}

static int memory_again(void *self, void **other)
{
    struct handle *handle = NULL;
    int r = handle_create(&handle, ((struct handle *)self)->store);

    if (r == MSIM_OK)
        *other = handle;
    return r;
}

static void memory_release(void *self)
{
    struct handle *handle = self;
    struct store *store = handle->store;

    msim_mem_free(&store->allocator, handle->results,
                  handle->result_capacity * sizeof *handle->results);
    msim_mem_free(&store->allocator, handle, sizeof *handle);
    if (--store->handles == 0)
        store_free(store);
}

static const struct msim_journal_ops memory_ops = {
    .append = memory_append,
    .follow = memory_follow,
    .descriptor = memory_descriptor,
    .poll = memory_poll,
    .trim = memory_trim,
    .info = memory_info,
    .again = memory_again,
    .release = memory_release,
};

int msim_journal_memory(struct msim_journal *out, const struct msim_journal_memory_params *params)
{
    const struct msim_journal_memory_params usual = MSIM_JOURNAL_MEMORY_PARAMS_INIT;
    const struct msim_journal_memory_params *given = params ? params : &usual;
    struct handle *handle = NULL;

    if (!out || given->size != sizeof *given)
        return MSIM_ERR_INVALID;
    const struct msim_allocator allocator = msim_mem_allocator(given->allocator);
    struct store *store = msim_mem_zero(&allocator, sizeof *store);
    if (!store)
        return MSIM_ERR_NOMEM;
    store->allocator = allocator;
    store->first = 1;
    store->params = *given;
    store->params.max_bytes = given->max_bytes ? given->max_bytes : (size_t)256 << 20;
    store->params.max_batches = given->max_batches ? given->max_batches : (size_t)4 << 20;
    store->params.max_writers = given->max_writers ? given->max_writers : 1024;
    store->params.max_results = given->max_results ? given->max_results : 1024;
    int r = handle_create(&handle, store);
    if (r < 0) {
        store_free(store);
        return r;
    }
    *out = (struct msim_journal){&memory_ops, handle};
    return MSIM_OK;
}
