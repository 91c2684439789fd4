/*
 * Client ids: unique for an account among its live orders and the last ones
 * finished.
 *
 * An open table of entry numbers, each beside 32 bits of its hash: a search reads
 * one line of the table, and the entry only where the bits agree.  The bits tell
 * an entry's home, so removal shifts back without reading entries.  An entry
 * outlives its order: it moves to the end of the account's list of finished ones,
 * and the list's oldest leaves when the list is longer than was asked for.
 */
#include <assert.h>
#include <string.h>

#include "base/random.h"
#include "engine/state.h"

#define CLIENTS_LIMIT UINT32_MAX

static uint32_t hash_of(uint32_t account, uint64_t client_id)
{
    uint64_t mixed = (client_id + (uint64_t)account * UINT64_C(0xD6E8FEB86659FD93)) *
                     UINT64_C(0x9E3779B97F4A7C15);
    mixed ^= mixed >> 32;
    return (uint32_t)(mixed * UINT64_C(0x9E3779B97F4A7C15) >> 32);
}

static void table_put(struct msim_engine *engine, uint32_t hash, uint32_t entry)
{
    uint64_t place = hash & engine->client_mask;

    while (engine->client_index[place] != 0)
        place = (place + 1) & engine->client_mask;
    engine->client_index[place] = (uint64_t)hash << 32 | entry;
}

/* Takes an entry out; those behind it that are not at home move up. */
static void table_take(struct msim_engine *engine, uint32_t hash, uint32_t entry)
{
    uint64_t *index = engine->client_index;
    const uint64_t mask = engine->client_mask;
    uint64_t hole = hash & mask;

    while ((uint32_t)index[hole] != entry)
        hole = (hole + 1) & mask;
    for (uint64_t place = (hole + 1) & mask; index[place] != 0; place = (place + 1) & mask) {
        const uint64_t home = index[place] >> 32 & mask;
        if (((place - home) & mask) >= ((place - hole) & mask)) {
            index[hole] = index[place];
            hole = place;
        }
    }
    index[hole] = 0;
}

void msim_clients_destroy(struct msim_engine *engine)
{
    const struct msim_allocator *allocator = &engine->allocator;

    if (engine->client_index)
        msim_mem_free(allocator, engine->client_index,
                      (engine->client_mask + 1) * sizeof *engine->client_index);
    msim_mem_free(allocator, engine->clients, engine->client_capacity * sizeof *engine->clients);
    msim_mem_free(allocator, engine->finished,
                  engine->finished_capacity * sizeof *engine->finished);
    msim_mem_free(allocator, engine->accounts, engine->account_capacity * sizeof *engine->accounts);
}

/* Twice as many places as entries: searches stay short. */
static int index_build(struct msim_engine *engine)
{
    size_t size = 2;
    while (size < 2 * engine->client_capacity)
        size *= 2;
    if (engine->client_index && engine->client_mask + 1 == size)
        return MSIM_OK;
    uint64_t *index = msim_mem_zero_array(&engine->allocator, size, sizeof *index);
    if (!index)
        return MSIM_ERR_NOMEM;
    if (engine->client_index)
        msim_mem_free(&engine->allocator, engine->client_index,
                      (engine->client_mask + 1) * sizeof *index);
    engine->client_index = index;
    engine->client_mask = size - 1;
    for (size_t i = 1; i < engine->client_used; i++) {
        const struct client *client = &engine->clients[i];
        if (client->state != CLIENT_FREE)
            table_put(engine, hash_of(client->account, client->client_id), (uint32_t)i);
    }
    return MSIM_OK;
}

/* Room for so many client ids from the start. */
int msim_clients_create(struct msim_engine *engine, uint32_t count)
{
    if (count == 0)
        return MSIM_OK;
    int r = msim_mem_grow(&engine->allocator, (void **)&engine->clients, &engine->client_capacity,
                          sizeof *engine->clients, (size_t)count + 1, CLIENTS_LIMIT);
    if (r == MSIM_OK)
        r = msim_mem_grow(&engine->allocator, (void **)&engine->finished,
                          &engine->finished_capacity, sizeof *engine->finished, (size_t)count + 2,
                          CLIENTS_LIMIT);
    engine->client_used = 1;
    engine->finished_used = 1;
    return r == MSIM_OK ? index_build(engine) : r;
}

static int accounts_grow(struct msim_engine *engine, uint32_t account)
{
    const size_t before = engine->account_capacity;
    int r = msim_mem_grow(&engine->allocator, (void **)&engine->accounts, &engine->account_capacity,
                          sizeof *engine->accounts, (size_t)account + 1, engine->max_accounts);
    if (r < 0)
        return r;
    memset(&engine->accounts[before], 0,
           (engine->account_capacity - before) * sizeof *engine->accounts);
    return MSIM_OK;
}

int msim_clients_reserve(struct msim_engine *engine, uint32_t account)
{
    int r = MSIM_OK;

    if (account >= engine->account_capacity)
        r = accounts_grow(engine, account);
    if (r == MSIM_OK && !engine->free_client && engine->client_used >= engine->client_capacity) {
        r = msim_mem_grow(&engine->allocator, (void **)&engine->clients, &engine->client_capacity,
                          sizeof *engine->clients, engine->client_used + 2, CLIENTS_LIMIT);
        if (engine->client_used == 0)
            engine->client_used = 1;
    }
    if (r == MSIM_OK &&
        (!engine->client_index || engine->client_mask + 1 < engine->client_capacity))
        r = index_build(engine);
    /* Every live one must find its place among the finished without fail. */
    const size_t wanted = engine->finished_count + engine->client_live + 2;
    if (r == MSIM_OK && wanted > engine->finished_capacity) {
        r = msim_mem_grow(&engine->allocator, (void **)&engine->finished,
                          &engine->finished_capacity, sizeof *engine->finished, wanted,
                          CLIENTS_LIMIT);
        if (engine->finished_used == 0)
            engine->finished_used = 1;
    }
    return r;
}

uint64_t msim_client_content(const struct msim_command *command)
{
    const uint64_t kinds = (uint64_t)command->side | (uint64_t)command->type << 8 |
                           (uint64_t)command->time_in_force << 16 |
                           (uint64_t)command->self_trade << 24 |
                           (uint64_t)command->instrument << 32;
    uint64_t hash = (kinds + (uint64_t)command->flags * UINT64_C(0xD6E8FEB86659FD93)) *
                    UINT64_C(0x9E3779B97F4A7C15);

    hash +=
        ((uint64_t)command->price ^ UINT64_C(0xA0761D6478BD642F)) * UINT64_C(0xE7037ED1A0B428DB);
    hash +=
        ((uint64_t)command->quantity ^ UINT64_C(0x8EBC6AF09C88C6E3)) * UINT64_C(0x589965CC75374CC3);
    hash += (uint64_t)command->stop_price * UINT64_C(0x1D8E4E27C47D124F);
    hash += (uint64_t)command->display_quantity * UINT64_C(0xEB44ACCAB455D165);
    hash += (uint64_t)command->amount * UINT64_C(0x2127599BF4325C37);
    hash += (uint64_t)command->expires_at * UINT64_C(0x880355F21E6D1965);
    return msim_mix64(hash);
}

uint32_t msim_client_find(const struct msim_engine *engine, uint32_t account, uint64_t client_id)
{
    const uint32_t hash = hash_of(account, client_id);

    if (!engine->client_index)
        return 0;
    for (uint64_t place = hash & engine->client_mask; engine->client_index[place] != 0;
         place = (place + 1) & engine->client_mask) {
        const uint64_t found = engine->client_index[place];
        const struct client *client = &engine->clients[(uint32_t)found];
        if (found >> 32 == hash && client->client_id == client_id && client->account == account)
            return (uint32_t)found;
    }
    return 0;
}

void msim_client_prefetch(const struct msim_engine *engine, uint32_t account, uint64_t client_id)
{
    if (engine->client_index)
        __builtin_prefetch(&engine->client_index[hash_of(account, client_id) & engine->client_mask],
                           1);
}

/* The entry that the id most likely has, without a look at it; 0 for none. */
static uint32_t likely(const struct msim_engine *engine, uint32_t account, uint64_t client_id)
{
    const uint32_t hash = hash_of(account, client_id);

    if (!engine->client_index)
        return 0;
    for (uint64_t place = hash & engine->client_mask; engine->client_index[place] != 0;
         place = (place + 1) & engine->client_mask) {
        if (engine->client_index[place] >> 32 == hash)
            return (uint32_t)engine->client_index[place];
    }
    return 0;
}

void msim_client_prefetch_entry(const struct msim_engine *engine, uint32_t account,
                                uint64_t client_id)
{
    __builtin_prefetch(&engine->clients[likely(engine, account, client_id)], 1);
}

uint32_t msim_client_likely_slot(const struct msim_engine *engine, uint32_t account,
                                 uint64_t client_id)
{
    const uint32_t entry = likely(engine, account, client_id);
    return entry && engine->clients[entry].state == CLIENT_LIVE ? engine->clients[entry].slot : 0;
}

static uint32_t entry_take(struct msim_engine *engine)
{
    const uint32_t entry = engine->free_client;
    if (!entry)
        return (uint32_t)engine->client_used++;
    engine->free_client = engine->clients[entry].next;
    return entry;
}

uint32_t msim_client_add(struct msim_engine *engine, uint32_t account, uint64_t client_id,
                         uint64_t content, uint32_t slot)
{
    const uint32_t entry = entry_take(engine);
    assert(entry < engine->client_capacity);
    engine->clients[entry] = (struct client){
        .client_id = client_id,
        .content = content,
        .account = account,
        .slot = slot,
        .state = CLIENT_LIVE,
    };
    table_put(engine, hash_of(account, client_id), entry);
    engine->client_live++;
    return entry;
}

static void entry_give(struct msim_engine *engine, uint32_t entry)
{
    struct client *client = &engine->clients[entry];

    table_take(engine, hash_of(client->account, client->client_id), entry);
    client->state = CLIENT_FREE;
    client->next = engine->free_client;
    engine->free_client = entry;
}

static void forget_oldest(struct msim_engine *engine, struct account *account)
{
    const uint32_t place = account->finished_first;
    struct finished *finished = &engine->finished[place];

    account->finished_first = finished->next;
    if (!account->finished_first)
        account->finished_last = 0;
    account->finished_count--;
    engine->finished_count--;
    entry_give(engine, finished->client);
    finished->next = engine->free_finished;
    engine->free_finished = place;
}

static uint32_t finished_add(struct msim_engine *engine, struct account *account,
                             const struct finished *what)
{
    uint32_t place = engine->free_finished;
    if (place)
        engine->free_finished = engine->finished[place].next;
    else
        place = (uint32_t)engine->finished_used++;
    assert(place < engine->finished_capacity);

    engine->finished[place] = *what;
    engine->finished[place].next = 0;
    if (account->finished_last)
        engine->finished[account->finished_last].next = place;
    else
        account->finished_first = place;
    account->finished_last = place;
    account->finished_count++;
    engine->finished_count++;
    return place;
}

void msim_client_finish(struct msim_engine *engine, const struct order *order, msim_qty filled,
                        uint8_t status)
{
    struct client *client = &engine->clients[order->client];
    struct account *account = &engine->accounts[client->account];
    const struct finished finished = {
        .order = order->id,
        .filled = filled,
        .client = order->client,
        .instrument = order->instrument,
        .bits = order->bits & ((1u << BITS_STATE_AT) - 1),
        .status = status,
    };

    engine->client_live--;
    client->state = CLIENT_FINISHED;
    client->slot = finished_add(engine, account, &finished);
    if (account->finished_count > engine->finished_ids)
        forget_oldest(engine, account);
}

void msim_client_add_finished(struct msim_engine *engine, const struct client *client,
                              const struct finished *finished)
{
    const uint32_t entry = entry_take(engine);
    struct finished copy = *finished;

    copy.client = entry;
    engine->clients[entry] = *client;
    engine->clients[entry].state = CLIENT_FINISHED;
    engine->clients[entry].slot = finished_add(engine, &engine->accounts[client->account], &copy);
    table_put(engine, hash_of(client->account, client->client_id), entry);
}
