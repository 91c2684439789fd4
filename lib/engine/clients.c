/*
 * Client ids: unique for an account among its live orders and the last ones
 * finished.
 *
 * Two open tables of where they are, each entry beside 32 bits of its hash: a search
 * reads one line of a table, and the id itself only where the bits agree.  The bits tell
 * an entry's home, so removal shifts back and growth moves without reading ids.  The
 * table of live orders is small and lies in the cache; their ids stand beside the pool,
 * by slot.  A finished one's id stands at the end of its account's list, whose oldest
 * leaves when it is longer than was asked for.
 *
 * Whoever counts its ids upwards never asks for a finished one: an id above the highest
 * that the account has used is new.  So what finishes waits at the list's end, and enters
 * the large table of the finished only when an id comes that is not above.
 */
#include <assert.h>
#include <string.h>

#include "base/random.h"
#include "engine/state.h"

#define FINISHED_LIMIT INT32_MAX
/* Records that are written next, asked for in advance: each is new memory. */
#define FINISHED_AHEAD 16

static uint32_t hash_of(const struct msim_engine *engine, uint32_t account, uint64_t client_id)
{
    return keyed_hash(engine, client_id, account);
}

static uint64_t home_of(const struct id_table *table, uint32_t hash)
{
    return hash * table->places >> 32;
}

static uint64_t after(const struct id_table *table, uint64_t place)
{
    return place + 1 == table->places ? 0 : place + 1;
}

/* How far a place lies behind another, around the end. */
static uint64_t distance(const struct id_table *table, uint64_t from, uint64_t to)
{
    return to >= from ? to - from : to + table->places - from;
}

static void table_put(struct id_table *table, uint32_t hash, uint32_t at)
{
    uint64_t place = home_of(table, hash);

    while (table->entries[place] != 0)
        place = after(table, place);
    table->entries[place] = (uint64_t)hash << 32 | at;
}

/* Takes an entry out that is there; those behind it that are not at home move up. */
static void table_take(struct id_table *table, uint32_t hash, uint32_t at)
{
    const uint64_t wanted = (uint64_t)hash << 32 | at;
    uint64_t *entries = table->entries;
    uint64_t hole = home_of(table, hash);

    while (entries[hole] != wanted)
        hole = after(table, hole);
    for (uint64_t place = after(table, hole); entries[place] != 0; place = after(table, place)) {
        const uint64_t home = home_of(table, (uint32_t)(entries[place] >> 32));
        if (distance(table, home, place) >= distance(table, hole, place)) {
            entries[hole] = entries[place];
            hole = place;
        }
    }
    entries[hole] = 0;
}

static void table_free(struct msim_engine *engine, struct id_table *table)
{
    msim_mem_free(&engine->allocator, table->entries, table->places * sizeof *table->entries);
}

void msim_clients_destroy(struct msim_engine *engine)
{
    const struct msim_allocator *allocator = &engine->allocator;

    table_free(engine, &engine->live_ids);
    table_free(engine, &engine->finished_index);
    msim_mem_free(allocator, engine->clients, engine->client_capacity * sizeof *engine->clients);
    msim_mem_free(allocator, engine->finished,
                  engine->finished_capacity * sizeof *engine->finished);
}

/* A table of so many places, with all that the present one has. */
static int table_grow(struct msim_engine *engine, struct id_table *table, uint64_t places)
{
    struct id_table grown = {
        .entries = msim_mem_zero_array(&engine->allocator, places, sizeof *grown.entries),
        .places = places,
    };

    if (!grown.entries)
        return MSIM_ERR_NOMEM;
    for (uint64_t i = 0; i < table->places; i++) {
        if (table->entries[i] != 0)
            table_put(&grown, (uint32_t)(table->entries[i] >> 32), (uint32_t)table->entries[i]);
    }
    table_free(engine, table);
    *table = grown;
    return MSIM_OK;
}

/* Makes room for so many ids in all. */
static int table_reserve(struct msim_engine *engine, struct id_table *table, uint64_t count)
{
    const uint64_t wanted = CLIENT_PLACES_PER_ID * count;

    if (wanted <= table->places)
        return MSIM_OK;
    return table_grow(engine, table, wanted < 64 ? 64 : 2 * wanted);
}

/* Room for so many client ids from the start; of live ones there are no more than orders. */
int msim_clients_create(struct msim_engine *engine, uint32_t count)
{
    if (count == 0)
        return MSIM_OK;
    const uint64_t live = count < engine->order_capacity ? count : engine->order_capacity;
    int r = table_grow(engine, &engine->live_ids, CLIENT_PLACES_PER_ID * (live + 1));
    if (r == MSIM_OK)
        r = table_grow(engine, &engine->finished_index,
                       CLIENT_PLACES_PER_ID * ((uint64_t)count + 1));
    /* Just so many: growth would double it. */
    if (r == MSIM_OK)
        r = msim_mem_grow(&engine->allocator, (void **)&engine->finished,
                          &engine->finished_capacity, sizeof *engine->finished, (size_t)count + 3,
                          (size_t)count + 3);
    return r == MSIM_OK ? msim_clients_reserve(engine) : r;
}

int msim_clients_reserve(struct msim_engine *engine)
{
    int r = MSIM_OK;

    if (!engine->clients)
        r = msim_mem_grow(&engine->allocator, (void **)&engine->clients, &engine->client_capacity,
                          sizeof *engine->clients, engine->order_capacity, engine->order_capacity);
    if (r == MSIM_OK)
        r = table_reserve(engine, &engine->live_ids, (uint64_t)engine->client_live + 1);
    return r < 0 ? r : finished_reserve(engine, 1);
}

int msim_finished_reserve_slow(struct msim_engine *engine, size_t count)
{
    const size_t most = count < engine->client_live + 1 ? count : engine->client_live + 1;

    return msim_mem_grow(&engine->allocator, (void **)&engine->finished, &engine->finished_capacity,
                         sizeof *engine->finished, engine->finished_count + most + 2,
                         FINISHED_LIMIT);
}

/* From now on the account's finished ones lead to the younger. */
static void link_up(const struct msim_engine *engine, struct account *account)
{
    uint32_t after = 0;

    if (account->linked)
        return;
    for (uint32_t at = account->finished_last; at;) {
        const uint32_t before = engine->finished[at].next;
        engine->finished[at].next = after;
        after = at;
        at = before;
    }
    account->linked = true;
}

uint32_t msim_finished_first(const struct msim_engine *engine, uint32_t account)
{
    link_up(engine, &engine->accounts[account]);
    return engine->accounts[account].finished_first;
}

/* The slot of the live order that has the id; 0 for none. */
uint32_t msim_client_slot(const struct msim_engine *engine, uint32_t account, uint64_t client_id)
{
    const struct id_table *table = &engine->live_ids;
    const uint32_t hash = hash_of(engine, account, client_id);

    if (!table->entries)
        return 0;
    for (uint64_t place = home_of(table, hash); table->entries[place] != 0;
         place = after(table, place)) {
        const uint32_t slot = (uint32_t)table->entries[place];
        if (table->entries[place] >> 32 == hash && engine->clients[slot].id == client_id &&
            engine->orders[slot].account == account)
            return slot;
    }
    return 0;
}

/* The place of the finished order that has the id, as far as it is in the index; 0 for none. */
static uint32_t indexed_place(const struct msim_engine *engine, uint32_t account,
                              uint64_t client_id)
{
    const struct id_table *table = &engine->finished_index;
    const uint32_t hash = hash_of(engine, account, client_id);

    if (!table->entries)
        return 0;
    for (uint64_t place = home_of(table, hash); table->entries[place] != 0;
         place = after(table, place)) {
        const uint32_t at = (uint32_t)table->entries[place];
        const struct finished *finished = &engine->finished[at];
        if (table->entries[place] >> 32 == hash && finished->client_id == client_id &&
            finished->account == account)
            return at;
    }
    return 0;
}

static uint32_t waiting_place(const struct msim_engine *engine, uint32_t account,
                              uint64_t client_id)
{
    link_up(engine, &engine->accounts[account]);
    uint32_t at = engine->accounts[account].waiting_first;

    while (at && engine->finished[at].client_id != client_id)
        at = engine->finished[at].next;
    return at;
}

uint32_t msim_client_find(const struct msim_engine *engine, uint32_t account, uint64_t client_id)
{
    if (account >= engine->account_capacity || client_id > engine->accounts[account].highest_id)
        return 0;
    const uint32_t slot = msim_client_slot(engine, account, client_id);
    if (slot)
        return slot;
    uint32_t place = indexed_place(engine, account, client_id);
    if (!place)
        place = waiting_place(engine, account, client_id);
    return place ? CLIENT_FINISHED | place : 0;
}

/* All that the account's list has into the index. */
static int index_waiting(struct msim_engine *engine, struct account *account)
{
    const uint64_t count = (uint64_t)engine->finished_indexed + account->waiting_count;
    int r = table_reserve(engine, &engine->finished_index, count);
    if (r < 0)
        return r;

    link_up(engine, account);
    for (uint32_t at = account->waiting_first; at; at = engine->finished[at].next) {
        const struct finished *finished = &engine->finished[at];
        table_put(&engine->finished_index, hash_of(engine, finished->account, finished->client_id),
                  at);
    }
    engine->finished_indexed += account->waiting_count;
    account->waiting_first = 0;
    account->waiting_count = 0;
    return MSIM_OK;
}

int msim_client_look_slow(struct msim_engine *engine, uint32_t account, uint64_t client_id,
                          uint32_t *at)
{
    uint32_t found = msim_client_slot(engine, account, client_id);

    if (!found) {
        int r = index_waiting(engine, &engine->accounts[account]);
        if (r < 0)
            return r;
        found = indexed_place(engine, account, client_id);
        found |= found ? CLIENT_FINISHED : 0;
    }
    *at = found;
    return MSIM_OK;
}

void msim_client_prefetch(const struct msim_engine *engine, uint32_t account, uint64_t client_id)
{
    const struct id_table *table = &engine->live_ids;

    if (table->entries)
        __builtin_prefetch(&table->entries[home_of(table, hash_of(engine, account, client_id))], 1);
}

/* The slot that the id most likely has, without a look at it; 0 for none. */
uint32_t msim_client_likely_slot(const struct msim_engine *engine, uint32_t account,
                                 uint64_t client_id)
{
    const struct id_table *table = &engine->live_ids;
    const uint32_t hash = hash_of(engine, account, client_id);

    if (!table->entries)
        return 0;
    for (uint64_t place = home_of(table, hash); table->entries[place] != 0;
         place = after(table, place)) {
        if (table->entries[place] >> 32 == hash)
            return (uint32_t)table->entries[place];
    }
    return 0;
}

static void seen(struct account *account, uint64_t client_id)
{
    if (client_id > account->highest_id)
        account->highest_id = client_id;
}

void msim_client_add(struct msim_engine *engine, uint32_t account, uint64_t client_id,
                     uint64_t content, uint32_t slot)
{
    assert(slot < engine->client_capacity);
    engine->clients[slot] = (struct client){client_id, content};
    engine->orders[slot].bits |= BITS_CLIENT;
    table_put(&engine->live_ids, hash_of(engine, account, client_id), slot);
    engine->client_live++;
    seen(&engine->accounts[account], client_id);
}

/* Its place is free afterwards. */
static uint32_t forget_oldest(struct msim_engine *engine, struct account *account)
{
    link_up(engine, account);
    const uint32_t place = account->finished_first;
    const struct finished *finished = &engine->finished[place];

    if (account->waiting_first == place) {
        account->waiting_first = finished->next;
        account->waiting_count--;
    } else {
        table_take(&engine->finished_index, hash_of(engine, finished->account, finished->client_id),
                   place);
        engine->finished_indexed--;
    }
    account->finished_first = finished->next;
    if (!account->finished_first)
        account->finished_last = 0;
    account->finished_count--;
    engine->finished_count--;
    return place;
}

static uint32_t finished_take(struct msim_engine *engine, struct account *account)
{
    if (account->finished_count >= engine->finished_ids)
        return forget_oldest(engine, account);
    if (engine->finished_used == 0)
        engine->finished_used = 1;
    assert(engine->finished_used < engine->finished_capacity);
    __builtin_prefetch(&engine->finished[engine->finished_used + FINISHED_AHEAD], 1);
    return (uint32_t)engine->finished_used++;
}

/* A place at the end of the account's list, for an id that is not live any more. */
static struct finished *append(struct msim_engine *engine, uint32_t number, uint64_t client_id)
{
    struct account *account = &engine->accounts[number];
    const uint32_t place = finished_take(engine, account);
    const uint32_t before = account->finished_last;

    if (!before)
        account->finished_first = place;
    else if (account->linked)
        engine->finished[before].next = place;
    engine->finished[place].next = account->linked ? 0 : before;
    if (!account->waiting_first)
        account->waiting_first = place;
    account->finished_last = place;
    account->finished_count++;
    account->waiting_count++;
    engine->finished_count++;
    seen(account, client_id);
    return &engine->finished[place];
}

void msim_client_add_finished(struct msim_engine *engine, const struct finished *record)
{
    struct finished *finished = append(engine, record->account, record->client_id);

    const uint32_t next = finished->next;
    *finished = *record;
    finished->next = next;
}

void msim_client_finish(struct msim_engine *engine, const struct order *order, msim_qty filled,
                        uint8_t status)
{
    const uint32_t slot = order_slot(engine, order);
    const struct client client = engine->clients[slot];
    struct finished *finished = append(engine, order->account, client.id);

    /* Field by field: a copy would be read back from where it was just written. */
    finished->client_id = client.id;
    finished->content = client.content;
    finished->order = order->id;
    finished->filled = filled;
    finished->account = order->account;
    finished->instrument = order->instrument;
    finished->bits = (uint16_t)(order->bits & BITS_ASKED);
    finished->status = status;
    finished->reserved = 0;
    table_take(&engine->live_ids, hash_of(engine, order->account, client.id), slot);
    engine->client_live--;
}
