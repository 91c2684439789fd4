/*
 * Orders and fills of robots, for their questions: live ones and the last finished.
 *
 * An account's orders are a list, newest first; what is finished leaves in the order in which it
 * finished.  Fills stand in one ring, each pointing at its account's fill before.
 */
#include <string.h>

#include "base/mem.h"
#include "base/random.h"
#include "venue/inside.h"

#define FIRST_CAPACITY 64
#define ENTRIES_LIMIT 0x7fffffff

/* ---- the index by order number ---- */

/*
 * Numbers in a row share cache lines; the lines are anywhere.  Where such a run meets another, all
 * of it goes on to the next run's places: with a step of one it would have to pass the whole other.
 */
#define STEP 17 /* a run and one more: odd, so that it comes to every place */
#define STEP_INVERSE UINT64_C(0xf0f0f0f0f0f0f0f1)

static size_t after(const struct orders *orders, size_t at)
{
    return (at + STEP) & (orders->index_size - 1);
}

/* How many steps lead from a place to another. */
static size_t steps(const struct orders *orders, size_t from, size_t to)
{
    return (size_t)((uint64_t)(to - from) * STEP_INVERSE) & (orders->index_size - 1);
}

/* All of a number below 2^32. */
static uint32_t tag_of(uint64_t order)
{
    return (uint32_t)(order ^ order >> 32);
}

static size_t home_of(const struct orders *orders, uint32_t tag)
{
    return (size_t)((msim_mix64(tag >> 4) << 4 | (tag & 15)) & (orders->index_size - 1));
}

static uint32_t find(const struct orders *orders, uint64_t order)
{
    const uint32_t tag = tag_of(order);

    if (orders->index_size == 0)
        return 0;
    for (size_t at = home_of(orders, tag);; at = after(orders, at)) {
        const struct place place = orders->index[at];
        if (!place.entry ||
            (place.tag == tag && orders->entries[place.entry].view.order.order == order))
            return place.entry;
    }
}

static void index_place(struct orders *orders, struct place place)
{
    size_t at = home_of(orders, place.tag);

    while (orders->index[at].entry)
        at = after(orders, at);
    orders->index[at] = place;
}

static void index_put(struct orders *orders, uint32_t entry)
{
    index_place(orders, (struct place){tag_of(orders->entries[entry].view.order.order), entry});
}

/* What stands behind the hole moves up where it may. */
static void index_take(struct orders *orders, uint32_t entry)
{
    size_t hole = home_of(orders, tag_of(orders->entries[entry].view.order.order));

    while (orders->index[hole].entry != entry)
        hole = after(orders, hole);
    for (size_t at = after(orders, hole); orders->index[at].entry; at = after(orders, at)) {
        const size_t home = home_of(orders, orders->index[at].tag);
        if (steps(orders, home, at) < steps(orders, hole, at))
            continue;
        orders->index[hole] = orders->index[at];
        hole = at;
    }
    orders->index[hole].entry = 0;
}

static int grow(struct msim_venue *venue)
{
    struct orders *orders = &venue->orders;
    const size_t wanted = orders->capacity ? orders->capacity * 2 : FIRST_CAPACITY;

    if (wanted > ENTRIES_LIMIT)
        return MSIM_ERR_LIMIT;
    struct place *index = msim_mem_zero_array(&venue->allocator, wanted * 2, sizeof *index);
    if (!index)
        return MSIM_ERR_NOMEM;
    struct kept *entries =
        msim_mem_resize(&venue->allocator, orders->entries, orders->capacity * sizeof *entries,
                        wanted * sizeof *entries);
    if (!entries) {
        msim_mem_free(&venue->allocator, index, wanted * 2 * sizeof *index);
        return MSIM_ERR_NOMEM;
    }
    struct place *old = orders->index;
    const size_t old_size = orders->index_size;
    orders->entries = entries;
    orders->capacity = wanted;
    orders->index = index;
    orders->index_size = wanted * 2;
    for (size_t i = 0; i < old_size; i++)
        if (old[i].entry)
            index_place(orders, old[i]);
    msim_mem_free(&venue->allocator, old, old_size * sizeof *old);
    if (orders->used == 0)
        orders->used = 1;
    return MSIM_OK;
}

/* ---- lists ---- */

static int owner_of(struct msim_venue *venue, uint32_t account, struct owner **out)
{
    struct orders *orders = &venue->orders;
    const size_t before = orders->owner_capacity;
    int r = msim_mem_grow(&venue->allocator, (void **)&orders->owners, &orders->owner_capacity,
                          sizeof *orders->owners, (size_t)account + 1, venue->params.max_accounts);
    if (r < 0)
        return r;
    if (orders->owner_capacity > before)
        memset(&orders->owners[before], 0,
               (orders->owner_capacity - before) * sizeof *orders->owners);
    *out = &orders->owners[account];
    return MSIM_OK;
}

#define LINE 64 /* bytes that come into the caches at once */

/* What was last touched long ago is going to be written. */
static void fetch(const void *item, size_t size)
{
    const char *at = item;

    for (size_t i = 0; i < size; i += LINE)
        __builtin_prefetch(at + i, 1);
    __builtin_prefetch(at + size - 1, 1);
}

static void forget_oldest(struct msim_venue *venue)
{
    struct orders *orders = &venue->orders;
    const uint32_t entry = orders->finished_first;
    struct kept *kept = &orders->entries[entry];
    struct owner *owner = &orders->owners[kept->view.order.account];

    orders->finished_first = kept->finished_next;
    if (!orders->finished_first)
        orders->finished_last = 0;
    orders->finished_count--;
    if (kept->newer)
        orders->entries[kept->newer].older = kept->older;
    else
        owner->newest = kept->older;
    if (kept->older)
        orders->entries[kept->older].newer = kept->newer;
    index_take(orders, entry);
    kept->older = orders->free;
    kept->view.order.order = 0;
    orders->free = entry;
    orders->count--;
    fetch(&orders->entries[orders->finished_first], sizeof *kept);
}

/* The youngest of its account. */
static void live_put(struct orders *orders, struct owner *owner, uint32_t entry)
{
    struct kept *kept = &orders->entries[entry];

    kept->live = true;
    kept->live_newer = 0;
    kept->live_older = owner->newest_live;
    if (kept->live_older)
        orders->entries[kept->live_older].live_newer = entry;
    owner->newest_live = entry;
}

static void live_take(struct orders *orders, uint32_t entry)
{
    struct kept *kept = &orders->entries[entry];

    kept->live = false;
    if (kept->live_newer)
        orders->entries[kept->live_newer].live_older = kept->live_older;
    else
        orders->owners[kept->view.order.account].newest_live = kept->live_older;
    if (kept->live_older)
        orders->entries[kept->live_older].live_newer = kept->live_newer;
}

static void finish_order(struct msim_venue *venue, uint32_t entry)
{
    struct orders *orders = &venue->orders;
    struct kept *kept = &orders->entries[entry];

    kept->finished_next = 0;
    if (orders->finished_last)
        orders->entries[orders->finished_last].finished_next = entry;
    else
        orders->finished_first = entry;
    orders->finished_last = entry;
    orders->finished_count++;
    while (orders->finished_count > venue->params.finished_orders)
        forget_oldest(venue);
}

/* ---- events ---- */

static void take_terms(struct msim_order_view *order, const struct msim_event *event)
{
    order->handle = msim_event_handle(event);
    order->price = event->as.order.price;
    order->quantity = event->as.order.quantity;
    order->leaves = event->as.order.leaves;
    order->filled = event->as.order.filled;
    order->stop_price = event->as.order.stop_price;
    order->display_quantity = event->as.order.display_quantity;
    order->expires_at = event->as.order.expires_at;
    order->status = event->status;
}

static int order_begins(struct msim_venue *venue, const struct msim_event *event)
{
    struct orders *orders = &venue->orders;
    struct owner *owner;
    int r = owner_of(venue, event->account, &owner);

    if (r == MSIM_OK && !orders->free && (orders->used >= orders->capacity || !orders->capacity))
        r = grow(venue);
    if (r < 0)
        return r;
    uint32_t entry = orders->free;
    if (entry)
        orders->free = orders->entries[entry].older;
    else
        entry = orders->used++;
    struct kept *kept = &orders->entries[entry];
    memset(kept, 0, sizeof *kept);
    live_put(orders, owner, entry);
    kept->view.created_at = event->time;
    kept->view.updated_at = event->time;
    struct msim_order_view *order = &kept->view.order;
    order->order = event->order;
    order->client_id = event->client_id;
    order->instrument = event->instrument;
    order->account = event->account;
    order->owner = event->owner;
    order->side = event->side;
    order->type = event->type;
    order->time_in_force = event->time_in_force;
    if (venue->current && venue->current->kind == MSIM_COMMAND_NEW &&
        venue->current->sequence == event->command) {
        order->self_trade = venue->current->self_trade;
        order->flags = venue->current->flags;
    }
    take_terms(order, event);
    kept->older = owner->newest;
    if (owner->newest)
        orders->entries[owner->newest].newer = entry;
    owner->newest = entry;
    orders->count++;
    index_put(orders, entry);
    return MSIM_OK;
}

static int keep_fill(struct msim_venue *venue, const struct msim_event *event)
{
    struct orders *orders = &venue->orders;
    struct owner *owner;
    int r = owner_of(venue, event->account, &owner);

    if (r == MSIM_OK && orders->fill_count == orders->fill_capacity &&
        orders->fill_capacity < venue->params.fills)
        r = msim_mem_grow(&venue->allocator, (void **)&orders->fills, &orders->fill_capacity,
                          sizeof *orders->fills, (size_t)orders->fill_count + 1,
                          venue->params.fills);
    if (r < 0)
        return r;
    struct kept_fill *fill = &orders->fills[orders->fill_count % orders->fill_capacity];
    fill->event = *event;
    fill->older = owner->newest_fill;
    owner->newest_fill = ++orders->fill_count;
    fetch(&orders->fills[orders->fill_count % orders->fill_capacity], sizeof *fill);
    return MSIM_OK;
}

static int order_fills(struct msim_venue *venue, const struct msim_event *event)
{
    const uint32_t entry = find(&venue->orders, event->order);
    int r = keep_fill(venue, event);

    if (!entry || r < 0)
        return r;
    struct kept *kept = &venue->orders.entries[entry];
    const struct msim_event_fill *fill = &event->as.fill;
    kept->view.updated_at = event->time;
    kept->view.order.filled = fill->filled;
    kept->view.order.leaves = fill->leaves;
    kept->view.order.status = event->status;
    if (!msim_add_check(kept->view.notional, fill->notional, &kept->view.notional))
        kept->view.notional = INT64_MAX;
    if (event->status == MSIM_STATUS_FILLED && kept->live) {
        live_take(&venue->orders, entry);
        finish_order(venue, entry);
    }
    return MSIM_OK;
}

static void order_changes(struct msim_venue *venue, const struct msim_event *event)
{
    const uint32_t entry = find(&venue->orders, event->order);

    if (!entry)
        return;
    struct kept *kept = &venue->orders.entries[entry];
    kept->view.updated_at = event->time;
    take_terms(&kept->view.order, event);
    if (event->kind == MSIM_EVENT_REPLACED || event->kind == MSIM_EVENT_TRIGGERED)
        return;
    kept->view.code = event->code;
    if (kept->live) {
        live_take(&venue->orders, entry);
        finish_order(venue, entry);
    }
}

int msim_orders_event(struct msim_venue *venue, const struct msim_event *event)
{
    switch (event->kind) {
    case MSIM_EVENT_ACCEPTED:
        return event->flags & MSIM_EVENT_REPEATED ? MSIM_OK : order_begins(venue, event);
    case MSIM_EVENT_FILL:
        return order_fills(venue, event);
    case MSIM_EVENT_CANCELLED:
    case MSIM_EVENT_EXPIRED:
    case MSIM_EVENT_REPLACED:
    case MSIM_EVENT_TRIGGERED:
        order_changes(venue, event);
        return MSIM_OK;
    default:
        return MSIM_OK;
    }
}

void msim_orders_finish(struct msim_venue *venue)
{
    struct orders *orders = &venue->orders;
    const struct msim_allocator *allocator = &venue->allocator;

    msim_mem_free(allocator, orders->entries, orders->capacity * sizeof *orders->entries);
    msim_mem_free(allocator, orders->index, orders->index_size * sizeof *orders->index);
    msim_mem_free(allocator, orders->owners, orders->owner_capacity * sizeof *orders->owners);
    msim_mem_free(allocator, orders->fills, orders->fill_capacity * sizeof *orders->fills);
}

/* ---- questions ---- */

/* As it is now: what the engine alone knows of a live one is asked there. */
static void show(const struct msim_venue *venue, const struct kept *kept,
                 struct msim_venue_order_view *view)
{
    struct msim_order_view live;

    *view = kept->view;
    if (kept->live && msim_engine_order(venue->engine, kept->view.order.order,
                                        kept->view.order.handle, &live) == MSIM_OK)
        view->order = live;
}

int msim_venue_order(const struct msim_venue *venue, uint32_t account, uint64_t order,
                     struct msim_venue_order_view *view)
{
    if (!venue || !view)
        return MSIM_ERR_INVALID;
    const uint32_t entry = order ? find(&venue->orders, order) : 0;
    if (!entry || venue->orders.entries[entry].view.order.account != account)
        return MSIM_ERR_NOT_FOUND;
    show(venue, &venue->orders.entries[entry], view);
    return MSIM_OK;
}

size_t msim_venue_orders(const struct msim_venue *venue, uint32_t account, uint32_t instrument,
                         unsigned which, uint64_t before, struct msim_venue_order_view *views,
                         size_t capacity)
{
    size_t count = 0;

    if (!venue || !views || account >= venue->orders.owner_capacity)
        return 0;
    const struct orders *orders = &venue->orders;
    const struct owner *owner = &orders->owners[account];
    const bool live_alone = which == MSIM_VENUE_LIVE; /* the finished ones are stepped over */
    for (uint32_t i = live_alone ? owner->newest_live : owner->newest; i && count < capacity;
         i = live_alone ? orders->entries[i].live_older : orders->entries[i].older) {
        const struct kept *kept = &orders->entries[i];
        if (kept->view.order.order >= before ||
            !(which & (kept->live ? MSIM_VENUE_LIVE : MSIM_VENUE_FINISHED)) ||
            (instrument != MSIM_ALL_INSTRUMENTS && kept->view.order.instrument != instrument))
            continue;
        show(venue, kept, &views[count++]);
    }
    return count;
}

size_t msim_venue_fills(const struct msim_venue *venue, uint32_t account, uint32_t instrument,
                        uint64_t before, struct msim_event *fills, size_t capacity)
{
    size_t count = 0;

    if (!venue || !fills || account >= venue->orders.owner_capacity)
        return 0;
    const struct orders *orders = &venue->orders;
    uint64_t number = orders->owners[account].newest_fill;
    while (number > 0 && number + orders->fill_capacity > orders->fill_count && count < capacity) {
        const struct kept_fill *fill = &orders->fills[(number - 1) % orders->fill_capacity];
        if (fill->event.sequence < before &&
            (instrument == MSIM_ALL_INSTRUMENTS || fill->event.instrument == instrument))
            fills[count++] = fill->event;
        number = fill->older;
    }
    return count;
}

/* ---- snapshots ---- */

const struct msim_venue_order_view *msim_orders_walk(const struct msim_venue *venue,
                                                     struct msim_orders_walk *walk, bool finished)
{
    const struct orders *orders = &venue->orders;
    const struct kept *kept;

    if (finished) {
        kept = &orders->entries[walk->entry ? orders->entries[walk->entry].finished_next
                                            : orders->finished_first];
        walk->entry = (uint32_t)(kept - orders->entries);
        return &kept->view;
    }
    if (!walk->live) {
        walk->live = true;
        walk->account = 0;
        walk->entry = orders->owners[0].newest;
    } else {
        walk->entry = orders->entries[walk->entry].older;
    }
    for (;; walk->entry = orders->entries[walk->entry].older) {
        while (!walk->entry)
            walk->entry = orders->owners[++walk->account].newest;
        if (orders->entries[walk->entry].live)
            return &orders->entries[walk->entry].view;
    }
}

int msim_orders_put(struct msim_venue *venue, const struct msim_venue_order_view *view, bool live)
{
    struct orders *orders = &venue->orders;
    struct owner *owner;

    if (view->order.order == 0 || view->order.account >= venue->accounts.count ||
        find(orders, view->order.order))
        return MSIM_ERR_FORMAT;
    int r = owner_of(venue, view->order.account, &owner);
    if (r == MSIM_OK && (orders->used >= orders->capacity || !orders->capacity))
        r = grow(venue);
    if (r < 0)
        return r;
    const uint32_t entry = orders->used++;
    struct kept *kept = &orders->entries[entry];
    memset(kept, 0, sizeof *kept);
    kept->view = *view;
    kept->live = live;
    orders->count++;
    index_put(orders, entry);
    if (!live)
        finish_order(venue, entry);
    return MSIM_OK;
}

int msim_orders_sort(struct msim_venue *venue)
{
    struct orders *orders = &venue->orders;
    struct msim_due ages;
    int r = msim_due_init(&ages, orders->count, orders->count + 1, &venue->allocator);

    if (r < 0)
        return r;
    for (uint32_t i = 1; r == MSIM_OK && i <= orders->count; i++)
        r = msim_due_push_ranked(&ages, 0, orders->entries[i].view.order.order, i);
    while (r == MSIM_OK && msim_due_peek(&ages)) {
        const uint32_t entry = (uint32_t)msim_due_pop(&ages).value;
        struct owner *owner = &orders->owners[orders->entries[entry].view.order.account];
        orders->entries[entry].older = owner->newest;
        if (owner->newest)
            orders->entries[owner->newest].newer = entry;
        owner->newest = entry;
        if (orders->entries[entry].live)
            live_put(orders, owner, entry);
    }
    msim_due_finish(&ages);
    return r;
}

int msim_fills_put(struct msim_venue *venue, const struct msim_event *event)
{
    return keep_fill(venue, event);
}
