/*
 * Client ids of live orders: what nearly every order does with one.
 *
 * They stand beside the pool, by slot, in chains that start at a table of heads.  A new
 * id is a chain's first and looks at nothing else, a search reads a head and as a rule
 * one id.  The heads in use are a few for each live id, however large the pool, so that
 * those of a small book lie in the nearest cache.
 */
#ifndef MSIM_ENGINE_CLIENTS_H
#define MSIM_ENGINE_CLIENTS_H

#include "engine/state.h"

/*
 * What asks for memory in advance is always inline: gcc takes a function that does nothing else for
 * one without effects, and drops its calls.
 */

/* Records that are written next, asked for in advance: each is new memory. */
#define FINISHED_AHEAD 16

static inline uint32_t client_hash(const struct msim_engine *engine, uint32_t account,
                                   uint64_t client_id)
{
    return keyed_hash(engine, client_id, account);
}

/* Whether searches among so many ids stay short: of three ids hardly two have the same head. */
static inline bool heads_suffice(uint64_t heads, uint64_t count)
{
    return 2 * heads >= 3 * count;
}

/* There are heads. */
HOT uint32_t *client_head(const struct msim_engine *engine, uint32_t hash)
{
    return &engine->client_heads[hash & (engine->client_places - 1)];
}

/* The link of its chain that leads to the live order that has the id; to 0 where none has. */
HOT uint32_t *client_link(const struct msim_engine *engine, uint32_t account, uint64_t client_id,
                          uint32_t hash)
{
    uint32_t *link = client_head(engine, hash);
    uint32_t slot;

    while ((slot = *link) != 0 &&
           (engine->clients[slot].id != client_id || engine->orders[slot].account != account))
        link = &engine->orders[slot].client_next;
    return link;
}

/* The slot of the live order that has the id; 0 for none. */
HOT uint32_t client_slot(const struct msim_engine *engine, uint32_t account, uint64_t client_id)
{
    if (engine->client_places == 0)
        return 0;
    return *client_link(engine, account, client_id, client_hash(engine, account, client_id));
}

/* Ahead of client_slot: the head first, then what it leads to. */
HOT void client_prefetch(const struct msim_engine *engine, uint32_t hash)
{
    if (engine->client_places > 0)
        __builtin_prefetch(client_head(engine, hash), 1);
}

/* The slot that an id of that hash has in two cases of three: the first of its chain; 0 for
 * none. */
HOT uint32_t client_likely_slot(const struct msim_engine *engine, uint32_t hash)
{
    return engine->client_places > 0 ? *client_head(engine, hash) : 0;
}

/* The id is new, and was made room for. */
HOT void client_add(struct msim_engine *engine, uint32_t account, uint64_t client_id, uint32_t hash,
                    uint64_t content, uint32_t slot)
{
    uint32_t *head = client_head(engine, hash);
    struct client *client = &engine->clients[slot];
    struct account *of = &engine->accounts[account];

    client->id = client_id;
    client->content = content;
    engine->orders[slot].client_next = *head;
    engine->orders[slot].bits |= BITS_CLIENT;
    *head = slot;
    engine->client_live++;
    if (client_id > of->highest_id)
        of->highest_id = client_id;
}

/* The usual end: the account has room for more, and nobody asked for its first one. */
HOT uint32_t finished_append(struct msim_engine *engine, uint32_t number)
{
    struct account *account = &engine->accounts[number];

    if (account->finished_count >= engine->finished_ids || account->linked ||
        !account->waiting_first)
        return msim_finished_append(engine, account);
    const uint32_t place = (uint32_t)engine->finished_used++;
    __builtin_prefetch(&engine->finished[place + FINISHED_AHEAD], 1);
    engine->finished[place].next = account->finished_last;
    account->finished_last = place;
    account->finished_count++;
    return place;
}

/* The order ends: its id leaves the live ones, where the link leads to it, and is remembered. */
HOT void client_end(struct msim_engine *engine, uint32_t slot, uint32_t *link, msim_qty filled,
                    uint8_t status)
{
    const struct order *order = &engine->orders[slot];
    const struct client *client = &engine->clients[slot];

    *link = order->client_next;
    engine->client_live--;

    struct finished *finished = &engine->finished[finished_append(engine, order->account)];
    finished->client_id = client->id;
    finished->content = client->content;
    finished->order = order->id;
    finished->filled = filled;
    finished->account = order->account;
    finished->instrument = order->instrument;
    finished->bits = (uint16_t)(order->bits & BITS_ASKED);
    finished->status = status;
    finished->reserved = 0;
}

/* The same for whoever has not looked for it. */
HOT void client_finish(struct msim_engine *engine, const struct order *order, msim_qty filled,
                       uint8_t status)
{
    const uint32_t slot = order_slot(engine, order);
    const uint64_t id = engine->clients[slot].id;
    const uint32_t hash = client_hash(engine, order->account, id);

    client_end(engine, slot, client_link(engine, order->account, id, hash), filled, status);
}

#endif
