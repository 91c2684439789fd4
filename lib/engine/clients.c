/*
 * Client ids: unique for an account among its live orders and the last ones
 * finished.
 *
 * An open table of where they are, each beside 32 bits of its hash: a search reads
 * one line of the table, and the id itself only where the bits agree.  The bits tell
 * an entry's home, so removal shifts back and growth moves without reading ids.  A
 * live order's id stands beside the pool, by its slot; a finished one's at the end
 * of its account's list, whose oldest leaves when it is longer than was asked for.
 */
#include <assert.h>
#include <string.h>

#include "base/random.h"
#include "engine/state.h"

#define FINISHED_LIMIT INT32_MAX
/* Places for each id: searches stay short. */
#define PLACES_PER_ID 2

static uint32_t hash_of(const struct msim_engine *engine, uint32_t account, uint64_t client_id)
{
    return keyed_hash(engine, client_id, account);
}

static uint64_t home_of(const struct msim_engine *engine, uint32_t hash)
{
    return hash * engine->client_places >> 32;
}

static uint64_t after(const struct msim_engine *engine, uint64_t place)
{
    return place + 1 == engine->client_places ? 0 : place + 1;
}

/* How far a place lies behind another, around the end. */
static uint64_t distance(const struct msim_engine *engine, uint64_t from, uint64_t to)
{
    return to >= from ? to - from : to + engine->client_places - from;
}

static void table_put(struct msim_engine *engine, uint32_t hash, uint32_t at)
{
    uint64_t place = home_of(engine, hash);

    while (engine->client_index[place] != 0)
        place = after(engine, place);
    engine->client_index[place] = (uint64_t)hash << 32 | at;
}

/* The place of an entry that is there. */
static uint64_t table_find(const struct msim_engine *engine, uint32_t hash, uint32_t at)
{
    const uint64_t wanted = (uint64_t)hash << 32 | at;
    uint64_t place = home_of(engine, hash);

    while (engine->client_index[place] != wanted)
        place = after(engine, place);
    return place;
}

/* Takes an entry out; those behind it that are not at home move up. */
static void table_take(struct msim_engine *engine, uint32_t hash, uint32_t at)
{
    uint64_t *index = engine->client_index;
    uint64_t hole = table_find(engine, hash, at);

    for (uint64_t place = after(engine, hole); index[place] != 0; place = after(engine, place)) {
        const uint64_t home = home_of(engine, (uint32_t)(index[place] >> 32));
        if (distance(engine, home, place) >= distance(engine, hole, place)) {
            index[hole] = index[place];
            hole = place;
        }
    }
    index[hole] = 0;
}

void msim_clients_destroy(struct msim_engine *engine)
{
    const struct msim_allocator *allocator = &engine->allocator;

    msim_mem_free(allocator, engine->client_index,
                  engine->client_places * sizeof *engine->client_index);
    msim_mem_free(allocator, engine->clients, engine->client_capacity * sizeof *engine->clients);
    msim_mem_free(allocator, engine->finished,
                  engine->finished_capacity * sizeof *engine->finished);
}

/* A table of so many places, with all that the present one has. */
static int table_grow(struct msim_engine *engine, uint64_t places)
{
    uint64_t *old = engine->client_index;
    const uint64_t old_places = engine->client_places;
    uint64_t *index = msim_mem_zero_array(&engine->allocator, places, sizeof *index);

    if (!index)
        return MSIM_ERR_NOMEM;
    engine->client_index = index;
    engine->client_places = places;
    for (uint64_t i = 0; i < old_places; i++) {
        if (old[i] != 0)
            table_put(engine, (uint32_t)(old[i] >> 32), (uint32_t)old[i]);
    }
    msim_mem_free(&engine->allocator, old, old_places * sizeof *old);
    return MSIM_OK;
}

/* Room for so many client ids from the start. */
int msim_clients_create(struct msim_engine *engine, uint32_t count)
{
    if (count == 0)
        return MSIM_OK;
    int r = table_grow(engine, PLACES_PER_ID * ((uint64_t)count + 1));
    /* Just so many: growth would double it. */
    if (r == MSIM_OK)
        r = msim_mem_grow(&engine->allocator, (void **)&engine->finished,
                          &engine->finished_capacity, sizeof *engine->finished, (size_t)count + 3,
                          (size_t)count + 3);
    return r == MSIM_OK ? msim_clients_reserve(engine) : r;
}

int msim_clients_reserve(struct msim_engine *engine)
{
    const uint64_t wanted =
        PLACES_PER_ID * ((uint64_t)engine->client_live + engine->finished_count + 1);
    int r = MSIM_OK;

    if (!engine->clients)
        r = msim_mem_grow(&engine->allocator, (void **)&engine->clients, &engine->client_capacity,
                          sizeof *engine->clients, engine->order_capacity, engine->order_capacity);
    if (r == MSIM_OK && wanted > engine->client_places)
        r = table_grow(engine, wanted < 64 ? 64 : 2 * wanted);
    return r < 0 ? r : finished_reserve(engine, 1);
}

int msim_finished_reserve_slow(struct msim_engine *engine, size_t count)
{
    const size_t most = count < engine->client_live + 1 ? count : engine->client_live + 1;

    return msim_mem_grow(&engine->allocator, (void **)&engine->finished, &engine->finished_capacity,
                         sizeof *engine->finished, engine->finished_count + most + 2,
                         FINISHED_LIMIT);
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
    const uint32_t hash = hash_of(engine, account, client_id);

    if (!engine->client_index)
        return 0;
    for (uint64_t place = home_of(engine, hash); engine->client_index[place] != 0;
         place = after(engine, place)) {
        const uint32_t at = (uint32_t)engine->client_index[place];
        if (engine->client_index[place] >> 32 != hash)
            continue;
        if (at & CLIENT_FINISHED) {
            const struct finished *finished = &engine->finished[at & ~CLIENT_FINISHED];
            if (finished->client_id == client_id && finished->account == account)
                return at;
        } else if (engine->clients[at].id == client_id && engine->orders[at].account == account) {
            return at;
        }
    }
    return 0;
}

void msim_client_prefetch(const struct msim_engine *engine, uint32_t account, uint64_t client_id)
{
    if (engine->client_index)
        __builtin_prefetch(
            &engine->client_index[home_of(engine, hash_of(engine, account, client_id))], 1);
}

/* The slot that the id most likely has, without a look at it; 0 for none. */
uint32_t msim_client_likely_slot(const struct msim_engine *engine, uint32_t account,
                                 uint64_t client_id)
{
    const uint32_t hash = hash_of(engine, account, client_id);

    if (!engine->client_index)
        return 0;
    for (uint64_t place = home_of(engine, hash); engine->client_index[place] != 0;
         place = after(engine, place)) {
        const uint32_t at = (uint32_t)engine->client_index[place];
        if (engine->client_index[place] >> 32 == hash)
            return at & CLIENT_FINISHED ? 0 : at;
    }
    return 0;
}

void msim_client_add(struct msim_engine *engine, uint32_t account, uint64_t client_id,
                     uint64_t content, uint32_t slot)
{
    assert(slot < engine->client_capacity);
    engine->clients[slot] = (struct client){client_id, content};
    engine->orders[slot].bits |= BITS_CLIENT;
    table_put(engine, hash_of(engine, account, client_id), slot);
    engine->client_live++;
}

/* Its place is free afterwards. */
static uint32_t forget_oldest(struct msim_engine *engine, struct account *account)
{
    const uint32_t place = account->finished_first;
    const struct finished *finished = &engine->finished[place];

    table_take(engine, hash_of(engine, finished->account, finished->client_id),
               CLIENT_FINISHED | place);
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
    return (uint32_t)engine->finished_used++;
}

/* The youngest of its account's. */
static uint32_t append(struct msim_engine *engine, const struct finished *record)
{
    struct account *account = &engine->accounts[record->account];
    const uint32_t place = finished_take(engine, account);

    engine->finished[place] = *record;
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
    const uint32_t slot = order_slot(engine, order);
    const struct client *client = &engine->clients[slot];
    const uint32_t hash = hash_of(engine, order->account, client->id);
    const struct finished record = {
        .client_id = client->id,
        .content = client->content,
        .order = order->id,
        .filled = filled,
        .account = order->account,
        .instrument = order->instrument,
        .bits = (uint16_t)(order->bits & BITS_ASKED),
        .status = status,
    };
    const uint32_t place = append(engine, &record);

    engine->client_index[table_find(engine, hash, slot)] =
        (uint64_t)hash << 32 | CLIENT_FINISHED | place;
    engine->client_live--;
}

void msim_client_add_finished(struct msim_engine *engine, const struct finished *finished)
{
    const uint32_t place = append(engine, finished);
    table_put(engine, hash_of(engine, finished->account, finished->client_id),
              CLIENT_FINISHED | place);
}
