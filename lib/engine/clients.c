/*
 * Client ids: unique for an account among its live orders and the last ones
 * finished.  What nearly every order does with one is in clients.h.
 *
 * Those of finished orders have an open table of where they are, each entry beside 32 bits
 * of its hash: a search reads one line of the table, and the id itself only where the bits
 * agree.  The bits tell an entry's home, so removal shifts back and growth moves without
 * reading ids.  The id itself stands at the end of its account's list, whose oldest leaves
 * when it is longer than was asked for.
 *
 * Whoever counts its ids upwards never asks for a finished one: an id above the highest
 * that the account has used is new.  So what finishes waits at the list's end, and enters
 * that table only when an id comes that is not above.
 */
#include <assert.h>
#include <string.h>

#include "engine/clients.h"

#define FINISHED_LIMIT INT32_MAX
#define FIRST_HEADS 64

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

    table_free(engine, &engine->finished_index);
    if (engine->client_room > 0)
        msim_mem_free(allocator, engine->client_heads,
                      engine->client_room * sizeof *engine->client_heads);
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

/* Searches among the ids stay short: of three ids hardly two have the same head. */
static uint64_t heads_suffice_for(uint64_t heads)
{
    return 2 * heads / 3;
}

static void heads_use(struct msim_engine *engine, uint64_t heads)
{
    engine->client_mask = heads - 1;
    engine->client_most = (uint32_t)heads_suffice_for(heads);
}

/* Twice as many heads, which there is room for: each chain parts in two. */
static void heads_double(struct msim_engine *engine)
{
    const uint64_t places = engine->client_mask + 1;

    heads_use(engine, 2 * places);
    memset(&engine->client_heads[places], 0, places * sizeof *engine->client_heads);
    for (uint64_t at = 0; at < places; at++) {
        uint32_t slot = engine->client_heads[at];
        engine->client_heads[at] = 0;
        while (slot) {
            struct order *order = &engine->orders[slot];
            uint32_t *head =
                client_head(engine, client_hash(engine, order->account, order->client_id));
            const uint32_t next = order->client_next;
            order->client_next = *head;
            *head = slot;
            slot = next;
        }
    }
}

/* Room for the heads of so many ids. */
static int heads_room(struct msim_engine *engine, uint64_t count)
{
    uint32_t *heads = engine->client_room > 0 ? engine->client_heads : NULL;
    size_t room = engine->client_room;
    uint64_t wanted = FIRST_HEADS;

    while (heads_suffice_for(wanted) < count)
        wanted *= 2;
    if (wanted <= room)
        return MSIM_OK;
    int r =
        msim_mem_grow(&engine->allocator, (void **)&heads, &room, sizeof *heads, wanted, wanted);
    if (r < 0)
        return r;
    engine->client_heads = heads;
    if (engine->client_room == 0) {
        memset(heads, 0, FIRST_HEADS * sizeof *heads);
        heads_use(engine, FIRST_HEADS);
    }
    engine->client_room = room;
    return MSIM_OK;
}

/* Heads for so many ids.  They double with those that live: as few as these need lie in the
 * cache, whatever there is room for. */
static int heads_reserve(struct msim_engine *engine, uint64_t count)
{
    int r = heads_room(engine, count);

    if (r < 0)
        return r;
    while (engine->client_most < count)
        heads_double(engine);
    return MSIM_OK;
}

/* Room for so many client ids from the start; of live ones there are no more than orders. */
int msim_clients_create(struct msim_engine *engine, uint32_t count)
{
    engine->finished_used = 1;
    engine->client_heads = &engine->no_head;
    if (count == 0)
        return MSIM_OK;
    const uint64_t live = count < engine->order_capacity ? count : engine->order_capacity;
    int r = heads_room(engine, live);
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

/* The first id: from now on an order's neighbours among its account's stand beside the pool.  Where
 * lists were made before, this goes through all orders, once. */
static int clients_make(struct msim_engine *engine)
{
    struct client *clients = NULL;
    int r = msim_mem_grow(&engine->allocator, (void **)&clients, &engine->client_capacity,
                          sizeof *clients, engine->order_capacity, engine->order_capacity);
    if (r < 0)
        return r;
    for (uint32_t slot = 0; engine->listed && slot < engine->order_used; slot++)
        clients[slot].links = engine->orders[slot].links;
    engine->clients = clients;
    return MSIM_OK;
}

int msim_clients_reserve(struct msim_engine *engine)
{
    int r = engine->clients ? MSIM_OK : clients_make(engine);

    if (r == MSIM_OK)
        r = heads_reserve(engine, (uint64_t)engine->client_live + 1);
    return r < 0 ? r : finished_reserve(engine, 1);
}

int msim_finished_reserve_slow(struct msim_engine *engine, size_t count)
{
    const size_t most = count < engine->client_live + 1 ? count : engine->client_live + 1;

    return msim_mem_grow(&engine->allocator, (void **)&engine->finished, &engine->finished_capacity,
                         sizeof *engine->finished, engine->finished_used + most + 1,
                         FINISHED_LIMIT);
}

/* From now on the account's finished ones lead to the younger. */
static void link_up(const struct msim_engine *engine, struct account *account)
{
    uint32_t after = 0;

    if (account->usual_room == LINKED)
        return;
    for (uint32_t at = account->finished_last; at;) {
        const uint32_t before = engine->finished[at].next;
        engine->finished[at].next = after;
        after = at;
        at = before;
    }
    account->usual_room = LINKED;
}

uint32_t msim_finished_first(const struct msim_engine *engine, uint32_t account)
{
    link_up(engine, &engine->accounts[account]);
    return engine->accounts[account].finished_first;
}

uint32_t msim_client_slot(const struct msim_engine *engine, uint32_t account, uint64_t client_id)
{
    return client_slot(engine, account, client_id);
}

/* The place of the finished order that has the id, as far as it is in the index; 0 for none. */
static uint32_t indexed_place(const struct msim_engine *engine, uint32_t account,
                              uint64_t client_id)
{
    const struct id_table *table = &engine->finished_index;
    const uint32_t hash = client_hash(engine, account, client_id);

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
    const uint32_t slot = client_slot(engine, account, client_id);
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
    const uint32_t waiting = account->finished_count - account->indexed_count;
    int r = table_reserve(engine, &engine->finished_index,
                          (uint64_t)engine->finished_indexed + waiting);
    if (r < 0)
        return r;

    link_up(engine, account);
    for (uint32_t at = account->waiting_first; at; at = engine->finished[at].next) {
        const struct finished *finished = &engine->finished[at];
        table_put(&engine->finished_index,
                  client_hash(engine, finished->account, finished->client_id), at);
    }
    engine->finished_indexed += waiting;
    account->indexed_count = account->finished_count;
    account->waiting_first = 0;
    return MSIM_OK;
}

int msim_client_look_slow(struct msim_engine *engine, uint32_t account, uint64_t client_id,
                          uint32_t *at)
{
    uint32_t found = client_slot(engine, account, client_id);

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

void msim_client_add(struct msim_engine *engine, uint32_t account, uint64_t client_id,
                     uint64_t content, uint32_t slot)
{
    client_note(engine, client_id, content, slot);
    client_join(engine, slot, client_hash(engine, account, client_id));
}

/* Its place is free afterwards. */
static uint32_t forget_oldest(struct msim_engine *engine, struct account *account)
{
    link_up(engine, account);
    const uint32_t place = account->finished_first;
    const struct finished *finished = &engine->finished[place];

    if (account->waiting_first == place) {
        account->waiting_first = finished->next;
    } else {
        table_take(&engine->finished_index,
                   client_hash(engine, finished->account, finished->client_id), place);
        engine->finished_indexed--;
        account->indexed_count--;
    }
    account->finished_first = finished->next;
    if (!account->finished_first)
        account->finished_last = 0;
    account->finished_count--;
    return place;
}

/* So many more may go to the list's end in the usual way. */
static int32_t usual_room(const struct msim_engine *engine, const struct account *account)
{
    const uint32_t room = engine->finished_ids - account->finished_count;

    return room < INT32_MAX ? (int32_t)room : INT32_MAX;
}

uint32_t msim_finished_append(struct msim_engine *engine, struct account *account, uint32_t *next)
{
    uint32_t place;

    if (account->finished_count >= engine->finished_ids) {
        place = forget_oldest(engine, account);
    } else {
        assert(engine->finished_used < engine->finished_capacity);
        place = (uint32_t)engine->finished_used++;
    }
    const bool linked = account->usual_room == LINKED;
    const uint32_t before = account->finished_last;
    if (!before)
        account->finished_first = place;
    else if (linked)
        engine->finished[before].next = place;
    *next = linked ? 0 : before;
    if (!account->waiting_first)
        account->waiting_first = place;
    account->finished_last = place;
    account->finished_count++;
    if (!linked)
        account->usual_room = usual_room(engine, account);
    return place;
}

void msim_client_add_finished(struct msim_engine *engine, const struct finished *record)
{
    struct account *account = &engine->accounts[record->account];
    uint32_t next;
    struct finished *finished = &engine->finished[msim_finished_append(engine, account, &next)];

    *finished = *record;
    finished->next = next;
    if (record->client_id > account->highest_id)
        account->highest_id = record->client_id;
}

void msim_client_finish(struct msim_engine *engine, uint32_t slot, msim_qty filled, uint8_t status)
{
    client_finish(engine, slot, filled, status);
}
